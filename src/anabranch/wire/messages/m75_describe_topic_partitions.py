# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeTopicPartitions: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_, pack, unpack_from

from anabranch.wire.codec import (
    Allowance,
    COMPACT_INT32S,
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
_pack_16st = Struct_(">16s?").pack
_pack_h = Struct_(">h").pack
_pack_hiii = Struct_(">hiii").pack
_pack_i = Struct_(">i").pack
_pack_ix = Struct_(">ix").pack
_unpack_16stB = Struct_(">16s?B").unpack_from
_unpack_b = Struct_(">b").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hiiiB = Struct_(">hiiiB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ib = Struct_(">ib").unpack_from


class TopicRequest(Struct):
    """Part of DescribeTopicPartitionsRequest."""

    __slots__ = ("name",)
    name: str

    def __init__(
        self,
        *,
        name: str = "",
    ) -> None:
        self.name = name


class DescribeTopicPartitionsRequestCursor(Struct):
    """Part of DescribeTopicPartitionsRequest."""

    __slots__ = ("topic_name", "partition_index",)
    topic_name: str
    partition_index: int

    def __init__(
        self,
        *,
        topic_name: str = "",
        partition_index: int = 0,
    ) -> None:
        self.topic_name = topic_name
        self.partition_index = partition_index


class DescribeTopicPartitionsRequest(Message):
    """``DescribeTopicPartitionsRequest`` (API key 75), version 0."""

    __slots__ = ("topics", "response_partition_limit", "cursor",)
    topics: list[TopicRequest]
    response_partition_limit: int
    cursor: DescribeTopicPartitionsRequestCursor | None

    API_KEY = 75
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        topics: list[TopicRequest] = EMPTY,
        response_partition_limit: int = 2000,
        cursor: DescribeTopicPartitionsRequestCursor | None = None,
    ) -> None:
        self.topics = [] if topics is EMPTY else topics
        self.response_partition_limit = response_partition_limit
        self.cursor = cursor


class DescribeTopicPartitionsResponsePartition(Struct):
    """Part of DescribeTopicPartitionsResponse."""

    __slots__ = ("error_code", "partition_index", "leader_id", "leader_epoch", "replica_nodes", "isr_nodes", "eligible_leader_replicas", "last_known_elr", "offline_replicas",)
    error_code: int
    partition_index: int
    leader_id: int
    leader_epoch: int
    replica_nodes: list[int]
    isr_nodes: list[int]
    eligible_leader_replicas: list[int] | None
    last_known_elr: list[int] | None
    offline_replicas: list[int]

    def __init__(
        self,
        *,
        error_code: int = 0,
        partition_index: int = 0,
        leader_id: int = 0,
        leader_epoch: int = -1,
        replica_nodes: list[int] = EMPTY,
        isr_nodes: list[int] = EMPTY,
        eligible_leader_replicas: list[int] | None = None,
        last_known_elr: list[int] | None = None,
        offline_replicas: list[int] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.partition_index = partition_index
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch
        self.replica_nodes = [] if replica_nodes is EMPTY else replica_nodes
        self.isr_nodes = [] if isr_nodes is EMPTY else isr_nodes
        self.eligible_leader_replicas = eligible_leader_replicas
        self.last_known_elr = last_known_elr
        self.offline_replicas = [] if offline_replicas is EMPTY else offline_replicas


class DescribeTopicPartitionsResponseTopic(Struct):
    """Part of DescribeTopicPartitionsResponse."""

    __slots__ = ("error_code", "name", "topic_id", "is_internal", "partitions", "topic_authorized_operations",)
    error_code: int
    name: str | None
    topic_id: bytes
    is_internal: bool
    partitions: list[DescribeTopicPartitionsResponsePartition]
    topic_authorized_operations: int

    def __init__(
        self,
        *,
        error_code: int = 0,
        name: str | None = "",
        topic_id: bytes = ZERO_UUID,
        is_internal: bool = False,
        partitions: list[DescribeTopicPartitionsResponsePartition] = EMPTY,
        topic_authorized_operations: int = -2147483648,
    ) -> None:
        self.error_code = error_code
        self.name = name
        self.topic_id = topic_id
        self.is_internal = is_internal
        self.partitions = [] if partitions is EMPTY else partitions
        self.topic_authorized_operations = topic_authorized_operations


class DescribeTopicPartitionsResponseCursor(Struct):
    """Part of DescribeTopicPartitionsResponse."""

    __slots__ = ("topic_name", "partition_index",)
    topic_name: str
    partition_index: int

    def __init__(
        self,
        *,
        topic_name: str = "",
        partition_index: int = 0,
    ) -> None:
        self.topic_name = topic_name
        self.partition_index = partition_index


class DescribeTopicPartitionsResponse(Message):
    """``DescribeTopicPartitionsResponse`` (API key 75), version 0."""

    __slots__ = ("throttle_time_ms", "topics", "next_cursor",)
    throttle_time_ms: int
    topics: list[DescribeTopicPartitionsResponseTopic]
    next_cursor: DescribeTopicPartitionsResponseCursor | None

    API_KEY = 75
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        topics: list[DescribeTopicPartitionsResponseTopic] = EMPTY,
        next_cursor: DescribeTopicPartitionsResponseCursor | None = None,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = [] if topics is EMPTY else topics
        self.next_cursor = next_cursor


def _read_topic_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicRequest, int]:
    o = _new(TopicRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TopicRequest.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_topic_request_v0(o: TopicRequest, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    w(b"\0")


def _read_describe_topic_partitions_request_cursor_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeTopicPartitionsRequestCursor, int]:
    o = _new(DescribeTopicPartitionsRequestCursor)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeTopicPartitionsRequestCursor.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    o.partition_index, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_topic_partitions_request_cursor_v0(o: DescribeTopicPartitionsRequestCursor, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    w(_pack_ix(o.partition_index))


def _read_describe_topic_partitions_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeTopicPartitionsRequest, int]:
    o = _new(DescribeTopicPartitionsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 2 > e - p:
        raise bad_length("DescribeTopicPartitionsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[TopicRequest] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_topic_request_v0(b, p, e, c)
        l_topics.append(x_topics)
    o.response_partition_limit, n = _unpack_ib(b, p)
    p += 5
    if n < 0:
        o.cursor = None
    else:
        o.cursor, p = _read_describe_topic_partitions_request_cursor_v0(b, p, e, c)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_topic_partitions_request_v0(o: DescribeTopicPartitionsRequest, w: Write) -> None:
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_topic_request_v0(x_topics, w)
    w(_pack_i(o.response_partition_limit))
    if o.cursor is None:
        w(b"\xff")
    else:
        w(b"\1")
        _write_describe_topic_partitions_request_cursor_v0(o.cursor, w)
    w(b"\0")


def _read_describe_topic_partitions_response_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeTopicPartitionsResponsePartition, int]:
    o = _new(DescribeTopicPartitionsResponsePartition)
    o.error_code, o.partition_index, o.leader_id, o.leader_epoch, n = _unpack_hiiiB(b, p)
    p += 15
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("DescribeTopicPartitionsResponsePartition.replica_nodes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.replica_nodes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("DescribeTopicPartitionsResponsePartition.isr_nodes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.isr_nodes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.eligible_leader_replicas = None
    else:
        n -= 1
        q = p + n * 4
        if q > e:
            raise bad_length("DescribeTopicPartitionsResponsePartition.eligible_leader_replicas")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        o.eligible_leader_replicas = list(unpack_from(f">{n}i", b, p)) if n else []
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.last_known_elr = None
    else:
        n -= 1
        q = p + n * 4
        if q > e:
            raise bad_length("DescribeTopicPartitionsResponsePartition.last_known_elr")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        o.last_known_elr = list(unpack_from(f">{n}i", b, p)) if n else []
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("DescribeTopicPartitionsResponsePartition.offline_replicas")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.offline_replicas = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_topic_partitions_response_partition_v0(o: DescribeTopicPartitionsResponsePartition, w: Write) -> None:
    v_replica_nodes = o.replica_nodes
    w(_pack_hiii(o.error_code, o.partition_index, o.leader_id, o.leader_epoch))
    n = len(v_replica_nodes)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_replica_nodes))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_replica_nodes))
    v_isr_nodes = o.isr_nodes
    n = len(v_isr_nodes)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_isr_nodes))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_isr_nodes))
    v_eligible_leader_replicas = o.eligible_leader_replicas
    if v_eligible_leader_replicas is None:
        w(b"\0")
    else:
        n = len(v_eligible_leader_replicas)
        if n < 16:
            w(COMPACT_INT32S[n](n + 1, *v_eligible_leader_replicas))
        else:
            w(uvarint_bytes(n + 1))
            w(pack(f">{n}i", *v_eligible_leader_replicas))
    v_last_known_elr = o.last_known_elr
    if v_last_known_elr is None:
        w(b"\0")
    else:
        n = len(v_last_known_elr)
        if n < 16:
            w(COMPACT_INT32S[n](n + 1, *v_last_known_elr))
        else:
            w(uvarint_bytes(n + 1))
            w(pack(f">{n}i", *v_last_known_elr))
    v_offline_replicas = o.offline_replicas
    n = len(v_offline_replicas)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_offline_replicas))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_offline_replicas))
    w(b"\0")


