"""What :mod:`.watch` found, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from anabranch.recovery.promises.watch import Watch

NO_END = float("inf")


def collect(watch: Watch) -> Iterator[Metric]:
    """On the scraper's thread: the dictionaries are replaced, never changed."""
    margins = GaugeMetricFamily(
        "anabranch_topic_margin_seconds",
        "What is kept beyond what the topic's class needs; below 0 its promise does not hold.",
        labels=["topic", "class"],
    )
    kept = GaugeMetricFamily(
        "anabranch_topic_kept_seconds", "How far back it reaches.", labels=["topic", "class"]
    )
    for one in watch.topics.values():
        margin = NO_END if one.margin_ms is None else one.margin_ms / 1000
        margins.add_metric([one.topic, one.cls], margin)
        kept.add_metric([one.topic, one.cls], one.kept_ms / 1000)
    yield margins
    yield kept
    runways = GaugeMetricFamily(
        "anabranch_group_runway_seconds",
        "Until retention passes the group's position, at the rates of the last minutes.",
        labels=["group", "topic"],
    )
    lags = GaugeMetricFamily(
        "anabranch_group_lag_seconds",
        "How long ago the record at the position was appended.",
        labels=["group", "topic"],
    )
    records = GaugeMetricFamily(
        "anabranch_group_lag_records",
        "Records that the group has not read; at most, where group_lag_at_most is 1.",
        labels=["group", "topic"],
    )
    offsets = GaugeMetricFamily(
        "anabranch_group_lag_offsets",
        "Offsets before the group, with those that are no records.",
        labels=["group", "topic"],
    )
    at_most = GaugeMetricFamily(
        "anabranch_group_lag_at_most",
        "1: a transaction is open, or counting records would have read too much.",
        labels=["group", "topic"],
    )
    for each in watch.groups.values():
        runway = NO_END if each.runway_ms is None else each.runway_ms / 1000
        runways.add_metric([each.group, each.topic], runway)
        lags.add_metric([each.group, each.topic], each.lag_ms / 1000)
        records.add_metric([each.group, each.topic], each.lag)
        offsets.add_metric([each.group, each.topic], each.lag_offsets)
        at_most.add_metric([each.group, each.topic], int(each.at_most))
    yield runways
    yield lags
    yield records
    yield offsets
    yield at_most
    yield CounterMetricFamily(
        "anabranch_watch_left_out", "Figures for which there was no room.", watch.left_out
    )
    yield CounterMetricFamily("anabranch_watch_passes", "Passes over them.", watch.passes)
    yield GaugeMetricFamily(
        "anabranch_watch_pass_seconds", "How long the last pass took.", watch.pass_s
    )
