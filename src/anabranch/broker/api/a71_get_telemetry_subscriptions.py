"""GetTelemetrySubscriptions (71), version 0 (KIP-714): what a client should measure and send, and how often.

Advertised only where a collector is configured (``telemetry.endpoint``). Errors: THROTTLING_QUOTA_EXCEEDED.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.broker.telemetry import ACCEPTED, PUSH_BYTES_MAX
from anabranch.errors import ErrorCode
from anabranch.wire.codec import ZERO_UUID
from anabranch.wire.messages.m71_get_telemetry_subscriptions import (
    GetTelemetrySubscriptionsRequest,
    GetTelemetrySubscriptionsResponse,
)

KEY = 71
MIN = 0
MAX = 0


def handle(
    context: Context, request: GetTelemetrySubscriptionsRequest
) -> GetTelemetrySubscriptionsResponse:
    telemetry = context.broker.telemetry
    assert telemetry is not None  # or the API is not served
    instance_id = request.client_instance_id
    if instance_id == ZERO_UUID:
        instance_id = telemetry.new_id()
    asked = telemetry.subscribe(instance_id, context.described_client(instance_id))
    if isinstance(asked, ErrorCode):
        return GetTelemetrySubscriptionsResponse(error_code=asked, client_instance_id=instance_id)
    return GetTelemetrySubscriptionsResponse(
        client_instance_id=instance_id,
        subscription_id=asked.subscription_id,
        accepted_compression_types=list(ACCEPTED),
        push_interval_ms=asked.interval_ms,
        telemetry_max_bytes=PUSH_BYTES_MAX,
        delta_temporality=True,
        requested_metrics=list(asked.metrics),
    )
