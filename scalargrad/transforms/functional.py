"""Derivatives of plain functions: grad, value_and_grad, jacobian, hessian, jvp, vjp and hvp.

A function is run once on fresh Values, and its graph is swept backward or forward, in one of two
ways. With numbers, the partials are the floats that the nodes recorded. With Values, each row
computes its partials *on Values*, so that the derivative is a graph of its own, which can be
differentiated in turn. A sweep with Values is needed if the function depends on a Value from
outside: one of the user's, or the argument of a transform around this one.

Only nodes that depend on the fresh Values are swept, so nested transforms cannot confuse their
variables (Siskind and Pearlmutter, Perturbation confusion and referential transparency, 2005).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from weakref import WeakSet

from scalargrad.core.arguments import as_flag, is_list
from scalargrad.core.modes import builds, leaves_created, recorder
from scalargrad.core.node import CONSTANT, DETACHED, Argument, argument, is_unused
from scalargrad.core.numbers import as_count, as_float, as_operand, is_number, shown, written
from scalargrad.core.primitives import identity
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value, stop_gradient
from scalargrad.transforms.tree import (
    is_static,
    leaves,
    nested,
    refilled,
    refiller,
    skeleton,
    values_in,
    without_numbers,
)

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Argnums = int | Sequence[int]

_FIXED = (CONSTANT, DETACHED)  # leaves that nothing is differentiated by


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return the function that computes the derivative of `f`.

    Arguments may be nested in lists, tuples, named tuples, dicts, arrays, pandas Series,
    dataclasses and what `register_container` adds. None, texts and bools in them are no numbers:
    they stay as they are, in the derivative too.

    Args:
        f: a function of numbers, or of nestings of numbers, that returns one number.
        argnums: the position of the argument to differentiate by; a sequence of positions gives a
            tuple of derivatives.
        has_aux: whether `f` returns a pair, the number to differentiate and anything else, which is
            passed on. Numbers of the computation in it become floats, as in results.

    Returns:
        A function of the same arguments. Its result has the nesting of the argument and consists
        of floats, or of Values where it depends on Values. With `has_aux` the result is the pair
        (derivative, aux). Keyword arguments are passed on to `f`, not differentiated by.

    Raises:
        TypeError: `f` is not callable; when called, an argument is not a nesting of numbers, or
            `f` does not return one number, or with `has_aux` no pair.
        ValueError: when called, there is no argument at that position.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    >>> grad(lambda p: p["w"] * p["x"][0])({"w": 2.0, "x": [3.0]})
    {'w': 3.0, 'x': [2.0]}
    >>> grad(lambda x, power=3: (x**power, {"square": x * x}), has_aux=True)(2.0, power=4)
    (32.0, {'square': 4.0})
    """
    both = value_and_grad(checked_function(f, "grad"), argnums, has_aux)

    def derivative(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return _named(derivative, "grad", f)


def value_and_grad(
    f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that computes the value of `f` together with its derivative.

    Args:
        f: as for `grad`.
        argnums: as for `grad`.
        has_aux: as for `grad`.

    Returns:
        A function of the same arguments, whose result is the pair (value, derivative), or
        ((value, aux), derivative) with `has_aux`.

    Raises:
        TypeError: as for `grad`.
        ValueError: as for `grad`.

    >>> value_and_grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (6.0, (3.0, 2.0))
    >>> value_and_grad(lambda x: (x * x, "square"), has_aux=True)(3.0)
    ((9.0, 'square'), 6.0)
    """
    has_aux = as_flag(has_aux, "has_aux")

    def both(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        run = Run(f, args, argnums, kwargs, has_aux)
        if not is_number(run.out) or is_static(run.out):
            hint = "" if is_static(run.out) else ": sg.jacobian differentiates lists"
            raise TypeError(
                f"grad needs a function that returns one number, {name_of(f)} returned "
                f"{type(run.out).__name__}{hint}"
            )
        adjoints = run.pull({0: 1.0})
        (value, *adjoints) = run.settle([run.out, *adjoints])
        return run.with_aux(value), run.like_arguments(adjoints)

    return _named(both, "value_and_grad", f)


def jacobian(
    f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that computes the derivative of every output of `f` by every input.

    The matrix is computed by rows (backward) or by columns (forward), whichever are fewer.

    Args:
        f: a function of numbers or nestings of numbers, that returns a number or a nesting.
        argnums: as for `grad`.
        has_aux: as for `grad`.

    Returns:
        A function of the same arguments. Its result has the nesting of the output, each number of
        it replaced by the nesting of the argument; with `has_aux` it is the pair (Jacobian, aux).

    Raises:
        TypeError: `f` is not callable; when called, an argument or the result is not a nesting of
            numbers.
        ValueError: when called, there is no argument at that position.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """
    has_aux = as_flag(has_aux, "has_aux")

    def matrix(*args: Any, **kwargs: Any) -> Any:
        run = Run(f, args, argnums, kwargs, has_aux)
        m, n = len(run.outputs), len(run.fresh)
        if m <= n:
            rows = [run.pull({i: 1.0}) for i in range(m)]
        else:
            columns = [run.push({i: 1.0}) for i in range(n)]
            rows = [[column[i] for column in columns] for i in range(m)]
        flat = iter(run.settle([derivative for row in rows for derivative in row]))
        refill = refiller(run.arguments, derivatives=True)
        filled = [refill(flat) for _ in rows]
        parts: Iterable[Any] = [like[0] for like in filled] if run.single else map(tuple, filled)
        return run.with_aux(run.like_output(parts, derivatives=True))

    return _named(matrix, "jacobian", f)


def hessian(
    f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that computes all second derivatives of `f`, the Jacobian of `grad`.

    Args:
        f: as for `grad`.
        argnums: as for `grad`.
        has_aux: as for `grad`.

    Returns:
        A function of the same arguments. For a list of n numbers its result is an n by n list of
        lists; in general the nesting of the argument, in each place the nesting again. With
        `has_aux` it is the pair (Hessian, aux).

    Raises:
        TypeError: as for `grad`.
        ValueError: as for `grad`.

    >>> hessian(lambda v: v[0] ** 2 * v[1])([1.0, 2.0])
    [[4.0, 2.0], [2.0, 0.0]]
    """
    first = grad(checked_function(f, "hessian"), argnums, has_aux)
    return _named(jacobian(first, argnums, has_aux), "hessian", f)


def jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], **kwargs: Any
) -> tuple[Any, Any]:
    """Compute the value of `f` and its derivative along `tangents` (forward mode).

    Args:
        f: a function of numbers or nestings of numbers, that returns a number or a nesting.
        primals: the list or tuple of its arguments.
        tangents: the direction, of the same nesting as `primals`.
        **kwargs: keyword arguments of `f`, which do not move.

    Returns:
        The pair (value, tangent), both of the nesting that `f` returns.

    Raises:
        TypeError: `primals` or `tangents` is not a tuple or list of nestings of numbers.
        ValueError: their nestings differ.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.5))
    (6.0, 4.0)
    """
    _check_tuples(primals, tangents, "jvp")
    checked_function(f, "jvp")
    leaves(list(primals), "primal")  # before any comparison, which could find no end
    directions = _operands(list(tangents), "tangent")
    if skeleton(tuple(primals)) != skeleton(tuple(tangents)):
        raise ValueError(
            f"jvp needs tangents of the same nesting as the primals, got {written(tangents, 80)} "
            f"for {written(primals, 80)}"
        )
    run = Run(f, tuple(primals), range(len(primals)), kwargs)
    derivatives = run.push(dict(enumerate(directions)))
    settled = run.settle([*run.outputs, *derivatives], also=directions)
    m = len(run.outputs)
    return run.like_output(settled[:m]), run.like_output(settled[m:], derivatives=True)


def vjp(
    f: Callable[..., Any], *primals: Any, **kwargs: Any
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Compute the value of `f` and a function that pulls cotangents back (reverse mode).

    Args:
        f: a function of numbers or nestings of numbers, that returns a number or a nesting.
        *primals: its arguments.
        **kwargs: keyword arguments of `f`, which are not differentiated by.

    Returns:
        The pair (value, pullback). `pullback(cotangent)`, the cotangent having the nesting of the
        value, returns a tuple with the derivative for each primal. It can be called repeatedly.

    Raises:
        TypeError: `f` is not callable, or an argument or the result is not a nesting of numbers.
        ValueError: when `pullback` is called, the nesting of the cotangent differs.

    >>> value, pullback = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> value, pullback([1.0, 0.0])
    ([6.0, 5.0], (3.0, 2.0))
    """
    run = Run(f, primals, range(len(primals)), kwargs)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        seeds = _operands(cotangent, "cotangent")
        if skeleton(cotangent) != skeleton(run.out):
            raise ValueError(
                f"vjp needs a cotangent of the nesting of the value, {written(run.out, 80)}, "
                f"got {written(cotangent, 80)}"
            )
        adjoints = run.pull(dict(enumerate(seeds)))
        return tuple(run.like_arguments(run.settle(adjoints, also=seeds)))

    return run.like_output(run.settle(run.outputs)), pullback


def hvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], **kwargs: Any
) -> Any:
    """Compute the Hessian of `f` times `tangents` without forming the Hessian.

    Forward over reverse, at about four times the cost of `f` (Pearlmutter, Fast exact
    multiplication by the Hessian, 1994).

    Args:
        f: a function that returns one number.
        primals: the list or tuple of its arguments.
        tangents: the vector, of the same nesting as `primals`.
        **kwargs: keyword arguments of `f`, which are not differentiated by.

    Returns:
        The product in the nesting of the primal; for several primals a tuple with one for each.

    Raises:
        TypeError: as for `grad` and `jvp`.
        ValueError: the nestings of `primals` and `tangents` differ.

    >>> hvp(lambda v: v[0] ** 2 * v[1], ([1.0, 2.0],), ([1.0, 0.0],))
    [4.0, 2.0]
    """
    _check_tuples(primals, tangents, "hvp")
    argnums: Argnums = 0 if len(primals) == 1 else range(len(primals))
    return jvp(grad(f, argnums), primals, tangents, **kwargs)[1]


