"""ExpireDelegationToken (40), versions 1 to 2 (KIP-48): a token's owner or a renewer sets when it ends.

A negative period ends it at once: sessions that began with it go on until their own end. Errors as
RenewDelegationToken's.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.wire.messages.m40_expire_delegation_token import (
    ExpireDelegationTokenRequest,
    ExpireDelegationTokenResponse,
)

KEY = 40
MIN = 1
MAX = 2


async def handle(
    context: Context, request: ExpireDelegationTokenRequest
) -> ExpireDelegationTokenResponse:
    tokens = context.broker.tokens
    tokens.check_asks(context.session)
    expires_ms = await tokens.expire(
        bytes(request.hmac), context.principal, request.expiry_time_period_ms
    )
    return ExpireDelegationTokenResponse(expiry_timestamp_ms=expires_ms)
