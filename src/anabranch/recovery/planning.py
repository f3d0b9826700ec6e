"""The shell around ``plan``: reads the log, the history and the points, stores the document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from anabranch.errors import UserFault
from anabranch.log.config import effective
from anabranch.metastore.api import Metastore, OffsetAction, OffsetChange, Topic
from anabranch.recovery import observe, points
from anabranch.recovery.model import (
    PartitionView,
    Position,
    RecoveryPoint,
    SinkState,
    topic_id_text,
)
from anabranch.recovery.plan import (
    DEFAULT_RATE,
    KIND,
    Basis,
    Incident,
    Measured,
    Plan,
    PlanPartition,
    check_hash,
    make_plan,
    plan_partition,
    wanted_restarts,
)
from anabranch.recovery.times import time_text

PACE_WINDOW_MS = 1000  # commits are summed per second
PACE_HISTORY = 5000  # newest lines looked at


async def plan_recovery(
    metastore: Metastore,
    *,
    group: str,
    now_ms: int,
    creator: str,
    description: str = "",
    since_ms: int | None = None,
    point: RecoveryPoint | None = None,
    from_start: bool = False,
    topics: Sequence[str] | None = None,
    rate: int | None = None,
    sinks: Sequence[SinkState] = (),
) -> Plan:
    """Plan the recovery of ``group`` and store the plan.

    The restart comes from ``point``; or from the newest point of the group taken at or before
    ``since_ms``; or, if there is none, from what the group had committed then; or, with
    ``from_start``, from the oldest record retained. ``sinks`` are the group's sinks as they stand.
    Raises UserFault if nothing tells where to start.
    """
    problems: list[str] = []
    positions: list[Position] = []
    if from_start:
        basis = Basis.LOG_START
        point = None
    else:
        if point is None and since_ms is None:
            raise UserFault("say where the damage begins: --point ID, --since TIME or --from-start")
        if point is None:
            assert since_ms is not None
            point = await _point_before(metastore, group, since_ms)
        if point is not None:
            basis, positions = Basis.POINT, list(point.positions)
            problems += await _point_problems(metastore, point)
        else:
            assert since_ms is not None
            basis, positions = Basis.HISTORY, await _history(metastore, group, since_ms, topics)
            problems.append(
                f"no recovery point of “{group}” at or before {time_text(since_ms)}: the offsets are "
                "what the group had committed then, but no state is captured with them; restore the "
                "state of that time yourself, or plan with --from-start"
            )
    scope = await _scope(metastore, group, positions, topics)
    names = {topic.name for topic in scope}
    positions = [position for position in positions if position.topic in names]
    views = await observe.partition_views(metastore, scope)
    restored = point.sinks if point is not None else ()
    wanted = wanted_restarts(views, positions, restored, basis)
    partitions = [await _plan_one(metastore, view, *wanted[view.key], now_ms) for view in views]
    problems += await _damage(metastore, scope, partitions)
    bytes_each = _mean_bytes(partitions)
    rate, rate_source = await _rate(metastore, group, rate, bytes_each, now_ms)
    plan = make_plan(
        cluster_id=topic_id_text(metastore.cluster_id),
        created_ms=now_ms,
        creator=creator,
        incident=Incident(
            description=description,
            group=group,
            topics=tuple(topic.name for topic in scope),
            basis=basis,
            since_ms=since_ms,
            point=point.id if point else None,
        ),
        checkpoint=point.checkpoint if point else None,
        partitions=partitions,
        rate=rate,
        rate_source=rate_source,
        sinks=sinks,
        restored_sinks=restored,
        groups=await observe.groups_on(metastore, scope),
        problems=problems,
    )
    await metastore.put_document(KIND, plan.id, msgspec.json.encode(plan), now_ms)
    return plan


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


def pace(changes: Sequence[OffsetChange]) -> float | None:
    """The records per second at which a group moved when it was busy; None if it never was.

    Commits are summed per second; the upper quartile of the busy seconds stands for catching up.
    """
    per_window: dict[int, int] = {}
    for change in changes:
        if (
            change.action is OffsetAction.COMMIT
            and change.old is not None
            and change.new is not None
        ):
            window = change.at_ms // PACE_WINDOW_MS
            per_window[window] = per_window.get(window, 0) + max(0, change.new - change.old)
    busy = sorted(records for records in per_window.values() if records)
    if not busy:
        return None
    return busy[(len(busy) - 1) * 3 // 4] * 1000 / PACE_WINDOW_MS


async def _point_before(metastore: Metastore, group: str, since_ms: int) -> RecoveryPoint | None:
    candidates = [
        point
        for point in await points.stored(metastore)
        if point.group == group and point.at_ms <= since_ms
    ]
    return max(candidates, key=lambda point: point.at_ms, default=None)


async def _point_problems(metastore: Metastore, point: RecoveryPoint) -> list[str]:
    views = await points.views_of(metastore, point)
    found = [
        f"{finding.topic}:{finding.partition}: {finding.text}" if finding.topic else finding.text
        for finding in points.examine(point, views)
    ]
    if point.checkpoint is not None:
        sentence = points.examine_checkpoint(point.checkpoint)
        if sentence:
            found.append(sentence)
    return found


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


async def _history(
    metastore: Metastore, group: str, since_ms: int, topics: Sequence[str] | None
) -> list[Position]:
    positions = [
        Position(
            item.topic.name, topic_id_text(item.topic.id), item.change.partition, item.change.new
        )
        for item in await observe.group_positions(metastore, group, since_ms, topics)
        if item.topic is not None and item.change.new is not None
    ]
    if not positions:
        raise UserFault(
            f"group “{group}” had committed nothing at {time_text(since_ms)}; "
            "plan with --from-start to rebuild from the oldest record"
        )
    return positions


async def _scope(
    metastore: Metastore, group: str, positions: Sequence[Position], topics: Sequence[str] | None
) -> list[Topic]:
    if topics:
        return await observe.topics_named(metastore, topics)
    names = dict.fromkeys(position.topic for position in positions)
    if not names:
        committed = await observe.committed_positions(metastore, group)
        names = dict.fromkeys(position.topic for position in committed)
    if not names:
        raise UserFault(f"group “{group}” has no committed offsets: name the --topic to replay")
    return await observe.topics_named(metastore, names)


async def _plan_one(
    metastore: Metastore, view: PartitionView, wanted: int, why: str, now_ms: int
) -> PlanPartition:
    restart = max(wanted, view.log_start)
    volume = await observe.volume(metastore, view.topic_no, view.partition, restart, view.log_end)
    measured = Measured(restart, volume, await _runway(metastore, view, restart, now_ms))
    return plan_partition(view, wanted, why, measured, view.log_end)


async def _runway(
    metastore: Metastore, view: PartitionView, restart: int, now_ms: int
) -> int | None:
    topic = await metastore.topic_by_no(view.topic_no)
    assert topic is not None, "a viewed topic has a row"
    config = effective(topic.configs)
    if not config.deletes or config.retention_ms < 0:
        return None
    moment = await observe.moment_at(metastore, view.topic_no, view.partition, restart)
    if moment is None:
        return None
    return max(0, moment.max_timestamp + config.retention_ms - now_ms)


def _mean_bytes(partitions: Sequence[PlanPartition]) -> float | None:
    records = sum(partition.volume.records for partition in partitions)
    return sum(partition.volume.bytes for partition in partitions) / records if records else None


async def _rate(
    metastore: Metastore, group: str, given: int | None, bytes_each: float | None, now_ms: int
) -> tuple[int, str]:
    if given is not None:
        return given, "given"
    history = await metastore.offset_history(group, until_ms=now_ms, limit=PACE_HISTORY)
    records = pace(history)
    if records is not None and bytes_each is not None:
        return max(
            1, round(records * bytes_each)
        ), "measured: the group's own pace when catching up"
    return DEFAULT_RATE, "default: nothing measured yet"
