"""Threads of the simulation: jobs that start after a while and give way at every disk and store call."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from random import Random
from typing import Any, TypeVar

from anabranch.errors import StoreFault
from anabranch.log.threads import LogThreads, Result, Worker
from sim.loop import Process

T = TypeVar("T")

START_S_MAX = 0.002  # how long a job waits for its thread to be scheduled


class SimThreads(Executor):
    """Stands for an executor of ``width`` threads."""

    def __init__(self, process: Process, rng: Random, width: int) -> None:
        self._process = process
        self._rng = rng
        self._width = width
        self._queue: deque[tuple[asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]] = (
            deque()
        )
        self._busy = 0
        self._closed = False

    def run(self, job: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        if self._closed:
            raise StoreFault("the log is closed", retryable=False)
        future: asyncio.Future[T] = self._process.loop.create_future()
        self._queue.append((future, job, args))
        self._start_more()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._closed = True
        while self._busy or self._queue:
            self._process.loop.give_way(START_S_MAX)

    def _start_more(self) -> None:
        while self._queue and self._busy < self._width:
            self._busy += 1
            delay_s = self._rng.random() * START_S_MAX
            self._process.call_later(delay_s, self._begin, *self._queue.popleft())

    def _begin(
        self, future: asyncio.Future[Any], job: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        inner = self._process.loop.run_job(job, *args)
        inner.add_done_callback(lambda done: self._end(future, done))

    def _end(self, future: asyncio.Future[Any], done: asyncio.Future[Any]) -> None:
        self._busy -= 1
        self._start_more()
        error = done.exception()
        if future.done():
            return  # the caller went away; what was done is done all the same
        if error is None:
            future.set_result(done.result())
        else:
            future.set_exception(error)


class SimWorker(Worker):
    """Stands for the threads that write the WAL."""

    def __init__(self, process: Process, rng: Random, width: int) -> None:
        self._loop = process.loop
        self._threads = SimThreads(process, rng, width)

    def run(self, job: Callable[[], T]) -> Awaitable[T]:
        result: Result[T] = Result(self._loop)
        self._threads.run(result.run, job)
        return result

    def shutdown(self) -> None:
        self._threads.shutdown()


def log_threads(process: Process, rng: Random, *, cold: int, wal: int) -> LogThreads:
    return LogThreads(
        SimWorker(process, rng, wal),
        SimThreads(process, rng, cold),
        SimThreads(process, rng, 1),
        SimThreads(process, rng, 1),
        SimThreads(process, rng, 1),
        SimThreads(process, rng, 1),
    )
