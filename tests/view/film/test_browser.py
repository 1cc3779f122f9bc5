"""Tests of the film in a real browser: it plays, can be steered and read, and stays harmless."""

import base64
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browsers
import pytest
from browsers import chromium
from hostile import ATTACKS, HOSTILE, assert_harmless, texts_of

import scalargrad as sg
from scalargrad import Value, losses, nn
from scalargrad.core.labels import clean
from scalargrad.examples.lecture2 import seven_node
from scalargrad.view.draw import draw
from scalargrad.view.film.film import Film
from scalargrad.view.steps import steps

# JupyterLab puts an output into the page like this: innerHTML first, then each script made anew.
AS_JUPYTERLAB = """(html) => {
    const host = document.createElement("div");
    host.innerHTML = html;
    for (const old of host.querySelectorAll("script")) {
        const script = document.createElement("script");
        for (const { name, value } of old.attributes) script.setAttribute(name, value);
        script.textContent = old.textContent;
        old.replaceWith(script);
    }
    document.body.append(host);
}"""


# Every step in turn, and what LOOK sees of the film there; in one go, for each call takes a while.
WALK = """(film) => {
    const forward = film.querySelector("button[aria-label='Forward one step']");
    const slider = film.querySelector("input");
    const seen = [(LOOK)(film)];
    while (slider.value !== slider.max) { forward.click(); seen.push((LOOK)(film)); }
    return seen;
}"""


# One browser for the file, and no longer: while Playwright runs, other tests cannot use asyncio.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


class Watched(browsers.Watched):
    """A page with films."""

    def player(self, index: int = 0) -> "Player":
        return Player(self.page, self.page.locator(".scalargrad-film").nth(index))


class Player:
    """A film on a page, in the words of who looks at it."""

    def __init__(self, page: Any, root: Any) -> None:
        self.page, self.root = page, root
        self.slider = root.get_by_role("slider", name="Step")

    @property
    def caption(self) -> str:
        return str(self.root.locator(".film-caption").inner_text())

    @property
    def text(self) -> list[str]:
        return [str(text) for text in self.root.locator(".film-now p").all_inner_texts()][1:]

    def walk(self, look: str) -> list[Any]:
        return list(self.root.evaluate(WALK.replace("LOOK", look)))

    def press(self, name: str) -> None:
        self.root.get_by_role("button", name=name, exact=True).click()

    def row(self, box: int, role: str) -> str:
        return str(self.root.locator(f'[data-box="{box}"] [data-row="{role}"]').inner_html())

    def style(self, selector: str, name: str) -> str:
        return str(
            self.root.locator(selector).first.evaluate(
                "(element, name) => getComputedStyle(element)[name]", name
            )
        )


