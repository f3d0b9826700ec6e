"""The whole recovery with a real broker, librdkafka and processes that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import Producer
from examples.flights import dataset, truth
from pyarrow import feather
from tests.support.broker import BrokerProcess

ROOT = Path(__file__).parents[2]
LAST_DAY = "2013-01-04"  # three days: some 2,700 flights


class Bench:
    """A broker with three days of flights, and ``anabranch`` on its data."""

    def __init__(self, root: Path, broker: BrokerProcess, table: pa.Table) -> None:
        self.root, self.broker, self.table = root, broker, table
        self.view = root / "view.db"
        self.environ = {**os.environ, "ANABRANCH_DATA": str(broker.data), "PYTHONPATH": str(ROOT)}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", *words], env=self.environ, text=True, cwd=self.root,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *words: str, status: int = 0) -> str:
        process = self.start("anabranch.cli.main", *words)
        said, _ = process.communicate(timeout=100)
        assert process.returncode == status, said
        return said

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--output", "json"))

    def processor(self, version: str) -> subprocess.Popen[str]:
        return self.start(
            "examples.flights.processor", "--version", version, "--sink", str(self.view),
            "--bootstrap", self.broker.address,
        )  # fmt: skip

    def lag(self, group: str) -> int:
        found = self.json("group", "list")
        return next((g["lag"] for g in found if g["group"] == group and g["offsets"]), 1 << 30)

    def until(self, condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def verify(self, table: str, status: int) -> str:
        return self.run(
            "verify", f"sqlite:{self.view}#{table}", str(self.root / "truth.arrow"),
            "--key", "carrier,day", "--tolerance", "1e-9", status=status,
        )  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    broker = BrokerProcess(tmp_path / "data")
    broker.start()
    try:
        table = dataset.load()
        bench = Bench(tmp_path, broker, table)
        bench.run("topic", "create", "flights", "-p", "3", "--config", "retention.ms=-1")
        producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 20})
        for event in dataset.events(table, before_day=LAST_DAY):
            producer.produce("flights", event.value, event.key, timestamp=event.timestamp)
        assert producer.flush(30) == 0
        feather.write_feather(truth.daily(table, LAST_DAY), tmp_path / "truth.arrow")
        yield bench
    finally:
        broker.stop()


def test_I7_a_killed_replay_resumes_and_is_promoted_without_gap_or_duplicate(bench: Bench) -> None:
    broken = bench.processor("2")
    bench.until(lambda: bench.lag("flights-view") == 0, broken)
    broken.terminate()
    broken.wait()
    assert "DIFFERENT" in bench.verify("daily", status=1)
    before = bench.json("group", "describe", "flights-view")["offsets"]

    sink = f"sqlite:{bench.view}"
    plan = bench.json("plan", "flights-view", "--from-start", "--sink", sink, "--rate", "80k")
    replaying = bench.start(
        "anabranch.cli.main", "replay", plan["id"], "--sink", sink, "--bootstrap",
        bench.broker.address, "--", sys.executable, "-m", "examples.flights.processor",
        "--version", "3",
    )  # fmt: skip
    # Killed once it has done something, with its command left running: the worst of cases.
    bench.until(
        lambda: any(
            sample[1] < plan["volume"]["records"]
            for session in bench.json("replay", "--list")
            for sample in session["samples"]
        ),
        replaying,
    )
    replaying.send_signal(signal.SIGKILL)
    replaying.wait()
    (session,) = bench.json("replay", "--list")
    assert session["status"] == "running"
    after = bench.json("group", "describe", "flights-view")["offsets"]
    assert [o["offset"] for o in after] == [o["offset"] for o in before], "the live group moved"
    assert "DIFFERENT" in bench.verify("daily", status=1), "the live view is as it was"

    deadline = time.monotonic() + 40
    while True:  # until the dead runner's lease is over
        process = bench.start("anabranch.cli.main", "replay", "--resume", session["id"])
        said, _ = process.communicate(timeout=100)
        if process.returncode == 0 or time.monotonic() > deadline:
            break
        assert "running already" in said, said
        time.sleep(1)
    assert "completed" in said, said
    assert "EQUAL" in bench.verify(f"daily@{session['id']}", status=0)

    bench.run("promote", session["id"])
    fixed = bench.processor("3")
    bench.until(lambda: bench.lag("flights-view") == 0, fixed)
    fixed.terminate()
    fixed.wait()
    assert "EQUAL" in bench.verify("daily", status=0)
    explained = bench.json("explain", "flights-view", "--sink", sink)
    assert explained["verdict"]["kind"] == "safe" and explained["verdict"]["records"] == 0
