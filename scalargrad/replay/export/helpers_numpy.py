"""The functions of NumPy that spellings use, with the formulas of the table."""

from __future__ import annotations

from scalargrad.replay.export.translated import numpy_helpers

__all__ = ["HELPERS"]

# By name, the text. One may use others, which stand before it.
HELPERS: dict[str, str] = {}


HELPERS |= numpy_helpers()


def _add(text: str) -> None:
    name = next(line for line in text.splitlines() if line.startswith("def "))
    HELPERS[name[4:].partition("(")[0]] = text.strip() + "\n"


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
def _log_base(x, base):
    """The logarithm to a base, exact for 2 and 10."""
    other = np.where(base <= 0.0, np.nan, np.log(x) / np.log(base))
    return np.where(base == 10.0, np.log10(x), np.where(base == 2.0, np.log2(x), other))
''')
_add('''
def _xlogy(x, y):
    """x log(y), and 0 where x is 0."""
    return np.where((x == 0.0) & (y >= 0.0), 0.0, np.where(y < 0.0, np.nan, x * np.log(y)))
''')
_add('''
def _share(x, y):
    """exp(x) / (exp(x) + exp(y)), with what the rounding of the difference drops."""
    z = x - y
    e, w = np.exp(-np.abs(z)), x - z
    rest = (x - (z + w)) + (w - y)
    small, large = e / (1.0 + e), 1.0 / (1.0 + e)
    out, other = np.where(z >= 0.0, large, small), np.where(z >= 0.0, small, large)
    far = np.where(x == y, 0.5, out)
    return np.where(np.abs(z) < np.inf, out + out * other * rest, far)
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
