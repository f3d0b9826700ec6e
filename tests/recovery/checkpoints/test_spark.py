"""Spark's checkpoint directories, on what Spark 4.2 wrote in both versions of its offset log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anabranch.errors import Corrupt, UserFault
from anabranch.recovery.checkpoints import spark

from .support import TESTDATA, all_nexts, copied, nexts, truth


@pytest.mark.parametrize("form", [1, 2])
def test_positions_are_where_the_last_committed_batch_ended(form: int) -> None:
    name = f"spark-v{form}"
    read, told = spark.read(str(TESTDATA / name)), truth(name)
    assert read.id == f"batch {told['batch']}"
    assert read.form.endswith(f"offset log version {form}") and read.form.startswith("query ")
    assert all_nexts(read) == told["next"]
    assert [source.label for source in read.sources] == (
        ["0", "1"] if form == 1 else ["spark_v2_a_spark_v2_b", "spark_v2_c"]
    )
    (flight,) = read.in_flight
    again = sum(told["uncommitted"].values()) - sum(told["next"].values())
    assert flight.where == "batch 2" and f"{again} records" in flight.what
    assert not read.beyond, "the batch that is run again reads the same range"
    assert read.location.endswith("/offsets/1")


@pytest.mark.parametrize("form", [1, 2])
def test_before_the_first_commit_it_starts_where_sources_were_found(
    form: int, tmp_path: Path
) -> None:
    home = copied(f"spark-v{form}", tmp_path)
    for file in (home / "commits").iterdir():
        file.unlink()
    read = spark.read(str(home))
    assert read.id == "before batch 0"
    assert set(all_nexts(read).values()) == {0} and len(all_nexts(read)) == 4
    assert [one.where for one in read.in_flight] == ["batch 0", "batch 1", "batch 2"]


def write(home: Path, *lines: str, version: str = "v1", commit: bool = True) -> Path:
    for name in ("offsets", "commits"):
        (home / name).mkdir(exist_ok=True)
    (home / "offsets" / "0").write_text("\n".join([version, "{}", *lines]))
    if commit:
        (home / "commits" / "0").write_text("v1\n{}")
    return home


def test_sources_beside_kafka_are_named_and_markers_kept(tmp_path: Path) -> None:
    lines = ('{"logOffset":3}', "-", '{"t":{"0":-1,"1":-2,"2":7}}', "{}", "12")
    read = spark.read(str(write(tmp_path, *lines)))
    files, none, kafka, empty, rate = read.sources
    assert nexts(kafka) == {"t 0": "latest", "t 1": "earliest", "t 2": 7}
    assert "not offsets of Kafka" in files.problem and "not offsets of Kafka" in rate.problem
    assert none.problem == "it has no offsets yet" and "no offset" in empty.problem


@pytest.mark.parametrize(
    ("version", "lines", "error", "sentence"),
    [
        ("v3", ("{}",), UserFault, "version 3; versions 1 and 2"),
        ("x", ("{}",), Corrupt, "offsets/0: line 1: no version"),
        ("v1", (), Corrupt, "ends after line 2"),
        ("v1", ("{",), Corrupt, "offsets/0: line 3: not JSON"),
        ("v1", ('{"t":{"0":-9}}',), Corrupt, "t:0: -9 is neither an offset nor a marker"),
        ("v1", ("[" * 5000,), Corrupt, "not JSON"),
        ("v2", ("{}",), Corrupt, "line 3: not a source's id"),
        ("v2", ("a:{}", "a:{}"), Corrupt, "line 4: not a source's id"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    tmp_path: Path, version: str, lines: tuple[str, ...], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        spark.read(str(write(tmp_path, *lines, version=version)))


def test_a_committed_batch_without_offsets_is_damage(tmp_path: Path) -> None:
    home = copied("spark-v1", tmp_path)
    (home / "offsets" / "1").unlink()
    with pytest.raises(Corrupt, match="batch 1 is committed, and its offsets/1 is gone"):
        spark.read(str(home))
    with pytest.raises(UserFault, match="not the checkpoint directory of a Spark query"):
        spark.read(str(tmp_path))


def test_cut_short_anywhere_it_is_refused_or_says_what_is_missing(tmp_path: Path) -> None:
    home = copied("spark-v1", tmp_path)
    file = home / "offsets" / "1"
    first, _, *rest = file.read_bytes().split(b"\n")
    data = b"\n".join((first, b"{}", *rest))
    # A line that ends early is not JSON; what is cut at a line's end lacks a source, which Spark would
    # notice by the number of its sources. So do we only where none is left.
    whole = len(spark.read(str(home)).sources)
    for length in range(len(data)):
        file.write_bytes(data[:length])
        try:
            read = spark.read(str(home))
        except (Corrupt, UserFault):
            continue
        assert len(read.sources) < whole or data[length:] == b"\n"


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(noise=st.binary(max_size=80))
def test_noise_is_read_or_refused(tmp_path: Path, noise: bytes) -> None:
    write(tmp_path, json.dumps({"t": {"0": 1}}))
    (tmp_path / "offsets" / "0").write_bytes(b"v1\n{}\n" + noise)
    try:
        spark.read(str(tmp_path))
    except (Corrupt, UserFault):
        pass
