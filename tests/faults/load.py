"""Clients under load for the fault tests: producers and group members that write down what they were told.

Everything is judged afterwards against the log as an auditor reads it (I1, I2, I4, I5).
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

T = TypeVar("T")
QUIET = {"log_level": 0, "error_cb": lambda error: None}
TOPIC = "ledger"


@dataclass
class Ledger:
    """What clients were told. ``acked[(partition, offset)]`` is the record's value."""

    partitions: int
    acked: dict[tuple[int, int], bytes] = field(default_factory=dict)
    acked_at: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: list[str] = field(default_factory=list)
    committed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    commits: int = 0
    lost_partitions: int = 0  # how often a member was told that others own its partitions
    lock: threading.Lock = field(default_factory=threading.Lock)

    def promised(self) -> dict[int, int]:
        """The offsets that clients know to be committed by now, by partition."""
        with self.lock:
            return dict(self.committed)

    def gap_s(self, since: float, until: float) -> float:
        """The longest time within ``since..until`` in which one partition got no acknowledgement."""
        longest = 0.0
        for times in self.acked_at.values():
            inside = [since, *(at for at in times if since < at < until), until]
            longest = max(longest, max(b - a for a, b in itertools.pairwise(inside)))
        return longest

    def silent_s(self, since: float, until: float) -> float:
        """The longest time in which no partition at all got an acknowledgement."""
        everything = sorted(at for times in self.acked_at.values() for at in times)
        inside = [since, *(at for at in everything if since < at < until), until]
        return max(b - a for a, b in itertools.pairwise(inside))


def produce(
    bootstrap: str, number: int, ledger: Ledger, stop: threading.Event, problems: list[str]
) -> None:
    """An idempotent producer with a record for each partition in turn, every few milliseconds."""
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
                ledger.failed.append(str(error))
                return
            key = (message.partition(), message.offset())  # type: ignore[attr-defined]
            assert key not in ledger.acked, f"two records were acknowledged at {key}"
            ledger.acked[key] = message.value()  # type: ignore[attr-defined]
            ledger.acked_at[key[0]].append(time.monotonic())

    sequence = 0
    while not stop.is_set():
        for _ in range(20):
            partition = sequence % ledger.partitions
            value = b"%d:%d:%d" % (number, partition, sequence)
            try:
                producer.produce(TOPIC, value, partition=partition, on_delivery=delivered)
            except BufferError:  # the brokers were away for long: the queue is full
                producer.poll(0.1)
                break
            sequence += 1
        producer.poll(0.002)
    assert producer.flush(120) == 0


def consume(bootstrap: str, ledger: Ledger, stop: threading.Event, problems: list[str]) -> None:
    """A member of the group ``readers`` that commits what it has read."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "readers",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 10_000,
            "reconnect.backoff.max.ms": 200,
            **QUIET,
        }
    )

    def lost(_: object, partitions: object) -> None:
        with ledger.lock:
            ledger.lost_partitions += 1

    consumer.subscribe([TOPIC], on_revoke=lost)
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


def persistently(ask: Callable[[], T]) -> T:
    """librdkafka does not repeat a blocking question whose broker leaves the cluster meanwhile."""
    for _ in range(20):
        try:
            return ask()
        except KafkaException as refused:
            last = refused
            time.sleep(0.5)
    raise last


def committed_offsets(bootstrap: str, partitions: int) -> dict[int, int]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "readers", **QUIET})
    try:
        wanted = [TopicPartition(TOPIC, each) for each in range(partitions)]
        found = persistently(lambda: consumer.committed(wanted, timeout=30))
        return {each.partition: each.offset for each in found}
    finally:
        consumer.close()


def read_all(bootstrap: str, partitions: int) -> dict[int, list[tuple[int, bytes]]]:
    """Every partition from its beginning to its end, past any group."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "auditor",
            "enable.auto.commit": False,
            **QUIET,
        }
    )
    found: dict[int, list[tuple[int, bytes]]] = {each: [] for each in range(partitions)}
    try:
        ends = {
            each: persistently(
                partial(consumer.get_watermark_offsets, TopicPartition(TOPIC, each))
            )[1]
            for each in range(partitions)
        }
        consumer.assign([TopicPartition(TOPIC, each, 0) for each in range(partitions)])
        deadline = time.monotonic() + 120
        while any(len(found[each]) < ends[each] for each in ends):
            assert time.monotonic() < deadline, "the log cannot be read to its end"
            for message in consumer.consume(5000, 0.5):
                assert message.error() is None, message.error()
                found[message.partition()].append((message.offset(), message.value()))
    finally:
        consumer.close()
    return found


def assert_kept(bootstrap: str, promised: dict[int, int]) -> None:
    """I4: no committed offset went back."""
    stored = committed_offsets(bootstrap, max(promised, default=-1) + 1)
    for partition, offset in promised.items():
        assert stored[partition] >= offset, f"committed offset of {partition} went back"


def assert_told_the_truth(load: Load, bootstrap: str, *, events: int) -> None:
    """What the load was told in so many events is what the log holds."""
    ledger = load.ledger
    assert not load.problems, load.problems
    assert ledger.failed == [], (len(ledger.failed), ledger.failed[:5])
    assert ledger.commits > events / 4, "the consumers hardly committed: the test lost its point"
    assert len(ledger.acked) > 100 * events, "the producers were hardly acknowledged"
    audit(ledger, read_all(bootstrap, ledger.partitions))


def audit(ledger: Ledger, records: dict[int, list[tuple[int, bytes]]]) -> None:
    """Nothing acknowledged is lost, doubled or out of order."""
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


class Load:
    """Producers and consumers in threads, for the time of a ``with``."""

    def __init__(self, bootstrap: str, partitions: int, producers: int, consumers: int) -> None:
        self.ledger = Ledger(partitions)
        self.problems: list[str] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(
                target=produce, args=(bootstrap, number, self.ledger, self._stop, self.problems)
            )
            for number in range(producers)
        ] + [
            threading.Thread(
                target=consume, args=(bootstrap, self.ledger, self._stop, self.problems)
            )
            for _ in range(consumers)
        ]
        self._consumers = consumers

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        try:
            await_true(
                lambda: (
                    len(self.ledger.acked) > 100
                    and (self.ledger.commits > 0 or not self._consumers)
                ),
                "the load does not get going",
            )
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(180)
        self.problems += [f"{each.name} hangs" for each in self._threads if each.is_alive()]

    def __exit__(self, *_: object) -> None:
        self.stop()


def await_true(condition: Callable[[], bool], otherwise: str, seconds_max: float = 60) -> None:
    deadline = time.monotonic() + seconds_max
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)
