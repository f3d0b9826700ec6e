"""Who lives: the judgement by itself, and brokers that watch each other on one metastore."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from anabranch.broker.membership import (
    FAREWELL_MS,
    NOTICE_MS_MIN,
    SILENT_MS_MAX,
    UNSEEN_MS_MAX,
    Load,
    Membership,
    Watch,
    keep_company,
    load_of,
    nobody_listens,
)
from anabranch.errors import StoreFault
from anabranch.metastore.api import BrokerRow
from anabranch.metastore.sqlite import SqliteMetastore
from anabranch.metastore.wal_floor import Alone

BEAT_MS = 500  # of the tests


def row(number: int, heartbeat_ms: int, epoch: int = 1) -> BrokerRow:
    return BrokerRow(number, epoch, "h", 9092, 0, "live", None, heartbeat_ms)


def living(watch: Watch, rows: list[BrokerRow], monotonic_ms: int, store_ms: int = 0) -> list[int]:
    return [one.broker_id for one in watch.look(rows, store_ms, monotonic_ms)]


def test_a_broker_lives_while_its_row_changes() -> None:
    watch = Watch()
    for beat in range(1, 20):
        assert living(watch, [row(1, beat)], beat * BEAT_MS, store_ms=1) == [1]


def test_a_dead_broker_is_noticed_within_three_seconds() -> None:
    """Whenever it dies between two beats, and whenever the watcher looks."""
    for died_after_beat_ms in (0, 250, 499):
        watch, noticed_ms = Watch(), None
        for look in range(20):
            now_ms = look * BEAT_MS + died_after_beat_ms
            if not living(watch, [row(1, 7)], now_ms, store_ms=7) and noticed_ms is None:
                noticed_ms = now_ms
        assert noticed_ms is not None and noticed_ms < 3000


def test_an_old_row_is_dead_at_first_sight_and_lives_when_it_changes() -> None:
    watch = Watch()
    old, fresh = row(1, 1000), row(2, 1000 + SILENT_MS_MAX)
    store_ms = 1000 + SILENT_MS_MAX + 1
    assert living(watch, [old, fresh], 0, store_ms) == [2]
    assert living(watch, [replace(old, heartbeat_ms=1001), fresh], 1, store_ms) == [1, 2]


def test_clocks_do_not_matter_after_the_first_sight() -> None:
    watch = Watch()
    store_times = iter([10, 10**12, 5, 0, 10**15, 1, 2])
    for beat in range(1, 8):  # the metastore's clock jumps about, the brokers' beats go on
        assert living(watch, [row(1, 10**6 - beat)], beat * BEAT_MS, next(store_times)) == [1]
    ahead = Watch()  # a heartbeat from the future is no longer life than any other
    for look in range(4):
        assert living(ahead, [row(1, 10**9)], look * BEAT_MS) == [1]
    assert living(ahead, [row(1, 10**9)], 4 * BEAT_MS) == []


def test_who_did_not_watch_declares_nobody_dead() -> None:
    watch = Watch()
    assert living(watch, [row(1, 5)], 0, store_ms=5) == [1]
    # Paused for an hour: the first look afterwards counts as little of it as of a late beat.
    assert living(watch, [row(1, 5)], 3_600_000) == [1]
    assert living(watch, [row(1, 5)], 3_600_000 + UNSEEN_MS_MAX) == [1]
    assert living(watch, [row(1, 5)], 3_600_000 + SILENT_MS_MAX) == []


def test_a_starting_broker_is_not_shown_and_a_new_epoch_is_life() -> None:
    watch = Watch()
    assert living(watch, [row(1, 0)], 0) == []
    assert living(watch, [row(1, 9)], 1, store_ms=9) == [1]
    for look in range(2, 10):
        still = living(watch, [row(1, 9)], look * UNSEEN_MS_MAX, store_ms=9)
    assert still == []
    assert living(watch, [row(1, 9, epoch=2)], 10_001, store_ms=9) == [1]
    assert living(watch, [], 10_002) == []


class Place:
    """A membership with its own connection to the metastore, and what it said."""

    def __init__(self, store: SqliteMetastore, me: BrokerRow, automatic: bool) -> None:
        self.store = store
        self.clock_ms = 1_000_000
        self.store_ahead_ms = 0  # of that clock, which is this broker's own
        self.company: dict[str, asyncio.Event] = {}  # set: the connection ended
        self.membership = Membership(
            store,
            me,
            automatic=automatic,
            store_now_ms=self._store_now_ms,
            monotonic_ms=lambda: self.clock_ms,
            beat_ms=10**9,  # tests beat by hand
            knock=self._knock,
            company=self._keep_company,
        )
        self.fenced = 0
        self.nobody_listens = False
        self.knocked: list[str] = []
        self.door = asyncio.Event()  # not set: who knocks is kept waiting
        self.door.set()
        self.expelled: list[str] = []
        self.changes = 0
        self.membership.on_fenced.append(self._fence)
        self.membership.on_expelled.append(self.expelled.append)
        self.membership.on_routes.append(self._change)

    async def _store_now_ms(self) -> int:
        return self.clock_ms + self.store_ahead_ms

    async def _keep_company(self, host: str, port: int) -> None:
        await self.company.setdefault(host, asyncio.Event()).wait()

    async def _knock(self, host: str, port: int) -> bool:
        self.knocked.append(host)
        await self.door.wait()
        return self.nobody_listens

    def _fence(self) -> None:
        self.fenced += 1

    def _change(self) -> None:
        self.changes += 1

    @property
    def sees(self) -> list[int]:
        return [one.broker_id for one in self.membership.routes.lane]

    async def beat(self, after_ms: int = BEAT_MS) -> None:
        self.clock_ms += after_ms
        await self.membership._beat()


@asynccontextmanager
async def places(path: Path, count: int, *, automatic: bool = False) -> AsyncIterator[list[Place]]:
    made: list[Place] = []
    try:
        for number in range(1, count + 1):
            store = SqliteMetastore.open(
                path / "metastore.db", now_ms=0, new_cluster_id=lambda: b"c" * 16
            )
            me = await store.register_broker(number, f"h{number}", 9092, 1_000_000)
            made.append(Place(store, me, automatic))
        for place in made:
            await place.membership.start()
        for place in made:
            await place.membership.look()
        yield made
    finally:
        for place in made:
            await place.membership._stop()
            place.store.close()


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_brokers_see_each_other_come_and_leave(tmp_path: Path) -> None:
    async with places(tmp_path, 3) as (first, second, third):
        assert first.sees == second.sees == third.sees == [1, 2, 3]
        await second.membership.leave()
        # The others are told by the metastore's change notice, not by a beat.
        await eventually(lambda: first.sees == third.sees == [1, 3])
        assert second.sees == [1, 3]
        assert [one.broker_id for one in await first.store.brokers()] == [1, 3]


async def test_brokers_tell_each_other_how_late_their_appends_are(tmp_path: Path) -> None:
    heard: list[Load] = []
    async with places(tmp_path, 3) as (first, second, third):
        third.membership.on_load.append(heard.append)
        first.membership._load = lambda: Load(180, 0)
        second.membership._load = lambda: Load(400, 5_000_000)
        await first.beat()
        await second.beat()
        await third.membership.look()
        # The second reads old data itself: its lateness is its own affair.
        assert heard[-1] == Load(180, 5_000_000)
        await third.beat()
        assert heard[-1] == Load(180, 5_000_000)  # its own beat is not among them
    assert load_of([]) == Load(0, 0)


async def test_a_broker_that_stopped_beating_is_passed_over(tmp_path: Path) -> None:
    async with places(tmp_path, 2) as (first, second):
        for _ in range(3):
            await first.beat()
            assert first.sees == [1, 2]
        assert set(first.knocked) == {"h2"}  # somebody listens there: it is given its time
        await first.beat()
        assert first.sees == [1] and first.membership.routes.alone
        # It was only slow: its next beat brings it back, under a new registration.
        epoch = second.membership.me.epoch
        await second.beat(SILENT_MS_MAX)
        assert second.fenced == 1 and second.membership.me.epoch > epoch
        assert second.membership.me.broker_id == 2
        await first.beat()
        assert first.sees == [1, 2]


async def test_a_missed_beat_and_a_closed_port_are_death(tmp_path: Path) -> None:
    async with places(tmp_path, 2) as (first, second):
        first.nobody_listens = True
        await first.beat()
        assert first.sees == [1, 2] and not first.knocked  # no beat is missing yet
        await first.beat()
        await eventually(lambda: first.sees == [1])
        assert first.knocked == ["h2"]
        await second.beat(1)
        await first.beat()
        assert first.sees == [1, 2]


async def test_a_connection_that_ends_and_a_closed_port_are_death(tmp_path: Path) -> None:
    """Without any beat being missed: a killed process is passed over at once."""
    async with places(tmp_path, 2) as (first, second):
        await eventually(lambda: "h2" in first.company and "h1" in second.company)
        first.company["h2"].set()
        await eventually(lambda: first.knocked == ["h2"])
        assert first.sees == [1, 2]  # somebody listens: it was only the connection
    path = tmp_path / "other"
    path.mkdir()
    async with places(path, 2) as (first, second):
        first.nobody_listens = True
        await eventually(lambda: "h2" in first.company)
        for _ in range(3):
            await second.beat()
            await first.beat()
        first.company["h2"].set()
        await eventually(lambda: first.sees == [1])
        del first.company["h2"]
        await second.beat(1)  # it was a restart of the network, not of the broker
        await first.beat(1)
        assert first.sees == [1, 2]
        await eventually(lambda: "h2" in first.company)


async def test_nothing_is_left_running_by_a_broker_that_leaves_just_after_a_death(
    tmp_path: Path,
) -> None:
    async with places(tmp_path, 2) as (first, _):
        await eventually(lambda: "h2" in first.company)
        first.nobody_listens = True
        first.company["h2"].set()
        await eventually(lambda: first.sees == [1])
        await first.membership.leave()
        left = [task.get_name() for task in asyncio.all_tasks()]
        assert "company of broker 2" not in left


async def test_who_asks_in_the_moment_of_a_death_is_told_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anabranch.broker.membership.KNOCK_S_MAX", 60.0)  # whoever asks waits
    async with places(tmp_path, 2) as (first, second):
        await eventually(lambda: "h2" in first.company)
        await first.membership.settle()  # nothing is in doubt: it goes on
        first.nobody_listens = True
        first.door.clear()
        asked = asyncio.create_task(first.membership.settle())
        first.company["h2"].set()
        await eventually(lambda: bool(first.knocked))
        assert not asked.done() and first.sees == [1, 2]
        first.door.set()
        await asked
        assert first.sees == [1]
        # Its address is still told for a while, so that clients leave it in peace.
        assert [row.broker_id for row in first.membership.departed] == [2]
        first.clock_ms += FAREWELL_MS
        assert first.membership.departed == []
        first.company["h2"].clear()  # and there it is again
        first.nobody_listens = False
        await second.beat(1)
        await first.beat(1)
        assert first.sees == [1, 2] and first.membership.departed == []


async def test_company_ends_with_the_connection() -> None:
    there: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda reader, writer: there.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    company = asyncio.create_task(keep_company("127.0.0.1", port))
    await eventually(lambda: bool(there))
    assert not company.done()
    there[0].transport.abort()
    await company
    server.close()
    await server.wait_closed()
    await keep_company("127.0.0.1", port)
    await keep_company("no such host.invalid", 1)


async def test_knocking_tells_a_closed_port_from_silence() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert not await nobody_listens("127.0.0.1", port)
    server.close()
    await server.wait_closed()
    assert await nobody_listens("127.0.0.1", port)
    assert not await nobody_listens("no such host.invalid", 1)


async def test_a_pause_is_noticed_by_who_was_paused(tmp_path: Path) -> None:
    async with places(tmp_path, 1) as (only,):
        await only.beat(SILENT_MS_MAX - 1)
        assert only.fenced == 0
        await only.beat(SILENT_MS_MAX)
        assert only.fenced == 1
        await only.beat()
        assert only.fenced == 1
        first = only.membership.me.wal_epoch
        assert first is not None and first < only.membership.me.epoch
        await only.beat(SILENT_MS_MAX)
        assert only.membership.me.wal_epoch == first, "it still writes the WAL of its start"


async def test_a_broker_that_was_removed_registers_anew(tmp_path: Path) -> None:
    async with places(tmp_path, 2) as (first, second):
        assert await first.store.remove_broker(2)
        await first.membership.look()
        assert first.sees == [1]
        await second.beat()
        assert second.fenced == 1 and not second.expelled
        await first.beat()
        assert first.sees == [1, 2]


async def test_a_broker_whose_number_was_taken_stops_or_takes_another(tmp_path: Path) -> None:
    async with places(tmp_path, 1) as (named,):
        taker = await named.store.register_broker(1, "elsewhere", 9092, named.clock_ms)
        await named.store.beat_broker(1, taker.epoch, named.clock_ms)
        await named.beat()
        assert named.expelled == ["a broker with node id 1 runs at elsewhere:9092"]
        assert await named.store.beat_broker(1, taker.epoch, named.clock_ms)  # it was left alone
    path = tmp_path / "other"
    path.mkdir()
    async with places(path, 1, automatic=True) as (any_number,):
        taker = await any_number.store.register_broker(1, "elsewhere", 9092, any_number.clock_ms)
        await any_number.store.beat_broker(1, taker.epoch, any_number.clock_ms)
        await any_number.beat()
        assert not any_number.expelled and any_number.membership.me.broker_id == 2
        await any_number.membership.look()
        assert any_number.sees == [1, 2]


@pytest.mark.parametrize("automatic", [True, False])
async def test_I1_a_broker_whose_wal_the_cluster_gave_up_stops(
    tmp_path: Path, automatic: bool
) -> None:
    """Also where its clock stood still with it, so that it does not know that it was silent."""
    async with places(tmp_path, 1, automatic=automatic) as (paused,):
        now_ms = paused.clock_ms + 60_000
        await paused.store.register_broker(2, "elsewhere", 9092, now_ms)
        assert await paused.store.replace_document(
            "place", "wal", b"{}", now_ms, expected=None, alone=Alone(2, 30_000, empty=True)
        )
        await paused.beat()
        assert paused.expelled == ["the cluster moved to another WAL while this broker was silent"]
        assert [row.broker_id for row in await paused.store.brokers()] == [2]


async def test_a_metastore_that_is_away_makes_nobody_dead(tmp_path: Path) -> None:
    async with places(tmp_path, 2) as (first, second):
        real = first.store.beat_broker

        async def away(*_: object, **__: object) -> bool:
            raise StoreFault("away")

        first.store.beat_broker = away  # type: ignore[method-assign,assignment]
        for _ in range(10):
            first.clock_ms += BEAT_MS
            try:
                await first.membership._beat()
            except StoreFault:
                pass
        assert first.sees == [1, 2]
        first.store.beat_broker = real  # type: ignore[method-assign]
        await first.beat()
        assert first.sees == [1, 2]  # it has to be silent while we look
        for _ in range(3):
            await first.beat()
        assert first.sees == [1]
        await second.beat()


async def test_foreign_changes_are_looked_at_but_not_every_one(tmp_path: Path) -> None:
    async with places(tmp_path, 2) as (first, second):
        looks = 0
        real = first.store.brokers

        async def counted() -> list[BrokerRow]:
            nonlocal looks
            looks += 1
            return await real()

        first.store.brokers = counted  # type: ignore[method-assign]
        begun_s = asyncio.get_running_loop().time()
        for number in range(30):
            await second.store.put_document("x", str(number), b"", 1)
        await eventually(lambda: looks > 0)
        await asyncio.sleep(0.1)
        spent_ms = (asyncio.get_running_loop().time() - begun_s) * 1000
        assert looks <= 2 + spent_ms / NOTICE_MS_MIN
