"""Paint a graph: its boxes, edges, labels and legend as one scene of shapes."""

from scalargrad.view.geometry import Layout, Point, Rectangle, Route
from scalargrad.view.graph import Box, Edge, Graph
from scalargrad.view.paint.legend import legend
from scalargrad.view.paint.shapes import Curve, Font, Group, Look, Polygon, Scene, Text, outline
from scalargrad.view.theme import (
    ARROW,
    BACKGROUND,
    BOX_FONT_SIZE,
    EDGE_COLOUR,
    EDGE_FONT_SIZE,
    EDGE_WIDTH,
    LINE_HEIGHT,
    STACK,
    STYLES,
    fill_of,
    label_size,
    line_width,
    plate_of,
)

__all__ = ["paint"]

_LINE = Look(stroke=EDGE_COLOUR, width=EDGE_WIDTH)
_BOX_FONT = Font(BOX_FONT_SIZE, "middle")
_EDGE_FONT = Font(EDGE_FONT_SIZE, "middle")


def paint(graph: Graph, layout: Layout) -> Scene:
    """Return the picture of `graph` as `layout` arranges it, with a legend below.

    >>> from scalargrad.view.layout.builtin import lay_out
    >>> lone = Graph((Box(0, "result", "y", "", 2.0, 1.0),), (), "", "LR")
    >>> [shape.text for shape in paint(lone, lay_out(lone)).groups[-2].shapes[1:]]
    ['y', 'data 2', 'grad 1']
    """
    below = legend(graph, layout.width, layout.height)
    width, height = max(layout.width, below.width), layout.height + below.height
    if width > layout.width:
        layout = layout.moved((width - layout.width) / 2)  # into the middle above its legend
    page = Polygon(((0.0, 0.0), (width, 0.0), (width, height), (0.0, height)), Look(BACKGROUND))
    edges = list(enumerate(zip(graph.edges, layout.routes, strict=True)))
    lines = tuple(_line(edge, route, index) for index, (edge, route) in edges)
    # Polygons: an SVG marker would need an id, and ids clash when a page shows two pictures.
    arrows = tuple(Polygon(_arrow(edge, route), edge=index) for index, (edge, route) in edges)
    labels = (_label(edge, route, index, graph) for index, (edge, route) in edges if edge.lines)
    boxes = (_box(*pair, graph) for pair in zip(graph.boxes, layout.boxes, strict=True))
    groups = (
        Group((page,)), Group(lines, _LINE), Group(arrows, Look(EDGE_COLOUR)), *labels, *boxes,
        below.group,
    )  # fmt: skip
    return Scene(width, height, groups, graph.summary)


def _line(edge: Edge, route: Route, index: int) -> Curve:
    wide = _LINE._replace(width=line_width(edge)) if edge.count > 1 else None
    return Curve(route.curve, wide, index)


def _arrow(edge: Edge, route: Route) -> tuple[Point, ...]:
    (x, y), (foot_x, foot_y) = route.tip, route.curve[-1]
    # A little slimmer than long, and as much wider than its line as every other arrow; turned by
    # swapping the coordinates of the direction.
    half = 0.4 + (line_width(edge) - EDGE_WIDTH) / 2 / ARROW
    across, down = half * (x - foot_x), half * (y - foot_y)
    return ((x, y), (foot_x - down, foot_y + across), (foot_x + down, foot_y - across))


def _label(edge: Edge, route: Route, index: int, graph: Graph) -> Group:
    # The label interrupts its line, which ties the two together where lines run close.
    (x, y), step = route.label, EDGE_FONT_SIZE * 1.16
    half_width, half_height = label_size(edge)[0] / 2 - 2.0, step * len(edge.lines) / 2
    left, right, top, bottom = x - half_width, x + half_width, y - half_height, y + half_height
    plate = Polygon(
        ((left, top), (right, top), (right, bottom), (left, bottom)), Look(plate_of(edge, graph))
    )
    texts = (Text(text, x, top + (i + 0.5) * step) for i, text in enumerate(edge.lines))
    return Group((plate, *texts), font=_EDGE_FONT, edge=index)


def _box(box: Box, frame: Rectangle, graph: Graph) -> Group:
    style = STYLES[box.kind]
    left, top = frame.x - frame.width / 2, frame.y - frame.height / 2
    shapes = outline(style, left, top, frame.width, frame.height, fill_of(box, graph))
    aside = STACK if style.stacked else 0.0
    step = BOX_FONT_SIZE * LINE_HEIGHT
    first = frame.y - aside - (len(box.rows) - 1) / 2 * step
    texts = (
        Text(row.text, frame.x - aside, first + i * step, row.role)
        for i, row in enumerate(box.rows)
    )
    return Group((*shapes, *texts), font=_BOX_FONT, box=box.number)
