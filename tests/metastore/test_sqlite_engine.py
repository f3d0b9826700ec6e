"""The SQLite engine itself: group commit, faults, several loops, threads and processes, query plans."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from anabranch.errors import ClientFault, StoreFault, UserFault
from anabranch.metastore import connections, migrate, verbs, writer
from anabranch.metastore.api import (
    Committed,
    Marker,
    Metastore,
    OffsetAction,
    Partition,
    TransactionState,
)
from anabranch.metastore.connections import WAL_BYTES_KEPT
from anabranch.metastore.handover import Handover
from anabranch.metastore.partitions import ALL_COLUMNS
from anabranch.metastore.sqlite import SqliteMetastore
from anabranch.metastore.transaction_rules import end_of

from .conftest import CLUSTER_ID, open_sqlite
from .support import MEMBER, a_topic, append, at, commit, new, producer, topic_id
from .test_contract_transactions import Scene


@pytest.fixture
def meta(tmp_path: Path) -> Iterator[SqliteMetastore]:
    store = open_sqlite(tmp_path)
    assert isinstance(store, SqliteMetastore)
    yield store
    assert asyncio.run(store.check()) == []
    store.close()


def second_process(script: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def outcome(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out


def release(processes: list[subprocess.Popen[str]]) -> None:
    """Let them go at once when all of them are ready."""
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


async def lock_is(meta: SqliteMetastore, *, free: bool) -> None:
    """Until the write lock is, for another process; the writer's thread comes to it when it does."""
    with closing(sqlite3.connect(meta.path, timeout=0, isolation_level=None)) as other:
        async with asyncio.timeout(60):
            while True:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    assert "locked" in str(error)
                    found = False
                else:
                    other.execute("ROLLBACK")
                    found = True
                if found == free:
                    return
                await asyncio.sleep(0.01)


# -- flushes ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("others", [False, True])
async def test_i1_a_flush_is_prepared_while_it_is_written_and_committed_once_durable(
    meta: SqliteMetastore, others: bool
) -> None:
    """With other brokers about, the write lock is not held while a disk is waited for."""
    meta.expect_others(others)
    topic = await a_topic(meta)
    flush = Handover()
    waiting = asyncio.ensure_future(meta.commit_flush(flush, 10))
    flush.place("wal/1", [commit(topic, 0, new(0, 9))])
    behind = asyncio.ensure_future(meta.set_topic_configs(topic.no, {"retention.ms": "1"}, 10))
    await lock_is(meta, free=others)
    assert not waiting.done()
    assert await meta.partition(topic.no, 0) == Partition(topic.no, 0, 0, 0, 0)
    await lock_is(meta, free=others)
    flush.durable()
    assert [outcome.committed for outcome in await waiting] == [True]
    await behind
    assert await meta.partition(topic.no, 0) == Partition(topic.no, 0, 10, 0, 0)


@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize("company", [0, 2])
async def test_i1_a_flush_whose_write_fails_is_not_committed(
    meta: SqliteMetastore, others: bool, company: int
) -> None:
    """What shares its transaction is."""
    meta.expect_others(others)
    topic = await a_topic(meta, partitions=3)
    async with Blocked(meta):
        flush = Handover()
        waiting = asyncio.ensure_future(meta.commit_flush(flush, 10))
        flush.place("wal/1", [commit(topic, 0, new(0, 9))])
        beside = [
            asyncio.ensure_future(meta.commit_appends("wal/0", [commit(topic, p, new(0, 4))], 10))
            for p in range(1, 1 + company)
        ]
        await asyncio.sleep(0)
    await asyncio.to_thread(flush.fail, StoreFault("the disk is full"))
    with pytest.raises(StoreFault, match="the disk is full"):
        await waiting
    for each in beside:
        assert [outcome.committed for outcome in await each] == [True]
    assert [p.next_offset for p in await meta.partitions(topic.no)] == [
        5 * (0 < p <= company) for p in range(3)
    ]


