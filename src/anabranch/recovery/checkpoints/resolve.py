"""From what a checkpoint keeps to positions in this cluster's log: names become topic ids, markers offsets.

A function of values: what the log and the group say is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.recovery.checkpoints.conventions import Marker
from anabranch.recovery.checkpoints.model import EngineCheckpoint, Kept, ResolvedMarker, Source
from anabranch.recovery.checkpoints.murmur3 import murmur3_128
from anabranch.recovery.model import PartitionView, Position

# A checkpoint's time and a topic's come from different clocks.
CLOCKS_APART_MS: Final = 60_000
Where = tuple[str, int]  # topic, partition


class Choice(Struct, frozen=True):
    """What of a checkpoint to take.

    ``uids`` (uid, name or id) and ``numbers`` name sources; none: all of them. ``topics``: only these.
    ``given`` offsets stand in for what the checkpoint keeps. ``in_flight``: that records lie outside of
    the offsets is known and accepted.
    """

    uids: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    topics: tuple[str, ...] = ()
    given: Mapping[Where, int] = {}
    in_flight: bool = False


class Resolved(Struct, frozen=True):
    """Positions in this cluster's log, and how markers became offsets."""

    positions: tuple[Position, ...]
    markers: tuple[ResolvedMarker, ...]
    sources: tuple[Source, ...]


def choose(checkpoint: EngineCheckpoint, choice: Choice) -> tuple[Source, ...]:
    """The sources that were asked for. Raises UserFault if one is not there or cannot be told."""
    known = checkpoint.sources
    what = ", ".join(f"{one.number} ({one.label})" for one in known) or "none"
    if not known:
        raise UserFault(f"{checkpoint.location}: no source of Kafka is in it")
    chosen: dict[int, Source] = {}
    for uid in choice.uids:
        names = {uid, murmur3_128(uid.encode()).hex()}
        found = [one for one in known if names & {one.uid, one.name, one.id}]
        if len(found) != 1:
            how = "no source" if not found else f"{len(found)} sources"
            raise UserFault(f"{checkpoint.location}: {how} “{uid}”; there are {what}")
        chosen[found[0].number] = found[0]
    for number in choice.numbers:
        if not 0 <= number < len(known):
            raise UserFault(f"{checkpoint.location}: no source {number}; there are {what}")
        chosen[number] = known[number]
    if not chosen:
        chosen = {one.number: one for one in known}
    for one in chosen.values():
        if one.problem:
            others = "" if len(known) == 1 else f"; name others with --uid or --source: {what}"
            raise UserFault(f"source {one.number} ({one.label}): {one.problem}{others}")
    return tuple(chosen[number] for number in sorted(chosen))


def refuse_unsafe(checkpoint: EngineCheckpoint, choice: Choice) -> None:
    """Raises UserFault if the checkpoint is damaged, or its offsets alone would lose records."""
    if checkpoint.damage:
        raise UserFault(f"{checkpoint.location}: {'; '.join(checkpoint.damage)}")
    beyond = checkpoint.beyond
    if beyond and not choice.in_flight:
        where = ", ".join(f"{one.where} ({one.what})" for one in beyond)
        raise UserFault(
            f"{checkpoint.location}: records are in flight outside of the offsets: {where}. Reading from "
            f"the offsets would lose them; only {checkpoint.engine}'s own restore brings them back. Take "
            "a savepoint or an aligned checkpoint, or say --in-flight if the point is for that restore alone"
        )


