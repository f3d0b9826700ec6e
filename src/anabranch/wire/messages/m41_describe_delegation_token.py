# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeDelegationToken: messages of all versions, with their codec."""

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
_pack_hi = Struct_(">hi").pack
_pack_i = Struct_(">i").pack
_pack_ix = Struct_(">ix").pack
_pack_qqq = Struct_(">qqq").pack
_pack_qqqh = Struct_(">qqqh").pack
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hi = Struct_(">hi").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_qqqB = Struct_(">qqqB").unpack_from
_unpack_qqqh = Struct_(">qqqh").unpack_from


class DescribeDelegationTokenOwner(Struct):
    """Part of DescribeDelegationTokenRequest."""

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


class DescribeDelegationTokenRequest(Message):
    """``DescribeDelegationTokenRequest`` (API key 41), versions 1 to 3."""

    __slots__ = ("owners",)
    owners: list[DescribeDelegationTokenOwner] | None

    API_KEY = 41
    MIN_VERSION = 1
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        owners: list[DescribeDelegationTokenOwner] | None = EMPTY,
    ) -> None:
        self.owners = [] if owners is EMPTY else owners


class DescribedDelegationTokenRenewer(Struct):
    """Part of DescribeDelegationTokenResponse."""

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


class DescribedDelegationToken(Struct):
    """Part of DescribeDelegationTokenResponse."""

    __slots__ = ("principal_type", "principal_name", "token_requester_principal_type", "token_requester_principal_name", "issue_timestamp", "expiry_timestamp", "max_timestamp", "token_id", "hmac", "renewers",)
    principal_type: str
    principal_name: str
    token_requester_principal_type: str
    token_requester_principal_name: str
    issue_timestamp: int
    expiry_timestamp: int
    max_timestamp: int
    token_id: str
    hmac: bytes
    renewers: list[DescribedDelegationTokenRenewer]

    def __init__(
        self,
        *,
        principal_type: str = "",
        principal_name: str = "",
        token_requester_principal_type: str = "",
        token_requester_principal_name: str = "",
        issue_timestamp: int = 0,
        expiry_timestamp: int = 0,
        max_timestamp: int = 0,
        token_id: str = "",
        hmac: bytes = b"",
        renewers: list[DescribedDelegationTokenRenewer] = EMPTY,
    ) -> None:
        self.principal_type = principal_type
        self.principal_name = principal_name
        self.token_requester_principal_type = token_requester_principal_type
        self.token_requester_principal_name = token_requester_principal_name
        self.issue_timestamp = issue_timestamp
        self.expiry_timestamp = expiry_timestamp
        self.max_timestamp = max_timestamp
        self.token_id = token_id
        self.hmac = hmac
        self.renewers = [] if renewers is EMPTY else renewers


class DescribeDelegationTokenResponse(Message):
    """``DescribeDelegationTokenResponse`` (API key 41), versions 1 to 3."""

    __slots__ = ("error_code", "tokens", "throttle_time_ms",)
    error_code: int
    tokens: list[DescribedDelegationToken]
    throttle_time_ms: int

    API_KEY = 41
    MIN_VERSION = 1
    MAX_VERSION = 3
    FIRST_FLEXIBLE = 2

    def __init__(
        self,
        *,
        error_code: int = 0,
        tokens: list[DescribedDelegationToken] = EMPTY,
        throttle_time_ms: int = 0,
    ) -> None:
        self.error_code = error_code
        self.tokens = [] if tokens is EMPTY else tokens
        self.throttle_time_ms = throttle_time_ms


def _read_describe_delegation_token_owner_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeDelegationTokenOwner, int]:
    o = _new(DescribeDelegationTokenOwner)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribeDelegationTokenOwner.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribeDelegationTokenOwner.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    return o, p


def _write_describe_delegation_token_owner_v1(o: DescribeDelegationTokenOwner, w: Write) -> None:
    v_principal_type = o.principal_type
    r_principal_type = v_principal_type.encode()
    w(_pack_h(len(r_principal_type)))
    w(r_principal_type)
    v_principal_name = o.principal_name
    r_principal_name = v_principal_name.encode()
    w(_pack_h(len(r_principal_name)))
    w(r_principal_name)


def _read_describe_delegation_token_owner_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeDelegationTokenOwner, int]:
    o = _new(DescribeDelegationTokenOwner)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeDelegationTokenOwner.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeDelegationTokenOwner.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_delegation_token_owner_v2(o: DescribeDelegationTokenOwner, w: Write) -> None:
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


def _read_describe_delegation_token_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeDelegationTokenRequest, int]:
    o = _new(DescribeDelegationTokenRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.owners = None
    else:
        if n * 4 > e - p:
            raise bad_length("DescribeDelegationTokenRequest.owners")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_owners: list[DescribeDelegationTokenOwner] = []
        o.owners = l_owners
        for _ in range(n):
            x_owners, p = _read_describe_delegation_token_owner_v1(b, p, e, c)
            l_owners.append(x_owners)
    return o, p


def _write_describe_delegation_token_request_v1(o: DescribeDelegationTokenRequest, w: Write) -> None:
    v_owners = o.owners
    if v_owners is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_owners)))
        for x_owners in v_owners:
            _write_describe_delegation_token_owner_v1(x_owners, w)


