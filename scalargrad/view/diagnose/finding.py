"""A finding: what is wrong with a value of a graph, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from scalargrad.core.lines import Line
from scalargrad.core.value import Value

__all__ = ["ADVICE", "Finding"]

# What to do about each kind of finding; the kinds that matter most come first.
ADVICE = {
    "nonfinite value": "keep the operands where the operation is finite: sg.where, sg.clip, or a "
    "form that cannot overflow, such as logsumexp, log1p or a difference of logarithms",
    "infinite slope": "add a small number before the operation, as in sqrt(x + 1e-12), or choose "
    "another branch there with sg.where and functions as operands",
    "nonfinite gradient": "scale the loss or the inputs down, lower the learning rate, or clip "
    "with optim.clip_grad_norm",
    "exploding gradient": "start with smaller weights, lower the learning rate, or clip with "
    "optim.clip_grad_norm",
    "vanishing gradient": "use relu or a residual connection in place of tanh and sigmoid, start "
    'with larger weights (init="he" or "xavier"), or standardise the inputs',
    "unused parameter": "use it in the model, or leave it out",
    "zero derivative": "see which operation on the way has the slope 0; if all inputs are 0, scale "
    "or shift them",
    "dead unit": 'use leaky_relu, a lower learning rate, init="he", or a positive bias',
    "saturated unit": "standardise the inputs, start with smaller weights, or, at the output, "
    "train on the logits",
    "step": "its derivative is 0 everywhere: use a smooth function, or pass the gradient on with "
    "x + sg.stop_gradient(sg.floor(x) - x)",
    "kink": "the slope is a choice there: move off the point, or use a smooth function such as "
    "softplus, hypot(x, 1e-6) or logaddexp",
    "near kink": "numerical differentiation is wrong here, and a small step may change the slope: "
    "use a smooth function if that matters",
    "cancellation": "rewrite the difference: expm1, log1p, hypot, a product of sum and difference, "
    "or sums of small terms first",
}


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or may be, with the derivatives of a graph.

    Attributes:
        kind: one of the kinds in the table of `diagnose`.
        node: the value concerned; of a unit the activation in its first use, of a layer its first
            parameter.
        name: the name of the value, unit or layer.
        value: the number that shows it: the value, the slope, a gradient or a ratio.
        message: what was found.
        advice: what to do about it.
        line: the line of the program that made `node`, if it was traced.
        nodes: all values concerned.
    """

    kind: str
    node: Value
    name: str
    value: float
    message: str
    advice: str
    line: Line | None = None
    nodes: tuple[Value, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        where = f" [{self.line}]" if self.line else ""
        return f"{self.kind}: {self.message}{where}"
