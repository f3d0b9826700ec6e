"""Writes the reader and the writer of one struct in one layout, as lines of Python.

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


class ReaderLines:
    """Emits ``_read_<suffix>(b, p, e)``."""

    def __init__(self, layout: Layout, constants: Constants) -> None:
        self.layout = layout
        self.constants = constants
        self.lines: list[str] = []
        self.pending: list[tuple[str, str]] = []
        self.indent = 1
        self.end = "e"

    def put(self, line: str) -> None:
        self.lines.append("    " * self.indent + line)

    def emit(self) -> list[str]:
        one = self.layout
        kind = "memoryview" if one.views else "bytes"
        self.lines = [
            f"def _read_{one.suffix}(b: {kind}, p: int, e: int) -> tuple[{one.name}, int]:"
        ]
        self.put(f"o = _new({one.name})")
        for each in one.absent:
            self.put(f"o.{each.python_name} = {default_expression(each)}")
        for slot in one.plain:
            self.slot(slot)
        if one.compact:
            for slot in one.tagged:
                name = slot.field.python_name
                self.put(f"o.{name} = {default_expression(slot.field)}")
            self.pending.append(("B", "n"))
            self.flush()
            self.tags()
        else:
            self.flush()
        self.put("return o, p")
        return self.lines

    def flush(self) -> None:
        if not self.pending:
            return
        fmt = "".join(code for code, _ in self.pending)
        targets = [target for _, target in self.pending]
        size = sum(FORMAT_SIZE[code] for code, _ in self.pending)
        if fmt == "B":
            self.put(f"{targets[0]} = b[p]")
        else:
            left = ", ".join(targets) if len(targets) > 1 else f"({targets[0]},)"
            self.put(f"{left} = {self.constants.unpack(fmt)}(b, p)")
        self.put(f"p += {size}")
        self.pending = []

    def tags(self) -> None:
        if not self.layout.tagged:
            self.put("if n:")
            self.put("    p = skip_tags(b, p - 1, e)")
            return
        self.put("if n:")
        self.indent += 1
        self.put("n, p = uvarint(b, p - 1)")
        self.put("for _ in range(n):")
        self.indent += 1
        self.put("t, p = uvarint(b, p)")
        self.put("n, p = uvarint(b, p)")
        self.put("z = p + n")
        self.put("if z > e:")
        self.put(f'    raise bad_length("{self.layout.name}: tagged field")')
        self.end = "z"
        word = "if"
        for slot in self.layout.tagged:
            self.put(f"{word} t == {slot.field.tag}:")
            self.indent += 1
            self.slot(slot)
            self.flush()
            self.indent -= 1
            word = "elif"
        self.put("else:")
        self.put("    p = z")
        self.put("if p != z:")
        self.put(f'    raise bad_length("{self.layout.name}: tagged field")')
        self.end = "e"
        self.indent -= 2

    def slot(self, slot: Slot) -> None:
        one = slot.field
        if one.array:
            self.array(slot)
        elif one.is_struct:
            self.nested(slot)
        elif one.type in FIXED:
            self.pending.append((FIXED[one.type], f"o.{one.python_name}"))
        else:
            self.variable(slot)

    def nested(self, slot: Slot) -> None:
        one = slot.field
        target = f"o.{one.python_name}"
        call = f"{target}, p = _read_{slot.child}(b, p, {self.end})"
        if not slot.nullable:
            self.flush()
            self.put(call)
            return
        self.pending.append(("b", "n"))
        self.flush()
        self.put("if n < 0:")
        self.put(f"    {target} = None")
        self.put("else:")
        self.put(f"    {call}")

    def length(self, code: str) -> str:
        """Read a length to ``n``; return what to subtract from it."""
        if self.layout.compact:
            self.pending.append(("B", "n"))
            self.flush()
            self.put("if n > 127:")
            self.put("    n, p = uvarint(b, p - 1)")
            return " - 1"
        self.pending.append((code, "n"))
        self.flush()
        return ""

    def value(self, kind: str) -> str:
        """Return the expression for the bytes ``b[p:q]`` as ``kind``."""
        views = self.layout.views
        match kind:
            case "string":
                return 'utf_8_decode(b[p:q], "strict", True)[0]' if views else "b[p:q].decode()"
            case "bytes":
                return "bytes(b[p:q])" if views else "b[p:q]"
            case _:
                return "b[p:q]"

    def null_guard(self, slot: Slot, target: str) -> None:
        """Open the branch for a value that is there."""
        if slot.nullable:
            self.put("if not n:" if self.layout.compact else "if n < 0:")
            self.put(f"    {target} = None")
            self.put("else:")
            self.indent += 1

    def variable(self, slot: Slot) -> None:
        one = slot.field
        target = f"o.{one.python_name}"
        less = self.length("h" if one.type == "string" else "i")
        self.null_guard(slot, target)
        self.put(f"q = p + n{less}")
        self.check("q", one, slot)
        self.put(f"{target} = {self.value(one.type)}")
        self.put("p = q")
        self.indent -= slot.nullable

    def check(self, end: str, one: Field, slot: Slot) -> None:
        low = "" if slot.nullable else "p <= "
        condition = f"{end} > {self.end}" if slot.nullable else f"not {low}{end} <= {self.end}"
        self.put(f"if {condition}:")
        self.put(f'    raise bad_length("{self.layout.name}.{one.python_name}")')

    def array(self, slot: Slot) -> None:
        one = slot.field
        target = f"o.{one.python_name}"
        less = self.length("i")
        self.null_guard(slot, target)
        if less:
            self.put("n -= 1")
        if one.type in FIXED:
            code = FIXED[one.type]
            assert code != "16s", "no API has an array of UUIDs"
            size = FORMAT_SIZE[code]
            self.put(f"q = p + n * {size}" if size > 1 else "q = p + n")
            self.check("q", one, slot)
            self.put(f'{target} = list(unpack_from(f">{{n}}{code}", b, p)) if n else []')
            self.put("p = q")
        else:
            compact = self.layout.compact
            each = slot.child_min if one.is_struct else (1 if compact else 2)
            count = f"n * {each}" if each > 1 else "n"
            condition = f"{count} > {self.end} - p"
            if not slot.nullable:
                condition = f"n < 0 or {condition}"
            self.put(f"if {condition}:")
            self.put(f'    raise bad_length("{self.layout.name}.{one.python_name}")')
            items = f"l_{one.python_name}"
            kind = one.type if one.is_struct else {"string": "str", "bytes": "bytes"}[one.type]
            self.put(f"{items}: list[{kind}] = []")
            self.put(f"{target} = {items}")
            self.put("for _ in range(n):")
            self.indent += 1
            if one.is_struct:
                self.put(f"x_{one.python_name}, p = _read_{slot.child}(b, p, {self.end})")
                self.put(f"{items}.append(x_{one.python_name})")
            else:
                less = self.length("h" if one.type == "string" else "i")
                self.put(f"q = p + n{less}")
                self.put(f"if not p <= q <= {self.end}:")
                self.put(f'    raise bad_length("{self.layout.name}.{one.python_name}")')
                self.put(f"{items}.append({self.value(one.type)})")
                self.put("p = q")
            self.indent -= 1
        self.indent -= slot.nullable


class WriterLines:
    """Emits ``_write_<suffix>(o, w)`` where ``w`` appends a buffer."""

    def __init__(self, layout: Layout, constants: Constants) -> None:
        self.layout = layout
        self.constants = constants
        self.lines: list[str] = []
        self.pending: list[tuple[str, str]] = []
        self.indent = 1
        self.append = "w"

    def put(self, line: str) -> None:
        self.lines.append("    " * self.indent + line)

    def emit(self) -> list[str]:
        one = self.layout
        self.lines = [f"def _write_{one.suffix}(o: {one.name}, w: Write) -> None:"]
        for slot in one.plain:
            self.slot(slot)
        if one.compact:
            if one.tagged:
                self.flush()
                self.tags()
            else:
                self.pending.append(("x", ""))
        self.flush()
        if len(self.lines) == 1:
            self.put("return")
        return self.lines

    def flush(self) -> None:
        if not self.pending:
            return
        fmt = "".join(code for code, _ in self.pending)
        values = [value for code, value in self.pending if code != "x"]
        if values:
            self.put(f"{self.append}({self.constants.pack(fmt)}({', '.join(values)}))")
        else:
            self.put(f'{self.append}(b"{chr(92)}0"{f" * {len(fmt)}" if len(fmt) > 1 else ""})')
        self.pending = []

    def slot(self, slot: Slot) -> None:
        one = slot.field
        if one.array:
            self.array(slot)
        elif one.is_struct:
            self.nested(slot)
        elif one.type in FIXED:
            self.pending.append((FIXED[one.type], f"o.{one.python_name}"))
        else:
            self.variable(slot)

    def nested(self, slot: Slot) -> None:
        source = f"o.{slot.field.python_name}"
        self.flush()
        if slot.nullable:
            self.put(f"if {source} is None:")
            self.put(f'    {self.append}(b"{chr(92)}xff")')
            self.put("else:")
            self.put(f'    {self.append}(b"{chr(92)}1")')
            self.put(f"    _write_{slot.child}({source}, {self.append})")
        else:
            if slot.field.default == "null":
                self.put(f"assert {source} is not None")
            self.put(f"_write_{slot.child}({source}, {self.append})")

    def uvarint(self, name: str) -> None:
        self.put(f"{self.append}(UVARINT[{name}] if {name} < 1024 else uvarint_bytes({name}))")

    def not_null(self, slot: Slot, name: str) -> None:
        """Fail early on null in a version that cannot say it: a bug of the caller."""
        if slot.field.nullable is not None and not slot.nullable:
            self.put(f'assert {name} is not None, "{self.layout.name}.{slot.field.python_name}"')

    def variable(self, slot: Slot) -> None:
        one = slot.field
        local = f"v_{one.python_name}"
        code = "h" if one.type == "string" else "i"
        size = f"records_size({local})" if one.type == "records" else "len({})"
        encoded = f"{local}.encode()" if one.type == "string" else local
        raw = f"r_{one.python_name}" if one.type == "string" else local
        size = size.format(raw)
        store = f"write_records({local}, {self.append})" if one.type == "records" else ""
        self.put(f"{local} = o.{one.python_name}")
        self.not_null(slot, local)
        if self.layout.compact:
            self.flush()
            if slot.nullable:
                self.put(f"if {local} is None:")
                self.put(f'    {self.append}(b"{chr(92)}0")')
                self.put("else:")
                self.indent += 1
            if raw != local:
                self.put(f"{raw} = {encoded}")
            self.put(f"n = {size} + 1")
            self.uvarint("n")
            self.put(store or f"{self.append}({raw})")
            self.indent -= slot.nullable
            return
        if slot.nullable:
            self.put(f"if {local} is None:")
            self.indent += 1
            kept = list(self.pending)
            self.pending.append((code, "-1"))
            self.flush()
            self.indent -= 1
            self.put("else:")
            self.indent += 1
            self.pending = kept
        if raw != local:
            self.put(f"{raw} = {encoded}")
        self.pending.append((code, size))
        self.flush()
        self.put(store or f"{self.append}({raw})")
        self.indent -= slot.nullable

    def array(self, slot: Slot) -> None:
        one = slot.field
        local = f"v_{one.python_name}"
        self.put(f"{local} = o.{one.python_name}")
        self.not_null(slot, local)
        if self.layout.compact:
            self.flush()
            if slot.nullable:
                self.put(f"if {local} is None:")
                self.put(f'    {self.append}(b"{chr(92)}0")')
                self.put("else:")
                self.indent += 1
            if one.type == "int32":
                self.compact_int32s(local)
                self.indent -= slot.nullable
                return
            self.put(f"n = len({local}) + 1")
            self.uvarint("n")
        elif slot.nullable:
            self.put(f"if {local} is None:")
            self.indent += 1
            kept = list(self.pending)
            self.pending.append(("i", "-1"))
            self.flush()
            self.indent -= 1
            self.put("else:")
            self.indent += 1
            self.pending = [*kept, ("i", f"len({local})")]
            self.flush()
        else:
            self.pending.append(("i", f"len({local})"))
            self.flush()
        self.elements(slot, local)
        self.indent -= slot.nullable

    def compact_int32s(self, local: str) -> None:
        self.put(f"n = len({local})")
        self.put("if n < 16:")
        self.put(f"    {self.append}(COMPACT_INT32S[n](n + 1, *{local}))")
        self.put("else:")
        self.put(f"    {self.append}(uvarint_bytes(n + 1))")
        self.put(f'    {self.append}(pack(f">{{n}}i", *{local}))')

    def elements(self, slot: Slot, local: str) -> None:
        one = slot.field
        if one.type == "int32":
            self.put(f"n = len({local})")
            packed = f'INT32S[n](*{local}) if n < 16 else pack(f">{{n}}i", *{local})'
            self.put(f"{self.append}({packed})")
            return
        if one.type in FIXED:
            self.put(f"if {local}:")
            self.put(f'    {self.append}(pack(f">{{len({local})}}{FIXED[one.type]}", *{local}))')
            return
        self.put(f"for x_{one.python_name} in {local}:")
        self.indent += 1
        if one.is_struct:
            self.put(f"_write_{slot.child}(x_{one.python_name}, {self.append})")
        else:
            raw = f"r_{one.python_name}"
            encoded = ".encode()" if one.type == "string" else ""
            self.put(f"{raw} = x_{one.python_name}{encoded}")
            if self.layout.compact:
                self.put(f"n = len({raw}) + 1")
                self.uvarint("n")
            else:
                pack = self.constants.pack("h" if one.type == "string" else "i")
                self.put(f"{self.append}({pack}(len({raw})))")
            self.put(f"{self.append}({raw})")
        self.indent -= 1

    def is_set(self, slot: Slot) -> str:
        """Return the condition under which a tagged field is written."""
        one = slot.field
        source = f"o.{one.python_name}"
        default = default_expression(one)
        match default:
            case "None":
                return f"{source} is not None"
            case "False" | '""' | "[]":
                return source
            case _:
                return f"{source} != {default}"

    def tags(self) -> None:
        slots = sorted(self.layout.tagged, key=lambda s: s.field.tag or 0)
        for slot in slots:
            assert not slot.nullable or slot.field.default == "null", "null must be the default"
        self.put("n = 0")
        for slot in slots:
            self.put(f"if {self.is_set(slot)}:")
            self.put("    n += 1")
        self.put("if not n:")
        self.put(f'    w(b"{chr(92)}0")')
        self.put("    return")
        self.put("w(UVARINT[n])")
        for slot in slots:
            self.put(f"if {self.is_set(slot)}:")
            self.indent += 1
            self.put("g: list[Buffer] = []" if slot is slots[0] else "g = []")
            self.put("a = g.append")
            self.append = "a"
            if slot.nullable:
                self.put(f"assert o.{slot.field.python_name} is not None")
            self.slot(Slot(slot.field, False, slot.child, slot.child_min))
            self.flush()
            self.append = "w"
            self.put("n = sum(map(len, g))")
            self.put(f"w({uvarint_literal(slot.field.tag or 0)})")
            self.uvarint("n")
            self.put("for part in g:")
            self.put("    w(part)")
            self.indent -= 1


def uvarint_literal(value: int) -> str:
    assert value < 128
    return f"UVARINT[{value}]"
