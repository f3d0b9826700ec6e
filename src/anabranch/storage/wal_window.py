"""Reading many small extents of the WAL with few reads.

A flush leaves some kilobytes of each partition, with other partitions' between them. Merging reads one
partition's, thousands of them one after the other: opening, reading and closing the file for each
costs ten times what the bytes do, and each of those calls lets go of the interpreter and takes it
again, in competition with the event loop.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from anabranch.errors import Corrupt, StoreFault
from anabranch.storage.store import ObjectInfo
from anabranch.storage.wal import FrameScan, WalReader

WINDOW_BYTES = 1 << 20  # read at once; what lies between the extents is read in vain
SPARSE = 8  # at most so many times the bytes that are wanted


class WindowedWal:
    """A WAL whose reads of ``wanted``, in order, are served from larger ones; for one thread.

    Every byte of ``wanted``, (object key, position, length) each, has to be durable before the first read:
    a window holds what was there when it was read. Other reads, and those that a window fails for, go to
    the WAL as they are.
    """

    def __init__(self, wal: WalReader, wanted: Iterable[tuple[str, int, int]]) -> None:
        self._wal = wal
        self._wanted: dict[str, list[tuple[int, int]]] = {}
        for key, position, length in wanted:
            self._wanted.setdefault(key, []).append((position, length))
        for ranges in self._wanted.values():
            ranges.sort()
        self._key = ""
        self._start = 0
        self._window = b""

    @property
    def url(self) -> str:
        return self._wal.url

    @property
    def cluster_id(self) -> bytes:
        return self._wal.cluster_id

    @property
    def wal_id(self) -> bytes:
        return self._wal.wal_id

    def read(self, object_key: str, position: int, length: int) -> bytes:
        """See :meth:`WalReader.read`."""
        if not self._holds(object_key, position, length):
            end = self._end_of_window(object_key, position, length)
            if end <= position + length:
                return self._wal.read(object_key, position, length)
            try:
                window = self._wal.read(object_key, position, end - position)
            except (Corrupt, StoreFault):  # perhaps not on this extent's account
                return self._wal.read(object_key, position, length)
            self._key, self._start, self._window = object_key, position, window
        inside = position - self._start
        return self._window[inside : inside + length]

    def objects(self) -> list[ObjectInfo]:
        return self._wal.objects()

    def scan(self, object_key: str, start: int | None = None) -> FrameScan:
        return self._wal.scan(object_key, start)

    def close(self) -> None:
        """The WAL itself stays open."""
        self._window = b""

    def _holds(self, key: str, position: int, length: int) -> bool:
        end = self._start + len(self._window)
        return key == self._key and self._start <= position and position + length <= end

    def _end_of_window(self, key: str, position: int, length: int) -> int:
        """Behind the last wanted bytes that are worth reading along with those at ``position``."""
        ranges = self._wanted.get(key, ())
        end, wanted_bytes = position + length, length
        for start, size in ranges[bisect_right(ranges, (position, length)) :]:
            wanted_bytes += size
            spent = start + size - position
            if spent > WINDOW_BYTES or spent > SPARSE * wanted_bytes + WINDOW_BYTES // 16:
                break
            end = max(end, start + size)
        return end
