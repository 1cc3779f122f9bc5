"""Special functions of plain numbers: error functions, quantiles, gamma and its relatives.

Outside its domain a function gives nan, beyond the range of floats infinity. All of them are
arithmetic and functions of `math` alone: the numba backend compiles this file unchanged, and
exports translate it (`replay/export/translated.py`).
DLMF is the NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import inf, nan

PI = math.pi
SQRT_PI, ROOT_2PI = math.sqrt(math.pi), math.sqrt(2.0 * math.pi)
# 1 / sqrt(2) as a float, and what its rounding dropped
SQRT_HALF, SQRT_HALF_REST = math.sqrt(0.5), -4.833646656726457e-17
SPLIT = 2.0**27 + 1.0  # x * SPLIT - (x * SPLIT - x) is the upper half of the digits of x
_HALF_LOG_2PI = 0.9189385332046728
_LARGEST_EXP = 709.78  # exp of a larger number overflows


def _polynomial(coefficients: Sequence[float], x: float) -> float:
    """The polynomial with these coefficients, that of the highest power first."""
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


def dropped(x: float, y: float) -> float:
    """What the rounding of x * y drops (Dekker, A floating-point technique, 1971)."""
    high, other = x * SPLIT - (x * SPLIT - x), y * SPLIT - (y * SPLIT - y)
    low, rest = x - high, y - other
    return ((high * other - x * y) + high * rest + low * other) + low * rest


# --- functions of `math`, under names of this file for the numba backend -------------------------


def erf(x: float) -> float:
    """The error function (DLMF 7.2.1)."""
    return math.erf(x)


def erfc(x: float) -> float:
    """1 - erf(x), exact where that is small (DLMF 7.2.2)."""
    return math.erfc(x)


def gamma(x: float) -> float:
    """The gamma function (DLMF 5.2.1)."""
    if x <= 0.0 and math.floor(x) == x if x > -1e15 else x == x:
        return nan
    return math.gamma(x)


# --- the normal distribution and the error function ----------------------------------------------


def bell(x: float, a: float) -> float:
    """exp(-a x**2), for a = 0.5 and 1."""
    if not -1e100 < x < 1e100:
        return math.exp(-a * x * x)  # 0, or what nan and infinities give
    # the rounding of the square alone would cost x * x roundings
    return math.exp(-a * (x * x)) * (1.0 - a * dropped(x, x))


def ndtr(x: float) -> float:
    """The share of a standard normal variable below x (DLMF 7.18)."""
    z = -x * SQRT_HALF
    if not -40.0 < x < -1.0:
        return 0.5 * math.erfc(z)
    # erfc(z) has x * x times the relative error of z, so what the rounding of z drops is put back
    rest = dropped(x, SQRT_HALF) + x * SQRT_HALF_REST
    return 0.5 * (math.erfc(z) + 2.0 / SQRT_PI * math.exp(-z * z) * rest)


def _continued_fraction(j: float, t: float) -> float:
    """j / (t + (j + 1) / (t + (j + 2) / (t + ...))) for t >= 1, from the end (DLMF 7.9.1)."""
    k = j + math.floor(11.0 + 450.0 / (t * t) + 10.0 * (j - 1.0) / t)
    total = 0.0
    while k >= j:
        total = k / (t + total)
        k -= 1.0
    return total


def hazard(x: float) -> float:
    """The density of a standard normal variable at x, by the share below x."""
    if not x <= -5.0:
        return bell(x, 0.5) / (ROOT_2PI * ndtr(x))
    return -x + _continued_fraction(1.0, -x)


def mills(n: float, x: float) -> float:
    """The quotient of integrals n and n - 1 of the normal density, for n from 1 to 100.

    Integral 0 is the share below x, and each the integral of the one before (DLMF 7.18). The first
    quotient is x + hazard(x), without the difference; the quotient before it is 1 / hazard(x).
    """
    if not 0.0 <= n <= 100.0 or n % 1.0 != 0.0:
        return nan
    if n == 0.0:
        slope = hazard(x)
        return 1.0 / slope if slope else inf
    if x <= -1.0:
        return _continued_fraction(n, -x) / n
    quotient = x + hazard(x)
    k = 2.0
    while k <= n:
        quotient = (1.0 / quotient + x) / k
        k += 1.0
    return quotient


def log_ndtr(x: float) -> float:
    """The logarithm of ndtr(x)."""
    if x > 0.0:
        return math.log1p(-ndtr(-x))
    if x > -5.0:
        return math.log(ndtr(x))
    return -0.5 * x * x - _HALF_LOG_2PI - math.log(hazard(x))


# Quotients of polynomials for the quantile of the normal distribution: where |p - 1/2| <= 0.425,
# and for two ranges of the tails.
_MIDDLE = (
    2509.0809287301227,
    33430.57558358813,
    67265.7709270087,
    45921.95393154987,
    13731.69376550946,
    1971.5909503065513,
    133.14166789178438,
    3.3871328727963665,
)
_MIDDLE_BELOW = (
    5226.495278852854,
    28729.085735721943,
    39307.89580009271,
    21213.794301586597,
    5394.196021424751,
    687.1870074920579,
    42.31333070160091,
    1.0,
)
_TAIL = (
    0.0007745450142783414,
    0.022723844989269184,
    0.2417807251774506,
    1.2704582524523684,
    3.6478483247632045,
    5.769497221460691,
    4.630337846156546,
    1.4234371107496835,
)
_TAIL_BELOW = (
    1.0507500716444169e-09,
    0.0005475938084995345,
    0.015198666563616457,
    0.14810397642748008,
    0.6897673349851,
    1.6763848301838038,
    2.053191626637759,
    1.0,
)
_FAR = (
    2.0103343992922881e-07,
    2.7115555687434876e-05,
    0.0012426609473880784,
    0.026532189526576124,
    0.29656057182850487,
    1.7848265399172913,
    5.463784911164114,
    6.657904643501103,
)
_FAR_BELOW = (
    2.0442631033899397e-15,
    1.421511758316446e-07,
    1.8463183175100548e-05,
    0.0007868691311456133,
    0.014875361290850615,
    0.1369298809227358,
    0.599832206555888,
    1.0,
)


def _middle(q: float) -> float:
    """The quantile at 1/2 + q, by q."""
    r = 0.180625 - q * q
    return _polynomial(_MIDDLE, r) / _polynomial(_MIDDLE_BELOW, r)


def _tail(share: float) -> float:
    """The size of the quantile at a share below 0.075."""
    r = math.sqrt(-math.log(share))
    if r <= 5.0:
        return _polynomial(_TAIL, r - 1.6) / _polynomial(_TAIL_BELOW, r - 1.6)
    return _polynomial(_FAR, r - 5.0) / _polynomial(_FAR_BELOW, r - 5.0)


def ndtri(p: float) -> float:
    """The quantile of the standard normal distribution, the inverse of ndtr.

    Wichura, Algorithm AS 241: The percentage points of the normal distribution, 1988.
    """
    if not 0.0 < p < 1.0:
        return nan
    q = p - 0.5
    if math.fabs(q) <= 0.425:
        return q * _middle(q)
    return _tail(1.0 - p) if q > 0.0 else -_tail(p)


def erfinv(y: float) -> float:
    """The inverse of erf, which is ndtri((1 + y) / 2) / sqrt(2) without that sum."""
    if not -1.0 < y < 1.0:
        return nan
    if math.fabs(y) <= 0.85:
        return y * (0.5 * SQRT_HALF * _middle(0.5 * y))
    return math.copysign(SQRT_HALF * _tail(0.5 * (1.0 - math.fabs(y))), y)


def ndtri_slope(p: float) -> float:
    """The slope of ndtri at p: exp(x * x / 2) would have x * x times the error of x = ndtri(p)."""
    share = 1.0 - p if p > 0.5 else p
    return 1.0 / (share * hazard(-math.fabs(ndtri(p))))


def erfinv_slope(y: float) -> float:
    """The slope of erfinv at y, likewise."""
    share = 0.5 * (1.0 - math.fabs(y))
    return 0.5 * SQRT_HALF / (share * hazard(-math.fabs(erfinv(y)) / SQRT_HALF))


# --- sin(pi x) -----------------------------------------------------------------------------------


def _sine(r: float) -> float:
    """sin(pi r) for -2 < r < 2: every difference here is exact."""
    size = math.fabs(r)
    if size > 1.5:
        size -= 2.0
    elif size > 0.5:
        size = 1.0 - size
    return math.copysign(1.0, r) * math.sin(PI * size)


def sinc(x: float) -> float:
    """sin(pi x) / (pi x), and 1 at 0."""
    return _sine(math.fabs(x) % 2.0) / (PI * math.fabs(x)) if x else 1.0


def sinc_derivative(order: float, x: float) -> float:
    """The derivative of sinc, of an order from 0 to 100."""
    if not 0.0 <= order <= 100.0 or order % 1.0 != 0.0:
        return nan
    z, scale, k = PI * x, 1.0, 0.0
    while k < order:
        scale *= PI
        k += 1.0
    if math.fabs(z) < order + 1.0:  # the Taylor series; the other terms would cancel here
        total, power, k = 0.0, 1.0, 0.0
        while k < 30.0 + 4.0 * order:
            if (order + k) % 2.0 == 0.0:
                sign = 1.0 if (order + k) % 4.0 == 0.0 else -1.0
                total += sign * power / (order + k + 1.0)
            k += 1.0
            power *= z / k
        return scale * total
    # from the derivatives of z sinc = sin z
    r = math.copysign(math.fabs(x) % 2.0, x)
    sine, cosine = _sine(r), _sine(0.5 - math.fabs(r))
    total, k = sine / z, 1.0
    while k <= order:
        total = (cosine - k * total) / PI / x  # z may overflow
        sine, cosine = cosine, -sine
        k += 1.0
    return scale * total


def logit(p: float) -> float:
    """log(p / (1 - p)), exact near 1/2: the difference there is exact."""
    if not 0.0 < p < 1.0:
        return nan
    if p > 0.75 or p < 0.25:
        return math.log(p / (1.0 - p))
    return 2.0 * math.atanh(2.0 * p - 1.0)


# --- gamma and its relatives ---------------------------------------------------------------------

# Taylor series made shorter by way of Chebyshev polynomials, with errors below 3e-18:
# lgamma(x) / (x - 1) by x - 1.25, for 1 <= x <= 1.5
_LOG_GAMMA_1 = (
    -0.0011152714193779247,
    0.0014692980004143846,
    -0.0016103006361533982,
    0.002137439841395395,
    -0.0028895058318781776,
    0.0038663832479987723,
    -0.005196943669155084,
    0.007030802086418959,
    -0.00957913098059373,
    0.013163095944148152,
    -0.01828207610590974,
    0.02574385762869891,
    -0.036929564353878834,
    0.05439040175712633,
    -0.083392505755335,
    0.13677079348834956,
    -0.2554826879615743,
    0.6625352492439489,
    -0.3930873456872526,
)
# lgamma(x) / (x - 2) by x - 2, for 1.5 <= x <= 2.5 (DLMF 5.7.3)
_LOG_GAMMA_2 = (
    6.379047507619774e-08,
    -1.3412819758517287e-07,
    2.0304806751615227e-07,
    -4.303558760359961e-07,
    9.578663334114758e-07,
    -2.0449201467015115e-06,
    4.374374916915131e-06,
    -9.438458716242811e-06,
    2.050726741605779e-05,
    -4.4926351103833334e-05,
    9.945750909889392e-05,
    -0.00022315475074520367,
    0.0005096695248853096,
    -0.0011927539120010226,
    0.002890510330738737,
    -0.0073855510286681535,
    0.02058080842778457,
    -0.06735230105319814,
    0.3224670334241132,
    0.42278433509846713,
)
# digamma(x) / (x - zero) by x - 1.5, for 1 <= x <= 2; the zero is the sum of two floats
_DIGAMMA = (
    0.00011881232908510335,
    -0.0001782188548855923,
    9.653646261410062e-05,
    -0.00014480643368061614,
    0.00032395945401345196,
    -0.00048595039220036254,
    0.0006909255761282986,
    -0.0010364584817312839,
    0.0015633696313653504,
    -0.0023454947397380833,
    0.003518106563802472,
    -0.005279937255532708,
    0.007927021796868154,
    -0.011908220105959716,
    0.017907248317313294,
    -0.026975796659787055,
    0.040760833940846085,
    -0.06192213327548831,
    0.09498872445289039,
    -0.14840492305388092,
    0.24054248424078697,
    -0.4236274212814606,
    0.9510558760318328,
)
_ZERO, _ZERO_REST = 1.4616321449683622, 9.549995429965697e-17
# Bernoulli numbers: B(2k) by 2k (2k - 1), by 2k, and by (2k)!, for k = 1, 2, ...
_STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
    43867 / 244188,
)  # fmt: skip
_BERNOULLI = (
    1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160, 43867 / 14364,
)  # fmt: skip
_EULER_MACLAURIN = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -5.284190138687493e-10,
    1.3382536530684679e-11, -3.3896802963225827e-13, 8.586062056277845e-15, -2.174868698558062e-16,
    5.5090028283602295e-18, -1.3954465784812522e-19,
)  # fmt: skip


def _stirling(x: float) -> float:
    """What Stirling's formula leaves out of lgamma(x), for x >= 10 (DLMF 5.11.1)."""
    u = 1.0 / (x * x)
    total = 0.0
    for k in range(8, -1, -1):
        total = total * u + _STIRLING[k]
    return total / x