@pytest.mark.parametrize("others", [False, True])
async def test_I6_ends_are_prepared_while_markers_are_written_and_committed_once_durable(
    meta: SqliteMetastore, others: bool
) -> None:
    meta.expect_others(others)
    scene = await Scene.of(meta)
    row = await scene.begin()
    await scene.write(scene.append(row, 0))
    end = end_of(await scene.now(), commit=True, bumps=True)
    flush = Handover()
    waiting = asyncio.ensure_future(meta.commit_ends(flush, 30))
    marker = Marker(scene.topic.no, 0, 2)
    flush.place("wal/1", [scene.append(None, 0, 1)], [replace(end, markers=(marker,))])
    await lock_is(meta, free=others)
    assert not waiting.done() and (await scene.now()).state is TransactionState.ONGOING
    await lock_is(meta, free=others)
    flush.durable()
    assert (await waiting).ids == (await scene.now(),)
    assert await scene.unstable() == [-1, -1, -1]


async def test_a_lone_broker_tells_nobody(meta: SqliteMetastore) -> None:
    meta.expect_others(False)
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9))
    with closing(sqlite3.connect(meta.path)) as other:
        assert other.execute("SELECT count(*) FROM change").fetchone() == (0,)


# -- group commit ----------------------------------------------------------------------------------
class Blocked:
    """Holds the writer thread in a verb, so that what is submitted meanwhile forms one group."""

    def __init__(self, meta: SqliteMetastore) -> None:
        self._meta = meta
        self._entered = threading.Event()
        self._leave = threading.Event()

    async def __aenter__(self) -> None:
        def block(tx: sqlite3.Connection) -> None:
            self._entered.set()
            self._leave.wait()

        self._verb = self._meta._writer.submit(block)
        await asyncio.get_running_loop().run_in_executor(None, self._entered.wait)

    async def __aexit__(self, *_: object) -> None:
        self._leave.set()
        await self._verb


def counting_commits(meta: SqliteMetastore) -> list[str]:
    statements: list[str] = []
    meta._writer._tx.set_trace_callback(
        lambda sql: statements.append(sql) if sql.startswith(("BEGIN", "COMMIT")) else None
    )
    return statements


async def test_what_is_pending_is_one_transaction(meta: SqliteMetastore) -> None:
    statements = counting_commits(meta)
    async with Blocked(meta):
        ids = [asyncio.ensure_future(meta.allocate_producer_ids(1)) for _ in range(100)]
        await asyncio.sleep(0)
    assert len(set(await asyncio.gather(*ids))) == 100
    assert statements == ["BEGIN IMMEDIATE", "COMMIT"] * 2


async def test_a_transaction_holds_a_bounded_number_of_operations(meta: SqliteMetastore) -> None:
    statements = counting_commits(meta)
    async with Blocked(meta):
        count = writer.GROUP_OPS_MAX + 1
        ids = [asyncio.ensure_future(meta.allocate_producer_ids(1)) for _ in range(count)]
        await asyncio.sleep(0)
    await asyncio.gather(*ids)
    assert statements.count("COMMIT") == 3


async def test_a_failing_operation_takes_back_only_itself(meta: SqliteMetastore) -> None:
    topic = await a_topic(meta, partitions=3)

    def half_done(tx: sqlite3.Connection) -> None:
        tx.execute("UPDATE partition SET next_offset = 999")
        raise ClientFault(0, "changed my mind")  # type: ignore[arg-type]

    def bug(tx: sqlite3.Connection) -> None:
        tx.execute(
            "INSERT INTO broker (broker_id, epoch, host, port, started_ms) VALUES (1,1,'',1,1)"
        )
        tx.execute(
            "INSERT INTO broker (broker_id, epoch, host, port, started_ms) VALUES (1,2,'',1,1)"
        )

    async with Blocked(meta):
        verbs = [
            meta.commit_appends("wal/1", [commit(topic, 0, new(0, 4))], 1),
            meta._writer.submit(half_done),
            meta.commit_appends("wal/1", [commit(topic, 1, new(0, 5, position=100))], 1),
            meta._writer.submit(bug),
            meta.commit_appends("wal/1", [commit(topic, 2, new(0, 6, position=200))], 1),
        ]
        tasks = [asyncio.ensure_future(verb) for verb in verbs]
        await asyncio.sleep(0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[1], ClientFault) and isinstance(results[3], sqlite3.IntegrityError)
    assert [p.next_offset for p in await meta.partitions(topic.no)] == [5, 6, 7]
    assert await meta.brokers() == []


