"""Where a record came from, in a way that survives branches, renames and recreated topics.

An offset alone names nothing: a recreated topic starts again at 0, and a sink keyed by topic name
would take its first records for duplicates and drop them. So effects are keyed by (cluster id,
topic id, partition). A branch's offsets below its branch point *are* its origin's offsets, so a
replay from a branch is keyed by the origin.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

SOURCES_VARIABLE = "ANABRANCH_SOURCES"  # JSON {topic as consumed: [cluster id, topic id, topic]}


class Source(NamedTuple):
    """The identity of a topic's records; ids as Kafka prints them."""

    cluster_id: str
    topic_id: str
    topic: str


def sources_from_environment(environ: Mapping[str, str]) -> dict[str, Source] | None:
    """What ``anabranch replay`` says about the topics it hands out; None outside of a replay."""
    text = environ.get(SOURCES_VARIABLE)
    if text is None:
        return None
    return {topic: Source(*fields) for topic, fields in json.loads(text).items()}


def sources_to_environment(sources: Mapping[str, Source]) -> str:
    """Inverse of :func:`sources_from_environment`."""
    return json.dumps({topic: list(source) for topic, source in sources.items()})


def sources_from_admin(
    admin: Any, topics: Iterable[str], timeout: float = 10.0
) -> dict[str, Source]:
    """Ask a cluster through ``confluent_kafka.admin.AdminClient`` (any Kafka with topic ids)."""
    from confluent_kafka import TopicCollection

    cluster_id = admin.describe_cluster().result(timeout).cluster_id
    answers = admin.describe_topics(TopicCollection(list(topics)))
    return {
        topic: Source(cluster_id, _url_safe(str(future.result(timeout).topic_id)), topic)
        for topic, future in answers.items()
    }


def _url_safe(topic_id: str) -> str:
    """librdkafka prints ids in the standard base64 alphabet, Kafka itself in the URL-safe one."""
    return topic_id.rstrip("=").replace("+", "-").replace("/", "_")
