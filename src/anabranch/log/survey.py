"""What of an extent can be read, batch by batch: the way around damage.

Readers that only want to know whether all is well stream through an extent and stop at the first fault.
Whoever must go on behind it (quarantine, an operator's skip, a rebuild of state that may leave holes)
surveys it: every byte and every offset of the extent comes up exactly once, in a good batch or in a damaged
range. Nothing that a damaged batch says of itself is trusted: a damaged range ends where the next batch
begins that is whole, found behind the damaged one or where the object's index says that a batch starts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from anabranch.errors import Corrupt
from anabranch.log.extents import CHUNK_BYTES, ExtentReader
from anabranch.metastore.api import NO_TIMESTAMP, Extent, GapCause, NewExtent, ObjectKind
from anabranch.records.batch import BATCH_OVERHEAD, BatchHeader, crc_matches, parse_header, scan
from anabranch.records.header import unpack_header
from anabranch.records.kernel import check_records
from anabranch.records.runs import place_offsets
from anabranch.storage.store import NotFound

UNKNOWN_RECORDS = -1
SEARCHES_MAX = (
    10_000  # places looked at behind a damaged batch; each costs a look at a header, few a CRC
)
_AS_PRODUCED = bytes(
    8
)  # a batch in the WAL begins with the base offset that its producer gave it: zero


class Piece(NamedTuple):
    """Part of an extent: a good batch, or a damaged range and why it is.

    ``data`` is a good batch with its final offsets. ``records`` of damage is -1 where nobody knows.
    """

    good: bool
    start: int  # bytes into the extent
    length: int
    base_offset: int
    last_offset: int
    records: int
    max_timestamp: int
    cause: GapCause = GapCause.CORRUPT
    detail: str = ""
    data: memoryview | None = None


Judge = Callable[[memoryview, BatchHeader], None]
"""Raises Corrupt for a batch that is whole and still no good; the header's position is in the buffer."""


def decodable(buf: memoryview, header: BatchHeader) -> None:
    """Raises Corrupt for a batch whose records cannot be decoded, which its CRC says nothing about."""
    if header.record_count:
        check_records(buf, header)


def survey(
    reader: ExtentReader,
    extent: Extent,
    *,
    from_offset: int | None = None,
    judge: Judge | None = None,
) -> Iterator[Piece]:
    """The pieces of ``extent`` in offset order, damaged ones joined; from about ``from_offset`` on.

    Raises StoreFault if the bytes cannot be had now. What is not there is lost.
    """
    if extent.kind is ObjectKind.QUARANTINE:
        pieces: Iterator[Piece] = iter(
            [_all(extent, "it read back wrong when it was to be merged")]
        )
    elif extent.kind is ObjectKind.WAL:
        pieces = _in_wal(reader, extent)
    else:
        pieces = _Walk(reader, extent).pieces(from_offset)
    damage: Piece | None = None
    for piece in pieces:
        judged = _judged(piece, judge) if judge is not None and piece.good else piece
        if judged.good:
            if damage is not None:
                yield damage
            damage = None
            yield judged
        else:
            damage = judged if damage is None else _joined_damage(damage, judged)
    if damage is not None:
        yield damage


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Neighbours of one kind as one piece without data, tiling what ``pieces`` cover."""
    found: list[Piece] = []
    for piece in pieces:
        if found and found[-1].good is piece.good:
            one = found.pop()
            piece = one._replace(
                length=one.length + piece.length,
                last_offset=piece.last_offset,
                records=_sum(one.records, piece.records),
                max_timestamp=max(one.max_timestamp, piece.max_timestamp),
            )
        found.append(piece._replace(data=None))
    return found


def part_of(extent: Extent, piece: Piece) -> NewExtent:
    """The row of a part of ``extent``, in the same object."""
    return NewExtent(
        base_offset=piece.base_offset,
        last_offset=piece.last_offset,
        position=extent.position + piece.start,
        length=piece.length,
        records=max(0, piece.records),
        # What a damaged header says of time is worth nothing; the extent's own word bounds it.
        max_timestamp=piece.max_timestamp if piece.good else extent.max_timestamp,
        appended_ms=extent.appended_ms,
        leader_epoch=extent.leader_epoch,
    )


def wal_pieces(data: memoryview, extent: Extent) -> list[Piece]:
    """Each batch of an extent's bytes, as the WAL holds them, and whether its CRC is right.

    A batch's offsets follow from those before it. Behind one whose header is damaged they follow from the
    extent's end, if the batches that lead there can be found: where the damaged one claims to end, or where
    a batch with a right CRC begins and what is left of the offsets is what the damaged one says it has.
    Otherwise all from the damaged one on is one piece.
    """
    pieces: list[Piece] = []
    offset, position = extent.base_offset, 0
    whole = _chain(data, 0, extent)
    if whole is not None and _offsets(whole) == extent.last_offset + 1 - offset:
        for header in whole:
            pieces.append(_wal_piece(data, header, offset, extent.leader_epoch))
            offset += header.last_offset_delta + 1
        return pieces
    while (sound := _sound(data, position, extent.last_offset + 1 - offset)) is not None:
        pieces.append(_wal_piece(data, sound, offset, extent.leader_epoch))
        offset += sound.last_offset_delta + 1
        position = sound.end
    why = "the headers of its batches do not add up to what the metastore names"
    if position == len(data):
        return [_all(extent, why)]
    behind = _behind_damage(data, position, offset, extent)
    first = extent.last_offset + 1 - _offsets(behind)
    end = behind[0].position if behind else extent.length
    if not pieces and not behind:
        return [_all(extent, why)]
    damage = Piece(
        *(False, position, end - position, offset, first - 1),
        *(UNKNOWN_RECORDS, NO_TIMESTAMP, GapCause.CORRUPT, why),
    )
    pieces.append(damage)
    for header in behind:
        pieces.append(_wal_piece(data, header, first, extent.leader_epoch))
        first += header.last_offset_delta + 1
    return pieces


def _sound(data: memoryview, position: int, room: int) -> BatchHeader | None:
    """The batch that begins there, if it is whole and its CRC right, with no more than ``room`` offsets."""
    try:
        header = parse_header(data, position)
    except Corrupt:
        return None
    fits = header.end <= len(data) and header.last_offset_delta < room
    return header if fits and crc_matches(data, header) else None


def _chain(data: memoryview, position: int, extent: Extent) -> list[BatchHeader] | None:
    """The batches from there to the extent's end; None if their headers do not lead there."""
    try:
        headers = list(scan(data[position:]))
    except Corrupt:
        return None
    end = headers[-1].end if headers else 0
    if not headers or position + end != extent.length:
        return None
    return [header._replace(position=position + header.position) for header in headers]


