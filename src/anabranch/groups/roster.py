"""Who is in a group: members, static instances, pending ids, votes and the leader.

No time and no replies here: the automaton decides when things happen, the roster keeps the sets
that its decisions read consistent with each other, each in O(1) per member that changes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from anabranch.groups.settings import GroupSettings
from anabranch.groups.snapshot import MemberSnapshot
from anabranch.groups.values import JoinCall, Protocols, Waiter


@dataclass(slots=True, eq=False)
class Member:
    """One member. ``is_new`` until a generation has been answered to it."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocols: Protocols
    assignment: bytes = b""
    is_new: bool = True
    id_is_told: bool = False  # whether any client has been told this member id
    join_waiter: Waiter | None = None
    sync_waiter: Waiter | None = None

    @property
    def is_static(self) -> bool:
        return self.group_instance_id is not None

    @property
    def is_parked(self) -> bool:
        return self.join_waiter is not None or self.sync_waiter is not None

    @property
    def metadata_bytes(self) -> int:
        return protocols_bytes(self.protocols)

    def metadata(self, protocol_name: str) -> bytes:
        for name, metadata in self.protocols:
            if name == protocol_name:
                return metadata
        raise AssertionError(f"{self.member_id} does not offer {protocol_name}")

    def to_snapshot(self) -> MemberSnapshot:
        return MemberSnapshot(
            member_id=self.member_id,
            group_instance_id=self.group_instance_id,
            client_id=self.client_id,
            client_host=self.client_host,
            session_timeout_ms=self.session_timeout_ms,
            rebalance_timeout_ms=self.rebalance_timeout_ms,
            protocols=self.protocols,
            assignment=self.assignment,
        )

    @classmethod
    def from_snapshot(cls, snapshot: MemberSnapshot) -> Member:
        return cls(
            member_id=snapshot.member_id,
            group_instance_id=snapshot.group_instance_id,
            client_id=snapshot.client_id,
            client_host=snapshot.client_host,
            session_timeout_ms=snapshot.session_timeout_ms,
            rebalance_timeout_ms=snapshot.rebalance_timeout_ms,
            protocols=snapshot.protocols,
            assignment=snapshot.assignment,
            is_new=False,
            id_is_told=True,
        )


def protocols_bytes(protocols: Protocols) -> int:
    """What a member's offers weigh against the limits."""
    return sum(len(name) + len(metadata) for name, metadata in protocols)


def rebalance_timeout_ms(call: JoinCall) -> int:
    """JoinGroup version 0 has no rebalance timeout; its session timeout stands in."""
    return call.session_timeout_ms if call.rebalance_timeout_ms < 0 else call.rebalance_timeout_ms


