"""save and load: the parameters of a model in a JSON file, exact to the last bit."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from scalargrad.nn import Module
from scalargrad.support.files import write_whole

__all__ = ["load", "save"]

# what json, or reading its result as ours, may raise on a file that is something else
_UNREADABLE = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
_FORMAT = "scalargrad parameters 1"


def save(model: Module, path: str | os.PathLike[str]) -> None:
    """Write the parameters of `model` to `path`.

    The file is JSON: a name and a number for each parameter, every bit of it kept. It appears
    whole or not at all: a crash leaves the older file as it was.

    Raises:
        TypeError: `model` is no `nn.Module`.
        OSError: the file cannot be written.

    >>> model = nn.Neuron(2)
    >>> sg.save(model, "neuron.json")
    >>> twin = sg.load(nn.Neuron(2), "neuron.json")
    >>> twin.state_dict() == model.state_dict()
    True
    """
    _check(model, "save")
    parameters = {name: _encoded(x) for name, x in model.state_dict().items()}
    content = {"format": _FORMAT, "model": type(model).__name__, "parameters": parameters}
    write_whole(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def load(model: Module, path: str | os.PathLike[str]) -> Module:
    """Put the parameters saved at `path` into `model`, and return it; on an error nothing changes.

    Raises:
        TypeError: `model` is no `nn.Module`.
        OSError: the file cannot be read.
        ValueError: it is no file written by `save`.
        KeyError: its names are not those of this model's parameters; the message says which.
    """
    _check(model, "load")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise ValueError(f'it does not say "format": {_FORMAT!r}')
        parameters = {name: _decoded(x) for name, x in content["parameters"].items()}
    except _UNREADABLE as e:
        fault = str(e)[:200] or type(e).__name__
        raise ValueError(f"{os.fspath(path)!r} is no file written by sg.save: {fault}") from None
    try:
        model.load_state_dict(parameters)
    except KeyError as fault:
        raise KeyError(f"{os.fspath(path)!r} is of another model: {fault.args[0]}") from None
    return model


def _encoded(x: float) -> float | str:
    return x if math.isfinite(x) else repr(x)  # JSON has no nan and no inf


def _decoded(x: Any) -> float:
    if x.__class__ not in (int, float) and x not in ("inf", "-inf", "nan"):
        raise TypeError(f"a parameter is {x!r:.60}")
    return float(x)


def _check(model: Any, taker: str) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"{taker} takes an nn.Module, got {type(model).__name__}")
