"""A drawing as a web page of its own: no scripts, no requests, readable on a phone."""

import re

from scalargrad.support import pages as web
from scalargrad.view.paint.sanitise import sanitise

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

_BODY = """<style>{style}</style>
<figure tabindex="0" role="group" aria-label="Picture of the computation graph">
{svg}
</figure>
<p>{legend}</p>"""


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
    # Made by our own painter, and sanitised all the same: this is the only door between a picture
    # and a page, and it should not depend on who drew the picture.
    body = _BODY.format(style=style, svg=sanitise(svg, description), legend=_LEGEND)
    return web.page(title, body, style)
