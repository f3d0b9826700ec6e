"""UnregisterBroker (64), version 0 (KIP-631): forget a broker that will not come back.

Brokers that leave or die are forgotten by themselves within seconds, so there is nothing left to forget: a broker
that is not there is BROKER_ID_NOT_REGISTERED, and one that lives is INVALID_REQUEST, because stopping it is what is wanted.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m64_unregister_broker import (
    UnregisterBrokerRequest,
    UnregisterBrokerResponse,
)

KEY = 64
MIN = 0
MAX = 0


def handle(context: Context, request: UnregisterBrokerRequest) -> UnregisterBrokerResponse:
    broker_id = request.broker_id
    if broker_id in context.routes.by_id:
        return UnregisterBrokerResponse(
            error_code=ErrorCode.INVALID_REQUEST,
            error_message=f"broker {broker_id} is alive: stop it, and it is unregistered",
        )
    return UnregisterBrokerResponse(
        error_code=ErrorCode.BROKER_ID_NOT_REGISTERED,
        error_message=f"there is no broker {broker_id}: brokers that are gone unregister themselves",
    )
