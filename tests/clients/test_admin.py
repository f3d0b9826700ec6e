"""Topics, configs, partitions, records and groups through the admin clients of four libraries."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from tests.clients.conftest import make_topic
from tests.clients.dialects import Confluent, Franz, Rec

RETENTION_DEFAULT = "604800000"


def test_confluent_admin(bootstrap: str, name: str) -> None:
    """One topic from creation to deletion through librdkafka's admin API."""
    from confluent_kafka import KafkaError, KafkaException, TopicPartition
    from confluent_kafka.admin import (
        AdminClient,
        AlterConfigOpType,
        ConfigEntry,
        ConfigResource,
        ConfigSource,
        NewPartitions,
        NewTopic,
        OffsetSpec,
        ResourceType,
    )

    admin = AdminClient({"bootstrap.servers": bootstrap})

    def refused(code: int, futures: dict[Any, Any]) -> None:
        with pytest.raises(KafkaException) as error:
            next(iter(futures.values())).result(20)
        assert error.value.args[0].code() == code

    cluster = admin.describe_cluster().result(20)
    assert len(cluster.nodes) == 1 and cluster.cluster_id
    assert f"{cluster.nodes[0].host}:{cluster.nodes[0].port}" == bootstrap

    new = NewTopic(name, 3, 1, config={"retention.ms": "3600000"})
    assert admin.create_topics([new], validate_only=True)[name].result(20) is None
    assert name not in admin.list_topics(timeout=20).topics
    admin.create_topics([new])[name].result(20)
    refused(KafkaError.TOPIC_ALREADY_EXISTS, admin.create_topics([new]))
    refused(KafkaError.INVALID_PARTITIONS, admin.create_topics([NewTopic(name + "-0", 0, 1)]))
    refused(KafkaError.TOPIC_EXCEPTION, admin.create_topics([NewTopic("no/slash", 1, 1)]))
    bad = NewTopic(name + "-bad", 1, 1, config={"retention.ms": "soon"})
    refused(KafkaError.INVALID_CONFIG, admin.create_topics([bad]))

    from confluent_kafka import TopicCollection

    described = admin.describe_topics(TopicCollection([name]))[name].result(20)
    assert [each.id for each in described.partitions] == [0, 1, 2]
    assert all(each.leader.id == cluster.nodes[0].id for each in described.partitions)
    assert not described.is_internal
    assert str(described.topic_id) not in ("", "AAAAAAAAAAAAAAAAAAAAAA")
    refused(
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        admin.describe_topics(TopicCollection([name + "-missing"])),
    )

    resource = ConfigResource(ResourceType.TOPIC, name)

    def configs() -> dict[str, tuple[str, int]]:
        entries = admin.describe_configs([resource])[resource].result(20)
        return {key: (entry.value, entry.source) for key, entry in entries.items()}

    dynamic = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    default = ConfigSource.DEFAULT_CONFIG.value
    found = configs()
    assert found["retention.ms"] == ("3600000", dynamic)
    assert found["cleanup.policy"] == ("delete", default)
    assert found["max.message.bytes"][1] == default
    assert found["compression.type"] == ("producer", default)
    assert len(found) > 20, "every config is listed, not only the changed ones"

    def alter(*changes: tuple[str, str | None, AlterConfigOpType]) -> None:
        entries = [
            ConfigEntry(key, value, incremental_operation=operation)
            for key, value, operation in changes
        ]
        asked = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        admin.incremental_alter_configs([asked])[asked].result(20)

    alter(
        ("retention.ms", None, AlterConfigOpType.DELETE),
        ("max.message.bytes", "2000", AlterConfigOpType.SET),
        ("cleanup.policy", "compact", AlterConfigOpType.APPEND),
    )
    found = configs()
    assert found["retention.ms"] == (RETENTION_DEFAULT, default)
    assert found["max.message.bytes"] == ("2000", dynamic)
    assert set(found["cleanup.policy"][0].split(",")) == {"delete", "compact"}
    alter(("cleanup.policy", "compact", AlterConfigOpType.SUBTRACT))
    assert configs()["cleanup.policy"][0] == "delete"
    with pytest.raises(KafkaException) as error:
        alter(("max.message.bytes", "-7", AlterConfigOpType.SET))
    assert error.value.args[0].code() == KafkaError.INVALID_CONFIG
    assert configs()["max.message.bytes"] == ("2000", dynamic)

    admin.create_partitions([NewPartitions(name, 5)])[name].result(20)
    refused(
        KafkaError.INVALID_PARTITIONS,
        admin.create_partitions([NewPartitions(name, 5)]),
    )
    assert len(admin.describe_topics(TopicCollection([name]))[name].result(20).partitions) == 5

    start_ms = int(time.time() * 1000) - 60_000
    Confluent(bootstrap).produce(
        name, [Rec(b"%d" % n, timestamp_ms=start_ms + n, partition=4) for n in range(20)]
    )

    def offset(spec: OffsetSpec) -> int:
        partition = TopicPartition(name, 4)
        (future,) = admin.list_offsets({partition: spec}).values()
        answer: int = future.result(20).offset
        return answer

    assert offset(OffsetSpec.earliest()) == 0
    assert offset(OffsetSpec.latest()) == 20
    assert offset(OffsetSpec.max_timestamp()) == 19
    assert offset(OffsetSpec.for_timestamp(start_ms + 7)) == 7

    cut = TopicPartition(name, 4, 13)
    (future,) = admin.delete_records([cut]).values()
    assert future.result(20).low_watermark == 13
    assert offset(OffsetSpec.earliest()) == 13
    assert offset(OffsetSpec.latest()) == 20
    past = TopicPartition(name, 4, 21)
    refused(KafkaError.OFFSET_OUT_OF_RANGE, admin.delete_records([past]))

    admin.delete_topics([name])[name].result(20)
    assert name not in admin.list_topics(timeout=20).topics
    refused(KafkaError.UNKNOWN_TOPIC_OR_PART, admin.delete_topics([name]))


