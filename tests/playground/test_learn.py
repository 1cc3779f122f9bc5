"""Tests of "Watch it learn": what Python answers, and the page in a real browser."""

import json
import re
from math import isclose
from typing import Any

import learn_host as host
import pytest
from browsed import Open, Playground
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad import losses
from scalargrad.core.labels import format_number
from scalargrad.examples.lecture2 import network_at_work as lecture


def training(name: str, steps: int = 0) -> host.Training:
    """A preset after some steps."""
    preset = host.PRESETS[name]
    made = host.Training(preset.settings, host.DATA[preset.data]())
    for _ in range(steps):
        made.advance()
    return made


def norms(made: host.Training) -> list[float]:
    """The root mean squares of the gradients by layer."""
    answers = host.Answers()
    answers._training = made
    return [layer["norm"] for layer in answers.frame()["layers"]]


class TestPython:
    def test_the_lectures_network_goes_the_way_of_the_lecture(self) -> None:
        course = lecture.descend(lecture.RECIPES["perceptron loss"], 20)
        made = training("work")
        for k in range(20):
            assert made.loss == course.errors[k]
            assert len(made.points) - made.right() == course.wrong[k]
            assert [p.data for p in made.model.parameters()] == course.states[k]
            made.advance()

    @pytest.mark.parametrize("name", host.PRESETS)
    def test_a_frame_is_what_the_library_computes(self, name: str) -> None:
        preset = host.PRESETS[name]
        answers = host.Answers()
        begun = answers.begin()["presets"][name]
        answers.setup(begun["settings"], host.DATA[preset.data]())
        frame = answers.run(3, 60_000.0, chosen=2)
        made = answers._training

        json.dumps(frame, allow_nan=False)
        assert len(frame["losses"]) == frame["step"] == 3
        x1, x2, _ = made.points[2]
        z = made.model([x1, x2])
        assert frame["outputs"][2] == frame["chosen"]["a"][-1][0] == float(f"{z.data:.6g}")
        assert [len(layer) for layer in frame["chosen"]["delta"]] == frame["sizes"][1:]
        assert len(frame["maps"]) == sum(frame["sizes"][1:])
        corner = made.model([-host.REACH, host.REACH])  # the first number of a map
        assert isclose(frame["maps"][-1][0], corner.data, rel_tol=1e-3)

    def test_gradients_vanish(self) -> None:
        first, *_, last = norms(training("vanish"))
        assert first < 1e-3 * last
        preset = host.PRESETS["vanish"]
        stuck = training("vanish", 150)
        assert stuck.loss is not None
        assert stuck.loss > 0.69
        tanh = host.Training(
            host.Settings(**{**vars_of(preset.settings), "activation": "tanh"}),
            host.DATA[preset.data](),
        )
        first, *_, last = norms(tanh)
        assert first > 0.1 * last

    def test_gradients_explode(self) -> None:
        made = training("explode")
        assert min(norms(made)) > 1e5
        grown = training("explode", 2)
        assert grown.fault or (grown.loss or 0.0) > 1e6

    def test_units_die(self) -> None:
        made = training("dead", 60)
        dead = sum(
            all(layers[0][k].data == 0.0 for layers in made.outputs)
            for k in range(len(made.model.layers[0].neurons))
        )
        assert dead >= 4
        assert not made.fault

    def test_what_has_exploded_is_told_and_stays(self) -> None:
        settings = host.Settings((8,), "relu", "squared error", "momentum", 50.0)
        answers = host.Answers()
        answers._training = host.Training(settings, host.DATA["cloud"]())
        frame = answers.run(500, 60_000.0)

        assert re.match(r"Step \d+: .*The numbers have exploded", frame["fault"])
        assert answers.run(5)["step"] == frame["step"]
        json.dumps(frame, allow_nan=False)
        assert answers.unit(0, 0)["lines"] == [frame["fault"]]

    def test_learning_from_one_point_after_the_other(self) -> None:
        points = host.DATA["line"]()
        made = host.Training(host.Settings((3,), alone=True), points)
        for k in range(3):
            x1, x2, t = points[k]
            expected = losses.hinge([made.model([x1, x2])], [t])
            assert made.loss == expected.data
            made.advance()

    def test_a_unit_is_explained_in_numbers(self) -> None:
        answers = host.Answers()
        lines = answers.unit(0, 1, chosen=3)["lines"]
        made = answers._training
        a = made.outputs[3][0][1]

        assert lines[0] == "z = w1·x1 + w2·x2 + b"
        assert lines[2] == f"a = tanh(z) = {format_number(a.data)}"
        assert answers.unit(1, 0)["lines"][0].startswith("z = w1·a1")

    def test_the_graph_of_one_point_is_live(self) -> None:
        answers = host.Answers()
        graph = answers.graph(2)
        told = answers.talk({"type": "set", "numbers": {"0": 1.5}, "id": 1})

        assert graph["type"] == "graph"
        assert told is not None
        assert told["type"] == "update"
        assert {leaf["name"] for leaf in graph["leaves"]} >= {"x1", "x2", "w[0][4,1]", "b[1][0]"}

    @pytest.mark.parametrize(
        ("settings", "text"),
        [
            ({"hidden": [99]}, "up to 6 hidden layers of 1 to 12 units"),
            ({"hidden": [0]}, "up to 6 hidden layers"),
            ({"hidden": [2], "activation": "log"}, "the activation must be one of tanh"),
            ({"hidden": [2], "loss": "own"}, "the loss must be one of perceptron"),
            ({"hidden": [2], "rate": -1.0}, "the rate must be a number from 0"),
            ({"hidden": [2], "colour": "red"}, "colour"),
        ],
    )
    def test_bad_settings_are_answered(self, settings: Any, text: str) -> None:
        asked = {"method": "setup", "params": {"settings": settings, "points": [[0, 0, 1]]}}

        assert text in json.loads(host.answer(json.dumps(asked)))["error"]

    @settings(max_examples=20)
    @given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.sampled_from([-1, 1])),
                    min_size=1, max_size=6), st.lists(st.integers(1, 4), max_size=2),
           st.sampled_from([*host.LOSSES]),
           st.sampled_from(host.ACTIVATIONS), st.sampled_from(host.OPTIMISERS))  # fmt: skip
    def test_whatever_one_chooses_it_learns_or_says_why_not(
        self, points: Any, hidden: list[int], loss: str, activation: str, optimiser: str
    ) -> None:
        answers = host.Answers()
        chosen = {"hidden": hidden, "activation": activation, "loss": loss, "optimiser": optimiser}
        answers.setup(chosen, [list(point) for point in points])
        frame = answers.run(4, 60_000.0)

        json.dumps(frame, allow_nan=False)
        assert frame["step"] == 4 or frame["fault"]


