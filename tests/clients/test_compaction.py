"""What compaction leaves behind is Kafka's own format: real readers and Kafka's dump tool take it.

Batches with gaps within and between them, empty ones, rewritten ones of every codec, delete markers with a
horizon in place of the base timestamp.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.clients.conftest import make_topic
from tests.clients.dialects import (
    CODECS,
    READERS,
    Confluent,
    ConfluentIdempotent,
    Franz,
    Java,
    Rec,
    ordered,
)
from tests.support.peers import AnabranchNode, ToolResult, run_tool
from tests.support.peers.anabranch import anabranch_command

pytestmark = pytest.mark.timeout(240)
START_MS = 1_700_000_000_000
ROUNDS = 2
COMPACTED_SECONDS_MAX = 60
DAY_MS = 24 * 60 * 60_000


@pytest.fixture(scope="module")
def node() -> Iterator[AnabranchNode]:
    """A broker that compacts what it has as soon as it is merged."""
    settings = {
        "log": {
            "merge_age_ms": 300,
            "background_interval_ms": 200,
            "compaction_interval_ms": 300,
            "segment_bytes": 4096,  # gaps also where one segment ends
            "tail_bytes_max": 1,  # what is in memory is as it was written
        },
        "groups": {"initial_rebalance_delay_ms": 0},
    }
    with AnabranchNode(settings=settings) as node:
        yield node


def write(bootstrap: str, topic: str) -> list[Rec]:
    """A history with keys that live for a record, a batch, a round or for ever; by offset."""
    written: list[Rec] = []

    def put(writer: Any, pairs: list[tuple[bytes, bytes | None]], codec: str = "none") -> None:
        base = len(written)
        records = [
            Rec(
                value,
                key,
                (("codec", codec.encode()), ("null", None)),
                START_MS + 1000 * (base + n) if writer.writes_timestamps else None,
            )
            for n, (key, value) in enumerate(pairs)
        ]
        writer(bootstrap).produce(topic, records, codec)
        written.extend(replace(each, offset=base + n) for n, each in enumerate(records))

    for turn in range(ROUNDS):
        for n, codec in enumerate(CODECS):
            pairs: list[tuple[bytes, bytes | None]] = []
            for i in range(40):
                key = (f"only {turn} {codec} {i}", f"shared {i}", "hot", f"{codec} {i}")[i % 4]
                pairs.append((key.encode(), f"value {i} of {codec} in {turn} ".encode() * 9))
            put([ConfluentIdempotent, Confluent, Java, Franz][(n + turn) % 4], pairs, codec)
    put(Confluent, [(b"hot", b"all of this batch goes")] * 10, "lz4")
    put(Franz, [(b"hot", b"its producer's last batch, of which nothing stays")] * 10, "gzip")
    dead: list[tuple[bytes, bytes | None]] = [
        (b"only 0 none %d" % i, None) for i in range(0, 40, 8)
    ]
    put(ConfluentIdempotent, [*dead, (b"alive", b"among delete markers")], "zstd")
    put(Franz, [(b"hot", b"alive"), (b"zstd 3", None)], "snappy")
    put(Java, [(b"hot", None), (b"shared 1", None)])
    return written


def newest(written: list[Rec], *, markers: bool) -> list[Rec]:
    """What compaction has to leave of the records: per key the newest."""
    of_key = {record.key: record for record in written}
    return ordered(each for each in of_key.values() if markers or each.value is not None)


def like(found: list[Rec], expected: list[Rec]) -> list[Rec]:
    """Without the timestamps that the writer left to the clock."""
    if len(found) != len(expected):
        return found
    return [
        each if wanted.timestamp_ms is not None else replace(each, timestamp_ms=None)
        for each, wanted in zip(found, expected, strict=True)
    ]


def await_compacted(bootstrap: str, topic: str, written: list[Rec], expected: list[Rec]) -> None:
    """librdkafka reads to the end again and again, until no more is there than should be."""
    deadline = time.monotonic() + COMPACTED_SECONDS_MAX
    while True:
        found, end = to_the_end(bootstrap, topic)
        assert end == len(written), "the end stays where it was"
        assert {each.offset for each in expected} <= {each.offset for each in found}
        if like(found, expected) == expected:
            return
        assert time.monotonic() < deadline, (found, expected)
        time.sleep(0.3)


def to_the_end(bootstrap: str, topic: str) -> tuple[list[Rec], int]:
    """What librdkafka reads from the start, and the offset at which it says that this is all."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "unused",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "check.crcs": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    found: list[Rec] = []
    try:
        while True:
            message = consumer.poll(30)
            assert message is not None, "neither a record nor the end within 30 s"
            if (error := message.error()) is not None:
                assert error.code() == KafkaError._PARTITION_EOF, error
                return found, message.offset()
            found.append(
                Rec(
                    message.value(),
                    message.key(),
                    tuple(message.headers() or ()),
                    message.timestamp()[1],
                    0,
                    message.offset(),
                )
            )
    finally:
        consumer.close()


