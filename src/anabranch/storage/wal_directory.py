"""A WAL directory as everybody but its writers sees it: identity, listing, reading.

    <directory>/identity.json                     whose WAL this is
    <directory>/<broker>-<epoch>-<generation>.wal   one object: one life of a WAL file
    <directory>/spare-….wal                         recycled or prepared files that wait for a life
    <directory>/<broker>-<epoch>.lock             held by the broker start that writes those objects

The brokers that share a directory run on one machine: locks and the check around reads lean on one
kernel's page cache.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from anabranch.errors import Corrupt, StoreFault, UserFault
from anabranch.storage.disk import Disk, disk_fault
from anabranch.storage.lockfile import LockFile
from anabranch.storage.store import NotFound, ObjectInfo
from anabranch.storage.wal_format import (
    FILE_HEADER_BYTES,
    FORMAT_VERSION,
    decode_file_header,
    parse_object_key,
)
from anabranch.storage.wal_scan import scan_frames

IDENTITY_NAME = "identity.json"
_OBJECT_NAME = re.compile(r"(\d{1,10}-\d{10,19}-\d{10,19})\.wal")


class WalIdentity(msgspec.Struct, frozen=True):
    """Contents of the identity file."""

    format: int
    cluster_id: UUID
    wal_id: UUID


class WalDirectory:
    """Reads any WAL object of a directory, from any thread, while brokers write and recycle."""

    def __init__(self, directory: Path, identity: WalIdentity, disk: Disk) -> None:
        self.path = directory
        self.identity = identity
        self._disk = disk

    @classmethod
    def open(
        cls, directory: Path, *, cluster_id: bytes | None = None, disk: Disk | None = None
    ) -> WalDirectory:
        """Open an existing directory; ``cluster_id`` (16 bytes) refuses another cluster's.

        Raises ``UserFault`` if it is no WAL directory, another cluster's or of a newer format.
        """
        disk = disk or Disk()
        identity = _read_identity(directory, disk)
        if identity is None:
            raise UserFault(f"{directory} is not a WAL directory: it has no {IDENTITY_NAME}")
        _check_identity(directory, identity, cluster_id)
        return cls(directory, identity, disk)

    @classmethod
    def create(
        cls, directory: Path, *, cluster_id: bytes, wal_id: bytes | None, disk: Disk
    ) -> WalDirectory:
        """Open a directory, making it and its identity first if there is none."""
        try:
            if not disk.is_directory(directory):
                _make_directories(directory, disk)
            if _read_identity(directory, disk) is None:
                identity = WalIdentity(
                    FORMAT_VERSION,
                    UUID(bytes=cluster_id),
                    uuid4() if wal_id is None else UUID(bytes=wal_id),
                )
                _write_identity(directory, identity, disk)
        except OSError as error:
            raise disk_fault(error, f"creating the WAL directory {directory}") from error
        return cls.open(directory, cluster_id=cluster_id, disk=disk)

    @property
    def url(self) -> str:
        return self.path.absolute().as_uri()

    @property
    def cluster_id(self) -> bytes:
        return self.identity.cluster_id.bytes

    @property
    def wal_id(self) -> bytes:
        return self.identity.wal_id.bytes

    def scan(self, object_key: str, start: int | None = None) -> scan_frames:
        at = FILE_HEADER_BYTES if start is None else start
        return scan_frames(self.file_path(object_key), start=at, disk=self._disk)

    def close(self) -> None:
        """Nothing is held between reads."""

    def file_path(self, object_key: str) -> Path:
        """The file of a WAL object. Raises ``NotFound`` for a key of another kind."""
        if parse_object_key(object_key) is None:
            raise NotFound(f"{object_key} is not the key of a WAL object")
        return self.path / f"{object_key.removeprefix('wal/')}.wal"

    def objects(self) -> list[ObjectInfo]:
        """All WAL objects, oldest epoch first. Sizes are those of the files."""
        try:
            entries = self._disk.scan(self.path)
        except OSError as error:
            raise disk_fault(error, f"listing the WAL directory {self.path}") from error
        found = []
        for entry in entries:
            match = _OBJECT_NAME.fullmatch(entry.name)
            if match is None or entry.is_directory:
                continue
            object_key = f"wal/{match[1]}"
            parsed = parse_object_key(object_key)
            assert parsed is not None
            broker_id, epoch, generation = parsed
            found.append(((epoch, broker_id, generation), ObjectInfo(object_key, entry.size)))
        return [info for _, info in sorted(found)]

    def is_owned(self, object_key: str) -> bool:
        """Whether the broker start that writes this object is alive."""
        try:
            return LockFile.is_held(self._disk, self.lock_path(object_key))
        except OSError as error:
            raise disk_fault(error, f"checking who writes {object_key}") from error

    def lock_path(self, object_key: str) -> Path:
        return self.path / f"{object_key.removeprefix('wal/').rpartition('-')[0]}.lock"

    def read(self, object_key: str, position: int, length: int) -> bytes:
        """Exactly ``length`` bytes at ``position`` of an object.

        The file may be recycled at any moment. Recycling erases the header before any byte behind it
        is written again, so a header that is this object's *after* the read vouches for what was
        read. Raises ``NotFound`` when the object is gone (merged and recycled: ask the metastore
        again), ``Corrupt`` when it is there but not readable as it was written, ``StoreFault``.
        """
        assert position >= FILE_HEADER_BYTES and length >= 0
        path = self.file_path(object_key)
        try:
            fd = self._disk.open(path, os.O_RDONLY)
            try:
                self._check_life(fd, object_key)
                data = self._disk.read(fd, length, position)
                self._check_life(fd, object_key)
            finally:
                self._disk.close(fd)
        except FileNotFoundError:
            raise NotFound(f"{object_key} is not in the WAL {self.path}") from None
        except OSError as error:
            raise disk_fault(error, f"reading {object_key} from the WAL {self.path}") from error
        if len(data) != length:
            raise Corrupt(
                f"{object_key} ends at {position + len(data)}, before the {length} bytes at {position}"
            )
        return data

    def _check_life(self, fd: int, object_key: str) -> None:
        try:
            header = decode_file_header(self._disk.read(fd, FILE_HEADER_BYTES, 0))
        except Corrupt as error:
            raise Corrupt(f"{object_key} in {self.path}: {error}") from None
        if header is None or header[0].object_key != object_key:
            raise NotFound(f"{object_key} was recycled")
        if header[0].cluster_id != self.identity.cluster_id.bytes:
            raise Corrupt(f"{object_key} in {self.path} belongs to another cluster")


def _check_identity(directory: Path, identity: WalIdentity, cluster_id: bytes | None) -> None:
    if identity.format != FORMAT_VERSION:
        raise UserFault(
            f"the WAL {directory} has format {identity.format}; this release reads "
            f"{FORMAT_VERSION}: use the release that wrote it"
        )
    if cluster_id is not None and identity.cluster_id.bytes != cluster_id:
        raise UserFault(
            f"the WAL {directory} belongs to cluster {identity.cluster_id}, this is cluster "
            f"{UUID(bytes=cluster_id)}: point the broker at its own WAL directory"
        )


def _read_identity(directory: Path, disk: Disk) -> WalIdentity | None:
    path = directory / IDENTITY_NAME
    try:
        fd = disk.open(path, os.O_RDONLY)
        try:
            text = disk.read(fd, disk.file_size(fd) or 0, 0)
        finally:
            disk.close(fd)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise disk_fault(error, f"reading {path}") from error
    try:
        return msgspec.json.decode(text, type=WalIdentity)
    except msgspec.MsgspecError as error:
        raise Corrupt(f"{path} is damaged ({error}): restore it from a backup") from None


def _write_identity(directory: Path, identity: WalIdentity, disk: Disk) -> None:
    """Give the directory its identity; whoever comes first decides it.

    The temporary file may be there: of one who died on the way, or who is on it right now and may have
    linked it already. Either wrote these same bytes, so they are written again and never cut off.
    """
    temporary = directory / f".{IDENTITY_NAME}.{identity.wal_id.hex}"
    fd = disk.open(temporary, os.O_WRONLY | os.O_CREAT)
    try:
        try:
            text = msgspec.json.format(msgspec.json.encode(identity)) + b"\n"
            disk.write(fd, (text,), 0)
            disk.sync(fd)
        finally:
            disk.close(fd)
        try:
            disk.link(temporary, directory / IDENTITY_NAME)
        except FileExistsError:
            pass
    finally:
        with contextlib.suppress(FileNotFoundError):
            disk.unlink(temporary)
    disk.sync_directory(directory)


def replace_wal_identity(directory: Path, *, cluster_id: bytes, wal_id: bytes, disk: Disk) -> None:
    """Give a WAL directory another id: brokers that used it under the old one are refused at their start.

    Idempotent; durable on return. Raises ``StoreFault``.
    """
    identity = WalIdentity(FORMAT_VERSION, UUID(bytes=cluster_id), UUID(bytes=wal_id))
    temporary = directory / f".{IDENTITY_NAME}.{identity.wal_id.hex}"
    try:
        fd = disk.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            text = msgspec.json.format(msgspec.json.encode(identity)) + b"\n"
            disk.write(fd, (text,), 0)
            disk.sync(fd)
        finally:
            disk.close(fd)
        disk.rename(temporary, directory / IDENTITY_NAME)
        disk.sync_directory(directory)
    except OSError as error:
        raise disk_fault(error, f"writing {directory / IDENTITY_NAME}") from error


def _make_directories(directory: Path, disk: Disk) -> None:
    if not disk.is_directory(directory.parent):
        _make_directories(directory.parent, disk)
    try:
        disk.make_directory(directory)
    except FileExistsError:
        if not disk.is_directory(directory):
            raise StoreFault(f"{directory} is not a directory", retryable=False) from None
    disk.sync_directory(directory.parent)
