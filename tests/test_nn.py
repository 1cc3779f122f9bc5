"""Tests of nn: neurons, layers, perceptrons, their parameters, and micrograd as the oracle."""

import copy
import inspect
import math
import pickle
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from interrupting import ctrl_c_at_line
from micrograd import nn as micrograd

import scalargrad as sg
from scalargrad import Value, losses, nn, optim

SIZES = [(2, [16, 16, 1]), (3, [4, 2]), (1, [1])]


def seeded(make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    random.seed(1337)
    return make(*args, **kwargs)


def numbers(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


def fill(model: nn.Module) -> None:
    """Put 1, 2, 3 ... into the parameters."""
    for i, p in enumerate(model.parameters(), 1):
        p.data = float(i)


class Line(nn.Module):
    def __init__(self) -> None:
        self.slope, self.offset = Value(2.0), Value(1.0)


# --- micrograd ------------------------------------------------------------------------------


@pytest.mark.parametrize(("nin", "nouts"), SIZES)
def test_a_seed_gives_the_weights_of_micrograd(nin: int, nouts: list[int]) -> None:
    ours, theirs = seeded(nn.MLP, nin, nouts), seeded(micrograd.MLP, nin, nouts)

    assert numbers(ours) == [p.data for p in theirs.parameters()]
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize(("nin", "nouts"), SIZES)
def test_values_and_gradients_are_those_of_micrograd(nin: int, nouts: list[int]) -> None:
    ours, theirs = seeded(nn.MLP, nin, nouts), seeded(micrograd.MLP, nin, nouts)
    for _ in range(10):
        x = [random.gauss(0.0, 2.0) for _ in range(nin)]
        outputs, expected = ours(x), theirs(x)
        if nouts[-1] > 1:
            outputs, expected = sg.sum(outputs), sum(expected)
        ours.zero_grad()
        theirs.zero_grad()
        outputs.backward()
        expected.backward()

        assert outputs.data == pytest.approx(expected.data, rel=1e-12, abs=1e-12)
        gradients = [p.grad for p in theirs.parameters()]
        assert [p.grad for p in ours.parameters()] == pytest.approx(gradients, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("nonlin", [True, False])
def test_nonlin_is_spelled_as_in_micrograd(nonlin: bool) -> None:
    for name, args in (("Neuron", (3,)), ("Layer", (3, 2))):
        ours = seeded(getattr(nn, name), *args, nonlin=nonlin)
        theirs = seeded(getattr(micrograd, name), *args, nonlin=nonlin)
        x = [0.3, -2.0, 1.5]
        outputs, expected = ours(x), theirs(x)
        if name == "Neuron":
            outputs, expected = [outputs], [expected]

        assert repr(ours) == repr(theirs)
        assert [z.data for z in outputs] == pytest.approx([z.data for z in expected])


def test_layers_and_neurons_are_where_micrograd_has_them() -> None:
    model = nn.MLP(2, [3, 1])

    assert [len(layer.neurons) for layer in model.layers] == [3, 1]
    assert [len(neuron.w) for layer in model.layers for neuron in layer.neurons] == [2, 2, 2, 3]
    assert all(neuron.b.data == 0.0 for layer in model.layers for neuron in layer.neurons)


# --- parameters and their names -------------------------------------------------------------


def test_a_neuron_has_its_weights_then_its_bias() -> None:
    neuron = nn.Neuron(3)

    assert neuron.parameters() == [*neuron.w, neuron.b]
    assert [name for name, _ in neuron.named_parameters()] == ["w.0", "w.1", "w.2", "b"]


def test_parameters_stand_layer_by_layer() -> None:
    model = nn.MLP(2, [2, 1])

    assert model.parameters() == [
        p for layer in model.layers for neuron in layer.neurons for p in [*neuron.w, neuron.b]
    ]
    assert [name for name, _ in model.named_parameters()][3:7] == [
        "layers.0.neurons.1.w.0", "layers.0.neurons.1.w.1", "layers.0.neurons.1.b",
        "layers.1.neurons.0.w.0",
    ]  # fmt: skip


def test_names_do_not_change_when_the_model_is_used() -> None:
    model = nn.MLP(2, [2, 1])
    before = model.named_parameters()
    model([1.0, 2.0]).backward()

    assert model.named_parameters() == before


@pytest.mark.parametrize("make", [nn.Neuron, lambda n, **k: nn.MLP(n, [2, 1], **k)])
def test_without_bias_there_are_weights_only(make: Callable[..., nn.Module]) -> None:
    model = make(3, bias=False)

    assert all(".b" not in f".{name}" for name in model.state_dict())
    assert len(model.parameters()) == (3 if isinstance(model, nn.Neuron) else 3 * 2 + 2)


def test_an_mlp_without_biases_maps_zero_to_zero() -> None:
    assert nn.MLP(3, [4, 1], "tanh", bias=False)([0, 0, 0]).data == 0.0


class Everything(nn.Module):
    def __init__(self) -> None:
        self.name, self.count, self.nothing = "plain attributes do not count", 3, None
        self.one = Value(1.0)
        self.some = [Value(2.0), (Value(3.0), Value(4.0))]
        self.by_name = {"a": Value(5.0), 7: [Line()]}
        self.part = Line()


def test_a_module_of_ones_own_is_searched_all_through() -> None:
    assert Everything().state_dict() == {
        "one": 1.0, "some.0": 2.0, "some.1.0": 3.0, "some.1.1": 4.0, "by_name.a": 5.0,
        "by_name.7.0.slope": 2.0, "by_name.7.0.offset": 1.0,
        "part.slope": 2.0, "part.offset": 1.0,
    }  # fmt: skip


def test_a_shared_parameter_appears_once_under_its_first_name() -> None:
    model = nn.Module()
    model.first, model.second = Line(), Line()
    model.second.slope = model.first.slope
    model.again = model.first

    assert list(model.state_dict()) == ["first.slope", "first.offset", "second.offset"]
    assert len(model.parameters()) == 3


def test_a_module_without_values_has_no_parameters() -> None:
    assert nn.Module().parameters() == []
    assert nn.Module().state_dict() == {}


def test_a_computed_value_is_no_parameter() -> None:
    model = Line()
    model.z = model.slope * 3.0 + model.offset

    assert model.parameters() == [model.slope, model.offset]


@pytest.mark.parametrize("tree", [{1: 0, "1": 0}, {"a.b": 0, "a": 1}])
def test_no_two_parameters_share_a_name(tree: dict[Any, Any]) -> None:
    model = nn.Module()
    model.tree = {k: {"b": Value(1.0)} if v else Value(2.0) for k, v in tree.items()}
    for ask in (model.named_parameters, model.state_dict):
        with pytest.raises(ValueError, match=r"two parameters of Module .*'tree\.(1|a\.b)'"):
            ask()


def test_a_part_may_know_its_whole() -> None:
    whole, part = Line(), Line()
    whole.part, part.whole = part, whole

    assert len(whole.parameters()) == 4


def test_weights_come_before_the_parameters_of_an_activation() -> None:
    class Slope(Line):
        def __call__(self, z: Any) -> Any:
            return self.slope * z + self.offset

    neuron = nn.Neuron(2, Slope())

    assert neuron.parameters()[:3] == [*neuron.w, neuron.b]


# --- zero_grad, state_dict, load_state_dict -------------------------------------------------


def test_zero_grad_clears_every_gradient() -> None:
    model = seeded(nn.MLP, 2, [3, 1], "tanh")
    model([1.0, -2.0]).backward()
    before = [p.grad for p in model.parameters()]
    model.zero_grad()

    assert all(before)
    assert [p.grad for p in model.parameters()] == [0.0] * len(before)


def test_a_state_goes_from_one_model_to_another() -> None:
    one, other = nn.MLP(2, [3, 1]), nn.MLP(2, [3, 1])
    objects = other.parameters()
    other.load_state_dict(one.state_dict())

    assert numbers(other) == numbers(one) != numbers(nn.MLP(2, [3, 1]))
    assert other.parameters() == objects  # an optimiser that holds them goes on
    assert other([0.5, 2.0]).data == one([0.5, 2.0]).data


def test_a_state_is_a_copy_in_any_order_of_any_real_numbers() -> None:
    line = Line()
    saved = line.state_dict()
    line.load_state_dict({"offset": np.float32(0.5), "slope": True})

    assert saved == {"slope": 2.0, "offset": 1.0}
    assert numbers(line) == [1.0, 0.5]
    assert all(type(p.data) is float for p in line.parameters())


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"slope": 5.0}, "missing: offset"),
        ({"slope": 5.0, "offset": 5.0, "bend": 5.0}, "unknown: bend"),
        ({"slope": 5.0, "Offset": 5.0}, "missing: offset; unknown: Offset"),
        ({}, "missing: slope, offset"),
    ],
)
def test_names_that_do_not_match_are_named(state: dict[str, float], message: str) -> None:
    line = Line()
    with pytest.raises(KeyError, match=message):
        line.load_state_dict(state)

    assert numbers(line) == [2.0, 1.0]


