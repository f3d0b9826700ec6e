# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeGroups: messages of all versions, with their codec."""

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
_pack_tx = Struct_(">?x").pack
_pack_h = Struct_(">h").pack
_pack_hh = Struct_(">hh").pack
_pack_i = Struct_(">i").pack
_pack_ii = Struct_(">ii").pack
_pack_ix = Struct_(">ix").pack
_unpack_t = Struct_(">?").unpack_from
_unpack_tB = Struct_(">?B").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hh = Struct_(">hh").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class DescribeGroupsRequest(Message):
    """``DescribeGroupsRequest`` (API key 15), versions 0 to 6."""

    __slots__ = ("groups", "include_authorized_operations",)
    groups: list[str]
    include_authorized_operations: bool

    API_KEY = 15
    MIN_VERSION = 0
    MAX_VERSION = 6
    FIRST_FLEXIBLE = 5

    def __init__(
        self,
        *,
        groups: list[str] = EMPTY,
        include_authorized_operations: bool = False,
    ) -> None:
        self.groups = [] if groups is EMPTY else groups
        self.include_authorized_operations = include_authorized_operations


class DescribedGroupMember(Struct):
    """Part of DescribeGroupsResponse."""

    __slots__ = ("member_id", "group_instance_id", "client_id", "client_host", "member_metadata", "member_assignment",)
    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    member_metadata: bytes
    member_assignment: bytes

    def __init__(
        self,
        *,
        member_id: str = "",
        group_instance_id: str | None = None,
        client_id: str = "",
        client_host: str = "",
        member_metadata: bytes = b"",
        member_assignment: bytes = b"",
    ) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.client_id = client_id
        self.client_host = client_host
        self.member_metadata = member_metadata
        self.member_assignment = member_assignment


class DescribedGroup(Struct):
    """Part of DescribeGroupsResponse."""

    __slots__ = ("error_code", "error_message", "group_id", "group_state", "protocol_type", "protocol_data", "members", "authorized_operations",)
    error_code: int
    error_message: str | None
    group_id: str
    group_state: str
    protocol_type: str
    protocol_data: str
    members: list[DescribedGroupMember]
    authorized_operations: int

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = None,
        group_id: str = "",
        group_state: str = "",
        protocol_type: str = "",
        protocol_data: str = "",
        members: list[DescribedGroupMember] = EMPTY,
        authorized_operations: int = -2147483648,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.group_id = group_id
        self.group_state = group_state
        self.protocol_type = protocol_type
        self.protocol_data = protocol_data
        self.members = [] if members is EMPTY else members
        self.authorized_operations = authorized_operations


class DescribeGroupsResponse(Message):
    """``DescribeGroupsResponse`` (API key 15), versions 0 to 6."""

    __slots__ = ("throttle_time_ms", "groups",)
    throttle_time_ms: int
    groups: list[DescribedGroup]

    API_KEY = 15
    MIN_VERSION = 0
    MAX_VERSION = 6
    FIRST_FLEXIBLE = 5

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        groups: list[DescribedGroup] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.groups = [] if groups is EMPTY else groups


