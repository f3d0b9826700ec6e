"""Every invariant of the tables as a query that finds what violates it.

For tests, simulation and the operator's doctor: it reads everything, so its cost is O(metastore).
"""

from __future__ import annotations

from anabranch.metastore.tx import Tx, is_sqlite

_SUMS = (
    "topic_no, partition, next_offset, log_start, merged_end, extents, records, bytes, wal_extents, "
    "wal_bytes, wal_since_ms, appended_mark, timestamp_mark, unstable, aborted_end"
)
# The partitions of living topics and of those that can be brought back.
_KEPT = f"(SELECT {_SUMS} FROM partition UNION ALL SELECT {_SUMS} FROM deleted_partition)"

# (what is wrong, query that returns the rows where it is)
_QUERIES: tuple[tuple[str, str], ...] = (
    (
        "I2: extents of one partition overlap",
        "SELECT topic_no, partition, base_offset FROM (SELECT *, lag(last_offset) OVER w AS before "
        "FROM extent WINDOW w AS (PARTITION BY topic_no, partition ORDER BY base_offset)) AS e "
        "WHERE before >= base_offset",
    ),
    (
        "I2: an extent lies outside log_start .. next_offset",
        "SELECT e.topic_no, e.partition, e.base_offset FROM extent e "
        f"JOIN {_KEPT} AS p USING (topic_no, partition) "
        "WHERE e.last_offset < p.log_start OR e.last_offset >= p.next_offset",
    ),
    (
        "I2: offsets below log_start without a gap that says why",
        f"SELECT topic_no, partition, log_start FROM {_KEPT} AS p WHERE log_start > coalesce((SELECT "
        "sum(min(g.last_offset + 1, p.log_start) - g.first_offset) FROM gap g "
        "WHERE g.topic_no = p.topic_no AND g.partition = p.partition "
        "AND g.first_offset < p.log_start), 0)",
    ),
    (
        "I3: an extent names an object that is not there",
        "SELECT topic_no, partition, base_offset FROM extent "
        "WHERE object_no NOT IN (SELECT no FROM object)",
    ),
    (
        "I3: an object is stamped unreferenced, but an extent names it",
        "SELECT key FROM object o WHERE unreferenced_ms IS NOT NULL "
        "AND EXISTS (SELECT 1 FROM extent WHERE object_no = o.no)",
    ),
    (
        "I3: an object that no extent names is not suspect, so it would never be collected",
        "SELECT key FROM object o WHERE suspect = 0 "
        "AND NOT EXISTS (SELECT 1 FROM extent WHERE object_no = o.no)",
    ),
    (
        "an extent reaches past the end of its object, or calls it by another kind",
        "SELECT e.topic_no, e.partition, e.base_offset FROM extent e JOIN object o "
        "ON o.no = e.object_no WHERE e.wal <> o.kind OR e.position + e.length > o.bytes",
    ),
    (
        "appended_ms or timestamp_mark decreases along a partition",
        "SELECT topic_no, partition, base_offset FROM (SELECT *, lag(appended_ms) OVER w AS a, "
        "lag(timestamp_mark) OVER w AS t FROM extent "
        "WINDOW w AS (PARTITION BY topic_no, partition ORDER BY base_offset)) AS e "
        "WHERE a > appended_ms OR t > timestamp_mark",
    ),
    (
        "a partition's sums are not those of its extents",
        f"SELECT p.topic_no, p.partition, count(e.base_offset) FROM {_KEPT} AS p "
        "LEFT JOIN extent e USING (topic_no, partition) GROUP BY p.topic_no, p.partition "
        "HAVING max(p.extents) <> count(e.base_offset) "
        "OR max(p.records) <> coalesce(sum(e.records), 0) "
        "OR max(p.bytes) <> coalesce(sum(e.length), 0) "
        "OR max(p.wal_extents) <> coalesce(sum(e.wal), 0) "
        "OR max(p.wal_bytes) <> coalesce(sum(e.wal * e.length), 0)",
    ),
    (
        "a partition's marks lie below those of its extents",
        f"SELECT p.topic_no, p.partition, max(e.base_offset) FROM {_KEPT} AS p "
        "JOIN extent e USING (topic_no, partition) GROUP BY p.topic_no, p.partition "
        "HAVING max(p.appended_mark) < max(e.appended_ms) "
        "OR max(p.timestamp_mark) < max(e.timestamp_mark)",
    ),
    (
        "an extent below merged_end lies in the WAL, or wal_since_ms is not the oldest",
        f"SELECT p.topic_no, p.partition, min(e.base_offset) FROM {_KEPT} AS p "
        "JOIN extent e USING (topic_no, partition) WHERE e.wal = 1 GROUP BY p.topic_no, p.partition "
        "HAVING min(e.base_offset) < max(p.merged_end) OR max(p.wal_since_ms) <> min(e.appended_ms)",
    ),
    (
        "I2: a range was skipped, and no gap says so",
        "SELECT s.topic_no, s.partition, s.first_offset FROM damage_skip s JOIN partition p "
        "ON p.topic_no = s.topic_no AND p.partition = s.partition WHERE NOT EXISTS (SELECT 1 "
        "FROM gap g WHERE g.topic_no = s.topic_no AND g.partition = s.partition "
        "AND g.first_offset <= s.first_offset AND g.last_offset >= s.last_offset)",
    ),
    (
        "damage outside log_start .. next_offset, or two damaged ranges that overlap",
        "SELECT d.topic_no, d.partition, d.first_offset FROM (SELECT *, lag(last_offset) OVER w AS "
        "before FROM damage WINDOW w AS (PARTITION BY topic_no, partition ORDER BY first_offset)) "
        f"AS d JOIN {_KEPT} AS p USING (topic_no, partition) WHERE d.before >= d.first_offset "
        "OR d.last_offset < p.log_start OR d.first_offset >= p.next_offset",
    ),
    (
        "I2: a partition is compacted beyond what its gap says, or beyond its end",
        "SELECT c.topic_no, c.partition, c.cleaned_end FROM compaction c "
        "JOIN partition p ON p.topic_no = c.topic_no AND p.partition = c.partition "
        "WHERE c.cleaned_end > c.gap_end OR c.gap_end > p.next_offset",
    ),
    (
        "a pack's live bytes were measured, but are fewer than those that extents name",
        "SELECT no, key, live_bytes FROM object o WHERE live_bytes IS NOT NULL AND (form <> 1 OR "
        "live_bytes < (SELECT coalesce(sum(s.named), 0) FROM (SELECT max(length) AS named "
        "FROM extent WHERE object_no = o.no GROUP BY position) AS s))",
    ),
    (
        "leader epochs do not end in the partition's own, or do not start at offset 0",
        "SELECT p.topic_no, p.partition, max(l.epoch) FROM partition p "
        "LEFT JOIN leader_epoch l USING (topic_no, partition) GROUP BY p.topic_no, p.partition "
        "HAVING coalesce(max(l.epoch), -1) <> max(p.leader_epoch) OR min(l.start_offset) <> 0",
    ),
    (
        "a live topic does not have the partitions it says",
        "SELECT t.no, max(t.name), count(p.partition) FROM topic t "
        "LEFT JOIN partition p ON p.topic_no = t.no WHERE t.state = 0 GROUP BY t.no "
        "HAVING count(p.partition) <> max(t.partitions) OR max(p.partition) <> max(t.partitions) - 1",
    ),
    (
        "a deleted topic still has partitions, or a purged one rows",
        "SELECT no, name FROM topic t WHERE state > 0 "
        "AND EXISTS (SELECT 1 FROM partition WHERE topic_no = t.no) UNION ALL "
        "SELECT no, name FROM topic t WHERE state = 2 AND ("
        "EXISTS (SELECT 1 FROM extent WHERE topic_no = t.no) "
        "OR EXISTS (SELECT 1 FROM producer WHERE topic_no = t.no) "
        "OR EXISTS (SELECT 1 FROM gap WHERE topic_no = t.no) "
        "OR EXISTS (SELECT 1 FROM damage WHERE topic_no = t.no) "
        "OR EXISTS (SELECT 1 FROM compaction WHERE topic_no = t.no) "
        "OR EXISTS (SELECT 1 FROM aborted_transaction WHERE topic_no = t.no) "
        "OR EXISTS (SELECT 1 FROM stable_point WHERE topic_no = t.no) "
        "OR EXISTS (SELECT 1 FROM transaction_partition WHERE topic_no = t.no) "
        "OR EXISTS (SELECT 1 FROM deleted_partition WHERE topic_no = t.no) "
        "OR EXISTS (SELECT 1 FROM committed WHERE topic_no = t.no))",
    ),
    (
        "a live topic has partitions of a deleted one",
        "SELECT no, name FROM topic t WHERE state = 0 "
        "AND EXISTS (SELECT 1 FROM deleted_partition WHERE topic_no = t.no)",
    ),
    (
        "rows of a topic that is not in the catalogue",
        "SELECT topic_no FROM (SELECT topic_no FROM partition UNION SELECT topic_no FROM extent "
        "UNION SELECT topic_no FROM deleted_partition "
        "UNION SELECT topic_no FROM producer UNION SELECT topic_no FROM gap "
        "UNION SELECT topic_no FROM damage UNION SELECT topic_no FROM damage_skip "
        "UNION SELECT topic_no FROM stable_point UNION SELECT topic_no FROM aborted_transaction UNION SELECT topic_no FROM transaction_partition "
        "UNION SELECT topic_no FROM compaction UNION SELECT topic_no FROM committed UNION SELECT topic_no FROM leader_epoch) AS r "
        "WHERE topic_no NOT IN (SELECT no FROM topic)",
    ),
    (
        "I6: a partition is not unstable from the first ongoing transaction on",
        f"SELECT p.topic_no, p.partition, p.unstable FROM {_KEPT} AS p WHERE p.unstable <> "
        "coalesce((SELECT min(t.first_offset) FROM transaction_partition t "
        "WHERE t.topic_no = p.topic_no AND t.partition = p.partition), -1)",
    ),
    (
        "I6: a part of a transaction without an ongoing transaction, or another producer's",
        "SELECT t.transaction_no, t.producer_id FROM transaction_partition t "
        "LEFT JOIN transactional_id i ON i.no = t.transaction_no "
        "WHERE i.no IS NULL OR i.state <> 1 OR i.producer_id <> t.producer_id UNION ALL "
        "SELECT g.transaction_no, 0 FROM transaction_group g "
        "LEFT JOIN transactional_id i ON i.no = g.transaction_no WHERE i.no IS NULL OR i.state <> 1 "
        "UNION ALL SELECT o.transaction_no, o.topic_no FROM transaction_offset o "
        "LEFT JOIN transaction_group g ON g.transaction_no = o.transaction_no "
        "AND g.group_id = o.group_id WHERE g.group_id IS NULL",
    ),
    (
        "I6: an aborted transaction lies outside log_start .. aborted_end, or after what is stable",
        f"SELECT a.topic_no, a.partition, a.last_offset FROM aborted_transaction a JOIN {_KEPT} AS p "
        "USING (topic_no, partition) WHERE a.last_offset < p.log_start "
        "OR a.last_offset >= p.aborted_end OR a.last_offset >= p.next_offset "
        "OR a.stable > a.last_offset + 1",
    ),
    (
        "I6: what is stable decreases along the aborted transactions of a partition",
        "SELECT topic_no, partition, last_offset FROM (SELECT *, lag(stable) OVER w AS before "
        "FROM aborted_transaction WINDOW w AS (PARTITION BY topic_no, partition "
        "ORDER BY last_offset, stable)) AS a WHERE before > stable OR (marked = 1 AND first_offset < before)",
    ),
    (
        "I8: a line of history does not begin where the partition's line before it ended",
        "SELECT group_no, topic_no, partition, seq FROM (SELECT *, lag(new_offset) OVER w AS before, "
        "lag(seq) OVER w AS earlier FROM (SELECT group_no, topic_no, partition, at_ms, seq, "
        "old_offset, new_offset FROM offset_history UNION ALL SELECT group_no, topic_no, partition, "
        'at_ms, seq, old_offset, "offset" FROM committed) AS l '
        "WINDOW w AS (PARTITION BY group_no, topic_no, partition ORDER BY at_ms, seq)) AS l "
        "WHERE earlier IS NOT NULL "
        "AND (coalesce(before, -1) <> coalesce(old_offset, -1) OR earlier >= seq)",
    ),
    (
        "I8: a line names a group or an actor that is not there",
        "SELECT group_no, seq FROM (SELECT group_no, seq, actor_no FROM offset_history UNION ALL "
        "SELECT group_no, seq, actor_no FROM committed) AS l WHERE actor_no NOT IN (SELECT no FROM actor) "
        "OR group_no NOT IN (SELECT no FROM consumer_group)",
    ),
    (
        "a deleted group has committed offsets",
        "SELECT g.group_id FROM committed c JOIN consumer_group g ON g.no = c.group_no "
        "WHERE g.live = 0",
    ),
    (
        "a member is in a group that is none of the consumer protocol",
        "SELECT group_no, member_id FROM group_member WHERE group_no NOT IN "
        "(SELECT no FROM consumer_group WHERE live = 1 AND kind = 'consumer')",
    ),
)

EXAMPLES_MAX = 5  # rows shown per violated invariant


def check(tx: Tx) -> list[str]:
    """One sentence per violated invariant, with the first rows that violate it."""
    found = []
    for sentence, query in _QUERIES:
        rows = tx.execute(f"{query} LIMIT {EXAMPLES_MAX}").fetchall()
        if rows:
            found.append(f"{sentence}: {', '.join(map(str, rows))}")
    if is_sqlite(tx):
        found += _damage(tx)
    return found


def _damage(tx: Tx) -> list[str]:
    damage = [row[0] for row in tx.execute("PRAGMA integrity_check(5)")]
    return [] if damage == ["ok"] else [f"SQLite's own integrity check: {'; '.join(damage)}"]
