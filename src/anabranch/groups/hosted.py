"""One group at work: its automaton, its timer, and the outbox that stores before it answers."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from anabranch.errors import ErrorCode, StoreFault
from anabranch.groups.effects import Effect, Persist
from anabranch.groups.group import Group
from anabranch.groups.values import Reply
from anabranch.metastore.api import Conflict, GroupMemberRow, GroupRow, Metastore

logger = logging.getLogger(__name__)


class HostedGroup:
    """Carries out what the automaton decides.

    Effects leave in the order in which they arose, a reply once everything that arose before it is
    durable. What piles up behind one write is stored by the next, as the newest state of what changed.
    If storing fails, everybody is sent away with COORDINATOR_NOT_AVAILABLE and ``on_idle``
    drops the group: the next request finds it as it was last stored. If another broker stored the group
    meanwhile, they are sent to look for it (NOT_COORDINATOR).

    ``fence`` is that of the newest save that was handed to the metastore, done or not: whatever is
    handed over later and expects it is judged behind that save.

    ``group`` is another automaton after the group changed its protocol.
    """

    def __init__(
        self,
        group: Group,
        fence: int,
        metastore: Metastore,
        lane: str,
        now_ms: Callable[[], int],
        new_fence: Callable[[], int],
        on_idle: Callable[[HostedGroup], None],
    ) -> None:
        self.group: Group = group
        self.fence = fence
        self._fence_found = fence
        self.taken_up_s = asyncio.get_running_loop().time()
        self._metastore = metastore
        self._lane = lane
        self._now_ms = now_ms
        self._new_fence = new_fence
        self._on_idle = on_idle
        self._outbox: deque[list[Effect]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ms = 0
        self._anew = False  # the protocol changed since the last save
        self.pins = 0  # by whom it is kept in memory although idle, while its row is being deleted

    @property
    def is_ours(self) -> bool:
        """Whether something of ours was handed to the metastore, which judges it, or its row is going."""
        return self.fence != self._fence_found or self.pins > 0

    @property
    def is_idle(self) -> bool:
        """Nobody is in the group and nothing is under way: the metastore knows all there is."""
        return self.group.is_vacant and self._writing is None and not self.pins

    def run(self, step: Callable[[int], list[Effect]], why: str) -> None:
        """Let the automaton take one step at the present time, and carry out its effects."""
        state = self.group.state
        try:
            effects = step(self._now_ms())
        except Exception:
            # Our own bug. What is in memory can no longer be trusted; what is stored can.
            self._give_up([], ErrorCode.COORDINATOR_NOT_AVAILABLE)
            raise
        if self.group.state is not state:
            logger.info(
                "group %s: %s -> %s, generation %d, %d members (%s)",
                self.group.group_id,
                state.value,
                self.group.state.value,
                self.group.generation,
                self.group.size,
                why,
            )
        self._carry_out(effects)
        successor = self.group.successor(self._now_ms())
        if successor is not None:
            self.become(*successor, why)

    def become(self, group: Group, effects: list[Effect], why: str) -> None:
        """The group changes its protocol: from now on this automaton leads it."""
        assert group.group_id == self.group.group_id
        logger.info(
            "group %s: now of the %s protocol, generation %d, %d members (%s)",
            group.group_id,
            group.kind.value,
            group.generation,
            group.size,
            why,
        )
        self.group = group
        self._anew = True
        self._carry_out(effects)

    def _carry_out(self, effects: list[Effect]) -> None:
        if effects:
            if self._writing is None and not isinstance(effects[0], Persist):
                self._deliver(effects)
            else:
                self._outbox.append(effects)
                if self._writing is None:
                    self._writing = asyncio.get_running_loop().create_task(self._write())
        self.settle()

    def settle(self) -> None:
        """Set the timer, or let the group go if it is idle."""
        if self.is_idle:
            self._cancel_timer()
            self._on_idle(self)
            return
        deadline_ms = self.group.next_deadline_ms
        if deadline_ms is None:
            self._cancel_timer()
        elif self._timer is None or deadline_ms < self._timer_ms:
            # A deadline that only moved away is noticed when the timer fires: heartbeats are many.
            self._cancel_timer()
            delay_s = max(0, deadline_ms - self._now_ms()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._on_timer)
            self._timer_ms = deadline_ms

    async def flushed(self) -> None:
        """Wait until everything decided so far is stored and answered."""
        while self._writing is not None:
            await asyncio.shield(self._writing)

    def abandon(self, error: ErrorCode = ErrorCode.COORDINATOR_NOT_AVAILABLE) -> None:
        """Answer everybody with ``error``: the process stops, or the group is another broker's."""
        self._give_up([], error)

    def _on_timer(self) -> None:
        self._timer = None
        deadline_ms = self.group.next_deadline_ms
        if deadline_ms is not None and deadline_ms <= self._now_ms():
            try:
                self.run(self.group.tick, "time is up")
            except Exception:
                logger.exception("group %s: a timer failed", self.group.group_id)
        else:
            self.settle()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _write(self) -> None:
        while self._outbox:
            effects = [effect for batch in self._outbox for effect in batch]
            self._outbox.clear()
            try:
                if any(isinstance(effect, Persist) for effect in effects):
                    await self._save()
            except Conflict as lost:
                logger.warning("group %s is another broker's: %s", self.group.group_id, lost)
                self._writing = None
                self._give_up(effects, ErrorCode.NOT_COORDINATOR)
                return
            except StoreFault as fault:
                logger.error("group %s is not stored: %s", self.group.group_id, fault)
                self._writing = None
                self._give_up(effects, ErrorCode.COORDINATOR_NOT_AVAILABLE)
                return
            except Exception:
                logger.exception("group %s is not stored", self.group.group_id)
                self._writing = None
                self._give_up(effects, ErrorCode.COORDINATOR_NOT_AVAILABLE)
                return
            self._deliver(effects)
        self._writing = None
        self.settle()

    async def _save(self) -> None:
        expected, self.fence = self.fence, self._new_fence()
        changes = self.group.take_changes()
        row = GroupRow(
            group_id=self.group.group_id,
            protocol_type=changes.protocol_type,
            state=changes.state,
            generation=changes.generation,
            snapshot=changes.snapshot,
            updated_ms=self._now_ms(),
            fence=self.fence,
            lane=self._lane,
            kind=changes.kind,
        )
        members = [GroupMemberRow(*member) for member in changes.members]
        anew, self._anew = self._anew, False
        await self._metastore.save_group(
            row, expected=expected, members=members, gone=changes.gone, anew=anew
        )

    def _give_up(self, undelivered: list[Effect], error: ErrorCode) -> None:
        waiting = [*undelivered, *(effect for batch in self._outbox for effect in batch)]
        self._outbox.clear()
        replies = [effect for effect in waiting if isinstance(effect, Reply)]
        self._deliver([replace(r, result=replace(r.result, error=error)) for r in replies])
        self._deliver(self.group.abandon(error))
        self._cancel_timer()
        self._on_idle(self)

    @staticmethod
    def _deliver(effects: list[Effect] | list[Reply]) -> None:
        for effect in effects:
            if isinstance(effect, Reply):
                assert isinstance(effect.waiter, asyncio.Future)
                if not effect.waiter.done():  # its client may have left meanwhile
                    effect.waiter.set_result(effect.result)
