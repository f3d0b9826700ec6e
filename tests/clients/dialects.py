"""Six client libraries behind one pair of verbs, so that each can write what the others read."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tests.support.peers import KCat, franz_binary, run_tool

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
READ_SECONDS_MAX = 40.0


@dataclass(frozen=True)
class Rec:
    """One record as a client gives or gets it; None is Kafka's null."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp_ms: int | None = None
    partition: int = 0
    offset: int | None = None

    def content(self) -> Rec:
        """Without what the broker or the clock decided."""
        return replace(self, timestamp_ms=None, offset=None)


class Dialect(ABC):
    """One client library talking to `bootstrap`."""

    name: ClassVar[str]
    writes_timestamps: ClassVar[bool] = True
    writes_null_headers: ClassVar[bool] = True
    tells_null_from_empty: ClassVar[bool] = True

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    @abstractmethod
    def produce(self, topic: str, records: Sequence[Rec], codec: str = "none") -> None:
        """Write `records` in order and wait for every acknowledgement."""

    @abstractmethod
    def consume(self, topic: str, count: int, partitions: int = 1) -> list[Rec]:
        """Read `count` records from the start, in order of partition and offset."""


def ordered(records: Iterable[Rec]) -> list[Rec]:
    return sorted(records, key=lambda record: (record.partition, record.offset))


class Confluent(Dialect):
    """confluent-kafka: librdkafka."""

    name = "confluent"
    producer_settings: ClassVar[dict[str, Any]] = {}

    def produce(self, topic: str, records: Sequence[Rec], codec: str = "none") -> None:
        from confluent_kafka import Producer

        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "compression.type": codec,
                "linger.ms": 20,
                **self.producer_settings,
            }
        )
        failures: list[Any] = []
        for record in records:
            producer.produce(
                topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers) or None,
                timestamp=record.timestamp_ms or 0,
                partition=record.partition,
                on_delivery=lambda error, _: failures.append(error) if error else None,
            )
        left = producer.flush(READ_SECONDS_MAX)
        assert (left, failures) == (0, [])

    def consume(self, topic: str, count: int, partitions: int = 1) -> list[Rec]:
        from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "unused",
                "enable.auto.commit": False,
                "check.crcs": True,
                "auto.offset.reset": "error",
            }
        )
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
        found: list[Rec] = []
        try:
            while len(found) < count:
                messages = consumer.consume(count - len(found), READ_SECONDS_MAX)
                assert messages, f"{len(found)} of {count} records after {READ_SECONDS_MAX} s"
                for message in messages:
                    assert message.error() is None, message.error()
                    found.append(
                        Rec(
                            message.value(),
                            message.key(),
                            tuple(message.headers() or ()),
                            message.timestamp()[1],
                            message.partition(),
                            message.offset(),
                        )
                    )
        finally:
            consumer.close()
        return ordered(found)


class ConfluentIdempotent(Confluent):
    """librdkafka's idempotent producer."""

    name = "confluent-idempotent"
    producer_settings: ClassVar[dict[str, Any]] = {"enable.idempotence": True}


class KafkaPython(Dialect):
    """kafka-python: pure Python, its own protocol stack."""

    name = "kafka-python"
    writes_null_headers = False  # send() insists on bytes

    def produce(self, topic: str, records: Sequence[Rec], codec: str = "none") -> None:
        from kafka import KafkaProducer

        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap,
            compression_type=None if codec == "none" else codec,
            linger_ms=20,
        )
        try:
            sent = [
                producer.send(
                    topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers),
                    partition=record.partition,
                    timestamp_ms=record.timestamp_ms,
                )
                for record in records
            ]
            for future in sent:
                future.get(READ_SECONDS_MAX)
        finally:
            producer.close()

    def consume(self, topic: str, count: int, partitions: int = 1) -> list[Rec]:
        from kafka import KafkaConsumer, TopicPartition

        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            enable_auto_commit=False,
            check_crcs=True,
            consumer_timeout_ms=READ_SECONDS_MAX * 1000,
        )
        assigned = [TopicPartition(topic, p) for p in range(partitions)]
        consumer.assign(assigned)
        consumer.seek_to_beginning(*assigned)
        found: list[Rec] = []
        try:
            for message in consumer:
                found.append(
                    Rec(
                        message.value,
                        message.key,
                        tuple((key, value) for key, value in message.headers),
                        message.timestamp,
                        message.partition,
                        message.offset,
                    )
                )
                if len(found) == count:
                    break
        finally:
            consumer.close()
        assert len(found) == count
        return ordered(found)


