"""The SQLite engine of the metastore: one file, one writer thread per process, readers beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from anabranch.errors import StoreFault
from anabranch.metastore import appends, transaction_end
from anabranch.metastore.api import Metastore
from anabranch.metastore.changes import Changed
from anabranch.metastore.connections import Readers, grow_wal, open_writer, opening
from anabranch.metastore.handover import Handover
from anabranch.metastore.migrate import migrate
from anabranch.metastore.transaction_end import EndOutcome
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import AppendOutcome, FlushCommit
from anabranch.metastore.verbs import SqlMetastore
from anabranch.metastore.writer import POLL_CLOSELY_S, POLL_S, Writer

P = ParamSpec("P")
T = TypeVar("T")


class SqliteMetastore(SqlMetastore):
    """See :class:`anabranch.metastore.api.Metastore`; made by :meth:`open`.

    Several processes may open one file. Within a process an instance may serve several event loops
    one after the other; each answer goes to the loop that asked.
    """

    def __init__(self, path: Path, writer: Writer, readers: Readers, cluster_id: bytes) -> None:
        super().__init__()
        self._path = path
        self._writer = writer
        self._readers = readers
        self._cluster_id = cluster_id
        self._aside = ThreadPoolExecutor(1, "metastore-reader")  # starts with its first work

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        now_ms: int,
        new_cluster_id: Callable[[], bytes],
        write_out_wal: bool = False,
    ) -> SqliteMetastore:
        """Open the file, or create it with the cluster id (16 bytes) that ``new_cluster_id`` makes.

        ``write_out_wal`` is for a process that commits much: some 30 ms now for quicker commits.

        Raises UserFault if the file is not a metastore, has a newer schema, or cannot be written;
        StoreFault if the disk is full or another process keeps it locked.
        """
        with opening(path):
            connection = open_writer(path)
            try:
                cluster_id = migrate(connection, path, now_ms=now_ms, new_cluster_id=new_cluster_id)
                if write_out_wal:
                    grow_wal(connection, path)
                writer = Writer(connection, path)
                writer.start()
            except BaseException:
                connection.close()
                raise
        return cls(path, writer, Readers(path), cluster_id)

    @property
    def cluster_id(self) -> bytes:
        return self._cluster_id

    @property
    def path(self) -> Path:
        return self._path

    def close(self) -> None:
        self._writer.close()
        self._aside.shutdown()
        self._readers.close()
        self._writer.release()

    def on_change(self, callback: Callable[[Changed], None]) -> None:
        self._writer.watch(callback)

    def expect_others(self, others: bool) -> None:
        self._writer.poll_s = POLL_CLOSELY_S if others else POLL_S
        self._writer.tells_others = others

    def commit_flush(self, flush: Handover, now_ms: int) -> asyncio.Future[list[AppendOutcome]]:
        promise = self._writer.promise(appends.commit_appends, after=flush.wait)

        def taker(given: FlushCommit | BaseException) -> None:
            if isinstance(given, BaseException):
                promise.fail(given)
            else:
                promise.start(given.object_key, given.commits, now_ms)

        flush.take(taker, early=True)
        return promise.future

    def commit_ends(self, flush: Handover, now_ms: int) -> asyncio.Future[EndOutcome]:
        promise = self._writer.promise(transaction_end.end_transactions, after=flush.wait)

        def taker(given: FlushCommit | BaseException) -> None:
            if isinstance(given, BaseException):
                promise.fail(given)
            else:
                promise.start(given.object_key, given.commits, given.ends, now_ms)

        flush.take(taker, early=True)
        return promise.future

    async def _read(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return self._readers.run(verb, *args, **kwargs)  # some ten microseconds: on the loop

    async def _read_aside(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def run() -> T:
            return self._readers.run(verb, *args, **kwargs)

        try:
            future = asyncio.get_running_loop().run_in_executor(self._aside, run)
        except RuntimeError:
            raise StoreFault("the metastore is closed", retryable=False) from None
        return await future

    def _write(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        return self._writer.submit(verb, *args, **kwargs)


_: type[Metastore] = SqliteMetastore  # every verb is there, with the contract's signature
