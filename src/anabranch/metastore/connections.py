"""Connections to the database file: the one that writes, and a reading one per thread."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from anabranch.errors import StoreFault, UserFault
from anabranch.metastore.changes import ChangeSet
from anabranch.metastore.faults import code_of, translate

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

SQLITE_VERSION_MIN = (3, 37, 0)  # STRICT tables; RETURNING needs 3.35
WRITER_BUSY_MS_MAX = 5_000  # another process may hold the write lock for one of its transactions
READER_BUSY_MS_MAX = 1_000  # a reader only ever waits for the recovery of a crashed writer's WAL
WRITER_CACHE_KIB = 16 * 1024  # the hot leaves of some thousand partitions
READER_CACHE_KIB = 8 * 1024  # per thread that reads
WAL_PAGES_MAX = 8_192  # 32 MiB: a writer that is never idle checkpoints by itself here

# When the WAL starts over its file keeps this much, and a broker writes it out before its first commit:
# overwriting written blocks makes the fdatasync of a commit much cheaper than growing the file does.
WAL_BYTES_KEPT = 32 * 1024 * 1024
ZEROS = bytes(1024 * 1024)


class SqliteTx(sqlite3.Connection):
    """See :class:`anabranch.metastore.tx.Tx`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changed = ChangeSet()


def connect(path: Path, *, busy_ms: int, cache_kib: int) -> SqliteTx:
    """A connection in autocommit, without memory mapping (an I/O error there would be a signal)."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rwc",
        uri=True,
        timeout=busy_ms / 1000,
        isolation_level=None,
        check_same_thread=False,  # closed by whoever closes the metastore
        cached_statements=256,
        factory=SqliteTx,
    )
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def open_writer(path: Path) -> SqliteTx:
    """The connection that writes: WAL mode, and every commit is on disk when it returns (I1)."""
    connection = connect(path, busy_ms=WRITER_BUSY_MS_MAX, cache_kib=WRITER_CACHE_KIB)
    try:
        deadline = time.monotonic() + WRITER_BUSY_MS_MAX / 1000
        while True:
            try:
                mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
                break
            except sqlite3.OperationalError as error:
                # Two processes creating one file: SQLite answers busy here without waiting.
                if code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        if mode != "wal":
            raise UserFault(f"{path} lies on a file system that cannot hold a SQLite WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_MAX}")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT}")
    except BaseException:
        connection.close()
        raise
    return connection


def grow_wal(connection: sqlite3.Connection, path: Path) -> None:
    """Grow the WAL file to what it keeps, with zeros that SQLite takes for the end of its frames.

    Under the write lock, so that no other process can put a frame where the zeros go. A disk without
    room is no fault here: commits grow the file as they would have.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        fd = os.open(f"{path}-wal", os.O_WRONLY)
        try:
            position = os.fstat(fd).st_size
            while position < WAL_BYTES_KEPT:
                position += os.pwrite(fd, ZEROS[: WAL_BYTES_KEPT - position], position)
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        logger.warning("the metastore's WAL is not written out ahead: %s", error)
    finally:
        connection.execute("ROLLBACK")


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Turn what can be wrong with a file into a sentence for the person who named it."""
    if sqlite3.sqlite_version_info < SQLITE_VERSION_MIN:
        wanted = ".".join(map(str, SQLITE_VERSION_MIN))
        raise UserFault(f"SQLite {sqlite3.sqlite_version} is too old, {wanted} or newer is needed")
    directory = path.absolute().parent
    if not directory.is_dir():
        raise UserFault(f"the directory of the metastore {path} does not exist")
    if not os.access(directory, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise UserFault(f"the metastore {path} cannot be written: no permission, or read-only disk")
    try:
        yield
    except sqlite3.Error as error:
        match code_of(error):
            case sqlite3.SQLITE_NOTADB:
                raise UserFault(f"{path} is not a metastore: not a SQLite database") from error
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                raise UserFault(f"the metastore {path} cannot be opened: {error}") from error
        fault = translate(error, path)
        if fault is None:
            raise
        raise fault from error


class Readers:
    """A read-only connection per thread that reads: the loop's own, and those of helpers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._all: list[SqliteTx] = []
        self._lock = threading.Lock()
        self._closed = False

    def _connection(self) -> SqliteTx:
        connection: SqliteTx | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self._path, busy_ms=READER_BUSY_MS_MAX, cache_kib=READER_CACHE_KIB)
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            with self._lock:
                self._all.append(connection)
        return connection

    def run(
        self,
        verb: Callable[Concatenate[SqliteTx, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run ``verb(tx, *args)`` on one snapshot."""
        if self._closed:
            raise StoreFault("the metastore is closed", retryable=False)
        try:
            tx = self._connection()
            tx.execute("BEGIN")
            try:
                return verb(tx, *args, **kwargs)
            finally:
                if tx.in_transaction:
                    tx.execute("COMMIT")
        except sqlite3.Error as error:
            fault = translate(error, self._path)
            if fault is None:
                raise
            raise fault from error

    def close(self) -> None:
        self._closed = True
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
