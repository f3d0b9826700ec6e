"""A shadow from start to promotion: a corrected processor on the live topic, beside the live one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.records.builder import build_batch
from anabranch.records.record import Record

from .test_commands import Shell, populate

# Reads the live topic on and on: 2 where the live processor (test_commands.populate) writes 1.
PROCESSOR = """
import asyncio, json, os, signal, sys, time
from pathlib import Path
from anabranch.log.opening import open_log
from anabranch.metastore.api import Actor, Committed, OffsetAction
from anabranch.recovery.sinks.source import sources_from_environment
from anabranch.recovery.sinks.sqlite import SqliteSink
(topic_name, _), = json.loads(os.environ["ANABRANCH_TOPICS"]).items()
assert os.environ["ANABRANCH_END_OFFSETS"] == "{}"
at = json.loads(os.environ["ANABRANCH_START_OFFSETS"])[topic_name]["0"]
going = True
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
async def main():
    global at
    log = await open_log(Path(sys.argv[1]), broker_id=None)
    sink = SqliteSink.open(os.environ["ANABRANCH_SINK"], {"seen": "at INTEGER PRIMARY KEY, n INTEGER"},
                           sources_from_environment(os.environ), line=os.environ["ANABRANCH_STAGING"])
    topic = log.catalogue.topic(topic_name)
    actor = Actor("User:x", "x", "h", api="OffsetCommit")
    at = sink.position(topic_name, 0) or at
    while going:
        if "fail" in sys.argv:
            sys.exit("no enrichment table")
        end = (await log.metastore.partition(topic.no, 0)).next_offset
        if at < end:
            with sink.transaction() as tx:
                for offset in range(at, end):
                    if tx.fresh(topic_name, 0, offset):
                        tx.execute(f"INSERT INTO {tx.table('seen')} VALUES (?, 2)", (offset,))
            at = end
            now = time.time_ns() // 1_000_000
            await log.metastore.commit_offsets(os.environ["ANABRANCH_GROUP"],
                [Committed(topic.no, 0, at, -1, "", now)], OffsetAction.COMMIT, actor, now)
        await asyncio.sleep(0.05)
    sink.close()
    await log.close()
asyncio.run(main())
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    populate(shell)
    yield shell


def appended(shell: Shell, count: int) -> None:
    async def main() -> None:
        log = await open_log(
            shell.data, broker_id=1, host="127.0.0.1", port=9092,
            settings=LogSettings(background=False, wal_file_bytes=1 << 20),
        )  # fmt: skip
        topic = log.catalogue.topic("flights")
        assert topic is not None
        records = [Record(n, n, b"k", b"v", ()) for n in range(count)]
        await log.append(topic, 0, memoryview(bytearray(build_batch(records))))
        await log.close()

    asyncio.run(main())


def eventually(look: Any, wanted: Any) -> None:
    deadline = time.monotonic() + 60
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)


def started(shell: Shell, *words: str) -> subprocess.Popen[bytes]:
    script = shell.root / "processor.py"
    script.write_text(PROCESSOR)
    command = [sys.executable, "-m", "anabranch.cli.main", "shadow", "start", "fixed"]
    command += ["--group", "view", "--sink", f"sqlite:{shell.sink}", "--bootstrap", "localhost:1"]
    command += ["--data", str(shell.data), "--output", "json", *words]
    command += ["--", sys.executable, str(script), str(shell.data)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ})


def test_I7_a_shadow_goes_on_with_live_and_takes_over_exactly_where_it_stands(
    shell: Shell,
) -> None:
    shell.text("point", "create", "start", "--group", "view", "--offset", "flights:0=0")
    process = started(shell, "--point", "start")
    try:

        def stands() -> int:
            (one,) = shell.json("shadow", "list") or [{"lags": []}]
            return sum(each["shadow"] for each in one["lags"])

        eventually(stands, 100)
        appended(shell, 10)  # live goes on, and the shadow with it
        eventually(stands, 110)
        live = shell.json("explain", "view")["partitions"][0]
        assert live["position"] == 90, "the live group is not touched"
        stopped = shell.json("shadow", "stop", "fixed")
        assert process.wait(60) == 0
    finally:
        process.kill()
    session = stopped["session"]
    assert stopped["state"] == "stopped" and session == stopped["sink"]["line"]
    words = (f"sqlite:{shell.sink}#seen", f"sqlite:{shell.sink}#seen@{session}", "--key", "at")
    shown = shell.text("verify", *words, "--expect", "keys where right_n = 2")
    assert "AS EXPECTED" in shown and "20 only right" in shown
    text = shell.text("promote", session, "--dry-run")
    assert "Would promote" in text and f"line {session}" in text and "110" in text
    assert shell.json("explain", "view")["partitions"][0]["position"] == 90, "nothing was changed"
    text = shell.text("promote", session)
    assert "tables swapped: seen" in text and "90" in text and "110" in text
    assert "Undid" in shell.text("promote", session, "--undo")
    assert "stopped already" in shell.text("shadow", "stop", "fixed", status=1)


def test_a_command_that_ends_by_itself_has_failed_and_may_go_on(shell: Shell) -> None:
    script = shell.root / "processor.py"
    script.write_text(PROCESSOR)
    words = ["shadow", "start", "fixed", "--group", "view", "--sink", f"sqlite:{shell.sink}"]
    words += ["--bootstrap", "localhost:1", "--since", "now", "--"]
    text = shell.text(*words, sys.executable, str(script), str(shell.data), "fail", status=1)
    assert "no enrichment table" in text
    (one,) = shell.json("shadow", "list")
    assert one["state"] == "failed"
    stopped = shell.json("shadow", "stop", "fixed")
    assert stopped["state"] == "stopped"
    assert "there is no shadow" in shell.text("shadow", "stop", "other", status=1)


def test_a_shadow_that_cannot_begin_says_why(shell: Shell) -> None:
    start = ("shadow", "start", "x", "--bootstrap", "localhost:1")
    for words, sentence in (
        (("--group", "nobody"), "had committed nothing"),
        (("--group", "view", "--point", "none"), "no recovery point"),
        (("--group", "view", "--point", "a", "--since", "now"), "one of"),
        (("--group", "view", "--sink", "view.db"), "sqlite:PATH"),
    ):
        assert sentence in shell.text(*start, *words, "--", "true", status=1), words
    assert json.loads(shell.text("shadow", "list", "--output", "json")) == []
