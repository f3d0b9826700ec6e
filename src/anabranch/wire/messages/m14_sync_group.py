# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""SyncGroup: messages of all versions, with their codec."""

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
_pack_hi = Struct_(">hi").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ihi = Struct_(">ihi").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_hi = Struct_(">hi").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ihi = Struct_(">ihi").unpack_from


class SyncGroupRequestAssignment(Struct):
    """Part of SyncGroupRequest."""

    __slots__ = ("member_id", "assignment",)
    member_id: str
    assignment: bytes

    def __init__(
        self,
        *,
        member_id: str = "",
        assignment: bytes = b"",
    ) -> None:
        self.member_id = member_id
        self.assignment = assignment


class SyncGroupRequest(Message):
    """``SyncGroupRequest`` (API key 14), versions 0 to 5."""

    __slots__ = ("group_id", "generation_id", "member_id", "group_instance_id", "protocol_type", "protocol_name", "assignments",)
    group_id: str
    generation_id: int
    member_id: str
    group_instance_id: str | None
    protocol_type: str | None
    protocol_name: str | None
    assignments: list[SyncGroupRequestAssignment]

    API_KEY = 14
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        group_id: str = "",
        generation_id: int = 0,
        member_id: str = "",
        group_instance_id: str | None = None,
        protocol_type: str | None = None,
        protocol_name: str | None = None,
        assignments: list[SyncGroupRequestAssignment] = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.generation_id = generation_id
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.protocol_type = protocol_type
        self.protocol_name = protocol_name
        self.assignments = [] if assignments is EMPTY else assignments


