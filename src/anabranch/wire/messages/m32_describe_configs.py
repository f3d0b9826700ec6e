# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeConfigs: messages of all versions, with their codec."""

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
_pack_tt = Struct_(">??").pack
_pack_ttx = Struct_(">??x").pack
_pack_tbt = Struct_(">?b?").pack
_pack_tbti = Struct_(">?b?i").pack
_pack_b = Struct_(">b").pack
_pack_bh = Struct_(">bh").pack
_pack_bx = Struct_(">bx").pack
_pack_h = Struct_(">h").pack
_pack_hh = Struct_(">hh").pack
_pack_i = Struct_(">i").pack
_pack_ii = Struct_(">ii").pack
_unpack_t = Struct_(">?").unpack_from
_unpack_tt = Struct_(">??").unpack_from
_unpack_ttB = Struct_(">??B").unpack_from
_unpack_tbtB = Struct_(">?b?B").unpack_from
_unpack_tbti = Struct_(">?b?i").unpack_from
_unpack_b = Struct_(">b").unpack_from
_unpack_bB = Struct_(">bB").unpack_from
_unpack_bh = Struct_(">bh").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hh = Struct_(">hh").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class DescribeConfigsResource(Struct):
    """Part of DescribeConfigsRequest."""

    __slots__ = ("resource_type", "resource_name", "configuration_keys",)
    resource_type: int
    resource_name: str
    configuration_keys: list[str] | None

    def __init__(
        self,
        *,
        resource_type: int = 0,
        resource_name: str = "",
        configuration_keys: list[str] | None = EMPTY,
    ) -> None:
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.configuration_keys = [] if configuration_keys is EMPTY else configuration_keys


class DescribeConfigsRequest(Message):
    """``DescribeConfigsRequest`` (API key 32), versions 1 to 4."""

    __slots__ = ("resources", "include_synonyms", "include_documentation",)
    resources: list[DescribeConfigsResource]
    include_synonyms: bool
    include_documentation: bool

    API_KEY = 32
    MIN_VERSION = 1
    MAX_VERSION = 4
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        resources: list[DescribeConfigsResource] = EMPTY,
        include_synonyms: bool = False,
        include_documentation: bool = False,
    ) -> None:
        self.resources = [] if resources is EMPTY else resources
        self.include_synonyms = include_synonyms
        self.include_documentation = include_documentation


class DescribeConfigsSynonym(Struct):
    """Part of DescribeConfigsResponse."""

    __slots__ = ("name", "value", "source",)
    name: str
    value: str | None
    source: int

    def __init__(
        self,
        *,
        name: str = "",
        value: str | None = "",
        source: int = 0,
    ) -> None:
        self.name = name
        self.value = value
        self.source = source


class DescribeConfigsResourceResult(Struct):
    """Part of DescribeConfigsResponse."""

    __slots__ = ("name", "value", "read_only", "config_source", "is_sensitive", "synonyms", "config_type", "documentation",)
    name: str
    value: str | None
    read_only: bool
    config_source: int
    is_sensitive: bool
    synonyms: list[DescribeConfigsSynonym]
    config_type: int
    documentation: str | None

    def __init__(
        self,
        *,
        name: str = "",
        value: str | None = "",
        read_only: bool = False,
        config_source: int = -1,
        is_sensitive: bool = False,
        synonyms: list[DescribeConfigsSynonym] = EMPTY,
        config_type: int = 0,
        documentation: str | None = "",
    ) -> None:
        self.name = name
        self.value = value
        self.read_only = read_only
        self.config_source = config_source
        self.is_sensitive = is_sensitive
        self.synonyms = [] if synonyms is EMPTY else synonyms
        self.config_type = config_type
        self.documentation = documentation


class DescribeConfigsResult(Struct):
    """Part of DescribeConfigsResponse."""

    __slots__ = ("error_code", "error_message", "resource_type", "resource_name", "configs",)
    error_code: int
    error_message: str | None
    resource_type: int
    resource_name: str
    configs: list[DescribeConfigsResourceResult]

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = "",
        resource_type: int = 0,
        resource_name: str = "",
        configs: list[DescribeConfigsResourceResult] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.configs = [] if configs is EMPTY else configs