def vars_of(chosen: host.Settings) -> dict[str, Any]:
    return {name: getattr(chosen, name) for name in chosen.__dataclass_fields__}


class Page(Playground):
    """The page in the words of who looks at it."""

    @property
    def step(self) -> Any:
        return self.find("#steps")

    def count(self) -> int:
        return self.find("#plane g").count()

    def at(self, x1: float, x2: float) -> tuple[float, float]:
        """Where a point of the plane is on the screen."""
        box = self.find("#plane svg").bounding_box()
        return (
            box["x"] + (x1 + 2) / 4 * box["width"], box["y"] + (2 - x2) / 4 * box["height"],
        )  # fmt: skip


@pytest.fixture(scope="module")
def page(open_page: Open) -> Page:
    playground = open_page("learn.html#work")
    page = playground.page
    made = object.__new__(Page)
    made.__dict__.update(playground.__dict__)
    page.locator("#network button").first.wait_for()
    return made


@pytest.fixture
def begun(page: Page) -> Page:
    """The page with the lecture's network at its beginning."""
    page.find("#preset").select_option("cloud")
    page.find("#preset").select_option("work")
    page.expect(page.step).to_have_text("0")
    page.expect(page.find("#loss")).to_have_text("0.9034")
    return page


def test_it_learns_as_the_lecture_says(begun: Page) -> None:
    for k in range(1, 12):
        begun.button("One step").click()
        begun.expect(begun.step).to_have_text(str(k))
    begun.expect(begun.find("#right")).to_have_text("8 of 8")
    begun.expect(begun.find("#loss")).to_have_text("0.000")
    begun.expect(begun.find("#norms div span:last-child")).to_have_text(["0", "0"])
    begun.expect(begun.find("#status")).to_contain_text("8 of 8 points on their side")


