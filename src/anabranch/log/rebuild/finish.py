"""The last steps of a rebuild: sums and marks anew, numbers that never return, doubts made visible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from anabranch.log import leaving
from anabranch.log.rebuild.bucket import kind_of_key
from anabranch.log.rebuild.report import Kind, Report
from anabranch.log.rebuild.tables import Tables
from anabranch.metastore import check

EPOCHS_APART = (
    1_000  # a broker of the old metastore may start some times more: no epoch is given twice
)
PRODUCER_IDS_APART = 1_000_000  # given out between the journal's last entry and the loss, at most
PRODUCER_IDS_APART_LOST = 1 << 40  # without a journal nobody knows how many were given
GROUP_ACTIVE_MS = 600_000  # a group that was quiet for longer committed nothing in the last second
GROUPS_LISTED_MAX = 1_000  # a report is to be read

_SUMS = """
UPDATE {table} SET (extents, records, bytes, wal_extents, wal_bytes) = (
    SELECT count(*), coalesce(sum(records), 0), coalesce(sum(length), 0), coalesce(sum(wal), 0),
        coalesce(sum(wal * length), 0)
    FROM extent e WHERE e.topic_no = {table}.topic_no AND e.partition = {table}.partition),
    appended_mark = max(appended_mark, (SELECT coalesce(max(appended_ms), 0) FROM extent e
        WHERE e.topic_no = {table}.topic_no AND e.partition = {table}.partition)),
    timestamp_mark = max(timestamp_mark, (SELECT coalesce(max(timestamp_mark), -1) FROM extent e
        WHERE e.topic_no = {table}.topic_no AND e.partition = {table}.partition)),
    merged_end = coalesce((SELECT min(base_offset) FROM extent e
        WHERE e.topic_no = {table}.topic_no AND e.partition = {table}.partition AND e.wal = 1),
        next_offset),
    wal_since_ms = coalesce((SELECT appended_ms FROM extent e
        WHERE e.topic_no = {table}.topic_no AND e.partition = {table}.partition AND e.wal = 1
        ORDER BY base_offset LIMIT 1), 0)
"""


def sum_up(tables: Tables) -> None:
    """What a partition's row says of its extents."""
    for table in ("partition", "deleted_partition"):
        tables.tx.execute(_SUMS.format(table=table))


def cut_epochs(tables: Tables) -> None:
    """A new leader epoch at the end of every partition: acknowledged records may be missing behind it."""
    for row in tables.all_partitions():
        tables.begin_epoch(row, row.next_offset)


def report_missing(
    tables: Tables, listed: Mapping[str, int], wal_there: frozenset[str], report: Report
) -> None:
    """Objects that extents name and nobody has: the extents stay, so that reads fail and say so."""
    for one in tables.named_objects():
        size = None if one.wal else listed.get(one.key)
        if (one.wal and one.key in wal_there) or (size is not None and size >= one.length):
            continue
        what = "is not there" if size is None else f"has {size} bytes of {one.length}"
        spans = [f"{t}/{p} {first} to {last}" for t, p, first, last in tables.where_named(one.no)]
        shown = ", ".join(spans[:8]) + (f" and {len(spans) - 8} more" if len(spans) > 8 else "")
        report.add(Kind.OBJECT_MISSING, one.key, f"{what}; it holds offsets of {shown}")


def adopt_unnamed(tables: Tables, keys: Iterable[str], listed: Mapping[str, int]) -> None:
    """Objects that nothing names become candidates of collection, with the full grace."""
    known = tables.object_keys()
    for key in keys:
        kind = kind_of_key(key)
        if kind is not None and key not in known:
            tables.object_no(key, kind, listed[key])


