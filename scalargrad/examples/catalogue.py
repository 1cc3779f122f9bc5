"""The examples by lecture: what `python -m scalargrad list` shows, and `run` finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from inspect import getdoc
from typing import Any, Protocol, cast

from scalargrad.examples.pictures import Picture

__all__ = ["LECTURES", "Example", "Lecture", "example", "summary"]


class Example(Protocol):
    """What every module of this folder has that is listed here."""

    def run(self) -> Any:
        """Compute everything; prints and draws nothing."""

    def report(self, result: Any, /) -> str:
        """The numbers of what `run` gave, as text."""

    def figures(self, result: Any, /) -> Mapping[str, Picture]:
        """Its pictures by name."""


@dataclass(frozen=True)
class Lecture:
    """A text on back-propagation: who wrote it, its title, and the examples that come from it."""

    author: str
    title: str
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
         "network_at_work", "residual_and_attention", "small_gpt"),
    ),
)  # fmt: skip


def example(name: str) -> Example:
    """The module of that name; `-` does for `_`.

    Raises:
        ValueError: there is none of that name. The message says which are like it.

    >>> result = example("seven-node").run()
    >>> example("simplest_netwrok")
    Traceback (most recent call last):
        ...
    ValueError: there is no example 'simplest_netwrok'; did you mean simplest_network?
    """
    asked = name.replace("-", "_")
    known = {entry: lecture.folder for lecture in LECTURES for entry in lecture.examples}
    if asked not in known:
        like = get_close_matches(asked, known)
        hint = f"did you mean {' or '.join(like)}?" if like else "`list` shows all"
        raise ValueError(f"there is no example {name!r}; {hint}")
    return cast(Example, import_module(f"scalargrad.examples.{known[asked]}.{asked}"))


def summary(name: str) -> str:
    """The first line of the example's text, which says what it shows.

    >>> summary("seven_node").startswith("The worked example")
    True
    """
    return (getdoc(example(name)) or "").splitlines()[0]