def test_running_and_pausing(begun: Page) -> None:
    begun.button("Run").click()
    begun.expect(begun.step).to_have_text(re.compile(r"^\d\d"))
    begun.button("Pause").click()
    begun.expect(begun.find("#status")).to_contain_text("At step")
    stopped = begun.step.inner_text()
    assert f"At step {stopped}:" in begun.find("#status").inner_text()


def test_a_step_phase_by_phase(begun: Page) -> None:
    now, texts = begun.find("#now"), begun.find("#network .number")
    begun.button("Next phase").click()
    begun.expect(now).to_contain_text("Forward, layer 1")
    begun.expect(texts.last).to_have_text("–")
    begun.button("Next phase").click()
    begun.expect(texts.last).not_to_have_text("–")
    begun.button("Next phase").click()
    begun.expect(now).to_contain_text("The loss")
    begun.button("Next phase").click()
    begun.expect(now).to_contain_text("Backward, the output")
    begun.button("Next phase").click()
    begun.expect(now).to_contain_text("Backward, layer 1")
    begun.button("Next phase").click()
    begun.expect(now).to_contain_text("Update")
    begun.button("Next phase").click()
    begun.expect(begun.step).to_have_text("1")
    begun.expect(now).to_contain_text("the loss went from 0.9034 to")


def test_points_are_added_dragged_and_deleted(begun: Page) -> None:
    mouse = begun.page.mouse
    mouse.click(*begun.at(0.0, 1.5))
    begun.expect(begun.find("#right")).to_contain_text("of 9")
    point = begun.find("#plane g").last
    begun.expect(point).to_have_attribute("aria-label", re.compile("^Point 9: x1 0, x2 1.5"))
    mouse.move(*begun.at(0.0, 1.5))
    mouse.down()
    mouse.move(*begun.at(1.0, 0.0), steps=3)
    mouse.up()
    begun.expect(point).to_have_attribute("aria-label", re.compile("^Point 9: x1 1, x2 0,"))
    begun.expect(begun.find("#chosen")).to_contain_text("point 9 at (1, 0), class +1")
    begun.page.keyboard.press("ArrowUp")
    begun.page.keyboard.press("Space")
    begun.expect(begun.find("#chosen")).to_contain_text("point 9 at (1, 0.1), class −1")
    begun.button("Delete the point").click()
    begun.expect(begun.find("#right")).to_contain_text("of 8")
    assert begun.count() == 8


def test_settings_make_another_network(begun: Page) -> None:
    begun.find("#layers").select_option("2")
    begun.expect(begun.find("#network button")).to_have_count(2 + 5 + 5 + 1)
    begun.find("#activation").select_option("relu")
    begun.find("#loss-name").select_option("cross-entropy")
    begun.find("#optimiser").select_option("Adam")
    begun.button("One step").click()
    begun.expect(begun.step).to_have_text("1")
    begun.find("#network button").nth(4).click()
    begun.expect(begun.find("#unit pre")).to_contain_text("a = relu(z) =")


def test_an_explosion_is_told(begun: Page) -> None:
    begun.find("#preset").select_option("explode")
    begun.expect(begun.find("#network button")).to_have_count(2 + 30 + 1)
    begun.find("#activation").select_option("linear")
    begun.expect(begun.find("#loss")).to_have_text(re.compile("e"))
    begun.button("Run").click()
    begun.expect(begun.find("#fault")).to_contain_text("have exploded")
    begun.expect(begun.button("Run")).to_be_visible()


def test_the_graph_of_the_chosen_point(begun: Page) -> None:
    begun.find("#open").click()
    begun.expect(begun.find("#live g[data-box]").first).to_be_visible()
    begun.find("#live").get_by_role("spinbutton", name="x1, number").fill("2")
    box = begun.page.locator("#live g[data-box]", has_text="x1").first
    begun.expect(box).to_contain_text("data 2")


@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.page.set_viewport_size({"width": width, "height": 900})
    page.find("#preset").select_option("vanish")
    page.expect(page.find("#network button")).to_have_count(2 + 24 + 1)

    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
