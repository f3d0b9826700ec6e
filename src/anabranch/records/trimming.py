"""Whole batches that lie in several views, which need not begin or end with one: their headers, and cutting them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from anabranch.errors import Corrupt
from anabranch.records.header import BATCH_OVERHEAD, LOG_OVERHEAD, BatchHeader, parse_header

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
            view, inside = _gather(buffers, number, inside, _WALK.size), 0
        base_offset, length, _, _, _, _, last_delta = _WALK.unpack_from(view, inside)
        size = length + LOG_OVERHEAD
        if size < BATCH_OVERHEAD or position + size > total or last_delta < 0:
            raise Corrupt(f"bytes at {position} are no whole batch")
        if base_offset >= end:
            break
        position += size
        behind = base_offset + last_delta + 1
    return piece(buffers, 0, position), behind


def first_offset(buffers: Sequence[memoryview]) -> int:
    """The base offset of the first batch. Raises Corrupt if there is none."""
    return int.from_bytes(bytes(_gather(buffers, 0, 0, _WALK.size)[:8]), "big", signed=True)


def headers(buffers: Sequence[memoryview]) -> Iterator[BatchHeader]:
    """Of all batches; their positions count from the first byte of the first view. Raises Corrupt."""
    position = before = 0  # of the batch, and of the view that it begins in
    for number, view in enumerate(buffers):
        end = before + len(view)
        while position < end:
            inside = position - before
            if len(view) - inside < BATCH_OVERHEAD:
                header = parse_header(_gather(buffers, number, inside, BATCH_OVERHEAD))
            else:
                header = parse_header(view, inside)
            yield header._replace(position=position)
            position += header.size
        before = end
    if position != before:
        raise Corrupt("a batch is cut short")


def piece(buffers: Sequence[memoryview], start: int, end: int) -> list[memoryview]:
    """The bytes from ``start`` to before ``end``, counted as :func:`headers` does."""
    found: list[memoryview] = []
    before = 0
    for view in buffers:
        first, last = max(0, start - before), min(len(view), end - before)
        if first < last:
            found.append(view[first:last])
        before += len(view)
    return found


def _gather(buffers: Sequence[memoryview], number: int, inside: int, size: int) -> memoryview:
    """The first ``size`` bytes of a header that reaches into the next buffers. Raises Corrupt if it ends with them."""
    found = bytearray(buffers[number][inside : inside + size])
    for view in buffers[number + 1 :]:
        found += view[: size - len(found)]
    if len(found) < size:
        raise Corrupt("a batch is cut short")
    return memoryview(found)
