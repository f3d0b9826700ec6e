# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""SaslAuthenticate: messages of all versions, with their codec."""

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
_pack_h = Struct_(">h").pack
_pack_hh = Struct_(">hh").pack
_pack_i = Struct_(">i").pack
_pack_q = Struct_(">q").pack
_pack_qx = Struct_(">qx").pack
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hh = Struct_(">hh").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_q = Struct_(">q").unpack_from
_unpack_qB = Struct_(">qB").unpack_from


class SaslAuthenticateRequest(Message):
    """``SaslAuthenticateRequest`` (API key 36), versions 0 to 2."""

    __slots__ = ("auth_bytes",)
    auth_bytes: bytes

    API_KEY = 36
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        auth_bytes: bytes = b"",
    ) -> None:
        self.auth_bytes = auth_bytes


class SaslAuthenticateResponse(Message):
    """``SaslAuthenticateResponse`` (API key 36), versions 0 to 2."""

    __slots__ = ("error_code", "error_message", "auth_bytes", "session_lifetime_ms",)
    error_code: int
    error_message: str | None
    auth_bytes: bytes
    session_lifetime_ms: int

    API_KEY = 36
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = "",
        auth_bytes: bytes = b"",
        session_lifetime_ms: int = 0,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.auth_bytes = auth_bytes
        self.session_lifetime_ms = session_lifetime_ms


def _read_sasl_authenticate_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[SaslAuthenticateRequest, int]:
    o = _new(SaslAuthenticateRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("SaslAuthenticateRequest.auth_bytes")
    o.auth_bytes = b[p:q]
    p = q
    return o, p


def _write_sasl_authenticate_request_v0(o: SaslAuthenticateRequest, w: Write) -> None:
    v_auth_bytes = o.auth_bytes
    w(_pack_i(len(v_auth_bytes)))
    w(v_auth_bytes)


def _read_sasl_authenticate_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[SaslAuthenticateRequest, int]:
    o = _new(SaslAuthenticateRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("SaslAuthenticateRequest.auth_bytes")
    o.auth_bytes = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_sasl_authenticate_request_v2(o: SaslAuthenticateRequest, w: Write) -> None:
    v_auth_bytes = o.auth_bytes
    n = len(v_auth_bytes) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_auth_bytes)
    w(b"\0")


def _read_sasl_authenticate_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[SaslAuthenticateResponse, int]:
    o = _new(SaslAuthenticateResponse)
    o.session_lifetime_ms = 0
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("SaslAuthenticateResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("SaslAuthenticateResponse.auth_bytes")
    o.auth_bytes = b[p:q]
    p = q
    return o, p


def _write_sasl_authenticate_response_v0(o: SaslAuthenticateResponse, w: Write) -> None:
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_hh(o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_hh(o.error_code, len(r_error_message)))
        w(r_error_message)
    v_auth_bytes = o.auth_bytes
    w(_pack_i(len(v_auth_bytes)))
    w(v_auth_bytes)


def _read_sasl_authenticate_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[SaslAuthenticateResponse, int]:
    o = _new(SaslAuthenticateResponse)
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("SaslAuthenticateResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("SaslAuthenticateResponse.auth_bytes")
    o.auth_bytes = b[p:q]
    p = q
    (o.session_lifetime_ms,) = _unpack_q(b, p)
    p += 8
    return o, p


def _write_sasl_authenticate_response_v1(o: SaslAuthenticateResponse, w: Write) -> None:
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_hh(o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_hh(o.error_code, len(r_error_message)))
        w(r_error_message)
    v_auth_bytes = o.auth_bytes
    w(_pack_i(len(v_auth_bytes)))
    w(v_auth_bytes)
    w(_pack_q(o.session_lifetime_ms))


def _read_sasl_authenticate_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[SaslAuthenticateResponse, int]:
    o = _new(SaslAuthenticateResponse)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("SaslAuthenticateResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("SaslAuthenticateResponse.auth_bytes")
    o.auth_bytes = b[p:q]
    p = q
    o.session_lifetime_ms, n = _unpack_qB(b, p)
    p += 9
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_sasl_authenticate_response_v2(o: SaslAuthenticateResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_auth_bytes = o.auth_bytes
    n = len(v_auth_bytes) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_auth_bytes)
    w(_pack_qx(o.session_lifetime_ms))


SaslAuthenticateRequest.READERS = {
    0: _read_sasl_authenticate_request_v0,
    1: _read_sasl_authenticate_request_v0,
    2: _read_sasl_authenticate_request_v2,
}

SaslAuthenticateRequest.WRITERS = {
    0: _write_sasl_authenticate_request_v0,
    1: _write_sasl_authenticate_request_v0,
    2: _write_sasl_authenticate_request_v2,
}

SaslAuthenticateResponse.READERS = {
    0: _read_sasl_authenticate_response_v0,
    1: _read_sasl_authenticate_response_v1,
    2: _read_sasl_authenticate_response_v2,
}

SaslAuthenticateResponse.WRITERS = {
    0: _write_sasl_authenticate_response_v0,
    1: _write_sasl_authenticate_response_v1,
    2: _write_sasl_authenticate_response_v2,
}
