"""What bit others about the encoding of these messages, one test each."""

from __future__ import annotations

import pytest

from anabranch.errors import ErrorCode
from anabranch.wire.frame import (
    decode_request_header,
    decode_response_header,
    encode_request_frame,
    response_frame,
)
from anabranch.wire.messages.consumer_protocol_assignment import (
    ConsumerProtocolAssignment,
    TopicPartition,
)
from anabranch.wire.messages.consumer_protocol_subscription import ConsumerProtocolSubscription
from anabranch.wire.messages.m00_produce import (
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceResponse,
    ProduceResponse,
    TopicProduceResponse,
)
from anabranch.wire.messages.m01_fetch import (
    FetchableTopicResponse,
    FetchResponse,
    PartitionData,
)
from anabranch.wire.messages.m01_fetch import NodeEndpoint as FetchNodeEndpoint
from anabranch.wire.messages.m02_list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from anabranch.wire.messages.m03_metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseTopic,
)
from anabranch.wire.messages.m09_offset_fetch import (
    OffsetFetchResponse,
    OffsetFetchResponsePartition,
    OffsetFetchResponseTopic,
)
from anabranch.wire.messages.m14_sync_group import SyncGroupResponse
from anabranch.wire.messages.m18_api_versions import ApiVersion, ApiVersionsResponse
from anabranch.wire.registry import API, response_header_version

UUID = bytes(range(16))


def test_api_versions_above_ours_is_answered_in_version_0() -> None:
    """KIP-511: the request's header can be read whatever its version; the answer is v0 with 35."""
    request = b"".join(encode_request_frame(18, 99, 7, "new-client", [b"whatever"]))[4:]
    header = decode_request_header(request)
    assert (header.api_key, header.api_version, header.correlation_id) == (18, 99, 7)
    spec = API[18]
    body = ApiVersionsResponse(
        error_code=ErrorCode.UNSUPPORTED_VERSION,
        api_keys=[ApiVersion(api_key=18, min_version=0, max_version=spec.max_version)],
    ).encode(0)
    assert body == bytes.fromhex("0023 00000001 0012 0000 0004")


@pytest.mark.parametrize("version", range(5))
def test_api_versions_response_header_is_always_version_0(version: int) -> None:
    """KIP-511: no tagged fields in this header, although version 3 and later are flexible."""
    body = ApiVersionsResponse().encode(version)
    frame = b"".join(response_frame(7, response_header_version(18, version), [body]))
    assert frame[8:] == body
    assert decode_response_header(frame[4:], 0) == (7, 4)


def test_produce_versions_0_to_2_can_be_listed_though_refused() -> None:
    """KAFKA-18659: librdkafka disables compression if Produce 0 is missing from ApiVersions."""
    listed = ApiVersionsResponse(api_keys=[ApiVersion(api_key=0, min_version=0, max_version=13)])
    for version in range(5):
        back, _ = ApiVersionsResponse.decode(listed.encode(version), 0, version)
        assert back.api_keys == listed.api_keys
    assert API[0].min_version == 3


def test_api_versions_features_are_not_in_old_versions() -> None:
    response = ApiVersionsResponse(finalized_features_epoch=3, zk_migration_ready=True)
    assert response.encode(2) == ApiVersionsResponse().encode(2)
    assert response.encode(3) != ApiVersionsResponse().encode(3)


@pytest.mark.parametrize("version", range(4, 19))
def test_tagged_fields_are_gated_by_version(version: int) -> None:
    """A broker sent Fetch's node_endpoints (v16) on v12: invalid wire. Same with the leader (v12)."""
    leader = PartitionData(current_leader=None)
    plain = FetchResponse(responses=[FetchableTopicResponse(topic_id=UUID, partitions=[leader])])
    hinted = FetchResponse(
        responses=plain.responses,
        node_endpoints=[FetchNodeEndpoint(node_id=1, host="h", port=9092)],
    )
    assert (hinted.encode(version) == plain.encode(version)) == (version < 16)


@pytest.mark.parametrize("version", range(3, 14))
def test_produce_leader_hint_is_gated_by_version(version: int) -> None:
    def response(hint: bool) -> bytes:
        partition = PartitionProduceResponse(
            index=1,
            error_code=ErrorCode.NOT_LEADER_OR_FOLLOWER,
            current_leader=LeaderIdAndEpoch(leader_id=2, leader_epoch=5) if hint else None,
        )
        topic = TopicProduceResponse(name="t", topic_id=UUID, partition_responses=[partition])
        endpoints = [NodeEndpoint(node_id=2, host="h", port=1)] if hint else []
        return ProduceResponse(responses=[topic], node_endpoints=endpoints).encode(version)

    assert (response(True) == response(False)) == (version < 10)


