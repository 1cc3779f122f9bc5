"""Tests of the playground in a real browser: one writes, moves, clicks, stops, follows links."""

import base64
import gzip
import json
import re
from pathlib import Path

import playground_host as host
import pytest
from browsed import Open, Playground
from hostile import ATTACKS

from scalargrad.view.live.live import Live

MOST = 9_000_000  # bytes of the whole folder, compressed
MINI = """import scalargrad as sg
from scalargrad import Value
w, x = Value(3.0), Value(0.5)
y = sg.tanh(w * x) + x
"""
ENDLESS = "print('begun')\nwhile True:\n    pass\n"


def live(program: str) -> Live:
    """The live graph of a program, as the library makes it here."""
    error, shown = host.run(program)
    assert error is None
    assert shown is not None
    return Live(shown.value, shown.model, engine="builtin")


def expected(graph: Live) -> tuple[dict[str, list[str]], list[str]]:
    """What the boxes and the edges of the picture must say."""
    drawn = graph.drawing.graph
    boxes = {box.rows[0].text: [row.text for row in box.rows] for box in drawn.boxes}
    return boxes, sorted(line for edge in drawn.edges for line in edge.lines)


def test_the_first_picture_has_the_numbers_of_the_library(playground: Playground) -> None:
    playground.shows("E = 0.5706")
    program = (host_folder() / "examples" / "01_seven_nodes.py").read_text("utf-8")

    assert (playground.boxes(), playground.partials()) == expected(live(program))
    playground.expect(playground.find("#output pre")).to_have_text(re.compile("^E = 0.5706\n"))


def host_folder() -> Path:
    return Path(str(host.__file__)).parent


def test_a_program_is_drawn_as_one_types(playground: Playground) -> None:
    playground.write("")
    playground.page.keyboard.type("from scalargrad import Value\na = Value(2.0)\nb = a * a + 3\n")
    playground.shows("b = 7")

    assert playground.boxes()["b = +"] == ["b = +", "data 7", "grad 1"]
    assert playground.boxes()["a"] == ["a", "data 2", "grad 4"]


def test_a_drag_moves_all_numbers(playground: Playground) -> None:
    playground.write(MINI)
    playground.shows("y = 1.405")
    slider = playground.page.get_by_role("slider", name="w", exact=True)
    field = playground.page.get_by_role("spinbutton", name="w, number")
    place = slider.bounding_box()
    middle = place["y"] + place["height"] / 2
    mouse = playground.page.mouse
    mouse.move(place["x"] + place["width"] * 0.8, middle)
    mouse.down()
    mouse.move(place["x"] + place["width"] * 0.3, middle, steps=5)
    mouse.up()
    playground.expect(field).to_have_value(re.compile("^-"))
    graph = live(MINI)
    graph.set("w", float(field.input_value()))
    assert graph.value is not None
    playground.shows(f"y = {graph.value.data:.4g}")

    assert (playground.boxes(), playground.partials()) == expected(graph)


def test_a_click_explains_a_value(playground: Playground) -> None:
    playground.write(MINI)
    playground.shows("y = 1.405")
    playground.find("#live g[data-box]").filter(has_text="xdata").first.click()
    told = playground.page.get_by_role("region", name="Explanation")
    box = next(box.number for box in live(MINI).drawing.graph.boxes if box.label == "x")
    explanation = live(MINI).explanation(box)

    playground.expect(told.get_by_role("heading", name="x", exact=True)).to_be_visible()
    assert told.locator("pre").inner_text() == explanation.text
    paths = told.get_by_role("button", name="→")
    assert paths.all_inner_texts() == [f"{path.text}: {path.product}" for path in explanation.paths]


def test_an_error_is_shown_at_its_line_and_place(playground: Playground) -> None:
    playground.write("from scalargrad import Value\nx = Value(-1.0)\ny = x.log() + 2\n")
    error = playground.page.get_by_role("alert").filter(has_text="Line")

    playground.expect(error).to_contain_text(
        "Line 3: ValueError: log(x) is not defined at x = -1.0"
    )
    playground.expect(playground.find("#editor .cm-lintRange-error")).to_have_text("x.log()")
    playground.expect(playground.find("#live[data-stale]")).to_have_count(0)  # x is drawn
    playground.button("Go to the line").click()
    assert playground.page.evaluate(
        "document.querySelector('#editor').shadowRoot.querySelector('.cm-activeLine').textContent"
    ).startswith("y = ")
    playground.write("x = (\n")
    playground.expect(error).to_contain_text("Line 1: SyntaxError: '(' was never closed")
    playground.write("x = 1\n")
    playground.expect(error).to_be_hidden()
    playground.expect(playground.find("#note")).to_contain_text("assigns no Value")


