"""What clients measure, collected through the broker (KIP-714) and handed on by OTLP.

A client asks what it should send and how often, and pushes OpenTelemetry's MetricsData. The broker adds who
sent it and posts it to the operator's collector as it is: MetricsData and OTLP's export request are the same
on the wire. As with Kafka, whose brokers advertise these APIs only with a plugin that receives metrics, they are
advertised only with a collector configured; without one clients stay silent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from crc32c import crc32c

from anabranch.broker import client_metrics
from anabranch.broker.client_metrics import ALL_METRICS, INTERVAL_MS, Subscription
from anabranch.broker.following import Follower
from anabranch.errors import Corrupt, ErrorCode
from anabranch.metastore.api import Metastore
from anabranch.records.compression import Codec, decompress
from anabranch.wire.codec import ZERO_UUID

logger = logging.getLogger(__name__)

PUSH_BYTES_MAX: Final = 1 << 20  # Kafka's telemetry.max.bytes, of a push as it arrives
PLAIN_BYTES_MAX: Final = 8 << 20  # of one once decompressed
INSTANCES_MAX: Final = 16_384  # clients that are remembered; the longest silent go first
QUEUE_MAX: Final = 64  # pushes that wait for the collector; further ones are dropped and counted
POST_TIMEOUT_S: Final = 10.0
EARLY_RATIO: Final = 0.5  # clients spread the first push over half to one and a half intervals

ACCEPTED: Final = (Codec.ZSTD, Codec.LZ4, Codec.GZIP, Codec.SNAPPY)


class Asked(NamedTuple):
    """What one client is to send. ``interval_ms`` between pushes; no metrics: nothing, but ask again then."""

    subscription_id: int
    interval_ms: int
    metrics: tuple[str, ...]


class _Instance:
    """One client as this broker knows it. Times in seconds."""

    __slots__ = ("asked", "asked_s", "ended", "pushed_s")

    def __init__(self, asked: Asked, asked_s: float) -> None:
        self.asked = asked
        self.asked_s = asked_s
        self.pushed_s: float | None = None
        self.ended = False


def choose(subscriptions: Iterable[Subscription], client: Mapping[str, str]) -> Asked:
    """What ``client`` (a value for each of MATCH_KEYS) is asked for by all that match it together."""
    metrics: set[str] = set()
    interval_ms = INTERVAL_MS
    found = [one for one in subscriptions if one.matches(client)]
    for one in found:
        metrics.update(one.metrics)
    if found:
        interval_ms = min(one.interval_ms for one in found)
    wanted = (ALL_METRICS,) if ALL_METRICS in metrics else tuple(sorted(metrics))
    digest = crc32c("\0".join((str(interval_ms), *wanted)).encode())
    return Asked(digest - (1 << 32) if digest >> 31 else digest, interval_ms, wanted)


class Telemetry:
    """The subscriptions, the clients that asked, and the way to the collector (a URL). On one event loop."""

    def __init__(
        self,
        endpoint: str,
        metastore: Metastore,
        *,
        monotonic_s: Callable[[], float],
        new_id: Callable[[], bytes],
    ) -> None:
        self.new_id = new_id  # of a client that has none yet
        self._metastore = metastore
        self._monotonic_s = monotonic_s
        self._subscriptions: list[Subscription] = []
        self._instances: OrderedDict[bytes, _Instance] = OrderedDict()
        self._follower = Follower(
            metastore,
            client_metrics.DOCUMENT_KIND,
            lambda _: self.refresh(),
            what="clients' metrics",
        )
        self.exporter = Exporter(endpoint, post)

    async def start(self) -> None:
        """Load the subscriptions, and go on doing so. Raises StoreFault."""
        self._follower.start()
        await self.refresh()
        self.exporter.start()

    async def close(self) -> None:
        await self._follower.close()
        await self.exporter.close()

    async def refresh(self) -> None:
        """Look at the subscriptions now. Raises StoreFault."""
        found = await client_metrics.load_all(self._metastore)
        self._subscriptions = [client_metrics.parse(one) for one in found.values()]

    def subscribe(self, instance_id: bytes, client: Mapping[str, str]) -> Asked | ErrorCode:
        """What the client is to send; THROTTLING_QUOTA_EXCEEDED if it asked a moment ago and nothing changed."""
        now_s = self._monotonic_s()
        asked = choose(self._subscriptions, client)
        known = self._instances.get(instance_id)
        if (
            known is not None
            and known.asked == asked
            and known.pushed_s is None
            and now_s - known.asked_s < asked.interval_ms * EARLY_RATIO / 1000
        ):
            return ErrorCode.THROTTLING_QUOTA_EXCEEDED
        instance = _Instance(asked, now_s)
        if known is not None:
            instance.pushed_s = known.pushed_s
        self._instances[instance_id] = instance
        self._instances.move_to_end(instance_id)
        if len(self._instances) > INSTANCES_MAX:
            self._instances.popitem(last=False)
        return asked

    def push(
        self,
        instance_id: bytes,
        subscription_id: int,
        codec: int,
        data: bytes | memoryview,
        client: Mapping[str, str],
        *,
        last: bool,
    ) -> ErrorCode:
        """Take what a client measured. ``last``: it is about to end, and may come early."""
        if instance_id == ZERO_UUID:
            return ErrorCode.INVALID_REQUEST
        asked = choose(self._subscriptions, client)
        now_s = self._monotonic_s()
        known = self._instances.get(instance_id)
        if known is not None and known.ended:
            return ErrorCode.INVALID_REQUEST  # after its last push
        if subscription_id != asked.subscription_id:
            return ErrorCode.UNKNOWN_SUBSCRIPTION_ID
        early_s = asked.interval_ms * EARLY_RATIO / 1000
        if known is None:
            # It asked another broker, or was forgotten.
            known = self._instances[instance_id] = _Instance(asked, now_s)
        elif not last and known.pushed_s is not None and now_s - known.pushed_s < early_s:
            return ErrorCode.THROTTLING_QUOTA_EXCEEDED
        if codec != Codec.NONE and codec not in ACCEPTED:
            return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
        if len(data) > PUSH_BYTES_MAX:
            return ErrorCode.TELEMETRY_TOO_LARGE
        known.pushed_s, known.ended = now_s, last
        try:
            plain = decompress(codec, data, limit=PLAIN_BYTES_MAX)
            self.exporter.put(with_resource(plain, client))
        except Corrupt:
            return ErrorCode.INVALID_RECORD
        return ErrorCode.NONE


class Exporter:
    """Posts to the collector, one push at a time. ``post`` (URL, body) may block; it runs in a thread."""

    def __init__(self, endpoint: str, post: Callable[[str, bytes], None]) -> None:
        self._endpoint = endpoint
        self._post = post
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_MAX)
        self._task: asyncio.Task[None] | None = None
        self.exported = 0
        self.dropped = 0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="telemetry export")

    def put(self, data: bytes) -> None:
        """Hand on, or drop where the collector does not keep up."""
        try:
            self._queue.put_nowait(data)
        except asyncio.QueueFull:
            self._lose("the collector does not keep up")

    async def close(self) -> None:
        """What waits is posted first, unless the collector hangs."""
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._queue.join(), POST_TIMEOUT_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            data = await self._queue.get()
            try:
                await asyncio.to_thread(self._post, self._endpoint, data)
                self.exported += 1
            except (OSError, ValueError) as error:
                self._lose(str(error))
            finally:
                self._queue.task_done()

    def _lose(self, reason: str) -> None:
        self.dropped += 1
        if self.dropped & (self.dropped - 1) == 0:  # the first, and ever more rarely
            logger.warning(
                "clients' metrics do not reach %s (%d lost): %s",
                self._endpoint,
                self.dropped,
                reason,
            )


def post(endpoint: str, data: bytes) -> None:
    """One OTLP export over HTTP. Raises OSError, ValueError."""
    request = urllib.request.Request(  # an operator's setting, http(s) by its check
        endpoint, data, {"Content-Type": "application/x-protobuf"}
    )
    with urllib.request.urlopen(request, timeout=POST_TIMEOUT_S):
        pass


# -- MetricsData ---------------------------------------------------------------------------------------
# Of its protobuf (opentelemetry/proto/metrics/v1/metrics.proto) only the outermost layer matters here:
# field 1 is a ResourceMetrics, whose field 1 is a Resource, whose field 1 is an attribute. Repeating a message's
# field adds to what it holds, so attributes are added by appending a Resource to each ResourceMetrics.

_LENGTH_DELIMITED: Final = 2


def with_resource(data: bytes, attributes: Mapping[str, str]) -> bytes:
    """MetricsData with ``attributes`` added to its resources. Raises Corrupt for what is none."""
    resource = _field(1, b"".join(_attribute(key, value) for key, value in attributes.items()))
    out = bytearray()
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 != _LENGTH_DELIMITED:
            raise Corrupt("MetricsData has a field that it cannot have")
        size, at = _varint(data, at)
        if at + size > len(data):
            raise Corrupt("MetricsData is cut short")
        out += _field(tag >> 3, data[at : at + size] + (resource if tag >> 3 == 1 else b""))
        at += size
    return bytes(out)


def _attribute(key: str, value: str) -> bytes:
    return _field(1, _field(1, key.encode()) + _field(2, _field(1, value.encode())))


def _field(number: int, data: bytes) -> bytes:
    return _to_varint(number << 3 | _LENGTH_DELIMITED) + _to_varint(len(data)) + data


def _to_varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(data):
            raise Corrupt("MetricsData is cut short")
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise Corrupt("MetricsData has a number that is too long")
