"""DescribeUserScramCredentials (50), version 0 (KIP-554): which users have SCRAM passwords, and how they were made.

No users, or null, means all of them. The answer holds mechanisms and iterations, never salts or keys.
Per user: RESOURCE_NOT_FOUND; DUPLICATE_RESOURCE if it is asked for twice.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from anabranch.broker.context import Context
from anabranch.broker.security.settings import SCRAM_256, SCRAM_512
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m50_describe_user_scram_credentials import (
    CredentialInfo,
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
)

KEY = 50
MIN = 0
MAX = 0

CODES: Final = {SCRAM_256: 1, SCRAM_512: 2}  # of the mechanisms in the protocol


async def handle(
    context: Context, request: DescribeUserScramCredentialsRequest
) -> DescribeUserScramCredentialsResponse:
    infos: dict[str, list[CredentialInfo]] = {}
    for one in await context.log.metastore.scram_credentials():
        info = CredentialInfo(mechanism=CODES[one.mechanism], iterations=one.iterations)
        infos.setdefault(one.user, []).append(info)
    asked = Counter(one.name for one in request.users or ())
    results = []
    for user in asked or infos:
        result = DescribeUserScramCredentialsResult(user=user, error_message=None)
        if asked[user] > 1:
            result.error_code = ErrorCode.DUPLICATE_RESOURCE
            result.error_message = (
                f"Cannot describe SCRAM credentials for the same user twice: {user}"
            )
        elif user not in infos:
            result.error_code = ErrorCode.RESOURCE_NOT_FOUND
            result.error_message = (
                f"Attempt to describe a user credential that does not exist: {user}"
            )
        else:
            result.credential_infos = infos[user]
        results.append(result)
    return DescribeUserScramCredentialsResponse(error_message=None, results=results)
