"""The node of machine code does what the node of Python does, to the last bit."""

from __future__ import annotations

import gc
import math
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import node_programs as of
import pickled
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ALL, Program, programs
from twins import NATIVE, REASON, Twin

from scalargrad import Value
from scalargrad.core.rows import TABLE, Primitive

native = pytest.mark.skipif(not NATIVE, reason=f"needs the machine code: {REASON}")


@pytest.fixture(scope="module")
def pure() -> Iterator[Twin]:
    """The node of Python, in another process."""
    twin = Twin()
    yield twin
    twin.close()


# --- what it spells of the table ------------------------------------------------------------------

MAGNITUDES = [
    0.0, 5e-324, 1e-310, 2.2250738585072014e-308, 1e-200, 1e-17, 0.1, 0.3, 1 / 3, 0.5,
    1.0 - 2.0**-53, 1.0, 1.0 + 2.0**-52, 1.5, 2.0, 2.5, 3.0, 4.0, 7.0, 10.0, 20.25, 100.0, 709.0,
    709.8, 745.1, 1e5, 2.0**52 + 1, 2.0**53, 2.0**54, 1e17, 1e154, 1e200, 1.7976931348623157e308,
    math.inf,
]  # fmt: skip
POINTS = [sign * x for x in MAGNITUDES for sign in (1.0, -1.0)] + [math.nan]
SOME = [0.0, -0.0, 5e-324, 0.3, -1.5, 2.0, 700.0, -1e200, 1.7e308, math.inf, math.nan]


def points_of(row: Primitive) -> Iterator[tuple[float, ...]]:
    if row.arity is not None and row.arity <= 2:
        yield from product(POINTS, repeat=row.arity)
    else:
        counts = range(1, 4) if row.arity is None else [row.arity]
        for count in counts:
            yield from product(SOME, repeat=count)
        if row.arity is None:
            for count in (4, 5, 16, 33):
                for shift in range(len(POINTS)):
                    yield tuple(POINTS[(shift + 7 * i) % len(POINTS)] for i in range(count))


def spellings(row: Primitive) -> list[Callable[..., Any]]:
    """The ways to write an operation: as a function, as a method, as an operator."""
    sign = {"div": "truediv"}.get(row.name, row.name)
    found: list[Callable[..., Any]] = [row]
    if row.arity == 1 and hasattr(Value, row.name):
        found.append(getattr(Value, row.name))
    if hasattr(Value, f"__{sign}__"):
        found.append(getattr(operator, sign, row))
    return found


def bits(number: float, slopes: Sequence[float]) -> str:
    return f"{float(number).hex()} {[float(slope).hex() for slope in slopes]}"


def wanted(row: Primitive, point: tuple[float, ...], operands: Sequence[object]) -> str:
    try:
        out = row.evaluate(point, operands)
        return bits(out, row.partials(*point, out))
    except (ArithmeticError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def found(spelling: Callable[..., Any], operands: Sequence[Any]) -> str:
    try:
        y = spelling(*operands)
    except (ArithmeticError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    assert [float(p.data).hex() for p in y.parents] == [
        float(getattr(x, "data", x)).hex() for x in operands
    ]
    return bits(y.data, y.partials)


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_every_operation_is_its_row_to_the_last_bit(row: Primitive) -> None:
    for point in points_of(row):
        operands = [Value(x, "abc"[i % 3]) for i, x in enumerate(point)]
        expected = wanted(row, point, operands)
        for spelling in spellings(row):
            assert found(spelling, operands) == expected, point
        if row.arity == 2:  # a plain number on either side
            for mixed in ([point[0], operands[1]], [operands[0], point[1]]):
                expected = wanted(row, point, mixed)
                for spelling in spellings(row):
                    assert found(spelling, mixed) == expected, point


def test_operators_are_among_the_spellings() -> None:
    """So that the test above does not pass for want of them."""
    names = {s.__name__ for row in TABLE.values() for s in spellings(row)}

    assert {"add", "sub", "mul", "truediv", "pow", "neg", "abs", "exp", "relu", "cos"} <= names
    assert operator.truediv in spellings(TABLE["div"])
    assert operator.neg in spellings(TABLE["neg"])


# --- the same programs with both nodes ------------------------------------------------------------


def assert_same(ours: list[str], theirs: list[str]) -> None:
    assert len(ours) == len(theirs)
    assert [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]] == []


@native
@pytest.mark.parametrize("function", of.PROGRAMS, ids=lambda f: f.__name__)
def test_what_nodes_do(pure: Twin, function: Callable[[], list[str]]) -> None:
    assert_same(function(), pure(function))


@native
@pytest.mark.parametrize("operate", of.OPERATORS, ids=lambda f: f.__name__)
def test_operators_with_everything_on_either_side(
    pure: Twin, operate: Callable[[Any, Any], Any]
) -> None:
    assert_same(of.every_operand(operate), pure(of.every_operand, operate))


@native
@given(programs(ALL, most=15))
def test_random_programs_of_the_table(pure: Twin, program: Program) -> None:
    assert_same(of.program(program), pure(of.program, program))


@native
@given(st.integers(0, 2**32))
def test_random_operations_on_everything(pure: Twin, seed: int) -> None:
    assert_same(of.session(seed), pure(of.session, seed))


@native
@given(st.integers(0, 2**32))
def test_gradients_that_arrive_over_many_ways(pure: Twin, seed: int) -> None:
    assert_same(of.shared(seed), pure(of.shared, seed))


@native
@given(st.integers(0, 2**32))
def test_training_a_small_network(pure: Twin, seed: int) -> None:
    assert_same(of.training(seed), pure(of.training, seed))


# --- pickles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", pickled.FILES)
def test_pickles_that_either_node_wrote(pure: Twin, name: str) -> None:
    wanted = pickled.described(pickled.made())

    assert pickled.read(name) == wanted
    assert pure(pickled.read, name) == wanted


def test_pickles_go_to_and_fro(pure: Twin) -> None:
    wanted = pickled.described(pickled.made())

    assert pickled.read_from(pure(pickled.written)) == wanted
    assert pure(pickled.read_from, pickled.written()) == wanted


# --- what is different, on purpose ----------------------------------------------------------------


@native
def test_a_node_takes_no_part_in_the_collection_of_cycles() -> None:
    x = Value(1.0, "x")
    nodes = [x, x + 1, -x, x.exp(), TABLE["sum"](x, x, x), Value.__new__(Value)]

    assert not any(map(gc.is_tracked, nodes))


@native
def test_sizes() -> None:
    x = Value(1.0)
    size = sys.getsizeof(x)

    assert size <= 128  # with the header of the collector
    assert sys.getsizeof(x + x) == sys.getsizeof(-x) == size
    sizes = [sys.getsizeof(TABLE["sum"](*[x] * count)) for count in (3, 4, 5)]
    assert sizes[0] > size
    assert sizes[2] - sizes[1] == sizes[1] - sizes[0] >= 8


@native
def test_a_node_that_was_never_initialised_is_a_zero() -> None:
    x = Value.__new__(Value)

    assert repr(x) == "Value(data=0.0, grad=0.0)"
    assert (x.parents, x.partials, x.label) == ((), (), "")
    assert (x + 1).data == 1.0


@native
def test_a_label_cannot_be_deleted() -> None:
    x = Value(1.0, "x")
    with pytest.raises(AttributeError, match="label cannot be deleted"):
        del x.label

    assert x.label == "x"
