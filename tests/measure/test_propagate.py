"""`propagate`: GUM's examples, correlations, several outputs, and the checks of linearity."""

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scalargrad as sg
from scalargrad import Value
from scalargrad.measure.rounding import rounded


def close(x: float, y: float) -> bool:
    return math.isclose(x, y, rel_tol=1e-12, abs_tol=1e-300)


def test_end_gauge_of_the_gum() -> None:
    """GUM, annex H.1: an end gauge of 50 mm compared with a standard; table H.1, in nm."""

    def gauge(ls: Any, d: Any, alpha: Any, theta: Any, d_alpha: Any, d_theta: Any) -> Any:
        return ls + d - ls * (d_alpha * theta + alpha * d_theta)

    result = sg.propagate(
        gauge,
        {
            "ls": (50_000_623.0, 25.0), "d": (215.0, 9.7), "alpha": (11.5e-6, 1.2e-6),
            "theta": (-0.1, 0.41), "d_alpha": (0.0, 0.58e-6), "d_theta": (0.0, 0.029),
        },
        draws=0,
    )  # fmt: skip

    assert result.value == 50_000_838.0
    assert round(result.std) == 32  # u_c(l)
    components = {row.name: abs(row.sensitivity) * row.std for row in result.budget}
    assert {name: round(u, 1) for name, u in components.items()} == {
        "ls": 25.0, "d": 9.7, "alpha": 0.0, "theta": 0.0, "d_alpha": 2.9, "d_theta": 16.7,
    }  # fmt: skip
    assert result.second_order is not None
    assert round(result.second_order.std) == 34  # H.1.7: with the terms of second order
    assert any("sensitivity to alpha, theta is 0" in words for words in result.warnings)


def test_correlated_resistance_of_the_gum() -> None:
    """GUM, annex H.2: resistance, reactance and impedance; tables H.2 to H.4."""

    def impedance(V: Any, I: Any, phi: Any) -> list[Any]:  # noqa: E741
        return [V / I * sg.cos(phi), V / I * sg.sin(phi), V / I]

    result = sg.propagate(
        impedance,
        {"V": (4.9990, 0.0032), "I": (19.6610e-3, 0.0095e-3), "phi": (1.04446, 0.00075)},
        {("V", "I"): -0.36, ("V", "phi"): 0.86, ("I", "phi"): -0.65},
    )

    assert [round(y, 3) for y in result.value] == [127.732, 219.847, 254.26]
    assert [round(u, 2) for u in result.std] == [0.07, 0.3, 0.24]  # 0.071, 0.295, 0.236
    assert [round(result.correlation[i][j], 2) for i, j in ((0, 1), (0, 2), (1, 2))] == [
        -0.59, -0.49, 0.99,
    ]  # fmt: skip
    for output, row in zip(result.outputs, result.covariance, strict=True):
        k = result.outputs.index(output)
        assert close(row[k], output.std**2)
        assert close(math.fsum(r.contribution for r in output.budget), output.std**2)
        assert close(math.fsum(r.share for r in output.budget), 1.0)
        assert [r.name for r in output.budget][3:] == ["V & I", "V & phi", "I & phi"]
    assert result.warnings == ()


numbers = st.floats(-2.0, 2.0)
positive = st.floats(0.001, 2.0)


@given(
    st.lists(st.tuples(numbers, positive), min_size=3, max_size=3), st.lists(numbers, min_size=9)
)
def test_a_linear_function_is_exact(pairs: list[tuple[float, float]], loads: list[float]) -> None:
    """Inputs built as known sums of independent sources have a known variance."""
    rows = [loads[0:3], loads[3:6], loads[6:9]]
    stds = [math.hypot(*row) for row in rows]
    r = {
        (f"x{i}", f"x{j}"): sum(a * b for a, b in zip(rows[i], rows[j], strict=True))
        / (stds[i] * stds[j])
        for i in range(3)
        for j in range(i)
        if stds[i] > 1e-6 and stds[j] > 1e-6
    }
    inputs = {f"x{i}": (pairs[i][0], stds[i]) for i in range(3)}
    weights = [pair[1] for pair in pairs]

    result = sg.propagate(
        lambda x0, x1, x2: weights[0] * x0 + weights[1] * x1 + weights[2] * x2,
        inputs,
        {pair: max(-1.0, min(1.0, x)) for pair, x in r.items()},
        draws=0,
    )

    total = [sum(w * row[k] for w, row in zip(weights, rows, strict=True)) for k in range(3)]
    assert math.isclose(result.std, math.hypot(*total), rel_tol=1e-6, abs_tol=1e-5)
    assert result.second_order is None or abs(result.second_order.shift) < 1e-12


