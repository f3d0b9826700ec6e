"""Putting recovered flushes behind what the journal knows: judged as the broker judged them.

A partition's batches from one broker, or from starts of which one ended before the next began, get the
offsets that they were given. Where several brokers appended to one partition since the journal's last
entry, nothing says who came first: their batches are ordered by their timestamps, each broker's own order
kept, under a new leader epoch, and the report says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import merge
from typing import NamedTuple

from anabranch.errors import ClientFault, Corrupt
from anabranch.log import producers
from anabranch.log.extents import ExtentReader
from anabranch.log.rebuild.report import Kind, Progress, Report, ShowProgress
from anabranch.log.rebuild.tables import LIVE, Tables
from anabranch.log.rebuild.wal_read import Part, Start
from anabranch.metastore import appends
from anabranch.metastore.api import AppendCommit, NewExtent, Partition, ProducerState
from anabranch.records.batch import BatchHeader, scan
from anabranch.storage.store import NotFound
from anabranch.storage.wal import WalReader

OTHERS_MAX = 1_000  # offsets that other brokers may have appended behind a flush that is in doubt


class _Read(NamedTuple):
    """A part with its batches. ``position`` of a header is within the part."""

    part: Part
    headers: list[BatchHeader]


class Recovery:
    """Appends parts of the WAL to restored partitions."""

    def __init__(
        self, tables: Tables, wal: WalReader, extents: ExtentReader, at_ms: int, report: Report
    ) -> None:
        """``at_ms`` is the journal's end: nothing that is recovered was committed before."""
        self._tables = tables
        self._wal = wal
        self._extents = extents
        self._at_ms = at_ms
        self._report = report
        self.producer_id_max = -1

    def recover(
        self, parts: Mapping[tuple[bytes, int], Sequence[Part]], show: ShowProgress
    ) -> None:
        states = self._tables.topic_states()
        for done, (topic_id, partition) in enumerate(sorted(parts), 1):
            show(Progress("recovery", done, len(parts), self._report.figures.bytes_read))
            mine = parts[topic_id, partition]
            topic_no, state = states.get(topic_id, (None, LIVE))
            if topic_no is None:
                name = f"recovered-{topic_id.hex()}"
                topic = self._tables.make_topic(name, topic_id, partition + 1, {})
                states[topic_id] = (topic_no, state) = (topic.no, LIVE)
                self._report.add(
                    Kind.NAME,
                    name,
                    "a topic that only the WAL knows: created after the journal's last entry, or the "
                    "journal is lost; its id is right, its name, configs and number of partitions are not "
                    "known",
                )
            assert topic_no is not None
            if state != LIVE:
                self._report.add(
                    Kind.LEFT_ASIDE,
                    f"{self._tables.topic(topic_no).name}/{partition}",
                    f"{len(mine)} flushes to a topic that was deleted",
                )
                continue
            self._tables.grow_topic(topic_no, partition + 1)
            self._recover_partition(topic_no, partition, mine)

    def _recover_partition(self, topic_no: int, partition: int, parts: Sequence[Part]) -> None:
        row = self._tables.partition(topic_no, partition)
        assert row is not None, "a living topic has its partitions"
        name = f"{self._tables.topic(topic_no).name}/{partition}"
        reads = [read for part in parts if (read := self._read(part, name)) is not None]
        reads = [each for each in reads if not self._is_there(row, each, name)]
        streams = _streams(reads)
        if not streams:
            return
        first, epoch = row.next_offset, row.leader_epoch
        if len(streams) > 1:
            epoch = self._tables.begin_epoch(row, first)
        ordered = list(merge(*streams, key=lambda read: read.headers[0].max_timestamp))
        states = self._tables.producers(topic_no, partition)
        appended = [read for read in ordered if self._append(row, read, epoch, states)]
        present = self._tables.partition(topic_no, partition)
        assert present is not None
        if present.next_offset == first:
            return
        self._report.figures.records_recovered += present.next_offset - first
        starts = sorted({str(read.part.start) for read in appended})
        spans = f"offsets {first} to {present.next_offset - 1}, written by {', '.join(starts)}"
        if len(streams) > 1:
            self._report.add(
                Kind.ORDER,
                name,
                f"{spans}: which broker appended first is not known; ordered by timestamp under leader "
                f"epoch {epoch}",
            )
        else:
            self._report.add(Kind.RECOVERED, name, spans)

    def _read(self, part: Part, name: str) -> _Read | None:
        try:
            data = memoryview(self._wal.read(part.object_key, part.position, part.length))
            return _Read(part, list(scan(data)))
        except (Corrupt, NotFound) as error:
            self._report.add(Kind.WAL_DAMAGED, name, f"{part.object_key}: {error}")
            return None

    def _is_there(self, row: Partition, read: _Read, name: str) -> bool:
        """Whether a doubtful part's batches already end the partition, merged since."""
        if not read.part.doubtful:
            return False
        if row.log_start == row.next_offset > 0:
            return self._doubt(read, name, f"nothing below {row.next_offset} is left")
        wanted = [(header.crc, header.size) for header in read.headers]
        count = sum(header.last_offset_delta + 1 for header in read.headers)
        found: list[tuple[int, int]] = []
        start = max(row.log_start, row.next_offset - count - OTHERS_MAX)
        try:
            for extent in self._tables.tail(row.topic_no, row.partition, start):
                for run in self._extents.chunks(extent):
                    found += [(header.crc, header.size) for header in scan(run)]
        except (Corrupt, NotFound) as error:
            return self._doubt(read, name, f"what it would follow cannot be read ({error})")
        return any(
            found[at : at + len(wanted)] == wanted for at in range(len(found) - len(wanted) + 1)
        )

    def _doubt(self, read: _Read, name: str, why: str) -> bool:
        self._report.add(
            Kind.DOUBT,
            name,
            f"whether flush {read.part.sequence} of {read.part.start} was committed to it is not known, "
            f"for {why}: it is taken for committed",
        )
        return True

    def _appended_ms(self, header: BatchHeader) -> int:
        """The WAL does not say when: not before the journal's end, and hardly before its last record."""
        return max(self._at_ms, min(header.max_timestamp, self._tables.now_ms))

    def _append(
        self, row: Partition, read: _Read, epoch: int, states: dict[int, ProducerState]
    ) -> bool:
        """Judge a part's batches and commit what is new; False if nothing was."""
        present = self._tables.partition(row.topic_no, row.partition)
        assert present is not None
        next_offset = present.next_offset
        extents: list[NewExtent] = []
        changed: dict[int, ProducerState] = {}
        for header in read.headers:
            self.producer_id_max = max(self.producer_id_max, header.producer_id)
            if header.producer_id >= 0:
                state = states.get(header.producer_id)
                try:
                    if producers.check(state, header) is not None:
                        continue  # a retry: its first copy is there
                except ClientFault:
                    continue  # refused then as it is now
                at_ms = self._appended_ms(header)
                state = producers.advance(state, header, next_offset, at_ms)
                states[header.producer_id] = changed[header.producer_id] = state
            extents.append(
                NewExtent(
                    base_offset=next_offset,
                    last_offset=next_offset + header.last_offset_delta,
                    position=read.part.position + header.position,
                    length=header.size,
                    records=header.last_offset_delta + 1,
                    max_timestamp=header.max_timestamp,
                    appended_ms=self._appended_ms(header),
                    leader_epoch=epoch,
                )
            )
            next_offset += header.last_offset_delta + 1
        if not extents:
            return False
        commit = AppendCommit(
            topic_no=row.topic_no,
            partition=row.partition,
            expected_next=present.next_offset,
            next_offset=next_offset,
            extents=tuple(join(extents)),
            producers=tuple(changed.values()),
        )
        (outcome,) = appends.commit_appends(
            self._tables.tx, read.part.object_key, [commit], self._tables.now_ms
        )
        assert outcome.committed
        return True


def _streams(reads: Sequence[_Read]) -> list[list[_Read]]:
    """Runs whose inner order is known: starts of one broker follow each other."""
    by_broker: dict[int, list[_Read]] = {}
    for read in reads:
        by_broker.setdefault(read.part.start.broker_id, []).append(read)
    for stream in by_broker.values():
        stream.sort(key=lambda read: (read.part.start.epoch, read.part.sequence))
    return list(by_broker.values())


def join(extents: Sequence[NewExtent]) -> list[NewExtent]:
    """Neighbours in offsets and bytes become one, as the append path joins them."""
    joined: list[NewExtent] = []
    for extent in extents:
        last = joined[-1] if joined else None
        if (
            last is None
            or extent.position != last.position + last.length
            or extent.base_offset != last.last_offset + 1
        ):
            joined.append(extent)
            continue
        joined[-1] = NewExtent(
            base_offset=last.base_offset,
            last_offset=extent.last_offset,
            position=last.position,
            length=last.length + extent.length,
            records=last.records + extent.records,
            max_timestamp=max(last.max_timestamp, extent.max_timestamp),
            appended_ms=last.appended_ms,
            leader_epoch=last.leader_epoch,
        )
    return joined


__all__ = ["Recovery", "Start", "join"]
