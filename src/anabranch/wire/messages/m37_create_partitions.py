# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""CreatePartitions: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_, pack, unpack_from

from anabranch.wire.codec import (
    Allowance,
    COMPACT_INT32S,
    EMPTY,
    INT32S,
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
_pack_hh = Struct_(">hh").pack
_pack_i = Struct_(">i").pack
_pack_it = Struct_(">i?").pack
_pack_itx = Struct_(">i?x").pack
_pack_ii = Struct_(">ii").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hh = Struct_(">hh").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_it = Struct_(">i?").unpack_from
_unpack_itB = Struct_(">i?B").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class CreatePartitionsAssignment(Struct):
    """Part of CreatePartitionsRequest."""

    __slots__ = ("broker_ids",)
    broker_ids: list[int]

    def __init__(
        self,
        *,
        broker_ids: list[int] = EMPTY,
    ) -> None:
        self.broker_ids = [] if broker_ids is EMPTY else broker_ids


class CreatePartitionsTopic(Struct):
    """Part of CreatePartitionsRequest."""

    __slots__ = ("name", "count", "assignments",)
    name: str
    count: int
    assignments: list[CreatePartitionsAssignment] | None

    def __init__(
        self,
        *,
        name: str = "",
        count: int = 0,
        assignments: list[CreatePartitionsAssignment] | None = EMPTY,
    ) -> None:
        self.name = name
        self.count = count
        self.assignments = [] if assignments is EMPTY else assignments


class CreatePartitionsRequest(Message):
    """``CreatePartitionsRequest`` (API key 37), versions 0 to 3."""

    __slots__ = ("topics", "timeout_ms", "validate_only",)
    topics: list[CreatePartitionsTopic]
    timeout_ms: int
    validate_only: bool

    API_KEY = 37
    MIN_VERSION = 0
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        topics: list[CreatePartitionsTopic] = EMPTY,
        timeout_ms: int = 0,
        validate_only: bool = False,
    ) -> None:
        self.topics = [] if topics is EMPTY else topics
        self.timeout_ms = timeout_ms
        self.validate_only = validate_only


class CreatePartitionsTopicResult(Struct):
    """Part of CreatePartitionsResponse."""

    __slots__ = ("name", "error_code", "error_message",)
    name: str
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        name: str = "",
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.name = name
        self.error_code = error_code
        self.error_message = error_message


class CreatePartitionsResponse(Message):
    """``CreatePartitionsResponse`` (API key 37), versions 0 to 3."""

    __slots__ = ("throttle_time_ms", "results",)
    throttle_time_ms: int
    results: list[CreatePartitionsTopicResult]

    API_KEY = 37
    MIN_VERSION = 0
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        results: list[CreatePartitionsTopicResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = [] if results is EMPTY else results


def _read_create_partitions_assignment_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatePartitionsAssignment, int]:
    o = _new(CreatePartitionsAssignment)
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("CreatePartitionsAssignment.broker_ids")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.broker_ids = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_create_partitions_assignment_v0(o: CreatePartitionsAssignment, w: Write) -> None:
    v_broker_ids = o.broker_ids
    w(_pack_i(len(v_broker_ids)))
    n = len(v_broker_ids)
    w(INT32S[n](*v_broker_ids) if n < 16 else pack(f">{n}i", *v_broker_ids))


def _read_create_partitions_assignment_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatePartitionsAssignment, int]:
    o = _new(CreatePartitionsAssignment)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("CreatePartitionsAssignment.broker_ids")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.broker_ids = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_partitions_assignment_v2(o: CreatePartitionsAssignment, w: Write) -> None:
    v_broker_ids = o.broker_ids
    n = len(v_broker_ids)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_broker_ids))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_broker_ids))
    w(b"\0")