def test_rows_by_name_and_constants() -> None:
    result = sg.propagate(lambda x, n: x**n, {"x": (2.0, 0.1), "n": 3})

    row = result.budget["x"]
    assert (row.value, row.std, row.sensitivity, row.elasticity) == (2.0, 0.1, 12.0, 3.0)
    assert close(row.contribution, 1.44)
    assert row.share == 1.0
    assert result.budget["n"].std == 0.0
    assert result.budget["n"].share == 0.0
    assert result.budget["n"].sensitivity == 8.0 * math.log(2.0)
    assert [r.name for r in result.budget] == ["x", "n"]
    assert len(result.budget) == 2
    with pytest.raises(KeyError, match=r"'z'.*'x', 'n'"):
        result.budget["z"]


def test_matrix_and_pairs_are_the_same() -> None:
    inputs = {"x": (1.0, 0.1), "y": (2.0, 0.2), "z": (3.0, 0.3)}
    matrix = [[1.0, 0.5, 0.0], [0.5, 1.0, -0.25], [0.0, -0.25, 1.0]]

    by_matrix = sg.propagate(lambda x, y, z: x * y / z, inputs, matrix)
    by_pairs = sg.propagate(lambda x, y, z: x * y / z, inputs, {("y", "x"): 0.5, ("y", "z"): -0.25})

    assert str(by_matrix) == str(by_pairs)
    assert by_matrix.std == by_pairs.std
    assert by_matrix.monte_carlo == by_pairs.monte_carlo


@pytest.mark.parametrize(
    ("correlations", "message"),
    [
        ({("x", "y"): 1.5}, "from -1 to 1, got 1.5"),
        ({("x", "y"): math.nan}, "from -1 to 1, got nan"),
        ({("x", "w"): 0.5}, "name 'w', the inputs are 'x', 'y', 'z'"),
        ({("x", "x"): 1.0}, "between two inputs"),
        ({("x", "y"): 0.5, ("y", "x"): 0.4}, "given twice, as 0.5 and 0.4"),
        ({"x": 0.5}, "pairs of names"),
        ({("x", "y"): 0.9, ("y", "z"): 0.9, ("x", "z"): -0.9}, "negative eigenvalue"),
        ({("x", "y"): 1.0, ("y", "z"): 1.0}, "negative eigenvalue"),
        ([[1.0, 0.5], [0.5, 1.0]], "3 rows of 3"),
        ([[1.0, 0.5, 0.0], [0.4, 1.0, 0.0], [0.0, 0.0, 1.0]], "symmetric, got 0.5 and 0.4"),
        ([[0.5, 0.1, 0.0], [0.1, 1.0, 0.0], [0.0, 0.0, 1.0]], "divided by the deviations"),
    ],
)
def test_impossible_correlations(correlations: Any, message: str) -> None:
    inputs = {"x": (1.0, 0.1), "y": (2.0, 0.2), "z": (3.0, 0.3)}
    with pytest.raises((TypeError, ValueError), match=message):
        sg.propagate(lambda x, y, z: x + y + z, inputs, correlations)


