"""The half of a classic group that moves by itself: phases, deadlines, answers, invariants.

:mod:`anabranch.groups.classic` adds the half that clients call, and explains the whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from anabranch.errors import ErrorCode
from anabranch.groups.deadlines import Deadlines
from anabranch.groups.effects import TICK_LATE_MS_MAX, Effect, GroupChanges, GroupKind, Persist
from anabranch.groups.roster import Member, Roster
from anabranch.groups.settings import GroupSettings
from anabranch.groups.snapshot import GroupSnapshot
from anabranch.groups.values import (
    UNKNOWN_MEMBER_ID,
    GroupState,
    JoinCall,
    JoinedMember,
    JoinResult,
    Reply,
    Result,
    SyncResult,
    Waiter,
)

# A new member may not know its id yet and cannot send heartbeats; if its client gave up during a
# long rebalance and tried again, the first attempt is dropped after this long (as in Kafka).
NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000

_REBALANCEABLE = (GroupState.EMPTY, GroupState.STABLE, GroupState.COMPLETING_REBALANCE)


class RebalancingGroup:
    """State and automatic transitions of one group."""

    kind = GroupKind.CLASSIC

    def __init__(self, group_id: str, settings: GroupSettings, now_ms: int) -> None:
        self.group_id = group_id
        self.settings = settings
        self.state = GroupState.EMPTY
        self.since_ms = now_ms
        self.generation = 0
        self.protocol_type: str | None = None
        self.protocol_name: str | None = None
        self.roster = Roster()

        self._sessions = Deadlines()  # by member id, pending ids included
        self._join_deadline_ms: int | None = None  # PreparingRebalance only
        self._sync_deadline_ms: int | None = None  # while someone owes a SyncGroup
        # During the initial delay: how much longer it may be extended (KIP-134); else None.
        self._initial_remaining_ms: int | None = None
        self._initial_delay_ms = 0
        self._joined_in_delay = False

        self._waiters: dict[Waiter, Member] = {}
        self._replies: list[Reply] = []
        self._dirty = False

    # -- time --------------------------------------------------------------------------------
    @property
    def next_deadline_ms(self) -> int | None:
        """When ``tick`` has something to do; None while only calls can change anything."""
        if self.state is GroupState.DEAD:
            return None
        session = self._sessions.next()
        candidates = (
            session[0] if session is not None else None,
            self._join_deadline_ms,
            self._sync_deadline_ms,
        )
        return min((at_ms for at_ms in candidates if at_ms is not None), default=None)

    def tick(self, now_ms: int) -> list[Effect]:
        """Let everything happen that is due.

        Late by more than TICK_LATE_MS_MAX, it first gives everybody the time that was lost and a
        little more, in which what waits in the sockets can be read.
        """
        due_ms = self.next_deadline_ms
        if due_ms is not None and now_ms - due_ms > TICK_LATE_MS_MAX:
            self._shift_deadlines(now_ms - due_ms + TICK_LATE_MS_MAX)
        while (due_ms := self.next_deadline_ms) is not None and due_ms <= now_ms:
            session = self._sessions.next()
            if session is not None and session[0] == due_ms:
                self._expire_session(now_ms, session[1])
            elif self._join_deadline_ms == due_ms:
                self._end_join_phase(now_ms)
            else:
                self._expire_sync(now_ms)
        return self._effects()

    def _shift_deadlines(self, by_ms: int) -> None:
        self._sessions.shift(by_ms)
        if self._join_deadline_ms is not None:
            self._join_deadline_ms += by_ms
        if self._sync_deadline_ms is not None:
            self._sync_deadline_ms += by_ms

    def _expire_session(self, now_ms: int, member_id: str) -> None:
        if member_id in self.roster.pending:
            del self.roster.pending[member_id]
            self._sessions.clear(member_id)
            self._maybe_complete_join(now_ms)
        else:
            self._remove_member(member_id)
            self._rebalance(now_ms)

    def _end_join_phase(self, now_ms: int) -> None:
        remaining_ms = self._initial_remaining_ms
        if remaining_ms and self._joined_in_delay:
            # Members keep arriving: wait once more, within the rebalance timeout (KIP-134).
            self._joined_in_delay = False
            extension_ms = min(self.settings.initial_rebalance_delay_ms, remaining_ms)
            self._initial_remaining_ms = max(remaining_ms - self._initial_delay_ms, 0)
            self._initial_delay_ms = extension_ms
            self._join_deadline_ms = now_ms + extension_ms
        else:
            self._complete_join(now_ms)

    def _expire_sync(self, now_ms: int) -> None:
        """Members that took the generation but never synced hold their partitions: drop them."""
        for member_id in list(self.roster.pending_sync):
            self._remove_member(member_id)
        self._sync_deadline_ms = None
        self._rebalance(now_ms)

    # -- rebalancing -------------------------------------------------------------------------
    def _rebalance(self, now_ms: int) -> None:
        """Start a rebalance, or if one is being prepared see whether it can complete."""
        if self.state not in _REBALANCEABLE:
            self._maybe_complete_join(now_ms)
            return
        roster = self.roster
        is_initial = self.state is GroupState.EMPTY
        if self.state is GroupState.COMPLETING_REBALANCE:
            for member in roster.members.values():
                roster.assign(member, b"")
                if member.sync_waiter is not None:
                    self._answer_sync(member, SyncResult(ErrorCode.REBALANCE_IN_PROGRESS))
                    self._touch(now_ms, member)
        roster.pending_sync.clear()
        self._sync_deadline_ms = None
        self._transition(now_ms, GroupState.PREPARING_REBALANCE)
        delay_ms = self.settings.initial_rebalance_delay_ms
        if is_initial and delay_ms > 0:
            self._joined_in_delay = False
            self._initial_delay_ms = delay_ms
            self._initial_remaining_ms = max(roster.rebalance_timeout_ms - delay_ms, 0)
            self._join_deadline_ms = now_ms + delay_ms
        else:
            self._join_deadline_ms = now_ms + self._phase_timeout_ms
            self._maybe_complete_join(now_ms)

    @property
    def _phase_timeout_ms(self) -> int:
        """How long members get to join, and then to sync; never zero, so that time must pass."""
        return max(self.roster.rebalance_timeout_ms, 1)

    def _maybe_complete_join(self, now_ms: int) -> None:
        if (
            self.state is GroupState.PREPARING_REBALANCE
            and self._initial_remaining_ms is None
            and self.roster.all_joined
        ):
            self._complete_join(now_ms)

    def _complete_join(self, now_ms: int) -> None:
        assert self.state is GroupState.PREPARING_REBALANCE
        roster = self.roster
        self._initial_remaining_ms = None
        self._join_deadline_ms = None
        for member_id in [m for m in roster.members if m not in roster.joined]:
            if not roster.members[member_id].is_static:
                self._remove_member(member_id)
        if roster.members and not roster.elect_joined_leader():
            # Only static members are left and none came: their sessions decide, not this timeout.
            self._join_deadline_ms = now_ms + self._phase_timeout_ms
            return
        self.generation += 1
        if not roster.members:
            self.protocol_name = None
            self._transition(now_ms, GroupState.EMPTY)
            return
        self.protocol_name = roster.select_protocol()
        self._transition(now_ms, GroupState.COMPLETING_REBALANCE)
        for member in roster.members.values():
            roster.assign(member, b"")
            roster.pending_sync[member.member_id] = None
            if member.join_waiter is not None:
                self._answer_join(member, self._current_generation(member))
                member.id_is_told = True
            member.is_new = False
            self._touch(now_ms, member)
        roster.joined.clear()
        self._sync_deadline_ms = now_ms + self._phase_timeout_ms

    def _remove_member(self, member_id: str) -> None:
        member = self.roster.members[member_id]
        # A client that is still there starts over with a new member id.
        self._answer_parked(member, ErrorCode.UNKNOWN_MEMBER_ID)
        self.roster.remove(member_id)
        if not self.roster.pending_sync:
            self._sync_deadline_ms = None
        self._sessions.clear(member_id)
        self._dirty = self._dirty or not member.is_new

    def _touch(self, now_ms: int, member: Member) -> None:
        """A sign of life. Parked members have no deadline: their request is the sign."""
        if not member.is_parked:
            self._sessions.set(member.member_id, now_ms + member.session_timeout_ms)

    def _transition(self, now_ms: int, state: GroupState) -> None:
        # Nobody has been told anything while the first members gather.
        self._dirty = self._dirty or self.state is not GroupState.EMPTY
        self.state = state
        self.since_ms = now_ms

    # -- answers -----------------------------------------------------------------------------
    def _answer(self, waiter: Waiter, result: Result) -> None:
        self._replies.append(Reply(waiter, result))

    def _refuse_join(
        self, waiter: Waiter, call: JoinCall, error: ErrorCode, member_id: str | None = None
    ) -> None:
        told = call.member_id if member_id is None else member_id
        self._answer(waiter, JoinResult(error, told))

    def _answer_join(self, member: Member, result: JoinResult) -> None:
        assert member.join_waiter is not None
        del self._waiters[member.join_waiter]
        self._answer(member.join_waiter, result)
        member.join_waiter = None

    def _answer_sync(self, member: Member, result: SyncResult) -> None:
        assert member.sync_waiter is not None
        del self._waiters[member.sync_waiter]
        self._answer(member.sync_waiter, result)
        member.sync_waiter = None

    def _answer_parked(self, member: Member, error: ErrorCode) -> None:
        """Answer whatever ``member`` waits for with an error that makes it start over."""
        if member.join_waiter is not None:
            told = UNKNOWN_MEMBER_ID if error is ErrorCode.UNKNOWN_MEMBER_ID else member.member_id
            self._answer_join(member, JoinResult(error, told))
        if member.sync_waiter is not None:
            self._answer_sync(member, SyncResult(error))

    def abandon(self, error: ErrorCode = ErrorCode.COORDINATOR_NOT_AVAILABLE) -> list[Reply]:
        """This process gives the group up, stopping or unable to store it; another may take over.

        Whoever waits is told ``error`` and asks again; later calls get COORDINATOR_NOT_AVAILABLE.
        """
        for member in self.roster.members.values():
            self._answer_parked(member, error)
        self.state = GroupState.DEAD
        self.protocol_name = None
        self.roster = Roster()
        self._sessions = Deadlines()
        self._join_deadline_ms = self._sync_deadline_ms = self._initial_remaining_ms = None
        self._dirty = False
        replies, self._replies = self._replies, []
        return replies

    def _effects(self) -> list[Effect]:
        effects: list[Effect] = []
        if self._dirty:
            effects.append(Persist())
            self._dirty = False
        effects += self._replies
        self._replies = []
        return effects

    def _current_generation(
        self, member: Member, *, skip_assignment: bool = False, leader: str | None = None
    ) -> JoinResult:
        """The answer to a JoinGroup; with the members if ``member`` is to act as the leader."""
        roster = self.roster
        assert roster.leader is not None and self.protocol_name is not None
        protocol_name = self.protocol_name
        members: tuple[JoinedMember, ...] = ()
        if leader is None:
            leader = roster.leader
            if member.member_id == leader:
                members = tuple(
                    JoinedMember(m.member_id, m.group_instance_id, m.metadata(protocol_name))
                    for m in roster.members.values()
                )
        return JoinResult(
            error=ErrorCode.NONE,
            member_id=member.member_id,
            generation=self.generation,
            protocol_type=self.protocol_type,
            protocol_name=protocol_name,
            leader=leader,
            members=members,
            skip_assignment=skip_assignment,
        )

    def snapshot(self) -> GroupSnapshot:
        """What has to survive this process; see the module's text."""
        assert self.state is not GroupState.DEAD
        members = [m for m in self.roster.members.values() if not m.is_new]
        state, leader = self.state, self.roster.leader
        if not members and state is GroupState.PREPARING_REBALANCE:
            state = GroupState.EMPTY
        if leader is not None and self.roster.members[leader].is_new:
            leader = members[0].member_id if members else None
        return GroupSnapshot(
            group_id=self.group_id,
            state=state,
            since_ms=self.since_ms,
            generation=self.generation,
            protocol_type=self.protocol_type,
            protocol_name=None if state is GroupState.EMPTY else self.protocol_name,
            leader=leader,
            members=tuple(m.to_snapshot() for m in members),
        )

    def take_changes(self) -> GroupChanges:
        """What to store: all of it, in one row."""
        snapshot = self.snapshot()
        return GroupChanges(
            self.kind,
            snapshot.state,
            snapshot.protocol_type or "",
            snapshot.generation,
            snapshot.encode(),
        )

    def take_over(
        self, now_ms: int, generation: int, protocol_type: str, members: Iterable[Member]
    ) -> list[Effect]:
        """Become what another automaton was, with these members, and rebalance."""
        assert not self.roster.members
        self.generation = generation
        self.protocol_type = protocol_type
        for member in members:
            self.roster.add(member)
            self._touch(now_ms, member)
        self.protocol_name = self.roster.select_protocol()
        self._dirty = True
        self._transition(now_ms, GroupState.STABLE)
        self._rebalance(now_ms)
        return self._effects()

    def successor(self, now_ms: int) -> None:
        """A classic group gives way only to a member that asks for it (groups/migration.py)."""

    @property
    def is_vacant(self) -> bool:
        """Nobody is in the group, or about to be."""
        empty = self.state in (GroupState.EMPTY, GroupState.DEAD)
        return empty and not self.roster.pending

    @property
    def size(self) -> int:
        return len(self.roster.members)

    def check(self) -> None:
        """Assert the invariants. Called by tests, and after a restore."""
        roster, state = self.roster, self.state
        roster.check(self.settings)
        self._sessions.check()
        assert (self._join_deadline_ms is not None) == (state is GroupState.PREPARING_REBALANCE)
        assert (self._sync_deadline_ms is not None) == bool(roster.pending_sync)
        assert self._initial_remaining_ms is None or state is GroupState.PREPARING_REBALANCE
        assert not self._replies and not self._dirty, "effects were taken"
        if state in (GroupState.EMPTY, GroupState.DEAD):
            assert not roster.members and self.protocol_name is None
        else:
            waits_for_more = bool(roster.pending) or self._initial_remaining_ms is not None
            assert roster.members or (state is GroupState.PREPARING_REBALANCE and waits_for_more)
        assert not roster.joined or state is GroupState.PREPARING_REBALANCE
        generation_is_out = state in (GroupState.COMPLETING_REBALANCE, GroupState.STABLE)
        assert not roster.pending_sync or generation_is_out
        parked: dict[Waiter, Member] = {}
        for member in roster.members.values():
            if member.join_waiter is not None:
                assert state is GroupState.PREPARING_REBALANCE
                parked[member.join_waiter] = member
            if member.sync_waiter is not None:
                assert state is GroupState.COMPLETING_REBALANCE
                assert member.member_id not in roster.pending_sync
                parked[member.sync_waiter] = member
            assert not member.is_new or state is GroupState.PREPARING_REBALANCE
            # Nobody can be waited for in vain: whoever is not parked has a deadline.
            assert member.is_parked or member.member_id in self._sessions
            if generation_is_out:
                assert any(name == self.protocol_name for name, _ in member.protocols)
        assert parked == self._waiters
        assert all(member_id in self._sessions for member_id in roster.pending)
