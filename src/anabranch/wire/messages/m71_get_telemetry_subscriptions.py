# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""GetTelemetrySubscriptions: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_, pack, unpack_from

from anabranch.wire.codec import (
    Allowance,
    EMPTY,
    Message,
    UVARINT,
    Write,
    ZERO_UUID,
    bad_length,
    skip_tags,
    too_many,
    uvarint,
    uvarint_bytes,
)

_new = object.__new__
_pack_16sx = Struct_(">16sx").pack
_pack_ih16si = Struct_(">ih16si").pack
_pack_iit = Struct_(">ii?").pack
_unpack_16sB = Struct_(">16sB").unpack_from
_unpack_ih16siB = Struct_(">ih16siB").unpack_from
_unpack_iitB = Struct_(">ii?B").unpack_from


class GetTelemetrySubscriptionsRequest(Message):
    """``GetTelemetrySubscriptionsRequest`` (API key 71), version 0."""

    __slots__ = ("client_instance_id",)
    client_instance_id: bytes

    API_KEY = 71
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        client_instance_id: bytes = ZERO_UUID,
    ) -> None:
        self.client_instance_id = client_instance_id


class GetTelemetrySubscriptionsResponse(Message):
    """``GetTelemetrySubscriptionsResponse`` (API key 71), version 0."""

    __slots__ = ("throttle_time_ms", "error_code", "client_instance_id", "subscription_id", "accepted_compression_types", "push_interval_ms", "telemetry_max_bytes", "delta_temporality", "requested_metrics",)
    throttle_time_ms: int
    error_code: int
    client_instance_id: bytes
    subscription_id: int
    accepted_compression_types: list[int]
    push_interval_ms: int
    telemetry_max_bytes: int
    delta_temporality: bool
    requested_metrics: list[str]

    API_KEY = 71
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        client_instance_id: bytes = ZERO_UUID,
        subscription_id: int = 0,
        accepted_compression_types: list[int] = EMPTY,
        push_interval_ms: int = 0,
        telemetry_max_bytes: int = 0,
        delta_temporality: bool = False,
        requested_metrics: list[str] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.client_instance_id = client_instance_id
        self.subscription_id = subscription_id
        self.accepted_compression_types = [] if accepted_compression_types is EMPTY else accepted_compression_types
        self.push_interval_ms = push_interval_ms
        self.telemetry_max_bytes = telemetry_max_bytes
        self.delta_temporality = delta_temporality
        self.requested_metrics = [] if requested_metrics is EMPTY else requested_metrics


def _read_get_telemetry_subscriptions_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[GetTelemetrySubscriptionsRequest, int]:
    o = _new(GetTelemetrySubscriptionsRequest)
    o.client_instance_id, n = _unpack_16sB(b, p)
    p += 17
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_get_telemetry_subscriptions_request_v0(o: GetTelemetrySubscriptionsRequest, w: Write) -> None:
    w(_pack_16sx(o.client_instance_id))


def _read_get_telemetry_subscriptions_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[GetTelemetrySubscriptionsResponse, int]:
    o = _new(GetTelemetrySubscriptionsResponse)
    o.throttle_time_ms, o.error_code, o.client_instance_id, o.subscription_id, n = _unpack_ih16siB(b, p)
    p += 27
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    q = p + n
    if not p <= q <= e:
        raise bad_length("GetTelemetrySubscriptionsResponse.accepted_compression_types")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    o.accepted_compression_types = list(unpack_from(f">{n}b", b, p)) if n else []
    p = q
    o.push_interval_ms, o.telemetry_max_bytes, o.delta_temporality, n = _unpack_iitB(b, p)
    p += 10
    if n > 127:
        n, p = uvarint(b, p - 1)
    n -= 1
    if n < 0 or n > e - p:
        raise bad_length("GetTelemetrySubscriptionsResponse.requested_metrics")
    c[0] -= n
    if c[0] < 0:
        raise too_many()
    l_requested_metrics: list[str] = []
    o.requested_metrics = l_requested_metrics
    for _ in range(n):
        n = b[p]
        p += 1
        if n > 127:
            n, p = uvarint(b, p - 1)
        q = p + n - 1
        if not p <= q <= e:
            raise bad_length("GetTelemetrySubscriptionsResponse.requested_metrics")
        l_requested_metrics.append(b[p:q].decode())
        p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_get_telemetry_subscriptions_response_v0(o: GetTelemetrySubscriptionsResponse, w: Write) -> None:
    v_accepted_compression_types = o.accepted_compression_types
    w(_pack_ih16si(o.throttle_time_ms, o.error_code, o.client_instance_id, o.subscription_id))
    n = len(v_accepted_compression_types) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    if v_accepted_compression_types:
        w(pack(f">{len(v_accepted_compression_types)}b", *v_accepted_compression_types))
    v_requested_metrics = o.requested_metrics
    w(_pack_iit(o.push_interval_ms, o.telemetry_max_bytes, o.delta_temporality))
    n = len(v_requested_metrics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    for x_requested_metrics in v_requested_metrics:
        r_requested_metrics = x_requested_metrics.encode()
        n = len(r_requested_metrics) + 1
        w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
        w(r_requested_metrics)
    w(b"\0")


GetTelemetrySubscriptionsRequest.READERS = {
    0: _read_get_telemetry_subscriptions_request_v0,
}

GetTelemetrySubscriptionsRequest.WRITERS = {
    0: _write_get_telemetry_subscriptions_request_v0,
}

GetTelemetrySubscriptionsResponse.READERS = {
    0: _read_get_telemetry_subscriptions_response_v0,
}

GetTelemetrySubscriptionsResponse.WRITERS = {
    0: _write_get_telemetry_subscriptions_response_v0,
}
