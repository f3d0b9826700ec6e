# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""CreateDelegationToken: messages of all versions, with their codec."""

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
_pack_hh = Struct_(">hh").pack
_pack_i = Struct_(">i").pack
_pack_ix = Struct_(">ix").pack
_pack_q = Struct_(">q").pack
_pack_qqq = Struct_(">qqq").pack
_pack_qqqh = Struct_(">qqqh").pack
_pack_qx = Struct_(">qx").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hh = Struct_(">hh").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_q = Struct_(">q").unpack_from
_unpack_qB = Struct_(">qB").unpack_from
_unpack_qqqB = Struct_(">qqqB").unpack_from
_unpack_qqqh = Struct_(">qqqh").unpack_from


class CreatableRenewers(Struct):
    """Part of CreateDelegationTokenRequest."""

    __slots__ = ("principal_type", "principal_name",)
    principal_type: str
    principal_name: str

    def __init__(
        self,
        *,
        principal_type: str = "",
        principal_name: str = "",
    ) -> None:
        self.principal_type = principal_type
        self.principal_name = principal_name


class CreateDelegationTokenRequest(Message):
    """``CreateDelegationTokenRequest`` (API key 38), versions 1 to 3."""

    __slots__ = ("owner_principal_type", "owner_principal_name", "renewers", "max_lifetime_ms",)
    owner_principal_type: str | None
    owner_principal_name: str | None
    renewers: list[CreatableRenewers]
    max_lifetime_ms: int

    API_KEY = 38
    MIN_VERSION = 1
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        owner_principal_type: str | None = "",
        owner_principal_name: str | None = "",
        renewers: list[CreatableRenewers] = EMPTY,
        max_lifetime_ms: int = 0,
    ) -> None:
        self.owner_principal_type = owner_principal_type
        self.owner_principal_name = owner_principal_name
        self.renewers = [] if renewers is EMPTY else renewers
        self.max_lifetime_ms = max_lifetime_ms


class CreateDelegationTokenResponse(Message):
    """``CreateDelegationTokenResponse`` (API key 38), versions 1 to 3."""

    __slots__ = ("error_code", "principal_type", "principal_name", "token_requester_principal_type", "token_requester_principal_name", "issue_timestamp_ms", "expiry_timestamp_ms", "max_timestamp_ms", "token_id", "hmac", "throttle_time_ms",)
    error_code: int
    principal_type: str
    principal_name: str
    token_requester_principal_type: str
    token_requester_principal_name: str
    issue_timestamp_ms: int
    expiry_timestamp_ms: int
    max_timestamp_ms: int
    token_id: str
    hmac: bytes
    throttle_time_ms: int

    API_KEY = 38
    MIN_VERSION = 1
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        error_code: int = 0,
        principal_type: str = "",
        principal_name: str = "",
        token_requester_principal_type: str = "",
        token_requester_principal_name: str = "",
        issue_timestamp_ms: int = 0,
        expiry_timestamp_ms: int = 0,
        max_timestamp_ms: int = 0,
        token_id: str = "",
        hmac: bytes = b"",
        throttle_time_ms: int = 0,
    ) -> None:
        self.error_code = error_code
        self.principal_type = principal_type
        self.principal_name = principal_name
        self.token_requester_principal_type = token_requester_principal_type
        self.token_requester_principal_name = token_requester_principal_name
        self.issue_timestamp_ms = issue_timestamp_ms
        self.expiry_timestamp_ms = expiry_timestamp_ms
        self.max_timestamp_ms = max_timestamp_ms
        self.token_id = token_id
        self.hmac = hmac
        self.throttle_time_ms = throttle_time_ms


def _read_creatable_renewers_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableRenewers, int]:
    o = _new(CreatableRenewers)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("CreatableRenewers.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("CreatableRenewers.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    return o, p


def _write_creatable_renewers_v1(o: CreatableRenewers, w: Write) -> None:
    v_principal_type = o.principal_type
    r_principal_type = v_principal_type.encode()
    w(_pack_h(len(r_principal_type)))
    w(r_principal_type)
    v_principal_name = o.principal_name
    r_principal_name = v_principal_name.encode()
    w(_pack_h(len(r_principal_name)))
    w(r_principal_name)


def _read_creatable_renewers_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreatableRenewers, int]:
    o = _new(CreatableRenewers)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreatableRenewers.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreatableRenewers.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_creatable_renewers_v2(o: CreatableRenewers, w: Write) -> None:
    v_principal_type = o.principal_type
    r_principal_type = v_principal_type.encode()
    n = len(r_principal_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_principal_type)
    v_principal_name = o.principal_name
    r_principal_name = v_principal_name.encode()
    n = len(r_principal_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_principal_name)
    w(b"\0")