def _log_gamma_1(z: float) -> float:
    """lgamma(1 + z) for 0 <= z <= 1/2."""
    return z * _polynomial(_LOG_GAMMA_1, z - 0.25)


def _log_gamma_2(z: float) -> float:
    """lgamma(2 + z) for |z| <= 1/2."""
    return z * _polynomial(_LOG_GAMMA_2, z)


def lgamma(x: float) -> float:
    """The logarithm of |gamma(x)|."""
    if x >= 10.0:
        return (x - 0.5) * (math.log(x) - 1.0) + (_HALF_LOG_2PI - 0.5 + _stirling(x))
    if x >= 1.5:
        factors = 1.0
        while x > 2.5:
            x -= 1.0
            factors *= x
        return math.log(factors) + _log_gamma_2(x - 2.0)
    if x >= 1.0:
        return _log_gamma_1(x - 1.0)
    if x >= 0.5:
        return _log_gamma_2(x - 1.0) - math.log(x)
    if x > 0.0:
        return _log_gamma_1(x) - math.log(x)
    if not x > -1e15 or math.floor(x) == x:
        return nan
    if x > -0.5:  # gamma(x + 2) by x + 1 and by x
        return _log_gamma_2(x) - math.log1p(x) - math.log(-x)
    # the reflection formula (DLMF 5.5.3)
    return math.log(PI / math.fabs(x * _sine(-x % 2.0))) - lgamma(-x)


