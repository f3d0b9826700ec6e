# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DeleteGroups: messages of all versions, with their codec."""

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
_pack_ii = Struct_(">ii").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class DeleteGroupsRequest(Message):
    """``DeleteGroupsRequest`` (API key 42), versions 0 to 2."""

    __slots__ = ("groups_names",)
    groups_names: list[str]

    API_KEY = 42
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        groups_names: list[str] = EMPTY,
    ) -> None:
        self.groups_names = [] if groups_names is EMPTY else groups_names


class DeletableGroupResult(Struct):
    """Part of DeleteGroupsResponse."""

    __slots__ = ("group_id", "error_code",)
    group_id: str
    error_code: int

    def __init__(
        self,
        *,
        group_id: str = "",
        error_code: int = 0,
    ) -> None:
        self.group_id = group_id
        self.error_code = error_code


class DeleteGroupsResponse(Message):
    """``DeleteGroupsResponse`` (API key 42), versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "results",)
    throttle_time_ms: int
    results: list[DeletableGroupResult]

    API_KEY = 42
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        results: list[DeletableGroupResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = [] if results is EMPTY else results


def _read_delete_groups_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteGroupsRequest, int]:
    o = _new(DeleteGroupsRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 2 > e - p:
        raise bad_length("DeleteGroupsRequest.groups_names")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups_names: list[str] = []
    o.groups_names = l_groups_names
    for _ in range(n):
        (n,) = _unpack_h(b, p)
        p += 2
        q = p + n
        if not p <= q <= e:
            raise bad_length("DeleteGroupsRequest.groups_names")
        l_groups_names.append(b[p:q].decode())
        p = q
    return o, p


def _write_delete_groups_request_v0(o: DeleteGroupsRequest, w: Write) -> None:
    v_groups_names = o.groups_names
    w(_pack_i(len(v_groups_names)))
    for x_groups_names in v_groups_names:
        r_groups_names = x_groups_names.encode()
        w(_pack_h(len(r_groups_names)))
        w(r_groups_names)


def _read_delete_groups_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteGroupsRequest, int]:
    o = _new(DeleteGroupsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("DeleteGroupsRequest.groups_names")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups_names: list[str] = []
    o.groups_names = l_groups_names
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("DeleteGroupsRequest.groups_names")
        l_groups_names.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_groups_request_v2(o: DeleteGroupsRequest, w: Write) -> None:
    v_groups_names = o.groups_names
    n = len(v_groups_names) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups_names in v_groups_names:
        r_groups_names = x_groups_names.encode()
        n = len(r_groups_names) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_groups_names)
    w(b"\0")


def _read_deletable_group_result_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeletableGroupResult, int]:
    o = _new(DeletableGroupResult)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DeletableGroupResult.group_id")
    o.group_id = b[p:q].decode()
    p = q
    (o.error_code,) = _unpack_h(b, p)
    p += 2
    return o, p


def _write_deletable_group_result_v0(o: DeletableGroupResult, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    w(_pack_h(o.error_code))


def _read_deletable_group_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeletableGroupResult, int]:
    o = _new(DeletableGroupResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DeletableGroupResult.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_deletable_group_result_v2(o: DeletableGroupResult, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    w(_pack_hx(o.error_code))


def _read_delete_groups_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteGroupsResponse, int]:
    o = _new(DeleteGroupsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 4 > e - p:
        raise bad_length("DeleteGroupsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[DeletableGroupResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_deletable_group_result_v0(b, p, e, c)
        l_results.append(x_results)
    return o, p


def _write_delete_groups_response_v0(o: DeleteGroupsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_ii(o.throttle_time_ms, len(v_results)))
    for x_results in v_results:
        _write_deletable_group_result_v0(x_results, w)


def _read_delete_groups_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteGroupsResponse, int]:
    o = _new(DeleteGroupsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("DeleteGroupsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[DeletableGroupResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_deletable_group_result_v2(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_groups_response_v2(o: DeleteGroupsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_i(o.throttle_time_ms))
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_deletable_group_result_v2(x_results, w)
    w(b"\0")


DeleteGroupsRequest.READERS = {
    0: _read_delete_groups_request_v0,
    1: _read_delete_groups_request_v0,
    2: _read_delete_groups_request_v2,
}

DeleteGroupsRequest.WRITERS = {
    0: _write_delete_groups_request_v0,
    1: _write_delete_groups_request_v0,
    2: _write_delete_groups_request_v2,
}

DeleteGroupsResponse.READERS = {
    0: _read_delete_groups_response_v0,
    1: _read_delete_groups_response_v0,
    2: _read_delete_groups_response_v2,
}

DeleteGroupsResponse.WRITERS = {
    0: _write_delete_groups_response_v0,
    1: _write_delete_groups_response_v0,
    2: _write_delete_groups_response_v2,
}
