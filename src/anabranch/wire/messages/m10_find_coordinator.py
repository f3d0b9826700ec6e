# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""FindCoordinator: messages of all versions, with their codec."""

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
_pack_b = Struct_(">b").pack
_pack_bx = Struct_(">bx").pack
_pack_h = Struct_(">h").pack
_pack_hih = Struct_(">hih").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ihh = Struct_(">ihh").pack
_pack_ix = Struct_(">ix").pack
_unpack_b = Struct_(">b").unpack_from
_unpack_bB = Struct_(">bB").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hih = Struct_(">hih").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ih = Struct_(">ih").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ihh = Struct_(">ihh").unpack_from


class FindCoordinatorRequest(Message):
    """``FindCoordinatorRequest`` (API key 10), versions 0 to 6."""

    __slots__ = ("key", "key_type", "coordinator_keys",)
    key: str
    key_type: int
    coordinator_keys: list[str]

    API_KEY = 10
    MIN_VERSION = 0
    MAX_VERSION = 6
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        key: str = "",
        key_type: int = 0,
        coordinator_keys: list[str] = EMPTY,
    ) -> None:
        self.key = key
        self.key_type = key_type
        self.coordinator_keys = [] if coordinator_keys is EMPTY else coordinator_keys


class Coordinator(Struct):
    """Part of FindCoordinatorResponse."""

    __slots__ = ("key", "node_id", "host", "port", "error_code", "error_message",)
    key: str
    node_id: int
    host: str
    port: int
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        key: str = "",
        node_id: int = 0,
        host: str = "",
        port: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
    ) -> None:
        self.key = key
        self.node_id = node_id
        self.host = host
        self.port = port
        self.error_code = error_code
        self.error_message = error_message


