"""What is particular to Delta tables: other writers, versions, batches that begin again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

pytest.importorskip("deltalake")

from deltalake import DeltaTable, write_deltalake

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.sinks import delta as delta_module
from anabranch.recovery.sinks.delta import DeltaSink
from anabranch.recovery.sinks.locations import open_lines

from .kinds import SOURCES, Delta, apply, at_rest


@pytest.fixture
def kind(tmp_path: Path) -> Delta:
    return Delta(f"delta:{tmp_path}/table")


def test_others_who_write_and_tidy_the_table_disturb_nobody(kind: Delta, tmp_path: Path) -> None:
    sink = kind.open()
    apply(kind, sink, [0, 1])
    apply(kind, sink, [2])
    table = DeltaTable(f"{tmp_path}/table")
    table.optimize.compact()
    assert apply(kind, sink, [2, 3]) == 1  # its version was taken: looked again, and committed
    by_hand = pa.table({"partition": pa.array([7], pa.int32()), "at": pa.array([7], pa.int64())})
    write_deltalake(f"{tmp_path}/table", by_hand, mode="append")
    DeltaTable(f"{tmp_path}/table").create_checkpoint()
    assert apply(kind, kind.open(), [3, 4]) == 1
    assert kind.effects() == [*((0, n) for n in range(5)), (7, 7)]
    (row,) = at_rest(kind).offsets()
    assert (row.next_offset, row.applied, row.suppressed) == (5, 5, 2)


def test_offsets_outlive_what_commits_say_of_themselves(kind: Delta, tmp_path: Path) -> None:
    """Cleaning removes old commits; the transactions in the checkpoint remain."""
    apply(kind, kind.open(), [0, 1, 2])
    by_hand = pa.table({"partition": pa.array([7], pa.int32()), "at": pa.array([7], pa.int64())})
    write_deltalake(f"{tmp_path}/table", by_hand, mode="append")
    DeltaTable(f"{tmp_path}/table").create_checkpoint()
    for path in sorted((tmp_path / "table" / "_delta_log").glob("*.json"))[:-1]:
        path.unlink()
    sink = kind.open()
    assert sink.position("flights", 0) == 3
    assert apply(kind, sink, [1, 2, 3]) == 1 and len(kind.effects()) == 5


def test_a_commit_whose_answer_was_lost_is_looked_up(
    kind: Delta, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = delta_module.write_deltalake
    for happened in (True, False):
        sink = kind.open()
        start = sink.position("flights", 0) or 0

        def lost(*arguments: Any, happened: bool = happened, **options: Any) -> None:
            monkeypatch.setattr(delta_module, "write_deltalake", write)
            if happened:
                write(DeltaTable(arguments[0].table_uri), *arguments[1:], **options)
            raise OSError("timeout")

        monkeypatch.setattr(delta_module, "write_deltalake", lost)
        with pytest.raises(StoreFault, match="timeout"):
            apply(kind, sink, [start, start + 1])
        assert apply(kind, sink, [start, start + 1]) == (0 if happened else 2)
    assert kind.effects() == [(0, n) for n in range(4)]


def test_a_staging_line_begins_with_the_version_of_its_checkpoint(
    kind: Delta, tmp_path: Path
) -> None:
    sink = kind.open()
    apply(kind, sink, list(range(5)))
    rest = at_rest(kind)
    rest.take_checkpoint(tmp_path / "c")
    apply(kind, sink, list(range(5, 8)))
    assert [row.next_offset for row in rest.checkpoint_offsets(tmp_path / "c")] == [5]
    staged = rest.stage("r1", tmp_path / "c", 1)
    assert [(row.next_offset, row.applied) for row in staged] == [(5, 0)]
    assert apply(kind, kind.open(line="r1"), [4, 5]) == 1
    assert len(kind.effects("r1")) == 6 and len(kind.effects()) == 8
    with pytest.raises(UserFault, match="is gone"):
        rest.stage("r2", tmp_path / "nothing", 1)
    (tmp_path / "other").write_text("{}")
    with pytest.raises(UserFault, match="is no checkpoint"):
        rest.stage("r2", tmp_path / "other", 1)


def test_a_partition_that_only_the_former_line_knew_is_new_after_a_promotion(kind: Delta) -> None:
    live = kind.open()
    apply(kind, live, [0, 1])
    apply(kind, live, [0, 1], partition=1)
    apply(kind, kind.open(line="r1"), [0])
    rest = at_rest(kind)
    rest.promote("r1", 1)
    assert [(row.partition, row.next_offset) for row in rest.offsets()] == [(0, 1)]
    assert apply(kind, kind.open(), [0, 1], partition=1) == 2
    rest.undo("r1", 2)
    assert [(row.partition, row.next_offset) for row in rest.offsets()] == [(0, 2), (1, 2)]


def test_what_is_wrong_is_said_in_a_sentence(kind: Delta, tmp_path: Path) -> None:
    for location, sentence in (
        (kind.location, "there is no Delta table"),
        ("delta:gs://x/y", "is at a path"),
        ("delta:s3://x/y?region=z", "is not understood"),
    ):
        with pytest.raises(UserFault, match=sentence):
            open_lines(location)
    sink = kind.open()
    with pytest.raises(UserFault, match="other columns"):
        DeltaSink.open(f"{tmp_path}/table", pa.schema([("x", pa.int32())]), SOURCES)
    with pytest.raises(UserFault, match="does not fit"), sink.transaction() as tx:
        tx.fresh("flights", 0, 0)
        tx.write({"partition": "x", "at": 0})
