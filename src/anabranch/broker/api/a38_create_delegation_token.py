"""CreateDelegationToken (38), versions 1 to 3 (KIP-48, KIP-373): a token by which others act for a client.

From version 3 it may be for another owner. Errors: DELEGATION_TOKEN_AUTH_DISABLED without ``tokens.secret``,
DELEGATION_TOKEN_REQUEST_NOT_ALLOWED for clients that have not proven who they are, or have by a token,
INVALID_PRINCIPAL_TYPE (only users), POLICY_VIOLATION past the bound of tokens.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.broker.security.principal import Principal
from anabranch.wire.messages.m38_create_delegation_token import (
    CreateDelegationTokenRequest,
    CreateDelegationTokenResponse,
)

KEY = 38
MIN = 1
MAX = 3


async def handle(
    context: Context, request: CreateDelegationTokenRequest
) -> CreateDelegationTokenResponse:
    tokens, requester = context.broker.tokens, context.principal
    tokens.check_asks(context.session)
    owner = requester
    if request.owner_principal_name:
        owner = Principal(request.owner_principal_type or "", request.owner_principal_name)
    renewers = [Principal(one.principal_type, one.principal_name) for one in request.renewers]
    token = await tokens.create(owner, requester, renewers, request.max_lifetime_ms)
    return CreateDelegationTokenResponse(
        principal_type=owner.type,
        principal_name=owner.name,
        token_requester_principal_type=requester.type,
        token_requester_principal_name=requester.name,
        issue_timestamp_ms=token.issued_ms,
        expiry_timestamp_ms=token.expires_ms,
        max_timestamp_ms=token.max_ms,
        token_id=token.token_id,
        hmac=tokens.hmac_of(token.token_id),
    )
