"""Underfitting, overfitting and Goldilocks fitting; early stopping, and weight decay.

A network learns from a sample of data, but it should be good on data that it has not seen: it
should generalise. With too few weights it cannot follow the data (underfitting). With too many it
follows their noise as well (overfitting). In between it is just right (Goldilocks fitting). Here it
is a polynomial, whose degree says how flexible it is, written with Chebyshev's T_k(x) = cos(k
arccos x):

    y(x) = w0 T0(x) + w1 T1(x) + ...     T0 = 1, T1 = x, T_k+1 = 2 x T_k - T_k-1

It is the same polynomial as with 1, x, x² ..., but these resemble each other so much that descent
is slow and rounding errors grow. E = 1/2 Σ (y - τ)² is quadratic in w, so a single step of Newton's
method, w - H⁻¹ g, goes to its minimum. R², the proportion of the variance that a fit explains, says
how good the fit is:

    R² = 1 - Σ (y - τ)² / Σ (mean - τ)²

Generalisation is measured by R² on validation data, which are not used to fit.

There are two ways to keep a flexible network from overfitting. Early stopping: watch the error on
the validation data while it learns, and stop when this no longer decreases. Regularisation: add λ/2
Σ w² to E, which pulls all weights to 0 (weight decay).

Source: Stone, the last part: fitting, early stopping, regularisation. There are only pictures.

Data: ours: ten noisy points of a curve to fit, nine between them for validation.

Look for: R² on the fitted data rises with the degree up to 1. On the validation data it is best at
degree 3 and below 0 at 9. In early stopping the training error keeps falling while the validation
error rises again from update 41. "Stop when it no longer decreases" is a patience of 1. Set
PATIENCES to (1, 2, 3) and RATE to 0.15: the error now wobbles, and patience 1 stops at the first
wobble.

Conclusion: a good fit to the training data is no sign of generalisation; only data that were not
used to fit can tell underfitting, overfitting and Goldilocks fitting apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, metrics, nn, optim
from scalargrad.examples.matrices import solution

if TYPE_CHECKING:
    from scalargrad import plot
    from scalargrad.examples.pictures import Picture

__all__ = [
    "DECAYS", "DEGREES", "NAMES", "PATIENCES", "RATE", "X_VALIDATION", "Y_VALIDATION", "Course",
    "Fit", "Fitting", "Polynomial", "X", "Y", "build", "descend", "figures", "least_squares",
    "powers", "report", "run",
]  # fmt: skip

X = [-0.9, -0.7, -0.5, -0.3, -0.1, 0.1, 0.3, 0.5, 0.7, 0.9]
Y = [-0.602, -0.585, -1.144, -0.948, -0.526, 0.374, 0.456, 1.012, 0.981, 0.357]
X_VALIDATION = [-0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8]
Y_VALIDATION = [-1.452, -0.824, -1.398, -0.845, 0.155, 0.553, 0.934, 1.325, 0.853]
DEGREES = (0, 1, 3, 5, 9)
NAMES = {1: "underfitting", 3: "Goldilocks fitting", 9: "overfitting"}  # of these degrees
DECAYS = (0.0, 0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0)
PATIENCES = (1, 50)
RATE = 0.05

# --- the polynomial -------------------------------------------------------------------------


def build(w: Sequence[Any], x: Any) -> Any:
    """The polynomial w0 T0(x) + w1 T1(x) + ...

    Args:
        w: its weights, at least one.
        x: a number or a Value.

    >>> build([1.0, 2.0, 3.0], 0.5)  # 1 + 2 x + 3 (2 x² - 1)
    0.5
    """
    features = [1.0, x]
    while len(features) < len(w):
        features.append(2.0 * x * features[-1] - features[-2])
    return sg.dot(w, features[: len(w)])


def powers(w: Sequence[float]) -> list[float]:
    """The same polynomial's coefficients of 1, x, x² ...

    Args:
        w: the weights of T0, T1, T2 ...

    >>> powers([1.0, 2.0, 3.0])
    [-2.0, 2.0, 6.0]
    """
    before, now = [1.0], [0.0, 1.0]
    total = [0.0] * len(w)
    for weight in w:
        for power, coefficient in enumerate(before):
            total[power] += weight * coefficient
        doubled = [0.0, *(2.0 * c for c in now)]
        rest = [*before, *([0.0] * (len(doubled) - len(before)))]
        before, now = now, [a - b for a, b in zip(doubled, rest, strict=True)]
    return total


class Polynomial(nn.Module):
    """A polynomial to train, `sg.fit` moves its weights; they start at 0.

    >>> len(Polynomial(9).parameters())
    10
    """

    def __init__(self, degree: int) -> None:
        self.w = [Value(0.0) for _ in range(degree + 1)]

    def __call__(self, x: Any) -> Any:
        return build(self.w, x)


# --- the best weights, at once --------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """A polynomial with its weights, the errors 1/2 Σ (y - τ)², and R², on both sets of data."""

    w: list[float]
    E: float
    E_validation: float
    r2: float
    r2_validation: float

    def __call__(self, x: float) -> Any:
        return build(self.w, x)

    @property
    def coefficients(self) -> list[float]:
        """Those of 1, x, x² ..."""
        return powers(self.w)


def least_squares(degree: int, decay: float = 0.0) -> Fit:
    """The polynomial of the least E + λ/2 Σ w², by one step of Newton's method from w = 0.

    Args:
        degree: of the polynomial, at least 0.
        decay: λ.

    Raises:
        ValueError: the degree is below 0, or there is more than one best polynomial: more weights
            than points, and no decay.

    >>> fit = least_squares(3)
    >>> round(fit.r2, 3), round(fit.r2_validation, 3)
    (0.941, 0.887)
    """
    if degree < 0:
        raise ValueError(f"least_squares: the degree must be at least 0, got {degree}")
    if degree >= len(X) and not decay > 0.0:
        raise ValueError(
            f"least_squares: {len(X)} points fix no more than {len(X)} weights, got a polynomial "
            f"of degree {degree} with {degree + 1}; take a decay above 0"
        )

    def penalised(w: Sequence[Any]) -> Any:
        return _error(w, X, Y) + 0.5 * decay * losses.l2(w)

    start = [0.0] * (degree + 1)
    step = solution(sg.hessian(penalised)(start), sg.grad(penalised)(start))
    return _told([-s for s in step])


def _error(w: Sequence[Any], xs: Sequence[float], targets: Sequence[float]) -> Any:
    return losses.squared_error([build(w, x) for x in xs], targets)


def _told(w: list[float]) -> Fit:
    errors, scores = [], []
    for xs, targets in ((X, Y), (X_VALIDATION, Y_VALIDATION)):
        errors.append(_error(w, xs, targets))
        scores.append(metrics.r2_score(targets, [build(w, x) for x in xs]))
    return Fit(w, *errors, *scores)


# --- descent, and when to stop --------------------------------------------------------------


@dataclass(frozen=True)
class Course:
    """A descent: both errors before the first update, after it, after the second, and so on.

    `stop` is the update after which it ended, `best` the one with the lowest validation error.
    With a patience, `w` are the weights from there, else those at the end.
    """

    errors: list[float]
    validation: list[float]
    stop: int
    best: int
    w: list[float]


def descend(
    updates: int = 3000, patience: int | None = None, lr: float = RATE, degree: int = 9,
    decay: float = 0.0,
) -> Course:  # fmt: skip
    """Train a polynomial with `sg.fit` from w = 0, all points in one batch.

    `sg.fit` counts epochs from 0, and its validation loss is that *after* the epoch's update, while
    its training loss is that before. Here all is counted in updates made: `best_epoch` 40 of the
    history is update 41.

    Args:
        updates: how many at most.
        patience: stop after so many updates without a new lowest validation error; None never.
        lr: the ε of descent.
        degree: of the polynomial.
        decay: the weight decay λ.

    >>> course = descend(patience=1)
    >>> course.stop, course.best
    (42, 41)
    """
    model = Polynomial(degree)
    start = [w.data for w in model.w]
    history = sg.fit(
        model, X, Y, losses.squared_error,
        optim.SGD(model.parameters(), lr=lr, weight_decay=decay), epochs=updates,
        validation=(X_VALIDATION, Y_VALIDATION),
        early_stopping=None if patience is None else sg.EarlyStopping(patience), progress=False,
    )  # fmt: skip
    validation = [_error(start, X_VALIDATION, Y_VALIDATION), *history.validation]
    errors = list(history.losses)
    w = [weight.data for weight in model.w]
    if patience is None:  # else the weights after the last update are gone, the best put back
        errors.append(_error(w, X, Y))
    best = min(range(len(validation)), key=validation.__getitem__)
    return Course(errors, validation, len(history.losses), best, w)


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Fitting:
    """What `run` computes: fits by degree, a long descent, early stops by patience, fits by λ."""

    fits: dict[int, Fit]
    long: Course
    stopped: dict[int, Course]
    decayed: dict[float, Fit]
    early: Fit


def run(updates: int = 3000) -> Fitting:
    """Fit, descend, stop early, and decay.

    Args:
        updates: how many the long descent makes.

    >>> result = run(updates=100)
    >>> result.long.best, [course.stop for course in result.stopped.values()]
    (41, [42, 91])
    """
    stopped = {patience: descend(updates, patience) for patience in PATIENCES}
    return Fitting(
        {degree: least_squares(degree) for degree in DEGREES}, descend(updates), stopped,
        {decay: least_squares(9, decay) for decay in DECAYS}, _told(stopped[PATIENCES[0]].w),
    )  # fmt: skip


def report(result: Fitting) -> str:
    """R² by degree, the errors of descent, where it stops, and R² by decay."""
    lines = [
        "R² is 1 for a perfect fit, and 0 for one that is no better than the mean.", "",
        "Polynomials of least E", "",
        "  degree  E        R² fitted  R² validation",
    ]  # fmt: skip
    for degree, fit in result.fits.items():
        r2, validation = (round(score, 3) + 0.0 for score in (fit.r2, fit.r2_validation))
        scores = f"{fit.E:.5f}  {r2:+9.3f}  {validation:+13.3f}"  # no -0.000
        lines.append(f"  {degree:>6}  {scores}  {NAMES.get(degree, '')}".rstrip())
    course = result.long
    lines += ["", "Descent with degree 9", "", "  updates  E fitted  E validation"]
    last = len(course.errors) - 1
    for k in sorted({k for k in (0, 1, 5, 10, 20, course.best, 100, 1000, last) if k <= last}):
        note = "  the lowest" if k == course.best else ""
        lines.append(f"  {k:>7}  {course.errors[k]:.5f}   {course.validation[k]:.5f}{note}")
    lines += ["", "Early stopping", "", "  patience  stops at  keeps the weights of"]
    for patience, early in result.stopped.items():
        lines.append(f"  {patience:>8}  {early.stop:>8}  update {early.best}")
    lines += [f"  R² on the validation data with these weights: {result.early.r2_validation:+.3f}"]
    lines += ["", "Weight decay with degree 9", "", "  λ       E        R² fitted  R² validation"]
    for decay, fit in result.decayed.items():
        scores = f"{fit.E:.5f}  {fit.r2:+9.3f}  {fit.r2_validation:+13.3f}"
        lines.append(f"  {decay:<6g}  {scores}")
    return "\n".join(lines)


def figures(result: Fitting) -> dict[str, Picture]:
    """Three fits, R² by degree, the two errors of descent, and fits by decay."""
    from scalargrad import plot

    fits = plot.figure(
        1, 3, width=12.0, height=4.2,
        alt="Ten points and three polynomials. Underfitting: the straight line misses them. "
        "Goldilocks fitting: the cubic goes between them. Overfitting: the one of degree 9 goes "
        "through all and swings far out in between.",
    )  # fmt: skip
    for ax, (degree, word) in zip(fits.axes, NAMES.items(), strict=True):
        _points(ax, result.fits[degree], f"{word.capitalize()}: degree {degree}")
    scores = plot.bars(
        {"fitted points": [fit.r2 for fit in result.fits.values()],
         "validation points (generalisation)": [f.r2_validation for f in result.fits.values()]},
        [f"degree {degree}" for degree in result.fits], ylabel="R²", ylim=(-0.15, 1.3),
        title="The fit gets better and better, generalisation does not",
        alt="Bars of R² by degree: on the fitted points it rises to 1 at degree 9. On the "
        "validation points it is best at degree 3 and below 0 at degree 9.",
    )  # fmt: skip
    best = max(result.decayed, key=lambda decay: result.decayed[decay].r2_validation)
    decay = plot.figure(
        1, 3, width=12.0, height=4.2,
        alt="Degree 9 with three weight decays: without, it swings out between the points; with a "
        "little it is as smooth as a cubic; with too much it is flat.",
    )  # fmt: skip
    told = {0.0: "overfitting", best: "Goldilocks fitting", 10.0: "underfitting"}
    for ax, (λ, word) in zip(decay.axes, told.items(), strict=True):
        _points(ax, result.decayed[λ], f"{word.capitalize()}: degree 9, λ = {λ:g}")
    return {
        "fits": fits, "generalisation": scores, "early_stopping": _early(result.long),
        "weight_decay": decay,
    }  # fmt: skip


def _early(course: Course) -> plot.Figure:
    """Both errors: the first hundred updates, and all of them relative to the best update."""
    from scalargrad import plot

    stop = plot.figure(1, 2, width=11.0, height=4.4, alt=(
        "Left, the first hundred updates: both errors fall fast, and then seem to stay. Right, all "
        f"updates, relative to update {course.best}: the training error keeps falling, by a sixth, "
        "while the validation error rises, by a fifth."
    ))  # fmt: skip
    plot.lines(
        {"training": course.errors[:101], "validation": course.validation[:101]},
        xlabel="update", ylabel="E", yscale="log", title="The first hundred updates",
        ax=stop.axes[0],
    )  # fmt: skip
    lowest = course.validation[course.best]
    relative = {
        "training": [E / course.errors[course.best] for E in course.errors],
        "validation": [E / lowest for E in course.validation],
    }
    plot.lines(
        relative, xlabel="update", ylabel=f"E, relative to update {course.best}",
        title="After that, training falls while validation rises", ax=stop.axes[1],
    )  # fmt: skip
    ends = [values[-1] for values in relative.values()]
    stop.axes[1].set_ylim(min(ends) - 0.05, max(ends) + 0.05)
    for ax, height in zip(stop.axes, (lowest, 1.0), strict=True):
        ax.axvline(course.best, color="0.4", linewidth=1.0, linestyle=":")
        ax.plot(
            [course.best], [height], "o", color="black", markersize=8,
            label=f"stop: update {course.best}",
        )  # fmt: skip
        ax.legend(loc="upper right" if ax is stop.axes[0] else "center right")
    return stop


def _points(ax: Any, fit: Fit, title: str) -> None:
    from scalargrad import plot

    told = f"{title}\nR² {fit.r2:.2f}, on the validation points {fit.r2_validation:.2f}"
    plot.curves({"fit": fit}, (-0.97, 0.97), title=told, ax=ax)
    ax.lines[0].set_color("black")
    ax.plot(X, Y, "o", color="#c1121f", markersize=7, label="fitted")
    ax.plot(X_VALIDATION, Y_VALIDATION, "x", color="0.25", markersize=7, label="validation")
    ax.set_xticks([-1.0, -0.5, 0.0, 0.5, 1.0])
    ax.set_ylim(-2.6, 2.6)
    ax.legend(loc="lower right")
