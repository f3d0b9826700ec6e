"""An event loop with virtual time, on which every simulated process takes its turn by seeded chance.

Within a process callbacks run in the order in which they were scheduled, as asyncio promises; *between*
processes chance decides who goes on. Time passes only when nobody has anything to do. A process can be
killed (nothing of it ever runs again, not even a ``finally``) or paused (all that is due waits, as for
SIGSTOP or a stalled machine).

Blocking code (a job for a thread) runs in a greenlet and gives way at each call of a simulated disk or
store, so that jobs interleave where threads would.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from random import Random
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

from anabranch.errors import AnabranchError

T = TypeVar("T")

START_S = 1000.0  # the loop's clock does not begin at 0, so that nobody takes 0 for "never"


class Stuck(AssertionError):
    """Nothing is ready, no timer is set, and the run is not over."""


class Killed(BaseException):
    """Raised inside blocking code of a process that was killed; nothing of the core may catch it."""


class Process:
    """What is killed, paused and scheduled as a whole: a broker, or the world with its clients."""

    def __init__(self, loop: SimLoop, name: str) -> None:
        self.loop = loop
        self.name = name
        self.alive = True
        self.paused = False
        self.ready: deque[asyncio.Handle] = deque()
        self.context = copy_context()
        self.context.run(_PROCESS.set, self)
        loop.processes.append(self)

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def runs(self) -> bool:
        return self.alive and not self.paused

    def kill(self) -> None:
        self.alive = False
        self.ready.clear()
        self.loop.processes.remove(self)

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str = "") -> asyncio.Task[T]:
        """A task of this process."""
        return self.loop.create_task(coroutine, name=name, context=self.context)

    def call_later(self, delay_s: float, callback: Callable[..., object], *args: Any) -> None:
        self.loop.call_later(delay_s, callback, *args, context=self.context)


_PROCESS: ContextVar[Process] = ContextVar("process")


def current_process() -> Process:
    return _PROCESS.get()


async def wait_for(awaitable: Any, timeout: float | None) -> Any:
    """In the place of ``asyncio.wait_for``, which makes a task on Python 3.11 and none later: every
    version is to take the same steps."""
    if timeout is None or timeout > 0:
        async with asyncio.timeout(timeout):
            return await awaitable
    future = asyncio.ensure_future(awaitable)
    if not future.done():
        future.cancel()
        await asyncio.wait((future,))
    try:
        return future.result()
    except asyncio.CancelledError:
        raise TimeoutError from None


class SimTask(asyncio.Task[Any]):
    """A task whose hash does not depend on its address: ``asyncio.wait`` and ``TaskGroup`` keep sets."""

    _numbers = itertools.count()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._number = next(SimTask._numbers)
        super().__init__(*args, **kwargs)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class SimLoop(asyncio.BaseEventLoop):
    """Leans on BaseEventLoop's ``_ready``, ``_scheduled`` and ``_run_once``; ``tests/sim/test_loop.py`` pins
    them for each Python version."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self._now_s = START_S
        self._rng = rng
        self.steps = 0
        self.processes: list[Process] = []
        self.errors: list[str] = []
        self.tasks: dict[int, asyncio.Task[Any]] = {}  # kept alive: a task's end by GC is no event
        self.world = Process(self, "world")
        self._jobs: dict[greenlet, Process] = {}  # suspended in blocking code
        self.set_task_factory(self._new_task)
        self.set_exception_handler(self._on_error)
        SimTask._numbers = itertools.count()

    # -- what asyncio asks of a loop -----------------------------------------------------------------
    def time(self) -> float:
        return self._now_s

    def _new_task(self, loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task = SimTask(coroutine, loop=self, **options)
        self.tasks[hash(task)] = task
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self.tasks.pop(hash(task), None)

    def _on_error(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, (Killed, AnabranchError)):
            return  # a fault that nobody waits for any more is no bug
        self.errors.append(f"{context.get('message')}: {error!r}")

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> Any:
        """From a job as well as from the loop itself: one more callback of the same process."""
        assert self._thread_id == threading.get_ident(), "a thread in the simulation"  # type: ignore[attr-defined]
        process = self._jobs.get(getcurrent()) or current_process()
        return self.call_soon(callback, *args, context=context or process.context)

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        pass  # of a killed process: nothing of it runs again

    def _write_to_self(self) -> None:
        pass

    def _process_events(self, event_list: Any) -> None:
        pass

    async def create_server(self, factory: Any, *, sock: Any, backlog: int) -> Any:  # type: ignore[override]
        """On a port of the simulated network (``sim.tcp``)."""
        return sock.serve(factory)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Simulated threads take their jobs; asyncio's own default pool is one per call."""
        if executor is None:
            return self.run_job(func, *args)
        return executor.run(func, *args)

    def _run_once(self) -> None:
        self._sort_ready()
        candidates = [process for process in self.processes if process.ready and process.runs]
        if not candidates:
            self._advance()
            return
        process = candidates[0] if len(candidates) == 1 else self._rng.choice(candidates)
        handle = process.ready.popleft()
        if not handle._cancelled:
            self.steps += 1
            handle._run()
        handle = None  # type: ignore[assignment]  # the frame must not keep it, as in asyncio

    def _sort_ready(self) -> None:
        while self._ready:  # type: ignore[attr-defined]
            handle = self._ready.popleft()  # type: ignore[attr-defined]
            process = self._process_of(handle)
            if process.alive:
                process.ready.append(handle)

    def _advance(self) -> None:
        if self._stopping:  # type: ignore[attr-defined]
            return
        scheduled = self._scheduled  # type: ignore[attr-defined]
        while scheduled and (scheduled[0]._cancelled or not self._process_of(scheduled[0]).alive):
            heapq.heappop(scheduled)._scheduled = False
        if not scheduled:
            raise Stuck("nothing is ready and no timer is set")
        self._now_s = max(self._now_s, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now_s:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
            if not timer._cancelled:
                self._ready.append(timer)  # type: ignore[attr-defined]

    def _process_of(self, handle: asyncio.Handle) -> Process:
        return handle._context.get(_PROCESS, self.world)  # type: ignore[attr-defined]

    # -- blocking code -----------------------------------------------------------------------------
    def run_job(self, job: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Run blocking ``job(*args)`` of the current process; its calls of ``give_way`` suspend it."""
        process = current_process()
        future: asyncio.Future[T] = self.create_future()

        def body() -> None:
            try:
                result = job(*args)
            except Killed:
                return
            except BaseException as error:
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(result)

        self.call_soon(self._resume, process, greenlet(body), context=process.context)
        return future

    def give_way(self, delay_s: float) -> None:
        """Suspend the job that calls, for ``delay_s`` of virtual time. Outside a job: does nothing."""
        job = getcurrent()
        process = self._jobs.get(job)
        if process is None:
            return
        process.call_later(delay_s, self._resume, process, job)
        job.parent.switch()
        if not process.alive:
            raise Killed

    def _resume(self, process: Process, job: greenlet) -> None:
        if not job.dead:
            self._jobs[job] = process
            job.switch()
            if job.dead:
                del self._jobs[job]

    # -- a whole run ---------------------------------------------------------------------------------
    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run ``main`` in the world's process until it is done; Stuck if it never will be."""
        return self.run_until_complete(self.world.spawn(main, "main"))

    def discard(self) -> None:
        """Let go of everything that was under way; what its clean-up does or says counts for nothing."""
        self.set_exception_handler(lambda loop, context: None)
        for process in list(self.processes):
            process.alive = False
        # A clean-up that waits again is dropped where it waits, and would be complained of.
        usual, sys.unraisablehook = sys.unraisablehook, lambda unraisable: None
        for job in list(self._jobs):
            job.throw(Killed)
        for task in list(self.tasks.values()):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            try:
                task.get_coro().close()  # type: ignore[union-attr]
            except BaseException:
                pass
        sys.unraisablehook = usual
        self.close()
