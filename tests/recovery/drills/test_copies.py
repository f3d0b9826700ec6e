"""A drill's copies of sinks: which there are, what keeps them apart from the production, and their receiver.

Whole drills of each kind: tests/faults/test_drills.py.
"""

from __future__ import annotations

import asyncio
import time
import urllib.request
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from anabranch.errors import UserFault
from anabranch.recovery.drills.copies.kinds import copy_of
from anabranch.recovery.drills.copies.postgres import PostgresCopy
from anabranch.recovery.drills.copies.receiver import Receiver
from anabranch.recovery.drills.declared import Rehearsal, Stream, Verify
from anabranch.recovery.sinks import postgres_server as server
from anabranch.recovery.sinks.http import RECEIVER_VARIABLE, Effect, HttpEffects
from anabranch.recovery.sinks.http_send import NotSent, Request
from anabranch.recovery.sinks.ledger import Counter
from anabranch.recovery.sinks.postgres import PostgresSink
from tests.recovery.kinds import SOURCES
from tests.support.postgres import USER, postgres_url, shared_server


def stream(sink: str, scratch: str = "") -> Stream:
    return Stream(
        inputs=("flights",), group="g", command=("true",), sink=sink,
        verify=Verify(tables={"seen": "at"}), drill=Rehearsal(sink=scratch),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sink", "sentence"),
    [
        ("delta:/lake/t", "a Delta table is replaced by copying it"),
        ("meter:l.db#rows", "nothing to compare with"),
        ("append-only:rows", "keeps no offsets with its effects"),
        ("postgresql://db/shop", 'name another one with drill.sink = "postgresql://'),
    ],
)
def test_what_cannot_be_rehearsed_is_told_with_the_reason(
    tmp_path: Path, sink: str, sentence: str
) -> None:
    with pytest.raises(UserFault, match=sentence):
        copy_of(stream(sink), tmp_path)


def test_the_productions_own_database_is_refused_under_any_name(tmp_path: Path) -> None:
    production = postgres_url()
    there = shared_server()
    for scratch in (
        there.url(),
        there.url().replace("127.0.0.1", "localhost"),
        f"{there.url()}?schema=other",
    ):
        with pytest.raises(UserFault, match="names the production's own database"):
            copy_of(stream(production, scratch), tmp_path)
    with pytest.raises(UserFault, match=r"drill\.sink"):
        copy_of(stream(production, "postgresql://127.0.0.1:1/x"), tmp_path)


@pytest.fixture(scope="module")
def scratch() -> str:
    with shared_server().admin() as admin:
        admin.execute("DROP DATABASE IF EXISTS copies")
        admin.execute(f"CREATE DATABASE copies OWNER {USER}")
    return shared_server().url("copies")


def test_a_postgresql_copy_comes_back_to_what_it_was_and_leaves_nothing(
    tmp_path: Path, scratch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    with_password = scratch.replace(f"{USER}@", f"{USER}:secret@")
    copy = cast(PostgresCopy, copy_of(stream(postgres_url(), with_password), tmp_path))
    assert copy.environment == {"PGPASSWORD": "secret"} and "secret" not in copy.location("")
    where = server.place(copy.location(""))
    nothing: Any = None

    def rows() -> list[int]:
        with psycopg.connect(scratch) as connection:
            found = connection.execute(f"SELECT at FROM {where.table('seen')} ORDER BY 1")
            return [row[0] for row in found]

    def fill(offsets: range) -> None:
        sink = PostgresSink.open(copy.location(""), {"seen": "at INTEGER PRIMARY KEY"}, SOURCES)
        with sink.transaction() as tx:
            for offset in offsets:
                if tx.fresh("flights", 0, offset):
                    tx.execute(f"INSERT INTO {tx.table('seen')} VALUES (%s)", (offset,))
        sink.close()

    async def story() -> None:
        fill(range(6))
        await copy.keep_older(nothing)
        fill(range(12))
        await copy.keep_truth(nothing)
        copy.save()
        assert await copy.damage(nothing) == 4 and len(rows()) == 8
        await copy.restore_older(nothing)
        assert rows() == list(range(6))
        fill(range(12))  # its offsets came back with it, and its key
        assert rows() == list(range(12))
        await copy.clear(nothing)
        copy.reset()
        assert rows() == list(range(12))

    asyncio.run(story())
    copy.close()
    with psycopg.connect(scratch) as connection:
        query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'anabranch%'"
        assert connection.execute(query).fetchall() == []


def test_in_a_drill_no_request_reaches_whom_its_url_names(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path / "receiver.db")
    asked: list[str] = []
    try:
        effects = HttpEffects.open(
            f"http:{tmp_path}/effects.db",
            [
                Effect("call", header="X-Other"),
                Effect("checked", check=lambda key, _: asked.append(key) is None),
            ],
            SOURCES,
            environ={RECEIVER_VARIABLE: receiver.url},
        )
        with effects.transaction() as tx:
            for offset in range(3):
                if tx.fresh("flights", 0, offset):
                    request = Request("POST", "https://production.invalid/pay?now=1", {}, b"7")
                    assert tx.perform("call", "flights", 0, offset, request).counter == (
                        Counter.PERFORMED
                    )
        with receiver.connect() as connection:
            rows = connection.execute("SELECT method, path, body, times FROM effects").fetchall()
        assert rows == [("POST", "/pay?now=1", "7", 1)] * 3
        (check,) = [e.check for e in effects.effects.values() if e.check is not None]
        (key, *_) = receiver.times()
        assert check(key, request) is True and check("0" * 64, request) is False
        assert asked == []  # the production's receiver
        with urllib.request.urlopen(f"{receiver.url}/other", timeout=30) as answer:
            assert answer.status == 200
    finally:
        effects.close()
        receiver.close()
    with pytest.raises(NotSent):
        effects.send(Request("POST", "http://production.invalid/"), 5.0)


def test_schemas_of_a_drill_that_was_killed_go_with_the_next_one(
    scratch: str, tmp_path: Path
) -> None:
    def made() -> PostgresCopy:
        return cast(PostgresCopy, copy_of(stream(postgres_url(), scratch), tmp_path))

    killed, beside = made(), made()
    killed.save()
    killed._connection.close()  # as its process does when it is killed
    with psycopg.connect(scratch, autocommit=True) as connection:
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        while connection.execute(held).fetchone() != (1,):  # until the server has noticed
            time.sleep(0.01)
    after = made()
    try:
        assert after.swept == [f"schemas {killed._name}…"] and beside.swept == []
        with psycopg.connect(scratch) as connection:
            query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'anabranch_drill%'"
            left = {name for (name,) in connection.execute(query)}
        assert left == {beside._name, after._name}
    finally:
        beside.close()
        after.close()