def _gamma_below_20(x: float) -> float:
    """gamma(x) for 0 < x < 20, to two or three roundings."""
    if x >= 10.0:
        return ROOT_2PI * math.pow(x, x - 0.5) * math.exp(-x) * (1.0 + math.expm1(_stirling(x)))
    if x < 1.0:
        return _gamma_below_20(1.0 + x) / x if x > 0.5 else math.exp(_log_gamma_1(x)) / x
    if x < 1.5:
        return math.exp(_log_gamma_1(x - 1.0))
    factors = 1.0
    while x > 2.5:
        x -= 1.0
        factors *= x
    return factors * math.exp(_log_gamma_2(x - 2.0))


def _digamma_1_to_2(x: float) -> float:
    return ((x - _ZERO) - _ZERO_REST) * _polynomial(_DIGAMMA, x - 1.5)


def digamma(x: float) -> float:
    """The slope of lgamma."""
    if x >= 10.0:  # DLMF 5.11.2
        u = 1.0 / x / x
        total = 0.0
        for k in range(8, -1, -1):
            total = (total + _BERNOULLI[k]) * u
        return math.log(x) - 0.5 / x - total
    if x >= 1.0:
        total = 0.0
        while x > 2.0:
            x -= 1.0
            total += 1.0 / x
        return total + _digamma_1_to_2(x)
    if x > 0.0:
        return _digamma_1_to_2(1.0 + x) - 1.0 / x
    if not x > -1e15 or math.floor(x) == x:
        return nan
    # the reflection formula (DLMF 5.5.4)
    size = -x
    other = _digamma_1_to_2(1.0 + size) if size < 1.0 else digamma(size) + 1.0 / size
    d = size - math.floor(size + 0.5)
    if math.fabs(d) < 0.25:
        return other + PI / math.tan(PI * d)
    return other + PI * math.copysign(math.tan(PI * (0.5 - math.fabs(d))), d)


