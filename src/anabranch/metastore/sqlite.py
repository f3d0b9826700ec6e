"""The SQLite engine of the metastore: one file, one writer thread per process, readers beside it.

This class only says which verb reads and which writes; what a verb does is a plain function of a
connection, in the file of its aggregate. ``docs/formats-metastore.md`` describes the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from anabranch.metastore import (
    appends,
    branches,
    brokers,
    check,
    counters,
    documents,
    extent_changes,
    extents,
    gaps,
    groups,
    history,
    objects,
    partitions,
    purge,
    topics,
)
from anabranch.metastore import offsets as committed_offsets
from anabranch.metastore.api import (
    Actor,
    AppendCommit,
    AppendOutcome,
    Backlog,
    BranchOrigin,
    BrokerRow,
    Committed,
    DeletedTopic,
    Document,
    Extent,
    ExtentName,
    Gap,
    GapCause,
    GroupRow,
    LeaderEpoch,
    Metastore,
    NewExtent,
    ObjectKind,
    ObjectRow,
    OffsetAction,
    OffsetChange,
    Partition,
    PartitionSize,
    ProducerState,
    Topic,
)
from anabranch.metastore.connections import Readers, grow_wal, open_writer, opening
from anabranch.metastore.migrate import migrate
from anabranch.metastore.writer import Writer

PURGE_AT_ONCE_ROWS = (
    5_000  # rows of a deleted topic that go with it; the rest waits for purge_deleted
)


class SqliteMetastore:
    """See :class:`anabranch.metastore.api.Metastore`; made by :meth:`open`.

    Several processes may open one file. Within a process an instance may serve several event loops
    one after the other; each answer goes to the loop that asked.
    """

    def __init__(self, path: Path, writer: Writer, readers: Readers, cluster_id: bytes) -> None:
        self._path = path
        self._writer = writer
        self._readers = readers
        self._cluster_id = cluster_id

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        now_ms: int,
        new_cluster_id: Callable[[], bytes],
        write_out_wal: bool = False,
    ) -> SqliteMetastore:
        """Open the file, or create it with the cluster id (16 bytes) that ``new_cluster_id`` makes.

        ``write_out_wal`` is for a process that commits much: some 30 ms now for quicker commits.

        Raises UserFault if the file is not a metastore, has a newer schema, or cannot be written;
        StoreFault if the disk is full or another process keeps it locked.
        """
        with opening(path):
            connection = open_writer(path)
            try:
                cluster_id = migrate(connection, path, now_ms=now_ms, new_cluster_id=new_cluster_id)
                if write_out_wal:
                    grow_wal(connection, path)
                writer = Writer(connection, path)
                writer.start()
            except BaseException:
                connection.close()
                raise
        return cls(path, writer, Readers(path), cluster_id)

    @property
    def cluster_id(self) -> bytes:
        return self._cluster_id

    @property
    def path(self) -> Path:
        return self._path

    def close(self) -> None:
        self._writer.close()
        self._readers.close()
        self._writer.release()

    def on_change(self, callback: Callable[[], None]) -> None:
        self._writer.watch(callback)

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
    ) -> BrokerRow:
        return await self._writer.submit(
            brokers.register_broker, broker_id, host, port, now_ms, lane, rack, silent_ms
        )

    async def beat_broker(self, broker_id: int, epoch: int, now_ms: int) -> bool:
        return await self._writer.submit(brokers.beat_broker, broker_id, epoch, now_ms)

    async def remove_broker(self, broker_id: int, epoch: int | None = None) -> bool:
        return await self._writer.submit(brokers.remove_broker, broker_id, epoch)

    async def brokers(self) -> list[BrokerRow]:
        return self._readers.run(brokers.brokers)

    async def acquire_lease(self, name: str, holder: str, ttl_ms: int, now_ms: int) -> bool:
        return await self._writer.submit(brokers.acquire_lease, name, holder, ttl_ms, now_ms)

    async def release_lease(self, name: str, holder: str) -> None:
        await self._writer.submit(brokers.release_lease, name, holder)

    # -- catalogue ---------------------------------------------------------------------------
    async def catalogue_version(self) -> int:
        return self._readers.run(counters.read, "catalogue_version")

    async def topics(self) -> list[Topic]:
        return self._readers.run(topics.topics)

    async def topic_by_no(self, topic_no: int) -> Topic | None:
        return self._readers.run(topics.topic_by_no, topic_no)

    async def create_topic(
        self, name: str, topic_id: bytes, partitions: int, configs: Mapping[str, str], now_ms: int
    ) -> Topic:
        return await self._writer.submit(
            topics.create_topic, name, topic_id, partitions, configs, now_ms
        )

    async def create_partitions(self, topic_no: int, total: int, now_ms: int) -> Topic:
        return await self._writer.submit(topics.create_partitions, topic_no, total, now_ms)

    async def set_topic_configs(
        self, topic_no: int, configs: Mapping[str, str], now_ms: int
    ) -> Topic:
        return await self._writer.submit(topics.set_topic_configs, topic_no, configs, now_ms)

    async def delete_topic(self, topic_no: int, now_ms: int, grace_ms: int = 0) -> bool:
        return await self._writer.submit(
            purge.delete_topic, topic_no, now_ms, grace_ms, PURGE_AT_ONCE_ROWS
        )

    async def undelete_topic(self, topic_no: int, name: str | None, now_ms: int) -> Topic:
        return await self._writer.submit(purge.undelete_topic, topic_no, name, now_ms)

    async def deleted_topics(self) -> list[DeletedTopic]:
        return self._readers.run(purge.deleted_topics)

    async def purge_deleted(self, limit: int, now_ms: int) -> int:
        return await self._writer.submit(purge.purge_deleted, limit, now_ms)

    async def create_branch(
        self,
        source_no: int,
        name: str,
        topic_id: bytes,
        origin: BranchOrigin,
        replacements: Mapping[int, Sequence[tuple[int, NewExtent]]],
        now_ms: int,
    ) -> Topic:
        return await self._writer.submit(
            branches.create_branch, source_no, name, topic_id, origin, replacements, now_ms
        )

    # -- partitions --------------------------------------------------------------------------
    async def partitions(self, topic_no: int) -> list[Partition]:
        return self._readers.run(partitions.partitions, topic_no)

    async def partition(self, topic_no: int, partition: int) -> Partition | None:
        return self._readers.run(partitions.partition, topic_no, partition)

    async def all_partitions(self) -> list[Partition]:
        return self._readers.run(partitions.all_partitions)

    async def leader_epochs(self, topic_no: int, partition: int) -> list[LeaderEpoch]:
        return self._readers.run(partitions.leader_epochs, topic_no, partition)

    async def partition_sizes(self, topic_no: int) -> list[PartitionSize]:
        return self._readers.run(extents.partition_sizes, topic_no)

    # -- appends -----------------------------------------------------------------------------
    async def commit_appends(
        self, object_key: str, commits: Sequence[AppendCommit], now_ms: int
    ) -> list[AppendOutcome]:
        return await self._writer.submit(appends.commit_appends, object_key, commits, now_ms)

    async def producer_states(self, topic_no: int, partition: int) -> list[ProducerState]:
        return self._readers.run(appends.producer_states, topic_no, partition)

    async def expire_producers(self, before_ms: int, limit: int) -> int:
        return await self._writer.submit(appends.expire_producers, before_ms, limit)

    async def allocate_producer_ids(self, count: int) -> int:
        return await self._writer.submit(appends.allocate_producer_ids, count)

    # -- reads -------------------------------------------------------------------------------
    async def extents_from(
        self, topic_no: int, partition: int, offset: int, limit: int
    ) -> list[Extent]:
        return self._readers.run(extents.extents_from, topic_no, partition, offset, limit)

    async def extent_by_timestamp(
        self, topic_no: int, partition: int, timestamp: int, from_offset: int
    ) -> Extent | None:
        return self._readers.run(
            extents.extent_by_timestamp, topic_no, partition, timestamp, from_offset
        )

    async def extent_by_append_time(
        self, topic_no: int, partition: int, appended_ms: int
    ) -> Extent | None:
        return self._readers.run(extents.extent_by_append_time, topic_no, partition, appended_ms)

    async def extent_of_max_timestamp(
        self, topic_no: int, partition: int, from_offset: int
    ) -> Extent | None:
        return self._readers.run(extents.extent_of_max_timestamp, topic_no, partition, from_offset)

    async def gaps(self, topic_no: int, partition: int | None = None) -> list[Gap]:
        return self._readers.run(gaps.gaps, topic_no, partition)

    # -- merge, retention, collection ----------------------------------------------------------
    async def backlogs(self, limit: int) -> list[Backlog]:
        return self._readers.run(partitions.backlogs, limit)

    async def wal_extents(self, topic_no: int, partition: int, limit: int) -> list[Extent]:
        return self._readers.run(extents.wal_extents, topic_no, partition, limit)

    async def small_segments(
        self, topic_no: int, partition: int, below_bytes: int, limit: int
    ) -> list[Extent]:
        return self._readers.run(extents.small_segments, topic_no, partition, below_bytes, limit)

    async def create_object(self, key: str, kind: ObjectKind, now_ms: int) -> int:
        return await self._writer.submit(objects.create_object, key, kind, now_ms)

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
        return await self._writer.submit(
            extent_changes.replace_extents,
            topic_no,
            partition,
            remove,
            object_no,
            object_bytes,
            add,
            now_ms,
        )

    async def advance_log_start(
        self,
        topic_no: int,
        partition: int,
        log_start: int,
        cause: GapCause,
        detail: str,
        now_ms: int,
    ) -> Partition | None:
        while True:  # a transaction per step, so that dropping a million extents delays nobody
            present, finished = await self._writer.submit(
                extent_changes.advance_log_start,
                topic_no,
                partition,
                log_start,
                cause,
                detail,
                now_ms,
            )
            if finished:
                return present

    async def objects_without_extents(
        self, now_ms: int, created_before_ms: int, limit: int
    ) -> list[ObjectRow]:
        return await self._writer.submit(
            objects.objects_without_extents, now_ms, created_before_ms, limit
        )

    async def wal_objects(self) -> list[ObjectRow]:
        return self._readers.run(objects.wal_objects)

    async def forget_object(self, object_no: int, reason: str, now_ms: int) -> bool:
        return await self._writer.submit(objects.forget_object, object_no, reason, now_ms)

    async def deletions(self, limit: int) -> list[tuple[str, str, int]]:
        return self._readers.run(objects.deletions, limit)

    # -- groups ------------------------------------------------------------------------------
    async def groups(self) -> list[GroupRow]:
        return self._readers.run(groups.groups)

    async def group(self, group_id: str) -> GroupRow | None:
        return self._readers.run(groups.group, group_id)

    async def save_group(self, row: GroupRow, *, expected: int | None = None) -> None:
        await self._writer.submit(groups.save_group, row, expected)

    async def delete_group(
        self, group_id: str, actor: Actor, now_ms: int, *, expected: int | None = None
    ) -> bool:
        return await self._writer.submit(groups.delete_group, group_id, actor, now_ms, expected)

    async def committed(self, group_id: str) -> list[Committed]:
        return self._readers.run(committed_offsets.committed, group_id)

    async def commit_offsets(
        self,
        group_id: str,
        offsets: Sequence[Committed],
        action: OffsetAction,
        actor: Actor,
        now_ms: int,
        *,
        expected: int | None = None,
    ) -> None:
        await self._writer.submit(
            committed_offsets.commit_offsets, group_id, offsets, action, actor, now_ms, expected
        )

    async def delete_offsets(
        self,
        group_id: str,
        partitions: Sequence[tuple[int, int]],
        action: OffsetAction,
        actor: Actor,
        now_ms: int,
        *,
        expected: int | None = None,
    ) -> None:
        await self._writer.submit(
            committed_offsets.delete_offsets, group_id, partitions, action, actor, now_ms, expected
        )

    async def offset_history(
        self,
        group_id: str,
        *,
        topic_no: int | None = None,
        partition: int | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int = 1000,
        newest_first: bool = True,
    ) -> list[OffsetChange]:
        return self._readers.run(
            history.offset_history,
            group_id,
            topic_no=topic_no,
            partition=partition,
            since_ms=since_ms,
            until_ms=until_ms,
            limit=limit,
            newest_first=newest_first,
        )

    async def positions_at(self, group_id: str, at_ms: int) -> list[OffsetChange]:
        return self._readers.run(history.positions_at, group_id, at_ms)

    async def prune_offset_history(self, before_ms: int, limit: int) -> int:
        return await self._writer.submit(history.prune_offset_history, before_ms, limit)

    # -- documents ---------------------------------------------------------------------------
    async def put_document(
        self, kind: str, document_id: str, body: bytes, now_ms: int, *, create: bool = False
    ) -> None:
        await self._writer.submit(
            documents.put_document, kind, document_id, body, now_ms, create=create
        )

    async def document(self, kind: str, document_id: str) -> Document | None:
        return self._readers.run(documents.document, kind, document_id)

    async def documents(self, kind: str) -> list[Document]:
        return self._readers.run(documents.documents, kind)

    async def delete_document(self, kind: str, document_id: str) -> bool:
        return await self._writer.submit(documents.delete_document, kind, document_id)

    # -- the engine itself ---------------------------------------------------------------------
    async def check(self) -> list[str]:
        return self._readers.run(check.check)


_: type[Metastore] = SqliteMetastore  # every verb is there, with the contract's signature
