"""One broker of the cluster, on simulated sockets, disk, store, metastore and threads.

The broker is the real one, from its connections on; what it takes from its surroundings is simulated.
"""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from anabranch.broker.config import BrokerSettings, ListenerSettings, TopicSettings
from anabranch.broker.server import Broker
from anabranch.broker.surroundings import Surroundings
from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault, UserFault
from anabranch.log import places
from anabranch.log.branch import BranchPoint
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.metastore.api import Topic
from anabranch.storage.retrying import Backoff, Retrying
from anabranch.storage.store import Store
from anabranch.storage.wal import Wal
from anabranch.storage.wal_directory import WalDirectory
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
HOST = "localhost"
PORTS_FROM = 9000
RESTART_S = 0.5  # after a start that failed
WAL_PATH = Path("/data/wal")
WAL_ID = b"wal-of-this-sim"  # and the number of the machine that it is on


class Node:
    """A running broker, as those see it who look from within: the command line's verbs, and checkers."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    @property
    def log(self) -> Log:
        return self.broker.log

    def topic(self, topic_id: bytes) -> Topic:
        topic = self.log.catalogue.topic_by_id(topic_id)
        if topic is None:
            raise ClientFault(ErrorCode.UNKNOWN_TOPIC_ID)
        return topic

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


class SimBroker:
    """A place on the machine where broker processes live one after the other."""

    def __init__(self, world: World, node_id: int) -> None:
        self.world = world
        self.node_id = node_id
        self.on = node_id % len(world.machines)  # the number of its machine
        self.skew_ms = 0
        self.refused = False  # at its last start: the WAL is another machine's
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
            self.node = Node(await self._open(process))
            self.refused = False
        except (
            StoreFault,
            Corrupt,
            UserFault,
        ) as fault:  # its process would end, and be started again
            self.refused = isinstance(fault, UserFault)
            self.world.note(f"{process.name} does not start: {fault}")
            self.world.loop.world.call_later(RESTART_S, self._start_again, process)
        except Exception as bug:
            self.world.failed(f"{process.name} does not start", bug)

    def _start_again(self, failed: Process) -> None:
        if self.process is failed:
            self.kill()
            self.start()

    async def _open(self, process: Process) -> Broker:
        world, settings = self.world, self.world.weather.settings
        numbers = itertools.count(1)
        broker = Broker(
            BrokerSettings(
                metastore="simulated",
                node_id=self.node_id,
                listener=ListenerSettings(host=HOST, port=PORTS_FROM + self.node_id),
                topics=TopicSettings(auto_create=False),
                limits=settings.limits,
                groups=settings.groups,
                log=settings.log,
            ),
            surroundings=Surroundings(
                now_ms=self.now_ms,
                monotonic_s=world.loop.time,
                new_member_id=lambda: f"{process.name}-{next(numbers)}",
                new_uuid=lambda: world.rng.randbytes(16),
                new_session_id=lambda: world.rng.randrange(1, 1 << 31),
                bind=lambda host, port: cast(Any, world.tcp.bind(process, host, port)),
                open_log=partial(self._open_log, process),
                knock=world.network.nobody_listens,
                company=world.network.keep_company,
            ),
        )
        await broker.start()
        assert broker.expelled is not None
        broker.expelled.add_done_callback(lambda reason: self._expelled(process, reason.result()))
        world.note(f"{process.name} is up")
        return broker

    async def _open_log(self, process: Process, where: Location, **options: Any) -> Log:
        """In the place of the one that opens real files, sockets and threads."""
        world, weather = self.world, self.world.weather
        settings = weather.settings
        metastore = self._metastore = SimMetastore(
            world.database, process, weather, world.store_now_ms
        )
        mine = await self._admit(process, metastore)
        row = await metastore.register_broker(
            options["broker_id"], options["host"], options["port"], self.now_ms()
        )
        if mine is not None:
            try:
                await places.take_wal(metastore, mine, str(WAL_PATH), row.broker_id)
            except UserFault:
                await metastore.remove_broker(row.broker_id, row.epoch)
                raise
        wal = await self._open_wal(process, metastore.cluster_id, row.epoch)
        names = itertools.count()
        log = Log(
            metastore=metastore,
            store=self._store(process, retrying=settings.retrying_store),
            wal_reader=wal.reader,
            wal=wal,
            threads=log_threads(
                process,
                weather.rng,
                cold=settings.log.cold_threads,
                wal=settings.log.wal_flushes_in_flight_max if settings.object_wal else 1,
            ),
            settings=options["settings"],
            now_ms=self.now_ms,
            unique=lambda: f"{row.epoch}-{next(names)}",
            new_topic_id=world.new_topic_id,
            broker=row,
            store_now_ms=world.store_now_ms,
        )
        await log.start()
        return log

    async def _admit(self, process: Process, metastore: SimMetastore) -> places.Place | None:
        """As a real broker does before it registers: its WAL, if that is one of files. Raises UserFault."""
        if self.world.weather.settings.object_wal:
            return None
        directory = await self.world.loop.run_job(
            partial(
                WalDirectory.create,
                WAL_PATH,
                cluster_id=metastore.cluster_id,
                wal_id=WAL_ID + b"%d" % self.on,
                disk=self._new_disk(process),
            )
        )
        place = await places.known(metastore, "wal")
        machine = f"machine {self.on}"
        await places.admit_wal(
            metastore, place, directory.wal_id, machine, str(WAL_PATH), self.node_id
        )
        return places.Place(UUID(bytes=directory.wal_id), None, machine)

    def _new_disk(self, process: Process) -> SimDisk:
        world = self.world
        self._disk = SimDisk(
            world.machines[self.on], process, partial(world.weather.disk_step, process), world.rng
        )
        return self._disk

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
                    wal_id=WAL_ID + b"0",
                    cache_bytes=settings.log.wal_cache_bytes,
                )
            )
        return await world.loop.run_job(
            partial(
                FileWal.open,
                WAL_PATH,
                cluster_id=cluster_id,
                broker_id=self.node_id,
                broker_epoch=epoch,
                file_bytes=settings.log.wal_file_bytes,
                wal_id=WAL_ID + b"%d" % self.on,
                disk=self._disk,
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
            self.world.machines[self.on].process_died(self._disk)
            self._disk = None
        if self._metastore is not None:
            self._metastore.disconnect()
            self._metastore = None
        self.world.network.process_died(process)
        self.world.tcp.process_died(process)

    def stop(self) -> None:
        """Gracefully: what is queued is finished. Then its process ends."""
        node, process = self.node, self.process
        if node is None or process is None:
            return
        self.node = None

        async def close() -> None:
            await node.broker.stop()
            self.world.loop.world.call_later(0, self._end, process)

        process.spawn(close(), "stop")

    def _end(self, process: Process) -> None:
        if self.process is process:
            self.kill()
