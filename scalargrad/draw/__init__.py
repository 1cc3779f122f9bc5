"""Pictures of computation graphs: one box per value, one edge per operand."""

from scalargrad.draw.drawing import Drawing
from scalargrad.draw.entry import draw

__all__ = ["Drawing", "draw"]
