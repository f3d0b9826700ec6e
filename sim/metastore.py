"""The real verbs on one SQLite database in memory, shared by all brokers.

What is committed stays (durability of the database is SQLite's and PostgreSQL's business, tested with
them); a killed broker's uncommitted work is gone. In the *embedded* kind a broker reads on its own loop
and one writer commits in order, as with SQLite. In the *remote* kind every answer takes its time, hot
verbs overtake others, and connections are lost before or after the commit, as with PostgreSQL.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from anabranch.errors import StoreFault, UnknownOutcome
from anabranch.metastore.api import AppendOutcome, EndOutcome, FlushCommit, Handover, Metastore
from anabranch.metastore.appends import commit_appends
from anabranch.metastore.changes import EVERYTHING, Changed, ChangeSet
from anabranch.metastore.connections import SqliteTx
from anabranch.metastore.migrate import migrate
from anabranch.metastore.transaction_end import end_transactions
from anabranch.metastore.tx import Tx
from anabranch.metastore.verbs import SqlMetastore
from sim.loop import Process
from sim.weather import Weather

P = ParamSpec("P")
T = TypeVar("T")

GROUP_OPS_MAX = 256
NOTICE_S_MAX = 0.2  # SQLite is asked every 0.1 s whether others have committed
POLL_S = 2.0  # a lost notice is made up for by the slow poll
HOT = ("commit_appends", "commit_offsets")  # on PostgreSQL beside the writer


class Database:
    """The committed state, and who wants to hear of commits."""

    def __init__(self, now_ms: int, cluster_id: bytes) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, factory=SqliteTx)
        self.cluster_id = migrate(
            self.connection, Path(":memory:"), now_ms=now_ms, new_cluster_id=lambda: cluster_id
        )
        self.engines: list[SimMetastore] = []
        self.commits = 0

    def read(self, verb: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return verb(self.connection, *args, **kwargs)

    def committed(self, by: SimMetastore) -> None:
        self.commits += 1
        changed = self.connection.changed.take()
        if changed is None:
            return
        for engine in self.engines:
            if engine is not by:
                engine.others_committed(changed)


class _Operation(NamedTuple):
    verb: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    future: asyncio.Future[Any]


class _Lane:
    """Operations that are committed in order, group by group."""

    def __init__(self) -> None:
        self.waiting: deque[_Operation] = deque()
        self.busy = False


class SimMetastore(SqlMetastore):
    """One broker's connection to the database."""

    def __init__(
        self,
        database: Database,
        process: Process,
        weather: Weather,
        clock: Callable[[], Awaitable[int]],
    ) -> None:
        super().__init__()
        self._clock = clock
        self._database = database
        self._process = process
        self._weather = weather
        self._remote = weather.settings.remote_metastore
        self._lanes = {True: _Lane(), False: _Lane()}  # hot, other
        self._watchers: list[Callable[[Changed], None]] = []
        self._news = ChangeSet()
        self._noticing = False
        self._closed = False
        database.engines.append(self)

    @property
    def cluster_id(self) -> bytes:
        return self._database.cluster_id

    def close(self) -> None:
        for lane in self._lanes.values():
            while lane.waiting:
                self._commit_group(lane, trouble=None)
        self._closed = True
        self.disconnect()

    def disconnect(self) -> None:
        if self in self._database.engines:
            self._database.engines.remove(self)

    # -- notices -----------------------------------------------------------------------------------
    def on_change(self, callback: Callable[[Changed], None]) -> None:
        self._watchers.append(callback)

    def others_committed(self, changed: Changed) -> None:
        """Tell the watchers in a moment, all that happens until then at once; now and then the notice is
        lost, and the poll behind it says only that something changed."""
        lost = self._weather.chance(self._weather.settings.notice_lost)
        self._news.add(EVERYTHING if lost else changed)
        if self._noticing or not self._watchers:
            return
        self._noticing = True
        delay_s = POLL_S if lost else self._weather.between(0, NOTICE_S_MAX)
        self._process.call_later(delay_s, self._notice)

    def _notice(self) -> None:
        self._noticing = False
        changed = self._news.take()
        if changed is not None:
            for watcher in self._watchers:
                watcher(changed)

    async def now_ms(self) -> int:
        return await self._clock()

    # -- reads and writes ----------------------------------------------------------------------------
    async def _read(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self._closed:
            raise StoreFault("the metastore is closed", retryable=False)
        if not self._remote:
            return self._database.read(verb, *args, **kwargs)
        await asyncio.sleep(self._weather.latency())
        self._weather.metastore_read()
        result = self._database.read(verb, *args, **kwargs)
        await asyncio.sleep(self._weather.latency())
        return result

    def _write(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        if self._closed:
            raise StoreFault("the metastore is closed", retryable=False)
        future: asyncio.Future[T] = self._process.loop.create_future()
        lane = self._lanes[self._remote and verb.__name__ in HOT]
        lane.waiting.append(_Operation(verb, args, kwargs, future))
        self._next_group(lane)
        return future

    def commit_flush(self, flush: Handover, now_ms: int) -> Awaitable[list[AppendOutcome]]:
        """Embedded, the thread that wrote the flush queues the commit, as with SQLite."""
        if self._remote:
            return super().commit_flush(flush, now_ms)
        return self._once_given(
            flush, commit_appends, lambda given: (given.object_key, given.commits, now_ms)
        )

    def commit_ends(self, flush: Handover, now_ms: int) -> Awaitable[EndOutcome]:
        if self._remote:
            return super().commit_ends(flush, now_ms)
        return self._once_given(
            flush,
            end_transactions,
            lambda given: (given.object_key, given.commits, given.ends, now_ms),
        )

    def _once_given(
        self,
        flush: Handover,
        verb: Callable[..., T],
        arguments: Callable[[FlushCommit], tuple[Any, ...]],
    ) -> asyncio.Future[T]:
        if self._closed:
            raise StoreFault("the metastore is closed", retryable=False)
        future: asyncio.Future[T] = self._process.loop.create_future()

        def taker(given: FlushCommit | BaseException) -> None:
            if isinstance(given, BaseException):
                self._process.call_later(0, self._answer_one, future, given)
                return
            lane = self._lanes[False]
            lane.waiting.append(_Operation(verb, arguments(given), {}, future))
            self._next_group(lane)

        flush.take(taker)
        return future

    def _next_group(self, lane: _Lane) -> None:
        if lane.waiting and not lane.busy:
            lane.busy = True
            self._process.call_later(self._weather.latency(), self._run_group, lane)

    def _run_group(self, lane: _Lane) -> None:
        """The commit is one instant; a kill falls before it or after it."""
        self._weather.crash_point(self._process, "before a commit")
        if not self._process.alive:
            return
        trouble = self._weather.metastore_write()
        answers = self._commit_group(lane, trouble) if lane.waiting else []
        self._weather.crash_point(self._process, "after a commit")
        self._process.call_later(self._weather.latency(), self._answer, lane, answers)

    def _answer(self, lane: _Lane, answers: list[tuple[asyncio.Future[Any], Any]]) -> None:
        lane.busy = False
        for future, answer in answers:
            self._answer_one(future, answer)
        self._next_group(lane)

    @staticmethod
    def _answer_one(future: asyncio.Future[Any], answer: Any) -> None:
        if future.done():
            return  # the caller went away; the write stands all the same
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    def _commit_group(
        self, lane: _Lane, trouble: str | None
    ) -> list[tuple[asyncio.Future[Any], Any]]:
        group = [lane.waiting.popleft() for _ in range(min(len(lane.waiting), GROUP_OPS_MAX))]
        if trouble == "before":
            fault = StoreFault("simulated: the metastore refused")
            return [(operation.future, fault) for operation in group]
        tx = self._database.connection
        answers: list[tuple[asyncio.Future[Any], Any]] = []
        tx.execute("BEGIN")
        for operation in group:
            tx.execute("SAVEPOINT operation")
            try:
                answer = operation.verb(tx, *operation.args, **operation.kwargs)
            except Exception as error:
                answer = error
                tx.execute("ROLLBACK TO operation")
            tx.execute("RELEASE operation")
            answers.append((operation.future, answer))
        tx.execute("COMMIT")
        self._database.committed(self)
        if trouble == "after":
            fault = UnknownOutcome("simulated: the answer of the metastore was lost")
            return [(operation.future, fault) for operation in group]
        return answers


_: type[Metastore] = SimMetastore
