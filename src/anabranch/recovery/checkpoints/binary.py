"""Java's ``DataOutput`` read back, strictly: every length is checked against the bytes that are there."""

from __future__ import annotations

import re
import struct

from anabranch.errors import Corrupt

_I16 = struct.Struct(">h")
_U16 = struct.Struct(">H")
_I32 = struct.Struct(">i")
_I64 = struct.Struct(">q")

# What modified UTF-8 has and UTF-8 has not: a NUL of two bytes. What it never has: four-byte forms.
_NUL = b"\xc0\x80"
_FOUR_BYTES = re.compile(rb"[\xf0-\xff]")


class Reader:
    """Bytes of ``name``, read from front to back. Every method raises Corrupt where they do not suffice.

    ``base`` is where the first byte lies in what ``name`` names, for messages alone.
    """

    def __init__(self, data: bytes | memoryview, name: str, base: int = 0) -> None:
        self._data = memoryview(data)
        self._name = name
        self._base = base
        self._at = 0

    @property
    def position(self) -> int:
        """Where the next byte lies in what was named."""
        return self._base + self._at

    @property
    def remaining(self) -> int:
        """Bytes that were not read yet."""
        return len(self._data) - self._at

    def corrupt(self, what: str, at: int | None = None) -> Corrupt:
        """The error to raise: ``NAME: byte 17: what``."""
        where = self.position if at is None else at
        return Corrupt(f"{self._name}: byte {where:,}: {what}")

    def take(self, length: int) -> memoryview:
        """The next ``length`` bytes, not copied."""
        if length < 0:
            raise self.corrupt(f"a length of {length}")
        if length > self.remaining:
            raise self.corrupt(f"{length:,} bytes are announced, {self.remaining:,} are left")
        start = self._at
        self._at += length
        return self._data[start : self._at]

    def i8(self) -> int:
        value = self.take(1)[0]
        return value - 256 if value > 127 else value

    def u8(self) -> int:
        return self.take(1)[0]

    def i16(self) -> int:
        return int(_I16.unpack(self.take(2))[0])

    def i32(self) -> int:
        return int(_I32.unpack(self.take(4))[0])

    def i64(self) -> int:
        return int(_I64.unpack(self.take(8))[0])

    def i64s(self, number: int) -> tuple[int, ...]:
        """``number`` of them at once."""
        return struct.unpack(f">{number}q", self.take(8 * number))

    def boolean(self) -> bool:
        value = self.u8()
        if value > 1:
            raise self.corrupt(f"{value} where 0 or 1 belongs", self.position - 1)
        return value == 1

    def utf(self) -> str:
        """A string as ``writeUTF`` writes it: two bytes of length, then modified UTF-8."""
        at = self.position
        length = int(_U16.unpack(self.take(2))[0])
        encoded = bytes(self.take(length))
        if _FOUR_BYTES.search(encoded):
            raise self.corrupt("a string that is not modified UTF-8", at)
        try:
            text = encoded.replace(_NUL, b"\0").decode("utf-8", "surrogatepass")
            # Characters beyond 16 bits are two surrogates of three bytes each.
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            raise self.corrupt("a string that is not modified UTF-8", at) from None

    def count(self, bytes_each: int) -> int:
        """A number of things of at least ``bytes_each`` bytes: no more than there can be."""
        at = self.position
        number = self.i32()
        if number < 0 or number * bytes_each > self.remaining:
            raise self.corrupt(f"{number:,} entries cannot be in {self.remaining:,} bytes", at)
        return number

    def sub(self, length: int) -> Reader:
        """The next ``length`` bytes as a reader of their own, which must be read to their end."""
        base = self.position
        return Reader(self.take(length), self._name, base)

    def sized(self) -> Reader:
        """An ``i32`` length and that many bytes as a reader of their own."""
        return self.sub(self.i32())

    def end(self) -> None:
        """Raises Corrupt unless everything was read."""
        if self.remaining:
            raise self.corrupt(f"{self.remaining:,} bytes too many")
