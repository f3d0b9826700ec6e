"""A transaction on PostgreSQL as verbs see it: the portable SQL of :mod:`anabranch.metastore.tx`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper, NumericBinaryLoader

from anabranch.metastore.tx import Rows

_TEXT, _NUMERIC = 25, 1700  # type numbers (pg_type.dat); they never change

# PostgreSQL's text cannot hold U+0000, which Kafka clients may well send (group ids, metadata). It is
# written as a noncharacter and a letter, and so is that noncharacter itself.
_ESCAPE = "\U0010ffff"
_TO_TEXT = {0: f"{_ESCAPE}0", 0x10FFFF: f"{_ESCAPE}1"}


class _TextDumper(Dumper):
    format = Format.BINARY
    oid = _TEXT

    def dump(self, obj: str) -> bytes:
        if "\0" in obj or _ESCAPE in obj:
            obj = obj.translate(_TO_TEXT)
        return obj.encode()


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


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Make values travel as verbs expect them; every int is a bigint, so that one statement is prepared
    once and not once for each size of its numbers."""
    connection.adapters.register_dumper(int, Int8Dumper)  # in lists
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
    """See :class:`anabranch.metastore.tx.Tx`. Each statement is one round trip."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

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
