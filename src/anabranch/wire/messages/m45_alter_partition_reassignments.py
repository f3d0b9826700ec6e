# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""AlterPartitionReassignments: messages of all versions, with their codec."""

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
_pack_it = Struct_(">i?").pack
_pack_ith = Struct_(">i?h").pack
_pack_ih = Struct_(">ih").pack
_unpack_itB = Struct_(">i?B").unpack_from
_unpack_ithB = Struct_(">i?hB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from


class ReassignablePartition(Struct):
    """Part of AlterPartitionReassignmentsRequest."""

    __slots__ = ("partition_index", "replicas",)
    partition_index: int
    replicas: list[int] | None

    def __init__(
        self,
        *,
        partition_index: int = 0,
        replicas: list[int] | None = None,
    ) -> None:
        self.partition_index = partition_index
        self.replicas = replicas


class ReassignableTopic(Struct):
    """Part of AlterPartitionReassignmentsRequest."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[ReassignablePartition]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[ReassignablePartition] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class AlterPartitionReassignmentsRequest(Message):
    """``AlterPartitionReassignmentsRequest`` (API key 45), versions 0 to 1."""

    __slots__ = ("timeout_ms", "allow_replication_factor_change", "topics",)
    timeout_ms: int
    allow_replication_factor_change: bool
    topics: list[ReassignableTopic]

    API_KEY = 45
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        timeout_ms: int = 60000,
        allow_replication_factor_change: bool = True,
        topics: list[ReassignableTopic] = EMPTY,
    ) -> None:
        self.timeout_ms = timeout_ms
        self.allow_replication_factor_change = allow_replication_factor_change
        self.topics = [] if topics is EMPTY else topics


class ReassignablePartitionResponse(Struct):
    """Part of AlterPartitionReassignmentsResponse."""

    __slots__ = ("partition_index", "error_code", "error_message",)
    partition_index: int
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message


class ReassignableTopicResponse(Struct):
    """Part of AlterPartitionReassignmentsResponse."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[ReassignablePartitionResponse]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[ReassignablePartitionResponse] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class AlterPartitionReassignmentsResponse(Message):
    """``AlterPartitionReassignmentsResponse`` (API key 45), versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "allow_replication_factor_change", "error_code", "error_message", "responses",)
    throttle_time_ms: int
    allow_replication_factor_change: bool
    error_code: int
    error_message: str | None
    responses: list[ReassignableTopicResponse]

    API_KEY = 45
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        allow_replication_factor_change: bool = True,
        error_code: int = 0,
        error_message: str | None = "",
        responses: list[ReassignableTopicResponse] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.allow_replication_factor_change = allow_replication_factor_change
        self.error_code = error_code
        self.error_message = error_message
        self.responses = [] if responses is EMPTY else responses


def _read_reassignable_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ReassignablePartition, int]:
    o = _new(ReassignablePartition)
    o.partition_index, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.replicas = None
    else:
        n -= 1
        q = p + n * 4
        if q > e:
            raise bad_length("ReassignablePartition.replicas")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        o.replicas = list(unpack_from(f">{n}i", b, p)) if n else []
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_reassignable_partition_v0(o: ReassignablePartition, w: Write) -> None:
    v_replicas = o.replicas
    w(_pack_i(o.partition_index))
    if v_replicas is None:
        w(b"\0")
    else:
        n = len(v_replicas)
        if n < 16:
            w(COMPACT_INT32S[n](n + 1, *v_replicas))
        else:
            w(uvarint_bytes(n + 1))
            w(pack(f">{n}i", *v_replicas))
    w(b"\0")


def _read_reassignable_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ReassignableTopic, int]:
    o = _new(ReassignableTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ReassignableTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("ReassignableTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[ReassignablePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_reassignable_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_reassignable_topic_v0(o: ReassignableTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_reassignable_partition_v0(x_partitions, w)
    w(b"\0")


def _read_alter_partition_reassignments_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterPartitionReassignmentsRequest, int]:
    o = _new(AlterPartitionReassignmentsRequest)
    o.allow_replication_factor_change = True
    o.timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterPartitionReassignmentsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[ReassignableTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_reassignable_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_partition_reassignments_request_v0(o: AlterPartitionReassignmentsRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.timeout_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_reassignable_topic_v0(x_topics, w)
    w(b"\0")


def _read_alter_partition_reassignments_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterPartitionReassignmentsRequest, int]:
    o = _new(AlterPartitionReassignmentsRequest)
    o.timeout_ms, o.allow_replication_factor_change, n = _unpack_itB(b, p)
    p += 6
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterPartitionReassignmentsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[ReassignableTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_reassignable_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_partition_reassignments_request_v1(o: AlterPartitionReassignmentsRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_it(o.timeout_ms, o.allow_replication_factor_change))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_reassignable_topic_v0(x_topics, w)
    w(b"\0")


def _read_reassignable_partition_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ReassignablePartitionResponse, int]:
    o = _new(ReassignablePartitionResponse)
    o.partition_index, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ReassignablePartitionResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_reassignable_partition_response_v0(o: ReassignablePartitionResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.partition_index, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    w(b"\0")


def _read_reassignable_topic_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ReassignableTopicResponse, int]:
    o = _new(ReassignableTopicResponse)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ReassignableTopicResponse.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 8 > e - p:
        raise bad_length("ReassignableTopicResponse.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[ReassignablePartitionResponse] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_reassignable_partition_response_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_reassignable_topic_response_v0(o: ReassignableTopicResponse, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_reassignable_partition_response_v0(x_partitions, w)
    w(b"\0")


def _read_alter_partition_reassignments_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterPartitionReassignmentsResponse, int]:
    o = _new(AlterPartitionReassignmentsResponse)
    o.allow_replication_factor_change = True
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("AlterPartitionReassignmentsResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterPartitionReassignmentsResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[ReassignableTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_reassignable_topic_response_v0(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_partition_reassignments_response_v0(o: AlterPartitionReassignmentsResponse, w: Write) -> None:
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
        _write_reassignable_topic_response_v0(x_responses, w)
    w(b"\0")


def _read_alter_partition_reassignments_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterPartitionReassignmentsResponse, int]:
    o = _new(AlterPartitionReassignmentsResponse)
    o.throttle_time_ms, o.allow_replication_factor_change, o.error_code, n = _unpack_ithB(b, p)
    p += 8
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("AlterPartitionReassignmentsResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterPartitionReassignmentsResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[ReassignableTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_reassignable_topic_response_v0(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_partition_reassignments_response_v1(o: AlterPartitionReassignmentsResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ith(o.throttle_time_ms, o.allow_replication_factor_change, o.error_code))
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
        _write_reassignable_topic_response_v0(x_responses, w)
    w(b"\0")


AlterPartitionReassignmentsRequest.READERS = {
    0: _read_alter_partition_reassignments_request_v0,
    1: _read_alter_partition_reassignments_request_v1,
}

AlterPartitionReassignmentsRequest.WRITERS = {
    0: _write_alter_partition_reassignments_request_v0,
    1: _write_alter_partition_reassignments_request_v1,
}

AlterPartitionReassignmentsResponse.READERS = {
    0: _read_alter_partition_reassignments_response_v0,
    1: _read_alter_partition_reassignments_response_v1,
}

AlterPartitionReassignmentsResponse.WRITERS = {
    0: _write_alter_partition_reassignments_response_v0,
    1: _write_alter_partition_reassignments_response_v1,
}
