"""Put a branch in its topic's place, and take it back: previewed, in one transaction, told to clients.

What clients see is a truncation at the offset where the two lines part, under a higher leader epoch (KIP-101,
KIP-320; :mod:`anabranch.metastore.lines`). A consumer whose position lies behind it is told so, if it remembers
leader epochs; a group that stands there with none is not, which is why the preview lists every group beyond and a
promotion is refused until somebody says what becomes of them.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from anabranch.errors import ClientFault, ErrorCode, StoreFault, UserFault
from anabranch.log.log import Log
from anabranch.log.reads import FetchWant
from anabranch.metastore.api import (
    Actor,
    Committed,
    Conflict,
    DocumentChange,
    LineMove,
    LineSwap,
    StandingBeyond,
    Topic,
)
from anabranch.records.batch import scan
from anabranch.records.record import iter_records
from anabranch.recovery import observe
from anabranch.recovery.model import SCHEMA_VERSION, SinkState, Volume, topic_id_text

KIND = "line-promotion"
QUIET_STATES = ("", "Empty", "Dead")
NO_OFFSET = -1
WAIT_MS = 10_000  # for what lies in the store
ONE_BATCH_BYTES = 1 << 20  # asked for to see one record; a batch comes whole, however large


class OffsetRule(StrEnum):
    """What becomes of groups that stand behind the point where the lines part."""

    KEEP = "keep"  # they are told by their clients, if these remember leader epochs
    REWIND = "rewind-to-divergence"  # they read all of the new line: nothing is skipped
    MAP = "map"  # to the first record of the new line that is no older than the last one they dealt with


class Rules(Struct, frozen=True):
    """``default`` for every group that ``of`` does not name."""

    default: OffsetRule | None = None
    of: Mapping[str, OffsetRule] = {}

    def rule(self, group: str) -> OffsetRule | None:
        """What becomes of it; None if nobody said."""
        return self.of.get(group, self.default)


NO_RULES = Rules()


class Fork(Struct, frozen=True):
    """One partition: where the lines part, where each ends, and what only one of them holds."""

    partition: int
    parts_at: int
    topic_end: int
    branch_end: int
    only_topic: Volume
    only_branch: Volume


class Beyond(Struct, frozen=True):
    """A group that stands behind the point. ``told``: it committed with a leader epoch, so that its consumer will
    notice, or is put back when it starts; ``rule``: what becomes of it; ``target``: where that puts it."""

    group: str
    state: str
    partition: int
    offset: int
    told: bool
    rule: OffsetRule | None = None
    target: int | None = None

    @property
    def running(self) -> bool:
        """Whether it has consumers, as far as the metastore knows."""
        return self.state not in QUIET_STATES


class Preview(Struct, frozen=True, kw_only=True):
    """What a promotion would do. ``refusals``: sentences that keep it from happening."""

    topic: str
    topic_id: str
    branch: str
    branch_id: str
    displaced: str
    forks: tuple[Fork, ...]
    beyond: tuple[Beyond, ...]
    warnings: tuple[str, ...]
    refusals: tuple[str, ...]


class LinePromotion(Struct, frozen=True, kw_only=True):
    """A promotion that happened, and what undoes it."""

    id: str
    topic: str
    topic_id: str
    branch: str  # the name that the branch had, and gets back
    branch_id: str  # of the line that was put aside, since
    displaced: str
    parts_at: tuple[int, ...]
    moved: tuple[Beyond, ...]
    creator: str
    at_ms: int
    undone_ms: int | None = None
    schema_version: int = SCHEMA_VERSION


async def preview(
    log: Log,
    topic: Topic,
    branch: Topic,
    *,
    rules: Rules = NO_RULES,
    displaced: str | None = None,
    sinks: Sequence[SinkState] = (),
) -> Preview:
    """What it would change. Reads only. Raises UserFault if ``branch`` cannot take the place at all."""
    ends = _ends(topic, branch)
    beyond, shares = await log.metastore.standing_beyond(topic.no, ends)
    settled = [
        await _settled(log, topic, branch, ends, one, rules.rule(one.group_id)) for one in beyond
    ]
    return Preview(
        topic=topic.name,
        topic_id=topic_id_text(topic.id),
        branch=branch.name,
        branch_id=topic_id_text(branch.id),
        displaced=displaced or f"{topic.name}.before-{branch.name}"[-200:],
        forks=tuple([each async for each in _forks(log, topic, branch, ends)]),
        beyond=tuple(settled),
        warnings=tuple(_warnings(topic, settled, sinks)),
        refusals=tuple(_refusals(topic, settled, rules, shares, ends, sinks)),
    )


async def promote(
    log: Log,
    topic: Topic,
    branch: Topic,
    *,
    identity: str,
    creator: str,
    now_ms: int,
    rules: Rules = NO_RULES,
    sinks: Sequence[SinkState] = (),
) -> LinePromotion:
    """Swap the branch in; the topic's line stays as ``TOPIC.before-IDENTITY``.

    Raises UserFault with what stands in the way; nothing has changed then.
    """
    seen = await preview(
        log, topic, branch, rules=rules, displaced=f"{topic.name}.before-{identity}", sinks=sinks
    )
    done = LinePromotion(
        id=identity,
        topic=topic.name,
        topic_id=seen.topic_id,
        branch=branch.name,
        branch_id=seen.branch_id,
        displaced=seen.displaced,
        parts_at=_ends(topic, branch),
        moved=seen.beyond,
        creator=creator,
        at_ms=now_ms,
    )
    document = DocumentChange(KIND, identity, msgspec.json.encode(done), None)
    why = f"promotion of branch {branch.name} to {topic.name}"
    await _swap(log, topic, branch, seen, document, creator, why, now_ms)
    return done


async def undo(
    log: Log,
    promotion: LinePromotion,
    *,
    creator: str,
    now_ms: int,
    rules: Rules = NO_RULES,
    sinks: Sequence[SinkState] = (),
) -> LinePromotion:
    """Swap the former line back, under a higher leader epoch again; the branch gets its name back.

    Groups that stand behind the point in the promoted line need a rule as for a promotion. Raises UserFault.
    """
    topic, aside = _pair_of(log, promotion)
    seen = await preview(log, topic, aside, rules=rules, displaced=promotion.branch, sinks=sinks)
    stored = await log.metastore.document(KIND, promotion.id)
    undone = msgspec.structs.replace(promotion, undone_ms=now_ms)
    expected = None if stored is None else stored.body
    document = DocumentChange(KIND, promotion.id, msgspec.json.encode(undone), expected)
    why = f"undo of promotion {promotion.id}"
    await _swap(log, topic, aside, seen, document, creator, why, now_ms)
    return undone


async def undo_preview(
    log: Log,
    promotion: LinePromotion,
    *,
    rules: Rules = NO_RULES,
    sinks: Sequence[SinkState] = (),
) -> Preview:
    """What :func:`undo` would do. Raises UserFault."""
    topic, aside = _pair_of(log, promotion)
    return await preview(log, topic, aside, rules=rules, displaced=promotion.branch, sinks=sinks)


def new_id(now_ms: int) -> str:
    """``lp-20260301-140500-9f2c``."""
    return f"lp-{datetime.fromtimestamp(now_ms / 1000, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


async def stored(log: Log) -> list[LinePromotion]:
    """Every promotion of a branch, the oldest first."""
    return [
        msgspec.json.decode(each.body, type=LinePromotion)
        for each in await log.metastore.documents(KIND)
    ]


async def find(log: Log, wanted: str) -> LinePromotion:
    """By its id, or the newest one of a topic that was not undone. Raises UserFault."""
    known = await stored(log)
    for each in reversed(known):
        if each.id == wanted or (each.topic == wanted and each.undone_ms is None):
            return each
    raise UserFault(
        f"there is no promotion “{wanted}”, nor one of a topic of that name that was not undone; "
        "`anabranch promote --list` shows what there is"
    )


def _ends(topic: Topic, branch: Topic) -> tuple[int, ...]:
    """Where the lines part. Raises UserFault."""
    origin = branch.origin
    if origin is None or origin.topic_id != topic.id:
        of = "no branch" if origin is None else f"a branch of {origin.topic}"
        raise UserFault(f"{branch.name} is {of}: it cannot take the place of {topic.name}")
    if topic.partitions != branch.partitions:
        raise UserFault(
            f"{topic.name} has {topic.partitions} partitions by now and {branch.name} "
            f"{branch.partitions}: give the branch as many first "
            f"(kafka-topics --alter --topic {branch.name} --partitions {topic.partitions})"
            if topic.partitions > branch.partitions
            else f"{branch.name} has more partitions ({branch.partitions}) than {topic.name} "
            f"({topic.partitions}): give the topic as many first"
        )
    # Partitions that came later on both sides have nothing in common.
    return origin.ends + (0,) * (topic.partitions - len(origin.ends))


def _pair_of(log: Log, promotion: LinePromotion) -> tuple[Topic, Topic]:
    if promotion.undone_ms is not None:
        raise UserFault(f"promotion {promotion.id} was undone already")
    by_id = {topic_id_text(each.id): each for each in log.catalogue.topics()}
    topic, aside = by_id.get(promotion.topic_id), by_id.get(promotion.branch_id)
    if topic is None:
        raise UserFault(f"topic {promotion.topic} of promotion {promotion.id} was deleted")
    if aside is None or aside.name != promotion.displaced:
        raise UserFault(
            f"{promotion.displaced}, the line that promotion {promotion.id} put aside, was deleted or "
            "promoted itself: there is nothing to bring back"
        )
    return topic, aside


async def _swap(
    log: Log,
    topic: Topic,
    branch: Topic,
    seen: Preview,
    document: DocumentChange,
    creator: str,
    why: str,
    now_ms: int,
) -> None:
    if seen.refusals:
        raise UserFault("; ".join(seen.refusals))
    ends = _ends(topic, branch)
    fences = {each.group_id: each.fence for each in (await _beyond(log, topic, ends))}
    moves: dict[str, LineMove] = {}
    for group in sorted({each.group for each in seen.beyond if each.target is not None}):
        moves[group] = LineMove(
            fences.get(group, 0),
            tuple(
                Committed(topic.no, one.partition, one.target, NO_OFFSET, "", now_ms)
                for one in seen.beyond
                if one.group == group and one.target is not None
            ),
        )
    kept = frozenset(each.group for each in seen.beyond) - moves.keys()
    swap = LineSwap(
        topic_no=topic.no,
        branch_no=branch.no,
        ends=ends,
        displaced=seen.displaced,
        at=why,
        kept=kept,
        moves=moves,
        document=document,
    )
    actor = Actor(
        principal=f"User:{creator}", client_id="anabranch", host="", api="promote", reason=why
    )
    try:
        await log.swap_lines(swap, actor)
    except Conflict as conflict:
        raise UserFault(f"{conflict}: nothing was changed; look at the preview again") from None
    except ClientFault as fault:
        if fault.code is ErrorCode.CONCURRENT_TRANSACTIONS:
            raise UserFault(f"{fault}: nothing was changed") from None
        raise


async def _beyond(log: Log, topic: Topic, ends: Sequence[int]) -> list[StandingBeyond]:
    return (await log.metastore.standing_beyond(topic.no, ends))[0]


async def _forks(log: Log, topic: Topic, branch: Topic, ends: Sequence[int]) -> AsyncIterator[Fork]:
    metastore = log.metastore
    ours = {each.partition: each for each in await metastore.partitions(topic.no)}
    theirs = {each.partition: each for each in await metastore.partitions(branch.no)}
    for number, end in enumerate(ends):
        mine, other = ours[number].next_offset, theirs[number].next_offset
        yield Fork(
            partition=number,
            parts_at=end,
            topic_end=mine,
            branch_end=other,
            only_topic=await observe.volume(metastore, topic.no, number, end, mine),
            only_branch=await observe.volume(metastore, branch.no, number, end, other),
        )


async def _settled(
    log: Log,
    topic: Topic,
    branch: Topic,
    ends: Sequence[int],
    one: StandingBeyond,
    rule: OffsetRule | None,
) -> Beyond:
    target = None
    end = ends[one.partition]
    if rule is OffsetRule.REWIND:
        target = end
    elif rule is OffsetRule.MAP:
        target = max(end, await _mapped(log, topic, branch, one.partition, one.offset))
    told = one.leader_epoch >= 0
    return Beyond(one.group_id, one.state, one.partition, one.offset, told, rule, target)


async def _mapped(log: Log, topic: Topic, branch: Topic, partition: int, offset: int) -> int:
    """In the branch, the first record that is no older than the last one dealt with in the topic: records of the
    same time come again, none is passed over that is younger."""
    at_ms = await _timestamp(log, topic, partition, offset - 1)
    handle = log.partition(branch, partition)
    await log.catalogue.refresh(handle)
    if at_ms is None:
        return 0  # gone, or without a time: whoever asks gets the point where the lines part
    found = await log.list_offset(branch, partition, at_ms)
    return handle.next_offset if found.offset < 0 else found.offset


async def _timestamp(log: Log, topic: Topic, partition: int, offset: int) -> int | None:
    """Of the record at ``offset``, or of the nearest one behind it that is left."""
    handle = log.partition(topic, partition)
    await log.catalogue.refresh(handle)
    if not handle.log_start <= offset < handle.next_offset:
        return None
    want = FetchWant(topic, partition, offset, ONE_BATCH_BYTES)
    (part,) = await log.fetch([want], max_wait_ms=WAIT_MS, min_bytes=1, max_bytes=ONE_BATCH_BYTES)
    if part.error:
        raise StoreFault(
            f"{topic.name}:{partition} cannot be read at offset {offset:,}: {part.error.name}"
        )
    run = memoryview(b"".join(part.buffers))
    for header in scan(run):
        if header.is_control:
            continue
        for record in iter_records(run, header):
            if record.offset >= offset:
                return record.timestamp if record.timestamp >= 0 else None
    return None


def _warnings(topic: Topic, beyond: Sequence[Beyond], sinks: Sequence[SinkState]) -> Iterator[str]:
    for each in beyond:
        if each.rule is OffsetRule.KEEP and not each.told:
            yield (
                f"{each.group} committed offset {each.offset:,} of {topic.name}:{each.partition} without a "
                "leader epoch: a consumer that starts from it is not told, and skips what the new line holds below"
            )
    if not sinks:
        yield (
            "no --sink was named: a sink that keeps offsets and has dealt with records behind the point "
            "suppresses those of the new line as repeats; rebuild it, or give it to this command to be checked"
        )


def _refusals(
    topic: Topic,
    beyond: Sequence[Beyond],
    rules: Rules,
    shares: Sequence[tuple[str, int, int]],
    ends: Sequence[int],
    sinks: Sequence[SinkState],
) -> Iterator[str]:
    unsaid = sorted({each.group for each in beyond if each.rule is None})
    if unsaid:
        yield (
            f"{len(unsaid)} groups stand behind where the lines part ({', '.join(unsaid[:5])}): "
            f"say what becomes of them with --offsets [GROUP=]{'|'.join(OffsetRule)}"
        )
    for group in sorted(
        {each.group for each in beyond if each.running and each.target is not None}
    ):
        yield (
            f"group “{group}” has consumers: they would commit over what is moved; stop them first, or "
            f"keep its offsets (--offsets {group}=keep)"
        )
    silent = {
        each.group
        for each in beyond
        if each.rule is OffsetRule.KEEP and not each.told and not each.running
    }
    for group in sorted(silent - rules.of.keys()):
        yield (
            f"group “{group}” committed without a leader epoch: kept, it would skip records and nothing would "
            f"tell its consumer; say --offsets {group}=rewind-to-divergence, or {group}=keep if that is meant"
        )
    for group, partition, offset in shares:
        yield (
            f"share group “{group}” stands at offset {offset:,} of {topic.name}:{partition}, behind "
            f"{ends[partition]:,} where the lines part: reset it first (kafka-share-groups --reset-offsets)"
        )
    topic_id = topic_id_text(topic.id)
    for sink in sinks:
        for one in sink.positions:
            if one.topic_id == topic_id and one.offset > ends[one.partition]:
                yield (
                    f"sink {sink.name} has dealt with {one.topic}:{one.partition} up to {one.offset:,}, behind "
                    f"{ends[one.partition]:,} where the lines part: it would take the new line's records for "
                    "repeats; rebuild it first (anabranch replay, promote)"
                )


def totals(seen: Preview) -> Mapping[str, Volume]:
    """What only the topic, and what only the branch holds, of all partitions together."""
    zero = Volume(0, 0)
    return {
        "topic": sum((each.only_topic for each in seen.forks), start=zero),
        "branch": sum((each.only_branch for each in seen.forks), start=zero),
    }
