"""Check the built site: every link and anchor leads somewhere, nothing is loaded from elsewhere.

    python docs/check_site.py build/site

Links to other sites are printed, not visited.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

SCRIPT = re.compile(r"(<script\b[^>]*>).*?</script>", re.DOTALL)
TAG = re.compile(r"<([a-z][\w-]*)\b((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"([\w:-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
URL = re.compile(r"(?:url\(|@import)\s*['\"]?([^'\")\s;]+)")
# Attributes whose address is loaded with the page.
LOADED = {"src", "srcset", "poster", "data"}


class Page:
    """The anchors and addresses of a page."""

    def __init__(self, path: Path) -> None:
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.faults: list[str] = []
        text = SCRIPT.sub(r"\1</script>", path.read_text("utf-8"))
        for tag, rest in TAG.findall(text):
            attributes = {
                name.lower(): unescape(one or other) for name, one, other in ATTRIBUTE.findall(rest)
            }
            self.ids |= {attributes[name] for name in ("id", "name") if name in attributes}
            self.loaded |= {attributes[name] for name in LOADED & attributes.keys() if tag != "a"}
            if tag == "link" and attributes.get("rel") not in ("canonical", "prev", "next"):
                self.loaded.add(attributes.get("href", ""))
            elif "href" in attributes:
                self.links.add(attributes["href"])
            if tag == "img" and "alt" not in attributes:
                self.faults.append(f"a picture without alt: {attributes.get('src', '')[:60]}")
            self.loaded |= set(URL.findall(attributes.get("style", "")))


def is_outside(address: str) -> bool:
    """Whether an address names another host."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https")


def check(site: Path) -> tuple[list[str], list[str]]:
    """Return what is wrong with a site, and the links to other sites."""
    pages = {path: Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}
    faults, outside = [], set()
    for path, page in pages.items():
        place = path.relative_to(site)
        faults += [f"{place}: {fault}" for fault in page.faults]
        faults += [f"{place} loads {x}" for x in page.loaded if is_outside(x)]
        for address in page.links | page.loaded:
            if is_outside(address):
                outside.add(address)
            elif (fault := target_fault(address, path, pages)) is not None:
                faults.append(f"{place}: {fault}")
    for style in site.rglob("*.css"):
        loaded = URL.findall(style.read_text("utf-8"))
        faults += [f"{style.relative_to(site)} loads {x}" for x in loaded if is_outside(x)]
    return sorted(faults), sorted(outside)


def target_fault(address: str, path: Path, pages: dict[Path, Page]) -> str | None:
    """Return what is wrong with an address on this site."""
    parts = urlsplit(address)
    if parts.scheme in ("data", "mailto", "javascript") or address == "#":
        return None
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return f"no such file: {address}"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].ids:
        return f"no such anchor: {address}"
    return None


def main(site: Path) -> Iterator[str]:
    """Yield the lines of a report."""
    faults, outside = check(site)
    yield f"{len(outside)} links to other sites, which are not visited:"
    yield from (f"  {address}" for address in outside)
    yield f"{len(faults)} faults"
    yield from (f"  {fault}" for fault in faults)
    if faults:
        sys.exit(1)


if __name__ == "__main__":
    for line in main(Path(sys.argv[1]).resolve()):
        print(line)
