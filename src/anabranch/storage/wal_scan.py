"""Reading a WAL file frame by frame: for recovery of the catalogue and for `anabranch log dump`.

    frame  frame  frame  ????
                         └── why the scan ends, see ``Ending``

A crash can tear only the flush that was under way, which nobody was told about. So whatever ends a
scan is the ordinary end of a log *unless* a valid frame of the same life follows further on: then
acknowledged bytes in between were damaged, and ``DAMAGED`` says so instead of passing it off as a tail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from crc32c import crc32c

from anabranch.errors import Corrupt
from anabranch.storage.disk import Disk, disk_fault
from anabranch.storage.wal_format import (
    BLOCK_BYTES,
    FILE_HEADER_BYTES,
    Frame,
    WalLife,
    decode_file_header,
    decode_frame_header,
    decode_frame_prefix,
)

_SEARCH_BYTES = 1 << 20  # read at a time while looking for frames behind damage
_CHECK_BYTES = 1 << 20  # read at a time while checking a part's bytes


class Ending(Enum):
    """Why a scan ended."""

    FULL = "the file ends with a whole frame"
    UNWRITTEN = "nothing was written after the last frame"
    FORMER_LIFE = "a frame of the file's former life follows the last frame"
    TORN = "no whole frame follows: a flush that was cut short, or bytes of a former life"
    DAMAGED = (
        "bytes were damaged after they were written: a later frame is valid, or the object is whole"
    )
    NO_HEADER = "the file is between two lives: it has no header"


class ScanEnd(NamedTuple):
    """Where and why a scan ended; ``resume_at`` is the next valid frame if ``DAMAGED``."""

    position: int
    ending: Ending
    resume_at: int | None = None


class scan_frames:
    """Iterate over the valid frames of a WAL file in order, every checksum verified.

    After the iteration ``end`` says where and why it stopped. ``start`` resumes behind damage, at
    the position that an earlier scan reported. Raises ``Corrupt`` for a damaged file header (give
    ``life`` to scan without it), ``StoreFault`` for a disk that does not read.
    """

    def __init__(
        self,
        path: Path,
        *,
        start: int = FILE_HEADER_BYTES,
        life: WalLife | None = None,
        disk: Disk | None = None,
    ) -> None:
        self.end: ScanEnd | None = None
        self.life = life
        self._path = path
        self._start = start
        self._disk = disk or Disk()

    def __iter__(self) -> Iterator[Frame]:
        try:
            fd = self._disk.open(self._path, os.O_RDONLY)
            try:
                yield from self._frames(fd)
            finally:
                self._disk.close(fd)
        except OSError as error:
            raise disk_fault(error, f"scanning {self._path}") from error

    def _frames(self, fd: int) -> Iterator[Frame]:
        size = self._disk.file_size(fd)
        assert size is not None
        if self.life is None:
            try:
                header = decode_file_header(self._disk.read(fd, FILE_HEADER_BYTES, 0))
            except Corrupt as error:
                raise Corrupt(f"{self._path}: {error}") from None
            if header is None:
                self.end = ScanEnd(0, Ending.NO_HEADER)
                return
            self.life = header[0]
        position = self._start
        sequence: int | None = None
        while True:
            frame = self._valid_frame(fd, position, size)
            if frame is None or (sequence is not None and frame.sequence != sequence + 1):
                self.end = self._explain(fd, position, size)
                return
            yield frame
            sequence = frame.sequence
            position += frame.length

    def _header_at(self, fd: int, position: int, size: int) -> Frame | None:
        """The frame whose header stands here, of whatever life; its bytes are not checked."""
        block = self._disk.read(fd, min(BLOCK_BYTES, max(0, size - position)), position)
        length = decode_frame_prefix(block)
        if length is None:
            return None
        if length > len(block):
            block = self._disk.read(fd, length, position)
        return decode_frame_header(block)

    def _valid_frame(self, fd: int, position: int, size: int) -> Frame | None:
        frame = self._header_at(fd, position, size)
        if frame is None or frame.life != self.life or frame.position != position:
            return None
        for part in frame.parts:
            checksum = 0
            at, end = part.position, part.position + part.length
            while at < end:
                data = self._disk.read(fd, min(_CHECK_BYTES, end - at), at)
                if not data:
                    return None  # the file ends within the frame
                checksum = crc32c(data, checksum)
                at += len(data)
            if checksum != part.checksum:
                return None
        return frame

    def _explain(self, fd: int, position: int, size: int) -> ScanEnd:
        for later in self._frame_starts(fd, position + BLOCK_BYTES, size):
            if self._valid_frame(fd, later, size) is not None:
                return ScanEnd(position, Ending.DAMAGED, later)
        if position >= size:
            return ScanEnd(position, Ending.FULL)
        frame = self._header_at(fd, position, size)
        if frame is not None and frame.life != self.life:
            return ScanEnd(position, Ending.FORMER_LIFE)
        if not any(self._disk.read(fd, min(BLOCK_BYTES, size - position), position)):
            return ScanEnd(position, Ending.UNWRITTEN)
        return ScanEnd(position, Ending.TORN)

    def _frame_starts(self, fd: int, position: int, size: int) -> Iterator[int]:
        """Block boundaries from ``position`` on where something like a frame header stands."""
        while position < size:
            chunk = memoryview(self._disk.read(fd, min(_SEARCH_BYTES, size - position), position))
            for offset in range(0, len(chunk), BLOCK_BYTES):
                if decode_frame_prefix(chunk[offset : offset + BLOCK_BYTES]) is not None:
                    yield position + offset
            position += _SEARCH_BYTES
