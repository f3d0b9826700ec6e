"""Opening a cluster: metastore, store and WAL found, checked against each other and put together."""

from __future__ import annotations

import asyncio
import platform
import secrets
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from typing import NamedTuple

from anabranch.errors import ClientFault, ErrorCode, StoreFault, UserFault
from anabranch.log import places
from anabranch.log.location import Location, as_url, shown
from anabranch.log.log import Log
from anabranch.log.places import Place
from anabranch.log.settings import LogSettings
from anabranch.log.threads import LogThreads
from anabranch.metastore.api import BrokerRow, Endpoint, Metastore
from anabranch.metastore.opening import is_postgres, open_metastore, sqlite_path
from anabranch.storage.disk import Disk
from anabranch.storage.identity import (
    STORE_IDENTITY_KEY,
    claim_identity,
    read_identity,
    require_identity,
)
from anabranch.storage.layers import LayeredStore, Waits, open_layered
from anabranch.storage.probe import probe_create
from anabranch.storage.retrying import Backoff
from anabranch.storage.trial import Trial
from anabranch.storage.wal import (
    Wal,
    WalReader,
    is_object_wal,
    open_wal_reader,
    wal_directory_path,
)
from anabranch.storage.wal_directory import WalDirectory
from anabranch.storage.wal_file import FileWal
from anabranch.storage.wal_object import ObjectWal, WalBucket

WAL_REQUEST_TIMEOUT_S = 5.0  # one PUT of a flush: a stuck one must not hold up those behind it
ANY_BROKER = -1  # for open_log: the smallest number that no living broker has
REGISTER_AGAIN_S = 0.5  # a broker that was killed a moment ago still counts as living


def wall_clock_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def new_topic_id() -> bytes:
    """A random topic id whose text form does not start with ``-`` (KIP-516: tools read it as a flag)."""
    while True:
        candidate = uuid.uuid4().bytes
        if candidate[0] >> 2 != 0b111110:
            return candidate


def real_waits() -> Waits:
    """The machine's clock, sleep and chance, for retries."""
    return Waits(time.sleep, time.monotonic, Random())


class Registration(NamedTuple):
    """What a broker announces; see ``open_log``."""

    broker_id: int
    host: str
    port: int
    lane: str
    rack: str | None
    silent_ms: int
    endpoints: tuple[Endpoint, ...] = ()


class Opened(NamedTuple):
    """The places of a cluster, ready for use."""

    store: LayeredStore
    wal: Wal | None
    wal_reader: WalReader
    wal_store: LayeredStore | None  # of an object WAL: what metrics read
    broker: BrokerRow | None


async def open_log(
    where: Location | Path | str,
    *,
    broker_id: int | None,
    host: str = "",
    port: int = 0,
    lane: str = "live",
    rack: str | None = None,
    silent_ms: int = 0,
    endpoints: Sequence[Endpoint] = (),
    settings: LogSettings | None = None,
    create: bool = False,
    topic_suffix: str = "",
) -> Log:
    """Open the cluster at ``where``: a location, a data directory, or its metastore's URL.

    With a ``broker_id`` (``ANY_BROKER``: whichever is free) the process registers and may append, but takes
    no traffic before its first heartbeat; without one (the command line, the recovery plane) it works
    beside running brokers. A broker that beat less than ``silent_ms`` ago lives, and its number is not
    taken; 0: the caller knows that the number's last holder is dead. ``create`` makes a new, empty cluster
    if there is none. ``topic_suffix``: see :class:`anabranch.log.catalogue.Catalogue`.

    Raises:
        UserFault: there is no cluster, or not one that this version can open; store or WAL belong to
            another, or are not the ones that it uses; the store does not create honestly.
        StoreFault: disk or bucket refuse.
    """
    settings = settings or LogSettings()
    where = Location.of(where)
    metastore = _open_metastore(where, broker_id is not None, create)
    with ExitStack() as undo:
        undo.callback(metastore.close)
        opening = _Opening(metastore, where, settings, undo)
        if broker_id is None:
            opened = await opening.to_read()
        else:
            opened = await opening.to_serve(
                Registration(broker_id, host, port, lane, rack, silent_ms, tuple(endpoints))
            )
        log = Log(
            metastore=metastore,
            store=opened.store.store,
            wal_reader=opened.wal_reader,
            wal=opened.wal,
            threads=LogThreads.start(
                cold=settings.cold_threads,
                recent=settings.recent_threads,
                wal=settings.wal_flushes_in_flight_max if opened.wal_store else 1,
            ),
            settings=settings,
            now_ms=wall_clock_ms,
            unique=lambda: secrets.token_hex(6),
            new_topic_id=new_topic_id,
            broker=opened.broker,
            store_now_ms=metastore.now_ms,
            topic_suffix=topic_suffix,
        )
        log.opened_store, log.opened_wal_store = opened.store, opened.wal_store
        await log.start()
        undo.pop_all()  # from here on they are the log's to close
    return log


