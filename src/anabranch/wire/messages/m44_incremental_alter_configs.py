# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""IncrementalAlterConfigs: messages of all versions, with their codec."""

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
_pack_b = Struct_(">b").pack
_pack_bh = Struct_(">bh").pack
_pack_h = Struct_(">h").pack
_pack_hh = Struct_(">hh").pack
_pack_i = Struct_(">i").pack
_pack_ii = Struct_(">ii").pack
_unpack_t = Struct_(">?").unpack_from
_unpack_tB = Struct_(">?B").unpack_from
_unpack_bB = Struct_(">bB").unpack_from
_unpack_bh = Struct_(">bh").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hh = Struct_(">hh").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class AlterableConfig(Struct):
    """Part of IncrementalAlterConfigsRequest."""

    __slots__ = ("name", "config_operation", "value",)
    name: str
    config_operation: int
    value: str | None

    def __init__(
        self,
        *,
        name: str = "",
        config_operation: int = 0,
        value: str | None = "",
    ) -> None:
        self.name = name
        self.config_operation = config_operation
        self.value = value


class AlterConfigsResource(Struct):
    """Part of IncrementalAlterConfigsRequest."""

    __slots__ = ("resource_type", "resource_name", "configs",)
    resource_type: int
    resource_name: str
    configs: list[AlterableConfig]

    def __init__(
        self,
        *,
        resource_type: int = 0,
        resource_name: str = "",
        configs: list[AlterableConfig] = EMPTY,
    ) -> None:
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.configs = [] if configs is EMPTY else configs


class IncrementalAlterConfigsRequest(Message):
    """``IncrementalAlterConfigsRequest`` (API key 44), versions 0 to 1."""

    __slots__ = ("resources", "validate_only",)
    resources: list[AlterConfigsResource]
    validate_only: bool

    API_KEY = 44
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 1

    def __init__(
        self,
        *,
        resources: list[AlterConfigsResource] = EMPTY,
        validate_only: bool = False,
    ) -> None:
        self.resources = [] if resources is EMPTY else resources
        self.validate_only = validate_only


class AlterConfigsResourceResponse(Struct):
    """Part of IncrementalAlterConfigsResponse."""

    __slots__ = ("error_code", "error_message", "resource_type", "resource_name",)
    error_code: int
    error_message: str | None
    resource_type: int
    resource_name: str

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = "",
        resource_type: int = 0,
        resource_name: str = "",
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.resource_type = resource_type
        self.resource_name = resource_name


