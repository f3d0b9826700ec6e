"""SaslAuthenticate (36), versions 0 to 2 (KIP-152, KIP-368): a SASL message of a client, and the answer to it.

From version 1 the last answer says for how long the session lasts (0: it has no end). A failure is
SASL_AUTHENTICATION_FAILED, some time later (``sasl.failed_delay_ms``), and closes the connection; what was wrong,
name or password, it does not tell. Without a SaslHandshake before it: ILLEGAL_SASL_STATE.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.broker.dispatch import Closing
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m36_sasl_authenticate import (
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
)

KEY = 36
MIN = 0
MAX = 2


async def handle(context: Context, request: SaslAuthenticateRequest) -> SaslAuthenticateResponse:
    authentication = context.authentication
    if authentication is None:
        return SaslAuthenticateResponse(
            error_code=ErrorCode.ILLEGAL_SASL_STATE,
            error_message="this listener asks for no authentication",
        )
    result = await authentication.authenticate(bytes(request.auth_bytes))
    response = SaslAuthenticateResponse(
        error_code=result.error,
        error_message=result.sentence,
        auth_bytes=result.message,
        session_lifetime_ms=result.lifetime_ms,
    )
    if result.error is ErrorCode.SASL_AUTHENTICATION_FAILED or (
        result.over and not authentication.done
    ):
        raise Closing(f"authentication failed: {result.why or result.sentence}", response)
    return response
