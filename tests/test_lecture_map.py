"""The page that maps the items of the lectures to where they run: complete, with real targets."""

import ast
import inspect
import json
import re
import sys
from pathlib import Path

import pytest

from scalargrad.examples.catalogue import LECTURES, example

DOCS = Path(__file__).parents[1] / "docs"
ITEMS = [
    *(f"X{k}" for k in range(1, 4)),
    *(f"S0.{k}" for k in range(1, 32)),
    *(f"S1.{k}" for k in range(1, 16)),
    *(f"S2.{k}" for k in range(1, 31)),
    *(f"S3.{k}" for k in range(1, 21)),
    *(f"S4.{k}" for k in range(1, 26)),
]
PAGE = (DOCS / "lectures.md").read_text("utf-8")
# Each item from its heading to the next; what is in fences is an example of the form.
PROSE = re.sub(r"(?ms)^```.*?^```$", "", PAGE)
_, *_PARTS = re.split(r"(?m)^#+ (.+)$", PROSE)
SECTIONS = list(zip(_PARTS[::2], _PARTS[1::2], strict=True))
TEXTS = {heading: text for heading, text in SECTIONS if re.fullmatch(r"(X|S\d\.)\d+", heading)}
LINE = re.compile(r"- (example|library|test|notebook) \[([^\]]+)\]\(([^)#]+)\)(: .+)?")
OTHER = re.compile(r"- (⚠|figures? `|narrative only: )")


def bullets(item: str) -> list[str]:
    """The lines below the sentence of an item, each with the lines that go on with it."""
    _, *found = re.split(r"(?m)^(?=- )", TEXTS[item])
    return [" ".join(text.split()) for text in found]


def test_every_item_stands_once_and_in_order() -> None:
    assert list(TEXTS) == ITEMS
    assert len([heading for heading, _ in SECTIONS if heading in TEXTS]) == len(ITEMS)


@pytest.mark.parametrize("item", ITEMS)
def test_each_says_what_it_is_and_where_it_is(item: str) -> None:
    sentence = TEXTS[item].split("\n- ")[0].strip()

    assert sentence.endswith((".", "?", "!", ")"))
    assert bullets(item)
    for text in bullets(item):
        assert LINE.fullmatch(text) or OTHER.match(text), text


@pytest.mark.parametrize("item", ITEMS)
def test_targets_exist(item: str) -> None:
    lines = [match for text in bullets(item) if (match := LINE.fullmatch(text))]

    assert lines or any("narrative only: " in text for text in bullets(item))
    for kind, text, target, _ in (line.groups() for line in lines):
        path = DOCS / target
        assert path.is_file(), target
        if kind in ("example", "library"):
            assert text in (path.stem, path.name), text
        elif kind == "test":
            functions = ast.walk(ast.parse(path.read_text("utf-8")))
            assert text in {f.name for f in functions if isinstance(f, ast.FunctionDef)}, text
        else:
            cells = json.loads(path.read_text("utf-8"))["cells"]
            headings = [line.strip() for cell in cells for line in cell["source"]]
            assert any(re.fullmatch(rf"#+ {re.escape(text)}", line) for line in headings), text


def test_lines_are_readable() -> None:
    long = {line for line in PAGE.splitlines() if len(line) > 110 and "|" not in line}

    assert {line for line in long if not LINE.fullmatch(line)} == set()  # a link may be long


def test_every_lecture_has_its_page_of_equations() -> None:
    linked = re.findall(r"\]\((concordance/\w+\.md)\)", PAGE)

    assert linked == [f"concordance/{lecture.folder}.md" for lecture in LECTURES]
    for target in linked:
        assert (DOCS / target).is_file(), target


def test_figures_exist() -> None:
    named = set(re.findall(r"`([a-z_]+)-([a-z0-9_]+)`", PROSE))

    assert len(named) >= 26
    for name, key in named:
        source = inspect.getsource(sys.modules[example(name).__name__])
        assert f'"{key}"' in source, f"{name}-{key}"
