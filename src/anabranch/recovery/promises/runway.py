"""Runway: how long until the log start passes a group's position, at today's rates.

By time: the record at the position expires when it is as old as ``retention.ms``. How old the record at the position is
changes with what the group reads against what is appended: a group that stands still ages a second a second, one
that keeps pace does not age at all. By size it is the same with bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.log.config import effective
from anabranch.metastore.api import Committed, Metastore, Topic
from anabranch.recovery.model import Volume
from anabranch.recovery.observe import moment_at, volume

WINDOW_MS: Final = 3_600_000  # today's rates are those of the last hour
HISTORY_MAX: Final = 5_000  # commits looked at for it, of one group


class PartitionRunway(Struct, frozen=True, kw_only=True):
    """One partition of a group. ``runway_ms`` None: the position is not caught at these rates; 0: it was.

    ``lag_ms`` is how old the record at the position is. Rates are offsets a second over the last hour.
    """

    group: str
    topic: str
    partition: int
    position: int
    log_start: int
    log_end: int
    lag: Volume
    lag_ms: int
    reads_per_s: float
    appends_per_s: float
    runway_ms: int | None


async def runways(
    metastore: Metastore, *, now_ms: int, groups: Sequence[str] = ()
) -> list[PartitionRunway]:
    """Of ``groups`` (all if none is named), the shortest first. Raises UserFault for one that is missing."""
    rows = {row.group_id for row in await metastore.groups()}
    for name in groups:
        if name not in rows:
            raise UserFault(
                f"there is no group “{name}”; `anabranch group list` shows what there is"
            )
    topics = {topic.no: topic for topic in await metastore.topics()}
    found = []
    for group in groups or sorted(rows):
        reads = await _reads_per_s(metastore, group, now_ms)
        for committed in await metastore.committed(group):
            topic = topics.get(committed.topic_no)
            if topic is not None:
                one = await _runway(metastore, group, topic, committed, reads, now_ms)
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


async def _reads_per_s(
    metastore: Metastore, group: str, now_ms: int
) -> dict[tuple[int, int], float]:
    """Offsets a second that a group's commits moved forward in the last hour, by partition."""
    moved: dict[tuple[int, int], int] = {}
    for change in await metastore.offset_history(group, limit=HISTORY_MAX):
        if change.at_ms < now_ms - WINDOW_MS:
            break
        if change.old is not None and change.new is not None and change.new > change.old:
            key = change.topic_no, change.partition
            moved[key] = moved.get(key, 0) + change.new - change.old
    return {key: offsets / (WINDOW_MS / 1000) for key, offsets in moved.items()}


async def _runway(
    metastore: Metastore,
    group: str,
    topic: Topic,
    committed: Committed,
    reads: dict[tuple[int, int], float],
    now_ms: int,
) -> PartitionRunway | None:
    state = await metastore.partition(topic.no, committed.partition)
    if state is None:
        return None
    config = effective(topic.configs)
    start = max(committed.offset, state.log_start)
    moment = await moment_at(metastore, topic.no, committed.partition, start)
    lag = await volume(metastore, topic.no, committed.partition, start, state.next_offset)
    hour_ago = await metastore.extent_by_append_time(
        topic.no, committed.partition, now_ms - WINDOW_MS
    )
    appended = 0 if hour_ago is None else state.next_offset - hour_ago.base_offset
    appends_per_s = appended / (WINDOW_MS / 1000)
    reads_per_s = reads.get((topic.no, committed.partition), 0.0)
    lag_ms = max(0, now_ms - moment.appended_ms) if moment is not None else 0
    runway_ms: int | None = None
    if committed.offset < state.log_start:
        runway_ms = 0
    elif lag.records and config.deletes:
        spans = [
            by_time(config.retention_ms, lag_ms, lag.records, reads_per_s),
            by_bytes(config.retention_bytes, lag, reads_per_s, appends_per_s),
        ]
        runway_ms = min((span for span in spans if span is not None), default=None)
    return PartitionRunway(
        group=group,
        topic=topic.name,
        partition=committed.partition,
        position=committed.offset,
        log_start=state.log_start,
        log_end=state.next_offset,
        lag=lag,
        lag_ms=lag_ms,
        reads_per_s=reads_per_s,
        appends_per_s=appends_per_s,
        runway_ms=runway_ms,
    )


def by_time(retention_ms: int, lag_ms: int, lag_records: int, reads_per_s: float) -> int | None:
    """Milliseconds until the record at the position is ``retention_ms`` old; None: never at this rate.

    What lies between position and end was appended over ``lag_ms``, so each record read takes the position
    ``lag_ms / lag_records`` further on in time, while a second passes each second.
    """
    if retention_ms < 0:
        return None
    if lag_ms >= retention_ms:
        return 0
    ages_per_s = 1.0 - reads_per_s * lag_ms / 1000 / lag_records
    if ages_per_s <= 0:
        return None
    return round((retention_ms - lag_ms) / ages_per_s)


def by_bytes(
    retention_bytes: int, lag: Volume, reads_per_s: float, appends_per_s: float
) -> int | None:
    """Milliseconds until more than ``retention_bytes`` lie behind the position; None: never at this rate."""
    if retention_bytes < 0 or not lag.records:
        return None
    if lag.bytes >= retention_bytes:
        return 0
    per_record = lag.bytes / lag.records
    grows = (appends_per_s - reads_per_s) * per_record
    if grows <= 0:
        return None
    return round((retention_bytes - lag.bytes) / grows * 1000)
