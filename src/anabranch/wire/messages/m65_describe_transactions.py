# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeTransactions: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_, pack, unpack_from

from anabranch.wire.codec import (
    Allowance,
    COMPACT_INT32S,
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
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_iqqh = Struct_(">iqqh").pack
_unpack_hB = Struct_(">hB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_iqqhB = Struct_(">iqqhB").unpack_from


class DescribeTransactionsRequest(Message):
    """``DescribeTransactionsRequest`` (API key 65), version 0."""

    __slots__ = ("transactional_ids",)
    transactional_ids: list[str]

    API_KEY = 65
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        transactional_ids: list[str] = EMPTY,
    ) -> None:
        self.transactional_ids = [] if transactional_ids is EMPTY else transactional_ids


class TopicData(Struct):
    """Part of DescribeTransactionsResponse."""

    __slots__ = ("topic", "partitions",)
    topic: str
    partitions: list[int]

    def __init__(
        self,
        *,
        topic: str = "",
        partitions: list[int] = EMPTY,
    ) -> None:
        self.topic = topic
        self.partitions = [] if partitions is EMPTY else partitions


class TransactionState(Struct):
    """Part of DescribeTransactionsResponse."""

    __slots__ = ("error_code", "transactional_id", "transaction_state", "transaction_timeout_ms", "transaction_start_time_ms", "producer_id", "producer_epoch", "topics",)
    error_code: int
    transactional_id: str
    transaction_state: str
    transaction_timeout_ms: int
    transaction_start_time_ms: int
    producer_id: int
    producer_epoch: int
    topics: list[TopicData]

    def __init__(
        self,
        *,
        error_code: int = 0,
        transactional_id: str = "",
        transaction_state: str = "",
        transaction_timeout_ms: int = 0,
        transaction_start_time_ms: int = 0,
        producer_id: int = 0,
        producer_epoch: int = 0,
        topics: list[TopicData] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.transactional_id = transactional_id
        self.transaction_state = transaction_state
        self.transaction_timeout_ms = transaction_timeout_ms
        self.transaction_start_time_ms = transaction_start_time_ms
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.topics = [] if topics is EMPTY else topics


class DescribeTransactionsResponse(Message):
    """``DescribeTransactionsResponse`` (API key 65), version 0."""

    __slots__ = ("throttle_time_ms", "transaction_states",)
    throttle_time_ms: int
    transaction_states: list[TransactionState]

    API_KEY = 65
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        transaction_states: list[TransactionState] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.transaction_states = [] if transaction_states is EMPTY else transaction_states


def _read_describe_transactions_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeTransactionsRequest, int]:
    o = _new(DescribeTransactionsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("DescribeTransactionsRequest.transactional_ids")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_transactional_ids: list[str] = []
    o.transactional_ids = l_transactional_ids
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("DescribeTransactionsRequest.transactional_ids")
        l_transactional_ids.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_transactions_request_v0(o: DescribeTransactionsRequest, w: Write) -> None:
    v_transactional_ids = o.transactional_ids
    n = len(v_transactional_ids) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_transactional_ids in v_transactional_ids:
        r_transactional_ids = x_transactional_ids.encode()
        n = len(r_transactional_ids) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_transactional_ids)
    w(b"\0")


def _read_topic_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicData, int]:
    o = _new(TopicData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TopicData.topic")
    o.topic = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("TopicData.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partitions = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_topic_data_v0(o: TopicData, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    n = len(r_topic) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic)
    v_partitions = o.partitions
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_transaction_state_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TransactionState, int]:
    o = _new(TransactionState)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TransactionState.transactional_id")
    o.transactional_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TransactionState.transaction_state")
    o.transaction_state = b[p:q].decode()
    p = q
    o.transaction_timeout_ms, o.transaction_start_time_ms, o.producer_id, o.producer_epoch, n = _unpack_iqqhB(b, p)
    p += 23
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("TransactionState.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[TopicData] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_topic_data_v0(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_transaction_state_v0(o: TransactionState, w: Write) -> None:
    v_transactional_id = o.transactional_id
    w(_pack_h(o.error_code))
    r_transactional_id = v_transactional_id.encode()
    n = len(r_transactional_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_transactional_id)
    v_transaction_state = o.transaction_state
    r_transaction_state = v_transaction_state.encode()
    n = len(r_transaction_state) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_transaction_state)
    v_topics = o.topics
    w(_pack_iqqh(o.transaction_timeout_ms, o.transaction_start_time_ms, o.producer_id, o.producer_epoch))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_topic_data_v0(x_topics, w)
    w(b"\0")


def _read_describe_transactions_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeTransactionsResponse, int]:
    o = _new(DescribeTransactionsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 28 > e - p:
        raise bad_length("DescribeTransactionsResponse.transaction_states")
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


def _write_describe_transactions_response_v0(o: DescribeTransactionsResponse, w: Write) -> None:
    v_transaction_states = o.transaction_states
    w(_pack_i(o.throttle_time_ms))
    n = len(v_transaction_states) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_transaction_states in v_transaction_states:
        _write_transaction_state_v0(x_transaction_states, w)
    w(b"\0")


DescribeTransactionsRequest.READERS = {
    0: _read_describe_transactions_request_v0,
}

DescribeTransactionsRequest.WRITERS = {
    0: _write_describe_transactions_request_v0,
}

DescribeTransactionsResponse.READERS = {
    0: _read_describe_transactions_response_v0,
}

DescribeTransactionsResponse.WRITERS = {
    0: _write_describe_transactions_response_v0,
}
