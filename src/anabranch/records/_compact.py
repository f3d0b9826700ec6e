# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: annotation_typing=False
"""The compaction kernel: which record of a key is the newest, and batches without the others.

One file, two lives, as ``_decode.py``: compiled with the types of ``_compact.pxd`` it works without the
interpreter lock, so that compaction never stands in the way of appends; uncompiled it does the same more
slowly. ``thinning.py`` and ``log/offset_map.py`` call it.

A table of newest offsets is three arrays of one length, a power of two: the two halves of each key's hash,
and the newest offset, -1 in a slot that is free. Slots are tried one after the other from the one that the
hash's low half names. Every varint is read against the end of its record and every length compared with
what is left, so no input leads outside of the buffers, whatever its bytes.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

try:
    import cython
except ImportError:
    from anabranch.records import _cython as cython

COMPILED: bool = cython.compiled

DONE = 0  # states of fill and judge
FULL = 1
MALFORMED = 2

CELLS = 8  # int64 that a call works in: what ``_record`` finds
_INT32_MAX = 2**31 - 1
_INT64_MAX = 2**63 - 1
_INT64_MIN = -_INT64_MAX - 1


def fill(
    body: Any,
    pos: int,
    index: int,
    count: int,
    base: int,
    start: int,
    lows: Any,
    highs: Any,
    offsets: Any,
    room: int,
    cells: Any,
) -> tuple[int, int, int, int]:
    """Put the keys of a batch's records into the table, from record ``index`` at ``pos`` of ``body`` on.

    Records without a key and those below ``start`` are passed over. It stops in front of a record whose key
    is new once ``room`` new keys were put; the table must keep a free slot.

    Returns the position and index where it stopped, how many keys were new, and the state.
    """
    end = len(body)
    mask = len(offsets) - 1
    added = state = 0
    source = cython.address(body[0]) if cython.compiled else body
    low_at = cython.address(lows[0]) if cython.compiled else lows
    high_at = cython.address(highs[0]) if cython.compiled else highs
    offset_at = cython.address(offsets[0]) if cython.compiled else offsets
    cell = cython.address(cells[0]) if cython.compiled else cells
    with cython.nogil:
        while index < count:
            stop = _record(source, pos, end, cell)
            if stop < 0:
                state = 2
                break
            offset = base + cell[3]
            if cell[5] >= 0 and offset >= start:
                _hash(source, cell[4], cell[5], cell)
                at = _find(low_at, high_at, offset_at, mask, cell)
                if offset_at[at] == -1:
                    if added >= room:
                        state = 1
                        break
                    added += 1
                    low_at[at] = _word(cell[0])
                    high_at[at] = _word(cell[1])
                if offset > offset_at[at]:
                    offset_at[at] = offset
            pos = stop
            index += 1
    return pos, index, added, state


def judge(
    body: Any,
    count: int,
    base: int,
    end: int,
    lows: Any,
    highs: Any,
    offsets: Any,
    drop_markers: bool,
    runs: Any,
    cells: Any,
) -> tuple[int, int, int, int, int]:
    """Which of a batch's records stay: those without a key, those at or above ``end``, and each that no
    newer one in the table replaces, delete markers among them unless ``drop_markers``.

    ``runs`` gets the start and end in ``body`` of each run of records that stay; it has room for
    ``count + 2`` numbers. Returns how many records stay, how many of them are markers, their largest
    timestamp delta, how many runs there are, and the state.
    """
    limit = len(body)
    mask = len(offsets) - 1
    pos = kept = markers = found = state = 0
    latest = _INT64_MIN
    source = cython.address(body[0]) if cython.compiled else body
    low_at = cython.address(lows[0]) if cython.compiled else lows
    high_at = cython.address(highs[0]) if cython.compiled else highs
    offset_at = cython.address(offsets[0]) if cython.compiled else offsets
    run = cython.address(runs[0]) if cython.compiled else runs
    cell = cython.address(cells[0]) if cython.compiled else cells
    with cython.nogil:
        for _ in range(count):
            stop = _record(source, pos, limit, cell)
            if stop < 0:
                state = 2
                break
            offset = base + cell[3]
            stays = True
            if cell[5] >= 0 and offset < end:
                _hash(source, cell[4], cell[5], cell)
                newest = offset_at[_find(low_at, high_at, offset_at, mask, cell)]
                stays = newest <= offset and (cell[6] >= 0 or not drop_markers)
            if stays:
                kept += 1
                markers += cell[6] < 0
                if cell[2] > latest:
                    latest = cell[2]
                if found and run[2 * found - 1] == pos:
                    run[2 * found - 1] = stop
                else:
                    run[2 * found] = pos
                    run[2 * found + 1] = stop
                    found += 1
            pos = stop
    return kept, markers, latest, found, state


def copy(body: Any, runs: Any, found: int, moved: int, out: Any, cells: Any) -> int:
    """Write the records of the first ``found`` runs of ``body`` into ``out``, with ``moved`` ms added to
    each timestamp delta; ``out`` has room for 16 bytes more for each record. Returns how many bytes it
    wrote, or -1 if a timestamp delta does not fit 64 bits then."""
    size = 0
    source = cython.address(body[0]) if cython.compiled else body
    run = cython.address(runs[0]) if cython.compiled else runs
    target = cython.address(out[0]) if cython.compiled else out
    cell = cython.address(cells[0]) if cython.compiled else cells
    with cython.nogil:
        for number in range(found):
            pos = run[2 * number]
            end = run[2 * number + 1]
            if not moved:
                _copy(target, size, source, pos, end - pos)
                size += end - pos
                continue
            while pos < end:
                stop = _record(source, pos, end, cell)
                delta = cell[2]
                if (moved > 0 and delta > _INT64_MAX - moved) or (
                    moved < 0 and delta < _INT64_MIN - moved
                ):
                    size = -1
                    break
                delta += moved
                rest = cell[7]
                size = _put_varint(target, size, 1 + _width(delta) + stop - rest)
                target[size] = 0  # attributes: no bit is in use
                size = _put_varint(target, size + 1, delta)
                _copy(target, size, source, rest, stop - rest)
                size += stop - rest
                pos = stop
            if size < 0:
                break
    return size


def rehash(
    lows: Any, highs: Any, offsets: Any, new_lows: Any, new_highs: Any, new_offsets: Any
) -> None:
    """Move what is in one table into another, empty and larger one."""
    mask = len(new_offsets) - 1
    slots = len(offsets)
    low_at = cython.address(new_lows[0]) if cython.compiled else new_lows
    high_at = cython.address(new_highs[0]) if cython.compiled else new_highs
    offset_at = cython.address(new_offsets[0]) if cython.compiled else new_offsets
    old_low = cython.address(lows[0]) if cython.compiled else lows
    old_high = cython.address(highs[0]) if cython.compiled else highs
    old_offset = cython.address(offsets[0]) if cython.compiled else offsets
    with cython.nogil:
        for slot in range(slots):
            if old_offset[slot] != -1:
                at = old_low[slot] & mask
                while offset_at[at] != -1:
                    at = (at + 1) & mask
                low_at[at] = old_low[slot]
                high_at[at] = old_high[slot]
                offset_at[at] = old_offset[slot]


def newest(key: Any, size: int, lows: Any, highs: Any, offsets: Any, cells: Any) -> int:
    """The newest offset that was put for the first ``size`` bytes of ``key``, -1 if none was."""
    source = cython.address(key[0]) if cython.compiled else key
    low_at = cython.address(lows[0]) if cython.compiled else lows
    high_at = cython.address(highs[0]) if cython.compiled else highs
    offset_at = cython.address(offsets[0]) if cython.compiled else offsets
    cell = cython.address(cells[0]) if cython.compiled else cells
    mask = len(offsets) - 1
    _hash(source, 0, size, cell)
    found: int = offset_at[_find(low_at, high_at, offset_at, mask, cell)]
    return found


def _find(lows: Any, highs: Any, offsets: Any, mask: int, cell: Any) -> int:
    """The slot of the key whose hash is in ``cell``, or the free one where it would go."""
    low = _word(cell[0])
    high = _word(cell[1])
    at: int = low & mask
    while offsets[at] != -1 and (lows[at] != low or highs[at] != high):
        at = (at + 1) & mask
    return at


def _hash(source: Any, at: int, size: int, cell: Any) -> None:
    """BLAKE2b with 16 bytes, as two words in the first cells."""
    if cython.compiled:
        anabranch_blake2b_16(source + at, size, cell)  # type: ignore[name-defined]  # noqa: F821
    else:
        digest = blake2b(source[at : at + size], digest_size=16).digest()
        cell[0] = int.from_bytes(digest[:8], "little", signed=True)
        cell[1] = int.from_bytes(digest[8:], "little", signed=True)


def _word(value: int) -> int:
    """The 64 bits of a signed number as an unsigned one."""
    if cython.compiled:
        return value  # C's conversion
    else:
        return value & 0xFFFFFFFFFFFFFFFF


def _record(source: Any, pos: int, end: int, cell: Any) -> int:
    """Read the record at ``pos``; the position after it, or -1 if it does not end where it should.

    Cells from the third on: timestamp delta; offset delta; where the key is; its length; the value's length
    (both -1 for null); where the offset delta begins, which is what follows the timestamp.
    """
    pos = _varint(source, pos, end, cell)
    size = cell[0]
    if pos < 0 or size <= 0 or size > end - pos:
        return -1
    stop: int = pos + size
    rest = _varint(source, pos + 1, stop, cell)
    cell[2] = cell[0]
    pos = _varint(source, rest, stop, cell)
    cell[3] = cell[0]
    pos = _varint(source, pos, stop, cell)
    if pos < 0 or cell[3] < 0 or cell[3] > _INT32_MAX:
        return -1
    key = cell[0]
    if key > stop - pos:
        return -1
    cell[4] = pos
    cell[5] = key
    pos = _varint(source, pos + key if key > 0 else pos, stop, cell)
    if pos < 0 or cell[0] > stop - pos:
        return -1
    cell[6] = cell[0]
    cell[7] = rest
    return stop


def _varint(source: Any, pos: int, stop: int, cell: Any) -> int:
    """Reads a zigzag varint of at most 64 bits into the first cell; the position after it, or -1."""
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


def _put_varint(target: Any, at: int, value: int) -> int:
    """Write a zigzag varint; the position after it."""
    raw = _zigzag(value)
    while raw > 0x7F:
        target[at] = raw & 0x7F | 0x80
        raw >>= 7
        at += 1
    target[at] = raw
    return at + 1


def _width(value: int) -> int:
    """How many bytes a zigzag varint has."""
    raw = _zigzag(value)
    width = 1
    while raw > 0x7F:
        raw >>= 7
        width += 1
    return width


def _zigzag(value: int) -> int:
    if cython.compiled:
        return (value << 1) ^ (value >> 63)
    else:
        return value << 1 if value >= 0 else ~(value << 1)


def _copy(target: Any, at: int, source: Any, start: int, size: int) -> None:
    if cython.compiled:
        memcpy(target + at, source + start, size)  # type: ignore[name-defined]  # noqa: F821
    else:
        target[at : at + size] = source[start : start + size]
