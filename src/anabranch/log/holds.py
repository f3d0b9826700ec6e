"""Holds: what retention, compaction and deletion must leave, because somebody may have to replay from there.

A hold pins each of its partitions from an offset on: fixed ones, or wherever a consumer group stands. It has an owner,
ends at a time, and may keep at most so many bytes that retention would have dropped; past that it ends by itself,
loudly, rather than fill the store. Holds are documents in the metastore; brokers look at them before they remove anything.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from anabranch.errors import ClientFault, ErrorCode, Outdated
from anabranch.log.config import TopicConfig, effective
from anabranch.metastore.api import Document, Guard, Metastore, Topic, guard_of

logger = logging.getLogger(__name__)
T = TypeVar("T")

KIND: Final = "hold"
HOLDS_MAX: Final = 1000  # every broker reads all of them before each pass of retention
DECISIONS_MAX: Final = 5  # about a removal that holds are made beside
NAMED_PARTITIONS_MAX: Final = 8  # of a hold in one sentence: `anabranch hold show` has all
PAGE: Final = 512  # extents read at a time to measure what a hold keeps


class HoldState(StrEnum):
    """Whether a hold pins anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    RELEASED = "released"
    OVER_BUDGET = "over-budget"


class HoldFloor(Struct, frozen=True):
    """From ``offset`` on the partition is pinned. ``topic_id`` in hex, so that a recreated topic is another one."""

    topic_id: str
    topic: str
    partition: int
    offset: int


class Hold(Struct, frozen=True, kw_only=True):
    """One hold. Times in milliseconds since the epoch, ``budget_bytes`` of what it keeps beyond retention (None: any
    number). ``group``: the floors follow what that group has committed; those here are where it stood last."""

    name: str
    owner: str
    reason: str
    created_ms: int
    expires_ms: int
    budget_bytes: int | None = None
    group: str | None = None
    point: str | None = None
    floors: tuple[HoldFloor, ...] = ()
    ended_ms: int | None = None
    ended: HoldState | None = None  # RELEASED or OVER_BUDGET

    def state(self, now_ms: int) -> HoldState:
        if self.ended is not None:
            return self.ended
        return HoldState.EXPIRED if now_ms >= self.expires_ms else HoldState.ACTIVE


async def load(metastore: Metastore) -> list[Hold]:
    """Every hold, ended ones included, by name; those of groups at where they stand now."""
    return await _decoded(metastore, await metastore.documents(KIND))


async def _decoded(metastore: Metastore, documents: Iterable[Document]) -> list[Hold]:
    found = []
    for document in documents:
        hold = msgspec.json.decode(document.body, type=Hold)
        if hold.group is not None and hold.ended is None:
            hold = replace(hold, floors=await _group_floors(metastore, hold))
        found.append(hold)
    return sorted(found, key=lambda one: one.name)


async def _group_floors(metastore: Metastore, hold: Hold) -> tuple[HoldFloor, ...]:
    """Where the group stands; where it has no committed offset any more, where it stood last."""
    assert hold.group is not None
    topics = {topic.no: topic for topic in await metastore.topics()}
    floors = {(floor.topic_id, floor.partition): floor for floor in hold.floors}
    for committed in await metastore.committed(hold.group):
        topic = topics.get(committed.topic_no)
        if topic is not None:
            key = topic.id.hex(), committed.partition
            floors[key] = HoldFloor(key[0], topic.name, committed.partition, committed.offset)
    return tuple(floors[key] for key in sorted(floors))


async def save(metastore: Metastore, hold: Hold, now_ms: int, *, create: bool = False) -> None:
    """Raises ClientFault(DUPLICATE_RESOURCE) if ``create`` and the name is taken."""
    await metastore.put_document(KIND, hold.name, msgspec.json.encode(hold), now_ms, create=create)


class Floors:
    """What active holds pin, by topic id and partition."""

    def __init__(
        self, holds: Iterable[Hold] = (), now_ms: int = 0, guard: Guard | None = None
    ) -> None:
        self.guard = guard  # of whatever these floors let go
        self._pins: dict[tuple[bytes, int], list[tuple[int, Hold]]] = {}
        for hold in holds:
            if hold.state(now_ms) is HoldState.ACTIVE:
                for floor in hold.floors:
                    key = bytes.fromhex(floor.topic_id), floor.partition
                    self._pins.setdefault(key, []).append((floor.offset, hold))

    def __bool__(self) -> bool:
        return bool(self._pins)

    def of(self, topic_id: bytes, partition: int) -> int | None:
        """The lowest offset that is pinned; None: nothing is."""
        pins = self._pins.get((topic_id, partition))
        return None if not pins else min(offset for offset, _ in pins)

    def holders(
        self, topic_id: bytes, partitions: Iterable[int], below: int | None = None
    ) -> list[Hold]:
        """Who pins anything of these partitions, ``below`` an offset if given; by name."""
        found = {
            hold.name: hold
            for partition in partitions
            for offset, hold in self._pins.get((topic_id, partition), ())
            if below is None or offset < below
        }
        return [found[name] for name in sorted(found)]

    def refuse(
        self, topic: Topic, partitions: Iterable[int], what: str, *, below: int | None = None
    ) -> None:
        """See :func:`refuse`."""
        refuse(topic, self.holders(topic.id, partitions, below), what)


