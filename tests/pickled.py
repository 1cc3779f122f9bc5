"""A graph with everything that a pickle keeps; run as a program, this writes its pickle.

`core/pickles` holds one that each kind of node wrote: native.pickle and, with SCALARGRAD_PURE=1,
python.pickle.
"""

from __future__ import annotations

import pickle
from pathlib import Path

from node_programs import graph, told

import scalargrad as sg
from scalargrad import Value

FOLDER = Path(__file__).parent / "core" / "pickles"
FILES = ["native.pickle", "python.pickle"]

Graph = tuple[list[Value], Value]


def made() -> Graph:
    """Labels, constants, detached leaves, nodes of any number of operands, gradients."""
    x, y = Value(2.0, "x"), Value(-0.5, 'y "quoted" 学习')
    detached = sg.stop_gradient(x * 3)
    many = sg.sum([x, y, 1.5, detached, x * y, sg.tanh(y), x])
    many.label = "many"
    power = x**y
    result = sg.dot([x, many, power], [y, detached, -x], bias=0.25) / 7 + sg.logsumexp([x, y])
    result.label = "result"
    result.backward()
    x.grad, y.data = float("inf"), float("-inf")
    return [result, many, detached, x, Value(5e-324), Value(float("nan"))], result


def described(made: Graph) -> list[str]:
    """The graph as text, with which nodes are the same."""
    nodes, result = made
    lines = [told(node) for node in nodes]
    operands = nodes[1].parents
    lines.append(f"{nodes[0] is result} {operands[0] is nodes[3]} {operands[3] is nodes[2]}")
    return lines + graph(result)


def read(name: str) -> list[str]:
    """What a file holds, as text."""
    return described(pickle.loads((FOLDER / name).read_bytes()))


def written() -> bytes:
    """The graph as the node that runs here pickles it."""
    return pickle.dumps(made(), 4)


def read_from(text: bytes) -> list[str]:
    """What a pickle holds, as text."""
    return described(pickle.loads(text))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / FILES[0 if sg.NATIVE else 1]).write_bytes(written())
