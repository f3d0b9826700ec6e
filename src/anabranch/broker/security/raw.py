"""SASL messages without a request around them: what follows a SaslHandshake of version 0 (KIP-152)."""

from __future__ import annotations

from struct import Struct
from typing import Final

from anabranch.broker.dispatch import Api, Call, Closing
from anabranch.broker.security.authentication import SASL_AUTHENTICATE, Authentication
from anabranch.wire.codec import Buffer, Message
from anabranch.wire.messages.m36_sasl_authenticate import (
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
)

_LENGTH: Final = Struct(">i")


def _never(*_: object) -> None:
    raise AssertionError("it is no request")


_API: Final = Api(
    SASL_AUTHENTICATE,
    "SASL message",
    0,
    0,
    _never,
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
    False,
)


class RawCall(Call):
    """Answered with a length and the mechanism's message."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(_API, 0, 0)

    def __str__(self) -> str:
        return "SASL message"

    def encode(self, reply: Message) -> list[Buffer]:
        assert isinstance(reply, SaslAuthenticateResponse)
        return [_LENGTH.pack(len(reply.auth_bytes)) + reply.auth_bytes]

    def fault(self, error: BaseException) -> None:
        return None


async def answer_raw(authentication: Authentication, message: bytes) -> Message:
    """Raises Closing: a failure has no other form here."""
    result = await authentication.authenticate(message)
    if result.over:
        raise Closing(f"authentication failed: {result.why or result.sentence}")
    return SaslAuthenticateResponse(auth_bytes=result.message)
