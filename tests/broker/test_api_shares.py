"""Share groups (76 to 79, 90 to 92): records handed out one by one (KIP-932), over the wire."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from anabranch.cli.main import cli
from anabranch.errors import ErrorCode
from anabranch.groups.share.partition import AckType
from anabranch.records.header import scan
from anabranch.wire.messages import m78_share_fetch as m78
from anabranch.wire.messages import m79_share_acknowledge as m79
from anabranch.wire.messages import m90_describe_share_group_offsets as m90
from anabranch.wire.messages import m91_alter_share_group_offsets as m91
from anabranch.wire.messages import m92_delete_share_group_offsets as m92
from anabranch.wire.messages.m15_describe_groups import DescribeGroupsRequest
from anabranch.wire.messages.m16_list_groups import ListGroupsRequest
from anabranch.wire.messages.m22_init_producer_id import InitProducerIdRequest
from anabranch.wire.messages.m26_end_txn import EndTxnRequest
from anabranch.wire.messages.m42_delete_groups import DeleteGroupsRequest
from anabranch.wire.messages.m68_consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from anabranch.wire.messages.m69_consumer_group_describe import ConsumerGroupDescribeRequest
from anabranch.wire.messages.m76_share_group_heartbeat import ShareGroupHeartbeatRequest
from anabranch.wire.messages.m77_share_group_describe import ShareGroupDescribeRequest
from tests.broker.conversation import Bench, batch, produce_request, run, talking
from tests.broker.test_api_configs import GROUP, SET, incremental
from tests.support.broker import WireClient

EARLIEST = ("share.auto.offset.reset", SET, "earliest")


class Sharer:
    """A member of group ``queue`` with a session of its own."""

    def __init__(
        self, bench: Bench, topic_id: bytes, member: str, client: WireClient | None = None
    ):
        self.bench = bench
        self.topic_id = topic_id
        self.member = member
        self.client = client or bench.client
        self.epoch = 0

    async def fetch(self, *acks: tuple[int, int, AckType], **more: Any) -> Any:
        """The answer's one partition, or its error."""
        self.epoch = more.pop("epoch", self.epoch)
        version = more.pop("version", 2)
        batches = [m78.AcknowledgementBatch(first_offset=a, last_offset=b, acknowledge_types=[t])
                   for a, b, t in acks]  # fmt: skip
        part = m78.FetchPartition(partition_index=0, acknowledgement_batches=batches)
        named = self.epoch == 0 or bool(acks)
        request = m78.ShareFetchRequest(
            group_id="queue",
            member_id=self.member,
            share_session_epoch=self.epoch,
            max_wait_ms=more.pop("max_wait_ms", 0),
            min_bytes=1,
            max_records=more.pop("max_records", 500),
            batch_size=500,
            topics=[m78.FetchTopic(topic_id=self.topic_id, partitions=[part])] if named else [],
            **more,
        )
        answer = await self.client.call(request, version)
        if answer.error_code:
            return ErrorCode(answer.error_code)
        assert answer.acquisition_lock_timeout_ms == 30_000
        self.epoch += 1
        parts = [one for topic in answer.responses for one in topic.partitions]
        return parts[0] if parts else None

    async def acknowledge(self, *acks: tuple[int, int, AckType], **more: Any) -> ErrorCode:
        self.epoch = more.pop("epoch", self.epoch)
        batches = [m79.AcknowledgementBatch(first_offset=a, last_offset=b, acknowledge_types=[t])
                   for a, b, t in acks]  # fmt: skip
        part = m79.AcknowledgePartition(partition_index=0, acknowledgement_batches=batches)
        topic = m79.AcknowledgeTopic(topic_id=self.topic_id, partitions=[part])
        answer = await self.client.call(
            m79.ShareAcknowledgeRequest(
                group_id="queue",
                member_id=self.member,
                share_session_epoch=self.epoch,
                topics=[topic] if acks else [],
                **more,
            ),
            2,
        )
        if answer.error_code:
            return ErrorCode(answer.error_code)
        self.epoch += 1
        parts = [one for topic in answer.responses for one in topic.partitions]
        return ErrorCode(parts[0].error_code) if parts else ErrorCode.NONE


