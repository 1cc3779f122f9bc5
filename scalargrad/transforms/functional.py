"""Derivatives of plain functions of numbers: grad, jacobian, hessian, jvp, vjp and their like.

A function is run once on fresh Values, and the chain rule is walked over what came out, backward or
forward. There are two ways to walk. With numbers: each node's partials are the floats it recorded.
With Values: each node's row is asked for its partials *on Values*, which makes the derivative a
graph of its own, to be differentiated in its turn. The second is taken when the function depends on
a Value from outside of it, be that the user's or the argument of a transform around this one.

Only nodes that depend on the fresh Values are walked, so transforms inside one another do not mix
up their variables (Siskind and Pearlmutter, Perturbation confusion and referential transparency,
2005).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import isinf
from typing import Any

from scalargrad.core.modes import builds, leaves_created, recorder
from scalargrad.core.node import CONSTANT, DETACHED, order
from scalargrad.core.numbers import as_count, as_float, is_number
from scalargrad.core.primitives import identity
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value, stop_gradient
from scalargrad.transforms.tree import leaves, nested, refilled, skeleton

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Argnums = int | Sequence[int]

_FIXED = (CONSTANT, DETACHED)  # leaves that nothing is differentiated by


def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that gives the derivative of `f`, which returns one number.

    Args:
        f: a function of numbers, or of nested lists, tuples and dicts of numbers.
        argnums: which positional argument to differentiate by; several give a tuple.

    Returns:
        A function of the same arguments. The derivative has the nesting of the argument; it
        consists of floats, or of Values where it depends on Values.

    Raises (when called):
        TypeError: an argument is no nesting of numbers, or `f` does not return one number.
        ValueError: there is no argument of that number.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    >>> grad(lambda p: p["w"] * p["x"][0])({"w": 2.0, "x": [3.0]})
    {'w': 3.0, 'x': [2.0]}
    """
    both = value_and_grad(checked_function(f, "grad"), argnums)
    return _named(lambda *args, **kwargs: both(*args, **kwargs)[1], "grad", f)


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that gives the pair of the value of `f` and its derivative, as `grad` does.

    >>> value_and_grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (6.0, (3.0, 2.0))
    """

    def both(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        run = _Run(f, args, argnums, kwargs)
        if not is_number(run.out):
            raise TypeError(
                f"grad needs a function that returns one number, {name_of(f)} returned "
                f"{type(run.out).__name__}: sg.jacobian differentiates lists"
            )
        adjoints = run.pull([1.0])
        (value, *adjoints) = run.settle([run.out, *adjoints])
        return value, run.like_arguments(adjoints)

    return _named(both, "value_and_grad", f)


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that gives the derivative of every output of `f` by every input.

    The result has the nesting of the output, and in each place of it the nesting of the argument.
    It is computed by rows (backward) or by columns (forward), whichever are fewer.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """

    def matrix(*args: Any, **kwargs: Any) -> Any:
        run = _Run(f, args, argnums, kwargs)
        m, n = len(run.outputs), len(run.fresh)
        if m <= n:
            rows = [run.pull([float(i == j) for j in range(m)]) for i in range(m)]
        else:
            columns = [run.push([float(i == j) for j in range(n)]) for i in range(n)]
            rows = [[column[i] for column in columns] for i in range(m)]
        flat = iter(run.settle([derivative for row in rows for derivative in row]))
        return run.like_output(run.like_arguments([next(flat) for _ in range(n)]) for _ in rows)

    return _named(matrix, "jacobian", f)


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that gives all second derivatives of `f`, which returns one number.

    >>> hessian(lambda v: v[0] ** 2 * v[1])([1.0, 2.0])
    [[4.0, 2.0], [2.0, 0.0]]
    """
    first = grad(checked_function(f, "hessian"), argnums)
    return _named(jacobian(first, argnums), "hessian", f)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of `f` at `primals`, and its derivative in the direction of `tangents`.

    Forward mode: one walk with the computation, whatever the number of outputs.

    Args:
        f: a function of numbers or nestings of numbers, that returns one or a nesting.
        primals: the list or tuple of its arguments.
        tangents: as many, of the same nesting.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.5))
    (6.0, 4.0)
    """
    _check_tuples(primals, tangents, "jvp")
    if skeleton(tuple(primals)) != skeleton(tuple(tangents)):
        raise ValueError(
            f"jvp needs tangents of the same nesting as the primals, got {tangents!r:.80} "
            f"for {primals!r:.80}"
        )
    run = _Run(f, tuple(primals), range(len(primals)))
    directions = leaves(list(tangents), "tangent")
    derivatives = run.push(directions)
    settled = run.settle([*run.outputs, *derivatives], also=directions)
    m = len(run.outputs)
    return run.like_output(settled[:m]), run.like_output(settled[m:])


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of `f` at `primals`, and the function that pulls a cotangent back to them.

    Reverse mode: `pullback(cotangent)`, the cotangent having the nesting of the value, gives a
    tuple with the derivative for each primal.

    >>> value, pullback = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> value, pullback([1.0, 0.0])
    ([6.0, 5.0], (3.0, 2.0))
    """
    run = _Run(f, primals, range(len(primals)))

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        if skeleton(cotangent) != skeleton(run.out):
            raise ValueError(
                f"vjp needs a cotangent of the nesting of the value, {run.out!r:.80}, "
                f"got {cotangent!r:.80}"
            )
        seeds = leaves(cotangent, "cotangent")
        return tuple(run.like_arguments(run.settle(run.pull(seeds), also=seeds)))

    return run.like_output(run.settle(run.outputs)), pullback


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of `f` at `primals` times `tangents`, without forming the Hessian.

    Forward over reverse (Pearlmutter, Fast exact multiplication by the Hessian, 1994): about four
    times the cost of `f`.

    Returns:
        The product in the nesting of the primal; for several primals, a tuple with one for each.

    >>> hvp(lambda v: v[0] ** 2 * v[1], ([1.0, 2.0],), ([1.0, 0.0],))
    [4.0, 2.0]
    """
    _check_tuples(primals, tangents, "hvp")
    argnums: Argnums = 0 if len(primals) == 1 else range(len(primals))
    return jvp(grad(f, argnums), primals, tangents)[1]


