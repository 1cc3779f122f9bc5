"""The file of a checkpoint: a line of checksums, a line of JSON, and arrays of numbers as bytes.

Reading it runs no code, and takes memory in proportion to the file.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from pathlib import Path
from typing import Any

from scalargrad.core.numbers import shown
from scalargrad.support.checksums import bits_apart, one_bit_flipped

__all__ = ["Arrays", "flattened", "little_endian", "packed", "read", "unflattened", "unpacked"]

# Version 1. The first checksum is of the line of JSON, the second of the numbers.
_START = "scalargrad checkpoint "
_LINE = _START + "1, crc32 {:08x} {:08x}\n"
_LENGTH = len(_LINE.format(0, 0))
_ITEM_BYTES = {"d": 8, "I": 4}  # floats of IEEE 754, and whole numbers from 0 on; little-endian

Arrays = dict[str, "array[Any]"]


def packed(header: dict[str, Any], arrays: Arrays) -> bytes:
    """Return the contents of a file.

    Args:
        header: what JSON can write, nan and infinities included.
        arrays: arrays of floats ("d") and of whole numbers of 32 bits ("I"), by name.

    >>> from array import array
    >>> from scalargrad.training.checkpoint_file import packed, unpacked
    >>> unpacked(packed({"epoch": 3}, {"losses": array("d", [0.5, 0.25])}))
    ({'epoch': 3}, {'losses': array('d', [0.5, 0.25])})
    """
    table = [[name, numbers.typecode, len(numbers)] for name, numbers in arrays.items()]
    text = json.dumps({**header, "arrays": table}).encode() + b"\n"
    body = b"".join(little_endian(numbers).tobytes() for numbers in arrays.values())
    return b"".join([_LINE.format(zlib.crc32(text), zlib.crc32(body)).encode(), text, body])


def read(path: Path) -> bytes:
    """Return the contents of a file, if it begins as a checkpoint does.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no checkpoint.
    """
    if not path.is_file():  # a folder; a device, which may have no end
        raise OSError(f"fit: checkpoint takes a file, and {str(path)!r} is none")
    with path.open("rb") as file:
        start = file.read(_LENGTH)
        if not _begins(start):
            raise ValueError("it does not begin as one")
        return start + file.read()


def unpacked(data: bytes) -> tuple[dict[str, Any], Arrays]:
    """Return the header and the arrays that `packed` was given.

    Raises:
        ValueError: the contents are damaged, were changed, or are of another version.
    """
    line, rest = data[:_LENGTH], data[_LENGTH:]
    text, end, body = rest.partition(b"\n")
    text += end
    right = _LINE.format(zlib.crc32(text), zlib.crc32(body)).encode()
    if line != right:
        raise ValueError(_fault(line, right, text))
    try:
        header = json.loads(text)
        table = [(name, kind, count) for name, kind, count in header.pop("arrays")]
        if any(type(name) is not str or type(count) is not int for name, _, count in table):
            raise ValueError("an array without a name or a length")
        sizes = [_ITEM_BYTES[kind] * count for _, kind, count in table]
        if min(sizes, default=0) < 0 or sum(sizes) != len(body):
            raise ValueError("its arrays are not as long as it says")
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"fit never writes this: {str(error)[:100]}") from None
    arrays: Arrays = {}
    first = 0
    for (name, kind, _), size in zip(table, sizes, strict=True):
        arrays[name] = little_endian(array(kind, body[first : first + size]))
        first += size
    return header, arrays


def _begins(start: bytes) -> bool:
    """Whether a file begins as a checkpoint, but for one bit at most."""
    expected = _START.encode()
    begin = start[: len(expected)]
    return len(begin) == len(expected) and bits_apart(begin, expected) <= 1


def _fault(line: bytes, right: bytes, text: bytes) -> str:
    """Why the checksums of a file are not those of its contents."""
    if len(line) < len(right):
        return "it is damaged: it was cut short"
    if bits_apart(line, right) == 1:
        return "it is damaged, one bit of it has flipped"
    begin, header, body = line.rsplit(b" ", 2)
    if begin != right.rsplit(b" ", 2)[0]:
        return "it is damaged, or of another version of scalargrad"
    if body != right.rsplit(b" ", 2)[2]:
        return "it is damaged: its numbers are others than when it was written"
    try:
        json.loads(text)
        if not one_bit_flipped(text, int(header, 16)):
            return "it was changed by hand or by another program"
    except (RecursionError, ValueError):
        return "it is damaged"
    return "it is damaged, one bit of it has flipped"


def little_endian(numbers: array[Any]) -> array[Any]:
    """The array as a file holds it, with its bytes swapped if this machine is big-endian."""
    if sys.byteorder == "little":
        return numbers
    swapped = array(numbers.typecode, numbers)
    swapped.byteswap()
    return swapped


def flattened(x: Any, name: str, arrays: Arrays) -> Any:
    """Return a nesting of numbers and texts as JSON can write it, its lists of floats in `arrays`.

    Args:
        x: numbers, texts, None, and lists, arrays and dicts of them.
        name: what to call its arrays, and itself in errors.
        arrays: gets the lists of floats.

    Raises:
        TypeError: there is something else in it.
    """
    x = x.tolist() if hasattr(x, "tolist") else x
    if x is None or isinstance(x, (bool, int, float, str)):
        return x
    if isinstance(x, dict) and all(type(key) is str for key in x):
        return {key: flattened(y, f"{name}.{key}", arrays) for key, y in x.items()}
    if not isinstance(x, (list, tuple)):
        raise TypeError(
            f"fit: a checkpoint holds numbers, texts, and lists and dicts of them, and {name} is "
            f"{shown(x)}. Give the optimizer methods state_dict() and load_state_dict() of its own"
        )
    if set(map(type, x)) == {float}:
        arrays[name] = array("d", x)
        return [{"numbers": name}]  # in a list, so that no dict can be taken for it
    return [0, *[flattened(y, f"{name}.{i}", arrays) for i, y in enumerate(x)]]


def unflattened(x: Any, arrays: Arrays) -> Any:
    """Return the nesting that `flattened` was given, with lists in the place of arrays.

    Raises:
        KeyError, TypeError, IndexError: `flattened` does not return this.
    """
    if isinstance(x, dict):
        return {key: unflattened(y, arrays) for key, y in x.items()}
    if not isinstance(x, list):
        return x
    if isinstance(x[0], dict):
        return arrays[x[0]["numbers"]].tolist()
    return [unflattened(y, arrays) for y in x[1:]]
