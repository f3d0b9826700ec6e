# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DeleteTopics: messages of all versions, with their codec."""

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
_pack_16sx = Struct_(">16sx").pack
_pack_h = Struct_(">h").pack
_pack_hx = Struct_(">hx").pack
_pack_i = Struct_(">i").pack
_pack_ii = Struct_(">ii").pack
_pack_ix = Struct_(">ix").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_16shB = Struct_(">16shB").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class DeleteTopicState(Struct):
    """Part of DeleteTopicsRequest."""

    __slots__ = ("name", "topic_id",)
    name: str | None
    topic_id: bytes

    def __init__(
        self,
        *,
        name: str | None = None,
        topic_id: bytes = ZERO_UUID,
    ) -> None:
        self.name = name
        self.topic_id = topic_id


class DeleteTopicsRequest(Message):
    """``DeleteTopicsRequest`` (API key 20), versions 1 to 6."""

    __slots__ = ("topics", "topic_names", "timeout_ms",)
    topics: list[DeleteTopicState]
    topic_names: list[str]
    timeout_ms: int

    API_KEY = 20
    MIN_VERSION = 1
    MAX_VERSION = 6
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        topics: list[DeleteTopicState] = EMPTY,
        topic_names: list[str] = EMPTY,
        timeout_ms: int = 0,
    ) -> None:
        self.topics = [] if topics is EMPTY else topics
        self.topic_names = [] if topic_names is EMPTY else topic_names
        self.timeout_ms = timeout_ms


class DeletableTopicResult(Struct):
    """Part of DeleteTopicsResponse."""

    __slots__ = ("name", "topic_id", "error_code", "error_message",)
    name: str | None
    topic_id: bytes
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        name: str | None = "",
        topic_id: bytes = ZERO_UUID,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.error_code = error_code
        self.error_message = error_message


class DeleteTopicsResponse(Message):
    """``DeleteTopicsResponse`` (API key 20), versions 1 to 6."""

    __slots__ = ("throttle_time_ms", "responses",)
    throttle_time_ms: int
    responses: list[DeletableTopicResult]

    API_KEY = 20
    MIN_VERSION = 1
    MAX_VERSION = 6
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        responses: list[DeletableTopicResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.responses = [] if responses is EMPTY else responses


def _read_delete_topic_state_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteTopicState, int]:
    o = _new(DeleteTopicState)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.name = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DeleteTopicState.name")
        o.name = b[p:q].decode()
        p = q
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_topic_state_v6(o: DeleteTopicState, w: Write) -> None:
    v_name = o.name
    if v_name is None:
        w(b"\0")
    else:
        r_name = v_name.encode()
        n = len(r_name) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_name)
    w(_pack_16sx(o.topic_id))


def _read_delete_topics_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteTopicsRequest, int]:
    o = _new(DeleteTopicsRequest)
    o.topics = []
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 2 > e - p:
        raise bad_length("DeleteTopicsRequest.topic_names")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topic_names: list[str] = []
    o.topic_names = l_topic_names
    for _ in range(n):
        (n,) = _unpack_h(b, p)
        p += 2
        q = p + n
        if not p <= q <= e:
            raise bad_length("DeleteTopicsRequest.topic_names")
        l_topic_names.append(b[p:q].decode())
        p = q
    (o.timeout_ms,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_delete_topics_request_v1(o: DeleteTopicsRequest, w: Write) -> None:
    v_topic_names = o.topic_names
    w(_pack_i(len(v_topic_names)))
    for x_topic_names in v_topic_names:
        r_topic_names = x_topic_names.encode()
        w(_pack_h(len(r_topic_names)))
        w(r_topic_names)
    w(_pack_i(o.timeout_ms))


def _read_delete_topics_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteTopicsRequest, int]:
    o = _new(DeleteTopicsRequest)
    o.topics = []
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("DeleteTopicsRequest.topic_names")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topic_names: list[str] = []
    o.topic_names = l_topic_names
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("DeleteTopicsRequest.topic_names")
        l_topic_names.append(b[p:q].decode())
        p = q
    o.timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_topics_request_v4(o: DeleteTopicsRequest, w: Write) -> None:
    v_topic_names = o.topic_names
    n = len(v_topic_names) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topic_names in v_topic_names:
        r_topic_names = x_topic_names.encode()
        n = len(r_topic_names) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_topic_names)
    w(_pack_ix(o.timeout_ms))


