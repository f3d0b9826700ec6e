"""The write-ahead log on a file system: one ``pwritev`` and one ``fdatasync`` per flush.

A broker start writes a series of preallocated files of its own. A file is only appended to; when it is
full, or failed once, the next flush starts another. Files that no extent names any more are recycled,
because the file system's journal has nothing to say about blocks that were written before. A flush of
64 KiB on ext4, next to appending to a growing file: recycled or prepared blocks 0.8 of the time, merely
preallocated ones 1.25.

Invariants of a ``FileWal``:

- every byte of the current file below its ``position`` is durable and never written again;
- after an ``OSError`` the current file is never written again: a failed ``fdatasync`` may have dropped
  the pages and cleared the error, so its next success would prove nothing ("fsyncgate", 2018);
- an object's header is durable no later than the first flush that it holds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from mmap import mmap
from pathlib import Path
from threading import Lock

from anabranch.errors import StoreFault, UserFault
from anabranch.storage.disk import Disk, disk_fault
from anabranch.storage.lockfile import LockFile
from anabranch.storage.store import Buffer, ObjectInfo
from anabranch.storage.wal import FlushPart, PlacedPart, described
from anabranch.storage.wal_directory import WalDirectory
from anabranch.storage.wal_format import (
    BLOCK_BYTES,
    FILE_HEADER_BYTES,
    NO_PAST,
    Past,
    WalLife,
    aligned,
    encode_file_header,
    encode_frame_header,
    frame_header_bytes,
    parse_object_key,
)

FILE_BYTES = 64 << 20  # a roll (a few ms) every 64 MiB; recycled as a whole once merged
SPARES_MAX = 2  # files kept for reuse: 128 MiB of disk at most
ZERO_STEP_BYTES = (
    4 << 20
)  # synced at a time while preparing a spare: flushes do not queue behind it

# From here on flushes are too large for written blocks to pay: marking raw ones costs each flush a commit of
# the file system's journal, but zeros are a second byte for each, on the disk that the burst waits for (at
# 1 MB a flush 2.0 bytes were written for each that was produced, without them 1.0).
RAW_FLUSH_BYTES = 256 << 10
# From here on a flush goes past the page cache: a copy that the system need not find memory for, write out
# and forget. Its sync takes two thirds of the time, and half of the processor's.
DIRECT_FLUSH_BYTES = 256 << 10
STAGING_BYTES = 4 << 20  # aligned memory that they go through
FLUSHES_REMEMBERED = 16  # what the mean of their bytes is about: a burst is known after some five

_PADDING = bytes(BLOCK_BYTES)


class _File:
    """The file being written."""

    def __init__(self, fd: int, life: WalLife, size: int, *, raw: bool) -> None:
        self.fd = fd
        self.life = life
        self.object_key = life.object_key
        self.size = size  # bytes preallocated
        self.raw = raw  # preallocated and never written: each sync has to mark blocks as written
        self.position = 0  # where the next write goes; 0: the header is still to be written


class FileWal:
    """A broker start's WAL. One thread writes at a time; any thread reads, lists and recycles."""

    knows_writers = True  # their lock files tell
    overlaps = False

    def __init__(
        self, directory: WalDirectory, start: WalLife, lock: LockFile, file_bytes: int, disk: Disk
    ) -> None:
        self.directory = directory
        self._start = start
        self._start_lock = lock
        self._disk = disk
        self._file_bytes = file_bytes
        self._write_lock = Lock()
        self._spare_lock = Lock()
        self._file: _File | None = None
        self._generation = 0  # of the current file, or of the next one while there is none
        self._sequence = 0
        self._prepared_count = 0
        self._flush_bytes = 0.0  # mean of the last flushes
        self._not_reused: set[str] = set()  # objects of this start whose file failed or is raw
        self._prepared = False  # a spare was made ready and may not have been taken yet
        self._staging: memoryview | None = None  # of large flushes
        self._closed = False

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        cluster_id: bytes,
        broker_id: int,
        broker_epoch: int,
        file_bytes: int = FILE_BYTES,
        wal_id: bytes | None = None,
        disk: Disk | None = None,
    ) -> FileWal:
        """Open a directory for one broker start; it is made, with an identity, if need be.

        ``cluster_id`` is 16 bytes; ``broker_epoch`` must be new for this broker. ``wal_id`` (16 bytes,
        default random) is the identity a new directory gets. Nothing is scanned: start-up does not
        depend on what the WAL retains. Raises ``UserFault`` for another cluster's directory or an
        epoch that was used before, ``StoreFault``.
        """
        assert len(cluster_id) == 16 and broker_id >= 0 and broker_epoch >= 0
        assert file_bytes >= 2 * BLOCK_BYTES and file_bytes % BLOCK_BYTES == 0
        disk = disk or Disk()
        shared = WalDirectory.create(directory, cluster_id=cluster_id, wal_id=wal_id, disk=disk)
        start = WalLife(cluster_id, broker_id, broker_epoch, 0)
        in_use = UserFault(
            f"the WAL {directory} already holds files of broker {broker_id} epoch {broker_epoch}: "
            "each start of a broker needs an epoch of its own; is it running already?"
        )
        try:
            lock = LockFile.acquire(disk, shared.lock_path(start.object_key))
            if lock is None:
                raise in_use
            try:
                wal = cls(shared, start, lock, file_bytes, disk)
                if any(wal._own_generation(info.key) is not None for info in wal.objects()):
                    raise in_use
                wal._tidy()
            except BaseException:
                lock.release()
                raise
        except OSError as error:
            raise disk_fault(error, f"opening the WAL {directory}") from error
        return wal

    @property
    def reader(self) -> WalDirectory:
        return self.directory

    @property
    def url(self) -> str:
        return self.directory.url

    # Writing.

    def reserve(self) -> int:
        sequence, self._sequence = self._sequence, self._sequence + 1
        return sequence

    def write(
        self,
        parts: Sequence[FlushPart],
        sequence: int | None = None,
        placed: Callable[[list[PlacedPart]], None] | None = None,
        past: Past = NO_PAST,
    ) -> list[PlacedPart]:
        """Write one flush and return where each part went, in order; all of it is durable then.

        Raises ``StoreFault`` if the disk said no: nothing of the flush counts, what was acknowledged
        before is untouched, and the next call goes to another file.
        """
        with self._write_lock:
            assert not self._closed
            if sequence is None:
                sequence = self.reserve()
            of_parts = described(parts)
            lengths = [length for _, _, _, length, _, _ in of_parts]
            header_length = frame_header_bytes(len(parts), len(past.failed))
            used = header_length + sum(lengths)
            length = aligned(used)
            file = self._file_for(length)
            position = file.position or FILE_HEADER_BYTES

            header = encode_frame_header(file.life, sequence, position, length, of_parts, past)
            buffers: list[Buffer] = [header, *(one for part in parts for one in part.buffers)]
            if length > used:
                buffers.append(_PADDING[: length - used])
            if file.position == 0:
                buffers.insert(
                    0, encode_file_header(file.life, self.directory.identity.wal_id.bytes)
                )
            places = []
            at = position + header_length
            for part_length in lengths:
                places.append(PlacedPart(file.object_key, at, part_length))
                at += part_length
            try:
                if length < DIRECT_FLUSH_BYTES:
                    self._disk.write(file.fd, buffers, file.position)
                else:
                    if self._staging is None:
                        self._staging = memoryview(mmap(-1, STAGING_BYTES))
                    self._disk.write_around(file.fd, buffers, file.position, self._staging)
                if placed is not None:
                    placed(places)  # here, for the sync is what takes long
                self._disk.sync_data(file.fd)
            except OSError as error:
                self._not_reused.add(file.object_key)
                self._leave()
                raise disk_fault(error, f"writing to the WAL {self.directory.path}") from error
            file.position = position + length
            self._flush_bytes += (length - self._flush_bytes) / FLUSHES_REMEMBERED
            return places

    def _file_for(self, length: int) -> _File:
        """The current file if ``length`` more bytes fit, otherwise a new one."""
        file = self._file
        if file is not None:
            fits = file.position + length <= file.size
            if fits and not (file.raw and self._prepared and file.position):
                return file
            if fits:
                self._not_reused.add(file.object_key)  # most of it is still raw
            self._leave()
        size = max(self._file_bytes, FILE_HEADER_BYTES + length)
        life = self._start._replace(generation=self._generation)
        path = self.directory.file_path(life.object_key)
        try:
            fd = self._claim_spare(path) if size == self._file_bytes else None
            raw = fd is None
            if fd is None:
                fd = self._create(path, size)
            try:
                self._disk.sync_directory(self.directory.path)
            except BaseException:
                self._disk.close(fd)
                raise
        except OSError as error:
            self._generation += 1  # the name may exist by now; no two attempts share one
            raise disk_fault(
                error, f"starting a WAL file of {size:,} bytes in {self.directory.path}"
            ) from error
        self._file = _File(fd, life, size, raw=raw)
        return self._file

    def _create(self, path: Path, size: int) -> int:
        fd = self._disk.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        try:
            self._disk.allocate(fd, size)
        except BaseException:
            self._disk.close(fd)
            self._disk.unlink(path)
            raise
        return fd

    def _claim_spare(self, path: Path) -> int | None:
        self._prepared = False
        for spare in self._spares():
            try:
                self._disk.rename(spare, path)
            except FileNotFoundError:
                continue  # another broker of this directory was quicker
            return self._disk.open(path, os.O_RDWR)
        return None

    def _leave(self) -> None:
        """Never write to the current file again; the next one gets the next generation."""
        assert self._file is not None
        file, self._file = self._file, None
        self._generation += 1
        try:
            self._disk.close(file.fd)
        except OSError:
            pass  # what counts was synced, and what was not has been reported

    # Reading.

    def read(self, object_key: str, position: int, length: int) -> bytes:
        """Bytes of any object of the directory, also of former epochs: ``WalDirectory.read``."""
        return self.directory.read(object_key, position, length)

    def objects(self) -> list[ObjectInfo]:
        """All objects of the directory, oldest epoch first; ``is_active`` tells which are written."""
        return self.directory.objects()

    def is_active(self, object_key: str) -> bool:
        """Whether more may still be written to this object.

        True for this start's current file and for every object of another start that is alive (its
        process knows which of them it is done with).
        """
        generation = self._own_generation(object_key)
        if generation is not None:
            return generation >= self._generation
        return self.directory.is_owned(object_key)

    def _own_generation(self, object_key: str) -> int | None:
        """Generation of an object of this start; None for any other's."""
        parsed = parse_object_key(object_key)
        if parsed is None or parsed[:2] != (self._start.broker_id, self._start.epoch):
            return None
        return parsed[2]

    # Recycling.

    def recycle(self, object_key: str) -> None:
        """Give an object's file back for reuse; idempotent.

        The caller guarantees that no extent names the object *and that no flush to it is still
        waiting for its commit*: between ``write`` and the commit of its extents the metastore does
        not know yet that the object is needed. Reading it answers ``NotFound`` from now on. The
        header is erased durably before the file can be written again. Raises ``StoreFault``, also
        for an object that is still being written.
        """
        path = self.directory.file_path(object_key)
        if self.is_active(object_key):
            raise StoreFault(f"{object_key} is still being written")
        with self._spare_lock:
            try:
                fd = self._disk.open(path, os.O_RDWR)
            except FileNotFoundError:
                return
            except OSError as error:
                raise disk_fault(error, f"recycling {object_key}") from error
            try:
                try:
                    reusable = (
                        self._disk.file_size(fd) == self._file_bytes
                        and object_key not in self._not_reused
                        and len(self._spares()) < SPARES_MAX
                    )
                    if reusable:
                        self._disk.write(fd, (_PADDING[:FILE_HEADER_BYTES],), 0)
                        self._disk.sync_data(fd)
                        self._disk.rename(path, path.with_name(f"spare-{path.name}"))
                    else:
                        self._disk.unlink(path)
                    self._disk.sync_directory(self.directory.path)
                finally:
                    self._disk.close(fd)
            except FileNotFoundError:
                return  # another broker of this directory did it
            except OSError as error:
                raise disk_fault(error, f"recycling {object_key}") from error
            self._not_reused.discard(object_key)

    def prepare_spare(self) -> bool:
        """Make a file of written zeros for a later roll, unless enough spares wait or flushes are large;
        True if it did.

        For a quiet thread, after opening and after rolls: until recycling gets going, flushes into
        merely preallocated blocks would pay for marking them as written. A file of such blocks is
        left for the first spare there is.
        """
        with self._spare_lock:
            if self._flush_bytes >= RAW_FLUSH_BYTES or len(self._spares()) >= SPARES_MAX:
                return False
            self._prepared_count += 1
            stem = self.directory.lock_path(self._start.object_key).stem
            spare = self.directory.path / f"spare-{stem}-prepared{self._prepared_count}.wal"
            temporary = spare.with_suffix(".tmp")
            try:
                fd = self._disk.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
                try:
                    self._disk.allocate(fd, self._file_bytes)
                    for position in range(0, self._file_bytes, ZERO_STEP_BYTES):
                        step = min(ZERO_STEP_BYTES, self._file_bytes - position)
                        self._disk.zero(fd, position, step)
                        self._disk.sync_data(fd)
                    self._disk.rename(temporary, spare)
                except BaseException:
                    self._disk.unlink(temporary)
                    raise
                finally:
                    self._disk.close(fd)
            except OSError as error:
                raise disk_fault(error, f"preparing a WAL file in {self.directory.path}") from error
            self._prepared = True
            return True

    def _spares(self) -> list[Path]:
        """Files that wait for another life, oldest name first."""
        return [
            self.directory.path / entry.name
            for entry in sorted(self._disk.scan(self.directory.path))
            if entry.name.startswith("spare-")
            and entry.name.endswith(".wal")
            and entry.size == self._file_bytes
        ]

    def _tidy(self) -> None:
        """Remove what former starts left behind: half-made spares, locks, spares of another size."""
        for entry in sorted(self._disk.scan(self.directory.path)):
            path = self.directory.path / entry.name
            if entry.name.endswith(".lock") and path != self._start_lock.path:
                leftover = LockFile.acquire(self._disk, path)
                if leftover is None:
                    continue
                for name in self._disk.scan(self.directory.path):
                    if name.name.startswith(f"spare-{path.stem}-") and name.name.endswith(".tmp"):
                        _unlink_if_there(self._disk, self.directory.path / name.name)
                leftover.release()
            elif (
                entry.name.startswith("spare-")
                and entry.name.endswith(".wal")
                and entry.size != self._file_bytes
            ):
                _unlink_if_there(self._disk, path)

    def close(self) -> None:
        """Stop writing. What was written stays as it is."""
        with self._write_lock:
            self._closed = True
            file, self._file = self._file, None
            if file is not None:
                self._disk.close(file.fd)
            self._start_lock.release()


def _unlink_if_there(disk: Disk, path: Path) -> None:
    try:
        disk.unlink(path)
    except FileNotFoundError:
        pass
