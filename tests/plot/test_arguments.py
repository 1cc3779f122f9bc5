"""What users give: NumPy arrays, Values, lists where dicts belong; what is wrong is named."""

import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

import numpy as np
from matplotlib.figure import Figure

import scalargrad as sg
from scalargrad import Value, nn, plot

X = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
Y = [-1, 1, -1, 1]
AXES: Any = {"xlabel": "x", "ylabel": "y"}


def bowl(w1: Any, w2: Any) -> Any:
    return w1 * w1 + 2.0 * w2 * w2


def rights(x: Any) -> Any:
    return x[0] - 0.5


def shift(x: Any) -> Any:
    return x + 1.0


@pytest.mark.parametrize(
    ("listed", "other"),
    [
        (
            lambda: plot.error_surface(bowl, path=[(1, 1), (0.5, 0.2)], points=[(0, 0)]),
            lambda: plot.error_surface(
                bowl,
                np.array([[-2, 2], [-2, 2]]),
                path=np.array([[1, 1], [0.5, 0.2]]),
                points=np.array([[0, 0]]),
            ),
        ),
        (
            lambda: plot.error_surface(bowl, path=[(1.0, 1.0)]),
            lambda: plot.error_surface(bowl, path=[[Value(1.0), Value(1.0)]]),
        ),
        (
            lambda: plot.error_curve(bowl_at_one, (-1, 1), path=[1.0, 0.5], tangent=0.5),
            lambda: plot.error_curve(
                bowl_at_one, np.array([-1, 1]), path=np.array([1.0, 0.5]), tangent=np.array(0.5),
            ),
        ),
        (
            lambda: plot.error_curve(bowl_at_one, (-1, 1), path=[1.0], minima=[0.0]),
            lambda: plot.error_curve(
                bowl_at_one, [-1, 1], path=[Value(1.0)], minima=np.array([0.0])
            ),
        ),
        (
            lambda: plot.decision_boundary(rights, X, Y),
            lambda: plot.decision_boundary(
                rights, np.array(X), np.array(Y), span=np.array([[-1, 2], [-1, 2]])
            ),
        ),
        (
            lambda: plot.decision_boundary(rights, X, [0, 1, 0, 1]),
            lambda: plot.decision_boundary(rights, X, [[0], [1], [0], [1]]),
        ),
        (
            lambda: plot.images([[[0, 1], [1, 0]]], ["a"]),
            lambda: plot.images(np.array([[[0, 1], [1, 0]]]), ["a"]),
        ),
        (
            lambda: plot.lines({"a": ([1.0, 2.0], [3.0, 4.0])}, **AXES),
            lambda: plot.lines({"a": ([Value(1.0), Value(2.0)], np.array([3, 4]))}, **AXES),
        ),
        (
            lambda: plot.bars({"a": [1, 2]}, ["1", "2"], ylabel="y"),
            lambda: plot.bars({"a": np.array([1, 2])}, np.array([1, 2]), ylabel="y"),
        ),
    ],
)  # fmt: skip
def test_arrays_and_values_do_as_lists_of_numbers(
    listed: Callable[[], plot.Figure], other: Callable[[], plot.Figure]
) -> None:
    assert other().alt == listed().alt


