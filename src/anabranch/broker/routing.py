"""Who leads what: values in, decision out.

A leader is a hint (any broker may append to and read any partition), so routing needs no election: every
broker computes it from the living brokers of its lane by rendezvous hashing (Thaler, Ravishankar 1998).
Each broker has a weight for each key and the heaviest leads; when a broker comes or goes, only the
partitions and groups that it leads move. Brokers that see different sets for a moment give different
answers, which costs a retry at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from anabranch.metastore.api import BrokerRow

LIVE: Final = "live"  # the lane of production; any other is a lane apart
_SESSION_LANE: Final = re.compile(r"r-\d{8}-\d{6}-[0-9a-f]{4}")  # a replay session's id
_MASK: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15  # splitmix64's increment: spreads neighbouring numbers


def of_session(lane: str) -> bool:
    """Whether a lane is that of the broker of one replay session: it is called by the session's id."""
    return _SESSION_LANE.fullmatch(lane) is not None


def mix(value: int) -> int:
    """The finalizer of splitmix64: every bit of 64 depends on every other."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def address(row: BrokerRow, listener: str) -> tuple[str, int] | None:
    """Where clients that came by ``listener`` reach a broker; None if it has no such listener.

    One of an earlier release has a single listener and does not say its name.
    """
    for one in row.endpoints:
        if one.listener == listener:
            return one.host, one.port
    return None if row.endpoints else (row.host, row.port)


def seen_by(rows: Iterable[BrokerRow], listener: str) -> list[BrokerRow]:
    """``rows`` with the addresses at which clients of ``listener`` reach them, and without those that have
    no such listener."""
    seen = []
    for row in rows:
        where = address(row, listener)
        if where is not None:
            host, port = where
            same = (host, port) == (row.host, row.port)
            seen.append(row if same else replace(row, host=host, port=port))
    return seen


def partition_key(topic_id: bytes, partition: int) -> int:
    """A number for a partition, the same on every broker and release."""
    return mix(int.from_bytes(topic_id[:8]) ^ mix(int.from_bytes(topic_id[8:]) + partition))


def name_key(name: str) -> int:
    """A number for a group (or anything else with a name)."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def heaviest(key: int, brokers: Sequence[BrokerRow]) -> BrokerRow:
    """The broker with the greatest weight for ``key``; ties go to the greater number."""
    return max(
        brokers, key=lambda one: (mix(key ^ mix(one.broker_id * _GOLDEN + 1)), one.broker_id)
    )


class Routes:
    """One picture of the living brokers, and what follows from it. Immutable but for its memory.

    ``lane`` holds the brokers that clients of this lane see, never empty; ``everyone`` those of all lanes.
    """

    def __init__(
        self, me: BrokerRow, living: Iterable[BrokerRow], *, leaving: bool = False
    ) -> None:
        others = [row for row in living if row.broker_id != me.broker_id]
        here = [row for row in others if row.lane == me.lane]
        # Who leaves is not shown any more, unless nobody would be left.
        mine = [] if leaving and here else [me]
        self.me = me
        self.lane = tuple(sorted([*here, *mine], key=lambda row: row.broker_id))
        self.everyone = tuple(sorted([*others, *mine], key=lambda row: row.broker_id))
        self.by_id = {row.broker_id: row for row in self.lane}
        self.zones: dict[str, tuple[BrokerRow, ...]] = {}
        for row in self.lane:
            if row.rack is not None:
                self.zones[row.rack] = (*self.zones.get(row.rack, ()), row)
        # Background work for all partitions is the live lane's, if there is one.
        live = tuple(row for row in self.everyone if row.lane == LIVE)
        self._maintainers = live or self.everyone
        self._leaders: dict[tuple[bytes, int, str | None], BrokerRow] = {}
        self._views: dict[str, Routes] = {}

    def seen_by(self, listener: str) -> Routes:
        """The same picture with the addresses that clients of ``listener`` are told, one of this broker's.

        Brokers without that listener are not in it: all of a lane should have the same ones.
        """
        view = self._views.get(listener)
        if view is None:
            everyone = seen_by(self.everyone, listener)
            (me,) = seen_by([self.me], listener) or [self.me]
            leaving = self.me.broker_id not in self.by_id
            view = Routes(me, everyone, leaving=leaving)
            self._views[listener] = view
        return view

    @property
    def alone(self) -> bool:
        """No other broker, of any lane, is known to live."""
        return all(row.broker_id == self.me.broker_id for row in self.everyone)

    @property
    def is_followed(self) -> bool:
        """Whether another broker is to hear at once of what is written here: one that serves a single replay session
        reads branches whose ends stand still."""
        return any(
            row.broker_id != self.me.broker_id and not of_session(row.lane) for row in self.everyone
        )

    def leader(self, topic_id: bytes, partition: int, zone: str | None = None) -> BrokerRow:
        """Where clients (of ``zone``, if it has brokers) are sent for a partition."""
        if zone not in self.zones:
            zone = None
        key = (topic_id, partition, zone)
        found = self._leaders.get(key)
        if found is None:
            brokers = self.lane if zone is None else self.zones[zone]
            found = heaviest(partition_key(topic_id, partition), brokers)
            self._leaders[key] = found
        return found

    def replicas(self, topic_id: bytes, partition: int, zone: str | None = None) -> list[int]:
        """The leader, then for each other zone the broker that its consumers are sent to (KIP-392).

        Clients fetch only from brokers that are listed as replicas.
        """
        leader = self.leader(topic_id, partition, zone)
        nearest = (
            self.leader(topic_id, partition, each).broker_id
            for each in sorted(self.zones)
            if each != leader.rack
        )
        return list(dict.fromkeys([leader.broker_id, *nearest]))

    def nearer(self, topic_id: bytes, partition: int, rack: str) -> BrokerRow | None:
        """The broker in ``rack`` that a consumer there should read from instead of us, if any."""
        if not rack or rack == self.me.rack or rack not in self.zones:
            return None
        return self.leader(topic_id, partition, rack)

    def coordinator(self, group_id: str) -> BrokerRow:
        return heaviest(name_key(group_id), self.lane)

    def owns_group(self, group_id: str) -> bool:
        return self.coordinator(group_id).broker_id == self.me.broker_id

    def looks_after(self, topic_id: bytes, partition: int) -> bool:
        """Whether background work on this partition is ours. Two brokers may both think so for a
        moment; all that such work does is a compare-and-set."""
        owner = heaviest(partition_key(topic_id, partition), self._maintainers)
        return owner.broker_id == self.me.broker_id


def zone_of(client_id: str) -> str | None:
    """The zone that a client names in its client id, as in ``zone=eu-1a,app`` (or ``app;zone=eu-1a``).

    Kafka's protocol has no field for a producer's zone; consumers have ``client.rack`` (KIP-392).
    """
    for part in client_id.replace(";", ",").split(","):
        name, equals, value = part.strip().partition("=")
        if equals and name == "zone":
            return value or None
    return None
