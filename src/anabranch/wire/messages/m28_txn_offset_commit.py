# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""TxnOffsetCommit: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
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
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ihx = Struct_(">ihx").pack
_pack_ii = Struct_(">ii").pack
_pack_iqh = Struct_(">iqh").pack
_pack_iqi = Struct_(">iqi").pack
_pack_iqih = Struct_(">iqih").pack
_pack_qhi = Struct_(">qhi").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from
_unpack_iqh = Struct_(">iqh").unpack_from
_unpack_iqiB = Struct_(">iqiB").unpack_from
_unpack_iqih = Struct_(">iqih").unpack_from
_unpack_qhi = Struct_(">qhi").unpack_from
_unpack_qhiB = Struct_(">qhiB").unpack_from


class TxnOffsetCommitRequestPartition(Struct):
    """Part of TxnOffsetCommitRequest."""

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


class TxnOffsetCommitRequestTopic(Struct):
    """Part of TxnOffsetCommitRequest."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[TxnOffsetCommitRequestPartition]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[TxnOffsetCommitRequestPartition] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class TxnOffsetCommitRequest(Message):
    """``TxnOffsetCommitRequest`` (API key 28), versions 0 to 5."""

    __slots__ = ("transactional_id", "group_id", "producer_id", "producer_epoch", "generation_id", "member_id", "group_instance_id", "topics",)
    transactional_id: str
    group_id: str
    producer_id: int
    producer_epoch: int
    generation_id: int
    member_id: str
    group_instance_id: str | None
    topics: list[TxnOffsetCommitRequestTopic]

    API_KEY = 28
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        transactional_id: str = "",
        group_id: str = "",
        producer_id: int = 0,
        producer_epoch: int = 0,
        generation_id: int = -1,
        member_id: str = "",
        group_instance_id: str | None = None,
        topics: list[TxnOffsetCommitRequestTopic] = EMPTY,
    ) -> None:
        self.transactional_id = transactional_id
        self.group_id = group_id
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.generation_id = generation_id
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.topics = [] if topics is EMPTY else topics


class TxnOffsetCommitResponsePartition(Struct):
    """Part of TxnOffsetCommitResponse."""

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


class TxnOffsetCommitResponseTopic(Struct):
    """Part of TxnOffsetCommitResponse."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[TxnOffsetCommitResponsePartition]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[TxnOffsetCommitResponsePartition] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class TxnOffsetCommitResponse(Message):
    """``TxnOffsetCommitResponse`` (API key 28), versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "topics",)
    throttle_time_ms: int
    topics: list[TxnOffsetCommitResponseTopic]

    API_KEY = 28
    MIN_VERSION = 0
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        topics: list[TxnOffsetCommitResponseTopic] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = [] if topics is EMPTY else topics


def _read_txn_offset_commit_request_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitRequestPartition, int]:
    o = _new(TxnOffsetCommitRequestPartition)
    o.committed_leader_epoch = -1
    o.partition_index, o.committed_offset, n = _unpack_iqh(b, p)
    p += 14
    if n < 0:
        o.committed_metadata = None
    else:
        q = p + n
        if q > e:
            raise bad_length("TxnOffsetCommitRequestPartition.committed_metadata")
        o.committed_metadata = b[p:q].decode()
        p = q
    return o, p


def _write_txn_offset_commit_request_partition_v0(o: TxnOffsetCommitRequestPartition, w: Write) -> None:
    v_committed_metadata = o.committed_metadata
    if v_committed_metadata is None:
        w(_pack_iqh(o.partition_index, o.committed_offset, -1))
    else:
        r_committed_metadata = v_committed_metadata.encode()
        w(_pack_iqh(o.partition_index, o.committed_offset, len(r_committed_metadata)))
        w(r_committed_metadata)


def _read_txn_offset_commit_request_partition_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitRequestPartition, int]:
    o = _new(TxnOffsetCommitRequestPartition)
    o.partition_index, o.committed_offset, o.committed_leader_epoch, n = _unpack_iqih(b, p)
    p += 18
    if n < 0:
        o.committed_metadata = None
    else:
        q = p + n
        if q > e:
            raise bad_length("TxnOffsetCommitRequestPartition.committed_metadata")
        o.committed_metadata = b[p:q].decode()
        p = q
    return o, p


def _write_txn_offset_commit_request_partition_v2(o: TxnOffsetCommitRequestPartition, w: Write) -> None:
    v_committed_metadata = o.committed_metadata
    if v_committed_metadata is None:
        w(_pack_iqih(o.partition_index, o.committed_offset, o.committed_leader_epoch, -1))
    else:
        r_committed_metadata = v_committed_metadata.encode()
        w(_pack_iqih(o.partition_index, o.committed_offset, o.committed_leader_epoch, len(r_committed_metadata)))
        w(r_committed_metadata)


def _read_txn_offset_commit_request_partition_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitRequestPartition, int]:
    o = _new(TxnOffsetCommitRequestPartition)
    o.partition_index, o.committed_offset, o.committed_leader_epoch, n = _unpack_iqiB(b, p)
    p += 17
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.committed_metadata = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("TxnOffsetCommitRequestPartition.committed_metadata")
        o.committed_metadata = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_txn_offset_commit_request_partition_v3(o: TxnOffsetCommitRequestPartition, w: Write) -> None:
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


def _read_txn_offset_commit_request_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitRequestTopic, int]:
    o = _new(TxnOffsetCommitRequestTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitRequestTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 14 > e - p:
        raise bad_length("TxnOffsetCommitRequestTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[TxnOffsetCommitRequestPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_txn_offset_commit_request_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_txn_offset_commit_request_topic_v0(o: TxnOffsetCommitRequestTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_txn_offset_commit_request_partition_v0(x_partitions, w)


def _read_txn_offset_commit_request_topic_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitRequestTopic, int]:
    o = _new(TxnOffsetCommitRequestTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitRequestTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 18 > e - p:
        raise bad_length("TxnOffsetCommitRequestTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[TxnOffsetCommitRequestPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_txn_offset_commit_request_partition_v2(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_txn_offset_commit_request_topic_v2(o: TxnOffsetCommitRequestTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_txn_offset_commit_request_partition_v2(x_partitions, w)


def _read_txn_offset_commit_request_topic_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitRequestTopic, int]:
    o = _new(TxnOffsetCommitRequestTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitRequestTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 18 > e - p:
        raise bad_length("TxnOffsetCommitRequestTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[TxnOffsetCommitRequestPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_txn_offset_commit_request_partition_v3(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_txn_offset_commit_request_topic_v3(o: TxnOffsetCommitRequestTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_txn_offset_commit_request_partition_v3(x_partitions, w)
    w(b"\0")


def _read_txn_offset_commit_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitRequest, int]:
    o = _new(TxnOffsetCommitRequest)
    o.generation_id = -1
    o.member_id = ""
    o.group_instance_id = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitRequest.transactional_id")
    o.transactional_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.producer_id, o.producer_epoch, n = _unpack_qhi(b, p)
    p += 14
    if n < 0 or n * 6 > e - p:
        raise bad_length("TxnOffsetCommitRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[TxnOffsetCommitRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_txn_offset_commit_request_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_txn_offset_commit_request_v0(o: TxnOffsetCommitRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    r_transactional_id = v_transactional_id.encode()
    w(_pack_h(len(r_transactional_id)))
    w(r_transactional_id)
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_topics = o.topics
    w(_pack_qhi(o.producer_id, o.producer_epoch, len(v_topics)))
    for x_topics in v_topics:
        _write_txn_offset_commit_request_topic_v0(x_topics, w)


def _read_txn_offset_commit_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitRequest, int]:
    o = _new(TxnOffsetCommitRequest)
    o.generation_id = -1
    o.member_id = ""
    o.group_instance_id = None
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitRequest.transactional_id")
    o.transactional_id = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.producer_id, o.producer_epoch, n = _unpack_qhi(b, p)
    p += 14
    if n < 0 or n * 6 > e - p:
        raise bad_length("TxnOffsetCommitRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[TxnOffsetCommitRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_txn_offset_commit_request_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_txn_offset_commit_request_v2(o: TxnOffsetCommitRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    r_transactional_id = v_transactional_id.encode()
    w(_pack_h(len(r_transactional_id)))
    w(r_transactional_id)
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    w(_pack_h(len(r_group_id)))
    w(r_group_id)
    v_topics = o.topics
    w(_pack_qhi(o.producer_id, o.producer_epoch, len(v_topics)))
    for x_topics in v_topics:
        _write_txn_offset_commit_request_topic_v2(x_topics, w)


def _read_txn_offset_commit_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitRequest, int]:
    o = _new(TxnOffsetCommitRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitRequest.transactional_id")
    o.transactional_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitRequest.group_id")
    o.group_id = b[p:q].decode()
    p = q
    o.producer_id, o.producer_epoch, o.generation_id, n = _unpack_qhiB(b, p)
    p += 15
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitRequest.member_id")
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
            raise bad_length("TxnOffsetCommitRequest.group_instance_id")
        o.group_instance_id = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("TxnOffsetCommitRequest.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[TxnOffsetCommitRequestTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_txn_offset_commit_request_topic_v3(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_txn_offset_commit_request_v3(o: TxnOffsetCommitRequest, w: Write) -> None:
    v_transactional_id = o.transactional_id
    r_transactional_id = v_transactional_id.encode()
    n = len(r_transactional_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_transactional_id)
    v_group_id = o.group_id
    r_group_id = v_group_id.encode()
    n = len(r_group_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_group_id)
    v_member_id = o.member_id
    w(_pack_qhi(o.producer_id, o.producer_epoch, o.generation_id))
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
        _write_txn_offset_commit_request_topic_v3(x_topics, w)
    w(b"\0")


def _read_txn_offset_commit_response_partition_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitResponsePartition, int]:
    o = _new(TxnOffsetCommitResponsePartition)
    o.partition_index, o.error_code = _unpack_ih(b, p)
    p += 6
    return o, p


def _write_txn_offset_commit_response_partition_v0(o: TxnOffsetCommitResponsePartition, w: Write) -> None:
    w(_pack_ih(o.partition_index, o.error_code))


def _read_txn_offset_commit_response_partition_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitResponsePartition, int]:
    o = _new(TxnOffsetCommitResponsePartition)
    o.partition_index, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_txn_offset_commit_response_partition_v3(o: TxnOffsetCommitResponsePartition, w: Write) -> None:
    w(_pack_ihx(o.partition_index, o.error_code))


def _read_txn_offset_commit_response_topic_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitResponseTopic, int]:
    o = _new(TxnOffsetCommitResponseTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("TxnOffsetCommitResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[TxnOffsetCommitResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_txn_offset_commit_response_partition_v0(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_txn_offset_commit_response_topic_v0(o: TxnOffsetCommitResponseTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_txn_offset_commit_response_partition_v0(x_partitions, w)


def _read_txn_offset_commit_response_topic_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitResponseTopic, int]:
    o = _new(TxnOffsetCommitResponseTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("TxnOffsetCommitResponseTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 7 > e - p:
        raise bad_length("TxnOffsetCommitResponseTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[TxnOffsetCommitResponsePartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_txn_offset_commit_response_partition_v3(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_txn_offset_commit_response_topic_v3(o: TxnOffsetCommitResponseTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_txn_offset_commit_response_partition_v3(x_partitions, w)
    w(b"\0")


def _read_txn_offset_commit_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitResponse, int]:
    o = _new(TxnOffsetCommitResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("TxnOffsetCommitResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[TxnOffsetCommitResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_txn_offset_commit_response_topic_v0(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_txn_offset_commit_response_v0(o: TxnOffsetCommitResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_ii(o.throttle_time_ms, len(v_topics)))
    for x_topics in v_topics:
        _write_txn_offset_commit_response_topic_v0(x_topics, w)


def _read_txn_offset_commit_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[TxnOffsetCommitResponse, int]:
    o = _new(TxnOffsetCommitResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("TxnOffsetCommitResponse.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[TxnOffsetCommitResponseTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_txn_offset_commit_response_topic_v3(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_txn_offset_commit_response_v3(o: TxnOffsetCommitResponse, w: Write) -> None:
    v_topics = o.topics
    w(_pack_i(o.throttle_time_ms))
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_txn_offset_commit_response_topic_v3(x_topics, w)
    w(b"\0")


TxnOffsetCommitRequest.READERS = {
    0: _read_txn_offset_commit_request_v0,
    1: _read_txn_offset_commit_request_v0,
    2: _read_txn_offset_commit_request_v2,
    3: _read_txn_offset_commit_request_v3,
    4: _read_txn_offset_commit_request_v3,
    5: _read_txn_offset_commit_request_v3,
}

TxnOffsetCommitRequest.WRITERS = {
    0: _write_txn_offset_commit_request_v0,
    1: _write_txn_offset_commit_request_v0,
    2: _write_txn_offset_commit_request_v2,
    3: _write_txn_offset_commit_request_v3,
    4: _write_txn_offset_commit_request_v3,
    5: _write_txn_offset_commit_request_v3,
}

TxnOffsetCommitResponse.READERS = {
    0: _read_txn_offset_commit_response_v0,
    1: _read_txn_offset_commit_response_v0,
    2: _read_txn_offset_commit_response_v0,
    3: _read_txn_offset_commit_response_v3,
    4: _read_txn_offset_commit_response_v3,
    5: _read_txn_offset_commit_response_v3,
}

TxnOffsetCommitResponse.WRITERS = {
    0: _write_txn_offset_commit_response_v0,
    1: _write_txn_offset_commit_response_v0,
    2: _write_txn_offset_commit_response_v0,
    3: _write_txn_offset_commit_response_v3,
    4: _write_txn_offset_commit_response_v3,
    5: _write_txn_offset_commit_response_v3,
}