def _powers(n: float, y: float) -> float:
    """n! / y ** (n + 1) for y > 0, in an order that overflows only if the result does."""
    m = n + 1.0
    if n > 170.0:
        exponent = lgamma(m) - m * math.log(y)
        return math.exp(exponent) if exponent < _LARGEST_EXP else inf
    if -m * math.log(y) > _LARGEST_EXP:
        return inf
    half = 1.0 * math.floor(0.5 * m)
    return math.pow(y, -half) * math.gamma(m) * math.pow(y, half - m)


def _least(n: float) -> float:
    """From where on the Euler-Maclaurin formula for derivative n of digamma is exact."""
    return n + 15.0


def _positive_polygamma(n: float, x: float) -> float:
    """The size of polygamma(n, x) for n >= 1 and x > 0: n! zeta(n + 1, x)."""
    m, least, total = n + 1.0, _least(n), 0.0
    while x < least:
        term = _powers(n, x)
        total += term
        if not term > 1e-18 * total:  # too small to count, or infinite
            return total
        x += 1.0
    # the Euler-Maclaurin formula (DLMF 25.11.5)
    tail, factor = 0.5, m / x
    for k in range(12):
        tail += _EULER_MACLAURIN[k] * factor
        j = m + 2.0 * k
        factor *= (j + 1.0) / x * ((j + 2.0) / x)
    return total + _powers(n - 1.0, x) * (1.0 + n / x * tail)


