# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ShareAcknowledge: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_, pack, unpack_from

from anabranch.wire.codec import (
    Allowance,
    EMPTY,
    Message,
    Struct,
    UVARINT,
    Write,
    ZERO_UUID,
    bad_length,
    skip_tags,
    too_many,
    uvarint,
    uvarint_bytes,
)

_new = object.__new__
_pack_16s = Struct_(">16s").pack
_pack_i = Struct_(">i").pack
_pack_it = Struct_(">i?").pack
_pack_ih = Struct_(">ih").pack
_pack_iix = Struct_(">iix").pack
_pack_qq = Struct_(">qq").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_itB = Struct_(">i?B").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_iiB = Struct_(">iiB").unpack_from
_unpack_qqB = Struct_(">qqB").unpack_from


class AcknowledgementBatch(Struct):
    """Part of ShareAcknowledgeRequest."""

    __slots__ = ("first_offset", "last_offset", "acknowledge_types",)
    first_offset: int
    last_offset: int
    acknowledge_types: list[int]

    def __init__(
        self,
        *,
        first_offset: int = 0,
        last_offset: int = 0,
        acknowledge_types: list[int] = EMPTY,
    ) -> None:
        self.first_offset = first_offset
        self.last_offset = last_offset
        self.acknowledge_types = [] if acknowledge_types is EMPTY else acknowledge_types


class AcknowledgePartition(Struct):
    """Part of ShareAcknowledgeRequest."""

    __slots__ = ("partition_index", "acknowledgement_batches",)
    partition_index: int
    acknowledgement_batches: list[AcknowledgementBatch]

    def __init__(
        self,
        *,
        partition_index: int = 0,
        acknowledgement_batches: list[AcknowledgementBatch] = EMPTY,
    ) -> None:
        self.partition_index = partition_index
        self.acknowledgement_batches = [] if acknowledgement_batches is EMPTY else acknowledgement_batches


class AcknowledgeTopic(Struct):
    """Part of ShareAcknowledgeRequest."""

    __slots__ = ("topic_id", "partitions",)
    topic_id: bytes
    partitions: list[AcknowledgePartition]

    def __init__(
        self,
        *,
        topic_id: bytes = ZERO_UUID,
        partitions: list[AcknowledgePartition] = EMPTY,
    ) -> None:
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class ShareAcknowledgeRequest(Message):
    """``ShareAcknowledgeRequest`` (API key 79), versions 1 to 2."""

    __slots__ = ("group_id", "member_id", "share_session_epoch", "is_renew_ack", "topics",)
    group_id: str | None
    member_id: str | None
    share_session_epoch: int
    is_renew_ack: bool
    topics: list[AcknowledgeTopic]

    API_KEY = 79
    MIN_VERSION = 1
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        group_id: str | None = None,
        member_id: str | None = "",
        share_session_epoch: int = 0,
        is_renew_ack: bool = False,
        topics: list[AcknowledgeTopic] = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.share_session_epoch = share_session_epoch
        self.is_renew_ack = is_renew_ack
        self.topics = [] if topics is EMPTY else topics


class LeaderIdAndEpoch(Struct):
    """Part of ShareAcknowledgeResponse."""

    __slots__ = ("leader_id", "leader_epoch",)
    leader_id: int
    leader_epoch: int

    def __init__(
        self,
        *,
        leader_id: int = 0,
        leader_epoch: int = 0,
    ) -> None:
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch


class PartitionData(Struct):
    """Part of ShareAcknowledgeResponse."""

    __slots__ = ("partition_index", "error_code", "error_message", "current_leader",)
    partition_index: int
    error_code: int
    error_message: str | None
    current_leader: LeaderIdAndEpoch

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        current_leader: LeaderIdAndEpoch | None = None,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message
        self.current_leader = LeaderIdAndEpoch() if current_leader is None else current_leader


class ShareAcknowledgeTopicResponse(Struct):
    """Part of ShareAcknowledgeResponse."""

    __slots__ = ("topic_id", "partitions",)
    topic_id: bytes
    partitions: list[PartitionData]

    def __init__(
        self,
        *,
        topic_id: bytes = ZERO_UUID,
        partitions: list[PartitionData] = EMPTY,
    ) -> None:
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class NodeEndpoint(Struct):
    """Part of ShareAcknowledgeResponse."""

    __slots__ = ("node_id", "host", "port", "rack",)
    node_id: int
    host: str
    port: int
    rack: str | None

    def __init__(
        self,
        *,
        node_id: int = 0,
        host: str = "",
        port: int = 0,
        rack: str | None = None,
    ) -> None:
        self.node_id = node_id
        self.host = host
        self.port = port
        self.rack = rack


