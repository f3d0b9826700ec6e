"""The PostgreSQL engine of the metastore: lanes that write, lanes that read, notices from others."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg

from anabranch.errors import UserFault
from anabranch.metastore import appends, brokers, check, clock, extents, offsets, partitions, topics
from anabranch.metastore.api import Metastore
from anabranch.metastore.changes import Changed
from anabranch.metastore.handover import Handover
from anabranch.metastore.postgres import faults, hot
from anabranch.metastore.postgres.connect import Address, address, first_connection
from anabranch.metastore.postgres.lane import Lane
from anabranch.metastore.postgres.migrate import has_metastore, migrate
from anabranch.metastore.postgres.notices import Listener, Teller
from anabranch.metastore.postgres.readers import COLD_READERS, Reads
from anabranch.metastore.postgres.writer import Statements, Transactions
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import AppendOutcome, FlushCommit
from anabranch.metastore.verbs import SqlMetastore

P = ParamSpec("P")
T = TypeVar("T")

Verb = Callable[..., Any]

OFFSET_LANES = 2  # connections that commit offsets; each commit waits for the disk

# Reads that are one statement: one round trip instead of three.
_SINGLE_READS: frozenset[Verb] = frozenset(
    {
        appends.append_state,
        appends.producer_states,
        clock.now_ms,
        brokers.brokers,
        extents.extents_from,
        offsets.committed,
        partitions.all_partitions,
        partitions.partition,
        partitions.partitions,
        topics.topics,
    }
)
# Verbs that are written twice because speed asks for it.
_TWINS: dict[Verb, Verb] = {
    appends.commit_appends: hot.commit_appends,
    offsets.commit_offsets: hot.commit_offsets,
}
_LONG_READS: frozenset[Verb] = frozenset({check.check})
# What is asked on behalf of readers below the tail. A thousand of them, or a slow page of extents, must not
# stand before what appends, groups and live fetches ask.
_COLD_READS: frozenset[Verb] = frozenset(
    {
        extents.extents_from,
        extents.extent_by_timestamp,
        extents.extent_by_append_time,
        extents.extent_of_max_timestamp,
    }
)


class PostgresMetastore(SqlMetastore):
    """See :class:`anabranch.metastore.api.Metastore`; made by :meth:`open`."""

    def __init__(self, where: Address, cluster_id: bytes) -> None:
        super().__init__()
        self._where = where
        self._cluster_id = cluster_id
        self._teller = Teller(where)
        self._listener = Listener(where, self._teller)
        tell = self._teller.tell
        self._general = Transactions("general", where, tell, locked=True)
        self._appends = Statements("appends", where, tell, repeatable=True)
        self._liveness = Statements("liveness", where, tell, repeatable=True)
        self._offsets = [
            Statements(f"offsets-{n}", where, tell, repeatable=False) for n in range(OFFSET_LANES)
        ]
        self._lanes: dict[Verb, Lane] = {
            brokers.beat_broker: self._liveness,
            brokers.acquire_lease: self._liveness,
            brokers.release_lease: self._liveness,
            appends.commit_appends: self._appends,
        }
        self._reads = Reads("read", where, single=_SINGLE_READS)
        self._cold = Reads("cold", where, threads=COLD_READERS, single=_SINGLE_READS)
        self._aside = Reads("aside", where, threads=1, unbounded=True)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        now_ms: int,
        new_cluster_id: Callable[[], bytes],
        create: bool = True,
    ) -> PostgresMetastore:
        """Open the metastore in the database that ``url`` names; with ``create``, make it if there is none.

        Raises UserFault for what the person who gave the URL must change, StoreFault if the server
        does not answer.
        """
        where = address(url)
        connection = first_connection(where)
        try:
            if not create and not has_metastore(connection):
                raise UserFault(
                    f"{where.shown} holds no Anabranch cluster: start one there with "
                    f"'anabranch up --metastore {where.shown} …', or name another one"
                )
            cluster_id = migrate(connection, where, now_ms=now_ms, new_cluster_id=new_cluster_id)
        except psycopg.Error as error:
            fault = faults.translate(error, where.shown)
            if fault is None:
                raise
            raise fault from error
        finally:
            connection.close()
        return cls(where, cluster_id)

    @property
    def cluster_id(self) -> bytes:
        return self._cluster_id

    @property
    def place(self) -> str:
        """Where it is, fit for messages."""
        return self._where.shown

    def close(self) -> None:
        lanes = (self._appends, self._general, self._liveness, self._reads, self._cold, self._aside)
        for lane in (*lanes, *self._offsets):
            lane.close()
        self._teller.close()
        self._listener.close()

    def on_change(self, callback: Callable[[Changed], None]) -> None:
        self._listener.watch(callback)

    def expect_others(self, others: bool) -> None:
        self._teller.active = others

    def commit_flush(self, flush: Handover, now_ms: int) -> Awaitable[list[AppendOutcome]]:
        promise = self._appends.promise(hot.commit_appends)

        def taker(given: FlushCommit | BaseException) -> None:
            if isinstance(given, BaseException):
                promise.fail(given)
            else:
                promise.start(given.object_key, given.commits, now_ms)

        flush.take(taker)
        return promise.future

    async def _read(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        lane = self._reads
        if verb in _COLD_READS:
            lane = self._cold
        elif verb in _LONG_READS:
            lane = self._aside
        answer: T = await lane.submit(verb, args, kwargs)
        return answer

    async def _read_aside(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        answer: T = await self._aside.submit(verb, args, kwargs)
        return answer

    def _write(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        lane = self._lanes.get(verb, self._general)
        if verb is offsets.commit_offsets:  # those of one group stay in order
            lane = self._offsets[zlib.crc32(str(args[0]).encode()) % OFFSET_LANES]
        return lane.submit(_TWINS.get(verb, verb), args, kwargs)


_: type[Metastore] = PostgresMetastore  # every verb is there, with the contract's signature
