"""AddOffsetsToTxn (25), versions 0 to 4: a group whose offsets a transaction is about to carry.

Errors: INVALID_REQUEST, INVALID_GROUP_ID, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED (INVALID_PRODUCER_EPOCH before
v2), COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.broker.transactional import check_id, code_of
from anabranch.errors import AnabranchError
from anabranch.metastore.api import Identity
from anabranch.wire.messages.m25_add_offsets_to_txn import (
    AddOffsetsToTxnRequest,
    AddOffsetsToTxnResponse,
)

KEY = 25
MIN = 0
MAX = 4

_FENCED_SINCE = 2


async def handle(context: Context, request: AddOffsetsToTxnRequest) -> AddOffsetsToTxnResponse:
    producer = Identity(request.producer_id, request.producer_epoch)
    try:
        name = check_id(request.transactional_id)
        await context.transactions.add_group(name, producer, request.group_id)
    except AnabranchError as error:
        return AddOffsetsToTxnResponse(
            error_code=code_of(error, fenced=context.version >= _FENCED_SINCE)
        )
    return AddOffsetsToTxnResponse()
