"""What the generated message modules stand on: base classes, varints, tagged fields, bounds.

Wire facts used here (KIP-482, Kafka's protocol guide): integers are big-endian; *compact* strings,
byte strings and arrays carry ``length + 1`` as an unsigned varint, zero meaning null; every struct
of a *flexible* version ends in tagged fields, each with its own size, so that a reader can step over
tags it does not know.

Readers receive ``(buffer, position, end, allowance)`` and return the object and the position behind
it. They check every length against ``end``; an index or unpack beyond the buffer is caught in
:meth:`Message.decode`, so that bad bytes always surface as one ``MalformedRequest``.

An element of an array may take two bytes on the wire, a hundred in memory and microseconds to serve.
So readers charge every element and every tagged field to one allowance per message, and a message of
too many is malformed however few its bytes are (I10).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, ClassVar, Self

from anabranch.errors import ClientFault, ErrorCode, MalformedRequest

Buffer = bytes | memoryview
#: Record batches as they travel: a view of the request when decoded; on encoding also the pieces.
Records = bytes | memoryview | list[bytes | memoryview]

Write = Callable[[Buffer], None]
#: One cell: how many more elements the message may have.
Allowance = list[int]
#: ``(buffer, position, end, allowance) -> (object, position behind it)``.
Reader = Callable[[Any, int, int, Allowance], tuple[Any, int]]
#: ``(object, append)``.
Writer = Callable[[Any, Write], None]

ZERO_UUID = b"\0" * 16
ELEMENTS_UNBOUNDED = 2**62  # for messages from whom we trust: our own answers, what we stored
#: Default of array arguments in generated constructors; never stored, each object gets its own list.
EMPTY: list[Any] = []


def uvarint_bytes(value: int) -> bytes:
    """Encode an unsigned varint (KIP-482), least significant seven bits first."""
    if value < 1 << 7:
        return bytes((value,))
    if value < 1 << 14:
        return bytes((value & 127 | 128, value >> 7))
    if value < 1 << 21:
        return bytes((value & 127 | 128, value >> 7 & 127 | 128, value >> 14))
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


#: Lengths and counts are mostly small: ``UVARINT[n]`` for ``n < 1024``.
UVARINT = tuple(uvarint_bytes(n) for n in range(1024))

#: Replica lists and the like are short: ``INT32S[n](*values)``, and with the compact length before
#: them ``COMPACT_INT32S[n](n + 1, *values)``, for ``n < 16``. Formatting a struct code costs more.
INT32S = tuple(struct.Struct(f">{n}i").pack for n in range(16))
COMPACT_INT32S = tuple(struct.Struct(f">B{n}i").pack for n in range(16))


def uvarint(buf: Buffer, pos: int) -> tuple[int, int]:
    """Read an unsigned varint of at most 32 bits; return it and the position behind it."""
    value = buf[pos]
    if value < 128:
        return value, pos + 1
    value &= 127
    for shift in (7, 14, 21, 28):
        pos += 1
        byte = buf[pos]
        value |= (byte & 127) << shift
        if byte < 128:
            if value >> 32:
                break
            return value, pos + 1
    raise MalformedRequest("a varint is longer than 32 bits")


def skip_tags(buf: Buffer, pos: int, end: int, allowance: Allowance) -> int:
    """Step over tagged fields that this version does not know; return the position behind them."""
    count, pos = uvarint(buf, pos)
    allowance[0] -= count
    if allowance[0] < 0:
        raise too_many()
    for _ in range(count):
        _, pos = uvarint(buf, pos)
        size, pos = uvarint(buf, pos)
        pos += size
        if pos > end:
            raise MalformedRequest("a tagged field runs past the end of the message")
    return pos


def bad_length(where: str) -> MalformedRequest:
    """Build the error for a length that is negative, null where null is not allowed, or too long."""
    return MalformedRequest(f"{where}: length does not fit the message")


def too_many() -> MalformedRequest:
    """Build the error for a message whose allowance of elements is used up."""
    return MalformedRequest("more elements than one message may have")


def records_size(records: Records) -> int:
    """Bytes of a records field, whichever form it has."""
    if isinstance(records, list):
        return sum(map(len, records))
    return len(records)


def write_records(records: Records, write: Write) -> None:
    """Hand the buffers of a records field on without copying them."""
    if isinstance(records, list):
        for part in records:
            write(part)
    else:
        write(records)


class Struct:
    """A generated value with slots; equality and repr by fields."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"


class Message(Struct):
    """A request, response or stored protocol value, one class for all of its versions.

    Encoding writes the fields that the version has and leaves out the others, whatever they hold:
    one response object can answer every version. (Kafka refuses a non-default value of a field that
    is not marked *ignorable*; here the caller looks at the version where that matters.) A tagged
    field is written only where the version has it and its value differs from the default; a tagged
    struct is written when it is not ``None``.
    """

    __slots__ = ()

    API_KEY: ClassVar[int] = -1
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    #: First version with compact lengths and tagged fields; 32767 if there is none.
    FIRST_FLEXIBLE: ClassVar[int] = 32767
    #: Whether a field holds records, so that decoding keeps views instead of copying.
    VIEWS: ClassVar[bool] = False
    READERS: ClassVar[dict[int, Reader]]
    WRITERS: ClassVar[dict[int, Writer]]

    @classmethod
    def decode(
        cls, buf: Buffer, pos: int, version: int, elements_max: int = ELEMENTS_UNBOUNDED
    ) -> tuple[Self, int]:
        """Read one message of ``version`` at ``pos``; return it and the position behind it.

        Records are views of ``buf``; everything else is copied. Raises ``MalformedRequest`` for
        bytes that are no such message or hold more than ``elements_max`` array elements and tagged
        fields, and ``ClientFault(UNSUPPORTED_VERSION)`` for the version.
        """
        try:
            reader = cls.READERS[version]
        except KeyError:
            raise unsupported(cls, version) from None
        base = 0
        if cls.VIEWS:
            if not isinstance(buf, memoryview):
                buf = memoryview(buf)
        elif not isinstance(buf, bytes):
            # Small messages: slicing bytes is faster than slicing views, by more than the copy.
            base, buf, pos = pos, bytes(buf[pos:]), 0
        if pos < 0:
            raise MalformedRequest("negative position")
        try:
            value, pos = reader(buf, pos, len(buf), [elements_max])
        except (IndexError, struct.error):
            raise MalformedRequest(f"{cls.__name__} v{version} is cut short") from None
        except UnicodeDecodeError:
            raise MalformedRequest(f"{cls.__name__} v{version}: a string is not UTF-8") from None
        return value, base + pos

    def encode_into(self, out: list[Buffer], version: int) -> None:
        """Append the buffers of this message; records are passed on without a copy."""
        try:
            writer = self.WRITERS[version]
        except KeyError:
            raise unsupported(type(self), version) from None
        writer(self, out.append)

    def encode(self, version: int) -> bytes:
        """Return this message as ``version`` writes it, without header or frame."""
        out: list[Buffer] = []
        self.encode_into(out, version)
        return b"".join(out)


def unsupported(cls: type[Message], version: int) -> ClientFault:
    """Build the error for a version outside of the schema's range."""
    return ClientFault(ErrorCode.UNSUPPORTED_VERSION, f"{cls.__name__} has no version {version}")
