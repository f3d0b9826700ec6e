# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""DescribeClientQuotas: messages of all versions, with their codec."""

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
_pack_b = Struct_(">b").pack
_pack_bh = Struct_(">bh").pack
_pack_d = Struct_(">d").pack
_pack_dx = Struct_(">dx").pack
_pack_h = Struct_(">h").pack
_pack_i = Struct_(">i").pack
_pack_ih = Struct_(">ih").pack
_pack_ihh = Struct_(">ihh").pack
_unpack_t = Struct_(">?").unpack_from
_unpack_tB = Struct_(">?B").unpack_from
_unpack_bB = Struct_(">bB").unpack_from
_unpack_bh = Struct_(">bh").unpack_from
_unpack_d = Struct_(">d").unpack_from
_unpack_dB = Struct_(">dB").unpack_from
_unpack_h = Struct_(">h").unpack_from
_unpack_i = Struct_(">i").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from
_unpack_ihh = Struct_(">ihh").unpack_from


class ComponentData(Struct):
    """Part of DescribeClientQuotasRequest."""

    __slots__ = ("entity_type", "match_type", "match",)
    entity_type: str
    match_type: int
    match: str | None

    def __init__(
        self,
        *,
        entity_type: str = "",
        match_type: int = 0,
        match: str | None = "",
    ) -> None:
        self.entity_type = entity_type
        self.match_type = match_type
        self.match = match


class DescribeClientQuotasRequest(Message):
    """``DescribeClientQuotasRequest`` (API key 48), versions 0 to 1."""

    __slots__ = ("components", "strict",)
    components: list[ComponentData]
    strict: bool

    API_KEY = 48
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 1

    def __init__(
        self,
        *,
        components: list[ComponentData] = EMPTY,
        strict: bool = False,
    ) -> None:
        self.components = [] if components is EMPTY else components
        self.strict = strict


class EntityData(Struct):
    """Part of DescribeClientQuotasResponse."""

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


class ValueData(Struct):
    """Part of DescribeClientQuotasResponse."""

    __slots__ = ("key", "value",)
    key: str
    value: float

    def __init__(
        self,
        *,
        key: str = "",
        value: float = 0.0,
    ) -> None:
        self.key = key
        self.value = value


class EntryData(Struct):
    """Part of DescribeClientQuotasResponse."""

    __slots__ = ("entity", "values",)
    entity: list[EntityData]
    values: list[ValueData]

    def __init__(
        self,
        *,
        entity: list[EntityData] = EMPTY,
        values: list[ValueData] = EMPTY,
    ) -> None:
        self.entity = [] if entity is EMPTY else entity
        self.values = [] if values is EMPTY else values


