"""A fingerprint of training data: the same for the same numbers, whatever process computes it."""

from __future__ import annotations

import hashlib
import struct
from array import array
from typing import Any

from scalargrad.core.numbers import Traced
from scalargrad.training.checkpoint_file import little_endian

__all__ = ["fingerprint"]


def fingerprint(data: Any) -> str:
    """Return a digest of a list or an array of samples, as text.

    Lists, tuples and arrays of the same numbers have the same digest. Of an object whose class
    nothing is known about, and of a data set of a class of its own, whose samples may be random or
    on a disk, only the name of the class counts.

    Args:
        data: the samples, nestings of numbers, texts, dicts and None.

    Raises:
        ValueError: the data are nested too deep.

    >>> from scalargrad.training.fingerprint import fingerprint
    >>> fingerprint([[1, 2], [3, 4]]) == fingerprint([(1.0, 2.0), (3.0, 4.0)])
    True
    >>> fingerprint([[1, 2], [3, 4]]) == fingerprint([[1, 2, 3], [4]])
    False
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        _feed(digest, data)
    except RecursionError:
        raise ValueError("fit: data nested this deep cannot be compared in a checkpoint") from None
    return digest.hexdigest()


def _feed(digest: hashlib.blake2b, x: Any) -> None:
    """Add a nesting to the digest, each part with its kind and length: none is ambiguous."""
    x = x.tolist() if hasattr(x, "tolist") else x  # an array, or a NumPy scalar
    if isinstance(x, (list, tuple)):
        try:
            numbers = little_endian(array("d", x)).tobytes()
        except (TypeError, OverflowError):
            digest.update(b"list %d;" % len(x))
            for element in x:
                _feed(digest, element)
        else:
            digest.update(b"numbers %d;" % len(x))
            digest.update(numbers)
    elif isinstance(x, dict):
        digest.update(b"dict %d;" % len(x))
        for item in x.items():
            _feed(digest, list(item))
    elif isinstance(x, (str, bytes)):
        text = x.encode("utf-8", "surrogatepass") if isinstance(x, str) else x
        digest.update(b"text %d;" % len(text))
        digest.update(text)
    elif x is None:
        digest.update(b"none;")
    else:
        _feed_number(digest, getattr(x, "data", None) if isinstance(x, Traced) else x)


def _feed_number(digest: hashlib.blake2b, x: Any) -> None:
    try:
        digest.update(b"number;" + struct.pack("<d", x))
    except (struct.error, TypeError):
        digest.update(f"{type(x).__name__};".encode())
    except OverflowError:
        digest.update(b"number %d;" % hash(x))
