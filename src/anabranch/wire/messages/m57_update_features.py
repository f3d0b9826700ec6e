# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""UpdateFeatures: messages of all versions, with their codec."""

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
_pack_tx = Struct_(">?x").pack
_pack_h = Struct_(">h").pack
_pack_htx = Struct_(">h?x").pack
_pack_hbx = Struct_(">hbx").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_unpack_tB = Struct_(">?B").unpack_from
_unpack_htB = Struct_(">h?B").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hbB = Struct_(">hbB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from


class FeatureUpdateKey(Struct):
    """Part of UpdateFeaturesRequest."""

    __slots__ = ("feature", "max_version_level", "allow_downgrade", "upgrade_type",)
    feature: str
    max_version_level: int
    allow_downgrade: bool
    upgrade_type: int

    def __init__(
        self,
        *,
        feature: str = "",
        max_version_level: int = 0,
        allow_downgrade: bool = False,
        upgrade_type: int = 1,
    ) -> None:
        self.feature = feature
        self.max_version_level = max_version_level
        self.allow_downgrade = allow_downgrade
        self.upgrade_type = upgrade_type


class UpdateFeaturesRequest(Message):
    """``UpdateFeaturesRequest`` (API key 57), versions 0 to 2."""

    __slots__ = ("timeout_ms", "feature_updates", "validate_only",)
    timeout_ms: int
    feature_updates: list[FeatureUpdateKey]
    validate_only: bool

    API_KEY = 57
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        timeout_ms: int = 60000,
        feature_updates: list[FeatureUpdateKey] = EMPTY,
        validate_only: bool = False,
    ) -> None:
        self.timeout_ms = timeout_ms
        self.feature_updates = [] if feature_updates is EMPTY else feature_updates
        self.validate_only = validate_only


class UpdatableFeatureResult(Struct):
    """Part of UpdateFeaturesResponse."""

    __slots__ = ("feature", "error_code", "error_message",)
    feature: str
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        feature: str = "",
        error_code: int = 0,
        error_message: str | None = "",
    ) -> None:
        self.feature = feature
        self.error_code = error_code
        self.error_message = error_message


class UpdateFeaturesResponse(Message):
    """``UpdateFeaturesResponse`` (API key 57), versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "results",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    results: list[UpdatableFeatureResult]

    API_KEY = 57
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        results: list[UpdatableFeatureResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.results = [] if results is EMPTY else results


def _read_feature_update_key_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[FeatureUpdateKey, int]:
    o = _new(FeatureUpdateKey)
    o.upgrade_type = 1
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FeatureUpdateKey.feature")
    o.feature = b[p:q].decode()
    p = q
    o.max_version_level, o.allow_downgrade, n = _unpack_htB(b, p)
    p += 4
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_feature_update_key_v0(o: FeatureUpdateKey, w: Write) -> None:
    v_feature = o.feature
    r_feature = v_feature.encode()
    n = len(r_feature) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_feature)
    w(_pack_htx(o.max_version_level, o.allow_downgrade))


def _read_feature_update_key_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[FeatureUpdateKey, int]:
    o = _new(FeatureUpdateKey)
    o.allow_downgrade = False
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FeatureUpdateKey.feature")
    o.feature = b[p:q].decode()
    p = q
    o.max_version_level, o.upgrade_type, n = _unpack_hbB(b, p)
    p += 4
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_feature_update_key_v1(o: FeatureUpdateKey, w: Write) -> None:
    v_feature = o.feature
    r_feature = v_feature.encode()
    n = len(r_feature) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_feature)
    w(_pack_hbx(o.max_version_level, o.upgrade_type))


def _read_update_features_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[UpdateFeaturesRequest, int]:
    o = _new(UpdateFeaturesRequest)
    o.validate_only = False
    o.timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("UpdateFeaturesRequest.feature_updates")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_feature_updates: list[FeatureUpdateKey] = []
    o.feature_updates = l_feature_updates
    for _ in range(n):
        x_feature_updates, p = _read_feature_update_key_v0(b, p, e, c)
        l_feature_updates.append(x_feature_updates)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_update_features_request_v0(o: UpdateFeaturesRequest, w: Write) -> None:
    v_feature_updates = o.feature_updates
    w(_pack_i(o.timeout_ms))
    n = len(v_feature_updates) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_feature_updates in v_feature_updates:
        _write_feature_update_key_v0(x_feature_updates, w)
    w(b"\0")


def _read_update_features_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[UpdateFeaturesRequest, int]:
    o = _new(UpdateFeaturesRequest)
    o.timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("UpdateFeaturesRequest.feature_updates")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_feature_updates: list[FeatureUpdateKey] = []
    o.feature_updates = l_feature_updates
    for _ in range(n):
        x_feature_updates, p = _read_feature_update_key_v1(b, p, e, c)
        l_feature_updates.append(x_feature_updates)
    o.validate_only, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_update_features_request_v1(o: UpdateFeaturesRequest, w: Write) -> None:
    v_feature_updates = o.feature_updates
    w(_pack_i(o.timeout_ms))
    n = len(v_feature_updates) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_feature_updates in v_feature_updates:
        _write_feature_update_key_v1(x_feature_updates, w)
    w(_pack_tx(o.validate_only))


def _read_updatable_feature_result_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[UpdatableFeatureResult, int]:
    o = _new(UpdatableFeatureResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("UpdatableFeatureResult.feature")
    o.feature = b[p:q].decode()
    p = q
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("UpdatableFeatureResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_updatable_feature_result_v0(o: UpdatableFeatureResult, w: Write) -> None:
    v_feature = o.feature
    r_feature = v_feature.encode()
    n = len(r_feature) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_feature)
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


def _read_update_features_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[UpdateFeaturesResponse, int]:
    o = _new(UpdateFeaturesResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("UpdateFeaturesResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("UpdateFeaturesResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[UpdatableFeatureResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_updatable_feature_result_v0(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_update_features_response_v0(o: UpdateFeaturesResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_results = o.results
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_updatable_feature_result_v0(x_results, w)
    w(b"\0")


def _read_update_features_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[UpdateFeaturesResponse, int]:
    o = _new(UpdateFeaturesResponse)
    o.results = []
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("UpdateFeaturesResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_update_features_response_v2(o: UpdateFeaturesResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    w(b"\0")


UpdateFeaturesRequest.READERS = {
    0: _read_update_features_request_v0,
    1: _read_update_features_request_v1,
    2: _read_update_features_request_v1,
}

UpdateFeaturesRequest.WRITERS = {
    0: _write_update_features_request_v0,
    1: _write_update_features_request_v1,
    2: _write_update_features_request_v1,
}

UpdateFeaturesResponse.READERS = {
    0: _read_update_features_response_v0,
    1: _read_update_features_response_v0,
    2: _read_update_features_response_v2,
}

UpdateFeaturesResponse.WRITERS = {
    0: _write_update_features_response_v0,
    1: _write_update_features_response_v0,
    2: _write_update_features_response_v2,
}