class DescribeClientQuotasResponse(Message):
    """``DescribeClientQuotasResponse`` (API key 48), versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "entries",)
    throttle_time_ms: int
    error_code: int
    error_message: str | None
    entries: list[EntryData] | None

    API_KEY = 48
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIRST_FLEXIBLE = 1

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        entries: list[EntryData] | None = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.entries = [] if entries is EMPTY else entries


def _read_component_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ComponentData, int]:
    o = _new(ComponentData)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("ComponentData.entity_type")
    o.entity_type = b[p:q].decode()
    p = q
    o.match_type, n = _unpack_bh(b, p)
    p += 3
    if n < 0:
        o.match = None
    else:
        q = p + n
        if q > e:
            raise bad_length("ComponentData.match")
        o.match = b[p:q].decode()
        p = q
    return o, p


def _write_component_data_v0(o: ComponentData, w: Write) -> None:
    v_entity_type = o.entity_type
    r_entity_type = v_entity_type.encode()
    w(_pack_h(len(r_entity_type)))
    w(r_entity_type)
    v_match = o.match
    if v_match is None:
        w(_pack_bh(o.match_type, -1))
    else:
        r_match = v_match.encode()
        w(_pack_bh(o.match_type, len(r_match)))
        w(r_match)


def _read_component_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ComponentData, int]:
    o = _new(ComponentData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ComponentData.entity_type")
    o.entity_type = b[p:q].decode()
    p = q
    o.match_type, n = _unpack_bB(b, p)
    p += 2
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.match = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("ComponentData.match")
        o.match = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_component_data_v1(o: ComponentData, w: Write) -> None:
    v_entity_type = o.entity_type
    r_entity_type = v_entity_type.encode()
    n = len(r_entity_type) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_entity_type)
    v_match = o.match
    w(_pack_b(o.match_type))
    if v_match is None:
        w(b"\0")
    else:
        r_match = v_match.encode()
        n = len(r_match) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_match)
    w(b"\0")


def _read_describe_client_quotas_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClientQuotasRequest, int]:
    o = _new(DescribeClientQuotasRequest)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 5 > e - p:
        raise bad_length("DescribeClientQuotasRequest.components")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_components: list[ComponentData] = []
    o.components = l_components
    for _ in range(n):
        x_components, p = _read_component_data_v0(b, p, e, c)
        l_components.append(x_components)
    (o.strict,) = _unpack_t(b, p)
    p += 1
    return o, p


def _write_describe_client_quotas_request_v0(o: DescribeClientQuotasRequest, w: Write) -> None:
    v_components = o.components
    w(_pack_i(len(v_components)))
    for x_components in v_components:
        _write_component_data_v0(x_components, w)
    w(_pack_t(o.strict))


def _read_describe_client_quotas_request_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClientQuotasRequest, int]:
    o = _new(DescribeClientQuotasRequest)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 4 > e - p:
        raise bad_length("DescribeClientQuotasRequest.components")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_components: list[ComponentData] = []
    o.components = l_components
    for _ in range(n):
        x_components, p = _read_component_data_v1(b, p, e, c)
        l_components.append(x_components)
    o.strict, n = _unpack_tB(b, p)
    p += 2
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_client_quotas_request_v1(o: DescribeClientQuotasRequest, w: Write) -> None:
    v_components = o.components
    n = len(v_components) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_components in v_components:
        _write_component_data_v1(x_components, w)
    w(_pack_tx(o.strict))


def _read_entity_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[EntityData, int]:
    o = _new(EntityData)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("EntityData.entity_type")
    o.entity_type = b[p:q].decode()
    p = q
    (n,) = _unpack_h(b, p)
    p += 2
    if n < 0:
        o.entity_name = None
    else:
        q = p + n
        if q > e:
            raise bad_length("EntityData.entity_name")
        o.entity_name = b[p:q].decode()
        p = q
    return o, p


def _write_entity_data_v0(o: EntityData, w: Write) -> None:
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


def _read_entity_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[EntityData, int]:
    o = _new(EntityData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("EntityData.entity_type")
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
            raise bad_length("EntityData.entity_name")
        o.entity_name = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_entity_data_v1(o: EntityData, w: Write) -> None:
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


def _read_value_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[ValueData, int]:
    o = _new(ValueData)
    (n,) = _unpack_h(b, p)
    p += 2
    q = p + n
    if not p <= q <= e:
        raise bad_length("ValueData.key")
    o.key = b[p:q].decode()
    p = q
    (o.value,) = _unpack_d(b, p)
    p += 8
    return o, p


def _write_value_data_v0(o: ValueData, w: Write) -> None:
    v_key = o.key
    r_key = v_key.encode()
    w(_pack_h(len(r_key)))
    w(r_key)
    w(_pack_d(o.value))


def _read_value_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[ValueData, int]:
    o = _new(ValueData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("ValueData.key")
    o.key = b[p:q].decode()
    p = q
    o.value, n = _unpack_dB(b, p)
    p += 9
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_value_data_v1(o: ValueData, w: Write) -> None:
    v_key = o.key
    r_key = v_key.encode()
    n = len(r_key) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(r_key)
    w(_pack_dx(o.value))


def _read_entry_data_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[EntryData, int]:
    o = _new(EntryData)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 4 > e - p:
        raise bad_length("EntryData.entity")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_entity: list[EntityData] = []
    o.entity = l_entity
    for _ in range(n):
        x_entity, p = _read_entity_data_v0(b, p, e, c)
        l_entity.append(x_entity)
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0 or n * 10 > e - p:
        raise bad_length("EntryData.values")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_values: list[ValueData] = []
    o.values = l_values
    for _ in range(n):
        x_values, p = _read_value_data_v0(b, p, e, c)
        l_values.append(x_values)
    return o, p


def _write_entry_data_v0(o: EntryData, w: Write) -> None:
    v_entity = o.entity
    w(_pack_i(len(v_entity)))
    for x_entity in v_entity:
        _write_entity_data_v0(x_entity, w)
    v_values = o.values
    w(_pack_i(len(v_values)))
    for x_values in v_values:
        _write_value_data_v0(x_values, w)


def _read_entry_data_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[EntryData, int]:
    o = _new(EntryData)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 3 > e - p:
        raise bad_length("EntryData.entity")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_entity: list[EntityData] = []
    o.entity = l_entity
    for _ in range(n):
        x_entity, p = _read_entity_data_v1(b, p, e, c)
        l_entity.append(x_entity)
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n * 10 > e - p:
        raise bad_length("EntryData.values")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_values: list[ValueData] = []
    o.values = l_values
    for _ in range(n):
        x_values, p = _read_value_data_v1(b, p, e, c)
        l_values.append(x_values)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_entry_data_v1(o: EntryData, w: Write) -> None:
    v_entity = o.entity
    n = len(v_entity) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_entity in v_entity:
        _write_entity_data_v1(x_entity, w)
    v_values = o.values
    n = len(v_values) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_values in v_values:
        _write_value_data_v1(x_values, w)
    w(b"\0")


def _read_describe_client_quotas_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClientQuotasResponse, int]:
    o = _new(DescribeClientQuotasResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihh(b, p)
    p += 8
    if n < 0:
        o.error_message = None
    else:
        q = p + n
        if q > e:
            raise bad_length("DescribeClientQuotasResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    (n,) = _unpack_i(b, p)
    p += 4
    if n < 0:
        o.entries = None
    else:
        if n * 8 > e - p:
            raise bad_length("DescribeClientQuotasResponse.entries")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_entries: list[EntryData] = []
        o.entries = l_entries
        for _ in range(n):
            x_entries, p = _read_entry_data_v0(b, p, e, c)
            l_entries.append(x_entries)
    return o, p


def _write_describe_client_quotas_response_v0(o: DescribeClientQuotasResponse, w: Write) -> None:
    v_error_message = o.error_message
    if v_error_message is None:
        w(_pack_ihh(o.throttle_time_ms, o.error_code, -1))
    else:
        r_error_message = v_error_message.encode()
        w(_pack_ihh(o.throttle_time_ms, o.error_code, len(r_error_message)))
        w(r_error_message)
    v_entries = o.entries
    if v_entries is None:
        w(_pack_i(-1))
    else:
        w(_pack_i(len(v_entries)))
        for x_entries in v_entries:
            _write_entry_data_v0(x_entries, w)


def _read_describe_client_quotas_response_v1(b: bytes, p: int, e: int, c: Allowance) -> tuple[DescribeClientQuotasResponse, int]:
    o = _new(DescribeClientQuotasResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.error_message = None
    else:
        q = p + n - 1
        if q > e:
            raise bad_length("DescribeClientQuotasResponse.error_message")
        o.error_message = b[p:q].decode()
        p = q
    n = b[p]
    p += 1
    if n > 127:
        n, p = uvarint(b, p - 1)
    if not n:
        o.entries = None
    else:
        n -= 1
        if n * 3 > e - p:
            raise bad_length("DescribeClientQuotasResponse.entries")
        c[0] -= n
        if c[0] < 0:
            raise too_many()
        l_entries: list[EntryData] = []
        o.entries = l_entries
        for _ in range(n):
            x_entries, p = _read_entry_data_v1(b, p, e, c)
            l_entries.append(x_entries)
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_describe_client_quotas_response_v1(o: DescribeClientQuotasResponse, w: Write) -> None:
    v_error_message = o.error_message
    w(_pack_ih(o.throttle_time_ms, o.error_code))
    if v_error_message is None:
        w(b"\0")
    else:
        r_error_message = v_error_message.encode()
        n = len(r_error_message) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_error_message)
    v_entries = o.entries
    if v_entries is None:
        w(b"\0")
    else:
        n = len(v_entries) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        for x_entries in v_entries:
            _write_entry_data_v1(x_entries, w)
    w(b"\0")


DescribeClientQuotasRequest.READERS = {
    0: _read_describe_client_quotas_request_v0,
    1: _read_describe_client_quotas_request_v1,
}

DescribeClientQuotasRequest.WRITERS = {
    0: _write_describe_client_quotas_request_v0,
    1: _write_describe_client_quotas_request_v1,
}

DescribeClientQuotasResponse.READERS = {
    0: _read_describe_client_quotas_response_v0,
    1: _read_describe_client_quotas_response_v1,
}

DescribeClientQuotasResponse.WRITERS = {
    0: _write_describe_client_quotas_response_v0,
    1: _write_describe_client_quotas_response_v1,
}
