"""One broker of the cluster: the real log and the real groups on simulated disk, store, metastore, threads.

``Node`` is what clients reach of a running one: what the API files do, without the bytes of the protocol.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anabranch.broker.group_topics import CatalogueTopics
from anabranch.broker.membership import Membership
from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.groups.configs import default_timing
from anabranch.groups.consumer_core import GroupWorld
from anabranch.groups.coordinator import Coordinator
from anabranch.groups.values import CommitCall, OffsetToCommit
from anabranch.log.branch import BranchPoint
from anabranch.log.log import Log
from anabranch.log.planning import Appended
from anabranch.log.reads import FetchWant
from anabranch.metastore.api import Actor, Committed, Topic
from anabranch.storage.retrying import Backoff, Retrying
from anabranch.storage.store import Store
from anabranch.storage.wal import Wal
from anabranch.storage.wal_file import FileWal
from anabranch.storage.wal_object import ObjectWal
from sim.disk import SimDisk
from sim.loop import START_S, Process
from sim.metastore import SimMetastore
from sim.store import SimStore
from sim.threads import log_threads

if TYPE_CHECKING:
    from sim.world import World

EPOCH_MS = 1_700_000_000_000
PORTS_FROM = 9000
FENCES_BITS = 32  # as a broker's: fences of different registrations never meet
RESTART_S = 0.5  # after a start that failed
WAL_PATH = Path("/data/wal")
WAL_ID = b"wal-of-this-sim."


class Fetched(NamedTuple):
    """One partition's answer, its bytes as they went over the wire."""

    error: ErrorCode
    high_watermark: int
    log_start: int
    data: bytes


class Node:
    """A running broker as its clients see it."""

    def __init__(self, log: Log, groups: Coordinator, membership: Membership) -> None:
        self.log = log
        self.groups = groups
        self.membership = membership

    def topic(self, topic_id: bytes) -> Topic:
        topic = self.log.catalogue.topic_by_id(topic_id)
        if topic is None:
            raise ClientFault(ErrorCode.UNKNOWN_TOPIC_ID)
        return topic

    async def produce(
        self, topic_id: bytes, partition: int, batches: Sequence[bytes]
    ) -> list[Appended | ErrorCode]:
        """Requests of one connection, in order, none waiting for the other's answer. Where one is
        refused at once, the client sends no more."""
        answers: list[asyncio.Future[Appended] | ErrorCode] = []
        for data in batches:
            await self.log.wait_for_room()  # as a connection that is not read
            if answers and isinstance(answers[-1], ErrorCode):
                answers.append(answers[-1])
                continue
            try:
                answers.append(
                    self.log.append(self.topic(topic_id), partition, memoryview(bytearray(data)))
                )
            except ClientFault as fault:
                answers.append(fault.code)
        try:
            return [
                answer if isinstance(answer, ErrorCode) else await _code_or_appended(answer)
                for answer in answers
            ]
        except asyncio.CancelledError:  # its client hung up
            for answer in answers:
                if isinstance(answer, asyncio.Future):
                    answer.cancel()
            raise

    async def fetch(
        self, topic_id: bytes, partition: int, offset: int, *, max_bytes: int, max_wait_ms: int
    ) -> Fetched:
        wants = [FetchWant(self.topic(topic_id), partition, offset, max_bytes)]
        parts = self.log.fetch_ready(wants, min_bytes=1, max_bytes=max_bytes)
        if parts is None:
            parts = await self.log.fetch(
                wants, max_wait_ms=max_wait_ms, min_bytes=1, max_bytes=max_bytes
            )
        (part,) = parts
        return Fetched(part.error, part.high_watermark, part.log_start, b"".join(part.buffers))

    async def list_offset(self, topic_id: bytes, partition: int, timestamp: int) -> int:
        return (await self.log.list_offset(self.topic(topic_id), partition, timestamp)).offset

    async def new_producer(self) -> int:
        return await self.log.allocate_producer_id()

    async def create_topic(self, name: str, partitions: int, configs: dict[str, str]) -> Topic:
        return await self.log.create_topic(name, partitions, configs)

    async def delete_topic(self, topic_id: bytes) -> None:
        await self.log.delete_topic(self.topic(topic_id))

    async def undelete_topic(self, topic_id: bytes) -> Topic:
        for deleted in await self.log.metastore.deleted_topics():
            if deleted.topic.id == topic_id:
                return await self.log.undelete_topic(deleted)
        raise ClientFault(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)

    async def set_configs(self, topic_id: bytes, configs: dict[str, str]) -> None:
        await self.log.set_configs(self.topic(topic_id), configs)

    async def delete_records(self, topic_id: bytes, partition: int, offset: int) -> int:
        return await self.log.delete_records(self.topic(topic_id), partition, offset)

    async def branch(self, topic_id: bytes, name: str, at: BranchPoint) -> Topic:
        return await self.log.branch(self.topic(topic_id), name, at)

    async def commit(
        self, group: str, topic_id: bytes, partition: int, offset: int, client: str
    ) -> None:
        actor = Actor(principal="", client_id=client, host="", api="OffsetCommit")
        call = CommitCall(
            "", None, -1, [OffsetToCommit(self.topic(topic_id).no, partition, offset)], actor
        )
        (code,) = await self.groups.commit(group, call)
        if code is not ErrorCode.NONE:
            raise ClientFault(code)

    async def committed(self, group: str) -> Sequence[Committed]:
        return await self.groups.fetch(group)