class DescribeConfigsResponse(Message):
    """``DescribeConfigsResponse`` (API key 32), versions 1 to 4."""

    __slots__ = ("throttle_time_ms", "results",)
    throttle_time_ms: int
    results: list[DescribeConfigsResult]

    API_KEY = 32
    MIN_VERSION = 1
    MAX_VERSION = 4
    FIRST_FLEXIBLE = 4

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        results: list[DescribeConfigsResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = [] if results is EMPTY else results


def _read_describe_configs_resource_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsResource, int]:
    o = _new(DescribeConfigsResource)
    o.resource_type, n = _unpack_bh(b, p)
    p += 3
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribeConfigsResource.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.configuration_keys = None
    else:
        if n * 2 > e - p:
            raise bad_length("DescribeConfigsResource.configuration_keys")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_configuration_keys: list[str] = []
        o.configuration_keys = l_configuration_keys
        for _ in range(n):
            (n,) = _unpack_h(b, p)
            p += 2
            q = p + n
            if not p <= q <= e:
                raise bad_length("DescribeConfigsResource.configuration_keys")
            l_configuration_keys.append(b[p:q].decode())
            p = q
    return o, p


def _write_describe_configs_resource_v1(o: DescribeConfigsResource, w: Write) -> None:
    v_resource_name = o.resource_name
    r_resource_name = v_resource_name.encode()
    w(_pack_bh(o.resource_type, len(r_resource_name)))
    w(r_resource_name)
    v_configuration_keys = o.configuration_keys
    if v_configuration_keys is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_configuration_keys)))
        for x_configuration_keys in v_configuration_keys:
            r_configuration_keys = x_configuration_keys.encode()
            w(_pack_h(len(r_configuration_keys)))
            w(r_configuration_keys)


def _read_describe_configs_resource_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsResource, int]:
    o = _new(DescribeConfigsResource)
    o.resource_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeConfigsResource.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.configuration_keys = None
    else:
        n -= 1
        if n > e - p:
            raise bad_length("DescribeConfigsResource.configuration_keys")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_configuration_keys: list[str] = []
        o.configuration_keys = l_configuration_keys
        for _ in range(n):
            n = b[p]
            p += 1
            if n > 127:
                n, p = uvarint(b, p - 1)
            q = p + n - 1
            if not p <= q <= e:
                raise bad_length("DescribeConfigsResource.configuration_keys")
            l_configuration_keys.append(b[p:q].decode())
            p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_configs_resource_v4(o: DescribeConfigsResource, w: Write) -> None:
    v_resource_name = o.resource_name
    w(_pack_b(o.resource_type))
    r_resource_name = v_resource_name.encode()
    n = len(r_resource_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_resource_name)
    v_configuration_keys = o.configuration_keys
    if v_configuration_keys is None:
        w(b"\0")
    else:
        n = len(v_configuration_keys) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_configuration_keys in v_configuration_keys:
            r_configuration_keys = x_configuration_keys.encode()
            n = len(r_configuration_keys) + 1
            w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
            w(r_configuration_keys)
    w(b"\0")


def _read_describe_configs_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsRequest, int]:
    o = _new(DescribeConfigsRequest)
    o.include_documentation = False
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 7 > e - p:
        raise bad_length("DescribeConfigsRequest.resources")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_resources: list[DescribeConfigsResource] = []
    o.resources = l_resources
    for _ in range(n):
        x_resources, p = _read_describe_configs_resource_v1(b, p, e, c)
        l_resources.append(x_resources)
    (o.include_synonyms,) = _unpack_t(b, p)
    p += 1
    return o, p


def _write_describe_configs_request_v1(o: DescribeConfigsRequest, w: Write) -> None:
    v_resources = o.resources
    w(_pack_i(len(v_resources)))
    for x_resources in v_resources:
        _write_describe_configs_resource_v1(x_resources, w)
    w(_pack_t(o.include_synonyms))


