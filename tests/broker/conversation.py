"""Short words for long requests: what the API tests say to a broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from anabranch.broker.server import Broker
from anabranch.errors import ErrorCode
from anabranch.records.builder import build_batch
from anabranch.records.compression import Codec
from anabranch.records.record import Record
from anabranch.wire.codec import ZERO_UUID
from anabranch.wire.messages.m00_produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from anabranch.wire.messages.m01_fetch import FetchPartition, FetchRequest, FetchTopic
from anabranch.wire.messages.m02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from anabranch.wire.messages.m03_metadata import MetadataRequest, MetadataRequestTopic
from anabranch.wire.messages.m19_create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from tests.support.broker import WireClient, running_broker


class Bench(NamedTuple):
    """A running broker and a connection to it."""

    broker: Broker
    client: WireClient

    async def call(self, request: Any, version: int | None = None) -> Any:
        """At the highest version served, unless told otherwise."""
        if version is None:
            version = self.broker.apis[request.API_KEY].max_version
        return await self.client.call(request, version)

    async def create(
        self, name: str, partitions: int = 1, configs: dict[str, str | None] | None = None
    ) -> bytes:
        """The new topic's id."""
        answer = await self.call(create_topics(name, partitions, configs))
        (topic,) = answer.topics
        assert topic.error_code == ErrorCode.NONE, topic.error_message
        return bytes(topic.topic_id)

    async def produce(self, topic: str, batch: bytes, partition: int = 0, **more: Any) -> Any:
        """The partition's answer, by name (version 12)."""
        answer = await self.call(produce_request(topic, batch, partition, **more), 12)
        return answer.responses[0].partition_responses[0]

    async def fetch(self, topic: str, offset: int = 0, partition: int = 0, **more: Any) -> Any:
        """The partition's answer, by name (version 12)."""
        answer = await self.call(fetch_request(topic, offset, partition, **more), 12)
        assert answer.error_code == ErrorCode.NONE
        return answer.responses[0].partitions[0]

    async def offset(self, topic: str, timestamp: int, partition: int = 0, **more: Any) -> Any:
        answer = await self.call(list_offsets(topic, timestamp, partition, **more))
        return answer.topics[0].partitions[0]


@asynccontextmanager
async def talking(data: Path, **changes: Any) -> AsyncIterator[Bench]:
    async with running_broker(data, **changes) as broker, WireClient.connected(broker) as client:
        yield Bench(broker, client)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))  # type: ignore[arg-type]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def records(
    *values: bytes | None, key: bytes | None = b"k", timestamp: int | None = None
) -> list[Record]:
    at = now_ms() if timestamp is None else timestamp
    return [
        Record(offset=0, timestamp=at + n, key=key, value=value, headers=())
        for n, value in enumerate(values)
    ]


def batch(*values: bytes | None, codec: int = Codec.NONE, **more: Any) -> bytes:
    record_args = {name: more.pop(name) for name in ("key", "timestamp") if name in more}
    return build_batch(records(*values, **record_args), codec=codec, **more)


def create_topics(
    name: str, partitions: int = 1, configs: dict[str, str | None] | None = None, **more: Any
) -> CreateTopicsRequest:
    topic = CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=more.pop("replication_factor", 1),
        assignments=more.pop("assignments", []),
        configs=[
            CreatableTopicConfig(name=key, value=value) for key, value in (configs or {}).items()
        ],
    )
    return CreateTopicsRequest(topics=[topic], timeout_ms=1000, **more)


def produce_request(
    topic: str,
    data: bytes | None,
    partition: int = 0,
    *,
    acks: int = -1,
    topic_id: bytes = ZERO_UUID,
    **more: Any,
) -> ProduceRequest:
    part = PartitionProduceData(index=partition, records=data)
    return ProduceRequest(
        acks=acks,
        timeout_ms=1000,
        topic_data=[TopicProduceData(name=topic, topic_id=topic_id, partition_data=[part])],
        **more,
    )


def fetch_request(
    topic: str,
    offset: int = 0,
    partition: int = 0,
    *,
    topic_id: bytes = ZERO_UUID,
    max_wait_ms: int = 0,
    min_bytes: int = 1,
    max_bytes: int = 1 << 20,
    partition_max_bytes: int = 1 << 20,
    **more: Any,
) -> FetchRequest:
    one = FetchPartition(
        partition=partition,
        fetch_offset=offset,
        partition_max_bytes=partition_max_bytes,
        current_leader_epoch=more.pop("current_leader_epoch", -1),
        last_fetched_epoch=more.pop("last_fetched_epoch", -1),
    )
    return FetchRequest(
        max_wait_ms=max_wait_ms,
        min_bytes=min_bytes,
        max_bytes=max_bytes,
        topics=[FetchTopic(topic=topic, topic_id=topic_id, partitions=[one])],
        session_epoch=more.pop("session_epoch", -1),
        **more,
    )


def list_offsets(
    topic: str,
    timestamp: int,
    partition: int = 0,
    *,
    current_leader_epoch: int = -1,
    isolation_level: int = 0,
) -> ListOffsetsRequest:
    one = ListOffsetsPartition(
        partition_index=partition,
        timestamp=timestamp,
        current_leader_epoch=current_leader_epoch,
    )
    return ListOffsetsRequest(
        replica_id=-1,
        isolation_level=isolation_level,
        topics=[ListOffsetsTopic(name=topic, partitions=[one])],
    )


def metadata(*names: str, create: bool = False, **more: Any) -> MetadataRequest:
    return MetadataRequest(
        topics=[MetadataRequestTopic(name=name) for name in names],
        allow_auto_topic_creation=create,
        **more,
    )
