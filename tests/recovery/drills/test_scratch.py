"""A drill's directory: gone with it, or with the next drill; never one that somebody still has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anabranch.errors import UserFault
from anabranch.recovery.drills.scratch import LOCK, PREFIX, scratch, sweep


def left_behind(parent: Path) -> Path:
    """As after a SIGKILL: the files are there, and nobody has the lock."""
    place = scratch(parent, keep=False)
    root, _ = place.__enter__()
    (root / "work").mkdir()
    kept = root.with_name(f"{PREFIX}left")
    root.rename(kept)
    place.__exit__(None, None, None)  # removes nothing: it is not there
    return kept


def test_it_goes_with_its_drill(tmp_path: Path) -> None:
    with scratch(tmp_path, keep=False) as (root, lock):
        assert root.parent == tmp_path and lock is not None
        (root / "work").mkdir()
        assert sweep(tmp_path) == ([], [])  # another drill's, beside it
        assert (root / "work").exists()
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_by_intention_stays(tmp_path: Path) -> None:
    with scratch(tmp_path, keep=True) as (root, lock):
        assert lock is None
    assert sweep(tmp_path) == ([], []) and root.exists()


def test_what_a_killed_drill_left_is_removed_once_nothing_of_it_lives(tmp_path: Path) -> None:
    left = left_behind(tmp_path)
    child = os.open(left / LOCK, os.O_RDWR)  # as something that it started still has it
    import fcntl

    fcntl.flock(child, fcntl.LOCK_EX)
    assert sweep(tmp_path) == ([], []) and left.exists()
    os.close(child)
    assert sweep(tmp_path) == ([left], [])
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_drills_is_left_alone(tmp_path: Path) -> None:
    left = left_behind(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    left.rename(elsewhere)
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere)
    (tmp_path / f"{PREFIX}file").write_text("mine")
    (tmp_path / f"{PREFIX}dir").mkdir()
    before = sorted(tmp_path.iterdir())
    assert sweep(tmp_path) == ([], [])
    assert sorted(tmp_path.iterdir()) == before and (elsewhere / "work").exists()


def test_a_place_that_takes_nothing_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with (
        pytest.raises(UserFault, match=f"{missing} is none: No such file"),
        scratch(missing, keep=False),
    ):
        pass
