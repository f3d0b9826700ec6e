"""Metadata (3), CreateTopics (19), DeleteTopics (20), DeleteRecords (21), CreatePartitions (37),
DescribeTopicPartitions (75)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from anabranch.broker.config import TopicSettings
from anabranch.broker.topics import CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED, TOPIC_OPERATIONS
from anabranch.errors import ErrorCode
from anabranch.log.config import TOPIC_CONFIGS
from anabranch.wire.codec import ZERO_UUID
from anabranch.wire.messages.m03_metadata import MetadataRequest, MetadataRequestTopic
from anabranch.wire.messages.m19_create_topics import CreatableReplicaAssignment
from anabranch.wire.messages.m20_delete_topics import DeleteTopicsRequest, DeleteTopicState
from anabranch.wire.messages.m21_delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from anabranch.wire.messages.m37_create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from anabranch.wire.messages.m75_describe_topic_partitions import (
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsRequestCursor,
    TopicRequest,
)
from tests.broker.conversation import (
    Bench,
    batch,
    create_topics,
    fetch_request,
    metadata,
    run,
    talking,
)
from tests.support.broker import WireClient

NOWHERE = b"\x01" * 16


@pytest.mark.parametrize("version", range(14))
def test_metadata_in_every_version(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path, node_id=7) as bench:
            topic_id = await bench.create("a", 2)
            await bench.create("b")
            everything = MetadataRequest(topics=[] if version == 0 else None)
            answer = await bench.call(everything, version)
            assert [(one.node_id, one.host, one.port) for one in answer.brokers] == [
                (7, bench.broker.host, bench.broker.port)
            ]
            if version >= 1:
                assert answer.controller_id == 7
            if version >= 2:
                assert answer.cluster_id == bench.broker.cluster_id
                assert len(answer.cluster_id) == 22
            assert [one.name for one in answer.topics] == ["a", "b"]
            topic = answer.topics[0]
            assert topic.topic_id == (topic_id if version >= 10 else ZERO_UUID)
            assert [one.partition_index for one in topic.partitions] == [0, 1]
            for part in topic.partitions:
                # Pitfall: one stable leader, never -1 with NONE.
                assert (part.error_code, part.leader_id) == (0, 7)
                assert part.replica_nodes == part.isr_nodes == [7]
                assert part.offline_replicas == []
                assert part.leader_epoch == (0 if version >= 7 else -1)
            assert topic.topic_authorized_operations == OPERATIONS_NOT_ASKED
            if version >= 1:
                assert (await bench.call(MetadataRequest(topics=[]), version)).topics == []

    run(scenario)


def test_metadata_creates_a_topic_only_if_both_sides_allow_it(tmp_path: Path) -> None:
    """Pitfall: auto-creation on Metadata; the answer already names the leader."""

    async def scenario() -> None:
        async with talking(tmp_path, topics=TopicSettings(partitions=3)) as bench:
            answer = await bench.call(metadata("t", create=False))
            assert answer.topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert answer.topics[0].name == "t"
            async with WireClient.connected(bench.broker) as other:
                both = await asyncio.gather(
                    bench.call(metadata("t", create=True)),
                    other.call(metadata("t", create=True), 12),
                )
            for answer in both:
                assert (answer.topics[0].error_code, len(answer.topics[0].partitions)) == (0, 3)
            assert both[0].topics[0].topic_id == both[1].topics[0].topic_id
            # before v4 a client cannot decline
            assert (await bench.call(metadata("old"), 3)).topics[0].error_code == 0

    run(scenario)


def test_metadata_with_auto_creation_off(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path, topics=TopicSettings(auto_create=False)) as bench:
            answer = await bench.call(metadata("t", create=True))
            assert answer.topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(scenario)


def test_metadata_by_id_and_its_errors(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await bench.create("t")
            request = MetadataRequest(
                topics=[
                    MetadataRequestTopic(topic_id=topic_id, name=None),
                    MetadataRequestTopic(topic_id=NOWHERE, name=None),
                    MetadataRequestTopic(name="no good"),
                    MetadataRequestTopic(name=None),
                ],
                include_topic_authorized_operations=True,
            )
            found, missing, invalid, neither = (await bench.call(request, 13)).topics
            assert (found.error_code, found.name) == (0, "t")
            assert found.topic_authorized_operations == TOPIC_OPERATIONS
            assert (missing.error_code, missing.name) == (ErrorCode.UNKNOWN_TOPIC_ID, None)
            assert missing.topic_id == NOWHERE
            assert invalid.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
            assert neither.error_code == ErrorCode.INVALID_REQUEST
            request = MetadataRequest(
                topics=[MetadataRequestTopic(topic_id=topic_id, name=None)],
                include_cluster_authorized_operations=True,
            )
            answer = await bench.call(request, 10)
            assert answer.topics[0].error_code == ErrorCode.INVALID_REQUEST
            assert answer.cluster_authorized_operations == CLUSTER_OPERATIONS

    run(scenario)


@pytest.mark.parametrize("version", range(2, 8))
def test_create_topics_in_every_version(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path, topics=TopicSettings(partitions=4)) as bench:
            request = create_topics("t", -1, {"retention.ms": "1000"}, replication_factor=3)
            (result,) = (await bench.call(request, version)).topics
            assert (result.error_code, result.error_message) == (0, None)
            topic = bench.broker.log.catalogue.topic("t")
            assert topic is not None and topic.partitions == 4
            assert topic.configs == {"retention.ms": "1000"}
            if version >= 7:
                assert result.topic_id == topic.id
            if version >= 5:
                assert (result.num_partitions, result.replication_factor) == (4, 1)
                configs = {one.name: one for one in result.configs}
                assert set(configs) == set(TOPIC_CONFIGS)
                assert (configs["retention.ms"].value, configs["retention.ms"].config_source) == (
                    "1000",
                    1,
                )
                assert configs["retention.bytes"].config_source == 5
            (again,) = (await bench.call(create_topics("t"), version)).topics
            assert again.error_code == ErrorCode.TOPIC_ALREADY_EXISTS
            assert "'t'" in again.error_message

    run(scenario)


REFUSED: list[tuple[dict[str, Any], ErrorCode]] = [
    ({"name": "no good"}, ErrorCode.INVALID_TOPIC_EXCEPTION),
    ({"name": ""}, ErrorCode.INVALID_TOPIC_EXCEPTION),
    ({"partitions": 0}, ErrorCode.INVALID_PARTITIONS),
    ({"partitions": -2}, ErrorCode.INVALID_PARTITIONS),
    ({"partitions": 1_000_000}, ErrorCode.INVALID_PARTITIONS),
    ({"replication_factor": 0}, ErrorCode.INVALID_REPLICATION_FACTOR),
    ({"configs": {"retention.ms": "soon"}}, ErrorCode.INVALID_CONFIG),
    ({"configs": {"no.such": "1"}}, ErrorCode.INVALID_CONFIG),
    ({"configs": {"retention.ms": None}}, ErrorCode.INVALID_CONFIG),
    (
        {"assignments": [CreatableReplicaAssignment(partition_index=0, broker_ids=[1])]},
        ErrorCode.INVALID_REQUEST,
    ),
    (
        {
            "partitions": -1,
            "replication_factor": -1,
            "assignments": [CreatableReplicaAssignment(partition_index=1, broker_ids=[1])],
        },
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ),
    (
        {
            "partitions": -1,
            "replication_factor": -1,
            "assignments": [CreatableReplicaAssignment(partition_index=0, broker_ids=[])],
        },
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ),
]


def test_create_topics_refuses_with_kafkas_codes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            for arguments, code in REFUSED:
                for validate_only in (False, True):
                    request = create_topics(
                        **{"name": "t", **arguments}, validate_only=validate_only
                    )
                    (result,) = (await bench.call(request)).topics
                    assert result.error_code == code, arguments
                    assert result.error_message
            request = create_topics("t")
            request.topics *= 2
            (result,) = (await bench.call(request)).topics
            assert result.error_code == ErrorCode.INVALID_REQUEST
            assert bench.broker.log.catalogue.topics() == []

    run(scenario)


def test_validate_only_and_manual_assignments(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            (result,) = (await bench.call(create_topics("t", 5, validate_only=True))).topics
            assert (result.error_code, result.num_partitions) == (0, 5)
            assert result.topic_id == ZERO_UUID
            assert bench.broker.log.catalogue.topic("t") is None
            assignments = [
                CreatableReplicaAssignment(partition_index=index, broker_ids=[9, 8])
                for index in (2, 0, 1)
            ]
            request = create_topics("t", -1, replication_factor=-1, assignments=assignments)
            (result,) = (await bench.call(request)).topics
            assert (result.error_code, result.num_partitions) == (0, 3)

    run(scenario)


@pytest.mark.parametrize("version", range(1, 7))
def test_delete_topics_in_every_version(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            first, second = await bench.create("a"), await bench.create("b")
            if version < 6:
                request = DeleteTopicsRequest(topic_names=["a", "nope"], timeout_ms=100)
            else:
                request = DeleteTopicsRequest(
                    topics=[
                        DeleteTopicState(name="a"),
                        DeleteTopicState(name="nope"),
                        DeleteTopicState(topic_id=second),
                        DeleteTopicState(topic_id=NOWHERE),
                        DeleteTopicState(name="x", topic_id=first),
                        DeleteTopicState(),
                    ]
                )
            results = (await bench.call(request, version)).responses
            codes = [one.error_code for one in results]
            assert codes[:2] == [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
            left = [topic.name for topic in bench.broker.log.catalogue.topics()]
            if version < 6:
                assert left == ["b"]
            else:
                bad = ErrorCode.INVALID_REQUEST
                assert codes[2:] == [0, ErrorCode.UNKNOWN_TOPIC_ID, bad, bad]
                assert (results[2].name, results[2].topic_id) == ("b", second)
                assert left == []

    run(scenario)


@pytest.mark.parametrize("version", range(3))
def test_delete_records(version: int, tmp_path: Path) -> None:
    """Pitfall: the log start is the same in DeleteRecords, Fetch and ListOffsets; -1 is the end."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            for _ in range(5):
                await bench.produce("t", batch(b"x"))

            async def delete(topic: str, offset: int, partition: int = 0) -> Any:
                request = DeleteRecordsRequest(
                    topics=[
                        DeleteRecordsTopic(
                            name=topic,
                            partitions=[
                                DeleteRecordsPartition(partition_index=partition, offset=offset)
                            ],
                        )
                    ]
                )
                return (await bench.call(request, version)).topics[0].partitions[0]

            part = await delete("t", 2)
            assert (part.error_code, part.low_watermark) == (0, 2)
            assert (await bench.offset("t", -2)).offset == 2
            assert (await bench.fetch("t", 1)).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
            part = await bench.fetch("t", 2)
            assert (part.error_code, part.log_start_offset) == (0, 2)
            assert (await bench.produce("t", batch(b"x"))).log_start_offset == 2
            part = await delete("t", 99)
            assert (part.error_code, part.low_watermark) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)
            part = await delete("t", -1)
            assert (part.error_code, part.low_watermark) == (0, 6)
            topic = bench.broker.log.catalogue.topic("t")
            assert topic is not None
            (gap,) = await bench.broker.log.metastore.gaps(topic.no)
            assert (gap.first_offset, gap.last_offset) == (0, 5)
            assert gap.detail.startswith("deleted by User:ANONYMOUS (")  # I2: also by whom
            for topic, partition in (("nope", 0), ("t", 3)):
                part = await delete(topic, 0, partition)
                assert part.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(scenario)


