"""The classic consumer-group protocol as an automaton without I/O.

::

    Empty ──────────────────── join ────────────────────┐
      ▲                                                 ▼
      ├────── nobody is left ───────────────── PreparingRebalance ◄──┐
      │                                                 │            │ join with other metadata,
      │                       all joined, or rebalance timeout       │ leave, session or sync
      │                                                 ▼            │ timeout; in Stable also
    (delete)                                   CompletingRebalance ──┤ the leader's join
      │                                                 │            │
      ▼                                          leader's sync       │
    Dead                                                ▼            │
                                                     Stable ─────────┘

Sources: Kafka's group protocol; KIP-62 (rebalance timeout), KIP-134 (initial delay), KIP-345 (static
members), KIP-394 (MEMBER_ID_REQUIRED), KIP-559 (protocol type and name), KIP-814 (skip assignment).

**Effects.** Every method that can change what clients have been told returns effects: at most one
``Persist``, always first, then the replies. ``snapshot()`` must be durable before the replies go out;
then a generation that some client has seen survives any crash.

**What is durable.** Members that have been answered with a generation, the generation, the state.
Ids given out by MEMBER_ID_REQUIRED and members still waiting for their first answer are not: they
start over after a restart, which costs them one round trip and the group nothing.

**Restore.** A group comes back in the state it was stored in, with fresh deadlines:

- ``Stable``: nothing happens; heartbeats, commits and repeated syncs are answered as before.
- ``CompletingRebalance``: members whose connection broke in JoinGroup or SyncGroup join again with
  unchanged metadata and are answered at once with the same generation; then the leader's sync
  completes it.
- ``PreparingRebalance``: heartbeats answer REBALANCE_IN_PROGRESS, members join again, and the next
  generation is the stored one plus one.

In none of them can a generation repeat with other members or another leader than clients saw.

**Where this is kinder than Kafka.** A connection that closes is noticed (``forget``): the member
stays, but its session is timed from then on. A request that is superseded by a repetition of itself
is answered (REBALANCE_IN_PROGRESS) instead of dropped. A member that the leader left out gets an
empty assignment that clients can parse. A process that was stalled gives everyone the lost time.
"""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.errors import ErrorCode
from anabranch.groups.effects import Effect, Persist
from anabranch.groups.rebalance import NEW_MEMBER_JOIN_TIMEOUT_MS, RebalancingGroup
from anabranch.groups.roster import Member, protocols_bytes, rebalance_timeout_ms
from anabranch.groups.settings import GroupSettings
from anabranch.groups.snapshot import GroupSnapshot
from anabranch.groups.subscription import EMPTY_ASSIGNMENT, subscribed_topics
from anabranch.groups.values import (
    CONSUMER_PROTOCOL_TYPE,
    UNKNOWN_MEMBER_ID,
    CommitCall,
    GroupState,
    JoinCall,
    JoinResult,
    LeaveResult,
    LeavingMember,
    LeftMember,
    SyncCall,
    SyncResult,
    Waiter,
)

__all__ = ["ClassicGroup", "Effect", "Persist"]


