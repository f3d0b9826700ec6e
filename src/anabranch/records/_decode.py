# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: annotation_typing=False
"""The decode kernel: many record batches into the buffers of Arrow arrays.

One file, two lives. With a C compiler at installation Cython compiles it, with the types of
``_decode.pxd`` beside it; without one Python runs it as it stands, a thousand times slower and to
the same bytes. It knows neither Arrow nor pyarrow; ``kernel.py`` calls it.

``walk`` turns headers into a plan of what to decode. ``decode`` runs twice over the same plan:
without ``out`` it checks and counts, so that the caller can allocate exactly; with ``out`` it
copies. Every varint is read against the end of its record and every length compared with what is
left, so no input leads outside the buffers, whatever its bytes. The input must not be changed
between the two runs.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

try:
    import cython
except ImportError:
    from anabranch.records import _cython as cython

COMPILED: bool = cython.compiled

_INT64_MAX = 2**63 - 1
_INT64_MIN = -_INT64_MAX - 1
_INT64 = struct.Struct("=q")
_INT32 = struct.Struct("=i")


def walk(blob: Any, pos: int, budget: int, low: int, high: int, rows: Any) -> tuple[int, int, int]:
    """Plan the plain batches from ``pos`` on: header sound, whole, not compressed.

    Those without offsets in ``[low, high)`` and control batches are passed over. It stops before the
    first batch that is not plain, when ``rows`` (see ``plan`` below) is full, or when the batches in
    it reach ``budget`` bytes. What is not plain is for the caller to parse, and to complain about.

    Returns the rows written, the position after the last batch that was walked over, and the bytes
    of records that the rows name.
    """
    source = cython.address(blob[0]) if cython.compiled else blob
    limit = len(blob)
    capacity = len(rows) // 8
    found = taken = 0
    with cython.nogil:
        while limit - pos >= 61 and found < capacity and taken < budget:
            size = 12 + _int32(source, pos + 8)
            attributes = source[pos + 22]  # the low byte; no bit of the high one is in use
            base_offset = _int64(source, pos)
            deltas = _int32(source, pos + 23)
            count = _int32(source, pos + 57)
            if (
                source[pos + 16] != 2
                or size < 61
                or size > limit - pos
                or attributes & 7
                or deltas < 0
                or count < 0
                or count > deltas + 1
                or count > (size - 61) // 7
                or base_offset < 0
                or base_offset >= _INT64_MAX - deltas
            ):
                break
            if not attributes & 0x20 and base_offset < high and base_offset + deltas >= low:
                row = 8 * found
                rows[row] = 0
                rows[row + 1] = pos + 61
                rows[row + 2] = pos + size
                rows[row + 3] = count
                rows[row + 4] = base_offset
                rows[row + 5] = deltas
                rows[row + 6] = _int64(source, pos + (35 if attributes & 8 else 27))
                rows[row + 7] = 1 if attributes & 8 else 0
                found += 1
                taken += size - 61
            pos += size
    return found, pos, taken


def decode(
    blob: Any,
    inflated: Any,
    plan: Any,
    low: int,
    high: int,
    before: Any,
    out: Any,
    layout: Sequence[int] | Any,
    wide: bool,
) -> tuple[int, ...]:
    """Check and count the records of ``plan`` with offsets in ``[low, high)``, or copy them too.

    Args:
        blob: bytes of whole batches.
        inflated: what the compressed ones hold, one after the other.
        plan: eight int64 per batch: source (0 blob, 1 inflated), start and end of its records there,
            record count, base offset, last offset delta, timestamp, and whether that is the
            timestamp of all records (1) or the one their deltas count from (0).
        low: lowest offset wanted.
        high: offset to stop before.
        before: nine int64, the counts that an earlier call returned (or zeros): this call goes on
            from there, so that a blob can be worked through in pieces that fit the cache.
        out: one buffer for everything that is copied, or empty in order to count only.
        layout: where in ``out`` things go: offsets, timestamps, then bitmap, offsets, data of keys
            and of values, list offsets of headers, offsets and data of their names, bitmap, offsets,
            data of their contents. A bitmap at -1 has no nulls to note; the others start as zeros.
        wide: whether offsets of variable-sized data are int64 instead of int32.

    Returns the counts: rows, key bytes, null keys, value bytes, null values, headers, name bytes, content bytes,
    null contents; then the index in ``plan`` of the batch that is malformed, or -1, and the index of
    its record (the record count if all that is wrong is bytes after the last).
    """
    number = 0
    cell = cython.address(number) if cython.compiled else [0]
    blob_at = cython.address(blob[0]) if cython.compiled else blob
    inflated_at = cython.address(inflated[0]) if cython.compiled else inflated
    target = cython.address(out[0]) if cython.compiled else out
    filling = len(out) > 0
    offsets_at = times_at = list_ends_at = 0
    key_bits_at = key_ends_at = key_data_at = 0
    value_bits_at = value_ends_at = value_data_at = 0
    name_ends_at = name_data_at = 0
    content_bits_at = content_ends_at = content_data_at = 0
    if filling:
        offsets_at, times_at = layout[0], layout[1]
        key_bits_at, key_ends_at, key_data_at = layout[2], layout[3], layout[4]
        value_bits_at, value_ends_at, value_data_at = layout[5], layout[6], layout[7]
        list_ends_at, name_ends_at, name_data_at = layout[8], layout[9], layout[10]
        content_bits_at, content_ends_at, content_data_at = layout[11], layout[12], layout[13]

    rows = before[0]
    key_bytes, key_nulls, value_bytes, value_nulls = before[1], before[2], before[3], before[4]
    headers, name_bytes = before[5], before[6]
    content_bytes, content_nulls = before[7], before[8]
    failed_batch = failed_record = -1
    batches = len(plan) // 8

    with cython.nogil:
        for batch in range(batches):
            row = 8 * batch
            source = inflated_at if plan[row] else blob_at
            pos = plan[row + 1]
            end = plan[row + 2]
            count = plan[row + 3]
            base_offset = plan[row + 4]
            last_delta_max = plan[row + 5]
            base_time = plan[row + 6]
            one_time = plan[row + 7]
            last_delta = -1

            for index in range(count):
                # A failed step makes pos -1 and stays so through all that follow; one test below
                # sees it. Until then no length that was read is used.
                pos = _varint(source, pos, end, cell)
                stop = _skip(pos, cell[0], end)
                if stop <= pos:  # also when either is -1: a record is not empty
                    failed_record = index
                    break
                pos = _varint(source, pos + 1, stop, cell)  # one byte of attributes, unused
                time_delta = cell[0]
                pos = _varint(source, pos, stop, cell)
                delta = cell[0]
                key_at = _varint(source, pos, stop, cell)
                key = cell[0]
                value_at = _varint(source, _skip(key_at, key, stop), stop, cell)
                value = cell[0]
                pos = _varint(source, _skip(value_at, value, stop), stop, cell)
                header_count = cell[0]
                if pos < 0 or delta <= last_delta or delta > last_delta_max:
                    failed_record = index
                    break
                if header_count < 0 or header_count > stop - pos:
                    failed_record = index
                    break
                time = base_time
                if not one_time:
                    if (time_delta > 0 and base_time > _INT64_MAX - time_delta) or (
                        time_delta < 0 and base_time < _INT64_MIN - time_delta
                    ):
                        failed_record = index
                        break
                    time = base_time + time_delta
                last_delta = delta
                offset = base_offset + delta
                wanted = low <= offset and offset < high

                for _ in range(header_count):
                    name_at = _varint(source, pos, stop, cell)
                    name = cell[0]
                    content_at = _varint(source, _skip(name_at, name, stop), stop, cell)
                    content = cell[0]
                    pos = _skip(content_at, content, stop)
                    if pos < 0 or name < 0:
                        pos = -1
                        break
                    if not wanted:
                        continue
                    if filling:
                        _copy(target, name_data_at + name_bytes, source, name_at, name)
                        _put(target, name_ends_at, headers + 1, wide, name_bytes + name)
                        if content >= 0:
                            _copy(
                                target, content_data_at + content_bytes, source, content_at, content
                            )
                            if content_bits_at >= 0:
                                _set_bit(target, content_bits_at, headers)
                            _put(
                                target, content_ends_at, headers + 1, wide, content_bytes + content
                            )
                        else:
                            _put(target, content_ends_at, headers + 1, wide, content_bytes)
                    headers += 1
                    name_bytes += name
                    if content >= 0:
                        content_bytes += content
                    else:
                        content_nulls += 1
                if pos != stop:
                    failed_record = index
                    break
                if not wanted:
                    continue

                if filling:
                    _put64(target, offsets_at + 8 * rows, offset)
                    _put64(target, times_at + 8 * rows, time)
                    if key > 0:
                        _copy(target, key_data_at + key_bytes, source, key_at, key)
                    if key >= 0 and key_bits_at >= 0:
                        _set_bit(target, key_bits_at, rows)
                    if value > 0:
                        _copy(target, value_data_at + value_bytes, source, value_at, value)
                    if value >= 0 and value_bits_at >= 0:
                        _set_bit(target, value_bits_at, rows)
                if key >= 0:
                    key_bytes += key
                else:
                    key_nulls += 1
                if value >= 0:
                    value_bytes += value
                else:
                    value_nulls += 1
                rows += 1
                if filling:
                    _put(target, key_ends_at, rows, wide, key_bytes)
                    _put(target, value_ends_at, rows, wide, value_bytes)
                    _put(target, list_ends_at, rows, wide, headers)

            if failed_record < 0 and pos != end:
                failed_record = count
            if failed_record >= 0:
                failed_batch = batch
                break

    return (
        rows,
        key_bytes,
        key_nulls,
        value_bytes,
        value_nulls,
        headers,
        name_bytes,
        content_bytes,
        content_nulls,
        failed_batch,
        failed_record,
    )


def _int64(source: Any, at: int) -> int:
    if not cython.compiled:
        return int.from_bytes(source[at : at + 8], "big", signed=True)
    value = 0
    for index in range(8):
        value = value << 8 | source[at + index]
    return value


def _int32(source: Any, at: int) -> int:
    if not cython.compiled:
        return int.from_bytes(source[at : at + 4], "big", signed=True)
    value: int = source[at] << 24 | source[at + 1] << 16 | source[at + 2] << 8 | source[at + 3]
    return value


def _varint(source: Any, pos: int, stop: int, cell: Any) -> int:
    """Reads a zigzag varint of at most 64 bits into ``cell``; the position after it, or -1."""
    if pos < 0:
        return -1
    raw = 0
    shift = 0
    while pos < stop:
        byte = source[pos]
        pos += 1
        raw |= (byte & 0x7F) << shift
        if byte < 0x80:
            if shift == 63 and byte > 1:
                return -1
            cell[0] = (raw >> 1) ^ -(raw & 1)
            return pos
        shift += 7
        if shift > 63:
            return -1
    return -1


def _skip(pos: int, size: int, stop: int) -> int:
    """The position after ``size`` bytes (none if -1, which is null), or -1 if they are not there."""
    if pos < 0 or size < -1 or size > stop - pos:
        return -1
    return pos if size < 0 else pos + size


def _copy(target: Any, at: int, source: Any, start: int, size: int) -> None:
    if cython.compiled:
        memcpy(target + at, source + start, size)  # type: ignore[name-defined]  # noqa: F821
    else:
        target[at : at + size] = source[start : start + size]


def _put64(target: Any, at: int, value: int) -> None:
    if cython.compiled:
        cython.cast(int64_p, target + at)[0] = value  # type: ignore[name-defined]  # noqa: F821
    else:
        _INT64.pack_into(target, at, value)


def _put(target: Any, at: int, index: int, wide: bool, value: int) -> None:
    """Writes entry ``index`` of the offsets at ``at``."""
    if wide:
        _put64(target, at + 8 * index, value)
    elif cython.compiled:
        cython.cast(int32_p, target + at)[index] = value  # type: ignore[name-defined]  # noqa: F821
    else:
        _INT32.pack_into(target, at + 4 * index, value)


def _set_bit(target: Any, at: int, index: int) -> None:
    target[at + (index >> 3)] |= 1 << (index & 7)
