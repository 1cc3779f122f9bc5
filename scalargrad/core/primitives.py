"""The table of operations: one row each, its value and its local partial derivatives.

Everything else reads these rows: `backward`, higher order, forward mode, replay, the pictures, the
tests, the page `docs/operations.md`. To add an operation, add a row; nothing else changes, not even
a test. The top of `rows.py` says what the columns mean and what a row may use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from math import inf, nan
from operator import mul as times
from typing import Any, TypeVar

from scalargrad.core import special
from scalargrad.core.rows import Primitive, row

T = TypeVar("T")

LN2, LN10 = math.log(2.0), math.log(10.0)
PI = math.pi
SQRT_PI, ROOT_2PI = math.sqrt(math.pi), math.sqrt(2.0 * math.pi)
bell: Primitive  # these are used above their own rows
copysign: Primitive
cos: Primitive
cosh: Primitive
cosine: Primitive
digamma: Primitive
erfinv_slope: Primitive
hazard: Primitive
hypot: Primitive
inverse: Primitive
log_base: Primitive
mills: Primitive
ndtri: Primitive
ndtri_slope: Primitive
norm: Primitive
polygamma: Primitive
polygamma_rise: Primitive
share: Primitive
sigmoid_slope: Primitive
rint: Primitive
sign: Primitive
sinc_derivative: Primitive
tanh_slope: Primitive
turn: Primitive
where: Primitive
x_times_rest: Primitive


def _defined(
    function: Callable[..., float], infinite: bool = False, count: int = 3
) -> Callable[..., float]:
    """A function of `special.py` that raises what `math` raises, where that gives nan or inf.

    Args:
        function: one that gives nan outside its domain.
        infinite: whether finite numbers may give infinity, as 1 / 5e-324 does: a slope must.
        count: how many operands it takes; those after them stand in formulas alone.
    """

    def value(*operands: float) -> float:
        xs = operands[:count]
        out = function(*xs)
        if not -inf < out < inf:
            if out != out and not any(map(math.isnan, xs)):
                raise ValueError
            if not infinite and math.isinf(out) and all(map(math.isfinite, xs)):
                raise OverflowError
        return out

    return value


# A product with the plain number 0 does not use its other factors.


def _is_plain_zero(operand: Any) -> bool:
    return bool(operand.is_constant and operand._data == 0.0)


def _zero_factor(operands: Sequence[Any], i: int) -> bool:
    return any(_is_plain_zero(x) for j, x in enumerate(operands) if j != i)


def _zero_partner(operands: Sequence[Any], i: int) -> bool:  # of `dot`
    n = len(operands) // 2
    return i < 2 * n and _is_plain_zero(operands[(i + n) % (2 * n)])


def _zero_exponent(operands: Sequence[Any], i: int) -> bool:
    return i == 0 and _is_plain_zero(operands[1])


def _zero_weight(operands: Sequence[Any], i: int) -> bool:  # of `xlogy`
    return i == 1 and _is_plain_zero(operands[0])


# fmt: off

neg  = row("neg", "x with its sign changed", lambda x: -x, lambda x, out: (-1.0,),
           "-{0}", text="-{0}", symbol="neg", at=[1.5, -0.3], public=False)
add  = row("add", "the sum", lambda x, y: x + y, lambda x, y, out: (1.0, 1.0),
           "{0} + {1}", text="{0} + {1}", symbol="+", at=[(1.5, -0.3)], public=False)
sub  = row("sub", "the difference", lambda x, y: x - y, lambda x, y, out: (1.0, -1.0),
           "{0} - {1}", text="{0} - {1}", symbol="-", at=[(1.5, -0.3)], public=False)
mul  = row("mul", "the product", lambda x, y: x * y, lambda x, y, out: (y, x),
           r"{0} \cdot {1}", text="{0} * {1}", symbol="*", at=[(1.5, -0.3), (0.0, 2.0)],
           public=False, unused=_zero_factor)
div  = row("div", "the quotient", lambda x, y: x / y, lambda x, y, out: (1.0 / y, -out / y),
           r"\frac{{{0}}}{{{1}}}", text="{0} / {1}", symbol="/",
           at=[(1.5, -0.3), (0.0, 2.0)], outside=[(1.0, 0.0)], needs="y != 0", public=False)
floordiv = row("floordiv", "the quotient rounded down", lambda x, y: x // y,
               lambda x, y, out: (0.0, 0.0),
               r"\left\lfloor \frac{{{0}}}{{{1}}} \right\rfloor", text="{0} // {1}", symbol="//",
               at=[(7.5, 2.0), (-7.5, 2.0)], kinks={(4.0, 2.0): (0.0, 0.0)},
               outside=[(1.0, 0.0)], needs="y != 0", public=False, unused=True,
               gap=lambda x, y: x - y * rint(x / y))
mod  = row("mod", "what the division leaves, with the sign of y", lambda x, y: x % y,
           lambda x, y, out: (1.0, -(x // y)), r"{0} \bmod {1}", text="{0} % {1}", symbol="%",
           at=[(7.5, 2.0), (-7.5, 2.0)], kinks={(4.0, 2.0): (1.0, -2.0)},
           outside=[(1.0, 0.0)], needs="y != 0", public=False, unused=True,
           gap=lambda x, y: x - y * rint(x / y))


def _pow(x: float, y: float) -> float:
    if x < 0.0 and y % 1.0 != 0.0:
        raise ValueError  # Python's own ** would go over to complex numbers
    return x**y  # type: ignore[no-any-return]


def _pow_partials(x: Any, y: Any, out: Any) -> tuple[Any, Any]:
    # Below an exponent of 1, x ** (y - 1) would divide by zero at x = 0 and overflow near it. From
    # 0.5 on 1 - y is exact; below, its rounding would count log(x) times. In the last branch x = 0
    # means 0 ** 0, which is flat: with y < 0 it is out of the domain. The exponent is chosen by
    # `where`, so that a program has one power for the first two branches.
    if y >= 0.5 or (y > 0.0 and not x > 0.0):
        power = x ** where(y >= 1.0, y - 1.0, 1.0 - y)
        dx = y * (power if y >= 1.0 else inverse(power))
    else:
        dx = y * out / x if x else 0.0
    # With a negative x there is no power for the neighbours of a whole y, hence no derivative.
    return dx, out * log(x) if x > 0.0 else nan if x < 0.0 else 0.0


def _xlogy(x: float, y: float) -> float:
    return 0.0 if x == 0.0 and y >= 0.0 else x * math.log(y)


def _xlogy_partials(x: Any, y: Any, out: Any) -> tuple[Any, Any]:
    if y > 0.0:
        return log(y), x / y
    # At (0, 0): -inf and 0, whose mixed slopes, 1 / y, are infinite. Of a nan they are nan.
    return -inverse(y), cbrt(x) + 0.0 * y


pow  = row("pow", "x to the power y", _pow, _pow_partials,
           "{{{0}}}^{{{1}}}", text="{0} ** {1}", symbol="**",
           at=[(1.5, -0.3), (0.4, 2.5), (2.0, 3.0)],
           kinks={(0.0, 0.25): (inf, 0.0), (0.0, 0.5): (inf, 0.0), (0.0, 2.0): (0.0, 0.0),
                  (0.0, 1.0): (1.0, 0.0), (0.0, 0.0): (0.0, 0.0), (-2.0, 3.0): (12.0, nan)},
           outside=[(0.0, -1.0), (-8.0, 1 / 3), (1e200, 2.0)],
           needs="x > 0, or x = 0 and y >= 0, or x < 0 and a whole y",
           unused=_zero_exponent)

def _log_base(x: float, base: float) -> float:
    if base == 10.0:  # log(1000) / log(10) is 2.9999999999999996
        return math.log10(x)
    return math.log2(x) if base == 2.0 else math.log(x) / math.log(base)


exp   = row("exp", "e to the power x", math.exp, lambda x, out: (out,),
            "e^{{{0}}}", at=[-1.3, 0.0, 2.5], outside=[1000.0])
exp2  = row("exp2", "2 to the power x", math.exp2, lambda x, out: (out * LN2,),
            "2^{{{0}}}", at=[-1.3, 0.0, 2.5], outside=[2000.0])
expm1 = row("expm1", "exp(x) - 1, exact near 0", math.expm1, lambda x, out: (exp(x),),
            "e^{{{0}}} - 1", at=[-1.3, 1e-9, 2.5], outside=[1000.0])
log   = row("log", "the natural logarithm; log(x, base) is that to another base", math.log,
            lambda x, out: (1.0 / x,),
            r"\ln({0})", at=[0.2, 2.5], outside=[0.0, -1.0], needs="x > 0",
            more={2: lambda x, base: log_base(x, base)})
log2  = row("log2", "the logarithm to base 2", math.log2, lambda x, out: (1.0 / LN2 / x,),
            r"\log_2({0})", at=[0.2, 2.5], outside=[0.0, -1.0], needs="x > 0")
log10 = row("log10", "the logarithm to base 10", math.log10, lambda x, out: (1.0 / LN10 / x,),
            r"\log_{{10}}({0})", at=[0.2, 2.5], outside=[0.0, -1.0], needs="x > 0")
log_base = row("log_base", "the logarithm of x to the given base", _log_base,
            lambda x, base, out: (1.0 / log(base) / x, -out / log(base) / base),
            r"\log_{{{1}}}({0})", text="log({0}, {1})", symbol="log",
            at=[(2.5, 10.0), (0.2, 0.7), (8.0, 2.0)],
            outside=[(0.0, 2.0), (2.0, 0.0), (-1.0, 2.0), (2.0, -1.0), (2.0, 1.0)],
            needs="x > 0, base > 0 and base != 1", public=False)
xlogy = row("xlogy", "x log(y), and 0 where x is 0", _xlogy,
            _xlogy_partials, r"{0} \ln({1})", at=[(1.5, 0.3), (-0.3, 2.5), (0.0, 2.5)],
            kinks={(0.0, 0.0): (-inf, 0.0)}, outside=[(1.0, 0.0), (1.0, -1.0), (0.0, -1.0)],
            needs="y > 0, or x = 0 and y = 0", unused=_zero_weight)
log1p = row("log1p", "log(1 + x), exact near 0", math.log1p, lambda x, out: (1.0 / (1.0 + x),),
            r"\ln(1 + {0})", at=[-0.6, 1e-9, 2.5], outside=[-1.0, -2.0], needs="x > -1")
# A slope is written with `inverse` where it is infinite: its own slope is then infinite too.
inverse = row("inverse", "1 / x, but inf at 0", lambda x: 1.0 / x if x else inf,
              lambda x, out: (-out * out,), r"\frac{{1}}{{{0}}}", text="1 / {0}",
              symbol="1/x", at=[-1.3, 2.5], kinks={0.0: -inf}, public=False)
sqrt  = row("sqrt", "the square root", math.sqrt, lambda x, out: (0.5 * inverse(out),),
            r"\sqrt{{{0}}}", at=[0.2, 2.5], kinks={0.0: inf}, outside=[-1.0], needs="x >= 0")
cbrt  = row("cbrt", "the cube root", math.cbrt,
            lambda x, out: (inverse(3.0 * out * out),),
            r"\sqrt[3]{{{0}}}", at=[-0.2, 2.5], kinks={0.0: inf})



def _atan_partials(x: Any, out: Any) -> tuple[Any]:
    square = x * x
    if square < 1e16:
        return (1.0 / (1.0 + square),)
    r = hypot(x, 1.0)  # the square would overflow, and that of the slope vanish
    return (1.0 / r / r,)


sin   = row("sin", "the sine of x radians", math.sin, lambda x, out: (cos(x),),
            r"\sin({0})", at=[-1.3, 0.0, 2.5], outside=[inf], needs="a finite x")
cos   = row("cos", "the cosine of x radians", math.cos, lambda x, out: (-sin(x),),
            r"\cos({0})", at=[-1.3, 0.0, 2.5], outside=[inf], needs="a finite x")
tan   = row("tan", "the tangent of x radians", math.tan, lambda x, out: (1.0 + out * out,),
            r"\tan({0})", at=[-1.3, 0.0, 2.5], outside=[inf], needs="a finite x")
# A row of its own, since a product of (1 - x) and (1 + x) would have the slope 0 * inf at the ends
one_minus_square = row("one_minus_square", "1 - x**2, exact near 1",
            lambda x: (1.0 - x) * (1.0 + x), lambda x, out: (-2.0 * x,),
            "1 - {0}^2", text="1 - {0}**2", symbol="1-x²", at=[-0.6, 0.3, 1.5], public=False)


radians = row("radians", "an angle in degrees as radians", lambda x: x * (PI / 180.0),
              lambda x, out: (PI / 180.0,), r"\tfrac{{\pi}}{{180}} {0}", at=[-1.3, 90.0])
degrees = row("degrees", "an angle in radians as degrees", lambda x: x * (180.0 / PI),
              lambda x, out: (180.0 / PI,), r"\tfrac{{180}}{{\pi}} {0}", at=[-1.3, 2.5])
sinc  = row("sinc", "sin(pi x) / (pi x), and 1 at 0",
            _defined(special.sinc), lambda x, out: (sinc_derivative(1.0, x),),
            r"\operatorname{{sinc}}({0})", at=[-1.3, 0.0, 1e-9, 0.2, 0.3, 0.7, 2.5],
            outside=[inf], needs="a finite x",
            source="Woodward, Probability and information theory, 1953")
sinc_derivative = row("sinc_derivative", "the derivative of sinc, of the order that stands first",
                      _defined(special.sinc_derivative),
                      lambda n, x, out: (0.0, sinc_derivative(n + 1.0, x)),
                      r"\operatorname{{sinc}}^{{({0})}}({1})", public=False,
                      kinks={(0.0, 0.0): (0.0, 0.0), (1.0, 0.0): (0.0, PI**2 * (-1.0 / 3.0))},
                      outside=[(1.0, inf), (-1.0, 1.0), (0.5, 1.0)],
                      needs="a whole order from 0 to 100 and a finite x", unused=(0,))
asin  = row("asin", "the angle in radians whose sine is x", math.asin,
            lambda x, out: (inverse(sqrt(one_minus_square(x))),),
            r"\arcsin({0})", at=[-0.6, 0.3], kinks={1.0: inf, -1.0: inf},
            outside=[1.1], needs="-1 <= x <= 1")
acos  = row("acos", "the angle in radians whose cosine is x", math.acos,
            lambda x, out: (-inverse(sqrt(one_minus_square(x))),),
            r"\arccos({0})", at=[-0.6, 0.3], kinks={1.0: -inf, -1.0: -inf},
            outside=[1.1], needs="-1 <= x <= 1")
atan  = row("atan", "the angle in radians whose tangent is x", math.atan,
            _atan_partials, r"\arctan({0})", at=[-1.3, 0.0, 2.5])
sinh  = row("sinh", "the hyperbolic sine", math.sinh, lambda x, out: (cosh(x),),
            r"\sinh({0})", at=[-1.3, 0.0, 2.5], outside=[1000.0])
cosh  = row("cosh", "the hyperbolic cosine", math.cosh, lambda x, out: (sinh(x),),
            r"\cosh({0})", at=[-1.3, 0.0, 2.5], outside=[1000.0])
tanh  = row("tanh", "the hyperbolic tangent", math.tanh, lambda x, out: (tanh_slope(x, out),),
            r"\tanh({0})", at=[-1.3, 0.0, 2.5, 1000.0])
# hypot stands where x * x would overflow from 1e155 on
asinh = row("asinh", "the inverse of sinh", math.asinh, lambda x, out: (1.0 / hypot(x, 1.0),),
            r"\operatorname{{arsinh}}({0})", at=[-1.3, 0.0, 2.5])
acosh = row("acosh", "the inverse of cosh", math.acosh,
            lambda x, out: (inverse(sqrt(-one_minus_square(x))) if x < 1e10 else 1.0 / x,),
            r"\operatorname{{arcosh}}({0})", at=[1.3, 2.5], kinks={1.0: inf},
            outside=[0.5], needs="x >= 1")
atanh = row("atanh", "the inverse of tanh", math.atanh,
            lambda x, out: (1.0 / one_minus_square(x),),
            r"\operatorname{{artanh}}({0})", at=[-0.6, 0.3], outside=[1.0, -2.0], needs="|x| < 1")
erf   = row("erf", "the error function", math.erf,
            lambda x, out: (2.0 / SQRT_PI * bell(x, 1.0),),
            r"\operatorname{{erf}}({0})", at=[-1.3, 0.0, 2.5],
            source="DLMF, section 7.2")
erfc  = row("erfc", "1 - erf(x), exact where that is small", math.erfc,
            lambda x, out: (-2.0 / SQRT_PI * bell(x, 1.0),),
            r"\operatorname{{erfc}}({0})", at=[-1.3, 0.0, 2.5, 9.0],
            source="DLMF, section 7.2")
erfinv = row("erfinv", "the inverse of erf", _defined(special.erfinv),
             lambda x, out: (erfinv_slope(x, out),),
             r"\operatorname{{erf}}^{{-1}}({0})", at=[-0.6, 0.0, 0.3, 0.999],
             outside=[1.0, -1.0, 2.0], needs="-1 < x < 1",
             source="Wichura, Algorithm AS 241, 1988; DLMF, section 7.17")


def _sigmoid(x: float) -> float:
    if x >= 0.0:  # exp of a negative number only: no overflow on either side
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def _sigmoid_slope(x: float, out: float) -> float:
    e = math.exp(-x if x > 0.0 else x)
    return e / ((1.0 + e) * (1.0 + e))


def _tanh_slope(x: float, out: float) -> float:
    if -1.0 < x < 1.0:
        t = math.tanh(x)
        return 1.0 - t * t
    e = math.exp(-2.0 * x if x > 0.0 else 2.0 * x)  # sech(x) ** 2
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


def _mills_partials(n: Any, x: Any, out: Any) -> tuple[float, Any]:
    if x > 0.0:  # on either side, the form that loses no digits
        return 0.0, 1.0 - out / mills(n - 1.0, x) if n > 1.0 else 1.0 - out * hazard(x)
    order = stopped(n)  # a whole number, by which nothing is differentiated
    return 0.0, out * ((order + 1.0) * mills(n + 1.0, x) - order * out)


# Slopes as rows of their own: written with `out` they lose their digits far out, where out is
# almost 1, and the slopes of what they are written with cancel. They read as the textbooks have
# them, but `out` counts in `reads` alone: value and slope follow from the other operands.
sigmoid_slope = row("sigmoid_slope", "the slope of sigmoid at x", _sigmoid_slope,
                    lambda x, sigmoid, out: (-out * tanh(0.5 * x), 0.0),
                    reads=lambda x, out: out * (1.0 - out),
                    at=[(-1.3, 0.2), (0.0, 0.5), (50.0, 1.0)], public=False, unused=(1,))
tanh_slope    = row("tanh_slope", "the slope of tanh at x", _tanh_slope,
                    lambda x, y, out: (-2.0 * tanh(x) * out, 0.0),
                    reads=lambda x, out: 1.0 - out * out,
                    at=[(-0.3, -0.2), (0.0, 0.0), (20.0, 1.0)], public=False, unused=(1,))
bell          = row("bell", "exp(-a x**2), for a = 0.5 and 1", special.bell,
                    lambda x, a, out: (-2.0 * a * (x * out), -x * (x * out)),
                    reads=lambda x, a: exp(-a * x * x),
                    at=[(-1.3, 1.0), (0.0, 0.5), (2.5, 1.0), (-30.0, 0.5)], public=False)
ndtri_slope   = row("ndtri_slope", "the slope of ndtri at x",
                    _defined(special.ndtri_slope, True, 1),
                    lambda x, ndtri_x, out: (ndtri(x) * (out * out), 0.0),
                    reads=lambda x, out: ROOT_2PI * exp(0.5 * (out * out)),
                    at=[(0.3, -0.5), (0.5, 0.0), (0.999, 3.0)], outside=[(0.0, 0.0), (1.5, 0.0)],
                    needs="0 < x < 1", public=False, unused=(1,))
erfinv_slope  = row("erfinv_slope", "the slope of erfinv at x",
                    _defined(special.erfinv_slope, True, 1),
                    lambda x, erfinv_x, out: (2.0 * erfinv(x) * (out * out), 0.0),
                    reads=lambda x, out: 0.5 * SQRT_PI * exp(out * out),
                    at=[(0.3, 0.3), (0.0, 0.0), (-0.99, -2.0)], outside=[(1.0, 0.0)],
                    needs="-1 < x < 1", public=False, unused=(1,))

ndtr     = row("ndtr", "the share of a standard normal variable below x", special.ndtr,
               lambda x, out: (bell(x, 0.5) / ROOT_2PI,),
               r"\Phi({0})", at=[-1.3, 0.0, 2.5, -30.0], source="DLMF, section 7.18")
log_ndtr = row("log_ndtr", "the logarithm of ndtr(x), also where that is 0 as a float",
               _defined(special.log_ndtr), lambda x, out: (hazard(x),),
               r"\ln \Phi({0})", at=[-1.3, 0.0, 2.5, -30.0], outside=[-1e200],
               source="DLMF, section 7.18")
hazard   = row("hazard", "the slope of log_ndtr", special.hazard,
               lambda x, out: (-out * mills(1.0, x),),
               reads=lambda x: bell(x, 0.5) / (ROOT_2PI * ndtr(x)),
               at=[-1.3, 0.0, 2.5, -30.0], public=False)
mills    = row("mills", "the quotient of the repeated integrals n and n - 1 of the normal density",
               _defined(special.mills, True),
               _mills_partials,
               r"\operatorname{{mills}}_{{{0}}}({1})", unused=(0,),
               at=[(1.0, 0.3), (1.0, -30.0), (2.0, -1.3)], outside=[(-1.0, 1.0), (1.5, 1.0)],
               needs="a whole n from 0 to 100", public=False, source="DLMF, sections 7.9 and 7.18")
ndtri    = row("ndtri", "the quantile of the standard normal distribution: the inverse of ndtr",
               _defined(special.ndtri), lambda x, out: (ndtri_slope(x, out),),
               r"\Phi^{{-1}}({0})", at=[0.3, 0.5, 0.999, 1e-20], outside=[0.0, 1.0, 1.5],
               needs="0 < x < 1", source="Wichura, Algorithm AS 241, 1988")

gamma     = row("gamma", "the gamma function: (x - 1)! of a whole x", math.gamma,
                lambda x, out: (out * digamma(x),),
                r"\Gamma({0})", at=[-1.3, 0.2, 2.5, 9.0], outside=[0.0, -1.0, 200.0],
                needs="x > 0, or a negative x that is not whole", source="DLMF, section 5.2")
lgamma    = row("lgamma", "the logarithm of |gamma(x)|", _defined(special.lgamma),
                lambda x, out: (digamma(x),),
                r"\ln |\Gamma({0})|", at=[-1.3, 0.2, 2.5, 1000.0], outside=[0.0, -1.0, 1e306],
                needs="x > 0, or a negative x that is not whole",
                source="DLMF, sections 5.7 and 5.11")
digamma   = row("digamma", "the slope of lgamma", _defined(special.digamma, True),
                lambda x, out: (polygamma(1.0, x),), r"\psi({0})",
                at=[-1.3, 0.2, 2.5, 1000.0], outside=[0.0, -1.0, -inf],
                needs="x > 0, or a negative x that is not whole",
                source="DLMF, sections 5.4, 5.7 and 5.11")
polygamma = row("polygamma", "the n-th derivative of digamma at x, for a whole n",
                _defined(special.polygamma, True),
                lambda n, x, out: (0.0, polygamma(n + 1.0, x)),
                r"\psi^{{({0})}}({1})", unused=(0,),
                at=[(1.0, 2.5), (2.0, -1.3), (3.0, 0.2), (0.0, 2.5)],
                outside=[(1.0, 0.0), (1.0, -2.0), (0.5, 1.0), (-1.0, 1.0)],
                needs="a whole n from 0 on, and x > 0 or a negative x that is not whole",
                source="DLMF, sections 5.15 and 25.11")
polygamma_rise = row("polygamma_rise", "polygamma(n, x + y) - polygamma(n, x)",
                _defined(special.polygamma_rise, True),
                lambda n, x, y, out: (0.0, polygamma_rise(n + 1.0, x, y),
                                      polygamma(n + 1.0, x + y)),
                reads=lambda n, x, y: polygamma(n, x + y) - polygamma(n, x), unused=(0,),
                at=[(0.0, 2.5, 0.3), (1.0, 0.2, 20.0)],
                outside=[(0.0, 0.0, 1.0), (0.5, 1.0, 1.0), (0.0, 1.0, -1.0)],
                needs="a whole n from 0 on, x > 0 and y >= 0", public=False)
beta      = row("beta", "the beta function gamma(x) gamma(y) / gamma(x + y)",
                _defined(special.beta), lambda x, y, out: (-out * polygamma_rise(0.0, x, y),
                                                           -out * polygamma_rise(0.0, y, x)),
                r"\mathrm{{B}}({0}, {1})", at=[(2.5, 0.3), (30.0, 12.0)],
                outside=[(0.0, 1.0), (1.0, -0.5), (1e-309, 1.0)], needs="x > 0 and y > 0",
                source="DLMF, sections 5.11 and 5.12")
betaln    = row("betaln", "the logarithm of beta(x, y)", _defined(special.betaln),
                lambda x, y, out: (-polygamma_rise(0.0, x, y), -polygamma_rise(0.0, y, x)),
                r"\ln \mathrm{{B}}({0}, {1})", at=[(2.5, 0.3), (30.0, 12.0), (1e4, 2e4)],
                outside=[(0.0, 1.0), (1.0, -0.5)], needs="x > 0 and y > 0",
                source="DLMF, sections 5.11 and 5.12")

logit      = row("logit", "log(x / (1 - x)), the inverse of sigmoid", _defined(special.logit),
                 lambda x, out: (1.0 / x_times_rest(x),),
                 r"\operatorname{{logit}}({0})", at=[0.2, 0.5, 0.7, 0.999],
                 outside=[0.0, 1.0, 1.5], needs="0 < x < 1")
x_times_rest = row("x_times_rest", "x (1 - x)", lambda x: x * (1.0 - x),
                 lambda x, out: (1.0 - 2.0 * x,), reads=lambda x: x * (1.0 - x),
                 at=[-0.6, 0.3, 0.5, 1.5], public=False)
sigmoid    = row("sigmoid", "1 / (1 + exp(-x))", _sigmoid,
                 lambda x, out: (sigmoid_slope(x, out),),
                 r"\sigma({0})", at=[-1.3, 0.0, 2.5, 1000.0, -1000.0])
softplus   = row("softplus", "log(1 + exp(x))",
                 lambda x: max(x, 0.0) + math.log1p(math.exp(-math.fabs(x))),
                 lambda x, out: (sigmoid(x),),
                 r"\operatorname{{softplus}}({0})", at=[-1.3, 0.0, 2.5, 1000.0, -1000.0],
                 source="Dugas et al., Incorporating second-order functional knowledge, 2000")
relu       = row("relu", "x where it is positive, else 0", lambda x: 0.0 if x <= 0.0 else x,
                 lambda x, out: (1.0 if x > 0.0 else 0.0,),
                 r"\operatorname{{relu}}({0})", at=[-1.3, 2.5], kinks={0.0: 0.0},
                 source="Nair and Hinton, Rectified linear units improve RBMs, 2010",
                 unused=True, gap=lambda x: x)
leaky_relu = row("leaky_relu", "x where it is positive, else 0.01 x",
                 lambda x: x if x > 0.0 else 0.01 * x,
                 lambda x, out: (1.0 if x > 0.0 else 0.01,),
                 r"\operatorname{{leaky\_relu}}({0})", at=[-1.3, 2.5], kinks={0.0: 0.01},
                 source="Maas et al., Rectifier nonlinearities improve acoustic models, 2013",
                 gap=lambda x: x)
elu        = row("elu", "x where it is positive, else exp(x) - 1",
                 lambda x: x if x > 0.0 else math.expm1(x),
                 lambda x, out: (1.0 if x > 0.0 else exp(x),),
                 r"\operatorname{{elu}}({0})", at=[-1.3, 2.5],
                 source="Clevert et al., Exponential linear units, 2015")
gelu       = row("gelu", "x times the share of a standard normal variable below x (the exact form)",
                 lambda x: x * special.ndtr(x),
                 lambda x, out: (ndtr(x) + x * bell(x, 0.5) / ROOT_2PI,),
                 r"\operatorname{{gelu}}({0})", at=[-1.3, 0.0, 2.5],
                 source="Hendrycks and Gimpel, Gaussian error linear units, 2016")
silu       = row("silu", "x * sigmoid(x), also called swish", lambda x: x * _sigmoid(x),
                 lambda x, out: (sigmoid(x) * (1.0 + x * sigmoid(-x)),),
                 r"\operatorname{{silu}}({0})", at=[-1.3, 0.0, 2.5, -1000.0],
                 source="Elfwing et al., Sigmoid-weighted linear units, 2017")
abs        = row("abs", "x without its sign", math.fabs, lambda x, out: (sign(x),),
                 "|{0}|", text="|{0}|", at=[-1.3, 2.5], kinks={0.0: 0.0}, gap=lambda x: x)
sign       = row("sign", "-1, 0 or 1, as x is negative, zero or positive",
                 lambda x: math.copysign(1.0, x) if x < 0.0 or x > 0.0 else x,
                 lambda x, out: (0.0,),
                 r"\operatorname{{sign}}({0})", at=[-1.3, 2.5], kinks={0.0: 0.0}, unused=True,
                 gap=lambda x: x)
copysign   = row("copysign", "the size of x with the sign of y", lambda x, y: math.copysign(x, y),
                 lambda x, y, out: (sign(x) * copysign(1.0, y), 0.0),
                 r"\operatorname{{copysign}}({0}, {1})", at=[(1.5, -0.3), (-1.5, -0.3), (1.5, 2.0)],
                 kinks={(0.0, 1.0): (0.0, 0.0)}, unused=(1,), gap=lambda x, y: x)
floor      = row("floor", "the whole number at or below x", lambda x: float(math.floor(x)),
                 lambda x, out: (0.0,), r"\lfloor {0} \rfloor", at=[-1.3, 2.5], kinks={2.0: 0.0},
                 outside=[inf], needs="a finite x", unused=True, gap=lambda x: x - rint(x))
ceil       = row("ceil", "the whole number at or above x", lambda x: float(math.ceil(x)),
                 lambda x, out: (0.0,), r"\lceil {0} \rceil", at=[-1.3, 2.5], kinks={2.0: 0.0},
                 outside=[inf], needs="a finite x", unused=True, gap=lambda x: x - rint(x))
rint       = row("rint", "the whole number nearest to x, the even one of two",
                 lambda x: math.copysign(round(x), x) if math.isfinite(x) else x,
                 lambda x, out: (0.0,),
                 r"\operatorname{{rint}}({0})", at=[-1.3, 2.7], kinks={2.5: 0.0}, unused=True,
                 gap=lambda x: x - floor(x) - 0.5)
identity   = row("identity", "x itself, as a node of its own", lambda x: x, lambda x, out: (1.0,),
                 "{0}", text="{0}", at=[-1.3, 2.5], public=False)


def _turn(x: float, y: float, r: float) -> float:
    r = math.hypot(x, y)
    return x / r / r if r else 0.0  # twice by r, whose square could overflow


def _turn_partials(x: Any, y: Any, _: Any, out: Any) -> tuple[Any, Any, float]:
    r = hypot(x, y)
    if not r > 0.0:
        return 0.0, 0.0, 0.0
    return (y - x) / r * ((y + x) / r) / r / r, -2.0 * out * (y / r / r), 0.0


def _cosine(x: float, y: float, r: float) -> float:
    r = math.hypot(x, y)
    return x / r if r else 0.0


def _cosine_partials(x: Any, y: Any, _: Any, out: Any) -> tuple[Any, Any, float]:
    r = hypot(x, y)
    if not r > 0.0:
        return 0.0, 0.0, 0.0
    return y / r * (y / r) / r, -out * (y / r) / r, 0.0


def _atan2_partials(y: Any, x: Any, out: Any) -> tuple[Any, Any]:
    r = hypot(y, x)
    return turn(x, y, r), turn(-y, x, r)


def _clip(x: float, low: float, high: float) -> float:
    if low > high:
        raise ValueError
    return min(max(x, low), high)


def _clip_partials(x: Any, low: Any, high: Any, out: Any) -> tuple[float, float, float]:
    below = 1.0 if x < low else 0.0 if x > low else 0.5  # the share of the lower bound
    above = 1.0 if x > high else 0.0 if x < high or below else 0.5
    return 1.0 - below - above, below, above


atan2   = row("atan2", "the angle in radians of the point (x, y), in all four quadrants",
              lambda y, x: math.atan2(y, x), _atan2_partials,
              r"\operatorname{{atan2}}({0}, {1})",
              at=[(1.5, -0.3), (-2.0, 0.4)], kinks={(0.0, 0.0): (0.0, 0.0)},
              gap=lambda y, x: hypot(x, y))
hypot   = row("hypot", "the length sqrt(x**2 + y**2)", lambda x, y: math.hypot(x, y),
              lambda x, y, out: (cosine(x, y, out), cosine(y, x, out)),
              r"\sqrt{{{0}^2 + {1}^2}}", at=[(1.5, -0.3)], kinks={(0.0, 0.0): (0.0, 0.0)},
              gap=lambda x, y: hypot(x, y))
# The slopes of atan2 and hypot, where r = hypot(x, y): as quotients of rows their slopes cancel.
turn    = row("turn", "x / (x**2 + y**2), the slope of an angle", _turn, _turn_partials,
              reads=lambda x, y, r: x / r / r, at=[(1.5, -0.3, 1.0), (-0.3, 1.5, 1.0)],
              kinks={(0.0, 0.0, 0.0): (0.0, 0.0, 0.0)}, public=False, unused=(2,))
cosine  = row("cosine", "x / hypot(x, y), the slope of a length", _cosine, _cosine_partials,
              reads=lambda x, y, r: x / r, at=[(1.5, -0.3, 1.0), (-0.3, 1.5, 1.0)],
              kinks={(0.0, 0.0, 0.0): (0.0, 0.0, 0.0)}, public=False, unused=(2,))
minimum = row("minimum", "the smaller of two", lambda x, y: x if x < y or x != x else y,
              lambda x, y, out: (1.0, 0.0) if x < y else (0.0, 1.0) if x > y else (0.5, 0.5),
              r"\min({0}, {1})", at=[(1.5, -0.3), (-0.3, 1.5)], kinks={(1.0, 1.0): (0.5, 0.5)},
              unused=True, gap=lambda x, y: x - y)
maximum = row("maximum", "the larger of two", lambda x, y: x if x > y or x != x else y,
              lambda x, y, out: (1.0, 0.0) if x > y else (0.0, 1.0) if x < y else (0.5, 0.5),
              r"\max({0}, {1})", at=[(1.5, -0.3), (-0.3, 1.5)], kinks={(1.0, 1.0): (0.5, 0.5)},
              unused=True, gap=lambda x, y: x - y)
clip    = row("clip", "x, but at least low and at most high", _clip, _clip_partials,
              r"\operatorname{{clip}}({0}, {1}, {2})",
              at=[(0.4, 0.0, 1.0), (-2.0, 0.0, 1.0), (2.0, 0.0, 1.0)],
              kinks={(0.0, 0.0, 1.0): (0.5, 0.5, 0.0), (1.0, 0.0, 1.0): (0.5, 0.0, 0.5)},
              outside=[(0.5, 1.0, 0.0)], needs="low <= high", unused=True,
              gap=lambda x, low, high: x - (low if 2.0 * x < low + high else high))
where   = row("where", "a where the condition is true (not 0), else b",
              lambda condition, a, b: a if condition else b,
              lambda condition, a, b, out: (0.0, 1.0, 0.0) if condition else (0.0, 0.0, 1.0),
              r"\begin{{cases}} {1} & {0} \\ {2} & \text{{else}} \end{{cases}}",
              at=[(1.0, 3.0, -2.0)], kinks={(0.0, 3.0, -2.0): (0.0, 0.0, 1.0)},
              unused=True)

# Python itself compares, chooses and forgets; a recorded program has instructions for it.
less       = row("less", "1 where x < y, else 0", lambda x, y: 1.0 if x < y else 0.0,
                 lambda x, y, out: (0.0, 0.0), r"{0} \lt {1}", text="{0} < {1}", symbol="<",
                 at=[(1.5, -0.3), (-0.3, 1.5)], kinks={(1.0, 1.0): (0.0, 0.0)}, public=False,
                 unused=True)
less_equal = row("less_equal", "1 where x <= y, else 0", lambda x, y: 1.0 if x <= y else 0.0,
                 lambda x, y, out: (0.0, 0.0), r"{0} \le {1}", text="{0} <= {1}", symbol="<=",
                 at=[(1.5, -0.3), (-0.3, 1.5)], kinks={(1.0, 1.0): (0.0, 0.0)}, public=False,
                 unused=True)
equal      = row("equal", "1 where x = y, else 0", lambda x, y: 1.0 if x == y else 0.0,
                 lambda x, y, out: (0.0, 0.0), "{0} = {1}", text="{0} == {1}", symbol="==",
                 at=[(1.5, -0.3)], kinks={(1.0, 1.0): (0.0, 0.0)}, public=False,
                 unused=True)
stopped    = row("stopped", "x, with no derivative", lambda x: x, lambda x, out: (0.0,),
                 kinks={-1.3: 0.0, 2.5: 0.0}, public=False, unused=True)


def _take(index: float, *values: float) -> float:
    # Beyond the list the value is nan, which the check of a program's results finds.
    exists = 0.0 <= index < len(values) and index % 1.0 == 0.0
    return values[int(index)] if exists else nan


def _take_partials(index: Any, *values: Any, out: Any) -> tuple[Any, ...]:
    return (0.0, *[equal(index, float(k)) for k in range(len(values))])


take = row("take", "the value at the index that the first operand gives", _take, _take_partials,
    text=lambda index, *values: f"take([{', '.join(values)}], {index})",
    kinks={(1.0, 1.5, -0.3): (0.0, 0.0, 1.0)}, public=False, unused=True)


# Sums go from left to right by hand: from Python 3.12 on, `sum` compensates for rounding, and the
# same program would give other bits there.
def plain_sum(xs: Iterable[float]) -> float:
    """x1 + x2 + ... of plain numbers."""
    total = 0.0
    for x in xs:
        total += x
    return total


def plain_dot(ws: Iterable[float], xs: Iterable[float], bias: float) -> float:
    """bias + w1 x1 + ... + wn xn of plain numbers."""
    for w, x in zip(ws, xs, strict=False):
        bias += w * x
    return bias


def dot_operands(
    operands: tuple[T, ...],
) -> tuple[tuple[T, ...], tuple[T, ...], tuple[T, ...]]:
    """The operands of `dot` taken apart: w1 ... wn, x1 ... xn, and the bias if there is one."""
    n = len(operands) // 2
    return operands[:n], operands[n : 2 * n], operands[2 * n :]


def _dot(*operands: float) -> float:
    ws, xs, bias = dot_operands(operands)
    return plain_dot(ws, xs, bias[0] if bias else 0.0)


def _dot_partials(*operands: Any, out: Any) -> tuple[Any, ...]:
    ws, xs, bias = dot_operands(operands)
    return (*xs, *ws, *(1.0 for _ in bias))


def _write_dot(product: str) -> Callable[..., str]:
    def write(*operands: str) -> str:
        ws, xs, bias = dot_operands(operands)
        return " + ".join([*(f"{w}{product}{x}" for w, x in zip(ws, xs, strict=True)), *bias])

    return write


def _prod_partials(*xs: Any, out: Any) -> list[Any]:
    # the product of those before times the product of those after: dividing `out` fails at zero
    before = accumulate(xs[:-1], times, initial=1.0)
    after = [*accumulate(xs[:0:-1], times, initial=1.0)][::-1]
    return [*map(times, before, after)]


def _largest(*xs: float) -> float:
    return max(xs) if all(x == x for x in xs) else nan


def _largest_partials(*xs: Any, out: Any) -> list[Any]:
    ties = [where(x >= out, 1.0, 0.0) for x in xs]
    total = plain_sum(ties)
    return [tie / total if total else tie for tie in ties]


largest = row("largest", "the largest of all", _largest, _largest_partials,
    lambda *xs: rf"\max({', '.join(xs)})", at=[(1.5, -0.3, 2.0)],
    kinks={(1.0, 1.0): (0.5, 0.5)}, public=False)


def _logsumexp(*xs: float) -> float:
    top = max(xs)  # with the largest taken out, no exp overflows
    if math.isinf(top) and not any(map(math.isnan, xs)):
        return top
    first = xs.index(top)  # its exp is 1, beside which that of the others may vanish: hence log1p
    rest = plain_sum(math.exp(x - top) for i, x in enumerate(xs) if i != first)
    return top + math.log1p(rest)


def _exp_difference(x: float, y: float) -> float:
    z = x - y
    e = math.exp(z)
    # what the rounding of z dropped (Knuth's two-sum), which counts z times in e
    w = x - z
    rest = (x - (z + w)) + (w - y)
    return e + e * rest if e < inf else e


exp_difference = row("exp_difference", "exp(x - y)", _exp_difference,
    lambda x, y, out: (out, -out), "e^{{{0} - {1}}}", reads=lambda x, y: exp(x - y),
    at=[(1.5, -0.3), (1000.3, 1300.7)], outside=[(1000.0, 0.0)], public=False)
weight = row("weight", "the slope of logsumexp: a power by the sum of all",
    lambda power, total, x, y: power / total,
    lambda power, total, x, y, out: (1.0 / total, -out / total, 0.0, 0.0),
    reads=lambda power, total, x, y: exp(x - y), at=[(0.5, 2.0, -1.0, 0.4)],
    outside=[(1.0, 0.0, 0.0, 0.0)], needs="total != 0", public=False, unused=(2, 3))


def _logsumexp_partials(*xs: Any, out: Any) -> list[Any]:
    if not (out >= inf or out <= -inf):  # finite or nan
        # exp(x - out) would have the rounding of `out`, which counts its number of times
        top = stopped(largest(*xs))  # it drops out of the quotient
        powers = [exp_difference(x, top) for x in xs]
        total = plain_sum(powers)
        return [weight(power, total, x, out) for power, x in zip(powers, xs, strict=True)]
    return _largest_partials(*xs, out=out)  # the infinite ones share the slope


def _logaddexp(x: float, y: float) -> float:
    if math.isinf(x) and x == y:  # their difference is nan
        return x
    return max(x, y) + math.log1p(math.exp(-math.fabs(x - y)))


def _share(x: float, y: float) -> float:
    z = x - y
    e = math.exp(-math.fabs(z))
    small, large = e / (1.0 + e), 1.0 / (1.0 + e)
    if not -inf < z < inf:  # two equal infinities share
        return 0.5 if x == y else small if x < y else large
    w = x - z
    rest = (x - (z + w)) + (w - y)  # what the rounding of z dropped, as in `_exp_difference`
    out, other = (large, small) if z >= 0.0 else (small, large)
    return out + out * other * rest


def _share_partials(x: Any, y: Any, out: Any) -> tuple[Any, Any]:
    slope = out * share(y, x)
    return slope, -slope


# sigmoid(x - y) would have the rounding of x - y
share = row("share", "exp(x) / (exp(x) + exp(y))", _share, _share_partials,
    reads=lambda x, y: sigmoid(x - y), at=[(1.5, -0.3), (-1000.3, -300.7), (0.7, 0.7)],
    kinks={(inf, inf): (0.25, -0.25)}, public=False)


def _norm_partials(*xs: Any, out: Any) -> list[Any]:
    if out.__class__ is float:  # nobody reads the slopes of numbers
        return [x / out if out else 0.0 for x in xs]
    # x / out would have a difference as its slope: hence the norm of those before x and after it
    before = accumulate(xs[:-1], hypot, initial=0.0)
    after = [*accumulate(xs[:0:-1], hypot, initial=0.0)][::-1]
    return [cosine(x, hypot(b, a), out) for x, b, a in zip(xs, before, after, strict=True)]


norm = row("norm", "the length sqrt(x1**2 + ... + xn**2)", lambda *xs: math.hypot(*xs),
    _norm_partials, lambda *xs: rf"\sqrt{{{' + '.join(f'{{{x}}}^2' for x in xs)}}}",
    at=[(1.5, -0.3, 2.0), (-1.5,), (1.0, 1e-3)], kinks={(0.0, 0.0): (0.0, 0.0)},
    gap=lambda *xs: norm(*xs))
sum = row("sum", "the sum", lambda *xs: plain_sum(xs), lambda *xs, out: (1.0,) * len(xs),
    lambda *xs: " + ".join(xs), text=lambda *xs: " + ".join(xs), at=[(1.5, -0.3, 2.0)])
mean = row("mean", "the arithmetic mean", lambda *xs: plain_sum(xs) / len(xs),
    lambda *xs, out: (1.0 / len(xs),) * len(xs),
    lambda *xs: rf"\tfrac{{1}}{{{len(xs)}}}({' + '.join(xs)})", at=[(1.5, -0.3, 2.0)])
prod = row("prod", "the product", lambda *xs: math.prod(xs) if xs else 1.0, _prod_partials,
    lambda *xs: r" \cdot ".join(xs), text=lambda *xs: " * ".join(xs),
    at=[(1.5, -0.3, 2.0), (1.5, 0.0, 2.0), (0.0, 0.0, 2.0)], unused=_zero_factor)
dot = row("dot", "the sum of products w1 x1 + ... + wn xn, plus a bias if there is one",
    _dot, _dot_partials, _write_dot(r" \cdot "), text=_write_dot(" * "),
    at=[(1.5, -0.3, 2.0, 0.7), (1.5, -0.3, 2.0, 0.7, -1.0)], unused=_zero_partner)
logsumexp = row("logsumexp", "log(exp(x1) + ... + exp(xn)), safe for large inputs",
    _logsumexp, _logsumexp_partials,
    lambda *xs: rf"\ln({' + '.join(f'e^{{{x}}}' for x in xs)})",
    at=[(1.5, -0.3, 2.0), (1000.0, 999.0)],
    kinks={(inf, 0.0): (1.0, 0.0), (-inf, -inf): (0.5, 0.5)},
    source="Blanchard, Higham and Higham, Accurately computing log-sum-exp, 2021")
logaddexp = row("logaddexp", "log(exp(x) + exp(y)), safe for large inputs, exact near 0",
    _logaddexp, lambda x, y, out: (share(x, y), share(y, x)), r"\ln(e^{{{0}}} + e^{{{1}}})",
    at=[(1.5, -0.3), (0.0, -40.0), (1000.0, 999.0), (0.7, 0.7)],
    kinks={(inf, 0.0): (1.0, 0.0), (-inf, -inf): (0.5, 0.5)},
    source="Blanchard, Higham and Higham, Accurately computing log-sum-exp, 2021")
# fmt: on

