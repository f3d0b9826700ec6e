"""Long polls: a fetch that sleeps until enough bytes arrived or its time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol


class Waiter:
    """Wakes once ``bytes_wanted`` more bytes were appended to any of its partitions."""

    __slots__ = ("_future", "_missing")

    def __init__(self, future: asyncio.Future[None], bytes_wanted: int) -> None:
        self._future = future
        self._missing = bytes_wanted

    def notify(self, appended_bytes: int) -> None:
        self._missing -= appended_bytes
        if self._missing <= 0 and not self._future.done():
            self._future.set_result(None)


class Waitable(Protocol):
    """Anything that keeps waiters, in the order in which they came, and notifies them."""

    waiters: dict[Waiter, None]


async def wait_for_bytes(places: Sequence[Waitable], bytes_wanted: int, timeout_s: float) -> None:
    """Sleep until ``bytes_wanted`` bytes came to ``places`` together, or ``timeout_s`` passed."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    waiter = Waiter(future, bytes_wanted)
    timer = loop.call_later(timeout_s, _expire, future)
    _join(places, waiter)
    try:
        await future
    finally:
        timer.cancel()
        for place in places:
            place.waiters.pop(waiter, None)


def _join(places: Iterable[Waitable], waiter: Waiter) -> None:
    for place in places:
        place.waiters[waiter] = None


def _expire(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
