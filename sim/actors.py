"""Who lives in the simulated world: producers, consumers, an administrator, and what befalls the brokers.

Actors talk to any broker, give up, try elsewhere, and write down what they asked for and were told.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from anabranch.errors import AnabranchError, ClientFault, ErrorCode
from anabranch.log.branch import BranchPoint
from anabranch.records.builder import build_batch
from sim.broker import Node, SimBroker
from sim.history import Attempt, TopicStory, Violation, identified
from sim.kafka import KafkaClient
from sim.net import NoAnswer
from sim.offsets import Register

if TYPE_CHECKING:
    from sim.world import World

T = TypeVar("T")

TOPICS_MAX = 5
PARTITIONS_MAX = 3
KEYS = 6
IN_FLIGHT_MAX = 5  # max.in.flight.requests.per.connection of an idempotent client
CONFIGS: tuple[dict[str, str], ...] = (
    {},
    {},
    {"retention.ms": "3000"},
    {"retention.bytes": "3000", "retention.ms": "-1"},
    {"segment.bytes": "2000"},
    {"message.timestamp.type": "LogAppendTime"},
    {"cleanup.policy": "compact", "delete.retention.ms": "0", "min.cleanable.dirty.ratio": "0.01"},
    {"cleanup.policy": "compact", "delete.retention.ms": "9000"},
    {"cleanup.policy": "compact", "delete.retention.ms": "1000", "segment.bytes": "2000"},
    {"cleanup.policy": "compact", "min.compaction.lag.ms": "1500", "delete.retention.ms": "500"},
    {"cleanup.policy": "compact", "max.compaction.lag.ms": "1500", "delete.retention.ms": "500"},
    {"cleanup.policy": "compact,delete", "retention.ms": "4000", "delete.retention.ms": "500"},
)
# The batch was judged before anything was written.
REFUSALS = (
    ErrorCode.UNKNOWN_TOPIC_ID,
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.MESSAGE_TOO_LARGE,
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    ErrorCode.INVALID_RECORD,  # no key, where keys say what is kept
)


class Client:
    """A name, and calls to brokers."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.rng = world.rng
        self.name = name
        self.kafka = KafkaClient(world, name)  # the others go by the command line's verbs

    async def pause(self, mean_s: float) -> None:
        await asyncio.sleep(self.rng.expovariate(1 / mean_s))

    async def ask(
        self, request: Callable[[Node], Awaitable[T]], broker: SimBroker | None = None
    ) -> T:
        """Raises NoAnswer, ClientFault, StoreFault."""
        broker = broker or self.rng.choice(self.world.brokers)
        return await self.world.network.call(
            broker, request, timeout_s=self.rng.choice((0.3, 1.0, 5.0))
        )

    async def insist(self, request: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer, for what may safely be asked twice."""
        while True:
            try:
                return await request()
            except (NoAnswer, AnabranchError):
                await self.pause(0.2)

    def story(self) -> TopicStory | None:
        stories = self.world.history.live_topics()
        return self.rng.choice(stories) if stories else None


class Producer(Client):
    """Common to both kinds: making a batch, sending it once, writing down what came of it."""

    keyless = False

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self._numbers = itertools.count()

    def attempt(
        self, story: TopicStory, partition: int, sequence: tuple[int, int, int] | None
    ) -> tuple[Attempt, bytes]:
        uid = f"{self.name}-{next(self._numbers)}"
        padding = self.rng.choice((0, 10, 100, 400))
        now_ms = self.world.now_ms()
        records = identified(
            uid,
            [
                (
                    now_ms + number,
                    *self._key_and_value(f"{uid}/{number}/".encode() + bytes(padding)),
                )
                for number in range(self.rng.choice((1, 1, 2, 5)))
            ],
        )
        attempt = Attempt(uid, story.id, partition, records, sequence, now_ms)
        self.world.history.attempts[uid] = attempt
        producer = sequence or (-1, -1, -1)
        data = build_batch(
            records,
            producer_id=producer[0],
            producer_epoch=producer[1],
            base_sequence=producer[2],
        )
        self.world.largest_batch = max(self.world.largest_batch, len(data))
        return attempt, data

    def _key_and_value(self, value: bytes) -> tuple[bytes | None, bytes | None]:
        """Few keys, some delete markers, now and then no key at all."""
        dice = self.rng.random()
        if dice < 0.02 and self.keyless:
            return None, value
        return b"k%d" % self.rng.randrange(KEYS), None if dice > 0.8 else value

    async def send(
        self, story: TopicStory, batches: list[tuple[Attempt, bytes]], acks: int = -1
    ) -> list[ErrorCode | None]:
        """For each batch NONE if acknowledged, None if nobody knows, otherwise the error."""
        deleted_before, turns = story.deleted, story.turns
        partition = batches[0][0].partition
        try:
            answers = await self.kafka.produce(
                story, partition, [data for _, data in batches], acks=acks
            )
        except NoAnswer as silence:
            self.world.note(f"{self.name}: {batches[0][0].uid}.. {silence}")
            return [None] * len(batches)
        codes: list[ErrorCode | None] = []
        for (attempt, _), answer in zip(batches, answers, strict=True):
            if answer is None:
                self.world.note(f"{self.name}: {attempt.uid} no answer")
                codes.append(None)
                continue
            if isinstance(answer, ErrorCode):
                self.world.note(f"{self.name}: {attempt.uid} {answer.name}")
                if answer is ErrorCode.UNKNOWN_SERVER_ERROR:
                    raise Violation(f"the produce of {attempt.uid} broke")
                if answer is ErrorCode.KAFKA_STORAGE_ERROR and self.world.nothing_fails:
                    raise Violation(f"nothing failed, but {attempt.uid} could not be stored")
                codes.append(answer)
                continue
            again = (
                attempt.acked is not None
            )  # whoever has not heard of the deletion may say so again
            if deleted_before and turns == story.turns and not again:
                raise Violation(f"{attempt.uid} was sent to {story} after its deletion, and kept")
            self.world.note(f"{self.name}: {attempt.uid} at {answer.base_offset}")
            self.world.history.acknowledged(attempt, answer.base_offset)
            self.world.auditor.acknowledged(story, attempt)
            codes.append(ErrorCode.NONE)
        return codes


class PlainProducer(Producer):
    """Sends each batch as a new one, whatever became of the last."""

    keyless = True

    async def run(self) -> None:
        while True:
            await self.pause(self.rng.choice((0.01, 0.1, 0.5)))
            story = self.story()
            if story is None:
                continue
            partition = self.rng.randrange(story.topic.partitions)
            await asyncio.gather(
                *(self._one(story, partition) for _ in range(self.rng.choice((1, 1, 4))))
            )

    async def _one(self, story: TopicStory, partition: int) -> None:
        batches = [self.attempt(story, partition, None) for _ in range(self.rng.choice((1, 1, 3)))]
        acks = self.rng.choice((-1, -1, 1, 0))
        codes = await self.send(story, batches, acks)
        for (attempt, _), code in zip(batches, codes, strict=True):
            if code in REFUSALS:
                attempt.refused = True
                if attempt.uid in story.line(partition).base:
                    raise Violation(f"I1: {attempt.uid} was refused, and is there")


class IdempotentProducer(Producer):
    """Retries each batch at any broker until it is acknowledged, up to five of a partition in flight."""

    async def run(self) -> None:
        producer_id = await self.insist(self.kafka.new_producer)
        next_sequence: dict[tuple[bytes, int], int] = {}
        while not self.world.ending:
            await self.pause(self.rng.choice((0.02, 0.2)))
            story = self.story()
            if story is None:
                continue
            partition = self.rng.randrange(story.topic.partitions)
            place = (story.id, partition)
            window = []
            for _ in range(self.rng.randint(1, IN_FLIGHT_MAX)):
                sequence = next_sequence.get(place, 0)
                attempt, data = self.attempt(story, partition, (producer_id, 0, sequence))
                next_sequence[place] = sequence + attempt.count
                window.append((attempt, data))
            if not await self._deliver(story, window):
                # The topic may come back, with what nobody knows of this window.
                producer_id = await self.insist(self.kafka.new_producer)
                next_sequence.clear()

    async def _deliver(self, story: TopicStory, window: list[tuple[Attempt, bytes]]) -> bool:
        """False if the topic was deleted meanwhile."""
        turns = story.turns
        while window:
            if story.turns != turns:
                return False
            codes = await self._send_once_or_twice(story, window)
            if codes[0] is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER and story.turns == turns:
                head = window[0][0]
                raise Violation(
                    f"I5: {head.uid} {head.sequence} is the next of {story}/{head.partition}, "
                    f"and was refused: {codes}"
                )
            again = [
                one for one, code in zip(window, codes, strict=True) if code is not ErrorCode.NONE
            ]
            if again:
                await self.pause(0.1)
            elif self.rng.random() < 0.1:
                again = window  # a client that did not hear of its success
            window = again
        return True

    async def _send_once_or_twice(
        self, story: TopicStory, window: list[tuple[Attempt, bytes]]
    ) -> list[ErrorCode | None]:
        """A client whose connection broke repeats what the first broker may be about to commit."""
        if self.rng.random() < 0.7:
            return await self.send(story, window)

        async def again() -> list[ErrorCode | None]:
            await self.pause(4 * self.world.weather.settings.latency_s)
            return await self.send(story, window)

        first, second = await asyncio.gather(self.send(story, window), again())
        return [
            ErrorCode.NONE if ErrorCode.NONE in (one, other) else one
            for one, other in zip(first, second, strict=True)
        ]


class Consumer(Client):
    """Reads a partition from one broker after the other, and commits where it is."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self._registers: dict[tuple[bytes, int], Register] = {}

    async def run(self) -> None:
        while True:
            await self.pause(0.05)
            story = self.story()
            if story is None:
                continue
            partition = self.rng.randrange(story.topic.partitions)
            position = await self._start(story, partition)
            for _ in range(self.rng.choice((1, 5, 30))):
                if position is None or story.deletion_asked:
                    break
                position = await self._read(story, partition, position)
                if position is not None and self.rng.random() < 0.3:
                    await self._commit(story, partition, position)
                await self.pause(self.rng.choice((0.001, 0.05, 0.5)))

    async def _start(self, story: TopicStory, partition: int) -> int | None:
        dice = self.rng.random()
        line = story.line(partition)
        if dice < 0.5:
            return await self._committed(story, partition)
        if dice < 0.8 and line.at:
            return self.rng.choice(list(line.at))
        try:
            when = self.rng.choice((-2, -1, self.world.now_ms() - 2000))
            return max(0, await self.kafka.list_offset(story, partition, when))
        except (NoAnswer, AnabranchError):
            return None

    async def _read(self, story: TopicStory, partition: int, position: int) -> int | None:
        size = self.rng.choice((1, 500, 100_000))
        wait_ms = self.rng.choice((0, 100, 1000))
        line = story.line(partition)
        known = len(line.at) and max(line.at)
        try:
            answer = await self.kafka.fetch(
                None, story, partition, position, max_bytes=size, max_wait_ms=wait_ms
            )
        except (NoAnswer, AnabranchError):
            return position
        self.world.note(
            f"{self.name}: {story}/{partition} from {position}: {answer.error.name} "
            f"{len(answer.data)} bytes, {answer.log_start}..{answer.high_watermark}"
        )
        if answer.error is ErrorCode.OFFSET_OUT_OF_RANGE:
            if position >= answer.log_start and position <= known:
                raise Violation(
                    f"I2: {story}/{partition}: {position} was seen before, and is out of the range "
                    f"{answer.log_start}..{answer.high_watermark}"
                )
            return answer.log_start
        if answer.error is ErrorCode.UNKNOWN_SERVER_ERROR:
            raise Violation(f"a fetch of {story}/{partition} from {position} broke")
        if answer.error is not ErrorCode.NONE:
            return position
        return self.world.history.saw_bytes(story, partition, answer.data, position)

    # -- committed offsets -----------------------------------------------------------------------------
    async def _commit(self, story: TopicStory, partition: int, position: int) -> None:
        register = self._registers.setdefault((story.id, partition), Register())
        write = register.begins(position, self.world.loop.time())
        turns = story.turns
        try:
            code = await self.kafka.commit(self.name, story, partition, position)
        except (NoAnswer, AnabranchError):
            return  # it may still come
        if code is not ErrorCode.NONE:
            return  # a storage error leaves open what became of it
        if story.turns != turns:
            return  # what is committed while its topic is deleted may go with it
        register.done(write, self.world.loop.time())

    async def _committed(self, story: TopicStory, partition: int) -> int | None:
        register = self._registers.setdefault((story.id, partition), Register())
        began, turns = self.world.loop.time(), story.turns
        try:
            offset = await self.kafka.committed(self.name, story, partition)
        except (NoAnswer, AnabranchError):
            return None
        if story.turns != turns or story.deletion_asked:
            return None
        objection = register.read(offset, began)
        if objection:
            raise Violation(f"I4: {self.name} {story}/{partition}: {objection}")
        return offset


class Administrator(Client):
    """Creates, deletes, branches, truncates."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self._names = itertools.count(1)

    async def run(self) -> None:
        while True:
            try:
                await self._one()
            except (NoAnswer, AnabranchError) as fault:
                self.world.note(f"{self.name}: {fault}")
            await self.pause(self.rng.choice((0.1, 1.0)))

    async def _one(self) -> None:
        stories = self.world.history.live_topics()
        dice = self.rng.random()
        if not stories or (dice < 0.3 and len(stories) < TOPICS_MAX):
            await self._create()
        elif dice < 0.5 and len(stories) < TOPICS_MAX:
            await self._branch(self.rng.choice(stories))
        elif dice < 0.6 and len(stories) > 1:
            await self._delete(self.rng.choice(stories))
        elif dice < 0.8:
            await self._delete_records(self.rng.choice(stories))
        elif dice < 0.87:
            await self._set_configs(self.rng.choice(stories))
        else:
            await self._undelete()

    async def _create(self) -> None:
        name = f"t{next(self._names)}"
        partitions = self.rng.randint(1, PARTITIONS_MAX)
        configs = self.rng.choice(CONFIGS)
        topic = await self.ask(lambda node: node.create_topic(name, partitions, configs))
        self.world.history.created(topic)
        self.world.note(f"{self.name}: created {name}")

    async def _branch(self, story: TopicStory) -> None:
        name = f"b{next(self._names)}"
        at = BranchPoint()
        dice = self.rng.random()
        if dice < 0.4:
            offsets = {}
            for partition in range(story.topic.partitions):
                seen = story.line(partition).at
                if seen:
                    offsets[partition] = self.rng.choice(list(seen))
            at = BranchPoint(offsets=offsets)
        elif dice < 0.6:
            at = BranchPoint(append_time_ms=self.world.now_ms() - self.rng.randrange(5000))
        elif dice < 0.8:
            at = BranchPoint(event_time_ms=self.world.now_ms() - self.rng.randrange(5000))
        topic = await self.ask(lambda node: node.branch(story.id, name, at))
        self.world.history.created(topic)
        self.world.note(f"{self.name}: branched {name} off {story}")

    async def _delete(self, story: TopicStory) -> None:
        story.deletion_asked = True
        story.turns += 1
        story.deletion_ms = self.world.now_ms()
        try:
            await self.ask(lambda node: node.delete_topic(story.id))
        except ClientFault as fault:
            if fault.code is ErrorCode.POLICY_VIOLATION:  # somebody holds it
                story.deletion_asked = False
                story.turns += 1
            raise
        story.deleted = True
        self.world.note(f"{self.name}: deleted {story}")
        if self.rng.random() < 0.5:  # it was a mistake
            await self.pause(0.2)
            await self._undelete()

    async def _undelete(self) -> None:
        """Bring back a topic whose deletion was acknowledged: one that nobody knows of may still come."""
        stories = [story for story in self.world.history.topics.values() if story.deleted]
        if not stories:
            return
        story = self.rng.choice(stories)
        story.deleted = False
        story.turns += 1
        grace_ms = self.world.weather.settings.log.topic_grace_ms - self.world.clocks_apart_ms
        try:
            await self.ask(lambda node: node.undelete_topic(story.id))
        except ClientFault as fault:
            if self.world.now_ms() < story.deletion_ms + grace_ms:
                raise Violation(
                    f"{story} cannot be brought back within its grace: {fault}"
                ) from None
            raise
        story.deletion_asked = False
        story.turns += 1
        self.world.weather.saw("topics brought back")
        self.world.note(f"{self.name}: brought {story} back")

    async def _set_configs(self, story: TopicStory) -> None:
        configs = self.rng.choice(CONFIGS)
        story.configs.append(configs)
        await self.ask(lambda node: node.set_configs(story.id, configs))
        self.world.note(f"{self.name}: {story} has {configs}")

    async def _delete_records(self, story: TopicStory) -> None:
        partition = self.rng.randrange(story.topic.partitions)
        line = story.line(partition)
        if not line.at:
            return
        offset = self.rng.choice(list(line.at))
        line.deleted_below = max(line.deleted_below, offset)
        start = await self.ask(lambda node: node.delete_records(story.id, partition, offset))
        if start < offset:
            raise Violation(f"{story}/{partition}: deleted below {offset}, starts at {start}")


class Fate(Client):
    """What befalls brokers: kills, pauses, power losses, jumping clocks, orderly restarts."""

    async def run(self) -> None:
        mean_s = self.world.weather.settings.chaos_s
        while True:
            await asyncio.sleep(min(1e6, self.rng.expovariate(1 / mean_s)))
            self.world.befall(self.rng.choice(self.world.brokers))

    async def restart(self) -> None:
        """The supervisor that starts dead brokers."""
        while True:
            await asyncio.sleep(self.rng.choice((0.1, 0.5, 2.0)))
            for broker in self.world.brokers:
                if broker.process is None and (self.world.ending or self.rng.random() < 0.5):
                    broker.start()
