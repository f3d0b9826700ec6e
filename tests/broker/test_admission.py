"""New connections: how many, from where, and how fast."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.broker.admission import BURST_S, Admission, Rate
from anabranch.broker.config import Limits, ListenerSettings
from anabranch.broker.door import Door
from anabranch.broker.kafka_configs import BROKER_CONFIGS
from anabranch.errors import ClientFault
from anabranch.wire.messages.m03_metadata import MetadataRequest
from tests.support.broker import WireClient, broker_settings, running_broker


@given(
    per_s=st.integers(1, 1000),
    steps=st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=200),
)
def test_I10_never_more_than_the_rate_and_a_second_saved_up(per_s: int, steps: list[float]) -> None:
    now, rate = 0.0, Rate(0.0)
    turns = []
    for step in steps:
        now += step
        turns.append(now + rate.wait_s(per_s, now))
    assert turns == sorted(turns), "first come, first served"
    for begin in range(len(turns)):
        for end in range(begin, len(turns)):
            allowed = (turns[end] - turns[begin] + BURST_S) * per_s + 1
            assert end - begin + 1 <= allowed + 1e-6


def test_counts_by_address_have_exceptions() -> None:
    limits = Limits(
        connections_per_ip_max=1, connections_per_ip_overrides={"10.0.0.1": 2, "10.0.0.2": 0}
    )
    admission, door = Admission(), Door(ListenerSettings())
    for _ in range(2):
        assert admission.refusal(limits, door, "10.0.0.1") is None
        admission.enter(door, "10.0.0.1")
    assert "2 connections from 10.0.0.1" in str(admission.refusal(limits, door, "10.0.0.1"))
    assert "overrides" in str(admission.refusal(limits, door, "10.0.0.2"))
    assert admission.refusal(limits, door, "10.0.0.3") is None
    admission.leave(door, "10.0.0.1")
    assert admission.refusal(limits, door, "10.0.0.1") is None
    assert (admission.total, door.connections) == (1, 1)


def test_I10_addresses_are_not_remembered_for_ever() -> None:
    admission = Admission()
    limits = Limits(connections_per_second_per_ip_max=1)
    for n in range(100):
        admission.wait_s(limits, f"h{n}", 0.0)
    admission.forget_rates(10.0)
    assert not admission._rates


def test_a_connection_that_comes_too_fast_waits_for_its_turn(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = Limits(connections_per_second_max=10)
        async with running_broker(tmp_path, limits=limits) as broker:
            loop = asyncio.get_running_loop()
            begun, clients = loop.time(), []
            for _ in range(15):
                client = WireClient(*await asyncio.open_connection("127.0.0.1", broker.port))
                clients.append(client)
            await asyncio.gather(
                *(client.call(MetadataRequest(topics=[]), 12) for client in clients)
            )
            # Ten were saved up, five came one by one.
            assert loop.time() - begun >= 0.39
            assert broker.listener.admission.delayed >= 4
            for client in clients:
                client.writer.close()

    asyncio.run(scenario())


def test_the_bounds_are_changed_under_kafkas_names(tmp_path: Path) -> None:
    settings = broker_settings(tmp_path)
    overrides = BROKER_CONFIGS["max.connections.per.ip.overrides"]
    rate = BROKER_CONFIGS["max.connection.creation.rate"]
    assert (overrides.value(settings), rate.value(settings)) == ("", "2147483647")
    assert overrides.change is not None and rate.change is not None
    value = overrides.definition.parse("127.0.0.1:3,[::1]:4,fe80::1:5")
    changed = overrides.change(settings, value)
    assert changed.limits.connections_per_ip_overrides == {
        "127.0.0.1": 3,
        "::1": 4,
        "fe80::1": 5,
    }
    changed = rate.change(changed, rate.definition.parse("7"))
    assert changed.limits.connections_per_second_max == 7
    for wrong in ("host:3", "127.0.0.1", "127.0.0.1:-1", "127.0.0.1:x"):
        with pytest.raises(ClientFault):
            overrides.definition.parse(wrong)
