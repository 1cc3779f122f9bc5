"""What is watched in programs that are deep, or whose numbers are used again and again."""

import scalargrad as sg
from scalargrad import Value


def test_a_chain_of_any_depth_before_the_edge_of_a_domain() -> None:
    def f(x: Value) -> Value:
        y = sg.exp(x)
        for _ in range(3000):
            y = -y
        return sg.sqrt(y)

    assert sg.compile(f, backend="python")(0.0) == 1.0


def test_products_that_are_used_twice_each() -> None:
    """Looking at each use again would take 10**16 steps."""

    def f(x: Value, y: Value) -> Value:
        before, last = x, y
        for _ in range(80):
            before, last = last, before * last
        return sg.sqrt(last) + sg.log(last)

    assert sg.compile(f, backend="python")(1.0, 1.0) == 1.0
