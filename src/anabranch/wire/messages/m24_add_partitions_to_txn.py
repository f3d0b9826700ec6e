# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""AddPartitionsToTxn: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_, pack, unpack_from

from anabranch.wire.codec import (
    Allowance,
    COMPACT_INT32S,
    EMPTY,
    INT32S,
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
_pack_ih = Struct_(">ih").pack
_pack_ihx = Struct_(">ihx").pack
_pack_ii = Struct_(">ii").pack
_pack_qh = Struct_(">qh").pack
_pack_qht = Struct_(">qh?").pack
_pack_qhi = Struct_(">qhi").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from
_unpack_qhtB = Struct_(">qh?B").unpack_from
_unpack_qhB = Struct_(">qhB").unpack_from
_unpack_qhi = Struct_(">qhi").unpack_from


class AddPartitionsToTxnTopic(Struct):
    """Part of AddPartitionsToTxnRequest."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[int]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[int] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class AddPartitionsToTxnTransaction(Struct):
    """Part of AddPartitionsToTxnRequest."""

    __slots__ = ("transactional_id", "producer_id", "producer_epoch", "verify_only", "topics",)
    transactional_id: str
    producer_id: int
    producer_epoch: int
    verify_only: bool
    topics: list[AddPartitionsToTxnTopic]

    def __init__(
        self,
        *,
        transactional_id: str = "",
        producer_id: int = 0,
        producer_epoch: int = 0,
        verify_only: bool = False,
        topics: list[AddPartitionsToTxnTopic] = EMPTY,
    ) -> None:
        self.transactional_id = transactional_id
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.verify_only = verify_only
        self.topics = [] if topics is EMPTY else topics


class AddPartitionsToTxnRequest(Message):
    """``AddPartitionsToTxnRequest`` (API key 24), versions 0 to 5."""

    __slots__ = ("transactions", "v3_and_below_transactional_id", "v3_and_below_producer_id", "v3_and_below_producer_epoch", "v3_and_below_topics",)
    transactions: list[AddPartitionsToTxnTransaction]
    v3_and_below_transactional_id: str
    v3_and_below_producer_id: int
    v3_and_below_producer_epoch: int
    v3_and_below_topics: list[AddPartitionsToTxnTopic]

    API_KEY = 24
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        transactions: list[AddPartitionsToTxnTransaction] = EMPTY,
        v3_and_below_transactional_id: str = "",
        v3_and_below_producer_id: int = 0,
        v3_and_below_producer_epoch: int = 0,
        v3_and_below_topics: list[AddPartitionsToTxnTopic] = EMPTY,
    ) -> None:
        self.transactions = [] if transactions is EMPTY else transactions
        self.v3_and_below_transactional_id = v3_and_below_transactional_id
        self.v3_and_below_producer_id = v3_and_below_producer_id
        self.v3_and_below_producer_epoch = v3_and_below_producer_epoch
        self.v3_and_below_topics = [] if v3_and_below_topics is EMPTY else v3_and_below_topics


class AddPartitionsToTxnPartitionResult(Struct):
    """Part of AddPartitionsToTxnResponse."""

    __slots__ = ("partition_index", "partition_error_code",)
    partition_index: int
    partition_error_code: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
        partition_error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.partition_error_code = partition_error_code


class AddPartitionsToTxnTopicResult(Struct):
    """Part of AddPartitionsToTxnResponse."""

    __slots__ = ("name", "results_by_partition",)
    name: str
    results_by_partition: list[AddPartitionsToTxnPartitionResult]

    def __init__(
        self,
        *,
        name: str = "",
        results_by_partition: list[AddPartitionsToTxnPartitionResult] = EMPTY,
    ) -> None:
        self.name = name
        self.results_by_partition = [] if results_by_partition is EMPTY else results_by_partition


class AddPartitionsToTxnResult(Struct):
    """Part of AddPartitionsToTxnResponse."""

    __slots__ = ("transactional_id", "topic_results",)
    transactional_id: str
    topic_results: list[AddPartitionsToTxnTopicResult]

    def __init__(
        self,
        *,
        transactional_id: str = "",
        topic_results: list[AddPartitionsToTxnTopicResult] = EMPTY,
    ) -> None:
        self.transactional_id = transactional_id
        self.topic_results = [] if topic_results is EMPTY else topic_results


class AddPartitionsToTxnResponse(Message):
    """``AddPartitionsToTxnResponse`` (API key 24), versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "results_by_transaction", "results_by_topic_v3_and_below",)
    throttle_time_ms: int
    error_code: int
    results_by_transaction: list[AddPartitionsToTxnResult]
    results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult]

    API_KEY = 24
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        results_by_transaction: list[AddPartitionsToTxnResult] = EMPTY,
        results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.results_by_transaction = [] if results_by_transaction is EMPTY else results_by_transaction
        self.results_by_topic_v3_and_below = [] if results_by_topic_v3_and_below is EMPTY else results_by_topic_v3_and_below


