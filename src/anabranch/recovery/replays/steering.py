"""Keep a running session at the rate that the live side leaves: look, decide, tell the brokers.

The rate is enforced by the brokers, each for itself, as topic configs of the session's branches. So it is divided:
among the branches by what each has left, that they end together; and by the number of brokers that may
serve them, so that all of them together stay within it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from msgspec import Struct

from anabranch.errors import ClientFault, StoreFault
from anabranch.log.topic_limits import BYTES, RECORDS
from anabranch.metastore.api import Metastore, Topic
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.replays import signals, throttle
from anabranch.recovery.replays.session import Saturation, Session
from anabranch.storage.store import Store

STEP_MS: Final = 1000  # between two looks
DRIFT: Final = 0.05  # a share that changed by less is not told to the brokers
STORE_READ_BYTES: Final = 4096  # of the small read by which the store is judged
STORE_MS_MIN: Final = 2.0  # a store that is quicker than this is never slow
STORE_LESSONS: Final = 5  # reads that make what is usual
LIVE_APPENDS: Final = signals.LiveAppends.name
STORE_EVERY: Final = 5  # steps: a read costs a request


class Step(Struct, frozen=True):
    """What one look came to: the rate, why it is another (""), and how full everything is."""

    rate: int
    cause: str
    saturation: Saturation


class StoreTimes:
    """How long a small read of the store takes, beside what it took at first."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._lessons: deque[float] = deque(maxlen=STORE_LESSONS)
        self._steps = 0
        self._last: float | None = None

    async def ratio(self) -> float | None:
        """None if it is not known; 1 is as usual."""
        self._steps += 1
        if self._steps % STORE_EVERY != 1:
            return self._last
        began = time.monotonic()
        try:
            await asyncio.to_thread(self._store.get, self._key, 0, STORE_READ_BYTES)
        except StoreFault:
            self._last = None
            return None
        took_ms = 1000 * (time.monotonic() - began)
        if len(self._lessons) < STORE_LESSONS:
            self._lessons.append(took_ms)
        self._last = took_ms / max(STORE_MS_MIN, median(self._lessons))
        return self._last


class Governor:
    """The rate of one session, from look to look. ``probes`` may be none: then it is the limit."""

    def __init__(
        self, session: Session, probes: Sequence[signals.Probe], store: StoreTimes | None = None
    ) -> None:
        self.bounds = throttle.Bounds.of(session.rate, session.floor or None)
        self._probes = probes
        self._own_broker = session.own_broker
        self._store = store
        self._state = throttle.begin(self.bounds, guarded=bool(probes))

    @property
    def rate(self) -> int:
        """In force now; bytes per second."""
        return self._state.rate

    @property
    def appends_here(self) -> bool:
        """Whether live brokers of this machine took appends at the last look."""
        return any(one.here for one in self._probes if isinstance(one, signals.LiveAppends))

    async def step(self, now_ms: int, used: float | None, busy: float | None = None) -> Step:
        """Look and decide. ``used`` is what the session really reads in bytes per second; ``busy`` the share of
        the time that a function works, where one does."""
        found = await signals.read_all(self._probes)
        # Who reads nothing makes nobody late: what starts a session does, or somebody else. A broker of the
        # session's own slows down by itself, within a second, to what the session is held to. And between what is usual
        # and what is allowed there is less than what appends scatter: up to there it is calm.
        idle = used is None or 2 * used < self.bounds.floor
        judged = [
            reading
            for _, reading in found
            if reading.name != LIVE_APPENDS
            or not (idle or self._own_broker or (reading.ratio or 2.0) <= 1.0)
        ]
        self._state, cause = throttle.step(self._state, self.bounds, judged, used)
        if idle or cause:
            for probe in self._probes:
                if isinstance(probe, signals.LiveAppends):
                    probe.forget()  # what comes is judged by itself
        fullest: dict[str, float] = {} if busy is None else {"sink": busy}
        for kind, reading in found:
            if reading.ratio is not None:
                fullest[kind] = max(fullest.get(kind, 0.0), reading.ratio)
        store = None if self._store is None else await self._store.ratio()
        saturation = Saturation(
            now_ms,
            _rounded(fullest.get("broker")),
            _rounded(store),
            _rounded(fullest.get("sink")),
        )
        return Step(self._state.rate, cause, saturation)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


class BranchRates:
    """Tells the brokers how fast a session's branches may be read."""

    def __init__(self, metastore: Metastore, session: Session) -> None:
        self._metastore = metastore
        self._session = session
        self._told: dict[str, tuple[int, int]] = {}  # by branch

    async def set(self, rate: int, left_bytes: Mapping[str, int], now_ms: int) -> None:
        """``rate`` in bytes per second for all branches together, 0 to serve nothing; ``left_bytes`` by branch
        weighs them. Raises StoreFault; a branch that is gone is left alone."""
        session = self._session
        brokers = await self._brokers(now_ms)
        total = sum(left_bytes.values())
        for branch in session.branches:
            weight = left_bytes.get(branch.branch, 0) / total if total else 1.0
            topic = await self._topic(branch.branch, branch.branch_id)
            if topic is None:
                continue
            sharers = min(brokers, topic.partitions)
            size = max(1, int(rate * weight / sharers)) if rate else 0
            count = -1
            if session.record_rate is not None:
                part = rate / session.rate * weight / sharers
                count = max(1, int(session.record_rate * part)) if rate else 0
            if not _drifted(self._told.get(branch.branch), (size, count)):
                continue
            configs = {**topic.configs, BYTES: str(size), RECORDS: str(count)}
            if count < 0:
                del configs[RECORDS]
            try:
                await self._metastore.set_topic_configs(topic.no, configs, now_ms)
            except ClientFault:
                continue  # deleted just now: whoever reads it hears so
            self._told[branch.branch] = size, count

    async def _topic(self, name: str, identity: str) -> Topic | None:
        for topic in await self._metastore.topics():
            if topic.name == name and topic_id_text(topic.id) == identity:
                return topic
        return None

    async def _brokers(self, now_ms: int) -> int:
        """How many may serve a branch: those of its lane, or the largest lane's where it is not known."""
        now_ms = await self._metastore.now_ms()
        by_lane: dict[str, int] = {}
        for broker in signals.living(await self._metastore.brokers(), now_ms):
            by_lane[broker.lane] = by_lane.get(broker.lane, 0) + 1
        if self._session.lane is not None:
            return max(1, by_lane.get(self._session.lane, 1))
        return max(by_lane.values(), default=1)


def _drifted(before: tuple[int, int] | None, after: tuple[int, int]) -> bool:
    """Whether the brokers should hear of it."""
    if before is None:
        return True
    for old, new in zip(before, after, strict=True):
        if (old > 0) != (new > 0) or abs(new - old) > DRIFT * max(old, 1):
            return True
    return False
