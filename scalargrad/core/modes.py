"""What operations do in the current context: build a graph, only compute, or be recorded.

A context is a thread, an asyncio task, or the body of a generator. Its modes form a stack; a mode
is removed by the block that pushed it, in whatever order blocks end. Nearly always no context has
a mode that changes operations: then `active` is empty, and that is all an operation looks at.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from types import FrameType
from typing import Any
from weakref import ref

__all__ = [
    "Mode",
    "active",
    "builds",
    "leaves_created",
    "no_grad",
    "note_leaf",
    "note_node",
    "pushed",
    "recorder",
    "stack",
    "watching",
]

# CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR of inspect, which takes 8 ms to load
_SUSPENDABLE = 0x20 | 0x80 | 0x200


class Mode:
    """One entry of the stack.

    Args:
        builds: whether operations build a graph; None leaves that to the modes below.
        recorder: takes over every operation, comparison and truth test, or None.
        leaves: a set that collects the leaves created while the mode is in force, or None.
        nodes: likewise for the results of operations.
        frame: the frame whose block pushed the mode.
        owner: the context manager that pushed it.
    """

    __slots__ = ("__weakref__", "builds", "frame", "leaves", "nodes", "owner", "recorder")

    def __init__(
        self,
        builds: bool | None = None,
        recorder: Any = None,
        leaves: set[Any] | None = None,
        frame: FrameType | None = None,
        owner: object = None,
        nodes: Any = None,
    ) -> None:
        self.builds, self.recorder, self.leaves, self.owner = builds, recorder, leaves, owner
        self.nodes = nodes
        # The body of a generator or coroutine leaves the stack while it is suspended, and its modes
        # with it. Other frames end before their block's caller goes on.
        suspends = frame is not None and frame.f_code.co_flags & _SUSPENDABLE
        self.frame = frame if suspends else None
        key = id(self)
        if builds is False or recorder is not None or nodes is not None:
            active[key] = ref(self, lambda _: active.pop(key, None))
        if leaves is not None:
            watching[key] = ref(self, lambda _: watching.pop(key, None))

    def in_force(self) -> bool:
        """Whether the block that pushed the mode is running, not suspended."""
        return self.frame is None or self.frame.f_back is not None


active: dict[int, ref[Mode]] = {}  # the modes of all contexts that change what operations do
watching: dict[int, ref[Mode]] = {}  # those that collect leaves
stack: ContextVar[tuple[Mode, ...]] = ContextVar("scalargrad.modes", default=())


def builds() -> bool:
    """Whether operations in this context build a graph."""
    for mode in reversed(stack.get()):
        if mode.builds is not None and mode.in_force():
            return mode.builds
    return True


def recorder() -> Any:
    """The recorder of this context, or None."""
    for mode in reversed(stack.get()):
        if mode.recorder is not None and mode.in_force():
            return mode.recorder
    return None


def note_leaf(leaf: Any) -> None:
    """Tell the modes of this context that a leaf was created."""
    for mode in stack.get():
        if mode.leaves is not None and mode.in_force():
            mode.leaves.add(leaf)


def note_node(node: Any) -> None:
    """Tell the modes of this context that an operation made a node."""
    for mode in stack.get():
        if mode.nodes is not None and mode.in_force():
            mode.nodes.add(node)


def _push(mode: Mode) -> None:
    stack.set((*stack.get(), mode))


def _remove(mode: Mode) -> None:
    stack.set(tuple([other for other in stack.get() if other is not mode]))


@contextmanager
def pushed(mode: Mode) -> Iterator[Mode]:
    """Push a mode for the duration of a block."""
    _push(mode)
    try:
        yield mode
    finally:
        _remove(mode)


@contextmanager
def leaves_created(leaves: set[Any] | None = None) -> Iterator[set[Any]]:
    """Build graphs in this block, and collect the leaves created in it."""
    collected = set() if leaves is None else leaves
    with pushed(Mode(builds=True, leaves=collected)):
        yield collected


def no_grad(function: Callable[..., Any] | None = None) -> Any:
    """Compute values without building a graph, in a ``with`` block or in a decorated function.

    The block concerns its own context: the thread, the asyncio task, or the body of the generator
    that it stands in. It can be entered again, nested, and left in any order.

    Args:
        function: the function to decorate, of any kind (plain, generator, coroutine or async
            generator); without it, the result is a context manager that is also a decorator.

    Returns:
        A context manager, or the decorated function.

    Raises:
        TypeError: `function` is not callable.

    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (4.0, ())
    """
    if function is None:
        return _NoGrad()
    if not callable(function):
        raise TypeError(f"no_grad takes a function or nothing, got {type(function).__name__}")
    return _NoGrad()(function)


class _NoGrad:
    """What `no_grad` returns: a context manager that can be entered repeatedly, and a decorator."""

    def __enter__(self) -> None:
        _push(Mode(builds=False, frame=sys._getframe(1), owner=self))

    def __exit__(self, *_: object) -> None:
        # Two generators may have entered this object: each removes the mode of its own frame.
        own = [mode for mode in stack.get() if mode.owner is self]
        frame = sys._getframe(1)
        for mode in ([m for m in own if m.frame in (frame, None)] or own)[-1:]:
            _remove(mode)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        import inspect

        wrapper: Callable[..., Any]
        if inspect.isasyncgenfunction(function):

            @wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    generator = function(*args, **kwargs)
                    try:
                        value = await anext(generator)
                        while True:
                            try:
                                sent = yield value
                            except Exception as error:
                                value = await generator.athrow(error)
                            else:
                                value = await generator.asend(sent)
                    except StopAsyncIteration:
                        return
                    finally:
                        await generator.aclose()

        elif inspect.iscoroutinefunction(function):

            @wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

        elif inspect.isgeneratorfunction(function):

            @wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return (yield from function(*args, **kwargs))

        else:

            @wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return function(*args, **kwargs)

        return wrapper
