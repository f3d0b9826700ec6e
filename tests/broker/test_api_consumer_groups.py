"""ConsumerGroupHeartbeat (68), ConsumerGroupDescribe (69), and what the other group APIs say about groups of
the consumer protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anabranch.errors import ErrorCode
from anabranch.metastore.api import OffsetAction
from anabranch.wire.messages import m08_offset_commit as m08
from anabranch.wire.messages import m09_offset_fetch as m09
from anabranch.wire.messages import m13_leave_group as m13
from anabranch.wire.messages import m32_describe_configs as m32
from anabranch.wire.messages import m44_incremental_alter_configs as m44
from anabranch.wire.messages import m47_offset_delete as m47
from anabranch.wire.messages.m15_describe_groups import DescribeGroupsRequest
from anabranch.wire.messages.m16_list_groups import ListGroupsRequest
from anabranch.wire.messages.m18_api_versions import ApiVersionsRequest
from anabranch.wire.messages.m42_delete_groups import DeleteGroupsRequest
from anabranch.wire.messages.m68_consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatRequestTopicPartitions,
)
from anabranch.wire.messages.m69_consumer_group_describe import ConsumerGroupDescribeRequest
from tests.broker.conversation import Bench, run, talking

GROUP_RESOURCE = 32


def owned(topic_id: bytes, *partitions: int) -> list[Any]:
    return [
        ConsumerGroupHeartbeatRequestTopicPartitions(topic_id=topic_id, partitions=list(partitions))
    ]


async def join(bench: Bench, member: str, topic: str = "t", **more: Any) -> Any:
    request = {
        "group_id": "g",
        "member_id": member,
        "member_epoch": 0,
        "rebalance_timeout_ms": 60_000,
        "topic_partitions": [],
        **more,
    }
    if "subscribed_topic_regex" not in more:
        request["subscribed_topic_names"] = [topic]
    return await bench.call(ConsumerGroupHeartbeatRequest(**request))


async def beat(bench: Bench, member: str, epoch: int, **more: Any) -> Any:
    return await bench.call(
        ConsumerGroupHeartbeatRequest(
            group_id=more.pop("group", "g"), member_id=member, member_epoch=epoch, **more
        )
    )


def partitions(answer: Any) -> list[int] | None:
    if answer.assignment is None:
        return None
    return sorted(p for topic in answer.assignment.topic_partitions for p in topic.partitions)


def test_a_partition_moves_from_one_member_to_another(tmp_path: Path) -> None:
    async def main() -> None:
        async with talking(tmp_path) as bench:
            topic = await bench.create("t", 4)
            first = await join(bench, "a")
            assert (first.error_code, first.member_epoch, partitions(first)) == (0, 1, [0, 1, 2, 3])
            assert first.heartbeat_interval_ms == 5000
            second = await join(bench, "b")
            assert (second.member_epoch, partitions(second)) == (2, [])
            assert second.heartbeat_interval_ms == 500, "it waits"
            revoke = await beat(bench, "a", 1)
            assert (revoke.member_epoch, len(partitions(revoke) or [])) == (1, 2)
            kept = partitions(revoke) or []
            waits = await beat(bench, "b", 2)
            assert (waits.member_epoch, partitions(waits)) == (2, None)
            done = await beat(bench, "a", 1, topic_partitions=owned(topic, *kept))
            assert (done.member_epoch, partitions(done)) == (2, None)
            has = await beat(bench, "b", 2)
            assert sorted((partitions(has) or []) + kept) == [0, 1, 2, 3]
            assert has.heartbeat_interval_ms == 5000
            fenced = await beat(bench, "b", 1)
            assert fenced.error_code == ErrorCode.FENCED_MEMBER_EPOCH
            assert "must abandon all its partitions" in fenced.error_message
            left = await beat(bench, "a", -1)
            assert (left.error_code, left.member_epoch) == (0, -1)
            alone = await beat(bench, "b", 2)
            assert (alone.member_epoch, partitions(alone)) == (3, [0, 1, 2, 3])

    run(main)


def test_describe_list_and_delete(tmp_path: Path) -> None:
    async def main() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 2)
            await join(bench, "a", rack_id="r1", instance_id="i1", server_assignor="range")
            described = await bench.call(
                ConsumerGroupDescribeRequest(
                    group_ids=["g", "nix"], include_authorized_operations=True
                )
            )
            group, missing = described.groups
            assert missing.error_code == ErrorCode.GROUP_ID_NOT_FOUND
            assert missing.error_message == "Group nix not found."
            assert (group.group_state, group.group_epoch, group.assignment_epoch) == (
                "Stable",
                1,
                1,
            )
            assert (group.assignor_name, group.authorized_operations > 0) == ("range", True)
            (member,) = group.members
            assert (member.member_id, member.instance_id, member.rack_id) == ("a", "i1", "r1")
            assert (member.member_epoch, member.member_type) == (1, 1)
            assert member.subscribed_topic_names == ["t"]
            for assignment in (member.assignment, member.target_assignment):
                (one,) = assignment.topic_partitions
                assert (one.topic_name, one.partitions) == ("t", [0, 1])

            classic = await bench.call(DescribeGroupsRequest(groups=["g"]))
            (wrong,) = classic.groups
            assert (wrong.error_code, wrong.group_state) == (ErrorCode.GROUP_ID_NOT_FOUND, "Dead")
            assert wrong.error_message == "Group g is not a classic group."

            async def listed(**more: Any) -> list[tuple[str, str, str]]:
                answer = await bench.call(ListGroupsRequest(**more))
                return [(g.group_id, g.group_state, g.group_type) for g in answer.groups]

            assert await listed() == [("g", "Stable", "consumer")]
            assert (
                await listed(types_filter=["Consumer"], states_filter=["stable"]) == await listed()
            )
            assert await listed(types_filter=["classic"]) == []
            refused = await bench.call(DeleteGroupsRequest(groups_names=["g"]))
            assert refused.results[0].error_code == ErrorCode.NON_EMPTY_GROUP
            removed = await bench.call(
                m13.LeaveGroupRequest(
                    group_id="g", members=[m13.MemberIdentity(group_instance_id="i1")]
                )
            )
            assert (removed.error_code, removed.members[0].error_code) == (0, 0)
            assert await listed() == [("g", "Empty", "consumer")]
            gone = await bench.call(DeleteGroupsRequest(groups_names=["g"]))
            assert gone.results[0].error_code == ErrorCode.NONE
            assert await listed() == []

    run(main)


def test_offsets_ask_for_the_members_epoch(tmp_path: Path) -> None:
    async def main() -> None:
        async with talking(tmp_path) as bench:
            topic = await bench.create("t", 1)

            async def commit(member: str, epoch: int, offset: int = 5, version: int = 10) -> int:
                partition = m08.OffsetCommitRequestPartition(
                    partition_index=0, committed_offset=offset
                )
                answer = await bench.call(
                    m08.OffsetCommitRequest(
                        group_id="g",
                        member_id=member,
                        generation_id_or_member_epoch=epoch,
                        topics=[
                            m08.OffsetCommitRequestTopic(
                                name="t", topic_id=topic, partitions=[partition]
                            )
                        ],
                    ),
                    version,
                )
                return int(answer.topics[0].partitions[0].error_code)

            async def fetch(member: str | None, epoch: int) -> tuple[int, list[int]]:
                wanted = m09.OffsetFetchRequestGroup(
                    group_id="g",
                    member_id=member,
                    member_epoch=epoch,
                    topics=[m09.OffsetFetchRequestTopics(topic_id=topic, partition_indexes=[0])],
                )
                answer = await bench.call(m09.OffsetFetchRequest(groups=[wanted]))
                (group,) = answer.groups
                found = [p.committed_offset for t in group.topics for p in t.partitions]
                return group.error_code, found

            joined = await join(bench, "a", instance_id="i1")
            assert await commit("a", joined.member_epoch) == ErrorCode.NONE
            assert await commit("a", 9) == ErrorCode.STALE_MEMBER_EPOCH
            assert await commit("a", joined.member_epoch, version=8) == (
                ErrorCode.UNSUPPORTED_VERSION
            )
            assert await commit("b", 1) == ErrorCode.UNKNOWN_MEMBER_ID
            assert await commit("", -1) == ErrorCode.UNKNOWN_MEMBER_ID
            assert await fetch("a", joined.member_epoch) == (0, [5])
            assert await fetch(None, -1) == (0, [5])
            assert (await fetch("a", 7))[0] == ErrorCode.STALE_MEMBER_EPOCH
            assert (await fetch("b", 1))[0] == ErrorCode.UNKNOWN_MEMBER_ID

            refused = await bench.call(
                m47.OffsetDeleteRequest(
                    group_id="g",
                    topics=[
                        m47.OffsetDeleteRequestTopic(
                            name="t",
                            partitions=[m47.OffsetDeleteRequestPartition(partition_index=0)],
                        )
                    ],
                )
            )
            assert refused.topics[0].partitions[0].error_code == (
                ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
            )
            # Once nobody is in it, whoever may can set its offsets; the history tells them apart (I8).
            await beat(bench, "a", -1, instance_id="i1")
            assert await commit("", -1, 3) == ErrorCode.NONE
            history = await bench.broker.log.metastore.offset_history("g", newest_first=False)
            assert [(one.action, one.old, one.new) for one in history] == [
                (OffsetAction.COMMIT, None, 5),
                (OffsetAction.RESET, 5, 3),
            ]
            who = history[0].actor
            assert (who.member_id, who.instance_id, who.generation) == ("a", "i1", 1)

    run(main)


def test_heartbeats_that_make_no_sense(tmp_path: Path) -> None:
    async def main() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 1)
            invalid = [
                await beat(bench, "a", 0, group=""),
                await beat(bench, "a", -3),
                await beat(bench, "", 1),
                await beat(bench, "a", -2),
                await beat(bench, "a", 1, instance_id=""),
                await beat(bench, "a", 1, rack_id=""),
                await join(bench, ""),
                await join(bench, "a", rebalance_timeout_ms=-1),
                await join(bench, "a", topic_partitions=None),
                await join(bench, "a", topic_partitions=owned(bytes(16), 1)),
                await join(bench, "a", subscribed_topic_regex=None),
            ]
            assert {answer.error_code for answer in invalid} == {ErrorCode.INVALID_REQUEST}
            assert all(answer.error_message for answer in invalid)
            answer = await join(bench, "a", server_assignor="mine")
            assert answer.error_code == ErrorCode.UNSUPPORTED_ASSIGNOR
            assert "uniform, range" in answer.error_message
            answer = await join(bench, "a", subscribed_topic_regex="a(?=b)")
            assert answer.error_code == ErrorCode.INVALID_REGULAR_EXPRESSION
            answer = await beat(bench, "a", 3)
            assert answer.error_code == ErrorCode.GROUP_ID_NOT_FOUND
            await join(bench, "b")
            answer = await beat(bench, "a", 3)
            assert answer.error_code == ErrorCode.UNKNOWN_MEMBER_ID

    run(main)


def test_a_pattern_takes_in_topics_as_they_appear(tmp_path: Path) -> None:
    async def main() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("orders-1", 1)
            await bench.create("prices", 3)
            first = await join(bench, "a", subscribed_topic_regex="orders-.*")
            assert partitions(first) == [0]
            await bench.create("orders-2", 2)
            second = await beat(bench, "a", 1)
            assert (second.member_epoch, partitions(second)) == (2, [0, 0, 1])
            none = await beat(bench, "a", 2, subscribed_topic_regex="nothing")
            assert (none.member_epoch, partitions(none)) == (2, [])

    run(main)


def test_configs_of_a_group(tmp_path: Path) -> None:
    async def main() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 1)

            async def alter(name: str, value: str) -> tuple[int, str | None]:
                config = m44.AlterableConfig(name=name, config_operation=0, value=value)
                resource = m44.AlterConfigsResource(
                    resource_type=GROUP_RESOURCE, resource_name="g", configs=[config]
                )
                answer = await bench.call(m44.IncrementalAlterConfigsRequest(resources=[resource]))
                (one,) = answer.responses
                return one.error_code, one.error_message

            assert await alter("consumer.heartbeat.interval.ms", "7000") == (0, None)
            assert await alter("consumer.session.timeout.ms", "50000") == (0, None)
            for name, value, why in (
                (
                    "consumer.heartbeat.interval.ms",
                    "4999",
                    "group.consumer.min.heartbeat.interval.ms",
                ),
                ("consumer.session.timeout.ms", "60001", "group.consumer.max.session.timeout.ms"),
                ("consumer.session.timeout.ms", "soon", "consumer.session.timeout.ms"),
            ):
                error, message = await alter(name, value)
                assert error == ErrorCode.INVALID_CONFIG and why in (message or "")
            described = await bench.call(
                m32.DescribeConfigsRequest(
                    resources=[
                        m32.DescribeConfigsResource(
                            resource_type=GROUP_RESOURCE,
                            resource_name="g",
                            configuration_keys=None,
                        )
                    ]
                )
            )
            values = {c.name: c.value for c in described.results[0].configs}
            assert values["consumer.session.timeout.ms"] == "50000"
            assert (await join(bench, "a")).heartbeat_interval_ms == 7000

    run(main)


def test_the_feature_is_listed(tmp_path: Path) -> None:
    async def main() -> None:
        async with talking(tmp_path) as bench:
            answer = await bench.call(
                ApiVersionsRequest(client_software_name="t", client_software_version="1")
            )
            levels = {one.name: one.max_version_level for one in answer.finalized_features}
            assert levels["group.version"] == 1
            assert {68, 69} <= {one.api_key for one in answer.api_keys}

    run(main)
