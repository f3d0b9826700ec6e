# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""WriteTxnMarkers: messages of all versions, with their codec."""

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
_pack_ibx = Struct_(">ibx").pack
_pack_ihx = Struct_(">ihx").pack
_pack_ix = Struct_(">ix").pack
_pack_q = Struct_(">q").pack
_pack_qht = Struct_(">qh?").pack
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ibB = Struct_(">ibB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_qB = Struct_(">qB").unpack_from
_unpack_qhtB = Struct_(">qh?B").unpack_from


class WritableTxnMarkerTopic(Struct):
    """Part of WriteTxnMarkersRequest."""

    __slots__ = ("name", "partition_indexes",)
    name: str
    partition_indexes: list[int]

    def __init__(
        self,
        *,
        name: str = "",
        partition_indexes: list[int] = EMPTY,
    ) -> None:
        self.name = name
        self.partition_indexes = [] if partition_indexes is EMPTY else partition_indexes


class WritableTxnMarker(Struct):
    """Part of WriteTxnMarkersRequest."""

    __slots__ = ("producer_id", "producer_epoch", "transaction_result", "topics", "coordinator_epoch", "transaction_version",)
    producer_id: int
    producer_epoch: int
    transaction_result: bool
    topics: list[WritableTxnMarkerTopic]
    coordinator_epoch: int
    transaction_version: int

    def __init__(
        self,
        *,
        producer_id: int = 0,
        producer_epoch: int = 0,
        transaction_result: bool = False,
        topics: list[WritableTxnMarkerTopic] = EMPTY,
        coordinator_epoch: int = 0,
        transaction_version: int = 0,
    ) -> None:
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.transaction_result = transaction_result
        self.topics = [] if topics is EMPTY else topics
        self.coordinator_epoch = coordinator_epoch
        self.transaction_version = transaction_version


class WriteTxnMarkersRequest(Message):
    """``WriteTxnMarkersRequest`` (API key 27), versions 1 to 2."""

    __slots__ = ("markers",)
    markers: list[WritableTxnMarker]

    API_KEY = 27
    MIN_VERSION = 1
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 1

    def __init__(
        self,
        *,
        markers: list[WritableTxnMarker] = EMPTY,
    ) -> None:
        self.markers = [] if markers is EMPTY else markers


class WritableTxnMarkerPartitionResult(Struct):
    """Part of WriteTxnMarkersResponse."""

    __slots__ = ("partition_index", "error_code",)
    partition_index: int
    error_code: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code


class WritableTxnMarkerTopicResult(Struct):
    """Part of WriteTxnMarkersResponse."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[WritableTxnMarkerPartitionResult]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[WritableTxnMarkerPartitionResult] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class WritableTxnMarkerResult(Struct):
    """Part of WriteTxnMarkersResponse."""

    __slots__ = ("producer_id", "topics",)
    producer_id: int
    topics: list[WritableTxnMarkerTopicResult]

    def __init__(
        self,
        *,
        producer_id: int = 0,
        topics: list[WritableTxnMarkerTopicResult] = EMPTY,
    ) -> None:
        self.producer_id = producer_id
        self.topics = [] if topics is EMPTY else topics


class WriteTxnMarkersResponse(Message):
    """``WriteTxnMarkersResponse`` (API key 27), versions 1 to 2."""

    __slots__ = ("markers",)
    markers: list[WritableTxnMarkerResult]

    API_KEY = 27
    MIN_VERSION = 1
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 1

    def __init__(
        self,
        *,
        markers: list[WritableTxnMarkerResult] = EMPTY,
    ) -> None:
        self.markers = [] if markers is EMPTY else markers


def _read_writable_txn_marker_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[WritableTxnMarkerTopic, int]:
    o = _new(WritableTxnMarkerTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("WritableTxnMarkerTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("WritableTxnMarkerTopic.partition_indexes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partition_indexes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_writable_txn_marker_topic_v1(o: WritableTxnMarkerTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partition_indexes = o.partition_indexes
    n = len(v_partition_indexes)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partition_indexes))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partition_indexes))
    w(b"\0")


def _read_writable_txn_marker_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[WritableTxnMarker, int]:
    o = _new(WritableTxnMarker)
    o.transaction_version = 0
    o.producer_id, o.producer_epoch, o.transaction_result, n = _unpack_qhtB(b, p)
    p += 12
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("WritableTxnMarker.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[WritableTxnMarkerTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_writable_txn_marker_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    o.coordinator_epoch, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_writable_txn_marker_v1(o: WritableTxnMarker, w: Write) -> None:
    v_topics = o.topics
    w(_pack_qht(o.producer_id, o.producer_epoch, o.transaction_result))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_writable_txn_marker_topic_v1(x_topics, w)
    w(_pack_ix(o.coordinator_epoch))


def _read_writable_txn_marker_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[WritableTxnMarker, int]:
    o = _new(WritableTxnMarker)
    o.producer_id, o.producer_epoch, o.transaction_result, n = _unpack_qhtB(b, p)
    p += 12
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("WritableTxnMarker.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[WritableTxnMarkerTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_writable_txn_marker_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    o.coordinator_epoch, o.transaction_version, n = _unpack_ibB(b, p)
    p += 6
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_writable_txn_marker_v2(o: WritableTxnMarker, w: Write) -> None:
    v_topics = o.topics
    w(_pack_qht(o.producer_id, o.producer_epoch, o.transaction_result))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_writable_txn_marker_topic_v1(x_topics, w)
    w(_pack_ibx(o.coordinator_epoch, o.transaction_version))


def _read_write_txn_markers_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[WriteTxnMarkersRequest, int]:
    o = _new(WriteTxnMarkersRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 17 > e - p:
        raise bad_length("WriteTxnMarkersRequest.markers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_markers: list[WritableTxnMarker] = []
    o.markers = l_markers
    for _ in range(n):
        x_markers, p = _read_writable_txn_marker_v1(b, p, e, c)
        l_markers.append(x_markers)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_write_txn_markers_request_v1(o: WriteTxnMarkersRequest, w: Write) -> None:
    v_markers = o.markers
    n = len(v_markers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_markers in v_markers:
        _write_writable_txn_marker_v1(x_markers, w)
    w(b"\0")


def _read_write_txn_markers_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[WriteTxnMarkersRequest, int]:
    o = _new(WriteTxnMarkersRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("WriteTxnMarkersRequest.markers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_markers: list[WritableTxnMarker] = []
    o.markers = l_markers
    for _ in range(n):
        x_markers, p = _read_writable_txn_marker_v2(b, p, e, c)
        l_markers.append(x_markers)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_write_txn_markers_request_v2(o: WriteTxnMarkersRequest, w: Write) -> None:
    v_markers = o.markers
    n = len(v_markers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_markers in v_markers:
        _write_writable_txn_marker_v2(x_markers, w)
    w(b"\0")


def _read_writable_txn_marker_partition_result_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[WritableTxnMarkerPartitionResult, int]:
    o = _new(WritableTxnMarkerPartitionResult)
    o.partition_index, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_writable_txn_marker_partition_result_v1(o: WritableTxnMarkerPartitionResult, w: Write) -> None:
    w(_pack_ihx(o.partition_index, o.error_code))


def _read_writable_txn_marker_topic_result_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[WritableTxnMarkerTopicResult, int]:
    o = _new(WritableTxnMarkerTopicResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("WritableTxnMarkerTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 7 > e - p:
        raise bad_length("WritableTxnMarkerTopicResult.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[WritableTxnMarkerPartitionResult] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_writable_txn_marker_partition_result_v1(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_writable_txn_marker_topic_result_v1(o: WritableTxnMarkerTopicResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_writable_txn_marker_partition_result_v1(x_partitions, w)
    w(b"\0")


def _read_writable_txn_marker_result_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[WritableTxnMarkerResult, int]:
    o = _new(WritableTxnMarkerResult)
    o.producer_id, n = _unpack_qB(b, p)
    p += 9
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("WritableTxnMarkerResult.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[WritableTxnMarkerTopicResult] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_writable_txn_marker_topic_result_v1(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_writable_txn_marker_result_v1(o: WritableTxnMarkerResult, w: Write) -> None:
    v_topics = o.topics
    w(_pack_q(o.producer_id))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_writable_txn_marker_topic_result_v1(x_topics, w)
    w(b"\0")


def _read_write_txn_markers_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[WriteTxnMarkersResponse, int]:
    o = _new(WriteTxnMarkersResponse)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 10 > e - p:
        raise bad_length("WriteTxnMarkersResponse.markers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_markers: list[WritableTxnMarkerResult] = []
    o.markers = l_markers
    for _ in range(n):
        x_markers, p = _read_writable_txn_marker_result_v1(b, p, e, c)
        l_markers.append(x_markers)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_write_txn_markers_response_v1(o: WriteTxnMarkersResponse, w: Write) -> None:
    v_markers = o.markers
    n = len(v_markers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_markers in v_markers:
        _write_writable_txn_marker_result_v1(x_markers, w)
    w(b"\0")


WriteTxnMarkersRequest.READERS = {
    1: _read_write_txn_markers_request_v1,
    2: _read_write_txn_markers_request_v2,
}

WriteTxnMarkersRequest.WRITERS = {
    1: _write_write_txn_markers_request_v1,
    2: _write_write_txn_markers_request_v2,
}

WriteTxnMarkersResponse.READERS = {
    1: _read_write_txn_markers_response_v1,
    2: _read_write_txn_markers_response_v1,
}

WriteTxnMarkersResponse.WRITERS = {
    1: _write_write_txn_markers_response_v1,
    2: _write_write_txn_markers_response_v1,
}