class ClassicGroup(RebalancingGroup):
    """One consumer group. See the module's text for the states and for what is durable."""

    # -- JoinGroup ---------------------------------------------------------------------------
    def join(self, now_ms: int, waiter: Waiter, fresh_id: str, call: JoinCall) -> list[Effect]:
        """JoinGroup: answered now, or when the rebalance that it takes part in completes.

        ``fresh_id`` makes the id of a new member unlike any other.

        Errors: INVALID_SESSION_TIMEOUT, COORDINATOR_NOT_AVAILABLE (deleted meanwhile),
        GROUP_MAX_SIZE_REACHED, INVALID_REQUEST (metadata too large), INCONSISTENT_GROUP_PROTOCOL,
        MEMBER_ID_REQUIRED, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID.
        """
        settings, roster = self.settings, self.roster
        if not (
            settings.session_timeout_ms_min
            <= call.session_timeout_ms
            <= settings.session_timeout_ms_max
        ):
            self._refuse_join(waiter, call, ErrorCode.INVALID_SESSION_TIMEOUT)
        elif self.state is GroupState.DEAD:
            self._refuse_join(waiter, call, ErrorCode.COORDINATOR_NOT_AVAILABLE)
        elif protocols_bytes(call.protocols) > settings.member_metadata_bytes_max:
            self._refuse_join(waiter, call, ErrorCode.INVALID_REQUEST)
        elif not self._has_room(call.member_id):
            # A group that shrank its limit sheds members as they come back.
            if call.member_id in roster.members:
                self._remove_member(call.member_id)
                self._maybe_complete_join(now_ms)
            self._refuse_join(waiter, call, ErrorCode.GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID)
        elif self._grows_too_large(call):
            self._refuse_join(waiter, call, ErrorCode.GROUP_MAX_SIZE_REACHED)
        elif not self._supports(call):
            self._refuse_join(waiter, call, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
        elif call.member_id == UNKNOWN_MEMBER_ID:
            self._join_unknown(now_ms, waiter, fresh_id, call)
        else:
            self._join_known(now_ms, waiter, call)
        return self._effects()

    def _has_room(self, member_id: str) -> bool:
        roster, members_max = self.roster, self.settings.members_max
        match self.state:
            case GroupState.PREPARING_REBALANCE:
                return member_id in roster.joined or len(roster.joined) < members_max
            case GroupState.COMPLETING_REBALANCE | GroupState.STABLE:
                return member_id in roster.members or len(roster.members) < members_max
            case _:
                return True

    def _grows_too_large(self, call: JoinCall) -> bool:
        roster = self.roster
        member_id = roster.static.get(call.group_instance_id or "", call.member_id)
        member = roster.members.get(member_id)
        growth = protocols_bytes(call.protocols)
        growth -= member.metadata_bytes if member is not None else 0
        return growth > 0 and roster.bytes + growth > self.settings.group_bytes_max

    def _supports(self, call: JoinCall) -> bool:
        if not self.roster.members:
            return bool(call.protocol_type) and bool(call.protocols)
        return call.protocol_type == self.protocol_type and self.roster.offers_common(
            call.protocols
        )

    def _join_unknown(self, now_ms: int, waiter: Waiter, fresh_id: str, call: JoinCall) -> None:
        roster = self.roster
        member_id = f"{call.group_instance_id or call.client_id}-{fresh_id}"
        assert member_id not in roster.members and member_id not in roster.pending
        if call.group_instance_id is not None:
            existing_id = roster.static.get(call.group_instance_id)
            if existing_id is None:
                self._add_member(now_ms, waiter, member_id, call)
            else:
                self._replace_static(now_ms, waiter, existing_id, member_id, call)
        elif not call.require_known_member_id:
            self._add_member(now_ms, waiter, member_id, call)
        elif len(roster.pending) >= self.settings.members_max:
            self._refuse_join(waiter, call, ErrorCode.GROUP_MAX_SIZE_REACHED)
        else:
            roster.pending[member_id] = None
            self._sessions.set(member_id, now_ms + call.session_timeout_ms)
            self._refuse_join(waiter, call, ErrorCode.MEMBER_ID_REQUIRED, member_id)

    def _join_known(self, now_ms: int, waiter: Waiter, call: JoinCall) -> None:
        roster, member_id = self.roster, call.member_id
        if member_id in roster.pending and call.group_instance_id is None:
            self._add_member(now_ms, waiter, member_id, call)
            return
        error = self._validate_member(member_id, call.group_instance_id)
        if error is not ErrorCode.NONE:
            self._refuse_join(waiter, call, error)
            return
        member = roster.members[member_id]
        same = member.protocols == call.protocols
        match self.state:
            case GroupState.COMPLETING_REBALANCE if same:
                # It did not get the first answer: the same one again, for the same generation.
                self._touch(now_ms, member)
                self._answer(waiter, self._current_generation(member))
            case GroupState.STABLE if same and member_id != roster.leader:
                # A follower changes nothing by asking again. The leader's JoinGroup is different:
                # it asks for a rebalance because topics changed that it alone watches.
                self._touch(now_ms, member)
                self._answer(waiter, self._current_generation(member))
            case _:
                self._park_join(now_ms, waiter, member, call)
                self._rebalance(now_ms)

    def _add_member(self, now_ms: int, waiter: Waiter, member_id: str, call: JoinCall) -> None:
        roster = self.roster
        if not roster.members:
            self.protocol_type = call.protocol_type
        member = Member(
            member_id=member_id,
            group_instance_id=call.group_instance_id,
            client_id=call.client_id,
            client_host=call.client_host,
            session_timeout_ms=call.session_timeout_ms,
            rebalance_timeout_ms=rebalance_timeout_ms(call),
            protocols=call.protocols,
            id_is_told=call.member_id == member_id,
        )
        roster.add(member)
        if self._initial_remaining_ms is not None:
            self._joined_in_delay = True
        self._park_join(now_ms, waiter, member, call)
        self._rebalance(now_ms)

    def _replace_static(
        self, now_ms: int, waiter: Waiter, old_id: str, new_id: str, call: JoinCall
    ) -> None:
        """A static member restarted: it takes its place back under a new id (KIP-345)."""
        roster = self.roster
        old_leader = roster.leader
        member = roster.members[old_id]
        self._answer_parked(member, ErrorCode.FENCED_INSTANCE_ID)
        self._sessions.clear(old_id)
        roster.replace(old_id, new_id)
        roster.update(member, call)
        self._dirty = self._dirty or not member.is_new
        if self.state is GroupState.STABLE and roster.select_protocol() == self.protocol_name:
            # The assignment is kept, so nobody else has to notice.
            is_leader = roster.leader == new_id
            result = self._current_generation(member, skip_assignment=is_leader)
            if is_leader and not call.supports_skip_assignment:
                # An old client that reads its own id as the leader's would compute an assignment
                # that a stable group ignores; the former id keeps it a follower.
                assert old_leader is not None
                result = self._current_generation(member, leader=old_leader)
            member.id_is_told = True
            self._touch(now_ms, member)
            self._answer(waiter, result)
        else:
            # While the leader computes, it knows the member by its old id: start over.
            self._park_join(now_ms, waiter, member, call)
            self._rebalance(now_ms)

    def _park_join(self, now_ms: int, waiter: Waiter, member: Member, call: JoinCall) -> None:
        if member.join_waiter is not None:
            superseded = JoinResult(ErrorCode.REBALANCE_IN_PROGRESS, member.member_id)
            self._answer_join(member, superseded)
        self.roster.update(member, call)
        assert waiter not in self._waiters
        member.join_waiter = waiter
        self._waiters[waiter] = member
        self.roster.joined[member.member_id] = None
        if member.is_new:
            self._sessions.set(member.member_id, now_ms + NEW_MEMBER_JOIN_TIMEOUT_MS)
        else:
            self._sessions.clear(member.member_id)  # a parked request is as good as a heartbeat

    # -- SyncGroup ---------------------------------------------------------------------------
    def sync(self, now_ms: int, waiter: Waiter, call: SyncCall) -> list[Effect]:
        """SyncGroup: the leader's brings the assignment, everyone else's waits for it.

        Errors: COORDINATOR_NOT_AVAILABLE, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID,
        ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, REBALANCE_IN_PROGRESS,
        UNKNOWN_SERVER_ERROR (assignment beyond ``group_bytes_max``, as Kafka answers it).
        """
        error = self._validate(call.member_id, call.group_instance_id, call.generation)
        if error is ErrorCode.NONE and (
            call.protocol_type not in (None, self.protocol_type)
            or call.protocol_name not in (None, self.protocol_name)
        ):
            error = ErrorCode.INCONSISTENT_GROUP_PROTOCOL
        if error is ErrorCode.NONE and self.state is GroupState.PREPARING_REBALANCE:
            error = ErrorCode.REBALANCE_IN_PROGRESS
        is_leader = call.member_id == self.roster.leader
        if (
            error is ErrorCode.NONE
            and is_leader
            and self.state is GroupState.COMPLETING_REBALANCE
            and self.roster.bytes + sum(len(a) for _, a in call.assignments)
            > self.settings.group_bytes_max
        ):
            error = ErrorCode.UNKNOWN_SERVER_ERROR
        if error is not ErrorCode.NONE:
            self._answer(waiter, SyncResult(error))
            return self._effects()

        member = self.roster.members[call.member_id]
        self.roster.pending_sync.pop(call.member_id, None)
        if not self.roster.pending_sync:
            self._sync_deadline_ms = None
        if self.state is GroupState.STABLE:
            self._touch(now_ms, member)
            self._answer(waiter, self._sync_result(member))
            return self._effects()

        assert self.state is GroupState.COMPLETING_REBALANCE
        if member.sync_waiter is not None:
            self._answer_sync(member, SyncResult(ErrorCode.REBALANCE_IN_PROGRESS))
        assert waiter not in self._waiters
        member.sync_waiter = waiter
        self._waiters[waiter] = member
        self._sessions.clear(member.member_id)
        if is_leader:
            self._assign(now_ms, dict(call.assignments))
        return self._effects()

    def _assign(self, now_ms: int, assignments: dict[str, bytes]) -> None:
        left_out = EMPTY_ASSIGNMENT if self.protocol_type == CONSUMER_PROTOCOL_TYPE else b""
        for member in self.roster.members.values():
            self.roster.assign(member, assignments.get(member.member_id) or left_out)
        self._transition(now_ms, GroupState.STABLE)
        for member in self.roster.members.values():
            if member.sync_waiter is not None:
                self._answer_sync(member, self._sync_result(member))
                self._touch(now_ms, member)

    def _sync_result(self, member: Member) -> SyncResult:
        return SyncResult(ErrorCode.NONE, self.protocol_type, self.protocol_name, member.assignment)

    # -- Heartbeat, OffsetCommit ---------------------------------------------------------------
    def heartbeat(
        self, now_ms: int, member_id: str, group_instance_id: str | None, generation: int
    ) -> ErrorCode:
        """Heartbeat (key 12): NONE, REBALANCE_IN_PROGRESS (join again), UNKNOWN_MEMBER_ID,
        FENCED_INSTANCE_ID, ILLEGAL_GENERATION or COORDINATOR_NOT_AVAILABLE.

        In CompletingRebalance it is NONE: consumers start their heartbeats between the answer to
        JoinGroup and SyncGroup, and must not be sent back.
        """
        error = self._validate(member_id, group_instance_id, generation)
        if error is not ErrorCode.NONE:
            return error
        self._touch(now_ms, self.roster.members[member_id])
        if self.state is GroupState.PREPARING_REBALANCE:
            return ErrorCode.REBALANCE_IN_PROGRESS
        return ErrorCode.NONE

    def check_commit(
        self,
        now_ms: int,
        member_id: str,
        group_instance_id: str | None,
        generation: int,
        *,
        supports_epochs: bool = True,
    ) -> ErrorCode:
        """Whether an OffsetCommit (key 8) may be stored; an accepted one counts as a heartbeat.

        Without membership (generation below 0: simple consumers, administrators) only into an empty
        group. While a rebalance is being prepared, members still commit the generation they have;
        once the next generation is out, REBALANCE_IN_PROGRESS tells them to sync first.
        """
        if self.state is GroupState.DEAD:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        if generation < 0 and self.state is GroupState.EMPTY:
            return ErrorCode.NONE
        if generation < 0 and member_id == UNKNOWN_MEMBER_ID and group_instance_id is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        error = self._validate_member(member_id, group_instance_id)
        if error is not ErrorCode.NONE:
            return error
        if generation != self.generation:
            return ErrorCode.ILLEGAL_GENERATION
        if self.state is GroupState.COMPLETING_REBALANCE:
            return ErrorCode.REBALANCE_IN_PROGRESS
        self._touch(now_ms, self.roster.members[member_id])
        return ErrorCode.NONE

    def signed(self, call: CommitCall) -> CommitCall:
        """The commit as the history is to know it: its member says all there is."""
        return call

    def _validate(
        self, member_id: str, group_instance_id: str | None, generation: int
    ) -> ErrorCode:
        if self.state is GroupState.DEAD:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        error = self._validate_member(member_id, group_instance_id)
        if error is ErrorCode.NONE and generation != self.generation:
            error = ErrorCode.ILLEGAL_GENERATION
        return error

    def _validate_member(self, member_id: str, group_instance_id: str | None) -> ErrorCode:
        if group_instance_id is not None:
            known_id = self.roster.static.get(group_instance_id)
            if known_id is None:
                return ErrorCode.UNKNOWN_MEMBER_ID
            if known_id != member_id:
                return ErrorCode.FENCED_INSTANCE_ID
        if member_id not in self.roster.members:
            return ErrorCode.UNKNOWN_MEMBER_ID
        return ErrorCode.NONE

    # -- LeaveGroup, connections, deletion -----------------------------------------------------
    def leave(self, now_ms: int, waiter: Waiter, leaving: Sequence[LeavingMember]) -> list[Effect]:
        """LeaveGroup for one or many members, each with its own outcome; one rebalance for all."""
        if self.state is GroupState.DEAD:
            self._answer(waiter, LeaveResult(ErrorCode.COORDINATOR_NOT_AVAILABLE))
            return self._effects()
        members_before = len(self.roster.members)
        outcomes = []
        for entry in leaving:
            error = self._leave_one(entry)
            outcomes.append(LeftMember(entry.member_id, entry.group_instance_id, error))
        if len(self.roster.members) < members_before:
            self._rebalance(now_ms)
        else:
            self._maybe_complete_join(now_ms)  # a pending id that left may have been the last
        self._answer(waiter, LeaveResult(ErrorCode.NONE, tuple(outcomes)))
        return self._effects()

    def _leave_one(self, entry: LeavingMember) -> ErrorCode:
        roster, member_id = self.roster, entry.member_id
        if member_id == UNKNOWN_MEMBER_ID:
            # An administrator removes a static member by its instance id alone.
            if entry.group_instance_id not in roster.static:
                return ErrorCode.UNKNOWN_MEMBER_ID
            member_id = roster.static[entry.group_instance_id]
        elif member_id in roster.pending:
            del roster.pending[member_id]
            self._sessions.clear(member_id)
            return ErrorCode.NONE
        else:
            error = self._validate_member(member_id, entry.group_instance_id)
            if error is not ErrorCode.NONE:
                return error
        self._remove_member(member_id)
        return ErrorCode.NONE

    def forget(self, now_ms: int, waiter: Waiter) -> list[Effect]:
        """The connection behind a parked request closed: never answer it.

        The member stays, counts as joined (or synced) and has one session timeout to come back. Only
        a member whose id no client was ever told goes: nobody could come back as it.
        """
        member = self._waiters.pop(waiter, None)
        if member is None:
            return []
        if member.join_waiter == waiter:
            member.join_waiter = None
        else:
            assert member.sync_waiter == waiter
            member.sync_waiter = None
        if not member.id_is_told and not member.is_static:
            self._remove_member(member.member_id)
            self._maybe_complete_join(now_ms)
        else:
            self._touch(now_ms, member)
        return self._effects()

    def delete(self) -> ErrorCode:
        """DeleteGroups: only an empty group may go; afterwards this object is dead."""
        if self.state is GroupState.DEAD:
            return ErrorCode.GROUP_ID_NOT_FOUND
        if self.state is not GroupState.EMPTY:
            return ErrorCode.NON_EMPTY_GROUP
        self.state = GroupState.DEAD
        return ErrorCode.NONE

    # -- what is subscribed, what is kept ------------------------------------------------------
    def subscribed_topics(self) -> frozenset[str] | None:
        """Topics that the members are subscribed to; None if that cannot be known.

        Known only for protocol type ``consumer`` once a protocol is selected (KIP-211).
        """
        if self.protocol_type != CONSUMER_PROTOCOL_TYPE:
            return None
        topics: frozenset[str] = frozenset()
        if self.roster.members and self.protocol_name is None:
            return None
        for member in self.roster.members.values():
            offered = dict(member.protocols).get(self.protocol_name or "")
            subscribed = None if offered is None else subscribed_topics(offered)
            if subscribed is None:
                return None
            topics |= subscribed
        return topics

    @classmethod
    def restore(cls, snapshot: GroupSnapshot, settings: GroupSettings, now_ms: int) -> ClassicGroup:
        """A group as another process (or this one, before it restarted) left it."""
        group = cls(snapshot.group_id, settings, snapshot.since_ms)
        group.state = snapshot.state
        group.generation = snapshot.generation
        group.protocol_type = snapshot.protocol_type
        group.protocol_name = snapshot.protocol_name
        for member_snapshot in snapshot.members:
            member = Member.from_snapshot(member_snapshot)
            group.roster.add(member)
            group._touch(now_ms, member)
        group.roster.leader = snapshot.leader
        if group.state is GroupState.PREPARING_REBALANCE:
            group._join_deadline_ms = now_ms + group._phase_timeout_ms
        elif group.state is GroupState.COMPLETING_REBALANCE:
            group.roster.pending_sync = dict.fromkeys(group.roster.members)
            group._sync_deadline_ms = now_ms + group._phase_timeout_ms
        group.check()
        return group