class SyncGroupResponse(Message):
    """``SyncGroupResponse`` (API key 14), versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "protocol_type", "protocol_name", "assignment",)
    throttle_time_ms: int
    error_code: int
    protocol_type: str | None
    protocol_name: str | None
    assignment: bytes

    API_KEY = 14
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        protocol_type: str | None = None,
        protocol_name: str | None = None,
        assignment: bytes = b"",
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.protocol_type = protocol_type
        self.protocol_name = protocol_name
        self.assignment = assignment


def _read_sync_group_request_assignment_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[SyncGroupRequestAssignment, int]:
    o = _new(SyncGroupRequestAssignment)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("SyncGroupRequestAssignment.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("SyncGroupRequestAssignment.assignment")
    o.assignment = b[p:q]
    p = q
    return o, p


def _write_sync_group_request_assignment_v0(o: SyncGroupRequestAssignment, w: Write) -> None:
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_h(len(r_member_id)))
    w(r_member_id)
    v_assignment = o.assignment
    w(_pack_i(len(v_assignment)))
    w(v_assignment)


def _read_sync_group_request_assignment_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[SyncGroupRequestAssignment, int]:
    o = _new(SyncGroupRequestAssignment)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("SyncGroupRequestAssignment.member_id")
    o.member_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("SyncGroupRequestAssignment.assignment")
    o.assignment = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_sync_group_request_assignment_v4(o: SyncGroupRequestAssignment, w: Write) -> None:
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_assignment = o.assignment
    n = len(v_assignment) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_assignment)
    w(b"\0")


def _read_sync_group_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[SyncGroupRequest, int]:
    o = _new(SyncGroupRequest)
    o.group_instance_id = None
    o.protocol_type = None
    o.protocol_name = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("SyncGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("SyncGroupRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("SyncGroupRequest.assignments")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_assignments: list[SyncGroupRequestAssignment] = []
    o.assignments = l_assignments
    for _ in range(n):
        x_assignments, p = _read_sync_group_request_assignment_v0(b, p, e, c)
        l_assignments.append(x_assignments)
    return o, p


def _write_sync_group_request_v0(o: SyncGroupRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_ih(o.generation_id, len(r_member_id)))
    w(r_member_id)
    v_assignments = o.assignments
    w(_pack_i(len(v_assignments)))
    for x_assignments in v_assignments:
        _write_sync_group_request_assignment_v0(x_assignments, w)


def _read_sync_group_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[SyncGroupRequest, int]:
    o = _new(SyncGroupRequest)
    o.protocol_type = None
    o.protocol_name = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("SyncGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("SyncGroupRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.group_instance_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("SyncGroupRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("SyncGroupRequest.assignments")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_assignments: list[SyncGroupRequestAssignment] = []
    o.assignments = l_assignments
    for _ in range(n):
        x_assignments, p = _read_sync_group_request_assignment_v0(b, p, e, c)
        l_assignments.append(x_assignments)
    return o, p


def _write_sync_group_request_v3(o: SyncGroupRequest, w: Write) -> None:
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
    v_assignments = o.assignments
    w(_pack_i(len(v_assignments)))
    for x_assignments in v_assignments:
        _write_sync_group_request_assignment_v0(x_assignments, w)


def _read_sync_group_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[SyncGroupRequest, int]:
    o = _new(SyncGroupRequest)
    o.protocol_type = None
    o.protocol_name = None
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("SyncGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("SyncGroupRequest.member_id")
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
            raise bad_length("SyncGroupRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("SyncGroupRequest.assignments")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_assignments: list[SyncGroupRequestAssignment] = []
    o.assignments = l_assignments
    for _ in range(n):
        x_assignments, p = _read_sync_group_request_assignment_v4(b, p, e, c)
        l_assignments.append(x_assignments)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_sync_group_request_v4(o: SyncGroupRequest, w: Write) -> None:
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
    v_assignments = o.assignments
    n = len(v_assignments) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_assignments in v_assignments:
        _write_sync_group_request_assignment_v4(x_assignments, w)
    w(b"\0")


def _read_sync_group_request_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[SyncGroupRequest, int]:
    o = _new(SyncGroupRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("SyncGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("SyncGroupRequest.member_id")
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
            raise bad_length("SyncGroupRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.protocol_type = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("SyncGroupRequest.protocol_type")
        o.protocol_type = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.protocol_name = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("SyncGroupRequest.protocol_name")
        o.protocol_name = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("SyncGroupRequest.assignments")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_assignments: list[SyncGroupRequestAssignment] = []
    o.assignments = l_assignments
    for _ in range(n):
        x_assignments, p = _read_sync_group_request_assignment_v4(b, p, e, c)
        l_assignments.append(x_assignments)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_sync_group_request_v5(o: SyncGroupRequest, w: Write) -> None:
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
    v_protocol_type = o.protocol_type
    if v_protocol_type is None:
        w(b"\0")
    else:
        r_protocol_type = v_protocol_type.encode()
        n = len(r_protocol_type) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_protocol_type)
    v_protocol_name = o.protocol_name
    if v_protocol_name is None:
        w(b"\0")
    else:
        r_protocol_name = v_protocol_name.encode()
        n = len(r_protocol_name) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_protocol_name)
    v_assignments = o.assignments
    n = len(v_assignments) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_assignments in v_assignments:
        _write_sync_group_request_assignment_v4(x_assignments, w)
    w(b"\0")


def _read_sync_group_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[SyncGroupResponse, int]:
    o = _new(SyncGroupResponse)
    o.throttle_time_ms = 0
    o.protocol_type = None
    o.protocol_name = None
    o.error_code, n = _unpack_hi(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("SyncGroupResponse.assignment")
    o.assignment = b[p:q]
    p = q
    return o, p


def _write_sync_group_response_v0(o: SyncGroupResponse, w: Write) -> None:
    v_assignment = o.assignment
    w(_pack_hi(o.error_code, len(v_assignment)))
    w(v_assignment)


def _read_sync_group_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[SyncGroupResponse, int]:
    o = _new(SyncGroupResponse)
    o.protocol_type = None
    o.protocol_name = None
    o.throttle_time_ms, o.error_code, n = _unpack_ihi(b, p)
    p += 10
    q = p + n
    if not p <= q <= e:
        raise bad_length("SyncGroupResponse.assignment")
    o.assignment = b[p:q]
    p = q
    return o, p


def _write_sync_group_response_v1(o: SyncGroupResponse, w: Write) -> None:
    v_assignment = o.assignment
    w(_pack_ihi(o.throttle_time_ms, o.error_code, len(v_assignment)))
    w(v_assignment)


def _read_sync_group_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[SyncGroupResponse, int]:
    o = _new(SyncGroupResponse)
    o.protocol_type = None
    o.protocol_name = None
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("SyncGroupResponse.assignment")
    o.assignment = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_sync_group_response_v4(o: SyncGroupResponse, w: Write) -> None:
    v_assignment = o.assignment
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_assignment) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_assignment)
    w(b"\0")


def _read_sync_group_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[SyncGroupResponse, int]:
    o = _new(SyncGroupResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.protocol_type = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("SyncGroupResponse.protocol_type")
        o.protocol_type = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.protocol_name = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("SyncGroupResponse.protocol_name")
        o.protocol_name = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("SyncGroupResponse.assignment")
    o.assignment = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_sync_group_response_v5(o: SyncGroupResponse, w: Write) -> None:
    v_protocol_type = o.protocol_type
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_protocol_type is None:
        w(b"\0")
    else:
        r_protocol_type = v_protocol_type.encode()
        n = len(r_protocol_type) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_protocol_type)
    v_protocol_name = o.protocol_name
    if v_protocol_name is None:
        w(b"\0")
    else:
        r_protocol_name = v_protocol_name.encode()
        n = len(r_protocol_name) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_protocol_name)
    v_assignment = o.assignment
    n = len(v_assignment) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_assignment)
    w(b"\0")


SyncGroupRequest.READERS = {
    0: _read_sync_group_request_v0,
    1: _read_sync_group_request_v0,
    2: _read_sync_group_request_v0,
    3: _read_sync_group_request_v3,
    4: _read_sync_group_request_v4,
    5: _read_sync_group_request_v5,
}

SyncGroupRequest.WRITERS = {
    0: _write_sync_group_request_v0,
    1: _write_sync_group_request_v0,
    2: _write_sync_group_request_v0,
    3: _write_sync_group_request_v3,
    4: _write_sync_group_request_v4,
    5: _write_sync_group_request_v5,
}

SyncGroupResponse.READERS = {
    0: _read_sync_group_response_v0,
    1: _read_sync_group_response_v1,
    2: _read_sync_group_response_v1,
    3: _read_sync_group_response_v1,
    4: _read_sync_group_response_v4,
    5: _read_sync_group_response_v5,
}

SyncGroupResponse.WRITERS = {
    0: _write_sync_group_response_v0,
    1: _write_sync_group_response_v1,
    2: _write_sync_group_response_v1,
    3: _write_sync_group_response_v1,
    4: _write_sync_group_response_v4,
    5: _write_sync_group_response_v5,
}
