# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""SaslHandshake: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
    EMPTY,
    Message,
    Write,
    bad_length,
    too_many,
)

_new = object.__new__
_pack_h = Struct_(">h").pack
_pack_hi = Struct_(">hi").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_hi = Struct_(">hi").unpack_from


class SaslHandshakeRequest(Message):
    """``SaslHandshakeRequest`` (API key 17), versions 0 to 1."""

    __slots__ = ("mechanism",)
    mechanism: str

    API_KEY = 17
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 32767

    def __init__(
        self,
        *,
        mechanism: str = "",
    ) -> None:
        self.mechanism = mechanism


class SaslHandshakeResponse(Message):
    """``SaslHandshakeResponse`` (API key 17), versions 0 to 1."""

    __slots__ = ("error_code", "mechanisms",)
    error_code: int
    mechanisms: list[str]

    API_KEY = 17
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 32767

    def __init__(
        self,
        *,
        error_code: int = 0,
        mechanisms: list[str] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.mechanisms = [] if mechanisms is EMPTY else mechanisms


def _read_sasl_handshake_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[SaslHandshakeRequest, int]:
    o = _new(SaslHandshakeRequest)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("SaslHandshakeRequest.mechanism")
    o.mechanism = b[p:q].decode()
    p = q
    return o, p


def _write_sasl_handshake_request_v0(o: SaslHandshakeRequest, w: Write) -> None:
    v_mechanism = o.mechanism
    r_mechanism = v_mechanism.encode()
    w(_pack_h(len(r_mechanism)))
    w(r_mechanism)


def _read_sasl_handshake_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[SaslHandshakeResponse, int]:
    o = _new(SaslHandshakeResponse)
    o.error_code, n = _unpack_hi(b, p)
    p += 6
    if n < 0 or n * 2 > e - p:
        raise bad_length("SaslHandshakeResponse.mechanisms")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_mechanisms: list[str] = []
    o.mechanisms = l_mechanisms
    for _ in range(n):
        (n,) = _unpack_h(b, p)
        p += 2
        q = p + n
        if not p <= q <= e:
            raise bad_length("SaslHandshakeResponse.mechanisms")
        l_mechanisms.append(b[p:q].decode())
        p = q
    return o, p


def _write_sasl_handshake_response_v0(o: SaslHandshakeResponse, w: Write) -> None:
    v_mechanisms = o.mechanisms
    w(_pack_hi(o.error_code, len(v_mechanisms)))
    for x_mechanisms in v_mechanisms:
        r_mechanisms = x_mechanisms.encode()
        w(_pack_h(len(r_mechanisms)))
        w(r_mechanisms)


SaslHandshakeRequest.READERS = {
    0: _read_sasl_handshake_request_v0,
    1: _read_sasl_handshake_request_v0,
}

SaslHandshakeRequest.WRITERS = {
    0: _write_sasl_handshake_request_v0,
    1: _write_sasl_handshake_request_v0,
}

SaslHandshakeResponse.READERS = {
    0: _read_sasl_handshake_response_v0,
    1: _read_sasl_handshake_response_v0,
}

SaslHandshakeResponse.WRITERS = {
    0: _write_sasl_handshake_response_v0,
    1: _write_sasl_handshake_response_v0,
}