class Run:
    """One run of a function on fresh Values, ready to be swept backward and forward.

    Attributes:
        fresh: the Values that take the place of the numbers to differentiate by.
        bound: those of them that stand for a Value of the caller.
        outputs: the results of the function, flattened; `out` is the same in its nesting.
        aux_values: the Values in what else the function returned.
        tape: the graph of the outputs, the fresh Values first.
        depends: by node of the tape, whether it depends on a fresh Value.
        created: the leaves created meanwhile: they are not from outside.
        with_values: whether to sweep with Values, so that the derivative is a graph of its own.
    """

    def __init__(
        self, f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums,
        kwargs: dict[str, Any] | None = None, has_aux: bool = False,
    ) -> None:  # fmt: skip
        checked_function(f, "a transform")
        self.single = not is_list(argnums)
        chosen = _chosen(argnums, args, f)
        self.arguments = [args[i] for i in chosen]
        self.fresh: list[Value] = []
        self.builds = builds()
        self.recorder = recorder()

        origin = Argument()
        static: list[Any] = []

        def freshen(x: Any) -> Value:
            self.fresh.append(identity(x) if isinstance(x, Value) else argument(x, origin))
            return self.fresh[-1]

        def note(x: Any) -> Any:
            static.append(x)
            return x

        with leaves_created() as self.created:
            inputs = list(args)
            for i in chosen:
                inputs[i] = nested(freshen, args[i], f"argument {i}", fixed=note)
            if static and not self.fresh:
                raise without_numbers(args[chosen[0]], f"argument {chosen[0]}")
            try:
                out = f(*inputs, **(kwargs or {}))
            finally:
                origin.ended = True
        self.has_aux = has_aux
        self.aux_values: list[Any] = []
        if has_aux:
            if not isinstance(out, (tuple, list)) or len(out) != 2:
                raise TypeError(
                    f"with has_aux {name_of(f)} must return a pair, the value and what else, "
                    f"got {shown(out)}"
                )
            out, aux = out
            self.aux_values, self._aux_with = values_in(aux)
        self.outputs = leaves(out, f"the result of {name_of(f)}")
        self.out = refilled(out, self.outputs)  # a copy: the caller may go on changing a list

        # The graph below the fresh Values is left out: a loop of transforms over one Value would
        # sweep it again each time.
        results = [x for x in (*self.outputs, *self.aux_values) if isinstance(x, Value)]
        self.tape = Tape.of(results, self.fresh)
        self.depends = self.tape.reach(range(len(self.fresh)))
        self.bound = {x for x in self.fresh if x.parents}
        outside = self._outside(self.tape)
        self.reaches_outside = bool(self.bound) or bool(outside)
        if any(_has_ended(self.tape.nodes[i]) for i in outside):
            _refuse_kept(self.tape, results, {*self.fresh}, f)

    def _outside(self, tape: Tape) -> list[int]:
        """The leaves of a tape, besides the fresh Values, that come from outside."""
        nodes, created = tape.nodes, self.created
        return [
            i
            for i in tape.leaves(len(self.fresh))
            if nodes[i]._row not in _FIXED and nodes[i] not in created
        ]

    def depends_on_running_transform(self) -> bool:
        """Whether the function uses the argument of a transform around this one."""
        rows = [self.tape.nodes[i]._row for i in self._outside(self.tape)]
        return any(isinstance(row, Argument) and not row.ended for row in rows)

    def _partials(self, i: int) -> Sequence[Any]:
        """The partials of a node as Values, or as plain numbers; None where nothing flows on."""
        node = self.tape.nodes[i]
        if self.recorder:
            slopes, is_zero = self.recorder.partials(node), _is_plain_zero
        else:
            slopes, is_zero = node._row.partials(*node.parents, node), _is_zero
        if not node._row.unused:
            return slopes  # type: ignore[no-any-return]
        return [
            None if is_zero(slope) and is_unused(node, k) else slope
            for k, slope in enumerate(slopes)
        ]

    def sweeps_with_values(self, terms: Iterable[Any] = ()) -> bool:
        """Whether to sweep with Values when `terms` are the seeds or directions."""
        return (
            self.reaches_outside
            or self.recorder is not None
            or any(isinstance(term, Value) for term in terms)
        )

    @contextmanager
    def building(self) -> Iterator[None]:
        """Compute with the Values of the run: what is created meanwhile is not from outside."""
        with leaves_created(self.created):
            yield

    def pull(self, seeds: Mapping[int, Any]) -> list[Any]:
        """Reverse mode: the derivative by each fresh Value of the outputs, weighted by `seeds`."""
        if self.sweeps_with_values(seeds.values()):
            with leaves_created(self.created):
                adjoints = self._adjoints(seeds)
                if self.recorder and self._may_meet_infinities():
                    found = self._pull_reached(adjoints)
                else:
                    found = self.tape.pull(
                        adjoints, times=self._product, partials=self._partials, within=self.depends
                    )
        else:
            found = self.tape.pull_numbers(self._adjoints(seeds), len(self.fresh), self.depends)
        return [0.0 if g is None else g for g in islice(found, len(self.fresh))]

    def _may_meet_infinities(self) -> bool:
        """Whether an operand may be unused in some sample while a partial is infinite."""
        tape = self.tape
        inner = [(node, len(tape.edges(i))) for i, node in enumerate(tape.nodes) if tape.edges(i)]
        chooses = any(node._row.may_leave_out(k) for node, count in inner for k in range(count))
        nodes = [node for node, _ in inner]
        return chooses and any(map(self.recorder.may_be_infinite, nodes))

    def _pull_reached(self, adjoints: dict[int, Any]) -> list[Any]:
        """`Tape.pull` while recording, where samples differ in what they use.

        Each adjoint has a condition: whether it has arrived, or None where it always has. What did
        not arrive is 0, whatever it is multiplied by.
        """
        tape, choose = self.tape, self.recorder.where
        found: list[Any] = [None] * len(tape)
        reached: dict[int, Any] = dict.fromkeys(adjoints)
        for i, adjoint in adjoints.items():
            found[i] = adjoint
        for i in range(len(tape) - 1, -1, -1):
            if found[i] is None or not tape.edges(i):
                continue
            row = tape.nodes[i]._row
            for k, (e, slope) in enumerate(zip(tape.edges(i), self._partials(i), strict=True)):
                j = tape.operands[e]
                term = self._product(found[i], slope) if self.depends[j] else None
                if term is None:
                    continue
                arrives = reached[i]
                if isinstance(slope, Value) and row.may_leave_out(k):
                    arrives = choose(slope, 1.0 if arrives is None else arrives, 0.0)
                if arrives is not None:
                    term = choose(arrives, term, 0.0)
                if arrives is None or j not in reached:
                    reached[j] = arrives
                elif reached[j] is not None:
                    reached[j] = choose(reached[j], 1.0, arrives)
                found[j] = term if found[j] is None else found[j] + term
        return found

    def _adjoints(self, seeds: Mapping[int, Any]) -> dict[int, Any]:
        """The adjoints of the nodes that are outputs."""
        adjoints: dict[int, Any] = {}
        for k, seed in seeds.items():
            output = self.outputs[k]
            i = self.tape.index[output] if isinstance(output, Value) else -1
            if i >= 0 and self.depends[i]:
                _add_term(adjoints, i, None if _is_plain_zero(seed) else seed)
        return adjoints

    def push(self, directions: Mapping[int, Any]) -> list[Any]:
        """Forward mode: the derivative of each output when the fresh Values move like this."""
        tangents: dict[int, Any] = {}
        for i, direction in directions.items():
            _add_term(tangents, i, None if _is_plain_zero(direction) else direction)
        if self.sweeps_with_values(directions.values()):
            with leaves_created(self.created):
                times = self._used_product if self.recorder else self._product
                found = self.tape.push(tangents, times=times, partials=self._used_partials)
        else:
            found = self.tape.push_numbers(tangents)
        indices = [self.tape.index[y] if isinstance(y, Value) else None for y in self.outputs]
        return [0.0 if i is None or found[i] is None else found[i] for i in indices]

    def _used_partials(self, i: int) -> Sequence[Any]:
        """The partials of a node; while recording, paired with whether zero means "not used"."""
        slopes = self._partials(i)
        if not self.recorder:
            return slopes
        row = self.tape.nodes[i]._row
        return [
            (slope, isinstance(slope, Value) and row.may_leave_out(k))
            for k, slope in enumerate(slopes)
        ]

    def _used_product(self, tangent: Any, slope: tuple[Any, bool]) -> Any:
        """tangent * slope, and 0 where the operand was not used."""
        product = self._product(tangent, slope[0])
        return self.recorder.where(slope[0], product, 0.0) if slope[1] else product

    def _product(self, g: Any, slope: Any) -> Any:
        """g * slope, without the products whose result is known; None is no term."""
        if slope is None:
            return None
        if g.__class__ is float and g == 1.0:
            return slope
        if slope.__class__ is float and slope == 1.0:
            return g
        if self.recorder and (isinstance(g, Value) or isinstance(slope, Value)):
            return self.recorder.product(g, slope)
        return g * slope

    def settle(self, results: Sequence[Any], also: Iterable[Any] = ()) -> list[Any]:
        """The results as floats, or as Values where they depend on a Value from outside."""
        outside = self.bound | {x for x in also if isinstance(x, Value)}
        if not self.reaches_outside and not outside:
            return [
                x if x.__class__ is float else x._data if isinstance(x, Value) else as_float(x)
                for x in results
            ]
        tape = Tape.of([x for x in results if isinstance(x, Value)], self.fresh)
        sources = [tape.index[x] for x in outside if x in tape.index]
        depends = tape.reach([*sources, *self._outside(tape)])
        marks = len(self.bound) < len(self.fresh)
        settled = []
        for result in results:
            if isinstance(result, Value):
                value = result if self.builds else stop_gradient(result)
                if marks and depends[tape.index[result]]:  # it may depend on arguments of this run
                    if not self.recorder or value in self.tape.index:  # else it was made just now
                        value = identity(value)
                    _results.add(value)
                settled.append(value if depends[tape.index[result]] else result._data)
            else:
                settled.append(as_float(result))
        return settled

    def like_arguments(self, flat: Iterable[Any]) -> Any:
        like = refilled(self.arguments, flat, derivatives=True)
        return like[0] if self.single else tuple(like)

    def like_output(self, flat: Iterable[Any], derivatives: bool = False) -> Any:
        return refilled(self.out, flat, derivatives)

    def with_aux(self, result: Any) -> Any:
        """The result, beside what else the function returned."""
        if not self.has_aux:
            return result
        return result, self._aux_with(self.settle(self.aux_values))


