"""Loss functions of one output and target, or of lists of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import nan
from typing import Any

from scalargrad.core.modes import recorder
from scalargrad.core.numbers import as_python, is_number
from scalargrad.core.operators import Operators
from scalargrad.core.primitives import plain_sum, relu, softplus, where
from scalargrad.core.reductions import dot, listed, log_softmax, logsumexp, mean, sum, take

__all__ = [
    "binary_cross_entropy", "cross_entropy", "hinge", "l2", "perceptron", "squared_error",
]  # fmt: skip

# The lectures differ in nothing more than in this factor, and a learning rate goes with its own.
_REDUCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "sum": lambda terms: _alone_or(sum, terms),
    "mean": lambda terms: _alone_or(mean, terms),
    "half_sum": lambda terms: 0.5 * _alone_or(sum, terms),
    "half_mean": lambda terms: 0.5 * _alone_or(mean, terms),
}


def squared_error(outputs: Any, targets: Any, reduction: str = "half_sum") -> Any:
    """The squared differences, added up: by default 1/2 (y1 - t1)^2 + 1/2 (y2 - t2)^2 + ...

    Args:
        outputs: one output, a list of them, or a list of lists.
        targets: of the same shape.
        reduction: "half_sum" (half the sum), "sum", "mean" or "half_mean".

    Raises:
        ValueError: the shapes differ, the lists are empty, the reduction is unknown.

    >>> losses.squared_error([1.0, 3.0], [0.0, 1.0])
    2.5
    """
    return _reduced(_square_of_difference, outputs, targets, reduction, "squared_error")


def _square_of_difference(y: Any, t: Any) -> Any:
    difference = y - t
    return difference * difference  # a power would raise OverflowError where this is inf


def hinge(outputs: Any, targets: Any, reduction: str = "mean") -> Any:
    """max(0, 1 - z t): zero once the output z has the sign of the target and is beyond 1.

    Args:
        outputs: one output, or a list.
        targets: -1 or 1, of the same shape.
        reduction: "mean" or "sum" over the list.

    >>> losses.hinge([0.5, -2.0], [1.0, -1.0])
    0.25
    """
    return _reduced(lambda z, t: relu(1.0 - z * t), outputs, targets, reduction, "hinge")


def perceptron(outputs: Any, targets: Any, reduction: str = "mean") -> Any:
    """max(0, -z t): zero once the output z has the sign of the target (Rosenblatt, 1958).

    Arguments as for `hinge`. At z = 0 the derivative taken is 0.

    >>> losses.perceptron([0.5, 2.0], [1.0, -1.0])
    1.0
    """
    return _reduced(lambda z, t: relu(-z * t), outputs, targets, reduction, "perceptron")


def binary_cross_entropy(outputs: Any, targets: Any, reduction: str = "mean") -> Any:
    """-t log p - (1 - t) log(1 - p) with p = sigmoid(z), from the logit z; it cannot overflow.

    Args:
        outputs: one logit, or a list.
        targets: probabilities of the positive class (0, 1 or between), of the same shape.
        reduction: "mean" or "sum" over the list.

    >>> losses.binary_cross_entropy(0.0, 1.0)
    0.6931471805599453
    """
    return _reduced(_binary_cross_entropy, outputs, targets, reduction, "binary_cross_entropy")


def _binary_cross_entropy(z: Any, t: Any) -> Any:
    # softplus(z) - z t is shorter, and comes to 0 where z = 40 and t = 1: all digits cancel
    if not isinstance(t, Operators) and t in (0, 1):
        return softplus(-z if t else z)
    return t * softplus(-z) + (1.0 - t) * softplus(z)


def cross_entropy(outputs: Any, targets: Any, reduction: str = "mean") -> Any:
    """-log softmax(logits)[target]: how unlikely the right class was held to be.

    Args:
        outputs: the logits of one sample, or a list of such lists.
        targets: the number of the right class, or a list of probabilities, for each sample.
        reduction: "mean" or "sum" over the samples.

    Raises:
        IndexError: there is no such class.
        ValueError: the probabilities do not add up to 1, or there is not one target per sample.

    >>> losses.cross_entropy([0.0, 0.0], 1)
    0.6931471805599453
    """
    if not _is_list(outputs):
        got = type(outputs).__name__
        raise TypeError(f"cross_entropy takes a list of logits, or a list of such lists, got {got}")
    one_sample = all(is_number(z) for z in outputs)
    if not (_is_list(targets) or (one_sample and is_number(targets))):
        got = type(targets).__name__
        raise TypeError(f"cross_entropy takes a class or a list of probabilities, got {got}")
    samples, wanted = ([outputs], [targets]) if one_sample else (outputs, targets)
    if len(samples) != len(wanted):
        raise ValueError(
            f"cross_entropy needs one target for each sample, got {len(wanted)} targets "
            f"for {len(samples)} samples"
        )
    return _reduction(reduction, "cross_entropy")(
        [_cross_entropy(logits, target) for logits, target in zip(samples, wanted, strict=True)]
    )


def _cross_entropy(logits: Any, target: Any) -> Any:
    if not is_number(target):
        plain = [p for p in target if not isinstance(p, Operators)]
        total = plain_sum(plain) if len(plain) == len(target) else 1.0
        if min(plain, default=0.0) < 0.0 or not abs(total - 1.0) < 1e-3:
            raise ValueError(
                f"cross_entropy: the probabilities of a target must add up to 1, got {target!r:.60}"
            )
        loss = -dot(target, log_softmax(logits))
        # in a recording the question is put to each sample, and nan is the answer that gets named
        return where(abs(sum(target) - 1.0) < 1e-3, loss, nan) if recorder() else loss
    if not isinstance(target, Operators) and not 0 <= target < len(logits):
        raise IndexError(f"cross_entropy: class {target!r}, but there are {len(logits)} logits")
    if recorder():
        # no counting from the end here either
        target = where(target < 0.0, target - len(logits), target)
    return logsumexp(logits) - take(logits, target)


def l2(parameters: Iterable[Any]) -> Any:
    """The sum of the squares of the parameters, to add a share of it to a loss.

    >>> losses.l2([3.0, 4.0])
    25.0
    """
    squared = listed(parameters, "l2")
    return dot(squared, squared)


def _reduction(name: str, loss: str) -> Callable[[list[Any]], Any]:
    if not isinstance(name, str) or name not in _REDUCTIONS:
        raise ValueError(f"{loss}: reduction is one of {', '.join(_REDUCTIONS)}, got {name!r}")
    return _REDUCTIONS[name]


def _reduced(
    term: Callable[[Any, Any], Any], outputs: Any, targets: Any, reduction: str, loss: str
) -> Any:
    reduce = _reduction(reduction, loss)
    return reduce([term(y, t) for y, t in _pairs(outputs, targets, loss)])


def _alone_or(reduce: Callable[[list[Any]], Any], terms: list[Any]) -> Any:
    """A single term needs no node to add it up."""
    return terms[0] if len(terms) == 1 else reduce(terms)


def _is_list(x: Any) -> bool:
    other = isinstance(x, (str, bytes, Mapping))
    return hasattr(x, "__getitem__") and not other and getattr(x, "ndim", 1) > 0


def _pairs(outputs: Any, targets: Any, loss: str) -> list[tuple[Any, Any]]:
    """Each output with its target; lists, and lists of lists, are run through together."""
    if is_number(outputs) and is_number(targets):
        return [(as_python(outputs), as_python(targets))]
    if not all(is_number(x) or _is_list(x) for x in (outputs, targets)):
        raise TypeError(
            f"{loss} takes numbers, Values or lists of them, got "
            f"{type(outputs).__name__} and {type(targets).__name__}"
        )
    if is_number(outputs) or is_number(targets):
        raise ValueError(
            f"{loss} needs outputs and targets of the same shape, a number for a number, got "
            f"{type(outputs).__name__} and {type(targets).__name__}"
        )
    if len(outputs) != len(targets) or not len(outputs):
        raise ValueError(
            f"{loss} needs one target for each output, got {len(targets)} targets "
            f"for {len(outputs)} outputs"
        )
    nested = (_pairs(y, t, loss) for y, t in zip(outputs, targets, strict=True))
    return [pair for pairs in nested for pair in pairs]
