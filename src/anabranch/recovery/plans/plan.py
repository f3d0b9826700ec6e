"""Plan a restart: from an incident to exact offsets, and what going there costs and repeats.

:func:`make_plan` is a function of values. A plan is a document, addressed by the hash of its
content: what was reviewed is what is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

from anabranch.log.counts import Count
from anabranch.recovery.model import (
    SCHEMA_VERSION,
    Checkpoint,
    MissingRange,
    PartitionView,
    Position,
    SinkClass,
    SinkState,
    Volume,
    digest,
    positions_by_key,
)
from anabranch.recovery.times import duration_text, time_text

KIND = "plan"

DEFAULT_RATE = 4 * 1024 * 1024
"""Bytes per second when neither given nor measured: a fraction of what one broker writes live."""

Key = tuple[str, int]


class Basis(StrEnum):
    """Where the restart offsets come from."""

    POINT = "point"  # a recovery point: offsets and state were captured together
    HISTORY = "history"  # what the group had committed at an instant: offsets without state
    LOG_START = "log-start"  # everything retained: state is rebuilt from nothing
    SINK = "sink"  # what the sink that was restored says of itself


class IncidentKind(StrEnum):
    """What went wrong."""

    POINT = "point"  # whatever it was: back to this recovery point
    WINDOW = "time-window"
    BAD_VERSION = "bad-version"
    POISONED = "poisoned-record"
    ENRICHMENT = "corrupted-enrichment"
    RESTORED = "restored-store"
    LATE = "late-detection"  # a time window, of which the log has lost what is needed
    REBUILD = "rebuild"


class PoisonedRecord(Struct, frozen=True):
    """A record that does damage when it is processed."""

    topic: str
    partition: int
    offset: int


class Incident(Struct, frozen=True):
    """What went wrong, and since when. ``point`` is the recovery point that was chosen, if any.

    ``until_ms``: the damage ended then, and the replay with it. ``version``, ``poisoned`` and ``enrichment`` (a topic) as
    ``kind`` says.
    """

    description: str
    group: str
    topics: tuple[str, ...]
    basis: Basis
    since_ms: int | None
    point: str | None
    kind: IncidentKind = IncidentKind.WINDOW
    until_ms: int | None = None
    version: str = ""
    poisoned: tuple[PoisonedRecord, ...] = ()
    enrichment: str = ""


class Alternative(Struct, frozen=True):
    """Another recovery point of the group, and what the log has lost of the records after it."""

    point: str
    name: str
    at_ms: int
    lost: int


GIVEN_UP = ("corrupt", "lost-object")  # causes of gaps within a log that nobody configured
FATAL = ("truncation", "recreated-topic")  # positions that number other records than those here


class PlanPartition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One partition: read offsets ``[restart, end)``, and why exactly there.

    ``volume`` counts records as a reader of committed transactions gets them; ``at_most``: it may get fewer.
    ``lost`` are records between the wanted offset and the log start: nothing can bring them back
    from here. ``missing`` are the recorded gaps within the range, with their causes. ``runway_ms``
    is how long the record at ``restart`` stays retained; None: without limit.
    """

    topic: str
    topic_id: str
    partition: int
    wanted: int
    restart: int
    end: int
    why: str
    volume: Volume
    log_start: int
    log_end: int
    leader_epoch: int
    oldest_ms: int | None
    runway_ms: int | None
    lost: int
    missing: tuple[MissingRange, ...]
    at_most: bool = False  # left out of the document, and of its hash, where it is not so


class Repeats(Struct, frozen=True):
    """Records that arrive again; how many of them act twice, how many are turned away."""

    again: int
    duplicates: int
    suppressed: int


