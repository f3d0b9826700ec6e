"""A connection that comes back: opened when it is first needed, and again after it was lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import psycopg

from anabranch.errors import StoreFault
from anabranch.metastore.postgres import faults
from anabranch.metastore.postgres.connect import Address, BoundedConnection, connect

logger = logging.getLogger(__name__)

BACKOFF_S_MIN = 0.05  # a restarted server is back within a second or so
BACKOFF_S_MAX = 1.0  # and once it is, nobody waits much longer for it


class Link:
    """One thread's connection. ``prepare`` sets up each new one."""

    def __init__(
        self,
        where: Address,
        closing: threading.Event,
        prepare: Callable[[BoundedConnection], None] | None = None,
    ) -> None:
        self._where = where
        self._closing = closing
        self._prepare = prepare
        self._connection: BoundedConnection | None = None

    def get(self, give_up_at: float) -> BoundedConnection:
        """The connection; if there is none, tries until ``give_up_at`` (monotonic) with growing pauses.

        Raises StoreFault if the server stayed away, or this side closes.
        """
        if self._connection is not None and not self._connection.closed:
            return self._connection
        pause = BACKOFF_S_MIN
        while True:
            try:
                connection = connect(self._where)
                if self._prepare is not None:
                    self._prepare(connection)
            except psycopg.Error as error:
                if self._closing.is_set() or time.monotonic() + pause > give_up_at:
                    raise StoreFault(
                        f"the metastore {self._where.shown} is away: {faults.sentence(error)}"
                    ) from error
                logger.warning(
                    "the metastore is away (%s); trying again in %.2g s",
                    faults.sentence(error),
                    pause,
                )
                self._closing.wait(pause)
                pause = min(2 * pause, BACKOFF_S_MAX)
            else:
                self._connection = connection
                return connection

    def drop(self) -> None:
        """Forget a connection that is of no use any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
