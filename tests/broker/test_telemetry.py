"""Clients' metrics through the broker (KIP-714): subscriptions, pushes, and what reaches the collector."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.broker import client_metrics
from anabranch.broker.client_metrics import MATCH_KEYS, parse
from anabranch.broker.config import TelemetrySettings
from anabranch.broker.telemetry import PUSH_BYTES_MAX, choose, with_resource
from anabranch.errors import ClientFault, Corrupt, ErrorCode
from anabranch.records.compression import Codec, compress
from anabranch.wire.codec import ZERO_UUID
from anabranch.wire.messages.m18_api_versions import ApiVersionsRequest
from anabranch.wire.messages.m71_get_telemetry_subscriptions import (
    GetTelemetrySubscriptionsRequest,
)
from anabranch.wire.messages.m72_push_telemetry import PushTelemetryRequest
from tests.broker.conversation import run, talking
from tests.broker.test_api_configs import METRICS, SET, describe, incremental

# A MetricsData of one ResourceMetrics with an attribute of its own: app=shop.
PUSHED = bytes.fromhex("0a110a0f0a0d") + b"\x0a\x03app\x12\x06\x0a\x04shop"


def client(**values: str) -> dict[str, str]:
    return dict.fromkeys(MATCH_KEYS, "") | values


@contextmanager
def collector(status: int = 200) -> Iterator[tuple[str, list[bytes]]]:
    """Its URL, and what was posted there."""
    posted: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/x-protobuf"
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/metrics", posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def arrived(posted: list[bytes], count: int) -> None:
    while len(posted) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("interval.ms", "99"),
        ("interval.ms", "3600001"),
        ("interval.ms", "soon"),
        ("match", "client_id"),
        ("match", "nobody=x"),
        ("match", "client_id=("),
        ("retention.ms", "1"),
    ],
)
def test_what_is_no_subscription(name: str, value: str) -> None:
    with pytest.raises(ClientFault) as caught:
        parse({name: value})
    assert caught.value.code == ErrorCode.INVALID_CONFIG


def test_what_a_client_is_asked_for_by_all_that_match() -> None:
    subscriptions = [
        parse({"metrics": "a.,b.", "interval.ms": "1000", "match": "client_id=web-.*"}),
        parse({"metrics": "b.,c.", "interval.ms": "500", "match": "client_id=web-1"}),
        parse({"metrics": "*", "match": "client_software_name=kafkajs"}),
    ]
    assert choose(subscriptions, client())[1:] == (client_metrics.INTERVAL_MS, ())
    assert choose(subscriptions, client(client_id="web-2"))[1:] == (1000, ("a.", "b."))
    both = choose(subscriptions, client(client_id="web-1"))
    assert both[1:] == (500, ("a.", "b.", "c."))
    everything = choose(subscriptions, client(client_id="web-1", client_software_name="kafkajs"))
    assert everything[1:] == (500, ("*",))
    # The whole value must match, and equal wishes have equal ids.
    assert choose(subscriptions, client(client_id="my-web-1"))[1:] == (
        client_metrics.INTERVAL_MS,
        (),
    )
    assert both.subscription_id == choose(subscriptions[:2], client(client_id="web-1"))[0]
    assert both.subscription_id != everything.subscription_id


def test_attributes_are_added_to_every_resource() -> None:
    added = with_resource(PUSHED * 2, {"client_id": "me"})
    attribute = b"\x0a\x09client_id\x12\x04\x0a\x02me"
    resource = b"\x0a" + bytes([2 + len(attribute)]) + b"\x0a" + bytes([len(attribute)]) + attribute
    one = PUSHED[2:] + resource
    assert added == (b"\x0a" + bytes([len(one)]) + one) * 2


@given(data=st.binary(max_size=64))
def test_bytes_that_are_no_metrics(data: bytes) -> None:
    try:
        once = with_resource(data, {})
    except Corrupt:
        return
    assert len(with_resource(once, {})) >= len(once)


def test_silent_without_a_collector(tmp_path: Path) -> None:
    """As Kafka without a plugin that receives metrics: not advertised; subscriptions can be written all the same."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            answer = await bench.call(ApiVersionsRequest(), 0)
            assert not {71, 72} & {one.api_key for one in answer.api_keys}
            assert not (await incremental(bench, METRICS, "all", ("metrics", SET, "*"))).error_code

    run(scenario)


