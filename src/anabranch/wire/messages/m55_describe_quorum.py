# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeQuorum: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
    EMPTY,
    Message,
    Struct,
    UVARINT,
    Write,
    ZERO_UUID,
    bad_length,
    skip_tags,
    too_many,
    uvarint,
    uvarint_bytes,
)

_new = object.__new__
_pack_Hx = Struct_(">Hx").pack
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_i16sqqqx = Struct_(">i16sqqqx").pack
_pack_ih = Struct_(">ih").pack
_pack_ihiiq = Struct_(">ihiiq").pack
_pack_iiq = Struct_(">iiq").pack
_pack_iqqqx = Struct_(">iqqqx").pack
_pack_iqx = Struct_(">iqx").pack
_pack_ix = Struct_(">ix").pack
_unpack_HB = Struct_(">HB").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_i16sqqqB = Struct_(">i16sqqqB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ihiiqB = Struct_(">ihiiqB").unpack_from
_unpack_iiqB = Struct_(">iiqB").unpack_from
_unpack_iqB = Struct_(">iqB").unpack_from
_unpack_iqqqB = Struct_(">iqqqB").unpack_from


class DescribeQuorumRequestPartitionData(Struct):
    """Part of DescribeQuorumRequest."""

    __slots__ = ("partition_index",)
    partition_index: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
    ) -> None:
        self.partition_index = partition_index


class DescribeQuorumRequestTopicData(Struct):
    """Part of DescribeQuorumRequest."""

    __slots__ = ("topic_name", "partitions",)
    topic_name: str
    partitions: list[DescribeQuorumRequestPartitionData]

    def __init__(
        self,
        *,
        topic_name: str = "",
        partitions: list[DescribeQuorumRequestPartitionData] = EMPTY,
    ) -> None:
        self.topic_name = topic_name
        self.partitions = [] if partitions is EMPTY else partitions


class DescribeQuorumRequest(Message):
    """``DescribeQuorumRequest`` (API key 55), versions 0 to 2."""

    __slots__ = ("topics",)
    topics: list[DescribeQuorumRequestTopicData]

    API_KEY = 55
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        topics: list[DescribeQuorumRequestTopicData] = EMPTY,
    ) -> None:
        self.topics = [] if topics is EMPTY else topics


class ReplicaState(Struct):
    """Part of DescribeQuorumResponse."""

    __slots__ = ("replica_id", "replica_directory_id", "log_end_offset", "last_fetch_timestamp", "last_caught_up_timestamp",)
    replica_id: int
    replica_directory_id: bytes
    log_end_offset: int
    last_fetch_timestamp: int
    last_caught_up_timestamp: int

    def __init__(
        self,
        *,
        replica_id: int = 0,
        replica_directory_id: bytes = ZERO_UUID,
        log_end_offset: int = 0,
        last_fetch_timestamp: int = -1,
        last_caught_up_timestamp: int = -1,
    ) -> None:
        self.replica_id = replica_id
        self.replica_directory_id = replica_directory_id
        self.log_end_offset = log_end_offset
        self.last_fetch_timestamp = last_fetch_timestamp
        self.last_caught_up_timestamp = last_caught_up_timestamp


class DescribeQuorumResponsePartitionData(Struct):
    """Part of DescribeQuorumResponse."""

    __slots__ = ("partition_index", "error_code", "error_message", "leader_id", "leader_epoch", "high_watermark", "current_voters", "observers",)
    partition_index: int
    error_code: int
    error_message: str | None
    leader_id: int
    leader_epoch: int
    high_watermark: int
    current_voters: list[ReplicaState]
    observers: list[ReplicaState]

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        leader_id: int = 0,
        leader_epoch: int = 0,
        high_watermark: int = 0,
        current_voters: list[ReplicaState] = EMPTY,
        observers: list[ReplicaState] = EMPTY,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch
        self.high_watermark = high_watermark
        self.current_voters = [] if current_voters is EMPTY else current_voters
        self.observers = [] if observers is EMPTY else observers


class DescribeQuorumResponseTopicData(Struct):
    """Part of DescribeQuorumResponse."""

    __slots__ = ("topic_name", "partitions",)
    topic_name: str
    partitions: list[DescribeQuorumResponsePartitionData]

    def __init__(
        self,
        *,
        topic_name: str = "",
        partitions: list[DescribeQuorumResponsePartitionData] = EMPTY,
    ) -> None:
        self.topic_name = topic_name
        self.partitions = [] if partitions is EMPTY else partitions