def _open_metastore(where: Location, serving: bool, create: bool) -> Metastore:
    location = where.where_metastore
    if not is_postgres(location):
        path = sqlite_path(location)
        if not path.exists():
            _refuse_if_lost(where, path)
        if not path.exists():
            if not create:
                up = f"--data {where.data}" if where.metastore is None else f"--metastore {path}"
                raise UserFault(
                    f"{where} holds no Anabranch cluster: start one there with 'anabranch up {up}', "
                    "or name another one with --data or --metastore"
                )
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreFault(
                    f"cannot create {path.parent}: {error.strerror}", retryable=False
                ) from error
    return open_metastore(
        location,
        now_ms=wall_clock_ms(),
        new_cluster_id=lambda: uuid.uuid4().bytes,
        write_out_wal=serving,
        create=create,
    )


def _refuse_if_lost(where: Location, path: Path) -> None:
    """Raises UserFault if the store is a cluster's already: a new metastore would only be in the way."""
    url = where.store or where.default_store
    if url is None:
        return
    with closing(open_layered(as_url(url), waits=real_waits()).store) as store:
        identity = read_identity(store, STORE_IDENTITY_KEY)
    # A broker that begins the cluster in this moment makes its metastore before it claims the store.
    if identity is not None and not path.exists():
        raise UserFault(
            f"the store {shown(as_url(url))} belongs to cluster {identity.cluster_id}, whose metastore is not "
            f"at {path}: name it with --metastore; if it is lost, 'anabranch rebuild' makes it anew from "
            "store and WAL (a new cluster needs a store of its own)"
        )