def test_fully_correlated_inputs_cancel() -> None:
    names = [f"x{i}" for i in range(6)]
    inputs = dict.fromkeys(names, (1.0, 0.5))
    ones = [[1.0] * 6 for _ in names]

    result = sg.propagate(
        lambda **xs: xs["x0"] - xs["x1"] + xs["x2"] - xs["x3"], inputs, ones, draws=1000
    )

    assert result.std == 0.0
    assert result.monte_carlo is not None
    assert result.monte_carlo.std < 1e-12


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": (1.0, -0.1)}, "at least 0, got -0.1"),
        ({"x": (1.0, math.inf)}, "must be finite"),
        ({"x": (math.nan, 0.1)}, "must be finite, got nan"),
        ({"x": (1.0, 0.1, 0.2)}, "a pair"),
        ({"x": "1.0"}, "a pair"),
        ({1: (1.0, 0.1)}, "must be a string"),
        ({}, "at least one input"),
        ([(1.0, 0.1)], "dict by name"),
        ({"x": (Value(1.0), 0.1)}, "real number"),
    ],
)
def test_impossible_inputs(inputs: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        sg.propagate(lambda x: x, inputs)


def test_second_order_of_a_square() -> None:
    """x² of a normal x has the mean x² + u² and the variance 4 x² u² + 2 u⁴."""
    result = sg.propagate(lambda x: x * x, {"x": (3.0, 1.5)}, draws=20_000)

    assert result.second_order is not None
    assert close(result.second_order.shift, 2.25)
    assert close(result.second_order.std, math.sqrt(36.0 * 2.25 + 2.0 * 1.5**4))
    assert result.monte_carlo is not None
    assert abs(result.monte_carlo.mean - 11.25) < 0.25
    assert abs(result.monte_carlo.std - result.second_order.std) < 0.25
    assert any("curvature shifts the mean by 2.2, 25.0 %" in words for words in result.warnings)


def test_second_order_with_correlations() -> None:
    """x y of normal inputs: the mean is shifted by their covariance."""
    result = sg.propagate(
        lambda x, y: x * y, {"x": (1.0, 0.5), "y": (2.0, 0.25)}, {("x", "y"): -0.8}, draws=20_000
    )

    assert result.second_order is not None
    covariance = -0.8 * 0.5 * 0.25
    assert close(result.second_order.shift, covariance)
    variance = result.std**2 + 0.25 * 0.0625 + covariance**2
    assert close(result.second_order.std, math.sqrt(variance))
    assert result.monte_carlo is not None
    assert abs(result.monte_carlo.std / result.second_order.std - 1.0) < 0.03


@pytest.mark.parametrize(
    ("f", "inputs", "words"),
    [
        (lambda x: abs(x), {"x": (0.1, 0.2)}, "kink 0.5 standard deviations away"),
        (lambda x, y: sg.maximum(2 * x, y), {"x": (1.0, 0.1), "y": (2.2, 0.0)}, "kink 1 standard"),
        (lambda x: sg.sqrt(x), {"x": (0.1, 0.1)}, "draws fail or are not finite"),
        (lambda x: sg.cos(x), {"x": (0.0, 0.5)}, "sensitivity to x is 0"),
        (lambda x: sg.exp(x), {"x": (0.0, 1.0)}, "standard deviation of the draws"),
        (lambda x: sg.sqrt(x), {"x": (0.0, 1.0)}, "sensitivity to x is inf"),
        (lambda x: x * 2 if x > 1 else x, {"x": (1.05, 0.1)}, "mean of the draws differs"),
    ],
)
def test_what_misleads_is_said(f: Any, inputs: Any, words: str) -> None:
    result = sg.propagate(f, inputs)

    assert any(words in warning for warning in result.warnings), result.warnings
    assert result.verdict.startswith("Linear propagation misleads: ")
    assert words in str(result)


def test_what_does_not_mislead() -> None:
    result = sg.propagate(
        lambda m, v: 0.5 * m * v**2 + abs(m), {"m": (2.0, 0.01), "v": (3.0, 0.02)}
    )

    assert result.warnings == ()
    assert "holds to 10 % of the deviation, by second derivatives and 10,000" in result.verdict
    unchecked = sg.propagate(lambda x: x, {"x": (1.0, 0.1)}, second_order=False, draws=0)
    assert "not checked" in unchecked.verdict
    assert (unchecked.second_order, unchecked.monte_carlo) == (None, None)


def test_checks_of_many_inputs_wait_to_be_asked() -> None:
    inputs = {f"x{i}": (1.0, 0.1) for i in range(31)}
    calls = []

    def total(**xs: Any) -> Any:
        calls.append(1)
        return sg.sum(list(xs.values()))

    assert sg.propagate(total, inputs).monte_carlo is None
    assert len(calls) == 1
    asked = sg.propagate(total, inputs, second_order=True, draws=100)
    assert asked.second_order is not None
    assert asked.monte_carlo is not None


def test_draws_are_repeatable_and_the_users_random_numbers_untouched() -> None:
    random.seed(7)
    before = random.getstate()
    first, again, other = (
        sg.propagate(
            sg.exp.__call__ if False else lambda x: sg.exp(x), {"x": (0.0, 0.1)}, seed=seed
        )
        for seed in (1, 1, 2)
    )

    assert random.getstate() == before
    assert first.monte_carlo == again.monte_carlo != other.monte_carlo


def test_replayed_draws_are_the_eager_ones() -> None:
    pytest.importorskip("numba")
    weight = Value(0.5)

    def f(x: Any, y: Any) -> Any:
        return sg.log(x) * weight + y

    inputs = {"x": (1.0, 0.3), "y": (2.0, 0.1)}
    eager = sg.propagate(f, inputs, draws=2_000).monte_carlo
    replayed = sg.propagate(f, inputs, draws=100_000).monte_carlo

    assert eager is not None
    assert replayed is not None
    assert (eager.how, replayed.how) == ("eager", "replayed")
    assert replayed.failures > 0  # log of a negative number
    assert abs(eager.mean - replayed.mean) < 5.0 * eager.std / math.sqrt(2_000)


def test_code_that_reads_numbers_is_drawn_eagerly() -> None:
    result = sg.propagate(lambda x: x * (x.data if isinstance(x, Value) else x),
                          {"x": (1.0, 0.01)}, draws=100_000, second_order=False)  # fmt: skip

    assert result.monte_carlo is not None
    assert result.monte_carlo.how == "eager"


def test_large_code_that_cannot_be_recorded_is_drawn_less_often() -> None:
    def long(x: Any) -> Any:
        for _ in range(400):
            x = x + 0.001 * (x.data if isinstance(x, Value) else x)
        return x

    result = sg.propagate(long, {"x": (1.0, 0.01)}, second_order=False)

    assert result.monte_carlo is not None
    assert result.monte_carlo.how == "eager"
    assert 500 <= result.monte_carlo.draws < 10_000


@pytest.mark.parametrize("nothing", [None, [], {}, "text"])
def test_functions_that_return_no_number(nothing: Any) -> None:
    with pytest.raises(TypeError, match="lambda"):
        sg.propagate(lambda x: nothing, {"x": (1.0, 0.1)})


def test_nestings_of_results() -> None:
    result = sg.propagate(
        lambda x: {"double": 2 * x, "rest": [x, 5.0]}, {"x": (1.0, 0.25)}, draws=0
    )

    assert result.value == {"double": 2.0, "rest": [1.0, 5.0]}
    assert result.std == {"double": 0.5, "rest": [0.25, 0.0]}
    assert result.covariance[0] == [0.25, 0.125, 0.0]
    assert math.isnan(result.correlation[0][2])
    assert "correlations" in str(result)
    assert result._repr_html_().count("<table>") == 4


def test_other_values_are_constants_and_keep_their_gradients() -> None:
    w = Value(3.0)
    w.grad = 0.125

    with sg.no_grad():
        result = sg.propagate(lambda x: w * x, {"x": (2.0, 0.1)})

    assert (result.value, w.grad) == (6.0, 0.125)
    assert close(result.std, 0.3)


def test_recording_is_refused() -> None:
    c = sg.compile(lambda x: sg.propagate(lambda y: y, {"y": (1.0, 0.1)}).std * x, backend="python")
    with pytest.raises(sg.RecordingError, match="propagate cannot be recorded"):
        c(1.0)


def test_text_and_html() -> None:
    def area(width: Any, height: Any) -> Any:
        return width * height

    result = sg.propagate(
        area, {"width": (1.5, 0.012), "height": (20.0, 0.3)}, {("width", "height"): 0.5}
    )

    lines = str(result).splitlines()
    assert lines[0] == "area = 30.00 ± 0.61"
    assert lines[2].split() == [
        "input", "value", "std", "sensitivity", "contribution", "share", "elasticity",
    ]  # fmt: skip
    assert lines[3].split()[:4] == ["width", "1.500", "0.012", "20"]
    html = result._repr_html_()
    assert html.startswith("<table>")
    assert "width &amp; height" in html

    def hostile(**xs: Any) -> Any:
        return xs["<b>"] * 2

    assert "<b>" not in sg.propagate(hostile, {"<b>": (1.0, 0.1)})._repr_html_()


def test_a_long_budget_shows_the_largest() -> None:
    inputs = {f"x{i}": (1.0, 0.1 * (i + 1)) for i in range(100)}

    result = sg.propagate(lambda **xs: sg.sum(list(xs.values())), inputs)

    assert "70 others" in str(result)
    assert str(result).splitlines()[3].split()[0] == "x99"
    assert close(math.fsum(row.share for row in result.budget), 1.0)


def test_sizes_beyond_the_squares_of_floats() -> None:
    tiny = sg.propagate(lambda x, y: x + y, {"x": (1.0, 3e-200), "y": (1.0, 4e-200)})
    huge = sg.propagate(
        lambda x, y: x + y, {"x": (1.0, 3e200), "y": (1.0, 4e200)}, {("x", "y"): 1.0}
    )

    assert close(tiny.std, 5e-200)
    assert close(tiny.budget["x"].share, 0.36)
    assert close(huge.std, 7e200)
    assert close(math.fsum(row.share for row in huge.budget), 1.0)


@pytest.mark.parametrize(
    ("value", "std", "texts"),
    [
        (9.80665, 0.0234, ("9.807", "0.023")),
        (0.0, 0.0996, ("0.00", "0.10")),
        (-0.001, 0.1, ("0.00", "0.10")),
        (1234567.0, 12345.0, ("1235000", "12000")),
        (6.02214076e23, 1.3e16, ("6.02214076e+23", "0.00000013e+23")),
        (1.0, math.inf, ("1", "inf")),
        (2.0, 0.0, ("2", "0")),
    ],
)
def test_rounding(value: float, std: float, texts: tuple[str, str]) -> None:
    assert rounded(value, std) == texts
