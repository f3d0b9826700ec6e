"""Several brokers on one directory: routing, stale routing, long polls, groups that move, leaving."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from anabranch.broker import following
from anabranch.broker.config import BrokerSettings
from anabranch.broker.membership import SILENT_MS_MAX
from anabranch.broker.server import Broker
from anabranch.broker.surroundings import real
from anabranch.errors import ErrorCode
from anabranch.log import opening
from anabranch.log.catalogue import Catalogue
from anabranch.log.shards import lease_name
from anabranch.wire.messages import m09_offset_fetch as m09
from anabranch.wire.messages import m13_leave_group as m13
from anabranch.wire.messages import m78_share_fetch as m78
from anabranch.wire.messages.m03_metadata import MetadataRequest, MetadataRequestTopic
from anabranch.wire.messages.m10_find_coordinator import FindCoordinatorRequest
from anabranch.wire.messages.m12_heartbeat import HeartbeatRequest
from anabranch.wire.messages.m15_describe_groups import DescribeGroupsRequest
from anabranch.wire.messages.m16_list_groups import ListGroupsRequest
from anabranch.wire.messages.m23_offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from anabranch.wire.messages.m35_describe_log_dirs import DescribeLogDirsRequest
from anabranch.wire.messages.m60_describe_cluster import DescribeClusterRequest
from anabranch.wire.messages.m69_consumer_group_describe import ConsumerGroupDescribeRequest
from anabranch.wire.messages.m75_describe_topic_partitions import (
    DescribeTopicPartitionsRequest,
    TopicRequest,
)
from tests.broker.conversation import Bench, batch, fetch_request, metadata, produce_request
from tests.broker.test_api_configs import incremental
from tests.broker.test_api_consumer_groups import beat as beat_consumers
from tests.broker.test_api_consumer_groups import join as join_consumers
from tests.broker.test_api_consumer_groups import owned
from tests.broker.test_api_consumer_groups import partitions as consumer_partitions
from tests.broker.test_api_groups import (
    commit_request,
    committed,
    join,
    join_request,
    sync_request,
)
from tests.support.broker import WireClient, broker_settings
from tests.support.postgres import postgres_url

PARTITIONS = 64  # every broker leads some: the odds against it are below one in ten million
LATEST = -1


@pytest.fixture(autouse=True, params=["postgres", "sqlite"])
def metastore(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it on both engines; on PostgreSQL with WAL and store where they were."""
    if request.param == "sqlite":
        return
    urls: dict[Path, str] = {}
    real = broker_settings

    def settings(data: Path, **changes: Any) -> BrokerSettings:
        if data not in urls:
            urls[data] = postgres_url()
        return real(data, metastore=urls[data], **changes)

    monkeypatch.setattr(sys.modules[__name__], "broker_settings", settings)


@asynccontextmanager
async def brokers(data: Path, count: int, **changes: Any) -> AsyncIterator[list[Bench]]:
    """Brokers that all see each other; ``changes`` may hold a list, one for each."""
    async with AsyncExitStack() as stack:
        benches: list[Bench] = []
        for number in range(count):
            mine = {
                name: value[number] if isinstance(value, list) else value
                for name, value in changes.items()
            }
            broker = Broker(broker_settings(data, **mine))
            await broker.start()
            stack.push_async_callback(broker.stop)
            client = await stack.enter_async_context(WireClient.connected(broker))
            benches.append(Bench(broker, client))
        lanes: dict[str, int] = {}
        for bench in benches:
            lanes[bench.broker.membership.me.lane] = (
                lanes.get(bench.broker.membership.me.lane, 0) + 1
            )
        for bench in benches:
            size = lanes[bench.broker.membership.me.lane]
            await eventually(lambda bench=bench, size=size: len(bench.broker.routes.lane) == size)
        yield benches
        # All at once: nobody hands over to a broker that goes as well.
        await asyncio.gather(*(bench.broker.stop() for bench in benches))


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def known(benches: list[Bench], topic: str) -> None:
    """Until every broker has noticed the topic."""
    await eventually(lambda: all(b.broker.log.catalogue.topic(topic) for b in benches))


