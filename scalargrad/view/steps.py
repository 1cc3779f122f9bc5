"""`steps`: the forward and the backward pass of a Value as a film."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from scalargrad.core.value import Value
from scalargrad.support.collector import collector_paused
from scalargrad.view.film.film import Film
from scalargrad.view.film.passes import passes_of
from scalargrad.view.layout import choose
from scalargrad.view.paint.scene import paint
from scalargrad.view.read.reading import read

__all__ = ["steps"]


def steps(
    x: Value, model: Any = None, max_nodes: int = 150, max_edges: int = 400,
    expand: str | Value | Iterable[str | Value] = (), focus: Value | str | None = None,
    radius: int = 2, rankdir: str = "LR", engine: str = "auto",
) -> Film:  # fmt: skip
    """Return the forward and the backward pass of the graph of `x` as a film.

    Forward, value by value, the film shows how each number is computed; backward, in the order of
    `x.backward()`, what each value passes on to its operands: the chain rule with names and
    numbers. The film computes the derivatives itself, from 1 at `x`; it neither reads nor changes
    any `grad`. It shows itself in Jupyter; without scripts it is a picture of the last step with
    all steps in words. `.save("film.html")` writes a web page.

    Args:
        x: the result, a Value.
        model: the `nn.Module`, or list or dict of parameters, that names the parameters.
        max_nodes: the most boxes; a larger graph is shown as groups of values, and the film goes
            from group to group.
        max_edges: the most edges.
        expand: names of groups to open, or Values in them, as in `draw`.
        focus: a Value, or its label or "v12", to show with its surroundings as single boxes.
        radius: how many edges away from `focus` values are still shown singly.
        rankdir: the direction from inputs to result: "LR" (left to right), "TB" (top to bottom),
            "RL" or "BT".
        engine: the layout engine, as in `draw`.

    Returns:
        A film with `steps`, `html` and `save`.

    Raises:
        TypeError: `x` is not a Value, or `model` is not a model.
        ValueError: `rankdir` or `engine` is unknown, `max_nodes` is below 1, `max_edges` or
            `radius` below 0, or the graph holds nothing of a name in `expand` or `focus`.
        RuntimeError: the requested `engine` does not work.

    >>> from scalargrad.view.steps import steps
    >>> x, w = Value(0.5, "x"), Value(3.0, "w")
    >>> y = x * w
    >>> y.label = "y"
    >>> for step in steps(y, engine="builtin").steps:
    ...     print(step)
    forward: Start with the given values
        inputs: x = 0.5, w = 3
    forward: y = x·w = 0.5·3 = 1.5
    backward: y.grad = 1
        ∂y/∂y = 1; every other gradient starts at 0
    backward: y.grad = 1 is complete and flows back through y = x·w
        x.grad += y.grad × ∂y/∂x = y.grad × w = 1 × 3 = 3
        w.grad += y.grad × ∂y/∂w = y.grad × x = 1 × 0.5 = 0.5
    >>> x.grad
    0.0
    """
    if not isinstance(x, Value):
        raise TypeError(f"steps needs a Value, not {type(x).__name__}")
    choose.check(engine)
    with collector_paused():
        reading = read(x, model, max_nodes, max_edges, expand, focus, radius, rankdir, film=True)
        passes = passes_of(reading)
    # A gradient on the way may be longer than the last one: boxes have room for the longest.
    roomy = tuple(
        box if box.grad is None else replace(box, grad=passes.widest.get(box.number, box.grad))
        for box in reading.graph.boxes
    )
    layout, engine = choose.lay_out(replace(reading.graph, boxes=roomy), engine)
    picture = paint(reading.graph, layout)
    return Film(passes.steps, picture, reading.graph, engine, passes.start)
