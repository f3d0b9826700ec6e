"""Ranges that a replay will not see as they were, each with its cause (I2).

What the log itself recorded when it removed something (retention, DeleteRecords, compaction, objects lost or given up);
and what is found by looking: aborted transactions, damage that nobody gave up yet, a log that ends or was changed
before a position that was taken of it, a topic that is another one by now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Final

from anabranch.metastore.api import Damage, LeaderEpoch, Metastore, Topic
from anabranch.recovery.model import MissingRange, PartitionView, Position, topic_id_text
from anabranch.recovery.plans.plan import FATAL
from anabranch.recovery.times import time_text

ABORTED_MAX: Final = 1_000  # transactions listed for one partition; a plan is read by people


class FoundCause(StrEnum):
    """Causes that are not in the log's own list of gaps (``GapCause``)."""

    ABORTED = "aborted-transaction"
    DAMAGED = "damaged"
    TRUNCATED = "truncation"
    RECREATED = "recreated-topic"


WhoDeleted = Callable[[str, int | None], Awaitable[str]]
"""Who deleted a topic of this name, at about this time (None: not known; then the last who did), from an audit log.
Empty: nothing tells."""


assert set(FATAL) == {FoundCause.TRUNCATED, FoundCause.RECREATED}


async def missing_ranges(
    metastore: Metastore,
    topic: Topic,
    view: PartitionView,
    *,
    wanted: int,
    end: int,
    taken: Position | None,
    was: Position | None,
    now_ms: int,
    who_deleted: WhoDeleted | None = None,
) -> tuple[MissingRange, ...]:
    """Of offsets ``[wanted, end)``, in order. ``taken`` is the position that ``wanted`` comes from, ``was`` one in a
    topic that had this one's name. Who removed records by hand, and when, is told: by the gap itself (DeleteRecords, damage
    that was skipped), or by ``who_deleted``."""
    found = [gap for gap in view.gaps if gap.last >= wanted and gap.first < end]
    if was is not None:
        at_ms = await _deleted_ms(metastore, was)
        detail = f"another topic of this name stood at {was.offset:,} (id {was.topic_id})"
        by = await who_deleted(was.topic, at_ms) if who_deleted is not None else ""
        if by or at_ms is not None:
            when = f" at {time_text(at_ms)}" if at_ms is not None else ""
            detail += f", deleted{when}" + (f" by {by}" if by else "")
        found.append(
            MissingRange(
                0, max(0, was.offset - 1), FoundCause.RECREATED.value, detail, at_ms or now_ms
            )
        )
    if taken is not None:
        epochs = await metastore.leader_epochs(topic.no, view.partition)
        found += truncated(taken, view, epochs, now_ms)
    start = max(wanted, view.log_start)
    if start < end:
        for one in await metastore.aborted_transactions(
            topic.no, view.partition, start, end, ABORTED_MAX
        ):
            found.append(
                MissingRange(
                    one.first_offset,
                    one.last_offset,
                    FoundCause.ABORTED.value,
                    f"records of producer {one.producer_id} among these do not count for read_committed readers",
                    now_ms,
                )
            )
    for damage in await metastore.damages(topic.no):
        if damage.partition == view.partition and _overlaps(damage, start, end):
            found.append(
                MissingRange(
                    damage.first_offset,
                    damage.last_offset,
                    FoundCause.DAMAGED.value,
                    f"{damage.cause}: {damage.object_key}; nobody gave it up yet",
                    now_ms,
                )
            )
    return tuple(sorted(found, key=lambda one: (one.first, one.last)))


async def _deleted_ms(metastore: Metastore, was: Position) -> int | None:
    """When the topic of a position was deleted, while it can be brought back."""
    for deleted in await metastore.deleted_topics():
        if topic_id_text(deleted.topic.id) == was.topic_id:
            return deleted.deleted_ms
    return None


def truncated(
    taken: Position, view: PartitionView, epochs: list[LeaderEpoch], now_ms: int
) -> list[MissingRange]:
    """What a position names that the log's line does not hold: it ends before it, or a later leader epoch began
    below it (Kafka's own sign of truncation, KIP-101; a promoted branch is one)."""
    if taken.offset > view.log_end:
        detail = (
            "the log ends before the position: it was truncated, or restored from an older state"
        )
        return [
            MissingRange(view.log_end, taken.offset - 1, FoundCause.TRUNCATED.value, detail, now_ms)
        ]
    later = [
        one for one in epochs if one.epoch > taken.leader_epoch and one.start_offset < taken.offset
    ]
    if taken.leader_epoch < 0 or not later:
        return []
    first = min(later, key=lambda one: one.start_offset)
    detail = (
        f"leader epoch {first.epoch} began at {first.start_offset:,}, below the position that epoch "
        f"{taken.leader_epoch} gave: other records have these offsets now"
    )
    return [
        MissingRange(
            first.start_offset, taken.offset - 1, FoundCause.TRUNCATED.value, detail, now_ms
        )
    ]


def _overlaps(damage: Damage, start: int, end: int) -> bool:
    return damage.first_offset < end and damage.last_offset >= start
