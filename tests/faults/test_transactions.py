"""Transactions while brokers are killed with -9: each is there in all of its partitions or in none (I6).

Workers write one value to every partition and a group's next offset, and commit or abort, over and over. At the
end a read_committed consumer must find every value in all partitions or in none, none twice, all that was
reported committed and nothing of what was reported aborted; and the committed offset of each worker's group
must be behind its last transaction that is there: offsets and records are decided together.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from .conftest import BrokerProcess
from .load import QUIET
from .test_brokers import Cluster, cluster  # noqa: F401  # a fixture

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

TOPIC, SOURCE = "accounts", "orders"
PARTITIONS = 3
WORKERS = 3
KILLS = int(os.environ.get("FAULT_KILLS", "10"))
SEED = int(os.environ.get("FAULT_SEED", str(random.SystemRandom().randrange(10**9))))


class Worker:
    """Transactions one after the other; what it was told of each."""

    def __init__(self, bootstrap: str, number: int) -> None:
        self.bootstrap = bootstrap
        self.number = number
        self.group = f"worker-{number}"
        # Of a consumer that never subscribes: it only says which group the offsets are of.
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": self.group, **QUIET})
        self.metadata = self.consumer.consumer_group_metadata()
        self.told: dict[int, bool | None] = {}  # committed, aborted, not known
        self.restarts = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.bug: BaseException | None = None

    def _run(self) -> None:
        rng = random.Random(SEED + self.number)
        number = 0
        try:
            while not self.stopping.is_set():
                producer = self._producer()
                if producer is None:
                    continue
                while not self.stopping.is_set():
                    number += 1
                    if not self._one(producer, number, commit=rng.random() < 0.8):
                        self.restarts += 1
                        break
        except BaseException as bug:
            self.bug = bug

    def _producer(self) -> Producer | None:
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "transactional.id": self.group,
                "transaction.timeout.ms": 20_000,
                "linger.ms": 1,
                "reconnect.backoff.max.ms": 200,
                # When its only broker is away, librdkafka 2.16 begins anew with its bootstrap servers, and
                # a TxnOffsetCommit that waits for the former connection is then never sent again.
                "metadata.recovery.strategy": "none",
                **QUIET,
            }
        )
        try:
            producer.init_transactions(20)
        except KafkaException:
            return None
        return producer

    def _one(self, producer: Producer, number: int, *, commit: bool) -> bool:
        """One transaction; False if the producer cannot go on."""
        self.told[number] = None
        value = f"{self.number}/{number}".encode()
        try:
            producer.begin_transaction()
            for partition in range(PARTITIONS):
                producer.produce(TOPIC, value, partition=partition)
            producer.send_offsets_to_transaction(
                [TopicPartition(SOURCE, 0, number)], self.metadata, 20
            )
            self._end(producer, commit=commit)
        except KafkaException as error:
            fault: KafkaError = error.args[0]
            if fault.txn_requires_abort():
                try:
                    self._end(producer, commit=False)
                except KafkaException:
                    return False
                self.told[number] = False
                return True
            return False
        self.told[number] = commit
        return True

    def _end(self, producer: Producer, *, commit: bool) -> None:
        """Ask again until it is known, as the library wants it."""
        deadline = time.monotonic() + 60
        while True:
            try:
                if commit:
                    producer.commit_transaction(20)
                else:
                    producer.abort_transaction(20)
                return
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise


def seen(bootstrap: str) -> dict[int, list[bytes]]:
    """What a read_committed consumer finds, by partition, up to the end."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "check",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            **QUIET,
        }
    )
    consumer.assign([TopicPartition(TOPIC, each, 0) for each in range(PARTITIONS)])
    found: dict[int, list[bytes]] = {each: [] for each in range(PARTITIONS)}
    at_end: set[int] = set()
    deadline = time.monotonic() + 60
    while len(at_end) < PARTITIONS:
        assert time.monotonic() < deadline
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            at_end.add(message.partition())
        else:
            at_end.discard(message.partition())
            found[message.partition()].append(message.value())
    consumer.close()
    return found


def assert_atomic(bootstrap: str, workers: list[Worker]) -> None:
    # What crashed workers left open is aborted once somebody takes their ids over.
    for worker in workers:
        assert worker.bug is None, worker.bug
        producer = worker._producer()
        assert producer is not None
    found = seen(bootstrap)
    for partition, values in found.items():
        twice = [value for value, count in Counter(values).items() if count > 1]
        assert not twice, f"I5: twice in partition {partition}: {twice[:5]}"
    everywhere = set(found[0])
    for partition, values in found.items():
        assert set(values) == everywhere, (
            f"I6: partition {partition} differs: {sorted(set(values) ^ everywhere)[:5]}"
        )
    admin = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
    committed = 0
    for worker in workers:
        there = {
            int(value.split(b"/")[1])
            for value in everywhere
            if int(value.split(b"/")[0]) == worker.number
        }
        told = worker.told
        lost = [number for number, fate in told.items() if fate is True and number not in there]
        zombies = [number for number, fate in told.items() if fate is False and number in there]
        assert not lost, f"I1: committed, and not there: {lost[:5]}"
        assert not zombies, f"I6: aborted, and there: {zombies[:5]}"
        asked = ConsumerGroupTopicPartitions(worker.group, [TopicPartition(SOURCE, 0)])
        future = admin.list_consumer_group_offsets([asked], require_stable=True)[worker.group]
        offset = future.result(30).topic_partitions[0].offset
        assert offset == max(there), f"I6: offset {offset} beside record {max(there)}"
        committed += len(there)
    restarts = sum(worker.restarts for worker in workers)
    print(f"{committed} transactions committed, {restarts} producers began anew")


def make_topics(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
    topics = [NewTopic(TOPIC, PARTITIONS), NewTopic(SOURCE, 1)]
    for future in admin.create_topics(topics).values():
        future.result(30)


def start(bootstrap: str) -> list[Worker]:
    workers = [Worker(bootstrap, number) for number in range(WORKERS)]
    for worker in workers:
        worker.thread.start()
    return workers


def stop(workers: list[Worker]) -> None:
    for worker in workers:
        worker.stopping.set()
    for worker in workers:
        worker.thread.join(120)
        assert not worker.thread.is_alive(), "a worker hangs"


def test_I6_transactions_survive_kills_whole_or_not_at_all(tmp_path: Path) -> None:
    print(f"repeat with FAULT_SEED={SEED} FAULT_KILLS={KILLS}")
    rng = random.Random(SEED)
    broker = BrokerProcess(tmp_path / "data")
    broker.start()
    try:
        make_topics(broker.bootstrap)
        workers = start(broker.bootstrap)
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.2, 1.5))
            broker.kill()
            broker.start()
        time.sleep(2)
        stop(workers)
        assert_atomic(broker.bootstrap, workers)
    finally:
        assert broker.stop() == 0


def test_I6_transactions_over_several_brokers_survive_kills(cluster: Cluster) -> None:  # noqa: F811
    print(f"repeat with FAULT_SEED={SEED} FAULT_KILLS={KILLS}")
    rng = random.Random(SEED)
    make_topics(cluster.bootstrap)
    workers = start(cluster.bootstrap)
    for _ in range(max(1, KILLS // 3)):
        time.sleep(rng.uniform(0.5, 2.0))
        victim = rng.choice(cluster.brokers)
        victim.kill()
        time.sleep(rng.uniform(0.1, 1.0))
        victim.start()
    time.sleep(3)
    stop(workers)
    cluster.whole()
    assert_atomic(cluster.bootstrap, workers)
