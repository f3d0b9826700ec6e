"""What clients measure goes through the broker to the operator's collector (KIP-714)."""

from __future__ import annotations

import time

from tests.broker.test_telemetry import collector
from tests.clients.conftest import make_topic
from tests.support.peers import AnabranchNode
from tests.support.peers.tools import run_tool


def test_librdkafka_and_java_push_what_they_were_asked_for(name: str) -> None:
    """The subscription is made by Kafka's own tool; both libraries push by themselves, without a setting."""
    from confluent_kafka import Producer

    with (
        collector() as (url, posted),
        AnabranchNode(settings={"telemetry": {"endpoint": url}}) as node,
    ):
        where = ["--bootstrap-server", node.bootstrap]
        wanted = ["--name", "all", "--metrics", "*", "--interval", "500"]
        run_tool("ClientMetricsCommand", [*where, "--alter", *wanted]).checked()
        shown = run_tool("ClientMetricsCommand", [*where, "--describe", "--name", "all"]).checked()
        assert "interval.ms=500" in shown.out and "metrics=*" in shown.out
        make_topic(node.bootstrap, name)
        producer = Producer({"bootstrap.servers": node.bootstrap, "client.id": "measured"})
        until = time.monotonic() + 30
        while time.monotonic() < until and not any(b"measured" in one for one in posted):
            producer.produce(name, b"x")
            producer.poll(0.1)
        producer.flush(10)
        perf = [
            "--topic",
            name,
            "--num-records",
            "300",
            "--record-size",
            "9",
            "--throughput",
            "100",
        ]
        props = ["--producer-props", f"bootstrap.servers={node.bootstrap}", "client.id=from-java"]
        run_tool("ProducerPerformance", [*perf, *props]).checked()
        assert any(b"confluent-kafka-python" in one and b"measured" in one for one in posted)
        assert any(b"apache-kafka-java" in one and b"from-java" in one for one in posted)
