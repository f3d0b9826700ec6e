"""ListTransactions (66), versions 0 to 2 (KIP-664): the transactional ids that this broker coordinates.

Clients ask every broker, so each names its own. Filters by state and producer id, by how long a
transaction has been open (v1, KIP-994) and by a regular expression over the id (v2, KIP-1152), which has
to match all of it. Unknown states are named back.

Errors: INVALID_REGULAR_EXPRESSION, COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

import asyncio
import re

from anabranch.broker.context import Context
from anabranch.broker.transactional import code_of
from anabranch.errors import AnabranchError, ErrorCode
from anabranch.metastore.api import TransactionalId
from anabranch.metastore.api import TransactionState as State
from anabranch.wire.messages.m66_list_transactions import (
    ListTransactionsRequest,
    ListTransactionsResponse,
    TransactionState,
)

KEY = 66
MIN = 0
MAX = 2

PAGE = 1_000  # ids read from the metastore at a time: between two pages the loop serves others
PATTERN_MAX = 1_024  # characters of a regular expression

_STATES = frozenset(
    (
        "CompleteAbort",
        "CompleteCommit",
        "Dead",
        "Empty",
        "Ongoing",
        "PrepareAbort",
        "PrepareCommit",
        "PrepareEpochFence",
    )
)


async def handle(context: Context, request: ListTransactionsRequest) -> ListTransactionsResponse:
    response = ListTransactionsResponse(
        unknown_state_filters=[one for one in request.state_filters if one not in _STATES]
    )
    states = set(request.state_filters) & _STATES
    if request.state_filters and not states:
        return response
    pattern = None
    if request.transactional_id_pattern:
        try:
            if len(request.transactional_id_pattern) > PATTERN_MAX:
                raise re.error("too long")
            pattern = re.compile(request.transactional_id_pattern)
        except re.error:
            response.error_code = ErrorCode.INVALID_REGULAR_EXPRESSION
            return response
    producers = set(request.producer_id_filters)
    now_ms = context.transactions.now_ms()

    def wanted(row: TransactionalId) -> bool:
        if not context.routes.owns_group(row.name) or (states and row.state.title not in states):
            return False
        if producers and row.producer_id not in producers:
            return False
        if request.duration_filter >= 0 and (
            row.started_ms is None or now_ms - row.started_ms <= request.duration_filter
        ):
            return False
        return pattern is None or pattern.fullmatch(row.name) is not None

    after = ""
    try:
        while page := await context.log.metastore.transactional_ids(after, PAGE):
            response.transaction_states += [_listed(row) for row in page if wanted(row)]
            if len(page) < PAGE:
                break
            after = page[-1].name
            await asyncio.sleep(0)
    except AnabranchError as error:
        response.transaction_states = []
        response.error_code = code_of(error)
    return response


def _listed(row: TransactionalId) -> TransactionState:
    assert isinstance(row.state, State)
    return TransactionState(
        transactional_id=row.name,
        producer_id=row.producer_id,
        transaction_state=row.state.title,
    )
