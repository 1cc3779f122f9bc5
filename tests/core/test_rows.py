"""What a row is, and operations of one's own: they work wherever the built-in ones do."""

import inspect
import math
import pickle

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.numbers import as_count, as_float
from scalargrad.core.rows import TABLE, Primitive, find


def cube() -> Primitive:
    return sg.primitive(
        "own_cube", lambda x: x**3, lambda x, out: (3 * x * x,), text="({0})³", latex="{0}^3"
    )


def test_an_operation_of_ones_own_works_everywhere() -> None:
    f = cube()
    x = Value(2.0, "x")
    y = f(x)
    y.backward()

    assert (f(2), y.data, y.op, x.grad) == (8.0, 8.0, "own_cube", 12.0)
    assert [sg.grad(f)(2.0), sg.grad(sg.grad(f))(2.0)] == [12.0, 12.0]
    assert sg.grad(sg.grad(sg.grad(f)))(2.0) == 6.0
    assert sg.jvp(f, (2.0,), (1.0,)) == (8.0, 12.0)
    sg.check_grads(f, (1.5,), order=3)
    assert "own_cube" in sg.draw(y, engine="builtin").svg
    assert sg.nn.Neuron(1, "own_cube")([1.0]).op == "own_cube"
    assert pickle.loads(pickle.dumps(y)).op == "own_cube"
    assert (f.write("a"), f.write("a", latex=True)) == ("(a)³", "a^3")
    assert repr(f) == "<scalargrad operation own_cube>"


def test_several_and_any_number_of_inputs() -> None:
    mix = sg.primitive("mix", lambda x, y, z: x * y + z, lambda x, y, z, out: (y, x, 1.0))
    assert sg.grad(mix, (0, 1, 2))(2.0, 3.0, 4.0) == (3.0, 2.0, 1.0)
    sg.check_grads(mix, (2.0, 3.0, 4.0), order=2)

    norm = sg.primitive(
        "norm", lambda *xs: math.hypot(*xs), lambda *xs, out: tuple(x / out for x in xs)
    )
    assert sg.grad(norm, (0, 1))(3.0, 4.0) == (0.6, 0.8)
    sg.check_grads(norm, (3.0, 4.0, 5.0), order=2)
    positional = sg.primitive("norm", math.hypot, lambda *args: [x / args[-1] for x in args[:-1]])
    sg.check_grads(positional, (3.0, 4.0))
    with pytest.raises(TypeError, match=r"mix takes 3 operand\(s\), got 2"):
        mix(1.0, 2.0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, abs, abs), TypeError, "name must be a string, got int"),
        (("", abs, abs), ValueError, "the name '' is empty"),
        (("exp", abs, abs), ValueError, "'exp' is taken by a built-in operation"),
        (("own", 3, abs), TypeError, "'own': value must be a function, got int"),
        (("own", abs, None), TypeError, "'own': partials must be a function, got NoneType"),
        (("own", abs, lambda x, out: (1.0,), "E[{1}]"), ValueError, "must have the fields"),
        (("own", abs, lambda x, out: (1.0,), "E[{"), ValueError, "must have the fields"),
        (("own", abs, lambda x, out: (1.0,), "{0[0]}"), ValueError, "must have the fields"),
        (("own", abs, lambda x, out: (1.0,), "{0.real}"), ValueError, "must have the fields"),
        (("own", abs, lambda x, out: (1.0,), None, 3), TypeError, "must be strings, got int"),
    ],
)  # fmt: skip
def test_what_makes_no_operation(arguments, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sg.primitive(*arguments)
    assert "own" not in TABLE


@pytest.mark.parametrize(
    ("value", "partials", "error", "message"),
    [
        (lambda x: "a", lambda x, out: (1.0,), TypeError, "its value takes a real number.*got str"),
        (lambda x: x, lambda x, out: (1.0, 2.0), ValueError, r"a tuple of 1 derivative\(s\).*got"),
        (lambda x: x, lambda x, out: 1.0, ValueError, r"a tuple of 1 derivative\(s\).*got 1\.0"),
        (lambda x: x, lambda x, out: (None,), TypeError, "a partial takes a real.*got NoneType"),
        (lambda x: x, lambda x, out: (1j,), TypeError, "a partial takes a real.*got complex"),
        (lambda x: x, lambda x, out: (1 / (x - x),), ZeroDivisionError, "partials of.*own.* fail"),
        (lambda x: math.sqrt(-1 - x), lambda x, out: (1.0,), ValueError, "own.*not defined at x"),
    ],
)  # fmt: skip
def test_what_an_operation_must_return(value, partials, error, message: str) -> None:
    own = sg.primitive("own", value, partials)
    with pytest.raises(error, match=message):
        own(Value(1.0))


def test_the_reason_of_the_author_is_told() -> None:
    def value(x: float) -> float:
        raise ValueError("only on Sundays")

    with pytest.raises(ValueError, match=r"own\(x\) is not defined at x = 1\.0: only on Sundays"):
        sg.primitive("own", value, lambda x, out: (1.0,))(1.0)


def test_the_slopes_of_math_are_refused_on_values() -> None:
    own = sg.primitive("own", math.exp, lambda x, out: (math.exp(x),))
    assert sg.grad(own)(0.0) == 1.0
    with pytest.raises(TypeError, match=r"sg\.exp\(x\), not math\.exp\(x\)"):
        sg.grad(sg.grad(own))(0.0)


def test_find() -> None:
    assert find("tanh") is sg.tanh
    with pytest.raises(KeyError, match=r"'unknown': make it with sg\.primitive"):
        find("unknown")


def test_numbers() -> None:
    assert as_float(np.bool_(True)) == 1.0
    assert as_count(np.int8(3), "n") == 3
    for bad in (True, 1.0, "1", None):
        with pytest.raises(TypeError, match="n must be a whole number, got"):
            as_count(bad, "n")
    with pytest.raises(ValueError, match="n must be at least 2, got 1"):
        as_count(1, "n", least=2)


def test_signatures_and_names() -> None:
    assert str(inspect.signature(sg.atan2)) == "(y, x, /)"
    assert [*inspect.signature(sg.where).parameters] == ["condition", "a", "b"]
    assert Value.__mod__.__name__ == "__mod__"
    assert Value.__rpow__.__name__ == "__rpow__"
    assert "tangent" in Value.tanh.__doc__


def test_names_of_operands() -> None:
    assert [*TABLE["sum"].names(3)] == ["x", "y", "z"]
    assert [*TABLE["sum"].names(4)] == ["x0", "x1", "x2", "x3"]
