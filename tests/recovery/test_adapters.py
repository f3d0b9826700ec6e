"""The loop of a plain consumer, without a broker; with real clients: tests/clients/test_adapters.py."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from anabranch.errors import UserFault
from anabranch.recovery.adapters.consumer import (
    JOINING_POLL_S,
    JOINING_POLLS_MAX,
    POLL_S,
    ConfluentReader,
    KafkaPythonReader,
    process,
)
from anabranch.recovery.adapters.session import Surroundings
from anabranch.recovery.sinks.source import sources_to_environment

from .kinds import FLIGHTS, Sqlite


class Message(SimpleNamespace):
    def __init__(self, partition: int, offset: int, error: Any = None) -> None:
        super().__init__(at=(partition, offset), failure=error)

    def topic(self) -> str:
        return "flights.r1"

    def partition(self) -> int:
        return int(self.at[0])

    def offset(self) -> int:
        return int(self.at[1])

    def error(self) -> Any:
        return self.failure


class Consumer:
    """Confluent's, as far as a reader uses it: two partitions of ``length`` records."""

    def __init__(self, length: int, committed: int = -1001, *, gap: int = 0) -> None:
        self.length, self.group, self.gap = length, committed, gap
        self.positions: dict[int, int] = {}
        self.commits: list[dict[int, int]] = []

    def subscribe(self, topics: list[str], **callbacks: Any) -> None:
        assert topics == ["flights.r1"]
        self.callbacks = callbacks

    def committed(self, partitions: list[Any], _: float) -> list[Any]:
        return [
            SimpleNamespace(topic=p.topic, partition=p.partition, offset=self.group)
            for p in partitions
        ]

    def assign(self, partitions: list[Any]) -> None:
        self.positions = {p.partition: max(0, p.offset) for p in partitions}

    def consume(self, limit: int, timeout: float) -> list[Message]:
        from confluent_kafka import KafkaError

        if not self.positions:
            parts = [SimpleNamespace(topic="flights.r1", partition=p, offset=-1) for p in (0, 1)]
            self.callbacks["on_assign"](self, parts)
        found = []
        for partition, at in self.positions.items():
            end = min(self.length, at + limit)
            found += [Message(partition, offset) for offset in range(at, end)]
            self.positions[partition] = end
            if end == self.length:  # markers behind the last record
                found.append(
                    Message(partition, end + self.gap, KafkaError(KafkaError._PARTITION_EOF))
                )
        return found

    def commit(self, offsets: list[Any], asynchronous: bool) -> None:
        assert not asynchronous
        self.commits.append({p.partition: p.offset for p in offsets})


def surroundings(ends: dict[int, int]) -> Surroundings:
    return Surroundings.of(
        {
            "ANABRANCH_SESSION": "r1",
            "ANABRANCH_TOPICS": json.dumps({"flights": "flights.r1"}),
            "ANABRANCH_END_OFFSETS": json.dumps(
                {"flights.r1": {str(p): e for p, e in ends.items()}}
            ),
            "ANABRANCH_SOURCES": sources_to_environment({"flights.r1": FLIGHTS}),
            "ANABRANCH_STAGING": "r1",
        }
    )


def run(kind: Sqlite, consumer: Consumer, ends: dict[int, int], **options: Any) -> int:
    about = surroundings(ends)
    assert about.sources is not None
    sink = kind.open(about.line, dict(about.sources))
    reader = ConfluentReader(consumer, ["flights"], sink, about)
    try:
        return process(
            reader,
            sink,
            lambda tx, message: kind.effect(tx, message.partition(), message.offset()),
            **options,
        )
    finally:
        sink.close()


def test_reads_the_branch_from_the_sinks_position_to_the_end(tmp_path: Path) -> None:
    kind = Sqlite(f"sqlite:{tmp_path}/view.db")
    consumer = Consumer(100)
    assert run(kind, consumer, {0: 30, 1: 20}, batch=7) == 50
    assert len(kind.effects("r1")) == 50 and consumer.commits[-1] == {0: 30, 1: 20}
    # The group lost its commits: the sink knows better, and nothing is offered twice.
    assert run(kind, Consumer(100), {0: 40, 1: 20}, batch=7) == 10
    # It claims too much: records that the sink lacks are read all the same.
    assert run(kind, Consumer(100, committed=90), {0: 45, 1: 25}, batch=7) == 10
    rows = sqlite3.connect(tmp_path / "view.db").execute(
        "SELECT next_offset, suppressed, skipped FROM anabranch_offsets ORDER BY partition"
    )
    assert rows.fetchall() == [(45, 0, 0), (25, 0, 0)]


