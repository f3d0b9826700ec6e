"""A topic of another cluster as a relation: ``kafka:HOST:PORT/TOPIC?key=…&value=…&take=…&config=FILE``.

Read as ``topic:`` is (:mod:`.topic_relation`), by Kafka's protocol and up to where its partitions ended when it was asked: what
is committed of that (``read_committed``). Nothing is joined and nothing committed there. ``config`` is a file of
librdkafka's settings, ``name=value``, for clusters that ask who one is.
"""

from __future__ import annotations

import time
from typing import Any, Final

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.checks.topic_relation import Rows, parse
from anabranch.recovery.checks.verify import Relation

FORM: Final = "kafka:HOST:PORT/TOPIC"
CONNECT_S_MAX: Final = 10.0  # nobody has answered by then: nobody is there
SILENCE_S_MAX: Final = 60.0  # without a record or the end of a partition
POLL_S: Final = 0.5
SEVERITY_MAX: Final = 2  # librdkafka tells on stderr what is raised here as well


def kafka_relation(text: str) -> Relation:
    """Raises UserFault: no such place, cluster or topic; StoreFault: it stopped answering."""
    asked = parse(text, FORM, "config")
    try:
        from confluent_kafka import Consumer, KafkaException, TopicPartition

        from anabranch.recovery.sinks import kafka_positions
    except ModuleNotFoundError:
        raise UserFault(
            "a topic of another cluster needs a Kafka client: pip install 'anabranch[kafka]'"
        ) from None
    config = f"?config={asked.config}" if asked.config else ""
    place = kafka_positions.place(f"kafka:{asked.topic}{config}")
    where = f"kafka:{place.conf['bootstrap.servers']}"
    rows = Rows(text, asked._replace(topic=place.topic), last=asked.take == "last")
    try:
        consumer = Consumer(
            {
                "log_level": SEVERITY_MAX,
                **place.conf,
                "group.id": "anabranch-verify",  # never joined, never committed
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 50,  # behind its end a partition has nothing to wait for
                "allow.auto.create.topics": False,
            }
        )
    except KafkaException as error:
        raise UserFault(f"{where}: {error.args[0].str()}") from None
    try:
        try:
            there = consumer.list_topics(place.topic, timeout=CONNECT_S_MAX).topics[place.topic]
        except KafkaException as error:
            raise UserFault(f"{where} does not answer: {error.args[0].str()}") from None
        if there.error is not None:
            raise UserFault(f"{where}: topic “{place.topic}”: {there.error.str()}")
        try:
            ranges = [
                (number, *consumer.get_watermark_offsets(
                    TopicPartition(place.topic, number), timeout=CONNECT_S_MAX
                ))
                for number in sorted(there.partitions)
            ]  # fmt: skip
            for number, first, end in ranges:
                if first < end:
                    consumer.assign([TopicPartition(place.topic, number, first)])
                    _read(consumer, rows, number, end, f"{where}/{place.topic}:{number}")
        except KafkaException as error:
            raise StoreFault(f"{where}/{place.topic}: {error.args[0].str()}") from error
    finally:
        consumer.close()
    return rows.relation()


def _read(consumer: Any, rows: Rows, partition: int, end: int, where: str) -> None:
    """What is committed below ``end`` of the partition that is assigned."""
    from confluent_kafka import KafkaError

    silent_since = time.monotonic()
    while True:
        message = consumer.poll(POLL_S)
        if message is None:
            if time.monotonic() - silent_since > SILENCE_S_MAX:
                raise StoreFault(f"{where} has not answered for {SILENCE_S_MAX:g} s")
            continue
        error = message.error()
        if error is None:
            silent_since = time.monotonic()
            if message.offset() >= end:
                return
            rows.take(
                partition, message.offset(), message.timestamp()[1], message.key(), message.value()
            )
            if message.offset() == end - 1:
                return
        elif error.code() == KafkaError._PARTITION_EOF:
            return  # the end, or the beginning of a transaction that is open
        elif not error.retriable():
            raise StoreFault(f"{where}: {error.str()}", retryable=False)
