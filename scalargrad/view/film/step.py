"""A step of a film: what happens, in words and as changes of the picture."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["Change", "Step"]


class Change(NamedTuple):
    """A change of one box: the text of the row `part`, or the colour of the box ("fill")."""

    box: int
    part: Literal["data", "grad", "fill"]
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a film, in words and as changes of the picture.

    `title` and `lines` say what happens. `boxes` are the numbers of the boxes that act, `touched`
    those that receive a gradient, `edges` the indices of the edges along which values or gradients
    flow, and `stopped` those of the edges along which nothing flows.
    """

    phase: Literal["forward", "backward"]
    title: str
    lines: tuple[str, ...] = ()
    boxes: tuple[int, ...] = ()
    touched: tuple[int, ...] = ()
    edges: tuple[int, ...] = ()
    stopped: tuple[int, ...] = ()
    changes: tuple[Change, ...] = ()

    def __str__(self) -> str:
        return "\n    ".join((f"{self.phase}: {self.title}", *self.lines))
