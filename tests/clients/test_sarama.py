"""sarama: idempotent producer and group, with the broker and a member killed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.clients.failover import through_two_deaths
from tests.support.peers import App, Node, sarama_binary

pytestmark = pytest.mark.timeout(200)


# The protocol of Kafka 2.1 unless told otherwise, however new the broker is.
@pytest.mark.parametrize("version", ["default", "newest"])
def test_I1_I4_I5_broker_and_member_killed(
    version: str, node: Node, name: str, tmp_path: Path
) -> None:
    def start(verb: str, options: Mapping[str, Any], output: Path) -> App:
        chosen = json.dumps({**options, "version": version})
        return App([str(sarama_binary()), verb, chosen], output)

    through_two_deaths(start, node, name, tmp_path)
