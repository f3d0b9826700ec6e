# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""AddOffsetsToTxn: messages of all versions, with their codec."""

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
_pack_ihx = Struct_(">ihx").pack
_pack_qh = Struct_(">qh").pack
_pack_qhh = Struct_(">qhh").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_qhB = Struct_(">qhB").unpack_from
_unpack_qhh = Struct_(">qhh").unpack_from


class AddOffsetsToTxnRequest(Message):
    """``AddOffsetsToTxnRequest`` (API key 25), versions 0 to 4."""

    __slots__ = ("transactional_id", "producer_id", "producer_epoch", "group_id",)
    transactional_id: str
    producer_id: int
    producer_epoch: int
    group_id: str

    API_KEY = 25
    MIN_VERSION = 0
    MAX_VERSION = 4
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        transactional_id: str = "",
        producer_id: int = 0,
        producer_epoch: int = 0,
        group_id: str = "",
    ) -> None:
        self.transactional_id = transactional_id
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.group_id = group_id


class AddOffsetsToTxnResponse(Message):
    """``AddOffsetsToTxnResponse`` (API key 25), versions 0 to 4."""

    __slots__ = ("throttle_time_ms", "error_code",)
    throttle_time_ms: int
    error_code: int

    API_KEY = 25
    MIN_VERSION = 0
    MAX_VERSION = 4
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code


def _read_add_offsets_to_txn_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddOffsetsToTxnRequest, int]:
    o = _new(AddOffsetsToTxnRequest)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AddOffsetsToTxnRequest.transactional_id")
    o.transactional_id = b[p:q].decode()
    p = q
    o.producer_id, o.producer_epoch, n = _unpack_qhh(b, p)
    p += 12
    q = p + n
    if not p <= q <= e:
        raise bad_length("AddOffsetsToTxnRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    return o, p


def _write_add_offsets_to_txn_request_v0(o: AddOffsetsToTxnRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    r_transactional_id = v_transactional_id.encode()
    w(_pack_h(len(r_transactional_id)))
    w(r_transactional_id)
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_qhh(o.producer_id, o.producer_epoch, len(r_group_id)))
    w(r_group_id)


def _read_add_offsets_to_txn_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddOffsetsToTxnRequest, int]:
    o = _new(AddOffsetsToTxnRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AddOffsetsToTxnRequest.transactional_id")
    o.transactional_id = b[p:q].decode()
    p = q
    o.producer_id, o.producer_epoch, n = _unpack_qhB(b, p)
    p += 11
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AddOffsetsToTxnRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_add_offsets_to_txn_request_v3(o: AddOffsetsToTxnRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    r_transactional_id = v_transactional_id.encode()
    n = len(r_transactional_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_transactional_id)
    v_group_id = o.group_id
    w(_pack_qh(o.producer_id, o.producer_epoch))
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    w(b"\0")


def _read_add_offsets_to_txn_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddOffsetsToTxnResponse, int]:
    o = _new(AddOffsetsToTxnResponse)
    o.throttle_time_ms, o.error_code = _unpack_ih(b, p)
    p += 6
    return o, p


def _write_add_offsets_to_txn_response_v0(o: AddOffsetsToTxnResponse, w: Write) -> None:
    w(_pack_ih(o.throttle_time_ms, o.error_code))


def _read_add_offsets_to_txn_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddOffsetsToTxnResponse, int]:
    o = _new(AddOffsetsToTxnResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_add_offsets_to_txn_response_v3(o: AddOffsetsToTxnResponse, w: Write) -> None:
    w(_pack_ihx(o.throttle_time_ms, o.error_code))


AddOffsetsToTxnRequest.READERS = {
    0: _read_add_offsets_to_txn_request_v0,
    1: _read_add_offsets_to_txn_request_v0,
    2: _read_add_offsets_to_txn_request_v0,
    3: _read_add_offsets_to_txn_request_v3,
    4: _read_add_offsets_to_txn_request_v3,
}

AddOffsetsToTxnRequest.WRITERS = {
    0: _write_add_offsets_to_txn_request_v0,
    1: _write_add_offsets_to_txn_request_v0,
    2: _write_add_offsets_to_txn_request_v0,
    3: _write_add_offsets_to_txn_request_v3,
    4: _write_add_offsets_to_txn_request_v3,
}

AddOffsetsToTxnResponse.READERS = {
    0: _read_add_offsets_to_txn_response_v0,
    1: _read_add_offsets_to_txn_response_v0,
    2: _read_add_offsets_to_txn_response_v0,
    3: _read_add_offsets_to_txn_response_v3,
    4: _read_add_offsets_to_txn_response_v3,
}

AddOffsetsToTxnResponse.WRITERS = {
    0: _write_add_offsets_to_txn_response_v0,
    1: _write_add_offsets_to_txn_response_v0,
    2: _write_add_offsets_to_txn_response_v0,
    3: _write_add_offsets_to_txn_response_v3,
    4: _write_add_offsets_to_txn_response_v3,
}
