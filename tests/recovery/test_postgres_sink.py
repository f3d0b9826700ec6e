"""What only a server brings: views and privileges that follow a promotion, checkpoints, its errors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.sinks import postgres_server as server
from anabranch.recovery.sinks.common import Fenced
from anabranch.recovery.sinks.lines import file_sha256
from anabranch.recovery.sinks.locations import open_lines
from anabranch.recovery.sinks.postgres import PostgresSink
from tests.support.postgres import postgres_url, shared_server

from .kinds import SOURCES, Postgres, apply, at_rest

BODY = (
    "carrier TEXT PRIMARY KEY, n INTEGER NOT NULL, twice INTEGER GENERATED ALWAYS AS (n * 2) STORED"
)


@pytest.fixture
def url() -> str:
    return postgres_url()


@pytest.fixture
def other(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Another program's connection, whose names are the sink's schema's."""
    with server.connect(server.place(url)) as connection:
        connection.execute(f"SET search_path = {server.place(url).schema}")
        yield connection


def fill(url: str, line: str, offsets: range, amount: int = 1) -> None:
    sink = PostgresSink.open(url, {"daily": BODY}, SOURCES, line=line)
    with sink.transaction() as tx:
        for offset in offsets:
            if tx.fresh("flights", 0, offset):
                tx.execute(
                    f"INSERT INTO {tx.table('daily')} AS d VALUES ('AA', %s)"
                    " ON CONFLICT (carrier) DO UPDATE SET n = d.n + excluded.n",
                    (amount,),
                )
    sink.close()


def rows(connection: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def test_a_checkpoint_is_one_file_and_fills_a_staging_line(url: str, tmp_path: Path) -> None:
    fill(url, "live", range(10))
    sink = open_lines(url)
    checkpoint = sink.take_checkpoint(tmp_path / "c.db")
    assert checkpoint.sha256 == file_sha256(tmp_path / "c.db")
    assert [row.next_offset for row in sink.checkpoint_offsets(tmp_path / "c.db")] == [10]
    fill(url, "live", range(10, 14))
    staged = sink.stage("r1", tmp_path / "c.db", 1)
    assert [(row.next_offset, row.applied) for row in staged] == [(10, 0)]
    fill(url, "r1", range(8, 12))
    with server.connect(server.place(url)) as connection:
        table = server.place(url).table("daily@r1")
        assert rows(connection, f"SELECT * FROM {table}") == [("AA", 12, 24)]
    with pytest.raises(UserFault, match="never overwritten"):
        sink.take_checkpoint(tmp_path / "c.db")
    with pytest.raises(UserFault, match="is gone"):
        sink.stage("r2", tmp_path / "nothing.db", 1)
    (tmp_path / "other.db").write_text("something else")
    with pytest.raises(UserFault, match="is no checkpoint"):
        sink.stage("r2", tmp_path / "other.db", 1)
    assert [line.name for line in sink.lines()] == ["live", "r1"]  # the failed one left nothing


def test_views_privileges_and_indexes_follow_the_live_table(
    url: str, other: psycopg.Connection[Any]
) -> None:
    fill(url, "live", range(3))
    with shared_server().admin() as admin:
        admin.execute(
            "DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
    other.execute("CREATE INDEX by_n ON daily (n)")
    other.execute("CREATE VIEW total WITH (security_barrier=true) AS SELECT sum(n) AS n FROM daily")
    other.execute("CREATE VIEW above AS SELECT n * 10 AS n FROM total")
    other.execute("GRANT SELECT ON daily TO reader; GRANT SELECT ON daily TO PUBLIC")
    fill(url, "r1", range(3), amount=2)
    indexes = "SELECT count(*) FROM pg_indexes WHERE tablename = 'daily@r1' AND schemaname = %s"
    assert other.execute(indexes, (server.place(url).schema,)).fetchone() == (2,)
    sink = open_lines(url)
    sink.promote("r1", 3)
    assert rows(other, "SELECT n FROM above") == [(60,)]
    assert rows(other, "SELECT carrier FROM daily WHERE n = 6") == [("AA",)]
    assert rows(other, "SELECT reloptions FROM pg_class WHERE oid = 'total'::regclass") == [
        (["security_barrier=true"],)
    ]
    asked = "SELECT has_table_privilege('reader', 'daily', 'SELECT'), has_table_privilege('reader', 'daily', 'UPDATE')"
    assert rows(other, asked) == [(True, False)]
    sink.undo("r1", 4)
    assert rows(other, "SELECT n FROM above") == [(30,)]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("CREATE MATERIALIZED VIEW m AS SELECT n FROM daily", "materialized view"),
        ("CREATE TABLE child (carrier TEXT REFERENCES daily)", "foreign key"),
        (
            "CREATE TRIGGER t BEFORE UPDATE ON daily FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "trigger",
        ),
        ("ALTER TABLE daily ENABLE ROW LEVEL SECURITY", "row security"),
    ],
)
def test_what_would_stay_behind_is_refused_before_anything_changes(
    url: str, other: psycopg.Connection[Any], statement: str, named: str
) -> None:
    fill(url, "live", range(3))
    other.execute(statement)
    fill(url, "r1", range(3), amount=2)
    with pytest.raises(UserFault, match=f"{named} .* would stay with the former table"):
        open_lines(url).promote("r1", 3)
    assert rows(other, "SELECT n FROM daily") == [(3,)]
    fill(url, "live", range(4))  # not fenced off either


