"""An example as a reader sees it: explained on a terminal, or on a page with its pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from scalargrad.examples import catalogue
from scalargrad.examples.explanations import Explanation
from scalargrad.support.files import write_whole
from scalargrad.support.terminal import Terminal
from scalargrad.view.film.film import Film

__all__ = ["Run", "Saved", "after", "before", "numbers", "save_page", "save_pictures"]

_WORD = re.compile(r"(?:[a-z]{2,}|a(?= (?!is\b|and\b|or\b)[a-z]{2,}\b))\b(?!\()")

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.5;
  font-family: system-ui, sans-serif; }}
pre {{ overflow-x: auto; line-height: 1.3; }}
pre.formula {{ margin-left: 2rem; }}
figure {{ margin: 1.5rem 0; }}
img {{ max-width: 100%; }}
section {{ border-top: 1px solid #888; margin-top: 3rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<ul>
{contents}
</ul>
{sections}
</body>
</html>
"""


# --- on a terminal --------------------------------------------------------------------------


def before(name: str, terminal: Terminal) -> str:
    """What an example says before its numbers: what it is, the formulas, source and data.

    Args:
        name: the name of the example.
        terminal: how to write.
    """
    text = catalogue.explanation(name)
    lines = [terminal.bold(terminal.prose(text.summary))]
    lines += [terminal.faint(terminal.prose(catalogue.group_of(name).heading)), ""]
    lines += _spaced(text.body, terminal)
    for title, blocks in (("Source: ", text.source), ("Data: ", text.data)):
        if blocks:
            first, *others = _spaced(blocks, terminal, title)
            lines += [terminal.bold(title) + first.removeprefix(title), *others]
    return "\n".join(lines)


def numbers(report: str, terminal: Terminal) -> str:
    """The numbers of an example under their heading.

    Args:
        report: what its `report` returns; its lines stay as they are.
        terminal: how to write.
    """
    return f"{terminal.bold('The numbers')}\n{report}\n"


def after(name: str, terminal: Terminal) -> str:
    """What an example says after its numbers: what to look for, and the conclusion.

    Args:
        name: the name of the example.
        terminal: how to write.
    """
    text = catalogue.explanation(name)
    lines = []
    for title, blocks in (("What to look for", text.look_for), ("Conclusion", text.conclusion)):
        if blocks:
            lines += [terminal.bold(title), *_spaced(_capitalised(blocks), terminal)]
    return "\n".join(lines)


def _capitalised(blocks: Iterable[str]) -> list[str]:
    """The blocks with a capital where the first word is one: no symbol, and no name in a program.

    >>> _capitalised(["ours.", "the rest"]), _capitalised(["z (1 - z) is small"])
    (['Ours.', 'the rest'], ['z (1 - z) is small'])
    >>> _capitalised(["a network learns"]), _capitalised(["a is the output"])
    (['A network learns'], ['a is the output'])
    """
    first, *others = blocks
    return [first[0].upper() + first[1:] if _WORD.match(first) else first, *others]


def _spaced(blocks: Iterable[str], terminal: Terminal, title: str = "") -> list[str]:
    """The lines of the blocks, with an empty one after each; items of a list stand together.

    Args:
        blocks: those of an explanation.
        terminal: how to write.
        title: what the first line begins with, if the first block is a paragraph.
    """
    lines: list[str] = []
    for block in blocks:
        if block.startswith("- "):
            if lines and lines[-2].startswith(("- ", "  ")):
                lines.pop()
            lines += [*terminal.prose(block, others="  ").splitlines(), ""]
        elif block.startswith(" "):
            lines += [*map(terminal.coloured, block.splitlines()), ""]
        else:
            lines += [*terminal.prose(block, first="" if lines else title).splitlines(), ""]
    return lines


# --- in a folder ----------------------------------------------------------------------------


class Saved(NamedTuple):
    """A picture that was saved: its path, and in words what it shows."""

    path: Path
    alt: str


def save_pictures(name: str, result: Any, folder: Path) -> list[Saved]:
    """Draw a result; save each picture as `NAME-KEY.svg`, a film as `.html`.

    Args:
        name: the name of the example.
        result: what its `run` returned.
        folder: where to save; it is created if it is missing.

    Raises:
        OSError: a file cannot be written.
        ImportError: the library that draws is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for key, picture in catalogue.example(name).figures(result).items():
        suffix = "html" if isinstance(picture, Film) else "svg"
        path = picture.save(folder / f"{name.replace('-', '_')}-{key}.{suffix}")
        saved.append(Saved(path, getattr(picture, "alt", "") or key))
    return saved


@dataclass(frozen=True)
class Run:
    """What the page shows of a run: the name, the report, and the pictures that were saved."""

    name: str
    report: str
    pictures: Sequence[Saved]


def save_page(runs: Iterable[Run], path: Path) -> Path:
    """Write a web page with the explanations, the numbers and the pictures of several examples.

    Args:
        runs: the examples in order.
        path: where the page goes; the pictures must be in folders beside it or below.

    Returns:
        The path.
    """
    runs = list(runs)
    contents = "\n".join(
        f'<li><a href="#{run.name}">{run.name}</a>: {escape(catalogue.summary(run.name))}</li>'
        for run in runs
    )
    sections = "\n".join(_section(run, path.parent) for run in runs)
    title = "The examples of scalargrad"
    page = _PAGE.format(title=title, contents=contents, sections=sections)
    return write_whole(path, page.encode())


def _section(run: Run, folder: Path) -> str:
    text = catalogue.explanation(run.name)
    pictures = []
    for path, alt in run.pictures:
        address = quote(path.relative_to(folder).as_posix())
        shown = f'<img src="{address}" alt="{escape(alt)}">'
        if path.suffix != ".svg":
            shown = f'<a href="{address}">Play the film: {escape(alt)}</a>'
        pictures.append(f"<figure>{shown}</figure>")
    return "\n".join(
        [
            f'<section id="{run.name}">',
            f"<h2>{escape(text.summary)}</h2>",
            f"<p>{run.name}, {escape(catalogue.group_of(run.name).heading)}</p>",
            *_markup(text),
            "<h3>The numbers</h3>",
            f"<pre>{escape(run.report)}</pre>",
            *_titled("What to look for", text.look_for),
            *_titled("Conclusion", text.conclusion),
            *pictures,
            "</section>",
        ]
    )


def _markup(text: Explanation) -> list[str]:
    parts = [_block(block) for block in text.body]
    return [*parts, *_titled("Source", text.source), *_titled("Data", text.data)]


def _titled(title: str, blocks: Sequence[str]) -> list[str]:
    return [f"<h3>{title}</h3>", *map(_block, _capitalised(blocks))] if blocks else []


def _block(block: str) -> str:
    if block.startswith(" "):
        return f'<pre class="formula">{escape(block)}</pre>'
    return f"<p>{escape(block)}</p>"
