"""Where a cluster is: its metastore, its store and its write-ahead log.

A data directory holds all three (``metastore.db``, ``store/``, ``wal/``); each can be somewhere else by a
URL of its own. What was once given by URL the cluster remembers itself (``places.py``), so from then on
its metastore alone is enough to find the rest.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from anabranch.errors import UserFault

DEFAULT_DATA = "anabranch-data"  # of the command line
METASTORE = "metastore.db"
STORE = "store"
WAL = "wal"


class Location(Struct, frozen=True):
    """What somebody was told about a cluster. URLs, or paths of this machine."""

    data: Path | None = None
    metastore: str | None = None
    store: str | None = None
    wal: str | None = None

    @classmethod
    def of(cls, where: Location | Path | str) -> Location:
        """A data directory, or a metastore's URL, as a location."""
        if isinstance(where, Location):
            return where
        if isinstance(where, str) and "://" in where:
            return cls(metastore=where)
        return cls(data=Path(where))

    @property
    def where_metastore(self) -> str | Path:
        """A path, or a URL that ``metastore.opening`` knows. Raises ``UserFault`` if nothing says it."""
        if self.metastore is not None:
            return self.metastore
        if self.data is not None:
            return self.data / METASTORE
        raise UserFault("name the cluster: --data DIR, or --metastore URL")

    @property
    def default_store(self) -> str | None:
        """The store of a cluster that was never told another."""
        return None if self.data is None else as_url(str(self.data / STORE))

    @property
    def default_wal(self) -> str | None:
        """The write-ahead log of a cluster that was never told another."""
        return None if self.data is None else as_url(str(self.data / WAL))

    @property
    def files(self) -> Path:
        """Where commands put files of their own: reports, the output of replays."""
        return self.data if self.data is not None else Path(DEFAULT_DATA)

    def __str__(self) -> str:
        """For messages."""
        if self.metastore is not None:
            return shown(self.metastore)
        return str(self.data)


def as_url(text: str) -> str:
    """A path as a ``file:///`` URL; a URL as it is."""
    return text if "://" in text or text == "memory:" else Path(text).absolute().as_uri()


def shown(url: str) -> str:
    """A URL as it may be printed: without the password."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}://…@{rest.rpartition('@')[2]}" if separator and "@" in rest else url
