"""Consumers of librdkafka and Java across a promotion and its undo: told where the lines part, nothing skipped.

The topic holds a0 … a99, the branch parts from it at 60 and goes on with b60 … b79.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.clients.conftest import make_node, make_topic
from tests.clients.members import await_until
from tests.support.peers import AnabranchNode
from tests.support.peers.anabranch import anabranch_command
from tests.support.peers.leash import leashed
from tests.support.peers.tools import tool_command

pytestmark = pytest.mark.timeout(240)

PARTS_AT = 60
OLD = [f"a{i}" for i in range(100)]
NEW = [*OLD[:PARTS_AT], *(f"b{i}" for i in range(PARTS_AT, 80))]


class Scene:
    """A broker with the topic ``t`` and its branch ``fix``."""

    def __init__(self, node: AnabranchNode) -> None:
        self.node = node
        self.bootstrap = node.bootstrap
        make_topic(self.bootstrap, "t")
        self.produce("t", OLD)
        self.anabranch("branch", "create", "t", "fix", "--at", f"offsets:0={PARTS_AT}")
        await_until(lambda: self.known("fix"), lambda: "no branch")
        self.produce("fix", NEW[PARTS_AT:])

    def anabranch(self, *words: str) -> str:
        done = subprocess.run(
            [*anabranch_command(), *words, "--data", str(self.node.store_data)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def known(self, topic: str) -> bool:
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        return topic in admin.list_topics(timeout=10).topics

    def produce(self, topic: str, values: list[str]) -> None:
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.bootstrap, "batch.num.messages": 7})
        for value in values:
            producer.produce(topic, value.encode(), partition=0)
        assert producer.flush(20) == 0

    def promote(self) -> None:
        words = ("promote", "--branch", "fix", "--topic", "t", "--offsets", "keep")
        self.anabranch(*words)

    def undo(self) -> None:
        self.anabranch("promote", "--undo", "--topic", "t", "--offsets", "keep")


@pytest.fixture
def scene() -> Iterator[Scene]:
    node = make_node()
    if not isinstance(node, AnabranchNode):
        pytest.skip("Kafka has no branches")
    with node:
        yield Scene(node)


class Reader:
    """A consumer that commits as it goes; ``seen`` are (offset, value), ``told`` what it was told of."""

    def __init__(self, bootstrap: str, group: str, reset: str) -> None:
        self.bootstrap, self.group, self.reset = bootstrap, group, reset
        self.seen: list[tuple[int, str]] = []
        self.told: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()

    def run(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def reaches(self, value: str, since: int = 0) -> None:
        """Wait until ``value`` is among what was seen since."""
        await_until(
            lambda: any(each == value for _, each in self.seen[since:]),
            lambda: (self.seen[since:][-5:], self.told),
        )

    @property
    def last(self) -> int:
        return self.seen[-1][0] if self.seen else -1


class Librdkafka(Reader):
    def run(self) -> None:
        from confluent_kafka import Consumer

        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": self.group,
                "auto.offset.reset": self.reset,
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 200,
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 300,
                "error_cb": lambda error: self.told.append(error.name()),
            }
        )
        consumer.subscribe(["t"])
        while not self._stop.is_set():
            message = consumer.poll(0.1)
            if message is None:
                continue
            if message.error() is not None:
                self.told.append(message.error().name())
                continue
            value = message.value()
            assert value is not None
            self.seen.append((message.offset(), value.decode()))
            consumer.commit(message, asynchronous=False)
        consumer.close()


class Java(Reader):
    def run(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".properties") as config:
            config.write(
                "fetch.max.wait.ms=200\nheartbeat.interval.ms=300\nmetadata.max.age.ms=2000\n"
            )
            config.flush()
            words = [
                *("--bootstrap-server", self.bootstrap, "--topic", "t", "--verbose"),
                *("--group-id", self.group, "--session-timeout", "6000"),
                *("--reset-policy", self.reset, "--command-config", config.name),
                "--enable-autocommit",  # with leader epochs; by itself the tool commits without
            ]
            process = subprocess.Popen(
                leashed(tool_command("VerifiableConsumer", words)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,  # where it says what ended it
                text=True,
            )
            stopper = threading.Thread(target=lambda: (self._stop.wait(), process.terminate()))
            stopper.start()
            assert process.stdout is not None
            for line in process.stdout:
                self._heard(line)
            process.wait()
            self._stop.set()
            stopper.join()

    def _heard(self, line: str) -> None:
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            if "LogTruncation" in line or "runcation detected" in line:
                self.told.append(line.strip())
            return
        if event["name"] == "record_data":
            self.seen.append((event["offset"], event["value"]))


KINDS: dict[str, Callable[[str, str, str], Reader]] = {"librdkafka": Librdkafka, "java": Java}


def after(reader: Reader, since: int) -> list[str]:
    return [value for _, value in reader.seen[since:]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_running_consumer_is_told_and_skips_nothing(scene: Scene, kind: str) -> None:
    with KINDS[kind](scene.bootstrap, "running", "earliest") as reader:
        reader.reaches("a99")
        before = len(reader.seen)
        scene.promote()
        reader.reaches("b79", before)
        scene.produce("t", ["c80"])
        reader.reaches("c80", before)
        assert_all_of(NEW[PARTS_AT:], after(reader, before))
        if kind == "java":  # exactly from where the lines part
            assert reader.seen[before] == (PARTS_AT, "b60")
        before = len(reader.seen)
        scene.undo()
        reader.reaches("a99", before)
        assert_all_of(OLD[PARTS_AT:], after(reader, before))
        scene.produce("t", ["c100"])
        reader.reaches("c100", before)
        assert reader.last == 100


def assert_all_of(expected: list[str], seen: list[str]) -> None:
    missing = set(expected) - set(seen)
    assert not missing, f"skipped silently: {sorted(missing)}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_consumer_that_was_away_is_told_when_it_comes_back(scene: Scene, kind: str) -> None:
    with KINDS[kind](scene.bootstrap, "away", "earliest") as reader:
        reader.reaches("a99")
    scene.promote()
    with KINDS[kind](scene.bootstrap, "away", "earliest") as reader:
        reader.reaches("b79")
        assert_all_of(NEW[PARTS_AT:], after(reader, 0))
        time.sleep(1)  # it has committed b79, under the new epoch
    scene.produce("t", ["c80"])
    with KINDS[kind](scene.bootstrap, "away", "earliest") as reader:
        reader.reaches("c80")
        assert after(reader, 0) == ["c80"], "told of the same truncation again"
    scene.undo()
    with KINDS[kind](scene.bootstrap, "away", "earliest") as reader:
        reader.reaches("a99")
        assert_all_of(OLD[PARTS_AT:], after(reader, 0))


@pytest.mark.parametrize(("kind", "reset"), [("librdkafka", "error"), ("java", "none")])
def test_without_a_reset_policy_it_is_an_error(scene: Scene, kind: str, reset: str) -> None:
    with ExitStack() as stack:
        from confluent_kafka import Consumer, TopicPartition

        early = Consumer({"bootstrap.servers": scene.bootstrap, "group.id": "strict"})
        early.commit(offsets=[TopicPartition("t", 0, 0)], asynchronous=False)
        early.close()
        reader = stack.enter_context(KINDS[kind](scene.bootstrap, "strict", reset))
        reader.reaches("a99")
        before = len(reader.seen)
        scene.promote()
        await_until(
            lambda: any(
                each == "_AUTO_OFFSET_RESET" or "LogTruncation" in each for each in reader.told
            ),
            lambda: (reader.told, reader.seen[before:]),
        )
        assert after(reader, before) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_consumer_below_the_point_notices_nothing(scene: Scene, kind: str) -> None:
    from confluent_kafka import Consumer, TopicPartition

    early = Consumer({"bootstrap.servers": scene.bootstrap, "group.id": "below"})
    early.commit(offsets=[TopicPartition("t", 0, 50, leader_epoch=0)], asynchronous=False)
    early.close()
    scene.promote()
    with KINDS[kind](scene.bootstrap, "below", "earliest") as reader:
        reader.reaches("b79")
        assert after(reader, 0) == NEW[50:]
        assert not reader.told
