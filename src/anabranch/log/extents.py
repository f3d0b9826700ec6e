"""From extents to batches: reads the bytes that an extent names and puts offsets in place.

Synchronous and thread-safe; callers bring their own threads. In the WAL a batch still carries the
producer's base offset, so its place follows from the extent and the batches before it; in a segment the
bytes are final. Either way, what leaves this module are whole batches with final offsets, checked
against the extent that names them.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from copy import copy
from threading import Lock
from typing import NamedTuple

from anabranch.errors import Corrupt, StoreFault
from anabranch.metastore.api import NO_TIMESTAMP, Extent, ObjectKind
from anabranch.records.batch import (
    BATCH_OVERHEAD,
    BatchHeader,
    crc_matches,
    parse_header,
    place,
    scan,
)
from anabranch.records.runs import ANY_SIZE, cut, place_offsets
from anabranch.storage.pack import PackIndex
from anabranch.storage.segment import SegmentIndex, index_key
from anabranch.storage.store import Store
from anabranch.storage.wal import WalReader
from anabranch.storage.wal_window import WindowedWal

logger = logging.getLogger(__name__)

CHUNK_BYTES = 4 * 1024 * 1024  # one read while streaming through an extent
INDEXES_MAX = 1024  # decoded segment indexes kept, if they are small
INDEX_ENTRIES_MAX = (
    64 * 1024
)  # kept in all indexes together, some 200 bytes each; at least one index
SHARE_ENTRIES = 3  # what a share of a pack takes in memory beside its entries, counted in entries
SKIP_SLACK_BYTES = 64 * 1024  # an index entry lies at most about this far before its batch
PLACED_RUN_BYTES = 256 * 1024  # an unsent answer keeps at most so much alive beside its own bytes


class Damaged(Corrupt):
    """Bytes that are there and are not what the extent says; ``offset`` is the first that cannot be read."""

    def __init__(self, extent: Extent, offset: int, what: str) -> None:
        super().__init__(f"{_where(extent)}, from offset {offset}: {what}")
        self.extent = extent
        self.offset = offset


class PlacedExtent(NamedTuple):
    """A WAL extent with final offsets, in runs of whole batches. ``bases[i]`` is the first offset of
    ``runs[i]``; what ``damage`` says is behind the last run."""

    bases: list[int]
    runs: list[bytearray]
    bytes: int
    damage: Damaged | None


class _Described(NamedTuple):
    """An index, and where in the object the bytes start that it describes."""

    content: SegmentIndex
    start: int

    def end_for(self, offset: int) -> int:
        """A byte of the object behind every batch that begins before ``offset``, where another begins."""
        entries = self.content.entries
        behind = bisect_left(entries, offset, key=lambda entry: entry.offset)
        return self.start + (
            entries[behind].position if behind < len(entries) else self.content.byte_length
        )

    def up_to_a_start(self, position: int, want: int) -> int:
        """About ``want`` bytes from ``position`` on that end where a batch begins: none is cut, to be read
        twice."""
        entries, at = self.content.entries, position - self.start
        found = bisect_right(entries, at + want, key=lambda entry: entry.position) - 1
        if found >= 0 and entries[found].position > at:
            return entries[found].position - at
        return want


class ExtentReader:
    """Reads extents from the WAL and the object store."""

    def __init__(self, store: Store, wal: WalReader) -> None:
        self._store = store
        self._wal = wal
        self._indexes: OrderedDict[str, SegmentIndex | PackIndex | None] = OrderedDict()
        self._index_entries = 0
        self._lock = Lock()

    def placed(self, extent: Extent) -> PlacedExtent:
        """A whole WAL extent (one flush's share, so of bounded size), every CRC checked.

        Raises:
            NotFound: the object is gone; the extent is stale or lost.
        """
        assert extent.kind is ObjectKind.WAL
        data = self._fetch(extent, extent.position, extent.length)
        bases: list[int] = []
        runs: list[bytearray] = []
        at, position, damage = extent.base_offset, 0, None
        while position < len(data):
            found = cut(
                [data],
                position,
                len(data),
                at,
                bytes_max=PLACED_RUN_BYTES,
                first_max=ANY_SIZE,
                base=at,
            )
            if found.start < 0:
                damage = Damaged(extent, at, found.damage or "it ends within a batch")
                break
            run = bytearray(data[found.start : found.end])
            behind = place_offsets(run, at, extent.leader_epoch)
            bases.append(at)
            runs.append(run)
            at, position = behind, found.end
        if damage is None and at != extent.last_offset + 1:
            damage = Damaged(extent, at, "it holds no more")
        return PlacedExtent(bases, runs, len(data), damage)

    def chunks(
        self,
        extent: Extent,
        *,
        start: int = 0,
        end_offset: int | None = None,
        verify: bool = False,
        chunk_bytes: int | None = None,
    ) -> Iterator[memoryview]:
        """Stream through an extent from ``start`` bytes into it, as runs of whole placed batches.

        With ``verify`` every batch's CRC is checked, as a reader that rewrites bytes must. ``start`` has to
        be the start of a batch, and zero for an extent in the WAL. ``chunk_bytes`` (default: 4 MiB) are read
        at a time, and no more than is needed for the offsets before ``end_offset``, as far as the index
        tells. Raises Corrupt at a batch that is no good, after the run that ends before it.
        """
        assert start == 0 or extent.kind.final
        _refuse_quarantined(extent)
        position, end = extent.position + start, extent.position + extent.length
        chunk_bytes = CHUNK_BYTES if chunk_bytes is None else chunk_bytes
        index = self._index(extent) if extent.length > chunk_bytes else None
        if index is not None and end_offset is not None:
            end = min(end, max(position, index.end_for(end_offset)))
        next_offset = extent.base_offset if not start or not extent.kind.final else -1
        want = chunk_bytes
        while position < end:
            if index is not None:
                want = index.up_to_a_start(position, want)
            want = min(want, end - position)
            data = self._fetch(extent, position, want)
            if extent.kind is ObjectKind.WAL:
                view = memoryview(bytearray(data))  # offsets are placed in it
            else:
                view = memoryview(data)
            whole = 0
            fault: Corrupt | None = None
            try:
                for header in _batches(view, extent):
                    if verify and not crc_matches(view, header):
                        where = f"{_where(extent)}: batch at byte {header.position}"
                        raise Corrupt(f"{where} has a wrong CRC")
                    if extent.kind is ObjectKind.WAL:
                        place(view, header.position, next_offset, extent.leader_epoch)
                        next_offset += header.last_offset_delta + 1
                    else:
                        next_offset = _behind(header, extent, next_offset)
                    whole = header.end
            except Corrupt as corrupt:
                fault = corrupt
            if whole:
                # The batch that was cut is read again with the next chunk: cheaper than copying this one.
                position += whole
                want = chunk_bytes
                yield view[:whole]
            if fault is not None:
                raise fault
            if whole:
                continue
            if want == end - position:
                raise Corrupt(f"{_where(extent)} ends within a batch")
            want = max(2 * want, _first_batch_bytes(view))
        if extent.kind is ObjectKind.WAL and next_offset != extent.last_offset + 1:
            raise Corrupt(f"{_where(extent)} holds offsets up to {next_offset - 1}")

    def over(self, run: Sequence[Extent]) -> ExtentReader:
        """For streaming through those extents of a run that lie in the WAL, many of them read at a time.
        For one thread; the run has to be durable already."""
        wanted = [
            (extent.object_key, extent.position, extent.length)
            for extent in run
            if extent.kind is ObjectKind.WAL
        ]
        if len(wanted) < 2:
            return self
        reader = copy(self)
        reader._wal = WindowedWal(self._wal, wanted)
        return reader

    def raw(self, extent: Extent, start: int = 0, length: int | None = None) -> bytes:
        """The extent's bytes as they lie there, judged by nobody; of an object in the store perhaps fewer
        than there should be. Raises NotFound; Corrupt if a WAL ends before them."""
        length = extent.length - start if length is None else length
        if extent.kind is ObjectKind.WAL:
            return self._fetch(extent, extent.position + start, length)
        return self._store.get(extent.object_key, extent.position + start, length)

    def batch_starts(self, extent: Extent) -> list[tuple[int, int]]:
        """Bytes into the extent at which batches begin, and their offsets, as far as the index knows."""
        found = self._index(extent, small=True)
        if found is None:
            return []
        starts = [
            (found.start + entry.position - extent.position, entry.offset)
            for entry in found.content.entries
        ]
        return [
            (position, offset)
            for position, offset in starts
            if 0 <= position < extent.length and extent.base_offset <= offset <= extent.last_offset
        ]

    def timestamp_position(self, extent: Extent, timestamp: int) -> int:
        """Bytes into the extent from where a batch with ``max_timestamp >= timestamp`` may be met."""
        found = self._index(extent)
        if found is None:
            return 0
        position = found.content.position_for_timestamp(timestamp)
        return extent.length if position is None else _within(extent, found.start + position)

    def offset_position(self, extent: Extent, offset: int) -> int:
        """Bytes into the extent to a batch that starts at or before ``offset``."""
        found = self._index(extent)
        if found is None:
            return 0
        return _within(extent, found.start + found.content.position_for_offset(offset))

    def start_for(self, extent: Extent, offset: int) -> tuple[int, int]:
        """As :meth:`offset_position`, with the offset of the batch there; -1: not known."""
        position = self.offset_position(extent, offset)
        if not position:
            return 0, extent.base_offset
        found = self._index(extent)
        if found is None:
            return position, -1
        at = position + extent.position - found.start
        entry = bisect_left(found.content.entries, at, key=lambda entry: entry.position)
        known = found.content.entries[entry : entry + 1]
        return position, known[0].offset if known and known[0].position == at else -1

    def max_timestamp_before(self, extent: Extent, start: int) -> int:
        """The largest timestamp in the extent's first ``start`` bytes, as its index knows it."""
        found = self._index(extent)
        if found is None or start == 0:
            return NO_TIMESTAMP
        position = extent.position + start - found.start
        return next(
            entry.max_timestamp_before
            for entry in found.content.entries
            if entry.position == position
        )

    def append_times(self, extent: Extent) -> list[tuple[int, int]]:
        """(offset, ms) pairs in offset order: from that offset on, appended at that time or later."""
        found = self._index(extent, small=True)
        if found is None:
            return [(extent.base_offset, extent.appended_ms)]
        return [
            (entry.offset, entry.appended_at_ms)
            for entry in found.content.entries
            if entry.offset <= extent.last_offset
        ]

    def describe(self, extent: Extent) -> SegmentIndex | None:
        """What the index object says of the segment or share in which the extent lies, if it is there."""
        found = self._index(extent, small=True)
        return None if found is None else found.content

    def indexed(self, extent: Extent) -> tuple[SegmentIndex, int] | None:
        """The index of an extent that is longer than reading all of it would be worth, and where in the object the
        bytes start that it describes."""
        return self._index(extent)

    # -- indexes ---------------------------------------------------------------------------------------
    def knows_index(self, extent: Extent) -> bool:
        """Whether positions in the extent are known without reading its index."""
        if not extent.kind.final or extent.length <= SKIP_SLACK_BYTES:
            return True
        with self._lock:
            return extent.object_key in self._indexes

    def _index(self, extent: Extent, *, small: bool = False) -> _Described | None:
        """The sparse index of the segment, or of the share of a pack; None (scan from the start) for the
        WAL, if it was lost, and, unless ``small``, for an extent that is read faster than its index."""
        if not extent.kind.final or (extent.length <= SKIP_SLACK_BYTES and not small):
            return None
        index = self._decoded(extent)
        if isinstance(index, PackIndex):
            share = index.share_at(extent.position)
            if share is None:
                logger.error("%s is not in the pack's index", _where(extent))
                return None
            return _Described(index.segment_index(share), share.position)
        return None if index is None else _Described(index, 0)

    def _decoded(self, extent: Extent) -> SegmentIndex | PackIndex | None:
        key = extent.object_key
        with self._lock:
            if key in self._indexes:
                self._indexes.move_to_end(key)
                return self._indexes[key]
        decode = PackIndex.decode if extent.kind is ObjectKind.PACK else SegmentIndex.decode
        try:
            index: SegmentIndex | PackIndex | None = decode(self._store.get(index_key(key)))
        except Corrupt as corrupt:
            logger.error("%s is read without its index: %s", key, corrupt)
            index = None
        except StoreFault as fault:
            if fault.retryable:
                raise
            index = None
        with self._lock:
            if key not in self._indexes:
                self._indexes[key] = index
                self._index_entries += _entries(index)
            while len(self._indexes) > INDEXES_MAX or (
                self._index_entries > INDEX_ENTRIES_MAX and len(self._indexes) > 1
            ):
                _, evicted = self._indexes.popitem(last=False)
                self._index_entries -= _entries(evicted)
        return index

    def _fetch(self, extent: Extent, position: int, length: int) -> bytes:
        if extent.kind is ObjectKind.WAL:
            data = self._wal.read(extent.object_key, position, length)
        else:
            data = self._store.get(extent.object_key, position, length)
        return _whole(extent, data, position, length)


def _entries(index: SegmentIndex | PackIndex | None) -> int:
    if isinstance(index, PackIndex):
        return sum(SHARE_ENTRIES + len(share.entries) for share in index.shares)
    return 0 if index is None else len(index.entries)


def _refuse_quarantined(extent: Extent) -> None:
    if extent.kind is ObjectKind.QUARANTINE:
        raise Corrupt(f"{_where(extent)} read back wrong when it was to be merged")


def _batches(view: memoryview, extent: Extent) -> Iterator[BatchHeader]:
    try:
        yield from scan(view)
    except Corrupt as corrupt:
        raise Corrupt(f"{_where(extent)}: {corrupt}") from corrupt


def _behind(header: BatchHeader, extent: Extent, low: int) -> int:
    """The offset behind a batch of a segment, which no CRC covers: it begins at ``low`` (-1: not known) or,
    where compaction may have taken something out, above it. Raises Corrupt."""
    base, last = header.base_offset, header.last_offset
    low = low if low >= 0 else extent.base_offset if not extent.is_dense else base
    if base < low or last > extent.last_offset or (extent.is_dense and base != low):
        raise Corrupt(f"{_where(extent)}: a batch has offset {base}, where {low} was to come")
    return last + 1


def _first_batch_bytes(view: memoryview) -> int:
    return parse_header(view).size if len(view) >= BATCH_OVERHEAD else BATCH_OVERHEAD


def _within(extent: Extent, position: int) -> int:
    return min(max(0, position - extent.position), extent.length)


def _whole(extent: Extent, data: bytes, position: int, length: int) -> bytes:
    if len(data) != length:
        raise Corrupt(f"{_where(extent)} is cut short: {len(data)} of {length} bytes at {position}")
    return data


def _where(extent: Extent) -> str:
    return f"offsets {extent.base_offset}..{extent.last_offset} in {extent.object_key}"