class _Opening:
    """Finds store and WAL, and checks that they are this cluster's. What it opens, ``undo`` closes."""

    def __init__(
        self, metastore: Metastore, where: Location, settings: LogSettings, undo: ExitStack
    ) -> None:
        self._metastore = metastore
        self._where = where
        self._settings = settings
        self._undo = undo
        self._waits = real_waits()

    async def to_read(self) -> Opened:
        """For a process that appends nothing. Nothing is written down."""
        cluster_id = self._metastore.cluster_id
        place = await places.known(self._metastore, "store")
        store = self._open_store(place)
        if place is not None:
            identity = await asyncio.to_thread(
                require_identity, store.store, STORE_IDENTITY_KEY, cluster_id, "store"
            )
            places.check("store", place, identity.id.bytes, store.store.url)
        place = await places.known(self._metastore, "wal")
        url = self._wal_url(place)
        if place is None and not is_object_wal(url):
            # The broker may be at its very first start: whoever comes first makes the directory.
            path = wal_directory_path(url)
            return Opened(
                store, None, await asyncio.to_thread(self._wal_directory, path), None, None
            )
        reader = await asyncio.to_thread(
            open_wal_reader,
            url,
            waits=self._waits,
            cluster_id=cluster_id,
            cache_bytes=self._settings.wal_cache_bytes,
        )
        self._undo.callback(reader.close)
        if place is not None:
            places.check("wal", place, reader.wal_id, url)
        return Opened(store, None, reader, None, None)

    async def to_serve(self, registration: Registration) -> Opened:
        """For a broker: probes, claims what is nobody's yet, and writes down what it uses."""
        metastore = self._metastore
        cluster_id = metastore.cluster_id
        place = await places.known(metastore, "store")
        store = self._open_store(place)
        await asyncio.to_thread(probe_create, store.store, secrets.token_hex(8))
        try:
            identity = await asyncio.to_thread(
                claim_identity,
                store.store,
                STORE_IDENTITY_KEY,
                cluster_id,
                uuid.uuid4().bytes,
                "store",
            )
        except UserFault as fault:
            if place is not None:
                raise
            raise UserFault(
                f"{fault}; if that cluster's metastore is lost, 'anabranch rebuild' makes it anew"
            ) from None
        if place is not None:
            places.check("store", place, identity.id.bytes, store.store.url)
        await self._settle("store", place, identity.id, self._where.store, None)

        place = await places.known(metastore, "wal")
        url = self._wal_url(place)
        wal_store: LayeredStore | None = None
        if is_object_wal(url):
            wal_store = self._open_wal_store(url)
            if url != store.store.url:
                await asyncio.to_thread(probe_create, wal_store.store, secrets.token_hex(8))
            bucket = await asyncio.to_thread(
                WalBucket.create, wal_store.store, cluster_id=cluster_id, cache_bytes=0
            )
            wal_id, machine = bucket.wal_id, None
        else:
            directory = await asyncio.to_thread(self._wal_directory, wal_directory_path(url))
            wal_id, machine = directory.wal_id, platform.node()
        await places.admit_wal(metastore, place, wal_id, machine, url, registration.broker_id)
        given = self._where.wal
        known_url = as_url(given) if given else (place.url if place else None)
        row = await self._register(registration)
        try:
            await places.take_wal(
                metastore,
                Place(uuid.UUID(bytes=wal_id), known_url, machine),
                url,
                row.broker_id,
            )
        except UserFault:
            await metastore.remove_broker(row.broker_id, row.epoch)
            raise
        wal = await asyncio.to_thread(self._open_wal, url, wal_store, row)
        self._undo.callback(wal.close)
        return Opened(store, wal, wal.reader, wal_store, row)

    async def _register(self, mine: Registration) -> BrokerRow:
        wanted = None if mine.broker_id == ANY_BROKER else mine.broker_id
        waited_ms = 0.0
        while True:
            try:
                return await self._metastore.register_broker(
                    wanted,
                    mine.host,
                    mine.port,
                    await self._metastore.now_ms(),
                    lane=mine.lane,
                    rack=mine.rack,
                    silent_ms=mine.silent_ms,
                    endpoints=mine.endpoints,
                )
            except ClientFault as fault:
                if fault.code is not ErrorCode.DUPLICATE_BROKER_REGISTRATION:
                    raise
                if waited_ms > mine.silent_ms:
                    raise UserFault(
                        f"broker {wanted} already runs on {self._where}: stop it, or choose another "
                        "number with --node-id"
                    ) from None
            await asyncio.sleep(REGISTER_AGAIN_S)
            waited_ms += REGISTER_AGAIN_S * 1000

    def _open_store(self, place: Place | None) -> LayeredStore:
        url = self._where.store or (place and place.url) or self._where.default_store
        if url is None:
            raise UserFault("say where the retained data is: --store URL")
        settings = self._settings
        trial = Trial(
            settings.trial_refused_percent, settings.trial_latency_ms, settings.trial_seed
        )
        store = open_layered(as_url(url), waits=self._waits, trial=trial)
        self._undo.callback(store.store.close)
        return store

    def _wal_url(self, place: Place | None) -> str:
        url = self._where.wal or (place and place.url) or self._where.default_wal
        if url is None:
            raise UserFault("say where the write-ahead log is: --wal URL")
        return as_url(url)

    def _open_wal_store(self, url: str) -> LayeredStore:
        total_s = self._settings.wal_write_ms_max / 1000
        store = open_layered(
            url,
            waits=self._waits,
            backoff=Backoff(attempts_max=100, base_s=0.05, cap_s=1.0, total_s=total_s),
            request_timeout_s=WAL_REQUEST_TIMEOUT_S,
        )
        self._undo.callback(store.store.close)
        return store

    def _wal_directory(self, path: Path) -> WalDirectory:
        return WalDirectory.create(
            path, cluster_id=self._metastore.cluster_id, wal_id=None, disk=Disk()
        )

    def _open_wal(self, url: str, store: LayeredStore | None, row: BrokerRow) -> Wal:
        cluster_id = self._metastore.cluster_id
        if store is None:
            return FileWal.open(
                wal_directory_path(url),
                cluster_id=cluster_id,
                broker_id=row.broker_id,
                broker_epoch=row.epoch,
                file_bytes=self._settings.wal_file_bytes,
            )
        return ObjectWal.open(
            store.store,
            cluster_id=cluster_id,
            broker_id=row.broker_id,
            broker_epoch=row.epoch,
            cache_bytes=self._settings.wal_cache_bytes,
        )

    async def _settle(
        self,
        name: str,
        place: Place | None,
        found: uuid.UUID,
        given: str | None,
        machine: str | None,
    ) -> None:
        url = as_url(given) if given else (place.url if place else None)
        wanted = Place(found, url, machine)
        if wanted != place:
            await places.settle(
                self._metastore,
                name,
                wanted,
                replaces=place.id if place else None,
                now_ms=wall_clock_ms(),
            )
