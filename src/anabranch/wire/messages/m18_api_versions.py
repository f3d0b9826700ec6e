# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ApiVersions: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
    Buffer,
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
_pack_hhh = Struct_(">hhh").pack
_pack_hhhx = Struct_(">hhhx").pack
_pack_hhx = Struct_(">hhx").pack
_pack_hi = Struct_(">hi").pack
_pack_i = Struct_(">i").pack
_pack_q = Struct_(">q").pack
_unpack_t = Struct_(">?").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hhB = Struct_(">hhB").unpack_from
_unpack_hhh = Struct_(">hhh").unpack_from
_unpack_hhhB = Struct_(">hhhB").unpack_from
_unpack_hi = Struct_(">hi").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_q = Struct_(">q").unpack_from


class ApiVersionsRequest(Message):
    """``ApiVersionsRequest`` (API key 18), versions 0 to 4."""

    __slots__ = ("client_software_name", "client_software_version",)
    client_software_name: str
    client_software_version: str

    API_KEY = 18
    MIN_VERSION = 0
    MAX_VERSION = 4
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        client_software_name: str = "",
        client_software_version: str = "",
    ) -> None:
        self.client_software_name = client_software_name
        self.client_software_version = client_software_version


class ApiVersion(Struct):
    """Part of ApiVersionsResponse."""

    __slots__ = ("api_key", "min_version", "max_version",)
    api_key: int
    min_version: int
    max_version: int

    def __init__(
        self,
        *,
        api_key: int = 0,
        min_version: int = 0,
        max_version: int = 0,
    ) -> None:
        self.api_key = api_key
        self.min_version = min_version
        self.max_version = max_version


class SupportedFeatureKey(Struct):
    """Part of ApiVersionsResponse."""

    __slots__ = ("name", "min_version", "max_version",)
    name: str
    min_version: int
    max_version: int

    def __init__(
        self,
        *,
        name: str = "",
        min_version: int = 0,
        max_version: int = 0,
    ) -> None:
        self.name = name
        self.min_version = min_version
        self.max_version = max_version


class FinalizedFeatureKey(Struct):
    """Part of ApiVersionsResponse."""

    __slots__ = ("name", "max_version_level", "min_version_level",)
    name: str
    max_version_level: int
    min_version_level: int

    def __init__(
        self,
        *,
        name: str = "",
        max_version_level: int = 0,
        min_version_level: int = 0,
    ) -> None:
        self.name = name
        self.max_version_level = max_version_level
        self.min_version_level = min_version_level


class ApiVersionsResponse(Message):
    """``ApiVersionsResponse`` (API key 18), versions 0 to 4."""

    __slots__ = ("error_code", "api_keys", "throttle_time_ms", "supported_features", "finalized_features_epoch", "finalized_features", "zk_migration_ready",)
    error_code: int
    api_keys: list[ApiVersion]
    throttle_time_ms: int
    supported_features: list[SupportedFeatureKey]
    finalized_features_epoch: int
    finalized_features: list[FinalizedFeatureKey]
    zk_migration_ready: bool

    API_KEY = 18
    MIN_VERSION = 0
    MAX_VERSION = 4
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        error_code: int = 0,
        api_keys: list[ApiVersion] = EMPTY,
        throttle_time_ms: int = 0,
        supported_features: list[SupportedFeatureKey] = EMPTY,
        finalized_features_epoch: int = -1,
        finalized_features: list[FinalizedFeatureKey] = EMPTY,
        zk_migration_ready: bool = False,
    ) -> None:
        self.error_code = error_code
        self.api_keys = [] if api_keys is EMPTY else api_keys
        self.throttle_time_ms = throttle_time_ms
        self.supported_features = [] if supported_features is EMPTY else supported_features
        self.finalized_features_epoch = finalized_features_epoch
        self.finalized_features = [] if finalized_features is EMPTY else finalized_features
        self.zk_migration_ready = zk_migration_ready


def _read_api_versions_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ApiVersionsRequest, int]:
    o = _new(ApiVersionsRequest)
    o.client_software_name = ""
    o.client_software_version = ""
    return o, p


def _write_api_versions_request_v0(o: ApiVersionsRequest, w: Write) -> None:
    return


