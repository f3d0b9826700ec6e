"""Checkpoints that the engines wrote, and what their jobs told while they wrote them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from anabranch.recovery.checkpoints.model import EngineCheckpoint, Source

TESTDATA = Path(__file__).resolve().parents[2] / "testdata" / "checkpoints"


def truth(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TESTDATA / name / "truth.json").read_text())
    return found


def copied(name: str, directory: Path) -> Path:
    """A copy that may be broken, or that an engine's reader may put files beside."""
    target = directory / name
    shutil.copytree(TESTDATA / name, target)
    for file in target.rglob("*"):
        file.touch()  # as if it was written now
    return target


def nexts(source: Source) -> dict[str, int | str]:
    """Next offsets and markers by TOPIC PARTITION."""
    return {
        f"{one.topic} {one.partition}": one.next if one.next is not None else str(one.marker)
        for one in source.positions
    }


def all_nexts(checkpoint: EngineCheckpoint) -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    for source in checkpoint.sources:
        assert not source.problem
        found |= nexts(source)
    return found
