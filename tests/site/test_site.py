"""The site of docs/, built once with a small gallery: its links, names and looks on a phone."""

import doctest
import importlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from browsers import chromium
from rooms import ROOT

import scalargrad as sg
from scalargrad.examples import catalogue

FOLDER = ROOT / "build" / "tests"  # kept: a later run builds anew only what has changed
SAMPLE = ("simplest_network", "five_equations", "seven_node")  # figures, graphs and a film
# A page of each kind.
KINDS = [
    "index.html",
    "guide/tour.html",
    "operations.html",
    "lectures.html",
    "notebooks/00_start_here.html",
    "reference/api/transforms.html",
    "gallery/index.html",
    "gallery/seven_node.html",
    "source/scalargrad/examples/lecture2/seven_node.py.html",
    "pictures/seven_node-film.html",
    "search.html",
]


@pytest.fixture(scope="module", autouse=True)
def tools() -> Iterator[None]:
    """What docs/ has besides pages: programs, and parts of Sphinx."""
    for name in ("sphinx", "furo", "myst_nb", "sphinx_copybutton", "sphinx_design", "matplotlib"):
        if not find_spec(name):
            pytest.skip(f"{name} is not installed")
    before = [*sys.path]
    sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "docs" / "extensions")]
    yield
    sys.path[:] = before


@pytest.fixture(scope="module")
def gallery(tools: None) -> ModuleType:
    return importlib.import_module("make_gallery")


@pytest.fixture(scope="module")
def site(gallery: ModuleType) -> Path:
    """The site, built with warnings as errors; notebooks show the outputs that they have."""
    playground = FOLDER / "playground"
    playground.mkdir(parents=True, exist_ok=True)
    (playground / "index.html").write_text("<title>A playground</title>")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_START", raising=False)  # other tests cover the same lines
        patch.setenv("SCALARGRAD_GALLERY", "build/tests/gallery")
        gallery.make(FOLDER / "gallery", SAMPLE)
        built = build(playground)
    assert (built.returncode, built.stderr) == (0, "")
    return FOLDER / "site"


def build(playground: Path) -> "subprocess.CompletedProcess[str]":
    shutil.rmtree(FOLDER / "site", ignore_errors=True)
    return subprocess.run(
        [
            sys.executable, "-m", "sphinx", "-b", "html", "-c", "docs", "-EqnW", "--keep-going",
            "-D", "nb_execution_mode=off", "-D", f"playground={playground}",
            "-d", FOLDER / "doctrees", ROOT, FOLDER / "site",
        ],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip


# --- links ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checker(tools: None) -> ModuleType:
    return importlib.import_module("check_site")


def test_every_link_leads_somewhere_and_nothing_comes_from_outside(
    site: Path, checker: ModuleType
) -> None:
    faults, outside = checker.check(site)

    assert faults == []
    assert "https://semver.org/" in outside


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="none.html">x</a>', "no such file: none.html"),
        ('<a href="#none">x</a>', "no such anchor: #none"),
        ('<a href="other.html#none">x</a>', "no such anchor: other.html#none"),
        ('<img src="none.png" alt="x">', "no such file: none.png"),
        ('<img src="other.html">', "a picture without alt: other.html"),
        ('<script src="https://a.example/x.js"></script>', "loads https://a.example/x.js"),
        ('<link rel="stylesheet" href="//a.example/x.css">', "loads //a.example/x.css"),
        ('<p style="background: url(http://a.example/x)">x</p>', "loads http://a.example/x"),
    ],
)
def test_what_is_wrong_is_found(body: str, fault: str, checker: ModuleType, tmp_path: Path) -> None:
    good = '<p id="x"><a href="other.html#y">x</a><a href="https://a.example">x</a></p>'
    (tmp_path / "other.html").write_text('<p id="y"></p>')
    for text, faults in ((good, []), (good + body, [fault])):
        (tmp_path / "page.html").write_text(text)
        found, outside = checker.check(tmp_path)
        assert [re.sub(r"^page.html:? ", "", line) for line in found] == faults
    assert "https://a.example" in outside


