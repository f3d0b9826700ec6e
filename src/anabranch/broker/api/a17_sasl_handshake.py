"""SaslHandshake (17), versions 0 to 1 (KIP-43, KIP-152): which SASL mechanism a client will prove itself by.

After version 0 the mechanism's messages come without requests around them. On a listener without SASL, and
on an authenticated connection whose session has no end, ILLEGAL_SASL_STATE. A mechanism that the listener does
not have is answered with UNSUPPORTED_SASL_MECHANISM and those that it has, and the connection is closed.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.broker.dispatch import Closing
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m17_sasl_handshake import (
    SaslHandshakeRequest,
    SaslHandshakeResponse,
)

KEY = 17
MIN = 0
MAX = 1


def handle(context: Context, request: SaslHandshakeRequest) -> SaslHandshakeResponse:
    authentication = context.authentication
    if authentication is None:
        return SaslHandshakeResponse(error_code=ErrorCode.ILLEGAL_SASL_STATE)
    error = authentication.handshake(request.mechanism, context.version)
    response = SaslHandshakeResponse(error_code=error, mechanisms=authentication.enabled)
    if error is ErrorCode.UNSUPPORTED_SASL_MECHANISM:
        raise Closing("it asks for a SASL mechanism that its listener does not have", response)
    if error is not ErrorCode.NONE and not authentication.done:
        raise Closing("a second SaslHandshake within an authentication", response)
    return response
