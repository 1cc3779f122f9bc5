"""The memory of a run: code linked for one length of rows, and the buffers of each thread."""

from __future__ import annotations

from typing import Any

import numpy as np

from scalargrad.replay.backends.numba import interpreter
from scalargrad.replay.backends.numba.encoding import PLAIN, ROW, TILE, Encoded

__all__ = ["Linked", "Plan", "Workspace"]

LINE = 64  # bytes of a cache line, of a vector and of a tile
CACHE = 1 << 20  # bytes of rows: about the second-level cache of a processor of 2023

# Lanes of a block, a multiple of the four vectors that products work on. Measured: a recurrence
# with 904 rows takes 1.39 ms with blocks of 224 or 160, 1.67 with 32, 2.11 with 16; a small GPT
# with 3,000 rows 168 us with 32 or more, 184 with 16, 205 with 8. So only memory asks for 8.
BLOCKS = (224, 160, 96)
LEAST, MEMORY = 32, 1 << 28
MOST_STRIPS = 64
MOST_FREE = 8  # workspaces reused by later runs


class Plan:
    """The program as arrays, and the division of samples into blocks and strips.

    The rest of `Encoded`, some hundred bytes an instruction, is dropped.
    """

    def __init__(self, encoded: Encoded) -> None:
        self.tiles, self.rows, self.constants = encoded.tiles, encoded.rows, encoded.constants
        self.n_weights, self.n_sums = encoded.n_weights, encoded.n_sums
        self.most_operands, self.callbacks = encoded.most_operands, encoded.callbacks
        self.streams = [np.array(stream, dtype=np.int64) for stream in encoded.streams]
        self.lists = {
            name: np.array(getattr(encoded, name), dtype=np.int64).reshape(-1, 2)
            for name in (
                "splats", "packs", "late_packs", "inputs", "late_splats", "uniform", "samples"
            )
        }  # fmt: skip
        self.words = sum(map(len, self.streams))
        rows = max(encoded.rows, 1)
        self.block = next((b for b in BLOCKS if rows * b * 8 <= CACHE), LEAST)
        if rows * self.block * 8 > MEMORY:
            self.block = 8
        # Each strip has its own sums: many sums mean fewer strips.
        self.strips = max(1, min(MOST_STRIPS, (1 << 21) // max(encoded.n_sums, 1)))

    def lengths(self, n: int) -> tuple[int, int]:
        """The lanes of a block and of a strip for n samples, for any number of threads."""
        if n <= self.block:
            block = -(-n // 8) * 8
            return block, block
        blocks = 4 * -(-n // (4 * self.block))  # of similar size, for 2 or 4 threads to share
        block = min(-(-n // (32 * blocks)) * 32, self.block)
        return block, block * -(-n // (block * self.strips))


class Linked:
    """The code for one length of rows."""

    def __init__(self, plan: Plan, block: int) -> None:
        self.plan, self.block = plan, block
        self.rows_at = plan.tiles * LINE
        self.streams = [self._link(stream) for stream in plan.streams]
        self.lists = {name: self._link(pairs) for name, pairs in plan.lists.items()}
        self.free: list[Workspace] = []  # list.append and list.pop are safe between threads

    def _link(self, words: Any) -> Any:
        """Replace tiles and rows by their offsets in bytes; the last bit marks a row."""
        scale, start = np.zeros(4, np.int64), np.zeros(4, np.int64)
        scale[[PLAIN, TILE, ROW]] = 1, LINE, self.block * 8
        start[ROW] = self.rows_at + 1
        kind = words & 3
        return (words >> 2) * scale[kind] + start[kind]

    def take(self) -> Workspace:
        """A workspace for one thread; return it with `give`."""
        try:
            return self.free.pop()
        except IndexError:
            return Workspace(self)

    def give(self, workspace: Workspace) -> None:
        """Return a workspace for later runs."""
        if len(self.free) < MOST_FREE:
            self.free.append(workspace)


class Workspace:
    """The buffers of one thread, and the frame with their addresses for the interpreter."""

    def __init__(self, linked: Linked) -> None:
        plan = linked.plan
        size = linked.rows_at + max(plan.rows, 1) * linked.block * 8
        raw = np.zeros(size // 8 + LINE // 8)
        shift = -raw.ctypes.data % LINE // 8
        self.numbers = raw[shift : shift + size // 8]
        self.tiles = self.numbers[: linked.rows_at // 8]
        for tile, x in plan.constants:
            self.tiles[8 * tile : 8 * tile + 8] = x
        self.weights = np.zeros(plan.n_weights + 1)
        self.sums, self.totals = np.zeros(plan.n_sums + 1), np.zeros(plan.n_sums + 1)
        self.scratch = np.zeros(2 * plan.most_operands + 16, np.int64)
        frame: dict[str, int] = {
            "base": self.numbers.ctypes.data,
            "weights": self.weights.ctypes.data,
            "sums": self.sums.ctypes.data,
            "totals": self.totals.ctypes.data,
            "scratch": self.scratch.ctypes.data,
            "block": linked.block,
            "strip": 0,
            "n_sums": plan.n_sums,
        }
        for name, stream in zip(("before", "sample", "after"), linked.streams, strict=True):
            frame[name] = stream.ctypes.data
        for name, pairs in linked.lists.items():
            frame[name], frame[f"n_{name}"] = pairs.ctypes.data, len(pairs)
        self.frame = np.array([frame[name] for name in interpreter.FIELDS], dtype=np.int64)

    def set(self, name: str, value: int) -> None:
        """Set a field of the frame."""
        self.frame[interpreter.FIELDS.index(name)] = value
