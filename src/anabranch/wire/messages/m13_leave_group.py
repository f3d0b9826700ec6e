# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""LeaveGroup: messages of all versions, with their codec."""

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
_pack_hx = Struct_(">hx").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ihi = Struct_(">ihi").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ihi = Struct_(">ihi").unpack_from


class MemberIdentity(Struct):
    """Part of LeaveGroupRequest."""

    __slots__ = ("member_id", "group_instance_id", "reason",)
    member_id: str
    group_instance_id: str | None
    reason: str | None

    def __init__(
        self,
        *,
        member_id: str = "",
        group_instance_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.reason = reason


class LeaveGroupRequest(Message):
    """``LeaveGroupRequest`` (API key 13), versions 0 to 5."""

    __slots__ = ("group_id", "member_id", "members",)
    group_id: str
    member_id: str
    members: list[MemberIdentity]

    API_KEY = 13
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        group_id: str = "",
        member_id: str = "",
        members: list[MemberIdentity] = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.members = [] if members is EMPTY else members


class MemberResponse(Struct):
    """Part of LeaveGroupResponse."""

    __slots__ = ("member_id", "group_instance_id", "error_code",)
    member_id: str
    group_instance_id: str | None
    error_code: int

    def __init__(
        self,
        *,
        member_id: str = "",
        group_instance_id: str | None = "",
        error_code: int = 0,
    ) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.error_code = error_code


class LeaveGroupResponse(Message):
    """``LeaveGroupResponse`` (API key 13), versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "members",)
    throttle_time_ms: int
    error_code: int
    members: list[MemberResponse]

    API_KEY = 13
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        members: list[MemberResponse] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.members = [] if members is EMPTY else members


def _read_member_identity_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[MemberIdentity, int]:
    o = _new(MemberIdentity)
    o.reason = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("MemberIdentity.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.group_instance_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("MemberIdentity.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    return o, p


def _write_member_identity_v3(o: MemberIdentity, w: Write) -> None:
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_h(len(r_member_id)))
    w(r_member_id)
    v_group_instance_id = o.group_instance_id
    if v_group_instance_id is None:
        w(_pack_h(-1))
    else:
        r_group_instance_id = v_group_instance_id.encode()
        w(_pack_h(len(r_group_instance_id)))
        w(r_group_instance_id)


def _read_member_identity_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[MemberIdentity, int]:
    o = _new(MemberIdentity)
    o.reason = None
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("MemberIdentity.member_id")
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
            raise bad_length("MemberIdentity.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_member_identity_v4(o: MemberIdentity, w: Write) -> None:
    v_member_id = o.member_id
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


def _read_member_identity_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[MemberIdentity, int]:
    o = _new(MemberIdentity)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("MemberIdentity.member_id")
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
            raise bad_length("MemberIdentity.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.reason = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("MemberIdentity.reason")
        o.reason = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_member_identity_v5(o: MemberIdentity, w: Write) -> None:
    v_member_id = o.member_id
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
    v_reason = o.reason
    if v_reason is None:
        w(b"\0")
    else:
        r_reason = v_reason.encode()
        n = len(r_reason) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_reason)
    w(b"\0")


def _read_leave_group_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[LeaveGroupRequest, int]:
    o = _new(LeaveGroupRequest)
    o.members = []
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("LeaveGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("LeaveGroupRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    return o, p


def _write_leave_group_request_v0(o: LeaveGroupRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_h(len(r_member_id)))
    w(r_member_id)


def _read_leave_group_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[LeaveGroupRequest, int]:
    o = _new(LeaveGroupRequest)
    o.member_id = ""
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("LeaveGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 4 > e - p:
        raise bad_length("LeaveGroupRequest.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[MemberIdentity] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_member_identity_v3(b, p, e, c)
        l_members.append(x_members)
    return o, p


def _write_leave_group_request_v3(o: LeaveGroupRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_members = o.members
    w(_pack_i(len(v_members)))
    for x_members in v_members:
        _write_member_identity_v3(x_members, w)


def _read_leave_group_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[LeaveGroupRequest, int]:
    o = _new(LeaveGroupRequest)
    o.member_id = ""
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("LeaveGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("LeaveGroupRequest.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[MemberIdentity] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_member_identity_v4(b, p, e, c)
        l_members.append(x_members)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_leave_group_request_v4(o: LeaveGroupRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_members = o.members
    n = len(v_members) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_members in v_members:
        _write_member_identity_v4(x_members, w)
    w(b"\0")


def _read_leave_group_request_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[LeaveGroupRequest, int]:
    o = _new(LeaveGroupRequest)
    o.member_id = ""
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("LeaveGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("LeaveGroupRequest.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[MemberIdentity] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_member_identity_v5(b, p, e, c)
        l_members.append(x_members)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_leave_group_request_v5(o: LeaveGroupRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_members = o.members
    n = len(v_members) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_members in v_members:
        _write_member_identity_v5(x_members, w)
    w(b"\0")


def _read_member_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[MemberResponse, int]:
    o = _new(MemberResponse)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("MemberResponse.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.group_instance_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("MemberResponse.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    (o.error_code,) = _unpack_h(b, p)
    p += 2
    return o, p


def _write_member_response_v3(o: MemberResponse, w: Write) -> None:
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_h(len(r_member_id)))
    w(r_member_id)
    v_group_instance_id = o.group_instance_id
    if v_group_instance_id is None:
        w(_pack_h(-1))
    else:
        r_group_instance_id = v_group_instance_id.encode()
        w(_pack_h(len(r_group_instance_id)))
        w(r_group_instance_id)
    w(_pack_h(o.error_code))


def _read_member_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[MemberResponse, int]:
    o = _new(MemberResponse)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("MemberResponse.member_id")
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
            raise bad_length("MemberResponse.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_member_response_v4(o: MemberResponse, w: Write) -> None:
    v_member_id = o.member_id
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
    w(_pack_hx(o.error_code))


def _read_leave_group_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[LeaveGroupResponse, int]:
    o = _new(LeaveGroupResponse)
    o.throttle_time_ms = 0
    o.members = []
    (o.error_code,) = _unpack_h(b, p)
    p += 2
    return o, p


def _write_leave_group_response_v0(o: LeaveGroupResponse, w: Write) -> None:
    w(_pack_h(o.error_code))


def _read_leave_group_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[LeaveGroupResponse, int]:
    o = _new(LeaveGroupResponse)
    o.members = []
    o.throttle_time_ms, o.error_code = _unpack_ih(b, p)
    p += 6
    return o, p


def _write_leave_group_response_v1(o: LeaveGroupResponse, w: Write) -> None:
    w(_pack_ih(o.throttle_time_ms, o.error_code))


def _read_leave_group_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[LeaveGroupResponse, int]:
    o = _new(LeaveGroupResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihi(b, p)
    p += 10
    if n < 0 or n * 6 > e - p:
        raise bad_length("LeaveGroupResponse.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[MemberResponse] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_member_response_v3(b, p, e, c)
        l_members.append(x_members)
    return o, p


def _write_leave_group_response_v3(o: LeaveGroupResponse, w: Write) -> None:
    v_members = o.members
    w(_pack_ihi(o.throttle_time_ms, o.error_code, len(v_members)))
    for x_members in v_members:
        _write_member_response_v3(x_members, w)


def _read_leave_group_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[LeaveGroupResponse, int]:
    o = _new(LeaveGroupResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("LeaveGroupResponse.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[MemberResponse] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_member_response_v4(b, p, e, c)
        l_members.append(x_members)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_leave_group_response_v4(o: LeaveGroupResponse, w: Write) -> None:
    v_members = o.members
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_members) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_members in v_members:
        _write_member_response_v4(x_members, w)
    w(b"\0")


LeaveGroupRequest.READERS = {
    0: _read_leave_group_request_v0,
    1: _read_leave_group_request_v0,
    2: _read_leave_group_request_v0,
    3: _read_leave_group_request_v3,
    4: _read_leave_group_request_v4,
    5: _read_leave_group_request_v5,
}

LeaveGroupRequest.WRITERS = {
    0: _write_leave_group_request_v0,
    1: _write_leave_group_request_v0,
    2: _write_leave_group_request_v0,
    3: _write_leave_group_request_v3,
    4: _write_leave_group_request_v4,
    5: _write_leave_group_request_v5,
}

LeaveGroupResponse.READERS = {
    0: _read_leave_group_response_v0,
    1: _read_leave_group_response_v1,
    2: _read_leave_group_response_v1,
    3: _read_leave_group_response_v3,
    4: _read_leave_group_response_v4,
    5: _read_leave_group_response_v4,
}

LeaveGroupResponse.WRITERS = {
    0: _write_leave_group_response_v0,
    1: _write_leave_group_response_v1,
    2: _write_leave_group_response_v1,
    3: _write_leave_group_response_v3,
    4: _write_leave_group_response_v4,
    5: _write_leave_group_response_v4,
}
