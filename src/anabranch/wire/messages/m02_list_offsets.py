# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ListOffsets: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
    EMPTY,
    Message,
    Struct,
    UVARINT,
    Write,
    bad_length,
    skip_tags,
    too_many,
    uvarint,
    uvarint_bytes,
)

_new = object.__new__
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_ib = Struct_(">ib").pack
_pack_ibi = Struct_(">ibi").pack
_pack_ihqq = Struct_(">ihqq").pack
_pack_ihqqi = Struct_(">ihqqi").pack
_pack_ihqqix = Struct_(">ihqqix").pack
_pack_ii = Struct_(">ii").pack
_pack_iiq = Struct_(">iiq").pack
_pack_iiqx = Struct_(">iiqx").pack
_pack_iq = Struct_(">iq").pack
_pack_ix = Struct_(">ix").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ibB = Struct_(">ibB").unpack_from
_unpack_ibi = Struct_(">ibi").unpack_from
_unpack_ihqq = Struct_(">ihqq").unpack_from
_unpack_ihqqi = Struct_(">ihqqi").unpack_from
_unpack_ihqqiB = Struct_(">ihqqiB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from
_unpack_iiq = Struct_(">iiq").unpack_from
_unpack_iiqB = Struct_(">iiqB").unpack_from
_unpack_iq = Struct_(">iq").unpack_from


class ListOffsetsPartition(Struct):
    """Part of ListOffsetsRequest."""

    __slots__ = ("partition_index", "current_leader_epoch", "timestamp",)
    partition_index: int
    current_leader_epoch: int
    timestamp: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
        current_leader_epoch: int = -1,
        timestamp: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.current_leader_epoch = current_leader_epoch
        self.timestamp = timestamp


class ListOffsetsTopic(Struct):
    """Part of ListOffsetsRequest."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[ListOffsetsPartition]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[ListOffsetsPartition] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class ListOffsetsRequest(Message):
    """``ListOffsetsRequest`` (API key 2), versions 1 to 11."""

    __slots__ = ("replica_id", "isolation_level", "topics", "timeout_ms",)
    replica_id: int
    isolation_level: int
    topics: list[ListOffsetsTopic]
    timeout_ms: int

    API_KEY = 2
    MIN_VERSION = 1
    MAX_VERSION = 11
    FIRST_FLEXIBLE = 6

    def __init__(
        self,
        *,
        replica_id: int = 0,
        isolation_level: int = 0,
        topics: list[ListOffsetsTopic] = EMPTY,
        timeout_ms: int = 0,
    ) -> None:
        self.replica_id = replica_id
        self.isolation_level = isolation_level
        self.topics = [] if topics is EMPTY else topics
        self.timeout_ms = timeout_ms


class ListOffsetsPartitionResponse(Struct):
    """Part of ListOffsetsResponse."""

    __slots__ = ("partition_index", "error_code", "timestamp", "offset", "leader_epoch",)
    partition_index: int
    error_code: int
    timestamp: int
    offset: int
    leader_epoch: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
        timestamp: int = -1,
        offset: int = -1,
        leader_epoch: int = -1,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.timestamp = timestamp
        self.offset = offset
        self.leader_epoch = leader_epoch


class ListOffsetsTopicResponse(Struct):
    """Part of ListOffsetsResponse."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[ListOffsetsPartitionResponse]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[ListOffsetsPartitionResponse] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class ListOffsetsResponse(Message):
    """``ListOffsetsResponse`` (API key 2), versions 1 to 11."""

    __slots__ = ("throttle_time_ms", "topics",)
    throttle_time_ms: int
    topics: list[ListOffsetsTopicResponse]

    API_KEY = 2
    MIN_VERSION = 1
    MAX_VERSION = 11
    FIRST_FLEXIBLE = 6

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        topics: list[ListOffsetsTopicResponse] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = [] if topics is EMPTY else topics


def _read_list_offsets_partition_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsPartition, int]:
    o = _new(ListOffsetsPartition)
    o.current_leader_epoch = -1
    o.partition_index, o.timestamp = _unpack_iq(b, p)
    p += 12
    return o, p