def _read_describe_configs_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsRequest, int]:
    o = _new(DescribeConfigsRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 7 > e - p:
        raise bad_length("DescribeConfigsRequest.resources")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_resources: list[DescribeConfigsResource] = []
    o.resources = l_resources
    for _ in range(n):
        x_resources, p = _read_describe_configs_resource_v1(b, p, e, c)
        l_resources.append(x_resources)
    o.include_synonyms, o.include_documentation = _unpack_tt(b, p)
    p += 2
    return o, p


def _write_describe_configs_request_v3(o: DescribeConfigsRequest, w: Write) -> None:
    v_resources = o.resources
    w(_pack_i(len(v_resources)))
    for x_resources in v_resources:
        _write_describe_configs_resource_v1(x_resources, w)
    w(_pack_tt(o.include_synonyms, o.include_documentation))


def _read_describe_configs_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsRequest, int]:
    o = _new(DescribeConfigsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("DescribeConfigsRequest.resources")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_resources: list[DescribeConfigsResource] = []
    o.resources = l_resources
    for _ in range(n):
        x_resources, p = _read_describe_configs_resource_v4(b, p, e, c)
        l_resources.append(x_resources)
    o.include_synonyms, o.include_documentation, n = _unpack_ttB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_configs_request_v4(o: DescribeConfigsRequest, w: Write) -> None:
    v_resources = o.resources
    n = len(v_resources) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_resources in v_resources:
        _write_describe_configs_resource_v4(x_resources, w)
    w(_pack_ttx(o.include_synonyms, o.include_documentation))


def _read_describe_configs_synonym_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsSynonym, int]:
    o = _new(DescribeConfigsSynonym)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribeConfigsSynonym.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.value = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribeConfigsSynonym.value")
        o.value = b[p:q].decode()
        p = q
    (o.source,) = _unpack_b(b, p)
    p += 1
    return o, p


def _write_describe_configs_synonym_v1(o: DescribeConfigsSynonym, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_value = o.value
    if v_value is None:
        w(_pack_h(-1))
    else:
        r_value = v_value.encode()
        w(_pack_h(len(r_value)))
        w(r_value)
    w(_pack_b(o.source))


def _read_describe_configs_synonym_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsSynonym, int]:
    o = _new(DescribeConfigsSynonym)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeConfigsSynonym.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.value = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeConfigsSynonym.value")
        o.value = b[p:q].decode()
        p = q
    o.source, n = _unpack_bB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_configs_synonym_v4(o: DescribeConfigsSynonym, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_value = o.value
    if v_value is None:
        w(b"\0")
    else:
        r_value = v_value.encode()
        n = len(r_value) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_value)
    w(_pack_bx(o.source))


def _read_describe_configs_resource_result_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsResourceResult, int]:
    o = _new(DescribeConfigsResourceResult)
    o.config_type = 0
    o.documentation = ""
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribeConfigsResourceResult.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.value = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribeConfigsResourceResult.value")
        o.value = b[p:q].decode()
        p = q
    o.read_only, o.config_source, o.is_sensitive, n = _unpack_tbti(b, p)
    p += 7
    if n < 0 or n * 5 > e - p:
        raise bad_length("DescribeConfigsResourceResult.synonyms")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_synonyms: list[DescribeConfigsSynonym] = []
    o.synonyms = l_synonyms
    for _ in range(n):
        x_synonyms, p = _read_describe_configs_synonym_v1(b, p, e, c)
        l_synonyms.append(x_synonyms)
    return o, p


