"""The coordinator's shell around consumer groups: what is stored, protocols that change, takeovers."""

from __future__ import annotations

import asyncio
from typing import Any

from test_group_coordinator import ACTOR, Bench, join, run, sync

from anabranch.errors import ErrorCode
from anabranch.groups.consumer import ConsumerGroup
from anabranch.groups.consumer_base import PATTERNS_MAX
from anabranch.groups.consumer_values import BeatCall, BeatResult
from anabranch.groups.stored import stored_members
from anabranch.groups.topics import FixedTopics, TopicShape

T = b"t" * 16


def a_bench(**settings: Any) -> Bench:
    bench = Bench(**settings)
    bench.topics = FixedTopics({"t": TopicShape(T, 4)})
    bench.groups = bench.coordinator()
    return bench


def joining(member: str, **more: Any) -> BeatCall:
    return BeatCall(
        member, 0, "c", "h", rebalance_timeout_ms=9000, topic_names=("t",), owned={}, **more
    )


def beating(told: BeatResult, *owned: int, **more: Any) -> BeatCall:
    has = {T: frozenset(owned)} if owned else None
    return BeatCall(told.member_id, told.member_epoch, "c", "h", owned=has, **more)


def partitions(told: BeatResult) -> list[int]:
    return sorted(p for of in (told.assignment or {}).values() for p in of)


def saves(bench: Bench) -> int:
    return sum(line[0] == "save" for line in bench.store.log)


def test_I10_a_heartbeat_without_change_stores_nothing() -> None:
    async def scenario() -> None:
        bench = a_bench()
        told = await bench.groups.beat("g", joining("a"))
        assert (told.error, partitions(told)) == (ErrorCode.NONE, [0, 1, 2, 3])
        stored, reads = saves(bench), bench.store.reads
        for _ in range(100):
            assert (await bench.groups.beat("g", beating(told))).error is ErrorCode.NONE
        assert (saves(bench), bench.store.reads) == (stored, reads)

    run(scenario)()


def test_nothing_is_told_before_it_is_stored() -> None:
    async def scenario() -> None:
        bench = a_bench()
        first = await bench.groups.beat("g", joining("a"))
        bench.store.open.clear()
        waiting = asyncio.ensure_future(bench.groups.beat("g", joining("b")))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        bench.store.broken = True
        bench.store.open.set()
        refused = await waiting
        assert refused.error is ErrorCode.COORDINATOR_NOT_AVAILABLE
        bench.store.broken = False
        # What was not stored did not happen.
        again = await bench.groups.beat("g", beating(first))
        assert (again.error, again.member_epoch) == (ErrorCode.NONE, first.member_epoch)

    run(scenario)()


def test_I4_a_takeover_keeps_epochs_and_stores_only_what_changed() -> None:
    async def scenario() -> None:
        bench = a_bench()
        told = {}
        for name in "abcd":
            told[name] = await bench.groups.beat("g", joining(name))
        has: dict[str, list[int]] = {name: partitions(one) for name, one in told.items()}
        for _ in range(3):
            for name in told:
                answer = await bench.groups.beat("g", beating(told[name], *has[name]))
                assert answer.error is ErrorCode.NONE
                if answer.assignment is not None:
                    has[name] = partitions(answer)
                told[name] = answer
        assert sorted(p for of in has.values() for p in of) == [0, 1, 2, 3]
        stored = saves(bench)
        await bench.restart()
        for name in told:
            answer = await bench.groups.beat("g", beating(told[name]))
            assert (answer.error, answer.assignment) == (ErrorCode.NONE, None)
            assert answer.member_epoch == told[name].member_epoch
        assert saves(bench) <= stored + 1, "the group's state, once all are at rest"
        (listing,) = await bench.groups.list_groups()
        assert (listing.state, listing.group_type) == ("Stable", "consumer")

    run(scenario)()


def test_two_brokers_that_both_believe_to_own_a_group() -> None:
    async def scenario() -> None:
        bench = a_bench()
        first = await bench.groups.beat("g", joining("a"))
        other = bench.coordinator()
        await other.start()
        second = await other.beat("g", joining("b"))
        assert second.error is ErrorCode.NONE
        late = await bench.groups.beat("g", joining("c"))
        assert late.error is ErrorCode.NOT_COORDINATOR
        assert (await other.beat("g", beating(first, 0, 1, 2, 3))).error is ErrorCode.NONE
        (group,) = await other.describe_consumer_groups(["g"])
        assert {member.member_id for member in group.members} == {"a", "b"}

    run(scenario)()