def _read_api_versions_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[ApiVersionsRequest, int]:
    o = _new(ApiVersionsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ApiVersionsRequest.client_software_name")
    o.client_software_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ApiVersionsRequest.client_software_version")
    o.client_software_version = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_api_versions_request_v3(o: ApiVersionsRequest, w: Write) -> None:
    v_client_software_name = o.client_software_name
    r_client_software_name = v_client_software_name.encode()
    n = len(r_client_software_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_client_software_name)
    v_client_software_version = o.client_software_version
    r_client_software_version = v_client_software_version.encode()
    n = len(r_client_software_version) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_client_software_version)
    w(b"\0")


def _read_api_version_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ApiVersion, int]:
    o = _new(ApiVersion)
    o.api_key, o.min_version, o.max_version = _unpack_hhh(b, p)
    p += 6
    return o, p


def _write_api_version_v0(o: ApiVersion, w: Write) -> None:
    w(_pack_hhh(o.api_key, o.min_version, o.max_version))


def _read_api_version_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[ApiVersion, int]:
    o = _new(ApiVersion)
    o.api_key, o.min_version, o.max_version, n = _unpack_hhhB(b, p)
    p += 7
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_api_version_v3(o: ApiVersion, w: Write) -> None:
    w(_pack_hhhx(o.api_key, o.min_version, o.max_version))


