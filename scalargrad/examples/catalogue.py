"""The examples of the lectures and of the work, as the command line lists them and runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from inspect import getdoc
from typing import Any, Protocol, cast

from scalargrad.examples.explanations import Explanation, parse
from scalargrad.examples.pictures import Picture

__all__ = [
    "GROUPS", "LECTURES", "WORK", "Example", "Group", "Lecture", "example", "explanation", "group",
    "group_of", "summary",
]  # fmt: skip


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
    """A text on back-propagation: its author, its title, and the examples taken from it.

    `key` is what docs/lectures.md begins the numbers of its items with.
    """

    key: str
    author: str
    title: str
    folder: str
    examples: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called in a command."""
        return (self.author, self.folder, self.key)

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

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called in a command."""
        return (self.folder,)


LECTURES = (
    Lecture(
        "S0", "Stone", "Backprop: how it works (and how it fails)",
        "stone",
        ("simplest_network", "two_inputs", "four_by_four", "photographs", "backprop_network",
         "credit_assignment", "local_minima", "fitting"),
    ),
    Lecture(
        "S1", "Van Veen", "The backpropagation algorithm for training neural networks",
        "van_veen",
        ("stochastic_descent", "normalisation"),
    ),
    Lecture(
        "S2", "Goebels", "Learning representations by back-propagating errors, after Rumelhart, "
        "Hinton and Williams",
        "goebels",
        ("rain_table", "momentum", "calculus", "any_layer_delta", "blog_network"),
    ),
    Lecture(
        "S3", "Brilliant", "Backpropagation",
        "brilliant",
        ("five_equations", "six_samples", "hyperparameters", "hidden_features", "gabor_filters"),
    ),
    Lecture(
        "S4", "Lecture 2", "Error backpropagation",
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
    entry, module = _find(name)
    return cast(Example, import_module(f"scalargrad.examples.{entry.folder}.{module}"))


def _find(name: str) -> tuple[Lecture | Group, str]:
    """The group of an example, and the name of its module."""
    module = name.replace("-", "_")
    known = {example: entry for entry in GROUPS for example in entry.examples}
    if module not in known:
        similar = get_close_matches(module, known)
        hint = f"did you mean {' or '.join(similar)}?" if similar else "`list` shows all names"
        raise ValueError(f"no example is named {name!r}; {hint}")
    return known[module], module


def group(name: str) -> Lecture | Group:
    """Return the examples of one lecture, or those of work.

    Args:
        name: its author, folder or key, such as "Van Veen", "van_veen" or "S1"; or "work".

    Raises:
        ValueError: there is no such lecture. The message lists those that there are.

    >>> group("s1").folder
    'van_veen'
    >>> group("S7")
    Traceback (most recent call last):
        ...
    ValueError: no lecture is named 'S7'; there are stone (S0), van_veen (S1), goebels (S2), \
brilliant (S3), lecture2 (S4) and work
    """

    def plain(word: str) -> str:
        return word.casefold().replace("-", "_").replace(" ", "_")

    for entry in GROUPS:
        if plain(name) in map(plain, entry.names):
            return entry
    known = ", ".join(f"{lecture.folder} ({lecture.key})" for lecture in LECTURES)
    raise ValueError(f"no lecture is named {name!r}; there are {known} and {WORK.folder}")


def group_of(name: str) -> Lecture | Group:
    """Return the lecture, or the group, that an example belongs to.

    >>> group_of("seven_node").heading
    'Lecture 2: Error backpropagation'
    """
    return _find(name)[0]


def explanation(name: str) -> Explanation:
    """Return what an example says about itself: what it is, what to look for, a conclusion.

    >>> explanation("seven_node").source
    ('Lecture 2, Error backpropagation: the worked example.',)
    """
    return parse(getdoc(example(name)) or "")


def summary(name: str) -> str:
    """Return what an example shows, in one line.

    >>> summary("seven_node").startswith("The worked example")
    True
    """
    return explanation(name).summary
