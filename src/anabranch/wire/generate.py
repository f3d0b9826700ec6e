"""Writes ``wire/messages`` and ``wire/apis.py`` from ``wire/schema``.

    python -m anabranch.wire.generate            # write the files
    python -m anabranch.wire.generate --check    # exit 1 if a committed file differs

The output is committed: it is what mypy, a debugger and a reader see.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from anabranch.wire import dsl
from anabranch.wire.emit_reader import ReaderLines
from anabranch.wire.emit_writer import WriterLines
from anabranch.wire.layout import Constants, Layout, Slot, default_expression

HERE = Path(__file__).parent
MARK = "# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit."
PREAMBLE = f"{MARK}\n# ruff: noqa\n# fmt: off\n"

PYTHON_TYPE = {
    "bool": "bool",
    "uuid": "bytes",
    "float64": "float",
    "string": "str",
    "bytes": "bytes",
    "records": "Records",
}
RUNTIME = (
    "Allowance", "Buffer", "COMPACT_INT32S", "EMPTY", "INT32S", "Message", "Records", "Struct", "UVARINT",
    "Write", "ZERO_UUID", "bad_length", "records_size", "skip_tags", "too_many", "uvarint", "uvarint_bytes",
    "write_records",
)  # fmt: skip


def module_name(schema: dsl.Schema) -> str:
    """``03_metadata`` is written to ``m03_metadata.py``; a data value keeps its name."""
    return f"m{schema.stem}" if schema.api_key >= 0 else schema.stem


def python_type(one: dsl.Field) -> str:
    kind = one.type if one.is_struct else PYTHON_TYPE.get(one.type, "int")
    if one.array:
        kind = f"list[{kind}]"
    # A tagged struct that is absent is None; so is anything that some version may say is null.
    null = one.nullable is not None or (one.is_struct and not one.array and one.tag is not None)
    return f"{kind} | None" if null else kind


def class_lines(struct: dsl.Struct, base: str, doc: str, constants: list[str]) -> list[str]:
    """Write one class: slots, types, constructor."""
    names = [one.python_name for one in struct.fields]
    slots = "".join(f'"{name}", ' for name in names).strip()
    lines = ["", "", f"class {struct.name}({base}):", f'    """{doc}"""', ""]
    lines.append(f"    __slots__ = ({slots})")
    lines += [f"    {one.python_name}: {python_type(one)}" for one in struct.fields]
    lines += constants
    if not struct.fields:
        return lines
    lines += ["", "    def __init__(", "        self,", "        *,"]
    body = []
    for one in struct.fields:
        name, kind, default = one.python_name, python_type(one), default_expression(one)
        if default == "[]":
            lines.append(f"        {name}: {kind} = EMPTY,")
            body.append(f"        self.{name} = [] if {name} is EMPTY else {name}")
        elif default.endswith("()"):
            lines.append(f"        {name}: {kind} | None = None,")
            body.append(f"        self.{name} = {default} if {name} is None else {name}")
        else:
            lines.append(f"        {name}: {kind} = {default},")
            body.append(f"        self.{name} = {name}")
    return [*lines, "    ) -> None:", *body]


def layouts_of(message: dsl.Message, constants: Constants) -> tuple[dict[int, str], list[Layout]]:
    """Return the root's function suffix per version and every layout, innermost first."""
    structs = [*message.structs.values(), message.root]
    views = any(one.type == "records" for struct in structs for one in struct.fields)
    seen: dict[tuple[object, ...], Layout] = {}
    by_version: dict[tuple[str, int], Layout] = {}
    ordered: list[Layout] = []
    for struct in structs:
        for version in range(message.versions.first, message.versions.last + 1):
            compact = version in message.flexible
            plain: list[Slot] = []
            tagged: list[Slot] = []
            for one in struct.fields:
                if version not in one.versions:
                    continue
                null = one.nullable is not None and version in one.nullable
                slot = Slot(one, null)
                if one.is_struct:
                    child = by_version.get((one.type, version))
                    assert child is not None, f"{message.name}: {one.type} is missing"
                    slot = Slot(one, null, child.suffix, child.size_min)
                (plain if one.tag is None else tagged).append(slot)
            signature = (
                struct.name,
                compact,
                *((s.field.name, s.nullable, s.child) for s in (*plain, *tagged)),
            )
            found = seen.get(signature)
            if found is None:
                present = {s.field.name for s in (*plain, *tagged)}
                found = Layout(
                    struct.name,
                    f"{dsl.snake(struct.name)}_v{version}",
                    compact,
                    tuple(plain),
                    tuple(tagged),
                    views,
                    tuple(one for one in struct.fields if one.name not in present),
                )
                seen[signature] = found
                ordered.append(found)
            by_version[struct.name, version] = found
    versions = range(message.versions.first, message.versions.last + 1)
    used = reachable({by_version[message.root.name, v].suffix for v in versions}, ordered)
    roots = {v: by_version[message.root.name, v].suffix for v in versions}
    return roots, [one for one in ordered if one.suffix in used]


