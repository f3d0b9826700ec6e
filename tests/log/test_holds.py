"""Holds: what retention, compaction and deletion must leave, until they end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from anabranch.errors import ClientFault, ErrorCode, Outdated
from anabranch.log import holds
from anabranch.log.config import effective
from anabranch.log.holds import Floors, Hold, HoldFloor, HoldState
from anabranch.metastore.api import ALL_SHARDS, Actor, Committed, OffsetAction, Topic
from anabranch.recovery.promises import holds as recovery_holds
from tests.log.conftest import Bench

DAY_MS = 86_400_000
SOMEBODY = Actor("User:ana", "app", "/10.0.0.7")


def hold(topic: Topic, offset: int, now_ms: int, **more: object) -> Hold:
    floor = HoldFloor(topic.id.hex(), topic.name, 0, offset)
    values = {"name": "h", "owner": "ana", "reason": "v42", "created_ms": now_ms}
    values |= {"expires_ms": now_ms + DAY_MS, "floors": (floor,)} | more
    return Hold(**values)  # type: ignore[arg-type]


async def filled(bench: Bench, records: int = 6, **configs: str) -> Topic:
    topic = await bench.log.create_topic("t", 1, {"retention.ms": "1000"} | configs)
    for number in range(records):
        await bench.append(topic, 0, [b"%d" % number])
    bench.clock.ms += 10_000
    await bench.append(topic, 0, [b"young"])
    return topic


async def retained(bench: Bench, topic: Topic) -> int:
    assert bench.log.background is not None
    await bench.log.background.retain()
    return bench.log.partition(topic, 0).log_start


def test_retention_leaves_what_is_held_until_it_ends(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench)
        held = hold(topic, 2, bench.clock())
        await holds.save(bench.log.metastore, held, bench.clock())
        assert await retained(bench, topic) == 2
        assert await retained(bench, topic) == 2
        bench.clock.ms += DAY_MS
        await bench.append(topic, 0, [b"younger"])
        assert held.state(bench.clock()) is HoldState.EXPIRED
        assert await retained(bench, topic) == 7

    run(scenario)


def test_the_lowest_of_several_counts_and_a_released_one_does_not(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench)
        low, high = hold(topic, 1, bench.clock()), hold(topic, 4, bench.clock(), name="i")
        for one in (low, high):
            await holds.save(bench.log.metastore, one, bench.clock())
        assert await retained(bench, topic) == 1
        released = replace(low, ended=HoldState.RELEASED, ended_ms=bench.clock())
        await holds.save(bench.log.metastore, released, bench.clock())
        assert await retained(bench, topic) == 4

    run(scenario)


def test_a_groups_hold_follows_the_group(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench)
        metastore = bench.log.metastore

        async def commit(offset: int) -> None:
            rows = [Committed(topic.no, 0, offset, 0, "", bench.clock())]
            await metastore.commit_offsets("g", rows, OffsetAction.COMMIT, SOMEBODY, bench.clock())

        await commit(1)
        held = hold(topic, 1, bench.clock(), group="g")
        await holds.save(metastore, held, bench.clock())
        assert await retained(bench, topic) == 1
        await commit(3)
        assert await retained(bench, topic) == 3
        # A group that forgot its offsets is held where it stood when the hold was made.
        await metastore.delete_group("g", SOMEBODY, bench.clock())
        (one,) = await holds.load(metastore)
        assert one.floors[0].offset == 1

    run(scenario)


def test_what_would_break_a_hold_is_refused_with_what_it_would_break(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench, **{"retention.ms": str(7 * DAY_MS)})
        await holds.save(bench.log.metastore, hold(topic, 2, bench.clock()), bench.clock())
        longer = {"retention.ms": str(8 * DAY_MS)}
        topic = await bench.log.set_configs(topic, longer)
        for shorter in (
            {"retention.ms": "5"},
            {},
            {**longer, "retention.bytes": "9"},
            {**longer, "cleanup.policy": "compact"},
        ):
            with pytest.raises(
                ClientFault, match=r"hold h of ana .v42. needs partition 0 from offset 2"
            ) as bad:
                await bench.log.set_configs(topic, shorter)
            assert bad.value.code == ErrorCode.POLICY_VIOLATION
        with pytest.raises(ClientFault, match="hold h"):
            await bench.log.delete_records(topic, 0, 3)
        with pytest.raises(ClientFault, match="hold h"):
            await bench.log.delete_topic(topic)
        assert await bench.log.delete_records(topic, 0, 2) == 2
        await bench.log.metastore.delete_document(holds.KIND, "h")
        await bench.log.set_configs(topic, {"retention.ms": "5"})
        await bench.log.delete_topic(topic)

    run(scenario)


def test_a_hold_over_its_budget_ends_loudly(run, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench)
        metastore = bench.log.metastore
        (first, *_) = await metastore.extents_from(topic.no, 0, 0, 1)
        kept = 4 * first.length  # offsets 2 to 5 are past retention
        fits = hold(topic, 2, bench.clock(), budget_bytes=kept)
        await holds.save(metastore, fits, bench.clock())
        assert await holds.kept_bytes(metastore, fits, bench.clock()) == kept
        assert await holds.enforce_budgets(metastore, bench.clock()) == []
        tight = replace(fits, budget_bytes=kept - 1)
        await holds.save(metastore, tight, bench.clock())
        (ended,) = await holds.enforce_budgets(metastore, bench.clock())
        assert ended.state(bench.clock()) is HoldState.OVER_BUDGET
        assert "hold h of ana keeps" in caplog.text
        assert bench.log.background is not None
        await bench.log.background.count()
        assert bench.log.background.holds == {HoldState.OVER_BUDGET: 1}
        assert await retained(bench, topic) == 6

    run(scenario)


def test_a_held_partition_is_not_compacted(run) -> None:
    async def scenario(bench: Bench) -> None:
        configs = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0"}
        topic = await bench.log.create_topic("t", 1, configs)
        for number in range(6):
            await bench.append(topic, 0, [b"%d" % number])
        await bench.log.merger.merge_backlog(topic, 0)
        await holds.save(bench.log.metastore, hold(topic, 2, bench.clock()), bench.clock())
        assert bench.log.background is not None
        compactor = bench.log.background.compactor
        bench.clock.ms += 10_000
        assert await compactor.run_once(ALL_SHARDS) == 0
        await bench.log.metastore.delete_document(holds.KIND, "h")
        assert await compactor.run_once(ALL_SHARDS) == 1

    run(scenario)


# -- a hold that is made a moment before something goes by what was held before it -------------------------


def made_just_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, verb: str, made: Hold
) -> list[str]:
    """The hold is written, and its maker sees that nothing is gone, when ``verb`` is about to run."""
    run_verb = getattr(bench.log.metastore, verb)
    done: list[str] = []

    async def late(*words: Any, **more: Any) -> Any:
        if not done:
            done.append(verb)
            status = await recovery_holds.describe(bench.log.metastore, made, bench.clock())
            assert status.keeps_its_promise
            await holds.save(bench.log.metastore, made, bench.clock())
        return await run_verb(*words, **more)

    monkeypatch.setattr(bench.log.metastore, verb, late)
    return done


def test_I3_retention_does_not_take_what_was_held_a_moment_before(run, monkeypatch) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench)
        made = hold(topic, 2, bench.clock())
        done = made_just_before(bench, monkeypatch, "advance_log_start", made)
        assert await retained(bench, topic) == 0 and done
        assert await retained(bench, topic) == 2, "the next pass goes as far as it may"

    run(scenario)


def test_I3_nobody_deletes_what_was_held_a_moment_before(run, monkeypatch) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench)
        made = hold(topic, 2, bench.clock())
        done = made_just_before(bench, monkeypatch, "advance_log_start", made)
        with pytest.raises(ClientFault, match="hold h of ana"):
            await bench.log.delete_records(topic, 0, 3)
        assert done and bench.log.partition(topic, 0).log_start == 0
        assert await bench.log.delete_records(topic, 0, 2) == 2
        monkeypatch.undo()
        await bench.log.metastore.delete_document(holds.KIND, "h")
        done = made_just_before(bench, monkeypatch, "delete_topic", made)
        with pytest.raises(ClientFault, match="deleting the topic would break"):
            await bench.log.delete_topic(topic)
        assert done and bench.log.catalogue.topic("t") is not None

    run(scenario)


def test_I3_what_was_held_a_moment_before_is_not_compacted(run, monkeypatch) -> None:
    async def scenario(bench: Bench) -> None:
        configs = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0"}
        topic = await bench.log.create_topic("t", 1, configs)
        for number in range(6):
            await bench.append(topic, 0, [b"%d" % number])
        await bench.log.merger.merge_backlog(topic, 0)
        bench.clock.ms += 10_000
        before = await bench.values(topic, 0)
        made = hold(topic, 2, bench.clock())
        done = made_just_before(bench, monkeypatch, "replace_many", made)
        assert bench.log.background is not None
        compactor = bench.log.background.compactor
        assert await compactor.run_once(ALL_SHARDS) == 0 and done
        assert await bench.values(topic, 0) == before
        await bench.log.metastore.delete_document(holds.KIND, "h")
        assert await compactor.run_once(ALL_SHARDS) == 1

    run(scenario)


def test_I10_a_removal_beside_holds_that_go_on_changing_gives_up(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench)
        decided = 0

        async def change(held: Floors) -> None:
            nonlocal decided
            decided += 1
            another = hold(topic, 2, bench.clock(), name=f"h{decided}")
            await holds.save(bench.log.metastore, another, bench.clock())
            await bench.log.metastore.delete_topic(topic.no, 1, guard=held.guard)

        with pytest.raises(Outdated, match="try again"):
            await holds.remove(bench.log.metastore, bench.clock, change)
        assert decided == holds.DECISIONS_MAX

    run(scenario)


_MS = st.sampled_from((-1, 0, 5, 10))


@given(old_ms=_MS, new_ms=_MS, old_bytes=_MS, new_bytes=_MS)
def test_what_shortens(old_ms: int, new_ms: int, old_bytes: int, new_bytes: int) -> None:
    old = effective({"retention.ms": str(old_ms), "retention.bytes": str(old_bytes)})
    new = effective({"retention.ms": str(new_ms), "retention.bytes": str(new_bytes)})

    def less(a: int, b: int) -> bool:
        return (float("inf") if a < 0 else a) < (float("inf") if b < 0 else b)

    assert holds.shortens(old, new) == (less(new_ms, old_ms) or less(new_bytes, old_bytes))


def test_a_topic_made_anew_under_a_held_name_is_not_held() -> None:
    floors = Floors(
        [
            Hold(
                name="h", owner="a", reason="", created_ms=0, expires_ms=10,
                floors=(HoldFloor(bytes(16).hex(), "t", 0, 5),),
            )
        ],
        now_ms=9,
    )  # fmt: skip
    assert (floors.of(bytes(16), 0), floors.of(bytes(16), 1), floors.of(b"x" * 16, 0)) == (
        5,
        None,
        None,
    )
    assert floors.holders(bytes(16), [0], below=5) == []
    assert [one.name for one in floors.holders(bytes(16), [0], below=6)] == ["h"]
