"""Ranges of topics that are read straight from the bucket, and the session that records them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anabranch.errors import UserFault
from anabranch.log.log import Log
from anabranch.log.reader import SPLIT_BYTES, Split, Where, plan_splits
from anabranch.metastore.api import Topic
from anabranch.recovery import observe
from anabranch.recovery.capture import points
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.plans import planning
from anabranch.recovery.replays import sessions
from anabranch.recovery.replays.session import Session, Span, Status, ended, started
from anabranch.recovery.times import parse_time

START, END = "start", "end"


async def where_of(log: Log, topic: Topic, text: str | None, now_ms: int) -> Where:
    """A bound of a range: a TIME (of events), ``point:NAME`` (its positions of the topic), ``start`` or ``end``.

    Raises UserFault: no such point, or one of the topic before it was recreated.
    """
    if text in (None, START, END):
        return None
    assert text is not None
    kind, _, name = text.partition(":")
    if kind != "point":
        return parse_time(text, now_ms)
    point = await points.find(log.metastore, name)
    known = [position for position in point.positions if position.topic == topic.name]
    found = {p.partition: p.offset for p in known if p.topic_id == topic_id_text(topic.id)}
    if known and not found:
        raise UserFault(
            f"topic “{topic.name}” was recreated since recovery point {point.id}: its offsets are others"
        )
    if not found:
        raise UserFault(f"recovery point {point.id} has no positions of topic “{topic.name}”")
    return found


async def of_plan(log: Log, plan: str) -> dict[str, tuple[dict[int, int], dict[int, int]]]:
    """First and next offsets of a plan's topics. Raises UserFault, also for a topic that was recreated."""
    found = await planning.find(log.metastore, plan)
    ranges: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
    for part in found.partitions:
        topic = log.catalogue.topic(part.topic)
        if topic is None or topic_id_text(topic.id) != part.topic_id:
            raise UserFault(
                f"topic “{part.topic}” was recreated since plan {found.id} was made; make a new plan"
            )
        starts, ends = ranges.setdefault(part.topic, ({}, {}))
        starts[part.partition], ends[part.partition] = part.restart, part.end
    return ranges


async def splits_of(
    log: Log,
    names: Sequence[str],
    bounds: Mapping[str, tuple[Where, Where]],
    *,
    split_bytes: int = SPLIT_BYTES,
) -> dict[str, list[Split]]:
    """What is read of each topic. Raises UserFault for one that is missing, ClientFault for offsets that the log
    does not hold."""
    found = {}
    for name in names:
        topic = log.catalogue.topic(name)
        if topic is None:
            raise UserFault(
                f"there is no topic “{name}”; `anabranch topic list` shows what there is"
            )
        start, end = bounds.get(name, (None, None))
        partitions = sorted(start) if isinstance(start, Mapping) else None
        found[name] = await plan_splits(
            log, topic, start=start, end=end, partitions=partitions, split_bytes=split_bytes
        )
    return found


async def spans_of(log: Log, splits: Mapping[str, Sequence[Split]]) -> tuple[Span, ...]:
    """The offsets that splits cover, as a session has them."""
    spans = []
    for name, several in splits.items():
        topic = log.catalogue.topic(name)
        assert topic is not None
        covered: dict[int, tuple[int, int]] = {}
        for split in several:
            first, last = covered.get(split.partition, (split.start_offset, split.end_offset))
            covered[split.partition] = min(first, split.start_offset), max(last, split.end_offset)
        for partition, (first, last) in sorted(covered.items()):
            volume = await observe.volume(log.metastore, topic.no, partition, first, last)
            spans.append(Span(name, topic_id_text(topic.id), partition, first, last, volume.bytes))
    return tuple(spans)


async def record(
    log: Log,
    *,
    kind: str,
    command: Sequence[str],
    spans: tuple[Span, ...],
    token: str,
    now_ms: int,
    creator: str,
) -> Session:
    """A running session without branches or rate: evidence of what is read. It has no group either; its
    name stands for one."""
    from anabranch.recovery.replays.replay import session_id

    identity = session_id(now_ms, token)
    session = Session(
        id=identity,
        plan="",
        plan_hash="",
        cluster_id=topic_id_text(log.metastore.cluster_id),
        live_group="",
        group=f"replay.{identity}",
        branches=(),
        spans=spans,
        rate=0,
        command=tuple(command),
        bootstrap="",
        sink=None,
        creator=creator,
        created_ms=now_ms,
        status=Status.PREPARED,
        kind=kind,
    )
    session = started(session, now_ms)
    await sessions.save(log.metastore, session, now_ms)
    return session


async def finish(log: Log, session: Session, now_ms: int, error: str = "") -> Session:
    """It is over: completed, or failed with a sentence."""
    status = Status.FAILED if error else Status.COMPLETED
    session = ended(session, status, now_ms, exit_status=1 if error else 0, error=error)
    await sessions.save(log.metastore, session, now_ms)
    return session
