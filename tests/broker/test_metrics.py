"""``--metrics``: what a scrape shows, and what happens where it cannot be served."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from anabranch.broker.config import MetricsSettings
from anabranch.broker.request_times import BOUNDS_S, RequestTimes
from anabranch.errors import UserFault
from anabranch.metastore.api import GapCause
from tests.broker.conversation import batch, fetch_request, talking

SERVED = MetricsSettings(host="127.0.0.1", port=0)


def scrape(port: int | None) -> dict[str, list[Sample]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return {family.name: family.samples for family in text_string_to_metric_families(text)}


def value(families: dict[str, list[Sample]], family: str, **labels: str) -> float:
    wanted = [
        sample.value
        for sample in families[family]
        if sample.labels == labels and sample.name in (family, f"{family}_total")
    ]
    (found,) = wanted
    return found


def test_a_scrape_shows_what_happened(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path, metrics=SERVED) as bench:
            await bench.create("t", 3)
            for _ in range(5):
                await bench.produce("t", batch(b"a", b"b"))
            await bench.call(fetch_request("t", 0, 0), 12)
            shown = await asyncio.to_thread(scrape, bench.broker.metrics_port)
            assert value(shown, "anabranch_appended_records") == 10
            assert value(shown, "anabranch_flushes") == 5
            assert value(shown, "anabranch_appended_bytes") > 5 * 61
            assert value(shown, "anabranch_read_bytes", source="tail") > 0
            assert value(shown, "anabranch_read_bytes", source="cold") == 0
            assert value(shown, "anabranch_partitions") == 3
            assert value(shown, "anabranch_brokers") == 1
            assert value(shown, "anabranch_connections") == 1
            assert value(shown, "anabranch_append_queue_bytes") == 0
            requests = {
                sample.labels["api"]: sample.value
                for sample in shown["anabranch_request_seconds"]
                if sample.name.endswith("_count")
            }
            assert requests["Produce"] == 5 and requests["CreateTopics"] == 1
            background = bench.broker.log.background
            assert background is not None
            await background.count()
            await bench.broker.log.metastore.advance_log_start(
                bench.broker.log.catalogue.topics()[0].no, 0, 2, GapCause.DELETE_RECORDS, "", 1
            )
            await background.count()
            shown = await asyncio.to_thread(scrape, bench.broker.metrics_port)
            # The first file of the write-ahead log is left for one of written blocks once there is one.
            assert value(shown, "anabranch_objects", kind="wal") in (1, 2)
            assert value(shown, "anabranch_partition_objects") == 0
            assert value(shown, "anabranch_partition_objects_bound") > 7
            assert value(shown, "anabranch_gaps", cause="delete-records") == 1
            assert value(shown, "anabranch_gaps", cause="corrupt") == 0
            assert value(shown, "anabranch_damaged_ranges", cause="lost-object") == 0
            assert value(shown, "anabranch_skipped_ranges") == 0
            assert value(shown, "anabranch_compaction_oldest_dirty_seconds") == 0
            assert value(shown, "process_resident_memory_bytes") > 1e6

    asyncio.run(scenario())


def test_nothing_listens_unless_asked_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            assert bench.broker.metrics_port is None

    asyncio.run(scenario())


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    async def scenario(port: int) -> None:
        with pytest.raises(UserFault, match=rf"cannot serve metrics on 127.0.0.1:{port}"):
            async with talking(tmp_path, metrics=MetricsSettings(host="127.0.0.1", port=port)):
                pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        asyncio.run(scenario(taken.getsockname()[1]))


@given(st.lists(st.floats(0, 100), max_size=50))
def test_every_request_falls_into_the_first_bucket_that_ends_above_it(seconds: list[float]) -> None:
    times = RequestTimes()
    for each in seconds:
        times.note(0, each)
    for api_key, counted in times.by_api():
        assert api_key == 0
        for index, end in enumerate(BOUNDS_S):
            assert sum(counted.counts[: index + 1]) == sum(each <= end for each in seconds)
        assert sum(counted.counts) == len(seconds)
        assert counted.sum_s == pytest.approx(sum(seconds))