def reachable(roots: set[str], layouts: list[Layout]) -> set[str]:
    """Return the layouts that some root needs: a struct may be absent from some versions."""
    by_suffix = {one.suffix: one for one in layouts}
    open_, found = list(roots), set(roots)
    while open_:
        one = by_suffix[open_.pop()]
        for slot in (*one.plain, *one.tagged):
            if slot.child and slot.child not in found:
                found.add(slot.child)
                open_.append(slot.child)
    return found


def module_source(schema: dsl.Schema) -> str:
    """Return the source of one message module."""
    constants = Constants()
    classes: list[str] = []
    functions: list[str] = []
    tables: list[str] = []
    for message in schema.messages:
        roots, layouts = layouts_of(message, constants)
        for struct in message.structs.values():
            classes += class_lines(struct, "Struct", f"Part of {message.name}.", [])
        first, last = message.versions.first, message.versions.last
        versions = f"versions {first} to {last}" if first < last else f"version {first}"
        views = any(one.views for one in layouts)
        facts = [
            "",
            f"    API_KEY = {message.api_key}",
            f"    MIN_VERSION = {first}",
            f"    MAX_VERSION = {last}",
            f"    FIRST_FLEXIBLE = {message.flexible.first}",
            *(["    VIEWS = True"] if views else []),
        ]
        title = f"``{message.name}``, {versions}."
        if message.api_key >= 0:
            title = f"``{message.name}`` (API key {message.api_key}), {versions}."
        classes += class_lines(message.root, "Message", title, facts)
        for one in layouts:
            functions += ["", "", *ReaderLines(one, constants).emit()]
            functions += ["", "", *WriterLines(one, constants).emit()]
        for verb, table in (("read", "READERS"), ("write", "WRITERS")):
            tables += ["", f"{message.root.name}.{table} = {{"]
            tables += [f"    {v}: _{verb}_{suffix}," for v, suffix in roots.items()]
            tables.append("}")
    body = "\n".join(classes + functions + ["", *tables]) + "\n"
    return header(schema, body, constants) + body


def header(schema: dsl.Schema, body: str, constants: Constants) -> str:
    """Write docstring, imports and constants: only the names that the body uses."""
    lines = [f'"""{schema.name}: messages of all versions, with their codec."""', ""]
    lines += ["from __future__ import annotations", ""]
    if "utf_8_decode(" in body:
        lines.append("from codecs import utf_8_decode")
    names = [name for name in ("pack", "unpack_from") if re.search(rf"(?<![_\w]){name}\(f", body)]
    tables = constants.lines()
    if tables:
        names.insert(0, "Struct as Struct_")
    if names:
        lines.append(f"from struct import {', '.join(names)}")
    if lines[-1]:
        lines.append("")
    used = [name for name in RUNTIME if re.search(rf"\b{name}\b", body)]
    lines += ["from anabranch.wire.codec import (", *(f"    {name}," for name in used), ")", ""]
    lines += ["_new = object.__new__", *tables]
    return PREAMBLE + "\n".join(lines) + "\n"


def apis_source(schemas: list[dsl.Schema]) -> str:
    """Return the source of the table that the registry reads."""
    lines = [
        '"""Every API of the schema: (key, name, first, last stable, first flexible, module)."""'
    ]
    lines += ["", "APIS: tuple[tuple[int, str, int, int, int, str], ...] = ("]
    for one in schemas:
        if one.api_key < 0:
            continue
        last = one.versions.last if one.unstable is None else one.unstable - 1
        row = (one.api_key, one.name, one.versions.first, last, one.flexible.first)
        cells = ", ".join(f'"{cell}"' if isinstance(cell, str) else str(cell) for cell in row)
        lines.append(f'    ({cells}, "{module_name(one)}"),')
    return PREAMBLE + "\n".join([*lines, ")"]) + "\n"


def sources() -> dict[Path, str]:
    """Return every generated file with its content."""
    schemas = dsl.load_all()
    found = {HERE / "apis.py": apis_source(schemas)}
    messages = HERE / "messages"
    found[messages / "__init__.py"] = (
        f'{MARK}\n"""Generated message classes, one module per API, imported when needed."""\n'
    )
    for one in schemas:
        found[messages / f"{module_name(one)}.py"] = module_source(one)
    return found


def stale() -> list[Path]:
    """Return the generated files that are missing, differ, or have no schema any more."""
    wanted = sources()
    extra = set((HERE / "messages").glob("*.py")) - set(wanted)
    differ = [p for p, text in wanted.items() if not p.exists() or p.read_text() != text]
    return sorted([*differ, *extra])


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        for path in stale():
            print(f"out of date: {path}")
        return 1 if stale() else 0
    (HERE / "messages").mkdir(exist_ok=True)
    wanted = sources()
    for path in set((HERE / "messages").glob("*.py")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
