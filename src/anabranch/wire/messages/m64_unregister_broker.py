# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""UnregisterBroker: messages of all versions, with their codec."""

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
_pack_ih = Struct_(">ih").pack
_pack_ix = Struct_(">ix").pack
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from


class UnregisterBrokerRequest(Message):
    """``UnregisterBrokerRequest`` (API key 64), version 0."""

    __slots__ = ("broker_id",)
    broker_id: int

    API_KEY = 64
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        broker_id: int = 0,
    ) -> None:
        self.broker_id = broker_id


class UnregisterBrokerResponse(Message):
    """``UnregisterBrokerResponse`` (API key 64), version 0."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None

    API_KEY = 64
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message


def _read_unregister_broker_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[UnregisterBrokerRequest, int]:
    o = _new(UnregisterBrokerRequest)
    o.broker_id, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_unregister_broker_request_v0(o: UnregisterBrokerRequest, w: Write) -> None:
    w(_pack_ix(o.broker_id))


def _read_unregister_broker_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[UnregisterBrokerResponse, int]:
    o = _new(UnregisterBrokerResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("UnregisterBrokerResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_unregister_broker_response_v0(o: UnregisterBrokerResponse, w: Write) -> None:
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


UnregisterBrokerRequest.READERS = {
    0: _read_unregister_broker_request_v0,
}

UnregisterBrokerRequest.WRITERS = {
    0: _write_unregister_broker_request_v0,
}

UnregisterBrokerResponse.READERS = {
    0: _read_unregister_broker_response_v0,
}

UnregisterBrokerResponse.WRITERS = {
    0: _write_unregister_broker_response_v0,
}
