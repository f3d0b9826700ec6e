"""Promotion: a branch and its topic change places, in one transaction.

A topic's *identity* is its row: number, id, name, configs, and what groups have committed for it. Its *line* is
what lies in it: partitions, extents, gaps, producers' states. Promotion swaps the lines of two topics and
leaves the identities where they are, so whoever holds the topic by name, id or number goes on with it, and
whoever planned something for the line that was there (an append, a merge, a pass of compaction or retention)
loses by the leader epoch.

To clients it is what Kafka calls a truncation (KIP-101, KIP-320): at the offset where the two lines part, the
topic is cut off and goes on under a leader epoch that neither line ever had:

    topic    0 ──────── d ───────── 100        epoch 0
    branch              └────── 80             (epoch 0)
    after    0 ──────── d ────── 80            epoch 0 up to d, then 1 = 1 + the highest of both

All that either line holds behind ``d`` counts as that epoch's, whatever its batches say; readers see to it
(:mod:`anabranch.log.stamping`). A consumer of the older epoch asks where it ended, hears ``d``, and knows.
Undoing is promoting the line that was put aside, by the same rules and with a higher epoch again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore import appends, documents, offsets, partitions
from anabranch.metastore.counters import catalogue_changed
from anabranch.metastore.journal_notes import note_topic
from anabranch.metastore.shares import delete_shares
from anabranch.metastore.topics import live_topic, refuse_taken
from anabranch.metastore.tx import Tx, lock_group, lock_topic, lock_topic_row
from anabranch.metastore.values import (
    Actor,
    BranchOrigin,
    Committed,
    Conflict,
    LineSwap,
    OffsetAction,
    Partition,
    ProducerState,
    StandingBeyond,
    Topic,
)

# What makes a line. The rest of what names a topic's number is its identity's.
LINE_TABLES = (
    "partition",
    "leader_epoch",
    "extent",
    "producer",
    "gap",
    "damage",
    "damage_skip",
    "compaction",
    "aborted_transaction",
    "stable_point",
)
# Beside them, an undo needs what the topic that was put aside holds, however long it takes.
_FOREVER = {"retention.ms": "-1", "retention.bytes": "-1"}


def standing_beyond(
    tx: Tx, topic_no: int, ends: Sequence[int]
) -> tuple[list[StandingBeyond], list[tuple[str, int, int]]]:
    """Committed offsets behind ``ends[p]``, and the share groups that stand there: (group, partition, offset)."""
    rows = tx.execute(
        'SELECT g.group_id, g.state, g.fence, c.partition, c."offset", c.leader_epoch FROM committed c '
        "JOIN consumer_group g ON g.no = c.group_no WHERE c.topic_no = ? AND g.live = 1 "
        "ORDER BY g.group_id, c.partition",
        (topic_no,),
    )
    groups = [StandingBeyond(*row) for row in rows if row[4] > _end(ends, row[3])]
    shares = tx.execute(
        "SELECT group_id, partition, start_offset FROM share_partition WHERE topic_no = ? "
        "ORDER BY group_id, partition",
        (topic_no,),
    )
    return groups, [(row[0], row[1], row[2]) for row in shares if row[2] > _end(ends, row[1])]


def _end(ends: Sequence[int], partition: int) -> int:
    return ends[partition] if partition < len(ends) else 0


def swap_lines(tx: Tx, swap: LineSwap, actor: Actor, now_ms: int) -> tuple[Topic, Topic]:
    readers = {one.group_id for one in standing_beyond(tx, swap.branch_no, swap.ends)[0]}
    for group_id in sorted({*swap.moves, *readers}):
        lock_group(tx, group_id)
    for no in sorted((swap.topic_no, swap.branch_no)):
        lock_topic_row(tx, no)
        lock_topic(tx, no)
    topic, branch = live_topic(tx, swap.topic_no), live_topic(tx, swap.branch_no)
    _require_picture(tx, topic, branch, swap)
    _refuse_transactions(tx, topic, branch)
    _refuse_beyond(tx, topic, swap)
    refuse_taken(tx, swap.displaced)
    lines = (partitions.partitions(tx, topic.no), partitions.partitions(tx, branch.no))
    known = [
        _settled_below(tx, topic.no, each.partition, swap.ends[each.partition]) for each in lines[0]
    ]
    _exchange(tx, topic.no, branch.no)
    for ours, theirs, end, states in zip(*lines, swap.ends, known, strict=True):
        _begin_epoch(tx, ours, theirs, end)
        own = {state.producer_id for state in appends.producer_states(tx, topic.no, ours.partition)}
        fresh = [state for state in states if state.producer_id not in own]
        appends.set_producers(tx, topic.no, ours.partition, fresh)
    _rename(tx, topic, branch, swap)
    # The journal's marks are those of the lines that were there: all of both is told again.
    tx.execute("DELETE FROM journal_mark WHERE topic_no IN (?, ?)", (topic.no, branch.no))
    catalogue_changed(tx)
    for no in (topic.no, branch.no):
        note_topic(tx, no, *LINE_TABLES)
    for group_id, move in sorted(swap.moves.items()):
        offsets.commit_offsets(
            tx, group_id, move.offsets, OffsetAction.PROMOTE, actor, now_ms, move.fence
        )
    _put_back_readers(tx, swap, readers, actor, now_ms)
    if (document := swap.document) is not None:
        stored = documents.document(tx, document.kind, document.id)
        if (None if stored is None else stored.body) != document.expected:
            raise Conflict(f"{document.kind} {document.id} was changed meanwhile")
        documents.put_document(tx, document.kind, document.id, document.body, now_ms)
    return live_topic(tx, topic.no), live_topic(tx, branch.no)


def _require_picture(tx: Tx, topic: Topic, branch: Topic, swap: LineSwap) -> None:
    """Raises Conflict if the two are not what the caller saw."""
    origin = branch.origin
    if topic.partitions != branch.partitions or len(swap.ends) != topic.partitions:
        raise Conflict(f"'{topic.name}' and '{branch.name}' do not have equally many partitions")
    ends = () if origin is None else origin.ends  # of partitions that came later nothing is common
    expected = tuple(ends) + (0,) * (topic.partitions - len(ends))
    if origin is None or origin.topic_id != topic.id or expected != tuple(swap.ends):
        raise Conflict(
            f"'{branch.name}' is not a branch of '{topic.name}' that parts from it there"
        )


def _refuse_transactions(tx: Tx, topic: Topic, branch: Topic) -> None:
    """An open transaction belongs to the line in which it began, and its end would come to the other."""
    for one in (topic, branch):
        open_ = tx.execute(
            "SELECT i.name FROM transaction_partition t JOIN transactional_id i "
            "ON i.no = t.transaction_no WHERE t.topic_no = ? UNION SELECT i.name "
            "FROM transaction_offset o JOIN transactional_id i ON i.no = o.transaction_no "
            "WHERE o.topic_no = ? ORDER BY 1 LIMIT 1",
            (one.no, one.no),
        ).fetchone()
        if open_ is not None:
            raise ClientFault(
                ErrorCode.CONCURRENT_TRANSACTIONS,
                f"a transaction of '{open_[0]}' is open in '{one.name}': end or abort it first",
            )


def _refuse_beyond(tx: Tx, topic: Topic, swap: LineSwap) -> None:
    """Raises Conflict for a group that came to stand beyond and of which nobody has said what becomes of it."""
    groups, shares = standing_beyond(tx, topic.no, swap.ends)
    unasked = {one.group_id for one in groups} - swap.kept - swap.moves.keys()
    if unasked:
        raise Conflict(f"group '{min(unasked)}' stands beyond where the lines part by now")
    if shares:
        group_id, partition, offset = shares[0]
        raise ClientFault(
            ErrorCode.NON_EMPTY_GROUP,
            f"share group '{group_id}' stands at offset {offset} of {topic.name}/{partition}, beyond "
            f"{_end(swap.ends, partition)} where the lines part: reset it first, it would skip records",
        )


def _put_back_readers(tx: Tx, swap: LineSwap, readers: set[str], actor: Actor, now_ms: int) -> None:
    """Who read the branch beyond the ends: the line under its number is another now, and its name is gone."""
    beyond, shares = standing_beyond(tx, swap.branch_no, swap.ends)
    if {one.group_id for one in beyond} - readers:
        raise Conflict("another group read the branch meanwhile")
    for group_id in sorted(readers):
        back = [
            Committed(swap.branch_no, one.partition, swap.ends[one.partition], -1, "", now_ms)
            for one in beyond
            if one.group_id == group_id
        ]
        offsets.commit_offsets(tx, group_id, back, OffsetAction.PROMOTE, actor, now_ms, None)
    for group_id, _, _ in shares:
        delete_shares(tx, group_id, swap.branch_no)


def _settled_below(tx: Tx, topic_no: int, partition: int, end: int) -> list[ProducerState]:
    """Producers that wrote nothing behind ``end``: a retry of what both lines hold is still known as one (I5).

    Of the others the line that goes keeps what it knows: they go on with numbers that the new one never saw.
    """
    return [
        state
        for state in appends.producer_states(tx, topic_no, partition)
        if all(batch.last_offset < end for batch in state.batches)
    ]


def _exchange(tx: Tx, one: int, other: int) -> None:
    """Two updates each, by way of numbers that no topic has: a key is never there twice."""
    for table in LINE_TABLES:
        tx.execute(
            f"UPDATE {table} SET topic_no = -topic_no WHERE topic_no IN (?, ?)", (one, other)
        )
        tx.execute(
            f"UPDATE {table} SET topic_no = CASE topic_no WHEN ?1 THEN ?4 ELSE ?3 END "
            "WHERE topic_no IN (?1, ?2)",
            (-one, -other, one, other),
        )


def _begin_epoch(tx: Tx, ours: Partition, theirs: Partition, end: int) -> None:
    """In both lines, all from ``end`` on counts as of a leader epoch above any that either ever had."""
    assert ours.partition == theirs.partition
    epoch = max(ours.leader_epoch, theirs.leader_epoch) + 1
    for topic_no in (ours.topic_no, theirs.topic_no):
        key = (topic_no, ours.partition)
        tx.execute(
            "DELETE FROM leader_epoch WHERE topic_no = ? AND partition = ? AND start_offset >= ?",
            (*key, end),
        )
        tx.execute(
            "INSERT INTO leader_epoch (topic_no, partition, epoch, start_offset) VALUES (?, ?, ?, ?)",
            (*key, epoch, end),
        )
        tx.execute(
            "UPDATE partition SET leader_epoch = ? WHERE topic_no = ? AND partition = ?",
            (epoch, *key),
        )
        # last_offset >= end alone would be a scan: base offsets bound it from the straddling one on.
        tx.execute(
            "UPDATE extent SET leader_epoch = ?1 WHERE topic_no = ?2 AND partition = ?3 "
            "AND base_offset >= coalesce((SELECT max(e.base_offset) FROM extent e WHERE e.topic_no = ?2 "
            "AND e.partition = ?3 AND e.base_offset <= ?4), 0) AND last_offset >= ?4",
            (epoch, *key, end),
        )


def _rename(tx: Tx, topic: Topic, branch: Topic, swap: LineSwap) -> None:
    origin = BranchOrigin(topic.id, topic.name, tuple(swap.ends), swap.at)
    configs = {**topic.configs, **_FOREVER}
    tx.execute(
        "UPDATE topic SET name = ?, origin = ?, configs = ? WHERE no = ?",
        (swap.displaced, _encode(origin), _encode(configs), branch.no),
    )
    rows = tx.execute(
        "SELECT no, origin FROM topic WHERE origin IS NOT NULL AND no <> ? ORDER BY no",
        (branch.no,),
    ).fetchall()
    for no, text in rows:
        other = msgspec.json.decode(text, type=BranchOrigin)
        moved = _origin_after(other, topic, branch, swap)
        if moved != other:
            tx.execute("UPDATE topic SET origin = ? WHERE no = ?", (_encode(moved), no))
            note_topic(tx, no)


def _origin_after(other: BranchOrigin, topic: Topic, branch: Topic, swap: LineSwap) -> BranchOrigin:
    """Of another branch: whose line it came from, and up to where it still agrees with the topic's."""
    if other.topic_id == branch.id:  # it was cut from the line that the topic has now
        return BranchOrigin(topic.id, topic.name, other.ends, other.at)
    if other.topic_id == topic.id:
        ends = tuple(
            min(end, swap.ends[p]) if p < len(swap.ends) else end
            for p, end in enumerate(other.ends)
        )
        return BranchOrigin(topic.id, topic.name, ends, other.at)
    return other


def _encode(value: BranchOrigin | Mapping[str, str]) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
