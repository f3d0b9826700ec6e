"""A flush whose commit was started ahead is concluded once, whoever hears of its outcomes first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anabranch.log.pipeline import Ahead
from anabranch.metastore.api import AppendOutcome

OUTCOMES = [AppendOutcome(True)]


@pytest.mark.parametrize("callbacks_first", [False, True])
def test_outcomes_are_concluded_once(callbacks_first: bool) -> None:
    """The commit stage may come by between a plain future's result and its callbacks."""

    async def scenario() -> None:
        concluded: list[Any] = []

        def conclude(outcomes: list[AppendOutcome]) -> list[Any]:
            concluded.append(outcomes)
            return []

        outcomes: asyncio.Future[list[AppendOutcome]] = asyncio.get_running_loop().create_future()
        ahead = Ahead(outcomes, conclude, lambda: None)
        outcomes.set_result(OUTCOMES)
        if callbacks_first:
            await asyncio.sleep(0)
        assert await ahead.lost() == []
        await asyncio.sleep(0)
        assert concluded == [OUTCOMES]

    asyncio.run(scenario())
