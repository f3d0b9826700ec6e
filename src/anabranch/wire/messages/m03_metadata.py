# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""Metadata: messages of all versions, with their codec."""

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
    ZERO_UUID,
    bad_length,
    skip_tags,
    too_many,
    uvarint,
    uvarint_bytes,
)

_new = object.__new__
_pack_16s = Struct_(">16s").pack
_pack_16st = Struct_(">16s?").pack
_pack_t = Struct_(">?").pack
_pack_ttt = Struct_(">???").pack
_pack_tttx = Struct_(">???x").pack
_pack_ttx = Struct_(">??x").pack
_pack_ti = Struct_(">?i").pack
_pack_h = Struct_(">h").pack
_pack_hh = Struct_(">hh").pack
_pack_hiii = Struct_(">hiii").pack
_pack_hiiii = Struct_(">hiiii").pack
_pack_hx = Struct_(">hx").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ii = Struct_(">ii").pack
_pack_ix = Struct_(">ix").pack
_unpack_16stB = Struct_(">16s?B").unpack_from
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_t = Struct_(">?").unpack_from
_unpack_ttt = Struct_(">???").unpack_from
_unpack_tttB = Struct_(">???B").unpack_from
_unpack_ttB = Struct_(">??B").unpack_from
_unpack_tB = Struct_(">?B").unpack_from
_unpack_ti = Struct_(">?i").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hh = Struct_(">hh").unpack_from
_unpack_hiii = Struct_(">hiii").unpack_from
_unpack_hiiiB = Struct_(">hiiiB").unpack_from
_unpack_hiiii = Struct_(">hiiii").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class MetadataRequestTopic(Struct):
    """Part of MetadataRequest."""

    __slots__ = ("topic_id", "name",)
    topic_id: bytes
    name: str | None

    def __init__(
        self,
        *,
        topic_id: bytes = ZERO_UUID,
        name: str | None = "",
    ) -> None:
        self.topic_id = topic_id
        self.name = name


class MetadataRequest(Message):
    """``MetadataRequest`` (API key 3), versions 0 to 13."""

    __slots__ = ("topics", "allow_auto_topic_creation", "include_cluster_authorized_operations", "include_topic_authorized_operations",)
    topics: list[MetadataRequestTopic] | None
    allow_auto_topic_creation: bool
    include_cluster_authorized_operations: bool
    include_topic_authorized_operations: bool

    API_KEY = 3
    MIN_VERSION = 0
    MAX_VERSION = 13
    FIRST_FLEXIBLE = 9

    def __init__(
        self,
        *,
        topics: list[MetadataRequestTopic] | None = EMPTY,
        allow_auto_topic_creation: bool = True,
        include_cluster_authorized_operations: bool = False,
        include_topic_authorized_operations: bool = False,
    ) -> None:
        self.topics = [] if topics is EMPTY else topics
        self.allow_auto_topic_creation = allow_auto_topic_creation
        self.include_cluster_authorized_operations = include_cluster_authorized_operations
        self.include_topic_authorized_operations = include_topic_authorized_operations


class MetadataResponseBroker(Struct):
    """Part of MetadataResponse."""

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