Open = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Open a file; at the end nothing unexpected must have happened."""
    opened: list[Watched] = []

    def open_page(path: Path, clock: bool = False, **options: Any) -> Watched:
        options.setdefault("viewport", {"width": 1400, "height": 900})
        watched = Watched(browser.new_context(**options).new_page())
        opened.append(watched)
        if clock:
            watched.page.clock.install()
        watched.page.goto(path.as_uri())
        return watched

    yield open_page
    for watched in opened:
        watched.page.context.close()
    assert [fault for watched in opened for fault in watched.faults] == []


@pytest.fixture
def open_film(open_page: Open, tmp_path: Path) -> Open:
    """Save a film, and open the file."""
    return lambda film, *more, **options: open_page(
        film.save(tmp_path / "film.html"), *more, **options
    )


@pytest.fixture(scope="module")
def film() -> Film:
    return steps(seven_node.build().E, engine="builtin")


def test_forward_and_back(film: Film, open_film: Open) -> None:
    player = open_film(film).player()
    assert player.caption == "forward 1 of 13"

    player.press("Forward one step")
    assert player.caption == "forward 2 of 13"
    assert player.text == ["z3 = w13·x1 + w23·x2 = 0.6·0.5 + (-0.4)·(-1) = 0.7"]
    player.press("Back one step")
    player.press("Back one step")
    assert player.caption == "forward 1 of 13"


def test_every_step_says_what_it_says_in_python(film: Film, open_film: Open) -> None:
    said = (
        open_film(film)
        .player()
        .walk("(film) => [...film.querySelectorAll('.film-now p')].map((p) => p.textContent)")
    )

    assert [text for _, *text in said] == [[step.title, *step.lines] for step in film.steps]


def test_the_picture_ends_with_the_numbers(film: Film, open_film: Open) -> None:
    player = open_film(film).player()
    first = {box.number: player.row(box.number, "grad") for box in film.graph.boxes[:3]}
    player.slider.press("End")

    assert set(first.values()) == {"grad –"}
    assert player.caption == "backward 13 of 13"
    for box in film.graph.boxes:
        for row in box.rows:
            assert player.row(box.number, row.role) == row.text
    player.slider.press("Home")
    assert {number: player.row(number, "grad") for number in first} == first


def test_a_local_derivative_appears_with_the_value_that_it_leads_to(
    film: Film, open_film: Open
) -> None:
    look = """(film) => [...film.querySelectorAll("g[data-edge]")]
        .filter((label) => getComputedStyle(label).visibility === "visible")
        .map((label) => Number(label.dataset.edge))"""
    player = open_film(film).player()
    seen = player.walk(look)
    edges = film.graph.edges
    computed: set[int] = set()

    assert seen[0] == []
    for step, visible in zip(film.steps, seen, strict=True):
        computed |= {*step.boxes} if step.phase == "forward" else set()
        assert set(visible) == {
            i for i, edge in enumerate(edges) if edge.text and edge.head in computed
        }
    player.slider.press("Home")
    assert player.root.evaluate(look) == []


def test_playing(film: Film, open_film: Open) -> None:
    watched = open_film(film, clock=True)
    player, clock = watched.player(), watched.page.clock
    player.press("Play")

    assert player.caption == "forward 2 of 13"  # at once
    clock.run_for(2000)
    assert player.caption == "forward 3 of 13"
    player.press("Pause")
    clock.run_for(10_000)
    assert player.caption == "forward 3 of 13"

    player.press("Play")
    clock.run_for(60_000)
    assert player.caption == "backward 13 of 13"
    player.press("Play")  # it has stopped by itself, and begins again
    assert player.caption == "forward 1 of 13"
    player.press("Forward one step")  # who steps by hand is not run away from
    clock.run_for(10_000)
    assert player.caption == "forward 2 of 13"


def test_the_slider(film: Film, open_film: Open) -> None:
    watched = open_film(film)
    player, mouse = watched.player(), watched.page.mouse
    place = player.slider.bounding_box()
    middle = place["y"] + place["height"] / 2
    mouse.move(place["x"] + 8, middle)
    mouse.down()
    mouse.move(place["x"] + place["width"] / 2, middle, steps=4)
    mouse.up()

    assert player.caption in ("forward 13 of 13", "backward 1 of 13")
    mouse.click(place["x"] + place["width"] - 3, middle)
    assert player.caption == "backward 13 of 13"
    assert player.slider.get_attribute("aria-valuetext") == "backward 13 of 13"
    player.slider.press("ArrowLeft")
    assert player.caption == "backward 12 of 13"


def test_the_keyboard(film: Film, open_film: Open) -> None:
    watched = open_film(film, clock=True)
    player, keyboard = watched.player(), watched.page.keyboard
    keyboard.press("Tab")
    assert watched.page.evaluate("document.activeElement.textContent") == "Back"
    assert player.style("button:focus-visible", "outlineStyle") == "solid"

    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    assert player.caption == "forward 3 of 13"
    keyboard.press("ArrowLeft")
    assert player.caption == "forward 2 of 13"
    keyboard.press("End")
    assert player.caption == "backward 13 of 13"
    keyboard.press("Home")
    assert player.caption == "forward 1 of 13"
    keyboard.press("Tab")
    keyboard.press(" ")  # presses the button "Play", once
    assert player.caption == "forward 2 of 13"
    player.root.locator(".film-picture").focus()
    keyboard.press(" ")
    watched.page.clock.run_for(10_000)
    assert player.caption == "forward 2 of 13"
    keyboard.press("Alt+ArrowRight")  # the browser's own
    assert player.caption == "forward 2 of 13"


def test_forward_and_backward_look_different(film: Film, open_film: Open) -> None:
    player = open_film(film, reduced_motion="reduce").player()
    picture = player.root.locator(".film-picture svg")
    player.press("Forward one step")
    before, drawn = picture.screenshot(), picture.inner_html()
    assert picture.screenshot() == before
    assert player.style("[data-lit=acting] > path", "strokeWidth") == "5px"
    assert player.style("path[data-lit=flow]:not(.film-back)", "strokeDasharray") == "none"
    assert player.style("path[data-lit=flow].film-back", "display") == "none"

    for _ in range(13):
        player.press("Forward one step")
    after = picture.screenshot()
    assert player.caption == "backward 2 of 13"
    assert player.style("[data-lit=touched] > path", "strokeWidth") == "3px"
    assert player.style("path[data-lit=flow]:not(.film-back)", "display") == "none"
    assert player.style("path[data-lit=flow].film-back", "strokeDasharray") == "9px, 4px"
    assert before.startswith(b"\x89PNG")
    assert before != after
    assert picture.screenshot() == after
    for _ in range(13):
        player.press("Back one step")
    assert picture.inner_html() == drawn  # the shots may differ in how smooth a line is


def test_a_film_of_groups(open_film: Open) -> None:
    random.seed(5)
    model = nn.MLP(3, [8, 8, 1], "tanh")
    rows = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(20)]
    loss = losses.squared_error([model(row) for row in rows], [sum(row) for row in rows])
    film = steps(loss, model, max_nodes=12, engine="builtin")
    watched = open_film(film)  # which sees to it that there were no errors
    player = watched.player()

    assert film.graph.notice
    first = player.caption
    assert first.startswith("forward 1 of")
    player.slider.press("End")
    assert player.caption.startswith("backward")
    player.slider.press("Home")
    assert player.caption == first
    player.press("Forward one step")
    assert player.caption.startswith("forward 2 of")
    player.press("Back one step")
    assert player.caption == first
    assert len(player.walk("(film) => null")) == len(film.steps)
    assert watched.faults == []


def test_nothing_jumps(film: Film, open_film: Open) -> None:
    player = open_film(film, viewport={"width": 390, "height": 844}).player()
    places = player.walk(
        """(film) => ["bar", "now", "picture"].map((part) => {
            const place = film.querySelector(`.film-${part}`).getBoundingClientRect();
            return [place.x, place.y, place.width, place.height];
        })"""
    )

    assert len(places) == len(film.steps)
    assert all(place == places[0] for place in places)


@pytest.mark.parametrize("width", [390, 1400])
def test_phone_and_desktop(film: Film, open_film: Open, width: int) -> None:
    watched = open_film(film, viewport={"width": width, "height": 844}, reduced_motion="reduce")
    player = watched.player()

    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    for control in (*player.root.get_by_role("button").all(), player.slider):
        assert control.bounding_box()["height"] >= 40
    assert player.style("[data-row=title]", "fontSize") == "13px"
    view = player.root.locator(".film-picture").bounding_box()
    for key in ("End", "Home"):
        player.slider.press(key)
        box = player.root.locator("[data-lit=acting]").first.bounding_box()
        assert view["x"] <= box["x"] + box["width"] / 2 <= view["x"] + view["width"]


BOXES = """() => [...document.querySelectorAll("[data-box]")].map((box) => {
    const { left, right } = box.getBoundingClientRect();
    return [left, right];
})"""


def assert_whole(page: Any, width: int) -> None:
    boxes = page.evaluate(BOXES)
    assert boxes
    assert all(0 <= left < right <= width for left, right in boxes)


@pytest.mark.parametrize("width", [390, 1400])
def test_no_page_cuts_a_box_off(film: Film, open_page: Open, tmp_path: Path, width: int) -> None:
    drawing = draw(seven_node.build().E, engine="builtin")
    assert drawing.scene.width * 96 / 72 > width
    cell = f"<!DOCTYPE html><body style='overflow: hidden'>{drawing.svg}"
    (tmp_path / "cell.html").write_text(cell, "utf-8")
    paths = [
        tmp_path / "cell.html",
        *(drawing.save(tmp_path / f"x.{end}") for end in ("svg", "html")),
    ]
    for path in [*paths, film.save(tmp_path / "film.html")]:
        page = open_page(path, viewport={"width": width, "height": 844}).page
        assert_whole(page, width)


def test_a_cell_of_jupyterlab_cuts_no_picture_off(browser: Any) -> None:
    # it shows an SVG as an image without any style, in a table cell that scrolls
    cell = "<!DOCTYPE html><div style='display: table; table-layout: fixed; width: 100%'>"
    cell += "<div style='display: table-cell; overflow: auto'><img src='data:image/svg+xml;base64,"
    wide, small = seven_node.build().E, Value(2.0, "x").tanh()
    for x, expected in ((wide, 884.0), (small, None)):
        drawing = draw(x, engine="builtin")
        page = browser.new_page(viewport={"width": 900, "height": 844})
        page.set_content(f"{cell}{base64.b64encode(drawing.svg.encode()).decode()}'>")
        shown = page.locator("img").bounding_box()
        page.close()

        natural = round(drawing.scene.width) * 96 / 72
        assert shown["width"] == pytest.approx(expected or natural, abs=1)
        ratio = drawing.scene.width / drawing.scene.height
        assert shown["width"] / shown["height"] == pytest.approx(ratio, rel=0.01)


def test_a_tap_shows_a_part_large_enough_to_read(film: Film, open_film: Open) -> None:
    watched = open_film(film, viewport={"width": 390, "height": 844})
    picture = watched.player().root.locator("svg")
    whole = picture.bounding_box()["width"]
    picture.click()
    large = picture.bounding_box()["width"]
    picture.click()

    assert whole <= 390
    assert large == pytest.approx(0.6 * film.scene.width * 96 / 72, abs=2)
    assert picture.bounding_box()["width"] == whole
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_reduced_motion(film: Film, open_film: Open) -> None:
    for motion, expected in (("reduce", "none"), ("no-preference", "scalargrad-film-back")):
        player = open_film(film, reduced_motion=motion).player()
        player.slider.press("End")

        assert player.style("path[data-lit=flow].film-back", "animationName") == expected


def test_without_scripts(film: Film, open_film: Open) -> None:
    root = open_film(film, java_script_enabled=False).player().root

    image = root.get_by_role("img")
    assert image.bounding_box()["width"] > 600
    assert image.get_attribute("alt").startswith("Computation graph")
    assert root.get_by_role("button").count() == 0
    items = root.get_by_role("listitem")
    assert items.count() == len(film.steps)
    assert items.last.is_visible()
    assert "w13.grad += z3.grad × ∂z3/∂w13" in items.last.inner_text()


def test_for_ears(film: Film, open_film: Open) -> None:
    player = open_film(film).player()
    heard = player.root.aria_snapshot()

    for control in ("Back one step", "Play", "Forward one step"):
        assert f'button "{control}"' in heard
    assert 'slider "Step"' in heard
    assert 'img "Computation graph: 23 values' in heard
    region = player.root.get_by_role("region", name="This step")
    assert region.get_attribute("aria-live") == "polite"
    assert "forward 1 of 13" in region.inner_text()
    assert player.root.locator("[id]").count() == 0


def test_the_policy_is_in_force(film: Film, open_film: Open) -> None:
    watched = open_film(film)
    watched.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.hacked = 1";
            document.body.append(script);
        }"""
    )

    assert watched.page.evaluate("window.hacked") is None
    assert any("Content Security Policy" in fault for fault in watched.faults)
    watched.faults.clear()


