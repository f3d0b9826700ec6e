"""What clients and Kafka's own tools did to a group is explained, and taken back, by the commands beside the broker."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, TopicPartition
from tests.clients.conftest import make_topic
from tests.clients.dialects import Confluent, Rec
from tests.support.peers import AnabranchNode, Node, run_tool

from anabranch.cli.main import cli

pytestmark = pytest.mark.timeout(240)


def _anabranch(target: Node | None, *words: str) -> Any:
    if not isinstance(target, AnabranchNode):
        pytest.skip("looks into the broker's own data directory")
    result = CliRunner(env={"ANABRANCH_DATA": str(target.store_data)}).invoke(
        cli, [*words, "--output", "json"]
    )
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def _until(look: Any) -> Any:
    for _ in range(100):
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it was not to be seen in 20 s")


def test_kafkas_reset_is_explained_and_taken_back(
    target: Node | None, bootstrap: str, name: str
) -> None:
    make_topic(bootstrap, name, 2)
    Confluent(bootstrap).produce(name, [Rec(b"%d" % n, partition=n % 2) for n in range(20)])
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": name,
            "client.id": "view-app",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([name])
    seen = 0
    while seen < 20:
        message = consumer.poll(20)
        assert message is not None and message.error() is None
        seen += 1
    consumer.commit(asynchronous=False)
    consumer.close()
    reset = ("--reset-offsets", "--group", name, "--topic", name, "--shift-by", "-4", "--execute")
    out = run_tool("ConsumerGroupCommand", ["--bootstrap-server", bootstrap, *reset]).checked().out
    assert out.count(name) >= 4, out
    changed = _anabranch(target, "explain", name, "--between", "10m ago", "now")
    turns = [turn for turn in changed["turns"] if turn["kind"] == "rewind"]
    assert [(t["change"]["old"], t["change"]["new"]) for t in turns] == [(10, 6), (10, 6)]
    for turn in turns:
        assert turn["change"]["action"] == "reset"
        actor = turn["change"]["actor"]
        assert (actor["principal"], actor["api"]) == ("User:ANONYMOUS", "OffsetCommit")
        assert actor["client_id"].startswith("adminclient") and actor["host"]
    _anabranch(target, "group", "undo", name)
    stands = _anabranch(target, "explain", name)["partitions"]
    assert [part["position"] for part in stands] == [10, 10]
    plan = _anabranch(target, "offsets", "plan", name, "--shift-by", "-1")
    _anabranch(target, "offsets", "apply", plan["id"])
    shown = run_tool(
        "ConsumerGroupCommand", ["--bootstrap-server", bootstrap, "--describe", "--group", name]
    ).checked()
    assert shown.out.count(" 9 ") >= 2, shown.out


def test_a_consumer_by_assign_is_seen(target: Node | None, bootstrap: str, name: str) -> None:
    make_topic(bootstrap, name)
    Confluent(bootstrap).produce(name, [Rec(b"x")] * 5)
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"{name}-never-used",
            "client.id": "lonely",
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(name, 0, 0)])
    for _ in range(5):
        message = consumer.poll(20)
        assert message is not None and message.error() is None

    def look() -> Any:
        consumer.poll(0.1)
        found = _anabranch(target, "group", "readers", name, "--unseen")
        return found if found and found[0]["offset"] == 5 else None

    (one,) = _until(look)
    assert (one["client_id"], one["principal"], one["lag"]) == ("lonely", "User:ANONYMOUS", 0)
    consumer.close()
