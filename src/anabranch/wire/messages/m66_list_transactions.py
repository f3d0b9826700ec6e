# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ListTransactions: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_, pack, unpack_from

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
_pack_ih = Struct_(">ih").pack
_pack_q = Struct_(">q").pack
_pack_qx = Struct_(">qx").pack
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_qB = Struct_(">qB").unpack_from


class ListTransactionsRequest(Message):
    """``ListTransactionsRequest`` (API key 66), versions 0 to 2."""

    __slots__ = ("state_filters", "producer_id_filters", "duration_filter", "transactional_id_pattern",)
    state_filters: list[str]
    producer_id_filters: list[int]
    duration_filter: int
    transactional_id_pattern: str | None

    API_KEY = 66
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        state_filters: list[str] = EMPTY,
        producer_id_filters: list[int] = EMPTY,
        duration_filter: int = -1,
        transactional_id_pattern: str | None = None,
    ) -> None:
        self.state_filters = [] if state_filters is EMPTY else state_filters
        self.producer_id_filters = [] if producer_id_filters is EMPTY else producer_id_filters
        self.duration_filter = duration_filter
        self.transactional_id_pattern = transactional_id_pattern


class TransactionState(Struct):
    """Part of ListTransactionsResponse."""

    __slots__ = ("transactional_id", "producer_id", "transaction_state",)
    transactional_id: str
    producer_id: int
    transaction_state: str

    def __init__(
        self,
        *,
        transactional_id: str = "",
        producer_id: int = 0,
        transaction_state: str = "",
    ) -> None:
        self.transactional_id = transactional_id
        self.producer_id = producer_id
        self.transaction_state = transaction_state