class MetadataResponsePartition(Struct):
    """Part of MetadataResponse."""

    __slots__ = ("error_code", "partition_index", "leader_id", "leader_epoch", "replica_nodes", "isr_nodes", "offline_replicas",)
    error_code: int
    partition_index: int
    leader_id: int
    leader_epoch: int
    replica_nodes: list[int]
    isr_nodes: list[int]
    offline_replicas: list[int]

    def __init__(
        self,
        *,
        error_code: int = 0,
        partition_index: int = 0,
        leader_id: int = 0,
        leader_epoch: int = -1,
        replica_nodes: list[int] = EMPTY,
        isr_nodes: list[int] = EMPTY,
        offline_replicas: list[int] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.partition_index = partition_index
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch
        self.replica_nodes = [] if replica_nodes is EMPTY else replica_nodes
        self.isr_nodes = [] if isr_nodes is EMPTY else isr_nodes
        self.offline_replicas = [] if offline_replicas is EMPTY else offline_replicas


class MetadataResponseTopic(Struct):
    """Part of MetadataResponse."""

    __slots__ = ("error_code", "name", "topic_id", "is_internal", "partitions", "topic_authorized_operations",)
    error_code: int
    name: str | None
    topic_id: bytes
    is_internal: bool
    partitions: list[MetadataResponsePartition]
    topic_authorized_operations: int

    def __init__(
        self,
        *,
        error_code: int = 0,
        name: str | None = "",
        topic_id: bytes = ZERO_UUID,
        is_internal: bool = False,
        partitions: list[MetadataResponsePartition] = EMPTY,
        topic_authorized_operations: int = -2147483648,
    ) -> None:
        self.error_code = error_code
        self.name = name
        self.topic_id = topic_id
        self.is_internal = is_internal
        self.partitions = [] if partitions is EMPTY else partitions
        self.topic_authorized_operations = topic_authorized_operations


class MetadataResponse(Message):
    """``MetadataResponse`` (API key 3), versions 0 to 13."""

    __slots__ = ("throttle_time_ms", "brokers", "cluster_id", "controller_id", "topics", "cluster_authorized_operations", "error_code",)
    throttle_time_ms: int
    brokers: list[MetadataResponseBroker]
    cluster_id: str | None
    controller_id: int
    topics: list[MetadataResponseTopic]
    cluster_authorized_operations: int
    error_code: int

    API_KEY = 3
    MIN_VERSION = 0
    MAX_VERSION = 13
    FIRST_FLEXIBLE = 9

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        brokers: list[MetadataResponseBroker] = EMPTY,
        cluster_id: str | None = None,
        controller_id: int = -1,
        topics: list[MetadataResponseTopic] = EMPTY,
        cluster_authorized_operations: int = -2147483648,
        error_code: int = 0,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.brokers = [] if brokers is EMPTY else brokers
        self.cluster_id = cluster_id
        self.controller_id = controller_id
        self.topics = [] if topics is EMPTY else topics
        self.cluster_authorized_operations = cluster_authorized_operations
        self.error_code = error_code


def _read_metadata_request_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataRequestTopic, int]:
    o = _new(MetadataRequestTopic)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("MetadataRequestTopic.name")
    o.name = b[p:q].decode()
    p = q
    return o, p


def _write_metadata_request_topic_v0(o: MetadataRequestTopic, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "MetadataRequestTopic.name"
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)


def _read_metadata_request_topic_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataRequestTopic, int]:
    o = _new(MetadataRequestTopic)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("MetadataRequestTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_request_topic_v9(o: MetadataRequestTopic, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "MetadataRequestTopic.name"
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    w(b"\0")


def _read_metadata_request_topic_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataRequestTopic, int]:
    o = _new(MetadataRequestTopic)
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.name = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("MetadataRequestTopic.name")
        o.name = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_request_topic_v10(o: MetadataRequestTopic, w: Write) -> None:
    v_name = o.name
    w(_pack_16s(o.topic_id))
    if v_name is None:
        w(b"\0")
    else:
        r_name = v_name.encode()
        n = len(r_name) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_name)
    w(b"\0")


def _read_metadata_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataRequest, int]:
    o = _new(MetadataRequest)
    o.allow_auto_topic_creation = True
    o.include_cluster_authorized_operations = False
    o.include_topic_authorized_operations = False
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 2 > e - p:
        raise bad_length("MetadataRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_request_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_metadata_request_v0(o: MetadataRequest, w: Write) -> None:
    v_topics = o.topics
    assert v_topics is not None, "MetadataRequest.topics"
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_metadata_request_topic_v0(x_topics, w)


def _read_metadata_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataRequest, int]:
    o = _new(MetadataRequest)
    o.allow_auto_topic_creation = True
    o.include_cluster_authorized_operations = False
    o.include_topic_authorized_operations = False
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.topics = None
    else:
        if n * 2 > e - p:
            raise bad_length("MetadataRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[MetadataRequestTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_metadata_request_topic_v0(b, p, e, c)
            l_topics.append(x_topics)
    return o, p


def _write_metadata_request_v1(o: MetadataRequest, w: Write) -> None:
    v_topics = o.topics
    if v_topics is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_topics)))
        for x_topics in v_topics:
            _write_metadata_request_topic_v0(x_topics, w)


def _read_metadata_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataRequest, int]:
    o = _new(MetadataRequest)
    o.include_cluster_authorized_operations = False
    o.include_topic_authorized_operations = False
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.topics = None
    else:
        if n * 2 > e - p:
            raise bad_length("MetadataRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[MetadataRequestTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_metadata_request_topic_v0(b, p, e, c)
            l_topics.append(x_topics)
    (o.allow_auto_topic_creation,) = _unpack_t(b, p)
    p += 1
    return o, p


def _write_metadata_request_v4(o: MetadataRequest, w: Write) -> None:
    v_topics = o.topics
    if v_topics is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_topics)))
        for x_topics in v_topics:
            _write_metadata_request_topic_v0(x_topics, w)
    w(_pack_t(o.allow_auto_topic_creation))


