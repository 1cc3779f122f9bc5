"""Pages of the public names, from their docstrings, which are plain text with code in backticks."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from scalargrad.core.rows import Primitive

# ```{api} module``` in a page, with names; `*` is all rows of the table, and none is all names.
BLOCK = re.compile(r"(?ms)^```\{api\} (\S+)\n(.*?)^```$")
ROOT = Path(__file__).parents[2]


def expand(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the directives of autodoc in the place of the list of names."""
    source[0] = BLOCK.sub(lambda found: directives(found[1], found[2].split()), source[0])


def directives(module: str, names: list[str]) -> str:
    loaded = importlib.import_module(module)
    lines = ["```{eval-rst}"]
    rows = [name for name in loaded.__all__ if isinstance(getattr(loaded, name), Primitive)]
    if "*" in names:
        names = sorted({*rows, *names} - {"*"}, key=str.lower)
    for name in names or loaded.__all__:
        thing = getattr(loaded, name)
        if inspect.isclass(thing):
            kind = "autoexception" if issubclass(thing, BaseException) else "autoclass"
            lines.append(f".. {kind}:: {module}.{name}")
            if kind == "autoclass":
                lines += ["   :members:", "   :exclude-members: set"]  # matplotlib writes that one
        elif callable(thing):
            lines.append(f".. autofunction:: {module}.{name}")
        lines.append("")  # a constant is described by the page
    return "\n".join([*lines, "```"])


def as_text(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Keep the markup of reStructuredText out of prose: stars, bars and underscores are themselves.

    Runs before napoleon. Code in backticks, examples and indented program text stay as they are.
    """
    example = False
    for number, line in enumerate(lines):
        if line.lstrip().startswith(">>>"):
            example = True
        elif not line.strip():
            example = False
        if example:
            continue
        pieces = re.split(r"(``?[^`]+``?)", line)
        pieces[::2] = [re.sub(r"(?<!\\)([*|_])", r"\\\1", piece) for piece in pieces[::2]]
        lines[number] = "".join(pieces)

    # napoleon takes what stands before a colon in these lines to be a type.
    for number in [n for n, line in enumerate(lines, 1) if line in ("Returns:", "Yields:")][::-1]:
        lines[number : number + 1] = split(lines[number])
    if what in ("property", "attribute"):
        lines[:1] = split(lines[0])


def split(line: str) -> list[str]:
    """Break a line before the word that ends in its first colon, if another stands before it.

    >>> split("    The sum: a Value")
    ['    The', '    sum: a Value']
    """
    indent = line[: len(line) - len(line.lstrip())]
    before, space, _ = line.partition(": ")[0].rstrip().rpartition(" ")
    if ": " not in line or not before.strip():
        return [line]
    return [before, indent + line[len(before + space) :]]


def source(domain: str, info: dict[str, str]) -> str | None:
    """Return the link to the line that defines a public name."""
    if not info["module"]:
        return None  # an attribute
    thing: Any = importlib.import_module(info["module"])
    for part in info["fullname"].split("."):
        thing = getattr(thing, part, None)
    thing = getattr(thing, "fget", thing)
    if not (inspect.isclass(thing) or inspect.isroutine(thing)):
        return None  # a row of the table, or a number
    try:
        path = Path(inspect.getsourcefile(inspect.unwrap(thing)) or "").resolve()
        line = inspect.getsourcelines(inspect.unwrap(thing))[1]
    except (TypeError, OSError):
        return None  # machine code
    if not path.is_relative_to(ROOT / "scalargrad"):
        return None
    return f"repository:{path.relative_to(ROOT).as_posix()}#{line}"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", expand)
    app.connect("autodoc-process-docstring", as_text, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
