"""Transactional producers, zombies of theirs, and what a read_committed consumer may see (I6).

They have topics of their own, which nobody else writes to. Each record says of which transaction it is; in the
end a consumer reads everything read_committed, and of each transaction it must have seen all or nothing: all
where the commit was acknowledged, nothing where it was never asked for. What a producer whose epoch is over
sends is never seen at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anabranch.errors import AnabranchError, ClientFault, ErrorCode
from anabranch.metastore.api import Topic
from anabranch.metastore.partitions import partition as partition_row
from anabranch.records.batch import scan
from anabranch.records.builder import build_batch
from anabranch.records.record import Record, iter_records
from anabranch.wire.messages.m00_produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from anabranch.wire.messages.m01_fetch import FetchPartition, FetchRequest, FetchTopic
from anabranch.wire.messages.m22_init_producer_id import InitProducerIdRequest
from anabranch.wire.messages.m24_add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
)
from anabranch.wire.messages.m26_end_txn import EndTxnRequest
from sim.actors import Client
from sim.broker import SimBroker
from sim.history import Violation
from sim.net import NoAnswer

if TYPE_CHECKING:
    from sim.world import World

PREFIX = "txn-"  # of topics that are nobody else's
PARTITIONS = 2
TIMEOUT_MS = 60_000
READ_COMMITTED = 1
LAST_WITHOUT_BUMPS = 4  # of EndTxn: from 5 on each end bumps the epoch (KIP-890)
ATTEMPTS_MAX = 200


@dataclass
class Transaction:
    """One transaction, as its producer knows it."""

    name: str
    values: list[tuple[int, bytes]] = field(default_factory=list)  # partition, value
    acked: dict[bytes, tuple[int, int]] = field(default_factory=dict)  # partition, offset
    commit_asked: bool = False
    committed: bool = False  # acknowledged


class Uncertain(Exception):
    """Something of a transaction failed: its producer begins anew."""


class Transactional(Client):
    """One transactional id, under one epoch after the other."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.transactional_id = name
        self.topic: Topic | None = None
        self.done: list[Transaction] = []
        self._identity = (-1, -1)
        self._zombie: tuple[tuple[int, int], dict[int, int]] | None = None
        self._sequences: dict[int, int] = {}
        self._count = 0

    async def run(self) -> None:
        name = PREFIX + self.name
        while self.topic is None:
            self.topic = await self.insist(lambda: self._create(name))
        await self._begin()
        while not self.world.ending:
            await self.pause(0.2)
            transaction = Transaction(f"{self.name}-{self._count}")
            self._count += 1
            self.done.append(transaction)
            try:
                await self._one(transaction)
            except (Uncertain, NoAnswer, AnabranchError) as fault:
                self.world.note(f"{self.name}: {transaction.name} {fault!r}")
                await self._begin()
            if self._zombie is not None and self.rng.random() < 0.3:
                await self._rise(*self._zombie)

    async def _create(self, name: str) -> Topic:
        try:
            return await self.ask(lambda node: node.create_topic(name, PARTITIONS, {}))
        except ClientFault as fault:
            if fault.code is not ErrorCode.TOPIC_ALREADY_EXISTS:
                raise
            return await self.ask(lambda node: _named(node.log.catalogue.topic(name)))

    async def _begin(self) -> None:
        """A new epoch: what was going on is aborted, unless its end was asked for."""
        if self._identity[0] >= 0:
            self._zombie = self._identity, dict(self._sequences)
        self._identity = await self.insist(self._init)
        self._sequences = {}

    async def _init(self) -> tuple[int, int]:
        request = InitProducerIdRequest(
            transactional_id=self.transactional_id, transaction_timeout_ms=TIMEOUT_MS
        )
        answer, _ = await self._send(request, 4)
        if answer.error_code:
            raise ClientFault(ErrorCode(answer.error_code))
        return answer.producer_id, answer.producer_epoch

    async def _send(self, request: Any, until: int) -> tuple[Any, int]:
        broker = self.rng.choice(self.world.brokers)
        return await self.kafka.request(
            broker, request, timeout_s=self.rng.choice((1.0, 5.0)), purpose="txn", until=until
        )

    # -- one transaction -------------------------------------------------------------------------------
    async def _one(self, transaction: Transaction) -> None:
        partitions = self.rng.sample(range(PARTITIONS), self.rng.randint(1, PARTITIONS))
        await self._add(self._identity, partitions)
        for number in range(self.rng.randint(1, 4)):
            partition = self.rng.choice(partitions)
            value = f"{transaction.name}/{number}".encode()
            transaction.values.append((partition, value))
            offset = await self._produce(self._identity, self._sequences, partition, value)
            transaction.acked[value] = partition, offset
            await self.pause(0.02)
        transaction.commit_asked = self.rng.random() < 0.7
        await self._end(self._identity, transaction.commit_asked)
        transaction.committed = transaction.commit_asked
        self.world.weather.saw(
            "transactions " + ("committed" if transaction.committed else "aborted")
        )

    async def _add(self, identity: tuple[int, int], partitions: list[int]) -> None:
        assert self.topic is not None
        request = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=self.transactional_id,
            v3_and_below_producer_id=identity[0],
            v3_and_below_producer_epoch=identity[1],
            v3_and_below_topics=[
                AddPartitionsToTxnTopic(name=self.topic.name, partitions=partitions)
            ],
        )
        answer, _ = await self._send(request, 3)
        for topic in answer.results_by_topic_v3_and_below:
            for part in topic.results_by_partition:
                sure(part.partition_error_code)

    async def _produce(
        self, identity: tuple[int, int], sequences: dict[int, int], partition: int, value: bytes
    ) -> int:
        assert self.topic is not None
        sequence = sequences.get(partition, 0)
        data = build_batch(
            [Record(0, self.world.now_ms(), None, value, ())],
            producer_id=identity[0],
            producer_epoch=identity[1],
            base_sequence=sequence,
            transactional=True,
        )
        request = ProduceRequest(
            transactional_id=self.transactional_id,
            acks=-1,
            timeout_ms=1000,
            topic_data=[
                TopicProduceData(
                    name=self.topic.name,
                    topic_id=self.topic.id,
                    partition_data=[PartitionProduceData(index=partition, records=data)],
                )
            ],
        )
        answer, _ = await self._send(request, 11)
        part = answer.responses[0].partition_responses[0]
        sure(part.error_code)
        sequences[partition] = sequence + 1
        return int(part.base_offset)

    async def _end(self, identity: tuple[int, int], commit: bool) -> None:
        request = EndTxnRequest(
            transactional_id=self.transactional_id,
            producer_id=identity[0],
            producer_epoch=identity[1],
            committed=commit,
        )
        answer, _ = await self._send(request, LAST_WITHOUT_BUMPS)
        sure(answer.error_code)

    async def _rise(self, identity: tuple[int, int], sequences: dict[int, int]) -> None:
        """A former instance goes on as if nothing had happened, while the new one is at rest."""
        value = f"zombie-{self._count}".encode()
        for step in self.rng.sample(("add", "produce", "end"), 2):
            try:
                if step == "add":
                    await self._add(identity, [0])
                elif step == "produce":
                    await self._produce(identity, sequences, 0, value)
                else:
                    await self._end(identity, True)
            except (Uncertain, NoAnswer, AnabranchError) as fault:
                self.world.note(f"{self.name}: a zombie cannot {step}: {fault!r}")
            else:
                raise Violation(f"I6: a zombie of {self.name} with {identity} could {step}")
        self.world.weather.saw("zombies fenced")

    # -- the end ---------------------------------------------------------------------------------------
    async def check(self, broker: SimBroker) -> None:
        """Of each transaction a read_committed consumer sees all or nothing. Nothing is under way any more."""
        seen: dict[bytes, tuple[int, int]] = {}
        for partition in range(PARTITIONS):
            for offset, value in await self._read(broker, partition):
                if value in seen:
                    raise Violation(f"I6: {value!r} is at {seen[value]} and at {offset}")
                seen[value] = partition, offset
        objection = self.objection(seen)
        if objection is not None:
            raise Violation(objection)

    def objection(
        self, seen: Mapping[bytes, tuple[int, int]], *, moved: bool = False
    ) -> str | None:
        """What is wrong if a read_committed consumer sees these values where it does (partition, offset);
        ``moved``: not at offsets that they were acknowledged at, which may be so."""
        left = dict(seen)
        for transaction in self.done:
            values = [value for _, value in transaction.values]
            there = [value for value in values if value in left]
            if transaction.committed and len(there) < len(values):
                return f"I6: {transaction} was committed, and only {there} is seen"
            if there and not transaction.commit_asked:
                return f"I6: {transaction} was never committed, and {there} is seen"
            if there and len(there) < len(transaction.acked):
                return f"I6: of {transaction} only {there} is seen"
            for value, place in transaction.acked.items():
                if not moved and left.get(value, place) != place:
                    return f"I1: {value!r} is at {left[value]}, acknowledged at {place}"
            for value in values:
                left.pop(value, None)
        return f"I6: {left} is seen, which nobody had a right to send" if left else None

    async def _read(
        self, broker: SimBroker, partition: int, topic: Topic | None = None
    ) -> list[tuple[int, bytes]]:
        """All of a partition, as a consumer of read_committed filters it."""
        found: list[tuple[int, bytes]] = []
        position = 0
        for _ in range(ATTEMPTS_MAX):
            part = await self.insist(lambda at=position: self._fetch(broker, partition, at, topic))
            records, end = self.committed_records(part, position)
            found += records
            all_stable = end == position and part.last_stable_offset == part.high_watermark
            if all_stable and position >= self._end_of(topic or self._read_from(), partition):
                return found  # a broker that did not hear of the last ones yet is asked again
            position = end
        raise Violation(f"{self.name}/{partition} is not served from {position} on")

    def _end_of(self, topic: Topic | None, partition: int) -> int:
        assert topic is not None
        row = partition_row(self.world.database.connection, topic.no, partition)
        assert row is not None
        return row.next_offset

    @staticmethod
    def committed_records(part: Any, position: int) -> tuple[list[tuple[int, bytes]], int]:
        """(offset, value) of what an answer holds and was not aborted, from ``position`` on; the next position."""
        data = memoryview(bytes(part.records or b""))
        waiting = sorted(
            (one.first_offset, one.producer_id) for one in part.aborted_transactions or ()
        )
        found: list[tuple[int, bytes]] = []
        aborted: set[int] = set()
        end = position
        for header in scan(data):
            while waiting and waiting[0][0] <= header.last_offset:
                aborted.add(waiting.pop(0)[1])
            if header.is_control:
                aborted.discard(header.producer_id)
            elif header.producer_id not in aborted:
                found += [
                    (record.offset, record.value or b"")
                    for record in iter_records(data, header)
                    if record.offset >= position
                ]
            end = header.last_offset + 1
        return found, end

    def _read_from(self) -> Topic | None:
        return self.topic

    async def _fetch(
        self, broker: SimBroker, partition: int, offset: int, topic: Topic | None = None
    ) -> Any:
        topic = topic or self._read_from()
        assert topic is not None
        wanted = FetchPartition(
            partition=partition, fetch_offset=offset, partition_max_bytes=1 << 20
        )
        request = FetchRequest(
            max_wait_ms=500,  # who waits hears of what other brokers did
            min_bytes=1,
            max_bytes=1 << 20,
            isolation_level=READ_COMMITTED,
            session_id=0,
            session_epoch=-1,
            topics=[FetchTopic(topic=topic.name, topic_id=topic.id, partitions=[wanted])],
        )
        answer, _ = await self.kafka.request(
            broker, request, timeout_s=5.0, purpose="fetch", since=5
        )
        part = answer.responses[0].partitions[0]
        if part.error_code:
            raise ClientFault(ErrorCode(part.error_code))
        return part


async def _named(topic: Topic | None) -> Topic:
    if topic is None:
        raise ClientFault(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return topic


def sure(code: int) -> None:
    """Raises Uncertain for an error."""
    if code:
        raise Uncertain(ErrorCode(code).name)
