"""Turn what the metastore knows into the values that planners take. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from anabranch.errors import Corrupt, StoreFault, UserFault
from anabranch.log.counting import Allowance, RecordCounter
from anabranch.log.extents import ExtentReader
from anabranch.metastore.api import Extent, Metastore, OffsetChange, Topic
from anabranch.recovery.model import (
    NOTHING,
    MissingRange,
    PartitionView,
    Position,
    Volume,
    topic_id_text,
)

EXTENTS_PER_READ = 1000  # one page of a range scan

# What one answer reads to count records, unless told to count all: some tenths of a second at most.
COUNTED_BYTES_MAX = 16 * 1024 * 1024  # of log, for all partitions together
COUNTED_INDEXES_MAX = 256
COUNTED_EXTENTS_MAX = 20_000


class Moment(Struct, frozen=True):
    """When the record at an offset was appended, and the newest event time in its extent (which
    is what retention goes by). ``event_ms`` is the record's own timestamp, where it was looked up."""

    appended_ms: int
    max_timestamp: int
    event_ms: int | None = None


class GroupPosition(Struct, frozen=True):
    """The last change of a group's offset in one partition; ``topic`` None once deleted."""

    change: OffsetChange
    topic: Topic | None


def counter(
    metastore: Metastore, extents: ExtentReader | None, *, exact: bool
) -> RecordCounter | None:
    """What counts records for one answer: within tenths of a second, or (``exact``) as a plan does. None without a log."""
    if extents is None:
        return None
    if exact:
        return RecordCounter(metastore, extents)
    little = Allowance(COUNTED_BYTES_MAX, COUNTED_INDEXES_MAX, COUNTED_EXTENTS_MAX)
    return RecordCounter(metastore, extents, little)


async def topics_named(metastore: Metastore, names: Iterable[str]) -> list[Topic]:
    """The live topics of these names, in their order. Raises UserFault for one that is missing."""
    known = {topic.name: topic for topic in await metastore.topics()}
    found = []
    for name in names:
        if name not in known:
            raise UserFault(
                f"there is no topic “{name}”; `anabranch topic list` shows what there is"
            )
        found.append(known[name])
    return found


async def partition_views(
    metastore: Metastore, topics: Sequence[Topic], *, gaps: bool = True
) -> list[PartitionView]:
    """Every partition of ``topics`` with what it retains and (unless not asked for) what it lost."""
    views = []
    for topic in topics:
        sizes = {size.partition: size for size in await metastore.partition_sizes(topic.no)}
        lost = await metastore.gaps(topic.no) if gaps else []
        for state in await metastore.partitions(topic.no):
            size = sizes.get(state.partition)
            views.append(
                PartitionView(
                    topic=topic.name,
                    topic_id=topic_id_text(topic.id),
                    topic_no=topic.no,
                    partition=state.partition,
                    log_start=state.log_start,
                    log_end=state.next_offset,
                    leader_epoch=state.leader_epoch,
                    bytes=size.bytes if size else 0,
                    oldest_ms=size.oldest_appended_ms if size else None,
                    gaps=tuple(
                        MissingRange(
                            gap.first_offset, gap.last_offset, gap.cause, gap.detail, gap.at_ms
                        )
                        for gap in lost
                        if gap.partition == state.partition
                    ),
                )
            )
    return views


async def volume(
    metastore: Metastore, topic_no: int, partition: int, start: int, end: int
) -> Volume:
    """Records and bytes of offsets ``[start, end)`` as far as they are retained."""
    total = NOTHING
    while start < end:
        extents = await metastore.extents_from(topic_no, partition, start, EXTENTS_PER_READ)
        for extent in extents:
            first, last = max(start, extent.base_offset), min(end - 1, extent.last_offset)
            if first > last:
                return total
            span = extent.last_offset - extent.base_offset + 1
            share = last - first + 1
            total += Volume(extent.records * share // span, extent.length * share // span)
            start = extent.last_offset + 1
        if len(extents) < EXTENTS_PER_READ:
            return total
    return total


async def appended_since(
    metastore: Metastore, topic_no: int, partition: int, start: int, end: int, since_ms: int
) -> int:
    """The first offset of ``[start, end)`` in an extent that was begun at ``since_ms`` or later; ``end`` if
    there is none. By whole extents, so that none is taken for younger than it may be."""
    at = start
    while at < end:
        extents = await metastore.extents_from(topic_no, partition, at, EXTENTS_PER_READ)
        for extent in extents:
            if extent.appended_ms >= since_ms:
                return min(end, max(start, extent.base_offset))
            at = extent.last_offset + 1
        if len(extents) < EXTENTS_PER_READ:
            break
    return end


AppendTimes = Callable[[Extent], Sequence[tuple[int, int]]]
"""(offset, ms) pairs of an extent: from that offset on, appended at that time or later."""


RecordTime = Callable[[Extent, int], int | None]
"""The timestamp of the first record of an extent at or above an offset (``log.offsets.record_time``)."""


async def moment_at(
    metastore: Metastore,
    topic_no: int,
    partition: int,
    offset: int,
    append_times: AppendTimes | None = None,
    record_time: RecordTime | None = None,
) -> Moment | None:
    """The moment of the first retained record at or above ``offset``; None past the end.

    Merged extents are long: ``append_times`` (``log.extents.append_times``) tells the append time
    within one, where the extent's row only knows its first. ``record_time`` reads the record's own.
    """
    extents = await metastore.extents_from(topic_no, partition, offset, 1)
    if not extents:
        return None
    appended_ms = extents[0].appended_ms
    if append_times is not None:
        for first, at_ms in append_times(extents[0]):
            if first > offset:
                break
            appended_ms = at_ms
    event_ms = None
    if record_time is not None:
        try:
            event_ms = record_time(extents[0], offset)
        except (Corrupt, StoreFault):
            event_ms = None  # what cannot be read has no time to show; `anabranch check` names it
    return Moment(appended_ms, extents[0].max_timestamp, event_ms)


async def group_positions(
    metastore: Metastore, group: str, at_ms: int, topics: Iterable[str] | None = None
) -> list[GroupPosition]:
    """What the group had committed at ``at_ms`` in every partition it ever committed to."""
    wanted = None if topics is None else set(topics)
    live = {topic.no: topic for topic in await metastore.topics()}
    found = [
        GroupPosition(change, live.get(change.topic_no))
        for change in await metastore.positions_at(group, at_ms)
        if wanted is None or change.topic in wanted
    ]
    return sorted(found, key=lambda item: (item.change.topic, item.change.partition))


async def committed_positions(
    metastore: Metastore, group: str, topics: Iterable[str] | None = None
) -> list[Position]:
    """What the group has committed now, in topics that still exist."""
    wanted = None if topics is None else set(topics)
    live = {topic.no: topic for topic in await metastore.topics()}
    found = []
    for committed in await metastore.committed(group):
        topic = live.get(committed.topic_no)
        if topic is not None and (wanted is None or topic.name in wanted):
            found.append(
                Position(
                    topic.name,
                    topic_id_text(topic.id),
                    committed.partition,
                    committed.offset,
                    committed.leader_epoch,
                )
            )
    return sorted(found, key=lambda position: (position.topic, position.partition))


async def groups_on(metastore: Metastore, topics: Sequence[Topic]) -> dict[str, list[Position]]:
    """Every group that has committed to any of ``topics``, with its positions there."""
    names = [topic.name for topic in topics]
    found = {}
    for row in await metastore.groups():
        positions = await committed_positions(metastore, row.group_id, names)
        if positions:
            found[row.group_id] = positions
    return found
