"""Vectors of eight lanes, which are written like numbers and emitted as LLVM code.

Numba compiles scalar loops well but gives no control over registers, and a matrix product is fast
only if sixteen sums stay there. So the inner loops are emitted by hand, through numba's own
builder. `Lanes` emits loops, loads and stores. They work on a `Vector`, which makes formulas
readable: `(x > 0.0).pick(x, 0.01 * x)`. On machines with shorter vectors LLVM splits an instruction
into two or four.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba.core import cgutils

__all__ = ["WIDTH", "Lanes", "Vector"]

WIDTH = 8  # lanes of a vector; a row has a whole number of vectors
BYTES = 8 * WIDTH

INT, FLOAT = ir.IntType(64), ir.DoubleType()
VECTOR = ir.VectorType(FLOAT, WIDTH)


def _operator(instruction: str) -> Callable[[Vector, Any], Vector]:
    """An operator that emits an instruction of LLVM."""

    def method(self: Vector, other: Any) -> Vector:
        return self._with(getattr(self.lanes.builder, instruction), other)

    return method


def _comparison(how: str, unordered: bool = False) -> Callable[[Vector, Any], Vector]:
    """A comparison; nan makes an ordered one false, an unordered one true."""

    def method(self: Vector, other: Any) -> Vector:
        builder = self.lanes.builder
        compare = builder.fcmp_unordered if unordered else builder.fcmp_ordered
        return self._with(lambda x, y: compare(how, x, y), other)

    return method


class Vector:
    """Eight floats, or eight truth values, in a register."""

    def __init__(self, lanes: Lanes, value: Any) -> None:
        self.lanes, self.value = lanes, value

    def _with(self, emit: Callable[..., Any], *others: Any) -> Vector:
        values = [self.lanes.vector(other).value for other in others]
        return Vector(self.lanes, emit(self.value, *values))

    def __neg__(self) -> Vector:
        return self._with(self.lanes.builder.fneg)

    __add__ = __radd__ = _operator("fadd")  # commutes, to the bit
    __sub__ = _operator("fsub")
    __mul__ = __rmul__ = _operator("fmul")
    __truediv__ = _operator("fdiv")
    __lt__, __le__ = _comparison("<"), _comparison("<=")
    __gt__, __ge__ = _comparison(">"), _comparison(">=")
    equals, differs = _comparison("=="), _comparison("!=", unordered=True)

    def __rsub__(self, other: Any) -> Vector:
        return self.lanes.vector(other) - self

    def __rtruediv__(self, other: Any) -> Vector:
        return self.lanes.vector(other) / self

    def either(self, other: Vector) -> Vector:
        """The lanes where one of two truth values is true."""
        return self._with(self.lanes.builder.or_, other)

    def pick(self, yes: Any, no: Any) -> Vector:
        """`yes` in the lanes where this truth value is true, `no` in the others."""
        return self._with(self.lanes.builder.select, yes, no)

    def fma(self, other: Any, more: Any) -> Vector:
        """self * other + more, rounded once if the processor can do that."""
        return self._with(lambda *xs: self.lanes.call("fmuladd", *xs), other, more)

    def copysign(self, other: Any) -> Vector:
        """The size of these numbers with the signs of others."""
        return self._with(lambda *xs: self.lanes.call("copysign", *xs), other)

    def unary(self, name: str) -> Vector:
        """The function `name` of LLVM: fabs, sqrt, floor or ceil."""
        return self._with(lambda x: self.lanes.call(name, x))


class Lanes:
    """Emits code for rows of lanes at the current position of `builder`."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def integer(self, x: Any) -> Any:
        """A whole number as an LLVM value."""
        return ir.Constant(INT, x) if isinstance(x, int) else x

    def add(self, *terms: Any) -> Any:
        """The sum of whole numbers."""
        total = self.integer(terms[0])
        for term in terms[1:]:
            total = self.builder.add(total, self.integer(term))
        return total

    def times(self, x: Any, y: Any) -> Any:
        """The product of two whole numbers."""
        return self.builder.mul(self.integer(x), self.integer(y))

    def at(self, address: Any, kind: Any) -> Any:
        """An address as a pointer to values of a kind."""
        return self.builder.inttoptr(address, kind.as_pointer())

    def pointer(self, address: Any, index: Any, kind: Any) -> Any:
        """A pointer to the number at `index` in the array of that kind at `address`."""
        return self.at(self.add(address, self.times(index, 8)), kind)

    def word(self, address: Any, index: Any = 0) -> Any:
        """The whole number at `index` in the array at `address`."""
        return self.builder.load(self.pointer(address, index, INT))

    def vector(self, x: Any) -> Vector:
        """`x` in all lanes, unless it is a vector already."""
        if isinstance(x, Vector):
            return x
        if isinstance(x, (int, float)):
            return Vector(self, ir.Constant(VECTOR, [ir.Constant(FLOAT, float(x))] * WIDTH))
        empty = ir.Constant(VECTOR, ir.Undefined)
        first = self.builder.insert_element(empty, x, ir.Constant(ir.IntType(32), 0))
        return self.shuffle(Vector(self, first), Vector(self, first), [0] * WIDTH)

    def load(self, address: Any) -> Vector:
        """The vector at an address."""
        return Vector(self, self.builder.load(self.at(address, VECTOR), align=8))

    def load_everywhere(self, address: Any) -> Vector:
        """The one number at `address` in all lanes."""
        return self.vector(self.builder.load(self.at(address, FLOAT)))

    def store(self, vector: Vector, address: Any) -> None:
        """Write a vector at an address."""
        self.builder.store(vector.value, self.at(address, VECTOR), align=8)

    def add_number(self, number: Any, address: Any) -> None:
        """Add one number to the one at `address`."""
        pointer = self.at(address, FLOAT)
        self.builder.store(self.builder.fadd(self.builder.load(pointer), number), pointer)

    def shuffle(self, x: Vector, y: Vector, order: Sequence[int]) -> Vector:
        """The lanes of x (0 to 7) and y (8 to 15) in this order."""
        mask = ir.Constant(
            ir.VectorType(ir.IntType(32), len(order)),
            [ir.Constant(ir.IntType(32), k) for k in order],
        )
        return Vector(self, self.builder.shuffle_vector(x.value, y.value, mask))

    def call(self, name: str, *values: Any) -> Any:
        """Call an intrinsic of LLVM on vectors."""
        kind = ir.FunctionType(VECTOR, [VECTOR] * len(values))
        full = f"llvm.{name}.v{WIDTH}f64"
        function = cgutils.get_or_insert_function(self.builder.module, kind, full)
        return self.builder.call(function, values)

    @contextmanager
    def loop(self, start: Any, stop: Any, step: int = 1) -> Iterator[Any]:
        """Emit the `with` block as the body of a loop; yields the index."""
        start, stop, step = map(self.integer, (start, stop, step))
        with cgutils.for_range_slice(self.builder, start, stop, step) as (index, _):
            yield index

    def sums(self, count: int) -> list[Any]:
        """Variables for vectors, which the compiler keeps in registers."""
        return [cgutils.alloca_once(self.builder, VECTOR) for _ in range(count)]

    def set(self, variable: Any, vector: Vector) -> None:
        """Assign a vector to a variable."""
        self.builder.store(vector.value, variable)

    def get(self, variable: Any) -> Vector:
        """The vector in a variable."""
        return Vector(self, self.builder.load(variable))

    def count(self, address: Any) -> Any:
        """A variable for a whole number, starting at `address`."""
        variable = cgutils.alloca_once(self.builder, INT)
        self.builder.store(address, variable)
        return variable

    def operand(self, base: Any, word: Any) -> Callable[[Any], Vector]:
        """A function that loads the operand `word` at an offset in bytes within its row.

        The last bit of a word tells a row (1) from a number that all lanes share (0). Such a number
        fills eight lanes, and the offset is masked away: one loop serves both, without a branch.
        """
        address = self.add(base, self.builder.and_(word, self.integer(-2)))
        mask = self.builder.neg(self.builder.and_(word, self.integer(1)))
        return lambda lane: self.load(self.add(address, self.builder.and_(lane, mask)))

    def row(self, base: Any, word: Any) -> Any:
        """The address of the row (or number) of `word`."""
        return self.add(base, self.builder.and_(word, self.integer(-2)))

    def total(self, vectors: Sequence[Vector]) -> Iterator[tuple[int, Vector | Any]]:
        """The sum of the lanes of each vector; eight vectors are added together, as a tree.

        Yields (8, vector of sums) for eight vectors, and (1, sum) for each of the remaining ones.
        """
        for k in range(0, len(vectors), WIDTH):
            eight = list(vectors[k : k + WIDTH])
            if len(eight) < WIDTH:
                for vector in eight:
                    yield 1, self._total(vector)
                continue
            for half in (1, 2, 4):
                pairs = zip(eight[::2], eight[1::2], strict=True)
                eight = [self._folded(x, y, half) for x, y in pairs]
            yield WIDTH, eight[0]

    def _folded(self, x: Vector, y: Vector, half: int) -> Vector:
        """Lanes with the bit `half` in their index, added to the lanes that differ in it alone.

        The result holds x in the lanes without the bit and y in those with it.
        """
        order = [i - half + WIDTH if i & half else i for i in range(WIDTH)]
        return self.shuffle(x, y, order) + self.shuffle(x, y, [i + half for i in order])

    def _total(self, vector: Vector) -> Any:
        for half in (4, 2, 1):
            order = [(i + half) % WIDTH for i in range(WIDTH)]
            vector = vector + self.shuffle(vector, vector, order)
        return self.builder.extract_element(vector.value, ir.Constant(ir.IntType(32), 0))