def _read_metadata_request_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataRequest, int]:
    o = _new(MetadataRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.topics = None
    else:
        if n * 2 > e - p:
            raise bad_length("MetadataRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[MetadataRequestTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_metadata_request_topic_v0(b, p, e, c)
            l_topics.append(x_topics)
    o.allow_auto_topic_creation, o.include_cluster_authorized_operations, o.include_topic_authorized_operations = _unpack_ttt(b, p)
    p += 3
    return o, p


def _write_metadata_request_v8(o: MetadataRequest, w: Write) -> None:
    v_topics = o.topics
    if v_topics is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_topics)))
        for x_topics in v_topics:
            _write_metadata_request_topic_v0(x_topics, w)
    w(_pack_ttt(o.allow_auto_topic_creation, o.include_cluster_authorized_operations, o.include_topic_authorized_operations))


def _read_metadata_request_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataRequest, int]:
    o = _new(MetadataRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topics = None
    else:
        n -= 1
        if n * 2 > e - p:
            raise bad_length("MetadataRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[MetadataRequestTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_metadata_request_topic_v9(b, p, e, c)
            l_topics.append(x_topics)
    o.allow_auto_topic_creation, o.include_cluster_authorized_operations, o.include_topic_authorized_operations, n = _unpack_tttB(b, p)
    p += 4
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_request_v9(o: MetadataRequest, w: Write) -> None:
    v_topics = o.topics
    if v_topics is None:
        w(b"\0")
    else:
        n = len(v_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topics in v_topics:
            _write_metadata_request_topic_v9(x_topics, w)
    w(_pack_tttx(o.allow_auto_topic_creation, o.include_cluster_authorized_operations, o.include_topic_authorized_operations))


def _read_metadata_request_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataRequest, int]:
    o = _new(MetadataRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topics = None
    else:
        n -= 1
        if n * 18 > e - p:
            raise bad_length("MetadataRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[MetadataRequestTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_metadata_request_topic_v10(b, p, e, c)
            l_topics.append(x_topics)
    o.allow_auto_topic_creation, o.include_cluster_authorized_operations, o.include_topic_authorized_operations, n = _unpack_tttB(b, p)
    p += 4
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_request_v10(o: MetadataRequest, w: Write) -> None:
    v_topics = o.topics
    if v_topics is None:
        w(b"\0")
    else:
        n = len(v_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topics in v_topics:
            _write_metadata_request_topic_v10(x_topics, w)
    w(_pack_tttx(o.allow_auto_topic_creation, o.include_cluster_authorized_operations, o.include_topic_authorized_operations))


def _read_metadata_request_v11(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataRequest, int]:
    o = _new(MetadataRequest)
    o.include_cluster_authorized_operations = False
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topics = None
    else:
        n -= 1
        if n * 18 > e - p:
            raise bad_length("MetadataRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[MetadataRequestTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_metadata_request_topic_v10(b, p, e, c)
            l_topics.append(x_topics)
    o.allow_auto_topic_creation, o.include_topic_authorized_operations, n = _unpack_ttB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_request_v11(o: MetadataRequest, w: Write) -> None:
    v_topics = o.topics
    if v_topics is None:
        w(b"\0")
    else:
        n = len(v_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topics in v_topics:
            _write_metadata_request_topic_v10(x_topics, w)
    w(_pack_ttx(o.allow_auto_topic_creation, o.include_topic_authorized_operations))


def _read_metadata_response_broker_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponseBroker, int]:
    o = _new(MetadataResponseBroker)
    o.rack = None
    o.node_id, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("MetadataResponseBroker.host")
    o.host = b[p:q].decode()
    p = q
    (o.port,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_metadata_response_broker_v0(o: MetadataResponseBroker, w: Write) -> None:
    v_host = o.host
    r_host = v_host.encode()
    w(_pack_ih(o.node_id, len(r_host)))
    w(r_host)
    w(_pack_i(o.port))


def _read_metadata_response_broker_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponseBroker, int]:
    o = _new(MetadataResponseBroker)
    o.node_id, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("MetadataResponseBroker.host")
    o.host = b[p:q].decode()
    p = q
    o.port, n = _unpack_ih(b, p)
    p += 6
    if n < 0:
        o.rack = None
    else:
        q = p + n
        if q > e:
            raise bad_length("MetadataResponseBroker.rack")
        o.rack = b[p:q].decode()
        p = q
    return o, p


def _write_metadata_response_broker_v1(o: MetadataResponseBroker, w: Write) -> None:
    v_host = o.host
    r_host = v_host.encode()
    w(_pack_ih(o.node_id, len(r_host)))
    w(r_host)
    v_rack = o.rack
    if v_rack is None:
        w(_pack_ih(o.port, -1))
    else:
        r_rack = v_rack.encode()
        w(_pack_ih(o.port, len(r_rack)))
        w(r_rack)


def _read_metadata_response_broker_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponseBroker, int]:
    o = _new(MetadataResponseBroker)
    o.node_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("MetadataResponseBroker.host")
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
            raise bad_length("MetadataResponseBroker.rack")
        o.rack = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_response_broker_v9(o: MetadataResponseBroker, w: Write) -> None:
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


def _read_metadata_response_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponsePartition, int]:
    o = _new(MetadataResponsePartition)
    o.leader_epoch = -1
    o.offline_replicas = []
    o.error_code, o.partition_index, o.leader_id, n = _unpack_hiii(b, p)
    p += 14
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("MetadataResponsePartition.replica_nodes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.replica_nodes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("MetadataResponsePartition.isr_nodes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.isr_nodes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_metadata_response_partition_v0(o: MetadataResponsePartition, w: Write) -> None:
    v_replica_nodes = o.replica_nodes
    w(_pack_hiii(o.error_code, o.partition_index, o.leader_id, len(v_replica_nodes)))
    n = len(v_replica_nodes)
    w(INT32S[n](*v_replica_nodes) if n < 16 else pack(f">{n}i", *v_replica_nodes))
    v_isr_nodes = o.isr_nodes
    w(_pack_i(len(v_isr_nodes)))
    n = len(v_isr_nodes)
    w(INT32S[n](*v_isr_nodes) if n < 16 else pack(f">{n}i", *v_isr_nodes))


def _read_metadata_response_partition_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponsePartition, int]:
    o = _new(MetadataResponsePartition)
    o.leader_epoch = -1
    o.error_code, o.partition_index, o.leader_id, n = _unpack_hiii(b, p)
    p += 14
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("MetadataResponsePartition.replica_nodes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.replica_nodes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("MetadataResponsePartition.isr_nodes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.isr_nodes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("MetadataResponsePartition.offline_replicas")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.offline_replicas = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_metadata_response_partition_v5(o: MetadataResponsePartition, w: Write) -> None:
    v_replica_nodes = o.replica_nodes
    w(_pack_hiii(o.error_code, o.partition_index, o.leader_id, len(v_replica_nodes)))
    n = len(v_replica_nodes)
    w(INT32S[n](*v_replica_nodes) if n < 16 else pack(f">{n}i", *v_replica_nodes))
    v_isr_nodes = o.isr_nodes
    w(_pack_i(len(v_isr_nodes)))
    n = len(v_isr_nodes)
    w(INT32S[n](*v_isr_nodes) if n < 16 else pack(f">{n}i", *v_isr_nodes))
    v_offline_replicas = o.offline_replicas
    w(_pack_i(len(v_offline_replicas)))
    n = len(v_offline_replicas)
    w(INT32S[n](*v_offline_replicas) if n < 16 else pack(f">{n}i", *v_offline_replicas))


def _read_metadata_response_partition_v7(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponsePartition, int]:
    o = _new(MetadataResponsePartition)
    o.error_code, o.partition_index, o.leader_id, o.leader_epoch, n = _unpack_hiiii(b, p)
    p += 18
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("MetadataResponsePartition.replica_nodes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.replica_nodes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("MetadataResponsePartition.isr_nodes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.isr_nodes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("MetadataResponsePartition.offline_replicas")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.offline_replicas = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_metadata_response_partition_v7(o: MetadataResponsePartition, w: Write) -> None:
    v_replica_nodes = o.replica_nodes
    w(_pack_hiiii(o.error_code, o.partition_index, o.leader_id, o.leader_epoch, len(v_replica_nodes)))
    n = len(v_replica_nodes)
    w(INT32S[n](*v_replica_nodes) if n < 16 else pack(f">{n}i", *v_replica_nodes))
    v_isr_nodes = o.isr_nodes
    w(_pack_i(len(v_isr_nodes)))
    n = len(v_isr_nodes)
    w(INT32S[n](*v_isr_nodes) if n < 16 else pack(f">{n}i", *v_isr_nodes))
    v_offline_replicas = o.offline_replicas
    w(_pack_i(len(v_offline_replicas)))
    n = len(v_offline_replicas)
    w(INT32S[n](*v_offline_replicas) if n < 16 else pack(f">{n}i", *v_offline_replicas))


def _read_metadata_response_partition_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponsePartition, int]:
    o = _new(MetadataResponsePartition)
    o.error_code, o.partition_index, o.leader_id, o.leader_epoch, n = _unpack_hiiiB(b, p)
    p += 15
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("MetadataResponsePartition.replica_nodes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.replica_nodes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("MetadataResponsePartition.isr_nodes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.isr_nodes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("MetadataResponsePartition.offline_replicas")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.offline_replicas = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_response_partition_v9(o: MetadataResponsePartition, w: Write) -> None:
    v_replica_nodes = o.replica_nodes
    w(_pack_hiii(o.error_code, o.partition_index, o.leader_id, o.leader_epoch))
    n = len(v_replica_nodes)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_replica_nodes))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_replica_nodes))
    v_isr_nodes = o.isr_nodes
    n = len(v_isr_nodes)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_isr_nodes))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_isr_nodes))
    v_offline_replicas = o.offline_replicas
    n = len(v_offline_replicas)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_offline_replicas))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_offline_replicas))
    w(b"\0")