@pytest.mark.parametrize("version", range(4))
def test_create_partitions(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 2)

            async def grow(
                name: str, count: int, assignments: Any = None, validate_only: bool = False
            ) -> Any:
                request = CreatePartitionsRequest(
                    topics=[CreatePartitionsTopic(name=name, count=count, assignments=assignments)],
                    timeout_ms=1000,
                    validate_only=validate_only,
                )
                (result,) = (await bench.call(request, version)).results
                return result

            one = CreatePartitionsAssignment(broker_ids=[1])
            for arguments, code in (
                (("nope", 3), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
                (("t", 2), ErrorCode.INVALID_PARTITIONS),
                (("t", 1), ErrorCode.INVALID_PARTITIONS),
                (("t", 1_000_000), ErrorCode.INVALID_PARTITIONS),
                (("t", 4, [one]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
                (("t", 4, [one, one], True), ErrorCode.NONE),
            ):
                assert (await grow(*arguments)).error_code == code, arguments
            assert len((await bench.call(metadata("t"))).topics[0].partitions) == 2
            assert (await grow("t", 4, [one, one])).error_code == 0
            assert len((await bench.call(metadata("t"))).topics[0].partitions) == 4
            assert (await bench.produce("t", batch(b"x"), 3)).error_code == 0
            request = CreatePartitionsRequest(
                topics=[CreatePartitionsTopic(name="t", count=9, assignments=None)] * 2
            )
            (result,) = (await bench.call(request, version)).results
            assert result.error_code == ErrorCode.INVALID_REQUEST

    run(scenario)


async def pages(bench: Bench, limit: int, *names: str) -> list[list[tuple[str, list[int]]]]:
    found = []
    cursor = None
    while True:
        request = DescribeTopicPartitionsRequest(
            topics=[TopicRequest(name=name) for name in names],
            response_partition_limit=limit,
            cursor=cursor,
        )
        answer = await bench.call(request)
        found.append(
            [
                (topic.name, [part.partition_index for part in topic.partitions])
                for topic in answer.topics
            ]
        )
        if answer.next_cursor is None:
            return found
        assert sum(len(parts) for _, parts in found[-1]) <= limit
        cursor = DescribeTopicPartitionsRequestCursor(
            topic_name=answer.next_cursor.topic_name,
            partition_index=answer.next_cursor.partition_index,
        )


def test_describe_topic_partitions_in_pages(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            for name, count in (("b", 3), ("a", 2), ("c", 1)):
                await bench.create(name, count)
            whole = [("a", [0, 1]), ("b", [0, 1, 2]), ("c", [0])]
            assert await pages(bench, 2000) == [whole]
            for limit in range(1, 7):
                merged: dict[str, list[int]] = {}
                for page in await pages(bench, limit):
                    for name, parts in page:
                        merged.setdefault(name, []).extend(parts)
                assert list(merged.items()) == whole, limit
            assert await pages(bench, 10, "b", "nope") == [[("b", [0, 1, 2]), ("nope", [])]]
            request = DescribeTopicPartitionsRequest(
                topics=[TopicRequest(name="a"), TopicRequest(name="nope"), TopicRequest(name="?")]
            )
            invalid, known, unknown = (await bench.call(request)).topics
            assert invalid.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
            assert unknown.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            part = known.partitions[0]
            assert (part.leader_id, part.leader_epoch, part.isr_nodes) == (1, 0, [1])
            assert (part.eligible_leader_replicas, part.last_known_elr) == ([], [])

    run(scenario)


def test_a_topic_config_takes_effect_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await bench.create("t", 1, {"max.message.bytes": "100"})
            part = await bench.produce("t", batch(b"x" * 200))
            assert part.error_code == ErrorCode.MESSAGE_TOO_LARGE
            topic = bench.broker.log.catalogue.topic("t")
            assert topic is not None
            await bench.broker.log.set_configs(topic, {})
            assert (await bench.produce("t", batch(b"x" * 200))).error_code == 0
            answer = await bench.call(fetch_request("", topic_id=topic_id), 18)
            assert answer.responses[0].partitions[0].high_watermark == 1

    run(scenario)
