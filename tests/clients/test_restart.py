"""The broker goes away and comes back under its clients; they go on where they were."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest
from tests.clients.conftest import make_topic, restart
from tests.clients.dialects import Confluent, Rec
from tests.clients.members import (
    AioKafkaMember,
    ConfluentMember,
    FranzMember,
    JavaMember,
    Member,
    await_until,
)
from tests.clients.test_groups import Group
from tests.support.peers import AnabranchNode, Node


@pytest.mark.parametrize("clean", [True, False], ids=["sigterm", "sigkill"])
@pytest.mark.parametrize(
    "kind",
    [ConfluentMember, AioKafkaMember, JavaMember, FranzMember],
    ids=lambda kind: kind.name,
)
def test_group_goes_on_after_a_restart(
    kind: type[Member], clean: bool, node: Node, name: str
) -> None:
    """I4: members keep their partitions, positions and commits."""
    make_topic(node.bootstrap, name, 4)
    with ExitStack() as stack:
        group = Group(node.bootstrap, name, 4, stack)
        group.write(10)
        first, second = group.join(kind), group.join(kind)
        group.settled(first, second)
        group.consumed()
        held = set(first.assigned), set(second.assigned)
        told = first.assignments, second.assignments

        restart(node, clean)
        group.write(10)
        group.consumed()
        # Members are kept in the metastore. (With its only broker gone the Java client forgets its
        # metadata, takes the topic for a new one and rejoins by itself.)
        if isinstance(node, AnabranchNode) and kind is not JavaMember:
            assert (first.assigned, second.assigned) == held
            assert (first.assignments, second.assignments) == told, "no rebalance"
        first.leave()
        group.settled(second)
        group.write(1)
        group.consumed()
        second.leave()


@pytest.mark.parametrize("clean", [True, False], ids=["sigterm", "sigkill"])
def test_idempotent_producer_goes_on_after_a_restart(clean: bool, node: Node, name: str) -> None:
    """I5: a producer that writes throughout loses nothing and doubles nothing."""
    from confluent_kafka import Producer

    topic = make_topic(node.bootstrap, name)
    offsets: dict[int, int] = {}
    failures: list[object] = []
    producer = Producer(
        {
            "bootstrap.servers": node.bootstrap,
            "enable.idempotence": True,
            "linger.ms": 1,
            "reconnect.backoff.max.ms": 100,
            "log_level": 0,
        }
    )
    stop, total = threading.Event(), 0

    def write() -> None:
        nonlocal total
        while not stop.is_set():
            number = total

            def heard(error: object, message: object, number: int = number) -> None:
                if error:
                    failures.append(error)
                else:
                    offsets[number] = message.offset()  # type: ignore[attr-defined]

            producer.produce(topic, b"%d" % number, on_delivery=heard)
            total += 1
            producer.poll(0.001)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        await_until(lambda: len(offsets) > 300, lambda: (len(offsets), failures))
        for _ in range(2):
            wanted = len(offsets) + 300
            restart(node, clean)
            await_until(lambda n=wanted: len(offsets) > n, lambda: (len(offsets), failures))
    finally:
        stop.set()
        writer.join()
    assert producer.flush(60) == 0
    assert failures == []
    found = Confluent(node.bootstrap).consume(topic, total)
    assert [r.value for r in found] == [b"%d" % n for n in range(total)]
    assert offsets == {n: n for n in range(total)}


def test_topics_configs_and_positions_survive(node: Node, name: str) -> None:
    from confluent_kafka import Consumer, TopicPartition
    from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

    make_topic(node.bootstrap, name, 3, {"retention.ms": "123456789"})
    records = [Rec(b"%d" % n, b"k%d" % n, partition=n % 3) for n in range(300)]
    Confluent(node.bootstrap).produce(name, records, "lz4")
    settings = {"bootstrap.servers": node.bootstrap, "group.id": name}
    consumer = Consumer(settings)
    positions = [TopicPartition(name, partition, 50 + partition) for partition in range(3)]
    consumer.commit(offsets=positions, asynchronous=False)
    consumer.close()
    begun = time.monotonic()
    for clean in (True, False):
        restart(node, clean)
        admin = AdminClient({"bootstrap.servers": node.bootstrap})
        assert len(admin.list_topics(timeout=20).topics[name].partitions) == 3
        resource = ConfigResource(ResourceType.TOPIC, name)
        config = admin.describe_configs([resource])[resource].result(20)
        assert config["retention.ms"].value == "123456789"
        found = Confluent(node.bootstrap).consume(name, 300, partitions=3)
        assert sorted((r.content() for r in found), key=lambda r: int(r.value or b"")) == records
        consumer = Consumer(settings)
        committed = consumer.committed(positions, 20)
        assert [each.offset for each in committed] == [50, 51, 52], time.monotonic() - begun
        consumer.close()
