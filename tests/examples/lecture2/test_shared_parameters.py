"""Two parameters on eight edges: the derivative is the sum over the edges."""

import pytest

import scalargrad as sg
from scalargrad.examples.lecture2 import seven_node, shared_parameters


def test_the_derivative_is_the_sum_over_the_edges() -> None:
    """S4.20: using one Value in many places accumulates."""
    result = shared_parameters.run()

    for value in (result.u, result.v):
        assert len(result.terms[value.label]) == 4
        assert value.grad == pytest.approx(sum(result.terms[value.label].values()), rel=1e-14)


def test_it_is_the_network_of_eight_weights_that_happen_to_be_equal() -> None:
    u, v = 0.3, -0.9
    weights = dict.fromkeys(shared_parameters.SHARED["u"], u)
    weights |= dict.fromkeys(shared_parameters.SHARED["v"], v)

    assert sorted(weights) == sorted(seven_node.WEIGHTS)
    for x in (seven_node.INPUTS, (0.7, 1.3)):
        z7 = seven_node.build(x, weights=weights).z[7].data
        assert shared_parameters.build(u, v, x) == pytest.approx(z7, rel=1e-15)


def test_it_agrees_with_differences() -> None:
    sg.check_grads(shared_parameters.build, (0.6, -0.4), order=2)


def test_the_printed_formulas_are_for_z7_and_not_for_the_error() -> None:
    """S4.20: of E they have the factor ∂E/∂z7 = -t where the sample is on the wrong side."""
    result = shared_parameters.run(t=1.0)

    for value in (result.u, result.v):
        assert result.of_error[value.label] == -value.grad
        assert value.grad != 0.0
    assert shared_parameters.run(t=-1.0).of_error == {"u": 0.0, "v": 0.0}


def test_the_way_back_shows_what_each_edge_adds() -> None:
    """S4.20: u and v on their edges, with the derivative of z7 by each single weight."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    result = shared_parameters.run()
    page = shared_parameters.figures(result)["backward"].axes  # type: ignore[attr-defined]
    shown = {text.get_text() for text in page[-1].texts}

    for terms in result.terms.values():
        for name, term in terms.items():
            assert any(text.endswith(f" = {term:.3f}".replace("-", "−")) for text in shown), name
    assert page[-2].get_title("left").endswith("(−0.176) + (−0.237) = −0.624")
    assert "δ₆ = δ₇ v = 1 · (−0.4) = −0.4" in page[2].get_title("left")


def test_without_v_nothing_of_u_comes_through() -> None:
    result = shared_parameters.run(v=0.0)

    assert result.z7.data == 0.0
    assert set(result.terms["u"].values()) == {0.0}
    assert any(result.terms["v"].values())