class AioKafka(Dialect):
    """aiokafka: asyncio, Cython record batches, old protocol versions."""

    name = "aiokafka"

    def produce(self, topic: str, records: Sequence[Rec], codec: str = "none") -> None:
        asyncio.run(self._produce(topic, records, codec))

    async def _produce(self, topic: str, records: Sequence[Rec], codec: str) -> None:
        from aiokafka import AIOKafkaProducer

        async with AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            compression_type=None if codec == "none" else codec,
            linger_ms=20,
        ) as producer:
            sent = [
                await producer.send(
                    topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers),
                    partition=record.partition,
                    timestamp_ms=record.timestamp_ms,
                )
                for record in records
            ]
            await asyncio.wait_for(asyncio.gather(*sent), READ_SECONDS_MAX)

    def consume(self, topic: str, count: int, partitions: int = 1) -> list[Rec]:
        return asyncio.run(asyncio.wait_for(self._consume(topic, count, partitions), 40))

    async def _consume(self, topic: str, count: int, partitions: int) -> list[Rec]:
        from aiokafka import AIOKafkaConsumer, TopicPartition

        found: list[Rec] = []
        async with AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, check_crcs=True
        ) as consumer:
            assigned = [TopicPartition(topic, p) for p in range(partitions)]
            consumer.assign(assigned)
            await consumer.seek_to_beginning(*assigned)
            async for message in consumer:
                found.append(
                    Rec(
                        message.value,
                        message.key,
                        tuple((key, value) for key, value in message.headers),
                        message.timestamp,
                        message.partition,
                        message.offset,
                    )
                )
                if len(found) == count:
                    break
        return ordered(found)


class Kcat(Dialect):
    """kcat: librdkafka 2.0 of the distribution, driven through its text formats."""

    name = "kcat"
    writes_timestamps = False
    writes_null_headers = False
    tells_null_from_empty = False

    def produce(self, topic: str, records: Sequence[Rec], codec: str = "none") -> None:
        kcat = KCat(self.bootstrap)
        # Headers and partition belong to a run, so records that share them go in one run.
        runs: list[list[Rec]] = []
        for record in records:
            alike = runs and (runs[-1][0].partition, runs[-1][0].headers) == (
                record.partition,
                record.headers,
            )
            if alike:
                runs[-1].append(record)
            else:
                runs.append([record])
        for run in runs:
            headers = [
                arg
                for key, value in run[0].headers
                for arg in ("-H", f"{key}={(value or b'').decode()}")
            ]
            lines = b"\x1e".join(
                (record.key or b"") + b"\x1f" + (record.value or b"") for record in run
            )
            kcat.run(
                *("-P", "-t", topic, "-p", str(run[0].partition), "-z", codec, "-Z"),
                *("-K", "\x1f", "-D", "\x1e", *headers),
                stdin=lines,
            )

    def consume(self, topic: str, count: int, partitions: int = 1) -> list[Rec]:
        out = KCat(self.bootstrap).run(
            *("-C", "-t", topic, "-o", "beginning", "-c", str(count), "-J", "-q"),
            *("-X", "check.crcs=true"),
        )
        found = []
        for line in out.splitlines():
            row = json.loads(line)
            flat = row.get("headers", [])
            pairs = zip(flat[::2], flat[1::2], strict=True)
            found.append(
                Rec(
                    _encoded(row["payload"]),
                    _encoded(row["key"]),
                    tuple((key, _encoded(value)) for key, value in pairs),
                    row["ts"],
                    row["partition"],
                    row["offset"],
                )
            )
        assert len(found) == count
        return ordered(found)


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


