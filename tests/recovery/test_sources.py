from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from anabranch.recovery.model import topic_id_text
from anabranch.recovery.sinks.source import Source, sources_from_admin


def _done(value: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future


def test_a_topic_has_one_identity_whoever_prints_it() -> None:
    """librdkafka prints topic ids with ``+`` and ``/``; a sink keyed by those would not know the
    offsets that the recovery plane keys by Kafka's own ``-`` and ``_``."""
    raw = bytes.fromhex("fbefbe" * 5 + "ff")
    assert topic_id_text(raw) == "----" * 5 + "_w"
    admin = SimpleNamespace(
        describe_cluster=lambda: _done(SimpleNamespace(cluster_id="cluster")),
        describe_topics=lambda _: {"flights": _done(SimpleNamespace(topic_id="++++" * 5 + "/w"))},
    )
    found = sources_from_admin(admin, ["flights"])
    assert found == {"flights": Source("cluster", topic_id_text(raw), "flights")}
