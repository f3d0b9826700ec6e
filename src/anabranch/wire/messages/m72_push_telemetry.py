# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
# ruff: noqa
# fmt: off
"""PushTelemetry: messages of all versions, with their codec."""

from __future__ import annotations

from struct import Struct as Struct_

from anabranch.wire.codec import (
    Allowance,
    Message,
    UVARINT,
    Write,
    ZERO_UUID,
    bad_length,
    skip_tags,
    uvarint,
    uvarint_bytes,
)

_new = object.__new__
_pack_16sitb = Struct_(">16si?b").pack
_pack_ihx = Struct_(">ihx").pack
_unpack_16sitbB = Struct_(">16si?bB").unpack_from
_unpack_ihB = Struct_(">ihB").unpack_from


class PushTelemetryRequest(Message):
    """``PushTelemetryRequest`` (API key 72), version 0."""

    __slots__ = ("client_instance_id", "subscription_id", "terminating", "compression_type", "metrics",)
    client_instance_id: bytes
    subscription_id: int
    terminating: bool
    compression_type: int
    metrics: bytes

    API_KEY = 72
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        client_instance_id: bytes = ZERO_UUID,
        subscription_id: int = 0,
        terminating: bool = False,
        compression_type: int = 0,
        metrics: bytes = b"",
    ) -> None:
        self.client_instance_id = client_instance_id
        self.subscription_id = subscription_id
        self.terminating = terminating
        self.compression_type = compression_type
        self.metrics = metrics


class PushTelemetryResponse(Message):
    """``PushTelemetryResponse`` (API key 72), version 0."""

    __slots__ = ("throttle_time_ms", "error_code",)
    throttle_time_ms: int
    error_code: int

    API_KEY = 72
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIRST_FLEXIBLE = 0

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code


def _read_push_telemetry_request_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[PushTelemetryRequest, int]:
    o = _new(PushTelemetryRequest)
    o.client_instance_id, o.subscription_id, o.terminating, o.compression_type, n = _unpack_16sitbB(b, p)
    p += 23
    if n > 127:
        n, p = uvarint(b, p - 1)
    q = p + n - 1
    if not p <= q <= e:
        raise bad_length("PushTelemetryRequest.metrics")
    o.metrics = b[p:q]
    p = q
    n = b[p]
    p += 1
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_push_telemetry_request_v0(o: PushTelemetryRequest, w: Write) -> None:
    v_metrics = o.metrics
    w(_pack_16sitb(o.client_instance_id, o.subscription_id, o.terminating, o.compression_type))
    n = len(v_metrics) + 1
    w(UVARINT[n] if n < 1024 else uvarint_bytes(n))
    w(v_metrics)
    w(b"\0")


def _read_push_telemetry_response_v0(b: bytes, p: int, e: int, c: Allowance) -> tuple[PushTelemetryResponse, int]:
    o = _new(PushTelemetryResponse)
    o.throttle_time_ms, o.error_code, n = _unpack_ihB(b, p)
    p += 7
    if n:
        p = skip_tags(b, p - 1, e, c)
    return o, p


def _write_push_telemetry_response_v0(o: PushTelemetryResponse, w: Write) -> None:
    w(_pack_ihx(o.throttle_time_ms, o.error_code))


PushTelemetryRequest.READERS = {
    0: _read_push_telemetry_request_v0,
}

PushTelemetryRequest.WRITERS = {
    0: _write_push_telemetry_request_v0,
}

PushTelemetryResponse.READERS = {
    0: _read_push_telemetry_response_v0,
}

PushTelemetryResponse.WRITERS = {
    0: _write_push_telemetry_response_v0,
}
