"""What one client writes, every client reads: contents, codecs, sizes, times.

Each test writes with one library or codec and reads the topic with all of them.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace

import pytest
from tests.clients.conftest import make_topic
from tests.clients.dialects import CODECS, DIALECTS, READERS, Confluent, Dialect, Rec

HOUR_MS = 3_600_000
RECORDS = [
    Rec(b"plain", b"key"),
    Rec(b"no key"),
    Rec(b"", b"empty value"),
    Rec(b"empty key", b""),
    Rec(None, b"tombstone"),
    Rec(b"one header", b"h1", (("trace", b"a1"),)),
    Rec(b"same name twice", b"h2", (("n", b"1"), ("n", b"2"), ("m", b""))),
    Rec(b"null header", b"h3", (("none", None), ("some", b"x"))),
    Rec("größe: 2 µm, 雪".encode(), "schlüssel".encode(), (("grüß", "ß".encode()),)),
    Rec(b"late", b"t", timestamp_ms=1_600_000_000_123),
    Rec(b"tab\tand, comma: colon = equals", b"a b"),
]


def writable(dialect: type[Dialect], record: Rec) -> Rec:
    """`record` as `dialect` is able to express it."""
    if not dialect.writes_timestamps:
        record = replace(record, timestamp_ms=None)
    if not dialect.writes_null_headers:
        headers = tuple((name, value or b"") for name, value in record.headers)
        record = replace(record, headers=headers)
    if not dialect.tells_null_from_empty:  # with -Z kcat makes every empty field null
        record = replace(record, key=record.key or None, value=record.value or None)
    return record


@pytest.mark.parametrize("writer", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_client_reads_what_one_wrote(
    writer: type[Dialect], bootstrap: str, topic: str
) -> None:
    records = [writable(writer, record) for record in RECORDS]
    before_ms = int(time.time() * 1000)
    writer(bootstrap).produce(topic, records)
    after_ms = int(time.time() * 1000)

    reads = {each.name: each(bootstrap).consume(topic, len(records)) for each in READERS}
    for reader in READERS:
        found = reads[reader.name]
        wrote = [record.content() for record in records]
        assert [record.content() for record in found] == wrote, reader.name
        assert [record.offset for record in found] == list(range(len(records))), reader.name
        for wanted, record in zip(records, found, strict=True):
            if wanted.timestamp_ms is not None:
                assert record.timestamp_ms == wanted.timestamp_ms, reader.name
            else:
                assert record.timestamp_ms is not None
                assert before_ms - 5 <= record.timestamp_ms <= after_ms + 5, reader.name


@pytest.mark.parametrize("codec", CODECS)
def test_codec_of_every_writer_is_read_by_every_reader(
    codec: str, bootstrap: str, topic: str
) -> None:
    """Seven writers append to one partition; offsets stay dense and nobody's bytes change."""
    wanted: list[Rec] = []
    for writer in DIALECTS:
        text = f"{writer.name} wrote this with {codec}; " * 8
        batch = [Rec(f"{n}: {text}".encode(), f"{writer.name}/{n}".encode()) for n in range(40)]
        writer(bootstrap).produce(topic, batch, codec)
        wanted += batch
    for reader in READERS:
        found = reader(bootstrap).consume(topic, len(wanted))
        assert [record.content() for record in found] == wanted, reader.name
        assert [record.offset for record in found] == list(range(len(wanted))), reader.name


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_large_messages(codec: str, bootstrap: str, name: str) -> None:
    """5 MB records pass where the topic allows them, and are refused by name where it does not."""
    from confluent_kafka import KafkaError, KafkaException, Producer

    make_topic(bootstrap, name, config={"max.message.bytes": str(6 << 20)})
    seed = hashlib.sha512(codec.encode()).digest()
    value = b"".join(
        hashlib.sha512(seed + bytes([n % 251])).digest() for n in range(5 * 2**20 // 64)
    )
    assert len(value) == 5 << 20
    settings = {"bootstrap.servers": bootstrap, "message.max.bytes": 8 << 20}
    producer = Producer({**settings, "compression.type": codec})
    for n in range(3):
        producer.produce(name, key=b"%d" % n, value=value + b"%d" % n)
    assert producer.flush(40) == 0
    for reader in READERS:
        if reader.name in ("kcat", "java"):  # read as text; the size is what matters here
            continue
        found = reader(bootstrap).consume(name, 3)
        assert [record.value for record in found] == [value + b"%d" % n for n in range(3)]

    errors: list[KafkaError] = []
    unbounded = Producer({**settings, "message.max.bytes": 16 << 20})
    unbounded.produce(name, bytes(7 << 20), on_delivery=lambda error, _: errors.append(error))
    unbounded.flush(40)
    assert [error.code() for error in errors] == [KafkaError.MSG_SIZE_TOO_LARGE]
    with pytest.raises(KafkaException):
        raise KafkaException(errors[0])
    assert len(Confluent(bootstrap).consume(name, 3)) == 3


def test_offsets_for_times(bootstrap: str, name: str) -> None:
    """A timestamp finds the first record at or after it, in every client, also across batches."""
    import asyncio

    from aiokafka import AIOKafkaConsumer
    from aiokafka import TopicPartition as AioPartition
    from confluent_kafka import Consumer, TopicPartition
    from kafka import KafkaConsumer
    from kafka import TopicPartition as PythonPartition

    topic = make_topic(bootstrap, name, config={"retention.ms": "-1"})
    start_ms = 1_700_000_000_000
    for batch in range(4):
        records = [
            Rec(b"%d" % n, timestamp_ms=start_ms + (batch * 25 + n) * HOUR_MS) for n in range(25)
        ]
        Confluent(bootstrap).produce(topic, records, CODECS[batch])
    asked = {
        start_ms - 1: 0,
        start_ms: 0,
        start_ms + 1: 1,
        start_ms + 24 * HOUR_MS: 24,
        start_ms + 24 * HOUR_MS + 1: 25,
        start_ms + 60 * HOUR_MS - 1: 60,
        start_ms + 99 * HOUR_MS: 99,
    }
    past_end = start_ms + 99 * HOUR_MS + 1

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused"})
    for stamp, offset in asked.items():
        (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, stamp)], 20)
        assert found.offset == offset
    (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, past_end)], 20)
    assert found.offset == -1
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), 20) == (0, 100)
    consumer.close()

    python = KafkaConsumer(bootstrap_servers=bootstrap)
    partition = PythonPartition(topic, 0)
    for stamp, offset in asked.items():
        answer = python.offsets_for_times({partition: stamp})[partition]
        assert (answer.offset, answer.timestamp) == (offset, start_ms + offset * HOUR_MS)
    assert python.offsets_for_times({partition: past_end})[partition] is None
    assert python.end_offsets([partition]) == {partition: 100}
    python.close()

    async def with_aiokafka() -> None:
        aio = AioPartition(topic, 0)
        async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as client:
            for stamp, offset in asked.items():
                answer = (await client.offsets_for_times({aio: stamp}))[aio]
                assert (answer.offset, answer.timestamp) == (offset, start_ms + offset * HOUR_MS)
            assert (await client.offsets_for_times({aio: past_end}))[aio] is None
            assert await client.beginning_offsets([aio]) == {aio: 0}

    asyncio.run(with_aiokafka())


