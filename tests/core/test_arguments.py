"""The checks of arguments that all functions share: what passes, and what is said of the rest."""

from typing import Any

import numpy as np
import pytest

from scalargrad import Value
from scalargrad.core.arguments import as_choice, as_flag, check_unmasked, is_list, listed
from scalargrad.core.numbers import as_non_negative, as_operand, shown, written
from scalargrad.support import memory
from scalargrad.support.memory import check_memory

MASKED: Any = np.ma.masked_array([1.0, 2.0], mask=[False, True])
WHOLE: Any = np.ma.masked_array([1.0, 2.0], mask=[False, False])


@pytest.mark.parametrize("x", [True, False, np.True_, np.False_])
def test_what_is_a_flag(x: Any) -> None:
    assert as_flag(x, "f") is bool(x)


@pytest.mark.parametrize("x", [0, 1, 1.0, "yes", "", None, [], np.array([True]), Value(1.0)])
def test_what_is_no_flag(x: Any) -> None:
    with pytest.raises(TypeError, match=rf"^f must be True or False, got {type(x).__name__}: "):
        as_flag(x, "f")


def test_choices() -> None:
    assert as_choice("a", ("a", "b"), "c") == "a"
    for bad, told in (("z", "'z'"), (3, "3"), (np.array(["a", "b"]), "array"), ("", "''")):
        with pytest.raises(ValueError, match=rf"^c must be one of a, b, got {told}"):
            as_choice(bad, ("a", "b"), "c")


def test_sizes() -> None:
    assert as_non_negative(2, "s") == 2.0
    assert as_non_negative(np.inf, "s", infinite=True) == np.inf
    for bad in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=rf"^s must be .*, got {bad}$"):
            as_non_negative(bad, "s")


def test_operands() -> None:
    x = Value(1.0)
    assert as_operand(x, "f") is x
    assert type(as_operand(np.float32(0.5), "f")) is float
    with pytest.raises(OverflowError, match=r"^f takes a number in the range of floats, got int"):
        as_operand(10**400, "f")


ONE = {1.0: 1.0}


@pytest.mark.parametrize(
    "xs", [[1.0], (1.0,), np.array([1.0]), ONE.keys(), ONE.values(), iter([1.0]), WHOLE[:1]]
)
def test_lists(xs: Any) -> None:
    assert listed(xs, "sum") == [1.0]


@pytest.mark.parametrize(
    "xs", ["", "ab", b"ab", {}, {1.0: 2.0}, {1.0}, frozenset(), 3, None, float]
)
def test_no_lists(xs: Any) -> None:
    with pytest.raises(TypeError, match=rf"^sum takes a list of .*, got {type(xs).__name__}: "):
        listed(xs, "sum")
    assert not is_list(xs)


def test_masked_entries_are_found_wherever_they_are() -> None:
    endless: list[Any] = [WHOLE, 1.0]
    endless.append(endless)
    for x in (WHOLE, [WHOLE], 3, "x", endless):
        check_unmasked(x, "X")
    for x in (MASKED, [1.0, (MASKED,)], np.ma.masked, [[1.0, np.ma.masked]], [endless, MASKED]):
        with pytest.raises(TypeError, match=r"^X: a masked array has entries that are no numbers"):
            check_unmasked(x, "X")


def test_objects_that_cannot_be_written() -> None:
    class Faulty:
        def __repr__(self) -> str:
            raise RuntimeError

    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for x, kind in ((10**5000, "int"), (deep, "list"), (Faulty(), "Faulty")):
        assert written(x) == shown(x) == kind
    assert len(shown("x" * 1_000)) == len("str: ") + 60


def test_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_memory", lambda: 1_000_000)
    check_memory(10_000, 100, "{} boxes")
    for count, told in (
        (10_001, r"10001 boxes needs 1\.0e\+6 bytes"), (10**6, r"1\.0e\+6 boxes needs 1\.0e\+8"),
        (999_999, r"9\.9e\+5 boxes"), (10**5000, r"1\.0e\+5000 boxes needs 1\.0e\+5002"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=rf"^{told}.*and this machine has 1\.0e\+6$"):
            check_memory(count, 100, "{} boxes")


def test_the_memory_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory._memory() > 2**24
    monkeypatch.delattr("os.sysconf")
    assert memory._memory() == 2**46
