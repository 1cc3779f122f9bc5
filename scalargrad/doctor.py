"""Report which node and which engines of pictures run here, and how to install what is missing."""

import hashlib
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import scalargrad
from scalargrad.core import native
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
    "solve": ("numpy", "numba", "scipy"),
    "widget": ("anywidget",),
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
    Node of the graph
      runs ...
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
        "Node of the graph",
        *_table(_node_rows()),
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
    advice = [*_advice_on_node(), *_advice(found)]
    return "\n".join([*lines, *(["", "What would help", *_table(advice)] if advice else [])])


def _node_rows() -> list[Sequence[str]]:
    library = _library()
    if native.NATIVE:
        rows = [("runs", "machine code")]
    else:
        rows = [("runs", f"Python: {native.REASON}")]
    if library:
        rows.append(("library", str(library)))
    if (same := _built_from_its_source()) is not None:
        built_from = "the _node.c beside it" if same else "a _node.c other than that beside it"
        rows.append(("source", f"the library was built from {built_from}"))
    return list(rows)


def _library() -> Path | None:
    """The file of the library, used or not; found without loading it."""
    folder = Path(native.__file__).parent
    names = (f"_node{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES)
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _built_from_its_source() -> bool | None:
    """Whether the library that runs was built from the source beside it; None if that is unknown.

    The source is there in a checkout; an installed package has none.
    """
    source = Path(native.__file__).with_name("_node.c")
    built_from = getattr(native.machine_code, "SOURCE", "")
    if not built_from or not source.is_file():
        return None
    text = source.read_bytes().replace(b"\r\n", b"\n")  # as Git may have written it
    return hashlib.sha256(text).hexdigest().startswith(built_from)


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


def _advice_on_node() -> list[Sequence[str]]:
    """What to type for a node of machine code, where building it helps."""
    if not native.BUILDING_HELPS and _built_from_its_source() is not False:
        return []
    install = "pip install -e . in the checkout"
    what = "the node of the source as it is now" if native.NATIVE else "the node in machine code"
    if _can_compile():
        return [(what, install)]
    tools = {
        "darwin": "xcode-select --install",
        "win32": "Build Tools for Visual Studio, with C++",
    }.get(sys.platform, "apt install gcc python3-dev (or your system's equivalent)")
    return [(what, tools), ("then", install)]


def _can_compile() -> bool:
    """Whether the compiler for this Python and the headers of Python are surely there."""
    if sys.platform in ("darwin", "win32"):  # a stand-in for it is on PATH, or it is not on PATH
        return False
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return shutil.which(compiler) is not None and headers.is_file()


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
