"""The name by which a value of a graph is spoken of: its label, its number, or its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from scalargrad.core.labels import clean, format_number, label_of
from scalargrad.core.value import Value

__all__ = ["names_of"]


def names_of(order: Sequence[Value], given: Mapping[Value, str] | None = None) -> dict[Value, str]:
    """A name for each value of `order`, different for different values.

    A labelled value has its label, made harmless; a second value of the same label becomes "w (2)".
    A constant is its number, the one kind of name that several values may share. Whatever else
    there is becomes "v12", 12 being its place in `order`, counted from 1.

    Args:
        order: values, each once: what `topological_order` gives.
        given: names for values without a label, such as a model's for its parameters.

    >>> from scalargrad.view.read.names import names_of
    >>> x, w = Value(3.0, "x"), Value(2.0, "w")
    >>> list(names_of(topological_order(2 * x * w + Value(1.0, "w"))).values())
    ['2', 'x', 'v3', 'w', 'v5', 'w (2)', 'v7']
    """
    given = given or {}
    labels = [
        clean(label_of(value) or given.get(value, "")) if value.label or given else ""
        for value in order
    ]
    taken = set(labels)
    names: dict[Value, str] = {}
    further: dict[str, Iterator[int]] = {}  # kept on: a million equal labels take no time
    for place, (value, label) in enumerate(zip(order, labels, strict=True), 1):
        name = label or (format_number(value.data) if value.is_constant else f"v{place}")
        if label and label not in further:
            further[label] = count(2)
        elif label:
            name = next(n for k in further[label] if (n := f"{label} ({k})") not in taken)
            taken.add(name)
        elif not value.is_constant:
            while name in taken:  # a label of somebody's
                name = f"v{name}"
        names[value] = name
    return names
