"""The coordinator's shell: storing before answering, timers, loads, deletes, expiry, faults."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from anabranch.errors import ErrorCode, StoreFault
from anabranch.groups.configs import default_timing
from anabranch.groups.consumer_core import GroupWorld
from anabranch.groups.coordinator import Coordinator, GroupSettings
from anabranch.groups.snapshot import decode_snapshot
from anabranch.groups.topics import FixedTopics
from anabranch.groups.values import (
    CommitCall,
    GroupState,
    JoinCall,
    JoinResult,
    LeavingMember,
    OffsetToCommit,
    OffsetToDelete,
    SyncCall,
)
from anabranch.metastore.api import (
    Actor,
    Committed,
    Conflict,
    GroupMemberRow,
    GroupRow,
    OffsetAction,
    StoredGroup,
    Topic,
)
from anabranch.metastore.sqlite import SqliteMetastore
from anabranch.wire.messages.consumer_protocol_subscription import ConsumerProtocolSubscription

ACTOR = Actor(principal="User:ann", client_id="c", host="h", api="OffsetCommit")
DAY_MS = 86_400_000


class MemoryMetastore:
    """The group verbs, with a switch for faults and a gate that holds writes back."""

    def __init__(self) -> None:
        self.rows: dict[str, GroupRow] = {}
        self.offsets: dict[str, dict[tuple[int, int], Committed]] = {}
        self.members: dict[str, dict[str, bytes]] = {}
        self.log: list[tuple[Any, ...]] = []
        self.broken = False
        self.open = asyncio.Event()
        self.open.set()
        self.reads = 0

    async def write(self) -> None:
        await asyncio.sleep(0)
        await self.open.wait()
        if self.broken:
            raise StoreFault("disk full")

    async def topics(self) -> list[Topic]:
        return [Topic(n, bytes(16), name, 8, {}, 0) for n, name in ((1, "t"), (2, "u"))]

    async def groups(self) -> list[GroupRow]:
        return [self.rows[group_id] for group_id in sorted(self.rows)]

    async def group(self, group_id: str) -> GroupRow | None:
        self.reads += 1
        await asyncio.sleep(0)
        return self.rows.get(group_id)

    def require(self, group_id: str, expected: int | None) -> None:
        row = self.rows.get(group_id)
        if expected is not None and expected != (row.fence if row else 0):
            raise Conflict(f"{group_id} is under another fence")

    async def stored_group(self, group_id: str) -> StoredGroup | None:
        row = await self.group(group_id)
        members = self.members.get(group_id, {})
        return row and StoredGroup(row, [GroupMemberRow(*one) for one in sorted(members.items())])

    async def save_group(
        self,
        row: GroupRow,
        *,
        expected: int | None = None,
        members: Sequence[GroupMemberRow] = (),
        gone: Sequence[str] = (),
        anew: bool = False,
    ) -> None:
        await self.write()
        self.require(row.group_id, expected)
        self.rows[row.group_id] = row
        present = self.members.setdefault(row.group_id, {})
        if anew:
            present.clear()
        for member_id in gone:
            present.pop(member_id, None)
        present.update({member.member_id: member.body for member in members})
        self.log.append(("save", row.state, row.generation))

    async def delete_group(
        self,
        group_id: str,
        actor: Actor,
        now_ms: int,
        *,
        expected: int | None = None,
        spare: bool = False,
    ) -> bool:
        await self.write()
        self.require(group_id, expected)
        self.log.append(("delete", group_id, actor.api))
        self.offsets.pop(group_id, None)
        self.members.pop(group_id, None)
        return self.rows.pop(group_id, None) is not None

    async def committed(self, group_id: str) -> list[Committed]:
        await asyncio.sleep(0)
        return list(self.offsets.get(group_id, {}).values())

    async def commit_offsets(
        self,
        group_id: str,
        offsets: Sequence[Committed],
        action: OffsetAction,
        actor: Actor,
        now_ms: int,
        *,
        expected: int | None = None,
    ) -> None:
        await self.write()
        self.require(group_id, expected)
        if group_id not in self.rows:
            self.rows[group_id] = GroupRow(group_id, "", "Empty", 0, b"", now_ms)
        stored = self.offsets.setdefault(group_id, {})
        for committed in offsets:
            stored[committed.topic_no, committed.partition] = committed
            self.log.append((action.value, committed.partition, committed.offset, actor))

    async def delete_offsets(
        self,
        group_id: str,
        partitions: Sequence[tuple[int, int]],
        action: OffsetAction,
        actor: Actor,
        now_ms: int,
        *,
        expected: int | None = None,
    ) -> None:
        await self.write()
        self.require(group_id, expected)
        for partition in partitions:
            del self.offsets[group_id][partition]
            self.log.append((action.value, *partition, actor))


class Clock:
    """Real time, plus what a test adds."""

    def __init__(self) -> None:
        self.added_ms = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.added_ms


class Bench:
    def __init__(self, store: Any = None, **settings: int) -> None:
        self.store = store or MemoryMetastore()
        self.clock = Clock()
        self.settings = GroupSettings(**{"initial_rebalance_delay_ms": 0, **settings})
        self.ids = (f"{n}" for n in itertools.count(1))
        self.fences = itertools.count(1)
        self.topics = FixedTopics({})
        self.groups = self.coordinator()

    def coordinator(self) -> Coordinator:
        return Coordinator(
            self.store,
            self.settings,
            self.clock,
            lambda: next(self.ids),
            lambda: next(self.fences),
            world=GroupWorld(self.topics, lambda group_id: default_timing(self.settings)),
        )

    async def restart(self) -> None:
        await self.groups.close()
        self.groups = self.coordinator()
        await self.groups.start()

    async def member(self, group_id: str = "g", topics: tuple[str, ...] = ("t",)) -> JoinResult:
        """Join and sync alone: a stable group of one."""
        first = await self.groups.join(group_id, join(topics=topics))
        assert first.error is ErrorCode.MEMBER_ID_REQUIRED
        joined = await self.groups.join(group_id, join(first.member_id, topics=topics))
        assert joined.error is ErrorCode.NONE
        synced = await self.groups.sync(group_id, sync(joined, {joined.member_id: b"all"}))
        assert (synced.error, synced.assignment) == (ErrorCode.NONE, b"all")
        return joined


def join(
    member_id: str = "", *, topics: Sequence[str] = ("t",), session_ms: int = 10_000
) -> JoinCall:
    metadata = b"\x00\x00" + ConsumerProtocolSubscription(topics=list(topics)).encode(0)
    return JoinCall(
        member_id=member_id,
        group_instance_id=None,
        client_id="c",
        client_host="/10.0.0.1",
        protocol_type="consumer",
        protocols=(("range", metadata),),
        session_timeout_ms=session_ms,
        rebalance_timeout_ms=60_000,
    )


def sync(joined: JoinResult, assignments: dict[str, bytes] | None = None) -> SyncCall:
    return SyncCall(
        member_id=joined.member_id,
        group_instance_id=None,
        generation=joined.generation,
        assignments=list((assignments or {}).items()),
    )


def commit(
    offset: int,
    joined: JoinResult | None = None,
    *,
    partition: int = 0,
    topic_no: int = 1,
    metadata: str = "",
    action: OffsetAction = OffsetAction.COMMIT,
    retention_ms: int = -1,
) -> CommitCall:
    return CommitCall(
        member_id=joined.member_id if joined else "",
        group_instance_id=None,
        generation=joined.generation if joined else -1,
        offsets=[OffsetToCommit(topic_no, partition, offset, metadata=metadata)],
        actor=ACTOR,
        action=action,
        retention_ms=retention_ms,
    )


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    def runner(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 60))

    runner.__name__ = test.__name__
    return runner


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():  # noqa: ASYNC110  # the metastore tells nobody of its writes
        await asyncio.sleep(0.005)


@run
async def test_i4_a_generation_is_durable_before_anyone_hears_of_it() -> None:
    bench = Bench()
    first = await bench.groups.join("g", join())
    bench.store.open.clear()
    waiting = asyncio.ensure_future(bench.groups.join("g", join(first.member_id)))
    await turns()
    assert not waiting.done()
    assert "g" not in bench.store.rows
    bench.store.open.set()
    joined = await waiting
    assert joined.generation == bench.store.rows["g"].generation == 1


@run
async def test_i4_an_assignment_is_durable_before_anyone_hears_of_it() -> None:
    bench = Bench()
    first = await bench.groups.join("g", join())
    joined = await bench.groups.join("g", join(first.member_id))
    bench.store.open.clear()
    call = sync(joined, {joined.member_id: b"all"})
    waiting = asyncio.ensure_future(bench.groups.sync("g", call))
    again = asyncio.ensure_future(bench.groups.sync("g", sync(joined)))
    await turns()
    # The second sync finds the group stable in memory, and still waits for the disk.
    assert not waiting.done()
    assert not again.done()
    bench.store.open.set()
    assert (await waiting).assignment == (await again).assignment == b"all"
    (member,) = decode_snapshot(bench.store.rows["g"].snapshot).members
    assert member.assignment == b"all"


@run
async def test_writes_that_wait_for_the_disk_become_one() -> None:
    bench = Bench()
    joined = await bench.member()
    before = len(bench.store.log)
    bench.store.open.clear()
    leader = asyncio.ensure_future(bench.groups.join("g", join(joined.member_id)))
    await turns(5)
    for _ in range(10):
        known = JoinResult(ErrorCode.NONE, joined.member_id, generation=2)
        assert await bench.groups.heartbeat("g", known.member_id, None, 2) is ErrorCode.NONE
    leaving = asyncio.ensure_future(bench.groups.leave("g", [LeavingMember(joined.member_id)]))
    await turns()
    bench.store.open.set()
    assert (await leader).generation == 2
    assert (await leaving).error is ErrorCode.NONE
    assert bench.store.log[before:] == [
        ("save", "CompletingRebalance", 2),
        ("save", "Empty", 3),
    ]


@run
async def test_i4_members_survive_a_restart_without_a_rebalance() -> None:
    bench = Bench()
    joined = await bench.member()
    await bench.restart()
    groups = bench.groups
    assert await groups.heartbeat("g", joined.member_id, None, 1) is ErrorCode.NONE
    assert await groups.commit("g", commit(7, joined)) == [ErrorCode.NONE]
    assert (await groups.sync("g", sync(joined))).assignment == b"all"
    assert bench.store.log[-1] == ("commit", 0, 7, ACTOR)
    assert [row[0] for row in bench.store.log].count("save") == 2


@run
async def test_silent_members_expire_after_a_restart_although_nobody_asks() -> None:
    bench = Bench(session_timeout_ms_min=1)
    first = await bench.groups.join("g", join())
    joined = await bench.groups.join("g", join(first.member_id, session_ms=500))
    await bench.groups.sync("g", sync(joined))
    await bench.restart()

    async def is_empty() -> bool:
        return bench.store.rows["g"].state == "Empty"

    await eventually(is_empty)
    assert bench.store.rows["g"].generation == 2
    assert [g.state for g in await bench.groups.list_groups()] == [GroupState.EMPTY]


@run
async def test_initial_delay_and_session_timers_fire() -> None:
    bench = Bench(initial_rebalance_delay_ms=20, session_timeout_ms_min=1)
    first = await bench.groups.join("g", join())
    joined = await bench.groups.join("g", join(first.member_id, session_ms=40))
    assert joined.error is ErrorCode.NONE

    async def is_gone() -> bool:
        error = await bench.groups.heartbeat("g", "nobody", None, 1)
        assert error is ErrorCode.UNKNOWN_MEMBER_ID
        return bench.store.rows["g"].state == "Empty"

    await eventually(is_gone)
    assert bench.groups._keeper.groups == {}


@run
async def test_a_closed_connection_is_forgotten_not_answered() -> None:
    bench = Bench()
    joined = await bench.member()
    second = await bench.groups.join("g", join())
    parked = asyncio.ensure_future(bench.groups.join("g", join(second.member_id)))
    await turns()
    parked.cancel()
    await turns()
    assert parked.cancelled()
    # It still counts as joined, so the leader's return completes the rebalance ...
    leader = await bench.groups.join("g", join(joined.member_id))
    assert {m.member_id for m in leader.members} == {joined.member_id, second.member_id}
    # ... and coming back it is told the generation at once.
    back = await bench.groups.join("g", join(second.member_id))
    assert (back.error, back.generation) == (ErrorCode.NONE, leader.generation)


@run
async def test_a_connection_that_stays_closed_is_timed_from_then_on() -> None:
    bench = Bench(session_timeout_ms_min=1)
    joined = await bench.member()
    second = await bench.groups.join("g", join(session_ms=5_000))
    parked = asyncio.ensure_future(bench.groups.join("g", join(second.member_id, session_ms=40)))
    await turns()
    parked.cancel()

    async def is_alone() -> bool:
        (group,) = await bench.groups.describe(["g"])
        return [m.member_id for m in group.members] == [joined.member_id]

    await eventually(is_alone)


@run
async def test_a_deadline_that_comes_nearer_is_not_missed() -> None:
    bench = Bench(session_timeout_ms_min=1)
    first = await bench.groups.join("g", join(session_ms=60_000))
    joined = await bench.groups.join("g", join(first.member_id, session_ms=60_000))
    # An id that is given out but never used holds the rebalance up for its own session only.
    await bench.groups.join("g", join(session_ms=40))
    again = await bench.groups.join("g", join(joined.member_id, topics=["u"], session_ms=60_000))
    assert again.generation == 2


@run
async def test_a_store_that_fails_sends_everybody_away_and_loses_nothing() -> None:
    bench = Bench()
    joined = await bench.member()
    second = await bench.groups.join("g", join())
    parked = asyncio.ensure_future(bench.groups.join("g", join(second.member_id)))
    await turns()
    bench.store.broken = True
    leader = await bench.groups.join("g", join(joined.member_id))
    assert leader.error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert (await parked).error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    refused = await bench.groups.commit("g", commit(1, joined))
    assert refused == [ErrorCode.COORDINATOR_NOT_AVAILABLE]

    bench.store.broken = False
    stored = bench.store.rows["g"].generation
    again = await bench.groups.join("g", join(joined.member_id))
    assert again.error is ErrorCode.NONE
    assert again.generation == stored + 1 or again.generation == stored
    assert again.generation >= joined.generation


@run
async def test_simple_consumers_and_administrators_commit_without_membership() -> None:
    bench = Bench()
    groups = bench.groups
    assert await groups.commit("s", commit(5)) == [ErrorCode.NONE]
    stale = JoinResult(ErrorCode.NONE, "m", generation=4)
    assert await groups.commit("nobody", commit(5, stale)) == [ErrorCode.GROUP_ID_NOT_FOUND]
    assert await groups.commit("s", commit(5, stale)) == [ErrorCode.UNKNOWN_MEMBER_ID]
    reset = commit(2, action=OffsetAction.RESET)
    assert await groups.commit("s", reset) == [ErrorCode.NONE]
    assert [row[:3] for row in bench.store.log] == [("commit", 0, 5), ("reset", 0, 2)]
    assert [c.offset for c in await groups.fetch("s")] == [2]
    assert [(g.group_id, g.state) for g in await groups.list_groups()] == [("s", "Empty")]
    assert groups._keeper.groups == {}, "empty groups are only in the metastore"

    joined = await bench.member("s")
    assert await groups.commit("s", reset) == [ErrorCode.UNKNOWN_MEMBER_ID]
    assert await groups.commit("s", commit(6, joined)) == [ErrorCode.NONE]


@run
async def test_offset_metadata_is_bounded_per_partition() -> None:
    bench = Bench()
    call = CommitCall(
        member_id="",
        group_instance_id=None,
        generation=-1,
        offsets=[
            OffsetToCommit(1, 0, 10, 3, "x" * 4096),
            OffsetToCommit(1, 1, 11, 3, "x" * 4097),
        ],
        actor=ACTOR,
        retention_ms=1000,
    )
    assert await bench.groups.commit("g", call) == [
        ErrorCode.NONE,
        ErrorCode.OFFSET_METADATA_TOO_LARGE,
    ]
    (stored,) = await bench.groups.fetch("g")
    assert (stored.offset, stored.leader_epoch, stored.metadata) == (10, 3, "x" * 4096)
    assert stored.expires_ms == stored.committed_ms + 1000


@run
async def test_describe_shows_members_only_of_what_is_stable() -> None:
    bench = Bench()
    joined = await bench.member()
    stable, missing = await bench.groups.describe(["g", "nope"])
    assert (stable.error, stable.state, stable.protocol) == (ErrorCode.NONE, "Stable", "range")
    (member,) = stable.members
    assert (member.member_id, member.client_host) == (joined.member_id, "/10.0.0.1")
    assert member.assignment == b"all"
    assert member.metadata == join().protocols[0][1]
    assert (missing.error, missing.state) == (ErrorCode.GROUP_ID_NOT_FOUND, "Dead")

    await bench.groups.join("g", join(joined.member_id))
    (completing,) = await bench.groups.describe(["g"])
    assert (completing.state, completing.protocol) == ("CompletingRebalance", "")
    assert (completing.members[0].assignment, completing.members[0].metadata) == (b"", b"")


@run
async def test_list_filters_by_state_and_type() -> None:
    bench = Bench()
    await bench.member("a")
    await bench.groups.commit("b", commit(1))

    async def listed(**filters: Sequence[str]) -> list[str]:
        return [g.group_id for g in await bench.groups.list_groups(**filters)]

    assert await listed() == ["a", "b"]
    assert await listed(states=["stable"]) == ["a"]
    assert await listed(states=["Empty", "Dead"]) == ["b"]
    assert await listed(types=["Classic"]) == ["a", "b"]
    assert await listed(types=["consumer"]) == []
    (group,) = await bench.groups.list_groups(states=["Stable"])
    assert (group.protocol_type, group.group_type) == ("consumer", "classic")


@run
async def test_delete_only_what_is_empty() -> None:
    bench = Bench()
    joined = await bench.member("a")
    await bench.groups.commit("b", commit(1))
    assert await bench.groups.delete(["a", "b", "c"], ACTOR) == [
        ErrorCode.NON_EMPTY_GROUP,
        ErrorCode.NONE,
        ErrorCode.GROUP_ID_NOT_FOUND,
    ]
    await bench.groups.leave("a", [LeavingMember(joined.member_id)])
    assert await bench.groups.delete(["a"], ACTOR) == [ErrorCode.NONE]
    assert await bench.groups.list_groups() == []
    # The name is free for a group that starts afresh.
    assert (await bench.member("a")).generation == 1


@run
async def test_nobody_joins_a_group_while_its_row_goes() -> None:
    bench = Bench()
    await bench.groups.commit("g", commit(1))
    bench.store.open.clear()
    deleting = asyncio.ensure_future(bench.groups.delete(["g"], ACTOR))
    await turns()
    assert (await bench.groups.join("g", join())).error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    error = await bench.groups.heartbeat("g", "m", None, 1)
    assert error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert await bench.groups.list_groups() == []
    bench.store.open.set()
    assert await deleting == [ErrorCode.NONE]
    assert (await bench.groups.join("g", join())).error is ErrorCode.MEMBER_ID_REQUIRED


@run
async def test_two_deletes_at_once_and_one_right_behind_the_last_leave() -> None:
    bench = Bench()
    joined = await bench.member()
    bench.store.open.clear()
    leaving = asyncio.ensure_future(bench.groups.leave("g", [LeavingMember(joined.member_id)]))
    first = asyncio.ensure_future(bench.groups.delete(["g"], ACTOR))
    second = asyncio.ensure_future(bench.groups.delete(["g"], ACTOR))
    await turns()
    bench.store.open.set()
    assert (await leaving).error is ErrorCode.NONE
    assert await first == [ErrorCode.NONE]
    assert await second == [ErrorCode.COORDINATOR_NOT_AVAILABLE]
    assert bench.store.log[-2:] == [("save", "Empty", 2), ("delete", "g", "OffsetCommit")]
    assert bench.store.rows == bench.groups._keeper.groups == {}


@run
async def test_a_delete_that_fails_leaves_the_group() -> None:
    bench = Bench()
    await bench.groups.commit("g", commit(1))
    bench.store.broken = True
    assert await bench.groups.delete(["g"], ACTOR) == [ErrorCode.COORDINATOR_NOT_AVAILABLE]
    bench.store.broken = False
    assert await bench.groups.commit("g", commit(2)) == [ErrorCode.NONE]


@run
async def test_delete_offsets_spares_subscribed_topics() -> None:
    bench = Bench()
    joined = await bench.member()
    await bench.groups.commit("g", commit(1, joined))
    await bench.groups.commit("g", commit(1, joined, topic_no=2))
    result = await bench.groups.delete_offsets(
        "g", [OffsetToDelete(1, "t", 0), OffsetToDelete(2, "u", 0)], ACTOR
    )
    assert result.error is ErrorCode.NONE
    assert result.partitions == (ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode.NONE)
    assert [c.topic_no for c in await bench.groups.fetch("g")] == [1]
    assert bench.store.log[-1] == ("delete", 2, 0, ACTOR)

    await bench.groups.leave("g", [LeavingMember(joined.member_id)])
    result = await bench.groups.delete_offsets("g", [OffsetToDelete(1, "t", 0)], ACTOR)
    assert result.partitions == (ErrorCode.NONE,)
    missing = await bench.groups.delete_offsets("nope", [], ACTOR)
    assert missing.error is ErrorCode.GROUP_ID_NOT_FOUND


@run
async def test_sweep_expires_offsets_and_then_the_group() -> None:
    bench = Bench()
    joined = await bench.member()
    await bench.groups.commit("g", commit(1, joined))
    await bench.groups.commit("g", commit(1, joined, topic_no=2))
    bench.clock.added_ms = 8 * DAY_MS
    # The members are there: only what nobody is subscribed to expires.
    await bench.groups.heartbeat("g", joined.member_id, None, 1)
    assert await bench.groups.sweep() == 1
    assert bench.store.log[-1][:3] == ("expire", 2, 0)
    assert bench.store.log[-1][3].api == "offsets.retention"

    await bench.groups.leave("g", [LeavingMember(joined.member_id)])
    assert await bench.groups.sweep() == 0, "empty since a moment ago"
    bench.clock.added_ms = 16 * DAY_MS
    assert await bench.groups.sweep() == 1
    assert await bench.groups.list_groups() == []
    assert bench.store.log[-1] == ("delete", "g", "offsets.retention")


@run
async def test_a_group_without_offsets_is_kept_for_one_more_sweep() -> None:
    bench = Bench()
    joined = await bench.member()
    await bench.groups.leave("g", [LeavingMember(joined.member_id)])
    assert await bench.groups.sweep() == 0
    assert [g.group_id for g in await bench.groups.list_groups()] == ["g"]
    bench.clock.added_ms = bench.settings.offsets_retention_check_interval_ms
    assert await bench.groups.sweep() == 0
    assert await bench.groups.list_groups() == []


@run
async def test_a_commit_is_never_swept_away_with_what_it_replaces() -> None:
    bench = Bench()
    await bench.groups.commit("g", commit(1))
    bench.clock.added_ms = 8 * DAY_MS
    bench.store.open.clear()
    # A commit under way: the sweep passes by.
    committing = asyncio.ensure_future(bench.groups.commit("g", commit(2)))
    await turns()
    assert await bench.groups.sweep() == 0
    bench.store.open.set()
    assert await committing == [ErrorCode.NONE]
    # A sweep under way: the commit waits and stays.
    bench.clock.added_ms = 16 * DAY_MS
    bench.store.open.clear()
    sweeping = asyncio.ensure_future(bench.groups.sweep())
    await turns()
    committing = asyncio.ensure_future(bench.groups.commit("g", commit(3)))
    await turns()
    bench.store.open.set()
    assert await sweeping == 1
    assert await committing == [ErrorCode.NONE]
    assert [c.offset for c in await bench.groups.fetch("g")] == [3]


@run
async def test_i10_groups_in_memory_are_bounded() -> None:
    bench = Bench(groups_max=2)
    kept = await bench.member("a")
    await bench.member("b")
    assert (await bench.groups.join("c", join())).error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    for n in range(50):
        for error in (
            await bench.groups.heartbeat(f"x{n}", "m", None, 1),
            (await bench.groups.join(f"x{n}", join("ghost"))).error,
            (await bench.groups.leave(f"x{n}", [LeavingMember("m")])).error,
            (await bench.groups.sync(f"x{n}", sync(kept))).error,
        ):
            assert error is ErrorCode.UNKNOWN_MEMBER_ID
    assert set(bench.groups._keeper.groups) == {"a", "b"}
    # Committing without membership needs no place, and members keep theirs.
    assert await bench.groups.commit("d", commit(1)) == [ErrorCode.NONE]
    assert (await bench.groups.join("a", join(kept.member_id))).error is ErrorCode.NONE


@run
async def test_empty_group_ids_are_refused_where_members_are_concerned() -> None:
    groups = Bench().groups
    assert (await groups.join("", join())).error is ErrorCode.INVALID_GROUP_ID
    assert (await groups.leave("", [])).error is ErrorCode.INVALID_GROUP_ID
    joined = JoinResult(ErrorCode.NONE, "m")
    assert (await groups.sync("", sync(joined))).error is ErrorCode.INVALID_GROUP_ID
    assert await groups.heartbeat("", "m", None, 0) is ErrorCode.INVALID_GROUP_ID
    assert await groups.commit("", commit(1)) == [ErrorCode.NONE]


@run
async def test_many_requests_at_once_share_one_read() -> None:
    bench = Bench()
    joined = await bench.member()
    await bench.groups.close()
    bench.groups = bench.coordinator()
    bench.store.reads = 0
    beats = [bench.groups.heartbeat("g", joined.member_id, None, 1) for _ in range(20)]
    assert await asyncio.gather(*beats) == [ErrorCode.NONE] * 20
    assert bench.store.reads == 1


@run
async def test_a_group_that_is_taken_up_while_another_broker_still_serves_it() -> None:
    """A broker that starts takes its groups up before the others know of it: what they go on to do with them
    must not be forgotten (found by the simulation: a member was told of an older generation)."""
    bench = Bench()
    first = await bench.member()
    other, bench.groups = bench.groups, bench.coordinator()
    await bench.groups.start()
    second = await other.join("g", join())
    joining = asyncio.create_task(other.join("g", join(second.member_id)))
    await turns()
    again = await other.join("g", join(first.member_id))
    assert again.generation == (await joining).generation == 2
    assert (await other.sync("g", sync(again, {again.member_id: b"a"}))).error is ErrorCode.NONE
    groups = bench.groups
    for member in (again, await joining):
        assert await groups.heartbeat("g", member.member_id, None, 2) is ErrorCode.NONE
        assert await groups.commit("g", commit(7, member)) == [ErrorCode.NONE]
    stale = await groups.heartbeat("g", first.member_id, None, 1)
    assert stale is ErrorCode.ILLEGAL_GENERATION
    await other.close()


@run
async def test_what_is_stored_of_a_group_but_cannot_be_read_can_be_deleted() -> None:
    bench = Bench()
    bench.store.rows["g"] = GroupRow("g", "consumer", "Stable", 3, b"\xc1", 0)
    await bench.restart()
    (described,) = await bench.groups.describe(["g"])
    assert described.error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert await bench.groups.delete(["g"], ACTOR) == [ErrorCode.NONE]
    await bench.groups.close()


@run
async def test_close_stores_what_was_decided_and_sends_the_waiting_away() -> None:
    bench = Bench()
    joined = await bench.member()
    second = await bench.groups.join("g", join())
    parked = asyncio.ensure_future(bench.groups.join("g", join(second.member_id)))
    await turns(3)
    await bench.groups.close()
    assert (await parked).error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert bench.store.rows["g"].state == "PreparingRebalance"
    assert bench.store.rows["g"].generation == joined.generation


@run
async def test_close_waits_for_the_disk() -> None:
    bench = Bench()
    joined = await bench.member()
    bench.store.open.clear()
    leaving = asyncio.ensure_future(bench.groups.leave("g", [LeavingMember(joined.member_id)]))
    await turns()
    closing = asyncio.ensure_future(bench.groups.close())
    await turns()
    assert not closing.done()
    bench.store.open.set()
    await closing
    assert (await leaving).error is ErrorCode.NONE
    assert bench.store.rows["g"].state == "Empty"


def test_i8_history_through_the_real_metastore(tmp_path: Path) -> None:
    async def story(store: SqliteMetastore) -> None:
        topic = await store.create_topic("t", bytes(range(16)), 2, {}, 1)
        bench = Bench(store)
        joined = await bench.member()
        call = commit(5, joined, topic_no=topic.no, metadata="ckpt-1")
        assert await bench.groups.commit("g", call) == [ErrorCode.NONE]
        await bench.restart()
        assert await bench.groups.heartbeat("g", joined.member_id, None, 1) is ErrorCode.NONE
        await bench.groups.leave("g", [LeavingMember(joined.member_id)])
        reset = commit(2, topic_no=topic.no, action=OffsetAction.RESET)
        assert await bench.groups.commit("g", reset) == [ErrorCode.NONE]
        # The position was set a moment ago: emptiness alone does not expire it.
        bench.clock.added_ms = 6 * DAY_MS
        assert await bench.groups.sweep() == 0
        bench.clock.added_ms = 8 * DAY_MS
        assert await bench.groups.sweep() == 1
        history = await store.offset_history("g", newest_first=False)
        assert [(line.action, line.old, line.new) for line in history] == [
            ("commit", None, 5),
            ("reset", 5, 2),
            ("expire", 2, None),
        ]
        assert history[0].metadata == "ckpt-1"
        assert history[0].actor == ACTOR
        assert await bench.groups.list_groups() == []
        await bench.groups.close()

    store = SqliteMetastore.open(tmp_path / "m.db", now_ms=1, new_cluster_id=lambda: bytes(16))
    try:
        asyncio.run(asyncio.wait_for(story(store), 60))
    finally:
        store.close()
