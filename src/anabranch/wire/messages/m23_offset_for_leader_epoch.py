# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""OffsetForLeaderEpoch: messages of all versions, with their codec."""

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
_pack_hiiq = Struct_(">hiiq").pack
_pack_hiiqx = Struct_(">hiiqx").pack
_pack_i = Struct_(">i").pack
_pack_ii = Struct_(">ii").pack
_pack_iii = Struct_(">iii").pack
_pack_iiix = Struct_(">iiix").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_hiiq = Struct_(">hiiq").unpack_from
_unpack_hiiqB = Struct_(">hiiqB").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from
_unpack_iii = Struct_(">iii").unpack_from
_unpack_iiiB = Struct_(">iiiB").unpack_from


class OffsetForLeaderPartition(Struct):
    """Part of OffsetForLeaderEpochRequest."""

    __slots__ = ("partition", "current_leader_epoch", "leader_epoch",)
    partition: int
    current_leader_epoch: int
    leader_epoch: int

    def __init__(
        self,
        *,
        partition: int = 0,
        current_leader_epoch: int = -1,
        leader_epoch: int = 0,
    ) -> None:
        self.partition = partition
        self.current_leader_epoch = current_leader_epoch
        self.leader_epoch = leader_epoch


class OffsetForLeaderTopic(Struct):
    """Part of OffsetForLeaderEpochRequest."""

    __slots__ = ("topic", "partitions",)
    topic: str
    partitions: list[OffsetForLeaderPartition]

    def __init__(
        self,
        *,
        topic: str = "",
        partitions: list[OffsetForLeaderPartition] = EMPTY,
    ) -> None:
        self.topic = topic
        self.partitions = [] if partitions is EMPTY else partitions


class OffsetForLeaderEpochRequest(Message):
    """``OffsetForLeaderEpochRequest`` (API key 23), versions 2 to 4."""

    __slots__ = ("replica_id", "topics",)
    replica_id: int
    topics: list[OffsetForLeaderTopic]

    API_KEY = 23
    MIN_VERSION = 2
    MAX_VERSION = 4
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        replica_id: int = -2,
        topics: list[OffsetForLeaderTopic] = EMPTY,
    ) -> None:
        self.replica_id = replica_id
        self.topics = [] if topics is EMPTY else topics


class EpochEndOffset(Struct):
    """Part of OffsetForLeaderEpochResponse."""

    __slots__ = ("error_code", "partition", "leader_epoch", "end_offset",)
    error_code: int
    partition: int
    leader_epoch: int
    end_offset: int

    def __init__(
        self,
        *,
        error_code: int = 0,
        partition: int = 0,
        leader_epoch: int = -1,
        end_offset: int = -1,
    ) -> None:
        self.error_code = error_code
        self.partition = partition
        self.leader_epoch = leader_epoch
        self.end_offset = end_offset


class OffsetForLeaderTopicResult(Struct):
    """Part of OffsetForLeaderEpochResponse."""

    __slots__ = ("topic", "partitions",)
    topic: str
    partitions: list[EpochEndOffset]

    def __init__(
        self,
        *,
        topic: str = "",
        partitions: list[EpochEndOffset] = EMPTY,
    ) -> None:
        self.topic = topic
        self.partitions = [] if partitions is EMPTY else partitions


class OffsetForLeaderEpochResponse(Message):
    """``OffsetForLeaderEpochResponse`` (API key 23), versions 2 to 4."""

    __slots__ = ("throttle_time_ms", "topics",)
    throttle_time_ms: int
    topics: list[OffsetForLeaderTopicResult]

    API_KEY = 23
    MIN_VERSION = 2
    MAX_VERSION = 4
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        topics: list[OffsetForLeaderTopicResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = [] if topics is EMPTY else topics


def _read_offset_for_leader_partition_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetForLeaderPartition, int]:
    o = _new(OffsetForLeaderPartition)
    o.partition, o.current_leader_epoch, o.leader_epoch = _unpack_iii(b, p)
    p += 12
    return o, p


def _write_offset_for_leader_partition_v2(o: OffsetForLeaderPartition, w: Write) -> None:
    w(_pack_iii(o.partition, o.current_leader_epoch, o.leader_epoch))


def _read_offset_for_leader_partition_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetForLeaderPartition, int]:
    o = _new(OffsetForLeaderPartition)
    o.partition, o.current_leader_epoch, o.leader_epoch, n = _unpack_iiiB(b, p)
    p += 13
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_for_leader_partition_v4(o: OffsetForLeaderPartition, w: Write) -> None:
    w(_pack_iiix(o.partition, o.current_leader_epoch, o.leader_epoch))


