"""The broker is killed with -9, again and again, under concurrent production and group consumption.

After every life: each acknowledged record is there once, in order, at the offset it was acknowledged
with (I1, I2, I4, I5), and no committed offset went back (I4).
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from .conftest import BrokerProcess

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

TOPIC = "ledger"
PARTITIONS = 4
KILLS = int(os.environ.get("FAULT_KILLS", "36"))
SEED = int(os.environ.get("FAULT_SEED", str(random.SystemRandom().randrange(10**9))))
QUIET = {"log_level": 0, "error_cb": lambda error: None}


@dataclass
class Ledger:
    """What clients were told. ``acked[(partition, offset)]`` is the record's value."""

    acked: dict[tuple[int, int], bytes] = field(default_factory=dict)
    failed: int = 0
    committed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    commits: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def produce(
    bootstrap: str, number: int, ledger: Ledger, stop: threading.Event, problems: list[str]
) -> None:
    try:
        keep_producing(bootstrap, number, ledger, stop)
    except Exception as bug:
        problems.append(f"producer {number}: {bug!r}")


def keep_producing(bootstrap: str, number: int, ledger: Ledger, stop: threading.Event) -> None:
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "linger.ms": 2,
            "message.timeout.ms": 120_000,
            "retry.backoff.ms": 50,
            "reconnect.backoff.max.ms": 200,
            **QUIET,
        }
    )

    def delivered(error: object, message: object) -> None:
        with ledger.lock:
            if error is not None:
                ledger.failed += 1
                return
            key = (message.partition(), message.offset())  # type: ignore[attr-defined]
            assert key not in ledger.acked, f"two records were acknowledged at {key}"
            ledger.acked[key] = message.value()  # type: ignore[attr-defined]

    sequence = 0
    while not stop.is_set():
        for _ in range(20):
            partition = sequence % PARTITIONS
            value = b"%d:%d:%d" % (number, partition, sequence)
            try:
                producer.produce(TOPIC, value, partition=partition, on_delivery=delivered)
            except BufferError:  # the broker was away for long: the queue is full
                producer.poll(0.1)
                break
            sequence += 1
        producer.poll(0.002)
    assert producer.flush(120) == 0


def consume(bootstrap: str, ledger: Ledger, stop: threading.Event, problems: list[str]) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "readers",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 6000,
            "reconnect.backoff.max.ms": 200,
            **QUIET,
        }
    )
    consumer.subscribe([TOPIC])
    try:
        while not stop.is_set():
            messages = [each for each in consumer.consume(200, 0.1) if each.error() is None]
            if not messages:
                continue
            try:
                for position in consumer.commit(asynchronous=False) or ():
                    if position.error is None and position.offset >= 0:
                        with ledger.lock:
                            ledger.commits += 1
                            last = ledger.committed[position.partition]
                            ledger.committed[position.partition] = max(last, position.offset)
            except KafkaException:
                continue
    except Exception as bug:
        problems.append(repr(bug))
    finally:
        consumer.close()


def committed_offsets(bootstrap: str) -> dict[int, int]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "readers", **QUIET})
    try:
        wanted = [TopicPartition(TOPIC, each) for each in range(PARTITIONS)]
        return {each.partition: each.offset for each in consumer.committed(wanted, timeout=30)}
    finally:
        consumer.close()


def read_all(bootstrap: str) -> dict[int, list[tuple[int, bytes]]]:
    """Every partition from its beginning to its end, past any group."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "auditor",
            "enable.auto.commit": False,
            **QUIET,
        }
    )
    found: dict[int, list[tuple[int, bytes]]] = {each: [] for each in range(PARTITIONS)}
    ends = {
        each: consumer.get_watermark_offsets(TopicPartition(TOPIC, each), timeout=30)[1]
        for each in range(PARTITIONS)
    }
    consumer.assign([TopicPartition(TOPIC, each, OFFSET_BEGINNING) for each in range(PARTITIONS)])
    deadline = time.monotonic() + 120
    while any(len(found[each]) < ends[each] for each in found):
        assert time.monotonic() < deadline, {each: (len(found[each]), ends[each]) for each in found}
        for message in consumer.consume(5000, 0.5):
            assert message.error() is None, message.error()
            found[message.partition()].append((message.offset(), message.value()))
    consumer.close()
    return found


def test_I1_I2_I4_I5_nothing_acknowledged_is_lost_doubled_or_moved(broker: BrokerProcess) -> None:
    print(f"repeat with FAULT_SEED={SEED} FAULT_KILLS={KILLS}")
    rng = random.Random(SEED)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, **QUIET})
    for future in admin.create_topics([NewTopic(TOPIC, PARTITIONS)]).values():
        future.result(30)
    ledger, stop, problems = Ledger(), threading.Event(), []  # type: ignore[var-annotated]
    threads = [
        threading.Thread(target=produce, args=(broker.bootstrap, number, ledger, stop, problems))
        for number in range(3)
    ] + [
        threading.Thread(target=consume, args=(broker.bootstrap, ledger, stop, problems))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    try:
        deadline = time.monotonic() + 60
        while ledger.commits == 0 and time.monotonic() < deadline:
            time.sleep(0.1)  # the group's first rebalance takes its time
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.1, 1.5))
            broker.kill()
            with ledger.lock:
                promised = dict(ledger.committed)
            broker.start()
            stored = committed_offsets(broker.bootstrap)
            for partition, offset in promised.items():
                assert stored[partition] >= offset, f"committed offset of {partition} went back"
        time.sleep(2)
    finally:
        stop.set()
        for thread in threads:
            thread.join(180)
    assert problems == []
    assert not any(thread.is_alive() for thread in threads)
    assert ledger.failed == 0
    assert ledger.commits > KILLS / 4, "the consumers hardly committed: the test lost its point"
    assert len(ledger.acked) > 100 * KILLS, "the producers were hardly acknowledged"

    records = read_all(broker.bootstrap)
    seen: set[bytes] = set()
    for partition, found in records.items():
        assert [offset for offset, _ in found] == list(range(len(found)))  # I2: dense
        latest: dict[bytes, int] = {}
        for _, value in found:
            assert value not in seen, f"{value!r} is in the log twice"  # I5
            seen.add(value)
            producer, said_partition, sequence = value.split(b":")
            assert int(said_partition) == partition
            assert int(sequence) > latest.get(producer, -1), "a producer's records changed order"
            latest[producer] = int(sequence)
    for (partition, offset), value in ledger.acked.items():
        assert records[partition][offset] == (offset, value)  # I1, I4
    assert broker.stop() == 0
