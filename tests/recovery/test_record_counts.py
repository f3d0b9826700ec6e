"""What the recovery plane calls records is what a reader gets: of logs with markers, aborted transactions, holes of
compaction and a start that was removed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from anabranch.log.reader import plan_splits, read_splits
from anabranch.metastore.api import OffsetAction, Topic
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.history.difference import Difference, difference
from anabranch.recovery.promises import runway, watch
from anabranch.recovery.promises.runway import PartitionRunway
from anabranch.recovery.promises.watch import GroupStanding

from .scene import ADMIN, T0, Scene, scene
from .test_duplicates import in_transactions
from .test_watch import Stand

HOUR_MS = 3_600_000


class Crooked:
    """A log in which most offsets are no records: ``there`` are those that are."""

    def __init__(self, stage: Scene, topic: Topic) -> None:
        self.stage = stage
        self.topic = topic
        self.there: list[int] = []

    @classmethod
    async def of(cls, stage: Scene) -> Crooked:
        log = stage.log
        topic = await log.create_topic(
            "paid", 1, {"cleanup.policy": "compact,delete", "retention.ms": "-1"}
        )
        made = cls(stage, topic)
        await made.keyed(30)
        await in_transactions(stage, topic, 24)
        await log.merger.merge_backlog(topic, 0)
        assert log.background is not None
        await log.background.compactor.compact(topic, 0)
        await made.keyed(7)
        await log.merger.merge_backlog(topic, 0)
        await in_transactions(stage, topic, 10)
        await log.delete_records(topic, 0, 25)
        await made.look()
        assert made.start == 25 and 0 < len(made.there) < made.end - made.start - 20
        assert made.there[-1] < made.end - 2, "it ends with an aborted transaction, or a marker"
        return made

    async def keyed(self, records: int) -> None:
        """Records of keys that come again and again."""
        for number in range(records):
            record = Record(0, T0 + number, b"%d" % (number % 11), b"v", ())
            batch = memoryview(bytearray(build_batch([record])))
            await self.stage.log.append(self.topic, 0, batch)

    async def look(self) -> None:
        self.there = []
        for batch in read_splits(await plan_splits(self.stage.log, self.topic)):
            self.there += batch.column("offset").to_pylist()

    @property
    def start(self) -> int:
        return self.stage.log.partition(self.topic, 0).log_start

    @property
    def end(self) -> int:
        return self.stage.log.partition(self.topic, 0).next_offset

    def between(self, first: int, end: int) -> int:
        return sum(first <= offset < end for offset in self.there)


@pytest.fixture
def crooked(tmp_path: Path) -> Callable[[Callable[[Crooked], Coroutine[Any, Any, None]]], None]:
    def run(story: Callable[[Crooked], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            async with scene(tmp_path / "data", compacts=True) as stage:
                await story(await Crooked.of(stage))

        asyncio.run(main())

    return run


@contextmanager
def nothing_read() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BYTES", "INDEXES", "EXTENTS"):
            patch.setattr(f"anabranch.recovery.observe.COUNTED_{name}_MAX", 0)
        yield


def test_a_runway_counts_records_from_every_position(crooked: Any) -> None:
    async def story(log: Crooked) -> None:
        meta, now_ms = log.stage.metastore, log.stage.log.now_ms()

        async def ways(**how: Any) -> PartitionRunway:
            (one,) = await runway.runways(
                meta, now_ms=now_ms + 1000, extents=log.stage.log.extents, **how
            )
            return one

        before = log.start
        await log.stage.commit("g", log.topic, {0: before}, now_ms - 2 * HOUR_MS)
        for place, position in enumerate(range(log.start + 1, log.end + 1)):
            at_ms = now_ms - HOUR_MS + 2000 + place
            await log.stage.commit("g", log.topic, {0: position}, at_ms)
            one = await ways()
            left = log.between(position, log.end)
            assert (one.lag.records, one.lag_at_most) == (left, False)
            assert one.lag_offsets == log.end - position
            assert one.reads_per_s == pytest.approx(log.between(before, position) / 3600)
            assert one.appends_per_s * 3600 == pytest.approx(log.between(log.start, log.end))
            assert (one.lag_ms > 0) == (left > 0), "markers are nothing to wait for"
            with nothing_read():
                bound = await ways()
                assert left <= bound.lag.records <= log.end - position
                assert bound.lag_at_most == (position < log.end)
                assert await ways(exact=True) == one

    crooked(story)


def test_lag_metrics_count_records_from_every_position(
    crooked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(log: Crooked) -> None:
        stand = Stand(log.stage)
        await log.stage.log.catalogue.reload()

        async def standing(position: int) -> GroupStanding:
            await log.stage.commit("g", log.topic, {0: position}, stand.now_ms)
            stand.now_ms += 60_000
            await stand.watch.look()
            (one,) = stand.watch.groups.values()
            return one

        for position in range(log.start, log.end + 1):
            one, left = await standing(position), log.between(position, log.end)
            assert (one.lag, one.at_most) == (left, False)
            assert one.lag_offsets == log.end - position
            assert (one.lag_ms > 0) == (left > 0)
        for name in ("bytes", "indexes", "extents"):  # I10: what a pass may not read is a bound
            with monkeypatch.context() as patch:
                patch.setattr(watch, "COUNTED", replace(watch.COUNTED, **{name: 0}))
                one = await standing(log.start)
                left = log.between(log.start, log.end)
                assert left <= one.lag <= one.lag_offsets == log.end - log.start
                assert one.at_most == (name != "indexes"), "short segments have no use for one"
        with monkeypatch.context() as patch:  # one partition leaves the others their share
            patch.setattr(watch, "COUNTED_EACH", replace(watch.COUNTED_EACH, extents=6))
            assert (await standing(log.start)).at_most
            assert not (await standing(log.there[-1])).at_most
        behind = await standing(log.start - 5)
        assert behind.runway_ms == 0 and behind.lag == left

    crooked(story)


def test_what_lies_between_two_positions_is_counted(crooked: Any) -> None:
    async def story(log: Crooked) -> None:
        stage, topic = log.stage, log.topic
        moves = [log.start, 40, 31, log.end - 1, 60, log.end, 10]
        for n, offset in enumerate(moves):
            await stage.commit(
                "g", topic, {0: offset}, T0 + n, action=OffsetAction.RESET, actor=ADMIN
            )

        async def between(from_ms: int, **how: Any) -> Difference:
            return await difference(stage.metastore, "g", from_ms=from_ms, to_ms=T0 + 99, **how)

        found = await between(T0, extents=stage.log.extents)
        gone = log.start - 10
        expected: list[tuple[str, int | None, bool]] = [
            (
                "rewind" if new < old else "jump",
                log.between(min(old, new), max(old, new)) + max(0, log.start - new),
                new < log.start,
            )
            for old, new in pairwise(moves)
        ]
        assert [(t.kind, t.records, t.at_most) for t in found.turns] == expected[::-1]
        (one,) = found.partitions
        assert (one.moved, one.records, one.at_most) == (-gone, gone, True), "they are gone"
        blind = await between(T0)
        for turn, known in zip(blind.turns, found.turns, strict=True):
            assert turn.records is not None and known.records is not None
            assert turn.at_most and turn.records >= known.records
        (first,) = (await between(T0 - 1)).turns[-1:]
        assert (first.kind, first.records, first.at_most) == ("first", None, False)
        await stage.log.delete_topic(topic)
        (lost,) = (await between(T0, extents=stage.log.extents)).partitions
        assert (lost.new, lost.records, lost.at_most) == (10, gone, True)

    crooked(story)


def test_who_crosses_what_compaction_removed_does_not_jump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anabranch.recovery.history.difference.JUMP_RECORDS_MIN", 20)

    async def story(stage: Scene) -> None:
        log = stage.log
        topic = await log.create_topic("t", 1, {"cleanup.policy": "compact"})
        made = Crooked(stage, topic)
        await made.keyed(200)
        await log.merger.merge_backlog(topic, 0)
        assert log.background is not None
        await log.background.compactor.compact(topic, 0)
        await stage.produce(topic, 0, 300)  # is not compacted yet
        await made.look()
        # Over the hole in one step, then on by two records, and past eighty.
        steps = [0, made.there[0] + 1, *(200 + 2 * n for n in range(1, 10)), 300]
        for n, offset in enumerate(steps):
            await stage.commit("g", topic, {0: offset}, T0 + n)

        async def jumps(**how: Any) -> list[tuple[int | None, int | None]]:
            found = await difference(stage.metastore, "g", from_ms=T0, to_ms=T0 + 99, **how)
            return [(turn.change.new, turn.records) for turn in found.turns]

        assert await jumps(extents=log.extents) == [(300, 82)]
        assert [new for new, _ in await jumps()] == [300, 190], "by offsets alone both are far"

    async def main() -> None:
        async with scene(tmp_path / "data", compacts=True) as stage:
            await story(stage)

    asyncio.run(main())
