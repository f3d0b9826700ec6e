"""Transactional batches on their way into a partition: judged in the SQL transaction that commits them.

Two steps around the compare-and-set: :func:`judge` before it, which locks the transactional ids and says
which producers are refused; :meth:`Enlistment.write` after it, for the partitions that won. A partition
that its transaction has written to before costs the look alone. Appends without a transaction never come
here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from anabranch.errors import ErrorCode
from anabranch.metastore import bulk
from anabranch.metastore.journal_notes import note
from anabranch.metastore.transaction_values import (
    Enlisted,
    Refused,
    TransactionalId,
    TransactionState,
)
from anabranch.metastore.transactions import COLUMNS, begin, id_of
from anabranch.metastore.tx import Tx, is_sqlite
from anabranch.metastore.values import AppendCommit

Key = tuple[int, int]

_WRITTEN = bulk.Query(
    "topic_no partition producer_id",
    "t.topic_no, t.partition, t.producer_id, coalesce(t.first_offset, -1)",
    "FROM transaction_partition t WHERE (t.topic_no, t.partition, t.producer_id) IN {v}",
)
_WRITE = bulk.Statement(
    "topic_no partition producer_id transaction_no first_offset",
    """
INSERT INTO transaction_partition (topic_no, partition, producer_id, transaction_no, first_offset)
SELECT * FROM {v} AS v WHERE true
ON CONFLICT (topic_no, partition, producer_id) DO UPDATE SET first_offset = excluded.first_offset
""",
)
_UNSTABLE = bulk.Statement(
    "topic_no partition unstable",
    """
UPDATE partition SET unstable = v.unstable FROM {v} AS v
WHERE partition.topic_no = v.topic_no AND partition.partition = v.partition AND partition.unstable < 0
""",
)


class Enlistment:
    """What the transactions of a flush come to; made by :func:`judge`."""

    def __init__(self) -> None:
        self.refused: dict[Key, tuple[Refused, ...]] = {}
        self._new: dict[Key, list[tuple[TransactionalId, Enlisted]]] = {}

    def write(self, tx: Tx, won: Collection[Key]) -> None:
        """Record what is new of the partitions whose commit took place."""
        begun: dict[int, TransactionalId] = {}
        rows: list[tuple[int, int, int, int, int]] = []
        unstable: list[bulk.Row] = []
        for key in won:
            new = self._new.get(key, ())
            for row, one in new:
                if row.state is not TransactionState.ONGOING and row.no not in begun:
                    begin(tx, row, one.now_ms)
                    begun[row.no] = row
                rows.append((*key, one.producer_id, row.no, one.first_offset))
            if new:
                unstable.append((*key, min(one.first_offset for _, one in new)))
        if rows:
            bulk.write(tx, _WRITE, rows)
            bulk.write(tx, _UNSTABLE, unstable)
            note(
                tx,
                *[("transactional_id", (no,)) for no in begun],
                *[("transaction_partition", row[:3]) for row in rows],
            )


def judge(tx: Tx, commits: Sequence[AppendCommit]) -> Enlistment | None:
    """None if nothing in ``commits`` is transactional."""
    entries = [
        ((commit.topic_no, commit.partition), one)
        for commit in commits
        for one in commit.transactions
    ]
    if not entries:
        return None
    ids = _locked_ids(tx, sorted({one.transactional_id for _, one in entries}))
    keys = [(*key, one.producer_id) for key, one in entries]
    written = {(row[0], row[1], row[2]): row[3] for row in bulk.read(tx, _WRITTEN, keys)}
    found = Enlistment()
    for key, one in entries:
        row = ids.get(one.transactional_id)
        first = written.get((*key, one.producer_id))
        code = _refusal(row, one, added=first is not None)
        if code is not None:
            refused = Refused(one.producer_id, one.epoch, code)
            found.refused[key] = (*found.refused.get(key, ()), refused)
        elif first is None or first < 0:
            assert row is not None
            found._new.setdefault(key, []).append((row, one))
    return found


def _refusal(row: TransactionalId | None, one: Enlisted, *, added: bool) -> ErrorCode | None:
    """What Kafka's partition leaders answer, who verify with the coordinator (KIP-890)."""
    if row is None or row.producer_id != one.producer_id:
        return ErrorCode.INVALID_PRODUCER_ID_MAPPING
    if row.epoch != one.epoch:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    ongoing = row.state is TransactionState.ONGOING
    if one.implicit or (ongoing and added):
        return None
    return ErrorCode.TRANSACTION_ABORTABLE


def _locked_ids(tx: Tx, names: Sequence[str]) -> dict[str, TransactionalId]:
    lock = "" if is_sqlite(tx) else " FOR NO KEY UPDATE"
    found = {}
    for start in range(0, len(names), bulk.CHUNK_ROWS_MAX):
        chunk = names[start : start + bulk.CHUNK_ROWS_MAX]
        marks = ", ".join("?" * len(chunk))
        rows = tx.execute(
            f"SELECT {COLUMNS} FROM transactional_id WHERE name IN ({marks}) ORDER BY no{lock}",
            chunk,
        )
        found.update({row[1]: id_of(row) for row in rows})
    return found
