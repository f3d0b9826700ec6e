"""The broker's life: what start takes, what stop finishes, what a failed start gives back."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from anabranch.broker.config import Limits, ListenerSettings
from anabranch.broker.server import Broker
from anabranch.errors import AnabranchError, ErrorCode, UserFault
from anabranch.log import leaving
from tests.broker.conversation import (
    Bench,
    batch,
    create_topics,
    fetch_request,
    metadata,
    produce_request,
    run,
    talking,
)
from tests.broker.test_api_groups import join_request
from tests.support.broker import Disconnected, WireClient, broker_settings, running_broker


def test_stop_answers_the_produces_it_has_begun(tmp_path: Path) -> None:
    async def scenario() -> None:
        broker = Broker(broker_settings(tmp_path))
        await broker.start()
        async with WireClient.connected(broker) as client:
            await client.call(create_topics("t"), 7)
            tickets = [client.send(produce_request("t", batch(b"x" * 1000)), 9) for _ in range(20)]
            await client.receive(tickets[0])
            stopping = asyncio.create_task(broker.stop())
            answered = 1
            try:
                for ticket in tickets[1:]:
                    answer = await client.receive(ticket)
                    code = answer.responses[0].partition_responses[0].error_code
                    assert code in (0, ErrorCode.NOT_LEADER_OR_FOLLOWER)
                    answered += code == 0
            except Disconnected:
                pass
            await stopping
        async with talking(tmp_path) as bench:
            # I1: what was acknowledged is there; what was not may be.
            assert (await bench.offset("t", -1)).offset >= answered

    run(scenario)


def test_I9_a_broker_that_leaves_is_out_of_sight_and_still_known(tmp_path: Path) -> None:
    """From its row's end until its last flush a document says that its WAL is being written."""

    async def scenario() -> None:
        broker = Broker(broker_settings(tmp_path))
        await broker.start()
        seen = []
        left = broker.log.on_drained

        async def look() -> None:
            metastore = broker.log.metastore
            seen.append((await metastore.brokers(), await metastore.documents(leaving.KIND)))
            await left()
            seen.append((await metastore.brokers(), await metastore.documents(leaving.KIND)))

        broker.log.on_drained = look
        await broker.stop()
        (rows, (document,)), after = seen
        assert rows == [] and document.id == str(broker.membership.me.writes_under)
        assert after == ([], [])

    run(scenario)


def test_a_broker_that_is_alone_tells_no_other_of_its_appends(tmp_path: Path) -> None:
    """A line of the change feed with every commit would cost a synchronous producer a tenth."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.client.call(create_topics("t"), 7)
            await bench.client.call(produce_request("t", batch(b"x")), 9)
            with closing(sqlite3.connect(tmp_path / "metastore.db")) as db:
                told = db.execute("SELECT body FROM change").fetchall()
            assert not [body for (body,) in told if '"partitions":[[' in body]

    run(scenario)


def test_stop_does_not_wait_for_long_polls_or_joins(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            running_broker(tmp_path, limits=Limits(stop_ms_max=600_000)) as broker,
            WireClient.connected(broker) as polling,
            WireClient.connected(broker) as idle,
        ):
            await polling.call(create_topics("t"), 7)
            polling.send(fetch_request("t", max_wait_ms=600_000), 12)
            await asyncio.sleep(0.1)
            await asyncio.wait_for(broker.stop(), 60)
            assert await polling.closed() and await idle.closed()

    run(scenario)


def test_stop_sends_what_a_slow_reader_is_owed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 1, {"max.message.bytes": "20000000"})
            assert (await bench.produce("t", batch(b"x" * 16_000_000))).error_code == 0
            ticket = bench.client.send(
                fetch_request("t", max_bytes=1 << 30, partition_max_bytes=1 << 30), 12
            )
            bench.client.writer.transport.pause_reading()
            while not bench.broker.listener.unsent_bytes:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            stopping = asyncio.create_task(bench.broker.stop())
            await asyncio.sleep(0.05)
            assert not stopping.done()
            bench.client.writer.transport.resume_reading()
            answer = await bench.client.receive(ticket)
            assert sum(map(len, [answer.responses[0].partitions[0].records])) > 16_000_000
            await stopping

    run(scenario)


def test_a_failed_start_gives_everything_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(UserFault, match="is in use"):
                await Broker(broker_settings(tmp_path, port=port)).start()
        (tmp_path / "metastore.db").write_bytes(b"not a database" * 100)
        with pytest.raises(AnabranchError, match="metastore"):
            await Broker(broker_settings(tmp_path, port=port)).start()
        (tmp_path / "metastore.db").unlink()
        # Port and directory are free again.
        async with running_broker(tmp_path, port=port) as broker:
            assert broker.port == port

    run(scenario)


def test_one_broker_per_number_and_directory(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_broker(tmp_path, node_id=7):
            with pytest.raises(UserFault, match="broker 7 already runs"):
                await Broker(broker_settings(tmp_path, node_id=7)).start()
        async with running_broker(tmp_path, node_id=7):
            pass

    run(scenario)


def test_clients_are_told_the_advertised_address(tmp_path: Path) -> None:
    async def scenario() -> None:
        settings = replace(
            broker_settings(tmp_path),
            listener=ListenerSettings(port=0, advertised_host="log.example.org"),
        )
        broker = Broker(settings)
        await broker.start()
        try:
            async with WireClient.connected(broker) as client:
                (told,) = (await Bench(broker, client).call(metadata())).brokers
            assert (told.host, told.port) == ("log.example.org", broker.port)
        finally:
            await broker.stop()

    run(scenario)


def test_identity_survives_a_restart(tmp_path: Path) -> None:
    """I4, and the pitfall that a topic must come back with the same id."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            topic_id = await bench.create("t")
            cluster_id = bench.broker.cluster_id
            await bench.produce("t", batch(b"x"))
        async with talking(tmp_path) as bench:
            assert bench.broker.cluster_id == cluster_id
            answer = await bench.call(metadata("t"))
            assert answer.topics[0].topic_id == topic_id
            assert (await bench.offset("t", -1)).offset == 1

    run(scenario)


def test_a_group_waits_for_its_first_rebalance_without_holding_up_others(tmp_path: Path) -> None:
    """A parked JoinGroup blocks its own connection, as in Kafka, and nobody else's."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench, WireClient.connected(bench.broker) as other:
            first = await bench.call(join_request(), 3)
            assert first.error_code == 0
            parked = asyncio.create_task(other.call(join_request(), 3))
            await asyncio.sleep(0.1)
            assert not parked.done()
            assert (await bench.call(metadata())).brokers
            again = await bench.call(join_request("g", first.member_id), 3)
            assert again.generation_id == (await parked).generation_id == 2

    run(scenario)
