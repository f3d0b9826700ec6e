# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeLogDirs: messages of all versions, with their codec."""

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
_pack_hh = Struct_(">hh").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ii = Struct_(">ii").pack
_pack_iqqt = Struct_(">iqq?").pack
_pack_iqqtx = Struct_(">iqq?x").pack
_pack_qqtx = Struct_(">qq?x").pack
_pack_qqx = Struct_(">qqx").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hh = Struct_(">hh").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from
_unpack_iqqt = Struct_(">iqq?").unpack_from
_unpack_iqqtB = Struct_(">iqq?B").unpack_from
_unpack_qqtB = Struct_(">qq?B").unpack_from
_unpack_qqB = Struct_(">qqB").unpack_from


class DescribableLogDirTopic(Struct):
    """Part of DescribeLogDirsRequest."""

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


class DescribeLogDirsRequest(Message):
    """``DescribeLogDirsRequest`` (API key 35), versions 1 to 5."""

    __slots__ = ("topics",)
    topics: list[DescribableLogDirTopic] | None

    API_KEY = 35
    MIN_VERSION = 1
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        topics: list[DescribableLogDirTopic] | None = EMPTY,
    ) -> None:
        self.topics = [] if topics is EMPTY else topics


class DescribeLogDirsPartition(Struct):
    """Part of DescribeLogDirsResponse."""

    __slots__ = ("partition_index", "partition_size", "offset_lag", "is_future_key",)
    partition_index: int
    partition_size: int
    offset_lag: int
    is_future_key: bool

    def __init__(
        self,
        *,
        partition_index: int = 0,
        partition_size: int = 0,
        offset_lag: int = 0,
        is_future_key: bool = False,
    ) -> None:
        self.partition_index = partition_index
        self.partition_size = partition_size
        self.offset_lag = offset_lag
        self.is_future_key = is_future_key


class DescribeLogDirsTopic(Struct):
    """Part of DescribeLogDirsResponse."""

    __slots__ = ("name", "partitions",)
    name: str
    partitions: list[DescribeLogDirsPartition]

    def __init__(
        self,
        *,
        name: str = "",
        partitions: list[DescribeLogDirsPartition] = EMPTY,
    ) -> None:
        self.name = name
        self.partitions = [] if partitions is EMPTY else partitions


class DescribeLogDirsResult(Struct):
    """Part of DescribeLogDirsResponse."""

    __slots__ = ("error_code", "log_dir", "topics", "total_bytes", "usable_bytes", "is_cordoned",)
    error_code: int
    log_dir: str
    topics: list[DescribeLogDirsTopic]
    total_bytes: int
    usable_bytes: int
    is_cordoned: bool

    def __init__(
        self,
        *,
        error_code: int = 0,
        log_dir: str = "",
        topics: list[DescribeLogDirsTopic] = EMPTY,
        total_bytes: int = -1,
        usable_bytes: int = -1,
        is_cordoned: bool = False,
    ) -> None:
        self.error_code = error_code
        self.log_dir = log_dir
        self.topics = [] if topics is EMPTY else topics
        self.total_bytes = total_bytes
        self.usable_bytes = usable_bytes
        self.is_cordoned = is_cordoned


