"""What goes on beside a function that works: the session's lease, wishes from elsewhere, its rate.

A function may take minutes for a batch, and nobody else may run the session meanwhile; so the metastore's
event loop has a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from anabranch.errors import StoreFault
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.replays import sessions, signals
from anabranch.recovery.replays.runner import STORE_PATIENCE_S, LostLease
from anabranch.recovery.replays.session import Session
from anabranch.recovery.replays.steering import STEP_MS, Governor, Step, StoreTimes

STEPS_MAX: Final = 1000  # that wait to be taken in: of a function that takes long, the newest

T = TypeVar("T")


class LoopThread:
    """A log on an event loop of its own thread, for callers that block."""

    log: Log

    def __init__(self, data: str | Path | Location) -> None:
        self._data = data
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="replay", daemon=True)

    def __enter__(self) -> LoopThread:
        self._thread.start()
        try:
            self.log = self.run(open_log(self._data, broker_id=None))
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.run(self.log.close())
        finally:
            self._stop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """To its end, from another thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Keeper:
    """Holds the lease, hears wishes and steers, every second, on the loop's thread."""

    def __init__(
        self, log: Log, session: Session, pressure: signals.Callback | None, holder: str
    ) -> None:
        self._log = log
        self._metastore = log.metastore
        self._session = session
        self._pressure = pressure
        self._holder = holder
        self._governor: Governor | None = None
        self._task: asyncio.Task[None] | None = None
        self._steps: list[Step] = []
        self._lock = threading.Lock()
        self._used = 0.0
        self._busy_s = 0.0
        self._broken: BaseException | None = None
        self.paused = False
        self.cancelled = False

    @property
    def rate(self) -> int:
        """Bytes per second that may be given now."""
        return self._session.rate if self._governor is None else self._governor.rate

    async def start(self) -> None:
        """Raises UserFault if somebody else runs the session."""
        if not await sessions.take_lease(self._metastore, self._session, self._holder):
            raise sessions.running_already(self._session)
        await sessions.forget_wishes(self._metastore, self._session)
        ids = {branch.topic_id for branch in self._session.branches}
        inputs = [t for t in self._log.catalogue.topics() if topic_id_text(t.id) in ids]
        more = [] if self._pressure is None else [signals.SinkCallback(self._pressure)]
        probes = signals.probes_of(self._session.guards, self._metastore, inputs, *more)
        self._governor = Governor(self._session, probes, await self._store_times())
        self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await sessions.release_lease(self._metastore, self._session, self._holder)

    async def _store_times(self) -> StoreTimes | None:
        for branch in self._session.branches:
            topic = self._log.catalogue.topic(branch.branch)
            found = [] if topic is None else await self._metastore.extents_from(topic.no, 0, 0, 1)
            if found and found[0].kind.final:
                return StoreTimes(self._log.store, found[0].object_key)
        return None

    async def _go_on(self) -> None:
        assert self._governor is not None
        loop = asyncio.get_running_loop()
        away_s: float | None = None
        before_s, busy_before_s = loop.time(), 0.0
        while True:
            await asyncio.sleep(STEP_MS / 1000)
            try:
                if not await sessions.take_lease(self._metastore, self._session, self._holder):
                    raise LostLease(f"another runner took over replay {self._session.id}")
                self.paused, self.cancelled = await sessions.wishes(self._metastore, self._session)
                now_ms = await self._metastore.now_ms()
                with self._lock:
                    used, busy_s = self._used, self._busy_s
                share = min(1.0, (busy_s - busy_before_s) / max(1e-3, loop.time() - before_s))
                before_s, busy_before_s = loop.time(), busy_s
                step = await self._governor.step(now_ms, used or None, share)
                away_s = None
            except StoreFault as fault:
                away_s = loop.time() if away_s is None else away_s
                if loop.time() - away_s > STORE_PATIENCE_S:
                    self._broken = fault
                    return
                continue
            except Exception as error:
                self._broken = error
                return
            with self._lock:
                self._steps = [*self._steps, step][-STEPS_MAX:]

    # -- from the function's thread ----------------------------------------------------------------------
    def doing(self, bytes_per_second: float, busy_s: float) -> None:
        """How fast it reads, and for how long the function has worked in all."""
        with self._lock:
            self._used, self._busy_s = bytes_per_second, busy_s

    def steps(self) -> list[Step]:
        """Those since the last call."""
        with self._lock:
            found, self._steps = self._steps, []
        return found

    def check(self) -> None:
        """Raises what ended the keeping: LostLease, StoreFault."""
        if self._broken is not None:
            raise self._broken
