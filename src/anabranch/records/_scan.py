# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: annotation_typing=False
"""The scan kernel: which whole batches of a buffer make an answer, and final offsets for them.

One file, two lives, as ``_decode.py``: compiled with the types of ``_scan.pxd`` it works without the
interpreter lock, so that reading old data never stands in the way of appends; uncompiled it does the
same more slowly. ``runs.py`` calls it.
"""

from __future__ import annotations

import struct
from typing import Any

from crc32c import crc32c

try:
    import cython
except ImportError:
    from anabranch.records import _cython as cython

COMPILED: bool = cython.compiled

SOUND = 0  # values of cut's damage
MALFORMED = 1
WRONG_CRC = 2
WRONG_OFFSET = 3

_INT64_MAX = 2**63 - 1
_INT64 = struct.Struct(">q")
_INT32 = struct.Struct(">i")

if cython.compiled:
    anabranch_crc32c_start()  # type: ignore[name-defined]  # noqa: F821


def cut(
    blob: Any,
    pos: int,
    stop: int,
    offset: int,
    first_max: int,
    bytes_max: int,
    base: int,
    verify: bool,
) -> tuple[int, int, int, int, int, int]:
    """Walk the whole batches of ``blob[pos:stop]``: pass over those that end below ``offset``, then take
    batches as long as they fit.

    ``first_max`` bounds the first batch taken, ``bytes_max`` all of them together (the first is taken
    whatever ``bytes_max`` is). With ``base >= 0`` the first batch is at that offset, the next behind it
    and so on, whatever their headers say; ``base`` -1 believes each header. No CRC covers a base offset, so
    any lower ``base`` says where the first batch may begin at the earliest, ``-2 - 2 * offset``, and each
    may begin where the one before ends; one less: nowhere else (nothing was ever taken out between them).
    ``verify``: check the CRC of each batch that is taken.

    Returns the start and end of what was taken (-1, -1 if nothing); the offset behind the last batch
    walked over (``base`` if none); the position after it; the size of the batch there if its header is
    in the buffer, else 0; and what is wrong with that batch.
    """
    source = cython.address(blob[0]) if cython.compiled else blob
    start = end = -1
    size = damage = 0
    room = first_max
    at = base
    low = dense = -1
    if base < -1:
        low = (-2 - base) // 2
        dense = (-2 - base) % 2
    with cython.nogil:
        while stop - pos >= 61:
            size = 12 + _int32(source, pos + 8)
            deltas = _int32(source, pos + 23)
            count = _int32(source, pos + 57)
            if base < 0:
                at = _int64(source, pos)
            if (
                source[pos + 16] != 2
                or size < 61
                or deltas < 0
                or count < 0
                or count > deltas + 1
                or at < 0
                or at >= _INT64_MAX - deltas
            ):
                damage = 1
                break
            if at != low and low >= 0 and (at < low or dense > 0):
                damage = 3
                break
            if size > stop - pos:
                break
            if at + deltas >= offset:
                if size > room:
                    break
                if verify and _crc(source, pos + 21, pos + size) != _uint32(source, pos + 17):
                    damage = 2
                    break
                if start < 0:
                    start = pos
                    room = bytes_max
                room -= size
                end = pos + size
            pos += size
            at += deltas + 1
            if low >= 0:
                low = at
            size = 0
    return start, end, at, pos, size, damage


def place(blob: Any, base: int, epoch: int) -> int:
    """Give the consecutive batches that fill ``blob`` offsets from ``base`` on, and a leader epoch; both lie
    outside the CRC. Returns the offset behind the last. The batches were walked over by ``cut``."""
    target = cython.address(blob[0]) if cython.compiled else blob
    pos, stop = 0, len(blob)
    with cython.nogil:
        while stop - pos >= 61:
            _put64(target, pos, base)
            _put32(target, pos + 12, epoch)
            base += 1 + _int32(target, pos + 23)
            pos += 12 + _int32(target, pos + 8)
    return base


def _int64(source: Any, at: int) -> int:
    if cython.compiled:
        value = 0
        for index in range(8):
            value = value << 8 | source[at + index]
        return value
    else:
        found: int = _INT64.unpack_from(source, at)[0]
        return found


def _uint32(source: Any, at: int) -> int:
    value = 0
    for index in range(4):
        value = value << 8 | source[at + index]
    return value


def _int32(source: Any, at: int) -> int:
    if cython.compiled:
        return _uint32(source, at)  # C's conversion
    else:
        found: int = _INT32.unpack_from(source, at)[0]
        return found


def _put64(target: Any, at: int, value: int) -> None:
    if cython.compiled:
        for index in range(8):
            target[at + index] = value >> (56 - 8 * index) & 0xFF
    else:
        _INT64.pack_into(target, at, value)


def _put32(target: Any, at: int, value: int) -> None:
    if cython.compiled:
        for index in range(4):
            target[at + index] = value >> (24 - 8 * index) & 0xFF
    else:
        _INT32.pack_into(target, at, value)


def _crc(source: Any, start: int, end: int) -> int:
    if cython.compiled:
        found: int = anabranch_crc32c(  # type: ignore[name-defined]  # noqa: F821
            0,
            source + start,
            end - start,
        )
        return found
    else:
        return int(crc32c(memoryview(source)[start:end]))
