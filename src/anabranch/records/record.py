"""Records inside a v2 batch, decoded one at a time in plain Python.

For single batches: time lookups, dumps, tests. Whole blobs go through the kernel (``arrow.py``).
Source: KIP-98 and ``DefaultRecord``::

    length varint | attributes i8 | timestampDelta varlong | offsetDelta varint
    | keyLength varint | key | valueLength varint | value | headerCount varint | headers
    header: keyLength varint | key | valueLength varint | value

Varints are zigzag; a length of -1 is null, which a header's key cannot be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from anabranch.errors import Corrupt
from anabranch.records.compression import INFLATED_BYTES_MAX, Bytes, decompress
from anabranch.records.header import BatchHeader

RECORD_BYTES_MIN = 7  # seven fields of one byte each: no record is smaller
VARINT_BYTES_MAX = 10

Headers = tuple[tuple[str, bytes | None], ...]


class Record(NamedTuple):
    """One record. ``timestamp`` is in ms since the epoch, -1 where the producer gave none."""

    offset: int = 0
    timestamp: int = -1
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()


def payload(buf: Bytes, header: BatchHeader, *, limit: int = INFLATED_BYTES_MAX) -> memoryview:
    """The batch's records as they were before compression, at most ``limit`` bytes if compressed.

    Raises ``Corrupt``, also for a batch that ``buf`` does not hold whole.
    """
    if header.end > len(buf):
        raise Corrupt(f"batch at offset {header.base_offset} is cut short")
    body = memoryview(buf)[header.records_at : header.end]
    if header.codec == 0:
        return body
    try:
        return memoryview(decompress(header.codec, body, limit=limit))
    except Corrupt as error:
        raise Corrupt(f"batch at offset {header.base_offset}: {error}") from error


def iter_records(
    buf: Bytes, header: BatchHeader, *, limit: int = INFLATED_BYTES_MAX
) -> Iterator[Record]:
    """Decode the batch's records in order. ``limit`` caps what decompression may give, in bytes.

    Raises ``Corrupt`` naming the batch and the record for anything that is not exactly
    ``record_count`` records with offsets rising inside the batch. A header key that is not UTF-8 is
    decoded with replacement characters, as the Java consumer does.
    """
    data = payload(buf, header, limit=limit)
    pos, end = 0, len(data)
    last_delta = -1
    for index in range(header.record_count):
        try:
            size, pos = _varint(data, pos, end)
            stop = pos + size
            if size < 0 or stop > end:
                raise ValueError(f"length {size} where {end - pos} bytes are left")
            record, delta = _record(data, pos, stop, header)
            if not last_delta < delta <= header.last_offset_delta:
                raise ValueError(
                    f"offset delta {delta} after {last_delta} of {header.last_offset_delta}"
                )
        except ValueError as error:
            raise Corrupt(
                f"batch at offset {header.base_offset}, record {index}: {error}"
            ) from error
        yield record
        last_delta = delta
        pos = stop
    if pos != end:
        raise Corrupt(
            f"batch at offset {header.base_offset}: {end - pos} bytes after its last record"
        )


def find_timestamp(
    buf: Bytes,
    header: BatchHeader,
    target_ms: int,
    *,
    from_offset: int = 0,
    limit: int = INFLATED_BYTES_MAX,
) -> tuple[int, int] | None:
    """Offset and timestamp of the batch's first record at or after ``target_ms``, if there is one.

    Records before ``from_offset`` (a log start inside the batch) do not count. None is possible even
    if the header's max timestamp promises one: without LogAppendTime it is the producer's word.
    """
    if header.max_timestamp < target_ms or header.last_offset < from_offset:
        return None
    for record in iter_records(buf, header, limit=limit):
        if record.timestamp >= target_ms and record.offset >= from_offset:
            return record.offset, record.timestamp
    return None


def _record(data: memoryview, pos: int, stop: int, header: BatchHeader) -> tuple[Record, int]:
    if pos >= stop:
        raise ValueError("an empty record")
    pos += 1  # attributes: no bit is in use
    timestamp_delta, pos = _varint(data, pos, stop)
    offset_delta, pos = _varint(data, pos, stop)
    key, pos = _nullable(data, pos, stop)
    value, pos = _nullable(data, pos, stop)
    count, pos = _varint(data, pos, stop)
    if not 0 <= 2 * count <= stop - pos:
        raise ValueError(f"{count} headers in {stop - pos} bytes")
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        name, pos = _nullable(data, pos, stop)
        if name is None:
            raise ValueError("a header without a key")
        content, pos = _nullable(data, pos, stop)
        headers.append((name.decode("utf-8", "replace"), content))
    if pos != stop:
        raise ValueError(f"{stop - pos} bytes after its last field")
    if header.log_append_time:
        timestamp = header.max_timestamp
    else:
        timestamp = header.base_timestamp + timestamp_delta
        if not -(2**63) <= timestamp < 2**63:
            raise ValueError(f"timestamp {timestamp}")
    record = Record(header.base_offset + offset_delta, timestamp, key, value, tuple(headers))
    return record, offset_delta


def _nullable(data: memoryview, pos: int, stop: int) -> tuple[bytes | None, int]:
    size, pos = _varint(data, pos, stop)
    if size < 0:
        if size != -1:
            raise ValueError(f"length {size}")
        return None, pos
    if size > stop - pos:
        raise ValueError(f"length {size} where {stop - pos} bytes are left")
    return bytes(data[pos : pos + size]), pos + size


def _varint(data: memoryview, pos: int, stop: int) -> tuple[int, int]:
    """A zigzag varint of at most 64 bits and the position after it."""
    raw = shift = 0
    while pos < stop:
        byte = data[pos]
        pos += 1
        raw |= (byte & 0x7F) << shift
        if byte < 0x80:
            if raw >= 2**64:
                break
            return (raw >> 1) ^ -(raw & 1), pos
        shift += 7
        if shift == 7 * VARINT_BYTES_MAX:
            break
    raise ValueError("a varint without an end")
