"""The supervisor's watch over its workers; `tests/faults/test_brokers.py` has real ones."""

from __future__ import annotations

import asyncio

from anabranch.broker.config import BrokerSettings
from anabranch.broker.workers import HUNG_BREATHS_MAX, Supervisor, Worker

BREATH_S = 0.002


class Puppet(Worker):
    """A worker without a process."""

    def __init__(self) -> None:
        super().__init__(BrokerSettings(), "error")
        self.lives = 0
        self._ended = asyncio.Event()

    @property
    def is_running(self) -> bool:
        return not self._ended.is_set()

    @property
    def pid(self) -> int:
        return 1000 + self.lives

    async def start(self) -> bool:
        self._ended.clear()
        self.lives += 1
        return True

    async def wait(self) -> int:
        await self._ended.wait()
        return -9

    async def stop(self) -> None:
        self.kill()

    def kill(self) -> None:
        self._ended.set()


async def _until_second_life(worker: Puppet) -> None:
    async with asyncio.timeout(60):
        while worker.lives < 2:  # noqa: ASYNC110
            await asyncio.sleep(BREATH_S)


def test_a_worker_that_hangs_is_killed_and_started_again() -> None:
    async def scenario() -> None:
        lively, hung = Puppet(), Puppet()
        supervisor = Supervisor([lively, hung], breath_s=BREATH_S)
        await supervisor.start()

        async def breathe() -> None:
            while True:
                lively.breaths += 1
                await asyncio.sleep(0)

        breathing = asyncio.create_task(breathe())
        await _until_second_life(hung)
        assert lively.lives == 1
        breathing.cancel()
        await _until_second_life(lively)
        await supervisor.stop()

    asyncio.run(scenario())


def test_a_restart_on_purpose_is_not_a_hang() -> None:
    async def scenario() -> None:
        worker = Puppet()
        supervisor = Supervisor([worker], breath_s=BREATH_S)
        await supervisor.start()
        async with supervisor._turn:
            await asyncio.sleep(BREATH_S * HUNG_BREATHS_MAX * 5)
            assert worker.lives == 1 and worker.is_running
        await supervisor.stop()

    asyncio.run(scenario())
