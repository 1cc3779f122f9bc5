"""Compile a function of one sample: record it once, replay it on many samples."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from math import isfinite
from threading import RLock
from typing import Any, NoReturn

from scalargrad.core.arguments import as_choice, as_flag, is_list
from scalargrad.core.modes import recorder
from scalargrad.core.numbers import as_count, shown
from scalargrad.core.value import Value, data_of, grads_of, packed_data, set_data, set_grads
from scalargrad.optim import checked_parameters
from scalargrad.replay.arrays import (
    added,
    all_finite,
    array,
    as_array,
    floats,
    is_whole,
    scaled,
    scattered,
)
from scalargrad.replay.backends import select
from scalargrad.replay.backends.backend import Options
from scalargrad.replay.backends.jax import start as start_jax
from scalargrad.replay.batch import Batch, Memory, argument_names
from scalargrad.replay.export.document import written
from scalargrad.replay.export.recorded import Recorded
from scalargrad.replay.export.source import source
from scalargrad.replay.places import Place, all_hold, places_of
from scalargrad.replay.program import Program
from scalargrad.replay.recorder import RecordingError
from scalargrad.replay.variant import Samples, Variant
from scalargrad.transforms.functional import checked_function, name_of
from scalargrad.transforms.tree import refilled, values_in

__all__ = ["Compiled", "compile"]


def compile(
    f: Callable[..., Any], params: Iterable[Value] | None = None, backend: str = "auto",
    reduction: str = "mean", static_argnums: int | Sequence[int] = (), *,
    allow_nonfinite: bool = False, threads: int | None = None, dtype: str = "float64",
) -> Compiled:  # fmt: skip
    """Record a function of one sample on its first call, and replay it on many samples.

    The recorded function does what `f` does, or refuses: what `f` raises on a sample is raised on
    that sample, and ``try ... except`` goes the same way. There are these exceptions. What a
    recorded `sg.where` leaves aside may be undefined. Numbers differ by roundings; where rounding
    alone decides a comparison, `//`, `floor` or the edge of a domain, Python decides. And what `f`
    reads besides its arguments and Values is read while it is recorded, and constant afterwards, as
    in other tensor libraries: numbers in lists and attributes, files, random generators of its own.

    `f` runs once for each shape of its arguments and for each way its comparisons turn out, and
    once more where it creates Values or an operation fails. Values that it uses are followed: a new
    number in one, and another Value in the place of one (of `params`, the Values given count; where
    they are few, another one in the place of one is an error).

    Args:
        f: A function of the numbers of one sample (scalars, nested lists, or dicts, named tuples
            and dataclasses of them), which returns a Value or a nesting of Values. None, texts and
            flags among its arguments belong to all samples, and each of them is recorded on its
            own; in its result a flag is a number, as a comparison is.
        params: The leaf Values to differentiate with respect to, such as ``model.parameters()``.
            Without them, derivatives are with respect to the arguments.
        backend: The name of a backend. "auto" takes the fastest one installed; "python" needs no
            library and is slow.
        reduction: "mean" or "sum": how `value_and_grad` combines the samples.
        static_argnums: The position of each argument that is passed on unchanged, and not read as
            one number per sample. Each of its values is recorded separately.
        allow_nonfinite: Return nan and infinities instead of raising FloatingPointError: nan for a
            sample on which an operation fails.
        threads: The number of threads; by default one per processor core. It does not change the
            result, to the last bit.
        dtype: "float64", or "float32" for a backend that computes in it ("jax"): half the memory,
            and on accelerators many times the speed, for 7 digits. Results are float64 all the
            same.

    Returns:
        A `Compiled`. Called with arrays whose first axis counts N samples, it returns arrays of N
        results; called with plain numbers, it returns plain numbers.

    Raises:
        TypeError, ValueError: An argument is invalid.
        ImportError: The backend needs a library that is not installed.
        RecordingError: In a call: `f` reads a number that would become a constant of the program,
            by `.data`, a format or a look-up in a dict or set, or looks at a comparison as an
            object.
        FloatingPointError: In a call: an operation fails, or a result is nan or infinite. The
            message names the sample and the first instruction that made it so. For an operation
            that fails, the error is also of the type that it raises eagerly, such as ValueError.

    >>> c = sg.compile(lambda x, y: sg.tanh(x) * y, backend="python")
    >>> [round(float(y), 4) for y in c([0.5, 0.25], [1.0, 2.0])]
    [0.4621, 0.4898]
    >>> w = Value(3.0)
    >>> c = sg.compile(lambda x, y: (w * x - y) ** 2, params=[w], backend="python")
    >>> c.backward([1.0, 2.0], [3.0, 4.0]), w.grad
    (2.0, 4.0)
    """
    return Compiled(f, params, backend, reduction, static_argnums, allow_nonfinite, threads, dtype)


class Compiled:
    """A function that is recorded on its first call and replayed afterwards; see `compile`.

    >>> c = sg.compile(lambda x: x * x, backend="python")
    >>> c(3.0), c.recordings
    (9.0, 1)
    """

    def __init__(
        self, f: Callable[..., Any], params: Iterable[Value] | None = None, backend: str = "auto",
        reduction: str = "mean", static_argnums: int | Sequence[int] = (),
        allow_nonfinite: bool = False, threads: int | None = None, dtype: str = "float64",
    ) -> None:  # fmt: skip
        self.f = checked_function(f, "compile")
        as_choice(reduction, ("mean", "sum"), "compile: reduction")
        self.params = [] if params is None else checked_parameters(params)
        self.dtype = as_choice(dtype, ("float64", "float32"), "compile: dtype")
        self._backend = select(backend, dtype)
        self.backend = self._backend.name
        self.reduction = reduction
        static = static_argnums if is_list(static_argnums) else (static_argnums,)
        self.static = frozenset([as_count(i, "compile: static_argnums", 0) for i in static])
        self.allow_nonfinite = as_flag(allow_nonfinite, "compile: allow_nonfinite")
        if threads is not None:
            threads = as_count(threads, "compile: threads")
        self.options = Options(threads=threads or _cores())
        self._variants: dict[Any, list[Variant]] = {}  # by the shapes of the arguments
        self._earlier: dict[str, bool] = {}  # the `care` of another process
        self._split: Any = None  # the devices of `shard`
        self._places: list[Place] = []  # that hold the Values in use
        self._lock = RLock()
        self._memory = Memory()
        self._names: Callable[[int], list[str]]
        self._names = lru_cache(lambda count: argument_names(f, count))  # saves 20 us a call
        self.__name__ = name_of(f)
        self.__doc__ = f.__doc__

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self!r} cannot be copied or pickled: its function would still use the Values of the "
            "original. Compile the copy's own function"
        )

    def __repr__(self) -> str:
        count = f"{self.recordings} recording{'s' * (self.recordings != 1)}"
        form = f", {form}" if (form := self.form) else ""
        if self._split is not None:
            form += f", samples over {self._split.size} devices"
        return f"<compiled {self.__name__}, backend={self.backend!r}{form}, {count}>"

    @property
    def threads(self) -> int:
        """The number of threads that may work on one call."""
        return self.options.threads

    @property
    def form(self) -> str:
        """The form of the first program that has run, where the backend has several, else "".

        That of "jax" is "grouped", with an array for each group of instructions, or "interpreted",
        which is compiled sooner where there are few groups of equal instructions.
        """
        with self._lock:
            variants = [variant for kind in self._variants.values() for variant in kind]
        return next((form for variant in variants if (form := variant.runs_as)), "")

    @property
    def recordings(self) -> int:
        """The number of recordings: one for each shape of the arguments and each branch."""
        return len(self.programs)

    @property
    def programs(self) -> list[Program]:
        """The program of each recording."""
        with self._lock:
            return [variant.program for kind in self._variants.values() for variant in kind]

    @property
    def outside(self) -> list[Value]:
        """The Values that the recordings use, besides `params` and the arguments."""
        with self._lock:
            found = [x for kind in self._variants.values() for v in kind for x in v.found]
            return list(dict.fromkeys(found))

    @property
    def care(self) -> dict[str, bool]:
        """By the digest of each recording, whether its gradient is computed with care.

        Setting it in another process makes the same bits of the same numbers there: once infinite
        numbers had to be kept from flowing on, sums are taken in another order.
        """
        with self._lock:
            every = [variant for kind in self._variants.values() for variant in kind]
            return self._earlier | {variant.digest: variant.careful for variant in every}

    @care.setter
    def care(self, care: dict[str, bool]) -> None:
        with self._lock:
            self._earlier = dict(care)
            for variant in (variant for kind in self._variants.values() for variant in kind):
                variant.careful = care.get(variant.digest, variant.careful)

    @property
    def program(self) -> Program:
        """The program of the first recording.

        Raises:
            ValueError: The function has not been recorded yet.
        """
        if not self._variants:
            raise ValueError(f"{self.__name__} has not been recorded yet: call it first")
        return self.programs[0]

    @property
    def gradient_program(self) -> Program:
        """The program of the first recording together with its derivative.

        Its outputs are the value and the derivatives that `value_and_grad` returns.

        Raises:
            TypeError: The function returns more than one number.
            ValueError: The function has not been recorded yet.

        >>> c = sg.compile(lambda x: x * x, backend="python")
        >>> len(c.record(3.0)), len(c.gradient_program)
        (1, 3)
        """
        _ = self.program  # the error if there is none
        with self._lock:
            return next(iter(self._variants.values()))[0].gradient_program()

    @property
    def theta(self) -> Any:
        """The numbers in the parameters, copied into one float64 array (a list without NumPy).

        Assigning to it sets the parameters.
        """
        return array(packed_data(self.params))

    @theta.setter
    def theta(self, numbers: Sequence[float]) -> None:
        set_data(self.params, floats(self._theta(numbers)))

    def record(self, *args: Any) -> Program:
        """Record for arguments like these, without running on them.

        Args:
            *args: Arrays whose first axis counts samples, or plain numbers for one sample.

        Returns:
            The program of the first recording.

        >>> print(sg.compile(lambda x: sg.tanh(x) + 1.0).record(0.5))
        program of 2 instructions: 1 input, 0 parameters
        for each sample:
            v0 = tanh(x)
            v1 = v0 + 1.0
        return v1
        """
        self._parts(self._batch(args), None)
        return self.program

    def __call__(self, *args: Any) -> Any:
        """Run on all samples.

        With Values among the arguments, these are the numbers of one sample, and `f` itself runs on
        them: its graph becomes part of the graph around it.

        Args:
            *args: Arrays whose first axis counts N samples, or plain numbers for one sample.

        Returns:
            The result of `f`, with an array of N numbers in the place of each Value, or with plain
            numbers for one sample.

        Raises:
            TypeError, ValueError: The arguments do not fit together, or `f` returns results of
                different forms.
            FloatingPointError: A result is nan or infinite.
        """
        try:
            batch = self._batch(args)
        except TypeError:
            if any(map(_holds_values, args)):
                return self.f(*args)  # inside another computation, run `f` itself
            raise
        parts = self._parts(batch, None)
        first = parts[0][0]
        rows: list[Any] = [None] * len(first.program.outputs)
        for variant, samples in parts:
            if variant.form != first.form:
                raise ValueError(
                    f"{self.__name__} returns a result of the form {variant.form} for one sample "
                    f"and of the form {first.form} for another: they do not fit in one array"
                )
            columns, suspects = variant.values(samples, self.allow_nonfinite)
            for k, column in enumerate(columns):
                rows[k] = scattered(rows[k], column, samples.indices, batch.count)
            if suspects:  # what is found for them overwrites this
                parts += self._settled(variant, batch, suspects, None)
        batch.done()
        return refilled(first.out, [float(row[0]) for row in rows] if batch.single else rows)

    def value_and_grad(self, *args: Any, theta: Sequence[float] | None = None) -> tuple[float, Any]:
        """The mean (or sum) of the results over the samples, and its derivatives.

        Args:
            *args: Arrays whose first axis counts N samples, or plain numbers for one sample.
            theta: Numbers to use for the parameters in place of their own, shape (P,).

        Returns:
            The mean (or sum) as a float, and the derivatives: with `params`, a float64 array of
            shape (P,) in their order; without, an array of the shape of each argument, in a tuple
            if there are several.

        Raises:
            TypeError: `f` does not return one number, or an argument is a Value.
            OverflowError: A number is beyond the range of floats.
            ValueError: The arguments do not fit together, or `theta` has another length.
            FloatingPointError: A result or a derivative is nan or infinite.

        >>> w = Value(3.0)
        >>> c = sg.compile(lambda x: w * x**2, params=[w], backend="python")
        >>> value, gradient = c.value_and_grad([1.0, 2.0])
        >>> value, [float(g) for g in gradient]
        (7.5, [2.5])
        """
        numbers = None if theta is None else self._theta(theta)
        if (found := self._on_devices(args, numbers)) is not None:
            return found
        try:
            batch = self._batch(args)
        except TypeError as failed:
            if any(map(_holds_values, args)):
                raise TypeError(
                    "value_and_grad of a compiled function takes numbers, not Values: inside "
                    "another computation call the function itself, and differentiate the whole"
                ) from failed
            raise
        total = 0.0
        gradient: Any = None
        rows: list[Any] = [None] * len(batch.columns)
        parts = self._parts(batch, numbers)
        for variant, samples in parts:
            value, slopes, suspects = variant.value_and_grad(samples, numbers, self.allow_nonfinite)
            if suspects:  # once more without them
                rest = samples.without(suspects)
                parts += [(variant, rest)] if rest else []
                parts += self._settled(variant, batch, suspects, numbers)
                continue
            total += value
            if self.params:
                gradient = slopes if gradient is None else added(gradient, slopes)
                continue
            for k, column in enumerate(slopes):
                rows[k] = scattered(rows[k], column, samples.indices, batch.count)
        batch.done()
        weight = 1.0 / batch.count if self.reduction == "mean" else 1.0
        if self.params:
            return total * weight, scaled(gradient, weight)
        return total * weight, batch.refilled([scaled(row, weight) for row in rows])

    def _on_devices(self, args: Sequence[Any], theta: Any) -> tuple[float, Any] | None:
        """The value and derivatives of arrays on devices; None where Python has to look."""
        if self._split is None or not self.params or not self._split.holds(args):
            return None
        with self._lock:
            if self._places and not all_hold(self._places):
                self._forget()
            if tuple(x.shape[1:] for x in args) not in self._variants:
                self.record(*self._split.first(args))
            variants = [variant for kind in self._variants.values() for variant in kind]
            if recorder() or self.static or any(v.literal.raised for v in variants):
                return None
            state = [v.digest for v in variants], data_of(self.outside)
            numbers = self.theta if theta is None else theta
            value, gradient = self._split.value_and_grad(state, numbers, args)
        return (value, gradient) if isfinite(value) and all_finite(gradient) else None

    def to_source(self, language: str, *args: Any) -> str:
        """The recorded program in another language, for where scalargrad is not installed.

        It consists of the recordings for arguments of one shape, one for each branch: a sample that
        takes another branch is refused there. Values that are no parameters become constants.

        Args:
            language: "python" for a module of NumPy with the functions ``value`` and
                ``value_and_grad``, or "c" for a file of C99, whose first comment says how to call
                it.
            *args: Example arguments, on which it runs first, so that their branches are recorded;
                their shapes are those of the export. Without them, all that has been recorded so
                far is exported.

        Returns:
            The text of the file.

        Raises:
            TypeError: It uses an operation that cannot be written, such as one made with
                `sg.primitive`.
            ValueError: `language` is another one; nothing has been recorded, or arguments of
                several shapes have; or the function catches errors of operations.
            FloatingPointError: A result of the example arguments is nan or infinite.

        >>> c = sg.compile(lambda x, y: sg.tanh(x) * y, backend="python")
        >>> source = c.to_source("python", 0.5, 2.0)
        >>> "v1 = np.tanh(x)" in source, "scalargrad" in source.split("import numpy")[1]
        (True, False)
        """
        as_choice(language, ("python", "c"), "to_source: language")
        key = self._batch(args).key if args else None
        return source(self._exported(args), key, language)

    def to_json(self, *args: Any) -> str:
        """All recordings as JSON, which `from_json` reads in this and all later versions.

        Args:
            *args: Example arguments, on which it runs first, so that their branches are recorded.

        Returns:
            The text. It holds the program and the numbers of the Values in it, no code.

        Raises:
            TypeError: It uses an operation made with `sg.primitive`, or a static argument that is
                no plain value.
            ValueError: Nothing has been recorded.
            FloatingPointError: A result of the example arguments is nan or infinite.

        >>> c = sg.compile(lambda x, y: sg.tanh(x) * y, backend="python")
        >>> twin = sg.from_json(c.to_json(0.5, 2.0), backend="python")
        >>> twin(0.5, 2.0) == c(0.5, 2.0)
        True
        """
        return written(self._exported(args))

    def _exported(self, args: Sequence[Any]) -> Recorded:
        """What has been recorded, these arguments included."""
        if args:
            self.record(*args)
            self(*args)  # finds the samples in which an operation fails, and records those
        _ = self.program  # the error if there is none
        with self._lock:
            return Recorded.of(
                self.__name__, self.reduction, self.allow_nonfinite, self.params,
                self._variants, self._names,
            )  # fmt: skip

    def backward(self, *args: Any) -> float:
        """Add the derivatives of the mean (or sum) to `grad` of each parameter.

        Args:
            *args: Arrays whose first axis counts N samples, or plain numbers for one sample.

        Returns:
            The mean (or sum) of the results over the samples.

        Raises:
            ValueError: The function was compiled without `params`.
            Exception: All errors of `value_and_grad`. After an error no `grad` has changed.
        """
        if not self.params:
            raise ValueError(
                "backward adds to the gradients of parameters, and there are none: compile with "
                "params=..., or use value_and_grad, which differentiates by the arguments"
            )
        value, gradient = self.value_and_grad(*args)
        pairs = zip(grads_of(self.params), floats(gradient), strict=True)
        set_grads(self.params, [before + g for before, g in pairs])
        return value

    def to_jax(self, dtype: str = "float64") -> Any:
        """The mean (or sum) over the samples as a pure function of JAX.

        It has what was recorded so far: call `record` first, on samples of each kind.

        Args:
            dtype: "float64", in which it computes even where JAX has it off, or "float32".

        Returns:
            A function ``f(theta, *columns)``: theta holds the numbers of `params`, shape (P,), and
            each column those of an argument, shape (N, ...). It is made for `jax.jit`, `jax.vmap`
            and `jax.shard_map`, and JAX's derivatives of it are those of the recorded program. In
            the place of errors it gives nan, as for a sample with a branch that was not recorded.
            Other Values that `f` uses count with the numbers they have when JAX traces it.

        Raises:
            ImportError: JAX is not installed, or too old.
            TypeError: The function returns more than one number. When it is called with
                dtype="float32": an argument holds whole numbers.
            ValueError: Nothing was recorded yet, or what was cannot become such a function.

        >>> w = Value(3.0)
        >>> c = sg.compile(lambda x: w * x, [w], backend="python")
        >>> _ = c.record([1.0, 2.0])
        >>> f = c.to_jax()  # doctest: +SKIP
        >>> jax.jit(jax.grad(f))([3.0], [1.0, 2.0])  # doctest: +SKIP
        Array([1.5], dtype=float64)
        """
        select("jax")  # the error if it cannot run
        as_choice(dtype, ("float64", "float32"), "to_jax: dtype")
        if self.static:
            raise ValueError(
                f"{self.__name__}: to_jax takes no static arguments: bind them first, as in "
                "sg.compile(functools.partial(f, ...))"
            )
        _ = self.program  # the error if there is none
        start_jax()
        from scalargrad.replay.backends.jax.function import Branch, JaxFunction

        with self._lock:
            recorded = {key: [*variants] for key, variants in self._variants.items()}
        branches: dict[Any, list[Branch]] = {}
        for key, variants in recorded.items():
            for variant in variants:
                variant.check_alone()
                if variant.literal.raised:
                    raise ValueError(
                        f"{self.__name__} catches the error of an operation in some samples, which "
                        "a function of JAX cannot: choose with sg.where what is not defined"
                    )
            branches[key] = [
                Branch(
                    variant.derived, [guard.expected for guard in variant.program.guards],
                    partial(data_of, variant.found), len(self.params), variant.careful_may_differ,
                    dtype,
                )
                for variant in variants
            ]  # fmt: skip
        return JaxFunction(
            self.__name__, branches, len(self.params), self.reduction == "mean", dtype
        )

    def shard(self, mesh: Any, axis: str = "samples") -> Compiled:
        """The same function on many devices of JAX: the samples split, the parameters repeated.

        A sum over the samples is one sum over the devices. Any number of samples will do: the last
        one is repeated with weight zero, which changes nothing. A call with little work, below
        some ten thousand operations, is not split.

        Arrays of NumPy are sent to the devices in each call. Arrays of JAX that lie on all devices
        of the mesh already, each with its part of the samples, stay there in `value_and_grad` and
        `backward` with `params`; so no process needs the data of others. They are fetched only if
        the result is not finite, or a sample takes a branch that is not recorded yet.

        Args:
            mesh: A mesh of devices, as from `jax.make_mesh`. It may span several processes: then
                all of them call with the same numbers, and each gets all results.
            axis: The name of its axis to split the samples over; over others all is repeated.

        Returns:
            A `Compiled` with the same parameters and all that was recorded. It gives the results
            and the errors of this one, but for roundings, since sums are taken in another order.

        Raises:
            ImportError: JAX is not installed, or too old.
            TypeError: `mesh` is no mesh of devices, or `axis` no text.
            ValueError: The mesh has no such axis, or no device of this process.
            DeviceError: In a call: the devices failed, or another process has died. It is a
                RuntimeError.

        >>> w = Value(3.0)
        >>> c = sg.compile(lambda x: w * x, [w], backend="python")
        >>> mesh = jax.make_mesh((8,), ("samples",))  # doctest: +SKIP
        >>> c.shard(mesh).value_and_grad([1.0, 2.0])  # doctest: +SKIP
        (4.5, array([1.5]))
        """
        backend = select("jax", self.dtype)  # the error if it cannot run
        start_jax()
        from scalargrad.replay.backends.jax.sharded import ShardedRunner, Split, check_mesh

        check_mesh(mesh, axis, "shard")
        twin = Compiled(
            self.f, self.params or None, "jax", self.reduction, sorted(self.static),
            self.allow_nonfinite, self.threads, self.dtype,
        )  # fmt: skip
        runner = partial(ShardedRunner, dtype=self.dtype, mesh=mesh, axis=axis)
        twin._backend = replace(backend, prepare=runner)
        twin._split = Split(mesh, axis, partial(twin.to_jax, self.dtype))
        with self._lock:
            twin._earlier, recorded = self.care, dict(self._variants)
            variants = {
                key: [
                    Variant.restored(
                        self.f, self.params, v.found, twin._backend, twin.options, v.literal,
                        v.out, v.failure, v.hopeless,
                    )
                    for v in kind
                ]
                for key, kind in recorded.items()
            }  # fmt: skip
        twin._restore(variants, {})
        twin._names, twin.__name__ = self._names, self.__name__
        return twin

    def _restore(
        self, variants: Mapping[Any, Sequence[Variant]], names: Mapping[int, Sequence[str]]
    ) -> None:
        """Take over recordings that were made somewhere else.

        Args:
            variants: By the key of their arguments, their recordings.
            names: By the count of arguments, their names.
        """
        names_of = self._names
        self._names = lambda count: list(names.get(count) or names_of(count))
        for key, recordings in variants.items():
            self._variants[key] = list(recordings)
            for variant in recordings:
                self._watch_places(variant.found)

    def _batch(self, args: Sequence[Any]) -> Batch:
        if self.dtype == "float32":
            for i, name in enumerate(self._names(len(args))):
                if i not in self.static and is_whole(args[i]):
                    raise TypeError(
                        f"dtype='float32', but argument {name!r} holds whole numbers, which beyond "
                        "2**24 would change: convert it (x.astype('float32')), or take float64"
                    )
        if self._split is not None:
            args = [self._split.gathered(x) for x in args]
        return Batch(args, self._names(len(args)), self.static, self._memory)

    def _theta(self, theta: Sequence[float]) -> Any:
        wanted = (len(self.params),)
        if getattr(theta, "shape", None) != wanted and not is_list(theta):
            raise TypeError(
                f"theta must be an array or a list of {len(self.params)} numbers, one for each "
                f"parameter, got {shown(theta)}"
            )
        numbers = as_array(theta, "theta")
        shape = getattr(numbers, "shape", (len(numbers),))
        if shape != wanted:
            raise ValueError(
                f"theta must have one number for each of the {len(self.params)} parameters, "
                f"got shape {shape}"
            )
        return numbers

    def _parts(self, batch: Batch, theta: Any) -> list[tuple[Variant, Samples]]:
        """The recordings that apply, each with its samples. New branches are recorded here."""
        if recorder():  # the parameters would become constants, and two recordings could deadlock
            raise RecordingError(
                f"{self.__name__} is called on plain numbers while another function is recorded: "
                "call it on values of that function, so that it becomes part of the recording"
            )
        with self._lock:
            if self._places and not all_hold(self._places):
                self._forget()
            variants = self._variants.get(batch.key, [])
            if variants and variants[0].takes_all:
                return [(variants[0], Samples(batch, None))]
            parts: list[tuple[Variant, Samples]] = []
            rest = list(range(batch.count))
            for variant in variants:
                rest = _divided(variant, batch, rest, theta, parts)
            while rest:
                first = rest[0]
                variant, undefined = self._recorded(batch, first, theta)
                rest = _divided(variant, batch, rest, theta, parts)
                if first in rest:  # it belongs to its recording, however a backend rounds
                    rest.remove(first)
                    parts.append((variant, Samples(batch, [first], True, undefined)))
            # In the order of their samples: the sum then does not depend on earlier batches.
            return sorted(parts, key=lambda part: part[1].at([0]))

    def _recorded(self, batch: Batch, index: int, theta: Any) -> tuple[Variant, bool]:
        """A recording of one sample: a new one, or the equal one that there is.

        Also whether an operation fails in that sample for good, which `allow_nonfinite` allows.
        """
        variants = self._variants.get(batch.key, [])
        variant = Variant(
            self.f, self.params, self._backend, self.options, batch, index, theta,
            self.allow_nonfinite,
        )  # fmt: skip
        undefined = variant.failure is not None
        for known in variants:
            if known.literal == variant.literal:  # rounding decided otherwise in that one
                known.hopeless |= variant.hopeless
                return known, undefined
        self._watch_places(variant.found)
        if self._earlier:
            variant.careful = self._earlier.get(variant.digest, False)
        # Those with errors in them come last: Python has to look at each sample for them.
        variants.append(variant)
        variants.sort(key=lambda v: bool(v.literal.raised))
        self._variants[batch.key] = variants
        self._warn_of_many(len(variants))
        return variant, undefined

    def _watch_places(self, found: Sequence[Value]) -> None:
        """Note where the function finds its Values, to see whether others are put there."""
        params = self.params if len(self.params) <= _MOST_PLACES else []
        known = {id(place.held) for place in self._places}
        fresh = [value for value in (*params, *found) if id(value) not in known]
        if fresh:
            self._places += places_of(self.f, fresh)

    def _forget(self) -> None:
        """Drop all recordings: a Value was replaced by another one."""
        replaced = {id(place.held) for place in self._places if not all_hold([place])}
        if any(id(p) in replaced for p in self.params):
            raise RecordingError(
                f"{self.__name__}: a Value of params was replaced by another one after recording. "
                "Set its number (w.data = ...), or compile with the new Values"
            )
        self._variants.clear()
        self._earlier.clear()
        self._places = []

    def _settled(
        self, variant: Variant, batch: Batch, indices: Sequence[int], theta: Any
    ) -> list[tuple[Variant, Samples]]:
        """The recordings of samples on which an operation may fail, or rounding decides."""
        grouped: dict[tuple[Variant, bool], list[int]] = {}
        with self._lock:
            for index in indices:
                grouped.setdefault(self._judged(variant, batch, index, theta), []).append(index)
        return [
            (own, Samples(batch, mine, exact=True, undefined=undefined))
            for (own, undefined), mine in grouped.items()
        ]

    def _judged(
        self, variant: Variant, batch: Batch, index: int, theta: Any
    ) -> tuple[Variant, bool]:
        """The recording of a sample by Python, and whether an operation fails in it for good."""
        verdict = variant.judge(batch, index, theta)
        if verdict.fits:
            return variant, False
        if verdict.failure in variant.hopeless:
            return variant, True
        for other in self._variants.get(batch.key, []):
            if other is not variant and other.judge(batch, index, theta).fits:
                return other, False
        own, undefined = self._recorded(batch, index, theta)
        if undefined and verdict.failure is not None:
            variant.hopeless.add(verdict.failure)
        return own, undefined

    def _warn_of_many(self, count: int) -> None:
        if count == _MANY:
            warnings.warn(
                f"{self.__name__} has been recorded {count} times, once for each way its "
                "comparisons turn out. sg.where chooses without a new recording",
                RuntimeWarning,
                stacklevel=4,
            )


_MOST_PLACES = 16  # of parameters: more would cost too much in each call
_MANY = 100  # recordings of one shape; each one costs time and memory


def _divided(
    variant: Variant, batch: Batch, indices: list[int], theta: Any,
    parts: list[tuple[Variant, Samples]],
) -> list[int]:  # fmt: skip
    """Add the samples that take the branches of a recording to `parts`; return the others."""
    if not indices:
        return []
    fits = variant.fits(Samples(batch, indices if len(indices) < batch.count else None), theta)
    mine: list[int] = []
    exact: list[int] = []
    rest: list[int] = []
    for index, fit in zip(indices, fits, strict=True):
        if fit is None:
            fit = variant.judge(batch, index, theta).fits
            (exact if fit else rest).append(index)
        else:
            (mine if fit else rest).append(index)
    if mine:
        parts.append((variant, Samples(batch, mine if len(mine) < batch.count else None)))
    if exact:
        parts.append((variant, Samples(batch, exact, exact=True)))
    return rest


def _cores() -> int:
    """The number of processor cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _holds_values(x: Any) -> bool:
    try:
        return bool(values_in(x)[0])
    except ValueError:  # a list that contains itself
        return False
