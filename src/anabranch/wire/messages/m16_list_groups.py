# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ListGroups: messages of all versions, with their codec."""

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
_pack_ih = Struct_(">ih").pack
_pack_ihi = Struct_(">ihi").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_hi = Struct_(">hi").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ihi = Struct_(">ihi").unpack_from


class ListGroupsRequest(Message):
    """``ListGroupsRequest`` (API key 16), versions 0 to 5."""

    __slots__ = ("states_filter", "types_filter",)
    states_filter: list[str]
    types_filter: list[str]

    API_KEY = 16
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        states_filter: list[str] = EMPTY,
        types_filter: list[str] = EMPTY,
    ) -> None:
        self.states_filter = [] if states_filter is EMPTY else states_filter
        self.types_filter = [] if types_filter is EMPTY else types_filter


class ListedGroup(Struct):
    """Part of ListGroupsResponse."""

    __slots__ = ("group_id", "protocol_type", "group_state", "group_type",)
    group_id: str
    protocol_type: str
    group_state: str
    group_type: str

    def __init__(
        self,
        *,
        group_id: str = "",
        protocol_type: str = "",
        group_state: str = "",
        group_type: str = "",
    ) -> None:
        self.group_id = group_id
        self.protocol_type = protocol_type
        self.group_state = group_state
        self.group_type = group_type


