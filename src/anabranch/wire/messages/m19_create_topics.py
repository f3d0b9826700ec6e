# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""CreateTopics: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_, pack, unpack_from

from anabranch.wire.codec import (
    Allowance,
    Buffer,
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
_pack_16sh = Struct_(">16sh").pack
_pack_tbtx = Struct_(">?b?x").pack
_pack_h = Struct_(">h").pack
_pack_hh = Struct_(">hh").pack
_pack_i = Struct_(">i").pack
_pack_it = Struct_(">i?").pack
_pack_itx = Struct_(">i?x").pack
_pack_ih = Struct_(">ih").pack
_pack_ihi = Struct_(">ihi").pack
_pack_ii = Struct_(">ii").pack
_unpack_16shB = Struct_(">16shB").unpack_from
_unpack_tbtB = Struct_(">?b?B").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hh = Struct_(">hh").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_it = Struct_(">i?").unpack_from
_unpack_itB = Struct_(">i?B").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ihi = Struct_(">ihi").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class CreatableReplicaAssignment(Struct):
    """Part of CreateTopicsRequest."""

    __slots__ = ("partition_index", "broker_ids",)
    partition_index: int
    broker_ids: list[int]

    def __init__(
        self,
        *,
        partition_index: int = 0,
        broker_ids: list[int] = EMPTY,
    ) -> None:
        self.partition_index = partition_index
        self.broker_ids = [] if broker_ids is EMPTY else broker_ids


class CreatableTopicConfig(Struct):
    """Part of CreateTopicsRequest."""

    __slots__ = ("name", "value",)
    name: str
    value: str | None

    def __init__(
        self,
        *,
        name: str = "",
        value: str | None = "",
    ) -> None:
        self.name = name
        self.value = value


class CreatableTopic(Struct):
    """Part of CreateTopicsRequest."""

    __slots__ = ("name", "num_partitions", "replication_factor", "assignments", "configs",)
    name: str
    num_partitions: int
    replication_factor: int
    assignments: list[CreatableReplicaAssignment]
    configs: list[CreatableTopicConfig]

    def __init__(
        self,
        *,
        name: str = "",
        num_partitions: int = 0,
        replication_factor: int = 0,
        assignments: list[CreatableReplicaAssignment] = EMPTY,
        configs: list[CreatableTopicConfig] = EMPTY,
    ) -> None:
        self.name = name
        self.num_partitions = num_partitions
        self.replication_factor = replication_factor
        self.assignments = [] if assignments is EMPTY else assignments
        self.configs = [] if configs is EMPTY else configs


class CreateTopicsRequest(Message):
    """``CreateTopicsRequest`` (API key 19), versions 2 to 7."""

    __slots__ = ("topics", "timeout_ms", "validate_only",)
    topics: list[CreatableTopic]
    timeout_ms: int
    validate_only: bool

    API_KEY = 19
    MIN_VERSION = 2
    MAX_VERSION = 7
    FIRST_FLEXIBLE = 5

    def __init__(
        self,
        *,
        topics: list[CreatableTopic] = EMPTY,
        timeout_ms: int = 60000,
        validate_only: bool = False,
    ) -> None:
        self.topics = [] if topics is EMPTY else topics
        self.timeout_ms = timeout_ms
        self.validate_only = validate_only


class CreatableTopicConfigs(Struct):
    """Part of CreateTopicsResponse."""

    __slots__ = ("name", "value", "read_only", "config_source", "is_sensitive",)
    name: str
    value: str | None
    read_only: bool
    config_source: int
    is_sensitive: bool

    def __init__(
        self,
        *,
        name: str = "",
        value: str | None = "",
        read_only: bool = False,
        config_source: int = -1,
        is_sensitive: bool = False,
    ) -> None:
        self.name = name
        self.value = value
        self.read_only = read_only
        self.config_source = config_source
        self.is_sensitive = is_sensitive


class CreatableTopicResult(Struct):
    """Part of CreateTopicsResponse."""

    __slots__ = ("name", "topic_id", "error_code", "error_message", "topic_config_error_code", "num_partitions", "replication_factor", "configs",)
    name: str
    topic_id: bytes
    error_code: int
    error_message: str | None
    topic_config_error_code: int
    num_partitions: int
    replication_factor: int
    configs: list[CreatableTopicConfigs] | None

    def __init__(
        self,
        *,
        name: str = "",
        topic_id: bytes = ZERO_UUID,
        error_code: int = 0,
        error_message: str | None = "",
        topic_config_error_code: int = 0,
        num_partitions: int = -1,
        replication_factor: int = -1,
        configs: list[CreatableTopicConfigs] | None = EMPTY,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.error_code = error_code
        self.error_message = error_message
        self.topic_config_error_code = topic_config_error_code
        self.num_partitions = num_partitions
        self.replication_factor = replication_factor
        self.configs = [] if configs is EMPTY else configs


class CreateTopicsResponse(Message):
    """``CreateTopicsResponse`` (API key 19), versions 2 to 7."""

    __slots__ = ("throttle_time_ms", "topics",)
    throttle_time_ms: int
    topics: list[CreatableTopicResult]

    API_KEY = 19
    MIN_VERSION = 2
    MAX_VERSION = 7
    FIRST_FLEXIBLE = 5

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        topics: list[CreatableTopicResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = [] if topics is EMPTY else topics


def _read_creatable_replica_assignment_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableReplicaAssignment, int]:
    o = _new(CreatableReplicaAssignment)
    o.partition_index, n = _unpack_ii(b, p)
    p += 8
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("CreatableReplicaAssignment.broker_ids")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.broker_ids = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_creatable_replica_assignment_v2(o: CreatableReplicaAssignment, w: Write) -> None:
    v_broker_ids = o.broker_ids
    w(_pack_ii(o.partition_index, len(v_broker_ids)))
    n = len(v_broker_ids)
    w(INT32S[n](*v_broker_ids) if n < 16 else pack(f">{n}i", *v_broker_ids))


def _read_creatable_replica_assignment_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableReplicaAssignment, int]:
    o = _new(CreatableReplicaAssignment)
    o.partition_index, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("CreatableReplicaAssignment.broker_ids")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.broker_ids = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_creatable_replica_assignment_v5(o: CreatableReplicaAssignment, w: Write) -> None:
    v_broker_ids = o.broker_ids
    w(_pack_i(o.partition_index))
    n = len(v_broker_ids)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_broker_ids))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_broker_ids))
    w(b"\0")


