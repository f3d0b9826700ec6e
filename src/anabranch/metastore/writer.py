"""The thread that writes: group commit.

It takes everything pending and runs it as ONE transaction, each operation in a savepoint of its own,
so one ``fdatasync`` pays for all of them and a failing operation takes back only itself. Answers go
back to the event loop in one call per transaction.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar

from anabranch.errors import StoreFault
from anabranch.metastore.changes import EVERYTHING, Changed
from anabranch.metastore.connections import WRITER_BUSY_MS_MAX, SqliteTx
from anabranch.metastore.faults import code_of, translate
from anabranch.metastore.feed import Feed
from anabranch.prompt import PromptFuture
from anabranch.scheduling import be_prompt

P = ParamSpec("P")
T = TypeVar("T")

GROUP_OPS_MAX = 256  # operations per transaction: the first of them should not wait long
PENDING_OPS_MAX = 65_536  # beyond it the disk is not keeping up: shed instead of growing
POLL_S = 0.1  # how soon another process's commit is noticed
POLL_CLOSELY_S = 0.01  # and where other brokers write: their appends wake long polls here
FULL_POLL_S = 10.0  # how soon a commit is noticed that nobody told of
BUSY_SLEEP_S = 0.0005  # between two attempts at the write lock
CHECKPOINT_COMMITS_MIN = 256  # an idle writer moves this much from the WAL into the database


class _Operation(NamedTuple):
    verb: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    after: Callable[[], None] | None  # returns when it may be committed, or raises why it must not


class _Answer(NamedTuple):
    future: asyncio.Future[Any]
    value: Any
    error: BaseException | None


def _failed(batch: list[_Operation]) -> dict[int, BaseException]:
    """Wait until all of it may be committed; what must not be, and why."""
    failed: dict[int, BaseException] = {}
    for operation in batch:
        if operation.after is not None:
            try:
                operation.after()
            except BaseException as error:
                failed[id(operation)] = error
    return failed


def _deliver(answers: list[_Answer]) -> None:
    for future, value, error in answers:
        if future.done():
            continue  # the caller went away; the write stands all the same
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


class Promise(Generic[P, T]):
    """An operation whose arguments, or failure, come later, from any thread."""

    def __init__(
        self,
        verb: Callable[Concatenate[SqliteTx, P], T],
        queue: SimpleQueue[_Operation | None],
        after: Callable[[], None] | None,
    ) -> None:
        self._verb = verb
        self._queue = queue
        self._after = after
        self._loop = asyncio.get_running_loop()
        self.future: PromptFuture[T] = PromptFuture(loop=self._loop)

    def start(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Queue it; the future resolves after the commit that holds it is on disk."""
        operation = _Operation(self._verb, args, kwargs, self.future, self._loop, self._after)
        self._queue.put(operation)

    def fail(self, error: BaseException) -> None:
        """It will never start: the future raises ``error``."""
        self._loop.call_soon_threadsafe(_deliver, [_Answer(self.future, None, error)])


