# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ElectLeaders: messages of all versions, with their codec."""

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
_pack_b = Struct_(">b").pack
_pack_bi = Struct_(">bi").pack
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ihh = Struct_(">ihh").pack
_pack_ihi = Struct_(">ihi").pack
_pack_ii = Struct_(">ii").pack
_pack_ix = Struct_(">ix").pack
_unpack_bB = Struct_(">bB").unpack_from
_unpack_bi = Struct_(">bi").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ihh = Struct_(">ihh").unpack_from
_unpack_ihi = Struct_(">ihi").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class TopicPartitions(Struct):
    """Part of ElectLeadersRequest."""

    __slots__ = ("topic", "partitions",)
    topic: str
    partitions: list[int]

    def __init__(
        self,
        *,
        topic: str = "",
        partitions: list[int] = EMPTY,
    ) -> None:
        self.topic = topic
        self.partitions = [] if partitions is EMPTY else partitions


class ElectLeadersRequest(Message):
    """``ElectLeadersRequest`` (API key 43), versions 0 to 2."""

    __slots__ = ("election_type", "topic_partitions", "timeout_ms",)
    election_type: int
    topic_partitions: list[TopicPartitions] | None
    timeout_ms: int

    API_KEY = 43
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        election_type: int = 0,
        topic_partitions: list[TopicPartitions] | None = EMPTY,
        timeout_ms: int = 60000,
    ) -> None:
        self.election_type = election_type
        self.topic_partitions = [] if topic_partitions is EMPTY else topic_partitions
        self.timeout_ms = timeout_ms


class PartitionResult(Struct):
    """Part of ElectLeadersResponse."""

    __slots__ = ("partition_id", "error_code", "error_message",)
    partition_id: int
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        partition_id: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
    ) -> None:
        self.partition_id = partition_id
        self.error_code = error_code
        self.error_message = error_message


class ReplicaElectionResult(Struct):
    """Part of ElectLeadersResponse."""

    __slots__ = ("topic", "partition_result",)
    topic: str
    partition_result: list[PartitionResult]

    def __init__(
        self,
        *,
        topic: str = "",
        partition_result: list[PartitionResult] = EMPTY,
    ) -> None:
        self.topic = topic
        self.partition_result = [] if partition_result is EMPTY else partition_result


