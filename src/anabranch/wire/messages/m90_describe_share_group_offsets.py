# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeShareGroupOffsets: messages of all versions, with their codec."""

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
_pack_16s = Struct_(">16s").pack
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_iqih = Struct_(">iqih").pack
_pack_iqiqh = Struct_(">iqiqh").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_iqihB = Struct_(">iqihB").unpack_from
_unpack_iqiqhB = Struct_(">iqiqhB").unpack_from


class DescribeShareGroupOffsetsRequestTopic(Struct):
    """Part of DescribeShareGroupOffsetsRequest."""

    __slots__ = ("topic_name", "partitions",)
    topic_name: str
    partitions: list[int]

    def __init__(
        self,
        *,
        topic_name: str = "",
        partitions: list[int] = EMPTY,
    ) -> None:
        self.topic_name = topic_name
        self.partitions = [] if partitions is EMPTY else partitions


class DescribeShareGroupOffsetsRequestGroup(Struct):
    """Part of DescribeShareGroupOffsetsRequest."""

    __slots__ = ("group_id", "topics",)
    group_id: str
    topics: list[DescribeShareGroupOffsetsRequestTopic] | None

    def __init__(
        self,
        *,
        group_id: str = "",
        topics: list[DescribeShareGroupOffsetsRequestTopic] | None = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.topics = [] if topics is EMPTY else topics


class DescribeShareGroupOffsetsRequest(Message):
    """``DescribeShareGroupOffsetsRequest`` (API key 90), versions 0 to 1."""

    __slots__ = ("groups",)
    groups: list[DescribeShareGroupOffsetsRequestGroup]

    API_KEY = 90
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        groups: list[DescribeShareGroupOffsetsRequestGroup] = EMPTY,
    ) -> None:
        self.groups = [] if groups is EMPTY else groups


class DescribeShareGroupOffsetsResponsePartition(Struct):
    """Part of DescribeShareGroupOffsetsResponse."""

    __slots__ = ("partition_index", "start_offset", "leader_epoch", "lag", "error_code", "error_message",)
    partition_index: int
    start_offset: int
    leader_epoch: int
    lag: int
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        partition_index: int = 0,
        start_offset: int = 0,
        leader_epoch: int = 0,
        lag: int = -1,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.partition_index = partition_index
        self.start_offset = start_offset
        self.leader_epoch = leader_epoch
        self.lag = lag
        self.error_code = error_code
        self.error_message = error_message


class DescribeShareGroupOffsetsResponseTopic(Struct):
    """Part of DescribeShareGroupOffsetsResponse."""

    __slots__ = ("topic_name", "topic_id", "partitions",)
    topic_name: str
    topic_id: bytes
    partitions: list[DescribeShareGroupOffsetsResponsePartition]

    def __init__(
        self,
        *,
        topic_name: str = "",
        topic_id: bytes = ZERO_UUID,
        partitions: list[DescribeShareGroupOffsetsResponsePartition] = EMPTY,
    ) -> None:
        self.topic_name = topic_name
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class DescribeShareGroupOffsetsResponseGroup(Struct):
    """Part of DescribeShareGroupOffsetsResponse."""

    __slots__ = ("group_id", "topics", "error_code", "error_message",)
    group_id: str
    topics: list[DescribeShareGroupOffsetsResponseTopic]
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        group_id: str = "",
        topics: list[DescribeShareGroupOffsetsResponseTopic] = EMPTY,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.group_id = group_id
        self.topics = [] if topics is EMPTY else topics
        self.error_code = error_code
        self.error_message = error_message