def bowl_at_one(w: Any) -> Any:
    return w * w


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot.lines([1, 2], **AXES), r"lines takes a dict, \{label: numbers\}, got list"),
        (lambda: plot.lines(np.ones(3), **AXES), "got ndarray"),
        (lambda: plot.lines({"a": [None]}, **AXES), "'a' takes a real number .* got NoneType"),
        (lambda: plot.lines({"a": "123"}, **AXES), "'a': numbers or a pair .* got str"),
        (lambda: plot.lines({"a": [[1, 2], [3, 4]]}, **AXES), r"give \(xs, ys\), a tuple"),
        (lambda: plot.curves(sg.sin), r"curves takes a dict, \{label: function\}"),
        (lambda: plot.curves({"f": 3}), "curves: 'f' must be a function, got int"),
        (lambda: plot.bars([1], ["a"], ylabel="y"), "bars takes a dict"),
        (lambda: plot.bars({"a": 1}, ["a"], ylabel="y"), "'a' must be a list of numbers, got 1"),
        (lambda: plot.loss_curve(3.0), "'loss' must be a history or a list, got float"),
        (lambda: plot.activation(["tanh"]), "'g' must be a function, got list"),
        (lambda: plot.error_curve(bowl_at_one, (0, 1), path=0.5), "path is a list of weights"),
        (lambda: plot.error_surface(lambda w: w[0] * w[1]), r"give lambda w1, w2: f\(\[w1, w2\]\)"),
        (lambda: plot.network(3), "sizes of the layers, or an nn.MLP, got int"),
        (lambda: plot.network(nn.Layer(2, 3)), "got Layer"),
        (lambda: plot.network([2, 1], names=["a"]), "dicts by node or edge, got list"),
        (lambda: plot.diagram(["a"], []), r"diagram takes a dict, \{node: \(x, y\)\}, got list"),
        (lambda: plot.decision_boundary(rights, [1, 2], [1, 1]), r"X\[0\] must be a pair"),
        (lambda: plot.decision_boundary(rights, X, list("abab")), "a target takes a real number"),
        (lambda: plot.images([np.ones((2, 2, 3))], ["a"]), "images: 'a' takes a real number"),
        (lambda: plot.lines({"a": [1]}, **AXES, ax=plot.figure()), r"such as .axes\[0\], got Fig"),
        (lambda: plot.figure(2.5), "figure: rows must be a whole number"),
    ],
)
def test_what_is_of_the_wrong_type_is_named(draw: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        draw()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot.curves({}), "the dict is empty"),
        (lambda: plot.activation({}), "the dict is empty"),
        (lambda: plot.activation("ReLU"), "did you mean 'relu'"),
        (lambda: plot.curves({"s": sg.sin}, 3), r"a span is a pair \(low, high\), got 3"),
        (lambda: plot.curves({"s": sg.sin}, range(50)), "got 50 entries"),
        (lambda: plot.curves({"s": sg.sin}, (0, math.inf)), "to a higher one, got 0 and inf"),
        (lambda: plot.curves({"s": sg.log}, (-2, -1)), r"finite nowhere in the span \(log"),
        (lambda: plot.lines({"a": [0, 0]}, **AXES, yscale="log"), "needs numbers above 0"),
        (lambda: plot.loss_curve([0.0], yscale="log"), "needs losses above 0"),
        (lambda: plot.loss_curve([1.0], yscale="yes"), "got 'yes'"),
        (lambda: plot.error_surface(bowl, (-2, 2)), r"pair of pairs, .* got \(-2, 2\)"),
        (
            lambda: plot.error_surface(bowl, path=[1, 2]),
            "a point of path must be a pair of numbers, got 1",
        ),
        (
            lambda: plot.error_surface(bowl, ax=plot.figure(projection="3d").axes[0]),
            "contours need flat axes",
        ),
        (
            lambda: plot.decision_boundary(rights, X, [1, 2, 1, 2]),
            "targets 1 and 2 are both on one",
        ),
        (
            lambda: plot.decision_boundary(rights, [[0, 1], [0, 1, 2]], Y[:2]),
            r"X\[1\] must have two inputs, got 3 inputs",
        ),
        (lambda: plot.decision_boundary(rights, [[math.nan, 1]], [1]), "inputs must be finite"),
        (lambda: plot.decision_boundary(lambda x: math.nan, X, Y), "finite nowhere"),
        (lambda: plot.decision_boundary(rights, X, Y, span=(-1, 2)), "pair of pairs"),
        (lambda: plot.decision_boundary(rights, X, Y, lines={"a": (1, 2, 3)}), "is a pair"),
        (lambda: plot.images(np.ones((2, 2)), ["a", "b"]), r"of one picture give \[rows\]"),
        (lambda: plot.diagram({"a": (0, 0, 1)}, []), "position of 'a'"),
        (lambda: plot.diagram({"a": (0, 0)}, ["a"]), "an edge is a pair of nodes, got 'a'"),
        (lambda: plot.bars({"a": []}, [], ylabel="y"), "names is empty"),
    ],
)
def test_what_does_not_fit_is_named(draw: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw()


def test_where_a_function_is_not_defined_there_is_a_gap() -> None:
    curve = plot.curves({"1/x": lambda x: 1.0 / x}, (-1.0, 1.0))
    error = plot.error_curve(sg.log, (-1.0, 1.0), path=[1.0])
    surface = plot.error_surface(lambda a, b: sg.log(a) * b)

    assert sum(map(math.isnan, curve.axes[0].lines[0].get_ydata())) == 1
    assert sum(map(math.isnan, error.axes[0].lines[0].get_ydata())) == 121
    assert surface.axes[0].collections


def test_one_number_in_a_list_is_a_number() -> None:
    page = plot.curves({"f": lambda x: [shift(Value(x))]}, (0.0, 1.0))

    assert next(iter(page.axes[0].lines[0].get_ydata())) == 1.0


def test_labels_of_one_class_and_of_many_are_drawn_truly() -> None:
    def legend(labels: list[Any], threshold: float = 0.0) -> list[str]:
        page = plot.decision_boundary(rights, X, labels, threshold=threshold)
        return page.axes[0].get_legend_handles_labels()[1]

    assert legend([1, 1, 1, 1]) == ["target 1"]
    assert legend([0, 0, 0, 0], 0.5) == ["target 0"]
    assert legend([True, False, True, False]) == ["target 1", "target 0"]
    assert legend([0, 1, 2, 1]) == ["targets above 0", "target 0"]


def test_an_answer_that_is_no_number_is_wrong() -> None:
    page = plot.decision_boundary(lambda x: math.nan if x[0] < 0.5 else 1.0, X, Y)

    assert "2 of them on the wrong side" in page.alt


def test_texts_of_a_network_may_be_numbers() -> None:
    page = plot.network(
        [1, 1], names={(0, 0): 1}, notes={(1, 0): Value(0.5)},
        edge_labels={((0, 0), (1, 0)): 0.25},
    )  # fmt: skip

    assert {"1", "0.5", "0.25"} <= {text.get_text() for text in page.axes[0].texts}


def test_a_note_of_the_lowest_loss_stays_off_the_lines(tmp_path: Path) -> None:
    falling = [0.9**k for k in range(60)]
    history = sg.History(falling, validation=[y + 0.002 * k for k, y in enumerate(falling)])
    page = plot.loss_curve(history)
    page.savefig(tmp_path / "note.png")
    ax = page.axes[0]
    box = ax.texts[0].get_window_extent()
    path = np.vstack([ax.transData.transform(line.get_xydata()) for line in ax.lines[:2]])

    assert not any(box.contains(x, y) for x, y in path)


def test_a_figure_can_be_pickled() -> None:
    page = pickle.loads(pickle.dumps(plot.lines({"a": [1, 2]}, **AXES, alt="up")))

    assert (page.alt, type(page)) == ("up", plot.Figure)


def test_axes_of_the_caller_keep_their_figure() -> None:
    theirs = Figure()
    ax = theirs.subplots()

    assert plot.lines({"a": [1, 2]}, **AXES, ax=ax) is theirs
    assert len(ax.lines) == 1
