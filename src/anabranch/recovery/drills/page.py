"""A drill's report as one HTML page: no script, nothing fetched, charts as SVG within it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from anabranch.recovery.drills.evidence import DrillReport, Loss, Past, ScenarioReport
from anabranch.recovery.evidence.report import Answer
from anabranch.recovery.replays.session import Sample
from anabranch.recovery.times import bytes_text, duration_text, time_text

WIDTH, HEIGHT, MARGIN = 640, 200, 46
CHARTS_MAX = 4  # burn-downs shown: of the longest replays


def to_html(report: DrillReport) -> str:
    """The whole page."""
    verdict = "Passed" if report.passed else "Failed"
    title = f"Recovery drill of {report.stream}"
    made = f"{time_text(report.created_ms)} by {report.creator} on {report.host}, {report.trigger}"
    longest = sorted(report.scenarios, key=lambda each: each.replay_seconds)[-CHARTS_MAX:]
    follow = "".join(f"<li>{escape(each)}</li>" for each in report.follow_ups)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n{_style()}</head>\n<body>\n<header>\n"
        f'<p class="quiet">Anabranch recovery drill</p>\n<h1>{escape(title)}</h1>\n'
        f'<p><span class="verdict {"pass" if report.passed else "fail"}">{verdict}</span></p>\n'
        f'<p class="quiet">Group {escape(report.group)} · {escape(made)}</p>\n</header>\n<main>\n'
        f"<h2>The four questions</h2><div class=cards>{''.join(_answer(n, a) for n, a in enumerate(report.answers, 1))}</div>"
        f"<h2>Objectives</h2>{_objectives(report)}"
        + (f"<h2>Follow-ups</h2><ul>{follow}</ul>" if follow else "")
        + f"<h2>Scenarios</h2>{_scenarios(report.scenarios)}"
        f"{''.join(_details(each) for each in report.scenarios)}"
        f"<h2>Burn-downs</h2>{''.join(_burndown(each) for each in longest) or '<p>None.</p>'}"
        f"<h2>Trend</h2>{_trend(report)}<h2>Timeline</h2>{_timeline(report)}"
        f"<h2>Identity</h2>{_identity(report)}</main>\n"
        f'<footer class="quiet">sha256 {escape(report.hash)}</footer>\n</body>\n</html>\n'
    )


def _style() -> str:
    """That of the recovery report."""
    page = files("anabranch.recovery.evidence").joinpath("report.html").read_text(encoding="utf-8")
    return page[page.index("<style>") : page.index("</style>")] + "</style>\n"


def _badge(word: str) -> str:
    kind = {"PASS": "pass", "FAIL": "fail"}.get(word, "info")
    return f'<span class="badge {kind}">{escape(word)}</span>'


def _facts(facts: Sequence[tuple[str, str]], kind: str = "") -> str:
    inner = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts)
    return f"<dl{kind}>{inner}</dl>"


def _answer(number: int, answer: Answer) -> str:
    return (
        f'<article class="answer"><h3><span class="number">{number}</span> {escape(answer.question)}</h3>'
        f"<p>{_badge('PASS' if answer.passed else 'FAIL')} {escape(answer.sentence)}</p>"
        f"{_facts(answer.facts)}</article>"
    )


def _objectives(report: DrillReport) -> str:
    rows = [
        (
            "Time to recover (RTO)",
            duration_text(report.rto_ms / 1000),
            duration_text(report.rto_objective_ms / 1000),
            "PASS" if report.rto_ms <= report.rto_objective_ms else "FAIL",
        ),
        (
            "Loss (RPO)",
            _loss(report),
            report.rpo_objective,
            "PASS" if _kept(report) else "FAIL",
        ),
    ]
    return _table(
        "Achieved against declared", ("objective", "achieved", "declared", "verdict"), rows
    )


def _loss(report: DrillReport) -> str:
    records = f"{report.rpo_records:,} records"
    if isinstance(report.loss, Loss):
        return f"{records}, {duration_text(report.loss.ms / 1000)} of them"
    return records


def _kept(report: DrillReport) -> bool:
    return report.loss.kept if isinstance(report.loss, Loss) else not report.rpo_records


def _scenarios(found: Sequence[ScenarioReport]) -> str:
    rows = [
        (
            each.name,
            each.verdict,
            each.sentence,
            round(each.seconds, 1),
            each.records,
            each.suppressed,
            each.duplicates,
            each.lost,
        )
        for each in found
    ]
    return _table(
        "What was rehearsed",
        ("scenario", "verdict", "what came of it", "s", "records", "suppressed", "twice", "lost"),
        rows,
    )


def _details(each: ScenarioReport) -> str:
    facts = [
        *each.facts,
        *(
            (
                v.left,
                f"{v.equal:,} equal, {v.unexplained:,} unexplained, {v.expected:,} expected differences; "
                f"sha256 {v.checksum_left[:12]} against {v.checksum_right[:12]}",
            )
            for v in each.verifications
        ),
    ]
    body = _facts(facts, " class=identity")
    return f"<details><summary>{escape(each.name)}: {escape(each.what)}</summary>{body}</details>"


def _burndown(each: ScenarioReport) -> str:
    samples: Sequence[Sample] = each.samples
    if len(samples) < 2:
        return ""
    start, last = samples[0].at_ms, samples[-1].at_ms
    span, top = max(1, last - start), max(1, samples[0].records_left)

    def point(sample: Sample) -> str:
        x = MARGIN + (sample.at_ms - start) / span * (WIDTH - 2 * MARGIN)
        y = MARGIN + (1 - sample.records_left / top) * (HEIGHT - 2 * MARGIN)
        return f"{x:.1f},{y:.1f}"

    line = " ".join(point(sample) for sample in samples)
    floor = HEIGHT - MARGIN
    title = (
        f"{each.name}: {top:,} records in {duration_text(span / 1000)}, {bytes_text(each.bytes)}"
    )
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<line class="grid" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{floor}" y2="{floor}"/>'
        f'<polygon class="area" points="{MARGIN},{floor} {line} {WIDTH - MARGIN},{floor}"/>'
        f'<polyline class="line" points="{line}"/></svg><figcaption>{escape(title)}</figcaption></figure>'
    )


def _trend(report: DrillReport) -> str:
    now = Past(report.id, report.created_ms, report.passed, report.rto_ms, report.rpo_records)
    past = [*report.trend, now]
    top = max(report.rto_objective_ms, *(each.rto_ms for each in past), 1)
    step = (WIDTH - 2 * MARGIN) / len(past)
    floor = HEIGHT - MARGIN

    def height(ms: int) -> float:
        return ms / top * (HEIGHT - 2 * MARGIN)

    bars = "".join(
        f'<rect class="{"p99" if each.passed else "p50"}" x="{MARGIN + n * step + 1:.1f}" '
        f'y="{floor - height(each.rto_ms):.1f}" width="{max(1.0, min(40.0, step - 2)):.1f}" '
        f'height="{height(each.rto_ms):.1f}"><title>{escape(each.id)}: {"PASS" if each.passed else "FAIL"}, '
        f"{duration_text(each.rto_ms / 1000)}</title></rect>"
        for n, each in enumerate(past)
    )
    line = floor - height(report.rto_objective_ms)
    title = f"Time to recover in the last {len(past)} drills; the line is the objective, pale bars failed"
    table = _table(
        "Past drills",
        ("drill", "when", "verdict", "RTO", "records lost"),
        [
            (
                each.id,
                time_text(each.at_ms),
                "PASS" if each.passed else "FAIL",
                duration_text(each.rto_ms / 1000),
                each.rpo_records,
            )
            for each in reversed(past)
        ],
    )
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{bars}'
        f'<line class="grid" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{line:.1f}" y2="{line:.1f}"/></svg>'
        f"<figcaption>{escape(title)}</figcaption></figure>{table}"
    )


def _timeline(report: DrillReport) -> str:
    first = report.events[0].at_ms if report.events else 0
    items = "".join(
        f"<li><time>+{duration_text((each.at_ms - first) / 1000)}</time> {escape(each.label)}</li>"
        for each in report.events
    )
    return f"<ol class=timeline>{items}</ol>"


def _identity(report: DrillReport) -> str:
    signed = f"{report.signature[:32]}… by {report.signed_by}" if report.signature else "not signed"
    previous = (
        f"{report.previous_id}, sha256 {report.previous_hash}" if report.previous_id else "none"
    )
    return _facts(
        [
            ("Report", f"{report.id}, sha256 {report.hash}"),
            ("Previous report", previous),
            ("Signature (Ed25519)", signed),
            ("Cluster", report.cluster_id),
            ("Inputs", ", ".join(f"{name} ({topic_id})" for name, topic_id in report.inputs)),
            ("Processor", f"{report.processor or report.group} {report.version}".strip()),
            ("Command", " ".join(report.command)),
            ("Recovery point", report.point or "none"),
            ("Rehearsed with", f"{report.drilled_records:,} records in {report.scratch}"),
            ("Owner", report.owner or "-"),
            ("Keep this evidence", report.keep),
            ("Tool", f"Anabranch {report.tool_version}"),
        ],
        " class=identity",
    )


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    numeric = [all(isinstance(row[n], int | float) for row in rows) for n in range(len(columns))]

    def cell(tag: str, text: Any, right: bool) -> str:
        kind = ' class="n"' if right else ""
        shown = f"{text:,}" if isinstance(text, int | float) else str(text)
        inner = _badge(shown) if shown in ("PASS", "FAIL", "SKIPPED") else escape(shown)
        return f"<{tag}{kind}>{inner}</{tag}>"

    head = "".join(cell("th", c, n) for c, n in zip(columns, numeric, strict=True))
    body = "".join(
        f"<tr>{''.join(cell('td', c, n) for c, n in zip(row, numeric, strict=True))}</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
