"""Transactions with librdkafka: atomic across partitions and offsets, fenced, timed out, recovered."""

from __future__ import annotations

import time
import uuid

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from tests.clients.conftest import make_topic
from tests.support.peers import run_tool


def producer(bootstrap: str, transactional_id: str, **extra: object) -> Producer:
    made = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": transactional_id,
            "linger.ms": 5,
            **extra,
        }
    )
    made.init_transactions(30)
    return made


def read(bootstrap: str, topic: str, isolation: str, partitions: int = 1) -> list[bytes]:
    """Everything up to the end, as a consumer with this isolation sees it."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"reader-{uuid.uuid4()}",
            "isolation.level": isolation,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    found: list[bytes] = []
    try:
        consumer.assign([TopicPartition(topic, each, 0) for each in range(partitions)])
        at_end: set[int] = set()
        deadline = time.monotonic() + 30
        while len(at_end) < partitions:
            assert time.monotonic() < deadline, f"no end of {topic} seen"
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                at_end.add(message.partition())
            else:
                found.append(message.value())
    finally:
        consumer.close()
    return found


def test_I6_committed_is_seen_and_aborted_is_not(bootstrap: str, name: str) -> None:
    topic = make_topic(bootstrap, name, 3)
    tx = producer(bootstrap, f"tx-{topic}")
    expected = []
    for number in range(6):
        tx.begin_transaction()
        for each in range(9):
            value = f"{number}/{each}".encode()
            tx.produce(topic, value, partition=each % 3)
            if number % 2 == 0:
                expected.append(value)
        if number % 2 == 0:
            tx.commit_transaction(30)
        else:
            tx.flush(30)
            tx.abort_transaction(30)
    assert sorted(read(bootstrap, topic, "read_committed", 3)) == sorted(expected)
    assert len(read(bootstrap, topic, "read_uncommitted", 3)) == 54


def test_I6_an_open_transaction_holds_readers_back_until_it_ends(bootstrap: str, name: str) -> None:
    topic = make_topic(bootstrap, name)
    tx = producer(bootstrap, f"tx-{topic}")
    plain = Producer({"bootstrap.servers": bootstrap})
    tx.begin_transaction()
    tx.produce(topic, b"in", partition=0)
    tx.flush(30)
    plain.produce(topic, b"out", partition=0)
    plain.flush(30)
    assert read(bootstrap, topic, "read_committed") == []
    assert read(bootstrap, topic, "read_uncommitted") == [b"in", b"out"]
    tx.commit_transaction(30)
    assert read(bootstrap, topic, "read_committed") == [b"in", b"out"]


def test_I6_offsets_are_committed_with_the_transaction(bootstrap: str, name: str) -> None:
    source = make_topic(bootstrap, f"{name}-in")
    target = make_topic(bootstrap, f"{name}-out")
    plain = Producer({"bootstrap.servers": bootstrap})
    for number in range(10):
        plain.produce(source, str(number).encode(), partition=0)
    plain.flush(30)
    group = f"copy-{uuid.uuid4()}"
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    tx = producer(bootstrap, f"tx-{target}")
    try:
        consumer.subscribe([source])
        copied = 0
        aborted = False
        while copied < 10:
            message = consumer.poll(5)
            if message is None or message.error():
                continue
            tx.begin_transaction()
            tx.produce(target, message.value(), partition=0)
            tx.send_offsets_to_transaction(
                consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), 30
            )
            if copied == 4 and not aborted:
                aborted = True
                tx.abort_transaction(30)
                (committed,) = consumer.committed([TopicPartition(source, 0)], 10)
                assert committed.offset == 4
                consumer.seek(TopicPartition(source, 0, 4))
                continue
            tx.commit_transaction(30)
            copied += 1
        (committed,) = consumer.committed([TopicPartition(source, 0)], 10)
        assert committed.offset == 10
    finally:
        consumer.close()
    assert read(bootstrap, target, "read_committed") == [str(n).encode() for n in range(10)]


def test_a_second_producer_fences_the_first_and_aborts_what_it_left(
    bootstrap: str, name: str
) -> None:
    topic = make_topic(bootstrap, name)
    first = producer(bootstrap, name)
    first.begin_transaction()
    first.produce(topic, b"zombie", partition=0)
    first.flush(30)
    second = producer(bootstrap, name)
    second.begin_transaction()
    second.produce(topic, b"living", partition=0)
    second.commit_transaction(30)
    with pytest.raises(KafkaException) as failed:
        first.commit_transaction(30)
    assert failed.value.args[0].fatal()
    assert failed.value.args[0].code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED)
    assert read(bootstrap, topic, "read_committed") == [b"living"]


def test_a_transaction_that_times_out_is_aborted(bootstrap: str, name: str) -> None:
    topic = make_topic(bootstrap, name)
    tx = producer(bootstrap, f"tx-{topic}", **{"transaction.timeout.ms": 1_000})
    tx.begin_transaction()
    tx.produce(topic, b"late", partition=0)
    tx.flush(30)
    plain = Producer({"bootstrap.servers": bootstrap})
    plain.produce(topic, b"behind", partition=0)
    plain.flush(30)
    deadline = time.monotonic() + 40
    while (seen := read(bootstrap, topic, "read_committed")) != [b"behind"]:
        assert time.monotonic() < deadline, seen
        time.sleep(0.5)
    with pytest.raises(KafkaException):
        tx.commit_transaction(30)


def test_java_producers_performance_tool_in_transactions(bootstrap: str, name: str) -> None:
    topic = make_topic(bootstrap, name, 3)
    done = run_tool(
        "ProducerPerformance",
        [
            *("--bootstrap-server", bootstrap, "--topic", topic, "--num-records", "20000"),
            *("--record-size", "200", "--throughput", "-1"),
            *("--transactional-id", name, "--transaction-duration-ms", "50"),
        ],
    ).checked()
    assert done.out.splitlines()[-1].startswith("20000 records sent")
    assert len(read(bootstrap, topic, "read_committed", 3)) == 20_000


def test_kafka_transactions_tool(bootstrap: str, name: str) -> None:
    topic = make_topic(bootstrap, name)

    def tool(*args: str) -> str:
        return (
            run_tool("TransactionsCommand", ["--bootstrap-server", bootstrap, *args]).checked().out
        )

    tx = producer(bootstrap, name)
    tx.begin_transaction()
    tx.produce(topic, b"hangs", partition=0)
    tx.flush(30)
    (listed,) = [line.split() for line in tool("list").splitlines() if line.startswith(name)]
    assert listed[-1] == "Ongoing"
    described = tool("describe", "--transactional-id", name)
    assert "Ongoing" in described and f"{topic}-0" in described
    active = tool("describe-producers", "--topic", topic, "--partition", "0").splitlines()
    assert active[1].split()[-1] == "0"  # where the open transaction begins
    tool("abort", "--topic", topic, "--partition", "0", "--start-offset", "0")
    assert read(bootstrap, topic, "read_committed") == []
    plain = Producer({"bootstrap.servers": bootstrap})
    plain.produce(topic, b"behind", partition=0)
    plain.flush(30)
    assert read(bootstrap, topic, "read_committed") == [b"behind"]