class Java(Dialect):
    """The Java clients, through Kafka's console producer (idempotent) and console consumer."""

    name = "java"
    writes_timestamps = False
    writes_null_headers = True
    NULL = "\x02"  # how the console tools spell null
    # Control characters separate, because contents hold every printable one.
    HEADERS_END, HEADER_NEXT, HEADER_KEY_END, KEY_END = "\x1c", "\x1d", "\x1e", "\x1f"

    def produce(self, topic: str, records: Sequence[Rec], codec: str = "none") -> None:
        assert {record.partition for record in records} == {0}, "the console producer cannot choose"
        lines = []
        for record in records:
            headers = self.HEADER_NEXT.join(
                f"{key}{self.HEADER_KEY_END}{self._shown(value)}" for key, value in record.headers
            )
            lines.append(
                f"{headers or self.NULL}{self.HEADERS_END}"
                f"{self._shown(record.key)}{self.KEY_END}{self._shown(record.value)}\n"
            )
        run_tool(
            "ConsoleProducer",
            [
                *("--bootstrap-server", self.bootstrap, "--topic", topic),
                *("--compression-codec", codec),
                *self._reader("parse.key=true", f"key.separator={self.KEY_END}"),
                *self._reader("parse.headers=true", f"headers.delimiter={self.HEADERS_END}"),
                *self._reader(f"headers.separator={self.HEADER_NEXT}"),
                *self._reader(f"headers.key.separator={self.HEADER_KEY_END}"),
                *self._reader(f"null.marker={self.NULL}"),
            ],
            stdin="".join(lines),
        ).checked()

    def _reader(self, *properties: str) -> list[str]:
        return [arg for each in properties for arg in ("--reader-property", each)]

    def _shown(self, data: bytes | None) -> str:
        return self.NULL if data is None else data.decode()

    def consume(self, topic: str, count: int, partitions: int = 1) -> list[Rec]:
        found = self._console(topic, "--max-messages", str(count), "--timeout-ms", "30000")
        assert len(found) == count
        return found

    def drain(self, topic: str, quiet_ms: int = 10_000) -> list[Rec]:
        """Everything from the start, until nothing came for so long."""
        return self._console(topic, "--timeout-ms", str(quiet_ms))

    def _console(self, topic: str, *args: str) -> list[Rec]:
        properties = {
            **dict.fromkeys(
                ["print.timestamp", "print.partition", "print.offset", "print.headers"], "true"
            ),
            "print.key": "true",
            "key.separator": self.KEY_END,
            "headers.separator": self.HEADER_NEXT,
            "null.literal": self.NULL,
            "line.separator": "\x03",
        }
        done = run_tool(
            "ConsoleConsumer",
            [
                *("--bootstrap-server", self.bootstrap, "--topic", topic, "--from-beginning"),
                *args,
                *(
                    arg
                    for key, value in properties.items()
                    for arg in ("--formatter-property", f"{key}={value}")
                ),
            ],
        ).checked()
        found = []
        for line in done.out.split("\x03")[:-1]:
            stamp, partition, offset, headers, key, value = line.split(self.KEY_END)
            pairs = () if headers == "NO_HEADERS" else headers.split(self.HEADER_NEXT)
            found.append(
                Rec(
                    self._read(value),
                    self._read(key),
                    tuple(
                        (name, self._read(text)) for name, text in (h.split(":", 1) for h in pairs)
                    ),
                    int(stamp.split(":")[1]),
                    int(partition.split(":")[1]),
                    int(offset.split(":")[1]),
                )
            )
        return ordered(found)

    def _read(self, text: str) -> bytes | None:
        return None if text == self.NULL else text.encode()


class Franz(Dialect):
    """franz-go: idempotent by default, newest protocol versions."""

    name = "franz-go"

    def produce(self, topic: str, records: Sequence[Rec], codec: str = "none") -> None:
        lines = [
            json.dumps(
                {
                    "partition": record.partition,
                    "timestamp": record.timestamp_ms or 0,
                    "key": _base64(record.key),
                    "value": _base64(record.value),
                    "headers": [[_base64(k.encode()), _base64(v)] for k, v in record.headers],
                }
            )
            for record in records
        ]
        out = self.run("produce", topic, "-codec", codec, stdin="\n".join(lines))
        assert len(out) == len(records)

    def consume(self, topic: str, count: int, partitions: int = 1) -> list[Rec]:
        return ordered(map(franz_record, self.run("consume", topic, "-count", str(count))))

    def run(self, verb: str, topic: str, *args: str, stdin: str = "") -> list[Any]:
        done = subprocess.run(
            [str(franz_binary()), verb, "-bootstrap", self.bootstrap, "-topic", topic, *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


def franz_record(row: dict[str, Any]) -> Rec:
    """A record of the Go driver's JSON."""
    return Rec(
        _unbase64(row["value"]),
        _unbase64(row["key"]),
        tuple(((_unbase64(k) or b"").decode(), _unbase64(v)) for k, v in row["headers"]),
        row["timestamp"],
        row["partition"],
        row["offset"],
    )


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _unbase64(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


DIALECTS: list[type[Dialect]] = [
    Confluent,
    ConfluentIdempotent,
    KafkaPython,
    AioKafka,
    Kcat,
    Java,
    Franz,
]
READERS = [dialect for dialect in DIALECTS if dialect is not ConfluentIdempotent]
