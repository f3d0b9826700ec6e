# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""AlterClientQuotas: messages of all versions, with their codec."""

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
_pack_t = Struct_(">?").pack
_pack_tx = Struct_(">?x").pack
_pack_dt = Struct_(">d?").pack
_pack_dtx = Struct_(">d?x").pack
_pack_h = Struct_(">h").pack
_pack_hh = Struct_(">hh").pack
_pack_i = Struct_(">i").pack
_pack_ii = Struct_(">ii").pack
_unpack_t = Struct_(">?").unpack_from
_unpack_tB = Struct_(">?B").unpack_from
_unpack_dt = Struct_(">d?").unpack_from
_unpack_dtB = Struct_(">d?B").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_hB = Struct_(">hB").unpack_from
_unpack_hh = Struct_(">hh").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_iB = Struct_(">iB").unpack_from
_unpack_ii = Struct_(">ii").unpack_from


class AlterClientQuotasRequestEntityData(Struct):
    """Part of AlterClientQuotasRequest."""

    __slots__ = ("entity_type", "entity_name",)
    entity_type: str
    entity_name: str | None

    def __init__(
        self,
        *,
        entity_type: str = "",
        entity_name: str | None = "",
    ) -> None:
        self.entity_type = entity_type
        self.entity_name = entity_name


class OpData(Struct):
    """Part of AlterClientQuotasRequest."""

    __slots__ = ("key", "value", "remove",)
    key: str
    value: float
    remove: bool

    def __init__(
        self,
        *,
        key: str = "",
        value: float = 0.0,
        remove: bool = False,
    ) -> None:
        self.key = key
        self.value = value
        self.remove = remove


class AlterClientQuotasRequestEntryData(Struct):
    """Part of AlterClientQuotasRequest."""

    __slots__ = ("entity", "ops",)
    entity: list[AlterClientQuotasRequestEntityData]
    ops: list[OpData]

    def __init__(
        self,
        *,
        entity: list[AlterClientQuotasRequestEntityData] = EMPTY,
        ops: list[OpData] = EMPTY,
    ) -> None:
        self.entity = [] if entity is EMPTY else entity
        self.ops = [] if ops is EMPTY else ops


class AlterClientQuotasRequest(Message):
    """``AlterClientQuotasRequest`` (API key 49), versions 0 to 1."""

    __slots__ = ("entries", "validate_only",)
    entries: list[AlterClientQuotasRequestEntryData]
    validate_only: bool

    API_KEY = 49
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 1

    def __init__(
        self,
        *,
        entries: list[AlterClientQuotasRequestEntryData] = EMPTY,
        validate_only: bool = False,
    ) -> None:
        self.entries = [] if entries is EMPTY else entries
        self.validate_only = validate_only


class AlterClientQuotasResponseEntityData(Struct):
    """Part of AlterClientQuotasResponse."""

    __slots__ = ("entity_type", "entity_name",)
    entity_type: str
    entity_name: str | None

    def __init__(
        self,
        *,
        entity_type: str = "",
        entity_name: str | None = "",
    ) -> None:
        self.entity_type = entity_type
        self.entity_name = entity_name


class AlterClientQuotasResponseEntryData(Struct):
    """Part of AlterClientQuotasResponse."""

    __slots__ = ("error_code", "error_message", "entity",)
    error_code: int
    error_message: str | None
    entity: list[AlterClientQuotasResponseEntityData]

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = "",
        entity: list[AlterClientQuotasResponseEntityData] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.entity = [] if entity is EMPTY else entity


