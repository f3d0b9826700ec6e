"""PostgreSQL that crashes, stalls and loses answers: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from anabranch.errors import ClientFault, StoreFault, UnknownOutcome
from anabranch.metastore import migrate as shared
from anabranch.metastore.api import AppendCommit, Metastore, NewExtent, OffsetAction, Topic
from anabranch.metastore.changes import Changed
from anabranch.metastore.postgres import connect, lane, migrate, notices
from anabranch.metastore.postgres.connect import address
from anabranch.metastore.postgres.engine import PostgresMetastore
from tests.support.cut import CuttingProxy
from tests.support.postgres import NoPostgres, Server, postgres_url, shared_server

from .conftest import CLUSTER_ID
from .support import MEMBER, a_topic, append, at, commit, new, topic_id


def opened(url: str) -> PostgresMetastore:
    return PostgresMetastore.open(url, now_ms=1, new_cluster_id=lambda: CLUSTER_ID)


@pytest.fixture
def server() -> Iterator[Server]:
    """One of its own, to be killed."""
    try:
        server = Server()
    except NoPostgres as reason:
        pytest.skip(str(reason))
    server.start()
    yield server
    server.remove()


@pytest.fixture
def proxied() -> Iterator[tuple[PostgresMetastore, CuttingProxy, str]]:
    """A metastore behind a proxy, and its address without one."""
    url = postgres_url()
    proxy = CuttingProxy(shared_server().port)
    meta = opened(url.replace(f":{shared_server().port}/", f":{proxy.port}/"))
    yield meta, proxy, url
    meta.close()
    proxy.close()


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(5_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


class Appender:
    """Appends to one partition as a broker does: one commit after the other, each at its own place."""

    def __init__(self, meta: Metastore, topic: Topic, partition: int, key: str) -> None:
        self.meta, self.topic, self.partition, self.key = meta, topic, partition, key
        self.position = 0
        self.acknowledged: list[tuple[int, int]] = []  # (base offset, position)
        self.unknown: list[tuple[int, int]] = []
        self.stop = False

    async def run(self) -> None:
        end = 0
        while not self.stop:
            self.position += 100
            extent = NewExtent(end, end + 2, self.position, 100, 3, 7, self.position, 0)
            change = AppendCommit(self.topic.no, self.partition, end, end + 3, (extent,))
            try:
                (outcome,) = await self.meta.commit_appends(self.key, [change], self.position)
            except StoreFault:
                self.unknown.append((end, self.position))
                row = await self.meta.partition(self.topic.no, self.partition)
                assert row is not None
                end = row.next_offset
                continue
            assert outcome.committed, "nobody else appends here"
            self.acknowledged.append((end, self.position))
            end += 3


async def assert_all_there_once(meta: Metastore, appenders: list[Appender]) -> None:
    """I1, I5: what was acknowledged is there at its offset, nothing twice, and nothing nobody sent."""
    for appender in appenders:
        extents = await meta.extents_from(appender.topic.no, appender.partition, 0, 1_000_000)
        found = [(extent.base_offset, extent.position) for extent in extents]
        assert [base for base, _ in found] == list(range(0, 3 * len(found), 3))
        assert set(appender.acknowledged) <= set(found)
        assert set(found) <= {*appender.acknowledged, *appender.unknown}
        assert len({position for _, position in found}) == len(found)
    assert await meta.check() == []


async def test_I1_I5_a_server_that_is_killed_loses_and_doubles_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 of every process of the server under concurrent appends and offset commits, three times:
    they wait and go on."""
    monkeypatch.setattr(lane.Lane, "wait_s_max", 100.0)  # a busy machine starts a server slowly
    meta = opened(server.url())
    topic = await a_topic(meta, partitions=6)
    appenders = [Appender(meta, topic, p, f"wal/{p}") for p in range(6)]
    committed = 0
    stop = False

    async def commit_offsets() -> None:
        nonlocal committed
        while not stop:
            try:
                await meta.commit_offsets(
                    "g", [at(topic, 0, committed + 1)], OffsetAction.COMMIT, MEMBER, 5
                )
            except StoreFault:
                continue  # not known: the same again, as a client would
            committed += 1

    tasks = [asyncio.ensure_future(appender.run()) for appender in appenders]
    tasks.append(asyncio.ensure_future(commit_offsets()))
    for _ in range(3):
        before = [len(appender.acknowledged) for appender in appenders]
        await asyncio.sleep(0.7)
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(server.start)
        counts = list(zip(appenders, before, strict=True))
        await until(lambda: all(len(a.acknowledged) >= count + 5 for a, count in counts))  # noqa: B023
    stop = True
    for appender in appenders:
        appender.stop = True
    await asyncio.gather(*tasks)
    assert not any(appender.unknown for appender in appenders), "appends wait, they do not fail"
    await assert_all_there_once(meta, appenders)
    (offset,) = await meta.committed("g")
    assert offset.offset in (committed, committed + 1) and committed > 0
    meta.close()
    again = opened(server.url())
    await assert_all_there_once(again, appenders)
    again.close()