@pytest.mark.parametrize("wrong", ["5", None, [5.0], 1j, Value(5.0)])
def test_a_value_of_a_wrong_type_leaves_all_as_it_was(wrong: Any) -> None:
    model = nn.MLP(2, [2, 1])
    before = numbers(model)
    state = dict.fromkeys(model.state_dict(), 5.0) | {"layers.0.neurons.1.b": wrong}
    with pytest.raises(TypeError, match=r"layers\.0\.neurons\.1\.b .*got " + type(wrong).__name__):
        model.load_state_dict(state)

    assert numbers(model) == before


def test_wherever_ctrl_c_comes_all_or_nothing_is_loaded() -> None:
    new = {"values.0": 7.0, "values.1": 8.0, "values.2": 9.0}
    for n in range(1, 1000):
        model = nn.Module()
        model.values = [Value(1.0), Value(2.0), Value(3.0)]
        try:
            with ctrl_c_at_line(n):
                model.load_state_dict(new)
        except KeyboardInterrupt:
            assert numbers(model) in ([1.0, 2.0, 3.0], [7.0, 8.0, 9.0])
        else:
            break  # every line had its turn

    assert n > 10
    assert numbers(model) == [7.0, 8.0, 9.0]


# --- calling --------------------------------------------------------------------------------


