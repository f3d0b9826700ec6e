"""What an append is judged by before it is queued: whose transaction it is, and when its records are from."""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.config import TopicConfig
from anabranch.metastore.api import Transactional
from anabranch.records.batch import BatchHeader


def own_transaction(
    headers: Sequence[BatchHeader], transaction: Transactional | None
) -> Transactional | None:
    """The transaction of these batches, which are all of one producer's or of none. Raises ClientFault."""
    first = headers[0]
    if any(
        (one.is_transactional, one.producer_id, one.producer_epoch)
        != (first.is_transactional, first.producer_id, first.producer_epoch)
        for one in headers
    ):
        raise ClientFault(ErrorCode.INVALID_RECORD, "batches of several producers or transactions")
    if not first.is_transactional:
        return None
    if transaction is None:
        raise ClientFault(
            ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            "a transactional batch in a request without a transactional id",
        )
    return transaction


def check_timestamps(headers: Sequence[BatchHeader], config: TopicConfig, now_ms: int) -> None:
    """KIP-937's bounds, judged by what a batch's header says of its records."""
    for header in headers:
        if (
            header.max_timestamp - now_ms > config.timestamp_after_max_ms
            or now_ms - header.base_timestamp > config.timestamp_before_max_ms
        ):
            raise ClientFault(
                ErrorCode.INVALID_TIMESTAMP,
                f"timestamps {header.base_timestamp} to {header.max_timestamp} lie outside "
                "message.timestamp.before.max.ms / message.timestamp.after.max.ms",
            )
