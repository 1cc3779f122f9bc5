"""A model of memory with 17 parameters and 60 reviews: scalar code without matrix structure.

In the manner of spaced repetition schedulers: what somebody has learnt has a stability (in days)
and a difficulty (0 to 1), and each review changes both. All formulas are smooth, and in their
domain for any parameters. Each contender runs the same `review`, on numbers, vectors or symbols.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

import scalargrad as sg
from contenders import engines
from contenders.turns import Contender, Run, Workload

STEPS = 60
EAGER_SAMPLES = 10
# fmt: off
WEIGHTS = [
    0.7,                       # 0       the stability before the first review, as a logarithm
    -0.5,                      # 1       the shape of forgetting
    0.2,                       # 2       the time scale of forgetting
    0.3, -0.6, 1.1, -0.4,      # 3 to 6  difficulty: bias, grade, last difficulty, surprise
    0.4, 0.3, 0.9, 0.25, 1.2,  # 7 to 11 recalled: bias, grade, difficulty, stability, surprise
    0.1, 0.5, 0.35, 0.6,       # 12 to 15 forgotten: bias, difficulty, stability, surprise
    0.15,                      # 16      how a grade lengthens the time scale
]
# fmt: on


def review(
    w: Any, stability: Any, difficulty: Any, elapsed: Any, grade: Any, outcome: Any, m: Any
) -> tuple[Any, Any, Any]:
    """Return the stability and difficulty after a review, and the cross-entropy of its outcome."""
    scale = m.exp(w[2] + w[16] * grade)
    recall = (1.0 + scale * elapsed / stability) ** -m.exp(w[1])
    surprise = 1.0 - recall
    loss = -(outcome * m.log(recall) + (1.0 - outcome) * m.log(surprise))
    growth = m.exp(w[7] + w[8] * grade - w[9] * difficulty + w[11] * surprise)
    longer = stability * (1.0 + growth * stability ** -w[10])
    relearnt = m.exp(w[12] - w[13] * difficulty + w[15] * surprise) * (1.0 + stability) ** w[14]
    stability = outcome * longer + (1.0 - outcome) * relearnt
    difficulty = m.sigmoid(w[3] + w[4] * grade + w[5] * difficulty + w[6] * surprise)
    return stability, difficulty, loss


def sequence(w: Any, elapsed: Any, grade: Any, outcome: Any, m: Any) -> Any:
    """Return the mean cross-entropy over the reviews: a loop in Python."""
    stability, difficulty, total = m.exp(w[0]), 0.5, 0.0
    for t in range(STEPS):
        stability, difficulty, loss = review(
            w, stability, difficulty, elapsed[t], grade[t], outcome[t], m
        )
        total = total + loss
    return total * (1.0 / STEPS)


def _learners(samples: int) -> list[np.ndarray]:
    """Elapsed days, grades (-1 to 1) and outcomes (0 or 1) of simulated learners: (N, STEPS)."""
    generator = np.random.default_rng(3)
    m = SimpleNamespace(exp=np.exp, log=np.log, sigmoid=lambda x: 1 / (1 + np.exp(-x)))
    stability, difficulty = np.full(samples, np.exp(WEIGHTS[0])), np.full(samples, 0.5)
    steps = []
    for _ in range(STEPS):
        elapsed = stability * np.exp(generator.normal(0.0, 0.5, samples))
        scale = np.exp(WEIGHTS[2])
        recall = (1 + scale * elapsed / stability) ** -np.exp(WEIGHTS[1])
        outcome = (generator.random(samples) < recall).astype(float)
        grade = np.where(outcome > 0, generator.integers(0, 2, samples), -1).astype(float)
        steps.append((elapsed, grade, outcome))
        stability, difficulty, _ = review(
            WEIGHTS, stability, difficulty, elapsed, grade, outcome, m
        )
    return [np.stack(kind, axis=1) for kind in zip(*steps, strict=True)]


class Memory:
    """The inputs of all contenders."""

    def __init__(self, samples: int) -> None:
        self.arrays = _learners(samples)
        self.theta = np.array(WEIGHTS)
        self.parameters = [sg.Value(w) for w in WEIGHTS]

    def loss(self, elapsed: Any, grade: Any, outcome: Any) -> Any:
        """Return the loss of one sample as scalar code."""
        return sequence(self.parameters, elapsed, grade, outcome, sg)

    def replay(self, n: int) -> Run:
        run, self.compiled = engines.replayed(
            self.loss, self.parameters, [a[:n] for a in self.arrays]
        )
        return run

    def eager(self, n: int) -> Run:
        return engines.eager(self.loss, self.parameters, [a[:n] for a in self.arrays])

    def casadi(self, n: int) -> Run:
        import casadi

        m = SimpleNamespace(
            exp=casadi.exp, log=casadi.log, sigmoid=lambda x: 1.0 / (1.0 + casadi.exp(-x))
        )
        return engines.casadi_mapped(
            partial(sequence, m=m), self.theta, [a[:n] for a in self.arrays]
        )

    def torch(self, n: int) -> Run:
        torch = engines.torch()
        theta = torch.from_numpy(self.theta).requires_grad_()
        arrays = [torch.from_numpy(np.ascontiguousarray(a[:n].T)).unbind() for a in self.arrays]

        def step() -> tuple[Any, Any]:
            loss = sequence(theta.unbind(), *arrays, torch).mean()
            return loss.detach(), torch.autograd.grad(loss, theta)[0]

        return Run(step, lambda r: (float(r[0]), r[1].numpy()))

    def jax(self, n: int) -> Run:
        jax = engines.jax()
        jnp = jax.numpy
        m = SimpleNamespace(exp=jnp.exp, log=jnp.log, sigmoid=jax.nn.sigmoid)

        def one(w: Any, *steps: Any) -> Any:
            def body(state: Any, step: Any) -> Any:
                stability, difficulty, loss = review(w, *state, *step, m)
                return (stability, difficulty), loss

            _, losses = jax.lax.scan(body, (jnp.exp(w[0]), 0.5), steps)
            return losses.mean()

        def loss(w: Any, *arrays: Any) -> Any:
            return jax.vmap(one, in_axes=(None, 1, 1, 1))(w, *arrays).mean()

        # steps first, as scan wants them
        return engines.jitted(loss, [self.theta, *[a[:n].T.copy() for a in self.arrays]])


def workload(samples: int) -> Workload:
    """Return all contenders on the model of memory."""
    memory = Memory(samples)
    return Workload(
        f"recurrence, 17 parameters, {STEPS} steps, {samples:,} samples",
        samples,
        [
            Contender("JAX", memory.jax),
            Contender("PyTorch", memory.torch),
            Contender("replay", memory.replay),
            Contender("CasADi", memory.casadi),
            Contender("eager", memory.eager, EAGER_SAMPLES),
        ],
        counts=lambda: engines.counts(memory.compiled),
    )
