"""A row of the table: an operation with its value and its local partial derivatives.

A row states, in this order and with these names:

* ``value``     a plain function of floats, ``x`` or ``x, y`` or ``*xs``. Outside the domain it may
  raise what Python's ``float`` and ``math`` raise; the message is rewritten to name the operands.
* ``partials``  a function of the same inputs and ``out``, the value. It returns one derivative for
  each input. It is written with the table's own operations, so that it also runs on Values: second
  derivatives follow from it. It must not fail where ``value`` does not. Where the slope is
  infinite it uses ``inverse``; where none exists it returns what ``kinks`` states.
  It compares with < and > only, since a replayed program joins both outcomes by ``where``.
* ``latex``     a template with the operands ``{0}``, ``{1}``; ``text`` likewise, where
  ``name(x, y)`` would not do.
* ``symbol``    the text in the box of a picture, by default the name.
* ``reads``     for a row that other rows are written with: the same in the form that formulas
  show, written with the table's own operations.
* ``at``        points where the operation is smooth: the tests differentiate there.
* ``kinks``     points without a finite derivative, and the partials used there.
* ``gap``       how far the first operand is from the nearest kink, where the slope or the value
  jumps: with a sign, 0 at the kink. A function of the inputs, written with the table's operations.
* ``outside``   points where the operation must raise; ``needs`` states the domain in words.
* ``unused``    which partials of zero say that the operand was not used, as that of the branch
  which `where` did not take: True for all, the positions of some, or a function of the operands
  and a position. Nothing flows on from there, whatever stands behind it; any other zero is a
  number, and 0 * inf is nan.
* ``more``      what a call with other numbers of operands does: a function for each such number.
* ``source``    where the formula comes from.
* ``public``    False for an operation that has an operator, or is for other rows only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from types import FunctionType
from typing import TYPE_CHECKING, Any, overload

from scalargrad.core.elementwise import elementwise, has_elements
from scalargrad.core.numbers import Traced, as_float

if TYPE_CHECKING:  # inspect and string take 10 ms to load, and few programs need them
    from inspect import Signature

Point = float | tuple[float, ...]
Template = str | Callable[..., str]
Partials = Callable[..., Sequence[Any]]  # (*inputs, out) -> one local derivative for each input


class _Docstring:
    """The docstring of a row, written when it is read; of the class, that of the class."""

    def __get__(self, row: Primitive | None, owner: type) -> str:
        if row is None:
            return (
                "One row of the table: an operation, called like a function on numbers or Values."
            )
        return row.describe()


class Primitive:  # noqa: D101  (see `_Docstring`)
    __doc__ = _Docstring()

    def __init__(
        self, name: str, about: str, value: Callable[..., float], partials: Partials,
        latex: Template | None = None, *, text: Template | None = None, symbol: str | None = None,
        at: Iterable[Point] = (), kinks: Mapping[Point, Point] | None = None,
        outside: Iterable[Point] = (), needs: str = "", source: str = "", public: bool = True,
        unused: bool | tuple[int, ...] | Callable[[Sequence[Any], int], bool] = False,
        reads: Callable[..., Any] | None = None, gap: Callable[..., Any] | None = None,
        more: Mapping[int, Callable[..., Any]] | None = None,
    ) -> None:  # fmt: skip
        self.name = self.__name__ = name
        self.symbol = name if symbol is None else symbol
        self.value = value
        self.operands, self.partials = operands_of(partials)
        self.arity = None if self.operands is None else len(self.operands)  # None: any number
        self.text = text or (lambda *operands: f"{name}({', '.join(operands)})")
        self.latex = latex or (lambda *operands: rf"\mathrm{{{name}}}({', '.join(operands)})")
        self.at, self.outside = [*map(_point, at)], [*map(_point, outside)]
        self.kinks = {_point(p): _point(d) for p, d in (kinks or {}).items()}
        self.about, self.needs, self.source, self.public = about, needs, source, public
        self.unused = unused
        self.reads, self.gap = reads, gap
        self.more = more or {}

    @overload
    def __call__(self, *inputs: float) -> float: ...
    @overload
    def __call__(self, *inputs: Any) -> Any: ...
    def __call__(self, *inputs: Any) -> Any:
        """The result on numbers, or on Values and numbers."""
        if self.arity is not None and len(inputs) != self.arity:
            return self._with_more(inputs)
        for x in inputs:
            if type(x) is not float:
                break
        else:  # as when partials are computed: 0.3 us instead of 0.7
            return self.evaluate(inputs)
        traced = None
        for x in inputs:
            if isinstance(x, Traced):
                traced = x if traced is None else traced
            elif x.__class__ is not float and self.arity is not None and has_elements(x):
                return elementwise(self, inputs, self.name)
        if traced is not None:
            return traced.apply(self, inputs)
        return self.evaluate([as_float(x, self.name) for x in inputs])

    def _with_more(self, inputs: tuple[Any, ...]) -> Any:
        """What the column `more` says about this number of operands."""
        form = self.more.get(len(inputs))
        if form is None:
            counts = " or ".join(map(str, [self.arity, *self.more]))
            raise TypeError(f"{self.name} takes {counts} operand(s), got {len(inputs)}")
        if any(map(has_elements, inputs)):
            return elementwise(form, inputs, self.name)
        return form(*inputs)

    def foresee(self, points: Sequence[tuple[float, ...]]) -> None:
        """Hear at which points `value` is going to be asked for.

        A replay says so where it calls back into Python; a row that computes many values at once
        faster than one by one can do that here, and remember them.
        """

    def evaluate(self, numbers: Sequence[float], operands: Sequence[object] = ()) -> float:
        """The value at `numbers`; an error names the `operands` (Values with their labels)."""
        try:
            return self.value(*numbers)
        except (ValueError, ZeroDivisionError, OverflowError) as cause:
            raise self.domain_error(cause, operands or numbers) from None

    def domain_error(self, cause: Exception, operands: Sequence[object]) -> Exception:
        """An error of the type of `cause` that names the operation and its operands."""
        numbers: list[Any] = [getattr(x, "_data", x) for x in operands]
        names = self.names(len(operands))
        shown = []
        for name, number, operand in list(zip(names, numbers, operands, strict=False))[:6]:
            label = getattr(operand, "label", "")
            shown.append(f"{name} = {number!r}" + (f" (label {label!r})" if label else ""))
        overflow = isinstance(cause, OverflowError) and all(map(isfinite, numbers))
        what = "overflows a float" if overflow else "is not defined"
        hint = f"; it needs {self.needs}" if self.needs and not overflow else ""
        hint += f": {cause}" if self.name not in TABLE and str(cause) else ""  # a user's own words
        return type(cause)(f"{self.write(*names[:6])} {what} at {', '.join(shown)}{hint}")

    def may_leave_out(self, i: int) -> bool:
        """Whether a zero in partial `i` means "not used" whatever the operands are; see `unused`.

        Rules that are functions speak of plain numbers, whose zeros are known beforehand.
        """
        return self.unused is True or (isinstance(self.unused, tuple) and i in self.unused)

    def names(self, count: int = 2) -> Sequence[str]:
        """The names of the operands, `count` of them where the row takes any number."""
        if self.operands is not None:
            return self.operands
        return "xyz"[:count] if count <= 3 else [f"x{i}" for i in range(count)]

    def write(self, *operands: str, latex: bool = False) -> str:
        """The operation on the given operands, as text or as LaTeX."""
        template = self.latex if latex else self.text
        return template.format(*operands) if isinstance(template, str) else template(*operands)

    @property
    def __signature__(self) -> Signature:
        from inspect import Parameter, Signature

        if self.operands is None:
            return Signature([Parameter("xs", Parameter.VAR_POSITIONAL)])
        return Signature([Parameter(name, Parameter.POSITIONAL_ONLY) for name in self.operands])

    def describe(self) -> str:
        """The docstring of the operation."""
        names = self.names()
        kinds = "numbers or Values" if len(names) > 1 else "a number or a Value"
        nested = ", or lists or arrays of them, element by element" if self.arity else ""
        lines = [f"Compute {self.write(*names)}: {self.about}.", ""]
        lines += ["Args:", f"    {', '.join(names)}: {kinds}{nested}.", "", "Returns:"]
        lines += ["    A float, or a Value if an operand is one.", ""]
        if self.needs:
            lines += ["Raises:", f"    ValueError, ZeroDivisionError: unless {self.needs}.", ""]
        for point, slopes in self.kinks.items():
            at = ", ".join(f"{x:g}" for x in point)
            partials = ", ".join(f"{d:g}" for d in slopes)
            lines.append(f"At {at} the derivative is defined as {partials}.")
        if self.source:
            lines.append(f"Source: {self.source}.")
        if self.public and (self.at or self.kinks):
            x = [*self.at, *self.kinks][0]
            for example in ((0.5,), (2.5,)):
                if self.arity == 1 and self._defined(example):
                    x = example
                    break
            arguments = ", ".join(map(repr, x))
            lines += ["", f">>> sg.{self.name}({arguments})", repr(self.value(*x))]
        return "\n".join(lines)

    def _defined(self, point: tuple[float, ...]) -> bool:
        try:
            self.value(*point)
        except (ValueError, ZeroDivisionError, OverflowError):
            return False
        return True

    def __repr__(self) -> str:
        return f"<scalargrad operation {self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        return find, (self.name,)


def _point(p: Point) -> tuple[float, ...]:
    return p if isinstance(p, tuple) else (p,)


def operands_of(partials: Partials) -> tuple[tuple[str, ...] | None, Partials]:
    """The names of the inputs (None: any number), and partials that take `out` last."""
    if isinstance(partials, FunctionType):
        code = partials.__code__
        required = code.co_argcount - len(partials.__defaults__ or ())
        names, variadic = code.co_varnames[:required], code.co_flags & 4  # inspect.CO_VARARGS
        out_by_name = code.co_kwonlyargcount
    else:
        from inspect import signature

        parameters = signature(partials).parameters.values()
        names = tuple([p.name for p in parameters if p.kind < 2 and p.default is p.empty])
        variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        out_by_name = any(p.kind is p.KEYWORD_ONLY for p in parameters)
    if variadic and out_by_name:  # written (*xs, out)
        return None, lambda *args: partials(*args[:-1], out=args[-1])
    return (None if variadic else names[:-1]), partials


TABLE: dict[str, Primitive] = {}  # the operations of this library, by name
CUSTOM: dict[str, Primitive] = {}  # those that users added


def row(name: str, about: str, value: Callable[..., float], partials: Partials,
        latex: Template | None = None, **rest: Any) -> Primitive:  # fmt: skip
    """Add a row to the table of this library."""
    TABLE[name] = Primitive(name, about, value, partials, latex, **rest)
    return TABLE[name]


def find(name: str) -> Primitive:
    """The operation of that name; a KeyError says how to make an unknown one known."""
    try:
        return TABLE.get(name) or CUSTOM[name]
    except KeyError:
        hint = f"make it with sg.primitive({name!r}, ...) before loading"
        raise KeyError(f"no operation is named {name!r}: {hint}") from None
