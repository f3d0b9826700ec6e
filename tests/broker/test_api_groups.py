"""FindCoordinator (10), the group APIs (8, 9, 11 to 16), DeleteGroups (42), OffsetDelete (47)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import ErrorCode
from anabranch.metastore.api import OffsetAction
from anabranch.wire.codec import ZERO_UUID
from anabranch.wire.messages import m08_offset_commit as m08
from anabranch.wire.messages import m09_offset_fetch as m09
from anabranch.wire.messages import m11_join_group as m11
from anabranch.wire.messages import m13_leave_group as m13
from anabranch.wire.messages import m14_sync_group as m14
from anabranch.wire.messages import m47_offset_delete as m47
from anabranch.wire.messages.m10_find_coordinator import FindCoordinatorRequest
from anabranch.wire.messages.m12_heartbeat import HeartbeatRequest
from anabranch.wire.messages.m15_describe_groups import DescribeGroupsRequest
from anabranch.wire.messages.m16_list_groups import ListGroupsRequest
from anabranch.wire.messages.m42_delete_groups import DeleteGroupsRequest
from tests.broker.conversation import Bench, run, talking
from tests.support.broker import WireClient

NOWHERE = b"\x01" * 16


def join_request(group: str = "g", member: str = "", instance: str | None = None) -> Any:
    return m11.JoinGroupRequest(
        group_id=group,
        session_timeout_ms=30_000,
        rebalance_timeout_ms=30_000,
        member_id=member,
        group_instance_id=instance,
        protocol_type="consumer",
        protocols=[m11.JoinGroupRequestProtocol(name="range", metadata=b"\0\0meta")],
        reason="testing",
    )


async def join(bench: Bench, version: int, group: str = "g", **more: Any) -> Any:
    """A member of its own generation: joins again if it is told its id first."""
    answer = await bench.call(join_request(group, **more), version)
    if answer.error_code == ErrorCode.MEMBER_ID_REQUIRED:
        assert version >= 4
        answer = await bench.call(join_request(group, answer.member_id), version)
    return answer


def sync_request(joined: Any, group: str = "g", assignment: bytes = b"mine") -> Any:
    return m14.SyncGroupRequest(
        group_id=group,
        generation_id=joined.generation_id,
        member_id=joined.member_id,
        protocol_type="consumer",
        protocol_name="range",
        assignments=[
            m14.SyncGroupRequestAssignment(member_id=joined.member_id, assignment=assignment)
        ],
    )


def commit_request(
    offsets: dict[tuple[str, int], int],
    group: str = "g",
    *,
    ids: dict[str, bytes] | None = None,
    metadata: str | None = "note ü",
    epoch: int = 3,
    generation: int = -1,
    member: str = "",
) -> Any:
    topics: dict[str, Any] = {}
    for (name, partition), offset in offsets.items():
        topic = topics.setdefault(
            name,
            m08.OffsetCommitRequestTopic(name=name, topic_id=(ids or {}).get(name, ZERO_UUID)),
        )
        topic.partitions.append(
            m08.OffsetCommitRequestPartition(
                partition_index=partition,
                committed_offset=offset,
                committed_leader_epoch=epoch,
                committed_metadata=metadata,
            )
        )
    return m08.OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=generation,
        member_id=member,
        topics=list(topics.values()),
    )


async def commit(bench: Bench, request: Any, version: int = 9) -> list[int]:
    answer = await bench.call(request, version)
    return [one.error_code for topic in answer.topics for one in topic.partitions]


async def committed(
    bench: Bench,
    wanted: dict[str, list[int]] | None,
    version: int = 9,
    group: str = "g",
    ids: dict[str, bytes] | None = None,
) -> dict[tuple[str, int], tuple[int, int, str | None, int]]:
    """(topic name or id in hex, partition) → offset, leader epoch, metadata, error."""
    if version >= 8:
        topics = (
            None
            if wanted is None
            else [
                m09.OffsetFetchRequestTopics(
                    name=name, topic_id=(ids or {}).get(name, ZERO_UUID), partition_indexes=parts
                )
                for name, parts in wanted.items()
            ]
        )
        request = m09.OffsetFetchRequest(
            groups=[m09.OffsetFetchRequestGroup(group_id=group, topics=topics)]
        )
        (found,) = (await bench.call(request, version)).groups
        assert (found.group_id, found.error_code) == (group, 0)
    else:
        request = m09.OffsetFetchRequest(
            group_id=group,
            topics=None
            if wanted is None
            else [
                m09.OffsetFetchRequestTopic(name=name, partition_indexes=parts)
                for name, parts in wanted.items()
            ],
        )
        found = await bench.call(request, version)
        assert found.error_code == 0
    return {
        (topic.topic_id.hex() if version >= 10 else topic.name, one.partition_index): (
            one.committed_offset,
            one.committed_leader_epoch,
            one.metadata,
            one.error_code,
        )
        for topic in found.topics
        for one in topic.partitions
    }


@pytest.mark.parametrize("version", range(7))
def test_find_coordinator(version: int, tmp_path: Path) -> None:
    """Pitfall: a retriable error for transactions would make their producers ask for ever."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:

            async def ask(kind: int, *keys: str) -> list[Any]:
                if version >= 4:
                    request = FindCoordinatorRequest(key_type=kind, coordinator_keys=list(keys))
                    return list((await bench.call(request, version)).coordinators)
                return [
                    await bench.call(FindCoordinatorRequest(key_type=kind, key=keys[0]), version)
                ]

            here = (1, bench.broker.host, bench.broker.port)
            for one in await ask(0, "g", "h"):
                assert (one.node_id, one.host, one.port) == here
                assert (one.error_code, one.error_message or None) == (0, None)
            if version >= 1:
                for kind in (2, 9):
                    (one, *_) = await ask(kind, "tx")
                    assert (one.node_id, one.error_code) == (-1, ErrorCode.INVALID_REQUEST)
                    assert "served" in one.error_message

    run(scenario)


