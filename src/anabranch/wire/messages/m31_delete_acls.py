# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DeleteAcls: messages of all versions, with their codec."""

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
_pack_b = Struct_(">b").pack
_pack_bb = Struct_(">bb").pack
_pack_bbx = Struct_(">bbx").pack
_pack_bh = Struct_(">bh").pack
_pack_h = Struct_(">h").pack
_pack_hh = Struct_(">hh").pack
_pack_i = Struct_(">i").pack
_pack_ii = Struct_(">ii").pack
_unpack_bB = Struct_(">bB").unpack_from
_unpack_bb = Struct_(">bb").unpack_from
_unpack_bbB = Struct_(">bbB").unpack_from
_unpack_bh = Struct_(">bh").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hh = Struct_(">hh").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class DeleteAclsFilter(Struct):
    """Part of DeleteAclsRequest."""

    __slots__ = ("resource_type_filter", "resource_name_filter", "pattern_type_filter", "principal_filter", "host_filter", "operation", "permission_type",)
    resource_type_filter: int
    resource_name_filter: str | None
    pattern_type_filter: int
    principal_filter: str | None
    host_filter: str | None
    operation: int
    permission_type: int

    def __init__(
        self,
        *,
        resource_type_filter: int = 0,
        resource_name_filter: str | None = "",
        pattern_type_filter: int = 3,
        principal_filter: str | None = "",
        host_filter: str | None = "",
        operation: int = 0,
        permission_type: int = 0,
    ) -> None:
        self.resource_type_filter = resource_type_filter
        self.resource_name_filter = resource_name_filter
        self.pattern_type_filter = pattern_type_filter
        self.principal_filter = principal_filter
        self.host_filter = host_filter
        self.operation = operation
        self.permission_type = permission_type


class DeleteAclsRequest(Message):
    """``DeleteAclsRequest`` (API key 31), versions 1 to 3."""

    __slots__ = ("filters",)
    filters: list[DeleteAclsFilter]

    API_KEY = 31
    MIN_VERSION = 1
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        filters: list[DeleteAclsFilter] = EMPTY,
    ) -> None:
        self.filters = [] if filters is EMPTY else filters


class DeleteAclsMatchingAcl(Struct):
    """Part of DeleteAclsResponse."""

    __slots__ = ("error_code", "error_message", "resource_type", "resource_name", "pattern_type", "principal", "host", "operation", "permission_type",)
    error_code: int
    error_message: str | None
    resource_type: int
    resource_name: str
    pattern_type: int
    principal: str
    host: str
    operation: int
    permission_type: int

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = "",
        resource_type: int = 0,
        resource_name: str = "",
        pattern_type: int = 3,
        principal: str = "",
        host: str = "",
        operation: int = 0,
        permission_type: int = 0,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.pattern_type = pattern_type
        self.principal = principal
        self.host = host
        self.operation = operation
        self.permission_type = permission_type


class DeleteAclsFilterResult(Struct):
    """Part of DeleteAclsResponse."""

    __slots__ = ("error_code", "error_message", "matching_acls",)
    error_code: int
    error_message: str | None
    matching_acls: list[DeleteAclsMatchingAcl]

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = "",
        matching_acls: list[DeleteAclsMatchingAcl] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.matching_acls = [] if matching_acls is EMPTY else matching_acls


class DeleteAclsResponse(Message):
    """``DeleteAclsResponse`` (API key 31), versions 1 to 3."""

    __slots__ = ("throttle_time_ms", "filter_results",)
    throttle_time_ms: int
    filter_results: list[DeleteAclsFilterResult]

    API_KEY = 31
    MIN_VERSION = 1
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        filter_results: list[DeleteAclsFilterResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.filter_results = [] if filter_results is EMPTY else filter_results


def _read_delete_acls_filter_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteAclsFilter, int]:
    o = _new(DeleteAclsFilter)
    o.resource_type_filter, n = _unpack_bh(b, p)
    p += 3
    if n < 0:
        o.resource_name_filter = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DeleteAclsFilter.resource_name_filter")
        o.resource_name_filter = b[p:q].decode()
        p = q
    o.pattern_type_filter, n = _unpack_bh(b, p)
    p += 3
    if n < 0:
        o.principal_filter = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DeleteAclsFilter.principal_filter")
        o.principal_filter = b[p:q].decode()
        p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.host_filter = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DeleteAclsFilter.host_filter")
        o.host_filter = b[p:q].decode()
        p = q
    o.operation, o.permission_type = _unpack_bb(b, p)
    p += 2
    return o, p


