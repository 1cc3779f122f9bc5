"""The functions of NumPy that spellings use, with the formulas of the table."""

from __future__ import annotations

from scalargrad.core import special

__all__ = ["HELPERS"]

# By name, the text. One may use others, which stand before it.
HELPERS: dict[str, str] = {}


def _add(text: str) -> None:
    name = next(line for line in text.splitlines() if line.startswith("def "))
    HELPERS[name[4:].partition("(")[0]] = text.strip() + "\n"


_add(f'''
@np.vectorize(otypes=[float])
def _sinc_derivative(order, x):
    """The derivative of sin(pi x) / (pi x), of an order from 0 to 100."""
    if not 0.0 <= order <= 100.0 or order % 1.0 or not math.isfinite(x):
        return math.nan
    n, z = int(order), {special.PI!r} * float(x)
    total = 0.0
    if abs(z) < n + 1.0:  # the Taylor series; the other terms would cancel here
        for k in range(n % 2, 30 + 4 * n, 2):
            term = z**k / (n + k + 1.0) / math.factorial(k) if k < 171 else 0.0
            total += term * (-1.0) ** ((n + k) // 2)
    else:  # from the derivatives of z sinc = sin z
        sine, cosine = math.sin(z), math.cos(z)
        total = sine / z
        for k in range(1, n + 1):
            total = ((cosine, -sine, -cosine, sine)[(k - 1) % 4] - k * total) / z
    return {special.PI!r} ** n * total
''')
_add('''
@np.vectorize(otypes=[float])
def _erf(x):
    """The error function, which NumPy does not have."""
    return math.erf(x)
''')
_add('''
def _sigmoid_slope(x):
    """The slope of the sigmoid."""
    e = np.exp(-np.abs(x))
    return e / ((1.0 + e) * (1.0 + e))
''')
_add('''
def _tanh_slope(x):
    """The slope of tanh, exact far out, too."""
    t, e = np.tanh(x), np.exp(-2.0 * np.abs(x))
    return np.where(np.abs(x) < 1.0, 1.0 - t * t, 4.0 * e / ((1.0 + e) * (1.0 + e)))
''')
_add(f'''
def _dropped(x, y):
    """What the rounding of x * y drops (Dekker, 1971)."""
    split = {special.SPLIT!r}
    high, other = x * split - (x * split - x), y * split - (y * split - y)
    low, rest = x - high, y - other
    return ((high * other - x * y) + high * rest + low * other) + low * rest
''')
_add('''
def _bell(x, a):
    """exp(-a x * x), with the digits that the rounding of the square drops."""
    near = np.abs(x) < 1e100
    return np.exp(-a * (x * x)) * np.where(near, 1.0 - a * _dropped(x, x), 1.0)
''')
_add(f'''
def _ndtr(x):
    """The share of a standard normal variable below x."""
    z = -x * {special.SQRT_HALF!r}
    rest = _dropped(x, {special.SQRT_HALF!r}) + x * {special.SQRT_HALF_REST!r}
    rest = np.where((-40.0 < x) & (x < -1.0), {2.0 / special.SQRT_PI!r} * np.exp(-z * z) * rest, 0.0)
    return 0.5 * (np.vectorize(math.erfc, otypes=[float])(z) + rest)
''')
_add('''
def _sigmoid(x):
    """1 / (1 + exp(-x)), without an overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, e) / (1.0 + e)
''')
_add('''
def _softplus(x):
    """log(1 + exp(x)), without an overflow."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
''')
_add('''
def _turn(x, y):
    """x / (x * x + y * y), and 0 at the origin."""
    r = np.hypot(x, y)
    return np.where(r == 0.0, 0.0, x / r / r)
''')
_add('''
def _cosine(x, y):
    """x / hypot(x, y), and 0 at the origin."""
    r = np.hypot(x, y)
    return np.where(r == 0.0, 0.0, x / r)
''')
_add('''
def _clip(x, low, high):
    """x, but at least low and at most high."""
    return np.where(low > high, np.nan, np.minimum(np.maximum(x, low), high))
''')
_add('''
def _take(index, values):
    """The value at an index, and nan beyond the list."""
    index, *values = np.broadcast_arrays(index, *values)
    exists = (index >= 0.0) & (index < len(values)) & (index % 1.0 == 0.0)
    chosen = np.where(exists, index, 0.0).astype(int)
    return np.where(exists, np.take_along_axis(np.stack(values), chosen[None], 0)[0], np.nan)
''')
_add('''
def _largest(values):
    """The largest of all."""
    return np.max(np.stack(np.broadcast_arrays(*values)), axis=0)
''')
_add('''
def _exp_difference(x, y):
    """exp(x - y), with what the rounding of the difference drops."""
    z = x - y
    e, w = np.exp(z), x - z
    rest = (x - (z + w)) + (w - y)
    return np.where(e < np.inf, e + e * rest, e)
''')
_add('''
def _logsumexp(values):
    """log(exp(x1) + ... + exp(xn)), without an overflow."""
    values = np.stack(np.broadcast_arrays(*values))
    top = np.max(values, axis=0)
    others = np.exp(values - top)
    np.put_along_axis(others, np.argmax(values, axis=0)[None], 0.0, axis=0)
    return np.where(np.isinf(top), top, top + np.log1p(np.sum(others, axis=0)))
''')
