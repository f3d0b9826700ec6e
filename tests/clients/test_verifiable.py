"""Kafka's verifiable producer and consumer, as its own system tests run them: broker and member killed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.clients.failover import through_two_deaths
from tests.support.peers import App, Node, tool_command

pytestmark = pytest.mark.timeout(240)
TERMINATED = 128 + 15  # a JVM's own status after SIGTERM
THROUGHPUT = 300  # records per second


class Verifiable(App):
    """One of the two tools, its events in the words of the other clients' drivers."""

    def events(self) -> list[dict[str, Any]]:
        return [told for event in super().events() if (told := self._translated(event))]

    def _translated(self, event: dict[str, Any]) -> dict[str, Any] | None:
        match event["name"]:
            case "producer_send_success":
                return {**event, "event": "acked", "value": int(event["value"])}
            case "record_data":
                return {**event, "event": "record", "value": int(event["value"])}
            case "partitions_assigned":
                partitions = [each["partition"] for each in event["partitions"]]
                return {"event": "assigned", "partitions": partitions}
        return None

    def stop(self, seconds_max: float = 30) -> int:
        status = super().stop(seconds_max)
        return 0 if status == TERMINATED else status


def start(verb: str, options: Mapping[str, Any], output: Path) -> App:
    arguments = ["--bootstrap-server", options["bootstrap"], "--topic", options["topic"]]
    config = output.with_suffix(".properties")
    if verb == "pace":
        # The tool takes the client's own retries away.
        config.write_text("retries=2147483647\nenable.idempotence=true\n")
        arguments += ["--acks", "-1", "--max-messages", str(options["count"])]
        # Keys, or every batch would go to one partition after the other.
        arguments += ["--throughput", str(THROUGHPUT), "--repeating-keys", "97"]
        tool = "VerifiableProducer"
    else:
        config.write_text(f"heartbeat.interval.ms={options['heartbeat_ms']}\n")
        arguments += ["--group-id", options["group"], "--verbose"]
        arguments += ["--session-timeout", str(options["session_ms"])]
        tool = "VerifiableConsumer"
    command = tool_command(tool, [*arguments, "--command-config", str(config)])
    return Verifiable(command, output)


def test_I1_I4_I5_broker_and_member_killed(node: Node, name: str, tmp_path: Path) -> None:
    through_two_deaths(start, node, name, tmp_path)
