"""What other processes changed: heard by LISTEN, and looked for by a slow poll behind it.

NOTIFY within the transactions that change something would make them commit one after the other, over all
brokers (it takes a lock of the whole database up to the end of the commit). So each process tells on a
connection of its own once its transactions are durable, several together, and without waiting for the
disk: it is a hint.

The poll asks the rows themselves. A row whose ``xmin`` (the transaction that wrote it) is not older than
the oldest transaction that was open at the last poll may have changed since; the server looks through
all partitions for them and sends only those.
"""

from __future__ import annotations

import asyncio
import logging
import select
import socket
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

import psycopg

from anabranch.errors import StoreFault
from anabranch.metastore.changes import EVERYTHING, Changed, encode, told, union
from anabranch.metastore.postgres.connect import Address, BoundedConnection
from anabranch.metastore.postgres.link import Link
from anabranch.metastore.postgres.tx import PostgresTx

logger = logging.getLogger(__name__)

POLL_S = 10.0  # how soon a change is noticed that nobody told of
PAYLOAD_BYTES_MAX = 7_900  # PostgreSQL takes 8,000
TELL_EVERY_S = 0.005  # what is changed within this time is told together
RECONNECT_S_MAX = 30.0  # then it starts over: a listener never gives up

_CHANGED_PARTITIONS = """
SELECT topic_no, partition FROM partition WHERE age(xmin) <= age(CAST(? AS text)::xid)
"""
_CHANGED_TOPICS = "SELECT no FROM topic WHERE age(xmin) <= age(CAST(? AS text)::xid)"
_HORIZON = "SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)"


class Teller:
    """Tells the others what this process changed. ``active`` says whether there are any."""

    def __init__(self, where: Address) -> None:
        self.active = True
        self.pid = 0  # of the session that tells, by which a listener knows its own
        self._channel = channel(where)
        self._closing = threading.Event()
        self._link = Link(where, self._closing, self._prepare)
        self._queue: SimpleQueue[Changed | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def tell(self, changed: Changed | None) -> None:
        """From any thread, after the commit."""
        if changed is None or not self.active or self._closing.is_set():
            return
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._run, name="metastore-teller", daemon=True
                    )
                    self._thread.start()
        self._queue.put(changed)

    def close(self) -> None:
        """Tell what is left, then end."""
        self._closing.set()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _prepare(self, connection: BoundedConnection) -> None:
        connection.execute(b"SET synchronous_commit = off")
        self.pid = connection.info.backend_pid

    def _run(self) -> None:
        more = True
        while more:
            batch = []
            first = self._queue.get()
            if first is not None:
                batch.append(first)
                self._closing.wait(TELL_EVERY_S)
            more = first is not None
            try:
                while (another := self._queue.get_nowait()) is not None:
                    batch.append(another)
                more = False
            except Empty:
                pass
            self._send(union(batch))
        self._link.drop()

    def _send(self, changed: Changed | None) -> None:
        if changed is None:
            return
        payload = encode(changed)
        if len(payload) > PAYLOAD_BYTES_MAX:
            payload = encode(EVERYTHING)
        try:
            tx = PostgresTx(self._link.get(time.monotonic()))
            tx.execute("SELECT pg_notify(?, ?)", (self._channel, payload.decode()))
        except (psycopg.Error, StoreFault) as error:
            logger.debug("the others were not told of a change: %s", error)  # their poll finds it
            self._link.drop()


class Listener:
    """Calls back with what others tell, and with what the poll finds."""

    def __init__(self, where: Address, teller: Teller) -> None:
        self._teller = teller
        self._channel = channel(where)
        self._closing = threading.Event()
        self._link = Link(where, self._closing, self._prepare)
        self._watchers: list[tuple[asyncio.AbstractEventLoop, Callable[[Changed], None]]] = []
        self._horizon = ""
        self._wake, self._woken = socket.socketpair()  # ends the wait for notices
        self._thread: threading.Thread | None = None

    def watch(self, callback: Callable[[Changed], None]) -> None:
        """Call ``callback`` on the running loop. Nothing is missed from here on."""
        self._watchers.append((asyncio.get_running_loop(), callback))
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="metastore-listener", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake.send(b"!")
        if self._thread is not None:
            self._thread.join()
        self._wake.close()
        self._woken.close()

    def _prepare(self, connection: BoundedConnection) -> None:
        connection.execute(f'LISTEN "{self._channel}"'.encode())

    def _run(self) -> None:
        lost = False
        while not self._closing.is_set():
            try:
                connection = self._link.get(time.monotonic() + RECONNECT_S_MAX)
                tx = PostgresTx(connection)
                # Read before anything is told, so that the next poll finds all that is not.
                self._horizon = self._horizon or tx.execute(_HORIZON).fetchone()[0]
                if lost:
                    self._poll(tx)
                lost = False
                self._listen(connection, tx)
            except StoreFault:
                lost = True
            except psycopg.Error as error:
                lost = True
                logger.debug("not listening to changes: %s", error)
                self._link.drop()
        self._link.drop()

    def _listen(self, connection: BoundedConnection, tx: PostgresTx) -> None:
        next_poll = time.monotonic() + POLL_S
        while not self._closing.is_set():
            pause = max(0.0, next_poll - time.monotonic())
            select.select([connection.fileno(), self._woken.fileno()], [], [], pause)
            heard = [
                told(notice.payload)
                for notice in connection.notifies(timeout=0)
                if notice.pid != self._teller.pid
            ]
            self._call_back(union(heard))
            if time.monotonic() >= next_poll:
                self._poll(tx)
                next_poll = time.monotonic() + POLL_S

    def _poll(self, tx: PostgresTx) -> None:
        since, self._horizon = self._horizon, tx.execute(_HORIZON).fetchone()[0]
        since = str(int(since) % 2**32)  # xmin has 32 bits; age() compares them in a circle
        topics = frozenset(row[0] for row in tx.execute(_CHANGED_TOPICS, (since,)))
        partitions = frozenset(
            (row[0], row[1]) for row in tx.execute(_CHANGED_PARTITIONS, (since,))
        )
        if topics or partitions:
            self._call_back(Changed(topics=topics, partitions=partitions))

    def _call_back(self, changed: Changed | None) -> None:
        if changed is None:
            return
        for watcher in list(self._watchers):
            loop, callback = watcher
            try:
                loop.call_soon_threadsafe(callback, changed)
            except RuntimeError:
                self._watchers.remove(watcher)


def channel(where: Address) -> str:
    """Channels belong to a database; ours are told apart by their schemas."""
    return f"anabranch {where.schema}"