async def test_I5_an_append_whose_answer_was_lost_is_recognised(
    proxied: tuple[PostgresMetastore, CuttingProxy, str],
) -> None:
    meta, proxy, url = proxied
    topic = await a_topic(meta, partitions=2)
    await append(meta, topic, new(0, 4), partition=1)
    for base in (
        0,
        5,
        10,
        15,
    ):  # prepared by then, so the request holds the key and not the statement
        proxy.cut_when_asked(b"wal/cut")
        commits = [commit(topic, 0, new(base, base + 4, position=base))]
        outcomes = await meta.commit_appends("wal/cut", commits, 7)
        assert not proxy.waiting
        assert [outcome.committed for outcome in outcomes] == [True]
    other = opened(url)
    extents = await other.extents_from(topic.no, 0, 0, 100)
    assert [(e.base_offset, e.position) for e in extents] == [(0, 0), (5, 5), (10, 10), (15, 15)]
    assert await other.check() == []
    other.close()


async def test_I5_an_append_that_was_overtaken_while_its_answer_was_lost(
    proxied: tuple[PostgresMetastore, CuttingProxy, str],
) -> None:
    """Recognised behind others' appends too; but where it was merged it cannot be, and that is said."""
    meta, proxy, url = proxied
    other = opened(url)
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 0), key="wal/cut")

    async def lost_answer(base: int, then: Callable[[], object]) -> object:
        """Commit while answers are lost and the proxy refuses to connect until ``then`` is done."""
        proxy.cut_when_asked(b"wal/cut", then_refuse=True)
        task = asyncio.ensure_future(
            meta.commit_appends("wal/cut", [commit(topic, 0, new(base, base, position=base))], 7)
        )
        await until(lambda: not proxy.waiting)
        while True:
            row = await other.partition(topic.no, 0)
            if row is not None and row.next_offset > base:
                break
        await then()  # type: ignore[misc]
        proxy.refusing = False
        (outcome,) = await task
        return outcome

    outcome = await lost_answer(1, lambda: append(other, topic, new(2, 3), key="wal/other"))
    assert outcome.committed  # type: ignore[attr-defined]

    async def merged() -> None:
        from .support import merge

        extents = await other.extents_from(topic.no, 0, 0, 100)
        assert await merge(other, topic, extents, key="seg/1")

    with pytest.raises(StoreFault, match="merged") as fault:
        await lost_answer(4, merged)
    assert fault.value.retryable
    other.close()


async def test_I5_a_commit_whose_answer_was_lost_is_not_claimed_either_way(
    proxied: tuple[PostgresMetastore, CuttingProxy, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "POLL_S", 600.0)  # whoever hears of it was told
    meta, proxy, url = proxied
    topic = await a_topic(meta)
    other = opened(url)
    heard: list[Changed] = []
    other.on_change(heard.append)
    while not heard:  # until it listens
        await meta.set_topic_configs(topic.no, {"a": "1"}, 2)
        await asyncio.sleep(0.1)
    heard.clear()
    proxy.cut_when_asked(b"COMMIT")
    with pytest.raises(UnknownOutcome, match="not known") as fault:
        await meta.set_topic_configs(topic.no, {"a": "2"}, 3)
    assert fault.value.retryable
    (present,) = await meta.topics()  # and the next one goes through at once
    assert present.configs == {"a": "2"}
    # The others are told, in case it stands.
    await until(lambda: any(topic.no in one.topics for one in heard))
    other.close()


async def test_what_was_cut_before_its_commit_is_done_once(
    proxied: tuple[PostgresMetastore, CuttingProxy, str],
) -> None:
    meta, proxy, _ = proxied
    await meta.allocate_producer_ids(1)
    proxy.cut_when_asked(b"UPDATE counter")
    assert await meta.allocate_producer_ids(5) == 1
    assert await meta.allocate_producer_ids(1) == 6


async def test_reads_come_back_after_a_cut(
    proxied: tuple[PostgresMetastore, CuttingProxy, str],
) -> None:
    meta, proxy, _ = proxied
    topic = await a_topic(meta)
    for _ in range(5):
        assert await meta.topics() == [topic]
        await asyncio.to_thread(proxy.cut)
    assert await meta.partition_sizes(topic.no) != []


async def test_a_server_that_stays_away_is_said_so_within_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = postgres_url()
    proxy = CuttingProxy(shared_server().port)
    meta = opened(url.replace(f":{shared_server().port}/", f":{proxy.port}/"))
    topic = await a_topic(meta)
    monkeypatch.setattr(lane.Lane, "wait_s_max", 0.5)
    proxy.close()
    with pytest.raises(StoreFault, match="away") as fault:
        await meta.commit_appends("wal/1", [commit(topic, 0, new(0, 9))], 1)
    assert fault.value.retryable
    with pytest.raises(StoreFault, match="away"):
        await meta.allocate_producer_ids(1)
    meta.close()


async def test_a_server_that_stands_still_is_left_and_found_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its kernel acknowledges every packet, so only a deadline of our own ends the wait."""
    meta = opened(server.url())
    topic = await a_topic(meta)
    appender = Appender(meta, topic, 0, "wal/1")
    task = asyncio.ensure_future(appender.run())
    await until(lambda: len(appender.acknowledged) >= 20)
    monkeypatch.setattr(connect.BoundedConnection, "answer_s_max", 0.5)
    monkeypatch.setattr(connect, "CONNECT_S_MAX", 2)
    await asyncio.to_thread(server.pause)
    await asyncio.sleep(2)
    at_pause = len(appender.acknowledged)
    await asyncio.sleep(0.5)
    assert len(appender.acknowledged) == at_pause
    await asyncio.to_thread(server.resume)
    await until(lambda: len(appender.acknowledged) >= at_pause + 20)
    appender.stop = True
    await task
    assert appender.unknown == []
    await assert_all_there_once(meta, [appender])
    meta.close()


async def test_a_broker_that_stalls_with_the_general_lock_does_not_stop_appends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And it loses the lock after ``IDLE_MS_MAX``."""
    monkeypatch.setitem(connect._SETTINGS, "lock_timeout", 60_000)
    monkeypatch.setitem(connect._SETTINGS, "statement_timeout", 60_000)
    url = postgres_url()
    meta = opened(url)
    topic = await a_topic(meta)
    stalled = connect.connect(address(url))
    stalled.execute("SET idle_in_transaction_session_timeout = 0")
    stalled.execute(b"BEGIN; SELECT pg_advisory_xact_lock(%d)" % address(url).lock)
    waiting = asyncio.ensure_future(meta.set_topic_configs(topic.no, {"a": "1"}, 2))
    for base in range(0, 100, 10):
        await append(meta, topic, new(base, base + 9, position=base))
    assert not waiting.done()
    stalled.execute("SET idle_in_transaction_session_timeout = 100")
    assert await meta.acquire_lease("l", "me", 1_000, 5)
    assert (await waiting).configs == {"a": "1"}
    with pytest.raises(psycopg.Error, match="idle-in-transaction"):
        stalled.execute("SELECT 1")
    meta.close()


async def test_a_lock_that_is_held_too_long_is_a_fault_and_nothing_happened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connect._SETTINGS, "lock_timeout", 200)
    url = postgres_url()
    meta = opened(url)
    topic = await a_topic(meta)
    held = connect.connect(address(url))
    held.execute(b"BEGIN; SELECT pg_advisory_xact_lock(%d)" % address(url).lock)
    with pytest.raises(StoreFault, match="too long") as fault:
        await meta.set_topic_configs(topic.no, {"a": "1"}, 2)
    assert fault.value.retryable
    held.execute("ROLLBACK")
    assert (await meta.set_topic_configs(topic.no, {"a": "2"}, 3)).configs == {"a": "2"}
    held.close()
    meta.close()


