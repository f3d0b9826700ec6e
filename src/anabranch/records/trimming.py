"""Where whole batches that lie in several views end, and cutting them off at an offset."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from anabranch.errors import Corrupt
from anabranch.records.header import BATCH_OVERHEAD, LOG_OVERHEAD

_WALK = struct.Struct(">qiibIhi")  # up to and including the last offset delta


def trim(buffers: Sequence[memoryview], end: int) -> tuple[list[memoryview], int]:
    """The batches that begin below ``end``, and the offset behind the last of them (-1: none).

    ``buffers`` laid one after the other are whole batches in offset order, with their final offsets; a
    batch may lie across a border. Raises Corrupt if they are not.
    """
    total = sum(map(len, buffers))
    position, behind = 0, -1
    number, before = 0, 0  # the buffer that holds ``position``, and the bytes before it
    while position < total:
        while position - before >= len(buffers[number]):
            before += len(buffers[number])
            number += 1
        view, inside = buffers[number], position - before
        if len(view) - inside < _WALK.size:
            view, inside = _gather(buffers, number, inside), 0
        base_offset, length, _, _, _, _, last_delta = _WALK.unpack_from(view, inside)
        size = length + LOG_OVERHEAD
        if size < BATCH_OVERHEAD or position + size > total or last_delta < 0:
            raise Corrupt(f"bytes at {position} are no whole batch")
        if base_offset >= end:
            break
        position += size
        behind = base_offset + last_delta + 1
    return _first(buffers, position), behind


def first_offset(buffers: Sequence[memoryview]) -> int:
    """The base offset of the first batch. Raises Corrupt if there is none."""
    return int.from_bytes(bytes(_gather(buffers, 0, 0)[:8]), "big", signed=True)


def _gather(buffers: Sequence[memoryview], number: int, inside: int) -> memoryview:
    """The first bytes of a header that reaches into the next buffers. Raises Corrupt if it ends with them."""
    found = bytearray(buffers[number][inside : inside + _WALK.size])
    for view in buffers[number + 1 :]:
        found += view[: _WALK.size - len(found)]
    if len(found) < _WALK.size:
        raise Corrupt("a batch is cut short")
    return memoryview(found)


def _first(buffers: Sequence[memoryview], size: int) -> list[memoryview]:
    found: list[memoryview] = []
    for view in buffers:
        if size <= 0:
            break
        found.append(view if len(view) <= size else view[:size])
        size -= len(view)
    return found
