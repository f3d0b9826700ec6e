# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ListPartitionReassignments: messages of all versions, with their codec."""

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
    bad_length,
    skip_tags,
    too_many,
    uvarint,
    uvarint_bytes,
)

_new = object.__new__
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from


class ListPartitionReassignmentsTopics(Struct):
    """Part of ListPartitionReassignmentsRequest."""

    __slots__ = ("name", "partition_indexes",)
    name: str
    partition_indexes: list[int]

    def __init__(
        self,
        *,
        name: str = "",
        partition_indexes: list[int] = EMPTY,
    ) -> None:
        self.name = name
        self.partition_indexes = [] if partition_indexes is EMPTY else partition_indexes


class ListPartitionReassignmentsRequest(Message):
    """``ListPartitionReassignmentsRequest`` (API key 46), version 0."""

    __slots__ = ("timeout_ms", "topics",)
    timeout_ms: int
    topics: list[ListPartitionReassignmentsTopics] | None

    API_KEY = 46
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        timeout_ms: int = 60000,
        topics: list[ListPartitionReassignmentsTopics] | None = None,
    ) -> None:
        self.timeout_ms = timeout_ms
        self.topics = topics


class OngoingPartitionReassignment(Struct):
    """Part of ListPartitionReassignmentsResponse."""

    __slots__ = ("partition_index", "replicas", "adding_replicas", "removing_replicas",)
    partition_index: int
    replicas: list[int]
    adding_replicas: list[int]
    removing_replicas: list[int]

    def __init__(
        self,
        *,
        partition_index: int = 0,
        replicas: list[int] = EMPTY,
        adding_replicas: list[int] = EMPTY,
        removing_replicas: list[int] = EMPTY,
    ) -> None:
        self.partition_index = partition_index
        self.replicas = [] if replicas is EMPTY else replicas
        self.adding_replicas = [] if adding_replicas is EMPTY else adding_replicas
        self.removing_replicas = [] if removing_replicas is EMPTY else removing_replicas


class OngoingTopicReassignment(Struct):
    """Part of ListPartitionReassignmentsResponse."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[OngoingPartitionReassignment]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[OngoingPartitionReassignment] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class ListPartitionReassignmentsResponse(Message):
    """``ListPartitionReassignmentsResponse`` (API key 46), version 0."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "topics",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    topics: list[OngoingTopicReassignment]

    API_KEY = 46
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        topics: list[OngoingTopicReassignment] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.topics = [] if topics is EMPTY else topics


def _read_list_partition_reassignments_topics_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListPartitionReassignmentsTopics, int]:
    o = _new(ListPartitionReassignmentsTopics)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListPartitionReassignmentsTopics.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("ListPartitionReassignmentsTopics.partition_indexes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partition_indexes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_partition_reassignments_topics_v0(o: ListPartitionReassignmentsTopics, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partition_indexes = o.partition_indexes
    n = len(v_partition_indexes)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partition_indexes))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partition_indexes))
    w(b"\0")


def _read_list_partition_reassignments_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListPartitionReassignmentsRequest, int]:
    o = _new(ListPartitionReassignmentsRequest)
    o.timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topics = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("ListPartitionReassignmentsRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[ListPartitionReassignmentsTopics] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_list_partition_reassignments_topics_v0(b, p, e, c)
            l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_partition_reassignments_request_v0(o: ListPartitionReassignmentsRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.timeout_ms))
    if v_topics is None:
        w(b"\0")
    else:
        n = len(v_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topics in v_topics:
            _write_list_partition_reassignments_topics_v0(x_topics, w)
    w(b"\0")


def _read_ongoing_partition_reassignment_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[OngoingPartitionReassignment, int]:
    o = _new(OngoingPartitionReassignment)
    o.partition_index, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("OngoingPartitionReassignment.replicas")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.replicas = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("OngoingPartitionReassignment.adding_replicas")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.adding_replicas = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("OngoingPartitionReassignment.removing_replicas")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.removing_replicas = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_ongoing_partition_reassignment_v0(o: OngoingPartitionReassignment, w: Write) -> None:
    v_replicas = o.replicas
    w(_pack_i(o.partition_index))
    n = len(v_replicas)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_replicas))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_replicas))
    v_adding_replicas = o.adding_replicas
    n = len(v_adding_replicas)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_adding_replicas))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_adding_replicas))
    v_removing_replicas = o.removing_replicas
    n = len(v_removing_replicas)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_removing_replicas))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_removing_replicas))
    w(b"\0")


def _read_ongoing_topic_reassignment_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[OngoingTopicReassignment, int]:
    o = _new(OngoingTopicReassignment)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OngoingTopicReassignment.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 8 > e - p:
        raise bad_length("OngoingTopicReassignment.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OngoingPartitionReassignment] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_ongoing_partition_reassignment_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_ongoing_topic_reassignment_v0(o: OngoingTopicReassignment, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_ongoing_partition_reassignment_v0(x_partitions, w)
    w(b"\0")


def _read_list_partition_reassignments_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListPartitionReassignmentsResponse, int]:
    o = _new(ListPartitionReassignmentsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ListPartitionReassignmentsResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("ListPartitionReassignmentsResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OngoingTopicReassignment] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_ongoing_topic_reassignment_v0(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_partition_reassignments_response_v0(o: ListPartitionReassignmentsResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_ongoing_topic_reassignment_v0(x_topics, w)
    w(b"\0")


ListPartitionReassignmentsRequest.READERS = {
    0: _read_list_partition_reassignments_request_v0,
}

ListPartitionReassignmentsRequest.WRITERS = {
    0: _write_list_partition_reassignments_request_v0,
}

ListPartitionReassignmentsResponse.READERS = {
    0: _read_list_partition_reassignments_response_v0,
}

ListPartitionReassignmentsResponse.WRITERS = {
    0: _write_list_partition_reassignments_response_v0,
}
