"""From extents to batches: reads the bytes that an extent names and puts offsets in place.

Synchronous and thread-safe; callers bring their own threads. In the WAL a batch still carries the
producer's base offset, so its place follows from the extent and the batches before it; in a segment the
bytes are final. Either way, what leaves this module are whole batches with final offsets, checked
against the extent that names them.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator
from itertools import accumulate
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
from anabranch.storage.blockcache import BLOCK_BYTES, BlockCache
from anabranch.storage.pack import PackIndex
from anabranch.storage.segment import SegmentIndex, index_key
from anabranch.storage.store import Store
from anabranch.storage.wal import WalReader

logger = logging.getLogger(__name__)

CHUNK_BYTES = 4 * 1024 * 1024  # one read while streaming through an extent
INDEXES_MAX = 1024  # decoded segment indexes kept, if they are small
INDEX_ENTRIES_MAX = (
    64 * 1024
)  # kept in all indexes together, some 200 bytes each; at least one index
SHARE_ENTRIES = 3  # what a share of a pack takes in memory beside its entries, counted in entries
SKIP_SLACK_BYTES = 64 * 1024  # an index entry lies at most about this far before its batch


class _Described(NamedTuple):
    """An index, and where in the object the bytes start that it describes."""

    content: SegmentIndex
    start: int


class ExtentReader:
    """Reads extents from the WAL and the object store."""

    def __init__(self, store: Store, wal: WalReader, cache_bytes: int) -> None:
        """``cache_bytes`` bound what is kept for readers that come back (half WAL, half segments)."""
        self._store = store
        self._wal = wal
        self._cache_bytes = cache_bytes // 2
        self._blocks = (
            BlockCache(store.get, capacity_bytes=cache_bytes // 2)
            if cache_bytes // 2 > BLOCK_BYTES
            else None
        )
        self._cached_bytes = 0
        self._placed: OrderedDict[tuple[int, int, int], memoryview] = OrderedDict()
        self._indexes: OrderedDict[str, SegmentIndex | PackIndex | None] = OrderedDict()
        self._index_entries = 0
        self._lock = Lock()

    def read(
        self, extent: Extent, offset: int, bytes_max: int, *, at_least_one: bool
    ) -> list[memoryview]:
        """Whole batches of ``extent`` from the one that holds ``offset``, up to ``bytes_max`` bytes.

        Raises:
            NotFound: the object is gone; the extent is stale or lost.
            Corrupt: the bytes are not what the extent says.
        """
        _refuse_quarantined(extent)
        if extent.kind is ObjectKind.WAL:
            return _unpinned(self._read_wal(extent, offset, bytes_max, at_least_one))
        return _unpinned(self._read_segment(extent, offset, bytes_max, at_least_one))

    def chunks(
        self, extent: Extent, *, start: int = 0, verify: bool = False
    ) -> Iterator[memoryview]:
        """Stream through an extent from ``start`` bytes into it, as runs of whole placed batches.

        With ``verify`` every batch's CRC is checked, as a reader that rewrites bytes must. ``start`` has to
        be the start of a batch, and zero for an extent in the WAL.
        """
        assert start == 0 or extent.kind.final
        _refuse_quarantined(extent)
        position, end = extent.position + start, extent.position + extent.length
        next_offset = extent.base_offset
        want = CHUNK_BYTES
        while position < end:
            want = min(want, end - position)
            data = self._fetch(extent, position, want)
            if extent.kind is ObjectKind.WAL:
                view = memoryview(bytearray(data))  # offsets are placed in it
            else:
                view = memoryview(data)
            whole = 0
            for header in _batches(view, extent):
                if verify and not crc_matches(view, header):
                    raise Corrupt(
                        f"{_where(extent)}: batch at byte {header.position} has a wrong CRC"
                    )
                if extent.kind is ObjectKind.WAL:
                    place(view, header.position, next_offset, extent.leader_epoch)
                    next_offset += header.last_offset_delta + 1
                whole = header.end
            if whole:
                # The batch that was cut is read again with the next chunk: cheaper than copying this one.
                position += whole
                want = CHUNK_BYTES
                yield view[:whole]
            elif want == end - position:
                raise Corrupt(f"{_where(extent)} ends within a batch")
            else:
                want = max(2 * want, _first_batch_bytes(view))
        if extent.kind is ObjectKind.WAL and next_offset != extent.last_offset + 1:
            raise Corrupt(f"{_where(extent)} holds offsets up to {next_offset - 1}")

    def raw(self, extent: Extent) -> bytes:
        """The extent's bytes as they lie in the WAL, judged by nobody."""
        assert extent.kind is ObjectKind.WAL
        return self._fetch(extent, extent.position, extent.length)

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

    # -- WAL -----------------------------------------------------------------------------------------
    def _read_wal(
        self, extent: Extent, offset: int, bytes_max: int, at_least_one: bool
    ) -> list[memoryview]:
        return _cut(self._placed_extent(extent), extent, offset, bytes_max, at_least_one)

    def _placed_extent(self, extent: Extent) -> memoryview:
        """A whole WAL extent (one flush's share, so of bounded size), cached for the next read on."""
        key = (extent.object_no, extent.position, extent.length)
        with self._lock:
            cached = self._placed.get(key)
            if cached is not None:
                self._placed.move_to_end(key)
                return cached
        runs = list(self.chunks(extent))
        data = runs[0] if len(runs) == 1 else memoryview(b"".join(runs))
        with self._lock:
            if key not in self._placed:
                self._placed[key] = data
                self._cached_bytes += len(data)
            while self._cached_bytes > self._cache_bytes and len(self._placed) > 1:
                _, evicted = self._placed.popitem(last=False)
                self._cached_bytes -= len(evicted)
        return data

    # -- segments --------------------------------------------------------------------------------------
    def _read_segment(
        self, extent: Extent, offset: int, bytes_max: int, at_least_one: bool
    ) -> list[memoryview]:
        start = self.offset_position(extent, offset)
        want = min(extent.length - start, bytes_max + SKIP_SLACK_BYTES)
        while True:
            view = memoryview(self._fetch_cached(extent, extent.position + start, want))
            found = _cut(view, extent, offset, bytes_max, at_least_one)
            if found or want == extent.length - start:
                return found
            # Nothing whole yet: a batch larger than the read, or an index with wide steps.
            skipped = _skippable(view, offset)
            start += skipped
            needed = _first_batch_bytes(view[skipped:])
            if not at_least_one and not skipped and needed > bytes_max:
                return []
            want = min(extent.length - start, max(needed, bytes_max + SKIP_SLACK_BYTES))

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

    def _fetch_cached(self, extent: Extent, position: int, length: int) -> bytes:
        if self._blocks is None:
            return self._fetch(extent, position, length)
        data = self._blocks.get(extent.object_key, position, length)
        if len(data) != length:
            self._blocks.forget(extent.object_key)  # a short answer must not outlive this read
        return _whole(extent, data, position, length)

    def _fetch(self, extent: Extent, position: int, length: int) -> bytes:
        if extent.kind is ObjectKind.WAL:
            data = self._wal.read(extent.object_key, position, length)
        else:
            data = self._store.get(extent.object_key, position, length)
        return _whole(extent, data, position, length)


