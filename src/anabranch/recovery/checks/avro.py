"""Avro's binary encoding, read by the schema it was written with (specification 1.11): enough to look at records.

Logical types stay what they are made of. A message of Confluent's registry (a zero byte and four of an id in
front) is told by those bytes: the schema then begins behind them, if that uses up exactly what there is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from struct import Struct
from typing import Any

from anabranch.errors import UserFault

DEPTH_MAX = 64  # of schemas within schemas, and of values within values
ITEMS_MAX = 1_000_000  # of an array or a map
_FLOAT, _DOUBLE = Struct("<f"), Struct("<d")
_REGISTRY_BYTES = 5


class _Bytes:
    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    def take(self, count: int) -> bytes:
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise ValueError("it ends within a value")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def long(self) -> int:
        number = shift = 0
        while True:
            (byte,) = self.take(1)
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return (number >> 1) ^ -(number & 1)
            if shift > 63:
                raise ValueError("a number has more than 64 bits")


Read = Callable[[_Bytes], Any]


def decoder_of(text: str, where: str) -> Callable[[bytes], Any]:
    """Decode one message written by the schema ``text``; ValueError if it is not. Raises UserFault for the schema."""
    try:
        read = _Schemas().read(json.loads(text), 0)
    except (ValueError, KeyError, TypeError) as error:
        raise UserFault(f"{where} is no Avro schema: {error}") from None

    def decode(data: bytes) -> Any:
        faults = []
        starts = (_REGISTRY_BYTES, 0) if data[:1] == b"\0" else (0,)
        for start in starts:
            source = _Bytes(data, start)
            try:
                value = read(source)
            except (ValueError, IndexError, UnicodeDecodeError, RecursionError) as fault:
                faults.append(str(fault))
                continue
            if source.position == len(data):
                return value
            faults.append(f"{len(data) - source.position} bytes are left over")
        raise ValueError(faults[-1])

    return decode


class _Schemas:
    def __init__(self) -> None:
        self._named: dict[str, Read] = {}

    def read(self, schema: Any, depth: int) -> Read:
        if depth > DEPTH_MAX:
            raise ValueError("schemas are nested too deeply")
        if isinstance(schema, list):
            branches = [self.read(each, depth + 1) for each in schema]
            return lambda source: _branch(branches, source)
        if isinstance(schema, str):
            if schema in _PRIMITIVES:
                return _PRIMITIVES[schema]
            return lambda source: self._of(schema)(source)
        kind = schema["type"]
        if isinstance(kind, dict | list) or kind in _PRIMITIVES:
            return self.read(kind, depth + 1)
        if kind in ("record", "error"):
            return self._record(schema, depth)
        if kind == "enum":
            symbols = schema["symbols"]
            return self._name(schema, lambda source: symbols[_index(source.long(), len(symbols))])
        if kind == "fixed":
            size = schema["size"]
            return self._name(schema, lambda source: source.take(size))
        if kind == "array":
            item = self.read(schema["items"], depth + 1)
            return lambda source: [item(source) for _ in _items(source)]
        if kind == "map":
            value = self.read(schema["values"], depth + 1)
            return lambda source: {_text(source): value(source) for _ in _items(source)}
        return self.read(kind, depth + 1)

    def _record(self, schema: Any, depth: int) -> Read:
        fields: list[tuple[str, Read]] = []

        def read(source: _Bytes) -> Any:
            return {name: field(source) for name, field in fields}

        self._name(schema, read)  # before its fields: one of them may be of its own type
        fields += [(each["name"], self.read(each["type"], depth + 1)) for each in schema["fields"]]
        return read

    def _name(self, schema: Any, read: Read) -> Read:
        name = schema["name"]
        space = schema.get("namespace")
        self._named[name] = read
        self._named[f"{space}.{name}" if space and "." not in name else name] = read
        return read

    def _of(self, name: str) -> Read:
        found = self._named.get(name) or self._named.get(name.rpartition(".")[2])
        if found is None:
            raise ValueError(f"the schema does not say what “{name}” is")
        return found


def _index(number: int, count: int) -> int:
    if not 0 <= number < count:
        raise ValueError(f"{number} of {count} choices")
    return number


def _branch(branches: list[Read], source: _Bytes) -> Any:
    return branches[_index(source.long(), len(branches))](source)


def _items(source: _Bytes) -> Any:
    total = 0
    while count := source.long():
        if count < 0:
            count = -count
            source.long()  # bytes of the block, for who skips it
        total += count
        if total > ITEMS_MAX:
            raise ValueError("an array of too many items")
        yield from range(count)


def _text(source: _Bytes) -> str:
    return source.take(source.long()).decode()


_PRIMITIVES: dict[str, Read] = {
    "null": lambda source: None,
    "boolean": lambda source: source.take(1) != b"\0",
    "int": lambda source: source.long(),
    "long": lambda source: source.long(),
    "float": lambda source: _FLOAT.unpack(source.take(4))[0],
    "double": lambda source: _DOUBLE.unpack(source.take(8))[0],
    "bytes": lambda source: source.take(source.long()),
    "string": _text,
}
