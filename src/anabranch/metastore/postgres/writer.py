"""The lanes that write.

- *General*: everything pending as one transaction, under one advisory lock that stands for SQLite's write
  lock: of all brokers one at a time. So a verb written for SQLite finds here what it finds there. A broker
  that stalls in the middle loses its transaction, and with it the lock, after ``IDLE_MS_MAX``.
- *Beside it*, without that lock: verbs that lock the rows they depend on and go through in one statement
  (:mod:`anabranch.metastore.postgres.hot`), or that are a single statement on one row anyway.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from anabranch.errors import StoreFault, UnknownOutcome
from anabranch.metastore.changes import Changed
from anabranch.metastore.postgres import faults
from anabranch.metastore.postgres.connect import Address, BoundedConnection
from anabranch.metastore.postgres.lane import Answer, Lane, Operation
from anabranch.metastore.postgres.link import Link
from anabranch.metastore.postgres.tx import PostgresTx

logger = logging.getLogger(__name__)

GROUP_OPS_MAX = 256  # operations per transaction: the first of them should not wait long
AGAIN_MAX = 20  # deadlocks in a row; each means that another transaction went through


def unknown_outcome(place: str, cause: BaseException) -> UnknownOutcome:
    """The server went away while it was committing: perhaps it did, perhaps not."""
    return UnknownOutcome(
        f"the metastore {place} went away during a commit, whether it took place is not known: "
        f"{faults.sentence(cause)}"
    )


class Transactions(Lane):
    """Runs what is pending as one transaction; ``locked`` says whether under the general lock."""

    batch_max = GROUP_OPS_MAX

    def __init__(
        self, name: str, where: Address, tell: Callable[[Changed | None], None], *, locked: bool
    ) -> None:
        super().__init__(name, where)
        self._tell = tell
        self._begin = b"BEGIN"
        if locked:
            self._begin += b"; SELECT pg_advisory_xact_lock(%d)" % where.lock

    def carry_out(self, link: Link, batch: list[Operation]) -> list[Answer]:
        give_up_at = batch[0].give_up_at
        again = 0
        while True:
            try:
                connection = link.get(give_up_at)
                return self._transaction(connection, batch)
            except StoreFault as fault:  # still away, or an unknown outcome: not to be tried again
                link.drop()
                return [Answer(one, None, fault) for one in batch]
            except psycopg.Error as error:
                # Nothing of it happened: the server takes back what was not committed.
                again += 1
                if not (faults.is_lost(error) or (faults.is_again(error) and again < AGAIN_MAX)):
                    self._roll_back(link, connection)
                    fault_or_bug = faults.translate(error, self.where.shown) or error
                    return [Answer(one, None, fault_or_bug) for one in batch]
                if faults.is_lost(error):
                    link.drop()
                else:
                    self._roll_back(link, connection)

    def _transaction(self, connection: BoundedConnection, batch: list[Operation]) -> list[Answer]:
        """Raises psycopg.Error if nothing happened, UnknownOutcome if that is not known."""
        tx = PostgresTx(connection)
        connection.execute(self._begin, prepare=False)
        answers = []
        for operation in batch:
            answers.append(_attempt(tx, operation))
            if answers[-1].error is not None:
                connection.execute(b"ROLLBACK", prepare=False)
                return answers if len(batch) == 1 else self._one_by_one(connection, batch)
        self._commit(tx)
        return answers

    def _one_by_one(self, connection: BoundedConnection, batch: list[Operation]) -> list[Answer]:
        """Once more, each operation in a savepoint of its own, so that one that fails takes back only
        itself. (Savepoints are round trips, so not before one has failed.)"""
        tx = PostgresTx(connection)
        connection.execute(self._begin, prepare=False)
        answers = []
        for operation in batch:
            connection.execute(b"SAVEPOINT operation", prepare=False)
            answers.append(_attempt(tx, operation))
            if answers[-1].error is not None:
                connection.execute(b"ROLLBACK TO operation", prepare=False)
            connection.execute(b"RELEASE operation", prepare=False)
        self._commit(tx)
        return answers

    def _commit(self, tx: PostgresTx) -> None:
        assert tx.connection.info.transaction_status == TransactionStatus.INTRANS
        try:
            tx.connection.execute(b"COMMIT", prepare=False)
        except psycopg.Error as error:
            if faults.is_lost(error):
                self._tell(tx.changed.take())  # a hint: if it stands, the others must look again
                raise unknown_outcome(self.where.shown, error) from error
            raise
        self._tell(tx.changed.take())

    def _roll_back(self, link: Link, connection: BoundedConnection) -> None:
        try:
            connection.execute(b"ROLLBACK", prepare=False)
        except psycopg.Error:
            link.drop()


class Statements(Lane):
    """Runs operations one by one, each a single statement that is a transaction of its own.

    ``repeatable``: when the outcome of one is not known it is tried again, and finds its own work done.
    """

    def __init__(
        self,
        name: str,
        where: Address,
        tell: Callable[[Changed | None], None],
        *,
        repeatable: bool,
    ) -> None:
        super().__init__(name, where)
        self._repeatable = repeatable
        self._tell = tell

    def carry_out(self, link: Link, batch: list[Operation]) -> list[Answer]:
        (operation,) = batch
        again = 0
        repeated = False
        while True:
            try:
                tx = PostgresTx(link.get(operation.give_up_at), repeated=repeated)
                answer = _attempt(tx, operation)
                self._tell(tx.changed.take())
                return [answer]
            except StoreFault as fault:  # still away
                if repeated:
                    fault = unknown_outcome(self.where.shown, fault)
                return [Answer(operation, None, fault)]
            except psycopg.Error as error:
                again += 1
                if faults.is_lost(error):
                    link.drop()
                    repeated = True
                    if not self._repeatable:
                        return [Answer(operation, None, unknown_outcome(self.where.shown, error))]
                elif not faults.is_again(error) or again == AGAIN_MAX:
                    fault_or_bug = faults.translate(error, self.where.shown) or error
                    return [Answer(operation, None, fault_or_bug)]


def _attempt(tx: PostgresTx, operation: Operation) -> Answer:
    """Run one verb; its own refusals and bugs are its answer, the database's failures are raised."""
    try:
        value: Any = operation.verb(tx, *operation.args, **operation.kwargs)
    except psycopg.Error as error:
        if faults.translate(error, "") is not None:
            raise
        return Answer(operation, None, error)
    except Exception as error:
        return Answer(operation, None, error)
    return Answer(operation, value)
