"""The end of transactions: their markers, offsets, aborted index, stable offsets and states, all at once.

I6: one SQL transaction. Nobody ever sees a part of it: what a transaction wrote in all of its partitions,
and the offsets that it carries, count from its commit on or never.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

import msgspec

from anabranch.metastore import bulk, offsets, partitions
from anabranch.metastore.appends import commit_appends
from anabranch.metastore.journal_notes import note
from anabranch.metastore.producer_ids import allocate_producer_ids
from anabranch.metastore.transaction_rules import ended
from anabranch.metastore.transaction_values import (
    Marker,
    TransactionalId,
    TransactionEnd,
    TransactionState,
)
from anabranch.metastore.transactions import COLUMNS, id_of, save
from anabranch.metastore.tx import Tx, is_sqlite, lock_group, lock_partition
from anabranch.metastore.values import Actor, AppendCommit, Committed, OffsetAction, Partition

Key = tuple[int, int]
_actor = msgspec.json.Decoder(Actor).decode


class EndOutcome(NamedTuple):
    """``ids`` are the transactional ids after their ends, or empty if nothing happened at all.

    Then ``stale`` are the places (in ``ends``) of those that are no longer as they were seen, and
    ``lost`` where partitions end whose compare-and-set lost; None for a partition that is gone.
    ``partitions`` are those that markers were written to, as they are now.
    """

    ids: tuple[TransactionalId, ...] = ()
    partitions: tuple[Partition, ...] = ()
    stale: tuple[int, ...] = ()
    lost: tuple[tuple[Key, Partition | None], ...] = ()


_OPEN = bulk.Query(
    "topic_no partition",
    "t.topic_no, t.partition, t.producer_id, t.first_offset",
    "FROM transaction_partition t WHERE (t.topic_no, t.partition) IN {v} "
    "AND t.first_offset IS NOT NULL",
)
_SETTLE = {
    table: bulk.Statement(
        "topic_no partition unstable aborted_end",
        f"""
UPDATE {table} SET unstable = v.unstable, aborted_end = max({table}.aborted_end, v.aborted_end)
FROM {{v}} AS v WHERE {table}.topic_no = v.topic_no AND {table}.partition = v.partition
""",
    )
    for table in partitions.TABLES
}
STABLE_POINT_MS = (
    60_000  # between two in a partition: a branch reads about so much to find what was open
)
_LAST_POINTS = bulk.Query(
    "topic_no partition",
    "s.topic_no, s.partition, s.at_ms",
    "FROM {v} AS v CROSS JOIN stable_point s WHERE s.topic_no = v.topic_no AND s.partition = v.partition "
    "AND s.at_offset = (SELECT max(x.at_offset) FROM stable_point x "
    "WHERE x.topic_no = v.topic_no AND x.partition = v.partition)",
)
_PUT_POINTS = bulk.Statement(
    "topic_no partition at_offset stable at_ms",
    """
INSERT INTO stable_point (topic_no, partition, at_offset, stable, at_ms) SELECT * FROM {v} AS v WHERE true
ON CONFLICT (topic_no, partition, at_offset) DO NOTHING
""",
)
ABORTED = bulk.Statement(
    "topic_no partition last_offset producer_id first_offset stable marked",
    """
INSERT INTO aborted_transaction (topic_no, partition, last_offset, producer_id, first_offset, stable,
    marked) SELECT * FROM {v} AS v
