"""Nestings of every kind, in every transform: what is a number, what stays, what is refused."""

import sys
from collections import namedtuple
from dataclasses import InitVar, dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import Value, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from scalargrad.transforms import tree
from scalargrad.transforms.tree import leaves, nested, refilled


@dataclass(frozen=True)
class Spring:
    stiffness: float
    mass: float = 1.0
    name: str = "spring"
    tags: Any = field(default="fixed", metadata={"static": True})
    frequency: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.stiffness < 0.0:
            raise ValueError("a spring pulls back")
        object.__setattr__(self, "frequency", sg.sqrt(self.stiffness / self.mass))


@dataclass(slots=True)
class Model:
    w: list[Any]
    spring: Spring | None = None
    on: bool = True


class Point(NamedTuple):
    x: Any
    y: Any = 2.0


class Interval:
    def __init__(self, low: Any, high: Any, unit: str = "m") -> None:
        self.low, self.high, self.unit = low, high, unit


@pytest.fixture
def interval(monkeypatch: pytest.MonkeyPatch) -> type[Interval]:
    monkeypatch.setattr(tree, "_REGISTERED", dict(tree._REGISTERED))
    sg.register_container(
        Interval,
        lambda i: ([i.low, i.high], i.unit),
        lambda unit, parts: Interval(*parts, unit),
    )
    return Interval


def test_dataclasses_are_made_by_their_constructors_and_derivatives_are_not() -> None:
    spring = Spring(4.0, tags=[object()])

    d = grad(lambda s: -s.frequency * s.mass)(spring)

    assert (d.stiffness, d.mass, d.name, d.tags) == (-0.25, -1.0, "spring", spring.tags)
    assert d.frequency is None  # follows from the others
    value, tangent = jvp(lambda s: s, (spring,), (spring,))
    assert (value, tangent.stiffness) == (spring, 4.0)


def test_nestings_of_dataclasses_in_every_transform() -> None:
    def f(m: Model, power: int = 2) -> Any:
        return m.w[0] ** power * m.spring.mass if m.on and m.spring else m.w[1]

    model = Model([2.0, 3.0], Spring(1.0, 5.0))
    assert value_and_grad(f)(model)[1].w == [20.0, 0.0]
    assert grad(f)(Model([2.0, 3.0])) == Model([0.0, 1.0])
    assert grad(f)(Model([2.0, 3.0], on=False)) == Model([0.0, 1.0], on=False)
    assert grad(f)(model, power=3).spring.mass == 8.0
    assert jacobian(lambda m: [f(m)])(model)[0].w == [20.0, 0.0]
    assert hessian(f)(model).w[0].w[0] == 10.0
    direction = Model([1.0, 0.0], Spring(0.0, 1.0))
    assert hvp(f, (model,), (direction,)).w[0] == 10.0 + 4.0
    assert hvp(f, (model,), (direction,), power=3).w[0] == 60.0 + 12.0
    assert vjp(f, model, power=1)[1](1.0)[0].w == [5.0, 0.0]
    sg.check_grads(f, (model,), order=2)
    with pytest.raises(sg.GradientCheckError, match=r"by argument 0\.spring\.mass = 5\.0"):
        sg.check_grads(lambda m: sg.stop_gradient(m.spring.mass) * m.w[0], (model,))
    assert sg.jacobian(f)(model).spring.mass == 4.0
    assert sg.numerical_grad(f, (model,))[0].w == pytest.approx([20.0, 0.0])


def test_what_is_no_number_stays() -> None:
    point = {"kind": "linear", "w": 2.0, "none": None, "on": True, "flags": np.array([True, False])}

    d = grad(lambda p: p["w"] ** 2 if p["on"] and p["kind"] == "linear" else p["w"])(point)

    assert {**d, "flags": d["flags"].tolist()} == {
        "kind": "linear", "w": 4.0, "none": None, "on": True, "flags": [True, False],
    }  # fmt: skip
    assert d["flags"].dtype == bool
    assert jacobian(lambda x: {"y": x * x, "note": "square"})(3.0) == {"y": 6.0, "note": "square"}
    value, pullback = vjp(lambda x, mode: x * x if mode == "square" else x, 3.0, "square")
    assert (value, pullback(1.0)) == (9.0, (6.0, "square"))
    assert grad(lambda v: v[0] * v[1])([3, np.float32(2.0)]) == [2.0, 3.0]  # whole numbers are


