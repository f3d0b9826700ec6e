from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import UserFault
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.storage.directory import DirectoryStore
from anabranch.storage.dump import dump_path, dump_segment, render
from anabranch.storage.segment import (
    AbortedTransaction,
    SegmentIndexBuilder,
    index_key,
    segment_key,
)
from anabranch.storage.wal import FlushPart
from anabranch.storage.wal_file import FileWal

CLUSTER, TOPIC = b"c" * 16, bytes(range(16))


def batch(base_offset: int, count: int = 2, size: int = 10) -> bytes:
    records = [Record(timestamp=1000 + number, value=b"v" * size) for number in range(count)]
    return build_batch(records, base_offset=base_offset)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A WAL of two flushes and a segment with its index."""
    wal = FileWal.open(
        tmp_path / "wal", cluster_id=CLUSTER, broker_id=1, broker_epoch=1, file_bytes=65536
    )
    wal.write([FlushPart(TOPIC, 0, [batch(0), batch(0, 1)], 2), FlushPart(TOPIC, 1, [batch(0)], 1)])
    wal.write([FlushPart(TOPIC, 0, [b"no batch"], 1)])
    wal.close()
    store = DirectoryStore(tmp_path / "store")
    content = [batch(0), batch(2, 50, 60_000), batch(52)]
    build = SegmentIndexBuilder(cluster_id=CLUSTER, topic_name="t", topic_id=TOPIC, partition=0)
    for piece in content:
        build.add(piece)
    key = segment_key("t", TOPIC, 0, 0, "u")
    store.put(key, content)
    index = build.finish(aborted_transactions=[AbortedTransaction(1, 2, 3)])
    store.put(index_key(key), index.encode())
    store.close()
    return tmp_path


def dumped(path: Path, **options: Any) -> list[dict[str, Any]]:
    items = list(dump_path(path, **options))
    assert json.loads(json.dumps(items)) == items
    for item in items:
        assert item["type"] in render(item)
    return items


def test_everything_below_a_directory(data: Path) -> None:
    types = [item["type"] for item in dumped(data)]
    index = ["index", "entry", "entry", "aborted"]
    segment = ["segment", "batch", "batch", "batch", "end"]
    assert types == [*index, *segment, "wal", "frame", "frame", "end"]


def test_a_wal_with_its_batches(data: Path) -> None:
    (path,) = (data / "wal").glob("*.wal")
    _, first, second, end = dumped(path, batches=True)
    assert (first["sequence"], first["epoch"], end["ending"]) == (0, 1, "unwritten")
    assert [part["partition"] for part in first["parts"]] == [0, 1]
    headers = first["parts"][0]["batch_headers"]
    assert [(header["records"], header["valid"]) for header in headers] == [(2, True), (1, True)]
    assert headers[0]["position"] == first["parts"][0]["position"]
    assert second["parts"][0]["batch_headers"] == []  # too short for a header
    text = render(first)
    assert "AAECAwQFBgcICQoLDA0ODw" in text and text.count("\n") == 5


def test_damage_in_a_wal_is_shown_and_passed(data: Path) -> None:
    (path,) = (data / "wal").glob("*.wal")
    content = bytearray(path.read_bytes())
    content[4096 + 20] ^= 1
    path.write_bytes(content)
    _, damage, frame, _ = dumped(path)
    assert (damage["type"], damage["resume_at"]) == ("damage", 8192)
    assert (frame["type"], frame["position"]) == ("frame", 8192)
    content[20] ^= 1
    path.write_bytes(content)
    _, damage = dumped(path)
    assert "wrong checksum" in damage["error"]


def test_a_segment_and_its_damage(data: Path) -> None:
    (path,) = (data / "store").rglob("*.log")
    segment, *found, end = dumped(path)
    assert [(item["base_offset"], item["last_offset"]) for item in found] == [
        (0, 1),
        (2, 51),
        (52, 53),
    ]
    assert segment["bytes"] == end["position"] and all(item["valid"] for item in found)
    content = bytearray(path.read_bytes())
    content[found[1]["position"] + 100] ^= 1
    read = lambda position, length: bytes(content[position : position + length])  # noqa: E731
    assert [item.get("valid") for item in dump_segment(read)] == [True, False, True, None]
    del content[-1:]
    assert [item["type"] for item in dump_segment(read)] == ["batch", "batch", "damage"]
    content[found[1]["position"] + 16] = 7
    assert "magic 7" in list(dump_segment(read))[-1]["error"]


def test_an_index_and_its_damage(data: Path) -> None:
    (path,) = (data / "store").rglob("*.index")
    index, *rest = dumped(path)
    assert (index["topic"], index["topic_id"]) == ("t", "AAECAwQFBgcICQoLDA0ODw")
    assert [item["type"] for item in rest] == ["entry", "entry", "aborted"]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    (damage,) = dumped(path)
    assert damage["type"] == "damage"


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    for name in ("x.txt", "absent.wal"):
        with pytest.raises(UserFault):
            list(dump_path(tmp_path / name))
