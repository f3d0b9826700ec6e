# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""JoinGroup: messages of all versions, with their codec."""

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
_pack_t = Struct_(">?").pack
_pack_h = Struct_(">h").pack
_pack_hih = Struct_(">hih").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ihi = Struct_(">ihi").pack
_pack_ihih = Struct_(">ihih").pack
_pack_ii = Struct_(">ii").pack
_pack_iih = Struct_(">iih").pack
_unpack_tB = Struct_(">?B").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hih = Struct_(">hih").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihiB = Struct_(">ihiB").unpack_from
_unpack_ihih = Struct_(">ihih").unpack_from
_unpack_iiB = Struct_(">iiB").unpack_from
_unpack_iih = Struct_(">iih").unpack_from


class JoinGroupRequestProtocol(Struct):
    """Part of JoinGroupRequest."""

    __slots__ = ("name", "metadata",)
    name: str
    metadata: bytes

    def __init__(
        self,
        *,
        name: str = "",
        metadata: bytes = b"",
    ) -> None:
        self.name = name
        self.metadata = metadata


class JoinGroupRequest(Message):
    """``JoinGroupRequest`` (API key 11), versions 0 to 9."""

    __slots__ = ("group_id", "session_timeout_ms", "rebalance_timeout_ms", "member_id", "group_instance_id", "protocol_type", "protocols", "reason",)
    group_id: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    member_id: str
    group_instance_id: str | None
    protocol_type: str
    protocols: list[JoinGroupRequestProtocol]
    reason: str | None

    API_KEY = 11
    MIN_VERSION = 0
    MAX_VERSION = 9
    FIRST_FLEXIBLE = 6

    def __init__(
        self,
        *,
        group_id: str = "",
        session_timeout_ms: int = 0,
        rebalance_timeout_ms: int = -1,
        member_id: str = "",
        group_instance_id: str | None = None,
        protocol_type: str = "",
        protocols: list[JoinGroupRequestProtocol] = EMPTY,
        reason: str | None = None,
    ) -> None:
        self.group_id = group_id
        self.session_timeout_ms = session_timeout_ms
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.protocol_type = protocol_type
        self.protocols = [] if protocols is EMPTY else protocols
        self.reason = reason


class JoinGroupResponseMember(Struct):
    """Part of JoinGroupResponse."""

    __slots__ = ("member_id", "group_instance_id", "metadata",)
    member_id: str
    group_instance_id: str | None
    metadata: bytes

    def __init__(
        self,
        *,
        member_id: str = "",
        group_instance_id: str | None = None,
        metadata: bytes = b"",
    ) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.metadata = metadata


class JoinGroupResponse(Message):
    """``JoinGroupResponse`` (API key 11), versions 0 to 9."""

    __slots__ = ("throttle_time_ms", "error_code", "generation_id", "protocol_type", "protocol_name", "leader", "skip_assignment", "member_id", "members",)
    throttle_time_ms: int
    error_code: int
    generation_id: int
    protocol_type: str | None
    protocol_name: str | None
    leader: str
    skip_assignment: bool
    member_id: str
    members: list[JoinGroupResponseMember]

    API_KEY = 11
    MIN_VERSION = 0
    MAX_VERSION = 9
    FIRST_FLEXIBLE = 6

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        generation_id: int = -1,
        protocol_type: str | None = None,
        protocol_name: str | None = "",
        leader: str = "",
        skip_assignment: bool = False,
        member_id: str = "",
        members: list[JoinGroupResponseMember] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.generation_id = generation_id
        self.protocol_type = protocol_type
        self.protocol_name = protocol_name
        self.leader = leader
        self.skip_assignment = skip_assignment
        self.member_id = member_id
        self.members = [] if members is EMPTY else members


def _read_join_group_request_protocol_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupRequestProtocol, int]:
    o = _new(JoinGroupRequestProtocol)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupRequestProtocol.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupRequestProtocol.metadata")
    o.metadata = b[p:q]
    p = q
    return o, p