@pytest.mark.parametrize("x", ["a", None, True, np.True_, ["a"], {"x": None}, Point(None, "b")])
def test_without_any_number_there_is_nothing_to_differentiate(x: Any) -> None:
    for transform in (grad, jacobian, hessian):
        with pytest.raises(TypeError, match=r"argument 0 must (be a|hold a) number.*got"):
            transform(lambda x: 1.0)(x)
    with pytest.raises(TypeError, match="the result of <lambda> must"):
        jacobian(lambda _: x)(1.0)
    assert grad(lambda x, y: y * 2.0, argnums=1)(x, 1.0) == 2.0


def test_named_tuples_keep_their_class() -> None:
    Plain = namedtuple("Plain", "a b")

    assert grad(lambda p: p.x * p.y)(Point(3.0)) == Point(2.0, 3.0)
    assert type(grad(lambda p: p.a * p.b)(Plain(3.0, 1.0))) is Plain


def test_a_tangent_must_have_the_same_leaves() -> None:
    f = lambda p: p["w"]
    with pytest.raises(ValueError, match="tangents of the same nesting"):
        jvp(f, ({"w": 1.0, "k": "a"},), ({"w": 1.0, "k": "b"},))
    with pytest.raises(ValueError, match="tangents of the same nesting"):
        jvp(f, ({"w": 1.0, "k": None},), ({"w": 1.0, "k": 1.0},))
    assert jvp(f, ({"w": 1.0, "k": "a"},), ({"w": 2.0, "k": "a"},)) == (1.0, 2.0)


def test_registered_classes(interval: type[Interval]) -> None:
    d = grad(lambda i: i.high**2 - i.low)(Interval(1.0, 3.0, "km"))

    assert (d.low, d.high, d.unit) == (-1.0, 6.0, "km")
    _, tangent = jvp(lambda i: i, (Interval(1.0, 2.0),), (Interval(3.0, 4.0),))
    assert tangent.high == 4.0
    with pytest.raises(TypeError, match=r"argument 0\[1\] must be a number.*got complex"):
        grad(lambda i: i.low)(Interval(1.0, 2j))
    selfish = Interval(1.0, 2.0)
    selfish.high = selfish
    with pytest.raises(ValueError, match="contains itself"):
        grad(lambda i: i.low)(selfish)


def test_bad_registrations(interval: type[Interval]) -> None:
    with pytest.raises(TypeError, match="takes a class, got Interval"):
        sg.register_container(Interval(1.0, 2.0), len, len)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unflatten must be a function, got NoneType"):
        sg.register_container(Interval, len, None)  # type: ignore[arg-type]
    for cls in (dict, float, Value):
        with pytest.raises(ValueError, match="has its meaning already"):
            sg.register_container(cls, len, len)
    sg.register_container(Interval, lambda i: 3.0, len)
    with pytest.raises(TypeError, match=r"flatten function of Interval must return a pair.*3\.0"):
        grad(lambda i: i.low)(Interval(1.0, 2.0))


def test_dataclasses_that_need_more_than_their_fields() -> None:
    @dataclass
    class Scaled:
        x: float
        scale: InitVar[float]

        def __post_init__(self, scale: float) -> None:
            self.x = self.x * scale

    # dataclasses.replace raises the one, and from Python 3.13 on the other
    with pytest.raises((ValueError, TypeError), match="InitVar 'scale'"):
        grad(lambda s: s.x)(Scaled(1.0, 2.0))