def hostile_result() -> tuple[Value, list[str]]:
    labels = [*HOSTILE, *ATTACKS]
    values = [Value(number, label) for number, label in enumerate(labels, 1)]
    attack = sg.primitive(f"hostile {ATTACKS[0]}", lambda x: 2 * x, lambda x, out: (2.0,))
    result = attack(sg.sum([value * 2 for value in values]))
    result.label = ATTACKS[1]
    return result, [clean(label) for label in labels if label]


@pytest.fixture(scope="module")
def hostile_film() -> tuple[Film, list[str]]:
    result, labels = hostile_result()
    return steps(result, engine="builtin"), labels


def assert_film_harmless(watched: Watched, labels: list[str], film: Film) -> None:
    player = watched.player()
    shown = player.root.locator("[data-row=title]").all_text_contents()
    assert {label for label in labels if label not in shown} == set()
    assert len(player.walk("(film) => null")) == len(film.steps)
    assert player.caption.startswith("backward")
    tags = player.root.evaluate("e => [...e.querySelectorAll('*')].map((x) => x.localName)")
    assert tags.count("script") == 2
    assert tags.count("svg") == 1
    assert not {"img", "a", "iframe", "object", "foreignObject"} & set(tags)
    assert watched.page.evaluate("window.hacked") is None


