"""Cutting an answer out of stored batches that lie in several blocks, without copying them.

The blocks of an object, laid one after the other, hold batches that know nothing of blocks. Within a
block the compiled kernel walks; a batch that reaches over a border is looked at here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crc32c import crc32c

from anabranch.errors import Corrupt
from anabranch.records import _scan
from anabranch.records.header import ATTRIBUTES_AT, BATCH_OVERHEAD, parse_header

ANY_SIZE = 2**62  # bytes: no limit


class Cut(NamedTuple):
    """Whole batches found, by positions in the blocks laid one after the other."""

    start: int  # -1: none
    end: int
    next_offset: int  # behind the last batch walked over; -1 if there was none
    position: int  # of the batch at which the walk ended, or the end
    needed: (
        int  # bytes of that batch, if its size is known; 0 at the end or in front of half a header
    )
    damage: str  # what is wrong with that batch; empty if nothing is

    @property
    def bytes(self) -> int:
        return self.end - self.start


def cut(
    blocks: Sequence[bytes | bytearray],
    start: int,
    end: int,
    offset: int,
    *,
    bytes_max: int,
    first_max: int,
    base: int = -1,
    low: int = -1,
    dense: bool = False,
    verify: bool = True,
) -> Cut:
    """The batches between ``start`` and ``end`` from the one that holds ``offset`` on, as long as they fit.

    All blocks but the last are of one size. The first batch may have ``first_max`` bytes, whatever
    ``bytes_max`` is; all together have at most ``bytes_max`` then. ``base``: the offset of the batch at
    ``start`` where headers do not say it (the WAL). Where they do, ``low`` is the lowest that the batch at
    ``start`` may have (-1: not known), and each begins behind the one before; ``dense``: directly behind
    it. ``verify`` checks the CRC-32C of what is taken.
    """
    size = len(blocks[0]) if blocks else 1
    found = found_end = at = -1
    if base >= 0:
        at = base
    pos = start
    while end - pos >= BATCH_OVERHEAD:
        taken = found_end - found if found >= 0 else 0
        first_room = first_max if found < 0 else bytes_max - taken
        number, inside = divmod(pos, size)
        stop = min(len(blocks[number]), end - number * size)
        if stop - inside >= BATCH_OVERHEAD:
            one, one_end, behind, walked, needed, damage = _scan.cut(
                blocks[number],
                inside,
                stop,
                offset,
                first_room,
                bytes_max if found < 0 else first_room,
                at if base >= 0 else _first(low, dense),
                verify,
            )
            if one >= 0:
                found = number * size + one if found < 0 else found
                found_end = number * size + one_end
                taken = found_end - found
                first_room = bytes_max - taken
            if walked > inside:
                at = low = behind
            pos = number * size + walked
            if damage:
                return Cut(found, found_end, at, pos, needed, _DAMAGE[damage])
            if end - pos < BATCH_OVERHEAD:
                break
            if needed and walked + needed <= stop:
                return Cut(found, found_end, at, pos, needed, "")  # too large for what is left
        try:
            header = parse_header(_gather(blocks, size, pos, pos + BATCH_OVERHEAD))
        except Corrupt as corrupt:
            return Cut(found, found_end, at, pos, 0, str(corrupt))
        if pos + header.size > end:
            return Cut(found, found_end, at, pos, header.size, "")
        if base < 0 <= low and (header.base_offset < low or (dense and header.base_offset != low)):
            return Cut(found, found_end, at, pos, header.size, _DAMAGE[_scan.WRONG_OFFSET])
        last_offset = (at if base >= 0 else header.base_offset) + header.last_offset_delta
        if last_offset >= offset:
            if header.size > first_room:
                return Cut(found, found_end, at, pos, header.size, "")
            if verify and _crc(blocks, size, pos + ATTRIBUTES_AT, pos + header.size) != header.crc:
                return Cut(found, found_end, at, pos, header.size, _DAMAGE[_scan.WRONG_CRC])
            found = pos if found < 0 else found
            found_end = pos + header.size
        pos += header.size
        at = low = last_offset + 1
    return Cut(found, found_end, at, pos, 0, "")


def views(blocks: Sequence[bytes | bytearray], start: int, end: int) -> list[memoryview]:
    """``start..end`` of the blocks laid one after the other, as views of them."""
    size = len(blocks[0])
    found = []
    while start < end:
        number, inside = divmod(start, size)
        view = memoryview(blocks[number])[inside : inside + end - start]
        found.append(view)
        start += len(view)
    return found


def place_offsets(run: bytearray, base_offset: int, leader_epoch: int) -> int:
    """Number the batches that fill ``run``, walked over by :func:`cut` before, from ``base_offset`` on.

    Returns the offset behind the last one.
    """
    return _scan.place(run, base_offset, leader_epoch)


_DAMAGE = {
    _scan.MALFORMED: "the header of a batch is malformed",
    _scan.WRONG_CRC: "the CRC-32C of a batch does not match",
    _scan.WRONG_OFFSET: "a batch has an offset that is another's",
}


def _first(low: int, dense: bool) -> int:
    """As the kernel is told it."""
    return -1 if low < 0 else -2 - 2 * low - dense


def _gather(blocks: Sequence[bytes | bytearray], size: int, start: int, end: int) -> bytes:
    return b"".join(views(blocks, start, end))


def _crc(blocks: Sequence[bytes | bytearray], size: int, start: int, end: int) -> int:
    crc = 0
    for view in views(blocks, start, end):
        crc = crc32c(view, crc)
    return crc
