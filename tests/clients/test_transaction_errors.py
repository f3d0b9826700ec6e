"""The codes of transactional requests, word for word as Apache Kafka answers them: raw requests, both protocols."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.clients.conftest import make_topic
from tests.support.broker import WireClient

from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.wire.messages.m00_produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from anabranch.wire.messages.m10_find_coordinator import FindCoordinatorRequest
from anabranch.wire.messages.m22_init_producer_id import InitProducerIdRequest
from anabranch.wire.messages.m24_add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
)
from anabranch.wire.messages.m25_add_offsets_to_txn import AddOffsetsToTxnRequest
from anabranch.wire.messages.m26_end_txn import EndTxnRequest
from anabranch.wire.messages.m28_txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)

# While Kafka's coordinators load, and while a transaction completes; a broker here is never there.
RETRIABLE = (14, 15, 16, 51, 19)
OK, UNKNOWN_TOPIC, INVALID_REQUEST, BAD_EPOCH, BAD_STATE, BAD_MAPPING, BAD_TIMEOUT = (
    *(0, 3, 42, 47, 48, 49, 50),
)
NOT_ATTEMPTED, FENCED, ABORTABLE, UNKNOWN_MEMBER, ILLEGAL_GENERATION = 55, 90, 120, 25, 22


class Raw:
    """One connection, and one transactional id."""

    def __init__(self, client: WireClient, name: str, topic: str) -> None:
        self.client, self.name, self.topic = client, name, topic
        self.producer_id, self.epoch = -1, -1

    async def call(self, request: Any, version: int, code: Any) -> Any:
        deadline = time.monotonic() + 20
        while True:
            answer = await self.client.call(request, version)
            if code(answer) not in RETRIABLE or time.monotonic() > deadline:
                return answer
            await asyncio.sleep(0.1)

    async def init(self, version: int = 4, *, take: bool = True, **more: Any) -> int:
        fields = {"transactional_id": self.name, "transaction_timeout_ms": 60_000} | more
        request = InitProducerIdRequest(**fields)
        answer = await self.call(request, version, lambda answer: answer.error_code)
        if take and not answer.error_code:
            self.producer_id, self.epoch = answer.producer_id, answer.producer_epoch
        return int(answer.error_code)

    async def add(self, version: int = 3, topics: Any = None, **more: Any) -> list[int]:
        fields = {
            "v3_and_below_transactional_id": self.name,
            "v3_and_below_producer_id": self.producer_id,
            "v3_and_below_producer_epoch": self.epoch,
        } | {f"v3_and_below_{name}": value for name, value in more.items()}
        request = AddPartitionsToTxnRequest(
            **fields,
            v3_and_below_topics=[
                AddPartitionsToTxnTopic(name=name, partitions=[0])
                for name in topics or [self.topic]
            ],
        )

        def codes(answer: Any) -> list[int]:
            return [
                one.partition_error_code
                for topic in answer.results_by_topic_v3_and_below
                for one in topic.results_by_partition
            ]

        return codes(await self.call(request, version, lambda answer: codes(answer)[0]))

    async def produce(self, version: int, sequence: int = 0, **more: Any) -> int:
        batch = build_batch(
            [Record(timestamp=int(time.time() * 1000), value=b"v")],
            producer_id=more.get("producer_id", self.producer_id),
            producer_epoch=more.get("epoch", self.epoch),
            base_sequence=sequence,
            transactional=True,
        )
        request = ProduceRequest(
            transactional_id=self.name,
            acks=-1,
            timeout_ms=10_000,
            topic_data=[
                TopicProduceData(
                    name=self.topic,
                    partition_data=[PartitionProduceData(index=0, records=memoryview(batch))],
                )
            ],
        )

        def code(answer: Any) -> int:
            return int(answer.responses[0].partition_responses[0].error_code)

        return code(await self.call(request, version, code))

    async def end(self, version: int, *, commit: bool, take: bool = True, **more: Any) -> int:
        fields = {
            "transactional_id": self.name,
            "producer_id": self.producer_id,
            "producer_epoch": self.epoch,
        } | more
        request = EndTxnRequest(**fields, committed=commit)
        answer = await self.call(request, version, lambda answer: answer.error_code)
        if take and version >= 5 and not answer.error_code:
            self.producer_id, self.epoch = answer.producer_id, answer.producer_epoch
        return int(answer.error_code)

    async def offsets(self, version: int, group: str, **more: Any) -> int:
        fields = {
            "transactional_id": self.name,
            "group_id": group,
            "producer_id": self.producer_id,
            "producer_epoch": self.epoch,
        } | more
        request = TxnOffsetCommitRequest(
            **fields,
            topics=[
                TxnOffsetCommitRequestTopic(
                    name=self.topic,
                    partitions=[
                        TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=1)
                    ],
                )
            ],
        )

        def code(answer: Any) -> int:
            return int(answer.topics[0].partitions[0].error_code)

        return code(await self.call(request, version, code))

    async def add_offsets(self, version: int, group: str, **more: Any) -> int:
        fields = {
            "transactional_id": self.name,
            "producer_id": self.producer_id,
            "producer_epoch": self.epoch,
        } | more
        request = AddOffsetsToTxnRequest(**fields, group_id=group)
        return int((await self.call(request, version, lambda one: one.error_code)).error_code)


def told(bootstrap: str, name: str, scenario: Any) -> None:
    """Run a scenario; it yields (what, answered, expected)."""
    topic = make_topic(bootstrap, name)

    async def main() -> None:
        host, port = bootstrap.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        wrong = []
        try:
            raw = Raw(WireClient(reader, writer), name, topic)
            for kind, key in ((1, name), (0, f"{name}-g")):  # Kafka makes its topics on first use
                request = FindCoordinatorRequest(key_type=kind, coordinator_keys=[key])
                await raw.call(request, 4, lambda answer: answer.coordinators[0].error_code)
            async for what, answered, expected in scenario(raw):
                if answered != expected:
                    wrong.append(f"{what}: answered {answered}, expected {expected}")
        finally:
            writer.close()
        assert not wrong, "\n".join(wrong)

    asyncio.run(main())


async def before_kip_890(tx: Raw) -> Any:
    yield "an empty id", await tx.init(transactional_id="", take=False), INVALID_REQUEST
    yield "no timeout", await tx.init(transaction_timeout_ms=0, take=False), BAD_TIMEOUT
    long = 1_000_000_000
    yield "too long", await tx.init(transaction_timeout_ms=long, take=False), BAD_TIMEOUT
    yield "init", await tx.init(), OK
    yield "commit of nothing", await tx.end(3, commit=True), BAD_STATE
    yield "abort of nothing", await tx.end(3, commit=False), BAD_STATE
    yield "another epoch", await tx.add(producer_epoch=tx.epoch + 1), [FENCED]
    yield "another epoch, v1", await tx.add(1, producer_epoch=tx.epoch + 1), [BAD_EPOCH]
    yield "another producer", await tx.add(producer_id=tx.producer_id + 99), [BAD_MAPPING]
    yield "unknown id", await tx.add(transactional_id=f"{tx.name}-no"), [BAD_MAPPING]
    codes = await tx.add(topics=[tx.topic, f"{tx.topic}-no"])
    yield "a topic that is not there", sorted(codes), [UNKNOWN_TOPIC, NOT_ATTEMPTED]
    yield "not added, v9", await tx.produce(9), BAD_STATE
    yield "not added, v11", await tx.produce(11), ABORTABLE
    yield "add", await tx.add(), [OK]
    yield "add again", await tx.add(), [OK]
    yield "produce", await tx.produce(9), OK
    yield "produce again", await tx.produce(9), OK
    yield "a newer epoch", await tx.end(3, commit=True, producer_epoch=tx.epoch + 1), FENCED
    yield "the same, v1", await tx.end(1, commit=True, producer_epoch=tx.epoch + 1), BAD_EPOCH
    yield "another producer", await tx.end(3, commit=True, producer_id=9999), BAD_MAPPING
    yield "group", await tx.add_offsets(3, f"{tx.name}-g"), OK
    yield "group, epoch", await tx.add_offsets(3, "g", producer_epoch=tx.epoch + 1), FENCED
    yield "offsets", await tx.offsets(3, f"{tx.name}-g"), OK
    yield "another group", await tx.add_offsets(3, f"{tx.name}-h"), OK
    wrong = await tx.offsets(3, f"{tx.name}-h", generation_id=3, member_id="m")
    yield "offsets of a generation", wrong, ILLEGAL_GENERATION
    yield "commit", await tx.end(3, commit=True), OK
    yield "commit again", await tx.end(3, commit=True), OK
    yield "abort of what was committed", await tx.end(3, commit=False), BAD_STATE
    old = {"producer_id": tx.producer_id, "producer_epoch": tx.epoch}
    yield "init anew", await tx.init(), OK
    yield "and again", await tx.init(), OK
    yield "zombie's init", await tx.init(take=False, **old), FENCED
    yield "zombie's init, v3", await tx.init(3, take=False, **old), BAD_EPOCH
    epoch = old["producer_epoch"]
    yield "zombie's add", await tx.add(producer_epoch=epoch), [FENCED]
    yield "zombie's end", await tx.end(3, commit=True, producer_epoch=epoch), FENCED


async def since_kip_890(tx: Raw) -> Any:
    yield "init", await tx.init(), OK
    yield "commit of nothing", await tx.end(5, commit=True), BAD_STATE
    yield "produce adds", await tx.produce(12), OK
    was = {"producer_id": tx.producer_id, "producer_epoch": tx.epoch}
    yield "commit", await tx.end(5, commit=True), OK
    yield "its epoch", tx.epoch, was["producer_epoch"] + 1
    yield "commit again", await tx.end(5, commit=True, take=False, **was), OK
    yield "abort instead", await tx.end(5, commit=False, take=False, **was), BAD_STATE
    late = await tx.produce(12, sequence=1, epoch=was["producer_epoch"])
    yield "a late batch", late, BAD_EPOCH
    before = tx.epoch
    yield "abort of nothing", await tx.end(5, commit=False), OK
    yield "its epoch", tx.epoch, before + 1
    yield "produce", await tx.produce(12), OK
    yield "offsets add", await tx.offsets(5, f"{tx.name}-g"), OK
    yield "abort", await tx.end(5, commit=False), OK
    yield "its epoch", tx.epoch, before + 2
    yield "another producer", await tx.produce(12, producer_id=tx.producer_id + 99), BAD_MAPPING
    yield "a newer epoch", await tx.produce(12, epoch=tx.epoch + 1), BAD_EPOCH
    yield "another epoch's end", await tx.end(5, commit=True, producer_epoch=tx.epoch + 3), FENCED


def test_codes_before_kip_890(bootstrap: str, name: str) -> None:
    told(bootstrap, name, before_kip_890)


def test_codes_since_kip_890(bootstrap: str, name: str) -> None:
    told(bootstrap, name, since_kip_890)
