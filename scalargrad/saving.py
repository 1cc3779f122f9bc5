"""Save the parameters of a model to a JSON file, and load them, exact to the last bit."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Mapping
from typing import Any

from scalargrad.core.numbers import shown
from scalargrad.nn import Module
from scalargrad.support.checksums import bits_apart, one_bit_flipped
from scalargrad.support.files import as_path, write_whole
from scalargrad.support.strict_json import encoded, parsed, unreadable

__all__ = ["load", "save"]

_OLD, _FORMAT = "scalargrad parameters 1", "scalargrad parameters 2"  # the old one has no checksum
# The end of a file: the checksum of all before it, as it was before the checksum was put in.
_END = ',\n "checksum": "crc32 {:08x}"\n}}\n'
_ENDING = re.compile(rb',\n "checksum": "crc32 ([0-9a-f]{8})"\n}\n')


def save(model: Module, path: str | os.PathLike[str]) -> None:
    """Write the parameters of `model` to a JSON file, exact to the last bit.

    The file is replaced in one step: a crash leaves the previous file as it was. It carries a
    checksum of its contents.

    Args:
        model: the module whose parameters to save.
        path: the file to write.

    Raises:
        TypeError: `model` is not an `nn.Module`, a parameter does not hold a number, or `path` is
            not a path.
        ValueError: no file can have the name `path`.
        OSError: the file cannot be written.

    >>> model = nn.Neuron(2)
    >>> sg.save(model, "neuron.json")
    >>> twin = sg.load(nn.Neuron(2), "neuron.json")
    >>> twin.state_dict() == model.state_dict()
    True
    """
    _check(model, "save")
    target = as_path(path, "save")
    text = _text(type(model).__name__, model.state_dict())
    write_whole(target, (text.removesuffix("\n}\n") + _END.format(_crc(text))).encode())


def load(model: Module, path: str | os.PathLike[str]) -> Module:
    """Load saved parameters into `model`; on an error nothing changes.

    Args:
        model: the module to change; its parameters must have the names in the file.
        path: a file written by `save`.

    Returns:
        The model.

    Raises:
        TypeError: `model` is not an `nn.Module`, or `path` is not a path.
        OSError: the file cannot be read.
        ValueError: the file was not written by `save`, or is no longer as `save` wrote it; the
            message says whether it is damaged, or was changed by hand or by another program.
        KeyError: its names are not those of the model's parameters; the message lists them.

    >>> sg.save(nn.Neuron(2), "neuron.json")
    >>> sg.load(nn.Neuron(2), "neuron.json")
    ReLUNeuron(2)
    """
    _check(model, "load")
    target = as_path(path, "load")
    if target.is_dir():
        raise IsADirectoryError(f"load takes a file, and {str(target)!r} is a folder")
    parameters = _parameters(target.read_bytes(), os.fspath(path))
    try:
        model.load_state_dict(parameters)
    except KeyError as error:
        raise KeyError(f"{os.fspath(path)!r} is of another model: {error.args[0]}") from None
    return model


def _text(model: str, parameters: Mapping[str, float]) -> str:
    """The contents of a file without its checksum, always in the same layout."""
    numbers = {name: encoded(x) for name, x in parameters.items()}
    content = {"format": _FORMAT, "model": model, "parameters": numbers}
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _crc(text: str) -> int:
    return zlib.crc32(text.encode())


_CHANGED = "it was changed by hand or by another program"


def _parameters(data: bytes, path: str) -> dict[str, float]:
    """The parameters in a file, after comparing them with its checksum."""
    try:
        content = _parsed(data)
        parameters = {name: _decode(x, name) for name, x in content["parameters"].items()}
    except unreadable as e:
        fault = str(e)[:200] or type(e).__name__  # an error of json, or of reading its result
        if _one_bit_differs(data):
            fault = "it is damaged, one bit of it has flipped. Load a copy of it"
        elif b'"format": "scalargrad parameters ' in data[:60]:
            no_json = isinstance(e, (UnicodeDecodeError, json.JSONDecodeError))
            fault = f"{'it is damaged' if no_json else _CHANGED}: {fault}"
        raise ValueError(f"{path!r} is not a file written by sg.save: {fault}") from None
    if content["format"] == _OLD:
        return parameters
    checksum = content.get("checksum")
    # Layout and the order of the keys may differ: what counts is what the file says.
    if checksum == f"crc32 {_crc(_text(str(content.get('model')), parameters)):08x}":
        return parameters
    if _one_bit_differs(data):
        fault = "it is damaged, one bit of it has flipped. Load a copy of it"
    else:
        fault = "is missing" if checksum is None else "is of other contents"
        fault = (
            f"{_CHANGED}, since its checksum {fault}. To load it as it is, write {_OLD!r} for its "
            '"format"'
        )
    raise ValueError(f"{path!r} is not as sg.save wrote it: {fault}")


def _parsed(data: bytes) -> dict[str, Any]:
    """The object in a file; a ValueError if it is no JSON, or none that `save` could write."""
    content = parsed(data.decode(), "sg.save")
    if not isinstance(content, dict) or content.get("format") not in (_OLD, _FORMAT):
        raise ValueError(f'its "format" is not {_FORMAT!r}')
    return content


def _one_bit_differs(data: bytes) -> bool:
    """Whether one flipped bit explains how a file differs from what `save` writes."""
    size = len(_END.format(0))
    before, end = data[:-size] + b"\n}\n", data[-size:]
    right = _END.format(zlib.crc32(before)).encode()
    if len(end) == size and bits_apart(end, right) == 1:
        return True  # in the end itself
    found = _ENDING.fullmatch(end)
    return found is not None and one_bit_flipped(before, int(found[1], 16))


def _decode(x: Any, name: str) -> float:
    if x.__class__ not in (int, float) and x not in ("inf", "-inf", "nan"):
        raise TypeError(f"the parameter {name!r:.60} is {shown(x)}")
    try:
        return float(x)
    except OverflowError:
        raise ValueError(f"the parameter {name!r:.60} is beyond the range of floats") from None


def _check(model: Any, caller: str) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"{caller} takes an nn.Module, got {type(model).__name__}")