def _has_ended(leaf: Any) -> bool:
    return isinstance(leaf._row, Argument) and leaf._row.ended


# Results of transforms that depend on Values from outside: what they were computed from is theirs.
_results: WeakSet[Any] = WeakSet()


def _refuse_kept(tape: Tape, results: Iterable[Any], own: set[Any], f: Callable[..., Any]) -> None:
    """Raise the error for a value that a function kept from an earlier run.

    It belongs to the argument of that run, not to the one of this run, so that the derivative would
    be 0. The result of a transform may depend on such an argument, too.
    """
    reached = bytearray(len(tape))
    for i, node in enumerate(tape.nodes):
        below = any(reached[tape.operands[e]] for e in tape.edges(i))
        kept = node not in own and _has_ended(node)
        reached[i] = (below or kept) and node not in _results
    if any(reached[tape.index[x]] for x in results):
        raise ValueError(
            f"{name_of(f)} uses a value that it kept from an earlier run: what it depends on must "
            "come in as an argument, or be computed anew"
        )


def _is_zero(x: Any) -> bool:
    return not (x._data if isinstance(x, Value) else x)


def _is_plain_zero(x: Any) -> bool:
    return not x._data and x.is_constant if isinstance(x, Value) else not x


def _add_term(terms: dict[int, Any], i: int, term: Any) -> None:
    if term is not None:
        terms[i] = terms[i] + term if i in terms else term


