"""The bytes of the journal: what the metastore's changes look like in the bucket (I9).

    journal/<epoch, 10 digits>/<number, 20 digits>                            an entry
    journal/<epoch, 10 digits>/<number, 20 digits>.snapshot.<part, 6 digits>  a part of a snapshot
    journal/<epoch, 10 digits>/<number, 20 digits>.snapshot                   its manifest, written last

Every object is one document in the same wrapping:

    object := magic "ANABJRNL" | version u16 | body length u32 | CRC-32C u32 | body (JSON, zstd)

The checksum covers version, length and body. JSON because a recovery format should be readable with
what lies around: skip 18 bytes, ``zstd -d``, ``jq``. ``docs/formats-journal.md`` is the reference.

The journal tells *states*, not operations: an entry carries the present rows of everything that was
changed since the entry before it. So applying an entry twice, or one whose changes an earlier entry
told in part, ends in the same tables.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple, TypeVar

import msgspec
import zstandard
from crc32c import crc32c

from anabranch.errors import Corrupt, StoreFault
from anabranch.storage.store import Buffer

FORMAT_VERSION = 1
PREFIX = "journal/"
BODY_BYTES_MAX = 1 << 30  # of a decompressed document: a damaged length must not take all memory
COMPRESSION_LEVEL = 3

_MAGIC = b"ANABJRNL"
_HEADER = struct.Struct(">8sHII")
_CHECKED_HEADER = struct.Struct(">HI")
_KEY = re.compile(r"journal/(\d{10})/(\d{20})(?:(\.snapshot)(?:\.(\d{6}))?)?")

Cell = int | str | None  # bytes are spelled in hexadecimal
Key = list[int | str]


class JournalName(NamedTuple):
    """What the key of a journal object says. Names sort in the order in which they were written."""

    epoch: int
    number: int
    kind: str  # "entry" | "part" | "snapshot"
    part: int = 0


class Position(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A place in the journal: what was shipped up to here. Epochs are compared first."""

    epoch: int
    number: int


class Span(msgspec.Struct, frozen=True, array_like=True):
    """Rows of a table whose primary key starts with ``key`` and goes on within ``low … high``.

    ``low`` and ``high`` are inclusive bounds of the columns that follow; None is no bound.
    """

    table: str
    key: Key
    low: Key | None = None
    high: Key | None = None


class Rows(msgspec.Struct, frozen=True):
    """Rows of one table, to be inserted or to replace those of the same primary key."""

    table: str
    columns: list[str]
    rows: list[list[Cell]]
    binary: list[str] = []  # columns whose text is hexadecimal


class Identity(msgspec.Struct, frozen=True):
    """Whose journal an object belongs to; ids in hexadecimal."""

    cluster_id: str
    incarnation: str  # of the metastore: another one after every rebuild


class Entry(msgspec.Struct, frozen=True, kw_only=True, tag="entry", tag_field="type"):
    """Everything that changed between ``previous`` and this: ``gone`` goes first, then rows come."""

    identity: Identity
    epoch: int
    number: int
    previous: Position
    at_ms: int  # when it was read from the metastore
    schema: int  # how many migrations the metastore had
    gone: list[Span]
    tables: list[Rows]


class SnapshotPart(msgspec.Struct, frozen=True, kw_only=True, tag="part", tag_field="type"):
    """A run of rows of a snapshot, each as it stood at some instant while the snapshot was taken."""

    identity: Identity
    epoch: int
    number: int
    part: int
    tables: list[Rows]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot", tag_field="type"):
    """The manifest of a snapshot. With the entries behind ``number`` up to ``through`` it is exact."""

    identity: Identity
    epoch: int
    number: int  # the entry that it stands on: what that and all before it told is in here
    through: Position  # the last entry while it was taken
    at_ms: int  # when its last row was read
    schema: int
    parts: int
    rows: int
    checksums: list[int]  # CRC-32C of each part's whole object


Document = Entry | SnapshotPart | Snapshot
_D = TypeVar("_D", Entry, SnapshotPart, Snapshot)
_decoder = msgspec.json.Decoder(Document)


def entry_key(epoch: int, number: int) -> str:
    assert epoch >= 0 and number >= 0
    return f"{PREFIX}{epoch:010}/{number:020}"


def snapshot_key(epoch: int, number: int) -> str:
    return f"{entry_key(epoch, number)}.snapshot"


def part_key(epoch: int, number: int, part: int) -> str:
    return f"{snapshot_key(epoch, number)}.{part:06}"


def parse_key(key: str) -> JournalName | None:
    """What a key says; None for one that is not of the journal."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    kind = "part" if match[4] else "snapshot" if match[3] else "entry"
    return JournalName(int(match[1]), int(match[2]), kind, int(match[4] or 0))


def encode(document: Document) -> bytes:
    body = zstandard.compress(msgspec.json.encode(document), COMPRESSION_LEVEL)
    checked = _CHECKED_HEADER.pack(FORMAT_VERSION, len(body))
    return _HEADER.pack(_MAGIC, FORMAT_VERSION, len(body), crc32c(body, crc32c(checked))) + body


def decode(data: Buffer) -> Document:
    """Raises Corrupt; StoreFault for a document of a newer format."""
    view = memoryview(data)
    if len(view) < _HEADER.size:
        raise Corrupt(f"journal object is cut short: {len(view)} bytes")
    magic, version, length, checksum = _HEADER.unpack_from(view)
    if magic != _MAGIC:
        raise Corrupt("not a journal object: it does not start with ANABJRNL")
    body = view[_HEADER.size :]
    if len(body) != length:
        raise Corrupt(f"journal object has {len(body)} bytes of {length}")
    if crc32c(body, crc32c(_CHECKED_HEADER.pack(version, length))) != checksum:
        raise Corrupt("journal object has a wrong checksum")
    if version != FORMAT_VERSION:
        raise StoreFault(
            f"journal object has format version {version}; this release reads "
            f"{FORMAT_VERSION}: use the release that wrote it",
            retryable=False,
        )
    try:
        text = zstandard.ZstdDecompressor().decompress(body, max_output_size=BODY_BYTES_MAX)
        document: Document = _decoder.decode(text)
        return document
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise Corrupt(f"journal object does not decode: {error}") from None


def decode_as(kind: type[_D], data: Buffer) -> _D:
    """As :func:`decode`, for an object that must be of this kind."""
    document = decode(data)
    if not isinstance(document, kind):
        raise Corrupt(f"journal object is a {type(document).__name__}, not a {kind.__name__}")
    return document
