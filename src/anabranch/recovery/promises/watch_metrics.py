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
    ends = GaugeMetricFamily(
        "anabranch_topic_margin_negative_timestamp_seconds",
        "When the margin becomes negative at the rate and growth of the last weeks.",
        labels=["topic", "class"],
    )
    sizes = GaugeMetricFamily(
        "anabranch_topic_retained_bytes", "What is retained of it.", labels=["topic", "class"]
    )
    costs = GaugeMetricFamily(
        "anabranch_topic_cost_per_month",
        "What that costs by the class's price.",
        labels=["topic", "class"],
    )
    for one in watch.topics.values():
        labels = [one.topic, one.cls]
        margins.add_metric(labels, NO_END if one.margin_ms is None else one.margin_ms / 1000)
        kept.add_metric(labels, one.kept_ms / 1000)
        sizes.add_metric(labels, one.bytes)
        if one.per_month is not None:
            costs.add_metric(labels, one.per_month)
        if one.foretold_ms:
            ends.add_metric(labels, NO_END if one.negative_ms is None else one.negative_ms / 1000)
    yield margins
    yield kept
    yield ends
    yield sizes
    yield costs
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
