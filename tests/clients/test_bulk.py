"""Bulk rebuilds on Ray Data and Spark: every record of a plan once, read from the bucket by other processes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.support.peers import ROOT, python

from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Actor, Committed, OffsetAction
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.plans import planning
from anabranch.recovery.replays import sessions

pytestmark = pytest.mark.timeout(600)  # installing them takes minutes the first time

T0 = 1_700_000_000_000
PARTITIONS, BATCHES, RECORDS, KEYS = 3, 40, 25, 7
ACTOR = Actor("User:test", "test", "/127.0.0.1", api="OffsetCommit")


async def prepare(data: Path) -> str:
    """A topic, and a plan to read all of it."""
    log = await open_log(data, broker_id=1, create=True, settings=LogSettings(background=False))
    try:
        topic = await log.create_topic("payments", PARTITIONS, {"retention.ms": "-1"})
        for number in range(BATCHES):
            batch = [
                Record(n, T0 + n, b"k%d" % ((number + n) % KEYS), b"%d" % (number * n), ())
                for n in range(RECORDS)
            ]
            blob = memoryview(bytearray(build_batch(batch)))
            await log.append(topic, number % PARTITIONS, blob)
        ends = [Committed(topic.no, p, 1, -1, "", T0) for p in range(PARTITIONS)]
        await log.metastore.commit_offsets("view", ends, OffsetAction.COMMIT, ACTOR, T0)
        plan = await planning.plan_recovery(
            log.metastore, group="view", now_ms=T0, creator="test", from_start=True
        )
        return plan.id
    finally:
        await log.close()


async def completed(data: Path, identity: str) -> bool:
    log = await open_log(data, broker_id=None)
    try:
        return (await sessions.find(log.metastore, identity)).status.value == "completed"
    finally:
        await log.close()


@pytest.mark.parametrize(("engine", "environment"), [("ray", "ray"), ("spark", "spark-bulk")])
def test_every_record_once(tmp_path: Path, engine: str, environment: str) -> None:
    data = tmp_path / "data"
    plan = asyncio.run(prepare(data))
    program = Path(__file__).parent / "apps" / f"bulk_{engine}.py"
    interpreter = str(python(environment))
    done = subprocess.run(
        [interpreter, str(program), json.dumps({"data": str(data), "plan": plan})],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "PYSPARK_PYTHON": interpreter,  # Spark's workers are the path's python3 otherwise
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    expected: dict[str, list[int]] = {}
    for number in range(BATCHES):
        for n in range(RECORDS):
            one = expected.setdefault(f"k{(number + n) % KEYS}", [0, 0])
            one[0] += 1
            one[1] += number * n
    assert answer["totals"] == expected and answer["splits"] >= PARTITIONS
    assert asyncio.run(completed(data, answer["session"]))
