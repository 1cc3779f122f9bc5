"""What a checksum tells about damage: whether one flipped bit explains it."""

from __future__ import annotations

import zlib
from operator import xor

__all__ = ["bits_apart", "one_bit_flipped"]


def bits_apart(a: bytes, b: bytes) -> int:
    """The number of bits in which two texts of the same length differ.

    >>> from scalargrad.support.checksums import bits_apart
    >>> bits_apart(b"abc", b"abb")
    1
    """
    return sum(map(int.bit_count, map(xor, a, b)))


def one_bit_flipped(content: bytes, checksum: int) -> bool:
    """Whether the content has this CRC-32 after flipping one bit of it.

    CRC-32 is linear: the difference of two checksums depends on the difference of the texts alone,
    and one flipped bit, followed by n bytes, always makes the same difference.

    >>> from scalargrad.support.checksums import one_bit_flipped
    >>> import zlib
    >>> one_bit_flipped(b"abb", zlib.crc32(b"abc")), one_bit_flipped(b"abd", zlib.crc32(b"abc"))
    (True, False)
    """
    wanted = zlib.crc32(content) ^ checksum
    differences = [zlib.crc32(bytes([1 << bit])) ^ zlib.crc32(b"\0") for bit in range(8)]
    for _ in content:
        if wanted in differences:
            return True
        differences = [_BYTE[d & 0xFF] ^ d >> 8 for d in differences]
    return False


# What a byte contributes to the checksum after one more byte.
_BYTE = [zlib.crc32(bytes([i])) ^ zlib.crc32(b"\0") for i in range(256)]
