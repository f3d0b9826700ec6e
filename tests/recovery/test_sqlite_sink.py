from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import UserFault
from anabranch.recovery.sinks import lines
from anabranch.recovery.sinks.source import (
    Source,
    sources_from_environment,
    sources_to_environment,
)
from anabranch.recovery.sinks.sqlite import LIVE, Fenced, SqliteSink

FLIGHTS = Source("cluster", "topic-id", "flights")
SOURCES = {"flights": FLIGHTS}
TABLES = {"daily": "carrier TEXT PRIMARY KEY, flights INTEGER NOT NULL"}


def open_sink(path: Path, line: str = LIVE, sources: dict[str, Source] = SOURCES) -> SqliteSink:
    return SqliteSink.open(path, TABLES, sources, line=line, clock_ms=lambda: 7)


def apply(sink: SqliteSink, offsets: list[int], partition: int = 0, topic: str = "flights") -> int:
    """Count each fresh record for carrier AA; returns how many were fresh."""
    fresh = 0
    with sink.transaction() as tx:
        for offset in offsets:
            if tx.fresh(topic, partition, offset):
                fresh += 1
                tx.execute(
                    f"INSERT INTO {tx.table('daily')} VALUES ('AA', 1)"
                    " ON CONFLICT DO UPDATE SET flights = flights + 1"
                )
    return fresh


def count(path: Path, table: str = "daily") -> int:
    with sqlite3.connect(path) as connection:
        row = connection.execute(f'SELECT coalesce(sum(flights), 0) FROM "{table}"').fetchone()
    return int(row[0])


def test_effects_and_offsets_become_visible_together(tmp_path: Path) -> None:
    path = tmp_path / "view.db"
    sink = open_sink(path)
    with pytest.raises(ZeroDivisionError), sink.transaction() as tx:
        assert tx.fresh("flights", 0, 0)
        tx.execute(f"INSERT INTO {tx.table('daily')} VALUES ('AA', 1)")
        _ = 1 / 0
    assert count(path) == 0 and sink.position("flights", 0) is None
    assert apply(sink, [0, 1, 2]) == 3
    assert count(path) == 3 and sink.position("flights", 0) == 3


def test_duplicates_are_suppressed_and_counted_per_partition(tmp_path: Path) -> None:
    path = tmp_path / "view.db"
    sink = open_sink(path)
    apply(sink, [0, 1, 2, 3])
    apply(sink, [5, 6], partition=1)
    assert apply(sink, [2, 3, 4]) == 1
    assert count(path) == 7
    first, second = lines.offsets(path)
    assert (first.next_offset, first.applied, first.suppressed, first.skipped) == (5, 5, 2, 0)
    assert (second.partition, second.next_offset, second.suppressed) == (1, 7, 0)


def test_offsets_that_never_came_are_counted_not_hidden(tmp_path: Path) -> None:
    sink = open_sink(tmp_path / "view.db")
    apply(sink, [0, 1])
    apply(sink, [5])
    assert lines.offsets(tmp_path / "view.db")[0].skipped == 3


def test_a_recreated_topic_is_not_mistaken_for_duplicates(tmp_path: Path) -> None:
    path = tmp_path / "view.db"
    apply(open_sink(path), [0, 1, 2])
    recreated = {"flights": Source("cluster", "another-id", "flights")}
    assert apply(open_sink(path, sources=recreated), [0, 1]) == 2
    other_cluster = {"flights": Source("elsewhere", "topic-id", "flights")}
    assert apply(open_sink(path, sources=other_cluster), [0]) == 1


def test_a_branch_continues_its_origin(tmp_path: Path) -> None:
    path = tmp_path / "view.db"
    apply(open_sink(path), [0, 1, 2])
    branch = {"flights.replay.r1": FLIGHTS}
    assert apply(open_sink(path, sources=branch), [1, 2, 3], topic="flights.replay.r1") == 1


