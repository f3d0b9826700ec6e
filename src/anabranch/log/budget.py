"""What answers from storage may hold in memory, all together: being read, put together, or not yet sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

SHARES = 8  # one answer takes at most this part of what is left
LEAST_BYTES = 64 * 1024  # an answer is worth reading for; less than this left means wait
RECENT_SHARE = 4  # recent data may go over the bound by this part: old data never locks it out


class ByteBudget:
    """First come, first served; on one event loop.

    Invariant: ``held_bytes`` is the sum of what was reserved and not released. With ``unsent()``, what
    clients have not taken yet, it stays below ``bytes_max`` (and a part of it for recent data), but for
    batches that are larger than what their readers were granted: one per thread that reads.
    """

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.held_bytes = 0
        self.unsent: Callable[[], int] = lambda: 0
        self.waited = 0  # reservations that had to wait, for metrics
        self._waiting: dict[bool, deque[tuple[int, asyncio.Future[int]]]] = {
            True: deque(),
            False: deque(),
        }

    def _free(self, recent: bool) -> int:
        bound = self.bytes_max + (self.bytes_max // RECENT_SHARE if recent else 0)
        return bound - self.held_bytes - self.unsent()

    @property
    def short(self) -> bool:
        """Whether somebody waits for room."""
        return any(self._waiting.values())

    async def reserve(self, wanted: int, *, recent: bool) -> int:
        """Wait for room and take up to ``wanted`` bytes of it; how many. To be given back by
        :meth:`release`, the same number or what was made of it by :meth:`correct`."""
        waiting = self._waiting[recent]
        if not waiting and (granted := self._grant(wanted, recent)):
            return granted
        self.waited += 1
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        waiting.append((wanted, future))
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release(future.result())
            else:
                self._waiting[recent] = deque(one for one in waiting if one[1] is not future)
            raise

    def _grant(self, wanted: int, recent: bool) -> int:
        free = self._free(recent)
        if free < LEAST_BYTES and self.held_bytes + self.unsent() > 0:
            return 0
        granted = max(1, min(wanted, max(free // SHARES, LEAST_BYTES)))
        self.held_bytes += granted
        return granted

    def correct(self, reserved: int, actual: int) -> int:
        """It became ``actual`` bytes; returns them, for :meth:`release`."""
        self.held_bytes += actual - reserved
        if actual < reserved:
            self.changed()
        return actual

    def release(self, count: int) -> None:
        self.held_bytes -= count
        assert self.held_bytes >= 0
        self.changed()

    def changed(self) -> None:
        """There may be more room: also to be called when ``unsent`` has gone down."""
        for recent in (True, False):
            waiting = self._waiting[recent]
            while waiting:
                wanted, future = waiting[0]
                if future.done():
                    waiting.popleft()
                    continue
                granted = self._grant(wanted, recent)
                if not granted:
                    break
                waiting.popleft()
                future.set_result(granted)
