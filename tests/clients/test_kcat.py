"""kcat beyond reading and writing: metadata, positions, offsets by time."""

from __future__ import annotations

import json

from tests.clients.conftest import make_topic
from tests.clients.dialects import Confluent, Rec
from tests.support.peers import KCat

START_MS = 1_700_000_000_000


def test_metadata(bootstrap: str, name: str) -> None:
    make_topic(bootstrap, name, 3)
    document = json.loads(KCat(bootstrap).run("-L", "-J", "-t", name))
    (broker,) = document["brokers"]
    assert broker["name"] == bootstrap
    (topic,) = document["topics"]
    assert topic["topic"] == name
    assert [each["partition"] for each in topic["partitions"]] == [0, 1, 2]
    assert {each["leader"] for each in topic["partitions"]} == {broker["id"]}


def test_positions(bootstrap: str, name: str) -> None:
    topic = make_topic(bootstrap, name, config={"retention.ms": "-1"})
    records = [Rec(b"%d" % n, timestamp_ms=START_MS + 1000 * n) for n in range(100)]
    Confluent(bootstrap).produce(topic, records)
    kcat = KCat(bootstrap)

    def values(*args: str) -> list[int]:
        out = kcat.run("-C", "-t", topic, "-p", "0", "-e", "-q", "-f", "%s\\n", *args)
        return [int(line) for line in out.split()]

    assert values("-o", "beginning") == list(range(100))
    assert values("-o", "97") == [97, 98, 99]
    assert values("-o", "-5") == [95, 96, 97, 98, 99]
    assert values("-o", "end") == []
    assert values("-o", f"s@{START_MS + 60_001}", "-o", f"e@{START_MS + 64_000}") == [61, 62, 63]
    out = kcat.run("-Q", "-t", f"{topic}:0:{START_MS + 42_000}")
    assert out.strip() == f"{topic} [0] offset 42"
    assert values("-o", "50", "-c", "3") == [50, 51, 52]
