"""Parquet files on an object store or in a directory that a replay does not write twice.

A transaction writes one object per table and partition, named by what is in it (topic id, partition,
first and last offset), and then creates the line's next commit, which names them and holds all offsets
(``objects_manifest.py``). A crash in between leaves objects that no commit names: the next writer removes
them, or finds that they are byte for byte what it would have written. Objects are created, never replaced.

    sink = ParquetSink.open("s3://bucket/view", {"flights": schema}, sources)
    with sink.transaction() as tx:
        for message in batch:
            if tx.fresh(message.topic(), message.partition(), message.offset()):
                tx.write("flights", message.topic(), message.partition(), message.offset(), row)

Make batches large: each is an object per partition. Readers go by the commits (``ParquetLines.files``,
``anabranch verify parquet:…#flights``); who lists ``data/`` may see what was never committed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import structs
from pyarrow import parquet

from anabranch.errors import UserFault
from anabranch.recovery.sinks.common import LIVE, Counted, Fenced, SinkOffset, Tally
from anabranch.recovery.sinks.objects_manifest import Commit, File, Lines, Manifest, open_root
from anabranch.recovery.sinks.source import Source
from anabranch.storage.store import KEY_PART_BYTES_MAX, AlreadyExists

_SAFE = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9._=-]*")  # for tables too

Key = tuple[str, str, int]  # cluster id, topic id, partition
Rows = list[tuple[int, Mapping[str, Any]]]


class ParquetTransaction:
    """The rows of one batch, in memory until the ``with`` block ends well."""

    def __init__(
        self,
        schemas: Mapping[str, pa.Schema],
        sources: Mapping[str, Source],
        offsets: Mapping[Key, SinkOffset],
    ) -> None:
        self._schemas = schemas
        self._offsets = offsets
        self.tally = Tally(sources, self._load)
        self.rows: dict[tuple[str, Source, int], Rows] = {}

    def fresh(self, topic: str, partition: int, offset: int) -> bool:
        """True if the record has had no effect yet; from now on it counts as applied.

        Records of a partition must be offered in offset order, as a consumer delivers them.
        """
        return self.tally.fresh(topic, partition, offset)

    def write(
        self, table: str, topic: str, partition: int, offset: int, row: Mapping[str, Any]
    ) -> None:
        """Add a row that the record at ``offset`` causes; several per record are as good."""
        if table not in self._schemas:
            raise UserFault(f"the sink has no table “{table}”")
        source = self.tally.source(topic)
        self.rows.setdefault((table, source, partition), []).append((offset, row))

    def _load(self, source: Source, partition: int) -> int | None:
        known = self._offsets.get((source.cluster_id, source.topic_id, partition))
        return None if known is None else known.next_offset


class ParquetSink:
    """One writer of one line."""

    def __init__(
        self,
        manifest: Manifest,
        lines: Lines,
        line: str,
        opened: Commit,
        schemas: Mapping[str, pa.Schema],
        sources: Mapping[str, Source],
        clock_ms: Callable[[], int],
    ) -> None:
        self._manifest = manifest
        self._lines = lines
        self._line = line
        self._folder = lines.lines[line]
        self._epoch = opened.epoch
        self._head = opened.number
        self._offsets = _by_key(opened.offsets)
        self._removed = opened.removed
        self._schemas = schemas
        self._sources = sources
        self._clock_ms = clock_ms
        self._unsure: Commit | None = None  # a commit whose answer was lost
        self._looked_at: set[str] = set()
        self._rewritten: set[str] = set()

    @classmethod
    def open(
        cls,
        location: str,
        tables: Mapping[str, pa.Schema],
        sources: Mapping[str, Source],
        *,
        line: str = LIVE,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> ParquetSink:
        """Open ``line`` below ``location`` (a path, ``file:///…`` or ``s3://bucket/prefix``) for writing.

        Creates what is missing and fences off the line's former writer. ``tables`` are name →
        ``pyarrow.Schema``; rows are mappings. Raises UserFault, StoreFault.
        """
        for table in tables:
            if not _SAFE.fullmatch(table):
                raise UserFault(
                    f"“{table}” cannot be a table of files: use letters, digits, - and _"
                )
        now_ms = clock_ms()
        manifest = Manifest(open_root(location), location, secrets.token_hex(8))
        lines = manifest.lines()
        while True:
            if line not in lines.lines:
                lines = manifest.change_lines(lambda known, n: with_line(known, line, n), now_ms)
            opened = manifest.fence(lines.lines[line], now_ms)
            if not manifest.changed_since(lines):
                break
            # A promotion went by: the line may be another folder now.
            folder, lines = lines.lines[line], manifest.lines()
            if lines.lines.get(line) == folder:
                break
        return cls(manifest, lines, line, opened, dict(tables), dict(sources), clock_ms)

    @contextmanager
    def transaction(self) -> Iterator[ParquetTransaction]:
        """Objects and offsets, visible wholly or not at all when the block has ended.

        Raises :class:`Fenced`; StoreFault where the store is away: what became of the commit is looked
        up by the next transaction, in which records of this batch may be offered again.
        """
        if self._unsure is not None:
            self._settle(self._unsure)
        transaction = ParquetTransaction(self._schemas, self._sources, self._offsets)
        yield transaction
        counted = list(transaction.tally.counted())
        if not counted:
            return
        self._require_line()
        encoded = [self._encoded(*where, rows) for where, rows in transaction.rows.items()]
        self._rewritten = {file.key for file, _ in encoded}
        for where in transaction.rows:
            self._remove_leftovers(*where)
        files = tuple(self._put(file, content) for file, content in encoded)
        offsets = {**self._offsets, **_by_key(_advanced(self._offsets, each) for each in counted)}
        self._commit(files, offsets, _still_ahead(self._removed, offsets.values()))

    def position(self, topic: str, partition: int) -> int | None:
        """The next offset whose effect is missing; None if the partition never had any."""
        source = self._sources[topic]
        known = self._offsets.get((source.cluster_id, source.topic_id, partition))
        return None if known is None else known.next_offset

    def sweep(self) -> int:
        """Remove what fenced writers left below this line's offsets; how many objects there were.

        Names of offsets that have passed are never committed any more, so this is safe at any time.
        """
        ends = _ends(self._offsets.values())
        named = {file.key for file in self._manifest.files(self._folder)}
        left = [i.key for i in self._manifest.store.list(f"{self._folder}/data/")]
        return sum(
            self._manifest.store.delete(key)
            for key in left
            if key not in named and _is_passed(key, ends)
        )

    def close(self) -> None:
        self._manifest.store.close()

    def _require_line(self) -> None:
        """A promotion may have died between its swap and its fence."""
        if self._manifest.changed_since(self._lines):
            self._lines = self._manifest.lines()
            if self._lines.lines.get(self._line) != self._folder:
                raise Fenced(self._line)

    def _settle(self, unsure: Commit) -> None:
        there = self._manifest.commit(self._folder, unsure.number)
        if there is not None and there != unsure:
            raise Fenced(self._line)
        if there is not None:
            self._accept(unsure)
        self._unsure = None

    def _accept(self, commit: Commit) -> None:
        self._unsure = None
        self._head = commit.number
        self._offsets = _by_key(commit.offsets)
        self._removed = commit.removed

    def _put(self, file: File, content: bytes) -> File:
        store = self._manifest.store
        if file.key not in self._removed:
            try:
                store.put(file.key, content)
                return file
            except AlreadyExists:
                if store.get(file.key) == content:
                    return file
        # A fenced writer's name, who may come again to write or delete it. This one is only ours.
        key = file.key.replace(".parquet", f"+{self._epoch}.parquet")
        store.put(key, content, create=False)
        return structs.replace(file, key=key)

    def _remove_leftovers(self, table: str, source: Source, partition: int) -> None:
        """Once per partition: what lies at or beyond the offset that is next was never committed.

        A fenced writer would delete what its successor has committed since. So the names go into a
        commit first: whoever comes later leaves them alone, and who is fenced off gets no further.
        """
        folder = self._data_folder(table, source, partition)
        if folder in self._looked_at:
            return
        ahead = f"{folder}/{self._next(source, partition):020d}"
        left = [info.key for info in self._manifest.store.list(f"{folder}/", ahead)]
        left = [key for key in left if key not in self._rewritten]
        if left:
            self._commit((), self._offsets, tuple({*self._removed, *left}))
            for key in left:
                self._manifest.store.delete(key)
        self._looked_at.add(folder)

    def _commit(
        self, files: tuple[File, ...], offsets: Mapping[Key, SinkOffset], removed: tuple[str, ...]
    ) -> None:
        commit = Commit(
            number=self._head + 1,
            epoch=self._epoch,
            writer=self._manifest.writer,
            at_ms=self._clock_ms(),
            files=files,
            offsets=tuple(offsets.values()),
            removed=removed,
        )
        self._unsure = commit
        if not self._manifest.append(self._folder, commit):
            raise Fenced(self._line)
        self._accept(commit)

    def _data_folder(self, table: str, source: Source, partition: int) -> str:
        return f"{self._folder}/data/{table}/{_source_part(source)}/{partition:05d}"

    def _next(self, source: Source, partition: int) -> int:
        known = self._offsets.get((source.cluster_id, source.topic_id, partition))
        return 0 if known is None else known.next_offset

    def _encoded(
        self, table: str, source: Source, partition: int, rows: Rows
    ) -> tuple[File, bytes]:
        """The same rows are the same bytes: nothing in them tells who wrote them, or when."""
        first, last = min(offset for offset, _ in rows), max(offset for offset, _ in rows)
        about = {
            "anabranch.cluster_id": source.cluster_id,
            "anabranch.topic_id": source.topic_id,
            "anabranch.partition": str(partition),
            "anabranch.offsets": f"{first}-{last}",
        }
        schema = self._schemas[table]
        try:
            content = pa.Table.from_pylist([dict(row) for _, row in rows], schema=schema)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise UserFault(f"a row of “{table}” does not fit its schema: {error}") from error
        buffer = pa.BufferOutputStream()
        parquet.write_table(
            content.replace_schema_metadata({**(schema.metadata or {}), **about}),
            buffer,
            compression="zstd",
        )
        body = buffer.getvalue().to_pybytes()
        key = f"{self._data_folder(table, source, partition)}/{first:020d}-{last:020d}.parquet"
        digest = hashlib.sha256(body).hexdigest()
        size = len(body)
        file = File(key, table, source.topic_id, partition, first, last, len(rows), size, digest)
        return file, body


def with_line(lines: dict[str, str], line: str, number: int) -> dict[str, str]:
    """``lines`` with one more, in a folder that no line ever had."""
    return lines if line in lines else {**lines, line: f"{line}@{number}"}


def _source_part(source: Source) -> str:
    """A key's part that two sources never share, and that every store can hold."""
    part = f"{source.cluster_id}.{source.topic_id}"
    if _SAFE.fullmatch(part) and len(part) <= KEY_PART_BYTES_MAX:
        return part
    return hashlib.sha256(msgspec.json.encode(source[:2])).hexdigest()


def _ends(offsets: Iterable[SinkOffset]) -> dict[str, int]:
    """Next offsets by the part of a key that names source and partition."""
    return {
        f"{_source_part(Source(*row[:2], row.topic))}/{row.partition:05d}": row.next_offset
        for row in offsets
    }


def _is_passed(key: str, ends: Mapping[str, int]) -> bool:
    folder, _, name = key.rpartition("/")
    source_and_partition = "/".join(folder.split("/")[-2:])
    return int(name[:20]) < ends.get(source_and_partition, 0)


def _still_ahead(removed: Iterable[str], offsets: Iterable[SinkOffset]) -> tuple[str, ...]:
    ends = _ends(offsets)
    return tuple(sorted(key for key in removed if not _is_passed(key, ends)))


def _by_key(rows: Any) -> dict[Key, SinkOffset]:
    return {(row.cluster_id, row.topic_id, row.partition): row for row in rows}


def _advanced(known: Mapping[Key, SinkOffset], each: Counted) -> SinkOffset:
    source = each.source
    before = known.get((source.cluster_id, source.topic_id, each.partition))
    applied, suppressed, skipped = before[5:] if before else (0, 0, 0)
    return SinkOffset(
        source.cluster_id,
        source.topic_id,
        each.partition,
        source.topic,
        each.next_offset,
        applied + each.applied,
        suppressed + each.suppressed,
        skipped + each.skipped,
    )
