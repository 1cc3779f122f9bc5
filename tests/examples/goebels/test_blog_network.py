"""The network of the blog post."""

import pytest
from computed import computed
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import losses, optim
from scalargrad.examples.goebels import blog_network

CASE = lecture("S2.resource_iamtrask")
close = close_to(CASE)
EXPECTED = CASE["expected"]


@pytest.fixture(scope="module")
def result() -> blog_network.Blog:
    return computed("blog_network")


def test_the_data_are_the_posts() -> None:
    inputs = CASE["inputs"]

    assert inputs["X"] == blog_network.X
    assert inputs["y"] == blog_network.Y
    assert blog_network.matrices(blog_network.build()) == (inputs["syn0"], inputs["syn1"])


def test_outputs_by_iteration(result: blog_network.Blog) -> None:
    """S2.30: before the update of each iteration."""
    for k, want in EXPECTED["output_at_iteration"].items():
        assert close(result.outputs[int(k)], want["l2"])


def test_weights_after_a_thousand_updates(result: blog_network.Blog) -> None:
    """S2.30: by the engine, and by the post's own lines."""
    want = [EXPECTED["syn0_after_1000"], EXPECTED["syn1_after_1000"]]

    assert close(result.weights, want)
    assert result.hand is not None
    assert close(result.hand, want)


def test_the_posts_steps_descend_on_half_the_sum_of_squares() -> None:
    """S2.30: error y - l2 and +=, which is ε = 1 on ½Σ; on the mean the steps would differ."""
    for reduction, same in (("half_sum", True), ("mean", False), ("sum", False)):
        model = blog_network.build()
        outputs = [model(x) for x in blog_network.X]
        losses.squared_error(outputs, blog_network.Y, reduction).backward()
        optim.SGD(model.parameters(), lr=1.0).step()

        assert close(blog_network.matrices(model), [*blog_network.by_hand(1)]) == same


def test_fit_learns_the_same(result: blog_network.Blog) -> None:
    model = blog_network.build()
    history = sg.fit(
        model, blog_network.X, blog_network.Y, losses.squared_error,
        optim.SGD(model.parameters(), lr=1.0), epochs=20,
    )  # fmt: skip

    assert close(history.losses[:20], result.costs[:20])


def test_little_happens_at_first(result: blog_network.Blog) -> None:
    """What the text tells to look for."""
    costs = result.costs

    assert costs[50] > 0.95 * costs[0]
    assert costs[999] < 0.01 * costs[0]
    outputs = zip(result.outputs[999], blog_network.Y, strict=True)
    assert max(abs(output - y) for output, y in outputs) < 0.06


def test_without_the_constant_input_it_learns_more_slowly(result: blog_network.Blog) -> None:
    """What the text tells to look for."""
    without = blog_network.run(constant=0.0)

    assert 2.5 < without.costs[999] / result.costs[999] < 4.0
    assert without.hand is None
