"""Batches without some of their records: what compaction writes.

A rewritten batch covers the offsets and sequence numbers that it always covered: base offset, last offset
delta and base sequence stay, so no record's offset moves. Kept records are copied as they are encoded.

The delete horizon (KIP-534) is when the delete markers of a batch may go. It takes the place of the base
timestamp, from which the records' timestamps go on counting. Records are looked at and copied by the
kernel (``_compact.py``).
"""

from __future__ import annotations

import struct
from array import array
from typing import NamedTuple, NoReturn

from crc32c import crc32c

from anabranch.errors import Corrupt
from anabranch.records import _compact
from anabranch.records.compression import Codec, compress
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
from anabranch.records.record import RECORD_BYTES_MIN

_PREFIX = struct.Struct(">qiibI")  # base offset, length, leader epoch, magic, crc
_COVERED = struct.Struct(">hiqqqhii")  # what the CRC covers, up to the records
assert _PREFIX.size + _COVERED.size == BATCH_OVERHEAD and _PREFIX.size == ATTRIBUTES_AT

_MOVED_BYTES_MAX = 16  # what a record may grow by when its timestamp counts from elsewhere
_INT64_MAX = 2**63 - 1


class Table(NamedTuple):
    """Newest offsets by hash of the key; see the kernel. The arrays have one length, a power of two."""

    lows: array[int]
    highs: array[int]
    offsets: array[int]


class Judged(NamedTuple):
    """Which records of a batch stay."""

    kept: int
    markers: int  # delete markers among them
    latest: int  # their largest timestamp delta
    runs: array[int]  # start and end of each run of them in the batch's payload
    found: int  # how many runs


NONE_KEPT = Judged(0, 0, 0, array("q"), 0)


class Filled(NamedTuple):
    """How far a batch's keys were put into a table."""

    position: int  # in the payload
    record: int  # number of the next one
    added: int  # keys that were new
    full: bool


def cells() -> array[int]:
    """What a call of the kernel works in."""
    return array("q", bytes(8 * _compact.CELLS))


def horizon_of(header: BatchHeader) -> int | None:
    """When the delete markers of the batch may go, in ms; None if no compaction has seen them yet."""
    return header.base_timestamp if header.attributes & DELETE_HORIZON else None


def fill(
    table: Table,
    data: memoryview,
    header: BatchHeader,
    *,
    start: int,
    room: int,
    position: int = 0,
    record: int = 0,
) -> Filled:
    """Put the keys of the batch whose payload is ``data`` into ``table``: see the kernel. Raises Corrupt."""
    if not header.record_count:
        return Filled(0, 0, 0, False)
    _check_count(data, header)
    position, record, added, state = _compact.fill(
        data,
        position,
        record,
        header.record_count,
        header.base_offset,
        start,
        *table,
        room,
        cells(),
    )
    if state == _compact.MALFORMED:
        _raise(header)
    return Filled(position, record, added, state == _compact.FULL)


def judge(
    table: Table, data: memoryview, header: BatchHeader, *, end: int, drop_markers: bool
) -> Judged:
    """Which records of the batch whose payload is ``data`` stay: see the kernel. Raises Corrupt."""
    if not header.record_count:
        return NONE_KEPT
    _check_count(data, header)
    runs = array("q", bytes(8 * (header.record_count + 2)))
    kept, markers, latest, found, state = _compact.judge(
        data, header.record_count, header.base_offset, end, *table, drop_markers, runs, cells()
    )
    if state == _compact.MALFORMED:
        _raise(header)
    return Judged(kept, markers, latest, runs, found)


def thinned(
    header: BatchHeader,
    data: memoryview,
    judged: Judged,
    *,
    horizon_ms: int | None = None,
) -> bytes:
    """The batch with the records that stay, maybe none; ``horizon_ms`` gives it a delete horizon.

    Compressed as it was. An empty batch has no timestamp and no codec. Raises Corrupt for timestamps that
    do not fit their field.
    """
    attributes, base_timestamp = header.attributes, header.base_timestamp
    moved = 0
    if horizon_ms is not None:
        moved = base_timestamp - horizon_ms
        attributes, base_timestamp = attributes | DELETE_HORIZON, horizon_ms
    if not judged.kept:
        attributes &= ~CODEC_MASK
        max_timestamp = NO_TIMESTAMP
    elif header.log_append_time:
        max_timestamp = header.max_timestamp
    else:
        max_timestamp = header.base_timestamp + judged.latest
    covered = _COVERED.pack(
        attributes,
        header.last_offset_delta,
        base_timestamp,
        min(max(max_timestamp, -_INT64_MAX), _INT64_MAX),
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        judged.kept,
    ) + compress(
        attributes & CODEC_MASK if judged.kept else Codec.NONE, _body(header, data, judged, moved)
    )
    length = _PREFIX.size + len(covered) - LOG_OVERHEAD
    return (
        _PREFIX.pack(
            header.base_offset, length, header.partition_leader_epoch, MAGIC, crc32c(covered)
        )
        + covered
    )


def _body(header: BatchHeader, data: memoryview, judged: Judged, moved: int) -> memoryview:
    if not judged.kept:
        return memoryview(b"")
    runs = judged.runs
    size = sum(runs[2 * number + 1] - runs[2 * number] for number in range(judged.found))
    out = bytearray(size + (_MOVED_BYTES_MAX * judged.kept if moved else 0))
    if not -_INT64_MAX <= moved <= _INT64_MAX:
        _raise(header)
    size = _compact.copy(data, runs, judged.found, moved, out, cells())
    if size < 0:
        _raise(header)
    return memoryview(out)[:size]


def _check_count(data: memoryview, header: BatchHeader) -> None:
    if header.record_count * RECORD_BYTES_MIN > len(data):  # bounds what is allocated for them
        _raise(header)


def _raise(header: BatchHeader) -> NoReturn:
    raise Corrupt(f"batch at offset {header.base_offset}: its records do not end where they should")