class IncrementalAlterConfigsResponse(Message):
    """``IncrementalAlterConfigsResponse`` (API key 44), versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "responses",)
    throttle_time_ms: int
    responses: list[AlterConfigsResourceResponse]

    API_KEY = 44
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 1

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        responses: list[AlterConfigsResourceResponse] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.responses = [] if responses is EMPTY else responses


def _read_alterable_config_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterableConfig, int]:
    o = _new(AlterableConfig)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AlterableConfig.name")
    o.name = b[p:q].decode()
    p = q
    o.config_operation, n = _unpack_bh(b, p)
    p += 3
    if n < 0:
        o.value = None
    else:
        q = p + n
        if q > e:
            raise bad_length("AlterableConfig.value")
        o.value = b[p:q].decode()
        p = q
    return o, p


def _write_alterable_config_v0(o: AlterableConfig, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_value = o.value
    if v_value is None:
        w(_pack_bh(o.config_operation, -1))
    else:
        r_value = v_value.encode()
        w(_pack_bh(o.config_operation, len(r_value)))
        w(r_value)


def _read_alterable_config_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterableConfig, int]:
    o = _new(AlterableConfig)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterableConfig.name")
    o.name = b[p:q].decode()
    p = q
    o.config_operation, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.value = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("AlterableConfig.value")
        o.value = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alterable_config_v1(o: AlterableConfig, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_value = o.value
    w(_pack_b(o.config_operation))
    if v_value is None:
        w(b"\0")
    else:
        r_value = v_value.encode()
        n = len(r_value) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_value)
    w(b"\0")


def _read_alter_configs_resource_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterConfigsResource, int]:
    o = _new(AlterConfigsResource)
    o.resource_type, n = _unpack_bh(b, p)
    p += 3
    q = p + n
    if not p <= q <= e:
        raise bad_length("AlterConfigsResource.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 5 > e - p:
        raise bad_length("AlterConfigsResource.configs")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_configs: list[AlterableConfig] = []
    o.configs = l_configs
    for _ in range(n):
        x_configs, p = _read_alterable_config_v0(b, p, e, c)
        l_configs.append(x_configs)
    return o, p


def _write_alter_configs_resource_v0(o: AlterConfigsResource, w: Write) -> None:
    v_resource_name = o.resource_name
    r_resource_name = v_resource_name.encode()
    w(_pack_bh(o.resource_type, len(r_resource_name)))
    w(r_resource_name)
    v_configs = o.configs
    w(_pack_i(len(v_configs)))
    for x_configs in v_configs:
        _write_alterable_config_v0(x_configs, w)


def _read_alter_configs_resource_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterConfigsResource, int]:
    o = _new(AlterConfigsResource)
    o.resource_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterConfigsResource.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("AlterConfigsResource.configs")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_configs: list[AlterableConfig] = []
    o.configs = l_configs
    for _ in range(n):
        x_configs, p = _read_alterable_config_v1(b, p, e, c)
        l_configs.append(x_configs)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_configs_resource_v1(o: AlterConfigsResource, w: Write) -> None:
    v_resource_name = o.resource_name
    w(_pack_b(o.resource_type))
    r_resource_name = v_resource_name.encode()
    n = len(r_resource_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_resource_name)
    v_configs = o.configs
    n = len(v_configs) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_configs in v_configs:
        _write_alterable_config_v1(x_configs, w)
    w(b"\0")


def _read_incremental_alter_configs_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[IncrementalAlterConfigsRequest, int]:
    o = _new(IncrementalAlterConfigsRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 7 > e - p:
        raise bad_length("IncrementalAlterConfigsRequest.resources")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_resources: list[AlterConfigsResource] = []
    o.resources = l_resources
    for _ in range(n):
        x_resources, p = _read_alter_configs_resource_v0(b, p, e, c)
        l_resources.append(x_resources)
    (o.validate_only,) = _unpack_t(b, p)
    p += 1
    return o, p


def _write_incremental_alter_configs_request_v0(o: IncrementalAlterConfigsRequest, w: Write) -> None:
    v_resources = o.resources
    w(_pack_i(len(v_resources)))
    for x_resources in v_resources:
        _write_alter_configs_resource_v0(x_resources, w)
    w(_pack_t(o.validate_only))


def _read_incremental_alter_configs_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[IncrementalAlterConfigsRequest, int]:
    o = _new(IncrementalAlterConfigsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("IncrementalAlterConfigsRequest.resources")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_resources: list[AlterConfigsResource] = []
    o.resources = l_resources
    for _ in range(n):
        x_resources, p = _read_alter_configs_resource_v1(b, p, e, c)
        l_resources.append(x_resources)
    o.validate_only, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_incremental_alter_configs_request_v1(o: IncrementalAlterConfigsRequest, w: Write) -> None:
    v_resources = o.resources
    n = len(v_resources) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_resources in v_resources:
        _write_alter_configs_resource_v1(x_resources, w)
    w(_pack_tx(o.validate_only))


def _read_alter_configs_resource_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterConfigsResourceResponse, int]:
    o = _new(AlterConfigsResourceResponse)
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("AlterConfigsResourceResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.resource_type, n = _unpack_bh(b, p)
    p += 3
    q = p + n
    if not p <= q <= e:
        raise bad_length("AlterConfigsResourceResponse.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    return o, p


def _write_alter_configs_resource_response_v0(o: AlterConfigsResourceResponse, w: Write) -> None:
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


def _read_alter_configs_resource_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterConfigsResourceResponse, int]:
    o = _new(AlterConfigsResourceResponse)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("AlterConfigsResourceResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.resource_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterConfigsResourceResponse.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_configs_resource_response_v1(o: AlterConfigsResourceResponse, w: Write) -> None:
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
    w(b"\0")


def _read_incremental_alter_configs_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[IncrementalAlterConfigsResponse, int]:
    o = _new(IncrementalAlterConfigsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 7 > e - p:
        raise bad_length("IncrementalAlterConfigsResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[AlterConfigsResourceResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_alter_configs_resource_response_v0(b, p, e, c)
        l_responses.append(x_responses)
    return o, p


def _write_incremental_alter_configs_response_v0(o: IncrementalAlterConfigsResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_ii(o.throttle_time_ms, len(v_responses)))
    for x_responses in v_responses:
        _write_alter_configs_resource_response_v0(x_responses, w)


def _read_incremental_alter_configs_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[IncrementalAlterConfigsResponse, int]:
    o = _new(IncrementalAlterConfigsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("IncrementalAlterConfigsResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[AlterConfigsResourceResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_alter_configs_resource_response_v1(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_incremental_alter_configs_response_v1(o: IncrementalAlterConfigsResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_i(o.throttle_time_ms))
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_alter_configs_resource_response_v1(x_responses, w)
    w(b"\0")


IncrementalAlterConfigsRequest.READERS = {
    0: _read_incremental_alter_configs_request_v0,
    1: _read_incremental_alter_configs_request_v1,
}

IncrementalAlterConfigsRequest.WRITERS = {
    0: _write_incremental_alter_configs_request_v0,
    1: _write_incremental_alter_configs_request_v1,
}

IncrementalAlterConfigsResponse.READERS = {
    0: _read_incremental_alter_configs_response_v0,
    1: _read_incremental_alter_configs_response_v1,
}

IncrementalAlterConfigsResponse.WRITERS = {
    0: _write_incremental_alter_configs_response_v0,
    1: _write_incremental_alter_configs_response_v1,
}
