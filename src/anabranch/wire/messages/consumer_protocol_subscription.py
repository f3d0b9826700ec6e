# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""ConsumerProtocolSubscription: messages of all versions, with their codec."""

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
_pack_ih = Struct_(">ih").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_ih = Struct_(">ih").unpack_from


class TopicPartition(Struct):
    """Part of ConsumerProtocolSubscription."""

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


class ConsumerProtocolSubscription(Message):
    """``ConsumerProtocolSubscription``, versions 0 to 3."""

    __slots__ = ("topics", "user_data", "owned_partitions", "generation_id", "rack_id",)
    topics: list[str]
    user_data: bytes | None
    owned_partitions: list[TopicPartition]
    generation_id: int
    rack_id: str | None

    API_KEY = -1
    MIN_VERSION = 0
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 32767

    def __init__(
        self,
        *,
        topics: list[str] = EMPTY,
        user_data: bytes | None = None,
        owned_partitions: list[TopicPartition] = EMPTY,
        generation_id: int = -1,
        rack_id: str | None = None,
    ) -> None:
        self.topics = [] if topics is EMPTY else topics
        self.user_data = user_data
        self.owned_partitions = [] if owned_partitions is EMPTY else owned_partitions
        self.generation_id = generation_id
        self.rack_id = rack_id


def _read_topic_partition_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[TopicPartition, int]:
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


def _write_topic_partition_v1(o: TopicPartition, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    n = len(v_partitions)
    w(INT32S[n](*v_partitions) if n < 16 else pack(f">{n}i", *v_partitions))


def _read_consumer_protocol_subscription_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerProtocolSubscription, int]:
    o = _new(ConsumerProtocolSubscription)
    o.owned_partitions = []
    o.generation_id = -1
    o.rack_id = None
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 2 > e - p:
        raise bad_length("ConsumerProtocolSubscription.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[str] = []
    o.topics = l_topics
    for _ in range(n):
        (n,) = _unpack_h(b, p)
        p += 2
        q = p + n
        if not p <= q <= e:
            raise bad_length("ConsumerProtocolSubscription.topics")
        l_topics.append(b[p:q].decode())
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.user_data = None
    else:
        q = p + n
        if q > e:
            raise bad_length("ConsumerProtocolSubscription.user_data")
        o.user_data = b[p:q]
        p = q
    return o, p


def _write_consumer_protocol_subscription_v0(o: ConsumerProtocolSubscription, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        r_topics = x_topics.encode()
        w(_pack_h(len(r_topics)))
        w(r_topics)
    v_user_data = o.user_data
    if v_user_data is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_user_data)))
        w(v_user_data)


def _read_consumer_protocol_subscription_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerProtocolSubscription, int]:
    o = _new(ConsumerProtocolSubscription)
    o.generation_id = -1
    o.rack_id = None
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 2 > e - p:
        raise bad_length("ConsumerProtocolSubscription.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[str] = []
    o.topics = l_topics
    for _ in range(n):
        (n,) = _unpack_h(b, p)
        p += 2
        q = p + n
        if not p <= q <= e:
            raise bad_length("ConsumerProtocolSubscription.topics")
        l_topics.append(b[p:q].decode())
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.user_data = None
    else:
        q = p + n
        if q > e:
            raise bad_length("ConsumerProtocolSubscription.user_data")
        o.user_data = b[p:q]
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("ConsumerProtocolSubscription.owned_partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_owned_partitions: list[TopicPartition] = []
    o.owned_partitions = l_owned_partitions
    for _ in range(n):
        x_owned_partitions, p = _read_topic_partition_v1(b, p, e, c)
        l_owned_partitions.append(x_owned_partitions)
    return o, p


def _write_consumer_protocol_subscription_v1(o: ConsumerProtocolSubscription, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        r_topics = x_topics.encode()
        w(_pack_h(len(r_topics)))
        w(r_topics)
    v_user_data = o.user_data
    if v_user_data is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_user_data)))
        w(v_user_data)
    v_owned_partitions = o.owned_partitions
    w(_pack_i(len(v_owned_partitions)))
    for x_owned_partitions in v_owned_partitions:
        _write_topic_partition_v1(x_owned_partitions, w)


