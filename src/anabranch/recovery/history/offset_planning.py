"""The shell around ``offset_plan``: looks at group and log, stores plans, approves, applies and undoes them.

A plan is applied in one transaction with its own record: once, and only if fence and positions of the group are
those of the preview. Approving is for others than the planner; that is a guard rail among people who may open the
metastore, not a wall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct, structs

from anabranch.errors import UserFault
from anabranch.log.counting import RecordCounter
from anabranch.log.extents import ExtentReader
from anabranch.metastore.api import Committed, DocumentChange, Metastore, OffsetMove, Topic
from anabranch.recovery import observe
from anabranch.recovery.history import readers
from anabranch.recovery.history.offset_moves import Parked, move, parked
from anabranch.recovery.history.offset_plan import (
    KIND,
    NO_SPAN,
    Aim,
    Approval,
    Decision,
    OffsetPlan,
    Record,
    Span,
    Step,
    Wish,
    beyond_text,
    check_hash,
    decide,
    make_plan,
)
from anabranch.recovery.model import (
    PartitionView,
    RecoveryPoint,
    Volume,
    positions_by_key,
    topic_id_text,
)
from anabranch.recovery.promises import classes as topic_classes
from anabranch.recovery.times import time_text

READERS_WITHIN_MS = 600_000  # who fetched since, without a group, is told that nothing moves him
Place = tuple[str, int]


class OffsetAt(Protocol):
    """Answers which offset is the first of a timestamp: (offset, its timestamp); None if no record is so new."""

    async def __call__(
        self, topic: Topic, partition: int, at_ms: int, /
    ) -> tuple[int, int] | None: ...


class Want(Struct, frozen=True, kw_only=True):
    """What was asked for. ``at_ms`` for an instant, ``number`` for an offset or a shift, ``given`` for a file.

    ``topics``: the partitions of each (none: all). None at all: those that the group has committed.
    """

    aim: Aim
    argument: str = ""
    at_ms: int | None = None
    number: int | None = None
    given: tuple[tuple[str, int, int], ...] = ()
    point: RecoveryPoint | None = None
    topics: Mapping[str, Sequence[int]] | None = None
    clamp: bool = False
    allow_end: bool = False


async def plan(
    metastore: Metastore,
    group: str,
    want: Want,
    *,
    creator: str,
    now_ms: int,
    reason: str = "",
    ticket: str = "",
    offset_at: OffsetAt,
    append_times: observe.AppendTimes | None = None,
    extents: ExtentReader | None = None,
) -> OffsetPlan:
    """Plan what is wanted, and store the plan. ``extents`` reads the log, to count records; without it every
    offset counts as one. Raises UserFault if the group has members, or if any partition would go
    anywhere that was not asked for."""
    seen = await parked(metastore, group)
    committed = {(one.topic_no, one.partition): one for one in await metastore.committed(group)}
    places = await _places(metastore, group, want, committed)
    live = {topic.name: topic for topic in await metastore.topics()}
    topics = [live[name] for name in dict.fromkeys(name for name, _ in places)]
    views = {
        (view.topic, view.partition): view
        for view in await observe.partition_views(metastore, topics)
    }
    wishes = [
        await _wish(
            want,
            live[place[0]],
            views[place],
            committed.get((live[place[0]].no, place[1])),
            offset_at,
        )
        for place in places
    ]
    decisions = decide(wishes, clamp=want.clamp, allow_end=want.allow_end)
    counter = None if extents is None else RecordCounter(metastore, extents)
    steps = [
        await _step(
            metastore, views[one.wish.topic, one.wish.partition], one, append_times, counter
        )
        for one in decisions
    ]
    known = await topic_classes.load(metastore)
    owners = {
        one.name: one
        for topic in topics
        if (one := topic_classes.class_of(known, topic.name)) is not None
    }
    unseen = await readers.unseen_on(metastore, topics, now_ms=now_ms, within_ms=READERS_WITHIN_MS)
    made = make_plan(
        cluster_id=topic_id_text(metastore.cluster_id),
        created_ms=now_ms,
        creator=creator,
        group=group,
        generation=seen.generation,
        fence=seen.fence,
        aim=want.aim,
        argument=want.argument,
        reason=reason,
        ticket=ticket,
        steps=steps,
        approvals=max((one.approvals for one in owners.values()), default=0),
        classes=sorted(owners),
        bystanders=[
            f"{one.client_id}@{one.host} reads {one.topic}:{one.partition} at {one.offset}"
            for one in unseen
        ],
    )
    body = msgspec.json.encode(Record(plan=made))
    await metastore.put_document(KIND, made.id, body, now_ms, create=True)
    return made


async def find(metastore: Metastore, id_or_file: str) -> tuple[Record, bytes]:
    """A stored plan by id, or by the file that it was written to; with its document's body.

    Raises UserFault if it was edited, or was made elsewhere.
    """
    name = id_or_file
    path = Path(id_or_file)
    document = await metastore.document(KIND, name)
    filed: OffsetPlan | None = None
    if document is None and path.is_file():
        try:
            filed = msgspec.json.decode(path.read_bytes(), type=OffsetPlan)
        except msgspec.MsgspecError as error:
            raise UserFault(f"{path} is not a plan of offsets: {error}") from None
        document = await metastore.document(KIND, filed.id)
    if document is None:
        raise UserFault(
            f"there is no plan of offsets “{id_or_file}” here; `anabranch offsets list` shows what there is"
        )
    record = msgspec.json.decode(document.body, type=Record)
    for one in (record.plan, *([filed] if filed is not None else ())):
        if not check_hash(one) or one.hash != record.plan.hash:
            raise UserFault(
                f"plan {one.id} was changed after it was made (its hash differs); make a new one"
            )
    return record, document.body


async def stored(metastore: Metastore) -> list[Record]:
    """Every plan of offsets, oldest first."""
    return [msgspec.json.decode(one.body, type=Record) for one in await metastore.documents(KIND)]


async def approve(
    metastore: Metastore, id_or_file: str, *, who: str, now_ms: int, note: str = ""
) -> Record:
    """Say that ``who`` looked at the plan. Raises UserFault for its planner, and for who did already."""
    record, body = await find(metastore, id_or_file)
    plan_ = record.plan
    if who == plan_.creator:
        raise UserFault(f"{who} made plan {plan_.id}: somebody else has to approve it")
    if any(one.who == who for one in record.approvals):
        raise UserFault(f"{who} has approved plan {plan_.id} already")
    if record.applied_ms is not None:
        raise UserFault(f"plan {plan_.id} was applied already")
    given = Approval(who, now_ms, plan_.hash, note)
    after = structs.replace(record, approvals=(*record.approvals, given))
    if not await metastore.replace_document(
        KIND, plan_.id, msgspec.json.encode(after), now_ms, expected=body
    ):
        raise UserFault(f"plan {plan_.id} was changed meanwhile: look at it again")
    return after


async def apply(metastore: Metastore, id_or_file: str, *, who: str, now_ms: int) -> Record:
    """Move the group as planned, in one transaction. Raises UserFault, with nothing changed, if it is not approved, was
    applied already, or if anything is not as it was when it was planned."""
    record, body = await find(metastore, id_or_file)
    plan_ = record.plan
    if record.applied_ms is not None:
        raise UserFault(f"plan {plan_.id} was applied at {time_text(record.applied_ms)} already")
    await _require_approvals(metastore, record)
    if plan_.cluster_id != topic_id_text(metastore.cluster_id):
        raise UserFault(f"plan {plan_.id} was made for another cluster ({plan_.cluster_id})")
    seen = await parked(metastore, plan_.group)
    if (seen.fence, seen.generation) != (plan_.fence, plan_.generation):
        raise UserFault(
            f"group “{plan_.group}” had members since plan {plan_.id} was made: plan anew"
        )
    numbers = await _numbers(metastore, plan_)
    for step in plan_.steps:
        state = await metastore.partition(numbers[step.topic_id], step.partition)
        if state is None or not state.log_start <= step.target <= state.next_offset:
            raise UserFault(
                f"{step.topic}:{step.partition}: {step.target:,} is not in the log any more: plan anew"
            )
    after = structs.replace(record, applied_ms=now_ms, applied_by=who)
    moves = [
        OffsetMove(numbers[step.topic_id], step.partition, step.now, step.target, -1, "")
        for step in plan_.steps
    ]
    why = _why(plan_)
    await _move(metastore, seen, moves, record, after, body, "offsets apply", why, who, now_ms)
    return after


async def undo(metastore: Metastore, id_or_file: str, *, who: str, now_ms: int) -> Record:
    """Bring the group back to where the plan found it. Raises UserFault, with nothing changed, if it was not applied, was
    undone already, or if the group has moved since or has members."""
    record, body = await find(metastore, id_or_file)
    plan_ = record.plan
    if record.applied_ms is None:
        raise UserFault(f"plan {plan_.id} was not applied: there is nothing to undo")
    if record.undone_ms is not None:
        raise UserFault(f"plan {plan_.id} was undone at {time_text(record.undone_ms)} already")
    seen = await parked(metastore, plan_.group)
    numbers = await _numbers(metastore, plan_)
    after = structs.replace(record, undone_ms=now_ms, undone_by=who)
    moves = [
        OffsetMove(numbers[step.topic_id], step.partition, step.target, step.now, -1, step.metadata)
        for step in plan_.steps
    ]
    why = f"undo of {_why(plan_)}"
    await _move(metastore, seen, moves, record, after, body, "offsets undo", why, who, now_ms)
    return after


async def _move(
    metastore: Metastore,
    seen: Parked,
    moves: Sequence[OffsetMove],
    before: Record,
    after: Record,
    body: bytes,
    api: str,
    why: str,
    who: str,
    now_ms: int,
) -> None:
    assert before.plan == after.plan
    change = DocumentChange(KIND, after.plan.id, msgspec.json.encode(after), body)
    await move(metastore, seen, moves, who=who, api=api, reason=why, now_ms=now_ms, document=change)


def _why(plan_: OffsetPlan) -> str:
    parts = (plan_.id, plan_.reason, f"[{plan_.ticket}]" if plan_.ticket else "")
    return " ".join(part for part in parts if part)


async def _require_approvals(metastore: Metastore, record: Record) -> None:
    """As many as the plan says, or as the classes say by now, if that is more."""
    plan_ = record.plan
    needed = plan_.approvals
    known = await topic_classes.load(metastore)
    for name in dict.fromkeys(step.topic for step in plan_.steps):
        one = topic_classes.class_of(known, name)
        needed = max(needed, one.approvals if one is not None else 0)
    given = {one.who for one in record.approvals if one.hash == plan_.hash} - {plan_.creator}
    if len(given) < needed:
        raise UserFault(
            f"plan {plan_.id} needs {needed} approval{'s' * (needed > 1)} and has {len(given)}: somebody other than "
            f"{plan_.creator} runs `anabranch offsets approve {plan_.id}`"
        )


async def _numbers(metastore: Metastore, plan_: OffsetPlan) -> dict[str, int]:
    """Topic numbers by topic id. Raises UserFault for a topic that is not there any more."""
    live = {topic_id_text(topic.id): topic.no for topic in await metastore.topics()}
    for step in plan_.steps:
        if step.topic_id not in live:
            raise UserFault(
                f"topic “{step.topic}” was deleted or recreated since plan {plan_.id} was made"
            )
    return live


async def _places(
    metastore: Metastore,
    group: str,
    want: Want,
    committed: Mapping[tuple[int, int], Committed],
) -> list[Place]:
    """The partitions that are meant, in order. Raises UserFault if there are none, or one is not there."""
    topics = {topic.no: topic for topic in await metastore.topics()}
    names = {topic.name: topic for topic in topics.values()}
    if want.aim is Aim.FILE:
        places = [(topic, partition) for topic, partition, _ in want.given]
    elif want.aim is Aim.POINT:
        assert want.point is not None
        places = [(taken.topic, taken.partition) for taken in want.point.positions]
    elif want.topics:
        places = []
        for name, partitions in want.topics.items():
            if name not in names:
                await observe.topics_named(metastore, [name])
            places += [(name, one) for one in partitions or range(names[name].partitions)]
    else:
        places = [
            (topics[topic_no].name, partition)
            for topic_no, partition in committed
            if topic_no in topics
        ]
    if want.topics and want.aim in (Aim.FILE, Aim.POINT):
        chosen = want.topics
        places = [
            (name, one)
            for name, one in places
            if name in chosen and (not chosen[name] or one in chosen[name])
        ]
    for name, partition in places:
        if name not in names:
            await observe.topics_named(metastore, [name])
        if partition >= names[name].partitions:
            raise UserFault(f"topic “{name}” has no partition {partition}")
    if not places:
        raise UserFault(
            f"group “{group}” has committed nothing: say which topics are meant with --topic"
        )
    return sorted(places)


async def _wish(
    want: Want,
    topic: Topic,
    view: PartitionView,
    committed: Committed | None,
    offset_at: OffsetAt,
) -> Wish:
    now = committed.offset if committed is not None else None
    wish = Wish(
        topic=view.topic,
        topic_id=view.topic_id,
        partition=view.partition,
        now=now,
        metadata=committed.metadata if committed is not None else "",
        log_start=view.log_start,
        log_end=view.log_end,
        leader_epoch=view.leader_epoch,
        offset=None,
    )
    match want.aim:
        case Aim.EARLIEST:
            return structs.replace(wish, offset=view.log_start)
        case Aim.LATEST:
            return structs.replace(wish, offset=view.log_end)
        case Aim.OFFSET:
            return structs.replace(wish, offset=want.number)
        case Aim.SHIFT:
            assert want.number is not None
            if now is None:
                return structs.replace(wish, why="there is no committed offset to shift")
            return structs.replace(wish, offset=now + want.number)
        case Aim.FILE:
            given = {(name, partition): offset for name, partition, offset in want.given}
            return structs.replace(wish, offset=given[view.topic, view.partition])
        case Aim.POINT:
            assert want.point is not None
            taken = positions_by_key(want.point.positions).get(view.key)
            if taken is None:
                return structs.replace(
                    wish, why="the topic was recreated since the point was taken"
                )
            return structs.replace(wish, offset=taken.offset)
        case Aim.DATETIME | Aim.DURATION:
            assert want.at_ms is not None
            found = await offset_at(topic, view.partition, want.at_ms)
            if found is None:
                return structs.replace(wish, beyond=True, why=beyond_text(want.at_ms))
            offset, stamp = found
            # Nothing tells of what time the records were that the log lost before its first one.
            gone = offset <= view.log_start and view.log_start > 0 and stamp > want.at_ms
            return structs.replace(
                wish,
                offset=offset,
                before=gone,
                why=f"the log no longer reaches back to {time_text(want.at_ms)}: its oldest record is "
                f"of {time_text(stamp)}"
                if gone
                else "",
            )


async def _step(
    metastore: Metastore,
    view: PartitionView,
    decision: Decision,
    append_times: observe.AppendTimes | None,
    counter: RecordCounter | None,
) -> Step:
    wish, target = decision.wish, decision.target
    skipped = replayed = NO_SPAN
    if wish.now is not None and wish.now < target:
        skipped = await _span(metastore, view, wish.now, target, append_times, counter)
    elif wish.now is not None and wish.now > target:
        end = min(wish.now, view.log_end)
        replayed = await _span(metastore, view, target, end, append_times, counter)
    return Step(
        topic=wish.topic,
        topic_id=wish.topic_id,
        partition=wish.partition,
        now=wish.now,
        metadata=wish.metadata,
        target=target,
        log_start=wish.log_start,
        log_end=wish.log_end,
        leader_epoch=wish.leader_epoch,
        skipped=skipped,
        replayed=replayed,
        told=decision.told,
    )


async def _span(
    metastore: Metastore,
    view: PartitionView,
    start: int,
    end: int,
    append_times: observe.AppendTimes | None,
    counter: RecordCounter | None,
) -> Span:
    start = max(start, view.log_start)
    if start >= end:
        return NO_SPAN
    number = (view.topic_no, view.partition)
    volume = await observe.volume(metastore, *number, start, end)
    exact = True
    if counter is not None:
        records, exact = (await counter.upto(*number, start, [end]))[end]
        volume = Volume(records, volume.bytes)
    first = await observe.moment_at(metastore, *number, start, append_times)
    last = await observe.moment_at(metastore, *number, end - 1, append_times)
    return Span(
        volume,
        first.appended_ms if first is not None else None,
        last.appended_ms if last is not None else None,
        not exact,
    )