def _read_describe_delegation_token_request_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeDelegationTokenRequest, int]:
    o = _new(DescribeDelegationTokenRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.owners = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("DescribeDelegationTokenRequest.owners")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_owners: list[DescribeDelegationTokenOwner] = []
        o.owners = l_owners
        for _ in range(n):
            x_owners, p = _read_describe_delegation_token_owner_v2(b, p, e, c)
            l_owners.append(x_owners)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_delegation_token_request_v2(o: DescribeDelegationTokenRequest, w: Write) -> None:
    v_owners = o.owners
    if v_owners is None:
        w(b"\0")
    else:
        n = len(v_owners) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_owners in v_owners:
            _write_describe_delegation_token_owner_v2(x_owners, w)
    w(b"\0")


def _read_described_delegation_token_renewer_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedDelegationTokenRenewer, int]:
    o = _new(DescribedDelegationTokenRenewer)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedDelegationTokenRenewer.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedDelegationTokenRenewer.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    return o, p


def _write_described_delegation_token_renewer_v1(o: DescribedDelegationTokenRenewer, w: Write) -> None:
    v_principal_type = o.principal_type
    r_principal_type = v_principal_type.encode()
    w(_pack_h(len(r_principal_type)))
    w(r_principal_type)
    v_principal_name = o.principal_name
    r_principal_name = v_principal_name.encode()
    w(_pack_h(len(r_principal_name)))
    w(r_principal_name)


def _read_described_delegation_token_renewer_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedDelegationTokenRenewer, int]:
    o = _new(DescribedDelegationTokenRenewer)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationTokenRenewer.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationTokenRenewer.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_described_delegation_token_renewer_v2(o: DescribedDelegationTokenRenewer, w: Write) -> None:
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


def _read_described_delegation_token_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedDelegationToken, int]:
    o = _new(DescribedDelegationToken)
    o.token_requester_principal_type = ""
    o.token_requester_principal_name = ""
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    o.issue_timestamp, o.expiry_timestamp, o.max_timestamp, n = _unpack_qqqh(b, p)
    p += 26
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.token_id")
    o.token_id = b[p:q].decode()
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    q = p + n
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.hmac")
    o.hmac = b[p:q]
    p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 4 > e - p:
        raise bad_length("DescribedDelegationToken.renewers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_renewers: list[DescribedDelegationTokenRenewer] = []
    o.renewers = l_renewers
    for _ in range(n):
        x_renewers, p = _read_described_delegation_token_renewer_v1(b, p, e, c)
        l_renewers.append(x_renewers)
    return o, p


def _write_described_delegation_token_v1(o: DescribedDelegationToken, w: Write) -> None:
    v_principal_type = o.principal_type
    r_principal_type = v_principal_type.encode()
    w(_pack_h(len(r_principal_type)))
    w(r_principal_type)
    v_principal_name = o.principal_name
    r_principal_name = v_principal_name.encode()
    w(_pack_h(len(r_principal_name)))
    w(r_principal_name)
    v_token_id = o.token_id
    r_token_id = v_token_id.encode()
    w(_pack_qqqh(o.issue_timestamp, o.expiry_timestamp, o.max_timestamp, len(r_token_id)))
    w(r_token_id)
    v_hmac = o.hmac
    w(_pack_i(len(v_hmac)))
    w(v_hmac)
    v_renewers = o.renewers
    w(_pack_i(len(v_renewers)))
    for x_renewers in v_renewers:
        _write_described_delegation_token_renewer_v1(x_renewers, w)


def _read_described_delegation_token_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedDelegationToken, int]:
    o = _new(DescribedDelegationToken)
    o.token_requester_principal_type = ""
    o.token_requester_principal_name = ""
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    o.issue_timestamp, o.expiry_timestamp, o.max_timestamp, n = _unpack_qqqB(b, p)
    p += 25
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.token_id")
    o.token_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.hmac")
    o.hmac = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribedDelegationToken.renewers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_renewers: list[DescribedDelegationTokenRenewer] = []
    o.renewers = l_renewers
    for _ in range(n):
        x_renewers, p = _read_described_delegation_token_renewer_v2(b, p, e, c)
        l_renewers.append(x_renewers)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_described_delegation_token_v2(o: DescribedDelegationToken, w: Write) -> None:
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
    v_token_id = o.token_id
    w(_pack_qqq(o.issue_timestamp, o.expiry_timestamp, o.max_timestamp))
    r_token_id = v_token_id.encode()
    n = len(r_token_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_token_id)
    v_hmac = o.hmac
    n = len(v_hmac) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_hmac)
    v_renewers = o.renewers
    n = len(v_renewers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_renewers in v_renewers:
        _write_described_delegation_token_renewer_v2(x_renewers, w)
    w(b"\0")


def _read_described_delegation_token_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribedDelegationToken, int]:
    o = _new(DescribedDelegationToken)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.principal_type")
    o.principal_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.principal_name")
    o.principal_name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.token_requester_principal_type")
    o.token_requester_principal_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.token_requester_principal_name")
    o.token_requester_principal_name = b[p:q].decode()
    p = q
    o.issue_timestamp, o.expiry_timestamp, o.max_timestamp, n = _unpack_qqqB(b, p)
    p += 25
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.token_id")
    o.token_id = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribedDelegationToken.hmac")
    o.hmac = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("DescribedDelegationToken.renewers")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_renewers: list[DescribedDelegationTokenRenewer] = []
    o.renewers = l_renewers
    for _ in range(n):
        x_renewers, p = _read_described_delegation_token_renewer_v2(b, p, e, c)
        l_renewers.append(x_renewers)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_described_delegation_token_v3(o: DescribedDelegationToken, w: Write) -> None:
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
    w(_pack_qqq(o.issue_timestamp, o.expiry_timestamp, o.max_timestamp))
    r_token_id = v_token_id.encode()
    n = len(r_token_id) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_token_id)
    v_hmac = o.hmac
    n = len(v_hmac) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_hmac)
    v_renewers = o.renewers
    n = len(v_renewers) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_renewers in v_renewers:
        _write_described_delegation_token_renewer_v2(x_renewers, w)
    w(b"\0")


