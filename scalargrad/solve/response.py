"""The response of a fit: the column of data that the model explains, found by derivatives.

In y - f(x, unknowns), or that divided by a deviation, the slope by y depends neither on y nor on an
unknown. Where exactly one column has such a slope, the fitted number is the y at which the residual
would be 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scalargrad.replay import Compiled
from scalargrad.replay.batch import argument_names
from scalargrad.solve.residuals import Residuals, of_sample
from scalargrad.transforms.functional import grad, jacobian
from scalargrad.transforms.tree import leaves

__all__ = ["Response", "response_of"]


@dataclass(frozen=True, eq=False)
class Response:
    """What a model explains.

    Attributes:
        name: The name of the column.
        observed, fitted: Its numbers, and those of the model.
        regressor: The name and the numbers of the other column; None if there are several.
        model: The model as a function of numbers of the regressor.
    """

    name: str
    observed: Any
    fitted: Any
    regressor: tuple[str, Any] | None
    model: Callable[[Any], Any]


def response_of(residuals: Residuals, x: Any) -> Response | None:
    """The response at the unknowns `x`, or None where no single column is one."""
    f, nest, columns = residuals.f, residuals.unknowns.filled, residuals.columns
    places = [i for i, column in enumerate(columns) if column.ndim == 1]
    if residuals.each != 1 or not places:
        return None

    def slopes(parameters: Any, *sample: Any) -> list[Any]:
        def one(*numbers: Any) -> Any:
            return leaves(f(nest(parameters), *numbers), "the result")[0]

        return list(grad(one, places)(*sample))

    compiled = {
        name: Compiled(of_sample(f, g), allow_nonfinite=True, **residuals.settings)
        for name, g in {
            "slopes": lambda *sample: slopes(residuals.parameters, *sample),
            "bends": lambda *sample: _second(slopes, residuals.parameters, places, sample),
            "values": lambda *sample: leaves(f(nest(residuals.parameters), *sample), "it")[0],
        }.items()
    }
    for c in compiled.values():
        c.theta = x
    slope = np.array(compiled["slopes"](*columns))
    bends = np.array(compiled["bends"](*columns)).reshape(len(places), -1, len(columns[0]))
    own = len(x) + np.arange(len(places))  # the derivative of each slope by its own column
    bend = np.concatenate([bends[:, : len(x)], bends[range(len(places)), own][:, None]], axis=1)
    steady = np.isfinite(slope).all(axis=1) & (slope != 0.0).all(axis=1)
    fits = steady & (bend == 0.0).all(axis=(1, 2))
    if fits.sum() != 1:
        return None
    (k,) = np.flatnonzero(fits)
    place = places[k]
    names = argument_names(f, len(columns) + 1)[1:]
    observed = columns[place]
    fitted = observed - compiled["values"](*columns) / slope[k]
    others = [i for i in range(len(columns)) if i != place]
    single = len(others) == 1 and columns[others[0]].ndim == 1

    def model(xs: Any) -> Any:
        filled = [np.zeros_like(xs)] * 2
        filled[others[0]] = xs
        return -compiled["values"](*filled) / compiled["slopes"](*filled)[k]

    regressor = (names[others[0]], columns[others[0]]) if single else None
    return Response(names[place], observed, fitted, regressor, model)


def _second(
    slopes: Callable[..., list[Any]], parameters: list[Any], places: list[int],
    sample: tuple[Any, ...],
) -> list[Any]:  # fmt: skip
    """For each slope, its derivatives by the unknowns and by the columns."""
    by = [0, *[i + 1 for i in places]]
    rows = jacobian(slopes, by)(parameters, *sample)
    return leaves([list(row) for row in rows], "the derivatives of the slopes")
