"""What a row of the table is: an operation with its value and its local partial derivatives.

What a row may use, always in this order and with these names:

* ``value``     a plain function of floats, ``x`` or ``x, y`` or ``*xs``. It may raise what Python's
  ``float`` and ``math`` raise outside the domain; the message is rewritten to name the operands.
* ``partials``  a function of the same inputs and ``out``, the value. It returns one derivative for
  each input. It is written with the table's own operations, so that it also runs on Values: that is
  how second derivatives come out of the first. It must not fail where ``value`` does not. Where
  the slope is infinite it uses ``inverse``, where it does not exist what the ``kinks`` state.
  It compares with < and > only: ``==`` of Values goes by identity.
* ``latex``     a template, ``{0}`` and ``{1}`` being the operands; ``text`` likewise, where
  ``name(x, y)`` would not do.
* ``symbol``    what a picture shows in the box, by default the name.
* ``at``        sample points where the operation is smooth: the tests differentiate there.
* ``kinks``     points without a finite derivative, and the partials taken there.
* ``outside``   points where the operation must raise; ``needs`` says in words what would do.
* ``public``    False for an operation that has an operator, or is for other rows only.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from numbers import Real
from operator import index
from string import Formatter
from typing import Any, overload

Point = float | tuple[float, ...]
Template = str | Callable[..., str]
Partials = Callable[..., Sequence[Any]]  # (*inputs, out) -> one local derivative for each input


class Traced:
    """What an operation does not compute itself but hands back to: the base of `Value`."""

    __slots__ = ()

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> Any:
        """Record `primitive` on `inputs`, at least one of which is of this class."""
        raise NotImplementedError


def is_number(x: object) -> bool:
    """Whether `x` can stand in a formula: a real number or something traced."""
    # numpy.bool_ is no numbers.Real, though a real scalar; NumPy must not be imported to ask
    return isinstance(x, (float, Traced, Real)) or type(x).__name__ in ("bool", "bool_")


def as_python(x: Any) -> Any:
    """A number of NumPy as one of Python, anything else as it is.

    For differences and products of plain numbers: 2 - uint8(200) is 58 in NumPy.
    """
    return x.item() if hasattr(x, "item") else x


def as_float(x: Any, taker: str = "an operation") -> float:
    """The real number `x` as a float; the TypeError for anything else names the `taker`."""
    if is_number(x) and not isinstance(x, Traced):
        try:
            return float(x)
        except OverflowError:
            told = f"got {type(x).__name__} beyond it"
            raise OverflowError(f"{taker} takes a number in the range of floats, {told}") from None
    raise TypeError(
        f"{taker} takes a real number (int, float, bool, Fraction or NumPy scalar), "
        f"got {type(x).__name__}: {x!r:.60}"
    )


def as_count(x: Any, name: str, least: int = 1) -> int:
    """The whole number `x`, not below `least`; the errors name it `name`."""
    try:
        number = index(x)  # takes NumPy's whole numbers too, but no float
    except TypeError:
        number = None
    if number is None or isinstance(x, bool):
        raise TypeError(f"{name} must be a whole number, got {type(x).__name__}: {x!r:.60}")
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


class Primitive:
    """One row of the table: an operation, called like a function on numbers or Values.

    Numbers in, a float out; as soon as one input is a Value, a Value out.
    """

    def __init__(
        self, name: str, about: str, value: Callable[..., float], partials: Partials,
        latex: Template | None = None, *, text: Template | None = None, symbol: str | None = None,
        at: Iterable[Point] = (), kinks: Mapping[Point, Point] | None = None,
        outside: Iterable[Point] = (), needs: str = "", public: bool = True,
    ) -> None:  # fmt: skip
        self.name = self.__name__ = name
        self.symbol = name if symbol is None else symbol  # what a box of a picture shows
        self.value = value
        self.arity, self.partials = _arity(partials)  # arity None: any number of inputs
        self.text = text or (lambda *operands: f"{name}({', '.join(operands)})")
        self.latex = latex or (lambda *operands: rf"\mathrm{{{name}}}({', '.join(operands)})")
        self.at, self.outside = [*map(_point, at)], [*map(_point, outside)]
        self.kinks = {_point(p): _point(d) for p, d in (kinks or {}).items()}
        self.about, self.needs, self.public = about, needs, public
        if self.arity is not None:
            positional = inspect.Parameter.POSITIONAL_ONLY
            named = [inspect.Parameter(name, positional) for name in _names(self.arity)]
            self.__signature__ = inspect.Signature(named)
        self.__doc__ = self._describe(about, example=text is None)

    @overload
    def __call__(self, *inputs: float) -> float: ...
    @overload
    def __call__(self, *inputs: Any) -> Any: ...
    def __call__(self, *inputs: Any) -> Any:
        if self.arity is not None and len(inputs) != self.arity:
            raise TypeError(f"{self.name} takes {self.arity} operand(s), got {len(inputs)}")
        for x in inputs:
            if isinstance(x, Traced):
                return x.apply(self, inputs)
        return self.evaluate([as_float(x, self.name) for x in inputs])

    def evaluate(self, numbers: Sequence[float], operands: Sequence[object] = ()) -> float:
        """The value at `numbers`; an error names the `operands` (Values with their labels)."""
        try:
            return self.value(*numbers)
        except (ValueError, ZeroDivisionError, OverflowError) as cause:
            raise self.domain_error(cause, operands or numbers) from None

    def domain_error(self, cause: Exception, operands: Sequence[object]) -> Exception:
        """An error of the type of `cause` that says which operation failed, and on what."""
        names = _names(len(operands))
        told = []
        for name, operand in list(zip(names, operands, strict=False))[:6]:
            label = getattr(operand, "label", "")
            told.append(f"{name} = {getattr(operand, 'data', operand)!r}")
            told[-1] += f" (label {label!r})" if label else ""
        numbers: list[Any] = [getattr(x, "data", x) for x in operands]
        finite = all(map(isfinite, numbers))
        overflow = isinstance(cause, OverflowError) and finite
        what = "overflows a float" if overflow else "is not defined"
        hint = f"; it needs {self.needs}" if self.needs and not overflow else ""
        hint += f": {cause}" if self.name not in TABLE and str(cause) else ""  # a user's own words
        return type(cause)(f"{self.write(*names[:6])} {what} at {', '.join(told)}{hint}")

    def write(self, *operands: str, latex: bool = False) -> str:
        """The operation on the given operands, as text or as LaTeX."""
        template = self.latex if latex else self.text
        return template.format(*operands) if isinstance(template, str) else template(*operands)

    def _describe(self, about: str, example: bool) -> str:
        lines = [f"{self.write(*_names(self.arity or 2))}: {about}."]
        lines += [f"It needs {self.needs}."] if self.needs else []
        for point, slopes in self.kinks.items():
            told = ", ".join(f"{d:g}" for d in slopes)
            lines.append(f"At {', '.join(f'{p:g}' for p in point)} the derivative taken is {told}.")
        if example and self.at and self.arity == 1:
            x = self.at[-1][0]
            lines += ["", f">>> sg.{self.name}({x!r})", repr(self.value(x))]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<scalargrad operation {self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        return find, (self.name,)


def _names(count: int) -> Sequence[str]:
    return "xyz"[:count] if count <= 3 else [f"x{i}" for i in range(count)]


def _point(p: Point) -> tuple[float, ...]:
    return p if isinstance(p, tuple) else (p,)


def _arity(partials: Partials) -> tuple[int | None, Partials]:
    """How many inputs there are beside `out`, and `partials` in the form that takes `out` last."""
    parameters = inspect.signature(partials).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        if any(p.kind is p.KEYWORD_ONLY for p in parameters):  # written (*xs, out)
            return None, lambda *args: partials(*args[:-1], out=args[-1])
        return None, partials
    return sum(p.default is p.empty for p in parameters) - 1, partials


TABLE: dict[str, Primitive] = {}  # the operations of this library, by name
_OWN: dict[str, Primitive] = {}  # those that users made, by name


def row(name: str, about: str, value: Callable[..., float], partials: Partials,
        latex: Template | None = None, **rest: Any) -> Primitive:  # fmt: skip
    """Add a row to the table of this library."""
    TABLE[name] = Primitive(name, about, value, partials, latex, **rest)
    return TABLE[name]


def find(name: str) -> Primitive:
    """The operation of that name; a KeyError says how to make an unknown one known."""
    try:
        return TABLE.get(name) or _OWN[name]
    except KeyError:
        hint = f"make it with sg.primitive({name!r}, ...) before loading"
        raise KeyError(f"no operation is named {name!r}: {hint}") from None


def primitive(
    name: str, value: Callable[..., float], partials: Partials,
    text: str | None = None, latex: str | None = None,
) -> Primitive:  # fmt: skip
    """Make an operation of your own, which then works wherever the built-in ones do.

    Args:
        name: what it is called in pictures, messages and files; not the name of a built-in one.
        value: the operation as a function of floats.
        partials: a function of the same inputs and then ``out`` (the value) that returns a tuple
            with one local derivative for each input, written with this library's functions
            (``sg.exp``, not ``math.exp``), so that it can be differentiated in its turn.
        text: how to write it, ``{0}``, ``{1}`` ... being the operands; by default ``name(...)``.
        latex: likewise in LaTeX.

    Raises:
        TypeError: a `name` that is no string, a `value` or `partials` that is not callable.
        ValueError: a `name` that is empty or taken, or templates that do not fit the inputs.

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

    arity, _ = _arity(partials)
    for template in (text, latex):
        _check_template(template, arity, name)

    def checked_value(*inputs: float) -> float:
        return as_float(value(*inputs), f"primitive {name!r}: its value")

    own = Primitive(name, "an operation of your own", checked_value, partials, latex, text=text)
    raw_partials = own.partials

    def checked_partials(*inputs_and_out: Any) -> tuple[Any, ...]:
        try:
            slopes = raw_partials(*inputs_and_out)
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
    _OWN[name] = own
    return own


def _check_template(template: Any, arity: int | None, name: str) -> None:
    if template is None:
        return
    if not isinstance(template, str):
        got = type(template).__name__
        raise TypeError(f"primitive {name!r}: text and latex must be strings, got {got}")
    try:
        fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
        if odd := [field for field in fields if re.search(r"[.[]", field)]:
            raise ValueError(f"an operand is text, which has no {odd[0]!r}")
        template.format(*"xyzuvw"[: arity or 6])
    except (IndexError, KeyError, ValueError) as fault:
        raise ValueError(
            f"primitive {name!r}: {template!r} must have the fields {{0}}, {{1}} ... for its "
            f"operands, and other braces doubled ({fault})"
        ) from None
