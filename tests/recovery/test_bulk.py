"""Splits for other engines: every record once, the offsets on record, nothing taken away meanwhile."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import UserFault
from anabranch.recovery.replays import bulk
from anabranch.recovery.replays.session import Status

from .scene import scene
from .test_function import planned, stored


def offsets(read: bulk.Bulk) -> list[tuple[str, int, int]]:
    found = []
    for split in read.splits:
        for batch in bulk.batches(pickle.loads(pickle.dumps(split))):
            assert batch.schema == bulk.plain_schema()
            found += zip(
                batch["topic"].to_pylist(),
                batch["partition"].to_pylist(),
                batch["offset"].to_pylist(),
                strict=True,
            )
    return found


def test_a_plan_is_read_on_branches_and_its_ends_are_committed(play: Any) -> None:
    data, plan = planned(play)
    with bulk.reading(data, plan=plan.id, engine="test", split_bytes=200) as read:
        assert len(read.splits) >= 4
        assert sum(bulk.split_size(split) for split in read.splits) == plan.volume.bytes
        found = offsets(read)
        (session,) = stored(data)
        assert session.status is Status.RUNNING and session.kind == "splits"
    names = [branch.branch for branch in session.branches]
    assert sorted(found) == [(t, p, o) for t in sorted(names) for p in (0, 1) for o in range(40)]
    (session,) = stored(data)
    assert session.status is Status.COMPLETED and session.command == ("test",)

    async def committed() -> list[int]:
        async with scene(data) as stage:
            return [one.offset for one in await stage.metastore.committed(session.group)]

    assert asyncio.run(committed()) == [40] * 4


def test_topics_are_read_between_bounds_and_a_failure_is_kept(play: Any) -> None:
    data, _ = planned(play)
    with bulk.reading(data, ["alpha"], start="point:start", end="end") as read:
        assert len(offsets(read)) == 80
    (session,) = stored(data)
    assert [(s.topic, s.start, s.end) for s in session.spans] == [("alpha", 0, 40)] * 2
    with pytest.raises(RuntimeError), bulk.reading(data, ["beta"]):
        raise RuntimeError("a worker was lost")
    failed = stored(data)[-1]
    assert failed.status is Status.FAILED and failed.error == "RuntimeError: a worker was lost"


def test_what_is_asked_for_wrongly_is_a_sentence(play: Any, tmp_path: Path) -> None:
    data, plan = planned(play)
    for arguments, sentence in (
        ({}, "name the topics"),
        ({"topics": ["alpha"], "plan": plan.id}, "name the topics"),
        ({"plan": plan.id, "start": "start"}, "leave start and end out"),
        ({"topics": ["none"]}, "there is no topic “none”"),
    ):
        with pytest.raises(UserFault, match=sentence), bulk.reading(data, **arguments):  # type: ignore[arg-type]
            raise AssertionError
