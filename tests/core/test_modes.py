"""no_grad and the stack of modes: each context has its own, in whatever order its blocks end."""

import _thread
import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import node_programs as of
import pytest

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.modes import Mode, active, builds, pushed, recorder


def slope() -> float:
    """The derivative of (2w - 1)**2 at w = 3, or 0 where no graph is built."""
    w = Value(3.0)
    y = (w * 2 - 1) ** 2
    if y.parents:
        y.backward()
    return w.grad


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert not active
    assert builds()
    assert slope() == 20.0


def stream(n: int) -> Iterator[float]:
    with sg.no_grad():
        for _ in range(n):
            yield slope()


# --- blocks ---------------------------------------------------------------------------------


def test_no_graph_is_built() -> None:
    x = Value(2.0)
    with sg.no_grad():
        with sg.no_grad():
            y = x * x
        z = sg.exp(y) + sg.dot([x], [y])
    w = x * x

    for node in (y, z):
        assert (node.parents, node.op) == ((), "")
    assert w.parents == (x, x)
    with pytest.raises(TypeError, match="no_grad takes a function or nothing, got int"):
        sg.no_grad(3)


def test_an_exception_leaves_the_block() -> None:
    with pytest.raises(RuntimeError, match="on purpose"), sg.no_grad():
        raise RuntimeError("on purpose")

    assert slope() == 20.0


def test_one_object_is_entered_again_and_inside_itself() -> None:
    off = sg.no_grad()
    with off:
        assert slope() == 0.0
        with off:
            assert slope() == 0.0
        assert slope() == 0.0
    assert slope() == 20.0
    with off:
        assert slope() == 0.0


def test_blocks_left_in_another_order() -> None:
    first, second = sg.no_grad(), sg.no_grad()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert slope() == 0.0
    second.__exit__(None, None, None)
    assert slope() == 20.0


def test_a_transform_inside_builds_its_own_graph() -> None:
    with sg.no_grad():
        assert sg.grad(lambda x: x**3)(2.0) == 12.0
        assert slope() == 0.0


# --- generators -----------------------------------------------------------------------------


def test_a_suspended_generator_does_not_reach_its_consumer() -> None:
    for inside in stream(3):
        assert inside == 0.0
        assert slope() == 20.0


def test_a_mode_of_another_context_changes_nothing() -> None:
    """Not even the words of an error."""

    def messages() -> list[str]:
        return [line for f in of.OPERATORS[:5] for line in of.every_operand(f)] + of.every_row()

    expected = messages()
    suspended = stream(2)
    next(suspended)

    assert active
    assert [pair for pair in zip(messages(), expected, strict=True) if pair[0] != pair[1]] == []
    suspended.close()


def test_generators_that_end_out_of_order() -> None:
    for a, b in zip(stream(1), stream(2), strict=False):
        assert (a, b) == (0.0, 0.0)

    assert slope() == 20.0


def test_a_generator_that_is_dropped_leaves_nothing_behind() -> None:
    values = stream(5)
    next(values)
    dropped = weakref.ref(values)
    del values

    assert dropped() is None
    assert not active


def test_one_object_in_two_generators() -> None:
    off = sg.no_grad()

    def use() -> Iterator[float]:
        with off:
            yield slope()
            yield slope()
        yield slope()

    first, second = use(), use()

    assert [next(first), next(second), next(first), next(first)] == [0.0, 0.0, 0.0, 20.0]
    assert [next(second), next(second)] == [0.0, 20.0]


# --- decorators -----------------------------------------------------------------------------


@pytest.mark.parametrize("decorate", [sg.no_grad, sg.no_grad()], ids=["bare", "called"])
def test_decorated_functions(decorate: Callable[..., Callable[..., float]]) -> None:
    @decorate
    def f() -> float:
        """What f does."""
        return slope()

    assert f() == 0.0
    assert (f.__name__, f.__doc__) == ("f", "What f does.")
    assert slope() == 20.0


