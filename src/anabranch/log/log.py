"""The log as brokers and the recovery plane see it: topics, appends, reads, branches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.log import holds
from anabranch.log.awaited import Strangers, idempotent_headers
from anabranch.log.background import Background
from anabranch.log.branch import Brancher, BranchPoint
from anabranch.log.buffers import Buffers
from anabranch.log.catalogue import Catalogue
from anabranch.log.cold import ColdReads
from anabranch.log.collection import Collector
from anabranch.log.compaction import Compactor
from anabranch.log.config import TopicConfig, validate_configs, validate_topic_name
from anabranch.log.damage import DamageReports
from anabranch.log.epochs import UNDEFINED, end_of_epoch
from anabranch.log.extents import ExtentReader
from anabranch.log.fetched import FetchPart, FetchWant
from anabranch.log.healing import Healer
from anabranch.log.journal import Journal, Superseded
from anabranch.log.merge import Merger
from anabranch.log.objects import ObjectWriter
from anabranch.log.offsets import OffsetAnswer, OffsetFinder
from anabranch.log.partition import PartitionLog
from anabranch.log.pipeline import AppendPipeline
from anabranch.log.planning import Appended, Pending
from anabranch.log.produced import check_timestamps, own_transaction
from anabranch.log.quarantine import Quarantine
from anabranch.log.reads import Reader
from anabranch.log.recycling import WalRecycler
from anabranch.log.repack import Repacker
from anabranch.log.rewriting import Rewriter
from anabranch.log.settings import LogSettings
from anabranch.log.shards import Shards
from anabranch.log.skipping import Operator, Skipper
from anabranch.log.tail import TailBudget
from anabranch.log.threads import LogThreads
from anabranch.log.throttle import FairLimit
from anabranch.log.transactions import Transactions
from anabranch.metastore.api import (
    Actor,
    BrokerRow,
    Damage,
    DeletedTopic,
    GapCause,
    LineSwap,
    Metastore,
    Partition,
    PartitionSize,
    Topic,
    Transactional,
)
from anabranch.prompt import PromptFuture
from anabranch.records.batch import (
    TRANSACTIONAL,
    stamp_append_time,
    validate_produced,
)
from anabranch.storage.layers import LayeredStore
from anabranch.storage.store import Store
from anabranch.storage.wal import Wal, WalReader

T = TypeVar("T")

PARTITIONS_MAX = 10_000  # per topic; each is a row and a handle in memory
# What one append to a compacted topic may decompress to: some 50 ms of the loop. Clients bound their
# batches before they compress them, so honest ones stay far below, and below a multiple of a larger
# max.message.bytes.
INFLATED_BYTES_MAX = 16 * 1024 * 1024
INFLATION_MAX = 4
HIGH_WATERMARK = -1  # DeleteRecords' word for "everything"


async def _nobody_asks() -> None: ...


class Log:
    """One process's access to the shared log. ``wal`` is None where nothing is appended (the CLI)."""

    def __init__(
        self,
        *,
        metastore: Metastore,
        store: Store,
        wal_reader: WalReader,
        wal: Wal | None,
        threads: LogThreads,
        settings: LogSettings,
        now_ms: Callable[[], int],
        unique: Callable[[], str],
        new_topic_id: Callable[[], bytes],
        broker: BrokerRow | None = None,
        store_now_ms: Callable[[], Awaitable[int]] | None = None,
        topic_suffix: str = "",
    ) -> None:
        """``now_ms`` is this machine's clock, ``store_now_ms`` the one that all who share the metastore
        agree on, by which leases end (None: they are the same)."""
        self.metastore = metastore
        self.store = store
        self.wal_reader = wal_reader
        self.settings = settings
        self.now_ms = now_ms
        store_now_ms = store_now_ms or self._own_now_ms
        self.broker = broker  # as what this process is registered, if it appends
        # Told once nothing is appended any more, and before the journal ships its last entry.
        self.on_drained: Callable[[], Awaitable[None]] = _nobody_asks
        # Which partitions background work is ours for; brokers divide them among themselves.
        self.looks_after: Callable[[bytes, int], bool] = lambda topic_id, partition: True
        self.catalogue = Catalogue(metastore, topic_suffix)
        self._strangers = Strangers()
        self.extents = ExtentReader(store, wal_reader)
        self.buffers = Buffers()  # for the requests that bring what is appended
        self._wal = wal
        self._new_topic_id = new_topic_id
        self._threads = threads
        self.cold = ColdReads(
            self.extents, store, threads.cold, threads.recent or threads.cold, settings
        )
        self.damage = DamageReports(metastore, self.extents, threads.background, now_ms)
        self.reader = Reader(metastore, self.catalogue, self.cold, self.damage, settings)
        self._finder = OffsetFinder(metastore, self.extents, self.reader.aside)
        objects = ObjectWriter(metastore, store, threads.background, now_ms)
        self.rewriter = Rewriter(metastore, objects, self.extents, now_ms, unique)
        self.quarantine = Quarantine(
            metastore, objects, self.extents, self.damage, threads.background, now_ms, unique
        )
        self.skipper = Skipper(metastore, objects, self.extents, threads.background, now_ms, unique)
        self.merger = Merger(
            metastore, self.rewriter, self.quarantine, self.damage, settings, now_ms
        )
        self._brancher = Brancher(
            metastore,
            objects,
            self.extents,
            self._finder,
            self.merger,
            threads.background,
            now_ms,
            unique,
            new_topic_id,
        )
        self._changes: set[asyncio.Task[Any]] = set()  # under way, wanted or not
        self.opened_store: LayeredStore | None = None  # whose counters metrics read
        self.opened_wal_store: LayeredStore | None = None  # of an object WAL
        self.pipeline: AppendPipeline | None = None
        self.transactions: Transactions | None = None
        self.background: Background | None = None
        self.journal: Journal | None = None
        if wal is not None:
            self.journal = Journal(
                metastore,
                store,
                threads.journal or threads.background,
                settings,
                now_ms,
                unique(),
                new_topic_id,  # any 16 random bytes
                self._superseded,
                store_now_ms=store_now_ms,
            )
            self.pipeline = AppendPipeline(
                metastore,
                wal,
                threads.wal,
                TailBudget(settings.tail_bytes_max, self.buffers.give),
                settings,
                now_ms,
            )
            self.pipeline.on_appended = self.reader.pace.appended
            self.transactions = Transactions(
                metastore,
                self.catalogue,
                self.pipeline,
                settings,
                now_ms,
                store_now_ms,
                unique(),
            )
            compaction_threads = threads.compaction or threads.background
            compactor = Compactor(
                metastore,
                self.catalogue,
                self.extents,
                Rewriter(
                    metastore,
                    ObjectWriter(metastore, store, compaction_threads, now_ms),
                    self.extents,
                    now_ms,
                    unique,
                ),
                self.merger,
                self.damage,
                compaction_threads,
                settings,
                now_ms,
            )
            recycler = WalRecycler(
                metastore, wal, threads.background, settings, now_ms, self.pipeline.uses
            )
            self.background = Background(
                metastore,
                wal,
                self.catalogue,
                self.merger,
                Repacker(metastore, objects, self.extents, settings, now_ms, unique),
                Collector(metastore, store, recycler, threads.background, settings, now_ms),
                recycler,
                compactor,
                Healer(metastore, self.skipper),
                Shards(
                    metastore,
                    settings,
                    now_ms,
                    store_now_ms,
                    unique(),
                    lambda shard_id, shard: self.looks_after(shard_id, shard),
                ),
                threads.background,
                settings,
                now_ms,
            )

    async def _own_now_ms(self) -> int:
        return self.now_ms()

    async def start(self) -> None:
        """Load the catalogue, watch it, and start the stages and background jobs."""
        self.catalogue.watch()
        await self.catalogue.reload()
        if self.pipeline is not None:
            self.pipeline.start()
        if self.transactions is not None:
            await self.transactions.start(sweep=self.settings.background)
        if self.background is not None and self.settings.background:
            self.background.start()
        if self.journal is not None and self.settings.background and self.settings.journal:
            self.journal.start()

    def _superseded(self, fault: Superseded) -> None:
        """Another metastore was rebuilt from this cluster's places: take no more, delete no more."""
        if self.pipeline is not None:
            self.pipeline.refuse(str(fault))
        if self.background is not None:
            self._keep(self.background.close())

    async def close(self) -> None:
        """Finish queued appends, answer who still waits, stop the jobs, release everything."""
        if self.transactions is not None:
            await self.transactions.close()
        if self.pipeline is not None:
            await self.pipeline.close()
        await self.on_drained()
        self.reader.close()
        await self.settle()
        if self.background is not None:
            await self.background.close()
        if self.journal is not None:
            await self.journal.close()
        await self.damage.settle()
        await self.catalogue.close()
        await asyncio.to_thread(self._threads.shutdown)
        if self._wal is not None:
            self._wal.close()
        self.wal_reader.close()
        self.metastore.close()
        self.store.close()

    # -- look-ups ----------------------------------------------------------------------------------
    def partition(self, topic: Topic, partition: int) -> PartitionLog:
        """Raises ClientFault(UNKNOWN_TOPIC_OR_PARTITION)."""
        return self.catalogue.partition(topic, partition)

    def config(self, topic: Topic) -> TopicConfig:
        return self.catalogue.config(topic)

    # -- appends -----------------------------------------------------------------------------------
    def append(
        self,
        topic: Topic,
        partition: int,
        data: memoryview,
        transaction: Transactional | None = None,
    ) -> asyncio.Future[Appended]:
        """Queue one or more record batches for the next flush; ``transaction`` is theirs if they are
        transactional, and means nothing otherwise.

        ``data`` is writable, belongs to the log from here on, and must not be changed by the caller: the
        tail cache keeps it. The future resolves once the append is durable and committed (I1). Cancelling
        it withdraws the append, unless its flush has begun.

        Raises:
            ClientFault: at once, for what can be judged without the log: unknown partition, malformed
                or oversized batches, wrong CRC, timestamps out of bounds, keyless records on a compacted
                topic, a transactional batch without a transaction. From the future:
                OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING,
                TRANSACTION_ABORTABLE (not in a transaction), KAFKA_STORAGE_ERROR,
                UNKNOWN_TOPIC_OR_PARTITION.
        """
        if self.pipeline is None:
            raise ClientFault(ErrorCode.NOT_LEADER_OR_FOLLOWER, "this process does not append")
        log = self.catalogue.partition(topic, partition)
        config = self.catalogue.config(topic)
        headers = validate_produced(
            data,
            message_bytes_max=config.max_message_bytes,
            compacted=config.compacted,
            inflated_bytes_max=max(INFLATED_BYTES_MAX, INFLATION_MAX * config.max_message_bytes),
        )
        if headers[0].attributes & TRANSACTIONAL or transaction is not None:
            transaction = own_transaction(headers, transaction)
        append_time_ms = -1
        if config.log_append_time:
            append_time_ms = self.now_ms()
            for header in headers:
                stamp_append_time(data, header.position, append_time_ms)
            headers = [header._replace(max_timestamp=append_time_ms) for header in headers]
        else:
            check_timestamps(headers, config, self.now_ms())
        future: PromptFuture[Appended] = PromptFuture(loop=asyncio.get_running_loop())
        self._strangers.introduce(topic.name, topic.id, partition, log.awaited)
        self.pipeline.submit(Pending(log, data, headers, append_time_ms, future, transaction))
        return future

    def refused(self, name: str, topic_id: bytes, partition: int, data: memoryview) -> None:
        """``data`` was turned away before it could be queued: of an idempotent producer that is new to the
        partition, nothing that was sent behind it is taken before it. One of ``name`` and ``topic_id``
        (the other is empty) says what topic the client meant; it need not be known."""
        topic = self.catalogue.topic(name) if name else self.catalogue.topic_by_id(topic_id)
        log = None if topic is None else self.catalogue.find(topic.no, partition)
        headers = list(idempotent_headers(data))
        if log is None:
            self._strangers.refused((name or topic_id, partition), headers)
            return
        for header in headers:
            log.await_again(header)

    @property
    def queued_bytes(self) -> int:
        return self.pipeline.queued_bytes if self.pipeline is not None else 0

    def has_room(self) -> bool:
        """Whether connections may be read: the queue of appends is below its bound (I10)."""
        return self.pipeline is None or self.pipeline.has_room()

    async def wait_for_room(self) -> None:
        if self.pipeline is not None:
            await self.pipeline.wait_for_room()

    async def delete_records(self, topic: Topic, partition: int, offset: int, by: str = "") -> int:
        """Advance the log start to ``offset`` (-1: the high watermark); returns the new log start. The gap
        tells ``by`` whom (I2).

        Raises ClientFault(OFFSET_OUT_OF_RANGE).
        """
        return await self._finish(self._delete_records(topic, partition, offset, by))

    async def _delete_records(self, topic: Topic, partition: int, offset: int, by: str) -> int:
        log = self.catalogue.partition(topic, partition)
        if offset == HIGH_WATERMARK:
            offset = log.high_watermark
        if offset > log.high_watermark:
            await self.catalogue.refresh(log)  # another broker may have appended
        if not 0 <= offset <= log.high_watermark:
            raise ClientFault(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"{topic.name}/{partition} ends at {log.high_watermark}; cannot delete below {offset}",
            )
        epoch = log.leader_epoch

        async def advance(held: holds.Floors) -> Partition | None:
            held.refuse(topic, [partition], "deleting these records", below=offset)
            why = f"deleted by {by}" if by else ""
            to = (topic.no, partition, offset, GapCause.DELETE_RECORDS, why, self.now_ms())
            return await self.metastore.advance_log_start(*to, epoch, held.guard)

        row = await holds.remove(self.metastore, self.now_ms, advance)
        if row is None:
            raise ClientFault(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"{topic.name} was deleted")
        log.apply_if_newer(row)
        if row.leader_epoch != epoch:
            raise ClientFault(
                ErrorCode.NOT_LEADER_OR_FOLLOWER,
                f"a branch was promoted in the place of {topic.name}/{partition} meanwhile",
            )
        return log.log_start

    async def skip_damage(
        self, topic: Topic, partition: int, first: int, last: int, operator: Operator
    ) -> list[Damage]:
        """Give up what is damaged in ``first .. last``; see :meth:`Skipper.skip`."""
        return await self._finish(self._skip_damage(topic, partition, first, last, operator))

    async def _skip_damage(
        self, topic: Topic, partition: int, first: int, last: int, operator: Operator
    ) -> list[Damage]:
        try:
            return await self.skipper.skip(topic, partition, first, last, operator)
        finally:
            if (log := self.catalogue.find(topic.no, partition)) is not None:
                await self.catalogue.refresh(log)

    # -- reads -------------------------------------------------------------------------------------
    def fetch_ready(
        self,
        wants: Sequence[FetchWant],
        *,
        min_bytes: int,
        max_bytes: int,
        read_committed: bool = False,
    ) -> list[FetchPart] | None:
        """The answer if memory alone gives it now; None means :meth:`fetch` must be awaited."""
        return self.reader.fetch_ready(
            wants, min_bytes=min_bytes, max_bytes=max_bytes, committed=read_committed
        )

    async def fetch(
        self,
        wants: Sequence[FetchWant],
        *,
        max_wait_ms: int,
        min_bytes: int,
        max_bytes: int,
        read_committed: bool = False,
        reader: Hashable = None,
        limit: FairLimit | None = None,
    ) -> list[FetchPart]:
        """Answer every partition, errors included; see :class:`Reader`."""
        return await self.reader.fetch(
            wants,
            max_wait_ms=max_wait_ms,
            min_bytes=min_bytes,
            max_bytes=max_bytes,
            reader=reader,
            limit=limit,
            committed=read_committed,
        )

    async def refresh(self, topic: Topic, partitions: Iterable[int]) -> None:
        """Learn where these partitions end now: another broker may have appended. Those that do not exist
        are passed over."""
        found = (self.catalogue.find(topic.no, partition) for partition in partitions)
        await self.catalogue.refresh_some([log for log in found if log is not None])

    async def list_offset(
        self, topic: Topic, partition: int, timestamp: int, *, read_committed: bool = False
    ) -> OffsetAnswer:
        """See :meth:`OffsetFinder.find`; call :meth:`refresh` before. Raises ClientFault(UNKNOWN_TOPIC_OR_PARTITION)."""
        log = self.catalogue.partition(topic, partition)
        return await self._finder.find(log, timestamp, committed=read_committed)

    async def end_of_epoch(self, topic: Topic, partition: int, epoch: int) -> tuple[int, int]:
        """OffsetForLeaderEpoch: (epoch, end offset), (-1, -1) if undefined."""
        log = self.catalogue.partition(topic, partition)
        if epoch == log.leader_epoch:
            # Another broker may have appended: an end below a consumer's position would look to it as
            # if the log had been cut.
            await self.catalogue.refresh(log)
            if epoch == log.leader_epoch:
                return epoch, log.next_offset
        epochs = await self.metastore.leader_epochs(topic.no, partition)
        return end_of_epoch(epochs, log.next_offset, epoch) if epochs else UNDEFINED

    async def sizes(self, topic: Topic) -> list[PartitionSize]:
        """For the command line; on a broker's loop :meth:`retained_bytes` is cheaper."""
        return await self.metastore.partition_sizes(topic.no)

    async def retained_bytes(self, topic: Topic) -> dict[int, int]:
        """By partition."""
        return await self.metastore.partition_bytes(topic.no)

    # -- administration ------------------------------------------------------------------------------
    async def create_topic(self, name: str, partitions: int, configs: Mapping[str, str]) -> Topic:
        """The topic as this process calls it. Raises ClientFault: INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS,
        INVALID_CONFIG, TOPIC_ALREADY_EXISTS."""
        name = self.catalogue.stored_name(name)
        validate_topic_name(name)
        validate_partition_count(partitions)
        validate_configs(configs)
        topic = await self._change(
            self.metastore.create_topic(
                name, self._new_topic_id(), partitions, configs, self.now_ms()
            )
        )
        return self.catalogue.topic_by_id(topic.id) or topic

    async def delete_topic(self, topic: Topic, *, grace_ms: int | None = None) -> None:
        """Out of sight at once; :meth:`undelete_topic` brings it back within ``grace_ms`` (None: the
        setting ``topic_grace_ms``)."""
        kept_ms = self.settings.topic_grace_ms if grace_ms is None else grace_ms

        async def delete(held: holds.Floors) -> bool:
            held.refuse(topic, range(topic.partitions), "deleting the topic")
            return await self.metastore.delete_topic(topic.no, self.now_ms(), kept_ms, held.guard)

        await self._change(holds.remove(self.metastore, self.now_ms, delete))

    async def undelete_topic(self, deleted: DeletedTopic, name: str | None = None) -> Topic:
        """Bring a topic back with its id, offsets, configs and committed offsets, as ``name`` if given.

        Raises ClientFault: INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, or
        UNKNOWN_TOPIC_OR_PARTITION if its grace is over.
        """
        if name is not None:
            validate_topic_name(name)
        return await self._change(
            self.metastore.undelete_topic(deleted.topic.no, name, self.now_ms())
        )

    async def create_partitions(self, topic: Topic, total: int) -> Topic:
        """Raises ClientFault(INVALID_PARTITIONS)."""
        validate_partition_count(total)
        return await self._change(self.metastore.create_partitions(topic.no, total, self.now_ms()))

    async def set_configs(self, topic: Topic, configs: Mapping[str, str]) -> Topic:
        """Replace all configs that are set. Raises ClientFault: INVALID_CONFIG, POLICY_VIOLATION (a hold)."""
        validate_configs(configs)
        await holds.check_configs(self.metastore, topic, configs, self.now_ms())
        return await self._change(
            self.metastore.set_topic_configs(topic.no, configs, self.now_ms())
        )

    async def allocate_producer_id(self) -> int:
        return await self.metastore.allocate_producer_ids(1)

    async def branch(self, source: Topic, name: str, at: BranchPoint) -> Topic:
        """Create a zero-copy branch; see :class:`Brancher`."""
        validate_topic_name(name)
        if self.catalogue.topic(name) is not None:
            raise ClientFault(ErrorCode.TOPIC_ALREADY_EXISTS, f"topic {name} exists already")
        logs = [self.catalogue.partition(source, each) for each in range(source.partitions)]
        return await self._change(self._brancher.branch(source, name, at, logs))

    async def swap_lines(self, swap: LineSwap, actor: Actor) -> tuple[Topic, Topic]:
        """Put a branch in its topic's place; see :mod:`anabranch.metastore.lines`. Returns the topic and the
        line that was put aside."""
        validate_topic_name(swap.displaced)
        return await self._change(self.metastore.swap_lines(swap, actor, self.now_ms()))

    async def _change(self, change: Coroutine[Any, Any, T]) -> T:
        """Make a change and take it into the catalogue."""

        async def both() -> T:
            try:
                result = await change
            except StoreFault:
                self.catalogue.notice()  # perhaps it stands all the same
                raise
            try:
                await self.catalogue.reload()
            except StoreFault:
                self.catalogue.notice()  # the change stands; it is tried again
            return result

        return await self._finish(both())

    def _keep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return task

    async def _finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Go on to the end, also if who asked for it goes away meanwhile: the metastore does not take a
        write back, so this process must learn what came of it."""
        return await asyncio.shield(self._keep(work))

    async def settle(self) -> None:
        """Wait for changes that nobody may be waiting for any more."""
        if self._changes:
            await asyncio.wait(self._changes)


def validate_partition_count(partitions: int) -> None:
    """Raises ClientFault(INVALID_PARTITIONS)."""
    if not 1 <= partitions <= PARTITIONS_MAX:
        raise ClientFault(
            ErrorCode.INVALID_PARTITIONS,
            f"a topic has 1 to {PARTITIONS_MAX} partitions, not {partitions}",
        )