class Forecast(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who sees duplicates: on a branch with staging (what replay does), and by rewinding in place. ``at_most``: it may
    be fewer."""

    who: str
    name: str
    sink_class: SinkClass | None
    on_branch: Repeats
    in_place: Repeats
    note: str
    at_most: bool = False


class Plan(Struct, frozen=True, kw_only=True):
    """The answers to the first three questions, before anything is touched.

    ``notes`` have to be known for it; ``bystanders`` read the topics without a group, so that nothing here is about
    them. ``alternatives``, if the plan is not feasible: other points, the one that needs least of what is lost first.
    """

    id: str
    hash: str
    cluster_id: str
    created_ms: int
    creator: str
    incident: Incident
    checkpoint: Checkpoint | None
    partitions: tuple[PlanPartition, ...]
    volume: Volume
    rate: int
    rate_source: str
    seconds: float
    forecasts: tuple[Forecast, ...]
    sinks: tuple[SinkState, ...]
    problems: tuple[str, ...]
    feasible: bool
    schema_version: int = SCHEMA_VERSION
    notes: tuple[str, ...] = ()
    bystanders: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()

    @property
    def at_most(self) -> bool:
        """Whether ``volume`` counts more records than a reader of committed transactions may get."""
        return any(partition.at_most for partition in self.partitions)


class Measured(Struct, frozen=True):
    """What the shell read from the log for each partition before planning."""

    restart: int
    volume: Volume
    runway_ms: int | None
    at_most: bool = False


class Known(Struct, frozen=True):
    """Records from a partition's restart up to each of some offsets; or at most so many."""

    upto: Mapping[int, Count]

    def between(self, partition: PlanPartition, offset: int) -> Count:
        """From the restart up to ``offset``, which is not before it. Where nothing was counted: as many as offsets."""
        return self.upto.get(offset, Count(offset - partition.restart))


UNCOUNTED: Final = Known({})
Counts = Mapping[Key, Known]


_ORIGINS = {
    Basis.POINT: "the recovery point",
    Basis.HISTORY: "the group's commit history",
    Basis.SINK: "the restored sink",
}


def choose_restart(
    view: PartitionView, wanted: int | None, effects: Sequence[tuple[str, int]], basis: Basis
) -> tuple[int, str]:
    """The offset to restart at, before the log start is considered, and the reason in words.

    ``effects`` are (sink, next offset) of the state that is restored: starting above one of them
    would lose records, starting below repeats some, so the lowest of all positions is taken.
    """
    if basis is Basis.LOG_START:
        return view.log_start, "the oldest record retained: state is rebuilt from nothing"
    if wanted is None:
        return 0, "no offset was committed: the whole partition is needed"
    lowest = min(effects, key=lambda effect: effect[1], default=None)
    origin = _ORIGINS[basis]
    if lowest is None or lowest[1] == wanted:
        return wanted, f"{origin}" + (f"; sink {lowest[0]} agrees" if lowest else "")
    if lowest[1] < wanted:
        return lowest[1], f"sink {lowest[0]} had reached only this; {origin} says {wanted:,}"
    return (
        wanted,
        f"{origin}; sink {lowest[0]} was {lowest[1] - wanted:,} ahead and suppresses them",
    )


def wanted_restarts(
    views: Sequence[PartitionView],
    positions: Sequence[Position],
    sinks: Sequence[SinkState],
    basis: Basis,
) -> dict[Key, tuple[int, str]]:
    """:func:`choose_restart` for every partition; ``sinks`` hold the positions of the restored state."""
    by_key = positions_by_key(positions)
    restarts = {}
    for view in views:
        effects = [
            (sink.name, position.offset)
            for sink in sinks
            if sink.sink_class is SinkClass.TRANSACTIONAL
            for position in sink.positions
            if position.key == view.key
        ]
        position = by_key.get(view.key)
        restarts[view.key] = choose_restart(
            view, position.offset if position else None, effects, basis
        )
    return restarts


def reached(partition: PlanPartition, effects: int | None) -> int:
    """Up to which offset of the range effects reach that reach up to ``effects``."""
    if effects is None:
        return partition.restart
    return max(partition.restart, min(partition.end, effects))


def repeats(again: int, sink_class: SinkClass | None) -> Repeats:
    """What ``again`` records do that come again."""
    if sink_class is not None and sink_class.suppresses:
        return Repeats(again, 0, again)
    if sink_class is not None and sink_class.absorbs:
        return Repeats(again, 0, 0)
    return Repeats(again, again, 0)


def forecast_group(
    name: str,
    positions: Sequence[Position],
    partitions: Sequence[PlanPartition],
    *,
    rewound: bool,
    counts: Counts,
) -> Forecast:
    """A group reads the topic, not its branch: only a rewind in place makes it read again."""
    by_key = positions_by_key(positions)
    again = Count(0)
    for partition in partitions:
        key = (partition.topic_id, partition.partition)
        position = by_key.get(key)
        if rewound and position is not None:
            known = counts.get(key, UNCOUNTED)
            again += known.between(partition, reached(partition, position.offset))
    note = (
        "reads nothing twice: the replay has a branch and a group of its own"
        if rewound
        else "not affected either way"
    )
    return Forecast(
        who="group",
        name=name,
        sink_class=None,
        on_branch=Repeats(0, 0, 0),
        in_place=Repeats(again.records, again.records, 0),
        note=note,
        at_most=not again.exact,
    )


def forecast_sink(
    now: SinkState,
    restored: SinkState | None,
    partitions: Sequence[PlanPartition],
    committed: Sequence[Position] = (),
    known_from: Mapping[Key, int] | None = None,
    counts: Counts | None = None,
) -> Forecast:
    """``now`` is the sink as it stands; ``restored`` is its state in the checkpoint that staging
    starts from (None: staging starts empty, or the sink has no staging). ``committed`` by its group tells
    how far the effects of a sink reach that keeps no offsets; ``known_from`` are the offsets from which on the
    receiver of a dedupe window still recognises a repeat."""
    present = positions_by_key(now.positions or (() if now.sink_class.keeps_offsets else committed))
    staged = positions_by_key(restored.positions) if restored else {}
    stages = now.sink_class is SinkClass.TRANSACTIONAL
    on_branch, in_place = Repeats(0, 0, 0), Repeats(0, 0, 0)
    exact = True
    for partition in partitions:
        key = (partition.topic_id, partition.partition)
        known = (counts or {}).get(key, UNCOUNTED)
        here = present[key].offset if key in present else None
        there = (staged[key].offset if key in staged else None) if stages else here
        again = known.between(partition, reached(partition, here))
        exact = exact and again.exact
        if now.sink_class is SinkClass.WINDOW:
            # Without a place from which on the receiver knows them, nothing is recognised any more.
            since = (known_from or {}).get(key)
            forgotten = again
            if since is not None:
                forgotten = known.between(
                    partition, min(reached(partition, since), reached(partition, here))
                )
            window = Repeats(again.records, forgotten.records, again.records - forgotten.records)
            exact = exact and forgotten.exact
            in_place, on_branch = _sum(in_place, window), _sum(on_branch, window)
            continue
        staged_again = known.between(partition, reached(partition, there))
        exact = exact and staged_again.exact
        in_place = _sum(in_place, repeats(again.records, now.sink_class))
        on_branch = _sum(on_branch, repeats(staged_again.records, now.sink_class))
    if stages and in_place.again:
        note = (
            "rewinding in place would repair nothing: the sink suppresses what it has seen; "
            "the replay fills a staging copy instead"
        )
    elif stages:
        note = "offsets rest with effects: no record acts twice"
    elif now.sink_class is SinkClass.LEDGER:
        note = (
            "each effect is in a ledger that is asked first; a replay stages or suppresses new ones"
        )
    elif now.sink_class is SinkClass.WINDOW:
        note = "its receiver recognises what it saw within its window; what it has forgotten acts twice"
    elif now.sink_class.absorbs:
        note = "records come again and overwrite equals with equals"
    else:
        note = "repeats act twice unless the command stages or suppresses them during a replay"
    return Forecast(
        who="sink",
        name=now.name,
        sink_class=now.sink_class,
        on_branch=on_branch,
        in_place=in_place,
        note=note,
        at_most=not exact,
    )


def _sum(left: Repeats, right: Repeats) -> Repeats:
    return Repeats(
        left.again + right.again,
        left.duplicates + right.duplicates,
        left.suppressed + right.suppressed,
    )


def plan_partition(
    view: PartitionView,
    wanted: int,
    why: str,
    measured: Measured,
    end: int,
    missing: Sequence[MissingRange],
) -> PlanPartition:
    """One partition, with what is not there of the range."""
    restart = max(wanted, view.log_start)
    assert restart == measured.restart, "measured another range than is planned"
    return PlanPartition(
        topic=view.topic,
        topic_id=view.topic_id,
        partition=view.partition,
        wanted=wanted,
        restart=restart,
        end=max(end, restart),
        why=why,
        volume=measured.volume,
        log_start=view.log_start,
        log_end=view.log_end,
        leader_epoch=view.leader_epoch,
        oldest_ms=view.oldest_ms,
        runway_ms=measured.runway_ms,
        lost=restart - wanted,
        missing=tuple(missing),
        at_most=measured.at_most,
    )


def make_plan(
    *,
    cluster_id: str,
    created_ms: int,
    creator: str,
    incident: Incident,
    checkpoint: Checkpoint | None,
    partitions: Sequence[PlanPartition],
    rate: int,
    rate_source: str,
    sinks: Sequence[SinkState],
    restored_sinks: Sequence[SinkState],
    groups: Mapping[str, Sequence[Position]],
    problems: Sequence[str],
    known_from: Mapping[str, Mapping[Key, int]] | None = None,
    counts: Counts | None = None,
    notes: Sequence[str] = (),
    bystanders: Sequence[str] = (),
    alternatives: Sequence[Alternative] = (),
) -> Plan:
    """Put the plan together. ``problems`` are what the shell found; retention's and those of sinks
    that belong to other topics are added here. ``known_from``: by sink, see :func:`forecast_sink`; ``counts``: of records
    up to all positions that are given here."""
    foreign = dict.fromkeys(
        sentence
        for sink in (*sinks, *restored_sinks)
        for sentence in foreign_positions(sink, cluster_id, partitions)
    )
    restored = {sink.name: sink for sink in restored_sinks}
    forecasts = [
        forecast_group(
            name, positions, partitions, rewound=name == incident.group, counts=counts or {}
        )
        for name, positions in sorted(groups.items())
    ]
    committed = groups.get(incident.group, ())
    forecasts += [
        forecast_sink(
            sink,
            restored.get(sink.name),
            partitions,
            committed,
            (known_from or {}).get(sink.name),
            counts,
        )
        for sink in sinks
    ]
    total = Volume(
        sum(partition.volume.records for partition in partitions),
        sum(partition.volume.bytes for partition in partitions),
    )
    seconds = total.bytes / rate
    found = [*problems, *foreign, *_retention_problems(partitions, created_ms, seconds)]
    plan = Plan(
        id="",
        hash="",
        cluster_id=cluster_id,
        created_ms=created_ms,
        creator=creator,
        incident=incident,
        checkpoint=checkpoint,
        partitions=tuple(partitions),
        volume=total,
        rate=rate,
        rate_source=rate_source,
        seconds=round(seconds, 1),
        forecasts=tuple(forecasts),
        sinks=tuple(sinks),
        problems=tuple(found),
        feasible=is_feasible(partitions) and not foreign,
        notes=tuple(notes),
        bystanders=tuple(bystanders),
        alternatives=tuple(alternatives),
    )
    content = digest(plan, without=("id", "hash"))
    return structs.replace(plan, id=f"plan-{content[:12]}", hash=content)


def is_feasible(partitions: Sequence[PlanPartition]) -> bool:
    """Whether the log holds all that is needed, in the line that the positions were taken of."""
    return not any(
        partition.lost or any(gap.cause in FATAL for gap in partition.missing)
        for partition in partitions
    )


def foreign_positions(
    sink: SinkState, cluster_id: str, partitions: Sequence[PlanPartition]
) -> list[str]:
    """Sentences if the sink's offsets number other records than those of ``partitions``.

    A topic that was recreated, or another cluster's, has the same name and offsets that mean
    something else: what the sink would suppress or let through by them cannot be foretold.
    """
    if sink.clusters and cluster_id not in sink.clusters:
        return [f"sink {sink.name} holds offsets of another cluster ({', '.join(sink.clusters)})"]
    ids = {partition.topic: partition.topic_id for partition in partitions}
    known = {position.topic for position in sink.positions if position.topic_id in ids.values()}
    return [
        f"sink {sink.name} holds offsets of another topic “{topic}” than the one that is here: it was "
        "recreated since; use a new sink, or a checkpoint that belongs to this topic"
        for topic in dict.fromkeys(position.topic for position in sink.positions)
        if topic in ids and topic not in known
    ]


def check_hash(plan: Plan) -> bool:
    """True if the plan is what was hashed."""
    return plan.hash == digest(plan, without=("id", "hash"))


def _retention_problems(
    partitions: Sequence[PlanPartition], now_ms: int, seconds: float
) -> list[str]:
    found = []
    for partition in partitions:
        where = f"{partition.topic}:{partition.partition}"
        if partition.lost:
            causes = (
                ", ".join(
                    sorted(
                        {gap.cause for gap in partition.missing if gap.first < partition.restart}
                    )
                )
                or "unknown cause"
            )
            found.append(
                f"{where}: {partition.lost:,} of the records needed are gone ({causes}); "
                f"the log starts at {partition.log_start:,}, {partition.wanted:,} was needed"
            )
        found += [
            f"{where}: offsets {gap.first:,} to {gap.last:,} are gone ({gap.cause}): {gap.detail}"
            for gap in partition.missing
            if gap.cause in (*GIVEN_UP, *FATAL)
            and (gap.last >= partition.restart or gap.cause in FATAL)
        ]
        runway = partition.runway_ms
        if runway is not None and runway < seconds * 1000:
            found.append(
                f"{where}: the record at the restart expires in {duration_text(runway / 1000)} "
                f"({time_text(now_ms + runway)}), sooner than a replay at this rate would end; "
                "raise retention.ms first"
            )
    return found
