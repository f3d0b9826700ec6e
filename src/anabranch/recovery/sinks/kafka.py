"""Records in topics that a replay does not produce twice, by Kafka's transactions; on any Kafka.

A transaction holds the outputs of a batch, the positions that caused them (``kafka_positions.py``), and, if
the consumer is given, its group's offsets (KIP-98, KIP-447). Consumers that read committed records see all
of it or nothing. The transactional id is the sink's name and line: the producer that initialised it last
fences the others, and a replay, which has a line of its own, never fences the live processor.

    sink = KafkaSink.open({"bootstrap.servers": …}, "totals", {"totals": "totals"}, sources)
    with sink.transaction(consumer) as tx:
        for message in batch:
            where = (message.topic(), message.partition(), message.offset())
            if tx.fresh(*where):
                tx.produce("totals", *where, key=…, value=…)

Each output carries where it came from in the header ``anabranch-source``. Needs ``pip install
'anabranch[kafka]'``, or any ``producer`` with the methods of confluent-kafka's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from anabranch.errors import StoreFault, UnknownOutcome, UserFault
from anabranch.recovery.sinks import kafka_positions as positions
from anabranch.recovery.sinks.common import LIVE, Counted, Fenced, SinkOffset, Tally
from anabranch.recovery.sinks.kafka_positions import Key
from anabranch.recovery.sinks.source import Source

SOURCE_HEADER = "anabranch-source"  # CLUSTER-ID/TOPIC-ID/PARTITION/OFFSET
INIT_S_MAX = 60.0  # a transaction that its dead producer left open is ended first
COMMIT_S_MAX = 60.0  # then its outcome is unknown
_FENCED = (
    KafkaError._FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.INVALID_PRODUCER_ID_MAPPING,
    90,  # PRODUCER_FENCED
)


class KafkaTransaction:
    """The outputs of one batch; read by nobody (who reads committed) before its block ends well."""

    def __init__(self, sink: KafkaSink) -> None:
        self._sink = sink
        self.tally = Tally(sink.sources, sink.load)

    def fresh(self, topic: str, partition: int, offset: int) -> bool:
        """True if the record has had no effect yet; from now on it counts as applied.

        Records of a partition must be offered in offset order, as a consumer delivers them.
        """
        return self.tally.fresh(topic, partition, offset)

    def topic(self, output: str) -> str:
        """The topic that an output is in this line."""
        if output not in self._sink.outputs:
            raise UserFault(f"the sink has no output “{output}”")
        return self._sink.outputs[output]

    def produce(
        self,
        output: str,
        topic: str,
        partition: int,
        offset: int,
        *,
        value: bytes | None,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        **options: Any,
    ) -> None:
        """Produce to ``output`` what the record at (topic, partition, offset) causes. ``options`` are
        the producer's (``partition=``, ``timestamp=``)."""
        source = self.tally.source(topic)
        origin = f"{source.cluster_id}/{source.topic_id}/{partition}/{offset}".encode()
        self._sink.produce(
            self.topic(output), key, value, [*headers, (SOURCE_HEADER, origin)], **options
        )


