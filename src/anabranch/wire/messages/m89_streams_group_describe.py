# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""StreamsGroupDescribe: messages of all versions, with their codec."""

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
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ii = Struct_(">ii").pack
_pack_iqx = Struct_(">iqx").pack
_pack_ix = Struct_(">ix").pack
_unpack_tB = Struct_(">?B").unpack_from
_unpack_HB = Struct_(">HB").unpack_from
_unpack_b = Struct_(">b").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_iib = Struct_(">iib").unpack_from
_unpack_iqB = Struct_(">iqB").unpack_from


class StreamsGroupDescribeRequest(Message):
    """``StreamsGroupDescribeRequest`` (API key 89), version 0."""

    __slots__ = ("group_ids", "include_authorized_operations",)
    group_ids: list[str]
    include_authorized_operations: bool

    API_KEY = 89
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        group_ids: list[str] = EMPTY,
        include_authorized_operations: bool = False,
    ) -> None:
        self.group_ids = [] if group_ids is EMPTY else group_ids
        self.include_authorized_operations = include_authorized_operations


class KeyValue(Struct):
    """Part of StreamsGroupDescribeResponse."""

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
    """Part of StreamsGroupDescribeResponse."""

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


class Subtopology(Struct):
    """Part of StreamsGroupDescribeResponse."""

    __slots__ = ("subtopology_id", "source_topics", "repartition_sink_topics", "state_changelog_topics", "repartition_source_topics",)
    subtopology_id: str
    source_topics: list[str]
    repartition_sink_topics: list[str]
    state_changelog_topics: list[TopicInfo]
    repartition_source_topics: list[TopicInfo]

    def __init__(
        self,
        *,
        subtopology_id: str = "",
        source_topics: list[str] = EMPTY,
        repartition_sink_topics: list[str] = EMPTY,
        state_changelog_topics: list[TopicInfo] = EMPTY,
        repartition_source_topics: list[TopicInfo] = EMPTY,
    ) -> None:
        self.subtopology_id = subtopology_id
        self.source_topics = [] if source_topics is EMPTY else source_topics
        self.repartition_sink_topics = [] if repartition_sink_topics is EMPTY else repartition_sink_topics
        self.state_changelog_topics = [] if state_changelog_topics is EMPTY else state_changelog_topics
        self.repartition_source_topics = [] if repartition_source_topics is EMPTY else repartition_source_topics


class Topology(Struct):
    """Part of StreamsGroupDescribeResponse."""

    __slots__ = ("epoch", "subtopologies",)
    epoch: int
    subtopologies: list[Subtopology] | None

    def __init__(
        self,
        *,
        epoch: int = 0,
        subtopologies: list[Subtopology] | None = None,
    ) -> None:
        self.epoch = epoch
        self.subtopologies = subtopologies


class Endpoint(Struct):
    """Part of StreamsGroupDescribeResponse."""

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
    """Part of StreamsGroupDescribeResponse."""

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


class TaskIds(Struct):
    """Part of StreamsGroupDescribeResponse."""

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


class Assignment(Struct):
    """Part of StreamsGroupDescribeResponse."""

    __slots__ = ("active_tasks", "standby_tasks", "warmup_tasks",)
    active_tasks: list[TaskIds]
    standby_tasks: list[TaskIds]
    warmup_tasks: list[TaskIds]

    def __init__(
        self,
        *,
        active_tasks: list[TaskIds] = EMPTY,
        standby_tasks: list[TaskIds] = EMPTY,
        warmup_tasks: list[TaskIds] = EMPTY,
    ) -> None:
        self.active_tasks = [] if active_tasks is EMPTY else active_tasks
        self.standby_tasks = [] if standby_tasks is EMPTY else standby_tasks
        self.warmup_tasks = [] if warmup_tasks is EMPTY else warmup_tasks


