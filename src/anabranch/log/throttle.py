"""Rate limits for reading: of what a broker reads below the tail, of one group.

A limit slows progress and never stops it: a batch larger than what is left is given and then paid off,
and readers that wait are served by how long ago they were served last.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from heapq import heappop, heappush
from typing import NamedTuple

BURST_SECONDS = 0.25  # short enough that a graph of the replay's rate is flat
BURST_BYTES_MIN = 64 * 1024  # a limit must never be smaller than a usual batch
FAIR_BURST_SECONDS = 0.05  # what is read at once is felt by appends at once
TURN_SECONDS = 0.02  # of the rate: so much is worth a reader's turn, within the bounds below
TURN_BYTES_MIN = 16 * 1024
TURN_BYTES_MAX = 256 * 1024  # fetches cost time of their own: not more of them than need be
WAIT_S_MAX = 0.25  # then the rate may be another
READERS_MAX = 4096  # whose last turn is remembered; who is forgotten goes first


class TokenBucket:
    """Bytes that may be read now. A batch larger than what is left is given and then paid off, so that a
    limit slows progress and never stops it."""

    __slots__ = ("_at_s", "_burst_min", "_burst_s", "_tokens", "rate")

    def __init__(
        self,
        bytes_per_second: int,
        now_s: float,
        burst_s: float = BURST_SECONDS,
        burst_min: int = BURST_BYTES_MIN,
    ) -> None:
        assert bytes_per_second > 0
        self.rate = bytes_per_second
        self._burst_s = burst_s
        self._burst_min = burst_min
        self._tokens = float(self.burst)
        self._at_s = now_s

    @property
    def burst(self) -> int:
        return max(self._burst_min, int(self.rate * self._burst_s))

    def available(self, now_s: float) -> int:
        """Bytes that may be read at ``now_s`` (monotonic seconds); zero or less means wait."""
        self._tokens = min(float(self.burst), self._tokens + (now_s - self._at_s) * self.rate)
        self._at_s = now_s
        return int(self._tokens)

    def take(self, count: int) -> None:
        self._tokens -= count

    def change(self, bytes_per_second: int, now_s: float) -> None:
        """From ``now_s`` on it is another rate."""
        assert bytes_per_second > 0
        if bytes_per_second != self.rate:
            self.available(now_s)
            self.rate = bytes_per_second

    def wait_s(self, wanted: int = 1) -> float:
        """Seconds until ``wanted`` bytes may be read, as of the last ``available``."""
        return max(0.0, (wanted - self._tokens) / self.rate)


class _Turn(NamedTuple):
    served_s: float  # when this reader was served last
    number: int  # in the order of asking
    reader: Hashable
    wanted: int
    future: asyncio.Future[int]


class FairLimit:
    """A token bucket that many readers wait for. Who was served longest ago is served first, and gets a
    part of what there is, so that nobody is starved, however many ask and however large their answers."""

    def __init__(self, bytes_per_second: Callable[[float], int], now_s: float) -> None:
        """``bytes_per_second`` tells the rate at a time of the loop's clock; positive."""
        self._rate = bytes_per_second
        self._bucket = TokenBucket(bytes_per_second(now_s), now_s, FAIR_BURST_SECONDS)
        self._served: OrderedDict[Hashable, float] = OrderedDict()
        self._waiting: list[_Turn] = []  # a heap; those whose future is done are gone
        self._asked = 0
        self._timer: asyncio.TimerHandle | None = None
        self.delayed = 0  # turns that had to wait, for metrics
        self.read_bytes = 0  # likewise

    @property
    def rate(self) -> int:
        return self._bucket.rate

    async def take(self, reader: Hashable, wanted: int, wait_s: float) -> int:
        """Bytes that ``reader`` may read now, at most ``wanted``; 0 if its turn does not come within
        ``wait_s``. What is read in the end is told by :meth:`correct`."""
        now_s = asyncio.get_running_loop().time()
        if not self._waiting and self._available(now_s) >= min(wanted, self._turn_bytes):
            return self._grant(reader, wanted)
        self.delayed += 1
        loop = asyncio.get_running_loop()
        self._asked += 1
        served_s = self._served.get(reader, -1.0)
        turn = _Turn(served_s, self._asked, reader, wanted, loop.create_future())
        heappush(self._waiting, turn)
        self._schedule(loop)
        try:
            # Not wait_for: since Python 3.12 that asks for a task, and a request that never had to wait has none.
            await asyncio.wait((turn.future,), timeout=wait_s)
            if turn.future.done():
                return turn.future.result()
            turn.future.cancel()
            return 0
        except asyncio.CancelledError:
            if not turn.future.cancel():
                self.correct(turn.future.result(), 0)
            raise

    def correct(self, granted: int, actual: int) -> None:
        """What was granted became an answer of ``actual`` bytes."""
        self._bucket.take(actual - granted)
        self.read_bytes += actual

    @property
    def _turn_bytes(self) -> int:
        return min(TURN_BYTES_MAX, max(TURN_BYTES_MIN, int(self.rate * TURN_SECONDS)))

    def _available(self, now_s: float) -> int:
        self._bucket.change(self._rate(now_s), now_s)
        return self._bucket.available(now_s)

    def _grant(self, reader: Hashable, wanted: int) -> int:
        now_s = asyncio.get_running_loop().time()
        available = self._bucket.available(now_s)
        share = max(BURST_BYTES_MIN, self._bucket.burst // 4) if self._waiting else available
        granted = max(1, min(wanted, available, share))
        self._bucket.take(granted)
        self._served[reader] = now_s
        self._served.move_to_end(reader)
        if len(self._served) > READERS_MAX:
            self._served.popitem(last=False)
        return granted

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None and self._waiting:
            self._available(loop.time())
            wait_s = min(WAIT_S_MAX, max(0.001, self._bucket.wait_s(self._turn_bytes)))
            self._timer = loop.call_later(wait_s, self._serve, loop)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        while self._waiting and self._available(loop.time()) >= self._turn_bytes:
            turn = heappop(self._waiting)
            if not turn.future.done():
                turn.future.set_result(self._grant(turn.reader, turn.wanted))
        self._schedule(loop)
