"""Idempotent producers: sequences of several libraries, and the duplicates the broker must drop."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import pytest
from tests.clients.conftest import make_topic
from tests.clients.dialects import Confluent, Franz, Java, Rec
from tests.support.peers import Node


def test_lost_answers_do_not_duplicate(target: Node | None, topic: str) -> None:
    """I5: what was appended but not answered in time is retried, and appended once.

    The broker is stopped (SIGSTOP) under a running producer until its requests time out and it
    reconnects; woken up, the broker finds both the old requests and their retries in its sockets.
    """
    from confluent_kafka import Producer

    if target is None:
        pytest.skip("needs a broker process that may be paused")
    lost, failures, delivered = 0, [], []

    def heard(error: object, message: object) -> None:
        if error:
            failures.append(error)
        else:
            delivered.append(message.offset())  # type: ignore[attr-defined]

    def counted(statistics: str) -> None:
        nonlocal lost
        brokers = json.loads(statistics)["brokers"].values()
        lost = max(lost, sum(each["req_timeouts"] for each in brokers))

    producer = Producer(
        {
            "bootstrap.servers": target.bootstrap,
            "enable.idempotence": True,
            "linger.ms": 1,
            "batch.num.messages": 20,
            "socket.timeout.ms": 300,
            "reconnect.backoff.ms": 5,
            "reconnect.backoff.max.ms": 50,
            "retry.backoff.ms": 10,
            "statistics.interval.ms": 200,
            "log_level": 0,
        },
        stats_cb=counted,
    )
    total = 0
    for _ in range(3):
        for paused in (False, True):
            if paused:
                os.kill(target.pid, signal.SIGSTOP)
            try:
                deadline = time.monotonic() + (2.5 if paused else 0.3)
                while time.monotonic() < deadline:
                    producer.produce(topic, b"%d" % total, on_delivery=heard)
                    total += 1
                    producer.poll(0.001)
            finally:
                os.kill(target.pid, signal.SIGCONT)
    assert producer.flush(60) == 0
    assert failures == []
    assert lost > 0, "no request was ever lost: this run proves nothing"
    found = Confluent(target.bootstrap).consume(topic, total)
    assert [r.value for r in found] == [b"%d" % n for n in range(total)]
    assert delivered == list(range(total)), "each was acknowledged at the offset where it lies"
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": target.bootstrap, "group.id": "unused"})
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), 20) == (0, total)
    consumer.close()


@pytest.mark.parametrize("dialect", [Franz, Java], ids=lambda dialect: dialect.name)
def test_many_sessions_of_idempotent_producers(
    dialect: type[Franz] | type[Java], bootstrap: str, topic: str
) -> None:
    """Each run gets a producer id of its own and starts at sequence 0; the log stays dense."""
    for session in range(3):
        dialect(bootstrap).produce(topic, [Rec(b"%d/%d" % (session, n)) for n in range(50)])
    found = Confluent(bootstrap).consume(topic, 150)
    assert [r.value for r in found] == [b"%d/%d" % (s, n) for s in range(3) for n in range(50)]
    assert [r.offset for r in found] == list(range(150))


def test_concurrent_idempotent_producers_keep_their_order(bootstrap: str, name: str) -> None:
    """Four producers write to the same two partitions; each one's records stay in its order."""
    from confluent_kafka import Producer

    make_topic(bootstrap, name, 2)
    per_producer, failures = 3000, []

    def write(number: int) -> None:
        producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 1}
        )
        for n in range(per_producer):
            producer.produce(
                name,
                b"%d/%d" % (number, n),
                partition=n % 2,
                on_delivery=lambda error, _: failures.append(error) if error else None,
            )
            if n % 500 == 0:
                producer.poll(0)
        if producer.flush(60):
            failures.append("not flushed")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [], f"after {time.monotonic() - started:.1f} s"
    found = Confluent(bootstrap).consume(name, 4 * per_producer, partitions=2)
    for number in range(4):
        for partition in range(2):
            mine = [
                int((r.value or b"").split(b"/")[1])
                for r in found
                if r.partition == partition and (r.value or b"").startswith(b"%d/" % number)
            ]
            assert mine == list(range(partition, per_producer, 2))