class Listener(Struct):
    """Part of DescribeQuorumResponse."""

    __slots__ = ("name", "host", "port",)
    name: str
    host: str
    port: int

    def __init__(
        self,
        *,
        name: str = "",
        host: str = "",
        port: int = 0,
    ) -> None:
        self.name = name
        self.host = host
        self.port = port


class Node(Struct):
    """Part of DescribeQuorumResponse."""

    __slots__ = ("node_id", "listeners",)
    node_id: int
    listeners: list[Listener]

    def __init__(
        self,
        *,
        node_id: int = 0,
        listeners: list[Listener] = EMPTY,
    ) -> None:
        self.node_id = node_id
        self.listeners = [] if listeners is EMPTY else listeners


class DescribeQuorumResponse(Message):
    """``DescribeQuorumResponse`` (API key 55), versions 0 to 2."""

    __slots__ = ("error_code", "error_message", "topics", "nodes",)
    error_code: int
    error_message: str | None
    topics: list[DescribeQuorumResponseTopicData]
    nodes: list[Node]

    API_KEY = 55
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = "",
        topics: list[DescribeQuorumResponseTopicData] = EMPTY,
        nodes: list[Node] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.topics = [] if topics is EMPTY else topics
        self.nodes = [] if nodes is EMPTY else nodes


def _read_describe_quorum_request_partition_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumRequestPartitionData, int]:
    o = _new(DescribeQuorumRequestPartitionData)
    o.partition_index, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_request_partition_data_v0(o: DescribeQuorumRequestPartitionData, w: Write) -> None:
    w(_pack_ix(o.partition_index))


def _read_describe_quorum_request_topic_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumRequestTopicData, int]:
    o = _new(DescribeQuorumRequestTopicData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeQuorumRequestTopicData.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("DescribeQuorumRequestTopicData.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DescribeQuorumRequestPartitionData] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_describe_quorum_request_partition_data_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_request_topic_data_v0(o: DescribeQuorumRequestTopicData, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_describe_quorum_request_partition_data_v0(x_partitions, w)
    w(b"\0")


def _read_describe_quorum_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumRequest, int]:
    o = _new(DescribeQuorumRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribeQuorumRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DescribeQuorumRequestTopicData] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_describe_quorum_request_topic_data_v0(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_request_v0(o: DescribeQuorumRequest, w: Write) -> None:
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_describe_quorum_request_topic_data_v0(x_topics, w)
    w(b"\0")


def _read_replica_state_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ReplicaState, int]:
    o = _new(ReplicaState)
    o.replica_directory_id = ZERO_UUID
    o.last_fetch_timestamp = -1
    o.last_caught_up_timestamp = -1
    o.replica_id, o.log_end_offset, n = _unpack_iqB(b, p)
    p += 13
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_replica_state_v0(o: ReplicaState, w: Write) -> None:
    w(_pack_iqx(o.replica_id, o.log_end_offset))


def _read_replica_state_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ReplicaState, int]:
    o = _new(ReplicaState)
    o.replica_directory_id = ZERO_UUID
    o.replica_id, o.log_end_offset, o.last_fetch_timestamp, o.last_caught_up_timestamp, n = _unpack_iqqqB(b, p)
    p += 29
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_replica_state_v1(o: ReplicaState, w: Write) -> None:
    w(_pack_iqqqx(o.replica_id, o.log_end_offset, o.last_fetch_timestamp, o.last_caught_up_timestamp))


def _read_replica_state_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[ReplicaState, int]:
    o = _new(ReplicaState)
    o.replica_id, o.replica_directory_id, o.log_end_offset, o.last_fetch_timestamp, o.last_caught_up_timestamp, n = _unpack_i16sqqqB(b, p)
    p += 45
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_replica_state_v2(o: ReplicaState, w: Write) -> None:
    w(_pack_i16sqqqx(o.replica_id, o.replica_directory_id, o.log_end_offset, o.last_fetch_timestamp, o.last_caught_up_timestamp))


