"""The shell around ``plan``: reads the log, the history and the points, stores the document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from anabranch.errors import UserFault
from anabranch.log.config import effective
from anabranch.log.counting import RecordCounter
from anabranch.log.counts import Count
from anabranch.log.extents import ExtentReader
from anabranch.metastore.api import Metastore, Topic
from anabranch.recovery import observe
from anabranch.recovery.capture import points
from anabranch.recovery.history import readers
from anabranch.recovery.model import (
    PartitionView,
    Position,
    RecoveryPoint,
    SinkState,
    Volume,
    topic_id_text,
)
from anabranch.recovery.plans import incidents, pace
from anabranch.recovery.plans.incidents import Damage, Start
from anabranch.recovery.plans.missing import WhoDeleted, missing_ranges
from anabranch.recovery.plans.plan import (
    DEFAULT_RATE,
    KIND,
    Alternative,
    Basis,
    Incident,
    IncidentKind,
    Key,
    Known,
    Measured,
    Plan,
    PlanPartition,
    check_hash,
    is_feasible,
    make_plan,
    plan_partition,
    wanted_restarts,
)
from anabranch.recovery.promises import classes
from anabranch.recovery.times import duration_text, time_text

ALTERNATIVES_MAX = 10
READERS_WITHIN_MS = 600_000  # who fetched since, without a group, is named


async def plan_recovery(
    metastore: Metastore,
    *,
    group: str,
    now_ms: int,
    creator: str,
    description: str = "",
    since_ms: int | None = None,
    until_ms: int | None = None,
    point: RecoveryPoint | None = None,
    from_start: bool = False,
    damage: Damage | None = None,
    topics: Sequence[str] | None = None,
    rate: int | None = None,
    sinks: Sequence[SinkState] = (),
    extents: ExtentReader | None = None,
    who_deleted: WhoDeleted | None = None,
) -> Plan:
    """Plan the recovery of ``group`` and store the plan.

    The restart comes from ``damage`` (:mod:`.incidents`); or from ``point``; or from the newest point of the group
    taken at or before ``since_ms``; or, if there is none, from what the group had committed then; or, with
    ``from_start``, from the oldest record retained. It ends at the log's end, or with what the group had dealt
    with at ``until_ms``. ``sinks`` are the group's sinks as they stand. ``extents`` reads the log, to
    count records; without it every offset counts as one. ``who_deleted`` asks an audit log. Raises UserFault if nothing tells where to start.
    """
    if since_ms is not None and until_ms is not None and until_ms < since_ms:
        raise UserFault("the damage ended before it began: --until lies before --since")
    if damage is not None:
        start = await incidents.from_damage(metastore, group, damage, topics, sinks)
    elif from_start:
        start = Start(kind=IncidentKind.REBUILD, basis=Basis.LOG_START)
    elif point is not None:
        start = await incidents.from_point(metastore, point, since_ms=since_ms)
    elif since_ms is not None:
        start = await incidents.from_time(metastore, group, since_ms, topics)
    else:
        raise UserFault("say where the damage begins: --point ID, --since TIME or --from-start")
    scope = await _scope(metastore, group, start, topics)
    names = {topic.name for topic in scope}
    positions = [position for position in start.positions if position.topic in names]
    views = await observe.partition_views(metastore, scope)
    restored = start.point.sinks if start.point is not None else ()
    wanted = wanted_restarts(views, positions, restored, start.basis)
    for view in views:
        if view.topic in start.whole:
            wanted[view.key] = (view.log_start, "its first record: nobody has a position in it")
    ends = await _ends(metastore, group, views, until_ms)
    ids = {topic_id_text(topic.id): topic for topic in scope}
    groups = await observe.groups_on(metastore, scope)
    known_from = await _known_from(metastore, views, wanted, ends, sinks, now_ms)
    counter = None if extents is None else RecordCounter(metastore, extents)
    marks = _marks(groups, [*sinks, *restored], known_from)
    partitions: list[PlanPartition] = []
    counts: dict[Key, Known] = {}
    for view in views:
        counted = Known(
            await _counted(counter, view, wanted[view.key][0], ends, marks.get(view.key, ()))
        )
        counts[view.key] = counted
        topic, (offset, why) = ids[view.topic_id], wanted[view.key]
        partitions.append(
            await _plan_one(
                metastore, topic, view, offset, why, ends, positions, counted, now_ms, who_deleted
            )
        )
    problems = [*start.problems, *await _damage(metastore, scope, partitions)]
    notes = [*start.notes, *await _detection(metastore, scope, start.since_ms, now_ms)]
    if until_ms is not None:
        notes.append(
            f"the replay ends with what the group had dealt with at {time_text(until_ms)}; after a promotion it goes on from there"
        )
    bytes_each = _mean_bytes(partitions)
    rate, rate_source = await _rate(metastore, group, rate, bytes_each, now_ms, extents)
    uncounted = sum(part.at_most for part in partitions)
    if uncounted:
        notes.append(
            f"records of {uncounted:,} partition{'s' * (uncounted > 1)} are an upper bound: a transaction is open, or counting "
            "what is no record in them would take too long"
        )
    feasible = is_feasible(partitions)
    kind = start.kind
    if kind is IncidentKind.WINDOW and not feasible:
        kind = IncidentKind.LATE
    unseen = await readers.unseen_on(metastore, scope, now_ms=now_ms, within_ms=READERS_WITHIN_MS)
    plan = make_plan(
        cluster_id=topic_id_text(metastore.cluster_id),
        created_ms=now_ms,
        creator=creator,
        incident=Incident(
            description=description,
            group=group,
            topics=tuple(topic.name for topic in scope),
            basis=start.basis,
            since_ms=start.since_ms,
            point=start.point.id if start.point else None,
            kind=kind,
            until_ms=until_ms,
            version=start.version,
            poisoned=start.poisoned,
            enrichment=start.enrichment,
        ),
        checkpoint=start.point.checkpoint if start.point else None,
        partitions=partitions,
        rate=rate,
        rate_source=rate_source,
        sinks=sinks,
        restored_sinks=restored,
        groups=groups,
        problems=problems,
        known_from=known_from,
        counts=counts,
        notes=notes,
        bystanders=[
            f"{one.client_id}@{one.host} reads {one.topic}:{one.partition} at {one.offset}"
            for one in unseen
        ],
        alternatives=[] if feasible else await _alternatives(metastore, group, start.point),
    )
    await metastore.put_document(KIND, plan.id, msgspec.json.encode(plan), now_ms)
    return plan


async def _known_from(
    metastore: Metastore,
    views: Sequence[PartitionView],
    wanted: Mapping[Key, tuple[int, str]],
    ends: Mapping[Key, int],
    sinks: Sequence[SinkState],
    now_ms: int,
) -> dict[str, dict[Key, int]]:
    """From which offset on receivers with a window still know what they have seen, by the time of append."""
    found: dict[str, dict[Key, int]] = {}
    for sink in sinks:
        if sink.ttl_ms is None:
            continue
        found[sink.name] = {
            view.key: await observe.appended_since(
                metastore,
                view.topic_no,
                view.partition,
                *_range(view, wanted[view.key][0], ends),
                now_ms - sink.ttl_ms,
            )
            for view in views
        }
    return found


def _range(view: PartitionView, wanted: int, ends: Mapping[Key, int]) -> tuple[int, int]:
    """From where to where a partition is read."""
    restart = max(wanted, view.log_start)
    return restart, max(restart, ends.get(view.key, view.log_end))


def _marks(
    groups: Mapping[str, Sequence[Position]],
    sinks: Sequence[SinkState],
    known_from: Mapping[str, Mapping[Key, int]],
) -> dict[Key, set[int]]:
    """The offsets up to which forecasts count, by partition."""
    found: dict[Key, set[int]] = {}
    for positions in (*groups.values(), *(sink.positions for sink in sinks)):
        for position in positions:
            found.setdefault(position.key, set()).add(position.offset)
    for places in known_from.values():
        for key, offset in places.items():
            found.setdefault(key, set()).add(offset)
    return found


async def _counted(
    counter: RecordCounter | None,
    view: PartitionView,
    wanted: int,
    ends: Mapping[Key, int],
    marks: Iterable[int],
) -> dict[int, Count]:
    """Records from the restart up to the end, and up to each of ``marks`` in between."""
    if counter is None:
        return {}
    restart, end = _range(view, wanted, ends)
    within = {min(end, max(restart, mark)) for mark in marks}
    return await counter.upto(view.topic_no, view.partition, restart, sorted({*within, end}))


async def find(metastore: Metastore, id_or_file: str) -> Plan:
    """A stored plan by id, or one from a file. Raises UserFault if it was edited."""
    path = Path(id_or_file)
    document = await metastore.document(KIND, id_or_file)
    if document is not None:
        body = document.body
    elif path.is_file():
        body = path.read_bytes()
    else:
        raise UserFault(f"there is no plan “{id_or_file}”: neither a plan's id nor a file")
    try:
        plan = msgspec.json.decode(body, type=Plan)
    except msgspec.DecodeError as error:
        raise UserFault(f"{id_or_file} is not a plan: {error}") from None
    if not check_hash(plan):
        raise UserFault(
            f"plan {plan.id} was changed after it was made (its hash differs); make a new one"
        )
    if plan.cluster_id != topic_id_text(metastore.cluster_id):
        raise UserFault(f"plan {plan.id} was made for another cluster ({plan.cluster_id})")
    return plan


async def stored(metastore: Metastore) -> list[Plan]:
    """Every plan, oldest first."""
    return [msgspec.json.decode(d.body, type=Plan) for d in await metastore.documents(KIND)]


async def _damage(
    metastore: Metastore, scope: Sequence[Topic], partitions: Sequence[PlanPartition]
) -> list[str]:
    """What cannot be read stops a replay as long as nobody skips it."""
    planned = {(each.topic, each.partition): each for each in partitions}
    found = []
    for topic in scope:
        for damage in await metastore.damages(topic.no):
            part = planned.get((topic.name, damage.partition))
            if part and damage.first_offset < part.end and damage.last_offset >= part.restart:
                where = f"{topic.name}:{damage.partition}"
                span = f"{damage.first_offset:,} to {damage.last_offset:,}"
                found.append(
                    f"{where}: offsets {span} cannot be read ({damage.cause}): repair "
                    f"{damage.object_key}, or give them up by `anabranch log damage skip`"
                )
    return found


async def _scope(
    metastore: Metastore, group: str, start: Start, topics: Sequence[str] | None
) -> list[Topic]:
    """The topics to be read: those named, else those of the positions, else the group's; and a table's."""
    named = list(topics or dict.fromkeys(position.topic for position in start.positions))
    if not named:
        committed = await observe.committed_positions(metastore, group)
        named = list(dict.fromkeys(position.topic for position in committed))
    if not named:
        raise UserFault(f"group “{group}” has no committed offsets: name the --topic to replay")
    if start.enrichment and start.enrichment not in named:
        named.insert(0, start.enrichment)
    return await observe.topics_named(metastore, named)


async def _ends(
    metastore: Metastore, group: str, views: Sequence[PartitionView], until_ms: int | None
) -> dict[Key, int]:
    """Where the replay of each partition ends; partitions that are not named end with the log."""
    if until_ms is None:
        return {}
    then = {
        (item.change.topic_no, item.change.partition): item.change.new
        for item in await observe.group_positions(metastore, group, until_ms)
    }
    ends = {}
    for view in views:
        reached = then.get((view.topic_no, view.partition))
        if reached is None:  # never committed: what had been appended is as far as it can have read
            behind = await metastore.extent_by_append_time(view.topic_no, view.partition, until_ms)
            reached = view.log_end if behind is None else behind.base_offset
        ends[view.key] = min(max(reached, view.log_start), view.log_end)
    return ends


async def _detection(
    metastore: Metastore, scope: Sequence[Topic], since_ms: int | None, now_ms: int
) -> list[str]:
    """Sentences for classes that count on damage being detected sooner than this was."""
    if since_ms is None:
        return []
    known = await classes.load(metastore)
    late: dict[str, str] = {}
    for topic in scope:
        one = classes.class_of(known, topic.name)
        if one is not None and now_ms - since_ms > one.detect_ms:
            left = one.horizon_ms - (now_ms - since_ms)
            late[one.name] = (
                f"detected {duration_text((now_ms - since_ms) / 1000)} after it began; class {one.name} counts on "
                f"{duration_text(one.detect_ms / 1000)}, and its horizon "
                + (
                    f"leaves {duration_text(left / 1000)} for what is to be done"
                    if left > 0
                    else f"of {duration_text(one.horizon_ms / 1000)} is over"
                )
            )
    return list(late.values())


async def _alternatives(
    metastore: Metastore, group: str, chosen: RecoveryPoint | None
) -> list[Alternative]:
    """Other points of the group: those first after which the log has lost least, the newest of these first."""
    found = []
    for one in await points.stored(metastore):
        if group not in (one.group, one.processor) or (chosen is not None and one.id == chosen.id):
            continue
        views = {view.key: view for view in await points.views_of(metastore, one)}
        here = [(views[taken.key], taken) for taken in one.positions if taken.key in views]
        if len(here) == len(one.positions):
            lost = sum(max(0, view.log_start - taken.offset) for view, taken in here)
            found.append(Alternative(one.id, one.name, one.at_ms, lost))
    return sorted(found, key=lambda one: (one.lost, -one.at_ms))[:ALTERNATIVES_MAX]


async def _plan_one(
    metastore: Metastore,
    topic: Topic,
    view: PartitionView,
    wanted: int,
    why: str,
    ends: Mapping[Key, int],
    positions: Sequence[Position],
    counted: Known,
    now_ms: int,
    who_deleted: WhoDeleted | None,
) -> PlanPartition:
    restart, end = _range(view, wanted, ends)
    taken = next((one for one in positions if one.key == view.key), None)
    was = None
    if taken is None:
        place = (view.topic, view.partition)
        was = next((one for one in positions if (one.topic, one.partition) == place), None)
    missing = await missing_ranges(
        metastore, topic, view, wanted=wanted, end=end, taken=taken, was=was, now_ms=now_ms,
        who_deleted=who_deleted,
    )  # fmt: skip
    volume = await observe.volume(metastore, view.topic_no, view.partition, restart, end)
    records = counted.upto.get(end, Count(volume.records))
    runway = await _runway(topic, metastore, view, restart, now_ms)
    measured = Measured(
        restart, Volume(records.records, volume.bytes), runway, at_most=not records.exact
    )
    return plan_partition(view, wanted, why, measured, end, missing)


async def _runway(
    topic: Topic, metastore: Metastore, view: PartitionView, restart: int, now_ms: int
) -> int | None:
    config = effective(topic.configs)
    if not config.deletes or config.retention_ms < 0:
        return None
    moment = await observe.moment_at(metastore, view.topic_no, view.partition, restart)
    if moment is None:
        return None
    return max(0, moment.max_timestamp + config.retention_ms - now_ms)


def _mean_bytes(partitions: Sequence[PlanPartition]) -> float | None:
    """Per offset, since offsets are what a group's pace is measured in."""
    offsets = sum(partition.end - partition.restart for partition in partitions)
    return sum(partition.volume.bytes for partition in partitions) / offsets if offsets else None


async def _rate(
    metastore: Metastore,
    group: str,
    given: int | None,
    bytes_each: float | None,
    now_ms: int,
    extents: ExtentReader | None,
) -> tuple[int, str]:
    if given is not None:
        return given, "given"
    records = await pace.catching_up(
        metastore, group, now_ms, None if extents is None else extents.append_times
    )
    if records is not None and bytes_each is not None:
        return max(
            1, round(records * bytes_each)
        ), "measured: the group's own pace when catching up"
    return DEFAULT_RATE, "default: the group was not seen catching up"
