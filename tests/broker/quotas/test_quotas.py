"""Quotas over the wire: described, altered, enforced by waiting, and never to zero."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from anabranch.broker.quotas.quotas import FETCH_BYTES_LEAST
from anabranch.errors import ErrorCode as E
from anabranch.groups import configs as group_configs
from anabranch.wire.messages.m12_heartbeat import HeartbeatRequest
from anabranch.wire.messages.m48_describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
)
from anabranch.wire.messages.m49_alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasRequestEntityData,
    AlterClientQuotasRequestEntryData,
    OpData,
)
from tests.broker.authz.people import become
from tests.broker.conversation import (
    Bench,
    batch,
    create_topics,
    fetch_request,
    produce_request,
    run,
    talking,
)
from tests.support.broker import Disconnected, WireClient


def altering(
    entity: dict[str, str | None], *, only_check: bool = False, **values: float | None
) -> Any:
    return AlterClientQuotasRequest(
        entries=[
            AlterClientQuotasRequestEntryData(
                entity=[
                    AlterClientQuotasRequestEntityData(entity_type=kind, entity_name=name)
                    for kind, name in entity.items()
                ],
                ops=[
                    OpData(key=key, value=value or 0, remove=value is None)
                    for key, value in values.items()
                ],
            )
        ],
        validate_only=only_check,
    )


async def quota(bench: Bench, entity: dict[str, str | None], **values: float | None) -> None:
    (answer,) = (await bench.call(altering(entity, **values))).entries
    assert answer.error_code == 0, answer.error_message


async def described(bench: Bench, *components: ComponentData, strict: bool = False) -> Any:
    answer = await bench.call(
        DescribeClientQuotasRequest(components=list(components), strict=strict)
    )
    assert answer.error_code == 0, answer.error_message
    return {
        tuple(sorted((part.entity_type, part.entity_name) for part in entry.entity)): {
            one.key: one.value for one in entry.values
        }
        for entry in answer.entries
    }


def test_quotas_come_are_shown_and_go(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await quota(bench, {"user": "a"}, producer_byte_rate=1000, request_percentage=12.5)
            await quota(bench, {"user": "a", "client-id": None}, consumer_byte_rate=2000)
            await quota(bench, {"client-id": "c"}, controller_mutation_rate=0.5)
            await quota(bench, {"ip": None}, connection_creation_rate=100)
            user, client = ("user", "a"), ("client-id", None)
            assert await described(bench) == {
                (user,): {"producer_byte_rate": 1000, "request_percentage": 12.5},
                (client, user): {"consumer_byte_rate": 2000},
                (("client-id", "c"),): {"controller_mutation_rate": 0.5},
                (("ip", None),): {"connection_creation_rate": 100},
            }
            exact = ComponentData(entity_type="user", match_type=0, match="a")
            assert set(await described(bench, exact)) == {(user,), (client, user)}
            assert set(await described(bench, exact, strict=True)) == {(user,)}
            default = ComponentData(entity_type="client-id", match_type=1, match=None)
            assert set(await described(bench, default)) == {(client, user)}
            any_client = ComponentData(entity_type="client-id", match_type=2, match=None)
            assert set(await described(bench, any_client, strict=True)) == {(("client-id", "c"),)}
            await quota(bench, {"user": "a"}, producer_byte_rate=None, request_percentage=None)
            assert (user,) not in await described(bench)
            (checked,) = (
                await bench.call(altering({"user": "z"}, only_check=True, producer_byte_rate=5))
            ).entries
            assert checked.error_code == 0 and len(await described(bench)) == 3
            (bad,) = (await bench.call(altering({"user": "z"}, nonsense=5))).entries
            assert bad.error_code == E.INVALID_REQUEST
            wrong = DescribeClientQuotasRequest(
                components=[ComponentData(entity_type="team", match_type=2, match=None)]
            )
            assert (await bench.call(wrong)).error_code == E.INVALID_REQUEST
        async with talking(tmp_path) as bench:
            assert len(await described(bench)) == 3

    run(scenario)


def test_producers_wait_as_told_and_their_connection_is_muted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("a")
            await quota(bench, {"client-id": "wire-test"}, producer_byte_rate=100_000)
            big = batch(b"x" * 150_000)
            begun = time.monotonic()
            first = await bench.call(produce_request("a", big), 12)
            assert first.responses[0].partition_responses[0].error_code == 0
            assert 300 <= first.throttle_time_ms <= 600  # 150 kB, of which 100 at once
            # What is sent all the same waits; another connection of the same client is heard.
            ticket = bench.client.send(HeartbeatRequest(group_id="g", generation_id=1), 4)
            async with WireClient.connected(bench.broker) as other:
                await other.call(HeartbeatRequest(group_id="g", generation_id=1), 4)
            assert bench.broker.listener.connections
            await bench.client.receive(ticket)
            assert time.monotonic() - begun >= first.throttle_time_ms / 1000 * 0.8
            # Another client id has no quota.
            ticket = bench.client.send(produce_request("a", big), 12, client_id="other")
            assert (await bench.client.receive(ticket)).throttle_time_ms == 0

    run(scenario)


def test_users_share_what_is_theirs_and_nobody_is_starved(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("a")
            for _ in range(4):
                assert (await bench.produce("a", batch(b"x" * 200_000))).error_code == 0
            await quota(bench, {"user": None}, consumer_byte_rate=1000)
            async with WireClient.connected(bench.broker) as other:
                become(bench, "User:alice")
                first = await bench.call(fetch_request("a"), 12)
                # 200 kB at 1 kB/s would be three minutes: a debt is forgiven after eleven seconds.
                assert 10_000 <= first.throttle_time_ms <= 11_000
                # Another connection of alice gets a small answer, not none.
                second = await other.call(fetch_request("a"), 12)
                records = second.responses[0].partitions[0].records
                assert 0 < len(records) <= max(FETCH_BYTES_LEAST, 200_200)
                assert second.throttle_time_ms > 0
            async with WireClient.connected(bench.broker) as third:
                become(bench, "User:bob")
                answer = await third.call(fetch_request("a", 99), 12)
                assert answer.throttle_time_ms == 0  # bob has his own, and read nothing

    run(scenario)


def test_time_on_the_loop_has_a_quota(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("a")
            await quota(bench, {"client-id": "wire-test"}, request_percentage=0.01)
            for _ in range(20):
                answer = await bench.call(produce_request("a", batch(b"x" * 50_000)), 12)
                if answer.throttle_time_ms:
                    break
            assert answer.throttle_time_ms > 0

    run(scenario)


@pytest.mark.parametrize("version", [5, 7])
def test_mutations_of_the_catalogue_have_a_quota(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await quota(bench, {"client-id": "wire-test"}, controller_mutation_rate=0.2)
            # 0.2 a second, of which eleven seconds' worth at once: 2.2 partitions, and what is begun is done.
            first = await bench.call(create_topics("a", 4), version)
            assert first.topics[0].error_code == 0
            if version == 5:
                assert first.throttle_time_ms > 0  # it cannot be told otherwise
                return
            assert first.throttle_time_ms == 0
            second = await bench.call(create_topics("b", 1), version)
            assert second.topics[0].error_code == E.THROTTLING_QUOTA_EXCEEDED
            assert second.throttle_time_ms > 0
            assert bench.broker.log.catalogue.topic("b") is None

    run(scenario)


def test_addresses_have_a_quota_of_connections(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await quota(bench, {"ip": "127.0.0.1"}, connection_creation_rate=2)
            refused = 0
            for _ in range(6):
                async with WireClient.connected(bench.broker) as client:
                    try:
                        await client.call(HeartbeatRequest(group_id="g"), 4)
                    except Disconnected:
                        refused += 1
            assert refused == bench.broker.quotas.refused_connections > 0

    run(scenario)


def test_groups_have_a_quota_of_their_own(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("a")
            await bench.produce("a", batch(b"x" * 300_000))
            meta = bench.broker.log.metastore
            await group_configs.save(meta, "g", {"consumer.bytes.per.second": "100000"}, 1)
            await bench.broker.group_limits.refresh()
            ticket = bench.client.send(fetch_request("a"), 12, client_id="group=g,app")
            answer = await bench.client.receive(ticket)
            assert 1500 <= answer.throttle_time_ms <= 2500
            async with WireClient.connected(bench.broker) as other:
                ticket = other.send(fetch_request("a"), 12, client_id="app")
                assert (await other.receive(ticket)).throttle_time_ms == 0

    run(scenario)


def test_quotas_reach_a_neighbour(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench, talking(tmp_path) as other:
            for one in (bench.broker, other.broker):
                one.log.metastore.expect_others(True)
            await quota(bench, {"user": None}, consumer_byte_rate=1000)
            for _ in range(6000):
                if other.broker.quotas.active:
                    break
                await asyncio.sleep(0.01)
            assert other.broker.quotas.active

    run(scenario)
