"""Which offset holds the newest record of each key: the memory of a compaction pass, and its bound.

Keys are remembered by a BLAKE2b hash of 16 bytes. Two keys with one hash would make the older record of
one vanish as if the other had replaced it. Among four billion keys that happens by accident with a
probability of 2**-65, and nobody can arrange it: finding such a pair takes some 2**64 hashes. Kafka's
cleaner does the same with MD5, where a pair can be bought.

An open-addressing table in three arrays takes 24 bytes per slot, a fifth of what a dictionary takes.
"""

from __future__ import annotations

import struct
from array import array
from hashlib import blake2b

HASH_BYTES = 16
SLOT_BYTES = 24
SLOTS_MIN = 1024
LOAD_MAX = 0.75  # of the slots: probes stay short

_HALVES = struct.Struct("<QQ")
_EMPTY = -1


class OffsetMap:
    """Key → newest offset. At most ``bytes_max`` bytes, also while it grows."""

    def __init__(self, bytes_max: int) -> None:
        self._slots_max = SLOTS_MIN
        while (
            3 * self._slots_max * SLOT_BYTES <= bytes_max
        ):  # the next size, and this one beside it
            self._slots_max *= 2
        self._count = 0
        self._make(SLOTS_MIN)

    def __len__(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        return (self._mask + 1) * SLOT_BYTES

    @property
    def keys_max(self) -> int:
        """How many keys fit."""
        return int(self._slots_max * LOAD_MAX)

    def put(self, key: bytes, offset: int, *, beyond: bool = False) -> bool:
        """Remember the key's newest offset; False if there is no room for another key.

        ``beyond`` lets it outgrow its bound, for a batch that does not fit by itself.
        """
        low, high = _HALVES.unpack(blake2b(key, digest_size=HASH_BYTES).digest())
        at = self._find(low, high)
        if self._offsets[at] == _EMPTY:
            if self._count >= self._limit:
                if self._mask + 1 >= self._slots_max and not beyond:
                    return False
                self._grow()
                at = self._find(low, high)
            self._count += 1
            self._low[at], self._high[at] = low, high
        if offset > self._offsets[at]:
            self._offsets[at] = offset
        return True

    def get(self, key: bytes) -> int:
        """The newest offset that was put for the key, -1 if none was."""
        low, high = _HALVES.unpack(blake2b(key, digest_size=HASH_BYTES).digest())
        return self._offsets[self._find(low, high)]

    def _find(self, low: int, high: int) -> int:
        """The key's slot, or the empty one where it would go."""
        lows, highs, offsets, mask = self._low, self._high, self._offsets, self._mask
        at = low & mask
        while offsets[at] != _EMPTY and (lows[at] != low or highs[at] != high):
            at = (at + 1) & mask
        return at

    def _make(self, slots: int) -> None:
        self._mask = slots - 1
        self._limit = int(slots * LOAD_MAX)
        self._low = array("Q", [0]) * slots
        self._high = array("Q", [0]) * slots
        self._offsets = array("q", [_EMPTY]) * slots

    def _grow(self) -> None:
        lows, highs, offsets = self._low, self._high, self._offsets
        self._make(2 * (self._mask + 1))
        for low, high, offset in zip(lows, highs, offsets, strict=True):
            if offset != _EMPTY:
                at = self._find(low, high)
                self._low[at], self._high[at], self._offsets[at] = low, high, offset
