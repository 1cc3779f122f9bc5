"""A drawing as a web page of its own: no scripts, no requests, readable on a phone."""

import base64
import hashlib
from xml.sax.saxutils import escape

from scalargrad.draw.sanitise import sanitise

__all__ = ["page"]

_STYLE = """
body { margin: 0 auto; padding: 1rem; color: #1a1a1a; background: #ffffff;
       font: 100%/1.5 Helvetica, Arial, sans-serif; }
figure { margin: 0; overflow-x: auto; }
svg { display: block; margin: 0 auto; }
"""

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
</body>
</html>
"""


def page(svg: str, title: str, description: str) -> str:
    """Return a self-contained HTML page that shows `svg`; it scrolls where the screen is narrow.

    >>> "<script" in page("<svg/>", "x = 2", "one value")
    False
    """
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return _PAGE.format(
        policy=f"default-src 'none'; style-src 'sha256-{digest}'",
        title=escape(title),
        style=_STYLE,
        # Once more, although drawings are sanitised when they are made: this is the only door
        # between a picture and a page, and it should not depend on who drew the picture.
        svg=sanitise(svg, description),
    )
