"""The evidence of a recovery: the four questions answered with measured figures, chained by hash.

:func:`assemble` is a function of values. A report's hash covers everything in it, including the hash of
the report before it, so that one cannot be changed or left out without the chain showing it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from anabranch.metastore.api import Metastore
from anabranch.recovery.checks.verify import Verification
from anabranch.recovery.model import SCHEMA_VERSION, RecoveryPoint, digest, positions_by_key
from anabranch.recovery.plans.plan import Plan
from anabranch.recovery.promotion.promote import Handover
from anabranch.recovery.replays.session import Session, Status
from anabranch.recovery.times import bytes_text, duration_text, time_text

KIND = "report"
DIFFERENCES_LISTED = 50  # per comparison; the counts are always whole
RATE_SLACK = 1.15  # the limit is enforced per fetch: a burst at the start may lie above it
LIVE_P99_MS_MAX = 50.0  # objective for live produce p99 unless told
LATENCY_SAMPLES_MIN = 100  # a p99 of fewer is a maximum


class Latency(Struct, frozen=True):
    """Live produce latency of one phase, in milliseconds."""

    phase: str
    samples: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class SinkCount(Struct, frozen=True):
    """What a sink counted for one line: applied, suppressed, and offsets that never came."""

    name: str
    line: str
    applied: int
    suppressed: int
    skipped: int


class Event(Struct, frozen=True):
    """A moment worth a line in the timeline."""

    label: str
    at_ms: int


class Comparison(Struct, frozen=True):
    """A verification and what it was for. ``must_pass`` False: differences are the point of it."""

    title: str
    must_pass: bool
    verification: Verification

    @property
    def as_expected(self) -> bool:
        return self.verification.passed or not self.must_pass


class Repeat(Struct, frozen=True):
    """Forecast and measurement of one sink side by side."""

    name: str
    sink_class: str
    forecast_duplicates: int
    measured_duplicates: int
    forecast_suppressed: int
    measured_suppressed: int

    @property
    def agrees(self) -> bool:
        return (
            self.forecast_duplicates == self.measured_duplicates
            and self.forecast_suppressed == self.measured_suppressed
        )


class Answer(Struct, frozen=True):
    """One of the four questions. ``facts`` are (label, value) pairs, measured."""

    question: str
    passed: bool
    sentence: str
    facts: tuple[tuple[str, str], ...]


class Report(Struct, frozen=True, kw_only=True):
    """Everything that was planned, run and measured, and the verdict."""

    id: str
    hash: str
    previous_id: str | None
    previous_hash: str | None
    tool_version: str
    host: str
    created_ms: int
    creator: str
    scenario: str
    passed: bool
    answers: tuple[Answer, ...]
    comparisons: tuple[Comparison, ...]
    repeats: tuple[Repeat, ...]
    latencies: tuple[Latency, ...]
    sink_counts: tuple[SinkCount, ...]
    events: tuple[Event, ...]
    plan: Plan
    point: RecoveryPoint | None
    session: Session
    handover: Handover | None
    schema_version: int = SCHEMA_VERSION


def percentiles(phase: str, samples: Sequence[float]) -> Latency:
    """Nearest-rank percentiles; zeros for no samples."""
    ordered = sorted(samples)
    if not ordered:
        return Latency(phase, 0, 0.0, 0.0, 0.0)

    def rank(percent: int) -> float:
        return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)], 2)

    return Latency(phase, len(ordered), rank(50), rank(99), round(ordered[-1], 2))


def assemble(
    *,
    scenario: str,
    created_ms: int,
    creator: str,
    host: str,
    tool_version: str,
    plan: Plan,
    point: RecoveryPoint | None,
    session: Session,
    handover: Handover | None,
    comparisons: Sequence[Comparison],
    latencies: Sequence[Latency],
    sink_counts: Sequence[SinkCount],
    events: Sequence[Event],
    previous: tuple[str, str] | None,
    live_p99_ms_max: float = LIVE_P99_MS_MAX,
) -> Report:
    """Judge and chain. ``previous`` is the id and hash of the report before this one.

    ``live_p99_ms_max`` is the objective for live traffic, to be chosen before it is measured.
    ``sink_counts`` of line ``session.sink.line`` are the replay's; those of the live line are what
    the live processor did after the promotion.
    """
    counts = {count.line: count for count in sink_counts}
    repeats = _repeats(plan, session, counts)
    answers = (
        _how_far_back(plan),
        _exact_offsets(session, handover, counts),
        _who_sees_duplicates(plan, repeats),
        _catching_up(plan, session, latencies, live_p99_ms_max),
    )
    trimmed = tuple(
        structs.replace(
            each,
            verification=structs.replace(
                each.verification,
                differences=each.verification.differences[:DIFFERENCES_LISTED],
            ),
        )
        for each in comparisons
    )
    report = Report(
        id="",
        hash="",
        previous_id=previous[0] if previous else None,
        previous_hash=previous[1] if previous else None,
        tool_version=tool_version,
        host=host,
        created_ms=created_ms,
        creator=creator,
        scenario=scenario,
        passed=all(answer.passed for answer in answers)
        and all(each.as_expected for each in comparisons)
        and any(each.must_pass for each in comparisons),
        answers=answers,
        comparisons=trimmed,
        repeats=repeats,
        latencies=tuple(latencies),
        sink_counts=tuple(sink_counts),
        events=tuple(sorted(events, key=lambda event: event.at_ms)),
        plan=plan,
        point=point,
        session=session,
        handover=handover,
    )
    content = digest(report, without=("id", "hash"))
    return structs.replace(report, id=f"report-{content[:12]}", hash=content)


def broken_links(reports: Sequence[Report]) -> list[str]:
    """What is wrong with a chain, oldest first: changed reports, and links that lead nowhere."""
    found = []
    previous: Report | None = None
    for report in reports:
        if digest(report, without=("id", "hash")) != report.hash:
            found.append(f"{report.id} was changed after it was made")
        expected = previous.hash if previous else None
        if report.previous_hash != expected:
            found.append(f"{report.id} does not follow {previous.id if previous else 'nothing'}")
        previous = report
    return found


async def stored(metastore: Metastore) -> list[Report]:
    """Every report, oldest first."""
    return [msgspec.json.decode(d.body, type=Report) for d in await metastore.documents(KIND)]


async def save(metastore: Metastore, report: Report, folder: Path) -> tuple[Path, Path]:
    """Store the report and write it as HTML and JSON; the two paths."""
    from anabranch.recovery.evidence.report_html import to_html

    body = msgspec.json.encode(report)
    await metastore.put_document(KIND, report.id, body, report.created_ms)
    folder.mkdir(parents=True, exist_ok=True)
    html, plain = folder / f"{report.id}.html", folder / f"{report.id}.json"
    html.write_text(to_html(report), encoding="utf-8")
    plain.write_bytes(msgspec.json.format(body, indent=2) + b"\n")
    return html, plain


def _repeats(plan: Plan, session: Session, counts: Mapping[str, SinkCount]) -> tuple[Repeat, ...]:
    staged = counts.get(session.sink.line) if session.sink else None
    found = []
    for forecast in plan.forecasts:
        if forecast.who != "sink" or staged is None or forecast.name != staged.name:
            continue
        # Every record of the range is applied or turned away; what was applied beyond the records
        # that were new is a duplicate. Where the plan has an upper bound only, so has this a lower one.
        new = session.total.records - forecast.on_branch.again
        found.append(
            Repeat(
                name=forecast.name,
                sink_class=forecast.sink_class.value if forecast.sink_class else "",
                forecast_duplicates=forecast.on_branch.duplicates,
                measured_duplicates=max(0, staged.applied - new)
                if plan.at_most
                else staged.applied - new,
                forecast_suppressed=forecast.on_branch.suppressed,
                measured_suppressed=staged.suppressed,
            )
        )
    return tuple(found)


def _how_far_back(plan: Plan) -> Answer:
    partitions = plan.partitions
    oldest = [p.oldest_ms for p in partitions if p.oldest_ms is not None]
    lost = sum(p.lost for p in partitions)
    runways = [p.runway_ms for p in partitions if p.runway_ms is not None]
    below = sum(p.restart - p.log_start for p in partitions)
    if lost:
        sentence = f"{lost:,} of the records needed are gone."
    else:
        sentence = (
            f"Far enough: all {plan.volume.records:,} records since the restart are there, "
            f"and {below:,} more before it."
        )
    return Answer(
        "How far back can this stream be replayed with confidence?",
        not lost,
        sentence,
        (
            ("Oldest record retained", f"appended {time_text(min(oldest, default=None))}"),
            ("Records needed and gone", f"{lost:,}"),
            ("Recorded gaps in the range", f"{sum(len(p.missing) for p in partitions):,}"),
            ("Records retained before the restart", f"{below:,}"),
            (
                "The restart expires",
                f"in {duration_text(min(runways) / 1000)}" if runways else "never",
            ),
        ),
    )


def _exact_offsets(
    session: Session, handover: Handover | None, counts: Mapping[str, SinkCount]
) -> Answer:
    skipped = sum(count.skipped for count in counts.values())
    live = counts.get("live")
    handed = handover is not None and handover.undone_ms is None
    exact = not handed or (
        handover is not None
        and all(
            position.offset == positions_by_key(session.ends)[position.key].offset
            for position in handover.after
        )
    )
    resumed = live.suppressed == 0 if live is not None else True
    passed = session.status is Status.COMPLETED and exact and skipped == 0 and resumed
    facts = [
        ("Plan", f"{session.plan}, sha256 {session.plan_hash[:16]}…"),
        ("Partitions", f"{len(session.spans)}"),
        ("Offsets that never arrived", f"{skipped:,}"),
    ]
    if live is not None:
        facts += [
            ("Read again by the live group after promotion", f"{live.suppressed:,}"),
            ("New records by the live group since", f"{live.applied:,}"),
        ]
    sentence = (
        "The replay read exactly the planned range"
        + (
            ", and the live group went on at its end without a gap or a duplicate."
            if handed
            else "."
        )
        if passed
        else "The offsets did not join: see the figures."
    )
    return Answer("Which exact offsets define a safe restart?", passed, sentence, tuple(facts))


def _who_sees_duplicates(plan: Plan, repeats: Sequence[Repeat]) -> Answer:
    agrees = all(repeat.agrees for repeat in repeats)
    duplicates = sum(repeat.measured_duplicates for repeat in repeats)
    suppressed = sum(repeat.measured_suppressed for repeat in repeats)
    in_place = sum(f.in_place.again for f in plan.forecasts if f.who == "group")
    sentence = (
        f"Nobody: {duplicates:,} duplicate effects, {suppressed:,} repeats suppressed, as forecast."
        if agrees and not duplicates
        else "The measured duplicates are not those that were forecast."
        if not agrees
        else f"{duplicates:,} duplicate effects, as forecast."
    )
    return Answer(
        "Who sees duplicates?",
        agrees,
        sentence,
        (
            ("Duplicate effects measured", f"{duplicates:,}"),
            ("Repeats suppressed", f"{suppressed:,}"),
            ("Records that a rewind in place would have repeated", f"{in_place:,}"),
        ),
    )


def _catching_up(
    plan: Plan, session: Session, latencies: Sequence[Latency], p99_ms_max: float
) -> Answer:
    total = session.total
    seconds = sum(
        (r.ended_ms - r.started_ms) / 1000 for r in session.runs if r.ended_ms is not None
    )
    rate = total.bytes / seconds if seconds else 0.0
    phases = {latency.phase: latency for latency in latencies}
    before, during = phases.get("before"), phases.get("during")
    facts = [
        ("Replayed", f"{total.records:,} records, {bytes_text(total.bytes)}"),
        ("Took", f"{duration_text(seconds)} (planned {duration_text(plan.seconds)})"),
        ("Rate", f"{bytes_text(rate)}/s of at most {bytes_text(session.rate)}/s"),
        ("Objective for live produce p99", f"{p99_ms_max:,.0f} ms"),
        ("Live produce p99 before", _p99_text(before)),
        ("Live produce p99 during", _p99_text(during)),
    ]
    passed = False
    if session.status is not Status.COMPLETED:
        sentence = f"The replay did not reach its end: {session.error or session.status}."
    elif rate > session.rate * RATE_SLACK:
        sentence = "It caught up, faster than its rate allows."
    elif before is None or during is None:
        passed = True
        sentence = "It caught up within its rate. What live traffic paid for it was not measured."
    elif min(before.samples, during.samples) < LATENCY_SAMPLES_MIN:
        sentence = "It caught up within its rate, but too few live samples tell what it cost."
    elif during.p99_ms <= p99_ms_max:
        passed = True
        sentence = "It caught up within its rate while live traffic kept to its objective."
    elif before.p99_ms > p99_ms_max:
        sentence = (
            "It caught up within its rate, but live traffic missed its objective before the replay, too: "
            "this run cannot tell what the replay cost."
        )
    else:
        sentence = "It caught up, but live traffic paid for it."
    return Answer(
        "Which metrics prove that it catches up without starving live traffic?",
        passed,
        sentence,
        tuple(facts),
    )


def _p99_text(latency: Latency | None) -> str:
    if latency is None:
        return "not measured"
    return f"{latency.p99_ms:,.1f} ms ({latency.samples:,} samples)"
