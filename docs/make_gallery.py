"""Draw the figures of all examples, and write the pages that show them: the gallery of the site.

Each example is drawn anew only if its own module or any other part of the package has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from html import escape
from inspect import getdoc, getsource
from multiprocessing import get_context
from pathlib import Path

import scalargrad as sg
from scalargrad.examples.catalogue import GROUPS, example, summary

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "scalargrad"
THUMBNAIL = 360  # px, at most, of the longer side of a thumbnail of matplotlib's
PLACES = {name: group.folder for group in GROUPS for name in group.examples}


def digest(name: str) -> str:
    """The digest of all that an example's pictures depend on."""
    own = PACKAGE / "examples" / PLACES[name]
    how = (getsource(draw), THUMBNAIL, sys.version_info[:2])
    found = hashlib.sha256(repr(how).encode())
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.is_relative_to(PACKAGE / "examples") and path.parent.name in PLACES.values()
        if inside and path.stem in PLACES and path != own / f"{name}.py":
            continue  # another example
        found.update(path.read_bytes())
    return found.hexdigest()


def draw(name: str, folder: Path) -> list[dict[str, str]]:
    """Run an example, save its pictures, and return their files, in order, with what they show."""
    module = example(name)
    made = []
    for key, picture in module.figures(module.run()).items():
        stem = f"{name}-{key}"
        alt, kind = getattr(picture, "alt", ""), type(picture).__name__
        if isinstance(picture, sg.Film):
            large, small = f"{stem}.html", f"{stem}.svg"
            folder.joinpath(small).write_text(picture.svg, "utf-8")
        else:
            large = small = f"{stem}.svg"
        picture.save(folder / large)
        if isinstance(picture, sg.Film | sg.Drawing):
            alt = picture.graph.summary
        if kind == "Figure":
            small = f"{stem}.png"
            width, height = picture.get_size_inches()
            picture.savefig(folder / small, format="png", dpi=THUMBNAIL / max(width, height))
        made.append({"key": key, "large": large, "small": small, "alt": alt, "kind": kind})
    return made


# --- pages ----------------------------------------------------------------------------------


def text(name: str) -> Iterator[str]:
    """The docstring of an example as Markdown, its first line as the title."""
    title, _, rest = (getdoc(example(name)) or "").partition("\n")
    yield f"# {plain(title.rstrip('.'))}\n\n"
    for line in rest.strip("\n").split("\n"):
        if line.startswith("    "):
            yield line
        else:
            yield re.sub(r"^(Source|Data|Look for|Conclusion):", r"\n**\1:**", plain(line))
        yield "\n"


def plain(line: str) -> str:
    """A line of text in which Markdown sees no markup but code in backticks."""
    pieces = re.split(r"(`[^`]+`)", line)
    pieces[::2] = [re.sub(r"([\\*_<>\[\]|$#])", r"\\\1", piece) for piece in pieces[::2]]
    return "".join(pieces)


def page(name: str, pictures: list[dict[str, str]], folder: Path) -> str:
    """The page of an example: what it says of itself, how to run it, and its pictures."""
    path = os.path.relpath(PACKAGE / "examples" / PLACES[name] / f"{name}.py", folder)
    lines = [
        *text(name),
        f"\n```sh\n.venv/bin/python -m scalargrad run {name} --save pictures\n```\n",
    ]
    lines.append(f"\nThe program: [{name}.py]({path})\n")
    for picture in pictures:
        alt, large = escape(picture["alt"]), f"../pictures/{picture['large']}"
        lines.append(f"\n## {picture['key'].replace('_', ' ')}\n\n")
        if picture["kind"] == "Film":
            lines.append(
                f'<iframe class="film" loading="lazy" src="{large}" title="{alt}"></iframe>\n\n'
                f'<a href="{large}">The film alone</a>\n'
            )
            continue
        image = f'<img loading="lazy" src="{large}" alt="{alt}">'
        lines.append(f'<a class="picture" href="{large}">{image}</a>\n')
        if picture["kind"] == "Figure":
            lines.append(f"\n{plain(picture['alt'])}\n")
    return "".join(lines)


def index(pictures: Mapping[str, list[dict[str, str]]]) -> str:
    """The page with all thumbnails."""
    count = sum(map(len, pictures.values()))
    lines = [
        "(gallery)=\n\n# Gallery\n\n",
        f"All {count} pictures of the {len(pictures)} examples, as their programs draw them: "
        "each leads to the large picture, each name to the example. An example states the forward "
        "program alone, computes the numbers of its lecture, corrects its errors and draws them.\n",
    ]
    for group in GROUPS:
        names = [name for name in group.examples if name in pictures]
        if not names:
            continue
        lines.append(f"\n## {plain(group.heading)}\n")
        lines.append("\n```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n")
        for name in names:
            lines.append(f"\n### [{name}]({name}.md)\n\n{plain(summary(name))}\n\n")
            lines.append('<div class="gallery">\n')
            for picture in pictures[name]:
                lines.append(
                    f'<a href="../pictures/{picture["large"]}"><img loading="lazy" '
                    f'src="../pictures/{picture["small"]}" alt="{escape(picture["alt"])}">'
                    f"<span>{picture['key'].replace('_', ' ')}</span></a>\n"
                )
            lines.append("</div>\n")
    return "".join(lines)


# --- all ------------------------------------------------------------------------------------


def make(folder: Path, names: Collection[str] = tuple(PLACES)) -> list[str]:
    """Write the gallery.

    Args:
        folder: where to write; what is there and still true is kept.
        names: the examples in it, by default all.

    Returns:
        The names of the examples that were drawn anew.
    """
    files = folder / "files" / "pictures"
    files.mkdir(parents=True, exist_ok=True)
    record = folder / "record.json"
    known = json.loads(record.read_text("utf-8")) if record.exists() else {}
    digests = {name: digest(name) for name in PLACES if name in names}
    new = [name for name in digests if known.get(name, {}).get("digest") != digests[name]]
    # Processes that are started afresh: a fork may not have what other threads hold.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for name, pictures in zip(new, pool.map(draw, new, [files] * len(new)), strict=True):
            known[name] = {"digest": digests[name], "pictures": pictures}
    known = {name: known[name] for name in digests}
    record.write_text(json.dumps(known, indent=1), "utf-8")

    pictures = {name: entry["pictures"] for name, entry in known.items()}
    kept = {p[size] for entry in pictures.values() for p in entry for size in ("large", "small")}
    for path in files.iterdir():
        if path.name not in kept:
            path.unlink()
    pages = {name: page(name, entry, folder) for name, entry in pictures.items()}
    pages["index"] = index(pictures)
    for path in folder.glob("*.md"):
        if path.stem not in pages:
            path.unlink()
    for name, content in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text("utf-8") != content:  # else Sphinx reads it again
            path.write_text(content, "utf-8")
    return new


if __name__ == "__main__":
    folder = ROOT / "build" / "gallery"
    if "--anew" in sys.argv:
        shutil.rmtree(folder, ignore_errors=True)
    print("drawn anew:", ", ".join(make(folder)) or "nothing")