def test_has_aux() -> None:
    class Note:
        pass

    note = Note()
    f = lambda x: (x * x, {"y": 3.0 * x, "note": note, "count": 2, "array": array})
    array = np.arange(3)

    d, aux = grad(f, has_aux=True)(2.0)
    assert (d, aux) == (4.0, {"y": 6.0, "note": note, "count": 2, "array": array})
    assert aux["array"] is array
    assert type(aux["y"]) is float
    (value, aux), d = value_and_grad(f, has_aux=True)(2.0)
    assert (value, aux["y"], d) == (4.0, 6.0, 4.0)
    assert jacobian(lambda x: ([x, x * x], "aux"), has_aux=True)(3.0) == ([1.0, 6.0], "aux")
    second, aux = hessian(f, has_aux=True)(2.0)
    assert (second, aux["y"]) == (2.0, 6.0)
    assert grad(lambda x: (x * x, note), has_aux=True)(1.0)[1] is note


def test_aux_depends_on_what_is_outside() -> None:
    f = lambda a: grad(lambda x: (x * x, [a * x]), has_aux=True)(3.0)[1][0]

    assert grad(f)(2.0) == 3.0
    w = Value(2.0)
    _, aux = grad(lambda x: (x, w * x), has_aux=True)(3.0)
    aux.backward()
    assert w.grad == 3.0


def test_aux_errors() -> None:
    with pytest.raises(TypeError, match=r"must return a pair.*got Value"):
        grad(lambda x: x, has_aux=True)(1.0)
    with pytest.raises(TypeError, match="has_aux must be True or False, got str: 'no'"):
        grad(lambda x: x, has_aux="no")  # type: ignore[arg-type]


def test_values_in_keywords_are_followed() -> None:
    w = Value(3.0)

    d = grad(lambda x, k: k["w"] * x)(2.0, k={"w": w})
    d.backward()

    assert (d.data, w.grad) == (3.0, 1.0)
    assert grad(lambda a: jvp(lambda x, k: k * x * x, (2.0,), (1.0,), k=a)[1])(5.0) == 4.0


def test_series_by_label() -> None:
    pd = pytest.importorskip("pandas")
    series = pd.Series({"a": 2.0, "b": 3.0}, name="point")

    d = grad(lambda s: s["a"] ** 2 * s.b)(series)

    assert isinstance(d, pd.Series)
    assert (d.to_dict(), d.name, d.dtype) == ({"a": 12.0, "b": 4.0}, "point", float)
    assert grad(lambda s: sg.sum(s * s))(series).to_dict() == {"a": 4.0, "b": 6.0}
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]}, index=["p", "q"])
    d = grad(lambda f: f.loc["q", "x"] * f["y"]["p"])(frame)
    assert (d.loc["q", "x"], d.loc["p", "y"], d.loc["p", "x"]) == (3.0, 2.0, 0.0)
    assert jvp(lambda s: s, (series,), (series,))[1].to_dict() == series.to_dict()


def test_series_are_recognised_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for pandas: what is used of a Series."""

    class Series:
        def __init__(self, data: list[Any], index: list[str], name: str, dtype: Any) -> None:
            self.values, self.index, self.name, self.dtype = list(data), index, name, dtype
            self.shape = (len(self.values),)

        def __array__(self, *_: Any, **__: Any) -> Any:
            return np.array(self.values)

        def __getitem__(self, label: str) -> Any:
            return self.values[self.index.index(label)]

        def to_numpy(self) -> Any:
            return np.array(self.values)

    class Pandas:
        pass

    Pandas.Series = Pandas.DataFrame = Series  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", Pandas)  # type: ignore[arg-type]
    series = Series([2.0, 3.0], ["a", "b"], "point", float)

    d = grad(lambda s: s["a"] ** 2 * s["b"])(series)

    assert (d.values, d.index, d.name, d.dtype) == ([12.0, 4.0], ["a", "b"], "point", float)
    assert jvp(lambda s: s["a"], (series,), (series,)) == (2.0, 2.0)


def test_helpers() -> None:
    tree = {"a": [1.0, None], "b": Point("x", 2.0)}

    assert leaves(tree, "tree") == [1.0, 2.0]
    assert refilled(tree, [3.0, 4.0]) == {"a": [3.0, None], "b": Point("x", 4.0)}
    assert nested(str, tree, "tree", fixed=repr) == {"a": ["1.0", "None"], "b": Point("'x'", "2.0")}
