"""A plan as a runbook in Markdown: what happened, what to type, what to expect, when to stop.

A function of the plan alone, so that a runbook can be made again from the plan and compared with the one in use.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence

from anabranch.recovery.model import SinkClass, SinkState, at_most
from anabranch.recovery.plans.plan import Basis, IncidentKind, Plan
from anabranch.recovery.sinks.locations import keeps_lines
from anabranch.recovery.times import bytes_text, duration_text, time_text

COMMAND = "python processor.py"  # stands for the corrected processor
ROWS_MAX = 200  # partitions in a table; the plan's file has all of them

_STORIES = {
    IncidentKind.POINT: "Back to a recovery point.",
    IncidentKind.WINDOW: "Results since an instant are wrong.",
    IncidentKind.BAD_VERSION: "A version of the processor wrote wrong results.",
    IncidentKind.POISONED: "Records do damage when they are processed.",
    IncidentKind.ENRICHMENT: "A table that records are joined with was wrong.",
    IncidentKind.RESTORED: "The store downstream was put back to an earlier state.",
    IncidentKind.LATE: "Results since an instant are wrong, and the log has lost some of what is needed.",
    IncidentKind.REBUILD: "State is rebuilt from everything that is retained.",
}


def runbook(plan: Plan) -> str:
    """The whole page."""
    return "\n".join(_page(plan)).rstrip() + "\n"


def _page(plan: Plan) -> Iterator[str]:
    incident = plan.incident
    yield f"# Recovery of `{incident.group}`: {incident.kind.value}"
    yield ""
    yield _STORIES[incident.kind] + (
        f" {_prose(incident.description)}" if incident.description else ""
    )
    yield ""
    yield f"- plan `{plan.id}`, SHA-256 `{plan.hash}`"
    yield f"- made {time_text(plan.created_ms)} by {_prose(plan.creator)} for cluster `{plan.cluster_id}`"
    yield f"- restart from: {f'recovery point `{incident.point}`' if incident.point else incident.basis.value}"
    if incident.since_ms is not None:
        yield f"- damage since {time_text(incident.since_ms)}" + (
            f" until {time_text(incident.until_ms)}" if incident.until_ms is not None else ""
        )
    if incident.version:
        yield f"- bad version: `{incident.version}`"
    for one in incident.poisoned:
        yield f"- poisoned: `{one.topic}:{one.partition}@{one.offset}`"
    if incident.enrichment:
        yield f"- corrupted table: `{incident.enrichment}`"
    yield f"- **{'feasible' if plan.feasible else 'NOT FEASIBLE: the log does not hold what is needed'}**"
    yield ""
    yield from _warnings(plan)
    yield from _facts(plan)
    yield from _steps(plan)


def _warnings(plan: Plan) -> Iterator[str]:
    if plan.problems or plan.notes or plan.bystanders:
        yield "## Know before you begin"
        yield ""
        yield from (f"- **problem:** {_prose(one)}" for one in plan.problems)
        yield from (f"- {_prose(one)}" for one in plan.notes)
        yield from (
            f"- {_prose(one)} without a group: it is not moved and not warned"
            for one in plan.bystanders
        )
        yield ""
    if plan.alternatives:
        yield "Other recovery points, least lost first:"
        yield ""
        yield from _table(
            ("point", "name", "state of", "records gone since"),
            [
                (f"`{one.point}`", one.name, time_text(one.at_ms), f"{one.lost:,}")
                for one in plan.alternatives
            ],
        )


def _facts(plan: Plan) -> Iterator[str]:
    yield "## What will be read"
    yield ""
    yield from _table(
        ("topic", "p", "from", "to", "records", "bytes", "gone", "expires", "why there"),
        [
            (
                one.topic,
                str(one.partition),
                f"{one.restart:,}",
                f"{one.end:,}",
                at_most(one.volume.records, one.at_most),
                bytes_text(one.volume.bytes),
                f"{one.lost:,}",
                "never" if one.runway_ms is None else f"in {duration_text(one.runway_ms / 1000)}",
                _prose(one.why),
            )
            for one in plan.partitions[:ROWS_MAX]
        ],
    )
    yield (
        f"{at_most(plan.volume.records, plan.at_most)} records, {bytes_text(plan.volume.bytes)}: about {duration_text(plan.seconds)} at "
        f"{bytes_text(plan.rate)}/s ({_prose(plan.rate_source)})."
    )
    yield ""
    gaps = [(part, gap) for part in plan.partitions for gap in part.missing]
    if gaps:
        yield "Not there, or not to be counted:"
        yield ""
        yield from _table(
            ("topic", "p", "from", "to", "cause", "since", "detail"),
            [
                (
                    part.topic,
                    str(part.partition),
                    f"{gap.first:,}",
                    f"{gap.last:,}",
                    gap.cause,
                    time_text(gap.at_ms),
                    _prose(gap.detail),
                )
                for part, gap in gaps[:ROWS_MAX]
            ],
        )
    yield "## Who sees records again"
    yield ""
    yield from _table(
        ("who", "class", "on a branch", "of them twice", "in place", "of them twice", ""),
        [
            (
                f"{one.who} {one.name}",
                one.sink_class.value if one.sink_class else "",
                at_most(one.on_branch.again, one.at_most),
                at_most(one.on_branch.duplicates, one.at_most),
                at_most(one.in_place.again, one.at_most),
                at_most(one.in_place.duplicates, one.at_most),
                _prose(one.note),
            )
            for one in plan.forecasts
        ],
    )


def _steps(plan: Plan) -> Iterator[str]:
    incident, group = plan.incident, shlex.quote(plan.incident.group)
    number = 0

    def step(title: str) -> str:
        nonlocal number
        number += 1
        return f"### {number}. {title}"

    yield "## Steps"
    yield ""
    yield step("Check that the plan is still the one that was reviewed")
    yield ""
    yield from _shell(f"anabranch plan --show {plan.id}", f"anabranch explain {group}")
    yield f"The hash has to begin with `{plan.hash[:16]}`."
    yield ""
    if not plan.feasible:
        yield step("Stop here")
        yield ""
        yield (
            "`anabranch replay` refuses this plan. Choose one of the other points above, fetch what is gone from where it "
            "came, or accept the loss with a plan of what is left:"
        )
        yield ""
        yield from _shell(*_retries(plan))
        return
    yield step("Keep what is needed")
    yield ""
    pinned = f"--point {incident.point}" if incident.point else f"--group {group}"
    yield from _shell(
        f"anabranch hold create {shlex.quote(plan.id)} {pinned} --for 7d --reason {shlex.quote(plan.id)}"
    )
    if incident.basis is Basis.SINK or (
        incident.kind is IncidentKind.RESTORED and not _staged(plan.sinks)
    ):
        yield from _in_place(plan, step)
        return
    if incident.enrichment:
        yield step(f"Correct `{incident.enrichment}`")
        yield ""
        yield "Produce the corrected values to it, and plan again: the plan ends where the table ended when it was made."
        yield ""
    if incident.poisoned:
        yield step("Decide about the poisoned records")
        yield ""
        yield from _shell(
            *(
                f"anabranch log dump {shlex.quote(one.topic)} --partition {one.partition} --offset {one.offset} --batches --limit 1"
                for one in incident.poisoned
            )
        )
        yield (
            "The replay below leaves them out (`--skip`) and keeps them as dead letters. To mend them instead, replace it by "
            "`--transform mend.py`; a processor that is corrected needs neither."
        )
        yield ""
    yield step("Replay on a branch, beside live traffic")
    yield ""
    sink = next((sink_text(one) for one in plan.sinks if sink_text(one)), None)
    staging = f" --sink {shlex.quote(sink)}" if sink else ""
    skipped = "".join(
        f" --skip {shlex.quote(f'{one.topic}:{one.partition}@{one.offset}')}"
        for one in incident.poisoned
    )
    yield from _shell(
        f"anabranch replay {plan.id}{staging} --rate {plan.rate}{skipped} -- {COMMAND}",
        "anabranch replay --list",
    )
    yield (
        "Stop if the report of live latency is past its objective, or if the ETA passes the first *expires* above. "
        "`anabranch replay --resume SESSION` goes on after an interruption."
    )
    yield ""
    yield step("Verify")
    yield ""
    yield from _shell(
        f"anabranch verify {shlex.quote(sink or 'LIVE')}#TABLE {shlex.quote(sink or 'STAGING')}#TABLE@SESSION --key KEY --out verified.json"
    )
    yield step("Hand over, with the live consumers stopped")
    yield ""
    yield from _shell(
        "anabranch promote SESSION",
        f"anabranch explain {group}",
        "anabranch report SESSION --verification verified.json",
    )
    yield "It is taken back by:"
    yield ""
    yield from _shell("anabranch promote SESSION --undo")
    yield step("Let go of what was kept")
    yield ""
    yield from _shell(
        f"anabranch hold release {shlex.quote(plan.id)}", "anabranch replay --discard SESSION"
    )


def _in_place(plan: Plan, step: Callable[[str], str]) -> Iterator[str]:
    """A store that forgot gets the records again where it is: the group goes back to what the store holds."""
    group = shlex.quote(plan.incident.group)
    yield step("Move the group back to what the store holds, with its consumers stopped")
    yield ""
    yield from _shell(
        f"cat > {plan.id}.csv <<'END'",
        *(f"{one.topic},{one.partition},{one.restart}" for one in plan.partitions),
        "END",
        f"anabranch offsets plan {group} --from-file {plan.id}.csv --reason {shlex.quote(plan.id)}",
        "anabranch offsets approve OFFSETS-PLAN    # by somebody else, where a class asks for it",
        "anabranch offsets apply OFFSETS-PLAN",
    )
    yield "Sinks beside the restored one see these records again as the table above says, *in place*."
    yield ""
    yield step("Start the consumers, and watch them catch up")
    yield ""
    yield from _shell(f"anabranch runway {group}", f"anabranch explain {group}")
    yield "It is taken back, as long as no consumer has gone on, by:"
    yield ""
    yield from _shell("anabranch offsets undo OFFSETS-PLAN")
    yield step("Let go of what was kept")
    yield ""
    yield from _shell(f"anabranch hold release {shlex.quote(plan.id)}")


def _retries(plan: Plan) -> list[str]:
    group = shlex.quote(plan.incident.group)
    found = [
        f"anabranch plan {group} --point {one.point}" for one in plan.alternatives if one.lost == 0
    ][:3]
    return [*found, f"anabranch plan {group} --from-start"]


def _staged(sinks: Sequence[SinkState]) -> bool:
    return any(one.sink_class is SinkClass.TRANSACTIONAL for one in sinks)


def sink_text(sink: SinkState) -> str | None:
    """As the command line takes it; None for a sink that has no staging."""
    if not sink.sink_class.keeps_offsets or not sink.location:
        return None
    return sink.location if keeps_lines(sink.location) else f"sqlite:{sink.location}"


def _shell(*lines: str) -> Iterator[str]:
    yield "```sh"
    yield from lines
    yield "```"
    yield ""


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(columns) + " |"
    yield "| " + " | ".join("---" for _ in columns) + " |"
    for row in rows:
        yield "| " + " | ".join(_prose(cell) for cell in row) + " |"
    yield ""


def _prose(text: str) -> str:
    """Names and reasons are other people's words: they stay in their place in a table, and are no markup of ours."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