def _offsets(headers: Iterable[BatchHeader]) -> int:
    return sum(header.last_offset_delta + 1 for header in headers)


def _behind_damage(
    data: memoryview, position: int, offset: int, extent: Extent
) -> list[BatchHeader]:
    """The batches behind the damaged one at ``position``, whose first offset is ``offset``; none if they
    cannot be told."""
    room = extent.last_offset - offset  # offsets, with one for the damaged batch at least
    if len(data) - position < BATCH_OVERHEAD:
        return []
    claimed = unpack_header(data, position)
    if position + BATCH_OVERHEAD <= claimed.end < len(data):
        chain = _chain(data, claimed.end, extent)
        if chain is not None and _offsets(chain) <= room:
            return chain
    if not 0 <= claimed.last_offset_delta < room:
        return []
    # Its length is wrong. Nothing in its bytes passes for a batch by chance, but a record may hold one.
    start = position + BATCH_OVERHEAD
    blob = bytes(data)
    for _ in range(SEARCHES_MAX):
        start = blob.find(_AS_PRODUCED, start)
        if start < 0:
            break
        chain = _chain(data, start, extent) if _sound(data, start, room) is not None else None
        if chain is not None and _offsets(chain) == room - claimed.last_offset_delta:
            return chain
        start += 1
    return []


def _wal_piece(data: memoryview, header: BatchHeader, offset: int, epoch: int) -> Piece:
    good = crc_matches(data, header)
    placed = bytearray(data[header.position : header.end])
    place_offsets(placed, offset, epoch)
    return Piece(
        good,
        header.position,
        header.size,
        offset,
        offset + header.last_offset_delta,
        header.record_count,
        header.max_timestamp,
        detail="" if good else "the CRC-32C of a batch does not match",
        data=memoryview(placed) if good else None,
    )


def _in_wal(reader: ExtentReader, extent: Extent) -> Iterator[Piece]:
    try:
        yield from wal_pieces(memoryview(reader.raw(extent)), extent)
    except NotFound as gone:
        yield _all(extent, str(gone), GapCause.LOST_OBJECT)
    except Corrupt as short:
        yield _all(extent, str(short))


def _all(extent: Extent, detail: str, cause: GapCause = GapCause.CORRUPT) -> Piece:
    return Piece(
        False,
        0,
        extent.length,
        extent.base_offset,
        extent.last_offset,
        extent.records,
        extent.max_timestamp,
        cause,
        detail,
    )


def _judged(piece: Piece, judge: Judge) -> Piece:
    assert piece.data is not None
    try:
        judge(piece.data, parse_header(piece.data))
    except Corrupt as corrupt:
        return piece._replace(good=False, data=None, detail=str(corrupt))
    return piece


