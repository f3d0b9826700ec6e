"""Recovery points: a known good state, with the exact offsets that belong to it.

A point is a document of its own. It outlives the group it was taken from: after the group is reset,
expired or deleted, the point still says where to start.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from anabranch import person
from anabranch.errors import UserFault
from anabranch.metastore.api import Metastore
from anabranch.recovery import observe
from anabranch.recovery.checkpoints import kept
from anabranch.recovery.model import (
    Checkpoint,
    EngineState,
    PartitionView,
    Position,
    RecoveryPoint,
    SinkState,
    topic_id_text,
)
from anabranch.recovery.sinks.lines import file_sha256
from anabranch.recovery.times import time_text

KIND = "point"


class Finding(NamedTuple):
    """Something that a restart from a point must know. ``fatal``: the state cannot be rebuilt; ``harmless``: it can,
    and nothing is lost."""

    fatal: bool
    topic: str
    partition: int
    text: str
    harmless: bool = False


def examine(point: RecoveryPoint, views: Sequence[PartitionView]) -> list[Finding]:
    """Hold a point against the log as it stands; an empty list means that it is good as taken."""
    by_key = {view.key: view for view in views}
    ids_by_name = {view.topic: view.topic_id for view in views}
    findings = []
    for position in point.positions:
        where = (position.topic, position.partition)
        view = by_key.get(position.key)
        if view is None:
            if position.topic in ids_by_name:
                text = "the topic was recreated since: its offsets number other records"
            else:
                text = "the topic is gone"
            findings.append(Finding(True, *where, text))
        elif position.offset < view.log_start:
            causes = sorted({gap.cause for gap in view.gaps if gap.last >= position.offset})
            why = f" ({', '.join(causes)})" if causes else ""
            findings.append(
                Finding(
                    True,
                    *where,
                    f"the log starts at {view.log_start:,}{why}: "
                    f"{view.log_start - position.offset:,} records after the point are gone",
                )
            )
        elif position.offset > view.log_end:
            findings.append(
                Finding(True, *where, f"the log ends at {view.log_end:,}, before the point")
            )
        elif 0 <= view.leader_epoch < position.leader_epoch:
            findings.append(
                Finding(
                    True,
                    *where,
                    f"leader epoch {position.leader_epoch} of the point is newer than the log's "
                    f"{view.leader_epoch}: the log was restored from an older state",
                )
            )
    taken = {position.key for position in point.positions}
    findings += [
        _without_position(view)
        for view in views
        if view.key not in taken and view.topic_id in {key[0] for key in taken}
    ]
    engine = point.engine
    if point.in_flight and point.checkpoint is None and (engine is None or not engine.checkpoint):
        findings.append(
            Finding(False, "", -1, "records were in flight and no checkpoint holds them")
        )
    for flight in engine.in_flight if engine else ():
        if flight.beyond:
            text = (
                f"in flight outside of the offsets: {flight.where}: {flight.what}; reading from the "
                f"offsets loses them, a restore from the checkpoint does not"
            )
            findings.append(Finding(False, "", -1, text))
    return findings


def _without_position(view: PartitionView) -> Finding:
    """It was added after the point, or nothing of it was committed yet: its records count from the first one on."""
    text = "the point has no position in it: a restart reads it from its start, 0"
    if view.log_start:
        text = f"the point has no position in it, and its first {view.log_start:,} offsets are gone"
    return Finding(False, view.topic, view.partition, text, harmless=not view.log_start)


def examine_checkpoint(checkpoint: Checkpoint) -> str | None:
    """A sentence if the checkpoint is gone or changed; None if it is as it was taken."""
    path = Path(checkpoint.location)
    if not path.exists():
        return f"the checkpoint {path} is gone"
    if file_sha256(path) != checkpoint.sha256:
        return f"the checkpoint {path} is not what was captured: its SHA-256 differs"
    return None


def examine_checkpoints(point: RecoveryPoint) -> list[Finding]:
    """What is wrong with the files that belong to a point: the copy of a sink, an engine's checkpoint.

    A store that its engine goes on writing to differs soon after: that is a note, no problem. Blocks.
    """
    findings = []
    if point.checkpoint is not None:
        sentence = examine_checkpoint(point.checkpoint)
        if sentence:
            findings.append(Finding(True, "", -1, sentence))
    if point.engine is not None and point.engine.checkpoint is not None:
        sentence = kept.changed(point.engine.engine, point.engine.checkpoint, point.engine.moves)
        if sentence:
            findings.append(Finding(not point.engine.moves, "", -1, sentence))
    return findings


def point_id(now_ms: int, token: str) -> str:
    """``p-20260301-140500-9f2c``: sorts by time, unique by token."""
    stamp = time_text(now_ms).replace("-", "").replace(":", "").replace(" ", "-").rstrip("Z")
    return f"p-{stamp}-{token}"


async def capture(
    metastore: Metastore,
    *,
    token: str,
    name: str,
    now_ms: int,
    group: str | None = None,
    at_ms: int | None = None,
    explicit: Sequence[tuple[str, int, int]] = (),
    sinks: Sequence[SinkState] = (),
    topics: Sequence[str] | None = None,
    checkpoint: Checkpoint | None = None,
    processor: str = "",
    version: str = "",
    in_flight: bool = False,
    creator: str = "",
    note: str = "",
    schedule: str = "",
    engine: EngineState | None = None,
    resolved: Sequence[Position] = (),
    store: bool = True,
) -> RecoveryPoint:
    """Take a point and, if so told, ``store`` it. Exactly one origin: the positions ``resolved`` from the checkpoint of
    ``engine`` (``capturing.take`` does that), else ``explicit`` offsets, else ``group``'s commits
    (now, or at ``at_ms``), else the positions of the first of ``sinks``.

    Raises UserFault if the origin gives no position.
    """
    positions: list[Position]
    if engine is not None:
        source, positions = "checkpoint", list(resolved)
    elif explicit:
        source, positions = "explicit", await _explicit_positions(metastore, explicit)
    elif group is not None and at_ms is not None:
        source = "group-at"
        positions = [
            Position(
                item.topic.name,
                topic_id_text(item.topic.id),
                item.change.partition,
                item.change.new,
            )
            for item in await observe.group_positions(metastore, group, at_ms, topics)
            if item.topic is not None and item.change.new is not None
        ]
    elif group is not None:
        source, positions = "group", await observe.committed_positions(metastore, group, topics)
    elif sinks:
        source, positions = "sink", list(sinks[0].positions)
    else:
        raise UserFault("a point needs a --group, a --sink or explicit --offset TOPIC:PARTITION=N")
    if not positions:
        when = f" at {time_text(at_ms)}" if at_ms is not None else ""
        origin = f"group “{group}”" if group else "the sink"
        if engine is not None:
            origin = f"the checkpoint {engine.location}"
        raise UserFault(
            f"{origin} has no committed offsets{when}: there is nothing to take a point of"
        )
    point = RecoveryPoint(
        id=point_id(now_ms, token),
        name=name,
        processor=processor or group or "",
        version=version,
        group=group,
        positions=tuple(positions),
        source=source,
        at_ms=now_ms if at_ms is None else at_ms,
        checkpoint=checkpoint,
        in_flight=in_flight,
        sinks=tuple(sinks),
        creator=creator or whoami(),
        created_ms=now_ms,
        note=note,
        engine=engine,
        schedule=schedule,
    )
    if store:
        await put(metastore, point)
    return point


async def put(metastore: Metastore, point: RecoveryPoint) -> None:
    """Store a point that was taken. Raises ClientFault if there is one of its id."""
    body = msgspec.json.encode(point)
    await metastore.put_document(KIND, point.id, body, point.created_ms, create=True)


async def find(metastore: Metastore, id_or_name: str) -> RecoveryPoint:
    """By id, else the newest of that name. Raises UserFault."""
    document = await metastore.document(KIND, id_or_name)
    if document is not None:
        return msgspec.json.decode(document.body, type=RecoveryPoint)
    named = [point for point in await stored(metastore) if point.name == id_or_name]
    if not named:
        raise UserFault(
            f"there is no recovery point “{id_or_name}”; `anabranch point list` shows what there is"
        )
    return named[-1]


async def stored(metastore: Metastore) -> list[RecoveryPoint]:
    """Every point, oldest first."""
    return [
        msgspec.json.decode(document.body, type=RecoveryPoint)
        for document in await metastore.documents(KIND)
    ]


async def views_of(metastore: Metastore, point: RecoveryPoint) -> list[PartitionView]:
    """The log as it stands for the point's topics, as far as they exist."""
    names = {position.topic for position in point.positions}
    ids = {position.topic_id for position in point.positions}
    topics = [
        topic
        for topic in await metastore.topics()
        if topic.name in names or topic_id_text(topic.id) in ids
    ]
    return await observe.partition_views(metastore, topics)


async def _explicit_positions(
    metastore: Metastore, explicit: Sequence[tuple[str, int, int]]
) -> list[Position]:
    topics = {
        topic.name: topic
        for topic in await observe.topics_named(metastore, dict.fromkeys(e[0] for e in explicit))
    }
    positions = []
    for name, partition, offset in explicit:
        topic = topics[name]
        state = await metastore.partition(topic.no, partition)
        if state is None:
            raise UserFault(f"topic “{name}” has no partition {partition}")
        if not state.log_start <= offset <= state.next_offset:
            raise UserFault(
                f"{name}:{partition} holds offsets {state.log_start} to {state.next_offset}; "
                f"{offset} is outside"
            )
        positions.append(
            Position(name, topic_id_text(topic.id), partition, offset, state.leader_epoch)
        )
    return positions


def whoami() -> str:
    """The person at the keyboard, as far as the system tells."""
    return person.name()
