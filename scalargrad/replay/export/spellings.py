"""How exports spell the operations of the table, in C and in NumPy: one line for each.

A spelling says how to compute a value, never a derivative: derivatives stand in the table alone. It
is a template with the operands `{0}`, `{1}`, or a function of them, for rows with any number of
operands. Names that begin with `sg_` in C and with `_` in NumPy are functions that stand in
`helpers_c.py` and `helpers_numpy.py`; an export contains those that it needs.

C computes as Python does, to the last bit where the C library is Python's own: `hypot` and what is
made with it aside, for which Python has a formula of its own. Outside of the domain of an operation
the result is that of IEEE 754: an infinity or nan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from scalargrad.core import primitives as row
from scalargrad.core.primitives import dot_operands
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.replay.lowering import matrix
from scalargrad.replay.program import Program, all_finite, broadcast, over_samples

__all__ = ["SPELLINGS", "Spelling", "product", "read_slots", "spelled", "total"]

Text = str | Callable[[Sequence[str]], str]


class Spelling(NamedTuple):
    """An operation as an expression of C and of NumPy."""

    c: Text
    numpy: Text


def _c_list(name: str) -> Callable[[Sequence[str]], str]:
    return lambda xs: f"{name}({len(xs)}, (const double[]){{{', '.join(xs)}}})"


def _numpy_list(name: str) -> Callable[[Sequence[str]], str]:
    return lambda xs: f"{name}([{', '.join(xs)}])"


def _sum(xs: Sequence[str]) -> str:
    return " + ".join(xs)


def _product(xs: Sequence[str]) -> str:
    return " * ".join(xs)


def product(w: str, x: str) -> str:
    """A term of a sum; one that is subtracted begins with a minus and a blank."""
    if w == "1.0" or x == "1.0":
        return x if w == "1.0" else w
    if w == "(-1.0)" or x == "(-1.0)":
        return f"- {x if w == '(-1.0)' else w}"
    return f"{w} * {x}"


def total(terms: Sequence[str]) -> str:
    """The sum of terms, some of which may begin with a minus and a blank."""
    first, *others = terms
    text = first.replace("- ", "-", 1) if first.startswith("- ") else first
    return text + "".join([f" {x}" if x.startswith("- ") else f" + {x}" for x in others])


def _dot(operands: Sequence[str]) -> str:
    ws, xs, bias = dot_operands(tuple(operands))
    return total([*bias, *map(product, ws, xs)])


def _c_dot(operands: Sequence[str]) -> str:
    ws, xs, bias = dot_operands(tuple(operands))
    return total([*(bias or ("0.0",)), *map(product, ws, xs)])


def _mean(start: str) -> Callable[[Sequence[str]], str]:
    return lambda xs: f"({start}{_sum(xs)}) / {float(len(xs))!r}"


def _finite(xs: Sequence[str]) -> str:
    return " + ".join([f"{x} * 0.0" for x in xs])


def _c_take(operands: Sequence[str]) -> str:
    index, *xs = operands
    return f"sg_take({index}, {len(xs)}, (const double[]){{{', '.join(xs)}}})"


def _numpy_take(operands: Sequence[str]) -> str:
    return f"_take({operands[0]}, [{', '.join(operands[1:])}])"


def _by_lane(call: str) -> str:
    """A call of a function of plain numbers, on arrays."""
    name, _, operands = call.partition("(")
    return f"np.vectorize({name}, otypes=[float])({operands}"


def _special(*places: str) -> Spelling:
    """A function of `core/special.py`, of these operands; its name stands first."""
    name, *operands = places
    call = f"{name}({', '.join(operands)})"
    return Spelling(f"sg_{call}", _by_lane(f"_{call}"))


def _c_norm(xs: Sequence[str]) -> str:
    text = f"fabs({xs[0]})"
    for x in xs[1:]:
        text = f"hypot({text}, {x})"
    return text


def _numpy_norm(xs: Sequence[str]) -> str:
    text = f"np.abs({xs[0]})"
    for x in xs[1:]:
        text = f"np.hypot({text}, {x})"
    return text


# fmt: off
SPELLINGS: dict[Primitive, Spelling] = {
    row.neg: Spelling("-{0}", "-{0}"),
    row.add: Spelling("{0} + {1}", "{0} + {1}"),
    row.sub: Spelling("{0} - {1}", "{0} - {1}"),
    row.mul: Spelling("{0} * {1}", "{0} * {1}"),
    row.div: Spelling("{0} / {1}", "{0} / {1}"),
    row.floordiv: Spelling("sg_floordiv({0}, {1})", "np.floor_divide({0}, {1})"),
    row.mod: Spelling("sg_mod({0}, {1})", "np.mod({0}, {1})"),
    row.pow: Spelling("pow({0}, {1})", "np.power({0}, {1})"),
    row.exp: Spelling("exp({0})", "np.exp({0})"),
    row.exp2: Spelling("exp2({0})", "np.exp2({0})"),
    row.expm1: Spelling("expm1({0})", "np.expm1({0})"),
    row.log: Spelling("log({0})", "np.log({0})"),
    row.log2: Spelling("log2({0})", "np.log2({0})"),
    row.log10: Spelling("log10({0})", "np.log10({0})"),
    row.log1p: Spelling("log1p({0})", "np.log1p({0})"),
    row.inverse: Spelling("sg_inverse({0})", "np.where({0} == 0.0, np.inf, 1.0 / {0})"),
    row.sqrt: Spelling("sqrt({0})", "np.sqrt({0})"),
    row.cbrt: Spelling("cbrt({0})", "np.cbrt({0})"),
    row.sin: Spelling("sin({0})", "np.sin({0})"),
    row.cos: Spelling("cos({0})", "np.cos({0})"),
    row.tan: Spelling("tan({0})", "np.tan({0})"),
    row.one_minus_square: Spelling("(1.0 - {0}) * (1.0 + {0})", "(1.0 - {0}) * (1.0 + {0})"),
    row.radians: Spelling(f"{{0}} * {row.PI / 180.0!r}", f"{{0}} * {row.PI / 180.0!r}"),
    row.degrees: Spelling(f"{{0}} * {180.0 / row.PI!r}", f"{{0}} * {180.0 / row.PI!r}"),
    row.asin: Spelling("asin({0})", "np.arcsin({0})"),
    row.acos: Spelling("acos({0})", "np.arccos({0})"),
    row.atan: Spelling("atan({0})", "np.arctan({0})"),
    row.sinh: Spelling("sinh({0})", "np.sinh({0})"),
    row.cosh: Spelling("cosh({0})", "np.cosh({0})"),
    row.tanh: Spelling("tanh({0})", "np.tanh({0})"),
    row.asinh: Spelling("asinh({0})", "np.arcsinh({0})"),
    row.acosh: Spelling("acosh({0})", "np.arccosh({0})"),
    row.atanh: Spelling("atanh({0})", "np.arctanh({0})"),
    row.sigmoid_slope: Spelling("sg_sigmoid_slope({0})", "_sigmoid_slope({0})"),
    row.tanh_slope: Spelling("sg_tanh_slope({0})", "_tanh_slope({0})"),
    row.sigmoid: Spelling("sg_sigmoid({0})", "_sigmoid({0})"),
    row.softplus: Spelling("sg_softplus({0})", "_softplus({0})"),
    row.relu: Spelling("sg_relu({0})", "np.maximum({0}, 0.0)"),
    row.leaky_relu: Spelling("({0} > 0.0 ? {0} : 0.01 * {0})",
                             "np.where({0} > 0.0, {0}, 0.01 * {0})"),
    row.elu: Spelling("({0} > 0.0 ? {0} : expm1({0}))",
                      "np.where({0} > 0.0, {0}, np.expm1({0}))"),
    row.gelu: Spelling("{0} * sg_ndtr({0})", f"{{0}} * {_by_lane('_ndtr({0})')}"),
    row.silu: Spelling("{0} * sg_sigmoid({0})", "{0} * _sigmoid({0})"),
    row.abs: Spelling("fabs({0})", "np.abs({0})"),
    row.sign: Spelling("sg_sign({0})", "np.sign({0})"),
    row.floor: Spelling("floor({0}) + 0.0", "np.floor({0})"),  # Python's has no -0.0
    row.ceil: Spelling("ceil({0}) + 0.0", "np.ceil({0})"),
    row.rint: Spelling("rint({0})", "np.rint({0})"),
    row.identity: Spelling("{0}", "{0}"),
    row.atan2: Spelling("atan2({0}, {1})", "np.arctan2({0}, {1})"),
    row.hypot: Spelling("hypot({0}, {1})", "np.hypot({0}, {1})"),
    row.turn: Spelling("sg_turn({0}, {1})", "_turn({0}, {1})"),
    row.cosine: Spelling("sg_cosine({0}, {1})", "_cosine({0}, {1})"),
    row.minimum: Spelling("sg_minimum({0}, {1})", "np.minimum({0}, {1})"),
    row.maximum: Spelling("sg_maximum({0}, {1})", "np.maximum({0}, {1})"),
    row.clip: Spelling("sg_clip({0}, {1}, {2})", "_clip({0}, {1}, {2})"),
    row.where: Spelling("({0} != 0.0 ? {1} : {2})", "np.where({0} != 0.0, {1}, {2})"),
    row.less: Spelling("({0} < {1} ? 1.0 : 0.0)", "np.where({0} < {1}, 1.0, 0.0)"),
    row.less_equal: Spelling("({0} <= {1} ? 1.0 : 0.0)", "np.where({0} <= {1}, 1.0, 0.0)"),
    row.equal: Spelling("sg_equal({0}, {1})", "np.where({0} == {1}, 1.0, 0.0)"),
    row.stopped: Spelling("{0}", "{0}"),
    row.take: Spelling(_c_take, _numpy_take),
    row.largest: Spelling(_c_list("sg_largest"), _numpy_list("_largest")),
    row.exp_difference: Spelling("sg_exp_difference({0}, {1})", "_exp_difference({0}, {1})"),
    row.share: Spelling("sg_share({0}, {1})", "_share({0}, {1})"),
    row.weight: Spelling("{0} / {1}", "{0} / {1}"),
    # in Python a sum starts from 0.0, so that one of nothing but -0.0 is 0.0
    row.sum: Spelling(lambda xs: f"0.0 + {_sum(xs)}", _sum),
    row.mean: Spelling(_mean("0.0 + "), _mean("")),
    row.prod: Spelling(_product, _product),
    row.dot: Spelling(_c_dot, _dot),
    row.logsumexp: Spelling(_c_list("sg_logsumexp"), _numpy_list("_logsumexp")),
    row.logaddexp: Spelling("sg_logaddexp({0}, {1})", "np.logaddexp({0}, {1})"),
    row.norm: Spelling(_c_norm, _numpy_norm),
    row.copysign: Spelling("copysign({0}, {1})", "np.copysign({0}, {1})"),
    row.x_times_rest: Spelling("{0} * (1.0 - {0})", "{0} * (1.0 - {0})"),
    row.log_base: Spelling("sg_log_base({0}, {1})", "_log_base({0}, {1})"),
    row.xlogy: Spelling("sg_xlogy({0}, {1})", "_xlogy({0}, {1})"),
    **{TABLE[name]: _special(name, "{0}") for name in (
        "erf", "erfc", "erfinv", "erfinv_slope", "ndtr", "log_ndtr", "hazard", "ndtri",
        "ndtri_slope", "sinc", "logit", "gamma", "lgamma", "digamma",
    )},
    **{TABLE[name]: _special(name, "{0}", "{1}") for name in (
        "bell", "mills", "sinc_derivative", "polygamma", "beta", "betaln",
    )},
    row.polygamma_rise: _special("polygamma_rise", "{0}", "{1}", "{2}"),
    all_finite: Spelling(_finite, _finite),
    broadcast: Spelling("{0}", "np.full(n, {0})"),
}
# fmt: on

_NAMES = {"c": "C", "python": "NumPy"}


def read_slots(program: Program, language: str) -> bytearray:
    """By slot, whether an export of the program's outputs reads it.

    Some operands are there for other readers of the table: the slope of tanh takes the value of
    tanh, and no spelling does.
    """
    marks = bytearray(len(program.rows))
    for slot in program.outputs:
        marks[slot] = 1
    for slot in range(len(marks) - 1, -1, -1):
        row = program.rows[slot]
        if marks[slot] and row is not None:
            operands = program.operands[slot]
            for operand, is_read in zip(
                operands, _reads(row, language, len(operands)), strict=True
            ):
                marks[operand] |= is_read
    return marks


@lru_cache(maxsize=4096)
def _reads(row: Primitive, language: str, count: int) -> list[bool]:
    """For each of so many operands, whether the spelling of a row reads it."""
    if row is over_samples or row is matrix:
        return [True] * count
    text = spelled(row, language, [f"@{i}@" for i in range(count)])
    return [f"@{i}@" in text for i in range(count)]


def spelled(row: Primitive, language: str, operands: Sequence[str]) -> str:
    """The expression of an operation on these operands, each a name or a number.

    Args:
        row: The operation.
        language: "c" or "python".
        operands: As many as it has.

    Raises:
        TypeError: The operation has no spelling.
    """
    spelling = SPELLINGS.get(row)
    if spelling is None:
        own = row.name not in TABLE
        raise TypeError(
            f"to_source({language!r}) cannot write {row.name!r}: "
            + (
                "it is an operation of your own, whose Python code cannot be translated. Write it "
                "with the functions of scalargrad instead of sg.primitive"
                if own
                else f"this operation of the table has no spelling in {_NAMES[language]}. "
                "to_json can write it"
            )
        )
    template = spelling.c if language == "c" else spelling.numpy
    return template(operands) if callable(template) else template.format(*operands)
