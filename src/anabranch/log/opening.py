"""Opening a data directory: metastore, store and WAL of the embedded default put together."""

from __future__ import annotations

import secrets
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

from anabranch.errors import StoreFault, UserFault
from anabranch.log.log import Log
from anabranch.log.settings import LogSettings
from anabranch.log.threads import LogThreads
from anabranch.metastore.sqlite import SqliteMetastore
from anabranch.storage.disk import Disk
from anabranch.storage.probe import probe_create
from anabranch.storage.store import open_store
from anabranch.storage.wal import Wal
from anabranch.storage.wal_directory import WalDirectory

METASTORE = "metastore.db"
WAL = "wal"
STORE = "store"


def wall_clock_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def new_topic_id() -> bytes:
    """A random topic id whose text form does not start with ``-`` (KIP-516: tools read it as a flag)."""
    while True:
        candidate = uuid.uuid4().bytes
        if candidate[0] >> 2 != 0b111110:
            return candidate


async def open_log(
    data: Path,
    *,
    broker_id: int | None,
    host: str = "",
    port: int = 0,
    lane: str = "live",
    rack: str | None = None,
    settings: LogSettings | None = None,
    create: bool = False,
) -> Log:
    """Open the log in directory ``data``.

    With a ``broker_id`` (whose last holder must be known to be dead) the process registers and may append,
    but takes no traffic before its first heartbeat; without one (the command line, the recovery plane)
    it works beside running brokers. ``create`` makes a new, empty cluster if there is
    none.

    Raises:
        UserFault: ``data`` holds no cluster, or not one that this version can open.
        StoreFault: the disk refuses.
    """
    settings = settings or LogSettings()
    path = data / METASTORE
    if not path.exists():
        if not create:
            raise UserFault(
                f"{data} holds no Anabranch cluster: start one there with 'anabranch up --data {data}', "
                "or name another directory with --data"
            )
        try:
            data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFault(f"cannot create {data}: {error.strerror}", retryable=False) from error
    metastore = SqliteMetastore.open(
        path,
        now_ms=wall_clock_ms(),
        new_cluster_id=lambda: uuid.uuid4().bytes,
        write_out_wal=broker_id is not None,
    )
    with ExitStack() as undo:
        undo.callback(metastore.close)
        store = open_store((data / STORE).absolute().as_uri())
        undo.callback(store.close)
        wal = None
        row = None
        if broker_id is None:
            # The broker may be at its very first start: whoever comes first makes the directory.
            directory = WalDirectory.create(
                data / WAL, cluster_id=metastore.cluster_id, wal_id=None, disk=Disk()
            )
        else:
            probe_create(store, secrets.token_hex(8))
            row = await metastore.register_broker(
                broker_id, host, port, wall_clock_ms(), lane=lane, rack=rack
            )
            wal = Wal.open(
                data / WAL,
                cluster_id=metastore.cluster_id,
                broker_id=broker_id,
                broker_epoch=row.epoch,
                file_bytes=settings.wal_file_bytes,
            )
            undo.callback(wal.close)
            directory = wal.directory
        log = Log(
            metastore=metastore,
            store=store,
            wal_directory=directory,
            wal=wal,
            threads=LogThreads.start(cold=settings.cold_threads),
            settings=settings,
            now_ms=wall_clock_ms,
            unique=lambda: secrets.token_hex(6),
            new_topic_id=new_topic_id,
            broker=row,
        )
        await log.start()
        undo.pop_all()  # from here on they are the log's to close
    return log
