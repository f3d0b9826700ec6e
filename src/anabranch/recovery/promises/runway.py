"""Runway: how long until the log start passes a group's position, at today's rates.

By time: the record at the position expires when it is as old as ``retention.ms``. How old the record at the position is
changes with what the group reads against what is appended: a group that stands still ages a second a second, one
that keeps pace does not age at all. By size it is the same with bytes.

Lag and rates are of records, as a reader of committed transactions gets them: a group that has only markers before it
has no lag, and one that crosses what compaction removed reads no faster for that. What was not counted is at most so many records:
with more of them to read, the position ages sooner, and the runway is no longer than it seems.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.log.config import effective
from anabranch.log.counting import RecordCounter
from anabranch.log.counts import Count
from anabranch.log.extents import ExtentReader
from anabranch.metastore.api import Committed, Metastore, Topic
from anabranch.recovery.model import Volume
from anabranch.recovery.observe import counter, moment_at, volume

WINDOW_MS: Final = 3_600_000  # today's rates are those of the last hour
WINDOW_S: Final = WINDOW_MS / 1000
HISTORY_MAX: Final = 5_000  # commits looked at for it, of one group


class PartitionRunway(Struct, frozen=True, kw_only=True):
    """One partition of a group. ``runway_ms`` None: the position is not caught at these rates; 0: it was.

    ``lag`` is what the group has not read (``lag_at_most``: or fewer records), of ``lag_offsets`` offsets. ``lag_ms`` is how
    old the record at the position is; 0: there is none. Rates are records a second over the last hour.
    """

    group: str
    topic: str
    partition: int
    position: int
    log_start: int
    log_end: int
    lag: Volume
    lag_offsets: int
    lag_at_most: bool
    lag_ms: int
    reads_per_s: float
    appends_per_s: float
    runway_ms: int | None


class _Moves(NamedTuple):
    """Offsets that a group's commits moved forward, and between which."""

    offsets: int
    first: int
    end: int


async def runways(
    metastore: Metastore,
    *,
    now_ms: int,
    groups: Sequence[str] = (),
    extents: ExtentReader | None = None,
    exact: bool = False,
) -> list[PartitionRunway]:
    """Of ``groups`` (all if none is named), the shortest first. Raises UserFault for one that is missing.

    ``extents`` reads the log, to count records: some of it, or with ``exact`` as much as a plan would. Without it every
    offset counts as a record, at most.
    """
    counts = counter(metastore, extents, exact=exact)
    rows = {row.group_id for row in await metastore.groups()}
    for name in groups:
        if name not in rows:
            raise UserFault(
                f"there is no group “{name}”; `anabranch group list` shows what there is"
            )
    topics = {topic.no: topic for topic in await metastore.topics()}
    found = []
    for group in groups or sorted(rows):
        moves = await _moves(metastore, group, now_ms)
        for committed in await metastore.committed(group):
            topic = topics.get(committed.topic_no)
            if topic is not None:
                moved = moves.get((topic.no, committed.partition))
                one = await _runway(metastore, group, topic, committed, moved, now_ms, counts)
                if one is not None:
                    found.append(one)
    return sorted(
        found,
        key=lambda one: (
            float("inf") if one.runway_ms is None else one.runway_ms,
            one.group,
            one.topic,
            one.partition,
        ),
    )


async def _moves(metastore: Metastore, group: str, now_ms: int) -> dict[tuple[int, int], _Moves]:
    """What a group read in the last hour, by partition."""
    moved: dict[tuple[int, int], _Moves] = {}
    for change in await metastore.offset_history(group, limit=HISTORY_MAX):
        if change.at_ms < now_ms - WINDOW_MS:
            break
        if change.old is not None and change.new is not None and change.new > change.old:
            key = change.topic_no, change.partition
            known = moved.get(key, _Moves(0, change.old, change.new))
            moved[key] = _Moves(
                known.offsets + change.new - change.old,
                min(known.first, change.old),
                max(known.end, change.new),
            )
    return moved