def _read_create_delegation_token_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateDelegationTokenRequest, int]:
    o = _new(CreateDelegationTokenRequest)
    o.owner_principal_type = ""
    o.owner_principal_name = ""
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 4 > e - p:
        raise bad_length("CreateDelegationTokenRequest.renewers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_renewers: list[CreatableRenewers] = []
    o.renewers = l_renewers
    for _ in range(n):
        x_renewers, p = _read_creatable_renewers_v1(b, p, e, c)
        l_renewers.append(x_renewers)
    (o.max_lifetime_ms,) = _unpack_q(b, p)
    p += 8
    return o, p


def _write_create_delegation_token_request_v1(o: CreateDelegationTokenRequest, w: Write) -> None:
    v_renewers = o.renewers
    w(_pack_i(len(v_renewers)))
    for x_renewers in v_renewers:
        _write_creatable_renewers_v1(x_renewers, w)
    w(_pack_q(o.max_lifetime_ms))


def _read_create_delegation_token_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateDelegationTokenRequest, int]:
    o = _new(CreateDelegationTokenRequest)
    o.owner_principal_type = ""
    o.owner_principal_name = ""
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("CreateDelegationTokenRequest.renewers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_renewers: list[CreatableRenewers] = []
    o.renewers = l_renewers
    for _ in range(n):
        x_renewers, p = _read_creatable_renewers_v2(b, p, e, c)
        l_renewers.append(x_renewers)
    o.max_lifetime_ms, n = _unpack_qB(b, p)
    p += 9
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_delegation_token_request_v2(o: CreateDelegationTokenRequest, w: Write) -> None:
    v_renewers = o.renewers
    n = len(v_renewers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_renewers in v_renewers:
        _write_creatable_renewers_v2(x_renewers, w)
    w(_pack_qx(o.max_lifetime_ms))


def _read_create_delegation_token_request_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateDelegationTokenRequest, int]:
    o = _new(CreateDelegationTokenRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.owner_principal_type = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("CreateDelegationTokenRequest.owner_principal_type")
        o.owner_principal_type = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.owner_principal_name = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("CreateDelegationTokenRequest.owner_principal_name")
        o.owner_principal_name = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("CreateDelegationTokenRequest.renewers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_renewers: list[CreatableRenewers] = []
    o.renewers = l_renewers
    for _ in range(n):
        x_renewers, p = _read_creatable_renewers_v2(b, p, e, c)
        l_renewers.append(x_renewers)
    o.max_lifetime_ms, n = _unpack_qB(b, p)
    p += 9
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_delegation_token_request_v3(o: CreateDelegationTokenRequest, w: Write) -> None:
    v_owner_principal_type = o.owner_principal_type
    if v_owner_principal_type is None:
        w(b"\0")
    else:
        r_owner_principal_type = v_owner_principal_type.encode()
        n = len(r_owner_principal_type) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_owner_principal_type)
    v_owner_principal_name = o.owner_principal_name
    if v_owner_principal_name is None:
        w(b"\0")
    else:
        r_owner_principal_name = v_owner_principal_name.encode()
        n = len(r_owner_principal_name) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_owner_principal_name)
    v_renewers = o.renewers
    n = len(v_renewers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_renewers in v_renewers:
        _write_creatable_renewers_v2(x_renewers, w)
    w(_pack_qx(o.max_lifetime_ms))


def _read_create_delegation_token_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateDelegationTokenResponse, int]:
    o = _new(CreateDelegationTokenResponse)
    o.token_requester_principal_type = ""
    o.token_requester_principal_name = ""
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    o.issue_timestamp_ms, o.expiry_timestamp_ms, o.max_timestamp_ms, n = _unpack_qqqh(b, p)
    p += 26
    q = p + n
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.token_id")
    o.token_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.hmac")
    o.hmac = b[p:q]
    p = q
    (o.throttle_time_ms,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_create_delegation_token_response_v1(o: CreateDelegationTokenResponse, w: Write) -> None:
    v_principal_type = o.principal_type
    r_principal_type = v_principal_type.encode()
    w(_pack_hh(o.error_code, len(r_principal_type)))
    w(r_principal_type)
    v_principal_name = o.principal_name
    r_principal_name = v_principal_name.encode()
    w(_pack_h(len(r_principal_name)))
    w(r_principal_name)
    v_token_id = o.token_id
    r_token_id = v_token_id.encode()
    w(_pack_qqqh(o.issue_timestamp_ms, o.expiry_timestamp_ms, o.max_timestamp_ms, len(r_token_id)))
    w(r_token_id)
    v_hmac = o.hmac
    w(_pack_i(len(v_hmac)))
    w(v_hmac)
    w(_pack_i(o.throttle_time_ms))


def _read_create_delegation_token_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateDelegationTokenResponse, int]:
    o = _new(CreateDelegationTokenResponse)
    o.token_requester_principal_type = ""
    o.token_requester_principal_name = ""
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    o.issue_timestamp_ms, o.expiry_timestamp_ms, o.max_timestamp_ms, n = _unpack_qqqB(b, p)
    p += 25
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.token_id")
    o.token_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.hmac")
    o.hmac = b[p:q]
    p = q
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_delegation_token_response_v2(o: CreateDelegationTokenResponse, w: Write) -> None:
    v_principal_type = o.principal_type
    w(_pack_h(o.error_code))
    r_principal_type = v_principal_type.encode()
    n = len(r_principal_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_principal_type)
    v_principal_name = o.principal_name
    r_principal_name = v_principal_name.encode()
    n = len(r_principal_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_principal_name)
    v_token_id = o.token_id
    w(_pack_qqq(o.issue_timestamp_ms, o.expiry_timestamp_ms, o.max_timestamp_ms))
    r_token_id = v_token_id.encode()
    n = len(r_token_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_token_id)
    v_hmac = o.hmac
    n = len(v_hmac) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_hmac)
    w(_pack_ix(o.throttle_time_ms))


