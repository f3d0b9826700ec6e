# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ConsumerGroupHeartbeat: messages of all versions, with their codec."""

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
    ZERO_UUID,
    bad_length,
    skip_tags,
    too_many,
    uvarint,
    uvarint_bytes,
)

_new = object.__new__
_pack_16s = Struct_(">16s").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ii = Struct_(">ii").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_iib = Struct_(">iib").unpack_from


class ConsumerGroupHeartbeatRequestTopicPartitions(Struct):
    """Part of ConsumerGroupHeartbeatRequest."""

    __slots__ = ("topic_id", "partitions",)
    topic_id: bytes
    partitions: list[int]

    def __init__(
        self,
        *,
        topic_id: bytes = ZERO_UUID,
        partitions: list[int] = EMPTY,
    ) -> None:
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class ConsumerGroupHeartbeatRequest(Message):
    """``ConsumerGroupHeartbeatRequest`` (API key 68), versions 0 to 1."""

    __slots__ = ("group_id", "member_id", "member_epoch", "instance_id", "rack_id", "rebalance_timeout_ms", "subscribed_topic_names", "subscribed_topic_regex", "server_assignor", "topic_partitions",)
    group_id: str
    member_id: str
    member_epoch: int
    instance_id: str | None
    rack_id: str | None
    rebalance_timeout_ms: int
    subscribed_topic_names: list[str] | None
    subscribed_topic_regex: str | None
    server_assignor: str | None
    topic_partitions: list[ConsumerGroupHeartbeatRequestTopicPartitions] | None

    API_KEY = 68
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        group_id: str = "",
        member_id: str = "",
        member_epoch: int = 0,
        instance_id: str | None = None,
        rack_id: str | None = None,
        rebalance_timeout_ms: int = -1,
        subscribed_topic_names: list[str] | None = None,
        subscribed_topic_regex: str | None = None,
        server_assignor: str | None = None,
        topic_partitions: list[ConsumerGroupHeartbeatRequestTopicPartitions] | None = None,
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.instance_id = instance_id
        self.rack_id = rack_id
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.subscribed_topic_names = subscribed_topic_names
        self.subscribed_topic_regex = subscribed_topic_regex
        self.server_assignor = server_assignor
        self.topic_partitions = topic_partitions


class ConsumerGroupHeartbeatResponseTopicPartitions(Struct):
    """Part of ConsumerGroupHeartbeatResponse."""

    __slots__ = ("topic_id", "partitions",)
    topic_id: bytes
    partitions: list[int]

    def __init__(
        self,
        *,
        topic_id: bytes = ZERO_UUID,
        partitions: list[int] = EMPTY,
    ) -> None:
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class Assignment(Struct):
    """Part of ConsumerGroupHeartbeatResponse."""

    __slots__ = ("topic_partitions",)
    topic_partitions: list[ConsumerGroupHeartbeatResponseTopicPartitions]

    def __init__(
        self,
        *,
        topic_partitions: list[ConsumerGroupHeartbeatResponseTopicPartitions] = EMPTY,
    ) -> None:
        self.topic_partitions = [] if topic_partitions is EMPTY else topic_partitions


