"""I10: what is asked of the offset history costs what is answered, however many commits there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from anabranch.metastore import history
from anabranch.metastore.migrate import shipped

PARTITIONS, EVERY = 10, 100  # every so-many-th line is a reset


def _history(lines: int) -> sqlite3.Connection:
    """Of one group: ``lines`` of each partition in turn, the newest of them committed."""
    connection = sqlite3.connect(":memory:")
    for one in shipped():
        connection.executescript(one.sql)
    connection.execute(
        "INSERT INTO consumer_group (no, group_id, live, protocol_type, state, generation, snapshot, "
        "updated_ms) VALUES (1, 'g', 1, '', 'Empty', 0, x'', 1)"
    )
    connection.execute(
        "INSERT INTO actor VALUES (1, 'u', 'c', 'h', 'm', '', 1, 'OffsetCommit', '', 1)"
    )
    connection.executemany(
        "INSERT INTO offset_history VALUES (1, ?1, ?1, 1, ?2, ?3, 1, 2, '', 1)",
        (
            (n, n % PARTITIONS, "reset" if n % (lines * PARTITIONS // 20) == 7 else "commit")
            for n in range(lines * PARTITIONS)
        ),
    )
    return connection


def _steps(connection: sqlite3.Connection, ask: Callable[[sqlite3.Connection], object]) -> int:
    """Instructions of SQLite's machine that the question takes."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 1)
    ask(connection)
    connection.set_progress_handler(None, 0)
    return count


QUESTIONS: dict[str, Callable[[sqlite3.Connection], object]] = {
    "positions_at": lambda tx: history.positions_at(tx, "g", 900),
    "offset_turns": lambda tx: history.offset_turns(tx, "g", 0, 10**9, 10),
    "offset_history": lambda tx: history.offset_history(tx, "g", until_ms=900, limit=10),
    "of a partition": lambda tx: history.offset_history(
        tx, "g", topic_no=1, partition=3, until_ms=900, limit=10
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_I10_the_history_is_asked_by_index(name: str) -> None:
    few, many = (_steps(_history(lines), QUESTIONS[name]) for lines in (100, 1600))
    assert 0 < many < 1.5 * few + 200, (few, many)


def test_a_partition_that_rests_among_busy_ones_is_found_at_once() -> None:
    connection = _history(500)
    connection.execute(
        "INSERT INTO offset_history VALUES (1, 0, 999999, 1, 77, 'commit', 1, 2, '', 1)"
    )
    steps = _steps(connection, lambda tx: history.positions_at(tx, "g", 10**6))
    assert steps < 3_000, steps
