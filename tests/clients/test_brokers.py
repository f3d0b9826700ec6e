"""Three brokers: one is killed, or each is restarted in turn, under producers and groups of each client.

Nothing acknowledged is lost or doubled, and groups go on without a rebalance (I1, I4, I5).
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.clients.conftest import make_topic
from tests.clients.dialects import Confluent
from tests.clients.members import (
    ConfluentMember,
    FranzMember,
    JavaMember,
    Member,
    await_until,
)
from tests.clients.test_groups import Group
from tests.support.peers import franz_binary, probe, start_tool
from tests.support.peers.cluster import ClusterNode, await_all, bootstrap, cluster

pytestmark = pytest.mark.timeout(300)

PARTITIONS = 6
RECORDS = 5000


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[ClusterNode]]:
    if os.environ.get("ANABRANCH_TEST_TARGET", "anabranch") != "anabranch":
        pytest.skip("a cluster of Anabranch brokers")
    settings = {
        "log": {"merge_age_ms": 2000, "background_interval_ms": 500},
        "groups": {"initial_rebalance_delay_ms": 0},
    }
    with cluster(tmp_path, tmp_path / "shared", 3, settings) as made:
        yield made


def kill_one(nodes: list[ClusterNode]) -> None:
    for node in nodes[:2]:
        node.kill()
        time.sleep(3)
        node.start()
        await_all(nodes)


def roll(nodes: list[ClusterNode]) -> None:
    for node in nodes:
        assert node.stop() == 0
        node.start()
        await_all(nodes)


def java_producer(servers: str, topic: str, directory: Path) -> subprocess.Popen[str]:
    """Kafka's verifiable producer: the Java client, which that tool robs of its retries by default."""
    config = directory / "producer.properties"
    config.write_text("retries=2147483647\nenable.idempotence=true\n")
    return start_tool(
        "VerifiableProducer",
        [
            *("--bootstrap-server", servers, "--topic", topic, "--acks", "-1"),
            *("--max-messages", str(RECORDS), "--throughput", "400"),
            *("--command-config", str(config)),
        ],
    )


def franz_producer(servers: str, topic: str, directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(str(franz_binary()), "pace", "-bootstrap", servers, "-topic", topic),
            *("-count", str(RECORDS), "-seconds", "200"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )


def heard_of(producer: subprocess.Popen[str], heard: list[dict[str, object]]) -> None:
    assert producer.stdout is not None
    for line in producer.stdout:
        event = json.loads(line)
        if "offset" in event and event.get("name", "producer_send_success") == (
            "producer_send_success"
        ):
            heard.append({**event, "at": time.monotonic()})


@pytest.mark.parametrize("disturb", [kill_one, roll])
@pytest.mark.parametrize("start", [java_producer, franz_producer])
def test_I1_I5_producers_go_on(
    start: Callable[[str, str, Path], subprocess.Popen[str]],
    disturb: Callable[[list[ClusterNode]], None],
    nodes: list[ClusterNode],
    name: str,
    tmp_path: Path,
) -> None:
    servers = bootstrap(nodes)
    make_topic(servers, name, PARTITIONS)
    for node in nodes:
        node.await_answer(lambda node=node: probe.leaders(node.port, name) == PARTITIONS)
    producer = start(servers, name, tmp_path)
    heard: list[dict[str, object]] = []
    listener = threading.Thread(target=heard_of, args=(producer, heard))
    listener.start()
    try:
        await_until(lambda: len(heard) > 200, lambda: (len(heard), producer.poll()))
        disturb(nodes)
        assert producer.wait(200) == 0
    finally:
        producer.kill()
        listener.join()
    assert sorted(int(str(one["value"])) for one in heard) == list(range(RECORDS))
    found = Confluent(servers).consume(name, RECORDS, partitions=PARTITIONS)
    assert sorted(int(one.value or b"") for one in found) == list(range(RECORDS))
    times = sorted(float(str(one["at"])) for one in heard)
    print(f"longest silence: {max(b - a for a, b in itertools.pairwise(times)):.2f} s")


@pytest.mark.parametrize("disturb", [kill_one, roll])
@pytest.mark.parametrize("protocol", ["classic", "consumer"])
@pytest.mark.parametrize(
    "kind", [ConfluentMember, JavaMember, FranzMember], ids=lambda kind: kind.name
)
def test_I4_groups_go_on(
    kind: type[Member],
    protocol: str,
    disturb: Callable[[list[ClusterNode]], None],
    nodes: list[ClusterNode],
    name: str,
) -> None:
    servers = bootstrap(nodes)
    make_topic(servers, name, PARTITIONS)
    with ExitStack() as stack:
        group = Group(servers, name, PARTITIONS, stack)
        group.write(10)
        first, second = (group.join(kind, protocol=protocol) for _ in range(2))
        group.settled(first, second)
        group.consumed()
        told = first.assignments, second.assignments
        disturb(nodes)
        group.write(10)
        group.consumed()
        assert (first.assignments, second.assignments) == told, "no rebalance"
        first.leave()
        second.leave()
