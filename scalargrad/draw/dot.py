"""Graphviz: a graph written as DOT text, and the system's `dot` run on it."""

import shutil
import subprocess
from typing import Literal

import graphviz

from scalargrad.draw.graph import Box, Graph
from scalargrad.draw.theme import (
    BACKGROUND,
    BOX_FONT_SIZE,
    EDGE_COLOUR,
    EDGE_FONT_SIZE,
    FONT,
    INK,
    MARGIN,
    NOTICE_FONT_SIZE,
    STYLES,
    box_size,
)

__all__ = ["DotFailedError", "has_dot", "render", "source"]

# `dot` takes 0.2 s for 450 boxes and minutes for 5,000: past this, nobody is still waiting.
TIMEOUT_SECONDS = 20.0
# Where the built-in layout can take over: a value that feeds 148 others, 297 edges in all, kept
# dot busy for over 20 s, and the built-in one for 0.5.
IMPATIENT_SECONDS = 4.0

_POINTS_PER_INCH = 72.0


class DotFailedError(RuntimeError):
    """`dot` is missing, failed, or took too long; the message says which."""


def source(graph: Graph) -> str:
    """Return `graph` as DOT text.

    >>> from scalargrad.draw.graph import read
    >>> from scalargrad.engine import Value
    >>> "n0 -> n1" in source(read(Value(1.0).tanh(), 9, 9))
    True
    """
    # User text stands in labels only. In other attributes Graphviz does not escape it: a font name
    # comes out as markup, and a URL keeps "javascript:". Record shapes read {}|<> as structure.
    digraph = graphviz.Digraph(
        graph_attr={
            "rankdir": graph.rankdir,
            "bgcolor": BACKGROUND,
            "fontname": FONT,
            "fontsize": f"{NOTICE_FONT_SIZE:g}",
            "fontcolor": INK,
            "labelloc": "b",
            "pad": f"{MARGIN / _POINTS_PER_INCH:.3f}",
            "nodesep": "0.22",
            "ranksep": "0.4",
        },
        node_attr={
            "shape": "box",
            "fontname": FONT,
            "fontsize": f"{BOX_FONT_SIZE:g}",
            "fontcolor": INK,
            "margin": "0.08,0.05",
        },
        edge_attr={
            "color": EDGE_COLOUR,
            "fontname": FONT,
            "fontsize": f"{EDGE_FONT_SIZE:g}",
            "fontcolor": INK,
            "arrowsize": "0.7",
        },
    )
    if graph.notice:
        digraph.attr(label=_escape(graph.notice))
    for box in graph.boxes:
        digraph.node(box.name, label=_lines(box.lines), **_box_attributes(box))
    for edge in graph.edges:
        # Spaces keep the number off the line it belongs to.
        digraph.edge(edge.tail, edge.head, label=_escape(f" {edge.text} ") if edge.text else None)
    return str(digraph.source)


def _box_attributes(box: Box) -> dict[str, str]:
    style = STYLES[box.kind]
    names = ["filled"]
    if style.rounded:
        names.append("rounded")
    if style.dashed:
        names.append("dashed")
    # Our own estimate is a lower bound: `dot` measures with its fonts, the reader has others.
    width, height = box_size(box)
    return {
        "style": ",".join(names),
        "fillcolor": style.fill,
        "color": style.border,
        "penwidth": f"{style.thickness:g}",
        "width": f"{width / _POINTS_PER_INCH:.3f}",
        "height": f"{height / _POINTS_PER_INCH:.3f}",
    }


def _escape(text: str) -> str:
    # Graphviz decodes character entities in labels, so a typed "&lt;" would turn into "<";
    # graphviz.escape takes care of backslashes and of text that looks like an HTML-like label.
    escaped: str = graphviz.escape(text.replace("&", "&amp;"))
    return escaped


def _lines(lines: tuple[str, ...]) -> str:
    # Joining makes a plain str again, so it must be marked anew as not HTML-like.
    joined: str = graphviz.nohtml("\\n".join(_escape(line) for line in lines))
    return joined


def has_dot() -> bool:
    """Return whether a `dot` program is on PATH; it may still turn out not to work."""
    return shutil.which("dot") is not None


def render(text: str, form: Literal["svg", "png", "pdf"], timeout: float | None = None) -> bytes:
    """Return DOT `text` drawn by the system's `dot`; raise DotFailedError when it cannot.

    The graphviz package could run it too, but without a time limit.
    """
    timeout = TIMEOUT_SECONDS if timeout is None else min(timeout, TIMEOUT_SECONDS)
    program = shutil.which("dot")
    if program is None:
        raise DotFailedError("Graphviz's `dot` is not on PATH")
    # Twice the usual resolution, so that a slide shows no steps.
    command = [program, f"-T{form}", *(["-Gdpi=192"] if form == "png" else [])]
    try:
        done = subprocess.run(  # an absolute path, fixed arguments, no shell
            command,
            input=text.encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"Graphviz's `dot` took more than {timeout:g} s"
        raise DotFailedError(message) from error
    except OSError as error:
        raise DotFailedError(f"Graphviz's `dot` could not be run: {error}") from error
    if done.returncode != 0 or not done.stdout:
        reason = done.stderr.decode(errors="replace").strip()[:200] or "it gave no output"
        raise DotFailedError(f"Graphviz's `dot` failed (exit {done.returncode}): {reason}")
    return done.stdout
