"""A topic as a relation: records decoded by a schema, all of them or the last of each key.

``topic:NAME`` reads what is committed, up to where it ends now. Options follow a ``?``: ``key`` and ``value`` say how
bytes are decoded, ``take`` is ``last`` (of each key; a null value removes it) or ``all``.

| schema | a column ``key`` or ``value`` of … |
| --- | --- |
| ``json`` (the default) | the fields of an object, or one column |
| ``text`` | UTF-8 |
| ``int64``, ``int32``, ``double`` | as Kafka's own serializers write them |
| ``hex`` | whatever is there |
| ``FILE.avsc`` | Avro's fields, with or without Confluent's five bytes in front |

Beside these there are ``_partition``, ``_offset`` and ``_timestamp`` (milliseconds).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from struct import Struct, error
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from anabranch.errors import UserFault
from anabranch.log.log import Log
from anabranch.log.reader import plan_splits, read_splits
from anabranch.recovery.checks.avro import decoder_of
from anabranch.recovery.checks.verify import Relation

OWN = ("_partition", "_offset", "_timestamp")
Fields = dict[str, Any]
Decode = Callable[[bytes | None], Fields]
_NUMBERS = {"int64": Struct(">q"), "int32": Struct(">i"), "double": Struct(">d")}


class TopicText(NamedTuple):
    """``topic:NAME?key=…&value=…&take=…`` apart; ``config`` is of a topic elsewhere."""

    topic: str
    key: str
    value: str
    take: str
    config: str = ""


def parse(text: str, form: str = "topic:NAME", *more: str) -> TopicText:
    """``form`` is how the text begins, ``more`` are options that it may have beside those of all. Raises UserFault."""
    name, _, query = text.partition(":")[2].partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = options.keys() - {"key", "value", "take", *more}
    take = options.get("take", "last")
    if not name or unknown or take not in ("last", "all"):
        raise UserFault(
            f"“{text}” is not {form}?key=SCHEMA&value=SCHEMA&take=last|all"
            + (f" (it has no “{min(unknown)}”)" if unknown else "")
        )
    schemas = options.get("key", "json"), options.get("value", "json")
    return TopicText(name, *schemas, take, options.get("config", ""))


class Rows:
    """Records taken one after the other, each partition's in the order of its offsets, as rows of a relation."""

    def __init__(self, text: str, asked: TopicText, *, last: bool) -> None:
        """``last``: of each key the last one is kept, and none whose value is null. Raises UserFault."""
        self._text = text
        self._topic = asked.topic
        self._key, self._value = _schema(asked.key, "key"), _schema(asked.value, "value")
        self._keep_last = last
        self._rows: list[Fields] = []
        self._last: dict[bytes | None, Fields] = {}

    def take(
        self, partition: int, offset: int, at_ms: int, key: bytes | None, value: bytes | None
    ) -> None:
        """Raises UserFault for what the schemas do not decode."""
        if self._keep_last:
            self._last.pop(key, None)
            if value is None:
                return
        try:
            fields = {**self._value(value), **self._key(key)}
        except (ValueError, error) as fault:
            raise UserFault(
                f"{self._text}: the record at {self._topic}:{partition}={offset} cannot be decoded: {fault}"
            ) from None
        fields |= dict(zip(OWN, (partition, offset, at_ms), strict=True))
        if self._keep_last:
            self._last[key] = fields
        else:
            self._rows.append(fields)

    def relation(self) -> Relation:
        return _relation(self._text, list(self._last.values()) if self._keep_last else self._rows)


async def topic_relation(
    log: Log, text: str, *, records: Iterable[tuple[int, int]] | None = None
) -> Relation:
    """What ``text`` names; ``records``: only these, as (partition, offset). Raises UserFault, Corrupt, StoreFault."""
    asked = parse(text)
    topic = log.catalogue.topic(asked.topic)
    if topic is None:
        raise UserFault(
            f"there is no topic “{asked.topic}”; `anabranch topic list` shows what there is"
        )
    wanted = None if records is None else set(records)
    rows = Rows(text, asked, last=wanted is None and asked.take == "last")
    for batch in read_splits(await plan_splits(log, topic)):
        for row in batch.to_pylist():
            partition, offset = row["partition"], row["offset"]
            if wanted is None or (partition, offset) in wanted:
                at_ms = round(row["timestamp"].timestamp() * 1000)
                rows.take(partition, offset, at_ms, row["key"], row["value"])
    return rows.relation()


def _relation(text: str, rows: list[Fields]) -> Relation:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if not rows:
        columns = ["key", "value", *OWN]

    def cells() -> Iterator[list[Any]]:
        for row in rows:
            yield [row.get(column) for column in columns]

    return Relation(text, columns, cells())


def _schema(text: str, column: str) -> Decode:
    """How bytes become columns. Raises UserFault."""
    if text == "json":
        return lambda data: _spread(None if data is None else json.loads(data), column)
    if text == "text":
        return lambda data: {column: None if data is None else data.decode()}
    if text == "hex":
        return lambda data: {column: None if data is None else data.hex()}
    if text in _NUMBERS:
        number = _NUMBERS[text]
        return lambda data: {column: None if data is None else number.unpack(data)[0]}
    if text.endswith(".avsc"):
        path = Path(text)
        if not path.is_file():
            raise UserFault(f"there is no schema {path}")
        decode = decoder_of(path.read_text(), str(path))
        return lambda data: _spread(None if data is None else decode(data), column)
    raise UserFault(f"“{text}” is no schema: json, text, int64, int32, double, hex, or FILE.avsc")


def _spread(value: Any, column: str) -> Fields:
    return value if isinstance(value, dict) else {column: value}
