"""What the layout tests share: random graphs, and whether two rectangles overlap."""

from hypothesis import strategies as st

from scalargrad.view.geometry import Rectangle

Links = list[tuple[int, int]]


@st.composite
def links(draw: st.DrawFn, boxes: int = 25, operands: int = 5) -> tuple[int, Links]:
    """A number of boxes, and for each its operands among those before it, connected or not."""
    count = draw(st.integers(1, boxes))
    found = []
    for head in range(1, count):
        # Mostly from nearby, sometimes from far away, and the same one more than once.
        tail = st.integers(max(head - 6, 0), head - 1) | st.integers(0, head - 1)
        found += [(operand, head) for operand in draw(st.lists(tail, max_size=operands))]
    return count, found


def overlap(one: Rectangle, other: Rectangle, clearance: float = 0.0) -> bool:
    """Whether two rectangles are closer than `clearance`."""
    return (
        abs(one.x - other.x) < (one.width + other.width) / 2 + clearance
        and abs(one.y - other.y) < (one.height + other.height) / 2 + clearance
    )
