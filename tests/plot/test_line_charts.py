"""Lines: numbers, functions, losses, activations."""

import math

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

import scalargrad as sg
from scalargrad import plot


def ys(page: plot.Figure, k: int = 0) -> list[float]:
    return list(page.axes[0].lines[k].get_ydata())  # type: ignore[arg-type]


def test_lines_differ_in_dash_and_not_only_in_colour() -> None:
    page = plot.lines({str(k): [k, k] for k in range(6)}, xlabel="x", ylabel="y")
    dashes = {
        (line.get_linestyle(), str(line._unscaled_dash_pattern)) for line in page.axes[0].lines
    }

    assert len(dashes) == 6


def test_lines_takes_numbers_alone_or_with_their_places() -> None:
    page = plot.lines({"a": [1, 2], "b": ([5, 7], [3, 4])}, xlabel="x", ylabel="y", yscale="log")
    first, second = page.axes[0].lines

    assert list(first.get_xdata()) == [0, 1]  # type: ignore[arg-type]
    assert list(second.get_xdata()) == [5, 7]  # type: ignore[arg-type]
    assert page.axes[0].get_yscale() == "log"
    assert [text.get_text() for text in page.axes[0].get_legend().get_texts()] == ["a", "b"]  # type: ignore[union-attr]


def test_lines_of_nothing_or_of_unequal_length() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        plot.lines({}, xlabel="x", ylabel="y")
    with pytest.raises(ValueError, match=r"'a': .* got 2 and 1"):
        plot.lines({"a": ([1, 2], [1])}, xlabel="x", ylabel="y")


def test_curves_are_functions_of_numbers_or_values() -> None:
    page = plot.curves({"tanh": sg.tanh, "square": lambda x: x * x}, (-1.0, 1.0))

    assert ys(page)[0] == math.tanh(-1.0)
    assert ys(page, 1)[-1] == 1.0


def test_a_span_goes_upwards() -> None:
    with pytest.raises(ValueError, match="got 1 and 1"):
        plot.curves({"tanh": sg.tanh}, (1, 1))


def test_loss_curve_takes_a_history_a_list_or_several() -> None:
    history = sg.History([1.0, 0.1, 0.001], validation=[1.0, 0.2, 0.3])

    assert ys(plot.loss_curve(history)) == [1.0, 0.1, 0.001]
    assert ys(plot.loss_curve([3.0, 2.0])) == [3.0, 2.0]
    both = plot.loss_curve({"a": [3.0, 2.0], "b": history})
    assert ys(both, 1) == [1.0, 0.1, 0.001]


def test_loss_curve_marks_the_best_epoch_of_a_validation() -> None:
    page = plot.loss_curve(sg.History([3.0, 2.0, 1.0], validation=[3.0, 1.5, 2.0]))

    assert [text.get_text() for text in page.axes[0].texts] == ["lowest: 1.5 at 1"]


def test_loss_curve_is_logarithmic_over_decades_only() -> None:
    assert plot.loss_curve([1.0, 0.5]).axes[0].get_yscale() == "linear"
    assert plot.loss_curve([1.0, 0.001]).axes[0].get_yscale() == "log"
    assert plot.loss_curve([1.0, 0.0]).axes[0].get_yscale() == "linear"
    assert plot.loss_curve([1.0, 0.001], yscale="linear").axes[0].get_yscale() == "linear"


def test_loss_curve_leaves_out_what_is_not_finite_and_says_so() -> None:
    page = plot.loss_curve([1.0, 2.0, math.inf, math.nan])

    assert ys(page) == [1.0, 2.0]
    assert page.alt == "loss by epoch: loss from 1 to 2, not finite 2 times"
    with pytest.raises(ValueError, match="no loss to draw"):
        plot.loss_curve([])


def test_an_activation_comes_with_the_slope_the_engine_derives() -> None:
    page = plot.activation("sigmoid", (-2.0, 2.0))

    assert ys(page, 1)[200] == 0.25
    assert "at most 0.25" in page.alt
    mine = plot.activation(lambda z: 3.0 * z)
    assert set(ys(mine, 1)) == {3.0}
    assert mine.alt.startswith("g and its slope")


def test_an_activation_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="no operation 'tahn'"):
        plot.activation("tahn")


def test_a_text_names_the_lowest_place_within_a_line() -> None:
    page = plot.lines({"E": ([1, 2, 3], [4.0, 0.5, 1.0])}, xlabel="x", ylabel="E")

    assert page.alt == "E over x: E goes from 4 to 1, lowest 0.5 at 2"


def test_more_than_six_lines_still_differ() -> None:
    page = plot.lines({str(k): [k, k] for k in range(12)}, xlabel="x", ylabel="y")
    looks = {
        (line.get_color(), str(line._unscaled_dash_pattern))  # type: ignore[attr-defined]
        for line in page.axes[0].lines
    }

    assert len(looks) == 12


def test_the_axis_says_how_many_losses_are_left_out() -> None:
    page = plot.loss_curve([1.0, math.nan, math.inf])

    assert page.axes[0].get_xlabel() == "epoch (2 not finite, left out)"


def test_losses_may_be_values() -> None:
    assert ys(plot.loss_curve([sg.Value(2.0), sg.Value(1.0)])) == [2.0, 1.0]


def test_a_slope_that_jumps_has_a_gap_and_a_steep_one_has_none() -> None:
    jump = ys(plot.activation("relu"), 1)
    steep = ys(plot.activation(lambda z: sg.tanh(40.0 * z)), 1)

    assert sum(map(math.isnan, jump)) == 1
    assert {y for y in jump if not math.isnan(y)} == {0.0, 1.0}
    assert not any(map(math.isnan, steep))


def test_where_an_activation_is_not_defined_there_is_a_gap() -> None:
    page = plot.activation("log", (-1.0, 1.0))

    assert math.isnan(ys(page)[0])
    assert ys(page)[-1] == 0.0
    with pytest.raises(ValueError, match="log has no slope from -2 to -1"):
        plot.activation("log", (-2.0, -1.0))


def test_several_activations_differ_in_their_mark() -> None:
    page = plot.activation({"tanh": sg.tanh, "relu": sg.relu})

    assert len({line.get_marker() for line in page.axes[0].lines[:4]}) == 2
    assert "the slope of tanh is at most 1" in page.alt


def test_curves_may_have_points_and_marks() -> None:
    page = plot.curves(
        {"tanh": sg.tanh}, points=([0.0, 1.0], [0.1, 0.7]), marks={"new": ([0.5], [0.4])}
    )

    assert ys(page, 1) == [0.1, 0.7]
    assert ys(page, 2) == [0.4]
    assert page.axes[0].lines[1].get_marker() != page.axes[0].lines[2].get_marker()


def test_a_curve_of_losses_that_is_never_finite_is_reported() -> None:
    page = plot.loss_curve({"a": [math.nan], "b": [2.0, 1.0]})

    assert page.alt == "loss by epoch: a is never finite; b from 2 to 1"


def test_losses_may_be_counted_by_something_else() -> None:
    page = plot.loss_curve([3.0, 2.0], xlabel="update")

    assert page.axes[0].get_xlabel() == "update"
    assert page.alt == "loss by update: loss from 3 to 2"
