"""From what went wrong to where a restart has to begin: which state, which offsets, and since when.

Every kind of incident comes down to the newest state that it cannot have touched. A recovery point is such a
state with its offsets; where there is none, the offset history says where the group stood, without state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.metastore.api import Metastore, OffsetChange
from anabranch.recovery import observe
from anabranch.recovery.capture import points
from anabranch.recovery.model import (
    Position,
    RecoveryPoint,
    SinkState,
    positions_by_key,
    topic_id_text,
)
from anabranch.recovery.plans.plan import Basis, IncidentKind, PoisonedRecord
from anabranch.recovery.times import time_text

HISTORY_MAX: Final = 20_000  # newest changes of a partition in which a record's time is looked for


class BadVersion(Struct, frozen=True):
    """A version of the processor that did damage, as its recovery points name it."""

    version: str


class Poisoned(Struct, frozen=True):
    """Records that the processor dealt with wrongly, or died of."""

    records: tuple[PoisonedRecord, ...]


class Enrichment(Struct, frozen=True):
    """A second input, a table that records are joined with, was wrong from ``at_ms`` on."""

    topic: str
    at_ms: int


class Restored(Struct, frozen=True):
    """The store downstream was put back to an earlier state: as its own offsets say, or to a time."""

    sink: SinkState | None = None
    at_ms: int | None = None


Damage = BadVersion | Poisoned | Enrichment | Restored


class Start(Struct, frozen=True, kw_only=True):
    """Where a restart begins, and why there. ``whole``: topics to be read from their first record for want of a
    position in them. ``problems`` may stop a recovery; ``notes`` have to be known for it."""

    kind: IncidentKind
    basis: Basis
    positions: tuple[Position, ...] = ()
    point: RecoveryPoint | None = None
    since_ms: int | None = None
    version: str = ""
    poisoned: tuple[PoisonedRecord, ...] = ()
    enrichment: str = ""
    whole: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


async def from_time(
    metastore: Metastore,
    group: str,
    since_ms: int,
    topics: Sequence[str] | None,
    *,
    kind: IncidentKind = IncidentKind.WINDOW,
) -> Start:
    """The newest point at or before ``since_ms``; else what the group had committed then. Raises UserFault."""
    candidates = [one for one in await _points(metastore, group) if one.at_ms <= since_ms]
    if candidates:
        return await from_point(metastore, candidates[-1], kind=kind, since_ms=since_ms)
    positions = await positions_then(metastore, group, since_ms, topics)
    problem = (
        f"no recovery point of “{group}” at or before {time_text(since_ms)}: the offsets are "
        "what the group had committed then, but no state is captured with them; restore the "
        "state of that time yourself, or plan with --from-start"
    )
    return Start(
        kind=kind,
        basis=Basis.HISTORY,
        positions=tuple(positions),
        since_ms=since_ms,
        problems=(problem,),
    )


async def from_point(
    metastore: Metastore,
    point: RecoveryPoint,
    *,
    kind: IncidentKind = IncidentKind.POINT,
    since_ms: int | None = None,
) -> Start:
    """A point, with what is wrong with it."""
    views = await points.views_of(metastore, point)
    found = [
        f"{finding.topic}:{finding.partition}: {finding.text}" if finding.topic else finding.text
        for finding in points.examine(point, views)
    ]
    found += [finding.text for finding in points.examine_checkpoints(point)]
    return Start(
        kind=kind,
        basis=Basis.POINT,
        positions=point.positions,
        point=point,
        since_ms=since_ms,
        problems=tuple(found),
    )


async def from_damage(
    metastore: Metastore,
    group: str,
    damage: Damage,
    topics: Sequence[str] | None,
    sinks: Sequence[SinkState],
) -> Start:
    """Where to begin after ``damage``. Raises UserFault if nothing tells."""
    match damage:
        case BadVersion():
            return await _bad_version(metastore, group, damage.version)
        case Poisoned():
            return await _poisoned(metastore, group, damage.records, topics)
        case Enrichment():
            return await _enrichment(metastore, group, damage, topics)
        case Restored():
            return await _restored(metastore, group, damage, topics, sinks)


async def _bad_version(metastore: Metastore, group: str, version: str) -> Start:
    known = await _points(metastore, group)
    bad = [one for one in known if one.version == version]
    if not bad:
        versions = ", ".join(dict.fromkeys(one.version for one in known if one.version)) or "none"
        raise UserFault(
            f"no recovery point of “{group}” was taken with version {version} (there are: {versions}): "
            "say since when it ran with --since"
        )
    good = [one for one in known if one.at_ms < bad[0].at_ms]
    if not good:
        raise UserFault(
            f"version {version} made the first recovery point of “{group}” ({time_text(bad[0].at_ms)}): there is no "
            "state from before it; plan with --from-start"
        )
    start = await from_point(
        metastore, good[-1], kind=IncidentKind.BAD_VERSION, since_ms=good[-1].at_ms
    )
    tainted = ", ".join(one.name or one.id for one in bad[:5])
    return _with(
        start,
        version=version,
        notes=(
            f"the first point of version {version} is {bad[0].name or bad[0].id} ({time_text(bad[0].at_ms)}); "
            f"the newest before it is {good[-1].name or good[-1].id}"
            + (f", of version {good[-1].version}" if good[-1].version else ""),
            f"points of version {version} hold its results and are no good any more: {tainted}"
            + (f" and {len(bad) - 5} more" if len(bad) > 5 else ""),
        ),
    )


async def _poisoned(
    metastore: Metastore,
    group: str,
    records: Sequence[PoisonedRecord],
    topics: Sequence[str] | None,
) -> Start:
    if not records:
        raise UserFault("say which records are poisoned: TOPIC:PARTITION@OFFSET")
    live = {
        topic.name: topic
        for topic in await observe.topics_named(
            metastore, dict.fromkeys(one.topic for one in records)
        )
    }
    notes = []
    for one in records:
        state = await metastore.partition(live[one.topic].no, one.partition)
        where = f"{one.topic}:{one.partition}@{one.offset}"
        if state is None:
            raise UserFault(f"topic “{one.topic}” has no partition {one.partition}")
        if one.offset >= state.next_offset:
            raise UserFault(f"{where} is not in the log, which ends at {state.next_offset}")
        notes.append(
            f"{where} is gone from the log, which starts at {state.log_start:,}"
            if one.offset < state.log_start
            else f"{where} comes again in a replay, unless it is left out (`--skip {where}`) or mended there"
        )

    def is_before(point: RecoveryPoint) -> bool:
        at = positions_by_key(point.positions)
        for one in records:
            taken = at.get((topic_id_text(live[one.topic].id), one.partition))
            if taken is not None and taken.offset > one.offset:
                return False
        return True

    before = [one for one in await _points(metastore, group) if is_before(one)]
    if before:
        start = await from_point(metastore, before[-1], kind=IncidentKind.POISONED)
        return _with(start, poisoned=tuple(records), notes=tuple(notes))
    instants = []
    for one in records:
        lines = await metastore.offset_history(
            group, topic_no=live[one.topic].no, partition=one.partition, limit=HISTORY_MAX
        )
        passed = _last_before(lines, one.offset)
        if passed is None:
            raise UserFault(
                f"no recovery point and no commit of “{group}” from before {one.topic}:{one.partition}@{one.offset}: "
                "plan with --from-start"
            )
        instants.append(passed.at_ms)
    start = await from_time(metastore, group, min(instants), topics, kind=IncidentKind.POISONED)
    return _with(start, poisoned=tuple(records), notes=tuple(notes))


def _last_before(lines: Sequence[OffsetChange], offset: int) -> OffsetChange | None:
    """Of lines, newest first: the newest before the first that went past ``offset``; None if none is from before."""
    found = None
    for line in lines:
        if line.new is not None and line.new <= offset:
            if found is None:
                found = line
        elif found is not None and line.new is not None:
            found = None  # it had gone past it earlier, and came back
    return found


async def _enrichment(
    metastore: Metastore, group: str, damage: Enrichment, topics: Sequence[str] | None
) -> Start:
    (table,) = await observe.topics_named(metastore, [damage.topic])
    start = await from_time(metastore, group, damage.at_ms, topics, kind=IncidentKind.ENRICHMENT)
    known = {position.topic_id for position in start.positions}
    notes = [
        f"“{table.name}” has to be corrected first, and is read to its end before the records that are joined with it"
    ]
    whole: tuple[str, ...] = ()
    if topic_id_text(table.id) not in known:
        whole = (table.name,)
        notes.append(
            f"neither point nor group has a position in “{table.name}”: it is read from its first record"
        )
    if "compact" in table.configs.get("cleanup.policy", ""):
        notes.append(
            f"“{table.name}” is compacted: of each key only the last value is sure to be there, so the join sees the "
            "table as it is now, not as it was"
        )
    return _with(start, enrichment=table.name, whole=whole, notes=tuple(notes))


async def _restored(
    metastore: Metastore,
    group: str,
    damage: Restored,
    topics: Sequence[str] | None,
    sinks: Sequence[SinkState],
) -> Start:
    if damage.at_ms is not None:
        positions = await positions_then(metastore, group, damage.at_ms, topics)
        return Start(
            kind=IncidentKind.RESTORED,
            basis=Basis.HISTORY,
            positions=tuple(positions),
            since_ms=damage.at_ms,
            notes=(
                f"the store holds what the group had committed at {time_text(damage.at_ms)}, if it was restored to "
                "exactly that; effects that were made between a commit and the backup come again",
            ),
        )
    sink = damage.sink
    if sink is None or not sink.positions:
        raise UserFault(
            "no sink tells by its own offsets where it was put back to: name one that keeps them (--sink sqlite:PATH), "
            "or say to which time with --restored-to TIME"
        )
    stands = positions_by_key(await observe.committed_positions(metastore, group, topics))
    positions = [one for one in sink.positions if topics is None or one.topic in topics]
    behind = [
        (one, stands[one.key].offset - one.offset)
        for one in positions
        if one.key in stands and one.offset < stands[one.key].offset
    ]
    if not behind:
        raise UserFault(
            f"sink {sink.name} is nowhere behind group “{group}”: by its offsets nothing was restored"
        )
    missing = sum(lag for _, lag in behind)
    return Start(
        kind=IncidentKind.RESTORED,
        basis=Basis.SINK,
        positions=tuple(positions),
        notes=(
            f"sink {sink.name} is {missing:,} records behind the group in {len(behind)} partition(s); it forgot them, so "
            "reading them again in place makes each effect once: `anabranch offsets plan` is enough for this sink alone",
        ),
    )


async def positions_then(
    metastore: Metastore, group: str, at_ms: int, topics: Sequence[str] | None
) -> list[Position]:
    """What the group had committed at ``at_ms``, in topics that exist. Raises UserFault if nothing."""
    positions = [
        Position(
            item.topic.name, topic_id_text(item.topic.id), item.change.partition, item.change.new
        )
        for item in await observe.group_positions(metastore, group, at_ms, topics)
        if item.topic is not None and item.change.new is not None
    ]
    if not positions:
        raise UserFault(
            f"group “{group}” had committed nothing at {time_text(at_ms)}; "
            "plan with --from-start to rebuild from the oldest record"
        )
    return positions


async def _points(metastore: Metastore, group: str) -> list[RecoveryPoint]:
    """The group's points in the order of the states that they hold."""
    found = [one for one in await points.stored(metastore) if group in (one.group, one.processor)]
    return sorted(found, key=lambda one: one.at_ms)


def _with(start: Start, **changes: object) -> Start:
    from msgspec.structs import replace

    if "notes" in changes:
        notes = changes.pop("notes")
        assert isinstance(notes, tuple)
        changes["notes"] = (*start.notes, *notes)
    return replace(start, **changes)