def _unpinned(found: list[memoryview]) -> list[memoryview]:
    """The batches, copied if they keep much more in memory than themselves."""
    size = sum(map(len, found))
    if not found or 2 * size >= len(found[0].obj):  # type: ignore[arg-type]
        return found
    copy = memoryview(b"".join(found))
    ends = list(accumulate(map(len, found)))
    return [copy[end - len(one) : end] for one, end in zip(found, ends, strict=True)]


def _entries(index: SegmentIndex | PackIndex | None) -> int:
    if isinstance(index, PackIndex):
        return sum(SHARE_ENTRIES + len(share.entries) for share in index.shares)
    return 0 if index is None else len(index.entries)


def _refuse_quarantined(extent: Extent) -> None:
    if extent.kind is ObjectKind.QUARANTINE:
        raise Corrupt(f"{_where(extent)} read back wrong when it was to be merged")


def _cut(
    view: memoryview, extent: Extent, offset: int, bytes_max: int, at_least_one: bool
) -> list[memoryview]:
    found: list[memoryview] = []
    room = bytes_max
    for header in _batches(view, extent):
        if header.last_offset < offset:
            continue
        if header.size > room and not (at_least_one and not found):
            break
        found.append(view[header.position : header.end])
        room -= header.size
    return found


def _batches(view: memoryview, extent: Extent) -> Iterator[BatchHeader]:
    try:
        yield from scan(view)
    except Corrupt as corrupt:
        raise Corrupt(f"{_where(extent)}: {corrupt}") from corrupt


def _skippable(view: memoryview, offset: int) -> int:
    """Bytes of whole batches at the start of ``view`` that end below ``offset``."""
    skipped = 0
    for header in scan(view):
        if header.last_offset >= offset:
            break
        skipped = header.end
    return skipped


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
