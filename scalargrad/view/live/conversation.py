"""The messages between a page with a live graph and Python, as plain data.

The page asks, Python answers; each message is a dict that JSON can write. A Web Worker carries
them by ``postMessage``, Jupyter by the messages of a widget; the page knows neither, it has a
transport of two functions: ``send(message)``, and ``on(listener)``, which calls the listener with
each answer.

A question has a ``type``, and may have an ``id``, which its answer repeats:

* ``{"type": "show"}``: the picture and the leaves. The answer is a ``graph``.
* ``{"type": "set", "numbers": {"3": 0.25}}``: set the numbers of leaves, by their index. The
  answer is an ``update``.
* ``{"type": "reset"}``: the numbers from the beginning. The answer is an ``update``.
* ``{"type": "explain", "box": 7}``: the answer is an ``explanation``.
* ``{"type": "film"}``: the answer is a ``film``.
* ``{"type": "derivative", "leaf": 3}``: show the graph of the derivative of the result by this
  leaf in place of the graph. The answer is a ``graph``.
* ``{"type": "back"}``: show the graph again whose derivative is shown. The answer is a ``graph``.

An answer has a ``type``, and where the question had one an ``id``:

* ``graph``: ``svg``, the picture, in which the box 7 and the edge 9 are the groups with the
  attributes ``data-box="7"`` and ``data-edge="9"``; ``leaves``, a list of dicts with ``index``,
  ``name``, ``kind``, ``box``, ``number``, ``low``, ``high`` and ``step``; ``title``; ``depth``,
  how many derivatives were taken; ``note``, what does not follow the numbers, or "";
  ``result``, the name of the result and its number, in words;
  ``fault``, why a value cannot be computed, or ""; ``summary``, one sentence.
* ``update``: ``elements``, a list of what to set, each ``[group, element, attributes, text]``: in
  the element at this place among the children of this group of the picture (the group at this
  place among its children) the attributes, of which None takes one away, and the text, unless it
  is None; where ``element`` is -1, ``attributes`` is the list of all elements of the group, each
  ``[name, attributes, text]``. ``size``: the width and height of the picture. ``leaves``,
  ``result``, ``fault`` and ``summary`` as above.
* ``explanation``: ``box``, ``title``, ``formula``, ``latex``, ``local``, ``text``, ``paths`` and
  ``more``, see `BoxExplanation`.
* ``film``: ``summary``, ``start`` and ``steps``, as the page of a film has them.
* ``error``: ``text``, why there is no other answer. Nothing has changed.

Numbers that may be nan or infinite are sent as texts only, since JSON has no such numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from scalargrad.core.labels import format_number
from scalargrad.core.numbers import shown, written
from scalargrad.view.live.live import Live
from scalargrad.view.live.replay import as_sentence

__all__ = ["Conversation"]

_MOST_DERIVATIVES = 6  # each has several times as many values as the one before

Message = dict[str, Any]


class Conversation:
    """Answers the questions of a page about a live graph.

    Args:
        live: the graph that is shown at first.

    Attributes:
        live: the graph that is shown: that one, or a derivative of it.

    >>> x = Value(2.0, "x")
    >>> asked = Conversation(Live(x * x, engine="builtin"))
    >>> asked.answer({"type": "set", "numbers": {"0": 3.0}, "id": 5})["result"]
    'v2 = 9'
    >>> asked.answer({"type": "dance"})["text"]
    "no answer to a message of the type 'dance'"
    """

    def __init__(self, live: Live) -> None:
        self.live = live
        self._before: list[Live] = []
        self._answers: dict[str, Callable[[Mapping[str, Any]], Message]] = {
            "show": self._graph, "set": self._set, "reset": self._reset,
            "explain": self._explanation, "film": self._film, "derivative": self._derivative,
            "back": self._back,
        }  # fmt: skip

    def answer(self, message: Any) -> Message:
        """The answer to a message of the page; what is wrong with it is an answer too."""
        asked = message if isinstance(message, Mapping) else {}
        kind = asked.get("type")
        try:
            if not isinstance(kind, str) or kind not in self._answers:
                raise ValueError(f"no answer to a message of the type {written(kind)}")
            answer = self._answers[kind](asked)
        except (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError) as error:
            text = error.args[0] if isinstance(error, KeyError) and error.args else error
            answer = {"type": "error", "text": as_sentence(ValueError(text))}
        return {**answer, "id": asked["id"]} if "id" in asked else answer

    def _graph(self, _: Mapping[str, Any]) -> Message:
        live = self.live
        svg = live.shown()
        title = live.drawing.graph.boxes[-1].title
        return {
            "type": "graph", "svg": svg, "title": title, "depth": len(self._before),
            "note": live.note, **self._state(),
        }  # fmt: skip

    def _state(self) -> Message:
        live = self.live
        leaves = [asdict(leaf) for leaf in live.leaves]
        for leaf in leaves:
            del leaf["node"]
        return {
            "leaves": leaves,
            "result": self.result,
            "fault": live.fault,
            "summary": live.summary,
        }

    @property
    def result(self) -> str:
        """The name of the result and its number, in words."""
        value = self.live.value
        number = "–" if value is None else format_number(value.data)
        return f"{self.live.name} = {number}"

    def update(self) -> Message:
        """The answer that brings all pages up to date, after numbers were set in Python."""
        return {"type": "update", **self.live.update(), **self._state()}

    def _set(self, message: Mapping[str, Any]) -> Message:
        numbers = message.get("numbers")
        if not isinstance(numbers, Mapping):
            raise TypeError(f"set needs numbers by the index of the leaf, got {shown(numbers)}")
        self.live.set_all({int(index): number for index, number in numbers.items()})
        return self.update()

    def _reset(self, _: Mapping[str, Any]) -> Message:
        self.live.reset()
        return self.update()

    def _explanation(self, message: Mapping[str, Any]) -> Message:
        told = self.live.explanation(message.get("box", -1))
        paths = [path._asdict() for path in told.paths]
        return {"type": "explanation", **told._asdict(), "paths": paths}

    def _film(self, _: Mapping[str, Any]) -> Message:
        return {"type": "film", **self.live.film().data}

    def _derivative(self, message: Mapping[str, Any]) -> Message:
        if len(self._before) >= _MOST_DERIVATIVES:
            raise ValueError(f"no more than {_MOST_DERIVATIVES} derivatives of one another")
        derivative = self.live.derivative(message.get("leaf", -1))
        self._before.append(self.live)
        self.live = derivative
        return self._graph(message)

    def _back(self, message: Mapping[str, Any]) -> Message:
        if self._before:
            self.live = self._before.pop()
        return self._graph(message)
