# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""Heartbeat: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
    Message,
    UVARINT,
    Write,
    bad_length,
    skip_tags,
    uvarint,
    uvarint_bytes,
)

_new = object.__new__
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ihx = Struct_(">ihx").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from


class HeartbeatRequest(Message):
    """``HeartbeatRequest`` (API key 12), versions 0 to 4."""

    __slots__ = ("group_id", "generation_id", "member_id", "group_instance_id",)
    group_id: str
    generation_id: int
    member_id: str
    group_instance_id: str | None

    API_KEY = 12
    MIN_VERSION = 0
    MAX_VERSION = 4
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        group_id: str = "",
        generation_id: int = 0,
        member_id: str = "",
        group_instance_id: str | None = None,
    ) -> None:
        self.group_id = group_id
        self.generation_id = generation_id
        self.member_id = member_id
        self.group_instance_id = group_instance_id


class HeartbeatResponse(Message):
    """``HeartbeatResponse`` (API key 12), versions 0 to 4."""

    __slots__ = ("throttle_time_ms", "error_code",)
    throttle_time_ms: int
    error_code: int

    API_KEY = 12
    MIN_VERSION = 0
    MAX_VERSION = 4
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code


def _read_heartbeat_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[HeartbeatRequest, int]:
    o = _new(HeartbeatRequest)
    o.group_instance_id = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("HeartbeatRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("HeartbeatRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    return o, p


def _write_heartbeat_request_v0(o: HeartbeatRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_ih(o.generation_id, len(r_member_id)))
    w(r_member_id)


def _read_heartbeat_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[HeartbeatRequest, int]:
    o = _new(HeartbeatRequest)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("HeartbeatRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("HeartbeatRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.group_instance_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("HeartbeatRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    return o, p


def _write_heartbeat_request_v3(o: HeartbeatRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_ih(o.generation_id, len(r_member_id)))
    w(r_member_id)
    v_group_instance_id = o.group_instance_id
    if v_group_instance_id is None:
        w(_pack_h(-1))
    else:
        r_group_instance_id = v_group_instance_id.encode()
        w(_pack_h(len(r_group_instance_id)))
        w(r_group_instance_id)


def _read_heartbeat_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[HeartbeatRequest, int]:
    o = _new(HeartbeatRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("HeartbeatRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("HeartbeatRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.group_instance_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("HeartbeatRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_heartbeat_request_v4(o: HeartbeatRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_member_id = o.member_id
    w(_pack_i(o.generation_id))
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_group_instance_id = o.group_instance_id
    if v_group_instance_id is None:
        w(b"\0")
    else:
        r_group_instance_id = v_group_instance_id.encode()
        n = len(r_group_instance_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_group_instance_id)
    w(b"\0")


def _read_heartbeat_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[HeartbeatResponse, int]:
    o = _new(HeartbeatResponse)
    o.throttle_time_ms = 0
    (o.error_code,) = _unpack_h(b, p)
    p += 2
    return o, p


def _write_heartbeat_response_v0(o: HeartbeatResponse, w: Write) -> None:
    w(_pack_h(o.error_code))


def _read_heartbeat_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[HeartbeatResponse, int]:
    o = _new(HeartbeatResponse)
    o.throttle_time_ms, o.error_code = _unpack_ih(b, p)
    p += 6
    return o, p


def _write_heartbeat_response_v1(o: HeartbeatResponse, w: Write) -> None:
    w(_pack_ih(o.throttle_time_ms, o.error_code))


def _read_heartbeat_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[HeartbeatResponse, int]:
    o = _new(HeartbeatResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_heartbeat_response_v4(o: HeartbeatResponse, w: Write) -> None:
    w(_pack_ihx(o.throttle_time_ms, o.error_code))


HeartbeatRequest.READERS = {
    0: _read_heartbeat_request_v0,
    1: _read_heartbeat_request_v0,
    2: _read_heartbeat_request_v0,
    3: _read_heartbeat_request_v3,
    4: _read_heartbeat_request_v4,
}

HeartbeatRequest.WRITERS = {
    0: _write_heartbeat_request_v0,
    1: _write_heartbeat_request_v0,
    2: _write_heartbeat_request_v0,
    3: _write_heartbeat_request_v3,
    4: _write_heartbeat_request_v4,
}

HeartbeatResponse.READERS = {
    0: _read_heartbeat_response_v0,
    1: _read_heartbeat_response_v1,
    2: _read_heartbeat_response_v1,
    3: _read_heartbeat_response_v1,
    4: _read_heartbeat_response_v4,
}

HeartbeatResponse.WRITERS = {
    0: _write_heartbeat_response_v0,
    1: _write_heartbeat_response_v1,
    2: _write_heartbeat_response_v1,
    3: _write_heartbeat_response_v1,
    4: _write_heartbeat_response_v4,
}
