"""The live graph as a widget of a notebook: sliders, explanations at a click, the film."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

try:
    import anywidget
    import traitlets
except ModuleNotFoundError:
    raise ImportError(
        "sg.live needs anywidget. In the checkout type: pip install -e '.[widget]'"
    ) from None

from scalargrad.core.value import Value
from scalargrad.support import pages
from scalargrad.view.drawing import Drawing
from scalargrad.view.graph import count
from scalargrad.view.live.conversation import Conversation
from scalargrad.view.live.leaves import Leaf
from scalargrad.view.live.live import Live

__all__ = ["LiveGraph", "live"]

_FOLDER = files("scalargrad.view.live")


class LiveGraph(anywidget.AnyWidget):
    """A live graph in a notebook, as `live` returns it.

    Moving a slider changes `values` here, and `set` moves the slider there.

    >>> x = Value(3.0, "x")
    >>> sg.live(x * x, engine="builtin")
    LiveGraph(v2 = 9, 1 number to move)
    """

    _esm = _FOLDER.joinpath("live.js").read_text("utf-8")
    _css = _FOLDER.joinpath("live.css").read_text("utf-8")
    # The answer that shows the graph, for the first look and for notebooks without a kernel.
    graph = traitlets.Dict().tag(sync=True)

    def __init__(self, shown: Live) -> None:
        self._conversation = Conversation(shown)
        super().__init__(graph=self._conversation.answer({"type": "show"}))
        self.on_msg(self._hear)

    def _hear(self, _: Any, message: Any, __: Any) -> None:
        self.send(self._conversation.answer(message))

    def set(self, leaf: str | int, number: float) -> None:
        """Set the number in a leaf, as its slider does.

        Args:
            leaf: its name in the picture, or its place in `leaves`.
            number: a finite number.

        Raises:
            KeyError: no leaf has that name or place.
            TypeError: `number` is not a number.
            ValueError: `number` is nan or infinite.

        >>> x = Value(3.0, "x")
        >>> graph = sg.live(x * x, engine="builtin")
        >>> graph.set("x", 5.0)
        >>> graph.values["x"].grad
        10.0
        """
        self._conversation.live.set(leaf, number)
        self.send(self._conversation.update())

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The leaves that can be moved, with their numbers and the ranges of their sliders."""
        return self._conversation.live.leaves

    @property
    def values(self) -> dict[str, Value]:
        """The values that the picture shows, by name, with their numbers and gradients."""
        return self._conversation.live.values

    @property
    def fault(self) -> str:
        """Why a value cannot be computed at these numbers, in words; "" if all can."""
        return self._conversation.live.fault

    @property
    def drawing(self) -> Drawing:
        """The picture at the numbers of now, which saves itself in several formats."""
        return self._conversation.live.drawing

    def __repr__(self) -> str:
        result = self._conversation.result
        return f"LiveGraph({result}, {count(len(self.leaves), 'number')} to move)"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and a picture for where widgets do not run."""
        bundle = super()._repr_mimebundle_(**kwargs)
        assert bundle is not None, "it has a view"
        data, metadata = bundle
        forms = {**data, "image/svg+xml": self._conversation.live.svg, "text/plain": repr(self)}
        return pages.offered(forms, kwargs.get("include"), kwargs.get("exclude")), metadata


def live(
    x: Value, model: Any = None, max_nodes: int = 150, max_edges: int = 400,
    expand: str | Value | Iterable[str | Value] = (), focus: Value | str | None = None,
    radius: int = 2, rankdir: str = "LR", engine: str = "auto",
) -> LiveGraph:  # fmt: skip
    """Show the graph of `x` in a notebook, with numbers that can be moved.

    Each leaf has a slider. While it moves, all values, local derivatives, gradients and colours of
    the picture follow. A click on a box shows its formula, its derivative explained, and its paths
    to the result; a film shows the forward and the backward pass; the graph of the derivative by a
    leaf is a live graph itself. Where widgets do not run, the notebook shows a picture.

    The graph has values of its own: neither `x` nor what it was computed from ever changes. What a
    number decided in the program, as in ``if x > 0`` or in the condition of `where`, stays as it
    was decided.

    Args:
        x: the result, a Value.
        model: the `nn.Module`, or list or dict of parameters, that names the parameters.
        max_nodes: the most boxes; a larger graph is shown as groups of values, as in `draw`.
        max_edges: the most edges.
        expand: names of groups to open, or Values in them, as in `draw`.
        focus: a Value, or its label or "#12", to show with its surroundings as single boxes.
        radius: how many edges away from `focus` values are still shown singly.
        rankdir: the direction from inputs to result: "LR" (left to right), "TB" (top to bottom),
            "RL" or "BT".
        engine: the layout engine, as in `draw`.

    Returns:
        The widget, with `set`, `values`, `leaves`, `fault` and `drawing`.

    Raises:
        ImportError: anywidget is not installed; the message says what to type.
        TypeError: `x` is not a Value, or `model` is not a model.
        ValueError: `rankdir` or `engine` is unknown, a budget or `radius` is too small, or the
            graph holds nothing of a name in `expand` or `focus`.
        RuntimeError: the requested `engine` does not work.

    >>> x, w = Value(0.5, "x"), Value(3.0, "w")
    >>> y = x * w
    >>> y.label = "y"
    >>> graph = sg.live(y, engine="builtin")
    >>> graph
    LiveGraph(y = 1.5, 2 numbers to move)
    """
    return LiveGraph(Live(x, model, max_nodes, max_edges, expand, focus, radius, rankdir, engine))
