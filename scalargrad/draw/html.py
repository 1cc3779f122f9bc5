"""A drawing as a web page of its own: no scripts, no requests, readable on a phone."""

import base64
import hashlib
import re
from xml.sax.saxutils import escape

from scalargrad.draw.sanitise import sanitise

__all__ = ["page"]

_STYLE = """
body { margin: 0 auto; padding: 1rem; color: #1a1a1a; background: #ffffff;
       font: 100%/1.5 Helvetica, Arial, sans-serif; }
figure { margin: 0; overflow-x: auto; }
svg { display: block; margin: 0 auto; width: 100%; height: auto; WIDTHS }
p { max-width: 40rem; margin: 1rem auto; color: #444444; }
"""

_LEGEND = (
    "The number on an edge is the local derivative along it: of the value it leads to, by the one "
    "it comes from. ×12 stands for twelve edges."
)
# Text shrunk below this share of its size is hard to read: a narrower screen scrolls instead.
_LEAST_SCALE = 0.6

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<figure tabindex="0">
{svg}
</figure>
<p>{legend}</p>
</body>
</html>
"""


def page(svg: str, title: str, description: str) -> str:
    """Return a self-contained HTML page that shows `svg`, shrunk to the width of the screen.

    >>> "<script" in page("<svg/>", "x = 2", "one value")
    False
    """
    width = re.match(r"<svg [^>]*?\bwidth=\"([\d.]+)pt\"", svg)
    widths = ""
    if width:
        full = float(width[1])
        widths = f"max-width: {full:.0f}pt; min-width: {full * _LEAST_SCALE:.0f}pt;"
    style = _STYLE.replace("WIDTHS", widths)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _PAGE.format(
        policy=f"default-src 'none'; style-src 'sha256-{digest}'",
        title=escape(title),
        style=style,
        legend=_LEGEND,
        # Once more, although drawings are sanitised when they are made: this is the only door
        # between a picture and a page, and it should not depend on who drew the picture.
        svg=sanitise(svg, description),
    )