async def leaders(bench: Bench, topic: str = "t") -> list[int]:
    (answer,) = (await bench.call(metadata(topic))).topics
    assert [one.leader_epoch for one in answer.partitions] == [0] * PARTITIONS
    assert all(one.replica_nodes == one.isr_nodes for one in answer.partitions)
    return [one.leader_id for one in answer.partitions]


@pytest.mark.parametrize("others", [0, 200], ids=["one by one", "all at once"])
async def test_what_one_broker_created_no_other_calls_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    """Its creator was told that it is there: a consumer that subscribes in that moment would fail."""
    monkeypatch.setattr(Catalogue, "watch", lambda self: None)  # no notice arrives
    absent = [f"absent-{number}" for number in range(others)]
    async with brokers(tmp_path, 2) as (one, other):
        await one.create("a")
        told = (await other.call(metadata("a", "not a name", *absent))).topics
        assert [topic.error_code for topic in told] == [
            ErrorCode.NONE,
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            *[ErrorCode.UNKNOWN_TOPIC_OR_PARTITION] * others,
        ]
        await one.create("b")
        made = one.broker.log.catalogue.topic("b")
        assert made is not None
        (by_id,) = (
            await other.call(
                MetadataRequest(topics=[MetadataRequestTopic(name=None, topic_id=made.id)]), 13
            )
        ).topics
        assert (by_id.error_code, by_id.name) == (ErrorCode.NONE, "b")
        await one.create("c")
        described = await other.call(
            DescribeTopicPartitionsRequest(
                topics=[TopicRequest(name=name) for name in ("c", *absent)],
                response_partition_limit=100,
            )
        )
        assert next(t for t in described.topics if t.name == "c").error_code == ErrorCode.NONE
        await one.create("d")
        altered = await incremental(other, 2, "d", ("retention.ms", 0, "1000"))
        assert altered.error_code == ErrorCode.NONE


async def test_every_broker_shows_all_and_names_the_same_leaders(tmp_path: Path) -> None:
    async with brokers(tmp_path, 3) as benches:
        await benches[0].create("t", PARTITIONS)
        await known(benches, "t")
        told = [await leaders(bench) for bench in benches]
        assert told[0] == told[1] == told[2] and set(told[0]) == {1, 2, 3}
        ports = {bench.broker.node_id: bench.broker.port for bench in benches}
        for bench in benches:
            answer = await bench.call(metadata())
            assert {one.node_id: one.port for one in answer.brokers} == ports
            assert answer.controller_id == 1
            cluster = await bench.call(DescribeClusterRequest(endpoint_type=1))
            assert {one.broker_id: one.port for one in cluster.brokers} == ports
            described = await bench.call(
                DescribeTopicPartitionsRequest(
                    topics=[TopicRequest(name="t")], response_partition_limit=100
                )
            )
            assert [one.leader_id for one in described.topics[0].partitions] == told[0]


async def test_log_dirs_of_all_brokers_add_up(tmp_path: Path) -> None:
    async with brokers(tmp_path, 2) as benches:
        await benches[0].create("t", PARTITIONS)
        await known(benches, "t")
        seen: list[int] = []
        for bench in benches:
            (result,) = (await bench.call(DescribeLogDirsRequest(topics=None))).results
            seen += [one.partition_index for topic in result.topics for one in topic.partitions]
        assert sorted(seen) == list(range(PARTITIONS))


async def test_I2_stale_routing_is_served(tmp_path: Path) -> None:
    """Any broker appends to and reads any partition; offsets are dense whoever gives them."""
    async with brokers(tmp_path, 3) as benches:
        await benches[0].create("t", PARTITIONS)
        await known(benches, "t")
        for number in range(30):
            answer = await benches[number % 3].produce("t", batch(b"%d" % number))
            assert (answer.error_code, answer.base_offset) == (ErrorCode.NONE, number)
        for bench in benches:
            assert (await bench.offset("t", LATEST)).offset == 30
            found = await bench.fetch("t", 0)
            assert found.error_code == ErrorCode.NONE and found.high_watermark == 30


