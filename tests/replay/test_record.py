"""Recording: what would be frozen is refused, and everybody else's values are left alone."""

import os
import random
import threading
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import Value, nn


def python(f: Any, params: Any = None, **options: Any) -> sg.Compiled:
    return sg.compile(f, params, backend="python", **options)


LEAKS = {
    "data of an input": lambda x, w: x * x.data,
    "data of a parameter": lambda x, w: x * w.data,
    "data of a result": lambda x, w: x * (x * w).data,
    "grad of a parameter": lambda x, w: x * w.grad,
    "partials": lambda x, w: x * (x * w).partials[0],
    "float": lambda x, w: x * float(w),
    "math": lambda x, w: x * __import__("math").exp(w),
    "a format": lambda x, w: x * float(f"{x:g}"),
    "a format of a parameter": lambda x, w: x * float(format(w, ".3f")),
    "a rounding": lambda x, w: x * round(x),
    "a number in a dict": lambda x, w: x * {1.0: 2.0, 3.0: 4.0}[x],
    "a number in a set": lambda x, w: x if x in {1.0, 2.0} else w,
    "a result in a dict": lambda x, w: x * {1.0: 2.0}.get(x * 2 - 1, 3.0),
    "a cache": lambda x, w: __import__("functools").lru_cache(lambda t: t * w)(x),
    "a comparison that nothing asks": lambda x, w: [x, x > 0][0],
    "one comparison in a list": lambda x, w: x * [x > 0, x > w][0],
    "~ of a bool": lambda x, w: x if ~(x > 0) else w,
    "~ of a bool as a number": lambda x, w: x * ~(x > 0),
    "~ of a bool in an or": lambda x, w: x if ~(x > 0) | (w > 0) else w,
    "setting data": lambda x, w: setattr(w, "data", 1.0),
    "setting grad": lambda x, w: setattr(w, "grad", 0.0),
    "backward": lambda x, w: (x * w).backward(),
    "a copy": lambda x, w: __import__("copy").copy(w) * x,
    "random numbers": lambda x, w: x * w * random.random(),
    "random numbers of NumPy": lambda x, w: x * w * float(np.random.rand()),
}


ACCESSES = {  # what the error says of them
    "data of an input": "reads .data of", "grad of a parameter": "reads .grad of",
    "partials": "reads .partials of", "float": "converts to a plain number", "a format": "formats",
    "a number in a dict": "looks up by hash", "setting data": "sets .data of",
    "setting grad": "sets .grad of", "backward": r"calls .backward\(\) of",
}  # fmt: skip


@pytest.mark.parametrize("kind", LEAKS)
def test_what_would_be_frozen_is_refused(kind: str) -> None:
    w = Value(2.0, "w")
    drawn = random.getstate()

    with pytest.raises(sg.RecordingError, match=ACCESSES.get(kind, ".")):
        python(lambda x: LEAKS[kind](x, w), [w])(1.0)

    assert type(w) is Value
    assert (w.data, w.grad) == (2.0, 0.0)
    assert random.getstate() == drawn


def test_the_error_of_a_leak_says_where_and_what_to_do() -> None:
    w = Value(2.0, "w")

    def f(x: Any) -> Any:
        return x * w.data

    with pytest.raises(
        sg.RecordingError, match=r"test_record.py:\d+ \(f\) reads .data.*'w'.*where"
    ):
        python(f, [w])(1.0)


def test_a_value_that_is_no_parameter_is_read_anew_in_each_call() -> None:
    scale, limit = Value(2.0), Value(0.0)
    c = python(lambda x: scale * x if x > limit else x)

    assert c([1.0, -1.0]).tolist() == [2.0, -1.0]
    scale.data, limit.data = 5.0, 3.0
    assert c([1.0, 4.0, -1.0]).tolist() == [1.0, 20.0, -1.0]


def test_a_value_that_is_only_compared_is_followed_too() -> None:
    switch = Value(1.0)
    c = python(lambda x: x * 2 if switch > 0 else x * 3)

    assert c(1.0) == 2.0
    switch.data = -1.0
    assert c(1.0) == 3.0
    assert c.recordings == 2


def test_a_value_that_is_only_asked_for_its_truth_is_followed_too() -> None:
    switch = Value(1.0)
    c = python(lambda x: x * 2 if switch else x * 3)

    assert c(1.0) == 2.0
    switch.data = 0.0
    assert c(1.0) == 3.0


def test_what_was_computed_outside_is_refused() -> None:
    w = Value(2.0)
    square = w * w

    with pytest.raises(sg.RecordingError, match=r"'\*'.*outside"):
        python(lambda x: x * square, [w])(1.0)