def test_z_and_a_are_both_there() -> None:
    neuron = nn.Neuron(2, "tanh")
    fill(neuron)
    a = neuron([0.5, -0.25])
    (z,) = a.parents

    assert (a.op, z.op) == ("tanh", "dot")
    assert z.data == 1 * 0.5 - 2 * 0.25 + 3
    assert a.data == math.tanh(z.data)
    assert z.parents[:2] == tuple(neuron.w)
    assert z.parents[-1] is neuron.b


@pytest.mark.parametrize(("nin", "bias"), [(1, True), (1, False), (3, False)])
def test_a_neuron_is_one_node_without_activation(nin: int, bias: bool) -> None:
    z = nn.Neuron(nin, None, bias)([1.0] * nin)

    assert z.op == "dot"
    assert len(z.parents) == 2 * nin + bias


def test_a_layer_gives_a_list_always_and_an_mlp_one_bare_value() -> None:
    for n in (1, 3):
        assert [type(y) for y in nn.Layer(2, n)([1.0, 2.0])] == [Value] * n
    assert type(nn.MLP(2, [3, 1])([1.0, 2.0])) is Value
    assert [type(y) for y in nn.MLP(2, [1, 3])([1.0, 2.0])] == [Value] * 3


@pytest.mark.parametrize("make", [nn.Neuron, lambda n: nn.Layer(n, 2), lambda n: nn.MLP(n, [2, 1])])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_wrong_length_names_both_lengths(make: Callable[[int], Any], count: int) -> None:
    with pytest.raises(ValueError, match=rf"2 inputs was given {count}"):
        make(2)([1.0] * count)


def test_a_plain_number_is_one_constant_for_the_whole_layer() -> None:
    x = Value(0.5)
    outputs = nn.Layer(2, 3, None)([x, 7.0])
    inputs = {y.parents[2:4] for y in outputs}

    assert len(inputs) == 1
    assert next(iter(inputs))[0] is x
    assert next(iter(inputs))[1].is_constant


def test_every_kind_of_input_gives_the_same() -> None:
    model = seeded(nn.MLP, 2, [3, 1], "tanh")
    expected = model([1.0, -2.0]).data
    for x in ([1, -2], (1.0, -2.0), [Value(1.0), -2], np.array([1.0, -2.0]), np.array([1, -2])):
        assert model(x).data == expected


def test_the_gradient_reaches_inputs_that_are_values() -> None:
    model = seeded(nn.MLP, 2, [3, 1], "tanh")

    sg.check_grads(lambda x: model(x), ([1.0, -2.0],), order=2)


@pytest.mark.parametrize("make", [nn.Neuron, lambda n: nn.Layer(n, 2), lambda n: nn.MLP(n, [2, 1])])
def test_inputs_that_are_no_numbers_are_refused(make: Callable[[int], Any]) -> None:
    for x in (["a", "b"], [None, 1.0], [[1.0], [2.0]], np.ones((2, 2))):
        with pytest.raises(TypeError, match="real number"):
            make(2)(x)


# --- activations ----------------------------------------------------------------------------

NAMES = ["relu", "leaky_relu", "tanh", "sigmoid", "softplus", "elu", "gelu", "silu", "sin", "abs"]


@pytest.mark.parametrize("name", NAMES)
def test_an_activation_by_name_is_that_function(name: str) -> None:
    by_name, by_function = seeded(nn.Neuron, 2, name), seeded(nn.Neuron, 2, getattr(sg, name))
    out = by_name([0.3, -0.9])

    assert out.op == name
    assert out.data == by_function([0.3, -0.9]).data == getattr(sg, name)(out.parents[0].data)


