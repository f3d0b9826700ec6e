"""DescribeDelegationToken (41), versions 1 to 3 (KIP-48, KIP-373): tokens that live, with what proves their possession.

Owners null means all. Shown are one's own (as owner, requester or renewer), and others' with the rights for it where
ACLs are enforced. Errors: DELEGATION_TOKEN_AUTH_DISABLED, DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.broker.security.principal import Principal
from anabranch.metastore.api import DelegationToken
from anabranch.wire.messages.m41_describe_delegation_token import (
    DescribedDelegationToken,
    DescribedDelegationTokenRenewer,
    DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse,
)

KEY = 41
MIN = 1
MAX = 3


async def handle(
    context: Context, request: DescribeDelegationTokenRequest
) -> DescribeDelegationTokenResponse:
    context.broker.tokens.check_asks(context.session)
    owners = None
    if request.owners is not None:
        owners = [Principal(one.principal_type, one.principal_name) for one in request.owners]
    found = await context.broker.tokens.described(owners)
    if context.broker.authorizer is None:  # otherwise the guard judges what is shown
        me = str(context.principal)
        found = [one for one in found if me in (one.owner, one.requester, *one.renewers)]
    return DescribeDelegationTokenResponse(tokens=[_shown(context, one) for one in found])


def _shown(context: Context, token: DelegationToken) -> DescribedDelegationToken:
    owner, requester = Principal.parse(token.owner), Principal.parse(token.requester)
    return DescribedDelegationToken(
        principal_type=owner.type,
        principal_name=owner.name,
        token_requester_principal_type=requester.type,
        token_requester_principal_name=requester.name,
        issue_timestamp=token.issued_ms,
        expiry_timestamp=token.expires_ms,
        max_timestamp=token.max_ms,
        token_id=token.token_id,
        hmac=context.broker.tokens.hmac_of(token.token_id),
        renewers=[
            DescribedDelegationTokenRenewer(principal_type=one.type, principal_name=one.name)
            for one in map(Principal.parse, token.renewers)
        ],
    )