def _write_describe_configs_resource_result_v1(o: DescribeConfigsResourceResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_value = o.value
    if v_value is None:
        w(_pack_h(-1))
    else:
        r_value = v_value.encode()
        w(_pack_h(len(r_value)))
        w(r_value)
    v_synonyms = o.synonyms
    w(_pack_tbti(o.read_only, o.config_source, o.is_sensitive, len(v_synonyms)))
    for x_synonyms in v_synonyms:
        _write_describe_configs_synonym_v1(x_synonyms, w)


def _read_describe_configs_resource_result_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsResourceResult, int]:
    o = _new(DescribeConfigsResourceResult)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribeConfigsResourceResult.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.value = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribeConfigsResourceResult.value")
        o.value = b[p:q].decode()
        p = q
    o.read_only, o.config_source, o.is_sensitive, n = _unpack_tbti(b, p)
    p += 7
    if n < 0 or n * 5 > e - p:
        raise bad_length("DescribeConfigsResourceResult.synonyms")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_synonyms: list[DescribeConfigsSynonym] = []
    o.synonyms = l_synonyms
    for _ in range(n):
        x_synonyms, p = _read_describe_configs_synonym_v1(b, p, e, c)
        l_synonyms.append(x_synonyms)
    o.config_type, n = _unpack_bh(b, p)
    p += 3
    if n < 0:
        o.documentation = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribeConfigsResourceResult.documentation")
        o.documentation = b[p:q].decode()
        p = q
    return o, p


def _write_describe_configs_resource_result_v3(o: DescribeConfigsResourceResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_value = o.value
    if v_value is None:
        w(_pack_h(-1))
    else:
        r_value = v_value.encode()
        w(_pack_h(len(r_value)))
        w(r_value)
    v_synonyms = o.synonyms
    w(_pack_tbti(o.read_only, o.config_source, o.is_sensitive, len(v_synonyms)))
    for x_synonyms in v_synonyms:
        _write_describe_configs_synonym_v1(x_synonyms, w)
    v_documentation = o.documentation
    if v_documentation is None:
        w(_pack_bh(o.config_type, -1))
    else:
        r_documentation = v_documentation.encode()
        w(_pack_bh(o.config_type, len(r_documentation)))
        w(r_documentation)


def _read_describe_configs_resource_result_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsResourceResult, int]:
    o = _new(DescribeConfigsResourceResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeConfigsResourceResult.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.value = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeConfigsResourceResult.value")
        o.value = b[p:q].decode()
        p = q
    o.read_only, o.config_source, o.is_sensitive, n = _unpack_tbtB(b, p)
    p += 4
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("DescribeConfigsResourceResult.synonyms")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_synonyms: list[DescribeConfigsSynonym] = []
    o.synonyms = l_synonyms
    for _ in range(n):
        x_synonyms, p = _read_describe_configs_synonym_v4(b, p, e, c)
        l_synonyms.append(x_synonyms)
    o.config_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.documentation = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeConfigsResourceResult.documentation")
        o.documentation = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_configs_resource_result_v4(o: DescribeConfigsResourceResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_value = o.value
    if v_value is None:
        w(b"\0")
    else:
        r_value = v_value.encode()
        n = len(r_value) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_value)
    v_synonyms = o.synonyms
    w(_pack_tbt(o.read_only, o.config_source, o.is_sensitive))
    n = len(v_synonyms) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_synonyms in v_synonyms:
        _write_describe_configs_synonym_v4(x_synonyms, w)
    v_documentation = o.documentation
    w(_pack_b(o.config_type))
    if v_documentation is None:
        w(b"\0")
    else:
        r_documentation = v_documentation.encode()
        n = len(r_documentation) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_documentation)
    w(b"\0")


def _read_describe_configs_result_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsResult, int]:
    o = _new(DescribeConfigsResult)
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribeConfigsResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.resource_type, n = _unpack_bh(b, p)
    p += 3
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribeConfigsResult.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 11 > e - p:
        raise bad_length("DescribeConfigsResult.configs")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_configs: list[DescribeConfigsResourceResult] = []
    o.configs = l_configs
    for _ in range(n):
        x_configs, p = _read_describe_configs_resource_result_v1(b, p, e, c)
        l_configs.append(x_configs)
    return o, p


def _write_describe_configs_result_v1(o: DescribeConfigsResult, w: Write) -> None:
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
    v_configs = o.configs
    w(_pack_i(len(v_configs)))
    for x_configs in v_configs:
        _write_describe_configs_resource_result_v1(x_configs, w)


