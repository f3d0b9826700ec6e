"""Branches: a topic's past as a topic of its own, by copying rows and no bytes (I7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore import bulk, compactions, damage, partitions
from anabranch.metastore.extent_changes import refresh_backlog
from anabranch.metastore.extent_rows import INSERT_EXTENTS, marked_rows
from anabranch.metastore.journal_notes import note_topic
from anabranch.metastore.objects import kind_of, name_again
from anabranch.metastore.topics import insert_topic, live_topic
from anabranch.metastore.transaction_end import ABORTED
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import (
    BranchOrigin,
    Conflict,
    NewExtent,
    Partition,
    Topic,
)

Replacement = Sequence[tuple[int, NewExtent]]


def create_branch(
    tx: Tx,
    source_no: int,
    name: str,
    topic_id: bytes,
    origin: BranchOrigin,
    replacements: Mapping[int, Replacement],
    now_ms: int,
    open_at: Mapping[int, Sequence[tuple[int, int]]],
) -> Topic:
    source = live_topic(tx, source_no)
    if source.id != origin.topic_id:
        raise ClientFault(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "the topic was created anew")
    present = partitions.partitions(tx, source_no)
    if len(origin.ends) != len(present):
        raise Conflict(f"topic '{source.name}' has {len(present)} partitions by now")
    branch = insert_topic(tx, name, topic_id, source.partitions, source.configs, origin, now_ms)
    assert set(replacements) <= set(range(len(present)))
    for part, end in zip(present, origin.ends, strict=True):
        if not part.log_start <= end <= part.next_offset:
            raise Conflict(
                f"partition {part.partition} of '{source.name}' holds offsets "
                f"{part.log_start} to {part.next_offset}, not the end {end}"
            )
        given = replacements.get(part.partition)
        _copy_partition(tx, part, branch.no, end, given[0][1].base_offset if given else end)
        _replace_straddling(tx, part, branch.no, end, given)
        _copy_transactions(tx, part, branch.no, end, open_at.get(part.partition, ()))
        _sum_up(tx, branch.no, part.partition)
    note_topic(
        tx,
        branch.no,
        "partition",
        "leader_epoch",
        "extent",
        "gap",
        "damage",
        "compaction",
        "producer",
        "aborted_transaction",
        "stable_point",
    )
    return branch


def _copy_partition(tx: Tx, source: Partition, branch_no: int, end: int, whole_below: int) -> None:
    """``whole_below``: behind it lies what is put in place of the extent that straddles the end."""
    values = {
        "source": source.topic_no,
        "branch": branch_no,
        "partition": source.partition,
        "end": end,
        "whole_below": whole_below,
    }
    of_source = "FROM {} WHERE topic_no = :source AND partition = :partition"
    tx.execute(
        "INSERT INTO leader_epoch (topic_no, partition, epoch, start_offset) "
        f"SELECT :branch, partition, epoch, start_offset {of_source.format('leader_epoch')} "
        "AND start_offset <= :end",
        values,
    )
    tx.execute(
        "INSERT INTO partition (topic_no, partition, next_offset, log_start, merged_end, leader_epoch)"
        # Where the pieces were cut from the WAL, they lie there also if their source was merged meanwhile.
        " SELECT :branch, partition, :end, log_start, min(merged_end, :whole_below), (SELECT max(epoch) FROM"
        " leader_epoch WHERE topic_no = :branch AND partition = :partition)"
        f" {of_source.format('partition')}",
        values,
    )
    # base_offset < :end bounds the range scan, last_offset leaves out the one that straddles.
    columns = (
        "base_offset, last_offset, object_no, wal, position, length, records, max_timestamp, "
        "timestamp_mark, appended_ms, leader_epoch"
    )
    tx.execute(
        f"INSERT INTO extent (topic_no, partition, {columns}) SELECT :branch, partition, {columns} "
        f"{of_source.format('extent')} AND base_offset < :end AND last_offset < :end",
        values,
    )
    tx.execute(
        "INSERT INTO gap (topic_no, partition, first_offset, last_offset, cause, detail, at_ms) "
        "SELECT :branch, partition, first_offset, min(last_offset, :end - 1), cause, detail, at_ms "
        f"{of_source.format('gap')} AND first_offset < :end",
        values,
    )
    damage.copy_to_branch(tx, source.topic_no, source.partition, branch_no, end)
    compactions.copy_to_branch(tx, source.topic_no, source.partition, branch_no, end, whole_below)
    # No producer states: a client numbers its batches anew for a topic of another name.


def _copy_transactions(
    tx: Tx, source: Partition, branch_no: int, end: int, open_at: Sequence[tuple[int, int]]
) -> None:
    """What was aborted below the end is; so is what was open there, whatever became of it later. No marker
    says that: readers stop where the branch's own offsets begin."""
    values = {
        "source": source.topic_no,
        "branch": branch_no,
        "partition": source.partition,
        "end": end,
    }
    columns = "last_offset, producer_id, first_offset, stable, marked, cleaned_ms"
    tx.execute(
        f"INSERT INTO aborted_transaction (topic_no, partition, {columns}) SELECT :branch, partition, "
        f"{columns} FROM aborted_transaction WHERE topic_no = :source AND partition = :partition "
        "AND last_offset < :end",
        values,
    )
    tx.execute(
        "INSERT INTO stable_point (topic_no, partition, at_offset, stable, at_ms) SELECT :branch, "
        "partition, at_offset, stable, at_ms FROM stable_point WHERE topic_no = :source "
        "AND partition = :partition AND at_offset <= :end",
        values,
    )
    bulk.write(
        tx,
        ABORTED,
        [
            (branch_no, source.partition, end - 1, producer_id, first, end, 0)
            for producer_id, first in open_at
        ],
    )
    if open_at:  # nothing above is to be taken for a part of them
        tx.execute(
            "INSERT INTO stable_point (topic_no, partition, at_offset, stable, at_ms) "
            "VALUES (?, ?, ?, ?, 0) ON CONFLICT (topic_no, partition, at_offset) DO UPDATE SET "
            "stable = excluded.stable",
            (branch_no, source.partition, end, end),
        )
    tx.execute(
        "UPDATE partition SET aborted_end = coalesce((SELECT max(last_offset) + 1 "
        "FROM aborted_transaction WHERE topic_no = ?1 AND partition = ?2), 0) "
        "WHERE topic_no = ?1 AND partition = ?2",
        (branch_no, source.partition),
    )