""",
)


def end_transactions(
    tx: Tx,
    object_key: str,
    commits: Sequence[AppendCommit],
    ends: Sequence[TransactionEnd],
    now_ms: int,
) -> EndOutcome:
    """``commits`` append the markers that ``ends`` name; all happens, or nothing."""
    ids = _locked_ids(tx, ends)
    touched = _touched(tx, [end.no for end in ends])
    if stale := [place for place, end in enumerate(ends) if not _as_seen(ids, touched, end)]:
        return EndOutcome(stale=tuple(stale))
    lost = _lost(tx, commits)
    if lost:
        return EndOutcome(lost=tuple(lost))
    if commits:
        outcomes = commit_appends(tx, object_key, commits, now_ms)
        assert all(outcome.committed for outcome in outcomes), "lost what was looked at before"
    _settle(tx, ends, touched, now_ms)
    after = []
    for end in ends:
        row = ids[end.no]
        new_id = allocate_producer_ids(tx, 1) if end.rotate else row.producer_id
        after.append(ended(row, end, new_id, now_ms))
        save(tx, after[-1])
        carry_offsets(tx, row, end, now_ms)
    note(tx, *[("transactional_id", (end.no,)) for end in ends])
    there = partitions.some_partitions(tx, [(one.topic_no, one.partition) for one in commits])
    return EndOutcome(ids=tuple(after), partitions=tuple(there))


def _locked_ids(tx: Tx, ends: Sequence[TransactionEnd]) -> dict[int, TransactionalId]:
    nos = sorted(end.no for end in ends)
    assert len(set(nos)) == len(nos), "a transaction ends once"
    marks = ", ".join("?" * len(nos))
    lock = "" if is_sqlite(tx) else " FOR NO KEY UPDATE"
    rows = tx.execute(
        f"SELECT {COLUMNS} FROM transactional_id WHERE no IN ({marks}) ORDER BY no{lock}", nos
    )
    return {row[0]: id_of(row) for row in rows}


class _Touch(NamedTuple):
    topic_no: int
    partition: int
    producer_id: int
    transaction_no: int
    first_offset: int | None
    home: str | None  # the table of the partition's row; None if it was purged


def _touched(tx: Tx, nos: Sequence[int]) -> list[_Touch]:
    marks = ", ".join("?" * len(nos))
    rows = tx.execute(
        "SELECT t.topic_no, t.partition, t.producer_id, t.transaction_no, t.first_offset, "
        "p.topic_no, d.topic_no FROM transaction_partition t "
        "LEFT JOIN partition p ON p.topic_no = t.topic_no AND p.partition = t.partition "
        "LEFT JOIN deleted_partition d ON d.topic_no = t.topic_no AND d.partition = t.partition "
        f"WHERE t.transaction_no IN ({marks})",
        nos,
    )
    found = []
    for topic_no, partition, producer_id, no, first_offset, live, hidden in rows:
        home = None if hidden is None else "deleted_partition"
        if live is not None:
            home = "partition"
        found.append(_Touch(topic_no, partition, producer_id, no, first_offset, home))
    return found


def _as_seen(
    ids: Mapping[int, TransactionalId], touched: Iterable[_Touch], end: TransactionEnd
) -> bool:
    row = ids.get(end.no)
    if row is None or (row.producer_id, row.epoch) != (end.producer_id, end.epoch):
        return False
    if end.ongoing != (row.state is TransactionState.ONGOING):
        return False
    written = {
        (touch.topic_no, touch.partition)
        for touch in touched
        if touch.transaction_no == end.no
        and touch.first_offset is not None
        and touch.home == "partition"
    }
    return written == {(marker.topic_no, marker.partition) for marker in end.markers}


def _lost(tx: Tx, commits: Sequence[AppendCommit]) -> list[tuple[Key, Partition | None]]:
    """The partitions that do not end where the markers are to begin."""
    keys = sorted((commit.topic_no, commit.partition) for commit in commits)
    for key in keys:
        lock_partition(tx, *key)
    there = {(one.topic_no, one.partition): one for one in partitions.some_partitions(tx, keys)}
    lost: list[tuple[Key, Partition | None]] = []
    for commit in commits:
        present = there.get((commit.topic_no, commit.partition))
        if present is None or (present.next_offset, present.leader_epoch) != (
            commit.expected_next,
            commit.epoch,
        ):
            lost.append(((commit.topic_no, commit.partition), present))
    return lost


def _settle(tx: Tx, ends: Sequence[TransactionEnd], touched: Sequence[_Touch], now_ms: int) -> None:
    """Close the transactions in every partition: what is unstable there now, what was aborted."""
    written = [touch for touch in touched if touch.first_offset is not None and touch.home]
    homes = {(touch.topic_no, touch.partition): touch.home for touch in written}
    for key in sorted(key for key, home in homes.items() if home == "deleted_partition"):
        tx.execute(  # its own lock, as lock_partition's for a live one
            "UPDATE deleted_partition SET unstable = unstable WHERE topic_no = ? AND partition = ?",
            key,
        )
    still_open: dict[Key, dict[int, int]] = {key: {} for key in homes}
    for topic_no, partition, producer_id, first in bulk.read(tx, _OPEN, list(homes)):
        still_open[topic_no, partition][producer_id] = first
    before = {key: min(firsts.values()) for key, firsts in still_open.items()}
    by_no = {end.no: end for end in ends}
    markers = {
        (end.no, marker.topic_no, marker.partition): marker
        for end in ends
        for marker in end.markers
    }
    ends_at: dict[Key, int] = {}
    aborted: list[bulk.Row] = []
    aborted_end: dict[Key, int] = dict.fromkeys(homes, 0)
    for touch in sorted(written, key=lambda one: _place(markers, one)):
        key = (touch.topic_no, touch.partition)
        first = still_open[key].pop(touch.producer_id)
        marker = markers.get((touch.transaction_no, *key))
        last = marker.offset if marker is not None else _last_offset(tx, key)
        ends_at[key] = last + 1
        if by_no[touch.transaction_no].commit:
            continue
        left = min(still_open[key].values(), default=last + 1)
        aborted.append((*key, last, touch.producer_id, first, left, int(marker is not None)))
        aborted_end[key] = last + 1
    bulk.write(tx, ABORTED, aborted)
    for table in partitions.TABLES:
        bulk.write(
            tx,
            _SETTLE[table],
            [
                (*key, min(still_open[key].values(), default=-1), aborted_end[key])
                for key, home in homes.items()
                if home == table
            ],
        )
    stable = {key: min(still_open[key].values(), default=end) for key, end in ends_at.items()}
    unmarked = {key for key, home in homes.items() if home != "partition"}
    points = _points(tx, before, ends_at, stable, unmarked, now_ms)
    marks = ", ".join("?" * len(ends))
    tx.execute(
        f"DELETE FROM transaction_partition WHERE transaction_no IN ({marks})",
        [end.no for end in ends],
    )
    noted = [
        *[("transaction_partition", touch[:3]) for touch in touched],
        *[("aborted_transaction", row[:4]) for row in aborted],
        *[("stable_point", row[:3]) for row in points],
        *[("deleted_partition", key) for key, home in homes.items() if home == "deleted_partition"],
    ]
    if noted:
        note(tx, *noted)  # type: ignore[arg-type]


def _points(
    tx: Tx,
    before: Mapping[Key, int],
    ends_at: Mapping[Key, int],
    stable: Mapping[Key, int],
    unmarked: Set[Key],
    now_ms: int,
) -> list[tuple[int, int, int, int, int]]:
    """Note what is stable from ``ends_at`` on, where that was not noted for a while.

    A partition's first point is where its first transaction began: below it there is none. Where no marker
    tells of the end, a point has to.
    """
    last = {(row[0], row[1]): row[2] for row in bulk.read(tx, _LAST_POINTS, list(ends_at))}
    points = []
    for key, end in ends_at.items():
        if key not in last:
            points.append((*key, before[key], before[key], now_ms))
        if key in unmarked or (key in last and last[key] + STABLE_POINT_MS <= now_ms):
            points.append((*key, end, stable[key], now_ms))
    bulk.write(tx, _PUT_POINTS, points)
    return points


def _place(markers: Mapping[tuple[int, int, int], Marker], touch: _Touch) -> int:
    marker = markers.get((touch.transaction_no, touch.topic_no, touch.partition))
    return -1 if marker is None else marker.offset


def _last_offset(tx: Tx, key: Key) -> int:
    """Of a deleted topic's partition, which gets no marker: all that it holds."""
    row = tx.execute(
        "SELECT next_offset FROM deleted_partition WHERE topic_no = ? AND partition = ?", key
    ).fetchone()
    last: int = row[0] - 1
    return last


