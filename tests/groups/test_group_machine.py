"""Random conversations never break an invariant, whatever clients, clocks and restarts do.

What is checked after every step: ``ClassicGroup.check()`` (one leader who is a member, nobody waits
without a deadline, no state without its members ...), each request is answered at most once and none
that was forgotten, a reply never tells a generation that is not yet durable (I4), generations told
never go back, also over restarts.
"""

from __future__ import annotations

from collections.abc import Hashable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from anabranch.errors import ErrorCode
from anabranch.groups.classic import ClassicGroup, Effect, Persist
from anabranch.groups.rebalance import TICK_LATE_MS_MAX
from anabranch.groups.settings import GroupSettings
from anabranch.groups.snapshot import GroupSnapshot, decode_snapshot
from anabranch.groups.values import (
    GroupState,
    JoinCall,
    JoinResult,
    LeavingMember,
    Reply,
    SyncCall,
    SyncResult,
)

SETTINGS = GroupSettings(
    session_timeout_ms_min=100,
    initial_rebalance_delay_ms=50,
    members_max=4,
    member_metadata_bytes_max=40,
    group_bytes_max=400,
)
PROTOCOLS = st.lists(
    st.tuples(st.sampled_from(["range", "sticky"]), st.binary(max_size=20)), max_size=3
).map(tuple)
INSTANCES = st.none() | st.sampled_from(["A", "B"])