def test_a_group_changes_its_protocol_with_its_members() -> None:
    async def scenario() -> None:
        bench = a_bench()
        classic = await bench.member("g")
        told = await bench.groups.beat("g", joining("a"))
        assert told.error is ErrorCode.NONE
        assert told.member_epoch > classic.generation
        assert bench.store.rows["g"].kind == "consumer"
        assert set(bench.store.members["g"]) == {"a", classic.member_id}
        beat = await bench.groups.heartbeat("g", classic.member_id, None, classic.generation)
        assert beat is ErrorCode.REBALANCE_IN_PROGRESS
        rejoined = await bench.groups.join("g", join(classic.member_id))
        assert (rejoined.error, rejoined.members) == (ErrorCode.NONE, ())
        synced = await bench.groups.sync("g", sync(rejoined, {}))
        assert synced.error is ErrorCode.NONE
        # The last of the consumer protocol leaves.
        left = await bench.groups.beat("g", BeatCall("a", -1, "c", "h"))
        assert left.error is ErrorCode.NONE
        assert (bench.store.rows["g"].kind, bench.store.members["g"]) == ("classic", {})
        beat = await bench.groups.heartbeat("g", rejoined.member_id, None, rejoined.generation)
        assert beat is ErrorCode.REBALANCE_IN_PROGRESS
        again = await bench.groups.join("g", join(rejoined.member_id))
        assert (again.error, len(again.members)) == (ErrorCode.NONE, 1)
        assert again.generation > rejoined.generation
        (listing,) = await bench.groups.list_groups(types=["classic"])
        assert listing.group_id == "g"

    run(scenario)()


def test_a_waiting_member_is_sent_to_join_again_by_an_upgrade() -> None:
    async def scenario() -> None:
        bench = a_bench()
        first = await bench.member("g")
        asked = await bench.groups.join("g", join())
        waiting = asyncio.ensure_future(bench.groups.join("g", join(asked.member_id)))
        await asyncio.sleep(0)
        told = await bench.groups.beat("g", joining("a"))
        assert told.error is ErrorCode.NONE
        assert (await waiting).error is ErrorCode.REBALANCE_IN_PROGRESS
        (group,) = await bench.groups.describe_consumer_groups(["g"])
        assert {m.member_id for m in group.members} == {"a", first.member_id}
        again = await bench.groups.join("g", join(asked.member_id))
        assert again.error is ErrorCode.NONE

    run(scenario)()


def test_an_empty_group_belongs_to_whoever_comes_next() -> None:
    async def scenario() -> None:
        bench = a_bench()
        told = await bench.groups.beat("g", joining("a"))
        await bench.groups.beat("g", BeatCall("a", -1, "c", "h"))
        assert not bench.groups._keeper.groups
        classic = await bench.member("g")
        assert classic.generation > told.member_epoch
        assert bench.store.rows["g"].kind == "classic"
        await bench.groups.leave("g", [])
        assert (await bench.groups.delete(["g"], ACTOR))[0] is ErrorCode.NON_EMPTY_GROUP

    run(scenario)()


def test_migration_can_be_turned_off() -> None:
    async def scenario() -> None:
        from anabranch.groups.settings import MigrationPolicy

        bench = a_bench(migration=MigrationPolicy.DISABLED)
        await bench.member("g")
        refused = await bench.groups.beat("g", joining("a"))
        assert refused.error is ErrorCode.GROUP_ID_NOT_FOUND
        off = a_bench(consumer_protocol=False)
        refused = await off.groups.beat("g", joining("a"))
        assert refused.error is ErrorCode.UNSUPPORTED_VERSION

    run(scenario)()


