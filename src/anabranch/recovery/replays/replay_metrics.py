"""A running replay's figures in Prometheus' text format, read when somebody scrapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from anabranch.recovery.replays.session import Progress, Session, Status


class ReplayCollector(Collector):
    """Of one session; ``look`` yields it as it is now, and its progress once there is one."""

    def __init__(self, look: Callable[[], tuple[Session, Progress | None]]) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        session, progress = self._look()
        total = session.total

        def gauge(name: str, says: str, value: float) -> Metric:
            family = GaugeMetricFamily(f"anabranch_replay_{name}", says, labels=["replay"])
            family.add_metric([session.id], value)
            return family

        status = GaugeMetricFamily(
            "anabranch_replay_status", "1 for the status it has.", labels=["replay", "status"]
        )
        for each in Status:
            status.add_metric([session.id, each.value], float(session.status is each))
        yield status
        yield gauge("records", "Records that it reads in all.", total.records)
        yield gauge("bytes", "Log bytes of them.", total.bytes)
        yield gauge("limit_bytes_per_second", "The most that it may read.", session.rate)
        yield gauge("allowed_bytes_per_second", "What it may read now.", session.allowed)
        yield gauge("active_seconds", "Without pauses and interruptions.", session.active_ms / 1000)
        if progress is not None:
            yield gauge("records_left", "Of them, not committed yet.", progress.records_left)
            yield gauge("bytes_left", "Log bytes of those.", progress.bytes_left)
            yield gauge("records_per_second", "In the last seconds.", progress.records_per_second)
            yield gauge("bytes_per_second", "In the last seconds.", progress.bytes_per_second)
            eta = float("inf") if progress.eta_s is None else progress.eta_s
            yield gauge("eta_seconds", "Until it is done; +Inf: not at this rate.", eta)
        yield from self._of_history(session)

    @staticmethod
    def _of_history(session: Session) -> Iterator[Metric]:
        full = GaugeMetricFamily(
            "anabranch_replay_saturation",
            "How full: 1 is the most that is allowed, or what is usual (store).",
            labels=["replay", "of"],
        )
        if session.saturation:
            last = session.saturation[-1]
            for name, value in (
                ("broker", last.broker),
                ("store", last.store),
                ("sink", last.sink),
            ):
                if value is not None:
                    full.add_metric([session.id, name], value)
        yield full
        error = GaugeMetricFamily(
            "anabranch_replay_eta_error_ratio",
            "Of the estimate at so many per cent of the work, once it is over.",
            labels=["replay", "percent"],
        )
        for one in session.milestones:
            if one.error is not None:
                error.add_metric([session.id, str(one.percent)], one.error)
        yield error
        starts = CounterMetricFamily(
            "anabranch_replay_starts", "How often its command was started.", labels=["replay"]
        )
        starts.add_metric([session.id], len(session.runs))
        yield starts
