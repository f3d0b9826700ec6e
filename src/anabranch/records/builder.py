"""Builds v2 record batches: for our own writes, for compaction's rewrites, and for tests."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise

from crc32c import crc32c

from anabranch.records.compression import Codec, compress
from anabranch.records.header import (
    BATCH_OVERHEAD,
    CONTROL,
    LOG_APPEND_TIME,
    LOG_OVERHEAD,
    MAGIC,
    NO_PRODUCER_ID,
    NO_SEQUENCE,
    NO_TIMESTAMP,
    TRANSACTIONAL,
)
from anabranch.records.record import Record

_PREFIX = struct.Struct(">qiibI")  # base offset, length, leader epoch, magic, crc
_COVERED = struct.Struct(">hiqqqhii")  # what the CRC covers, up to the records


def build_batch(
    records: Sequence[Record],
    *,
    base_offset: int = 0,
    codec: int = Codec.NONE,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = -1,
    base_sequence: int = NO_SEQUENCE,
    leader_epoch: int = 0,
    append_time_ms: int | None = None,
    transactional: bool = False,
    control: bool = False,
    offset_deltas: Sequence[int] | None = None,
    last_offset_delta: int | None = None,
) -> bytes:
    """The bytes of one batch.

    Offsets count up from ``base_offset``; ``Record.offset`` is not looked at. A rewrite that leaves
    records out gives each one's ``offset_deltas`` and the original ``last_offset_delta``, so that
    the batch still covers the offsets (and sequence numbers) that it did. ``append_time_ms`` makes
    it a LogAppendTime batch.
    """
    deltas = range(len(records)) if offset_deltas is None else offset_deltas
    if last_offset_delta is None:
        last_offset_delta = deltas[-1] if deltas else -1
    assert len(deltas) == len(records)
    assert last_offset_delta >= 0, "a batch covers at least one offset"
    assert all(a < b for a, b in pairwise((-1, *deltas, last_offset_delta + 1)))

    timestamps = [record.timestamp for record in records]
    base_timestamp = timestamps[0] if timestamps else NO_TIMESTAMP
    max_timestamp = max(timestamps, default=NO_TIMESTAMP)
    attributes = int(codec)
    if append_time_ms is not None:
        attributes |= LOG_APPEND_TIME
        max_timestamp = append_time_ms
    if transactional:
        attributes |= TRANSACTIONAL
    if control:
        attributes |= CONTROL

    body = bytearray()
    for record, delta in zip(records, deltas, strict=True):
        encoded = _encode(record, record.timestamp - base_timestamp, delta)
        _put_varint(body, len(encoded))
        body += encoded
    covered = _COVERED.pack(
        attributes,
        last_offset_delta,
        base_timestamp,
        max_timestamp,
        producer_id,
        producer_epoch,
        base_sequence,
        len(records),
    ) + compress(codec, body)
    length = BATCH_OVERHEAD - LOG_OVERHEAD - _COVERED.size + len(covered)
    return _PREFIX.pack(base_offset, length, leader_epoch, MAGIC, crc32c(covered)) + covered


def _encode(record: Record, timestamp_delta: int, offset_delta: int) -> bytearray:
    out = bytearray(1)  # attributes: no bit is in use
    _put_varint(out, timestamp_delta)
    _put_varint(out, offset_delta)
    _put_bytes(out, record.key)
    _put_bytes(out, record.value)
    _put_varint(out, len(record.headers))
    for name, content in record.headers:
        _put_bytes(out, name.encode())
        _put_bytes(out, content)
    return out


def _put_bytes(out: bytearray, data: bytes | None) -> None:
    if data is None:
        out.append(1)  # zigzag of -1
    else:
        _put_varint(out, len(data))
        out += data


def _put_varint(out: bytearray, value: int) -> None:
    raw = value << 1 if value >= 0 else ~(value << 1)
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
