"""The seven-node network against hand-derived numbers, at 60 digits, and in its variants."""

from itertools import pairwise
from typing import Any

import pytest
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import Value, losses
from scalargrad.examples.lecture2 import seven_node, slides

LOWER = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@pytest.mark.parametrize("t", [1, -1])
@pytest.mark.parametrize("g", ["tanh", "identity"])
def test_every_number_of_the_slides(g: str, t: int) -> None:
    """S4.14, S4.15, and X1: behind the activation times its slope is before the activation."""
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
    for node, slope in expected["g_prime"].items():
        assert close(net.z[int(node)].grad, expected["delta"][node] * slope)

    net.z[7].backward()  # leaves accumulate; inner nodes are set afresh
    for name, want in expected["dz7_dw"].items():
        assert close(net.w[name].grad - expected["dE_dw"][name], want)
    for node, want in expected["dz7_da"].items():
        if int(node) in net.a and net.a[int(node)].parents:
            assert close(net.a[int(node)].grad, want)


def test_its_own_numbers_are_those_of_the_case() -> None:
    inputs = lecture("S4.seven_tanh")["inputs"]

    assert inputs["w"] == seven_node.WEIGHTS
    assert (inputs["x1"], inputs["x2"]) == seven_node.INPUTS


def test_the_printed_sums_are_z6_and_z7() -> None:
    """S4.14: printed "a6 = a3 w36 + a4 w46"; a6 is g of that sum, and only a7 is z7 itself."""
    net = seven_node.run()
    a, w = net.a, net.w
    sum6 = a[3].data * w["36"].data + a[4].data * w["46"].data
    sum7 = a[5].data * w["57"].data + a[6].data * w["67"].data

    assert net.z[6].data == pytest.approx(sum6, rel=1e-15)
    assert a[6].data == pytest.approx(sg.tanh(sum6), rel=1e-15)
    assert abs(a[6].data - sum6) > 1e-3
    assert net.z[7].data == pytest.approx(sum7, rel=1e-15)


def test_delta_4_is_by_a4() -> None:
    """S4.15: printed "/∂a5" under δ4. Move a4, and E changes at the rate δ4, which is not δ5."""

    def error_at(a4: float) -> float:
        a3, w = net.a[3].data, seven_node.WEIGHTS
        a5, a6 = sg.tanh(w["35"] * a3), sg.tanh(w["36"] * a3 + w["46"] * a4)
        error: float = losses.perceptron(w["57"] * a5 + w["67"] * a6, 1.0)
        return error

    net = seven_node.run()
    assert net.delta(4) == pytest.approx(sg.numerical_grad(error_at, net.a[4].data), rel=1e-8)
    assert abs(net.delta(4) - net.delta(5)) > 0.1


def test_a_sample_on_its_right_side_teaches_nothing() -> None:
    """S4.15: with t = -1 the indicator is 0, and so is every derivative."""
    net = seven_node.run(t=-1.0)

    assert net.E.data == 0.0
    assert [w.grad for w in net.w.values()] == [0.0] * 8


def test_at_the_kink_the_derivative_is_zero() -> None:
    """S4.16: the indicator I(-z7 t > 0) is strict."""
    net = seven_node.build(x=(0.0, 0.0))
    net.E.backward()

    assert net.z[7].data == 0.0
    assert [w.grad for w in net.w.values()] == [0.0] * 8


def test_the_general_formulas_hold_on_it() -> None:
    """S4.17: δj = Σk δk g'(zk) wjk and ∂E/∂wjk = δk g'(zk) aj, with g' = 1 at node 7."""
    net = seven_node.run()
    scaled = {k: z.grad for k, z in net.z.items()}  # δk g'(zk)
    for j in range(1, 7):
        behind = [k for i, k in seven_node.EDGES if i == j]
        by_formula = sum(scaled[k] * net.w[f"{j}{k}"].data for k in behind)

        assert net.delta(j) == pytest.approx(by_formula, rel=1e-14)
        for k in behind:
            assert net.w[f"{j}{k}"].grad == pytest.approx(scaled[k] * net.a[j].data, rel=1e-14)


