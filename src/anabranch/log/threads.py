"""Threads that say what is wrong once they are closed, and the set of them that a log works with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Generic, NamedTuple, TypeVar

from anabranch.errors import StoreFault
from anabranch.scheduling import be_prompt

T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """Work that comes after ``shutdown`` is a StoreFault of ours, which every caller knows to answer."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            raise StoreFault("the log is closed", retryable=False) from None


class Result(Generic[T]):
    """What a job came to, to be awaited on the loop, as often as wanted.

    The loop is woken only if somebody waits by the time the job ends: a loop that wakes for nothing
    takes the interpreter from the thread that the job's outcome was handed to.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = Lock()
        self._waiting: list[asyncio.Future[None]] = []
        self._done = False
        self._value: T
        self._error: BaseException | None = None

    def __await__(self) -> Generator[Any, None, T]:
        with self._lock:
            if not self._done:
                self._waiting.append(self._loop.create_future())
            waiting = None if self._done else self._waiting[-1]
        if waiting is not None:
            yield from waiting
        if self._error is not None:
            raise self._error
        return self._value

    def run(self, job: Callable[[], T]) -> None:
        """Run the job, on whichever thread this is."""
        try:
            self._value = job()
        except BaseException as error:
            self._error = error
        with self._lock:
            self._done = True
            waiting = self._waiting
        if waiting:
            try:
                self._loop.call_soon_threadsafe(_wake, waiting)
            except RuntimeError:
                pass  # that loop is closed: nobody waits any more


def _wake(waiting: list[asyncio.Future[None]]) -> None:
    for future in waiting:
        if not future.done():  # else the caller went away; what was done is done all the same
            future.set_result(None)


class Worker:
    """One thread that runs one job after the other, for the path where every hop counts.

    With ``threads`` above one, so many jobs are under way at a time, begun in the order of the queue. An executor's futures cost some 80 µs a round trip more than a queue and one call back to the loop
    (`bench/` measures what a synchronous producer sees of it).
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        self._jobs: SimpleQueue[tuple[Result[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._closed = False
        self._threads = [
            Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def run(self, job: Callable[[], T]) -> Awaitable[T]:
        """Run ``job()``; to be called on the loop. Raises StoreFault once shut down."""
        if self._closed:
            raise StoreFault("the log is closed", retryable=False)
        result: Result[T] = Result(asyncio.get_running_loop())
        self._jobs.put((result, job))
        return result

    def shutdown(self) -> None:
        """Finish what is queued, then end the threads."""
        self._closed = True
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        be_prompt()
        while (work := self._jobs.get()) is not None:
            result, job = work
            result.run(job)
            del work, result, job  # not to be kept in memory until the next one comes


class LogThreads(NamedTuple):
    """Where a log's blocking work runs. Passed in, so that simulation runs all of it on its own loop."""

    wal: Worker  # one flush after the other; several at a time where they are objects
    cold: Executor  # reads of old data; they can never occupy more of the machine than this
    background: Executor  # merge, collection, recycling: one job at a time
    journal: Executor | None = None  # does not wait behind a merge; None: it does
    recent: Executor | None = None  # reads of what has just left the tail; None: those of ``cold``
    compaction: Executor | None = None  # likewise: a large partition takes minutes

    @classmethod
    def start(cls, *, cold: int, recent: int = 2, wal: int = 1) -> LogThreads:
        """Real threads: ``cold`` and ``recent`` of them for reads of old and of recent data, ``wal`` for
        flushes at the same time."""
        return cls(
            *(Worker("wal", wal), Threads(cold, "cold")),
            *(Threads(1, "background"), Threads(1, "journal"), Threads(recent, "recent")),
            Threads(1, "compaction"),
        )

    def shutdown(self) -> None:
        """Finish what is queued, then end them; blocks."""
        for threads in self:
            if threads is not None:
                threads.shutdown()