def _write_join_group_request_protocol_v0(o: JoinGroupRequestProtocol, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_metadata = o.metadata
    w(_pack_i(len(v_metadata)))
    w(v_metadata)


def _read_join_group_request_protocol_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupRequestProtocol, int]:
    o = _new(JoinGroupRequestProtocol)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupRequestProtocol.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupRequestProtocol.metadata")
    o.metadata = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_join_group_request_protocol_v6(o: JoinGroupRequestProtocol, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_metadata = o.metadata
    n = len(v_metadata) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_metadata)
    w(b"\0")


def _read_join_group_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupRequest, int]:
    o = _new(JoinGroupRequest)
    o.rebalance_timeout_ms = -1
    o.group_instance_id = None
    o.reason = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.session_timeout_ms, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("JoinGroupRequest.protocols")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_protocols: list[JoinGroupRequestProtocol] = []
    o.protocols = l_protocols
    for _ in range(n):
        x_protocols, p = _read_join_group_request_protocol_v0(b, p, e, c)
        l_protocols.append(x_protocols)
    return o, p


def _write_join_group_request_v0(o: JoinGroupRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_ih(o.session_timeout_ms, len(r_member_id)))
    w(r_member_id)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    w(_pack_h(len(r_protocol_type)))
    w(r_protocol_type)
    v_protocols = o.protocols
    w(_pack_i(len(v_protocols)))
    for x_protocols in v_protocols:
        _write_join_group_request_protocol_v0(x_protocols, w)


def _read_join_group_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupRequest, int]:
    o = _new(JoinGroupRequest)
    o.group_instance_id = None
    o.reason = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.session_timeout_ms, o.rebalance_timeout_ms, n = _unpack_iih(b, p)
    p += 10
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("JoinGroupRequest.protocols")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_protocols: list[JoinGroupRequestProtocol] = []
    o.protocols = l_protocols
    for _ in range(n):
        x_protocols, p = _read_join_group_request_protocol_v0(b, p, e, c)
        l_protocols.append(x_protocols)
    return o, p


def _write_join_group_request_v1(o: JoinGroupRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_iih(o.session_timeout_ms, o.rebalance_timeout_ms, len(r_member_id)))
    w(r_member_id)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    w(_pack_h(len(r_protocol_type)))
    w(r_protocol_type)
    v_protocols = o.protocols
    w(_pack_i(len(v_protocols)))
    for x_protocols in v_protocols:
        _write_join_group_request_protocol_v0(x_protocols, w)


