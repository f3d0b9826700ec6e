"""Records travel through Produce and Fetch without being copied."""

from __future__ import annotations

import pytest

from anabranch.wire.hot import decode_produce, encode_fetch_response
from anabranch.wire.messages.m00_produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from anabranch.wire.messages.m01_fetch import FetchableTopicResponse, FetchResponse, PartitionData

TOPIC_ID = bytes(range(16))


@pytest.mark.parametrize("version", range(ProduceRequest.MIN_VERSION, 14))
def test_produced_records_are_views_of_the_frame(version: int) -> None:
    name, topic_id = ("", TOPIC_ID) if version >= 13 else ("t", b"\0" * 16)
    partitions = [
        PartitionProduceData(index=0, records=b"a" * 300),
        PartitionProduceData(index=1, records=None),
        PartitionProduceData(index=2, records=b""),
    ]
    topic = TopicProduceData(name=name, topic_id=topic_id, partition_data=partitions)
    sent = ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=[topic])
    frame = bytearray(b"header" + sent.encode(version))
    request, end = decode_produce(memoryview(frame), 6, version)
    assert request == sent
    assert end == len(frame)
    records = request.topic_data[0].partition_data[0].records
    assert isinstance(records, memoryview)
    frame[frame.index(b"aaa")] = ord("z")
    assert records[0] == ord("z")


@pytest.mark.parametrize("version", range(FetchResponse.MIN_VERSION, FetchResponse.MAX_VERSION + 1))
def test_fetched_records_are_passed_through(version: int) -> None:
    first, second, third = memoryview(b"one"), memoryview(b"twotwo"), b"three"
    partitions = [
        PartitionData(partition_index=0, records=[first, second]),
        PartitionData(partition_index=1, records=third),
        PartitionData(partition_index=2, records=None),
        PartitionData(partition_index=3, records=[]),
    ]
    topic = FetchableTopicResponse(topic="t", topic_id=TOPIC_ID, partitions=partitions)
    buffers = encode_fetch_response(FetchResponse(responses=[topic]), version)
    for piece in (first, second, third):
        assert any(each is piece for each in buffers)
    back, end = FetchResponse.decode(b"".join(buffers), 0, version)
    assert end == sum(map(len, buffers))
    assert [p.records for p in back.responses[0].partitions] == [b"onetwotwo", b"three", None, b""]
