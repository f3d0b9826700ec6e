"""What a struct looks like on the wire in some of its versions, for the code generator.

A *layout* is what a struct looks like in some versions: which fields, which of them may be null,
compact or not. Versions that share a layout share the functions, so the generated code has no
version tests. Adjacent fields of fixed size, and the length that follows them, go through one
``struct.Struct``.
"""

from __future__ import annotations

from dataclasses import dataclass

from anabranch.wire.dsl import FIXED, Field

FORMAT_SIZE = {"?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "q": 8, "d": 8, "16s": 16, "x": 1}


@dataclass(frozen=True)
class Slot:
    """A field as one layout has it; ``child`` is the suffix of the nested struct's functions."""

    field: Field
    nullable: bool
    child: str = ""
    child_min: int = 0


@dataclass(frozen=True)
class Layout:
    """A struct in some versions. ``name`` is the Python class, ``suffix`` that of its functions."""

    name: str
    suffix: str
    compact: bool
    plain: tuple[Slot, ...]
    tagged: tuple[Slot, ...]
    views: bool
    #: Fields that the layout lacks: they get their defaults.
    absent: tuple[Field, ...]

    @property
    def size_min(self) -> int:
        """Fewest bytes that one such struct takes on the wire."""
        return sum(slot_min(s, self.compact) for s in self.plain) + self.compact


def slot_min(slot: Slot, compact: bool) -> int:
    one = slot.field
    if not one.array:
        if one.type in FIXED:
            return FORMAT_SIZE[FIXED[one.type]]
        if one.is_struct:
            return 1 if slot.nullable else slot.child_min
    if compact:
        return 1
    return 2 if one.type == "string" and not one.array else 4


def default_expression(one: Field) -> str:
    """Return the default of a field as stored in an object."""
    if one.array:
        return "None" if one.default == "null" else "[]"
    if one.is_struct:
        return "None" if one.default == "null" or one.tag is not None else f"{one.type}()"
    if one.default == "null":
        return "None"
    match one.type:
        case "string":
            return f'"{one.default or ""}"'
        case "bytes" | "records":
            return 'b""'
        case "bool":
            return "True" if one.default == "true" else "False"
        case "uuid":
            return "ZERO_UUID"
        case "float64":
            return str(float(one.default or 0))
        case _:
            return str(int(one.default or "0"))


class Constants:
    """Module constants for ``struct`` formats: each format is compiled once per module."""

    def __init__(self) -> None:
        self.packs: dict[str, str] = {}
        self.unpacks: dict[str, str] = {}

    @staticmethod
    def _name(prefix: str, fmt: str) -> str:
        return prefix + fmt.replace("?", "t")

    def pack(self, fmt: str) -> str:
        return self.packs.setdefault(fmt, self._name("_pack_", fmt))

    def unpack(self, fmt: str) -> str:
        return self.unpacks.setdefault(fmt, self._name("_unpack_", fmt))

    def lines(self) -> list[str]:
        return [
            *(f'{name} = Struct_(">{fmt}").pack' for fmt, name in sorted(self.packs.items())),
            *(f'{n} = Struct_(">{fmt}").unpack_from' for fmt, n in sorted(self.unpacks.items())),
        ]
