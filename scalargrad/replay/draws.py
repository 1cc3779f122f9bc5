"""Refuse to record what draws random numbers, and leave the numbers of other threads alone.

A state that has changed does not say which thread has drawn. If this is the only thread, it was
this one. If there are others, a profile function sees the calls of this thread, and refuses a draw
from a generator of `random` before it happens. NumPy's calls are not seen, but its generators have
a lock, which is held meanwhile, until this thread waits for another. What is left is unclear.
"""

from __future__ import annotations

import os
import pickle
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from queue import SimpleQueue
from threading import RLock, local
from types import FrameType
from typing import Any

from scalargrad.replay.recorder import RecordingError

__all__ = ["Draws", "is_generator", "no_draws"]

_SHARED = random._inst  # the generator of `random.random()` ...
_CHANGING = frozenset(["random", "getrandbits", "seed", "setstate"])  # all others call these
_WAITS = frozenset(["acquire", "select", "poll", "sleep"])  # functions that wait


class Draws:
    """What is known of the random numbers that were drawn in a block.

    Attributes:
        unclear: whether numbers were drawn by a thread that is not known.
    """

    unclear = False


class _Generator:
    """A random generator: its state, and the lock that keeps other threads out, if any."""

    lock: Any = None
    held = False

    def __init__(self, generator: Any) -> None:
        self.get: Callable[[], Any]
        self.put: Callable[[Any], Any]
        if isinstance(generator, random.Random):
            self.get, self.put = generator.getstate, generator.setstate
        else:
            if hasattr(generator, "get_state"):  # a RandomState
                bits = generator._bit_generator
                self.get, self.put = partial(generator.get_state, legacy=False), generator.set_state
            else:
                bits = getattr(generator, "bit_generator", generator)
                self.get = partial(getattr, bits, "state")
                self.put = partial(setattr, bits, "state")
            # NumPy before 2.3 has locks that this thread could not take twice.
            self.lock = bits.lock if isinstance(bits.lock, type(RLock())) else None

    def hold(self, locks: ExitStack) -> None:
        """Keep other threads from the generator until `locks` is closed, if it is free now."""
        if self.lock is not None and self.lock.acquire(blocking=False):
            self.held = True
            _held.append(self.lock)
            locks.callback(self.release)

    def release(self) -> None:
        """Let other threads draw again."""
        self.held = False
        _held.remove(self.lock)
        self.lock.release()

    def remember(self) -> None:
        """Remember the present state."""
        self.before = self.get()
        self.text = _text(self.before)

    def changed(self) -> bool:
        """Whether the state is another one."""
        return _text(self.get()) != self.text


def is_generator(x: Any) -> bool:
    """Whether an object is a random generator with a state that can be put back."""
    if isinstance(x, random.Random):
        return not isinstance(x, random.SystemRandom)
    numpy_random = sys.modules.get("numpy.random")
    return numpy_random is not None and isinstance(
        x, (numpy_random.Generator, numpy_random.RandomState, numpy_random.BitGenerator)
    )


@contextmanager
def no_draws(name: str, generators: Iterable[Any] = ()) -> Iterator[Draws]:
    """Refuse a block in which this thread draws random numbers, and put back what it has drawn.

    Args:
        name: whose draws they would be, for the message.
        generators: generators to watch beside the shared ones, of `random` and of NumPy.

    Raises:
        RecordingError: this thread draws random numbers.
    """
    draws, drew = Draws(), False
    error = RecordingError(
        f"{name} draws random numbers, and these would be frozen into the program: draw them "
        "outside, and pass them as arguments"
    )
    seeded: list[Any] = []  # generators made inside from a given seed: their numbers are the same

    def refuse(frame: FrameType, event: str, function: Any) -> None:
        nonlocal drew
        if event != "c_call":
            return
        waits = function.__name__ in _WAITS or isinstance(function.__self__, SimpleQueue)
        if waits and frame.f_globals is not globals():
            for locks in _local.stacks:  # the other thread may need them
                locks.close()
        if function.__name__ not in _CHANGING:
            return
        generator = function.__self__
        if not isinstance(generator, random.Random) or any(generator is x for x in seeded):
            return
        if function.__name__ == "seed" and generator is not _SHARED:
            if frame.f_locals.get("a") is not None:  # in the method `seed` of `random`
                seeded.append(generator)
            return
        drew = True
        raise error

    numpy_random = sys.modules.get("numpy.random")
    watched = [_Generator(_SHARED)]
    if numpy_random is not None:
        watched.append(_Generator(numpy_random.mtrand._rand))
    watched += [_Generator(x) for x in generators if x is not _SHARED]
    alone = _alone()
    outermost = not alone and sys.getprofile() is None  # a profiler of the user goes on
    stacks = _local.stacks if hasattr(_local, "stacks") else []
    with ExitStack() as held:
        if outermost:
            _local.stacks = stacks = []
            held.callback(delattr, _local, "stacks")
        if outermost or stacks:
            locks = ExitStack()
            stacks.append(locks)
            held.callback(stacks.remove, locks)
            held.callback(locks.close)
            for generator in watched:
                generator.hold(locks)
        for generator in watched:
            generator.remember()
        if outermost:
            sys.setprofile(refuse)
        try:
            yield draws
        finally:
            if outermost:
                sys.setprofile(None)
            alone = alone and _alone()
            for generator in watched:
                if generator.changed():
                    if alone or generator.held:
                        generator.put(generator.before)
                        drew = True
                    else:
                        draws.unclear = True
            if numpy_random is None and "numpy.random" in sys.modules:
                draws.unclear = True  # first used inside: its state before is not known
            if drew and isinstance(sys.exception(), RecordingError):
                raise error  # the cause of the other error
    if drew:
        raise error


_local = local()
_held: list[Any] = []  # the locks that some thread holds


def _free_in_child() -> None:
    for lock in _held:
        if not lock._is_owned():  # its owner did not come along
            lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_in_child)


def _alone() -> bool:
    """Whether no other thread runs Python code."""
    return len(sys._current_frames()) == 1


def _text(state: Any) -> bytes:
    """The state of a generator as bytes, which compare at once and without NumPy."""
    return pickle.dumps(state)
