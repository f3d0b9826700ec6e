# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ShareGroupHeartbeat: messages of all versions, with their codec."""

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
    ZERO_UUID,
    bad_length,
    skip_tags,
    too_many,
    uvarint,
    uvarint_bytes,
)

_new = object.__new__
_pack_16s = Struct_(">16s").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ii = Struct_(">ii").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_iib = Struct_(">iib").unpack_from


class ShareGroupHeartbeatRequest(Message):
    """``ShareGroupHeartbeatRequest`` (API key 76), version 1."""

    __slots__ = ("group_id", "member_id", "member_epoch", "rack_id", "subscribed_topic_names",)
    group_id: str
    member_id: str
    member_epoch: int
    rack_id: str | None
    subscribed_topic_names: list[str] | None

    API_KEY = 76
    MIN_VERSION = 1
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        group_id: str = "",
        member_id: str = "",
        member_epoch: int = 0,
        rack_id: str | None = None,
        subscribed_topic_names: list[str] | None = None,
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.rack_id = rack_id
        self.subscribed_topic_names = subscribed_topic_names


class TopicPartitions(Struct):
    """Part of ShareGroupHeartbeatResponse."""

    __slots__ = ("topic_id", "partitions",)
    topic_id: bytes
    partitions: list[int]

    def __init__(
        self,
        *,
        topic_id: bytes = ZERO_UUID,
        partitions: list[int] = EMPTY,
    ) -> None:
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class Assignment(Struct):
    """Part of ShareGroupHeartbeatResponse."""

    __slots__ = ("topic_partitions",)
    topic_partitions: list[TopicPartitions]

    def __init__(
        self,
        *,
        topic_partitions: list[TopicPartitions] = EMPTY,
    ) -> None:
        self.topic_partitions = [] if topic_partitions is EMPTY else topic_partitions


class ShareGroupHeartbeatResponse(Message):
    """``ShareGroupHeartbeatResponse`` (API key 76), version 1."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "member_id", "member_epoch", "heartbeat_interval_ms", "assignment",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    member_id: str | None
    member_epoch: int
    heartbeat_interval_ms: int
    assignment: Assignment | None

    API_KEY = 76
    MIN_VERSION = 1
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        member_id: str | None = None,
        member_epoch: int = 0,
        heartbeat_interval_ms: int = 0,
        assignment: Assignment | None = None,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.heartbeat_interval_ms = heartbeat_interval_ms
        self.assignment = assignment


def _read_share_group_heartbeat_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ShareGroupHeartbeatRequest, int]:
    o = _new(ShareGroupHeartbeatRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ShareGroupHeartbeatRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ShareGroupHeartbeatRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    o.member_epoch, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.rack_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ShareGroupHeartbeatRequest.rack_id")
        o.rack_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.subscribed_topic_names = None
    else:
        n -= 1
        if n > e - p:
            raise bad_length("ShareGroupHeartbeatRequest.subscribed_topic_names")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_subscribed_topic_names: list[str] = []
        o.subscribed_topic_names = l_subscribed_topic_names
        for _ in range(n):
            n = b[p]
            p += 1
            if n > 127:
                n, p = uvarint(b, p - 1)
            q = p + n - 1
            if not p <= q <= e:
                raise bad_length("ShareGroupHeartbeatRequest.subscribed_topic_names")
            l_subscribed_topic_names.append(b[p:q].decode())
            p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_share_group_heartbeat_request_v1(o: ShareGroupHeartbeatRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_rack_id = o.rack_id
    w(_pack_i(o.member_epoch))
    if v_rack_id is None:
        w(b"\0")
    else:
        r_rack_id = v_rack_id.encode()
        n = len(r_rack_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_rack_id)
    v_subscribed_topic_names = o.subscribed_topic_names
    if v_subscribed_topic_names is None:
        w(b"\0")
    else:
        n = len(v_subscribed_topic_names) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_subscribed_topic_names in v_subscribed_topic_names:
            r_subscribed_topic_names = x_subscribed_topic_names.encode()
            n = len(r_subscribed_topic_names) + 1
            w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
            w(r_subscribed_topic_names)
    w(b"\0")


def _read_topic_partitions_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicPartitions, int]:
    o = _new(TopicPartitions)
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
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


def _write_topic_partitions_v1(o: TopicPartitions, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_assignment_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[Assignment, int]:
    o = _new(Assignment)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("Assignment.topic_partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topic_partitions: list[TopicPartitions] = []
    o.topic_partitions = l_topic_partitions
    for _ in range(n):
        x_topic_partitions, p = _read_topic_partitions_v1(b, p, e, c)
        l_topic_partitions.append(x_topic_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_assignment_v1(o: Assignment, w: Write) -> None:
    v_topic_partitions = o.topic_partitions
    n = len(v_topic_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topic_partitions in v_topic_partitions:
        _write_topic_partitions_v1(x_topic_partitions, w)
    w(b"\0")


def _read_share_group_heartbeat_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ShareGroupHeartbeatResponse, int]:
    o = _new(ShareGroupHeartbeatResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ShareGroupHeartbeatResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.member_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ShareGroupHeartbeatResponse.member_id")
        o.member_id = b[p:q].decode()
        p = q
    o.member_epoch, o.heartbeat_interval_ms, n = _unpack_iib(b, p)
    p += 9
    if n < 0:
        o.assignment = None
    else:
        o.assignment, p = _read_assignment_v1(b, p, e, c)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_share_group_heartbeat_response_v1(o: ShareGroupHeartbeatResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_member_id = o.member_id
    if v_member_id is None:
        w(b"\0")
    else:
        r_member_id = v_member_id.encode()
        n = len(r_member_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_member_id)
    w(_pack_ii(o.member_epoch, o.heartbeat_interval_ms))
    if o.assignment is None:
        w(b"\xff")
    else:
        w(b"\1")
        _write_assignment_v1(o.assignment, w)
    w(b"\0")


ShareGroupHeartbeatRequest.READERS = {
    1: _read_share_group_heartbeat_request_v1,
}

ShareGroupHeartbeatRequest.WRITERS = {
    1: _write_share_group_heartbeat_request_v1,
}

ShareGroupHeartbeatResponse.READERS = {
    1: _read_share_group_heartbeat_response_v1,
}

ShareGroupHeartbeatResponse.WRITERS = {
    1: _write_share_group_heartbeat_response_v1,
}