def test_log_append_time(bootstrap: str, name: str) -> None:
    """With LogAppendTime the broker's clock wins and every client says so."""
    from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, TopicPartition

    make_topic(bootstrap, name, config={"message.timestamp.type": "LogAppendTime"})
    before_ms = int(time.time() * 1000)
    Confluent(bootstrap).produce(name, [Rec(b"%d" % n, timestamp_ms=1000 + n) for n in range(5)])
    after_ms = int(time.time() * 1000)
    for reader in READERS:
        found = reader(bootstrap).consume(name, 5)
        assert all(before_ms <= (r.timestamp_ms or 0) <= after_ms for r in found), reader.name
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused"})
    consumer.assign([TopicPartition(name, 0, 0)])
    message = consumer.poll(20)
    assert message is not None and message.timestamp()[0] == TIMESTAMP_LOG_APPEND_TIME
    consumer.close()


def test_compacted_topic_refuses_records_without_key(bootstrap: str, name: str) -> None:
    from confluent_kafka import KafkaError, Producer

    make_topic(bootstrap, name, config={"cleanup.policy": "compact"})
    outcomes: list[int | None] = []
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
    for key in (b"k", None, b"k2"):
        producer.produce(
            name, b"v", key, on_delivery=lambda e, _: outcomes.append(e.code() if e else None)
        )
        assert producer.flush(20) == 0
    assert outcomes == [None, KafkaError.INVALID_RECORD, None]
    assert [r.key for r in Confluent(bootstrap).consume(name, 2)] == [b"k", b"k2"]
