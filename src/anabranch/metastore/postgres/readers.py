"""The lanes that read: a few threads, so that the event loop never waits for the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from anabranch.metastore.postgres import faults
from anabranch.metastore.postgres.connect import Address, BoundedConnection
from anabranch.metastore.postgres.lane import Answer, Lane, Operation
from anabranch.metastore.postgres.link import Link
from anabranch.metastore.postgres.tx import PostgresTx

READERS = 3  # connections that read at once; a read takes a round trip of some hundred microseconds

COLD_READERS = (
    2  # on behalf of readers of old data: as many queries as there are cold threads to feed
)


class Reads(Lane):
    """Each read on one snapshot; those in ``single`` are one statement, which is one by itself."""

    wait_s_max = (
        10.0  # for a server that is away: a fetch is answered with an error and comes again
    )

    def __init__(
        self,
        name: str,
        where: Address,
        *,
        threads: int = READERS,
        single: frozenset[Callable[..., Any]] = frozenset(),
        unbounded: bool = False,
    ) -> None:
        super().__init__(name, where, threads=threads)
        self._single = single
        self._unbounded = unbounded

    def prepare(self, connection: BoundedConnection) -> None:
        connection.execute(b"SET default_transaction_read_only = on", prepare=False)
        if self._unbounded:  # reads everything there is
            connection.execute(b"SET statement_timeout = 0", prepare=False)
            connection.answer_s_max = None

    def carry_out(self, link: Link, batch: list[Operation]) -> list[Answer]:
        (operation,) = batch
        while True:
            try:
                connection = link.get(operation.give_up_at)
                return [Answer(operation, self._read(connection, operation))]
            except psycopg.Error as error:
                if faults.is_lost(error):
                    link.drop()
                elif not faults.is_again(error):
                    fault_or_bug = faults.translate(error, self.where.shown) or error
                    return [Answer(operation, None, fault_or_bug)]
            except Exception as error:
                return [Answer(operation, None, error)]

    def _read(self, connection: BoundedConnection, operation: Operation) -> Any:
        tx = PostgresTx(connection)
        if operation.verb in self._single:
            return operation.verb(tx, *operation.args, **operation.kwargs)
        connection.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", prepare=False)
        try:
            return operation.verb(tx, *operation.args, **operation.kwargs)
        finally:
            if not connection.closed:
                connection.execute(b"ROLLBACK", prepare=False)
