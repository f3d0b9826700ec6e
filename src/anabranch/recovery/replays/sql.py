"""SQL over topics, straight from the bucket through DuckDB, with the offsets that were read on record.

    from anabranch.recovery.replays.sql import sql

    result = sql("anabranch-data", "SELECT count(*) FROM flights", start="2026-03-01T00:00:00Z")
    result.table, result.session

A topic is a table of its name with the columns topic, partition, offset, timestamp, key, value, headers; key and value are
BLOBs (``decode(value)`` is their text, ``decode(value)->>'$.carrier'`` a field of JSON). A query may read a
topic any number of times: each scan reads the bucket anew, at the same offsets.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from anabranch.errors import AnabranchError, UserFault
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.reader import READ_BYTES, THREADS, Split, plan_splits, read_splits
from anabranch.recovery.capture import points
from anabranch.recovery.promises import ranges
from anabranch.recovery.replays.keeping import LoopThread
from anabranch.recovery.replays.session import Session

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Result(NamedTuple):
    """What a query came to, and the session that says which offsets it read."""

    table: pa.Table
    session: Session


def sql(
    data: str | Path | Location,
    query: str,
    *,
    start: str | None = None,
    end: str | None = None,
    plan: str | None = None,
    topics: Sequence[str] | None = None,
    parameters: Sequence[Any] | Mapping[str, Any] | None = None,
    connection: duckdb.DuckDBPyConnection | None = None,
    threads: int = THREADS,
    allowed: Callable[[Log, Sequence[str]], Awaitable[None]] | None = None,
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> Result:
    """Run one query over topics.

    Args:
        data: the cluster's data directory, its metastore's URL, or a ``Location``.
        query: in DuckDB's SQL.
        start: where each topic is read from: a TIME (of events), ``point:NAME``, or ``start``.
        end: where reading stops, likewise; default: the end as it is now.
        plan: a plan's id or file, whose restart and end offsets are used instead.
        topics: which topics are tables; default: all whose names occur in the query.
        parameters: of the query.
        connection: of DuckDB, with whatever tables it has; default: a new one in memory.
        threads: that read and decode.
        allowed: asked before anything is read; raises for topics that may not be.
        clock_ms: milliseconds since the epoch.

    Raises:
        UserFault: DuckDB is not installed, the query is wrong, a topic or point is missing. DamagedRead (a
        Corrupt), StoreFault: what was asked for cannot be read.
    """
    duckdb = _duckdb()
    if plan is not None and (start is not None or end is not None):
        raise UserFault("a plan says where reading starts and ends: leave start and end out")
    with LoopThread(data) as loop:
        log = loop.log
        known = [topic.name for topic in log.catalogue.topics()]
        names = list(topics) if topics is not None else named(query, known)
        if not names:
            raise UserFault("the query names no topic; `anabranch topic list` shows what there is")
        if allowed is not None:
            loop.run(ask(allowed, log, names))

        async def bounds() -> dict[str, Any]:
            if plan is not None:
                return dict(await ranges.of_plan(log, plan))
            found = {}
            for name in names:
                topic = log.catalogue.topic(name)
                if topic is not None:
                    found[name] = (
                        await ranges.where_of(log, topic, start, clock_ms()),
                        await ranges.where_of(log, topic, end, clock_ms()),
                    )
            return found

        limits = loop.run(bounds())
        if plan is not None:
            missing = [name for name in names if name not in limits]
            if missing and topics is not None:
                raise UserFault(f"plan {plan} has no topic {', '.join(missing)}")
            names = [name for name in names if name in limits]
        splits = loop.run(ranges.splits_of(log, names, limits, split_bytes=READ_BYTES))
        session = loop.run(
            ranges.record(
                log, kind="sql", command=("sql", query), token=secrets.token_hex(2),
                spans=loop.run(ranges.spans_of(log, splits)), now_ms=clock_ms(),
                creator=points.whoami(),
            )
        )  # fmt: skip

        def replan(split: Split) -> list[Split]:
            topic = log.catalogue.topic(split.topic)
            if topic is None or topic.id != split.topic_id:
                raise UserFault(f"topic {split.topic} was deleted while it was read")
            return loop.run(
                plan_splits(
                    log, topic,
                    start={split.partition: split.start_offset},
                    end={split.partition: split.end_offset},
                    partitions=[split.partition], split_bytes=READ_BYTES,
                )
            )  # fmt: skip

        tables = {name: _Topic(found, threads, replan) for name, found in splits.items()}
        error = "interrupted"
        try:
            table = _execute(duckdb, connection, query, parameters, tables)
            error = ""
        except AnabranchError as fault:
            error = str(fault)
            raise
        finally:
            session = loop.run(ranges.finish(log, session, clock_ms(), error))
    return Result(table, session)


def named(query: str, topics: Sequence[str]) -> list[str]:
    """The topics whose names occur in ``query`` as words; in other letters (SQL does not mind) if none has these.

    What is named here is what must be allowed, and what is on record as read: a topic ``a`` is not, in a query that
    happens to have the letter in it.
    """
    found = []
    for name in topics:
        word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE)
        spelled = {match.group() for match in word.finditer(query)}
        if name in spelled or (spelled and not spelled <= set(topics)):
            found.append(name)
    return found


async def ask(
    allowed: Callable[[Log, Sequence[str]], Awaitable[None]], log: Log, names: Sequence[str]
) -> None:
    await allowed(log, names)


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise UserFault("SQL needs DuckDB: pip install 'anabranch[duckdb]'") from None
    return duckdb


def _execute(
    duckdb: Any,
    connection: Any,
    query: str,
    parameters: Any,
    tables: Mapping[str, _Topic],
) -> pa.Table:
    import pyarrow as pa

    own = connection is None
    connection = duckdb.connect() if own else connection
    try:
        if own:
            connection.execute("SET TimeZone = 'UTC'")
        for name, topic in tables.items():
            connection.register(name, topic)
        try:
            answer = connection.sql(query, params=parameters)
            if answer is None:
                return pa.table({})  # a statement without rows
            # The former is DuckDB's from 1.4 on, and takes the latter's place.
            as_table = getattr(answer, "to_arrow_table", None) or answer.fetch_arrow_table
            return as_table()
        except duckdb.Error as error:
            for topic in tables.values():
                if topic.fault is not None:
                    raise topic.fault from None
            raise UserFault(f"DuckDB: {error}") from None
    finally:
        if own:
            connection.close()
        else:
            for name in tables:
                connection.unregister(name)


class _Topic:
    """A table that is read anew at every scan (Arrow's C stream interface)."""

    def __init__(
        self, splits: Sequence[Split], threads: int, replan: Callable[[Split], list[Split]]
    ) -> None:
        self._splits = splits
        self._threads = threads
        self._replan = replan
        self.fault: AnabranchError | None = None

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        import pyarrow as pa

        from anabranch.records.arrow import SCHEMA

        # Opened also to look at the schema alone: nothing is read before the first batch is asked for.
        reader = pa.RecordBatchReader.from_batches(SCHEMA, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in read_splits(self._splits, threads=self._threads, replan=self._replan):
                yield from narrow(batch)
        except AnabranchError as fault:
            self.fault = fault  # DuckDB keeps only its text
            raise


def narrow(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch with 32-bit offsets, in parts where its columns are too large for these."""
    import pyarrow as pa

    from anabranch.records.arrow import SCHEMA

    if batch.schema == SCHEMA:
        yield batch
        return
    try:
        yield batch.cast(SCHEMA)
    except pa.ArrowInvalid:
        if batch.num_rows < 2:
            raise
        half = batch.num_rows // 2
        yield from narrow(batch.slice(0, half))
        yield from narrow(batch.slice(half))
