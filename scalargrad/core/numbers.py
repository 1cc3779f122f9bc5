"""What counts as a number, and how a number becomes a float or a whole number."""

from __future__ import annotations

from math import inf
from numbers import Real
from operator import index
from typing import Any

__all__ = [
    "Traced", "as_count", "as_float", "as_non_negative", "as_operand", "as_python", "is_number",
    "shown", "written",
]  # fmt: skip


class Traced:
    """Base of everything that stands in for a number: Values, and the symbols of formulas.

    Operators and functions of the library hand their work to these three methods.
    """

    __slots__ = ()

    def apply(self, primitive: Any, inputs: tuple[Any, ...]) -> Any:
        """The result of `primitive` on `inputs`, at least one of which is traced."""
        raise NotImplementedError

    def compare(self, primitive: Any, x: Any, y: Any) -> Any:
        """The truth of a comparison, as a bool or as something that is decided later."""
        raise NotImplementedError

    def decide(self) -> bool:
        """The truth of this value."""
        raise NotImplementedError


def written(x: object, length: int = 60) -> str:
    """The beginning of the repr of `x`, for error messages; its type where there is none.

    >>> from scalargrad.core.numbers import written
    >>> written("sum"), written(10**5000)
    ("'sum'", 'int')
    """
    try:
        return f"{x!r:.{length}}"
    except Exception:  # an int of 5,000 digits, a list 10,000 levels deep, a faulty __repr__
        return type(x).__name__


def shown(x: object, length: int = 60) -> str:
    """The type of `x` and the beginning of its repr, for messages about what has a wrong type.

    >>> from scalargrad.core.numbers import shown
    >>> shown("3"), shown(10**5000)
    ("str: '3'", 'int')
    """
    kind, text = type(x).__name__, written(x, length)
    return kind if text == kind else f"{kind}: {text}"


def is_number(x: object) -> bool:
    """Whether `x` can be an operand: a real number or something traced."""
    # numpy.bool_ is a real scalar but no numbers.Real, and NumPy must not be imported to ask
    return isinstance(x, (float, Traced, Real)) or type(x).__name__ in ("bool", "bool_")


def as_python(x: Any) -> Any:
    """A NumPy scalar as a Python number, anything else unchanged.

    Differences and products of plain numbers need it: 2 - uint8(200) is 58 in NumPy.
    """
    return x.item() if hasattr(x, "item") else x


def as_float(x: Any, caller: str = "an operation") -> float:
    """The real number `x` as a float; the error for anything else names the `caller`."""
    if is_number(x) and not isinstance(x, Traced):
        try:
            return float(x)
        except OverflowError:
            got = f"got {type(x).__name__} beyond it"
            raise OverflowError(f"{caller} takes a number in the range of floats, {got}") from None
    raise TypeError(
        f"{caller} takes a real number (int, float, bool, Fraction or NumPy scalar), got {shown(x)}"
    )


def as_operand(x: Any, caller: str) -> Any:
    """A float for a plain number, and what is traced unchanged; errors name the `caller`."""
    return x if x.__class__ is float or isinstance(x, Traced) else as_float(x, caller)


def as_non_negative(x: Any, name: str, *, infinite: bool = False) -> float:
    """The number `x`, from 0 on, as a float; errors call it `name`.

    Args:
        x: a rate, a tolerance or another size.
        name: what it is.
        infinite: whether infinity will do.
    """
    number = as_float(x, name)
    if not number >= 0.0:
        raise ValueError(f"{name} must be at least 0, got {number!r}")
    if number == inf and not infinite:
        raise ValueError(f"{name} must be finite, got {number!r}")
    return number


def as_count(x: Any, name: str, least: int = 1, most: int | None = None) -> int:
    """The whole number `x`, from `least` to `most`; errors call it `name`."""
    try:
        number = index(x)  # takes NumPy's whole numbers too, but no float
    except TypeError:
        number = None
    if number is None or isinstance(x, bool):
        raise TypeError(f"{name} must be a whole number, got {shown(x)}")
    if number < least or (most is not None and number > most):
        bound = f"at least {least}" if number < least else f"at most {most}"
        raise ValueError(f"{name} must be {bound}, got {written(number)}")
    return number
