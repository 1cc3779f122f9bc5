"""A film as an SVG that plays by itself: at each step it shows what the film says, and no more."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hostile import ATTACKS, HOSTILE

import scalargrad as sg
from scalargrad import Film, Value
from scalargrad.examples.lecture2 import seven_node
from scalargrad.view.paint import svg

SVG = "{http://www.w3.org/2000/svg}"


class Moving:
    """The saved picture, and what is visible in it at a time."""

    def __init__(self, film: Film, folder: Path) -> None:
        text = film.save(folder / "film.svg").read_text("utf-8")
        self.root = ElementTree.fromstring(text)
        self.style = "".join(e.text or "" for e in self.root.iter(f"{SVG}style"))
        self.frames = {
            name: [
                (float(at), rule.strip()) for at, rule in re.findall(r"([\d.]+)% \{([^}]*)\}", body)
            ]
            for name, body in re.findall(
                r"@keyframes (\w+) \{((?:[^{}]*\{[^}]*\})*) \}", self.style
            )
        }

    def state(self, element: Element, share: float | None) -> dict[str, str]:
        """The animated properties of an element at a share of the time; None: nothing moves."""
        name = element.get("style", "").removeprefix("animation-name: ")
        if share is None or not name:
            return {"opacity": "0"} if "only" in element.get("class", "").split() else {}
        (*_, rule) = (rule for at, rule in self.frames[name] if at <= 100 * share)
        return dict([rule.split(": ")])

    def texts(self, share: float | None, parent: Element | None = None) -> list[str]:
        """The texts that are visible."""
        found = []
        for element in self.root if parent is None else parent:
            if self.state(element, share).get("opacity") != "0":
                if element.tag == f"{SVG}text":
                    found.append(element.text or "")
                found += self.texts(share, element)
        return found

    def box(self, number: int) -> Element:
        (group,) = (e for e in self.root.iter() if e.get("data-box") == str(number))
        return group


def film_of(value: Value) -> Film:
    return sg.steps(value, engine="builtin")


def test_each_step_shows_the_numbers_that_are_known_then(tmp_path: Path) -> None:
    film = film_of(seven_node.build().E)
    moving = Moving(film, tmp_path)
    count = len(film.steps) + 1  # the last step takes twice as long
    told: dict[tuple[int, str], str] = {(box, part): text for box, part, text in film.start}
    for number, step in enumerate(film.steps):
        told |= {(box, part): text for box, part, text in step.changes}
        for share in ((number + 0.01) / count, (number + 0.99) / count):
            texts = moving.texts(share)
            assert any(text.endswith(f": {step.title}") for text in texts)
            for (box, part), text in told.items():
                group = moving.box(box)
                if part == "fill":
                    path = group.find(f"{SVG}path")
                    assert path is not None
                    assert moving.state(path, share).get("fill", path.get("fill")) == text
                else:
                    shown = moving.texts(share, group)
                    assert [row for row in shown if row.startswith(f"{part} ")] == [text]


def test_the_boxes_and_edges_of_a_step_are_framed(tmp_path: Path) -> None:
    film = film_of(Value(2.0, "x") * Value(3.0, "y"))
    moving = Moving(film, tmp_path)
    for number, step in enumerate(film.steps):
        share = (number + 0.5) / (len(film.steps) + 1)
        colour = {"forward": "#00695c", "backward": "#b3400a"}[step.phase]
        lit = {
            (kind, element.get(f"data-{kind}") or parent.get(f"data-{kind}"))
            for parent in moving.root.iter()
            for element in parent
            for kind in ("box", "edge")
            if element.get("stroke") == colour
            and moving.state(element, share).get("opacity") == "1"
        }
        expected: set[Any] = {("box", str(n)) for n in (*step.boxes, *step.touched)}
        expected |= {("edge", str(n)) for n in step.edges}
        assert {pair for pair in lit if pair[1]} == expected


def test_where_nothing_moves_the_last_step_is_shown(tmp_path: Path) -> None:
    film = film_of(seven_node.build().E)
    moving = Moving(film, tmp_path)
    still = ElementTree.fromstring(svg.write(film.scene))
    texts = [element.text or "" for element in still.iter(f"{SVG}text")]
    title, *lines = f"backward 13 of 13: {film.steps[-1].title}", *film.steps[-1].lines

    # as many lines as there is room for, and how many more there are
    assert sorted(moving.texts(None)) == sorted([*texts, title, *lines[:2], "and 2 more"])
    assert len(lines) == 4
    assert "prefers-reduced-motion" in moving.style


@pytest.mark.parametrize("label", [*HOSTILE, *ATTACKS])
def test_labels_are_text(label: str, tmp_path: Path) -> None:
    moving = Moving(film_of(Value(1.0, label) * 2.0), tmp_path)
    allowed = {f"{SVG}{name}" for name in ("svg", "g", "path", "polygon", "text", "rect", "style")}

    assert {element.tag for element in moving.root.iter()} <= allowed
    for element in moving.root.iter():
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]
    assert label == "" or label not in moving.style


def test_the_same_film_is_the_same_picture(tmp_path: Path) -> None:
    texts = [
        film_of(seven_node.build().E).save(tmp_path / f"{n}.svg").read_bytes() for n in range(2)
    ]

    assert texts[0] == texts[1]
