"""Looks at everything at once, as no broker can: the metastore's rows, the bucket, the disk, its platters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from crc32c import crc32c

from anabranch.errors import Corrupt
from anabranch.metastore.api import Extent, GapCause, ObjectKind
from anabranch.metastore.check import check
from anabranch.metastore.compactions import compaction
from anabranch.metastore.extents import extents_from
from anabranch.metastore.gaps import gaps
from anabranch.metastore.partitions import partition as partition_row
from anabranch.records.batch import crc_matches, place, scan
from anabranch.records.record import iter_records
from anabranch.storage.store import NotFound
from anabranch.storage.wal_format import FILE_HEADER_BYTES, decode_file_header
from sim.broker import WAL_PATH
from sim.history import Attempt, TopicStory, Violation
from sim.thinned import Thinned, compactable

if TYPE_CHECKING:
    from sim.world import World

EXTENTS_MAX = 1 << 30


class _Lost(Exception):
    """An object that an extent names is not there."""


class _Place(NamedTuple):
    object_no: int
    position: int
    length: int


_Key = tuple[bytes, int, int, int, _Place]  # topic, partition, base offset, epoch, where


class Auditor:
    """Remembers the checksum of all bytes that any extent ever named."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._checksums: dict[_Place, int] = {}
        self._read: dict[_Key, set[int]] = {}  # offsets of the records there
        self._last: dict[tuple[bytes, int], tuple[list[_Key], int, int]] = {}  # as of the last look
        self.audits = 0
        self.thinned = Thinned(world)
        world.history.missing = self._missing

    def audit(self) -> None:
        """Raises Violation."""
        self.audits += 1
        found = check(self._world.database.connection)
        if found:
            raise Violation("the metastore's own check: " + "; ".join(found))
        for story in self._world.history.topics.values():
            for partition in range(story.topic.partitions):
                self._partition(story, partition)
        self._bounds()

    def look_at(self, story: TopicStory, partition: int) -> None:
        """One partition, now. Raises Violation."""
        self._partition(story, partition)

    def look_again(self) -> None:
        """Something was damaged: what was read before counts for nothing."""
        self._read.clear()
        self._last.clear()

    def _all_damaged(self, story: TopicStory, partition: int, first: int, last: int) -> bool:
        return self._world.vandalised and all(
            self._world.history.is_damaged(story, partition, offset)
            for offset in range(first, last + 1)
        )

    def acknowledged(self, story: TopicStory, attempt: Attempt) -> None:
        """I1, at the instant when the client hears of it: committed, and the bytes durable."""
        assert attempt.acked is not None
        tx = self._world.database.connection
        row = partition_row(tx, story.topic.no, attempt.partition)
        if row is None:
            return  # deleted meanwhile
        last = attempt.acked + attempt.count - 1
        if row.next_offset <= last:
            raise Violation(
                f"I1: {attempt.uid} was acknowledged up to {last}, but {story}/{attempt.partition} "
                f"is committed up to {row.next_offset - 1}"
            )
        if row.log_start <= last:
            for extent in extents_from(tx, story.topic.no, attempt.partition, last, 1):
                if not extent.base_offset <= last <= extent.last_offset:
                    raise Violation(f"I1: no extent holds {attempt.uid} at {last}")
                self._bytes(story, attempt.partition, extent)

    # -- one partition -------------------------------------------------------------------------------
    def _partition(self, story: TopicStory, partition: int) -> None:
        tx = self._world.database.connection
        row = partition_row(tx, story.topic.no, partition)
        if row is None:
            if not story.deletion_asked:
                raise Violation(f"{story}/{partition} is gone, and nobody deleted it")
            return
        where = f"{story}/{partition}"
        at = row.log_start
        keys = []
        spans = []
        for extent in extents_from(tx, story.topic.no, partition, row.log_start, EXTENTS_MAX):
            if extent.base_offset > at:
                raise Violation(f"I2: {where}: no extent holds {at}..{extent.base_offset - 1}")
            keys.append(self._bytes(story, partition, extent))
            spans.append((max(extent.base_offset, row.log_start), extent.last_offset))
            at = extent.last_offset + 1
        if at != row.next_offset:
            raise Violation(f"I2: {where}: extents end at {at}, the log at {row.next_offset}")
        self._compacted(story, partition, row.log_start, keys, spans)
        for gap in gaps(tx, story.topic.no, partition):
            inherited = story.topic.origin is not None
            if gap.cause == GapCause.DELETE_RECORDS and not inherited:
                if gap.last_offset >= story.line(partition).deleted_below:
                    raise Violation(f"I2: {where}: {gap}, but nobody asked for that much")
            elif gap.cause in (GapCause.RETENTION_TIME, GapCause.RETENTION_BYTES):
                asked = any(
                    gap.cause in configs and "delete" in configs.get("cleanup.policy", "delete")
                    for configs in story.configs
                )
                if not inherited and not asked:
                    raise Violation(f"I2: {where}: {gap}, without such a configuration")
            elif gap.cause in (GapCause.CORRUPT, GapCause.LOST_OBJECT):
                if not all(
                    self._world.history.may_be_given_up(story, partition, offset)
                    for offset in range(gap.first_offset, gap.last_offset + 1)
                ):
                    raise Violation(f"I2: {where}: {gap}, and not all of it was damaged")
            elif gap.cause == GapCause.COMPACTION:
                if not compactable(story):
                    raise Violation(f"I2: {where}: {gap}, without such a configuration")
            elif not inherited:
                raise Violation(f"I2: {where}: a gap that nothing explains: {gap}")

    def _compacted(
        self,
        story: TopicStory,
        partition: int,
        log_start: int,
        keys: list[_Key],
        spans: list[tuple[int, int]],
    ) -> None:
        """I2: what is not there was compacted, rightly."""
        state = compaction(self._world.database.connection, story.topic.no, partition)
        end = 0 if state is None else state.cleaned_end
        if self._last.get((story.id, partition)) == (keys, log_start, end):
            return
        self._last[story.id, partition] = keys, log_start, end
        there: set[int] = set()
        for key in keys:
            there |= self._read[key]
        if spans:
            there = {offset for offset in there if offset >= log_start}
        self.thinned.present(story, partition, spans, there)
        self.thinned.clean(story, partition, end, there)
        if sum(last + 1 - first for first, last in spans) > len(there):
            self._world.weather.saw("compacted partitions")

    def _missing(self, story: TopicStory, partition: int, offsets: Sequence[int]) -> None:
        """A reader was not given these. What replaced them may be newer than the last audit."""
        row = partition_row(self._world.database.connection, story.topic.no, partition)
        if row is not None and compactable(story):
            self._partition(story, partition)
        self.thinned.missing(story, partition, offsets)

    def _bytes(self, story: TopicStory, partition: int, extent: Extent) -> _Key:
        """I1: the extent's bytes are durable. I3: and what they were before. Once: they are the records."""
        where = (
            f"{story}/{partition} {extent.base_offset}..{extent.last_offset} in {extent.object_key}"
        )
        damaged = self._world.vandalised and any(
            self._world.history.is_damaged(story, partition, offset)
            for offset in range(extent.base_offset, extent.last_offset + 1)
        )
        try:
            data = self._stored(extent, where)
        except _Lost as lost:
            if not self._all_damaged(story, partition, extent.base_offset, extent.last_offset):
                raise Violation(str(lost)) from None
            data = b""
        place_ = _Place(extent.object_no, extent.position, extent.length)
        checksum = crc32c(data)
        if damaged:
            self._checksums[place_] = checksum
        if self._checksums.setdefault(place_, checksum) != checksum:
            raise Violation(f"I3: the bytes of {where} have changed")
        key = (story.id, partition, extent.base_offset, extent.leader_epoch, place_)
        if key not in self._read:
            self._read[key] = (
                self._records(story, partition, extent, data, where) if data else set()
            )
        return key

    def _stored(self, extent: Extent, where: str) -> bytes:
        if extent.kind is not ObjectKind.WAL or self._world.weather.settings.object_wal:
            try:
                data = self._world.bucket.get(extent.object_key, extent.position, extent.length)
            except NotFound:
                raise _Lost(f"I3: {where} is not in the bucket") from None
        else:
            path = WAL_PATH / f"{extent.object_key.removeprefix('wal/')}.wal"
            machine = self._world.machines[self._world.wal_is_on()]  # elsewhere nobody finds it
            header = machine.bytes_at(path, 0, FILE_HEADER_BYTES, durable=True)
            try:
                life = decode_file_header(header or b"")
            except Corrupt:  # torn or empty on the platter
                life = None
            if life is None or life[0].object_key != extent.object_key:
                raise Violation(f"I1: {where}: a power loss now would lose the file")
            data = machine.bytes_at(path, extent.position, extent.length, durable=True) or b""
            if data != machine.bytes_at(path, extent.position, extent.length, durable=False):
                raise Violation(f"I1: {where}: a power loss now would lose bytes")
        if len(data) != extent.length:
            raise Violation(f"I1: {where}: {len(data)} of {extent.length} bytes are there")
        return data

    def _records(
        self, story: TopicStory, partition: int, extent: Extent, data: bytes, where: str
    ) -> set[int]:
        view = memoryview(bytearray(data))
        at = extent.base_offset
        whole = extent.kind is ObjectKind.WAL or not compactable(story)
        records: set[int] = set()
        lost: set[int] = set()  # where damaged batches lie
        harmed = False
        for header in scan(view):
            damaged = extent.kind is not ObjectKind.WAL and self._all_damaged(
                story, partition, header.base_offset, header.last_offset
            )
            harmed = harmed or damaged
            if not crc_matches(view, header):
                lost.add(header.position)
                if not damaged:
                    raise Violation(f"I3: a batch of {where} has a wrong CRC")
            if extent.kind is ObjectKind.WAL:
                place(view, header.position, at, extent.leader_epoch)
                at += header.last_offset_delta + 1
            elif header.base_offset < at or (whole and header.base_offset != at):
                raise Violation(f"I2: {where}: a batch at {header.base_offset}, expected {at}")
            else:
                at = header.last_offset + 1
            if whole and header.record_count != header.last_offset_delta + 1 and not damaged:
                raise Violation(f"I2: {where}: a batch lacks records: {header}")
        for header in scan(view):
            if header.position in lost:
                continue
            for record in iter_records(view, header):
                self._world.history.saw(story, partition, record)
                records.add(record.offset)
        # Where a branch was cut out of a compacted extent, a hole may end it and its records are a bound.
        cut = compactable(story) and story.source is not None
        exact = at == extent.last_offset + 1 and len(records) == extent.records
        bounded = at <= extent.last_offset + 1 and len(records) <= extent.records
        if not (bounded if cut or harmed else exact):
            raise Violation(f"I2: {where} holds {len(records)} records up to {at - 1}")
        return records

    # -- memory --------------------------------------------------------------------------------------
    def _bounds(self) -> None:
        """I10, with the one item on top that each bound allows."""
        settings = self._world.weather.settings.log
        largest = self._world.largest_batch
        for broker in self._world.brokers:
            if broker.node is None:
                continue
            pipeline = broker.node.log.pipeline
            assert pipeline is not None
            waiting = self._world.producers_at_once
            if pipeline.queued_bytes > settings.queued_bytes_max + waiting * largest:
                raise Violation(f"I10: {pipeline.queued_bytes} bytes are queued")
            budget = pipeline._budget
            if budget.bytes_held > settings.tail_bytes_max + largest + 1024:
                raise Violation(f"I10: the tail holds {budget.bytes_held} bytes")

    # -- the end -------------------------------------------------------------------------------------
    def final(self) -> None:
        """What every acknowledged attempt has come to."""
        self.audit()
        tx = self._world.database.connection
        history = self._world.history
        for attempt in history.attempts.values():
            story = history.topics[attempt.topic_id]
            if attempt.acked is None or story.deletion_asked:
                continue
            row = partition_row(tx, story.topic.no, attempt.partition)
            assert row is not None
            line = story.line(attempt.partition)
            for offset in range(attempt.acked, attempt.acked + attempt.count):
                if (
                    offset >= row.log_start
                    and offset not in line.gone
                    and not history.is_damaged(story, attempt.partition, offset)
                    and line.at.get(offset) != (attempt.uid, offset - attempt.acked)
                ):
                    raise Violation(f"I1: {attempt.uid} is not at {offset}")
            if attempt.acked + attempt.count > row.next_offset:
                raise Violation(f"I1: {attempt.uid} lies behind the end")
        self._sequences()

    def _sequences(self) -> None:
        """I5: an idempotent producer's batches lie in the order of their sequence numbers."""
        by_producer: dict[tuple[bytes, int, int], list[tuple[int, int, str]]] = {}
        history = self._world.history
        for attempt in history.attempts.values():
            base = history.topics[attempt.topic_id].line(attempt.partition).base.get(attempt.uid)
            if attempt.sequence is not None and base is not None:
                key = (attempt.topic_id, attempt.partition, attempt.sequence[0])
                by_producer.setdefault(key, []).append((attempt.sequence[2], base, attempt.uid))
        for batches in by_producer.values():
            batches.sort()
            for (_, base, uid), (_, next_base, next_uid) in pairwise(batches):
                if base >= next_base:
                    raise Violation(f"I2: {uid} lies at {base}, {next_uid} at {next_base}")