def _read_create_delegation_token_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[CreateDelegationTokenResponse, int]:
    o = _new(CreateDelegationTokenResponse)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.token_requester_principal_type")
    o.token_requester_principal_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.token_requester_principal_name")
    o.token_requester_principal_name = b[p:q].decode()
    p = q
    o.issue_timestamp_ms, o.expiry_timestamp_ms, o.max_timestamp_ms, n = _unpack_qqqB(b, p)
    p += 25
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.token_id")
    o.token_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("CreateDelegationTokenResponse.hmac")
    o.hmac = b[p:q]
    p = q
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_create_delegation_token_response_v3(o: CreateDelegationTokenResponse, w: Write) -> None:
    v_principal_type = o.principal_type
    w(_pack_h(o.error_code))
    r_principal_type = v_principal_type.encode()
    n = len(r_principal_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_principal_type)
    v_principal_name = o.principal_name
    r_principal_name = v_principal_name.encode()
    n = len(r_principal_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_principal_name)
    v_token_requester_principal_type = o.token_requester_principal_type
    r_token_requester_principal_type = v_token_requester_principal_type.encode()
    n = len(r_token_requester_principal_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_token_requester_principal_type)
    v_token_requester_principal_name = o.token_requester_principal_name
    r_token_requester_principal_name = v_token_requester_principal_name.encode()
    n = len(r_token_requester_principal_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_token_requester_principal_name)
    v_token_id = o.token_id
    w(_pack_qqq(o.issue_timestamp_ms, o.expiry_timestamp_ms, o.max_timestamp_ms))
    r_token_id = v_token_id.encode()
    n = len(r_token_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_token_id)
    v_hmac = o.hmac
    n = len(v_hmac) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_hmac)
    w(_pack_ix(o.throttle_time_ms))


CreateDelegationTokenRequest.READERS = {
    1: _read_create_delegation_token_request_v1,
    2: _read_create_delegation_token_request_v2,
    3: _read_create_delegation_token_request_v3,
}

CreateDelegationTokenRequest.WRITERS = {
    1: _write_create_delegation_token_request_v1,
    2: _write_create_delegation_token_request_v2,
    3: _write_create_delegation_token_request_v3,
}

CreateDelegationTokenResponse.READERS = {
    1: _read_create_delegation_token_response_v1,
    2: _read_create_delegation_token_response_v2,
    3: _read_create_delegation_token_response_v3,
}

CreateDelegationTokenResponse.WRITERS = {
    1: _write_create_delegation_token_response_v1,
    2: _write_create_delegation_token_response_v2,
    3: _write_create_delegation_token_response_v3,
}
