"""The entry to the film: from a Value to its forward and backward pass, step by step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from scalargrad.core.value import Value
from scalargrad.support.collector import collector_paused
from scalargrad.view.film.narration import tell
from scalargrad.view.film.page import Film
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

    Forward, value by value, it shows how each number came about; backward, in the order that
    `x.backward()` takes, what each value passes on to its operands: the chain rule with names and
    numbers. The film works out the derivatives for itself, from 1 at `x`: it neither needs nor
    changes anybody's `grad`. It shows itself in Jupyter, where scripts do not run as a picture of
    the end with all steps in words; `.save("film.html")` makes a page of its own.

    Args:
        x: the result, a Value.
        model: the nn.Module (or list or dict of parameters) in `x`, which names its parameters.
        max_nodes: a larger graph is shown as groups of values, at most so many boxes, and the
            film goes from group to group.
        max_edges: likewise for edges.
        expand: groups to open, as in `draw`.
        focus: a Value, its label or "v12", to show with what is around it as single boxes.
        radius: how many edges away from `focus` values are still shown singly.
        rankdir: from inputs to result, "LR" (left to right), "TB" (top to bottom), "RL" or "BT".
        engine: what lays the picture out, as in `draw`.

    Raises:
        TypeError: `x` is no Value, or `model` no model.
        ValueError: an unknown `rankdir` or `engine`, `max_nodes` below 1, `max_edges` or `radius`
            below 0, or a name that is not in the graph.
        RuntimeError: the `engine` asked for does not work.

    >>> from scalargrad.view.steps import steps
    >>> x, w = Value(0.5, "x"), Value(3.0, "w")
    >>> y = x * w
    >>> y.label = "y"
    >>> for step in steps(y, engine="builtin").steps:
    ...     print(step)
    forward: Given are the numbers to start from
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
        told = tell(
            read(x, model, max_nodes, max_edges, expand, focus, radius, rankdir, named=True)
        )
    # A number on the way may be longer than the last one: boxes are made for the longest.
    roomy = tuple(
        box if box.grad is None else replace(box, grad=told.widest.get(box.number, box.grad))
        for box in told.graph.boxes
    )
    layout, engine = choose.lay_out(replace(told.graph, boxes=roomy), engine)
    return Film(told.steps, paint(told.graph, layout), told.graph, engine, told.start)
