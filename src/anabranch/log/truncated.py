"""Committed offsets of a line that was cut off: where their readers go on.

A consumer that remembers leader epochs asks where the epoch of its last record ended (KIP-320). Java's does so when it
starts from a committed offset; librdkafka only while it runs, and would begin in the middle of another line. So whoever
serves committed offsets looks, for all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from msgspec.structs import replace

from anabranch.log.epochs import end_of_epoch
from anabranch.log.log import Log
from anabranch.log.stamping import epochs_of
from anabranch.metastore.api import Committed

logger = logging.getLogger(__name__)


async def not_truncated(
    log: Log, group_id: str, committed: Sequence[Committed]
) -> Sequence[Committed]:
    """The offsets, those behind the end of their leader epoch put back to it.

    Without an epoch (-1) nothing can be told of one. Raises StoreFault.
    """
    with_epoch = [one for one in committed if one.leader_epoch >= 0]
    logs = {
        (one.topic_no, one.partition): handle
        for one in with_epoch
        if (handle := log.catalogue.find(one.topic_no, one.partition)) is not None
    }
    if not logs:
        return committed
    await log.catalogue.refresh_some(logs.values())
    kept = []
    for one in committed:
        handle = logs.get((one.topic_no, one.partition))
        if handle is None or handle.broken or one.leader_epoch >= handle.leader_epoch:
            kept.append(one)
            continue
        epochs = await epochs_of(log.metastore, handle)
        epoch, end = end_of_epoch(epochs, handle.next_offset, one.leader_epoch)
        if epoch < 0 and epochs:  # older than everything known: nothing of it is left
            end = epochs[0].start_offset
        if 0 <= end < one.offset:
            logger.warning(
                "group %s committed %s of %s/%s under leader epoch %s, which ends at %s there: told so",
                *(group_id, one.offset, handle.topic.name, one.partition, one.leader_epoch, end),
            )
            one = replace(one, offset=end, leader_epoch=epoch)
        kept.append(one)
    return kept
