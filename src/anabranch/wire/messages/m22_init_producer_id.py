# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""InitProducerId: messages of all versions, with their codec."""

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
_pack_i = Struct_(">i").pack
_pack_ihqh = Struct_(">ihqh").pack
_pack_ihqhqhx = Struct_(">ihqhqhx").pack
_pack_ihqhx = Struct_(">ihqhx").pack
_pack_iqhttx = Struct_(">iqh??x").pack
_pack_iqhx = Struct_(">iqhx").pack
_pack_ix = Struct_(">ix").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihqh = Struct_(">ihqh").unpack_from
_unpack_ihqhB = Struct_(">ihqhB").unpack_from
_unpack_ihqhqhB = Struct_(">ihqhqhB").unpack_from
_unpack_iqhttB = Struct_(">iqh??B").unpack_from
_unpack_iqhB = Struct_(">iqhB").unpack_from


class InitProducerIdRequest(Message):
    """``InitProducerIdRequest`` (API key 22), versions 0 to 6."""

    __slots__ = ("transactional_id", "transaction_timeout_ms", "producer_id", "producer_epoch", "enable2_pc", "keep_prepared_txn",)
    transactional_id: str | None
    transaction_timeout_ms: int
    producer_id: int
    producer_epoch: int
    enable2_pc: bool
    keep_prepared_txn: bool

    API_KEY = 22
    MIN_VERSION = 0
    MAX_VERSION = 6
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        transactional_id: str | None = "",
        transaction_timeout_ms: int = 0,
        producer_id: int = -1,
        producer_epoch: int = -1,
        enable2_pc: bool = False,
        keep_prepared_txn: bool = False,
    ) -> None:
        self.transactional_id = transactional_id
        self.transaction_timeout_ms = transaction_timeout_ms
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.enable2_pc = enable2_pc
        self.keep_prepared_txn = keep_prepared_txn


class InitProducerIdResponse(Message):
    """``InitProducerIdResponse`` (API key 22), versions 0 to 6."""

    __slots__ = ("throttle_time_ms", "error_code", "producer_id", "producer_epoch", "ongoing_txn_producer_id", "ongoing_txn_producer_epoch",)
    throttle_time_ms: int
    error_code: int
    producer_id: int
    producer_epoch: int
    ongoing_txn_producer_id: int
    ongoing_txn_producer_epoch: int

    API_KEY = 22
    MIN_VERSION = 0
    MAX_VERSION = 6
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        producer_id: int = -1,
        producer_epoch: int = 0,
        ongoing_txn_producer_id: int = -1,
        ongoing_txn_producer_epoch: int = -1,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.ongoing_txn_producer_id = ongoing_txn_producer_id
        self.ongoing_txn_producer_epoch = ongoing_txn_producer_epoch


