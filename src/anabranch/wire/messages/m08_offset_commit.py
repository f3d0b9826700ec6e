# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""OffsetCommit: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
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
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ihx = Struct_(">ihx").pack
_pack_ii = Struct_(">ii").pack
_pack_iqh = Struct_(">iqh").pack
_pack_iqi = Struct_(">iqi").pack
_pack_iqih = Struct_(">iqih").pack
_pack_qi = Struct_(">qi").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from
_unpack_iqh = Struct_(">iqh").unpack_from
_unpack_iqiB = Struct_(">iqiB").unpack_from
_unpack_iqih = Struct_(">iqih").unpack_from
_unpack_qi = Struct_(">qi").unpack_from


class OffsetCommitRequestPartition(Struct):
    """Part of OffsetCommitRequest."""

    __slots__ = ("partition_index", "committed_offset", "committed_leader_epoch", "committed_metadata",)
    partition_index: int
    committed_offset: int
    committed_leader_epoch: int
    committed_metadata: str | None

    def __init__(
        self,
        *,
        partition_index: int = 0,
        committed_offset: int = 0,
        committed_leader_epoch: int = -1,
        committed_metadata: str | None = "",
    ) -> None:
        self.partition_index = partition_index
        self.committed_offset = committed_offset
        self.committed_leader_epoch = committed_leader_epoch
        self.committed_metadata = committed_metadata


class OffsetCommitRequestTopic(Struct):
    """Part of OffsetCommitRequest."""

    __slots__ = ("name", "topic_id", "partitions",)
    name: str
    topic_id: bytes
    partitions: list[OffsetCommitRequestPartition]

    def __init__(
        self,
        *,
        name: str = "",
        topic_id: bytes = ZERO_UUID,
        partitions: list[OffsetCommitRequestPartition] = EMPTY,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class OffsetCommitRequest(Message):
    """``OffsetCommitRequest`` (API key 8), versions 2 to 10."""

    __slots__ = ("group_id", "generation_id_or_member_epoch", "member_id", "group_instance_id", "retention_time_ms", "topics",)
    group_id: str
    generation_id_or_member_epoch: int
    member_id: str
    group_instance_id: str | None
    retention_time_ms: int
    topics: list[OffsetCommitRequestTopic]

    API_KEY = 8
    MIN_VERSION = 2
    MAX_VERSION = 10
    FIRST_FLEXIBLE = 8

    def __init__(
        self,
        *,
        group_id: str = "",
        generation_id_or_member_epoch: int = -1,
        member_id: str = "",
        group_instance_id: str | None = None,
        retention_time_ms: int = -1,
        topics: list[OffsetCommitRequestTopic] = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.generation_id_or_member_epoch = generation_id_or_member_epoch
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.retention_time_ms = retention_time_ms
        self.topics = [] if topics is EMPTY else topics


class OffsetCommitResponsePartition(Struct):
    """Part of OffsetCommitResponse."""

    __slots__ = ("partition_index", "error_code",)
    partition_index: int
    error_code: int

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code


class OffsetCommitResponseTopic(Struct):
    """Part of OffsetCommitResponse."""

    __slots__ = ("name", "topic_id", "partitions",)
    name: str
    topic_id: bytes
    partitions: list[OffsetCommitResponsePartition]

    def __init__(
        self,
        *,
        name: str = "",
        topic_id: bytes = ZERO_UUID,
        partitions: list[OffsetCommitResponsePartition] = EMPTY,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions = [] if partitions is EMPTY else partitions


class OffsetCommitResponse(Message):
    """``OffsetCommitResponse`` (API key 8), versions 2 to 10."""

    __slots__ = ("throttle_time_ms", "topics",)
    throttle_time_ms: int
    topics: list[OffsetCommitResponseTopic]

    API_KEY = 8
    MIN_VERSION = 2
    MAX_VERSION = 10
    FIRST_FLEXIBLE = 8

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        topics: list[OffsetCommitResponseTopic] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = [] if topics is EMPTY else topics


def _read_offset_commit_request_partition_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequestPartition, int]:
    o = _new(OffsetCommitRequestPartition)
    o.committed_leader_epoch = -1
    o.partition_index, o.committed_offset, n = _unpack_iqh(b, p)
    p += 14
    if n < 0:
        o.committed_metadata = None
    else:
        q = p + n
        if q > e:
            raise bad_length("OffsetCommitRequestPartition.committed_metadata")
        o.committed_metadata = b[p:q].decode()
        p = q
    return o, p


def _write_offset_commit_request_partition_v2(o: OffsetCommitRequestPartition, w: Write) -> None:
    v_committed_metadata = o.committed_metadata
    if v_committed_metadata is None:
        w(_pack_iqh(o.partition_index, o.committed_offset, -1))
    else:
        r_committed_metadata = v_committed_metadata.encode()
        w(_pack_iqh(o.partition_index, o.committed_offset, len(r_committed_metadata)))
        w(r_committed_metadata)


def _read_offset_commit_request_partition_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequestPartition, int]:
    o = _new(OffsetCommitRequestPartition)
    o.partition_index, o.committed_offset, o.committed_leader_epoch, n = _unpack_iqih(b, p)
    p += 18
    if n < 0:
        o.committed_metadata = None
    else:
        q = p + n
        if q > e:
            raise bad_length("OffsetCommitRequestPartition.committed_metadata")
        o.committed_metadata = b[p:q].decode()
        p = q
    return o, p


def _write_offset_commit_request_partition_v6(o: OffsetCommitRequestPartition, w: Write) -> None:
    v_committed_metadata = o.committed_metadata
    if v_committed_metadata is None:
        w(_pack_iqih(o.partition_index, o.committed_offset, o.committed_leader_epoch, -1))
    else:
        r_committed_metadata = v_committed_metadata.encode()
        w(_pack_iqih(o.partition_index, o.committed_offset, o.committed_leader_epoch, len(r_committed_metadata)))
        w(r_committed_metadata)


def _read_offset_commit_request_partition_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequestPartition, int]:
    o = _new(OffsetCommitRequestPartition)
    o.partition_index, o.committed_offset, o.committed_leader_epoch, n = _unpack_iqiB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.committed_metadata = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("OffsetCommitRequestPartition.committed_metadata")
        o.committed_metadata = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_commit_request_partition_v8(o: OffsetCommitRequestPartition, w: Write) -> None:
    v_committed_metadata = o.committed_metadata
    w(_pack_iqi(o.partition_index, o.committed_offset, o.committed_leader_epoch))
    if v_committed_metadata is None:
        w(b"\0")
    else:
        r_committed_metadata = v_committed_metadata.encode()
        n = len(r_committed_metadata) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_committed_metadata)
    w(b"\0")