async def floors(metastore: Metastore, now_ms: int) -> Floors:
    """As of now; who removes anything by them says so to the metastore with their ``guard``, because a hold that
    is made a moment later is promised as well."""
    documents = await metastore.documents(KIND)
    return Floors(await _decoded(metastore, documents), now_ms, guard_of(KIND, documents))


async def remove(
    metastore: Metastore, now_ms: Callable[[], int], change: Callable[[Floors], Awaitable[T]]
) -> T:
    """Make a change that is decided by what is held, again if that has changed meanwhile.

    Raises what ``change`` raises; Outdated if holds go on changing.
    """
    for _ in range(DECISIONS_MAX - 1):
        try:
            return await change(await floors(metastore, now_ms()))
        except Outdated:
            pass
    return await change(await floors(metastore, now_ms()))


# -- refusals ------------------------------------------------------------------------------------------
def shortens(old: TopicConfig, new: TopicConfig) -> bool:
    """Whether ``new`` may remove what ``old`` would have kept."""
    if new.compacted and not old.compacted:
        return True
    if not new.deletes:
        return False
    if not old.deletes:
        return new.retention_ms >= 0 or new.retention_bytes >= 0
    return _less(new.retention_ms, old.retention_ms) or _less(
        new.retention_bytes, old.retention_bytes
    )


def _less(new: int, old: int) -> bool:
    return new >= 0 and (old < 0 or new < old)


async def check_configs(
    metastore: Metastore, topic: Topic, configs: Mapping[str, str], now_ms: int
) -> None:
    """Raises ClientFault(POLICY_VIOLATION) if ``configs`` shorten the retention of what is held."""
    if not shortens(effective(topic.configs), effective(configs)):
        return
    found = await floors(metastore, now_ms)
    refuse(topic, found.holders(topic.id, range(topic.partitions)), "a shorter retention")


def refuse(topic: Topic, holders: Sequence[Hold], what: str) -> None:
    """Raises ClientFault(POLICY_VIOLATION), with what would break, if there are ``holders``."""
    if not holders:
        return
    pinned = "; ".join(
        f"hold {hold.name} of {hold.owner} ({hold.reason or 'no reason given'}) needs "
        + _pinned(hold, topic)
        for hold in holders
    )
    raise ClientFault(
        ErrorCode.POLICY_VIOLATION,
        f"{what} would break what is held of topic {topic.name}: {pinned}. "
        f"`anabranch hold release {holders[0].name}` ends it",
    )


def _pinned(hold: Hold, topic: Topic) -> str:
    """Which partitions from where on: the first few, since the sentence goes over the wire."""
    floors = [floor for floor in hold.floors if floor.topic_id == topic.id.hex()]
    named = ", ".join(
        f"partition {floor.partition} from offset {floor.offset:,}"
        for floor in floors[:NAMED_PARTITIONS_MAX]
    )
    more = len(floors) - NAMED_PARTITIONS_MAX
    return f"{named} and {more:,} more" if more > 0 else named


# -- budgets -------------------------------------------------------------------------------------------
async def kept_bytes(metastore: Metastore, hold: Hold, now_ms: int) -> int:
    """Bytes that the hold's topics keep below what retention would have left them."""
    topics = {topic.id.hex(): topic for topic in await metastore.topics()}
    total = 0
    for floor in hold.floors:
        topic = topics.get(floor.topic_id)
        if topic is not None:
            total += await _kept_of(metastore, topic, floor, now_ms)
    return total


async def _kept_of(metastore: Metastore, topic: Topic, floor: HoldFloor, now_ms: int) -> int:
    config = effective(topic.configs)
    state = await metastore.partition(topic.no, floor.partition)
    if state is None or not config.deletes:
        return 0
    start = max(state.log_start, floor.offset)
    size = await _bytes(metastore, topic.no, floor.partition, start, state.next_offset)
    over = 0
    if config.retention_bytes >= 0:
        over = max(0, size - config.retention_bytes)
    if config.retention_ms >= 0:
        young = await metastore.extent_by_append_time(
            topic.no, floor.partition, now_ms - config.retention_ms
        )
        end = state.next_offset if young is None else young.base_offset
        over = max(over, await _bytes(metastore, topic.no, floor.partition, start, end))
    return over


async def _bytes(metastore: Metastore, topic_no: int, partition: int, start: int, end: int) -> int:
    total = 0
    while start < end:
        extents = await metastore.extents_from(topic_no, partition, start, PAGE)
        for extent in extents:
            if extent.base_offset >= end:
                return total
            total += extent.length
            start = extent.last_offset + 1
        if len(extents) < PAGE:
            return total
    return total


async def enforce_budgets(metastore: Metastore, now_ms: int) -> list[Hold]:
    """End the holds that keep more than they may; those that were ended."""
    ended = []
    for hold in await load(metastore):
        if hold.budget_bytes is None or hold.state(now_ms) is not HoldState.ACTIVE:
            continue
        kept = await kept_bytes(metastore, hold, now_ms)
        if kept > hold.budget_bytes:
            logger.error(
                "hold %s of %s keeps %d bytes and may keep %d: it ends, and retention goes on",
                hold.name,
                hold.owner,
                kept,
                hold.budget_bytes,
            )
            over = replace(hold, ended_ms=now_ms, ended=HoldState.OVER_BUDGET)
            await save(metastore, over, now_ms)
            ended.append(over)
    return ended
