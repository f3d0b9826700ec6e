"""Explain: where a group stood at an instant, how it got there, and what a restart there would do."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.metastore.api import Actor, Metastore, OffsetChange
from anabranch.recovery import observe
from anabranch.recovery.model import (
    NOTHING,
    PartitionView,
    SinkClass,
    SinkState,
    Verdict,
    VerdictKind,
    Volume,
    judge,
    positions_by_key,
    topic_id_text,
)


class Change(Struct, frozen=True):
    """One line of the offset history (I8). ``old``/``new`` None: no committed offset."""

    at_ms: int
    action: str
    old: int | None
    new: int | None
    metadata: str
    actor: Actor

    @classmethod
    def of(cls, change: OffsetChange) -> Change:
        return cls(
            change.at_ms, change.action, change.old, change.new, change.metadata, change.actor
        )

    @property
    def who(self) -> str:
        """The actor in one phrase: principal, client id, host."""
        actor = self.actor
        client = f"{actor.client_id}@{actor.host}" if actor.host else actor.client_id
        return " ".join(part for part in (actor.principal, client) if part) or "-"


class PartitionExplanation(Struct, frozen=True, kw_only=True):
    """One partition of the group at the instant.

    ``lag`` and ``lag_ms`` are what a restart at ``position`` has before it now: records and bytes
    to the log end, and the age of the record at the position (by append time).
    ``again`` are the records between ``position`` and what the group has committed since.
    """

    topic: str
    topic_id: str
    partition: int
    position: int | None
    change: Change
    committed_now: int | None
    log_start: int | None
    log_end: int | None
    lag: Volume
    lag_ms: int | None
    again: int
    event_ms: int | None
    sink_offset: int | None
    verdict: Verdict


class Explanation(Struct, frozen=True, kw_only=True):
    """All partitions; ``verdict`` is the worst of them."""

    group: str
    at_ms: int
    now_ms: int
    partitions: tuple[PartitionExplanation, ...]
    sink: str | None
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
    return Verdict(kind, sum(verdict.records for verdict in of_kind), reason)


def explain_partition(
    change: OffsetChange,
    topic_id: str,
    view: PartitionView | None,
    *,
    committed_now: int | None,
    effects: int | None,
    sink_class: SinkClass | None,
    lag: Volume,
    moment: observe.Moment | None,
    now_ms: int,
) -> PartitionExplanation:
    """Hold the position against the log, the group's present commit and the sink.

    Without a sink (``effects`` None) the group's own present commit says how far effects reach.
    """
    position = change.new
    if view is None:
        verdict = Verdict(VerdictKind.UNKNOWN, 0, "the topic is gone")
    elif sink_class is not None and sink_class.keeps_offsets and effects is None:
        verdict = Verdict(VerdictKind.UNKNOWN, 0, "the sink holds no offset of this partition")
    else:
        known = effects if effects is not None else committed_now
        verdict = judge(position, view.log_start, view.log_end, known, sink_class)
    again = 0
    if position is not None and committed_now is not None:
        again = max(0, committed_now - position)
    return PartitionExplanation(
        topic=change.topic,
        topic_id=topic_id,
        partition=change.partition,
        position=position,
        change=Change.of(change),
        committed_now=committed_now,
        log_start=view.log_start if view else None,
        log_end=view.log_end if view else None,
        lag=lag,
        lag_ms=max(0, now_ms - moment.appended_ms) if moment else (0 if view else None),
        again=again,
        event_ms=moment.max_timestamp if moment and moment.max_timestamp >= 0 else None,
        sink_offset=effects,
        verdict=verdict,
    )


async def explain(
    metastore: Metastore,
    group: str,
    *,
    at_ms: int,
    now_ms: int,
    sink: SinkState | None = None,
    topics: Sequence[str] | None = None,
    append_times: observe.AppendTimes | None = None,
) -> Explanation:
    """Explain ``group`` at ``at_ms``; see ``observe.moment_at`` for ``append_times``. Raises UserFault if it had committed nothing by then."""
    items = await observe.group_positions(metastore, group, at_ms, topics)
    if not items:
        raise UserFault(await _why_nothing(metastore, group, at_ms))
    live = {item.topic.no: item.topic for item in items if item.topic is not None}
    views = await observe.partition_views(metastore, list(live.values()))
    by_number = {(view.topic_no, view.partition): view for view in views}
    committed = {(c.topic_no, c.partition): c.offset for c in await metastore.committed(group)}
    effects = positions_by_key(sink.positions) if sink else {}
    partitions = []
    for item in items:
        change = item.change
        number = (change.topic_no, change.partition)
        view = by_number.get(number)
        topic_id = topic_id_text(item.topic.id) if item.topic else ""
        lag, moment = NOTHING, None
        if view is not None and change.new is not None:
            start = max(change.new, view.log_start)
            lag = await observe.volume(metastore, *number, start, view.log_end)
            if start < view.log_end:
                moment = await observe.moment_at(metastore, *number, start, append_times)
        effect = effects.get((topic_id, change.partition))
        partitions.append(
            explain_partition(
                change,
                topic_id,
                view,
                committed_now=committed.get(number),
                effects=effect.offset if effect else None,
                sink_class=sink.sink_class if sink else None,
                lag=lag,
                moment=moment,
                now_ms=now_ms,
            )
        )
    return Explanation(
        group=group,
        at_ms=at_ms,
        now_ms=now_ms,
        partitions=tuple(partitions),
        sink=sink.name if sink else None,
        verdict=worst([partition.verdict for partition in partitions]),
    )


async def _why_nothing(metastore: Metastore, group: str, at_ms: int) -> str:
    oldest = await metastore.offset_history(group, limit=1, newest_first=False)
    if oldest:
        from anabranch.recovery.times import time_text

        return (
            f"group “{group}” had committed nothing at {time_text(at_ms)}: "
            f"its history begins at {time_text(oldest[0].at_ms)}"
        )
    return f"group “{group}” has never committed an offset; `anabranch group list` shows who has"