class Roster:
    """Invariants, all checked by :meth:`check`:

    - ``leader is None or leader in members``; some leader exists while there are members
    - ``static[i] == m``  iff  ``members[m].group_instance_id == i``
    - ``joined``, ``pending_sync`` are subsets of ``members``; ``pending`` is disjoint from it
    - ``offers[name]`` = how many members offer ``name``
    - ``bytes`` = metadata and assignments of all members
    """

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.static: dict[str, str] = {}
        self.pending: dict[str, None] = {}  # ids given out by MEMBER_ID_REQUIRED (KIP-394)
        self.joined: dict[str, None] = {}  # sent JoinGroup in this rebalance, in that order
        self.pending_sync: dict[str, None] = {}  # owe a SyncGroup in this generation
        self.leader: str | None = None
        self.offers: Counter[str] = Counter()
        self.bytes = 0

    # -- questions ---------------------------------------------------------------------------
    @property
    def all_joined(self) -> bool:
        return len(self.joined) == len(self.members) and not self.pending

    @property
    def rebalance_timeout_ms(self) -> int:
        """The slowest member's; everyone waits for it."""
        return max((m.rebalance_timeout_ms for m in self.members.values()), default=0)

    def offers_common(self, protocols: Protocols) -> bool:
        """Whether at least one of ``protocols`` is offered by every present member."""
        return any(self.offers[name] == len(self.members) for name, _ in protocols)

    def select_protocol(self) -> str:
        """Each member votes for its favourite among those that all offer; most votes win.

        A tie goes to the leader's favourite, so that the outcome does not depend on hashing.
        """
        assert self.leader is not None
        common = {name for name, count in self.offers.items() if count == len(self.members)}
        assert common, "joins are refused unless a common protocol remains"
        votes: Counter[str] = Counter()
        for member in self.members.values():
            votes[next(name for name, _ in member.protocols if name in common)] += 1
        ranked = [name for name, _ in self.members[self.leader].protocols if name in common]
        return max(ranked, key=lambda name: (votes[name], -ranked.index(name)))

    # -- changes -----------------------------------------------------------------------------
    def add(self, member: Member) -> None:
        assert member.member_id not in self.members
        self.pending.pop(member.member_id, None)
        self.members[member.member_id] = member
        if member.group_instance_id is not None:
            assert member.group_instance_id not in self.static
            self.static[member.group_instance_id] = member.member_id
        self.offers.update({name for name, _ in member.protocols})
        self.bytes += member.metadata_bytes + len(member.assignment)
        if self.leader is None:
            self.leader = member.member_id

    def remove(self, member_id: str) -> Member:
        member = self.members.pop(member_id)
        self.joined.pop(member_id, None)
        self.pending_sync.pop(member_id, None)
        if member.group_instance_id is not None:
            del self.static[member.group_instance_id]
        self._withdraw_offers(member)
        self.bytes -= member.metadata_bytes + len(member.assignment)
        if self.leader == member_id:
            self.leader = next(iter(self.members), None)
        return member

    def update(self, member: Member, call: JoinCall) -> None:
        """Take over what a repeated JoinGroup says."""
        self._withdraw_offers(member)
        self.bytes -= member.metadata_bytes
        member.protocols = call.protocols
        member.client_id = call.client_id
        member.client_host = call.client_host
        member.session_timeout_ms = call.session_timeout_ms
        member.rebalance_timeout_ms = rebalance_timeout_ms(call)
        self.offers.update({name for name, _ in member.protocols})
        self.bytes += member.metadata_bytes

    def replace(self, old_id: str, new_id: str) -> Member:
        """Give a static member's place, assignment and leadership to a new member id (KIP-345)."""
        member = self.members.pop(old_id)
        assert member.group_instance_id is not None
        assert not member.is_parked
        member.member_id = new_id
        member.id_is_told = False
        self.members[new_id] = member
        self.static[member.group_instance_id] = new_id
        self.joined.pop(old_id, None)
        if old_id in self.pending_sync:
            del self.pending_sync[old_id]
            self.pending_sync[new_id] = None
        if self.leader == old_id:
            self.leader = new_id
        return member

    def assign(self, member: Member, assignment: bytes) -> None:
        self.bytes += len(assignment) - len(member.assignment)
        member.assignment = assignment

    def elect_joined_leader(self) -> bool:
        """Keep the leader if it joined and is connected, else prefer a member that is.

        False if nobody joined.
        """
        candidates = sorted(
            self.joined,
            key=lambda m: (self.members[m].join_waiter is None, m != self.leader),
        )
        if not candidates:
            return False
        self.leader = candidates[0]
        return True

    def _withdraw_offers(self, member: Member) -> None:
        for name in {name for name, _ in member.protocols}:
            self.offers[name] -= 1
            if not self.offers[name]:
                del self.offers[name]

    def check(self, settings: GroupSettings) -> None:
        """Assert the invariants above."""
        members = self.members
        assert (self.leader is None) == (not members)
        assert self.leader is None or self.leader in members
        assert self.static == {
            m.group_instance_id: m.member_id for m in members.values() if m.is_static
        }
        assert self.joined.keys() <= members.keys()
        assert self.pending_sync.keys() <= members.keys()
        assert not self.pending.keys() & members.keys()
        assert len(self.pending) <= settings.members_max
        assert self.offers == Counter(
            name for m in members.values() for name in {name for name, _ in m.protocols}
        )
        assert self.bytes == sum(m.metadata_bytes + len(m.assignment) for m in members.values())
        for member_id, member in members.items():
            assert member.member_id == member_id
            assert member.join_waiter is None or member_id in self.joined