class _Run:
    """One run of a function on fresh Values, ready to be swept backward and forward.

    Attributes:
        fresh: the Values that take the place of the numbers to differentiate by.
        bound: those of them that stand for a Value of the caller.
        outputs: the results of the function, flattened; `out` is the same in its nesting.
        tape: the graph of the outputs, the fresh Values first.
        depends: by node of the tape, whether it depends on a fresh Value.
        created: the leaves created meanwhile: they are not from outside.
        with_values: whether to sweep with Values, so that the derivative is a graph of its own.
    """

    def __init__(
        self, f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums,
        kwargs: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        checked_function(f, "a transform")
        self.single = not isinstance(argnums, Sequence)
        chosen = _chosen(argnums, args, f)
        self.arguments = [args[i] for i in chosen]
        self.fresh: list[Value] = []
        self.builds = builds()
        self.recorder = recorder()

        def freshen(x: Any) -> Value:
            self.fresh.append(identity(x) if isinstance(x, Value) else Value(x))
            return self.fresh[-1]

        with leaves_created() as self.created:
            inputs = list(args)
            for i in chosen:
                inputs[i] = nested(freshen, args[i], f"argument {i}")
            out = f(*inputs, **(kwargs or {}))
        self.outputs = leaves(out, f"the result of {name_of(f)}")
        self.out = refilled(out, self.outputs)  # a copy: the caller may go on changing a list

        # What is below the fresh Values is not swept: it has been, by whoever made it, and a loop
        # of transforms over one Value would sweep it again each time.
        results = [x for x in self.outputs if isinstance(x, Value)]
        self.tape = Tape.of(results, self.fresh)
        self.depends = self.tape.reach(range(len(self.fresh)))
        self.bound = {x for x in self.fresh if x.parents}
        others = self.tape.nodes[len(self.fresh) :]
        self.reaches_outside = bool(self.bound) or any(map(self._is_outside, others))

    def _is_outside(self, node: Value) -> bool:
        return not node.parents and node._row not in _FIXED and node not in self.created

    def _partials(self, i: int) -> Sequence[Any]:
        """The partials of a node as Values, or numbers where they are constant."""
        node, row = self.tape.nodes[i], self.tape.rows[i]
        if self.recorder:
            return self.recorder.partials(node)  # type: ignore[no-any-return]
        return row.partials(*node.parents, node)  # type: ignore[no-any-return]

    def _sweep(self, terms: Sequence[Any]) -> dict[str, Any]:
        """How to sweep when `terms` are the seeds or directions."""
        with_values = (
            self.reaches_outside
            or self.recorder is not None
            or any(isinstance(term, Value) for term in terms)
        )
        return {"times": self._product, "partials": self._partials if with_values else None}

    def pull(self, seeds: Sequence[Any]) -> list[Any]:
        """Reverse mode: the derivative of the outputs, weighted by `seeds`, by each fresh Value."""
        adjoints: dict[int, Any] = {}
        with leaves_created(self.created):
            for output, seed in zip(self.outputs, seeds, strict=True):
                i = self.tape.index[output] if isinstance(output, Value) else -1
                if i >= 0 and self.depends[i]:
                    _add_term(adjoints, i, self._product(seed, 1.0))
            found = self.tape.pull(adjoints, within=self.depends, **self._sweep(seeds))
        return [0.0 if g is None else g for g in found[: len(self.fresh)]]

    def push(self, directions: Sequence[Any]) -> list[Any]:
        """Forward mode: the derivative of each output when the fresh Values move like this."""
        tangents: dict[int, Any] = {}
        with leaves_created(self.created):
            for i, direction in enumerate(directions):
                _add_term(tangents, i, self._product(direction, 1.0))
            found = self.tape.push(tangents, **self._sweep(directions))
        indices = [self.tape.index[y] if isinstance(y, Value) else None for y in self.outputs]
        return [0.0 if i is None or found[i] is None else found[i] for i in indices]

    def _product(self, g: Any, slope: Any) -> Any:
        """g * slope, without the products whose result is known; None is no term."""
        if (not isinstance(g, Value) and not g) or (not isinstance(slope, Value) and not slope):
            return None  # a zero that is no variable stops here
        if _is_one(g) or _is_one(slope):
            return slope if _is_one(g) else g
        if self.recorder and (isinstance(g, Value) or isinstance(slope, Value)):
            return self.recorder.product(g, slope)
        x, y = (t._data if isinstance(t, Value) else t for t in (g, slope))
        if not x and isinf(y):
            return g * 0.0  # 0 * inf is never formed: it counts as 0, and as flat
        if not y and isinf(x):
            return slope * 0.0
        return g * slope

    def settle(self, results: Sequence[Any], also: Iterable[Any] = ()) -> list[Any]:
        """The results as floats, or as Values where they depend on a Value from outside."""
        outside = self.bound | {x for x in also if isinstance(x, Value)}
        if not self.reaches_outside and not outside:
            return [x._data if isinstance(x, Value) else as_float(x) for x in results]
        graph = order((x for x in results if isinstance(x, Value)), set(self.fresh))
        for node in graph:
            if self._is_outside(node) or any(parent in outside for parent in node.parents):
                outside.add(node)
        settled = []
        for result in results:
            if isinstance(result, Value):
                value = result if self.builds else stop_gradient(result)
                settled.append(value if result in outside else result._data)
            else:
                settled.append(as_float(result))
        return settled

    def like_arguments(self, flat: Iterable[Any]) -> Any:
        like = refilled(self.arguments, flat)
        return like[0] if self.single else tuple(like)

    def like_output(self, flat: Iterable[Any]) -> Any:
        return refilled(self.out, flat)


def _add_term(terms: dict[int, Any], i: int, term: Any) -> None:
    if term is not None:
        terms[i] = terms[i] + term if i in terms else term


def _is_one(x: Any) -> bool:
    return x.__class__ is float and x == 1.0


def _check_tuples(primals: Any, tangents: Any, taker: str) -> None:
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError(f"{taker} takes primals and tangents as tuples of arguments, like (2.0,)")


def _chosen(argnums: Argnums, args: tuple[Any, ...], f: Callable[..., Any]) -> list[int]:
    chosen = [
        as_count(i, "argnums", least=-len(args))
        for i in (argnums if isinstance(argnums, Sequence) else [argnums])
    ]
    for i in chosen:
        if i >= len(args):
            raise ValueError(
                f"argnums={i}, but {name_of(f)} was called with {len(args)} argument(s)"
            )
    positions = [i % len(args) for i in chosen]
    if len(set(positions)) < len(positions):
        raise ValueError(f"argnums names an argument twice: {argnums!r}")
    return positions


def name_of(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__)


def checked_function(f: Any, taker: str) -> Callable[..., Any]:
    if not callable(f):
        raise TypeError(f"{taker} takes a function, got {type(f).__name__}: {f!r:.60}")
    return f  # type: ignore[no-any-return]


def _named(derived: Callable[..., Any], how: str, f: Callable[..., Any]) -> Callable[..., Any]:
    checked_function(f, how)
    derived.__name__ = derived.__qualname__ = f"{how}({name_of(f)})"
    derived.__doc__ = f"The result of sg.{how} for {name_of(f)}."
    return derived
