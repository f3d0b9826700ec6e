# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeCluster: messages of all versions, with their codec."""

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
_pack_tbtx = Struct_(">?b?x").pack
_pack_tbx = Struct_(">?bx").pack
_pack_tx = Struct_(">?x").pack
_pack_b = Struct_(">b").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ix = Struct_(">ix").pack
_unpack_tB = Struct_(">?B").unpack_from
_unpack_tbtB = Struct_(">?b?B").unpack_from
_unpack_tbB = Struct_(">?bB").unpack_from
_unpack_bB = Struct_(">bB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from


class DescribeClusterRequest(Message):
    """``DescribeClusterRequest`` (API key 60), versions 0 to 2."""

    __slots__ = ("include_cluster_authorized_operations", "endpoint_type", "include_fenced_brokers",)
    include_cluster_authorized_operations: bool
    endpoint_type: int
    include_fenced_brokers: bool

    API_KEY = 60
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        include_cluster_authorized_operations: bool = False,
        endpoint_type: int = 1,
        include_fenced_brokers: bool = False,
    ) -> None:
        self.include_cluster_authorized_operations = include_cluster_authorized_operations
        self.endpoint_type = endpoint_type
        self.include_fenced_brokers = include_fenced_brokers


class DescribeClusterBroker(Struct):
    """Part of DescribeClusterResponse."""

    __slots__ = ("broker_id", "host", "port", "rack", "is_fenced",)
    broker_id: int
    host: str
    port: int
    rack: str | None
    is_fenced: bool

    def __init__(
        self,
        *,
        broker_id: int = 0,
        host: str = "",
        port: int = 0,
        rack: str | None = None,
        is_fenced: bool = False,
    ) -> None:
        self.broker_id = broker_id
        self.host = host
        self.port = port
        self.rack = rack
        self.is_fenced = is_fenced


