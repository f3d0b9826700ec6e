"""A queue of operations and the threads that carry them out, each over a connection of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from anabranch.errors import StoreFault
from anabranch.metastore.postgres.connect import Address, BoundedConnection
from anabranch.metastore.postgres.link import Link
from anabranch.scheduling import be_prompt

PENDING_OPS_MAX = 65_536  # beyond it the server is not keeping up: shed instead of growing


class Operation(NamedTuple):
    """``give_up_at`` (monotonic): how long it may wait for a server that is away."""

    verb: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    give_up_at: float


class Answer(NamedTuple):
    """What an operation came to: ``error`` or ``value``."""

    operation: Operation
    value: Any
    error: BaseException | None = None


class Promise:
    """An operation that is to come, from whichever thread: see :meth:`Lane.promise`."""

    def __init__(
        self, verb: Callable[..., Any], queue: SimpleQueue[Operation | None], wait_s_max: float
    ) -> None:
        self._verb = verb
        self._queue = queue
        self._wait_s_max = wait_s_max
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()

    def start(self, *args: Any, **kwargs: Any) -> None:
        """Queue it."""
        self._queue.put(self._operation(args, kwargs))

    def fail(self, error: BaseException) -> None:
        """It will never start: the future raises ``error``."""
        deliver([Answer(self._operation((), {}), None, error)])

    def _operation(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Operation:
        give_up_at = time.monotonic() + self._wait_s_max
        return Operation(self._verb, args, kwargs, self.future, self._loop, give_up_at)


class Lane(ABC):
    """Operations start in the order in which they were submitted."""

    batch_max = 1  # operations that are carried out together
    wait_s_max = 25.0  # for a server that is away: clients give up on a request after 30 s

    def __init__(self, name: str, where: Address, *, threads: int = 1) -> None:
        self.where = where
        self._queue: SimpleQueue[Operation | None] = SimpleQueue()
        self._closed = False
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"metastore-{name}-{n}", daemon=True)
            for n in range(threads)
        ]
        self._started = False
        self._lock = threading.Lock()

    @abstractmethod
    def carry_out(self, link: Link, batch: list[Operation]) -> list[Answer]:
        """Run ``batch``; an answer for each. Nothing is raised but bugs of this engine itself."""

    def prepare(self, connection: BoundedConnection) -> None:
        """What this lane sets on each of its connections; nothing, unless it says so."""
        return

    def submit(
        self, verb: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> asyncio.Future[Any]:
        """Queue ``verb(tx, *args)``; the future resolves when it is carried out."""
        promise = self.promise(verb)
        promise.start(*args, **kwargs)
        return promise.future

    def promise(self, verb: Callable[..., Any]) -> Promise:
        """:meth:`submit` in two steps, the first of them on the loop."""
        if self._closed:
            raise StoreFault("the metastore is closed", retryable=False)
        if self._queue.qsize() >= PENDING_OPS_MAX:
            raise StoreFault(f"the metastore is {PENDING_OPS_MAX} operations behind")
        if not self._started:
            self._start()
        return Promise(verb, self._queue, self.wait_s_max)

    def _start(self) -> None:
        with self._lock:
            if not self._started:
                self._started = True
                for thread in self._threads:
                    thread.start()

    def close(self) -> None:
        """Carry out what is queued, then end the threads; a server that is away is not waited for."""
        self._closed = True
        self._closing.set()
        with self._lock:
            if self._started:
                for _ in self._threads:
                    self._queue.put(None)
                for thread in self._threads:
                    thread.join()

    # -- the threads ---------------------------------------------------------------------------
    def _run(self) -> None:
        be_prompt()
        link = Link(self.where, self._closing, self.prepare)
        batch: list[Operation] = []
        try:
            more = True
            while more:
                batch = []
                more = self._take(batch)
                if batch:
                    deliver(self.carry_out(link, batch))
        except BaseException as error:  # a bug of ours, and still nobody may wait for ever
            self._closed = True
            self._abandon(batch, error)
            raise
        finally:
            link.drop()

    def _take(self, batch: list[Operation]) -> bool:
        """Fill the batch with what is pending; False when this thread is to end after it."""
        operation = self._queue.get()
        while operation is not None:
            batch.append(operation)
            if len(batch) >= self.batch_max:
                return True
            try:
                operation = self._queue.get_nowait()
            except Empty:
                return True
        return False

    def _abandon(self, batch: list[Operation], error: BaseException) -> None:
        try:
            while True:
                operation = self._queue.get_nowait()
                if operation is not None:
                    batch.append(operation)
        except Empty:
            pass
        fault = f"a thread of the metastore stopped: {error!r}"
        deliver([Answer(one, None, StoreFault(fault, retryable=False)) for one in batch])


def deliver(answers: list[Answer]) -> None:
    """To each event loop its own answers, in one call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Answer]] = {}
    for answer in answers:
        by_loop.setdefault(answer.operation.loop, []).append(answer)
    for loop, mine in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, mine)
        except RuntimeError:
            pass  # that loop is closed: nobody waits any more


def _resolve(answers: list[Answer]) -> None:
    for (_, _, _, future, _, _), value, error in answers:
        if future.done():
            continue  # the caller went away; what was done is done all the same
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)
