"""ListTransactions (66), versions 0 to 2 (KIP-664): there are none. Unknown states are named back."""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.wire.messages.m66_list_transactions import (
    ListTransactionsRequest,
    ListTransactionsResponse,
)

KEY = 66
MIN = 0
MAX = 2

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


def handle(context: Context, request: ListTransactionsRequest) -> ListTransactionsResponse:
    unknown = [state for state in request.state_filters if state not in _STATES]
    return ListTransactionsResponse(unknown_state_filters=unknown)
