"""Plain consumers of confluent-kafka and kafka-python on a replay-safe sink.

    reader = ConfluentReader(consumer, ["flights"], sink)
    process(reader, sink, lambda tx, message: …, stopping=lambda: stopped)

The sink's own position decides where reading begins, not the group's: they differ after a crash between the
two, after a restore of the sink's database, and after a reset of the group. Records before it would be
suppressed anyway; behind it, they would be missing. In a replay, topics are read by their branches and the
run ends with ``ANABRANCH_END_OFFSETS``; the group's offsets follow the sink's.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from anabranch.errors import UserFault
from anabranch.recovery.adapters.session import Surroundings
from anabranch.recovery.sinks.common import Sink

BATCH = 1000  # records per transaction at most
POLL_S = 0.2
# kafka-python (3.0.12) loses an assignment that comes in the moment in which a poll ends: it takes itself
# for joined, owns nothing, sends no heartbeats and never tries again. So polls end seldom while it joins,
# and where nothing is told for so many of them, it joins anew.
JOINING_POLL_S = 3.0
JOINING_POLLS_MAX = 20  # a minute: a rebalance may take long where other members are slow
COMMIT_EVERY_S = 1.0  # the group's offsets follow the sink's at this distance


class Record(NamedTuple):
    """One record: where it was, and the client's own message."""

    topic: str
    partition: int
    offset: int
    message: Any


class Reader(Protocol):
    """A consumer that begins at the sink's positions and knows where to end."""

    def read(self, limit: int, timeout_s: float) -> list[Record]:
        """The next records, in offset order within each partition; none beyond the ends."""
        ...

    def finished(self) -> bool:
        """Whether every assigned partition has reached its end; never, if there are none."""
        ...

    def commit(self) -> None:
        """Commit for the group what was read."""
        ...


def process(
    reader: Reader,
    sink: Sink,
    handle: Callable[[Any, Any], None],
    *,
    batch: int = BATCH,
    stopping: Callable[[], bool] = lambda: False,
    transaction: Callable[[], AbstractContextManager[Any]] | None = None,
    commit_every_s: float = COMMIT_EVERY_S,
) -> int:
    """Hand every fresh record to ``handle(tx, message)`` until the ends or until ``stopping``.

    Returns how many were fresh. ``transaction`` replaces ``sink.transaction``, as ``lambda:
    sink.transaction(consumer)`` for a Kafka sink, which then commits the group's offsets itself. What
    ``handle`` raises ends the run, and its batch leaves nothing behind.
    """
    begin = transaction or sink.transaction
    fresh, committed_at = 0, time.monotonic()
    while not stopping() and not reader.finished():
        records = reader.read(batch, POLL_S)
        if records:
            with begin() as tx:
                for record in records:
                    if tx.fresh(record.topic, record.partition, record.offset):
                        handle(tx, record.message)
                        fresh += 1
        if transaction is None and time.monotonic() - committed_at >= commit_every_s:
            reader.commit()
            committed_at = time.monotonic()
    if transaction is None:
        reader.commit()
    return fresh