def test_a_decorated_generator() -> None:
    @sg.no_grad
    def squares(x: Value) -> Iterator[Value]:
        try:
            sent = yield x * x
        except KeyError:
            sent = 3.0
        yield x * sent
        return "done"

    x = Value(2.0)
    values = squares(x)
    assert next(values).parents == ()
    assert (x * x).parents
    assert values.send(5.0).data == 10.0
    with pytest.raises(StopIteration, match="done"):
        next(values)
    values = squares(x)
    next(values)
    assert values.throw(KeyError()).data == 6.0
    values.close()


def test_a_decorated_coroutine() -> None:
    @sg.no_grad
    async def f() -> float:
        await asyncio.sleep(0)
        return slope()

    assert asyncio.run(f()) == 0.0


def test_a_decorated_async_generator() -> None:
    @sg.no_grad
    async def slopes() -> AsyncIterator[float]:
        try:
            sent = yield slope()
        except KeyError:
            sent = 7.0
        await asyncio.sleep(0)
        yield (sent or 0.0) + slope()

    async def consume() -> list[tuple[float, float]]:
        return [(inside, slope()) async for inside in slopes()]

    async def send() -> list[float]:
        first, second = slopes(), slopes()
        found = [await anext(first), await anext(second)]
        found += [await first.asend(5.0), await second.athrow(KeyError())]
        await first.aclose()
        await second.aclose()
        return found

    assert asyncio.run(consume()) == [(0.0, 20.0), (0.0, 20.0)]
    assert asyncio.run(send()) == [0.0, 0.0, 5.0, 7.0]


def test_an_error_inside_a_decorated_async_generator() -> None:
    @sg.no_grad
    async def broken() -> AsyncIterator[float]:
        yield 1.0
        raise ValueError("inside")

    async def consume() -> None:
        async for _ in broken():
            pass

    with pytest.raises(ValueError, match="inside"):
        asyncio.run(consume())


# --- tasks and threads ----------------------------------------------------------------------


def test_tasks_have_modes_of_their_own() -> None:
    async def evaluate(entered: asyncio.Event, left: asyncio.Event) -> float:
        with sg.no_grad():
            entered.set()
            await left.wait()
            return slope()

    async def train(entered: asyncio.Event, left: asyncio.Event) -> float:
        await entered.wait()
        found = slope()
        left.set()
        return found

    async def main() -> list[float]:
        events = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(evaluate(*events), train(*events))

    assert asyncio.run(main()) == [0.0, 20.0]


def test_the_outermost_frame_of_a_thread_is_not_a_suspended_generator() -> None:
    """Neither has a frame behind it."""
    found: list[Any] = []
    done = threading.Event()
    x = Value(2.0)

    def outermost() -> None:
        try:
            with sg.no_grad():
                found.append((x * 2.0).parents)
        finally:
            done.set()

    _thread.start_new_thread(outermost, ())
    assert done.wait(20)
    assert found == [()]


def test_threads_have_modes_of_their_own() -> None:
    found: list[float] = []
    with sg.no_grad():
        thread = threading.Thread(target=lambda: found.append(slope()))
        thread.start()
        thread.join()
        found.append(slope())

    assert found == [20.0, 0.0]


# --- the stack ------------------------------------------------------------------------------


def test_the_innermost_mode_decides() -> None:
    with pushed(Mode(builds=False)), pushed(Mode(recorder="r")):
        assert not builds()
        assert recorder() == "r"
        with pushed(Mode(builds=True)):
            assert builds()
    assert recorder() is None


def test_a_mode_that_a_function_enters_outlives_it() -> None:
    x = Value(2.0)

    def enter(block: sg.no_grad) -> None:
        block.__enter__()

    block = sg.no_grad()
    enter(block)
    try:
        assert not (x * 3.0).parents
    finally:
        block.__exit__(None, None, None)
    assert (x * 3.0).parents
