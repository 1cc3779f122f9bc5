"""Time to draw large graphs.

This measures collapsing, from a Value to a finished SVG with the built-in layout. The time of
`backward` on the same graph is printed beside it, as a measure of the machine.
"""

import random
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import scalargrad as sg
from scalargrad import Value, nn


def written_out(model: nn.MLP, samples: int) -> Value:
    """Return the loss of a network written with + and *, as in micrograd: the largest graph."""
    nin = len(model.layers[0].neurons[0].w)
    total = Value(0.0)
    for _ in range(samples):
        x: list[Any] = [random.uniform(-1, 1) for _ in range(nin)]
        for layer in model.layers:
            x = [
                sum((w * a for w, a in zip(n.w, x, strict=True)), n.b).tanh() for n in layer.neurons
            ]
        total = total + (x[0] - 1.0) ** 2
    return total


def chain(length: int) -> Value:
    x = Value(1.0, "x")
    for _ in range(length):
        x = -x
    return x


def recurrence(steps: int) -> Value:
    w, u, h = Value(0.5, "w"), Value(0.1, "u"), Value(0.0, "h")
    for _ in range(steps):
        h = sg.tanh(w * h + u * random.random())
    return h


def random_graph(size: int) -> Value:
    values = [Value(random.random()) for _ in range(100)]
    for _ in range(size):
        a, b = random.choice(values), random.choice(values[-300:])
        values.append(random.choice((Value.__add__, Value.__mul__, Value.__sub__))(a, b * 0.5))
    return sg.sum(values)


def best(action: Callable[[], Any], turns: int = 3) -> float:
    times = []
    for _ in range(turns):
        start = perf_counter()
        action()
        times.append(perf_counter() - start)
    return min(times)


def main() -> None:
    random.seed(0)
    small, large = nn.MLP(3, [16, 16, 1]), nn.MLP(3, [64, 64, 1])
    graphs: list[tuple[str, Value, Any]] = [
        ("MLP 3-16-16-1, its model given", written_out(small, 72), small),
        ("the same without its model", written_out(small, 72), None),
        ("MLP 3-64-64-1, its model given", written_out(large, 110), large),
        ("the same without its model", written_out(large, 110), None),
        ("a chain", chain(1_000_000), None),
        ("a recurrence", recurrence(250_000), None),
        ("a random graph", random_graph(100_000), None),
    ]
    print(f"{'graph':<32} {'values':>9} {'boxes':>6} {'backward':>9} {'drawing':>9}   ratio")
    for name, x, model in graphs:
        drawing = sg.draw(x, model, engine="builtin")
        draws = best(lambda x=x, model=model: sg.draw(x, model, engine="builtin"))
        back = best(x.backward)
        values = sum(box.values for box in drawing.graph.boxes)
        boxes = len(drawing.graph.boxes)
        print(
            f"{name:<32} {values:>9,} {boxes:>6} {back:>7.2f} s {draws:>7.2f} s "
            f"{draws / back:>7.1f}"
        )


if __name__ == "__main__":
    main()