async def test_what_one_broker_acknowledged_the_others_count_at_once(tmp_path: Path) -> None:
    async with brokers(tmp_path, 2) as (first, second):
        await first.create("t")
        await known([first, second], "t")
        for number in range(50):
            await first.produce("t", batch(b"v"))
            assert (await second.offset("t", LATEST)).offset == number + 1
            part = OffsetForLeaderPartition(partition=0, current_leader_epoch=0, leader_epoch=0)
            ends = await second.call(
                OffsetForLeaderEpochRequest(
                    topics=[OffsetForLeaderTopic(topic="t", partitions=[part])]
                )
            )
            assert ends.topics[0].partitions[0].end_offset == number + 1


async def test_a_long_poll_is_woken_by_an_append_elsewhere(tmp_path: Path) -> None:
    async with brokers(tmp_path, 2) as (first, second):
        await first.create("t", 2)
        await known([first, second], "t")
        for number in range(5):
            request = fetch_request("t", number, max_wait_ms=600_000)
            ticket = second.client.send(request, 12)
            await asyncio.sleep(0.02)
            await first.produce("t", batch(b"v%d" % number))
            answer = await asyncio.wait_for(second.client.receive(ticket), 60)
            found = answer.responses[0].partitions[0]
            assert b"v%d" % number in bytes(found.records)


async def test_zones_lead_producers_and_consumers_home(tmp_path: Path) -> None:
    async with brokers(tmp_path, 4, rack=["a", "a", "b", None]) as benches:
        first = benches[0]
        await first.create("t", PARTITIONS)
        await known(benches, "t")

        async def told(client_id: str) -> set[int]:
            ticket = first.client.send(metadata("t"), 12, client_id=client_id)
            (topic,) = (await first.client.receive(ticket)).topics
            return {one.leader_id for one in topic.partitions}

        assert await told("zone=a") == {1, 2}
        assert await told("app,zone=b") == {3}
        assert await told("app") == await told("zone=c") == {1, 2, 3, 4}
        await first.produce("t", batch(b"v"))
        request = fetch_request("t", 0, rack_id="b")
        (part,) = (await first.client.call(request, 12)).responses[0].partitions
        assert part.preferred_read_replica == 3 and not part.records
        assert (part.error_code, part.high_watermark) == (ErrorCode.NONE, 1)
        (topic,) = (await first.call(metadata("t"))).topics
        assert 3 in topic.partitions[0].replica_nodes  # else clients would not go there
        patient = fetch_request("t", 0, rack_id="b", max_wait_ms=600_000)
        (home,) = (await benches[2].client.call(patient, 12)).responses[0].partitions
        assert home.preferred_read_replica == -1 and home.records
        nowhere = fetch_request("t", 0, rack_id="c")
        (there,) = (await first.client.call(nowhere, 12)).responses[0].partitions
        assert there.preferred_read_replica == -1 and there.records


# -- groups ----------------------------------------------------------------------------------------


async def coordinator(bench: Bench, group: str = "g") -> int:
    found = await bench.call(FindCoordinatorRequest(key_type=0, coordinator_keys=[group]))
    (one,) = found.coordinators
    assert one.error_code == ErrorCode.NONE
    return int(one.node_id)


async def split(benches: list[Bench], group: str = "g") -> tuple[Bench, list[Bench]]:
    """The group's owner, and the others."""
    owners = {await coordinator(bench, group) for bench in benches}
    (owner,) = owners
    by_id = {bench.broker.node_id: bench for bench in benches}
    return by_id.pop(owner), list(by_id.values())


def never_forgets(bench: Bench) -> None:
    """It keeps its picture of every group, even if the machine stalls for so long that the broker was out
    of sight: it would take the groups up anew then, and know what others did with them meanwhile."""
    bench.broker.membership.on_fenced.remove(bench.broker.groups.forget)


def beat(joined: Any, group: str = "g") -> HeartbeatRequest:
    return HeartbeatRequest(
        group_id=group, generation_id=joined.generation_id, member_id=joined.member_id
    )


