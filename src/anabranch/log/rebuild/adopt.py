"""Segments that the journal does not name, put where the journal knows nothing better.

Merging writes a segment first and tells the metastore afterwards, so what the last journal entries missed
can still be read off the bucket, with its exact offsets: WAL extents whose file is gone, and offsets behind
the journal's end. Without any journal this is where all topics and partitions come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from anabranch.errors import Corrupt
from anabranch.log.rebuild.bucket import Share
from anabranch.log.rebuild.report import Kind, Progress, Report, ShowProgress
from anabranch.log.rebuild.tables import LIVE, Tables
from anabranch.metastore.api import GapCause, Partition
from anabranch.records.batch import scan
from anabranch.storage.store import NotFound, Store

Batches = list[tuple[int, int]]  # (CRC, bytes) of each batch, in offset order


class Adoption:
    """Takes shares of unknown objects into restored partitions."""

    def __init__(self, tables: Tables, store: Store, report: Report, *, lost: bool) -> None:
        """``lost``: there is no journal, so even the log start is taken from what is there."""
        self._tables = tables
        self._store = store
        self._report = report
        self._lost = lost
        self._objects: dict[str, int] = {}  # numbers of the objects that were adopted
        self.batches: dict[
            tuple[bytes, int], Batches
        ] = {}  # of adopted ends, to know them in the WAL

    def adopt(self, shares: Iterable[Share], wal_there: frozenset[str], show: ShowProgress) -> None:
        """``wal_there``: the WAL objects that can be read."""
        by_partition: dict[tuple[bytes, int], list[Share]] = {}
        for share in shares:
            key = (share.about.topic_id, share.about.partition)
            by_partition.setdefault(key, []).append(share)
        states = self._tables.topic_states()
        self._make_topics(by_partition, states)
        for done, key in enumerate(sorted(by_partition), 1):
            show(Progress("segments", done, len(by_partition), self._report.figures.bytes_read))
            topic_no, state = states[key[0]]
            if state == LIVE:
                self._adopt_partition(topic_no, key, by_partition[key], wal_there)

    def _make_topics(
        self,
        by_partition: dict[tuple[bytes, int], list[Share]],
        states: dict[bytes, tuple[int, int]],
    ) -> None:
        """Topics that the journal does not know, as the newest index describes them."""
        newest: dict[bytes, Share] = {}
        count: dict[bytes, int] = {}
        for (topic_id, partition), shares in by_partition.items():
            count[topic_id] = max(count.get(topic_id, 0), partition + 1)
            for share in shares:
                best = newest.get(topic_id)
                if best is None or _written_ms(share) > _written_ms(best):
                    newest[topic_id] = share
        taken = set()
        for topic_id in sorted(newest, key=lambda one: (newest[one].about.topic_name, one)):
            index = newest[topic_id].about
            if topic_id in states:
                if states[topic_id][1] == LIVE:
                    self._tables.grow_topic(states[topic_id][0], count[topic_id])
                continue
            name = index.topic_name
            if name in taken or self._tables.name_taken(name):
                name = f"{name}-{topic_id.hex()}"[:249]
            taken.add(name)
            topic = self._tables.make_topic(name, topic_id, count[topic_id], index.topic_config)
            states[topic_id] = (topic.no, LIVE)
            self._report.add(
                Kind.GUESSED,
                name,
                "the journal does not know this topic: id, name and configs are those of its newest "
                f"segment, it has at least {count[topic_id]} partitions; it may have been deleted since",
            )

    def _adopt_partition(
        self,
        topic_no: int,
        key: tuple[bytes, int],
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
        for extent in lost_wal:
            holder = _best(shares, extent.base_offset)
            if holder is not None and holder.last < row.next_offset:
                self._replace(row, holder)
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
        self._extend(topic_no, key, shares, name)

    def _extend(
        self, topic_no: int, key: tuple[bytes, int], shares: Sequence[Share], name: str
    ) -> None:
        """From the partition's end on, as far as the shares reach."""
        row = self._tables.partition(topic_no, key[1])
        assert row is not None
        before = at = row.next_offset
        end = max(share.last for share in shares) + 1
        while at < end:
            share = _best(shares, at)
            if share is None:
                ahead = min(share.first for share in shares if share.first > at)
                self._report.add(
                    Kind.OFFSETS_MISSING, name, f"offsets {at} to {ahead - 1} are in no object"
                )
                self._tables.skip(row, at, ahead, "no object has them")
                at = ahead
                continue
            taken = self._place(row, share, at)
            if not taken:
                self._report.add(
                    Kind.OFFSETS_MISSING,
                    name,
                    f"offsets {at} to {share.last} cannot be read from {share.key}",
                )
                self._tables.skip(row, at, share.last + 1, f"{share.key} is damaged")
            at = share.last + 1
        if at > before and not self._lost:
            self._report.add(
                Kind.GUESSED,
                name,
                f"offsets {before} to {at - 1} are newer than the journal and come from segments",
            )

    def _place(self, row: Partition, share: Share, at: int) -> bool:
        """Name the share's offsets from ``at`` on; False if its bytes do not have them."""
        position, length, first = share.position, share.about.byte_length, share.first
        batches: Batches = []
        try:
            start = share.about.position_for_offset(at) if at > first else 0
            data = self._store.get(share.key, share.position + start, length - start)
            self._report.figures.segment_bytes += len(data)
            headers = list(scan(memoryview(data)))
        except (Corrupt, NotFound):
            return False
        if at > first:
            headers = [header for header in headers if header.base_offset >= at]
            if not headers:
                return False
            position += start + headers[0].position
            length -= start + headers[0].position
            first = at
        batches = [(header.crc, header.size) for header in headers]
        self.batches.setdefault((share.about.topic_id, row.partition), []).extend(batches)
        self._tables.name(
            row,
            self._object_no(share),
            share.kind,
            first=first,
            last=share.last,
            position=position,
            length=length,
            records=sum(header.record_count for header in headers),
            max_timestamp=max(header.max_timestamp for header in headers),
            appended_ms=max(0, share.about.first_appended_at_ms),
            leader_epoch=share.about.leader_epoch,
        )
        return True

    def _replace(self, row: Partition, share: Share) -> None:
        """Put the share in the place of extents that lie wholly in its range."""
        index = share.about
        if not self._tables.clear(row, share.first, share.last):
            return
        self._tables.name(
            row,
            self._object_no(share),
            share.kind,
            first=share.first,
            last=share.last,
            position=share.position,
            length=index.byte_length,
            records=index.record_count,
            max_timestamp=index.max_timestamp,
            appended_ms=max(0, index.first_appended_at_ms),
            leader_epoch=index.leader_epoch,
        )

    def _object_no(self, share: Share) -> int:
        no = self._objects.get(share.key)
        if no is None:
            no = self._tables.object_no(share.key, share.kind, share.object_bytes)
            self._objects[share.key] = no
        return no


def _best(shares: Iterable[Share], offset: int) -> Share | None:
    """Of the shares that hold ``offset``, the one that goes furthest, the newest of equals."""
    holding = [share for share in shares if share.first <= offset <= share.last]
    return max(holding, key=lambda one: (one.last, _written_ms(one), one.key), default=None)


def _written_ms(share: Share) -> int:
    return max(share.about.last_appended_at_ms, share.about.compacted_at_ms)
