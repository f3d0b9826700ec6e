"""Following documents that other processes change: told, by the clock, and through faults and bugs."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from anabranch.broker.following import Follower
from anabranch.errors import StoreFault
from tests.broker.conversation import run, talking


def test_a_change_and_a_poke_are_told_and_time_alone_is_not(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            metastore, looks = bench.broker.log.metastore, asyncio.Queue[bool]()
            slow = Follower(metastore, "a", looks.put, what="things", poll_s=3600)
            slow.start()
            slow.poke()
            assert await asyncio.wait_for(looks.get(), 60)
            await slow.close()
            quick = Follower(metastore, "a", looks.put, what="things", poll_s=0.01)
            quick.start()
            assert not await asyncio.wait_for(looks.get(), 60)
            await quick.close()

    run(scenario)


@pytest.mark.parametrize("broken", [StoreFault("no disk"), RuntimeError("a bug")])
def test_neither_a_fault_nor_a_bug_ends_it(
    tmp_path: Path, broken: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            looks, enough = 0, asyncio.Event()

            async def look(told: bool) -> None:
                nonlocal looks
                looks += 1
                if looks == 3:
                    enough.set()
                raise broken

            one = Follower(bench.broker.log.metastore, "a", look, what="things", poll_s=0.001)
            one.start()
            await asyncio.wait_for(enough.wait(), 60)
            await one.close()

    with caplog.at_level(logging.ERROR):
        run(scenario)
    assert "things: as they were, for now" in caplog.text