def test_hostile_labels_run_nothing(
    hostile_film: tuple[Film, list[str]], open_film: Open
) -> None:  # fmt: skip
    film, labels = hostile_film

    assert_film_harmless(open_film(film), labels, film)


@pytest.mark.parametrize("scripts", [True, False])
def test_hostile_labels_on_the_page_of_a_drawing(
    open_page: Open, tmp_path: Path, scripts: bool
) -> None:
    result, labels = hostile_result()
    path = draw(result, engine="builtin").save(tmp_path / "drawing.html")
    page = open_page(path, java_script_enabled=scripts).page

    shown = page.locator("svg text").all_text_contents()
    assert {label for label in labels if label not in shown} == set()
    assert page.locator("svg").bounding_box()["width"] > 600
    tags = page.locator("*").evaluate_all("all => all.map((x) => x.localName)")
    assert tags.count("svg") == 1
    assert not {"script", "img", "a", "iframe", "object", "foreignObject", "b"} & set(tags)
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.filterwarnings("default")  # of the notebook tools
def test_hostile_labels_on_a_page_made_of_a_notebook(
    notebook_page: str, open_page: Open, tmp_path: Path, scripts: bool
) -> None:
    path = tmp_path / "notebook.html"
    path.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body>{notebook_page}', "utf-8")
    watched = open_page(path, java_script_enabled=scripts)
    page = watched.page

    labels = {clean(label) for label in (*HOSTILE, *ATTACKS) if label}
    assert page.evaluate("window.hacked") is None
    # the drawing, and where no script unpacks it the picture of the film
    sources = page.locator("img").evaluate_all("all => all.map((x) => x.src)")
    start = "data:image/svg+xml;base64,"
    pictures = [base64.b64decode(source.removeprefix(start)).decode() for source in sources]
    hostile = [svg for svg in pictures if labels <= set(texts_of(svg))]
    assert len(hostile) == (1 if scripts else 2)
    for svg in pictures:
        assert_harmless(svg)
    assert page.locator("a, iframe, object, [onerror], [onload]").count() == 0
    films = page.locator(".scalargrad-film")
    assert films.count() == 2
    for index in range(2):
        told = films.nth(index).locator("ol").text_content()
        assert "backward" in told
        assert index == 0 or {label for label in labels if label not in told} == set()
        assert films.nth(index).locator("img").count() == (0 if scripts else 1)
    if scripts:
        player = watched.player(1)
        player.walk("(film) => null")
        assert player.caption.startswith("backward")
        titles = page.locator("svg [data-row=title]").all_text_contents()
        assert labels - set(titles) == set()
        assert page.evaluate("window.hacked") is None


