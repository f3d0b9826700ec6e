"""What the handlers of transactional APIs share: error codes by version, topics by name, asked-for twice."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from anabranch.errors import AnabranchError, ClientFault, Corrupt, ErrorCode, StoreFault

if TYPE_CHECKING:
    from anabranch.broker.context import Context

logger = logging.getLogger(__name__)


def code_of(error: AnabranchError, *, fenced: bool = True) -> ErrorCode:
    """What a transactional request is answered with.

    Versions from before KIP-588 do not know PRODUCER_FENCED (``fenced`` False): INVALID_PRODUCER_EPOCH. A
    metastore that cannot be asked is a coordinator that is not there: clients try again.
    """
    if isinstance(error, ClientFault):
        if error.code is ErrorCode.PRODUCER_FENCED and not fenced:
            return ErrorCode.INVALID_PRODUCER_EPOCH
        if error.code is ErrorCode.KAFKA_STORAGE_ERROR:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        if error.code is ErrorCode.NOT_LEADER_OR_FOLLOWER:  # this broker is about to stop
            return ErrorCode.NOT_COORDINATOR
        return error.code
    if isinstance(error, (StoreFault, Corrupt)):
        logger.error("a transaction is not served: %s", error)
        return ErrorCode.COORDINATOR_NOT_AVAILABLE
    return ErrorCode.UNKNOWN_SERVER_ERROR


def check_id(transactional_id: str | None) -> str:
    """Raises ClientFault(INVALID_REQUEST) for an empty one."""
    if not transactional_id:
        raise ClientFault(ErrorCode.INVALID_REQUEST, "a transactional id may not be empty")
    return transactional_id


def partition_numbers(
    context: Context, topics: Iterable[tuple[str, Iterable[int]]]
) -> tuple[list[tuple[int, int]], set[tuple[str, int]]]:
    """(topic_no, partition) of those that exist, and (name, partition) of those that do not."""
    found: list[tuple[int, int]] = []
    missing: set[tuple[str, int]] = set()
    for name, partitions in topics:
        topic = context.log.catalogue.topic(name)
        for partition in partitions:
            if topic is None or not 0 <= partition < topic.partitions:
                missing.add((name, partition))
            else:
                found.append((topic.no, partition))
    return found, missing
