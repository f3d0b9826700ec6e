"""DescribeTransactions (65), version 0 (KIP-664): no transactional id exists."""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m65_describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TransactionState,
)

KEY = 65
MIN = 0
MAX = 0


def handle(context: Context, request: DescribeTransactionsRequest) -> DescribeTransactionsResponse:
    return DescribeTransactionsResponse(
        transaction_states=[
            TransactionState(transactional_id=name, error_code=ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
            for name in request.transactional_ids
        ]
    )
