"""Every replay-safe sink behind one face, for the contract suite and the processes it kills.

An effect is one row ``(partition, offset)`` (or one message), so that readers can count repeats.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Protocol

from anabranch.recovery.sinks.common import LIVE, SinkLines, quoted, table_name
from anabranch.recovery.sinks.locations import open_lines
from anabranch.recovery.sinks.source import Source

FLIGHTS = Source("cluster", "topic-id", "flights")
SOURCES = {"flights": FLIGHTS}
SEEN = {
    "seen": "partition INTEGER NOT NULL, at INTEGER NOT NULL"
}  # no key: a repeat is a second row

Effect = tuple[int, int]


class Kind(Protocol):
    """How the suite opens, fills and reads one kind of sink at one location."""

    promotes: ClassVar[bool]
    location: str

    def open(self, line: str = LIVE, sources: dict[str, Source] = SOURCES) -> Any: ...

    def effect(self, tx: Any, partition: int, offset: int) -> None: ...

    def effects(self, line: str = LIVE) -> list[Effect]: ...


class Sqlite:
    promotes = True

    def __init__(self, location: str) -> None:
        self.location = location

    def open(self, line: str = LIVE, sources: dict[str, Source] = SOURCES) -> Any:
        from anabranch.recovery.sinks.sqlite import SqliteSink

        path = self.location.removeprefix("sqlite:")
        return SqliteSink.open(path, SEEN, sources, line=line, clock_ms=lambda: 7)

    def effect(self, tx: Any, partition: int, offset: int) -> None:
        tx.execute(f"INSERT INTO {tx.table('seen')} VALUES (?, ?)", (partition, offset))

    def effects(self, line: str = LIVE) -> list[Effect]:
        with closing(sqlite3.connect(self.location.removeprefix("sqlite:"))) as connection:
            return connection.execute(
                f"SELECT * FROM {quoted(table_name('seen', line))} ORDER BY 1, 2"
            ).fetchall()


class Postgres:
    promotes = True

    def __init__(self, location: str) -> None:
        self.location = location

    def open(self, line: str = LIVE, sources: dict[str, Source] = SOURCES) -> Any:
        from anabranch.recovery.sinks.postgres import PostgresSink

        return PostgresSink.open(self.location, SEEN, sources, line=line, clock_ms=lambda: 7)

    def effect(self, tx: Any, partition: int, offset: int) -> None:
        tx.execute(f"INSERT INTO {tx.table('seen')} VALUES (%s, %s)", (partition, offset))

    def effects(self, line: str = LIVE) -> list[Effect]:
        from anabranch.recovery.sinks import postgres_server as server

        where = server.place(self.location)
        with server.connect(where) as connection:
            return connection.execute(
                f"SELECT * FROM {where.table(table_name('seen', line))} ORDER BY 1, 2"
            ).fetchall()


class Parquet:
    promotes = True

    def __init__(self, location: str) -> None:
        self.location = location

    def open(self, line: str = LIVE, sources: dict[str, Source] = SOURCES) -> Any:
        import pyarrow as pa

        from anabranch.recovery.sinks.objects import ParquetSink

        schema = pa.schema([("partition", pa.int32()), ("at", pa.int64())])
        place = self.location.removeprefix("parquet:")
        return ParquetSink.open(place, {"seen": schema}, sources, line=line, clock_ms=lambda: 7)

    def effect(self, tx: Any, partition: int, offset: int) -> None:
        (topic,) = tx.tally._sources  # the suite's sinks know one topic
        tx.write("seen", topic, partition, offset, {"partition": partition, "at": offset})

    def effects(self, line: str = LIVE) -> list[Effect]:
        from anabranch.recovery.sinks.objects_lines import ParquetLines

        sink = ParquetLines(self.location)
        if not sink.files(line):
            return []
        return sorted((row["partition"], row["at"]) for row in sink.read("seen", line).to_pylist())

    def plant(self, sink: Any, die: Callable[[], None]) -> None:
        """Die when the objects are there and the commit that names them is not."""
        store = sink._manifest.store
        put = store.put

        def put_or_die(key: str, *arguments: Any, **options: Any) -> int:
            if "/commits/" in key:
                die()
            return int(put(key, *arguments, **options))

        store.put = put_or_die


class Delta:
    promotes = True

    def __init__(self, location: str) -> None:
        self.location = location

    def open(self, line: str = LIVE, sources: dict[str, Source] = SOURCES) -> Any:
        import pyarrow as pa

        from anabranch.recovery.sinks.delta import DeltaSink

        schema = pa.schema([("partition", pa.int32()), ("at", pa.int64())])
        return DeltaSink.open(self.location, schema, sources, line=line, clock_ms=lambda: 7)

    def effect(self, tx: Any, partition: int, offset: int) -> None:
        tx.write({"partition": partition, "at": offset})

    def effects(self, line: str = LIVE) -> list[Effect]:
        from anabranch.recovery.sinks.delta_lines import DeltaLines

        rows = DeltaLines(self.location).read(line).to_pylist()
        return sorted((row["partition"], row["at"]) for row in rows)


KINDS: dict[str, type[Kind]] = {
    "sqlite": Sqlite,
    "postgres": Postgres,
    "parquet": Parquet,
    "delta": Delta,
}


class Http:
    """Effects that a replay stages; ``effects`` are those that a line (a run) had or would have had."""

    promotes = False

    def __init__(self, location: str) -> None:
        self.location = location

    def open(self, line: str = LIVE, sources: dict[str, Source] = SOURCES) -> Any:
        from anabranch.recovery.sinks.http import Effect, HttpEffects, OnReplay
        from anabranch.recovery.sinks.http_send import Response

        environ = {} if line == LIVE else {"ANABRANCH_SESSION": line}
        effect = Effect("call", on_replay=OnReplay.STAGE)
        return HttpEffects.open(
            self.location, [effect], sources, environ=environ, send=lambda *_: Response(200, b"")
        )

    def effect(self, tx: Any, partition: int, offset: int) -> None:
        from anabranch.recovery.sinks.http_send import Request

        (topic,) = tx.tally._sources
        tx.perform("call", topic, partition, offset, Request("POST", "http://nowhere.invalid/"))

    def effects(self, line: str = LIVE) -> list[Effect]:
        from anabranch.recovery.sinks.ledger import Ledger

        with closing(Ledger.open(self.location.removeprefix("http:"))) as ledger:
            return sorted((e.partition, e.offset) for e in ledger.entries(run=line))


class Kafka:
    promotes = False

    def __init__(self, location: str) -> None:
        self.location = location
        servers, _, positions = location.removeprefix("kafka:").partition("/")
        self.conf = {"bootstrap.servers": servers}
        self.sink = positions.removesuffix(".positions")
        self.output = f"{self.sink}-seen"

    def open(self, line: str = LIVE, sources: dict[str, Source] = SOURCES) -> Any:
        from confluent_kafka.admin import AdminClient, NewTopic

        from anabranch.recovery.sinks import kafka, kafka_positions

        admin = AdminClient(self.conf)
        kafka_positions.create(admin, NewTopic(kafka.staged_topic(self.output, line), 1, 1))
        return kafka.KafkaSink.open(self.conf, self.sink, {"seen": self.output}, sources, line=line)

    def effect(self, tx: Any, partition: int, offset: int) -> None:
        (topic,) = tx.tally._sources
        tx.produce("seen", topic, partition, offset, value=b"%d/%d" % (partition, offset))

    def effects(self, line: str = LIVE) -> list[Effect]:
        from confluent_kafka import Consumer, KafkaError, TopicPartition

        from anabranch.recovery.sinks.kafka import staged_topic

        consumer = Consumer(
            {
                **self.conf, "group.id": "reader", "isolation.level": "read_committed",
                "enable.partition.eof": True, "enable.auto.commit": False,
            }
        )  # fmt: skip
        consumer.assign([TopicPartition(staged_topic(self.output, line), 0, 0)])
        found = []
        for _ in range(100_000):
            message = consumer.poll(60)
            assert message is not None
            if message.error() is not None:
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                break
            partition, _, offset = message.value().decode().partition("/")
            found.append((int(partition), int(offset)))
            headers = dict(message.headers())
            assert headers["anabranch-source"].decode().endswith(f"/{partition}/{offset}")
        consumer.close()
        return sorted(found)

    def plant(self, sink: Any, die: Callable[[], None]) -> None:
        """Die when everything is at the broker and the transaction is not ended."""
        producer = sink._producer

        class Planted:
            def __getattr__(self, name: str) -> Any:
                if name == "commit_transaction":
                    producer.flush(60)
                    die()
                return getattr(producer, name)

        sink._producer = Planted()


EVERY: dict[str, type[Kind]] = {**KINDS, "kafka": Kafka}  # with a broker: tests/clients


def apply(
    kind: Kind, sink: Any, offsets: Sequence[int], partition: int = 0, topic: str = "flights"
) -> int:
    """Offer the records, have an effect for each that is fresh; returns how many were."""
    fresh = 0
    with sink.transaction() as tx:
        for offset in offsets:
            if tx.fresh(topic, partition, offset):
                fresh += 1
                kind.effect(tx, partition, offset)
    return fresh


def at_rest(kind: Kind) -> SinkLines:
    return open_lines(kind.location)


def locate(name: str, directory: Path) -> str:
    """A location that nothing was ever written to. Skips the test where its server is missing."""
    if name == "sqlite":
        return f"sqlite:{directory}/view.db"
    if name == "postgres":
        from tests.support.postgres import postgres_url

        return postgres_url()
    if name == "parquet":
        return f"parquet:{directory}/table"
    if name == "delta":
        return f"delta:{directory}/table"
    raise AssertionError(name)
