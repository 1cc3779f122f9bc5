"""`root` and `fixed_point`: solutions of equations, differentiable by the parameters."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from scalargrad.core.modes import recorder
from scalargrad.core.numbers import Traced, as_operand
from scalargrad.core.value import Value
from scalargrad.replay import RecordingError
from scalargrad.solve.implicit import Implicit, Solution
from scalargrad.solve.trace import Equation
from scalargrad.transforms.functional import checked_function, name_of
from scalargrad.transforms.tree import leaves, refilled, skeleton

__all__ = ["fixed_point", "root"]


def root(f: Callable[..., Any], x0: Any, *params: Any) -> Any:
    """Find an x with f(x, *params) = 0, as a function of the parameters that is differentiable.

    Newton's method with exact Jacobians, and steps that are shortened where they lead away; where
    it does not converge, SciPy's methods "hybr" and "lm". The derivatives follow from the implicit
    function theorem, to any order, and cost nothing where nobody asks for them. In a recorded
    function the equation is solved anew for each sample.

    Args:
        f: A function of x, in the nesting of x0, and of the parameters, that returns as many
            numbers as there are unknowns, in any nesting. Values from outside that it uses are
            followed like parameters; while it is recorded, they have to be parameters.
        x0: The start: a number, or nested lists, tuples, dicts or arrays of numbers. The root does
            not depend on it, as far as derivatives go.
        *params: The parameters: Values or numbers, or nestings of them.

    Returns:
        The root, in the nesting of x0: Values where it depends on Values, else plain numbers. Where
        the Jacobian is singular, as at a double root, the derivatives are infinite or nan.

    Raises:
        TypeError, ValueError: An argument is invalid, or `f` returns another number of numbers.
        NoConvergenceError: No root was found; the message says how near the methods came. It is a
            ValueError.
        RecordingError: While a function is recorded, `f` uses Values that are no parameters.

    >>> p = Value(2.0)
    >>> x = sg.solve.root(lambda x, p: x * x - p, 1.0, p)
    >>> x.backward()
    >>> round(x.data, 12), round(p.grad, 12)  # the square root, and 1 / (2 sqrt(2))
    (1.414213562373, 0.353553390593)
    >>> round(sg.hessian(lambda p: sg.solve.root(lambda x, p: x**3 - p, 1.0, p))(8.0), 12)
    -0.006944444444
    """
    return _solution(checked_function(f, "root"), x0, params, "root")


def fixed_point(g: Callable[..., Any], x0: Any, *params: Any) -> Any:
    """Find an x with g(x, *params) = x, as a function of the parameters that is differentiable.

    It is the root of g(x, *params) - x, and found like that: with exact derivatives Newton's method
    takes fewer steps than the iteration x -> g(x), and needs no contraction.

    Args:
        g: A function of x, in the nesting of x0, and of the parameters, that returns the nesting of
            x0. Values from outside are followed as in `root`.
        x0: The start: a number, or nested lists, tuples, dicts or arrays of numbers.
        *params: The parameters: Values or numbers, or nestings of them.

    Returns:
        The fixed point, in the nesting of x0: Values where it depends on Values, else plain
        numbers.

    Raises:
        TypeError, ValueError: An argument is invalid, or `g` returns another nesting.
        NoConvergenceError: No fixed point was found.
        RecordingError: While a function is recorded, `g` uses Values that are no parameters.

    >>> round(sg.solve.fixed_point(sg.cos, 1.0), 12)
    0.739085133215
    >>> round(sg.grad(lambda a: sg.solve.fixed_point(lambda x, a: sg.cos(a * x), 1.0, a))(1.0), 9)
    -0.297474342
    """
    checked_function(g, "fixed_point")

    def difference(x: Any, *inner: Any) -> list[Any]:
        out = g(x, *inner)
        if skeleton(out) != skeleton(x):
            raise ValueError(
                f"fixed_point: {name_of(g)} must return the nesting of x0, {skeleton(x)}, got "
                f"{skeleton(out)}"
            )
        pairs = zip(leaves(out, "the result"), leaves(x, "x"), strict=True)
        return [a - b for a, b in pairs]

    difference.__name__ = name_of(g)
    return _solution(difference, x0, params, "fixed_point")


def _solution(f: Callable[..., Any], x0: Any, params: tuple[Any, ...], caller: str) -> Any:
    start = [as_operand(x, f"{caller}: x0") for x in leaves(x0, f"{caller}: x0")]
    if not start:
        raise ValueError(f"{caller}: x0 has no numbers, there is nothing to solve for")
    given = [
        as_operand(x, f"{caller}: parameter {i}")
        for i, param in enumerate(params)
        for x in leaves(param, f"{caller}: parameter {i}")
    ]
    for x in start:
        if not isinstance(x, Traced) and not isfinite(x):
            raise ValueError(f"{caller}: x0 must be finite, got {x!r}")
    operands = [*start, *given]
    moving = [i for i, x in enumerate(operands) if isinstance(x, Traced)]
    inputs = [operands[i] for i in moving]
    numbers = [0.0 if isinstance(x, Traced) else x for x in operands]
    recording = recorder()
    refusal = None
    if recording is not None:
        refusal = RecordingError(
            f"{caller}: {name_of(f)} uses Values besides its arguments. While a function is "
            f"recorded the equation is solved for each sample by itself: pass them as parameters, "
            f"{caller}({name_of(f)}, x0, value)"
        )
    trees = refilled(x0, [0.0] * len(start)), refilled(params, [0.0] * len(given))
    equation = Equation(f, *trees, caller)
    implicit = Implicit(equation, numbers, moving, refusal)
    if all(isinstance(x, Value) for x in inputs) and recording is None:
        inputs += implicit.follow([x._data for x in inputs])
    if not inputs:
        return refilled(x0, implicit.derivatives(0, ()).tolist())
    return refilled(x0, [Solution(implicit, i)(*inputs) for i in range(equation.count)])
