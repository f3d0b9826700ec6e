"""Taking recovery points as a wish says: by command, for a deployment that asks by HTTP, on a schedule."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.log.log import Log
from anabranch.recovery import observe
from anabranch.recovery.capture import points
from anabranch.recovery.checkpoints import bytewax, locations
from anabranch.recovery.checkpoints.model import EngineCheckpoint
from anabranch.recovery.checkpoints.resolve import (
    Choice,
    Resolved,
    refuse_unsafe,
    resolve,
    wanted_topics,
)
from anabranch.recovery.model import Checkpoint, EngineState, RecoveryPoint
from anabranch.recovery.sinks.locations import read_sink

Allow = Callable[[Sequence[str], str | None], Awaitable[None]]
"""(topics, group): raises UserFault unless whoever asks may replay these."""


class Wish(Struct, frozen=True, kw_only=True):
    """What point to take.

    ``origin`` is another engine's checkpoint (``flink:…``, see ``checkpoints.locations``), of which
    ``uids`` and ``sources`` name readers; without one, the point is what ``group`` has committed, or
    where the first of ``sinks`` stands. ``given`` offsets, by (topic, partition), stand in for a
    checkpoint's. ``copy_to``: where a store that its engine writes on to is copied (Bytewax).
    """

    name: str
    group: str | None = None
    origin: str | None = None
    uids: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    given: dict[tuple[str, int], int] = {}
    sinks: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    processor: str = ""
    version: str = ""
    in_flight: bool = False
    note: str = ""
    schedule: str = ""
    copy_to: Path | None = None


async def take(
    log: Log,
    wish: Wish,
    *,
    now_ms: int,
    token: str,
    allow: Allow,
    creator: str = "",
    store: bool = True,
) -> RecoveryPoint:
    """Take the point and, if so told, ``store`` it. Raises UserFault, Corrupt, StoreFault."""
    sinks = [await asyncio.to_thread(read_sink, sink) for sink in wish.sinks]
    if wish.origin is None:
        await allow(wish.topics, wish.group)
        return await points.capture(
            log.metastore,
            token=token,
            name=wish.name,
            now_ms=now_ms,
            group=wish.group,
            sinks=sinks,
            topics=wish.topics or None,
            processor=wish.processor,
            version=wish.version,
            in_flight=wish.in_flight,
            creator=creator,
            note=wish.note,
            schedule=wish.schedule,
            store=store,
        )
    origin = locations.parse_origin(wish.origin)
    copied = None
    if wish.copy_to is not None:
        copied = wish.copy_to / points.point_id(now_ms, token)
        origin = await _copied(origin, copied)
    try:
        checkpoint = await _read(log, origin)
        group = wish.group or checkpoint.group
        resolved = await resolved_now(log, checkpoint, wish, group)
        topics = sorted({position.topic for position in resolved.positions})
        await allow(topics, group)
        return await points.capture(
            log.metastore,
            token=token,
            name=wish.name,
            now_ms=now_ms,
            group=group,
            at_ms=None if checkpoint.moves else checkpoint.taken_ms,
            sinks=sinks,
            processor=wish.processor,
            version=wish.version,
            in_flight=wish.in_flight or bool(checkpoint.in_flight),
            creator=creator,
            note=wish.note,
            schedule=wish.schedule,
            engine=_state(checkpoint, resolved),
            resolved=resolved.positions,
            store=store,
        )
    except BaseException:
        if copied is not None:
            shutil.rmtree(copied, ignore_errors=True)
        raise


def remove_copy(point: RecoveryPoint, copy_to: Path | None) -> None:
    """Remove the copy of a store that was made for ``point`` below ``copy_to``, and nothing else."""
    taken = point.engine.checkpoint if point.engine else None
    if copy_to is None or taken is None or taken.location != str((copy_to / point.id).absolute()):
        return
    shutil.rmtree(taken.location, ignore_errors=True)


async def read_checkpoint(log: Log, text: str) -> EngineCheckpoint:
    """The checkpoint that ``text`` names, also of an engine whose group's commits it is."""
    return await _read(log, locations.parse_origin(text))


async def _read(log: Log, origin: locations.Origin) -> EngineCheckpoint:
    if locations.group_of(origin) is not None:
        return await locations.read_group(log, origin)
    return await asyncio.to_thread(locations.read, origin)


async def _copied(origin: locations.Origin, target: Path) -> locations.Origin:
    if origin.engine != "bytewax":
        raise UserFault(
            "--checkpoint-dir copies a sink or a Bytewax store; "
            f"checkpoints of {origin.engine} are kept by its own settings"
        )
    await asyncio.to_thread(bytewax.copy, origin.where, target)
    return locations.Origin("bytewax", str(target))


async def resolved_now(
    log: Log, checkpoint: EngineCheckpoint, wish: Wish, group: str | None
) -> Resolved:
    """The checkpoint's positions by the log as it stands. Raises UserFault."""
    choice = Choice(
        uids=wish.uids,
        numbers=wish.sources,
        topics=wish.topics,
        given=wish.given,
        in_flight=wish.in_flight,
    )
    refuse_unsafe(checkpoint, choice)
    wanted = wanted_topics(checkpoint)
    topics = [topic for topic in await log.metastore.topics() if topic.name in wanted]
    committed = None
    if group is not None:
        positions = await observe.committed_positions(log.metastore, group)
        committed = {(one.topic, one.partition): one.offset for one in positions}
    return resolve(
        checkpoint,
        choice,
        await observe.partition_views(log.metastore, topics),
        {topic.name: topic.created_ms for topic in topics},
        committed,
    )


def _state(checkpoint: EngineCheckpoint, resolved: Resolved) -> EngineState:
    taken = None
    if checkpoint.sha256:
        taken = Checkpoint(checkpoint.location, checkpoint.sha256, checkpoint.bytes)
    times = {
        f"{one.topic}:{one.partition}": one.partition_time_ms
        for source in resolved.sources
        for one in source.positions
        if one.partition_time_ms is not None
    }
    return EngineState(
        engine=checkpoint.engine,
        id=checkpoint.id,
        form=checkpoint.form,
        location=checkpoint.location,
        sources=tuple(source.label for source in resolved.sources),
        markers=resolved.markers,
        checkpoint=taken,
        moves=checkpoint.moves,
        partition_times=times,
        in_flight=checkpoint.in_flight,
        transactions=checkpoint.transactions,
        changelogs=checkpoint.changelogs,
        notes=checkpoint.notes,
    )