def test_in_a_notebook_too(browser: Any, hostile_film: tuple[Film, list[str]]) -> None:
    film, labels = hostile_film
    watched = Watched(browser.new_page())
    watched.page.set_content("<!DOCTYPE html><body style='background: #111; color: #eee'>")
    watched.page.evaluate(AS_JUPYTERLAB, film._repr_mimebundle_()["text/html"])

    assert_film_harmless(watched, labels, film)
    root = watched.player().root
    assert root.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    assert root.evaluate("e => getComputedStyle(e).color") == "rgb(26, 26, 26)"
    watched.page.close()
    assert watched.faults == []


def test_films_on_one_page_are_independent(browser: Any, film: Film) -> None:
    watched = Watched(browser.new_page())
    watched.page.set_content("<!DOCTYPE html><body>")
    for each in (film, film, steps(Value(2.0, "x").tanh(), engine="builtin")):
        watched.page.evaluate(AS_JUPYTERLAB, each._repr_mimebundle_()["text/html"])
    players = [watched.player(index) for index in range(3)]
    players[1].press("Forward one step")
    players[1].press("Forward one step")
    players[2].slider.press("End")

    assert [player.caption for player in players] == [
        "forward 1 of 13", "forward 3 of 13", "backward 2 of 2",
    ]  # fmt: skip
    assert players[0].root.get_by_role("button").count() == 3
    watched.page.close()
    assert watched.faults == []


def test_a_picture_that_is_not_ours_stays_an_image(browser: Any, film: Film) -> None:
    watched = Watched(browser.new_page())
    watched.page.set_content("<!DOCTYPE html><body>")
    attack = '<svg xmlns="http://www.w3.org/2000/svg"><g onclick="f()"/></svg>'
    html = film._repr_mimebundle_()["text/html"]
    start = html.index("base64,") + len("base64,")
    code = base64.b64encode(attack.encode()).decode()
    html = html[:start] + code + html[html.index('"', start) :]
    watched.page.evaluate(AS_JUPYTERLAB, html)

    root = watched.player().root
    assert root.locator("img").count() == 1
    assert root.locator("svg, button").count() == 0
    assert root.get_by_role("listitem").last.is_visible()
    watched.page.close()
    assert watched.faults == []


def test_a_screen_reader_is_told_which_step_the_picture_shows(film: Film, open_film: Open) -> None:
    player = open_film(film).player()
    player.press("Forward one step")

    label = player.root.locator("svg").get_attribute("aria-label")
    assert label.startswith(film.graph.summary)
    assert label.endswith("forward 2 of 13: z3 = w13·x1 + w23·x2 = 0.6·0.5 + (-0.4)·(-1) = 0.7")