def _read_join_group_request_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupRequest, int]:
    o = _new(JoinGroupRequest)
    o.reason = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.session_timeout_ms, o.rebalance_timeout_ms, n = _unpack_iih(b, p)
    p += 10
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.group_instance_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("JoinGroupRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("JoinGroupRequest.protocols")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_protocols: list[JoinGroupRequestProtocol] = []
    o.protocols = l_protocols
    for _ in range(n):
        x_protocols, p = _read_join_group_request_protocol_v0(b, p, e, c)
        l_protocols.append(x_protocols)
    return o, p


def _write_join_group_request_v5(o: JoinGroupRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_iih(o.session_timeout_ms, o.rebalance_timeout_ms, len(r_member_id)))
    w(r_member_id)
    v_group_instance_id = o.group_instance_id
    if v_group_instance_id is None:
        w(_pack_h(-1))
    else:
        r_group_instance_id = v_group_instance_id.encode()
        w(_pack_h(len(r_group_instance_id)))
        w(r_group_instance_id)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    w(_pack_h(len(r_protocol_type)))
    w(r_protocol_type)
    v_protocols = o.protocols
    w(_pack_i(len(v_protocols)))
    for x_protocols in v_protocols:
        _write_join_group_request_protocol_v0(x_protocols, w)


def _read_join_group_request_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupRequest, int]:
    o = _new(JoinGroupRequest)
    o.reason = None
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.session_timeout_ms, o.rebalance_timeout_ms, n = _unpack_iiB(b, p)
    p += 9
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.member_id")
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
            raise bad_length("JoinGroupRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("JoinGroupRequest.protocols")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_protocols: list[JoinGroupRequestProtocol] = []
    o.protocols = l_protocols
    for _ in range(n):
        x_protocols, p = _read_join_group_request_protocol_v6(b, p, e, c)
        l_protocols.append(x_protocols)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_join_group_request_v6(o: JoinGroupRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_member_id = o.member_id
    w(_pack_ii(o.session_timeout_ms, o.rebalance_timeout_ms))
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
    r_protocol_type = v_protocol_type.encode()
    n = len(r_protocol_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_protocol_type)
    v_protocols = o.protocols
    n = len(v_protocols) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_protocols in v_protocols:
        _write_join_group_request_protocol_v6(x_protocols, w)
    w(b"\0")


def _read_join_group_request_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupRequest, int]:
    o = _new(JoinGroupRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.session_timeout_ms, o.rebalance_timeout_ms, n = _unpack_iiB(b, p)
    p += 9
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.member_id")
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
            raise bad_length("JoinGroupRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupRequest.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("JoinGroupRequest.protocols")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_protocols: list[JoinGroupRequestProtocol] = []
    o.protocols = l_protocols
    for _ in range(n):
        x_protocols, p = _read_join_group_request_protocol_v6(b, p, e, c)
        l_protocols.append(x_protocols)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.reason = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("JoinGroupRequest.reason")
        o.reason = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_join_group_request_v8(o: JoinGroupRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_member_id = o.member_id
    w(_pack_ii(o.session_timeout_ms, o.rebalance_timeout_ms))
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
    r_protocol_type = v_protocol_type.encode()
    n = len(r_protocol_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_protocol_type)
    v_protocols = o.protocols
    n = len(v_protocols) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_protocols in v_protocols:
        _write_join_group_request_protocol_v6(x_protocols, w)
    v_reason = o.reason
    if v_reason is None:
        w(b"\0")
    else:
        r_reason = v_reason.encode()
        n = len(r_reason) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_reason)
    w(b"\0")


def _read_join_group_response_member_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupResponseMember, int]:
    o = _new(JoinGroupResponseMember)
    o.group_instance_id = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponseMember.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponseMember.metadata")
    o.metadata = b[p:q]
    p = q
    return o, p


def _write_join_group_response_member_v0(o: JoinGroupResponseMember, w: Write) -> None:
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_h(len(r_member_id)))
    w(r_member_id)
    v_metadata = o.metadata
    w(_pack_i(len(v_metadata)))
    w(v_metadata)


def _read_join_group_response_member_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupResponseMember, int]:
    o = _new(JoinGroupResponseMember)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponseMember.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.group_instance_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("JoinGroupResponseMember.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponseMember.metadata")
    o.metadata = b[p:q]
    p = q
    return o, p


def _write_join_group_response_member_v5(o: JoinGroupResponseMember, w: Write) -> None:
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
    v_metadata = o.metadata
    w(_pack_i(len(v_metadata)))
    w(v_metadata)


def _read_join_group_response_member_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupResponseMember, int]:
    o = _new(JoinGroupResponseMember)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupResponseMember.member_id")
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
            raise bad_length("JoinGroupResponseMember.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupResponseMember.metadata")
    o.metadata = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_join_group_response_member_v6(o: JoinGroupResponseMember, w: Write) -> None:
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
    v_metadata = o.metadata
    n = len(v_metadata) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_metadata)
    w(b"\0")


def _read_join_group_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupResponse, int]:
    o = _new(JoinGroupResponse)
    o.throttle_time_ms = 0
    o.protocol_type = None
    o.skip_assignment = False
    o.error_code, o.generation_id, n = _unpack_hih(b, p)
    p += 8
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.protocol_name")
    o.protocol_name = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.leader")
    o.leader = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("JoinGroupResponse.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[JoinGroupResponseMember] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_join_group_response_member_v0(b, p, e, c)
        l_members.append(x_members)
    return o, p


def _write_join_group_response_v0(o: JoinGroupResponse, w: Write) -> None:
    v_protocol_name = o.protocol_name
    assert v_protocol_name is not None, "JoinGroupResponse.protocol_name"
    r_protocol_name = v_protocol_name.encode()
    w(_pack_hih(o.error_code, o.generation_id, len(r_protocol_name)))
    w(r_protocol_name)
    v_leader = o.leader
    r_leader = v_leader.encode()
    w(_pack_h(len(r_leader)))
    w(r_leader)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_h(len(r_member_id)))
    w(r_member_id)
    v_members = o.members
    w(_pack_i(len(v_members)))
    for x_members in v_members:
        _write_join_group_response_member_v0(x_members, w)


