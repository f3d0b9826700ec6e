"""Bytes from anybody, to a whole broker: whatever comes, other connections are served as before."""

from __future__ import annotations

import asyncio
import logging
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anabranch.broker.dispatch import load_apis
from anabranch.wire.codec import Message
from anabranch.wire.messages.m18_api_versions import ApiVersionsRequest
from anabranch.wire.registry import API
from tests.broker.conversation import (
    Bench,
    batch,
    create_topics,
    fetch_request,
    list_offsets,
    metadata,
    produce_request,
    run,
    talking,
)
from tests.broker.test_api_groups import commit_request, join_request
from tests.support.broker import BrokerThread, WireClient

ANSWER_S = 60  # a guard against hangs


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with BrokerThread(tmp_path_factory.mktemp("fuzz")) as thread:
        yield thread


def frame_of(request: Message, version: int) -> bytes:
    out: list[bytes] = []
    client = WireClient(None, None)  # type: ignore[arg-type]
    client.writer = type("Sink", (), {"writelines": lambda _, frame: out.extend(frame)})()
    client.send(request, version)
    return b"".join(out)


SEEDS = [
    frame_of(produce_request("t", batch(b"a", b"b")), 9),
    frame_of(fetch_request("t"), 12),
    frame_of(metadata("t", "u"), 12),
    frame_of(list_offsets("t", -1), 7),
    frame_of(create_topics("made", 1, {"retention.ms": "5"}), 7),
    frame_of(join_request(), 9),
    frame_of(commit_request({("t", 0): 1}), 8),
    frame_of(ApiVersionsRequest(client_software_name="a", client_software_version="1"), 3),
]


async def throw(bench: Bench, data: bytes) -> None:
    """Send bytes on a connection of their own, read what comes, and see that others are served."""
    async with WireClient.connected(bench.broker) as client:
        client.send_bytes(data)
        client.writer.write_eof()
        try:
            await asyncio.wait_for(client.reader.read(-1), ANSWER_S)
        except ConnectionError:
            pass
    answer = await asyncio.wait_for(bench.call(metadata(), 12), ANSWER_S)
    assert answer.brokers


def survives(shared: BrokerThread, data: bytes) -> None:
    async def scenario() -> None:
        assert shared.broker is not None
        async with WireClient.connected(shared.broker) as client:
            await throw(Bench(shared.broker, client), data)

    shared.run(scenario())


SLOW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SLOW
@given(data=st.binary(max_size=400))
def test_random_bytes(shared: BrokerThread, data: bytes) -> None:
    survives(shared, data)


@SLOW
@given(
    key=st.sampled_from(tuple(load_apis())) | st.integers(-(1 << 15), (1 << 15) - 1),
    version=st.integers(0, 20),
    body=st.binary(max_size=200),
)
def test_random_bodies_under_a_true_header(
    shared: BrokerThread, key: int, version: int, body: bytes
) -> None:
    head = struct.pack(">hhih", key, version, 5, -1)
    if key in API and version >= API[key].first_flexible:
        head += b"\0"
    survives(shared, struct.pack(">i", len(head) + len(body)) + head + body)


@SLOW
@given(seed=st.sampled_from(SEEDS), data=st.data())
def test_mutilated_requests(shared: BrokerThread, seed: bytes, data: st.DataObject) -> None:
    frame = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(4, len(frame) - 1))
        frame[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(frame)))
    how = data.draw(st.sampled_from(["changed", "cut", "cut and sized", "doubled"]))
    if how == "cut":
        frame = frame[:cut]
    elif how == "cut and sized" and cut > 4:
        frame = bytearray(struct.pack(">i", cut - 4)) + frame[4:cut]
    elif how == "doubled":
        frame = frame + frame
    survives(shared, bytes(frame))


def test_no_bug_was_met_by_any_of_the_seeds(
    shared: BrokerThread, caplog: pytest.LogCaptureFixture
) -> None:
    """Every byte of every seed, changed a few ways: a fault of the client's is never a bug of ours."""
    rng = random.Random(7)
    with caplog.at_level(logging.ERROR):
        for seed in SEEDS:
            for at in rng.sample(range(4, len(seed)), min(40, len(seed) - 4)):
                frame = bytearray(seed)
                frame[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
                survives(shared, bytes(frame))
    bugs = [one.getMessage() for one in caplog.records if one.exc_info]
    assert not bugs


def test_a_connection_that_sends_half_a_frame_and_stays_disturbs_nobody(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            clients = []
            for seed in SEEDS:
                client = await asyncio.open_connection(bench.broker.host, bench.broker.port)
                client[1].write(seed[: len(seed) // 2])
                clients.append(client)
            await bench.create("t")
            assert (await bench.produce("t", batch(b"x"))).error_code == 0
            for _, writer in clients:
                writer.close()

    run(scenario)