class Writer:
    """The one thread of this process that writes."""

    def __init__(self, connection: SqliteTx, path: Path) -> None:
        self._tx = connection
        self._path = path
        self._queue: SimpleQueue[_Operation | None] = SimpleQueue()
        self._watchers: list[tuple[asyncio.AbstractEventLoop, Callable[[Changed], None]]] = []
        self._batch: list[_Operation] = []
        self._closed = False
        self._commits_since_checkpoint = 0
        self._data_version = self._read_data_version()
        self._next_poll = 0.0
        self.poll_s = POLL_S
        self.tells_others = True
        self._unheard = False
        self._next_full = 0.0
        self._feed = Feed(connection)
        self._thread = threading.Thread(target=self._run, name="metastore-writer", daemon=True)

    def start(self) -> None:
        """Start the thread. Simulation does not: it commits from its own loop."""
        self._tx.execute("PRAGMA busy_timeout = 0")  # :meth:`_begin` waits better
        self._thread.start()

    def submit(
        self,
        verb: Callable[Concatenate[SqliteTx, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """Queue ``verb(tx, *args)``; the future resolves after the commit that holds it is on disk."""
        promise = self.promise(verb)
        promise.start(*args, **kwargs)
        return promise.future

    def promise(
        self,
        verb: Callable[Concatenate[SqliteTx, P], T],
        after: Callable[[], None] | None = None,
    ) -> Promise[P, T]:
        """:meth:`submit` in two steps, the first of them on the loop.

        ``after`` blocks until the operation may be committed, and raises if it must not be: what has to
        be durable before it is still being written, while its statements run.
        """
        if self._closed:
            raise StoreFault("the metastore is closed", retryable=False)
        if self._queue.qsize() >= PENDING_OPS_MAX:
            raise StoreFault(f"the metastore is {PENDING_OPS_MAX} operations behind")
        return Promise(verb, self._queue, after)

    def watch(self, callback: Callable[[Changed], None]) -> None:
        """Call ``callback`` on the running loop with what other processes have changed."""
        self._watchers.append((asyncio.get_running_loop(), callback))

    def close(self) -> None:
        """Commit what is queued, then end the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def release(self) -> None:
        """Close the connection: last of all, so that SQLite leaves one tidy file behind."""
        self._tx.close()

    # -- the thread --------------------------------------------------------------------------
    def _run(self) -> None:
        be_prompt()
        try:
            self._serve()
        except BaseException as error:  # a bug of ours, and still nobody may wait for ever
            self._closed = True
            self._abandon(error)
            raise

    def _serve(self) -> None:
        while self._take():
            if self._batch:
                self._answer(self._batch, self._commit(self._batch))
                self._batch = []
                self._commits_since_checkpoint += 1
            else:
                self._checkpoint()
            if (now := time.monotonic()) >= self._next_poll:
                self._next_poll = now + self.poll_s
                self._notice_others()
        if self._batch:
            self._answer(self._batch, self._commit(self._batch))

    def _take(self) -> bool:
        """Fill the batch with what is pending; False when the writer is to close after it."""
        try:
            operation = self._queue.get(timeout=self.poll_s)
            while operation is not None:
                self._batch.append(operation)
                if len(self._batch) == GROUP_OPS_MAX:
                    return True
                operation = self._queue.get_nowait()
        except Empty:
            return True
        return False

    def _abandon(self, error: BaseException) -> None:
        batch = self._batch
        try:
            while True:
                operation = self._queue.get_nowait()
                if operation is not None:
                    batch.append(operation)
        except Empty:
            pass
        fault = f"the metastore's writer stopped: {error!r}"
        for one in batch:
            answer = _Answer(one.future, None, StoreFault(fault, retryable=False))
            try:
                one.loop.call_soon_threadsafe(_deliver, [answer])
            except RuntimeError:
                pass  # that loop is closed: nobody waits any more

    def _commit(self, batch: list[_Operation]) -> list[_Answer]:
        """Run ``batch`` as one transaction. Whatever is answered with a value is on disk."""
        tx = self._tx
        answers: list[_Answer] = []
        if self.tells_others and (failed := _failed(batch)):
            return self._without(failed, batch)  # others need the lock while we would be waiting
        try:
            self._begin()
            if len(batch) == 1:
                answers.append(self._attempt(batch[0]))
                if answers[0].error is not None:
                    tx.execute("ROLLBACK")
                    return answers
            else:
                for operation in batch:
                    tx.execute("SAVEPOINT operation")
                    answers.append(self._attempt(operation))
                    if answers[-1].error is not None:
                        tx.execute("ROLLBACK TO operation")
                    tx.execute("RELEASE operation")
            self._tell_others()
            if failed := _failed(batch):
                self._roll_back()
                return self._without(failed, batch)
            tx.execute("COMMIT")
        except BaseException as error:  # the database failed, not an operation: nothing happened
            self._roll_back()
            return [_Answer(operation.future, None, self._fault(error)) for operation in batch]
        finally:
            tx.changed.take()
        return answers

    def _without(self, failed: dict[int, BaseException], batch: list[_Operation]) -> list[_Answer]:
        """Commit the others."""
        rest = [operation for operation in batch if id(operation) not in failed]
        answers = iter(self._commit(rest) if rest else ())
        return [
            _Answer(operation.future, None, failed[id(operation)])
            if id(operation) in failed
            else next(answers)
            for operation in batch
        ]

    def _begin(self) -> None:
        """Wait for the write lock. SQLite itself sleeps longer and longer, up to 100 ms at a time, while
        other brokers commit every few milliseconds: beside three of them a commit took 120 ms (p99)."""
        deadline = time.monotonic() + WRITER_BUSY_MS_MAX / 1000
        while True:
            try:
                self._tx.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(BUSY_SLEEP_S)

    def _tell_others(self) -> None:
        changed = self._tx.changed.take()
        if changed is not None and self.tells_others:
            self._feed.tell(changed)

    def _attempt(self, operation: _Operation) -> _Answer:
        """Run one verb; its own refusals and bugs are its answer, the database's failures are raised."""
        try:
            value = operation.verb(self._tx, *operation.args, **operation.kwargs)
        except sqlite3.Error as error:
            if translate(error, self._path) is not None:
                raise
            return _Answer(operation.future, None, error)
        except Exception as error:
            return _Answer(operation.future, None, error)
        return _Answer(operation.future, value, None)

    def _fault(self, error: BaseException) -> BaseException:
        fault = translate(error, self._path) if isinstance(error, sqlite3.Error) else None
        if fault is None:
            return error
        fault.__cause__ = error
        return fault

    def _roll_back(self) -> None:
        try:
            if self._tx.in_transaction:
                self._tx.execute("ROLLBACK")
        except sqlite3.Error:
            # SQLite has rolled back by itself already; the next BEGIN tells if not.
            pass

    def _answer(self, batch: list[_Operation], answers: list[_Answer]) -> None:
        loops = {operation.loop for operation in batch}
        for loop in loops:
            mine = (
                answers
                if len(loops) == 1
                else [a for o, a in zip(batch, answers, strict=True) if o.loop is loop]
            )
            try:
                loop.call_soon_threadsafe(_deliver, mine)
            except RuntimeError:
                pass  # that loop is closed: nobody waits any more

    def _checkpoint(self) -> None:
        if self._commits_since_checkpoint >= CHECKPOINT_COMMITS_MIN:
            self._commits_since_checkpoint = 0
            try:
                self._tx.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except sqlite3.Error:
                # The WAL keeps everything; a full or failing disk shows itself at the next commit.
                pass

    def _read_data_version(self) -> int:
        version: int = self._tx.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _notice_others(self) -> None:
        """``data_version`` changes when another connection commits, never by our own commits."""
        try:
            version = self._read_data_version()
        except sqlite3.Error:
            return  # a hint only: the next poll tries again
        if version == self._data_version and not self._unheard:
            return
        self._data_version = version
        try:
            changed = self._feed.news()
        except sqlite3.Error:
            self._unheard = True
            return
        now = time.monotonic()
        # Who does not know of us yet tells nothing; neither does what only others see (leases, merges).
        self._unheard = changed is None
        if now >= self._next_full and (self._unheard or not self.tells_others):
            changed = EVERYTHING
        if changed is None:
            return
        if changed.everything:
            self._unheard = False
            self._next_full = now + FULL_POLL_S
        for watcher in list(self._watchers):
            loop, callback = watcher
            try:
                loop.call_soon_threadsafe(callback, changed)
            except RuntimeError:
                self._watchers.remove(watcher)