def _read_offset_commit_request_topic_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequestTopic, int]:
    o = _new(OffsetCommitRequestTopic)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequestTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 14 > e - p:
        raise bad_length("OffsetCommitRequestTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetCommitRequestPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_commit_request_partition_v2(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_offset_commit_request_topic_v2(o: OffsetCommitRequestTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_offset_commit_request_partition_v2(x_partitions, w)


def _read_offset_commit_request_topic_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequestTopic, int]:
    o = _new(OffsetCommitRequestTopic)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequestTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 18 > e - p:
        raise bad_length("OffsetCommitRequestTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetCommitRequestPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_commit_request_partition_v6(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_offset_commit_request_topic_v6(o: OffsetCommitRequestTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_offset_commit_request_partition_v6(x_partitions, w)


def _read_offset_commit_request_topic_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequestTopic, int]:
    o = _new(OffsetCommitRequestTopic)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequestTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("OffsetCommitRequestTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetCommitRequestPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_commit_request_partition_v8(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_commit_request_topic_v8(o: OffsetCommitRequestTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_offset_commit_request_partition_v8(x_partitions, w)
    w(b"\0")


def _read_offset_commit_request_topic_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequestTopic, int]:
    o = _new(OffsetCommitRequestTopic)
    o.name = ""
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("OffsetCommitRequestTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetCommitRequestPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_commit_request_partition_v8(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_commit_request_topic_v10(o: OffsetCommitRequestTopic, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_offset_commit_request_partition_v8(x_partitions, w)
    w(b"\0")


def _read_offset_commit_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequest, int]:
    o = _new(OffsetCommitRequest)
    o.group_instance_id = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id_or_member_epoch, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    o.retention_time_ms, n = _unpack_qi(b, p)
    p += 12
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetCommitRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetCommitRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_commit_request_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_commit_request_v2(o: OffsetCommitRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_ih(o.generation_id_or_member_epoch, len(r_member_id)))
    w(r_member_id)
    v_topics = o.topics
    w(_pack_qi(o.retention_time_ms, len(v_topics)))
    for x_topics in v_topics:
        _write_offset_commit_request_topic_v2(x_topics, w)


