"""One seed's world: everything that exists in it, its life from start to end, and its verdict."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from anabranch.errors import AnabranchError, ErrorCode
from anabranch.log import compaction, merge, offset_map, places
from anabranch.metastore import wal_floor
from anabranch.metastore.documents import document
from anabranch.metastore.topics import topics
from anabranch.storage.wal import WalReader
from anabranch.storage.wal_directory import WalDirectory
from anabranch.storage.wal_object import WalBucket
from sim import consumers
from sim.actors import (
    Administrator,
    Client,
    Consumer,
    Fate,
    IdempotentProducer,
    PlainProducer,
)
from sim.audit import Auditor
from sim.broker import EPOCH_MS, WAL_PATH, SimBroker
from sim.consumers import Consumer848
from sim.copier import Copier
from sim.damage import Operator, Vandal
from sim.disk import Directory, Machine, SimDisk
from sim.history import History, TopicStory, Violation
from sim.holder import Holder
from sim.kafka import KafkaClient
from sim.loop import START_S, Process, SimLoop, wait_for
from sim.members import GROUPS, Member
from sim.metastore import Database
from sim.net import Network, NoAnswer
from sim.rebuilt import Rebuilding
from sim.store import Bucket
from sim.tcp import Network as TcpNetwork
from sim.transactions import PREFIX, Transactional
from sim.weather import Weather, choose, is_quiet

STEPS_MAX = 3_000_000  # a run that takes more is a livelock
RECENT_LINES = 60
# What is put in the place of something else during a run: constants that a short life would never meet,
# and a function that is not the same on every Python.
SMALL: tuple[tuple[Any, str, Any], ...] = (
    (offset_map, "SLOTS_MIN", 4),  # three keys fill a compaction's map
    (compaction, "AVOIDED_MS", 2000),
    (merge, "AVOIDED_MS", 2000),
    (places, "BROKER_SILENT_MS", 1500),
    (asyncio, "wait_for", wait_for),
)
NEW_FEATURES = 1 << 64  # seeds have less: another source of chance
REBUILT = 0.05  # of the audits end in a rebuild beside it
READ_ATTEMPTS_MAX = 50
SETTLE_S = 60.0  # virtual; in calm weather everything is answered within it


class Result(NamedTuple):
    """How a seed ended. ``failure`` is None if all invariants held."""

    seed: int
    failure: str | None
    digest: str
    steps: int
    virtual_s: float
    injected: dict[str, int]
    met: dict[str, int]
    acknowledged: int
    records_seen: int
    recent: list[str]


class World:
    """Made for one run."""

    def __init__(
        self,
        seed: int,
        *,
        short: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """``settings`` go before what the seed chooses, for a test that wants a certain weather."""
        self.seed = seed
        self.rng = Random(seed)
        self.loop = SimLoop(self.rng)
        more = Random(seed + NEW_FEATURES)
        chosen = replace(choose(self.rng, more, short=short), **(settings or {}))
        self.weather = Weather(self.rng, self.loop, chosen)
        self.weather.note = self.note
        self.weather.crash = self._crash
        self.machines = [
            Machine(self.rng) for _ in range(1 if chosen.object_wal else chosen.machines)
        ]
        for machine in self.machines:
            machine.directories[str(WAL_PATH.parent)] = Directory()
        self.bucket = Bucket()
        self.database = Database(EPOCH_MS, b"simulated-cluste")
        self.network = Network(self)
        self.tcp = TcpNetwork(self.weather, self.loop.world)
        self.history = History()
        self.auditor = Auditor(self)
        self.rebuilding = Rebuilding(self)
        self.brokers = [
            SimBroker(self, number) for number in range(1, self.weather.settings.brokers + 1)
        ]
        self._reader = KafkaClient(self, "reader")
        self.transactional: list[Transactional] = []
        self.copiers: list[Copier] = []
        self.holder: Holder | None = None
        self.ending = False
        self.vandalised = False
        self._skews_ms = [0]  # every broker's clock that there ever was
        self.largest_batch = 0
        self.producers_at_once = 64  # requests that may wait at a broker together
        self._topic_ids = 0
        self._digest = hashlib.sha256()
        self._recent: deque[str] = deque(maxlen=RECENT_LINES)
        self.listener: Callable[[str], None] | None = None

    # -- what others use -----------------------------------------------------------------------------
    def note(self, line: str) -> None:
        """A line of the event log: its digest is what two runs of a seed have in common."""
        line = f"{self.loop.time() - START_S:10.4f} {line}"
        self._digest.update(line.encode())
        self._recent.append(line)
        if self.listener is not None:
            self.listener(line)

    def failed(self, why: str, error: BaseException | None = None) -> None:
        if error is not None:
            why += "\n" + "".join(traceback.format_exception(error))
        self.loop.errors.append(why)

    def now_ms(self) -> int:
        return EPOCH_MS + int((self.loop.time() - START_S) * 1000)

    async def store_now_ms(self) -> int:
        """The metastore's clock is the one that is right."""
        return self.now_ms()

    @property
    def nothing_fails(self) -> bool:
        """Whether a flush that is begun can only be cut off: no fault is injected that it could meet. (A WAL
        of objects gives up a writer that is paused for long.)"""
        settings = self.weather.settings
        moved = self.database.connection.execute(
            "SELECT 1 FROM counter WHERE name = ?", (wal_floor.NAME,)
        ).fetchone()
        return is_quiet(settings) and not settings.object_wal and moved is None

    @property
    def clocks_apart_ms(self) -> int:
        return max(self._skews_ms) - min(self._skews_ms)

    def wal_reader(self, power_loss: Random | None) -> WalReader:
        """The WAL as nobody's process sees it; ``power_loss``: as the machine's platters would show it."""
        if self.weather.settings.object_wal:
            return WalBucket.open(self.bucket, cache_bytes=0)
        machine = self.machines[self.wal_is_on()]
        if power_loss is not None:
            machine = machine.after_power_loss(power_loss)
        disk = SimDisk(machine, self.loop.world, lambda call: None, Random(0))
        return WalDirectory.open(WAL_PATH, disk=disk)

    def wal_is_on(self) -> int:
        """The number of the machine whose WAL the metastore knows."""
        if len(self.machines) == 1:
            return 0
        found = document(self.database.connection, places.KIND, "wal")
        return 0 if found is None else int(msgspec.json.decode(found.body)["machine"][-1])

    def new_topic_id(self) -> bytes:
        self._topic_ids += 1
        return self._topic_ids.to_bytes(16, "big")

    # -- what befalls brokers --------------------------------------------------------------------------
    def _crash(self, process: Process, power_loss: bool) -> None:
        for broker in self.brokers:
            if broker.process is process:
                self.kill(broker, power_loss=power_loss)

    def kill(self, broker: SimBroker, *, power_loss: bool) -> None:
        if power_loss:
            for each in self.brokers:
                if each.on == broker.on:
                    each.kill()
            self.machines[broker.on].lose_power()
        else:
            broker.kill()

    def befall(self, broker: SimBroker) -> None:
        process = broker.process
        if process is None:
            return
        dice = self.rng.random()
        if dice < 0.35:
            power_loss = self.rng.random() < self.weather.settings.power_loss
            self.weather.count("power loss" if power_loss else "kill", f"of {process.name}")
            self.kill(broker, power_loss=power_loss)
        elif dice < 0.7:
            length_s = self.rng.choice((0.2, 2.0, 8.0))
            self.weather.count("pause", f"of {process.name} for {length_s} s")
            process.paused = True
            self.loop.world.call_later(length_s, _go_on, process)
        elif dice < 0.85:
            jump_ms = self.rng.choice((-5000, -200, 200, 5000))
            self.weather.count("clock jump", f"of {process.name} by {jump_ms} ms")
            broker.skew_ms += jump_ms
            self._skews_ms.append(broker.skew_ms)
        elif broker.is_up:
            self.weather.count("restart", f"of {process.name}")
            broker.stop()

    # -- life ----------------------------------------------------------------------------------------
    async def _live(self) -> None:
        settings = self.weather.settings
        for broker in self.brokers:
            broker.start()
        actors: list[Client] = [
            PlainProducer(self, "p1"),
            PlainProducer(self, "p2"),
            Consumer(self, "c1"),
            Consumer(self, "c2"),
            Administrator(self, "admin"),
            *(Member(self, f"m{number}", GROUPS[number % 2]) for number in range(5)),
        ]
        if settings.consumer_protocol:
            actors += [
                Consumer848(
                    self, f"k{number}", consumers.GROUPS[number % 2], ("s1", None)[number > 0]
                )
                for number in range(5)
            ]
        if settings.holds:
            self.holder = Holder(self, "holder")
            actors.append(self.holder)
        operator = Operator(self, "operator")
        # Not beside transactions: they share packs with what is damaged, and their checker knows of no damage.
        if settings.damage and not settings.transactions:
            actors += [Vandal(self, "vandal"), operator]
        finishing: list[Client] = [IdempotentProducer(self, "i1"), IdempotentProducer(self, "i2")]
        transactional = self.transactional = [
            Transactional(self, name) for name in (("x1", "x2") if settings.transactions else ())
        ]
        finishing += transactional
        if settings.copies and transactional:
            self.copiers = [Copier(self, name, transactional[0]) for name in ("y1", "y2")]
            finishing += self.copiers
        fate = Fate(self, "fate")
        tasks = [self._spawn(actor.run(), actor.name) for actor in actors]
        finishing_tasks = [self._spawn(actor.run(), actor.name) for actor in finishing]
        supervisor = self._spawn(fate.restart(), "supervisor")
        chaos = self._spawn(fate.run(), "fate")
        await self._watch(settings.length_s)
        await self._end(chaos, supervisor, tasks, finishing_tasks, operator, transactional)

    def _spawn(self, coroutine: Any, name: str) -> asyncio.Task[Any]:
        task = self.loop.world.spawn(coroutine, name)
        task.add_done_callback(self._actor_ended)
        return task

    def _actor_ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed(
                f"{task.get_name()}: {error}", None if isinstance(error, Violation) else error
            )

    async def _watch(self, length_s: float) -> None:
        """Audit now and then until the time is over."""
        end = self.loop.time() + length_s
        while self.loop.time() < end:
            await asyncio.sleep(self.rng.choice((0.1, 1.0)))
            self._audit()
            patient = self.weather.settings.log.object_grace_ms > 1000 * length_s
            if (
                patient
                and self.history.acked
                and not self.vandalised
                and self.rng.random() < REBUILT
            ):
                # Where objects go before the journal has told of it, nothing is promised.
                self.rebuilding.look(power_loss=self.rng.random() < 0.5)

    def _audit(self) -> None:
        for topic in topics(self.database.connection):
            if not topic.name.startswith(PREFIX):
                self.history.created(topic)  # also those whose creation nobody was told of
        self.auditor.audit()
        if self.holder is not None:
            self.holder.check()
        if self.loop.errors:
            raise Violation(self.loop.errors[0])

    async def _end(
        self,
        chaos: asyncio.Task[Any],
        supervisor: asyncio.Task[Any],
        tasks: list[asyncio.Task[Any]],
        finishing: list[asyncio.Task[Any]],
        operator: Operator,
        transactional: list[Transactional],
    ) -> None:
        """Calm weather: everybody comes back, what was begun is finished, everything is read once more."""
        self.note("calm weather")
        self.weather.calm = True
        self.ending = True
        chaos.cancel()
        for task in tasks:
            task.cancel()
        for broker in self.brokers:
            if broker.process is not None and broker.process.paused:
                _go_on(broker.process)
        deadline = self.loop.time() + SETTLE_S
        while not all(broker.is_up or self._is_elsewhere(broker) for broker in self.brokers):
            await self._settling(deadline, "a broker does not come up")
        while not all(task.done() for task in finishing):
            await self._settling(deadline, "a producer does not finish")
        self._audit()
        if self.vandalised:
            await operator.skip_the_rest()
            self._audit()
        for broker in self.brokers:
            if broker.is_up:
                await self._read_all(broker)
                for producer in (*transactional, *self.copiers[:1]):
                    await producer.check(broker)
        supervisor.cancel()
        await asyncio.sleep(2 * min(5000, self.weather.settings.log.object_grace_ms) / 1000 + 5)
        self._audit()
        self.auditor.final()
        deadline = self.loop.time() + SETTLE_S
        if self.vandalised:
            return  # what was refused of transactions may be recovered: not judged yet
        while (difference := self.rebuilding.difference()) is not None:
            await self._settling(deadline, f"a rebuild differs: {difference}")

    def _is_elsewhere(self, broker: SimBroker) -> bool:
        """Its machine is not the one that has the WAL: as long as brokers of that one are up, it is refused."""
        if broker.refused:
            self.weather.saw("brokers refused: the WAL is another machine's")
        return broker.refused and any(
            other.is_up and other.on != broker.on for other in self.brokers
        )

    async def _settling(self, deadline: float, otherwise: str) -> None:
        if self.loop.time() > deadline:
            raise Violation(f"in calm weather {otherwise}")
        await asyncio.sleep(0.5)
        self._audit()

    async def _read_all(self, broker: SimBroker) -> None:
        """Every broker serves all of every partition."""
        for story in self.history.live_topics():
            for partition in range(story.topic.partitions):
                position: int | None = 0
                while position is not None:
                    position = await self._read_on(broker, story, partition, position)

    async def _read_on(
        self, broker: SimBroker, story: TopicStory, partition: int, position: int
    ) -> int | None:
        """One fetch, patiently; the next position, None at the end."""
        why = ""
        for _ in range(READ_ATTEMPTS_MAX):
            try:
                answer = await self._reader.fetch(
                    broker,
                    story,
                    partition,
                    position,
                    max_bytes=100_000,
                    max_wait_ms=0,
                    timeout_s=30,
                )
            except (NoAnswer, AnabranchError) as fault:
                why = str(fault)
            else:
                if answer.error is ErrorCode.NONE:
                    if not answer.data and position >= answer.high_watermark:
                        return None
                    if not answer.data:
                        why = f"nothing up to {answer.high_watermark}"
                        await asyncio.sleep(0.2)
                        continue
                    return self.history.saw_bytes(story, partition, answer.data, position)
                if answer.log_start > position:
                    return answer.log_start
                why = answer.error.name
            await asyncio.sleep(0.2)
        raise Violation(f"{story}/{partition} is not served from {position} on: {why}")

    # -- the run -------------------------------------------------------------------------------------
    def run(self) -> Result:
        failure: str | None = None
        complaints = _Complaints(self)
        logging.getLogger("anabranch").addHandler(complaints)
        usual = _make_small()
        gc.disable()  # a finalizer is an event that no seed decides
        try:
            self.loop.run(self._live())
            if self.loop.errors:
                failure = self.loop.errors[0]
        except Violation as violation:
            failure = str(violation)
        except Exception as error:
            failure = "".join(traceback.format_exception(error))
        finally:
            logging.getLogger("anabranch").removeHandler(complaints)
        result = Result(
            self.seed,
            failure,
            self._digest.hexdigest(),
            self.loop.steps,
            self.loop.time() - START_S,
            dict(sorted(self.weather.injected.items())),
            dict(sorted(self.weather.met.items())),
            self.history.acked,
            self.history.records_seen,
            list(self._recent),
        )
        logging.disable()  # whoever is broken off has nothing to say that counts
        self.loop.discard()
        logging.disable(logging.NOTSET)
        _restore(usual)
        gc.enable()
        return result


class _Complaints(logging.Handler):
    """What the core logs as its own bug is a failure of the run."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, AnabranchError):
            self._world.failed(f"logged: {record.getMessage()}", error)


def _make_small() -> list[Any]:
    usual = [getattr(module, name) for module, name, _ in SMALL]
    _restore([small for _, _, small in SMALL])
    return usual


def _restore(values: Sequence[Any]) -> None:
    for (module, name, _), value in zip(SMALL, values, strict=True):
        setattr(module, name, value)


def _go_on(process: Process) -> None:
    process.paused = False


def run_seed(
    seed: int, *, short: bool = False, settings: Mapping[str, Any] | None = None
) -> Result:
    """One run of a seed, start to end; ``short`` ones are for the default tests."""
    return World(seed, short=short, settings=settings).run()
