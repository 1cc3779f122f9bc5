"""Intrinsics of compiled code: read and write memory by address, call a loop by address."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from scalargrad.replay.backends.numba.vectors import FLOAT, INT, Lanes

__all__ = ["call", "copy", "number", "set_number", "set_word", "word"]


def _load(kind: Any, result: Any) -> Any:
    """The signature and the generator of an intrinsic that reads a number."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address, index = values
        return builder.load(Lanes(builder).pointer(address, index, kind))

    return result(types.int64, types.int64), generate


def _store(kind: Any, result: Any) -> Any:
    """The signature and the generator of an intrinsic that writes a number."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address, index, value = values
        builder.store(value, Lanes(builder).pointer(address, index, kind))
        return value

    return result(types.int64, types.int64, result), generate


@intrinsic
def word(_: Any, address: Any, index: Any) -> Any:
    """The whole number at `index` in the array at `address`."""
    return _load(INT, types.int64)


@intrinsic
def set_word(_: Any, address: Any, index: Any, value: Any) -> Any:
    """Write a 64-bit integer at an address."""
    return _store(INT, types.int64)


@intrinsic
def number(_: Any, address: Any, index: Any) -> Any:
    """The float at `index` in the array at `address`."""
    return _load(FLOAT, types.float64)


@intrinsic
def set_number(_: Any, address: Any, index: Any, value: Any) -> Any:
    """Write a double at an address."""
    return _store(FLOAT, types.float64)


@intrinsic
def copy(_: Any, to: Any, source: Any, count: Any) -> Any:
    """Copy `count` floats from one address to another."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        lanes = Lanes(builder)
        to, source = [lanes.at(address, ir.IntType(8)) for address in values[:2]]
        cgutils.raw_memcpy(builder, to, source, values[2], 8)
        return values[2]

    return types.int64(types.int64, types.int64, types.int64), generate


@intrinsic
def call(_: Any, loop: Any, arguments: Any, sizes: Any, steps: Any, data: Any) -> Any:
    """Call NumPy's or ctypes' `void loop(char **args, npy_intp *dims, npy_intp *steps, void *)`."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer] * 4)
        function = builder.inttoptr(values[0], kind.as_pointer())
        builder.call(function, [builder.inttoptr(value, pointer) for value in values[1:]])
        return values[0]

    return types.int64(*[types.int64] * 5), generate
