"""Quix Streams: state in a changelog topic, rebuilt from it after the application and its disk are gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.clients.contents import committed
from tests.clients.members import SESSION_MS
from tests.clients.totals import COMMIT_SECONDS, PAUSE_SECONDS, Totals, through_two_deaths
from tests.support.peers import App, KafkaNode, Node, python

pytestmark = pytest.mark.timeout(200)


def test_state_comes_back_from_the_changelog(node: Node, name: str, tmp_path: Path) -> None:
    totals = Totals(node, name)
    state = tmp_path / "state"
    options = {
        "bootstrap": node.bootstrap,
        "group": name,
        "state": str(state),
        "source": totals.source,
        "sink": totals.sink,
        "guarantee": "at-least-once",
        "session_ms": SESSION_MS,
        "commit_seconds": COMMIT_SECONDS,
        "pause_seconds": PAUSE_SECONDS,
    }
    program = Path(__file__).parent / "apps" / "quix_totals.py"
    command = [str(python("quix")), str(program), json.dumps(options)]
    with App(command, tmp_path / "app") as app:
        again = through_two_deaths(
            totals,
            app,
            positions=lambda: committed(node.bootstrap, name, totals.source),
            lost=state,
            # It looks for a changelog topic right after making it, and ends when that is not yet known.
            revive=isinstance(node, KafkaNode),
        )
        assert app.stop() == 0, app.tail()
    totals.check_at_least_once(again)
