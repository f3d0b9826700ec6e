"""Threads that say what is wrong once they are closed, and the set of them that a log works with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar

from anabranch.errors import StoreFault

T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """Work that comes after ``shutdown`` is a StoreFault of ours, which every caller knows to answer."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            raise StoreFault("the log is closed", retryable=False) from None


class Worker:
    """One thread that runs one job after the other, for the path where every hop counts.

    An executor's futures cost some 80 µs a round trip more than a queue and one call back to the loop
    (`bench/` measures what a synchronous producer sees of it).
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, job: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Run ``job(*args)``; to be called on the loop. Raises StoreFault once shut down."""
        if self._closed:
            raise StoreFault("the log is closed", retryable=False)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(loop, future, job, args))
        return future

    def shutdown(self) -> None:
        """Finish what is queued, then end the thread."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            result, error = None, None
            try:
                result = job.call(*job.args)
            except BaseException as fault:
                error = fault
            try:
                job.loop.call_soon_threadsafe(_deliver, job.future, result, error)
            except RuntimeError:
                pass  # that loop is closed: nobody waits any more


class _Job(NamedTuple):
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    call: Callable[..., Any]
    args: tuple[Any, ...]


def _deliver(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return  # the caller went away; what was done is done all the same
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class LogThreads(NamedTuple):
    """Where a log's blocking work runs. Passed in, so that simulation runs all of it on its own loop."""

    wal: Worker  # one flush after the other
    cold: Executor  # reads below the tail; they can never occupy more of the machine than this
    background: Executor  # merge, collection, recycling: one job at a time

    @classmethod
    def start(cls, *, cold: int) -> LogThreads:
        """Real threads, ``cold`` of them for cold reads."""
        return cls(Worker("wal"), Threads(cold, "cold"), Threads(1, "background"))

    def shutdown(self) -> None:
        """Finish what is queued, then end them; blocks."""
        for threads in self:
            threads.shutdown()
