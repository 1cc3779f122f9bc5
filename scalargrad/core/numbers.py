"""What counts as a number, and how a number becomes a float or a whole number."""

from __future__ import annotations

from numbers import Real
from operator import index
from typing import Any

__all__ = ["Traced", "as_count", "as_float", "as_python", "is_number"]


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
        f"{caller} takes a real number (int, float, bool, Fraction or NumPy scalar), "
        f"got {type(x).__name__}: {x!r:.60}"
    )


def as_count(x: Any, name: str, least: int = 1, most: int | None = None) -> int:
    """The whole number `x`, from `least` to `most`; errors call it `name`."""
    try:
        number = index(x)  # takes NumPy's whole numbers too, but no float
    except TypeError:
        number = None
    if number is None or isinstance(x, bool):
        raise TypeError(f"{name} must be a whole number, got {type(x).__name__}: {x!r:.60}")
    if number < least or (most is not None and number > most):
        # Python refuses to write more than 4300 digits
        got = number if number.bit_length() < 64 else f"one of {number.bit_length()} bits"
        bound = f"at least {least}" if number < least else f"at most {most}"
        raise ValueError(f"{name} must be {bound}, got {got}")
    return number