def _read_describe_topic_partitions_response_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeTopicPartitionsResponseTopic, int]:
    o = _new(DescribeTopicPartitionsResponseTopic)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.name = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeTopicPartitionsResponseTopic.name")
        o.name = b[p:q].decode()
        p = q
    o.topic_id, o.is_internal, n = _unpack_16stB(b, p)
    p += 18
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 20 > e - p:
        raise bad_length("DescribeTopicPartitionsResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DescribeTopicPartitionsResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_describe_topic_partitions_response_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    o.topic_authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_topic_partitions_response_topic_v0(o: DescribeTopicPartitionsResponseTopic, w: Write) -> None:
    v_name = o.name
    w(_pack_h(o.error_code))
    if v_name is None:
        w(b"\0")
    else:
        r_name = v_name.encode()
        n = len(r_name) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_name)
    v_partitions = o.partitions
    w(_pack_16st(o.topic_id, o.is_internal))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_describe_topic_partitions_response_partition_v0(x_partitions, w)
    w(_pack_ix(o.topic_authorized_operations))


def _read_describe_topic_partitions_response_cursor_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeTopicPartitionsResponseCursor, int]:
    o = _new(DescribeTopicPartitionsResponseCursor)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeTopicPartitionsResponseCursor.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    o.partition_index, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_topic_partitions_response_cursor_v0(o: DescribeTopicPartitionsResponseCursor, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    w(_pack_ix(o.partition_index))


def _read_describe_topic_partitions_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeTopicPartitionsResponse, int]:
    o = _new(DescribeTopicPartitionsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 26 > e - p:
        raise bad_length("DescribeTopicPartitionsResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DescribeTopicPartitionsResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_describe_topic_partitions_response_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    (n,) = _unpack_b(b, p)
    p += 1
    if n < 0:
        o.next_cursor = None
    else:
        o.next_cursor, p = _read_describe_topic_partitions_response_cursor_v0(b, p, e, c)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_topic_partitions_response_v0(o: DescribeTopicPartitionsResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.throttle_time_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_describe_topic_partitions_response_topic_v0(x_topics, w)
    if o.next_cursor is None:
        w(b"\xff")
    else:
        w(b"\1")
        _write_describe_topic_partitions_response_cursor_v0(o.next_cursor, w)
    w(b"\0")


DescribeTopicPartitionsRequest.READERS = {
    0: _read_describe_topic_partitions_request_v0,
}

DescribeTopicPartitionsRequest.WRITERS = {
    0: _write_describe_topic_partitions_request_v0,
}

DescribeTopicPartitionsResponse.READERS = {
    0: _read_describe_topic_partitions_response_v0,
}

DescribeTopicPartitionsResponse.WRITERS = {
    0: _write_describe_topic_partitions_response_v0,
}