def test_an_endless_program_is_stopped(playground: Playground) -> None:
    playground.write(ENDLESS)
    playground.expect(playground.find("#output pre")).to_have_text("begun\n")
    playground.button("Stop").click()
    playground.expect(playground.find("#status")).to_have_text(re.compile("^Stopped"))

    playground.write(MINI)
    playground.shows("y = 1.405")


def test_typing_on_ends_an_endless_program(playground: Playground) -> None:
    playground.write(ENDLESS)
    playground.expect(playground.find("#output pre")).to_have_text("begun\n")
    playground.write(MINI)

    playground.shows("y = 1.405")


def test_a_flood_of_output_is_cut(playground: Playground) -> None:
    playground.write("for i in range(20_000):\n    print('x' * 20)\nprint('never seen')\n")
    output = playground.find("#output pre")

    playground.expect(output).to_contain_text("the rest of the output is left out")
    playground.expect(playground.find("#status")).to_have_text(re.compile("^Ran"))
    assert len(output.inner_text()) < 110_000


def test_the_film_the_derivative_and_the_recorded_program(playground: Playground) -> None:
    playground.write(MINI.replace("3.0", "2.0"))
    playground.shows("y = 1.262")
    playground.button("Run as a film").click()
    caption = playground.find(".live-caption")
    playground.expect(caption).to_have_text(re.compile("^forward 1 of"))
    playground.button("End the film").click()

    playground.page.get_by_label("Derivative by").select_option("w")
    playground.button("Show its graph").click()
    derivative = live(MINI.replace("3.0", "2.0")).derivative("w")
    assert derivative.value is not None
    playground.shows(f"∂y/∂w = {derivative.value.data:.4g}")
    playground.button("Back to the graph before").click()
    playground.shows("y = 1.262")

    playground.button("As a program").click()
    shown = playground.page.get_by_role("dialog").locator("pre")
    playground.expect(shown.first).to_be_visible()
    programs = host.recorded(live(MINI.replace("3.0", "2.0")).value)
    assert shown.all_inner_texts() == [programs["value"], programs["gradient"]]
    playground.page.keyboard.press("Escape")


def test_pictures_are_files(playground: Playground) -> None:
    playground.write(MINI)
    playground.shows("y = 1.405")
    starts = {"SVG": b"<svg ", "PNG": b"\x89PNG\r\n"}
    for name, start in starts.items():
        with playground.page.expect_download() as download:
            playground.button(name).click()
        assert download.value.suggested_filename == f"y.{name.lower()}"
        assert Path(download.value.path()).read_bytes().startswith(start)


@pytest.mark.parametrize("program", [MINI, MINI * 3 + "# ünï 学习 😀\n"])
def test_a_link_holds_the_program(playground: Playground, program: str) -> None:
    playground.write(program)
    playground.shows("y = 1.405")
    playground.button("Copy link").click()
    playground.expect(playground.find("#status")).to_contain_text("program")
    fragment = playground.page.url.partition("#")[2]
    assert fragment.startswith(("p=", "z="))
    assert len(fragment) < 1.4 * len(program.encode())
    playground.write("x = 0\n")
    playground.expect(playground.find("#live[data-stale]")).to_have_count(1)
    playground.page.evaluate("location.hash = ''")
    playground.page.evaluate("(hash) => { location.hash = hash; }", fragment)

    playground.shows("y = 1.405")
    assert playground.text == program