@pytest.mark.parametrize("version", range(10))
def test_a_member_joins_syncs_beats_and_leaves(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            joined = await join(bench, version)
            assert (joined.error_code, joined.generation_id) == (0, 1)
            assert joined.leader == joined.member_id
            assert joined.protocol_name == "range"
            assert joined.protocol_type == ("consumer" if version >= 7 else None)
            assert [(one.member_id, one.metadata) for one in joined.members] == [
                (joined.member_id, b"\0\0meta")
            ]
            at = min(version, 5)
            synced = await bench.call(sync_request(joined), at)
            # Pitfall: a member's assignment is what the leader gave, byte for byte.
            assert (synced.error_code, synced.assignment) == (0, b"mine")
            if at == 5:
                assert (synced.protocol_type, synced.protocol_name) == ("consumer", "range")
            beat = HeartbeatRequest(group_id="g", generation_id=1, member_id=joined.member_id)
            assert (await bench.call(beat, min(version, 4))).error_code == 0
            beat.generation_id = 9
            answer = await bench.call(beat, min(version, 4))
            assert answer.error_code == ErrorCode.ILLEGAL_GENERATION
            leaving = m13.LeaveGroupRequest(
                group_id="g",
                member_id=joined.member_id,
                members=[m13.MemberIdentity(member_id=joined.member_id, reason="done")],
            )
            left = await bench.call(leaving, at)
            assert left.error_code == 0
            left = await bench.call(leaving, at)
            if at < 3:
                assert left.error_code == ErrorCode.UNKNOWN_MEMBER_ID
            else:
                assert left.members[0].error_code == ErrorCode.UNKNOWN_MEMBER_ID

    run(scenario)


def test_member_id_required_only_from_version_4_and_not_for_static_members(tmp_path: Path) -> None:
    """Pitfall (KIP-394, KIP-345)."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            for version in range(10):
                answer = await bench.call(join_request(f"g{version}"), version)
                expected = ErrorCode.MEMBER_ID_REQUIRED if version >= 4 else ErrorCode.NONE
                assert answer.error_code == expected
                assert answer.member_id
                if version >= 5:
                    answer = await bench.call(join_request(f"s{version}", instance="i"), version)
                    assert answer.error_code == 0

    run(scenario)


def test_refused_joins_are_encodable_in_every_version(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            for version in range(10):
                answer = await bench.call(join_request(""), version)
                assert answer.error_code == ErrorCode.INVALID_GROUP_ID
                answer = await bench.call(join_request("g", "stranger"), version)
                assert answer.error_code == ErrorCode.UNKNOWN_MEMBER_ID
                assert answer.protocol_name == (None if version >= 7 else "")

    run(scenario)


def test_two_members_rebalance_over_two_connections(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench, WireClient.connected(bench.broker) as other:
            first = await join(bench, 9)
            await bench.call(sync_request(first), 5)
            second_id = (await other.call(join_request(), 9)).member_id
            waiting = asyncio.create_task(other.call(join_request("g", second_id), 9))
            beat = HeartbeatRequest(group_id="g", generation_id=1, member_id=first.member_id)
            code = 0
            while code == 0:
                code = (await bench.call(beat, 4)).error_code
            assert code == ErrorCode.REBALANCE_IN_PROGRESS
            first = await bench.call(join_request("g", first.member_id), 9)
            second = await waiting
            assert first.generation_id == second.generation_id == 2
            assert len(first.members) == 2 and second.members == []
            sync = sync_request(first)
            sync.assignments.append(
                m14.SyncGroupRequestAssignment(member_id=second_id, assignment=b"theirs")
            )
            follower = m14.SyncGroupRequest(
                group_id="g",
                generation_id=2,
                member_id=second_id,
                protocol_type="consumer",
                protocol_name="range",
            )
            theirs, mine = await asyncio.gather(other.call(follower, 5), bench.call(sync, 5))
            assert (mine.assignment, theirs.assignment) == (b"mine", b"theirs")

    run(scenario)


@pytest.mark.parametrize("version", range(2, 11))
def test_commits_come_back_as_they_were_in_every_version(version: int, tmp_path: Path) -> None:
    """Pitfall: metadata string and leader epoch round-trip; an unknown partition is -1 and no error."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            ids = {"t": await bench.create("t", 2), "nope": NOWHERE}
            request = commit_request(
                {("t", 0): 5, ("t", 1): 6, ("t", 7): 1, ("nope", 0): 1}, ids=ids
            )
            unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            no_topic = ErrorCode.UNKNOWN_TOPIC_ID if version >= 10 else unknown
            assert await commit(bench, request, version) == [0, 0, unknown, no_topic]
            epoch = 3 if version >= 6 else -1
            for at in range(1, 11):
                wanted = {"t": [0, 1, 5], "nope": [0]}
                found = await committed(bench, wanted, at, ids=ids)
                name = ids["t"].hex() if at >= 10 else "t"
                seen = epoch if at >= 5 else -1
                assert found[name, 0] == (5, seen, "note ü", 0)
                assert found[name, 1] == (6, seen, "note ü", 0)
                assert found[name, 5] == (-1, -1, "", 0)
                missing = (-1, -1, "", ErrorCode.UNKNOWN_TOPIC_ID if at >= 10 else 0)
                assert found[ids["nope"].hex() if at >= 10 else "nope", 0] == missing
                if at >= 2:
                    everything = await committed(bench, None, at)
                    assert {key[1]: value[0] for key, value in everything.items()} == {0: 5, 1: 6}
            assert await committed(bench, {"t": [0]}, group="nobody") == {("t", 0): (-1, -1, "", 0)}

    run(scenario)


def test_commit_refusals(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            large = commit_request({("t", 0): 1}, metadata="x" * 5000)
            assert await commit(bench, large) == [ErrorCode.OFFSET_METADATA_TOO_LARGE]
            negative = commit_request({("t", 0): -1})
            assert await commit(bench, negative) == [ErrorCode.INVALID_REQUEST]
            stale = commit_request({("t", 0): 1}, generation=4, member="m")
            assert await commit(bench, stale) == [ErrorCode.GROUP_ID_NOT_FOUND]
            assert await commit(bench, stale, 8) == [ErrorCode.ILLEGAL_GENERATION]
            joined = await join(bench, 9)
            await bench.call(sync_request(joined), 5)
            for generation, member, code in (
                (1, joined.member_id, 0),
                (2, joined.member_id, ErrorCode.ILLEGAL_GENERATION),
                (1, "stranger", ErrorCode.UNKNOWN_MEMBER_ID),
                (-1, "", ErrorCode.UNKNOWN_MEMBER_ID),
            ):
                request = commit_request({("t", 0): 1}, generation=generation, member=member)
                assert await commit(bench, request) == [code], (generation, member)
            null = commit_request(
                {("t", 0): 2}, generation=1, member=joined.member_id, metadata=None
            )
            assert await commit(bench, null) == [0]
            assert await committed(bench, {"t": [0]}) == {("t", 0): (2, 3, "", 0)}

    run(scenario)


def test_history_knows_who_committed_and_how(tmp_path: Path) -> None:
    """I8: commit by a member, reset of an empty group by an administrator, delete."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            await commit(bench, commit_request({("t", 0): 1}, "simple"))
            joined = await join(bench, 9)
            await bench.call(sync_request(joined), 5)
            await commit(
                bench, commit_request({("t", 0): 10}, generation=1, member=joined.member_id)
            )
            await bench.call(
                m13.LeaveGroupRequest(
                    group_id="g", members=[m13.MemberIdentity(member_id=joined.member_id)]
                ),
                5,
            )
            await commit(bench, commit_request({("t", 0): 4}))
            history = bench.broker.log.metastore.offset_history
            lines = await history("g", newest_first=False)
            assert [(one.action, one.old, one.new) for one in lines] == [
                (OffsetAction.COMMIT, None, 10),
                (OffsetAction.RESET, 10, 4),
            ]
            actor = lines[0].actor
            assert (actor.principal, actor.client_id, actor.host, actor.api) == (
                "User:ANONYMOUS",
                "wire-test",
                "127.0.0.1",
                "OffsetCommit",
            )
            assert (actor.member_id, actor.generation) == (joined.member_id, 1)
            (line,) = await history("simple")
            assert line.action is OffsetAction.COMMIT

    run(scenario)


def test_describe_and_list_groups_in_every_version(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            joined = await join(bench, 9)
            await bench.call(sync_request(joined), 5)
            await commit(bench, commit_request({("t", 0): 1}, "simple"))
            for version in range(7):
                request = DescribeGroupsRequest(
                    groups=["g", "nobody"], include_authorized_operations=True
                )
                group, missing = (await bench.call(request, version)).groups
                assert (group.error_code, group.group_state) == (0, "Stable")
                assert (group.protocol_type, group.protocol_data) == ("consumer", "range")
                (member,) = group.members
                assert (member.member_id, member.client_id) == (joined.member_id, "wire-test")
                assert member.client_host == "/127.0.0.1"
                assert (member.member_metadata, member.member_assignment) == (b"\0\0meta", b"mine")
                assert group.authorized_operations == (3400 if version >= 3 else -(1 << 31))
                assert missing.group_state == "Dead"
                expected = ErrorCode.GROUP_ID_NOT_FOUND if version >= 6 else ErrorCode.NONE
                assert missing.error_code == expected
            for version in range(6):
                answer = await bench.call(ListGroupsRequest(), version)
                listed = {one.group_id: one for one in answer.groups}
                assert set(listed) == {"g", "simple"}
                assert listed["g"].protocol_type == "consumer"
                if version >= 4:
                    assert (listed["g"].group_state, listed["simple"].group_state) == (
                        "Stable",
                        "Empty",
                    )
                    only = await bench.call(ListGroupsRequest(states_filter=["Stable"]), version)
                    assert [one.group_id for one in only.groups] == ["g"]
                if version >= 5:
                    assert listed["g"].group_type == "classic"
                    none = await bench.call(ListGroupsRequest(types_filter=["consumer"]), version)
                    assert none.groups == []

    run(scenario)


def test_delete_groups_and_offsets(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 2)
            joined = await join(bench, 9)
            await bench.call(sync_request(joined), 5)
            await commit(bench, commit_request({("t", 0): 1, ("t", 1): 2}, "simple"))

            async def forget(group: str, *wanted: tuple[str, int]) -> Any:
                request = m47.OffsetDeleteRequest(
                    group_id=group,
                    topics=[
                        m47.OffsetDeleteRequestTopic(
                            name=name,
                            partitions=[m47.OffsetDeleteRequestPartition(partition_index=index)],
                        )
                        for name, index in wanted
                    ],
                )
                return await bench.call(request)

            answer = await forget("simple", ("t", 0), ("nope", 0), ("t", 9))
            unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            codes = [topic.partitions[0].error_code for topic in answer.topics]
            assert (answer.error_code, codes) == (0, [0, unknown, unknown])
            assert await committed(bench, None, group="simple") == {("t", 1): (2, 3, "note ü", 0)}
            assert (await forget("nobody", ("t", 0))).error_code == ErrorCode.GROUP_ID_NOT_FOUND
            for version in range(3):
                request = DeleteGroupsRequest(groups_names=["g", "nobody", "nobody"])
                results = (await bench.call(request, version)).results
                assert [(one.group_id, one.error_code) for one in results] == [
                    ("g", ErrorCode.NON_EMPTY_GROUP),
                    ("nobody", ErrorCode.GROUP_ID_NOT_FOUND),
                ]
            results = (await bench.call(DeleteGroupsRequest(groups_names=["simple"]))).results
            assert results[0].error_code == 0
            assert await committed(bench, None, group="simple") == {}

    run(scenario)


def test_members_survive_a_restart_of_the_broker(tmp_path: Path) -> None:
    """I4: the member of the old process goes on in the new one, without a rebalance."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            joined = await join(bench, 9)
            await bench.call(sync_request(joined), 5)
            request = commit_request({("t", 0): 7}, generation=1, member=joined.member_id)
            assert await commit(bench, request) == [0]
        async with talking(tmp_path) as bench:
            beat = HeartbeatRequest(group_id="g", generation_id=1, member_id=joined.member_id)
            assert (await bench.call(beat, 4)).error_code == 0
            assert await commit(bench, request) == [0]
            assert await committed(bench, {"t": [0]}) == {("t", 0): (7, 3, "note ü", 0)}

    run(scenario)


def test_offsets_of_a_deleted_topic_do_not_come_back_with_its_name(tmp_path: Path) -> None:
    """Pitfall: stale group offsets after a topic was deleted and made again."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            await commit(bench, commit_request({("t", 0): 7}))
            topic = bench.broker.log.catalogue.topic("t")
            assert topic is not None
            await bench.broker.log.delete_topic(topic)
            await bench.create("t")
            assert await committed(bench, {"t": [0]}) == {("t", 0): (-1, -1, "", 0)}

    run(scenario)
