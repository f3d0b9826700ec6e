"""The end of a ``_metadata``: ``CheckpointProperties`` as Java serialized it.

Only what such an object consists of is read (objects, strings, enums, primitive fields; Java Object
Serialization Specification, chapter 6). Nothing is made of it but values to look at.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from anabranch.recovery.checkpoints.binary import Reader

_NULL, _REFERENCE, _CLASS, _OBJECT, _STRING, _END, _ENUM = 0x70, 0x71, 0x72, 0x73, 0x74, 0x78, 0x7E
_SERIALIZABLE = 0x02
_FIRST_REFERENCE = 0x7E0000
_CLASS_NAME: Final = "org.apache.flink.runtime.checkpoint.CheckpointProperties"
_PRIMITIVE_BYTES: Final = {"B": 1, "C": 2, "D": 8, "F": 4, "I": 4, "J": 8, "S": 2, "Z": 1}
NESTING_MAX: Final = 16  # objects within objects; there are two
FIELDS_MAX: Final = 64  # of a class; CheckpointProperties has ten


class Properties(Struct, frozen=True):
    """What a snapshot was taken as. ``format`` is a savepoint's (CANONICAL or NATIVE), else ""."""

    savepoint: bool
    name: str
    format: str


class _Class(Struct, frozen=True):
    name: str
    flags: int
    fields: tuple[tuple[str, str], ...]
    parent: _Class | None


def read_properties(reader: Reader) -> Properties:
    """Read the object that ends the file. Raises Corrupt."""
    at = reader.position
    if reader.remaining < 4 or bytes(reader.take(4)) != b"\xac\xed\x00\x05":
        raise reader.corrupt("the checkpoint's properties do not begin here", at)
    made = _Objects(reader).object(0)
    if not isinstance(made, dict) or made.get("") != _CLASS_NAME:
        raise reader.corrupt(f"not a {_CLASS_NAME}", at)
    kind = made.get("checkpointType")
    if isinstance(kind, str):  # before Flink 1.15 an enum: CHECKPOINT, SAVEPOINT, …
        return Properties(kind.startswith(("SAVEPOINT", "SYNC_SAVEPOINT")), kind, "")
    if not isinstance(kind, dict):
        raise reader.corrupt("properties without a type of checkpoint", at)
    savepoint = str(kind.get("", "")).endswith("SavepointType")
    form = kind.get("formatType")
    return Properties(savepoint, str(kind.get("name", "")), form if isinstance(form, str) else "")


class _Objects:
    """Objects become dictionaries of their fields with the class's name under "", enums their names."""

    def __init__(self, reader: Reader) -> None:
        self._in = reader
        self._known: list[Any] = []

    def object(self, nesting: int) -> Any:
        read = self._in
        if nesting > NESTING_MAX:
            raise read.corrupt("objects nested too deeply")
        at, kind = read.position, read.u8()
        if kind == _NULL:
            return None
        if kind == _REFERENCE:
            return self._reference()
        if kind == _STRING:
            text = read.utf()
            self._known.append(text)
            return text
        if kind == _ENUM:
            self._class(nesting + 1)
            place = len(self._known)
            self._known.append(None)
            name = self.object(nesting + 1)
            if not isinstance(name, str):
                raise read.corrupt("an enum without a name", at)
            self._known[place] = name
            return name
        if kind == _OBJECT:
            return self._instance(nesting, at)
        raise read.corrupt(f"{kind:#x} where an object begins", at)

    def _instance(self, nesting: int, at: int) -> dict[str, Any]:
        read = self._in
        described = self._class(nesting + 1)
        if described is None:
            raise read.corrupt("an object without a class", at)
        made: dict[str, Any] = {"": described.name}
        self._known.append(made)
        line = []
        while described is not None:
            line.append(described)
            described = described.parent
        for each in reversed(line):  # the fields of the highest class come first
            if each.flags != _SERIALIZABLE:
                raise read.corrupt(f"a {each.name} that writes itself", at)
            for kind, name in each.fields:
                size = _PRIMITIVE_BYTES.get(kind)
                made[name] = self.object(nesting + 1) if size is None else bytes(read.take(size))
        return made

    def _class(self, nesting: int) -> _Class | None:
        read = self._in
        if nesting > NESTING_MAX:
            raise read.corrupt("classes nested too deeply")
        at, kind = read.position, read.u8()
        if kind == _NULL:
            return None
        if kind == _REFERENCE:
            found = self._reference()
            if not isinstance(found, _Class):
                raise read.corrupt("a reference to what is not a class", at)
            return found
        if kind != _CLASS:
            raise read.corrupt(f"{kind:#x} where a class begins", at)
        name = read.utf()
        read.i64()  # serialVersionUID
        place = len(self._known)
        self._known.append(None)
        flags, number = read.u8(), read.i16()
        if not 0 <= number <= FIELDS_MAX:
            raise read.corrupt(f"a class of {number} fields", at)
        fields = []
        for _ in range(number):
            code, field = chr(read.u8()), read.utf()
            if code in "L[":
                self._type(nesting)
            elif code not in _PRIMITIVE_BYTES:
                raise read.corrupt(f"a field of type {code!r}", at)
            fields.append((code, field))
        if read.u8() != _END:
            raise read.corrupt("a class with annotations", read.position - 1)
        made = _Class(name, flags & ~0x10, tuple(fields), self._class(nesting + 1))
        self._known[place] = made
        return made

    def _type(self, nesting: int) -> None:
        """The type of a field, a string."""
        at = self._in.position
        if not isinstance(self.object(nesting + 1), str):
            raise self._in.corrupt("a field whose type has no name", at)

    def _reference(self) -> Any:
        at = self._in.position
        place = self._in.i32() - _FIRST_REFERENCE
        if not 0 <= place < len(self._known):
            raise self._in.corrupt("a reference to nothing", at)
        return self._known[place]
