"""`replay --own-broker`: a job runs as it is, under production's names, and production does not notice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.support.broker import BrokerProcess

JOB = Path(__file__).parent / "own_broker_job.py"
COUNT = 300


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    """``orders`` with records that group ``app`` has worked off into ``out``, wrongly."""
    with BrokerProcess(tmp_path / "data") as found:
        admin = AdminClient({"bootstrap.servers": found.address})
        for made in admin.create_topics([NewTopic("orders", 2), NewTopic("out", 1)]).values():
            made.result(60)
        produce(found.address, "orders", range(COUNT))
        produce(found.address, "out", [-1])
        one = consumer(found.address)
        ends = [TopicPartition("orders", n, one.get_watermark_offsets(TopicPartition("orders", n), timeout=60)[1]) for n in range(2)]  # fmt: skip
        one.commit(offsets=ends, asynchronous=False)
        one.close()
        yield found


def produce(address: str, topic: str, values: Any) -> None:
    producer = Producer({"bootstrap.servers": address})
    for value in values:
        producer.produce(topic, str(value), str(value))
    assert producer.flush(60) == 0


def consumer(address: str, group: str = "app") -> Consumer:
    options = {"auto.offset.reset": "earliest", "enable.auto.commit": False}
    return Consumer({"bootstrap.servers": address, "group.id": group, **options})


def values(address: str, topic: str) -> list[int]:
    """Everything in a topic of one partition."""
    one = consumer(address, "reader")
    low, high = one.get_watermark_offsets(TopicPartition(topic, 0), timeout=60)
    one.assign([TopicPartition(topic, 0, low)])
    found: list[int] = []
    deadline = time.monotonic() + 60
    while one.position([TopicPartition(topic, 0)])[0].offset < high and time.monotonic() < deadline:
        found += [int(message.value()) for message in one.consume(500, 0.2)]
    one.close()
    return found


def committed(address: str) -> list[int]:
    one = consumer(address)
    found = one.committed([TopicPartition("orders", n) for n in range(2)], timeout=60)
    one.close()
    return [place.offset for place in found]


def anabranch(data: Path, *words: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "anabranch.cli.main", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "ANABRANCH_DATA": str(data)},
        timeout=100,
        check=False,
    )
    assert done.returncode == status, done.stderr + done.stdout
    return done.stdout if status == 0 else done.stderr


def test_I7_a_job_is_replayed_as_it_is(broker: BrokerProcess, tmp_path: Path) -> None:
    data = tmp_path / "data"
    anabranch(data, "plan", "app", "--from-start", "--out", str(tmp_path / "plan.json"))
    before = committed(broker.address)
    told = anabranch(
        data, "replay", str(tmp_path / "plan.json"), "--own-broker", "--also", "out",
        "--output", "json", "--", sys.executable, str(JOB),
    )  # fmt: skip
    session = json.loads(told)
    assert session["status"] == "completed" and session["lane"] == session["id"]
    assert committed(broker.address) == before
    assert values(broker.address, "out") == [-1], "live output is not touched"
    rebuilt = values(broker.address, f"out.{session['id']}")
    assert sorted(rebuilt) == [2 * n for n in range(COUNT)]
    topics = AdminClient({"bootstrap.servers": broker.address}).list_topics(timeout=60).topics
    assert {name for name in topics if name.endswith(session["id"])} == {
        f"{name}.{session['id']}" for name in ("orders", "out", "made-by-the-job")
    }
    anabranch(data, "promote", session["id"])
    assert sorted(values(broker.address, "out")) == sorted(rebuilt)
    assert committed(broker.address) == before, "the replay ended where the group stood"
    said = anabranch(data, "promote", session["id"], status=1)
    assert "was promoted already" in said
    anabranch(data, "promote", "--undo", session["id"])
    assert values(broker.address, "out") == [-1]
    assert sorted(values(broker.address, f"out.{session['id']}")) == sorted(rebuilt)
    anabranch(data, "replay", "--discard", session["id"])
    left = json.loads(anabranch(data, "topic", "list", "--output", "json"))
    assert {each["name"] for each in left} == {"orders", "out"}
    groups = json.loads(anabranch(data, "group", "list", "--output", "json"))
    assert not [each for each in groups if each["group"].startswith("replay.")]


def test_inputs_are_served_together_in_event_time_and_at_its_pace(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    """One topic has all of its events in a few batches, the other one in many: by offsets the first would be over before the
    second begins."""
    data = tmp_path / "data"
    admin = AdminClient({"bootstrap.servers": broker.address})
    for made in admin.create_topics([NewTopic("few", 1), NewTopic("many", 1)]).values():
        made.result(20)
    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 0})
    begun = int(1000 * time.time()) - 3_600_000  # young enough for retention to leave it
    for number in range(60):
        producer.produce("many", f"{number}", timestamp=begun + 100 * number)
        if number % 10 == 9:
            producer.produce("few", f"{number}", timestamp=begun + 100 * number)
        assert producer.flush(60) == 0
    plan = str(tmp_path / "plan.json")
    anabranch(data, "plan", "both", "--from-start", "--topic", "few", "--topic", "many", "--out", plan)  # fmt: skip
    seen = tmp_path / "seen"
    told = anabranch(
        data, "replay", plan, "--own-broker", "--in-event-order", "--event-slack", "500ms", "--pace", "4x",
        "--output", "json", "--", sys.executable, str(JOB.with_name("event_order_job.py")), str(seen),
    )  # fmt: skip
    session = json.loads(told)
    assert session["status"] == "completed"
    assert (session["event_slack_ms"], session["event_speed"]) == (500, 4.0)
    lines = [line.split() for line in seen.read_text().splitlines()]
    times = [int(at) - begun for _, at, _ in lines]
    assert len(times) == 66 and {topic for topic, _, _ in lines} == {"few", "many"}
    assert all(at >= max(times[:n], default=0) - 500 for n, at in enumerate(times)), times
    clock = [float(when) for _, _, when in lines]
    assert clock[-1] - clock[0] > 0.8 * (times[-1] - times[0]) / 1000 / 4


def test_what_cannot_be_is_said(broker: BrokerProcess, tmp_path: Path) -> None:
    data = tmp_path / "data"
    plan = str(tmp_path / "plan.json")
    anabranch(data, "plan", "app", "--from-start", "--out", plan)
    for words, sentence in (
        (("--also", "nothing-*"), "“nothing-*” names no topic besides the replay's inputs"),
        (("--lane", "recovery"), "leave out --bootstrap, --lane, --listener"),
    ):
        said = anabranch(data, "replay", plan, "--own-broker", *words, "--", "true", status=1)
        assert sentence in said
    said = anabranch(data, "up", "--session", "r-none", status=1)
    assert "there is no replay “r-none”" in said
