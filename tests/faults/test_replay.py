"""A replay outlives the kill -9 of its broker, its runner and its processor; each record comes into the sink once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from anabranch.log.opening import open_log
from anabranch.recovery.replays import processes, sessions
from anabranch.recovery.replays.session import Process
from anabranch.recovery.replays.sessions import LEASE_MS
from anabranch.recovery.sinks.source import sources_from_admin
from anabranch.recovery.sinks.sqlite import SqliteSink

from .conftest import BrokerProcess
from .load import QUIET
from .replayed import TABLES

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

PARTITIONS = 4
RECORDS = 24_000
VALUE = os.urandom(150)  # some 4 MB in all
RATE = "400KiB/s"
PATIENCE_S = 90


class Replay:
    """The topic, the plan, and ``anabranch replay`` as a process of its own."""

    def __init__(self, broker: BrokerProcess, directory: Path) -> None:
        self.broker = broker
        self.sink = directory / "view.db"
        self._log = directory / "runner.log"
        self.runner: subprocess.Popen[bytes] | None = None
        self._fill()
        plan = self.anabranch("plan", "view", "--from-start", "--output", "json")
        assert plan.returncode in (0, 1), plan.stderr
        self.plan = json.loads(plan.stdout)["id"]

    def _fill(self) -> None:
        settings = {"bootstrap.servers": self.broker.bootstrap, **QUIET}
        admin = AdminClient(settings)
        admin.create_topics([NewTopic("events", PARTITIONS)])["events"].result(30)
        producer = Producer({**settings, "linger.ms": 20, "queue.buffering.max.messages": RECORDS})
        for number in range(RECORDS):
            producer.produce("events", VALUE, partition=number % PARTITIONS)
            producer.poll(0)
        assert producer.flush(60) == 0
        consumer = Consumer({**settings, "group.id": "view", "enable.auto.commit": False})
        ends = [TopicPartition("events", p, RECORDS // PARTITIONS) for p in range(PARTITIONS)]
        consumer.commit(offsets=ends, asynchronous=False)
        consumer.close()
        self.live = self.positions()
        sources = sources_from_admin(admin, ["events"])
        SqliteSink.open(self.sink, TABLES, sources).close()  # the live line: a view without a row

    def positions(self) -> list[int]:
        consumer = Consumer(
            {"bootstrap.servers": self.broker.bootstrap, "group.id": "view", **QUIET}
        )
        asked = [TopicPartition("events", p) for p in range(PARTITIONS)]
        found = [one.offset for one in consumer.committed(asked, timeout=30)]
        consumer.close()
        return found

    def anabranch(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "anabranch.cli.main", *arguments]
        return subprocess.run(
            [*command, "--data", str(self.broker.data)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def start(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "anabranch.cli.main", "replay", *arguments]
        with self._log.open("ab") as log:
            self.runner = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def run(self) -> None:
        processor = str(Path(__file__).with_name("replayed.py"))
        self.start(
            *(self.plan, "--data", str(self.broker.data), "--sink", f"sqlite:{self.sink}"),
            # On the broker that is killed; with one of its own: test_own_broker.py.
            *("--lane", "live", "--rate", RATE, "--no-slow-down", "--", sys.executable, processor),
        )

    def sessions(self) -> list[dict[str, Any]]:
        """As stored; read in this process, for a command takes a second to start."""

        async def look() -> list[Any]:
            log = await open_log(self.broker.data, broker_id=None)
            try:
                return await sessions.stored(log.metastore)
            finally:
                await log.close()

        return [msgspec.to_builtins(session) for session in asyncio.run(look())]

    def session(self) -> dict[str, Any]:
        return self.sessions()[-1]

    def wait(self, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        found: list[dict[str, Any]] = []
        while time.monotonic() < deadline:
            found = self.sessions()
            if found and what(found[-1]):
                return found[-1]
            if self.runner is not None and self.runner.poll() not in (None, -signal.SIGKILL):
                break
            time.sleep(0.1)
        raise AssertionError(f"waited in vain: {found[-1:]} {self._log.read_text()[-2000:]}")

    def share_done(self, share: float) -> dict[str, Any]:
        def there(session: dict[str, Any]) -> bool:
            samples = session["samples"]
            return bool(samples) and samples[-1][1] <= RECORDS * (1 - share)

        return self.wait(there)

    def finish(self) -> dict[str, Any]:
        assert self.runner is not None
        status = self.runner.wait(PATIENCE_S)
        assert status == 0, self._log.read_text()[-2000:]
        session = self.session()
        assert session["status"] == "completed"
        with sqlite3.connect(self.sink) as connection:
            found = connection.execute(
                f'SELECT partition, at FROM "seen@{session["id"]}" ORDER BY 1, 2'
            ).fetchall()
            (skipped,) = connection.execute(
                "SELECT sum(skipped) FROM anabranch_offsets WHERE line = ?", (session["id"],)
            ).fetchone()
        assert found == [(p, at) for p in range(PARTITIONS) for at in range(RECORDS // PARTITIONS)]
        assert skipped == 0
        assert self.positions() == self.live  # I7
        return session


@pytest.fixture
def replay(broker: BrokerProcess, tmp_path: Path) -> Iterator[Replay]:
    made = Replay(broker, tmp_path)
    yield made
    if made.runner is not None and made.runner.poll() is None:
        made.runner.kill()
        made.runner.wait()
    for session in made.sessions():  # a test that failed half-way leaves no command behind
        for run in session["runs"]:
            process = msgspec.convert(run["process"], Process)
            if processes.lives(process):
                os.killpg(process.pid, signal.SIGKILL)


def test_I7_the_broker_is_killed_twice(replay: Replay) -> None:
    replay.run()
    for share in (0.2, 0.6):
        replay.share_done(share)
        replay.broker.kill()
        time.sleep(1)
        replay.broker.start()
    assert len(replay.finish()["runs"]) == 1


def test_I7_the_processor_is_killed_twice(replay: Replay) -> None:
    replay.run()
    for share in (0.2, 0.6):
        session = replay.share_done(share)
        os.kill(session["runs"][-1]["process"]["pid"], signal.SIGKILL)
        replay.wait(lambda found, before=session: len(found["runs"]) > len(before["runs"]))  # type: ignore[misc]
    assert [run["exit_status"] for run in replay.finish()["runs"][:2]] == [-9, -9]


def test_I7_the_runner_is_killed_and_its_command_lives_on(replay: Replay) -> None:
    replay.run()
    session = replay.share_done(0.2)
    assert replay.runner is not None
    replay.runner.kill()
    replay.runner.wait()
    refused = replay.anabranch("replay", "--resume", session["id"])
    assert refused.returncode == 1 and "running already" in refused.stderr
    orphan = msgspec.convert(session["runs"][-1]["process"], Process)
    assert processes.lives(orphan)
    time.sleep(LEASE_MS / 1000)
    replay.start("--resume", session["id"], "--data", str(replay.broker.data))
    finished = replay.finish()
    assert len(finished["runs"]) == 2
    assert not processes.lives(orphan)


def test_a_replay_is_paused_and_resumed_by_commands(replay: Replay) -> None:
    replay.run()
    session = replay.share_done(0.1)
    assert replay.anabranch("replay", "--pause", session["id"]).returncode == 0
    paused = replay.wait(lambda found: found["status"] == "paused")
    time.sleep(2)
    before = replay.session()["samples"][-1]
    time.sleep(3)
    assert replay.session()["samples"][-1][1] == before[1] > 0
    resumed = replay.anabranch("replay", "--resume", session["id"])
    assert resumed.returncode == 0 and "goes on where it was" in resumed.stdout
    watched = replay.anabranch("replay", "--watch", session["id"], "--output", "json")
    assert watched.returncode == 0 and json.loads(watched.stdout)["status"] == "completed"
    assert replay.finish()["runs"][0]["process"] == paused["runs"][0]["process"]