class DescribeClusterResponse(Message):
    """``DescribeClusterResponse`` (API key 60), versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "endpoint_type", "cluster_id", "controller_id", "brokers", "cluster_authorized_operations",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    endpoint_type: int
    cluster_id: str
    controller_id: int
    brokers: list[DescribeClusterBroker]
    cluster_authorized_operations: int

    API_KEY = 60
    MIN_VERSION = 0
    MAX_VERSION = 2
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        endpoint_type: int = 1,
        cluster_id: str = "",
        controller_id: int = -1,
        brokers: list[DescribeClusterBroker] = EMPTY,
        cluster_authorized_operations: int = -2147483648,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.endpoint_type = endpoint_type
        self.cluster_id = cluster_id
        self.controller_id = controller_id
        self.brokers = [] if brokers is EMPTY else brokers
        self.cluster_authorized_operations = cluster_authorized_operations


def _read_describe_cluster_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClusterRequest, int]:
    o = _new(DescribeClusterRequest)
    o.endpoint_type = 1
    o.include_fenced_brokers = False
    o.include_cluster_authorized_operations, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_cluster_request_v0(o: DescribeClusterRequest, w: Write) -> None:
    w(_pack_tx(o.include_cluster_authorized_operations))


def _read_describe_cluster_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClusterRequest, int]:
    o = _new(DescribeClusterRequest)
    o.include_fenced_brokers = False
    o.include_cluster_authorized_operations, o.endpoint_type, n = _unpack_tbB(b, p)
    p += 3
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_cluster_request_v1(o: DescribeClusterRequest, w: Write) -> None:
    w(_pack_tbx(o.include_cluster_authorized_operations, o.endpoint_type))


def _read_describe_cluster_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClusterRequest, int]:
    o = _new(DescribeClusterRequest)
    o.include_cluster_authorized_operations, o.endpoint_type, o.include_fenced_brokers, n = _unpack_tbtB(b, p)
    p += 4
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_cluster_request_v2(o: DescribeClusterRequest, w: Write) -> None:
    w(_pack_tbtx(o.include_cluster_authorized_operations, o.endpoint_type, o.include_fenced_brokers))


def _read_describe_cluster_broker_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClusterBroker, int]:
    o = _new(DescribeClusterBroker)
    o.is_fenced = False
    o.broker_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeClusterBroker.host")
    o.host = b[p:q].decode()
    p = q
    o.port, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.rack = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeClusterBroker.rack")
        o.rack = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_cluster_broker_v0(o: DescribeClusterBroker, w: Write) -> None:
    v_host = o.host
    w(_pack_i(o.broker_id))
    r_host = v_host.encode()
    n = len(r_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_host)
    v_rack = o.rack
    w(_pack_i(o.port))
    if v_rack is None:
        w(b"\0")
    else:
        r_rack = v_rack.encode()
        n = len(r_rack) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_rack)
    w(b"\0")


def _read_describe_cluster_broker_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClusterBroker, int]:
    o = _new(DescribeClusterBroker)
    o.broker_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeClusterBroker.host")
    o.host = b[p:q].decode()
    p = q
    o.port, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.rack = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeClusterBroker.rack")
        o.rack = b[p:q].decode()
        p = q
    o.is_fenced, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_cluster_broker_v2(o: DescribeClusterBroker, w: Write) -> None:
    v_host = o.host
    w(_pack_i(o.broker_id))
    r_host = v_host.encode()
    n = len(r_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_host)
    v_rack = o.rack
    w(_pack_i(o.port))
    if v_rack is None:
        w(b"\0")
    else:
        r_rack = v_rack.encode()
        n = len(r_rack) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_rack)
    w(_pack_tx(o.is_fenced))


def _read_describe_cluster_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClusterResponse, int]:
    o = _new(DescribeClusterResponse)
    o.endpoint_type = 1
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeClusterResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeClusterResponse.cluster_id")
    o.cluster_id = b[p:q].decode()
    p = q
    o.controller_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("DescribeClusterResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[DescribeClusterBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_describe_cluster_broker_v0(b, p, e, c)
        l_brokers.append(x_brokers)
    o.cluster_authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_cluster_response_v0(o: DescribeClusterResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_cluster_id = o.cluster_id
    r_cluster_id = v_cluster_id.encode()
    n = len(r_cluster_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_cluster_id)
    v_brokers = o.brokers
    w(_pack_i(o.controller_id))
    n = len(v_brokers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_brokers in v_brokers:
        _write_describe_cluster_broker_v0(x_brokers, w)
    w(_pack_ix(o.cluster_authorized_operations))


def _read_describe_cluster_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClusterResponse, int]:
    o = _new(DescribeClusterResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeClusterResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.endpoint_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeClusterResponse.cluster_id")
    o.cluster_id = b[p:q].decode()
    p = q
    o.controller_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("DescribeClusterResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[DescribeClusterBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_describe_cluster_broker_v0(b, p, e, c)
        l_brokers.append(x_brokers)
    o.cluster_authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_cluster_response_v1(o: DescribeClusterResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_cluster_id = o.cluster_id
    w(_pack_b(o.endpoint_type))
    r_cluster_id = v_cluster_id.encode()
    n = len(r_cluster_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_cluster_id)
    v_brokers = o.brokers
    w(_pack_i(o.controller_id))
    n = len(v_brokers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_brokers in v_brokers:
        _write_describe_cluster_broker_v0(x_brokers, w)
    w(_pack_ix(o.cluster_authorized_operations))


def _read_describe_cluster_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClusterResponse, int]:
    o = _new(DescribeClusterResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeClusterResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.endpoint_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeClusterResponse.cluster_id")
    o.cluster_id = b[p:q].decode()
    p = q
    o.controller_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 12 > e - p:
        raise bad_length("DescribeClusterResponse.brokers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_brokers: list[DescribeClusterBroker] = []
    o.brokers = l_brokers
    for _ in range(n):
        x_brokers, p = _read_describe_cluster_broker_v2(b, p, e, c)
        l_brokers.append(x_brokers)
    o.cluster_authorized_operations, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_cluster_response_v2(o: DescribeClusterResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_cluster_id = o.cluster_id
    w(_pack_b(o.endpoint_type))
    r_cluster_id = v_cluster_id.encode()
    n = len(r_cluster_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_cluster_id)
    v_brokers = o.brokers
    w(_pack_i(o.controller_id))
    n = len(v_brokers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_brokers in v_brokers:
        _write_describe_cluster_broker_v2(x_brokers, w)
    w(_pack_ix(o.cluster_authorized_operations))


DescribeClusterRequest.READERS = {
    0: _read_describe_cluster_request_v0,
    1: _read_describe_cluster_request_v1,
    2: _read_describe_cluster_request_v2,
}

DescribeClusterRequest.WRITERS = {
    0: _write_describe_cluster_request_v0,
    1: _write_describe_cluster_request_v1,
    2: _write_describe_cluster_request_v2,
}

DescribeClusterResponse.READERS = {
    0: _read_describe_cluster_response_v0,
    1: _read_describe_cluster_response_v1,
    2: _read_describe_cluster_response_v2,
}

DescribeClusterResponse.WRITERS = {
    0: _write_describe_cluster_response_v0,
    1: _write_describe_cluster_response_v1,
    2: _write_describe_cluster_response_v2,
}