def carry_offsets(tx: Tx, row: TransactionalId, end: TransactionEnd, now_ms: int) -> None:
    """Commit the offsets that the transaction carries, or forget them."""
    groups = tx.execute(
        "SELECT group_id, actor FROM transaction_group WHERE transaction_no = ? ORDER BY group_id",
        (end.no,),
    ).fetchall()
    if not groups:
        return
    for group_id, actor in groups:
        tx.changed.groups.add(group_id)
        if not end.commit or actor is None:
            continue
        carried = tx.execute(
            'SELECT topic_no, partition, "offset", leader_epoch, metadata, committed_ms '
            "FROM transaction_offset WHERE transaction_no = ? AND group_id = ? "
            "ORDER BY topic_no, partition",
            (end.no, group_id),
        ).fetchall()
        if carried:
            lock_group(tx, group_id)
            offsets.commit_offsets(
                tx,
                group_id,
                [Committed(*one) for one in carried],
                OffsetAction.COMMIT,
                _actor(actor),
                now_ms,
                None,
            )
    tx.execute("DELETE FROM transaction_offset WHERE transaction_no = ?", (end.no,))
    tx.execute("DELETE FROM transaction_group WHERE transaction_no = ?", (end.no,))
    note(tx, ("transaction_offset", (end.no,)), ("transaction_group", (end.no,)))
