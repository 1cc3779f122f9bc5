"""The worked numbers of the lectures, from hand-derived formulas at 60 digits."""

from collections.abc import Callable
from typing import Any

import pytest
from lectures import lecture

import scalargrad as sg
from scalargrad import Value, losses, optim
from scalargrad.examples import seven_node


def close_to(case: dict[str, Any]) -> Callable[[float, float], bool]:
    return lambda got, want: abs(got - want) <= case["atol"] + case["rtol"] * abs(want)


# --- seven nodes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [1, -1])
@pytest.mark.parametrize("g", ["tanh", "identity"])
def test_seven_nodes(g: str, t: int) -> None:
    case = lecture(f"S4.seven_{g}")
    close, inputs = close_to(case), case["inputs"]
    expected = case["expected"][f"t={t:+d}"]
    activation = sg.tanh if g == "tanh" else lambda z: z + 0.0
    net = seven_node.build((inputs["x1"], inputs["x2"]), inputs["w"], t, activation)
    net.E.backward()

    assert close(net.E.data, expected["E"])
    assert expected["hinge_active"] == (net.E.data > 0)
    for node, want in expected["a"].items():
        assert close(net.a[int(node)].data, want)
    for node, want in expected["z"].items():
        assert close(net.z[int(node)].data, want)
    for node, want in expected["delta"].items():
        assert close(net.delta(int(node)), want)
    for name, want in expected["dE_dw"].items():
        assert close(net.w[name].grad, want)
    # behind the activation times its slope is before the activation
    for node, slope in expected["g_prime"].items():
        assert close(net.z[int(node)].grad, expected["delta"][node] * slope)

    net.z[7].backward()  # leaves accumulate; inner nodes are set afresh
    for name, want in expected["dz7_dw"].items():
        assert close(net.w[name].grad - expected["dE_dw"][name], want)
    for node, want in expected["dz7_da"].items():
        if int(node) in net.a and net.a[int(node)].parents:
            assert close(net.a[int(node)].grad, want)


def test_seven_nodes_at_the_kink() -> None:
    net = seven_node.build(x=(0.0, 0.0))
    net.E.backward()

    assert net.z[7].data == 0.0
    assert [w.grad for w in net.w.values()] == [0.0] * 8


def test_what_is_no_network_of_seven_nodes() -> None:
    with pytest.raises(ValueError, match="two inputs, got 1"):
        seven_node.build(x=(1.0,))
    with pytest.raises(ValueError, match=r"the weights are 13, 23, .*, got 13$"):
        seven_node.build(weights={"13": 1.0})


def test_identity_that_hands_its_argument_on() -> None:
    net = seven_node.build(g=lambda z: z)
    net.E.backward()

    assert net.a[3] is net.z[3]
    assert net.z[3].label == "z3"
    assert net.delta(3) == pytest.approx(1.17)


# --- calculus ------------------------------------------------------------------------------------


def test_partial_derivatives() -> None:
    case = lecture("S2.calculus")
    close = close_to(case)
    f = lambda x, y: x**2 + x * y + y**2
    for point in case["expected"]["points"]:
        value, slopes = sg.value_and_grad(f, (0, 1))(*point["at"])
        assert close(value, point["f"])
        assert all(map(close, slopes, point["grad"]))


def test_chain_rule_and_cost_derivative() -> None:
    case = lecture("S2.calculus")
    close, expected = close_to(case), case["expected"]
    z, slope = sg.value_and_grad(lambda x: sg.sin(x**2 + 1))(expected["chain_rule"]["x"])
    assert close(z, expected["chain_rule"]["z=sin(x^2+1)"])
    assert close(slope, expected["chain_rule"]["dz_dx=cos(x^2+1)*2x"])

    cost = case["inputs"]["cost"]
    f, slopes = sg.value_and_grad(losses.squared_error)(cost["x"], cost["y"])
    assert close(f, expected["cost_derivative"]["f"])
    assert all(map(close, slopes, expected["cost_derivative"]["df_dx"]))