def _read_describe_groups_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeGroupsRequest, int]:
    o = _new(DescribeGroupsRequest)
    o.include_authorized_operations = False
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 2 > e - p:
        raise bad_length("DescribeGroupsRequest.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[str] = []
    o.groups = l_groups
    for _ in range(n):
        (n,) = _unpack_h(b, p)
        p += 2
        q = p + n
        if not p <= q <= e:
            raise bad_length("DescribeGroupsRequest.groups")
        l_groups.append(b[p:q].decode())
        p = q
    return o, p


def _write_describe_groups_request_v0(o: DescribeGroupsRequest, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(len(v_groups)))
    for x_groups in v_groups:
        r_groups = x_groups.encode()
        w(_pack_h(len(r_groups)))
        w(r_groups)


def _read_describe_groups_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeGroupsRequest, int]:
    o = _new(DescribeGroupsRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 2 > e - p:
        raise bad_length("DescribeGroupsRequest.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[str] = []
    o.groups = l_groups
    for _ in range(n):
        (n,) = _unpack_h(b, p)
        p += 2
        q = p + n
        if not p <= q <= e:
            raise bad_length("DescribeGroupsRequest.groups")
        l_groups.append(b[p:q].decode())
        p = q
    (o.include_authorized_operations,) = _unpack_t(b, p)
    p += 1
    return o, p


def _write_describe_groups_request_v3(o: DescribeGroupsRequest, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(len(v_groups)))
    for x_groups in v_groups:
        r_groups = x_groups.encode()
        w(_pack_h(len(r_groups)))
        w(r_groups)
    w(_pack_t(o.include_authorized_operations))


def _read_describe_groups_request_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeGroupsRequest, int]:
    o = _new(DescribeGroupsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("DescribeGroupsRequest.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[str] = []
    o.groups = l_groups
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("DescribeGroupsRequest.groups")
        l_groups.append(b[p:q].decode())
        p = q
    o.include_authorized_operations, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_groups_request_v5(o: DescribeGroupsRequest, w: Write) -> None:
    v_groups = o.groups
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        r_groups = x_groups.encode()
        n = len(r_groups) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_groups)
    w(_pack_tx(o.include_authorized_operations))


def _read_described_group_member_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedGroupMember, int]:
    o = _new(DescribedGroupMember)
    o.group_instance_id = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.client_id")
    o.client_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.client_host")
    o.client_host = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.member_metadata")
    o.member_metadata = b[p:q]
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.member_assignment")
    o.member_assignment = b[p:q]
    p = q
    return o, p


def _write_described_group_member_v0(o: DescribedGroupMember, w: Write) -> None:
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_h(len(r_member_id)))
    w(r_member_id)
    v_client_id = o.client_id
    r_client_id = v_client_id.encode()
    w(_pack_h(len(r_client_id)))
    w(r_client_id)
    v_client_host = o.client_host
    r_client_host = v_client_host.encode()
    w(_pack_h(len(r_client_host)))
    w(r_client_host)
    v_member_metadata = o.member_metadata
    w(_pack_i(len(v_member_metadata)))
    w(v_member_metadata)
    v_member_assignment = o.member_assignment
    w(_pack_i(len(v_member_assignment)))
    w(v_member_assignment)


def _read_described_group_member_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedGroupMember, int]:
    o = _new(DescribedGroupMember)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.group_instance_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribedGroupMember.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.client_id")
    o.client_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.client_host")
    o.client_host = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.member_metadata")
    o.member_metadata = b[p:q]
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.member_assignment")
    o.member_assignment = b[p:q]
    p = q
    return o, p


def _write_described_group_member_v4(o: DescribedGroupMember, w: Write) -> None:
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
    v_client_id = o.client_id
    r_client_id = v_client_id.encode()
    w(_pack_h(len(r_client_id)))
    w(r_client_id)
    v_client_host = o.client_host
    r_client_host = v_client_host.encode()
    w(_pack_h(len(r_client_host)))
    w(r_client_host)
    v_member_metadata = o.member_metadata
    w(_pack_i(len(v_member_metadata)))
    w(v_member_metadata)
    v_member_assignment = o.member_assignment
    w(_pack_i(len(v_member_assignment)))
    w(v_member_assignment)


def _read_described_group_member_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedGroupMember, int]:
    o = _new(DescribedGroupMember)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.member_id")
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
            raise bad_length("DescribedGroupMember.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.client_id")
    o.client_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.client_host")
    o.client_host = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.member_metadata")
    o.member_metadata = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroupMember.member_assignment")
    o.member_assignment = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_described_group_member_v5(o: DescribedGroupMember, w: Write) -> None:
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
    v_client_id = o.client_id
    r_client_id = v_client_id.encode()
    n = len(r_client_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_client_id)
    v_client_host = o.client_host
    r_client_host = v_client_host.encode()
    n = len(r_client_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_client_host)
    v_member_metadata = o.member_metadata
    n = len(v_member_metadata) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_member_metadata)
    v_member_assignment = o.member_assignment
    n = len(v_member_assignment) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_member_assignment)
    w(b"\0")


