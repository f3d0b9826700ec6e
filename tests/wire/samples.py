"""Random messages of every API and version, built from the schema."""

from __future__ import annotations

import random
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from anabranch.wire import dsl
from anabranch.wire.codec import Message, Struct
from anabranch.wire.generate import module_name

INTEGERS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}
LETTERS = "abcdefghij-_.€ñ漢𝄞 "


@cache
def schemas() -> tuple[dsl.Schema, ...]:
    return tuple(dsl.load_all())


@cache
def module(schema_stem: str) -> ModuleType:
    schema = next(one for one in schemas() if one.stem == schema_stem)
    return import_module(f"anabranch.wire.messages.{module_name(schema)}")


def every_message() -> list[tuple[dsl.Schema, dsl.Message]]:
    return [(schema, message) for schema in schemas() for message in schema.messages]


def every_version() -> list[tuple[dsl.Schema, dsl.Message, int]]:
    return [
        (schema, message, version)
        for schema, message in every_message()
        for version in range(message.versions.first, message.versions.last + 1)
    ]


def message_class(schema: dsl.Schema, message: dsl.Message) -> type[Message]:
    found: type[Message] = getattr(module(schema.stem), message.name)
    return found


class Sampler:
    """Draws field values.

    ``tame`` keeps to what the oracles can hold: known error codes, times that fit a ``timedelta``,
    and tagged structs and UUIDs that differ from their defaults (an oracle does not write those).
    """

    def __init__(self, rng: random.Random, *, tame: bool = False, size_max: int = 3) -> None:
        self.rng = rng
        self.tame = tame
        self.size_max = size_max

    def message(self, schema: dsl.Schema, message: dsl.Message, version: int) -> Message:
        found = self.struct(module(schema.stem), message, message.root, version)
        assert isinstance(found, Message)
        return found

    def struct(
        self, module_: ModuleType, message: dsl.Message, struct: dsl.Struct, version: int
    ) -> Struct:
        values = {
            one.python_name: self.field(module_, message, one, version)
            for one in struct.fields
            if version in one.versions
        }
        made: Struct = getattr(module_, struct.name)(**values)
        return made

    def field(self, module_: ModuleType, message: dsl.Message, one: dsl.Field, version: int) -> Any:
        rng = self.rng
        absent = one.tag is not None and one.is_struct and not one.array
        if (absent or (one.nullable is not None and version in one.nullable)) and (
            rng.random() < 0.25
        ):
            return None

        def value() -> Any:
            if one.is_struct:
                return self.struct(module_, message, message.structs[one.type], version)
            return self.scalar(one)

        if one.array:
            return [value() for _ in range(rng.randrange(self.size_max + 1))]
        return value()

    def scalar(self, one: dsl.Field) -> Any:
        rng = self.rng
        name = one.python_name
        match one.type:
            case "bool":
                return rng.random() < 0.5
            case "float64":
                return rng.choice((0.0, 1.5, -2.25, 1e300))
            case "uuid":
                return rng.randbytes(16)
            case "string":
                return "".join(rng.choice(LETTERS) for _ in range(self.length()))
            case "bytes" | "records":
                return rng.randbytes(self.length())
            case "uint16":
                return rng.randrange(1 << 16)
        if self.tame:
            if name.endswith("error_code"):
                return rng.randrange(0, 120)
            if "_ms" in name or "timestamp" in name or one.type == "int8":
                return rng.randrange(0, 100)
        bits = INTEGERS[one.type]
        low, high = -(1 << bits - 1), (1 << bits - 1) - 1
        return rng.choice((rng.randrange(low, high + 1), rng.randrange(-2, 100), low, high))

    def length(self) -> int:
        """Mostly short, sometimes past one byte of a compact length and past the varint table."""
        return self.rng.choice((0, 1, 5, 5, 5, 126, 127, 128, 1100))
