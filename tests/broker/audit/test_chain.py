"""Lines that hang together: whatever is removed, altered or moved is found, and nothing else is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.broker.audit.anchors import Head
from anabranch.broker.audit.chain import LINE_BYTES_MAX, Chain, walk
from anabranch.broker.audit.events import AuditEvent, Kind
from anabranch.broker.audit.verify import verify_files, verify_lines
from anabranch.log.audit_trail import Line, parse

TEXT = st.text(max_size=30)
EVENTS = st.builds(
    AuditEvent,
    st.sampled_from(list(Kind)),
    principal=TEXT,
    host=TEXT,
    resource=TEXT,
    reason=TEXT,
    details=st.dictionaries(TEXT, st.integers() | TEXT | st.lists(TEXT, max_size=3), max_size=3),
)


def chained(events: list[AuditEvent], name: str = "1-7") -> list[bytes]:
    chain = Chain(name)
    return [chain.line(event, 1_700_000_000_000 + n) for n, event in enumerate(events)]


def parsed(lines: list[bytes]) -> list[Line]:
    found = [parse(line.removesuffix(b"\n")) for line in lines]
    assert all(isinstance(one, Line) for one in found), found
    return found  # type: ignore[return-value]


def head(lines: list[bytes], name: str = "1-7", **change: object) -> dict[str, Head]:
    last = parsed(lines[-1:])[0]
    fields = {"chain": name, "broker_id": 1, "begun_ms": 0, "seq": last.seq, "hash": last.hash}
    return {name: Head(**(fields | {"closed": True} | change))}  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(st.lists(EVENTS, min_size=2, max_size=8), st.data())
def test_every_change_of_a_chain_is_found(events: list[AuditEvent], data: st.DataObject) -> None:
    lines = chained(events)
    anchored = {len(lines) - 1: parsed(lines)[-1].hash}
    assert walk(parsed(lines), "1-7", anchored) == []
    at = data.draw(st.integers(0, len(lines) - 1))
    how = data.draw(st.sampled_from(["remove", "alter", "swap", "cut", "forge"]))
    changed = list(lines)
    if how == "remove":
        del changed[at]
    elif how == "cut":
        changed = changed[:at]
    elif how == "swap":
        other = data.draw(st.integers(0, len(lines) - 1).filter(lambda n: n != at))
        changed[at], changed[other] = changed[other], changed[at]
    elif how == "forge":
        # Somebody who can compute hashes writes the line and all behind it anew.
        forged = [*events[:at], AuditEvent(Kind.ADMIN, reason="forged"), *events[at + 1 :]]
        changed = chained(forged)
        if changed == lines:
            return
    else:
        line = bytearray(changed[at])
        place = data.draw(st.integers(0, len(line) - 2))
        line[place] ^= data.draw(st.integers(1, 255))
        if b"\n" in line[:-1]:
            return
        assert isinstance(parse(bytes(line).removesuffix(b"\n")), str)
        return
    assert walk(parsed(changed), "1-7", anchored) != []


def test_a_line_that_names_very_many_things_is_cut_and_says_so() -> None:
    changes = [{"topic": "t" * 100, "partition": n} for n in range(5000)]
    (line,) = chained([AuditEvent(Kind.OFFSETS, details={"changes": changes, "more": "x"})])
    assert len(line) < LINE_BYTES_MAX
    (read,) = parsed([line])
    assert read.fields["details"]["cut"].endswith("bytes")
    assert 0 < len(read.fields["details"]["changes"]) < 5000


def write(directory: Path, lines: list[bytes], number: int = 1, chain: str = "1-7") -> Path:
    path = directory / f"audit-{chain}-{number:06d}.jsonl"
    path.write_bytes(b"".join(lines))
    return path


EVENT = AuditEvent(Kind.ADMIN, principal="User:a", resource="TOPIC:t")


def test_files_are_verified_across_their_borders(tmp_path: Path) -> None:
    lines = chained([EVENT] * 9)
    write(tmp_path, lines[:4], 1)
    second = write(tmp_path, lines[4:], 2)
    assert verify_files(tmp_path, head(lines)).whole
    assert verify_files(tmp_path, head(lines)).lines == 9
    # The first file went by retention, which the metastore knows.
    (tmp_path / "audit-1-7-000001.jsonl").unlink()
    assert not verify_files(tmp_path, head(lines)).whole
    assert verify_files(tmp_path, head(lines, first_seq=4)).whole
    # A line torn by a kill is no manipulation if the metastore knows of no more.
    second.write_bytes(b"".join(lines[4:8]) + lines[8][:30])
    torn = verify_files(tmp_path, head(lines[:8], first_seq=4, closed=False))
    assert torn.whole and any("cut short" in note for note in torn.notes)
    cut = verify_files(tmp_path, head(lines, first_seq=4))
    assert [finding.what for finding in cut.findings] == ["lines 8 to 8 are missing at the end"]
    # Altered in place.
    second.write_bytes(b"".join(lines[4:]).replace(b"User:a", b"User:b", 1))
    assert "it was altered" in str(verify_files(tmp_path, head(lines, first_seq=4)).findings)


def test_a_chain_of_which_everything_is_gone_is_missed(tmp_path: Path) -> None:
    from anabranch.broker.audit.log import where

    lines = chained([EVENT])
    gone = verify_files(tmp_path, head(lines, where=where(tmp_path)))
    assert [one.what for one in gone.findings] == ["no file of it is there"]
    assert verify_files(tmp_path, head(lines, where="elsewhere:/x")).whole
    unknown = write(tmp_path, lines)
    assert not verify_files(tmp_path, {}).whole
    unknown.write_bytes(b"")
    assert not verify_files(tmp_path, head(lines)).whole


def test_a_topic_holds_several_chains_and_may_hold_a_line_twice() -> None:
    first, second = chained([EVENT] * 3, "1-7"), chained([EVENT] * 3, "2-8")
    heads = head(first) | head(second, "2-8")
    mixed = [first[0], second[0], second[1], first[1], first[1], first[2], second[2]]
    assert verify_lines(parsed(mixed), heads).whole
    random.Random(1).shuffle(mixed)
    assert not verify_lines(parsed(mixed), heads).whole


@pytest.mark.parametrize(
    "bad", [b"", b"{}", b"\xff" * 100, b'{"hash":"x"}', b'x,"hash":"' + b"0" * 64 + b'"}']
)
def test_what_is_no_line_is_named(bad: bytes) -> None:
    assert isinstance(parse(bad), str)
