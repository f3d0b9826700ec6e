# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ShareFetch: messages of all versions, with their codec."""

from __future__ import annotations

from codecs import utf_8_decode
from struct import Struct as Struct_, pack, unpack_from

from anabranch.wire.codec import (
    Allowance,
    COMPACT_INT32S,
    EMPTY,
    Message,
    Records,
    Struct,
    UVARINT,
    Write,
    ZERO_UUID,
    bad_length,
    records_size,
    skip_tags,
    too_many,
    uvarint,
    uvarint_bytes,
    write_records,
)

_new = object.__new__
_pack_16s = Struct_(">16s").pack
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_iiiiii = Struct_(">iiiiii").pack
_pack_iiiiiibt = Struct_(">iiiiiib?").pack
_pack_iix = Struct_(">iix").pack
_pack_qq = Struct_(">qq").pack
_pack_qqhx = Struct_(">qqhx").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_iiB = Struct_(">iiB").unpack_from
_unpack_iiiiiiB = Struct_(">iiiiiiB").unpack_from
_unpack_iiiiiibtB = Struct_(">iiiiiib?B").unpack_from
_unpack_qqB = Struct_(">qqB").unpack_from
_unpack_qqhB = Struct_(">qqhB").unpack_from


class AcknowledgementBatch(Struct):
    """Part of ShareFetchRequest."""

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


class FetchPartition(Struct):
    """Part of ShareFetchRequest."""

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


class FetchTopic(Struct):
    """Part of ShareFetchRequest."""

    __slots__ = ("topic_id", "partitions",)
    topic_id: bytes
    partitions: list[FetchPartition]

    def __init__(
        self,
        *,
        topic_id: bytes = ZERO_UUID,
        partitions: list[FetchPartition] = EMPTY,
    ) -> None:
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class ForgottenTopic(Struct):
    """Part of ShareFetchRequest."""

    __slots__ = ("topic_id", "partitions",)
    topic_id: bytes
    partitions: list[int]

    def __init__(
        self,
        *,
        topic_id: bytes = ZERO_UUID,
        partitions: list[int] = EMPTY,
    ) -> None:
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class ShareFetchRequest(Message):
    """``ShareFetchRequest`` (API key 78), versions 1 to 2."""

    __slots__ = ("group_id", "member_id", "share_session_epoch", "max_wait_ms", "min_bytes", "max_bytes", "max_records", "batch_size", "share_acquire_mode", "is_renew_ack", "topics", "forgotten_topics_data",)
    group_id: str | None
    member_id: str | None
    share_session_epoch: int
    max_wait_ms: int
    min_bytes: int
    max_bytes: int
    max_records: int
    batch_size: int
    share_acquire_mode: int
    is_renew_ack: bool
    topics: list[FetchTopic]
    forgotten_topics_data: list[ForgottenTopic]

    API_KEY = 78
    MIN_VERSION = 1
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        group_id: str | None = None,
        member_id: str | None = "",
        share_session_epoch: int = 0,
        max_wait_ms: int = 0,
        min_bytes: int = 0,
        max_bytes: int = 2147483647,
        max_records: int = 0,
        batch_size: int = 0,
        share_acquire_mode: int = 0,
        is_renew_ack: bool = False,
        topics: list[FetchTopic] = EMPTY,
        forgotten_topics_data: list[ForgottenTopic] = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.share_session_epoch = share_session_epoch
        self.max_wait_ms = max_wait_ms
        self.min_bytes = min_bytes
        self.max_bytes = max_bytes
        self.max_records = max_records
        self.batch_size = batch_size
        self.share_acquire_mode = share_acquire_mode
        self.is_renew_ack = is_renew_ack
        self.topics = [] if topics is EMPTY else topics
        self.forgotten_topics_data = [] if forgotten_topics_data is EMPTY else forgotten_topics_data


class LeaderIdAndEpoch(Struct):
    """Part of ShareFetchResponse."""

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


class AcquiredRecords(Struct):
    """Part of ShareFetchResponse."""

    __slots__ = ("first_offset", "last_offset", "delivery_count",)
    first_offset: int
    last_offset: int
    delivery_count: int

    def __init__(
        self,
        *,
        first_offset: int = 0,
        last_offset: int = 0,
        delivery_count: int = 0,
    ) -> None:
        self.first_offset = first_offset
        self.last_offset = last_offset
        self.delivery_count = delivery_count


class PartitionData(Struct):
    """Part of ShareFetchResponse."""

    __slots__ = ("partition_index", "error_code", "error_message", "acknowledge_error_code", "acknowledge_error_message", "current_leader", "records", "acquired_records",)
    partition_index: int
    error_code: int
    error_message: str | None
    acknowledge_error_code: int
    acknowledge_error_message: str | None
    current_leader: LeaderIdAndEpoch
    records: Records
    acquired_records: list[AcquiredRecords]

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        acknowledge_error_code: int = 0,
        acknowledge_error_message: str | None = None,
        current_leader: LeaderIdAndEpoch | None = None,
        records: Records = b"",
        acquired_records: list[AcquiredRecords] = EMPTY,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message
        self.acknowledge_error_code = acknowledge_error_code
        self.acknowledge_error_message = acknowledge_error_message
        self.current_leader = LeaderIdAndEpoch() if current_leader is None else current_leader
        self.records = records
        self.acquired_records = [] if acquired_records is EMPTY else acquired_records


