# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ListConfigResources: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_, pack, unpack_from

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
_pack_bx = Struct_(">bx").pack
_pack_ih = Struct_(">ih").pack
_unpack_bB = Struct_(">bB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from


class ListConfigResourcesRequest(Message):
    """``ListConfigResourcesRequest`` (API key 74), versions 0 to 1."""

    __slots__ = ("resource_types",)
    resource_types: list[int]

    API_KEY = 74
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        resource_types: list[int] = EMPTY,
    ) -> None:
        self.resource_types = [] if resource_types is EMPTY else resource_types


class ConfigResource(Struct):
    """Part of ListConfigResourcesResponse."""

    __slots__ = ("resource_name", "resource_type",)
    resource_name: str
    resource_type: int

    def __init__(
        self,
        *,
        resource_name: str = "",
        resource_type: int = 16,
    ) -> None:
        self.resource_name = resource_name
        self.resource_type = resource_type


class ListConfigResourcesResponse(Message):
    """``ListConfigResourcesResponse`` (API key 74), versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "error_code", "config_resources",)
    throttle_time_ms: int
    error_code: int
    config_resources: list[ConfigResource]

    API_KEY = 74
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        config_resources: list[ConfigResource] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.config_resources = [] if config_resources is EMPTY else config_resources


def _read_list_config_resources_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListConfigResourcesRequest, int]:
    o = _new(ListConfigResourcesRequest)
    o.resource_types = []
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_config_resources_request_v0(o: ListConfigResourcesRequest, w: Write) -> None:
    w(b"\0")


def _read_list_config_resources_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListConfigResourcesRequest, int]:
    o = _new(ListConfigResourcesRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n
    if not p <= q <= e:
        raise bad_length("ListConfigResourcesRequest.resource_types")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.resource_types = list(unpack_from(f">{n}b", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_config_resources_request_v1(o: ListConfigResourcesRequest, w: Write) -> None:
    v_resource_types = o.resource_types
    n = len(v_resource_types) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    if v_resource_types:
        w(pack(f">{len(v_resource_types)}b", *v_resource_types))
    w(b"\0")


def _read_config_resource_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConfigResource, int]:
    o = _new(ConfigResource)
    o.resource_type = 16
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ConfigResource.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_config_resource_v0(o: ConfigResource, w: Write) -> None:
    v_resource_name = o.resource_name
    r_resource_name = v_resource_name.encode()
    n = len(r_resource_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_resource_name)
    w(b"\0")


def _read_config_resource_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConfigResource, int]:
    o = _new(ConfigResource)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ConfigResource.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    o.resource_type, n = _unpack_bB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_config_resource_v1(o: ConfigResource, w: Write) -> None:
    v_resource_name = o.resource_name
    r_resource_name = v_resource_name.encode()
    n = len(r_resource_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_resource_name)
    w(_pack_bx(o.resource_type))


def _read_list_config_resources_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListConfigResourcesResponse, int]:
    o = _new(ListConfigResourcesResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 2 > e - p:
        raise bad_length("ListConfigResourcesResponse.config_resources")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_config_resources: list[ConfigResource] = []
    o.config_resources = l_config_resources
    for _ in range(n):
        x_config_resources, p = _read_config_resource_v0(b, p, e, c)
        l_config_resources.append(x_config_resources)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_config_resources_response_v0(o: ListConfigResourcesResponse, w: Write) -> None:
    v_config_resources = o.config_resources
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_config_resources) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_config_resources in v_config_resources:
        _write_config_resource_v0(x_config_resources, w)
    w(b"\0")


def _read_list_config_resources_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListConfigResourcesResponse, int]:
    o = _new(ListConfigResourcesResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("ListConfigResourcesResponse.config_resources")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_config_resources: list[ConfigResource] = []
    o.config_resources = l_config_resources
    for _ in range(n):
        x_config_resources, p = _read_config_resource_v1(b, p, e, c)
        l_config_resources.append(x_config_resources)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_config_resources_response_v1(o: ListConfigResourcesResponse, w: Write) -> None:
    v_config_resources = o.config_resources
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_config_resources) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_config_resources in v_config_resources:
        _write_config_resource_v1(x_config_resources, w)
    w(b"\0")


ListConfigResourcesRequest.READERS = {
    0: _read_list_config_resources_request_v0,
    1: _read_list_config_resources_request_v1,
}

ListConfigResourcesRequest.WRITERS = {
    0: _write_list_config_resources_request_v0,
    1: _write_list_config_resources_request_v1,
}

ListConfigResourcesResponse.READERS = {
    0: _read_list_config_resources_response_v0,
    1: _read_list_config_resources_response_v1,
}

ListConfigResourcesResponse.WRITERS = {
    0: _write_list_config_resources_response_v0,
    1: _write_list_config_resources_response_v1,
}