def _read_described_group_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedGroup, int]:
    o = _new(DescribedGroup)
    o.error_message = None
    o.authorized_operations = -2147483648
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_state")
    o.group_state = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.protocol_data")
    o.protocol_data = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 14 > e - p:
        raise bad_length("DescribedGroup.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[DescribedGroupMember] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_described_group_member_v0(b, p, e, c)
        l_members.append(x_members)
    return o, p


def _write_described_group_v0(o: DescribedGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_hh(o.error_code, len(r_group_id)))
    w(r_group_id)
    v_group_state = o.group_state
    r_group_state = v_group_state.encode()
    w(_pack_h(len(r_group_state)))
    w(r_group_state)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    w(_pack_h(len(r_protocol_type)))
    w(r_protocol_type)
    v_protocol_data = o.protocol_data
    r_protocol_data = v_protocol_data.encode()
    w(_pack_h(len(r_protocol_data)))
    w(r_protocol_data)
    v_members = o.members
    w(_pack_i(len(v_members)))
    for x_members in v_members:
        _write_described_group_member_v0(x_members, w)


def _read_described_group_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedGroup, int]:
    o = _new(DescribedGroup)
    o.error_message = None
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_state")
    o.group_state = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.protocol_data")
    o.protocol_data = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 14 > e - p:
        raise bad_length("DescribedGroup.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[DescribedGroupMember] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_described_group_member_v0(b, p, e, c)
        l_members.append(x_members)
    (o.authorized_operations,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_described_group_v3(o: DescribedGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_hh(o.error_code, len(r_group_id)))
    w(r_group_id)
    v_group_state = o.group_state
    r_group_state = v_group_state.encode()
    w(_pack_h(len(r_group_state)))
    w(r_group_state)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    w(_pack_h(len(r_protocol_type)))
    w(r_protocol_type)
    v_protocol_data = o.protocol_data
    r_protocol_data = v_protocol_data.encode()
    w(_pack_h(len(r_protocol_data)))
    w(r_protocol_data)
    v_members = o.members
    w(_pack_i(len(v_members)))
    for x_members in v_members:
        _write_described_group_member_v0(x_members, w)
    w(_pack_i(o.authorized_operations))


def _read_described_group_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedGroup, int]:
    o = _new(DescribedGroup)
    o.error_message = None
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_state")
    o.group_state = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedGroup.protocol_data")
    o.protocol_data = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 16 > e - p:
        raise bad_length("DescribedGroup.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[DescribedGroupMember] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_described_group_member_v4(b, p, e, c)
        l_members.append(x_members)
    (o.authorized_operations,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_described_group_v4(o: DescribedGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_hh(o.error_code, len(r_group_id)))
    w(r_group_id)
    v_group_state = o.group_state
    r_group_state = v_group_state.encode()
    w(_pack_h(len(r_group_state)))
    w(r_group_state)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    w(_pack_h(len(r_protocol_type)))
    w(r_protocol_type)
    v_protocol_data = o.protocol_data
    r_protocol_data = v_protocol_data.encode()
    w(_pack_h(len(r_protocol_data)))
    w(r_protocol_data)
    v_members = o.members
    w(_pack_i(len(v_members)))
    for x_members in v_members:
        _write_described_group_member_v4(x_members, w)
    w(_pack_i(o.authorized_operations))


def _read_described_group_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedGroup, int]:
    o = _new(DescribedGroup)
    o.error_message = None
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_state")
    o.group_state = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.protocol_data")
    o.protocol_data = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 7 > e - p:
        raise bad_length("DescribedGroup.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[DescribedGroupMember] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_described_group_member_v5(b, p, e, c)
        l_members.append(x_members)
    o.authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_described_group_v5(o: DescribedGroup, w: Write) -> None:
    v_group_id = o.group_id
    w(_pack_h(o.error_code))
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_group_state = o.group_state
    r_group_state = v_group_state.encode()
    n = len(r_group_state) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_state)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    n = len(r_protocol_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_protocol_type)
    v_protocol_data = o.protocol_data
    r_protocol_data = v_protocol_data.encode()
    n = len(r_protocol_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_protocol_data)
    v_members = o.members
    n = len(v_members) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_members in v_members:
        _write_described_group_member_v5(x_members, w)
    w(_pack_ix(o.authorized_operations))


def _read_described_group_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedGroup, int]:
    o = _new(DescribedGroup)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribedGroup.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_state")
    o.group_state = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.protocol_data")
    o.protocol_data = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 7 > e - p:
        raise bad_length("DescribedGroup.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[DescribedGroupMember] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_described_group_member_v5(b, p, e, c)
        l_members.append(x_members)
    o.authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_described_group_v6(o: DescribedGroup, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_group_state = o.group_state
    r_group_state = v_group_state.encode()
    n = len(r_group_state) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_state)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    n = len(r_protocol_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_protocol_type)
    v_protocol_data = o.protocol_data
    r_protocol_data = v_protocol_data.encode()
    n = len(r_protocol_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_protocol_data)
    v_members = o.members
    n = len(v_members) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_members in v_members:
        _write_described_group_member_v5(x_members, w)
    w(_pack_ix(o.authorized_operations))


def _read_describe_groups_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeGroupsResponse, int]:
    o = _new(DescribeGroupsResponse)
    o.throttle_time_ms = 0
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 14 > e - p:
        raise bad_length("DescribeGroupsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[DescribedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_described_group_v0(b, p, e, c)
        l_groups.append(x_groups)
    return o, p


def _write_describe_groups_response_v0(o: DescribeGroupsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(len(v_groups)))
    for x_groups in v_groups:
        _write_described_group_v0(x_groups, w)


def _read_describe_groups_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeGroupsResponse, int]:
    o = _new(DescribeGroupsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 14 > e - p:
        raise bad_length("DescribeGroupsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[DescribedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_described_group_v0(b, p, e, c)
        l_groups.append(x_groups)
    return o, p


def _write_describe_groups_response_v1(o: DescribeGroupsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_ii(o.throttle_time_ms, len(v_groups)))
    for x_groups in v_groups:
        _write_described_group_v0(x_groups, w)


def _read_describe_groups_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeGroupsResponse, int]:
    o = _new(DescribeGroupsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 18 > e - p:
        raise bad_length("DescribeGroupsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[DescribedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_described_group_v3(b, p, e, c)
        l_groups.append(x_groups)
    return o, p


def _write_describe_groups_response_v3(o: DescribeGroupsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_ii(o.throttle_time_ms, len(v_groups)))
    for x_groups in v_groups:
        _write_described_group_v3(x_groups, w)


def _read_describe_groups_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeGroupsResponse, int]:
    o = _new(DescribeGroupsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 18 > e - p:
        raise bad_length("DescribeGroupsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[DescribedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_described_group_v4(b, p, e, c)
        l_groups.append(x_groups)
    return o, p


def _write_describe_groups_response_v4(o: DescribeGroupsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_ii(o.throttle_time_ms, len(v_groups)))
    for x_groups in v_groups:
        _write_described_group_v4(x_groups, w)


def _read_describe_groups_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeGroupsResponse, int]:
    o = _new(DescribeGroupsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 12 > e - p:
        raise bad_length("DescribeGroupsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[DescribedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_described_group_v5(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_groups_response_v5(o: DescribeGroupsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(o.throttle_time_ms))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_described_group_v5(x_groups, w)
    w(b"\0")


def _read_describe_groups_response_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeGroupsResponse, int]:
    o = _new(DescribeGroupsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 13 > e - p:
        raise bad_length("DescribeGroupsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[DescribedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_described_group_v6(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_groups_response_v6(o: DescribeGroupsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(o.throttle_time_ms))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_described_group_v6(x_groups, w)
    w(b"\0")


DescribeGroupsRequest.READERS = {
    0: _read_describe_groups_request_v0,
    1: _read_describe_groups_request_v0,
    2: _read_describe_groups_request_v0,
    3: _read_describe_groups_request_v3,
    4: _read_describe_groups_request_v3,
    5: _read_describe_groups_request_v5,
    6: _read_describe_groups_request_v5,
}

DescribeGroupsRequest.WRITERS = {
    0: _write_describe_groups_request_v0,
    1: _write_describe_groups_request_v0,
    2: _write_describe_groups_request_v0,
    3: _write_describe_groups_request_v3,
    4: _write_describe_groups_request_v3,
    5: _write_describe_groups_request_v5,
    6: _write_describe_groups_request_v5,
}

DescribeGroupsResponse.READERS = {
    0: _read_describe_groups_response_v0,
    1: _read_describe_groups_response_v1,
    2: _read_describe_groups_response_v1,
    3: _read_describe_groups_response_v3,
    4: _read_describe_groups_response_v4,
    5: _read_describe_groups_response_v5,
    6: _read_describe_groups_response_v6,
}

DescribeGroupsResponse.WRITERS = {
    0: _write_describe_groups_response_v0,
    1: _write_describe_groups_response_v1,
    2: _write_describe_groups_response_v1,
    3: _write_describe_groups_response_v3,
    4: _write_describe_groups_response_v4,
    5: _write_describe_groups_response_v5,
    6: _write_describe_groups_response_v6,
}
