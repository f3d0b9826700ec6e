"""Writes the reader of one layout, as lines of Python."""

from __future__ import annotations

from anabranch.wire.dsl import FIXED, Field
from anabranch.wire.layout import FORMAT_SIZE, Constants, Layout, Slot, default_expression


class ReaderLines:
    """Emits ``_read_<suffix>(b, p, e, c)``; ``c[0]`` is how many more elements may be read."""

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
            f"def _read_{one.suffix}(b: {kind}, p: int, e: int, c: Allowance)"
            f" -> tuple[{one.name}, int]:"
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
            self.put("    p = skip_tags(b, p - 1, e, c)")
            return
        self.put("if n:")
        self.indent += 1
        self.put("n, p = uvarint(b, p - 1)")
        self.count()
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
        call = f"{target}, p = _read_{slot.child}(b, p, {self.end}, c)"
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

    def count(self) -> None:
        """Charge ``n`` elements to the message's allowance."""
        self.put("c[0] -= n")
        self.put("if c[0] < 0:")
        self.put("    raise too_many()")

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
            self.count()
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
            self.count()
            items = f"l_{one.python_name}"
            kind = one.type if one.is_struct else {"string": "str", "bytes": "bytes"}[one.type]
            self.put(f"{items}: list[{kind}] = []")
            self.put(f"{target} = {items}")
            self.put("for _ in range(n):")
            self.indent += 1
            if one.is_struct:
                self.put(f"x_{one.python_name}, p = _read_{slot.child}(b, p, {self.end}, c)")
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
