"""Scalar programs without matrix structure: a random graph, and a chain of a million nodes."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np

import scalargrad as sg
from contenders import engines
from contenders.turns import Contender, LeftOutError, Run, Workload

LEAVES = 16  # as many inputs, and as many parameters
JAX_NODES = 1_000  # XLA compiles straight-line code more slowly than in proportion to its length
OPERATIONS = ("+", "*", "-", "tanh", "sigmoid")


class RandomGraph:
    """Operations drawn at random on random earlier nodes; the loss is the mean of the ends.

    One factor of a product is the output of a tanh or sigmoid, or a leaf, so that nothing grows
    beyond bounds; the ends, which no other node uses, all go into the loss, so that none is idle.
    """

    def __init__(self, nodes: int, seed: int = 4) -> None:
        draw = random.Random(seed)
        self.operations: list[tuple[str, int, int]] = []
        small = list(range(2 * LEAVES))
        ends = set(small)
        for node in range(2 * LEAVES, 2 * LEAVES + nodes):
            operation = draw.choice(OPERATIONS)
            x = draw.randrange(node)
            y = draw.choice(small) if operation == "*" else draw.randrange(node)
            self.operations.append((operation, x, y))
            ends -= {x, y} if operation in "+*-" else {x}
            ends.add(node)
            if operation in ("tanh", "sigmoid"):
                small.append(node)
        self.ends = sorted(ends)

    def __call__(self, weights: Any, x: Any, m: Any) -> Any:
        nodes = [*x, *weights]
        append = nodes.append
        for operation, i, j in self.operations:
            if operation == "+":
                append(nodes[i] + nodes[j])
            elif operation == "*":
                append(nodes[i] * nodes[j])
            elif operation == "-":
                append(nodes[i] - nodes[j])
            elif operation == "tanh":
                append(m.tanh(nodes[i]))
            else:
                append(m.sigmoid(nodes[i]))
        return m.mean([nodes[k] for k in self.ends])


class Chain:
    """A chain of x * a, + b and tanh, repeated: as deep as it has nodes."""

    def __init__(self, nodes: int) -> None:
        self.links = nodes // 3

    def __call__(self, weights: Any, x: Any, m: Any) -> Any:
        half = LEAVES // 2
        value = m.mean([x[k] for k in range(LEAVES)])
        for k in range(self.links):
            # near the identity, so that the derivative neither vanishes nor explodes
            value = m.tanh(value * weights[k % half] + weights[half + k % half])
        return value


class Scalars:
    """A program with the inputs of all contenders."""

    def __init__(self, program: RandomGraph | Chain, samples: int) -> None:
        self.program = program
        generator = np.random.default_rng(5)
        self.X = generator.uniform(-1, 1, (samples, LEAVES))
        if isinstance(program, Chain):
            near_one = generator.uniform(0.9999, 1.0001, LEAVES // 2)
            small = generator.uniform(-0.01, 0.01, LEAVES // 2)
            self.theta = np.concatenate([near_one, small - small.mean()])
        else:
            self.theta = generator.uniform(-1, 1, LEAVES)
        self.parameters = [sg.Value(w) for w in self.theta.tolist()]

    def loss(self, x: Any) -> Any:
        """Return the loss of one sample as scalar code."""
        return self.program(self.parameters, x, sg)

    def replay(self, n: int) -> Run:
        run, self.compiled = engines.replayed(self.loss, self.parameters, [self.X[:n]])
        return run

    def eager(self, n: int) -> Run:
        return engines.eager(self.loss, self.parameters, [self.X[:n]])

    def casadi(self, n: int) -> Run:
        import casadi

        m = SimpleNamespace(
            tanh=casadi.tanh,
            sigmoid=lambda x: 1.0 / (1.0 + casadi.exp(-x)),
            mean=lambda xs: casadi.sum1(casadi.vertcat(*xs)) / len(xs),
        )

        def loss(weights: Any, x: Any) -> Any:
            return self.program(casadi.vertsplit(weights), casadi.vertsplit(x), m)

        return engines.casadi_mapped(loss, self.theta, [self.X[:n]])

    def torch(self, n: int) -> Run:
        torch = engines.torch()
        theta = torch.from_numpy(self.theta).requires_grad_()
        columns = torch.from_numpy(self.X[:n].T.copy()).unbind()
        m = SimpleNamespace(
            tanh=torch.tanh,
            sigmoid=torch.sigmoid,
            mean=lambda xs: torch.stack([x.expand(n) for x in xs]).mean(0),
        )

        def step() -> tuple[Any, Any]:
            loss = self.program(theta.unbind(), columns, m).mean()
            return loss.detach(), torch.autograd.grad(loss, theta)[0]

        return Run(step, lambda r: (float(r[0]), r[1].numpy()))

    def jax(self, n: int) -> Run:
        nodes = len(self.program.operations) if isinstance(self.program, RandomGraph) else 0
        if nodes > JAX_NODES:
            raise LeftOutError(f"XLA compiles too long; see the graph of {JAX_NODES:,} nodes")
        jax = engines.jax()
        jnp = jax.numpy
        m = SimpleNamespace(
            tanh=jnp.tanh, sigmoid=jax.nn.sigmoid, mean=lambda xs: sum(xs) / len(xs)
        )

        def loss(weights: Any, columns: Any) -> Any:
            return jnp.mean(self.program(list(weights), list(columns), m))

        return engines.jitted(loss, [self.theta, self.X[:n].T.copy()])


def random_graph(nodes: int, samples: int) -> Workload:
    """Return all contenders on a random graph; JAX only where it compiles in reasonable time."""
    scalars = Scalars(RandomGraph(nodes), samples)
    few = max(2, min(samples, 200_000 // nodes))
    return Workload(
        f"random graph of {nodes:,} nodes, {samples} samples",
        samples,
        [
            Contender("CasADi", scalars.casadi),
            Contender("JAX", scalars.jax),
            Contender("PyTorch", scalars.torch),
            Contender("replay", scalars.replay),
            Contender("eager", scalars.eager, few),
        ],
        counts=lambda: engines.counts(scalars.compiled),
    )


def chain(nodes: int, samples: int) -> Workload:
    """Return eager code, CasADi and replay on a chain."""
    scalars = Scalars(Chain(nodes), samples)
    return Workload(
        f"chain of {nodes:,} nodes, {samples} samples",
        samples,
        [
            Contender("CasADi", scalars.casadi),
            Contender("replay", scalars.replay),
            Contender("eager", scalars.eager, 1),
        ],
        counts=lambda: engines.counts(scalars.compiled),
    )


__all__ = ["Chain", "RandomGraph", "Scalars", "chain", "random_graph"]
