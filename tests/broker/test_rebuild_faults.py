"""Rebuild and check against a bucket that fails, and a rebuild that dies half-way (I9)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anabranch.log.location import Location
from anabranch.log.rebuild.opening import rebuild_cluster
from anabranch.log.rebuild.report import quiet
from anabranch.log.settings import LogSettings
from tests.broker.test_rebuild_places import consume, create, produce
from tests.support.broker import BrokerThread
from tests.support.postgres import postgres_url
from tests.support.s3 import BUCKET, S3Place
from tests.support.s3_proxy import FaultyS3

FAULTS = {"refuse": 0.2, "lose": 0.05, "drop": 0.05}


def anabranch(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """The command as a process; ``before`` is Python that runs in it first."""
    program = f"{before}\nfrom anabranch.cli.main import main\nmain({list(arguments)!r})"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ)
    )


@pytest.fixture
def trouble(s3: S3Place) -> Iterator[FaultyS3]:
    proxy = FaultyS3(s3.endpoint, FAULTS, seed=5)
    yield proxy
    proxy.close()


def test_I9_a_bucket_that_answers_503_is_waited_for(
    s3: S3Place, trouble: FaultyS3, tmp_path: Path
) -> None:
    troubled = f"s3://{BUCKET}/{s3.prefix}?endpoint={trouble.endpoint}"
    log = LogSettings(merge_age_ms=300, background_interval_ms=100, wal_linger_ms=5)
    trouble.calm = True
    options: dict[str, Any] = {"store": troubled, "wal": troubled, "log": log}
    with BrokerThread(tmp_path / "old", **options) as broker:
        create(broker.address, "events")
        for batch in range(10):
            produce(broker.address, 10 * batch, 10 * batch + 10)
        first = consume(broker.address, 40)
    trouble.calm = False
    new = Location(metastore=str(tmp_path / "new.db"), store=troubled, wal=troubled)
    report = asyncio.run(rebuild_cluster(new, quiet, verify=True))
    assert report.exact, report.findings
    assert trouble.injected["refuse"] > 3
    done = anabranch("check", "--metastore", str(tmp_path / "new.db"))
    assert done.returncode == 0, done.stdout + done.stderr
    trouble.calm = True
    with BrokerThread(tmp_path / "new", metastore=str(tmp_path / "new.db"), **options) as broker:
        assert first | consume(broker.address, 60) == {*range(100)}


def test_a_store_that_is_not_there_is_said_in_one_sentence(s3: S3Place, tmp_path: Path) -> None:
    nobody = f"s3://{BUCKET}/x?endpoint=http://127.0.0.1:9"
    for command in ("rebuild", "check"):
        done = anabranch(command, "--metastore", str(tmp_path / "m.db"), "--store", nobody,
                         "--wal", nobody)  # fmt: skip
        assert done.returncode == 2, done
        assert done.stderr.startswith("Error: ") and "Traceback" not in done.stderr
    assert not (tmp_path / "m.db").exists()


# Where a rebuild dies: as by kill -9, nothing of Python's runs any more.
DIE = """
import os
from anabranch.log.rebuild import opening
def die(*_, **__): os._exit(9)
def first(then):
    def do(*arguments, **options):
        then(*arguments, **options)
        die()
    return do
"""
DEATHS = {
    "before the old brokers are fenced off": "opening._fence = die",
    "between the identities of WAL and store": "opening.replace_identity = die",
    "before the file takes its place": "opening._fence = first(opening._fence)",
    "while the database is filled": """
from anabranch.metastore import transplant
seen = []
def islice(rows, count, real=transplant.islice):
    seen.append(rows)
    return die() if len(seen) > 12 else real(rows, count)
transplant.islice = islice
""",
}


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@pytest.mark.parametrize("death", DEATHS)
def test_I9_a_rebuild_that_died_can_be_begun_again(death: str, engine: str, tmp_path: Path) -> None:
    if engine == "sqlite" and "database" in death:
        pytest.skip("a file takes its place in one step")
    metastore = postgres_url() if engine == "postgres" else str(tmp_path / "new.db")
    places = {"store": f"file://{tmp_path}/store", "wal": f"file://{tmp_path}/wal"}
    with BrokerThread(tmp_path, metastore=str(tmp_path / "old.db"), **places) as broker:
        create(broker.address, "events")
        produce(broker.address, 0, 50)
        first = consume(broker.address, 20)
    arguments = ["rebuild", "--metastore", metastore]
    for option, url in places.items():
        arguments += [f"--{option}", url]
    died = anabranch(*arguments, before=DIE + DEATHS[death])
    assert died.returncode == 9, died.stderr
    done = anabranch(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    with BrokerThread(tmp_path, metastore=metastore, **places) as broker:
        produce(broker.address, 50, 60)
        assert first | consume(broker.address, 40) == {*range(60)}
    assert not list(tmp_path.glob("*.rebuilding*"))
