"""The restored tables, asked and changed in the terms of a rebuild."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from anabranch.log import leaving
from anabranch.log.rebuild.wal_read import Known
from anabranch.metastore import appends, bulk, partitions, topics
from anabranch.metastore.api import (
    NO_TIMESTAMP,
    Extent,
    Gap,
    GapCause,
    NewExtent,
    ObjectKind,
    Partition,
    ProducerState,
    Topic,
)
from anabranch.metastore.compactions import compaction
from anabranch.metastore.extent_rows import INSERT_EXTENTS, marked_rows
from anabranch.metastore.extents import extents_from, wal_extents
from anabranch.metastore.gaps import record_gap
from anabranch.metastore.objects import create_object
from anabranch.metastore.restore import Restoration
from anabranch.metastore.topics import create_partitions, create_topic

LIVE = 0  # value of topic.state


class ObjectFacts(NamedTuple):
    """An object that extents name."""

    no: int
    key: str
    wal: bool
    length: int  # bytes, up to where extents name it


# Whose rows belong to a topic.
OF_TOPICS = (
    *("partition", "deleted_partition", "extent", "producer", "gap", "damage", "damage_skip"),
    *("compaction", "committed", "leader_epoch"),
    *("transaction_partition", "aborted_transaction", "stable_point"),
)


class Tables:
    """Everything in the restoration's own transaction-per-call style."""

    def __init__(self, restoration: Restoration, now_ms: int) -> None:
        self.restoration = restoration
        self.tx = restoration.tx
        self.now_ms = now_ms

    # -- the WAL -----------------------------------------------------------------------------------
    def known_of_wal(self) -> Known:
        committed = dict(self.tx.execute("SELECT key, bytes FROM object WHERE kind = 1"))
        extents: dict[str, set[int]] = {}
        for key, position in self.tx.execute(
            "SELECT o.key, e.position FROM extent e JOIN object o ON o.no = e.object_no "
            "WHERE o.kind = 1"
        ):
            extents.setdefault(key, set()).add(position)
        return Known(
            committed=committed,
            collected=frozenset(key for (key,) in self.tx.execute("SELECT key FROM deletion")),
            epochs=frozenset(
                epoch
                for (epoch,) in self.tx.execute("SELECT coalesce(wal_epoch, epoch) FROM broker")
            )
            | self.leaving(),
            epoch_max=self.counter("broker_epoch"),
            extents={key: frozenset(positions) for key, positions in extents.items()},
        )

    def leaving(self) -> frozenset[int]:
        """Epochs under which brokers that were leaving wrote."""
        rows = self.tx.execute("SELECT id FROM document WHERE kind = ?", (leaving.KIND,))
        return frozenset(int(epoch) for (epoch,) in rows)

    def counter(self, name: str) -> int:
        value: int = self.tx.execute(
            "SELECT value FROM counter WHERE name = ?", (name,)
        ).fetchone()[0]
        return value

    def raise_counter(self, name: str, to: int) -> None:
        self.tx.execute("UPDATE counter SET value = max(value, ?) WHERE name = ?", (to, name))

    # -- topics and partitions -----------------------------------------------------------------------
    def topic_states(self) -> dict[bytes, tuple[int, int]]:
        """(number, state) by topic id."""
        rows = self.tx.execute("SELECT id, no, state FROM topic")
        return {topic_id: (no, state) for topic_id, no, state in rows}

    def topic(self, topic_no: int) -> Topic:
        found = topics.topic_by_no(self.tx, topic_no)
        assert found is not None
        return found

    def make_topic(
        self, name: str, topic_id: bytes, count: int, configs: Mapping[str, str]
    ) -> Topic:
        return create_topic(self.tx, name, topic_id, count, configs, self.now_ms)

    def grow_topic(self, topic_no: int, count: int) -> None:
        if self.topic(topic_no).partitions < count:
            create_partitions(self.tx, topic_no, count, self.now_ms)

    def partition(self, topic_no: int, partition: int) -> Partition | None:
        return partitions.partition(self.tx, topic_no, partition)

    def all_partitions(self) -> list[Partition]:
        return partitions.all_partitions(self.tx)

    def producers(self, topic_no: int, partition: int) -> dict[int, ProducerState]:
        states = appends.producer_states(self.tx, topic_no, partition)
        return {state.producer_id: state for state in states}

    def transactional_epochs(self) -> dict[int, float]:
        """The lowest epoch that is not over, of each producer id that a transactional id has or had last."""
        epochs: dict[int, float] = {}
        for producer_id, epoch, previous in self.tx.execute(
            "SELECT producer_id, epoch, previous_producer_id FROM transactional_id"
        ):
            epochs[producer_id] = epoch
            if previous >= 0:
                epochs.setdefault(previous, inf)
        return epochs

    def writing(self, topic_no: int, partition: int) -> set[int]:
        """Producers whose open transactions have written there."""
        rows = self.tx.execute(
            "SELECT producer_id FROM transaction_partition WHERE topic_no = ? AND partition = ? "
            "AND first_offset IS NOT NULL",
            (topic_no, partition),
        )
        return {producer_id for (producer_id,) in rows}

    def set_producers(self, topic_no: int, partition: int, states: Sequence[ProducerState]) -> None:
        appends.set_producers(self.tx, topic_no, partition, states)

    def compacted_below(self, row: Partition) -> int:
        """Below this offset compaction may have taken records."""
        state = compaction(self.tx, row.topic_no, row.partition)
        return 0 if state is None else state.gap_end

    def drop_unknown(self) -> None:
        """Rows of topics that the catalogue does not know: over a hole in the journal, what is told of a
        topic may come without it. Its number will be another's."""
        for table in OF_TOPICS:
            self.tx.execute(f"DELETE FROM {table} WHERE topic_no NOT IN (SELECT no FROM topic)")

    def tail(self, topic_no: int, partition: int, offset: int) -> list[Extent]:
        """Extents from the one that holds ``offset``."""
        return extents_from(self.tx, topic_no, partition, offset, 1 << 20)

    def begin_epoch(self, row: Partition, start_offset: int) -> int:
        """A new leader epoch from ``start_offset`` on (KIP-320: a client whose past lies beyond it under
        an older epoch learns that the log was cut there)."""
        epoch = row.leader_epoch + 1
        key = (row.topic_no, row.partition)
        self.tx.execute(
            "INSERT INTO leader_epoch (topic_no, partition, epoch, start_offset) "
            "VALUES (?, ?, ?, ?)",
            (*key, epoch, start_offset),
        )
        self.tx.execute(
            "UPDATE partition SET leader_epoch = ? WHERE topic_no = ? AND partition = ?",
            (epoch, *key),
        )
        return epoch

    def wal_extents(self, topic_no: int, partition: int) -> list[Extent]:
        return wal_extents(self.tx, topic_no, partition, 1 << 30)

    def name_taken(self, name: str) -> bool:
        row = self.tx.execute("SELECT 1 FROM topic WHERE name = ? AND state = 0", (name,))
        return row.fetchone() is not None

    def start_at(self, row: Partition, offset: int, cause: GapCause, detail: str) -> None:
        """An empty partition whose first offset is ``offset``."""
        key = (row.topic_no, row.partition)
        self.tx.execute(
            "UPDATE partition SET log_start = ?, next_offset = ?, merged_end = ? "
            "WHERE topic_no = ? AND partition = ?",
            (offset, offset, offset, *key),
        )
        if offset:
            record_gap(self.tx, Gap(*key, 0, offset - 1, cause, detail, self.now_ms))

    def skip(self, row: Partition, first: int, end: int, detail: str) -> None:
        """``first … end - 1`` are nowhere: the next offset is ``end``, and a gap says why."""
        key = (row.topic_no, row.partition)
        gap = Gap(*key, first, end - 1, GapCause.LOST_OBJECT, detail, self.now_ms)
        record_gap(self.tx, gap)
        self._end_at(row, end)

    def _end_at(self, row: Partition, end: int) -> None:
        self.tx.execute(
            "UPDATE partition SET next_offset = max(next_offset, ?) "
            "WHERE topic_no = ? AND partition = ?",
            (end, row.topic_no, row.partition),
        )

    def name(
        self,
        row: Partition,
        object_no: int,
        kind: ObjectKind,
        *,
        first: int,
        last: int,
        position: int,
        length: int,
        records: int,
        max_timestamp: int,
        appended_ms: int,
        leader_epoch: int,
    ) -> None:
        """An extent for these offsets; the partition ends behind it at least."""
        new = NewExtent(
            first, last, position, length, records, max_timestamp, appended_ms, leader_epoch
        )
        marks = self.tx.execute(
            "SELECT appended_ms, timestamp_mark FROM extent WHERE topic_no = ? AND partition = ? "
            "AND base_offset < ? ORDER BY base_offset DESC LIMIT 1",
            (row.topic_no, row.partition, first),
        ).fetchone() or (0, NO_TIMESTAMP)
        key = (row.topic_no, row.partition)
        (named,) = marked_rows(*key, object_no, kind, [new], *marks)
        bulk.write(self.tx, INSERT_EXTENTS, [named])
        # What is recovered behind it goes on from here: marks never decrease along a partition.
        self.tx.execute(
            "UPDATE partition SET appended_mark = max(appended_mark, ?), "
            "timestamp_mark = max(timestamp_mark, ?) WHERE topic_no = ? AND partition = ?",
            (named.appended_ms, named.timestamp_mark, *key),
        )
        self._end_at(row, last + 1)

    def clear(self, row: Partition, first: int, last: int) -> bool:
        """Remove the extents within these offsets; False if one lies across their border."""
        key = (row.topic_no, row.partition)
        within = "topic_no = ? AND partition = ? AND base_offset <= ? AND last_offset >= ?"
        across = self.tx.execute(
            f"SELECT 1 FROM extent WHERE {within} AND (base_offset < ? OR last_offset > ?)",
            (*key, last, first, first, last),
        ).fetchone()
        if across:
            return False
        self.tx.execute(f"DELETE FROM extent WHERE {within}", (*key, last, first))
        return True

    # -- objects -------------------------------------------------------------------------------------
    def named_objects(self) -> Iterable[ObjectFacts]:
        """Objects that extents of living or deleted topics name."""
        rows = self.tx.execute(
            "SELECT o.no, o.key, o.kind = 1, max(e.position + e.length) "
            "FROM extent e JOIN object o ON o.no = e.object_no GROUP BY o.no ORDER BY o.no"
        ).fetchall()
        return [ObjectFacts(no, key, bool(wal), length) for no, key, wal, length in rows]

    def object_keys(self) -> frozenset[str]:
        return frozenset(key for (key,) in self.tx.execute("SELECT key FROM object"))

    def committed_keys(self) -> frozenset[str]:
        """Objects that were named at some time. One that was only announced when the journal ended may have
        taken the place of what the journal names."""
        return frozenset(
            key for (key,) in self.tx.execute("SELECT key FROM object WHERE kind = 1 OR bytes > 0")
        )

    def object_no(self, key: str, kind: ObjectKind, length: int) -> int:
        """The number of an object, which is told of if nobody did before."""
        row = self.tx.execute("SELECT no FROM object WHERE key = ?", (key,)).fetchone()
        if row is not None:
            no: int = row[0]
        else:
            # One that was collected and is there all the same has lost its line in the log with this.
            self.tx.execute("DELETE FROM deletion WHERE key = ?", (key,))
            no = create_object(self.tx, key, kind, self.now_ms)
        self.tx.execute("UPDATE object SET bytes = max(bytes, ?) WHERE no = ?", (length, no))
        return no

    def where_named(self, object_no: int) -> list[tuple[str, int, int, int]]:
        """(topic, partition, first offset, last offset) of what an object holds."""
        return self.tx.execute(
            "SELECT t.name, e.partition, min(e.base_offset), max(e.last_offset) "
            "FROM extent e JOIN topic t ON t.no = e.topic_no WHERE e.object_no = ? "
            "GROUP BY t.name, e.partition ORDER BY t.name, e.partition",
            (object_no,),
        ).fetchall()
