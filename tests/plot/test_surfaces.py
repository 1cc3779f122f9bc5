"""Error curves and surfaces, and decision boundaries."""

import random
from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from mpl_toolkits.mplot3d import Axes3D

from scalargrad import Value, nn, plot


def bowl(w1: Any, w2: Any) -> Any:
    return w1 * w1 + 4.0 * w2 * w2


def labels(page: plot.Figure) -> list[str]:
    return page.axes[0].get_legend_handles_labels()[1]


def test_an_error_curve_with_all_that_can_be_on_it() -> None:
    page = plot.error_curve(
        lambda w: (w - 1.0) ** 2, (-1.0, 3.0), path=[2.0, 1.5], tangent=2.0, secant=(2.0, 0.5),
        minima=[1.0],
    )  # fmt: skip

    assert labels(page) == ["tangent, slope 2", "secant, slope 2.5", "start", "minimum"]
    assert "descent of 1 step from 2 to 1.5" in page.alt


def test_places_beyond_the_span_are_not_drawn() -> None:
    page = plot.error_curve(lambda w: w * w, (-1.0, 1.0), path=[0.5, 9.0])
    xs = [x for line in page.axes[0].lines for x in line.get_xdata()]  # type: ignore[union-attr]

    assert max(xs) == 1.0


def test_the_arrow_points_downhill() -> None:
    page = plot.error_surface(bowl, arrow=(1.0, 1.0))
    arrow = next(text for text in page.axes[0].texts if hasattr(text, "arrow_patch"))
    dx, dy = arrow.xy[0] - 1.0, arrow.xy[1] - 1.0  # type: ignore[attr-defined]

    assert dx < 0
    assert dy == pytest.approx(4.0 * dx)  # ∇f = (2, 8)


def test_the_path_is_white_dots() -> None:
    page = plot.error_surface(bowl, path=[(1.0, 1.0), (0.5, 0.2)])
    dots = [line for line in page.axes[0].lines if line.get_color() == "white"]

    assert [list(line.get_xdata()) for line in dots] == [[1.0, 0.5]]  # type: ignore[arg-type]


def test_a_surface_has_depth_and_labels() -> None:
    page = plot.error_surface(bowl, kind="surface", path=[(1.0, 1.0)], arrow=(1.0, 1.0))
    ax = page.axes[0]

    assert isinstance(ax, Axes3D)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == ("w1", "w2", "E")


def test_a_surface_is_seen_from_its_lowest_corner() -> None:
    """So that its front does not hide the path; seen from w1 = w2 = 2, azimuth 32."""
    page = plot.error_surface(lambda w1, w2: -w1 - w2, kind="surface")
    other = plot.error_surface(lambda w1, w2: w1 + w2, kind="surface")

    assert [one.axes[0].azim for one in (page, other)] == [32, 212]  # type: ignore[attr-defined]


def test_the_path_on_a_surface_has_the_height_of_the_error() -> None:
    page = plot.error_surface(bowl, kind="surface", path=[(1.0, 1.0), (0.5, 0.0)])
    dots = [line for line in page.axes[0].lines if line.get_color() == "white"]

    assert [list(line.get_data_3d()[2]) for line in dots] == [[5.0, 0.25]]  # type: ignore[attr-defined]
    assert labels(page) == ["start", "after each update"]


@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_marked_points_may_have_names(kind: str) -> None:
    named = plot.error_surface(bowl, kind=kind, points={"minimum": (0.0, 0.0)})
    unnamed = plot.error_surface(bowl, kind=kind, points=[(0.0, 0.0)])

    texts = [{text.get_text().strip() for text in page.axes[0].texts} for page in (named, unnamed)]
    assert texts[0] - texts[1] == {"minimum"}
    crosses = [line for line in named.axes[0].lines if line.get_marker() == "X"]
    assert [list(line.get_xdata()) for line in crosses] == [[0.0]]  # type: ignore[arg-type]


def test_a_log_surface_may_touch_zero() -> None:
    assert plot.error_surface(bowl, zscale="log").axes[0].collections


def test_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'bumps'"):
        plot.error_surface(bowl, kind="bumps")


X = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]


def test_a_boundary_of_plain_numbers_of_values_and_of_a_network() -> None:
    random.seed(1)
    w = Value(1.0)
    models: list[Any] = [
        lambda x: x[0] - 0.5,
        lambda x: 1.0 if x[0] > 0.5 else -1.0,
        lambda x: w * x[0] - 0.5,
        nn.MLP(2, [3, 1], "tanh"),
    ]
    for model in models:
        assert "4 samples" in plot.decision_boundary(model, X, [-1, 1, -1, 1]).alt


