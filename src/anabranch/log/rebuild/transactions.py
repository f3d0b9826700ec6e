"""What became of transactions, where batches tell what the journal does not (I6).

The markers of a transaction's end are one flush: they are recovered together or not at all, so every
partition hears the same. Where something is lost, a marker may be, too: then one that is in another partition
counts for all, of the newest end that a partition did not hear of. What is open at the end of all that is there
stays open, and is aborted when its time is over; of a producer that the journal does not know, under a name
that says so. Offsets that a transaction carried are known as far as the journal told of them: they went with the
first end behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from anabranch.errors import Corrupt
from anabranch.log.extents import ExtentReader
from anabranch.log.rebuild.adopt import Placed
from anabranch.log.rebuild.report import Kind, Report
from anabranch.log.rebuild.tables import LIVE, Tables
from anabranch.metastore import bulk
from anabranch.metastore.api import Extent, TransactionalId, TransactionState
from anabranch.metastore.transaction_end import ABORTED, carry_offsets
from anabranch.metastore.transaction_rules import end_of
from anabranch.metastore.transactions import COLUMNS, id_of, save
from anabranch.records.batch import scan
from anabranch.records.control import is_commit
from anabranch.storage.store import NotFound

TAIL_BYTES = 64 * 1024 * 1024  # read of each partition where there is no journal

# A marker may be lost: of these partitions, or of any.
LOSSY = (Kind.OFFSETS_MISSING, Kind.WAL_DAMAGED)
TORN = (Kind.WAL_DAMAGED, Kind.WAL_MISSING)
Key = tuple[int, int]  # topic_no, partition


class End(NamedTuple):
    """How a transaction of some producer ended; its markers in all partitions say the same. The newest is the
    largest."""

    epoch: int
    at_ms: int
    commit: bool


Ends = dict[int, set[End]]  # by producer id


class _Seen:
    """What the batches of one partition tell."""

    def __init__(self, open_: Mapping[int, int]) -> None:
        self.open = dict(open_)  # first offset by producer id
        self.began_ms: dict[
            int, int
        ] = {}  # of open ones that the journal did not tell, as their clients say
        self.aborted: list[tuple[int, int, int, int]] = []  # last, producer, first, stable
        self.ends: Ends = {}
        self.whole = True  # nothing is missing behind what the journal told
        self.first: int | None = None  # where the first transaction begins

    def read(
        self, extents: ExtentReader, extent: Extent, start: int, epochs: dict[int, int]
    ) -> None:
        """Raises Corrupt, NotFound."""
        for run in extents.chunks(extent):
            for header in scan(run):
                if header.last_offset < start or not header.is_transactional:
                    continue
                producer_id, offset = header.producer_id, header.base_offset
                epochs[producer_id] = max(epochs.get(producer_id, 0), header.producer_epoch)
                if not header.is_control:
                    if producer_id not in self.open:
                        self.open[producer_id] = offset
                        self.began_ms[producer_id] = header.max_timestamp
                    if self.first is None:
                        self.first = offset
                    continue
                commit = is_commit(run, header)
                first = self.open.pop(producer_id, None)
                if commit is None:
                    continue
                end = End(header.producer_epoch, header.max_timestamp, commit)
                self.ends.setdefault(producer_id, set()).add(end)
                if not commit and first is not None:
                    stable = min(self.open.values(), default=offset + 1)
                    self.aborted.append((offset, producer_id, first, stable))


def recover_transactions(
    tables: Tables,
    extents: ExtentReader,
    before: Mapping[Key, int],
    adopted: Mapping[tuple[bytes, int], Sequence[Placed]],
    report: Report,
    *,
    lost: bool,
) -> None:
    """``before``: where each partition ended by the journal. Raises StoreFault."""
    ids = {
        row[2]: id_of(row) for row in tables.tx.execute(f"SELECT {COLUMNS} FROM transactional_id")
    }
    open_: dict[Key, dict[int, int]] = {}
    for topic_no, partition, producer_id, first in tables.tx.execute(
        "SELECT topic_no, partition, producer_id, first_offset FROM transaction_partition "
        "WHERE first_offset IS NOT NULL"
    ).fetchall():
        open_.setdefault((topic_no, partition), {})[producer_id] = first
    _name_indexed(tables, adopted)
    ends: Ends = {}
    lossy = {finding.subject for finding in report.findings if finding.kind in LOSSY}
    torn = any(finding.kind in TORN for finding in report.findings)
    epochs: dict[int, int] = {}
    seen: dict[Key, _Seen] = {}
    for row in tables.all_partitions():
        key = (row.topic_no, row.partition)
        start = before.get(key, row.log_start)
        if start >= row.next_offset:
            continue
        found = seen[key] = _Seen(open_.get(key, {}))
        name = f"{tables.topic(row.topic_no).name}/{row.partition}"
        found.whole = not torn and name not in lossy
        tail = tables.tail(*key, start)
        chosen = _to_read(tail, lost)
        if chosen and chosen[0].base_offset > tail[0].base_offset:
            report.add(
                Kind.GUESSED,
                name,
                f"transactions are looked for from offset {chosen[0].base_offset} on (the last "
                f"{TAIL_BYTES >> 20} MiB): one that began before and is open still counts as committed there",
            )
        try:
            for extent in chosen:
                found.read(extents, extent, start, epochs)
        except (Corrupt, NotFound) as error:
            found.whole = False
            report.add(
                Kind.DOUBT,
                name,
                f"which transactions ended behind offset {start} cannot be read ({error})",
            )
    for key, first_offsets in open_.items():
        seen.setdefault(key, _Seen(first_offsets))
    for found in seen.values():
        for producer_id, some in found.ends.items():
            ends.setdefault(producer_id, set()).update(some)
    for key, found in seen.items():
        _settle(tables, key, found, ends)
    _conclude(tables, ids, seen, ends, epochs, report)


def _to_read(tail: Sequence[Extent], lost: bool) -> Sequence[Extent]:
    """With a journal all that is newer; without one the last of it: what is older was decided."""
    if not lost:
        return tail
    chosen: list[Extent] = []
    size = 0
    for extent in reversed(tail):
        if size >= TAIL_BYTES:
            break
        chosen.append(extent)
        size += extent.length
    return chosen[::-1]


def _name_indexed(tables: Tables, adopted: Mapping[tuple[bytes, int], Sequence[Placed]]) -> None:
    """The aborted transactions that the indexes of segments name."""
    states = tables.topic_states()
    for (topic_id, partition), placed in adopted.items():
        topic_no, state = states[topic_id]
        named = sorted({one for each in placed for one in each.share.aborted})
        if state != LIVE or not named:
            continue
        rows: list[bulk.Row] = []
        later = named[-1][0] + 1
        for last, producer_id, first in reversed(named):
            later = min(later, last + 1)
            rows.append((topic_no, partition, last, producer_id, first, later, 1))
            later = min(later, first)
        _put_aborted(tables, rows)


def _put_aborted(tables: Tables, rows: Iterable[bulk.Row]) -> None:
    for row in rows:
        tables.tx.execute(
            "DELETE FROM aborted_transaction WHERE topic_no = ? AND partition = ? "
            "AND last_offset = ? AND producer_id = ?",
            row[:4],
        )
        bulk.write(tables.tx, ABORTED, [row])


def _settle(tables: Tables, key: Key, found: _Seen, ends: Ends) -> None:
    """Close what ended, also where its marker is missing."""
    row = tables.partition(*key)
    if row is None:
        return
    rows: list[bulk.Row] = [(*key, *one, 1) for one in found.aborted]
    for producer_id, first in list(found.open.items()):
        elsewhere = {
            end
            for end in ends.get(producer_id, set()) - found.ends.get(producer_id, set())
            if end.at_ms >= found.began_ms.get(producer_id, 0)
        }
        if elsewhere and not found.whole:  # here its marker is lost
            del found.open[producer_id]
            if not max(elsewhere).commit:
                stable = min(found.open.values(), default=row.next_offset)
                rows.append((*key, row.next_offset - 1, producer_id, first, stable, 0))
    _put_aborted(tables, rows)
    if found.first is not None or found.open:
        begun = [] if found.first is None else [found.first]
        first = min([*found.open.values(), row.next_offset, *begun])
        for offset, stable in (
            (first, first),
            (row.next_offset, min(found.open.values(), default=row.next_offset)),
        ):
            tables.tx.execute(
                "INSERT INTO stable_point (topic_no, partition, at_offset, stable, at_ms) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (topic_no, partition, at_offset) DO NOTHING",
                (*key, offset, stable, tables.now_ms),
            )


def _conclude(
    tables: Tables,
    ids: dict[int, TransactionalId],
    seen: Mapping[Key, _Seen],
    ends: Ends,
    epochs: Mapping[int, int],
    report: Report,
) -> None:
    """The rows of transactional ids, and what is unstable."""
    tx = tables.tx
    still = {producer_id for found in seen.values() for producer_id in found.open}
    for producer_id, some in ends.items():
        row = ids.get(producer_id)
        if row is None:
            continue
        epoch, _, commit = max(some)
        state = TransactionState.COMPLETE_COMMIT if commit else TransactionState.COMPLETE_ABORT
        carry_offsets(tx, row, end_of(row, commit=min(some).commit, bumps=False), tables.now_ms)
        after = replace(
            row,
            epoch=max(row.epoch, epoch),
            previous_epoch=row.epoch if epoch > row.epoch else row.previous_epoch,
            state=state,
            started_ms=None,
            updated_ms=tables.now_ms,
        )
        save(tx, after)
        tx.execute("DELETE FROM transaction_partition WHERE transaction_no = ?", (row.no,))
        ids[producer_id] = after
    for key in seen:
        tx.execute(
            "DELETE FROM transaction_partition WHERE topic_no = ? AND partition = ? "
            "AND first_offset IS NOT NULL",
            key,
        )
    for producer_id in sorted(still):
        row = ids.get(producer_id) or _made(tables, producer_id, report)
        row = replace(
            row,
            epoch=max(row.epoch, epochs.get(producer_id, 0)),
            state=TransactionState.ONGOING,
            started_ms=tables.now_ms if row.started_ms is None else row.started_ms,
        )
        save(tx, row)
        for (topic_no, partition), found in seen.items():
            if producer_id in found.open:
                tx.execute(
                    "INSERT OR REPLACE INTO transaction_partition (topic_no, partition, producer_id, "
                    "transaction_no, first_offset) VALUES (?, ?, ?, ?, ?)",
                    (topic_no, partition, producer_id, row.no, found.open[producer_id]),
                )
    for table in ("partition", "deleted_partition"):
        tx.execute(
            f"UPDATE {table} SET unstable = coalesce((SELECT min(t.first_offset) "
            f"FROM transaction_partition t WHERE t.topic_no = {table}.topic_no "
            f"AND t.partition = {table}.partition), -1), aborted_end = max(aborted_end, coalesce(("
            f"SELECT max(a.last_offset) + 1 FROM aborted_transaction a "
            f"WHERE a.topic_no = {table}.topic_no AND a.partition = {table}.partition), 0))"
        )


def _made(tables: Tables, producer_id: int, report: Report) -> TransactionalId:
    """An id for a producer that the journal does not know: its transaction can only be aborted."""
    name = f"recovered-{producer_id}"
    report.add(
        Kind.GUESSED,
        name,
        f"producer {producer_id} was in a transaction, and its transactional id is not known: what it "
        "wrote is aborted once brokers run",
    )
    row = tables.tx.execute(
        "INSERT INTO transactional_id (name, producer_id, epoch, previous_producer_id, previous_epoch, "
        f"timeout_ms, state, started_ms, updated_ms) VALUES (?, ?, 0, -1, -1, 1, 0, NULL, ?) "
        f"RETURNING {COLUMNS}",
        (name, producer_id, tables.now_ms),
    ).fetchone()
    return id_of(row)