def test_the_older_writer_of_a_line_is_fenced_off(tmp_path: Path) -> None:
    path = tmp_path / "view.db"
    old = open_sink(path)
    new = open_sink(path)
    with pytest.raises(Fenced):
        apply(old, [0])
    assert apply(new, [0]) == 1
    assert apply(open_sink(path, line="r1"), [0]) == 1  # another line disturbs nobody
    assert apply(new, [1]) == 1


def test_other_columns_are_refused(tmp_path: Path) -> None:
    open_sink(tmp_path / "view.db")
    with pytest.raises(UserFault, match="other columns"):
        SqliteSink.open(tmp_path / "view.db", {"daily": "x INTEGER"}, SOURCES)


def test_stage_promote_undo(tmp_path: Path) -> None:
    path = tmp_path / "view.db"
    live = open_sink(path)
    apply(live, list(range(10)))
    checkpoint = lines.take_checkpoint(path, tmp_path / "checkpoint.db")
    assert checkpoint.sha256 == lines.file_sha256(tmp_path / "checkpoint.db")
    assert [row.next_offset for row in lines.offsets(tmp_path / "checkpoint.db")] == [10]
    assert checkpoint.sha256 == lines.file_sha256(
        tmp_path / "checkpoint.db"
    )  # looking is not touching
    apply(live, list(range(10, 14)))
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE VIEW total AS SELECT sum(flights) AS n FROM daily")

    staged = lines.stage(path, "r1", tmp_path / "checkpoint.db", 1)
    assert [(offset.next_offset, offset.applied) for offset in staged] == [(10, 0)]
    staging = open_sink(path, line="r1")
    assert apply(staging, [8, 9, 10]) == 1
    assert (count(path, "daily@r1"), count(path)) == (11, 14)
    assert lines.stage(path, "r1", tmp_path / "checkpoint.db", 2)[0].next_offset == 11  # resumed

    promotion = lines.promote(path, "r1", 3)
    assert promotion.tables == ["daily"] and promotion.before == "before-r1"
    assert [offset.next_offset for offset in promotion.offsets] == [11]
    assert (count(path), count(path, "daily@before-r1")) == (11, 14)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT n FROM total").fetchone() == (11,)
    for stale in (live, staging):
        with pytest.raises(Fenced):
            apply(stale, [11])

    live = open_sink(path)
    assert apply(live, [10, 11]) == 1
    undone = lines.undo(path, "r1", 4)
    assert [offset.next_offset for offset in undone.offsets] == [14]
    assert (count(path), count(path, "daily@r1")) == (14, 12)
    with pytest.raises(Fenced):
        apply(live, [12])
    assert lines.promote(path, "r1", 5).offsets[0].next_offset == 12
    assert lines.drop(path, "before-r1") and not lines.drop(path, "before-r1")
    assert [line.name for line in lines.lines(path)] == [LIVE]


def test_what_cannot_be_staged_or_promoted_says_so(tmp_path: Path) -> None:
    path = tmp_path / "view.db"
    with pytest.raises(UserFault, match="there is no sink"):
        lines.offsets(path)
    (tmp_path / "other.db").write_text("something else, long enough to be a header" * 9)
    with pytest.raises(UserFault, match="is not a sink"):
        lines.offsets(tmp_path / "other.db")
    apply(open_sink(path), [0])
    with pytest.raises(UserFault, match="no staging line"):
        lines.promote(path, "r1", 1)
    with pytest.raises(UserFault, match="is gone"):
        lines.stage(path, "r1", tmp_path / "nothing.db", 1)
    for reserved in (LIVE, "before-r1"):
        with pytest.raises(UserFault, match="cannot be the name"):
            lines.stage(path, reserved, None, 1)
    with pytest.raises(UserFault, match="cannot be dropped"):
        lines.drop(path, LIVE)
    lines.take_checkpoint(path, tmp_path / "c.db")
    with pytest.raises(UserFault, match="never overwritten"):
        lines.take_checkpoint(path, tmp_path / "c.db")


