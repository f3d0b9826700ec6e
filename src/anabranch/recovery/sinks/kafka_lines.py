"""A Kafka sink at rest: positions by line. Topics change places as topics do, not as tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic
from msgspec import Struct

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.model import Checkpoint, SinkClass
from anabranch.recovery.sinks import kafka_positions as positions
from anabranch.recovery.sinks.common import (
    LIVE,
    Line,
    Promotion,
    SinkOffset,
    check_staging_name,
)
from anabranch.recovery.sinks.kafka import KafkaSink, staged_topic
from anabranch.recovery.sinks.lines import durable_checkpoint


class KafkaCheckpoint(Struct, frozen=True, kw_only=True):
    """The live line's positions. Its outputs' past is in their topics."""

    location: str
    offsets: tuple[SinkOffset, ...]
    format: int = 1


class KafkaLines:
    """``common.SinkLines`` says what each method does."""

    sink_class = SinkClass.TRANSACTIONAL
    promotes = False
    stages = True

    def __init__(self, location: str) -> None:
        self._place = positions.place(location)
        self.location = self._place.location
        self.name = f"kafka:{self._place.topic}"
        self._found = positions.read(self._place.conf, self._place.topic)

    def offsets(self, line: str = LIVE) -> list[SinkOffset]:
        rows = positions.read(self._place.conf, self._place.topic).offsets.get(line, {}).values()
        return sorted(rows, key=lambda row: (row.topic, row.topic_id, row.partition))

    def lines(self) -> list[Line]:
        found = positions.read(self._place.conf, self._place.topic)
        return [
            Line(line, epoch, list(found.offsets.get(line, {}).values()))
            for line, (epoch, _) in sorted(found.lines.items())
        ]

    def take_checkpoint(self, target: Path) -> Checkpoint:
        held = KafkaCheckpoint(location=self.location, offsets=tuple(self.offsets()))
        body = msgspec.json.encode(held)
        return durable_checkpoint(target, lambda file: _write(file, body))

    def checkpoint_offsets(self, checkpoint: Path) -> list[SinkOffset]:
        return list(_read(checkpoint).offsets)

    def stage(self, line: str, checkpoint: Path | None, now_ms: int) -> list[SinkOffset]:
        """Create the line's topics like the live ones, and positions: none, or the checkpoint's."""
        check_staging_name(line)
        held = _read(checkpoint) if checkpoint is not None else None
        found = positions.read(self._place.conf, self._place.topic)
        if LIVE not in found.lines:
            raise UserFault(f"{self.location} has no live line to stage beside")
        if line not in found.lines:
            outputs = found.lines[LIVE][1]
            for topic in outputs.values():
                self._create_like(topic, staged_topic(topic, line))
            sink = KafkaSink.open(
                self._place.conf, f"{self._place.topic}.stage", outputs, {}, line=line,
                positions_topic=self._place.topic,
            )  # fmt: skip
            with sink.transaction():
                for row in held.offsets if held is not None else ():
                    # Counters start at zero: they are this replay's, not the checkpoint's.
                    value = msgspec.json.encode([row.topic, row.next_offset, 0, 0, 0])
                    key = positions.offset_key(line, row[:3])
                    sink.produce(self._place.topic, key, value, ())
            sink.close()
        return self.offsets(line)

    def promote(self, line: str, now_ms: int) -> Promotion:
        raise UserFault(
            f"{self.name} is topics: a branch takes its topic's place by `anabranch promote`; "
            f"elsewhere point the consumers at the topics of line “{line}”"
        )

    def undo(self, line: str, now_ms: int) -> Promotion:
        raise UserFault(f"{self.name} is topics: there is no promotion of “{line}” to undo here")

    def drop(self, line: str) -> bool:
        """Delete a staging line's topics and positions."""
        if line == LIVE:
            raise UserFault("the live line cannot be dropped")
        found = positions.read(self._place.conf, self._place.topic)
        if line not in found.lines:
            return False
        admin = AdminClient(self._place.conf)
        live = set(found.lines.get(LIVE, (0, {}))[1].values())
        topics = [topic for topic in found.lines[line][1].values() if topic not in live]
        for future in admin.delete_topics(topics).values() if topics else ():
            _result(future)
        producer = Producer(self._place.conf)
        for key in found.offsets.get(line, {}):
            producer.produce(self._place.topic, key=positions.offset_key(line, key), value=None)
        producer.produce(self._place.topic, key=positions.line_key(line), value=None)
        if producer.flush(positions.ADMIN_S_MAX):
            raise StoreFault(f"{self.location}: the positions of “{line}” were not deleted")
        return True

    def close(self) -> None:
        """Nothing stays open."""

    def _create_like(self, topic: str, new: str) -> None:
        admin = AdminClient(self._place.conf)
        try:
            there = admin.list_topics(topic, timeout=positions.ADMIN_S_MAX).topics[topic]
        except KafkaException as error:
            raise StoreFault(f"topic {topic}: {error.args[0].str()}") from error
        if there.error is not None or not there.partitions:
            raise UserFault(f"the sink's output {topic} does not exist")
        resource = ConfigResource(ResourceType.TOPIC, topic)
        (answer,) = admin.describe_configs([resource]).values()
        configs = {
            name: entry.value
            for name, entry in _result(answer).items()
            if entry.source == 1 and entry.value is not None  # DYNAMIC_TOPIC_CONFIG
        }
        positions.create(admin, NewTopic(new, len(there.partitions), -1, config=configs))


def _result(future: Any) -> Any:
    try:
        return future.result(positions.ADMIN_S_MAX)
    except KafkaException as error:
        raise StoreFault(error.args[0].str()) from error


def _read(path: Path) -> KafkaCheckpoint:
    try:
        return msgspec.json.decode(path.read_bytes(), type=KafkaCheckpoint)
    except FileNotFoundError:
        raise UserFault(f"the checkpoint {path} is gone") from None
    except msgspec.DecodeError as error:
        raise UserFault(f"{path} is no checkpoint of a Kafka sink: {error}") from None


def _write(file: Path, body: bytes) -> None:
    file.write_bytes(body)
