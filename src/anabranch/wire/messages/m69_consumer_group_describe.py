# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ConsumerGroupDescribe: messages of all versions, with their codec."""

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
_pack_tx = Struct_(">?x").pack
_pack_bx = Struct_(">bx").pack
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_ii = Struct_(">ii").pack
_pack_ix = Struct_(">ix").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_tB = Struct_(">?B").unpack_from
_unpack_bB = Struct_(">bB").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_iiB = Struct_(">iiB").unpack_from


class ConsumerGroupDescribeRequest(Message):
    """``ConsumerGroupDescribeRequest`` (API key 69), versions 0 to 1."""

    __slots__ = ("group_ids", "include_authorized_operations",)
    group_ids: list[str]
    include_authorized_operations: bool

    API_KEY = 69
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        group_ids: list[str] = EMPTY,
        include_authorized_operations: bool = False,
    ) -> None:
        self.group_ids = [] if group_ids is EMPTY else group_ids
        self.include_authorized_operations = include_authorized_operations


class TopicPartitions(Struct):
    """Part of ConsumerGroupDescribeResponse."""

    __slots__ = ("topic_id", "topic_name", "partitions",)
    topic_id: bytes
    topic_name: str
    partitions: list[int]

    def __init__(
        self,
        *,
        topic_id: bytes = ZERO_UUID,
        topic_name: str = "",
        partitions: list[int] = EMPTY,
    ) -> None:
        self.topic_id = topic_id
        self.topic_name = topic_name
        self.partitions = [] if partitions is EMPTY else partitions


class Assignment(Struct):
    """Part of ConsumerGroupDescribeResponse."""

    __slots__ = ("topic_partitions",)
    topic_partitions: list[TopicPartitions]

    def __init__(
        self,
        *,
        topic_partitions: list[TopicPartitions] = EMPTY,
    ) -> None:
        self.topic_partitions = [] if topic_partitions is EMPTY else topic_partitions


class Member(Struct):
    """Part of ConsumerGroupDescribeResponse."""

    __slots__ = ("member_id", "instance_id", "rack_id", "member_epoch", "client_id", "client_host", "subscribed_topic_names", "subscribed_topic_regex", "assignment", "target_assignment", "member_type",)
    member_id: str
    instance_id: str | None
    rack_id: str | None
    member_epoch: int
    client_id: str
    client_host: str
    subscribed_topic_names: list[str]
    subscribed_topic_regex: str | None
    assignment: Assignment
    target_assignment: Assignment
    member_type: int

    def __init__(
        self,
        *,
        member_id: str = "",
        instance_id: str | None = None,
        rack_id: str | None = None,
        member_epoch: int = 0,
        client_id: str = "",
        client_host: str = "",
        subscribed_topic_names: list[str] = EMPTY,
        subscribed_topic_regex: str | None = None,
        assignment: Assignment | None = None,
        target_assignment: Assignment | None = None,
        member_type: int = -1,
    ) -> None:
        self.member_id = member_id
        self.instance_id = instance_id
        self.rack_id = rack_id
        self.member_epoch = member_epoch
        self.client_id = client_id
        self.client_host = client_host
        self.subscribed_topic_names = [] if subscribed_topic_names is EMPTY else subscribed_topic_names
        self.subscribed_topic_regex = subscribed_topic_regex
        self.assignment = Assignment() if assignment is None else assignment
        self.target_assignment = Assignment() if target_assignment is None else target_assignment
        self.member_type = member_type


class DescribedGroup(Struct):
    """Part of ConsumerGroupDescribeResponse."""

    __slots__ = ("error_code", "error_message", "group_id", "group_state", "group_epoch", "assignment_epoch", "assignor_name", "members", "authorized_operations",)
    error_code: int
    error_message: str | None
    group_id: str
    group_state: str
    group_epoch: int
    assignment_epoch: int
    assignor_name: str
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
        assignor_name: str = "",
        members: list[Member] = EMPTY,
        authorized_operations: int = -2147483648,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.group_id = group_id
        self.group_state = group_state
        self.group_epoch = group_epoch
        self.assignment_epoch = assignment_epoch
        self.assignor_name = assignor_name
        self.members = [] if members is EMPTY else members
        self.authorized_operations = authorized_operations


