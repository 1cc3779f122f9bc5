"""Vectors of eight lanes, written like numbers, and the loops over them: emitted as LLVM code.

Numba compiles scalar loops well but gives no hold on registers, and a matrix product lives from
keeping sixteen sums there. So the inner loops are emitted by hand, through the builder that numba
itself uses. `Lanes` emits loops, loads and stores; a `Vector` is what they work on, and makes
formulas readable: `(x > 0.0).pick(x, 0.01 * x)`. Machines whose vectors are shorter get two or four
instructions for one: LLVM splits them.
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


class Vector:
    """Eight floats, or eight truths, in a register."""

    def __init__(self, lanes: Lanes, value: Any) -> None:
        self.lanes, self.value = lanes, value

    def _with(self, emit: Callable[..., Any], *others: Any) -> Vector:
        values = [self.lanes.vector(other).value for other in others]
        return Vector(self.lanes, emit(self.value, *values))

    def __neg__(self) -> Vector:
        return self._with(self.lanes.builder.fneg)

    def __add__(self, other: Any) -> Vector:
        return self._with(self.lanes.builder.fadd, other)

    def __sub__(self, other: Any) -> Vector:
        return self._with(self.lanes.builder.fsub, other)

    def __rsub__(self, other: Any) -> Vector:
        return self.lanes.vector(other) - self

    def __mul__(self, other: Any) -> Vector:
        return self._with(self.lanes.builder.fmul, other)

    def __truediv__(self, other: Any) -> Vector:
        return self._with(self.lanes.builder.fdiv, other)

    def __rtruediv__(self, other: Any) -> Vector:
        return self.lanes.vector(other) / self

    __radd__, __rmul__ = __add__, __mul__  # both commute, to the bit

    def _compare(self, how: str, other: Any) -> Vector:
        return self._with(lambda x, y: self.lanes.builder.fcmp_ordered(how, x, y), other)

    def __lt__(self, other: Any) -> Vector:
        return self._compare("<", other)

    def __le__(self, other: Any) -> Vector:
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> Vector:
        return self._compare(">", other)

    def __ge__(self, other: Any) -> Vector:
        return self._compare(">=", other)

    def equals(self, other: Any) -> Vector:
        """Where both are the same number; nan is not."""
        return self._compare("==", other)

    def differs(self, other: Any) -> Vector:
        """Where they are not the same number; nan is not."""
        return self._with(lambda x, y: self.lanes.builder.fcmp_unordered("!=", x, y), other)

    def either(self, other: Vector) -> Vector:
        """Where one of two truths holds."""
        return self._with(self.lanes.builder.or_, other)

    def pick(self, yes: Any, no: Any) -> Vector:
        """`yes` in the lanes where this truth holds, `no` in the others."""
        return self._with(self.lanes.builder.select, yes, no)

    def fma(self, other: Any, more: Any) -> Vector:
        """self * other + more, rounded once where the processor can."""
        return self._with(lambda *xs: self.lanes.call("fmuladd", *xs), other, more)

    def unary(self, name: str) -> Vector:
        """What LLVM calls `name`: fabs, sqrt, floor, ceil."""
        return self._with(lambda x: self.lanes.call(name, x))


class Lanes:
    """Emits code for rows of lanes at the place where `builder` stands."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def integer(self, x: Any) -> Any:
        return ir.Constant(INT, x) if isinstance(x, int) else x

    def add(self, *terms: Any) -> Any:
        """The sum of whole numbers."""
        total = self.integer(terms[0])
        for term in terms[1:]:
            total = self.builder.add(total, self.integer(term))
        return total

    def times(self, x: Any, y: Any) -> Any:
        return self.builder.mul(self.integer(x), self.integer(y))

    def at(self, address: Any, kind: Any) -> Any:
        return self.builder.inttoptr(address, kind.as_pointer())

    def place(self, address: Any, index: Any, kind: Any) -> Any:
        """Where the number of that kind is that lies `index` numbers behind `address`."""
        return self.at(self.add(address, self.times(index, 8)), kind)

    def word(self, address: Any, place: Any = 0) -> Any:
        """The whole number `place` words behind `address`."""
        return self.builder.load(self.place(address, place, INT))

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
        return Vector(self, self.builder.load(self.at(address, VECTOR), align=8))

    def load_everywhere(self, address: Any) -> Vector:
        """The one number at `address` in all lanes."""
        return self.vector(self.builder.load(self.at(address, FLOAT)))

    def store(self, vector: Vector, address: Any) -> None:
        self.builder.store(vector.value, self.at(address, VECTOR), align=8)

    def add_number(self, number: Any, address: Any) -> None:
        """Add one number to the one at `address`."""
        place = self.at(address, FLOAT)
        self.builder.store(self.builder.fadd(self.builder.load(place), number), place)

    def shuffle(self, x: Vector, y: Vector, order: Sequence[int]) -> Vector:
        """The lanes of x (0 to 7) and y (8 to 15) in this order."""
        mask = ir.Constant(
            ir.VectorType(ir.IntType(32), len(order)),
            [ir.Constant(ir.IntType(32), k) for k in order],
        )
        return Vector(self, self.builder.shuffle_vector(x.value, y.value, mask))

    def call(self, name: str, *values: Any) -> Any:
        kind = ir.FunctionType(VECTOR, [VECTOR] * len(values))
        full = f"llvm.{name}.v{WIDTH}f64"
        function = cgutils.get_or_insert_function(self.builder.module, kind, full)
        return self.builder.call(function, values)

    @contextmanager
    def loop(self, start: Any, stop: Any, step: int = 1) -> Iterator[Any]:
        """Emit what is in the `with` block as the body of a loop; gives the index."""
        start, stop, step = map(self.integer, (start, stop, step))
        with cgutils.for_range_slice(self.builder, start, stop, step) as (index, _):
            yield index

    def sums(self, count: int) -> list[Any]:
        """Places for vectors, which the compiler keeps in registers."""
        return [cgutils.alloca_once(self.builder, VECTOR) for _ in range(count)]

    def set(self, place: Any, vector: Vector) -> None:
        self.builder.store(vector.value, place)

    def get(self, place: Any) -> Vector:
        return Vector(self, self.builder.load(place))

    def count(self, address: Any) -> Any:
        """A place in memory for a whole number that the emitted code changes."""
        place = cgutils.alloca_once(self.builder, INT)
        self.builder.store(address, place)
        return place

    def operand(self, base: Any, word: Any) -> Callable[[Any], Vector]:
        """How to load the operand `word`, given how many bytes into a row the lanes lie.

        The last bit of a word tells a row (1) from a number that is the same for all lanes (0).
        Such a number is held in eight lanes, and the offset is masked away: so one loop serves both
        kinds, without a branch.
        """
        address = self.add(base, self.builder.and_(word, self.integer(-2)))
        mask = self.builder.neg(self.builder.and_(word, self.integer(1)))
        return lambda lane: self.load(self.add(address, self.builder.and_(lane, mask)))

    def row(self, base: Any, word: Any) -> Any:
        """The address of the row (or number) that `word` stands for."""
        return self.add(base, self.builder.and_(word, self.integer(-2)))

    def total(self, vectors: Sequence[Vector]) -> Iterator[tuple[int, Vector | Any]]:
        """The sum of the lanes of each vector; eight are added up together, as a tree.

        Gives (how many, vector) for eight and (1, number) for those left over.
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

        x gives the lanes without the bit, y those with it: both are halved, and fit in one vector.
        """
        order = [i - half + WIDTH if i & half else i for i in range(WIDTH)]
        return self.shuffle(x, y, order) + self.shuffle(x, y, [i + half for i in order])

    def _total(self, vector: Vector) -> Any:
        for half in (4, 2, 1):
            order = [(i + half) % WIDTH for i in range(WIDTH)]
            vector = vector + self.shuffle(vector, vector, order)
        return self.builder.extract_element(vector.value, ir.Constant(ir.IntType(32), 0))