def test_sigmoid_at_extremes() -> None:
    case = lecture("S2.calculus")
    close = close_to(case)
    for x, expected in case["expected"]["sigmoid"].items():
        value, slope = sg.value_and_grad(sg.sigmoid)(float(x))
        assert close(value, expected["sigma"])
        assert close(slope, expected["sigma_prime"])


# --- the simplest network ------------------------------------------------------------------------


def simplest(w: Any) -> Any:
    inputs = lecture("S0.simplest")["inputs"]
    return losses.squared_error(inputs["x"] * w, inputs["tau"])


def test_simplest_network() -> None:
    case = lecture("S0.simplest")
    close, expected, w0 = close_to(case), case["expected"], case["inputs"]["w0"]
    E, slope = sg.value_and_grad(simplest)(w0)

    assert close(E, expected["E"])
    assert close(slope, expected["dEdw"])
    assert close(sg.grad(sg.grad(simplest))(w0), expected["d2Edw2"])
    assert close(sg.grad(simplest)(expected["w_star"]), 0.0)
    for w, want in expected["dE_curve"].items():
        assert close(sg.grad(simplest)(float(w)), want)
    for step, want in expected["DeltaE_over_DeltaW"].items():
        got = sg.numerical_grad(simplest, w0, "forward", eps=float(step))
        assert abs(got - want) <= 1e-8 * abs(want)  # the difference cancels digits


@pytest.mark.parametrize("epsilon", lecture("S0.simplest")["inputs"]["epsilons"])
def test_descent_of_the_simplest_network(epsilon: float) -> None:
    case = lecture("S0.simplest")
    close, expected = close_to(case), case["expected"]["trajectories"][str(epsilon)]
    w = Value(case["inputs"]["w0"])
    descent = optim.SGD([w], lr=epsilon)
    for k, want in enumerate(expected["w"]):
        assert close(w.data, want)
        E = simplest(w)
        assert close(E.data, expected["E"][k])
        descent.zero_grad()
        E.backward()
        descent.step()

    w.data, updates, slope = case["inputs"]["w0"], 0, 1.0
    while abs(slope) >= case["inputs"]["grad_tol"] and updates < 1000:
        slope = sg.grad(simplest)(w.data)
        w.data -= epsilon * slope
        updates += 1
    assert (updates if updates < 1000 else None) == expected["updates_until_abs_grad_lt_1e-6"]


# --- two inputs ----------------------------------------------------------------------------------


def test_two_inputs() -> None:
    case = lecture("S0.two_input")
    close, inputs, expected = close_to(case), case["inputs"], case["expected"]
    unit_by_association = inputs["X_unit_by_association"]
    X = [*zip(*unit_by_association, strict=True)]  # one row for each association
    f = lambda w: losses.squared_error([sg.dot(w, x) for x in X], inputs["tau"])
    E, slopes = sg.value_and_grad(f)(inputs["w0"])

    assert close(E, expected["E"])
    assert all(map(close, slopes, expected["grad"]))
    assert all(close(d, 0.0) for d in sg.grad(f)(expected["w_star"]))
    for row, want in zip(sg.hessian(f)(inputs["w0"]), expected["hessian"], strict=True):
        assert all(map(close, row, want))
    per_association = [
        sg.grad(lambda w, x=x, tau=tau: losses.squared_error(sg.dot(w, x), tau))(inputs["w0"])
        for x, tau in zip(X, inputs["tau"], strict=True)
    ]
    for got, want in zip(per_association, expected["grad_t"], strict=True):
        assert all(map(close, got, want))

    for epsilon in inputs["epsilons"]:
        w = [Value(x) for x in inputs["w0"]]
        descent = optim.SGD(w, lr=epsilon)
        for k, want in enumerate(expected[f"trajectory_eps_{epsilon}"]["w"]):
            assert all(close(p.data, x) for p, x in zip(w, want, strict=True))
            E = f(w)
            assert close(E.data, expected[f"trajectory_eps_{epsilon}"]["E"][k])
            descent.zero_grad()
            E.backward()
            descent.step()
