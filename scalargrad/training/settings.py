"""The settings of a run: what must be the same for it to go on from a checkpoint."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from typing import Any

from scalargrad.core.numbers import written
from scalargrad.core.value import Value
from scalargrad.nn import Module
from scalargrad.optim import Optimizer
from scalargrad.support.collector import collector_paused
from scalargrad.training.fingerprint import fingerprint

__all__ = ["differences", "named_values", "settings_of"]

Settings = dict[str, Any]
_NUMBERS = "numbers of "  # a setting that is a fingerprint, which tells a reader nothing
_PARAMETERS = "parameters"


def settings_of(
    model: Any, named: Sequence[tuple[str, Value]], loss: Any, optimizer: Optimizer,
    data: dict[str, Any], **others: Any,
) -> Settings:  # fmt: skip
    """Return the settings of a run, each by a name that users know, as JSON reads them.

    Args:
        model: its class counts, if it is an `nn.Module`.
        named: what `named_values` returns; the names count.
        loss: its name counts.
        optimizer: its class, its parameters, and the arguments that it was made with count.
        data: data sets by name; None where there is none.
        **others: what JSON can write.
    """
    names = {p: name for name, p in named}
    settings = {
        "model": type(model).__name__ if isinstance(model, Module) else "a function",
        _PARAMETERS: _stems([name for name, _ in named]),
        f"{_PARAMETERS} of the optimizer": _stems([names[p] for p in optimizer.parameters]),
        "loss": _name(loss),
        "optimizer": type(optimizer).__name__,
        **_arguments_of(optimizer),
        **{f"number of samples in {name}": None if x is None else len(x)
           for name, x in data.items()},
        **{_NUMBERS + name: None if x is None else fingerprint(x) for name, x in data.items()},
        **others,
    }  # fmt: skip
    read: Settings = json.loads(json.dumps(settings))
    return read


def named_values(model: Any, optimizer: Optimizer) -> list[tuple[str, Value]]:
    """Return the parameters of a model, and others that the optimiser has, by name.

    Raises:
        ValueError: two parameters have the same name.
    """
    with collector_paused():  # a third of the time else, with a million
        named = model.named_parameters() if isinstance(model, Module) else []
    known = {p for _, p in named}
    more = [p for p in optimizer.parameters if p not in known]
    return [*named, *[(f"optimizer.{i}", p) for i, p in enumerate(more)]]


def differences(here: Settings, there: Any) -> list[str]:
    """Return a phrase for each setting of a run that is another one in its file.

    >>> from scalargrad.training.settings import differences
    >>> differences({"lr": 0.1, "loss": "hinge"}, {"lr": 0.5, "loss": "hinge"})
    ['lr is 0.1, and 0.5 in the file']
    """
    found = []
    for name in [*here, *[name for name in there if name not in here]]:
        a, b = here.get(name), there.get(name)
        if a == b:
            continue
        if name.startswith(_PARAMETERS) and isinstance(a, list) and isinstance(b, list):
            a, b = _shapes(a, b), _shapes(b, a)
            found.append(f"the {name} are {a}, and {b} in the file")
        elif not name.startswith(_NUMBERS):
            found.append(f"{name} is {written(a)}, and {written(b)} in the file")
        elif here.get(f"number of samples in {name.removeprefix(_NUMBERS)}") == there.get(
            f"number of samples in {name.removeprefix(_NUMBERS)}"
        ):
            found.append(f"{name.removeprefix(_NUMBERS)} has other numbers than in the file")
    return found


def _arguments_of(optimizer: Optimizer) -> Settings:
    """The arguments that an optimiser was made with, as far as it keeps them as attributes."""
    names = inspect.signature(type(optimizer).__init__).parameters
    attributes = {name: vars(optimizer)[name] for name in names if name in vars(optimizer)}
    attributes.pop("parameters", None)
    plain = (int, float, str, tuple, list, type(None))
    return {
        name: x if isinstance(x, plain) else f"the {type(x).__name__} {_name(x)}"
        for name, x in attributes.items()
    }


def _name(x: Any) -> str:
    return str(getattr(x, "__name__", type(x).__name__))


def _stems(names: Sequence[str]) -> list[list[Any]]:
    """Names, in short: those that end in .0, .1, .2 ... as their stem and their number.

    Any other name has the number None.
    """
    stems: list[list[Any]] = []
    for name in names:
        stem, _, end = name.rpartition(".")
        if stems and stems[-1] == [stem, int(end) if end.isdecimal() else None]:
            stems[-1][1] += 1
        else:
            stems.append([stem, 1] if stem and end == "0" else [name, None])
    return stems


def _shapes(stems: Sequence[Any], others: Sequence[Any]) -> str:
    """The first names that are not in the others, with their numbers."""
    apart = [x for x in stems if x not in others] or stems  # all there, in another order
    texts = [f"{stem} ({count} numbers)" if count else f"{stem}" for stem, count in apart[:3]]
    return ", ".join(texts) + (" ..." if len(apart) > 3 else "")
