"""A lost metastore as an operator meets it: what commands say and do before, during and after a rebuild."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from anabranch.cli.main import main
from anabranch.errors import UserFault
from anabranch.log.opening import open_log
from anabranch.records.builder import build_batch
from anabranch.records.record import Record


class Done(NamedTuple):
    status: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def anabranch(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command, in this process, as the console script runs it."""

    def run(*words: str) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


async def fill(data: Path, count: int) -> None:
    log = await open_log(data, broker_id=1, create=True)
    try:
        topic = log.catalogue.topic("orders") or await log.create_topic("orders", 1, {})
        for number in range(count):
            record = Record(0, log.now_ms(), None, b"%d" % number, ())
            await log.append(topic, 0, memoryview(bytearray(build_batch([record]))))
    finally:
        await log.close()


@pytest.fixture
def lost(tmp_path: Path) -> Path:
    """A data directory whose metastore is gone."""
    data = tmp_path / "data"
    asyncio.run(fill(data, 5))
    for path in data.glob("metastore.db*"):
        path.unlink()
    return data


def test_commands_name_the_rebuild_and_create_nothing(lost: Path, anabranch: Run) -> None:
    for arguments in (["topic", "list"], ["check"], ["up", "--listen", "127.0.0.1:0"]):
        done = anabranch(*arguments, "--data", str(lost))
        assert done.status in (1, 2) and "anabranch rebuild" in done.stderr, done.stderr
        assert not list(lost.glob("metastore*")), "an empty one would stand in the rebuild's way"


def test_I9_statuses_of_rebuild_and_check(lost: Path, anabranch: Run) -> None:
    done = anabranch("rebuild", "--data", str(lost), "--output", "json")
    assert done.status == 1, done.stderr  # it was never told to leave: its last second is not known
    report: dict[str, Any] = json.loads(done.stdout)
    assert {one["kind"] for one in report["findings"]} == {"newer than the journal"}
    assert report["mb_per_second"] >= 0
    again = anabranch("rebuild", "--data", str(lost))
    assert again.status == 2 and "overwrites nothing" in again.stderr
    assert anabranch("check", "--data", str(lost)).status == 0
    for path in (lost / "store").rglob("*.snapshot*"):
        path.unlink()
    asyncio.run(fill(lost, 2))
    for path in (lost / "wal").glob("1-*.wal"):
        path.unlink()
    found = anabranch("check", "--data", str(lost))
    assert found.status == 1 and "missing" in found.stdout
    assert anabranch("check", "--data", str(lost / "nowhere")).status == 2


def test_an_empty_metastore_that_somebody_began_is_replaced(lost: Path, anabranch: Run) -> None:
    from anabranch.metastore.sqlite import SqliteMetastore

    SqliteMetastore.open(lost / "metastore.db", now_ms=1, new_cluster_id=lambda: b"n" * 16).close()
    done = anabranch("rebuild", "--data", str(lost))
    assert done.status == 1, done.stderr
    assert anabranch("topic", "describe", "orders", "--data", str(lost)).status == 0


def test_what_sqlite_left_of_the_lost_metastore_does_not_get_into_the_new_one(
    tmp_path: Path, anabranch: Run
) -> None:
    data = tmp_path / "data"
    asyncio.run(fill(data, 5))
    # A metastore that was killed: its file is lost, and SQLite's own log is left beside it.
    database = sqlite3.connect(data / "metastore.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("UPDATE topic SET name = 'ghost'")
    left = (data / "metastore.db-wal").read_bytes()
    database.close()
    for path in data.glob("metastore.db*"):
        path.unlink()
    (data / "metastore.db-wal").write_bytes(left)
    done = anabranch("rebuild", "--data", str(data))
    assert done.status == 1, done.stderr
    assert anabranch("topic", "describe", "orders", "--data", str(data)).status == 0
    database = sqlite3.connect(data / "metastore.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert (data / "metastore.db-wal.lost").read_bytes() == left, "nothing is overwritten"


def test_two_brokers_that_begin_a_cluster_at_once_do_not_take_it_for_a_lost_one(
    tmp_path: Path,
) -> None:
    async def both() -> None:
        found = await asyncio.gather(
            *(open_log(tmp_path / "data", broker_id=number, create=True) for number in (1, 2)),
        )
        for log in found:
            await log.close()

    asyncio.run(both())
    with pytest.raises(UserFault, match="anabranch rebuild"):
        (tmp_path / "data" / "metastore.db").unlink()
        asyncio.run(open_log(tmp_path / "data", broker_id=1, create=True))
