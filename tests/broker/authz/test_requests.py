"""Requests of which a part is allowed, what is left out, and the right of replaying."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from anabranch.broker.authz.acl import Operation as O
from anabranch.broker.authz.acl import PatternType, Permission
from anabranch.broker.topics import CLUSTER_OPERATIONS, GROUP_OPERATIONS, TOPIC_OPERATIONS
from anabranch.errors import ErrorCode as E
from anabranch.wire.codec import ZERO_UUID
from anabranch.wire.messages.m00_produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from anabranch.wire.messages.m01_fetch import FetchPartition, FetchRequest, FetchTopic
from anabranch.wire.messages.m03_metadata import MetadataRequest, MetadataRequestTopic
from anabranch.wire.messages.m08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from anabranch.wire.messages.m09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
)
from anabranch.wire.messages.m15_describe_groups import DescribeGroupsRequest
from anabranch.wire.messages.m16_list_groups import ListGroupsRequest
from anabranch.wire.messages.m20_delete_topics import DeleteTopicsRequest, DeleteTopicState
from anabranch.wire.messages.m22_init_producer_id import InitProducerIdRequest
from anabranch.wire.messages.m29_describe_acls import DescribeAclsRequest
from anabranch.wire.messages.m30_create_acls import AclCreation, CreateAclsRequest
from anabranch.wire.messages.m31_delete_acls import DeleteAclsFilter, DeleteAclsRequest
from anabranch.wire.messages.m60_describe_cluster import DescribeClusterRequest
from anabranch.wire.messages.m75_describe_topic_partitions import DescribeTopicPartitionsRequest
from anabranch.wire.messages.m78_share_fetch import FetchPartition as SharePartition
from anabranch.wire.messages.m78_share_fetch import FetchTopic as ShareTopic
from anabranch.wire.messages.m78_share_fetch import ShareFetchRequest
from tests.broker.authz.people import (
    ADMIN,
    CLUSTER,
    GROUP,
    THE_CLUSTER,
    TOPIC,
    become,
    codes,
    entry,
    guarded,
    set_acls,
)
from tests.broker.conversation import Bench, batch, fetch_request, metadata, run, talking

ALICE = "User:alice"


async def as_alice(bench: Bench, *rights: Any) -> None:
    await set_acls(bench, *(entry(*right) for right in rights))
    become(bench, ALICE)


def commit(offset: int, *, topic: str = "a", generation: int = -1) -> OffsetCommitRequest:
    return OffsetCommitRequest(
        group_id="g",
        generation_id_or_member_epoch=generation,
        member_id="",
        topics=[
            OffsetCommitRequestTopic(
                name=topic,
                partitions=[
                    OffsetCommitRequestPartition(partition_index=0, committed_offset=offset)
                ],
            )
        ],
    )


async def committed(bench: Bench, offset: int) -> int:
    answer = await bench.call(commit(offset), 9)
    return int(answer.topics[0].partitions[0].error_code)


def test_produce_appends_what_is_allowed_and_refuses_the_rest(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            ids = {name: await bench.create(name) for name in ("a", "b", "c")}
            await as_alice(bench, (O.WRITE, TOPIC, "a"), (O.WRITE, TOPIC, "c"))
            for version in (12, 13):
                request = ProduceRequest(
                    acks=-1,
                    timeout_ms=1000,
                    topic_data=[
                        TopicProduceData(
                            name=name if version < 13 else "",
                            topic_id=ids[name] if version >= 13 else ZERO_UUID,
                            partition_data=[PartitionProduceData(index=0, records=batch(b"v"))],
                        )
                        for name in ("a", "b", "c")
                    ],
                )
                answer = await bench.call(request, version)
                assert len(answer.responses) == 3
                for one in answer.responses:
                    (part,) = one.partition_responses
                    refused = one.name == "b" if version < 13 else one.topic_id == ids["b"]
                    assert part.error_code == (E.TOPIC_AUTHORIZATION_FAILED if refused else 0)
            become(bench, ADMIN)
            assert [(await bench.offset(name, -1)).offset for name in ("a", "b", "c")] == [2, 0, 2]

    run(scenario)


def test_produce_without_an_answer_closes_after_appending_what_is_allowed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            await bench.create("a")
            await bench.create("b")
            await as_alice(bench, (O.WRITE, TOPIC, "a"))
            request = ProduceRequest(
                acks=0,
                timeout_ms=1000,
                topic_data=[
                    TopicProduceData(
                        name=name,
                        partition_data=[PartitionProduceData(index=0, records=batch(b"v"))],
                    )
                    for name in ("a", "b")
                ],
            )
            bench.client.send(request, 12)
            assert await bench.client.closed()
            log = bench.broker.log
            ends = []
            for name in ("a", "b"):
                topic = log.catalogue.topic(name)
                assert topic is not None
                ends.append(log.partition(topic, 0).high_watermark)
            assert ends == [1, 0]

    run(scenario)


def test_fetch_sessions_ask_for_every_topic_each_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            ids = {name: await bench.create(name) for name in ("a", "b")}
            for name in ids:
                await bench.produce(name, batch(b"v"))
            await as_alice(bench, (O.READ, TOPIC, "a"))

            def fetch(session: int, epoch: int, *names: str) -> FetchRequest:
                return FetchRequest(
                    max_wait_ms=0,
                    min_bytes=1,
                    max_bytes=1 << 20,
                    session_id=session,
                    session_epoch=epoch,
                    topics=[
                        FetchTopic(
                            topic_id=ids[name],
                            partitions=[
                                FetchPartition(
                                    partition=0, fetch_offset=1, partition_max_bytes=1 << 20
                                )
                            ],
                        )
                        for name in names
                    ],
                )

            answer = await bench.call(fetch(0, 0, "a", "b"))
            found = {one.topic_id: one.partitions[0].error_code for one in answer.responses}
            assert found == {ids["a"]: 0, ids["b"]: E.TOPIC_AUTHORIZATION_FAILED}
            assert answer.session_id
            # Nothing is named any more, and still b is refused, and a once its right is gone.
            again = await bench.call(fetch(answer.session_id, 1))
            assert {one.topic_id for one in again.responses} == {ids["b"]}
            await set_acls(bench, entry(O.READ, TOPIC, "b"))
            third = await bench.call(fetch(answer.session_id, 2))
            found = {one.topic_id: one.partitions[0].error_code for one in third.responses}
            assert found[ids["a"]] == E.TOPIC_AUTHORIZATION_FAILED
            assert found.get(ids["b"], 0) == 0

    run(scenario)


@pytest.mark.parametrize("version", [0, 1, 4, 9, 12, 13])
def test_metadata_hides_what_may_not_be_described(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            ids = {name: await bench.create(name) for name in ("a", "b")}
            await as_alice(bench, (O.READ, TOPIC, "a"), (O.CREATE, TOPIC, "new"))
            everything = MetadataRequest(topics=[] if version == 0 else None)
            answer = await bench.call(everything, version)
            assert [one.name for one in answer.topics] == ["a"]
            named = await bench.call(metadata("a", "b", "none"), version)
            found = {one.name: one for one in named.topics}
            assert {name: one.error_code for name, one in found.items()} == {
                "a": 0,
                "b": E.TOPIC_AUTHORIZATION_FAILED,
                "none": E.TOPIC_AUTHORIZATION_FAILED,
            }
            assert found["b"].partitions == [] and found["b"].topic_id == ZERO_UUID
            only = await bench.call(metadata("b"), version)
            assert [(one.name, one.error_code) for one in only.topics] == [
                ("b", E.TOPIC_AUTHORIZATION_FAILED)
            ]
            if version >= 12:
                by_id = MetadataRequest(
                    topics=[MetadataRequestTopic(topic_id=one, name=None) for one in ids.values()]
                )
                answer = await bench.call(by_id, version)
                assert {one.topic_id: (one.name, one.error_code) for one in answer.topics} == {
                    ids["a"]: ("a", 0),
                    ids["b"]: (None, E.TOPIC_AUTHORIZATION_FAILED),
                }

    run(scenario)


def test_metadata_creates_only_what_may_be_created(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            await as_alice(
                bench,
                (O.DESCRIBE, TOPIC, "new"),
                (O.DESCRIBE, TOPIC, "no"),
                (O.CREATE, TOPIC, "new"),
            )
            answer = await bench.call(metadata("new", "no", create=True))
            assert {one.name: one.error_code for one in answer.topics} == {
                "new": 0,
                "no": E.TOPIC_AUTHORIZATION_FAILED,
            }
            assert [one.name for one in bench.broker.log.catalogue.topics()] == ["new"]

    run(scenario)


def test_authorized_operations_are_those_that_are_allowed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            await bench.create("a")

            def ask() -> MetadataRequest:
                return metadata(
                    "a",
                    include_topic_authorized_operations=True,
                    include_cluster_authorized_operations=True,
                )

            answer = await bench.call(ask(), 10)
            assert answer.topics[0].topic_authorized_operations == TOPIC_OPERATIONS
            assert answer.cluster_authorized_operations == CLUSTER_OPERATIONS
            groups = DescribeGroupsRequest(groups=["g"], include_authorized_operations=True)
            (group,) = (await bench.call(groups)).groups
            assert group.authorized_operations == GROUP_OPERATIONS
            await as_alice(
                bench,
                (O.READ, TOPIC, "a"),
                (O.DESCRIBE, GROUP, "g"),
                (O.ALTER_CONFIGS, CLUSTER, THE_CLUSTER),
                (O.DESCRIBE, CLUSTER, THE_CLUSTER),
            )
            answer = await bench.call(ask(), 10)
            assert answer.topics[0].topic_authorized_operations == 1 << O.READ | 1 << O.DESCRIBE
            cluster = 1 << O.DESCRIBE | 1 << O.DESCRIBE_CONFIGS | 1 << O.ALTER_CONFIGS
            assert answer.cluster_authorized_operations == cluster
            (group,) = (await bench.call(groups)).groups
            assert group.authorized_operations == 1 << O.DESCRIBE
            described = DescribeClusterRequest(include_cluster_authorized_operations=True)
            assert (await bench.call(described)).cluster_authorized_operations == cluster
            pages = await bench.call(DescribeTopicPartitionsRequest(topics=[]))
            assert [one.topic_authorized_operations for one in pages.topics] == [
                1 << O.READ | 1 << O.DESCRIBE
            ]
            await set_acls(bench, entry(O.READ, TOPIC, "a"))
            assert (await bench.call(described)).cluster_authorized_operations == 0
            assert (await bench.call(ask(), 10)).cluster_authorized_operations == 0

    run(scenario)


def test_lists_leave_out_what_may_not_be_described(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            for name in ("a", "b"):
                await bench.create(name)
                assert not set(codes(await bench.call(commit(1, topic=name), 9))) - {0}
            listed = await bench.call(ListGroupsRequest())
            assert [one.group_id for one in listed.groups] == ["g"]
            await as_alice(bench, (O.DESCRIBE, TOPIC, "a"))
            assert (await bench.call(ListGroupsRequest())).groups == []
            pages = await bench.call(DescribeTopicPartitionsRequest(topics=[]))
            assert [one.name for one in pages.topics] == ["a"]
            await set_acls(bench, entry(O.DESCRIBE, TOPIC, "a"), entry(O.DESCRIBE, GROUP, "g"))
            assert len((await bench.call(ListGroupsRequest())).groups) == 1
            everything = OffsetFetchRequest(
                groups=[OffsetFetchRequestGroup(group_id="g", topics=None)]
            )
            (group,) = (await bench.call(everything, 9)).groups
            assert [one.name for one in group.topics] == ["a"]
            old = await bench.call(OffsetFetchRequest(group_id="g", topics=None), 5)
            assert [one.name for one in old.topics] == ["a"]

    run(scenario)


def test_a_deleted_topics_name_is_told_only_to_who_may_describe_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            topic_id = await bench.create("a")
            request = DeleteTopicsRequest(
                topics=[DeleteTopicState(name=None, topic_id=topic_id)], timeout_ms=1
            )
            await as_alice(bench)
            (one,) = (await bench.call(request)).responses
            assert (one.name, one.error_code) == (None, E.TOPIC_AUTHORIZATION_FAILED)
            await set_acls(bench, entry(O.DESCRIBE, TOPIC, "a"))
            (one,) = (await bench.call(request)).responses
            assert (one.name, one.error_code) == ("a", E.TOPIC_AUTHORIZATION_FAILED)

    run(scenario)


def test_idempotent_producers_need_a_topic_to_write_to(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=1)
            for rights, code in (
                ((), E.CLUSTER_AUTHORIZATION_FAILED),
                (((O.READ, TOPIC, "a"),), E.CLUSTER_AUTHORIZATION_FAILED),
                (((O.WRITE, TOPIC, "a"),), E.NONE),
                (((O.IDEMPOTENT_WRITE, CLUSTER, THE_CLUSTER),), E.NONE),
            ):
                await as_alice(bench, *rights)
                assert (await bench.call(request)).error_code == code

    run(scenario)


# -- entries by Kafka's own requests -----------------------------------------------------------------
def creation(**change: Any) -> AclCreation:
    fields: dict[str, Any] = {
        "resource_type": 2,
        "resource_name": "a",
        "resource_pattern_type": 3,
        "principal": "User:bob",
        "host": "*",
        "operation": 3,
        "permission_type": 3,
    }
    return AclCreation(**(fields | change))


ANY: dict[str, Any] = {
    "resource_type_filter": 1,
    "resource_name_filter": None,
    "pattern_type_filter": 1,
    "principal_filter": None,
    "host_filter": None,
    "operation": 1,
    "permission_type": 1,
}


def test_acls_without_an_authorizer_are_disabled(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            described = await bench.call(DescribeAclsRequest(**ANY))
            created = await bench.call(CreateAclsRequest(creations=[creation()]))
            deleted = await bench.call(DeleteAclsRequest(filters=[DeleteAclsFilter(**ANY)]))
            for answer in (described, created.results[0], deleted.filter_results[0]):
                assert answer.error_code == E.SECURITY_DISABLED
                assert answer.error_message == "No Authorizer is configured."

    run(scenario)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_acls_come_are_shown_and_go(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            wanted = CreateAclsRequest(
                creations=[
                    creation(),
                    creation(),  # twice is no error
                    creation(resource_pattern_type=4, resource_name="pre", permission_type=2),
                    creation(resource_type=9),
                    creation(operation=100),
                    creation(resource_name=""),
                    creation(principal="bob"),
                ]
            )
            answer = await bench.call(wanted, version)
            good, bad = [0, 0, 0], [E.INVALID_REQUEST] * 4
            assert [one.error_code for one in answer.results] == good + bad
            described = await bench.call(DescribeAclsRequest(**ANY), version)
            assert {(one.resource_name, one.pattern_type) for one in described.resources} == {
                ("a", 3),
                ("pre", 4),
            }
            matched = await bench.call(
                DescribeAclsRequest(
                    **ANY | {"pattern_type_filter": 2, "resource_name_filter": "prefix"}
                ),
                version,
            )
            assert [one.resource_name for one in matched.resources] == ["pre"]
            deleted = await bench.call(
                DeleteAclsRequest(
                    filters=[
                        DeleteAclsFilter(**ANY | {"principal_filter": "User:bob"}),
                        DeleteAclsFilter(**ANY | {"operation": 77}),
                    ]
                ),
                version,
            )
            first, second = deleted.filter_results
            assert {one.resource_name for one in first.matching_acls} == {"a", "pre"}
            assert second.error_code == E.INVALID_REQUEST
            assert (await bench.call(DescribeAclsRequest(**ANY), version)).resources == []

    run(scenario)


def test_kafkas_tools_neither_see_nor_delete_the_right_of_replaying(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            await set_acls(bench, entry(O.REPLAY, TOPIC, "a"))
            assert (await bench.call(DescribeAclsRequest(**ANY))).resources == []
            await bench.call(DeleteAclsRequest(filters=[DeleteAclsFilter(**ANY)]))
            assert bench.broker.authorizer is not None
            assert len(bench.broker.authorizer.index) == 1

    run(scenario)


def test_acls_outlive_the_broker_and_reach_its_neighbour(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            await bench.create("a")
            await bench.call(CreateAclsRequest(creations=[creation(operation=2)]))
            async with guarded(tmp_path) as other:
                become(other, "User:bob")
                assert (await other.offset("a", -1)).error_code == 0
                deny = creation(operation=8, permission_type=2)
                await bench.call(CreateAclsRequest(creations=[deny]))
                for _ in range(6000):
                    if (await other.offset("a", -1)).error_code:
                        break
                    await asyncio.sleep(0.01)
                assert (await other.offset("a", -1)).error_code == E.TOPIC_AUTHORIZATION_FAILED

    run(scenario)


# -- replaying ---------------------------------------------------------------------------------------
def test_going_back_needs_the_right_of_replaying(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            await bench.create("a")
            rights = ((O.READ, GROUP, "g"), (O.READ, TOPIC, "a"))
            await as_alice(bench, *rights)
            assert [await committed(bench, n) for n in (5, 7, 7)] == [0, 0, 0]
            assert await committed(bench, 6) == E.GROUP_AUTHORIZATION_FAILED
            become(bench, ADMIN)
            assert (await bench.broker.log.metastore.committed("g"))[0].offset == 7
            await as_alice(bench, *rights, (O.REPLAY, GROUP, "g"))
            assert await committed(bench, 2) == 0
            # All of Kafka's operations hold it too, and a DENY of it takes it away.
            await as_alice(bench, (O.ALL, GROUP, "g"), (O.READ, TOPIC, "a"))
            assert await committed(bench, 1) == 0
            await set_acls(
                bench,
                entry(O.ALL, GROUP, "g"),
                entry(O.READ, TOPIC, "a"),
                entry(O.REPLAY, GROUP, "g", permission=Permission.DENY),
            )
            assert await committed(bench, 0) == E.GROUP_AUTHORIZATION_FAILED
            assert await committed(bench, 3) == 0

    run(scenario)


def test_reading_behind_the_age_needs_the_right_of_replaying(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path, authz={"replay_age_ms": 60_000}) as bench:
            topic_id = await bench.create("a")
            await bench.produce("a", batch(b"old"))
            await asyncio.sleep(0.005)
            between_ms = await bench.broker.log.metastore.now_ms()
            await asyncio.sleep(0.005)
            await bench.produce("a", batch(b"new"))
            await as_alice(bench, (O.READ, TOPIC, "a"))
            assert (await bench.fetch("a", 0)).error_code == 0
            assert bench.broker.gate is not None
            ages = bench.broker.gate.ages

            async def a_minute_later() -> int:
                return between_ms + 60_000

            ages._now_ms = a_minute_later
            ages._floors.clear()
            refused = await bench.fetch("a", 0)
            assert refused.error_code == E.TOPIC_AUTHORIZATION_FAILED and not refused.records
            assert (await bench.fetch("a", 1)).error_code == 0
            by_id = await bench.call(fetch_request("", topic_id=topic_id))
            assert set(codes(by_id)) == {0, E.TOPIC_AUTHORIZATION_FAILED}
            await set_acls(bench, entry(O.READ, TOPIC, "a"), entry(O.REPLAY, TOPIC, "a"))
            assert (await bench.fetch("a", 0)).error_code == 0

    run(scenario)


def test_share_sessions_ask_for_every_topic_each_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path, authz={"replay_age_ms": 60_000}) as bench:
            topic_id = await bench.create("a")
            await bench.produce("a", batch(b"v"))

            def fetch(epoch: int) -> ShareFetchRequest:
                wanted = ShareTopic(
                    topic_id=topic_id, partitions=[SharePartition(partition_index=0)]
                )
                return ShareFetchRequest(
                    group_id="s",
                    member_id="m" * 22,
                    share_session_epoch=epoch,
                    max_bytes=1 << 20,
                    max_records=10,
                    batch_size=10,
                    topics=[] if epoch else [wanted],
                )

            rights = ((O.READ, GROUP, "s"), (O.READ, TOPIC, "a"))
            await as_alice(bench, *rights)
            first = await bench.call(fetch(0))
            assert set(codes(first)) == {0}
            await set_acls(bench, entry(*rights[0]))
            again = await bench.call(fetch(1))
            assert E.TOPIC_AUTHORIZATION_FAILED in set(codes(again))
            # What the group has still to read is old by now.
            assert bench.broker.gate is not None
            await set_acls(bench, *(entry(*right) for right in rights))

            async def later() -> int:
                return await bench.broker.log.metastore.now_ms() + 120_000

            bench.broker.gate.ages._now_ms = later
            bench.broker.gate.ages._floors.clear()
            await bench.broker.log.metastore.put_document(
                "group-config", "s", b'{"share.auto.offset.reset":"earliest"}', 1
            )
            third = await bench.call(fetch(2))
            assert set(codes(third)) == {0}  # it stands at the end
            become(bench, ADMIN)
            other = fetch(0)
            other.group_id = "old"
            await bench.broker.log.metastore.put_document(
                "group-config", "old", b'{"share.auto.offset.reset":"earliest"}', 1
            )
            await bench.broker.group_limits.refresh()
            await as_alice(bench, (O.READ, GROUP, "old"), (O.READ, TOPIC, "a"))
            refused = await bench.call(other)
            assert E.TOPIC_AUTHORIZATION_FAILED in set(codes(refused))

    run(scenario)


@pytest.mark.parametrize(
    "principal",
    ["User:" + "x" * 500, "User:a\u0000b", "User:*", "User:ø\u202e", "User:kafka-cluster", "X:y"],
)
def test_hostile_principals_have_no_rights(principal: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            await bench.create("a")
            await set_acls(bench, entry(O.ALL, TOPIC, "*"))
            become(bench, principal)
            assert (await bench.offset("a", -1)).error_code == E.TOPIC_AUTHORIZATION_FAILED
            # An entry for it is stored and found again, whatever its name is made of.
            acl = entry(
                O.ALL,
                TOPIC,
                "a",
                principal=principal,
                pattern=PatternType.PREFIXED,
                host="127.0.0.1",
            )
            await set_acls(bench, acl)
            assert (await bench.offset("a", -1)).error_code == 0

    run(scenario)
