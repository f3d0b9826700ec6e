"""Well-formed requests that want too much: I10 for what a frame costs beyond its bytes."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from anabranch.broker.api.a00_produce import ENTRIES_PER_TURN
from anabranch.errors import ErrorCode
from anabranch.wire.codec import Message
from anabranch.wire.frame import REQUEST_ELEMENTS_MAX
from anabranch.wire.messages.m00_produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from anabranch.wire.messages.m03_metadata import MetadataRequest, MetadataRequestTopic
from anabranch.wire.messages.m09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
)
from anabranch.wire.messages.m15_describe_groups import DescribeGroupsRequest
from anabranch.wire.messages.m32_describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from anabranch.wire.messages.m61_describe_producers import DescribeProducersRequest, TopicRequest
from tests.broker.conversation import Bench, batch, metadata, produce_request, run, talking
from tests.support.broker import WireClient

TOO_MANY = REQUEST_ELEMENTS_MAX + 1


def produce_of(parts: list[PartitionProduceData], topics: int = 1, acks: int = 1) -> ProduceRequest:
    return ProduceRequest(
        acks=acks,
        topic_data=[TopicProduceData(name="t", partition_data=parts) for _ in range(topics)],
    )


class Turns:
    """Counts an event per turn of the loop."""

    def __init__(self) -> None:
        self.turn = 0
        self.events: Counter[int] = Counter()
        self.begun = asyncio.Event()

    async def run(self) -> None:
        while True:
            self.turn += 1
            await asyncio.sleep(0)

    def count(self, call: Any) -> Any:
        def counted(*arguments: Any) -> Any:
            self.events[self.turn] += 1
            self.begun.set()
            return call(*arguments)

        return counted


@pytest.mark.parametrize("topics", [1, 50])
def test_I10_a_produce_of_very_many_partitions_takes_turns_with_others(
    topics: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            turns = Turns()
            log = bench.broker.log
            monkeypatch.setattr(log, "append", turns.count(log.append))
            ticker = asyncio.create_task(turns.run())
            parts = 10_000 // topics
            tiny = [PartitionProduceData(index=0, records=batch(b"")) for _ in range(parts)]
            large = bench.client.send(produce_of(tiny, topics), 12)
            behind = bench.client.send(produce_request("t", batch(b"behind")), 12)
            async with WireClient.connected(bench.broker) as other:
                await turns.begun.wait()
                await other.call(metadata("t"), 12)
                served_after = turns.events.total()
            answer = await bench.client.receive(large)
            assert [
                (part.error_code, part.base_offset)
                for topic in answer.responses
                for part in topic.partition_responses
            ] == [(ErrorCode.NONE, offset) for offset in range(10_000)]
            answer = await bench.client.receive(behind)
            assert answer.responses[0].partition_responses[0].base_offset == 10_000
            ticker.cancel()
            assert turns.events.total() == 10_001
            assert max(turns.events.values()) <= ENTRIES_PER_TURN
            assert served_after < 10_000, "the other client had to wait for all of it"

    run(scenario)


def test_I10_record_less_partitions_are_refused_in_turns(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            empty = [PartitionProduceData(index=0, records=None) for _ in range(10_000)]
            answer = await bench.call(produce_of(empty), 12)
            (topic,) = answer.responses
            assert [one.error_code for one in topic.partition_responses] == (
                [ErrorCode.INVALID_RECORD] * 10_000
            )
            bench.client.send(produce_of(empty, acks=0), 12)
            assert await bench.client.closed()

    run(scenario)


@pytest.mark.parametrize(
    ("request_", "version"),
    [
        (produce_of([PartitionProduceData(index=0, records=None)] * TOO_MANY), 12),
        (produce_of([PartitionProduceData(index=0, records=None)], topics=TOO_MANY), 3),
        (MetadataRequest(topics=[MetadataRequestTopic(name="")] * TOO_MANY), 9),
        (DescribeGroupsRequest(groups=[""] * TOO_MANY), 5),
        (
            OffsetFetchRequest(
                group_id="g",
                topics=[OffsetFetchRequestTopic(name="t", partition_indexes=[0] * TOO_MANY)],
            ),
            5,
        ),
    ],
    ids=["partitions", "topics", "structures", "strings", "integers"],
)
def test_I10_a_request_of_too_many_elements_closes_its_connection(
    request_: Message, version: int, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            bench.client.send(request_, version)
            assert await bench.client.closed()
            async with WireClient.connected(bench.broker) as other:
                assert (await other.call(metadata(), 12)).brokers

    run(scenario)


def test_I10_tagged_fields_are_counted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            for tags, closes in ((REQUEST_ELEMENTS_MAX, False), (TOO_MANY, True)):
                count = bytes((tags & 127 | 128, tags >> 7 & 127 | 128, tags >> 14))
                body = MetadataRequest(topics=[]).encode(12)[:-1] + count + b"\x63\0" * tags
                head = b"\0\x03\0\x0c\0\0\0\x01\xff\xff\0"
                frame = head + body
                bench.client.send_bytes(len(frame).to_bytes(4, "big") + frame)
                if closes:
                    assert await bench.client.closed()
                else:
                    assert await bench.client.receive_frame()

    run(scenario)


def test_I10_what_is_asked_for_many_times_is_described_once(tmp_path: Path) -> None:
    """A short question may have a long answer: a topic of 10,000 partitions, a group of any size."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 10)
            await bench.produce("t", batch(b"x"))
            named = [MetadataRequestTopic(name="t") for _ in range(1000)]
            answer = await bench.call(MetadataRequest(topics=named), 12)
            assert [len(topic.partitions) for topic in answer.topics] == [10]
            answer = await bench.call(DescribeGroupsRequest(groups=["g"] * 1000))
            assert [group.group_id for group in answer.groups] == ["g"]
            await described_once(bench)

    async def described_once(bench: Bench) -> None:
        resources = [
            DescribeConfigsResource(resource_type=2, resource_name="t", configuration_keys=None)
            for _ in range(3)
        ]
        answer = await bench.call(DescribeConfigsRequest(resources=resources))
        invalid = ErrorCode.INVALID_REQUEST
        assert [one.error_code for one in answer.results] == [0, invalid, invalid]
        assert [bool(one.configs) for one in answer.results] == [True, False, False]
        groups = [OffsetFetchRequestGroup(group_id="g", topics=None) for _ in range(3)]
        answer = await bench.call(OffsetFetchRequest(groups=groups), 9)
        assert [one.error_code for one in answer.groups] == [0, invalid, invalid]
        twice = [TopicRequest(name="t", partition_indexes=[0, 0])] * 2
        answer = await bench.call(DescribeProducersRequest(topics=twice))
        codes = [part.error_code for topic in answer.topics for part in topic.partitions]
        assert codes == [0, invalid, invalid, invalid]

    run(scenario)