async def test_a_lone_failing_operation_leaves_nothing(meta: SqliteMetastore) -> None:
    def half_done(tx: sqlite3.Connection) -> None:
        tx.execute("UPDATE counter SET value = 77")
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await meta._writer.submit(half_done)
    assert await meta.allocate_producer_ids(1) == 0


async def test_a_caller_that_goes_away_does_not_stop_the_others(meta: SqliteMetastore) -> None:
    async with Blocked(meta):
        first = asyncio.ensure_future(meta.allocate_producer_ids(1))
        second = asyncio.ensure_future(meta.allocate_producer_ids(1))
        await asyncio.sleep(0)
        first.cancel()
    assert await second == 1


async def test_close_commits_what_is_queued(tmp_path: Path) -> None:
    meta = open_sqlite(tmp_path)
    topic = await a_topic(meta)
    pending = asyncio.ensure_future(meta.commit_appends("wal/1", [commit(topic, 0, new(0, 9))], 1))
    await asyncio.sleep(0)
    meta.close()
    assert (await pending)[0].committed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metastore.db"]
    for verb in (meta.allocate_producer_ids(1), meta.topics()):
        with pytest.raises(StoreFault, match="closed"):
            await verb
    meta.close()
    again = open_sqlite(tmp_path)
    assert await again.partition(topic.no, 0) == Partition(topic.no, 0, 10, 0, 0)
    again.close()


