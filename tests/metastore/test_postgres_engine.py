"""The PostgreSQL engine itself: several of them at once, opening, the dialect, values that travel."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import StoreFault, UserFault
from anabranch.metastore import migrate as shared
from anabranch.metastore.api import (
    AppendCommit,
    BranchOrigin,
    Committed,
    GapCause,
    GroupRow,
    Metastore,
    NewExtent,
    ObjectKind,
    OffsetAction,
)
from anabranch.metastore.arrays import Blobs, Ints, Texts
from anabranch.metastore.migrate import Migration, shipped
from anabranch.metastore.opening import open_metastore
from anabranch.metastore.postgres import connect
from anabranch.metastore.postgres.connect import address
from anabranch.metastore.postgres.engine import PostgresMetastore
from anabranch.metastore.postgres.migrate import migrate, translate
from anabranch.metastore.postgres.tx import PostgresTx
from anabranch.metastore.postgres.tx import translate as statement
from tests.support.postgres import NoPostgres, Server, postgres_url, shared_server

from .conftest import CLUSTER_ID
from .support import MEMBER, a_topic, append, at, commit, merge, new, producer


def opened(url: str) -> PostgresMetastore:
    return PostgresMetastore.open(url, now_ms=1, new_cluster_id=lambda: CLUSTER_ID)


@pytest.fixture
def url() -> str:
    return postgres_url()


async def test_readers_of_old_data_cannot_take_the_connections_of_others(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many of their queries wait, and however slow the server is with them."""
    for limit in ("lock_timeout", "statement_timeout"):
        monkeypatch.setitem(connect._SETTINGS, limit, 90_000)
    meta = opened(url)
    try:
        topic = await a_topic(meta)
        await append(meta, topic, new(0, 9))
        other = connect.connect(address(url))
        with other.transaction():
            other.execute("LOCK TABLE extent IN ACCESS EXCLUSIVE MODE")
            slow = [
                asyncio.ensure_future(one)
                for _ in range(16)  # more than any pool has connections
                for one in (
                    meta.extents_from(topic.no, 0, 0, 10),
                    meta.extent_by_timestamp(topic.no, 0, 0, 0),
                )
            ]
            async with asyncio.timeout(60):
                assert await meta.partition(topic.no, 0) is not None
                assert await meta.append_state(topic.no, 0) is not None
                assert await meta.group("g") is None
            assert not any(one.done() for one in slow)
        assert len(await asyncio.gather(*slow)) == 32
        other.close()
    finally:
        meta.close()


@pytest.fixture
def engines(url: str) -> Iterator[list[PostgresMetastore]]:
    """Three processes' worth of engines on one metastore."""
    found = [opened(url) for _ in range(3)]
    yield found
    assert asyncio.run(found[0].check()) == []
    for engine in found:
        engine.close()


# -- several at once ---------------------------------------------------------------------------------
async def test_I2_I5_brokers_that_append_to_the_same_partitions(
    engines: list[PostgresMetastore],
) -> None:
    """Each flush names several partitions, in an order of its own: no deadlock, no offset given twice,
    and a producer's state goes with its append."""
    topic = await a_topic(engines[0], partitions=8)
    won: dict[tuple[int, int], str] = {}

    async def broker(number: int, meta: Metastore) -> None:
        rng = random.Random(number)
        ends = dict.fromkeys(range(8), 0)
        position = 0
        for _ in range(60):
            chosen = rng.sample(range(8), 5)
            commits = []
            for p in chosen:
                position += 10
                extent = NewExtent(ends[p], ends[p] + 9, position, 10, 10, position, position, 0)
                state = producer(number, ends[p], updated_ms=position)
                commits.append(
                    AppendCommit(topic.no, p, ends[p], ends[p] + 10, (extent,), (state,))
                )
            outcomes = await meta.commit_appends(f"wal/{number}", commits, position)
            for p, outcome in zip(chosen, outcomes, strict=True):
                if outcome.committed:
                    assert won.setdefault((p, ends[p]), f"wal/{number}") == f"wal/{number}"
                    ends[p] += 10
                else:
                    assert outcome.partition is not None
                    assert outcome.partition.next_offset > ends[p]
                    ends[p] = outcome.partition.next_offset

    await asyncio.gather(*[broker(n, meta) for n, meta in enumerate(engines)])
    for p in range(8):
        extents = await engines[0].extents_from(topic.no, p, 0, 10_000)
        assert [(e.base_offset, e.object_key) for e in extents] == sorted(
            (base, key) for (number, base), key in won.items() if number == p
        )
        last = {extent.object_key: extent.base_offset for extent in extents}
        for state in await engines[0].producer_states(topic.no, p):
            assert state.batches[-1].base_offset == last[f"wal/{state.producer_id}"]