def _read_consumer_protocol_subscription_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerProtocolSubscription, int]:
    o = _new(ConsumerProtocolSubscription)
    o.rack_id = None
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 2 > e - p:
        raise bad_length("ConsumerProtocolSubscription.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[str] = []
    o.topics = l_topics
    for _ in range(n):
        (n,) = _unpack_h(b, p)
        p += 2
        q = p + n
        if not p <= q <= e:
            raise bad_length("ConsumerProtocolSubscription.topics")
        l_topics.append(b[p:q].decode())
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.user_data = None
    else:
        q = p + n
        if q > e:
            raise bad_length("ConsumerProtocolSubscription.user_data")
        o.user_data = b[p:q]
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("ConsumerProtocolSubscription.owned_partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_owned_partitions: list[TopicPartition] = []
    o.owned_partitions = l_owned_partitions
    for _ in range(n):
        x_owned_partitions, p = _read_topic_partition_v1(b, p, e, c)
        l_owned_partitions.append(x_owned_partitions)
    (o.generation_id,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_consumer_protocol_subscription_v2(o: ConsumerProtocolSubscription, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        r_topics = x_topics.encode()
        w(_pack_h(len(r_topics)))
        w(r_topics)
    v_user_data = o.user_data
    if v_user_data is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_user_data)))
        w(v_user_data)
    v_owned_partitions = o.owned_partitions
    w(_pack_i(len(v_owned_partitions)))
    for x_owned_partitions in v_owned_partitions:
        _write_topic_partition_v1(x_owned_partitions, w)
    w(_pack_i(o.generation_id))


def _read_consumer_protocol_subscription_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[ConsumerProtocolSubscription, int]:
    o = _new(ConsumerProtocolSubscription)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 2 > e - p:
        raise bad_length("ConsumerProtocolSubscription.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[str] = []
    o.topics = l_topics
    for _ in range(n):
        (n,) = _unpack_h(b, p)
        p += 2
        q = p + n
        if not p <= q <= e:
            raise bad_length("ConsumerProtocolSubscription.topics")
        l_topics.append(b[p:q].decode())
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.user_data = None
    else:
        q = p + n
        if q > e:
            raise bad_length("ConsumerProtocolSubscription.user_data")
        o.user_data = b[p:q]
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("ConsumerProtocolSubscription.owned_partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_owned_partitions: list[TopicPartition] = []
    o.owned_partitions = l_owned_partitions
    for _ in range(n):
        x_owned_partitions, p = _read_topic_partition_v1(b, p, e, c)
        l_owned_partitions.append(x_owned_partitions)
    o.generation_id, n = _unpack_ih(b, p)
    p += 6
    if n < 0:
        o.rack_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("ConsumerProtocolSubscription.rack_id")
        o.rack_id = b[p:q].decode()
        p = q
    return o, p


def _write_consumer_protocol_subscription_v3(o: ConsumerProtocolSubscription, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        r_topics = x_topics.encode()
        w(_pack_h(len(r_topics)))
        w(r_topics)
    v_user_data = o.user_data
    if v_user_data is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_user_data)))
        w(v_user_data)
    v_owned_partitions = o.owned_partitions
    w(_pack_i(len(v_owned_partitions)))
    for x_owned_partitions in v_owned_partitions:
        _write_topic_partition_v1(x_owned_partitions, w)
    v_rack_id = o.rack_id
    if v_rack_id is None:
        w(_pack_ih(o.generation_id, -1))
    else:
        r_rack_id = v_rack_id.encode()
        w(_pack_ih(o.generation_id, len(r_rack_id)))
        w(r_rack_id)


ConsumerProtocolSubscription.READERS = {
    0: _read_consumer_protocol_subscription_v0,
    1: _read_consumer_protocol_subscription_v1,
    2: _read_consumer_protocol_subscription_v2,
    3: _read_consumer_protocol_subscription_v3,
}

ConsumerProtocolSubscription.WRITERS = {
    0: _write_consumer_protocol_subscription_v0,
    1: _write_consumer_protocol_subscription_v1,
    2: _write_consumer_protocol_subscription_v2,
    3: _write_consumer_protocol_subscription_v3,
}
