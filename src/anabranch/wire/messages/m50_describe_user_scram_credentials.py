# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeUserScramCredentials: messages of all versions, with their codec."""

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
_pack_bix = Struct_(">bix").pack
_pack_h = Struct_(">h").pack
_pack_ih = Struct_(">ih").pack
_unpack_biB = Struct_(">biB").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from


class UserName(Struct):
    """Part of DescribeUserScramCredentialsRequest."""

    __slots__ = ("name",)
    name: str

    def __init__(
        self,
        *,
        name: str = "",
    ) -> None:
        self.name = name


class DescribeUserScramCredentialsRequest(Message):
    """``DescribeUserScramCredentialsRequest`` (API key 50), version 0."""

    __slots__ = ("users",)
    users: list[UserName] | None

    API_KEY = 50
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        users: list[UserName] | None = EMPTY,
    ) -> None:
        self.users = [] if users is EMPTY else users


class CredentialInfo(Struct):
    """Part of DescribeUserScramCredentialsResponse."""

    __slots__ = ("mechanism", "iterations",)
    mechanism: int
    iterations: int

    def __init__(
        self,
        *,
        mechanism: int = 0,
        iterations: int = 0,
    ) -> None:
        self.mechanism = mechanism
        self.iterations = iterations


class DescribeUserScramCredentialsResult(Struct):
    """Part of DescribeUserScramCredentialsResponse."""

    __slots__ = ("user", "error_code", "error_message", "credential_infos",)
    user: str
    error_code: int
    error_message: str | None
    credential_infos: list[CredentialInfo]

    def __init__(
        self,
        *,
        user: str = "",
        error_code: int = 0,
        error_message: str | None = "",
        credential_infos: list[CredentialInfo] = EMPTY,
    ) -> None:
        self.user = user
        self.error_code = error_code
        self.error_message = error_message
        self.credential_infos = [] if credential_infos is EMPTY else credential_infos


class DescribeUserScramCredentialsResponse(Message):
    """``DescribeUserScramCredentialsResponse`` (API key 50), version 0."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "results",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    results: list[DescribeUserScramCredentialsResult]

    API_KEY = 50
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        results: list[DescribeUserScramCredentialsResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.results = [] if results is EMPTY else results


def _read_user_name_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[UserName, int]:
    o = _new(UserName)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("UserName.name")
    o.name = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_user_name_v0(o: UserName, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    w(b"\0")


def _read_describe_user_scram_credentials_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeUserScramCredentialsRequest, int]:
    o = _new(DescribeUserScramCredentialsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.users = None
    else:
        n -= 1
        if n * 2 > e - p:
            raise bad_length("DescribeUserScramCredentialsRequest.users")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_users: list[UserName] = []
        o.users = l_users
        for _ in range(n):
            x_users, p = _read_user_name_v0(b, p, e, c)
            l_users.append(x_users)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_user_scram_credentials_request_v0(o: DescribeUserScramCredentialsRequest, w: Write) -> None:
    v_users = o.users
    if v_users is None:
        w(b"\0")
    else:
        n = len(v_users) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_users in v_users:
            _write_user_name_v0(x_users, w)
    w(b"\0")


def _read_credential_info_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[CredentialInfo, int]:
    o = _new(CredentialInfo)
    o.mechanism, o.iterations, n = _unpack_biB(b, p)
    p += 6
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_credential_info_v0(o: CredentialInfo, w: Write) -> None:
    w(_pack_bix(o.mechanism, o.iterations))


def _read_describe_user_scram_credentials_result_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeUserScramCredentialsResult, int]:
    o = _new(DescribeUserScramCredentialsResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("DescribeUserScramCredentialsResult.user")
    o.user = b[p:q].decode()
    p = q
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeUserScramCredentialsResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("DescribeUserScramCredentialsResult.credential_infos")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_credential_infos: list[CredentialInfo] = []
    o.credential_infos = l_credential_infos
    for _ in range(n):
        x_credential_infos, p = _read_credential_info_v0(b, p, e, c)
        l_credential_infos.append(x_credential_infos)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_user_scram_credentials_result_v0(o: DescribeUserScramCredentialsResult, w: Write) -> None:
    v_user = o.user
    r_user = v_user.encode()
    n = len(r_user) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_user)
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_credential_infos = o.credential_infos
    n = len(v_credential_infos) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_credential_infos in v_credential_infos:
        _write_credential_info_v0(x_credential_infos, w)
    w(b"\0")


def _read_describe_user_scram_credentials_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeUserScramCredentialsResponse, int]:
    o = _new(DescribeUserScramCredentialsResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeUserScramCredentialsResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 6 > e - p:
        raise bad_length("DescribeUserScramCredentialsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[DescribeUserScramCredentialsResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_describe_user_scram_credentials_result_v0(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_user_scram_credentials_response_v0(o: DescribeUserScramCredentialsResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_results = o.results
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_describe_user_scram_credentials_result_v0(x_results, w)
    w(b"\0")


DescribeUserScramCredentialsRequest.READERS = {
    0: _read_describe_user_scram_credentials_request_v0,
}

DescribeUserScramCredentialsRequest.WRITERS = {
    0: _write_describe_user_scram_credentials_request_v0,
}

DescribeUserScramCredentialsResponse.READERS = {
    0: _read_describe_user_scram_credentials_response_v0,
}

DescribeUserScramCredentialsResponse.WRITERS = {
    0: _write_describe_user_scram_credentials_response_v0,
}