def test_I10_members_and_subscriptions_are_bounded() -> None:
    async def scenario() -> None:
        bench = a_bench(members_max=2, member_metadata_bytes_max=100, group_bytes_max=120)
        for name in "ab":
            assert (await bench.groups.beat("g", joining(name))).error is ErrorCode.NONE
        full = await bench.groups.beat("g", joining("c"))
        assert full.error is ErrorCode.GROUP_MAX_SIZE_REACHED
        large = BeatCall(
            "a", 0, "c", "h", rebalance_timeout_ms=9, topic_names=("x" * 101,), owned={}
        )
        assert (await bench.groups.beat("h", large)).error is ErrorCode.INVALID_REQUEST
        assert "h" not in bench.groups._keeper.groups
        medium = BeatCall(
            "a", 0, "c", "h", rebalance_timeout_ms=9, topic_names=("x" * 90,), owned={}
        )
        assert (await bench.groups.beat("g", medium)).error is ErrorCode.NONE
        other = BeatCall(
            "b", 0, "c", "h", rebalance_timeout_ms=9, topic_names=("y" * 90,), owned={}
        )
        assert (await bench.groups.beat("g", other)).error is ErrorCode.GROUP_MAX_SIZE_REACHED

    run(scenario)()


def test_a_group_that_cannot_be_read_is_not_served() -> None:
    async def scenario() -> None:
        bench = a_bench()
        told = await bench.groups.beat("g", joining("a"))
        await bench.groups.close()
        bench.store.members["g"]["a"] = b"junk"
        bench.groups = bench.coordinator()
        await bench.groups.start()
        answer = await bench.groups.beat("g", beating(told))
        assert answer.error is ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert not isinstance(bench.groups._keeper.groups.get("g"), ConsumerGroup)

    run(scenario)()


def test_I10_patterns_of_a_group_are_bounded() -> None:
    async def scenario() -> None:
        bench = a_bench()

        def by_pattern(number: int) -> BeatCall:
            return BeatCall(
                f"m{number}",
                0,
                "c",
                "h",
                rebalance_timeout_ms=9,
                topic_regex=f"t{number}",
                owned={},
            )

        for number in range(PATTERNS_MAX):
            assert (await bench.groups.beat("g", by_pattern(number))).error is ErrorCode.NONE
        refused = await bench.groups.beat("g", by_pattern(PATTERNS_MAX))
        assert refused.error is ErrorCode.GROUP_MAX_SIZE_REACHED
        same = BeatCall("n", 0, "c", "h", rebalance_timeout_ms=9, topic_regex="t0", owned={})
        assert (await bench.groups.beat("g", same)).error is ErrorCode.NONE

    run(scenario)()


def test_who_is_in_a_group_can_be_read_by_any_process() -> None:
    async def scenario() -> None:
        bench = a_bench()
        await bench.groups.beat("g", joining("a", group_instance_id="i"))
        classic = await bench.member("h")
        found = {}
        for group_id in "gh":
            stored = await bench.store.stored_group(group_id)
            assert stored is not None
            (found[group_id],) = stored_members(stored)
        assert found["g"] == ("a", "c", "h", "i")
        assert found["h"].member_id == classic.member_id

    run(scenario)()


def test_a_pattern_matches_what_its_member_may_see_also_after_a_takeover() -> None:
    async def scenario() -> None:
        bench = a_bench()
        shapes = {name: TopicShape(name.encode() * 8, 2) for name in ("t1", "t2")}
        bench.topics = FixedTopics(shapes, 1)
        bench.groups = bench.coordinator()

        def may_see(name: str) -> bool:
            return name != "t2"

        told = await bench.groups.beat(
            "g",
            BeatCall(
                "a",
                0,
                "c",
                "h",
                rebalance_timeout_ms=9,
                topic_regex="t.",
                owned={},
                may_see=may_see,
            ),
        )
        assert set(told.assignment or {}) == {b"t1" * 8}
        bench.topics = FixedTopics({**shapes, "t3": TopicShape(b"t3" * 8, 1)}, 2)
        await bench.restart()
        (group,) = await bench.groups.describe_consumer_groups(["g"])
        assert set(group.members[0].target) == {b"t1" * 8}
        again = await bench.groups.beat(
            "g", BeatCall("a", told.member_epoch, "c", "h", may_see=may_see)
        )
        assert again.error is ErrorCode.NONE
        assert set(again.assignment or {}) == {b"t1" * 8, b"t3" * 8}

    run(scenario)()