class DescribeShareGroupOffsetsResponse(Message):
    """``DescribeShareGroupOffsetsResponse`` (API key 90), versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "groups",)
    throttle_time_ms: int
    groups: list[DescribeShareGroupOffsetsResponseGroup]

    API_KEY = 90
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        groups: list[DescribeShareGroupOffsetsResponseGroup] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.groups = [] if groups is EMPTY else groups


def _read_describe_share_group_offsets_request_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeShareGroupOffsetsRequestTopic, int]:
    o = _new(DescribeShareGroupOffsetsRequestTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeShareGroupOffsetsRequestTopic.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("DescribeShareGroupOffsetsRequestTopic.partitions")
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


def _write_describe_share_group_offsets_request_topic_v0(o: DescribeShareGroupOffsetsRequestTopic, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    v_partitions = o.partitions
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_describe_share_group_offsets_request_group_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeShareGroupOffsetsRequestGroup, int]:
    o = _new(DescribeShareGroupOffsetsRequestGroup)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeShareGroupOffsetsRequestGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topics = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("DescribeShareGroupOffsetsRequestGroup.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[DescribeShareGroupOffsetsRequestTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_describe_share_group_offsets_request_topic_v0(b, p, e, c)
            l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_share_group_offsets_request_group_v0(o: DescribeShareGroupOffsetsRequestGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_topics = o.topics
    if v_topics is None:
        w(b"\0")
    else:
        n = len(v_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topics in v_topics:
            _write_describe_share_group_offsets_request_topic_v0(x_topics, w)
    w(b"\0")


def _read_describe_share_group_offsets_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeShareGroupOffsetsRequest, int]:
    o = _new(DescribeShareGroupOffsetsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribeShareGroupOffsetsRequest.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[DescribeShareGroupOffsetsRequestGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_describe_share_group_offsets_request_group_v0(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_share_group_offsets_request_v0(o: DescribeShareGroupOffsetsRequest, w: Write) -> None:
    v_groups = o.groups
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_describe_share_group_offsets_request_group_v0(x_groups, w)
    w(b"\0")


def _read_describe_share_group_offsets_response_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeShareGroupOffsetsResponsePartition, int]:
    o = _new(DescribeShareGroupOffsetsResponsePartition)
    o.lag = -1
    o.partition_index, o.start_offset, o.leader_epoch, o.error_code, n = _unpack_iqihB(b, p)
    p += 19
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeShareGroupOffsetsResponsePartition.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_share_group_offsets_response_partition_v0(o: DescribeShareGroupOffsetsResponsePartition, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_iqih(o.partition_index, o.start_offset, o.leader_epoch, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    w(b"\0")


def _read_describe_share_group_offsets_response_partition_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeShareGroupOffsetsResponsePartition, int]:
    o = _new(DescribeShareGroupOffsetsResponsePartition)
    o.partition_index, o.start_offset, o.leader_epoch, o.lag, o.error_code, n = _unpack_iqiqhB(b, p)
    p += 27
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeShareGroupOffsetsResponsePartition.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_share_group_offsets_response_partition_v1(o: DescribeShareGroupOffsetsResponsePartition, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_iqiqh(o.partition_index, o.start_offset, o.leader_epoch, o.lag, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    w(b"\0")


def _read_describe_share_group_offsets_response_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeShareGroupOffsetsResponseTopic, int]:
    o = _new(DescribeShareGroupOffsetsResponseTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeShareGroupOffsetsResponseTopic.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 20 > e - p:
        raise bad_length("DescribeShareGroupOffsetsResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DescribeShareGroupOffsetsResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_describe_share_group_offsets_response_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_share_group_offsets_response_topic_v0(o: DescribeShareGroupOffsetsResponseTopic, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_describe_share_group_offsets_response_partition_v0(x_partitions, w)
    w(b"\0")


def _read_describe_share_group_offsets_response_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeShareGroupOffsetsResponseTopic, int]:
    o = _new(DescribeShareGroupOffsetsResponseTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeShareGroupOffsetsResponseTopic.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 28 > e - p:
        raise bad_length("DescribeShareGroupOffsetsResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DescribeShareGroupOffsetsResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_describe_share_group_offsets_response_partition_v1(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_share_group_offsets_response_topic_v1(o: DescribeShareGroupOffsetsResponseTopic, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_describe_share_group_offsets_response_partition_v1(x_partitions, w)
    w(b"\0")


def _read_describe_share_group_offsets_response_group_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeShareGroupOffsetsResponseGroup, int]:
    o = _new(DescribeShareGroupOffsetsResponseGroup)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeShareGroupOffsetsResponseGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 19 > e - p:
        raise bad_length("DescribeShareGroupOffsetsResponseGroup.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DescribeShareGroupOffsetsResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_describe_share_group_offsets_response_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeShareGroupOffsetsResponseGroup.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_share_group_offsets_response_group_v0(o: DescribeShareGroupOffsetsResponseGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_describe_share_group_offsets_response_topic_v0(x_topics, w)
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    w(b"\0")


def _read_describe_share_group_offsets_response_group_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeShareGroupOffsetsResponseGroup, int]:
    o = _new(DescribeShareGroupOffsetsResponseGroup)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeShareGroupOffsetsResponseGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 19 > e - p:
        raise bad_length("DescribeShareGroupOffsetsResponseGroup.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DescribeShareGroupOffsetsResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_describe_share_group_offsets_response_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeShareGroupOffsetsResponseGroup.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_share_group_offsets_response_group_v1(o: DescribeShareGroupOffsetsResponseGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_describe_share_group_offsets_response_topic_v1(x_topics, w)
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    w(b"\0")


def _read_describe_share_group_offsets_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeShareGroupOffsetsResponse, int]:
    o = _new(DescribeShareGroupOffsetsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("DescribeShareGroupOffsetsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[DescribeShareGroupOffsetsResponseGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_describe_share_group_offsets_response_group_v0(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_share_group_offsets_response_v0(o: DescribeShareGroupOffsetsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(o.throttle_time_ms))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_describe_share_group_offsets_response_group_v0(x_groups, w)
    w(b"\0")


def _read_describe_share_group_offsets_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeShareGroupOffsetsResponse, int]:
    o = _new(DescribeShareGroupOffsetsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("DescribeShareGroupOffsetsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[DescribeShareGroupOffsetsResponseGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_describe_share_group_offsets_response_group_v1(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_share_group_offsets_response_v1(o: DescribeShareGroupOffsetsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(o.throttle_time_ms))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_describe_share_group_offsets_response_group_v1(x_groups, w)
    w(b"\0")


DescribeShareGroupOffsetsRequest.READERS = {
    0: _read_describe_share_group_offsets_request_v0,
    1: _read_describe_share_group_offsets_request_v0,
}

DescribeShareGroupOffsetsRequest.WRITERS = {
    0: _write_describe_share_group_offsets_request_v0,
    1: _write_describe_share_group_offsets_request_v0,
}

DescribeShareGroupOffsetsResponse.READERS = {
    0: _read_describe_share_group_offsets_response_v0,
    1: _read_describe_share_group_offsets_response_v1,
}

DescribeShareGroupOffsetsResponse.WRITERS = {
    0: _write_describe_share_group_offsets_response_v0,
    1: _write_describe_share_group_offsets_response_v1,
}