def number_anew(
    tables: Tables,
    *,
    epoch_max: int,
    wal_epoch_max: int,
    producer_id_max: int,
    incarnation: bytes,
    lost: bool,
) -> None:
    """Numbers that must never be given twice go on well above all that were."""
    tx = tables.tx
    epoch = max(tables.counter("broker_epoch"), wal_epoch_max)
    tables.raise_counter("broker_epoch", epoch + EPOCHS_APART)
    given = max(tables.counter("producer_id"), producer_id_max + 1)
    apart = PRODUCER_IDS_APART_LOST if lost else PRODUCER_IDS_APART
    tables.raise_counter("producer_id", given + apart)
    tables.raise_counter("catalogue_version", tables.counter("catalogue_version") + 1)
    tx.execute("DELETE FROM broker")
    tx.execute("DELETE FROM document WHERE kind = ?", (leaving.KIND,))
    tx.execute("DELETE FROM lease")
    tx.execute("DELETE FROM journal_note")
    tx.execute("DELETE FROM journal_mark")
    tx.execute("UPDATE object SET suspect = 1, unreferenced_ms = NULL")
    tx.execute(
        "UPDATE journal SET incarnation = ?, epoch = ?, number = 0, number_epoch = 0, shipped_ms = 0, "
        "snapshot_epoch = 0, snapshot_number = 0, snapshot_ms = 0",
        (incarnation, epoch_max + EPOCHS_APART),
    )


def report_positions(tables: Tables, report: Report) -> None:
    """Committed offsets that lie outside what there is."""
    rows = tables.tx.execute(
        'SELECT g.group_id, t.name, c.partition, c."offset", p.log_start, p.next_offset '
        "FROM committed c JOIN consumer_group g ON g.no = c.group_no "
        "JOIN topic t ON t.no = c.topic_no JOIN partition p "
        "ON p.topic_no = c.topic_no AND p.partition = c.partition "
        'WHERE c."offset" > p.next_offset ORDER BY 1, 2, 3'
    )
    for group, topic, partition, offset, start, end in rows.fetchall():
        report.add(
            Kind.POSITION,
            f"{group} at {topic}/{partition}",
            f"it committed {offset}, the partition holds {start} to {end}: records that it had read are "
            "missing",
        )


def report_untold(tables: Tables, last_ms: int, report: Report) -> None:
    """What brokers may have changed behind the journal's end, and which groups that may concern.

    To be asked before brokers are forgotten. Whoever left in order had shipped all it did.
    """
    brokers = [str(one) for (one,) in tables.tx.execute("SELECT broker_id FROM broker ORDER BY 1")]
    brokers += [f"of epoch {epoch}" for epoch in sorted(tables.leaving())]
    if not brokers:
        return
    report.add(
        Kind.UNTOLD,
        "journal",
        f"brokers {', '.join(brokers)} had not left when it ended: offsets that groups committed, topics, "
        "configs, groups and documents that were changed since (about a second) are not known",
    )
    groups = tables.tx.execute(
        'SELECT g.group_id, max(c.at_ms), sum(max(0, p.next_offset - c."offset")) '
        "FROM committed c JOIN consumer_group g ON g.no = c.group_no JOIN partition p "
        "ON p.topic_no = c.topic_no AND p.partition = c.partition "
        "WHERE g.live = 1 GROUP BY g.no HAVING max(c.at_ms) >= ? ORDER BY 1 LIMIT ?",
        (last_ms - GROUP_ACTIVE_MS, GROUPS_LISTED_MAX + 1),
    ).fetchall()
    for group, at_ms, lag in groups[:GROUPS_LISTED_MAX]:
        report.add(
            Kind.UNTOLD,
            group,
            f"its last commit that is known was made {max(0, last_ms - at_ms)} ms before the journal's end: "
            f"if it committed since, it reads up to {lag} records again",
        )
    if len(groups) > GROUPS_LISTED_MAX:
        report.add(Kind.UNTOLD, "more groups", f"as these {GROUPS_LISTED_MAX}")


def report_tables(tables: Tables, report: Report) -> None:
    """Whatever still contradicts itself."""
    for sentence in check.check(tables.tx):
        report.add(Kind.TABLES, "metastore", sentence)