class Member(Struct):
    """Part of StreamsGroupDescribeResponse."""

    __slots__ = ("member_id", "member_epoch", "instance_id", "rack_id", "client_id", "client_host", "topology_epoch", "process_id", "user_endpoint", "client_tags", "task_offsets", "task_end_offsets", "assignment", "target_assignment", "is_classic",)
    member_id: str
    member_epoch: int
    instance_id: str | None
    rack_id: str | None
    client_id: str
    client_host: str
    topology_epoch: int
    process_id: str
    user_endpoint: Endpoint | None
    client_tags: list[KeyValue]
    task_offsets: list[TaskOffset]
    task_end_offsets: list[TaskOffset]
    assignment: Assignment
    target_assignment: Assignment
    is_classic: bool

    def __init__(
        self,
        *,
        member_id: str = "",
        member_epoch: int = 0,
        instance_id: str | None = None,
        rack_id: str | None = None,
        client_id: str = "",
        client_host: str = "",
        topology_epoch: int = 0,
        process_id: str = "",
        user_endpoint: Endpoint | None = None,
        client_tags: list[KeyValue] = EMPTY,
        task_offsets: list[TaskOffset] = EMPTY,
        task_end_offsets: list[TaskOffset] = EMPTY,
        assignment: Assignment | None = None,
        target_assignment: Assignment | None = None,
        is_classic: bool = False,
    ) -> None:
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.instance_id = instance_id
        self.rack_id = rack_id
        self.client_id = client_id
        self.client_host = client_host
        self.topology_epoch = topology_epoch
        self.process_id = process_id
        self.user_endpoint = user_endpoint
        self.client_tags = [] if client_tags is EMPTY else client_tags
        self.task_offsets = [] if task_offsets is EMPTY else task_offsets
        self.task_end_offsets = [] if task_end_offsets is EMPTY else task_end_offsets
        self.assignment = Assignment() if assignment is None else assignment
        self.target_assignment = Assignment() if target_assignment is None else target_assignment
        self.is_classic = is_classic


class DescribedGroup(Struct):
    """Part of StreamsGroupDescribeResponse."""

    __slots__ = ("error_code", "error_message", "group_id", "group_state", "group_epoch", "assignment_epoch", "topology", "members", "authorized_operations",)
    error_code: int
    error_message: str | None
    group_id: str
    group_state: str
    group_epoch: int
    assignment_epoch: int
    topology: Topology | None
    members: list[Member]
    authorized_operations: int

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = None,
        group_id: str = "",
        group_state: str = "",
        group_epoch: int = 0,
        assignment_epoch: int = 0,
        topology: Topology | None = None,
        members: list[Member] = EMPTY,
        authorized_operations: int = -2147483648,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.group_id = group_id
        self.group_state = group_state
        self.group_epoch = group_epoch
        self.assignment_epoch = assignment_epoch
        self.topology = topology
        self.members = [] if members is EMPTY else members
        self.authorized_operations = authorized_operations


class StreamsGroupDescribeResponse(Message):
    """``StreamsGroupDescribeResponse`` (API key 89), version 0."""

    __slots__ = ("throttle_time_ms", "groups",)
    throttle_time_ms: int
    groups: list[DescribedGroup]

    API_KEY = 89
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        groups: list[DescribedGroup] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.groups = [] if groups is EMPTY else groups


