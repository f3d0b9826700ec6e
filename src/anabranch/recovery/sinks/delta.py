"""Rows in a Delta Lake table that a replay does not append twice (``delta_log.py`` says how).

    sink = DeltaSink.open("s3://lake/flights", schema, sources)
    with sink.transaction() as tx:
        for message in batch:
            if tx.fresh(message.topic(), message.partition(), message.offset()):
                tx.write({"carrier": "AA", …})

A batch is one commit of the Delta log: rows and offsets become visible together. Make batches large. Needs
``pip install 'anabranch[delta]'``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.sinks import delta_log as log
from anabranch.recovery.sinks.common import LIVE, Counted, Fenced, SinkOffset, Tally
from anabranch.recovery.sinks.source import Source

Key = tuple[str, str, int]  # cluster id, topic id, partition


class DeltaTransaction:
    """The rows of one batch, in memory until the ``with`` block ends well."""

    def __init__(
        self, sources: Mapping[str, Source], load: Callable[[Source, int], int | None]
    ) -> None:
        self.tally = Tally(sources, load)
        self.rows: list[Mapping[str, Any]] = []

    def fresh(self, topic: str, partition: int, offset: int) -> bool:
        """True if the record has had no effect yet; from now on it counts as applied.

        Records of a partition must be offered in offset order, as a consumer delivers them.
        """
        return self.tally.fresh(topic, partition, offset)

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self.rows.append(row)


class DeltaSink:
    """One writer of one line: of the table, or of a staging table beside it."""

    def __init__(
        self,
        where: log.Place,
        table: DeltaTable,
        line: str,
        epoch: int,
        known: Mapping[Key, SinkOffset],
        schema: pa.Schema,
        sources: Mapping[str, Source],
        clock_ms: Callable[[], int],
    ) -> None:
        self._where = where
        self._table = table
        self._line = line
        self._epoch = epoch
        self._known = dict(known)  # counters; what counts as done is in the table's transactions
        self._schema = schema
        self._sources = sources
        self._clock_ms = clock_ms
        self._unsure = False

    @classmethod
    def open(
        cls,
        location: str,
        schema: pa.Schema,
        sources: Mapping[str, Source],
        *,
        line: str = LIVE,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> DeltaSink:
        """Open ``line`` of the table at ``location`` (a path or ``s3://bucket/prefix``) for writing.

        Creates what is missing and fences off the line's former writer. Raises UserFault if the table
        has other columns, StoreFault.
        """
        where = log.place(location)
        for _ in range(log.TURNS_MAX):
            table = log.load(where, line)
            if table is not None:
                _require_columns(table, schema, where)
            info = log.newest(table, line) if table is not None else None
            offsets = info.offsets if info is not None else []
            epoch = 1 + (log.epoch(table, line) if table is not None else 0)
            try:
                write_deltalake(
                    table if table is not None else where.of(line),
                    schema.empty_table(),
                    mode="append" if table is not None else "error",
                    storage_options=where.options or None,
                    commit_properties=log.commit_properties(
                        line, log.Info(line, epoch, offsets), ()
                    ),
                )
            except CommitFailedError:
                continue
            except (DeltaError, OSError) as error:
                if table is None and log.load(where, line) is not None:
                    continue  # created by another one this instant
                raise log.said(error, where) from error
            opened = log.load(where, line)
            if opened is not None and log.epoch(opened, line) == epoch:
                known = {row[:3]: row for row in offsets}
                return cls(where, opened, line, epoch, known, schema, dict(sources), clock_ms)
        raise StoreFault(f"the sink {where.location}: others open it all the time")

    @contextmanager
    def transaction(self) -> Iterator[DeltaTransaction]:
        """Rows and offsets, visible wholly or not at all when the block has ended.

        Raises :class:`Fenced`; StoreFault where the store is away: what became of the commit is looked
        up by the next transaction, in which records of this batch may be offered again.
        """
        if self._unsure:
            self._refresh()
        transaction = DeltaTransaction(self._sources, self._load)
        yield transaction
        counted = list(transaction.tally.counted())
        if not counted:
            return
        try:
            rows = pa.Table.from_pylist([dict(row) for row in transaction.rows], self._schema)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise UserFault(f"a row does not fit the sink's schema: {error}") from error
        changed = {_key(each): self._advanced(each) for each in counted}
        offsets = list({**self._known, **changed}.values())
        info = log.Info(self._line, self._epoch, offsets)
        for _ in range(log.TURNS_MAX):
            self._unsure = True
            try:
                write_deltalake(
                    self._table,
                    rows,
                    mode="append",
                    commit_properties=log.commit_properties(self._line, info, changed.values()),
                )
            except CommitFailedError:
                # A new writer of the line, or somebody who tidies the table up.
                self._refresh()
                continue
            except (DeltaError, OSError) as error:
                raise log.said(error, self._where) from error
            self._unsure = False
            self._known.update(changed)
            return
        raise StoreFault(f"the sink {self._where.location}: others write it all the time")

    def position(self, topic: str, partition: int) -> int | None:
        """The next offset whose effect is missing; None if the partition never had any."""
        return self._load(self._sources[topic], partition)

    def close(self) -> None:
        """Nothing stays open."""

    def _load(self, source: Source, partition: int) -> int | None:
        where = (source.cluster_id, source.topic_id, partition)
        try:
            return log.next_offset(self._table, self._line, where)
        except (DeltaError, OSError) as error:
            raise log.said(error, self._where) from error

    def _refresh(self) -> None:
        """Look at the table as it is by now. Raises Fenced if the line is another writer's."""
        try:
            self._table.update_incremental()
        except (DeltaError, OSError) as error:
            raise log.said(error, self._where) from error
        if log.epoch(self._table, self._line) != self._epoch:
            raise Fenced(self._line)
        info = log.newest(self._table, self._line)
        if info is not None:
            self._known = {row[:3]: row for row in info.offsets}
        self._unsure = False

    def _advanced(self, each: Counted) -> SinkOffset:
        before = self._known.get(_key(each))
        applied, suppressed, skipped = before[5:] if before is not None else (0, 0, 0)
        source = each.source
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


def _key(each: Counted) -> Key:
    return (each.source.cluster_id, each.source.topic_id, each.partition)


def _require_columns(table: DeltaTable, schema: pa.Schema, where: log.Place) -> None:
    there = [field.name for field in table.schema().fields]
    if there != schema.names:
        raise UserFault(
            f"{where.location} has other columns ({', '.join(there)}) than {', '.join(schema.names)}"
        )
