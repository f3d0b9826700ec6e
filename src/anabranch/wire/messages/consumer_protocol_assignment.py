# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ConsumerProtocolAssignment: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_, pack, unpack_from

from anabranch.wire.codec import (
    Allowance,
    EMPTY,
    INT32S,
    Message,
    Struct,
    Write,
    bad_length,
    too_many,
)

_new = object.__new__
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from


class TopicPartition(Struct):
    """Part of ConsumerProtocolAssignment."""

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


class ConsumerProtocolAssignment(Message):
    """``ConsumerProtocolAssignment``, versions 0 to 3."""

    __slots__ = ("assigned_partitions", "user_data",)
    assigned_partitions: list[TopicPartition]
    user_data: bytes | None

    API_KEY = -1
    MIN_VERSION = 0
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 32767

    def __init__(
        self,
        *,
        assigned_partitions: list[TopicPartition] = EMPTY,
        user_data: bytes | None = None,
    ) -> None:
        self.assigned_partitions = [] if assigned_partitions is EMPTY else assigned_partitions
        self.user_data = user_data


def _read_topic_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicPartition, int]:
    o = _new(TopicPartition)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TopicPartition.topic")
    o.topic = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("TopicPartition.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partitions = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_topic_partition_v0(o: TopicPartition, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    n = len(v_partitions)
    w(INT32S[n](*v_partitions) if n < 16 else pack(f">{n}i", *v_partitions))


def _read_consumer_protocol_assignment_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerProtocolAssignment, int]:
    o = _new(ConsumerProtocolAssignment)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("ConsumerProtocolAssignment.assigned_partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_assigned_partitions: list[TopicPartition] = []
    o.assigned_partitions = l_assigned_partitions
    for _ in range(n):
        x_assigned_partitions, p = _read_topic_partition_v0(b, p, e, c)
        l_assigned_partitions.append(x_assigned_partitions)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.user_data = None
    else:
        q = p + n
        if q > e:
            raise bad_length("ConsumerProtocolAssignment.user_data")
        o.user_data = b[p:q]
        p = q
    return o, p


def _write_consumer_protocol_assignment_v0(o: ConsumerProtocolAssignment, w: Write) -> None:
    v_assigned_partitions = o.assigned_partitions
    w(_pack_i(len(v_assigned_partitions)))
    for x_assigned_partitions in v_assigned_partitions:
        _write_topic_partition_v0(x_assigned_partitions, w)
    v_user_data = o.user_data
    if v_user_data is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_user_data)))
        w(v_user_data)


ConsumerProtocolAssignment.READERS = {
    0: _read_consumer_protocol_assignment_v0,
    1: _read_consumer_protocol_assignment_v0,
    2: _read_consumer_protocol_assignment_v0,
    3: _read_consumer_protocol_assignment_v0,
}

ConsumerProtocolAssignment.WRITERS = {
    0: _write_consumer_protocol_assignment_v0,
    1: _write_consumer_protocol_assignment_v0,
    2: _write_consumer_protocol_assignment_v0,
    3: _write_consumer_protocol_assignment_v0,
}
