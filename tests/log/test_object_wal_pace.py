"""When flushes to a bucket are taken, how many go on at a time, and in what order they commit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.storage.memory import MemoryStore
from tests.log.conftest import Bench

LONG_MS = 3_600_000  # nobody waits for it


class Gated(MemoryStore):
    """Flushes wait at a gate of their own; some fail there."""

    def __init__(self) -> None:
        super().__init__()
        self.gates: dict[int, threading.Event] = {}
        self.failing: set[int] = set()
        self.now = self.most = 0
        self.arrived = threading.Semaphore(0)
        self._count = threading.Lock()

    def put(self, key: str, data: Any, **options: Any) -> int:
        if not key.startswith("wal/1/"):
            return super().put(key, data, **options)
        sequence = int(key[-20:])
        with self._count:
            self.now += 1
            self.most = max(self.most, self.now)
        self.arrived.release()
        try:
            if sequence in self.gates:
                assert self.gates[sequence].wait(60)
            if sequence in self.failing:
                raise StoreFault("injected: slow down")
            return super().put(key, data, **options)
        finally:
            with self._count:
                self.now -= 1

    def flushes(self) -> list[int]:
        return [int(info.key[-20:]) for info in self.list("wal/1/")]


async def arrival(store: Gated, count: int) -> None:
    for _ in range(count):
        await asyncio.to_thread(store.arrived.acquire)


async def until(condition: Callable[[], bool]) -> None:
    """What another thread brings about."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


ONE_BY_ONE = {"wal_flush_bytes": 1, "flush_bytes_max": 1}


def test_i2_flushes_are_written_at_once_and_commit_in_order(run: Any) -> None:
    store = Gated()

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        store.gates = {0: threading.Event()}
        waiting = []
        for number in range(4):
            waiting.append(bench.log.append(topic, 0, bench.batch([b"v%d" % number])))
            await arrival(store, 1)
        await until(
            lambda: store.flushes() == [1, 2, 3]
        )  # the later ones are durable, not the first
        assert not any(future.done() for future in waiting)
        assert await bench.values(topic, 0) == []
        store.gates[0].set()
        assert [(await future).base_offset for future in waiting] == [0, 1, 2, 3]
        assert [value for _, value in await bench.values(topic, 0)] == [b"v0", b"v1", b"v2", b"v3"]

    run(scenario, wal_store=store, **ONE_BY_ONE)


def test_a_flush_that_fails_takes_none_with_it(run: Any) -> None:
    store = Gated()

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        store.gates, store.failing = {1: threading.Event()}, {1}
        waiting = []
        for number in range(4):
            waiting.append(bench.log.append(topic, 0, bench.batch([b"v%d" % number])))
            await arrival(store, 1)
        store.gates[1].set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(answers[1], ClientFault)
        assert answers[1].code is ErrorCode.KAFKA_STORAGE_ERROR
        assert [answers[n].base_offset for n in (0, 2, 3)] == [0, 1, 2]  # type: ignore[union-attr]
        assert store.flushes() == [0, 2, 3]
        assert [value for _, value in await bench.values(topic, 0)] == [b"v0", b"v2", b"v3"]

    run(scenario, wal_store=store, **ONE_BY_ONE)


@pytest.mark.parametrize("most", [1, 3])
def test_i10_only_so_many_flushes_go_on_at_a_time(run: Any, most: int) -> None:
    store = Gated()

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        store.gates = {number: threading.Event() for number in range(most)}
        waiting = []
        for number in range(most + 4):
            waiting.append(bench.log.append(topic, 0, bench.batch([b"v%d" % number])))
            await asyncio.sleep(0)
        await arrival(store, most)
        for gate in store.gates.values():
            gate.set()
        await asyncio.gather(*waiting)
        assert store.most <= most
        assert len(await bench.values(topic, 0)) == most + 4

    run(scenario, wal_store=store, wal_flushes_in_flight_max=most, **ONE_BY_ONE)


def test_appends_that_linger_share_a_flush(run: Any) -> None:
    store = Gated()

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        waiting = []
        for number in range(9):
            waiting.append(bench.log.append(topic, number % 2, bench.batch([b"v"])))
            await asyncio.sleep(0)
        assert store.flushes() == []
        waiting.append(bench.log.append(topic, 0, bench.batch([b"x" * 2000])))  # that is enough
        await asyncio.gather(*waiting)
        assert store.flushes() == [0]
        rest = bench.log.append(topic, 0, bench.batch([b"the last one"]))
        await asyncio.sleep(0)
        assert not rest.done()
        await bench.restart()  # closing does not wait for the linger
        assert (await rest).base_offset == 6

    run(scenario, wal_store=store, wal_linger_ms=LONG_MS, wal_flush_bytes=2500)


def test_a_lonely_append_lingers_and_goes(run: Any) -> None:
    store = Gated()

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for number in range(3):
            assert await bench.append(topic, 0, [b"v"]) == number
        assert store.flushes() == [0, 1, 2]

    run(scenario, wal_store=store, wal_linger_ms=20)
