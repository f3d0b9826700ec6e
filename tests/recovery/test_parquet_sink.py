"""What is particular to files: names that follow from content, leftovers, commits whose answer was lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import Corrupt, StoreFault, UserFault
from anabranch.recovery.sinks import objects_manifest
from anabranch.recovery.sinks.common import Fenced
from anabranch.recovery.sinks.locations import open_lines
from anabranch.recovery.sinks.objects import ParquetSink
from anabranch.recovery.sinks.objects_lines import ParquetLines
from tests.support.s3 import S3Place

from .kinds import SOURCES, Parquet, apply, at_rest


@pytest.fixture
def kind(tmp_path: Path) -> Parquet:
    return Parquet(f"parquet:{tmp_path}/table")


def objects(tmp_path: Path) -> dict[str, bytes]:
    root = tmp_path / "table"
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.parquet"))
    }


class Stop(Exception):
    pass


def dies_before_commit(kind: Parquet, sink: Any, offsets: list[int]) -> None:
    """As a crash: objects written, no commit."""

    def die() -> None:
        raise Stop

    kind.plant(sink, die)
    with pytest.raises(Stop):
        apply(kind, sink, offsets)


def test_a_rewrite_is_the_same_file(kind: Parquet, tmp_path: Path) -> None:
    dies_before_commit(kind, kind.open(), [0, 1, 2])
    (name, content), *others = objects(tmp_path).items()
    assert not others and name.endswith("/cluster.topic-id/00000/" + f"{0:020d}-{2:020d}.parquet")
    assert kind.effects() == []
    assert apply(kind, kind.open(), [0, 1, 2]) == 3
    assert objects(tmp_path) == {name: content}
    assert kind.effects() == [(0, 0), (0, 1), (0, 2)]


def test_leftovers_of_another_batch_are_removed_before_the_next(
    kind: Parquet, tmp_path: Path
) -> None:
    apply(kind, kind.open(), [0, 1])
    dies_before_commit(kind, kind.open(), [2, 3, 4, 5])
    assert len(objects(tmp_path)) == 2
    sink = kind.open()
    apply(kind, sink, [2, 3])
    apply(kind, sink, [4, 5])
    assert len(objects(tmp_path)) == 3 and len(kind.effects()) == 6  # also for who lists files


def test_a_fenced_writer_cannot_replace_what_was_committed(kind: Parquet, tmp_path: Path) -> None:
    old = kind.open()
    new = kind.open()
    assert apply(kind, new, [0, 1]) == 2
    committed = objects(tmp_path)
    with pytest.raises(Fenced), old.transaction() as tx:
        for offset in (0, 1):
            assert tx.fresh("flights", 0, offset)
            tx.write("seen", "flights", 0, offset, {"partition": 0, "at": 77})
    assert committed.items() <= objects(tmp_path).items()
    assert kind.effects() == [(0, 0), (0, 1)]
    assert new.sweep() == 1 and objects(tmp_path) == committed


def test_a_fenced_writer_cannot_delete_what_was_committed(kind: Parquet, tmp_path: Path) -> None:
    apply(kind, kind.open(), [0, 1])
    old, new = kind.open(), kind.open()
    apply(kind, new, [2])
    committed = objects(tmp_path)
    with pytest.raises(Fenced):
        apply(kind, old, [2, 3])  # takes its successor's object for a leftover
    assert objects(tmp_path) == committed and len(kind.effects()) == 3


def test_nobody_uses_a_name_that_somebody_may_be_about_to_delete(
    kind: Parquet, tmp_path: Path
) -> None:
    dies_before_commit(kind, kind.open(), [0, 1, 2])
    slow = kind.open()
    store, deleted, commits = slow._manifest.store, [], []
    put = store.put
    store.delete = deleted.append  # it says what it will delete, and is paused

    def put_or_die(key: str, *arguments: Any, **options: Any) -> int:
        commits.extend([key] if "/commits/" in key else [])
        if len(commits) == 2:
            raise Stop
        return int(put(key, *arguments, **options))

    store.put = put_or_die
    with pytest.raises(Stop):
        apply(kind, slow, [0, 1])
    assert len(deleted) == 1 and len(objects(tmp_path)) == 2
    new = kind.open()
    assert apply(kind, new, [0, 1, 2]) == 3  # the same bytes as those that will be deleted
    (tmp_path / "table" / deleted[0]).unlink()
    assert len(kind.effects()) == 3
    new.sweep()
    assert len(objects(tmp_path)) == 1 and len(kind.effects()) == 3


def test_a_commit_whose_answer_was_lost_is_looked_up(kind: Parquet) -> None:
    for happened in (True, False):
        sink = kind.open()
        start = sink.position("flights", 0) or 0
        store = sink._manifest.store
        put = store.put

        def lost(key: str, *arguments: Any, happened: bool = happened, **options: Any) -> int:
            if "/commits/" not in key:
                return int(put(key, *arguments, **options))  # noqa: B023
            store.put = put  # noqa: B023
            if happened:
                put(key, *arguments, **options)  # noqa: B023
            raise StoreFault("timeout")

        store.put = lost
        with pytest.raises(StoreFault, match="timeout"):
            apply(kind, sink, [start, start + 1])
        assert apply(kind, sink, [start, start + 1]) == (0 if happened else 2)
    assert kind.effects() == [(0, n) for n in range(4)]


def test_many_commits_are_bundled_and_read_as_before(
    kind: Parquet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_manifest, "BUNDLE_COMMITS", 10)
    sink = kind.open()
    count = 32
    for offset in range(count):
        apply(kind, sink, [offset])
    assert len(list((tmp_path / "table").rglob("bundles/*.json"))) == 3
    assert kind.effects() == [(0, n) for n in range(count)]
    assert kind.open().position("flights", 0) == count


def test_a_staging_line_shares_the_files_of_its_checkpoint(kind: Parquet, tmp_path: Path) -> None:
    sink = kind.open()
    apply(kind, sink, list(range(5)))
    rest = at_rest(kind)
    rest.take_checkpoint(tmp_path / "c")
    assert [row.next_offset for row in rest.checkpoint_offsets(tmp_path / "c")] == [5]
    apply(kind, sink, list(range(5, 8)))
    staged = rest.stage("r1", tmp_path / "c", 1)
    assert [(row.next_offset, row.applied) for row in staged] == [(5, 0)]
    apply(kind, kind.open(line="r1"), [4, 5])
    assert len(kind.effects("r1")) == 6 and len(objects(tmp_path)) == 3
    rest.promote("r1", 2)
    assert rest.drop("before-r1")
    assert len(kind.effects()) == 6 and len(objects(tmp_path)) == 2  # what is shared stays
    with pytest.raises(UserFault, match="is gone"):
        rest.stage("r2", tmp_path / "nothing", 1)
    (tmp_path / "other").write_text("{}")
    with pytest.raises(UserFault, match="is no checkpoint"):
        rest.stage("r2", tmp_path / "other", 1)


def test_a_writer_that_opened_in_the_middle_of_a_promotion_is_fenced(
    kind: Parquet, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(kind, kind.open(), [0])
    apply(kind, kind.open(line="r1"), [0, 1])
    rest = ParquetLines(kind.location)
    opened = []
    change = rest._manifest.change_lines

    def change_and_die(*arguments: Any, **options: Any) -> Any:
        opened.append(kind.open())  # after the first fence, before the swap
        change(*arguments, **options)
        raise Stop  # before the second fence

    monkeypatch.setattr(rest._manifest, "change_lines", change_and_die)
    with pytest.raises(Stop):
        rest.promote("r1", 1)
    with pytest.raises(Fenced):
        apply(kind, opened[0], [1, 2])
    assert kind.effects() == [(0, 0), (0, 1)] and kind.effects("before-r1") == [(0, 0)]


def test_what_is_wrong_is_said_in_a_sentence(kind: Parquet, tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="there is no sink"):
        open_lines(kind.location)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserFault, match="there is no sink"):
        open_lines(f"parquet:{tmp_path}/empty")
    with pytest.raises(UserFault, match="cannot be a table"):
        ParquetSink.open(f"{tmp_path}/table", {"a/b": None}, SOURCES)
    sink = kind.open()
    with pytest.raises(UserFault, match="does not fit its schema"), sink.transaction() as tx:
        tx.fresh("flights", 0, 0)
        tx.write("seen", "flights", 0, 0, {"partition": "x", "at": 0})
    with pytest.raises(UserFault, match="has no table"), sink.transaction() as tx:
        tx.fresh("flights", 0, 0)
        tx.write("other", "flights", 0, 0, {})
    apply(kind, sink, [0])
    path = next((tmp_path / "table").rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Corrupt, match="is not what was committed"):
        kind.effects()


@pytest.mark.s3
def test_on_a_bucket(s3: S3Place) -> None:
    kind = Parquet(f"parquet:{s3.url}")
    apply(kind, kind.open(), [0, 1])
    old, new = kind.open(), kind.open()
    assert apply(kind, new, [1, 2]) == 1
    with pytest.raises(Fenced):
        apply(kind, old, [2, 3])
    apply(kind, kind.open(line="r1"), [0])
    at_rest(kind).promote("r1", 1)
    assert kind.effects() == [(0, 0)] and len(kind.effects("before-r1")) == 3
