"""Lanes: what clients of a recovery broker see, may read, may write, and which groups they may use."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from anabranch.broker import lanes
from anabranch.broker.configs import ResourceType
from anabranch.broker.lanes import LaneSettings
from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.branch import BranchPoint
from anabranch.log.pace import BYTES_PER_SECOND_MAX, WINDOW_S
from anabranch.metastore.api import BranchOrigin, Topic
from anabranch.wire.messages import m37_create_partitions as m37
from anabranch.wire.messages import m44_incremental_alter_configs as m44
from anabranch.wire.messages.m10_find_coordinator import FindCoordinatorRequest
from anabranch.wire.messages.m16_list_groups import ListGroupsRequest
from anabranch.wire.messages.m20_delete_topics import DeleteTopicsRequest, DeleteTopicState
from anabranch.wire.messages.m21_delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from tests.broker.conversation import Bench, batch, metadata
from tests.broker.test_api_groups import commit_request, join, join_request, sync_request
from tests.broker.test_many_brokers import brokers, known

RECOVERY = LaneSettings("recovery")
LIVE_AND_RECOVERY = [LaneSettings(), RECOVERY]


def topic(name: str = "t", origin: bool = False, **configs: str) -> Topic:
    came_from = BranchOrigin(b"x" * 16, "source", (1,), "now") if origin else None
    named = {key.replace("_", "."): value for key, value in configs.items()}
    return Topic(1, b"t" * 16, name, 1, named, 0, came_from)


def test_rules_by_values() -> None:
    live, open_lane = LaneSettings(), LaneSettings("recovery", write_live=True)
    for allowed in (
        (live, topic()),
        (RECOVERY, topic(origin=True)),
        (RECOVERY, topic(anabranch_lane="recovery")),
        (open_lane, topic()),
    ):
        lanes.check_write(*allowed)
    for refused in ((RECOVERY, topic()), (RECOVERY, topic(anabranch_lane="tests"))):
        with pytest.raises(ClientFault) as fault:
            lanes.check_write(*refused)
        assert fault.value.code is ErrorCode.TOPIC_AUTHORIZATION_FAILED
    assert lanes.admits_group(live, "anything")
    assert lanes.admits_group(RECOVERY, "replay.r-1") and lanes.admits_group(RECOVERY, "recovery.x")
    assert not lanes.admits_group(RECOVERY, "orders") and not lanes.admits_group(RECOVERY, "replay")
    assert lanes.admits_group(LaneSettings("recovery", groups=("",)), "orders")
    assert not lanes.admits_group(LaneSettings("recovery", groups=()), "replay.r-1")


async def branch(bench: Bench, name: str) -> None:
    log = bench.broker.log
    source = log.catalogue.topic("t")
    assert source is not None
    await log.branch(source, name, BranchPoint(offsets={0: 1}))


async def test_each_lane_shows_its_own_brokers(tmp_path: Path) -> None:
    async with brokers(tmp_path, 2, lane=LIVE_AND_RECOVERY) as (live, recovery):
        for bench in (live, recovery):
            (one,) = (await bench.call(metadata())).brokers
            assert one.port == bench.broker.port


async def test_I7_live_topics_are_read_and_branches_written(tmp_path: Path) -> None:
    async with brokers(tmp_path, 2, lane=LIVE_AND_RECOVERY) as (live, recovery):
        await live.create("t")
        assert (await live.produce("t", batch(b"v1", b"v2"))).error_code == ErrorCode.NONE
        await known([recovery], "t")
        found = await recovery.fetch("t", 0, max_wait_ms=10_000)
        assert b"v1" in bytes(found.records)
        refused = await recovery.produce("t", batch(b"x"))
        assert refused.error_code == ErrorCode.TOPIC_AUTHORIZATION_FAILED
        assert "'recovery'" in refused.error_message and "write_live" in refused.error_message
        assert (await live.offset("t", -1)).offset == 2
        await branch(live, "b")
        await known([recovery], "b")
        written = await recovery.produce("b", batch(b"own"))
        assert (written.error_code, written.base_offset) == (ErrorCode.NONE, 1)
        assert (await live.offset("b", -1)).offset == 2
        assert (await live.offset("t", -1)).offset == 2


async def test_a_lane_slows_for_what_live_brokers_feel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brokers(tmp_path, 2, lane=LIVE_AND_RECOVERY) as (live, recovery):
        felt, slowed = live.broker.log.reader.pace, recovery.broker.log.reader.pace
        now_s = asyncio.get_running_loop().time() + 1000  # ahead of what the brokers do themselves

        floor = recovery.broker.settings.log.cold_bytes_per_second_min

        async def rate_after(beats: int, late_percent: int) -> int:
            """Live appends are so late while more than the floor is read."""
            nonlocal now_s
            monkeypatch.setattr(
                felt,
                "report",
                lambda _: (late_percent if slowed.limit > floor else min(late_percent, 100), 0),
            )
            for _ in range(beats):
                await live.broker.membership._beat()  # into the metastore
                await recovery.broker.membership.look()  # and out of it
                now_s += WINDOW_S
                slowed.read(now_s, int(min(slowed.rate(now_s), 1e9) * WINDOW_S))
            return slowed.rate(now_s)

        at_ease = await rate_after(20, late_percent=100)
        assert at_ease > 2 * floor
        assert await rate_after(40, late_percent=300) <= 2 * floor
        assert await rate_after(20, late_percent=100) > 2 * floor
        assert await rate_after(20, late_percent=0) == BYTES_PER_SECOND_MAX  # nobody appends


async def test_topics_created_in_a_lane_are_the_lanes(tmp_path: Path) -> None:
    async with brokers(tmp_path, 2, lane=LIVE_AND_RECOVERY) as (live, recovery):
        await recovery.create("own")
        assert (await recovery.produce("own", batch(b"v"))).error_code == ErrorCode.NONE
        made = (await recovery.call(metadata("auto", create=True))).topics[0]
        assert made.error_code == ErrorCode.NONE
        assert (await recovery.produce("auto", batch(b"v"))).error_code == ErrorCode.NONE
        await known([live], "own")
        assert (await live.produce("own", batch(b"v"))).error_code == ErrorCode.NONE


def alter_request(kind: ResourceType, name: str, config: str, value: str) -> Any:
    return m44.IncrementalAlterConfigsRequest(
        resources=[
            m44.AlterConfigsResource(
                resource_type=kind,
                resource_name=name,
                configs=[m44.AlterableConfig(name=config, config_operation=0, value=value)],
            )
        ]
    )


async def test_live_topics_are_not_administered_from_a_lane(tmp_path: Path) -> None:
    async with brokers(tmp_path, 2, lane=LIVE_AND_RECOVERY) as (live, recovery):
        await live.create("t")
        await known([recovery], "t")
        await recovery.create("own")
        denied = ErrorCode.TOPIC_AUTHORIZATION_FAILED

        def delete_records(name: str) -> Any:
            part = DeleteRecordsPartition(partition_index=0, offset=0)
            return DeleteRecordsRequest(topics=[DeleteRecordsTopic(name=name, partitions=[part])])

        def grow(name: str) -> Any:
            wanted = m37.CreatePartitionsTopic(name=name, count=2, assignments=None)
            return m37.CreatePartitionsRequest(topics=[wanted])

        def delete(name: str) -> Any:
            return DeleteTopicsRequest(topics=[DeleteTopicState(name=name)])

        for name, expected in (("t", denied), ("own", ErrorCode.NONE)):
            # A lane does not open a live topic to itself either.
            alter = alter_request(ResourceType.TOPIC, name, "anabranch.lane", "recovery")
            assert (await recovery.call(alter)).responses[0].error_code == expected
            answer = await recovery.call(delete_records(name))
            assert answer.topics[0].partitions[0].error_code == expected
            assert (await recovery.call(grow(name))).results[0].error_code == expected
            assert (await recovery.call(delete(name))).responses[0].error_code == expected
        cluster_wide = alter_request(ResourceType.BROKER, "", "max.connections", "5")
        (answer,) = (await recovery.call(cluster_wide)).responses
        assert answer.error_code == ErrorCode.CLUSTER_AUTHORIZATION_FAILED
        opened = alter_request(ResourceType.TOPIC, "t", "anabranch.lane", "recovery")
        assert (await live.call(opened)).responses[0].error_code == ErrorCode.NONE
        for _ in range(1200):
            if (await recovery.produce("t", batch(b"v"))).error_code == ErrorCode.NONE:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError("the topic was opened to the lane")


async def test_I7_production_groups_are_refused_in_a_lane(tmp_path: Path) -> None:
    async with brokers(tmp_path, 2, lane=LIVE_AND_RECOVERY) as (live, recovery):
        await live.create("t")
        await known([recovery], "t")
        joined = await join(live, 9)
        await live.call(sync_request(joined))
        denied = ErrorCode.GROUP_AUTHORIZATION_FAILED
        find = FindCoordinatorRequest(key_type=0, coordinator_keys=["g", "replay.r-1"])
        refused, found = (await recovery.call(find)).coordinators
        assert refused.error_code == denied and "'replay.'" in refused.error_message
        assert (found.error_code, found.port) == (ErrorCode.NONE, recovery.broker.port)
        assert (await recovery.call(join_request("g"))).error_code == denied
        answer = await recovery.call(commit_request({("t", 0): 0}), 9)
        assert answer.topics[0].partitions[0].error_code == denied
        mine = await join(recovery, 9, "replay.r-1")
        assert mine.error_code == ErrorCode.NONE
        await recovery.call(sync_request(mine, "replay.r-1"))
        listed = [one.group_id for one in (await recovery.call(ListGroupsRequest())).groups]
        assert listed == ["replay.r-1"]


async def test_a_lanes_groups_are_not_taken_up_by_another_lane(tmp_path: Path) -> None:
    async with brokers(tmp_path, 2, lane=LIVE_AND_RECOVERY) as (live, recovery):
        mine = await join(recovery, 9, "recovery.x")
        await recovery.call(sync_request(mine, "recovery.x"))
        row = await live.broker.log.metastore.group("recovery.x")
        assert row is not None and (row.lane, row.state) == ("recovery", "Stable")
        await live.broker.groups._keeper.take_up()
        assert not live.broker.groups._keeper.groups  # else it would expire members it never hears
