"""Who reads what, by their fetches: also consumers that use ``assign()`` and never commit.

A broker keeps for each connection how far its last fetches were, in memory that is bounded whatever clients
do (I10), and writes about every few seconds what the most recent of them are as one bounded document, for
whoever asks. It is a picture for people, not a position to rely on: seconds old, and gone with the broker.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from anabranch.errors import Corrupt

DOCUMENT_KIND: Final = "readers"
CONNECTIONS_MAX: Final = 10_000  # watched; the one that was silent longest makes room
POSITIONS_MAX: Final = 50_000  # of all connections together, some 200 bytes each
PUBLISHED_MAX: Final = 1_000  # lines in a broker's document, some 100 bytes each
SAMPLE_MS: Final = (
    1_000  # of a connection's fetches one a second is looked at: they may be thousands
)
FORGET_MS: Final = (
    3_600_000  # a connection that fetched nothing for so long is not a reader any more
)


class Reader(Struct, frozen=True, array_like=True):
    """A client at a partition. ``offset`` is the next one that it asked for, ``at_ms`` when it last did."""

    client_id: str
    principal: str
    host: str
    topic_no: int
    partition: int
    offset: int
    at_ms: int

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        return (self.client_id, self.principal, self.host, self.topic_no, self.partition)


class Fetched(NamedTuple):
    """A partition, and the offset from which it is read."""

    topic_no: int
    partition: int
    offset: int


class Watched:
    """One connection's fetches. Invariant: the table's ``positions`` is the sum of all ``len(at)``."""

    __slots__ = ("at", "client_id", "due_ms", "principal")

    def __init__(self, client_id: str, principal: str) -> None:
        self.client_id = client_id
        self.principal = principal
        self.due_ms = 0
        self.at: dict[tuple[int, int], tuple[int, int]] = {}  # partition: (offset, ms)


class ReaderTable:
    """See the module. Times are milliseconds since the epoch, given by the caller."""

    def __init__(
        self, *, connections_max: int = CONNECTIONS_MAX, positions_max: int = POSITIONS_MAX
    ) -> None:
        assert connections_max > 0 and positions_max > 0
        self._connections_max = connections_max
        self._positions_max = positions_max
        self._watched: OrderedDict[tuple[str, int, str], Watched] = OrderedDict()
        self.positions = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._watched)

    def due(self, host: str, port: int, client_id: str, now_ms: int) -> bool:
        """Whether this connection's fetch is worth a look; asked of every fetch, so it does next to nothing."""
        watched = self._watched.get((host, port, client_id))
        return watched is None or now_ms >= watched.due_ms or now_ms < watched.due_ms - SAMPLE_MS

    def saw(
        self,
        host: str,
        port: int,
        client_id: str,
        principal: str,
        fetched: Iterable[Fetched],
        now_ms: int,
    ) -> None:
        """Keep where a connection reads. Partitions past the bound of all together are left out."""
        key = (host, port, client_id)
        watched = self._watched.get(key)
        if watched is None:
            while len(self._watched) >= self._connections_max:
                self._evict()
            watched = self._watched[key] = Watched(client_id, principal)
        self._watched.move_to_end(key)
        watched.principal = principal
        watched.due_ms = now_ms + SAMPLE_MS
        at, before = watched.at, len(watched.at)
        for one in fetched:
            place = (one.topic_no, one.partition)
            if place in at or len(at) < self._positions_max:
                at[place] = (one.offset, now_ms)
        self.positions += len(at) - before
        while self.positions > self._positions_max:
            self._evict()

    def recent(self, now_ms: int, limit: int = PUBLISHED_MAX) -> list[Reader]:
        """The newest of each client at each partition, ``limit`` at most, in the order of their keys."""
        while self._watched:
            oldest = next(iter(self._watched.values()))
            if now_ms - oldest.due_ms < FORGET_MS:
                break
            self._evict(counted=False)
        newest: dict[tuple[str, str, str, int, int], Reader] = {}
        for (host, _, client_id), watched in self._watched.items():
            for (topic_no, partition), (offset, at_ms) in watched.at.items():
                one = Reader(client_id, watched.principal, host, topic_no, partition, offset, at_ms)
                known = newest.get(one.key)
                if known is None or known.at_ms <= at_ms:
                    newest[one.key] = one
        found = sorted(newest.values(), key=lambda one: -one.at_ms)[:limit]
        return sorted(found, key=lambda one: one.key)

    def _evict(self, *, counted: bool = True) -> None:
        _, watched = self._watched.popitem(last=False)
        self.positions -= len(watched.at)
        self.evicted += counted


def encode(readers: Sequence[Reader]) -> bytes:
    """The document."""
    return msgspec.json.encode(readers)


def decode(body: bytes) -> list[Reader]:
    """Inverse of :func:`encode`. Raises Corrupt."""
    try:
        return msgspec.json.decode(body, type=list[Reader])
    except msgspec.MsgspecError as error:
        raise Corrupt(f"a broker's list of readers cannot be read: {error}") from None
