"""Segments that the journal does not name, put where the journal knows nothing better.

Merging writes a segment first and tells the metastore afterwards, so what the last journal entries missed
can still be read off the bucket, with its exact offsets: WAL extents whose file is gone, and offsets behind
the journal's end. Without any journal this is where all topics and partitions come from.

Their indexes say everything that an extent needs, under a checksum of their own, so no data is read here
but around a cut: bytes are as unverified as those of segments that the journal names
(:mod:`anabranch.log.rebuild.verify` reads all of them on request).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from anabranch.errors import Corrupt
from anabranch.log.extents import ExtentReader
from anabranch.log.rebuild.bucket import Share, ShareTopic
from anabranch.log.rebuild.report import Kind, Progress, Report, ShowProgress
from anabranch.log.rebuild.tables import LIVE, Tables
from anabranch.metastore.api import NO_TIMESTAMP, GapCause, Partition
from anabranch.records.batch import scan
from anabranch.storage.store import NotFound

Key = tuple[bytes, int]  # topic id, partition


class Placed(NamedTuple):
    """A share whose bytes from ``start`` on were named."""

    share: Share
    start: int


class _Cut(NamedTuple):
    """What a share holds from some offset on."""

    start: int  # bytes into the share
    records: int
    max_timestamp: int


class Adoption:
    """Takes shares of unknown objects into restored partitions."""

    def __init__(
        self, tables: Tables, extents: ExtentReader, report: Report, *, lost: bool
    ) -> None:
        """``lost``: there is no journal, so even the log start is taken from what is there."""
        self._tables = tables
        self._extents = extents
        self._report = report
        self._lost = lost
        self._objects: dict[str, int] = {}  # numbers of the objects that were adopted
        # What was put behind each partition's end, in offset order.
        self.placed: dict[Key, list[Placed]] = {}

    def adopt(self, shares: Iterable[Share], wal_there: frozenset[str], show: ShowProgress) -> None:
        """``wal_there``: the WAL objects that can be read."""
        by_partition: dict[Key, list[Share]] = {}
        for share in shares:
            by_partition.setdefault((share.topic.topic_id, share.partition), []).append(share)
        states = self._tables.topic_states()
        self._make_topics(by_partition, states)
        for done, key in enumerate(sorted(by_partition), 1):
            show(Progress("segments", done, len(by_partition), self._report.figures.bytes_read))
            topic_no, state = states[key[0]]
            if state == LIVE:
                self._adopt_partition(topic_no, key, by_partition[key], wal_there)

    def _make_topics(
        self, by_partition: dict[Key, list[Share]], states: dict[bytes, tuple[int, int]]
    ) -> None:
        """Topics that the journal does not know, as the newest index describes them."""
        newest: dict[bytes, tuple[int, ShareTopic]] = {}
        count: dict[bytes, int] = {}
        for (topic_id, partition), shares in by_partition.items():
            count[topic_id] = max(count.get(topic_id, 0), partition + 1)
            for share in shares:
                best = newest.get(topic_id)
                if best is None or share.written_ms > best[0]:
                    newest[topic_id] = (share.written_ms, share.topic)
        taken = set()
        for _, topic in sorted(newest.values(), key=lambda one: (one[1].name, one[1].topic_id)):
            topic_id, name = topic.topic_id, topic.name
            if topic_id in states:
                if states[topic_id][1] == LIVE:
                    self._tables.grow_topic(states[topic_id][0], count[topic_id])
                continue
            if name in taken or self._tables.name_taken(name):
                name = f"{name}-{topic_id.hex()}"[:249]
            taken.add(name)
            made = self._tables.make_topic(name, topic_id, count[topic_id], dict(topic.config))
            states[topic_id] = (made.no, LIVE)
            self._report.add(
                Kind.GUESSED,
                name,
                "the journal does not know this topic: id, name and configs are those of its newest "
                f"segment, it has at least {count[topic_id]} partitions; it may have been deleted since",
            )

    def _adopt_partition(
        self,
        topic_no: int,
        key: Key,
        shares: Sequence[Share],
        wal_there: frozenset[str],
    ) -> None:
        row = self._tables.partition(topic_no, key[1])
        assert row is not None
        name = f"{self._tables.topic(topic_no).name}/{key[1]}"
        lost_wal = [
            extent
            for extent in self._tables.wal_extents(topic_no, key[1])
            if extent.object_key not in wal_there
        ]
        holding = _Sweep(shares)
        for extent in lost_wal:
            holder = holding.best(extent.base_offset)
            placed = None if holder is None else self._replace(row, holder)
            if placed is not None and placed.share.last >= row.next_offset:
                # Behind the journal's end it stands for what it holds there as well.
                self.placed.setdefault(key, []).append(placed)
        if self._lost and row.next_offset == 0:
            first = min(share.first for share in shares)
            self._tables.start_at(
                row, first, GapCause.LOST_OBJECT, "rebuilt without a journal: why is not known"
            )
            if first:
                self._report.add(
                    Kind.GUESSED,
                    name,
                    f"its log start is not known: the first offset there is {first}",
                )
        self._extend(topic_no, key, shares, name, row.next_offset)

    def _extend(
        self, topic_no: int, key: Key, shares: Sequence[Share], name: str, before: int
    ) -> None:
        """From the partition's end on, as far as the shares reach; the journal knew it up to ``before``."""
        row = self._tables.partition(topic_no, key[1])
        assert row is not None
        before, at = max(before, row.log_start), row.next_offset
        end = max(share.last for share in shares) + 1
        holding = _Sweep(shares)
        while at < end:
            share = holding.best(at)
            if share is None:
                ahead = min(holding.ahead() or end, end)
                self._report.add(
                    Kind.OFFSETS_MISSING, name, f"offsets {at} to {ahead - 1} are in no object"
                )
                self._tables.skip(row, at, ahead, "no object has them")
                at = ahead
                continue
            placed = self._place(row, share, at)
            if isinstance(placed, str):
                self._report.add(
                    Kind.OBJECT_MISSING,
                    share.key,
                    f"{name} {at} to {share.last} cannot be taken from it: {placed}",
                )
                holding.drop(share)
                continue
            self.placed.setdefault(key, []).append(placed)
            at = share.last + 1
        if at > before and not self._lost:
            self._report.add(
                Kind.GUESSED,
                name,
                f"offsets {before} to {at - 1} are newer than the journal and come from segments",
            )

    def _place(self, row: Partition, share: Share, at: int) -> Placed | str:
        """Name the share's offsets from ``at`` on; what is wrong if it does not have them."""
        if not share.whole:
            return f"it has {share.object_bytes} bytes of {share.position + share.byte_length}"
        cut = _Cut(0, share.records, share.max_timestamp)
        if at > share.first:
            try:
                cut = self._cut(share, at)
            except (Corrupt, NotFound) as error:
                return str(error)
        self._tables.name(
            row,
            self._object_no(share),
            share.kind,
            first=at,
            last=share.last,
            position=share.position + cut.start,
            length=share.byte_length - cut.start,
            records=cut.records,
            max_timestamp=cut.max_timestamp,
            appended_ms=share.appended_ms,
            leader_epoch=share.leader_epoch,
        )
        return Placed(share, cut.start)

    def _cut(self, share: Share, at: int) -> _Cut:
        """Where offset ``at`` begins in a share that holds others before it. Raises Corrupt, NotFound."""
        extent = share.extent
        position = self._extents.offset_position(extent, at)
        start, records, newest = -1, 0, NO_TIMESTAMP
        for run in self._extents.chunks(extent, start=position):
            self._report.figures.segment_bytes += len(run)
            for header in scan(run):
                if header.last_offset < at:
                    continue
                if header.base_offset < at:
                    raise Corrupt(f"offset {at} lies within a batch")
                if start < 0:
                    start = position + header.position
                records += header.record_count
                newest = max(newest, header.max_timestamp)
            position += len(run)
        if start < 0:
            raise Corrupt(f"it has no batch from offset {at} on")
        return _Cut(start, records, newest)

    def _replace(self, row: Partition, share: Share) -> Placed | None:
        """Put the share in the place of extents that lie wholly in its range; None if that cannot be."""
        if not share.whole or not self._tables.clear(row, share.first, share.last):
            return None
        placed = self._place(row, share, share.first)
        return None if isinstance(placed, str) else placed

    def _object_no(self, share: Share) -> int:
        no = self._objects.get(share.key)
        if no is None:
            no = self._tables.object_no(share.key, share.kind, share.object_bytes)
            self._objects[share.key] = no
        return no


class _Sweep:
    """Which of overlapping shares to take, for offsets that only rise: O(log n) each."""

    def __init__(self, shares: Iterable[Share]) -> None:
        self._waiting = sorted(shares, key=lambda share: share.first, reverse=True)
        self._holding: list[tuple[tuple[bool, int, int], int, Share]] = []
        self._count = 0

    def best(self, offset: int) -> Share | None:
        """The share that holds ``offset`` and goes furthest, the newest of equals; whole ones first."""
        while self._waiting and self._waiting[-1].first <= offset:
            share = self._waiting.pop()
            self._count += 1
            order = (not share.whole, -share.last, -share.written_ms)
            heappush(self._holding, (order, self._count, share))
        while self._holding and self._holding[0][2].last < offset:
            heappop(self._holding)
        return self._holding[0][2] if self._holding else None

    def drop(self, share: Share) -> None:
        """It is of no use, after all: the one that ``best`` returned last."""
        assert self._holding[0][2] is share
        heappop(self._holding)

    def ahead(self) -> int | None:
        """The first offset of what comes next, where nothing holds the present one."""
        return self._waiting[-1].first if self._waiting else None
