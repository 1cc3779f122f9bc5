"""Objects that no argument is meant for, and a valid call of every public function."""

import contextlib
import random
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

import scalargrad as sg
from scalargrad import Value, classifiers, data, losses, metrics, nn, optim
from scalargrad.transforms.tree import leaves
from scalargrad.view.live.live import Live


class Junk:
    """An object without any meaning; it cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def _selfish_list() -> list[Any]:
    inner: list[Any] = [1.0]
    inner.append(inner)
    return inner


def _selfish_dict() -> dict[str, Any]:
    inner: dict[str, Any] = {"a": 1.0}
    inner["b"] = [inner]
    return inner


def _deep() -> list[Any]:
    nested: list[Any] = [1.0]
    for _ in range(2_000):
        nested = [nested]
    return nested


def _masked() -> Any:
    return np.ma.masked_array([1.0, 2.0], mask=[False, True])


# Made anew for each call, since a call may change or use up what it is given.
HOSTILE: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "text": lambda: "ab",
    "digit": lambda: "3",
    "empty text": lambda: "",
    "null character": lambda: "a\0b",
    "half a surrogate pair": lambda: "\ud800",
    "bytes": lambda: b"ab",
    "complex": lambda: 3 + 4j,
    "Decimal": lambda: Decimal("0.5"),
    "beyond floats": lambda: 10**400,
    "unprintable": lambda: 10**5000,
    "below floats": lambda: -(10**400),
    "Fraction beyond floats": lambda: Fraction(10**400, 3),
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "negative": lambda: -1,
    "half": lambda: 0.5,
    "empty list": list,
    "selfish list": _selfish_list,
    "selfish dict": _selfish_dict,
    "deep list": _deep,
    "ragged": lambda: [[1.0], [1.0, 2.0]],
    "list of texts": lambda: ["a", "b"],
    "list beyond floats": lambda: [10**400, 1.0],
    "list of None": lambda: [None],
    "empty dict": dict,
    "dict": lambda: {"a": 1.0},
    "set": lambda: {1.0, 2.0},
    "generator": lambda: (x for x in (1.0, 2.0)),
    "masked array": _masked,
    "masked": lambda: np.ma.masked,
    "complex array": lambda: np.array([1j, 2.0]),
    "text array": lambda: np.array(["a", "b"]),
    "object array": lambda: np.array([None, "a"], dtype=object),
    "class": lambda: float,
    "module": lambda: sys,
    "junk": Junk,
}

Arguments = dict[int | str, Any]  # by position or by keyword
Scene = tuple[Callable[..., Any], Arguments, list[Value]]  # and the Values that must not change


def call(function: Callable[..., Any], arguments: Arguments) -> Any:
    """Call a function with arguments given by position and by keyword."""
    positional = [arguments[key] for key in arguments if isinstance(key, int)]
    keywords = {key: x for key, x in arguments.items() if isinstance(key, str)}
    return function(*positional, **keywords)


def _row(name: str) -> Callable[[], Scene]:
    primitive = getattr(sg, name)

    def scene() -> Scene:
        values = [Value(x) for x in primitive.at[0]]
        return primitive, dict(enumerate(values)), values

    return scene


def _graph() -> tuple[Value, list[Value]]:
    w, x = Value(0.5, "w"), Value(2.0, "x")
    return sg.tanh(w * x), [w, x]


def _square(x: Any) -> Any:
    """The sum of the squares of a nesting of numbers."""
    return sg.sum([y * y for y in leaves(x, "x")])


def _model() -> nn.MLP:
    return nn.MLP(2, [2, 1], "tanh")


X, Y = [[0.5, 1.0], [-1.0, 2.0], [0.25, 0.75]], [1.0, -1.0, 1.0]


def _of(function: Callable[..., Any], **arguments: Any) -> Callable[[], Scene]:
    """A scene with these arguments, in which functions without parameters make Values."""
    return lambda: (function, dict(arguments), [])


def _at(function: Callable[..., Any], *arguments: Any) -> Callable[[], Scene]:
    return lambda: (function, dict(enumerate(arguments)), [])


def _on_values(function: Callable[..., Any], **others: Any) -> Callable[[], Scene]:
    def scene() -> Scene:
        values = [Value(1.0), Value(2.0)]
        return function, {0: values, **others}, values

    return scene


def _loss(function: Callable[..., Any], targets: Any) -> Callable[[], Scene]:
    def scene() -> Scene:
        values = [Value(0.25), Value(0.5)]
        return function, {"outputs": values, "targets": targets, "reduction": "mean"}, values

    return scene


def _on_graph(function: Callable[..., Any], **others: Any) -> Callable[[], Scene]:
    def scene() -> Scene:
        result, leaves = _graph()
        arguments: Arguments = {"x": result, **others}
        if "w" in others:
            arguments["w"] = leaves[0]
        return function, arguments, [result, *leaves]

    return scene


def _compiled(backend: str = "python") -> tuple[sg.Compiled, list[Value]]:
    params = [Value(0.5), Value(1.0)]
    c = sg.compile(lambda x: params[0] * _square(x) + params[1], params, backend=backend)
    c.record(1.0)
    return c, params


def _compiled_call(how: str, **others: Any) -> Callable[[], Scene]:
    def scene() -> Scene:
        c, params = _compiled()
        function = c if how == "__call__" else getattr(c, how)
        return function, {0: [1.0, 2.0], **others}, params

    return scene


def _exporting(how: str, **others: Any) -> Callable[[], Scene]:
    def scene() -> Scene:
        c, params = _compiled()

        def export(samples: Any, **others: Any) -> Any:
            return getattr(c, how)(*others.values(), samples)

        return export, {"samples": [1.0, 2.0], **others}, params

    return scene


def _setter(make: Callable[[], tuple[Any, list[Value]]], name: str) -> Callable[[], Scene]:
    def scene() -> Scene:
        owner, values = make()
        return lambda x: setattr(owner, name, x), {0: getattr(owner, name)}, values

    return scene


def _one_value() -> tuple[Value, list[Value]]:
    x = Value(1.0)
    return x, [x]


def _constructed(optimizer: Callable[..., Any], **settings: Any) -> Callable[[], Scene]:
    def scene() -> Scene:
        values = [Value(1.0), Value(2.0)]
        return optimizer, {"parameters": values, **settings}, values

    return scene


def _one_entry() -> Scene:
    model = nn.Neuron(1)

    def load(b: Any) -> None:
        model.load_state_dict({"w.0": 1.0, "b": b})

    return load, {0: 2.0}, model.parameters()


def _optimizer_state(load: Callable[[optim.Adam, Any], None], entry: Any = None) -> Any:
    def scene() -> Scene:
        optimizer = optim.Adam(_model().parameters(), 0.1)
        state = optimizer.state_dict()
        argument = state if entry is None else state[entry]
        return lambda x: load(optimizer, x), {0: argument}, optimizer.parameters

    return scene


def _fit() -> Scene:
    Path("run.ckpt").unlink(missing_ok=True)  # of another call, in the folder of the test
    model = _model()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    arguments: Arguments = {
        "model": model, "X": X, "Y": Y, "loss": losses.squared_error, "optimizer": optimizer,
        "epochs": 1, "batch_size": 3, "validation": (X, Y),
        "early_stopping": sg.EarlyStopping(1, 1e6),
        "progress": False, "shuffle": False, "backend": "eager",
        "checkpoint": "run.ckpt", "every": 60.0, "resume": True,
        "mesh": None,
    }  # fmt: skip
    return sg.fit, arguments, model.parameters()


def _module_call(make: Callable[[], Any], how: str, *arguments: Any) -> Callable[[], Scene]:
    def scene() -> Scene:
        module = make()
        return getattr(module, how), dict(enumerate(arguments)), module.parameters()

    return scene


def _saved(function: Callable[..., Any]) -> Callable[[], Scene]:
    def scene() -> Scene:
        model = nn.Neuron(1)
        sg.save(model, "saved.json")
        return function, {"model": model, "path": "saved.json"}, model.parameters()

    return scene


SCENES: dict[str, Callable[[], Scene]] = {
    **{name: _row(name) for name in sg.__all__ if type(getattr(sg, name)).__name__ == "Primitive"},
    "Value": _of(Value, data=1.0, label="x"),
    "Value.data": _setter(_one_value, "data"),
    "Value.grad": _setter(_one_value, "grad"),
    "Value.backward": lambda: (Value(1.0).tanh().backward, {0: 1.0}, []),
    "sum": _on_values(sg.sum),
    "mean": _on_values(sg.mean),
    "norm": _on_values(sg.norm),
    "prod": _on_values(sg.prod),
    "logsumexp": _on_values(sg.logsumexp),
    "softmax": _on_values(sg.softmax),
    "log_softmax": _on_values(sg.log_softmax),
    "dot": _on_values(sg.dot, xs=[1.0, 2.0], bias=0.5),
    "take": _on_values(sg.take, index=1),
    "where": _at(sg.where, 1.0, 2.0, 3.0),
    "stop_gradient": _at(sg.stop_gradient, 1.0),
    "topological_order": _on_graph(sg.topological_order),
    "no_grad": _at(sg.no_grad, _square),
    "primitive": _of(
        sg.primitive, name="own", value=lambda x: x, partials=lambda x, out: (1.0,),
        text="own {0}", latex="own {0}",
    ),
    "count_paths": _on_graph(sg.count_paths, w=None),
    "paths": _on_graph(sg.paths, w=None, limit=3),
    "largest_paths": _on_graph(sg.largest_paths, w=None, limit=3),
    "explain": _on_graph(sg.explain, w=None, model=None, limit=3),
    "diagnose": lambda: (
        sg.diagnose, {"value": _graph()[0], "model": [Value(1.0, "w")]}, [],
    ),
    "Diagnosis.draw": lambda: (
        sg.diagnose(_graph()[0]).draw,
        {
            "max_nodes": 9, "max_edges": 9, "expand": (), "focus": None, "radius": 1,
            "rankdir": "LR", "engine": "builtin",
        },
        [],
    ),
    "draw": _on_graph(
        sg.draw, model=None, max_nodes=9, max_edges=9, expand=(), focus=None, radius=1,
        rankdir="LR", engine="builtin",
    ),
    "steps": _on_graph(
        sg.steps, model=None, max_nodes=9, max_edges=9, expand=(), focus=None, radius=1,
        rankdir="LR", engine="builtin",
    ),
    "live": _on_graph(
        Live, model=None, max_nodes=9, max_edges=9, expand=(), focus=None, radius=1,
        rankdir="LR", engine="builtin",
    ),
    "Live.set": lambda: (Live(_graph()[0], engine="builtin").set, {0: "x", 1: 0.5}, []),
    "grad": lambda: (lambda f, n, x: sg.grad(f, n)(x), {0: _square, 1: 0, 2: 2.0}, []),
    "value_and_grad": lambda: (
        lambda f, n, x: sg.value_and_grad(f, n)(x), {0: _square, 1: 0, 2: 2.0}, [],
    ),
    "jacobian": lambda: (lambda f, n, x: sg.jacobian(f, n)(x), {0: _square, 1: 0, 2: 2.0}, []),
    "hessian": lambda: (lambda f, n, x: sg.hessian(f, n)(x), {0: _square, 1: 0, 2: 2.0}, []),
    "grad has_aux": _of(
        lambda has_aux: sg.grad(lambda x: (x, None), has_aux=has_aux)(1.0), has_aux=True
    ),
    "register_container": lambda: (
        sg.register_container,
        {0: type("Own", (), {}), 1: lambda x: ([], None), 2: lambda rest, parts: None}, [],
    ),
    "sparse_jacobian": _of(sg.sparse_jacobian, f=_square, x=[2.0, 3.0]),
    "sparse_hessian": _of(sg.sparse_hessian, f=_square, x=[2.0, 3.0]),
    "sparsity": _of(sg.sparsity, f=_square, x=[2.0, 3.0], order=1),
    "taylor": _of(sg.taylor, f=_square, x=2.0, order=3),
    "jvp": _of(sg.jvp, f=_square, primals=(2.0,), tangents=(1.0,)),
    "vjp": lambda: (
        lambda f, x, g: sg.vjp(f, x)[1](g), {0: _square, 1: 2.0, 2: 1.0}, [],
    ),
    "hvp": _of(sg.hvp, f=_square, primals=(2.0,), tangents=(1.0,)),
    "propagate": _of(
        sg.propagate, f=lambda x, y: x * y, inputs={"x": (1.0, 0.1), "y": (2.0, 0.1)},
        correlations={("x", "y"): 0.5}, second_order=True, draws=10, seed=1,
    ),
    "propagate.value": _at(lambda x: sg.propagate(lambda x: x, {"x": (x, 0.1)}, draws=0), 1.0),
    "propagate.std": _at(lambda u: sg.propagate(lambda x: x, {"x": (1.0, u)}, draws=0), 0.1),
    "propagate.input": _at(lambda x: sg.propagate(lambda x: x, {"x": x}, draws=0), (1.0, 0.1)),
    "propagate.correlation": _at(
        lambda r: sg.propagate(
            lambda x, y: x, {"x": (1.0, 0.1), "y": (1.0, 0.1)}, {("x", "y"): r}, draws=0
        ),
        0.5,
    ),
    "sensitivities": _of(sg.sensitivities, f=lambda x: x, inputs={"x": 1.0}),
    "sensitivities.value": _at(lambda x: sg.sensitivities(lambda x: x, {"x": x}), 1.0),
    "compile": _on_values(
        lambda params, f, backend, reduction, **rest: sg.compile(
            f, params, backend, reduction, **rest
        ),
        f=_square, backend="python", reduction="mean", static_argnums=(), allow_nonfinite=False,
        threads=1,
    ),
    "Compiled.__call__": _compiled_call("__call__"),
    "Compiled.record": _compiled_call("record"),
    "Compiled.backward": _compiled_call("backward"),
    "Compiled.value_and_grad": _compiled_call("value_and_grad", theta=[1.0, 2.0]),
    "Compiled.to_source": _exporting("to_source", language="python"),
    "Compiled.to_json": _exporting("to_json"),
    "from_json": _of(sg.from_json, text=_compiled()[0].to_json(), backend="python", threads=1),
    "Compiled.theta": _setter(_compiled, "theta"),
    "distributed": _of(
        sg.distributed, coordinator="10.0.0.1:29500", processes=2, process=0, heartbeat=30
    ),
    "fit": _fit,
    "EarlyStopping": _of(sg.EarlyStopping, patience=2, min_delta=0.5),
    "save": _saved(sg.save),
    "load": _saved(sg.load),
    "Drawing.save": lambda: (sg.draw(Value(1.0), engine="builtin").save, {0: "x.svg"}, []),
    "Film.save": lambda: (sg.steps(Value(1.0), engine="builtin").save, {0: "x.html"}, []),
    "losses.squared_error": _loss(losses.squared_error, [1.0, 0.0]),
    "losses.hinge": _loss(losses.hinge, [1.0, -1.0]),
    "losses.perceptron": _loss(losses.perceptron, [1.0, -1.0]),
    "losses.binary_cross_entropy": _loss(losses.binary_cross_entropy, [1.0, 0.0]),
    "losses.cross_entropy": _loss(losses.cross_entropy, 1),
    "losses.cross_entropy of probabilities": _loss(losses.cross_entropy, [0.5, 0.5]),
    "losses.l2": _on_values(losses.l2),
    "metrics.r2_score": _of(metrics.r2_score, targets=[1.0, 2.0], outputs=[1.5, 2.0]),
    "data.standardize": _at(data.standardize, X),
    "data.Scaling": _of(data.Scaling, mean=(0.0,), std=(1.0,)),
    "data.Scaling.__call__": _at(data.Scaling((0.0, 1.0), (1.0, 1.0)), X),
    "data.Scaling.undo": _at(data.Scaling((0.0, 1.0), (1.0, 1.0)).undo, X),
    "data.minibatches": _of(data.minibatches, n=3, batch_size=2, rng=random),
    "data.picks": _of(data.picks, n=3, rng=random),
    "nn.Neuron": _of(
        nn.Neuron, nin=2, activation="tanh", bias=True, init="he", fan_out=1, nonlin=True
    ),
    "nn.Layer": _of(
        nn.Layer, nin=2, nout=2, activation="tanh", bias=True, init="he", nonlin=True
    ),
    "nn.MLP": _of(
        nn.MLP, nin=2, nouts=[2, 1], activation="tanh", output_activation=None, bias=True,
        init="he",
    ),
    "nn.MLP.nout": lambda: (lambda n: nn.MLP(2, [n, 1]), {0: 2}, []),
    "nn.Neuron.__call__": _module_call(lambda: nn.Neuron(2), "__call__", [1.0, 2.0]),
    "nn.Layer.__call__": _module_call(lambda: nn.Layer(2, 2), "__call__", [1.0, 2.0]),
    "nn.MLP.__call__": _module_call(_model, "__call__", [1.0, 2.0]),
    "nn.Module.load_state_dict": _module_call(
        lambda: nn.Neuron(1), "load_state_dict", {"w.0": 1.0, "b": 2.0}
    ),
    "nn.Module.load_state_dict.b": _one_entry,
    "optim.Adam.load_state_dict": _optimizer_state(optim.Adam.load_state_dict),
    "optim.Adam.load_state_dict.means": _optimizer_state(
        lambda optimizer, x: optimizer.load_state_dict(optimizer.state_dict() | {"means": x}),
        "means",
    ),
    "optim.Adam.load_state_dict.lr": _optimizer_state(
        lambda optimizer, x: optimizer.load_state_dict(optimizer.state_dict() | {"lr": x}), "lr"
    ),
    "optim.SGD": _constructed(optim.SGD, lr=0.1, momentum=0.5, weight_decay=0.5),
    "optim.Adam": _constructed(
        optim.Adam, lr=0.1, betas=(0.5, 0.9), eps=1e-8, weight_decay=0.5
    ),
    "optim.Adam.beta": _constructed(
        lambda parameters, b: optim.Adam(parameters, betas=(b, b)), b=0.5
    ),
    "optim.clip_grad_norm": _constructed(optim.clip_grad_norm, max_norm=1.0),
    "optim.checked_parameters": _constructed(optim.checked_parameters),
    "classifiers.Perceptron": _of(
        classifiers.Perceptron, nin=2, lr=1.0, w=[0.0, 1.0], b=0.5, sign0="wrong"
    ),
    "classifiers.Perceptron.fit": _of(classifiers.Perceptron(2).fit, X=X, Y=[1, -1, 1], epochs=1),
    "classifiers.Perceptron.predict": _at(classifiers.Perceptron(2).predict, X[0]),
    "classifiers.Perceptron.decision": _at(classifiers.Perceptron(2).decision, X[0]),
    "classifiers.Perceptron.is_wrong": _at(classifiers.Perceptron(2).is_wrong, X[0], 1),
    "classifiers.Perceptron.errors": _at(classifiers.Perceptron(2).errors, X, [1, -1, 1]),
    "classifiers.NearestMean.fit": _of(classifiers.NearestMean().fit, X=X, Y=[1, -1, 1]),
}  # fmt: skip
for _optimizer in (optim.SGD, optim.Adam):

    def _scheduled(kind: Any = _optimizer) -> Scene:
        values = [Value(1.0), Value(2.0)]
        values[0].grad = 0.5
        return lambda lr: kind(values, lr=lambda step: lr).step(), {0: 0.1}, values

    SCENES[f"optim.{_optimizer.__name__}.step"] = _scheduled


# Where an object is what the argument is for, and its own errors come up: a class is a function.
OWN_ERRORS = {("class", key) for key in ("f", "model", "loss", "partials", "value")}
OWN_ERRORS |= {("class", 0)}


def state(values: list[Value]) -> Any:
    """What a failed call must leave as it was."""
    return [(x.data.hex(), x.grad.hex(), x.label) for x in values], random.getstate()


def was_raised_on_purpose(trace: TracebackType | None) -> bool:
    """Whether the line that raised is a `raise` of this package."""
    last = traceback.extract_tb(trace)[-1]
    return "/scalargrad/" in last.filename and bool(re.match(r"raise\b", last.line or ""))


def words(x: Any, level: int = 0) -> Iterator[str]:
    """What names an object in a message: its type, its repr, its length, its elements."""
    yield type(x).__name__
    if isinstance(x, type):
        yield x.__name__
    if isinstance(x, (int, list, np.ndarray)) and sys.getsizeof(x) > 100:
        yield from ("contains itself", "this machine has", "e+")
    with contextlib.suppress(Exception):
        yield repr(x)[:12]
    if isinstance(x, np.ndarray):
        yield from ("array", "Masked", str(x.dtype))
        x = x.tolist()
    if level < 3 and isinstance(x, (list, dict, set, bytes)):
        yield from (str(len(x)), "none", "no samples", "empty") if not x else (str(len(x)),)
        for part in [*x, *x.values()] if isinstance(x, dict) else x:
            yield from words(part, level + 1)
    if isinstance(x, types.GeneratorType):
        yield "float"


# What a call may raise: the built-in errors of bad arguments, and those of files.
DOCUMENTED = (TypeError, ValueError, ArithmeticError, LookupError, OSError)


def check_call(scene: Callable[[], Scene], key: Any, kind: str) -> bool:
    """Call a function with a hostile object, and return whether it was refused as it should be."""
    bad = HOSTILE[kind]()
    function, arguments, values = scene()
    before = state(values)
    told = list(words(bad))
    caught: Exception | None = None
    try:
        call(function, {**arguments, key: bad})
    except Exception as error:
        caught = error
    if caught is None:
        return False
    where = f"{function}: {key} = {kind}: {type(caught).__name__}: {caught}"
    assert state(values) == before, where
    if (kind, key) not in OWN_ERRORS:
        assert isinstance(caught, DOCUMENTED), where
        assert isinstance(caught, OSError) or was_raised_on_purpose(caught.__traceback__), where
        assert any(word in str(caught) for word in told), where
    return True