async def test_I2_I3_background_work_beside_appends(engines: list[PostgresMetastore]) -> None:
    """Merges, retention, branches and collection by one broker while two others append."""
    topic = await a_topic(engines[0], partitions=2)
    stop = False

    async def appender(number: int, meta: Metastore) -> int:
        end = position = appended = 0
        while not stop:
            position += 10
            extent = new(end, end + 4, position=position, length=10, appended=position)
            (outcome,) = await meta.commit_appends(
                f"wal/{number}", [commit(topic, number, extent)], position
            )
            assert outcome.committed, "only this one appends here"
            end += 5
            appended += 1
        return appended

    async def background(meta: Metastore) -> None:
        for step in range(30):
            for p in range(2):
                extents = await meta.wal_extents(topic.no, p, 50)
                if extents:
                    assert await merge(meta, topic, extents, key=f"seg/{p}/{step}", partition=p)
                row = await meta.partition(topic.no, p)
                assert row is not None
                await meta.advance_log_start(
                    topic.no, p, row.next_offset // 2, GapCause.RETENTION_TIME, "", step
                )
            for row_ in await meta.objects_without_extents(step, 10**9, 100):
                if row_.kind is not ObjectKind.WAL:  # those are written to
                    await meta.forget_object(row_.no, "test", step)
            await meta.expire_producers(step, 10)
            rows = [await meta.partition(topic.no, p) for p in range(2)]
            segments = [r.log_start for r in rows if r is not None]
            origin = BranchOrigin(topic.id, topic.name, tuple(segments), "log start")
            branch = await meta.create_branch(
                topic.no, f"b{step}", (100 + step).to_bytes(16, "big"), origin, {}, step
            )
            assert await meta.delete_topic(branch.no, step)

    tasks = [asyncio.ensure_future(appender(n, engines[n])) for n in range(2)]
    await background(engines[2])
    stop = True
    assert min(await asyncio.gather(*tasks)) > 10


async def test_I8_offsets_of_one_group_from_three_sides(engines: list[PostgresMetastore]) -> None:
    """Commits, resets and deletions race: the history is one unbroken line all the same (check)."""
    topic = await a_topic(engines[0], partitions=3)

    async def side(number: int, meta: Metastore) -> None:
        rng = random.Random(number)
        for step in range(40):
            p = rng.randrange(3)
            match rng.randrange(6):
                case 0:
                    await meta.delete_offsets(
                        "g", [(topic.no, p)], OffsetAction.EXPIRE, MEMBER, step
                    )
                case 1 if number == 2:
                    await meta.delete_group("g", MEMBER, step)
                case _:
                    offsets = [at(topic, q, rng.randrange(100)) for q in (p, (p + 1) % 3)]
                    await meta.commit_offsets("g", offsets, OffsetAction.COMMIT, MEMBER, step)

    await asyncio.gather(*[side(n, meta) for n, meta in enumerate(engines)])
    lines = await engines[0].offset_history("g", limit=1_000)
    assert len({line.seq for line in lines}) == len(lines) > 60


async def test_I8_no_offset_outlives_its_topic(engines: list[PostgresMetastore]) -> None:
    for round_ in range(15):
        topic = await a_topic(engines[0], f"t{round_}", number=200 + round_)
        await asyncio.gather(
            engines[0].delete_topic(topic.no, 5),
            *[
                engines[1 + n % 2].commit_offsets(
                    f"g{n}", [at(topic, 0, 1)], OffsetAction.COMMIT, MEMBER, 5
                )
                for n in range(4)
            ],
        )
        await engines[0].purge_deleted(1_000, 6)
        assert await engines[0].check() == []


async def test_verbs_of_several_brokers_are_like_one_after_the_other(
    engines: list[PostgresMetastore],
) -> None:
    firsts = await asyncio.gather(*[e.allocate_producer_ids(7) for e in engines for _ in range(20)])
    assert sorted(firsts) == list(range(0, 7 * 60, 7))
    results = await asyncio.gather(
        *[a_topic(e, "same", number=n) for n, e in enumerate(engines)], return_exceptions=True
    )
    assert sum(not isinstance(result, Exception) for result in results) == 1
    taken = await asyncio.gather(
        *[e.acquire_lease("l", f"h{n}", 1_000, 5) for n, e in enumerate(engines)]
    )
    assert sum(taken) == 1


