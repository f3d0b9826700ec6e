"""The journal's objects: what goes in comes out, and nothing damaged passes for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import Corrupt, StoreFault
from anabranch.storage import journal_format as fmt
from anabranch.storage.dump import dump_path, render
from anabranch.storage.journal_format import (
    Entry,
    Identity,
    Position,
    Rows,
    Snapshot,
    SnapshotPart,
    Span,
)

IDENTITY = Identity("c1" * 16, "1c" * 16)
CELLS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(), st.none())
KEYS = st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.text()), max_size=3)
ROWS = st.builds(
    Rows,
    table=st.text(min_size=1),
    columns=st.just(["a", "b"]),
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2)),
    binary=st.just(["b"]),
)
ENTRIES = st.builds(
    Entry,
    identity=st.just(IDENTITY),
    epoch=st.integers(0, 10**10 - 1),
    number=st.integers(0, 2**63 - 1),
    previous=st.builds(Position, st.integers(0, 9), st.integers(0, 9)),
    at_ms=st.integers(0, 2**53),
    schema=st.integers(1, 99),
    gone=st.lists(st.builds(Span, st.text(), KEYS, st.one_of(st.none(), KEYS), st.none())),
    tables=st.lists(ROWS),
)


def an_entry(**changes: object) -> Entry:
    values = {
        "identity": IDENTITY,
        "epoch": 3,
        "number": 17,
        "previous": Position(3, 16),
        "at_ms": 5,
        "schema": 4,
        "gone": [Span("extent", [1, 0], [7])],
        "tables": [Rows("counter", ["name", "value"], [["x", 1]])],
    }
    return Entry(**(values | changes))  # type: ignore[arg-type]


@given(ENTRIES)
def test_entries_come_back_as_they_were(entry: Entry) -> None:
    assert fmt.decode(fmt.encode(entry)) == entry


@given(st.data())
def test_damage_is_noticed(data: st.DataObject) -> None:
    whole = fmt.encode(an_entry())
    place = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((Corrupt, StoreFault)):
        fmt.decode(flipped)
    with pytest.raises(Corrupt):
        fmt.decode(whole[:place])
    with pytest.raises(Corrupt):
        fmt.decode(whole + whole[: place + 1])


@given(st.binary(max_size=200))
def test_other_bytes_are_no_entry(data: bytes) -> None:
    with pytest.raises(Corrupt):
        fmt.decode(data)


def test_a_newer_version_is_refused_by_name() -> None:
    whole = bytearray(fmt.encode(an_entry()))
    whole[8:10] = (2).to_bytes(2, "big")
    body = bytes(whole[18:])
    checked = (2).to_bytes(2, "big") + len(body).to_bytes(4, "big")
    whole[14:18] = fmt.crc32c(body, fmt.crc32c(checked)).to_bytes(4, "big")
    with pytest.raises(StoreFault, match="version 2") as caught:
        fmt.decode(whole)
    assert not caught.value.retryable


@given(st.integers(0, 10**10 - 1), st.integers(0, 2**63 - 1), st.integers(0, 999_999))
def test_keys_say_what_they_are(epoch: int, number: int, part: int) -> None:
    assert fmt.parse_key(fmt.entry_key(epoch, number)) == (epoch, number, "entry", 0)
    assert fmt.parse_key(fmt.snapshot_key(epoch, number)) == (epoch, number, "snapshot", 0)
    assert fmt.parse_key(fmt.part_key(epoch, number, part)) == (epoch, number, "part", part)
    assert fmt.parse_key(fmt.entry_key(epoch, number) + ".tmp") is None


def test_a_document_of_another_kind_is_refused() -> None:
    with pytest.raises(Corrupt, match="not a Snapshot"):
        fmt.decode_as(Snapshot, fmt.encode(an_entry()))


def test_dump_shows_all_three_kinds(tmp_path: object) -> None:
    from pathlib import Path

    root = Path(str(tmp_path)) / "journal" / "0000000003"
    root.mkdir(parents=True)
    rows = [Rows("counter", ["name", "value"], [["x", 1], ["y", 2]])]
    part = SnapshotPart(identity=IDENTITY, epoch=3, number=9, part=0, tables=rows)
    manifest = Snapshot(
        identity=IDENTITY,
        epoch=3,
        number=9,
        through=Position(3, 11),
        at_ms=1,
        schema=4,
        parts=1,
        rows=2,
        checksums=[1],
    )
    for key, document in (
        (fmt.entry_key(3, 17), an_entry()),
        (fmt.part_key(3, 9, 0), part),
        (fmt.snapshot_key(3, 9), manifest),
    ):
        (root.parent.parent / key).write_bytes(fmt.encode(document))
    (root / ("9" * 20)).write_bytes(b"torn")
    items = list(dump_path(root.parent, batches=True))
    assert [item["type"] for item in items] == [
        "journal-snapshot", "journal-part", "rows", "row", "row",
        "journal-entry", "gone", "rows", "row", "damage",
    ]  # fmt: skip
    assert "name=y" in render(items[4]) and all(map(render, items))
