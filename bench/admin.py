"""What administration costs: milliseconds from an admin request to its answer, one at a time.

The client is this project's own codec over one connection, for every system alike: what it costs (some tens of
microseconds) is in all rows. Changes are durable when they are answered: with us in the metastore, with Kafka in its
controller's log, which does not sync by default.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.support.broker import WireClient

from anabranch.wire.codec import Message
from anabranch.wire.messages import m19_create_topics as m19
from anabranch.wire.messages import m32_describe_configs as m32
from anabranch.wire.messages import m44_incremental_alter_configs as m44
from anabranch.wire.messages.m02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from anabranch.wire.messages.m03_metadata import MetadataRequest, MetadataRequestTopic
from anabranch.wire.messages.m15_describe_groups import DescribeGroupsRequest
from anabranch.wire.messages.m16_list_groups import ListGroupsRequest
from anabranch.wire.messages.m20_delete_topics import DeleteTopicsRequest, DeleteTopicState
from anabranch.wire.messages.m37_create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from bench.report import percentile
from bench.systems import Live, settle

NAME = "admin"
SYSTEMS = ("anabranch", "kafka")  # Tansu lacks some of the requests
TOPICS = 100  # of four partitions each, made and deleted one by one
ASKED = 300  # of each question
PARTITIONS = 4
TOPIC_RESOURCE = 2
LATEST = -1


class _Place(NamedTuple):
    """As WireClient wants a broker."""

    host: str
    port: int


def sample(live: Live) -> None:
    if live.system not in SYSTEMS:
        return
    settle()
    for what, milliseconds in asyncio.run(_measure(live.node.port)).items():
        for name, share in (("p50", 0.50), ("p99", 0.99)):
            value = percentile(milliseconds, share)
            live.report.add(f"{what} {name}", "ms", live.system, value, higher_is_better=False)


async def _measure(port: int) -> dict[str, list[float]]:
    names = [f"admin-{time.monotonic_ns()}-{n}" for n in range(TOPICS)]
    async with WireClient.connected(_Place("127.0.0.1", port)) as client:  # type: ignore[arg-type]

        async def timed(make: Callable[[str], Message], version: int, count: int) -> list[float]:
            taken = []
            for number in range(count):
                request = make(names[number % TOPICS])
                begun = time.perf_counter()
                await client.call(request, version)
                taken.append((time.perf_counter() - begun) * 1000)
            return taken

        found = {"create a topic": await timed(_create, 7, TOPICS)}
        await _ready(client, names)
        found["metadata of 100 topics"] = await timed(lambda _: _metadata(names), 12, ASKED)
        found["describe configs"] = await timed(_describe, 4, ASKED)
        found["alter configs"] = await timed(_alter, 1, ASKED)
        found["list offsets"] = await timed(_offsets, 7, ASKED)
        found["list groups"] = await timed(lambda _: ListGroupsRequest(), 4, ASKED)
        found["describe a group"] = await timed(
            lambda _: DescribeGroupsRequest(groups=["nobody"]), 5, ASKED
        )
        found["add partitions"] = await timed(_grow, 3, TOPICS)
        found["delete a topic"] = await timed(_delete, 6, TOPICS)
    return found


async def _ready(client: WireClient, names: list[str]) -> None:
    """Until every partition has a leader."""
    while True:
        answer = await client.call(_metadata(names), 12)
        if all(not topic.error_code and topic.partitions for topic in answer.topics) and all(
            one.leader_id >= 0 for topic in answer.topics for one in topic.partitions
        ):
            return
        await asyncio.sleep(0.05)


def _create(name: str) -> Message:
    topic = m19.CreatableTopic(name=name, num_partitions=PARTITIONS, replication_factor=1)
    return m19.CreateTopicsRequest(topics=[topic], timeout_ms=10_000)


def _metadata(names: list[str]) -> Message:
    return MetadataRequest(
        topics=[MetadataRequestTopic(name=name) for name in names],
        allow_auto_topic_creation=False,
    )


def _describe(name: str) -> Message:
    resource = m32.DescribeConfigsResource(
        resource_type=TOPIC_RESOURCE, resource_name=name, configuration_keys=None
    )
    return m32.DescribeConfigsRequest(resources=[resource])


def _alter(name: str) -> Message:
    config = m44.AlterableConfig(name="retention.ms", config_operation=0, value="86400000")
    resource = m44.AlterConfigsResource(
        resource_type=TOPIC_RESOURCE, resource_name=name, configs=[config]
    )
    return m44.IncrementalAlterConfigsRequest(resources=[resource])


def _offsets(name: str) -> Message:
    topic = ListOffsetsTopic(
        name=name,
        partitions=[
            ListOffsetsPartition(partition_index=n, timestamp=LATEST) for n in range(PARTITIONS)
        ],
    )
    return ListOffsetsRequest(replica_id=-1, topics=[topic])


def _grow(name: str) -> Message:
    topic = CreatePartitionsTopic(name=name, count=PARTITIONS + 1, assignments=None)
    return CreatePartitionsRequest(topics=[topic], timeout_ms=10_000)


def _delete(name: str) -> Message:
    topic = DeleteTopicState(name=name)
    return DeleteTopicsRequest(topics=[topic], timeout_ms=10_000)
