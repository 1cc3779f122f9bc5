"""Files of the repository on the site: where pages stand, and links to files that are no pages.

Pages link to files of the package by relative paths, as GitHub wants them. A file that is linked so
becomes a page of its own below `source/`, with the colours of its language; `[text](path "heading")`
and `[file::name](path)` lead to the line that defines the name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from docutils import nodes
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)

SCHEME = "repository:"  # of links that are resolved when the place of a page is known
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
    """A link to a file that is no page leads to the page that shows the file."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        root, here = Path(self.env.srcdir), Path(self.env.doc2path(self.env.docname)).parent
        for node in list(self.document.findall(addnodes.download_reference)):
            path = (here / node["reftarget"]).resolve()
            if not path.is_relative_to(root):
                continue
            name = node.astext().partition("::")[2].rpartition("::")[2]
            link = SCHEME + path.relative_to(root).as_posix() + (f"#{name}" if name else "")
            node.replace_self(nodes.reference("", "", *node.children, refuri=link, internal=True))


class Resolved(SphinxPostTransform):
    """The links to files, once the page they stand on has its place."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        for node in self.document.findall(nodes.reference):
            if not node.get("refuri", "").startswith(SCHEME):
                continue
            path, _, name = node["refuri"].removeprefix(SCHEME).partition("#")
            line = line_of(Path(self.env.srcdir, path).read_text("utf-8"), name) if name else None
            if name and line is None:
                logger.warning("no definition of %s in %s", name, path, location=node)
            files_of(self.env).setdefault(self.env.docname, set()).add(path)
            to = self.app.builder.get_relative_uri(self.env.docname, f"{FOLDER}/{path}")
            node["refuri"] = to + (f"#L{line}" if line else "")


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


class Playground(SphinxDirective):
    """A link to the playground, which is built apart; where it is not there, a line that says so."""

    def run(self) -> list[nodes.Node]:
        built = (Path(self.config.playground) / "index.html").is_file()
        if not built:
            text = "It is not part of this build of the site: `make playground` builds it, with npm."
            return [nodes.paragraph("", "", *self.parse_inline(text)[0])]
        link = nodes.reference("", "Open the playground", refuri="playground/index.html")
        return [nodes.paragraph("", "", link, classes=["playground"])]


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
        body = f"<h1>{title}</h1>\n<p><code>{escape(name)}</code></p>\n{head}{pre}{code}\n{lines[-1]}"
        yield f"{FOLDER}/{name}", {"title": title, "body": body}, "page.html"


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("gallery", "build/gallery", "env", str)
    app.add_config_value("playground", "", "env", str)
    app.add_directive("playground", Playground)
    app.connect("source-read", placed)
    app.add_builder(SiteBuilder, override=True)
    app.add_transform(LinksToFiles)
    app.add_post_transform(Resolved)
    app.connect("env-purge-doc", forget)
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": False, "parallel_write_safe": False}
