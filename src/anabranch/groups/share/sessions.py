"""Share sessions: what a member of a share group asks one broker for, without naming it each time (KIP-932).

In this broker's memory alone. A member whose session is gone begins another. Bounded (I10): where there is no room,
SHARE_SESSION_LIMIT_REACHED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeAlias

from anabranch.errors import ClientFault, ErrorCode

FINAL_EPOCH: Final = -1
INITIAL_EPOCH: Final = 0
EPOCH_MAX: Final = (1 << 31) - 1

SESSIONS_MAX: Final = 2_000  # Kafka's group.share.max.share.sessions
PARTITIONS_MAX: Final = 100_000  # of all sessions
IDLE_MS: Final = 120_000  # a session without a request for so long makes room for others

Place: TypeAlias = tuple[bytes, int]
"""A topic's id and a partition."""


class MemberKey(NamedTuple):
    """Whose session it is."""

    group_id: str
    member_id: str


class _Session:
    __slots__ = ("epoch", "places", "used_ms")

    def __init__(self, now_ms: int) -> None:
        self.epoch = INITIAL_EPOCH + 1  # of the next request
        self.places: dict[Place, None] = {}  # in the order in which they are served
        self.used_ms = now_ms


class ShareSessions:
    """The sessions of one broker. ``now_ms`` of a clock that does not jump."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._sessions: dict[MemberKey, _Session] = {}  # the longest unused first
        self.places = 0

    def __len__(self) -> int:
        return len(self._sessions)

    def __contains__(self, key: object) -> bool:
        return key in self._sessions

    def fetch(
        self, key: MemberKey, epoch: int, added: Iterable[Place], forgotten: Iterable[Place]
    ) -> list[Place]:
        """What to fetch for a request of this epoch. Raises ClientFault with KIP-932's errors."""
        if epoch == INITIAL_EPOCH:
            self.end(key)
            self._make_room()
            session = self._sessions[key] = _Session(self._now_ms())
        else:
            session = self._step(key, epoch)
        before = len(session.places)
        session.places.update(dict.fromkeys(added))
        for place in forgotten:  # also if it was named for what the member says of it
            session.places.pop(place, None)
        self.places += len(session.places) - before
        if self.places > PARTITIONS_MAX:
            self.end(key)
            raise ClientFault(ErrorCode.SHARE_SESSION_LIMIT_REACHED)
        found = list(session.places)
        if (
            found
        ):  # the next request begins with another one, so that none keeps the room from the rest
            session.places[found[0]] = session.places.pop(found[0])
        return found

    def acknowledge(self, key: MemberKey, epoch: int) -> None:
        """A request without a fetch. Raises ClientFault with KIP-932's errors."""
        if epoch == INITIAL_EPOCH:
            raise ClientFault(ErrorCode.INVALID_SHARE_SESSION_EPOCH)
        self._step(key, epoch)

    def end(self, key: MemberKey) -> bool:
        """Whether there was one."""
        session = self._sessions.pop(key, None)
        if session is None:
            return False
        self.places -= len(session.places)
        return True

    def _step(self, key: MemberKey, epoch: int) -> _Session:
        session = self._sessions.get(key)
        if session is None:
            raise ClientFault(ErrorCode.SHARE_SESSION_NOT_FOUND)
        if session.epoch != epoch:
            raise ClientFault(ErrorCode.INVALID_SHARE_SESSION_EPOCH)
        session.epoch = epoch + 1 if epoch < EPOCH_MAX else 1
        session.used_ms = self._now_ms()
        self._sessions[key] = self._sessions.pop(key)
        return session

    def _make_room(self) -> None:
        if len(self._sessions) < SESSIONS_MAX:
            return
        oldest, session = next(iter(self._sessions.items()))
        if self._now_ms() - session.used_ms <= IDLE_MS:
            raise ClientFault(ErrorCode.SHARE_SESSION_LIMIT_REACHED)
        self.end(oldest)