class Transaction:
    """One transaction of the second protocol (KIP-890): partitions join it as they are written to."""

    def __init__(self, bench: Bench, name: str, producer_id: int, epoch: int) -> None:
        self.bench, self.name, self.producer_id, self.epoch = bench, name, producer_id, epoch

    @classmethod
    async def begin(cls, bench: Bench, name: str) -> Transaction:
        answer = await bench.call(
            InitProducerIdRequest(transactional_id=name, transaction_timeout_ms=60_000)
        )
        assert answer.error_code == 0
        return cls(bench, name, answer.producer_id, answer.producer_epoch)

    async def send(self, value: bytes) -> None:
        made = batch(
            value,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            base_sequence=0,
            transactional=True,
        )
        answer = await self.bench.produce("t", made, transactional_id=self.name)
        assert answer.error_code == 0

    async def end(self, *, commit: bool) -> None:
        answer = await self.bench.call(
            EndTxnRequest(
                transactional_id=self.name,
                producer_id=self.producer_id,
                producer_epoch=self.epoch,
                committed=commit,
            )
        )
        assert answer.error_code == 0


def acquired(part: Any) -> list[tuple[int, int, int]]:
    return [
        (one.first_offset, one.last_offset, one.delivery_count) for one in part.acquired_records
    ]


async def queue(bench: Bench, *values: bytes) -> bytes:
    """A topic ``t`` with a batch of each value, and group ``queue`` beginning at its start."""
    topic_id = await bench.create("t")
    for value in values:
        await bench.produce("t", batch(value))
    result = await incremental(bench, GROUP, "queue", EARLIEST)
    assert result.error_code == 0, result.error_message
    await bench.broker.group_limits.refresh()
    return topic_id