def _write_delete_acls_filter_v1(o: DeleteAclsFilter, w: Write) -> None:
    v_resource_name_filter = o.resource_name_filter
    if v_resource_name_filter is None:
        w(_pack_bh(o.resource_type_filter, -1))
    else:
        r_resource_name_filter = v_resource_name_filter.encode()
        w(_pack_bh(o.resource_type_filter, len(r_resource_name_filter)))
        w(r_resource_name_filter)
    v_principal_filter = o.principal_filter
    if v_principal_filter is None:
        w(_pack_bh(o.pattern_type_filter, -1))
    else:
        r_principal_filter = v_principal_filter.encode()
        w(_pack_bh(o.pattern_type_filter, len(r_principal_filter)))
        w(r_principal_filter)
    v_host_filter = o.host_filter
    if v_host_filter is None:
        w(_pack_h(-1))
    else:
        r_host_filter = v_host_filter.encode()
        w(_pack_h(len(r_host_filter)))
        w(r_host_filter)
    w(_pack_bb(o.operation, o.permission_type))


def _read_delete_acls_filter_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteAclsFilter, int]:
    o = _new(DeleteAclsFilter)
    o.resource_type_filter, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.resource_name_filter = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DeleteAclsFilter.resource_name_filter")
        o.resource_name_filter = b[p:q].decode()
        p = q
    o.pattern_type_filter, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.principal_filter = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DeleteAclsFilter.principal_filter")
        o.principal_filter = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.host_filter = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DeleteAclsFilter.host_filter")
        o.host_filter = b[p:q].decode()
        p = q
    o.operation, o.permission_type, n = _unpack_bbB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_acls_filter_v2(o: DeleteAclsFilter, w: Write) -> None:
    v_resource_name_filter = o.resource_name_filter
    w(_pack_b(o.resource_type_filter))
    if v_resource_name_filter is None:
        w(b"\0")
    else:
        r_resource_name_filter = v_resource_name_filter.encode()
        n = len(r_resource_name_filter) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_resource_name_filter)
    v_principal_filter = o.principal_filter
    w(_pack_b(o.pattern_type_filter))
    if v_principal_filter is None:
        w(b"\0")
    else:
        r_principal_filter = v_principal_filter.encode()
        n = len(r_principal_filter) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_principal_filter)
    v_host_filter = o.host_filter
    if v_host_filter is None:
        w(b"\0")
    else:
        r_host_filter = v_host_filter.encode()
        n = len(r_host_filter) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_host_filter)
    w(_pack_bbx(o.operation, o.permission_type))


