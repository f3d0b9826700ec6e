"""``anabranch rebuild``: store, WAL and the new metastore found, and the old one's brokers fenced off.

The order makes it safe to break off and begin again at any point:

    1  the new metastore is made in a file of its own           nothing else has changed
    2  store and WAL get new identities                         the old metastore's brokers are refused
    3  the file takes its place (or a database is filled)       the new metastore exists, wholly
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from anabranch.errors import UserFault
from anabranch.log import places
from anabranch.log.location import Location, as_url, shown
from anabranch.log.opening import real_waits, wall_clock_ms
from anabranch.log.places import Place
from anabranch.log.rebuild.report import Figures, Report, ShowProgress
from anabranch.log.rebuild.run import restore_metastore
from anabranch.metastore.opening import is_postgres, open_metastore, sqlite_path
from anabranch.metastore.restore import put_document
from anabranch.metastore.transplant import file_is_empty
from anabranch.storage.disk import Disk
from anabranch.storage.identity import (
    STORE_IDENTITY_KEY,
    WAL_IDENTITY_KEY,
    read_identity,
    replace_identity,
)
from anabranch.storage.layers import open_layered
from anabranch.storage.retrying import PATIENT
from anabranch.storage.store import Store
from anabranch.storage.wal import WalReader, is_object_wal, open_wal_reader, wal_directory_path
from anabranch.storage.wal_directory import WalDirectory, replace_wal_identity

READS_AT_ONCE = 16  # the store's own layer caps requests as well

SQLITE_LEFTOVERS = ("-journal", "-wal", "-shm")  # beside a file whose process was killed

_Make = Callable[[Path], bytes]  # fills a file and returns the cluster's id


class _Places(NamedTuple):
    store_url: str
    wal_url: str
    store: Store
    wal: WalReader
    cluster_id: bytes | None  # what they say of themselves


async def rebuild_cluster(where: Location, show: ShowProgress, *, verify: bool = False) -> Report:
    """Make the metastore of ``where`` anew from its store and WAL; the report lists what is not known.

    ``verify``: also read every byte that the new metastore names.

    Raises UserFault if a place is not named or is another cluster's, if the metastore exists, or if a
    broker still writes; StoreFault if something does not answer. Nothing is changed then.
    """
    begun = time.monotonic()
    target = where.where_metastore
    report = Report(figures=Figures())
    with ExitStack() as undo:
        found = _open_places(where, undo)
        _refuse_living(found)
        incarnation = uuid.uuid4().bytes
        documents = {
            "store": Place(uuid.UUID(bytes=incarnation), where.store and as_url(where.store)),
            "wal": Place(uuid.UUID(bytes=incarnation), where.wal and as_url(where.wal)),
        }
        pool = undo.enter_context(ThreadPoolExecutor(READS_AT_ONCE, "rebuild"))

        def make(staging: Path) -> bytes:
            cluster_id = restore_metastore(
                found.store,
                found.wal,
                staging,
                pool=pool,
                cluster_id=found.cluster_id,
                incarnation=incarnation,
                now_ms=wall_clock_ms,
                report=report,
                show=show,
                verify=verify,
            )
            for name, place in documents.items():
                put_document(
                    staging, places.KIND, name, msgspec.json.encode(place), wall_clock_ms()
                )
            return cluster_id

        if is_postgres(target):
            await _into_server(str(target), found, make, incarnation)
        else:
            _into_file(sqlite_path(target), found, make, incarnation)
        report.store, report.wal = found.store_url, found.wal_url
        report.metastore = shown(str(target))
    report.seconds = time.monotonic() - begun
    return report


def _open_places(where: Location, undo: ExitStack) -> _Places:
    store_url = where.store or where.default_store
    wal_url = where.wal or where.default_wal
    if store_url is None or wal_url is None:
        raise UserFault("say where everything lies: --store URL and --wal URL (or --data DIR)")
    store_url, wal_url = as_url(store_url), as_url(wal_url)
    waits = real_waits()
    # What is not there at all is said soon; whoever answered once is waited for with patience.
    with closing(open_layered(store_url, waits=waits).store) as first:
        identity = read_identity(first, STORE_IDENTITY_KEY)
    of_store = None if identity is None else identity.cluster_id.bytes
    open_wal_reader(wal_url, waits=waits, cluster_id=of_store).close()
    store = open_layered(store_url, waits=waits, requests_max=READS_AT_ONCE, backoff=PATIENT).store
    undo.callback(store.close)
    wal = open_wal_reader(wal_url, waits=waits, cluster_id=of_store, backoff=PATIENT)
    undo.callback(wal.close)
    return _Places(store_url, wal_url, store, wal, of_store or wal.cluster_id)


def _refuse_living(found: _Places) -> None:
    """Raises UserFault while a broker of this machine writes the WAL."""
    if not isinstance(found.wal, WalDirectory):
        return  # nobody knows: the fence is their next look at the store's identity
    for info in found.wal.objects():
        if found.wal.is_owned(info.key):
            raise UserFault(
                f"a broker still writes the WAL {found.wal_url} ({info.key}): stop all brokers of the old "
                "metastore first, or what they acknowledge from now on is lost"
            )


def _fence(found: _Places, cluster_id: bytes, new_id: bytes) -> None:
    if is_object_wal(found.wal_url):
        wal_store = open_layered(found.wal_url, waits=real_waits()).store
        try:
            replace_identity(wal_store, WAL_IDENTITY_KEY, cluster_id, new_id)
        finally:
            wal_store.close()
    else:
        path = wal_directory_path(found.wal_url)
        replace_wal_identity(path, cluster_id=cluster_id, wal_id=new_id, disk=Disk())
    replace_identity(found.store, STORE_IDENTITY_KEY, cluster_id, new_id)


def _into_file(path: Path, found: _Places, make: _Make, new_id: bytes) -> None:
    if path.exists() and path.stat().st_size > 0 and not file_is_empty(path):
        raise UserFault(
            f"{path} exists: a rebuild overwrites nothing. Move it away, or name another metastore with "
            "--metastore"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserFault(f"cannot create {path.parent}: {error.strerror}") from None
    staging = path.with_name(f"{path.name}.rebuilding")
    with _removed(staging):
        cluster_id = make(staging)
        _fence(found, cluster_id, new_id)
        for suffix in SQLITE_LEFTOVERS:
            left = path.with_name(path.name + suffix)
            if left.exists():  # SQLite would take it for the new file's own
                Disk().rename(left, left.with_name(f"{left.name}.lost"))
        Disk().rename(staging, path)
        Disk().sync_directory(path.parent)


async def _into_server(url: str, found: _Places, make: _Make, new_id: bytes) -> None:
    metastore = open_metastore(
        url, now_ms=wall_clock_ms(), new_cluster_id=lambda: found.cluster_id or uuid.uuid4().bytes
    )
    try:
        await metastore.refuse_unless_empty()
        with TemporaryDirectory(prefix="anabranch-rebuild-") as directory:
            staging = Path(directory) / "metastore.db"
            cluster_id = make(staging)
            _fence(found, cluster_id, new_id)
            await metastore.fill_from(staging)
    finally:
        metastore.close()


@contextmanager
def _removed(path: Path) -> Iterator[None]:
    """What a rebuild that broke off leaves behind is of no use."""
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
