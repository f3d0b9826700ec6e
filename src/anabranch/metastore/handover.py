"""A flush on its way from the thread that writes it to the thread that commits it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from threading import Lock

from anabranch.metastore.transaction_values import TransactionEnd
from anabranch.metastore.values import AppendCommit, FlushCommit

Taker = Callable[[FlushCommit | BaseException], None]


class Handover:
    """What a flush commits: placed, then durable or failed, by the thread that writes it; taken once.

    Once it is placed, what there is to commit is known while its bytes are still being written: a
    metastore that can may do all but the commit meanwhile, and :meth:`wait` before it (I1).
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._placed: FlushCommit | None = None
        self._durable = False
        self._error: BaseException | None = None
        self._taker: Taker | None = None
        self._early = False
        self._writing = Lock()  # held until the write has ended, well or badly
        self._writing.acquire()

    # The thread that writes.

    def place(
        self,
        object_key: str,
        commits: Sequence[AppendCommit],
        ends: Sequence[TransactionEnd] = (),
    ) -> None:
        """The flush has its place; its bytes are not durable yet."""
        with self._lock:
            self._placed = FlushCommit(object_key, commits, ends)
            taker = self._let_go() if self._early else None
        if taker is not None:
            taker(self._placed)

    def durable(self) -> None:
        """What was placed may be committed."""
        with self._lock:
            assert self._placed is not None
            self._durable = True
            taker = self._let_go()
        self._writing.release()
        if taker is not None:
            taker(self._placed)

    def give(
        self,
        object_key: str,
        commits: Sequence[AppendCommit],
        ends: Sequence[TransactionEnd] = (),
    ) -> None:
        """Both at once: it is durable already."""
        self.place(object_key, commits, ends)
        self.durable()

    def fail(self, error: BaseException) -> None:
        """Nothing of it counts."""
        with self._lock:
            self._error = error
            taker = self._let_go()
        self._writing.release()
        if taker is not None:
            taker(error)

    # The side that commits.

    def take(self, taker: Taker, *, early: bool = False) -> None:
        """Have ``taker`` called by whoever comes second, the writing thread or this one.

        It is called with the failure, or with what is durable; ``early``: with what is placed.
        """
        with self._lock:
            self._early = early
            given = self._error or (self._placed if self._durable or early else None)
            if given is None:
                self._taker = taker
        if given is not None:
            taker(given)

    def _let_go(self) -> Taker | None:
        """Who is to be called, once: it leads back here, and what was flushed hangs on it."""
        taker, self._taker = self._taker, None
        return taker

    def wait(self) -> None:
        """Block until the bytes are durable. Raises what the write failed with."""
        with self._writing:
            pass
        if self._error is not None:
            raise self._error

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

        def tell_the_loop(given: FlushCommit | BaseException) -> None:
            loop.call_soon_threadsafe(deliver, given)

        self.take(tell_the_loop)
        return await future
