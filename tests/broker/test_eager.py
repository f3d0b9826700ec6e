from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anabranch.broker.eager import Outcome, start
from anabranch.log.throttle import FairLimit


def test_a_coroutine_that_never_waits_needs_no_task() -> None:
    async def scenario() -> None:
        async def answer() -> int:
            return 42

        async def fail() -> int:
            raise ValueError("no")

        loop = asyncio.get_running_loop()
        assert start(loop, answer()) == Outcome(42)
        outcome = start(loop, fail())
        assert isinstance(outcome, Outcome)
        assert isinstance(outcome.error, ValueError)

    asyncio.run(scenario())


def test_a_coroutine_that_waits_becomes_a_task_from_where_it_stands() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        first: asyncio.Future[int] = loop.create_future()
        second: asyncio.Future[int] = loop.create_future()
        steps: list[str] = []

        async def work() -> int:
            steps.append("begun")
            total = await first
            steps.append("first")
            try:
                total += await second
            except KeyError:
                total += 1000
            await asyncio.sleep(0)
            return total

        task = start(loop, work())
        assert isinstance(task, asyncio.Task)
        assert steps == ["begun"]
        first.set_result(1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert steps == ["begun", "first"]
        second.set_exception(KeyError())
        assert await task == 1001

    asyncio.run(scenario())


def test_cancelling_reaches_the_coroutine() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        seen: list[str] = []

        async def work() -> Any:
            try:
                await loop.create_future()
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise
            finally:
                seen.append("tidied")

        task = start(loop, work())
        assert isinstance(task, asyncio.Task)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen == ["cancelled", "tidied"]

    asyncio.run(scenario())


def test_a_limit_is_waited_for_without_a_task() -> None:
    """A fetch that has to wait for its group's limit before anything else is in no task yet; ``wait_for`` asks
    for one since Python 3.12 (found by the simulation)."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        limit = FairLimit(lambda now_s: 1000, loop.time())
        while await limit.take("a", 1 << 20, 0.0):
            pass
        waiting = start(loop, limit.take("b", 10, 20.0))
        assert isinstance(waiting, asyncio.Task), waiting
        assert await waiting == 10
        while await limit.take("a", 1 << 20, 0.0):  # it may have woken up late, with some to spare
            pass
        given_up = start(loop, limit.take("b", 1 << 20, 0.001))
        assert isinstance(given_up, asyncio.Task)
        assert await given_up == 0

    asyncio.run(scenario())
