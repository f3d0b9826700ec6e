"""InitProducerId (22), versions 0 to 5: an identity for an idempotent or transactional producer.

Without a transactional id every call gives a new producer id with epoch 0, also where the producer names
the one it had. With one, the id's producer gets another epoch, which fences whoever had it before
(KIP-98); its ongoing transaction is aborted first, within this request, so that CONCURRENT_TRANSACTIONS
is an answer only where several brokers act for the id at once. A producer that names what it had goes on
after an error (KIP-360, from v3), and hears the same answer again where the first was lost. When epochs
are used up there is a new producer id. Version 6 (KIP-939) is not stable in Kafka and not served.

Errors: INVALID_REQUEST (an empty transactional id; a producer id without epoch), INVALID_TRANSACTION_TIMEOUT, PRODUCER_FENCED
(INVALID_PRODUCER_EPOCH before v4, KIP-588), CONCURRENT_TRANSACTIONS, COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.broker.transactional import check_id, code_of
from anabranch.errors import AnabranchError, ClientFault, ErrorCode
from anabranch.metastore.api import Identity
from anabranch.wire.messages.m22_init_producer_id import (
    InitProducerIdRequest,
    InitProducerIdResponse,
)

KEY = 22
MIN = 0
MAX = 5

_FENCED_SINCE = 4


async def handle(context: Context, request: InitProducerIdRequest) -> InitProducerIdResponse:
    try:
        if request.transactional_id is None:
            return InitProducerIdResponse(
                producer_id=await context.log.allocate_producer_id(), producer_epoch=0
            )
        row = await context.transactions.init(
            check_id(request.transactional_id),
            request.transaction_timeout_ms,
            _expected(request),
        )
    except AnabranchError as error:
        return InitProducerIdResponse(
            error_code=code_of(error, fenced=context.version >= _FENCED_SINCE),
            producer_id=-1,
            producer_epoch=-1,
        )
    return InitProducerIdResponse(producer_id=row.producer_id, producer_epoch=row.epoch)


def _expected(request: InitProducerIdRequest) -> Identity | None:
    """What the producer says it had; raises ClientFault(INVALID_REQUEST) if that is half of it."""
    if (request.producer_id == -1) != (request.producer_epoch == -1):
        raise ClientFault(ErrorCode.INVALID_REQUEST, "a producer id and an epoch come together")
    if request.producer_id == -1:
        return None
    return Identity(request.producer_id, request.producer_epoch)
