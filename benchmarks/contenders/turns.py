"""Turns of contenders that compute the same, on a machine that may be shared; the best counts."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

TOLERANCE = 1e-9


class LeftOutError(Exception):
    """A contender cannot take part; the message says why."""


class Run(NamedTuple):
    """A timed function, and how to read its result as the loss and one flat gradient."""

    step: Callable[[], Any]
    read: Callable[[Any], tuple[float, np.ndarray]]


class Answer(NamedTuple):
    """The result of a contender on a number of samples."""

    samples: int
    loss: float
    gradient: np.ndarray


@dataclass
class Contender:
    """`make` prepares it for so many samples; `samples` are fewer than all where it is too slow."""

    name: str
    make: Callable[[int], Run]
    samples: int | None = None


@dataclass
class Workload:
    """The same loss and gradient, computed by each contender."""

    title: str
    samples: int
    contenders: list[Contender]
    counts: Callable[[], tuple[float, float]]  # flops and bytes of a sample, once it was replayed


@dataclass
class Result:
    """The best time of one step in seconds, and of the first one with all its preparations."""

    name: str
    seconds: float = float("nan")
    first: float = float("nan")
    scaled_from: int | None = None  # the number of samples run, if the time was scaled to all
    skipped: str = ""
    failed: bool = False  # it should have run: `skipped` states the error


def race(workload: Workload, rounds: int, turn: float, worth: float) -> list[Result]:
    """Make all contenders, see that they agree, then let them take turns of `turn` seconds.

    One that needs more than `worth` seconds for a step takes part in the first round only. One that
    fails, or computes something else than the first of them, is not timed at all.
    """
    results: list[Result] = []
    runs: dict[str, Run] = {}
    answers: dict[str, Answer] = {}
    for contender in workload.contenders:
        result = Result(contender.name)
        results.append(result)
        samples = min(contender.samples or workload.samples, workload.samples)
        if samples < workload.samples:
            result.scaled_from = samples
        try:
            start = perf_counter()
            run = contender.make(samples)
            answers[contender.name] = Answer(samples, *run.read(run.step()))
            result.first = perf_counter() - start
            runs[contender.name] = run
        except Exception as reason:
            ours = (getattr(reason, "name", None) or "").startswith("scalargrad")
            result.failed = not isinstance(reason, (LeftOutError, ImportError)) or ours
            result.skipped = f"{type(reason).__name__}: {reason}" if result.failed else str(reason)
    for name, fault in _faults(workload, answers):
        result = next(result for result in results if result.name == name)
        result.failed, result.skipped = True, fault
        del runs[name]

    # Objects that libraries keep for ever, and JAX's callbacks at each collection, must not slow
    # the contenders down: with both, plain scalar code takes 1.5 times as long as by itself.
    gc.collect()
    gc.freeze()
    callbacks, gc.callbacks[:] = gc.callbacks[:], []
    for number in range(rounds):
        for result in results:
            if result.name in runs and not (number and result.seconds > worth):
                taken = _best(runs[result.name].step, turn)
                result.seconds = min(taken, result.seconds) if number else taken
    gc.callbacks[:] = callbacks
    gc.unfreeze()
    for result in results:
        if result.scaled_from:
            result.seconds *= workload.samples / result.scaled_from
    return results


def _best(step: Callable[[], Any], turn: float) -> float:
    best, spent = float("inf"), 0.0
    gc.collect()
    while spent < turn:  # as much time for the faster one, so that its best time is as reliable
        start = perf_counter()
        step()
        taken = perf_counter() - start
        best, spent = min(best, taken), spent + taken
    return best


def _faults(workload: Workload, answers: dict[str, Answer]) -> Iterator[tuple[str, str]]:
    """Return the contenders that disagree with the first one, and their results."""
    judge = next((c for c in workload.contenders if c.name in answers), None)
    if judge is None:
        return
    right = {answers[judge.name].samples: answers[judge.name]}
    for name, got in answers.items():
        if got.samples not in right:  # a contender on fewer samples is compared on as many
            run = judge.make(got.samples)
            right[got.samples] = Answer(got.samples, *run.read(run.step()))
        wanted = right[got.samples]
        beside = f"on {got.samples} samples, beside {judge.name},"
        if not abs(got.loss - wanted.loss) <= TOLERANCE * abs(wanted.loss):
            yield name, f"{beside} its loss is {got.loss!r} in place of {wanted.loss!r}"
        elif got.gradient.shape != wanted.gradient.shape:
            yield name, f"{beside} its gradient has the shape {got.gradient.shape}"
        else:
            apart = np.max(np.abs(got.gradient - wanted.gradient))
            share = float(apart / np.max(np.abs(wanted.gradient)))
            if not share <= TOLERANCE:
                yield name, f"{beside} its gradient is off by {share:.1e} of the largest part"


def take_turns(
    solvers: dict[str, Callable[[], Any]], turns: int, cpu: bool, slow: str
) -> tuple[dict[str, float], dict[str, Any]]:
    """The best time of each solver in seconds, and its last result.

    Args:
        solvers: By name a function that solves the same problem, prepared.
        turns: How often each is run.
        cpu: Whether to count the time of the processor.
        slow: Names with these words take long enough for one turn to be exact.
    """
    clock = process_time if cpu else perf_counter
    best, results = dict.fromkeys(solvers, float("inf")), {}
    for turn in range(turns):
        for name, solve in solvers.items():
            if slow in name and turn:
                continue
            before = clock()
            results[name] = solve()
            best[name] = min(best[name], clock() - before)
    return best, results