async def test_only_the_owner_serves_a_group(tmp_path: Path) -> None:
    async with brokers(tmp_path, 3) as benches:
        await benches[0].create("t")
        await known(benches, "t")
        owner, others = await split(benches)
        joined = await join(owner, 9)
        assert (await owner.call(sync_request(joined))).error_code == ErrorCode.NONE
        for other in others:
            not_here = ErrorCode.NOT_COORDINATOR
            assert (await other.call(join_request())).error_code == not_here
            assert (await other.call(sync_request(joined))).error_code == not_here
            assert (await other.call(beat(joined))).error_code == not_here
            answer = await other.call(commit_request({("t", 0): 5}), 9)
            assert answer.topics[0].partitions[0].error_code == not_here
            fetched = await other.call(
                m09.OffsetFetchRequest(
                    groups=[m09.OffsetFetchRequestGroup(group_id="g", topics=None)]
                ),
                9,
            )
            assert fetched.groups[0].error_code == not_here
            described = await other.call(DescribeGroupsRequest(groups=["g"]))
            assert described.groups[0].error_code == not_here
            assert (await other.call(ListGroupsRequest())).groups == []
        assert [one.group_id for one in (await owner.call(ListGroupsRequest())).groups] == ["g"]


async def test_I4_a_dead_coordinators_group_moves_without_a_rebalance(tmp_path: Path) -> None:
    async with brokers(tmp_path, 3) as benches:
        await benches[0].create("t")
        await known(benches, "t")
        owner, others = await split(benches)
        joined = await join(owner, 9)
        await owner.call(sync_request(joined))
        await owner.call(
            commit_request({("t", 0): 7}, generation=joined.generation_id, member=joined.member_id),
            9,
        )
        # It falls silent, as if killed.
        await owner.broker.membership._stop()
        dead = owner.broker.node_id
        await eventually(lambda: all(dead not in b.broker.routes.by_id for b in others))
        heir, _ = await split(others)
        assert (await heir.call(beat(joined))).error_code == ErrorCode.NONE
        assert (await heir.call(sync_request(joined))).assignment == b"mine"
        described = await heir.call(DescribeGroupsRequest(groups=["g"]))
        assert described.groups[0].group_state == "Stable"
        fetched = await heir.call(
            m09.OffsetFetchRequest(groups=[m09.OffsetFetchRequestGroup(group_id="g")]), 9
        )
        assert fetched.groups[0].error_code == ErrorCode.NONE


async def test_I4_a_dead_coordinators_consumer_group_goes_on_with_its_epochs(
    tmp_path: Path,
) -> None:
    async with brokers(tmp_path, 3) as benches:
        topic = await benches[0].create("t", 4)
        await known(benches, "t")
        owner, others = await split(benches)
        never_forgets(owner)
        first = await join_consumers(owner, "a")
        second = await join_consumers(owner, "b")
        revoke = await beat_consumers(owner, "a", first.member_epoch)
        kept = owned(topic, *(consumer_partitions(revoke) or []))
        done = await beat_consumers(owner, "a", first.member_epoch, topic_partitions=kept)
        # b has not been told yet what a gave up when the coordinator falls silent, as if killed.
        await owner.broker.membership._stop()
        dead = owner.broker.node_id
        await eventually(lambda: all(dead not in b.broker.routes.by_id for b in others))
        heir, _ = await split(others)
        has = await beat_consumers(heir, "b", second.member_epoch)
        assert (has.error_code, has.member_epoch) == (0, second.member_epoch)
        given = set(consumer_partitions(has) or [])
        assert given == set(range(4)) - set(consumer_partitions(revoke) or [])
        same = await beat_consumers(heir, "a", done.member_epoch)
        assert (same.error_code, same.member_epoch) == (0, done.member_epoch)
        assert consumer_partitions(same) is None
        described = await heir.call(ConsumerGroupDescribeRequest(group_ids=["g"]))
        (group,) = described.groups
        assert (group.group_state, group.group_epoch) == ("Stable", second.member_epoch)
        # The old one, should it live, changes nothing any more.
        late = await join_consumers(owner, "c")
        assert late.error_code == ErrorCode.NOT_COORDINATOR