def _read_describe_quorum_response_partition_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumResponsePartitionData, int]:
    o = _new(DescribeQuorumResponsePartitionData)
    o.error_message = ""
    o.partition_index, o.error_code, o.leader_id, o.leader_epoch, o.high_watermark, n = _unpack_ihiiqB(b, p)
    p += 23
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 13 > e - p:
        raise bad_length("DescribeQuorumResponsePartitionData.current_voters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_current_voters: list[ReplicaState] = []
    o.current_voters = l_current_voters
    for _ in range(n):
        x_current_voters, p = _read_replica_state_v0(b, p, e, c)
        l_current_voters.append(x_current_voters)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 13 > e - p:
        raise bad_length("DescribeQuorumResponsePartitionData.observers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_observers: list[ReplicaState] = []
    o.observers = l_observers
    for _ in range(n):
        x_observers, p = _read_replica_state_v0(b, p, e, c)
        l_observers.append(x_observers)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_response_partition_data_v0(o: DescribeQuorumResponsePartitionData, w: Write) -> None:
    v_current_voters = o.current_voters
    w(_pack_ihiiq(o.partition_index, o.error_code, o.leader_id, o.leader_epoch, o.high_watermark))
    n = len(v_current_voters) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_current_voters in v_current_voters:
        _write_replica_state_v0(x_current_voters, w)
    v_observers = o.observers
    n = len(v_observers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_observers in v_observers:
        _write_replica_state_v0(x_observers, w)
    w(b"\0")


def _read_describe_quorum_response_partition_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumResponsePartitionData, int]:
    o = _new(DescribeQuorumResponsePartitionData)
    o.error_message = ""
    o.partition_index, o.error_code, o.leader_id, o.leader_epoch, o.high_watermark, n = _unpack_ihiiqB(b, p)
    p += 23
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 29 > e - p:
        raise bad_length("DescribeQuorumResponsePartitionData.current_voters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_current_voters: list[ReplicaState] = []
    o.current_voters = l_current_voters
    for _ in range(n):
        x_current_voters, p = _read_replica_state_v1(b, p, e, c)
        l_current_voters.append(x_current_voters)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 29 > e - p:
        raise bad_length("DescribeQuorumResponsePartitionData.observers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_observers: list[ReplicaState] = []
    o.observers = l_observers
    for _ in range(n):
        x_observers, p = _read_replica_state_v1(b, p, e, c)
        l_observers.append(x_observers)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_response_partition_data_v1(o: DescribeQuorumResponsePartitionData, w: Write) -> None:
    v_current_voters = o.current_voters
    w(_pack_ihiiq(o.partition_index, o.error_code, o.leader_id, o.leader_epoch, o.high_watermark))
    n = len(v_current_voters) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_current_voters in v_current_voters:
        _write_replica_state_v1(x_current_voters, w)
    v_observers = o.observers
    n = len(v_observers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_observers in v_observers:
        _write_replica_state_v1(x_observers, w)
    w(b"\0")


def _read_describe_quorum_response_partition_data_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumResponsePartitionData, int]:
    o = _new(DescribeQuorumResponsePartitionData)
    o.partition_index, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeQuorumResponsePartitionData.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.leader_id, o.leader_epoch, o.high_watermark, n = _unpack_iiqB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 45 > e - p:
        raise bad_length("DescribeQuorumResponsePartitionData.current_voters")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_current_voters: list[ReplicaState] = []
    o.current_voters = l_current_voters
    for _ in range(n):
        x_current_voters, p = _read_replica_state_v2(b, p, e, c)
        l_current_voters.append(x_current_voters)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 45 > e - p:
        raise bad_length("DescribeQuorumResponsePartitionData.observers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_observers: list[ReplicaState] = []
    o.observers = l_observers
    for _ in range(n):
        x_observers, p = _read_replica_state_v2(b, p, e, c)
        l_observers.append(x_observers)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_response_partition_data_v2(o: DescribeQuorumResponsePartitionData, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.partition_index, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_current_voters = o.current_voters
    w(_pack_iiq(o.leader_id, o.leader_epoch, o.high_watermark))
    n = len(v_current_voters) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_current_voters in v_current_voters:
        _write_replica_state_v2(x_current_voters, w)
    v_observers = o.observers
    n = len(v_observers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_observers in v_observers:
        _write_replica_state_v2(x_observers, w)
    w(b"\0")


def _read_describe_quorum_response_topic_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumResponseTopicData, int]:
    o = _new(DescribeQuorumResponseTopicData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeQuorumResponseTopicData.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 25 > e - p:
        raise bad_length("DescribeQuorumResponseTopicData.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DescribeQuorumResponsePartitionData] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_describe_quorum_response_partition_data_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_response_topic_data_v0(o: DescribeQuorumResponseTopicData, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_describe_quorum_response_partition_data_v0(x_partitions, w)
    w(b"\0")


def _read_describe_quorum_response_topic_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumResponseTopicData, int]:
    o = _new(DescribeQuorumResponseTopicData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeQuorumResponseTopicData.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 25 > e - p:
        raise bad_length("DescribeQuorumResponseTopicData.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DescribeQuorumResponsePartitionData] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_describe_quorum_response_partition_data_v1(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_response_topic_data_v1(o: DescribeQuorumResponseTopicData, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_describe_quorum_response_partition_data_v1(x_partitions, w)
    w(b"\0")


def _read_describe_quorum_response_topic_data_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumResponseTopicData, int]:
    o = _new(DescribeQuorumResponseTopicData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeQuorumResponseTopicData.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 26 > e - p:
        raise bad_length("DescribeQuorumResponseTopicData.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DescribeQuorumResponsePartitionData] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_describe_quorum_response_partition_data_v2(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_response_topic_data_v2(o: DescribeQuorumResponseTopicData, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_describe_quorum_response_partition_data_v2(x_partitions, w)
    w(b"\0")


def _read_listener_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[Listener, int]:
    o = _new(Listener)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Listener.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Listener.host")
    o.host = b[p:q].decode()
    p = q
    o.port, n = _unpack_HB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_listener_v2(o: Listener, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_host = o.host
    r_host = v_host.encode()
    n = len(r_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_host)
    w(_pack_Hx(o.port))


def _read_node_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[Node, int]:
    o = _new(Node)
    o.node_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("Node.listeners")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_listeners: list[Listener] = []
    o.listeners = l_listeners
    for _ in range(n):
        x_listeners, p = _read_listener_v2(b, p, e, c)
        l_listeners.append(x_listeners)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_node_v2(o: Node, w: Write) -> None:
    v_listeners = o.listeners
    w(_pack_i(o.node_id))
    n = len(v_listeners) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_listeners in v_listeners:
        _write_listener_v2(x_listeners, w)
    w(b"\0")


def _read_describe_quorum_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumResponse, int]:
    o = _new(DescribeQuorumResponse)
    o.error_message = ""
    o.nodes = []
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribeQuorumResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DescribeQuorumResponseTopicData] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_describe_quorum_response_topic_data_v0(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_response_v0(o: DescribeQuorumResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_h(o.error_code))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_describe_quorum_response_topic_data_v0(x_topics, w)
    w(b"\0")


def _read_describe_quorum_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumResponse, int]:
    o = _new(DescribeQuorumResponse)
    o.error_message = ""
    o.nodes = []
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribeQuorumResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DescribeQuorumResponseTopicData] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_describe_quorum_response_topic_data_v1(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_response_v1(o: DescribeQuorumResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_h(o.error_code))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_describe_quorum_response_topic_data_v1(x_topics, w)
    w(b"\0")


def _read_describe_quorum_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeQuorumResponse, int]:
    o = _new(DescribeQuorumResponse)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeQuorumResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribeQuorumResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DescribeQuorumResponseTopicData] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_describe_quorum_response_topic_data_v2(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("DescribeQuorumResponse.nodes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_nodes: list[Node] = []
    o.nodes = l_nodes
    for _ in range(n):
        x_nodes, p = _read_node_v2(b, p, e, c)
        l_nodes.append(x_nodes)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_quorum_response_v2(o: DescribeQuorumResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_describe_quorum_response_topic_data_v2(x_topics, w)
    v_nodes = o.nodes
    n = len(v_nodes) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_nodes in v_nodes:
        _write_node_v2(x_nodes, w)
    w(b"\0")


DescribeQuorumRequest.READERS = {
    0: _read_describe_quorum_request_v0,
    1: _read_describe_quorum_request_v0,
    2: _read_describe_quorum_request_v0,
}

DescribeQuorumRequest.WRITERS = {
    0: _write_describe_quorum_request_v0,
    1: _write_describe_quorum_request_v0,
    2: _write_describe_quorum_request_v0,
}

DescribeQuorumResponse.READERS = {
    0: _read_describe_quorum_response_v0,
    1: _read_describe_quorum_response_v1,
    2: _read_describe_quorum_response_v2,
}

DescribeQuorumResponse.WRITERS = {
    0: _write_describe_quorum_response_v0,
    1: _write_describe_quorum_response_v1,
    2: _write_describe_quorum_response_v2,
}