class DescribeLogDirsResponse(Message):
    """``DescribeLogDirsResponse`` (API key 35), versions 1 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "results",)
    throttle_time_ms: int
    error_code: int
    results: list[DescribeLogDirsResult]

    API_KEY = 35
    MIN_VERSION = 1
    MAX_VERSION = 5
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        results: list[DescribeLogDirsResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.results = [] if results is EMPTY else results


def _read_describable_log_dir_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribableLogDirTopic, int]:
    o = _new(DescribableLogDirTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribableLogDirTopic.topic")
    o.topic = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("DescribableLogDirTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.partitions = list(unpack_from(f">{n}i", b, p)) if n else []
    p = q
    return o, p


def _write_describable_log_dir_topic_v1(o: DescribableLogDirTopic, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    w(_pack_h(len(r_topic)))
    w(r_topic)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    n = len(v_partitions)
    w(INT32S[n](*v_partitions) if n < 16 else pack(f">{n}i", *v_partitions))


def _read_describable_log_dir_topic_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribableLogDirTopic, int]:
    o = _new(DescribableLogDirTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribableLogDirTopic.topic")
    o.topic = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n * 4
    if not p <= q <= e:
        raise bad_length("DescribableLogDirTopic.partitions")
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


def _write_describable_log_dir_topic_v2(o: DescribableLogDirTopic, w: Write) -> None:
    v_topic = o.topic
    r_topic = v_topic.encode()
    n = len(r_topic) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_topic)
    v_partitions = o.partitions
    n = len(v_partitions)
    if n < 16:
        w(COMPACT_INT32S[n](n + 1, *v_partitions))
    else:
        w(uvarint_bytes(n + 1))
        w(pack(f">{n}i", *v_partitions))
    w(b"\0")


def _read_describe_log_dirs_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsRequest, int]:
    o = _new(DescribeLogDirsRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.topics = None
    else:
        if n * 6 > e - p:
            raise bad_length("DescribeLogDirsRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[DescribableLogDirTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_describable_log_dir_topic_v1(b, p, e, c)
            l_topics.append(x_topics)
    return o, p


def _write_describe_log_dirs_request_v1(o: DescribeLogDirsRequest, w: Write) -> None:
    v_topics = o.topics
    if v_topics is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_topics)))
        for x_topics in v_topics:
            _write_describable_log_dir_topic_v1(x_topics, w)


def _read_describe_log_dirs_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsRequest, int]:
    o = _new(DescribeLogDirsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.topics = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("DescribeLogDirsRequest.topics")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_topics: list[DescribableLogDirTopic] = []
        o.topics = l_topics
        for _ in range(n):
            x_topics, p = _read_describable_log_dir_topic_v2(b, p, e, c)
            l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_log_dirs_request_v2(o: DescribeLogDirsRequest, w: Write) -> None:
    v_topics = o.topics
    if v_topics is None:
        w(b"\0")
    else:
        n = len(v_topics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_topics in v_topics:
            _write_describable_log_dir_topic_v2(x_topics, w)
    w(b"\0")


def _read_describe_log_dirs_partition_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsPartition, int]:
    o = _new(DescribeLogDirsPartition)
    o.partition_index, o.partition_size, o.offset_lag, o.is_future_key = _unpack_iqqt(b, p)
    p += 21
    return o, p


def _write_describe_log_dirs_partition_v1(o: DescribeLogDirsPartition, w: Write) -> None:
    w(_pack_iqqt(o.partition_index, o.partition_size, o.offset_lag, o.is_future_key))


def _read_describe_log_dirs_partition_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsPartition, int]:
    o = _new(DescribeLogDirsPartition)
    o.partition_index, o.partition_size, o.offset_lag, o.is_future_key, n = _unpack_iqqtB(b, p)
    p += 22
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_log_dirs_partition_v2(o: DescribeLogDirsPartition, w: Write) -> None:
    w(_pack_iqqtx(o.partition_index, o.partition_size, o.offset_lag, o.is_future_key))


def _read_describe_log_dirs_topic_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsTopic, int]:
    o = _new(DescribeLogDirsTopic)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribeLogDirsTopic.name")
    o.name = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 21 > e - p:
        raise bad_length("DescribeLogDirsTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DescribeLogDirsPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_describe_log_dirs_partition_v1(b, p, e, c)
        l_partitions.append(x_partitions)
    return o, p


def _write_describe_log_dirs_topic_v1(o: DescribeLogDirsTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    w(_pack_h(len(r_name)))
    w(r_name)
    v_partitions = o.partitions
    w(_pack_i(len(v_partitions)))
    for x_partitions in v_partitions:
        _write_describe_log_dirs_partition_v1(x_partitions, w)


def _read_describe_log_dirs_topic_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsTopic, int]:
    o = _new(DescribeLogDirsTopic)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeLogDirsTopic.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 22 > e - p:
        raise bad_length("DescribeLogDirsTopic.partitions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_partitions: list[DescribeLogDirsPartition] = []
    o.partitions = l_partitions
    for _ in range(n):
        x_partitions, p = _read_describe_log_dirs_partition_v2(b, p, e, c)
        l_partitions.append(x_partitions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_log_dirs_topic_v2(o: DescribeLogDirsTopic, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_partitions = o.partitions
    n = len(v_partitions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_partitions in v_partitions:
        _write_describe_log_dirs_partition_v2(x_partitions, w)
    w(b"\0")


def _read_describe_log_dirs_result_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsResult, int]:
    o = _new(DescribeLogDirsResult)
    o.total_bytes = -1
    o.usable_bytes = -1
    o.is_cordoned = False
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribeLogDirsResult.log_dir")
    o.log_dir = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 6 > e - p:
        raise bad_length("DescribeLogDirsResult.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DescribeLogDirsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_describe_log_dirs_topic_v1(b, p, e, c)
        l_topics.append(x_topics)
    return o, p


def _write_describe_log_dirs_result_v1(o: DescribeLogDirsResult, w: Write) -> None:
    v_log_dir = o.log_dir
    r_log_dir = v_log_dir.encode()
    w(_pack_hh(o.error_code, len(r_log_dir)))
    w(r_log_dir)
    v_topics = o.topics
    w(_pack_i(len(v_topics)))
    for x_topics in v_topics:
        _write_describe_log_dirs_topic_v1(x_topics, w)


def _read_describe_log_dirs_result_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsResult, int]:
    o = _new(DescribeLogDirsResult)
    o.total_bytes = -1
    o.usable_bytes = -1
    o.is_cordoned = False
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeLogDirsResult.log_dir")
    o.log_dir = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribeLogDirsResult.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DescribeLogDirsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_describe_log_dirs_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_log_dirs_result_v2(o: DescribeLogDirsResult, w: Write) -> None:
    v_log_dir = o.log_dir
    w(_pack_h(o.error_code))
    r_log_dir = v_log_dir.encode()
    n = len(r_log_dir) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_log_dir)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_describe_log_dirs_topic_v2(x_topics, w)
    w(b"\0")


def _read_describe_log_dirs_result_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsResult, int]:
    o = _new(DescribeLogDirsResult)
    o.is_cordoned = False
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeLogDirsResult.log_dir")
    o.log_dir = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribeLogDirsResult.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DescribeLogDirsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_describe_log_dirs_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    o.total_bytes, o.usable_bytes, n = _unpack_qqB(b, p)
    p += 17
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_log_dirs_result_v4(o: DescribeLogDirsResult, w: Write) -> None:
    v_log_dir = o.log_dir
    w(_pack_h(o.error_code))
    r_log_dir = v_log_dir.encode()
    n = len(r_log_dir) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_log_dir)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_describe_log_dirs_topic_v2(x_topics, w)
    w(_pack_qqx(o.total_bytes, o.usable_bytes))


def _read_describe_log_dirs_result_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsResult, int]:
    o = _new(DescribeLogDirsResult)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeLogDirsResult.log_dir")
    o.log_dir = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribeLogDirsResult.topics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_topics: list[DescribeLogDirsTopic] = []
    o.topics = l_topics
    for _ in range(n):
        x_topics, p = _read_describe_log_dirs_topic_v2(b, p, e, c)
        l_topics.append(x_topics)
    o.total_bytes, o.usable_bytes, o.is_cordoned, n = _unpack_qqtB(b, p)
    p += 18
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_log_dirs_result_v5(o: DescribeLogDirsResult, w: Write) -> None:
    v_log_dir = o.log_dir
    w(_pack_h(o.error_code))
    r_log_dir = v_log_dir.encode()
    n = len(r_log_dir) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_log_dir)
    v_topics = o.topics
    n = len(v_topics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_topics in v_topics:
        _write_describe_log_dirs_topic_v2(x_topics, w)
    w(_pack_qqtx(o.total_bytes, o.usable_bytes, o.is_cordoned))


def _read_describe_log_dirs_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsResponse, int]:
    o = _new(DescribeLogDirsResponse)
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 8 > e - p:
        raise bad_length("DescribeLogDirsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[DescribeLogDirsResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_describe_log_dirs_result_v1(b, p, e, c)
        l_results.append(x_results)
    return o, p


def _write_describe_log_dirs_response_v1(o: DescribeLogDirsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_ii(o.throttle_time_ms, len(v_results)))
    for x_results in v_results:
        _write_describe_log_dirs_result_v1(x_results, w)


def _read_describe_log_dirs_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsResponse, int]:
    o = _new(DescribeLogDirsResponse)
    o.error_code = 0
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("DescribeLogDirsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[DescribeLogDirsResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_describe_log_dirs_result_v2(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_log_dirs_response_v2(o: DescribeLogDirsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_i(o.throttle_time_ms))
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_describe_log_dirs_result_v2(x_results, w)
    w(b"\0")


def _read_describe_log_dirs_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsResponse, int]:
    o = _new(DescribeLogDirsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("DescribeLogDirsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[DescribeLogDirsResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_describe_log_dirs_result_v2(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_log_dirs_response_v3(o: DescribeLogDirsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_describe_log_dirs_result_v2(x_results, w)
    w(b"\0")


def _read_describe_log_dirs_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsResponse, int]:
    o = _new(DescribeLogDirsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 21 > e - p:
        raise bad_length("DescribeLogDirsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[DescribeLogDirsResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_describe_log_dirs_result_v4(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_log_dirs_response_v4(o: DescribeLogDirsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_describe_log_dirs_result_v4(x_results, w)
    w(b"\0")


def _read_describe_log_dirs_response_v5(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeLogDirsResponse, int]:
    o = _new(DescribeLogDirsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 22 > e - p:
        raise bad_length("DescribeLogDirsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[DescribeLogDirsResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_describe_log_dirs_result_v5(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_log_dirs_response_v5(o: DescribeLogDirsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_describe_log_dirs_result_v5(x_results, w)
    w(b"\0")


DescribeLogDirsRequest.READERS = {
    1: _read_describe_log_dirs_request_v1,
    2: _read_describe_log_dirs_request_v2,
    3: _read_describe_log_dirs_request_v2,
    4: _read_describe_log_dirs_request_v2,
    5: _read_describe_log_dirs_request_v2,
}

DescribeLogDirsRequest.WRITERS = {
    1: _write_describe_log_dirs_request_v1,
    2: _write_describe_log_dirs_request_v2,
    3: _write_describe_log_dirs_request_v2,
    4: _write_describe_log_dirs_request_v2,
    5: _write_describe_log_dirs_request_v2,
}

DescribeLogDirsResponse.READERS = {
    1: _read_describe_log_dirs_response_v1,
    2: _read_describe_log_dirs_response_v2,
    3: _read_describe_log_dirs_response_v3,
    4: _read_describe_log_dirs_response_v4,
    5: _read_describe_log_dirs_response_v5,
}

DescribeLogDirsResponse.WRITERS = {
    1: _write_describe_log_dirs_response_v1,
    2: _write_describe_log_dirs_response_v2,
    3: _write_describe_log_dirs_response_v3,
    4: _write_describe_log_dirs_response_v4,
    5: _write_describe_log_dirs_response_v5,
}
