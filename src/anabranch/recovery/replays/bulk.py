"""Bulk rebuilds on many machines: splits that Ray Data, Spark or anything else reads, their offsets on record.

    from anabranch.recovery.replays import bulk

    with bulk.reading(metastore_url, plan="plan-3f2a9c01d4e5") as read:
        dataset = bulk.ray_dataset(read)            # or bulk.spark_dataframe(spark, read)
        dataset.groupby("key").count().write_parquet("s3://…")

A split names the objects and ranges that it lies in, so a worker needs the store (and the WAL), but no metastore and no
broker. With a plan the session has branches, as every replay: retention takes nothing away while it is read, and when the
block ends its ends are committed for the session's group. Ray or Spark are imported only when they are asked for.
"""

from __future__ import annotations

import pickle
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.reader import SPLIT_BYTES, Split, plan_splits, read_split
from anabranch.metastore.api import Committed, OffsetAction
from anabranch.recovery.capture import points
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.plans import planning
from anabranch.recovery.promises import ranges
from anabranch.recovery.replays import replay, sessions
from anabranch.recovery.replays.keeping import LoopThread
from anabranch.recovery.replays.session import Session, Status, started

if TYPE_CHECKING:
    import pyarrow as pa

INFLATION: Final = 4  # decoded bytes for one of the log, where engines ask for an estimate
SPARK_SCHEMA: Final = (
    "topic string, partition int, `offset` bigint, timestamp timestamp, `key` binary, value binary, "
    "headers array<struct<key:string, value:binary>>"
)


class Bulk(Struct, frozen=True):
    """What is read, in splits that can be sent anywhere, and the session that records it."""

    session: str
    splits: tuple[Split, ...]