class FindCoordinatorResponse(Message):
    """``FindCoordinatorResponse`` (API key 10), versions 0 to 6."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "node_id", "host", "port", "coordinators",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    node_id: int
    host: str
    port: int
    coordinators: list[Coordinator]

    API_KEY = 10
    MIN_VERSION = 0
    MAX_VERSION = 6
    FIRST_FLEXIBLE = 3

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        node_id: int = 0,
        host: str = "",
        port: int = 0,
        coordinators: list[Coordinator] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.node_id = node_id
        self.host = host
        self.port = port
        self.coordinators = [] if coordinators is EMPTY else coordinators


def _read_find_coordinator_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[FindCoordinatorRequest, int]:
    o = _new(FindCoordinatorRequest)
    o.key_type = 0
    o.coordinator_keys = []
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("FindCoordinatorRequest.key")
    o.key = b[p:q].decode()
    p = q
    return o, p


def _write_find_coordinator_request_v0(o: FindCoordinatorRequest, w: Write) -> None:
    v_key = o.key
    r_key = v_key.encode()
    w(_pack_h(len(r_key)))
    w(r_key)


def _read_find_coordinator_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[FindCoordinatorRequest, int]:
    o = _new(FindCoordinatorRequest)
    o.coordinator_keys = []
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("FindCoordinatorRequest.key")
    o.key = b[p:q].decode()
    p = q
    (o.key_type,) = _unpack_b(b, p)
    p += 1
    return o, p


def _write_find_coordinator_request_v1(o: FindCoordinatorRequest, w: Write) -> None:
    v_key = o.key
    r_key = v_key.encode()
    w(_pack_h(len(r_key)))
    w(r_key)
    w(_pack_b(o.key_type))


def _read_find_coordinator_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[FindCoordinatorRequest, int]:
    o = _new(FindCoordinatorRequest)
    o.coordinator_keys = []
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FindCoordinatorRequest.key")
    o.key = b[p:q].decode()
    p = q
    o.key_type, n = _unpack_bB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_find_coordinator_request_v3(o: FindCoordinatorRequest, w: Write) -> None:
    v_key = o.key
    r_key = v_key.encode()
    n = len(r_key) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_key)
    w(_pack_bx(o.key_type))


def _read_find_coordinator_request_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[FindCoordinatorRequest, int]:
    o = _new(FindCoordinatorRequest)
    o.key = ""
    o.key_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("FindCoordinatorRequest.coordinator_keys")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_coordinator_keys: list[str] = []
    o.coordinator_keys = l_coordinator_keys
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("FindCoordinatorRequest.coordinator_keys")
        l_coordinator_keys.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_find_coordinator_request_v4(o: FindCoordinatorRequest, w: Write) -> None:
    v_coordinator_keys = o.coordinator_keys
    w(_pack_b(o.key_type))
    n = len(v_coordinator_keys) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_coordinator_keys in v_coordinator_keys:
        r_coordinator_keys = x_coordinator_keys.encode()
        n = len(r_coordinator_keys) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_coordinator_keys)
    w(b"\0")


def _read_coordinator_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[Coordinator, int]:
    o = _new(Coordinator)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Coordinator.key")
    o.key = b[p:q].decode()
    p = q
    o.node_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("Coordinator.host")
    o.host = b[p:q].decode()
    p = q
    o.port, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("Coordinator.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_coordinator_v4(o: Coordinator, w: Write) -> None:
    v_key = o.key
    r_key = v_key.encode()
    n = len(r_key) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_key)
    v_host = o.host
    w(_pack_i(o.node_id))
    r_host = v_host.encode()
    n = len(r_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_host)
    v_error_message = o.error_message
    w(_pack_ih(o.port, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    w(b"\0")


def _read_find_coordinator_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[FindCoordinatorResponse, int]:
    o = _new(FindCoordinatorResponse)
    o.throttle_time_ms = 0
    o.error_message = ""
    o.coordinators = []
    o.error_code, o.node_id, n = _unpack_hih(b, p)
    p += 8
    q = p + n
    if not p <= q <= e:
        raise bad_length("FindCoordinatorResponse.host")
    o.host = b[p:q].decode()
    p = q
    (o.port,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_find_coordinator_response_v0(o: FindCoordinatorResponse, w: Write) -> None:
    v_host = o.host
    r_host = v_host.encode()
    w(_pack_hih(o.error_code, o.node_id, len(r_host)))
    w(r_host)
    w(_pack_i(o.port))


def _read_find_coordinator_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[FindCoordinatorResponse, int]:
    o = _new(FindCoordinatorResponse)
    o.coordinators = []
    o.throttle_time_ms, o.error_code, n = _unpack_ihh(b, p)
    p += 8
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("FindCoordinatorResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.node_id, n = _unpack_ih(b, p)
    p += 6
    q = p + n
    if not p <= q <= e:
        raise bad_length("FindCoordinatorResponse.host")
    o.host = b[p:q].decode()
    p = q
    (o.port,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_find_coordinator_response_v1(o: FindCoordinatorResponse, w: Write) -> None:
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_ihh(o.throttle_time_ms, o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_ihh(o.throttle_time_ms, o.error_code, len(r_error_message)))
        w(r_error_message)
    v_host = o.host
    r_host = v_host.encode()
    w(_pack_ih(o.node_id, len(r_host)))
    w(r_host)
    w(_pack_i(o.port))


def _read_find_coordinator_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[FindCoordinatorResponse, int]:
    o = _new(FindCoordinatorResponse)
    o.coordinators = []
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("FindCoordinatorResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    o.node_id, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("FindCoordinatorResponse.host")
    o.host = b[p:q].decode()
    p = q
    o.port, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_find_coordinator_response_v3(o: FindCoordinatorResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_host = o.host
    w(_pack_i(o.node_id))
    r_host = v_host.encode()
    n = len(r_host) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_host)
    w(_pack_ix(o.port))


def _read_find_coordinator_response_v4(b: bytes, p: int, e: int, c: Allowance) -> tuple[FindCoordinatorResponse, int]:
    o = _new(FindCoordinatorResponse)
    o.error_code = 0
    o.error_message = ""
    o.node_id = 0
    o.host = ""
    o.port = 0
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 14 > e - p:
        raise bad_length("FindCoordinatorResponse.coordinators")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_coordinators: list[Coordinator] = []
    o.coordinators = l_coordinators
    for _ in range(n):
        x_coordinators, p = _read_coordinator_v4(b, p, e, c)
        l_coordinators.append(x_coordinators)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_find_coordinator_response_v4(o: FindCoordinatorResponse, w: Write) -> None:
    v_coordinators = o.coordinators
    w(_pack_i(o.throttle_time_ms))
    n = len(v_coordinators) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_coordinators in v_coordinators:
        _write_coordinator_v4(x_coordinators, w)
    w(b"\0")


FindCoordinatorRequest.READERS = {
    0: _read_find_coordinator_request_v0,
    1: _read_find_coordinator_request_v1,
    2: _read_find_coordinator_request_v1,
    3: _read_find_coordinator_request_v3,
    4: _read_find_coordinator_request_v4,
    5: _read_find_coordinator_request_v4,
    6: _read_find_coordinator_request_v4,
}

FindCoordinatorRequest.WRITERS = {
    0: _write_find_coordinator_request_v0,
    1: _write_find_coordinator_request_v1,
    2: _write_find_coordinator_request_v1,
    3: _write_find_coordinator_request_v3,
    4: _write_find_coordinator_request_v4,
    5: _write_find_coordinator_request_v4,
    6: _write_find_coordinator_request_v4,
}

FindCoordinatorResponse.READERS = {
    0: _read_find_coordinator_response_v0,
    1: _read_find_coordinator_response_v1,
    2: _read_find_coordinator_response_v1,
    3: _read_find_coordinator_response_v3,
    4: _read_find_coordinator_response_v4,
    5: _read_find_coordinator_response_v4,
    6: _read_find_coordinator_response_v4,
}

FindCoordinatorResponse.WRITERS = {
    0: _write_find_coordinator_response_v0,
    1: _write_find_coordinator_response_v1,
    2: _write_find_coordinator_response_v1,
    3: _write_find_coordinator_response_v3,
    4: _write_find_coordinator_response_v4,
    5: _write_find_coordinator_response_v4,
    6: _write_find_coordinator_response_v4,
}
