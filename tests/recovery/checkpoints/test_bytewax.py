"""Bytewax's recovery stores, on what Bytewax 0.21 wrote; and pickles, which may hold anything."""

from __future__ import annotations

import os
import pickle
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import Corrupt, UserFault
from anabranch.recovery.checkpoints import bytewax
from anabranch.recovery.checkpoints.plain_pickle import loads

from .support import all_nexts, copied, truth


def sql(home: Path, part: int, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(home / f"part-{part}.sqlite3")) as connection, connection:
        connection.execute(statement, values)


def test_positions_are_those_that_bytewax_went_on_from(tmp_path: Path) -> None:
    read = bytewax.read(str(copied("bytewax", tmp_path)))
    assert all_nexts(read) == truth("bytewax")["next"]
    # A stateful step whose keys and states look like positions is not taken for an input.
    assert [source.id for source in read.sources] == [
        "job.orders.kafka_input",
        "job.refunds.kafka_input",
    ]
    assert not read.damage and read.moves


def test_snapshots_from_the_resume_epoch_on_do_not_count(tmp_path: Path) -> None:
    home = copied("bytewax", tmp_path)
    expected = all_nexts(bytewax.read(str(home)))
    insert = "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?, ?, ?)"
    key = ("job.orders.kafka_input", "0-bytewax-a")
    sql(home, 0, insert, *key, 8, pickle.dumps(99))
    assert all_nexts(bytewax.read(str(home))) == expected
    sql(home, 1, "UPDATE fronts SET worker_frontier = 9")
    assert all_nexts(bytewax.read(str(home))) == {**expected, "bytewax-a 0": 99}
    # A new execution that reached nothing yet resumes where it began.
    sql(home, 0, "INSERT INTO exs (ex_num, worker_count, resume_epoch) VALUES (1, 1, 8)")
    assert all_nexts(bytewax.read(str(home))) == expected


def test_a_store_that_is_written_to_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copied("bytewax", tmp_path)
    honest, epochs = bytewax._read_part, [9, 10, 11]

    def read_part(file: Path) -> Any:
        found = honest(file)
        if file.name == "part-0.sqlite3" and epochs:
            # Both parts move on after the first was read.
            epoch = epochs.pop(0)
            for part in (0, 1):
                sql(home, part, "UPDATE snaps SET ser_change = ?, snap_epoch = ?",
                    pickle.dumps(epoch * 10), epoch - 1)  # fmt: skip
            sql(home, 1, "UPDATE fronts SET worker_frontier = ?", epoch)
        return found

    monkeypatch.setattr(bytewax, "_read_part", read_part)
    read = bytewax.read(str(home))
    assert set(all_nexts(read).values()) == {110}, "all parts are of one epoch"
    assert read.id.endswith("epoch 11")
    epochs.extend(range(12, 99))
    with pytest.raises(UserFault, match="moved on 20 times"):
        bytewax.read(str(home))


def test_a_partition_of_which_nothing_was_read_stands_at_a_marker(tmp_path: Path) -> None:
    home = copied("bytewax", tmp_path)
    sql(home, 0, "UPDATE snaps SET ser_change = ?", pickle.dumps(-2))
    assert all_nexts(bytewax.read(str(home)))["bytewax-a 1"] == "earliest"


def test_a_copy_has_the_digest_of_what_was_copied(tmp_path: Path) -> None:
    home = copied("bytewax", tmp_path)
    before = bytewax.read(str(home)).sha256
    bytewax.copy(str(home), tmp_path / "copy")
    copy = bytewax.read(str(tmp_path / "copy"))
    assert (copy.sha256, all_nexts(copy)) == (before, all_nexts(bytewax.read(str(home))))
    sql(home, 1, "UPDATE fronts SET worker_frontier = 9")
    assert bytewax.read(str(home)).sha256 != before


def test_a_directory_that_may_not_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copied("bytewax", tmp_path)
    before = {file.name: file.read_bytes() for file in home.iterdir()}
    monkeypatch.setattr(bytewax.os, "access", lambda *_: False)  # root may write anywhere
    assert all_nexts(bytewax.read(str(home))) == truth("bytewax")["next"]
    assert {file.name: file.read_bytes() for file in home.iterdir()} == before


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match=r"no part-N\.sqlite3"):
        bytewax.read(str(tmp_path))
    with pytest.raises(UserFault, match="directory of this machine"):
        bytewax.read("s3://bucket/store")
    home = copied("bytewax", tmp_path)
    sql(home, 1, "UPDATE commits SET commit_epoch = 12")
    assert "past the epoch 8" in bytewax.read(str(home)).damage[0]
    sql(home, 1, "DELETE FROM exs")
    with pytest.raises(UserFault, match="no dataflow ever ran"):
        bytewax.read(str(home))
    (home / "part-1.sqlite3").unlink()
    with pytest.raises(Corrupt, match="not all of one store"):
        bytewax.read(str(home))
    (home / "part-0.sqlite3").write_bytes(b"not a database at all, not even nearly" * 100)
    with pytest.raises(Corrupt, match=r"part-0\.sqlite3 is not a part"):
        bytewax.read(str(home))


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (os.system, ("touch /tmp/anabranch-was-here",))


def test_a_pickle_that_would_run_something_is_not_opened(tmp_path: Path) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(
            Corrupt, match=r"w: byte \d+: .* in a pickle, which plain values do not"
        ):
            loads(pickle.dumps(Evil(), protocol), "w")
    home = copied("bytewax", tmp_path)
    sql(home, 0, "UPDATE snaps SET ser_change = ?", pickle.dumps(Evil()))
    with pytest.raises(Corrupt, match=r"job.orders.kafka_input 1-bytewax-a: byte \d+"):
        bytewax.read(str(home))
    assert not Path("/tmp/anabranch-was-here").exists()


@pytest.mark.parametrize("state", [None, "text", -7, 1.5, [1], True])
def test_a_state_that_is_no_offset_is_a_problem_of_its_source(tmp_path: Path, state: Any) -> None:
    home = copied("bytewax", tmp_path)
    sql(home, 0, "UPDATE snaps SET ser_change = ?", pickle.dumps(state))
    orders, refunds = bytewax.read(str(home)).sources
    assert orders.problem and not orders.positions
    assert refunds.positions and not refunds.problem


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
        | st.tuples(inner, inner)
        | st.tuples(inner)
        | st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=12,
)


@given(plain, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_values_come_back(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    assert loads(data, "w") == value
    for length in range(len(data)):
        with pytest.raises(Corrupt, match="w: byte"):
            loads(data[:length], "w")


@settings(max_examples=500)
@given(st.binary(max_size=60))
def test_noise_is_read_or_refused(noise: bytes) -> None:
    for data in (noise, noise + b".", b"\x80\x04" + noise + b"."):
        try:
            loads(data, "w")
        except Corrupt:
            pass
