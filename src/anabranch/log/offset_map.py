"""Which offset holds the newest record of each key: the memory of a compaction pass, and its bound.

Keys are remembered by a BLAKE2b hash of 16 bytes. Two keys with one hash would make the older record of
one vanish as if the other had replaced it. Among four billion keys that happens by accident with a
probability of 2**-65, and nobody can arrange it: finding such a pair takes some 2**64 hashes. Kafka's
cleaner does the same with MD5, where a pair can be bought.

An open-addressing table in three arrays takes 24 bytes per slot, a fifth of what a dictionary takes.
"""

from __future__ import annotations

from array import array

from anabranch.records import _compact
from anabranch.records.header import BatchHeader
from anabranch.records.thinning import Table, cells, fill

SLOT_BYTES = 24
SLOTS_MIN = 1024
LOAD_MAX = 0.75  # of the slots: probes stay short
_FREE = -1


class OffsetMap:
    """Key → newest offset. At most ``bytes_max`` bytes, also while it grows."""

    def __init__(self, bytes_max: int) -> None:
        self._slots_max = SLOTS_MIN
        while (
            3 * self._slots_max * SLOT_BYTES <= bytes_max
        ):  # the next size, and this one beside it
            self._slots_max *= 2
        self._count = 0
        self.table = _table(SLOTS_MIN)

    def __len__(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        return len(self.table.offsets) * SLOT_BYTES

    @property
    def keys_max(self) -> int:
        """How many keys fit."""
        return int(self._slots_max * LOAD_MAX)

    def put(
        self, data: memoryview, header: BatchHeader, start: int, *, beyond: bool = False
    ) -> bool:
        """Remember the newest offsets of the keys in a batch, ``data`` being its payload, at or above
        ``start``; False if there is no room for another key. What was put until then stays.

        ``beyond`` lets it outgrow its bound, for a batch that does not fit by itself. Raises Corrupt.
        """
        position = record = 0
        while True:
            slots = len(self.table.offsets)
            room = int(slots * LOAD_MAX) - self._count
            filled = fill(
                self.table,
                data,
                header,
                start=start,
                room=room,
                position=position,
                record=record,
            )
            self._count += filled.added
            if not filled.full:
                return True
            if slots >= self._slots_max and not beyond:
                return False
            larger = _table(2 * slots)
            _compact.rehash(*self.table, *larger)
            self.table = larger
            position, record = filled.position, filled.record

    def get(self, key: bytes) -> int:
        """The newest offset that was put for the key, -1 if none was."""
        found: int = _compact.newest(key + b"\0", len(key), *self.table, cells())
        return found


def _table(slots: int) -> Table:
    return Table(array("Q", [0]) * slots, array("Q", [0]) * slots, array("q", [_FREE]) * slots)