def _write_list_offsets_partition_v1(o: ListOffsetsPartition, w: Write) -> None:
    w(_pack_iq(o.partition_index, o.timestamp))


def _read_list_offsets_partition_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsPartition, int]:
    o = _new(ListOffsetsPartition)
    o.partition_index, o.current_leader_epoch, o.timestamp = _unpack_iiq(b, p)
    p += 16
    return o, p


def _write_list_offsets_partition_v4(o: ListOffsetsPartition, w: Write) -> None:
    w(_pack_iiq(o.partition_index, o.current_leader_epoch, o.timestamp))


def _read_list_offsets_partition_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsPartition, int]:
    o = _new(ListOffsetsPartition)
    o.partition_index, o.current_leader_epoch, o.timestamp, n = _unpack_iiqB(b, p)
    p += 17
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_offsets_partition_v6(o: ListOffsetsPartition, w: Write) -> None:
    w(_pack_iiqx(o.partition_index, o.current_leader_epoch, o.timestamp))


def _read_list_offsets_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsTopic, int]:
    o = _new(ListOffsetsTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("ListOffsetsTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 12 > e - p:
        raise bad_length("ListOffsetsTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[ListOffsetsPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_list_offsets_partition_v1(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_list_offsets_topic_v1(o: ListOffsetsTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_list_offsets_partition_v1(x_partitions, w)


def _read_list_offsets_topic_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsTopic, int]:
    o = _new(ListOffsetsTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("ListOffsetsTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 16 > e - p:
        raise bad_length("ListOffsetsTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[ListOffsetsPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_list_offsets_partition_v4(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_list_offsets_topic_v4(o: ListOffsetsTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_list_offsets_partition_v4(x_partitions, w)


def _read_list_offsets_topic_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsTopic, int]:
    o = _new(ListOffsetsTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListOffsetsTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 17 > e - p:
        raise bad_length("ListOffsetsTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[ListOffsetsPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_list_offsets_partition_v6(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_offsets_topic_v6(o: ListOffsetsTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_list_offsets_partition_v6(x_partitions, w)
    w(b"\0")


def _read_list_offsets_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsRequest, int]:
    o = _new(ListOffsetsRequest)
    o.isolation_level = 0
    o.timeout_ms = 0
    o.replica_id, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("ListOffsetsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[ListOffsetsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_list_offsets_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_list_offsets_request_v1(o: ListOffsetsRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ii(o.replica_id, len(v_topics)))
    for x_topics in v_topics:
        _write_list_offsets_topic_v1(x_topics, w)


def _read_list_offsets_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsRequest, int]:
    o = _new(ListOffsetsRequest)
    o.timeout_ms = 0
    o.replica_id, o.isolation_level, n = _unpack_ibi(b, p)
    p += 9
    if n < 0 or n * 6 > e - p:
        raise bad_length("ListOffsetsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[ListOffsetsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_list_offsets_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_list_offsets_request_v2(o: ListOffsetsRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ibi(o.replica_id, o.isolation_level, len(v_topics)))
    for x_topics in v_topics:
        _write_list_offsets_topic_v1(x_topics, w)


def _read_list_offsets_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsRequest, int]:
    o = _new(ListOffsetsRequest)
    o.timeout_ms = 0
    o.replica_id, o.isolation_level, n = _unpack_ibi(b, p)
    p += 9
    if n < 0 or n * 6 > e - p:
        raise bad_length("ListOffsetsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[ListOffsetsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_list_offsets_topic_v4(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_list_offsets_request_v4(o: ListOffsetsRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ibi(o.replica_id, o.isolation_level, len(v_topics)))
    for x_topics in v_topics:
        _write_list_offsets_topic_v4(x_topics, w)


def _read_list_offsets_request_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsRequest, int]:
    o = _new(ListOffsetsRequest)
    o.timeout_ms = 0
    o.replica_id, o.isolation_level, n = _unpack_ibB(b, p)
    p += 6
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("ListOffsetsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[ListOffsetsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_list_offsets_topic_v6(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_offsets_request_v6(o: ListOffsetsRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ib(o.replica_id, o.isolation_level))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_list_offsets_topic_v6(x_topics, w)
    w(b"\0")


def _read_list_offsets_request_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsRequest, int]:
    o = _new(ListOffsetsRequest)
    o.replica_id, o.isolation_level, n = _unpack_ibB(b, p)
    p += 6
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("ListOffsetsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[ListOffsetsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_list_offsets_topic_v6(b, p, e, c)
        l_topics.append(x_topics)
    o.timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_offsets_request_v10(o: ListOffsetsRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ib(o.replica_id, o.isolation_level))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_list_offsets_topic_v6(x_topics, w)
    w(_pack_ix(o.timeout_ms))


def _read_list_offsets_partition_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsPartitionResponse, int]:
    o = _new(ListOffsetsPartitionResponse)
    o.leader_epoch = -1
    o.partition_index, o.error_code, o.timestamp, o.offset = _unpack_ihqq(b, p)
    p += 22
    return o, p


def _write_list_offsets_partition_response_v1(o: ListOffsetsPartitionResponse, w: Write) -> None:
    w(_pack_ihqq(o.partition_index, o.error_code, o.timestamp, o.offset))


def _read_list_offsets_partition_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsPartitionResponse, int]:
    o = _new(ListOffsetsPartitionResponse)
    o.partition_index, o.error_code, o.timestamp, o.offset, o.leader_epoch = _unpack_ihqqi(b, p)
    p += 26
    return o, p


def _write_list_offsets_partition_response_v4(o: ListOffsetsPartitionResponse, w: Write) -> None:
    w(_pack_ihqqi(o.partition_index, o.error_code, o.timestamp, o.offset, o.leader_epoch))


def _read_list_offsets_partition_response_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsPartitionResponse, int]:
    o = _new(ListOffsetsPartitionResponse)
    o.partition_index, o.error_code, o.timestamp, o.offset, o.leader_epoch, n = _unpack_ihqqiB(b, p)
    p += 27
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_offsets_partition_response_v6(o: ListOffsetsPartitionResponse, w: Write) -> None:
    w(_pack_ihqqix(o.partition_index, o.error_code, o.timestamp, o.offset, o.leader_epoch))


def _read_list_offsets_topic_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsTopicResponse, int]:
    o = _new(ListOffsetsTopicResponse)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("ListOffsetsTopicResponse.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 22 > e - p:
        raise bad_length("ListOffsetsTopicResponse.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[ListOffsetsPartitionResponse] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_list_offsets_partition_response_v1(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_list_offsets_topic_response_v1(o: ListOffsetsTopicResponse, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_list_offsets_partition_response_v1(x_partitions, w)


def _read_list_offsets_topic_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsTopicResponse, int]:
    o = _new(ListOffsetsTopicResponse)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("ListOffsetsTopicResponse.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 26 > e - p:
        raise bad_length("ListOffsetsTopicResponse.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[ListOffsetsPartitionResponse] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_list_offsets_partition_response_v4(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_list_offsets_topic_response_v4(o: ListOffsetsTopicResponse, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_list_offsets_partition_response_v4(x_partitions, w)


def _read_list_offsets_topic_response_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsTopicResponse, int]:
    o = _new(ListOffsetsTopicResponse)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListOffsetsTopicResponse.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 27 > e - p:
        raise bad_length("ListOffsetsTopicResponse.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[ListOffsetsPartitionResponse] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_list_offsets_partition_response_v6(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_offsets_topic_response_v6(o: ListOffsetsTopicResponse, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_list_offsets_partition_response_v6(x_partitions, w)
    w(b"\0")


def _read_list_offsets_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsResponse, int]:
    o = _new(ListOffsetsResponse)
    o.throttle_time_ms = 0
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("ListOffsetsResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[ListOffsetsTopicResponse] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_list_offsets_topic_response_v1(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_list_offsets_response_v1(o: ListOffsetsResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_list_offsets_topic_response_v1(x_topics, w)


def _read_list_offsets_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsResponse, int]:
    o = _new(ListOffsetsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("ListOffsetsResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[ListOffsetsTopicResponse] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_list_offsets_topic_response_v1(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_list_offsets_response_v2(o: ListOffsetsResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ii(o.throttle_time_ms, len(v_topics)))
    for x_topics in v_topics:
        _write_list_offsets_topic_response_v1(x_topics, w)


def _read_list_offsets_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsResponse, int]:
    o = _new(ListOffsetsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("ListOffsetsResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[ListOffsetsTopicResponse] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_list_offsets_topic_response_v4(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_list_offsets_response_v4(o: ListOffsetsResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ii(o.throttle_time_ms, len(v_topics)))
    for x_topics in v_topics:
        _write_list_offsets_topic_response_v4(x_topics, w)


def _read_list_offsets_response_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListOffsetsResponse, int]:
    o = _new(ListOffsetsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("ListOffsetsResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[ListOffsetsTopicResponse] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_list_offsets_topic_response_v6(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_offsets_response_v6(o: ListOffsetsResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.throttle_time_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_list_offsets_topic_response_v6(x_topics, w)
    w(b"\0")


ListOffsetsRequest.READERS = {
    1: _read_list_offsets_request_v1,
    2: _read_list_offsets_request_v2,
    3: _read_list_offsets_request_v2,
    4: _read_list_offsets_request_v4,
    5: _read_list_offsets_request_v4,
    6: _read_list_offsets_request_v6,
    7: _read_list_offsets_request_v6,
    8: _read_list_offsets_request_v6,
    9: _read_list_offsets_request_v6,
    10: _read_list_offsets_request_v10,
    11: _read_list_offsets_request_v10,
}

ListOffsetsRequest.WRITERS = {
    1: _write_list_offsets_request_v1,
    2: _write_list_offsets_request_v2,
    3: _write_list_offsets_request_v2,
    4: _write_list_offsets_request_v4,
    5: _write_list_offsets_request_v4,
    6: _write_list_offsets_request_v6,
    7: _write_list_offsets_request_v6,
    8: _write_list_offsets_request_v6,
    9: _write_list_offsets_request_v6,
    10: _write_list_offsets_request_v10,
    11: _write_list_offsets_request_v10,
}

ListOffsetsResponse.READERS = {
    1: _read_list_offsets_response_v1,
    2: _read_list_offsets_response_v2,
    3: _read_list_offsets_response_v2,
    4: _read_list_offsets_response_v4,
    5: _read_list_offsets_response_v4,
    6: _read_list_offsets_response_v6,
    7: _read_list_offsets_response_v6,
    8: _read_list_offsets_response_v6,
    9: _read_list_offsets_response_v6,
    10: _read_list_offsets_response_v6,
    11: _read_list_offsets_response_v6,
}

ListOffsetsResponse.WRITERS = {
    1: _write_list_offsets_response_v1,
    2: _write_list_offsets_response_v2,
    3: _write_list_offsets_response_v2,
    4: _write_list_offsets_response_v4,
    5: _write_list_offsets_response_v4,
    6: _write_list_offsets_response_v6,
    7: _write_list_offsets_response_v6,
    8: _write_list_offsets_response_v6,
    9: _write_list_offsets_response_v6,
    10: _write_list_offsets_response_v6,
    11: _write_list_offsets_response_v6,
}