class AlterClientQuotasResponse(Message):
    """``AlterClientQuotasResponse`` (API key 49), versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "entries",)
    throttle_time_ms: int
    entries: list[AlterClientQuotasResponseEntryData]

    API_KEY = 49
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 1

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        entries: list[AlterClientQuotasResponseEntryData] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.entries = [] if entries is EMPTY else entries


def _read_alter_client_quotas_request_entity_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasRequestEntityData, int]:
    o = _new(AlterClientQuotasRequestEntityData)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AlterClientQuotasRequestEntityData.entity_type")
    o.entity_type = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.entity_name = None
    else:
        q = p + n
        if q > e:
            raise bad_length("AlterClientQuotasRequestEntityData.entity_name")
        o.entity_name = b[p:q].decode()
        p = q
    return o, p


def _write_alter_client_quotas_request_entity_data_v0(o: AlterClientQuotasRequestEntityData, w: Write) -> None:
    v_entity_type = o.entity_type
    r_entity_type = v_entity_type.encode()
    w(_pack_h(len(r_entity_type)))
    w(r_entity_type)
    v_entity_name = o.entity_name
    if v_entity_name is None:
        w(_pack_h(-1))
    else:
        r_entity_name = v_entity_name.encode()
        w(_pack_h(len(r_entity_name)))
        w(r_entity_name)


def _read_alter_client_quotas_request_entity_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasRequestEntityData, int]:
    o = _new(AlterClientQuotasRequestEntityData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterClientQuotasRequestEntityData.entity_type")
    o.entity_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.entity_name = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("AlterClientQuotasRequestEntityData.entity_name")
        o.entity_name = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_client_quotas_request_entity_data_v1(o: AlterClientQuotasRequestEntityData, w: Write) -> None:
    v_entity_type = o.entity_type
    r_entity_type = v_entity_type.encode()
    n = len(r_entity_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_entity_type)
    v_entity_name = o.entity_name
    if v_entity_name is None:
        w(b"\0")
    else:
        r_entity_name = v_entity_name.encode()
        n = len(r_entity_name) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_entity_name)
    w(b"\0")


def _read_op_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[OpData, int]:
    o = _new(OpData)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("OpData.key")
    o.key = b[p:q].decode()
    p = q
    o.value, o.remove = _unpack_dt(b, p)
    p += 9
    return o, p


def _write_op_data_v0(o: OpData, w: Write) -> None:
    v_key = o.key
    r_key = v_key.encode()
    w(_pack_h(len(r_key)))
    w(r_key)
    w(_pack_dt(o.value, o.remove))


def _read_op_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[OpData, int]:
    o = _new(OpData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("OpData.key")
    o.key = b[p:q].decode()
    p = q
    o.value, o.remove, n = _unpack_dtB(b, p)
    p += 10
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_op_data_v1(o: OpData, w: Write) -> None:
    v_key = o.key
    r_key = v_key.encode()
    n = len(r_key) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_key)
    w(_pack_dtx(o.value, o.remove))


def _read_alter_client_quotas_request_entry_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasRequestEntryData, int]:
    o = _new(AlterClientQuotasRequestEntryData)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 4 > e - p:
        raise bad_length("AlterClientQuotasRequestEntryData.entity")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_entity: list[AlterClientQuotasRequestEntityData] = []
    o.entity = l_entity
    for _ in range(n):
        x_entity, p = _read_alter_client_quotas_request_entity_data_v0(b, p, e, c)
        l_entity.append(x_entity)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 11 > e - p:
        raise bad_length("AlterClientQuotasRequestEntryData.ops")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_ops: list[OpData] = []
    o.ops = l_ops
    for _ in range(n):
        x_ops, p = _read_op_data_v0(b, p, e, c)
        l_ops.append(x_ops)
    return o, p


def _write_alter_client_quotas_request_entry_data_v0(o: AlterClientQuotasRequestEntryData, w: Write) -> None:
    v_entity = o.entity
    w(_pack_i(len(v_entity)))
    for x_entity in v_entity:
        _write_alter_client_quotas_request_entity_data_v0(x_entity, w)
    v_ops = o.ops
    w(_pack_i(len(v_ops)))
    for x_ops in v_ops:
        _write_op_data_v0(x_ops, w)


def _read_alter_client_quotas_request_entry_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasRequestEntryData, int]:
    o = _new(AlterClientQuotasRequestEntryData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterClientQuotasRequestEntryData.entity")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_entity: list[AlterClientQuotasRequestEntityData] = []
    o.entity = l_entity
    for _ in range(n):
        x_entity, p = _read_alter_client_quotas_request_entity_data_v1(b, p, e, c)
        l_entity.append(x_entity)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 11 > e - p:
        raise bad_length("AlterClientQuotasRequestEntryData.ops")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_ops: list[OpData] = []
    o.ops = l_ops
    for _ in range(n):
        x_ops, p = _read_op_data_v1(b, p, e, c)
        l_ops.append(x_ops)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_client_quotas_request_entry_data_v1(o: AlterClientQuotasRequestEntryData, w: Write) -> None:
    v_entity = o.entity
    n = len(v_entity) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_entity in v_entity:
        _write_alter_client_quotas_request_entity_data_v1(x_entity, w)
    v_ops = o.ops
    n = len(v_ops) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_ops in v_ops:
        _write_op_data_v1(x_ops, w)
    w(b"\0")


def _read_alter_client_quotas_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasRequest, int]:
    o = _new(AlterClientQuotasRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 8 > e - p:
        raise bad_length("AlterClientQuotasRequest.entries")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_entries: list[AlterClientQuotasRequestEntryData] = []
    o.entries = l_entries
    for _ in range(n):
        x_entries, p = _read_alter_client_quotas_request_entry_data_v0(b, p, e, c)
        l_entries.append(x_entries)
    (o.validate_only,) = _unpack_t(b, p)
    p += 1
    return o, p


def _write_alter_client_quotas_request_v0(o: AlterClientQuotasRequest, w: Write) -> None:
    v_entries = o.entries
    w(_pack_i(len(v_entries)))
    for x_entries in v_entries:
        _write_alter_client_quotas_request_entry_data_v0(x_entries, w)
    w(_pack_t(o.validate_only))


def _read_alter_client_quotas_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasRequest, int]:
    o = _new(AlterClientQuotasRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterClientQuotasRequest.entries")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_entries: list[AlterClientQuotasRequestEntryData] = []
    o.entries = l_entries
    for _ in range(n):
        x_entries, p = _read_alter_client_quotas_request_entry_data_v1(b, p, e, c)
        l_entries.append(x_entries)
    o.validate_only, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_client_quotas_request_v1(o: AlterClientQuotasRequest, w: Write) -> None:
    v_entries = o.entries
    n = len(v_entries) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_entries in v_entries:
        _write_alter_client_quotas_request_entry_data_v1(x_entries, w)
    w(_pack_tx(o.validate_only))


def _read_alter_client_quotas_response_entity_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasResponseEntityData, int]:
    o = _new(AlterClientQuotasResponseEntityData)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("AlterClientQuotasResponseEntityData.entity_type")
    o.entity_type = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.entity_name = None
    else:
        q = p + n
        if q > e:
            raise bad_length("AlterClientQuotasResponseEntityData.entity_name")
        o.entity_name = b[p:q].decode()
        p = q
    return o, p


def _write_alter_client_quotas_response_entity_data_v0(o: AlterClientQuotasResponseEntityData, w: Write) -> None:
    v_entity_type = o.entity_type
    r_entity_type = v_entity_type.encode()
    w(_pack_h(len(r_entity_type)))
    w(r_entity_type)
    v_entity_name = o.entity_name
    if v_entity_name is None:
        w(_pack_h(-1))
    else:
        r_entity_name = v_entity_name.encode()
        w(_pack_h(len(r_entity_name)))
        w(r_entity_name)


def _read_alter_client_quotas_response_entity_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasResponseEntityData, int]:
    o = _new(AlterClientQuotasResponseEntityData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("AlterClientQuotasResponseEntityData.entity_type")
    o.entity_type = b[p:q].decode()
    p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.entity_name = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("AlterClientQuotasResponseEntityData.entity_name")
        o.entity_name = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_client_quotas_response_entity_data_v1(o: AlterClientQuotasResponseEntityData, w: Write) -> None:
    v_entity_type = o.entity_type
    r_entity_type = v_entity_type.encode()
    n = len(r_entity_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_entity_type)
    v_entity_name = o.entity_name
    if v_entity_name is None:
        w(b"\0")
    else:
        r_entity_name = v_entity_name.encode()
        n = len(r_entity_name) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_entity_name)
    w(b"\0")


def _read_alter_client_quotas_response_entry_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasResponseEntryData, int]:
    o = _new(AlterClientQuotasResponseEntryData)
    o.error_code, n = _unpack_hh(b, p)
    p += 4
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("AlterClientQuotasResponseEntryData.error_message")
        o.error_message = b[p:q].decode()
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 4 > e - p:
        raise bad_length("AlterClientQuotasResponseEntryData.entity")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_entity: list[AlterClientQuotasResponseEntityData] = []
    o.entity = l_entity
    for _ in range(n):
        x_entity, p = _read_alter_client_quotas_response_entity_data_v0(b, p, e, c)
        l_entity.append(x_entity)
    return o, p


def _write_alter_client_quotas_response_entry_data_v0(o: AlterClientQuotasResponseEntryData, w: Write) -> None:
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_hh(o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_hh(o.error_code, len(r_error_message)))
        w(r_error_message)
    v_entity = o.entity
    w(_pack_i(len(v_entity)))
    for x_entity in v_entity:
        _write_alter_client_quotas_response_entity_data_v0(x_entity, w)


def _read_alter_client_quotas_response_entry_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasResponseEntryData, int]:
    o = _new(AlterClientQuotasResponseEntryData)
    o.error_code, n = _unpack_hB(b, p)
    p += 3
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("AlterClientQuotasResponseEntryData.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("AlterClientQuotasResponseEntryData.entity")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_entity: list[AlterClientQuotasResponseEntityData] = []
    o.entity = l_entity
    for _ in range(n):
        x_entity, p = _read_alter_client_quotas_response_entity_data_v1(b, p, e, c)
        l_entity.append(x_entity)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_client_quotas_response_entry_data_v1(o: AlterClientQuotasResponseEntryData, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_h(o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_entity = o.entity
    n = len(v_entity) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_entity in v_entity:
        _write_alter_client_quotas_response_entity_data_v1(x_entity, w)
    w(b"\0")


def _read_alter_client_quotas_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasResponse, int]:
    o = _new(AlterClientQuotasResponse)
    o.throttle_time_ms, n = _unpack_ii(b, p)
    p += 8
    if n < 0 or n * 8 > e - p:
        raise bad_length("AlterClientQuotasResponse.entries")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_entries: list[AlterClientQuotasResponseEntryData] = []
    o.entries = l_entries
    for _ in range(n):
        x_entries, p = _read_alter_client_quotas_response_entry_data_v0(b, p, e, c)
        l_entries.append(x_entries)
    return o, p


def _write_alter_client_quotas_response_v0(o: AlterClientQuotasResponse, w: Write) -> None:
    v_entries = o.entries
    w(_pack_ii(o.throttle_time_ms, len(v_entries)))
    for x_entries in v_entries:
        _write_alter_client_quotas_response_entry_data_v0(x_entries, w)


def _read_alter_client_quotas_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[AlterClientQuotasResponse, int]:
    o = _new(AlterClientQuotasResponse)
    o.throttle_time_ms, n = _unpack_iB(b, p)
    p += 5
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 5 > e - p:
        raise bad_length("AlterClientQuotasResponse.entries")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_entries: list[AlterClientQuotasResponseEntryData] = []
    o.entries = l_entries
    for _ in range(n):
        x_entries, p = _read_alter_client_quotas_response_entry_data_v1(b, p, e, c)
        l_entries.append(x_entries)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_alter_client_quotas_response_v1(o: AlterClientQuotasResponse, w: Write) -> None:
    v_entries = o.entries
    w(_pack_i(o.throttle_time_ms))
    n = len(v_entries) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_entries in v_entries:
        _write_alter_client_quotas_response_entry_data_v1(x_entries, w)
    w(b"\0")


AlterClientQuotasRequest.READERS = {
    0: _read_alter_client_quotas_request_v0,
    1: _read_alter_client_quotas_request_v1,
}

AlterClientQuotasRequest.WRITERS = {
    0: _write_alter_client_quotas_request_v0,
    1: _write_alter_client_quotas_request_v1,
}

AlterClientQuotasResponse.READERS = {
    0: _read_alter_client_quotas_response_v0,
    1: _read_alter_client_quotas_response_v1,
}

AlterClientQuotasResponse.WRITERS = {
    0: _write_alter_client_quotas_response_v0,
    1: _write_alter_client_quotas_response_v1,
}
