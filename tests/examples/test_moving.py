"""Moving pictures: SVGs whose frames are those that were given."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from scalargrad.examples.moving import Bars, moving

SVG = "{http://www.w3.org/2000/svg}"
FRAMES = [[(0.0, 0.0), (1.0, 0.0)], [(0.0, 0.0), (0.0, 1.0)], [(0.0, 0.0), (-1.0, 0.0)]]


def picture(**changes: object) -> ElementTree.Element:
    bars = Bars(FRAMES, **changes)  # type: ignore[arg-type]
    made = moving({"hand": bars}, 2.0, title="A <turn>", alt="A bar that turns to the left.")
    return ElementTree.fromstring(made.svg)


def test_it_plays_all_frames_in_a_loop() -> None:
    moves = picture().findall(f".//{SVG}animate")

    assert {move.get("attributeName") for move in moves} == {
        "points", "stroke-dashoffset", "cx", "cy",
    }  # fmt: skip
    for move in moves:
        assert len((move.get("values") or "").split(";")) == len(FRAMES)
        assert (move.get("dur"), move.get("repeatCount")) == ("2s", "indefinite")


def test_joints_stand_where_the_frames_say() -> None:
    """Scaled alike in both directions, with y upward; what stands still does not move."""
    (move,) = (m for m in picture().iter(f"{SVG}animate") if m.get("attributeName") == "points")
    frames = [
        [tuple(map(float, p.split(","))) for p in frame.split()]
        for frame in (move.get("values") or "").split(";")
    ]
    (x0, y0), (x1, y1) = frames[0]
    (_, _), (x2, y2) = frames[1]

    assert y1 == y0
    assert x2 == x0
    assert y0 - y2 == pytest.approx(x1 - x0, abs=0.11)
    assert all(frame[0] == (x0, y0) for frame in frames)
    circles = picture().findall(f".//{SVG}circle")
    assert [len(circle) for circle in circles] == [0, 2]


def test_the_trace_is_drawn_as_far_as_the_hand_has_come() -> None:
    (move,) = (
        m for m in picture().iter(f"{SVG}animate") if m.get("attributeName") == "stroke-dashoffset"
    )

    assert [float(x) for x in (move.get("values") or "").split(";")] == [1.0, 0.5, 0.0]
    assert not any(
        m.get("attributeName") == "stroke-dashoffset" for m in picture(trace=False).iter()
    )


def test_it_describes_itself(tmp_path: Path) -> None:
    made = moving({"hand": Bars(FRAMES)}, 1.0, title="A <turn>", alt='A "bar" & its turn.')
    tree = ElementTree.parse(made.save(tmp_path / "turn.svg")).getroot()

    assert tree.findtext(f"{SVG}title") == "A <turn>"
    assert tree.findtext(f"{SVG}desc") == 'A "bar" & its turn.'
    assert '<img alt="A &quot;bar&quot; &amp; its turn."' in made._repr_html_()
    assert repr(made) == "MovingPicture('A \"bar\" & its turn.')"


def test_it_has_a_button_and_a_slider_where_scripts_run() -> None:
    """In a notebook as an image, which a script, where it runs, replaces by the SVG itself."""
    made = moving({"hand": Bars(FRAMES)}, 2.0, title="A turn", alt="A bar that turns to the left.")
    (script,) = ElementTree.fromstring(made.svg).findall(f".//{SVG}script")
    text = script.text or ""

    assert "total = 2, steps = 3," in text
    assert "%" not in text.replace("% total", "")
    html = made._repr_html_()
    assert html.count("data:image/svg+xml;base64,") == 1
    assert html.index("<img ") < html.index("<script>") < html.index("withControls(svg);")


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"saved as \.svg, got 'turn\.gif'"):
        moving({"a": Bars(FRAMES)}, 1.0, title="", alt="").save(tmp_path / "turn.gif")
    for parts in ({}, {"a": Bars([])}, {"a": Bars(FRAMES), "b": Bars(FRAMES[:2])}):
        with pytest.raises(ValueError, match="as many frames"):
            moving(parts, 1.0, title="", alt="")
