"""The groups that a broker holds in memory: found, loaded, taken up, handed over.

A group is held while somebody is in it. Its row in the metastore is the truth; what is here is the
picture of the broker that the others believe to own it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from anabranch.errors import Corrupt, ErrorCode, StoreFault
from anabranch.groups.classic import ClassicGroup
from anabranch.groups.consumer import ConsumerGroup
from anabranch.groups.consumer_core import GroupWorld
from anabranch.groups.effects import GroupKind
from anabranch.groups.group import Group
from anabranch.groups.hosted import HostedGroup
from anabranch.groups.settings import GroupSettings
from anabranch.groups.share.group import ShareGroup
from anabranch.groups.snapshot import decode_snapshot
from anabranch.groups.values import GroupState
from anabranch.metastore.api import Metastore, StoredGroup

logger = logging.getLogger(__name__)

TAKE_UP_RETRY_S = 0.5
UNSURE_S = (
    10.0  # by then another broker that held a group knows that it is ours, or is out of sight
)


class GroupKeeper:
    """See the module; the arguments are those of the coordinator."""

    def __init__(
        self,
        metastore: Metastore,
        settings: GroupSettings,
        now_ms: Callable[[], int],
        new_fence: Callable[[], int],
        world: GroupWorld,
        *,
        lane: str,
        refusal: Callable[[str], ErrorCode],
    ) -> None:
        self.groups: dict[str, HostedGroup] = {}
        self._metastore = metastore
        self._settings = settings
        self._now_ms = now_ms
        self._new_fence = new_fence
        self._world = world
        self._lane = lane
        self._refusal = refusal
        self._loading: dict[str, asyncio.Task[StoredGroup | None]] = {}
        self._mover: asyncio.Task[None] | None = None
        self._brokers_changed = asyncio.Event()

    async def close(self) -> None:
        """Store what was decided, then send everybody who waits away to ask again."""
        if self._mover is not None:
            self._mover.cancel()
            await asyncio.gather(self._mover, return_exceptions=True)
        for hosted in list(self.groups.values()):
            await hosted.flushed()
            hosted.abandon()

    # -- one group ---------------------------------------------------------------------------
    async def find(self, group_id: str) -> HostedGroup | None:
        """The group, from memory or from the metastore; None if there is none.

        The caller goes on without awaiting, and ends with ``run`` or ``settle``, so that an empty
        group does not stay. Reads of one group are shared: nobody can be handed a picture that is
        older than what somebody else has stored meanwhile.

        A picture that was taken a moment ago is compared with the metastore as long as nothing of ours is
        stored: the broker that had the group before may not have known yet that it is ours now.
        """
        while (hosted := self.groups.get(group_id)) is None or self._is_unsure(hosted):
            if hosted is not None:
                row = await self._metastore.group(group_id)
                fence = 0 if row is None else row.fence
                if self.groups.get(group_id) is hosted and self._is_unsure(hosted):
                    if hosted.fence == fence:
                        return hosted
                    hosted.abandon(ErrorCode.NOT_COORDINATOR)
                continue
            loading = self._loading.get(group_id)
            if loading is None:
                loading = asyncio.get_running_loop().create_task(self._load(group_id))
                self._loading[group_id] = loading
            stored = await asyncio.shield(loading)
            hosted = self.groups.get(group_id)
            if hosted is None:
                return self._host(stored) if stored is not None else None
            if stored is not None and hosted.fence == stored.row.fence:
                return hosted
        return hosted

    @staticmethod
    def _is_unsure(hosted: HostedGroup) -> bool:
        return (
            not hosted.is_ours and asyncio.get_running_loop().time() < hosted.taken_up_s + UNSURE_S
        )

    async def _load(self, group_id: str) -> StoredGroup | None:
        try:
            return await self._metastore.stored_group(group_id)
        finally:
            del self._loading[group_id]

    def _restore(self, stored: StoredGroup) -> Group:
        """Raises Corrupt."""
        row, now_ms = stored.row, self._now_ms()
        if not row.snapshot:  # made by a commit: no member ever
            return ClassicGroup(row.group_id, self._settings, row.updated_ms)
        if row.kind == GroupKind.CLASSIC:
            return ClassicGroup.restore(decode_snapshot(row.snapshot), self._settings, now_ms)
        if row.kind == GroupKind.CONSUMER:
            bodies = [member.body for member in stored.members]
            return ConsumerGroup.restore(
                row.group_id, row.snapshot, bodies, self._settings, self._world, now_ms
            )
        if row.kind == GroupKind.SHARE:
            return ShareGroup.restore(
                row.group_id, row.snapshot, self._settings, self._world, now_ms
            )
        raise Corrupt(f"group {row.group_id} is of an unknown kind: {row.kind}")

    def _host(self, stored: StoredGroup) -> HostedGroup:
        """Raises Corrupt."""
        return self.add(self._restore(stored), stored.row.fence)

    def add(self, group: Group, fence: int) -> HostedGroup:
        assert group.group_id not in self.groups
        hosted = HostedGroup(
            group,
            fence,
            self._metastore,
            self._lane,
            self._now_ms,
            self._new_fence,
            self._let_go,
        )
        self.groups[group.group_id] = hosted
        return hosted

    def _let_go(self, hosted: HostedGroup) -> None:
        if self.groups.get(hosted.group.group_id) is hosted:
            del self.groups[hosted.group.group_id]

    # -- all that are ours -------------------------------------------------------------------
    async def take_up(self) -> None:
        """Host every group of ours that has members, so that the silent ones expire. Raises StoreFault."""
        for row in await self._metastore.groups():
            if (
                row.state == GroupState.EMPTY
                or row.lane != self._lane
                or row.group_id in self.groups
                or self._refusal(row.group_id) is not ErrorCode.NONE
            ):
                continue
            try:
                if row.kind == GroupKind.CLASSIC:
                    self._host(StoredGroup(row, [])).settle()
                elif (hosted := await self.find(row.group_id)) is not None:
                    hosted.settle()
            except Corrupt as fault:
                logger.error("group %s cannot be taken up: %s", row.group_id, fault)

    def brokers_changed(self) -> None:
        """Other brokers came or went: hand over the groups that are no longer ours, take up those that
        are now."""
        self._brokers_changed.set()
        if self._mover is None:
            self._mover = asyncio.get_running_loop().create_task(self._move_for_ever())

    def forget(self) -> None:
        """Drop every picture without storing it: others may have acted on these groups meanwhile."""
        for hosted in list(self.groups.values()):
            hosted.abandon(ErrorCode.NOT_COORDINATOR)
        self.brokers_changed()

    async def _move_for_ever(self) -> None:
        while True:
            await self._brokers_changed.wait()
            self._brokers_changed.clear()
            try:
                await self.hand_over()
                await self.take_up()
            except StoreFault as fault:
                logger.error("groups are not taken up: %s; trying again", fault)
                self._brokers_changed.set()
                await asyncio.sleep(TAKE_UP_RETRY_S)
            except Exception:
                logger.exception("moving groups broke")

    async def hand_over(self) -> None:
        """Store and drop the groups that are no longer ours; whoever waits in them looks elsewhere."""
        for group_id, hosted in list(self.groups.items()):
            if self._refusal(group_id) is not ErrorCode.NONE:
                await hosted.flushed()
                hosted.abandon(ErrorCode.NOT_COORDINATOR)
