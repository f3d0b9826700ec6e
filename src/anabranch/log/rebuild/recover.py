"""Putting recovered flushes behind what the journal knows: judged as the broker judged them.

A partition's batches from one broker, or from starts of which one ended before the next began, get the
offsets that they were given. Where several brokers appended to one partition since the journal's last
entry, nothing says who came first: :mod:`anabranch.log.rebuild.order` puts them in an order, under a new
leader epoch, and the report says so.

A batch that an idempotent producer's numbers refuse was refused by its broker too, unless something is
missing in front of it: then the broker had seen what is lost, and the batch was acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from itertools import groupby

from anabranch.errors import ClientFault, Corrupt, ErrorCode
from anabranch.log import producers
from anabranch.log.extents import ExtentReader
from anabranch.log.rebuild.adopt import Placed
from anabranch.log.rebuild.awaited import lowest_first
from anabranch.log.rebuild.fetching import in_order
from anabranch.log.rebuild.merged import by_broker, without_merged
from anabranch.log.rebuild.order import interleaved
from anabranch.log.rebuild.report import TRUNCATED, Kind, Progress, Report, ShowProgress
from anabranch.log.rebuild.tables import LIVE, Tables
from anabranch.log.rebuild.wal_read import Part, Read, Start
from anabranch.metastore import appends
from anabranch.metastore.api import AppendCommit, NewExtent, Partition, ProducerState
from anabranch.records.batch import BatchHeader, scan
from anabranch.storage.store import NotFound
from anabranch.storage.wal import WalReader

# The WAL is written before the commit and not afterwards: it cannot say which commits failed.
FAILED_COMMITS = (
    "if one of these flushes failed after it was durable, its producers were told of an error: it is here "
    "all the same, and what followed it has moved by its records"
)
OTHERS_MAX = 1_000  # offsets that other brokers may have appended behind a flush that is in doubt


class Recovery:
    """Appends parts of the WAL to restored partitions."""

    def __init__(
        self,
        tables: Tables,
        wal: WalReader,
        extents: ExtentReader,
        pool: Executor,
        at_ms: int,
        report: Report,
    ) -> None:
        """``at_ms`` is the journal's end: nothing that is recovered was committed before."""
        self._tables = tables
        self._wal = wal
        self._extents = extents
        self._pool = pool
        self._at_ms = at_ms
        self._report = report
        self._holes = False
        self.producer_id_max = -1

    def recover(
        self,
        parts: Mapping[tuple[bytes, int], Sequence[Part]],
        adopted: Mapping[tuple[bytes, int], Sequence[Placed]],
        show: ShowProgress,
    ) -> None:
        """``adopted``: segments that were put behind what the journal knows, by (topic id, partition)."""
        self._holes = any(finding.kind in TRUNCATED for finding in self._report.findings)
        states = self._tables.topic_states()
        ordered = ((key, part) for key in sorted(parts) for part in parts[key])
        reading = groupby(in_order(self._pool, self._read, ordered), lambda one: one[0][0])
        for done, ((topic_id, partition), found) in enumerate(reading, 1):
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
                    "known, nor where its offsets began: higher than here if it was a branch, or if "
                    "retention or DeleteRecords had come by",
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
            name = f"{self._tables.topic(topic_no).name}/{partition}"
            reads = list(self._sound(((part, read) for (_, part), read in found), name))
            self._recover_partition(
                topic_no, partition, name, reads, adopted.get((topic_id, partition), ())
            )

    def _recover_partition(
        self,
        topic_no: int,
        partition: int,
        name: str,
        reads: Sequence[Read],
        adopted: Sequence[Placed],
    ) -> None:
        row = self._tables.partition(topic_no, partition)
        assert row is not None, "a living topic has its partitions"
        if adopted:
            reads = self._not_adopted(reads, adopted, name)
        reads = [each for each in reads if not self._is_there(row, each, name)]
        streams = list(by_broker(reads).values())
        if not streams:
            return
        first, epoch = row.next_offset, row.leader_epoch + (len(streams) > 1)
        states = self._tables.producers(topic_no, partition)
        streams = [lowest_first(stream, states) for stream in streams]
        ordered = interleaved(streams, lambda read: _fits(read, states))
        appended = [read for read in ordered if self._append(row, name, read, epoch, states)]
        present = self._tables.partition(topic_no, partition)
        assert present is not None
        if present.next_offset == first:
            return
        if len(streams) > 1:
            self._tables.begin_epoch(row, first)
        self._report.figures.records_recovered += present.next_offset - first
        starts = sorted({str(read.part.start) for read in appended})
        spans = f"offsets {first} to {present.next_offset - 1}, written by {', '.join(starts)}"
        if len(streams) > 1:
            self._report.add(
                Kind.ORDER,
                name,
                f"{spans}: which broker appended first is not known; ordered by timestamps and producers' numbers, under leader "
                f"epoch {epoch}; {FAILED_COMMITS}",
            )
        else:
            self._report.add(Kind.RECOVERED, name, f"{spans}; {FAILED_COMMITS}")

    def _read(self, one: tuple[tuple[bytes, int], Part]) -> Read:
        """In a thread of the pool. Raises Corrupt, NotFound, StoreFault."""
        part = one[1]
        data = memoryview(self._wal.read(part.object_key, part.position, part.length))
        return Read(part, list(scan(data)))

    def _sound(self, found: Iterator[tuple[Part, Read | Exception]], name: str) -> Iterator[Read]:
        for part, read in found:
            if isinstance(read, Corrupt | NotFound):
                self._report.add(Kind.WAL_DAMAGED, name, f"{part.object_key}: {read}")
            elif isinstance(read, Exception):
                raise read
            else:
                yield read

    def _not_adopted(
        self, reads: Sequence[Read], adopted: Sequence[Placed], name: str
    ) -> list[Read]:
        """Leave out what segments hold already that the journal did not know."""

        def count(length: int) -> None:
            self._report.figures.segment_bytes += length

        left, wrong = without_merged(reads, adopted, self._extents, count)
        for sentence in wrong:
            self._report.add(
                Kind.DOUBT, name, f"{sentence}: flushes that it holds may be there twice"
            )
        if left and any(share.compacted for share, _ in adopted):
            self._report.add(
                Kind.DOUBT,
                name,
                f"{len(left)} flushes of the WAL are in no segment: some may have been merged and compacted "
                "away before the loss, and are there again",
            )
        return left

    def _is_there(self, row: Partition, read: Read, name: str) -> bool:
        """Whether a doubtful part's batches already end the partition, merged since."""
        if not read.part.doubtful:
            return False
        if row.log_start == row.next_offset > 0:
            return self._doubt(read, name, f"nothing below {row.next_offset} is left")
        count = sum(header.last_offset_delta + 1 for header in read.headers)
        found: list[BatchHeader] = []
        start = max(row.log_start, row.next_offset - count - OTHERS_MAX)
        try:
            for extent in self._tables.tail(row.topic_no, row.partition, start):
                for run in self._extents.chunks(extent):
                    found += scan(run)
        except (Corrupt, NotFound) as error:
            return self._doubt(read, name, f"what it would follow cannot be read ({error})")
        if any(_is_committed_at(found, at, read.headers) for at in range(len(found))):
            return True
        if self._tables.compacted_below(row) > start:
            return self._doubt(read, name, "compaction may have taken it, or a part of it")
        return False

    def _doubt(self, read: Read, name: str, why: str) -> bool:
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
        self,
        row: Partition,
        name: str,
        read: Read,
        epoch: int,
        states: dict[int, ProducerState],
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
                except ClientFault as fault:
                    if not self._holes or fault.code is not ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
                        continue  # refused then as it is now
                    self._report.add(
                        Kind.PRODUCER,
                        name,
                        f"{fault}: what it sent before is missing; this is kept at offset {next_offset}",
                    )
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


def _is_committed_at(found: Sequence[BatchHeader], at: int, wanted: Sequence[BatchHeader]) -> bool:
    """Whether a part with the batches ``wanted`` was committed where ``found[at]`` is.

    What idempotent producers sent twice was refused when the rest was committed, so it need not be there;
    but it says nothing either: a part of nothing else has to be there as a whole, or is judged anew.
    """
    missing = plain = False
    for header in wanted:
        plain = plain or header.producer_id < 0
        here = found[at] if at < len(found) else None
        if here is not None and (here.crc, here.size) == (header.crc, header.size):
            at += 1
        elif header.producer_id < 0:
            return False
        else:
            missing = True
    return plain or not missing


def _fits(read: Read, states: Mapping[int, ProducerState]) -> bool:
    """Whether no batch is out of order; retries and batches of fenced producers may come at any time."""
    ahead: dict[int, ProducerState] = {}
    for header in read.headers:
        if header.producer_id < 0:
            continue
        state = ahead.get(header.producer_id, states.get(header.producer_id))
        try:
            if producers.check(state, header) is None:
                ahead[header.producer_id] = producers.advance(state, header, 0, 0)
        except ClientFault as fault:
            if fault.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
                return False
    return True


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
