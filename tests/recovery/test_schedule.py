"""Points on a schedule."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.capture import points, schedule
from anabranch.recovery.capture.capturing import Wish
from anabranch.recovery.capture.schedule import Schedule, Told
from anabranch.recovery.promises import holds
from tests.recovery.checkpoints.support import copied

from .scene import T0, Scene


async def allow(topics: Sequence[str], group: str | None) -> None:
    del topics, group


def wanted(keep: int = 3, **wish: Any) -> Schedule:
    wish.setdefault("name", "nightly")
    return schedule.schedule(Wish(**wish), "10m", keep)


class Turns:
    def __init__(self, stage: Scene) -> None:
        self.stage, self._clock = stage, itertools.count(T0 + 1000, 60_000)

    async def __call__(self, item: Schedule) -> Told:
        return await schedule.turn(
            self.stage.log,
            item,
            now_ms=lambda: next(self._clock),
            token=lambda: "aaaa",
            allow=allow,
        )


def test_I10_the_newest_are_kept_and_the_same_is_not_taken_twice(play: Any) -> None:
    async def story(stage: Scene) -> None:
        turn, item = Turns(stage), wanted(group="view")
        topic = await stage.topic("flights")
        by_hand = await stage.metastore.topics()
        assert by_hand
        made = []
        for offset in (10, 20, 30, 40, 50):
            await stage.commit("view", topic, {0: offset}, T0 + offset)
            told = await turn(item)
            assert told.point is not None
            made.append(told.point.id)
            assert (await turn(item)).point is None, "nothing has changed"
        kept = await schedule.scheduled(stage.metastore, "nightly")
        assert [point.id for point in kept] == made[2:]
        assert [point.positions[0].offset for point in kept] == [30, 40, 50]
        assert all(point.schedule == "nightly" for point in kept)
        assert told.removed == (made[1],)

    play(story)


def test_points_of_people_other_schedules_and_holds_stay(play: Any) -> None:
    async def story(stage: Scene) -> None:
        turn, item = Turns(stage), wanted(keep=1, group="view")
        topic = await stage.topic("flights")
        await stage.commit("view", topic, {0: 10}, T0)
        hand = await points.capture(
            stage.metastore, token="hand", name="nightly", now_ms=T0, group="view"
        )
        other = (await turn(wanted(keep=1, name="hourly", group="view"))).point
        first = (await turn(item)).point
        assert other is not None and first is not None
        await holds.create(
            stage.metastore, "h", owner="o", reason="", now_ms=T0, lasts_ms=10**9, point=first
        )
        ids = []
        for offset in (20, 30, 40):
            await stage.commit("view", topic, {0: offset}, T0)
            told = await turn(item)
            assert told.point is not None
            ids.append(told.point.id)
        assert {point.id for point in await points.stored(stage.metastore)} == {
            hand.id,
            other.id,
            first.id,
            ids[-1],
        }

    play(story)


def test_copies_go_with_their_points(play: Any, tmp_path: Path) -> None:
    import pickle
    import sqlite3
    from contextlib import closing

    store, copies = copied("bytewax", tmp_path), tmp_path / "copies"

    async def story(stage: Scene) -> None:
        turn = Turns(stage)
        await stage.topic("bytewax-a", partitions=2)
        item = wanted(keep=2, origin=f"bytewax:{store}", copy_to=copies)
        told = await turn(item)
        assert "bytewax-b” is not in this cluster" in told.error
        assert list(copies.iterdir()) == [], "nothing is left of a capture that failed"
        await stage.topic("bytewax-b", partitions=1)
        ids = []
        for offset in (31, 32, 33):
            with closing(sqlite3.connect(store / "part-0.sqlite3")) as connection, connection:
                connection.execute("UPDATE snaps SET ser_change = ?", (pickle.dumps(offset),))
            point = (await turn(item)).point
            assert point is not None
            ids.append(point.id)
            assert (await turn(item)).point is None
        assert sorted(file.name for file in copies.iterdir()) == ids[1:]
        assert points.examine_checkpoints(point) == []

    play(story)


def test_it_survives_what_goes_wrong_and_stops_when_asked(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Scene) -> None:
        topic = await stage.topic("flights")
        stop, told, faults = (
            asyncio.Event(),
            list[Told](),
            [StoreFault("no disk"), OSError(5, "bad")],
        )

        async def tell(one: Told) -> None:
            told.append(one)
            if len(told) == 5:
                stop.set()

        honest = points.stored

        async def stored(metastore: Any) -> Any:
            if faults:
                raise faults.pop(0)
            if len(told) == 3:
                await stage.commit("view", topic, {0: 10}, T0)
            return await honest(metastore)

        monkeypatch.setattr(points, "stored", stored)
        item = Schedule(wish=wanted(group="view").wish, every_ms=1, keep=3)
        tokens = itertools.count()
        await schedule.run(
            stage.log, [item], now_ms=lambda: T0 + 1000, token=lambda: f"{next(tokens):04}",
            allow=allow, tell=tell, stop=stop,
        )  # fmt: skip
        assert [bool(one.error) for one in told[:5]] == [True, True, True, False, False]
        assert "no disk" in told[0].error and "committed offsets" in told[2].error
        assert told[3].point is not None and told[4].point is None

    play(story)


def test_a_capture_that_hangs_is_given_up(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(stage: Scene) -> None:
        async def hang(*_: Any, **__: Any) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr(schedule, "take", hang)
        monkeypatch.setattr(schedule, "CAPTURE_SECONDS_MAX", 0.01)
        assert "no point within" in (await Turns(stage)(wanted(group="view"))).error

    play(story)


GOOD = """
[listener]
port = 9092

[points.orders]
from = "flink:/ckpt"
group = "orders"
every = "10m"
keep = 20
uids = ["orders"]
offsets = { "orders:2" = 7 }

[points.view]
group = "view"
every = "1h 30m"
keep = 5
"""


def test_schedules_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "anabranch.toml"
    file.write_text(GOOD)
    orders, view = schedule.load(file)
    assert (orders.wish.name, orders.wish.schedule, orders.every_ms, orders.keep) == (
        "orders", "orders", 600_000, 20,
    )  # fmt: skip
    assert orders.wish.given == {("orders", 2): 7} and orders.wish.uids == ("orders",)
    assert view.every_ms == 5_400_000 and view.wish.group == "view"
    from anabranch.broker.config import load_settings

    assert load_settings(file, {"data": "d"}).points.keys() == {"orders", "view"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"no table \[points"),
        ("[points", "anabranch.toml"),
        ('[points.x]\nevery="1m"', r"\[points.x\]: .*keep"),
        ('[points.x]\nevery="1m"\nkeep=1\nevry=2', "unknown field `evry`"),
        ('[points.x]\nevery="1m"\nkeep=0\ngroup="g"', "keep between 1"),
        ('[points.x]\nevery="1ms"\nkeep=1\ngroup="g"', "not a duration|once a second"),
        ('[points.x]\nevery="0s"\nkeep=1\ngroup="g"', "once a second"),
        ('[points.x]\nevery="1m"\nkeep=1', "needs a group"),
        ('[points.x]\nevery="1m"\nkeep=1\ngroup="g"\noffsets={"a"=1}', "not TOPIC:PARTITION"),
        ("points = 3", r"no table \[points"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "anabranch.toml"
    file.write_text(text)
    with pytest.raises(UserFault, match=sentence):
        schedule.load(file)
    with pytest.raises(UserFault, match="no file"):
        schedule.load(tmp_path / "absent")
