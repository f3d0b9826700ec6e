# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""AlterReplicaLogDirs: messages of all versions, with their codec."""

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
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class AlterReplicaLogDirTopic(Struct):
    """Part of AlterReplicaLogDirsRequest."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[int]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[int] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class AlterReplicaLogDir(Struct):
    """Part of AlterReplicaLogDirsRequest."""

    __slots__ = ("path", "topics",)
    path: str
    topics: list[AlterReplicaLogDirTopic]

    def __init__(
        self,
        *,
        path: str = "",
        topics: list[AlterReplicaLogDirTopic] = EMPTY,
    ) -> None:
        self.path = path
        self.topics = [] if topics is EMPTY else topics


class AlterReplicaLogDirsRequest(Message):
    """``AlterReplicaLogDirsRequest`` (API key 34), versions 1 to 2."""

    __slots__ = ("dirs",)
    dirs: list[AlterReplicaLogDir]

    API_KEY = 34
    MIN_VERSION = 1
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        dirs: list[AlterReplicaLogDir] = EMPTY,
    ) -> None:
        self.dirs = [] if dirs is EMPTY else dirs


class AlterReplicaLogDirPartitionResult(Struct):
    """Part of AlterReplicaLogDirsResponse."""

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


class AlterReplicaLogDirTopicResult(Struct):
    """Part of AlterReplicaLogDirsResponse."""

    __slots__ = ("topic_name", "partitions",)
    topic_name: str
    partitions: list[AlterReplicaLogDirPartitionResult]

    def __init__(
        self,
        *,
        topic_name: str = "",
        partitions: list[AlterReplicaLogDirPartitionResult] = EMPTY,
    ) -> None:
        self.topic_name = topic_name
        self.partitions = [] if partitions is EMPTY else partitions


class AlterReplicaLogDirsResponse(Message):
    """``AlterReplicaLogDirsResponse`` (API key 34), versions 1 to 2."""

    __slots__ = ("throttle_time_ms", "results",)
    throttle_time_ms: int
    results: list[AlterReplicaLogDirTopicResult]

    API_KEY = 34
    MIN_VERSION = 1
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        results: list[AlterReplicaLogDirTopicResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = [] if results is EMPTY else results


def _read_alter_replica_log_dir_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDirTopic, int]:
    o = _new(AlterReplicaLogDirTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AlterReplicaLogDirTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("AlterReplicaLogDirTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partitions = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_alter_replica_log_dir_topic_v1(o: AlterReplicaLogDirTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    n = len(v_partitions)
    w(INT32S[n](*v_partitions) if n < 16 else pack(f">{n}i", *v_partitions))


def _read_alter_replica_log_dir_topic_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDirTopic, int]:
    o = _new(AlterReplicaLogDirTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterReplicaLogDirTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("AlterReplicaLogDirTopic.partitions")
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


def _write_alter_replica_log_dir_topic_v2(o: AlterReplicaLogDirTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_alter_replica_log_dir_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDir, int]:
    o = _new(AlterReplicaLogDir)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AlterReplicaLogDir.path")
    o.path = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("AlterReplicaLogDir.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[AlterReplicaLogDirTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_alter_replica_log_dir_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_alter_replica_log_dir_v1(o: AlterReplicaLogDir, w: Write) -> None:
    v_path = o.path
    r_path = v_path.encode()
    w(_pack_h(len(r_path)))
    w(r_path)
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_alter_replica_log_dir_topic_v1(x_topics, w)


def _read_alter_replica_log_dir_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDir, int]:
    o = _new(AlterReplicaLogDir)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterReplicaLogDir.path")
    o.path = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterReplicaLogDir.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[AlterReplicaLogDirTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_alter_replica_log_dir_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_replica_log_dir_v2(o: AlterReplicaLogDir, w: Write) -> None:
    v_path = o.path
    r_path = v_path.encode()
    n = len(r_path) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_path)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_alter_replica_log_dir_topic_v2(x_topics, w)
    w(b"\0")


def _read_alter_replica_log_dirs_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDirsRequest, int]:
    o = _new(AlterReplicaLogDirsRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("AlterReplicaLogDirsRequest.dirs")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_dirs: list[AlterReplicaLogDir] = []
    o.dirs = l_dirs
    for _ in range(n):
        x_dirs, p = _read_alter_replica_log_dir_v1(b, p, e, c)
        l_dirs.append(x_dirs)
    return o, p


def _write_alter_replica_log_dirs_request_v1(o: AlterReplicaLogDirsRequest, w: Write) -> None:
    v_dirs = o.dirs
    w(_pack_i(len(v_dirs)))
    for x_dirs in v_dirs:
        _write_alter_replica_log_dir_v1(x_dirs, w)


def _read_alter_replica_log_dirs_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDirsRequest, int]:
    o = _new(AlterReplicaLogDirsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterReplicaLogDirsRequest.dirs")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_dirs: list[AlterReplicaLogDir] = []
    o.dirs = l_dirs
    for _ in range(n):
        x_dirs, p = _read_alter_replica_log_dir_v2(b, p, e, c)
        l_dirs.append(x_dirs)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_replica_log_dirs_request_v2(o: AlterReplicaLogDirsRequest, w: Write) -> None:
    v_dirs = o.dirs
    n = len(v_dirs) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_dirs in v_dirs:
        _write_alter_replica_log_dir_v2(x_dirs, w)
    w(b"\0")


def _read_alter_replica_log_dir_partition_result_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDirPartitionResult, int]:
    o = _new(AlterReplicaLogDirPartitionResult)
    o.partition_index, o.error_code = _unpack_ih(b, p)
    p += 6
    return o, p


def _write_alter_replica_log_dir_partition_result_v1(o: AlterReplicaLogDirPartitionResult, w: Write) -> None:
    w(_pack_ih(o.partition_index, o.error_code))


def _read_alter_replica_log_dir_partition_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDirPartitionResult, int]:
    o = _new(AlterReplicaLogDirPartitionResult)
    o.partition_index, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_replica_log_dir_partition_result_v2(o: AlterReplicaLogDirPartitionResult, w: Write) -> None:
    w(_pack_ihx(o.partition_index, o.error_code))


def _read_alter_replica_log_dir_topic_result_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDirTopicResult, int]:
    o = _new(AlterReplicaLogDirTopicResult)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AlterReplicaLogDirTopicResult.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("AlterReplicaLogDirTopicResult.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[AlterReplicaLogDirPartitionResult] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_alter_replica_log_dir_partition_result_v1(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_alter_replica_log_dir_topic_result_v1(o: AlterReplicaLogDirTopicResult, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    w(_pack_h(len(r_topic_name)))
    w(r_topic_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_alter_replica_log_dir_partition_result_v1(x_partitions, w)


def _read_alter_replica_log_dir_topic_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDirTopicResult, int]:
    o = _new(AlterReplicaLogDirTopicResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterReplicaLogDirTopicResult.topic_name")
    o.topic_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 7 > e - p:
        raise bad_length("AlterReplicaLogDirTopicResult.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[AlterReplicaLogDirPartitionResult] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_alter_replica_log_dir_partition_result_v2(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_replica_log_dir_topic_result_v2(o: AlterReplicaLogDirTopicResult, w: Write) -> None:
    v_topic_name = o.topic_name
    r_topic_name = v_topic_name.encode()
    n = len(r_topic_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_alter_replica_log_dir_partition_result_v2(x_partitions, w)
    w(b"\0")


def _read_alter_replica_log_dirs_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDirsResponse, int]:
    o = _new(AlterReplicaLogDirsResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 6 > e - p:
        raise bad_length("AlterReplicaLogDirsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[AlterReplicaLogDirTopicResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_alter_replica_log_dir_topic_result_v1(b, p, e, c)
        l_results.append(x_results)
    return o, p


def _write_alter_replica_log_dirs_response_v1(o: AlterReplicaLogDirsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_ii(o.throttle_time_ms, len(v_results)))
    for x_results in v_results:
        _write_alter_replica_log_dir_topic_result_v1(x_results, w)


def _read_alter_replica_log_dirs_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterReplicaLogDirsResponse, int]:
    o = _new(AlterReplicaLogDirsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterReplicaLogDirsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[AlterReplicaLogDirTopicResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_alter_replica_log_dir_topic_result_v2(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_replica_log_dirs_response_v2(o: AlterReplicaLogDirsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_i(o.throttle_time_ms))
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_alter_replica_log_dir_topic_result_v2(x_results, w)
    w(b"\0")


AlterReplicaLogDirsRequest.READERS = {
    1: _read_alter_replica_log_dirs_request_v1,
    2: _read_alter_replica_log_dirs_request_v2,
}

AlterReplicaLogDirsRequest.WRITERS = {
    1: _write_alter_replica_log_dirs_request_v1,
    2: _write_alter_replica_log_dirs_request_v2,
}

AlterReplicaLogDirsResponse.READERS = {
    1: _read_alter_replica_log_dirs_response_v1,
    2: _read_alter_replica_log_dirs_response_v2,
}

AlterReplicaLogDirsResponse.WRITERS = {
    1: _write_alter_replica_log_dirs_response_v1,
    2: _write_alter_replica_log_dirs_response_v2,
}
