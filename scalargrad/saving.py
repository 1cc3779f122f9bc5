"""Save the parameters of a model to a JSON file, and load them, exact to the last bit."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from scalargrad.nn import Module
from scalargrad.support.files import write_whole

__all__ = ["load", "save"]

# The errors of json, or of reading its result, for a file that `save` did not write.
_UNREADABLE = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
_FORMAT = "scalargrad parameters 1"


def save(model: Module, path: str | os.PathLike[str]) -> None:
    """Write the parameters of `model` to a JSON file, exact to the last bit.

    The file is replaced in one step: a crash leaves the previous file as it was.

    Args:
        model: the module whose parameters to save.
        path: the file to write.

    Raises:
        TypeError: `model` is not an `nn.Module`, or a parameter does not hold a number.
        OSError: the file cannot be written.

    >>> model = nn.Neuron(2)
    >>> sg.save(model, "neuron.json")
    >>> twin = sg.load(nn.Neuron(2), "neuron.json")
    >>> twin.state_dict() == model.state_dict()
    True
    """
    _check(model, "save")
    parameters = {name: _encode(x) for name, x in model.state_dict().items()}
    content = {"format": _FORMAT, "model": type(model).__name__, "parameters": parameters}
    write_whole(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def load(model: Module, path: str | os.PathLike[str]) -> Module:
    """Load saved parameters into `model`; on an error nothing changes.

    Args:
        model: the module to change; its parameters must have the names in the file.
        path: a file written by `save`.

    Returns:
        The model.

    Raises:
        TypeError: `model` is not an `nn.Module`.
        OSError: the file cannot be read.
        ValueError: the file was not written by `save`.
        KeyError: its names are not those of the model's parameters; the message lists them.

    >>> sg.save(nn.Neuron(2), "neuron.json")
    >>> sg.load(nn.Neuron(2), "neuron.json")
    ReLUNeuron(2)
    """
    _check(model, "load")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise ValueError(f'its "format" is not {_FORMAT!r}')
        parameters = {name: _decode(x) for name, x in content["parameters"].items()}
    except _UNREADABLE as error:
        fault = str(error)[:200] or type(error).__name__
        raise ValueError(f"{os.fspath(path)!r} is not a file written by sg.save: {fault}") from None
    try:
        model.load_state_dict(parameters)
    except KeyError as error:
        raise KeyError(f"{os.fspath(path)!r} is of another model: {error.args[0]}") from None
    return model


def _encode(x: float) -> float | str:
    return x if math.isfinite(x) else repr(x)  # JSON has no nan and no inf


def _decode(x: Any) -> float:
    if x.__class__ not in (int, float) and x not in ("inf", "-inf", "nan"):
        raise TypeError(f"a parameter is {x!r:.60}")
    return float(x)


def _check(model: Any, caller: str) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"{caller} takes an nn.Module, got {type(model).__name__}")
