"""Writes the writer of one layout, as lines of Python."""

from __future__ import annotations

from anabranch.wire.dsl import FIXED
from anabranch.wire.layout import Constants, Layout, Slot, default_expression

# Literals of the generated code: a null compact length or no tags; a nullable struct's marker byte.
NUL = r'b"\0"'
STRUCT_NULL = r'b"\xff"'
STRUCT_HERE = r'b"\1"'


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
            assert fmt == "x", "zero bytes come one at a time"
            self.put(f"{self.append}({NUL})")
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
            self.put(f"    {self.append}({STRUCT_NULL})")
            self.put("else:")
            self.put(f"    {self.append}({STRUCT_HERE})")
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
                self.put(f"    {self.append}({NUL})")
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
                self.put(f"    {self.append}({NUL})")
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
        self.put(f"    w({NUL})")
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