def test_an_activation_may_be_any_function_or_primitive() -> None:
    cube = sg.primitive("nn_cube", lambda x: x**3, lambda x, out: (3 * x * x,))
    for activation in (cube, lambda z: z * z * z, lambda z: z**3):
        neuron = nn.Neuron(1, activation)
        fill(neuron)
        out = neuron([0.5])
        out.backward()

        assert out.data == pytest.approx(2.5**3)
        assert neuron.b.grad == pytest.approx(3 * 2.5**2)


def test_a_primitive_of_ones_own_is_an_activation_by_name() -> None:
    sg.primitive("nn_square", lambda x: x**2, lambda x, out: (2 * x,))

    assert nn.Neuron(1, "nn_square")([0.5]).op == "nn_square"


@pytest.mark.parametrize("unknown", ["ReLU", "", "add", "dot", "softmax", 3, False])
def test_an_unknown_activation_is_refused(unknown: Any) -> None:
    makers = (nn.Neuron, lambda *a: nn.Layer(2, *a), lambda n, a: nn.MLP(n, [2, 1], a))
    for make in (*makers, lambda n, a: nn.MLP(n, [1], None, a)):
        with pytest.raises(ValueError, match=f"activation is .*got {unknown!r}"):
            make(2, unknown)


def test_the_last_layer_has_an_activation_of_its_own() -> None:
    model = nn.MLP(2, [3, 3, 2], "tanh", "sigmoid")

    assert [layer.neurons[0].activation for layer in model.layers] == ["tanh", "tanh", "sigmoid"]
    assert [y.op for y in model([1.0, 2.0])] == ["sigmoid"] * 2
    assert nn.MLP(2, [3, 1])([1.0, 2.0]).op == "dot"  # none by default


def test_reprs_name_the_activation_and_the_inputs() -> None:
    assert repr(nn.Neuron(2, "tanh")) == "TanhNeuron(2)"
    assert repr(nn.Neuron(2, sg.relu)) == "ReLUNeuron(2)"
    assert repr(nn.Layer(2, 2, None)) == "Layer of [LinearNeuron(2), LinearNeuron(2)]"
    assert repr(nn.MLP(2, [1, 1], "sigmoid")) == (
        "MLP of [Layer of [SigmoidNeuron(2)], Layer of [LinearNeuron(1)]]"
    )


# --- sizes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        nn.Neuron, lambda n: nn.Layer(n, 2), lambda n: nn.Layer(2, n),
        lambda n: nn.MLP(n, [1]), lambda n: nn.MLP(2, [2, n, 1]),
    ],
)  # fmt: skip
def test_sizes_are_whole_numbers_from_one_on(make: Callable[[Any], Any]) -> None:
    for size in (0, -1):
        with pytest.raises(ValueError, match=rf"n(in|out) must be at least 1, got {size}"):
            make(size)
    for size in (2.0, "2", None, [2], True):
        message = (
            rf"n(in|out) must be a whole number, got {type(size).__name__}: {re.escape(repr(size))}"
        )
        with pytest.raises(TypeError, match=message):
            make(size)


@pytest.mark.parametrize("nouts", [[], (), 3, "ab", None])
def test_an_mlp_needs_a_list_of_sizes(nouts: Any) -> None:
    with pytest.raises(ValueError, match=r"list of sizes, like \[16, 16, 1\]"):
        nn.MLP(2, nouts)


def test_sizes_may_be_a_tuple() -> None:
    assert len(nn.MLP(2, (3, 1)).parameters()) == 13


def test_a_size_may_be_a_numpy_integer() -> None:
    classes = np.array([0, 2, 1]).max() + 1

    assert len(nn.MLP(2, [classes])([1.0, 2.0])) == 3


# --- starting weights -----------------------------------------------------------------------

RANGES = {
    "uniform": 1.0, "zeros": 0.0,
    "xavier": math.sqrt(6 / (4 + 50)), "he": math.sqrt(6 / 4), "lecun": math.sqrt(3 / 4),
}  # fmt: skip


@pytest.mark.parametrize("init", RANGES)
def test_starting_weights_fill_their_range(init: str) -> None:
    layer = seeded(nn.Layer, 4, 50, init=init)
    weights = [w.data for neuron in layer.neurons for w in neuron.w]
    widest = max(map(abs, weights))

    assert 0.95 * RANGES[init] <= widest <= RANGES[init]
    assert abs(sum(weights) / len(weights)) <= 0.1 * RANGES[init]
    assert all(neuron.b.data == 0.0 for neuron in layer.neurons)


