"""Opening a metastore by where it is: a file, or a database of a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from anabranch.errors import UserFault
from anabranch.metastore.api import Metastore
from anabranch.metastore.sqlite import SqliteMetastore

POSTGRES_SCHEMES = ("postgresql", "postgres")


def is_postgres(location: str | Path) -> bool:
    """Whether ``location`` names a server, which several machines can share."""
    return isinstance(location, str) and urlsplit(location).scheme in POSTGRES_SCHEMES


def sqlite_path(location: str | Path) -> Path:
    """The file that a plain path or ``sqlite:///absolute/path`` names. Raises UserFault for other URLs."""
    if isinstance(location, Path) or "://" not in location:
        return Path(location)
    parts = urlsplit(location)
    if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2:
        raise UserFault(
            f"{_shown(location)!r} names no metastore: give a path, sqlite:///path, "
            "or postgresql://user@host/database"
        )
    return Path("/" + unquote(parts.path).lstrip("/"))


def _shown(location: str) -> str:
    scheme, _, rest = location.partition("://")
    return f"{scheme}://…@{rest.rpartition('@')[2]}" if "@" in rest else location


def open_metastore(
    location: str | Path,
    *,
    now_ms: int,
    new_cluster_id: Callable[[], bytes],
    write_out_wal: bool = False,
    create: bool = True,
) -> Metastore:
    """Open the metastore at ``location``, or create it there with the id that ``new_cluster_id`` makes.

    ``location`` is a path, ``sqlite:///path`` or ``postgresql://user:password@host:port/database``; to the
    latter, ``?schema=name`` tells several metastores in one database apart, and everything that libpq
    knows (``sslmode`` …) may be added. Without ``create``, a database without a metastore is left as it
    is, with a UserFault (for files, look whether there is one). ``write_out_wal`` is for a process that commits much: some 30 ms
    now for quicker commits (SQLite only).

    Raises UserFault for what the person who gave the location must change, StoreFault if the disk or the
    server refuses.
    """
    if is_postgres(location):
        try:
            from anabranch.metastore.postgres.engine import PostgresMetastore
        except ImportError as error:
            raise UserFault(
                "a metastore on PostgreSQL needs its driver: pip install 'anabranch[postgres]'"
            ) from error
        return PostgresMetastore.open(
            str(location), now_ms=now_ms, new_cluster_id=new_cluster_id, create=create
        )
    return SqliteMetastore.open(
        sqlite_path(location),
        now_ms=now_ms,
        new_cluster_id=new_cluster_id,
        write_out_wal=write_out_wal,
    )
