"""Print a scene as PNG or PDF, by whichever Graphviz works."""

from typing import Literal

from scalargrad.view import programs
from scalargrad.view.paint import xdot
from scalargrad.view.paint.shapes import Scene
from scalargrad.view.programs import GRAPHVIZ, INSTALL, GraphvizError

__all__ = ["print_by", "printed"]

_DOTS_PER_INCH = 192.0  # twice the usual resolution, so that a slide shows no steps


def printed(scene: Scene, form: Literal["png", "pdf"]) -> bytes:
    r"""Return `scene` as a PNG (192 dots per inch) or a PDF.

    Raises RuntimeError when no Graphviz works; the message gives the reasons and what to install.

    >>> printed(Scene(9.0, 9.0, (), ""), "png")[:4]  # doctest: +SKIP
    b'\x89PNG'
    """
    faults = []
    for engine in GRAPHVIZ:
        try:
            return print_by(engine, scene, form)
        except GraphvizError as error:
            faults.append(str(error))
    raise RuntimeError(
        f"cannot save as .{form}: {', '.join(faults)}. .svg, .html and .dot work without it; "
        f"installing Graphviz gives .png and .pdf: {INSTALL['dot']}, or {INSTALL['pygraphviz']}"
    )


def print_by(engine: str, scene: Scene, form: Literal["png", "pdf"]) -> bytes:
    """Return what `printed` returns, by the Graphviz `engine`; raise GraphvizError if it fails."""
    # The resolution for pixels only: some versions scale a page with it.
    text = xdot.write(scene, _DOTS_PER_INCH if form == "png" else None)
    return programs.run(engine, text, "nop2", form)