def test_the_gradient_of_a_batch_is_the_sum_of_those_of_its_samples() -> None:
    batch = [((0.5, -1.0), 1.0), ((-0.2, 0.4), 1.0), ((1.5, 0.3), -1.0)]
    singly = dict.fromkeys(seven_node.WEIGHTS, 0.0)
    for x, t in batch:
        net = seven_node.build(x, t=t)
        net.E.backward()
        for name, w in net.w.items():
            singly[name] += w.grad

    def total(w: dict[str, Any]) -> Any:
        return sg.sum([losses.perceptron(_z7(w, x), t) for x, t in batch])

    together = sg.grad(total)(seven_node.WEIGHTS)
    assert together == pytest.approx(singly, rel=1e-13)
    assert any(singly.values())


def _z7(w: dict[str, Any], x: tuple[float, float]) -> Any:
    a3 = sg.tanh(w["13"] * x[0] + w["23"] * x[1])
    a4 = sg.tanh(w["24"] * x[1])
    return w["57"] * sg.tanh(w["35"] * a3) + w["67"] * sg.tanh(w["36"] * a3 + w["46"] * a4)


@pytest.mark.parametrize("t", [1.0, -1.0])
def test_the_report_has_every_number(t: float) -> None:
    net = seven_node.run(t)
    text = seven_node.report(net)

    for value in (*net.w.values(), net.E):
        assert f"{value.grad if value is not net.E else value.data:.9f}" in text
    for name in net.w:
        assert f"w{name}" in text


def test_frames_show_more_and_more() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    net = seven_node.run()
    for backward in (False, True):
        texts = [
            {text.get_text() for text in ax.texts}
            for ax in seven_node.frames(net, backward).axes  # type: ignore[attr-defined]
        ]

        assert all(earlier < later for earlier, later in pairwise(texts))
    assert "δ₃ = 1.020" in texts[-1]


def test_each_slide_is_titled_with_the_lines_of_the_lecture() -> None:
    """S4.14, S4.15: formula, numbers, result; each of the eight weights and five δ once."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    axes = seven_node.frames(seven_node.run(), True).axes  # type: ignore[attr-defined]
    titles = "\n".join(ax.get_title("left") for ax in axes)

    assert "δ₆ = δ₇ w₆₇ = (−1) · (−0.5) = 0.5" in titles
    assert "∂E/∂w₄₆ = δ₆ g′(z₆) a₄ = 0.5 · 0.931 · (−0.716) = −0.334" in titles
    for i, j in seven_node.EDGES:
        lowered = f"{i}{j}".translate(LOWER)
        assert titles.count(f"∂E/∂w{lowered} = ") == 1
    for node in range(3, 8):
        assert titles.count(f"δ{str(node).translate(LOWER)} = ") == 1


@pytest.mark.parametrize("t", [1.0, -1.0])
@pytest.mark.parametrize("g", [sg.tanh, sg.sigmoid])
def test_the_numbers_of_a_line_give_its_result(t: float, g: Any) -> None:
    """S4.15: what stands between the equal signs, computed, is what stands after the last."""
    net = seven_node.build(t=t, g=g)
    net.E.backward()
    told = [slides.forward_lines(net)[node][0] for node in range(3, 8)]
    told += [line for some in slides.backward_lines(net).values() for line in some]

    assert len(told) == 5 + 13
    for line in told:
        plain = line.numbers.translate({ord("−"): "-", ord("·"): "*"})
        assert eval(plain) == pytest.approx(line.result, abs=3e-3)


def test_the_exercise_leaves_open_what_its_key_shows() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    pictures: dict[str, Any] = dict(seven_node.figures(seven_node.run()))
    blank, key = (
        [text.get_text() for text in pictures[name].axes[1].texts]
        for name in ("exercise", "exercise_key")
    )

    assert len(blank) == len(key) == 13
    assert all(line.endswith("= ______") for line in blank)
    assert all(k.startswith(b.removesuffix("______")) for b, k in zip(blank, key, strict=True))
    assert not any("______" in line for line in key)


def test_what_is_no_network_of_seven_nodes() -> None:
    with pytest.raises(ValueError, match="two inputs, got 1"):
        seven_node.build(x=(1.0,))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"the weights are 13, 23, .*, got 13$"):
        seven_node.build(weights={"13": 1.0})


def test_an_identity_that_hands_its_argument_on() -> None:
    net = seven_node.build(g=lambda z: z)
    net.E.backward()

    assert net.a[3] is net.z[3]
    assert net.z[3].label == "z3"
    assert net.delta(3) == pytest.approx(1.17)
    assert isinstance(net.z[7], Value)
