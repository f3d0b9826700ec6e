# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeProducers: messages of all versions, with their codec."""

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
_pack_qiiqiqx = Struct_(">qiiqiqx").pack
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_qiiqiqB = Struct_(">qiiqiqB").unpack_from


class TopicRequest(Struct):
    """Part of DescribeProducersRequest."""

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


class DescribeProducersRequest(Message):
    """``DescribeProducersRequest`` (API key 61), version 0."""

    __slots__ = ("topics",)
    topics: list[TopicRequest]

    API_KEY = 61
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        topics: list[TopicRequest] = EMPTY,
    ) -> None:
        self.topics = [] if topics is EMPTY else topics


class ProducerState(Struct):
    """Part of DescribeProducersResponse."""

    __slots__ = ("producer_id", "producer_epoch", "last_sequence", "last_timestamp", "coordinator_epoch", "current_txn_start_offset",)
    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_timestamp: int
    coordinator_epoch: int
    current_txn_start_offset: int

    def __init__(
        self,
        *,
        producer_id: int = 0,
        producer_epoch: int = 0,
        last_sequence: int = -1,
        last_timestamp: int = -1,
        coordinator_epoch: int = 0,
        current_txn_start_offset: int = -1,
    ) -> None:
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.last_sequence = last_sequence
        self.last_timestamp = last_timestamp
        self.coordinator_epoch = coordinator_epoch
        self.current_txn_start_offset = current_txn_start_offset


class PartitionResponse(Struct):
    """Part of DescribeProducersResponse."""

    __slots__ = ("partition_index", "error_code", "error_message", "active_producers",)
    partition_index: int
    error_code: int
    error_message: str | None
    active_producers: list[ProducerState]

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        active_producers: list[ProducerState] = EMPTY,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message
        self.active_producers = [] if active_producers is EMPTY else active_producers


class TopicResponse(Struct):
    """Part of DescribeProducersResponse."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[PartitionResponse]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[PartitionResponse] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class DescribeProducersResponse(Message):
    """``DescribeProducersResponse`` (API key 61), version 0."""

    __slots__ = ("throttle_time_ms", "topics",)
    throttle_time_ms: int
    topics: list[TopicResponse]

    API_KEY = 61
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        topics: list[TopicResponse] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = [] if topics is EMPTY else topics


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
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("TopicRequest.partition_indexes")
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


def _write_topic_request_v0(o: TopicRequest, w: Write) -> None:
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


def _read_describe_producers_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeProducersRequest, int]:
    o = _new(DescribeProducersRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribeProducersRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[TopicRequest] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_topic_request_v0(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_producers_request_v0(o: DescribeProducersRequest, w: Write) -> None:
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_topic_request_v0(x_topics, w)
    w(b"\0")


def _read_producer_state_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ProducerState, int]:
    o = _new(ProducerState)
    o.producer_id, o.producer_epoch, o.last_sequence, o.last_timestamp, o.coordinator_epoch, o.current_txn_start_offset, n = _unpack_qiiqiqB(b, p)
    p += 37
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_producer_state_v0(o: ProducerState, w: Write) -> None:
    w(_pack_qiiqiqx(o.producer_id, o.producer_epoch, o.last_sequence, o.last_timestamp, o.coordinator_epoch, o.current_txn_start_offset))


def _read_partition_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[PartitionResponse, int]:
    o = _new(PartitionResponse)
    o.partition_index, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("PartitionResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 37 > e - p:
        raise bad_length("PartitionResponse.active_producers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_active_producers: list[ProducerState] = []
    o.active_producers = l_active_producers
    for _ in range(n):
        x_active_producers, p = _read_producer_state_v0(b, p, e, c)
        l_active_producers.append(x_active_producers)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_partition_response_v0(o: PartitionResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.partition_index, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_active_producers = o.active_producers
    n = len(v_active_producers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_active_producers in v_active_producers:
        _write_producer_state_v0(x_active_producers, w)
    w(b"\0")


def _read_topic_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicResponse, int]:
    o = _new(TopicResponse)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TopicResponse.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 9 > e - p:
        raise bad_length("TopicResponse.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[PartitionResponse] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_partition_response_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_topic_response_v0(o: TopicResponse, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_partition_response_v0(x_partitions, w)
    w(b"\0")


def _read_describe_producers_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeProducersResponse, int]:
    o = _new(DescribeProducersResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribeProducersResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[TopicResponse] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_topic_response_v0(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_producers_response_v0(o: DescribeProducersResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.throttle_time_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_topic_response_v0(x_topics, w)
    w(b"\0")


DescribeProducersRequest.READERS = {
    0: _read_describe_producers_request_v0,
}

DescribeProducersRequest.WRITERS = {
    0: _write_describe_producers_request_v0,
}

DescribeProducersResponse.READERS = {
    0: _read_describe_producers_response_v0,
}

DescribeProducersResponse.WRITERS = {
    0: _write_describe_producers_response_v0,
}