class Groups(RuleBasedStateMachine):
    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_000_000
        self.serial = 0
        self.waiting: set[Hashable] = set()
        self.durable: GroupSnapshot | None = None
        self.generation_told = -1
        self.settings = SETTINGS
        self.group = ClassicGroup("g", SETTINGS, self.now_ms)

    @initialize(delay_ms=st.sampled_from([0, 50]))
    def start(self, delay_ms: int) -> None:
        self.settings = replace(SETTINGS, initial_rebalance_delay_ms=delay_ms)
        self.group = ClassicGroup("g", self.settings, self.now_ms)

    def waiter(self) -> int:
        self.serial += 1
        self.waiting.add(self.serial)
        return self.serial

    def take(self, effects: list[Effect]) -> list[Reply]:
        assert all(isinstance(e, Reply) for e in effects[1:]), "persist once, and first"
        for effect in effects:
            if isinstance(effect, Persist):
                self.durable = decode_snapshot(self.group.snapshot().encode())
                assert self.durable == self.group.snapshot()
                continue
            assert effect.waiter in self.waiting, "answered twice, or after it was forgotten"
            self.waiting.remove(effect.waiter)
            if isinstance(effect.result, JoinResult) and effect.result.error is ErrorCode.NONE:
                self.told(effect.result)
        return [effect for effect in effects if isinstance(effect, Reply)]

    def told(self, result: JoinResult) -> None:
        assert self.durable is not None, "I4: told a generation that a crash would forget"
        assert result.generation == self.durable.generation
        assert result.generation >= self.generation_told
        self.generation_told = result.generation
        durable_ids = {m.member_id for m in self.durable.members}
        assert result.member_id in durable_ids
        assert (result.leader == result.member_id) == bool(result.members)
        if result.members:
            assert {m.member_id for m in result.members} == durable_ids
            assert result.leader == self.durable.leader

    @rule(
        target=ids,
        member_id=st.just("") | ids,
        instance=INSTANCES,
        protocols=PROTOCOLS,
        session_ms=st.sampled_from([50, 100, 300]),
        rebalance_ms=st.sampled_from([-1, 0, 80, 250]),
        known=st.booleans(),
        skip=st.booleans(),
    )
    def join(
        self,
        member_id: str,
        instance: str | None,
        protocols: tuple[tuple[str, bytes], ...],
        session_ms: int,
        rebalance_ms: int,
        known: bool,
        skip: bool,
    ) -> str:
        waiter = self.waiter()
        call = JoinCall(
            member_id=member_id,
            group_instance_id=instance,
            client_id="c",
            client_host="h",
            protocol_type="consumer",
            protocols=protocols,
            session_timeout_ms=session_ms,
            rebalance_timeout_ms=rebalance_ms,
            require_known_member_id=known,
            supports_skip_assignment=skip,
        )
        self.take(self.group.join(self.now_ms, waiter, str(self.serial), call))
        return member_id or f"{instance or 'c'}-{self.serial}"

    @rule(member_id=ids, instance=INSTANCES, back=st.sampled_from([0, 0, 0, 1]), data=st.data())
    def sync(self, member_id: str, instance: str | None, back: int, data: st.DataObject) -> None:
        members = list(self.group.roster.members)
        assigned = data.draw(
            st.lists(st.tuples(st.sampled_from([*members, "ghost"]), st.binary(max_size=90)))
        )
        call = SyncCall(
            member_id=member_id,
            group_instance_id=instance,
            generation=self.group.generation - back,
            assignments=assigned,
        )
        replies = self.take(self.group.sync(self.now_ms, self.waiter(), call))
        for reply in replies:
            if isinstance(reply.result, SyncResult) and reply.result.error is ErrorCode.NONE:
                assert self.durable is not None
                assert self.durable.state is GroupState.STABLE, "I4: an assignment that may be lost"
                assert reply.result.assignment in {m.assignment for m in self.durable.members}

    @rule(member_id=ids, instance=INSTANCES, back=st.sampled_from([0, 0, 1]))
    def heartbeat_and_commit(self, member_id: str, instance: str | None, back: int) -> None:
        generation = self.group.generation - back
        beat = self.group.heartbeat(self.now_ms, member_id, instance, generation)
        commit = self.group.check_commit(self.now_ms, member_id, instance, generation)
        if commit is ErrorCode.NONE and generation >= 0:
            assert beat in (ErrorCode.NONE, ErrorCode.REBALANCE_IN_PROGRESS)
            assert self.group.state is not GroupState.COMPLETING_REBALANCE

    @rule(names=st.lists(ids, min_size=1, max_size=3), instance=INSTANCES)
    def leave(self, names: list[str], instance: str | None) -> None:
        waiter = self.waiter()
        leaving = [LeavingMember(name) for name in names]
        leaving.append(LeavingMember("", instance))
        effects = self.group.leave(self.now_ms, waiter, leaving)
        replies = self.take(effects)
        (result,) = (reply.result for reply in replies if reply.waiter == waiter)
        for entry, left in zip(leaving, result.members, strict=True):
            if left.error is ErrorCode.NONE and self.durable is not None:
                durable_ids = {m.member_id for m in self.durable.members}
                assert entry.member_id not in durable_ids, "I4: a restart would bring it back"

    @rule(data=st.data())
    def disconnect(self, data: st.DataObject) -> None:
        if self.waiting:
            waiter = data.draw(st.sampled_from(sorted(self.waiting)))
            self.waiting.remove(waiter)
            self.take(self.group.forget(self.now_ms, waiter))
            assert self.group.forget(self.now_ms, waiter) == []

    @rule(elapsed_ms=st.integers(1, 400))
    def time_passes(self, elapsed_ms: int) -> None:
        end_ms = self.now_ms + elapsed_ms
        while (due_ms := self.group.next_deadline_ms) is not None and due_ms <= end_ms:
            assert due_ms >= self.now_ms
            self.now_ms = due_ms
            self.take(self.group.tick(due_ms))
            self.group.check()
        self.now_ms = end_ms

    # Late by more than the limit also where a stall before it has just moved the deadlines.
    @rule(elapsed_ms=st.integers(2 * TICK_LATE_MS_MAX + 1, 1_000_000))
    def the_broker_stalls(self, elapsed_ms: int) -> None:
        members = set(self.group.roster.members)
        self.now_ms += elapsed_ms
        self.take(self.group.tick(self.now_ms))
        assert set(self.group.roster.members) == members

    @rule()
    def restart(self) -> None:
        self.waiting.clear()
        if self.durable is None:
            self.group = ClassicGroup("g", self.settings, self.now_ms)
            return
        self.group = ClassicGroup.restore(self.durable, self.settings, self.now_ms)
        assert self.group.snapshot() == self.durable, "what is restored is what was stored"
        for member in self.group.roster.members.values():
            deadline = self.group.next_deadline_ms
            assert deadline is not None
            assert deadline > self.now_ms
            error = self.group.heartbeat(
                self.now_ms, member.member_id, member.group_instance_id, self.group.generation
            )
            rebalances = self.group.state is GroupState.PREPARING_REBALANCE
            assert error is (ErrorCode.REBALANCE_IN_PROGRESS if rebalances else ErrorCode.NONE)

    @rule()
    def delete(self) -> None:
        if self.group.delete() is ErrorCode.NONE:
            self.group.check()
            self.group = ClassicGroup("g", self.settings, self.now_ms)
            self.durable = None
            self.generation_told = -1
            self.waiting.clear()

    @invariant()
    def holds(self) -> None:
        self.group.check()
        left_out = 10 * len(self.group.roster.members)  # EMPTY_ASSIGNMENT for each
        assert self.group.roster.bytes <= self.settings.group_bytes_max + left_out
        parked = {
            waiter
            for m in self.group.roster.members.values()
            for waiter in (m.join_waiter, m.sync_waiter)
            if waiter is not None
        }
        assert parked == self.waiting, "every open request is parked with exactly one member"
        assert self.essence(self.group.snapshot()) == self.essence(self.durable)

    @staticmethod
    def essence(snapshot: GroupSnapshot | None) -> object:
        """What must never differ between memory and disk once a call has returned.

        (What members offer while a rebalance is prepared is not told to anyone yet.)
        """
        if snapshot is None:
            return GroupState.EMPTY, 0, None, None, []
        return (
            snapshot.state,
            snapshot.generation,
            snapshot.leader,
            snapshot.protocol_name,
            [(m.member_id, m.group_instance_id, m.assignment) for m in snapshot.members],
        )


TestGroupsI4 = Groups.TestCase
TestGroupsI4.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