def test_values_made_inside_are_constants() -> None:
    def f(x: Any) -> Any:
        total = Value(0.5) * 2
        return total + x * sg.exp(Value(0.0))

    assert python(f)([1.0, 2.0]).tolist() == [2.0, 3.0]


def test_recording_leaves_graphs_and_gradients_alone() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh")
    params = model.parameters()
    mine = model([0.1, 0.2])
    mine.backward()
    before = [(p.data, p.grad, p.label) for p in params], mine.data, mine.parents, mine.partials

    python(lambda x: model(x), params).value_and_grad([[0.3, 0.4]])

    after = [(p.data, p.grad, p.label) for p in params], mine.data, mine.parents, mine.partials
    assert after == before
    assert all(type(p) is Value for p in params)


def test_parameters_are_left_alone_when_the_function_fails() -> None:
    w = Value(2.0)

    def f(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        python(f, [w])(1.0)
    assert type(w) is Value
    w.backward()
    assert w.grad == 1.0


def test_other_threads_see_plain_values_meanwhile() -> None:
    w = Value(2.0, "w")
    seen: list[Any] = []

    def elsewhere() -> None:
        y = w * w + sg.exp(w) - 1
        y.backward()
        seen.extend([w.data, w > 1, bool(w), y.data, f"{w:.1f}"])

    def f(x: Any) -> Any:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        return w * x

    c = python(f, [w])
    assert c.value_and_grad([3.0]) == (6.0, np.array([3.0]))
    assert seen[:3] == [2.0, True, True]
    assert seen[4] == "2.0"
    assert w.grad == pytest.approx(4.0 + np.exp(2.0))


def test_what_escapes_from_a_recording_is_a_value_afterwards() -> None:
    kept: list[Value] = []
    w = Value(2.0)

    def f(x: Any) -> Any:
        kept.append(x * w)
        return kept[-1]

    python(f, [w])(3.0)

    (y,) = kept
    assert (y.data, y + 1 > 6.5, f"{y:.1f}") == (6.0, True, "6.0")


def test_a_recorded_value_can_be_printed_without_its_number() -> None:
    shown: list[str] = []

    def f(x: Any) -> Any:
        shown.append(f"{x!r} {x} {x * x!s}")
        return x + Value(2.0) * float(f"{Value(0.5):g}")

    assert python(f)(1.5) == 2.5

    assert {*shown} == {"Recorded(label='x') Recorded(label='x') Recorded(op='*')"}


def test_no_grad_and_stop_gradient_stay() -> None:
    def f(x: Any) -> Any:
        with sg.no_grad():
            y = x * 3
        return x * y + x * sg.stop_gradient(x)

    value, slope = python(f).value_and_grad(2.0)

    assert (value, slope) == (16.0, 8.0)


def test_one_recording_inside_another_is_part_of_it() -> None:
    inner = python(lambda x: x * x)

    assert python(lambda x: inner(x) + 1).value_and_grad(3.0) == (10.0, 6.0)
    assert sg.grad(inner)(3.0) == 6.0
    assert inner(Value(3.0)).data == 9.0
    with pytest.raises(TypeError, match="differentiate the whole"):
        inner.value_and_grad(Value(3.0))


def test_a_recording_started_by_a_function_being_recorded_is_refused() -> None:
    inner = python(lambda x: x * x)

    with pytest.raises(sg.RecordingError, match="while another"):
        python(lambda x: x * inner(2.0))(3.0)


def test_values_from_elsewhere_are_followed_wherever_they_are_read() -> None:
    w = Value(2.0)

    def without_gradient(x: Any) -> Any:
        with sg.no_grad():
            s = w * w
        return x * s

    cases: list[Any] = [
        lambda x: x * sg.stop_gradient(w),
        lambda x: sg.take([x, 2 * x, 5 * x], w),
        without_gradient,
    ]
    for f in cases:
        c = python(f)
        for number in (2.0, 1.0):
            w.data = number
            assert c(3.0) == f(Value(3.0)).data


def test_what_is_kept_from_an_earlier_run_is_refused() -> None:
    class Cell:
        def __init__(self) -> None:
            self.h, self.w = Value(0.0), Value(0.5)

        def __call__(self, x: Any) -> Any:
            self.h = sg.tanh(self.w * x + self.h)
            return self.h

    cell = Cell()
    with pytest.raises(sg.RecordingError, match="kept from an earlier run"):
        python(cell, [cell.w])(1.0)


def test_look_ups_in_weak_sets_name_the_line_of_the_user() -> None:
    seen: WeakSet[Any] = WeakSet()
    with pytest.raises(sg.RecordingError, match=r"test_record\.py:\d+ .*looks up by hash"):
        python(lambda x: x if x * x in seen else -x)(1.0)


def test_what_escapes_has_nothing_to_differentiate() -> None:
    kept: list[Value] = []
    w = Value(2.0)

    def f(x: Any) -> Any:
        kept.append(w * x)
        kept.append(sg.exp(x))
        return kept[0]

    python(f, [w])(3.0)
    for y in (kept[0], kept[0] * 2 + w, kept[1]):
        with pytest.raises(sg.RecordingError, match="nothing to differentiate"):
            y.backward()


def test_copies_made_elsewhere_meanwhile_are_plain() -> None:
    import copy
    import pickle

    w = Value(2.0)
    copies: list[Any] = []

    def elsewhere() -> None:
        copies.extend([copy.copy(w), copy.deepcopy(w), pickle.loads(pickle.dumps(w))])

    def f(x: Any) -> Any:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        return w * x

    python(f, [w])(3.0)
    assert [type(x) for x in copies] == [Value] * 3


def test_the_number_of_a_value_that_is_not_an_operand_is_refused() -> None:
    rate = Value(0.5, "rate")

    with pytest.raises(sg.RecordingError, match=r"reads \.data of a value 'rate'"):
        python(lambda x: x * rate.data)(1.0)


def test_threads_that_compute_with_the_weights_are_not_disturbed() -> None:
    w = [Value(float(i + 1)) for i in range(6)]
    expected = (2.0 * w[0] + w[1] * w[2] - w[3] / w[4] + sg.exp(w[0])).data
    recording, errors, rounds = threading.Event(), [], []

    def compute() -> None:
        while not recording.is_set():
            try:
                y = 2.0 * w[0] + w[1] * w[2] - w[3] / w[4] + sg.exp(w[0])
                y.backward()
                rounds.append(y.data == expected and w[0].data == 1.0 and len(y.parents) == 2)
            except Exception as error:
                errors.append(repr(error))

    threads = [threading.Thread(target=compute) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        python(lambda x: sg.sum([sg.sin(v * x) for v in w]), w).record(1.0)
    recording.set()
    for thread in threads:
        thread.join()

    assert not errors
    assert rounds
    assert all(rounds)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of JAX, once another test started it
def test_a_fork_while_another_thread_records() -> None:
    w = Value(2.0)
    recording, done = threading.Event(), threading.Event()

    def f(x: Any) -> Any:
        recording.set()
        done.wait(20)
        return w * x

    thread = threading.Thread(target=lambda: python(f, [w])(1.0))
    thread.start()
    recording.wait(20)
    child = os.fork()
    if not child:  # no assert in here: the child must not go on with the tests
        try:
            right = type(w) is Value and python(lambda x: w * x, [w])(3.0) == 6.0
        finally:
            os._exit(0 if right else 1)
    done.set()
    thread.join(20)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert type(w) is Value


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of JAX, once another test started it
def test_a_fork_while_another_thread_holds_the_lock_of_numpys_generator() -> None:
    lock = np.random.mtrand._rand._bit_generator.lock  # type: ignore[attr-defined]
    if not isinstance(lock, type(threading.RLock())):
        pytest.skip("the locks of NumPy before 2.3 are not held")
    told: list[str] = []

    def f(x: Any) -> Any:  # without a function that waits, which would give the lock back
        told.append("recording")
        while len(told) == 1:
            pass
        return 2.0 * x

    thread = threading.Thread(target=lambda: python(f)(1.0))
    thread.start()
    while not told:
        pass
    free = lock.acquire(blocking=False)
    child = os.fork()
    if not child:
        os._exit(0 if lock.acquire(blocking=False) else 1)
    told.append("forked")
    thread.join(20)
    _, status = os.waitpid(child, 0)
    assert not free
    assert os.waitstatus_to_exitcode(status) == 0


def test_beside_a_thread_draws_are_told_from_seeded_generators() -> None:
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        seeded = 2.0 * random.Random(5).random()
        assert python(lambda x: x * random.Random(5).random())(2.0) == seeded
        before = random.getstate()
        for draws in (
            lambda x: [random.seed(1), x][1],
            lambda x: x * random.random(),
            lambda x: x * random.Random().random(),
        ):
            with pytest.raises(sg.RecordingError, match="draws random numbers"):
                python(draws)(1.0)
        assert random.getstate() == before
        with pytest.raises(sg.RecordingError, match="not the same from one call to the next"):
            python(lambda x: x * next(iter(random.random, None)))(1.0)  # drawn in C
    finally:
        stop.set()
        other.join()