def test_a_link_is_followed_to_a_program_that_does_no_harm(open_page: Open) -> None:
    """Labels of a stranger are texts; its program reaches neither the page nor the network."""
    labels = json.dumps(ATTACKS)
    program = f"""
from scalargrad import Value
attacks = [Value(1.0 + i, label) for i, label in enumerate({labels})]
y = sum(attacks)
import js, pyodide_js
for name in ("fetch", "document", "XMLHttpRequest", "postMessage", "self", "eval", "location"):
    assert not hasattr(js, name), name
def fails(attempt):
    try:
        attempt()
    except BaseException:
        return True
import urllib.request, pyodide.code, pyodide.http, asyncio
url = "http://127.0.0.1:9/"
assert fails(lambda: urllib.request.urlopen(url))
assert fails(lambda: pyodide.code.run_js("1 + 1"))
assert fails(lambda: js.constructor.constructor("return 1")())
assert fails(lambda: pyodide.http.open_url(url))
asyncio.ensure_future(pyodide.http.pyfetch(url)).add_done_callback(lambda f: f.exception())
"""
    playground = open_page("#p=" + in_link(program))
    playground.shows("y = 10")

    assert "window.hacked" in "".join(playground.find("#live svg").all_text_contents())
    assert playground.page.evaluate("window.hacked") is None
    assert playground.find("#live svg :not(g, path, polygon, text)").count() == 0


def test_a_worker_of_the_page_has_its_policy(playground: Playground) -> None:
    """Should a program find a way to load something, the browser refuses it."""
    refused = playground.page.evaluate("""() => new Promise((resolve) => {
        const text = `addEventListener("securitypolicyviolation",
            (event) => postMessage(event.effectiveDirective));
            fetch("http://127.0.0.1:9/").catch(() => {});`;
        const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
        new Worker(url, { type: "module" }).onmessage = ({ data }) => resolve(data);
    })""")

    assert refused == "connect-src"
    assert all("Content Security Policy" in fault for fault in playground.faults)
    playground.faults.clear()


def in_link(program: str) -> str:
    return base64.urlsafe_b64encode(program.encode()).decode().rstrip("=")


def test_what_one_writes_is_there_again_and_examples_have_links(playground: Playground) -> None:
    playground.page.evaluate("location.hash = '#example=chain_rule'")
    playground.shows("y = 0.2474")
    playground.write(MINI)
    playground.shows("y = 1.405")
    assert playground.page.url.partition("#")[2] == ""
    playground.find("#examples").select_option("Two paths: gradients add up")
    playground.shows("y = 0.4337")
    assert playground.page.url.endswith("#example=two_paths")

    playground.page.goto("about:blank")  # a fragment alone would load nothing anew
    playground.open()
    playground.shows("y = 1.405")
    assert playground.text == MINI


def test_a_damaged_link_says_so(playground: Playground) -> None:
    for fragment in ("z=AAAA", "p=_w", "z=" + "A" * 41):
        playground.page.evaluate("(hash) => { location.hash = hash; }", fragment)
        playground.expect(playground.find("#error")).to_contain_text("the link is damaged")
        playground.write("x = 1\n")
        playground.expect(playground.find("#error")).to_be_hidden()


def test_by_keyboard_alone(playground: Playground) -> None:
    playground.write(MINI)
    playground.shows("y = 1.405")
    keyboard = playground.page.keyboard
    keyboard.press("Tab")
    playground.expect(playground.content).to_be_focused()  # Tab indents
    keyboard.press("Escape")
    keyboard.press("Tab")
    playground.expect(playground.content).not_to_be_focused()
    playground.settles()

    box = playground.find("#live g[data-box]").filter(has_text="wdata").first
    box.focus()
    keyboard.press("Enter")
    playground.expect(playground.find(".live-told h3")).to_have_text("w")
    slider = playground.page.get_by_role("slider", name="x", exact=True)
    slider.focus()
    keyboard.press("Home")
    graph = live(MINI)
    graph.set("x", graph.leaves[[leaf.name for leaf in graph.leaves].index("x")].low)
    assert graph.value is not None
    playground.shows(f"y = {graph.value.data:.4g}")


def test_everything_has_a_name_and_nothing_is_wider_than_the_screen(open_page: Open) -> None:
    playground = open_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    playground.shows("E = 0.5706")

    for control in playground.page.locator("button:visible, input:visible, select:visible").all():
        name = control.aria_snapshot().partition('"')[2]
        assert name, control.evaluate("(e) => e.outerHTML")
    assert playground.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_whole_folder_is_small_and_has_its_licences(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(len(gzip.compress(path.read_bytes(), 6)) for path in files)

    assert 5_000_000 < size <= MOST
    assert {path.suffix for path in files} <= {
        ".html", ".css", ".js", ".mjs", ".wasm", ".zip", ".json", ".txt",
    }  # fmt: skip
    licences = (folder / "licences.txt").read_text("utf-8")
    assert all(name in licences for name in ("pyodide", "CPython", "@codemirror/view", "@lezer/lr"))
