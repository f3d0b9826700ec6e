"""Making, showing and ending holds (:mod:`anabranch.log.holds`): by a recovery point, or by a group."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from anabranch.errors import ClientFault, UserFault
from anabranch.log import holds
from anabranch.log.holds import HOLDS_MAX, Hold, HoldFloor, HoldState
from anabranch.metastore.api import Metastore
from anabranch.recovery import observe
from anabranch.recovery.model import Position, RecoveryPoint, topic_id_bytes

DAY_MS: Final = 86_400_000
EXPIRES_MS_MAX: Final = 400 * DAY_MS  # a hold that nobody renews must end


class HeldPartition(Struct, frozen=True):
    """A floor, and where the log begins. ``broken``: what was to be held is gone already."""

    topic: str
    partition: int
    offset: int
    log_start: int | None
    broken: bool


class HoldStatus(Struct, frozen=True, kw_only=True):
    """A hold as it stands. ``kept_bytes``: what retention would have dropped without it."""

    hold: Hold
    state: HoldState
    kept_bytes: int
    partitions: tuple[HeldPartition, ...]

    @property
    def keeps_its_promise(self) -> bool:
        """Whether all is there that somebody relies on."""
        if self.state is HoldState.OVER_BUDGET:
            return False
        return self.state is not HoldState.ACTIVE or not any(one.broken for one in self.partitions)


async def create(
    metastore: Metastore,
    name: str,
    *,
    owner: str,
    reason: str,
    now_ms: int,
    lasts_ms: int,
    budget_bytes: int | None = None,
    point: RecoveryPoint | None = None,
    group: str | None = None,
) -> HoldStatus:
    """Pin what a restart from ``point``, or of ``group`` where it stands, needs.

    Raises UserFault if it makes no sense, or if something of it is gone already.
    """
    if not name or any(character.isspace() for character in name):
        raise UserFault(f"“{name}” is not a name for a hold: use a word")
    if (point is None) == (group is None):
        raise UserFault("hold a point or a group: one of them")
    if not 0 < lasts_ms <= EXPIRES_MS_MAX:
        raise UserFault(f"a hold lasts between a moment and {EXPIRES_MS_MAX // DAY_MS} days")
    if budget_bytes is not None and budget_bytes <= 0:
        raise UserFault("a budget is a number of bytes above 0")
    present = await holds.load(metastore)
    if len(present) >= HOLDS_MAX:
        raise UserFault(f"there are {HOLDS_MAX} holds already: delete some")
    if point is not None:
        positions: list[Position] = list(point.positions)
    else:
        assert group is not None
        positions = await observe.committed_positions(metastore, group)
    if not positions:
        raise UserFault(
            "there is nothing to hold: "
            + (f"group {group} has committed nothing" if group else "the point has no positions")
        )
    hold = Hold(
        name=name,
        owner=owner,
        reason=reason,
        created_ms=now_ms,
        expires_ms=now_ms + lasts_ms,
        budget_bytes=budget_bytes,
        group=group,
        point=None if point is None else point.id,
        floors=tuple(
            HoldFloor(topic_id_bytes(one.topic_id).hex(), one.topic, one.partition, one.offset)
            for one in positions
        ),
    )
    try:
        await holds.save(metastore, hold, now_ms, create=True)
    except ClientFault:
        raise UserFault(f"there is a hold {name} already: choose another name") from None
    status = await describe(metastore, hold, now_ms)
    if not status.keeps_its_promise:
        await metastore.delete_document(holds.KIND, name)
        gone = ", ".join(
            f"{one.topic}/{one.partition} below {one.log_start}"
            for one in status.partitions
            if one.broken
        )
        raise UserFault(f"what is to be held is gone already: {gone}")
    return status


async def find(metastore: Metastore, name: str) -> Hold:
    """Raises UserFault."""
    for hold in await holds.load(metastore):
        if hold.name == name:
            return hold
    raise UserFault(f"there is no hold “{name}”; `anabranch hold list` shows what there is")


async def describe(metastore: Metastore, hold: Hold, now_ms: int) -> HoldStatus:
    """How a hold stands."""
    topics = {topic.id.hex(): topic for topic in await metastore.topics()}
    held = []
    for floor in hold.floors:
        topic = topics.get(floor.topic_id)
        state = None
        if topic is not None:
            state = await metastore.partition(topic.no, floor.partition)
        log_start = None if state is None else state.log_start
        broken = log_start is None or log_start > floor.offset
        held.append(HeldPartition(floor.topic, floor.partition, floor.offset, log_start, broken))
    return HoldStatus(
        hold=hold,
        state=hold.state(now_ms),
        kept_bytes=await holds.kept_bytes(metastore, hold, now_ms),
        partitions=tuple(held),
    )


async def statuses(metastore: Metastore, now_ms: int) -> list[HoldStatus]:
    """Every hold, by name."""
    return [await describe(metastore, hold, now_ms) for hold in await holds.load(metastore)]


async def release(metastore: Metastore, name: str, now_ms: int) -> Hold:
    """End a hold; what it kept goes with the next pass of retention. Raises UserFault."""
    hold = await find(metastore, name)
    if hold.ended is None:
        hold = replace(hold, ended_ms=now_ms, ended=HoldState.RELEASED)
        await holds.save(metastore, hold, now_ms)
    return hold


async def extend(metastore: Metastore, name: str, now_ms: int, lasts_ms: int) -> Hold:
    """Let an active hold end ``lasts_ms`` from now instead. Raises UserFault."""
    hold = await find(metastore, name)
    if hold.state(now_ms) is not HoldState.ACTIVE:
        raise UserFault(f"hold {name} has ended ({hold.state(now_ms).value}): make another one")
    if not 0 < lasts_ms <= EXPIRES_MS_MAX:
        raise UserFault(f"a hold lasts between a moment and {EXPIRES_MS_MAX // DAY_MS} days")
    hold = replace(hold, expires_ms=now_ms + lasts_ms)
    await holds.save(metastore, hold, now_ms)
    return hold


async def delete(metastore: Metastore, name: str, now_ms: int) -> None:
    """Forget a hold that has ended. Raises UserFault."""
    hold = await find(metastore, name)
    if hold.state(now_ms) is HoldState.ACTIVE:
        raise UserFault(f"hold {name} is active: release it first")
    await metastore.delete_document(holds.KIND, name)