def test_confluent_group_admin(bootstrap: str, name: str) -> None:
    from confluent_kafka import (
        ConsumerGroupState,
        ConsumerGroupTopicPartitions,
        KafkaError,
        KafkaException,
        TopicPartition,
    )
    from confluent_kafka.admin import AdminClient

    make_topic(bootstrap, name, 2)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    asked = ConsumerGroupTopicPartitions(
        name, [TopicPartition(name, 0, 11), TopicPartition(name, 1, 22)]
    )
    admin.alter_consumer_group_offsets([asked])[name].result(20)
    listed = admin.list_consumer_groups().result(20)
    assert listed.errors == []
    ours = [each for each in listed.valid if each.group_id == name]
    assert [each.state for each in ours] == [ConsumerGroupState.EMPTY]
    only_stable = admin.list_consumer_groups(states={ConsumerGroupState.STABLE}).result(20)
    assert name not in {each.group_id for each in only_stable.valid}

    described = admin.describe_consumer_groups([name])[name].result(20)
    assert (described.state, described.members) == (ConsumerGroupState.EMPTY, [])
    offsets = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)])[name]
    assert {each.partition: each.offset for each in offsets.result(20).topic_partitions} == {
        0: 11,
        1: 22,
    }
    admin.delete_consumer_groups([name])[name].result(20)
    with pytest.raises(KafkaException) as error:
        admin.delete_consumer_groups([name])[name].result(20)
    assert error.value.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND


def test_kafka_python_admin(bootstrap: str, name: str) -> None:
    from kafka import KafkaAdminClient, TopicPartition
    from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
    from kafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError

    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        new = NewTopic(name, 2, 1, topic_configs={"segment.ms": "1234567"})
        admin.create_topics([new])
        with pytest.raises(TopicAlreadyExistsError):
            admin.create_topics([new])
        admin.wait_for_topics([name])
        (described,) = admin.describe_topics([name])
        assert len(described["partitions"]) == 2
        admin.create_partitions({name: NewPartitions(4)})
        (described,) = admin.describe_topics([name])
        assert sorted(each["partition_index"] for each in described["partitions"]) == [0, 1, 2, 3]

        resource = ConfigResource(ConfigResourceType.TOPIC, name)
        configs = admin.describe_configs([resource], config_filter="all")["topic"][name]
        assert configs["segment.ms"]["value"] == "1234567"
        assert configs["retention.ms"]["value"] == RETENTION_DEFAULT
        change = ConfigResource(
            ConfigResourceType.TOPIC, name, configs={"retention.ms": "777000000"}
        )
        admin.alter_configs([change])
        configs = admin.describe_configs([resource], config_filter="all")["topic"][name]
        assert configs["retention.ms"]["value"] == "777000000"
        assert configs["segment.ms"]["value"] == "1234567"

        Confluent(bootstrap).produce(name, [Rec(b"%d" % n, partition=1) for n in range(9)])
        partition = TopicPartition(name, 1)
        low = admin.delete_records({partition: 5})
        assert low[partition]["low_watermark"] == 5
        assert [r.offset for r in _tail(bootstrap, name, 1, 4)] == [5, 6, 7, 8]

        log_dirs = admin.describe_log_dirs()
        assert log_dirs, "a broker has at least one log directory"

        admin.delete_topics([name])
        with pytest.raises(UnknownTopicOrPartitionError):
            admin.delete_topics([name])
    finally:
        admin.close()


