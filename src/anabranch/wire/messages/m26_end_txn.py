# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""EndTxn: messages of all versions, with their codec."""

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
_pack_ih = Struct_(">ih").pack
_pack_ihqhx = Struct_(">ihqhx").pack
_pack_ihx = Struct_(">ihx").pack
_pack_qht = Struct_(">qh?").pack
_pack_qhtx = Struct_(">qh?x").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ihqhB = Struct_(">ihqhB").unpack_from
_unpack_qht = Struct_(">qh?").unpack_from
_unpack_qhtB = Struct_(">qh?B").unpack_from


class EndTxnRequest(Message):
    """``EndTxnRequest`` (API key 26), versions 0 to 5."""

    __slots__ = ("transactional_id", "producer_id", "producer_epoch", "committed",)
    transactional_id: str
    producer_id: int
    producer_epoch: int
    committed: bool

    API_KEY = 26
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        transactional_id: str = "",
        producer_id: int = 0,
        producer_epoch: int = 0,
        committed: bool = False,
    ) -> None:
        self.transactional_id = transactional_id
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.committed = committed


class EndTxnResponse(Message):
    """``EndTxnResponse`` (API key 26), versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "producer_id", "producer_epoch",)
    throttle_time_ms: int
    error_code: int
    producer_id: int
    producer_epoch: int

    API_KEY = 26
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        producer_id: int = -1,
        producer_epoch: int = -1,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch


def _read_end_txn_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[EndTxnRequest, int]:
    o = _new(EndTxnRequest)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("EndTxnRequest.transactional_id")
    o.transactional_id = b[p:q].decode()
    p = q
    o.producer_id, o.producer_epoch, o.committed = _unpack_qht(b, p)
    p += 11
    return o, p


def _write_end_txn_request_v0(o: EndTxnRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    r_transactional_id = v_transactional_id.encode()
    w(_pack_h(len(r_transactional_id)))
    w(r_transactional_id)
    w(_pack_qht(o.producer_id, o.producer_epoch, o.committed))


def _read_end_txn_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[EndTxnRequest, int]:
    o = _new(EndTxnRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("EndTxnRequest.transactional_id")
    o.transactional_id = b[p:q].decode()
    p = q
    o.producer_id, o.producer_epoch, o.committed, n = _unpack_qhtB(b, p)
    p += 12
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_end_txn_request_v3(o: EndTxnRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    r_transactional_id = v_transactional_id.encode()
    n = len(r_transactional_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_transactional_id)
    w(_pack_qhtx(o.producer_id, o.producer_epoch, o.committed))


def _read_end_txn_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[EndTxnResponse, int]:
    o = _new(EndTxnResponse)
    o.producer_id = -1
    o.producer_epoch = -1
    o.throttle_time_ms, o.error_code = _unpack_ih(b, p)
    p += 6
    return o, p


def _write_end_txn_response_v0(o: EndTxnResponse, w: Write) -> None:
    w(_pack_ih(o.throttle_time_ms, o.error_code))


def _read_end_txn_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[EndTxnResponse, int]:
    o = _new(EndTxnResponse)
    o.producer_id = -1
    o.producer_epoch = -1
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_end_txn_response_v3(o: EndTxnResponse, w: Write) -> None:
    w(_pack_ihx(o.throttle_time_ms, o.error_code))


def _read_end_txn_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[EndTxnResponse, int]:
    o = _new(EndTxnResponse)
    o.throttle_time_ms, o.error_code, o.producer_id, o.producer_epoch, n = _unpack_ihqhB(b, p)
    p += 17
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_end_txn_response_v5(o: EndTxnResponse, w: Write) -> None:
    w(_pack_ihqhx(o.throttle_time_ms, o.error_code, o.producer_id, o.producer_epoch))


EndTxnRequest.READERS = {
    0: _read_end_txn_request_v0,
    1: _read_end_txn_request_v0,
    2: _read_end_txn_request_v0,
    3: _read_end_txn_request_v3,
    4: _read_end_txn_request_v3,
    5: _read_end_txn_request_v3,
}

EndTxnRequest.WRITERS = {
    0: _write_end_txn_request_v0,
    1: _write_end_txn_request_v0,
    2: _write_end_txn_request_v0,
    3: _write_end_txn_request_v3,
    4: _write_end_txn_request_v3,
    5: _write_end_txn_request_v3,
}

EndTxnResponse.READERS = {
    0: _read_end_txn_response_v0,
    1: _read_end_txn_response_v0,
    2: _read_end_txn_response_v0,
    3: _read_end_txn_response_v3,
    4: _read_end_txn_response_v3,
    5: _read_end_txn_response_v5,
}

EndTxnResponse.WRITERS = {
    0: _write_end_txn_response_v0,
    1: _write_end_txn_response_v0,
    2: _write_end_txn_response_v0,
    3: _write_end_txn_response_v3,
    4: _write_end_txn_response_v3,
    5: _write_end_txn_response_v5,
}
