"""Every verb of the metastore, once for all engines.

This class only says which verb reads and which writes; what a verb does is a plain function of a
transaction (:mod:`anabranch.metastore.tx`), in the file of its aggregate. An engine says how reads and
writes are carried out. ``docs/formats-metastore.md`` describes the tables.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from anabranch.metastore import (
    appends,
    audit,
    branches,
    brokers,
    check,
    clock,
    compactions,
    counters,
    extent_changes,
    extents,
    gaps,
    journal,
    lines,
    maintenance,
    objects,
    partitions,
    producer_ids,
    purge,
    topics,
    transplant,
)
from anabranch.metastore.audit import KnownObject, Naming
from anabranch.metastore.changes import Changed
from anabranch.metastore.credential_values import Endpoint
from anabranch.metastore.group_verbs import SqlGroupVerbs
from anabranch.metastore.handover import Handover
from anabranch.metastore.journal import Changes, JournalState, Mark, SchemaCache, TableRows
from anabranch.metastore.transaction_verbs import SqlTransactionVerbs
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import (
    ALL_SHARDS,
    Actor,
    AppendCommit,
    AppendOutcome,
    Backlog,
    BranchOrigin,
    BrokerRow,
    Compaction,
    CompactionCandidate,
    DeletedTopic,
    Extent,
    ExtentName,
    Gap,
    GapCause,
    Guard,
    LeaderEpoch,
    LineSwap,
    NewExtent,
    ObjectCounts,
    ObjectKind,
    ObjectRow,
    OldestExtent,
    PackUsage,
    Partition,
    PartitionSize,
    PlacedExtent,
    ProducerState,
    Replacement,
    StandingBeyond,
    Topic,
)

P = ParamSpec("P")
T = TypeVar("T")

PURGE_AT_ONCE_ROWS = (
    5_000  # rows of a deleted topic that go with it; the rest waits for purge_deleted
)


class SqlMetastore(SqlGroupVerbs, SqlTransactionVerbs):
    """See :class:`anabranch.metastore.api.Metastore`; an engine adds how to open, read and write."""

    def __init__(self) -> None:
        self._schema = SchemaCache()  # used by journal reads alone, one at a time

    @property
    @abstractmethod
    def cluster_id(self) -> bytes:
        """16 bytes; given at creation, kept by a rebuild."""

    @abstractmethod
    def close(self) -> None:
        """Commit what is queued, then release everything."""

    @abstractmethod
    def on_change(self, callback: Callable[[Changed], None]) -> None:
        """Call ``callback`` (on the loop) with what another process changed, as far as that is known."""

    def expect_others(self, others: bool) -> None:  # nothing where nobody polls
        """Say whether other processes are known to write; an engine that polls polls more often then."""

    @abstractmethod
    async def _read(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``verb(tx, *args)`` on one snapshot."""

    @abstractmethod
    def _write(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Queue ``verb(tx, *args)``; resolves once the commit that holds it is durable (I1)."""

    async def _read_aside(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As :meth:`_read`, for reads that take milliseconds: never on the event loop."""
        return await self._read(verb, *args, **kwargs)

    async def now_ms(self) -> int:
        return await self._read(clock.now_ms)

    # -- brokers and leases ------------------------------------------------------------------
    async def register_broker(
        self,
        broker_id: int | None,
        host: str,
        port: int,
        now_ms: int,
        *,
        lane: str = "live",
        rack: str | None = None,
        silent_ms: int = 0,
        wal_epoch: int | None = None,
        endpoints: Sequence[Endpoint] = (),
    ) -> BrokerRow:
        return await self._write(
            brokers.register_broker,
            *(broker_id, host, port, now_ms, lane, rack, silent_ms, wal_epoch, endpoints),
        )

    async def beat_broker(
        self,
        broker_id: int,
        epoch: int,
        now_ms: int,
        *,
        late_percent: int = 0,
        cold_bytes_per_second: int = 0,
    ) -> bool:
        return await self._write(
            brokers.beat_broker, broker_id, epoch, now_ms, late_percent, cold_bytes_per_second
        )

    async def remove_broker(self, broker_id: int, epoch: int | None = None) -> bool:
        return await self._write(brokers.remove_broker, broker_id, epoch)

    async def brokers(self) -> list[BrokerRow]:
        return await self._read(brokers.brokers)

    async def acquire_lease(self, name: str, holder: str, ttl_ms: int, now_ms: int) -> bool:
        return await self._write(brokers.acquire_lease, name, holder, ttl_ms, now_ms)

    async def release_lease(self, name: str, holder: str) -> None:
        await self._write(brokers.release_lease, name, holder)

    # -- catalogue ---------------------------------------------------------------------------
    async def catalogue_version(self) -> int:
        return await self._read(counters.read, "catalogue_version")

    async def topics(self) -> list[Topic]:
        return await self._read(topics.topics)

    async def some_topics(self, topic_nos: Sequence[int]) -> list[Topic]:
        return await self._read(topics.some_topics, topic_nos)

    async def find_topics(self, names: Collection[str], ids: Collection[bytes]) -> list[int]:
        return await self._read(topics.find_topics, names, ids)

    async def topic_by_no(self, topic_no: int) -> Topic | None:
        return await self._read(topics.topic_by_no, topic_no)

    async def create_topic(
        self, name: str, topic_id: bytes, partitions: int, configs: Mapping[str, str], now_ms: int
    ) -> Topic:
        return await self._write(topics.create_topic, name, topic_id, partitions, configs, now_ms)

    async def create_partitions(self, topic_no: int, total: int, now_ms: int) -> Topic:
        return await self._write(topics.create_partitions, topic_no, total, now_ms)

    async def set_topic_configs(
        self, topic_no: int, configs: Mapping[str, str], now_ms: int
    ) -> Topic:
        return await self._write(topics.set_topic_configs, topic_no, configs, now_ms)

    async def delete_topic(
        self, topic_no: int, now_ms: int, grace_ms: int = 0, guard: Guard | None = None
    ) -> bool:
        return await self._write(
            purge.delete_topic, topic_no, now_ms, grace_ms, PURGE_AT_ONCE_ROWS, guard
        )

    async def undelete_topic(self, topic_no: int, name: str | None, now_ms: int) -> Topic:
        return await self._write(purge.undelete_topic, topic_no, name, now_ms)

    async def deleted_topics(self) -> list[DeletedTopic]:
        return await self._read(purge.deleted_topics)

    async def purge_deleted(self, limit: int, now_ms: int) -> int:
        return await self._write(purge.purge_deleted, limit, now_ms)

    async def create_branch(
        self,
        source_no: int,
        name: str,
        topic_id: bytes,
        origin: BranchOrigin,
        replacements: Mapping[int, Sequence[tuple[int, NewExtent]]],
        now_ms: int,
        open_at: Mapping[int, Sequence[tuple[int, int]]] | None = None,
    ) -> Topic:
        return await self._write(
            branches.create_branch,
            source_no,
            name,
            topic_id,
            origin,
            replacements,
            now_ms,
            open_at or {},
        )

    async def standing_beyond(
        self, topic_no: int, ends: Sequence[int]
    ) -> tuple[list[StandingBeyond], list[tuple[str, int, int]]]:
        return await self._read(lines.standing_beyond, topic_no, ends)

    async def swap_lines(self, swap: LineSwap, actor: Actor, now_ms: int) -> tuple[Topic, Topic]:
        return await self._write(lines.swap_lines, swap, actor, now_ms)

    # -- partitions --------------------------------------------------------------------------
    async def partitions(self, topic_no: int) -> list[Partition]:
        return await self._read(partitions.partitions, topic_no)

    async def partition(self, topic_no: int, partition: int) -> Partition | None:
        return await self._read(partitions.partition, topic_no, partition)

    async def all_partitions(self) -> list[Partition]:
        return await self._read(partitions.all_partitions)

    async def some_partitions(self, keys: Sequence[tuple[int, int]]) -> list[Partition]:
        return await self._read(partitions.some_partitions, keys)

    async def leader_epochs(self, topic_no: int, partition: int) -> list[LeaderEpoch]:
        return await self._read(partitions.leader_epochs, topic_no, partition)

    async def partition_sizes(self, topic_no: int) -> list[PartitionSize]:
        return await self._read(extents.partition_sizes, topic_no)

    async def is_plain(self, topic_no: int, partition: int) -> bool:
        return await self._read(extents.is_plain, topic_no, partition)

    async def partition_bytes(self, topic_no: int) -> dict[int, int]:
        return await self._read(extents.partition_bytes, topic_no)

    # -- appends -----------------------------------------------------------------------------
    async def commit_appends(
        self, object_key: str, commits: Sequence[AppendCommit], now_ms: int
    ) -> list[AppendOutcome]:
        return await self._write(appends.commit_appends, object_key, commits, now_ms)

    def commit_flush(self, flush: Handover, now_ms: int) -> Awaitable[list[AppendOutcome]]:
        async def when_given() -> list[AppendOutcome]:
            given = await flush.given()
            return await self.commit_appends(given.object_key, given.commits, now_ms)

        return when_given()

    async def producer_states(self, topic_no: int, partition: int) -> list[ProducerState]:
        return await self._read(appends.producer_states, topic_no, partition)

    async def append_state(
        self, topic_no: int, partition: int
    ) -> tuple[Partition, list[ProducerState]] | None:
        return await self._read(appends.append_state, topic_no, partition)

    async def expire_producers(self, before_ms: int, limit: int) -> int:
        return await self._write(appends.expire_producers, before_ms, limit)

    async def allocate_producer_ids(self, count: int) -> int:
        return await self._write(producer_ids.allocate_producer_ids, count)

    # -- reads -------------------------------------------------------------------------------
    async def extents_from(
        self, topic_no: int, partition: int, offset: int, limit: int
    ) -> list[Extent]:
        return await self._read(extents.extents_from, topic_no, partition, offset, limit)

    async def extent_by_timestamp(
        self, topic_no: int, partition: int, timestamp: int, from_offset: int
    ) -> Extent | None:
        return await self._read(
            extents.extent_by_timestamp, topic_no, partition, timestamp, from_offset
        )

    async def extent_by_append_time(
        self, topic_no: int, partition: int, appended_ms: int
    ) -> Extent | None:
        return await self._read(extents.extent_by_append_time, topic_no, partition, appended_ms)

    async def extent_of_max_timestamp(
        self, topic_no: int, partition: int, from_offset: int
    ) -> Extent | None:
        return await self._read(extents.extent_of_max_timestamp, topic_no, partition, from_offset)

    async def gaps(self, topic_no: int, partition: int | None = None) -> list[Gap]:
        return await self._read(gaps.gaps, topic_no, partition)

    # -- merge, retention, collection ----------------------------------------------------------
    async def backlogs(self, limit: int, shards: Sequence[int] = ALL_SHARDS) -> list[Backlog]:
        return await self._read(partitions.backlogs, limit, shards)

    async def wal_extents(self, topic_no: int, partition: int, limit: int) -> list[Extent]:
        return await self._read(extents.wal_extents, topic_no, partition, limit)

    async def wal_extents_of(self, partitions: Sequence[tuple[int, int]]) -> list[PlacedExtent]:
        return await self._read(maintenance.wal_extents_of, partitions)

    async def small_segments_of(
        self, partitions: Sequence[tuple[int, int, int]]
    ) -> list[PlacedExtent]:
        return await self._read(maintenance.small_segments_of, partitions)

    async def small_segments(
        self, topic_no: int, partition: int, below_bytes: int, limit: int
    ) -> list[Extent]:
        return await self._read(extents.small_segments, topic_no, partition, below_bytes, limit)

    async def create_object(self, key: str, kind: ObjectKind, now_ms: int) -> int:
        return await self._write(objects.create_object, key, kind, now_ms)

    async def replace_extents(
        self,
        topic_no: int,
        partition: int,
        remove: Sequence[ExtentName],
        object_no: int,
        object_bytes: int,
        add: Sequence[NewExtent],
        now_ms: int,
    ) -> bool:
        return await self._write(
            extent_changes.replace_extents,
            topic_no,
            partition,
            remove,
            object_no,
            object_bytes,
            add,
            now_ms,
        )

    async def replace_many(
        self,
        object_no: int,
        object_bytes: int,
        replacements: Sequence[Replacement],
        now_ms: int,
        guard: Guard | None = None,
    ) -> list[bool]:
        return await self._write(
            extent_changes.replace_many, object_no, object_bytes, replacements, now_ms, guard
        )

    async def oldest_extents(
        self, after: tuple[int, int], limit: int, shards: Sequence[int] = ALL_SHARDS
    ) -> list[OldestExtent]:
        return await self._read(maintenance.oldest_extents, after, limit, shards)

    async def measure_packs(self, limit: int) -> int:
        return await self._write(maintenance.measure_packs, limit)

    async def pack_usage(self, limit: int) -> list[PackUsage]:
        return await self._read(maintenance.pack_usage, limit)

    async def extents_of_object(self, object_no: int, limit: int) -> list[PlacedExtent]:
        return await self._read(maintenance.extents_of_object, object_no, limit)

    async def object_counts(self) -> ObjectCounts:
        return await self._read(objects.object_counts)

    async def compaction(self, topic_no: int, partition: int) -> Compaction | None:
        return await self._read(compactions.compaction, topic_no, partition)

    async def compaction_candidates(
        self, topic_nos: Sequence[int], shards: Sequence[int] = ALL_SHARDS
    ) -> list[CompactionCandidate]:
        return await self._read(compactions.compaction_candidates, topic_nos, shards)

    async def begin_compaction(
        self, topic_no: int, partition: int, gap_end: int, now_ms: int, epoch: int | None = None
    ) -> Compaction | None:
        return await self._write(
            compactions.begin_compaction, topic_no, partition, gap_end, now_ms, epoch
        )

    async def finish_compaction(
        self,
        topic_no: int,
        partition: int,
        cleaned_end: int,
        clean_bytes: int,
        horizon_ms: int | None,
        now_ms: int,
        epoch: int | None = None,
    ) -> bool:
        return await self._write(
            compactions.finish_compaction,
            topic_no,
            partition,
            cleaned_end,
            clean_bytes,
            horizon_ms,
            now_ms,
            epoch,
        )

    async def advance_log_start(
        self,
        topic_no: int,
        partition: int,
        log_start: int,
        cause: GapCause,
        detail: str,
        now_ms: int,
        epoch: int | None = None,
        guard: Guard | None = None,
    ) -> Partition | None:
        while True:  # a transaction per step, so that dropping a million extents delays nobody
            present, finished = await self._write(
                extent_changes.advance_log_start,
                topic_no,
                partition,
                log_start,
                cause,
                detail,
                now_ms,
                epoch,
                guard,
            )
            if finished:
                return present

    async def objects_without_extents(
        self, now_ms: int, created_before_ms: int, limit: int
    ) -> list[ObjectRow]:
        return await self._write(objects.objects_without_extents, now_ms, created_before_ms, limit)

    async def wal_objects(self) -> list[ObjectRow]:
        return await self._read(objects.wal_objects)

    async def forget_object(self, object_no: int, reason: str, now_ms: int) -> bool:
        return await self._write(objects.forget_object, object_no, reason, now_ms)

    async def pending_deletions(self, limit: int) -> list[str]:
        return await self._read(objects.pending_deletions, limit)

    async def confirm_deletions(self, keys: Sequence[str]) -> None:
        await self._write(objects.confirm_deletions, keys)

    async def deletions(self, limit: int) -> list[tuple[str, str, int]]:
        return await self._read(objects.deletions, limit)

    # -- journal -----------------------------------------------------------------------------
    async def journal_state(self) -> JournalState:
        return await self._read(journal.state)

    async def journal_pending(self) -> tuple[int, int]:
        return await self._read_aside(journal.pending)

    async def journal_take_over(self, incarnation: bytes) -> JournalState:
        return await self._write(journal.take_over, incarnation)

    async def journal_changes(
        self, rows_max: int, now_ms: int, wal_known: Mapping[int, int]
    ) -> Changes | None:
        return await self._read_aside(
            journal.changes, self._schema, rows_max, now_ms, dict(wal_known)
        )

    async def journal_shipped(
        self,
        epoch: int,
        before: int,
        number: int,
        marks: Sequence[Mark],
        notes: Sequence[int],
        now_ms: int,
    ) -> bool:
        return await self._write(journal.shipped, epoch, before, number, marks, notes, now_ms)

    async def journal_reset(self, epoch: int, number: int) -> bool:
        return await self._write(journal.reset, epoch, number)

    async def journal_trim(self) -> int:
        return await self._write(journal.trim)

    async def journal_tables(self) -> tuple[int, list[str]]:
        number, tables = await self._read_aside(self._schema.tables)
        return number, list(tables)

    async def journal_chunk(
        self, table: str, after: Sequence[int | str] | None, limit: int
    ) -> TableRows:
        return await self._read_aside(journal.chunk, self._schema, table, after, limit)

    async def refuse_unless_empty(self) -> None:
        await self._read_aside(transplant.refuse_unless_empty)

    async def fill_from(self, source: Path) -> None:
        await self._write(transplant.transplant, source)

    async def journal_snapshot_done(self, epoch: int, number: int, now_ms: int) -> bool:
        return await self._write(journal.snapshot_done, epoch, number, now_ms)

    # -- audit -------------------------------------------------------------------------------
    async def known_keys(self, keys: Sequence[str]) -> dict[str, int]:
        return await self._read_aside(audit.known_keys, keys)

    async def collected_keys(self, keys: Sequence[str]) -> dict[str, bool]:
        return await self._read_aside(audit.collected_keys, keys)

    async def objects_after(self, no: int, limit: int) -> list[KnownObject]:
        return await self._read_aside(audit.objects_after, no, limit)

    async def extents_in(self, object_no: int, limit: int) -> list[Naming]:
        return await self._read_aside(audit.extents_in, object_no, limit)

    # -- the engine itself ---------------------------------------------------------------------
    async def check(self) -> list[str]:
        return await self._read(check.check)
