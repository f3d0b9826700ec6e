"""Produce (0), Fetch (1), ListOffsets (2), InitProducerId (22), OffsetForLeaderEpoch (23)."""

from __future__ import annotations

import asyncio
import gc
import struct
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import ErrorCode
from anabranch.log.settings import LogSettings
from anabranch.records.batch import parse_header
from anabranch.records.compression import Codec
from anabranch.wire.codec import ZERO_UUID
from anabranch.wire.messages.m00_produce import PartitionProduceData, TopicProduceData
from anabranch.wire.messages.m01_fetch import FetchPartition, FetchTopic
from anabranch.wire.messages.m22_init_producer_id import InitProducerIdRequest
from anabranch.wire.messages.m23_offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from tests.broker.conversation import (
    batch,
    fetch_request,
    list_offsets,
    metadata,
    now_ms,
    produce_request,
    run,
    talking,
)
from tests.support.broker import Disconnected, WireClient

NOWHERE = b"\x01" * 16


def joined(part: Any) -> bytes:
    return bytes(part.records or b"")


@pytest.mark.parametrize("version", range(3, 14))
def test_what_is_produced_is_fetched_in_every_version(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await bench.create("t", 2)
            data = batch(b"one", b"two")
            answer = await bench.call(produce_request("t", data, 1, topic_id=topic_id), version)
            topic = answer.responses[0]
            part = topic.partition_responses[0]
            assert (topic.name, topic.topic_id) == (
                ("t", ZERO_UUID) if version < 13 else ("", topic_id)
            )
            assert (part.index, part.error_code, part.base_offset) == (1, 0, 0)
            assert part.log_append_time_ms == -1
            assert part.log_start_offset == (0 if version >= 5 else -1)
            assert answer.node_endpoints == []
            fetched = await bench.fetch("t", 0, 1)
            assert joined(fetched)[8:12] + joined(fetched)[16:] == data[8:12] + data[16:]

    run(scenario)


def test_I3_memory_of_large_requests_is_used_again_and_nothing_read_changes(tmp_path: Path) -> None:
    """Far more than the tail holds goes through; what was read before and what is read after stays.
    Nothing of an append waits for the cyclic collector: a megabyte would wait with it."""

    async def scenario() -> None:
        gc.disable()
        settings = LogSettings(tail_bytes_max=512 * 1024)
        async with talking(tmp_path, log=settings) as bench:
            await bench.create("t")
            values = [bytes([n]) * 200_000 for n in range(12)]
            fetched = []
            for offset, value in enumerate(values):
                assert (await bench.produce("t", batch(value))).error_code == ErrorCode.NONE
                fetched.append(joined(await bench.fetch("t", offset)))
            buffers = bench.broker.log.buffers
            assert buffers.reused >= 8, "the tail's memory comes back to connections"
            fetched += [joined(await bench.fetch("t", n)) for n in range(12)]
            for data, value in zip(fetched, values * 2, strict=True):
                assert value in data

    try:
        run(scenario)
    finally:
        gc.enable()


@pytest.mark.parametrize("version", range(4, 19))
def test_every_version_of_fetch(version: int, tmp_path: Path) -> None:
    """Pitfall: fields of later versions (current_leader, node_endpoints, …) stay off the wire."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await bench.create("t")
            await bench.produce("t", batch(b"one", b"two"))
            for level in (0, 1):
                answer = await bench.call(
                    fetch_request("t", 0, topic_id=topic_id, isolation_level=level), version
                )
                assert (answer.error_code, answer.session_id, answer.throttle_time_ms) == (0, 0, 0)
                assert answer.node_endpoints == []
                topic = answer.responses[0]
                assert (topic.topic, topic.topic_id) == (
                    ("t", ZERO_UUID) if version < 13 else ("", topic_id)
                )
                part = topic.partitions[0]
                assert (part.error_code, part.high_watermark, part.last_stable_offset) == (0, 2, 2)
                assert part.preferred_read_replica == -1
                assert part.aborted_transactions == (None if level == 0 else [])
                assert part.diverging_epoch is None and part.current_leader is None
                header = parse_header(joined(part), 0)
                assert (header.base_offset, header.last_offset_delta) == (0, 1)
            # An error that has a leader hint, where the version has a place for it.
            answer = await bench.call(
                fetch_request("t", 0, topic_id=topic_id, current_leader_epoch=99), version
            )
            part = answer.responses[0].partitions[0]
            if version >= 9:
                assert part.error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
            assert (answer.node_endpoints == []) or version >= 16

    run(scenario)


def test_a_fenced_leader_epoch_names_the_leader_where_negotiated(tmp_path: Path) -> None:
    """KIP-951: current_leader from v12 (tagged), node_endpoints from v16."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await bench.create("t")
            topic = bench.broker.log.catalogue.topic("t")
            assert topic is not None
            bench.broker.log.partition(topic, 0).leader_epoch = 5
            for version in (11, 12, 15, 16, 18):
                answer = await bench.call(
                    fetch_request("t", 0, topic_id=topic_id, current_leader_epoch=4), version
                )
                part = answer.responses[0].partitions[0]
                assert part.error_code == ErrorCode.FENCED_LEADER_EPOCH
                if version >= 12:
                    assert (part.current_leader.leader_id, part.current_leader.leader_epoch) == (
                        1,
                        5,
                    )
                else:
                    assert part.current_leader is None
                ends = [(one.node_id, one.host, one.port) for one in answer.node_endpoints]
                expected = [(1, bench.broker.host, bench.broker.port)] if version >= 16 else []
                assert ends == expected

    run(scenario)


def test_unknown_topics_by_name_and_by_id(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 1)
            data = batch(b"x")
            for request, version, code in (
                (produce_request("nope", data), 12, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
                (produce_request("t", data, 1), 12, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
                (produce_request("", data, topic_id=NOWHERE), 13, ErrorCode.UNKNOWN_TOPIC_ID),
            ):
                answer = await bench.call(request, version)
                part = answer.responses[0].partition_responses[0]
                assert (part.error_code, part.base_offset) == (code, -1)
                assert part.error_message
            for wanted, version, code in (
                (fetch_request("nope"), 12, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
                (fetch_request("t", partition=1), 12, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
                (fetch_request("", topic_id=NOWHERE), 18, ErrorCode.UNKNOWN_TOPIC_ID),
            ):
                # Answered at once: an error is never slept on.
                wanted.max_wait_ms = 600_000
                answer = await asyncio.wait_for(bench.call(wanted, version), 60)
                part = answer.responses[0].partitions[0]
                assert (part.error_code, part.high_watermark) == (code, -1)
                assert joined(part) == b""

    run(scenario)


def test_a_recreated_topic_has_another_id(tmp_path: Path) -> None:
    """Pitfall: topic ids are part of the contract; the old id must not reach the new topic."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            old = await bench.create("t")
            topic = bench.broker.log.catalogue.topic("t")
            assert topic is not None
            await bench.broker.log.delete_topic(topic)
            new = await bench.create("t")
            assert old != new
            answer = await bench.call(fetch_request("", topic_id=old), 18)
            assert answer.responses[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_ID
            answer = await bench.call(produce_request("", batch(b"x"), topic_id=new), 13)
            assert answer.responses[0].partition_responses[0].error_code == 0

    run(scenario)


def test_refusals_of_batches_carry_kafkas_codes_and_a_sentence(tmp_path: Path) -> None:
    """Pitfall: max.message.bytes → MESSAGE_TOO_LARGE, keyless on compacted → INVALID_RECORD, old
    magic → never stored, zero records → refused; and the partition next to it is not touched."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("small", 2, {"max.message.bytes": "500"})
            await bench.create("keyed", 1, {"cleanup.policy": "compact"})
            bad_crc = bytearray(batch(b"x"))
            bad_crc[-1] ^= 1
            old_magic = bytearray(batch(b"x"))
            old_magic[16] = 1
            for topic, data, code in (
                ("small", batch(b"x" * 1000), ErrorCode.MESSAGE_TOO_LARGE),
                ("small", bytes(bad_crc), ErrorCode.CORRUPT_MESSAGE),
                ("small", b"", ErrorCode.INVALID_RECORD),
                ("small", None, ErrorCode.INVALID_RECORD),
                ("keyed", batch(b"x", key=None), ErrorCode.INVALID_RECORD),
            ):
                part = await bench.produce(topic, data)
                assert part.error_code == code, (topic, part.error_message)
                assert part.error_message
            part = await bench.produce("small", bytes(old_magic))
            assert part.error_code in (
                ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
                ErrorCode.INVALID_RECORD,
            )
            request = produce_request("small", batch(b"x" * 1000))
            good = PartitionProduceData(index=1, records=batch(b"fits"))
            request.topic_data[0].partition_data.append(good)
            request.topic_data.append(
                TopicProduceData(
                    name="keyed",
                    partition_data=[PartitionProduceData(index=0, records=batch(b"v"))],
                )
            )
            answer = await bench.call(request, 12)
            codes = [
                [one.error_code for one in topic.partition_responses] for topic in answer.responses
            ]
            assert codes == [[ErrorCode.MESSAGE_TOO_LARGE, 0], [0]]
            assert (await bench.offset("small", -1)).offset == 0

    run(scenario)


@pytest.mark.parametrize("acks", [-1, 1, 0, 2, -2])
def test_acks(acks: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            client = bench.client
            ticket = client.send(produce_request("t", batch(b"x"), acks=acks), 9)
            if acks == 0:
                # Not answered; and what is asked behind it sees the record, as in Kafka.
                part = await bench.offset("t", -1)
                assert part.offset == 1
                return
            answer = await client.receive(ticket)
            part = answer.responses[0].partition_responses[0]
            if acks in (-1, 1):
                assert (part.error_code, part.base_offset) == (0, 0)
            else:
                assert part.error_code == ErrorCode.INVALID_REQUIRED_ACKS

    run(scenario)


def test_an_error_with_acks_0_closes_the_connection(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            bench.client.send(produce_request("nope", batch(b"x"), acks=0), 9)
            assert await bench.client.closed()

    run(scenario)


def test_pipelined_produces_get_dense_offsets_in_their_order(tmp_path: Path) -> None:
    """I2, and the pitfall that one append at a time caps a connection."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            client = bench.client
            tickets = [
                client.send(produce_request("t", batch(*([b"v%d" % n] * (n % 3 + 1)))), 9)
                for n in range(50)
            ]
            expected = 0
            for number, ticket in enumerate(tickets):
                answer = await client.receive(ticket)
                part = answer.responses[0].partition_responses[0]
                assert (part.error_code, part.base_offset) == (0, expected)
                expected += number % 3 + 1
            assert (await bench.offset("t", -1)).offset == expected

    run(scenario)


def test_log_append_time_is_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 1, {"message.timestamp.type": "LogAppendTime"})
            before = now_ms()
            part = await bench.produce("t", batch(b"x", timestamp=1000))
            assert before <= part.log_append_time_ms <= now_ms()
            header = parse_header(joined(await bench.fetch("t")), 0)
            assert header.max_timestamp == part.log_append_time_ms

    run(scenario)


@pytest.mark.parametrize("codec", list(Codec))
def test_compressed_batches_pass_untouched(codec: Codec, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            data = batch(b"a" * 500, b"b" * 500, codec=codec)
            assert (await bench.produce("t", data)).error_code == 0
            assert joined(await bench.fetch("t"))[16:] == data[16:]

    run(scenario)


def test_a_fetch_inside_a_batch_returns_that_batch(tmp_path: Path) -> None:
    """Pitfall: whole batches; the client skips what it did not ask for."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            await bench.produce("t", batch(b"0", b"1", b"2"))
            await bench.produce("t", batch(b"3"))
            part = await bench.fetch("t", 1)
            assert parse_header(joined(part), 0).base_offset == 0

    run(scenario)


def test_at_least_one_batch_for_the_request_not_per_partition(tmp_path: Path) -> None:
    """Pitfall (KIP-74): the first non-empty partition gets a batch whatever the limits; others do not."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 3)
            for partition in (1, 2):
                await bench.produce("t", batch(b"x" * 2000), partition)
            request = fetch_request("t", max_bytes=10, partition_max_bytes=10)
            request.topics[0].partitions = [
                FetchPartition(partition=index, partition_max_bytes=10) for index in range(3)
            ]
            answer = await bench.call(request, 12)
            sizes = [len(joined(part)) for part in answer.responses[0].partitions]
            assert sizes[0] == 0 and sizes[1] > 2000 and sizes[2] == 0
            assert [part.error_code for part in answer.responses[0].partitions] == [0, 0, 0]

    run(scenario)


def test_limits_of_bytes_hold(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 2)
            for partition in (0, 1):
                for _ in range(10):
                    await bench.produce("t", batch(b"x" * 1000), partition)
            request = fetch_request("t", max_bytes=5000, partition_max_bytes=3000)
            request.topics[0].partitions.append(
                FetchPartition(partition=1, partition_max_bytes=3000)
            )
            answer = await bench.call(request, 12)
            sizes = [len(joined(part)) for part in answer.responses[0].partitions]
            assert 0 < sizes[0] <= 3000 and 0 < sizes[1] <= 3000 and sum(sizes) <= 5000

    run(scenario)


def test_offsets_out_of_range(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            await bench.produce("t", batch(b"0", b"1"))
            for offset in (-1, 3, 1 << 40):
                part = await asyncio.wait_for(bench.fetch("t", offset, max_wait_ms=600_000), 60)
                assert part.error_code == ErrorCode.OFFSET_OUT_OF_RANGE
            end = await bench.fetch("t", 2)
            assert (end.error_code, joined(end)) == (0, b"")

    run(scenario)


def test_a_long_poll_wakes_for_the_append_and_not_before(tmp_path: Path) -> None:
    """Pitfall: honour max_wait and min_bytes; never answer empty at once, never forget to answer."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench, WireClient.connected(bench.broker) as other:
            await bench.create("t")
            waiting = asyncio.create_task(bench.fetch("t", 0, max_wait_ms=600_000))
            await asyncio.sleep(0.2)
            assert not waiting.done()
            await other.call(produce_request("t", batch(b"x")), 9)
            part = await asyncio.wait_for(waiting, 60)
            assert part.high_watermark == 1 and joined(part)
            # min_bytes beyond what is there: the wait runs out, and the answer is what there is.
            loop = asyncio.get_running_loop()
            start = loop.time()
            part = await bench.fetch("t", 0, max_wait_ms=300, min_bytes=1 << 20)
            assert loop.time() - start >= 0.25
            assert joined(part)
            # and at the end of the log an empty answer comes in time
            part = await asyncio.wait_for(bench.fetch("t", 1, max_wait_ms=100), 60)
            assert (part.error_code, joined(part)) == (0, b"")

    run(scenario)


def test_a_produce_behind_a_long_poll_on_the_same_connection_waits_as_in_kafka(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench, WireClient.connected(bench.broker) as other:
            await bench.create("t", 2)
            poll = bench.client.send(fetch_request("t", 0, max_wait_ms=600_000), 12)
            behind = bench.client.send(produce_request("t", batch(b"behind"), 1), 12)
            await asyncio.sleep(0.1)
            assert (await other.call(list_offsets("t", -1, 1), 9)).topics[0].partitions[
                0
            ].offset == 0
            await other.call(produce_request("t", batch(b"wakes")), 9)
            await bench.client.receive(poll)
            answer = await bench.client.receive(behind)
            assert answer.responses[0].partition_responses[0].error_code == 0

    run(scenario)


def test_a_diverging_epoch_is_told(tmp_path: Path) -> None:
    """KIP-595 in v12+: the epoch that the client read last ended below its offset."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            await bench.produce("t", batch(b"x"))
            part = await bench.fetch("t", 1, last_fetched_epoch=0)
            assert (part.error_code, part.diverging_epoch) == (0, None)

    run(scenario)


def test_a_fetch_for_no_topics_is_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            request = fetch_request("t", max_wait_ms=600_000)
            request.topics = []
            assert (await asyncio.wait_for(bench.call(request, 12), 60)).responses == []
            request.topics = [FetchTopic(topic="t", partitions=[])]
            answer = await asyncio.wait_for(bench.call(request, 12), 60)
            assert answer.responses[0].partitions == []

    run(scenario)


# -- ListOffsets -----------------------------------------------------------------------------------
@pytest.mark.parametrize("version", range(1, 12))
def test_list_offsets_in_every_version(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            for at in (1000, 3000, 2000):
                await bench.produce("t", batch(b"x", timestamp=at))
            since = {-1: 1, -2: 1, -3: 7, -4: 8, -5: 9, -6: 11}
            expected = {-1: (3, -1), -2: (0, -1), -3: (1, 3000), 1500: (1, 3000), 5000: (-1, -1)}
            for timestamp in (-1, -2, -3, -4, -5, -6, -7, 1500, 5000):
                answer = await bench.call(list_offsets("t", timestamp), version)
                part = answer.topics[0].partitions[0]
                if timestamp < 0 and version < since.get(timestamp, 99):
                    assert part.error_code == ErrorCode.UNSUPPORTED_VERSION, timestamp
                    continue
                assert part.error_code == 0
                if timestamp in expected:
                    assert (part.offset, part.timestamp) == expected[timestamp], timestamp
                if version >= 4 and timestamp == -1:
                    assert part.leader_epoch == 0

    run(scenario)


def test_list_offsets_errors(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert (await bench.offset("nope", -1)).error_code == code
            assert (await bench.offset("t", -1, 7)).error_code == code
            part = await bench.offset("t", -1, current_leader_epoch=9)
            assert part.error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
            request = list_offsets("t", -1)
            request.topics[0].partitions *= 2
            answer = await bench.call(request)
            assert [one.error_code for one in answer.topics[0].partitions] == [
                0,
                ErrorCode.INVALID_REQUEST,
            ]

    run(scenario)


# -- producers and epochs --------------------------------------------------------------------------
@pytest.mark.parametrize("version", range(6))
def test_init_producer_id(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            given = [
                await bench.call(InitProducerIdRequest(transactional_id=None), version)
                for _ in range(3)
            ]
            assert all(one.error_code == 0 and one.producer_epoch == 0 for one in given)
            assert len({one.producer_id for one in given}) == 3

    run(scenario)


def test_a_retried_batch_is_answered_with_its_first_offset(tmp_path: Path) -> None:
    """I5, and the pitfall that a duplicate is a success with the original offset, not an error."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            given = await bench.call(InitProducerIdRequest(transactional_id=None))
            who = {"producer_id": given.producer_id, "producer_epoch": 0}
            first = batch(b"a", b"b", base_sequence=0, **who)
            assert (await bench.produce("t", first)).base_offset == 0
            second = batch(b"c", base_sequence=2, **who)
            assert (await bench.produce("t", second)).base_offset == 2
            again = await bench.produce("t", first)
            assert (again.error_code, again.base_offset) == (0, 0)
            gap = await bench.produce("t", batch(b"d", base_sequence=9, **who))
            assert gap.error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
            assert (await bench.offset("t", -1)).offset == 3

    run(scenario)


@pytest.mark.parametrize("version", range(2, 5))
def test_offset_for_leader_epoch(version: int, tmp_path: Path) -> None:
    """Pitfall: (-1, -1) or a low end makes a consumer reset; the current epoch ends at the log's end."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            await bench.produce("t", batch(b"a", b"b"))

            async def ask(name: str, epoch: int, partition: int = 0, current: int = -1) -> Any:
                request = OffsetForLeaderEpochRequest(
                    topics=[
                        OffsetForLeaderTopic(
                            topic=name,
                            partitions=[
                                OffsetForLeaderPartition(
                                    partition=partition,
                                    leader_epoch=epoch,
                                    current_leader_epoch=current,
                                )
                            ],
                        )
                    ]
                )
                return (await bench.call(request, version)).topics[0].partitions[0]

            part = await ask("t", 0)
            assert (part.error_code, part.leader_epoch, part.end_offset) == (0, 0, 2)
            part = await ask("t", 5)
            assert (part.error_code, part.leader_epoch, part.end_offset) == (0, -1, -1)
            code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert (await ask("nope", 0)).error_code == code
            assert (await ask("t", 0, 3)).error_code == code
            assert (await ask("t", 0, current=1)).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH

    run(scenario)


def test_metadata_shows_the_epoch_that_fetch_checks(tmp_path: Path) -> None:
    """Pitfall: the leader epoch is one number in Metadata, ListOffsets and Fetch."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            await bench.produce("t", batch(b"x"))
            answer = await bench.call(metadata("t"))
            epoch = answer.topics[0].partitions[0].leader_epoch
            assert (await bench.offset("t", -1, current_leader_epoch=epoch)).leader_epoch == epoch
            part = await bench.fetch("t", 0, current_leader_epoch=epoch)
            assert part.error_code == 0
            assert struct.unpack_from(">i", joined(part), 12) == (epoch,)

    run(scenario)


def test_a_produce_that_is_cut_short_is_malformed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench, WireClient.connected(bench.broker) as other:
            await bench.create("t")
            out: list[bytes] = []
            other.writer.writelines = lambda frame: out.extend(frame)  # type: ignore[method-assign]
            other.send(produce_request("t", batch(b"x" * 100)), 9)
            frame = b"".join(out)
            cut = struct.pack(">i", len(frame) - 4 - 50) + frame[4:-50]
            other.send_bytes(cut)
            with pytest.raises(Disconnected):
                await other.receive_frame()
            assert (await bench.offset("t", -1)).offset == 0

    run(scenario)
