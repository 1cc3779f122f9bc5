"""Write a scene as a web page of its own: no scripts, no requests, never wider than the screen."""

from scalargrad.support import pages
from scalargrad.view.paint import svg
from scalargrad.view.paint.shapes import Scene

__all__ = ["write"]

_STYLE = """
body {{ margin: 0 auto; padding: 1rem; color: #1a1a1a; background: #ffffff;
       font: 100%/1.5 Helvetica, Arial, sans-serif; }}
figure {{ margin: 0; overflow-x: auto; }}
svg {{ display: block; margin: 0 auto; width: 100%; max-width: {width:.0f}pt; height: auto; }}
figure:focus svg {{ min-width: {least:.0f}pt; }}
p {{ max-width: 40rem; margin: 1rem auto; color: #444444; }}
"""

# On a phone a whole picture may be too small to read: tapped, it has at least this share of its own
# size and scrolls.
_READABLE = 0.6

_BODY = """<style>{style}</style>
<figure tabindex="0" role="group" aria-label="Picture of the computation graph">
{picture}
</figure>
<p>The number on an edge is the local derivative along it: of the value it leads to, by the one it \
comes from. A thick line stands for many edges: ×12 for twelve.</p>"""


def write(scene: Scene, title: str) -> str:
    """Return a self-contained HTML page that shows `scene`, shrunk to the width of the screen.

    >>> "<script" in write(Scene(9.0, 9.0, (), ""), "x = 2")
    False
    """
    style = _STYLE.format(width=scene.width, least=scene.width * _READABLE)
    return pages.page(
        title, _BODY.format(style=style, picture=svg.write(scene, in_page=True)), style
    )