class ListGroupsResponse(Message):
    """``ListGroupsResponse`` (API key 16), versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "groups",)
    throttle_time_ms: int
    error_code: int
    groups: list[ListedGroup]

    API_KEY = 16
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        groups: list[ListedGroup] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.groups = [] if groups is EMPTY else groups


def _read_list_groups_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListGroupsRequest, int]:
    o = _new(ListGroupsRequest)
    o.states_filter = []
    o.types_filter = []
    return o, p


def _write_list_groups_request_v0(o: ListGroupsRequest, w: Write) -> None:
    return


def _read_list_groups_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListGroupsRequest, int]:
    o = _new(ListGroupsRequest)
    o.states_filter = []
    o.types_filter = []
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_groups_request_v3(o: ListGroupsRequest, w: Write) -> None:
    w(b"\0")


def _read_list_groups_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListGroupsRequest, int]:
    o = _new(ListGroupsRequest)
    o.types_filter = []
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("ListGroupsRequest.states_filter")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_states_filter: list[str] = []
    o.states_filter = l_states_filter
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("ListGroupsRequest.states_filter")
        l_states_filter.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_groups_request_v4(o: ListGroupsRequest, w: Write) -> None:
    v_states_filter = o.states_filter
    n = len(v_states_filter) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_states_filter in v_states_filter:
        r_states_filter = x_states_filter.encode()
        n = len(r_states_filter) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_states_filter)
    w(b"\0")


def _read_list_groups_request_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListGroupsRequest, int]:
    o = _new(ListGroupsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("ListGroupsRequest.states_filter")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_states_filter: list[str] = []
    o.states_filter = l_states_filter
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("ListGroupsRequest.states_filter")
        l_states_filter.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("ListGroupsRequest.types_filter")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_types_filter: list[str] = []
    o.types_filter = l_types_filter
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("ListGroupsRequest.types_filter")
        l_types_filter.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_groups_request_v5(o: ListGroupsRequest, w: Write) -> None:
    v_states_filter = o.states_filter
    n = len(v_states_filter) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_states_filter in v_states_filter:
        r_states_filter = x_states_filter.encode()
        n = len(r_states_filter) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_states_filter)
    v_types_filter = o.types_filter
    n = len(v_types_filter) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_types_filter in v_types_filter:
        r_types_filter = x_types_filter.encode()
        n = len(r_types_filter) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_types_filter)
    w(b"\0")


def _read_listed_group_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListedGroup, int]:
    o = _new(ListedGroup)
    o.group_state = ""
    o.group_type = ""
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("ListedGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("ListedGroup.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    return o, p


def _write_listed_group_v0(o: ListedGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    w(_pack_h(len(r_protocol_type)))
    w(r_protocol_type)


def _read_listed_group_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListedGroup, int]:
    o = _new(ListedGroup)
    o.group_state = ""
    o.group_type = ""
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListedGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListedGroup.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_listed_group_v3(o: ListedGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    n = len(r_protocol_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_protocol_type)
    w(b"\0")


def _read_listed_group_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListedGroup, int]:
    o = _new(ListedGroup)
    o.group_type = ""
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListedGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListedGroup.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListedGroup.group_state")
    o.group_state = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_listed_group_v4(o: ListedGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    n = len(r_protocol_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_protocol_type)
    v_group_state = o.group_state
    r_group_state = v_group_state.encode()
    n = len(r_group_state) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_state)
    w(b"\0")


def _read_listed_group_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListedGroup, int]:
    o = _new(ListedGroup)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListedGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListedGroup.protocol_type")
    o.protocol_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListedGroup.group_state")
    o.group_state = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ListedGroup.group_type")
    o.group_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_listed_group_v5(o: ListedGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_protocol_type = o.protocol_type
    r_protocol_type = v_protocol_type.encode()
    n = len(r_protocol_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_protocol_type)
    v_group_state = o.group_state
    r_group_state = v_group_state.encode()
    n = len(r_group_state) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_state)
    v_group_type = o.group_type
    r_group_type = v_group_type.encode()
    n = len(r_group_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_type)
    w(b"\0")


def _read_list_groups_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListGroupsResponse, int]:
    o = _new(ListGroupsResponse)
    o.throttle_time_ms = 0
    o.error_code, n = _unpack_hi(b, p)
    p += 6
    if n < 0 or n * 4 > e - p:
        raise bad_length("ListGroupsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[ListedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_listed_group_v0(b, p, e, c)
        l_groups.append(x_groups)
    return o, p


def _write_list_groups_response_v0(o: ListGroupsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_hi(o.error_code, len(v_groups)))
    for x_groups in v_groups:
        _write_listed_group_v0(x_groups, w)


def _read_list_groups_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListGroupsResponse, int]:
    o = _new(ListGroupsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihi(b, p)
    p += 10
    if n < 0 or n * 4 > e - p:
        raise bad_length("ListGroupsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[ListedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_listed_group_v0(b, p, e, c)
        l_groups.append(x_groups)
    return o, p


def _write_list_groups_response_v1(o: ListGroupsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_ihi(o.throttle_time_ms, o.error_code, len(v_groups)))
    for x_groups in v_groups:
        _write_listed_group_v0(x_groups, w)


def _read_list_groups_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListGroupsResponse, int]:
    o = _new(ListGroupsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("ListGroupsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[ListedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_listed_group_v3(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_groups_response_v3(o: ListGroupsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_listed_group_v3(x_groups, w)
    w(b"\0")


def _read_list_groups_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListGroupsResponse, int]:
    o = _new(ListGroupsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("ListGroupsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[ListedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_listed_group_v4(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_groups_response_v4(o: ListGroupsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_listed_group_v4(x_groups, w)
    w(b"\0")


def _read_list_groups_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListGroupsResponse, int]:
    o = _new(ListGroupsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("ListGroupsResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[ListedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_listed_group_v5(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_groups_response_v5(o: ListGroupsResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_listed_group_v5(x_groups, w)
    w(b"\0")


ListGroupsRequest.READERS = {
    0: _read_list_groups_request_v0,
    1: _read_list_groups_request_v0,
    2: _read_list_groups_request_v0,
    3: _read_list_groups_request_v3,
    4: _read_list_groups_request_v4,
    5: _read_list_groups_request_v5,
}

ListGroupsRequest.WRITERS = {
    0: _write_list_groups_request_v0,
    1: _write_list_groups_request_v0,
    2: _write_list_groups_request_v0,
    3: _write_list_groups_request_v3,
    4: _write_list_groups_request_v4,
    5: _write_list_groups_request_v5,
}

ListGroupsResponse.READERS = {
    0: _read_list_groups_response_v0,
    1: _read_list_groups_response_v1,
    2: _read_list_groups_response_v1,
    3: _read_list_groups_response_v3,
    4: _read_list_groups_response_v4,
    5: _read_list_groups_response_v5,
}

ListGroupsResponse.WRITERS = {
    0: _write_list_groups_response_v0,
    1: _write_list_groups_response_v1,
    2: _write_list_groups_response_v1,
    3: _write_list_groups_response_v3,
    4: _write_list_groups_response_v4,
    5: _write_list_groups_response_v5,
}
