# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""CreateAcls: messages of all versions, with their codec."""

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


class AclCreation(Struct):
    """Part of CreateAclsRequest."""

    __slots__ = ("resource_type", "resource_name", "resource_pattern_type", "principal", "host", "operation", "permission_type",)
    resource_type: int
    resource_name: str
    resource_pattern_type: int
    principal: str
    host: str
    operation: int
    permission_type: int

    def __init__(
        self,
        *,
        resource_type: int = 0,
        resource_name: str = "",
        resource_pattern_type: int = 3,
        principal: str = "",
        host: str = "",
        operation: int = 0,
        permission_type: int = 0,
    ) -> None:
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.resource_pattern_type = resource_pattern_type
        self.principal = principal
        self.host = host
        self.operation = operation
        self.permission_type = permission_type


class CreateAclsRequest(Message):
    """``CreateAclsRequest`` (API key 30), versions 1 to 3."""

    __slots__ = ("creations",)
    creations: list[AclCreation]

    API_KEY = 30
    MIN_VERSION = 1
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        creations: list[AclCreation] = EMPTY,
    ) -> None:
        self.creations = [] if creations is EMPTY else creations


class AclCreationResult(Struct):
    """Part of CreateAclsResponse."""

    __slots__ = ("error_code", "error_message",)
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = "",
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message


class CreateAclsResponse(Message):
    """``CreateAclsResponse`` (API key 30), versions 1 to 3."""

    __slots__ = ("throttle_time_ms", "results",)
    throttle_time_ms: int
    results: list[AclCreationResult]

    API_KEY = 30
    MIN_VERSION = 1
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        results: list[AclCreationResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = [] if results is EMPTY else results


def _read_acl_creation_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AclCreation, int]:
    o = _new(AclCreation)
    o.resource_type, n = _unpack_bh(b, p)
    p += 3
    q = p + n
    if not p <= q <= e:
        raise bad_length("AclCreation.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    o.resource_pattern_type, n = _unpack_bh(b, p)
    p += 3
    q = p + n
    if not p <= q <= e:
        raise bad_length("AclCreation.principal")
    o.principal = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AclCreation.host")
    o.host = b[p:q].decode()
    p = q
    o.operation, o.permission_type = _unpack_bb(b, p)
    p += 2
    return o, p


def _write_acl_creation_v1(o: AclCreation, w: Write) -> None:
    v_resource_name = o.resource_name
    r_resource_name = v_resource_name.encode()
    w(_pack_bh(o.resource_type, len(r_resource_name)))
    w(r_resource_name)
    v_principal = o.principal
    r_principal = v_principal.encode()
    w(_pack_bh(o.resource_pattern_type, len(r_principal)))
    w(r_principal)
    v_host = o.host
    r_host = v_host.encode()
    w(_pack_h(len(r_host)))
    w(r_host)
    w(_pack_bb(o.operation, o.permission_type))


def _read_acl_creation_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[AclCreation, int]:
    o = _new(AclCreation)
    o.resource_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AclCreation.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    o.resource_pattern_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AclCreation.principal")
    o.principal = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AclCreation.host")
    o.host = b[p:q].decode()
    p = q
    o.operation, o.permission_type, n = _unpack_bbB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_acl_creation_v2(o: AclCreation, w: Write) -> None:
    v_resource_name = o.resource_name
    w(_pack_b(o.resource_type))
    r_resource_name = v_resource_name.encode()
    n = len(r_resource_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_resource_name)
    v_principal = o.principal
    w(_pack_b(o.resource_pattern_type))
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


def _read_create_acls_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateAclsRequest, int]:
    o = _new(CreateAclsRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 10 > e - p:
        raise bad_length("CreateAclsRequest.creations")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_creations: list[AclCreation] = []
    o.creations = l_creations
    for _ in range(n):
        x_creations, p = _read_acl_creation_v1(b, p, e, c)
        l_creations.append(x_creations)
    return o, p


def _write_create_acls_request_v1(o: CreateAclsRequest, w: Write) -> None:
    v_creations = o.creations
    w(_pack_i(len(v_creations)))
    for x_creations in v_creations:
        _write_acl_creation_v1(x_creations, w)


def _read_create_acls_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateAclsRequest, int]:
    o = _new(CreateAclsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 8 > e - p:
        raise bad_length("CreateAclsRequest.creations")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_creations: list[AclCreation] = []
    o.creations = l_creations
    for _ in range(n):
        x_creations, p = _read_acl_creation_v2(b, p, e, c)
        l_creations.append(x_creations)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_acls_request_v2(o: CreateAclsRequest, w: Write) -> None:
    v_creations = o.creations
    n = len(v_creations) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_creations in v_creations:
        _write_acl_creation_v2(x_creations, w)
    w(b"\0")


def _read_acl_creation_result_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AclCreationResult, int]:
    o = _new(AclCreationResult)
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("AclCreationResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    return o, p


def _write_acl_creation_result_v1(o: AclCreationResult, w: Write) -> None:
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_hh(o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_hh(o.error_code, len(r_error_message)))
        w(r_error_message)


def _read_acl_creation_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[AclCreationResult, int]:
    o = _new(AclCreationResult)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("AclCreationResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_acl_creation_result_v2(o: AclCreationResult, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    w(b"\0")


def _read_create_acls_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateAclsResponse, int]:
    o = _new(CreateAclsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 4 > e - p:
        raise bad_length("CreateAclsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[AclCreationResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_acl_creation_result_v1(b, p, e, c)
        l_results.append(x_results)
    return o, p


def _write_create_acls_response_v1(o: CreateAclsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_ii(o.throttle_time_ms, len(v_results)))
    for x_results in v_results:
        _write_acl_creation_result_v1(x_results, w)


def _read_create_acls_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateAclsResponse, int]:
    o = _new(CreateAclsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("CreateAclsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[AclCreationResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_acl_creation_result_v2(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_acls_response_v2(o: CreateAclsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_i(o.throttle_time_ms))
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_acl_creation_result_v2(x_results, w)
    w(b"\0")


CreateAclsRequest.READERS = {
    1: _read_create_acls_request_v1,
    2: _read_create_acls_request_v2,
    3: _read_create_acls_request_v2,
}

CreateAclsRequest.WRITERS = {
    1: _write_create_acls_request_v1,
    2: _write_create_acls_request_v2,
    3: _write_create_acls_request_v2,
}

CreateAclsResponse.READERS = {
    1: _read_create_acls_response_v1,
    2: _read_create_acls_response_v2,
    3: _read_create_acls_response_v2,
}

CreateAclsResponse.WRITERS = {
    1: _write_create_acls_response_v1,
    2: _write_create_acls_response_v2,
    3: _write_create_acls_response_v2,
}
