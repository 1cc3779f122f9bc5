"""The form of a program on JAX: chosen by its shape."""

from __future__ import annotations

from typing import Any

from scalargrad.replay.backends.jax.grouped import Grouped
from scalargrad.replay.backends.jax.interpreted import Interpreted
from scalargrad.replay.backends.jax.plan import Plan
from scalargrad.replay.backends.jax.spellings import RULES
from scalargrad.replay.lowering import lowered
from scalargrad.replay.program import Program

__all__ = ["form_of", "prepared"]

MOST_OPERATIONS = 4_000  # of XLA, which takes about a millisecond to compile each


def prepared(program: Program) -> Program:
    """The program lowered for this backend."""
    return lowered(program, RULES)


def form_of(program: Program, dtype: Any) -> Any:
    """The form that suits a lowered program."""
    plan = Plan(program)
    if plan.operations <= MOST_OPERATIONS:
        return Grouped(program, dtype, plan)
    return Interpreted(program, dtype)
