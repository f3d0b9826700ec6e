"""Bytewax: state and positions from its recovery store, after the broker and the application died."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.clients.totals import COMMIT_SECONDS, PAUSE_SECONDS, Totals, through_two_deaths
from tests.support.peers import App, Node, python

pytestmark = pytest.mark.timeout(200)


def test_goes_on_from_its_recovery_store(node: Node, name: str, tmp_path: Path) -> None:
    totals = Totals(node, name)
    state = tmp_path / "recovery"
    state.mkdir()
    options = {
        "bootstrap": node.bootstrap,
        "state": str(state),
        "source": totals.source,
        "sink": totals.sink,
        "commit_seconds": COMMIT_SECONDS,
        "pause_seconds": PAUSE_SECONDS,
    }
    program = Path(__file__).parent / "apps" / "bytewax_totals.py"
    command = [str(python("bytewax")), str(program), json.dumps(options)]
    with App(command, tmp_path / "app") as app:
        # Its positions are in its own store: a group has none, so anything may come again.
        through_two_deaths(totals, app, positions=dict, revive=True)
        app.kill()
    totals.check_at_least_once(totals.expected.keys())
