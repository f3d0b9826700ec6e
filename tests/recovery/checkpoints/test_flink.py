"""Flink's checkpoints, on files that Flink 1.15 to 2.2 wrote (``tests/testdata/checkpoints/make.py``)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import AnabranchError, Corrupt, UserFault
from anabranch.recovery.checkpoints import flink, flink_state
from anabranch.recovery.checkpoints.binary import Reader
from anabranch.recovery.checkpoints.flink_legacy import legacy_position
from anabranch.recovery.checkpoints.flink_metadata import Handle, ListState, OperatorStates, parse
from anabranch.recovery.checkpoints.model import Source
from anabranch.recovery.checkpoints.murmur3 import murmur3_128

from .support import TESTDATA, copied, nexts, truth

# (files, metadata version, whether uids are in them)
KEPT = [
    ("flink-v3", 3, False),
    ("flink-v4", 4, False),
    ("flink-v4-unaligned", 4, False),
    ("flink-v5", 5, True),
    ("flink-v6", 6, True),
    ("flink-v6-unaligned", 6, True),
    ("flink-v6-compressed", 6, True),
    ("flink-v6-merged", 6, True),
    ("flink-v6-rocksdb", 6, True),
    ("flink-v6-changelog", 6, True),
    ("flink-v6-savepoint", 6, True),
    ("flink-v6-native", 6, True),
]


def by_uid(sources: tuple[Source, ...], uid: str) -> Source:
    """Version 3 and 4 have no uids; the operator's id is the uid's hash in all of them."""
    (found,) = [one for one in sources if one.id == murmur3_128(uid.encode()).hex()]
    return found


@pytest.mark.parametrize(("name", "version", "uids"), KEPT)
def test_positions_are_those_that_the_job_told(name: str, version: int, uids: bool) -> None:
    read = flink.read(str(TESTDATA / name))
    told = truth(name)
    assert read.form.endswith(f"metadata version {version}")
    assert read.id == str(told["checkpoint"])
    orders = by_uid(read.sources, "orders")
    assert (orders.uid, orders.name) == (("orders", "Source: orders source") if uids else ("", ""))
    assert orders.kind == "KafkaSource" and not orders.problem
    # The third partition is empty: Flink has not begun to read it.
    assert nexts(orders) == {**told["next"]["orders"], f"{name}-orders 2": "earliest"}
    fresh = by_uid(read.sources, "fresh")
    assert nexts(fresh) == {f"{name}-fresh 0": "group-committed"}
    quiet = by_uid(read.sources, "quiet")
    assert nexts(quiet)[f"{name}-quiet 0"] in ("latest", 5)
    # The changelog of state was kept elsewhere and is not in the fixture.
    missing = ["2 of 2 state files are gone"] if name == "flink-v6-changelog" else []
    assert [sentence[:27] for sentence in read.damage] == missing


@pytest.mark.parametrize("name", [name for name, _, _ in KEPT])
def test_records_in_flight_are_seen_exactly_where_they_are(name: str) -> None:
    read = flink.read(str(TESTDATA / name))
    assert bool(read.beyond) == name.endswith("-unaligned") == read.form.startswith("unaligned")
    if read.beyond:
        assert {one.what for one in read.beyond} == {
            "records in its output channels",
            "records in its input channels",
        }
        assert all(one.bytes > 100 for one in read.beyond)


@pytest.mark.parametrize("name", [name for name, _, _ in KEPT])
def test_transactions_that_a_restore_commits_are_listed(name: str) -> None:
    read = flink.read(str(TESTDATA / name))
    committed = [one for one in read.transactions if one.commits]
    # One of each subtask of the sink that had records; a savepoint may come before the last commit.
    assert committed and len({one.transactional_id for one in committed}) == len(committed)
    assert all(one.transactional_id.startswith(f"{name}-") for one in committed)
    assert all(one.producer_id >= 0 and one.producer_epoch >= 0 for one in committed)


def test_the_consumer_before_kafka_source_keeps_the_last_processed() -> None:
    (source,) = flink.read(str(TESTDATA / "flink-v4-legacy")).sources
    assert source.kind == "FlinkKafkaConsumer"
    assert nexts(source) == truth("flink-v4-legacy")["next"]["legacy"]
    assert all(one.stored + 1 == one.next for one in source.positions)


def test_the_newest_complete_checkpoint_of_a_job_is_found(tmp_path: Path) -> None:
    for number in (9, 10):
        copied("flink-v6", tmp_path / f"{number}").rename(tmp_path / f"chk-{number}")
    (tmp_path / "chk-11").mkdir()  # under way
    assert flink.find(str(tmp_path)).location == str(tmp_path / "chk-10")
    for named in ("chk-10", "chk-10/_metadata"):
        assert flink.read(str(tmp_path / named)).location == str(tmp_path / "chk-10" / "_metadata")
    assert flink.read((tmp_path / "chk-9").as_uri()).location == str(
        tmp_path / "chk-9" / "_metadata"
    )


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("nowhere", "no Flink checkpoint at .*nowhere: no such directory"),
        ("", "no Flink checkpoint at .*: it holds other.txt"),
        ("hdfs://namenode/ckpt", "is read from a directory"),
        ("s3://", "names no bucket"),
        ("file://elsewhere/ckpt", "another machine"),
    ],
)
def test_what_is_no_checkpoint_is_said(tmp_path: Path, location: str, sentence: str) -> None:
    (tmp_path / "other.txt").touch()
    with pytest.raises(UserFault, match=sentence):
        flink.read(location if "://" in location else str(tmp_path / location))


def test_a_missing_state_file_is_named(tmp_path: Path) -> None:
    home = copied("flink-v6", tmp_path)
    files = sorted(file for file in home.iterdir() if file.name not in ("_metadata", "truth.json"))
    assert len(files) > 10
    for file in files:
        kept = file.read_bytes()
        file.unlink()
        (damage,) = flink.read(str(home)).damage
        assert file.name in damage and f"1 of {len(files)} state files are gone" in damage
        file.write_bytes(kept[:-1])
        (damage,) = flink.read(str(home)).damage
        assert f"{file.name} (cut short)" in damage
        file.write_bytes(kept)
    assert not flink.read(str(home)).damage


def test_a_source_whose_state_is_gone_says_so(tmp_path: Path) -> None:
    home = copied("flink-v6", tmp_path)
    for file in home.iterdir():
        if file.name != "_metadata":
            file.unlink()
    read = flink.read(str(home))
    assert len(read.sources) == 3
    assert all("state file" in one.problem and not one.positions for one in read.sources)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("flink-v3", 1),
        ("flink-v6-savepoint", 3),
        ("flink-v4-unaligned", 7),
        ("flink-v6-unaligned", 7),
    ],
)
def test_cut_short_anywhere_it_is_refused(name: str, step: int) -> None:
    data = (TESTDATA / name / "_metadata").read_bytes()
    assert parse(data, "m")
    for length in range(0, len(data), step):
        with pytest.raises((Corrupt, UserFault), match=r"m: byte|m is"):
            parse(data[:length], "m")
    with pytest.raises(Corrupt, match="1 bytes too many"):
        parse(data + b"\0", "m")


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_changed_bytes_are_read_or_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["flink-v3", "flink-v4-legacy", "flink-v6-unaligned"]))
    changed = bytearray((TESTDATA / name / "_metadata").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(8, len(changed) - 1))
        changed[place] = data.draw(st.integers(0, 255))
    try:
        parse(bytes(changed), "m")
    except (Corrupt, UserFault):
        pass


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([3, 4, 5, 6]), st.binary(max_size=200))
def test_random_bytes_are_refused(version: int, noise: bytes) -> None:
    head = (0x4960672D).to_bytes(4, "big") + version.to_bytes(4, "big")
    try:
        parse(head + noise, "m")
    except (Corrupt, UserFault):
        pass


def test_announced_sizes_do_not_reserve_memory() -> None:
    # Two thousand million operators, subtasks, offsets …: refused by what is left in the file.
    head = (0x4960672D).to_bytes(4, "big") + (6).to_bytes(4, "big") + bytes(8)
    with pytest.raises(Corrupt, match="byte 16: 2,147,483,647 entries cannot be in 4 bytes"):
        parse(head + b"\x7f\xff\xff\xff" + bytes(4), "m")


def test_handles_nested_too_deeply_are_refused() -> None:
    changelog = b"\x0e" + bytes(16) + b"\0\0\0\x01"
    operator = b"\0\0\0\0" + bytes(16) + bytes(8) + b"\0" + b"\0\0\0\x01"
    subtask = bytes(4) + bytes(8) + changelog * 50
    head = (0x4960672D).to_bytes(4, "big") + (6).to_bytes(4, "big") + bytes(12)
    with pytest.raises(Corrupt, match="nested too deeply"):
        parse(head + b"\0\0\0\x01" + operator + subtask + bytes(60), "m")


def entry(*parts: bytes) -> Reader:
    return Reader(b"".join(parts), "e")


def utf(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def split_bytes(topic: str, partition: int, start: int, stop: int = -(1 << 63)) -> bytes:
    numbers = start.to_bytes(8, "big", signed=True) + stop.to_bytes(8, "big", signed=True)
    return utf(topic) + partition.to_bytes(4, "big") + numbers


@given(
    st.text("abc-._", min_size=1, max_size=249),
    st.integers(0, 10_000),
    st.integers(-3, (1 << 62)),
    st.one_of(st.just(-(1 << 63)), st.integers(0, 1 << 62)),
)
def test_splits_are_read_back(topic: str, partition: int, start: int, stop: int) -> None:
    data = split_bytes(topic, partition, start, stop)
    inner = bytes(4) + len(data).to_bytes(4, "big") + data
    whole = len(inner).to_bytes(4, "big") + inner
    version, thing = flink_state.versioned(entry(whole))
    read = flink_state.split(version, thing)
    assert read == (topic, partition, start, None if stop < 0 else stop)
    for length in range(len(whole)):
        with pytest.raises(Corrupt, match="e: byte"):
            flink_state.split(*flink_state.versioned(entry(whole[:length])))


def test_enumerators_of_every_version() -> None:
    def coordinator(version: int, state: bytes, serde: int = 1) -> bytes:
        sizes = (serde, version, len(state))
        return b"".join(number.to_bytes(4, "big") for number in sizes) + state

    two = (2).to_bytes(4, "big")
    old = utf("a") + bytes(4)
    v1 = flink_state.discovered(coordinator(1, two + old + utf("b") + bytes(4)), "c")
    assert v1 == [("a", 0, True, None), ("b", 0, True, None)]
    waiting = (1).to_bytes(4, "big")
    v2 = flink_state.discovered(
        coordinator(2, two + old + bytes(4) + utf("b") + bytes(4) + waiting + b"\1"), "c"
    )
    assert v2 == [("a", 0, True, None), ("b", 0, False, None)]
    one = split_bytes("a", 7, 42)
    v3 = flink_state.discovered(
        coordinator(3, waiting + bytes(4) + len(one).to_bytes(4, "big") + one + waiting + b"\1"),
        "c",
    )
    assert v3 == [("a", 7, False, 42)]
    with pytest.raises(Corrupt, match="version 9"):
        flink_state.discovered(coordinator(9, b""), "c")


def test_entries_must_lie_within_their_state() -> None:
    def read(data: bytes, *offsets: int) -> list[bytes]:
        states = OperatorStates((ListState("s", 0, offsets),), Handle(len(data), data))

        def fetch(handle: Handle, start: int, length: int) -> bytes:
            return data[start : start + length]

        return [
            bytes(each.take(each.remaining))
            for each in flink_state.entries(states, "s", fetch, "w")
        ]

    head = b"\0\0\0\x06\0"
    assert read(head + b"abcdef", 5, 8) == [b"abc", b"def"]
    for offsets in ((5, 12), (-1, 5), (11,)):
        with pytest.raises(Corrupt, match="w: "):
            read(head + b"abcdef", *offsets)
    with pytest.raises(Corrupt, match="operator state of version 99"):
        read(b"\0\0\0\x63" + head, 5)
    with pytest.raises(Corrupt, match="not snappy"):
        read(b"\0\0\0\x06\x01" + b"abcdef", 5)


@given(st.binary(max_size=60))
def test_legacy_positions_are_read_or_refused(noise: bytes) -> None:
    try:
        legacy_position(entry(noise))
    except Corrupt:
        pass


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([0, 1, 2, 3]), st.binary(max_size=80))
def test_states_of_connectors_are_read_or_refused(version: int, noise: bytes) -> None:
    collector = (0xB91F252C).to_bytes(4, "big") + noise
    coordinator = (1).to_bytes(4, "big") + versioned_bytes(noise, version)
    for read in (
        lambda: flink_state.discovered(noise, "e"),
        lambda: flink_state.discovered(coordinator, "e"),
        lambda: flink_state.committables(2, entry(collector)),
        lambda: flink_state.committables(version, entry(noise)),
        lambda: flink_state.writer_transactions(version, entry(noise)),
        lambda: flink_state.split(0, entry(noise)),
    ):
        try:
            read()
        except Corrupt as error:
            assert str(error).startswith("e: byte")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40), st.lists(st.integers(-2, 50), max_size=4), st.integers(0, 60))
def test_entries_are_read_or_refused(noise: bytes, offsets: list[int], size: int) -> None:
    states = OperatorStates((ListState("s", 0, tuple(offsets)),), Handle(size, noise))

    def fetch(handle: Handle, start: int, length: int) -> bytes:
        if start < 0 or start + length > len(noise):
            raise Corrupt("e: byte 0: not there")
        return noise[start : start + length]

    try:
        for each in flink_state.entries(states, "s", fetch, "e"):
            flink_state.split(*flink_state.versioned(each))
    except Corrupt:
        pass


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x00\x01a", "a"),
        (b"\x00\x02\xc0\x80", "\0"),
        (b"\x00\x06\xed\xa0\xbd\xed\xb8\x80", "\N{GRINNING FACE}"),
        (b"\x00\x04\xf0\x9f\x98\x80", None),  # four bytes: UTF-8, not Java's
        (b"\x00\x03\xed\xa0\xbd", None),  # half a pair
        (b"\x00\x01\xff", None),
        (b"\x00\x02a", None),
    ],
)
def test_modified_utf8(data: bytes, text: str | None) -> None:
    if text is None:
        with pytest.raises(Corrupt):
            entry(data).utf()
    else:
        assert entry(data).utf() == text


def test_operator_ids_are_murmur3_of_uids() -> None:
    # The reference values of the algorithm's author for seed 0, and a name over sixteen bytes.
    assert murmur3_128(b"") == bytes(16)
    assert murmur3_128(b"hello").hex() == "029bbd41b3a7d8cb191dae486a901e5b"
    assert murmur3_128(b"Sink Committer: sink").hex()[:8] == "5abb6f10"


def test_every_error_is_one_of_ours() -> None:
    assert issubclass(Corrupt, AnabranchError) and issubclass(UserFault, AnabranchError)


def number(value: int, size: int = 4) -> bytes:
    return value.to_bytes(size, "big", signed=True)


def inlined(data: bytes) -> bytes:
    return b"\1" + utf("") + number(len(data)) + data


def operator_bytes(coordinator: bytes | None, state: str, entries: list[bytes], uid: str) -> bytes:
    """An operator of metadata version 3 with one subtask."""
    head, offsets, body = b"\0\0\0\x06\0", [], b""
    for each in entries:
        offsets.append(len(head + body))
        body += number(len(each)) + each
    listed = utf(state) + b"\0" + number(len(offsets)) + b"".join(number(o, 8) for o in offsets)
    managed = b"\x04" + number(1) + listed + inlined(head + body)
    subtask = number(0) + number(1) + managed + number(0) + b"\0\0" + number(0) + number(0)
    where = b"\0" if coordinator is None else inlined(coordinator)
    return murmur3_128(uid.encode()) + number(1) + number(128) + where + number(1) + subtask


def written(tmp_path: Path, *operators: bytes) -> str:
    head = number(0x4960672D) + number(3) + number(9, 8) + number(0) + number(len(operators))
    (tmp_path / "_metadata").write_bytes(head + b"".join(operators))
    return str(tmp_path)


def versioned_bytes(thing: bytes, version: int = 0) -> bytes:
    return number(version) + number(len(thing)) + thing


def test_partitions_that_no_reader_holds_come_from_the_enumerator(tmp_path: Path) -> None:
    splits = [
        (split_bytes("a", 0, 40), 0),  # assigned, and held: the reader knows better
        (split_bytes("a", 1, 17), 1),  # not assigned yet
        (split_bytes("a", 2, -2), 1),
        (split_bytes("a", 3, 5), 0),  # assigned, and held by nobody
    ]
    listed = b"".join(number(len(data)) + data + number(status) for data, status in splits)
    state = number(len(splits)) + number(0) + listed + b"\1"
    coordinator = number(1) + number(3) + number(len(state)) + state
    held = versioned_bytes(split_bytes("a", 0, 42))
    (source,) = flink.read(
        written(tmp_path, operator_bytes(coordinator, "SourceReaderState", [held], "s"))
    ).sources
    assert nexts(source) == {"a 0": 42, "a 1": 17, "a 2": "earliest", "a 3": "undecided"}
    assert source.positions[3].place == "enumerator: assigned, held by no reader"


def test_sources_of_others_are_listed_with_a_reason(tmp_path: Path) -> None:
    file_split = versioned_bytes(b"\xbe\xefsome file split", version=1)
    strange = operator_bytes(None, "SourceReaderState", [file_split], "files")
    twice = [versioned_bytes(split_bytes("a", 0, offset)) for offset in (1, 2)]
    double = operator_bytes(None, "SourceReaderState", twice, "double")
    files, doubled = flink.read(written(tmp_path, strange, double)).sources
    assert "not one of KafkaSource" in files.problem and not files.positions
    assert "a second position of a:0" in doubled.problem


def test_records_that_wait_for_an_answer_are_in_flight(tmp_path: Path) -> None:
    waiting = operator_bytes(None, "_async_wait_operator_state_", [b"r1", b"r2"], "ask")
    (flight,) = flink.read(written(tmp_path, waiting)).in_flight
    assert flight.beyond and flight.what == "2 records that wait for an answer"


def test_a_finished_operator_is_said(tmp_path: Path) -> None:
    finished = murmur3_128(b"done") + number(1) + number(128) + b"\0" + number(-1)
    (note,) = flink.read(written(tmp_path, finished)).notes
    assert "has finished" in note


def test_sinks_that_are_not_kafkas_do_not_spoil_positions(tmp_path: Path) -> None:
    sink = operator_bytes(
        None, "streaming_committer_raw_states", [versioned_bytes(b"x", 2)], "sink"
    )
    held = operator_bytes(None, "SourceReaderState", [versioned_bytes(split_bytes("a", 0, 1))], "s")
    read = flink.read(written(tmp_path, sink, held))
    assert nexts(read.sources[0]) == {"a 0": 1} and not read.transactions
    assert "is not one of KafkaSink" in read.notes[0]