def polygamma(n: float, x: float) -> float:
    """Derivative n of digamma, n = 0, 1, ..."""
    if not n >= 0.0 or n % 1.0 != 0.0:
        return nan
    if n == 0.0:
        return digamma(x)
    sign = 1.0 if n % 2.0 else -1.0
    if x > 0.0:
        return sign * _positive_polygamma(n, x) if x < inf else 0.0
    if not x > -1e15 or math.floor(x) == x:
        return nan
    # The reflection formula (DLMF 5.15.6) twice, at x and at its place above a whole number: the
    # derivatives of the cotangent drop out.
    above = x - math.floor(x + 0.5)
    below = 1.0 - above if above > 0.0 else -above
    if above < 0.0:
        above += 1.0
    one, other = sign * _positive_polygamma(n, above), _positive_polygamma(n, below)
    if other == inf or math.fabs(one) == inf:  # the nearer pole decides
        return other if below < above else one
    return one + other - _positive_polygamma(n, 1.0 - x)


def _drop(j: float, log: float) -> float:
    """1 - (u / (u + y)) ** j, for log = log1p(y / u)."""
    return -math.expm1(-j * log)


def polygamma_rise(n: float, x: float, y: float) -> float:
    """polygamma(n, x + y) - polygamma(n, x) for positive x and y, without the difference."""
    if not n >= 0.0 or n % 1.0 != 0.0 or not x > 0.0 or not y >= 0.0:
        return nan
    if x == inf or y == 0.0:
        return 0.0
    m, least, total = n + 1.0, _least(n), 0.0
    while x < least:
        if n == 0.0:
            term = y / (x + y) / x if y < inf else 1.0 / x
        else:
            term = _powers(n, x) * _drop(m, math.log1p(y / x))
        total += term
        if n > 0.0 and not term > 1e-18 * total:
            return -total if n % 2.0 else total
        x += 1.0
    log = math.log1p(y / x)
    if n == 0.0:
        total += log + 0.5 * _drop(1.0, log) / x
        u = 1.0 / x / x
        power = u
        for k in range(9):
            total += _BERNOULLI[k] * power * _drop(2.0 * k + 2.0, log)
            power *= u
    else:
        tail, factor = 0.5 * _drop(m, log), m / x
        for k in range(12):
            j = m + 2.0 * k
            tail += _EULER_MACLAURIN[k] * factor * _drop(j + 1.0, log)
            factor *= (j + 1.0) / x * ((j + 2.0) / x)
        total += _powers(n - 1.0, x) * (_drop(n, log) + n / x * tail)
    return -total if n % 2.0 else total


