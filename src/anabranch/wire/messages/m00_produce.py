# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""Produce: messages of all versions, with their codec."""

from __future__ import annotations

from codecs import utf_8_decode
from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
    Buffer,
    EMPTY,
    Message,
    Records,
    Struct,
    UVARINT,
    Write,
    ZERO_UUID,
    bad_length,
    records_size,
    skip_tags,
    too_many,
    uvarint,
    uvarint_bytes,
    write_records,
)

_new = object.__new__
_pack_16s = Struct_(">16s").pack
_pack_h = Struct_(">h").pack
_pack_hi = Struct_(">hi").pack
_pack_hii = Struct_(">hii").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ihqq = Struct_(">ihqq").pack
_pack_ihqqq = Struct_(">ihqqq").pack
_pack_ihqqqi = Struct_(">ihqqqi").pack
_pack_ii = Struct_(">ii").pack
_pack_iix = Struct_(">iix").pack
_pack_ix = Struct_(">ix").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hiB = Struct_(">hiB").unpack_from
_unpack_hii = Struct_(">hii").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihqq = Struct_(">ihqq").unpack_from
_unpack_ihqqq = Struct_(">ihqqq").unpack_from
_unpack_ihqqqB = Struct_(">ihqqqB").unpack_from
_unpack_ihqqqi = Struct_(">ihqqqi").unpack_from
_unpack_ii = Struct_(">ii").unpack_from
_unpack_iiB = Struct_(">iiB").unpack_from


class PartitionProduceData(Struct):
    """Part of ProduceRequest."""

    __slots__ = ("index", "records",)
    index: int
    records: Records | None

    def __init__(
        self,
        *,
        index: int = 0,
        records: Records | None = b"",
    ) -> None:
        self.index = index
        self.records = records


