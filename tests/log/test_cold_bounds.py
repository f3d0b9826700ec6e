"""I10 below the tail: bytes in flight, queries per turn and rates are bounded, and nobody is starved."""

from __future__ import annotations

import asyncio

import pytest

from anabranch.errors import ErrorCode
from anabranch.log.budget import LEAST_BYTES, ByteBudget
from anabranch.log.reads import FetchWant
from anabranch.log.throttle import FairLimit
from anabranch.log.turns import Turns

from .conftest import Bench
from .test_races import mine

MIB = 1 << 20


def test_I10_the_budget_holds_whatever_is_asked_for() -> None:
    async def scenario() -> None:
        budget = ByteBudget(4 * MIB)
        unsent = 0
        budget.unsent = lambda: unsent
        held = [await budget.reserve(4 * MIB, recent=False) for _ in range(20)]
        assert budget.held_bytes == sum(held) <= 4 * MIB and min(held) >= LEAST_BYTES
        while budget._free(False) >= LEAST_BYTES:
            held.append(await budget.reserve(4 * MIB, recent=False))
        waiting = asyncio.ensure_future(budget.reserve(100, recent=False))
        leaving = asyncio.ensure_future(budget.reserve(100, recent=False))
        await asyncio.sleep(0)
        assert not waiting.done() and budget.short
        assert (
            await asyncio.wait_for(budget.reserve(100, recent=True), 60) == 100
        )  # never locked out
        leaving.cancel()
        unsent = 4 * MIB  # answers on their way to clients count
        budget.release(held.pop())
        await asyncio.sleep(0)
        assert not waiting.done()
        unsent = 0
        budget.changed()
        assert await asyncio.wait_for(waiting, 60) == 100
        for one in (*held, 100, 100):
            budget.release(one)
        assert budget.held_bytes == 0 and not budget.short

    asyncio.run(scenario())


def test_I10_a_reader_that_leaves_with_its_grant_gives_it_back() -> None:
    async def scenario() -> None:
        budget = ByteBudget(LEAST_BYTES)
        first = await budget.reserve(LEAST_BYTES, recent=False)
        second = asyncio.ensure_future(budget.reserve(10, recent=False))
        await asyncio.sleep(0)
        budget.release(first)  # the grant is on its way
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert budget.held_bytes == 0

    asyncio.run(scenario())


def test_I10_a_thousand_readers_make_a_few_queries_per_turn_of_the_loop() -> None:
    async def scenario() -> None:
        turns = Turns(per_turn=8)
        done = 0

        async def reader() -> None:
            nonlocal done
            await turns.take()
            done += 1

        readers = [asyncio.ensure_future(reader()) for _ in range(1000)]
        before, most = 0, 0
        while done < 1000:
            await asyncio.sleep(0)
            most, before = max(most, done - before), done
        assert most <= 16
        await asyncio.gather(*readers)

    asyncio.run(scenario())


def test_a_limit_is_shared_fairly_and_starves_nobody() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        limit = FairLimit(lambda now_s: 4 * MIB, loop.time())
        served = dict.fromkeys(range(10), 0)

        async def reader(number: int) -> None:
            while min(served.values()) < 3:
                # The greedy one comes back at once and asks for more than all others.
                granted = await limit.take(number, 16 * MIB if number == 0 else MIB, 0.02)
                served[number] += granted > 0

        await asyncio.wait_for(asyncio.gather(*map(reader, served)), 60)
        assert max(served.values()) <= 12

    asyncio.run(scenario())


def test_a_limited_broker_slows_catching_up_and_answers_without_errors(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for _ in range(8):
            await bench.append(topic, 0, [bytes(30_000)])
        await bench.log.merger.merge_backlog(topic, 0)
        log = await bench.restart()
        topic = mine(log, topic)

        async def served(offset: int, max_wait_ms: int) -> int:
            (part,) = await log.fetch(
                [FetchWant(topic, 0, offset, 40_000)],
                max_wait_ms=max_wait_ms,
                min_bytes=1,
                max_bytes=40_000,
                reader="r",
            )
            assert part.error is ErrorCode.NONE
            return part.bytes

        at_once = [await served(offset, 0) for offset in range(8)]
        assert at_once[0] > 0 and 0 in at_once
        assert await served(at_once.index(0), 30_000) > 0
        await bench.append(topic, 0, [b"tail"])
        assert await served(8, 0) > 0  # what the tail has is not limited

    run(scenario, cold_bytes_per_second=100_000)


@pytest.mark.parametrize("merged", [False, True])
def test_I10_the_cost_of_a_read_does_not_depend_on_the_lag(run, merged: bool) -> None:
    """As many queries and extents for the oldest record of a long log as for one near its end."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for _ in range(400):
            await bench.append(topic, 0, [b"v"])
            if merged:
                await bench.log.merger.merge_backlog(topic, 0)
        log = await bench.restart()
        topic = mine(log, topic)
        extents_from = log.metastore.extents_from
        asked: list[int] = []

        async def counting(*args: int) -> object:
            found = await extents_from(*args)
            asked.append(len(found))
            return found

        log.metastore.extents_from = counting
        cost = []
        for offset in (0, 390):
            asked.clear()
            await log.fetch(
                [FetchWant(topic, 0, offset, 100)], max_wait_ms=0, min_bytes=1, max_bytes=100
            )
            cost.append((len(asked), max(asked)))
        assert cost[0][0] == cost[1][0] == 1 and cost[0][1] <= bench.settings.extents_per_read

    run(scenario)
