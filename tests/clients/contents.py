"""What topics and groups hold, read to the end by a client that none of the scenarios is about."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import KafkaError as Code
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from tests.clients.dialects import READ_SECONDS_MAX, Rec, ordered


def read_all(bootstrap: str, topic: str, *, committed_only: bool = False) -> list[Rec]:
    """Every record from the start to the end that the broker tells now, in order of partition and offset."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "unused",
            "enable.auto.commit": False,
            "check.crcs": True,
            "enable.partition.eof": True,
            "isolation.level": "read_committed" if committed_only else "read_uncommitted",
        }
    )
    try:
        partitions = len(consumer.list_topics(topic, READ_SECONDS_MAX).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
        deadline = time.monotonic() + READ_SECONDS_MAX
        found: list[Rec] = []
        ended: set[int] = set()
        while len(ended) < partitions:
            messages = consumer.consume(1000, 0.2)  # it waits for all thousand
            if messages:
                deadline = time.monotonic() + READ_SECONDS_MAX
            assert time.monotonic() < deadline, f"{topic}: {len(found)} records, then silence"
            for message in messages:
                if (error := message.error()) is not None:
                    assert error.code() == Code._PARTITION_EOF, error
                    ended.add(message.partition())
                    continue
                headers = tuple(message.headers() or ())
                timestamp = message.timestamp()[1]
                at = message.partition(), message.offset()
                found.append(Rec(message.value(), message.key(), headers, timestamp, *at))
        return ordered(found)
    finally:
        consumer.close()


def committed(bootstrap: str, group: str, topic: str | None = None) -> dict[int, int]:
    """Committed offset of each partition of `topic`, or of the one topic that `group` reads.

    By kafka-python: librdkafka's admin client crashes on a coordinator that is still loading, as
    Apache Kafka's is after a restart.
    """
    deadline = time.monotonic() + READ_SECONDS_MAX
    while True:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        try:
            found = admin.list_group_offsets({group: None})[group]
            return {
                each.partition: at.offset
                for each, at in found.items()
                if topic in (None, each.topic)
            }
        except KafkaError as error:
            assert error.retriable and time.monotonic() < deadline, error
            time.sleep(0.2)
        finally:
            admin.close()


def config_value(bootstrap: str, topic: str, name: str) -> str:
    """One of the topic's settings as the broker describes it."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    value: str = admin.describe_configs([resource])[resource].result(20)[name].value
    return value
