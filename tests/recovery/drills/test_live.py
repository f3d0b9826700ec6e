"""Live traffic beside a rehearsal, and what of it a drill judges; what would be lost, in records and in time."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from msgspec import structs

from anabranch.errors import UserFault
from anabranch.recovery.drills import evidence, live
from anabranch.recovery.drills.drill import _of_live_traffic
from anabranch.recovery.drills.evidence import Loss
from anabranch.recovery.drills.page import to_html
from anabranch.recovery.evidence.report import Latency
from tests.support.broker import BrokerThread

from .test_drills import a_report


def test_a_latency_counts_from_when_its_request_was_due(tmp_path: Path) -> None:
    async def story(address: str) -> None:
        async with live.traffic(address, 1) as beside:
            await beside.settle(30)
            first = beside.phase("before")
            await beside.settle(first.samples + 10)
            second = beside.phase("during")
        assert first.samples >= 30 and second.samples >= 10
        assert 0 < first.p50_ms <= first.p99_ms <= first.max_ms

    with BrokerThread(tmp_path) as broker:
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": broker.address})
        admin.create_topics([NewTopic(live.TOPIC, 1, 1)])[live.TOPIC].result(30)
        asyncio.run(story(broker.address))


def test_a_stall_is_seen_by_every_request_that_was_due_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One answer is late by 200 ms; the requests that were due meanwhile waited, too."""
    producer = live.Producer("127.0.0.1:1", 1)
    answered = 0

    def send(_: Any) -> int:
        nonlocal answered
        answered += 1
        if answered == 5:
            time.sleep(0.2)
        if answered == 60:
            producer.stop.set()
        return 0

    monkeypatch.setattr(producer, "_send", send)
    producer._run(cast(Any, None))
    assert sum(ms > 90 for ms in producer.latencies_ms) >= 16


def test_a_refused_producer_ends_in_a_sentence(tmp_path: Path) -> None:
    async def story(address: str) -> None:
        async with live.traffic(address, 1) as beside:
            await beside.settle(1)

    with BrokerThread(tmp_path) as broker, pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "TOPIC_S", 0.0)
        with pytest.raises(UserFault, match=r"was refused \(error 3\)"):
            asyncio.run(story(broker.address))


def phases(before: float, during: float, samples: int = 200) -> dict[str, Latency]:
    return {
        name: Latency(name, samples, ms / 2, ms, ms)
        for name, ms in (("before", before), ("during", during))
    }


@pytest.mark.parametrize(
    ("found", "limit_ms", "sentence"),
    [
        (phases(1, 900), None, ""),
        (phases(1, 40), 50, ""),
        (phases(1, 60), 50, "p99 of 60.0 ms"),
        (phases(60, 60), 50, "missed its objective before"),
        (phases(1, 40, samples=20), 50, "too few"),
        ({}, 50, "was not measured"),
    ],
)
def test_live_traffic_is_judged_by_a_declared_objective_alone(
    found: dict[str, Latency], limit_ms: int | None, sentence: str
) -> None:
    said = "; ".join(_of_live_traffic(found, limit_ms))
    assert (sentence in said) if sentence else not said


def test_reports_of_before_keep_their_hashes_and_new_ones_tell_the_loss(tmp_path: Path) -> None:
    old = evidence.sealed(a_report(), None)
    assert old.hash == "e26cbf78f06975e34dfdf0c388f97333194b96ca15c594828134f3baa4c77f0a"
    loss = Loss(12, 90_000, 60_000)
    new = evidence.sealed(a_report(old, loss=loss, rpo_records=12), None)
    path = tmp_path / "new.json"
    path.write_bytes(msgspec.json.encode(new))
    assert evidence.read(path) == new and evidence.problems([old, new]) == []
    assert "12 records, 90 s of them" in to_html(new)
    assert not loss.kept and structs.replace(loss, ms=60_000).kept
    assert not Loss(1, 0, 0).kept and Loss(0, 0, 0).kept
