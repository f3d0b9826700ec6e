"""Spark Structured Streaming: goes on from its checkpoint after the broker and the application died."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.clients.totals import Totals, through_two_deaths
from tests.support.peers import App, Node, python
from tests.support.peers.java import class_path

pytestmark = pytest.mark.timeout(400)
BATCH_RECORDS = 30


def finished(checkpoint: Path, topic: str) -> dict[int, int]:
    """Offsets, by partition, up to which micro-batches had finished."""
    batches = [int(each.name) for each in (checkpoint / "commits").glob("[0-9]*")]
    if not batches:
        return {}
    # Version, metadata and then one line for each source.
    document = json.loads((checkpoint / "offsets" / str(max(batches))).read_text().splitlines()[-1])
    return {int(partition): offset for partition, offset in document[topic].items()}


def test_goes_on_from_its_checkpoint(node: Node, name: str, tmp_path: Path) -> None:
    totals = Totals(node, name, each_told=False)
    checkpoint = tmp_path / "checkpoint"
    options = {
        "bootstrap": node.bootstrap,
        "source": totals.source,
        "sink": totals.sink,
        "state": str(checkpoint),
        "batch": BATCH_RECORDS,
        "jars": class_path("spark-kafka").replace(":", ","),
    }
    program = Path(__file__).parent / "apps" / "spark_totals.py"
    command = [str(python("spark")), str(program), json.dumps(options)]
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    with App(command, tmp_path / "app", environment=environment) as app:
        again = through_two_deaths(
            totals, app, positions=lambda: finished(checkpoint, totals.source)
        )
    totals.check_at_least_once(again)
