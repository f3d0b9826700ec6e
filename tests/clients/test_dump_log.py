"""Segments are Kafka's own format: Kafka's dump tool reads what lies in the store."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest
from tests.clients.dialects import CODECS, Confluent, ConfluentIdempotent, Franz, Java, Rec
from tests.support.peers import Node, ToolResult, run_tool

MERGE_SECONDS_MAX = 150  # records reach a segment within about a minute


def closed_segments(target: Node | None, topic: str, records: int) -> list[Path]:
    """Segment files that together hold the first `records` records of partition 0."""
    if target is None:
        pytest.skip("needs the broker's own disk")
    deadline = time.monotonic() + MERGE_SECONDS_MAX
    while True:
        files = target.segments(topic)
        if files:
            last = dump(files[-1])
            offsets = [int(each) for each in re.findall(r"\blastOffset: (\d+)", last.out)]
            if offsets and offsets[-1] + 1 >= records:
                return files
        assert time.monotonic() < deadline, f"no segment holds offset {records - 1}: {files}"
        time.sleep(1)


def dump(segment: Path, *args: str) -> ToolResult:
    """kafka-dump-log of one segment, which must succeed and find nothing wrong."""
    done = run_tool("DumpLogSegments", ["--files", str(segment), *args]).checked()
    assert "isvalid: false" not in done.out
    return done


@pytest.mark.timeout(300)
def test_dump_log_reads_segments(
    target: Node | None, bootstrap: str, topic: str, tmp_path: Path
) -> None:
    """Every batch of five codecs, keys, headers, tombstones and producer state, by offset."""
    records: list[Rec] = []
    for n, codec in enumerate(CODECS):
        batch = [
            Rec(
                b"value %d of %s" % (i, codec.encode()), b"key %d" % i, (("codec", codec.encode()),)
            )
            for i in range(20)
        ]
        (ConfluentIdempotent if n % 2 else Confluent)(bootstrap).produce(topic, batch, codec)
        records += batch
    Franz(bootstrap).produce(topic, [Rec(None, b"tombstone"), Rec(b"no key")])
    Java(bootstrap).produce(topic, [Rec(b"from java", b"j")])
    records += [Rec(None, b"tombstone"), Rec(b"no key"), Rec(b"from java", b"j")]

    rows: list[tuple[int, str | None, str | None, str | None]] = []
    codecs: set[str] = set()
    next_offset = 0
    for segment in closed_segments(target, topic, len(records)):
        copy = tmp_path / segment.name  # without its neighbours, which the tool would also open
        shutil.copyfile(segment, copy)
        out = dump(copy, "--print-data-log").out
        for base, last, count in re.findall(
            r"^baseOffset: (\d+) lastOffset: (\d+) count: (\d+)", out, re.M
        ):
            assert int(base) == next_offset, "batches follow each other without a gap"
            assert int(last) - int(base) + 1 == int(count)
            next_offset = int(last) + 1
        codecs |= set(re.findall(r"compresscodec: (\w+)", out))
        assert re.search(r"isTransactional: false isControl: false", out)
        for line in out.splitlines():
            if not line.startswith("| offset: "):
                continue
            offset = int(line.split()[2])
            headers = re.search(r"headerKeys: \[(.*?)\]", line)
            key = re.search(r" key: (.*?)(?: payload: |$)", line)
            payload = re.search(r" payload: (.*)$", line)
            rows.append(
                (
                    offset,
                    key.group(1) if key else None,
                    payload.group(1) if payload else None,
                    (headers.group(1) or None) if headers else None,
                )
            )
    assert codecs >= {"none", "gzip", "snappy", "lz4", "zstd"}
    wanted = [
        (
            offset,
            record.key.decode() if record.key is not None else None,
            record.value.decode() if record.value is not None else None,
            "codec" if record.headers else None,
        )
        for offset, record in enumerate(records)
    ]
    assert rows[: len(wanted)] == wanted
