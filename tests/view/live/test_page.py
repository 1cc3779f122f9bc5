"""The live graph in a real browser, with Python at the other end of the transport."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from browsers import Watched, chromium
from hostile import ATTACKS, HOSTILE

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.labels import format_number
from scalargrad.examples.lecture2 import seven_node
from scalargrad.view.live import live as module
from scalargrad.view.live.conversation import Conversation
from scalargrad.view.live.live import Live

FOLDER = Path(module.__file__).parent

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Live</title>
<style>{css}</style></head><body><div id="host"></div><script type="module">{js}
const heard = [];
mount(document.querySelector("#host"), {{
  send: async (message) => {{
    if (window.silent) return;
    const answer = await window.askPython(message);
    heard.forEach((listener) => listener(answer));
  }},
  on: (listener) => heard.push(listener),
}}, {{ patience: 5000 }});
</script></body></html>"""


class Shown:
    """A live graph on a page, in the words of who looks at it."""

    def __init__(self, page: Any, talk: Conversation) -> None:
        self.page, self.talk = page, talk
        self.asked: list[str] = []

    @property
    def live(self) -> Live:
        return self.talk.live

    def answer(self, message: Any) -> Any:
        self.asked.append(message["type"])
        return self.talk.answer(message)

    def slider(self, name: str) -> Any:
        return self.page.get_by_role("slider", name=name, exact=True)

    def field(self, name: str) -> Any:
        return self.page.get_by_role("spinbutton", name=f"{name}, number", exact=True)

    def box(self, name: str) -> Any:
        number = next(
            box.number
            for box in self.live.drawing.graph.boxes
            if name in (box.label, box.title) and box.kind != "constant"
        )
        return self.page.locator(f'g[data-box="{number}"]')

    def texts(self) -> list[str]:
        found: list[str] = self.page.locator("svg").first.evaluate(
            "(svg) => [...svg.querySelectorAll('text')].map((text) => text.textContent)"
        )
        return found

    def fills(self) -> list[str]:
        found: list[str] = self.page.locator("svg").first.evaluate(
            "(svg) => [...svg.querySelectorAll('[data-box] path')]"
            ".map((path) => path.getAttribute('fill'))"
        )
        return found

    def wait_for_result(self, text: str) -> None:
        self.page.wait_for_function(
            "(text) => document.querySelector('.scalargrad-live').dataset.result === text",
            arg=text,
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


Show = Callable[..., Shown]


@pytest.fixture
def show(browser: Any) -> Iterator[Show]:
    opened: list[Watched] = []

    def show(x: Value, **options: Any) -> Shown:
        options.setdefault("viewport", {"width": 1200, "height": 900})
        page = browser.new_context(**options).new_page()
        opened.append(Watched(page))
        shown = Shown(page, Conversation(Live(x, engine="builtin")))
        page.expose_function("askPython", shown.answer)
        js = (FOLDER / "live.js").read_text("utf-8")
        js = js.replace("export default", "export const widget =")
        page.set_content(PAGE.format(css=(FOLDER / "live.css").read_text("utf-8"), js=js))
        page.wait_for_selector("svg g[data-box]")
        return shown

    yield show
    for watched in opened:
        watched.page.context.close()
    assert [fault for watched in opened for fault in watched.faults] == []


def drag(page: Any, slider: Any, share: float) -> None:
    """Drag the thumb of a slider to this share of its length, in four moves."""
    slider.scroll_into_view_if_needed()
    place, now = (
        slider.bounding_box(),
        slider.evaluate("(s) => (s.value - s.min) / (s.max - s.min)"),
    )
    middle, thumb = place["y"] + place["height"] / 2, 16.0
    length = place["width"] - thumb
    page.mouse.move(place["x"] + thumb / 2 + now * length, middle)
    page.mouse.down()
    page.mouse.move(place["x"] + thumb / 2 + share * length, middle, steps=4)
    page.mouse.up()


def test_a_drag_moves_every_number_and_colour(show: Show) -> None:
    shown = show(seven_node.build().E)
    before = shown.texts(), shown.fills()
    drag(shown.page, shown.slider("w13"), 0.1)
    number = float(shown.field("w13").input_value())
    expected = seven_node.build(weights={**seven_node.WEIGHTS, "13": number}).E
    shown.wait_for_result(f"E = {format_number(expected.data)}")

    assert number == pytest.approx(-4.0, abs=0.2)
    assert shown.texts() != before[0]
    assert shown.fills() != before[1]
    assert shown.texts() == texts_of_svg(shown.live.svg)
    expected.backward()
    for node in sg.topological_order(expected):
        if node.label:
            label = str(shown.box(node.label).get_attribute("aria-label"))
            assert f"data {format_number(node.data)}, grad {format_number(node.grad)}" in label


def texts_of_svg(svg: str) -> list[str]:
    return [
        element.text or ""
        for element in ElementTree.fromstring(svg).iter()
        if element.tag.endswith("text")
    ]


def test_while_python_computes_the_numbers_of_a_drag_come_together(show: Show) -> None:
    shown = show(seven_node.build().E)
    for number in ("1", "12", "1.25"):
        shown.field("x1").fill(number)
    shown.page.wait_for_function(
        "() => document.querySelector('[data-row=data]') && "
        "[...document.querySelectorAll('text')].some((t) => t.textContent === 'data 1.25')"
    )

    assert shown.asked.count("set") <= 3
    assert shown.live.values["x1"].data == 1.25


def test_a_click_and_enter_explain(show: Show) -> None:
    net = seven_node.build()
    shown = show(net.E)
    shown.box("w13").click()
    told = shown.page.locator(".live-told")
    told.locator("pre").wait_for()
    assert (
        told.locator("pre").inner_text().splitlines()
        == str(sg.explain(net.E, net.w["13"])).splitlines()
    )

    shown.page.keyboard.press("Escape")
    assert told.inner_text() == ""
    assert shown.box("w13").evaluate("(box) => box === document.activeElement")
    while not shown.box("z3 = dot").evaluate("(box) => box === document.activeElement"):
        shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("Enter")
    told.locator("h3", has_text="z3 = dot").wait_for()
    assert "z3 = w13·x1 + w23·x2" in told.inner_text()
    assert "z3 = w13·x1" in shown.page.locator(".live-status").inner_text()

    path = told.locator(".live-paths button").first
    path.hover()
    assert shown.page.locator("path[data-lit=path]").count() > 0
    shown.slider("x1").press("ArrowRight")  # what is open follows
    told.get_by_text(f"z3 = w13·x1 + w23·x2 = {0.6}·{0.51}").wait_for()


def test_the_film_runs_in_place_and_leaves_the_picture_as_it_was(show: Show) -> None:
    net = seven_node.build()
    shown = show(net.E)
    before = shown.texts(), shown.fills()
    page = shown.page
    page.get_by_role("button", name="Run as a film").click()
    page.locator(".live-title").wait_for()
    page.get_by_role("button", name="Pause").click()
    assert "data –" in shown.texts()

    said = []
    for step in sg.steps(net.E, engine="builtin").steps:
        page.locator(".live-title", has_text=step.title).wait_for()
        said.append(page.locator(".live-now p").all_inner_texts()[1:])
        page.get_by_role("button", name="Forward").click()
    assert said == [[s.title, *s.lines] for s in sg.steps(net.E, engine="builtin").steps]
    assert shown.texts() == before[0]

    page.get_by_role("button", name="Back", exact=True).click()
    page.keyboard.press("Escape")
    assert (shown.texts(), shown.fills()) == before
    assert page.locator("[data-lit]").count() == 0


def test_moving_a_number_ends_the_film(show: Show) -> None:
    shown = show(seven_node.build().E)
    shown.page.get_by_role("button", name="Run as a film").click()
    shown.page.locator(".live-title").wait_for()
    shown.slider("x1").press("ArrowRight")
    shown.page.get_by_role("button", name="Run as a film").wait_for()
    shown.page.wait_for_function(
        "() => [...document.querySelectorAll('text')].some((t) => t.textContent === 'data 0.51')"
    )

    assert shown.texts() == texts_of_svg(shown.live.svg)


def test_a_fault_is_told_in_words(show: Show) -> None:
    x = Value(2.0, "x")
    shown = show(sg.log(x))
    shown.field("x").fill("-1")
    alert = shown.page.get_by_role("alert")
    alert.get_by_text("log(x) is not defined at x = -1.0").wait_for()
    assert "data –" in shown.texts()

    shown.field("x").fill("1")
    alert.wait_for(state="hidden")
    assert "data –" not in shown.texts()


def test_the_derivative_and_back(show: Show) -> None:
    x = Value(3.0, "x")
    y = x**2
    y.label = "y"
    shown = show(y)
    shown.page.get_by_role("button", name="Show its graph").click()
    shown.wait_for_result("∂y/∂x = 6")
    shown.slider("x").press("End")
    shown.wait_for_result("∂y/∂x = 20")
    shown.page.get_by_role("button", name="Back to the graph before").click()
    shown.wait_for_result("y = 9")


def test_texts_of_the_user_are_texts(show: Show) -> None:
    labels = [*HOSTILE, *ATTACKS]
    odd = sg.sum([Value(float(i), label) for i, label in enumerate(labels)])
    odd.label = ATTACKS[0]
    shown = show(odd * 2.0)
    for number in (3, 20, len(labels)):
        shown.page.locator(f'g[data-box="{number}"]').first.press("Enter")
        shown.page.locator(".live-told h3").wait_for()
    shown.page.get_by_role("button", name="Run as a film").click()
    shown.page.locator(".live-title").wait_for()

    assert shown.page.evaluate("window.hacked") is None
    assert shown.page.locator("script, img, a").count() == 1  # the script of this page


def test_the_view_of_a_widget_without_python(browser: Any) -> None:
    """As a front end shows it that has the state of the widget and no kernel."""
    first = Conversation(Live(seven_node.build().E, engine="builtin")).answer({"type": "show"})
    page = browser.new_context().new_page()
    watched = Watched(page)
    page.clock.install()
    js = (FOLDER / "live.js").read_text("utf-8").replace("export default", "window.widget =")
    css = (FOLDER / "live.css").read_text("utf-8")
    page.set_content(f"<style>{css}</style><div></div><script type='module'>{js}</script>")
    page.evaluate(
        """(graph) => {
            const listeners = new Set();
            const model = {
                get: (name) => ({ graph })[name],
                send() { throw new Error("no comm"); },
                on: (name, listener) => listeners.add(listener),
                off: (name, listener) => listeners.delete(listener),
            };
            const end = window.widget.render({ model, el: document.querySelector("div") });
            window.end = () => { end(); return listeners.size; };
        }""",
        first,
    )
    assert page.locator("svg g[data-box]").count() == 23
    page.clock.run_for(9_000)
    page.get_by_role("alert").get_by_text("Python has not answered yet").wait_for()
    assert page.evaluate("window.end()") == 0
    assert page.locator(".scalargrad-live").count() == 0
    page.context.close()
    assert watched.faults == []


def test_a_page_without_python_says_so(show: Show) -> None:
    shown = show(seven_node.build().E)
    shown.page.clock.install()
    shown.page.evaluate("window.silent = true")
    shown.box("x1").click()
    shown.page.clock.run_for(6_000)
    alert = shown.page.get_by_role("alert")
    alert.get_by_text("Python has not answered yet").wait_for()

    shown.page.evaluate("window.silent = false")
    shown.box("x1").click()
    shown.page.locator(".live-told pre").wait_for()
    assert alert.count() == 0


@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_is_no_wider_than_the_screen(show: Show, width: int) -> None:
    shown = show(seven_node.build().E, viewport={"width": width, "height": 844})
    shown.box("x1").click()
    shown.page.locator(".live-told pre").wait_for()

    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
