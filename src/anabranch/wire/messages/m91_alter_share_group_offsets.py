# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""AlterShareGroupOffsets: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
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
_pack_ih = Struct_(">ih").pack
_pack_iqx = Struct_(">iqx").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_iqB = Struct_(">iqB").unpack_from


class AlterShareGroupOffsetsRequestPartition(Struct):
    """Part of AlterShareGroupOffsetsRequest."""

    __slots__ = ("partition_index", "start_offset",)
    partition_index: int
    start_offset: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
        start_offset: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.start_offset = start_offset


class AlterShareGroupOffsetsRequestTopic(Struct):
    """Part of AlterShareGroupOffsetsRequest."""

    __slots__ = ("topic_name", "partitions",)
    topic_name: str
    partitions: list[AlterShareGroupOffsetsRequestPartition]

    def __init__(
        self,
        *,
        topic_name: str = "",
        partitions: list[AlterShareGroupOffsetsRequestPartition] = EMPTY,
    ) -> None:
        self.topic_name = topic_name
        self.partitions = [] if partitions is EMPTY else partitions


class AlterShareGroupOffsetsRequest(Message):
    """``AlterShareGroupOffsetsRequest`` (API key 91), version 0."""

    __slots__ = ("group_id", "topics",)
    group_id: str
    topics: list[AlterShareGroupOffsetsRequestTopic]

    API_KEY = 91
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        group_id: str = "",
        topics: list[AlterShareGroupOffsetsRequestTopic] = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.topics = [] if topics is EMPTY else topics


class AlterShareGroupOffsetsResponsePartition(Struct):
    """Part of AlterShareGroupOffsetsResponse."""

    __slots__ = ("partition_index", "error_code", "error_message",)
    partition_index: int
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message


class AlterShareGroupOffsetsResponseTopic(Struct):
    """Part of AlterShareGroupOffsetsResponse."""

    __slots__ = ("topic_name", "topic_id", "partitions",)
    topic_name: str
    topic_id: bytes
    partitions: list[AlterShareGroupOffsetsResponsePartition]

    def __init__(
        self,
        *,
        topic_name: str = "",
        topic_id: bytes = ZERO_UUID,
        partitions: list[AlterShareGroupOffsetsResponsePartition] = EMPTY,
    ) -> None:
        self.topic_name = topic_name
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class AlterShareGroupOffsetsResponse(Message):
    """``AlterShareGroupOffsetsResponse`` (API key 91), version 0."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "responses",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    responses: list[AlterShareGroupOffsetsResponseTopic]

    API_KEY = 91
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        responses: list[AlterShareGroupOffsetsResponseTopic] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.responses = [] if responses is EMPTY else responses


def _read_alter_share_group_offsets_request_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterShareGroupOffsetsRequestPartition, int]:
    o = _new(AlterShareGroupOffsetsRequestPartition)
    o.partition_index, o.start_offset, n = _unpack_iqB(b, p)
    p += 13
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_share_group_offsets_request_partition_v0(o: AlterShareGroupOffsetsRequestPartition, w: Write) -> None:
    w(_pack_iqx(o.partition_index, o.start_offset))


def _read_alter_share_group_offsets_request_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterShareGroupOffsetsRequestTopic, int]:
    o = _new(AlterShareGroupOffsetsRequestTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterShareGroupOffsetsRequestTopic.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 13 > e - p:
        raise bad_length("AlterShareGroupOffsetsRequestTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[AlterShareGroupOffsetsRequestPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_alter_share_group_offsets_request_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_share_group_offsets_request_topic_v0(o: AlterShareGroupOffsetsRequestTopic, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_alter_share_group_offsets_request_partition_v0(x_partitions, w)
    w(b"\0")


def _read_alter_share_group_offsets_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterShareGroupOffsetsRequest, int]:
    o = _new(AlterShareGroupOffsetsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterShareGroupOffsetsRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterShareGroupOffsetsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[AlterShareGroupOffsetsRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_alter_share_group_offsets_request_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_share_group_offsets_request_v0(o: AlterShareGroupOffsetsRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_alter_share_group_offsets_request_topic_v0(x_topics, w)
    w(b"\0")


def _read_alter_share_group_offsets_response_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterShareGroupOffsetsResponsePartition, int]:
    o = _new(AlterShareGroupOffsetsResponsePartition)
    o.partition_index, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("AlterShareGroupOffsetsResponsePartition.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_share_group_offsets_response_partition_v0(o: AlterShareGroupOffsetsResponsePartition, w: Write) -> None:
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


def _read_alter_share_group_offsets_response_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterShareGroupOffsetsResponseTopic, int]:
    o = _new(AlterShareGroupOffsetsResponseTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterShareGroupOffsetsResponseTopic.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 8 > e - p:
        raise bad_length("AlterShareGroupOffsetsResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[AlterShareGroupOffsetsResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_alter_share_group_offsets_response_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_share_group_offsets_response_topic_v0(o: AlterShareGroupOffsetsResponseTopic, w: Write) -> None:
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
        _write_alter_share_group_offsets_response_partition_v0(x_partitions, w)
    w(b"\0")


def _read_alter_share_group_offsets_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterShareGroupOffsetsResponse, int]:
    o = _new(AlterShareGroupOffsetsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("AlterShareGroupOffsetsResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 19 > e - p:
        raise bad_length("AlterShareGroupOffsetsResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[AlterShareGroupOffsetsResponseTopic] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_alter_share_group_offsets_response_topic_v0(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_share_group_offsets_response_v0(o: AlterShareGroupOffsetsResponse, w: Write) -> None:
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
        _write_alter_share_group_offsets_response_topic_v0(x_responses, w)
    w(b"\0")


AlterShareGroupOffsetsRequest.READERS = {
    0: _read_alter_share_group_offsets_request_v0,
}

AlterShareGroupOffsetsRequest.WRITERS = {
    0: _write_alter_share_group_offsets_request_v0,
}

AlterShareGroupOffsetsResponse.READERS = {
    0: _read_alter_share_group_offsets_response_v0,
}

AlterShareGroupOffsetsResponse.WRITERS = {
    0: _write_alter_share_group_offsets_response_v0,
}