def _read_supported_feature_key_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[SupportedFeatureKey, int]:
    o = _new(SupportedFeatureKey)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("SupportedFeatureKey.name")
    o.name = b[p:q].decode()
    p = q
    o.min_version, o.max_version, n = _unpack_hhB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_supported_feature_key_v3(o: SupportedFeatureKey, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    w(_pack_hhx(o.min_version, o.max_version))


def _read_finalized_feature_key_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[FinalizedFeatureKey, int]:
    o = _new(FinalizedFeatureKey)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FinalizedFeatureKey.name")
    o.name = b[p:q].decode()
    p = q
    o.max_version_level, o.min_version_level, n = _unpack_hhB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_finalized_feature_key_v3(o: FinalizedFeatureKey, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    w(_pack_hhx(o.max_version_level, o.min_version_level))


def _read_api_versions_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ApiVersionsResponse, int]:
    o = _new(ApiVersionsResponse)
    o.throttle_time_ms = 0
    o.supported_features = []
    o.finalized_features_epoch = -1
    o.finalized_features = []
    o.zk_migration_ready = False
    o.error_code, n = _unpack_hi(b, p)
    p += 6
    if n < 0 or n * 6 > e - p:
        raise bad_length("ApiVersionsResponse.api_keys")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_api_keys: list[ApiVersion] = []
    o.api_keys = l_api_keys
    for _ in range(n):
        x_api_keys, p = _read_api_version_v0(b, p, e, c)
        l_api_keys.append(x_api_keys)
    return o, p


def _write_api_versions_response_v0(o: ApiVersionsResponse, w: Write) -> None:
    v_api_keys = o.api_keys
    w(_pack_hi(o.error_code, len(v_api_keys)))
    for x_api_keys in v_api_keys:
        _write_api_version_v0(x_api_keys, w)


def _read_api_versions_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ApiVersionsResponse, int]:
    o = _new(ApiVersionsResponse)
    o.supported_features = []
    o.finalized_features_epoch = -1
    o.finalized_features = []
    o.zk_migration_ready = False
    o.error_code, n = _unpack_hi(b, p)
    p += 6
    if n < 0 or n * 6 > e - p:
        raise bad_length("ApiVersionsResponse.api_keys")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_api_keys: list[ApiVersion] = []
    o.api_keys = l_api_keys
    for _ in range(n):
        x_api_keys, p = _read_api_version_v0(b, p, e, c)
        l_api_keys.append(x_api_keys)
    (o.throttle_time_ms,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_api_versions_response_v1(o: ApiVersionsResponse, w: Write) -> None:
    v_api_keys = o.api_keys
    w(_pack_hi(o.error_code, len(v_api_keys)))
    for x_api_keys in v_api_keys:
        _write_api_version_v0(x_api_keys, w)
    w(_pack_i(o.throttle_time_ms))


def _read_api_versions_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[ApiVersionsResponse, int]:
    o = _new(ApiVersionsResponse)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 7 > e - p:
        raise bad_length("ApiVersionsResponse.api_keys")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_api_keys: list[ApiVersion] = []
    o.api_keys = l_api_keys
    for _ in range(n):
        x_api_keys, p = _read_api_version_v3(b, p, e, c)
        l_api_keys.append(x_api_keys)
    o.supported_features = []
    o.finalized_features_epoch = -1
    o.finalized_features = []
    o.zk_migration_ready = False
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        n, p = uvarint(b, p - 1)
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        for _ in range(n):
            t, p = uvarint(b, p)
            n, p = uvarint(b, p)
            z = p + n
            if z > e:
                raise bad_length("ApiVersionsResponse: tagged field")
            if t == 0:
                n = b[p]
                p += 1
                if n > 127:
                    n, p = uvarint(b, p - 1)
                n -= 1
                if n < 0 or n * 6 > z - p:
                    raise bad_length("ApiVersionsResponse.supported_features")
                c[0] -= n
                if c[0] < 0:
                    raise too_many()
                l_supported_features: list[SupportedFeatureKey] = []
                o.supported_features = l_supported_features
                for _ in range(n):
                    x_supported_features, p = _read_supported_feature_key_v3(b, p, z, c)
                    l_supported_features.append(x_supported_features)
            elif t == 1:
                (o.finalized_features_epoch,) = _unpack_q(b, p)
                p += 8
            elif t == 2:
                n = b[p]
                p += 1
                if n > 127:
                    n, p = uvarint(b, p - 1)
                n -= 1
                if n < 0 or n * 6 > z - p:
                    raise bad_length("ApiVersionsResponse.finalized_features")
                c[0] -= n
                if c[0] < 0:
                    raise too_many()
                l_finalized_features: list[FinalizedFeatureKey] = []
                o.finalized_features = l_finalized_features
                for _ in range(n):
                    x_finalized_features, p = _read_finalized_feature_key_v3(b, p, z, c)
                    l_finalized_features.append(x_finalized_features)
            elif t == 3:
                (o.zk_migration_ready,) = _unpack_t(b, p)
                p += 1
            else:
                p = z
            if p != z:
                raise bad_length("ApiVersionsResponse: tagged field")
    return o, p


def _write_api_versions_response_v3(o: ApiVersionsResponse, w: Write) -> None:
    v_api_keys = o.api_keys
    w(_pack_h(o.error_code))
    n = len(v_api_keys) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_api_keys in v_api_keys:
        _write_api_version_v3(x_api_keys, w)
    w(_pack_i(o.throttle_time_ms))
    n = 0
    if o.supported_features:
        n += 1
    if o.finalized_features_epoch != -1:
        n += 1
    if o.finalized_features:
        n += 1
    if o.zk_migration_ready:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.supported_features:
        g: list[Buffer] = []
        a = g.append
        v_supported_features = o.supported_features
        n = len(v_supported_features) + 1
        a(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_supported_features in v_supported_features:
            _write_supported_feature_key_v3(x_supported_features, a)
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)
    if o.finalized_features_epoch != -1:
        g = []
        a = g.append
        a(_pack_q(o.finalized_features_epoch))
        n = sum(map(len, g))
        w(UVARINT[1])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)
    if o.finalized_features:
        g = []
        a = g.append
        v_finalized_features = o.finalized_features
        n = len(v_finalized_features) + 1
        a(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_finalized_features in v_finalized_features:
            _write_finalized_feature_key_v3(x_finalized_features, a)
        n = sum(map(len, g))
        w(UVARINT[2])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)
    if o.zk_migration_ready:
        g = []
        a = g.append
        a(_pack_t(o.zk_migration_ready))
        n = sum(map(len, g))
        w(UVARINT[3])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


ApiVersionsRequest.READERS = {
    0: _read_api_versions_request_v0,
    1: _read_api_versions_request_v0,
    2: _read_api_versions_request_v0,
    3: _read_api_versions_request_v3,
    4: _read_api_versions_request_v3,
}

ApiVersionsRequest.WRITERS = {
    0: _write_api_versions_request_v0,
    1: _write_api_versions_request_v0,
    2: _write_api_versions_request_v0,
    3: _write_api_versions_request_v3,
    4: _write_api_versions_request_v3,
}

ApiVersionsResponse.READERS = {
    0: _read_api_versions_response_v0,
    1: _read_api_versions_response_v1,
    2: _read_api_versions_response_v1,
    3: _read_api_versions_response_v3,
    4: _read_api_versions_response_v3,
}

ApiVersionsResponse.WRITERS = {
    0: _write_api_versions_response_v0,
    1: _write_api_versions_response_v1,
    2: _write_api_versions_response_v1,
    3: _write_api_versions_response_v3,
    4: _write_api_versions_response_v3,
}
