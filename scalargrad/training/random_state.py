"""The state of the random generators that all code shares: that of `random`, and NumPy's."""

from __future__ import annotations

import random
import sys
from array import array
from importlib import import_module
from importlib.util import find_spec
from types import NoneType
from typing import Any, NamedTuple

from scalargrad.core.numbers import as_count

__all__ = ["RandomState"]

_WORDS = 624  # of a Mersenne Twister


class RandomState(NamedTuple):
    """The states of the generators; two of them compare equal if all would draw the same numbers.

    Args:
        python: the state of `random`, as `random.getstate` returns it.
        numpy: that of `np.random`: the words of its Mersenne Twister as bytes, the position in
            them, and the normal number that is left over from a pair; None if NumPy is not loaded,
            or uses another generator there.

    >>> from scalargrad.training.random_state import RandomState
    >>> before = RandomState.now()
    >>> number = random.random()
    >>> before == RandomState.now()
    False
    >>> before.put()
    >>> random.random() == number
    True
    """

    python: tuple[Any, ...]
    numpy: tuple[bytes, int, int, float] | None

    @classmethod
    def now(cls) -> RandomState:
        """Return the present state."""
        numpy_random = sys.modules.get("numpy.random")
        state = {} if numpy_random is None else numpy_random.get_state(legacy=False)
        if state.get("bit_generator") != "MT19937":
            return cls(random.getstate(), None)
        words = state["state"]
        left_over = (int(state["has_gauss"]), float(state["gauss"]))
        return cls(random.getstate(), (words["key"].tobytes(), int(words["pos"]), *left_over))

    def with_python_now(self) -> RandomState:
        """Return the present state of `random`, with NumPy's of this one."""
        return RandomState(random.getstate(), self.numpy)

    def put(self) -> None:
        """Put this state back."""
        if self.numpy is not None and find_spec("numpy"):
            np = import_module("numpy")
            key, *rest = self.numpy
            np.random.set_state(("MT19937", np.frombuffer(key, np.uint32), *rest))
        random.setstate(self.python)

    def written(self) -> tuple[dict[str, Any], dict[str, array[Any]]]:
        """Return what JSON can write, and arrays of whole numbers."""
        version, words, gauss = self.python
        header = {"version": version, "gauss": gauss, "numpy": None}
        arrays = {"random": array("I", words)}
        if self.numpy is not None:
            key, *header["numpy"] = self.numpy
            arrays["numpy.random"] = array("I", key)
        return header, arrays

    @classmethod
    def read(cls, header: dict[str, Any], arrays: dict[str, array[Any]]) -> RandomState:
        """Return the state that `written` wrote.

        Raises:
            KeyError, TypeError, ValueError: it has not written this.
        """
        words, gauss = tuple(arrays["random"]), header["gauss"]
        if not isinstance(gauss, (float, NoneType)):
            raise TypeError("a normal number that is none")
        python = (header["version"], words, gauss)
        random.Random().setstate(python)  # raises an error if no generator can have this state
        if header["numpy"] is None:
            return cls(python, None)
        position, has_gauss, gauss = header["numpy"]
        key = arrays["numpy.random"]
        as_count(position, "the position", least=0, most=_WORDS)
        as_count(has_gauss, "the number of normal numbers", least=0, most=1)
        if len(key) != _WORDS or key.typecode != "I" or type(gauss) is not float:
            raise ValueError("a state of NumPy's generator that is none")
        return cls(python, (key.tobytes(), position, has_gauss, gauss))
