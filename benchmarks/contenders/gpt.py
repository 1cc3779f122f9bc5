"""The small GPT's step on documents of one length, as scalar code and as matrix code."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace
from typing import Any

import numpy as np

from contenders import engines
from contenders.turns import Contender, LeftOutError, Run, Workload

LENGTH = 7  # letters of a name, so 8 tokens to predict
EAGER_DOCUMENTS, PLAIN_DOCUMENTS = 8, 4
EPSILON = 1e-5  # in rmsnorm


class GPT:
    """The inputs of all contenders: documents, and the initial weights of a model."""

    def __init__(self, documents: int) -> None:
        try:
            from scalargrad.examples.lecture2.names import corpus, encode
            from scalargrad.examples.lecture2.small_gpt import SmallGPT
        except ImportError as missing:
            raise LeftOutError(str(missing)) from missing
        random.seed(1)
        self.model = SmallGPT()
        self.parameters = self.model.parameters()
        self.theta = np.array([p.data for p in self.parameters])
        names = [name for name in corpus() if len(name) == LENGTH]
        self.tokens = np.array([encode(name) for name in random.sample(names, documents)])
        self.vocabulary, self.width = (len(self.model.token_vectors), len(self._vector()))
        self.heads = self.model.blocks[0].attention.heads
        w = self.width
        self.shapes = {
            "tokens": (self.vocabulary, w),
            "places": (len(self.model.place_vectors), w),
            "query": (w, w),
            "key": (w, w),
            "value": (w, w),
            "out": (w, w),
            "up": (4 * w, w),
            "down": (w, 4 * w),
            "logits": (self.vocabulary, w),
        }

    def _vector(self) -> Any:
        return self.model.token_vectors[0]

    def matrices(self) -> dict[str, np.ndarray]:
        """The weights by name, (outputs, inputs)."""
        ends = np.cumsum([rows * columns for rows, columns in self.shapes.values()])
        assert ends[-1] == len(self.theta), "the model has other matrices than expected here"
        blocks = np.split(self.theta, ends[:-1])
        return {
            name: block.reshape(shape).copy()
            for (name, shape), block in zip(self.shapes.items(), blocks, strict=True)
        }

    def flat(self, gradients: dict[str, Any]) -> np.ndarray:
        return np.concatenate([np.asarray(gradients[name]).ravel() for name in self.shapes])

    def replay(self, n: int) -> Run:
        tokens = self.tokens[:n].astype(float)
        run, self.compiled = engines.replayed(self.model.loss, self.parameters, [tokens])
        return run

    def eager(self, n: int) -> Run:
        return engines.eager(self.model.loss, self.parameters, [self.tokens[:n]])

    def plain(self, n: int) -> Run:
        try:
            from contenders.plain_gpt import PlainGPT
        except ImportError as missing:
            raise LeftOutError(str(missing)) from missing
        model = PlainGPT(self.theta.tolist())
        documents = self.tokens[:n].tolist()

        def step() -> tuple[float, list[float]]:
            for p in model.parameters:
                p.grad = 0.0
            total = 0.0
            for tokens in documents:
                loss = model.loss(tokens)
                loss.backward()
                total += loss.data
                del loss  # with two graphs alive the collector takes twice as long
            return total / n, [p.grad / n for p in model.parameters]

        return Run(step, lambda r: (r[0], np.array(r[1])))

    def casadi(self, n: int) -> Run:
        """As SX cannot look up by index, the tokens come as 0s and a 1, and are multiplied."""
        import casadi

        one_hot = np.eye(self.vocabulary)[self.tokens[:n]]
        places = self.tokens.shape[1] - 1

        def loss(theta: Any, document: Any) -> Any:
            w, start = SimpleNamespace(), 0
            for name, (rows, columns) in self.shapes.items():
                block = casadi.reshape(theta[start : start + rows * columns], columns, rows)
                setattr(w, name, block)  # (inputs, outputs), like the rows below
                start += rows * columns
            chosen = casadi.reshape(document, self.vocabulary, places + 1)
            x = (w.tokens @ chosen[:, :-1] + w.places[:, :places]).T
            h = _norm(x)
            size, found = self.width // self.heads, []
            q, k, v = h @ w.query, h @ w.key, h @ w.value
            for head in range(self.heads):
                part = slice(head * size, (head + 1) * size)
                scores = q[:, part] @ k[:, part].T / math.sqrt(size)
                rows = []
                for place in range(places):
                    seen = slice(place + 1)
                    weights = casadi.exp(scores[place, seen] - casadi.mmax(scores[place, seen]))
                    rows.append(weights @ v[seen, part] / casadi.sum2(weights))
                found.append(casadi.vertcat(*rows))
            x = x + casadi.horzcat(*found) @ w.out
            x = x + casadi.fmax(_norm(x) @ w.up, 0) @ w.down
            logits = _norm(x) @ w.logits
            right = casadi.sum2(logits * chosen[:, 1:].T)
            return casadi.sum1(_log_sum_exp(logits) - right) / places

        def _norm(x: Any) -> Any:
            scale = casadi.sqrt(casadi.sum2(x * x) / self.width + EPSILON)
            return x / casadi.repmat(scale, 1, self.width)

        def _log_sum_exp(z: Any) -> Any:
            rows = [casadi.logsumexp(z[k, :].T) for k in range(z.size1())]
            return casadi.vertcat(*rows)

        return engines.casadi_mapped(loss, self.theta, [one_hot])

    def torch(self, n: int) -> Run:
        torch = engines.torch()
        F = torch.nn.functional
        names = list(self.shapes)
        weights = [torch.from_numpy(m).requires_grad_() for m in self.matrices().values()]
        tokens = torch.from_numpy(self.tokens[:n])
        asked, answers = tokens[:, :-1].contiguous(), tokens[:, 1:].reshape(-1)
        places = asked.shape[1]
        later = torch.ones(places, places, dtype=torch.bool).triu(1)

        def norm(x: Any) -> Any:
            return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + EPSILON)

        def cut(x: Any) -> Any:
            return x.view(n, places, self.heads, -1).transpose(1, 2)

        def step() -> tuple[Any, Any]:
            w = SimpleNamespace(**dict(zip(names, weights, strict=True)))
            x = (F.embedding(asked, w.tokens) + w.places[:places]).view(n * places, -1)
            qkv = norm(x) @ torch.cat([w.query, w.key, w.value]).T
            q, k, v = (cut(part) for part in qkv.chunk(3, dim=1))
            scores = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])).masked_fill(later, -math.inf)
            found = (torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(n * places, -1)
            x = x + found @ w.out.T
            x = x + torch.relu(norm(x) @ w.up.T) @ w.down.T
            loss = F.cross_entropy(norm(x) @ w.logits.T, answers)
            return loss.detach(), torch.autograd.grad(loss, weights)

        return Run(step, lambda r: (float(r[0]), self.flat(dict(zip(names, r[1], strict=True)))))

    def jax(self, n: int) -> Run:
        """Of 24 ways to write it (one-hot or gather, sums or einsum ...) the fastest."""
        jax = engines.jax()
        jnp = jax.numpy
        places = self.tokens.shape[1] - 1
        later = np.triu(np.ones((places, places), dtype=bool), 1)

        def norm(x: Any) -> Any:
            return x / jnp.sqrt(jnp.mean(x * x, axis=-1, keepdims=True) + EPSILON)

        def cut(x: Any) -> Any:
            return x.reshape(n, places, self.heads, -1)

        def loss(w: Any, tokens: Any) -> Any:
            x = w["tokens"][tokens[:, :-1].reshape(-1)]
            x = (x.reshape(n, places, -1) + w["places"][:places]).reshape(n * places, -1)
            qkv = norm(x) @ jnp.concatenate([w["query"], w["key"], w["value"]]).T
            q, k, v = (cut(part) for part in jnp.split(qkv, 3, axis=1))
            scores = jnp.einsum("nqhd,nkhd->nhqk", q, k) / math.sqrt(q.shape[-1])
            weights = jax.nn.softmax(jnp.where(later, -jnp.inf, scores), axis=-1)
            found = jnp.einsum("nhqk,nkhd->nqhd", weights, v).reshape(n * places, -1)
            x = x + found @ w["out"].T
            x = x + jnp.maximum(norm(x) @ w["up"].T, 0.0) @ w["down"].T
            chances = jax.nn.log_softmax(norm(x) @ w["logits"].T)
            return -jnp.take_along_axis(chances, tokens[:, 1:].reshape(-1, 1), 1).mean()

        return engines.jitted(loss, [self.matrices(), self.tokens[:n]], self.flat)


def workload(documents: int) -> Workload:
    """All contenders on the GPT; "plain" is scalar code on a Value of 60 lines."""
    gpt = GPT(documents)
    return Workload(
        f"small GPT, {documents} documents of {LENGTH} letters",
        documents,
        [
            Contender("JAX", gpt.jax),
            Contender("PyTorch", gpt.torch),
            Contender("replay", gpt.replay),
            Contender("CasADi", gpt.casadi),
            Contender("eager", gpt.eager, EAGER_DOCUMENTS),
            Contender("plain", gpt.plain, PLAIN_DOCUMENTS),
        ],
        counts=lambda: engines.counts(gpt.compiled),
    )
