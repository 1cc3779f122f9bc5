"""`sensitivities`: the derivatives of a result by named inputs, and its elasticities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan
from typing import Any, NamedTuple

from scalargrad.measure.inputs import as_inputs
from scalargrad.measure.linear import Run
from scalargrad.measure.named_rows import NamedRows
from scalargrad.measure.rounding import significant
from scalargrad.support.tables import as_html, as_text
from scalargrad.transforms.functional import checked_function, name_of

__all__ = ["Sensitivity", "SensitivityTable", "sensitivities"]


class Sensitivity(NamedTuple):
    """How a result depends on one input.

    Attributes:
        name: the name of the input.
        value: its value.
        derivative: of the result by the input.
        elasticity: by how many percent the result changes if the input changes by 1 %; nan where
            the result is 0.
    """

    name: str
    value: float
    derivative: float
    elasticity: float


class SensitivityTable(NamedRows[Sensitivity]):
    """The table that `sensitivities` returns: rows by name or position, and the `value`.

    Attributes:
        value: the result of the function.

    >>> table = sg.sensitivities(lambda x, n: x**n, {"x": 2.0, "n": 3.0})
    >>> table.value, table["x"].derivative, table["x"].elasticity
    (8.0, 12.0, 3.0)
    """

    def __init__(self, title: str, value: float, rows: list[Sensitivity]) -> None:
        super().__init__(rows)
        self.title, self.value = title, value

    @property
    def text(self) -> str:
        """The table as text."""
        return f"{self._caption}\n\n{as_text(self._head, self._table)}"

    @property
    def _caption(self) -> str:
        return f"{self.title} = {significant(self.value, 6)}"

    @property
    def _head(self) -> list[str]:
        return ["input", "value", "derivative", "elasticity"]

    @property
    def _table(self) -> list[list[str]]:
        return [
            [row.name, significant(row.value, 6), significant(row.derivative),
             significant(row.elasticity, 3)]
            for row in self
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<SensitivityTable: {self._caption}, {len(self)} inputs>"

    def _repr_html_(self) -> str:
        return as_html(self._head, self._table, self._caption)


def sensitivities(f: Callable[..., Any], inputs: Mapping[str, Any]) -> SensitivityTable:
    """Compute the derivative and the elasticity of the result of `f` by each named input.

    Args:
        f: a function of the inputs by keyword, ``f(**numbers)``, that returns one number.
        inputs: by name the value of each input.

    Returns:
        A table of rows with `name`, `value`, `derivative` and `elasticity`, found by name or by
        position. It shows itself in Jupyter, and as text by `print`.

    Raises:
        TypeError: `f` is not callable or does not return one number, or `inputs` is no dict of
            numbers by name.
        ValueError: a value is not finite, or there is none.

    >>> print(sensitivities(lambda x, y: x**2 * y, {"x": 3.0, "y": 2.0}))
    result = 18
    <BLANKLINE>
    input  value  derivative  elasticity
    x          3          12           2
    y          2           9           1
    """
    checked_function(f, "sensitivities")
    named = as_inputs(inputs, "sensitivities")
    run = Run(f, named, "sensitivities")
    if not run.single:
        raise TypeError(
            f"sensitivities needs a function that returns one number, {name_of(f)} returned "
            f"{type(run.out).__name__}: sg.propagate and sg.jacobian take nestings"
        )
    value = run.number(0)
    rows = [
        Sensitivity(name, x, slope, slope * x / (value or nan))
        for name, x, slope in zip(named.names, named.values, run.derivatives(0), strict=True)
    ]
    title = "result" if name_of(f) == "<lambda>" else name_of(f)
    return SensitivityTable(title, value, rows)
