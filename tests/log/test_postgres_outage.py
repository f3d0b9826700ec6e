"""The log while its PostgreSQL crashes and comes back: appends wait, nothing is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from anabranch.errors import ClientFault
from anabranch.metastore.postgres import lane
from tests.support.postgres import NoPostgres, Server

from .conftest import Bench


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    try:
        server = Server()
    except NoPostgres as reason:
        pytest.skip(str(reason))
    server.start()
    monkeypatch.setattr("tests.log.conftest.postgres_url", server.url)
    yield server
    server.remove()


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_I1_I2_I5_appends_wait_for_a_server_that_is_killed(run, server: Server) -> None:  # type: ignore[no-untyped-def]
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 4, {})
        acknowledged: list[list[bytes]] = [[] for _ in range(4)]
        stop = False

        async def producer(p: int, idempotent: bool) -> None:
            sequence = 0
            while not stop:
                value = b"%d-%d" % (p, sequence)
                sent = (
                    {"producer_id": p, "producer_epoch": 0, "base_sequence": sequence}
                    if idempotent
                    else {}
                )
                await bench.append(topic, p, [value], **sent)
                acknowledged[p].append(value)
                sequence += 1

        tasks = [asyncio.ensure_future(producer(p, idempotent=p % 2 == 0)) for p in range(4)]
        for _ in range(3):
            await asyncio.sleep(0.4)
            await asyncio.to_thread(server.kill)
            counts = [len(values) for values in acknowledged]
            await asyncio.sleep(0.2)
            assert not any(task.done() for task in tasks), "they wait"
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(60):
                while any(len(v) < c + 3 for v, c in zip(acknowledged, counts, strict=True)):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        stop = True
        await asyncio.gather(*tasks)
        for p in range(4):
            found = await bench.values(topic, p)
            assert [value for _, value in found] == acknowledged[p]
            assert [offset for offset, _ in found] == list(range(len(found)))
        log = await bench.restart()
        (topic,) = log.catalogue.topics()
        for p in range(4):
            assert [value for _, value in await bench.values(topic, p)] == acknowledged[p]

    run(scenario)


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_I5_a_server_that_stays_away_is_answered_and_a_retry_is_stored_once(
    run,  # type: ignore[no-untyped-def]
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(bench: Bench) -> None:
        monkeypatch.setattr(lane.Lane, "wait_s_max", 0.5)
        topic = await bench.log.create_topic("t", 1, {})
        sent = {"producer_id": 1, "producer_epoch": 0}
        await bench.append(topic, 0, [b"a"], base_sequence=0, **sent)
        await asyncio.to_thread(server.kill)
        with pytest.raises(ClientFault, match="away") as fault:
            await bench.append(topic, 0, [b"b"], base_sequence=1, **sent)
        assert fault.value.code == 56  # KAFKA_STORAGE_ERROR: clients try again
        await asyncio.to_thread(server.start)
        assert await bench.append(topic, 0, [b"b"], base_sequence=1, **sent) == 1
        assert await bench.append(topic, 0, [b"b"], base_sequence=1, **sent) == 1
        assert [value for _, value in await bench.values(topic, 0)] == [b"a", b"b"]

    run(scenario)