def _read_offset_commit_request_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequest, int]:
    o = _new(OffsetCommitRequest)
    o.group_instance_id = None
    o.retention_time_ms = -1
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id_or_member_epoch, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetCommitRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetCommitRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_commit_request_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_commit_request_v5(o: OffsetCommitRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_ih(o.generation_id_or_member_epoch, len(r_member_id)))
    w(r_member_id)
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_offset_commit_request_topic_v2(x_topics, w)


def _read_offset_commit_request_v6(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequest, int]:
    o = _new(OffsetCommitRequest)
    o.group_instance_id = None
    o.retention_time_ms = -1
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id_or_member_epoch, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetCommitRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetCommitRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_commit_request_topic_v6(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_commit_request_v6(o: OffsetCommitRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_ih(o.generation_id_or_member_epoch, len(r_member_id)))
    w(r_member_id)
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_offset_commit_request_topic_v6(x_topics, w)


def _read_offset_commit_request_v7(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequest, int]:
    o = _new(OffsetCommitRequest)
    o.retention_time_ms = -1
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id_or_member_epoch, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.group_instance_id = None
    else:
        q = p + n
        if q > e:
            raise bad_length("OffsetCommitRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetCommitRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetCommitRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_commit_request_topic_v6(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_commit_request_v7(o: OffsetCommitRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_member_id = o.member_id
    r_member_id = v_member_id.encode()
    w(_pack_ih(o.generation_id_or_member_epoch, len(r_member_id)))
    w(r_member_id)
    v_group_instance_id = o.group_instance_id
    if v_group_instance_id is None:
        w(_pack_h(-1))
    else:
        r_group_instance_id = v_group_instance_id.encode()
        w(_pack_h(len(r_group_instance_id)))
        w(r_group_instance_id)
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_offset_commit_request_topic_v6(x_topics, w)


def _read_offset_commit_request_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequest, int]:
    o = _new(OffsetCommitRequest)
    o.retention_time_ms = -1
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id_or_member_epoch, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.group_instance_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("OffsetCommitRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("OffsetCommitRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetCommitRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_commit_request_topic_v8(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_commit_request_v8(o: OffsetCommitRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_member_id = o.member_id
    w(_pack_i(o.generation_id_or_member_epoch))
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_group_instance_id = o.group_instance_id
    if v_group_instance_id is None:
        w(b"\0")
    else:
        r_group_instance_id = v_group_instance_id.encode()
        n = len(r_group_instance_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_group_instance_id)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_offset_commit_request_topic_v8(x_topics, w)
    w(b"\0")


def _read_offset_commit_request_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitRequest, int]:
    o = _new(OffsetCommitRequest)
    o.retention_time_ms = -1
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.generation_id_or_member_epoch, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetCommitRequest.member_id")
    o.member_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.group_instance_id = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("OffsetCommitRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("OffsetCommitRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetCommitRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_commit_request_topic_v10(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_commit_request_v10(o: OffsetCommitRequest, w: Write) -> None:
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_member_id = o.member_id
    w(_pack_i(o.generation_id_or_member_epoch))
    r_member_id = v_member_id.encode()
    n = len(r_member_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_member_id)
    v_group_instance_id = o.group_instance_id
    if v_group_instance_id is None:
        w(b"\0")
    else:
        r_group_instance_id = v_group_instance_id.encode()
        n = len(r_group_instance_id) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_group_instance_id)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_offset_commit_request_topic_v10(x_topics, w)
    w(b"\0")


def _read_offset_commit_response_partition_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitResponsePartition, int]:
    o = _new(OffsetCommitResponsePartition)
    o.partition_index, o.error_code = _unpack_ih(b, p)
    p += 6
    return o, p


def _write_offset_commit_response_partition_v2(o: OffsetCommitResponsePartition, w: Write) -> None:
    w(_pack_ih(o.partition_index, o.error_code))


def _read_offset_commit_response_partition_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitResponsePartition, int]:
    o = _new(OffsetCommitResponsePartition)
    o.partition_index, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_commit_response_partition_v8(o: OffsetCommitResponsePartition, w: Write) -> None:
    w(_pack_ihx(o.partition_index, o.error_code))


def _read_offset_commit_response_topic_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitResponseTopic, int]:
    o = _new(OffsetCommitResponseTopic)
    o.topic_id = ZERO_UUID
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OffsetCommitResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetCommitResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetCommitResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_commit_response_partition_v2(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_offset_commit_response_topic_v2(o: OffsetCommitResponseTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_offset_commit_response_partition_v2(x_partitions, w)


def _read_offset_commit_response_topic_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitResponseTopic, int]:
    o = _new(OffsetCommitResponseTopic)
    o.topic_id = ZERO_UUID
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OffsetCommitResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 7 > e - p:
        raise bad_length("OffsetCommitResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetCommitResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_commit_response_partition_v8(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_commit_response_topic_v8(o: OffsetCommitResponseTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_offset_commit_response_partition_v8(x_partitions, w)
    w(b"\0")


def _read_offset_commit_response_topic_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitResponseTopic, int]:
    o = _new(OffsetCommitResponseTopic)
    o.name = ""
    o.topic_id, n = _unpack_16sB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 7 > e - p:
        raise bad_length("OffsetCommitResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[OffsetCommitResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_offset_commit_response_partition_v8(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_commit_response_topic_v10(o: OffsetCommitResponseTopic, w: Write) -> None:
    v_partitions = o.partitions
    w(_pack_16s(o.topic_id))
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_offset_commit_response_partition_v8(x_partitions, w)
    w(b"\0")


def _read_offset_commit_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitResponse, int]:
    o = _new(OffsetCommitResponse)
    o.throttle_time_ms = 0
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetCommitResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetCommitResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_commit_response_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_commit_response_v2(o: OffsetCommitResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_offset_commit_response_topic_v2(x_topics, w)


def _read_offset_commit_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitResponse, int]:
    o = _new(OffsetCommitResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("OffsetCommitResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetCommitResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_commit_response_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_offset_commit_response_v3(o: OffsetCommitResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ii(o.throttle_time_ms, len(v_topics)))
    for x_topics in v_topics:
        _write_offset_commit_response_topic_v2(x_topics, w)


def _read_offset_commit_response_v8(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitResponse, int]:
    o = _new(OffsetCommitResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("OffsetCommitResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetCommitResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_commit_response_topic_v8(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_commit_response_v8(o: OffsetCommitResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.throttle_time_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_offset_commit_response_topic_v8(x_topics, w)
    w(b"\0")


def _read_offset_commit_response_v10(b: bytes, p: int, e: int, c: Allowance) -> tuple[OffsetCommitResponse, int]:
    o = _new(OffsetCommitResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("OffsetCommitResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[OffsetCommitResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_offset_commit_response_topic_v10(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_offset_commit_response_v10(o: OffsetCommitResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.throttle_time_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_offset_commit_response_topic_v10(x_topics, w)
    w(b"\0")


OffsetCommitRequest.READERS = {
    2: _read_offset_commit_request_v2,
    3: _read_offset_commit_request_v2,
    4: _read_offset_commit_request_v2,
    5: _read_offset_commit_request_v5,
    6: _read_offset_commit_request_v6,
    7: _read_offset_commit_request_v7,
    8: _read_offset_commit_request_v8,
    9: _read_offset_commit_request_v8,
    10: _read_offset_commit_request_v10,
}

OffsetCommitRequest.WRITERS = {
    2: _write_offset_commit_request_v2,
    3: _write_offset_commit_request_v2,
    4: _write_offset_commit_request_v2,
    5: _write_offset_commit_request_v5,
    6: _write_offset_commit_request_v6,
    7: _write_offset_commit_request_v7,
    8: _write_offset_commit_request_v8,
    9: _write_offset_commit_request_v8,
    10: _write_offset_commit_request_v10,
}

OffsetCommitResponse.READERS = {
    2: _read_offset_commit_response_v2,
    3: _read_offset_commit_response_v3,
    4: _read_offset_commit_response_v3,
    5: _read_offset_commit_response_v3,
    6: _read_offset_commit_response_v3,
    7: _read_offset_commit_response_v3,
    8: _read_offset_commit_response_v8,
    9: _read_offset_commit_response_v8,
    10: _read_offset_commit_response_v10,
}

OffsetCommitResponse.WRITERS = {
    2: _write_offset_commit_response_v2,
    3: _write_offset_commit_response_v3,
    4: _write_offset_commit_response_v3,
    5: _write_offset_commit_response_v3,
    6: _write_offset_commit_response_v3,
    7: _write_offset_commit_response_v3,
    8: _write_offset_commit_response_v8,
    9: _write_offset_commit_response_v8,
    10: _write_offset_commit_response_v10,
}