def _joined_damage(one: Piece, other: Piece) -> Piece:
    return one._replace(
        length=one.length + other.length,
        last_offset=other.last_offset,
        records=_sum(one.records, other.records),
        max_timestamp=max(one.max_timestamp, other.max_timestamp),
    )


def _sum(one: int, other: int) -> int:
    return UNKNOWN_RECORDS if min(one, other) < 0 else one + other


class _Walk:
    """Over an extent of a segment or pack, whose batches carry their own offsets."""

    def __init__(self, reader: ExtentReader, extent: Extent) -> None:
        self._reader = reader
        self._extent = extent
        self._starts: list[tuple[int, int]] = []  # (position, offset) of batches, by the index
        self._offsets: dict[int, int] = {}  # the same
        self._at = 0  # position of the window in the extent
        self._window = memoryview(b"")

    def pieces(self, from_offset: int | None) -> Iterator[Piece]:
        extent, end = self._extent, self._extent.length
        self._starts = self._reader.batch_starts(extent)
        self._offsets = dict(self._starts)
        position, expected = 0, extent.base_offset
        if from_offset is not None:
            for start, offset in self._starts:
                if offset <= from_offset and offset >= expected:
                    position, expected = start, offset
        while position < end:
            try:
                found = self._batch(position, expected)
                if isinstance(found, Piece):
                    yield found
                    position, expected = position + found.length, found.last_offset + 1
                    continue
                behind, piece = self._behind(position, expected)
            except NotFound as gone:
                yield self._damage(
                    position, end, expected, extent.last_offset, str(gone), GapCause.LOST_OBJECT
                )
                return
            last = extent.last_offset if piece is None else piece.base_offset - 1
            yield self._damage(position, behind, expected, last, found)
            position, expected = behind, last + 1

    def _behind(self, position: int, expected: int) -> tuple[int, Piece | None]:
        """Where the next good batch begins, or the end: a step goes where a batch claims to end, if that
        may be, or else to the next place where one is known to begin."""
        while True:
            bound = self._bound(position)
            try:
                claimed = position + parse_header(self._bytes(position, BATCH_OVERHEAD)).size
            except Corrupt:
                claimed = bound
            position = min(claimed, bound)
            if position >= self._extent.length or not self._bytes(position, 1):
                return self._extent.length, None
            piece = self._batch(position, expected + 1)
            if isinstance(piece, Piece):
                return position, piece

    def _bound(self, position: int) -> int:
        """No batch that begins at ``position`` reaches over it: a wrong length costs no memory."""
        index = bisect_right(self._starts, position, key=lambda start: start[0])
        return self._starts[index][0] if index < len(self._starts) else self._extent.length

    def _batch(self, position: int, expected: int) -> Piece | str:
        """The batch there if it is good, else what is wrong with it."""
        extent = self._extent
        try:
            header = parse_header(self._bytes(position, BATCH_OVERHEAD))
        except Corrupt:
            return "the header of a batch is malformed"
        if header.size > self._bound(position) - position:
            return "a batch reaches beyond what it may"
        if header.base_offset < expected or header.last_offset > extent.last_offset:
            return f"a batch has offset {header.base_offset}, where {expected} was to come"
        known = self._offsets.get(position, header.base_offset)  # its CRC does not cover it
        if header.base_offset != known:
            return f"a batch has offset {header.base_offset}, by the index it is {known}"
        data = self._bytes(position, header.size)
        if len(data) < header.size:
            return "it is cut short"
        header = parse_header(data)
        if not crc_matches(data, header):
            return "the CRC-32C of a batch does not match"
        return Piece(
            True,
            position,
            header.size,
            header.base_offset,
            header.last_offset,
            header.record_count,
            header.max_timestamp,
            data=data,
        )

    def _damage(
        self,
        start: int,
        end: int,
        first: int,
        last: int,
        detail: str,
        cause: GapCause = GapCause.CORRUPT,
    ) -> Piece:
        extent = self._extent
        whole = (first, last) == (extent.base_offset, extent.last_offset)
        records = extent.records if whole else UNKNOWN_RECORDS
        return Piece(False, start, end - start, first, last, records, NO_TIMESTAMP, cause, detail)

    def _bytes(self, position: int, length: int) -> memoryview:
        """Up to ``length`` bytes from ``position`` on: less at the end of what there is."""
        if not self._at <= position <= self._at + len(self._window) - length:
            want = min(max(length, CHUNK_BYTES), self._extent.length - position)
            self._at = position
            self._window = memoryview(self._reader.raw(self._extent, position, want))
        start = position - self._at
        return self._window[start : start + length]
