# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""StreamsGroupHeartbeat: messages of all versions, with their codec."""

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
_pack_tx = Struct_(">?x").pack
_pack_Hx = Struct_(">Hx").pack
_pack_b = Struct_(">b").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ii = Struct_(">ii").pack
_pack_iiii = Struct_(">iiii").pack
_pack_iqx = Struct_(">iqx").pack
_unpack_tB = Struct_(">?B").unpack_from
_unpack_HB = Struct_(">HB").unpack_from
_unpack_b = Struct_(">b").unpack_from
_unpack_bB = Struct_(">bB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ib = Struct_(">ib").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_iiB = Struct_(">iiB").unpack_from
_unpack_iiiiB = Struct_(">iiiiB").unpack_from
_unpack_iqB = Struct_(">iqB").unpack_from


class KeyValue(Struct):
    """Part of StreamsGroupHeartbeatRequest."""

    __slots__ = ("key", "value",)
    key: str
    value: str

    def __init__(
        self,
        *,
        key: str = "",
        value: str = "",
    ) -> None:
        self.key = key
        self.value = value


class TopicInfo(Struct):
    """Part of StreamsGroupHeartbeatRequest."""

    __slots__ = ("name", "partitions", "replication_factor", "topic_configs",)
    name: str
    partitions: int
    replication_factor: int
    topic_configs: list[KeyValue]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: int = 0,
        replication_factor: int = 0,
        topic_configs: list[KeyValue] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = partitions
        self.replication_factor = replication_factor
        self.topic_configs = [] if topic_configs is EMPTY else topic_configs


class CopartitionGroup(Struct):
    """Part of StreamsGroupHeartbeatRequest."""

    __slots__ = ("source_topics", "source_topic_regex", "repartition_source_topics",)
    source_topics: list[int]
    source_topic_regex: list[int]
    repartition_source_topics: list[int]

    def __init__(
        self,
        *,
        source_topics: list[int] = EMPTY,
        source_topic_regex: list[int] = EMPTY,
        repartition_source_topics: list[int] = EMPTY,
    ) -> None:
        self.source_topics = [] if source_topics is EMPTY else source_topics
        self.source_topic_regex = [] if source_topic_regex is EMPTY else source_topic_regex
        self.repartition_source_topics = [] if repartition_source_topics is EMPTY else repartition_source_topics


class Subtopology(Struct):
    """Part of StreamsGroupHeartbeatRequest."""

    __slots__ = ("subtopology_id", "source_topics", "source_topic_regex", "state_changelog_topics", "repartition_sink_topics", "repartition_source_topics", "copartition_groups",)
    subtopology_id: str
    source_topics: list[str]
    source_topic_regex: list[str]
    state_changelog_topics: list[TopicInfo]
    repartition_sink_topics: list[str]
    repartition_source_topics: list[TopicInfo]
    copartition_groups: list[CopartitionGroup]

    def __init__(
        self,
        *,
        subtopology_id: str = "",
        source_topics: list[str] = EMPTY,
        source_topic_regex: list[str] = EMPTY,
        state_changelog_topics: list[TopicInfo] = EMPTY,
        repartition_sink_topics: list[str] = EMPTY,
        repartition_source_topics: list[TopicInfo] = EMPTY,
        copartition_groups: list[CopartitionGroup] = EMPTY,
    ) -> None:
        self.subtopology_id = subtopology_id
        self.source_topics = [] if source_topics is EMPTY else source_topics
        self.source_topic_regex = [] if source_topic_regex is EMPTY else source_topic_regex
        self.state_changelog_topics = [] if state_changelog_topics is EMPTY else state_changelog_topics
        self.repartition_sink_topics = [] if repartition_sink_topics is EMPTY else repartition_sink_topics
        self.repartition_source_topics = [] if repartition_source_topics is EMPTY else repartition_source_topics
        self.copartition_groups = [] if copartition_groups is EMPTY else copartition_groups


class Topology(Struct):
    """Part of StreamsGroupHeartbeatRequest."""

    __slots__ = ("epoch", "subtopologies",)
    epoch: int
    subtopologies: list[Subtopology]

    def __init__(
        self,
        *,
        epoch: int = 0,
        subtopologies: list[Subtopology] = EMPTY,
    ) -> None:
        self.epoch = epoch
        self.subtopologies = [] if subtopologies is EMPTY else subtopologies


class StreamsGroupHeartbeatRequestTaskIds(Struct):
    """Part of StreamsGroupHeartbeatRequest."""

    __slots__ = ("subtopology_id", "partitions",)
    subtopology_id: str
    partitions: list[int]

    def __init__(
        self,
        *,
        subtopology_id: str = "",
        partitions: list[int] = EMPTY,
    ) -> None:
        self.subtopology_id = subtopology_id
        self.partitions = [] if partitions is EMPTY else partitions


class StreamsGroupHeartbeatRequestEndpoint(Struct):
    """Part of StreamsGroupHeartbeatRequest."""

    __slots__ = ("host", "port",)
    host: str
    port: int

    def __init__(
        self,
        *,
        host: str = "",
        port: int = 0,
    ) -> None:
        self.host = host
        self.port = port


class TaskOffset(Struct):
    """Part of StreamsGroupHeartbeatRequest."""

    __slots__ = ("subtopology_id", "partition", "offset",)
    subtopology_id: str
    partition: int
    offset: int

    def __init__(
        self,
        *,
        subtopology_id: str = "",
        partition: int = 0,
        offset: int = 0,
    ) -> None:
        self.subtopology_id = subtopology_id
        self.partition = partition
        self.offset = offset


class StreamsGroupHeartbeatRequest(Message):
    """``StreamsGroupHeartbeatRequest`` (API key 88), version 0."""

    __slots__ = ("group_id", "member_id", "member_epoch", "endpoint_information_epoch", "instance_id", "rack_id", "rebalance_timeout_ms", "topology", "active_tasks", "standby_tasks", "warmup_tasks", "process_id", "user_endpoint", "client_tags", "task_offsets", "task_end_offsets", "shutdown_application",)
    group_id: str
    member_id: str
    member_epoch: int
    endpoint_information_epoch: int
    instance_id: str | None
    rack_id: str | None
    rebalance_timeout_ms: int
    topology: Topology | None
    active_tasks: list[StreamsGroupHeartbeatRequestTaskIds] | None
    standby_tasks: list[StreamsGroupHeartbeatRequestTaskIds] | None
    warmup_tasks: list[StreamsGroupHeartbeatRequestTaskIds] | None
    process_id: str | None
    user_endpoint: StreamsGroupHeartbeatRequestEndpoint | None
    client_tags: list[KeyValue] | None
    task_offsets: list[TaskOffset] | None
    task_end_offsets: list[TaskOffset] | None
    shutdown_application: bool

    API_KEY = 88
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        group_id: str = "",
        member_id: str = "",
        member_epoch: int = 0,
        endpoint_information_epoch: int = 0,
        instance_id: str | None = None,
        rack_id: str | None = None,
        rebalance_timeout_ms: int = -1,
        topology: Topology | None = None,
        active_tasks: list[StreamsGroupHeartbeatRequestTaskIds] | None = None,
        standby_tasks: list[StreamsGroupHeartbeatRequestTaskIds] | None = None,
        warmup_tasks: list[StreamsGroupHeartbeatRequestTaskIds] | None = None,
        process_id: str | None = None,
        user_endpoint: StreamsGroupHeartbeatRequestEndpoint | None = None,
        client_tags: list[KeyValue] | None = None,
        task_offsets: list[TaskOffset] | None = None,
        task_end_offsets: list[TaskOffset] | None = None,
        shutdown_application: bool = False,
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.endpoint_information_epoch = endpoint_information_epoch
        self.instance_id = instance_id
        self.rack_id = rack_id
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.topology = topology
        self.active_tasks = active_tasks
        self.standby_tasks = standby_tasks
        self.warmup_tasks = warmup_tasks
        self.process_id = process_id
        self.user_endpoint = user_endpoint
        self.client_tags = client_tags
        self.task_offsets = task_offsets
        self.task_end_offsets = task_end_offsets
        self.shutdown_application = shutdown_application


class Status(Struct):
    """Part of StreamsGroupHeartbeatResponse."""

    __slots__ = ("status_code", "status_detail",)
    status_code: int
    status_detail: str

    def __init__(
        self,
        *,
        status_code: int = 0,
        status_detail: str = "",
    ) -> None:
        self.status_code = status_code
        self.status_detail = status_detail


class StreamsGroupHeartbeatResponseTaskIds(Struct):
    """Part of StreamsGroupHeartbeatResponse."""

    __slots__ = ("subtopology_id", "partitions",)
    subtopology_id: str
    partitions: list[int]

    def __init__(
        self,
        *,
        subtopology_id: str = "",
        partitions: list[int] = EMPTY,
    ) -> None:
        self.subtopology_id = subtopology_id
        self.partitions = [] if partitions is EMPTY else partitions


class StreamsGroupHeartbeatResponseEndpoint(Struct):
    """Part of StreamsGroupHeartbeatResponse."""

    __slots__ = ("host", "port",)
    host: str
    port: int

    def __init__(
        self,
        *,
        host: str = "",
        port: int = 0,
    ) -> None:
        self.host = host
        self.port = port


class TopicPartition(Struct):
    """Part of StreamsGroupHeartbeatResponse."""

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


class EndpointToPartitions(Struct):
    """Part of StreamsGroupHeartbeatResponse."""

    __slots__ = ("user_endpoint", "active_partitions", "standby_partitions",)
    user_endpoint: StreamsGroupHeartbeatResponseEndpoint
    active_partitions: list[TopicPartition]
    standby_partitions: list[TopicPartition]

    def __init__(
        self,
        *,
        user_endpoint: StreamsGroupHeartbeatResponseEndpoint | None = None,
        active_partitions: list[TopicPartition] = EMPTY,
        standby_partitions: list[TopicPartition] = EMPTY,
    ) -> None:
        self.user_endpoint = StreamsGroupHeartbeatResponseEndpoint() if user_endpoint is None else user_endpoint
        self.active_partitions = [] if active_partitions is EMPTY else active_partitions
        self.standby_partitions = [] if standby_partitions is EMPTY else standby_partitions


class StreamsGroupHeartbeatResponse(Message):
    """``StreamsGroupHeartbeatResponse`` (API key 88), version 0."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "member_id", "member_epoch", "heartbeat_interval_ms", "acceptable_recovery_lag", "task_offset_interval_ms", "status", "active_tasks", "standby_tasks", "warmup_tasks", "endpoint_information_epoch", "partitions_by_user_endpoint",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    member_id: str
    member_epoch: int
    heartbeat_interval_ms: int
    acceptable_recovery_lag: int
    task_offset_interval_ms: int
    status: list[Status] | None
    active_tasks: list[StreamsGroupHeartbeatResponseTaskIds] | None
    standby_tasks: list[StreamsGroupHeartbeatResponseTaskIds] | None
    warmup_tasks: list[StreamsGroupHeartbeatResponseTaskIds] | None
    endpoint_information_epoch: int
    partitions_by_user_endpoint: list[EndpointToPartitions] | None

    API_KEY = 88
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        member_id: str = "",
        member_epoch: int = 0,
        heartbeat_interval_ms: int = 0,
        acceptable_recovery_lag: int = 0,
        task_offset_interval_ms: int = 0,
        status: list[Status] | None = None,
        active_tasks: list[StreamsGroupHeartbeatResponseTaskIds] | None = None,
        standby_tasks: list[StreamsGroupHeartbeatResponseTaskIds] | None = None,
        warmup_tasks: list[StreamsGroupHeartbeatResponseTaskIds] | None = None,
        endpoint_information_epoch: int = 0,
        partitions_by_user_endpoint: list[EndpointToPartitions] | None = None,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.heartbeat_interval_ms = heartbeat_interval_ms
        self.acceptable_recovery_lag = acceptable_recovery_lag
        self.task_offset_interval_ms = task_offset_interval_ms
        self.status = status
        self.active_tasks = active_tasks
        self.standby_tasks = standby_tasks
        self.warmup_tasks = warmup_tasks
        self.endpoint_information_epoch = endpoint_information_epoch
        self.partitions_by_user_endpoint = partitions_by_user_endpoint


def _read_key_value_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[KeyValue, int]:
    o = _new(KeyValue)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("KeyValue.key")
    o.key = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("KeyValue.value")
    o.value = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_key_value_v0(o: KeyValue, w: Write) -> None:
    v_key = o.key
    r_key = v_key.encode()
    n = len(r_key) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_key)
    v_value = o.value
    r_value = v_value.encode()
    n = len(r_value) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_value)
    w(b"\0")


def _read_topic_info_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicInfo, int]:
    o = _new(TopicInfo)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TopicInfo.name")
    o.name = b[p:q].decode()
    p = q
    o.partitions, o.replication_factor, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("TopicInfo.topic_configs")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topic_configs: list[KeyValue] = []
    o.topic_configs = l_topic_configs
    for _ in range(n):
        x_topic_configs, p = _read_key_value_v0(b, p, e, c)
        l_topic_configs.append(x_topic_configs)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_topic_info_v0(o: TopicInfo, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_topic_configs = o.topic_configs
    w(_pack_ih(o.partitions, o.replication_factor))
    n = len(v_topic_configs) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topic_configs in v_topic_configs:
        _write_key_value_v0(x_topic_configs, w)
    w(b"\0")


def _read_copartition_group_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[CopartitionGroup, int]:
    o = _new(CopartitionGroup)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 2
    if not p <= q <= e:
        raise bad_length("CopartitionGroup.source_topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.source_topics = list(unpack_from(f">{n}h", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 2
    if not p <= q <= e:
        raise bad_length("CopartitionGroup.source_topic_regex")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.source_topic_regex = list(unpack_from(f">{n}h", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 2
    if not p <= q <= e:
        raise bad_length("CopartitionGroup.repartition_source_topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.repartition_source_topics = list(unpack_from(f">{n}h", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_copartition_group_v0(o: CopartitionGroup, w: Write) -> None:
    v_source_topics = o.source_topics
    n = len(v_source_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    if v_source_topics:
        w(pack(f">{len(v_source_topics)}h", *v_source_topics))
    v_source_topic_regex = o.source_topic_regex
    n = len(v_source_topic_regex) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    if v_source_topic_regex:
        w(pack(f">{len(v_source_topic_regex)}h", *v_source_topic_regex))
    v_repartition_source_topics = o.repartition_source_topics
    n = len(v_repartition_source_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    if v_repartition_source_topics:
        w(pack(f">{len(v_repartition_source_topics)}h", *v_repartition_source_topics))
    w(b"\0")


def _read_subtopology_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[Subtopology, int]:
    o = _new(Subtopology)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Subtopology.subtopology_id")
    o.subtopology_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("Subtopology.source_topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_source_topics: list[str] = []
    o.source_topics = l_source_topics
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("Subtopology.source_topics")
        l_source_topics.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("Subtopology.source_topic_regex")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_source_topic_regex: list[str] = []
    o.source_topic_regex = l_source_topic_regex
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("Subtopology.source_topic_regex")
        l_source_topic_regex.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 9 > e - p:
        raise bad_length("Subtopology.state_changelog_topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_state_changelog_topics: list[TopicInfo] = []
    o.state_changelog_topics = l_state_changelog_topics
    for _ in range(n):
        x_state_changelog_topics, p = _read_topic_info_v0(b, p, e, c)
        l_state_changelog_topics.append(x_state_changelog_topics)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("Subtopology.repartition_sink_topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_repartition_sink_topics: list[str] = []
    o.repartition_sink_topics = l_repartition_sink_topics
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("Subtopology.repartition_sink_topics")
        l_repartition_sink_topics.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 9 > e - p:
        raise bad_length("Subtopology.repartition_source_topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_repartition_source_topics: list[TopicInfo] = []
    o.repartition_source_topics = l_repartition_source_topics
    for _ in range(n):
        x_repartition_source_topics, p = _read_topic_info_v0(b, p, e, c)
        l_repartition_source_topics.append(x_repartition_source_topics)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("Subtopology.copartition_groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_copartition_groups: list[CopartitionGroup] = []
    o.copartition_groups = l_copartition_groups
    for _ in range(n):
        x_copartition_groups, p = _read_copartition_group_v0(b, p, e, c)
        l_copartition_groups.append(x_copartition_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_subtopology_v0(o: Subtopology, w: Write) -> None:
    v_subtopology_id = o.subtopology_id
    r_subtopology_id = v_subtopology_id.encode()
    n = len(r_subtopology_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_subtopology_id)
    v_source_topics = o.source_topics
    n = len(v_source_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_source_topics in v_source_topics:
        r_source_topics = x_source_topics.encode()
        n = len(r_source_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_source_topics)
    v_source_topic_regex = o.source_topic_regex
    n = len(v_source_topic_regex) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_source_topic_regex in v_source_topic_regex:
        r_source_topic_regex = x_source_topic_regex.encode()
        n = len(r_source_topic_regex) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_source_topic_regex)
    v_state_changelog_topics = o.state_changelog_topics
    n = len(v_state_changelog_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_state_changelog_topics in v_state_changelog_topics:
        _write_topic_info_v0(x_state_changelog_topics, w)
    v_repartition_sink_topics = o.repartition_sink_topics
    n = len(v_repartition_sink_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_repartition_sink_topics in v_repartition_sink_topics:
        r_repartition_sink_topics = x_repartition_sink_topics.encode()
        n = len(r_repartition_sink_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_repartition_sink_topics)
    v_repartition_source_topics = o.repartition_source_topics
    n = len(v_repartition_source_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_repartition_source_topics in v_repartition_source_topics:
        _write_topic_info_v0(x_repartition_source_topics, w)
    v_copartition_groups = o.copartition_groups
    n = len(v_copartition_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_copartition_groups in v_copartition_groups:
        _write_copartition_group_v0(x_copartition_groups, w)
    w(b"\0")


def _read_topology_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[Topology, int]:
    o = _new(Topology)
    o.epoch, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 8 > e - p:
        raise bad_length("Topology.subtopologies")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_subtopologies: list[Subtopology] = []
    o.subtopologies = l_subtopologies
    for _ in range(n):
        x_subtopologies, p = _read_subtopology_v0(b, p, e, c)
        l_subtopologies.append(x_subtopologies)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_topology_v0(o: Topology, w: Write) -> None:
    v_subtopologies = o.subtopologies
    w(_pack_i(o.epoch))
    n = len(v_subtopologies) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_subtopologies in v_subtopologies:
        _write_subtopology_v0(x_subtopologies, w)
    w(b"\0")


def _read_streams_group_heartbeat_request_task_ids_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[StreamsGroupHeartbeatRequestTaskIds, int]:
    o = _new(StreamsGroupHeartbeatRequestTaskIds)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("StreamsGroupHeartbeatRequestTaskIds.subtopology_id")
    o.subtopology_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("StreamsGroupHeartbeatRequestTaskIds.partitions")
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


def _write_streams_group_heartbeat_request_task_ids_v0(o: StreamsGroupHeartbeatRequestTaskIds, w: Write) -> None:
    v_subtopology_id = o.subtopology_id
    r_subtopology_id = v_subtopology_id.encode()
    n = len(r_subtopology_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_subtopology_id)
    v_partitions = o.partitions
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_streams_group_heartbeat_request_endpoint_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[StreamsGroupHeartbeatRequestEndpoint, int]:
    o = _new(StreamsGroupHeartbeatRequestEndpoint)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("StreamsGroupHeartbeatRequestEndpoint.host")
    o.host = b[p:q].decode()
    p = q
    o.port, n = _unpack_HB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_streams_group_heartbeat_request_endpoint_v0(o: StreamsGroupHeartbeatRequestEndpoint, w: Write) -> None:
    v_host = o.host
    r_host = v_host.encode()
    n = len(r_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_host)
    w(_pack_Hx(o.port))


def _read_task_offset_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TaskOffset, int]:
    o = _new(TaskOffset)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TaskOffset.subtopology_id")
    o.subtopology_id = b[p:q].decode()
    p = q
    o.partition, o.offset, n = _unpack_iqB(b, p)
    p += 13
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_task_offset_v0(o: TaskOffset, w: Write) -> None:
    v_subtopology_id = o.subtopology_id
    r_subtopology_id = v_subtopology_id.encode()
    n = len(r_subtopology_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_subtopology_id)
    w(_pack_iqx(o.partition, o.offset))


def _read_streams_group_heartbeat_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[StreamsGroupHeartbeatRequest, int]:
    o = _new(StreamsGroupHeartbeatRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("StreamsGroupHeartbeatRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("StreamsGroupHeartbeatRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    o.member_epoch, o.endpoint_information_epoch, n = _unpack_iiB(b, p)
    p += 9
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.instance_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("StreamsGroupHeartbeatRequest.instance_id")
        o.instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.rack_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("StreamsGroupHeartbeatRequest.rack_id")
        o.rack_id = b[p:q].decode()
        p = q
    o.rebalance_timeout_ms, n = _unpack_ib(b, p)
    p += 5
    if n < 0:
        o.topology = None
    else:
        o.topology, p = _read_topology_v0(b, p, e, c)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.active_tasks = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("StreamsGroupHeartbeatRequest.active_tasks")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_active_tasks: list[StreamsGroupHeartbeatRequestTaskIds] = []
        o.active_tasks = l_active_tasks
        for _ in range(n):
            x_active_tasks, p = _read_streams_group_heartbeat_request_task_ids_v0(b, p, e, c)
            l_active_tasks.append(x_active_tasks)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.standby_tasks = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("StreamsGroupHeartbeatRequest.standby_tasks")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_standby_tasks: list[StreamsGroupHeartbeatRequestTaskIds] = []
        o.standby_tasks = l_standby_tasks
        for _ in range(n):
            x_standby_tasks, p = _read_streams_group_heartbeat_request_task_ids_v0(b, p, e, c)
            l_standby_tasks.append(x_standby_tasks)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.warmup_tasks = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("StreamsGroupHeartbeatRequest.warmup_tasks")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_warmup_tasks: list[StreamsGroupHeartbeatRequestTaskIds] = []
        o.warmup_tasks = l_warmup_tasks
        for _ in range(n):
            x_warmup_tasks, p = _read_streams_group_heartbeat_request_task_ids_v0(b, p, e, c)
            l_warmup_tasks.append(x_warmup_tasks)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.process_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("StreamsGroupHeartbeatRequest.process_id")
        o.process_id = b[p:q].decode()
        p = q
    (n,) = _unpack_b(b, p)
    p += 1
    if n < 0:
        o.user_endpoint = None
    else:
        o.user_endpoint, p = _read_streams_group_heartbeat_request_endpoint_v0(b, p, e, c)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.client_tags = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("StreamsGroupHeartbeatRequest.client_tags")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_client_tags: list[KeyValue] = []
        o.client_tags = l_client_tags
        for _ in range(n):
            x_client_tags, p = _read_key_value_v0(b, p, e, c)
            l_client_tags.append(x_client_tags)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.task_offsets = None
    else:
        n -= 1
        if n * 14 > e - p:
            raise bad_length("StreamsGroupHeartbeatRequest.task_offsets")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_task_offsets: list[TaskOffset] = []
        o.task_offsets = l_task_offsets
        for _ in range(n):
            x_task_offsets, p = _read_task_offset_v0(b, p, e, c)
            l_task_offsets.append(x_task_offsets)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.task_end_offsets = None
    else:
        n -= 1
        if n * 14 > e - p:
            raise bad_length("StreamsGroupHeartbeatRequest.task_end_offsets")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_task_end_offsets: list[TaskOffset] = []
        o.task_end_offsets = l_task_end_offsets
        for _ in range(n):
            x_task_end_offsets, p = _read_task_offset_v0(b, p, e, c)
            l_task_end_offsets.append(x_task_end_offsets)
    o.shutdown_application, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_streams_group_heartbeat_request_v0(o: StreamsGroupHeartbeatRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_instance_id = o.instance_id
    w(_pack_ii(o.member_epoch, o.endpoint_information_epoch))
    if v_instance_id is None:
        w(b"\0")
    else:
        r_instance_id = v_instance_id.encode()
        n = len(r_instance_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_instance_id)
    v_rack_id = o.rack_id
    if v_rack_id is None:
        w(b"\0")
    else:
        r_rack_id = v_rack_id.encode()
        n = len(r_rack_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_rack_id)
    w(_pack_i(o.rebalance_timeout_ms))
    if o.topology is None:
        w(b"\xff")
    else:
        w(b"\1")
        _write_topology_v0(o.topology, w)
    v_active_tasks = o.active_tasks
    if v_active_tasks is None:
        w(b"\0")
    else:
        n = len(v_active_tasks) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_active_tasks in v_active_tasks:
            _write_streams_group_heartbeat_request_task_ids_v0(x_active_tasks, w)
    v_standby_tasks = o.standby_tasks
    if v_standby_tasks is None:
        w(b"\0")
    else:
        n = len(v_standby_tasks) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_standby_tasks in v_standby_tasks:
            _write_streams_group_heartbeat_request_task_ids_v0(x_standby_tasks, w)
    v_warmup_tasks = o.warmup_tasks
    if v_warmup_tasks is None:
        w(b"\0")
    else:
        n = len(v_warmup_tasks) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_warmup_tasks in v_warmup_tasks:
            _write_streams_group_heartbeat_request_task_ids_v0(x_warmup_tasks, w)
    v_process_id = o.process_id
    if v_process_id is None:
        w(b"\0")
    else:
        r_process_id = v_process_id.encode()
        n = len(r_process_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_process_id)
    if o.user_endpoint is None:
        w(b"\xff")
    else:
        w(b"\1")
        _write_streams_group_heartbeat_request_endpoint_v0(o.user_endpoint, w)
    v_client_tags = o.client_tags
    if v_client_tags is None:
        w(b"\0")
    else:
        n = len(v_client_tags) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_client_tags in v_client_tags:
            _write_key_value_v0(x_client_tags, w)
    v_task_offsets = o.task_offsets
    if v_task_offsets is None:
        w(b"\0")
    else:
        n = len(v_task_offsets) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_task_offsets in v_task_offsets:
            _write_task_offset_v0(x_task_offsets, w)
    v_task_end_offsets = o.task_end_offsets
    if v_task_end_offsets is None:
        w(b"\0")
    else:
        n = len(v_task_end_offsets) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_task_end_offsets in v_task_end_offsets:
            _write_task_offset_v0(x_task_end_offsets, w)
    w(_pack_tx(o.shutdown_application))


def _read_status_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[Status, int]:
    o = _new(Status)
    o.status_code, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Status.status_detail")
    o.status_detail = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_status_v0(o: Status, w: Write) -> None:
    v_status_detail = o.status_detail
    w(_pack_b(o.status_code))
    r_status_detail = v_status_detail.encode()
    n = len(r_status_detail) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_status_detail)
    w(b"\0")


def _read_streams_group_heartbeat_response_task_ids_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[StreamsGroupHeartbeatResponseTaskIds, int]:
    o = _new(StreamsGroupHeartbeatResponseTaskIds)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("StreamsGroupHeartbeatResponseTaskIds.subtopology_id")
    o.subtopology_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("StreamsGroupHeartbeatResponseTaskIds.partitions")
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


def _write_streams_group_heartbeat_response_task_ids_v0(o: StreamsGroupHeartbeatResponseTaskIds, w: Write) -> None:
    v_subtopology_id = o.subtopology_id
    r_subtopology_id = v_subtopology_id.encode()
    n = len(r_subtopology_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_subtopology_id)
    v_partitions = o.partitions
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_streams_group_heartbeat_response_endpoint_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[StreamsGroupHeartbeatResponseEndpoint, int]:
    o = _new(StreamsGroupHeartbeatResponseEndpoint)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("StreamsGroupHeartbeatResponseEndpoint.host")
    o.host = b[p:q].decode()
    p = q
    o.port, n = _unpack_HB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_streams_group_heartbeat_response_endpoint_v0(o: StreamsGroupHeartbeatResponseEndpoint, w: Write) -> None:
    v_host = o.host
    r_host = v_host.encode()
    n = len(r_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_host)
    w(_pack_Hx(o.port))


def _read_topic_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicPartition, int]:
    o = _new(TopicPartition)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TopicPartition.topic")
    o.topic = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("TopicPartition.partitions")
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


def _write_topic_partition_v0(o: TopicPartition, w: Write) -> None:
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


def _read_endpoint_to_partitions_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[EndpointToPartitions, int]:
    o = _new(EndpointToPartitions)
    o.user_endpoint, p = _read_streams_group_heartbeat_response_endpoint_v0(b, p, e, c)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("EndpointToPartitions.active_partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_active_partitions: list[TopicPartition] = []
    o.active_partitions = l_active_partitions
    for _ in range(n):
        x_active_partitions, p = _read_topic_partition_v0(b, p, e, c)
        l_active_partitions.append(x_active_partitions)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("EndpointToPartitions.standby_partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_standby_partitions: list[TopicPartition] = []
    o.standby_partitions = l_standby_partitions
    for _ in range(n):
        x_standby_partitions, p = _read_topic_partition_v0(b, p, e, c)
        l_standby_partitions.append(x_standby_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_endpoint_to_partitions_v0(o: EndpointToPartitions, w: Write) -> None:
    _write_streams_group_heartbeat_response_endpoint_v0(o.user_endpoint, w)
    v_active_partitions = o.active_partitions
    n = len(v_active_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_active_partitions in v_active_partitions:
        _write_topic_partition_v0(x_active_partitions, w)
    v_standby_partitions = o.standby_partitions
    n = len(v_standby_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_standby_partitions in v_standby_partitions:
        _write_topic_partition_v0(x_standby_partitions, w)
    w(b"\0")


def _read_streams_group_heartbeat_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[StreamsGroupHeartbeatResponse, int]:
    o = _new(StreamsGroupHeartbeatResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("StreamsGroupHeartbeatResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("StreamsGroupHeartbeatResponse.member_id")
    o.member_id = b[p:q].decode()
    p = q
    o.member_epoch, o.heartbeat_interval_ms, o.acceptable_recovery_lag, o.task_offset_interval_ms, n = _unpack_iiiiB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.status = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("StreamsGroupHeartbeatResponse.status")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_status: list[Status] = []
        o.status = l_status
        for _ in range(n):
            x_status, p = _read_status_v0(b, p, e, c)
            l_status.append(x_status)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.active_tasks = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("StreamsGroupHeartbeatResponse.active_tasks")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_active_tasks: list[StreamsGroupHeartbeatResponseTaskIds] = []
        o.active_tasks = l_active_tasks
        for _ in range(n):
            x_active_tasks, p = _read_streams_group_heartbeat_response_task_ids_v0(b, p, e, c)
            l_active_tasks.append(x_active_tasks)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.standby_tasks = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("StreamsGroupHeartbeatResponse.standby_tasks")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_standby_tasks: list[StreamsGroupHeartbeatResponseTaskIds] = []
        o.standby_tasks = l_standby_tasks
        for _ in range(n):
            x_standby_tasks, p = _read_streams_group_heartbeat_response_task_ids_v0(b, p, e, c)
            l_standby_tasks.append(x_standby_tasks)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.warmup_tasks = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("StreamsGroupHeartbeatResponse.warmup_tasks")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_warmup_tasks: list[StreamsGroupHeartbeatResponseTaskIds] = []
        o.warmup_tasks = l_warmup_tasks
        for _ in range(n):
            x_warmup_tasks, p = _read_streams_group_heartbeat_response_task_ids_v0(b, p, e, c)
            l_warmup_tasks.append(x_warmup_tasks)
    o.endpoint_information_epoch, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.partitions_by_user_endpoint = None
    else:
        n -= 1
        if n * 7 > e - p:
            raise bad_length("StreamsGroupHeartbeatResponse.partitions_by_user_endpoint")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_partitions_by_user_endpoint: list[EndpointToPartitions] = []
        o.partitions_by_user_endpoint = l_partitions_by_user_endpoint
        for _ in range(n):
            x_partitions_by_user_endpoint, p = _read_endpoint_to_partitions_v0(b, p, e, c)
            l_partitions_by_user_endpoint.append(x_partitions_by_user_endpoint)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_streams_group_heartbeat_response_v0(o: StreamsGroupHeartbeatResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_status = o.status
    w(_pack_iiii(o.member_epoch, o.heartbeat_interval_ms, o.acceptable_recovery_lag, o.task_offset_interval_ms))
    if v_status is None:
        w(b"\0")
    else:
        n = len(v_status) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_status in v_status:
            _write_status_v0(x_status, w)
    v_active_tasks = o.active_tasks
    if v_active_tasks is None:
        w(b"\0")
    else:
        n = len(v_active_tasks) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_active_tasks in v_active_tasks:
            _write_streams_group_heartbeat_response_task_ids_v0(x_active_tasks, w)
    v_standby_tasks = o.standby_tasks
    if v_standby_tasks is None:
        w(b"\0")
    else:
        n = len(v_standby_tasks) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_standby_tasks in v_standby_tasks:
            _write_streams_group_heartbeat_response_task_ids_v0(x_standby_tasks, w)
    v_warmup_tasks = o.warmup_tasks
    if v_warmup_tasks is None:
        w(b"\0")
    else:
        n = len(v_warmup_tasks) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_warmup_tasks in v_warmup_tasks:
            _write_streams_group_heartbeat_response_task_ids_v0(x_warmup_tasks, w)
    v_partitions_by_user_endpoint = o.partitions_by_user_endpoint
    w(_pack_i(o.endpoint_information_epoch))
    if v_partitions_by_user_endpoint is None:
        w(b"\0")
    else:
        n = len(v_partitions_by_user_endpoint) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_partitions_by_user_endpoint in v_partitions_by_user_endpoint:
            _write_endpoint_to_partitions_v0(x_partitions_by_user_endpoint, w)
    w(b"\0")


StreamsGroupHeartbeatRequest.READERS = {
    0: _read_streams_group_heartbeat_request_v0,
}

StreamsGroupHeartbeatRequest.WRITERS = {
    0: _write_streams_group_heartbeat_request_v0,
}

StreamsGroupHeartbeatResponse.READERS = {
    0: _read_streams_group_heartbeat_response_v0,
}

StreamsGroupHeartbeatResponse.WRITERS = {
    0: _write_streams_group_heartbeat_response_v0,
}
