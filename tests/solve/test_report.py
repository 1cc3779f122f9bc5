"""What a result shows: its report as text and HTML, its figure, and SciPy's own attributes."""

import copy
import doctest
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

import numpy as np

import scalargrad as sg
from scalargrad.solve import least_squares, minimize

T = np.linspace(0.0, 4.0, 20)
Y = 2.5 * np.exp(-1.3 * T) + 0.5 + 0.05 * np.sin(17.0 * np.arange(20))


def decay(p: Any, t: Any, y: Any) -> Any:
    return y - (p["a"] * sg.exp(-p["rate"] * t) + p["c"])


@pytest.fixture(scope="module")
def fit() -> sg.solve.Fit:
    return least_squares(decay, {"a": 1.0, "rate": 1.0, "c": 0.0}, (T, Y))


def test_the_report_of_a_fit(fit: sg.solve.Fit) -> None:
    lines = fit.report().splitlines()

    assert lines[0] == "[[Fit]]"
    assert "    residuals          = 20" in lines
    assert "    unknowns           = 3" in lines
    row = next(line for line in lines if line.startswith("    rate:"))
    assert row.split()[1:4] == [
        f"{fit.x['rate']:.8g}", "+/-", f"{fit.standard_errors['rate']:.8g}",
    ]  # fmt: skip
    assert "(init = 1)" in row
    assert any(line.startswith("    C(rate, c)") for line in lines)
    assert str(fit) == fit.report()
    assert repr(fit).startswith("<Fit of 3 unknowns, converged, cost 0.0")
    assert max(map(len, lines)) <= 100


def test_statistics(fit: sg.solve.Fit) -> None:
    fitted = fit.x["a"] * np.exp(-fit.x["rate"] * T) + fit.x["c"]
    squares = float(np.sum((Y - fitted) ** 2))
    assert fit.chi_square == pytest.approx(squares, rel=1e-12)
    assert fit.cost == pytest.approx(squares / 2, rel=1e-12)
    assert fit.reduced_chi_square == pytest.approx(squares / 17, rel=1e-12)
    assert fit.r_squared == pytest.approx(1 - squares / np.sum((Y - Y.mean()) ** 2), rel=1e-12)
    assert fit.aic == pytest.approx(20 * np.log(squares / 20) + 6, rel=1e-12)
    assert fit.bic == pytest.approx(20 * np.log(squares / 20) + 3 * np.log(20), rel=1e-12)


def test_scipys_attributes_pass_through(fit: sg.solve.Fit) -> None:
    assert fit.success is True
    assert fit.status in (1, 2, 3, 4)
    assert fit.fun.shape == (20,)
    assert fit.jac.shape == (20, 3)
    assert fit.grad == pytest.approx(0.0, abs=1e-12)
    assert "optimality" in dir(fit)
    with pytest.raises(AttributeError, match="'Fit' has no attribute 'spam', nor has SciPy's"):
        _ = fit.spam
    assert copy.copy(fit).x == fit.x


@pytest.mark.parametrize(
    ("residual", "observed"),
    [
        (lambda p, x, y: y - p[0] - p[1] * x, True),
        (lambda p, x, y: p[0] + p[1] * x - y, True),
        (lambda p, x, y: (p[0] + p[1] * x - y) / 0.1, True),
        (lambda p, x, y: (y - p[0] - p[1] * x) / (1.0 + x * x), True),
        (lambda p, x, y: sg.log(y + 5.0) - p[0] - p[1] * x, False),  # bends in y
        (lambda p, x, y: y * p[1] - p[0] - x, False),  # the slope by y is unknown; that by x is 1
        (lambda p, x, y: y - x - p[0] - p[1] * x * x, True),
        (lambda p, x, y: y - x - p[0] - p[1], False),  # which of both?
    ],
)
def test_the_response_is_found_by_its_slope(residual: Any, observed: bool) -> None:
    result = least_squares(residual, [0.1, 0.5], (T, Y))

    response = result._response
    if observed:
        assert response is not None
        assert response.name == "y"
        np.testing.assert_array_equal(response.observed, Y)
        assert (response.regressor or "")[0] == "x"
        np.testing.assert_allclose(response.model(T), response.fitted, atol=1e-12)
    else:
        assert response is None or response.name == "x"


def test_html_is_escaped() -> None:
    found = least_squares(lambda p, t, y: y - p["<b>"], {"<b>": 0.0}, (T, Y))

    html = found._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>:" not in html
    assert html.count("<table>") == html.count("</table>") >= 2
    assert "<b>:" in found.report()
    assert "Hessian" in minimize(lambda x: (x - 1.0) ** 2, 0.0)._repr_html_()


def test_the_figure(fit: sg.solve.Fit) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    figure = fit.plot("Decay")

    assert isinstance(figure, sg.plot.Figure)
    above, below = figure.axes
    assert (above.get_xlabel(), above.get_ylabel(), below.get_ylabel()) == ("t", "y", "residual")
    points, curve = above.get_lines()
    np.testing.assert_array_equal(points.get_ydata(), Y)
    at = np.interp(T, curve.get_xdata(), curve.get_ydata())
    np.testing.assert_allclose(at, Y - fit.fun, atol=1e-3)
    np.testing.assert_allclose(below.get_lines()[0].get_ydata(), fit.fun)
    assert "20 residuals from" in figure.alt
    with pytest.raises(TypeError, match="title must be a string"):
        fit.plot(3)  # type: ignore[arg-type]


def test_the_figure_of_several_columns_and_of_none() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    several = least_squares(
        lambda p, a, b, y: y - p[0] * a - p[1] * b, [0.0, 0.0], (T, T**2, Y)
    ).plot()
    assert several.axes[0].get_xlabel() == "fitted y"
    none = least_squares(lambda p: [p[0] - 1.0, p[0] - 2.0], [0.0]).plot()
    assert len(none.axes) == 1


def test_the_page_is_true() -> None:
    """The examples of docs/guide/solve.md."""
    page = Path(__file__).parents[2] / "docs" / "guide" / "solve.md"
    failed, count = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8"
    )
    assert (failed, count > 10) == (0, True)


@pytest.mark.parametrize("level", [0.0, 1.0, 95, float("nan")])
def test_levels_are_probabilities(fit: sg.solve.Fit, level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        fit.confidence_intervals(level)
