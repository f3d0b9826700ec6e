"""Formats made visible: WAL files, segments and their indexes as plain values and as lines of text.

Every function yields dictionaries of JSON values, so that ``anabranch log dump --output json`` prints
them as they are; ``render`` makes the line that a person reads. Dumping never changes a file, and damage
is an item of the dump, not the end of it.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from anabranch.errors import Corrupt, StoreFault, UserFault
from anabranch.records.batch import BATCH_OVERHEAD, BatchHeader, crc_matches, parse_header, scan
from anabranch.storage.disk import Disk, disk_fault
from anabranch.storage.dump_journal import dump_journal, is_journal
from anabranch.storage.pack import MAGIC as PACK_MAGIC
from anabranch.storage.pack import PackIndex
from anabranch.storage.segment import SegmentIndex
from anabranch.storage.store import NotFound
from anabranch.storage.wal import WalReader
from anabranch.storage.wal_format import FILE_HEADER_BYTES, Frame, FramePart
from anabranch.storage.wal_scan import Ending, ScanEnd, scan_frames

Item = dict[str, Any]
ReadAt = Callable[[int, int], bytes]  # (position, length); fewer bytes at the end

_READ_BYTES = 1 << 20
_SUFFIXES = (".wal", ".log", ".pack", ".index")


def dump_path(path: Path, *, batches: bool = False) -> Iterator[Item]:
    """Dump a file by its kind; a directory is dumped file by file.

    ``batches`` lists the batches in each frame of a WAL, and the rows of the journal. Raises ``UserFault`` for a file of no kind.
    """
    if path.is_dir():
        found = sorted(
            p for p in path.rglob("*") if p.is_file() and (p.suffix in _SUFFIXES or is_journal(p))
        )
        for file in found:
            yield from dump_path(file, batches=batches)
        return
    if not path.is_file():
        raise UserFault(f"{path} does not exist")
    if path.suffix == ".wal":
        yield from dump_wal(path, batches=batches)
    elif path.suffix == ".log":
        yield {"type": "segment", "path": str(path), "bytes": path.stat().st_size}
        with _Reader(path) as read:
            yield from dump_segment(read)
    elif path.suffix == ".pack":
        yield {"type": "pack", "path": str(path), "bytes": path.stat().st_size}
        with _Reader(path) as read:
            yield from dump_segment(read)
    elif path.suffix == ".index":
        yield from dump_index(path.read_bytes(), str(path))
    elif is_journal(path):
        yield from dump_journal(path.read_bytes(), str(path), rows=batches)
    else:
        raise UserFault(
            f"{path} is no WAL file (.wal), segment (.log), pack (.pack), index (.index) or journal object"
        )


def dump_wal(path: Path, *, batches: bool = False) -> Iterator[Item]:
    """The frames of a WAL file in order, also those behind damage, and how it ends."""
    yield {"type": "wal", "path": str(path), "bytes": path.stat().st_size}
    with _Reader(path) as read:
        start: int | None = FILE_HEADER_BYTES
        while start is not None:
            scan = scan_frames(path, start=start)
            try:
                for frame in scan:
                    yield _frame(frame, read if batches else None)
            except (Corrupt, StoreFault) as error:
                yield {"type": "damage", "error": str(error)}
                return
            assert scan.end is not None
            yield _end(scan.end)
            start = scan.end.resume_at


def dump_object_wal(reader: WalReader, *, batches: bool = False) -> Iterator[Item]:
    """All flushes of a WAL of objects, oldest epoch first. Raises ``StoreFault``."""
    for info in reader.objects():
        yield {"type": "wal", "path": info.key, "bytes": info.size}

        def read(position: int, length: int, key: str = info.key) -> bytes:
            return reader.read(key, position, length)

        scan = reader.scan(info.key)
        try:
            for frame in scan:
                yield _frame(frame, read if batches else None)
        except NotFound:
            yield {"type": "end", "position": 0, "why": "merged and collected meanwhile"}
            continue
        assert scan.end is not None
        yield _end(scan.end)


def _frame(frame: Frame, read: ReadAt | None) -> Item:
    return {
        "type": "frame",
        "position": frame.position,
        "bytes": frame.length,
        "sequence": frame.sequence,
        "broker_id": frame.life.broker_id,
        "epoch": frame.life.epoch,
        "generation": frame.life.generation,
        "settled": frame.past.settled,
        "failed": [one._asdict() for one in frame.past.failed],
        "parts": [_part(part, read) for part in frame.parts],
    }


def _end(end: ScanEnd) -> Item:
    return {
        "type": "damage" if end.ending is Ending.DAMAGED else "end",
        "position": end.position,
        "ending": end.ending.name.lower(),
        "why": end.ending.value,
        "resume_at": end.resume_at,
    }


def dump_segment(read: ReadAt) -> Iterator[Item]:
    """The batches of a segment's or a pack's bytes, each with the verdict on its checksum."""
    position = 0
    buffer, start = b"", 0  # bytes of the segment from `start` on
    while True:
        if position + BATCH_OVERHEAD > start + len(buffer):
            buffer, start = read(position, _READ_BYTES), position
        if not buffer[position - start :]:
            yield {
                "type": "end",
                "position": position,
                "why": "the segment ends with a whole batch",
            }
            return
        try:
            header = parse_header(buffer, position - start)
            if header.end > len(buffer):
                buffer, start = read(position, max(header.size, _READ_BYTES)), position
                header = parse_header(buffer)
                if header.end > len(buffer):
                    raise Corrupt(f"batch of {header.size} bytes is cut short at {len(buffer)}")
        except Corrupt as error:
            yield {"type": "damage", "position": position, "error": str(error)}
            return
        yield _batch(header, position, crc_matches(buffer, header))
        position += header.size


def dump_index(data: bytes, path: str = "") -> Iterator[Item]:
    """A segment's or a pack's index: one item about each share, one per entry and aborted transaction."""
    if data[:8] == PACK_MAGIC:
        yield from _dump_pack_index(data, path)
        return
    try:
        index = SegmentIndex.decode(data)
    except (Corrupt, StoreFault) as error:
        yield {"type": "damage", "path": path, "error": str(error)}
        return
    yield {"type": "index", "path": path, "cluster_id": str(UUID(bytes=index.cluster_id))} | (
        _described(index)
    )
    yield from _entries(index)


def _dump_pack_index(data: bytes, path: str) -> Iterator[Item]:
    try:
        index = PackIndex.decode(data)
    except (Corrupt, StoreFault) as error:
        yield {"type": "damage", "path": path, "error": str(error)}
        return
    yield {
        "type": "index",
        "path": path,
        "cluster_id": str(UUID(bytes=index.cluster_id)),
        "shares": len(index.shares),
        "bytes": index.byte_length,
    }
    for share in index.shares:
        described = index.segment_index(share)
        yield {"type": "share", "position": share.position} | _described(described)
        yield from _entries(described)


def _described(index: SegmentIndex) -> Item:
    return {
        "topic": index.topic_name,
        "topic_id": _kafka_id(index.topic_id),
        "topic_config": index.topic_config,
        "partition": index.partition,
        "base_offset": index.base_offset,
        "last_offset": index.last_offset,
        "covers_from": index.covered[0],
        "covers_to": index.covered[1],
        "leader_epoch": index.leader_epoch,
        "batches": index.batch_count,
        "records": index.record_count,
        "bytes": index.byte_length,
        "checksum": f"{index.checksum:08x}",
        "max_timestamp": index.max_timestamp,
        "max_timestamp_offset": index.max_timestamp_offset,
        "first_appended_at_ms": index.first_appended_at_ms,
        "last_appended_at_ms": index.last_appended_at_ms,
        "compacted_at_ms": index.compacted_at_ms,
        "producer_state_bytes": len(index.producer_state),
    }


def _entries(index: SegmentIndex) -> Iterator[Item]:
    for entry in index.entries:
        yield {
            "type": "entry",
            "offset": entry.offset,
            "position": entry.position,
            "max_timestamp_before": entry.max_timestamp_before,
            "appended_at_ms": entry.appended_at_ms,
        }
    for aborted in index.aborted_transactions:
        yield {
            "type": "aborted",
            "producer_id": aborted.producer_id,
            "first_offset": aborted.first_offset,
            "last_offset": aborted.last_offset,
        }


def render(item: Item) -> str:
    """One item as text: files at the margin, their content below them."""
    rest = dict(item)
    kind = rest.pop("type")
    nested = rest.pop("parts", [])
    lines = [f"{_INDENT.get(kind, '')}{kind}{_fields(rest)}"]
    for part in nested:
        inner = dict(part)
        batches = inner.pop("batch_headers", [])
        lines.append(f"    part{_fields(inner)}")
        lines += [f"      batch{_fields(batch)}" for batch in batches]
    return "\n".join(lines)


_INDENT = dict.fromkeys(
    ("frame", "share", "batch", "entry", "aborted", "end", "damage", "gone", "rows"), "  "
)
_INDENT["row"] = "    "


def _fields(values: Item) -> str:
    shown = ((name, value) for name, value in values.items() if value not in (None, ""))
    return "".join(f"  {name}={value}" for name, value in shown)


def _part(part: FramePart, read: ReadAt | None) -> Item:
    item: Item = {
        "topic_id": _kafka_id(part.topic_id),
        "partition": part.partition,
        "batches": part.batches,
        "position": part.position,
        "bytes": part.length,
        "checksum": f"{part.checksum:08x}",
        "seen": part.seen._asdict(),
    }
    if read is not None:
        data = read(part.position, part.length)
        try:
            item["batch_headers"] = [
                _batch(header, part.position + header.position, crc_matches(data, header))
                for header in scan(data)
            ]
        except Corrupt as error:
            item["batch_headers"] = [{"error": str(error)}]
    return item


def _batch(header: BatchHeader, position: int, valid: bool) -> Item:
    return {
        "type": "batch",
        "position": position,
        "bytes": header.size,
        "base_offset": header.base_offset,
        "last_offset": header.last_offset,
        "records": header.record_count,
        "codec": header.codec,
        "base_timestamp": header.base_timestamp,
        "max_timestamp": header.max_timestamp,
        "producer_id": header.producer_id,
        "producer_epoch": header.producer_epoch,
        "base_sequence": header.base_sequence,
        "leader_epoch": header.partition_leader_epoch,
        "transactional": header.is_transactional,
        "control": header.is_control,
        "crc": f"{header.crc:08x}",
        "valid": valid,
    }


def _kafka_id(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


class _Reader:
    """An open file as ``ReadAt``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._disk = Disk()
        self._fd = -1

    def __enter__(self) -> ReadAt:
        try:
            self._fd = self._disk.open(self._path, os.O_RDONLY)
        except OSError as error:
            raise disk_fault(error, f"reading {self._path}") from error
        return lambda position, length: self._disk.read(self._fd, length, position)

    def __exit__(self, *_: object) -> None:
        self._disk.close(self._fd)
