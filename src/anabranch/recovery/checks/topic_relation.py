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
    """``topic:NAME?key=…&value=…&take=…`` apart."""

    topic: str
    key: str
    value: str
    take: str


def parse(text: str) -> TopicText:
    """Raises UserFault."""
    name, _, query = text.removeprefix("topic:").partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = options.keys() - {"key", "value", "take"}
    take = options.get("take", "last")
    if not name or unknown or take not in ("last", "all"):
        raise UserFault(
            f"“{text}” is not topic:NAME?key=SCHEMA&value=SCHEMA&take=last|all"
            + (f" (it has no “{min(unknown)}”)" if unknown else "")
        )
    return TopicText(name, options.get("key", "json"), options.get("value", "json"), take)


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
    key, value = _schema(asked.key, "key"), _schema(asked.value, "value")
    wanted = None if records is None else set(records)
    splits = await plan_splits(log, topic)
    rows: list[Fields] = []
    last: dict[bytes | None, Fields] = {}
    for batch in read_splits(splits):
        for row in batch.to_pylist():
            where = (row["partition"], row["offset"])
            if wanted is not None and where not in wanted:
                continue
            if wanted is None and asked.take == "last" and row["value"] is None:
                last.pop(row["key"], None)
                continue
            try:
                fields = {**value(row["value"]), **key(row["key"])}
            except (ValueError, error) as fault:
                raise UserFault(
                    f"{text}: the record at {asked.topic}:{where[0]}={where[1]} cannot be decoded: {fault}"
                ) from None
            at_ms = round(row["timestamp"].timestamp() * 1000)
            fields |= dict(zip(OWN, (*where, at_ms), strict=True))
            if asked.take == "last" and wanted is None:
                last.pop(row["key"], None)
                last[row["key"]] = fields
            else:
                rows.append(fields)
    return _relation(text, rows or list(last.values()))


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