def test_it_counts_those_on_the_wrong_side() -> None:
    right = lambda x: x[0] - 0.5

    assert "all of them on the right" in plot.decision_boundary(right, X, [-1, 1, -1, 1]).alt
    assert "2 of them" in plot.decision_boundary(right, X, [-1, 1, 1, -1]).alt
    half = lambda x: x[0]
    message = plot.decision_boundary(half, X, [0, 1, 0, 1], threshold=0.5).alt
    assert "all of them on the right" in message


def test_classes_differ_in_their_mark() -> None:
    page = plot.decision_boundary(lambda x: x[0], X, [-1, 1, -1, 1])

    assert len({line.get_marker() for line in page.axes[0].lines}) == 2


def test_straight_boundaries_can_be_added() -> None:
    page = plot.decision_boundary(
        lambda x: x[0], X, [-1, 1, -1, 1], lines={"mine": ([1.0, 0.0], -0.5)}
    )

    assert "mine" in labels(page)


def test_samples_have_two_inputs_and_a_label_each() -> None:
    model = lambda x: x[0]
    with pytest.raises(ValueError, match="two inputs, got 3 inputs"):
        plot.decision_boundary(model, [[1, 2, 3]], [1])
    with pytest.raises(ValueError, match="X and Y are empty"):
        plot.decision_boundary(model, [], [])
    with pytest.raises(ValueError, match="same length, got 4 and 1"):
        plot.decision_boundary(model, X, [1])


def test_what_is_not_finite_is_left_out() -> None:
    curve = plot.error_curve(lambda w: 1.0 / w if w > 0.0 else float("inf"), (-1.0, 1.0))
    low, high = curve.axes[0].get_ylim()

    assert 0.0 < high - low < 1e3
    assert plot.error_surface(lambda x, y: float("nan") if x < 0 else x * x + y).axes[0].collections
    with pytest.raises(ValueError, match="finite nowhere"):
        plot.error_curve(lambda w: float("inf"), (0.0, 1.0))
    with pytest.raises(ValueError, match="finite nowhere"):
        plot.error_surface(lambda x, y: float("nan"))


@pytest.mark.parametrize("kind", ["contour", "surface"])
@pytest.mark.parametrize("height", [0.0, -2.0])
def test_a_plain_of_one_height_is_drawn(kind: str, height: float) -> None:
    page = plot.error_surface(lambda x, y: height, kind=kind, zscale="log")

    assert b"</svg>" in page._render("svg")


def test_a_secant_goes_through_two_places() -> None:
    with pytest.raises(ValueError, match="Δw is 0"):
        plot.error_curve(lambda w: w * w, (-1.0, 1.0), secant=(0.5, 0.0))


def test_places_are_pairs_and_a_surface_needs_axes_with_depth() -> None:
    with pytest.raises(ValueError, match=r"a pair of numbers, got \(1, 2, 3\)"):
        plot.error_surface(bowl, path=[(1, 2, 3)])
    with pytest.raises(ValueError, match="projection='3d'"):
        plot.error_surface(bowl, kind="surface", ax=plot.figure().axes[0])
    deep = plot.figure(projection="3d")
    assert plot.error_surface(bowl, kind="surface", ax=deep.axes[0]) is deep


def test_the_text_of_a_surface_says_where_it_is_lowest() -> None:
    assert "lowest near (0, 0)" in plot.error_surface(bowl).alt


def test_a_model_may_give_its_number_in_a_list_but_not_two() -> None:
    one = plot.decision_boundary(lambda x: [x[0] - 0.5], X, [-1, 1, -1, 1])

    assert "all of them on the right" in one.alt
    with pytest.raises(ValueError, match="must be one number, got 2"):
        plot.decision_boundary(lambda x: [x[0], x[1]], X, [-1, 1, -1, 1])


def test_the_vertical_axis_has_the_name_of_the_function() -> None:
    page = plot.error_surface(bowl, kind="surface", arrow=(1.0, 1.0), zlabel="f")
    (ax,) = page.axes

    assert ax.get_zlabel() == "f"  # type: ignore[attr-defined]
    assert "steepest descent, −∇f" in ax.get_legend_handles_labels()[1]
    assert page.alt.startswith("f over w1 and w2")
    assert plot.error_surface(bowl, kind="surface").axes[0].get_zlabel() == "E"  # type: ignore[attr-defined]