def _operands(tree: Any, where: str) -> list[Any]:
    """The numbers of a nesting as floats, and its Values."""
    return [as_operand(x, where) for x in leaves(tree, where)]


def _check_tuples(primals: Any, tangents: Any, caller: str) -> None:
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        got = f"got {shown(primals)} and {shown(tangents)}"
        raise TypeError(
            f"{caller} takes primals and tangents as tuples of arguments, like (2.0,), {got}"
        )


def _chosen(argnums: Argnums, args: tuple[Any, ...], f: Callable[..., Any]) -> list[int]:
    chosen = [
        as_count(i, "argnums", least=-len(args))
        for i in (argnums if is_list(argnums) else [argnums])
    ]
    for i in chosen:
        if i >= len(args):
            raise ValueError(
                f"argnums={written(i)}, but {name_of(f)} was called with {len(args)} argument(s)"
            )
    positions = [i % len(args) for i in chosen]
    if len(set(positions)) < len(positions):
        raise ValueError(f"argnums names an argument twice: {written(argnums)}")
    return positions


def name_of(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__)


def checked_function(f: Any, caller: str) -> Callable[..., Any]:
    if not callable(f):
        raise TypeError(f"{caller} takes a function, got {shown(f)}")
    return f  # type: ignore[no-any-return]


def _named(derived: Callable[..., Any], how: str, f: Callable[..., Any]) -> Callable[..., Any]:
    checked_function(f, how)
    derived.__name__ = derived.__qualname__ = f"{how}({name_of(f)})"
    derived.__doc__ = f"The result of sg.{how} for {name_of(f)}."
    return derived
