"""Functions that replays in other processes run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def offsets(batch: Any) -> list[tuple[str, int, int, int]]:
    """Which records, and in which process."""
    rows = zip(
        batch["topic"].to_pylist(),
        batch["partition"].to_pylist(),
        batch["offset"].to_pylist(),
        strict=True,
    )
    return [(topic, partition, offset, os.getpid()) for topic, partition, offset in rows]


def fails_while_there_is_a_file(batch: Any) -> list[tuple[str, int, int, int]]:
    marker = os.environ.get("ANABRANCH_TEST_FAIL")
    if marker and Path(marker).exists() and batch["partition"][0].as_py() == 1:
        raise ValueError("enrichment failed")
    return offsets(batch)
