"""Kafka Streams with exactly_once_v2: broker and application killed, state rebuilt from its changelog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.clients.members import SESSION_MS
from tests.clients.totals import PAUSE_SECONDS, Totals, through_two_deaths
from tests.support.peers import App, Node
from tests.support.peers.java import compiled, java, log4j_config

pytestmark = pytest.mark.timeout(400)
JVM = ["-Xmx256M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
TERMINATED = 128 + 15


def test_exactly_once_with_the_state_directory_gone(node: Node, name: str, tmp_path: Path) -> None:
    totals = Totals(node, name)
    state = tmp_path / "state"
    options = {
        "bootstrap": node.bootstrap,
        "group": name,
        "state": str(state),
        "source": totals.source,
        "sink": totals.sink,
        "pause_ms": int(PAUSE_SECONDS * 1000),
        "session_ms": SESSION_MS,
        "heartbeat_ms": SESSION_MS // 6,
    }
    program = Path(__file__).parent / "streams" / "StreamsTotals.java"
    command = [
        *(java(), *JVM, f"-Dlog4j2.configurationFile={log4j_config('WARN')}"),
        *("-cp", compiled("kafka-streams", program), program.stem, json.dumps(options)),
    ]
    with App(command, tmp_path / "app") as app:
        through_two_deaths(totals, app, positions=dict, lost=state, exactly_once=True)
        assert app.stop() == TERMINATED, app.tail()
    totals.check_exactly_once()
