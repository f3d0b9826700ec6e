"""A Kafka Connect worker in distributed mode."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.peers.app import App
from tests.support.peers.java import class_path, java, log4j_config
from tests.support.peers.node import free_port

JVM = ["-Xmx384M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
ANSWER_SECONDS_MAX = 60  # a worker answers configuration changes after the rebalance they cause


class ConnectWorker(App):
    """``connect-distributed`` with the properties given; its REST listener is on loopback."""

    def __init__(self, properties: Mapping[str, str], directory: Path, name: str) -> None:
        self.port = free_port()
        config = directory / f"{name}.properties"
        listeners = {"listeners": f"http://127.0.0.1:{self.port}"}
        advertised = {"rest.advertised.host.name": "127.0.0.1"}
        lines = {**properties, **listeners, **advertised}.items()
        config.write_text("".join(f"{key}={value}\n" for key, value in lines))
        command = [
            *(java(), *JVM, f"-Dlog4j2.configurationFile={log4j_config('WARN')}"),
            *("-cp", class_path("kafka-connect")),
            *("org.apache.kafka.connect.cli.ConnectDistributed", str(config)),
        ]
        super().__init__(command, directory / name)

    @property
    def address(self) -> str:
        """As Connect names the worker in its answers."""
        return f"127.0.0.1:{self.port}"

    def ask(self, path: str, body: Mapping[str, Any] | None = None, method: str = "") -> Any:
        """The REST interface's answer; None while it has none (starting, rebalancing, not found)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://{self.address}{path}",
            data,
            {"Content-Type": "application/json"},
            method=method or ("GET" if data is None else "POST"),
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:
                return json.loads(answer.read() or b"null")
        except (OSError, urllib.error.HTTPError):
            return None
