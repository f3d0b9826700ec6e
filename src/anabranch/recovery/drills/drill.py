"""Run a drill: judge the production as it stands, rehearse every scenario on a scratch cluster, assemble the evidence."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from msgspec import structs

from anabranch.errors import AnabranchError, UserFault
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.metastore.api import Metastore
from anabranch.recovery import observe
from anabranch.recovery.drills import evidence, readiness, scenarios
from anabranch.recovery.drills.declared import Declared, Stream
from anabranch.recovery.drills.evidence import DrillReport, Loss, Past, ScenarioReport
from anabranch.recovery.drills.names import SCENARIOS
from anabranch.recovery.drills.readiness import Readiness
from anabranch.recovery.drills.scenarios import Outcome
from anabranch.recovery.drills.scratch import require_room, sweep
from anabranch.recovery.drills.scratch import scratch as scratch_place
from anabranch.recovery.drills.stage import Stage, fingerprint, require_apart
from anabranch.recovery.evidence.report import LATENCY_SAMPLES_MIN, Answer, Event, Latency
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.replays.leash import Leash
from anabranch.recovery.times import bytes_text, duration_text, parse_duration

TRIGGERS: Final = ("manual", "schedule", "ci", "incident", "change")
Tell = Callable[[str], None]


async def run(
    production: Log,
    where: Location,
    declared: Declared,
    name: str,
    *,
    creator: str,
    tool_version: str,
    trigger: str = "manual",
    only: Sequence[str] = (),
    scratch: Path | None = None,
    keep_scratch: bool = False,
    tell: Tell = lambda _: None,
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> DrillReport:
    """Drill stream ``name``; the report, sealed, not yet stored.

    ``scratch``: where the scratch cluster goes (a new temporary directory); the production at ``where`` is only read.
    Raises UserFault if it cannot be run at all: an unknown stream, no records, a processor that does not come
    up, a scratch place inside of the production.
    """
    stream, names = chosen(declared, name, only)
    base = Path(declared.path).resolve().parent
    key = evidence.key_of(declared)
    evidence.require_folder(evidence.folder_of(declared))
    swept = sweep(scratch)
    for removed in swept.removed:
        tell(f"removed {removed}, which a drill that was killed had left")
    for left in swept.left:
        tell(f"a drill that was killed left {left}, which cannot be removed")
    events: list[Event] = [Event("began", clock_ms())]
    after = ExitStack()
    try:
        root, lock = after.enter_context(scratch_place(scratch, keep=keep_scratch))
        leash = after.enter_context(Leash(*([] if lock is None else [lock])))
        require_apart(root, where, stream)
        before = await fingerprint(production.metastore, stream)
        ready = await readiness.look(production.metastore, declared, name, clock_ms())
        stage = Stage(root, stream, base, parse_duration(stream.drill.timeout) / 1000, leash)
        after.callback(stage.copy.close)
        for what in stage.copy.swept:
            tell(f"removed {what}, which a drill that was killed had left")
        tell("copying records and running the live processor")
        await stage.fill(production)
        events.append(Event("the scratch cluster stands", clock_ms()))
        found: list[ScenarioReport] = []
        for each in names:
            outcome, seconds = await scenarios.timed(each, stage)
            if not (outcome.passed or outcome.skipped):
                require_room(root)
            found.append(_scenario(each, outcome, seconds))
            events.append(Event(f"{each}: {found[-1].verdict}", clock_ms()))
            tell(f"{each}: {found[-1].verdict}  {found[-1].sentence}")
        after.close()
        untouched = await fingerprint(production.metastore, stream) == before
    except AnabranchError as fault:
        require_room(scratch)
        if isinstance(fault, UserFault):
            raise
        raise UserFault(f"the drill could not be run: {fault}") from fault
    except (
        OSError
    ) as error:  # also of many files that could not be copied, which says nothing of its own
        require_room(scratch)
        file = f"{error.filename}: " if error.filename else ""
        raise UserFault(f"the drill could not be run: {file}{error.strerror or error}") from error
    finally:
        after.close()
    earlier = await evidence.stored(production.metastore)
    return await _assemble(
        production.metastore,
        declared,
        name,
        ready=ready,
        found=found,
        untouched=untouched,
        earlier=earlier,
        events=events,
        records=stage.records,
        span_ms=stage.span_ms,
        root=root,
        trigger=trigger,
        creator=creator,
        tool_version=tool_version,
        now_ms=clock_ms(),
        key=key,
    )


def chosen(
    declared: Declared, name: str, only: Sequence[str] = ()
) -> tuple[Stream, tuple[str, ...]]:
    """A declared stream and the scenarios that it is drilled with. Raises UserFault: there are none of such names."""
    stream = declared.streams.get(name)
    if stream is None:
        raise UserFault(
            f"{declared.path} declares no stream “{name}”; it declares {', '.join(declared.streams)}"
        )
    names = tuple(only or stream.drill.scenarios or SCENARIOS)
    for each in names:
        if each not in SCENARIOS:
            raise UserFault(f"there is no scenario “{each}”; there are {', '.join(SCENARIOS)}")
    return stream, names


def _scenario(name: str, outcome: Outcome, seconds: float) -> ScenarioReport:
    verdict = "SKIPPED" if outcome.skipped else "PASS" if outcome.passed else "FAIL"
    return ScenarioReport(
        name=name,
        what=SCENARIOS[name],
        verdict=verdict,
        sentence=outcome.sentence,
        seconds=round(seconds, 3),
        replay_seconds=round(outcome.replay_seconds, 3),
        records=outcome.records,
        bytes=outcome.bytes,
        suppressed=outcome.suppressed,
        duplicates=outcome.duplicates,
        lost=outcome.lost,
        facts=outcome.facts,
        verifications=tuple(
            structs.replace(v, differences=v.differences[: evidence.DIFFERENCES_LISTED])
            for v in outcome.verifications
        ),
        samples=outcome.samples,
        latencies=outcome.latencies,
    )


async def _assemble(
    metastore: Metastore,
    declared: Declared,
    name: str,
    *,
    ready: Readiness,
    found: Sequence[ScenarioReport],
    untouched: bool,
    earlier: Sequence[DrillReport],
    events: Sequence[Event],
    records: int,
    span_ms: int,
    root: Path,
    trigger: str,
    creator: str,
    tool_version: str,
    now_ms: int,
    key: object,
) -> DrillReport:
    stream = declared.streams[name]
    to_replay = await _to_replay(metastore, ready)
    replay_s = _extrapolated(found, to_replay)
    objectives = stream.objectives
    declared_ms = objectives.rto_ms - objectives.replay_ms
    rto_ms = declared_ms + round(replay_s * 1000)
    loss = await _loss(metastore, ready, found, span_ms / records, parse_duration(objectives.rpo))
    answers = (
        _how_far_back(ready, found),
        _which_offsets(ready, found),
        _who_sees_duplicates(found, untouched),
        _catching_up(stream, found, to_replay, replay_s),
    )
    passed = all(each.passed for each in answers) and untouched
    own = [each for each in earlier if each.stream == name]
    topics = {topic.name: topic_id_text(topic.id) for topic in await metastore.topics()}
    report = DrillReport(
        id="",
        hash="",
        previous_id=earlier[-1].id if earlier else None,
        previous_hash=earlier[-1].hash if earlier else None,
        stream=name,
        trigger=trigger,
        passed=passed and rto_ms <= objectives.rto_ms and loss.kept,
        answers=answers,
        scenarios=tuple(found),
        rto_ms=rto_ms,
        rto_objective_ms=objectives.rto_ms,
        rpo_records=loss.records,
        loss=loss,
        rpo_objective=objectives.rpo,
        untouched=untouched,
        trend=tuple(
            Past(each.id, each.created_ms, each.passed, each.rto_ms, each.rpo_records)
            for each in own[-evidence.TREND_MAX :]
        ),
        follow_ups=_follow_ups(answers, untouched, rto_ms, objectives.rto_ms, loss, objectives.rpo),
        owner=stream.owner,
        group=stream.group,
        processor=stream.processor,
        version=stream.version,
        command=stream.command,
        inputs=tuple((each, topics.get(each, "")) for each in stream.inputs),
        point=ready.point_id,
        drilled_records=records,
        events=tuple(events),
        cluster_id=topic_id_text(metastore.cluster_id),
        scratch=str(root),
        tool_version=tool_version,
        host=platform.node(),
        creator=creator,
        created_ms=now_ms,
        keep=declared.evidence.keep,
    )
    return evidence.sealed(report, key)  # type: ignore[arg-type]


def _follow_ups(
    answers: Sequence[Answer],
    untouched: bool,
    rto_ms: int,
    rto_objective_ms: int,
    loss: Loss,
    rpo: str,
) -> tuple[str, ...]:
    """A sentence for everything that a drill can fail of."""
    found = [f"{each.question} {each.sentence}" for each in answers if not each.passed]
    if not untouched:
        found.append("find out what the processor does to the production")
    if rto_ms > rto_objective_ms:
        found.append(
            f"a recovery takes {duration_text(rto_ms / 1000)}, the objectives allow "
            f"{duration_text(rto_objective_ms / 1000)}"
        )
    if not loss.kept:
        found.append(
            f"a recovery loses {loss.records:,} records ({duration_text(loss.ms / 1000)}), the objective is {rpo}"
        )
    return tuple(found)


def _failed(found: Sequence[ScenarioReport], names: Sequence[str]) -> list[ScenarioReport]:
    return [each for each in found if each.name in names and each.verdict == "FAIL"]


def _named(failed: Sequence[ScenarioReport]) -> str:
    return "; ".join(f"{each.name}: {each.sentence}" for each in failed)


def _how_far_back(ready: Readiness, found: Sequence[ScenarioReport]) -> Answer:
    failed = _failed(found, ("shortened-retention", "lagging-group", "recreated-topic"))
    troubles = [*ready.retention_troubles, *([_named(failed)] if failed else [])]
    margin = "unbounded" if ready.margin_ms is None else duration_text(ready.margin_ms / 1000)
    return Answer(
        "How far back can this stream be replayed with confidence?",
        not troubles,
        "; ".join(troubles) or "Far enough for its objectives, and what pins it holds.",
        (
            ("Margin of the shortest partition", margin),
            ("Objectives need", duration_text(ready.needed_ms / 1000)),
            ("Records needed since the newest point and gone", f"{ready.gone:,}"),
            ("Holds", f"{ready.holds:,}"),
        ),
    )


def _which_offsets(ready: Readiness, found: Sequence[ScenarioReport]) -> Answer:
    failed = _failed(
        found,
        (
            "bad-deploy",
            "poisoned-record",
            "corrupted-enrichment",
            "downstream-restore",
            "missing-checkpoint",
            "unaligned-checkpoint",
            "off-by-one",
        ),
    )
    troubles = [*ready.point_troubles, *([_named(failed)] if failed else [])]
    age = "-" if ready.point_age_ms is None else duration_text(ready.point_age_ms / 1000)
    return Answer(
        "Which exact offsets define a safe restart?",
        not troubles,
        "; ".join(troubles)
        or "Those of the newest recovery point; every rehearsal joined exactly.",
        (
            ("Newest recovery point", ready.point_id or "none"),
            ("Its age", age),
            (
                "Rehearsals that joined",
                f"{sum(e.verdict == 'PASS' for e in found)} of {len(found)}",
            ),
        ),
    )


def _who_sees_duplicates(found: Sequence[ScenarioReport], untouched: bool) -> Answer:
    duplicates = sum(each.duplicates for each in found)
    lost = sum(each.lost for each in found)
    suppressed = sum(each.suppressed for each in found)
    wrong = [e for e in found if any(not v.passed for v in e.verifications)]
    troubles = []
    if duplicates:
        troubles.append(
            f"the sink took {duplicates:,} records twice: it does not keep its offsets with its effects"
        )
    if lost:
        troubles.append(f"{lost:,} records never reached the sink")
    if wrong:
        troubles.append(
            f"the output differs from the truth after {', '.join(e.name for e in wrong)}"
        )
    if not untouched:
        troubles.append("the production was changed while the drill ran: the guard failed")
    return Answer(
        "Who sees duplicates?",
        not troubles,
        "; ".join(troubles) or f"Nobody: {suppressed:,} repeats were turned away.",
        (
            ("Effects twice", f"{duplicates:,}"),
            ("Repeats suppressed", f"{suppressed:,}"),
            ("Records that never arrived", f"{lost:,}"),
            ("Production untouched", "yes" if untouched else "NO"),
        ),
    )


def _catching_up(
    stream: Stream, found: Sequence[ScenarioReport], to_replay: int, replay_s: float
) -> Answer:
    failed = _failed(found, ("broker-killed", "store-throttled", "live-traffic"))
    phases = {one.phase: one for e in found for one in e.latencies}
    limit_ms = parse_duration(stream.objectives.live_p99) if stream.objectives.live_p99 else None
    measured = [e for e in found if e.replay_seconds > 0 and e.verdict == "PASS"]
    objective_s = stream.objectives.replay_ms / 1000
    troubles = [_named(failed)] if failed else []
    if not measured:
        troubles.append("no replay came to its end: nothing was measured")
    elif replay_s > objective_s:
        troubles.append(
            f"replaying the production's {to_replay:,} records would take {duration_text(replay_s)}, the objective is "
            f"{duration_text(objective_s)}"
        )
    troubles += _of_live_traffic(phases, limit_ms)
    size = sum(e.bytes for e in measured)
    seconds = sum(e.replay_seconds for e in measured)
    return Answer(
        "Which metrics prove that it catches up without starving live traffic?",
        not troubles,
        "; ".join(troubles) or "It replays the production's backlog within its objective.",
        (
            (
                "Replayed in rehearsals",
                f"{sum(e.records for e in measured):,} records, {bytes_text(size)}",
            ),
            (
                "Pace",
                f"{sum(e.records for e in measured) / seconds:,.0f} records/s" if seconds else "-",
            ),
            ("Records the production would replay", f"{to_replay:,}"),
            ("That would take", duration_text(replay_s)),
            ("Objective", duration_text(objective_s)),
            ("Live produce p99 before the replay", _p99(phases.get("before"))),
            ("Live produce p99 beside it", _p99(phases.get("during"))),
            (
                "Objective for that",
                "none declared" if limit_ms is None else duration_text(limit_ms / 1000),
            ),
        ),
    )


def _of_live_traffic(phases: Mapping[str, Latency], limit_ms: int | None) -> list[str]:
    """Only against a declared objective: any disturbance is many times what a quiet broker takes."""
    before, during = phases.get("before"), phases.get("during")
    if limit_ms is None:
        return []
    if before is None or during is None:
        return ["what live traffic pays for a replay was not measured (scenario live-traffic)"]
    if min(before.samples, during.samples) < LATENCY_SAMPLES_MIN:
        return [
            f"too few live requests ({during.samples:,} beside the replay) tell what it costs them"
        ]
    if before.p99_ms > limit_ms:
        return ["live traffic missed its objective before the replay, too: this drill cannot tell"]
    if during.p99_ms > limit_ms:
        return [f"live traffic beside the replay had a p99 of {during.p99_ms:,.1f} ms"]
    return []


def _p99(one: Latency | None) -> str:
    return "not measured" if one is None else f"{one.p99_ms:,.1f} ms of {one.samples:,} requests"


async def _loss(
    metastore: Metastore,
    ready: Readiness,
    found: Sequence[ScenarioReport],
    ms_each: float,
    objective_ms: int,
) -> Loss:
    """In time: from the newest point to the oldest record that is left, where the log has lost what came between; and of
    what rehearsals lost, as far as such records lie apart on the average."""
    lost = max((each.lost for each in found), default=0)
    gap_ms = 0
    if ready.gone and ready.point_at_ms is not None:
        topics = {topic.name: topic.no for topic in await metastore.topics()}
        for name, partition, offset in ready.restart:
            row = await metastore.partition(topics[name], partition)
            if row is None or row.log_start <= offset:
                continue
            first = await observe.moment_at(metastore, topics[name], partition, row.log_start)
            until_ms = ready.at_ms if first is None else first.appended_ms
            gap_ms = max(gap_ms, until_ms - ready.point_at_ms)
    return Loss(lost + ready.gone, gap_ms + round(lost * ms_each), objective_ms)


def _extrapolated(found: Sequence[ScenarioReport], to_replay: int) -> float:
    """Seconds for the production's backlog, at the median pace of the rehearsals, with their fixed part."""
    paces = sorted(e.records / e.replay_seconds for e in found if e.replay_seconds and e.records)
    longest = max((e.replay_seconds for e in found), default=0.0)
    return max(longest, to_replay / paces[len(paces) // 2]) if paces else longest


async def _to_replay(metastore: Metastore, ready: Readiness) -> int:
    """Records since the newest point; of the whole log without one."""
    topics: Mapping[str, int] = {topic.name: topic.no for topic in await metastore.topics()}
    total = 0
    for name, partition, offset in ready.restart:
        if name in topics:
            row = await metastore.partition(topics[name], partition)
            if row is not None:
                start = max(offset, row.log_start)
                total += (
                    await observe.volume(metastore, topics[name], partition, start, row.next_offset)
                ).records
    return total