def _read_join_group_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupResponse, int]:
    o = _new(JoinGroupResponse)
    o.protocol_type = None
    o.skip_assignment = False
    o.throttle_time_ms, o.error_code, o.generation_id, n = _unpack_ihih(b, p)
    p += 12
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.protocol_name")
    o.protocol_name = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.leader")
    o.leader = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("JoinGroupResponse.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[JoinGroupResponseMember] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_join_group_response_member_v0(b, p, e, c)
        l_members.append(x_members)
    return o, p


def _write_join_group_response_v2(o: JoinGroupResponse, w: Write) -> None:
    v_protocol_name = o.protocol_name
    assert v_protocol_name is not None, "JoinGroupResponse.protocol_name"
    r_protocol_name = v_protocol_name.encode()
    w(_pack_ihih(o.throttle_time_ms, o.error_code, o.generation_id, len(r_protocol_name)))
    w(r_protocol_name)
    v_leader = o.leader
    r_leader = v_leader.encode()
    w(_pack_h(len(r_leader)))
    w(r_leader)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_h(len(r_member_id)))
    w(r_member_id)
    v_members = o.members
    w(_pack_i(len(v_members)))
    for x_members in v_members:
        _write_join_group_response_member_v0(x_members, w)


def _read_join_group_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupResponse, int]:
    o = _new(JoinGroupResponse)
    o.protocol_type = None
    o.skip_assignment = False
    o.throttle_time_ms, o.error_code, o.generation_id, n = _unpack_ihih(b, p)
    p += 12
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.protocol_name")
    o.protocol_name = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.leader")
    o.leader = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 8 > e - p:
        raise bad_length("JoinGroupResponse.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[JoinGroupResponseMember] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_join_group_response_member_v5(b, p, e, c)
        l_members.append(x_members)
    return o, p


def _write_join_group_response_v5(o: JoinGroupResponse, w: Write) -> None:
    v_protocol_name = o.protocol_name
    assert v_protocol_name is not None, "JoinGroupResponse.protocol_name"
    r_protocol_name = v_protocol_name.encode()
    w(_pack_ihih(o.throttle_time_ms, o.error_code, o.generation_id, len(r_protocol_name)))
    w(r_protocol_name)
    v_leader = o.leader
    r_leader = v_leader.encode()
    w(_pack_h(len(r_leader)))
    w(r_leader)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_h(len(r_member_id)))
    w(r_member_id)
    v_members = o.members
    w(_pack_i(len(v_members)))
    for x_members in v_members:
        _write_join_group_response_member_v5(x_members, w)


def _read_join_group_response_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupResponse, int]:
    o = _new(JoinGroupResponse)
    o.protocol_type = None
    o.skip_assignment = False
    o.throttle_time_ms, o.error_code, o.generation_id, n = _unpack_ihiB(b, p)
    p += 11
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.protocol_name")
    o.protocol_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.leader")
    o.leader = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.member_id")
    o.member_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("JoinGroupResponse.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[JoinGroupResponseMember] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_join_group_response_member_v6(b, p, e, c)
        l_members.append(x_members)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_join_group_response_v6(o: JoinGroupResponse, w: Write) -> None:
    v_protocol_name = o.protocol_name
    assert v_protocol_name is not None, "JoinGroupResponse.protocol_name"
    w(_pack_ihi(o.throttle_time_ms, o.error_code, o.generation_id))
    r_protocol_name = v_protocol_name.encode()
    n = len(r_protocol_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_protocol_name)
    v_leader = o.leader
    r_leader = v_leader.encode()
    n = len(r_leader) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_leader)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_members = o.members
    n = len(v_members) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_members in v_members:
        _write_join_group_response_member_v6(x_members, w)
    w(b"\0")