class ListTransactionsResponse(Message):
    """``ListTransactionsResponse`` (API key 66), versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "unknown_state_filters", "transaction_states",)
    throttle_time_ms: int
    error_code: int
    unknown_state_filters: list[str]
    transaction_states: list[TransactionState]

    API_KEY = 66
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        unknown_state_filters: list[str] = EMPTY,
        transaction_states: list[TransactionState] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.unknown_state_filters = [] if unknown_state_filters is EMPTY else unknown_state_filters
        self.transaction_states = [] if transaction_states is EMPTY else transaction_states


def _read_list_transactions_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListTransactionsRequest, int]:
    o = _new(ListTransactionsRequest)
    o.duration_filter = -1
    o.transactional_id_pattern = None
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("ListTransactionsRequest.state_filters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_state_filters: list[str] = []
    o.state_filters = l_state_filters
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("ListTransactionsRequest.state_filters")
        l_state_filters.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 8
    if not p <= q <= e:
        raise bad_length("ListTransactionsRequest.producer_id_filters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.producer_id_filters = list(unpack_from(f">{n}q", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_transactions_request_v0(o: ListTransactionsRequest, w: Write) -> None:
    v_state_filters = o.state_filters
    n = len(v_state_filters) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_state_filters in v_state_filters:
        r_state_filters = x_state_filters.encode()
        n = len(r_state_filters) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_state_filters)
    v_producer_id_filters = o.producer_id_filters
    n = len(v_producer_id_filters) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    if v_producer_id_filters:
        w(pack(f">{len(v_producer_id_filters)}q", *v_producer_id_filters))
    w(b"\0")


def _read_list_transactions_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListTransactionsRequest, int]:
    o = _new(ListTransactionsRequest)
    o.transactional_id_pattern = None
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("ListTransactionsRequest.state_filters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_state_filters: list[str] = []
    o.state_filters = l_state_filters
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("ListTransactionsRequest.state_filters")
        l_state_filters.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 8
    if not p <= q <= e:
        raise bad_length("ListTransactionsRequest.producer_id_filters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.producer_id_filters = list(unpack_from(f">{n}q", b, p)) if n else []
    p = q
    o.duration_filter, n = _unpack_qB(b, p)
    p += 9
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_transactions_request_v1(o: ListTransactionsRequest, w: Write) -> None:
    v_state_filters = o.state_filters
    n = len(v_state_filters) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_state_filters in v_state_filters:
        r_state_filters = x_state_filters.encode()
        n = len(r_state_filters) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_state_filters)
    v_producer_id_filters = o.producer_id_filters
    n = len(v_producer_id_filters) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    if v_producer_id_filters:
        w(pack(f">{len(v_producer_id_filters)}q", *v_producer_id_filters))
    w(_pack_qx(o.duration_filter))


def _read_list_transactions_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListTransactionsRequest, int]:
    o = _new(ListTransactionsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("ListTransactionsRequest.state_filters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_state_filters: list[str] = []
    o.state_filters = l_state_filters
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("ListTransactionsRequest.state_filters")
        l_state_filters.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 8
    if not p <= q <= e:
        raise bad_length("ListTransactionsRequest.producer_id_filters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.producer_id_filters = list(unpack_from(f">{n}q", b, p)) if n else []
    p = q
    o.duration_filter, n = _unpack_qB(b, p)
    p += 9
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.transactional_id_pattern = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ListTransactionsRequest.transactional_id_pattern")
        o.transactional_id_pattern = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_transactions_request_v2(o: ListTransactionsRequest, w: Write) -> None:
    v_state_filters = o.state_filters
    n = len(v_state_filters) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_state_filters in v_state_filters:
        r_state_filters = x_state_filters.encode()
        n = len(r_state_filters) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_state_filters)
    v_producer_id_filters = o.producer_id_filters
    n = len(v_producer_id_filters) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    if v_producer_id_filters:
        w(pack(f">{len(v_producer_id_filters)}q", *v_producer_id_filters))
    v_transactional_id_pattern = o.transactional_id_pattern
    w(_pack_q(o.duration_filter))
    if v_transactional_id_pattern is None:
        w(b"\0")
    else:
        r_transactional_id_pattern = v_transactional_id_pattern.encode()
        n = len(r_transactional_id_pattern) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_transactional_id_pattern)
    w(b"\0")


def _read_transaction_state_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TransactionState, int]:
    o = _new(TransactionState)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TransactionState.transactional_id")
    o.transactional_id = b[p:q].decode()
    p = q
    o.producer_id, n = _unpack_qB(b, p)
    p += 9
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TransactionState.transaction_state")
    o.transaction_state = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_transaction_state_v0(o: TransactionState, w: Write) -> None:
    v_transactional_id = o.transactional_id
    r_transactional_id = v_transactional_id.encode()
    n = len(r_transactional_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_transactional_id)
    v_transaction_state = o.transaction_state
    w(_pack_q(o.producer_id))
    r_transaction_state = v_transaction_state.encode()
    n = len(r_transaction_state) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_transaction_state)
    w(b"\0")


def _read_list_transactions_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ListTransactionsResponse, int]:
    o = _new(ListTransactionsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("ListTransactionsResponse.unknown_state_filters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_unknown_state_filters: list[str] = []
    o.unknown_state_filters = l_unknown_state_filters
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("ListTransactionsResponse.unknown_state_filters")
        l_unknown_state_filters.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("ListTransactionsResponse.transaction_states")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_transaction_states: list[TransactionState] = []
    o.transaction_states = l_transaction_states
    for _ in range(n):
        x_transaction_states, p = _read_transaction_state_v0(b, p, e, c)
        l_transaction_states.append(x_transaction_states)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_list_transactions_response_v0(o: ListTransactionsResponse, w: Write) -> None:
    v_unknown_state_filters = o.unknown_state_filters
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_unknown_state_filters) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_unknown_state_filters in v_unknown_state_filters:
        r_unknown_state_filters = x_unknown_state_filters.encode()
        n = len(r_unknown_state_filters) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_unknown_state_filters)
    v_transaction_states = o.transaction_states
    n = len(v_transaction_states) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_transaction_states in v_transaction_states:
        _write_transaction_state_v0(x_transaction_states, w)
    w(b"\0")


ListTransactionsRequest.READERS = {
    0: _read_list_transactions_request_v0,
    1: _read_list_transactions_request_v1,
    2: _read_list_transactions_request_v2,
}

ListTransactionsRequest.WRITERS = {
    0: _write_list_transactions_request_v0,
    1: _write_list_transactions_request_v1,
    2: _write_list_transactions_request_v2,
}

ListTransactionsResponse.READERS = {
    0: _read_list_transactions_response_v0,
    1: _read_list_transactions_response_v0,
    2: _read_list_transactions_response_v0,
}

ListTransactionsResponse.WRITERS = {
    0: _write_list_transactions_response_v0,
    1: _write_list_transactions_response_v0,
    2: _write_list_transactions_response_v0,
}