def _read_delete_topics_request_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteTopicsRequest, int]:
    o = _new(DeleteTopicsRequest)
    o.topic_names = []
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("DeleteTopicsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DeleteTopicState] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_delete_topic_state_v6(b, p, e, c)
        l_topics.append(x_topics)
    o.timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_topics_request_v6(o: DeleteTopicsRequest, w: Write) -> None:
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_delete_topic_state_v6(x_topics, w)
    w(_pack_ix(o.timeout_ms))


def _read_deletable_topic_result_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeletableTopicResult, int]:
    o = _new(DeletableTopicResult)
    o.topic_id = ZERO_UUID
    o.error_message = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DeletableTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    (o.error_code,) = _unpack_h(b, p)
    p += 2
    return o, p


def _write_deletable_topic_result_v1(o: DeletableTopicResult, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "DeletableTopicResult.name"
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    w(_pack_h(o.error_code))


def _read_deletable_topic_result_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeletableTopicResult, int]:
    o = _new(DeletableTopicResult)
    o.topic_id = ZERO_UUID
    o.error_message = None
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DeletableTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_deletable_topic_result_v4(o: DeletableTopicResult, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "DeletableTopicResult.name"
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    w(_pack_hx(o.error_code))


def _read_deletable_topic_result_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeletableTopicResult, int]:
    o = _new(DeletableTopicResult)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DeletableTopicResult.name")
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
            raise bad_length("DeletableTopicResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_deletable_topic_result_v5(o: DeletableTopicResult, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "DeletableTopicResult.name"
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


def _read_deletable_topic_result_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeletableTopicResult, int]:
    o = _new(DeletableTopicResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.name = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DeletableTopicResult.name")
        o.name = b[p:q].decode()
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
            raise bad_length("DeletableTopicResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_deletable_topic_result_v6(o: DeletableTopicResult, w: Write) -> None:
    v_name = o.name
    if v_name is None:
        w(b"\0")
    else:
        r_name = v_name.encode()
        n = len(r_name) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_name)
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


def _read_delete_topics_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteTopicsResponse, int]:
    o = _new(DeleteTopicsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 4 > e - p:
        raise bad_length("DeleteTopicsResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[DeletableTopicResult] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_deletable_topic_result_v1(b, p, e, c)
        l_responses.append(x_responses)
    return o, p


def _write_delete_topics_response_v1(o: DeleteTopicsResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_ii(o.throttle_time_ms, len(v_responses)))
    for x_responses in v_responses:
        _write_deletable_topic_result_v1(x_responses, w)


def _read_delete_topics_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteTopicsResponse, int]:
    o = _new(DeleteTopicsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("DeleteTopicsResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[DeletableTopicResult] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_deletable_topic_result_v4(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_topics_response_v4(o: DeleteTopicsResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_i(o.throttle_time_ms))
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_deletable_topic_result_v4(x_responses, w)
    w(b"\0")


def _read_delete_topics_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteTopicsResponse, int]:
    o = _new(DeleteTopicsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("DeleteTopicsResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[DeletableTopicResult] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_deletable_topic_result_v5(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_topics_response_v5(o: DeleteTopicsResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_i(o.throttle_time_ms))
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_deletable_topic_result_v5(x_responses, w)
    w(b"\0")


def _read_delete_topics_response_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteTopicsResponse, int]:
    o = _new(DeleteTopicsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 21 > e - p:
        raise bad_length("DeleteTopicsResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[DeletableTopicResult] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_deletable_topic_result_v6(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_topics_response_v6(o: DeleteTopicsResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_i(o.throttle_time_ms))
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_deletable_topic_result_v6(x_responses, w)
    w(b"\0")


DeleteTopicsRequest.READERS = {
    1: _read_delete_topics_request_v1,
    2: _read_delete_topics_request_v1,
    3: _read_delete_topics_request_v1,
    4: _read_delete_topics_request_v4,
    5: _read_delete_topics_request_v4,
    6: _read_delete_topics_request_v6,
}

DeleteTopicsRequest.WRITERS = {
    1: _write_delete_topics_request_v1,
    2: _write_delete_topics_request_v1,
    3: _write_delete_topics_request_v1,
    4: _write_delete_topics_request_v4,
    5: _write_delete_topics_request_v4,
    6: _write_delete_topics_request_v6,
}

DeleteTopicsResponse.READERS = {
    1: _read_delete_topics_response_v1,
    2: _read_delete_topics_response_v1,
    3: _read_delete_topics_response_v1,
    4: _read_delete_topics_response_v4,
    5: _read_delete_topics_response_v5,
    6: _read_delete_topics_response_v6,
}

DeleteTopicsResponse.WRITERS = {
    1: _write_delete_topics_response_v1,
    2: _write_delete_topics_response_v1,
    3: _write_delete_topics_response_v1,
    4: _write_delete_topics_response_v4,
    5: _write_delete_topics_response_v5,
    6: _write_delete_topics_response_v6,
}
