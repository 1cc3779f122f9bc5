"""Loss functions of one output and target, or of lists of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import nan
from typing import Any

from scalargrad.core.arguments import as_choice, check_unmasked, is_list, listed
from scalargrad.core.modes import recorder
from scalargrad.core.numbers import as_operand, is_number, shown, written
from scalargrad.core.operators import Operators
from scalargrad.core.primitives import plain_sum, relu, softplus, where
from scalargrad.core.reductions import dot, log_softmax, logsumexp, mean, sum, take

__all__ = [
    "binary_cross_entropy", "cross_entropy", "hinge", "l2", "perceptron", "squared_error",
]  # fmt: skip

# The literature disagrees about these factors, and each choice needs its own learning rate.
_REDUCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "sum": lambda terms: _combined(sum, terms),
    "mean": lambda terms: _combined(mean, terms),
    "half_sum": lambda terms: 0.5 * _combined(sum, terms),
    "half_mean": lambda terms: 0.5 * _combined(mean, terms),
}


def squared_error(outputs: Any, targets: Any, reduction: str = "half_sum") -> Any:
    """Return the sum of the squared differences, by default ½ (y1 - t1)² + ½ (y2 - t2)² + ...

    Args:
        outputs: one number or Value, a list of them, or a list of lists.
        targets: the correct outputs, in the same shape.
        reduction: how to combine the squares: "half_sum" (half their sum), "sum", "mean" or
            "half_mean".

    Returns:
        One number, or a Value if any output or target is a Value.

    Raises:
        TypeError: an entry is not a number.
        ValueError: the shapes differ, the lists are empty, or the reduction is unknown.

    >>> losses.squared_error([1.0, 3.0], [0.0, 1.0])
    2.5
    """
    return _reduced(_square_of_difference, outputs, targets, reduction, "squared_error")


def _square_of_difference(y: Any, t: Any) -> Any:
    difference = y - t
    return difference * difference  # a power raises OverflowError where this product is inf


def hinge(outputs: Any, targets: Any, reduction: str = "mean") -> Any:
    """Return max(0, 1 - z t), the loss of support vector machines (Cortes and Vapnik, 1995).

    It is zero once the output z has the sign of the target t and a size of at least 1.

    Args:
        outputs: one score z, a list of them, or a list of lists.
        targets: the classes t, -1 or 1, in the same shape.
        reduction: how to combine the terms: "mean", "sum", "half_mean" or "half_sum".

    Returns:
        One number, or a Value if any output or target is a Value.

    Raises:
        TypeError: an entry is not a number.
        ValueError: the shapes differ, the lists are empty, or the reduction is unknown.

    >>> losses.hinge([0.5, -2.0], [1.0, -1.0])
    0.25
    """
    return _reduced(lambda z, t: relu(1.0 - z * t), outputs, targets, reduction, "hinge")


def perceptron(outputs: Any, targets: Any, reduction: str = "mean") -> Any:
    """Return max(0, -z t), the loss whose descent is the perceptron rule (Rosenblatt, 1958).

    It is zero once the output z has the sign of the target t. The derivative at z = 0 is 0.

    Args:
        outputs: one score z, a list of them, or a list of lists.
        targets: the classes t, -1 or 1, in the same shape.
        reduction: how to combine the terms: "mean", "sum", "half_mean" or "half_sum".

    Returns:
        One number, or a Value if any output or target is a Value.

    Raises:
        TypeError: an entry is not a number.
        ValueError: the shapes differ, the lists are empty, or the reduction is unknown.

    >>> losses.perceptron([0.5, 2.0], [1.0, -1.0])
    1.0
    """
    return _reduced(lambda z, t: relu(-z * t), outputs, targets, reduction, "perceptron")


def binary_cross_entropy(outputs: Any, targets: Any, reduction: str = "mean") -> Any:
    """Return -t log p - (1 - t) log(1 - p), where p = sigmoid(z) for the logit z.

    It is the negative log-likelihood of a Bernoulli distribution, evaluated from the logit so that
    it never overflows.

    Args:
        outputs: one logit z, a list of them, or a list of lists.
        targets: the probabilities t of the positive class, from 0 to 1, in the same shape.
        reduction: how to combine the terms: "mean", "sum", "half_mean" or "half_sum".

    Returns:
        One number, or a Value if any output or target is a Value.

    Raises:
        TypeError: an entry is not a number.
        ValueError: the shapes differ, the lists are empty, or the reduction is unknown.

    >>> losses.binary_cross_entropy(0.0, 1.0)
    0.6931471805599453
    """
    return _reduced(_binary_cross_entropy, outputs, targets, reduction, "binary_cross_entropy")


def _binary_cross_entropy(z: Any, t: Any) -> Any:
    # softplus(z) - z t is shorter, but gives 0 for z = 40 and t = 1: all digits cancel
    if not isinstance(t, Operators) and t in (0, 1):
        return softplus(-z if t else z)
    return t * softplus(-z) + (1.0 - t) * softplus(z)


def cross_entropy(outputs: Any, targets: Any, reduction: str = "mean") -> Any:
    """Return -log softmax(z)[t], the negative log-probability of the correct class t.

    Args:
        outputs: the logits z of one sample, or a list of such lists.
        targets: for each sample the index of its class, or a list of class probabilities.
        reduction: how to combine the samples: "mean", "sum", "half_mean" or "half_sum".

    Returns:
        One number, or a Value if any logit or target is a Value.

    Raises:
        TypeError: the logits are not a list, or a target is neither an index nor a list.
        IndexError: a class index is outside the logits.
        ValueError: a class index is not a whole number, probabilities do not add up to 1, the
            number of targets differs from that of the samples, or the reduction is unknown.

    >>> losses.cross_entropy([0.0, 0.0], 1)
    0.6931471805599453
    """
    reduce = _reduction(reduction, "cross_entropy")
    if not is_list(outputs):
        got = shown(outputs)
        raise TypeError(f"cross_entropy takes a list of logits, or a list of such lists, got {got}")
    one_sample = all(is_number(z) for z in outputs)
    if not one_sample:
        check_unmasked(outputs, "cross_entropy")
    if not is_list(targets) and not is_number(targets):
        got = shown(targets)
        raise TypeError(f"cross_entropy takes a class or a list of probabilities, got {got}")
    if not is_list(targets) and not one_sample:
        got = shown(outputs)
        raise TypeError(f"cross_entropy takes a list of logits for one class, got {got}")
    samples, classes = ([outputs], [targets]) if one_sample else (outputs, targets)
    if len(samples) != len(classes):
        raise ValueError(
            f"cross_entropy needs one target for each sample, got {len(classes)} targets "
            f"for {len(samples)} samples"
        )
    return reduce(
        [_cross_entropy(logits, target) for logits, target in zip(samples, classes, strict=True)]
    )


def _cross_entropy(logits: Any, target: Any) -> Any:
    if not is_list(logits):
        got = shown(logits)
        raise TypeError(f"cross_entropy takes a list of logits for each sample, got {got}")
    logits = [as_operand(z, "cross_entropy: a logit") for z in logits]
    if is_list(target):
        target = [as_operand(p, "cross_entropy: a probability") for p in target]
        plain = [p for p in target if not isinstance(p, Operators)]
        total = plain_sum(plain) if len(plain) == len(target) else 1.0
        if min(plain, default=0.0) < 0.0 or not abs(total - 1.0) < 1e-3:
            raise ValueError(
                "cross_entropy: the probabilities of a target must add up to 1, "
                f"got {written(target)}"
            )
        loss = -dot(target, log_softmax(logits))
        # a recording checks each sample: nan is reported with the instruction that made it
        return where(abs(sum(target) - 1.0) < 1e-3, loss, nan) if recorder() else loss
    target = as_operand(target, "cross_entropy: a class")
    if not isinstance(target, Operators) and target % 1.0 != 0.0:
        raise ValueError(
            "cross_entropy: a target must be a whole number (the index of a class) or a list of "
            f"probabilities, got {target!r}"
        )
    if not isinstance(target, Operators) and not 0 <= target < len(logits):
        raise IndexError(f"cross_entropy: class {target:g}, but there are {len(logits)} logits")
    if recorder():
        # `take` counts a negative index from the end; here it must stay an error
        target = where(target < 0.0, target - len(logits), target)
    return logsumexp(logits) - take(logits, target)


def l2(parameters: Iterable[Any]) -> Any:
    """Return the sum of the squares of the parameters, a penalty to add to a loss.

    Args:
        parameters: numbers or Values, such as `model.parameters()`.

    Returns:
        One number, or a Value if any parameter is a Value; 0 for no parameters.

    Raises:
        TypeError: the parameters are not a list, or one of them is not a number.

    >>> losses.l2([3.0, 4.0])
    25.0
    """
    numbers = [as_operand(x, "l2") for x in listed(parameters, "l2")]
    return dot(numbers, numbers)


def _reduction(reduction: str, caller: str) -> Callable[[list[Any]], Any]:
    return _REDUCTIONS[as_choice(reduction, _REDUCTIONS, f"{caller}: reduction")]


def _reduced(
    term: Callable[[Any, Any], Any], outputs: Any, targets: Any, reduction: str, caller: str
) -> Any:
    reduce = _reduction(reduction, caller)
    return reduce([term(y, t) for y, t in _pairs(outputs, targets, caller)])


def _combined(reduce: Callable[[list[Any]], Any], terms: list[Any]) -> Any:
    """Reduce the terms; a single term needs no node."""
    return terms[0] if len(terms) == 1 else reduce(terms)


def _pairs(outputs: Any, targets: Any, caller: str, level: int = 0) -> list[tuple[Any, Any]]:
    """Return each output with its target, from lists and lists of lists in order."""
    if level > 100:
        raise ValueError(f"{caller}: the lists are nested over 100 levels deep, or hold themselves")
    if is_number(outputs) and is_number(targets):
        return [(as_operand(outputs, caller), as_operand(targets, caller))]
    for x in (outputs, targets):
        if not (is_number(x) or is_list(x)):
            raise TypeError(
                f"{caller} takes numbers, Values or lists of them, got {shown(x)} among "
                f"{type(outputs).__name__} and {type(targets).__name__}"
            )
    if is_number(outputs) or is_number(targets):
        raise ValueError(
            f"{caller} needs outputs and targets of the same shape, got "
            f"{type(outputs).__name__} and {type(targets).__name__}"
        )
    if len(outputs) != len(targets) or not len(outputs):
        raise ValueError(
            f"{caller} needs one target for each output, got {len(targets)} targets "
            f"for {len(outputs)} outputs"
        )
    nested = (_pairs(y, t, caller, level + 1) for y, t in zip(outputs, targets, strict=True))
    return [pair for pairs in nested for pair in pairs]