def test_generated_columns_and_added_ones_survive_staging(tmp_path: Path) -> None:
    path = tmp_path / "view.db"
    body = "n INTEGER PRIMARY KEY, twice INTEGER GENERATED ALWAYS AS (n * 2) VIRTUAL, note TEXT"
    sink = SqliteSink.open(path, {"t": body}, SOURCES)
    with sink.transaction() as tx:
        tx.fresh("flights", 0, 0)
        tx.execute(f"INSERT INTO {tx.table('t')} (n, note) VALUES (21, 'x')")
    lines.take_checkpoint(path, tmp_path / "c.db")
    lines.stage(path, "r1", tmp_path / "c.db", 1)
    with sqlite3.connect(path) as connection:
        assert connection.execute('SELECT * FROM "t@r1"').fetchall() == [(21, 42, "x")]


def test_sources_travel_by_environment() -> None:
    assert sources_from_environment({}) is None
    text = sources_to_environment(SOURCES)
    assert sources_from_environment({"ANABRANCH_SOURCES": text}) == SOURCES


_CRASHER = textwrap.dedent("""
    import os, signal, sys
    from anabranch.recovery.sinks.source import Source
    from anabranch.recovery.sinks.sqlite import SqliteSink

    path, where, batches = sys.argv[1], sys.argv[2], int(sys.argv[3])
    tables = {"daily": "carrier TEXT PRIMARY KEY, flights INTEGER NOT NULL"}
    sink = SqliteSink.open(path, tables, {"flights": Source("cluster", "topic-id", "flights")})

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    # A consumer whose commits never arrive: it always starts at 0 again.
    for batch in range(batches + 1):
        with sink.transaction() as tx:
            for offset in range(batch * 10, batch * 10 + 10):
                if tx.fresh("flights", 0, offset):
                    tx.execute(
                        f"INSERT INTO {tx.table('daily')} VALUES ('AA', 1)"
                        " ON CONFLICT DO UPDATE SET flights = flights + 1"
                    )
                    if where == "between-effects" and batch == batches and offset % 10 == 5:
                        die()
            if where == "before-offsets" and batch == batches:
                die()
        if where == "after-commit" and batch == batches:
            die()
""")


@pytest.mark.parametrize("where", ["between-effects", "before-offsets", "after-commit"])
def test_kill_9_between_effect_and_offset_leaves_no_extra_effect(
    tmp_path: Path, where: str
) -> None:
    path = tmp_path / "view.db"
    for batches in (1, 2, 3):
        process = subprocess.run([sys.executable, "-c", _CRASHER, path, where, str(batches)])
        assert process.returncode == -signal.SIGKILL
        position = open_sink(path).position("flights", 0)
        assert count(path) == position == 10 * (batches + (where == "after-commit"))
    apply(open_sink(path), list(range(100)))
    assert count(path) == 100


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(1, 8), st.booleans()),
        max_size=12,
    )
)
def test_any_sequence_of_rewinds_and_failures_applies_each_record_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int, bool]]
) -> None:
    path = tmp_path_factory.mktemp("sink") / "view.db"
    sink = open_sink(path)
    model: dict[int, int] = {}
    applied = suppressed = 0
    for partition, rewind, length, fails in steps:
        start = max(0, model.get(partition, 0) - rewind)
        offsets = list(range(start, start + length))
        if fails:
            with pytest.raises(ZeroDivisionError), sink.transaction() as tx:
                for offset in offsets:
                    tx.fresh("flights", partition, offset)
                _ = 1 / 0
            continue
        fresh = apply(sink, offsets, partition)
        assert fresh == max(0, start + length - model.get(partition, 0))
        applied += fresh
        suppressed += length - fresh
        model[partition] = max(model.get(partition, 0), start + length)
    rows = lines.offsets(path)
    assert {row.partition: row.next_offset for row in rows} == model
    assert sum(row.applied for row in rows) == applied == count(path)
    assert sum(row.suppressed for row in rows) == suppressed
    sink.close()
