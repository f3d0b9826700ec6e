# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeAcls: messages of all versions, with their codec."""

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
_pack_bi = Struct_(">bi").pack
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ihh = Struct_(">ihh").pack
_unpack_bB = Struct_(">bB").unpack_from
_unpack_bb = Struct_(">bb").unpack_from
_unpack_bbB = Struct_(">bbB").unpack_from
_unpack_bh = Struct_(">bh").unpack_from
_unpack_bi = Struct_(">bi").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ihh = Struct_(">ihh").unpack_from


class DescribeAclsRequest(Message):
    """``DescribeAclsRequest`` (API key 29), versions 1 to 3."""

    __slots__ = ("resource_type_filter", "resource_name_filter", "pattern_type_filter", "principal_filter", "host_filter", "operation", "permission_type",)
    resource_type_filter: int
    resource_name_filter: str | None
    pattern_type_filter: int
    principal_filter: str | None
    host_filter: str | None
    operation: int
    permission_type: int

    API_KEY = 29
    MIN_VERSION = 1
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

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


class AclDescription(Struct):
    """Part of DescribeAclsResponse."""

    __slots__ = ("principal", "host", "operation", "permission_type",)
    principal: str
    host: str
    operation: int
    permission_type: int

    def __init__(
        self,
        *,
        principal: str = "",
        host: str = "",
        operation: int = 0,
        permission_type: int = 0,
    ) -> None:
        self.principal = principal
        self.host = host
        self.operation = operation
        self.permission_type = permission_type


class DescribeAclsResource(Struct):
    """Part of DescribeAclsResponse."""

    __slots__ = ("resource_type", "resource_name", "pattern_type", "acls",)
    resource_type: int
    resource_name: str
    pattern_type: int
    acls: list[AclDescription]

    def __init__(
        self,
        *,
        resource_type: int = 0,
        resource_name: str = "",
        pattern_type: int = 3,
        acls: list[AclDescription] = EMPTY,
    ) -> None:
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.pattern_type = pattern_type
        self.acls = [] if acls is EMPTY else acls