async def test_I4_of_two_owners_of_a_group_the_one_with_the_old_picture_changes_nothing(
    tmp_path: Path,
) -> None:
    async with brokers(tmp_path, 2) as benches:
        await benches[0].create("t")
        await known(benches, "t")
        owner, (other,) = await split(benches)
        never_forgets(owner)
        joined = await join(owner, 9)
        await owner.call(sync_request(joined))
        # The other believes that the owner is dead; the owner has not noticed anything.
        await other.broker.membership._stop()
        me = other.broker.membership.me
        other.broker.membership.routes = type(other.broker.routes)(me, [me])
        leaver = m13.MemberIdentity(member_id=joined.member_id)
        left = await other.call(m13.LeaveGroupRequest(group_id="g", members=[leaver]))
        assert left.members[0].error_code == ErrorCode.NONE
        assert (await owner.call(beat(joined))).error_code == ErrorCode.NONE  # for a moment yet
        old = commit_request(
            {("t", 0): 5}, generation=joined.generation_id, member=joined.member_id
        )
        answer = await owner.call(old, 9)
        assert answer.topics[0].partitions[0].error_code == ErrorCode.NOT_COORDINATOR
        fetched = await other.broker.log.metastore.committed("g")
        assert fetched == []
        # It has dropped its picture, and knows the group as it is now.
        answer = await owner.call(old, 9)
        assert answer.topics[0].partitions[0].error_code == ErrorCode.UNKNOWN_MEMBER_ID


@pytest.mark.parametrize("version", [7, 9, 10])
async def test_I4_offsets_of_a_topic_that_is_news_to_the_coordinator_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """Else a consumer would take it for never committed, and begin anywhere (found by the simulation)."""
    monkeypatch.setattr(Catalogue, "watch", lambda self: None)  # no notice arrives
    async with brokers(tmp_path, 2) as benches:
        owner, (other,) = await split(benches)
        await owner.create("t")
        answer = await owner.call(commit_request({("t", 0): 5}), 9)
        assert answer.topics[0].partitions[0].error_code == ErrorCode.NONE
        # The group moves before its new coordinator has heard of the topic.
        monkeypatch.setattr(other.broker.groups, "_refusal", lambda group_id: ErrorCode.NONE)
        topic = owner.broker.log.catalogue.topic("t")
        assert topic is not None and other.broker.log.catalogue.topic("t") is None
        for wanted in ({"t": [0]}, None):
            found = await committed(other, wanted, version, ids={"t": topic.id})
            assert [one[0] for one in found.values()] == [5]


async def test_whoever_waits_in_a_group_is_told_that_it_moved(tmp_path: Path) -> None:
    async with brokers(tmp_path, 1) as (first,):
        joined = await join(first, 9, group=GROUP_OF_2)
        await first.call(sync_request(joined, group=GROUP_OF_2))
        async with WireClient.connected(first.broker) as waiting:
            told = await waiting.call(join_request(GROUP_OF_2), 9)
            ticket = waiting.send(join_request(GROUP_OF_2, told.member_id), 9)
            await asyncio.sleep(0.05)  # it waits for the first member to join again
            second = Broker(broker_settings(tmp_path))
            await second.start()
            try:
                answer = await asyncio.wait_for(waiting.receive(ticket), 60)
                assert answer.error_code == ErrorCode.NOT_COORDINATOR
                async with WireClient.connected(second) as client:
                    here = Bench(second, client)
                    assert await coordinator(here, GROUP_OF_2) == second.node_id
                    again = await here.call(beat(joined, GROUP_OF_2))
                    assert again.error_code == ErrorCode.REBALANCE_IN_PROGRESS
            finally:
                await second.stop()


GROUP_OF_2 = "group-4"  # its owner among brokers 1 and 2 is broker 2


