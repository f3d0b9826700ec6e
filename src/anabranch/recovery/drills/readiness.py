"""Whether a declared stream could be recovered now: horizon, newest point, runway, holds, and what the last drill said."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.log.holds import HoldState
from anabranch.metastore.api import Metastore
from anabranch.recovery.capture import points
from anabranch.recovery.drills import evidence
from anabranch.recovery.drills.declared import Declared, Stream
from anabranch.recovery.drills.names import SCENARIOS
from anabranch.recovery.model import RecoveryPoint
from anabranch.recovery.promises import holds, horizon, runway
from anabranch.recovery.times import duration_text, parse_duration


class Readiness(Struct, frozen=True, kw_only=True):
    """Of one stream. Durations in milliseconds; ``margin_ms`` None: nothing is removed, or nothing was yet.

    ``restart``: (topic, partition, offset) where a recovery would begin now; ``gone``: records from there on that are lost.
    """

    stream: str
    needed_ms: int
    margin_ms: int | None
    gone: int
    point_id: str | None
    point_age_ms: int | None
    point_at_ms: int | None
    at_ms: int
    runway_ms: int | None
    holds: int
    restart: tuple[tuple[str, int, int], ...]
    retention_troubles: tuple[str, ...]
    point_troubles: tuple[str, ...]
    last_drill_ms: int | None = None
    last_drill_passed: bool | None = None
    last_drill_rehearsed: int = 0  # scenarios, of as many as are declared
    scenarios: int = 0
    drill_due: bool = True
    drill_troubles: tuple[str, ...] = ()

    @property
    def troubles(self) -> list[str]:
        """All of them, in words."""
        return [*self.retention_troubles, *self.point_troubles, *self.drill_troubles]


async def look(metastore: Metastore, declared: Declared, name: str, now_ms: int) -> Readiness:
    """Reads only. What is missing is a trouble, not an error."""
    stream = declared.streams[name]
    retention: list[str] = []
    needed = stream.objectives.rto_ms
    margin = await _margin(metastore, stream, needed, now_ms, retention)
    found, point_troubles = await _point(metastore, stream)
    restart: list[tuple[str, int, int]] = []
    gone = 0
    topics = {topic.name: topic for topic in await metastore.topics()}
    for each in stream.inputs:
        topic = topics.get(each)
        for row in await metastore.partitions(topic.no) if topic is not None else ():
            offset = row.log_start
            if found is not None:
                at = [
                    p.offset
                    for p in found.positions
                    if p.topic == each and p.partition == row.partition
                ]
                offset = at[0] if at else row.log_start
            restart.append((each, row.partition, offset))
            gone += max(0, row.log_start - offset)
    if gone:
        retention.append(
            f"at most {gone:,} records since the newest recovery point are gone from the log"
        )
    ways = await _runway(metastore, stream, now_ms)
    pinned = [
        status
        for status in await holds.statuses(metastore, now_ms)
        if status.state is HoldState.ACTIVE
        and set(stream.inputs) & {part.topic for part in status.partitions}
    ]
    drills = await evidence.stored(metastore, name)
    last = drills[-1] if drills else None
    every_ms = parse_duration(stream.drill.every)
    due = last is None or now_ms - last.created_ms > every_ms
    drill_troubles = []
    if last is None:
        drill_troubles.append("it was never drilled")
    elif not last.passed:
        drill_troubles.append(f"its last drill ({last.id}) failed")
    elif due:
        drill_troubles.append(
            f"its last drill is {duration_text((now_ms - last.created_ms) / 1000)} old, and due every {stream.drill.every}"
        )
    return Readiness(
        stream=name,
        needed_ms=needed,
        margin_ms=margin,
        gone=gone,
        point_id=None if found is None else found.id,
        point_age_ms=None if found is None else max(0, now_ms - found.at_ms),
        point_at_ms=None if found is None else found.at_ms,
        at_ms=now_ms,
        runway_ms=ways,
        holds=len(pinned),
        restart=tuple(restart),
        retention_troubles=tuple(retention),
        point_troubles=tuple(point_troubles),
        last_drill_ms=None if last is None else last.created_ms,
        last_drill_passed=None if last is None else last.passed,
        last_drill_rehearsed=0
        if last is None
        else sum(one.verdict != "SKIPPED" for one in last.scenarios),
        scenarios=len(stream.drill.scenarios or SCENARIOS),
        drill_due=due,
        drill_troubles=tuple(drill_troubles),
    )


async def _margin(
    metastore: Metastore, stream: Stream, needed_ms: int, now_ms: int, troubles: list[str]
) -> int | None:
    try:
        found = await horizon.horizons(metastore, now_ms=now_ms, topics=stream.inputs)
    except UserFault as fault:
        troubles.append(str(fault))
        return None
    margins: list[int] = []
    for one in found.partitions:
        if one.configured_ms is not None and one.configured_ms < needed_ms:
            troubles.append(
                f"{one.topic}:{one.partition} keeps {duration_text(one.configured_ms / 1000)}, its objectives need "
                f"{duration_text(needed_ms / 1000)}"
            )
        if not one.complete:
            margins.append(one.kept_ms - needed_ms)
            if one.kept_ms < needed_ms:
                troubles.append(
                    f"{one.topic}:{one.partition} reaches back {duration_text(one.kept_ms / 1000)}, its objectives need "
                    f"{duration_text(needed_ms / 1000)}"
                )
        elif one.configured_ms is not None:
            margins.append(one.configured_ms - needed_ms)
    return min(margins, default=None)


async def _point(metastore: Metastore, stream: Stream) -> tuple[RecoveryPoint | None, list[str]]:
    """The newest of the group, and what is wrong with it."""
    known = [each for each in await points.stored(metastore) if each.group == stream.group]
    if not known:
        return None, [f"there is no recovery point of group “{stream.group}”"]
    newest = max(known, key=lambda each: each.at_ms)
    views = await points.views_of(metastore, newest)
    troubles = [
        f"point {newest.id}: {each.text}"
        for each in (*points.examine(newest, views), *points.examine_checkpoints(newest))
        if not each.harmless
    ]
    return newest, troubles


async def _runway(metastore: Metastore, stream: Stream, now_ms: int) -> int | None:
    try:
        found: Sequence[runway.PartitionRunway] = await runway.runways(
            metastore, now_ms=now_ms, groups=[stream.group]
        )
    except UserFault:
        return None
    return min((one.runway_ms for one in found if one.runway_ms is not None), default=None)
