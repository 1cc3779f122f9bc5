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

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import isinf
from threading import get_ident
from typing import Any

from scalargrad.core.operators import recorder
from scalargrad.core.primitives import identity
from scalargrad.core.rows import as_count, as_float, is_number
from scalargrad.core.value import Value, _building, _paused, _tracing, stop_gradient
from scalargrad.transforms.tree import leaves, nested, refilled, skeleton

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Argnums = int | Sequence[int]


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
    both = value_and_grad(_function(f, "grad"), argnums)
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
                f"grad needs a function that returns one number, {_name(f)} returned "
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
    first = grad(_function(f, "hessian"), argnums)
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
    """One run of a function on fresh Values, ready to be walked backward and forward.

    fresh      the Values put in the place of the numbers to differentiate by
    bound      those of them that stand for a Value of the caller
    outputs    what the function returned, in a row; `out` is the same in its nesting
    inner      the nodes that depend on the fresh Values, every parent before its children
    depends    the fresh Values and the inner nodes, as a set
    made       the leaves that were made meanwhile: they are not from outside
    reaches_outside   whether anything depends on a Value from outside: then walk with Values
    """

    def __init__(
        self, f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums,
        kwargs: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        _function(f, "a transform")
        self.single = not isinstance(argnums, Sequence)
        chosen = _chosen(argnums, args, f)
        self.arguments = [args[i] for i in chosen]
        self.fresh: list[Value] = []
        self.paused = get_ident() in _paused
        self.recording = recorder()

        def freshen(x: Any) -> Value:
            self.fresh.append(identity(x) if isinstance(x, Value) else Value(x))
            return self.fresh[-1]

        with _leaves_made() as self.made:
            inputs = list(args)
            for i in chosen:
                inputs[i] = nested(freshen, args[i], f"argument {i}")
            out = f(*inputs, **(kwargs or {}))
        self.outputs = leaves(out, f"the result of {_name(f)}")
        self.out = refilled(out, self.outputs)  # a copy: the caller may go on changing a list

        nodes = self._joint_order(self.outputs)
        self.depends = set(self.fresh)
        self.inner = []  # the nodes that depend on the fresh ones, in topological order
        for node in nodes:
            if any(parent in self.depends for parent in node.parents):
                self.depends.add(node)
                self.inner.append(node)
        self.bound = {x for x in self.fresh if x.parents}  # those that stand for the caller's
        self.reaches_outside = bool(self.bound) or any(map(self._is_outside, nodes))

    def _joint_order(self, results: Iterable[Any]) -> list[Value]:
        """The graphs of the results down to the fresh Values, every parent before its children.

        What is below those is not walked: it has been, by whoever made it, and a loop of
        transforms over one Value would walk it again each time.
        """
        seen = set(self.fresh)
        nodes = []
        for result in results:
            if isinstance(result, Value):
                nodes += result._order(seen)
        return nodes

    def _is_outside(self, node: Value) -> bool:
        return not node.parents and not node.is_constant and node not in self.made

    def _slopes(self, node: Value, with_values: bool) -> Sequence[Any]:
        if with_values and node._row:
            if self.recording:
                return self.recording.partials(node)  # type: ignore[no-any-return]
            return node._row.partials(*node.parents, node)
        return node.partials

    def pull(self, seeds: Sequence[Any]) -> list[Any]:
        """Reverse mode: the derivative by each fresh Value of the outputs weighted by `seeds`."""
        with_values = self.reaches_outside or any(isinstance(seed, Value) for seed in seeds)
        adjoint: dict[Value, Any] = {}
        with _leaves_made(self.made):
            for output, seed in zip(self.outputs, seeds, strict=True):
                if isinstance(output, Value) and output in self.depends:
                    self._accumulate(adjoint, output, seed, 1.0)
            for node in reversed(self.inner):
                if node in adjoint:
                    g = adjoint[node]
                    slopes = self._slopes(node, with_values)
                    for parent, slope in zip(node.parents, slopes, strict=True):
                        if parent in self.depends:
                            self._accumulate(adjoint, parent, g, slope)
        return [adjoint.get(x, 0.0) for x in self.fresh]

    def push(self, directions: Sequence[Any]) -> list[Any]:
        """Forward mode: the derivative of each output when the fresh Values move like this."""
        with_values = self.reaches_outside or any(isinstance(d, Value) for d in directions)
        tangent: dict[Value, Any] = {}
        with _leaves_made(self.made):
            for x, direction in zip(self.fresh, directions, strict=True):
                self._accumulate(tangent, x, direction, 1.0)
            for node in self.inner:
                slopes = self._slopes(node, with_values)
                for parent, slope in zip(node.parents, slopes, strict=True):
                    if parent in tangent:
                        self._accumulate(tangent, node, tangent[parent], slope)
        return [tangent.get(y, 0.0) if isinstance(y, Value) else 0.0 for y in self.outputs]

    def _accumulate(self, into: dict[Value, Any], node: Value, g: Any, slope: Any) -> None:
        """into[node] += g * slope, without the products whose result is known."""
        if (not isinstance(g, Value) and not g) or (not isinstance(slope, Value) and not slope):
            return  # a zero that is no variable stops here
        if _is_one(g) or _is_one(slope):
            product = slope if _is_one(g) else g
        elif self.recording and self.recording.takes((g, slope)):
            product = self.recording.product(g, slope)
        elif not g and _is_infinite(slope):
            product = g * 0.0  # 0 * inf is never formed: it counts as 0, and as flat
        elif not slope and _is_infinite(g):
            product = slope * 0.0
        else:
            product = g * slope
        into[node] = into[node] + product if node in into else product

    def settle(self, results: Sequence[Any], also: Iterable[Any] = ()) -> list[Any]:
        """The results as floats, but as Values where they depend on a Value from outside."""
        outside = self.bound | {x for x in also if isinstance(x, Value)}
        if not self.reaches_outside and not outside:
            return [x.data if isinstance(x, Value) else as_float(x) for x in results]
        for node in self._joint_order(results):
            if self._is_outside(node) or any(parent in outside for parent in node.parents):
                outside.add(node)
        settled = []
        for result in results:
            if isinstance(result, Value):
                kept = stop_gradient(result) if self.paused else result
                settled.append(kept if result in outside else result.data)
            else:
                settled.append(as_float(result))
        return settled

    def like_arguments(self, flat: Iterable[Any]) -> Any:
        like = refilled(self.arguments, flat)
        return like[0] if self.single else tuple(like)

    def like_output(self, flat: Iterable[Any]) -> Any:
        return refilled(self.out, flat)


@contextmanager
def _leaves_made(made: set[Value] | None = None) -> Iterator[set[Value]]:
    """Build graphs in this thread, and note the leaves made here: they are not from outside."""
    thread = get_ident()
    outer = _tracing.get(thread)
    noted = _tracing[thread] = set() if made is None else made
    try:
        with _building(True):
            yield noted
    finally:
        if outer is None:
            del _tracing[thread]
        else:
            _tracing[thread] = outer
            outer |= noted


def _is_infinite(x: Any) -> bool:
    return isinf(x.data if isinstance(x, Value) else x)


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
            raise ValueError(f"argnums={i}, but {_name(f)} was called with {len(args)} argument(s)")
    places = [i % len(args) for i in chosen]
    if len(set(places)) < len(places):
        raise ValueError(f"argnums names an argument twice: {argnums!r}")
    return places


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _function(f: Any, taker: str) -> Callable[..., Any]:
    if not callable(f):
        raise TypeError(f"{taker} takes a function, got {type(f).__name__}: {f!r:.60}")
    return f  # type: ignore[no-any-return]


def _named(derived: Callable[..., Any], how: str, f: Callable[..., Any]) -> Callable[..., Any]:
    _function(f, how)
    derived.__name__ = derived.__qualname__ = f"{how}({_name(f)})"
    derived.__doc__ = f"The result of sg.{how} for {_name(f)}."
    return derived