def test_a_reader_in_the_middle_of_a_promotion_sees_one_or_the_other(
    url: str, other: psycopg.Connection[Any]
) -> None:
    fill(url, "live", range(3))
    fill(url, "r1", range(3), amount=2)
    other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert rows(other, "SELECT n FROM daily") == [(3,)]
    where = server.place(url)
    with server.connect(where) as watcher:
        assert watcher.execute("SELECT 1").fetchone() == (1,)
        before = server.SWAP_LOCK_MS_MAX
        server.SWAP_LOCK_MS_MAX = 200
        try:
            with pytest.raises(StoreFault, match="lock timeout"):
                open_lines(url).promote("r1", 3)
        finally:
            server.SWAP_LOCK_MS_MAX = before
        assert server.offsets(watcher, where, "live")[0].next_offset == 3
    other.execute("COMMIT")
    open_lines(url).promote("r1", 3)
    assert rows(other, "SELECT n FROM daily") == [(6,)]


def test_a_writer_that_was_paused_in_its_batch_lets_the_next_one_in(url: str) -> None:
    kind = Postgres(url)
    old = kind.open()
    apply(kind, old, [0])
    with pytest.raises((StoreFault, psycopg.Error)), old.transaction() as tx:
        tx.execute("SET idle_in_transaction_session_timeout = 100")
        assert tx.fresh("flights", 0, 1)
        kind.effect(tx, 0, 1)
        time.sleep(0.3)
        new = kind.open()  # the server has rolled the paused one back
        assert apply(kind, new, [0, 1]) == 1
    assert kind.effects() == [(0, 0), (0, 1)]
    with pytest.raises((Fenced, StoreFault)):
        apply(kind, old, [2])


def test_what_is_wrong_is_said_in_a_sentence(url: str, tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="holds no sink in schema"):
        open_lines(url)
    fill(url, "live", range(1))
    with pytest.raises(UserFault, match="other columns"):
        PostgresSink.open(url, {"daily": "x INTEGER"}, SOURCES)
    with pytest.raises(UserFault, match="need shorter names"):
        PostgresSink.open(url, {"d" * 40: "x INTEGER"}, SOURCES)
    with pytest.raises(UserFault, match="does not name a sink"):
        open_lines("mysql:view")
    with pytest.raises(StoreFault, match=r"the sink postgresql://me@127.0.0.1:1/x"):
        open_lines("postgresql://me:secret@127.0.0.1:1/x")
    with pytest.raises(UserFault) as fault:
        open_lines("postgresql://me:secret@127.0.0.1:1/x?nonsense=1")
    assert "secret" not in str(fault.value)


def test_a_location_opens_the_sink_again_and_holds_no_password(url: str) -> None:
    kind = Postgres(url.replace("anabranch@", "anabranch:secret@"))
    apply(kind, kind.open(), [0])
    sink = at_rest(kind)
    assert "secret" not in sink.location and "secret" not in sink.name
    assert open_lines(sink.location).offsets() == sink.offsets()