def _replace_straddling(
    tx: Tx, source: Partition, branch_no: int, end: int, given: Replacement | None
) -> None:
    """Put ``given`` in place of the source's extent that holds both ``end - 1`` and ``end``.

    A Conflict means that the caller saw other extents: a merge has swapped them since.
    """
    where = f"of partition {source.partition} at offset {end}"
    straddling = tx.execute(
        "SELECT base_offset, last_offset FROM extent WHERE topic_no = ? AND partition = ? "
        "AND base_offset < ? ORDER BY base_offset DESC LIMIT 1",
        (source.topic_no, source.partition, end),
    ).fetchone()
    if end == source.log_start:
        return  # nothing of it can be read
    if straddling is None or straddling[1] < end:
        if given:
            raise Conflict(f"no extent {where} has to be divided")
        return
    if given is None:
        raise Conflict(f"the extent {where} has to be divided")
    extents = [extent for _, extent in given]
    assert all(a.last_offset < b.base_offset for a, b in pairwise(extents))
    # Begun later, the pieces were cut from an extent that has been merged with the one before it.
    if extents and (extents[0].base_offset != straddling[0] or extents[-1].last_offset != end - 1):
        raise Conflict(f"the extent {where} is another by now")
    # The marks of the extent before: those of what was copied.
    marks = tx.execute(
        "SELECT appended_ms, timestamp_mark FROM extent WHERE topic_no = ? AND partition = ? "
        "ORDER BY base_offset DESC LIMIT 1",
        (branch_no, source.partition),
    ).fetchone() or (0, -1)
    for object_no, extent in given:
        if extent.last_offset < source.log_start:
            continue
        kind = kind_of(tx, object_no)
        if kind is None:
            raise Conflict(f"an object for the extent {where} was collected")
        rows = marked_rows(branch_no, source.partition, object_no, kind, [extent], *marks)
        bulk.write(tx, INSERT_EXTENTS, rows)
        name_again(tx, object_no, extent.position + extent.length)
        marks = (rows[-1].appended_ms, rows[-1].timestamp_mark)


def _sum_up(tx: Tx, branch_no: int, partition: int) -> None:
    tx.execute(
        "UPDATE partition SET (extents, records, bytes, wal_extents, wal_bytes, appended_mark, "
        "timestamp_mark) = (SELECT count(*), coalesce(sum(records), 0), coalesce(sum(length), 0), "
        "coalesce(sum(wal), 0), coalesce(sum(wal * length), 0), coalesce(max(appended_ms), 0), "
        "coalesce(max(timestamp_mark), -1) FROM extent WHERE topic_no = ?1 AND partition = ?2) "
        "WHERE topic_no = ?1 AND partition = ?2",
        (branch_no, partition),
    )
    refresh_backlog(tx, branch_no, partition)