def test_two_members_share_a_partition(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await queue(bench, b"a", b"b", b"c")
            one, two = Sharer(bench, topic_id, "one"), Sharer(bench, topic_id, "two")
            given = await one.fetch(max_records=2)
            assert acquired(given) == [(0, 0, 1), (1, 1, 1)]
            assert [header.base_offset for header in scan(given.records)] == [0, 1]
            assert acquired(await two.fetch()) == [(2, 2, 1)]
            assert await one.fetch() is None
            # What is given back is given to the next, once more.
            told = await one.fetch((0, 0, AckType.ACCEPT), (1, 1, AckType.RELEASE), max_records=1)
            assert told.acknowledge_error_code == 0
            assert acquired(told) == [(1, 1, 2)]
            assert await two.acknowledge((2, 2, AckType.ACCEPT)) == 0
            assert await two.acknowledge((1, 1, AckType.ACCEPT)) == ErrorCode.INVALID_RECORD_STATE
            assert await one.acknowledge((1, 1, AckType.RENEW)) == ErrorCode.INVALID_REQUEST
            assert await one.acknowledge((1, 1, AckType.RENEW), is_renew_ack=True) == 0
            assert await one.acknowledge((1, 1, AckType.REJECT)) == 0
            (state,) = await bench.broker.log.metastore.shares("queue")
            assert state.start_offset == 3

    run(scenario)


def test_batches_that_lie_across_blocks_of_the_store_are_given(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await queue(bench, *(bytes(100_000) for _ in range(10)))
            topic = bench.broker.log.catalogue.topic("t")
            assert topic is not None
            await bench.broker.log.merger.merge_backlog(topic, 0)
        async with talking(tmp_path) as bench:
            given = await Sharer(bench, topic_id, "one").fetch()
            assert [one[0] for one in acquired(given)] == list(range(10))
            assert [header.base_offset for header in scan(given.records)] == list(range(10))

    run(scenario)


def test_sessions_are_checked(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await queue(bench, b"a")
            one = Sharer(bench, topic_id, "one")
            assert await one.fetch(epoch=1) == ErrorCode.SHARE_SESSION_NOT_FOUND
            assert await one.acknowledge(epoch=0) == ErrorCode.INVALID_SHARE_SESSION_EPOCH
            assert await one.acknowledge(epoch=-1) == ErrorCode.SHARE_SESSION_NOT_FOUND
            assert await one.fetch((0, 0, AckType.ACCEPT), epoch=0) == ErrorCode.INVALID_REQUEST
            assert acquired(await one.fetch(epoch=0)) == [(0, 0, 1)]
            assert await one.fetch(epoch=2) == ErrorCode.INVALID_SHARE_SESSION_EPOCH
            nobody = Sharer(bench, topic_id, "")
            assert await nobody.fetch() == ErrorCode.INVALID_REQUEST
            unknown = Sharer(bench, bytes(range(16)), "two")
            assert (await unknown.fetch()).error_code == ErrorCode.UNKNOWN_TOPIC_ID
            # The session ends with a last word; what it held is free at once.
            assert await one.acknowledge(epoch=-1) == 0
            assert len(bench.broker.share_sessions) == 1
            other = Sharer(bench, topic_id, "other")
            assert acquired(await other.fetch()) == [(0, 0, 2)]

    run(scenario)


def test_a_fetch_waits_for_records_and_for_what_others_give_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench, WireClient.connected(bench.broker) as client:
            topic_id = await queue(bench, b"a")
            one = Sharer(bench, topic_id, "one")
            two = Sharer(bench, topic_id, "two", client)
            await one.fetch()
            started = time.monotonic()
            assert await two.fetch(max_wait_ms=200) is None
            assert time.monotonic() - started > 0.15
            poll = asyncio.create_task(two.fetch(max_wait_ms=30_000))
            await asyncio.sleep(0.1)
            assert await one.acknowledge((0, 0, AckType.RELEASE)) == 0
            assert acquired(await poll) == [(0, 0, 2)]
            poll = asyncio.create_task(two.fetch(max_wait_ms=30_000))
            await asyncio.sleep(0.1)
            await bench.client.call(produce_request("t", batch(b"b", b"c")), 12)
            assert acquired(await poll) == [(1, 2, 1)]

    run(scenario)


def test_I4_what_was_accepted_is_not_delivered_again_after_a_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await queue(bench, b"a", b"b", b"c")
            one = Sharer(bench, topic_id, "one")
            await one.fetch()
            assert await one.acknowledge((0, 0, AckType.ACCEPT), (2, 2, AckType.ACCEPT)) == 0
        async with talking(tmp_path) as bench:
            two = Sharer(bench, topic_id, "two")
            assert acquired(await two.fetch()) == [(1, 1, 2)]

    run(scenario)


def test_a_host_that_was_replaced_gives_way(tmp_path: Path) -> None:
    """Somebody else claimed the partition: what a member says here is not taken, and nothing is lost."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await queue(bench, b"a", b"b")
            one = Sharer(bench, topic_id, "one")
            await one.fetch()
            metastore = bench.broker.log.metastore
            (state,) = await metastore.shares("queue")
            await metastore.claim_share(state.key, 0, b"")
            assert await one.acknowledge((0, 0, AckType.ACCEPT)) == ErrorCode.NOT_LEADER_OR_FOLLOWER
            assert acquired(await one.fetch()) == [(0, 0, 1), (1, 1, 1)]
            assert await one.acknowledge((0, 1, AckType.ACCEPT)) == 0

    run(scenario)


def test_what_is_given_back_while_others_read_is_not_lost(tmp_path: Path) -> None:
    """A read that began further on says nothing of the offsets below it."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await queue(bench, b"a", b"b", b"c")
            one, two = Sharer(bench, topic_id, "one"), Sharer(bench, topic_id, "two")
            assert acquired(await one.fetch(max_records=1)) == [(0, 0, 1)]
            log = bench.broker.log
            fetch = log.fetch

            async def slow(*args: Any, **more: Any) -> Any:
                parts = await fetch(*args, **more)
                log.fetch = fetch  # type: ignore[method-assign]
                assert await one.acknowledge((0, 0, AckType.RELEASE)) == 0
                return parts

            log.fetch = slow  # type: ignore[method-assign]
            async with WireClient.connected(bench.broker) as client:
                two.client = client
                assert acquired(await two.fetch(max_records=1)) == [(1, 1, 1)]
            two.client = bench.client
            assert acquired(await two.fetch(max_records=1)) == [(0, 0, 2)]

    run(scenario)


def test_where_a_group_begins(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await bench.create("t")
            await bench.produce("t", batch(b"old", timestamp=1))
            latest = Sharer(bench, topic_id, "one")
            assert await latest.fetch() is None
            await bench.produce("t", batch(b"new"))
            assert acquired(await latest.fetch()) == [(1, 1, 1)]

    run(scenario)


def test_I6_records_of_transactions_that_do_not_count_are_not_given(tmp_path: Path) -> None:
    """share.isolation.level=read_committed: open ones wait, aborted ones are passed over, markers never come."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await queue(bench, b"plain")
            isolation = ("share.isolation.level", SET, "read_committed")
            assert not (await incremental(bench, GROUP, "queue", isolation)).error_code
            await bench.broker.group_limits.refresh()
            one = Sharer(bench, topic_id, "one")
            aborted, committed = [await Transaction.begin(bench, name) for name in ("a", "c")]
            await aborted.send(b"no")
            await committed.send(b"yes")
            assert acquired(await one.fetch()) == [(0, 0, 1)]
            await aborted.end(commit=False)
            assert await one.fetch() is None
            await committed.end(commit=True)
            assert acquired(await one.fetch()) == [(2, 2, 1)]
            assert await one.acknowledge((0, 0, AckType.ACCEPT), (2, 2, AckType.ACCEPT)) == 0
            (state,) = await bench.broker.log.metastore.shares("queue")
            assert state.start_offset == 5  # both markers are done

    run(scenario)


# -- membership, and what tools do ------------------------------------------------------------------------
async def beat(bench: Bench, member: str, epoch: int, *names: str) -> Any:
    return await bench.call(
        ShareGroupHeartbeatRequest(
            group_id="queue",
            member_id=member,
            member_epoch=epoch,
            subscribed_topic_names=list(names) or None,
        )
    )


def test_members_join_share_and_leave(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await bench.create("t", partitions=2)
            one = await beat(bench, "one", 0, "t")
            assert (one.error_code, one.member_epoch, one.heartbeat_interval_ms) == (0, 1, 5000)
            (given,) = one.assignment.topic_partitions
            assert (given.topic_id, given.partitions) == (topic_id, [0, 1])
            await beat(bench, "two", 0, "t")
            three = await beat(bench, "three", 0, "t")
            assert three.member_epoch == 3
            listed = await bench.call(ListGroupsRequest(types_filter=["share"]))
            (row,) = listed.groups
            assert (row.group_id, row.group_state, row.group_type, row.protocol_type) == (
                *("queue", "Stable", "share", "share"),
            )
            answer = await bench.call(ShareGroupDescribeRequest(group_ids=["queue", "nope"]))
            group, nope = answer.groups
            assert (group.group_state, group.group_epoch, group.assignor_name) == (
                *("Stable", 3, "simple"),
            )
            shares = [
                one.assignment.topic_partitions[0].partitions
                for one in sorted(group.members, key=lambda one: one.member_id)
            ]
            assert sorted(index for share in shares for index in share) == [0, 0, 1]
            assert nope.error_code == ErrorCode.GROUP_ID_NOT_FOUND
            for member in ("one", "two", "three"):
                assert (await beat(bench, member, -1)).member_epoch == -1
            (row,) = (await bench.call(ListGroupsRequest())).groups
            assert row.group_state == "Empty"
            assert (await beat(bench, "one", 1)).error_code == ErrorCode.UNKNOWN_MEMBER_ID
        async with talking(tmp_path) as bench:
            # Epochs grow also from one process to the next.
            assert (await beat(bench, "one", 0, "t")).member_epoch > 6

    run(scenario)


def test_groups_of_other_kinds_and_share_groups_keep_apart(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            assert (await beat(bench, "one", 3)).error_code == ErrorCode.GROUP_ID_NOT_FOUND
            for member, epoch, names in (("", 0, ["t"]), ("one", -2, []), ("one", 0, [])):
                answer = await beat(bench, member, epoch, *names)
                assert answer.error_code == ErrorCode.INVALID_REQUEST
            assert (await beat(bench, "one", 0, "t")).error_code == 0
            answer = await bench.call(
                ConsumerGroupHeartbeatRequest(
                    group_id="queue",
                    member_id="x",
                    member_epoch=0,
                    rebalance_timeout_ms=1000,
                    subscribed_topic_names=["t"],
                    topic_partitions=[],
                )
            )
            assert answer.error_code == ErrorCode.GROUP_ID_NOT_FOUND
            (group,) = (await bench.call(DescribeGroupsRequest(groups=["queue"]))).groups
            assert group.error_code == ErrorCode.GROUP_ID_NOT_FOUND
            (group,) = (await bench.call(ConsumerGroupDescribeRequest(group_ids=["queue"]))).groups
            assert group.error_code == ErrorCode.GROUP_ID_NOT_FOUND

    run(scenario)


def test_the_command_line_shows_where_a_share_group_stands(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await queue(bench, b"a", b"b", b"c")
            await beat(bench, "one", 0, "t")
            one = Sharer(bench, topic_id, "one")
            await one.fetch()
            await one.acknowledge((0, 0, AckType.ACCEPT), (2, 2, AckType.ACCEPT))

    run(scenario)
    shell = CliRunner(env={"ANABRANCH_DATA": str(tmp_path)})
    for words in (("list",), ("describe", "queue")):
        result = shell.invoke(cli, ["group", *words, "--output", "json"])
        assert result.exit_code == 0, result.output
        found = json.loads(result.output)
        (group,) = found if isinstance(found, list) else [found]
        assert (group["type"], group["lag"]) == ("share", 1)
        (offset,) = group["offsets"]
        assert (offset["topic"], offset["offset"], offset["log_end"]) == ("t", 1, 3)
    assert "queue" in shell.invoke(cli, ["group", "describe", "queue"]).output


def test_offsets_are_described_altered_and_deleted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await queue(bench, b"a", b"b", b"c")
            await beat(bench, "one", 0, "t")
            one = Sharer(bench, topic_id, "one")
            await one.fetch()
            await one.acknowledge((0, 1, AckType.ACCEPT))

            async def shown() -> Any:
                wanted = m90.DescribeShareGroupOffsetsRequestGroup(group_id="queue", topics=None)
                answer = await bench.call(m90.DescribeShareGroupOffsetsRequest(groups=[wanted]))
                (group,) = answer.groups
                if group.error_code or not group.topics:
                    return group.error_code
                (part,) = group.topics[0].partitions
                return part.start_offset, part.lag

            assert await shown() == (2, 1)

            async def alter(offset: int) -> int:
                part = m91.AlterShareGroupOffsetsRequestPartition(
                    partition_index=0, start_offset=offset
                )
                topic = m91.AlterShareGroupOffsetsRequestTopic(topic_name="t", partitions=[part])
                answer = await bench.call(
                    m91.AlterShareGroupOffsetsRequest(group_id="queue", topics=[topic])
                )
                if answer.error_code:
                    return int(answer.error_code)
                return int(answer.responses[0].partitions[0].error_code)

            async def delete(name: str) -> int:
                topic = m92.DeleteShareGroupOffsetsRequestTopic(topic_name=name)
                answer = await bench.call(
                    m92.DeleteShareGroupOffsetsRequest(group_id="queue", topics=[topic])
                )
                return int(answer.error_code or answer.responses[0].error_code)

            assert await alter(0) == await delete("t") == ErrorCode.NON_EMPTY_GROUP
            await one.acknowledge(epoch=-1)
            await beat(bench, "one", -1)
            assert await alter(4) == await alter(-1) == ErrorCode.OFFSET_OUT_OF_RANGE
            assert await alter(1) == 0
            assert await shown() == (1, 2)
            await beat(bench, "two", 0, "t")
            two = Sharer(bench, topic_id, "two")
            assert acquired(await two.fetch()) == [(1, 1, 1), (2, 2, 1)]
            await two.acknowledge(epoch=-1)
            await beat(bench, "two", -1)
            assert await delete("nope") == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert await delete("t") == 0
            assert await shown() == 0
            (deleted,) = (await bench.call(DeleteGroupsRequest(groups_names=["queue"]))).results
            assert deleted.error_code == 0
            assert await shown() == ErrorCode.GROUP_ID_NOT_FOUND

    run(scenario)
