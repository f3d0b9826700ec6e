# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""AlterUserScramCredentials: messages of all versions, with their codec."""

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
_pack_bi = Struct_(">bi").pack
_pack_bx = Struct_(">bx").pack
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_unpack_bB = Struct_(">bB").unpack_from
_unpack_biB = Struct_(">biB").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_iB = Struct_(">iB").unpack_from


class ScramCredentialDeletion(Struct):
    """Part of AlterUserScramCredentialsRequest."""

    __slots__ = ("name", "mechanism",)
    name: str
    mechanism: int

    def __init__(
        self,
        *,
        name: str = "",
        mechanism: int = 0,
    ) -> None:
        self.name = name
        self.mechanism = mechanism


class ScramCredentialUpsertion(Struct):
    """Part of AlterUserScramCredentialsRequest."""

    __slots__ = ("name", "mechanism", "iterations", "salt", "salted_password",)
    name: str
    mechanism: int
    iterations: int
    salt: bytes
    salted_password: bytes

    def __init__(
        self,
        *,
        name: str = "",
        mechanism: int = 0,
        iterations: int = 0,
        salt: bytes = b"",
        salted_password: bytes = b"",
    ) -> None:
        self.name = name
        self.mechanism = mechanism
        self.iterations = iterations
        self.salt = salt
        self.salted_password = salted_password


class AlterUserScramCredentialsRequest(Message):
    """``AlterUserScramCredentialsRequest`` (API key 51), version 0."""

    __slots__ = ("deletions", "upsertions",)
    deletions: list[ScramCredentialDeletion]
    upsertions: list[ScramCredentialUpsertion]

    API_KEY = 51
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        deletions: list[ScramCredentialDeletion] = EMPTY,
        upsertions: list[ScramCredentialUpsertion] = EMPTY,
    ) -> None:
        self.deletions = [] if deletions is EMPTY else deletions
        self.upsertions = [] if upsertions is EMPTY else upsertions


class AlterUserScramCredentialsResult(Struct):
    """Part of AlterUserScramCredentialsResponse."""

    __slots__ = ("user", "error_code", "error_message",)
    user: str
    error_code: int
    error_message: str | None

    def __init__(
        self,
        *,
        user: str = "",
        error_code: int = 0,
        error_message: str | None = "",
    ) -> None:
        self.user = user
        self.error_code = error_code
        self.error_message = error_message


class AlterUserScramCredentialsResponse(Message):
    """``AlterUserScramCredentialsResponse`` (API key 51), version 0."""

    __slots__ = ("throttle_time_ms", "results",)
    throttle_time_ms: int
    results: list[AlterUserScramCredentialsResult]

    API_KEY = 51
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        results: list[AlterUserScramCredentialsResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = [] if results is EMPTY else results


def _read_scram_credential_deletion_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ScramCredentialDeletion, int]:
    o = _new(ScramCredentialDeletion)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ScramCredentialDeletion.name")
    o.name = b[p:q].decode()
    p = q
    o.mechanism, n = _unpack_bB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_scram_credential_deletion_v0(o: ScramCredentialDeletion, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    w(_pack_bx(o.mechanism))


def _read_scram_credential_upsertion_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ScramCredentialUpsertion, int]:
    o = _new(ScramCredentialUpsertion)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ScramCredentialUpsertion.name")
    o.name = b[p:q].decode()
    p = q
    o.mechanism, o.iterations, n = _unpack_biB(b, p)
    p += 6
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ScramCredentialUpsertion.salt")
    o.salt = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ScramCredentialUpsertion.salted_password")
    o.salted_password = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_scram_credential_upsertion_v0(o: ScramCredentialUpsertion, w: Write) -> None:
    v_name = o.name
    r_name = v_name.encode()
    n = len(r_name) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_name)
    v_salt = o.salt
    w(_pack_bi(o.mechanism, o.iterations))
    n = len(v_salt) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_salt)
    v_salted_password = o.salted_password
    n = len(v_salted_password) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_salted_password)
    w(b"\0")


def _read_alter_user_scram_credentials_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterUserScramCredentialsRequest, int]:
    o = _new(AlterUserScramCredentialsRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterUserScramCredentialsRequest.deletions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_deletions: list[ScramCredentialDeletion] = []
    o.deletions = l_deletions
    for _ in range(n):
        x_deletions, p = _read_scram_credential_deletion_v0(b, p, e, c)
        l_deletions.append(x_deletions)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 9 > e - p:
        raise bad_length("AlterUserScramCredentialsRequest.upsertions")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_upsertions: list[ScramCredentialUpsertion] = []
    o.upsertions = l_upsertions
    for _ in range(n):
        x_upsertions, p = _read_scram_credential_upsertion_v0(b, p, e, c)
        l_upsertions.append(x_upsertions)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_user_scram_credentials_request_v0(o: AlterUserScramCredentialsRequest, w: Write) -> None:
    v_deletions = o.deletions
    n = len(v_deletions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_deletions in v_deletions:
        _write_scram_credential_deletion_v0(x_deletions, w)
    v_upsertions = o.upsertions
    n = len(v_upsertions) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_upsertions in v_upsertions:
        _write_scram_credential_upsertion_v0(x_upsertions, w)
    w(b"\0")


def _read_alter_user_scram_credentials_result_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterUserScramCredentialsResult, int]:
    o = _new(AlterUserScramCredentialsResult)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterUserScramCredentialsResult.user")
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
            raise bad_length("AlterUserScramCredentialsResult.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_user_scram_credentials_result_v0(o: AlterUserScramCredentialsResult, w: Write) -> None:
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
    w(b"\0")


def _read_alter_user_scram_credentials_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterUserScramCredentialsResponse, int]:
    o = _new(AlterUserScramCredentialsResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("AlterUserScramCredentialsResponse.results")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_results: list[AlterUserScramCredentialsResult] = []
    o.results = l_results
    for _ in range(n):
        x_results, p = _read_alter_user_scram_credentials_result_v0(b, p, e, c)
        l_results.append(x_results)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_user_scram_credentials_response_v0(o: AlterUserScramCredentialsResponse, w: Write) -> None:
    v_results = o.results
    w(_pack_i(o.throttle_time_ms))
    n = len(v_results) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_results in v_results:
        _write_alter_user_scram_credentials_result_v0(x_results, w)
    w(b"\0")


AlterUserScramCredentialsRequest.READERS = {
    0: _read_alter_user_scram_credentials_request_v0,
}

AlterUserScramCredentialsRequest.WRITERS = {
    0: _write_alter_user_scram_credentials_request_v0,
}

AlterUserScramCredentialsResponse.READERS = {
    0: _read_alter_user_scram_credentials_response_v0,
}

AlterUserScramCredentialsResponse.WRITERS = {
    0: _write_alter_user_scram_credentials_response_v0,
}