async def test_the_queue_is_bounded(meta: SqliteMetastore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PENDING_OPS_MAX", 3)
    async with Blocked(meta):
        queued = [meta._writer.submit(lambda tx: 1) for _ in range(3)]
        with pytest.raises(StoreFault, match="behind"):
            await meta.allocate_producer_ids(1)
    assert await asyncio.gather(*queued) == [1, 1, 1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_nobody_waits_for_a_writer_that_died(
    meta: SqliteMetastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Blocked(meta):
        verbs = [asyncio.ensure_future(meta.allocate_producer_ids(1)) for _ in range(3)]
        await asyncio.sleep(0)
        monkeypatch.setattr(meta._writer, "_commit", None)
    for verb in verbs:
        with pytest.raises(StoreFault, match="writer stopped") as fault:
            await verb
        assert not fault.value.retryable
    with pytest.raises(StoreFault, match="closed"):
        await meta.allocate_producer_ids(1)


def test_several_loops_one_after_the_other(meta: SqliteMetastore) -> None:
    firsts = [asyncio.run(meta.allocate_producer_ids(1)) for _ in range(5)]
    assert firsts == [0, 1, 2, 3, 4]


def test_a_loop_that_is_gone_does_not_stop_the_writer(meta: SqliteMetastore) -> None:
    async def leave() -> None:
        meta._writer.submit(lambda tx: 1)

    for _ in range(3):
        asyncio.run(leave())
    assert asyncio.run(meta.allocate_producer_ids(1)) == 0


def test_reads_from_other_threads_have_connections_of_their_own(meta: SqliteMetastore) -> None:
    asyncio.run(a_topic(meta))
    found: list[int] = []

    def read() -> None:
        found.append(len(asyncio.run(meta.topics())))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 4


async def test_a_reader_cannot_write(meta: SqliteMetastore) -> None:
    with pytest.raises(StoreFault):
        meta._readers.run(lambda tx: tx.execute("DELETE FROM counter").rowcount)


async def test_a_deleted_topic_is_out_of_sight_before_it_is_purged(
    meta: SqliteMetastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "PURGE_AT_ONCE_ROWS", 1)
    topic = await a_topic(meta, partitions=3)
    offsets = [at(topic, p, 1) for p in range(3)]
    await meta.commit_offsets("g", offsets, OffsetAction.COMMIT, MEMBER, 5)
    state = producer(1, 0, updated_ms=5)
    await meta.commit_appends("wal/1", [commit(topic, 0, new(0, 9), producers=[state])], 5)
    await meta.delete_topic(topic.no, 6)
    assert await meta.check() == []
    assert await meta.committed("g") == [] and await meta.extents_from(topic.no, 0, 0, 9) == []
    assert await meta.extent_by_timestamp(topic.no, 0, -1, 0) is None
    assert await meta.extent_of_max_timestamp(topic.no, 0, 0) is None
    assert await meta.producer_states(topic.no, 0) == []
    assert [await meta.purge_deleted(1, 7) for _ in range(5)] == [1, 1, 1, 1, 0]
    lines = await meta.offset_history("g", since_ms=6)
    assert sorted(line.partition for line in lines) == [0, 1, 2]


def test_the_partitions_of_deleted_topics_have_the_columns_of_living_ones(
    tmp_path: Path,
) -> None:
    opened(tmp_path / "metastore.db").close()
    with closing(sqlite3.connect(tmp_path / "metastore.db")) as tx:
        columns = [
            [row[1:3] for row in tx.execute(f"PRAGMA table_info({table})")]
            for table in ("partition", "deleted_partition")
        ]
        assert sorted(columns[0]) == sorted(columns[1])
        moved = {name.strip() for name in ALL_COLUMNS.split(",")}
        assert moved == {name for name, _ in columns[0]}


# -- opening -----------------------------------------------------------------------------------------
def opened(path: Path) -> SqliteMetastore:
    return SqliteMetastore.open(path, now_ms=1, new_cluster_id=lambda: CLUSTER_ID)


def test_every_commit_is_synced(meta: SqliteMetastore) -> None:
    """I1: WAL mode syncs each commit only with synchronous = FULL (2)."""
    tx = meta._writer._tx
    assert tx.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert tx.execute("PRAGMA synchronous").fetchone() == (2,)


def test_what_is_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary " * 100)
    with pytest.raises(UserFault, match="not a SQLite database"):
        opened(path)
    assert path.read_text().startswith("dear diary")


def test_another_programs_database(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    with pytest.raises(UserFault, match="another program"):
        opened(path)


def test_a_newer_schema(tmp_path: Path) -> None:
    path = tmp_path / "metastore.db"
    opened(path).close()
    with sqlite3.connect(path) as other:
        other.execute("INSERT INTO migration VALUES (99, '0099_later.sql', 'x', 1)")
    other.close()
    with pytest.raises(UserFault, match="newer version"):
        opened(path)


def test_a_migration_that_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "metastore.db"
    opened(path).close()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE migration SET sha256 = 'x' WHERE number = 1")
    other.close()
    with pytest.raises(UserFault, match="0001_first"):
        opened(path)


def test_a_migration_is_applied_wholly_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "metastore.db"
    opened(path).close()
    tx = connections.open_writer(path)
    number = len(migrate.shipped()) + 1
    broken = migrate.Migration(number, "broken.sql", "CREATE TABLE a (x);\nCREATE TABL b (x);\n")
    good = migrate.Migration(
        number, "good.sql", "CREATE TABLE a (x);\nINSERT INTO a VALUES (';');\n"
    )

    def apply(step: migrate.Migration) -> bytes:
        return migrate.migrate(
            tx,
            path,
            now_ms=2,
            new_cluster_id=lambda: b"x" * 16,
            migrations=[*migrate.shipped(), step],
        )

    with pytest.raises(sqlite3.OperationalError):
        apply(broken)
    assert tx.execute("SELECT name FROM sqlite_schema WHERE name = 'a'").fetchall() == []
    assert apply(good) == apply(good) == CLUSTER_ID
    assert tx.execute("SELECT x FROM a").fetchall() == [(";",)]
    tx.close()


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="does not exist"):
        opened(tmp_path / "nowhere" / "metastore.db")
    with pytest.raises(UserFault, match="cannot be opened"):
        opened(tmp_path)


AS_NOBODY = """
    import os, sys
    from pathlib import Path
    from anabranch.errors import UserFault
    from anabranch.metastore.sqlite import SqliteMetastore
    import sqlite3, msgspec
    if os.getuid() == 0:
        os.setuid(65534)
    try:
        SqliteMetastore.open(Path(sys.argv[1]), now_ms=1, new_cluster_id=lambda: b"c" * 16)
    except UserFault as fault:
        print(fault)
"""


def test_a_directory_and_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    for parent in [tmp_path, *tmp_path.parents]:
        if not parent.stat().st_mode & 0o005 and os.getuid() == 0:
            parent.chmod(0o755)
        if parent.name.startswith("pytest-of"):
            break
    path = tmp_path / "metastore.db"
    opened(path).close()
    path.chmod(0o444)
    tmp_path.chmod(0o777)
    assert "cannot be written" in outcome(second_process(AS_NOBODY, path))
    path.chmod(0o666)
    tmp_path.chmod(0o555)
    assert "cannot be written" in outcome(second_process(AS_NOBODY, path))
    tmp_path.chmod(0o755)


# -- a full disk, a lock -------------------------------------------------------------------------------
async def test_i1_a_full_disk_loses_nothing_and_the_writer_goes_on(meta: SqliteMetastore) -> None:
    topic = await a_topic(meta)
    tx = meta._writer._tx
    await meta._writer.submit(
        lambda tx: tx.execute("PRAGMA max_page_count = 100").fetchone()
    )  # SQLite answers SQLITE_FULL at this size, as it does when the disk has no room
    big = "m" * 3000
    acknowledged = 0
    with pytest.raises(StoreFault, match="is full") as fault:
        while True:
            await meta.commit_offsets(
                "g", [at(topic, 0, acknowledged, big)], OffsetAction.COMMIT, MEMBER, acknowledged
            )
            acknowledged += 1
    assert fault.value.retryable and acknowledged > 5
    assert [c.offset for c in await meta.committed("g")] == [acknowledged - 1]
    assert len(await meta.offset_history("g")) == acknowledged
    refused = await asyncio.gather(
        *[
            meta.commit_offsets("g", [at(topic, 0, i, big)], OffsetAction.COMMIT, MEMBER, 1)
            for i in range(9)
        ],
        return_exceptions=True,
    )
    assert all(isinstance(one, StoreFault) for one in refused)
    assert await meta.allocate_producer_ids(1) == 0  # what needs no room still works
    tx.execute("PRAGMA max_page_count = 100000")
    await meta.commit_offsets("g", [at(topic, 0, 77, big)], OffsetAction.COMMIT, MEMBER, 10**6)
    assert [c.offset for c in await meta.committed("g")] == [77]


async def test_a_lock_held_too_long_is_a_retryable_fault(
    meta: SqliteMetastore, tmp_path: Path
) -> None:
    meta._writer._tx.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(tmp_path / "metastore.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFault, match="locked") as fault:
        await meta.allocate_producer_ids(1)
    assert fault.value.retryable
    assert await meta.topics() == []
    other.execute("ROLLBACK")
    assert await meta.allocate_producer_ids(1) == 0
    other.close()


# -- other processes -----------------------------------------------------------------------------------
async def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


async def test_the_commits_of_others_are_noticed_and_ones_own_are_not(
    meta: SqliteMetastore, tmp_path: Path
) -> None:
    noticed: list[int] = []
    meta.on_change(lambda changed: noticed.append(threading.get_ident()))
    polls = 0

    def count(sql: str) -> None:
        nonlocal polls
        polls += "data_version" in sql

    meta._writer._tx.set_trace_callback(count)
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9))
    await wait_for(lambda: polls >= 2)
    assert noticed == []
    other = open_sqlite(tmp_path)
    await other.commit_appends("wal/2", [commit(topic, 0, new(10, 19))], 5)
    await wait_for(lambda: len(noticed) > 0)
    assert noticed[0] == threading.get_ident()
    assert (await meta.partitions(topic.no))[0].next_offset == 20
    other.close()


TWO_WRITERS = """
    import asyncio, sys
    from pathlib import Path
    from anabranch.metastore.api import AppendCommit, NewExtent
    from anabranch.metastore.sqlite import SqliteMetastore

    async def main():
        meta = SqliteMetastore.open(Path(sys.argv[1]), now_ms=1, new_cluster_id=lambda: b"c" * 16)
        me = sys.argv[2]
        print("ready", flush=True)
        sys.stdin.readline()
        mine = lost = 0
        end = 0
        while mine < 60:
            extent = NewExtent(end, end, mine, 1, 1, 0, 0, 0)
            (outcome,) = await meta.commit_appends(
                "wal/" + me, [AppendCommit(1, 0, end, end + 1, (extent,))], 1
            )
            if outcome.committed:
                mine += 1
                end += 1
            else:
                lost += 1
                end = outcome.partition.next_offset
        meta.close()
        print(mine)

    asyncio.run(main())
"""


async def test_i2_two_processes_append_at_once(meta: SqliteMetastore, tmp_path: Path) -> None:
    topic = await a_topic(meta)
    path = tmp_path / "metastore.db"
    writers = [second_process(TWO_WRITERS, path, i) for i in range(2)]
    release(writers)
    assert [outcome(process) for process in writers] == ["60\n", "60\n"]
    assert await meta.partition(topic.no, 0) == Partition(topic.no, 0, 120, 0, 0)
    extents = await meta.extents_from(topic.no, 0, 0, 1_000)
    assert [e.base_offset for e in extents] == list(range(120))
    assert {e.object_key for e in extents} == {"wal/0", "wal/1"}


CREATE = """
    import sys
    from pathlib import Path
    from anabranch.metastore.sqlite import SqliteMetastore
    print("ready", flush=True)
    sys.stdin.readline()
    me = sys.argv[2].encode() * 16
    meta = SqliteMetastore.open(Path(sys.argv[1]), now_ms=1, new_cluster_id=lambda: me)
    print(meta.cluster_id.hex())
    meta.close()
"""


def test_several_processes_create_one_metastore(tmp_path: Path) -> None:
    for attempt in range(3):
        path = tmp_path / f"{attempt}.db"
        creators = [second_process(CREATE, path, i) for i in range(4)]
        release(creators)
        assert len({outcome(creator) for creator in creators}) == 1


# -- query plans -----------------------------------------------------------------------------------------
BIG = (
    "extent", "partition", "offset_history", "producer", "committed", "object", "gap", "deletion",
    "actor",
)  # fmt: skip


async def every_verb(meta: Metastore) -> None:
    """Each verb once, with and without its optional arguments, on a little of everything."""
    from anabranch.metastore.api import BranchOrigin, ExtentName, GapCause, GroupRow, ObjectKind

    topic = await a_topic(meta, partitions=2)
    await append(meta, topic, new(0, 9, timestamp=5, appended=5))
    await append(meta, topic, new(10, 19, timestamp=5, appended=5), new(20, 29, appended=5))
    await append(meta, topic, new(30, 39, timestamp=4, appended=9), key="wal/2")
    (first, *_) = await meta.extents_from(topic.no, 0, 0, 9)
    number = await meta.create_object("seg/1", ObjectKind.SEGMENT, 1)
    name = [ExtentName(first.base_offset, first.object_no, first.position)]
    assert await meta.replace_extents(
        topic.no, 0, name, number, 100, [new(0, 9, timestamp=5, appended=5)], 1
    )
    origin = BranchOrigin(topic.id, topic.name, (30, 0), "offsets")
    branch = await meta.create_branch(topic.no, "b", topic_id(2), origin, {}, 1)
    await meta.advance_log_start(topic.no, 0, 15, GapCause.RETENTION_TIME, "", 1)
    await meta.extent_by_timestamp(topic.no, 0, 5, 12)
    await meta.extent_by_append_time(topic.no, 0, 7)
    await meta.extent_of_max_timestamp(topic.no, 0, 0)
    await meta.partition_sizes(topic.no)
    await meta.partition_bytes(topic.no)
    await meta.wal_extents(topic.no, 0, 5)
    await meta.small_segments(topic.no, 0, 999, 5)
    await meta.gaps(topic.no)
    await meta.gaps(topic.no, 0)
    await meta.producer_states(topic.no, 0)
    await meta.expire_producers(5, 5)
    await meta.save_group(GroupRow("g", "", "Empty", 0, b"", 1))
    for _ in range(2):
        offsets = [Committed(topic.no, 0, 1, 0, "", 1), Committed(branch.no, 1, 1, 0, "", 1)]
        await meta.commit_offsets("g", offsets, OffsetAction.COMMIT, MEMBER, 1)
    await meta.committed("g")
    await meta.delete_offsets("g", [(topic.no, 0)], OffsetAction.DELETE, MEMBER, 2)
    await meta.offset_history("g")
    await meta.offset_history("g", since_ms=1, until_ms=5, newest_first=False)
    await meta.offset_history("g", topic_no=topic.no, partition=0, since_ms=1, until_ms=5)
    await meta.positions_at("g", 2)
    await meta.prune_offset_history(2, 1)
    await meta.delete_topic(branch.no, 3)
    await meta.purge_deleted(10, 3)
    await meta.objects_without_extents(5, 10**6, 5)
    await meta.wal_objects()
    await meta.forget_object(99, "", 5)
    await meta.deletions(5)
    await meta.delete_group("g", MEMBER, 4)
    await meta.prune_offset_history(10**9, 100)


async def test_i10_no_verb_scans_a_table_that_grows(meta: SqliteMetastore) -> None:
    statements: set[str] = set()
    tx = meta._writer._tx
    tx.set_trace_callback(statements.add)
    await meta.topics()
    for reader in meta._readers._all:
        reader.set_trace_callback(statements.add)
    await every_verb(meta)
    verbs = [
        s for s in statements if s.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
    ]
    assert len(verbs) > 60
    # These are asked for all of it, or for one end of it.
    whole = (
        "FROM partition ORDER BY topic_no, partition",
        "FROM partition WHERE wal_extents > 0",
        "FROM deletion ORDER BY seq DESC",
        "AND no NOT IN (SELECT actor_no FROM committed)",
    )
    aliases = {
        "e": "extent",
        "h": "offset_history",
        "c": "committed",
        "o": "object",
        "p": "partition",
    }
    scans = []
    for statement in verbs:
        if any(part in statement for part in whole):
            continue
        for *_, detail in tx.execute(f"EXPLAIN QUERY PLAN {statement}"):
            action, name, *_ = detail.split()
            # A partial index holds only what the verb is for.
            bounded = "object_suspect" in detail or "object_wal" in detail
            if action == "SCAN" and aliases.get(name, name) in BIG and not bounded:
                scans.append((detail, statement))
    assert scans == []


def test_I1_a_wal_written_out_ahead_ends_where_its_frames_end(tmp_path: Path) -> None:
    """The zeros behind the frames are nothing to a reader, a second process or a recovery."""

    async def scenario() -> None:
        path, wal = tmp_path / "m.db", tmp_path / "m.db-wal"
        options = {"now_ms": 1, "new_cluster_id": lambda: b"c" * 16}
        other = SqliteMetastore.open(path, **options)
        await other.put_document("k", "before", b"1", 1)
        meta = SqliteMetastore.open(path, **options, write_out_wal=True)
        assert wal.stat().st_size == WAL_BYTES_KEPT
        await meta.put_document("k", "after", b"2", 2)
        await other.put_document("k", "beside", b"3", 3)
        assert wal.stat().st_size == WAL_BYTES_KEPT
        crashed = tmp_path / "crashed"
        crashed.mkdir()
        shutil.copy(path, crashed)
        shutil.copy(wal, crashed)  # without the index in shared memory: it has to be recovered
        meta.close()
        other.close()
        for place in (path, crashed / "m.db"):
            found = SqliteMetastore.open(place, **options)
            assert [each.id for each in await found.documents("k")] == ["before", "after", "beside"]
            found.close()

    asyncio.run(scenario())
