"""compile: a function of one sample, recorded once and replayed on many."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from threading import RLock
from typing import Any, NoReturn

from scalargrad.core.modes import recorder
from scalargrad.core.numbers import Traced, as_count
from scalargrad.core.value import Value
from scalargrad.nn import assign
from scalargrad.optim import checked_parameters
from scalargrad.replay.arrays import added, array, floats, in_places, scaled
from scalargrad.replay.backends import chosen
from scalargrad.replay.batch import Batch, argument_names
from scalargrad.replay.program import Program
from scalargrad.replay.recorder import RecordingError
from scalargrad.replay.variant import Samples, Variant
from scalargrad.transforms.tree import refilled

__all__ = ["Compiled", "compile"]


def compile(
    f: Callable[..., Any], params: Iterable[Value] | None = None, backend: str = "auto",
    reduce: str = "mean", static_argnums: int | Sequence[int] = (), *,
    allow_nonfinite: bool = False, threads: int | None = None,
) -> Compiled:  # fmt: skip
    """Record `f`, a function of one sample, when it is first called, and replay it on many.

    Args:
        f: takes the numbers of one sample, scalars or nested lists, and returns a Value or a nested
            list of Values. It is run once for each shape of its arguments and each way that its
            comparisons turn out.
        params: leaf Values that `f` uses, e.g. ``model.parameters()``: derivatives are taken with
            respect to them; without them, with respect to the arguments.
        backend: "auto" (the fastest that is installed), "numba", or "python" (slow, needs nothing).
        reduce: "mean" or "sum", how `value_and_grad` brings the samples together.
        static_argnums: arguments that are passed on as they are, not as one number a sample.
        allow_nonfinite: give nan and infinities back instead of raising FloatingPointError.
        threads: how many threads to use, by default as many as there are cores. The result is the
            same to the last bit.

    Returns:
        A `Compiled`. Called with arrays that have a leading axis of N samples, it gives arrays of
        N results; called with plain numbers, plain numbers.

    Raises:
        TypeError, ValueError: arguments that do not fit, by name.
        ImportError: the backend needs a library that is not installed.
        RecordingError (when called): `f` reads what would be frozen into the program, like `.data`.
        FloatingPointError (when called): a result is nan or infinite; the first instruction that
            made it so is named.

    What `f` reads besides its arguments and Values is read when it is recorded, and a constant from
    then on, as in tensor libraries: numbers in lists and attributes, files, generators of its own,
    look-ups in dicts and sets, `.data` of a Value that it does not compute with.

    >>> c = sg.compile(lambda x, y: sg.sin(x) * y, backend="python")
    >>> c(0.0, 2.0)
    0.0
    >>> w = Value(3.0)
    >>> c = sg.compile(lambda x, y: (w * x - y) ** 2, params=[w], backend="python")
    >>> c.backward([1.0, 2.0], [3.0, 4.0]), w.grad
    (2.0, 4.0)
    """
    return Compiled(f, params, backend, reduce, static_argnums, allow_nonfinite, threads)


class Compiled:
    """A function that is recorded when first called, and replayed from then on; see `compile`."""

    def __init__(
        self, f: Callable[..., Any], params: Iterable[Value] | None = None, backend: str = "auto",
        reduce: str = "mean", static_argnums: int | Sequence[int] = (),
        allow_nonfinite: bool = False, threads: int | None = None,
    ) -> None:  # fmt: skip
        if not callable(f):
            raise TypeError(f"compile takes a function, got {type(f).__name__}: {f!r:.60}")
        if reduce not in ("mean", "sum"):
            raise ValueError(f"compile: reduce is 'mean' or 'sum', got {reduce!r}")
        self.f = f
        self.params = [] if params is None else checked_parameters(params)
        self.backend = chosen(backend)
        self.reduce = reduce
        static = static_argnums if isinstance(static_argnums, Sequence) else (static_argnums,)
        self.static = frozenset([as_count(i, "compile: static_argnums", 0) for i in static])
        self.allow_nonfinite = allow_nonfinite
        if threads is not None:
            threads = as_count(threads, "compile: threads")
        self.threads = threads or cores()
        self._variants: dict[Any, list[Variant]] = {}  # by the shapes of the arguments
        self._lock = RLock()
        self._names = lru_cache(lambda count: argument_names(f, count))  # 20 us each time else
        self.__name__ = getattr(f, "__name__", type(f).__name__)
        self.__doc__ = f.__doc__

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self!r} cannot be copied or pickled: its function would go on using the Values of "
            "the original. Compile the copy's own function"
        )

    def __repr__(self) -> str:
        told = f"{self.recordings} recordings" if self.recordings != 1 else "1 recording"
        return f"<compiled {self.__name__}, backend={self.backend!r}, {told}>"

    @property
    def recordings(self) -> int:
        """How often the function has been recorded: once for each shape and each branch."""
        return len(self.programs)

    @property
    def programs(self) -> list[Program]:
        """The program of each recording."""
        with self._lock:
            return [variant.program for kind in self._variants.values() for variant in kind]

    @property
    def program(self) -> Program:
        """The program of the first recording; a ValueError if there is none yet."""
        if not self._variants:
            raise ValueError(f"{self.__name__} has not been recorded yet: call it first")
        return self.programs[0]

    @property
    def theta(self) -> Any:
        """The numbers in the parameters, a copy as one array of float64 (a list without NumPy).

        Set as a whole, it sets the parameters.
        """
        return array([p.data for p in self.params])

    @theta.setter
    def theta(self, numbers: Sequence[float]) -> None:
        assign(self.params, [float(x) for x in self._theta(numbers)])

    def record(self, *args: Any) -> Program:
        """Record for arguments like these, without running on them; the program of the first."""
        self._parts(self._batch(args), None)
        return self.program

    def __call__(self, *args: Any) -> Any:
        """The results for all samples: what `f` returns, with an array of N in each place.

        With Values among the arguments they are those of one sample, and `f` runs on them as it
        is, as a part of a larger computation.
        """
        try:
            batch = self._batch(args)
        except TypeError:
            if any(map(_holds_values, args)):
                return self.f(*args)  # as a part of another computation it is what it was
            raise
        parts = self._parts(batch, None)
        first = parts[0][0]
        rows: list[Any] = [None] * len(first.program.outputs)
        for variant, samples in parts:
            if variant.form != first.form:
                raise ValueError(
                    f"{self.__name__} returns a result of the form {variant.form} for one sample, "
                    f"and {first.form} for another: they cannot stand in one array"
                )
            given = variant.values(samples, self.threads, self.allow_nonfinite)
            for k, column in enumerate(given):
                rows[k] = in_places(rows[k], column, samples.places, batch.count)
        return refilled(first.out, [float(row[0]) for row in rows] if batch.single else rows)

    def value_and_grad(self, *args: Any, theta: Sequence[float] | None = None) -> tuple[float, Any]:
        """The mean (or sum) over the samples, and its derivative.

        Args:
            args: arrays with a leading axis of N samples, or plain numbers for one.
            theta: the numbers to use for the parameters in place of those in them.

        Returns:
            (float, array of float64): the derivative by the parameters, in their order; if there
            are none, by the arguments, in their shapes (a tuple, if there are several).
        """
        try:
            batch = self._batch(args)
        except TypeError as fault:
            if any(map(_holds_values, args)):
                raise TypeError(
                    "value_and_grad of a compiled function takes numbers, not Values: inside a "
                    "computation call it as a function, and differentiate the whole"
                ) from fault
            raise
        numbers = None if theta is None else self._theta(theta)
        total = 0.0
        gradient: Any = None
        rows: list[Any] = [None] * len(batch.columns)
        for variant, samples in self._parts(batch, numbers):
            value, given = variant.value_and_grad(
                samples, numbers, self.threads, self.allow_nonfinite
            )
            total += value
            if self.params:
                gradient = given if gradient is None else added(gradient, given)
                continue
            for k, column in enumerate(given):
                rows[k] = in_places(rows[k], column, samples.places, batch.count)
        share = 1.0 / batch.count if self.reduce == "mean" else 1.0
        if self.params:
            return total * share, scaled(gradient, share)
        return total * share, batch.refilled([scaled(row, share) for row in rows])

    def backward(self, *args: Any) -> float:
        """The mean (or sum) over the samples; its derivatives are added to the parameters' `grad`.

        Nothing but their `grad` is changed, and on an error nothing at all.
        """
        if not self.params:
            raise ValueError(
                "backward adds to the gradients of parameters, and there are none: compile with "
                "params=, or use value_and_grad, which gives the derivative by the arguments"
            )
        value, gradient = self.value_and_grad(*args)
        # None: who comes from PyTorch clears gradients so
        sums = [(p.grad or 0.0) + g for p, g in zip(self.params, floats(gradient), strict=True)]
        for p, g in zip(self.params, sums, strict=True):
            p.grad = g
        return value

    def _batch(self, args: Sequence[Any]) -> Batch:
        return Batch(args, self._names(len(args)), self.static)

    def _theta(self, theta: Sequence[float]) -> Any:
        numbers = array(theta)
        shape = getattr(numbers, "shape", (len(numbers),))
        if shape != (len(self.params),):
            raise ValueError(
                f"theta must have one number for each of the {len(self.params)} parameters, "
                f"got the shape {shape}"
            )
        return numbers

    def _parts(self, batch: Batch, theta: Any) -> list[tuple[Variant, Samples]]:
        """The recordings that apply, each with its samples; new branches are recorded now."""
        if recorder():  # its parameters would be frozen, and two recordings wait for each other
            raise RecordingError(
                f"{self.__name__} is called on plain numbers while another function is recorded: "
                "call it on that function's values, of which it then is a part"
            )
        with self._lock:
            variants = self._variants.get(batch.key, [])
            if variants and not variants[0].program.guards:
                return [(variants[0], Samples(batch, None))]
            parts: list[tuple[Variant, list[int]]] = []
            left = list(range(batch.count))
            for variant in variants:
                mine, left = self._sorted_out(variant, batch, left, theta)
                parts.append((variant, mine))
            while left:
                # the sample that is recorded belongs here, were its comparison ever so close
                first, *left = left
                variant = Variant(self.f, self.params, self.backend, batch, first, theta)
                known = [v for v in variants if v.program == variant.program]
                if known:  # so close that rounding decided otherwise
                    parts.append((known[0], [first]))
                    continue
                variants.append(variant)
                self._variants[batch.key] = variants
                self._warn_of_many(len(variants))
                mine, left = self._sorted_out(variant, batch, left, theta)
                parts.append((variant, [first, *mine]))
            return [
                (variant, Samples(batch, places if len(places) < batch.count else None))
                for variant, places in parts
                if places
            ]

    def _sorted_out(
        self, variant: Variant, batch: Batch, places: list[int], theta: Any
    ) -> tuple[list[int], list[int]]:
        """Those samples that take the branches of a recording, and the others."""
        if not places:
            return [], []
        among = Samples(batch, places if len(places) < batch.count else None)
        fits = variant.fits(among, theta, self.threads)
        mine = [i for i, fit in zip(places, fits, strict=True) if fit]
        return mine, [i for i, fit in zip(places, fits, strict=True) if not fit]

    def _warn_of_many(self, count: int) -> None:
        if count == _MANY:
            warnings.warn(
                f"{self.__name__} has been recorded {count} times, once for each way its "
                "comparisons turn out: sg.where chooses without a new recording",
                RuntimeWarning,
                stacklevel=4,
            )


_MANY = 100  # recordings of one shape: whoever has so many pays for each, in time and memory


def cores() -> int:
    """How many processor cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _holds_values(x: Any) -> bool:
    if isinstance(x, dict):
        return any(map(_holds_values, x.values()))
    if getattr(getattr(x, "dtype", None), "kind", "") == "O":
        x = x.ravel().tolist()
    if isinstance(x, (list, tuple)):
        return any(map(_holds_values, x))
    return isinstance(x, Traced)