def _read_streams_group_describe_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[StreamsGroupDescribeRequest, int]:
    o = _new(StreamsGroupDescribeRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("StreamsGroupDescribeRequest.group_ids")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_group_ids: list[str] = []
    o.group_ids = l_group_ids
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("StreamsGroupDescribeRequest.group_ids")
        l_group_ids.append(b[p:q].decode())
        p = q
    o.include_authorized_operations, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_streams_group_describe_request_v0(o: StreamsGroupDescribeRequest, w: Write) -> None:
    v_group_ids = o.group_ids
    n = len(v_group_ids) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_group_ids in v_group_ids:
        r_group_ids = x_group_ids.encode()
        n = len(r_group_ids) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_group_ids)
    w(_pack_tx(o.include_authorized_operations))


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
    v_repartition_sink_topics = o.repartition_sink_topics
    n = len(v_repartition_sink_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_repartition_sink_topics in v_repartition_sink_topics:
        r_repartition_sink_topics = x_repartition_sink_topics.encode()
        n = len(r_repartition_sink_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_repartition_sink_topics)
    v_state_changelog_topics = o.state_changelog_topics
    n = len(v_state_changelog_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_state_changelog_topics in v_state_changelog_topics:
        _write_topic_info_v0(x_state_changelog_topics, w)
    v_repartition_source_topics = o.repartition_source_topics
    n = len(v_repartition_source_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_repartition_source_topics in v_repartition_source_topics:
        _write_topic_info_v0(x_repartition_source_topics, w)
    w(b"\0")


def _read_topology_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[Topology, int]:
    o = _new(Topology)
    o.epoch, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.subtopologies = None
    else:
        n -= 1
        if n * 6 > e - p:
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
    if v_subtopologies is None:
        w(b"\0")
    else:
        n = len(v_subtopologies) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_subtopologies in v_subtopologies:
            _write_subtopology_v0(x_subtopologies, w)
    w(b"\0")


def _read_endpoint_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[Endpoint, int]:
    o = _new(Endpoint)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Endpoint.host")
    o.host = b[p:q].decode()
    p = q
    o.port, n = _unpack_HB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_endpoint_v0(o: Endpoint, w: Write) -> None:
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


def _read_task_ids_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TaskIds, int]:
    o = _new(TaskIds)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TaskIds.subtopology_id")
    o.subtopology_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("TaskIds.partitions")
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


def _write_task_ids_v0(o: TaskIds, w: Write) -> None:
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


def _read_assignment_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[Assignment, int]:
    o = _new(Assignment)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("Assignment.active_tasks")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_active_tasks: list[TaskIds] = []
    o.active_tasks = l_active_tasks
    for _ in range(n):
        x_active_tasks, p = _read_task_ids_v0(b, p, e, c)
        l_active_tasks.append(x_active_tasks)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("Assignment.standby_tasks")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_standby_tasks: list[TaskIds] = []
    o.standby_tasks = l_standby_tasks
    for _ in range(n):
        x_standby_tasks, p = _read_task_ids_v0(b, p, e, c)
        l_standby_tasks.append(x_standby_tasks)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("Assignment.warmup_tasks")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_warmup_tasks: list[TaskIds] = []
    o.warmup_tasks = l_warmup_tasks
    for _ in range(n):
        x_warmup_tasks, p = _read_task_ids_v0(b, p, e, c)
        l_warmup_tasks.append(x_warmup_tasks)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_assignment_v0(o: Assignment, w: Write) -> None:
    v_active_tasks = o.active_tasks
    n = len(v_active_tasks) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_active_tasks in v_active_tasks:
        _write_task_ids_v0(x_active_tasks, w)
    v_standby_tasks = o.standby_tasks
    n = len(v_standby_tasks) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_standby_tasks in v_standby_tasks:
        _write_task_ids_v0(x_standby_tasks, w)
    v_warmup_tasks = o.warmup_tasks
    n = len(v_warmup_tasks) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_warmup_tasks in v_warmup_tasks:
        _write_task_ids_v0(x_warmup_tasks, w)
    w(b"\0")


def _read_member_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[Member, int]:
    o = _new(Member)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Member.member_id")
    o.member_id = b[p:q].decode()
    p = q
    o.member_epoch, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.instance_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("Member.instance_id")
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
            raise bad_length("Member.rack_id")
        o.rack_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Member.client_id")
    o.client_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Member.client_host")
    o.client_host = b[p:q].decode()
    p = q
    o.topology_epoch, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Member.process_id")
    o.process_id = b[p:q].decode()
    p = q
    (n,) = _unpack_b(b, p)
    p += 1
    if n < 0:
        o.user_endpoint = None
    else:
        o.user_endpoint, p = _read_endpoint_v0(b, p, e, c)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("Member.client_tags")
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
    n -= 1
    if n < 0 or n * 14 > e - p:
        raise bad_length("Member.task_offsets")
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
    n -= 1
    if n < 0 or n * 14 > e - p:
        raise bad_length("Member.task_end_offsets")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_task_end_offsets: list[TaskOffset] = []
    o.task_end_offsets = l_task_end_offsets
    for _ in range(n):
        x_task_end_offsets, p = _read_task_offset_v0(b, p, e, c)
        l_task_end_offsets.append(x_task_end_offsets)
    o.assignment, p = _read_assignment_v0(b, p, e, c)
    o.target_assignment, p = _read_assignment_v0(b, p, e, c)
    o.is_classic, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_member_v0(o: Member, w: Write) -> None:
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_instance_id = o.instance_id
    w(_pack_i(o.member_epoch))
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
    v_client_id = o.client_id
    r_client_id = v_client_id.encode()
    n = len(r_client_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_client_id)
    v_client_host = o.client_host
    r_client_host = v_client_host.encode()
    n = len(r_client_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_client_host)
    v_process_id = o.process_id
    w(_pack_i(o.topology_epoch))
    r_process_id = v_process_id.encode()
    n = len(r_process_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_process_id)
    if o.user_endpoint is None:
        w(b"\xff")
    else:
        w(b"\1")
        _write_endpoint_v0(o.user_endpoint, w)
    v_client_tags = o.client_tags
    n = len(v_client_tags) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_client_tags in v_client_tags:
        _write_key_value_v0(x_client_tags, w)
    v_task_offsets = o.task_offsets
    n = len(v_task_offsets) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_task_offsets in v_task_offsets:
        _write_task_offset_v0(x_task_offsets, w)
    v_task_end_offsets = o.task_end_offsets
    n = len(v_task_end_offsets) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_task_end_offsets in v_task_end_offsets:
        _write_task_offset_v0(x_task_end_offsets, w)
    _write_assignment_v0(o.assignment, w)
    _write_assignment_v0(o.target_assignment, w)
    w(_pack_tx(o.is_classic))


def _read_described_group_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedGroup, int]:
    o = _new(DescribedGroup)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribedGroup.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.group_state")
    o.group_state = b[p:q].decode()
    p = q
    o.group_epoch, o.assignment_epoch, n = _unpack_iib(b, p)
    p += 9
    if n < 0:
        o.topology = None
    else:
        o.topology, p = _read_topology_v0(b, p, e, c)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 28 > e - p:
        raise bad_length("DescribedGroup.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[Member] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_member_v0(b, p, e, c)
        l_members.append(x_members)
    o.authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_described_group_v0(o: DescribedGroup, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_group_state = o.group_state
    r_group_state = v_group_state.encode()
    n = len(r_group_state) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_state)
    w(_pack_ii(o.group_epoch, o.assignment_epoch))
    if o.topology is None:
        w(b"\xff")
    else:
        w(b"\1")
        _write_topology_v0(o.topology, w)
    v_members = o.members
    n = len(v_members) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_members in v_members:
        _write_member_v0(x_members, w)
    w(_pack_ix(o.authorized_operations))


def _read_streams_group_describe_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[StreamsGroupDescribeResponse, int]:
    o = _new(StreamsGroupDescribeResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 20 > e - p:
        raise bad_length("StreamsGroupDescribeResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[DescribedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_described_group_v0(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_streams_group_describe_response_v0(o: StreamsGroupDescribeResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(o.throttle_time_ms))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_described_group_v0(x_groups, w)
    w(b"\0")


StreamsGroupDescribeRequest.READERS = {
    0: _read_streams_group_describe_request_v0,
}

StreamsGroupDescribeRequest.WRITERS = {
    0: _write_streams_group_describe_request_v0,
}

StreamsGroupDescribeResponse.READERS = {
    0: _read_streams_group_describe_response_v0,
}

StreamsGroupDescribeResponse.WRITERS = {
    0: _write_streams_group_describe_response_v0,
}
