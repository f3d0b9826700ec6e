"""Zones and lanes as real clients see them: who is read from and written to, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from tests.clients.conftest import make_topic
from tests.clients.members import await_until
from tests.support.broker import BrokerThread
from tests.support.peers import franz_binary, run_tool

from anabranch.broker.lanes import LaneSettings

RECORDS = 200


@pytest.fixture
def zones(tmp_path: Path) -> Iterator[dict[str, BrokerThread]]:
    with ExitStack() as stack:
        made = {zone: stack.enter_context(BrokerThread(tmp_path, rack=zone)) for zone in ("a", "b")}
        shown(made["a"], 2)
        shown(made["b"], 2)
        yield made


def shown(broker: BrokerThread, count: int) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    await_until(lambda: len(admin.list_topics(timeout=10).brokers) == count, lambda: broker.address)


def served(broker: BrokerThread) -> int:
    assert broker.broker is not None
    reader = broker.broker.log.reader
    return reader.tail_bytes + reader.cold_bytes


def appended(broker: BrokerThread) -> int:
    assert broker.broker is not None and broker.broker.log.pipeline is not None
    return broker.broker.log.pipeline.flushes


def write(broker: BrokerThread, topic: str, client_id: str) -> None:
    producer = Producer({"bootstrap.servers": broker.address, "client.id": client_id})
    for number in range(RECORDS):
        producer.produce(topic, b"%d" % number, partition=number % 8)
    assert producer.flush(30) == 0


def read_with_librdkafka(broker: BrokerThread, topic: str, rack: str) -> int:
    consumer = Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": f"{topic}-{rack}",
            "client.rack": rack,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    found: list[Any] = []

    def all_read() -> bool:
        found.extend(m for m in consumer.consume(RECORDS, 0.2) if m.error() is None)
        return len(found) == RECORDS

    try:
        await_until(all_read, lambda: len(found))
    finally:
        consumer.close()
    return len(found)


def read_with_java(broker: BrokerThread, topic: str, rack: str) -> int:
    done = run_tool(
        "ConsoleConsumer",
        [
            *("--bootstrap-server", broker.address, "--topic", topic, "--from-beginning"),
            *("--max-messages", str(RECORDS), "--timeout-ms", "40000"),
            *("--command-property", f"client.rack={rack}"),
        ],
    ).checked()
    return len(done.out.split())


@pytest.mark.parametrize("read", [read_with_librdkafka, read_with_java])
def test_consumers_read_in_their_own_zone(
    read: Any, zones: dict[str, BrokerThread], name: str
) -> None:
    topic = make_topic(zones["a"].address, name, 8)
    write(zones["a"], topic, "app")
    for zone, other in (("b", "a"), ("a", "b")):
        before = served(zones[other])
        assert read(zones["a"], topic, zone) == RECORDS
        assert served(zones[other]) == before, "not a byte came from the other zone"


def test_producers_that_name_their_zone_write_there(
    zones: dict[str, BrokerThread], name: str
) -> None:
    topic = make_topic(zones["a"].address, name, 8)
    for zone, other in (("b", "a"), ("a", "b")):
        before = appended(zones[other])
        write(zones["a"], topic, f"zone={zone},app")
        assert appended(zones[other]) == before
        assert appended(zones[zone]) > 0
    before = appended(zones["a"]), appended(zones["b"])
    write(zones["a"], topic, "app")
    assert appended(zones["a"]) > before[0] and appended(zones["b"]) > before[1]


# -- lanes -----------------------------------------------------------------------------------------


@pytest.fixture
def lanes(tmp_path: Path) -> Iterator[tuple[BrokerThread, BrokerThread]]:
    recovery = LaneSettings("recovery")
    with BrokerThread(tmp_path) as live, BrokerThread(tmp_path, lane=recovery) as apart:
        yield live, apart


def test_a_lane_refuses_writes_to_live_topics_by_name(
    lanes: tuple[BrokerThread, BrokerThread], name: str
) -> None:
    live, apart = lanes
    topic = make_topic(live.address, name, 8)
    write(live, topic, "app")
    admin = AdminClient({"bootstrap.servers": apart.address})
    await_until(lambda: topic in admin.list_topics(timeout=10).topics, lambda: topic)
    failures: list[KafkaError] = []
    producer = Producer({"bootstrap.servers": apart.address})
    producer.produce(topic, b"x", on_delivery=lambda error, _: failures.append(error))
    assert producer.flush(20) == 0
    assert failures[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    said = run_tool(
        "VerifiableProducer",
        [
            *("--bootstrap-server", apart.address, "--topic", topic),
            *("--max-messages", "1", "--acks", "-1"),
        ],
    )
    assert "TopicAuthorizationException" in said.out


def test_a_lane_refuses_production_groups_and_reads_with_its_own(
    lanes: tuple[BrokerThread, BrokerThread], name: str
) -> None:
    live, apart = lanes
    topic = make_topic(live.address, name, 8)
    write(live, topic, "app")
    admin = AdminClient({"bootstrap.servers": apart.address})
    await_until(lambda: topic in admin.list_topics(timeout=10).topics, lambda: topic)

    def read(group: str) -> int:
        consumer = Consumer(
            {
                "bootstrap.servers": apart.address,
                "group.id": group,
                "auto.offset.reset": "earliest",
            }
        )
        consumer.subscribe([topic])
        found: list[Any] = []

        def all_read() -> bool:
            for message in consumer.consume(RECORDS, 0.2):
                if message.error() is not None:
                    raise KafkaException(message.error())
                found.append(message)
            return len(found) == RECORDS

        try:
            await_until(all_read, lambda: len(found))
        finally:
            consumer.close()
        return len(found)

    with pytest.raises(KafkaException) as refused:
        read("orders")
    assert refused.value.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED
    assert read("recovery.orders") == RECORDS
    java = run_tool(
        "ConsoleConsumer",
        [
            *("--bootstrap-server", apart.address, "--topic", topic, "--group", "orders"),
            *("--max-messages", "1", "--timeout-ms", "20000"),
        ],
    )
    assert "GroupAuthorizationException" in java.err + java.out


def test_franz_go_is_told_as_well(lanes: tuple[BrokerThread, BrokerThread], name: str) -> None:
    import subprocess

    live, apart = lanes
    topic = make_topic(live.address, name, 8)
    admin = AdminClient({"bootstrap.servers": apart.address})
    await_until(lambda: topic in admin.list_topics(timeout=10).topics, lambda: topic)
    done = subprocess.run(
        [
            *(str(franz_binary()), "pace", "-bootstrap", apart.address, "-topic", topic),
            *("-count", "1", "-seconds", "20"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "TOPIC_AUTHORIZATION_FAILED" in done.stderr