def _read_offset_for_leader_topic_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetForLeaderTopic, int]:
    o = _new(OffsetForLeaderTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetForLeaderTopic.topic")
    o.topic = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 12 > e - p:
        raise bad_length("OffsetForLeaderTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetForLeaderPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_for_leader_partition_v2(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_offset_for_leader_topic_v2(o: OffsetForLeaderTopic, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_offset_for_leader_partition_v2(x_partitions, w)


def _read_offset_for_leader_topic_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetForLeaderTopic, int]:
    o = _new(OffsetForLeaderTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetForLeaderTopic.topic")
    o.topic = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 13 > e - p:
        raise bad_length("OffsetForLeaderTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetForLeaderPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_for_leader_partition_v4(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_for_leader_topic_v4(o: OffsetForLeaderTopic, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    n = len(r_topic) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_offset_for_leader_partition_v4(x_partitions, w)
    w(b"\0")


def _read_offset_for_leader_epoch_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetForLeaderEpochRequest, int]:
    o = _new(OffsetForLeaderEpochRequest)
    o.replica_id = -2
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetForLeaderEpochRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetForLeaderTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_for_leader_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_for_leader_epoch_request_v2(o: OffsetForLeaderEpochRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_offset_for_leader_topic_v2(x_topics, w)


def _read_offset_for_leader_epoch_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetForLeaderEpochRequest, int]:
    o = _new(OffsetForLeaderEpochRequest)
    o.replica_id, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetForLeaderEpochRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetForLeaderTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_for_leader_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_for_leader_epoch_request_v3(o: OffsetForLeaderEpochRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ii(o.replica_id, len(v_topics)))
    for x_topics in v_topics:
        _write_offset_for_leader_topic_v2(x_topics, w)


def _read_offset_for_leader_epoch_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetForLeaderEpochRequest, int]:
    o = _new(OffsetForLeaderEpochRequest)
    o.replica_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("OffsetForLeaderEpochRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetForLeaderTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_for_leader_topic_v4(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_for_leader_epoch_request_v4(o: OffsetForLeaderEpochRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.replica_id))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_offset_for_leader_topic_v4(x_topics, w)
    w(b"\0")


def _read_epoch_end_offset_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[EpochEndOffset, int]:
    o = _new(EpochEndOffset)
    o.error_code, o.partition, o.leader_epoch, o.end_offset = _unpack_hiiq(b, p)
    p += 18
    return o, p


def _write_epoch_end_offset_v2(o: EpochEndOffset, w: Write) -> None:
    w(_pack_hiiq(o.error_code, o.partition, o.leader_epoch, o.end_offset))


def _read_epoch_end_offset_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[EpochEndOffset, int]:
    o = _new(EpochEndOffset)
    o.error_code, o.partition, o.leader_epoch, o.end_offset, n = _unpack_hiiqB(b, p)
    p += 19
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_epoch_end_offset_v4(o: EpochEndOffset, w: Write) -> None:
    w(_pack_hiiqx(o.error_code, o.partition, o.leader_epoch, o.end_offset))


def _read_offset_for_leader_topic_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetForLeaderTopicResult, int]:
    o = _new(OffsetForLeaderTopicResult)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetForLeaderTopicResult.topic")
    o.topic = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 18 > e - p:
        raise bad_length("OffsetForLeaderTopicResult.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[EpochEndOffset] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_epoch_end_offset_v2(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_offset_for_leader_topic_result_v2(o: OffsetForLeaderTopicResult, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_epoch_end_offset_v2(x_partitions, w)


def _read_offset_for_leader_topic_result_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetForLeaderTopicResult, int]:
    o = _new(OffsetForLeaderTopicResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetForLeaderTopicResult.topic")
    o.topic = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 19 > e - p:
        raise bad_length("OffsetForLeaderTopicResult.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[EpochEndOffset] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_epoch_end_offset_v4(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_for_leader_topic_result_v4(o: OffsetForLeaderTopicResult, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    n = len(r_topic) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_epoch_end_offset_v4(x_partitions, w)
    w(b"\0")


def _read_offset_for_leader_epoch_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetForLeaderEpochResponse, int]:
    o = _new(OffsetForLeaderEpochResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetForLeaderEpochResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetForLeaderTopicResult] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_for_leader_topic_result_v2(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_for_leader_epoch_response_v2(o: OffsetForLeaderEpochResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ii(o.throttle_time_ms, len(v_topics)))
    for x_topics in v_topics:
        _write_offset_for_leader_topic_result_v2(x_topics, w)


def _read_offset_for_leader_epoch_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetForLeaderEpochResponse, int]:
    o = _new(OffsetForLeaderEpochResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("OffsetForLeaderEpochResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetForLeaderTopicResult] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_for_leader_topic_result_v4(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_for_leader_epoch_response_v4(o: OffsetForLeaderEpochResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.throttle_time_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_offset_for_leader_topic_result_v4(x_topics, w)
    w(b"\0")


OffsetForLeaderEpochRequest.READERS = {
    2: _read_offset_for_leader_epoch_request_v2,
    3: _read_offset_for_leader_epoch_request_v3,
    4: _read_offset_for_leader_epoch_request_v4,
}

OffsetForLeaderEpochRequest.WRITERS = {
    2: _write_offset_for_leader_epoch_request_v2,
    3: _write_offset_for_leader_epoch_request_v3,
    4: _write_offset_for_leader_epoch_request_v4,
}

OffsetForLeaderEpochResponse.READERS = {
    2: _read_offset_for_leader_epoch_response_v2,
    3: _read_offset_for_leader_epoch_response_v2,
    4: _read_offset_for_leader_epoch_response_v4,
}

OffsetForLeaderEpochResponse.WRITERS = {
    2: _write_offset_for_leader_epoch_response_v2,
    3: _write_offset_for_leader_epoch_response_v2,
    4: _write_offset_for_leader_epoch_response_v4,
}
