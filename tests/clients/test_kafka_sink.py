"""Kafka sinks: the contract of every sink, and what transactions, groups and topics bring."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from tests.clients.conftest import make_topic
from tests.recovery.kinds import Kafka, apply, at_rest
from tests.recovery.test_sinks_contract import (  # noqa: F401  # collected here, on this kind
    test_a_batch_of_nothing_but_repeats_is_counted_too,
    test_a_branch_continues_its_origin,
    test_a_recreated_topic_or_cluster_is_not_mistaken_for_duplicates,
    test_an_unknown_topic_is_refused_before_any_effect,
    test_duplicates_are_suppressed_and_counted_per_partition,
    test_effects_and_offsets_become_visible_together,
    test_kill_9_between_effect_and_offset_leaves_no_extra_effect,
    test_lines_are_read_by_the_recovery_plane,
    test_offsets_that_never_came_are_counted_not_hidden,
    test_the_older_writer_of_a_line_is_fenced_off,
)

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.sinks.common import Fenced
from anabranch.recovery.sinks.kafka import KafkaSink
from anabranch.recovery.sinks.locations import open_lines
from anabranch.recovery.sinks.source import Source, sources_from_admin

FLIGHTS = {"flights": Source("cluster", "topic-id", "flights")}


@pytest.fixture
def kind(bootstrap: str, name: str) -> Kafka:
    return Kafka(f"kafka:{bootstrap}/{name[-60:]}.positions")


def test_group_offsets_move_with_the_outputs(bootstrap: str, name: str) -> None:
    source, output = make_topic(bootstrap, f"{name}-in"), make_topic(bootstrap, f"{name}-out")
    conf = {"bootstrap.servers": bootstrap}
    producer = Producer(conf)
    for n in range(6):
        producer.produce(source, value=b"%d" % n)
    producer.flush(10)
    admin = AdminClient(conf)
    sources = sources_from_admin(admin, [source])
    consumer = Consumer(
        {**conf, "group.id": name, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe([source])
    sink = KafkaSink.open(conf, name, {"out": output}, sources)
    messages = take(consumer, 6)
    with pytest.raises(ZeroDivisionError), sink.transaction(consumer) as tx:
        produce(tx, messages[:3])
        _ = 1 / 0
    assert committed(admin, name, source) == -1001  # nothing
    with sink.transaction(consumer) as tx:
        produce(tx, messages[:4])
    for _ in range(100):  # Kafka writes a transaction's markers after it has answered
        if committed(admin, name, source) == 4:
            break
        time.sleep(0.1)
    assert committed(admin, name, source) == 4
    assert sink.position(source, 0) == 4
    consumer.close()
    reader = Consumer(
        {
            **conf, "group.id": f"{name}-r", "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )  # fmt: skip
    reader.subscribe([output])
    origin = sources[source]
    found = take(reader, 4)
    assert [m.value() for m in found] == [b"0", b"1", b"2", b"3"]
    assert dict(found[3].headers())["anabranch-source"].decode() == (
        f"{origin.cluster_id}/{origin.topic_id}/0/3"
    )
    reader.close()


def produce(tx: Any, messages: list[Any]) -> None:
    for message in messages:
        where = (message.topic(), message.partition(), message.offset())
        if tx.fresh(*where):
            tx.produce("out", *where, value=message.value())


def take(consumer: Consumer, count: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(200):
        found += consumer.consume(count - len(found), timeout=0.5)
        if len(found) == count:
            break
    assert len(found) == count and not any(m.error() for m in found)
    return found


def committed(admin: AdminClient, group: str, topic: str) -> int:
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0)])
    answer = admin.list_consumer_group_offsets([asked])[group].result(20)
    return int(answer.topic_partitions[0].offset)


def test_a_staging_line_has_topics_like_the_live_ones(kind: Kafka, tmp_path: Path) -> None:
    apply(kind, kind.open(), [0, 1, 2])
    rest = at_rest(kind)
    rest.take_checkpoint(tmp_path / "c")
    assert [row.next_offset for row in rest.checkpoint_offsets(tmp_path / "c")] == [3]
    staged = rest.stage("r1", tmp_path / "c", 1)
    assert [(row.next_offset, row.applied) for row in staged] == [(3, 0)]
    assert apply(kind, kind.open(line="r1"), [2, 3]) == 1
    assert kind.effects("r1") == [(0, 3)] and len(kind.effects()) == 3
    assert rest.drop("r1") and [line.name for line in rest.lines()] == ["live"]
    with pytest.raises(UserFault, match="a branch takes its topic's place"):
        rest.promote("r1", 1)
    with pytest.raises(UserFault, match="is gone"):
        rest.stage("r2", tmp_path / "nothing", 1)


def test_a_producer_of_ones_own_and_a_fenced_one(kind: Kafka) -> None:
    made: list[dict[str, Any]] = []

    def factory(settings: dict[str, Any]) -> Any:
        made.append(settings)
        return Producer(settings)

    kind.open()
    old = KafkaSink.open(
        kind.conf, kind.sink, {"seen": kind.output}, FLIGHTS, line="r1", producer=factory
    )
    assert made[0]["transactional.id"] == f"{kind.sink}.r1"
    kind.open(line="r1")
    with pytest.raises(Fenced):
        apply(kind, old, [0])
    with pytest.raises(StoreFault, match=r"open the sink again|newer writer"):
        apply(kind, old, [0])


def test_what_is_wrong_is_said_in_a_sentence(bootstrap: str, name: str) -> None:
    with pytest.raises(UserFault, match="there is no topic"):
        open_lines(f"kafka:{bootstrap}/{name}-nowhere")
    for location in ("kafka:host", "kafka:host:1/t?x=1"):
        with pytest.raises(UserFault, match="is not kafka:HOST:PORT/TOPIC"):
            open_lines(location)
    with pytest.raises(UserFault, match="No such file"):
        open_lines("kafka:host:1/t?config=/nowhere")
