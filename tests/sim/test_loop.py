"""The loop by itself, on each Python version: it leans on private parts of asyncio's BaseEventLoop."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from sim.loop import START_S, Killed, Process, SimLoop, Stuck
from sim.threads import SimThreads


@pytest.fixture
def loop() -> SimLoop:
    return SimLoop(Random(1))


def test_an_hour_of_sleep_takes_no_time(loop: SimLoop) -> None:
    async def main() -> float:
        await asyncio.sleep(3600)
        return loop.time()

    assert loop.run(main()) == START_S + 3600
    loop.discard()


def test_timers_fire_in_order_and_cancelled_ones_do_not_move_the_clock(loop: SimLoop) -> None:
    async def main() -> list[int]:
        fired: list[int] = []
        for number in (3, 1, 2):
            loop.call_later(number, fired.append, number)
        loop.call_later(9, fired.append, 9).cancel()
        await asyncio.sleep(4)
        return fired

    assert loop.run(main()) == [1, 2, 3]
    assert loop.time() == START_S + 4
    loop.discard()


def test_waiting_for_nothing_is_an_error(loop: SimLoop) -> None:
    async def main() -> None:
        await loop.create_future()

    with pytest.raises(Stuck):
        loop.run(main())
    loop.discard()


def test_timeouts_are_virtual(loop: SimLoop) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loop.create_future(), 5)
        async with asyncio.timeout(5):
            await asyncio.sleep(4)

    loop.run(main())
    assert loop.time() == START_S + 9
    loop.discard()


def test_within_a_process_callbacks_keep_their_order(loop: SimLoop) -> None:
    seen: list[tuple[str, int]] = []

    async def main() -> None:
        processes = [Process(loop, name) for name in "ab"]
        for number in range(50):
            for process in processes:
                loop.call_soon(seen.append, (process.name, number), context=process.context)
        await asyncio.sleep(1)

    loop.run(main())
    for name in "ab":
        assert [number for who, number in seen if who == name] == list(range(50))
    assert [who for who, _ in seen] != ["a", "b"] * 50, "between processes chance decides"
    loop.discard()


def test_a_killed_process_runs_nothing_more(loop: SimLoop) -> None:
    seen: list[str] = []

    async def victim() -> None:
        try:
            await asyncio.sleep(2)
        finally:
            seen.append("finally")

    async def main() -> None:
        process = Process(loop, "victim")
        process.spawn(victim())
        await asyncio.sleep(1)
        process.kill()
        await asyncio.sleep(5)
        assert not seen

    loop.run(main())
    loop.discard()


def test_a_paused_process_goes_on_with_all_that_was_due(loop: SimLoop) -> None:
    async def main() -> list[float]:
        process = Process(loop, "sleeper")
        times: list[float] = []
        process.call_later(1, lambda: times.append(loop.time() - START_S))
        process.paused = True
        await asyncio.sleep(3)
        assert not times
        process.paused = False
        await asyncio.sleep(1)
        return times

    (at,) = loop.run(main())
    assert at >= 3
    loop.discard()


def test_blocking_jobs_give_way_to_each_other(loop: SimLoop) -> None:
    seen: list[str] = []

    def job(name: str) -> str:
        for _ in range(3):
            seen.append(name)
            loop.give_way(1)
        return name

    async def main() -> list[str]:
        threads = SimThreads(loop.world, Random(2), 2)
        return await asyncio.gather(
            *(loop.run_in_executor(threads, job, name) for name in ("a", "b"))
        )

    assert loop.run(main()) == ["a", "b"]
    assert sorted(seen[:2]) == ["a", "b"], "neither ran to its end before the other began"
    loop.discard()


def test_one_thread_runs_one_job_after_the_other(loop: SimLoop) -> None:
    seen: list[str] = []

    def job(name: str) -> None:
        for _ in range(3):
            seen.append(name)
            loop.give_way(1)

    async def main() -> None:
        threads = SimThreads(loop.world, Random(2), 1)
        await asyncio.gather(*(threads.run(job, name) for name in "ab"))
        await loop.run_in_executor(None, threads.shutdown)

    loop.run(main())
    assert seen == list("aaabbb")
    loop.discard()


def test_a_job_of_a_killed_process_ends_where_it_is(loop: SimLoop) -> None:
    seen: list[str] = []

    def job() -> None:
        try:
            loop.give_way(2)
            seen.append("went on")
        except Killed:
            raise
        except BaseException:
            seen.append("caught")

    async def main() -> None:
        process = Process(loop, "victim")

        async def start() -> None:
            await loop.run_job(job)

        process.spawn(start())
        await asyncio.sleep(1)
        process.kill()
        await asyncio.sleep(5)

    loop.run(main())
    loop.discard()
    assert not seen


def test_a_set_of_tasks_has_one_order() -> None:
    """``asyncio.wait`` and ``TaskGroup`` keep sets of tasks, by default ordered by address."""

    def order() -> list[int]:
        loop = SimLoop(Random(1))
        ends: list[int] = []

        async def worker(number: int) -> None:
            try:
                await asyncio.sleep(100)
            finally:
                ends.append(number)

        async def main() -> None:
            with pytest.raises(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    for number in range(20):
                        group.create_task(worker(number))
                    await asyncio.sleep(1)
                    raise ValueError

        garbage = [object() for _ in range(len(orders) * 777)]
        loop.run(main())
        loop.discard()
        del garbage
        return ends

    orders: list[list[int]] = []
    while len(orders) < 8:
        orders.append(order())
    assert all(each == orders[0] for each in orders)