async def test_a_broker_out_of_sight_forgets_its_groups(tmp_path: Path) -> None:
    async with brokers(tmp_path, 1) as (only,):
        joined = await join(only, 9)
        await only.call(sync_request(joined))
        (held,) = only.broker.groups._keeper.groups.values()
        only.broker.membership._beaten_ms -= SILENT_MS_MAX
        await eventually(lambda: held not in only.broker.groups._keeper.groups.values())
        await eventually(lambda: bool(only.broker.groups._keeper.groups))  # taken up as stored
        assert (await only.call(beat(joined))).error_code == ErrorCode.NONE


# -- leaving ---------------------------------------------------------------------------------------


async def test_a_leaving_broker_sends_its_clients_to_the_others(tmp_path: Path) -> None:
    async with brokers(tmp_path, 2) as (first, second):
        await first.create("t", PARTITIONS)
        await known([first, second], "t")
        polling = WireClient(*await asyncio.open_connection(first.broker.host, first.broker.port))
        ticket = polling.send(fetch_request("t", 0, max_wait_ms=600_000), 12)
        stopping = asyncio.create_task(first.broker.stop())
        # The others know at once, and until then this broker serves.
        await eventually(lambda: list(second.broker.routes.by_id) == [second.broker.node_id])
        assert (await first.produce("t", batch(b"v"))).error_code == ErrorCode.NONE
        assert set(await leaders(first)) == {second.broker.node_id}
        await eventually(lambda: first.broker.handing_over)
        answer = await first.call(produce_request("t", batch(b"v")), 12)
        (part,) = answer.responses[0].partition_responses
        assert part.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert part.current_leader.leader_id == second.broker.node_id
        (endpoint,) = answer.node_endpoints
        assert (endpoint.node_id, endpoint.port) == (second.broker.node_id, second.broker.port)
        # A long poll ends, with what there is; the next fetch is sent away.
        polled = await asyncio.wait_for(polling.receive(ticket), 60)
        assert polled.responses[0].partitions[0].error_code == ErrorCode.NONE
        fetched = await first.client.call(fetch_request("t", 0), 12)
        assert fetched.responses[0].partitions[0].error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        await stopping
        polling.writer.close()


async def test_configs_of_all_brokers_reach_all_brokers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brokers(tmp_path, 2) as (first, second):
        assert (await incremental(first, 4, "", ("num.partitions", 0, "7"))).error_code == 0
        await eventually(lambda: second.broker.settings.topics.partitions == 7)

        # Steps by two brokers add up: each begins with what the other has done.
        async def deaf(_: object) -> None:
            """It hears of nothing by itself."""

        monkeypatch.setattr(second.broker.configs, "look", deaf)
        assert (await incremental(first, 4, "", ("max.connections", 0, "77"))).error_code == 0
        assert (await incremental(second, 4, "", ("num.partitions", 0, "8"))).error_code == 0
        await eventually(lambda: first.broker.settings.topics.partitions == 8)
        for bench in (first, second):
            assert bench.broker.settings.limits.connections_max == 77
        # One broker's own stays its own.
        name = str(first.broker.node_id)
        assert (await incremental(first, 4, name, ("num.partitions", 0, "9"))).error_code == 0
        assert (await incremental(first, 4, "", ("num.partitions", 1, None))).error_code == 0
        await second.broker.configs.load(second.broker.log.metastore)
        assert second.broker.settings.topics.partitions == 1
        assert first.broker.settings.topics.partitions == 9


async def test_a_change_of_configs_that_nobody_told_of_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "POLL_S", 0.05)
    monkeypatch.setattr(following.Follower, "_notice", lambda *_: None)
    async with brokers(tmp_path, 2) as (first, second):
        assert (await incremental(first, 4, "", ("num.partitions", 0, "7"))).error_code == 0
        await eventually(lambda: second.broker.settings.topics.partitions == 7)


