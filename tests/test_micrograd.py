"""Programs written for micrograd run with only their imports changed, and come to the same."""

from typing import Any

import graphviz
import micrograd.engine
import micrograd.nn
import numpy as np
import pytest

import scalargrad.engine
import scalargrad.nn

IMPORTS = {
    "micrograd": {"Value": micrograd.engine.Value, "nn": micrograd.nn},
    "scalargrad": {"Value": scalargrad.engine.Value, "nn": scalargrad.nn},
}

FORMULA = """
a, b = Value(-3.5), Value(1.25)
c = a * b + b**3 - 2 / a
c += c + 1 + (-a)
c += 1 + c + (b - a).relu()
d = (c - b)**2 / 7.0 + 10 / c
d = 3 - d if d.data > 0 else d * 5
d.backward()
results = [d.data, a.grad, b.grad]
"""

TRAINING = """
import random
import numpy as np
random.seed(1337)
np.random.seed(1337)
t = np.random.uniform(0, np.pi, 40)
X = np.stack([np.cos(t), np.sin(t)], 1) + np.random.normal(0, 0.1, (40, 2))
X[20:] = [1.0, 0.5] - X[20:]
y = np.repeat([-1, 1], 20)

model = nn.MLP(2, [16, 16, 1])
losses = []
for k in range(4):
    inputs = [list(map(Value, row)) for row in X]
    scores = list(map(model, inputs))
    hinge = [(1 + -yi * score).relu() for yi, score in zip(y, scores)]
    total = sum(hinge) * (1.0 / len(hinge)) + 1e-4 * sum((p * p for p in model.parameters()))
    model.zero_grad()
    total.backward()
    for p in model.parameters():
        p.data -= (1.0 - 0.9 * k / 100) * p.grad
    losses.append(total.data)
wrong = sum((yi > 0) != (score.data > 0) for yi, score in zip(y, scores))
results = [*losses, wrong, *(p.data for p in model.parameters())]
"""

TRACE = """
def trace(root):
    nodes, edges = set(), set()
    def visit(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                visit(child)
    visit(root)
    return nodes, edges

x = Value(1.0)
z = (x * 2 + 1).relu()
z.backward()
nodes, edges = trace(z)
dot = graphviz.Digraph()
for n in nodes:
    dot.node(str(id(n)), "{ data %.4f | grad %.4f }" % (n.data, n.grad), shape="record")
    if n._op:
        dot.node(str(id(n)) + n._op, n._op)
results = [len(nodes), len(edges), len(dot.source.splitlines()), x.grad]
"""


def run(program: str, engine: str) -> list[Any]:
    names: dict[str, Any] = {"graphviz": graphviz, **IMPORTS[engine]}
    exec(program, names)
    return names["results"]


@pytest.mark.parametrize(
    "program", [FORMULA, TRAINING, TRACE], ids=["formula", "training", "trace"]
)
def test_the_same_program(program: str) -> None:
    expected = run(program, "micrograd")

    assert run(program, "scalargrad") == pytest.approx(expected, rel=1e-9)


def test_the_printed_model() -> None:
    for module in (micrograd.nn, scalargrad.nn):
        assert repr(module.MLP(2, [2, 1])) == (
            "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"
        )
    assert np.isscalar(scalargrad.nn.Neuron(1)([1.0]).data)
