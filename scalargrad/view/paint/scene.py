"""Paint a graph: its boxes, edges, labels and legend as one scene of shapes."""

from scalargrad.view import theme
from scalargrad.view.geometry import Layout, Point, Rectangle, Route
from scalargrad.view.graph import Box, Edge, Graph
from scalargrad.view.paint.legend import legend
from scalargrad.view.paint.shapes import (
    Curve,
    Font,
    Group,
    Look,
    Polygon,
    RoundedBox,
    Scene,
    Text,
    outline,
)

__all__ = ["paint"]

_LINE = Look(stroke=theme.EDGE_COLOUR, width=theme.EDGE_WIDTH)
_ARROW = Look(theme.EDGE_COLOUR)
_BOX_FONT = Font(theme.BOX_FONT_SIZE, "middle")
_EDGE_FONT = Font(theme.EDGE_FONT_SIZE, "middle")


def paint(graph: Graph, layout: Layout) -> Scene:
    """Return the picture of `graph` as `layout` arranges it, with a legend below.

    >>> from scalargrad.view.layout.builtin import lay_out
    >>> lone = Graph((Box(0, "result", "y", "", 2.0, 1.0),), (), "", "LR")
    >>> [shape.text for shape in paint(lone, lay_out(lone)).groups[-2].shapes[1:]]
    ['y', 'data 2', 'grad 1']
    """
    below, least_width, more_height = legend(graph, layout.width, layout.height)
    width, height = max(layout.width, least_width), layout.height + more_height
    if width > layout.width:
        layout = layout.moved((width - layout.width) / 2)  # into the middle above its legend
    page = RoundedBox(0.0, 0.0, width, height, 0.0, Look(theme.BACKGROUND))
    edges = list(enumerate(zip(graph.edges, layout.routes, strict=True)))
    lines = tuple(_line(edge, route, index) for index, (edge, route) in edges)
    # Polygons: an SVG marker would need an id, and ids clash when a page shows two pictures.
    arrows = tuple(Polygon(_arrow(edge, route), edge=index) for index, (edge, route) in edges)
    labels = (_label(edge, route, index, graph) for index, (edge, route) in edges if edge.lines)
    boxes = (_box(*pair, graph) for pair in zip(graph.boxes, layout.boxes, strict=True))
    behind = (Group((page,)), Group(lines, _LINE), Group(arrows, _ARROW), *labels)
    return Scene(width, height, (*behind, *boxes, below), graph.summary)


def _line(edge: Edge, route: Route, index: int) -> Curve:
    wide = _LINE._replace(width=theme.line_width(edge)) if edge.count > 1 else None
    return Curve(route.curve, wide, index)


def _arrow(edge: Edge, route: Route) -> tuple[Point, ...]:
    (x, y), (foot_x, foot_y) = route.tip, route.curve[-1]
    # A little slimmer than long, and as much wider than its line as every other arrow; turned by
    # swapping the coordinates of the direction.
    half = 0.4 + (theme.line_width(edge) - theme.EDGE_WIDTH) / 2 / theme.ARROW
    across, down = half * (x - foot_x), half * (y - foot_y)
    return ((x, y), (foot_x - down, foot_y + across), (foot_x + down, foot_y - across))


def _label(edge: Edge, route: Route, index: int, graph: Graph) -> Group:
    # The label interrupts its line, which ties the two together where lines run close.
    (x, y), step = route.label, theme.EDGE_FONT_SIZE * 1.16
    width, height = theme.label_size(edge)[0] - 4.0, step * len(edge.lines)
    left, top = x - width / 2, y - height / 2
    plate = RoundedBox(left, top, width, height, 0.0, Look(theme.fill_of(edge, graph)))
    texts = (Text(text, x, top + (i + 0.5) * step) for i, text in enumerate(edge.lines))
    return Group((plate, *texts), font=_EDGE_FONT, edge=index)


def _box(box: Box, frame: Rectangle, graph: Graph) -> Group:
    style = theme.STYLES[box.kind]
    left, top = frame.x - frame.width / 2, frame.y - frame.height / 2
    shapes = outline(style, left, top, frame.width, frame.height, theme.fill_of(box, graph))
    aside = theme.STACK if style.stacked else 0.0
    step = theme.BOX_FONT_SIZE * theme.LINE_HEIGHT
    first = frame.y - aside - (len(box.rows) - 1) / 2 * step
    texts = (
        Text(row.text, frame.x - aside, first + i * step, row.role)
        for i, row in enumerate(box.rows)
    )
    return Group((*shapes, *texts), font=_BOX_FONT, box=box.number)