def test_normal_weights_have_mean_0_and_variance_1() -> None:
    weights = [w.data for w in seeded(nn.Neuron, 2000, init="normal").w]

    assert abs(sum(weights)) / 2000 < 0.1
    assert sum(w * w for w in weights) / 2000 == pytest.approx(1.0, abs=0.1)


def test_these_are_all_the_initialisers() -> None:
    assert set(nn.INITIALISERS) == {*RANGES, "normal"}


@pytest.mark.parametrize("init", nn.INITIALISERS)
def test_a_seed_fixes_the_weights(init: str) -> None:
    one, same = (seeded(nn.MLP, 2, [3, 1], init=init) for _ in range(2))

    assert numbers(one) == numbers(same)


def test_an_unknown_initialiser_is_refused() -> None:
    for make in (nn.Neuron, lambda n, **k: nn.MLP(n, [1], **k)):
        with pytest.raises(ValueError, match=r"uniform, xavier, he, .*got 'best'"):
            make(2, init="best")


# --- copies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_equal_and_apart(duplicate: Callable[[nn.MLP], nn.MLP]) -> None:
    model = nn.MLP(2, [3, 1], "tanh")
    model.shared = model.layers[0].neurons[0].w[0]
    twin = duplicate(model)

    assert twin.state_dict() == model.state_dict()
    assert twin.shared is twin.layers[0].neurons[0].w[0]
    assert not set(twin.parameters()) & set(model.parameters())
    twin([1.0, 2.0]).backward()
    assert all(p.grad == 0.0 for p in model.parameters())
    assert twin.layers[1].neurons[0].b.grad == 1.0


def test_a_model_of_ones_own_learns_like_any_other() -> None:
    line = Line()
    optimizer = optim.SGD(line.parameters(), lr=0.1)
    for _ in range(300):
        outputs = [line.slope * x + line.offset for x in (-1.0, 0.0, 2.0)]
        line.zero_grad()
        losses.squared_error(outputs, [1.0, 0.5, -0.5]).backward()
        optimizer.step()

    assert numbers(line) == pytest.approx([-0.5, 0.5])


def test_an_array_of_values_holds_parameters() -> None:
    class Arrayed(nn.Module):
        def __init__(self) -> None:
            self.w = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])

    assert Arrayed().state_dict() == {"w.0": 1.0, "w.1": 2.0, "w.2": 3.0, "w.3": 4.0}


def test_a_layer_has_the_arguments_of_its_neurons() -> None:
    names = [*inspect.signature(nn.Layer).parameters]

    assert names == ["nin", "nout", "activation", "bias", "init", "nonlin"]
    layer = nn.Layer(2, 3, "tanh", False, init="zeros")
    assert [(n.activation, n.b, [w.data for w in n.w]) for n in layer.neurons] == [
        ("tanh", None, [0.0, 0.0])
    ] * 3
    assert nn.Layer(2, 1, nonlin=False).neurons[0].activation is None
    with pytest.raises(TypeError, match="unexpected keyword argument 'biass'"):
        nn.Layer(2, 1, biass=False)  # type: ignore[call-arg]


def test_inputs_and_states_that_are_none_are_named() -> None:
    model = nn.MLP(2, [1])
    for call, message in (
        (lambda: model(None), "a layer takes a list of 2 inputs, got NoneType"),
        (lambda: nn.Neuron(2)(3), "a neuron takes a list of 2 inputs, got int"),
        (lambda: model.load_state_dict(None), "takes a dict of names and numbers, got NoneType"),
    ):
        with pytest.raises(TypeError, match=message):
            call()


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Neuron(10**12),
        lambda: nn.Layer(10**6, 10**7),
        lambda: nn.MLP(3, [10**400, 1]),
        lambda: nn.MLP(10**400, [1]),
        lambda: nn.MLP(2, [2, 2], "tanh", "tanhh"),
        lambda: nn.MLP(2, [2, 0]),
        lambda: nn.Layer(2, 2, bias="no"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_made_draws_no_random_numbers(make: Callable[[], Any]) -> None:
    before = random.getstate()
    with pytest.raises((TypeError, ValueError), match=r"this machine has|activation|nout|bias"):
        make()

    assert random.getstate() == before


def test_a_list_that_contains_itself_is_visited_once() -> None:
    module = nn.Module()
    endless: list[Any] = [Value(1.0)]
    endless.append({"again": endless})
    module.xs = endless  # type: ignore[attr-defined]

    assert module.state_dict() == {"xs.0": 1.0}
    assert module.parameters() == [endless[0]]