async def _runway(
    metastore: Metastore,
    group: str,
    topic: Topic,
    committed: Committed,
    moved: _Moves | None,
    now_ms: int,
    counts: RecordCounter | None,
) -> PartitionRunway | None:
    key = topic.no, committed.partition
    state = await metastore.partition(*key)
    if state is None:
        return None
    config = effective(topic.configs)
    low, end = state.log_start, state.next_offset
    start = max(committed.offset, low)
    moment = await moment_at(metastore, *key, start)
    held = await volume(metastore, *key, start, end)
    hour_ago = await metastore.extent_by_append_time(*key, now_ms - WINDOW_MS)
    since = end if hour_ago is None else max(low, hour_ago.base_offset)
    appended = await volume(metastore, *key, since, end)
    read = moved or _Moves(0, end, end)
    span = (min(end, max(low, read.first)), min(end, max(low, read.end)))
    lag, new, crossed = (
        Count(max(0, end - start), exact=start >= end),
        Count(end - since, exact=False),
        Count(span[1] - span[0], exact=False),
    )
    if counts is not None:
        tally = await counts.tally(*key, {min(start, end), since, end, *span})
        lag, new, crossed = (
            tally.between(start, end),
            tally.between(since, end),
            tally.between(*span),
        )
    # What was read twice counts twice; of what is gone by now, each offset as a record.
    records = read.offsets * (crossed.records / (span[1] - span[0]) if span[0] < span[1] else 1.0)
    reads_per_s = records / WINDOW_S
    age_ms = max(0, now_ms - moment.appended_ms) if moment is not None else 0
    runway_ms: int | None = None
    if committed.offset < state.log_start:
        runway_ms = 0
    elif start < end and config.deletes:
        of_record = held.bytes / lag.records if lag.records else 0.0
        spans = [
            by_time(config.retention_ms, age_ms, lag.records, reads_per_s),
            by_bytes(
                config.retention_bytes,
                held.bytes,
                reads_per_s * of_record,
                appended.bytes / WINDOW_S,
            ),
        ]
        runway_ms = min((span for span in spans if span is not None), default=None)
    return PartitionRunway(
        group=group,
        topic=topic.name,
        partition=committed.partition,
        position=committed.offset,
        log_start=low,
        log_end=end,
        lag=Volume(lag.records, held.bytes),
        lag_offsets=max(0, end - start),
        lag_at_most=not lag.exact,
        lag_ms=age_ms if lag.records else 0,
        reads_per_s=reads_per_s,
        appends_per_s=new.records / WINDOW_S,
        runway_ms=runway_ms,
    )


def by_time(retention_ms: int, age_ms: int, lag_records: int, reads_per_s: float) -> int | None:
    """Milliseconds until what is at the position, ``age_ms`` old, is ``retention_ms`` old; None: never at this rate.

    What lies between position and end was appended over ``age_ms``, so each record read takes the position
    ``age_ms / lag_records`` further on in time, while a second passes each second. Where no record is left to be
    read, only markers, nothing takes it on.
    """
    if retention_ms < 0:
        return None
    if age_ms >= retention_ms:
        return 0
    ages_per_s = 1.0
    if lag_records:
        ages_per_s -= reads_per_s * age_ms / 1000 / lag_records
    if ages_per_s <= 0:
        return None
    return round((retention_ms - age_ms) / ages_per_s)


def by_bytes(
    retention_bytes: int, lag_bytes: int, read_bytes_per_s: float, appended_bytes_per_s: float
) -> int | None:
    """Milliseconds until more than ``retention_bytes`` lie behind the position; None: never at this rate."""
    if retention_bytes < 0 or not lag_bytes:
        return None
    if lag_bytes >= retention_bytes:
        return 0
    grows = appended_bytes_per_s - read_bytes_per_s
    if grows <= 0:
        return None
    return round((retention_bytes - lag_bytes) / grows * 1000)
