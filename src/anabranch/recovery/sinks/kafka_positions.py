"""The topic in which a Kafka sink keeps its positions: compacted, one partition, JSON.

Keys are ``["offset", LINE, CLUSTER-ID, TOPIC-ID, PARTITION]`` with the columns of a sink's offsets, and
``["line", LINE]`` with the writer's epoch and the topics that the line's outputs are. They are produced in
the transactions that hold the outputs; whoever reads committed records reads what is true.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from anabranch.errors import Corrupt, StoreFault, UserFault
from anabranch.recovery.sinks.common import SinkOffset

READ_S_MAX = 60.0  # a compacted topic of a few thousand positions is read in far less
ADMIN_S_MAX = 20.0
POLL_S = 0.2

Key = tuple[str, str, int]  # cluster id, topic id, partition


class Place(NamedTuple):
    """``kafka:HOST:PORT/TOPIC?config=FILE``: brokers, positions topic, and more client settings."""

    location: str
    conf: dict[str, Any]
    topic: str


class Positions(NamedTuple):
    """What the topic says. ``lines`` are line → (epoch, outputs as name → topic)."""

    lines: dict[str, tuple[int, dict[str, str]]]
    offsets: dict[str, dict[Key, SinkOffset]]


def place(location: str) -> Place:
    """Raises UserFault. The file holds ``name=value`` lines, as librdkafka's settings are called."""
    text, _, query = location.removeprefix("kafka:").partition("?")
    servers, slash, topic = text.partition("/")
    options = dict(parse_qsl(query))
    conf: dict[str, Any] = {}
    if not slash or not topic or not servers or options.keys() - {"config"}:
        raise UserFault(f"“{location}” is not kafka:HOST:PORT/TOPIC or …/TOPIC?config=FILE")
    if "config" in options:
        try:
            lines = Path(options["config"]).read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise UserFault(f"{options['config']}: {error.strerror}") from None
        pairs = [line.partition("=") for line in lines if line.strip() and line[0] != "#"]
        conf = {name.strip(): value.strip() for name, _, value in pairs}
    return Place(
        f"kafka:{text}" + (f"?{query}" if query else ""),
        {**conf, "bootstrap.servers": servers},
        topic,
    )


def offset_key(line: str, key: Key) -> bytes:
    """Of a position's record."""
    return json.dumps(["offset", line, *key], separators=(",", ":")).encode()


def line_key(line: str) -> bytes:
    """Of a line's record."""
    return json.dumps(["line", line], separators=(",", ":")).encode()


def create_topic(conf: Mapping[str, Any], topic: str) -> None:
    """Create the positions topic unless it exists. Raises StoreFault."""
    admin = AdminClient(dict(conf))
    new = NewTopic(topic, 1, -1, config={"cleanup.policy": "compact"})
    create(admin, new)


def create(admin: AdminClient, new: NewTopic) -> None:
    """Create a topic unless it exists, and wait until it has a leader. Raises StoreFault."""
    try:
        admin.create_topics([new])[new.topic].result(ADMIN_S_MAX)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise StoreFault(f"topic {new.topic}: {error.args[0].str()}") from error


def read(conf: Mapping[str, Any], topic: str) -> Positions:
    """Everything that is committed. Raises UserFault if there is no such topic, StoreFault, Corrupt."""
    from confluent_kafka import TopicPartition

    consumer = Consumer(
        {
            **conf,
            "group.id": "anabranch-sink-positions",  # never joined, never committed
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
        }
    )
    found = Positions({}, {})
    try:
        there = consumer.list_topics(topic, timeout=ADMIN_S_MAX).topics[topic]
        if there.error is not None or not there.partitions:
            raise UserFault(f"there is no topic “{topic}” with positions of a sink")
        low, _ = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=ADMIN_S_MAX)
        consumer.assign([TopicPartition(topic, 0, low)])
        deadline = time.monotonic() + READ_S_MAX
        while time.monotonic() < deadline:
            message = consumer.poll(POLL_S)
            if message is None:
                continue
            error = message.error()
            if error is None:
                _take(found, message.key(), message.value(), topic)
            elif error.code() == KafkaError._PARTITION_EOF:
                return found
            elif not error.retriable():
                raise StoreFault(f"topic {topic}: {error.str()}")
    except KafkaException as error:
        raise StoreFault(f"topic {topic}: {error.args[0].str()}") from error
    finally:
        consumer.close()
    raise StoreFault(f"topic {topic} was not read to its end in {READ_S_MAX:g} s")


def ends(conf: Mapping[str, Any], topic: str, partitions: int) -> tuple[int, ...]:
    """Where each partition ends, whatever of it is committed. Raises StoreFault."""
    from confluent_kafka import TopicPartition

    consumer = _consumer(conf, "read_uncommitted")
    try:
        asked = [TopicPartition(topic, partition) for partition in range(partitions)]
        return tuple(consumer.get_watermark_offsets(one, timeout=ADMIN_S_MAX)[1] for one in asked)
    except KafkaException as error:
        raise StoreFault(f"topic {topic}: {error.args[0].str()}") from error
    finally:
        consumer.close()


def committed_between(
    conf: Mapping[str, Any], topic: str, starts: Sequence[int], ends: Sequence[int]
) -> Iterator[Message]:
    """Committed records from ``starts`` to ``ends``, by partition; one that has no start is read from its first record.
    Raises StoreFault: also if a transaction that somebody holds open hides what lies behind it."""
    from confluent_kafka import TopicPartition

    consumer = _consumer(conf, "read_committed")
    at = [*starts[: len(ends)], *([0] * (len(ends) - len(starts)))]
    left = {partition for partition, end in enumerate(ends) if at[partition] < end}
    try:
        consumer.assign([TopicPartition(topic, partition, at[partition]) for partition in left])
        deadline = time.monotonic() + READ_S_MAX
        while left and time.monotonic() < deadline:
            message = consumer.poll(POLL_S)
            if message is None:
                continue
            partition, offset, error = message.partition(), message.offset(), message.error()
            if error is None or error.code() == KafkaError._PARTITION_EOF:
                assert partition is not None and offset is not None
                if offset >= ends[partition]:
                    left.discard(partition)
                elif error is None:
                    deadline = time.monotonic() + READ_S_MAX
                    yield message
            elif not error.retriable():
                raise StoreFault(f"topic {topic}: {error.str()}")
    except KafkaException as error:
        raise StoreFault(f"topic {topic}: {error.args[0].str()}") from error
    finally:
        consumer.close()
    if left:
        raise StoreFault(
            f"topic {topic} was not read to its end in {READ_S_MAX:g} s: somebody's transaction may be open; try again later"
        )


def _consumer(conf: Mapping[str, Any], isolation: str) -> Consumer:
    return Consumer(
        {
            **conf,
            "group.id": "anabranch-sink-positions",  # never joined, never committed
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",  # where records from there on are gone
        }
    )


def _take(found: Positions, key: bytes | None, value: bytes | None, topic: str) -> None:
    try:
        kind, line, *rest = json.loads(key or b"")
        if kind == "line":
            if value is None:
                found.lines.pop(line, None)
                found.offsets.pop(line, None)
            else:
                told = json.loads(value)
                found.lines[line] = (int(told["epoch"]), dict(told["outputs"]))
            return
        where = (str(rest[0]), str(rest[1]), int(rest[2]))
        rows = found.offsets.setdefault(line, {})
        if value is None:
            rows.pop(where, None)
        else:
            rows[where] = SinkOffset(*where, *json.loads(value))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Corrupt(f"topic {topic} holds what no sink wrote: {error}") from error
