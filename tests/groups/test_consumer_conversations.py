"""Every conversation in tests/testdata/consumer_groups says what it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from consumer_conversation import run_file

FILES = sorted((Path(__file__).parents[1] / "testdata" / "consumer_groups").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_conversation(path: Path) -> None:
    actual = run_file(path)
    if os.environ.get("ANABRANCH_REWRITE"):
        path.write_text(actual)
    assert actual == path.read_text()


def test_there_are_conversations() -> None:
    assert len(FILES) >= 9
