# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""RenewDelegationToken: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
    Message,
    UVARINT,
    Write,
    bad_length,
    skip_tags,
    uvarint,
    uvarint_bytes,
)

_new = object.__new__
_pack_hqi = Struct_(">hqi").pack
_pack_hqix = Struct_(">hqix").pack
_pack_i = Struct_(">i").pack
_pack_q = Struct_(">q").pack
_pack_qx = Struct_(">qx").pack
_unpack_hqi = Struct_(">hqi").unpack_from
_unpack_hqiB = Struct_(">hqiB").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_q = Struct_(">q").unpack_from
_unpack_qB = Struct_(">qB").unpack_from


class RenewDelegationTokenRequest(Message):
    """``RenewDelegationTokenRequest`` (API key 39), versions 1 to 2."""

    __slots__ = ("hmac", "renew_period_ms",)
    hmac: bytes
    renew_period_ms: int

    API_KEY = 39
    MIN_VERSION = 1
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        hmac: bytes = b"",
        renew_period_ms: int = 0,
    ) -> None:
        self.hmac = hmac
        self.renew_period_ms = renew_period_ms


class RenewDelegationTokenResponse(Message):
    """``RenewDelegationTokenResponse`` (API key 39), versions 1 to 2."""

    __slots__ = ("error_code", "expiry_timestamp_ms", "throttle_time_ms",)
    error_code: int
    expiry_timestamp_ms: int
    throttle_time_ms: int

    API_KEY = 39
    MIN_VERSION = 1
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        error_code: int = 0,
        expiry_timestamp_ms: int = 0,
        throttle_time_ms: int = 0,
    ) -> None:
        self.error_code = error_code
        self.expiry_timestamp_ms = expiry_timestamp_ms
        self.throttle_time_ms = throttle_time_ms


def _read_renew_delegation_token_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[RenewDelegationTokenRequest, int]:
    o = _new(RenewDelegationTokenRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("RenewDelegationTokenRequest.hmac")
    o.hmac = b[p:q]
    p = q
    (o.renew_period_ms,) = _unpack_q(b, p)
    p += 8
    return o, p


def _write_renew_delegation_token_request_v1(o: RenewDelegationTokenRequest, w: Write) -> None:
    v_hmac = o.hmac
    w(_pack_i(len(v_hmac)))
    w(v_hmac)
    w(_pack_q(o.renew_period_ms))


def _read_renew_delegation_token_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[RenewDelegationTokenRequest, int]:
    o = _new(RenewDelegationTokenRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("RenewDelegationTokenRequest.hmac")
    o.hmac = b[p:q]
    p = q
    o.renew_period_ms, n = _unpack_qB(b, p)
    p += 9
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_renew_delegation_token_request_v2(o: RenewDelegationTokenRequest, w: Write) -> None:
    v_hmac = o.hmac
    n = len(v_hmac) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_hmac)
    w(_pack_qx(o.renew_period_ms))


def _read_renew_delegation_token_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[RenewDelegationTokenResponse, int]:
    o = _new(RenewDelegationTokenResponse)
    o.error_code, o.expiry_timestamp_ms, o.throttle_time_ms = _unpack_hqi(b, p)
    p += 14
    return o, p


def _write_renew_delegation_token_response_v1(o: RenewDelegationTokenResponse, w: Write) -> None:
    w(_pack_hqi(o.error_code, o.expiry_timestamp_ms, o.throttle_time_ms))


def _read_renew_delegation_token_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[RenewDelegationTokenResponse, int]:
    o = _new(RenewDelegationTokenResponse)
    o.error_code, o.expiry_timestamp_ms, o.throttle_time_ms, n = _unpack_hqiB(b, p)
    p += 15
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_renew_delegation_token_response_v2(o: RenewDelegationTokenResponse, w: Write) -> None:
    w(_pack_hqix(o.error_code, o.expiry_timestamp_ms, o.throttle_time_ms))


RenewDelegationTokenRequest.READERS = {
    1: _read_renew_delegation_token_request_v1,
    2: _read_renew_delegation_token_request_v2,
}

RenewDelegationTokenRequest.WRITERS = {
    1: _write_renew_delegation_token_request_v1,
    2: _write_renew_delegation_token_request_v2,
}

RenewDelegationTokenResponse.READERS = {
    1: _read_renew_delegation_token_response_v1,
    2: _read_renew_delegation_token_response_v2,
}

RenewDelegationTokenResponse.WRITERS = {
    1: _write_renew_delegation_token_response_v1,
    2: _write_renew_delegation_token_response_v2,
}
