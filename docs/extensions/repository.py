"""Files of the repository on the site: where pages stand, and links to files that are no pages.

Pages link to files of the package by relative paths, as GitHub wants them. A file that is linked so
becomes a page of its own below `source/`, with the colours of its language.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar
from urllib.parse import quote

from docutils import nodes
from myst_parser.slugs import github_slugify
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

logger = logging.getLogger(__name__)

# Schemes of links that are resolved when the place of a page is known.
SCHEME, FIGURE = "repository:", "figure:"
FOLDER = "source"


def address(page: str, gallery: str) -> str:
    """Return the place of a page on the site, without the ending.

    >>> address("docs/guide/tour", "build/gallery"), address("CHANGELOG", "build/gallery")
    ('guide/tour', 'changelog')
    """
    for prefix, place in (("docs/", ""), (f"{gallery}/", "gallery/")):
        if page.startswith(prefix):
            return place + page.removeprefix(prefix)
    return page.lower() if page.isupper() else page


class SiteBuilder(StandaloneHTMLBuilder):
    """HTML whose addresses leave the folder `docs` out."""

    name = "html"

    def _address(self, page: str) -> str:
        return address(page, self.config.gallery)

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        return quote(self._address(docname)) + self.link_suffix

    def get_output_path(self, page_name: str, /) -> Path:
        return Path(self.outdir, *self._address(page_name).split("/")).with_name(
            self._address(page_name).rpartition("/")[2] + self.out_suffix
        )

    def dump_search_index(self) -> None:
        super().dump_search_index()
        path = Path(self.outdir, self.searchindex_filename)
        head, tail = "Search.setIndex(", ")"
        text = path.read_text("utf-8")
        assert text.startswith(head)
        assert text.endswith(tail)
        index = json.loads(text[len(head) : -len(tail)])
        index["docnames"] = [self._address(name) for name in index["docnames"]]
        path.write_text(head + json.dumps(index, separators=(",", ":")) + tail, "utf-8")


class LinksToFiles(SphinxTransform):
    """Links from pages to what are no pages: files of the repository, figures, headings.

    - A link to a file leads to the page that shows it, and where the text of the link is a name
      that the file defines, to its line.
    - The path of a Python file in backticks, and the name of a figure, become links.
    - A link to a notebook whose text is a heading in it leads to that heading.
    - A link whose text is the name of a page's file has its title instead.
    """

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        root, here = Path(self.env.srcdir), Path(self.env.doc2path(self.env.docname)).parent
        for node in list(self.document.findall(addnodes.download_reference)):
            path = (here / node["reftarget"]).resolve()
            if not path.is_relative_to(root):
                continue
            name = node.astext().rpartition("::")[2]
            known = name.isidentifier() and line_of(path.read_text("utf-8"), name) is not None
            if not known and "::" in node.astext():
                logger.warning("no definition of %s in %s", name, path, location=node)
            link = SCHEME + path.relative_to(root).as_posix() + (f"#{name}" if known else "")
            node.replace_self(nodes.reference("", "", *node.children, refuri=link, internal=True))

        figures = figures_of(Path(self.config.gallery_folder))
        for node in list(self.document.findall(nodes.literal)):
            text = node.astext()
            if isinstance(node.parent, nodes.reference | addnodes.pending_xref):
                continue
            if text in figures:
                link = FIGURE + figures[text]
            elif re.fullmatch(r"[\w/]+/\w+\.py", text) and (root / text).is_file():
                link = SCHEME + text
            else:
                continue
            around = nodes.reference("", "", refuri=link, internal=True)
            node.replace_self(around)
            around += node

        for node in self.document.findall(addnodes.pending_xref):
            if node.get("refdomain") != "doc" or node.get("reftargetid"):
                continue
            path = root / f"{node['reftarget']}.ipynb"
            if path.is_file() and node.astext() in headings_of(path):
                node["reftargetid"] = github_slugify(node.astext())
            if node.astext().endswith(".md"):
                node["refexplicit"] = False  # the title of the page


@cache
def figures_of(folder: Path) -> dict[str, str]:
    """Return the files of the figures in the gallery, by the names that `--save` gives them."""
    record = folder / "record.json"
    if not record.is_file():
        return {}
    return {
        f"{name}-{picture['key']}": picture["large"]
        for name, entry in json.loads(record.read_text("utf-8")).items()
        for picture in entry["pictures"]
    }


@cache
def headings_of(path: Path) -> set[str]:
    """Return the headings of a notebook."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return {found for text in texts for found in re.findall(r"(?m)^#+ (.+?)\s*$", text)}


