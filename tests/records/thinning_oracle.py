"""Compaction of one batch record by record, in plain Python: what the kernel is held against."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crc32c import crc32c

from anabranch.errors import Corrupt
from anabranch.records.compression import Bytes, Codec, compress
from anabranch.records.header import (
    ATTRIBUTES_AT,
    BATCH_OVERHEAD,
    CODEC_MASK,
    DELETE_HORIZON,
    LOG_OVERHEAD,
    MAGIC,
    NO_TIMESTAMP,
    BatchHeader,
)

_PREFIX = struct.Struct(">qiibI")  # base offset, length, leader epoch, magic, crc
_COVERED = struct.Struct(">hiqqqhii")  # what the CRC covers, up to the records
assert _PREFIX.size + _COVERED.size == BATCH_OVERHEAD and _PREFIX.size == ATTRIBUTES_AT


class Encoded(NamedTuple):
    """A record where it lies in its batch's decompressed bytes: ``start .. end``, length included."""

    start: int
    end: int
    rest: int  # where its offset delta begins: what follows the timestamp delta
    timestamp_delta: int
    offset_delta: int
    key: bytes | None
    is_tombstone: bool  # no value: a delete marker


def horizon_of(header: BatchHeader) -> int | None:
    """When the delete markers of the batch may go, in ms; None if no compaction has seen them yet."""
    return header.base_timestamp if header.attributes & DELETE_HORIZON else None


def encoded_records(data: memoryview, header: BatchHeader) -> Iterator[Encoded]:
    """The records in ``data``, the batch's payload. Raises Corrupt for what is not that."""
    pos, end = 0, len(data)
    try:
        for _ in range(header.record_count):
            start = pos
            size, pos = _varint(data, pos)
            stop = pos + size
            if size <= 0 or stop > end:
                raise IndexError
            timestamp_delta, rest = _varint(data, pos + 1)
            offset_delta, pos = _varint(data, rest)
            length, pos = _varint(data, pos)
            key = None
            if length >= 0:
                key = bytes(data[pos : pos + length])
                pos += length
            length, pos = _varint(data, pos)
            if pos > stop:
                raise IndexError
            yield Encoded(start, stop, rest, timestamp_delta, offset_delta, key, length < 0)
            pos = stop
    except IndexError:
        raise Corrupt(
            f"batch at offset {header.base_offset}: its records do not end where they should"
        ) from None


def thinned(
    header: BatchHeader,
    data: memoryview,
    kept: Sequence[Encoded],
    *,
    horizon_ms: int | None = None,
) -> bytes:
    """The batch with ``kept`` of its records, maybe none; ``horizon_ms`` gives it a delete horizon.

    Compressed as it was. An empty batch has no timestamp and no codec.
    """
    attributes, base_timestamp = header.attributes, header.base_timestamp
    moved = 0
    if horizon_ms is not None:
        moved = base_timestamp - horizon_ms
        attributes, base_timestamp = attributes | DELETE_HORIZON, horizon_ms
    if not kept:
        attributes &= ~CODEC_MASK
        max_timestamp = NO_TIMESTAMP
    elif header.log_append_time:
        max_timestamp = header.max_timestamp
    else:
        max_timestamp = header.base_timestamp + max(record.timestamp_delta for record in kept)
    if moved:
        body = b"".join(_moved(data, record, moved) for record in kept)
    else:
        body = b"".join(data[record.start : record.end] for record in kept)
    covered = _COVERED.pack(
        attributes,
        header.last_offset_delta,
        base_timestamp,
        max_timestamp,
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        len(kept),
    ) + compress(attributes & CODEC_MASK if kept else Codec.NONE, body)
    length = _PREFIX.size + len(covered) - LOG_OVERHEAD
    return (
        _PREFIX.pack(
            header.base_offset, length, header.partition_leader_epoch, MAGIC, crc32c(covered)
        )
        + covered
    )


def _moved(data: memoryview, record: Encoded, by_ms: int) -> bytes:
    """The record with its timestamp counting from another base."""
    delta = bytearray(1)  # attributes: no bit is in use
    _put_varint(delta, record.timestamp_delta + by_ms)
    body = bytes(delta) + data[record.rest : record.end]
    prefix = bytearray()
    _put_varint(prefix, len(body))
    return bytes(prefix) + body


def _varint(data: Bytes, pos: int) -> tuple[int, int]:
    """A zigzag varint and the position after it. Raises IndexError at the end of ``data``."""
    byte = data[pos]
    pos += 1
    if byte < 0x80:  # nearly all of them
        return (byte >> 1) ^ -(byte & 1), pos
    raw, shift = byte & 0x7F, 7
    while True:
        byte = data[pos]
        pos += 1
        raw |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (raw >> 1) ^ -(raw & 1), pos
        shift += 7
        if shift > 63:
            raise IndexError


def _put_varint(out: bytearray, value: int) -> None:
    raw = value << 1 if value >= 0 else ~(value << 1)
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