def test_engines_that_create_one_metastore_at_once(url: str) -> None:
    found: list[bytes] = []

    def create(number: int) -> None:
        meta = PostgresMetastore.open(
            url, now_ms=1, new_cluster_id=lambda: number.to_bytes(16, "big")
        )
        found.append(meta.cluster_id)
        meta.close()

    threads = [threading.Thread(target=create, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 5 and len(set(found)) == 1


async def test_I1_every_commit_waits_for_the_disk(url: str) -> None:
    """Also where the database says otherwise."""
    meta = opened(url)
    name = address(url).schema
    with shared_server().admin() as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN SUPERUSER")
        admin.execute(f"ALTER ROLE {name} SET synchronous_commit = off")
    careless = connect.connect(address(url.replace("anabranch@", f"{name}@")))
    assert careless.execute("SHOW synchronous_commit").fetchone() == ("on",)
    careless.close()
    meta.close()


async def test_the_databases_clock(url: str) -> None:
    meta = opened(url)
    first, second = await meta.now_ms(), await meta.now_ms()
    assert 1_700_000_000_000 < first <= second
    meta.close()


async def test_texts_that_postgres_could_not_hold(url: str) -> None:
    meta = opened(url)
    topic = await a_topic(meta)
    nasty = "a\0b\U0010ffff0\0"
    await meta.save_group(GroupRow(nasty, "consumer", "Empty", 1, b"\0\1", 5))
    row = Committed(topic.no, 0, 1, 0, nasty, 5)
    await meta.commit_offsets(nasty, [row], OffsetAction.COMMIT, MEMBER, 5)
    assert await meta.committed(nasty) == [row]
    assert [group.group_id for group in await meta.groups()] == [nasty]
    meta.close()


# -- the dialect ---------------------------------------------------------------------------------------
def test_parameters_are_numbered() -> None:
    assert statement("SELECT ?, ? FROM t WHERE a = '?' AND \"b?\" = ?") == (
        "SELECT $1, $2 FROM t WHERE a = '?' AND \"b?\" = $3",
        None,
    )
    assert statement("SELECT ?1, ?2, ?1") == ("SELECT $1, $2, $1", None)
    assert statement("SELECT :a, :b_c, :a, x::text -- :d ?") == (
        "SELECT $1, $2, $1, x::text -- :d ?",
        ("a", "b_c"),
    )


def test_migrations_are_translated() -> None:
    first = translate(shipped(postgres=True)[0])
    assert "STRICT" not in first and "ROWID" not in first.replace("-- ", "")
    assert " INTEGER" not in first and "BLOB" not in first and "AUTOINCREMENT" not in first
    assert '"offset" BIGINT NOT NULL' in first and 'TEXT COLLATE "C"' in first


@given(
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
    st.lists(st.none() | st.text()),
    st.lists(st.none() | st.binary()),
)
def test_arrays_travel(
    numbers: list[int | None], texts: list[str | None], blobs: list[bytes | None]
) -> None:
    global _arrays
    if _arrays is None:
        _arrays = connect.connect(address(postgres_url()))
    tx = PostgresTx(_arrays)
    row = tx.execute("SELECT ?, ?, ?", (Ints(numbers), Texts(texts), Blobs(blobs))).fetchone()
    assert row == (numbers, texts, blobs)


_arrays: connect.BoundedConnection | None = None


def test_a_twin_stands_for_its_migration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_a.sql").write_text("A")
    (folder / "0002_b.sql").write_text("B")
    (folder / "0002_b.postgres.sql").write_text("B for the other; TEXT stays")
    monkeypatch.setattr(shared.resources, "files", lambda package: tmp_path)
    assert [m.sql for m in shipped()] == ["A", "B"]
    other = shipped(postgres=True)
    assert [m.name for m in other] == ["0001_a.sql", "0002_b.postgres.sql"]
    assert translate(other[1]) == "B for the other; TEXT stays"


def test_a_migration_is_applied_wholly_or_not_at_all(url: str) -> None:
    opened(url).close()
    connection = connect.connect(address(url))
    count = len(shipped())
    steps = [
        Migration(count + 1, "x.sql", "CREATE TABLE a (x TEXT) STRICT;\nCREATE TABL b (x TEXT);"),
        Migration(
            count + 1, "y.sql", "CREATE TABLE a (x TEXT) STRICT;\nINSERT INTO a VALUES (';');"
        ),
    ]

    def apply(step: Migration) -> bytes:
        return migrate(
            connection,
            address(url),
            now_ms=2,
            new_cluster_id=lambda: b"x" * 16,
            migrations=[*shipped(postgres=True), step],
        )

    with pytest.raises(psycopg.errors.SyntaxError):
        apply(steps[0])
    assert apply(steps[1]) == apply(steps[1]) == CLUSTER_ID
    assert connection.execute("SELECT x FROM a").fetchall() == [(";",)]
    connection.close()
    with pytest.raises(UserFault, match="newer version"):
        opened(url)


# -- opening -------------------------------------------------------------------------------------------
def refused(location: str) -> str:
    with pytest.raises((UserFault, StoreFault)) as fault:
        open_metastore(location, now_ms=1, new_cluster_id=lambda: CLUSTER_ID)
    assert "hunter2" not in str(fault.value), "a password in a message"
    return f"{type(fault.value).__name__}: {fault.value}"


def test_a_wrong_password_and_a_wrong_user() -> None:
    postgres_url()
    server = shared_server()
    hba = server.data / "pg_hba.conf"
    hba.write_text("host all locked 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    with server.admin() as admin:
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("DROP ROLE IF EXISTS locked")
        admin.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
    said = refused(server.url().replace("anabranch@", "locked:hunter2@"))
    assert said.startswith("UserFault") and "password authentication failed" in said
    assert "locked@127.0.0.1" in said
    said = refused(server.url().replace("anabranch@", "nobody_knows@"))
    assert said.startswith("UserFault") and "nobody_knows" in said


def test_a_database_that_is_not_there() -> None:
    postgres_url()
    said = refused(shared_server().url("nowhere"))
    assert said.startswith("UserFault") and "nowhere" in said and "createdb" in said


def test_no_right_to_create_the_schema(url: str) -> None:
    name = address(url).schema
    with shared_server().admin() as admin:
        admin.execute(f"CREATE ROLE {name}_u LOGIN")
    said = refused(url.replace("anabranch@", f"{name}_u@"))
    assert said.startswith("UserFault") and "permission denied" in said and "owner" in said


def test_nothing_listens_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        said = refused(f"postgresql://u:hunter2@127.0.0.1:{taken.getsockname()[1]}/d")
    assert said.startswith("StoreFault: no PostgreSQL server listens at postgresql://u@127.0.0.1")


def test_no_such_host() -> None:
    assert "there is no such host" in refused("postgresql://u@no-such-host.invalid/d")


def test_something_else_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer, contextlib.suppress(OSError):
                    peer.recv(1_000)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        said = refused(f"postgresql://u@127.0.0.1:{listener.getsockname()[1]}/d")
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert "not a PostgreSQL server" in said


def test_an_old_server(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "SERVER_VERSION_MIN", 990_000)
    assert "99 or newer is needed" in refused(url)


def test_a_standby(url: str) -> None:
    name = address(url).schema
    with shared_server().admin() as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN SUPERUSER")
        admin.execute(f"ALTER ROLE {name} SET default_transaction_read_only = on")
    assert "is a standby" in refused(url.replace("anabranch@", f"{name}@"))


def test_a_server_that_does_not_sync() -> None:
    try:
        server = Server("--fsync=off")
    except NoPostgres as reason:
        pytest.skip(str(reason))
    server.start()
    try:
        assert "fsync = off" in refused(server.url())
    finally:
        server.remove()


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("postgresql://u@h/d?schema=No;", "small letters"),
        ("postgresql://u:hunter2@h/d?nonsense=1", "nonsense"),
        ("mysql://u:hunter2@h/d", "names no metastore"),
        ("sqlite://host/path", "names no metastore"),
    ],
)
def test_what_is_no_location(location: str, sentence: str) -> None:
    assert sentence in refused(location)


def test_without_the_driver(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("anabranch.metastore.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'anabranch[postgres]'" in refused(url)


@pytest.mark.parametrize("form", [str, lambda path: f"sqlite://{path}", Path])
def test_files_are_sqlite(tmp_path: Path, form: Callable[[Path], str | Path]) -> None:
    path = tmp_path / "a b.db"
    meta = open_metastore(form(path), now_ms=1, new_cluster_id=lambda: CLUSTER_ID)
    assert path.exists() and meta.cluster_id == CLUSTER_ID
    meta.close()


def test_append_after_append(url: str) -> None:
    """The WAL object is registered with the first one, and grows."""

    async def story() -> None:
        meta = opened(url)
        topic = await a_topic(meta)
        await append(meta, topic, new(0, 4, length=10))
        await append(meta, topic, new(5, 9, position=10, length=30))
        (row,) = await meta.wal_objects()
        assert row.bytes == 40
        meta.close()

    asyncio.run(story())


def test_nothing_is_made_where_nothing_was_asked_for(url: str) -> None:
    def look() -> None:
        open_metastore(url, now_ms=1, new_cluster_id=lambda: CLUSTER_ID, create=False).close()

    with pytest.raises(UserFault, match="holds no Anabranch cluster"):
        look()
    with shared_server().admin() as admin:
        schema = address(url).schema
        found = admin.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,))
        assert found.fetchone() is None
    opened(url).close()
    look()