class KafkaSink:
    """One writer of one line."""

    def __init__(
        self,
        producer: Any,
        place: positions.Place,
        line: str,
        outputs: Mapping[str, str],
        known: Mapping[Key, SinkOffset],
        sources: Mapping[str, Source],
    ) -> None:
        self._producer = producer
        self._topic = place.topic
        self._line = line
        self.outputs = dict(outputs)
        self.sources = dict(sources)
        self._known = dict(known)
        self._broken = ""

    @classmethod
    def open(
        cls,
        conf: Mapping[str, Any],
        name: str,
        outputs: Mapping[str, str],
        sources: Mapping[str, Source],
        *,
        line: str = LIVE,
        positions_topic: str | None = None,
        producer: Callable[[dict[str, Any]], Any] = Producer,
    ) -> KafkaSink:
        """Open ``line`` of sink ``name`` for writing; fences off the line's former writer.

        ``conf`` are librdkafka's settings; ``outputs`` are name → live topic (a staging line's is
        ``TOPIC.LINE``; it must exist, or be created by the broker); positions are kept in
        ``NAME.positions``, which is created. ``producer`` makes a transactional producer from settings.
        Raises StoreFault.
        """
        where = positions.Place("", dict(conf), positions_topic or f"{name}.positions")
        positions.create_topic(conf, where.topic)
        made = producer({**conf, "transactional.id": f"{name}.{line}", "enable.idempotence": True})
        call(line, lambda: made.init_transactions(INIT_S_MAX))
        found = positions.read(conf, where.topic)
        epoch = found.lines.get(line, (0, {}))[0] + 1
        named = {output: staged_topic(topic, line) for output, topic in outputs.items()}
        sink = cls(made, where, line, named, found.offsets.get(line, {}), sources)
        told = json.dumps({"epoch": epoch, "outputs": named}).encode()
        sink.within(lambda: sink.produce(where.topic, positions.line_key(line), told, ()))
        return sink

    @classmethod
    def at(
        cls,
        location: str,
        outputs: Mapping[str, str],
        sources: Mapping[str, Source],
        *,
        line: str = LIVE,
    ) -> KafkaSink:
        """As :meth:`open`, at ``kafka:HOST:PORT/NAME.positions``, which is what a replay finds in ``ANABRANCH_SINK``.
        Raises UserFault, StoreFault."""
        where = positions.place(location)
        name = where.topic.removesuffix(".positions")
        return cls.open(where.conf, name, outputs, sources, line=line, positions_topic=where.topic)

    @contextmanager
    def transaction(self, consumer: Any = None) -> Iterator[KafkaTransaction]:
        """Outputs, positions and (with ``consumer``) its group's offsets, wholly or not at all.

        Raises :class:`Fenced`; StoreFault if the transaction was aborted; UnknownOutcome if the answer to
        its end was lost: open the sink again and read on from its position, which says what happened.
        """
        if self._broken:
            raise StoreFault(f"{self._broken}: open the sink again", retryable=False)
        call(self._line, self._producer.begin_transaction)
        transaction = KafkaTransaction(self)
        try:
            yield transaction
            changed = [self._advanced(each) for each in transaction.tally.counted()]
            for row in changed:
                value = json.dumps(row[3:], separators=(",", ":")).encode()
                self.produce(self._topic, positions.offset_key(self._line, row[:3]), value, ())
            if consumer is not None and changed:
                offsets = [
                    TopicPartition(each.source.topic, each.partition, each.next_offset)
                    for each in transaction.tally.counted()
                ]
                metadata = consumer.consumer_group_metadata()
                call(
                    self._line,
                    lambda: self._producer.send_offsets_to_transaction(offsets, metadata),
                )
        except BaseException:
            self._abort()
            raise
        self._commit()
        self._known.update({row[:3]: row for row in changed})

    def position(self, topic: str, partition: int) -> int | None:
        """The next offset whose effect is missing; None if the partition never had any."""
        return self.load(self.sources[topic], partition)

    def load(self, source: Source, partition: int) -> int | None:
        """As :meth:`position`, by identity."""
        row = self._known.get((source.cluster_id, source.topic_id, partition))
        return None if row is None else row.next_offset

    def produce(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        **options: Any,
    ) -> None:
        """Within the transaction; waits where the producer's queue is full."""
        while True:
            try:
                self._producer.produce(
                    topic, value=value, key=key, headers=list(headers), **options
                )
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(0.1)

    def close(self) -> None:
        """Give back the producer's buffers; what is committed stays."""
        self._producer.flush(0)

    def within(self, act: Callable[[], None]) -> None:
        """One transaction of what ``act`` produces. Raises as :meth:`transaction`."""
        call(self._line, self._producer.begin_transaction)
        try:
            act()
        except BaseException:
            self._abort()
            raise
        self._commit()

    def _commit(self) -> None:
        deadline = time.monotonic() + COMMIT_S_MAX
        while True:
            try:
                self._producer.commit_transaction(COMMIT_S_MAX)
                return
            except KafkaException as failure:
                error = failure.args[0]
                if error.retriable() and time.monotonic() < deadline:
                    continue
                if error.txn_requires_abort():
                    self._abort()
                    raise StoreFault(f"the transaction was aborted: {error.str()}") from failure
                self._broken = error.str()
                if error.code() in _FENCED:
                    raise Fenced(self._line) from failure
                raise UnknownOutcome(
                    f"the answer to the end of a transaction was lost ({error.str()}); open the "
                    "sink again, its positions say whether it took place"
                ) from failure

    def _abort(self) -> None:
        try:
            self._producer.abort_transaction(COMMIT_S_MAX)
        except KafkaException as failure:
            self._broken = failure.args[0].str()  # the next writer's initialisation ends it

    def _advanced(self, each: Counted) -> SinkOffset:
        source = each.source
        before = self._known.get((source.cluster_id, source.topic_id, each.partition))
        applied, suppressed, skipped = before[5:] if before is not None else (0, 0, 0)
        return SinkOffset(
            source.cluster_id,
            source.topic_id,
            each.partition,
            source.topic,
            each.next_offset,
            applied + each.applied,
            suppressed + each.suppressed,
            skipped + each.skipped,
        )


def staged_topic(topic: str, line: str) -> str:
    """The topic that stands for ``topic`` in a line."""
    return topic if line == LIVE else f"{topic}.{line}"


def call(line: str, act: Callable[[], Any]) -> None:
    """Kafka's errors as ours; what may be retried is."""
    deadline = time.monotonic() + COMMIT_S_MAX
    while True:
        try:
            act()
            return
        except KafkaException as failure:
            error = failure.args[0]
            if error.code() in _FENCED:
                raise Fenced(line) from failure
            if error.retriable() and time.monotonic() < deadline:
                continue
            raise StoreFault(error.str(), retryable=not error.fatal()) from failure