class TopicProduceData(Struct):
    """Part of ProduceRequest."""

    __slots__ = ("name", "topic_id", "partition_data",)
    name: str
    topic_id: bytes
    partition_data: list[PartitionProduceData]

    def __init__(
        self,
        *,
        name: str = "",
        topic_id: bytes = ZERO_UUID,
        partition_data: list[PartitionProduceData] = EMPTY,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partition_data = [] if partition_data is EMPTY else partition_data


class ProduceRequest(Message):
    """``ProduceRequest`` (API key 0), versions 3 to 13."""

    __slots__ = ("transactional_id", "acks", "timeout_ms", "topic_data",)
    transactional_id: str | None
    acks: int
    timeout_ms: int
    topic_data: list[TopicProduceData]

    API_KEY = 0
    MIN_VERSION = 3
    MAX_VERSION = 13
    FIRST_FLEXIBLE = 9
    VIEWS = True

    def __init__(
        self,
        *,
        transactional_id: str | None = None,
        acks: int = 0,
        timeout_ms: int = 0,
        topic_data: list[TopicProduceData] = EMPTY,
    ) -> None:
        self.transactional_id = transactional_id
        self.acks = acks
        self.timeout_ms = timeout_ms
        self.topic_data = [] if topic_data is EMPTY else topic_data


class BatchIndexAndErrorMessage(Struct):
    """Part of ProduceResponse."""

    __slots__ = ("batch_index", "batch_index_error_message",)
    batch_index: int
    batch_index_error_message: str | None

    def __init__(
        self,
        *,
        batch_index: int = 0,
        batch_index_error_message: str | None = None,
    ) -> None:
        self.batch_index = batch_index
        self.batch_index_error_message = batch_index_error_message


class LeaderIdAndEpoch(Struct):
    """Part of ProduceResponse."""

    __slots__ = ("leader_id", "leader_epoch",)
    leader_id: int
    leader_epoch: int

    def __init__(
        self,
        *,
        leader_id: int = -1,
        leader_epoch: int = -1,
    ) -> None:
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch


class PartitionProduceResponse(Struct):
    """Part of ProduceResponse."""

    __slots__ = ("index", "error_code", "base_offset", "log_append_time_ms", "log_start_offset", "record_errors", "error_message", "current_leader",)
    index: int
    error_code: int
    base_offset: int
    log_append_time_ms: int
    log_start_offset: int
    record_errors: list[BatchIndexAndErrorMessage]
    error_message: str | None
    current_leader: LeaderIdAndEpoch | None

    def __init__(
        self,
        *,
        index: int = 0,
        error_code: int = 0,
        base_offset: int = 0,
        log_append_time_ms: int = -1,
        log_start_offset: int = -1,
        record_errors: list[BatchIndexAndErrorMessage] = EMPTY,
        error_message: str | None = None,
        current_leader: LeaderIdAndEpoch | None = None,
    ) -> None:
        self.index = index
        self.error_code = error_code
        self.base_offset = base_offset
        self.log_append_time_ms = log_append_time_ms
        self.log_start_offset = log_start_offset
        self.record_errors = [] if record_errors is EMPTY else record_errors
        self.error_message = error_message
        self.current_leader = current_leader


class TopicProduceResponse(Struct):
    """Part of ProduceResponse."""

    __slots__ = ("name", "topic_id", "partition_responses",)
    name: str
    topic_id: bytes
    partition_responses: list[PartitionProduceResponse]

    def __init__(
        self,
        *,
        name: str = "",
        topic_id: bytes = ZERO_UUID,
        partition_responses: list[PartitionProduceResponse] = EMPTY,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partition_responses = [] if partition_responses is EMPTY else partition_responses


class NodeEndpoint(Struct):
    """Part of ProduceResponse."""

    __slots__ = ("node_id", "host", "port", "rack",)
    node_id: int
    host: str
    port: int
    rack: str | None

    def __init__(
        self,
        *,
        node_id: int = 0,
        host: str = "",
        port: int = 0,
        rack: str | None = None,
    ) -> None:
        self.node_id = node_id
        self.host = host
        self.port = port
        self.rack = rack


class ProduceResponse(Message):
    """``ProduceResponse`` (API key 0), versions 3 to 13."""

    __slots__ = ("responses", "throttle_time_ms", "node_endpoints",)
    responses: list[TopicProduceResponse]
    throttle_time_ms: int
    node_endpoints: list[NodeEndpoint]

    API_KEY = 0
    MIN_VERSION = 3
    MAX_VERSION = 13
    FIRST_FLEXIBLE = 9

    def __init__(
        self,
        *,
        responses: list[TopicProduceResponse] = EMPTY,
        throttle_time_ms: int = 0,
        node_endpoints: list[NodeEndpoint] = EMPTY,
    ) -> None:
        self.responses = [] if responses is EMPTY else responses
        self.throttle_time_ms = throttle_time_ms
        self.node_endpoints = [] if node_endpoints is EMPTY else node_endpoints


def _read_partition_produce_data_v3(b: memoryview, p: int, e: int, c: Allowance) -> tuple[PartitionProduceData, int]:
    o = _new(PartitionProduceData)
    o.index, n = _unpack_ii(b, p)
    p += 8
    if n < 0:
        o.records = None
    else:
        q = p + n
        if q > e:
            raise bad_length("PartitionProduceData.records")
        o.records = b[p:q]
        p = q
    return o, p


def _write_partition_produce_data_v3(o: PartitionProduceData, w: Write) -> None:
    v_records = o.records
    if v_records is None:
        w(_pack_ii(o.index, -1))
    else:
        w(_pack_ii(o.index, records_size(v_records)))
        write_records(v_records, w)


def _read_partition_produce_data_v9(b: memoryview, p: int, e: int, c: Allowance) -> tuple[PartitionProduceData, int]:
    o = _new(PartitionProduceData)
    o.index, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.records = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("PartitionProduceData.records")
        o.records = b[p:q]
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_partition_produce_data_v9(o: PartitionProduceData, w: Write) -> None:
    v_records = o.records
    w(_pack_i(o.index))
    if v_records is None:
        w(b"\0")
    else:
        n = records_size(v_records) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        write_records(v_records, w)
    w(b"\0")


def _read_topic_produce_data_v3(b: memoryview, p: int, e: int, c: Allowance) -> tuple[TopicProduceData, int]:
    o = _new(TopicProduceData)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TopicProduceData.name")
    o.name = utf_8_decode(b[p:q], "strict", True)[0]
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 8 > e - p:
        raise bad_length("TopicProduceData.partition_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partition_data: list[PartitionProduceData] = []
    o.partition_data = l_partition_data
    for _ in range(n):
        x_partition_data, p = _read_partition_produce_data_v3(b, p, e, c)
        l_partition_data.append(x_partition_data)
    return o, p


def _write_topic_produce_data_v3(o: TopicProduceData, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partition_data = o.partition_data
    w(_pack_i(len(v_partition_data)))
    for x_partition_data in v_partition_data:
        _write_partition_produce_data_v3(x_partition_data, w)


def _read_topic_produce_data_v9(b: memoryview, p: int, e: int, c: Allowance) -> tuple[TopicProduceData, int]:
    o = _new(TopicProduceData)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TopicProduceData.name")
    o.name = utf_8_decode(b[p:q], "strict", True)[0]
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("TopicProduceData.partition_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partition_data: list[PartitionProduceData] = []
    o.partition_data = l_partition_data
    for _ in range(n):
        x_partition_data, p = _read_partition_produce_data_v9(b, p, e, c)
        l_partition_data.append(x_partition_data)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_topic_produce_data_v9(o: TopicProduceData, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partition_data = o.partition_data
    n = len(v_partition_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partition_data in v_partition_data:
        _write_partition_produce_data_v9(x_partition_data, w)
    w(b"\0")


def _read_topic_produce_data_v13(b: memoryview, p: int, e: int, c: Allowance) -> tuple[TopicProduceData, int]:
    o = _new(TopicProduceData)
    o.name = ""
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("TopicProduceData.partition_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partition_data: list[PartitionProduceData] = []
    o.partition_data = l_partition_data
    for _ in range(n):
        x_partition_data, p = _read_partition_produce_data_v9(b, p, e, c)
        l_partition_data.append(x_partition_data)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_topic_produce_data_v13(o: TopicProduceData, w: Write) -> None:
    v_partition_data = o.partition_data
    w(_pack_16s(o.topic_id))
    n = len(v_partition_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partition_data in v_partition_data:
        _write_partition_produce_data_v9(x_partition_data, w)
    w(b"\0")


def _read_produce_request_v3(b: memoryview, p: int, e: int, c: Allowance) -> tuple[ProduceRequest, int]:
    o = _new(ProduceRequest)
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.transactional_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("ProduceRequest.transactional_id")
        o.transactional_id = utf_8_decode(b[p:q], "strict", True)[0]
        p = q
    o.acks, o.timeout_ms, n = _unpack_hii(b, p)
    p += 10
    if n < 0 or n * 6 > e - p:
        raise bad_length("ProduceRequest.topic_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topic_data: list[TopicProduceData] = []
    o.topic_data = l_topic_data
    for _ in range(n):
        x_topic_data, p = _read_topic_produce_data_v3(b, p, e, c)
        l_topic_data.append(x_topic_data)
    return o, p


def _write_produce_request_v3(o: ProduceRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    if v_transactional_id is None:
        w(_pack_h(-1))
    else:
        r_transactional_id = v_transactional_id.encode()
        w(_pack_h(len(r_transactional_id)))
        w(r_transactional_id)
    v_topic_data = o.topic_data
    w(_pack_hii(o.acks, o.timeout_ms, len(v_topic_data)))
    for x_topic_data in v_topic_data:
        _write_topic_produce_data_v3(x_topic_data, w)


def _read_produce_request_v9(b: memoryview, p: int, e: int, c: Allowance) -> tuple[ProduceRequest, int]:
    o = _new(ProduceRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.transactional_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ProduceRequest.transactional_id")
        o.transactional_id = utf_8_decode(b[p:q], "strict", True)[0]
        p = q
    o.acks, o.timeout_ms, n = _unpack_hiB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("ProduceRequest.topic_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topic_data: list[TopicProduceData] = []
    o.topic_data = l_topic_data
    for _ in range(n):
        x_topic_data, p = _read_topic_produce_data_v9(b, p, e, c)
        l_topic_data.append(x_topic_data)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_produce_request_v9(o: ProduceRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    if v_transactional_id is None:
        w(b"\0")
    else:
        r_transactional_id = v_transactional_id.encode()
        n = len(r_transactional_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_transactional_id)
    v_topic_data = o.topic_data
    w(_pack_hi(o.acks, o.timeout_ms))
    n = len(v_topic_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topic_data in v_topic_data:
        _write_topic_produce_data_v9(x_topic_data, w)
    w(b"\0")


def _read_produce_request_v13(b: memoryview, p: int, e: int, c: Allowance) -> tuple[ProduceRequest, int]:
    o = _new(ProduceRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.transactional_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ProduceRequest.transactional_id")
        o.transactional_id = utf_8_decode(b[p:q], "strict", True)[0]
        p = q
    o.acks, o.timeout_ms, n = _unpack_hiB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("ProduceRequest.topic_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topic_data: list[TopicProduceData] = []
    o.topic_data = l_topic_data
    for _ in range(n):
        x_topic_data, p = _read_topic_produce_data_v13(b, p, e, c)
        l_topic_data.append(x_topic_data)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_produce_request_v13(o: ProduceRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    if v_transactional_id is None:
        w(b"\0")
    else:
        r_transactional_id = v_transactional_id.encode()
        n = len(r_transactional_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_transactional_id)
    v_topic_data = o.topic_data
    w(_pack_hi(o.acks, o.timeout_ms))
    n = len(v_topic_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topic_data in v_topic_data:
        _write_topic_produce_data_v13(x_topic_data, w)
    w(b"\0")


def _read_batch_index_and_error_message_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[BatchIndexAndErrorMessage, int]:
    o = _new(BatchIndexAndErrorMessage)
    o.batch_index, n = _unpack_ih(b, p)
    p += 6
    if n < 0:
        o.batch_index_error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("BatchIndexAndErrorMessage.batch_index_error_message")
        o.batch_index_error_message = b[p:q].decode()
        p = q
    return o, p


def _write_batch_index_and_error_message_v8(o: BatchIndexAndErrorMessage, w: Write) -> None:
    v_batch_index_error_message = o.batch_index_error_message
    if v_batch_index_error_message is None:
        w(_pack_ih(o.batch_index, -1))
    else:
        r_batch_index_error_message = v_batch_index_error_message.encode()
        w(_pack_ih(o.batch_index, len(r_batch_index_error_message)))
        w(r_batch_index_error_message)


def _read_batch_index_and_error_message_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[BatchIndexAndErrorMessage, int]:
    o = _new(BatchIndexAndErrorMessage)
    o.batch_index, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.batch_index_error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("BatchIndexAndErrorMessage.batch_index_error_message")
        o.batch_index_error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_batch_index_and_error_message_v9(o: BatchIndexAndErrorMessage, w: Write) -> None:
    v_batch_index_error_message = o.batch_index_error_message
    w(_pack_i(o.batch_index))
    if v_batch_index_error_message is None:
        w(b"\0")
    else:
        r_batch_index_error_message = v_batch_index_error_message.encode()
        n = len(r_batch_index_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_batch_index_error_message)
    w(b"\0")


def _read_leader_id_and_epoch_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[LeaderIdAndEpoch, int]:
    o = _new(LeaderIdAndEpoch)
    o.leader_id, o.leader_epoch, n = _unpack_iiB(b, p)
    p += 9
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_leader_id_and_epoch_v10(o: LeaderIdAndEpoch, w: Write) -> None:
    w(_pack_iix(o.leader_id, o.leader_epoch))


def _read_partition_produce_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[PartitionProduceResponse, int]:
    o = _new(PartitionProduceResponse)
    o.log_start_offset = -1
    o.record_errors = []
    o.error_message = None
    o.current_leader = None
    o.index, o.error_code, o.base_offset, o.log_append_time_ms = _unpack_ihqq(b, p)
    p += 22
    return o, p


def _write_partition_produce_response_v3(o: PartitionProduceResponse, w: Write) -> None:
    w(_pack_ihqq(o.index, o.error_code, o.base_offset, o.log_append_time_ms))


def _read_partition_produce_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[PartitionProduceResponse, int]:
    o = _new(PartitionProduceResponse)
    o.record_errors = []
    o.error_message = None
    o.current_leader = None
    o.index, o.error_code, o.base_offset, o.log_append_time_ms, o.log_start_offset = _unpack_ihqqq(b, p)
    p += 30
    return o, p


def _write_partition_produce_response_v5(o: PartitionProduceResponse, w: Write) -> None:
    w(_pack_ihqqq(o.index, o.error_code, o.base_offset, o.log_append_time_ms, o.log_start_offset))


def _read_partition_produce_response_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[PartitionProduceResponse, int]:
    o = _new(PartitionProduceResponse)
    o.current_leader = None
    o.index, o.error_code, o.base_offset, o.log_append_time_ms, o.log_start_offset, n = _unpack_ihqqqi(b, p)
    p += 34
    if n < 0 or n * 6 > e - p:
        raise bad_length("PartitionProduceResponse.record_errors")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_record_errors: list[BatchIndexAndErrorMessage] = []
    o.record_errors = l_record_errors
    for _ in range(n):
        x_record_errors, p = _read_batch_index_and_error_message_v8(b, p, e, c)
        l_record_errors.append(x_record_errors)
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("PartitionProduceResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    return o, p


def _write_partition_produce_response_v8(o: PartitionProduceResponse, w: Write) -> None:
    v_record_errors = o.record_errors
    w(_pack_ihqqqi(o.index, o.error_code, o.base_offset, o.log_append_time_ms, o.log_start_offset, len(v_record_errors)))
    for x_record_errors in v_record_errors:
        _write_batch_index_and_error_message_v8(x_record_errors, w)
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_h(-1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_h(len(r_error_message)))
        w(r_error_message)


def _read_partition_produce_response_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[PartitionProduceResponse, int]:
    o = _new(PartitionProduceResponse)
    o.current_leader = None
    o.index, o.error_code, o.base_offset, o.log_append_time_ms, o.log_start_offset, n = _unpack_ihqqqB(b, p)
    p += 31
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("PartitionProduceResponse.record_errors")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_record_errors: list[BatchIndexAndErrorMessage] = []
    o.record_errors = l_record_errors
    for _ in range(n):
        x_record_errors, p = _read_batch_index_and_error_message_v9(b, p, e, c)
        l_record_errors.append(x_record_errors)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("PartitionProduceResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_partition_produce_response_v9(o: PartitionProduceResponse, w: Write) -> None:
    v_record_errors = o.record_errors
    w(_pack_ihqqq(o.index, o.error_code, o.base_offset, o.log_append_time_ms, o.log_start_offset))
    n = len(v_record_errors) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_record_errors in v_record_errors:
        _write_batch_index_and_error_message_v9(x_record_errors, w)
    v_error_message = o.error_message
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    w(b"\0")


def _read_partition_produce_response_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[PartitionProduceResponse, int]:
    o = _new(PartitionProduceResponse)
    o.index, o.error_code, o.base_offset, o.log_append_time_ms, o.log_start_offset, n = _unpack_ihqqqB(b, p)
    p += 31
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("PartitionProduceResponse.record_errors")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_record_errors: list[BatchIndexAndErrorMessage] = []
    o.record_errors = l_record_errors
    for _ in range(n):
        x_record_errors, p = _read_batch_index_and_error_message_v9(b, p, e, c)
        l_record_errors.append(x_record_errors)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("PartitionProduceResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.current_leader = None
    n = b[p]
    p += 1
    if n:
        n, p = uvarint(b, p - 1)
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        for _ in range(n):
            t, p = uvarint(b, p)
            n, p = uvarint(b, p)
            z = p + n
            if z > e:
                raise bad_length("PartitionProduceResponse: tagged field")
            if t == 0:
                o.current_leader, p = _read_leader_id_and_epoch_v10(b, p, z, c)
            else:
                p = z
            if p != z:
                raise bad_length("PartitionProduceResponse: tagged field")
    return o, p


def _write_partition_produce_response_v10(o: PartitionProduceResponse, w: Write) -> None:
    v_record_errors = o.record_errors
    w(_pack_ihqqq(o.index, o.error_code, o.base_offset, o.log_append_time_ms, o.log_start_offset))
    n = len(v_record_errors) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_record_errors in v_record_errors:
        _write_batch_index_and_error_message_v9(x_record_errors, w)
    v_error_message = o.error_message
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    n = 0
    if o.current_leader is not None:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.current_leader is not None:
        g: list[Buffer] = []
        a = g.append
        _write_leader_id_and_epoch_v10(o.current_leader, a)
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_topic_produce_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicProduceResponse, int]:
    o = _new(TopicProduceResponse)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TopicProduceResponse.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 22 > e - p:
        raise bad_length("TopicProduceResponse.partition_responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partition_responses: list[PartitionProduceResponse] = []
    o.partition_responses = l_partition_responses
    for _ in range(n):
        x_partition_responses, p = _read_partition_produce_response_v3(b, p, e, c)
        l_partition_responses.append(x_partition_responses)
    return o, p


def _write_topic_produce_response_v3(o: TopicProduceResponse, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partition_responses = o.partition_responses
    w(_pack_i(len(v_partition_responses)))
    for x_partition_responses in v_partition_responses:
        _write_partition_produce_response_v3(x_partition_responses, w)


def _read_topic_produce_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicProduceResponse, int]:
    o = _new(TopicProduceResponse)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TopicProduceResponse.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 30 > e - p:
        raise bad_length("TopicProduceResponse.partition_responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partition_responses: list[PartitionProduceResponse] = []
    o.partition_responses = l_partition_responses
    for _ in range(n):
        x_partition_responses, p = _read_partition_produce_response_v5(b, p, e, c)
        l_partition_responses.append(x_partition_responses)
    return o, p


def _write_topic_produce_response_v5(o: TopicProduceResponse, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partition_responses = o.partition_responses
    w(_pack_i(len(v_partition_responses)))
    for x_partition_responses in v_partition_responses:
        _write_partition_produce_response_v5(x_partition_responses, w)


def _read_topic_produce_response_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicProduceResponse, int]:
    o = _new(TopicProduceResponse)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TopicProduceResponse.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 36 > e - p:
        raise bad_length("TopicProduceResponse.partition_responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partition_responses: list[PartitionProduceResponse] = []
    o.partition_responses = l_partition_responses
    for _ in range(n):
        x_partition_responses, p = _read_partition_produce_response_v8(b, p, e, c)
        l_partition_responses.append(x_partition_responses)
    return o, p


def _write_topic_produce_response_v8(o: TopicProduceResponse, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partition_responses = o.partition_responses
    w(_pack_i(len(v_partition_responses)))
    for x_partition_responses in v_partition_responses:
        _write_partition_produce_response_v8(x_partition_responses, w)


def _read_topic_produce_response_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicProduceResponse, int]:
    o = _new(TopicProduceResponse)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TopicProduceResponse.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 33 > e - p:
        raise bad_length("TopicProduceResponse.partition_responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partition_responses: list[PartitionProduceResponse] = []
    o.partition_responses = l_partition_responses
    for _ in range(n):
        x_partition_responses, p = _read_partition_produce_response_v9(b, p, e, c)
        l_partition_responses.append(x_partition_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_topic_produce_response_v9(o: TopicProduceResponse, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partition_responses = o.partition_responses
    n = len(v_partition_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partition_responses in v_partition_responses:
        _write_partition_produce_response_v9(x_partition_responses, w)
    w(b"\0")


def _read_topic_produce_response_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicProduceResponse, int]:
    o = _new(TopicProduceResponse)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TopicProduceResponse.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 33 > e - p:
        raise bad_length("TopicProduceResponse.partition_responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partition_responses: list[PartitionProduceResponse] = []
    o.partition_responses = l_partition_responses
    for _ in range(n):
        x_partition_responses, p = _read_partition_produce_response_v10(b, p, e, c)
        l_partition_responses.append(x_partition_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_topic_produce_response_v10(o: TopicProduceResponse, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partition_responses = o.partition_responses
    n = len(v_partition_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partition_responses in v_partition_responses:
        _write_partition_produce_response_v10(x_partition_responses, w)
    w(b"\0")


def _read_topic_produce_response_v13(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicProduceResponse, int]:
    o = _new(TopicProduceResponse)
    o.name = ""
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 33 > e - p:
        raise bad_length("TopicProduceResponse.partition_responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partition_responses: list[PartitionProduceResponse] = []
    o.partition_responses = l_partition_responses
    for _ in range(n):
        x_partition_responses, p = _read_partition_produce_response_v10(b, p, e, c)
        l_partition_responses.append(x_partition_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_topic_produce_response_v13(o: TopicProduceResponse, w: Write) -> None:
    v_partition_responses = o.partition_responses
    w(_pack_16s(o.topic_id))
    n = len(v_partition_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partition_responses in v_partition_responses:
        _write_partition_produce_response_v10(x_partition_responses, w)
    w(b"\0")


def _read_node_endpoint_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[NodeEndpoint, int]:
    o = _new(NodeEndpoint)
    o.node_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("NodeEndpoint.host")
    o.host = b[p:q].decode()
    p = q
    o.port, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.rack = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("NodeEndpoint.rack")
        o.rack = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_node_endpoint_v10(o: NodeEndpoint, w: Write) -> None:
    v_host = o.host
    w(_pack_i(o.node_id))
    r_host = v_host.encode()
    n = len(r_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_host)
    v_rack = o.rack
    w(_pack_i(o.port))
    if v_rack is None:
        w(b"\0")
    else:
        r_rack = v_rack.encode()
        n = len(r_rack) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_rack)
    w(b"\0")


def _read_produce_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[ProduceResponse, int]:
    o = _new(ProduceResponse)
    o.node_endpoints = []
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("ProduceResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[TopicProduceResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_topic_produce_response_v3(b, p, e, c)
        l_responses.append(x_responses)
    (o.throttle_time_ms,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_produce_response_v3(o: ProduceResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_i(len(v_responses)))
    for x_responses in v_responses:
        _write_topic_produce_response_v3(x_responses, w)
    w(_pack_i(o.throttle_time_ms))


def _read_produce_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[ProduceResponse, int]:
    o = _new(ProduceResponse)
    o.node_endpoints = []
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("ProduceResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[TopicProduceResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_topic_produce_response_v5(b, p, e, c)
        l_responses.append(x_responses)
    (o.throttle_time_ms,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_produce_response_v5(o: ProduceResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_i(len(v_responses)))
    for x_responses in v_responses:
        _write_topic_produce_response_v5(x_responses, w)
    w(_pack_i(o.throttle_time_ms))


def _read_produce_response_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[ProduceResponse, int]:
    o = _new(ProduceResponse)
    o.node_endpoints = []
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("ProduceResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[TopicProduceResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_topic_produce_response_v8(b, p, e, c)
        l_responses.append(x_responses)
    (o.throttle_time_ms,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_produce_response_v8(o: ProduceResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_i(len(v_responses)))
    for x_responses in v_responses:
        _write_topic_produce_response_v8(x_responses, w)
    w(_pack_i(o.throttle_time_ms))


def _read_produce_response_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[ProduceResponse, int]:
    o = _new(ProduceResponse)
    o.node_endpoints = []
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("ProduceResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[TopicProduceResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_topic_produce_response_v9(b, p, e, c)
        l_responses.append(x_responses)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_produce_response_v9(o: ProduceResponse, w: Write) -> None:
    v_responses = o.responses
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_topic_produce_response_v9(x_responses, w)
    w(_pack_ix(o.throttle_time_ms))


def _read_produce_response_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[ProduceResponse, int]:
    o = _new(ProduceResponse)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("ProduceResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[TopicProduceResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_topic_produce_response_v10(b, p, e, c)
        l_responses.append(x_responses)
    o.node_endpoints = []
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        n, p = uvarint(b, p - 1)
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        for _ in range(n):
            t, p = uvarint(b, p)
            n, p = uvarint(b, p)
            z = p + n
            if z > e:
                raise bad_length("ProduceResponse: tagged field")
            if t == 0:
                n = b[p]
                p += 1
                if n > 127:
                    n, p = uvarint(b, p - 1)
                n -= 1
                if n < 0 or n * 11 > z - p:
                    raise bad_length("ProduceResponse.node_endpoints")
                c[0] -= n
                if c[0] < 0:
                    raise too_many()
                l_node_endpoints: list[NodeEndpoint] = []
                o.node_endpoints = l_node_endpoints
                for _ in range(n):
                    x_node_endpoints, p = _read_node_endpoint_v10(b, p, z, c)
                    l_node_endpoints.append(x_node_endpoints)
            else:
                p = z
            if p != z:
                raise bad_length("ProduceResponse: tagged field")
    return o, p


def _write_produce_response_v10(o: ProduceResponse, w: Write) -> None:
    v_responses = o.responses
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_topic_produce_response_v10(x_responses, w)
    w(_pack_i(o.throttle_time_ms))
    n = 0
    if o.node_endpoints:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.node_endpoints:
        g: list[Buffer] = []
        a = g.append
        v_node_endpoints = o.node_endpoints
        n = len(v_node_endpoints) + 1
        a(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_node_endpoints in v_node_endpoints:
            _write_node_endpoint_v10(x_node_endpoints, a)
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_produce_response_v13(b: bytes, p: int, e: int, c: Allowance) -> tuple[ProduceResponse, int]:
    o = _new(ProduceResponse)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("ProduceResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[TopicProduceResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_topic_produce_response_v13(b, p, e, c)
        l_responses.append(x_responses)
    o.node_endpoints = []
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        n, p = uvarint(b, p - 1)
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        for _ in range(n):
            t, p = uvarint(b, p)
            n, p = uvarint(b, p)
            z = p + n
            if z > e:
                raise bad_length("ProduceResponse: tagged field")
            if t == 0:
                n = b[p]
                p += 1
                if n > 127:
                    n, p = uvarint(b, p - 1)
                n -= 1
                if n < 0 or n * 11 > z - p:
                    raise bad_length("ProduceResponse.node_endpoints")
                c[0] -= n
                if c[0] < 0:
                    raise too_many()
                l_node_endpoints: list[NodeEndpoint] = []
                o.node_endpoints = l_node_endpoints
                for _ in range(n):
                    x_node_endpoints, p = _read_node_endpoint_v10(b, p, z, c)
                    l_node_endpoints.append(x_node_endpoints)
            else:
                p = z
            if p != z:
                raise bad_length("ProduceResponse: tagged field")
    return o, p


def _write_produce_response_v13(o: ProduceResponse, w: Write) -> None:
    v_responses = o.responses
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_topic_produce_response_v13(x_responses, w)
    w(_pack_i(o.throttle_time_ms))
    n = 0
    if o.node_endpoints:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.node_endpoints:
        g: list[Buffer] = []
        a = g.append
        v_node_endpoints = o.node_endpoints
        n = len(v_node_endpoints) + 1
        a(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_node_endpoints in v_node_endpoints:
            _write_node_endpoint_v10(x_node_endpoints, a)
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


ProduceRequest.READERS = {
    3: _read_produce_request_v3,
    4: _read_produce_request_v3,
    5: _read_produce_request_v3,
    6: _read_produce_request_v3,
    7: _read_produce_request_v3,
    8: _read_produce_request_v3,
    9: _read_produce_request_v9,
    10: _read_produce_request_v9,
    11: _read_produce_request_v9,
    12: _read_produce_request_v9,
    13: _read_produce_request_v13,
}

ProduceRequest.WRITERS = {
    3: _write_produce_request_v3,
    4: _write_produce_request_v3,
    5: _write_produce_request_v3,
    6: _write_produce_request_v3,
    7: _write_produce_request_v3,
    8: _write_produce_request_v3,
    9: _write_produce_request_v9,
    10: _write_produce_request_v9,
    11: _write_produce_request_v9,
    12: _write_produce_request_v9,
    13: _write_produce_request_v13,
}

ProduceResponse.READERS = {
    3: _read_produce_response_v3,
    4: _read_produce_response_v3,
    5: _read_produce_response_v5,
    6: _read_produce_response_v5,
    7: _read_produce_response_v5,
    8: _read_produce_response_v8,
    9: _read_produce_response_v9,
    10: _read_produce_response_v10,
    11: _read_produce_response_v10,
    12: _read_produce_response_v10,
    13: _read_produce_response_v13,
}

ProduceResponse.WRITERS = {
    3: _write_produce_response_v3,
    4: _write_produce_response_v3,
    5: _write_produce_response_v5,
    6: _write_produce_response_v5,
    7: _write_produce_response_v5,
    8: _write_produce_response_v8,
    9: _write_produce_response_v9,
    10: _write_produce_response_v10,
    11: _write_produce_response_v10,
    12: _write_produce_response_v10,
    13: _write_produce_response_v13,
}
