# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""OffsetDelete: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
    EMPTY,
    Message,
    Struct,
    Write,
    bad_length,
    too_many,
)

_new = object.__new__
_pack_h = Struct_(">h").pack
_pack_hii = Struct_(">hii").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_hii = Struct_(">hii").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_ih = Struct_(">ih").unpack_from


class OffsetDeleteRequestPartition(Struct):
    """Part of OffsetDeleteRequest."""

    __slots__ = ("partition_index",)
    partition_index: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
    ) -> None:
        self.partition_index = partition_index


class OffsetDeleteRequestTopic(Struct):
    """Part of OffsetDeleteRequest."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[OffsetDeleteRequestPartition]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[OffsetDeleteRequestPartition] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class OffsetDeleteRequest(Message):
    """``OffsetDeleteRequest`` (API key 47), version 0."""

    __slots__ = ("group_id", "topics",)
    group_id: str
    topics: list[OffsetDeleteRequestTopic]

    API_KEY = 47
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 32767

    def __init__(
        self,
        *,
        group_id: str = "",
        topics: list[OffsetDeleteRequestTopic] = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.topics = [] if topics is EMPTY else topics


class OffsetDeleteResponsePartition(Struct):
    """Part of OffsetDeleteResponse."""

    __slots__ = ("partition_index", "error_code",)
    partition_index: int
    error_code: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code


class OffsetDeleteResponseTopic(Struct):
    """Part of OffsetDeleteResponse."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[OffsetDeleteResponsePartition]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[OffsetDeleteResponsePartition] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class OffsetDeleteResponse(Message):
    """``OffsetDeleteResponse`` (API key 47), version 0."""

    __slots__ = ("error_code", "throttle_time_ms", "topics",)
    error_code: int
    throttle_time_ms: int
    topics: list[OffsetDeleteResponseTopic]

    API_KEY = 47
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 32767

    def __init__(
        self,
        *,
        error_code: int = 0,
        throttle_time_ms: int = 0,
        topics: list[OffsetDeleteResponseTopic] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.throttle_time_ms = throttle_time_ms
        self.topics = [] if topics is EMPTY else topics


def _read_offset_delete_request_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetDeleteRequestPartition, int]:
    o = _new(OffsetDeleteRequestPartition)
    (o.partition_index,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_offset_delete_request_partition_v0(o: OffsetDeleteRequestPartition, w: Write) -> None:
    w(_pack_i(o.partition_index))


def _read_offset_delete_request_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetDeleteRequestTopic, int]:
    o = _new(OffsetDeleteRequestTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetDeleteRequestTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 4 > e - p:
        raise bad_length("OffsetDeleteRequestTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetDeleteRequestPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_delete_request_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_offset_delete_request_topic_v0(o: OffsetDeleteRequestTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_offset_delete_request_partition_v0(x_partitions, w)


def _read_offset_delete_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetDeleteRequest, int]:
    o = _new(OffsetDeleteRequest)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetDeleteRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetDeleteRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetDeleteRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_delete_request_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_delete_request_v0(o: OffsetDeleteRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_offset_delete_request_topic_v0(x_topics, w)


def _read_offset_delete_response_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetDeleteResponsePartition, int]:
    o = _new(OffsetDeleteResponsePartition)
    o.partition_index, o.error_code = _unpack_ih(b, p)
    p += 6
    return o, p


def _write_offset_delete_response_partition_v0(o: OffsetDeleteResponsePartition, w: Write) -> None:
    w(_pack_ih(o.partition_index, o.error_code))


def _read_offset_delete_response_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetDeleteResponseTopic, int]:
    o = _new(OffsetDeleteResponseTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetDeleteResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetDeleteResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetDeleteResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_delete_response_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_offset_delete_response_topic_v0(o: OffsetDeleteResponseTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_offset_delete_response_partition_v0(x_partitions, w)


def _read_offset_delete_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetDeleteResponse, int]:
    o = _new(OffsetDeleteResponse)
    o.error_code, o.throttle_time_ms, n = _unpack_hii(b, p)
    p += 10
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetDeleteResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetDeleteResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_delete_response_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_delete_response_v0(o: OffsetDeleteResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_hii(o.error_code, o.throttle_time_ms, len(v_topics)))
    for x_topics in v_topics:
        _write_offset_delete_response_topic_v0(x_topics, w)


OffsetDeleteRequest.READERS = {
    0: _read_offset_delete_request_v0,
}

OffsetDeleteRequest.WRITERS = {
    0: _write_offset_delete_request_v0,
}

OffsetDeleteResponse.READERS = {
    0: _read_offset_delete_response_v0,
}

OffsetDeleteResponse.WRITERS = {
    0: _write_offset_delete_response_v0,
}
