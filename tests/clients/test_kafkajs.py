"""kafkajs: idempotent producer and group, with the broker and a member killed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.clients.failover import through_two_deaths
from tests.support.peers import App, KafkaNode, Node, node_command

pytestmark = pytest.mark.timeout(200)
WORKERS = 4  # sends at a time
# A client that finds nobody at five tries ends with an error; a Kafka node is not back by then.
PATIENCE = {"retries": 50, "maxRetryTime": 1000}


def test_I1_I4_I5_broker_and_member_killed(node: Node, name: str, tmp_path: Path) -> None:
    def start(verb: str, options: Mapping[str, Any], output: Path) -> App:
        command, environment = node_command(Path(__file__).parent / "kafkajs" / "driver.js")
        chosen: dict[str, Any] = {**options, "workers": WORKERS}
        if isinstance(node, KafkaNode):
            chosen["retry"] = PATIENCE
        return App([*command, verb, json.dumps(chosen)], output, environment=environment)

    through_two_deaths(start, node, name, tmp_path)
