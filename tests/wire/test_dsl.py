"""The schema language."""

from __future__ import annotations

from pathlib import Path

import pytest

from anabranch.wire import dsl

TEXT = """\
# what it is
api 99 Thing versions 1-4 flexible 3+ unstable 4

request
  Name      string?2+
  Parts     []Part    2-3
    Weight  int32         = -1
    Note    string? 3+  tag 0 = null
  Other     []Shared?
  struct Shared
    Ids     []int64

response
  ErrorCode int16
  Part      Part
    Done    bool
"""


@pytest.fixture
def schema(tmp_path: Path) -> dsl.Schema:
    path = tmp_path / "99_thing.txt"
    path.write_text(TEXT)
    return dsl.load(path)


def test_a_file_is_read(schema: dsl.Schema) -> None:
    assert (schema.api_key, schema.name, schema.unstable) == (99, "Thing", 4)
    assert (schema.versions, schema.flexible) == (dsl.Versions(1, 4), dsl.Versions(3, 4))
    request, response = schema.messages
    assert (request.name, response.name) == ("ThingRequest", "ThingResponse")
    name, parts, other = request.root.fields
    assert (name.type, name.nullable, name.versions) == (
        "string",
        dsl.Versions(2, 4),
        dsl.Versions(1, 4),
    )
    assert (parts.array, parts.versions) == (True, dsl.Versions(2, 3))
    assert (other.type, other.nullable) == ("Shared", dsl.Versions(1, 4))


def test_nested_fields_have_the_versions_of_what_is_around_them(schema: dsl.Schema) -> None:
    weight, note = schema.messages[0].structs["ThingRequestPart"].fields
    assert (weight.versions, weight.default) == (dsl.Versions(2, 3), "-1")
    assert (note.versions, note.tag, note.default) == (dsl.Versions(3, 3), 0, "null")


def test_structs_that_both_messages_define_are_told_apart(schema: dsl.Schema) -> None:
    request, response = schema.messages
    assert list(request.structs) == ["ThingRequestPart", "Shared"]
    assert response.root.fields[1].type == "ThingResponsePart"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("  Name string 1..2", "not a version range"),
        ("  Name string 1-2 3+", "not understood"),
        ("  Name string\n    Inner int8", "nothing to nest in"),
        ("  Parts []Part\n      Inner int8\n    Out int8", "crooked indentation"),
        ("  struct Lost\n    Inner int8", "unused struct"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(f"data Bad versions 0 flexible none\n\nfields\n{line}\n")
    with pytest.raises(AssertionError, match=reason):
        dsl.load(path)


def test_names() -> None:
    assert dsl.snake("V3AndBelowTransactionalId") == "v3_and_below_transactional_id"
    assert dsl.snake("LastKnownElr") == "last_known_elr"
    assert dsl.snake("timeoutMs") == "timeout_ms"
