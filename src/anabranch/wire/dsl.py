"""The schema language of ``wire/schema``: one text file per API, read by the generator.

    api 3 Metadata versions 0-13 flexible 9+

    request
      Topics      []MetadataRequestTopic?1+
        TopicId   uuid                      10+
        Name      string?10+
      AllowAutoTopicCreation bool           4+   = true

A line is ``Name type [versions] [tag N] [= default]``. Names, types and versions are Kafka's own.
``?`` makes a type nullable, ``?10+`` from version 10 on. Without versions a field has those of the
struct around it. Indented lines are the fields of the struct that the line above names; a struct
that several fields use stands apart as ``struct Name``. ``unstable N`` in the head marks a latest
version that Kafka does not advertise yet. ``data Name …`` with ``fields`` is a value that travels
inside other messages (the consumer protocol).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

SCHEMA = Path(__file__).with_name("schema")
NEVER = 32767

#: ``struct`` codes of the types of fixed size.
FIXED = {
    "bool": "?",
    "int8": "b",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "int64": "q",
    "float64": "d",
    "uuid": "16s",
}
VARIABLE = ("string", "bytes", "records")


@dataclass(frozen=True)
class Versions:
    """An inclusive range; empty if ``first > last``."""

    first: int
    last: int

    def __contains__(self, version: int) -> bool:
        return self.first <= version <= self.last

    @staticmethod
    def parse(text: str, within: Versions) -> Versions:
        if text == "none":
            return Versions(NEVER, NEVER)
        found = re.fullmatch(r"(\d+)(?:-(\d+)|(\+))?", text)
        assert found, f"not a version range: {text!r}"
        first = int(found[1])
        last = within.last if found[3] else int(found[2] or first)
        return Versions(first, last)


@dataclass
class Field:
    """One field: ``type`` is the element's if ``array``; ``nullable`` is ``None`` if never null."""

    name: str
    type: str
    array: bool
    versions: Versions
    nullable: Versions | None
    tag: int | None
    default: str | None

    @property
    def python_name(self) -> str:
        return snake(self.name)

    @property
    def is_struct(self) -> bool:
        return self.type not in FIXED and self.type not in VARIABLE


@dataclass
class Struct:
    """A struct or a whole message; ``name`` is Kafka's."""

    name: str
    fields: list[Field] = field(default_factory=list)


@dataclass
class Message:
    """A request, response or data value with the structs it uses, innermost first."""

    name: str
    api_key: int
    versions: Versions
    flexible: Versions
    root: Struct
    structs: dict[str, Struct]


@dataclass
class Schema:
    """One file: an API (request and response) or one data value."""

    stem: str
    name: str
    api_key: int
    versions: Versions
    flexible: Versions
    unstable: int | None
    messages: list[Message]


def snake(name: str) -> str:
    """Return Kafka's ``CamelCase`` as ``snake_case``."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def load(path: Path) -> Schema:
    """Read one schema file."""
    lines = [line.rstrip() for line in path.read_text().splitlines()]
    lines = [line for line in lines if line and not line.lstrip().startswith("#")]
    head = lines[0].split()
    kind = head.pop(0)
    api_key = int(head.pop(0)) if kind == "api" else -1
    name = head.pop(0)
    options = dict(zip(head[::2], head[1::2], strict=True))
    versions = Versions.parse(options["versions"], Versions(0, 0))
    flexible = Versions.parse(options["flexible"], versions)
    unstable = int(options["unstable"]) if "unstable" in options else None
    suffix = {"request": "Request", "response": "Response", "fields": ""}
    messages = []
    blocks: list[tuple[str, list[str]]] = []
    for line in lines[1:]:
        if line.startswith(" "):
            blocks[-1][1].append(line)
        else:
            blocks.append((line, []))
    for title, body in blocks:
        root = Struct(name + suffix[title])
        structs = parse_block(root, body, versions)
        messages.append(Message(root.name, api_key, versions, flexible, root, structs))
    resolve_names(messages)
    return Schema(path.stem, name, api_key, versions, flexible, unstable, messages)


def resolve_names(messages: list[Message]) -> None:
    """Prefix structs that request and response both define with their message's name.

    Messages of one API share a Python module; Kafka gives each a class of its own.
    """
    roots = {message.name for message in messages}
    twice = set[str]()
    if len(messages) > 1:
        twice = set.intersection(*(set(message.structs) for message in messages))
    for message in messages:
        rename = {name: message.name + name for name in message.structs if name in twice | roots}
        for struct in (message.root, *message.structs.values()):
            struct.name = rename.get(struct.name, struct.name)
            for one in struct.fields:
                one.type = rename.get(one.type, one.type)
        message.structs = {struct.name: struct for struct in message.structs.values()}


def load_all(directory: Path = SCHEMA) -> list[Schema]:
    """Read every schema file, in the order of their names."""
    return [load(path) for path in sorted(directory.glob("*.txt"))]


def parse_block(root: Struct, body: list[str], versions: Versions) -> dict[str, Struct]:
    """Fill ``root`` from its indented lines; return the structs it uses, innermost first."""
    found: list[Struct] = []
    # The open structs by indentation: (indent of their fields, struct, versions of the struct).
    stack: list[tuple[int, Struct, Versions]] = [(2, root, versions)]
    last: Field | None = None
    for line in body:
        indent = len(line) - len(line.lstrip())
        words = line.split()
        if words[0] == "struct":
            opened = Struct(words[1])
            found.append(opened)
            stack = [(2, root, versions), (indent + 2, opened, versions)]
            last = None
            continue
        if indent > stack[-1][0]:
            assert last is not None and last.is_struct, f"nothing to nest in: {line}"
            opened = Struct(last.type)
            found.append(opened)
            stack.append((indent, opened, last.versions))
        while indent < stack[-1][0]:
            stack.pop()
        assert indent == stack[-1][0], f"crooked indentation: {line}"
        last = parse_field(words, stack[-1][2])
        stack[-1][1].fields.append(last)
    structs = {one.name: one for one in reversed(found)}
    assert len(structs) == len(found), f"{root.name} defines a struct twice"
    ordered: dict[str, Struct] = {}

    def visit(one: Struct) -> None:
        for each in one.fields:
            if each.is_struct and each.type not in ordered:
                visit(structs[each.type])
                ordered[each.type] = structs[each.type]

    visit(root)
    assert len(ordered) == len(structs), f"{root.name} has an unused struct"
    return ordered


def parse_field(words: list[str], around: Versions) -> Field:
    name, kind = words[0], words[1]
    rest = words[2:]
    default = None
    if "=" in rest:
        at = rest.index("=")
        default = rest[at + 1]
        rest = rest[:at]
    tag = None
    if "tag" in rest:
        at = rest.index("tag")
        tag = int(rest[at + 1])
        rest = rest[:at]
    assert len(rest) <= 1, f"not understood: {words}"
    versions = Versions.parse(rest[0], around) if rest else around
    base, mark, nullable = kind.partition("?")
    null = None
    if mark:
        null = Versions.parse(nullable, versions) if nullable else versions
    array = base.startswith("[]")
    return Field(name, base.removeprefix("[]"), array, versions, null, tag, default)
