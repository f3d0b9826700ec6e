"""Where a checkpoint lies: a directory or a bucket, asked for names, sizes and ranges of bytes."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from random import Random
from typing import Protocol
from urllib.parse import unquote, urlsplit

from anabranch.errors import Corrupt, StoreFault, UserFault

FILE_BYTES_MAX = (
    512 << 20
)  # read whole: metadata with much inlined state; beyond it memory is at risk
NAMES_MAX = 100_000  # in one directory; Spark keeps 100 batches, Bytewax a file per worker
_S3_SCHEMES = ("s3", "s3a", "s3p", "s3n")  # Hadoop's and Presto's names for the same


class Place(Protocol):
    """A directory of somebody else's files. Every method raises StoreFault where it cannot be asked."""

    location: str
    query: str  # "?endpoint=…" of a bucket's URL, "" for directories

    def names(self) -> list[str]:
        """What lies directly in it, sorted; empty if it does not exist."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes of the file ``name``; None if there is none."""
        ...

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a file. Raises UserFault if there is none, Corrupt if it ends before that."""
        ...

    def modified_ms(self, name: str) -> int | None:
        """When the file was written; None if that is not known."""
        ...

    def inside(self, name: str) -> Place:
        """The directory ``name`` in it."""
        ...

    def path_of(self, name: str) -> str:
        """How a person would name the file, and how ``place_and_name`` finds it again."""
        ...


def safe_name(name: str) -> str:
    """A relative path that stays where it is. Raises Corrupt."""
    parts = name.split("/")
    if not name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise Corrupt(f"“{name[:80]}” is not the name of a file beside the checkpoint")
    return name


class Directory:
    """A directory of this machine, or mounted on it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.query = ""
        self.location = str(path.absolute())

    def names(self) -> list[str]:
        found: list[str] = []
        try:
            for entry in self._path.iterdir():
                found.append(entry.name)
                if len(found) > NAMES_MAX:
                    raise UserFault(f"{self.location} holds more than {NAMES_MAX:,} files")
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _fault(error, self.location) from error
        return sorted(found)

    def size(self, name: str) -> int | None:
        try:
            status = (self._path / safe_name(name)).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _fault(error, self.path_of(name)) from error
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        size = self.size(name)
        if size is None:
            raise UserFault(f"there is no file {self.path_of(name)}")
        length = _checked_length(self.path_of(name), size, start, length)
        try:
            with (self._path / name).open("rb") as file:
                file.seek(start)
                found = file.read(length)
        except OSError as error:
            raise _fault(error, self.path_of(name)) from error
        return _whole(self.path_of(name), found, start, length)

    def modified_ms(self, name: str) -> int | None:
        try:
            return (self._path / safe_name(name)).stat().st_mtime_ns // 1_000_000
        except OSError:
            return None

    def inside(self, name: str) -> Directory:
        return Directory(self._path / safe_name(name))

    def path_of(self, name: str) -> str:
        return str(Path(self.location) / name)


class Bucket:
    """A prefix of an S3 bucket, through the store that the log itself uses."""

    def __init__(self, bucket: str, prefix: str, query: str) -> None:
        from anabranch.storage.layers import Waits, open_layered

        self._bucket, self._prefix = bucket, prefix.strip("/")
        self.query = f"?{query}" if query else ""
        self.location = self._url(self._prefix)
        waits = Waits(time.sleep, time.monotonic, Random())
        self._store = open_layered(self._url(""), waits=waits).store

    def _url(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}{self.query}"

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{safe_name(name)}" if self._prefix else safe_name(name)

    def names(self) -> list[str]:
        prefix = f"{self._prefix}/" if self._prefix else ""
        found: set[str] = set()
        for number, each in enumerate(self._store.list(prefix)):
            found.add(each.key[len(prefix) :].partition("/")[0])
            if number > NAMES_MAX:
                raise UserFault(f"{self.location} holds more than {NAMES_MAX:,} files")
        return sorted(found)

    def size(self, name: str) -> int | None:
        from anabranch.storage.store import NotFound

        try:
            return self._store.head(self._key(name)).size
        except NotFound:
            return None

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        size = self.size(name)
        if size is None:
            raise UserFault(f"there is no object {self.path_of(name)}")
        length = _checked_length(self.path_of(name), size, start, length)
        found = self._store.get(self._key(name), start, length) if length else b""
        return _whole(self.path_of(name), found, start, length)

    def modified_ms(self, name: str) -> int | None:
        return None  # the store's contract has no times

    def inside(self, name: str) -> Bucket:
        return Bucket(self._bucket, self._key(name), self.query.removeprefix("?"))

    def path_of(self, name: str) -> str:
        return self._url(f"{self._prefix}/{name}" if self._prefix else name)


def place(location: str) -> Place:
    """The directory at a path, a ``file:`` URL, or an ``s3://bucket/prefix?endpoint=…`` URL.

    Credentials and region come from ``AWS_*``, as for the store of the log. Raises UserFault for any
    other kind of URL.
    """
    split = urlsplit(location)
    if split.scheme in _S3_SCHEMES:
        if not split.netloc:
            raise UserFault(f"“{location}” names no bucket: write s3://bucket/prefix")
        return Bucket(split.netloc, unquote(split.path), split.query)
    if split.scheme == "file":
        if split.netloc not in ("", "localhost"):
            raise UserFault(f"“{location}” lies on another machine: give its path here")
        return Directory(Path(unquote(split.path)))
    if "://" in location:
        raise UserFault(
            f"“{location}”: a checkpoint is read from a directory, file:/path or s3://bucket/prefix; "
            f"mount or copy what lies elsewhere"
        )
    return Directory(Path(location))


def place_and_name(location: str, query: str = "") -> tuple[Place, str]:
    """The directory that a file's path or URL lies in, and the file's name there.

    ``query`` holds for a bucket's URL that has none: engines write paths without an endpoint.
    """
    split = urlsplit(location)
    if split.scheme not in _S3_SCHEMES:
        bare, query = location, ""
    elif split.query:
        bare, query = location.removesuffix(f"?{split.query}"), f"?{split.query}"
    else:
        bare = location
    parent, slash, name = bare.rpartition("/")
    if not name:
        raise UserFault(f"“{location}” names no file")
    return place((parent or ("/" if slash else ".")) + query), name


def _checked_length(path: str, size: int, start: int, length: int | None) -> int:
    if start < 0 or (length is not None and length < 0):
        raise Corrupt(f"{path}: bytes {start:,} and on, {length}, are announced")
    wanted = max(0, size - start) if length is None else length
    if start + wanted > size:
        raise Corrupt(
            f"{path}: bytes {start:,} to {start + wanted:,} are announced, it has {size:,}"
        )
    if wanted > FILE_BYTES_MAX:
        raise UserFault(
            f"{path}: {wanted:,} bytes are more than are read at once ({FILE_BYTES_MAX:,})"
        )
    return wanted


def _whole(path: str, found: bytes, start: int, length: int) -> bytes:
    if len(found) != length:
        raise Corrupt(
            f"{path}: it ends at byte {start + len(found):,}, {start + length:,} are needed"
        )
    return found


def _fault(error: OSError, path: str) -> StoreFault:
    return StoreFault(f"{path}: {error.strerror or error}", retryable=False)