def live_segments(node: AnabranchNode, topic: str, into: Path) -> list[Path]:
    """The bytes that the log of partition 0 consists of now, as files for Kafka's tool."""
    done = subprocess.run(
        [
            *(*anabranch_command(), "log", "dump", topic, "--partition", "0", "--output", "json"),
            *("--data", str(node.store_data)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    files = []
    for row in map(json.loads, done.stdout.splitlines()):
        if row["type"] != "extent":
            continue
        assert row["kind"] != "wal", "compacted parts are merged"
        with (node.store_data / "store" / row["object"]).open("rb") as file:
            file.seek(row["position"])
            data = file.read(row["bytes"])
        files.append(into / f"{row['base_offset']:020}.log")
        files[-1].write_bytes(data)
    return files


def dump(files: list[Path]) -> ToolResult:
    """kafka-dump-log, record by record."""
    done = run_tool(
        "DumpLogSegments",
        ["--files", ",".join(map(str, files)), "--deep-iteration", "--print-data-log"],
    ).checked()
    assert "isvalid: false" not in done.out
    # It remarks on gaps, which any compacted log has, and on nothing else.
    remarks = r"(Non-consecutive offsets in .*| *-?\d+ is followed by \d+)"
    assert all(re.fullmatch(remarks, line) for line in done.err.splitlines()), done.err
    return done


@pytest.mark.parametrize("markers", [True, False], ids=["markers-stay", "markers-go"])
def test_compacted_log_is_read_by_all(
    markers: bool, node: AnabranchNode, name: str, tmp_path: Path
) -> None:
    topic = make_topic(
        node.bootstrap,
        name,
        config={
            "cleanup.policy": "compact",
            "min.cleanable.dirty.ratio": "0",
            "delete.retention.ms": str(DAY_MS if markers else 0),
        },
    )
    written = write(node.bootstrap, topic)
    expected = newest(written, markers=markers)
    assert len(expected) < len(written) / 2
    other = make_topic(node.bootstrap, f"{name}-other")
    Confluent(node.bootstrap).produce(other, [Rec(b"takes the tail's place in memory")])
    await_compacted(node.bootstrap, topic, written, expected)

    files = live_segments(node, topic, tmp_path)
    assert len(files) > 1
    out = dump(files).out
    batches = [
        tuple(map(int, each))
        for each in re.findall(r"^baseOffset: (\d+) lastOffset: (\d+) count: (\d+)", out, re.M)
    ]
    behind = 0
    gaps = thinned = empty = 0
    for base, last, count in batches:
        assert behind <= base <= last and count <= last - base + 1
        gaps += behind < base
        thinned += 0 < count < last - base + 1
        empty += count == 0
        behind = last + 1
    assert behind == len(written), "the last batch covers the end, be it empty"
    assert gaps and thinned and empty, batches
    assert set(re.findall(r"compresscodec: (\w+)", out)) >= set(CODECS)
    assert "deleteHorizonMs: OptionalLong[" in out
    assert _dumped(out) == [(each.offset, each.key, each.value) for each in expected]

    java = Java(node.bootstrap).drain(topic)
    assert like(java, expected) == expected
    for reader in READERS:
        if reader is not Java:
            found = reader(node.bootstrap).consume(topic, len(expected))
            assert like(found, expected) == expected, reader.name


def _dumped(out: str) -> list[tuple[int, bytes | None, bytes | None]]:
    rows = []
    for line in out.splitlines():
        if line.startswith("| offset: "):
            key = re.search(r" key: (.*?)(?: payload: |$)", line)
            value = re.search(r" payload: (.*)$", line)
            rows.append(
                (
                    int(line.split()[2]),
                    key[1].encode() if key else None,
                    value[1].encode() if value else None,
                )
            )
    return rows