def _read_add_partitions_to_txn_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnTopic, int]:
    o = _new(AddPartitionsToTxnTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AddPartitionsToTxnTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("AddPartitionsToTxnTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partitions = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_add_partitions_to_txn_topic_v0(o: AddPartitionsToTxnTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    n = len(v_partitions)
    w(INT32S[n](*v_partitions) if n < 16 else pack(f">{n}i", *v_partitions))


def _read_add_partitions_to_txn_topic_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnTopic, int]:
    o = _new(AddPartitionsToTxnTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AddPartitionsToTxnTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("AddPartitionsToTxnTopic.partitions")
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


def _write_add_partitions_to_txn_topic_v3(o: AddPartitionsToTxnTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_add_partitions_to_txn_transaction_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnTransaction, int]:
    o = _new(AddPartitionsToTxnTransaction)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AddPartitionsToTxnTransaction.transactional_id")
    o.transactional_id = b[p:q].decode()
    p = q
    o.producer_id, o.producer_epoch, o.verify_only, n = _unpack_qhtB(b, p)
    p += 12
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AddPartitionsToTxnTransaction.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[AddPartitionsToTxnTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_add_partitions_to_txn_topic_v3(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_add_partitions_to_txn_transaction_v4(o: AddPartitionsToTxnTransaction, w: Write) -> None:
    v_transactional_id = o.transactional_id
    r_transactional_id = v_transactional_id.encode()
    n = len(r_transactional_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_transactional_id)
    v_topics = o.topics
    w(_pack_qht(o.producer_id, o.producer_epoch, o.verify_only))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_add_partitions_to_txn_topic_v3(x_topics, w)
    w(b"\0")


def _read_add_partitions_to_txn_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnRequest, int]:
    o = _new(AddPartitionsToTxnRequest)
    o.transactions = []
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AddPartitionsToTxnRequest.v3_and_below_transactional_id")
    o.v3_and_below_transactional_id = b[p:q].decode()
    p = q
    o.v3_and_below_producer_id, o.v3_and_below_producer_epoch, n = _unpack_qhi(b, p)
    p += 14
    if n < 0 or n * 6 > e - p:
        raise bad_length("AddPartitionsToTxnRequest.v3_and_below_topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_v3_and_below_topics: list[AddPartitionsToTxnTopic] = []
    o.v3_and_below_topics = l_v3_and_below_topics
    for _ in range(n):
        x_v3_and_below_topics, p = _read_add_partitions_to_txn_topic_v0(b, p, e, c)
        l_v3_and_below_topics.append(x_v3_and_below_topics)
    return o, p


def _write_add_partitions_to_txn_request_v0(o: AddPartitionsToTxnRequest, w: Write) -> None:
    v_v3_and_below_transactional_id = o.v3_and_below_transactional_id
    r_v3_and_below_transactional_id = v_v3_and_below_transactional_id.encode()
    w(_pack_h(len(r_v3_and_below_transactional_id)))
    w(r_v3_and_below_transactional_id)
    v_v3_and_below_topics = o.v3_and_below_topics
    w(_pack_qhi(o.v3_and_below_producer_id, o.v3_and_below_producer_epoch, len(v_v3_and_below_topics)))
    for x_v3_and_below_topics in v_v3_and_below_topics:
        _write_add_partitions_to_txn_topic_v0(x_v3_and_below_topics, w)


def _read_add_partitions_to_txn_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnRequest, int]:
    o = _new(AddPartitionsToTxnRequest)
    o.transactions = []
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AddPartitionsToTxnRequest.v3_and_below_transactional_id")
    o.v3_and_below_transactional_id = b[p:q].decode()
    p = q
    o.v3_and_below_producer_id, o.v3_and_below_producer_epoch, n = _unpack_qhB(b, p)
    p += 11
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AddPartitionsToTxnRequest.v3_and_below_topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_v3_and_below_topics: list[AddPartitionsToTxnTopic] = []
    o.v3_and_below_topics = l_v3_and_below_topics
    for _ in range(n):
        x_v3_and_below_topics, p = _read_add_partitions_to_txn_topic_v3(b, p, e, c)
        l_v3_and_below_topics.append(x_v3_and_below_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_add_partitions_to_txn_request_v3(o: AddPartitionsToTxnRequest, w: Write) -> None:
    v_v3_and_below_transactional_id = o.v3_and_below_transactional_id
    r_v3_and_below_transactional_id = v_v3_and_below_transactional_id.encode()
    n = len(r_v3_and_below_transactional_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_v3_and_below_transactional_id)
    v_v3_and_below_topics = o.v3_and_below_topics
    w(_pack_qh(o.v3_and_below_producer_id, o.v3_and_below_producer_epoch))
    n = len(v_v3_and_below_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_v3_and_below_topics in v_v3_and_below_topics:
        _write_add_partitions_to_txn_topic_v3(x_v3_and_below_topics, w)
    w(b"\0")


def _read_add_partitions_to_txn_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnRequest, int]:
    o = _new(AddPartitionsToTxnRequest)
    o.v3_and_below_transactional_id = ""
    o.v3_and_below_producer_id = 0
    o.v3_and_below_producer_epoch = 0
    o.v3_and_below_topics = []
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 14 > e - p:
        raise bad_length("AddPartitionsToTxnRequest.transactions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_transactions: list[AddPartitionsToTxnTransaction] = []
    o.transactions = l_transactions
    for _ in range(n):
        x_transactions, p = _read_add_partitions_to_txn_transaction_v4(b, p, e, c)
        l_transactions.append(x_transactions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_add_partitions_to_txn_request_v4(o: AddPartitionsToTxnRequest, w: Write) -> None:
    v_transactions = o.transactions
    n = len(v_transactions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_transactions in v_transactions:
        _write_add_partitions_to_txn_transaction_v4(x_transactions, w)
    w(b"\0")


def _read_add_partitions_to_txn_partition_result_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnPartitionResult, int]:
    o = _new(AddPartitionsToTxnPartitionResult)
    o.partition_index, o.partition_error_code = _unpack_ih(b, p)
    p += 6
    return o, p


def _write_add_partitions_to_txn_partition_result_v0(o: AddPartitionsToTxnPartitionResult, w: Write) -> None:
    w(_pack_ih(o.partition_index, o.partition_error_code))


def _read_add_partitions_to_txn_partition_result_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnPartitionResult, int]:
    o = _new(AddPartitionsToTxnPartitionResult)
    o.partition_index, o.partition_error_code, n = _unpack_ihB(b, p)
    p += 7
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_add_partitions_to_txn_partition_result_v3(o: AddPartitionsToTxnPartitionResult, w: Write) -> None:
    w(_pack_ihx(o.partition_index, o.partition_error_code))


def _read_add_partitions_to_txn_topic_result_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnTopicResult, int]:
    o = _new(AddPartitionsToTxnTopicResult)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AddPartitionsToTxnTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("AddPartitionsToTxnTopicResult.results_by_partition")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results_by_partition: list[AddPartitionsToTxnPartitionResult] = []
    o.results_by_partition = l_results_by_partition
    for _ in range(n):
        x_results_by_partition, p = _read_add_partitions_to_txn_partition_result_v0(b, p, e, c)
        l_results_by_partition.append(x_results_by_partition)
    return o, p


def _write_add_partitions_to_txn_topic_result_v0(o: AddPartitionsToTxnTopicResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_results_by_partition = o.results_by_partition
    w(_pack_i(len(v_results_by_partition)))
    for x_results_by_partition in v_results_by_partition:
        _write_add_partitions_to_txn_partition_result_v0(x_results_by_partition, w)


def _read_add_partitions_to_txn_topic_result_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnTopicResult, int]:
    o = _new(AddPartitionsToTxnTopicResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AddPartitionsToTxnTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 7 > e - p:
        raise bad_length("AddPartitionsToTxnTopicResult.results_by_partition")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results_by_partition: list[AddPartitionsToTxnPartitionResult] = []
    o.results_by_partition = l_results_by_partition
    for _ in range(n):
        x_results_by_partition, p = _read_add_partitions_to_txn_partition_result_v3(b, p, e, c)
        l_results_by_partition.append(x_results_by_partition)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_add_partitions_to_txn_topic_result_v3(o: AddPartitionsToTxnTopicResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_results_by_partition = o.results_by_partition
    n = len(v_results_by_partition) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results_by_partition in v_results_by_partition:
        _write_add_partitions_to_txn_partition_result_v3(x_results_by_partition, w)
    w(b"\0")


def _read_add_partitions_to_txn_result_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnResult, int]:
    o = _new(AddPartitionsToTxnResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AddPartitionsToTxnResult.transactional_id")
    o.transactional_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AddPartitionsToTxnResult.topic_results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topic_results: list[AddPartitionsToTxnTopicResult] = []
    o.topic_results = l_topic_results
    for _ in range(n):
        x_topic_results, p = _read_add_partitions_to_txn_topic_result_v3(b, p, e, c)
        l_topic_results.append(x_topic_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_add_partitions_to_txn_result_v4(o: AddPartitionsToTxnResult, w: Write) -> None:
    v_transactional_id = o.transactional_id
    r_transactional_id = v_transactional_id.encode()
    n = len(r_transactional_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_transactional_id)
    v_topic_results = o.topic_results
    n = len(v_topic_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topic_results in v_topic_results:
        _write_add_partitions_to_txn_topic_result_v3(x_topic_results, w)
    w(b"\0")


def _read_add_partitions_to_txn_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnResponse, int]:
    o = _new(AddPartitionsToTxnResponse)
    o.error_code = 0
    o.results_by_transaction = []
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("AddPartitionsToTxnResponse.results_by_topic_v3_and_below")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult] = []
    o.results_by_topic_v3_and_below = l_results_by_topic_v3_and_below
    for _ in range(n):
        x_results_by_topic_v3_and_below, p = _read_add_partitions_to_txn_topic_result_v0(b, p, e, c)
        l_results_by_topic_v3_and_below.append(x_results_by_topic_v3_and_below)
    return o, p


def _write_add_partitions_to_txn_response_v0(o: AddPartitionsToTxnResponse, w: Write) -> None:
    v_results_by_topic_v3_and_below = o.results_by_topic_v3_and_below
    w(_pack_ii(o.throttle_time_ms, len(v_results_by_topic_v3_and_below)))
    for x_results_by_topic_v3_and_below in v_results_by_topic_v3_and_below:
        _write_add_partitions_to_txn_topic_result_v0(x_results_by_topic_v3_and_below, w)


def _read_add_partitions_to_txn_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnResponse, int]:
    o = _new(AddPartitionsToTxnResponse)
    o.error_code = 0
    o.results_by_transaction = []
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AddPartitionsToTxnResponse.results_by_topic_v3_and_below")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult] = []
    o.results_by_topic_v3_and_below = l_results_by_topic_v3_and_below
    for _ in range(n):
        x_results_by_topic_v3_and_below, p = _read_add_partitions_to_txn_topic_result_v3(b, p, e, c)
        l_results_by_topic_v3_and_below.append(x_results_by_topic_v3_and_below)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_add_partitions_to_txn_response_v3(o: AddPartitionsToTxnResponse, w: Write) -> None:
    v_results_by_topic_v3_and_below = o.results_by_topic_v3_and_below
    w(_pack_i(o.throttle_time_ms))
    n = len(v_results_by_topic_v3_and_below) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results_by_topic_v3_and_below in v_results_by_topic_v3_and_below:
        _write_add_partitions_to_txn_topic_result_v3(x_results_by_topic_v3_and_below, w)
    w(b"\0")


def _read_add_partitions_to_txn_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[AddPartitionsToTxnResponse, int]:
    o = _new(AddPartitionsToTxnResponse)
    o.results_by_topic_v3_and_below = []
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AddPartitionsToTxnResponse.results_by_transaction")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results_by_transaction: list[AddPartitionsToTxnResult] = []
    o.results_by_transaction = l_results_by_transaction
    for _ in range(n):
        x_results_by_transaction, p = _read_add_partitions_to_txn_result_v4(b, p, e, c)
        l_results_by_transaction.append(x_results_by_transaction)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_add_partitions_to_txn_response_v4(o: AddPartitionsToTxnResponse, w: Write) -> None:
    v_results_by_transaction = o.results_by_transaction
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_results_by_transaction) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results_by_transaction in v_results_by_transaction:
        _write_add_partitions_to_txn_result_v4(x_results_by_transaction, w)
    w(b"\0")


AddPartitionsToTxnRequest.READERS = {
    0: _read_add_partitions_to_txn_request_v0,
    1: _read_add_partitions_to_txn_request_v0,
    2: _read_add_partitions_to_txn_request_v0,
    3: _read_add_partitions_to_txn_request_v3,
    4: _read_add_partitions_to_txn_request_v4,
    5: _read_add_partitions_to_txn_request_v4,
}

AddPartitionsToTxnRequest.WRITERS = {
    0: _write_add_partitions_to_txn_request_v0,
    1: _write_add_partitions_to_txn_request_v0,
    2: _write_add_partitions_to_txn_request_v0,
    3: _write_add_partitions_to_txn_request_v3,
    4: _write_add_partitions_to_txn_request_v4,
    5: _write_add_partitions_to_txn_request_v4,
}

AddPartitionsToTxnResponse.READERS = {
    0: _read_add_partitions_to_txn_response_v0,
    1: _read_add_partitions_to_txn_response_v0,
    2: _read_add_partitions_to_txn_response_v0,
    3: _read_add_partitions_to_txn_response_v3,
    4: _read_add_partitions_to_txn_response_v4,
    5: _read_add_partitions_to_txn_response_v4,
}

AddPartitionsToTxnResponse.WRITERS = {
    0: _write_add_partitions_to_txn_response_v0,
    1: _write_add_partitions_to_txn_response_v0,
    2: _write_add_partitions_to_txn_response_v0,
    3: _write_add_partitions_to_txn_response_v3,
    4: _write_add_partitions_to_txn_response_v4,
    5: _write_add_partitions_to_txn_response_v4,
}
