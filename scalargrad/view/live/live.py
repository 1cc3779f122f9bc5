"""A live graph: drawn once, and changed in place while the numbers in its leaves move."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

from scalargrad.core.labels import format_number
from scalargrad.core.numbers import as_float, shown
from scalargrad.core.primitives import identity, where
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value
from scalargrad.support.collector import collector_paused
from scalargrad.transforms.functional import grad
from scalargrad.view import theme
from scalargrad.view.drawing import Drawing
from scalargrad.view.film.film import Film
from scalargrad.view.film.passes import passes_of
from scalargrad.view.geometry import Layout
from scalargrad.view.graph import Graph
from scalargrad.view.layout import choose
from scalargrad.view.live.changes import changes
from scalargrad.view.live.explained import BoxExplanation, explained
from scalargrad.view.live.leaves import Leaf, leaves_of, listed, stretched
from scalargrad.view.live.replay import Replayed, as_sentence, derivatives, in_no_mode, replayed
from scalargrad.view.paint import svg
from scalargrad.view.paint.scene import paint
from scalargrad.view.paint.shapes import Scene, Text
from scalargrad.view.read.names import names_of
from scalargrad.view.read.reading import Reading, read
from scalargrad.view.read.roles import find_roles

__all__ = ["Live"]

_WIDEST = -1.234e-56  # boxes and labels have room for a number as long as this one
_LEAST_WIDTH = 420.0  # of a picture, so that its legend has one width whatever numbers stand in it
_NOT_KNOWN = "–"
_DECIDED = (
    "What the program has compared stays as it was decided: a `where` takes the same branch, "
    "whatever the numbers are now."
)


class Live:
    """The graph of a value, with numbers that can be moved.

    It is drawn once. When a number in a leaf is set, all values, local derivatives and gradients
    are computed anew, by the operations of the graph in the order of the graph, and `update` tells
    what to change in the picture that is there. What a number decided in the program, as in
    ``if x > 0`` or in the condition of `where`, stays as it was decided.

    It has values of its own: neither `x` nor what it was computed from ever changes.

    Args:
        x: the result, a Value.
        model: the `nn.Module`, or list or dict of parameters, that names the parameters.
        max_nodes: the most boxes; a larger graph is shown as groups of values, as in `draw`.
        max_edges: the most edges.
        expand: names of groups to open, or Values in them, as in `draw`.
        focus: a Value, or its label or "#12", to show with its surroundings as single boxes.
        radius: how many edges away from `focus` values are still shown singly.
        rankdir: the direction from inputs to result: "LR", "TB", "RL" or "BT".
        engine: the layout engine, as in `draw`.

    Attributes:
        leaves: the leaves that can be moved, with their numbers and ranges.
        fault: why a value cannot be computed at these numbers, in words; "" if all can.

    Raises:
        TypeError: `x` is not a Value, or `model` is not a model.
        ValueError: `rankdir` or `engine` is unknown, a budget or `radius` is too small, or the
            graph holds nothing of a name in `expand` or `focus`.
        RuntimeError: the requested `engine` does not work.

    >>> x, w = Value(0.5, "x"), Value(3.0, "w")
    >>> y = x * w
    >>> y.label = "y"
    >>> live = Live(y, engine="builtin")
    >>> live.set("w", 4.0)
    >>> live.values["y"].data, live.values["x"].grad
    (2.0, 4.0)
    >>> w.data
    3.0
    """

    def __init__(
        self, x: Value, model: Any = None, max_nodes: int = 150, max_edges: int = 400,
        expand: str | Value | Iterable[str | Value] = (), focus: Value | str | None = None,
        radius: int = 2, rankdir: str = "LR", engine: str = "auto",
    ) -> None:  # fmt: skip
        if not isinstance(x, Value):
            raise TypeError(f"live needs a Value, not {type(x).__name__}")
        choose.check(engine)
        if isinstance(expand, Iterator):  # it is read again for each picture
            expand = list(expand)
        self._tape = Tape.of([x])
        self._paths = None if model is None else find_roles(self._tape, model).paths
        self._view = (max_nodes, max_edges, expand, focus, radius, rankdir)
        names = find_roles(self._tape, model).names
        self._names = [*names_of(self._tape.nodes, names).values()]  # as boxes show them
        with collector_paused():
            reading = read(x, model, *self._view, film=True)
            self.leaves: tuple[Leaf, ...] = leaves_of(reading)
            self._start = self.leaves
            layout, self.engine = choose.lay_out(_roomy(reading.graph), engine)
        self._reading, self._layout = reading, _wide(layout)
        self.fault = ""
        self._run = Replayed(())
        self._compute()
        self._told = self._painted()  # what the page shows

    # Numbers

    def set(self, leaf: str | int, number: float) -> None:
        """Set the number in a leaf; all values and gradients follow.

        Args:
            leaf: its name in the picture, or its place in `leaves`.
            number: a finite number.

        Raises:
            KeyError: no leaf has that name or place.
            TypeError: `number` is not a number.
            ValueError: `number` is nan or infinite.

        Where an operation is not defined at the numbers, `fault` says why, and what depends on it
        is shown without numbers until it is defined again.
        """
        self._set([(leaf, number)])

    def set_all(self, numbers: Mapping[Any, float]) -> None:
        """Set the numbers in several leaves, as `set` does; on an error none changes."""
        self._set(numbers.items())

    def _set(self, numbers: Iterable[tuple[Any, Any]]) -> None:
        moved = list(self.leaves)
        for key, number in numbers:
            leaf = self._leaf(key)
            number = as_float(number, f"live: the number of {leaf.name}")
            if not isfinite(number):
                raise ValueError(f"live: the number of {leaf.name} must be finite, got {number!r}")
            moved[leaf.index] = stretched(moved[leaf.index], number)
        self.leaves = tuple(moved)
        self._compute()

    def reset(self) -> None:
        """Set all leaves to the numbers that they had at first."""
        self.leaves = self._start
        self._compute()

    def _leaf(self, key: Any) -> Leaf:
        for leaf in self.leaves:
            by = leaf.index if type(key) is int else leaf.name if isinstance(key, str) else None
            if by is not None and key == by:
                return leaf
        raise KeyError(f"no leaf {shown(key)}; there are: {listed(self.leaves)}")

    @property
    def values(self) -> dict[str, Value]:
        """The values that have boxes of their own, by name; without those that have no number now.

        They are part of one graph, whose gradients are those of the result.
        """
        nodes = zip(self._tape.nodes, self._run.nodes, strict=True)
        return {
            name: node
            for (old, node), name in zip(nodes, self._names, strict=True)
            if node is not None and not old.is_constant
        }

    @property
    def value(self) -> Value | None:
        """The result with its graph, at the numbers of now; None if it has no number there."""
        return self._run.nodes[-1]  # type: ignore[no-any-return]

    @property
    def note(self) -> str:
        """What does not follow the numbers, in words; "" if there is no such thing in the graph."""
        chosen = (node._row is where and node.parents[0].is_constant for node in self._tape.nodes)
        return _DECIDED if any(chosen) else ""

    @property
    def name(self) -> str:
        """The name of the result."""
        return self._names[-1]

    # What is shown

    @property
    def svg(self) -> str:
        """The picture at the numbers of now, as the text of an SVG document."""
        return svg.write(self._painted())

    @property
    def drawing(self) -> Drawing:
        """The picture at the numbers of now, which saves itself in several formats."""
        scene = self._painted()
        return Drawing(svg.write(scene), self.engine, self._reading.graph, scene)

    @property
    def summary(self) -> str:
        """One sentence for people who cannot see the picture."""
        return self.fault or self._reading.graph.summary

    def shown(self) -> str:
        """The picture for a page; from now on `update` tells what differs from it."""
        self._told = self._painted()
        return svg.write(self._told, in_page=True)

    def update(self) -> dict[str, Any]:
        """What has changed in the picture since `shown` or `update` was last called.

        Returns:
            ``elements``: as `changes` lists them; ``size``: the width and the height of the
            picture.
        """
        before, self._told = self._told, self._painted()
        found = changes(before, self._told)
        return {"elements": found, "size": [self._told.width, self._told.height]}

    def explanation(self, box: int) -> BoxExplanation:
        """What a click on a box shows: its formula, its derivative explained, its paths.

        Args:
            box: the number of the box.

        Raises:
            KeyError: no box has that number.
        """
        boxes = self._reading.graph.boxes
        if type(box) is not int or not 0 <= box < len(boxes):
            raise KeyError(f"no box {shown(box)}; the picture has {len(boxes)}")
        members = self._reading.members[box]
        title = boxes[box].title
        if self.fault and any(self._run.nodes[i] is None for i in members):
            return BoxExplanation(box, title, text=f"It has no number here: {self.fault}")
        if self.fault:
            text = "Its derivative is not known here, since the result has no number."
            return BoxExplanation(box, title, text=text)
        with collector_paused():
            names = dict(zip(self._run.nodes, self._names, strict=True))
            return explained(self._reading, boxes[box], names, self._model(self._run.nodes))

    def film(self) -> Film:
        """The forward and the backward pass at the numbers of now, step by step.

        Raises:
            ValueError: a value cannot be computed at these numbers.
        """
        if self.fault:
            raise ValueError(f"there is no film of it: {self.fault}")
        with collector_paused():
            passes = passes_of(self._reading)
        return Film(passes.steps, self._painted(), self._reading.graph, self.engine, passes.start)

    def derivative(self, leaf: str | int) -> Live:
        """The live graph of the derivative of the result by a leaf.

        The derivative is a value like any other, computed from the leaves and from the values of
        this graph.

        Args:
            leaf: the name of the leaf in the picture, or its place in `leaves`.

        Raises:
            KeyError: no leaf has that name or place.
            ValueError: a value cannot be computed at these numbers.

        >>> x = Value(2.0, "x")
        >>> slope = Live(x * x * x, engine="builtin").derivative("x")
        >>> slope.value.data, slope.values["x"].grad
        (12.0, 12.0)
        """
        chosen = self._leaf(leaf)
        if self.fault:
            raise ValueError(f"there is no derivative of it: {self.fault}")
        nodes = {moved.node: self._named_leaf(moved) for moved in self.leaves}

        def result(number: Value) -> Any:
            run = replayed(self._tape, {**nodes, chosen.node: number})
            assert run.error is None, "the same numbers as those of now"
            return run.nodes[-1]

        slope = in_no_mode(lambda: grad(result)(nodes[chosen.node]))
        if not isinstance(slope, Value):
            slope = Value(slope)
        if slope.label or not slope.parents:
            slope = in_no_mode(lambda: identity(slope))  # it is a value that has a name already
        slope.label = f"∂{self._names[-1]}/∂{chosen.name}"
        max_nodes, max_edges, _, _, _, rankdir = self._view
        return Live(slope, None, max_nodes, max_edges, rankdir=rankdir, engine=self.engine)

    def _named_leaf(self, leaf: Leaf) -> Value:
        return Value(leaf.number, self._tape.nodes[leaf.node].label or leaf.name)

    # How it is computed

    def _compute(self) -> None:
        with collector_paused():
            numbers = {leaf.node: leaf.number for leaf in self.leaves}
            run = in_no_mode(lambda: replayed(self._tape, numbers))
            if run.whole:
                grads = derivatives(run.nodes)
                self._reading = self._read(run, grads)
        self._run = run
        self.fault = "" if run.error is None else as_sentence(run.error)

    def _read(self, run: Replayed, grads: list[float]) -> Reading:
        """The same boxes and edges with other numbers."""
        max_nodes, max_edges, expand, focus, radius, rankdir = self._view

        def now(x: Any) -> Any:
            return run.nodes[self._tape.index[x]] if isinstance(x, Value) else x

        opened = now(expand) if isinstance(expand, (str, Value)) else [now(x) for x in expand]
        return read(
            run.nodes[-1], self._model(run.nodes), max_nodes, max_edges, opened, now(focus),
            radius, rankdir, grads=grads,
        )  # fmt: skip

    def _model(self, nodes: Any) -> Any:
        """The parameters of the model among these nodes, by their paths; None without a model."""
        return {path: nodes[i] for i, path in self._paths.items()} if self._paths else None

    def _painted(self) -> Scene:
        graph = self._reading.graph
        if self._run.whole:
            return paint(graph, self._layout)
        return self._without_numbers(graph)

    def _without_numbers(self, graph: Graph) -> Scene:
        """The picture at a fault: what is known has numbers, nothing has a gradient."""
        nodes, reading = self._run.nodes, self._reading
        single = {
            box.number: nodes[reading.members[box.number][0]]
            for box in graph.boxes
            if box.values == 1 and reading.members[box.number]
        }
        boxes = tuple(
            replace(
                box, grad=None, mark="",
                data=box.data if (node := single.get(box.number)) is None else node.data,
            )
            for box in graph.boxes
        )  # fmt: skip
        edges = tuple(
            edge if not edge.text or edge.count > 1
            else replace(edge, text=_NOT_KNOWN) if (head := single.get(edge.head)) is None
            else replace(edge, text=format_number(head.partials[edge.position]))
            for edge in graph.edges
        )  # fmt: skip
        scene = paint(replace(graph, boxes=boxes, edges=edges, backward=False), self._layout)
        fault = reading.box_of[self._run.fault or 0]
        groups = []
        for group in scene.groups:
            shapes = list(group.shapes)
            unknown = group.box is not None and single.get(group.box, 0) is None
            for k, shape in enumerate(shapes):
                if isinstance(shape, Text) and shape.row == "data" and unknown:
                    shapes[k] = shape._replace(text=f"data {_NOT_KNOWN}")
                elif not isinstance(shape, Text) and group.box == fault and shape.look:
                    shapes[k] = shape._replace(look=shape.look._replace(fill=theme.NOT_FINITE))
            groups.append(replace(group, shapes=tuple(shapes)))
        return Scene(scene.width, scene.height, tuple(groups), f"{self.fault}; {graph.summary}")


def _roomy(graph: Graph) -> Graph:
    """The graph with the longest numbers, for which a layout has to find room."""
    boxes = tuple(
        box if box.kind == "constant"
        else replace(box, grad=_WIDEST, data=None if box.data is None else _WIDEST)
        for box in graph.boxes
    )  # fmt: skip
    edges = tuple(
        replace(edge, text=format_number(_WIDEST)) if edge.text and edge.count == 1 else edge
        for edge in graph.edges
    )
    return replace(graph, boxes=boxes, edges=edges)


def _wide(layout: Layout) -> Layout:
    """The layout in the middle of a picture that is wide enough for its legend."""
    more = max(0.0, _LEAST_WIDTH - layout.width)
    return replace(layout.moved(more / 2), width=layout.width + more)
