"""How the loss of a batch combines its samples: read from recordings of one, two and three."""

from typing import Any

import pytest

import scalargrad as sg
from scalargrad import Value, losses
from scalargrad.training.loss_reduction import shares_of

SHARES: dict[str | None, Any] = {
    "sum": {2: 1.0, 3: 1.0},
    "mean": {2: pytest.approx(1 / 2), 3: pytest.approx(1 / 3)},
    None: None,
}


def each(ys: Any, ts: Any) -> list[Any]:
    return [(y - t) ** 2 for y, t in zip(ys, ts, strict=True)]


LOSSES: dict[str, tuple[Any, str | None]] = {
    "half sum": (losses.squared_error, "sum"),
    "sum": (lambda y, t: losses.squared_error(y, t, "sum"), "sum"),
    "mean": (lambda y, t: losses.squared_error(y, t, "mean"), "mean"),
    "half mean": (lambda y, t: losses.squared_error(y, t, "half_mean"), "mean"),
    "hinge": (losses.hinge, "mean"),
    "by hand": (lambda ys, ts: sum((y - t) ** 2 for y, t in zip(ys, ts, strict=True)), "sum"),
    "by hand, mean": (
        lambda ys, ts: sum((y - t) ** 2 for y, t in zip(ys, ts, strict=True)) / len(ys),
        "mean",
    ),
    "less the negative": (lambda ys, ts: each(ys, ts)[0] - -sg.sum(each(ys, ts)[1:]), "sum"),
    "less a sum": (lambda ys, ts: each(ys, ts)[0] - sg.sum(each(ys, ts)[1:]), None),
    "scaled": (lambda ys, ts: sg.sum(each(ys, ts)) * 3.0 / 2.0 - 0.5 * sum(each(ys, ts)), "sum"),
    "divided by nothing": (lambda ys, ts: sg.sum(each(ys, ts)) / sg.Value(1.0), "sum"),
    "a dot": (lambda ys, ts: sg.dot([0.5] * len(ys), each(ys, ts)) * 2.0, "sum"),
    "a dot from the right": (lambda ys, ts: sg.dot(each(ys, ts), [1.0] * len(ys)), "sum"),
    "unequal weights": (lambda ys, ts: sg.dot([1.0, 2.0, 3.0][: len(ys)], each(ys, ts)), None),
    "with a constant": (lambda ys, ts: sg.sum(each(ys, ts)) + 1.0, None),
    "with a constant each": (lambda ys, ts: sg.sum([e + 1.0 for e in each(ys, ts)]), "sum"),
    "with a constant in the mean": (lambda ys, ts: 1.0 + sg.mean(each(ys, ts)), "mean"),
    "two of three": (lambda ys, ts: sg.sum(each(ys, ts)[:2]), None),
    "nothing": (lambda ys, ts: 0.0 * sg.sum(ys), "sum"),
    "the largest": (lambda ys, ts: sg.maximum(ys[0] - ts[0], ys[-1] - ts[-1]), None),
    "root of the mean": (lambda y, t: sg.sqrt(losses.squared_error(y, t, "mean")), None),
    "of neighbours": (lambda ys, ts: sg.sum([a * b for a in ys for b in ys]), None),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_how_a_loss_brings_samples_together(kind: str) -> None:
    loss, reduction = LOSSES[kind]
    assert shares_of(loss, [0.5, -1.0, 2.0], [1.0, 0.0, -1.0], []) == SHARES[reduction]


def test_a_loss_that_branches_is_refused() -> None:
    with pytest.raises(
        sg.RecordingError, match=r"branches on its numbers, at .*test_loss_reduction"
    ):
        shares_of(
            lambda ys, ts: max(y - t for y, t in zip(ys, ts, strict=True)),
            [0.5, -1.0, 2.0], [1.0, 0.0, -1.0], [],
        )  # fmt: skip


def test_a_regulariser_goes_with_a_mean_and_not_with_a_sum() -> None:
    w = [Value(1.0), Value(-2.0)]
    outputs, targets = [0.5, -1.0, 2.0], [1.0, 0.0, -1.0]
    for kind, reduction in (("mean", "mean"), ("sum", None)):

        def loss(ys: Any, ts: Any, kind: str = kind) -> Any:
            return losses.squared_error(ys, ts, kind) + 0.1 * losses.l2(w)

        assert shares_of(loss, outputs, targets, w) == SHARES[reduction]


def test_classes_and_logits() -> None:
    outputs = [[0.1, 0.2, 0.3], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert shares_of(losses.cross_entropy, outputs, [0, 1, 2], []) == SHARES["mean"]
    assert shares_of(losses.cross_entropy, outputs, [[1.0, 0.0, 0.0]] * 3, []) == SHARES["mean"]
