"""Putting recovered flushes behind what the journal knows: judged as the broker judged them.

Most flushes get the offsets that later ones tell of them (:mod:`anabranch.log.rebuild.placing`). Where several
brokers appended to one partition, nothing says of the last few who came first: they are put in an order,
under a new leader epoch, and the report says so.

A batch that an idempotent producer's numbers refuse was refused by its broker too, unless something is
missing in front of it: then the broker had seen what is lost, and the batch was acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Executor
from itertools import groupby
from math import inf

from anabranch.errors import Corrupt
from anabranch.log.extents import ExtentReader
from anabranch.log.rebuild.adopt import Placed
from anabranch.log.rebuild.fetching import in_order
from anabranch.log.rebuild.merged import by_broker, without_merged
from anabranch.log.rebuild.order import note_transactions
from anabranch.log.rebuild.placing import Hole, placed
from anabranch.log.rebuild.report import TRUNCATED, Kind, Progress, Report, ShowProgress
from anabranch.log.rebuild.tables import LIVE, Tables
from anabranch.log.rebuild.target import Target
from anabranch.log.rebuild.wal_read import Fate, Part, Read, Start, shortened
from anabranch.metastore.api import Partition
from anabranch.records.batch import BatchHeader, scan
from anabranch.storage.store import NotFound
from anabranch.storage.wal import WalReader
from anabranch.storage.wal_format import UNSEEN

# A frame tells of those before it: of the last ones nothing says whether their commits failed.
FAILED_COMMITS = (
    "; whether flushes {flushes} were committed is not known: if one failed after it was durable, its "
    "producers were told of an error, it is here all the same, and what follows has moved by its records"
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
        self._fences: Mapping[int, float] = {}
        self.producer_id_max = -1

    def recover(
        self,
        parts: Mapping[tuple[bytes, int], Sequence[Part]],
        adopted: Mapping[tuple[bytes, int], Sequence[Placed]],
        show: ShowProgress,
    ) -> None:
        """``adopted``: segments that were put behind what the journal knows, by (topic id, partition)."""
        self._holes = any(finding.kind in TRUNCATED for finding in self._report.findings)
        self._fences = {} if self._holes else self._tables.transactional_epochs()
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
        reads = [self._valid(row, read) for read in reads]
        self.producer_id_max = max(
            [self.producer_id_max, *(h.producer_id for read in reads for h in read.headers)]
        )
        left = self._unresolved(row, reads)
        if adopted and any(read.part.told is None for read in left):
            in_none = {id(read) for read in self._not_adopted(reads, adopted, name)}
            left = [read for read in left if read.part.told is not None or id(read) in in_none]
        left = [self._unfenced(each) for each in left if not self._is_there(row, each, name)]
        left = _without_unended(left)
        if not self._holes:
            left = _without_refused_ends(left, self._tables.writing(topic_no, partition))
        streams = [_in_order(stream) for stream in by_broker(left).values()]
        if streams:
            self._place(row, name, streams)

    def _valid(self, row: Partition, read: Read) -> Read:
        """What was told of the partition under another leader epoch is told of another line."""
        if read.part.seen.leader_epoch == row.leader_epoch:
            return read
        return read._replace(part=read.part._replace(seen=UNSEEN, settled=0, told=None, floor=0))

    def _unfenced(self, read: Read) -> Read:
        """Without what producers sent in transactions under an epoch that was over when the journal ended: what
        had been committed of it before lies below the partition's end, and all else was refused (I6)."""
        if read.part.told is not None:
            return read
        kept = [
            header
            for header in read.headers
            if not header.is_transactional
            or header.is_control
            or header.producer_epoch >= self._fences.get(header.producer_id, 0)
        ]
        return read if len(kept) == len(read.headers) else read._replace(headers=kept)

    def _unresolved(self, row: Partition, reads: Sequence[Read]) -> list[Read]:
        """Without what lies below the partition's end: a flush that is told to, and all its broker began
        before it, for it commits them in their order."""
        below: dict[Start, int] = {}  # as many of its flushes
        settled: dict[Start, int] = {}  # and so are these, but for what it did not know
        for read in reads:
            part, start = read.part, read.part.start
            if part.seen.end_offset <= row.next_offset:
                below[start] = max(below.get(start, 0), part.seen.sequence + 1)
            if part.told is not None and part.told.end_offset <= row.next_offset:
                below[start] = max(below.get(start, 0), part.sequence + 1)
            if part.seen.next_offset <= row.next_offset:
                settled[start] = max(settled.get(start, 0), part.settled)
        return [
            read
            for read in reads
            if read.part.sequence >= below.get(read.part.start, 0)
            and not (
                read.part.fate is Fate.SETTLED
                and read.part.sequence < settled.get(read.part.start, 0)
            )
        ]

    def _place(self, row: Partition, name: str, streams: Sequence[Sequence[Read]]) -> None:
        target = Target(self._tables, row, name, self._at_ms, self._report, holes=self._holes)
        many = len(streams) > 1
        unsure: list[tuple[int, int]] = []  # spans of offsets
        appended: list[Part] = []
        for step in placed(streams, target):
            first = target.next_offset
            if isinstance(step, Hole):
                target.skip_to(step.end)
                self._report.add(
                    Kind.OFFSETS_MISSING,
                    name,
                    f"offsets {first} to {step.end - 1} were given after the journal's end and nothing has "
                    "them: retention or DeleteRecords took them, or they are lost",
                )
                continue
            if many and not step.sure and not unsure and target.count([step.read]):
                target.begin_epoch()
            if not target.append(step.read, step.size):
                continue
            appended.append(step.read.part)
            if not step.sure or (step.size is not None and target.next_offset != first + step.size):
                unsure.append((first, target.next_offset - 1))
        if not appended:
            return
        end = target.next_offset
        self._report.figures.records_recovered += end - row.next_offset
        starts = ", ".join(sorted({str(part.start) for part in appended}))
        self._report.add(
            Kind.RECOVERED,
            name,
            f"offsets {row.next_offset} to {end - 1}, written by {starts}",
        )
        if not unsure:
            return
        open_ = [part.sequence for part in appended if part.fate is not Fate.SETTLED]
        caveat = FAILED_COMMITS.format(flushes=shortened(open_)) if open_ else ""
        if many:
            self._report.add(
                Kind.ORDER,
                name,
                f"offsets {_spans(unsure)}: which broker appended first is not known; ordered by timestamps "
                f"and producers' numbers, under leader epoch {target.leader_epoch}{caveat}",
            )
        else:
            why = caveat or "; flushes in front of them are gone, and nothing says what they held"
            self._report.add(
                Kind.DOUBT, name, f"offsets {_spans(unsure)} need not be those that were given{why}"
            )

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
        if not read.part.doubtful or read.part.told is not None:
            return False
        if row.log_start == row.next_offset > 0:
            return self._doubt(read, name, f"nothing below {row.next_offset} is left")
        count = sum(header.last_offset_delta + 1 for header in read.headers)
        found: list[BatchHeader] = []
        # Lower than what its broker had seen it was not put, whatever compaction took there.
        start = max(row.log_start, read.part.floor, row.next_offset - count - OTHERS_MAX)
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