@contextmanager
def reading(
    data: str | Path | Location,
    topics: Sequence[str] = (),
    *,
    plan: str | None = None,
    start: str | None = None,
    end: str | None = None,
    engine: str = "splits",
    split_bytes: int = SPLIT_BYTES,
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> Iterator[Bulk]:
    """Splits for a block of code, which reads them to their end; then the session is completed (or failed).

    Args:
        data: the cluster's data directory, its metastore's URL, or a ``Location``; workers must reach its
            store and WAL by the same URLs.
        topics: what is read, where no plan says it.
        plan: a plan's id or file: its restart and end offsets, on branches of the session's own.
        start: without a plan: a TIME (of events), ``point:NAME``, or ``start``.
        end: likewise; default: the end as it is now. Without a plan nothing holds retention back, but what it
            removes stays in the store for its grace period (a day).
        engine: who reads, for the session's document.
        split_bytes: log bytes of a split, about.
        clock_ms: milliseconds since the epoch.

    Raises:
        UserFault: a topic, point or plan is missing. ClientFault: offsets that the log does not hold.
    """
    if (plan is None) == (not topics):
        raise UserFault("name the topics that are read, or a plan")
    if plan is not None and (start is not None or end is not None):
        raise UserFault("a plan says where reading starts and ends: leave start and end out")
    with LoopThread(data) as loop:
        log = loop.log
        work = _planned(log, plan, engine, split_bytes, clock_ms()) if plan is not None else (
            _ranged(log, topics, start, end, engine, split_bytes, clock_ms())
        )  # fmt: skip
        session, splits = loop.run(work)
        error = "interrupted"
        try:
            yield Bulk(session.id, tuple(splits))
            error = ""
        except Exception as fault:
            error = f"{type(fault).__name__}: {fault}"
            raise
        finally:
            loop.run(_ended(log, session, error, clock_ms()))


async def _planned(
    log: Log, plan: str, engine: str, split_bytes: int, now_ms: int
) -> tuple[Session, list[Split]]:
    session = await replay.prepare(
        log,
        await planning.find(log.metastore, plan),
        token=secrets.token_hex(2),
        now_ms=now_ms,
        command=(engine,),
        bootstrap="",
        creator=points.whoami(),
        kind="splits",
    )
    session = started(session, now_ms)
    await sessions.save(log.metastore, session, now_ms)
    splits: list[Split] = []
    for branch in session.branches:
        topic = log.catalogue.topic(branch.branch)
        assert topic is not None
        spans = [span for span in session.spans if span.topic_id == branch.topic_id]
        splits += await plan_splits(
            log,
            topic,
            start={span.partition: span.start for span in spans},
            end={span.partition: span.end for span in spans},
            partitions=[span.partition for span in spans],
            split_bytes=split_bytes,
        )
    return session, splits


async def _ranged(
    log: Log,
    names: Sequence[str],
    start: str | None,
    end: str | None,
    engine: str,
    split_bytes: int,
    now_ms: int,
) -> tuple[Session, list[Split]]:
    bounds = {}
    for name in names:
        topic = log.catalogue.topic(name)
        if topic is not None:
            bounds[name] = (
                await ranges.where_of(log, topic, start, now_ms),
                await ranges.where_of(log, topic, end, now_ms),
            )
    found = await ranges.splits_of(log, names, bounds, split_bytes=split_bytes)
    session = await ranges.record(
        log,
        kind="splits",
        command=(engine,),
        spans=await ranges.spans_of(log, found),
        token=secrets.token_hex(2),
        now_ms=now_ms,
        creator=points.whoami(),
    )
    return session, [split for several in found.values() for split in several]


async def _ended(log: Log, session: Session, error: str, now_ms: int) -> Session:
    """The session's ends are committed for its group, if it has branches and all was read."""
    numbers = {}
    for branch in session.branches:
        topic = log.catalogue.topic(branch.branch)
        if topic is not None and topic_id_text(topic.id) == branch.branch_id:
            numbers[branch.topic_id] = topic.no
    if not error and numbers:
        offsets = [
            Committed(numbers[span.topic_id], span.partition, span.end, -1, "", now_ms)
            for span in session.spans
            if span.topic_id in numbers
        ]
        who = sessions.actor(session, "", "bulk")
        await log.metastore.commit_offsets(session.group, offsets, OffsetAction.COMMIT, who, now_ms)
    finished = await ranges.finish(log, session, now_ms, error)
    assert finished.status in (Status.COMPLETED, Status.FAILED)
    return finished


# -- on a worker -----------------------------------------------------------------------------------
def batches(split: Split) -> Iterator[pa.RecordBatch]:
    """A split's records as plain columns (the topic as a string), wherever this runs.

    Raises NotFound if its objects were merged and collected since it was planned (a day, by default).
    """
    from anabranch.recovery.replays.sql import narrow

    for batch in read_split(split):
        for part in narrow(batch):
            yield _plain(part)


def plain_schema() -> pa.Schema:
    """The schema of :func:`batches`."""
    import pyarrow as pa

    from anabranch.records.arrow import SCHEMA

    return SCHEMA.set(0, pa.field("topic", pa.string(), nullable=False))


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    topic = batch.column("topic").cast(pa.string())
    return pa.RecordBatch.from_arrays([topic, *batch.columns[1:]], schema=plain_schema())


def ray_dataset(read: Bulk, **options: Any) -> Any:
    """A ``ray.data.Dataset`` of the splits; ``options`` are those of ``ray.data.read_datasource``.

    Raises UserFault without Ray.
    """
    try:
        import ray.data
        from ray.data.block import BlockMetadata
        from ray.data.datasource import Datasource, ReadTask
    except ImportError:
        raise UserFault("Ray Data is not installed: pip install 'ray[data]'") from None
    import pyarrow as pa

    class Splits(Datasource):  # type: ignore[misc]
        """One read task for each split: how many run at a time is Ray's business."""

        def get_name(self) -> str:
            return "Anabranch"

        def estimate_inmemory_data_size(self) -> int:
            return INFLATION * sum(map(split_size, read.splits))

        def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[Any]:
            schema = plain_schema()
            return [
                ReadTask(
                    _tables(split),
                    BlockMetadata(
                        num_rows=None,
                        size_bytes=INFLATION * split_size(split),
                        input_files=None,
                        exec_stats=None,
                    ),
                    schema=schema,
                )
                for split in read.splits
            ]

    def _tables(split: Split) -> Callable[[], Iterator[Any]]:
        pickled = pickle.dumps(split)

        def tables() -> Iterator[Any]:
            for batch in batches(pickle.loads(pickled)):
                yield pa.Table.from_batches([batch])

        return tables

    return ray.data.read_datasource(Splits(), **options)


def spark_dataframe(spark: Any, read: Bulk) -> Any:
    """A ``pyspark.sql.DataFrame`` of the splits, one task for each; executors need this package."""
    rows = [(number, bytearray(pickle.dumps(split))) for number, split in enumerate(read.splits)]
    if not rows:
        return spark.createDataFrame([], SPARK_SCHEMA)
    parallel = spark.sparkContext.parallelize(rows, len(rows))
    planned = spark.createDataFrame(parallel, "number int, split binary")
    return planned.mapInArrow(_in_arrow, SPARK_SCHEMA)


def _in_arrow(planned: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    schema = plain_schema()
    at = schema.get_field_index("timestamp")
    schema = schema.set(at, pa.field("timestamp", pa.timestamp("us", tz="UTC")))  # Spark's only one
    for rows in planned:
        for pickled in rows.column("split").to_pylist():
            for batch in batches(pickle.loads(pickled)):
                yield batch.cast(schema)


def split_size(split: Split) -> int:
    """Log bytes that a split holds, about."""
    total = 0
    for extent in split.extents:
        first = max(split.start_offset, extent.base_offset)
        last = min(split.end_offset - 1, extent.last_offset)
        span = extent.last_offset + 1 - extent.base_offset
        total += extent.length * max(0, last + 1 - first) // span
    return total
