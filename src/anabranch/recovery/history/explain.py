"""Explain: where a group stood at an instant, how it got there, and what a restart there would do.

Four accounts of one thing are held against each other: what the group committed, how far each sink's
effects reach, where each recovery point (another engine's checkpoint) begins, and what the log still holds.

Positions are offsets; what lies between them is counted in records, as a reader of committed transactions gets them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, structs

from anabranch.errors import UserFault
from anabranch.log.counting import RecordCounter
from anabranch.log.counts import Count
from anabranch.log.epochs import end_of_epoch
from anabranch.log.extents import ExtentReader
from anabranch.metastore.api import (
    Actor,
    Committed,
    LeaderEpoch,
    Metastore,
    OffsetChange,
    Topic,
)
from anabranch.recovery import observe
from anabranch.recovery.model import (
    NOTHING,
    Between,
    PartitionView,
    Position,
    RecoveryPoint,
    SinkClass,
    SinkState,
    Verdict,
    VerdictKind,
    Volume,
    at_most,
    judge,
    offsets_between,
    positions_by_key,
    topic_id_text,
)
from anabranch.recovery.plans.missing import truncated
from anabranch.recovery.times import time_text


class Change(Struct, frozen=True):
    """One line of the offset history (I8). ``old``/``new`` None: no committed offset."""

    at_ms: int
    action: str
    old: int | None
    new: int | None
    metadata: str
    actor: Actor
    id: str = ""

    @classmethod
    def of(cls, change: OffsetChange) -> Change:
        return cls(
            change.at_ms,
            change.action,
            change.old,
            change.new,
            change.metadata,
            change.actor,
            change_id(change),
        )

    @property
    def who(self) -> str:
        """The actor in one phrase: principal, client id, host."""
        actor = self.actor
        client = f"{actor.client_id}@{actor.host}" if actor.host else actor.client_id
        return " ".join(part for part in (actor.principal, client) if part) or "-"


def change_id(change: OffsetChange) -> str:
    """What names one line of a group's history: its time and sequence number."""
    return f"{change.at_ms}-{change.seq}"


class Check(Struct, frozen=True):
    """One account held against another: ``of`` (``group`` or ``point NAME``) by ``by`` (``sink NAME``,
    ``group`` or ``log``). ``offset`` is what ``by`` says; None: it says nothing."""

    of: str
    by: str
    offset: int | None
    verdict: Verdict


class PartitionExplanation(Struct, frozen=True, kw_only=True):
    """One partition of the group at the instant.

    What a restart at ``position`` has before it now: ``lag`` records and bytes to the log end (``lag_at_most``: or
    fewer records), which are ``lag_offsets`` offsets; the record at the position was appended ``lag_ms`` ago (0: there is none), and ``behind_ms`` before the log's last one; its own timestamp is
    ``event_ms``. None: there is no such record, or nothing tells. ``again`` are the retained records
    between ``position`` and what the group has committed since (``again_at_most``: or fewer). ``cut``: the line that the position was committed in ended there, and
    consumers are sent back to it.
    ``change`` None: the group has no history here, a point alone names the partition.
    """

    topic: str
    topic_id: str
    partition: int
    position: int | None
    change: Change | None
    committed_now: int | None
    log_start: int | None
    log_end: int | None
    lag: Volume
    lag_ms: int | None
    behind_ms: int | None
    again: int
    event_ms: int | None
    cut: int | None
    checks: tuple[Check, ...]
    verdict: Verdict
    lag_offsets: int = 0
    lag_at_most: bool = False
    again_at_most: bool = False


class Explanation(Struct, frozen=True, kw_only=True):
    """All partitions; ``verdict`` is the worst of them, ``points`` that of each recovery point."""

    group: str
    at_ms: int
    now_ms: int
    partitions: tuple[PartitionExplanation, ...]
    sinks: tuple[str, ...]
    points: dict[str, Verdict]
    verdict: Verdict


