# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""Fetch: messages of all versions, with their codec."""

from __future__ import annotations

from codecs import utf_8_decode
from struct import Struct as Struct_, pack, unpack_from

from anabranch.wire.codec import (
    Allowance,
    Buffer,
    COMPACT_INT32S,
    EMPTY,
    INT32S,
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
_pack_i = Struct_(">i").pack
_pack_ihi = Struct_(">ihi").pack
_pack_ihii = Struct_(">ihii").pack
_pack_ihqqi = Struct_(">ihqqi").pack
_pack_ihqqq = Struct_(">ihqqq").pack
_pack_ihqqqi = Struct_(">ihqqqi").pack
_pack_ii = Struct_(">ii").pack
_pack_iiibii = Struct_(">iiibii").pack
_pack_iiiibi = Struct_(">iiiibi").pack
_pack_iiiibii = Struct_(">iiiibii").pack
_pack_iiiibiii = Struct_(">iiiibiii").pack
_pack_iiqiqi = Struct_(">iiqiqi").pack
_pack_iiqiqix = Struct_(">iiqiqix").pack
_pack_iiqqi = Struct_(">iiqqi").pack
_pack_iix = Struct_(">iix").pack
_pack_iqi = Struct_(">iqi").pack
_pack_iqqi = Struct_(">iqqi").pack
_pack_iqx = Struct_(">iqx").pack
_pack_q = Struct_(">q").pack
_pack_qix = Struct_(">qix").pack
_pack_qq = Struct_(">qq").pack
_pack_qqx = Struct_(">qqx").pack
_unpack_16s = Struct_(">16s").unpack_from
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihiB = Struct_(">ihiB").unpack_from
_unpack_ihii = Struct_(">ihii").unpack_from
_unpack_ihqqi = Struct_(">ihqqi").unpack_from
_unpack_ihqqqB = Struct_(">ihqqqB").unpack_from
_unpack_ihqqqi = Struct_(">ihqqqi").unpack_from
_unpack_ii = Struct_(">ii").unpack_from
_unpack_iiB = Struct_(">iiB").unpack_from
_unpack_iiibiiB = Struct_(">iiibiiB").unpack_from
_unpack_iiiibi = Struct_(">iiiibi").unpack_from
_unpack_iiiibiiB = Struct_(">iiiibiiB").unpack_from
_unpack_iiiibiii = Struct_(">iiiibiii").unpack_from
_unpack_iiqiqiB = Struct_(">iiqiqiB").unpack_from
_unpack_iiqqi = Struct_(">iiqqi").unpack_from
_unpack_iqB = Struct_(">iqB").unpack_from
_unpack_iqi = Struct_(">iqi").unpack_from
_unpack_iqqi = Struct_(">iqqi").unpack_from
_unpack_q = Struct_(">q").unpack_from
_unpack_qiB = Struct_(">qiB").unpack_from
_unpack_qq = Struct_(">qq").unpack_from
_unpack_qqB = Struct_(">qqB").unpack_from


class ReplicaState(Struct):
    """Part of FetchRequest."""

    __slots__ = ("replica_id", "replica_epoch",)
    replica_id: int
    replica_epoch: int

    def __init__(
        self,
        *,
        replica_id: int = -1,
        replica_epoch: int = -1,
    ) -> None:
        self.replica_id = replica_id
        self.replica_epoch = replica_epoch


class FetchPartition(Struct):
    """Part of FetchRequest."""

    __slots__ = ("partition", "current_leader_epoch", "fetch_offset", "last_fetched_epoch", "log_start_offset", "partition_max_bytes", "replica_directory_id", "high_watermark",)
    partition: int
    current_leader_epoch: int
    fetch_offset: int
    last_fetched_epoch: int
    log_start_offset: int
    partition_max_bytes: int
    replica_directory_id: bytes
    high_watermark: int

    def __init__(
        self,
        *,
        partition: int = 0,
        current_leader_epoch: int = -1,
        fetch_offset: int = 0,
        last_fetched_epoch: int = -1,
        log_start_offset: int = -1,
        partition_max_bytes: int = 0,
        replica_directory_id: bytes = ZERO_UUID,
        high_watermark: int = 9223372036854775807,
    ) -> None:
        self.partition = partition
        self.current_leader_epoch = current_leader_epoch
        self.fetch_offset = fetch_offset
        self.last_fetched_epoch = last_fetched_epoch
        self.log_start_offset = log_start_offset
        self.partition_max_bytes = partition_max_bytes
        self.replica_directory_id = replica_directory_id
        self.high_watermark = high_watermark


class FetchTopic(Struct):
    """Part of FetchRequest."""

    __slots__ = ("topic", "topic_id", "partitions",)
    topic: str
    topic_id: bytes
    partitions: list[FetchPartition]

    def __init__(
        self,
        *,
        topic: str = "",
        topic_id: bytes = ZERO_UUID,
        partitions: list[FetchPartition] = EMPTY,
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class ForgottenTopic(Struct):
    """Part of FetchRequest."""

    __slots__ = ("topic", "topic_id", "partitions",)
    topic: str
    topic_id: bytes
    partitions: list[int]

    def __init__(
        self,
        *,
        topic: str = "",
        topic_id: bytes = ZERO_UUID,
        partitions: list[int] = EMPTY,
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class FetchRequest(Message):
    """``FetchRequest`` (API key 1), versions 4 to 18."""

    __slots__ = ("cluster_id", "replica_id", "replica_state", "max_wait_ms", "min_bytes", "max_bytes", "isolation_level", "session_id", "session_epoch", "topics", "forgotten_topics_data", "rack_id",)
    cluster_id: str | None
    replica_id: int
    replica_state: ReplicaState | None
    max_wait_ms: int
    min_bytes: int
    max_bytes: int
    isolation_level: int
    session_id: int
    session_epoch: int
    topics: list[FetchTopic]
    forgotten_topics_data: list[ForgottenTopic]
    rack_id: str

    API_KEY = 1
    MIN_VERSION = 4
    MAX_VERSION = 18
    FIRST_FLEXIBLE = 12

    def __init__(
        self,
        *,
        cluster_id: str | None = None,
        replica_id: int = -1,
        replica_state: ReplicaState | None = None,
        max_wait_ms: int = 0,
        min_bytes: int = 0,
        max_bytes: int = 2147483647,
        isolation_level: int = 0,
        session_id: int = 0,
        session_epoch: int = -1,
        topics: list[FetchTopic] = EMPTY,
        forgotten_topics_data: list[ForgottenTopic] = EMPTY,
        rack_id: str = "",
    ) -> None:
        self.cluster_id = cluster_id
        self.replica_id = replica_id
        self.replica_state = replica_state
        self.max_wait_ms = max_wait_ms
        self.min_bytes = min_bytes
        self.max_bytes = max_bytes
        self.isolation_level = isolation_level
        self.session_id = session_id
        self.session_epoch = session_epoch
        self.topics = [] if topics is EMPTY else topics
        self.forgotten_topics_data = [] if forgotten_topics_data is EMPTY else forgotten_topics_data
        self.rack_id = rack_id


class EpochEndOffset(Struct):
    """Part of FetchResponse."""

    __slots__ = ("epoch", "end_offset",)
    epoch: int
    end_offset: int

    def __init__(
        self,
        *,
        epoch: int = -1,
        end_offset: int = -1,
    ) -> None:
        self.epoch = epoch
        self.end_offset = end_offset


class LeaderIdAndEpoch(Struct):
    """Part of FetchResponse."""

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


class SnapshotId(Struct):
    """Part of FetchResponse."""

    __slots__ = ("end_offset", "epoch",)
    end_offset: int
    epoch: int

    def __init__(
        self,
        *,
        end_offset: int = -1,
        epoch: int = -1,
    ) -> None:
        self.end_offset = end_offset
        self.epoch = epoch


class AbortedTransaction(Struct):
    """Part of FetchResponse."""

    __slots__ = ("producer_id", "first_offset",)
    producer_id: int
    first_offset: int

    def __init__(
        self,
        *,
        producer_id: int = 0,
        first_offset: int = 0,
    ) -> None:
        self.producer_id = producer_id
        self.first_offset = first_offset


class PartitionData(Struct):
    """Part of FetchResponse."""

    __slots__ = ("partition_index", "error_code", "high_watermark", "last_stable_offset", "log_start_offset", "diverging_epoch", "current_leader", "snapshot_id", "aborted_transactions", "preferred_read_replica", "records",)
    partition_index: int
    error_code: int
    high_watermark: int
    last_stable_offset: int
    log_start_offset: int
    diverging_epoch: EpochEndOffset | None
    current_leader: LeaderIdAndEpoch | None
    snapshot_id: SnapshotId | None
    aborted_transactions: list[AbortedTransaction] | None
    preferred_read_replica: int
    records: Records | None

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
        high_watermark: int = 0,
        last_stable_offset: int = -1,
        log_start_offset: int = -1,
        diverging_epoch: EpochEndOffset | None = None,
        current_leader: LeaderIdAndEpoch | None = None,
        snapshot_id: SnapshotId | None = None,
        aborted_transactions: list[AbortedTransaction] | None = EMPTY,
        preferred_read_replica: int = -1,
        records: Records | None = b"",
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.high_watermark = high_watermark
        self.last_stable_offset = last_stable_offset
        self.log_start_offset = log_start_offset
        self.diverging_epoch = diverging_epoch
        self.current_leader = current_leader
        self.snapshot_id = snapshot_id
        self.aborted_transactions = [] if aborted_transactions is EMPTY else aborted_transactions
        self.preferred_read_replica = preferred_read_replica
        self.records = records


class FetchableTopicResponse(Struct):
    """Part of FetchResponse."""

    __slots__ = ("topic", "topic_id", "partitions",)
    topic: str
    topic_id: bytes
    partitions: list[PartitionData]

    def __init__(
        self,
        *,
        topic: str = "",
        topic_id: bytes = ZERO_UUID,
        partitions: list[PartitionData] = EMPTY,
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class NodeEndpoint(Struct):
    """Part of FetchResponse."""

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


class FetchResponse(Message):
    """``FetchResponse`` (API key 1), versions 4 to 18."""

    __slots__ = ("throttle_time_ms", "error_code", "session_id", "responses", "node_endpoints",)
    throttle_time_ms: int
    error_code: int
    session_id: int
    responses: list[FetchableTopicResponse]
    node_endpoints: list[NodeEndpoint]

    API_KEY = 1
    MIN_VERSION = 4
    MAX_VERSION = 18
    FIRST_FLEXIBLE = 12
    VIEWS = True

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        session_id: int = 0,
        responses: list[FetchableTopicResponse] = EMPTY,
        node_endpoints: list[NodeEndpoint] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.session_id = session_id
        self.responses = [] if responses is EMPTY else responses
        self.node_endpoints = [] if node_endpoints is EMPTY else node_endpoints


def _read_replica_state_v15(b: bytes, p: int, e: int, c: Allowance) -> tuple[ReplicaState, int]:
    o = _new(ReplicaState)
    o.replica_id, o.replica_epoch, n = _unpack_iqB(b, p)
    p += 13
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_replica_state_v15(o: ReplicaState, w: Write) -> None:
    w(_pack_iqx(o.replica_id, o.replica_epoch))


def _read_fetch_partition_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchPartition, int]:
    o = _new(FetchPartition)
    o.current_leader_epoch = -1
    o.last_fetched_epoch = -1
    o.log_start_offset = -1
    o.replica_directory_id = ZERO_UUID
    o.high_watermark = 9223372036854775807
    o.partition, o.fetch_offset, o.partition_max_bytes = _unpack_iqi(b, p)
    p += 16
    return o, p


def _write_fetch_partition_v4(o: FetchPartition, w: Write) -> None:
    w(_pack_iqi(o.partition, o.fetch_offset, o.partition_max_bytes))


def _read_fetch_partition_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchPartition, int]:
    o = _new(FetchPartition)
    o.current_leader_epoch = -1
    o.last_fetched_epoch = -1
    o.replica_directory_id = ZERO_UUID
    o.high_watermark = 9223372036854775807
    o.partition, o.fetch_offset, o.log_start_offset, o.partition_max_bytes = _unpack_iqqi(b, p)
    p += 24
    return o, p


def _write_fetch_partition_v5(o: FetchPartition, w: Write) -> None:
    w(_pack_iqqi(o.partition, o.fetch_offset, o.log_start_offset, o.partition_max_bytes))


def _read_fetch_partition_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchPartition, int]:
    o = _new(FetchPartition)
    o.last_fetched_epoch = -1
    o.replica_directory_id = ZERO_UUID
    o.high_watermark = 9223372036854775807
    o.partition, o.current_leader_epoch, o.fetch_offset, o.log_start_offset, o.partition_max_bytes = _unpack_iiqqi(b, p)
    p += 28
    return o, p


def _write_fetch_partition_v9(o: FetchPartition, w: Write) -> None:
    w(_pack_iiqqi(o.partition, o.current_leader_epoch, o.fetch_offset, o.log_start_offset, o.partition_max_bytes))


def _read_fetch_partition_v12(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchPartition, int]:
    o = _new(FetchPartition)
    o.replica_directory_id = ZERO_UUID
    o.high_watermark = 9223372036854775807
    o.partition, o.current_leader_epoch, o.fetch_offset, o.last_fetched_epoch, o.log_start_offset, o.partition_max_bytes, n = _unpack_iiqiqiB(b, p)
    p += 33
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_fetch_partition_v12(o: FetchPartition, w: Write) -> None:
    w(_pack_iiqiqix(o.partition, o.current_leader_epoch, o.fetch_offset, o.last_fetched_epoch, o.log_start_offset, o.partition_max_bytes))


def _read_fetch_partition_v17(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchPartition, int]:
    o = _new(FetchPartition)
    o.high_watermark = 9223372036854775807
    o.replica_directory_id = ZERO_UUID
    o.partition, o.current_leader_epoch, o.fetch_offset, o.last_fetched_epoch, o.log_start_offset, o.partition_max_bytes, n = _unpack_iiqiqiB(b, p)
    p += 33
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
                raise bad_length("FetchPartition: tagged field")
            if t == 0:
                (o.replica_directory_id,) = _unpack_16s(b, p)
                p += 16
            else:
                p = z
            if p != z:
                raise bad_length("FetchPartition: tagged field")
    return o, p


def _write_fetch_partition_v17(o: FetchPartition, w: Write) -> None:
    w(_pack_iiqiqi(o.partition, o.current_leader_epoch, o.fetch_offset, o.last_fetched_epoch, o.log_start_offset, o.partition_max_bytes))
    n = 0
    if o.replica_directory_id != ZERO_UUID:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.replica_directory_id != ZERO_UUID:
        g: list[Buffer] = []
        a = g.append
        a(_pack_16s(o.replica_directory_id))
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_fetch_partition_v18(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchPartition, int]:
    o = _new(FetchPartition)
    o.replica_directory_id = ZERO_UUID
    o.high_watermark = 9223372036854775807
    o.partition, o.current_leader_epoch, o.fetch_offset, o.last_fetched_epoch, o.log_start_offset, o.partition_max_bytes, n = _unpack_iiqiqiB(b, p)
    p += 33
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
                raise bad_length("FetchPartition: tagged field")
            if t == 0:
                (o.replica_directory_id,) = _unpack_16s(b, p)
                p += 16
            elif t == 1:
                (o.high_watermark,) = _unpack_q(b, p)
                p += 8
            else:
                p = z
            if p != z:
                raise bad_length("FetchPartition: tagged field")
    return o, p


def _write_fetch_partition_v18(o: FetchPartition, w: Write) -> None:
    w(_pack_iiqiqi(o.partition, o.current_leader_epoch, o.fetch_offset, o.last_fetched_epoch, o.log_start_offset, o.partition_max_bytes))
    n = 0
    if o.replica_directory_id != ZERO_UUID:
        n += 1
    if o.high_watermark != 9223372036854775807:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.replica_directory_id != ZERO_UUID:
        g: list[Buffer] = []
        a = g.append
        a(_pack_16s(o.replica_directory_id))
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)
    if o.high_watermark != 9223372036854775807:
        g = []
        a = g.append
        a(_pack_q(o.high_watermark))
        n = sum(map(len, g))
        w(UVARINT[1])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_fetch_topic_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchTopic, int]:
    o = _new(FetchTopic)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("FetchTopic.topic")
    o.topic = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 16 > e - p:
        raise bad_length("FetchTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[FetchPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_fetch_partition_v4(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_fetch_topic_v4(o: FetchTopic, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_fetch_partition_v4(x_partitions, w)


def _read_fetch_topic_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchTopic, int]:
    o = _new(FetchTopic)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("FetchTopic.topic")
    o.topic = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 24 > e - p:
        raise bad_length("FetchTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[FetchPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_fetch_partition_v5(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_fetch_topic_v5(o: FetchTopic, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_fetch_partition_v5(x_partitions, w)


def _read_fetch_topic_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchTopic, int]:
    o = _new(FetchTopic)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("FetchTopic.topic")
    o.topic = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 28 > e - p:
        raise bad_length("FetchTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[FetchPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_fetch_partition_v9(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_fetch_topic_v9(o: FetchTopic, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_fetch_partition_v9(x_partitions, w)


def _read_fetch_topic_v12(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchTopic, int]:
    o = _new(FetchTopic)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FetchTopic.topic")
    o.topic = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 33 > e - p:
        raise bad_length("FetchTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[FetchPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_fetch_partition_v12(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_fetch_topic_v12(o: FetchTopic, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    n = len(r_topic) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_fetch_partition_v12(x_partitions, w)
    w(b"\0")


def _read_fetch_topic_v13(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchTopic, int]:
    o = _new(FetchTopic)
    o.topic = ""
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 33 > e - p:
        raise bad_length("FetchTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[FetchPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_fetch_partition_v12(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_fetch_topic_v13(o: FetchTopic, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_fetch_partition_v12(x_partitions, w)
    w(b"\0")


def _read_fetch_topic_v17(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchTopic, int]:
    o = _new(FetchTopic)
    o.topic = ""
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 33 > e - p:
        raise bad_length("FetchTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[FetchPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_fetch_partition_v17(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_fetch_topic_v17(o: FetchTopic, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_fetch_partition_v17(x_partitions, w)
    w(b"\0")


def _read_fetch_topic_v18(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchTopic, int]:
    o = _new(FetchTopic)
    o.topic = ""
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 33 > e - p:
        raise bad_length("FetchTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[FetchPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_fetch_partition_v18(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_fetch_topic_v18(o: FetchTopic, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_fetch_partition_v18(x_partitions, w)
    w(b"\0")


def _read_forgotten_topic_v7(b: bytes, p: int, e: int, c: Allowance) -> tuple[ForgottenTopic, int]:
    o = _new(ForgottenTopic)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("ForgottenTopic.topic")
    o.topic = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("ForgottenTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partitions = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_forgotten_topic_v7(o: ForgottenTopic, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    n = len(v_partitions)
    w(INT32S[n](*v_partitions) if n < 16 else pack(f">{n}i", *v_partitions))


def _read_forgotten_topic_v12(b: bytes, p: int, e: int, c: Allowance) -> tuple[ForgottenTopic, int]:
    o = _new(ForgottenTopic)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ForgottenTopic.topic")
    o.topic = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("ForgottenTopic.partitions")
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


def _write_forgotten_topic_v12(o: ForgottenTopic, w: Write) -> None:
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


def _read_forgotten_topic_v13(b: bytes, p: int, e: int, c: Allowance) -> tuple[ForgottenTopic, int]:
    o = _new(ForgottenTopic)
    o.topic = ""
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("ForgottenTopic.partitions")
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


def _write_forgotten_topic_v13(o: ForgottenTopic, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_fetch_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchRequest, int]:
    o = _new(FetchRequest)
    o.cluster_id = None
    o.replica_state = None
    o.session_id = 0
    o.session_epoch = -1
    o.forgotten_topics_data = []
    o.rack_id = ""
    o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, n = _unpack_iiiibi(b, p)
    p += 21
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v4(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_fetch_request_v4(o: FetchRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_iiiibi(o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, len(v_topics)))
    for x_topics in v_topics:
        _write_fetch_topic_v4(x_topics, w)


def _read_fetch_request_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchRequest, int]:
    o = _new(FetchRequest)
    o.cluster_id = None
    o.replica_state = None
    o.session_id = 0
    o.session_epoch = -1
    o.forgotten_topics_data = []
    o.rack_id = ""
    o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, n = _unpack_iiiibi(b, p)
    p += 21
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v5(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_fetch_request_v5(o: FetchRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_iiiibi(o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, len(v_topics)))
    for x_topics in v_topics:
        _write_fetch_topic_v5(x_topics, w)


def _read_fetch_request_v7(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchRequest, int]:
    o = _new(FetchRequest)
    o.cluster_id = None
    o.replica_state = None
    o.rack_id = ""
    o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch, n = _unpack_iiiibiii(b, p)
    p += 29
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v5(b, p, e, c)
        l_topics.append(x_topics)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchRequest.forgotten_topics_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_forgotten_topics_data: list[ForgottenTopic] = []
    o.forgotten_topics_data = l_forgotten_topics_data
    for _ in range(n):
        x_forgotten_topics_data, p = _read_forgotten_topic_v7(b, p, e, c)
        l_forgotten_topics_data.append(x_forgotten_topics_data)
    return o, p


def _write_fetch_request_v7(o: FetchRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_iiiibiii(o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch, len(v_topics)))
    for x_topics in v_topics:
        _write_fetch_topic_v5(x_topics, w)
    v_forgotten_topics_data = o.forgotten_topics_data
    w(_pack_i(len(v_forgotten_topics_data)))
    for x_forgotten_topics_data in v_forgotten_topics_data:
        _write_forgotten_topic_v7(x_forgotten_topics_data, w)


def _read_fetch_request_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchRequest, int]:
    o = _new(FetchRequest)
    o.cluster_id = None
    o.replica_state = None
    o.rack_id = ""
    o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch, n = _unpack_iiiibiii(b, p)
    p += 29
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v9(b, p, e, c)
        l_topics.append(x_topics)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchRequest.forgotten_topics_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_forgotten_topics_data: list[ForgottenTopic] = []
    o.forgotten_topics_data = l_forgotten_topics_data
    for _ in range(n):
        x_forgotten_topics_data, p = _read_forgotten_topic_v7(b, p, e, c)
        l_forgotten_topics_data.append(x_forgotten_topics_data)
    return o, p


def _write_fetch_request_v9(o: FetchRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_iiiibiii(o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch, len(v_topics)))
    for x_topics in v_topics:
        _write_fetch_topic_v9(x_topics, w)
    v_forgotten_topics_data = o.forgotten_topics_data
    w(_pack_i(len(v_forgotten_topics_data)))
    for x_forgotten_topics_data in v_forgotten_topics_data:
        _write_forgotten_topic_v7(x_forgotten_topics_data, w)


def _read_fetch_request_v11(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchRequest, int]:
    o = _new(FetchRequest)
    o.cluster_id = None
    o.replica_state = None
    o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch, n = _unpack_iiiibiii(b, p)
    p += 29
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v9(b, p, e, c)
        l_topics.append(x_topics)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchRequest.forgotten_topics_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_forgotten_topics_data: list[ForgottenTopic] = []
    o.forgotten_topics_data = l_forgotten_topics_data
    for _ in range(n):
        x_forgotten_topics_data, p = _read_forgotten_topic_v7(b, p, e, c)
        l_forgotten_topics_data.append(x_forgotten_topics_data)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("FetchRequest.rack_id")
    o.rack_id = b[p:q].decode()
    p = q
    return o, p


def _write_fetch_request_v11(o: FetchRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_iiiibiii(o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch, len(v_topics)))
    for x_topics in v_topics:
        _write_fetch_topic_v9(x_topics, w)
    v_forgotten_topics_data = o.forgotten_topics_data
    w(_pack_i(len(v_forgotten_topics_data)))
    for x_forgotten_topics_data in v_forgotten_topics_data:
        _write_forgotten_topic_v7(x_forgotten_topics_data, w)
    v_rack_id = o.rack_id
    r_rack_id = v_rack_id.encode()
    w(_pack_h(len(r_rack_id)))
    w(r_rack_id)


def _read_fetch_request_v12(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchRequest, int]:
    o = _new(FetchRequest)
    o.replica_state = None
    o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch, n = _unpack_iiiibiiB(b, p)
    p += 26
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("FetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v12(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("FetchRequest.forgotten_topics_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_forgotten_topics_data: list[ForgottenTopic] = []
    o.forgotten_topics_data = l_forgotten_topics_data
    for _ in range(n):
        x_forgotten_topics_data, p = _read_forgotten_topic_v12(b, p, e, c)
        l_forgotten_topics_data.append(x_forgotten_topics_data)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FetchRequest.rack_id")
    o.rack_id = b[p:q].decode()
    p = q
    o.cluster_id = None
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
                raise bad_length("FetchRequest: tagged field")
            if t == 0:
                n = b[p]
                p += 1
                if n > 127:
                    n, p = uvarint(b, p - 1)
                if not n:
                    o.cluster_id = None
                else:
                    q = p + n - 1
                    if q > z:
                        raise bad_length("FetchRequest.cluster_id")
                    o.cluster_id = b[p:q].decode()
                    p = q
            else:
                p = z
            if p != z:
                raise bad_length("FetchRequest: tagged field")
    return o, p


def _write_fetch_request_v12(o: FetchRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_iiiibii(o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_fetch_topic_v12(x_topics, w)
    v_forgotten_topics_data = o.forgotten_topics_data
    n = len(v_forgotten_topics_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_forgotten_topics_data in v_forgotten_topics_data:
        _write_forgotten_topic_v12(x_forgotten_topics_data, w)
    v_rack_id = o.rack_id
    r_rack_id = v_rack_id.encode()
    n = len(r_rack_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_rack_id)
    n = 0
    if o.cluster_id is not None:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.cluster_id is not None:
        g: list[Buffer] = []
        a = g.append
        assert o.cluster_id is not None
        v_cluster_id = o.cluster_id
        assert v_cluster_id is not None, "FetchRequest.cluster_id"
        r_cluster_id = v_cluster_id.encode()
        n = len(r_cluster_id) + 1
        a(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        a(r_cluster_id)
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_fetch_request_v13(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchRequest, int]:
    o = _new(FetchRequest)
    o.replica_state = None
    o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch, n = _unpack_iiiibiiB(b, p)
    p += 26
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("FetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v13(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("FetchRequest.forgotten_topics_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_forgotten_topics_data: list[ForgottenTopic] = []
    o.forgotten_topics_data = l_forgotten_topics_data
    for _ in range(n):
        x_forgotten_topics_data, p = _read_forgotten_topic_v13(b, p, e, c)
        l_forgotten_topics_data.append(x_forgotten_topics_data)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FetchRequest.rack_id")
    o.rack_id = b[p:q].decode()
    p = q
    o.cluster_id = None
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
                raise bad_length("FetchRequest: tagged field")
            if t == 0:
                n = b[p]
                p += 1
                if n > 127:
                    n, p = uvarint(b, p - 1)
                if not n:
                    o.cluster_id = None
                else:
                    q = p + n - 1
                    if q > z:
                        raise bad_length("FetchRequest.cluster_id")
                    o.cluster_id = b[p:q].decode()
                    p = q
            else:
                p = z
            if p != z:
                raise bad_length("FetchRequest: tagged field")
    return o, p


def _write_fetch_request_v13(o: FetchRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_iiiibii(o.replica_id, o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_fetch_topic_v13(x_topics, w)
    v_forgotten_topics_data = o.forgotten_topics_data
    n = len(v_forgotten_topics_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_forgotten_topics_data in v_forgotten_topics_data:
        _write_forgotten_topic_v13(x_forgotten_topics_data, w)
    v_rack_id = o.rack_id
    r_rack_id = v_rack_id.encode()
    n = len(r_rack_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_rack_id)
    n = 0
    if o.cluster_id is not None:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.cluster_id is not None:
        g: list[Buffer] = []
        a = g.append
        assert o.cluster_id is not None
        v_cluster_id = o.cluster_id
        assert v_cluster_id is not None, "FetchRequest.cluster_id"
        r_cluster_id = v_cluster_id.encode()
        n = len(r_cluster_id) + 1
        a(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        a(r_cluster_id)
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_fetch_request_v15(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchRequest, int]:
    o = _new(FetchRequest)
    o.replica_id = -1
    o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch, n = _unpack_iiibiiB(b, p)
    p += 22
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("FetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v13(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("FetchRequest.forgotten_topics_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_forgotten_topics_data: list[ForgottenTopic] = []
    o.forgotten_topics_data = l_forgotten_topics_data
    for _ in range(n):
        x_forgotten_topics_data, p = _read_forgotten_topic_v13(b, p, e, c)
        l_forgotten_topics_data.append(x_forgotten_topics_data)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FetchRequest.rack_id")
    o.rack_id = b[p:q].decode()
    p = q
    o.cluster_id = None
    o.replica_state = None
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
                raise bad_length("FetchRequest: tagged field")
            if t == 0:
                n = b[p]
                p += 1
                if n > 127:
                    n, p = uvarint(b, p - 1)
                if not n:
                    o.cluster_id = None
                else:
                    q = p + n - 1
                    if q > z:
                        raise bad_length("FetchRequest.cluster_id")
                    o.cluster_id = b[p:q].decode()
                    p = q
            elif t == 1:
                o.replica_state, p = _read_replica_state_v15(b, p, z, c)
            else:
                p = z
            if p != z:
                raise bad_length("FetchRequest: tagged field")
    return o, p


def _write_fetch_request_v15(o: FetchRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_iiibii(o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_fetch_topic_v13(x_topics, w)
    v_forgotten_topics_data = o.forgotten_topics_data
    n = len(v_forgotten_topics_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_forgotten_topics_data in v_forgotten_topics_data:
        _write_forgotten_topic_v13(x_forgotten_topics_data, w)
    v_rack_id = o.rack_id
    r_rack_id = v_rack_id.encode()
    n = len(r_rack_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_rack_id)
    n = 0
    if o.cluster_id is not None:
        n += 1
    if o.replica_state is not None:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.cluster_id is not None:
        g: list[Buffer] = []
        a = g.append
        assert o.cluster_id is not None
        v_cluster_id = o.cluster_id
        assert v_cluster_id is not None, "FetchRequest.cluster_id"
        r_cluster_id = v_cluster_id.encode()
        n = len(r_cluster_id) + 1
        a(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        a(r_cluster_id)
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)
    if o.replica_state is not None:
        g = []
        a = g.append
        _write_replica_state_v15(o.replica_state, a)
        n = sum(map(len, g))
        w(UVARINT[1])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_fetch_request_v17(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchRequest, int]:
    o = _new(FetchRequest)
    o.replica_id = -1
    o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch, n = _unpack_iiibiiB(b, p)
    p += 22
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("FetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v17(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("FetchRequest.forgotten_topics_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_forgotten_topics_data: list[ForgottenTopic] = []
    o.forgotten_topics_data = l_forgotten_topics_data
    for _ in range(n):
        x_forgotten_topics_data, p = _read_forgotten_topic_v13(b, p, e, c)
        l_forgotten_topics_data.append(x_forgotten_topics_data)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FetchRequest.rack_id")
    o.rack_id = b[p:q].decode()
    p = q
    o.cluster_id = None
    o.replica_state = None
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
                raise bad_length("FetchRequest: tagged field")
            if t == 0:
                n = b[p]
                p += 1
                if n > 127:
                    n, p = uvarint(b, p - 1)
                if not n:
                    o.cluster_id = None
                else:
                    q = p + n - 1
                    if q > z:
                        raise bad_length("FetchRequest.cluster_id")
                    o.cluster_id = b[p:q].decode()
                    p = q
            elif t == 1:
                o.replica_state, p = _read_replica_state_v15(b, p, z, c)
            else:
                p = z
            if p != z:
                raise bad_length("FetchRequest: tagged field")
    return o, p


def _write_fetch_request_v17(o: FetchRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_iiibii(o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_fetch_topic_v17(x_topics, w)
    v_forgotten_topics_data = o.forgotten_topics_data
    n = len(v_forgotten_topics_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_forgotten_topics_data in v_forgotten_topics_data:
        _write_forgotten_topic_v13(x_forgotten_topics_data, w)
    v_rack_id = o.rack_id
    r_rack_id = v_rack_id.encode()
    n = len(r_rack_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_rack_id)
    n = 0
    if o.cluster_id is not None:
        n += 1
    if o.replica_state is not None:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.cluster_id is not None:
        g: list[Buffer] = []
        a = g.append
        assert o.cluster_id is not None
        v_cluster_id = o.cluster_id
        assert v_cluster_id is not None, "FetchRequest.cluster_id"
        r_cluster_id = v_cluster_id.encode()
        n = len(r_cluster_id) + 1
        a(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        a(r_cluster_id)
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)
    if o.replica_state is not None:
        g = []
        a = g.append
        _write_replica_state_v15(o.replica_state, a)
        n = sum(map(len, g))
        w(UVARINT[1])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_fetch_request_v18(b: bytes, p: int, e: int, c: Allowance) -> tuple[FetchRequest, int]:
    o = _new(FetchRequest)
    o.replica_id = -1
    o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch, n = _unpack_iiibiiB(b, p)
    p += 22
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("FetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[FetchTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_fetch_topic_v18(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("FetchRequest.forgotten_topics_data")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_forgotten_topics_data: list[ForgottenTopic] = []
    o.forgotten_topics_data = l_forgotten_topics_data
    for _ in range(n):
        x_forgotten_topics_data, p = _read_forgotten_topic_v13(b, p, e, c)
        l_forgotten_topics_data.append(x_forgotten_topics_data)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FetchRequest.rack_id")
    o.rack_id = b[p:q].decode()
    p = q
    o.cluster_id = None
    o.replica_state = None
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
                raise bad_length("FetchRequest: tagged field")
            if t == 0:
                n = b[p]
                p += 1
                if n > 127:
                    n, p = uvarint(b, p - 1)
                if not n:
                    o.cluster_id = None
                else:
                    q = p + n - 1
                    if q > z:
                        raise bad_length("FetchRequest.cluster_id")
                    o.cluster_id = b[p:q].decode()
                    p = q
            elif t == 1:
                o.replica_state, p = _read_replica_state_v15(b, p, z, c)
            else:
                p = z
            if p != z:
                raise bad_length("FetchRequest: tagged field")
    return o, p


def _write_fetch_request_v18(o: FetchRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_iiibii(o.max_wait_ms, o.min_bytes, o.max_bytes, o.isolation_level, o.session_id, o.session_epoch))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_fetch_topic_v18(x_topics, w)
    v_forgotten_topics_data = o.forgotten_topics_data
    n = len(v_forgotten_topics_data) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_forgotten_topics_data in v_forgotten_topics_data:
        _write_forgotten_topic_v13(x_forgotten_topics_data, w)
    v_rack_id = o.rack_id
    r_rack_id = v_rack_id.encode()
    n = len(r_rack_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_rack_id)
    n = 0
    if o.cluster_id is not None:
        n += 1
    if o.replica_state is not None:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.cluster_id is not None:
        g: list[Buffer] = []
        a = g.append
        assert o.cluster_id is not None
        v_cluster_id = o.cluster_id
        assert v_cluster_id is not None, "FetchRequest.cluster_id"
        r_cluster_id = v_cluster_id.encode()
        n = len(r_cluster_id) + 1
        a(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        a(r_cluster_id)
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)
    if o.replica_state is not None:
        g = []
        a = g.append
        _write_replica_state_v15(o.replica_state, a)
        n = sum(map(len, g))
        w(UVARINT[1])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_epoch_end_offset_v12(b: memoryview, p: int, e: int, c: Allowance) -> tuple[EpochEndOffset, int]:
    o = _new(EpochEndOffset)
    o.epoch, o.end_offset, n = _unpack_iqB(b, p)
    p += 13
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_epoch_end_offset_v12(o: EpochEndOffset, w: Write) -> None:
    w(_pack_iqx(o.epoch, o.end_offset))


def _read_leader_id_and_epoch_v12(b: memoryview, p: int, e: int, c: Allowance) -> tuple[LeaderIdAndEpoch, int]:
    o = _new(LeaderIdAndEpoch)
    o.leader_id, o.leader_epoch, n = _unpack_iiB(b, p)
    p += 9
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_leader_id_and_epoch_v12(o: LeaderIdAndEpoch, w: Write) -> None:
    w(_pack_iix(o.leader_id, o.leader_epoch))


def _read_snapshot_id_v12(b: memoryview, p: int, e: int, c: Allowance) -> tuple[SnapshotId, int]:
    o = _new(SnapshotId)
    o.end_offset, o.epoch, n = _unpack_qiB(b, p)
    p += 13
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_snapshot_id_v12(o: SnapshotId, w: Write) -> None:
    w(_pack_qix(o.end_offset, o.epoch))


def _read_aborted_transaction_v4(b: memoryview, p: int, e: int, c: Allowance) -> tuple[AbortedTransaction, int]:
    o = _new(AbortedTransaction)
    o.producer_id, o.first_offset = _unpack_qq(b, p)
    p += 16
    return o, p


def _write_aborted_transaction_v4(o: AbortedTransaction, w: Write) -> None:
    w(_pack_qq(o.producer_id, o.first_offset))


def _read_aborted_transaction_v12(b: memoryview, p: int, e: int, c: Allowance) -> tuple[AbortedTransaction, int]:
    o = _new(AbortedTransaction)
    o.producer_id, o.first_offset, n = _unpack_qqB(b, p)
    p += 17
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_aborted_transaction_v12(o: AbortedTransaction, w: Write) -> None:
    w(_pack_qqx(o.producer_id, o.first_offset))


def _read_partition_data_v4(b: memoryview, p: int, e: int, c: Allowance) -> tuple[PartitionData, int]:
    o = _new(PartitionData)
    o.log_start_offset = -1
    o.diverging_epoch = None
    o.current_leader = None
    o.snapshot_id = None
    o.preferred_read_replica = -1
    o.partition_index, o.error_code, o.high_watermark, o.last_stable_offset, n = _unpack_ihqqi(b, p)
    p += 26
    if n < 0:
        o.aborted_transactions = None
    else:
        if n * 16 > e - p:
            raise bad_length("PartitionData.aborted_transactions")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_aborted_transactions: list[AbortedTransaction] = []
        o.aborted_transactions = l_aborted_transactions
        for _ in range(n):
            x_aborted_transactions, p = _read_aborted_transaction_v4(b, p, e, c)
            l_aborted_transactions.append(x_aborted_transactions)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.records = None
    else:
        q = p + n
        if q > e:
            raise bad_length("PartitionData.records")
        o.records = b[p:q]
        p = q
    return o, p


def _write_partition_data_v4(o: PartitionData, w: Write) -> None:
    v_aborted_transactions = o.aborted_transactions
    if v_aborted_transactions is None:
        w(_pack_ihqqi(o.partition_index, o.error_code, o.high_watermark, o.last_stable_offset, -1))
    else:
        w(_pack_ihqqi(o.partition_index, o.error_code, o.high_watermark, o.last_stable_offset, len(v_aborted_transactions)))
        for x_aborted_transactions in v_aborted_transactions:
            _write_aborted_transaction_v4(x_aborted_transactions, w)
    v_records = o.records
    if v_records is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(records_size(v_records)))
        write_records(v_records, w)


def _read_partition_data_v5(b: memoryview, p: int, e: int, c: Allowance) -> tuple[PartitionData, int]:
    o = _new(PartitionData)
    o.diverging_epoch = None
    o.current_leader = None
    o.snapshot_id = None
    o.preferred_read_replica = -1
    o.partition_index, o.error_code, o.high_watermark, o.last_stable_offset, o.log_start_offset, n = _unpack_ihqqqi(b, p)
    p += 34
    if n < 0:
        o.aborted_transactions = None
    else:
        if n * 16 > e - p:
            raise bad_length("PartitionData.aborted_transactions")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_aborted_transactions: list[AbortedTransaction] = []
        o.aborted_transactions = l_aborted_transactions
        for _ in range(n):
            x_aborted_transactions, p = _read_aborted_transaction_v4(b, p, e, c)
            l_aborted_transactions.append(x_aborted_transactions)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.records = None
    else:
        q = p + n
        if q > e:
            raise bad_length("PartitionData.records")
        o.records = b[p:q]
        p = q
    return o, p


def _write_partition_data_v5(o: PartitionData, w: Write) -> None:
    v_aborted_transactions = o.aborted_transactions
    if v_aborted_transactions is None:
        w(_pack_ihqqqi(o.partition_index, o.error_code, o.high_watermark, o.last_stable_offset, o.log_start_offset, -1))
    else:
        w(_pack_ihqqqi(o.partition_index, o.error_code, o.high_watermark, o.last_stable_offset, o.log_start_offset, len(v_aborted_transactions)))
        for x_aborted_transactions in v_aborted_transactions:
            _write_aborted_transaction_v4(x_aborted_transactions, w)
    v_records = o.records
    if v_records is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(records_size(v_records)))
        write_records(v_records, w)


def _read_partition_data_v11(b: memoryview, p: int, e: int, c: Allowance) -> tuple[PartitionData, int]:
    o = _new(PartitionData)
    o.diverging_epoch = None
    o.current_leader = None
    o.snapshot_id = None
    o.partition_index, o.error_code, o.high_watermark, o.last_stable_offset, o.log_start_offset, n = _unpack_ihqqqi(b, p)
    p += 34
    if n < 0:
        o.aborted_transactions = None
    else:
        if n * 16 > e - p:
            raise bad_length("PartitionData.aborted_transactions")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_aborted_transactions: list[AbortedTransaction] = []
        o.aborted_transactions = l_aborted_transactions
        for _ in range(n):
            x_aborted_transactions, p = _read_aborted_transaction_v4(b, p, e, c)
            l_aborted_transactions.append(x_aborted_transactions)
    o.preferred_read_replica, n = _unpack_ii(b, p)
    p += 8
    if n < 0:
        o.records = None
    else:
        q = p + n
        if q > e:
            raise bad_length("PartitionData.records")
        o.records = b[p:q]
        p = q
    return o, p


def _write_partition_data_v11(o: PartitionData, w: Write) -> None:
    v_aborted_transactions = o.aborted_transactions
    if v_aborted_transactions is None:
        w(_pack_ihqqqi(o.partition_index, o.error_code, o.high_watermark, o.last_stable_offset, o.log_start_offset, -1))
    else:
        w(_pack_ihqqqi(o.partition_index, o.error_code, o.high_watermark, o.last_stable_offset, o.log_start_offset, len(v_aborted_transactions)))
        for x_aborted_transactions in v_aborted_transactions:
            _write_aborted_transaction_v4(x_aborted_transactions, w)
    v_records = o.records
    if v_records is None:
        w(_pack_ii(o.preferred_read_replica, -1))
    else:
        w(_pack_ii(o.preferred_read_replica, records_size(v_records)))
        write_records(v_records, w)


def _read_partition_data_v12(b: memoryview, p: int, e: int, c: Allowance) -> tuple[PartitionData, int]:
    o = _new(PartitionData)
    o.partition_index, o.error_code, o.high_watermark, o.last_stable_offset, o.log_start_offset, n = _unpack_ihqqqB(b, p)
    p += 31
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.aborted_transactions = None
    else:
        n -= 1
        if n * 17 > e - p:
            raise bad_length("PartitionData.aborted_transactions")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_aborted_transactions: list[AbortedTransaction] = []
        o.aborted_transactions = l_aborted_transactions
        for _ in range(n):
            x_aborted_transactions, p = _read_aborted_transaction_v12(b, p, e, c)
            l_aborted_transactions.append(x_aborted_transactions)
    o.preferred_read_replica, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.records = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("PartitionData.records")
        o.records = b[p:q]
        p = q
    o.diverging_epoch = None
    o.current_leader = None
    o.snapshot_id = None
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
                raise bad_length("PartitionData: tagged field")
            if t == 0:
                o.diverging_epoch, p = _read_epoch_end_offset_v12(b, p, z, c)
            elif t == 1:
                o.current_leader, p = _read_leader_id_and_epoch_v12(b, p, z, c)
            elif t == 2:
                o.snapshot_id, p = _read_snapshot_id_v12(b, p, z, c)
            else:
                p = z
            if p != z:
                raise bad_length("PartitionData: tagged field")
    return o, p


def _write_partition_data_v12(o: PartitionData, w: Write) -> None:
    v_aborted_transactions = o.aborted_transactions
    w(_pack_ihqqq(o.partition_index, o.error_code, o.high_watermark, o.last_stable_offset, o.log_start_offset))
    if v_aborted_transactions is None:
        w(b"\0")
    else:
        n = len(v_aborted_transactions) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_aborted_transactions in v_aborted_transactions:
            _write_aborted_transaction_v12(x_aborted_transactions, w)
    v_records = o.records
    w(_pack_i(o.preferred_read_replica))
    if v_records is None:
        w(b"\0")
    else:
        n = records_size(v_records) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        write_records(v_records, w)
    n = 0
    if o.diverging_epoch is not None:
        n += 1
    if o.current_leader is not None:
        n += 1
    if o.snapshot_id is not None:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.diverging_epoch is not None:
        g: list[Buffer] = []
        a = g.append
        _write_epoch_end_offset_v12(o.diverging_epoch, a)
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)
    if o.current_leader is not None:
        g = []
        a = g.append
        _write_leader_id_and_epoch_v12(o.current_leader, a)
        n = sum(map(len, g))
        w(UVARINT[1])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)
    if o.snapshot_id is not None:
        g = []
        a = g.append
        _write_snapshot_id_v12(o.snapshot_id, a)
        n = sum(map(len, g))
        w(UVARINT[2])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_fetchable_topic_response_v4(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchableTopicResponse, int]:
    o = _new(FetchableTopicResponse)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("FetchableTopicResponse.topic")
    o.topic = utf_8_decode(b[p:q], "strict", True)[0]
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 30 > e - p:
        raise bad_length("FetchableTopicResponse.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[PartitionData] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_partition_data_v4(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_fetchable_topic_response_v4(o: FetchableTopicResponse, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_partition_data_v4(x_partitions, w)


def _read_fetchable_topic_response_v5(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchableTopicResponse, int]:
    o = _new(FetchableTopicResponse)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("FetchableTopicResponse.topic")
    o.topic = utf_8_decode(b[p:q], "strict", True)[0]
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 38 > e - p:
        raise bad_length("FetchableTopicResponse.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[PartitionData] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_partition_data_v5(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_fetchable_topic_response_v5(o: FetchableTopicResponse, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_partition_data_v5(x_partitions, w)


def _read_fetchable_topic_response_v11(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchableTopicResponse, int]:
    o = _new(FetchableTopicResponse)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("FetchableTopicResponse.topic")
    o.topic = utf_8_decode(b[p:q], "strict", True)[0]
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 42 > e - p:
        raise bad_length("FetchableTopicResponse.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[PartitionData] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_partition_data_v11(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_fetchable_topic_response_v11(o: FetchableTopicResponse, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_partition_data_v11(x_partitions, w)


def _read_fetchable_topic_response_v12(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchableTopicResponse, int]:
    o = _new(FetchableTopicResponse)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FetchableTopicResponse.topic")
    o.topic = utf_8_decode(b[p:q], "strict", True)[0]
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 37 > e - p:
        raise bad_length("FetchableTopicResponse.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[PartitionData] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_partition_data_v12(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_fetchable_topic_response_v12(o: FetchableTopicResponse, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    n = len(r_topic) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_partition_data_v12(x_partitions, w)
    w(b"\0")


def _read_fetchable_topic_response_v13(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchableTopicResponse, int]:
    o = _new(FetchableTopicResponse)
    o.topic = ""
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 37 > e - p:
        raise bad_length("FetchableTopicResponse.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[PartitionData] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_partition_data_v12(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_fetchable_topic_response_v13(o: FetchableTopicResponse, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_partition_data_v12(x_partitions, w)
    w(b"\0")


def _read_node_endpoint_v16(b: memoryview, p: int, e: int, c: Allowance) -> tuple[NodeEndpoint, int]:
    o = _new(NodeEndpoint)
    o.node_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("NodeEndpoint.host")
    o.host = utf_8_decode(b[p:q], "strict", True)[0]
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
        o.rack = utf_8_decode(b[p:q], "strict", True)[0]
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_node_endpoint_v16(o: NodeEndpoint, w: Write) -> None:
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


def _read_fetch_response_v4(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchResponse, int]:
    o = _new(FetchResponse)
    o.error_code = 0
    o.session_id = 0
    o.node_endpoints = []
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[FetchableTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_fetchable_topic_response_v4(b, p, e, c)
        l_responses.append(x_responses)
    return o, p


def _write_fetch_response_v4(o: FetchResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_ii(o.throttle_time_ms, len(v_responses)))
    for x_responses in v_responses:
        _write_fetchable_topic_response_v4(x_responses, w)


def _read_fetch_response_v5(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchResponse, int]:
    o = _new(FetchResponse)
    o.error_code = 0
    o.session_id = 0
    o.node_endpoints = []
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[FetchableTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_fetchable_topic_response_v5(b, p, e, c)
        l_responses.append(x_responses)
    return o, p


def _write_fetch_response_v5(o: FetchResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_ii(o.throttle_time_ms, len(v_responses)))
    for x_responses in v_responses:
        _write_fetchable_topic_response_v5(x_responses, w)


def _read_fetch_response_v7(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchResponse, int]:
    o = _new(FetchResponse)
    o.node_endpoints = []
    o.throttle_time_ms, o.error_code, o.session_id, n = _unpack_ihii(b, p)
    p += 14
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[FetchableTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_fetchable_topic_response_v5(b, p, e, c)
        l_responses.append(x_responses)
    return o, p


def _write_fetch_response_v7(o: FetchResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_ihii(o.throttle_time_ms, o.error_code, o.session_id, len(v_responses)))
    for x_responses in v_responses:
        _write_fetchable_topic_response_v5(x_responses, w)


def _read_fetch_response_v11(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchResponse, int]:
    o = _new(FetchResponse)
    o.node_endpoints = []
    o.throttle_time_ms, o.error_code, o.session_id, n = _unpack_ihii(b, p)
    p += 14
    if n < 0 or n * 6 > e - p:
        raise bad_length("FetchResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[FetchableTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_fetchable_topic_response_v11(b, p, e, c)
        l_responses.append(x_responses)
    return o, p


def _write_fetch_response_v11(o: FetchResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_ihii(o.throttle_time_ms, o.error_code, o.session_id, len(v_responses)))
    for x_responses in v_responses:
        _write_fetchable_topic_response_v11(x_responses, w)


def _read_fetch_response_v12(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchResponse, int]:
    o = _new(FetchResponse)
    o.node_endpoints = []
    o.throttle_time_ms, o.error_code, o.session_id, n = _unpack_ihiB(b, p)
    p += 11
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("FetchResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[FetchableTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_fetchable_topic_response_v12(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_fetch_response_v12(o: FetchResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_ihi(o.throttle_time_ms, o.error_code, o.session_id))
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_fetchable_topic_response_v12(x_responses, w)
    w(b"\0")


def _read_fetch_response_v13(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchResponse, int]:
    o = _new(FetchResponse)
    o.node_endpoints = []
    o.throttle_time_ms, o.error_code, o.session_id, n = _unpack_ihiB(b, p)
    p += 11
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("FetchResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[FetchableTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_fetchable_topic_response_v13(b, p, e, c)
        l_responses.append(x_responses)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_fetch_response_v13(o: FetchResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_ihi(o.throttle_time_ms, o.error_code, o.session_id))
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_fetchable_topic_response_v13(x_responses, w)
    w(b"\0")


def _read_fetch_response_v16(b: memoryview, p: int, e: int, c: Allowance) -> tuple[FetchResponse, int]:
    o = _new(FetchResponse)
    o.throttle_time_ms, o.error_code, o.session_id, n = _unpack_ihiB(b, p)
    p += 11
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("FetchResponse.responses")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_responses: list[FetchableTopicResponse] = []
    o.responses = l_responses
    for _ in range(n):
        x_responses, p = _read_fetchable_topic_response_v13(b, p, e, c)
        l_responses.append(x_responses)
    o.node_endpoints = []
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
                raise bad_length("FetchResponse: tagged field")
            if t == 0:
                n = b[p]
                p += 1
                if n > 127:
                    n, p = uvarint(b, p - 1)
                n -= 1
                if n < 0 or n * 11 > z - p:
                    raise bad_length("FetchResponse.node_endpoints")
                c[0] -= n
                if c[0] < 0:
                    raise too_many()
                l_node_endpoints: list[NodeEndpoint] = []
                o.node_endpoints = l_node_endpoints
                for _ in range(n):
                    x_node_endpoints, p = _read_node_endpoint_v16(b, p, z, c)
                    l_node_endpoints.append(x_node_endpoints)
            else:
                p = z
            if p != z:
                raise bad_length("FetchResponse: tagged field")
    return o, p


def _write_fetch_response_v16(o: FetchResponse, w: Write) -> None:
    v_responses = o.responses
    w(_pack_ihi(o.throttle_time_ms, o.error_code, o.session_id))
    n = len(v_responses) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_responses in v_responses:
        _write_fetchable_topic_response_v13(x_responses, w)
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
            _write_node_endpoint_v16(x_node_endpoints, a)
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


FetchRequest.READERS = {
    4: _read_fetch_request_v4,
    5: _read_fetch_request_v5,
    6: _read_fetch_request_v5,
    7: _read_fetch_request_v7,
    8: _read_fetch_request_v7,
    9: _read_fetch_request_v9,
    10: _read_fetch_request_v9,
    11: _read_fetch_request_v11,
    12: _read_fetch_request_v12,
    13: _read_fetch_request_v13,
    14: _read_fetch_request_v13,
    15: _read_fetch_request_v15,
    16: _read_fetch_request_v15,
    17: _read_fetch_request_v17,
    18: _read_fetch_request_v18,
}

FetchRequest.WRITERS = {
    4: _write_fetch_request_v4,
    5: _write_fetch_request_v5,
    6: _write_fetch_request_v5,
    7: _write_fetch_request_v7,
    8: _write_fetch_request_v7,
    9: _write_fetch_request_v9,
    10: _write_fetch_request_v9,
    11: _write_fetch_request_v11,
    12: _write_fetch_request_v12,
    13: _write_fetch_request_v13,
    14: _write_fetch_request_v13,
    15: _write_fetch_request_v15,
    16: _write_fetch_request_v15,
    17: _write_fetch_request_v17,
    18: _write_fetch_request_v18,
}

FetchResponse.READERS = {
    4: _read_fetch_response_v4,
    5: _read_fetch_response_v5,
    6: _read_fetch_response_v5,
    7: _read_fetch_response_v7,
    8: _read_fetch_response_v7,
    9: _read_fetch_response_v7,
    10: _read_fetch_response_v7,
    11: _read_fetch_response_v11,
    12: _read_fetch_response_v12,
    13: _read_fetch_response_v13,
    14: _read_fetch_response_v13,
    15: _read_fetch_response_v13,
    16: _read_fetch_response_v16,
    17: _read_fetch_response_v16,
    18: _read_fetch_response_v16,
}

FetchResponse.WRITERS = {
    4: _write_fetch_response_v4,
    5: _write_fetch_response_v5,
    6: _write_fetch_response_v5,
    7: _write_fetch_response_v7,
    8: _write_fetch_response_v7,
    9: _write_fetch_response_v7,
    10: _write_fetch_response_v7,
    11: _write_fetch_response_v11,
    12: _write_fetch_response_v12,
    13: _write_fetch_response_v13,
    14: _write_fetch_response_v13,
    15: _write_fetch_response_v13,
    16: _write_fetch_response_v16,
    17: _write_fetch_response_v16,
    18: _write_fetch_response_v16,
}