class ConsumerGroupHeartbeatResponse(Message):
    """``ConsumerGroupHeartbeatResponse`` (API key 68), versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "member_id", "member_epoch", "heartbeat_interval_ms", "assignment",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    member_id: str | None
    member_epoch: int
    heartbeat_interval_ms: int
    assignment: Assignment | None

    API_KEY = 68
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        member_id: str | None = None,
        member_epoch: int = 0,
        heartbeat_interval_ms: int = 0,
        assignment: Assignment | None = None,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.heartbeat_interval_ms = heartbeat_interval_ms
        self.assignment = assignment


def _read_consumer_group_heartbeat_request_topic_partitions_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerGroupHeartbeatRequestTopicPartitions, int]:
    o = _new(ConsumerGroupHeartbeatRequestTopicPartitions)
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("ConsumerGroupHeartbeatRequestTopicPartitions.partitions")
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


def _write_consumer_group_heartbeat_request_topic_partitions_v0(o: ConsumerGroupHeartbeatRequestTopicPartitions, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_consumer_group_heartbeat_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerGroupHeartbeatRequest, int]:
    o = _new(ConsumerGroupHeartbeatRequest)
    o.subscribed_topic_regex = None
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ConsumerGroupHeartbeatRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ConsumerGroupHeartbeatRequest.member_id")
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
            raise bad_length("ConsumerGroupHeartbeatRequest.instance_id")
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
            raise bad_length("ConsumerGroupHeartbeatRequest.rack_id")
        o.rack_id = b[p:q].decode()
        p = q
    o.rebalance_timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.subscribed_topic_names = None
    else:
        n -= 1
        if n > e - p:
            raise bad_length("ConsumerGroupHeartbeatRequest.subscribed_topic_names")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_subscribed_topic_names: list[str] = []
        o.subscribed_topic_names = l_subscribed_topic_names
        for _ in range(n):
            n = b[p]
            p += 1
            if n > 127:
                n, p = uvarint(b, p - 1)
            q = p + n - 1
            if not p <= q <= e:
                raise bad_length("ConsumerGroupHeartbeatRequest.subscribed_topic_names")
            l_subscribed_topic_names.append(b[p:q].decode())
            p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.server_assignor = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ConsumerGroupHeartbeatRequest.server_assignor")
        o.server_assignor = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topic_partitions = None
    else:
        n -= 1
        if n * 18 > e - p:
            raise bad_length("ConsumerGroupHeartbeatRequest.topic_partitions")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topic_partitions: list[ConsumerGroupHeartbeatRequestTopicPartitions] = []
        o.topic_partitions = l_topic_partitions
        for _ in range(n):
            x_topic_partitions, p = _read_consumer_group_heartbeat_request_topic_partitions_v0(b, p, e, c)
            l_topic_partitions.append(x_topic_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_consumer_group_heartbeat_request_v0(o: ConsumerGroupHeartbeatRequest, w: Write) -> None:
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
    v_subscribed_topic_names = o.subscribed_topic_names
    w(_pack_i(o.rebalance_timeout_ms))
    if v_subscribed_topic_names is None:
        w(b"\0")
    else:
        n = len(v_subscribed_topic_names) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_subscribed_topic_names in v_subscribed_topic_names:
            r_subscribed_topic_names = x_subscribed_topic_names.encode()
            n = len(r_subscribed_topic_names) + 1
            w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
            w(r_subscribed_topic_names)
    v_server_assignor = o.server_assignor
    if v_server_assignor is None:
        w(b"\0")
    else:
        r_server_assignor = v_server_assignor.encode()
        n = len(r_server_assignor) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_server_assignor)
    v_topic_partitions = o.topic_partitions
    if v_topic_partitions is None:
        w(b"\0")
    else:
        n = len(v_topic_partitions) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topic_partitions in v_topic_partitions:
            _write_consumer_group_heartbeat_request_topic_partitions_v0(x_topic_partitions, w)
    w(b"\0")


def _read_consumer_group_heartbeat_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerGroupHeartbeatRequest, int]:
    o = _new(ConsumerGroupHeartbeatRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ConsumerGroupHeartbeatRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ConsumerGroupHeartbeatRequest.member_id")
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
            raise bad_length("ConsumerGroupHeartbeatRequest.instance_id")
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
            raise bad_length("ConsumerGroupHeartbeatRequest.rack_id")
        o.rack_id = b[p:q].decode()
        p = q
    o.rebalance_timeout_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.subscribed_topic_names = None
    else:
        n -= 1
        if n > e - p:
            raise bad_length("ConsumerGroupHeartbeatRequest.subscribed_topic_names")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_subscribed_topic_names: list[str] = []
        o.subscribed_topic_names = l_subscribed_topic_names
        for _ in range(n):
            n = b[p]
            p += 1
            if n > 127:
                n, p = uvarint(b, p - 1)
            q = p + n - 1
            if not p <= q <= e:
                raise bad_length("ConsumerGroupHeartbeatRequest.subscribed_topic_names")
            l_subscribed_topic_names.append(b[p:q].decode())
            p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.subscribed_topic_regex = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ConsumerGroupHeartbeatRequest.subscribed_topic_regex")
        o.subscribed_topic_regex = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.server_assignor = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ConsumerGroupHeartbeatRequest.server_assignor")
        o.server_assignor = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topic_partitions = None
    else:
        n -= 1
        if n * 18 > e - p:
            raise bad_length("ConsumerGroupHeartbeatRequest.topic_partitions")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topic_partitions: list[ConsumerGroupHeartbeatRequestTopicPartitions] = []
        o.topic_partitions = l_topic_partitions
        for _ in range(n):
            x_topic_partitions, p = _read_consumer_group_heartbeat_request_topic_partitions_v0(b, p, e, c)
            l_topic_partitions.append(x_topic_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_consumer_group_heartbeat_request_v1(o: ConsumerGroupHeartbeatRequest, w: Write) -> None:
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
    v_subscribed_topic_names = o.subscribed_topic_names
    w(_pack_i(o.rebalance_timeout_ms))
    if v_subscribed_topic_names is None:
        w(b"\0")
    else:
        n = len(v_subscribed_topic_names) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_subscribed_topic_names in v_subscribed_topic_names:
            r_subscribed_topic_names = x_subscribed_topic_names.encode()
            n = len(r_subscribed_topic_names) + 1
            w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
            w(r_subscribed_topic_names)
    v_subscribed_topic_regex = o.subscribed_topic_regex
    if v_subscribed_topic_regex is None:
        w(b"\0")
    else:
        r_subscribed_topic_regex = v_subscribed_topic_regex.encode()
        n = len(r_subscribed_topic_regex) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_subscribed_topic_regex)
    v_server_assignor = o.server_assignor
    if v_server_assignor is None:
        w(b"\0")
    else:
        r_server_assignor = v_server_assignor.encode()
        n = len(r_server_assignor) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_server_assignor)
    v_topic_partitions = o.topic_partitions
    if v_topic_partitions is None:
        w(b"\0")
    else:
        n = len(v_topic_partitions) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topic_partitions in v_topic_partitions:
            _write_consumer_group_heartbeat_request_topic_partitions_v0(x_topic_partitions, w)
    w(b"\0")


def _read_consumer_group_heartbeat_response_topic_partitions_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerGroupHeartbeatResponseTopicPartitions, int]:
    o = _new(ConsumerGroupHeartbeatResponseTopicPartitions)
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("ConsumerGroupHeartbeatResponseTopicPartitions.partitions")
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


def _write_consumer_group_heartbeat_response_topic_partitions_v0(o: ConsumerGroupHeartbeatResponseTopicPartitions, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
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
    if n < 0 or n * 18 > e - p:
        raise bad_length("Assignment.topic_partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topic_partitions: list[ConsumerGroupHeartbeatResponseTopicPartitions] = []
    o.topic_partitions = l_topic_partitions
    for _ in range(n):
        x_topic_partitions, p = _read_consumer_group_heartbeat_response_topic_partitions_v0(b, p, e, c)
        l_topic_partitions.append(x_topic_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_assignment_v0(o: Assignment, w: Write) -> None:
    v_topic_partitions = o.topic_partitions
    n = len(v_topic_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topic_partitions in v_topic_partitions:
        _write_consumer_group_heartbeat_response_topic_partitions_v0(x_topic_partitions, w)
    w(b"\0")


def _read_consumer_group_heartbeat_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerGroupHeartbeatResponse, int]:
    o = _new(ConsumerGroupHeartbeatResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ConsumerGroupHeartbeatResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.member_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ConsumerGroupHeartbeatResponse.member_id")
        o.member_id = b[p:q].decode()
        p = q
    o.member_epoch, o.heartbeat_interval_ms, n = _unpack_iib(b, p)
    p += 9
    if n < 0:
        o.assignment = None
    else:
        o.assignment, p = _read_assignment_v0(b, p, e, c)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_consumer_group_heartbeat_response_v0(o: ConsumerGroupHeartbeatResponse, w: Write) -> None:
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
    if v_member_id is None:
        w(b"\0")
    else:
        r_member_id = v_member_id.encode()
        n = len(r_member_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_member_id)
    w(_pack_ii(o.member_epoch, o.heartbeat_interval_ms))
    if o.assignment is None:
        w(b"\xff")
    else:
        w(b"\1")
        _write_assignment_v0(o.assignment, w)
    w(b"\0")


ConsumerGroupHeartbeatRequest.READERS = {
    0: _read_consumer_group_heartbeat_request_v0,
    1: _read_consumer_group_heartbeat_request_v1,
}

ConsumerGroupHeartbeatRequest.WRITERS = {
    0: _write_consumer_group_heartbeat_request_v0,
    1: _write_consumer_group_heartbeat_request_v1,
}

ConsumerGroupHeartbeatResponse.READERS = {
    0: _read_consumer_group_heartbeat_response_v0,
    1: _read_consumer_group_heartbeat_response_v0,
}

ConsumerGroupHeartbeatResponse.WRITERS = {
    0: _write_consumer_group_heartbeat_response_v0,
    1: _write_consumer_group_heartbeat_response_v0,
}