class ShareFetchableTopicResponse(Struct):
    """Part of ShareFetchResponse."""

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
    """Part of ShareFetchResponse."""

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


class ShareFetchResponse(Message):
    """``ShareFetchResponse`` (API key 78), versions 1 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "acquisition_lock_timeout_ms", "responses", "node_endpoints",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    acquisition_lock_timeout_ms: int
    responses: list[ShareFetchableTopicResponse]
    node_endpoints: list[NodeEndpoint]

    API_KEY = 78
    MIN_VERSION = 1
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0
    VIEWS = True

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        acquisition_lock_timeout_ms: int = 0,
        responses: list[ShareFetchableTopicResponse] = EMPTY,
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


def _read_fetch_partition_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchPartition, int]:
    o = _new(FetchPartition)
    o.partition_index, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("FetchPartition.acknowledgement_batches")
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


def _write_fetch_partition_v1(o: FetchPartition, w: Write) -> None:
    v_acknowledgement_batches = o.acknowledgement_batches
    w(_pack_i(o.partition_index))
    n = len(v_acknowledgement_batches) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_acknowledgement_batches in v_acknowledgement_batches:
        _write_acknowledgement_batch_v1(x_acknowledgement_batches, w)
    w(b"\0")


def _read_fetch_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchTopic, int]:
    o = _new(FetchTopic)
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[FetchPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_fetch_partition_v1(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_fetch_topic_v1(o: FetchTopic, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_fetch_partition_v1(x_partitions, w)
    w(b"\0")


def _read_forgotten_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ForgottenTopic, int]:
    o = _new(ForgottenTopic)
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("ForgottenTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partitions = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_forgotten_topic_v1(o: ForgottenTopic, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_share_fetch_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ShareFetchRequest, int]:
    o = _new(ShareFetchRequest)
    o.share_acquire_mode = 0
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
            raise bad_length("ShareFetchRequest.group_id")
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
            raise bad_length("ShareFetchRequest.member_id")
        o.member_id = b[p:q].decode()
        p = q
    o.share_session_epoch, o.max_wait_ms, o.min_bytes, o.max_bytes, o.max_records, o.batch_size, n = _unpack_iiiiiiB(b, p)
    p += 25
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("ShareFetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("ShareFetchRequest.forgotten_topics_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_forgotten_topics_data: list[ForgottenTopic] = []
    o.forgotten_topics_data = l_forgotten_topics_data
    for _ in range(n):
        x_forgotten_topics_data, p = _read_forgotten_topic_v1(b, p, e, c)
        l_forgotten_topics_data.append(x_forgotten_topics_data)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_share_fetch_request_v1(o: ShareFetchRequest, w: Write) -> None:
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
    w(_pack_iiiiii(o.share_session_epoch, o.max_wait_ms, o.min_bytes, o.max_bytes, o.max_records, o.batch_size))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_fetch_topic_v1(x_topics, w)
    v_forgotten_topics_data = o.forgotten_topics_data
    n = len(v_forgotten_topics_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_forgotten_topics_data in v_forgotten_topics_data:
        _write_forgotten_topic_v1(x_forgotten_topics_data, w)
    w(b"\0")


def _read_share_fetch_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[ShareFetchRequest, int]:
    o = _new(ShareFetchRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.group_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ShareFetchRequest.group_id")
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
            raise bad_length("ShareFetchRequest.member_id")
        o.member_id = b[p:q].decode()
        p = q
    o.share_session_epoch, o.max_wait_ms, o.min_bytes, o.max_bytes, o.max_records, o.batch_size, o.share_acquire_mode, o.is_renew_ack, n = _unpack_iiiiiibtB(b, p)
    p += 27
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("ShareFetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("ShareFetchRequest.forgotten_topics_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_forgotten_topics_data: list[ForgottenTopic] = []
    o.forgotten_topics_data = l_forgotten_topics_data
    for _ in range(n):
        x_forgotten_topics_data, p = _read_forgotten_topic_v1(b, p, e, c)
        l_forgotten_topics_data.append(x_forgotten_topics_data)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_share_fetch_request_v2(o: ShareFetchRequest, w: Write) -> None:
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
    w(_pack_iiiiiibt(o.share_session_epoch, o.max_wait_ms, o.min_bytes, o.max_bytes, o.max_records, o.batch_size, o.share_acquire_mode, o.is_renew_ack))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_fetch_topic_v1(x_topics, w)
    v_forgotten_topics_data = o.forgotten_topics_data
    n = len(v_forgotten_topics_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_forgotten_topics_data in v_forgotten_topics_data:
        _write_forgotten_topic_v1(x_forgotten_topics_data, w)
    w(b"\0")


def _read_leader_id_and_epoch_v1(b: memoryview, p: int, e: int, c: Allowance) -> tuple[LeaderIdAndEpoch, int]:
    o = _new(LeaderIdAndEpoch)
    o.leader_id, o.leader_epoch, n = _unpack_iiB(b, p)
    p += 9
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_leader_id_and_epoch_v1(o: LeaderIdAndEpoch, w: Write) -> None:
    w(_pack_iix(o.leader_id, o.leader_epoch))


def _read_acquired_records_v1(b: memoryview, p: int, e: int, c: Allowance) -> tuple[AcquiredRecords, int]:
    o = _new(AcquiredRecords)
    o.first_offset, o.last_offset, o.delivery_count, n = _unpack_qqhB(b, p)
    p += 19
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_acquired_records_v1(o: AcquiredRecords, w: Write) -> None:
    w(_pack_qqhx(o.first_offset, o.last_offset, o.delivery_count))


def _read_partition_data_v1(b: memoryview, p: int, e: int, c: Allowance) -> tuple[PartitionData, int]:
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
        o.error_message = utf_8_decode(b[p:q], "strict", True)[0]
        p = q
    o.acknowledge_error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.acknowledge_error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("PartitionData.acknowledge_error_message")
        o.acknowledge_error_message = utf_8_decode(b[p:q], "strict", True)[0]
        p = q
    o.current_leader, p = _read_leader_id_and_epoch_v1(b, p, e, c)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("PartitionData.records")
    o.records = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 19 > e - p:
        raise bad_length("PartitionData.acquired_records")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_acquired_records: list[AcquiredRecords] = []
    o.acquired_records = l_acquired_records
    for _ in range(n):
        x_acquired_records, p = _read_acquired_records_v1(b, p, e, c)
        l_acquired_records.append(x_acquired_records)
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
    v_acknowledge_error_message = o.acknowledge_error_message
    w(_pack_h(o.acknowledge_error_code))
    if v_acknowledge_error_message is None:
        w(b"\0")
    else:
        r_acknowledge_error_message = v_acknowledge_error_message.encode()
        n = len(r_acknowledge_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_acknowledge_error_message)
    _write_leader_id_and_epoch_v1(o.current_leader, w)
    v_records = o.records
    n = records_size(v_records) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    write_records(v_records, w)
    v_acquired_records = o.acquired_records
    n = len(v_acquired_records) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_acquired_records in v_acquired_records:
        _write_acquired_records_v1(x_acquired_records, w)
    w(b"\0")


def _read_share_fetchable_topic_response_v1(b: memoryview, p: int, e: int, c: Allowance) -> tuple[ShareFetchableTopicResponse, int]:
    o = _new(ShareFetchableTopicResponse)
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 22 > e - p:
        raise bad_length("ShareFetchableTopicResponse.partitions")
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


def _write_share_fetchable_topic_response_v1(o: ShareFetchableTopicResponse, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_partition_data_v1(x_partitions, w)
    w(b"\0")


def _read_node_endpoint_v1(b: memoryview, p: int, e: int, c: Allowance) -> tuple[NodeEndpoint, int]:
    o = _new(NodeEndpoint)
    o.node_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("NodeEndpoint.host")
    o.host = utf_8_decode(b[p:q], "strict", True)[0]
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
        o.rack = utf_8_decode(b[p:q], "strict", True)[0]
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


def _read_share_fetch_response_v1(b: memoryview, p: int, e: int, c: Allowance) -> tuple[ShareFetchResponse, int]:
    o = _new(ShareFetchResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ShareFetchResponse.error_message")
        o.error_message = utf_8_decode(b[p:q], "strict", True)[0]
        p = q
    o.acquisition_lock_timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("ShareFetchResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[ShareFetchableTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_share_fetchable_topic_response_v1(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("ShareFetchResponse.node_endpoints")
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


def _write_share_fetch_response_v1(o: ShareFetchResponse, w: Write) -> None:
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
        _write_share_fetchable_topic_response_v1(x_responses, w)
    v_node_endpoints = o.node_endpoints
    n = len(v_node_endpoints) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_node_endpoints in v_node_endpoints:
        _write_node_endpoint_v1(x_node_endpoints, w)
    w(b"\0")


ShareFetchRequest.READERS = {
    1: _read_share_fetch_request_v1,
    2: _read_share_fetch_request_v2,
}

ShareFetchRequest.WRITERS = {
    1: _write_share_fetch_request_v1,
    2: _write_share_fetch_request_v2,
}

ShareFetchResponse.READERS = {
    1: _read_share_fetch_response_v1,
    2: _read_share_fetch_response_v1,
}

ShareFetchResponse.WRITERS = {
    1: _write_share_fetch_response_v1,
    2: _write_share_fetch_response_v1,
}
