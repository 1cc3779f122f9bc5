"""A program on the devices of a mesh: each takes a part of the samples, and one sum joins them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax.errors import JaxRuntimeError
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from scalargrad.core.numbers import shown
from scalargrad.replay.backends.backend import DEFAULT, DeviceError, Options
from scalargrad.replay.backends.jax.runner import JaxRunner
from scalargrad.replay.program import Program

__all__ = ["ShardedRunner", "Split", "check_mesh", "spans_processes"]

_DIGITS = 5  # binary ones of the samples per device: so many numbers of samples share their code


def check_mesh(mesh: Any, axis: Any, caller: str) -> None:
    """See that a mesh has an axis, and devices of this process.

    Raises:
        TypeError: it is no mesh of devices, or the axis no name.
        ValueError: it has no such axis, or none of its devices belongs to this process.
    """
    how = (
        "make one with jax.make_mesh((8,), ('samples',)); where JAX has a processor alone, "
        "JAX_NUM_CPU_DEVICES=8 in the environment makes 8 devices of it"
    )
    if not isinstance(mesh, Mesh):
        raise TypeError(f"{caller}: mesh must be a mesh of JAX devices, got {shown(mesh)}: {how}")
    if not isinstance(axis, str):
        raise TypeError(f"{caller}: axis must be the name of an axis, got {shown(axis)}")
    if axis not in mesh.axis_names:
        names = ", ".join(map(repr, mesh.axis_names))
        raise ValueError(
            f"{caller}: the mesh has no axis {axis!r} to split the samples over, but {names}: "
            f"call c.shard(mesh, axis=...) with one of these, or name the axis of the mesh {axis!r}"
        )
    mine = jax.process_index()
    if all(device.process_index != mine for device in mesh.devices.flat):
        raise ValueError(
            f"{caller}: no device of the mesh belongs to this process ({mine}): make the mesh of "
            "jax.devices(), the devices of all processes"
        )


def spans_processes(mesh: Any) -> bool:
    """Whether the devices of a mesh belong to several processes."""
    return len({device.process_index for device in mesh.devices.flat}) > 1


class Split:
    """The samples split over an axis of a mesh, and what is computed of arrays that lie there.

    Args:
        mesh: The mesh.
        axis: The name of the axis.
        to_jax: Makes a `JaxFunction` of all that has been recorded.
    """

    def __init__(self, mesh: Mesh, axis: str, to_jax: Callable[[], Any]) -> None:
        self.mesh, self.axis, self.size = mesh, axis, mesh.shape[axis]
        self._devices, self._to_jax = {*mesh.devices.flat}, to_jax
        self._run: tuple[Any, Any] = None, None

    def holds(self, columns: Sequence[Any]) -> bool:
        """Whether arrays lie on the devices of the mesh, with equally many samples on each."""
        return bool(columns) and all(
            isinstance(x, jax.Array)
            and not isinstance(x, jax.core.Tracer)
            and x.ndim > 0
            and x.shape[0] == columns[0].shape[0] > 0
            and x.shape[0] % self.size == 0
            and (self.size == 1 or x.sharding.device_set == self._devices)
            for x in columns
        )

    def value_and_grad(self, state: Any, theta: Any, columns: Sequence[Any]) -> tuple[float, Any]:
        """The value and its derivative by theta; nan or infinite where Python has to look.

        Args:
            state: What the function depends on besides its arguments: it is traced anew if another
                one comes.
            theta: Shape (P,).
            columns: Arrays that it `holds`.
        """
        if self._run[0] != state:
            self._run = state, self._made(self._to_jax(), len(columns))
        with jax.enable_x64(True), failing(self.mesh):
            value, gradient = self._run[1](theta, *map(self._placed, columns))
            return float(value), np.asarray(gradient, np.float64)

    def _made(self, f: Any, count: int) -> Any:
        def of_one_device(theta: Any, *columns: Any) -> Any:
            return f.value_and_grad(theta, *columns, axis=self.axis)

        split = PartitionSpec(self.axis)
        return jax.jit(
            jax.shard_map(
                of_one_device, mesh=_auto(self.mesh), check_vma=False,
                in_specs=(PartitionSpec(), *[split] * count), out_specs=PartitionSpec(),
            )
        )  # fmt: skip

    def first(self, columns: Sequence[Any]) -> list[Any]:
        """The first sample of arrays, as arrays of the host."""
        return [self._everywhere(lambda x: x[:1], x) for x in columns]

    def gathered(self, x: Any) -> Any:
        """An array of all processes as one of the host; anything else as it is."""
        if not isinstance(x, jax.Array) or isinstance(x, jax.core.Tracer):
            return x
        here = x.is_fully_addressable or x.is_fully_replicated
        return np.asarray(x) if here else self._everywhere(lambda x: x, x)

    def _everywhere(self, f: Any, x: Any) -> Any:
        everywhere = NamedSharding(_auto(self.mesh), PartitionSpec())
        with jax.enable_x64(True), failing(self.mesh):
            return np.asarray(jax.jit(f, out_shardings=everywhere)(self._placed(x)))

    def _placed(self, x: Any) -> Any:
        """The array as it lies, or moved, with its first axis split."""
        return jax.device_put(x, NamedSharding(_auto(self.mesh), PartitionSpec(self.axis)))


@contextmanager
def failing(mesh: Mesh) -> Iterator[None]:
    """What fails in the block is a `DeviceError` of this mesh."""
    try:
        yield
    except JaxRuntimeError as error:
        raise DeviceError(f"the devices of the mesh {dict(mesh.shape)} failed: {error}") from error


class ShardedRunner(JaxRunner):
    """Runs a program with the samples split over an axis of a mesh, and the parameters on each.

    A call with little work runs whole, in each process, as that of a `JaxRunner` does. In several
    processes all must make the same calls with the same numbers: each places what its own devices
    need, and each gets all results.

    Args:
        program: Any program.
        dtype: The type of its numbers, "float64" or "float32".
        mesh: The mesh; over its other axes all is repeated.
        axis: The name of the axis.
    """

    def __init__(self, program: Program, dtype: str, mesh: Mesh, axis: str) -> None:
        super().__init__(program, dtype)
        self.mesh, self.axis, self.size = mesh, axis, mesh.shape[axis]

    def run(self, parameters: Any, columns: Any, options: Options = DEFAULT) -> tuple[Any, Any]:
        """Run on N samples, as a `JaxRunner` does.

        Raises:
            DeviceError: The devices failed: their memory is full, or another process has died.
        """
        with failing(self.mesh):
            return super().run(parameters, columns, options)

    def _run(self, parameters: Any, columns: Any) -> tuple[Any, Any]:
        if self._function is None:
            self._function = self._made()
        n = columns.shape[1]
        count = self.size * _rounded(-(-n // self.size))

        def part(index: tuple[slice, ...]) -> Any:
            """The samples of one device; after the last one that again, which has no weight."""
            start, stop, _ = index[-1].indices(count)
            return columns[:, np.minimum(np.arange(start, stop), n - 1)]

        def weights(index: tuple[slice, ...]) -> Any:
            start, stop, _ = index[0].indices(count)
            return (np.arange(start, stop) < n).astype(self.dtype)

        uniform, samples = self._function(
            self._placed(parameters.shape, PartitionSpec(), parameters.__getitem__),
            self._placed((len(columns), count), PartitionSpec(None, self.axis), part),
            self._placed((count,), PartitionSpec(self.axis), weights),
        )
        return np.asarray(uniform), np.asarray(samples)[:, :n]

    def _made(self) -> Any:
        """The program on all devices, as one function of arrays that are split over them."""
        split = PartitionSpec(None, self.axis)

        def of_one_device(theta: Any, columns: Any, weights: Any) -> Any:
            return self.form(theta, columns, weights, self.axis)

        everywhere = None
        if spans_processes(self.mesh):  # each needs the results of all samples
            everywhere = NamedSharding(self.mesh, PartitionSpec())
        # The sums are the same on all devices, but not every operation of a loop can be seen to
        # keep them so: hence no check.
        return jax.jit(
            jax.shard_map(
                of_one_device, mesh=_auto(self.mesh), check_vma=False,
                in_specs=(PartitionSpec(), split, PartitionSpec(self.axis)),
                out_specs=(PartitionSpec(), split),
            ),
            out_shardings=everywhere,
        )  # fmt: skip

    def _placed(self, shape: tuple[int, ...], spec: PartitionSpec, part: Any) -> Any:
        sharding = NamedSharding(_auto(self.mesh), spec)
        return jax.make_array_from_callback(shape, sharding, part, dtype=self.dtype)


def _auto(mesh: Mesh) -> Mesh:
    """The mesh, with axes of which XLA keeps track, whatever the user's are."""
    return Mesh(mesh.devices, mesh.axis_names, axis_types=(AxisType.Auto,) * len(mesh.axis_names))


def _rounded(count: int) -> int:
    """A count with few binary digits, so that batches of similar size need one compilation."""
    unit = 1 << max(0, count.bit_length() - _DIGITS)
    return -(-count // unit) * unit
