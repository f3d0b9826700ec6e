"""A lost object under running brokers and a real client: it fails its range, is listed, and is skipped."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from anabranch.cli.main import cli
from anabranch.log.settings import LogSettings
from tests.support.broker import BrokerThread
from tests.support.postgres import postgres_url

# Everything is read from the store soon, and segments stay as they are.
SETTINGS = LogSettings(
    wal_file_bytes=4 << 20,
    merge_age_ms=100,
    background_interval_ms=100,
    tail_bytes_max=1,
    consolidate_fan_in=1000,
)
PATIENCE_S = 60


class Shell:
    """``anabranch …`` beside the broker."""

    def __init__(self, data: Path, metastore: str | None) -> None:
        self.env = {"ANABRANCH_DATA": str(data)}
        if metastore is not None:
            self.env["ANABRANCH_METASTORE"] = metastore

    def __call__(self, *words: str) -> Result:
        return CliRunner(env=self.env).invoke(cli, list(words))

    def json(self, *words: str) -> Any:
        result = self(*words, "--output", "json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def segments(self) -> list[dict[str, Any]]:
        result = self("log", "dump", "t", "--output", "json")
        assert result.exit_code == 0, result.output
        lines = map(json.loads, result.stdout.splitlines())
        return [line for line in lines if line["type"] == "extent" and line["kind"] == "segment"]


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_consumer_goes_on_behind_a_lost_range_once_it_is_skipped(
    tmp_path: Path, engine: str
) -> None:
    from confluent_kafka import Consumer, Producer, TopicPartition

    metastore = postgres_url() if engine == "postgres" else None
    shell = Shell(tmp_path, metastore)

    def consumer_at(offset: int) -> Any:
        consumer = Consumer(
            {
                "bootstrap.servers": broker.address,
                "group.id": "g",
                "fetch.error.backoff.ms": 50,
                "auto.offset.reset": "error",
            }
        )
        consumer.assign([TopicPartition("t", 0, offset)])
        return consumer

    def receive(consumer: Any, count: int, seconds: float = PATIENCE_S) -> list[int]:
        """Offsets of what comes, up to ``count``."""
        offsets: list[int] = []
        deadline = time.monotonic() + seconds
        while len(offsets) < count and time.monotonic() < deadline:
            found = consumer.consume(count - len(offsets), 0.2)
            offsets += [each.offset() for each in found if each.error() is None]
        return offsets

    with BrokerThread(tmp_path, log=SETTINGS, metastore=metastore) as broker:
        producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 5})
        for group in range(3):
            for number in range(50):
                producer.produce("t", b"%d" % (50 * group + number), partition=0)
            assert producer.flush(PATIENCE_S) == 0
            for _ in range(PATIENCE_S * 10):
                segments = shell.segments()
                if segments and segments[-1]["last_offset"] == 50 * group + 49:
                    break
                time.sleep(0.1)
        lost = next(each for each in segments if each["base_offset"] <= 50 <= each["last_offset"])
        first, last = lost["base_offset"], lost["last_offset"]
        assert first >= 50 and last == 99
        (tmp_path / "store" / lost["object"]).unlink()

        stuck = consumer_at(0)
        assert receive(stuck, first) == list(range(first)), "what lies before it is read"
        assert receive(stuck, 1, 1) == [], "and it waits there"
        behind = consumer_at(100)
        assert receive(behind, 50) == list(range(100, 150)), "and what lies behind it"

        for _ in range(PATIENCE_S * 10):
            listed = shell.json("log", "damage", "list", "t")
            if listed:
                break
            time.sleep(0.1)
        (entry,) = listed
        assert (entry["topic"], entry["partition"]) == ("t", 0)
        assert (entry["first_offset"], entry["last_offset"]) == (first, last)
        assert (entry["cause"], entry["object"]) == ("lost-object", lost["object"])
        assert entry["records"] == last + 1 - first
        assert lost["object"] in shell("log", "damage", "list").output

        skip = ["log", "damage", "skip", "t", "0", "--reason", "INC-7: gone", "--yes"]
        plan = shell("plan", "g", "--topic", "t", "--from-start")
        assert f"offsets {first} to {last} cannot be read (lost-object)" in plan.output
        refused = shell(*skip, "--from", str(first + 1), "--to", str(last))
        assert refused.exit_code == 1 and "one damaged range" in refused.output
        refused = shell(*skip, "--from", "100", "--to", "149")
        assert refused.exit_code == 1 and "read well" in refused.output
        done = shell(*skip, "--from", str(first), "--to", str(last))
        assert done.exit_code == 0 and "1 ranges skipped" in done.output

        expected = [*range(50, first), *range(100, 150)]
        assert receive(stuck, len(expected)) == expected, "it goes on by itself"
        inside = consumer_at(last - 3)
        assert receive(inside, 50) == list(range(100, 150))
        for consumer in (stuck, behind, inside):
            consumer.close()

        assert shell.json("log", "damage", "list") == []
        assert "nothing damaged" in shell("log", "damage", "list", "--verify").output
        (line,) = shell.json("log", "damage", "list", "--skipped")
        assert line["reason"] == "INC-7: gone" and line["principal"] and line["host"]
        assert "INC-7: gone" in shell("log", "damage", "list", "t", "--skipped").output
        described = shell("topic", "describe", "t").output
        assert "lost-object" in described and "INC-7: gone" in described
        plan = shell("plan", "g", "--topic", "t", "--from-start")
        assert f"offsets {first} to {last} are gone (lost-object)" in plan.output
        assert "cannot be read" not in plan.output
