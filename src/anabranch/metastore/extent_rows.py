"""Rows of the extent table, as every verb that writes extents makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from anabranch.metastore import bulk
from anabranch.metastore.values import NewExtent, ObjectKind

INSERT_EXTENTS = bulk.Statement(
    "topic_no partition base_offset last_offset object_no wal position length records max_timestamp "
    "timestamp_mark appended_ms leader_epoch",
    """
INSERT INTO extent (topic_no, partition, base_offset, last_offset, object_no, wal, position, length,
    records, max_timestamp, timestamp_mark, appended_ms, leader_epoch)
SELECT * FROM {v} AS v
""",
)


class ExtentRow(NamedTuple):
    """The columns in the order of ``INSERT_EXTENTS``."""

    topic_no: int
    partition: int
    base_offset: int
    last_offset: int
    object_no: int
    wal: int
    position: int
    length: int
    records: int
    max_timestamp: int
    timestamp_mark: int
    appended_ms: int
    leader_epoch: int


def marked_rows(
    topic_no: int,
    partition: int,
    object_no: int,
    kind: ObjectKind,
    new: Sequence[NewExtent],
    appended_mark: int,
    timestamp_mark: int,
) -> list[ExtentRow]:
    """Rows for ``new`` after a row with these marks: neither mark ever decreases along a partition."""
    rows = []
    wal = int(kind is ObjectKind.WAL)
    for extent in new:
        appended_mark = max(appended_mark, extent.appended_ms)
        timestamp_mark = max(timestamp_mark, extent.max_timestamp)
        rows.append(
            ExtentRow(
                topic_no,
                partition,
                extent.base_offset,
                extent.last_offset,
                object_no,
                wal,
                extent.position,
                extent.length,
                extent.records,
                extent.max_timestamp,
                timestamp_mark,
                appended_mark,
                extent.leader_epoch,
            )
        )
    return rows