def resolve(
    checkpoint: EngineCheckpoint,
    choice: Choice,
    views: Sequence[PartitionView],
    created_ms: Mapping[str, int],
    committed: Mapping[Where, int] | None,
) -> Resolved:
    """Positions of the chosen sources.

    Args:
        checkpoint: as read.
        choice: what of it.
        views: every partition of the topics that ``wanted_topics`` names, as far as they exist.
        created_ms: when each of these topics was created.
        committed: what the group has committed, for markers; None if no group was named.

    Raises:
        UserFault: a topic or partition that is not here, an offset past the log end, a marker that
            nothing decides, two sources that keep different offsets of one partition.
    """
    refuse_unsafe(checkpoint, choice)
    sources = choose(checkpoint, choice)
    kept = _merged(sources, choice)
    by_place = {(view.topic, view.partition): view for view in views}
    here = {view.topic for view in views}
    missing = sorted({topic for topic, _ in kept if topic not in here})
    if missing:
        raise UserFault(
            f"{checkpoint.location}: topic “{missing[0]}” is not in this cluster; leave it out by naming "
            "others with --topic, --uid or --source"
        )
    positions, markers = [], []
    for place in sorted(kept):
        view = by_place.get(place)
        if view is None:
            raise UserFault(f"topic “{place[0]}” has no partition {place[1]}, the checkpoint has")
        _refuse_recreated(checkpoint, place[0], created_ms)
        offset = choice.given.get(place)
        one = kept[place]
        if offset is None:
            offset = one.next
        if offset is None:
            offset = _marked(one, view, committed)
        if one.next is None:
            said = "given" if place in choice.given else str(one.marker)
            markers.append(ResolvedMarker(*place, said, offset))
        if offset > view.log_end:
            raise UserFault(
                f"{place[0]}:{place[1]} stands at {offset:,}, and its log ends at {view.log_end:,}: the "
                "checkpoint is of another cluster, or the topic was recreated or truncated since"
            )
        epoch = one.leader_epoch if one.next is not None and one.leader_epoch >= 0 else None
        positions.append(
            Position(
                *(place[0], view.topic_id, place[1], offset),
                view.leader_epoch if epoch is None else epoch,
            )
        )
    return Resolved(tuple(positions), tuple(markers), sources)


def wanted_topics(checkpoint: EngineCheckpoint) -> set[str]:
    """Every topic that any source reads."""
    return {one.topic for source in checkpoint.sources for one in source.positions}


def _merged(sources: Sequence[Source], choice: Choice) -> dict[Where, Kept]:
    kept: dict[Where, Kept] = {}
    owner: dict[Where, Source] = {}
    for source in sources:
        for one in source.positions:
            place = (one.topic, one.partition)
            if choice.topics and one.topic not in choice.topics:
                continue
            other = kept.setdefault(place, one)
            owner.setdefault(place, source)
            if (other.next, other.marker) != (one.next, one.marker):
                raise UserFault(
                    f"{one.topic}:{one.partition} is read by sources {owner[place].number} "
                    f"({owner[place].label}) and {source.number} ({source.label}) from different "
                    "offsets: name one with --uid or --source"
                )
    absent = [topic for topic in choice.topics if topic not in {topic for topic, _ in kept}]
    if absent:
        raise UserFault(f"no source reads topic “{absent[0]}”")
    strange = [place for place in choice.given if place not in kept]
    if strange:
        topic, partition = strange[0]
        raise UserFault(f"--offset {topic}:{partition}: no source reads that partition")
    return kept


def _refuse_recreated(
    checkpoint: EngineCheckpoint, topic: str, created_ms: Mapping[str, int]
) -> None:
    taken, created = checkpoint.taken_ms, created_ms.get(topic)
    if taken is not None and created is not None and created > taken + CLOCKS_APART_MS:
        raise UserFault(
            f"topic “{topic}” was created after the checkpoint was taken: its offsets number other records"
        )


def _marked(one: Kept, view: PartitionView, committed: Mapping[Where, int] | None) -> int:
    """The offset that a marker means by the log as it stands."""
    where = f"{one.topic}:{one.partition}"
    if one.marker is Marker.EARLIEST:
        return view.log_start
    if one.marker is Marker.LATEST:
        return view.log_end
    if one.marker is Marker.UNDECIDED:
        raise UserFault(
            f"{where} ({one.place}): the checkpoint does not tell where its reading starts: "
            f"say it with --offset {where}=N"
        )
    if committed is None:
        raise UserFault(f"{where} stands at what its group has committed: name it with --group")
    offset = committed.get((one.topic, one.partition))
    if offset is None:
        raise UserFault(
            f"{where} stands at what its group has committed, and that is nothing: "
            f"say where it starts with --offset {where}=N"
        )
    return offset
