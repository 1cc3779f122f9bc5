"""Multilayer perceptrons: scalar code, and the same network in matrix code for JAX and PyTorch."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import numpy as np

from contenders import engines
from contenders.turns import Contender, LeftOutError, Run, Workload
from scalargrad import Value, nn

MICROGRAD_WEIGHTS = 40_000  # weights times samples, 0.1 to 0.9 s: more are scaled up


class Network:
    """The inputs of all contenders: samples, targets, and the initial weights of a network."""

    def __init__(self, sizes: list[int], activation: str, samples: int) -> None:
        self.sizes, self.activation = sizes, activation
        random.seed(1)
        self.model = nn.MLP(sizes[0], sizes[1:], activation=activation)
        self.theta = np.array([p.data for p in self.model.parameters()])
        generator = np.random.default_rng(2)
        self.X = generator.uniform(-1, 1, (samples, sizes[0]))
        self.Y = np.sin(3 * self.X[:, 0]) * self.X[:, 1]

    def loss(self, x: list[Any], y: Any) -> Value:
        """Return the squared error of one sample as scalar code."""
        return (self.model(x) - y) ** 2  # type: ignore[operator, no-any-return]

    def layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return for each layer its matrix of weights, (inputs, outputs), and its biases."""
        layers, start = [], 0
        for nin, nout in pairwise(self.sizes):
            block = self.theta[start : start + nout * (nin + 1)].reshape(nout, nin + 1)
            layers.append((np.ascontiguousarray(block[:, :-1].T), block[:, -1].copy()))
            start += block.size
        return layers

    @staticmethod
    def flat(layers: Any) -> np.ndarray:
        """Return one array in the order of the model's parameters."""
        blocks = [np.column_stack([np.asarray(w).T, np.asarray(b)]).ravel() for w, b in layers]
        return np.concatenate(blocks)

    def replay(self, n: int) -> Run:
        run, self.compiled = engines.replayed(
            self.loss, self.model.parameters(), [self.X[:n], self.Y[:n]]
        )
        return run

    def eager(self, n: int) -> Run:
        return engines.eager(self.loss, self.model.parameters(), [self.X[:n], self.Y[:n]])

    def micrograd(self, n: int) -> Run:
        from micrograd.nn import MLP

        if self.activation != "relu":
            raise LeftOutError(f"micrograd has no {self.activation}")
        model = MLP(self.sizes[0], self.sizes[1:])
        for p, number in zip(model.parameters(), self.theta.tolist(), strict=True):
            p.data = number
        samples = list(zip(self.X[:n].tolist(), self.Y[:n].tolist(), strict=True))

        def step() -> tuple[float, list[float]]:
            model.zero_grad()
            total = sum((model(x) - y) ** 2 for x, y in samples) * (1.0 / n)
            total.backward()
            return total.data, [p.grad for p in model.parameters()]

        return Run(step, lambda r: (r[0], np.array(r[1])))

    def casadi(self, n: int) -> Run:
        import casadi

        def loss(theta: Any, x: Any, y: Any) -> Any:
            a, start = x, 0
            for nin, nout in pairwise(self.sizes):
                size = nout * (nin + 1)
                block = casadi.reshape(theta[start : start + size], nin + 1, nout).T
                a = block[:, :-1] @ a + block[:, -1]
                start += size
                if start < theta.numel():
                    a = casadi.fmax(a, 0) if self.activation == "relu" else casadi.tanh(a)
            return (a - y) ** 2

        return engines.casadi_mapped(loss, self.theta, [self.X[:n], self.Y[:n]])

    def torch(self, n: int) -> Run:
        torch = engines.torch()
        X, Y = torch.from_numpy(self.X[:n]), torch.from_numpy(self.Y[:n])
        weights = [torch.from_numpy(a).requires_grad_() for layer in self.layers() for a in layer]
        activate = getattr(torch, self.activation)

        def step() -> tuple[Any, Any]:
            a = X
            for k in range(0, len(weights), 2):
                a = torch.addmm(weights[k + 1], a, weights[k])
                if k < len(weights) - 2:
                    a = activate(a)
            loss = ((a[:, 0] - Y) ** 2).mean()
            return loss.detach(), torch.autograd.grad(loss, weights)

        return Run(
            step,
            lambda r: (float(r[0]), self.flat(list(zip(r[1][::2], r[1][1::2], strict=True)))),
        )

    def jax(self, n: int) -> Run:
        """Keep all weights in one array: each additional array costs a call 1 to 2 µs."""
        jax = engines.jax()
        jnp = jax.numpy
        activate = {"relu": lambda z: jnp.maximum(z, 0.0), "tanh": jnp.tanh}[self.activation]

        def split(theta: Any) -> list[tuple[Any, Any]]:
            layers, start = [], 0
            for nin, nout in pairwise(self.sizes):
                middle, end = start + nin * nout, start + nin * nout + nout
                layers.append((theta[start:middle].reshape(nin, nout), theta[middle:end]))
                start = end
            return layers

        def loss(theta: Any, X: Any, Y: Any) -> Any:
            a = X
            *hidden, (weights, biases) = split(theta)
            for w, b in hidden:
                a = activate(a @ w + b)
            return jnp.mean(((a @ weights + biases)[:, 0] - Y) ** 2)

        theta = np.concatenate([a.ravel() for layer in self.layers() for a in layer])
        return engines.jitted(
            loss, [theta, self.X[:n], self.Y[:n]], lambda g: self.flat(split(np.asarray(g)))
        )


def workload(sizes: list[int], activation: str, samples: int) -> Workload:
    """Return all contenders on one network."""
    network = Network(sizes, activation, samples)
    few = max(2, min(samples, MICROGRAD_WEIGHTS // len(network.theta)))
    return Workload(
        f"MLP {'-'.join(map(str, sizes))} {activation}, {samples:,} samples",
        samples,
        [
            Contender("JAX", network.jax),
            Contender("PyTorch", network.torch),
            Contender("replay", network.replay),
            Contender("CasADi", network.casadi),
            Contender("eager", network.eager),
            Contender("micrograd", network.micrograd, few),
        ],
        counts=lambda: engines.counts(network.compiled),
    )
