"""EndTxn (26), versions 0 to 5: commit or abort a transaction.

Markers in all its partitions, the offsets that it carries, the index of aborted transactions and the end
state are one SQL transaction (I6), so no answer ever says that another end is still under way. From
version 5 on (KIP-890) each end bumps the producer's epoch, which the answer names; the same request again
is answered as it was, and an abort without a transaction only bumps. Before, the same end again is no
error either, as in Kafka.

Errors: INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED (INVALID_PRODUCER_EPOCH before v2),
INVALID_TXN_STATE, CONCURRENT_TRANSACTIONS (several brokers act for the id), COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.broker.transactional import check_id, code_of
from anabranch.errors import AnabranchError
from anabranch.metastore.api import Identity
from anabranch.wire.messages.m26_end_txn import EndTxnRequest, EndTxnResponse

KEY = 26
MIN = 0
MAX = 5

_FENCED_SINCE = 2
_BUMPS_SINCE = 5


async def handle(context: Context, request: EndTxnRequest) -> EndTxnResponse:
    try:
        after = await context.transactions.end(
            check_id(request.transactional_id),
            Identity(request.producer_id, request.producer_epoch),
            commit=request.committed,
            bumps=context.version >= _BUMPS_SINCE,
        )
    except AnabranchError as error:
        code = code_of(error, fenced=context.version >= _FENCED_SINCE)
        return EndTxnResponse(error_code=code, producer_id=-1, producer_epoch=-1)
    return EndTxnResponse(producer_id=after.producer_id, producer_epoch=after.epoch)