@pytest.mark.parametrize(("version", "present"), [(1, False), (3, False), (4, True), (10, True)])
def test_leader_epoch_of_list_offsets_is_gated_by_version(version: int, present: bool) -> None:
    """KAFKA-10613: leader epoch in ListOffsets before version 4."""
    partition = ListOffsetsPartitionResponse(offset=5, leader_epoch=9)
    topic = ListOffsetsTopicResponse(name="t", partitions=[partition])
    wire = ListOffsetsResponse(topics=[topic]).encode(version)
    (back,) = ListOffsetsResponse.decode(wire, 0, version)[0].topics[0].partitions
    assert back.leader_epoch == (9 if present else -1)


@pytest.mark.parametrize("version", range(6))
def test_sync_group_assignment_is_a_parseable_assignment(version: int) -> None:
    """An empty assignment is still a ConsumerProtocolAssignment, not zero bytes."""
    empty = ConsumerProtocolAssignment()
    held = b"\0\0" + empty.encode(0)
    assert held == bytes.fromhex("0000 00000000 ffffffff")
    wire = SyncGroupResponse(assignment=held).encode(version)
    back, _ = SyncGroupResponse.decode(wire, 0, version)
    assert back.assignment == held
    assert ConsumerProtocolAssignment.decode(back.assignment, 2, 0) == (empty, len(held))


def test_consumer_protocol_round_trip_as_clients_write_it() -> None:
    """The version travels in front of the struct; newer members append fields."""
    assignment = ConsumerProtocolAssignment(
        assigned_partitions=[TopicPartition(topic="t", partitions=[0, 2])], user_data=None
    )
    wire = assignment.encode(1)
    assert wire == bytes.fromhex("00000001 0001 74 00000002 00000000 00000002 ffffffff")
    subscription = ConsumerProtocolSubscription(topics=["t"], generation_id=3, rack_id="r")
    back, end = ConsumerProtocolSubscription.decode(subscription.encode(3), 0, 3)
    assert back == subscription
    older, shorter = ConsumerProtocolSubscription.decode(subscription.encode(3), 0, 0)
    assert older == ConsumerProtocolSubscription(topics=["t"])
    assert shorter < end


def test_null_and_empty_records_differ() -> None:
    for version in (4, 11, 12, 17):
        for records in (None, b""):
            partition = PartitionData(records=records)
            topic = FetchableTopicResponse(partitions=[partition])
            wire = FetchResponse(responses=[topic]).encode(version)
            back, _ = FetchResponse.decode(wire, 0, version)
            assert back.responses[0].partitions[0].records == records


def test_metadata_of_all_topics_is_null_and_of_none_is_empty() -> None:
    """Version 0 has no null: there an empty list means all topics."""
    for version in (1, 8, 9, 12):
        for topics in (None, []):
            wire = MetadataRequest(topics=topics).encode(version)
            assert MetadataRequest.decode(wire, 0, version)[0].topics == topics
    assert MetadataRequest.decode(MetadataRequest(topics=[]).encode(0), 0, 0)[0].topics == []


def test_metadata_by_topic_id_has_a_null_name() -> None:
    """KIP-516: from version 12 a client may ask by id alone, and be answered without a name."""
    asked = MetadataRequest(topics=[MetadataRequestTopic(topic_id=UUID, name=None)])
    assert MetadataRequest.decode(asked.encode(12), 0, 12)[0] == asked
    unknown = MetadataResponseTopic(error_code=ErrorCode.UNKNOWN_TOPIC_ID, topic_id=UUID, name=None)
    response = MetadataResponse(topics=[unknown])
    assert MetadataResponse.decode(response.encode(12), 0, 12)[0] == response
    with pytest.raises(AssertionError):
        response.encode(11)


def test_topic_ids_replace_names_where_kafka_says() -> None:
    """Fetch 13 and Produce 13 carry ids and no names (KIP-516)."""
    topic = TopicProduceResponse(name="orders", topic_id=UUID)
    for version in range(3, 14):
        wire = ProduceResponse(responses=[topic]).encode(version)
        assert (b"orders" in wire, UUID in wire) == (version < 13, version >= 13)
    fetched = FetchableTopicResponse(topic="orders", topic_id=UUID)
    for version in range(4, 19):
        wire = FetchResponse(responses=[fetched]).encode(version)
        assert (b"orders" in wire, UUID in wire) == (version < 13, version >= 13)


def test_offset_metadata_round_trips() -> None:
    """The metadata string of a committed offset comes back as it was, with its leader epoch."""
    for text in ("", "checkpoint 17 · ü"):
        for version in range(5, 8):
            partition = OffsetFetchResponsePartition(
                committed_offset=5, committed_leader_epoch=3, metadata=text
            )
            topic = OffsetFetchResponseTopic(name="t", partitions=[partition])
            wire = OffsetFetchResponse(topics=[topic]).encode(version)
            back, _ = OffsetFetchResponse.decode(wire, 0, version)
            assert back.topics[0].partitions == [partition]


def test_the_client_id_of_a_flexible_header_is_not_compact() -> None:
    """KIP-482 kept the int16 length of ``client_id`` in header version 2."""
    frame = b"".join(encode_request_frame(3, 12, 1, "ab", []))
    assert frame[12:] == b"\x00\x02ab\x00"
