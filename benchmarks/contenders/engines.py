"""The parts that the workloads share: how each engine is set up, called and read."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import scalargrad as sg
from contenders import machine
from contenders.turns import Run

THREADS = machine.cores()
BACKEND = os.environ.get("REPLAY_BACKEND", "auto")


def replayed(
    loss: Callable[..., Any], parameters: list[sg.Value], arrays: Sequence[np.ndarray]
) -> tuple[Run, Any]:
    """Return the loss of one sample replayed on all samples, and the compiled function."""
    compiled = sg.compile(loss, params=parameters, backend=BACKEND)
    theta = np.array([p.data for p in parameters])
    run = Run(
        lambda: compiled.value_and_grad(*arrays, theta=theta),
        lambda r: (float(r[0]), np.asarray(r[1])),
    )
    return run, compiled


def gradient_program(compiled: Any) -> Any:
    """The program that `value_and_grad` runs: the recorded one with its derivatives."""
    from scalargrad.replay.adjoints import with_adjoints

    program = compiled.program.copy()
    program.guards = []
    wrt = program.parameters[: len(compiled.params)]
    return with_adjoints(program, wrt, careful=False)


def counts(compiled: Any) -> tuple[float, float]:
    """Flops and bytes of a sample of the program that `value_and_grad` runs."""
    return counted(gradient_program(compiled))


def counted(program: Any) -> tuple[float, float]:
    """Flops, and bytes of operands and results, that a program costs for each sample.

    An addition, a product and a tanh are one flop each. A constant or parameter among the operands
    costs no bytes, since it is not there once for each sample.
    """
    from scalargrad.replay.program import SAMPLE

    flops = numbers = 0
    sampled = [phase == SAMPLE for phase in program.phases]
    for row, operands, is_sampled in zip(program.rows, program.operands, sampled, strict=True):
        if row is None or not (is_sampled or row.name == "over_samples"):
            continue
        pairs = row.name in ("dot", "over_samples")
        flops += len(operands) // 2 * 2 if pairs else max(1, len(operands) - 1)
        numbers += is_sampled + sum([sampled[slot] for slot in operands])
    return float(flops), 8.0 * numbers


def eager(
    loss: Callable[..., Any], parameters: list[sg.Value], arrays: Sequence[np.ndarray]
) -> Run:
    """Build one graph per sample after freeing the last; accumulate the gradients."""
    samples = list(zip(*[array.tolist() for array in arrays], strict=True))
    share = 1.0 / len(samples)

    def step() -> tuple[float, list[float]]:
        for p in parameters:
            p.grad = 0.0
        total = 0.0
        for sample in samples:
            out = loss(*sample)
            out.backward(share)
            total += out.data
            del out  # with two graphs alive the collector takes twice as long
        return total * share, [p.grad for p in parameters]

    return Run(step, lambda r: (r[0], np.array(r[1])))


def torch() -> Any:
    """Return PyTorch with as many threads as the other contenders."""
    import torch

    torch.set_num_threads(THREADS)
    return torch


def jax() -> Any:
    """Return JAX in float64 on the CPU (XLA_FLAGS and affinity set its threads)."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def jitted(
    loss: Callable[..., Any], arrays: Sequence[Any], flat: Callable[[Any], Any] = np.asarray
) -> Run:
    """Return `loss` and its gradient by the first array, flattened by `flat`."""
    library = jax()
    f = library.jit(library.value_and_grad(loss))
    numbers = library.device_put(tuple(arrays))
    return Run(lambda: library.block_until_ready(f(*numbers)), lambda r: (float(r[0]), flat(r[1])))


def casadi_mapped(loss: Callable[..., Any], theta: np.ndarray, arrays: Sequence[np.ndarray]) -> Run:
    """An SX function of one sample, loss and gradient, mapped over the samples and summed.

    `loss` takes SX columns: the parameters, then a sample's share of each array. The caller's
    buffers are used in place, which spares CasADi conversions of 0.1 to 1 ms a call.
    """
    import casadi

    columns = [np.ascontiguousarray(a.reshape(len(a), -1), dtype=float) for a in arrays]
    weights = casadi.SX.sym("theta", len(theta))
    sample = [casadi.SX.sym(f"x{k}", a.shape[1]) for k, a in enumerate(columns)]
    out = loss(weights, *sample)
    one = casadi.Function(
        "one", [weights, *sample], [out, casadi.densify(casadi.gradient(out, weights))]
    )
    n = len(columns[0])
    threads = next(t for t in range(THREADS, 0, -1) if n % t == 0)  # each with as many samples
    many = one.map("part", "serial", n // threads, [0], [0, 1])
    if threads > 1:
        many = many.map("many", "thread", threads, [0], [0, 1])
    buffer, run = many.buffer()
    # A sample is a column to CasADi, which keeps columns together: NumPy's rows as they are.
    kept = [np.ascontiguousarray(theta), *columns, np.zeros(1), np.zeros(len(theta))]
    for k, array in enumerate(kept[:-2]):
        buffer.set_arg(k, memoryview(array))
    for k, array in enumerate(kept[-2:]):
        buffer.set_res(k, memoryview(array))

    def step() -> Any:
        run()
        return buffer, many  # `run` keeps no reference to them, and would write into freed memory

    return Run(step, lambda _: (float(kept[-2][0]) / n, kept[-1] / n))