def _without_unended(reads: Sequence[Read]) -> list[Read]:
    """Without what a flush of which nobody knows the outcome holds of a transaction that never ended
    here, though its producer went on under a later epoch: it was never committed. A later transaction's end
    would count for it too (I6)."""
    newest: dict[int, int] = {}
    markers: list[tuple[BatchHeader, float]] = []  # with where it lies, if that is told
    for read in reads:
        told = read.part.told
        for header in read.headers:
            if header.is_control:
                markers.append((header, inf if told is None else told.base_offset))
            elif header.is_transactional:
                epoch = max(header.producer_epoch, newest.get(header.producer_id, 0))
                newest[header.producer_id] = epoch
    spans = sorted(read.part.told for read in reads if read.part.told is not None)

    def is_ended(header: BatchHeader, floor: int) -> bool:
        """A marker has its transaction's epoch, or the next one."""
        return any(
            marker.producer_id == header.producer_id
            and marker.producer_epoch - header.producer_epoch in (0, 1)
            and at >= floor
            for marker, at in markers
        )

    kept = []
    for read in reads:
        over = [
            header
            for header in read.headers
            if header.is_transactional
            and not header.is_control
            and header.producer_epoch < newest[header.producer_id]
        ]
        if over and read.part.fate is not Fate.SETTLED and read.part.told is None:
            floor = read.part.floor
            for span in spans:  # what is told to lie there leaves no room
                if span.base_offset <= floor < span.end_offset:
                    floor = span.end_offset
            out = {id(header) for header in over if not is_ended(header, floor)}
            read = read._replace(headers=[h for h in read.headers if id(h) not in out])
        kept.append(read)
    return kept


def _without_refused_ends(reads: Sequence[Read], writing: AbstractSet[int]) -> list[Read]:
    """Without markers that end nothing, in flushes of which nobody knows the outcome: another broker had ended
    the transaction before, so they were refused (I6). ``writing``: whose transactions are open below."""
    ordered = len(by_broker(reads)) == 1
    now = set(writing)
    if not ordered:  # what another broker's flush holds may have come before
        for read in reads:
            now.update(
                h.producer_id for h in read.headers if h.is_transactional and not h.is_control
            )
    kept = []
    for read in reads:
        if read.part.fate is not Fate.SETTLED and read.part.told is None:
            headers = [h for h in read.headers if not h.is_control or h.producer_id in now]
            if len(headers) < len(read.headers):
                read = read._replace(headers=headers)
        if ordered:
            note_transactions(read.headers, now)
        kept.append(read)
    return kept


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


def _in_order(stream: Sequence[Read]) -> list[Read]:
    """One broker's reads. What is told of one that does not follow what is told before it is not believed."""
    ordered = []
    end = 0
    for read in stream:
        told = read.part.told
        if told is not None and not end <= told.base_offset <= told.end_offset:
            read = read._replace(part=read.part._replace(told=None))
        elif told is not None:
            end = told.end_offset
        ordered.append(read)
    return ordered


def _spans(spans: Iterable[tuple[int, int]]) -> str:
    """Neighbours as one."""
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return ", ".join(f"{first} to {last}" for first, last in joined)


__all__ = ["Recovery"]
