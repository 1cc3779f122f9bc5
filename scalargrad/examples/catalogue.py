"""The examples of the lectures and of the work, as the command line lists them and runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from inspect import getdoc
from typing import Any, Protocol, cast

from scalargrad.examples.pictures import Picture

__all__ = ["GROUPS", "LECTURES", "WORK", "Example", "Group", "Lecture", "example", "summary"]


class Example(Protocol):
    """The interface of an example's module."""

    def run(self) -> Any:
        """Compute everything; print and draw nothing."""

    def report(self, result: Any, /) -> str:
        """Return the numbers of a result of `run` as text."""

    def figures(self, result: Any, /) -> Mapping[str, Picture]:
        """Draw a result of `run`; return the pictures by name."""


@dataclass(frozen=True)
class Lecture:
    """A text on back-propagation: its author, its title, and the examples taken from it."""

    author: str
    title: str
    folder: str
    examples: tuple[str, ...]

    @property
    def heading(self) -> str:
        """The line above its examples in a list."""
        return f"{self.author}: {self.title}"


@dataclass(frozen=True)
class Group:
    """Examples of one subject that are taken from no lecture; they need SciPy."""

    heading: str
    folder: str
    examples: tuple[str, ...]


LECTURES = (
    Lecture(
        "Stone", "Backprop: how it works (and how it fails)",
        "stone",
        ("simplest_network", "two_inputs", "four_by_four", "photographs", "backprop_network",
         "credit_assignment", "local_minima", "fitting"),
    ),
    Lecture(
        "Van Veen", "The backpropagation algorithm for training neural networks",
        "van_veen",
        ("stochastic_descent", "normalisation"),
    ),
    Lecture(
        "Goebels", "Learning representations by back-propagating errors, after Rumelhart, Hinton "
        "and Williams",
        "goebels",
        ("rain_table", "momentum", "calculus", "any_layer_delta", "blog_network"),
    ),
    Lecture(
        "Brilliant", "Backpropagation",
        "brilliant",
        ("five_equations", "six_samples", "hyperparameters", "hidden_features"),
    ),
    Lecture(
        "Lecture 2", "Error backpropagation",
        "lecture2",
        ("perceptron", "nearest_mean", "numerical_differentiation", "path_counts", "seven_node",
         "shared_parameters", "matrix_form", "activations", "vanishing_gradients",
         "recurrent_network", "network_at_work", "moons_and_spirals", "residual_and_attention",
         "small_detector", "small_gpt"),
    ),
)  # fmt: skip
WORK = Group(
    "Scalars at work: fit, price, move, measure (needs the extra `solve`)",
    "work",
    ("spaced_repetition", "option_greeks", "double_pendulum", "nonlinear_regression",
     "instrument_budget", "inverse_kinematics"),
)  # fmt: skip
GROUPS: tuple[Lecture | Group, ...] = (*LECTURES, WORK)


def example(name: str) -> Example:
    """Return the module of an example.

    Args:
        name: the name of the example; `-` may replace `_`.

    Raises:
        ValueError: no example has that name. The message lists similar names.

    >>> result = example("seven-node").run()
    >>> example("simplest_netwrok")
    Traceback (most recent call last):
        ...
    ValueError: no example is named 'simplest_netwrok'; did you mean simplest_network?
    """
    module = name.replace("-", "_")
    known = {entry: group.folder for group in GROUPS for entry in group.examples}
    if module not in known:
        similar = get_close_matches(module, known)
        hint = f"did you mean {' or '.join(similar)}?" if similar else "`list` shows all names"
        raise ValueError(f"no example is named {name!r}; {hint}")
    return cast(Example, import_module(f"scalargrad.examples.{known[module]}.{module}"))


def summary(name: str) -> str:
    """Return the first line of an example's docstring, which says what it shows.

    >>> summary("seven_node").startswith("The worked example")
    True
    """
    return (getdoc(example(name)) or "").splitlines()[0]