class Trimmed(SphinxTransform):
    """Programs without the empty line that ends the output of a doctest."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        for node in self.document.findall(nodes.literal_block):
            text = node.astext()
            if text != text.rstrip():
                node.rawsource = text.rstrip()
                node.children = []
                node += nodes.Text(text.rstrip())


class Resolved(SphinxPostTransform):
    """The links to files, once the page they stand on has its place."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        here = self.env.docname
        assert isinstance(self.app.builder, StandaloneHTMLBuilder)
        for node in self.document.findall(nodes.reference):
            link = node.get("refuri", "")
            if link.startswith(FIGURE):
                place = self.app.builder.get_target_uri(here)
                node["refuri"] = relative_uri(place, f"pictures/{link.removeprefix(FIGURE)}")
            elif link.startswith(SCHEME):
                path, _, name = link.removeprefix(SCHEME).partition("#")
                text = Path(self.env.srcdir, path).read_text("utf-8")
                files_of(self.env).setdefault(here, set()).add(path)
                to = self.app.builder.get_relative_uri(here, f"{FOLDER}/{path}")
                node["refuri"] = to + (f"#L{line_of(text, name)}" if name else "")


def line_of(text: str, name: str) -> int | None:
    """Return the number of the line that defines a name; a number is a line itself."""
    if name.isdigit():
        return int(name)
    found = re.search(rf"(?m)^\s*(?:(?:def|class) )?{re.escape(name)}\b", text)
    return text.count("\n", 0, found.end()) + 1 if found else None


def files_of(env: Any) -> dict[str, set[str]]:
    """Return the files that each page links."""
    if not hasattr(env, "linked_files"):
        env.linked_files = {}
    found: dict[str, set[str]] = env.linked_files
    return found


def copied(app: Sphinx, exception: Exception | None) -> None:
    """Put the playground, if it is built, beside its page."""
    folder = Path(app.config.playground)
    if exception is None and (folder / "index.html").is_file():
        shutil.copytree(folder, Path(app.outdir, "playground"), dirs_exist_ok=True)


class Playground(SphinxDirective):
    """Links to the pages of the playground, which is built apart, or a line that says it is not."""

    pages: ClassVar = {"index.html": "Open the playground", "learn.html": "Watch a network learn"}

    def run(self) -> list[nodes.Node]:
        folder = Path(self.config.playground)
        links = [
            nodes.reference("", title, refuri=f"playground/{name}")
            for name, title in self.pages.items()
            if (folder / name).is_file()
        ]
        if links:
            return [nodes.paragraph("", "", *links, classes=["playground"])]
        text = "This build of the site does not have it: `make playground` builds it, with npm."
        return [nodes.paragraph("", "", *self.parse_inline(text)[0])]


def placed(app: Sphinx, docname: str, source: list[str]) -> None:
    """Lead to the gallery of this build."""
    source[0] = source[0].replace("/build/gallery/", f"/{app.config.gallery}/")


def forget(app: Sphinx, env: Any, docname: str) -> None:
    files_of(env).pop(docname, None)


def pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the pages that show files."""
    assert isinstance(app.builder, StandaloneHTMLBuilder)
    assert app.builder.highlighter is not None
    for name in sorted(set().union(*files_of(app.env).values())):
        text = Path(app.srcdir, name).read_text("utf-8")
        try:
            language = get_lexer_for_filename(name).aliases[0]
        except ClassNotFound:
            language = "text"
        shown = app.builder.highlighter.highlight_block(text, language, location=name)
        head, pre, rest = shown.partition("<pre>")
        lines = rest.split("\n")
        code = "\n".join(f'<span id="L{n}"></span>{line}' for n, line in enumerate(lines[:-1], 1))
        title = escape(PurePosixPath(name).name)
        body = (
            f"<h1>{title}</h1>\n<p><code>{escape(name)}</code></p>\n{head}{pre}{code}\n{lines[-1]}"
        )
        yield f"{FOLDER}/{name}", {"title": title, "body": body}, "page.html"


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("gallery", "", "env", str)
    app.add_config_value("gallery_folder", "", "env", str)
    app.add_config_value("playground", "", "env", str)
    app.add_directive("playground", Playground)
    app.connect("source-read", placed)
    app.add_builder(SiteBuilder, override=True)
    app.add_transform(LinksToFiles)
    app.add_transform(Trimmed)
    app.add_post_transform(Resolved)
    app.connect("env-purge-doc", forget)
    app.connect("html-collect-pages", pages)
    app.connect("build-finished", copied)
    return {"env_version": 4, "parallel_read_safe": False, "parallel_write_safe": False}