def _read_init_producer_id_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[InitProducerIdRequest, int]:
    o = _new(InitProducerIdRequest)
    o.producer_id = -1
    o.producer_epoch = -1
    o.enable2_pc = False
    o.keep_prepared_txn = False
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.transactional_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("InitProducerIdRequest.transactional_id")
        o.transactional_id = b[p:q].decode()
        p = q
    (o.transaction_timeout_ms,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_init_producer_id_request_v0(o: InitProducerIdRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    if v_transactional_id is None:
        w(_pack_h(-1))
    else:
        r_transactional_id = v_transactional_id.encode()
        w(_pack_h(len(r_transactional_id)))
        w(r_transactional_id)
    w(_pack_i(o.transaction_timeout_ms))


def _read_init_producer_id_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[InitProducerIdRequest, int]:
    o = _new(InitProducerIdRequest)
    o.producer_id = -1
    o.producer_epoch = -1
    o.enable2_pc = False
    o.keep_prepared_txn = False
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.transactional_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("InitProducerIdRequest.transactional_id")
        o.transactional_id = b[p:q].decode()
        p = q
    o.transaction_timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_init_producer_id_request_v2(o: InitProducerIdRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    if v_transactional_id is None:
        w(b"\0")
    else:
        r_transactional_id = v_transactional_id.encode()
        n = len(r_transactional_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_transactional_id)
    w(_pack_ix(o.transaction_timeout_ms))


def _read_init_producer_id_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[InitProducerIdRequest, int]:
    o = _new(InitProducerIdRequest)
    o.enable2_pc = False
    o.keep_prepared_txn = False
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.transactional_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("InitProducerIdRequest.transactional_id")
        o.transactional_id = b[p:q].decode()
        p = q
    o.transaction_timeout_ms, o.producer_id, o.producer_epoch, n = _unpack_iqhB(b, p)
    p += 15
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_init_producer_id_request_v3(o: InitProducerIdRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    if v_transactional_id is None:
        w(b"\0")
    else:
        r_transactional_id = v_transactional_id.encode()
        n = len(r_transactional_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_transactional_id)
    w(_pack_iqhx(o.transaction_timeout_ms, o.producer_id, o.producer_epoch))


def _read_init_producer_id_request_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[InitProducerIdRequest, int]:
    o = _new(InitProducerIdRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.transactional_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("InitProducerIdRequest.transactional_id")
        o.transactional_id = b[p:q].decode()
        p = q
    o.transaction_timeout_ms, o.producer_id, o.producer_epoch, o.enable2_pc, o.keep_prepared_txn, n = _unpack_iqhttB(b, p)
    p += 17
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_init_producer_id_request_v6(o: InitProducerIdRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    if v_transactional_id is None:
        w(b"\0")
    else:
        r_transactional_id = v_transactional_id.encode()
        n = len(r_transactional_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_transactional_id)
    w(_pack_iqhttx(o.transaction_timeout_ms, o.producer_id, o.producer_epoch, o.enable2_pc, o.keep_prepared_txn))


def _read_init_producer_id_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[InitProducerIdResponse, int]:
    o = _new(InitProducerIdResponse)
    o.ongoing_txn_producer_id = -1
    o.ongoing_txn_producer_epoch = -1
    o.throttle_time_ms, o.error_code, o.producer_id, o.producer_epoch = _unpack_ihqh(b, p)
    p += 16
    return o, p


def _write_init_producer_id_response_v0(o: InitProducerIdResponse, w: Write) -> None:
    w(_pack_ihqh(o.throttle_time_ms, o.error_code, o.producer_id, o.producer_epoch))


def _read_init_producer_id_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[InitProducerIdResponse, int]:
    o = _new(InitProducerIdResponse)
    o.ongoing_txn_producer_id = -1
    o.ongoing_txn_producer_epoch = -1
    o.throttle_time_ms, o.error_code, o.producer_id, o.producer_epoch, n = _unpack_ihqhB(b, p)
    p += 17
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_init_producer_id_response_v2(o: InitProducerIdResponse, w: Write) -> None:
    w(_pack_ihqhx(o.throttle_time_ms, o.error_code, o.producer_id, o.producer_epoch))


def _read_init_producer_id_response_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[InitProducerIdResponse, int]:
    o = _new(InitProducerIdResponse)
    o.throttle_time_ms, o.error_code, o.producer_id, o.producer_epoch, o.ongoing_txn_producer_id, o.ongoing_txn_producer_epoch, n = _unpack_ihqhqhB(b, p)
    p += 27
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_init_producer_id_response_v6(o: InitProducerIdResponse, w: Write) -> None:
    w(_pack_ihqhqhx(o.throttle_time_ms, o.error_code, o.producer_id, o.producer_epoch, o.ongoing_txn_producer_id, o.ongoing_txn_producer_epoch))


InitProducerIdRequest.READERS = {
    0: _read_init_producer_id_request_v0,
    1: _read_init_producer_id_request_v0,
    2: _read_init_producer_id_request_v2,
    3: _read_init_producer_id_request_v3,
    4: _read_init_producer_id_request_v3,
    5: _read_init_producer_id_request_v3,
    6: _read_init_producer_id_request_v6,
}

InitProducerIdRequest.WRITERS = {
    0: _write_init_producer_id_request_v0,
    1: _write_init_producer_id_request_v0,
    2: _write_init_producer_id_request_v2,
    3: _write_init_producer_id_request_v3,
    4: _write_init_producer_id_request_v3,
    5: _write_init_producer_id_request_v3,
    6: _write_init_producer_id_request_v6,
}

InitProducerIdResponse.READERS = {
    0: _read_init_producer_id_response_v0,
    1: _read_init_producer_id_response_v0,
    2: _read_init_producer_id_response_v2,
    3: _read_init_producer_id_response_v2,
    4: _read_init_producer_id_response_v2,
    5: _read_init_producer_id_response_v2,
    6: _read_init_producer_id_response_v6,
}

InitProducerIdResponse.WRITERS = {
    0: _write_init_producer_id_response_v0,
    1: _write_init_producer_id_response_v0,
    2: _write_init_producer_id_response_v2,
    3: _write_init_producer_id_response_v2,
    4: _write_init_producer_id_response_v2,
    5: _write_init_producer_id_response_v2,
    6: _write_init_producer_id_response_v6,
}
