"""The group coordinator: consumer groups and their committed offsets, served from one event loop.

Membership is served by :mod:`anabranch.groups.membership`, carried out by
:mod:`anabranch.groups.hosted`; committed offsets live in the metastore, which keeps their history.
In memory are only groups that somebody is in; any other is read when it is asked for.

Order matters in one place: a member's commit is checked and handed to the metastore in one go, before
any later generation of its group is. The metastore writes in order, so an owner of a generation never
reads positions that a former owner's commit changes afterwards.

Several brokers: each group is one broker's, as the brokers see each other; the others answer
NOT_COORDINATOR. Where two believe to own one, the metastore judges: everything that changes a group
expects the fence under which it was last saved, so the one whose picture is old changes nothing, drops
it and answers NOT_COORDINATOR. A group moves with its members, who notice nothing but that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace

from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.groups.classic import ClassicGroup
from anabranch.groups.consumer import ConsumerGroup
from anabranch.groups.consumer_core import GroupWorld
from anabranch.groups.consumer_values import ConsumerGroupDescription
from anabranch.groups.describe import (
    GroupDescription,
    GroupListing,
    describe_failed,
    describe_group,
    describe_missing,
    list_group,
)
from anabranch.groups.effects import GroupKind
from anabranch.groups.gate import OffsetGate
from anabranch.groups.keeper import GroupKeeper
from anabranch.groups.membership import Membership
from anabranch.groups.offsets import (
    check_metadata,
    check_offset_delete,
    check_offset_delete_topic,
    expired_offsets,
)
from anabranch.groups.settings import GroupSettings
from anabranch.groups.share.group import ShareGroup, ShareGroupDescription
from anabranch.groups.values import (
    CommitCall,
    GroupState,
    OffsetDeleteResult,
    OffsetToDelete,
)
from anabranch.metastore.api import (
    Actor,
    Committed,
    Conflict,
    Metastore,
    OffsetAction,
)

__all__ = ["Coordinator", "GroupSettings"]

logger = logging.getLogger(__name__)

RETENTION = Actor(principal="", client_id="", host="", api="offsets.retention", reason="expired")


class Coordinator(Membership):
    """Serves every group that is this broker's.

    ``now_ms`` is the time since the epoch, ``new_id`` a text and ``new_fence`` a number that no broker
    ever gives twice. ``refusal(group_id)`` says why a group is not served here: NOT_COORDINATOR if it is
    another broker's, GROUP_AUTHORIZATION_FAILED if it is none of this lane's. ``world`` is what
    consumer groups see of the world. Group ids may not be empty
    where members are concerned: INVALID_GROUP_ID. A store that fails is answered with
    COORDINATOR_NOT_AVAILABLE, which clients retry.
    """

    def __init__(
        self,
        metastore: Metastore,
        settings: GroupSettings,
        now_ms: Callable[[], int],
        new_id: Callable[[], str],
        new_fence: Callable[[], int],
        *,
        lane: str = "live",
        refusal: Callable[[str], ErrorCode] = lambda group_id: ErrorCode.NONE,
        world: GroupWorld,
    ) -> None:
        keeper = GroupKeeper(
            metastore, settings, now_ms, new_fence, world, lane=lane, refusal=refusal
        )
        super().__init__(keeper, settings, world, now_ms, new_id, refusal)
        self._metastore = metastore
        self._lane = lane
        self._gate = OffsetGate()
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up the groups that are ours. Raises StoreFault."""
        await self._keeper.take_up()
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_for_ever())

    def brokers_changed(self) -> None:
        """Other brokers came or went: hand over the groups that are no longer ours, take up those that
        are now."""
        self._keeper.brokers_changed()

    def forget(self) -> None:
        """Drop every picture without storing it: others may have acted on these groups meanwhile."""
        self._keeper.forget()

    async def hand_over(self) -> None:
        """Store and drop the groups that are no longer ours; whoever waits in them looks elsewhere."""
        await self._keeper.hand_over()

    async def close(self) -> None:
        """Store what was decided, then send everybody who waits away to ask again."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self._keeper.close()

    # -- offsets -----------------------------------------------------------------------------
    async def commit(self, group_id: str, call: CommitCall) -> list[ErrorCode]:
        """OffsetCommit: one error per offset of ``call``; a refusal of the group is on all of them.

        A group that does not exist is made by a commit without generation, as simple consumers and
        administrators send it; with one it is ILLEGAL_GENERATION (GROUP_ID_NOT_FOUND from version 9).
        """
        if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
            return [refusal] * len(call.offsets)
        async with self._gate.commit(group_id):
            try:
                return await self._commit(group_id, call)
            except Conflict as lost:
                logger.warning("group %s is another broker's: %s", group_id, lost)
                return [ErrorCode.NOT_COORDINATOR] * len(call.offsets)
            except StoreFault as fault:
                logger.error("offsets of group %s are not stored: %s", group_id, fault)
                return [ErrorCode.COORDINATOR_NOT_AVAILABLE] * len(call.offsets)

    async def commit_in_transaction(
        self,
        group_id: str,
        call: CommitCall,
        store: Callable[[Sequence[Committed], int], Awaitable[None]],
    ) -> list[ErrorCode]:
        """TxnOffsetCommit: as :meth:`commit`, but ``store`` keeps what is accepted, with the group's fence,
        until its transaction is committed. Raises what it raises, but Conflict.

        Who names no member is a producer that knows none (before KIP-447): its offsets are taken. A
        rebalance that is under way is no reason to refuse: whoever takes over waits for stable offsets.
        """
        if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
            return [refusal] * len(call.offsets)
        async with self._gate.commit(group_id):
            for _ in range(2):  # a save of our own may come in between
                hosted = await self._keeper.find(group_id)
                fence, error = 0, ErrorCode.NONE
                if hosted is None and call.generation >= 0:
                    error = ErrorCode.ILLEGAL_GENERATION
                elif hosted is not None:
                    fence = hosted.fence
                    if call.generation >= 0 or call.member_id or call.group_instance_id is not None:
                        error = hosted.group.check_commit(
                            self._now_ms(), call.member_id, call.group_instance_id, call.generation
                        )
                        if error is ErrorCode.REBALANCE_IN_PROGRESS:
                            error = ErrorCode.NONE
                    hosted.settle()
                if error is not ErrorCode.NONE:
                    return [error] * len(call.offsets)
                errors, accepted = self._judge_offsets(call)
                try:
                    if accepted:
                        await store(accepted, fence)
                    return errors
                except Conflict as lost:
                    logger.warning("group %s may be another broker's: %s", group_id, lost)
                    if hosted is not None:
                        await hosted.flushed()
            return [ErrorCode.NOT_COORDINATOR] * len(call.offsets)

    async def _commit(
        self, group_id: str, call: CommitCall, *, again: bool = True
    ) -> list[ErrorCode]:
        """Raises StoreFault; Conflict if another broker has acted on the group."""
        refused: list[
            bool
        ] = []  # of a commit with an older epoch, which of its offsets are too late
        hosted = await self._keeper.find(group_id)
        if hosted is None:
            fence, error = 0, ErrorCode.NONE
            if call.generation >= 0 and call.supports_epochs:
                error = ErrorCode.GROUP_ID_NOT_FOUND
            elif call.generation >= 0:
                error = ErrorCode.ILLEGAL_GENERATION
        else:
            fence = hosted.fence
            error = hosted.group.check_commit(
                self._now_ms(),
                call.member_id,
                call.group_instance_id,
                call.generation,
                supports_epochs=call.supports_epochs,
            )
            if error is ErrorCode.STALE_MEMBER_EPOCH and isinstance(hosted.group, ConsumerGroup):
                refused = [not own for own in hosted.group.still_own(call)]
            call = hosted.group.signed(call)
            hosted.settle()
        if any(refused) and not all(refused):
            kept = [
                one for one, is_refused in zip(call.offsets, refused, strict=True) if not is_refused
            ]
            answers = iter(await self._commit(group_id, replace(call, offsets=kept), again=again))
            return [error if is_refused else next(answers) for is_refused in refused]
        if error is not ErrorCode.NONE and (all(refused) or not refused):
            return [error] * len(call.offsets)
        try:
            return await self._store_offsets(group_id, call, fence)
        except Conflict:
            if hosted is not None and again:
                # A metastore that works on several writes at once may have met a save of our own first.
                await hosted.flushed()
                return await self._commit(group_id, call, again=False)
            if hosted is not None and self._keeper.groups.get(group_id) is hosted:
                hosted.abandon(ErrorCode.NOT_COORDINATOR)
            raise

    async def _store_offsets(self, group_id: str, call: CommitCall, fence: int) -> list[ErrorCode]:
        errors, accepted = self._judge_offsets(call)
        if accepted:
            await self._metastore.commit_offsets(
                group_id, accepted, call.action, call.actor, self._now_ms(), expected=fence
            )
        return errors

    def _judge_offsets(self, call: CommitCall) -> tuple[list[ErrorCode], list[Committed]]:
        """An error for each offset, and those that may be stored."""
        now_ms = self._now_ms()
        expires_ms = now_ms + call.retention_ms if call.retention_ms >= 0 else None
        errors = []
        accepted = []
        for offset in call.offsets:
            error = check_metadata(offset.metadata, self.settings.offset_metadata_max)
            errors.append(error)
            if error is ErrorCode.NONE:
                accepted.append(
                    Committed(
                        topic_no=offset.topic_no,
                        partition=offset.partition,
                        offset=offset.offset,
                        leader_epoch=offset.leader_epoch,
                        metadata=offset.metadata,
                        committed_ms=now_ms,
                        expires_ms=expires_ms,
                    )
                )
        return errors, accepted

    async def fetch(
        self, group_id: str, member_id: str | None = None, member_epoch: int = -1
    ) -> list[Committed]:
        """OffsetFetch: every committed offset of the group, whatever state it is in.

        A member of a consumer group that names itself has to have its present epoch (KIP-848).

        Raises StoreFault; ClientFault(NOT_COORDINATOR, UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, …).
        """
        self._require(group_id)
        if member_id is not None or member_epoch >= 0:
            hosted = await self._keeper.find(group_id)
            if hosted is not None:
                error = ErrorCode.NONE
                if isinstance(hosted.group, ConsumerGroup):
                    error = hosted.group.check_fetch(member_id, member_epoch)
                hosted.settle()
                if error is not ErrorCode.NONE:
                    raise ClientFault(error)
        return await self._metastore.committed(group_id)

    async def delete_offsets(
        self, group_id: str, partitions: Sequence[OffsetToDelete], actor: Actor
    ) -> OffsetDeleteResult:
        """OffsetDelete: GROUP_ID_NOT_FOUND or NON_EMPTY_GROUP for the group, or per partition
        GROUP_SUBSCRIBED_TO_TOPIC. Raises StoreFault; ClientFault(NOT_COORDINATOR, …)."""
        self._require(group_id)
        hosted = await self._keeper.find(group_id)
        if hosted is None:
            return OffsetDeleteResult(ErrorCode.GROUP_ID_NOT_FOUND)
        fence = hosted.fence
        error = check_offset_delete(hosted.group)
        if error is not ErrorCode.NONE:
            hosted.settle()
            return OffsetDeleteResult(error)
        errors = [check_offset_delete_topic(hosted.group, p.topic) for p in partitions]
        hosted.settle()
        deleted = [
            (partition.topic_no, partition.partition)
            for partition, refused in zip(partitions, errors, strict=True)
            if refused is ErrorCode.NONE
        ]
        if deleted:
            try:
                await self._metastore.delete_offsets(
                    group_id, deleted, OffsetAction.DELETE, actor, self._now_ms(), expected=fence
                )
            except Conflict:
                return OffsetDeleteResult(ErrorCode.NOT_COORDINATOR)
        return OffsetDeleteResult(ErrorCode.NONE, tuple(errors))

    # -- administration ----------------------------------------------------------------------
    async def list_groups(
        self, states: Collection[str] = (), types: Collection[str] = ()
    ) -> list[GroupListing]:
        """ListGroups: the groups of this broker, by group id (clients ask every broker); filters by state
        (KIP-518) and type (KIP-848) ignore case.

        Raises StoreFault.
        """
        listings = {
            row.group_id: GroupListing(
                row.group_id, row.protocol_type, GroupState(row.state), row.kind
            )
            for row in await self._metastore.groups()
            if self._refusal(row.group_id) is ErrorCode.NONE
        }
        for group_id, hosted in self._keeper.groups.items():
            listings[group_id] = list_group(hosted.group)
        wanted = {name.lower() for name in states}
        kinds = {name.lower() for name in types}
        return [
            listing
            for _, listing in sorted(listings.items())
            if listing.state is not GroupState.DEAD
            and (not wanted or listing.state.lower() in wanted)
            and (not kinds or listing.group_type in kinds)
        ]

    async def describe(self, group_ids: Sequence[str]) -> list[GroupDescription]:
        """DescribeGroups, one entry per id, in that order."""
        descriptions = []
        for group_id in group_ids:
            if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
                descriptions.append(describe_failed(group_id, refusal))
                continue
            try:
                hosted = await self._keeper.find(group_id)
            except (Corrupt, StoreFault) as fault:
                logger.error("group %s cannot be described: %s", group_id, fault)
                descriptions.append(describe_failed(group_id))
                continue
            if hosted is None or hosted.group.state is GroupState.DEAD:
                descriptions.append(describe_missing(group_id))
                continue
            if not isinstance(hosted.group, ClassicGroup):
                missing = f"Group {group_id} is not a classic group."
                descriptions.append(describe_missing(group_id, missing))
            else:
                descriptions.append(describe_group(hosted.group))
            hosted.settle()
        return descriptions

    async def describe_consumer_groups(
        self, group_ids: Sequence[str]
    ) -> list[ConsumerGroupDescription]:
        """ConsumerGroupDescribe, one entry per id, in that order; GROUP_ID_NOT_FOUND also for groups of
        the classic protocol."""
        descriptions = []
        for group_id in group_ids:
            error, message = self._refusal(group_id), None
            hosted = None
            if not group_id:
                error = ErrorCode.INVALID_GROUP_ID
            if error is ErrorCode.NONE:
                try:
                    hosted = await self._keeper.find(group_id)
                except (Corrupt, StoreFault) as fault:
                    logger.error("group %s cannot be described: %s", group_id, fault)
                    error = ErrorCode.COORDINATOR_NOT_AVAILABLE
                else:
                    error, message = ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} not found."
            if hosted is not None:
                if isinstance(hosted.group, ConsumerGroup):
                    descriptions.append(hosted.group.describe())
                    hosted.settle()
                    continue
                message = f"Group {group_id} is not a consumer group."
                hosted.settle()
            descriptions.append(ConsumerGroupDescription(error, group_id, message=message))
        return descriptions

    async def describe_share_groups(self, group_ids: Sequence[str]) -> list[ShareGroupDescription]:
        """ShareGroupDescribe, one entry per id, in that order; GROUP_ID_NOT_FOUND also for other groups."""
        descriptions = []
        for group_id in group_ids:
            error = await self.check_share(group_id)
            hosted = self._keeper.groups.get(group_id)
            group = hosted.group if hosted is not None else None
            if error is not ErrorCode.NONE or not isinstance(group, ShareGroup):
                descriptions.append(ShareGroupDescription(error, group_id))
            else:
                descriptions.append(
                    ShareGroupDescription(
                        error, group_id, group.state, group.generation, group.members
                    )
                )
        return descriptions

    async def check_share(self, group_id: str, *, empty: bool = False) -> ErrorCode:
        """Whether there is a share group of that name here, ``empty``: without members.

        INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE.
        """
        if not group_id:
            return ErrorCode.INVALID_GROUP_ID
        if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
            return refusal
        try:
            hosted = await self._keeper.find(group_id)
        except (Corrupt, StoreFault) as fault:
            logger.error("group %s cannot be read: %s", group_id, fault)
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        if hosted is None:
            return ErrorCode.GROUP_ID_NOT_FOUND
        group = hosted.group
        hosted.settle()
        if not isinstance(group, ShareGroup):
            return ErrorCode.GROUP_ID_NOT_FOUND
        return ErrorCode.NON_EMPTY_GROUP if empty and not group.is_vacant else ErrorCode.NONE

    async def is_parked(self, group_id: str) -> bool:
        """Whether the group is ours, had members, and has none now. Raises StoreFault, Corrupt."""
        if self._refusal(group_id) is not ErrorCode.NONE:
            return False
        hosted = await self._keeper.find(group_id)
        if hosted is None:
            return False
        parked = hosted.group.state is GroupState.EMPTY and bool(hosted.group.protocol_type)
        hosted.settle()
        return parked

    async def delete(self, group_ids: Sequence[str], actor: Actor) -> list[ErrorCode]:
        """DeleteGroups, one error per id: NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, NOT_COORDINATOR,
        COORDINATOR_NOT_AVAILABLE. What is stored of a group but cannot be read can be deleted."""
        return [await self._delete(group_id, actor) for group_id in group_ids]

    async def _delete(self, group_id: str, actor: Actor) -> ErrorCode:
        if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
            return refusal
        try:
            hosted = await self._keeper.find(group_id)
        except Corrupt:
            return await self._delete_row(group_id, actor, None)
        except StoreFault:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        if hosted is None:
            return ErrorCode.GROUP_ID_NOT_FOUND
        # While the row goes, the dead automaton keeps others from making the group anew.
        hosted.pins += 1
        try:
            await hosted.flushed()
            if hosted.group.state is GroupState.DEAD:  # someone else is at it, or the store failed
                return ErrorCode.COORDINATOR_NOT_AVAILABLE
            error = hosted.group.delete()
            if error is not ErrorCode.NONE:
                return error
            return await self._delete_row(group_id, actor, hosted.fence)
        finally:
            hosted.pins -= 1
            hosted.settle()

    async def _delete_row(self, group_id: str, actor: Actor, fence: int | None) -> ErrorCode:
        try:
            existed = await self._metastore.delete_group(
                group_id, actor, self._now_ms(), expected=fence, spare=actor is RETENTION
            )
        except Conflict:
            return ErrorCode.NOT_COORDINATOR
        except StoreFault as fault:
            logger.error("group %s is not deleted: %s", group_id, fault)
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        return ErrorCode.NONE if existed else ErrorCode.GROUP_ID_NOT_FOUND

    # -- retention of offsets ------------------------------------------------------------------
    async def sweep(self) -> int:
        """Expire committed offsets (KIP-211), and groups that are empty and have none left.

        Returns how many offsets expired. Groups that are committing right now are alive and wait for
        the next sweep. Raises StoreFault.
        """
        topics = {topic.no: topic.name for topic in await self._metastore.topics()}
        expired = 0
        for row in await self._metastore.groups():
            if row.kind == GroupKind.SHARE:
                continue  # it has no committed offsets, and where it stands is kept until it is deleted
            if row.lane != self._lane or self._refusal(row.group_id) is not ErrorCode.NONE:
                continue
            with self._gate.alone(row.group_id) as alone:
                if alone:
                    try:
                        expired += await self._sweep_group(row.group_id, topics)
                    except Conflict:
                        continue  # another broker is at it
                    except Corrupt as fault:
                        logger.error("group %s cannot be swept: %s", row.group_id, fault)
        return expired

    async def _sweep_group(self, group_id: str, topics: dict[int, str]) -> int:
        offsets = await self._metastore.committed(group_id)
        hosted = await self._keeper.find(group_id)
        if hosted is None:
            return 0
        fence = hosted.fence
        now_ms = self._now_ms()
        expired = expired_offsets(
            hosted.group, offsets, topics.get, self.settings.offsets_retention_ms, now_ms
        )
        empty_ms = now_ms - hosted.group.since_ms
        if (
            len(expired) == len(offsets)
            and hosted.is_idle
            and empty_ms >= self.settings.offsets_retention_check_interval_ms
        ):
            # Its members are gone and so is everything they knew.
            hosted.settle()
            if expired:
                await self._expire(group_id, expired, fence)
            await self._delete(group_id, RETENTION)
        else:
            hosted.settle()
            if expired:
                await self._expire(group_id, expired, fence)
        return len(expired)

    async def _expire(self, group_id: str, expired: Sequence[Committed], fence: int) -> None:
        logger.info("group %s: the retention of %d offsets is over", group_id, len(expired))
        await self._metastore.delete_offsets(
            group_id,
            [(committed.topic_no, committed.partition) for committed in expired],
            OffsetAction.EXPIRE,
            RETENTION,
            self._now_ms(),
            expected=fence,
        )

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.settings.offsets_retention_check_interval_ms / 1000)
            try:
                await self.sweep()
            except StoreFault as fault:
                logger.error("committed offsets are not swept: %s", fault)
            except Exception:
                logger.exception("committed offsets are not swept")

    def _require(self, group_id: str) -> None:
        """Raises ClientFault with why the group is not served here."""
        if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
            raise ClientFault(refusal)