async def _code_or_appended(future: asyncio.Future[Appended]) -> Appended | ErrorCode:
    try:
        return await future
    except ClientFault as fault:
        return fault.code


class SimBroker:
    """A place on the machine where broker processes live one after the other."""

    def __init__(self, world: World, node_id: int) -> None:
        self.world = world
        self.node_id = node_id
        self.skew_ms = 0
        self.node: Node | None = None
        self.process: Process | None = None
        self._disk: SimDisk | None = None
        self._metastore: SimMetastore | None = None
        self._starts = itertools.count(1)

    def now_ms(self) -> int:
        return EPOCH_MS + int((self.world.loop.time() - START_S) * 1000) + self.skew_ms

    @property
    def is_up(self) -> bool:
        return self.node is not None

    def start(self) -> None:
        assert self.process is None
        self.process = Process(self.world.loop, f"broker {self.node_id}.{next(self._starts)}")
        self.process.spawn(self._start(), "start")

    async def _start(self) -> None:
        process = self.process
        assert process is not None
        try:
            self.node = await self._open(process)
        except (StoreFault, Corrupt) as fault:  # its process would end, and be started again
            self.world.note(f"{process.name} does not start: {fault}")
            self.world.loop.world.call_later(RESTART_S, self._start_again, process)
        except Exception as bug:
            self.world.failed(f"{process.name} does not start", bug)

    def _start_again(self, failed: Process) -> None:
        if self.process is failed:
            self.kill()
            self.start()

    async def _open(self, process: Process) -> Node:
        world, weather = self.world, self.world.weather
        settings = weather.settings
        metastore = self._metastore = SimMetastore(world.database, process, weather)
        row = await metastore.register_broker(
            self.node_id, "localhost", PORTS_FROM + self.node_id, self.now_ms()
        )
        membership = Membership(
            metastore,
            row,
            automatic=False,
            store_now_ms=world.store_now_ms,
            monotonic_ms=lambda: int(world.loop.time() * 1000),
            knock=world.network.nobody_listens,
            company=world.network.keep_company,
        )
        store = self._store(process, retrying=settings.retrying_store)
        wal = await self._open_wal(process, metastore.cluster_id, row.epoch)
        names = itertools.count()
        unique = lambda: f"{row.epoch}-{next(names)}"  # noqa: E731
        log = Log(
            metastore=metastore,
            store=store,
            wal_reader=wal.reader,
            wal=wal,
            threads=log_threads(
                process,
                weather.rng,
                cold=settings.log.cold_threads,
                wal=settings.log.wal_flushes_in_flight_max if settings.object_wal else 1,
            ),
            settings=settings.log,
            now_ms=self.now_ms,
            unique=unique,
            new_topic_id=world.new_topic_id,
            broker=row,
            store_now_ms=world.store_now_ms,
        )
        log.looks_after = lambda topic_id, index: membership.routes.looks_after(topic_id, index)
        await log.start()
        fences = itertools.count()
        groups = Coordinator(
            metastore,
            settings.groups,
            self.now_ms,
            unique,
            lambda: (row.epoch << FENCES_BITS) + next(fences),
            refusal=lambda group: (
                ErrorCode.NONE if membership.routes.owns_group(group) else ErrorCode.NOT_COORDINATOR
            ),
            world=GroupWorld(
                CatalogueTopics(log.catalogue), lambda group: default_timing(settings.groups)
            ),
        )
        membership.on_routes.append(groups.brokers_changed)
        membership.on_fenced.append(groups.forget)
        membership.on_expelled.append(lambda reason: self._expelled(process, reason))
        await membership.look()
        await groups.start()
        await membership.start()
        world.note(f"{process.name} is up")
        return Node(log, groups, membership)

    async def _open_wal(self, process: Process, cluster_id: bytes, epoch: int) -> Wal:
        """Blocking, so it runs as a job; every disk and store call in it may fail."""
        world, settings = self.world, self.world.weather.settings
        if settings.object_wal:
            return await world.loop.run_job(
                partial(
                    ObjectWal.open,
                    self._store(process, retrying=True),
                    cluster_id=cluster_id,
                    broker_id=self.node_id,
                    broker_epoch=epoch,
                    wal_id=WAL_ID,
                    cache_bytes=settings.log.wal_cache_bytes,
                )
            )
        disk = self._disk = SimDisk(
            world.machine, process, partial(world.weather.disk_step, process), world.rng
        )
        return await world.loop.run_job(
            partial(
                FileWal.open,
                WAL_PATH,
                cluster_id=cluster_id,
                broker_id=self.node_id,
                broker_epoch=epoch,
                file_bytes=settings.log.wal_file_bytes,
                wal_id=WAL_ID,
                disk=disk,
            )
        )

    def _store(self, process: Process, *, retrying: bool) -> Store:
        world, weather = self.world, self.world.weather
        store: Store = SimStore(world.bucket, partial(weather.store_step, process), weather.later)
        if not retrying:
            return store
        return Retrying(
            store,
            sleep=world.loop.give_way,
            monotonic=world.loop.time,
            rng=weather.rng,
            backoff=Backoff(
                base_s=0.05, cap_s=1.0, total_s=weather.settings.log.wal_write_ms_max / 1000
            ),
        )

    def _expelled(self, process: Process, reason: str) -> None:
        self.world.note(f"{process.name}: {reason}")
        self.world.loop.world.call_later(0, self._end, process)

    def kill(self) -> None:
        """As by ``kill -9``."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.kill()
        self.node = None
        if self._disk is not None:
            self.world.machine.process_died(self._disk)
            self._disk = None
        if self._metastore is not None:
            self._metastore.disconnect()
            self._metastore = None
        self.world.network.process_died(process)

    def stop(self) -> None:
        """Gracefully: what is queued is finished. Then its process ends."""
        node, process = self.node, self.process
        if node is None or process is None:
            return
        self.node = None

        async def close() -> None:
            await node.membership.leave()
            await node.groups.hand_over()
            await node.groups.close()
            await node.log.close()
            self.world.loop.world.call_later(0, self._end, process)

        process.spawn(close(), "stop")

    def _end(self, process: Process) -> None:
        if self.process is process:
            self.kill()