class ShareAcknowledgeResponse(Message):
    """``ShareAcknowledgeResponse`` (API key 79), versions 1 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "acquisition_lock_timeout_ms", "responses", "node_endpoints",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    acquisition_lock_timeout_ms: int
    responses: list[ShareAcknowledgeTopicResponse]
    node_endpoints: list[NodeEndpoint]

    API_KEY = 79
    MIN_VERSION = 1
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        acquisition_lock_timeout_ms: int = 0,
        responses: list[ShareAcknowledgeTopicResponse] = EMPTY,
        node_endpoints: list[NodeEndpoint] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.acquisition_lock_timeout_ms = acquisition_lock_timeout_ms
        self.responses = [] if responses is EMPTY else responses
        self.node_endpoints = [] if node_endpoints is EMPTY else node_endpoints


def _read_acknowledgement_batch_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AcknowledgementBatch, int]:
    o = _new(AcknowledgementBatch)
    o.first_offset, o.last_offset, n = _unpack_qqB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n
    if not p <= q <= e:
        raise bad_length("AcknowledgementBatch.acknowledge_types")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.acknowledge_types = list(unpack_from(f">{n}b", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_acknowledgement_batch_v1(o: AcknowledgementBatch, w: Write) -> None:
    v_acknowledge_types = o.acknowledge_types
    w(_pack_qq(o.first_offset, o.last_offset))
    n = len(v_acknowledge_types) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    if v_acknowledge_types:
        w(pack(f">{len(v_acknowledge_types)}b", *v_acknowledge_types))
    w(b"\0")


def _read_acknowledge_partition_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AcknowledgePartition, int]:
    o = _new(AcknowledgePartition)
    o.partition_index, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("AcknowledgePartition.acknowledgement_batches")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_acknowledgement_batches: list[AcknowledgementBatch] = []
    o.acknowledgement_batches = l_acknowledgement_batches
    for _ in range(n):
        x_acknowledgement_batches, p = _read_acknowledgement_batch_v1(b, p, e, c)
        l_acknowledgement_batches.append(x_acknowledgement_batches)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_acknowledge_partition_v1(o: AcknowledgePartition, w: Write) -> None:
    v_acknowledgement_batches = o.acknowledgement_batches
    w(_pack_i(o.partition_index))
    n = len(v_acknowledgement_batches) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_acknowledgement_batches in v_acknowledgement_batches:
        _write_acknowledgement_batch_v1(x_acknowledgement_batches, w)
    w(b"\0")


def _read_acknowledge_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AcknowledgeTopic, int]:
    o = _new(AcknowledgeTopic)
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("AcknowledgeTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[AcknowledgePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_acknowledge_partition_v1(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_acknowledge_topic_v1(o: AcknowledgeTopic, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_acknowledge_partition_v1(x_partitions, w)
    w(b"\0")


def _read_share_acknowledge_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ShareAcknowledgeRequest, int]:
    o = _new(ShareAcknowledgeRequest)
    o.is_renew_ack = False
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.group_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ShareAcknowledgeRequest.group_id")
        o.group_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.member_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ShareAcknowledgeRequest.member_id")
        o.member_id = b[p:q].decode()
        p = q
    o.share_session_epoch, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("ShareAcknowledgeRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[AcknowledgeTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_acknowledge_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_share_acknowledge_request_v1(o: ShareAcknowledgeRequest, w: Write) -> None:
    v_group_id = o.group_id
    if v_group_id is None:
        w(b"\0")
    else:
        r_group_id = v_group_id.encode()
        n = len(r_group_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_group_id)
    v_member_id = o.member_id
    if v_member_id is None:
        w(b"\0")
    else:
        r_member_id = v_member_id.encode()
        n = len(r_member_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_member_id)
    v_topics = o.topics
    w(_pack_i(o.share_session_epoch))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_acknowledge_topic_v1(x_topics, w)
    w(b"\0")


def _read_share_acknowledge_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[ShareAcknowledgeRequest, int]:
    o = _new(ShareAcknowledgeRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.group_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ShareAcknowledgeRequest.group_id")
        o.group_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.member_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ShareAcknowledgeRequest.member_id")
        o.member_id = b[p:q].decode()
        p = q
    o.share_session_epoch, o.is_renew_ack, n = _unpack_itB(b, p)
    p += 6
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("ShareAcknowledgeRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[AcknowledgeTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_acknowledge_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_share_acknowledge_request_v2(o: ShareAcknowledgeRequest, w: Write) -> None:
    v_group_id = o.group_id
    if v_group_id is None:
        w(b"\0")
    else:
        r_group_id = v_group_id.encode()
        n = len(r_group_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_group_id)
    v_member_id = o.member_id
    if v_member_id is None:
        w(b"\0")
    else:
        r_member_id = v_member_id.encode()
        n = len(r_member_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_member_id)
    v_topics = o.topics
    w(_pack_it(o.share_session_epoch, o.is_renew_ack))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_acknowledge_topic_v1(x_topics, w)
    w(b"\0")


def _read_leader_id_and_epoch_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[LeaderIdAndEpoch, int]:
    o = _new(LeaderIdAndEpoch)
    o.leader_id, o.leader_epoch, n = _unpack_iiB(b, p)
    p += 9
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_leader_id_and_epoch_v1(o: LeaderIdAndEpoch, w: Write) -> None:
    w(_pack_iix(o.leader_id, o.leader_epoch))


def _read_partition_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[PartitionData, int]:
    o = _new(PartitionData)
    o.partition_index, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("PartitionData.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.current_leader, p = _read_leader_id_and_epoch_v1(b, p, e, c)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_partition_data_v1(o: PartitionData, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.partition_index, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    _write_leader_id_and_epoch_v1(o.current_leader, w)
    w(b"\0")


def _read_share_acknowledge_topic_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ShareAcknowledgeTopicResponse, int]:
    o = _new(ShareAcknowledgeTopicResponse)
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 17 > e - p:
        raise bad_length("ShareAcknowledgeTopicResponse.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[PartitionData] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_partition_data_v1(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_share_acknowledge_topic_response_v1(o: ShareAcknowledgeTopicResponse, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_partition_data_v1(x_partitions, w)
    w(b"\0")


def _read_node_endpoint_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[NodeEndpoint, int]:
    o = _new(NodeEndpoint)
    o.node_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("NodeEndpoint.host")
    o.host = b[p:q].decode()
    p = q
    o.port, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.rack = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("NodeEndpoint.rack")
        o.rack = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_node_endpoint_v1(o: NodeEndpoint, w: Write) -> None:
    v_host = o.host
    w(_pack_i(o.node_id))
    r_host = v_host.encode()
    n = len(r_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_host)
    v_rack = o.rack
    w(_pack_i(o.port))
    if v_rack is None:
        w(b"\0")
    else:
        r_rack = v_rack.encode()
        n = len(r_rack) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_rack)
    w(b"\0")


def _read_share_acknowledge_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ShareAcknowledgeResponse, int]:
    o = _new(ShareAcknowledgeResponse)
    o.acquisition_lock_timeout_ms = 0
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ShareAcknowledgeResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("ShareAcknowledgeResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[ShareAcknowledgeTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_share_acknowledge_topic_response_v1(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("ShareAcknowledgeResponse.node_endpoints")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_node_endpoints: list[NodeEndpoint] = []
    o.node_endpoints = l_node_endpoints
    for _ in range(n):
        x_node_endpoints, p = _read_node_endpoint_v1(b, p, e, c)
        l_node_endpoints.append(x_node_endpoints)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_share_acknowledge_response_v1(o: ShareAcknowledgeResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_responses = o.responses
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_share_acknowledge_topic_response_v1(x_responses, w)
    v_node_endpoints = o.node_endpoints
    n = len(v_node_endpoints) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_node_endpoints in v_node_endpoints:
        _write_node_endpoint_v1(x_node_endpoints, w)
    w(b"\0")


def _read_share_acknowledge_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[ShareAcknowledgeResponse, int]:
    o = _new(ShareAcknowledgeResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ShareAcknowledgeResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.acquisition_lock_timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("ShareAcknowledgeResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[ShareAcknowledgeTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_share_acknowledge_topic_response_v1(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("ShareAcknowledgeResponse.node_endpoints")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_node_endpoints: list[NodeEndpoint] = []
    o.node_endpoints = l_node_endpoints
    for _ in range(n):
        x_node_endpoints, p = _read_node_endpoint_v1(b, p, e, c)
        l_node_endpoints.append(x_node_endpoints)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_share_acknowledge_response_v2(o: ShareAcknowledgeResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_responses = o.responses
    w(_pack_i(o.acquisition_lock_timeout_ms))
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_share_acknowledge_topic_response_v1(x_responses, w)
    v_node_endpoints = o.node_endpoints
    n = len(v_node_endpoints) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_node_endpoints in v_node_endpoints:
        _write_node_endpoint_v1(x_node_endpoints, w)
    w(b"\0")


ShareAcknowledgeRequest.READERS = {
    1: _read_share_acknowledge_request_v1,
    2: _read_share_acknowledge_request_v2,
}

ShareAcknowledgeRequest.WRITERS = {
    1: _write_share_acknowledge_request_v1,
    2: _write_share_acknowledge_request_v2,
}

ShareAcknowledgeResponse.READERS = {
    1: _read_share_acknowledge_response_v1,
    2: _read_share_acknowledge_response_v2,
}

ShareAcknowledgeResponse.WRITERS = {
    1: _write_share_acknowledge_response_v1,
    2: _write_share_acknowledge_response_v2,
}
