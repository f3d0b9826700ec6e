"""Copies of Kafka sinks: the outputs and the positions are topics of the scratch cluster.

What a record caused is known by its output's header ``anabranch-source``; so outputs are compared record by record of the
inputs, in whatever order they were produced. Topics do not change places as tables do: a recovery ends with topics of
its own, and consumers are pointed at those. An older copy is what a mirror of the cluster had when it was cut off: outputs and
positions up to the recovery point, in topics of the same names.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anabranch.errors import UserFault
from anabranch.log.reader import plan_splits, read_splits
from anabranch.recovery.checks.verify import Verification
from anabranch.recovery.drills.copies.common import Copy, compared
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.sinks import kafka_positions as positions
from anabranch.recovery.sinks.common import quoted
from anabranch.recovery.sinks.kafka import SOURCE_HEADER, staged_topic
from anabranch.recovery.sinks.locations import opened_lines

if TYPE_CHECKING:
    from anabranch.recovery.drills.declared import Stream
    from anabranch.recovery.drills.stage import Stage
    from anabranch.recovery.plans.plan import Plan

KEY = "input, partition, offset, number"
WRONG = 10  # outputs of a version that was wrong, in each topic
FLUSH_S = 30.0

Where = tuple[str, int]  # an input and its partition


class KafkaCopy(Copy):
    """``verify.tables`` names the outputs; what it says of their keys is not asked."""

    promotes = False

    def __init__(self, stream: Stream, work: Path) -> None:
        super().__init__(stream, work)
        self._older: dict[str, list[dict[str, Any]]] = {}  # by topic, what had been committed
        self._topic = positions.place(stream.sink).topic

    def location(self, broker: str) -> str:
        return f"kafka:{broker}/{self._topic}"

    async def prepare(self, stage: Stage) -> None:
        for name in self.stream.verify.tables:
            if stage.log.catalogue.topic(name) is not None:
                raise UserFault(f"“{name}” is both an input and an output of the stream")
            await stage.log.create_topic(name, stage.partitions_of(name), {"retention.ms": "-1"})

    async def keep_older(self, stage: Stage) -> None:
        await stage.log.catalogue.look_for([self._topic])  # the processor made it just now
        for name in (*self._outputs, self._topic):
            topic = stage.log.catalogue.topic(name)
            if topic is None:
                raise UserFault(f"the sink has no topic {name}")
            self._older[name] = [
                row
                for batch in read_splits(await plan_splits(stage.log, topic))
                for row in batch.to_pylist()
            ]

    async def keep_truth(self, stage: Stage) -> None:
        await self._write_down(stage, self._truth, {name: name for name in self._outputs})

    async def damage(self, stage: Stage) -> int:
        """Outputs that no record caused."""
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": stage.broker.address})
        for name in self._outputs:
            for number in range(WRONG):
                producer.produce(name, value=b"wrong", key=b"%d" % number)
        if producer.flush(FLUSH_S):
            raise UserFault("the live outputs could not be damaged: the scratch broker is away")
        return WRONG * len(self._outputs)

    async def restore_older(self, stage: Stage) -> None:
        from confluent_kafka import Producer

        for name in (*self._outputs, self._topic):
            topic = stage.log.catalogue.topic(name)
            assert topic is not None
            await stage.log.delete_topic(topic, grace_ms=0)
            await stage.log.create_topic(name, topic.partitions, topic.configs)
        producer = Producer({"bootstrap.servers": stage.broker.address})
        for name, rows in self._older.items():
            for row in rows:
                headers = [(each["key"], each["value"]) for each in row["headers"]]
                producer.produce(
                    name,
                    value=row["value"],
                    key=row["key"],
                    partition=row["partition"],
                    headers=headers,
                )
                producer.poll(0)
        if await asyncio.to_thread(producer.flush, FLUSH_S):
            raise UserFault("the older copy could not be put back: the scratch broker is away")

    async def clear(self, stage: Stage) -> None:
        for name in (*self._outputs, self._topic):
            topic = stage.log.catalogue.topic(name)
            assert topic is not None
            await stage.log.delete_topic(topic, grace_ms=0)
            if name != self._topic:
                await stage.log.create_topic(name, topic.partitions, topic.configs)

    async def verify(self, stage: Stage, line: str, plan: Plan | None) -> tuple[Verification, ...]:
        """From where the line began: what came before is in the live topics, and was never staged."""
        floors = self._floors(stage, plan)
        staged = self.work / f"outputs{line}.db"
        names = {name: staged_topic(name, line) if line else name for name in self._outputs}
        await self._write_down(stage, staged, names)
        found = []
        for name in self._outputs:
            chosen = " AND ".join(
                f"NOT (input = '{topic.replace(chr(39), chr(39) * 2)}' AND partition = {partition} AND offset < {offset})"
                for (topic, partition), offset in floors.items()
            )
            wanted = f"SELECT * FROM {quoted(name)} WHERE {chosen or '1'}"
            found.append(
                compared(
                    self.stream, f"sqlite:{staged}#{name}", f"sqlite:{self._truth}#{wanted}", KEY
                )
            )
        return tuple(found)

    @property
    def _outputs(self) -> tuple[str, ...]:
        return tuple(self.stream.verify.tables)

    @property
    def _truth(self) -> Path:
        return self.work / "truth.db"

    def _floors(self, stage: Stage, plan: Plan | None) -> dict[Where, int]:
        if plan is None:
            return {}
        if plan.checkpoint is not None:
            with opened_lines(stage.sink) as sink:
                held = sink.checkpoint_offsets(Path(plan.checkpoint.location))
            return {(row.topic, row.partition): row.next_offset for row in held}
        return {(part.topic, part.partition): part.restart for part in plan.partitions}

    async def _write_down(self, stage: Stage, path: Path, topics: dict[str, str]) -> None:
        """The outputs in a database: what each record of the inputs caused."""
        ids = {topic_id_text(t.id): t.name for t in stage.log.catalogue.topics()}
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection, connection:
            for name, source in topics.items():
                connection.execute(
                    f"CREATE TABLE {quoted(name)} (input TEXT, partition INTEGER, offset INTEGER,"
                    " number INTEGER, key TEXT, value TEXT)"
                )
                topic = stage.log.catalogue.topic(source)
                if topic is None:
                    raise UserFault(f"the sink's output {source} does not exist")
                numbers: dict[tuple[str, int, int], int] = {}
                for batch in read_splits(await plan_splits(stage.log, topic)):
                    for row in batch.to_pylist():
                        cause = _cause(row["headers"], ids)
                        if cause is None:
                            continue  # nothing of the sink's
                        numbers[cause] = numbers.get(cause, -1) + 1
                        cells = (*cause, numbers[cause], _text(row["key"]), _text(row["value"]))
                        connection.execute(
                            f"INSERT INTO {quoted(name)} VALUES (?, ?, ?, ?, ?, ?)", cells
                        )


def _cause(headers: list[dict[str, object]], ids: dict[str, str]) -> tuple[str, int, int] | None:
    for header in headers:
        if header["key"] == SOURCE_HEADER and isinstance(header["value"], bytes):
            _, topic_id, partition, offset = header["value"].decode().split("/")
            return ids.get(topic_id, topic_id), int(partition), int(offset)
    return None


def _text(data: bytes | None) -> str | None:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.hex()
