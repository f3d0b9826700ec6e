"""What several handlers ask about topics: by name or id, their leader, who may do what."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore.api import Topic

if TYPE_CHECKING:
    from anabranch.broker.context import Context
    from anabranch.log.log import Log
    from anabranch.log.partition import PartitionLog

# Without an authorizer everything is allowed: the bits of Kafka's AclOperation codes that apply.
TOPIC_OPERATIONS: Final = sum(1 << code for code in (3, 4, 5, 6, 7, 8, 10, 11))
CLUSTER_OPERATIONS: Final = sum(1 << code for code in (5, 7, 8, 9, 10, 11, 12))
GROUP_OPERATIONS: Final = sum(1 << code for code in (3, 6, 8, 10, 11))
OPERATIONS_NOT_ASKED: Final = -(1 << 31)

TOPIC_PARTITIONS_MAX: Final = 10_000  # of one topic: a typing error must not fill the metastore


def by_name(log: Log, name: str) -> Topic:
    """Raises ClientFault(UNKNOWN_TOPIC_OR_PARTITION)."""
    topic = log.catalogue.topic(name)
    if topic is None:
        raise ClientFault(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic {name!r}")
    return topic


def by_id(log: Log, topic_id: bytes) -> Topic:
    """Raises ClientFault(UNKNOWN_TOPIC_ID): the topic is gone, also if its name lives on (KIP-516)."""
    topic = log.catalogue.topic_by_id(topic_id)
    if topic is None:
        raise ClientFault(ErrorCode.UNKNOWN_TOPIC_ID, f"there is no topic with id {topic_id.hex()}")
    return topic


def check_leader_epoch(partition: PartitionLog, epoch: int) -> None:
    """Compare the leader epoch that the client knows (-1: none) with ours (KIP-320).

    Raises ClientFault(FENCED_LEADER_EPOCH) for an older one, (UNKNOWN_LEADER_EPOCH) for a newer one.
    """
    if epoch < 0 or epoch == partition.leader_epoch:
        return
    if epoch < partition.leader_epoch:
        raise ClientFault(ErrorCode.FENCED_LEADER_EPOCH)
    raise ClientFault(ErrorCode.UNKNOWN_LEADER_EPOCH)


def duplicates(names: Collection[str]) -> set[str]:
    """Those that occur more than once."""
    seen: set[str] = set()
    return {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]


def partition_count(context: Context, requested: int) -> int:
    """The number of partitions to create for ``requested``, -1 standing for the broker's default.

    Raises ClientFault(INVALID_PARTITIONS).
    """
    if requested == -1:
        return context.broker.settings.topics.partitions
    if requested < 1:
        raise ClientFault(
            ErrorCode.INVALID_PARTITIONS, "Number of partitions must be larger than 0."
        )
    if requested > TOPIC_PARTITIONS_MAX:
        raise ClientFault(
            ErrorCode.INVALID_PARTITIONS,
            f"A topic can have at most {TOPIC_PARTITIONS_MAX} partitions, not {requested}.",
        )
    return requested


def log_dir(context: Context) -> str:
    """Where Kafka's tools are told that every partition lies: the data directory; where there is none, the store."""
    data = context.broker.settings.data
    return context.log.store.url if data is None else str(data.absolute())