def _read_describe_delegation_token_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeDelegationTokenResponse, int]:
    o = _new(DescribeDelegationTokenResponse)
    o.error_code, n = _unpack_hi(b, p)
    p += 6
    if n < 0 or n * 38 > e - p:
        raise bad_length("DescribeDelegationTokenResponse.tokens")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_tokens: list[DescribedDelegationToken] = []
    o.tokens = l_tokens
    for _ in range(n):
        x_tokens, p = _read_described_delegation_token_v1(b, p, e, c)
        l_tokens.append(x_tokens)
    (o.throttle_time_ms,) = _unpack_i(b, p)
    p += 4
    return o, p


def _write_describe_delegation_token_response_v1(o: DescribeDelegationTokenResponse, w: Write) -> None:
    v_tokens = o.tokens
    w(_pack_hi(o.error_code, len(v_tokens)))
    for x_tokens in v_tokens:
        _write_described_delegation_token_v1(x_tokens, w)
    w(_pack_i(o.throttle_time_ms))


def _read_describe_delegation_token_response_v2(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeDelegationTokenResponse, int]:
    o = _new(DescribeDelegationTokenResponse)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 30 > e - p:
        raise bad_length("DescribeDelegationTokenResponse.tokens")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_tokens: list[DescribedDelegationToken] = []
    o.tokens = l_tokens
    for _ in range(n):
        x_tokens, p = _read_described_delegation_token_v2(b, p, e, c)
        l_tokens.append(x_tokens)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_delegation_token_response_v2(o: DescribeDelegationTokenResponse, w: Write) -> None:
    v_tokens = o.tokens
    w(_pack_h(o.error_code))
    n = len(v_tokens) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_tokens in v_tokens:
        _write_described_delegation_token_v2(x_tokens, w)
    w(_pack_ix(o.throttle_time_ms))


def _read_describe_delegation_token_response_v3(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeDelegationTokenResponse, int]:
    o = _new(DescribeDelegationTokenResponse)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 32 > e - p:
        raise bad_length("DescribeDelegationTokenResponse.tokens")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_tokens: list[DescribedDelegationToken] = []
    o.tokens = l_tokens
    for _ in range(n):
        x_tokens, p = _read_described_delegation_token_v3(b, p, e, c)
        l_tokens.append(x_tokens)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_delegation_token_response_v3(o: DescribeDelegationTokenResponse, w: Write) -> None:
    v_tokens = o.tokens
    w(_pack_h(o.error_code))
    n = len(v_tokens) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_tokens in v_tokens:
        _write_described_delegation_token_v3(x_tokens, w)
    w(_pack_ix(o.throttle_time_ms))


DescribeDelegationTokenRequest.READERS = {
    1: _read_describe_delegation_token_request_v1,
    2: _read_describe_delegation_token_request_v2,
    3: _read_describe_delegation_token_request_v2,
}

DescribeDelegationTokenRequest.WRITERS = {
    1: _write_describe_delegation_token_request_v1,
    2: _write_describe_delegation_token_request_v2,
    3: _write_describe_delegation_token_request_v2,
}

DescribeDelegationTokenResponse.READERS = {
    1: _read_describe_delegation_token_response_v1,
    2: _read_describe_delegation_token_response_v2,
    3: _read_describe_delegation_token_response_v3,
}

DescribeDelegationTokenResponse.WRITERS = {
    1: _write_describe_delegation_token_response_v1,
    2: _write_describe_delegation_token_response_v2,
    3: _write_describe_delegation_token_response_v3,
}
