"""How many queries of the metastore cold reads may make in one turn of the event loop.

Where the metastore is a file, a query runs on the loop itself, in some ten microseconds. A thousand lagging
consumers that all come back at once must not make the loop spend its turn on them while an append waits.
"""

from __future__ import annotations

import asyncio
from collections import deque

QUERIES_PER_TURN = 8  # about a tenth of a millisecond


class Turns:
    """First come, first served; on one event loop."""

    def __init__(self, per_turn: int = QUERIES_PER_TURN) -> None:
        self._per_turn = per_turn
        self._left = per_turn
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._scheduled = False
        self.waited = 0  # for metrics

    async def take(self) -> None:
        """Return in a turn that has room for one more."""
        loop = asyncio.get_running_loop()
        self._schedule(loop)
        if self._left > 0 and not self._waiting:
            self._left -= 1
            return
        self.waited += 1
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append(future)
        await future

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._scheduled:
            self._scheduled = True
            # Not the next turn but the one after what that does: everybody else gets theirs in between.
            loop.call_soon(self._next_turn, loop)

    def _next_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        self._left = self._per_turn
        while self._waiting and self._left:
            future = self._waiting.popleft()
            if not future.done():
                self._left -= 1
                future.set_result(None)
        if self._waiting:
            self._schedule(loop)