async def test_close_does_not_wait_for_a_server_that_is_away(server: Server) -> None:
    meta = opened(server.url())
    topic = await a_topic(meta)
    await asyncio.to_thread(server.kill)
    pending = asyncio.ensure_future(meta.commit_appends("wal/1", [commit(topic, 0, new(0, 9))], 1))
    await asyncio.sleep(0.1)
    began = time.monotonic()
    await asyncio.to_thread(meta.close)
    assert time.monotonic() - began < 20
    with pytest.raises(StoreFault, match="away"):
        await pending
    with pytest.raises(StoreFault, match="closed"):
        await meta.topics()


async def test_one_that_fails_takes_back_only_itself() -> None:
    meta = opened(postgres_url())
    topic = await a_topic(meta)
    results = await asyncio.gather(
        meta.set_topic_configs(topic.no, {"a": "1"}, 2),
        meta.create_topic("flights", topic_id(7), 1, {}, 2),  # the name is taken
        meta.create_topic("other", topic_id(8), 1, {}, 2),
        meta.set_topic_configs(99, {}, 2),
        meta.allocate_producer_ids(3),
        return_exceptions=True,
    )
    assert isinstance(results[1], ClientFault) and isinstance(results[3], ClientFault)
    assert results[4] == 0 and await meta.allocate_producer_ids(1) == 3
    assert [t.name for t in await meta.topics()] == ["flights", "other"]
    meta.close()


@pytest.mark.parametrize("bound_ms", [60_000, 100])
def test_a_process_that_stalls_while_it_makes_the_tables_goes_on_or_says_so(
    monkeypatch: pytest.MonkeyPatch, bound_ms: int
) -> None:
    """Nobody waits for a metastore that is not there yet: it has longer than a broker's transactions."""
    monkeypatch.setitem(connect._SETTINGS, "idle_in_transaction_session_timeout", 100)
    monkeypatch.setattr(migrate, "MIGRATION_IDLE_MS_MAX", bound_ms)
    made = shared.cluster_id_made

    def stalling(*args: Any) -> bytes:
        time.sleep(0.5)
        return made(*args)

    url = postgres_url()
    with monkeypatch.context() as patch:
        patch.setattr(shared, "cluster_id_made", stalling)
        if bound_ms < 1_000:
            with pytest.raises(StoreFault, match=r"away: .*idle-in-transaction") as fault:
                opened(url)
            assert fault.value.retryable
        else:
            opened(url).close()
    opened(url).close()
