"""An SVG cut down to shapes and text: no scripts, styles, links, ids, titles or comments."""

import re
from xml.etree import ElementTree

__all__ = ["SVG_NAMESPACE", "sanitise"]

SVG_NAMESPACE = "http://www.w3.org/2000/svg"

# Lists of what may stay, never of what must go: what nobody thought of is dropped.
_ELEMENTS = frozenset({"svg", "g", "path", "polygon", "text"})
_ATTRIBUTES = frozenset({
    "viewBox", "width", "height", "transform", "role", "aria-label", "d", "points", "x", "y",
    "fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "text-anchor",
    "data-box", "data-edge", "data-row",
})  # fmt: skip

# Presentation attributes take "url(...)" as a value, and that is a request to somewhere.
_REFERENCE = re.compile(r"url|:|\\", re.IGNORECASE)


def sanitise(svg: str, description: str) -> str:
    """Return `svg` rebuilt from the allowed elements and attributes, with `description` for ears.

    Raises ValueError when `svg` holds no SVG document that can be parsed.

    >>> sanitise('<svg><a href="#"><text onclick="f()">x</text></a></svg>', "nothing")
    '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="nothing" />'
    """
    # The prolog goes before parsing: a document type may define entities.
    start = svg.find("<svg")
    if start < 0:
        raise ValueError("no <svg> element found")
    try:
        source = ElementTree.fromstring(svg[start:])
    except ElementTree.ParseError as error:
        raise ValueError(f"the SVG is not well-formed XML: {error}") from error
    root = _copy(source)
    # Set by hand, not through register_namespace, which would change the whole process.
    root.attrib = {"xmlns": SVG_NAMESPACE, **root.attrib, "role": "img", "aria-label": description}
    return ElementTree.tostring(root, encoding="unicode")


def _copy(element: ElementTree.Element) -> ElementTree.Element:
    # Recursive, and safe so: a picture is nested four deep, and the parser bounds the rest.
    allowed = {
        name: value
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and not (name != "aria-label" and _REFERENCE.search(value))
    }
    copy = ElementTree.Element(_local_name(element), allowed)
    copy.text, copy.tail = element.text, element.tail
    copy.extend(_copy(child) for child in element if _local_name(child) in _ELEMENTS)
    return copy


def _local_name(element: ElementTree.Element) -> str:
    return element.tag.removeprefix(f"{{{SVG_NAMESPACE}}}")
