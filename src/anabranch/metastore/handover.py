"""A flush on its way from the thread that wrote it to the thread that commits it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from threading import Lock

from anabranch.metastore.values import AppendCommit, FlushCommit


class Handover:
    """What a flush commits: given, or failed, by the thread that writes it, and taken once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._given: FlushCommit | BaseException | None = None
        self._taker: Callable[[FlushCommit | BaseException], None] | None = None

    def give(self, object_key: str, commits: Sequence[AppendCommit]) -> None:
        self._settle(FlushCommit(object_key, commits))

    def fail(self, error: BaseException) -> None:
        self._settle(error)

    def _settle(self, given: FlushCommit | BaseException) -> None:
        with self._lock:
            self._given, taker = given, self._taker
        if taker is not None:
            taker(given)

    def take(self, taker: Callable[[FlushCommit | BaseException], None]) -> None:
        """Have ``taker`` called by whoever comes second, the giver's thread or this one."""
        with self._lock:
            self._taker, given = taker, self._given
        if given is not None:
            taker(given)

    async def given(self) -> FlushCommit:
        """Take it on the loop. Raises what it failed with."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[FlushCommit] = loop.create_future()

        def deliver(given: FlushCommit | BaseException) -> None:
            if future.done():
                return
            if isinstance(given, BaseException):
                future.set_exception(given)
            else:
                future.set_result(given)

        def wake(given: FlushCommit | BaseException) -> None:
            loop.call_soon_threadsafe(deliver, given)

        self.take(wake)
        return await future
