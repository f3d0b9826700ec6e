"""A report as one HTML page: no script, nothing fetched, readable in light and dark and by a reader."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from anabranch.recovery.evidence.report import Answer, Comparison, Report
from anabranch.recovery.model import positions_by_key
from anabranch.recovery.times import bytes_text, duration_text, time_text

CHART_WIDTH, CHART_HEIGHT, MARGIN = 640, 220, 46
LONG_CELL = 40  # characters past which a column is given room


def to_html(report: Report) -> str:
    """The whole page."""
    page = Template(
        files("anabranch.recovery.evidence").joinpath("report.html").read_text(encoding="utf-8")
    )
    session = report.session
    return page.substitute(
        title=escape(report.scenario or f"Recovery of {session.live_group}"),
        verdict="Passed" if report.passed else "Failed",
        verdict_class="pass" if report.passed else "fail",
        made=escape(f"{time_text(report.created_ms)} by {report.creator} on {report.host}"),
        group=escape(session.live_group),
        answers="".join(_answer(n, a) for n, a in enumerate(report.answers, 1)),
        comparisons="".join(_comparison(each) for each in report.comparisons),
        offsets=_offsets(report),
        forecasts=_forecasts(report),
        burndown=_burndown(report),
        latencies=_latencies(report),
        timeline=_timeline(report),
        identity=_identity(report),
        hash=escape(report.hash),
    )


def _answer(number: int, answer: Answer) -> str:
    facts = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>"
        for label, value in answer.facts
    )
    return (
        f'<article class="answer"><h3><span class="number">{number}</span> '
        f"{escape(answer.question)}</h3>"
        f"<p>{_badge(answer.passed)} {escape(answer.sentence)}</p><dl>{facts}</dl></article>"
    )


def _badge(passed: bool) -> str:
    word = "PASS" if passed else "FAIL"
    return f'<span class="badge {word.lower()}">{word}</span>'


def _comparison(each: Comparison) -> str:
    v = each.verification
    if each.must_pass:
        badge = _badge(v.passed)
    else:
        badge = '<span class="badge info">DIFFERS</span>' if not v.passed else _badge(True)
    sentence = (
        f"{v.rows_left:,} rows against {v.rows_right:,}: {v.equal:,} equal, {v.changed:,} changed, "
        f"{v.only_left:,} only in the first, {v.only_right:,} only in the second."
    )
    body = f"<p>{badge} {escape(sentence)}</p>"
    if v.differences:
        rows = [
            (*d.key, d.column or "(whole row)", _cell(d.left), _cell(d.right))
            for d in v.differences
        ]
        table = _table(
            f"The first {len(rows)} differences by key", (*v.key, "column", "first", "second"), rows
        )
        body += f"<details><summary>Differences by key</summary>{table}</details>"
    names = f"<p class=quiet>{escape(v.left)}<br>{escape(v.right)}</p>"
    return f"<article><h3>{escape(each.title)}</h3>{body}{names}</article>"


def _offsets(report: Report) -> str:
    before = positions_by_key(report.handover.before) if report.handover else {}
    point = positions_by_key(report.point.positions) if report.point else {}
    sinks = positions_by_key(
        position
        for sink in (report.point.sinks if report.point else ())
        for position in sink.positions
    )
    rows = []
    for p in report.plan.partitions:
        key = (p.topic_id, p.partition)
        rows.append(
            (
                p.topic,
                p.partition,
                p.log_start,
                point[key].offset if key in point else None,
                sinks[key].offset if key in sinks else None,
                p.restart,
                p.end,
                before[key].offset if key in before else None,
                p.why,
            )
        )
    return _table(
        "Restart, end and hand-over per partition (next offsets)",
        (
            "topic", "partition", "log start", "group at point", "sink at point", "restart",
            "end, resumed at", "group before", "why there",
        ),
        rows,
    )  # fmt: skip


def _forecasts(report: Report) -> str:
    forecast = _table(
        "Forecast, before anything was touched",
        (
            "who",
            "class",
            "again on branch",
            "duplicates",
            "suppressed",
            "again if rewound in place",
        ),
        [
            (
                f"{f.who} {f.name}",
                f.sink_class.value if f.sink_class else "",
                f.on_branch.again,
                f.on_branch.duplicates,
                f.on_branch.suppressed,
                f.in_place.again,
            )
            for f in report.plan.forecasts
        ],
    )
    measured = _table(
        "Measured by the sink during the replay",
        ("sink", "duplicates: forecast", "measured", "suppressed: forecast", "measured", "agrees"),
        [
            (
                r.name,
                r.forecast_duplicates,
                r.measured_duplicates,
                r.forecast_suppressed,
                r.measured_suppressed,
                "yes" if r.agrees else "NO",
            )
            for r in report.repeats
        ],
    )
    return forecast + measured


def _burndown(report: Report) -> str:
    samples = report.session.samples
    if len(samples) < 2:
        return "<p>No samples were taken.</p>"
    start, last = samples[0].at_ms, samples[-1].at_ms
    span, top = max(1, last - start), max(1, samples[0].records_left)
    plot_width, plot_height = CHART_WIDTH - 2 * MARGIN, CHART_HEIGHT - 2 * MARGIN

    def x(at_ms: int) -> float:
        return MARGIN + (at_ms - start) / span * plot_width

    def y(records: int) -> float:
        return MARGIN + (1 - records / top) * plot_height

    line = " ".join(f"{x(s.at_ms):.1f},{y(s.records_left):.1f}" for s in samples)
    floor = CHART_HEIGHT - MARGIN
    area = f"{x(start):.1f},{floor} {line} {x(last):.1f},{floor}"
    grid = "".join(
        f'<line class="grid" x1="{MARGIN}" x2="{CHART_WIDTH - MARGIN}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>'
        f'<text x="{MARGIN - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{_short(v)}</text>'
        for v in (0, top // 2, top)
    )
    seconds = span / 1000
    ticks = "".join(
        f'<text x="{MARGIN + share * plot_width:.1f}" y="{floor + 18}" text-anchor="middle">'
        f"{duration_text(seconds * share)}</text>"
        for share in (0.0, 0.5, 1.0)
    )
    title = (
        f"Records left, from {top:,} to {samples[-1].records_left:,} in {duration_text(seconds)}"
    )
    return (
        f'<figure><svg viewBox="0 0 {CHART_WIDTH} {CHART_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{grid}{ticks}'
        f'<polygon class="area" points="{area}"/><polyline class="line" points="{line}"/></svg>'
        f"<figcaption>{escape(title)}; limit {bytes_text(report.session.rate)}/s</figcaption></figure>"
    )


def _latencies(report: Report) -> str:
    if not report.latencies:
        return "<p>Live latency was not measured.</p>"
    top = max(latency.p99_ms for latency in report.latencies) or 1.0
    bars = ""
    for place, latency in enumerate(report.latencies):
        top_y = 14 + place * 40
        for shift, kind, value in ((0, "p50", latency.p50_ms), (16, "p99", latency.p99_ms)):
            width = value / top * 400
            bars += (
                f'<rect class="{kind}" x="80" y="{top_y + shift}" width="{width:.1f}" height="13" rx="2"/>'
                f'<text x="{86 + width:.1f}" y="{top_y + shift + 11}">{kind} {value:,.1f} ms</text>'
            )
        bars += f'<text x="72" y="{top_y + 20}" text-anchor="end">{escape(latency.phase)}</text>'
    height = 14 + len(report.latencies) * 40
    table = _table(
        "Live produce latency, acks=all, measured by the live producer",
        ("phase", "samples", "p50 ms", "p99 ms", "max ms"),
        [(x.phase, x.samples, x.p50_ms, x.p99_ms, x.max_ms) for x in report.latencies],
    )
    return (
        f'<figure><svg viewBox="0 0 {CHART_WIDTH} {height}" role="img" '
        f'aria-label="Live produce latency by phase">{bars}</svg></figure>{table}'
    )


def _timeline(report: Report) -> str:
    if not report.events:
        return ""
    first = report.events[0].at_ms
    items = "".join(
        f"<li><time>{time_text(e.at_ms)}</time> <span class=quiet>+{duration_text((e.at_ms - first) / 1000)}"
        f"</span> {escape(e.label)}</li>"
        for e in report.events
    )
    return f"<ol class=timeline>{items}</ol>"


def _identity(report: Report) -> str:
    session, point = report.session, report.point
    facts: list[tuple[str, str]] = [
        ("Report", f"{report.id}, sha256 {report.hash}"),
        (
            "Previous report",
            f"{report.previous_id}, sha256 {report.previous_hash}"
            if report.previous_id
            else "none",
        ),
        ("Cluster", session.cluster_id),
        ("Plan", f"{report.plan.id}, sha256 {report.plan.hash}"),
        ("Replay", f"{session.id}, group {session.group}"),
        ("Branches", ", ".join(f"{b.topic} ({b.topic_id}) → {b.branch}" for b in session.branches)),
        ("Command", " ".join(session.command)),
        ("Tool", f"Anabranch {report.tool_version}"),
    ]
    if point is not None:
        facts.insert(
            4, ("Recovery point", f"{point.id} “{point.name}”, {point.processor} {point.version}")
        )
        if point.checkpoint is not None:
            facts.insert(5, ("Checkpoint", f"sha256 {point.checkpoint.sha256}"))
    inner = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts)
    return f"<dl class=identity>{inner}</dl>"


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    kinds = [_kind([row[place] for row in rows]) for place in range(len(columns))]
    head = "".join(
        f'<th scope="col"{kind}>{escape(column)}</th>'
        for column, kind in zip(columns, kinds, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{kind}>{escape(_cell(cell))}</td>" for cell, kind in zip(row, kinds, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _kind(cells: Sequence[Any]) -> str:
    """How a column is set: numbers to the right, sentences with room."""
    present = [cell for cell in cells if cell is not None]
    if present and all(isinstance(cell, int | float) for cell in present):
        return ' class="n"'
    return ' class="long"' if any(len(str(cell)) > LONG_CELL for cell in present) else ""


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return str(value)


def _short(count: int) -> str:
    if count >= 1_000_000:
        return f"{count / 1_000_000:.3g}M"
    return f"{count / 1000:.3g}k" if count >= 1000 else str(count)
