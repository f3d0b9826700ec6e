"""Fetch sessions (KIP-227): a consumer of many partitions names only what changed, and is told only that.

A session remembers what its client asks for and what it was last told. It lives in this broker's memory alone:
a client whose session is gone begins another with a full fetch. Sessions and what they remember are bounded
(I10); where there is no room, a client is answered without one and simply goes on with full fetches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final, TypeAlias

from anabranch.errors import ErrorCode
from anabranch.wire.messages.m01_fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)

FINAL_EPOCH: Final = -1  # a full fetch without a session; closes the one that it names
INITIAL_EPOCH: Final = 0  # a full fetch that asks for a session
EPOCH_MAX: Final = (1 << 31) - 1

EVICT_IDLE_S: Final = 120.0  # Kafka's min.incremental.fetch.session.eviction.ms

_Key: TypeAlias = tuple[str, bytes, int]  # name (below v13) or id of the topic, and the partition


class _Place:
    """One partition of a session: what is asked of it, and what its client was last told."""

    __slots__ = ("asked", "key", "told")

    def __init__(self, key: _Key, asked: FetchPartition) -> None:
        self.key = key
        self.asked = asked
        self.told: tuple[int, int, int] | None = None


class _Session:
    __slots__ = ("by_ids", "epoch", "id", "places", "used_s")

    def __init__(self, session_id: int, *, by_ids: bool, now_s: float) -> None:
        self.id = session_id
        self.by_ids = by_ids
        self.epoch = INITIAL_EPOCH + 1  # of the next request
        self.places: dict[_Key, _Place] = {}  # in the order in which they are served
        self.used_s = now_s


class SessionFetch:
    """One fetch within a session: the places that it asks for, and what of its answer must be sent."""

    def __init__(self, session: _Session, *, full: bool) -> None:
        self._session = session
        self._full = full
        self._places = list(session.places.values())

    def topics(self) -> list[FetchTopic]:
        """What is fetched, as a full fetch would name it."""
        return [
            FetchTopic(topic=name, topic_id=topic_id, partitions=[one.asked for one in places])
            for (name, topic_id), places in groupby(self._places, key=lambda one: one.key[:2])
        ]

    def trim(self, response: FetchResponse) -> FetchResponse:
        """Leave of ``response``, which answers :meth:`topics` in their order, what is news to the client."""
        if response.error_code:
            return response
        response.session_id = self._session.id
        places = iter(self._places)
        topics = []
        for topic in response.responses:
            # Not zip(): it would take a place too many where the topic's partitions end.
            topic.partitions = [
                one for one in topic.partitions if self._is_news(next(places), one) or self._full
            ]
            if topic.partitions:
                topics.append(topic)
        response.responses = topics
        return response

    def _is_news(self, place: _Place, answer: PartitionData) -> bool:
        told = (answer.high_watermark, answer.last_stable_offset, answer.log_start_offset)
        failed = bool(answer.error_code)
        news = (
            failed
            or bool(answer.records)
            or told != place.told
            or answer.preferred_read_replica >= 0
            or (answer.diverging_epoch is not None and answer.diverging_epoch.end_offset >= 0)
        )
        place.told = None if failed else told
        if answer.records and self._session.places.pop(place.key, None) is not None:
            # To the end, so that a busy partition does not keep the answer's room from the others.
            self._session.places[place.key] = place
        return news


class FetchSessions:
    """The sessions of one broker.

    ``sessions_max`` and ``partitions_max`` (of all sessions together) bound what is remembered, in numbers
    read anew for each fetch. ``monotonic_s`` and ``new_id`` (a positive int32, unpredictable) are the only hidden inputs.
    """

    def __init__(
        self,
        *,
        sessions_max: Callable[[], int],
        partitions_max: Callable[[], int],
        monotonic_s: Callable[[], float],
        new_id: Callable[[], int],
    ) -> None:
        self._sessions_max = sessions_max
        self._partitions_max = partitions_max
        self._monotonic_s = monotonic_s
        self._new_id = new_id
        self._sessions: dict[int, _Session] = {}  # the longest unused first
        self.partitions = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._sessions)

    def enter(self, request: FetchRequest, *, by_ids: bool) -> SessionFetch | ErrorCode | None:
        """The session that ``request`` goes on or begins, None for a full fetch without one.

        ``by_ids``: topics are named by id (from v13). The errors are KIP-227's and KIP-516's.
        """
        if request.session_epoch in (FINAL_EPOCH, INITIAL_EPOCH):
            self._forget(request.session_id)
            if request.session_epoch == FINAL_EPOCH:
                return None
            return self._begin(request, by_ids=by_ids)
        session = self._sessions.get(request.session_id)
        if session is None:
            return ErrorCode.FETCH_SESSION_ID_NOT_FOUND
        if session.epoch != request.session_epoch:
            return ErrorCode.INVALID_FETCH_SESSION_EPOCH
        if session.by_ids != by_ids:
            return ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR
        self._change(session, request)
        if self.partitions > self._partitions_max() and not self._evict_for(0, keep=session):
            self._forget(session.id)
            return ErrorCode.FETCH_SESSION_ID_NOT_FOUND
        session.epoch = session.epoch + 1 if session.epoch < EPOCH_MAX else 1
        session.used_s = self._monotonic_s()
        self._sessions[session.id] = self._sessions.pop(session.id)
        return SessionFetch(session, full=False)

    def _begin(self, request: FetchRequest, *, by_ids: bool) -> SessionFetch | None:
        asked = dict(_asked(request.topics))
        if not asked or not self._evict_for(len(asked)):
            return None
        session_id = self._new_id()
        while session_id in self._sessions:
            session_id = self._new_id()
        session = _Session(session_id, by_ids=by_ids, now_s=self._monotonic_s())
        session.places = {key: _Place(key, one) for key, one in asked.items()}
        self._sessions[session_id] = session
        self.partitions += len(session.places)
        return SessionFetch(session, full=True)

    def _change(self, session: _Session, request: FetchRequest) -> None:
        before = len(session.places)
        for key, asked in _asked(request.topics):
            place = session.places.get(key)
            if place is None:
                session.places[key] = _Place(key, asked)
            else:
                place.asked = asked
        for topic in request.forgotten_topics_data:
            for index in topic.partitions:
                session.places.pop((topic.topic, topic.topic_id, index), None)
        self.partitions += len(session.places) - before

    def _evict_for(self, wanted: int, keep: _Session | None = None) -> bool:
        """Make room for a session of ``wanted`` partitions (0: for none) out of what is idle."""
        idle_since = self._monotonic_s() - EVICT_IDLE_S
        while (
            self.partitions + wanted > self._partitions_max()
            or len(self._sessions) + (wanted > 0) > self._sessions_max()
        ):
            oldest = next(iter(self._sessions.values()), None)
            if oldest is None or oldest is keep or oldest.used_s > idle_since:
                return False
            self._forget(oldest.id)
            self.evicted += 1
        return True

    def _forget(self, session_id: int) -> None:
        session = self._sessions.pop(session_id, None)
        if session is not None:
            self.partitions -= len(session.places)


def _asked(topics: Iterable[FetchTopic]) -> Iterator[tuple[_Key, FetchPartition]]:
    for topic in topics:
        for one in topic.partitions:
            yield (topic.topic, topic.topic_id, one.partition), one