def _read_join_group_response_v7(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupResponse, int]:
    o = _new(JoinGroupResponse)
    o.skip_assignment = False
    o.throttle_time_ms, o.error_code, o.generation_id, n = _unpack_ihiB(b, p)
    p += 11
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.protocol_type = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("JoinGroupResponse.protocol_type")
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
            raise bad_length("JoinGroupResponse.protocol_name")
        o.protocol_name = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.leader")
    o.leader = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.member_id")
    o.member_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("JoinGroupResponse.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[JoinGroupResponseMember] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_join_group_response_member_v6(b, p, e, c)
        l_members.append(x_members)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_join_group_response_v7(o: JoinGroupResponse, w: Write) -> None:
    v_protocol_type = o.protocol_type
    w(_pack_ihi(o.throttle_time_ms, o.error_code, o.generation_id))
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
    v_leader = o.leader
    r_leader = v_leader.encode()
    n = len(r_leader) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_leader)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_members = o.members
    n = len(v_members) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_members in v_members:
        _write_join_group_response_member_v6(x_members, w)
    w(b"\0")


def _read_join_group_response_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[JoinGroupResponse, int]:
    o = _new(JoinGroupResponse)
    o.throttle_time_ms, o.error_code, o.generation_id, n = _unpack_ihiB(b, p)
    p += 11
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.protocol_type = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("JoinGroupResponse.protocol_type")
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
            raise bad_length("JoinGroupResponse.protocol_name")
        o.protocol_name = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.leader")
    o.leader = b[p:q].decode()
    p = q
    o.skip_assignment, n = _unpack_tB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("JoinGroupResponse.member_id")
    o.member_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("JoinGroupResponse.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[JoinGroupResponseMember] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_join_group_response_member_v6(b, p, e, c)
        l_members.append(x_members)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_join_group_response_v9(o: JoinGroupResponse, w: Write) -> None:
    v_protocol_type = o.protocol_type
    w(_pack_ihi(o.throttle_time_ms, o.error_code, o.generation_id))
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
    v_leader = o.leader
    r_leader = v_leader.encode()
    n = len(r_leader) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_leader)
    v_member_id = o.member_id
    w(_pack_t(o.skip_assignment))
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_members = o.members
    n = len(v_members) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_members in v_members:
        _write_join_group_response_member_v6(x_members, w)
    w(b"\0")


JoinGroupRequest.READERS = {
    0: _read_join_group_request_v0,
    1: _read_join_group_request_v1,
    2: _read_join_group_request_v1,
    3: _read_join_group_request_v1,
    4: _read_join_group_request_v1,
    5: _read_join_group_request_v5,
    6: _read_join_group_request_v6,
    7: _read_join_group_request_v6,
    8: _read_join_group_request_v8,
    9: _read_join_group_request_v8,
}

JoinGroupRequest.WRITERS = {
    0: _write_join_group_request_v0,
    1: _write_join_group_request_v1,
    2: _write_join_group_request_v1,
    3: _write_join_group_request_v1,
    4: _write_join_group_request_v1,
    5: _write_join_group_request_v5,
    6: _write_join_group_request_v6,
    7: _write_join_group_request_v6,
    8: _write_join_group_request_v8,
    9: _write_join_group_request_v8,
}

JoinGroupResponse.READERS = {
    0: _read_join_group_response_v0,
    1: _read_join_group_response_v0,
    2: _read_join_group_response_v2,
    3: _read_join_group_response_v2,
    4: _read_join_group_response_v2,
    5: _read_join_group_response_v5,
    6: _read_join_group_response_v6,
    7: _read_join_group_response_v7,
    8: _read_join_group_response_v7,
    9: _read_join_group_response_v9,
}

JoinGroupResponse.WRITERS = {
    0: _write_join_group_response_v0,
    1: _write_join_group_response_v0,
    2: _write_join_group_response_v2,
    3: _write_join_group_response_v2,
    4: _write_join_group_response_v2,
    5: _write_join_group_response_v5,
    6: _write_join_group_response_v6,
    7: _write_join_group_response_v7,
    8: _write_join_group_response_v7,
    9: _write_join_group_response_v9,
}
