"""The functions of C that spellings use, with the formulas of the table."""

from __future__ import annotations

from scalargrad.replay.export.translated import c_helpers

__all__ = ["HELPERS"]

# By name, the text. One may use others, which stand before it.
HELPERS: dict[str, str] = {}


HELPERS |= c_helpers()


def _add(text: str) -> None:
    name = text.split("(")[0].split()[-1].lstrip("*")
    HELPERS[name] = text.strip() + "\n"


_add("""
static double sg_inverse(double x) /* 1 / x, and infinity at 0 */
{
    return x != 0.0 ? 1.0 / x : INFINITY;
}
""")
_add("""
static double sg_mod(double x, double y) /* what the division leaves, with the sign of y */
{
    double rest = fmod(x, y);
    if (rest != 0.0) {
        if ((y < 0.0) != (rest < 0.0)) rest += y;
        return rest;
    }
    return copysign(0.0, y);
}
""")
_add("""
static double sg_floordiv(double x, double y) /* the quotient rounded down */
{
    const double rest = fmod(x, y);
    double quotient = (x - rest) / y, whole;
    if (rest != 0.0 && (y < 0.0) != (rest < 0.0)) quotient -= 1.0;
    if (quotient != 0.0) {
        whole = floor(quotient);
        return quotient - whole > 0.5 ? whole + 1.0 : whole;
    }
    return copysign(0.0, x / y);
}
""")
_add("""
static double sg_sigmoid_slope(double x)
{
    const double e = exp(x > 0.0 ? -x : x);
    return e / ((1.0 + e) * (1.0 + e));
}
""")
_add("""
static double sg_tanh_slope(double x)
{
    if (-1.0 < x && x < 1.0) {
        const double t = tanh(x);
        return 1.0 - t * t;
    } else {
        const double e = exp(x > 0.0 ? -2.0 * x : 2.0 * x);
        return 4.0 * e / ((1.0 + e) * (1.0 + e));
    }
}
""")
_add("""
static double sg_sigmoid(double x)
{
    if (x >= 0.0) {
        return 1.0 / (1.0 + exp(-x));
    } else {
        const double e = exp(x);
        return e / (1.0 + e);
    }
}
""")
_add("""
static double sg_softplus(double x)
{
    return (0.0 > x ? 0.0 : x) + log1p(exp(-fabs(x)));
}
""")
_add("""
static double sg_relu(double x)
{
    return x <= 0.0 ? 0.0 : x;
}
""")
_add("""
static double sg_sign(double x)
{
    return x < 0.0 || x > 0.0 ? copysign(1.0, x) : x;
}
""")
_add("""
static double sg_turn(double x, double y) /* x / (x * x + y * y) */
{
    const double r = hypot(x, y);
    return r != 0.0 ? x / r / r : 0.0;
}
""")
_add("""
static double sg_cosine(double x, double y) /* x / hypot(x, y) */
{
    const double r = hypot(x, y);
    return r != 0.0 ? x / r : 0.0;
}
""")
_add("""
static double sg_minimum(double x, double y)
{
    return x < y || isnan(x) ? x : y;
}
""")
_add("""
static double sg_maximum(double x, double y)
{
    return x > y || isnan(x) ? x : y;
}
""")
_add("""
static double sg_clip(double x, double low, double high)
{
    const double raised = low > x ? low : x;
    if (low > high) return NAN;
    return high < raised ? high : raised;
}
""")
_add("""
static double sg_equal(double x, double y)
{
    return x == y ? 1.0 : 0.0;
}
""")
_add("""
static double sg_take(double index, size_t n, const double *values)
{
    const int exists = 0.0 <= index && index < (double)n && fmod(index, 1.0) == 0.0;
    return exists ? values[(size_t)index] : NAN;
}
""")
_add("""
static double sg_largest(size_t n, const double *values)
{
    double top = values[0];
    size_t i;
    for (i = 0; i < n; i++) {
        if (isnan(values[i])) return NAN;
        if (values[i] > top) top = values[i];
    }
    return top;
}
""")
_add("""
static double sg_exp_difference(double x, double y) /* exp(x - y) */
{
    const double z = x - y, e = exp(z), w = x - z;
    const double rest = (x - (z + w)) + (w - y); /* what the rounding of z dropped */
    return e < INFINITY ? e + e * rest : e;
}
""")
_add("""
static double sg_log_base(double x, double base)
{
    if (base == 10.0) return log10(x);
    if (base == 2.0) return log2(x);
    return base <= 0.0 ? NAN : log(x) / log(base);
}
""")
_add("""
static double sg_xlogy(double x, double y)
{
    return x == 0.0 && y >= 0.0 ? 0.0 : y < 0.0 ? NAN : x * log(y);
}
""")
_add("""
static double sg_share(double x, double y) /* exp(x) / (exp(x) + exp(y)) */
{
    const double z = x - y, w = x - z, e = exp(-fabs(z));
    const double rest = (x - (z + w)) + (w - y); /* what the rounding of z dropped */
    const double small = e / (1.0 + e), large = 1.0 / (1.0 + e);
    const double out = z >= 0.0 ? large : small, other = z >= 0.0 ? small : large;
    if (fabs(z) < INFINITY) return out + out * other * rest;
    return x == y ? 0.5 : x < y ? small : large;
}
""")
_add("""
static double sg_logsumexp(size_t n, const double *values)
{
    double rest = 0.0;
    size_t first = 0, i;
    int known = 1;
    for (i = 0; i < n; i++) {
        if (values[i] > values[first]) first = i;
        if (isnan(values[i])) known = 0;
    }
    if (known && isinf(values[first])) return values[first];
    for (i = 0; i < n; i++) {
        if (i != first) rest += exp(values[i] - values[first]);
    }
    return values[first] + log1p(rest);
}
""")
_add("""
static double sg_logaddexp(double x, double y)
{
    if (isinf(x) && x == y) return x;
    return (y > x ? y : x) + log1p(exp(-fabs(x - y)));
}
""")