def test_links_of_the_readme_and_of_pages_that_github_shows_exist() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        text = re.sub(r"(?s)```.*?```", "", page.read_text("utf-8"))
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if ":" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_links_lead_to_lines_of_programs_and_to_figures(site: Path) -> None:
    api = (site / "reference/api/transforms.html").read_text("utf-8")
    (line,) = re.findall(r"source/scalargrad/transforms/functional\.py\.html#L(\d+)", api)[:1]
    lines = (ROOT / "scalargrad/transforms/functional.py").read_text("utf-8").splitlines()
    assert lines[int(line) - 1].startswith("def grad(")

    lectures = (site / "lectures.html").read_text("utf-8")
    assert 'href="pictures/seven_node-forward.svg"' in lectures


def test_the_playground_stands_beside_its_page(site: Path) -> None:
    page = (site / "playground.html").read_text("utf-8")

    assert 'href="playground/index.html"' in page
    assert "learn.html" not in page  # which is not there
    assert (site / "playground" / "index.html").is_file()


def test_search_leads_to_where_pages_are(site: Path) -> None:
    text = (site / "searchindex.js").read_text("utf-8")
    names = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))["docnames"]

    assert {"index", "guide/tour", "changelog", "gallery/seven_node"} <= set(names)
    assert [name for name in names if not (site / f"{name}.html").is_file()] == []


# --- contents -------------------------------------------------------------------------------


def test_every_public_name_is_described(site: Path) -> None:
    pages = [path.read_text("utf-8") for path in (site / "reference" / "api").glob("*.html")]
    described = {name for page in pages for name in re.findall(r'<dt [^>]*id="([\w.]+)"', page)}
    names = {f"scalargrad.{name}" for name in sg.__all__}
    for space in ("classifiers", "data", "losses", "metrics", "nn", "optim", "plot", "solve"):
        names.discard(f"scalargrad.{space}")
        names |= {f"scalargrad.{space}.{name}" for name in getattr(sg, space).__all__}

    assert names - described == set()


def test_every_figure_is_in_the_gallery(site: Path) -> None:
    index = (site / "gallery" / "index.html").read_text("utf-8")
    thumbnails = re.findall(r'<a href="\.\./pictures/([^"]+)"><img [^>]*src="([^"]+)"', index)
    expected = []
    for name in SAMPLE:
        module: Any = catalogue.example(name)
        page = (site / "gallery" / f"{name}.html").read_text("utf-8")
        for key, picture in module.figures(module.run()).items():
            large = f"{name}-{key}.{'html' if isinstance(picture, sg.Film) else 'svg'}"
            expected.append(large)
            assert f'="../pictures/{large}"' in page

    assert [large for large, _ in thumbnails] == expected


def test_the_gallery_has_all_examples_and_draws_only_what_has_changed(
    site: Path, gallery: ModuleType
) -> None:
    names = [name for group in catalogue.GROUPS for name in group.examples]

    assert [*gallery.PLACES] == names
    assert gallery.make(FOLDER / "gallery", SAMPLE) == []


@pytest.mark.parametrize("name", ["api_pages", "repository", "mathml"])
def test_examples_of_the_parts_of_sphinx(name: str, tools: None) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))

    assert failed == 0
    assert tried


def test_formulas_are_there_without_scripts(site: Path) -> None:
    page = (site / "notebooks" / "01_how_it_works.html").read_text("utf-8")

    assert "<mfrac>" in page
    assert "\\frac" not in re.sub(r"(?s)<pre>.*?</pre>", "", page)


# --- in a browser ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


# What reaches beyond the page: the page itself, or what no box around it lets scroll.
BEYOND = """() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (e) => {
        for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
            if (getComputedStyle(p).overflowX !== "visible") return true;
        return false;
    };
    const wide = [...document.querySelectorAll("article *, .scalargrad-film *")].filter(
        (e) => e.getBoundingClientRect().right > width + 1 && !scrolls(e));
    return [document.documentElement.scrollWidth > width,
            wide.slice(0, 3).map((e) => e.outerHTML.slice(0, 80))];
}"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_fits_on_a_phone_and_loads_nothing_from_outside(
    kind: str, site: Path, browser: Any
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on(
        "request",
        lambda request: (
            request.url.startswith((site.as_uri(), "data:", "blob:")) or faults.append(request.url)
        ),
    )
    page.goto((site / kind).as_uri())

    assert page.evaluate(BEYOND) == [False, []]
    assert faults == []
    page.close()


def test_the_search_finds_a_function(site: Path, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{(site / 'search.html').as_uri()}?q=checkpoint")
    found = page.locator("#search-results a[href*='guide/checkpoints.html']").first
    found.wait_for()
    found.click()

    assert "Go on after an interruption" in page.title()
    page.close()
