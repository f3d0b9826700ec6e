"""InitProducerId (22), versions 0 to 5: an identity for an idempotent producer (KIP-98).

Without a transactional id every call gives a new producer id with epoch 0, also where the producer
names the one it had (KIP-360 needs that only for transactions). A transactional id is answered with
INVALID_REQUEST, which clients treat as fatal: transactions are not served.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m22_init_producer_id import (
    InitProducerIdRequest,
    InitProducerIdResponse,
)

KEY = 22
MIN = 0
MAX = 5


async def handle(context: Context, request: InitProducerIdRequest) -> InitProducerIdResponse:
    if request.transactional_id is not None:
        return InitProducerIdResponse(
            error_code=ErrorCode.INVALID_REQUEST, producer_id=-1, producer_epoch=-1
        )
    return InitProducerIdResponse(
        producer_id=await context.log.allocate_producer_id(), producer_epoch=0
    )
