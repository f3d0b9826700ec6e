"""Quix Streams: state in a changelog topic, rebuilt from it after the application and its disk are gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.clients.contents import committed
from tests.clients.totals import COMMIT_SECONDS, PAUSE_SECONDS, Totals, through_two_deaths
from tests.support.peers import App, KafkaNode, Node, python

pytestmark = pytest.mark.timeout(200)
# librdkafka may take 10 s to come back to a broker; a member whose session ended has its commit refused,
# and Quix Streams then ends.
SESSION_MS = 15_000


@pytest.mark.parametrize("guarantee", ["at-least-once", "exactly-once"])
def test_state_comes_back_from_the_changelog(
    guarantee: str, node: Node, name: str, tmp_path: Path
) -> None:
    totals = Totals(node, name)
    state = tmp_path / "state"
    options = {
        "bootstrap": node.bootstrap,
        "group": name,
        "state": str(state),
        "source": totals.source,
        "sink": totals.sink,
        "guarantee": guarantee,
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
            exactly_once=guarantee == "exactly-once",
            revive=isinstance(node, KafkaNode),
        )
        assert app.stop() == 0, app.tail()
    if guarantee == "exactly-once":
        totals.check_exactly_once()
    else:
        totals.check_at_least_once(again)