def _read_metadata_response_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponseTopic, int]:
    o = _new(MetadataResponseTopic)
    o.topic_id = ZERO_UUID
    o.is_internal = False
    o.topic_authorized_operations = -2147483648
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("MetadataResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 18 > e - p:
        raise bad_length("MetadataResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[MetadataResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_metadata_response_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_metadata_response_topic_v0(o: MetadataResponseTopic, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "MetadataResponseTopic.name"
    r_name = v_name.encode()
    w(_pack_hh(o.error_code, len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_metadata_response_partition_v0(x_partitions, w)


def _read_metadata_response_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponseTopic, int]:
    o = _new(MetadataResponseTopic)
    o.topic_id = ZERO_UUID
    o.topic_authorized_operations = -2147483648
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("MetadataResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    o.is_internal, n = _unpack_ti(b, p)
    p += 5
    if n < 0 or n * 18 > e - p:
        raise bad_length("MetadataResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[MetadataResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_metadata_response_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_metadata_response_topic_v1(o: MetadataResponseTopic, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "MetadataResponseTopic.name"
    r_name = v_name.encode()
    w(_pack_hh(o.error_code, len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_ti(o.is_internal, len(v_partitions)))
    for x_partitions in v_partitions:
        _write_metadata_response_partition_v0(x_partitions, w)


def _read_metadata_response_topic_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponseTopic, int]:
    o = _new(MetadataResponseTopic)
    o.topic_id = ZERO_UUID
    o.topic_authorized_operations = -2147483648
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("MetadataResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    o.is_internal, n = _unpack_ti(b, p)
    p += 5
    if n < 0 or n * 22 > e - p:
        raise bad_length("MetadataResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[MetadataResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_metadata_response_partition_v5(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_metadata_response_topic_v5(o: MetadataResponseTopic, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "MetadataResponseTopic.name"
    r_name = v_name.encode()
    w(_pack_hh(o.error_code, len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_ti(o.is_internal, len(v_partitions)))
    for x_partitions in v_partitions:
        _write_metadata_response_partition_v5(x_partitions, w)


def _read_metadata_response_topic_v7(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponseTopic, int]:
    o = _new(MetadataResponseTopic)
    o.topic_id = ZERO_UUID
    o.topic_authorized_operations = -2147483648
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("MetadataResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    o.is_internal, n = _unpack_ti(b, p)
    p += 5
    if n < 0 or n * 26 > e - p:
        raise bad_length("MetadataResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[MetadataResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_metadata_response_partition_v7(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_metadata_response_topic_v7(o: MetadataResponseTopic, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "MetadataResponseTopic.name"
    r_name = v_name.encode()
    w(_pack_hh(o.error_code, len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_ti(o.is_internal, len(v_partitions)))
    for x_partitions in v_partitions:
        _write_metadata_response_partition_v7(x_partitions, w)


def _read_metadata_response_topic_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponseTopic, int]:
    o = _new(MetadataResponseTopic)
    o.topic_id = ZERO_UUID
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("MetadataResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    o.is_internal, n = _unpack_ti(b, p)
    p += 5
    if n < 0 or n * 26 > e - p:
        raise bad_length("MetadataResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[MetadataResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_metadata_response_partition_v7(b, p, e, c)
        l_partitions.append(x_partitions)
    (o.topic_authorized_operations,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_metadata_response_topic_v8(o: MetadataResponseTopic, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "MetadataResponseTopic.name"
    r_name = v_name.encode()
    w(_pack_hh(o.error_code, len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_ti(o.is_internal, len(v_partitions)))
    for x_partitions in v_partitions:
        _write_metadata_response_partition_v7(x_partitions, w)
    w(_pack_i(o.topic_authorized_operations))


def _read_metadata_response_topic_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponseTopic, int]:
    o = _new(MetadataResponseTopic)
    o.topic_id = ZERO_UUID
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("MetadataResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    o.is_internal, n = _unpack_tB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("MetadataResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[MetadataResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_metadata_response_partition_v9(b, p, e, c)
        l_partitions.append(x_partitions)
    o.topic_authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_response_topic_v9(o: MetadataResponseTopic, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "MetadataResponseTopic.name"
    w(_pack_h(o.error_code))
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_t(o.is_internal))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_metadata_response_partition_v9(x_partitions, w)
    w(_pack_ix(o.topic_authorized_operations))


def _read_metadata_response_topic_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponseTopic, int]:
    o = _new(MetadataResponseTopic)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("MetadataResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    o.topic_id, o.is_internal, n = _unpack_16stB(b, p)
    p += 18
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("MetadataResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[MetadataResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_metadata_response_partition_v9(b, p, e, c)
        l_partitions.append(x_partitions)
    o.topic_authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_response_topic_v10(o: MetadataResponseTopic, w: Write) -> None:
    v_name = o.name
    assert v_name is not None, "MetadataResponseTopic.name"
    w(_pack_h(o.error_code))
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_16st(o.topic_id, o.is_internal))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_metadata_response_partition_v9(x_partitions, w)
    w(_pack_ix(o.topic_authorized_operations))


def _read_metadata_response_topic_v12(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponseTopic, int]:
    o = _new(MetadataResponseTopic)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.name = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("MetadataResponseTopic.name")
        o.name = b[p:q].decode()
        p = q
    o.topic_id, o.is_internal, n = _unpack_16stB(b, p)
    p += 18
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("MetadataResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[MetadataResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_metadata_response_partition_v9(b, p, e, c)
        l_partitions.append(x_partitions)
    o.topic_authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_response_topic_v12(o: MetadataResponseTopic, w: Write) -> None:
    v_name = o.name
    w(_pack_h(o.error_code))
    if v_name is None:
        w(b"\0")
    else:
        r_name = v_name.encode()
        n = len(r_name) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_name)
    v_partitions = o.partitions
    w(_pack_16st(o.topic_id, o.is_internal))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_metadata_response_partition_v9(x_partitions, w)
    w(_pack_ix(o.topic_authorized_operations))


def _read_metadata_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.throttle_time_ms = 0
    o.cluster_id = None
    o.controller_id = -1
    o.cluster_authorized_operations = -2147483648
    o.error_code = 0
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 10 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v0(b, p, e, c)
        l_brokers.append(x_brokers)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 8 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_metadata_response_v0(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_i(len(v_brokers)))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v0(x_brokers, w)
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_metadata_response_topic_v0(x_topics, w)


def _read_metadata_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.throttle_time_ms = 0
    o.cluster_id = None
    o.cluster_authorized_operations = -2147483648
    o.error_code = 0
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 12 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v1(b, p, e, c)
        l_brokers.append(x_brokers)
    o.controller_id, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 9 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_metadata_response_v1(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_i(len(v_brokers)))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v1(x_brokers, w)
    v_topics = o.topics
    w(_pack_ii(o.controller_id, len(v_topics)))
    for x_topics in v_topics:
        _write_metadata_response_topic_v1(x_topics, w)


def _read_metadata_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.throttle_time_ms = 0
    o.cluster_authorized_operations = -2147483648
    o.error_code = 0
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 12 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v1(b, p, e, c)
        l_brokers.append(x_brokers)
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.cluster_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("MetadataResponse.cluster_id")
        o.cluster_id = b[p:q].decode()
        p = q
    o.controller_id, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 9 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_metadata_response_v2(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_i(len(v_brokers)))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v1(x_brokers, w)
    v_cluster_id = o.cluster_id
    if v_cluster_id is None:
        w(_pack_h(-1))
    else:
        r_cluster_id = v_cluster_id.encode()
        w(_pack_h(len(r_cluster_id)))
        w(r_cluster_id)
    v_topics = o.topics
    w(_pack_ii(o.controller_id, len(v_topics)))
    for x_topics in v_topics:
        _write_metadata_response_topic_v1(x_topics, w)


def _read_metadata_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.cluster_authorized_operations = -2147483648
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 12 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v1(b, p, e, c)
        l_brokers.append(x_brokers)
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.cluster_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("MetadataResponse.cluster_id")
        o.cluster_id = b[p:q].decode()
        p = q
    o.controller_id, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 9 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_metadata_response_v3(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_ii(o.throttle_time_ms, len(v_brokers)))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v1(x_brokers, w)
    v_cluster_id = o.cluster_id
    if v_cluster_id is None:
        w(_pack_h(-1))
    else:
        r_cluster_id = v_cluster_id.encode()
        w(_pack_h(len(r_cluster_id)))
        w(r_cluster_id)
    v_topics = o.topics
    w(_pack_ii(o.controller_id, len(v_topics)))
    for x_topics in v_topics:
        _write_metadata_response_topic_v1(x_topics, w)


def _read_metadata_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.cluster_authorized_operations = -2147483648
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 12 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v1(b, p, e, c)
        l_brokers.append(x_brokers)
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.cluster_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("MetadataResponse.cluster_id")
        o.cluster_id = b[p:q].decode()
        p = q
    o.controller_id, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 9 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v5(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_metadata_response_v5(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_ii(o.throttle_time_ms, len(v_brokers)))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v1(x_brokers, w)
    v_cluster_id = o.cluster_id
    if v_cluster_id is None:
        w(_pack_h(-1))
    else:
        r_cluster_id = v_cluster_id.encode()
        w(_pack_h(len(r_cluster_id)))
        w(r_cluster_id)
    v_topics = o.topics
    w(_pack_ii(o.controller_id, len(v_topics)))
    for x_topics in v_topics:
        _write_metadata_response_topic_v5(x_topics, w)


def _read_metadata_response_v7(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.cluster_authorized_operations = -2147483648
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 12 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v1(b, p, e, c)
        l_brokers.append(x_brokers)
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.cluster_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("MetadataResponse.cluster_id")
        o.cluster_id = b[p:q].decode()
        p = q
    o.controller_id, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 9 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v7(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_metadata_response_v7(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_ii(o.throttle_time_ms, len(v_brokers)))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v1(x_brokers, w)
    v_cluster_id = o.cluster_id
    if v_cluster_id is None:
        w(_pack_h(-1))
    else:
        r_cluster_id = v_cluster_id.encode()
        w(_pack_h(len(r_cluster_id)))
        w(r_cluster_id)
    v_topics = o.topics
    w(_pack_ii(o.controller_id, len(v_topics)))
    for x_topics in v_topics:
        _write_metadata_response_topic_v7(x_topics, w)


def _read_metadata_response_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 12 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v1(b, p, e, c)
        l_brokers.append(x_brokers)
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.cluster_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("MetadataResponse.cluster_id")
        o.cluster_id = b[p:q].decode()
        p = q
    o.controller_id, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 13 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v8(b, p, e, c)
        l_topics.append(x_topics)
    (o.cluster_authorized_operations,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_metadata_response_v8(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_ii(o.throttle_time_ms, len(v_brokers)))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v1(x_brokers, w)
    v_cluster_id = o.cluster_id
    if v_cluster_id is None:
        w(_pack_h(-1))
    else:
        r_cluster_id = v_cluster_id.encode()
        w(_pack_h(len(r_cluster_id)))
        w(r_cluster_id)
    v_topics = o.topics
    w(_pack_ii(o.controller_id, len(v_topics)))
    for x_topics in v_topics:
        _write_metadata_response_topic_v8(x_topics, w)
    w(_pack_i(o.cluster_authorized_operations))


def _read_metadata_response_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v9(b, p, e, c)
        l_brokers.append(x_brokers)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.cluster_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("MetadataResponse.cluster_id")
        o.cluster_id = b[p:q].decode()
        p = q
    o.controller_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 10 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v9(b, p, e, c)
        l_topics.append(x_topics)
    o.cluster_authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_response_v9(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_i(o.throttle_time_ms))
    n = len(v_brokers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v9(x_brokers, w)
    v_cluster_id = o.cluster_id
    if v_cluster_id is None:
        w(b"\0")
    else:
        r_cluster_id = v_cluster_id.encode()
        n = len(r_cluster_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_cluster_id)
    v_topics = o.topics
    w(_pack_i(o.controller_id))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_metadata_response_topic_v9(x_topics, w)
    w(_pack_ix(o.cluster_authorized_operations))


def _read_metadata_response_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v9(b, p, e, c)
        l_brokers.append(x_brokers)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.cluster_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("MetadataResponse.cluster_id")
        o.cluster_id = b[p:q].decode()
        p = q
    o.controller_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 26 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v10(b, p, e, c)
        l_topics.append(x_topics)
    o.cluster_authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_response_v10(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_i(o.throttle_time_ms))
    n = len(v_brokers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v9(x_brokers, w)
    v_cluster_id = o.cluster_id
    if v_cluster_id is None:
        w(b"\0")
    else:
        r_cluster_id = v_cluster_id.encode()
        n = len(r_cluster_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_cluster_id)
    v_topics = o.topics
    w(_pack_i(o.controller_id))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_metadata_response_topic_v10(x_topics, w)
    w(_pack_ix(o.cluster_authorized_operations))


def _read_metadata_response_v11(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.cluster_authorized_operations = -2147483648
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v9(b, p, e, c)
        l_brokers.append(x_brokers)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.cluster_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("MetadataResponse.cluster_id")
        o.cluster_id = b[p:q].decode()
        p = q
    o.controller_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 26 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v10(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_response_v11(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_i(o.throttle_time_ms))
    n = len(v_brokers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v9(x_brokers, w)
    v_cluster_id = o.cluster_id
    if v_cluster_id is None:
        w(b"\0")
    else:
        r_cluster_id = v_cluster_id.encode()
        n = len(r_cluster_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_cluster_id)
    v_topics = o.topics
    w(_pack_i(o.controller_id))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_metadata_response_topic_v10(x_topics, w)
    w(b"\0")


def _read_metadata_response_v12(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.cluster_authorized_operations = -2147483648
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v9(b, p, e, c)
        l_brokers.append(x_brokers)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.cluster_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("MetadataResponse.cluster_id")
        o.cluster_id = b[p:q].decode()
        p = q
    o.controller_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 26 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v12(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_response_v12(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_i(o.throttle_time_ms))
    n = len(v_brokers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v9(x_brokers, w)
    v_cluster_id = o.cluster_id
    if v_cluster_id is None:
        w(b"\0")
    else:
        r_cluster_id = v_cluster_id.encode()
        n = len(r_cluster_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_cluster_id)
    v_topics = o.topics
    w(_pack_i(o.controller_id))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_metadata_response_topic_v12(x_topics, w)
    w(b"\0")


def _read_metadata_response_v13(b: bytes, p: int, e: int, c: Allowance) -> tuple[MetadataResponse, int]:
    o = _new(MetadataResponse)
    o.cluster_authorized_operations = -2147483648
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("MetadataResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[MetadataResponseBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_metadata_response_broker_v9(b, p, e, c)
        l_brokers.append(x_brokers)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.cluster_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("MetadataResponse.cluster_id")
        o.cluster_id = b[p:q].decode()
        p = q
    o.controller_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 26 > e - p:
        raise bad_length("MetadataResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[MetadataResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_metadata_response_topic_v12(b, p, e, c)
        l_topics.append(x_topics)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_metadata_response_v13(o: MetadataResponse, w: Write) -> None:
    v_brokers = o.brokers
    w(_pack_i(o.throttle_time_ms))
    n = len(v_brokers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_brokers in v_brokers:
        _write_metadata_response_broker_v9(x_brokers, w)
    v_cluster_id = o.cluster_id
    if v_cluster_id is None:
        w(b"\0")
    else:
        r_cluster_id = v_cluster_id.encode()
        n = len(r_cluster_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_cluster_id)
    v_topics = o.topics
    w(_pack_i(o.controller_id))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_metadata_response_topic_v12(x_topics, w)
    w(_pack_hx(o.error_code))


MetadataRequest.READERS = {
    0: _read_metadata_request_v0,
    1: _read_metadata_request_v1,
    2: _read_metadata_request_v1,
    3: _read_metadata_request_v1,
    4: _read_metadata_request_v4,
    5: _read_metadata_request_v4,
    6: _read_metadata_request_v4,
    7: _read_metadata_request_v4,
    8: _read_metadata_request_v8,
    9: _read_metadata_request_v9,
    10: _read_metadata_request_v10,
    11: _read_metadata_request_v11,
    12: _read_metadata_request_v11,
    13: _read_metadata_request_v11,
}

MetadataRequest.WRITERS = {
    0: _write_metadata_request_v0,
    1: _write_metadata_request_v1,
    2: _write_metadata_request_v1,
    3: _write_metadata_request_v1,
    4: _write_metadata_request_v4,
    5: _write_metadata_request_v4,
    6: _write_metadata_request_v4,
    7: _write_metadata_request_v4,
    8: _write_metadata_request_v8,
    9: _write_metadata_request_v9,
    10: _write_metadata_request_v10,
    11: _write_metadata_request_v11,
    12: _write_metadata_request_v11,
    13: _write_metadata_request_v11,
}

MetadataResponse.READERS = {
    0: _read_metadata_response_v0,
    1: _read_metadata_response_v1,
    2: _read_metadata_response_v2,
    3: _read_metadata_response_v3,
    4: _read_metadata_response_v3,
    5: _read_metadata_response_v5,
    6: _read_metadata_response_v5,
    7: _read_metadata_response_v7,
    8: _read_metadata_response_v8,
    9: _read_metadata_response_v9,
    10: _read_metadata_response_v10,
    11: _read_metadata_response_v11,
    12: _read_metadata_response_v12,
    13: _read_metadata_response_v13,
}

MetadataResponse.WRITERS = {
    0: _write_metadata_response_v0,
    1: _write_metadata_response_v1,
    2: _write_metadata_response_v2,
    3: _write_metadata_response_v3,
    4: _write_metadata_response_v3,
    5: _write_metadata_response_v5,
    6: _write_metadata_response_v5,
    7: _write_metadata_response_v7,
    8: _write_metadata_response_v8,
    9: _write_metadata_response_v9,
    10: _write_metadata_response_v10,
    11: _write_metadata_response_v11,
    12: _write_metadata_response_v12,
    13: _write_metadata_response_v13,
}