def test_subscribing_and_pushing(tmp_path: Path) -> None:
    async def scenario(url: str, posted: list[bytes]) -> None:
        settings = TelemetrySettings(endpoint=url)
        async with talking(tmp_path, telemetry=settings) as bench:
            hello = ApiVersionsRequest(client_software_name="shop", client_software_version="7.1")
            answer = await bench.call(hello, 4)
            assert {71, 72} <= {one.api_key for one in answer.api_keys}
            nothing = await bench.call(GetTelemetrySubscriptionsRequest())
            assert nothing.requested_metrics == []
            assert nothing.client_instance_id != ZERO_UUID
            for steps in (("metrics", SET, "*"), ("interval.ms", SET, "60000")):
                result = await incremental(bench, METRICS, "shop", steps)
                assert result.error_code == 0, result.error_message
            result = await incremental(
                bench, METRICS, "shop", ("match", SET, "client_software_name=shop")
            )
            assert result.error_code == 0, result.error_message
            shown = {
                one.name: one.value for one in (await describe(bench, METRICS, "shop")).configs
            }
            assert shown == {
                "interval.ms": "60000", "match": "client_software_name=shop", "metrics": "*"
            }  # fmt: skip
            me = nothing.client_instance_id
            asked = await bench.call(GetTelemetrySubscriptionsRequest(client_instance_id=me))
            assert (asked.error_code, asked.client_instance_id) == (0, me)
            assert (asked.requested_metrics, asked.push_interval_ms) == (["*"], 60_000)
            assert (asked.telemetry_max_bytes, asked.delta_temporality) == (PUSH_BYTES_MAX, True)
            assert asked.accepted_compression_types == [Codec.ZSTD, Codec.LZ4, Codec.GZIP, 2]
            again = await bench.call(GetTelemetrySubscriptionsRequest(client_instance_id=me))
            assert again.error_code == ErrorCode.THROTTLING_QUOTA_EXCEEDED

            async def push(**more: Any) -> int:
                values: Mapping[str, Any] = {
                    "client_instance_id": me,
                    "subscription_id": asked.subscription_id,
                    "compression_type": Codec.ZSTD,
                    "metrics": compress(Codec.ZSTD, PUSHED),
                }
                answer = await bench.call(PushTelemetryRequest(**{**values, **more}))
                return int(answer.error_code)

            assert await push(client_instance_id=ZERO_UUID) == ErrorCode.INVALID_REQUEST
            assert await push(subscription_id=1) == ErrorCode.UNKNOWN_SUBSCRIPTION_ID
            assert await push(compression_type=9) == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
            large = bytes(PUSH_BYTES_MAX + 1)
            assert await push(metrics=large) == ErrorCode.TELEMETRY_TOO_LARGE
            assert await push() == 0
            assert await push() == ErrorCode.THROTTLING_QUOTA_EXCEEDED
            assert await push(terminating=True, metrics=b"garbage") == ErrorCode.INVALID_RECORD
            assert await push(terminating=True) == ErrorCode.INVALID_REQUEST  # it had ended
            other = (await bench.call(GetTelemetrySubscriptionsRequest())).client_instance_id
            assert await push(client_instance_id=other, terminating=True) == 0
            await arrived(posted, 2)
            for one in posted:
                assert b"shop" in one and b"client_software_version\x12\x05\x0a\x037.1" in one

    with collector() as (url, posted):
        run(lambda: scenario(url, posted))


def test_a_collector_that_fails_costs_metrics_and_nothing_else(tmp_path: Path) -> None:
    async def scenario(url: str) -> None:
        async with talking(tmp_path, telemetry=TelemetrySettings(endpoint=url)) as bench:
            await incremental(bench, METRICS, "all", ("metrics", SET, "*"))
            asked = await bench.call(GetTelemetrySubscriptionsRequest())
            answer = await bench.call(
                PushTelemetryRequest(
                    client_instance_id=asked.client_instance_id,
                    subscription_id=asked.subscription_id,
                    metrics=PUSHED,
                )
            )
            assert answer.error_code == 0
            assert bench.broker.telemetry is not None
            while not bench.broker.telemetry.exporter.dropped:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    with collector(status=503) as (url, _):
        run(lambda: scenario(url))
