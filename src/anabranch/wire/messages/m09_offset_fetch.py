# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""OffsetFetch: messages of all versions, with their codec."""

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
_pack_tx = Struct_(">?x").pack
_pack_h = Struct_(">h").pack
_pack_hx = Struct_(">hx").pack
_pack_i = Struct_(">i").pack
_pack_ii = Struct_(">ii").pack
_pack_iqh = Struct_(">iqh").pack
_pack_iqi = Struct_(">iqi").pack
_pack_iqih = Struct_(">iqih").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_tB = Struct_(">?B").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from
_unpack_iqh = Struct_(">iqh").unpack_from
_unpack_iqiB = Struct_(">iqiB").unpack_from
_unpack_iqih = Struct_(">iqih").unpack_from


class OffsetFetchRequestTopic(Struct):
    """Part of OffsetFetchRequest."""

    __slots__ = ("name", "partition_indexes",)
    name: str
    partition_indexes: list[int]

    def __init__(
        self,
        *,
        name: str = "",
        partition_indexes: list[int] = EMPTY,
    ) -> None:
        self.name = name
        self.partition_indexes = [] if partition_indexes is EMPTY else partition_indexes


class OffsetFetchRequestTopics(Struct):
    """Part of OffsetFetchRequest."""

    __slots__ = ("name", "topic_id", "partition_indexes",)
    name: str
    topic_id: bytes
    partition_indexes: list[int]

    def __init__(
        self,
        *,
        name: str = "",
        topic_id: bytes = ZERO_UUID,
        partition_indexes: list[int] = EMPTY,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partition_indexes = [] if partition_indexes is EMPTY else partition_indexes


class OffsetFetchRequestGroup(Struct):
    """Part of OffsetFetchRequest."""

    __slots__ = ("group_id", "member_id", "member_epoch", "topics",)
    group_id: str
    member_id: str | None
    member_epoch: int
    topics: list[OffsetFetchRequestTopics] | None

    def __init__(
        self,
        *,
        group_id: str = "",
        member_id: str | None = None,
        member_epoch: int = -1,
        topics: list[OffsetFetchRequestTopics] | None = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.topics = [] if topics is EMPTY else topics


class OffsetFetchRequest(Message):
    """``OffsetFetchRequest`` (API key 9), versions 1 to 10."""

    __slots__ = ("group_id", "topics", "groups", "require_stable",)
    group_id: str
    topics: list[OffsetFetchRequestTopic] | None
    groups: list[OffsetFetchRequestGroup]
    require_stable: bool

    API_KEY = 9
    MIN_VERSION = 1
    MAX_VERSION = 10
    FIRST_FLEXIBLE = 6

    def __init__(
        self,
        *,
        group_id: str = "",
        topics: list[OffsetFetchRequestTopic] | None = EMPTY,
        groups: list[OffsetFetchRequestGroup] = EMPTY,
        require_stable: bool = False,
    ) -> None:
        self.group_id = group_id
        self.topics = [] if topics is EMPTY else topics
        self.groups = [] if groups is EMPTY else groups
        self.require_stable = require_stable


class OffsetFetchResponsePartition(Struct):
    """Part of OffsetFetchResponse."""

    __slots__ = ("partition_index", "committed_offset", "committed_leader_epoch", "metadata", "error_code",)
    partition_index: int
    committed_offset: int
    committed_leader_epoch: int
    metadata: str | None
    error_code: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
        committed_offset: int = 0,
        committed_leader_epoch: int = -1,
        metadata: str | None = "",
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.committed_offset = committed_offset
        self.committed_leader_epoch = committed_leader_epoch
        self.metadata = metadata
        self.error_code = error_code


class OffsetFetchResponseTopic(Struct):
    """Part of OffsetFetchResponse."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[OffsetFetchResponsePartition]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[OffsetFetchResponsePartition] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class OffsetFetchResponsePartitions(Struct):
    """Part of OffsetFetchResponse."""

    __slots__ = ("partition_index", "committed_offset", "committed_leader_epoch", "metadata", "error_code",)
    partition_index: int
    committed_offset: int
    committed_leader_epoch: int
    metadata: str | None
    error_code: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
        committed_offset: int = 0,
        committed_leader_epoch: int = -1,
        metadata: str | None = "",
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.committed_offset = committed_offset
        self.committed_leader_epoch = committed_leader_epoch
        self.metadata = metadata
        self.error_code = error_code


class OffsetFetchResponseTopics(Struct):
    """Part of OffsetFetchResponse."""

    __slots__ = ("name", "topic_id", "partitions",)
    name: str
    topic_id: bytes
    partitions: list[OffsetFetchResponsePartitions]

    def __init__(
        self,
        *,
        name: str = "",
        topic_id: bytes = ZERO_UUID,
        partitions: list[OffsetFetchResponsePartitions] = EMPTY,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class OffsetFetchResponseGroup(Struct):
    """Part of OffsetFetchResponse."""

    __slots__ = ("group_id", "topics", "error_code",)
    group_id: str
    topics: list[OffsetFetchResponseTopics]
    error_code: int

    def __init__(
        self,
        *,
        group_id: str = "",
        topics: list[OffsetFetchResponseTopics] = EMPTY,
        error_code: int = 0,
    ) -> None:
        self.group_id = group_id
        self.topics = [] if topics is EMPTY else topics
        self.error_code = error_code


class OffsetFetchResponse(Message):
    """``OffsetFetchResponse`` (API key 9), versions 1 to 10."""

    __slots__ = ("throttle_time_ms", "topics", "error_code", "groups",)
    throttle_time_ms: int
    topics: list[OffsetFetchResponseTopic]
    error_code: int
    groups: list[OffsetFetchResponseGroup]

    API_KEY = 9
    MIN_VERSION = 1
    MAX_VERSION = 10
    FIRST_FLEXIBLE = 6

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        topics: list[OffsetFetchResponseTopic] = EMPTY,
        error_code: int = 0,
        groups: list[OffsetFetchResponseGroup] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = [] if topics is EMPTY else topics
        self.error_code = error_code
        self.groups = [] if groups is EMPTY else groups


def _read_offset_fetch_request_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequestTopic, int]:
    o = _new(OffsetFetchRequestTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequestTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequestTopic.partition_indexes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partition_indexes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_offset_fetch_request_topic_v1(o: OffsetFetchRequestTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partition_indexes = o.partition_indexes
    w(_pack_i(len(v_partition_indexes)))
    n = len(v_partition_indexes)
    w(INT32S[n](*v_partition_indexes) if n < 16 else pack(f">{n}i", *v_partition_indexes))


def _read_offset_fetch_request_topic_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequestTopic, int]:
    o = _new(OffsetFetchRequestTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequestTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequestTopic.partition_indexes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partition_indexes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_request_topic_v6(o: OffsetFetchRequestTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partition_indexes = o.partition_indexes
    n = len(v_partition_indexes)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partition_indexes))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partition_indexes))
    w(b"\0")


def _read_offset_fetch_request_topics_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequestTopics, int]:
    o = _new(OffsetFetchRequestTopics)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequestTopics.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequestTopics.partition_indexes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partition_indexes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_request_topics_v8(o: OffsetFetchRequestTopics, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partition_indexes = o.partition_indexes
    n = len(v_partition_indexes)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partition_indexes))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partition_indexes))
    w(b"\0")


def _read_offset_fetch_request_topics_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequestTopics, int]:
    o = _new(OffsetFetchRequestTopics)
    o.name = ""
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequestTopics.partition_indexes")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partition_indexes = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_request_topics_v10(o: OffsetFetchRequestTopics, w: Write) -> None:
    v_partition_indexes = o.partition_indexes
    w(_pack_16s(o.topic_id))
    n = len(v_partition_indexes)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partition_indexes))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partition_indexes))
    w(b"\0")


def _read_offset_fetch_request_group_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequestGroup, int]:
    o = _new(OffsetFetchRequestGroup)
    o.member_id = None
    o.member_epoch = -1
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequestGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topics = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("OffsetFetchRequestGroup.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[OffsetFetchRequestTopics] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_offset_fetch_request_topics_v8(b, p, e, c)
            l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_request_group_v8(o: OffsetFetchRequestGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_topics = o.topics
    if v_topics is None:
        w(b"\0")
    else:
        n = len(v_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topics in v_topics:
            _write_offset_fetch_request_topics_v8(x_topics, w)
    w(b"\0")


def _read_offset_fetch_request_group_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequestGroup, int]:
    o = _new(OffsetFetchRequestGroup)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequestGroup.group_id")
    o.group_id = b[p:q].decode()
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
            raise bad_length("OffsetFetchRequestGroup.member_id")
        o.member_id = b[p:q].decode()
        p = q
    o.member_epoch, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topics = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("OffsetFetchRequestGroup.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[OffsetFetchRequestTopics] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_offset_fetch_request_topics_v8(b, p, e, c)
            l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_request_group_v9(o: OffsetFetchRequestGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_member_id = o.member_id
    if v_member_id is None:
        w(b"\0")
    else:
        r_member_id = v_member_id.encode()
        n = len(r_member_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_member_id)
    v_topics = o.topics
    w(_pack_i(o.member_epoch))
    if v_topics is None:
        w(b"\0")
    else:
        n = len(v_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topics in v_topics:
            _write_offset_fetch_request_topics_v8(x_topics, w)
    w(b"\0")


def _read_offset_fetch_request_group_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequestGroup, int]:
    o = _new(OffsetFetchRequestGroup)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequestGroup.group_id")
    o.group_id = b[p:q].decode()
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
            raise bad_length("OffsetFetchRequestGroup.member_id")
        o.member_id = b[p:q].decode()
        p = q
    o.member_epoch, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topics = None
    else:
        n -= 1
        if n * 18 > e - p:
            raise bad_length("OffsetFetchRequestGroup.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[OffsetFetchRequestTopics] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_offset_fetch_request_topics_v10(b, p, e, c)
            l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_request_group_v10(o: OffsetFetchRequestGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_member_id = o.member_id
    if v_member_id is None:
        w(b"\0")
    else:
        r_member_id = v_member_id.encode()
        n = len(r_member_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_member_id)
    v_topics = o.topics
    w(_pack_i(o.member_epoch))
    if v_topics is None:
        w(b"\0")
    else:
        n = len(v_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topics in v_topics:
            _write_offset_fetch_request_topics_v10(x_topics, w)
    w(b"\0")


def _read_offset_fetch_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequest, int]:
    o = _new(OffsetFetchRequest)
    o.groups = []
    o.require_stable = False
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetFetchRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetFetchRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_fetch_request_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_fetch_request_v1(o: OffsetFetchRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_topics = o.topics
    assert v_topics is not None, "OffsetFetchRequest.topics"
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_offset_fetch_request_topic_v1(x_topics, w)


def _read_offset_fetch_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequest, int]:
    o = _new(OffsetFetchRequest)
    o.groups = []
    o.require_stable = False
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.topics = None
    else:
        if n * 6 > e - p:
            raise bad_length("OffsetFetchRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[OffsetFetchRequestTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_offset_fetch_request_topic_v1(b, p, e, c)
            l_topics.append(x_topics)
    return o, p


def _write_offset_fetch_request_v2(o: OffsetFetchRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_topics = o.topics
    if v_topics is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_topics)))
        for x_topics in v_topics:
            _write_offset_fetch_request_topic_v1(x_topics, w)


def _read_offset_fetch_request_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequest, int]:
    o = _new(OffsetFetchRequest)
    o.groups = []
    o.require_stable = False
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topics = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("OffsetFetchRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[OffsetFetchRequestTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_offset_fetch_request_topic_v6(b, p, e, c)
            l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_request_v6(o: OffsetFetchRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_topics = o.topics
    if v_topics is None:
        w(b"\0")
    else:
        n = len(v_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topics in v_topics:
            _write_offset_fetch_request_topic_v6(x_topics, w)
    w(b"\0")


def _read_offset_fetch_request_v7(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequest, int]:
    o = _new(OffsetFetchRequest)
    o.groups = []
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetFetchRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topics = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("OffsetFetchRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[OffsetFetchRequestTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_offset_fetch_request_topic_v6(b, p, e, c)
            l_topics.append(x_topics)
    o.require_stable, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_request_v7(o: OffsetFetchRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_topics = o.topics
    if v_topics is None:
        w(b"\0")
    else:
        n = len(v_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topics in v_topics:
            _write_offset_fetch_request_topic_v6(x_topics, w)
    w(_pack_tx(o.require_stable))


def _read_offset_fetch_request_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequest, int]:
    o = _new(OffsetFetchRequest)
    o.group_id = ""
    o.topics = []
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("OffsetFetchRequest.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[OffsetFetchRequestGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_offset_fetch_request_group_v8(b, p, e, c)
        l_groups.append(x_groups)
    o.require_stable, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_request_v8(o: OffsetFetchRequest, w: Write) -> None:
    v_groups = o.groups
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_offset_fetch_request_group_v8(x_groups, w)
    w(_pack_tx(o.require_stable))


def _read_offset_fetch_request_v9(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequest, int]:
    o = _new(OffsetFetchRequest)
    o.group_id = ""
    o.topics = []
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 8 > e - p:
        raise bad_length("OffsetFetchRequest.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[OffsetFetchRequestGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_offset_fetch_request_group_v9(b, p, e, c)
        l_groups.append(x_groups)
    o.require_stable, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_request_v9(o: OffsetFetchRequest, w: Write) -> None:
    v_groups = o.groups
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_offset_fetch_request_group_v9(x_groups, w)
    w(_pack_tx(o.require_stable))


def _read_offset_fetch_request_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchRequest, int]:
    o = _new(OffsetFetchRequest)
    o.group_id = ""
    o.topics = []
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 8 > e - p:
        raise bad_length("OffsetFetchRequest.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[OffsetFetchRequestGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_offset_fetch_request_group_v10(b, p, e, c)
        l_groups.append(x_groups)
    o.require_stable, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_request_v10(o: OffsetFetchRequest, w: Write) -> None:
    v_groups = o.groups
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_offset_fetch_request_group_v10(x_groups, w)
    w(_pack_tx(o.require_stable))


def _read_offset_fetch_response_partition_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponsePartition, int]:
    o = _new(OffsetFetchResponsePartition)
    o.committed_leader_epoch = -1
    o.partition_index, o.committed_offset, n = _unpack_iqh(b, p)
    p += 14
    if n < 0:
        o.metadata = None
    else:
        q = p + n
        if q > e:
            raise bad_length("OffsetFetchResponsePartition.metadata")
        o.metadata = b[p:q].decode()
        p = q
    (o.error_code,) = _unpack_h(b, p)
    p += 2
    return o, p


def _write_offset_fetch_response_partition_v1(o: OffsetFetchResponsePartition, w: Write) -> None:
    v_metadata = o.metadata
    if v_metadata is None:
        w(_pack_iqh(o.partition_index, o.committed_offset, -1))
    else:
        r_metadata = v_metadata.encode()
        w(_pack_iqh(o.partition_index, o.committed_offset, len(r_metadata)))
        w(r_metadata)
    w(_pack_h(o.error_code))


def _read_offset_fetch_response_partition_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponsePartition, int]:
    o = _new(OffsetFetchResponsePartition)
    o.partition_index, o.committed_offset, o.committed_leader_epoch, n = _unpack_iqih(b, p)
    p += 18
    if n < 0:
        o.metadata = None
    else:
        q = p + n
        if q > e:
            raise bad_length("OffsetFetchResponsePartition.metadata")
        o.metadata = b[p:q].decode()
        p = q
    (o.error_code,) = _unpack_h(b, p)
    p += 2
    return o, p


def _write_offset_fetch_response_partition_v5(o: OffsetFetchResponsePartition, w: Write) -> None:
    v_metadata = o.metadata
    if v_metadata is None:
        w(_pack_iqih(o.partition_index, o.committed_offset, o.committed_leader_epoch, -1))
    else:
        r_metadata = v_metadata.encode()
        w(_pack_iqih(o.partition_index, o.committed_offset, o.committed_leader_epoch, len(r_metadata)))
        w(r_metadata)
    w(_pack_h(o.error_code))


def _read_offset_fetch_response_partition_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponsePartition, int]:
    o = _new(OffsetFetchResponsePartition)
    o.partition_index, o.committed_offset, o.committed_leader_epoch, n = _unpack_iqiB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.metadata = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("OffsetFetchResponsePartition.metadata")
        o.metadata = b[p:q].decode()
        p = q
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_response_partition_v6(o: OffsetFetchResponsePartition, w: Write) -> None:
    v_metadata = o.metadata
    w(_pack_iqi(o.partition_index, o.committed_offset, o.committed_leader_epoch))
    if v_metadata is None:
        w(b"\0")
    else:
        r_metadata = v_metadata.encode()
        n = len(r_metadata) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_metadata)
    w(_pack_hx(o.error_code))


def _read_offset_fetch_response_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponseTopic, int]:
    o = _new(OffsetFetchResponseTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetFetchResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 16 > e - p:
        raise bad_length("OffsetFetchResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetFetchResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_fetch_response_partition_v1(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_offset_fetch_response_topic_v1(o: OffsetFetchResponseTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_offset_fetch_response_partition_v1(x_partitions, w)


def _read_offset_fetch_response_topic_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponseTopic, int]:
    o = _new(OffsetFetchResponseTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetFetchResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 20 > e - p:
        raise bad_length("OffsetFetchResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetFetchResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_fetch_response_partition_v5(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_offset_fetch_response_topic_v5(o: OffsetFetchResponseTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_offset_fetch_response_partition_v5(x_partitions, w)


def _read_offset_fetch_response_topic_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponseTopic, int]:
    o = _new(OffsetFetchResponseTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetFetchResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 20 > e - p:
        raise bad_length("OffsetFetchResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetFetchResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_fetch_response_partition_v6(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_response_topic_v6(o: OffsetFetchResponseTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_offset_fetch_response_partition_v6(x_partitions, w)
    w(b"\0")


def _read_offset_fetch_response_partitions_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponsePartitions, int]:
    o = _new(OffsetFetchResponsePartitions)
    o.partition_index, o.committed_offset, o.committed_leader_epoch, n = _unpack_iqiB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.metadata = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("OffsetFetchResponsePartitions.metadata")
        o.metadata = b[p:q].decode()
        p = q
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_response_partitions_v8(o: OffsetFetchResponsePartitions, w: Write) -> None:
    v_metadata = o.metadata
    w(_pack_iqi(o.partition_index, o.committed_offset, o.committed_leader_epoch))
    if v_metadata is None:
        w(b"\0")
    else:
        r_metadata = v_metadata.encode()
        n = len(r_metadata) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_metadata)
    w(_pack_hx(o.error_code))


def _read_offset_fetch_response_topics_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponseTopics, int]:
    o = _new(OffsetFetchResponseTopics)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetFetchResponseTopics.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 20 > e - p:
        raise bad_length("OffsetFetchResponseTopics.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetFetchResponsePartitions] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_fetch_response_partitions_v8(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_response_topics_v8(o: OffsetFetchResponseTopics, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_offset_fetch_response_partitions_v8(x_partitions, w)
    w(b"\0")


def _read_offset_fetch_response_topics_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponseTopics, int]:
    o = _new(OffsetFetchResponseTopics)
    o.name = ""
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 20 > e - p:
        raise bad_length("OffsetFetchResponseTopics.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetFetchResponsePartitions] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_fetch_response_partitions_v8(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_response_topics_v10(o: OffsetFetchResponseTopics, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_offset_fetch_response_partitions_v8(x_partitions, w)
    w(b"\0")


def _read_offset_fetch_response_group_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponseGroup, int]:
    o = _new(OffsetFetchResponseGroup)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetFetchResponseGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("OffsetFetchResponseGroup.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetFetchResponseTopics] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_fetch_response_topics_v8(b, p, e, c)
        l_topics.append(x_topics)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_response_group_v8(o: OffsetFetchResponseGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_offset_fetch_response_topics_v8(x_topics, w)
    w(_pack_hx(o.error_code))


def _read_offset_fetch_response_group_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponseGroup, int]:
    o = _new(OffsetFetchResponseGroup)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetFetchResponseGroup.group_id")
    o.group_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("OffsetFetchResponseGroup.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetFetchResponseTopics] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_fetch_response_topics_v10(b, p, e, c)
        l_topics.append(x_topics)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_response_group_v10(o: OffsetFetchResponseGroup, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_offset_fetch_response_topics_v10(x_topics, w)
    w(_pack_hx(o.error_code))


def _read_offset_fetch_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponse, int]:
    o = _new(OffsetFetchResponse)
    o.throttle_time_ms = 0
    o.error_code = 0
    o.groups = []
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetFetchResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetFetchResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_fetch_response_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_fetch_response_v1(o: OffsetFetchResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_offset_fetch_response_topic_v1(x_topics, w)


def _read_offset_fetch_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponse, int]:
    o = _new(OffsetFetchResponse)
    o.throttle_time_ms = 0
    o.groups = []
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetFetchResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetFetchResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_fetch_response_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    (o.error_code,) = _unpack_h(b, p)
    p += 2
    return o, p


def _write_offset_fetch_response_v2(o: OffsetFetchResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_offset_fetch_response_topic_v1(x_topics, w)
    w(_pack_h(o.error_code))


def _read_offset_fetch_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponse, int]:
    o = _new(OffsetFetchResponse)
    o.groups = []
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetFetchResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetFetchResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_fetch_response_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    (o.error_code,) = _unpack_h(b, p)
    p += 2
    return o, p


def _write_offset_fetch_response_v3(o: OffsetFetchResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ii(o.throttle_time_ms, len(v_topics)))
    for x_topics in v_topics:
        _write_offset_fetch_response_topic_v1(x_topics, w)
    w(_pack_h(o.error_code))


def _read_offset_fetch_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponse, int]:
    o = _new(OffsetFetchResponse)
    o.groups = []
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetFetchResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetFetchResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_fetch_response_topic_v5(b, p, e, c)
        l_topics.append(x_topics)
    (o.error_code,) = _unpack_h(b, p)
    p += 2
    return o, p


def _write_offset_fetch_response_v5(o: OffsetFetchResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ii(o.throttle_time_ms, len(v_topics)))
    for x_topics in v_topics:
        _write_offset_fetch_response_topic_v5(x_topics, w)
    w(_pack_h(o.error_code))


def _read_offset_fetch_response_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponse, int]:
    o = _new(OffsetFetchResponse)
    o.groups = []
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("OffsetFetchResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetFetchResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_fetch_response_topic_v6(b, p, e, c)
        l_topics.append(x_topics)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_response_v6(o: OffsetFetchResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.throttle_time_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_offset_fetch_response_topic_v6(x_topics, w)
    w(_pack_hx(o.error_code))


def _read_offset_fetch_response_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponse, int]:
    o = _new(OffsetFetchResponse)
    o.topics = []
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("OffsetFetchResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[OffsetFetchResponseGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_offset_fetch_response_group_v8(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_response_v8(o: OffsetFetchResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(o.throttle_time_ms))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_offset_fetch_response_group_v8(x_groups, w)
    w(b"\0")


def _read_offset_fetch_response_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetFetchResponse, int]:
    o = _new(OffsetFetchResponse)
    o.topics = []
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("OffsetFetchResponse.groups")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_groups: list[OffsetFetchResponseGroup] = []
    o.groups = l_groups
    for _ in range(n):
        x_groups, p = _read_offset_fetch_response_group_v10(b, p, e, c)
        l_groups.append(x_groups)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_fetch_response_v10(o: OffsetFetchResponse, w: Write) -> None:
    v_groups = o.groups
    w(_pack_i(o.throttle_time_ms))
    n = len(v_groups) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_groups in v_groups:
        _write_offset_fetch_response_group_v10(x_groups, w)
    w(b"\0")


OffsetFetchRequest.READERS = {
    1: _read_offset_fetch_request_v1,
    2: _read_offset_fetch_request_v2,
    3: _read_offset_fetch_request_v2,
    4: _read_offset_fetch_request_v2,
    5: _read_offset_fetch_request_v2,
    6: _read_offset_fetch_request_v6,
    7: _read_offset_fetch_request_v7,
    8: _read_offset_fetch_request_v8,
    9: _read_offset_fetch_request_v9,
    10: _read_offset_fetch_request_v10,
}

OffsetFetchRequest.WRITERS = {
    1: _write_offset_fetch_request_v1,
    2: _write_offset_fetch_request_v2,
    3: _write_offset_fetch_request_v2,
    4: _write_offset_fetch_request_v2,
    5: _write_offset_fetch_request_v2,
    6: _write_offset_fetch_request_v6,
    7: _write_offset_fetch_request_v7,
    8: _write_offset_fetch_request_v8,
    9: _write_offset_fetch_request_v9,
    10: _write_offset_fetch_request_v10,
}

OffsetFetchResponse.READERS = {
    1: _read_offset_fetch_response_v1,
    2: _read_offset_fetch_response_v2,
    3: _read_offset_fetch_response_v3,
    4: _read_offset_fetch_response_v3,
    5: _read_offset_fetch_response_v5,
    6: _read_offset_fetch_response_v6,
    7: _read_offset_fetch_response_v6,
    8: _read_offset_fetch_response_v8,
    9: _read_offset_fetch_response_v8,
    10: _read_offset_fetch_response_v10,
}

OffsetFetchResponse.WRITERS = {
    1: _write_offset_fetch_response_v1,
    2: _write_offset_fetch_response_v2,
    3: _write_offset_fetch_response_v3,
    4: _write_offset_fetch_response_v3,
    5: _write_offset_fetch_response_v5,
    6: _write_offset_fetch_response_v6,
    7: _write_offset_fetch_response_v6,
    8: _write_offset_fetch_response_v8,
    9: _write_offset_fetch_response_v8,
    10: _write_offset_fetch_response_v10,
}
