# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DeleteShareGroupOffsets: messages of all versions, with their codec."""

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
_pack_16sh = Struct_(">16sh").pack
_pack_ih = Struct_(">ih").pack
_unpack_16shB = Struct_(">16shB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from


class DeleteShareGroupOffsetsRequestTopic(Struct):
    """Part of DeleteShareGroupOffsetsRequest."""

    __slots__ = ("topic_name",)
    topic_name: str

    def __init__(
        self,
        *,
        topic_name: str = "",
    ) -> None:
        self.topic_name = topic_name


class DeleteShareGroupOffsetsRequest(Message):
    """``DeleteShareGroupOffsetsRequest`` (API key 92), version 0."""

    __slots__ = ("group_id", "topics",)
    group_id: str
    topics: list[DeleteShareGroupOffsetsRequestTopic]

    API_KEY = 92
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        group_id: str = "",
        topics: list[DeleteShareGroupOffsetsRequestTopic] = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.topics = [] if topics is EMPTY else topics


class DeleteShareGroupOffsetsResponseTopic(Struct):
    """Part of DeleteShareGroupOffsetsResponse."""

    __slots__ = ("topic_name", "topic_id", "error_code", "error_message",)
    topic_name: str
    topic_id: bytes
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        topic_name: str = "",
        topic_id: bytes = ZERO_UUID,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.topic_name = topic_name
        self.topic_id = topic_id
        self.error_code = error_code
        self.error_message = error_message


class DeleteShareGroupOffsetsResponse(Message):
    """``DeleteShareGroupOffsetsResponse`` (API key 92), version 0."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "responses",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    responses: list[DeleteShareGroupOffsetsResponseTopic]

    API_KEY = 92
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        responses: list[DeleteShareGroupOffsetsResponseTopic] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.responses = [] if responses is EMPTY else responses


def _read_delete_share_group_offsets_request_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteShareGroupOffsetsRequestTopic, int]:
    o = _new(DeleteShareGroupOffsetsRequestTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DeleteShareGroupOffsetsRequestTopic.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_share_group_offsets_request_topic_v0(o: DeleteShareGroupOffsetsRequestTopic, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    w(b"\0")


def _read_delete_share_group_offsets_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteShareGroupOffsetsRequest, int]:
    o = _new(DeleteShareGroupOffsetsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DeleteShareGroupOffsetsRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 2 > e - p:
        raise bad_length("DeleteShareGroupOffsetsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DeleteShareGroupOffsetsRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_delete_share_group_offsets_request_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_share_group_offsets_request_v0(o: DeleteShareGroupOffsetsRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_delete_share_group_offsets_request_topic_v0(x_topics, w)
    w(b"\0")


def _read_delete_share_group_offsets_response_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteShareGroupOffsetsResponseTopic, int]:
    o = _new(DeleteShareGroupOffsetsResponseTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DeleteShareGroupOffsetsResponseTopic.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    o.topic_id, o.error_code, n = _unpack_16shB(b, p)
    p += 19
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DeleteShareGroupOffsetsResponseTopic.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_share_group_offsets_response_topic_v0(o: DeleteShareGroupOffsetsResponseTopic, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    v_error_message = o.error_message
    w(_pack_16sh(o.topic_id, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    w(b"\0")


def _read_delete_share_group_offsets_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteShareGroupOffsetsResponse, int]:
    o = _new(DeleteShareGroupOffsetsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DeleteShareGroupOffsetsResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 21 > e - p:
        raise bad_length("DeleteShareGroupOffsetsResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[DeleteShareGroupOffsetsResponseTopic] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_delete_share_group_offsets_response_topic_v0(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_share_group_offsets_response_v0(o: DeleteShareGroupOffsetsResponse, w: Write) -> None:
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
        _write_delete_share_group_offsets_response_topic_v0(x_responses, w)
    w(b"\0")


DeleteShareGroupOffsetsRequest.READERS = {
    0: _read_delete_share_group_offsets_request_v0,
}

DeleteShareGroupOffsetsRequest.WRITERS = {
    0: _write_delete_share_group_offsets_request_v0,
}

DeleteShareGroupOffsetsResponse.READERS = {
    0: _read_delete_share_group_offsets_response_v0,
}

DeleteShareGroupOffsetsResponse.WRITERS = {
    0: _write_delete_share_group_offsets_response_v0,
}