class DescribeAclsResponse(Message):
    """``DescribeAclsResponse`` (API key 29), versions 1 to 3."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "resources",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    resources: list[DescribeAclsResource]

    API_KEY = 29
    MIN_VERSION = 1
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        resources: list[DescribeAclsResource] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.resources = [] if resources is EMPTY else resources


def _read_describe_acls_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeAclsRequest, int]:
    o = _new(DescribeAclsRequest)
    o.resource_type_filter, n = _unpack_bh(b, p)
    p += 3
    if n < 0:
        o.resource_name_filter = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribeAclsRequest.resource_name_filter")
        o.resource_name_filter = b[p:q].decode()
        p = q
    o.pattern_type_filter, n = _unpack_bh(b, p)
    p += 3
    if n < 0:
        o.principal_filter = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribeAclsRequest.principal_filter")
        o.principal_filter = b[p:q].decode()
        p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.host_filter = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribeAclsRequest.host_filter")
        o.host_filter = b[p:q].decode()
        p = q
    o.operation, o.permission_type = _unpack_bb(b, p)
    p += 2
    return o, p


def _write_describe_acls_request_v1(o: DescribeAclsRequest, w: Write) -> None:
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


def _read_describe_acls_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeAclsRequest, int]:
    o = _new(DescribeAclsRequest)
    o.resource_type_filter, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.resource_name_filter = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeAclsRequest.resource_name_filter")
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
            raise bad_length("DescribeAclsRequest.principal_filter")
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
            raise bad_length("DescribeAclsRequest.host_filter")
        o.host_filter = b[p:q].decode()
        p = q
    o.operation, o.permission_type, n = _unpack_bbB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_acls_request_v2(o: DescribeAclsRequest, w: Write) -> None:
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


def _read_acl_description_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AclDescription, int]:
    o = _new(AclDescription)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AclDescription.principal")
    o.principal = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AclDescription.host")
    o.host = b[p:q].decode()
    p = q
    o.operation, o.permission_type = _unpack_bb(b, p)
    p += 2
    return o, p


def _write_acl_description_v1(o: AclDescription, w: Write) -> None:
    v_principal = o.principal
    r_principal = v_principal.encode()
    w(_pack_h(len(r_principal)))
    w(r_principal)
    v_host = o.host
    r_host = v_host.encode()
    w(_pack_h(len(r_host)))
    w(r_host)
    w(_pack_bb(o.operation, o.permission_type))


def _read_acl_description_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[AclDescription, int]:
    o = _new(AclDescription)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AclDescription.principal")
    o.principal = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AclDescription.host")
    o.host = b[p:q].decode()
    p = q
    o.operation, o.permission_type, n = _unpack_bbB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_acl_description_v2(o: AclDescription, w: Write) -> None:
    v_principal = o.principal
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


def _read_describe_acls_resource_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeAclsResource, int]:
    o = _new(DescribeAclsResource)
    o.resource_type, n = _unpack_bh(b, p)
    p += 3
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribeAclsResource.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    o.pattern_type, n = _unpack_bi(b, p)
    p += 5
    if n < 0 or n * 6 > e - p:
        raise bad_length("DescribeAclsResource.acls")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_acls: list[AclDescription] = []
    o.acls = l_acls
    for _ in range(n):
        x_acls, p = _read_acl_description_v1(b, p, e, c)
        l_acls.append(x_acls)
    return o, p


def _write_describe_acls_resource_v1(o: DescribeAclsResource, w: Write) -> None:
    v_resource_name = o.resource_name
    r_resource_name = v_resource_name.encode()
    w(_pack_bh(o.resource_type, len(r_resource_name)))
    w(r_resource_name)
    v_acls = o.acls
    w(_pack_bi(o.pattern_type, len(v_acls)))
    for x_acls in v_acls:
        _write_acl_description_v1(x_acls, w)


def _read_describe_acls_resource_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeAclsResource, int]:
    o = _new(DescribeAclsResource)
    o.resource_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeAclsResource.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    o.pattern_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("DescribeAclsResource.acls")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_acls: list[AclDescription] = []
    o.acls = l_acls
    for _ in range(n):
        x_acls, p = _read_acl_description_v2(b, p, e, c)
        l_acls.append(x_acls)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_acls_resource_v2(o: DescribeAclsResource, w: Write) -> None:
    v_resource_name = o.resource_name
    w(_pack_b(o.resource_type))
    r_resource_name = v_resource_name.encode()
    n = len(r_resource_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_resource_name)
    v_acls = o.acls
    w(_pack_b(o.pattern_type))
    n = len(v_acls) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_acls in v_acls:
        _write_acl_description_v2(x_acls, w)
    w(b"\0")


def _read_describe_acls_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeAclsResponse, int]:
    o = _new(DescribeAclsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihh(b, p)
    p += 8
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribeAclsResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 8 > e - p:
        raise bad_length("DescribeAclsResponse.resources")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_resources: list[DescribeAclsResource] = []
    o.resources = l_resources
    for _ in range(n):
        x_resources, p = _read_describe_acls_resource_v1(b, p, e, c)
        l_resources.append(x_resources)
    return o, p


def _write_describe_acls_response_v1(o: DescribeAclsResponse, w: Write) -> None:
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_ihh(o.throttle_time_ms, o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_ihh(o.throttle_time_ms, o.error_code, len(r_error_message)))
        w(r_error_message)
    v_resources = o.resources
    w(_pack_i(len(v_resources)))
    for x_resources in v_resources:
        _write_describe_acls_resource_v1(x_resources, w)


def _read_describe_acls_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeAclsResponse, int]:
    o = _new(DescribeAclsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeAclsResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("DescribeAclsResponse.resources")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_resources: list[DescribeAclsResource] = []
    o.resources = l_resources
    for _ in range(n):
        x_resources, p = _read_describe_acls_resource_v2(b, p, e, c)
        l_resources.append(x_resources)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_acls_response_v2(o: DescribeAclsResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_resources = o.resources
    n = len(v_resources) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_resources in v_resources:
        _write_describe_acls_resource_v2(x_resources, w)
    w(b"\0")


DescribeAclsRequest.READERS = {
    1: _read_describe_acls_request_v1,
    2: _read_describe_acls_request_v2,
    3: _read_describe_acls_request_v2,
}

DescribeAclsRequest.WRITERS = {
    1: _write_describe_acls_request_v1,
    2: _write_describe_acls_request_v2,
    3: _write_describe_acls_request_v2,
}

DescribeAclsResponse.READERS = {
    1: _read_describe_acls_response_v1,
    2: _read_describe_acls_response_v2,
    3: _read_describe_acls_response_v2,
}

DescribeAclsResponse.WRITERS = {
    1: _write_describe_acls_response_v1,
    2: _write_describe_acls_response_v2,
    3: _write_describe_acls_response_v2,
}