def test_an_end_behind_the_last_record_is_reached(tmp_path: Path) -> None:
    kind = Sqlite(f"sqlite:{tmp_path}/view.db")
    consumer = Consumer(10, gap=1)
    assert run(kind, consumer, {0: 11, 1: 11}) == 20
    assert consumer.commits[-1] == {0: 11, 1: 11}


def test_a_failure_ends_the_run_and_its_batch_leaves_nothing(tmp_path: Path) -> None:
    kind = Sqlite(f"sqlite:{tmp_path}/view.db")
    about = surroundings({0: 10, 1: 10})
    sink = kind.open("r1", dict(about.sources or {}))

    def fails(tx: Any, message: Message) -> None:
        kind.effect(tx, message.partition(), message.offset())
        if message.offset() == 7:
            raise ValueError("poisoned")

    with pytest.raises(ValueError, match="poisoned"):
        process(ConfluentReader(Consumer(10), ["flights"], sink, about), sink, fails, batch=5)
    assert kind.effects("r1") == [(p, n) for p in (0, 1) for n in range(5)]


def test_a_topic_that_the_sink_has_no_source_for_is_refused_before_it_is_subscribed(
    tmp_path: Path,
) -> None:
    """Within the client's callback the error would come out as whatever the client makes of it."""
    about = surroundings({})
    sink = Sqlite(f"sqlite:{tmp_path}/view.db").open("r1", dict(about.sources or {}))
    for reader in (ConfluentReader, KafkaPythonReader):
        with pytest.raises(UserFault, match="without a source for topic airlines"):
            reader(Consumer(10), ["flights", "airlines"], sink, about)
    sink.close()


def test_without_ends_it_goes_on_until_it_is_stopped(tmp_path: Path) -> None:
    kind = Sqlite(f"sqlite:{tmp_path}/view.db")
    turns = iter([False, False, True])
    assert run(kind, Consumer(10), {}, stopping=lambda: next(turns)) == 20


class PythonConsumer:
    """kafka-python's, as far as a reader uses it; it loses its first ``lost`` assignments."""

    def __init__(self, length: int, lost: int) -> None:
        self.length, self.lost = length, lost
        self.subscriptions = 0
        self.timeouts: list[int] = []
        self.parts: set[Any] = set()
        self.at = dict.fromkeys((0, 1), 0)

    def subscribe(self, topics: list[str], listener: Any) -> None:
        assert topics == ["flights.r1"]
        self.listener = listener
        self.subscriptions += 1
        self.joins = True

    def unsubscribe(self) -> None:
        self.parts = set()

    def poll(self, timeout_ms: int, max_records: int) -> dict[Any, list[Any]]:
        from kafka import TopicPartition

        self.timeouts.append(timeout_ms)
        if self.joins:
            self.joins = False
            self.listener.on_partitions_revoked(set())
            if self.subscriptions > self.lost:
                self.parts = {TopicPartition("flights.r1", p) for p in (0, 1)}
                self.listener.on_partitions_assigned(self.parts)
        found = {}
        for part in self.parts:
            first = self.at[part.partition]
            end = self.at[part.partition] = min(self.length, first + max_records)
            found[part] = [
                SimpleNamespace(topic=part.topic, partition=part.partition, offset=offset)
                for offset in range(first, end)
            ]
        return found

    def assignment(self) -> set[Any]:
        return self.parts

    def position(self, part: Any) -> int:
        return self.at[part.partition]

    def seek(self, part: Any, offset: int) -> None:
        self.at[part.partition] = offset

    def committed(self, part: Any) -> None:
        return None

    def commit(self, offsets: Any) -> None:
        self.commits = {where.partition: each.offset for where, each in offsets.items()}


def test_an_assignment_that_kafka_python_lost_is_asked_for_again(tmp_path: Path) -> None:
    kind = Sqlite(f"sqlite:{tmp_path}/view.db")
    about = surroundings({0: 30, 1: 20})
    sink = kind.open(about.line, dict(about.sources or {}))
    consumer = PythonConsumer(100, lost=2)
    reader = KafkaPythonReader(consumer, ["flights"], sink, about)

    def write(tx: Any, message: Any) -> None:
        kind.effect(tx, message.partition, message.offset)

    assert process(reader, sink, write, batch=7) == 50
    assert consumer.subscriptions == 3 and consumer.commits == {0: 30, 1: 20}
    joining, slow = 2 * (JOINING_POLLS_MAX + 1) + 1, round(JOINING_POLL_S * 1000)
    assert consumer.timeouts[:joining] == [slow] * joining
    assert set(consumer.timeouts[joining:]) == {round(POLL_S * 1000)}
    sink.close()