def _read_delete_acls_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteAclsRequest, int]:
    o = _new(DeleteAclsRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 10 > e - p:
        raise bad_length("DeleteAclsRequest.filters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_filters: list[DeleteAclsFilter] = []
    o.filters = l_filters
    for _ in range(n):
        x_filters, p = _read_delete_acls_filter_v1(b, p, e, c)
        l_filters.append(x_filters)
    return o, p


def _write_delete_acls_request_v1(o: DeleteAclsRequest, w: Write) -> None:
    v_filters = o.filters
    w(_pack_i(len(v_filters)))
    for x_filters in v_filters:
        _write_delete_acls_filter_v1(x_filters, w)


def _read_delete_acls_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteAclsRequest, int]:
    o = _new(DeleteAclsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 8 > e - p:
        raise bad_length("DeleteAclsRequest.filters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_filters: list[DeleteAclsFilter] = []
    o.filters = l_filters
    for _ in range(n):
        x_filters, p = _read_delete_acls_filter_v2(b, p, e, c)
        l_filters.append(x_filters)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_acls_request_v2(o: DeleteAclsRequest, w: Write) -> None:
    v_filters = o.filters
    n = len(v_filters) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_filters in v_filters:
        _write_delete_acls_filter_v2(x_filters, w)
    w(b"\0")


def _read_delete_acls_matching_acl_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteAclsMatchingAcl, int]:
    o = _new(DeleteAclsMatchingAcl)
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DeleteAclsMatchingAcl.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.resource_type, n = _unpack_bh(b, p)
    p += 3
    q = p + n
    if not p <= q <= e:
        raise bad_length("DeleteAclsMatchingAcl.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    o.pattern_type, n = _unpack_bh(b, p)
    p += 3
    q = p + n
    if not p <= q <= e:
        raise bad_length("DeleteAclsMatchingAcl.principal")
    o.principal = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DeleteAclsMatchingAcl.host")
    o.host = b[p:q].decode()
    p = q
    o.operation, o.permission_type = _unpack_bb(b, p)
    p += 2
    return o, p


def _write_delete_acls_matching_acl_v1(o: DeleteAclsMatchingAcl, w: Write) -> None:
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_hh(o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_hh(o.error_code, len(r_error_message)))
        w(r_error_message)
    v_resource_name = o.resource_name
    r_resource_name = v_resource_name.encode()
    w(_pack_bh(o.resource_type, len(r_resource_name)))
    w(r_resource_name)
    v_principal = o.principal
    r_principal = v_principal.encode()
    w(_pack_bh(o.pattern_type, len(r_principal)))
    w(r_principal)
    v_host = o.host
    r_host = v_host.encode()
    w(_pack_h(len(r_host)))
    w(r_host)
    w(_pack_bb(o.operation, o.permission_type))


def _read_delete_acls_matching_acl_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteAclsMatchingAcl, int]:
    o = _new(DeleteAclsMatchingAcl)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DeleteAclsMatchingAcl.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.resource_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DeleteAclsMatchingAcl.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    o.pattern_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DeleteAclsMatchingAcl.principal")
    o.principal = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DeleteAclsMatchingAcl.host")
    o.host = b[p:q].decode()
    p = q
    o.operation, o.permission_type, n = _unpack_bbB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_acls_matching_acl_v2(o: DeleteAclsMatchingAcl, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_resource_name = o.resource_name
    w(_pack_b(o.resource_type))
    r_resource_name = v_resource_name.encode()
    n = len(r_resource_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_resource_name)
    v_principal = o.principal
    w(_pack_b(o.pattern_type))
    r_principal = v_principal.encode()
    n = len(r_principal) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_principal)
    v_host = o.host
    r_host = v_host.encode()
    n = len(r_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_host)
    w(_pack_bbx(o.operation, o.permission_type))


def _read_delete_acls_filter_result_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteAclsFilterResult, int]:
    o = _new(DeleteAclsFilterResult)
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DeleteAclsFilterResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 14 > e - p:
        raise bad_length("DeleteAclsFilterResult.matching_acls")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_matching_acls: list[DeleteAclsMatchingAcl] = []
    o.matching_acls = l_matching_acls
    for _ in range(n):
        x_matching_acls, p = _read_delete_acls_matching_acl_v1(b, p, e, c)
        l_matching_acls.append(x_matching_acls)
    return o, p


def _write_delete_acls_filter_result_v1(o: DeleteAclsFilterResult, w: Write) -> None:
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_hh(o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_hh(o.error_code, len(r_error_message)))
        w(r_error_message)
    v_matching_acls = o.matching_acls
    w(_pack_i(len(v_matching_acls)))
    for x_matching_acls in v_matching_acls:
        _write_delete_acls_matching_acl_v1(x_matching_acls, w)


def _read_delete_acls_filter_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteAclsFilterResult, int]:
    o = _new(DeleteAclsFilterResult)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DeleteAclsFilterResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("DeleteAclsFilterResult.matching_acls")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_matching_acls: list[DeleteAclsMatchingAcl] = []
    o.matching_acls = l_matching_acls
    for _ in range(n):
        x_matching_acls, p = _read_delete_acls_matching_acl_v2(b, p, e, c)
        l_matching_acls.append(x_matching_acls)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_acls_filter_result_v2(o: DeleteAclsFilterResult, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_matching_acls = o.matching_acls
    n = len(v_matching_acls) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_matching_acls in v_matching_acls:
        _write_delete_acls_matching_acl_v2(x_matching_acls, w)
    w(b"\0")


def _read_delete_acls_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteAclsResponse, int]:
    o = _new(DeleteAclsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 8 > e - p:
        raise bad_length("DeleteAclsResponse.filter_results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_filter_results: list[DeleteAclsFilterResult] = []
    o.filter_results = l_filter_results
    for _ in range(n):
        x_filter_results, p = _read_delete_acls_filter_result_v1(b, p, e, c)
        l_filter_results.append(x_filter_results)
    return o, p


def _write_delete_acls_response_v1(o: DeleteAclsResponse, w: Write) -> None:
    v_filter_results = o.filter_results
    w(_pack_ii(o.throttle_time_ms, len(v_filter_results)))
    for x_filter_results in v_filter_results:
        _write_delete_acls_filter_result_v1(x_filter_results, w)


def _read_delete_acls_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DeleteAclsResponse, int]:
    o = _new(DeleteAclsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("DeleteAclsResponse.filter_results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_filter_results: list[DeleteAclsFilterResult] = []
    o.filter_results = l_filter_results
    for _ in range(n):
        x_filter_results, p = _read_delete_acls_filter_result_v2(b, p, e, c)
        l_filter_results.append(x_filter_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_delete_acls_response_v2(o: DeleteAclsResponse, w: Write) -> None:
    v_filter_results = o.filter_results
    w(_pack_i(o.throttle_time_ms))
    n = len(v_filter_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_filter_results in v_filter_results:
        _write_delete_acls_filter_result_v2(x_filter_results, w)
    w(b"\0")


DeleteAclsRequest.READERS = {
    1: _read_delete_acls_request_v1,
    2: _read_delete_acls_request_v2,
    3: _read_delete_acls_request_v2,
}

DeleteAclsRequest.WRITERS = {
    1: _write_delete_acls_request_v1,
    2: _write_delete_acls_request_v2,
    3: _write_delete_acls_request_v2,
}

DeleteAclsResponse.READERS = {
    1: _read_delete_acls_response_v1,
    2: _read_delete_acls_response_v2,
    3: _read_delete_acls_response_v2,
}

DeleteAclsResponse.WRITERS = {
    1: _write_delete_acls_response_v1,
    2: _write_delete_acls_response_v2,
    3: _write_delete_acls_response_v2,
}
