"""PushTelemetry (72), version 0 (KIP-714): what a client measured, for the operator's collector.

Errors: INVALID_REQUEST (no instance id, or after its last push), UNKNOWN_SUBSCRIPTION_ID (ask again),
THROTTLING_QUOTA_EXCEEDED (too early), TELEMETRY_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.wire.messages.m72_push_telemetry import PushTelemetryRequest, PushTelemetryResponse

KEY = 72
MIN = 0
MAX = 0


def handle(context: Context, request: PushTelemetryRequest) -> PushTelemetryResponse:
    telemetry = context.broker.telemetry
    assert telemetry is not None  # or the API is not served
    return PushTelemetryResponse(
        error_code=telemetry.push(
            request.client_instance_id,
            request.subscription_id,
            request.compression_type,
            request.metrics or b"",
            context.described_client(request.client_instance_id),
            last=request.terminating,
        )
    )