def _tail(bootstrap: str, topic: str, partition: int, count: int) -> list[Rec]:
    """What a reader of one partition finds from its start."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused"})
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
    try:
        messages = consumer.consume(count, 20)
        return [Rec(each.value(), offset=each.offset(), partition=partition) for each in messages]
    finally:
        consumer.close()


def test_aiokafka_admin(bootstrap: str, name: str) -> None:
    asyncio.run(_aiokafka_admin(bootstrap, name))


async def _aiokafka_admin(bootstrap: str, name: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
    from aiokafka.structs import TopicPartition

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        created = await admin.create_topics([NewTopic(name, 1, 1)])
        assert [error[1] for error in created.topic_errors] == [0]
        again = await admin.create_topics([NewTopic(name, 1, 1)])
        assert [error[1] for error in again.topic_errors] == [36]  # TOPIC_ALREADY_EXISTS
        assert name in await admin.list_topics()
        await admin.create_partitions({name: NewPartitions(2)})
        (described,) = await admin.describe_topics([name])
        assert [each["error_code"] for each in described["partitions"]] == [0, 0]
        cluster = await admin.describe_cluster()
        assert len(cluster["brokers"]) == 1

        resource = ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "99000000"})
        await admin.alter_configs([resource])
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        values = {entry[0]: entry[1] for each in answers[0].resources for entry in each[4]}
        assert values["retention.ms"] == "99000000"

        Confluent(bootstrap).produce(name, [Rec(b"%d" % n) for n in range(6)])
        partition = TopicPartition(name, 0)
        low = await admin.delete_records({partition: RecordsToDelete(before_offset=2)})
        assert low == {partition: 2}
        groups = await admin.list_consumer_groups()
        assert all(len(each) >= 2 for each in groups)
        deleted = await admin.delete_topics([name])
        assert [error[1] for error in deleted.topic_error_codes] == [0]
    finally:
        await admin.close()


def test_franz_go_admin(bootstrap: str, name: str) -> None:
    """kadm's view of one topic and one group, step by step."""
    rows = Franz(bootstrap).run("admin", name, "-group", name)
    said = {row["step"]: row["value"] for row in rows}
    exists, too_large = said.pop("create again"), said.pop("too large")
    no_group, no_topic = said.pop("delete group again"), said.pop("delete topic again")
    assert exists.startswith("TOPIC_ALREADY_EXISTS")
    assert too_large.startswith("MESSAGE_TOO_LARGE")
    assert no_group.startswith("GROUP_ID_NOT_FOUND")
    assert no_topic.startswith("UNKNOWN_TOPIC_OR_PARTITION")
    default, dynamic = "DEFAULT_CONFIG", "DYNAMIC_TOPIC_CONFIG"
    created = said.pop("configs as created")
    assert created.pop("max.message.bytes")[1] == default
    assert created == {"retention.ms": ["7654321", dynamic], "cleanup.policy": ["delete", default]}
    assert said == {
        "partitions": [0, 1],
        "has id": True,
        "configs as altered": {
            "retention.ms": [RETENTION_DEFAULT, default],
            "cleanup.policy": ["delete", default],
            "max.message.bytes": ["65536", dynamic],
        },
        "partitions after growing": [0, 1, 2],
        "end offsets": [10, 20, 30],
        "low watermarks": {"1": 4, "2": 30},
        "start offsets": [0, 4, 30],
        "committed": {"0": [3, "by hand"], "1": [7, ""]},
        "group is listed": True,
        "group state": "Empty",
        "lag": 20,
    }


def test_auto_creation_follows_the_client(bootstrap: str, name: str) -> None:
    """A produce to a missing topic makes it with the default partitions; a read does not."""
    from confluent_kafka import Consumer
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": bootstrap})
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": name,
            "allow.auto.create.topics": False,
        }
    )
    consumer.subscribe([name])
    message = consumer.poll(3)
    assert message is not None and message.error().name() == "UNKNOWN_TOPIC_OR_PART"
    consumer.close()
    assert name not in admin.list_topics(timeout=20).topics
    Confluent(bootstrap).produce(name, [Rec(b"first")])
    assert len(admin.list_topics(timeout=20).topics[name].partitions) == 1
    assert [r.value for r in Confluent(bootstrap).consume(name, 1)] == [b"first"]