class _Ends:
    """How far each assigned partition has been read, and how far it is to be."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.ends = surroundings.ends
        self.assigned: set[tuple[str, int]] = set()
        self.positions: dict[tuple[str, int], int] = {}
        self.dirty = False

    def begin(self, topic: str, partition: int, position: int | None) -> None:
        """None: nobody knows, the consumer begins as it is configured."""
        self.assigned.add((topic, partition))
        if position is not None:
            self.positions[topic, partition] = position
        elif self.ends.get((topic, partition)) == 0:
            self.positions[topic, partition] = 0

    def forget(self, partitions: Iterable[tuple[str, int]]) -> None:
        for partition in partitions:
            self.assigned.discard(partition)
            self.positions.pop(partition, None)

    def take(self, record: Record) -> bool:
        """False for a record beyond the end."""
        where = record[:2]
        if record.offset >= self.ends.get(where, record.offset + 1):
            return False
        self.positions[where] = record.offset + 1
        self.dirty = True
        return True

    def reached(self, topic: str, partition: int, position: int) -> None:
        """The consumer stands there: what lies before it and never came were no records."""
        where = (topic, partition)
        end = self.ends.get(where)
        if end is not None and self.positions.get(where, 0) < end <= position:
            self.positions[where] = end
            self.dirty = True

    def finished(self) -> bool:
        mine = [where for where in self.ends if where in self.assigned]
        return bool(mine) and all(self.positions.get(w, -1) >= self.ends[w] for w in mine)


def _readable(topics: Sequence[str], surroundings: Surroundings, sink: Sink) -> list[str]:
    """What is read in place of ``topics``. Raises UserFault for one that the sink cannot tell the records of: a client
    would swallow that, or die of it, once partitions are assigned."""
    found = [surroundings.topic(topic) for topic in topics]
    for name in found:
        try:
            sink.position(name, 0)
        except KeyError:
            raise UserFault(
                f"the sink was opened without a source for topic {name}: name it among its sources "
                "(sources_from_admin, or what ANABRANCH_SOURCES says)"
            ) from None
    return found


class ConfluentReader:
    """``confluent_kafka.Consumer``, not subscribed yet; set ``enable.auto.commit`` to false and, so that
    a replay notices its end behind transaction markers, ``enable.partition.eof`` to true."""

    def __init__(
        self,
        consumer: Any,
        topics: Sequence[str],
        sink: Sink,
        surroundings: Surroundings | None = None,
        *,
        cooperative: bool = False,
    ) -> None:
        """``cooperative``: its ``partition.assignment.strategy`` is cooperative-sticky (the client does
        not tell)."""
        self._consumer = consumer
        self._sink = sink
        self._cooperative = cooperative
        surroundings = surroundings or Surroundings.of()
        self._ends = _Ends(surroundings)
        consumer.subscribe(
            _readable(topics, surroundings, sink),
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._lost,
        )

    def read(self, limit: int, timeout_s: float) -> list[Record]:
        from confluent_kafka import KafkaError, KafkaException

        found = []
        for message in self._consumer.consume(limit, timeout=timeout_s):
            error = message.error()
            if error is None:
                record = Record(message.topic(), message.partition(), message.offset(), message)
                if self._ends.take(record):
                    found.append(record)
            elif error.code() == KafkaError._PARTITION_EOF:
                self._ends.reached(message.topic(), message.partition(), message.offset())
            elif not error.retriable():
                raise KafkaException(error)
        return found

    def finished(self) -> bool:
        return self._ends.finished()

    def commit(self) -> None:
        from confluent_kafka import TopicPartition

        if self._ends.dirty:
            offsets = [TopicPartition(*where, at) for where, at in self._ends.positions.items()]
            self._consumer.commit(offsets=offsets, asynchronous=False)
            self._ends.dirty = False

    def _assigned(self, consumer: Any, partitions: list[Any]) -> None:
        known = {(p.topic, p.partition): p for p in consumer.committed(partitions, 10)}
        for each in partitions:
            where = (each.topic, each.partition)
            position = self._sink.position(*where)
            if position is not None:
                each.offset = position
            elif known[where].offset >= 0:
                each.offset = position = known[where].offset
            self._ends.begin(*where, position)
        if self._cooperative:
            consumer.incremental_assign(partitions)
        else:
            consumer.assign(partitions)

    def _revoked(self, consumer: Any, partitions: list[Any]) -> None:
        self.commit()
        self._lost(consumer, partitions)

    def _lost(self, _: Any, partitions: list[Any]) -> None:
        self._ends.forget((each.topic, each.partition) for each in partitions)


class KafkaPythonReader:
    """``kafka.KafkaConsumer``, not subscribed yet, with ``enable_auto_commit=False``."""

    def __init__(
        self,
        consumer: Any,
        topics: Sequence[str],
        sink: Sink,
        surroundings: Surroundings | None = None,
    ) -> None:
        from kafka import ConsumerRebalanceListener

        self._consumer = consumer
        self._sink = sink
        surroundings = surroundings or Surroundings.of()
        self._ends = _Ends(surroundings)
        # The client calls its listeners in a thread of its own; sinks belong to the one that opened them.
        self._news: deque[tuple[bool, set[Any]]] = deque()
        self._joining_polls = 0  # since partitions were wanted; -1: they are told
        news = self._news

        class Listener(ConsumerRebalanceListener):  # type: ignore[misc,unused-ignore]
            def on_partitions_assigned(self, assigned: Any) -> None:
                news.append((True, set(assigned)))

            def on_partitions_revoked(self, revoked: Any) -> None:
                news.append((False, set(revoked)))

        self._topics = _readable(topics, surroundings, sink)
        self._listener = Listener()
        consumer.subscribe(self._topics, listener=self._listener)

    def read(self, limit: int, timeout_s: float) -> list[Record]:
        if self._joining_polls >= JOINING_POLLS_MAX:  # the assignment was lost: see there
            self._consumer.unsubscribe()
            self._consumer.subscribe(self._topics, listener=self._listener)
            self._joining_polls = 0
        if self._joining_polls >= 0:
            timeout_s = max(timeout_s, JOINING_POLL_S)
            self._joining_polls += 1
        answer = self._consumer.poll(timeout_ms=round(timeout_s * 1000), max_records=limit)
        sought: set[Any] = set()
        while self._news:
            assigned, partitions = self._news.popleft()
            self._joining_polls = -1 if assigned else 0
            if assigned:
                sought |= self._assigned(partitions)
            else:
                self._ends.forget((each.topic, each.partition) for each in partitions)
        found = [
            record
            for where, messages in answer.items()
            if where not in sought
            for message in messages
            if self._ends.take(
                record := Record(message.topic, message.partition, message.offset, message)
            )
        ]
        if not found:
            for each in self._consumer.assignment():
                self._ends.reached(each.topic, each.partition, self._consumer.position(each))
        return found

    def finished(self) -> bool:
        return self._ends.finished()

    def commit(self) -> None:
        from kafka import TopicPartition
        from kafka.structs import OffsetAndMetadata

        if self._ends.dirty:
            self._consumer.commit(
                {
                    TopicPartition(*where): OffsetAndMetadata(at, "", -1)
                    for where, at in self._ends.positions.items()
                }
            )
            self._ends.dirty = False

    def _assigned(self, partitions: set[Any]) -> set[Any]:
        """Those that now stand elsewhere than where the client began: what it read there is dropped."""
        sought = set()
        for each in partitions & self._consumer.assignment():
            where = (each.topic, each.partition)
            position = self._sink.position(*where)
            if position is not None:
                self._consumer.seek(each, position)
                sought.add(each)
            else:
                position = self._consumer.committed(each)
            self._ends.begin(*where, position)
        return sought
