"""Operations that users add: rows of their own, whose values and partials are checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scalargrad.core.numbers import Traced, as_float, is_number
from scalargrad.core.rows import CUSTOM, TABLE, Partials, Primitive, operands_of

__all__ = ["primitive"]


def primitive(
    name: str, value: Callable[..., float], partials: Partials,
    text: str | None = None, latex: str | None = None,
) -> Primitive:  # fmt: skip
    """Create an operation of your own, which works wherever the built-in ones do.

    Args:
        name: its name in pictures, messages and files, different from those of built-in ones.
        value: the operation as a function of floats.
        partials: a function of the same inputs and then ``out`` (the value) that returns a tuple
            with one local derivative for each input, written with this library's functions
            (``sg.exp``, not ``math.exp``), so that it can be differentiated in turn.
        text: a template for texts with the operands ``{0}``, ``{1}``; by default ``name(...)``.
        latex: likewise for LaTeX.

    Returns:
        The operation, to be called on numbers or Values.

    Raises:
        TypeError: `name` is not a string, or `value` or `partials` not callable.
        ValueError: `name` is empty or taken, or a template does not fit the inputs.

    >>> cube = sg.primitive("cube", lambda x: x**3, lambda x, out: (3 * x * x,))
    >>> x = Value(2.0)
    >>> cube(x).backward()
    >>> x.grad
    12.0
    >>> sg.grad(sg.grad(cube))(2.0)
    12.0
    """
    if not isinstance(name, str):
        raise TypeError(f"primitive: name must be a string, got {type(name).__name__}")
    if not name or name in TABLE:
        fault = "taken by a built-in operation" if name else "empty"
        raise ValueError(f"primitive: the name {name!r} is {fault}")
    for what, function in (("value", value), ("partials", partials)):
        if not callable(function):
            got = type(function).__name__
            raise TypeError(f"primitive {name!r}: {what} must be a function, got {got}")

    operands, _ = operands_of(partials)
    for template in (text, latex):
        _check_template(template, 6 if operands is None else len(operands), name)

    def checked_value(*inputs: float) -> float:
        return as_float(value(*inputs), f"primitive {name!r}: its value")

    own = Primitive(name, "an operation of your own", checked_value, partials, latex, text=text)
    stated = own.partials

    def checked_partials(*inputs_and_out: Any) -> tuple[Any, ...]:
        try:
            slopes = stated(*inputs_and_out)
        except (ValueError, ZeroDivisionError, OverflowError) as cause:
            fault = own.domain_error(cause, inputs_and_out[:-1])
            raise type(cause)(f"the partials of primitive {name!r} fail: {fault}") from None
        if not isinstance(slopes, (tuple, list)) or len(slopes) != len(inputs_and_out) - 1:
            raise ValueError(
                f"primitive {name!r}: partials must return a tuple of {len(inputs_and_out) - 1} "
                f"derivative(s), one for each input, got {slopes!r}"
            )
        if any(isinstance(x, Traced) for x in inputs_and_out) and all(map(is_number, slopes)):
            return tuple(slopes)
        return tuple(as_float(slope, f"primitive {name!r}: a partial") for slope in slopes)

    own.partials = checked_partials
    CUSTOM[name] = own
    return own


def _check_template(template: Any, count: int, name: str) -> None:
    if template is None:
        return
    if not isinstance(template, str):
        got = type(template).__name__
        raise TypeError(f"primitive {name!r}: text and latex must be strings, got {got}")
    from string import Formatter

    try:
        fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
        if odd := [field for field in fields if "." in field or "[" in field]:
            raise ValueError(f"an operand is text, which has no {odd[0]!r}")
        template.format(*["x"] * count)
    except (IndexError, KeyError, ValueError) as fault:
        raise ValueError(
            f"primitive {name!r}: {template!r} must have the fields {{0}}, {{1}} ... for its "
            f"operands, and other braces doubled ({fault})"
        ) from None
