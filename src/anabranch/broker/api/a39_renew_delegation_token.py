"""RenewDelegationToken (39), versions 1 to 2 (KIP-48): a token's owner or a renewer puts off its end.

Never beyond its maximum. A negative period is ``tokens.expiry_ms``. Errors as CreateDelegationToken's, and
DELEGATION_TOKEN_NOT_FOUND, DELEGATION_TOKEN_OWNER_MISMATCH, DELEGATION_TOKEN_EXPIRED.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.wire.messages.m39_renew_delegation_token import (
    RenewDelegationTokenRequest,
    RenewDelegationTokenResponse,
)

KEY = 39
MIN = 1
MAX = 2


async def handle(
    context: Context, request: RenewDelegationTokenRequest
) -> RenewDelegationTokenResponse:
    tokens = context.broker.tokens
    tokens.check_asks(context.session)
    expires_ms = await tokens.renew(bytes(request.hmac), context.principal, request.renew_period_ms)
    return RenewDelegationTokenResponse(expiry_timestamp_ms=expires_ms)
