# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DeleteRecords: messages of all versions, with their codec."""

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
_pack_ii = Struct_(">ii").pack
_pack_iq = Struct_(">iq").pack
_pack_iqh = Struct_(">iqh").pack
_pack_iqhx = Struct_(">iqhx").pack
_pack_iqx = Struct_(">iqx").pack
_pack_ix = Struct_(">ix").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from
_unpack_iq = Struct_(">iq").unpack_from
_unpack_iqB = Struct_(">iqB").unpack_from
_unpack_iqh = Struct_(">iqh").unpack_from
_unpack_iqhB = Struct_(">iqhB").unpack_from


class DeleteRecordsPartition(Struct):
    """Part of DeleteRecordsRequest."""

    __slots__ = ("partition_index", "offset",)
    partition_index: int
    offset: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
        offset: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.offset = offset


class DeleteRecordsTopic(Struct):
    """Part of DeleteRecordsRequest."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[DeleteRecordsPartition]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[DeleteRecordsPartition] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class DeleteRecordsRequest(Message):
    """``DeleteRecordsRequest`` (API key 21), versions 0 to 2."""

    __slots__ = ("topics", "timeout_ms",)
    topics: list[DeleteRecordsTopic]
    timeout_ms: int

    API_KEY = 21
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        topics: list[DeleteRecordsTopic] = EMPTY,
        timeout_ms: int = 0,
    ) -> None:
        self.topics = [] if topics is EMPTY else topics
        self.timeout_ms = timeout_ms


class DeleteRecordsPartitionResult(Struct):
    """Part of DeleteRecordsResponse."""

    __slots__ = ("partition_index", "low_watermark", "error_code",)
    partition_index: int
    low_watermark: int
    error_code: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
        low_watermark: int = 0,
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.low_watermark = low_watermark
        self.error_code = error_code


class DeleteRecordsTopicResult(Struct):
    """Part of DeleteRecordsResponse."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[DeleteRecordsPartitionResult]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[DeleteRecordsPartitionResult] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class DeleteRecordsResponse(Message):
    """``DeleteRecordsResponse`` (API key 21), versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "topics",)
    throttle_time_ms: int
    topics: list[DeleteRecordsTopicResult]

    API_KEY = 21
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        topics: list[DeleteRecordsTopicResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = [] if topics is EMPTY else topics


def _read_delete_records_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsPartition, int]:
    o = _new(DeleteRecordsPartition)
    o.partition_index, o.offset = _unpack_iq(b, p)
    p += 12
    return o, p


def _write_delete_records_partition_v0(o: DeleteRecordsPartition, w: Write) -> None:
    w(_pack_iq(o.partition_index, o.offset))


def _read_delete_records_partition_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsPartition, int]:
    o = _new(DeleteRecordsPartition)
    o.partition_index, o.offset, n = _unpack_iqB(b, p)
    p += 13
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_records_partition_v2(o: DeleteRecordsPartition, w: Write) -> None:
    w(_pack_iqx(o.partition_index, o.offset))


def _read_delete_records_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsTopic, int]:
    o = _new(DeleteRecordsTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DeleteRecordsTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 12 > e - p:
        raise bad_length("DeleteRecordsTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DeleteRecordsPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_delete_records_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_delete_records_topic_v0(o: DeleteRecordsTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_delete_records_partition_v0(x_partitions, w)


def _read_delete_records_topic_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsTopic, int]:
    o = _new(DeleteRecordsTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DeleteRecordsTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 13 > e - p:
        raise bad_length("DeleteRecordsTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DeleteRecordsPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_delete_records_partition_v2(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_records_topic_v2(o: DeleteRecordsTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_delete_records_partition_v2(x_partitions, w)
    w(b"\0")


def _read_delete_records_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsRequest, int]:
    o = _new(DeleteRecordsRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("DeleteRecordsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DeleteRecordsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_delete_records_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    (o.timeout_ms,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_delete_records_request_v0(o: DeleteRecordsRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_delete_records_topic_v0(x_topics, w)
    w(_pack_i(o.timeout_ms))


def _read_delete_records_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsRequest, int]:
    o = _new(DeleteRecordsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DeleteRecordsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DeleteRecordsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_delete_records_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    o.timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_records_request_v2(o: DeleteRecordsRequest, w: Write) -> None:
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_delete_records_topic_v2(x_topics, w)
    w(_pack_ix(o.timeout_ms))


def _read_delete_records_partition_result_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsPartitionResult, int]:
    o = _new(DeleteRecordsPartitionResult)
    o.partition_index, o.low_watermark, o.error_code = _unpack_iqh(b, p)
    p += 14
    return o, p


def _write_delete_records_partition_result_v0(o: DeleteRecordsPartitionResult, w: Write) -> None:
    w(_pack_iqh(o.partition_index, o.low_watermark, o.error_code))


def _read_delete_records_partition_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsPartitionResult, int]:
    o = _new(DeleteRecordsPartitionResult)
    o.partition_index, o.low_watermark, o.error_code, n = _unpack_iqhB(b, p)
    p += 15
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_records_partition_result_v2(o: DeleteRecordsPartitionResult, w: Write) -> None:
    w(_pack_iqhx(o.partition_index, o.low_watermark, o.error_code))


def _read_delete_records_topic_result_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsTopicResult, int]:
    o = _new(DeleteRecordsTopicResult)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DeleteRecordsTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 14 > e - p:
        raise bad_length("DeleteRecordsTopicResult.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DeleteRecordsPartitionResult] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_delete_records_partition_result_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_delete_records_topic_result_v0(o: DeleteRecordsTopicResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_delete_records_partition_result_v0(x_partitions, w)


def _read_delete_records_topic_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsTopicResult, int]:
    o = _new(DeleteRecordsTopicResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DeleteRecordsTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 15 > e - p:
        raise bad_length("DeleteRecordsTopicResult.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DeleteRecordsPartitionResult] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_delete_records_partition_result_v2(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_records_topic_result_v2(o: DeleteRecordsTopicResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_delete_records_partition_result_v2(x_partitions, w)
    w(b"\0")


def _read_delete_records_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsResponse, int]:
    o = _new(DeleteRecordsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("DeleteRecordsResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DeleteRecordsTopicResult] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_delete_records_topic_result_v0(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_delete_records_response_v0(o: DeleteRecordsResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ii(o.throttle_time_ms, len(v_topics)))
    for x_topics in v_topics:
        _write_delete_records_topic_result_v0(x_topics, w)


def _read_delete_records_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteRecordsResponse, int]:
    o = _new(DeleteRecordsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DeleteRecordsResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DeleteRecordsTopicResult] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_delete_records_topic_result_v2(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_records_response_v2(o: DeleteRecordsResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.throttle_time_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_delete_records_topic_result_v2(x_topics, w)
    w(b"\0")


DeleteRecordsRequest.READERS = {
    0: _read_delete_records_request_v0,
    1: _read_delete_records_request_v0,
    2: _read_delete_records_request_v2,
}

DeleteRecordsRequest.WRITERS = {
    0: _write_delete_records_request_v0,
    1: _write_delete_records_request_v0,
    2: _write_delete_records_request_v2,
}

DeleteRecordsResponse.READERS = {
    0: _read_delete_records_response_v0,
    1: _read_delete_records_response_v0,
    2: _read_delete_records_response_v2,
}

DeleteRecordsResponse.WRITERS = {
    0: _write_delete_records_response_v0,
    1: _write_delete_records_response_v0,
    2: _write_delete_records_response_v2,
}
