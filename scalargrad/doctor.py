"""Report which engines draw pictures on this machine, and how to install what is missing."""

import importlib.metadata
import importlib.util
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import scalargrad
from scalargrad.view import programs
from scalargrad.view.graph import Box, Edge, Graph
from scalargrad.view.layout import graphviz
from scalargrad.view.paint.printing import print_by
from scalargrad.view.paint.scene import paint
from scalargrad.view.programs import GRAPHVIZ, INSTALL, GraphvizError

__all__ = ["EngineReport", "report", "survey"]

# The extras of the distribution, and the packages that each installs.
_EXTRAS = {
    "compile": ("numpy", "numba"),
    "jax": ("jax",),
    "plot": ("numpy", "matplotlib"),
    "render": ("pygraphviz",),
    "notebooks": ("jupyterlab", "jupytext", "nbclient", "ipykernel"),
}

_SAMPLE = Graph(
    (Box(0, "input", "x", "", 1.0, 0.42), Box(1, "result", "y", "tanh", 0.76, 1.0)),
    (Edge(0, 1, 0, 0.42, "0.42"),),
    notice="",
    rankdir="LR",
)


@dataclass(frozen=True, slots=True)
class EngineReport:
    """The state of one engine: `fault` is the reason why it does not work, or "".

    `version` and `where` (a file) are "" if unknown; `formats` are those it prints.
    """

    name: str
    version: str
    where: str
    fault: str
    formats: tuple[str, ...] = ()

    @property
    def works(self) -> bool:
        """Whether it laid out the sample."""
        return not self.fault


def survey() -> list[EngineReport]:
    """Try every engine, and return a report on each, best first; takes about half a second.

    >>> [engine.name for engine in survey()]
    ['dot', 'pygraphviz', 'builtin']
    >>> survey()[-1].works
    True
    """
    built_in = EngineReport("builtin", "", "", "")
    return [*(_tried(name) for name in GRAPHVIZ), built_in]


def _tried(name: str) -> EngineReport:
    where = programs.where(name)
    formats = []
    try:
        # With the time limit of engine="auto", whose choice the report predicts.
        layout = graphviz.lay_out(_SAMPLE, name, programs.IMPATIENT_SECONDS)
    except GraphvizError as error:
        version = _version("pygraphviz") if name == "pygraphviz" and where else ""
        return EngineReport(name, version, where or "", str(error))
    for form in ("png", "pdf"):
        try:
            print_by(name, paint(_SAMPLE, layout), form)
            formats.append(form)
        except GraphvizError:  # a Graphviz may have been built without
            pass
    version = _version_of_dot(where) if name == "dot" else _version("pygraphviz")
    return EngineReport(name, version, where or "", "", tuple(formats))


def _version_of_dot(path: str | None) -> str:
    try:
        done = subprocess.run([path or "dot", "-V"], capture_output=True, timeout=1.0, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    found = re.search(r"version (\S+)", (done.stderr + done.stdout).decode(errors="replace"))
    return found[1] if found else ""


def _version(package: str) -> str:
    """The version of a package, without importing it; "" if it is not installed."""
    try:
        if importlib.util.find_spec(package) is None:
            return ""
        return str(importlib.metadata.version(package))
    except Exception:  # a half-removed package may fail in any way
        return ""


def report() -> str:
    """Return the text that `python -m scalargrad doctor` prints.

    >>> print(report())  # doctest: +ELLIPSIS
    scalargrad ...
    Engines that lay out pictures, best first
      dot ...
      pygraphviz ...
      builtin ...
    """
    found = survey()
    lines = [
        f"scalargrad {scalargrad.__version__}, Python {platform.python_version()} ({sys.platform})",
        f"  {sys.executable or 'run from another program'}",
        "",
        "Engines that lay out pictures, best first",
        *_table([_engine_row(engine) for engine in found]),
        f'  engine="auto" takes {next(engine.name for engine in found if engine.works)}',
        "  and builtin for pictures in which many lines meet",
        "",
        "Formats of Drawing.save",
        *_table(_format_rows(found)),
        "",
        "Extras of the package",
        *_table(_extra_rows()),
    ]
    advice = _advice(found)
    return "\n".join([*lines, *(["", "What would help", *_table(advice)] if advice else [])])


def _engine_row(engine: EngineReport) -> Sequence[str]:
    if engine.name == "builtin":
        return ("builtin", "", "works", "part of scalargrad, and needs nothing")
    state = "works" if engine.works else "fails" if engine.where else "missing"
    return (engine.name, engine.version, state, engine.where if engine.works else engine.fault)


def _format_rows(found: Sequence[EngineReport]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [(".svg .html .dot", "always")]
    for form in ("png", "pdf"):
        by = next((engine.name for engine in found if form in engine.formats), None)
        rows.append((f".{form}", f"by {by}" if by else "needs a Graphviz that works"))
    return rows


def _extra_rows() -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for extra, packages in _EXTRAS.items():
        for package in packages:
            version = _version(package)
            name = extra if package == packages[0] else ""
            hint = "" if version else f"pip install -e '.[{extra}]'"
            rows.append((name, package, version or "missing", hint))
    return rows


def _advice(found: Sequence[EngineReport]) -> list[Sequence[str]]:
    """What to install where no Graphviz works; one is enough."""
    if any(engine.works and engine.formats for engine in found[:-1]):
        return []
    return [
        ("clearer pictures, .png and .pdf", INSTALL["dot"].replace("`", "")),
        ("or, without a system package", INSTALL["pygraphviz"].replace("`", "")),
    ]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows with their columns aligned, indented by two."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
