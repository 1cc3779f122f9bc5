"""The built-in renderer: a graph and its layout as SVG text."""

from xml.etree import ElementTree

from scalargrad.draw.graph import Box, Graph
from scalargrad.draw.layout import Layout, Place, Wire, lay_out
from scalargrad.draw.route import Point
from scalargrad.draw.sanitise import SVG_NAMESPACE
from scalargrad.draw.theme import (
    ARROW,
    BACKGROUND,
    BOX_FONT_SIZE,
    EDGE_COLOUR,
    EDGE_FONT_SIZE,
    FONT,
    INK,
    LINE_HEIGHT,
    MARGIN,
    NOTICE_FONT_SIZE,
    STYLES,
    text_width,
)

__all__ = ["render"]

_ROUNDING = 9.0  # radius of a rounded corner

# Where the foot line of text centred at y lies below y, in font sizes: half a capital letter.
# The dominant-baseline attribute would say it better, but several renderers do not know it.
_FOOT = 0.36


def render(graph: Graph) -> str:
    """Return `graph` drawn with the built-in layout, as the text of an SVG document.

    >>> from scalargrad.draw.graph import read
    >>> from scalargrad.engine import Value
    >>> render(read(Value(2.0, label="x"), 9, 9)).startswith("<svg ")
    True
    """
    layout = lay_out(graph)
    width, height = layout.width, layout.height
    if graph.notice:
        width = max(width, text_width(graph.notice, NOTICE_FONT_SIZE) + 2 * MARGIN)
        height += NOTICE_FONT_SIZE + MARGIN
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": SVG_NAMESPACE,
            "width": f"{width:.0f}pt",
            "height": f"{height:.0f}pt",
            "viewBox": f"0 0 {width:.2f} {height:.2f}",
            "role": "img",
            "aria-label": graph.summary,
        },
    )
    corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
    ElementTree.SubElement(root, "polygon", {"points": _points(corners), "fill": BACKGROUND})
    lines = ElementTree.SubElement(root, "g", {"fill": "none", "stroke": EDGE_COLOUR})
    for wire in layout.wires:
        ElementTree.SubElement(lines, "path", {"d": _path(wire.curve), "stroke-width": "1.1"})
    heads = ElementTree.SubElement(root, "g", {"fill": EDGE_COLOUR})
    for wire in layout.wires:
        # A polygon: a marker would need an id, and ids clash when a page shows two pictures.
        ElementTree.SubElement(heads, "polygon", {"points": _points(_arrow(wire))})
    _draw_numbers(root, graph, layout)
    for box, place in zip(graph.boxes, layout.places, strict=True):
        _draw_box(root, box, place)
    if graph.notice:
        notice = _text_group(root, NOTICE_FONT_SIZE)
        _write(notice, graph.notice, width / 2, height - MARGIN)
    return ElementTree.tostring(root, encoding="unicode")


def _draw_numbers(root: ElementTree.Element, graph: Graph, layout: Layout) -> None:
    group = _text_group(root, EDGE_FONT_SIZE)
    for edge, wire in zip(graph.edges, layout.wires, strict=True):
        if not edge.text:
            continue
        (x, y), half_width = wire.label, text_width(edge.text, EDGE_FONT_SIZE) / 2
        half_height = EDGE_FONT_SIZE * 0.58
        # The number interrupts its line, which ties the two together wherever lines run close.
        plate = [(x - half_width, y - half_height), (x + half_width, y - half_height),
                 (x + half_width, y + half_height), (x - half_width, y + half_height)]  # fmt: skip
        ElementTree.SubElement(group, "polygon", {"points": _points(plate), "fill": BACKGROUND})
        _write(group, edge.text, x, y + EDGE_FONT_SIZE * _FOOT)


def _draw_box(root: ElementTree.Element, box: Box, place: Place) -> None:
    style = STYLES[box.kind]
    look = {"fill": style.fill, "stroke": style.border, "stroke-width": f"{style.thickness:g}"}
    if style.dashed:
        look["stroke-dasharray"] = "5,3"
    group = _text_group(root, BOX_FONT_SIZE)
    left, top = place.x - place.width / 2, place.y - place.height / 2
    corner = _ROUNDING if style.rounded else 0.0
    ElementTree.SubElement(
        group, "path", {"d": _rectangle(left, top, place.width, place.height, corner), **look}
    )
    step = BOX_FONT_SIZE * LINE_HEIGHT
    for index, line in enumerate(box.lines):
        middle = place.y + (index - (len(box.lines) - 1) / 2) * step
        _write(group, line, place.x, middle + BOX_FONT_SIZE * _FOOT)


def _text_group(root: ElementTree.Element, font_size: float) -> ElementTree.Element:
    return ElementTree.SubElement(
        root,
        "g",
        {
            "font-family": FONT,
            "font-size": f"{font_size:g}",
            "text-anchor": "middle",
            "fill": INK,
        },
    )


def _write(group: ElementTree.Element, line: str, x: float, y: float) -> None:
    ElementTree.SubElement(group, "text", {"x": f"{x:.2f}", "y": f"{y:.2f}"}).text = line


def _path(curve: tuple[Point, ...]) -> str:
    return f"M{_points(curve[:1])} C{_points(curve[1:])}"


def _rectangle(left: float, top: float, width: float, height: float, corner: float) -> str:
    across, down = width - 2 * corner, height - 2 * corner
    arc = f"a{corner:g},{corner:g} 0 0 1" if corner else ""
    return (
        f"M{left + corner:.2f},{top:.2f} h{across:.2f} "
        + (f"{arc} {corner:g},{corner:g} " if arc else "")
        + f"v{down:.2f} "
        + (f"{arc} {-corner:g},{corner:g} " if arc else "")
        + f"h{-across:.2f} "
        + (f"{arc} {-corner:g},{-corner:g} " if arc else "")
        + f"v{-down:.2f} "
        + (f"{arc} {corner:g},{-corner:g} " if arc else "")
        + "z"
    )


def _arrow(wire: Wire) -> list[Point]:
    (x, y), (foot_x, foot_y) = wire.tip, wire.curve[-1]
    # A little slimmer than long; turned by swapping the coordinates of the direction.
    along_x, along_y = (x - foot_x) / ARROW, (y - foot_y) / ARROW
    half = 0.4 * ARROW
    return [
        (x, y),
        (foot_x - along_y * half, foot_y + along_x * half),
        (foot_x + along_y * half, foot_y - along_x * half),
    ]


def _points(points: tuple[Point, ...] | list[Point]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