@pytest.mark.parametrize("off_ms", [3_600_000, -3_600_000])
async def test_a_clock_that_is_an_hour_off_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off_ms: int
) -> None:
    """Heartbeats and leases are in the metastore's time, whatever a broker's own clock says."""
    async with brokers(tmp_path, 1) as (first,):
        metastore = first.broker.log.metastore

        def wrong_ms() -> int:
            return time.time_ns() // 1_000_000 + off_ms

        monkeypatch.setattr(opening, "wall_clock_ms", wrong_ms)
        second = Broker(broker_settings(tmp_path), surroundings=real()._replace(now_ms=wrong_ms))
        await second.start()
        try:
            for broker in (first.broker, second):
                await eventually(lambda broker=broker: len(broker.routes.lane) == 2)
            now_ms = await metastore.now_ms()
            for row in await metastore.brokers():
                assert abs(row.started_ms - now_ms) < 60_000 > abs(row.heartbeat_ms - now_ms)
            assert second.log.background is not None
            shards = second.log.background.shards
            await eventually(lambda: bool(shards.held))
            name, ttl_ms = lease_name(shards.held[0]), second.log.settings.lease_ms
            now_ms = await metastore.now_ms()
            assert not await metastore.acquire_lease(name, "another", 1, now_ms)
            assert await metastore.acquire_lease(name, "another", 1, now_ms + ttl_ms + 1)
        finally:
            await second.stop()


async def test_the_last_broker_leaves_without_a_pause(tmp_path: Path) -> None:
    async with brokers(tmp_path, 1) as (only,):
        await only.create("t")
        await only.broker._leave()
        assert not only.broker.handing_over
        assert await only.broker.log.metastore.brokers() == []


async def test_a_broker_takes_the_number_of_one_that_left(tmp_path: Path) -> None:
    async with brokers(tmp_path, 3) as benches:
        assert [bench.broker.node_id for bench in benches] == [1, 2, 3]
        await benches[1].broker.stop()
        again = Broker(broker_settings(tmp_path))
        await again.start()
        try:
            assert again.node_id == 2
        finally:
            await again.stop()


async def test_a_share_groups_partition_is_its_leaders(tmp_path: Path) -> None:
    """KIP-932, KIP-951: whoever asks another broker is told whom to ask; when that one leaves, what was accepted
    there is not delivered again."""
    async with brokers(tmp_path, 2) as benches:
        topic_id = await benches[0].create("t", PARTITIONS)
        await known(benches, "t")
        led = await leaders(benches[0])
        partition = led.index(benches[1].broker.node_id)
        other, leader = benches
        for value in (b"a", b"b"):
            await leader.produce("t", batch(value), partition)
        wanted = ("share.auto.offset.reset", 0, "earliest")
        assert not (await incremental(other, 32, "queue", wanted)).error_code
        for bench in benches:
            await bench.broker.group_limits.refresh()

        async def fetch(bench: Bench, epoch: int, *accept: int) -> Any:
            acks = [
                m78.AcknowledgementBatch(first_offset=n, last_offset=n, acknowledge_types=[1])
                for n in accept
            ]
            part = m78.FetchPartition(partition_index=partition, acknowledgement_batches=acks)
            answer = await bench.call(
                m78.ShareFetchRequest(
                    group_id="queue",
                    member_id="one",
                    share_session_epoch=epoch,
                    max_records=9,
                    topics=[m78.FetchTopic(topic_id=topic_id, partitions=[part])],
                )
            )
            assert answer.error_code == 0
            return answer

        told = await fetch(other, 0)
        (part,) = told.responses[0].partitions
        assert part.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert part.current_leader.leader_id == leader.broker.node_id
        (endpoint,) = told.node_endpoints
        assert (endpoint.node_id, endpoint.port) == (leader.broker.node_id, leader.broker.port)
        (part,) = (await fetch(leader, 0)).responses[0].partitions
        assert [one.last_offset for one in part.acquired_records] == [0, 1]
        (part,) = (await fetch(leader, 1, 0)).responses[0].partitions
        assert part.acknowledge_error_code == 0
        await leader.broker.stop()
        await eventually(lambda: len(other.broker.routes.lane) == 1)
        (part,) = (await fetch(other, 1)).responses[0].partitions
        assert [(one.first_offset, one.delivery_count) for one in part.acquired_records] == [(1, 2)]