_SEVERITY = (VerdictKind.SAFE, VerdictKind.DUPLICATES, VerdictKind.UNKNOWN, VerdictKind.LOSES)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The most severe kind with its records summed; safe if there are none."""
    if not verdicts:
        return Verdict(VerdictKind.SAFE, 0, "nothing to restart")
    kind = max((verdict.kind for verdict in verdicts), key=_SEVERITY.index)
    of_kind = [verdict for verdict in verdicts if verdict.kind is kind]
    reasons = list(dict.fromkeys(verdict.reason for verdict in of_kind))
    reason = reasons[0] if len(reasons) == 1 else f"{reasons[0]} (and {len(reasons) - 1} more)"
    return Verdict(
        kind,
        sum(verdict.records for verdict in of_kind),
        reason,
        any(verdict.at_most for verdict in of_kind),
    )


def check_against(
    of: str,
    position: int | None,
    view: PartitionView,
    effects: Mapping[str, tuple[SinkClass, int | None]],
    committed_now: int | None,
    between: Between = offsets_between,
) -> list[Check]:
    """Hold ``position`` against what each sink says (by name: class, next offset).

    How far the effects of a sink reach that keeps no offsets, nothing tells better than what the group committed.
    """
    found = []
    for name, (sink_class, reached) in effects.items():
        if sink_class.keeps_offsets and reached is None:
            verdict = Verdict(VerdictKind.UNKNOWN, 0, "the sink holds no offset of this partition")
        else:
            known = reached if reached is not None else committed_now
            verdict = judge(position, view.log_start, view.log_end, known, sink_class, between)
        found.append(Check(of, f"sink {name}", reached, verdict))
    return found


def cut_of(committed: Committed, epochs: Sequence[LeaderEpoch], log_end: int) -> int | None:
    """Where the line that an offset was committed in was cut below it, by a promotion or a rebuild; None: it was not,
    or nothing tells. Brokers answer OffsetFetch with it (KIP-320)."""
    if committed.leader_epoch < 0 or not epochs or committed.leader_epoch >= epochs[-1].epoch:
        return None
    epoch, end = end_of_epoch(epochs, log_end, committed.leader_epoch)
    if epoch < 0:
        end = epochs[0].start_offset
    return end if end < committed.offset else None


def check_point(
    point: RecoveryPoint,
    taken: Position | None,
    view: PartitionView,
    at: int | None,
    epochs: Sequence[LeaderEpoch],
    now_ms: int,
    between: Between = offsets_between,
) -> Check:
    """Can this partition be restarted from the point: does the log hold everything after it?

    The state that belongs to the point is restored with it, so what the group committed (``at``) is no
    measure of loss here; how far the two are apart is said.
    """
    of = f"point {point.name or point.id}"
    if taken is None:
        verdict = Verdict(VerdictKind.UNKNOWN, 0, "the point says nothing of this partition")
        return Check(of, "log", None, verdict)
    verdict = judge(taken.offset, view.log_start, view.log_end, None, None, between)
    cut = truncated(taken, view, list(epochs), now_ms)
    if cut and verdict.kind is VerdictKind.SAFE:
        verdict = Verdict(VerdictKind.UNKNOWN, cut[0].records, cut[0].detail)
    elif verdict.kind is VerdictKind.SAFE:
        if at is None:
            apart = "the group has no offset here"
        elif at == taken.offset:
            apart = "the group stands at the same offset"
        else:
            far = between(min(at, taken.offset), max(at, taken.offset))
            where = "after" if at > taken.offset else "before"
            apart = f"the group stands {at_most(far.records, not far.exact)} records {where} it"
        verdict = Verdict(VerdictKind.SAFE, 0, f"the log holds all that follows; {apart}")
    return Check(of, "log", taken.offset, verdict)


class _Facts(Struct, frozen=True):
    """What is known of one partition before it is judged."""

    view: PartitionView | None = None
    committed_now: int | None = None
    lag: Volume = NOTHING
    moment: observe.Moment | None = None
    end_ms: int | None = None
    cut: int | None = None
    epochs: tuple[LeaderEpoch, ...] = ()
    lag_offsets: int = 0
    lag_at_most: bool = False
    between: Between = offsets_between

    @property
    def nothing_left(self) -> bool:
        """Whether what lies before the position is known to hold no record."""
        return self.lag.records == 0 and not self.lag_at_most


def explain_partition(
    topic: str,
    topic_id: str,
    partition: int,
    change: OffsetChange | None,
    facts: _Facts,
    *,
    sinks: Sequence[SinkState],
    points: Sequence[RecoveryPoint],
    now_ms: int,
) -> PartitionExplanation:
    """Hold the accounts against each other.

    Without a sink the group's own present commit says how far effects reach. A group that has committed
    nothing, as jobs whose checkpoints hold their offsets, is as safe as its points are.
    """
    view, committed_now, moment = facts.view, facts.committed_now, facts.moment
    position = change.new if change is not None else None
    key = (topic_id, partition)
    checks: list[Check] = []
    if view is None:
        verdict = Verdict(VerdictKind.UNKNOWN, 0, "the topic is gone")
    else:
        effects: dict[str, tuple[SinkClass, int | None]] = {}
        for sink in sinks:
            reached = positions_by_key(sink.positions).get(key)
            effects[sink.name] = (sink.sink_class, reached.offset if reached else None)
        if effects:
            mine = check_against("group", position, view, effects, committed_now, facts.between)
        else:
            own = judge(position, view.log_start, view.log_end, committed_now, None, facts.between)
            mine = [Check("group", "group", committed_now, own)]
        if facts.cut is not None and position is not None:
            mine.append(
                Check(
                    "group",
                    "log",
                    facts.cut,
                    Verdict(
                        VerdictKind.UNKNOWN,
                        position - facts.cut,
                        f"the line that it was read from was cut at {facts.cut:,}: consumers are sent back there, and "
                        "what was done behind it came of other records",
                        at_most=True,
                    ),
                )
            )
        theirs: list[Check] = []
        for point in points:
            taken = positions_by_key(point.positions).get(key)
            against = check_point(point, taken, view, position, facts.epochs, now_ms, facts.between)
            theirs.append(against)
            if taken is not None and effects:
                theirs += check_against(
                    against.of, taken.offset, view, effects, committed_now, facts.between
                )
        checks = [*mine, *theirs]
        verdict = worst([one.verdict for one in mine])
        if position is None and points:
            verdict = worst([one.verdict for one in theirs if one.by == "log"])
            verdict = structs.replace(verdict, reason=f"no committed offset; {verdict.reason}")
    again = Count(0)
    if position is not None and committed_now is not None and view is not None:
        again = facts.between(
            max(position, view.log_start), max(view.log_start, min(committed_now, view.log_end))
        )
    lag_ms = None
    if moment is not None and facts.nothing_left:
        lag_ms, moment = 0, None  # markers are nothing to wait for
    elif moment is not None:
        lag_ms = max(0, now_ms - moment.appended_ms)
    elif view is not None and position is not None:
        lag_ms = 0
    behind_ms = lag_ms if lag_ms == 0 else None
    if moment is not None and facts.end_ms is not None:
        behind_ms = max(0, facts.end_ms - moment.appended_ms)
    return PartitionExplanation(
        topic=topic,
        topic_id=topic_id,
        partition=partition,
        position=position,
        change=Change.of(change) if change is not None else None,
        committed_now=committed_now,
        log_start=view.log_start if view else None,
        log_end=view.log_end if view else None,
        lag=facts.lag,
        lag_ms=lag_ms,
        behind_ms=behind_ms,
        again=again.records,
        event_ms=moment.event_ms if moment is not None else None,
        cut=facts.cut,
        checks=tuple(checks),
        verdict=verdict,
        lag_offsets=facts.lag_offsets,
        lag_at_most=facts.lag_at_most,
        again_at_most=not again.exact,
    )


async def explain(
    metastore: Metastore,
    group: str,
    *,
    at_ms: int,
    now_ms: int,
    sinks: Sequence[SinkState] = (),
    points: Sequence[RecoveryPoint] = (),
    topics: Sequence[str] | None = None,
    append_times: observe.AppendTimes | None = None,
    record_time: observe.RecordTime | None = None,
    extents: ExtentReader | None = None,
    exact: bool = False,
) -> Explanation:
    """Explain ``group`` at ``at_ms``; see ``observe.moment_at`` for ``append_times`` and ``record_time``.

    ``extents`` reads the log, to count records: some of it, or with ``exact`` as much as a plan would. What was not
    counted is *at most* as many records as offsets. Without it every offset counts as a record.
    Raises UserFault if it had committed nothing by then and no point says where it is.
    """
    items = await observe.group_positions(metastore, group, at_ms, topics)
    if not items and not points:
        raise UserFault(await _why_nothing(metastore, group, at_ms))
    live = {topic_id_text(topic.id): topic for topic in await metastore.topics()}
    changes: dict[tuple[str, int], OffsetChange] = {}
    gone: list[OffsetChange] = []
    involved: dict[int, Topic] = {}
    for item in items:
        if item.topic is None:
            gone.append(item.change)
            continue
        involved[item.topic.no] = item.topic
        changes[topic_id_text(item.topic.id), item.change.partition] = item.change
    keys = set(changes)
    for point in points:
        for taken in point.positions:
            topic = live.get(taken.topic_id)
            if topic is not None and (topics is None or topic.name in topics):
                involved[topic.no] = topic
                keys.add(taken.key)
    views = {
        view.key: view for view in await observe.partition_views(metastore, list(involved.values()))
    }
    committed = {(c.topic_no, c.partition): c for c in await metastore.committed(group)}
    named: dict[tuple[str, int], list[int]] = {}
    for positions in (*(sink.positions for sink in sinks), *(one.positions for one in points)):
        for taken in positions:
            named.setdefault(taken.key, []).append(taken.offset)
    counter = observe.counter(metastore, extents, exact=exact)
    partitions = []
    for key in sorted(keys, key=lambda key: (live[key[0]].name, key[1])):
        topic = live[key[0]]
        number = (topic.no, key[1])
        change = changes.get(key)
        view = views.get(key)
        lag, moment, end_ms, cut = NOTHING, None, None, None
        epochs: list[LeaderEpoch] = []
        if view is not None and view.leader_epoch > 0:
            epochs = await metastore.leader_epochs(*number)
        now = committed.get(number)
        reached = now.offset if now is not None else None
        position = change.new if change is not None else None
        if view is not None and now is not None and now.offset == position:
            cut = cut_of(now, epochs, view.log_end)
        between: Between = offsets_between
        if view is not None and counter is not None:
            marks = (one for one in (position, reached, cut) if one is not None)
            between = await _counted(counter, view, [*named.get(key, ()), *marks])
        lag_offsets, lag_at_most = 0, False
        if view is not None and position is not None:
            start = max(position if cut is None else cut, view.log_start)
            lag = await observe.volume(metastore, *number, start, view.log_end)
            lag_offsets = max(0, view.log_end - start)
            if counter is not None:
                counted = between(start, view.log_end)
                lag, lag_at_most = Volume(counted.records, lag.bytes), not counted.exact
            if start < view.log_end:
                moment = await observe.moment_at(
                    metastore, *number, start, append_times, record_time
                )
                end = await observe.moment_at(metastore, *number, view.log_end - 1, append_times)
                end_ms = end.appended_ms if end is not None else None
        facts = _Facts(
            view,
            reached,
            lag,
            moment,
            end_ms,
            cut,
            tuple(epochs),
            lag_offsets,
            lag_at_most,
            between,
        )
        partitions.append(
            explain_partition(
                topic.name, *key, change, facts, sinks=sinks, points=points, now_ms=now_ms
            )
        )
    partitions += [
        explain_partition(
            one.topic, "", one.partition, one, _Facts(), sinks=(), points=(), now_ms=now_ms
        )
        for one in gone
    ]  # fmt: skip
    partitions.sort(key=lambda one: (one.topic, one.partition))
    return Explanation(
        group=group,
        at_ms=at_ms,
        now_ms=now_ms,
        partitions=tuple(partitions),
        sinks=tuple(sink.name for sink in sinks),
        points={
            point.name or point.id: _of_point(
                point, partitions, {view.topic_id for view in views.values()}
            )
            for point in points
        },
        verdict=worst([partition.verdict for partition in partitions]),
    )


async def _counted(counter: RecordCounter, view: PartitionView, marks: Iterable[int]) -> Between:
    """Records between any two of ``marks`` (clamped to what the log holds) and the log end."""
    low, high = view.log_start, view.log_end
    cuts = {high, *(min(high, max(low, mark)) for mark in marks)}
    tally = await counter.tally(view.topic_no, view.partition, cuts)
    return tally.between


def _of_point(
    point: RecoveryPoint, partitions: Sequence[PartitionExplanation], live: set[str]
) -> Verdict:
    of = f"point {point.name or point.id}"
    found = [
        check.verdict
        for one in partitions
        for check in one.checks
        if check.of == of and not (check.by == "log" and check.offset is None)
    ]
    lost = sorted({taken.topic for taken in point.positions if taken.topic_id not in live})
    found += [
        Verdict(VerdictKind.UNKNOWN, 0, f"topic {name} is gone, or was recreated since")
        for name in lost
    ]
    return worst(found)


async def _why_nothing(metastore: Metastore, group: str, at_ms: int) -> str:
    oldest = await metastore.offset_history(group, limit=1, newest_first=False)
    if oldest:
        return (
            f"group “{group}” had committed nothing at {time_text(at_ms)}: "
            f"its history begins at {time_text(oldest[0].at_ms)}"
        )
    return f"group “{group}” has never committed an offset; `anabranch group list` shows who has"