def _quotient_error(x: float, s: float, rest: float) -> float:
    """The relative error of the float x / s, where the divisor is s + rest."""
    quotient = x / s
    low = dropped(quotient, s)
    return ((x - quotient * s) - low - quotient * rest) / (quotient * s)


def beta(x: float, y: float) -> float:
    """gamma(x) gamma(y) / gamma(x + y) for positive x and y (DLMF 5.12).

    By Stirling's formula where an operand is large. A power has the error of its base as often as
    the exponent says, so what the rounding of the base dropped is put back.
    """
    if not x > 0.0 or not y > 0.0:
        return nan
    if x < y:
        x, y = y, x
    s = x + y
    rest = y - (s - x)
    if x < 10.0:
        large = _gamma_below_20(y)
        if large == inf:
            return inf
        correction = 1.0 - digamma(s) * rest if rest else 1.0
        return large / _gamma_below_20(s) * _gamma_below_20(x) * correction
    if x > 1e100:
        return _gamma_below_20(y) * math.pow(x, -y) if y < 10.0 else 0.0
    power, other = math.pow(x / s, x - 0.5), math.pow(y / s, y)
    if power == 0.0 or other == 0.0:
        return 0.0
    exponent = (x - 0.5) * _quotient_error(x, s, rest) + _stirling(x) - _stirling(s)
    if y < 10.0:
        return (
            _gamma_below_20(y)
            * (power * math.exp(y))
            * math.pow(s, -y)
            * math.exp(exponent - y * rest / s)
        )
    exponent += y * _quotient_error(y, s, rest) + _stirling(y)
    return ROOT_2PI * power * other / math.sqrt(y) * math.exp(exponent)


def betaln(x: float, y: float) -> float:
    """The logarithm of beta(x, y)."""
    if not x > 0.0 or not y > 0.0:
        return nan
    if x < y:
        x, y = y, x
    if y < 1e-280:
        return lgamma(y) + (lgamma(x) - lgamma(x + y))
    found = beta(x, y)
    if found > 1e-290:
        return math.log(found)
    s = x + y
    if y < 10.0:  # then x is so large that gamma(x + y) / gamma(x) is a power of it
        return lgamma(y) - y * math.log(x)
    if s == inf:
        return betaln(0.5 * x, 0.5 * y) * 2.0 if x < inf else -inf
    stirling = _stirling(x) - _stirling(s) + _stirling(y) + _HALF_LOG_2PI
    return stirling - (x - 0.5) * math.log1p(y / x) + y * math.log(y / s) - 0.5 * math.log(y)
