"""Reads that are shared: a bounded cache of what was read, and one read in flight per item.

Everything here happens on one event loop; only what is given to ``run`` happens on threads. Waiting for
somebody else's read therefore occupies no thread, and needs no lock.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")

ITEM_OVERHEAD_BYTES = 256  # charged per item, so that tiny and empty ones are bounded as well


class Run(Protocol):
    """Runs a job on a thread; to be called on the loop. May raise what a closed pool raises."""

    def __call__(self, job: Callable[[], T], /) -> asyncio.Future[T]: ...


class _Done(NamedTuple, Generic[V, T]):
    """What a job brought: the values it read, and what came of them."""

    values: list[V]
    result: T | None
    error: BaseException | None


class SharedReads(Generic[K, V]):
    """Bounded by ``capacity_bytes`` plus what is in flight. A failed read fails everybody who waits for it,
    and nothing of it is kept."""

    def __init__(self, *, capacity_bytes: int, size_of: Callable[[V], int]) -> None:
        # Counters, read by metrics; all count items.
        self.hits = 0
        self.joins = 0  # waited for a read that another had begun: no hit, no extra load
        self.misses = 0
        self.evictions = 0
        self.wasted = 0  # warmed and evicted before use
        self.bytes_held = 0
        self._capacity_bytes = capacity_bytes
        self._size_of = size_of
        self._kept: OrderedDict[K, V] = OrderedDict()  # least recently used first
        self._unused: set[K] = set()  # warmed, not yet read
        self._in_flight: dict[K, asyncio.Future[None]] = {}

    def __contains__(self, key: K) -> bool:
        """Whether it is here or on its way."""
        return key in self._kept or key in self._in_flight

    def kept(self, key: K) -> V | None:
        """What is here, without making it any younger."""
        return self._kept.get(key)

    @property
    def unused(self) -> int:
        """Items that were warmed and that nobody has asked for yet."""
        return len(self._unused)

    async def read(
        self,
        keys: Sequence[K],
        load: Callable[[list[K]], list[V]],
        then: Callable[[dict[K, V]], T],
        run: Run,
    ) -> T:
        """``then(values)`` for ``keys``, in one job together with reading what is missing.

        ``load`` gets the missing keys in their order and returns their values; both are called on a
        thread. Raises what ``load`` or ``then`` raise; what was read is kept if only ``then`` did.
        """
        found: dict[K, V] = {}
        while True:
            missing: list[K] = []
            waiting: list[asyncio.Future[None]] = []
            for key in keys:
                if key in found:
                    continue
                value = self._kept.get(key)
                if value is not None:
                    found[key] = value
                    self._kept.move_to_end(key)
                    self._unused.discard(key)
                    self.hits += 1
                elif (flight := self._in_flight.get(key)) is not None:
                    waiting.append(flight)
                    self.joins += 1
                else:
                    missing.append(key)
            if not waiting:
                break
            await asyncio.wait(waiting)
            for flight in waiting:
                flight.result()  # raises what the other one's read did
        self.misses += len(missing)
        return await self._load(missing, found, load, then, run, warming=False)

    async def warm(self, keys: Sequence[K], load: Callable[[list[K]], list[V]], run: Run) -> None:
        """Read what is neither here nor on its way, for somebody to come. Never raises a read's fault:
        whoever comes will meet it."""
        missing = [key for key in keys if key not in self]
        if missing:
            try:
                await self._load(missing, {}, load, lambda _: None, run, warming=True)
            except Exception:
                pass

    def forget(self, which: Callable[[K], bool]) -> None:
        """Drop what is no longer to be trusted."""
        for key in [key for key in self._kept if which(key)]:
            self._drop(key)

    async def _load(
        self,
        missing: list[K],
        found: dict[K, V],
        load: Callable[[list[K]], list[V]],
        then: Callable[[dict[K, V]], T],
        run: Run,
        *,
        warming: bool,
    ) -> T:
        def job() -> _Done[V, T]:
            values = load(missing) if missing else []
            assert len(values) == len(missing)
            try:
                return _Done(
                    values, then({**found, **dict(zip(missing, values, strict=True))}), None
                )
            except BaseException as error:
                return _Done(values, None, error)

        loop = asyncio.get_running_loop()
        for key in missing:
            self._in_flight[key] = loop.create_future()
        try:
            running = run(job)
        except BaseException as error:
            self._land(missing, error)
            raise
        running.add_done_callback(lambda done: self._landed(missing, done, warming))
        done = await asyncio.shield(running)  # others wait for it, whether we still do or not
        if done.error is not None:
            raise done.error
        return done.result  # type: ignore[return-value]  # None only if T is

    def _landed(self, keys: list[K], running: asyncio.Future[_Done[V, T]], warming: bool) -> None:
        if running.cancelled():
            self._land(keys, asyncio.CancelledError())
            return
        error = running.exception()
        if error is None:
            for key, value in zip(keys, running.result().values, strict=True):
                self._keep(key, value, warming)
            self._evict()
        self._land(keys, error)

    def _land(self, keys: list[K], error: BaseException | None) -> None:
        for key in keys:
            flight = self._in_flight.pop(key)
            if error is None:
                flight.set_result(None)
            else:
                flight.set_exception(error)
                flight.exception()  # nobody has to wait for it

    def _keep(self, key: K, value: V, warming: bool) -> None:
        if key in self._kept:
            self._drop(key)
        self._kept[key] = value
        self.bytes_held += self._size_of(value) + ITEM_OVERHEAD_BYTES
        if warming:
            self._unused.add(key)

    def _evict(self) -> None:
        while self.bytes_held > self._capacity_bytes and self._kept:
            oldest = next(iter(self._kept))
            self.wasted += oldest in self._unused
            self.evictions += 1
            self._drop(oldest)

    def _drop(self, key: K) -> None:
        self.bytes_held -= self._size_of(self._kept.pop(key)) + ITEM_OVERHEAD_BYTES
        self._unused.discard(key)
