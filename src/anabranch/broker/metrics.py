"""What a broker counts, in Prometheus' text format, for whoever asks over HTTP.

The hot paths add to plain numbers; everything else happens when somebody scrapes, on the thread of the
HTTP server. It only reads, so a scrape may see one figure a moment older than another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from anabranch.broker.request_times import BOUNDS_S
from anabranch.errors import UserFault
from anabranch.log.holds import HoldState
from anabranch.log.merge import objects_max
from anabranch.metastore.api import GapCause
from anabranch.wire.registry import API

if TYPE_CHECKING:
    from anabranch.broker.companion import Companion
    from anabranch.broker.server import Broker
    from anabranch.storage.layers import LayeredStore

_LABELS: Final = (*map(str, BOUNDS_S), "+Inf")


class BrokerCollector(Collector):
    """Reads one broker's numbers, and those of what runs beside it."""

    def __init__(self, broker: Broker, beside: Sequence[Companion] = ()) -> None:
        self._broker = broker
        self._beside = beside

    def collect(self) -> Iterator[Metric]:
        yield self._requests()
        yield from self._connections()
        yield from self._appends()
        yield from self._transactions()
        yield from self._reads()
        yield from self._background()
        yield from self._standing()
        yield from self._stores()
        yield from self._cluster()
        yield from self._limits()
        for one in self._beside:
            yield from one.collect()

    def _limits(self) -> Iterator[Metric]:
        """Quotas, ACLs, the audit log."""
        broker = self._broker
        quotas = broker.quotas
        yield _gauge("quotas", "Quotas that are set.", len(quotas.rules))
        throttled = _counters("throttled", "Answers that told a client to wait.", "key")
        for key, count in sorted(dict(quotas.throttled).items()):
            throttled.add_metric([key], count)
        yield throttled
        yield _counter(
            "connections_refused_by_quota",
            "Connections closed by connection_creation_rate.",
            quotas.refused_connections,
        )
        if broker.gate is not None:
            held = 0 if broker.authorizer is None else len(broker.authorizer.index)
            yield _gauge("acls", "ACLs that this broker holds.", held)
            yield _counter(
                "authorization_denied", "Refusals of requests or parts.", broker.gate.denials.count
            )
        if broker.audit_log is not None:
            log = broker.audit_log
            events = _counters("audit_events", "Events that were noted.", "kind")
            for kind, count in sorted(dict(log.events).items()):
                events.add_metric([kind], count)
            yield events
            yield _counter("audit_dropped", "Events that there was no room for.", log.dropped)
            yield _counter("audit_failures", "Batches that disk or topic refused.", log.failures)
            yield _gauge("audit_queued", "Events that are not on disk yet.", log.queued)

    def _requests(self) -> Metric:
        family = HistogramMetricFamily(
            "anabranch_request_seconds",
            "From a request's start to its answer, by API; a Fetch includes its long poll.",
            labels=["api"],
        )
        for api_key, times in self._broker.listener.times.by_api():
            ends = zip(_LABELS, map(float, accumulate(times.counts)), strict=True)
            family.add_metric([API[api_key].name], list(ends), times.sum_s)
        return family

    def _connections(self) -> Iterator[Metric]:
        listener = self._broker.listener
        yield _gauge("connections", "Open client connections.", len(listener.connections))
        yield from self._strangers()
        yield _gauge(
            "unsent_bytes", "Answers that clients have not taken yet.", listener.unsent_bytes
        )

        sessions = self._broker.fetch_sessions
        yield _gauge("fetch_sessions", "Fetch sessions that are kept (KIP-227).", len(sessions))
        yield _gauge("fetch_session_partitions", "Partitions that they know.", sessions.partitions)
        yield _counter(
            "fetch_sessions_evicted", "Idle ones that made room for others.", sessions.evicted
        )

        readers = self._broker.readers
        yield _gauge("readers", "Connections whose fetches are watched.", len(readers))
        yield _gauge("reader_positions", "Partitions that they read.", readers.positions)
        yield _counter("readers_evicted", "Idle ones that made room for others.", readers.evicted)

        shares = self._broker.shares
        yield _gauge(
            "share_sessions",
            "Sessions of members of share groups.",
            len(self._broker.share_sessions),
        )
        yield _gauge(
            "share_partitions",
            "Partitions of share groups that are handed out here.",
            shares.partitions,
        )
        yield _gauge(
            "share_in_flight",
            "Their records that were delivered and are not done.",
            shares.in_flight,
        )
        telemetry = self._broker.telemetry
        if telemetry is not None:
            exporter = telemetry.exporter
            yield _counter(
                "client_pushes",
                "Pushes of clients' metrics handed on (KIP-714).",
                exporter.exported,
            )
            yield _counter("client_pushes_dropped", "Those that were lost.", exporter.dropped)

    def _strangers(self) -> Iterator[Metric]:
        listener = self._broker.listener
        by_door = GaugeMetricFamily(
            "anabranch_listener_connections", "Open connections.", labels=["listener"]
        )
        for door in self._broker.doors:
            by_door.add_metric([door.name], door.connections)
        yield by_door
        yield _counter(
            "connections_refused", "Without a place for them.", listener.admission.refused
        )
        yield _counter(
            "connections_delayed", "Those that waited for their turn.", listener.admission.delayed
        )
        yield _gauge("tls_handshakes", "TLS handshakes in progress.", len(listener.handshakes.open))
        yield _counter(
            "tls_handshakes_failed", "TLS handshakes that failed.", listener.handshakes.failed
        )
        if listener.authenticators is not None:
            family = CounterMetricFamily(
                "anabranch_authentications",
                "SASL authentications; error: they could not be checked.",
                labels=["listener", "mechanism", "outcome"],
            )
            for labels, count in sorted(listener.authenticators.counts.copy().items()):
                family.add_metric(labels, count)
            yield family

    def _transactions(self) -> Iterator[Metric]:
        log = self._broker.log
        served = log.transactions
        assert served is not None
        ended = _counters("transactions", "Transactions that ended here.", "outcome")
        ended.add_metric(["committed"], served.committed)
        ended.add_metric(["aborted"], served.aborted)
        ended.add_metric(["timed_out"], served.timed_out)
        yield ended
        yield _gauge("transactions_ongoing", "Open transactions of the cluster.", served.ongoing)
        oldest_ms = served.oldest_ms
        open_ms = 0 if oldest_ms is None else max(0, served.now_ms() - oldest_ms)
        yield _gauge(
            "transaction_oldest_seconds", "How long the oldest has been open.", open_ms / 1000
        )
        lags = [one.next_offset - one.last_stable_offset for one in log.catalogue.partitions()]
        yield _gauge(
            "unstable_records_max",
            "Records behind the last stable offset, of the partition that has most.",
            max(lags, default=0),
        )

    def _appends(self) -> Iterator[Metric]:
        pipeline = self._broker.log.pipeline
        assert pipeline is not None
        yield _counter(
            "flushes", "Flushes of the write-ahead log that were committed.", pipeline.flushes
        )
        yield _counter("appended_records", "Records acknowledged.", pipeline.appended_records)
        yield _counter("appended_bytes", "Bytes of their batches.", pipeline.appended_bytes)
        yield _gauge(
            "append_queue_bytes",
            "Appends that wait; past log.queued_bytes_max connections are not read.",
            pipeline.queued_bytes,
        )

    def _reads(self) -> Iterator[Metric]:
        log = self._broker.log
        family = _counters("read_bytes", "Bytes read for fetches, by where they lay.", "source")
        family.add_metric(["tail"], log.reader.tail_bytes)
        family.add_metric(["cold"], log.reader.cold_bytes)
        yield family
        limits = list(self._broker.group_limits.limits.values())
        rate = GaugeMetricFamily(
            "anabranch_group_catchup_limit_bytes_per_second",
            "What this broker gives a group below the tail, where the group sets it.",
            labels=["group"],
        )
        read = _counters(
            "group_catchup_bytes", "Read below the tail by groups with a limit.", "group"
        )
        delayed = _counters("group_catchup_delayed", "Their reads that waited for a turn.", "group")
        for limit in limits:
            if limit.bucket is None:
                continue
            rate.add_metric([limit.group_id], limit.rate)
            read.add_metric([limit.group_id], limit.bucket.read_bytes)
            delayed.add_metric([limit.group_id], limit.bucket.delayed)
        yield from (rate, read, delayed)
        pace, budget = log.reader.pace, log.reader.budget
        yield _gauge(
            "append_usual_seconds",
            "What the slowest twentieth of appends takes while nobody reads below the tail; 0: not known.",
            pace.usual_s,
        )
        yield _gauge(
            "append_late_ratio",
            "What appends take now, about as their p99 goes, in times what is usual; 0: not known, or nothing is appended.",
            pace.late_percent / 100,
        )
        yield _gauge(
            "cold_limit_bytes_per_second",
            "What may be read below the tail so that appends are not late; 0: no limit.",
            pace.limit,
        )
        yield _counter(
            "cold_delayed", "Reads below the tail that waited for their turn.", log.reader.delayed
        )
        yield _gauge("cold_bytes", "Read below the tail and not yet handed on.", budget.held_bytes)
        cache = log.reader.cache
        yield _counter("cold_cache_hits", "Blocks of old data that were in the cache.", cache.hits)
        yield _counter("cold_cache_misses", "Blocks of old data that were read.", cache.misses)
        yield _counter(
            "cold_cache_joins", "Blocks that another reader was just reading.", cache.joins
        )

    def _background(self) -> Iterator[Metric]:
        log = self._broker.log
        assert log.background is not None
        yield _gauge(
            "merge_lag_seconds",
            "Age of the oldest event that is not in a segment yet, as the merging broker sees it.",
            log.background.merge_lag_ms / 1000,
        )
        yield _counter("merged_bytes", "Bytes rewritten by merging.", log.merger.merged_bytes)
        if log.journal is not None:
            status = log.journal.status()
            yield _gauge(
                "journal_lag_seconds",
                "Age of the oldest change that may not be in the bucket; 0 where another broker ships.",
                status.lag_ms / 1000,
            )
            yield _counter("journal_entries", "Journal entries shipped.", log.journal.entries)
            yield _counter("journal_bytes", "Bytes of them.", log.journal.entry_bytes)

    def _standing(self) -> Iterator[Metric]:
        """How objects, compaction and damage stand; counted over everything, by every broker."""
        log = self._broker.log
        assert log.background is not None
        health, compactor = log.background.health, log.background.compactor
        objects = _gauges("objects", "Objects that the metastore knows.", "kind")
        for kind, count in health.objects._asdict().items():
            objects.add_metric([kind], count)
        yield objects
        yield _gauge("partition_objects", "Segments and shares of packs.", health.partition_objects)
        yield _gauge(
            "partition_objects_max", "Those of the partition that has most.", health.most_objects
        )
        yield _gauge(
            "partition_objects_bound",
            "How many that partition may have for what it retains.",
            objects_max(health.most_bytes, log.settings),
        )
        yield _gauge(
            "compaction_dirty_ratio_max",
            "The largest share of a compacted partition that no pass has seen, of this broker's.",
            compactor.dirty_ratio_max,
        )
        yield _gauge(
            "compaction_oldest_dirty_seconds",
            "Age of the oldest of what no pass has seen, of this broker's partitions.",
            compactor.oldest_dirty_ms / 1000,
        )
        yield _counter("compaction_passes", "Passes over a partition.", compactor.passes)
        yield _counter(
            "compaction_removed_bytes", "Bytes that they removed.", compactor.removed_bytes
        )
        damaged = _gauges("damaged_ranges", "Ranges that cannot be read.", "cause")
        for cause in (GapCause.CORRUPT, GapCause.LOST_OBJECT):
            damaged.add_metric([cause.value], health.damaged.get(cause.value, 0))
        yield damaged
        yield _counter(
            "damage_found", "Ranges that this broker was the first to meet.", log.damage.found
        )
        held = _gauges("holds", "Holds on retention, by their state.", "state")
        for state in HoldState:
            held.add_metric([state.value], log.background.holds[state])
        yield held
        yield _gauge("skipped_ranges", "Ranges that operators gave up.", health.skipped)
        gaps = _gauges("gaps", "Runs of offsets that readers do not see any more.", "cause")
        for cause in GapCause:
            gaps.add_metric([cause.value], health.gaps.get(cause.value, 0))
        yield gaps

    def _stores(self) -> Iterator[Metric]:
        log = self._broker.log
        stores: dict[str, LayeredStore] = {}
        if log.opened_store is not None:
            stores["store"] = log.opened_store
        if log.opened_wal_store is not None:
            stores["wal"] = log.opened_wal_store
        calls = _counters("store_calls", "Calls of a store.", "store", "operation")
        size = _counters("store_bytes", "Bytes read or written by them.", "store", "operation")
        faults = _counters("store_faults", "Calls that failed.", "store", "operation")
        billed = _counters("store_requests", "Requests as the store bills them.", "store", "verb")
        retries = _counters("store_retries", "Calls made once more after a fault.", "store")
        for name, store in stores.items():
            for operation, meter in store.meters.items():
                calls.add_metric([name, operation], meter.requests)
                size.add_metric([name, operation], meter.bytes)
                faults.add_metric([name, operation], meter.faults)
            _add_all(billed, name, store.requests)
            retries.add_metric([name], store.retries)
        yield from (calls, size, faults, billed, retries)

    def _cluster(self) -> Iterator[Metric]:
        broker = self._broker
        catalogue = broker.log.catalogue
        yield _gauge(
            "brokers", "Living brokers of this lane, this one included.", len(broker.routes.lane)
        )
        yield _gauge("topics", "Topics and branches.", len(catalogue.topics()))
        yield _gauge("partitions", "Partitions of all topics.", len(catalogue.partitions()))


class MetricsServer:
    """``GET /metrics`` on a port of its own, answered by threads of its own."""

    def __init__(self, host: str, port: int, collectors: Iterable[Collector]) -> None:
        """Raises UserFault if it cannot listen there. ``port`` 0 takes any free one."""
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        for collector in collectors:
            registry.register(collector)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            raise UserFault(
                f"cannot serve metrics on {host}:{port}: {error.strerror}; choose another with "
                "--metrics HOST:PORT"
            ) from None
        assert isinstance(self._server, WSGIServer)
        self.port: int = self._server.server_port

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"anabranch_{name}", says, value)


def _counter(name: str, says: str, value: float) -> Metric:
    return CounterMetricFamily(f"anabranch_{name}", says, value)


def _gauges(name: str, says: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"anabranch_{name}", says, labels=labels)


def _counters(name: str, says: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"anabranch_{name}", says, labels=labels)


def _add_all(family: CounterMetricFamily, store: str, values: Mapping[str, int]) -> None:
    for label, value in values.items():
        family.add_metric([store, label], value)