class ElectLeadersResponse(Message):
    """``ElectLeadersResponse`` (API key 43), versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "replica_election_results",)
    throttle_time_ms: int
    error_code: int
    replica_election_results: list[ReplicaElectionResult]

    API_KEY = 43
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        replica_election_results: list[ReplicaElectionResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.replica_election_results = [] if replica_election_results is EMPTY else replica_election_results


def _read_topic_partitions_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicPartitions, int]:
    o = _new(TopicPartitions)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TopicPartitions.topic")
    o.topic = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("TopicPartitions.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partitions = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_topic_partitions_v0(o: TopicPartitions, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    n = len(v_partitions)
    w(INT32S[n](*v_partitions) if n < 16 else pack(f">{n}i", *v_partitions))


def _read_topic_partitions_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicPartitions, int]:
    o = _new(TopicPartitions)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TopicPartitions.topic")
    o.topic = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("TopicPartitions.partitions")
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


def _write_topic_partitions_v2(o: TopicPartitions, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    n = len(r_topic) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic)
    v_partitions = o.partitions
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_elect_leaders_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ElectLeadersRequest, int]:
    o = _new(ElectLeadersRequest)
    o.election_type = 0
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.topic_partitions = None
    else:
        if n * 6 > e - p:
            raise bad_length("ElectLeadersRequest.topic_partitions")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topic_partitions: list[TopicPartitions] = []
        o.topic_partitions = l_topic_partitions
        for _ in range(n):
            x_topic_partitions, p = _read_topic_partitions_v0(b, p, e, c)
            l_topic_partitions.append(x_topic_partitions)
    (o.timeout_ms,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_elect_leaders_request_v0(o: ElectLeadersRequest, w: Write) -> None:
    v_topic_partitions = o.topic_partitions
    if v_topic_partitions is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_topic_partitions)))
        for x_topic_partitions in v_topic_partitions:
            _write_topic_partitions_v0(x_topic_partitions, w)
    w(_pack_i(o.timeout_ms))


def _read_elect_leaders_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ElectLeadersRequest, int]:
    o = _new(ElectLeadersRequest)
    o.election_type, n = _unpack_bi(b, p)
    p += 5
    if n < 0:
        o.topic_partitions = None
    else:
        if n * 6 > e - p:
            raise bad_length("ElectLeadersRequest.topic_partitions")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topic_partitions: list[TopicPartitions] = []
        o.topic_partitions = l_topic_partitions
        for _ in range(n):
            x_topic_partitions, p = _read_topic_partitions_v0(b, p, e, c)
            l_topic_partitions.append(x_topic_partitions)
    (o.timeout_ms,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_elect_leaders_request_v1(o: ElectLeadersRequest, w: Write) -> None:
    v_topic_partitions = o.topic_partitions
    if v_topic_partitions is None:
        w(_pack_bi(o.election_type, -1))
    else:
        w(_pack_bi(o.election_type, len(v_topic_partitions)))
        for x_topic_partitions in v_topic_partitions:
            _write_topic_partitions_v0(x_topic_partitions, w)
    w(_pack_i(o.timeout_ms))


def _read_elect_leaders_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[ElectLeadersRequest, int]:
    o = _new(ElectLeadersRequest)
    o.election_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topic_partitions = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("ElectLeadersRequest.topic_partitions")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topic_partitions: list[TopicPartitions] = []
        o.topic_partitions = l_topic_partitions
        for _ in range(n):
            x_topic_partitions, p = _read_topic_partitions_v2(b, p, e, c)
            l_topic_partitions.append(x_topic_partitions)
    o.timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_elect_leaders_request_v2(o: ElectLeadersRequest, w: Write) -> None:
    v_topic_partitions = o.topic_partitions
    w(_pack_b(o.election_type))
    if v_topic_partitions is None:
        w(b"\0")
    else:
        n = len(v_topic_partitions) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topic_partitions in v_topic_partitions:
            _write_topic_partitions_v2(x_topic_partitions, w)
    w(_pack_ix(o.timeout_ms))


def _read_partition_result_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[PartitionResult, int]:
    o = _new(PartitionResult)
    o.partition_id, o.error_code, n = _unpack_ihh(b, p)
    p += 8
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("PartitionResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    return o, p


def _write_partition_result_v0(o: PartitionResult, w: Write) -> None:
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_ihh(o.partition_id, o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_ihh(o.partition_id, o.error_code, len(r_error_message)))
        w(r_error_message)


def _read_partition_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[PartitionResult, int]:
    o = _new(PartitionResult)
    o.partition_id, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("PartitionResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_partition_result_v2(o: PartitionResult, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.partition_id, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    w(b"\0")


def _read_replica_election_result_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ReplicaElectionResult, int]:
    o = _new(ReplicaElectionResult)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("ReplicaElectionResult.topic")
    o.topic = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 8 > e - p:
        raise bad_length("ReplicaElectionResult.partition_result")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partition_result: list[PartitionResult] = []
    o.partition_result = l_partition_result
    for _ in range(n):
        x_partition_result, p = _read_partition_result_v0(b, p, e, c)
        l_partition_result.append(x_partition_result)
    return o, p


def _write_replica_election_result_v0(o: ReplicaElectionResult, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partition_result = o.partition_result
    w(_pack_i(len(v_partition_result)))
    for x_partition_result in v_partition_result:
        _write_partition_result_v0(x_partition_result, w)


def _read_replica_election_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[ReplicaElectionResult, int]:
    o = _new(ReplicaElectionResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ReplicaElectionResult.topic")
    o.topic = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 8 > e - p:
        raise bad_length("ReplicaElectionResult.partition_result")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partition_result: list[PartitionResult] = []
    o.partition_result = l_partition_result
    for _ in range(n):
        x_partition_result, p = _read_partition_result_v2(b, p, e, c)
        l_partition_result.append(x_partition_result)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_replica_election_result_v2(o: ReplicaElectionResult, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    n = len(r_topic) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic)
    v_partition_result = o.partition_result
    n = len(v_partition_result) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partition_result in v_partition_result:
        _write_partition_result_v2(x_partition_result, w)
    w(b"\0")


def _read_elect_leaders_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ElectLeadersResponse, int]:
    o = _new(ElectLeadersResponse)
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("ElectLeadersResponse.replica_election_results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_replica_election_results: list[ReplicaElectionResult] = []
    o.replica_election_results = l_replica_election_results
    for _ in range(n):
        x_replica_election_results, p = _read_replica_election_result_v0(b, p, e, c)
        l_replica_election_results.append(x_replica_election_results)
    return o, p


def _write_elect_leaders_response_v0(o: ElectLeadersResponse, w: Write) -> None:
    v_replica_election_results = o.replica_election_results
    w(_pack_ii(o.throttle_time_ms, len(v_replica_election_results)))
    for x_replica_election_results in v_replica_election_results:
        _write_replica_election_result_v0(x_replica_election_results, w)


def _read_elect_leaders_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ElectLeadersResponse, int]:
    o = _new(ElectLeadersResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihi(b, p)
    p += 10
    if n < 0 or n * 6 > e - p:
        raise bad_length("ElectLeadersResponse.replica_election_results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_replica_election_results: list[ReplicaElectionResult] = []
    o.replica_election_results = l_replica_election_results
    for _ in range(n):
        x_replica_election_results, p = _read_replica_election_result_v0(b, p, e, c)
        l_replica_election_results.append(x_replica_election_results)
    return o, p


def _write_elect_leaders_response_v1(o: ElectLeadersResponse, w: Write) -> None:
    v_replica_election_results = o.replica_election_results
    w(_pack_ihi(o.throttle_time_ms, o.error_code, len(v_replica_election_results)))
    for x_replica_election_results in v_replica_election_results:
        _write_replica_election_result_v0(x_replica_election_results, w)


def _read_elect_leaders_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[ElectLeadersResponse, int]:
    o = _new(ElectLeadersResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("ElectLeadersResponse.replica_election_results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_replica_election_results: list[ReplicaElectionResult] = []
    o.replica_election_results = l_replica_election_results
    for _ in range(n):
        x_replica_election_results, p = _read_replica_election_result_v2(b, p, e, c)
        l_replica_election_results.append(x_replica_election_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_elect_leaders_response_v2(o: ElectLeadersResponse, w: Write) -> None:
    v_replica_election_results = o.replica_election_results
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_replica_election_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_replica_election_results in v_replica_election_results:
        _write_replica_election_result_v2(x_replica_election_results, w)
    w(b"\0")


ElectLeadersRequest.READERS = {
    0: _read_elect_leaders_request_v0,
    1: _read_elect_leaders_request_v1,
    2: _read_elect_leaders_request_v2,
}

ElectLeadersRequest.WRITERS = {
    0: _write_elect_leaders_request_v0,
    1: _write_elect_leaders_request_v1,
    2: _write_elect_leaders_request_v2,
}

ElectLeadersResponse.READERS = {
    0: _read_elect_leaders_response_v0,
    1: _read_elect_leaders_response_v1,
    2: _read_elect_leaders_response_v2,
}

ElectLeadersResponse.WRITERS = {
    0: _write_elect_leaders_response_v0,
    1: _write_elect_leaders_response_v1,
    2: _write_elect_leaders_response_v2,
}