def _read_create_partitions_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatePartitionsTopic, int]:
    o = _new(CreatePartitionsTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("CreatePartitionsTopic.name")
    o.name = b[p:q].decode()
    p = q
    o.count, n = _unpack_ii(b, p)
    p += 8
    if n < 0:
        o.assignments = None
    else:
        if n * 4 > e - p:
            raise bad_length("CreatePartitionsTopic.assignments")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_assignments: list[CreatePartitionsAssignment] = []
        o.assignments = l_assignments
        for _ in range(n):
            x_assignments, p = _read_create_partitions_assignment_v0(b, p, e, c)
            l_assignments.append(x_assignments)
    return o, p


def _write_create_partitions_topic_v0(o: CreatePartitionsTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_assignments = o.assignments
    if v_assignments is None:
        w(_pack_ii(o.count, -1))
    else:
        w(_pack_ii(o.count, len(v_assignments)))
        for x_assignments in v_assignments:
            _write_create_partitions_assignment_v0(x_assignments, w)


def _read_create_partitions_topic_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatePartitionsTopic, int]:
    o = _new(CreatePartitionsTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreatePartitionsTopic.name")
    o.name = b[p:q].decode()
    p = q
    o.count, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.assignments = None
    else:
        n -= 1
        if n * 2 > e - p:
            raise bad_length("CreatePartitionsTopic.assignments")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_assignments: list[CreatePartitionsAssignment] = []
        o.assignments = l_assignments
        for _ in range(n):
            x_assignments, p = _read_create_partitions_assignment_v2(b, p, e, c)
            l_assignments.append(x_assignments)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_partitions_topic_v2(o: CreatePartitionsTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_assignments = o.assignments
    w(_pack_i(o.count))
    if v_assignments is None:
        w(b"\0")
    else:
        n = len(v_assignments) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_assignments in v_assignments:
            _write_create_partitions_assignment_v2(x_assignments, w)
    w(b"\0")


def _read_create_partitions_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatePartitionsRequest, int]:
    o = _new(CreatePartitionsRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 10 > e - p:
        raise bad_length("CreatePartitionsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[CreatePartitionsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_create_partitions_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    o.timeout_ms, o.validate_only = _unpack_it(b, p)
    p += 5
    return o, p


def _write_create_partitions_request_v0(o: CreatePartitionsRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_create_partitions_topic_v0(x_topics, w)
    w(_pack_it(o.timeout_ms, o.validate_only))


def _read_create_partitions_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatePartitionsRequest, int]:
    o = _new(CreatePartitionsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 7 > e - p:
        raise bad_length("CreatePartitionsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[CreatePartitionsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_create_partitions_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    o.timeout_ms, o.validate_only, n = _unpack_itB(b, p)
    p += 6
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_partitions_request_v2(o: CreatePartitionsRequest, w: Write) -> None:
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_create_partitions_topic_v2(x_topics, w)
    w(_pack_itx(o.timeout_ms, o.validate_only))


def _read_create_partitions_topic_result_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatePartitionsTopicResult, int]:
    o = _new(CreatePartitionsTopicResult)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("CreatePartitionsTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("CreatePartitionsTopicResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    return o, p


def _write_create_partitions_topic_result_v0(o: CreatePartitionsTopicResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_hh(o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_hh(o.error_code, len(r_error_message)))
        w(r_error_message)


def _read_create_partitions_topic_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatePartitionsTopicResult, int]:
    o = _new(CreatePartitionsTopicResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreatePartitionsTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("CreatePartitionsTopicResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_partitions_topic_result_v2(o: CreatePartitionsTopicResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
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


def _read_create_partitions_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatePartitionsResponse, int]:
    o = _new(CreatePartitionsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("CreatePartitionsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[CreatePartitionsTopicResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_create_partitions_topic_result_v0(b, p, e, c)
        l_results.append(x_results)
    return o, p


def _write_create_partitions_response_v0(o: CreatePartitionsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_ii(o.throttle_time_ms, len(v_results)))
    for x_results in v_results:
        _write_create_partitions_topic_result_v0(x_results, w)


def _read_create_partitions_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatePartitionsResponse, int]:
    o = _new(CreatePartitionsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("CreatePartitionsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[CreatePartitionsTopicResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_create_partitions_topic_result_v2(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_partitions_response_v2(o: CreatePartitionsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_i(o.throttle_time_ms))
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_create_partitions_topic_result_v2(x_results, w)
    w(b"\0")


CreatePartitionsRequest.READERS = {
    0: _read_create_partitions_request_v0,
    1: _read_create_partitions_request_v0,
    2: _read_create_partitions_request_v2,
    3: _read_create_partitions_request_v2,
}

CreatePartitionsRequest.WRITERS = {
    0: _write_create_partitions_request_v0,
    1: _write_create_partitions_request_v0,
    2: _write_create_partitions_request_v2,
    3: _write_create_partitions_request_v2,
}

CreatePartitionsResponse.READERS = {
    0: _read_create_partitions_response_v0,
    1: _read_create_partitions_response_v0,
    2: _read_create_partitions_response_v2,
    3: _read_create_partitions_response_v2,
}

CreatePartitionsResponse.WRITERS = {
    0: _write_create_partitions_response_v0,
    1: _write_create_partitions_response_v0,
    2: _write_create_partitions_response_v2,
    3: _write_create_partitions_response_v2,
}
