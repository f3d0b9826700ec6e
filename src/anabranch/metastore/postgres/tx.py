"""A transaction on PostgreSQL as verbs see it: the portable SQL of :mod:`anabranch.metastore.tx`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import pack
from typing import Any

import psycopg
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryDumper, NumericBinaryLoader

from anabranch.metastore.arrays import Blobs, Ints, Texts
from anabranch.metastore.changes import ChangeSet
from anabranch.metastore.tx import Rows

_BYTEA, _TEXT, _NUMERIC = 17, 25, 1700  # type numbers (pg_type.dat); they never change

# PostgreSQL's text cannot hold U+0000, which Kafka clients may well send (group ids, metadata). It is
# written as a noncharacter and a letter, and so is that noncharacter itself.
_ESCAPE = "\U0010ffff"
_TO_TEXT = {0: f"{_ESCAPE}0", 0x10FFFF: f"{_ESCAPE}1"}


class _TextDumper(Dumper):
    format = Format.BINARY
    oid = _TEXT

    def dump(self, obj: str) -> bytes:
        return _encoded(obj)


def _encoded(text: str) -> bytes:
    if "\0" in text or _ESCAPE in text:
        text = text.translate(_TO_TEXT)
    return text.encode()


class _TextLoader(Loader):
    format = Format.BINARY

    def load(self, data: Any) -> str:
        text = str(data, "utf-8")
        if _ESCAPE in text:
            text = text.replace(f"{_ESCAPE}0", "\0").replace(f"{_ESCAPE}1", _ESCAPE)
        return text


class _WholeNumberLoader(NumericBinaryLoader):
    """``sum`` of bigint is numeric: all our numbers are whole."""

    def load(self, data: Any) -> Any:
        return int(super().load(data))


# Arrays have dumpers of their own: a flush has some twenty, and the driver's look at every element twice.
class _IntsDumper(Dumper):
    format = Format.TEXT
    oid = 1016

    def dump(self, obj: Ints) -> bytes:
        numbers = (
            map(str, obj) if None not in obj else ("NULL" if n is None else str(n) for n in obj)
        )
        return f"{{{','.join(numbers)}}}".encode()


def _array(element_type: int, items: Sequence[bytes | None]) -> bytes:
    """The binary form of a one-dimensional array: dimensions, NULL flag, type, length, lower bound."""
    if not items:
        return pack(">iii", 0, 0, element_type)
    parts = [pack(">iiiii", 1, int(None in items), element_type, len(items), 1)]
    for item in items:
        parts += (_NULL,) if item is None else (pack(">i", len(item)), item)
    return b"".join(parts)


_NULL = pack(">i", -1)


class _BlobsDumper(Dumper):
    format = Format.BINARY
    oid = 1001

    def dump(self, obj: Blobs) -> bytes:
        return _array(_BYTEA, obj)


class _TextsDumper(Dumper):
    format = Format.BINARY
    oid = 1009

    def dump(self, obj: Texts) -> bytes:
        return _array(_TEXT, [None if text is None else _encoded(text) for text in obj])


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Make values travel as verbs expect them; every int is a bigint, so that one statement is prepared
    once and not once for each size of its numbers."""
    for array, dumper in ((Ints, _IntsDumper), (Texts, _TextsDumper), (Blobs, _BlobsDumper)):
        connection.adapters.register_dumper(array, dumper)
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    connection.adapters.register_dumper(str, _TextDumper)
    connection.adapters.register_loader(_TEXT, _TextLoader)
    connection.adapters.register_loader(_NUMERIC, _WholeNumberLoader)


_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|::|\?(\d*)|:([a-z_]\w*)")


@lru_cache(maxsize=1024)
def translate(sql: str) -> tuple[str, tuple[str, ...] | None]:
    """``sql`` with ``$n`` for its parameters, and the names of those if they are named."""
    names: list[str] = []
    count = 0

    def number(match: re.Match[str]) -> str:
        nonlocal count
        position, name = match.groups()
        if name is not None:
            if name not in names:
                names.append(name)
            return f"${names.index(name) + 1}"
        if position is None:
            return match.group()
        count += 1
        return f"${position or count}"

    text = _TOKEN.sub(number, sql)
    assert not (names and count), f"named and positional parameters in one statement: {sql}"
    return text, tuple(names) or None


class PostgresTx:
    """See :class:`anabranch.metastore.tx.Tx`. Each statement is one round trip.

    ``repeated``: the verb was tried before, and whether it took place is not known.
    """

    def __init__(self, connection: psycopg.Connection[Any], *, repeated: bool = False) -> None:
        self.connection = connection
        self.repeated = repeated
        self.changed = ChangeSet()

    def execute(self, sql: str, parameters: Any = (), /) -> Rows:
        text, names = translate(sql)
        values = parameters if names is None else [parameters[name] for name in names]
        cursor: Any = psycopg.RawCursor(self.connection)
        return cursor.execute(text, values, binary=True)  # type: ignore[no-any-return]

    def executemany(self, sql: str, rows: Iterable[Any], /) -> Rows:
        text, names = translate(sql)
        assert names is None, "rows have no names"
        cursor: Any = psycopg.RawCursor(self.connection)
        cursor.executemany(text, list(rows))
        return cursor  # type: ignore[no-any-return]