def _read_describe_configs_result_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsResult, int]:
    o = _new(DescribeConfigsResult)
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribeConfigsResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.resource_type, n = _unpack_bh(b, p)
    p += 3
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribeConfigsResult.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 14 > e - p:
        raise bad_length("DescribeConfigsResult.configs")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_configs: list[DescribeConfigsResourceResult] = []
    o.configs = l_configs
    for _ in range(n):
        x_configs, p = _read_describe_configs_resource_result_v3(b, p, e, c)
        l_configs.append(x_configs)
    return o, p


def _write_describe_configs_result_v3(o: DescribeConfigsResult, w: Write) -> None:
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
    v_configs = o.configs
    w(_pack_i(len(v_configs)))
    for x_configs in v_configs:
        _write_describe_configs_resource_result_v3(x_configs, w)


def _read_describe_configs_result_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsResult, int]:
    o = _new(DescribeConfigsResult)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeConfigsResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.resource_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeConfigsResult.resource_name")
    o.resource_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 9 > e - p:
        raise bad_length("DescribeConfigsResult.configs")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_configs: list[DescribeConfigsResourceResult] = []
    o.configs = l_configs
    for _ in range(n):
        x_configs, p = _read_describe_configs_resource_result_v4(b, p, e, c)
        l_configs.append(x_configs)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_configs_result_v4(o: DescribeConfigsResult, w: Write) -> None:
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
    v_configs = o.configs
    n = len(v_configs) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_configs in v_configs:
        _write_describe_configs_resource_result_v4(x_configs, w)
    w(b"\0")


def _read_describe_configs_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsResponse, int]:
    o = _new(DescribeConfigsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 11 > e - p:
        raise bad_length("DescribeConfigsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[DescribeConfigsResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_describe_configs_result_v1(b, p, e, c)
        l_results.append(x_results)
    return o, p


def _write_describe_configs_response_v1(o: DescribeConfigsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_ii(o.throttle_time_ms, len(v_results)))
    for x_results in v_results:
        _write_describe_configs_result_v1(x_results, w)


def _read_describe_configs_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsResponse, int]:
    o = _new(DescribeConfigsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 11 > e - p:
        raise bad_length("DescribeConfigsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[DescribeConfigsResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_describe_configs_result_v3(b, p, e, c)
        l_results.append(x_results)
    return o, p


def _write_describe_configs_response_v3(o: DescribeConfigsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_ii(o.throttle_time_ms, len(v_results)))
    for x_results in v_results:
        _write_describe_configs_result_v3(x_results, w)


def _read_describe_configs_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeConfigsResponse, int]:
    o = _new(DescribeConfigsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 7 > e - p:
        raise bad_length("DescribeConfigsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[DescribeConfigsResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_describe_configs_result_v4(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_configs_response_v4(o: DescribeConfigsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_i(o.throttle_time_ms))
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_describe_configs_result_v4(x_results, w)
    w(b"\0")


DescribeConfigsRequest.READERS = {
    1: _read_describe_configs_request_v1,
    2: _read_describe_configs_request_v1,
    3: _read_describe_configs_request_v3,
    4: _read_describe_configs_request_v4,
}

DescribeConfigsRequest.WRITERS = {
    1: _write_describe_configs_request_v1,
    2: _write_describe_configs_request_v1,
    3: _write_describe_configs_request_v3,
    4: _write_describe_configs_request_v4,
}

DescribeConfigsResponse.READERS = {
    1: _read_describe_configs_response_v1,
    2: _read_describe_configs_response_v1,
    3: _read_describe_configs_response_v3,
    4: _read_describe_configs_response_v4,
}

DescribeConfigsResponse.WRITERS = {
    1: _write_describe_configs_response_v1,
    2: _write_describe_configs_response_v1,
    3: _write_describe_configs_response_v3,
    4: _write_describe_configs_response_v4,
}