class ConsumerGroupDescribeResponse(Message):
    """``ConsumerGroupDescribeResponse`` (API key 69), versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "groups",)
    throttle_time_ms: int
    groups: list[DescribedGroup]

    API_KEY = 69
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        groups: list[DescribedGroup] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.groups = [] if groups is EMPTY else groups


def _read_consumer_group_describe_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerGroupDescribeRequest, int]:
    o = _new(ConsumerGroupDescribeRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("ConsumerGroupDescribeRequest.group_ids")
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
            raise bad_length("ConsumerGroupDescribeRequest.group_ids")
        l_group_ids.append(b[p:q].decode())
        p = q
    o.include_authorized_operations, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_consumer_group_describe_request_v0(o: ConsumerGroupDescribeRequest, w: Write) -> None:
    v_group_ids = o.group_ids
    n = len(v_group_ids) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_group_ids in v_group_ids:
        r_group_ids = x_group_ids.encode()
        n = len(r_group_ids) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_group_ids)
    w(_pack_tx(o.include_authorized_operations))


def _read_topic_partitions_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicPartitions, int]:
    o = _new(TopicPartitions)
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TopicPartitions.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("TopicPartitions.partitions")
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


def _write_topic_partitions_v0(o: TopicPartitions, w: Write) -> None:
    v_topic_name = o.topic_name
    w(_pack_16s(o.topic_id))
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
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
    if n < 0 or n * 19 > e - p:
        raise bad_length("Assignment.topic_partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topic_partitions: list[TopicPartitions] = []
    o.topic_partitions = l_topic_partitions
    for _ in range(n):
        x_topic_partitions, p = _read_topic_partitions_v0(b, p, e, c)
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
        _write_topic_partitions_v0(x_topic_partitions, w)
    w(b"\0")


def _read_member_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[Member, int]:
    o = _new(Member)
    o.member_type = -1
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Member.member_id")
    o.member_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
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
    o.member_epoch, n = _unpack_iB(b, p)
    p += 5
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
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("Member.subscribed_topic_names")
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
            raise bad_length("Member.subscribed_topic_names")
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
            raise bad_length("Member.subscribed_topic_regex")
        o.subscribed_topic_regex = b[p:q].decode()
        p = q
    o.assignment, p = _read_assignment_v0(b, p, e, c)
    o.target_assignment, p = _read_assignment_v0(b, p, e, c)
    n = b[p]
    p += 1
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
    w(_pack_i(o.member_epoch))
    r_client_id = v_client_id.encode()
    n = len(r_client_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_client_id)
    v_client_host = o.client_host
    r_client_host = v_client_host.encode()
    n = len(r_client_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_client_host)
    v_subscribed_topic_names = o.subscribed_topic_names
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
    _write_assignment_v0(o.assignment, w)
    _write_assignment_v0(o.target_assignment, w)
    w(b"\0")


def _read_member_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[Member, int]:
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
    n = b[p]
    p += 1
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
    o.member_epoch, n = _unpack_iB(b, p)
    p += 5
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
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("Member.subscribed_topic_names")
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
            raise bad_length("Member.subscribed_topic_names")
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
            raise bad_length("Member.subscribed_topic_regex")
        o.subscribed_topic_regex = b[p:q].decode()
        p = q
    o.assignment, p = _read_assignment_v0(b, p, e, c)
    o.target_assignment, p = _read_assignment_v0(b, p, e, c)
    o.member_type, n = _unpack_bB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_member_v1(o: Member, w: Write) -> None:
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_instance_id = o.instance_id
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
    w(_pack_i(o.member_epoch))
    r_client_id = v_client_id.encode()
    n = len(r_client_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_client_id)
    v_client_host = o.client_host
    r_client_host = v_client_host.encode()
    n = len(r_client_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_client_host)
    v_subscribed_topic_names = o.subscribed_topic_names
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
    _write_assignment_v0(o.assignment, w)
    _write_assignment_v0(o.target_assignment, w)
    w(_pack_bx(o.member_type))


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
    o.group_epoch, o.assignment_epoch, n = _unpack_iiB(b, p)
    p += 9
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.assignor_name")
    o.assignor_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 16 > e - p:
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
    v_assignor_name = o.assignor_name
    w(_pack_ii(o.group_epoch, o.assignment_epoch))
    r_assignor_name = v_assignor_name.encode()
    n = len(r_assignor_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_assignor_name)
    v_members = o.members
    n = len(v_members) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_members in v_members:
        _write_member_v0(x_members, w)
    w(_pack_ix(o.authorized_operations))


def _read_described_group_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedGroup, int]:
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
    o.group_epoch, o.assignment_epoch, n = _unpack_iiB(b, p)
    p += 9
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedGroup.assignor_name")
    o.assignor_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 17 > e - p:
        raise bad_length("DescribedGroup.members")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_members: list[Member] = []
    o.members = l_members
    for _ in range(n):
        x_members, p = _read_member_v1(b, p, e, c)
        l_members.append(x_members)
    o.authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_described_group_v1(o: DescribedGroup, w: Write) -> None:
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
    v_assignor_name = o.assignor_name
    w(_pack_ii(o.group_epoch, o.assignment_epoch))
    r_assignor_name = v_assignor_name.encode()
    n = len(r_assignor_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_assignor_name)
    v_members = o.members
    n = len(v_members) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_members in v_members:
        _write_member_v1(x_members, w)
    w(_pack_ix(o.authorized_operations))


def _read_consumer_group_describe_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerGroupDescribeResponse, int]:
    o = _new(ConsumerGroupDescribeResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 20 > e - p:
        raise bad_length("ConsumerGroupDescribeResponse.groups")
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


def _write_consumer_group_describe_response_v0(o: ConsumerGroupDescribeResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(o.throttle_time_ms))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_described_group_v0(x_groups, w)
    w(b"\0")


def _read_consumer_group_describe_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerGroupDescribeResponse, int]:
    o = _new(ConsumerGroupDescribeResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 20 > e - p:
        raise bad_length("ConsumerGroupDescribeResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[DescribedGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_described_group_v1(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_consumer_group_describe_response_v1(o: ConsumerGroupDescribeResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(o.throttle_time_ms))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_described_group_v1(x_groups, w)
    w(b"\0")


ConsumerGroupDescribeRequest.READERS = {
    0: _read_consumer_group_describe_request_v0,
    1: _read_consumer_group_describe_request_v0,
}

ConsumerGroupDescribeRequest.WRITERS = {
    0: _write_consumer_group_describe_request_v0,
    1: _write_consumer_group_describe_request_v0,
}

ConsumerGroupDescribeResponse.READERS = {
    0: _read_consumer_group_describe_response_v0,
    1: _read_consumer_group_describe_response_v1,
}

ConsumerGroupDescribeResponse.WRITERS = {
    0: _write_consumer_group_describe_response_v0,
    1: _write_consumer_group_describe_response_v1,
}