def _read_creatable_topic_config_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableTopicConfig, int]:
    o = _new(CreatableTopicConfig)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("CreatableTopicConfig.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.value = None
    else:
        q = p + n
        if q > e:
            raise bad_length("CreatableTopicConfig.value")
        o.value = b[p:q].decode()
        p = q
    return o, p


def _write_creatable_topic_config_v2(o: CreatableTopicConfig, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_value = o.value
    if v_value is None:
        w(_pack_h(-1))
    else:
        r_value = v_value.encode()
        w(_pack_h(len(r_value)))
        w(r_value)


def _read_creatable_topic_config_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableTopicConfig, int]:
    o = _new(CreatableTopicConfig)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreatableTopicConfig.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.value = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("CreatableTopicConfig.value")
        o.value = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_creatable_topic_config_v5(o: CreatableTopicConfig, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_value = o.value
    if v_value is None:
        w(b"\0")
    else:
        r_value = v_value.encode()
        n = len(r_value) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_value)
    w(b"\0")


def _read_creatable_topic_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableTopic, int]:
    o = _new(CreatableTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("CreatableTopic.name")
    o.name = b[p:q].decode()
    p = q
    o.num_partitions, o.replication_factor, n = _unpack_ihi(b, p)
    p += 10
    if n < 0 or n * 8 > e - p:
        raise bad_length("CreatableTopic.assignments")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_assignments: list[CreatableReplicaAssignment] = []
    o.assignments = l_assignments
    for _ in range(n):
        x_assignments, p = _read_creatable_replica_assignment_v2(b, p, e, c)
        l_assignments.append(x_assignments)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 4 > e - p:
        raise bad_length("CreatableTopic.configs")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_configs: list[CreatableTopicConfig] = []
    o.configs = l_configs
    for _ in range(n):
        x_configs, p = _read_creatable_topic_config_v2(b, p, e, c)
        l_configs.append(x_configs)
    return o, p


def _write_creatable_topic_v2(o: CreatableTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_assignments = o.assignments
    w(_pack_ihi(o.num_partitions, o.replication_factor, len(v_assignments)))
    for x_assignments in v_assignments:
        _write_creatable_replica_assignment_v2(x_assignments, w)
    v_configs = o.configs
    w(_pack_i(len(v_configs)))
    for x_configs in v_configs:
        _write_creatable_topic_config_v2(x_configs, w)


def _read_creatable_topic_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableTopic, int]:
    o = _new(CreatableTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreatableTopic.name")
    o.name = b[p:q].decode()
    p = q
    o.num_partitions, o.replication_factor, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("CreatableTopic.assignments")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_assignments: list[CreatableReplicaAssignment] = []
    o.assignments = l_assignments
    for _ in range(n):
        x_assignments, p = _read_creatable_replica_assignment_v5(b, p, e, c)
        l_assignments.append(x_assignments)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("CreatableTopic.configs")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_configs: list[CreatableTopicConfig] = []
    o.configs = l_configs
    for _ in range(n):
        x_configs, p = _read_creatable_topic_config_v5(b, p, e, c)
        l_configs.append(x_configs)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_creatable_topic_v5(o: CreatableTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_assignments = o.assignments
    w(_pack_ih(o.num_partitions, o.replication_factor))
    n = len(v_assignments) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_assignments in v_assignments:
        _write_creatable_replica_assignment_v5(x_assignments, w)
    v_configs = o.configs
    n = len(v_configs) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_configs in v_configs:
        _write_creatable_topic_config_v5(x_configs, w)
    w(b"\0")


def _read_create_topics_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateTopicsRequest, int]:
    o = _new(CreateTopicsRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 16 > e - p:
        raise bad_length("CreateTopicsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[CreatableTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_creatable_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    o.timeout_ms, o.validate_only = _unpack_it(b, p)
    p += 5
    return o, p


def _write_create_topics_request_v2(o: CreateTopicsRequest, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_creatable_topic_v2(x_topics, w)
    w(_pack_it(o.timeout_ms, o.validate_only))


def _read_create_topics_request_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateTopicsRequest, int]:
    o = _new(CreateTopicsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 10 > e - p:
        raise bad_length("CreateTopicsRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[CreatableTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_creatable_topic_v5(b, p, e, c)
        l_topics.append(x_topics)
    o.timeout_ms, o.validate_only, n = _unpack_itB(b, p)
    p += 6
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_topics_request_v5(o: CreateTopicsRequest, w: Write) -> None:
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_creatable_topic_v5(x_topics, w)
    w(_pack_itx(o.timeout_ms, o.validate_only))


def _read_creatable_topic_configs_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableTopicConfigs, int]:
    o = _new(CreatableTopicConfigs)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreatableTopicConfigs.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.value = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("CreatableTopicConfigs.value")
        o.value = b[p:q].decode()
        p = q
    o.read_only, o.config_source, o.is_sensitive, n = _unpack_tbtB(b, p)
    p += 4
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_creatable_topic_configs_v5(o: CreatableTopicConfigs, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_value = o.value
    if v_value is None:
        w(b"\0")
    else:
        r_value = v_value.encode()
        n = len(r_value) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_value)
    w(_pack_tbtx(o.read_only, o.config_source, o.is_sensitive))


def _read_creatable_topic_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableTopicResult, int]:
    o = _new(CreatableTopicResult)
    o.topic_id = ZERO_UUID
    o.topic_config_error_code = 0
    o.num_partitions = -1
    o.replication_factor = -1
    o.configs = []
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("CreatableTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("CreatableTopicResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    return o, p


def _write_creatable_topic_result_v2(o: CreatableTopicResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_hh(o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_hh(o.error_code, len(r_error_message)))
        w(r_error_message)


def _read_creatable_topic_result_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableTopicResult, int]:
    o = _new(CreatableTopicResult)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreatableTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("CreatableTopicResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.num_partitions, o.replication_factor, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.configs = None
    else:
        n -= 1
        if n * 6 > e - p:
            raise bad_length("CreatableTopicResult.configs")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_configs: list[CreatableTopicConfigs] = []
        o.configs = l_configs
        for _ in range(n):
            x_configs, p = _read_creatable_topic_configs_v5(b, p, e, c)
            l_configs.append(x_configs)
    o.topic_config_error_code = 0
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
                raise bad_length("CreatableTopicResult: tagged field")
            if t == 0:
                (o.topic_config_error_code,) = _unpack_h(b, p)
                p += 2
            else:
                p = z
            if p != z:
                raise bad_length("CreatableTopicResult: tagged field")
    return o, p


def _write_creatable_topic_result_v5(o: CreatableTopicResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_configs = o.configs
    w(_pack_ih(o.num_partitions, o.replication_factor))
    if v_configs is None:
        w(b"\0")
    else:
        n = len(v_configs) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_configs in v_configs:
            _write_creatable_topic_configs_v5(x_configs, w)
    n = 0
    if o.topic_config_error_code != 0:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.topic_config_error_code != 0:
        g: list[Buffer] = []
        a = g.append
        a(_pack_h(o.topic_config_error_code))
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_creatable_topic_result_v7(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableTopicResult, int]:
    o = _new(CreatableTopicResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreatableTopicResult.name")
    o.name = b[p:q].decode()
    p = q
    o.topic_id, o.error_code, n = _unpack_16shB(b, p)
    p += 19
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("CreatableTopicResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.num_partitions, o.replication_factor, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.configs = None
    else:
        n -= 1
        if n * 6 > e - p:
            raise bad_length("CreatableTopicResult.configs")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_configs: list[CreatableTopicConfigs] = []
        o.configs = l_configs
        for _ in range(n):
            x_configs, p = _read_creatable_topic_configs_v5(b, p, e, c)
            l_configs.append(x_configs)
    o.topic_config_error_code = 0
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
                raise bad_length("CreatableTopicResult: tagged field")
            if t == 0:
                (o.topic_config_error_code,) = _unpack_h(b, p)
                p += 2
            else:
                p = z
            if p != z:
                raise bad_length("CreatableTopicResult: tagged field")
    return o, p


def _write_creatable_topic_result_v7(o: CreatableTopicResult, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_error_message = o.error_message
    w(_pack_16sh(o.topic_id, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_configs = o.configs
    w(_pack_ih(o.num_partitions, o.replication_factor))
    if v_configs is None:
        w(b"\0")
    else:
        n = len(v_configs) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_configs in v_configs:
            _write_creatable_topic_configs_v5(x_configs, w)
    n = 0
    if o.topic_config_error_code != 0:
        n += 1
    if not n:
        w(b"\0")
        return
    w(UVARINT[n])
    if o.topic_config_error_code != 0:
        g: list[Buffer] = []
        a = g.append
        a(_pack_h(o.topic_config_error_code))
        n = sum(map(len, g))
        w(UVARINT[0])
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for part in g:
            w(part)


def _read_create_topics_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateTopicsResponse, int]:
    o = _new(CreateTopicsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("CreateTopicsResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[CreatableTopicResult] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_creatable_topic_result_v2(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_create_topics_response_v2(o: CreateTopicsResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ii(o.throttle_time_ms, len(v_topics)))
    for x_topics in v_topics:
        _write_creatable_topic_result_v2(x_topics, w)


def _read_create_topics_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateTopicsResponse, int]:
    o = _new(CreateTopicsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 12 > e - p:
        raise bad_length("CreateTopicsResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[CreatableTopicResult] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_creatable_topic_result_v5(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_topics_response_v5(o: CreateTopicsResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.throttle_time_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_creatable_topic_result_v5(x_topics, w)
    w(b"\0")


def _read_create_topics_response_v7(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateTopicsResponse, int]:
    o = _new(CreateTopicsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 28 > e - p:
        raise bad_length("CreateTopicsResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[CreatableTopicResult] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_creatable_topic_result_v7(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_topics_response_v7(o: CreateTopicsResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.throttle_time_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_creatable_topic_result_v7(x_topics, w)
    w(b"\0")


CreateTopicsRequest.READERS = {
    2: _read_create_topics_request_v2,
    3: _read_create_topics_request_v2,
    4: _read_create_topics_request_v2,
    5: _read_create_topics_request_v5,
    6: _read_create_topics_request_v5,
    7: _read_create_topics_request_v5,
}

CreateTopicsRequest.WRITERS = {
    2: _write_create_topics_request_v2,
    3: _write_create_topics_request_v2,
    4: _write_create_topics_request_v2,
    5: _write_create_topics_request_v5,
    6: _write_create_topics_request_v5,
    7: _write_create_topics_request_v5,
}

CreateTopicsResponse.READERS = {
    2: _read_create_topics_response_v2,
    3: _read_create_topics_response_v2,
    4: _read_create_topics_response_v2,
    5: _read_create_topics_response_v5,
    6: _read_create_topics_response_v5,
    7: _read_create_topics_response_v7,
}

CreateTopicsResponse.WRITERS = {
    2: _write_create_topics_response_v2,
    3: _write_create_topics_response_v2,
    4: _write_create_topics_response_v2,
    5: _write_create_topics_response_v5,
    6: _write_create_topics_response_v5,
    7: _write_create_topics_response_v7,
}
