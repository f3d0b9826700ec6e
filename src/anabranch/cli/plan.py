"""``anabranch plan``: from an incident to exact offsets, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.model import SinkState
    from anabranch.recovery.plans.incidents import Damage
    from anabranch.recovery.plans.plan import Plan, PoisonedRecord

GAPS_SHOWN = 20


@click.command(
    name="plan",
    epilog="Example: anabranch plan flights-view --since '2h ago' --sink sqlite:view.db --rate 4MiB/s "
    "--out plan.json",
)
@click.argument("group", required=False)
@click.option("--point", metavar="ID", help="Restart from this recovery point (id or name).")
@click.option("--since", metavar="TIME", help="The damage began then: the newest point before it.")
@click.option("--until", metavar="TIME", help="The damage ended then, and so does the replay.")
@click.option(
    "--bad-version", metavar="V", help="The newest point before the first of this version."
)
@click.option(
    "--poisoned",
    multiple=True,
    metavar="TOPIC:P@OFFSET",
    help="A record that does damage: the newest point before it. Repeatable.",
)
@click.option(
    "--enrichment",
    metavar="TOPIC@TIME",
    help="A table that records are joined with was wrong since: the newest point before.",
)
@click.option(
    "--restored", is_flag=True, help="The first --sink was put back: to where it says that it is."
)
@click.option("--restored-to", metavar="TIME", help="A sink that keeps no offsets was put back.")
@click.option("--from-start", is_flag=True, help="Rebuild from the oldest record retained.")
@click.option(
    "--topic", "topics", multiple=True, help="Default: the point's or group's. Repeatable."
)
@_options.sink_option
@click.option("--rate", metavar="SIZE", help="Bytes per second, e.g. 4MiB/s; default: measured.")
@click.option("--reason", default="", help="What happened; kept in the plan.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the plan as JSON."
)
@click.option(
    "--runbook",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write it as Markdown, with the exact commands.",
)
@click.option("--list", "listing", is_flag=True, help="List the plans made so far.")
@click.option("--show", metavar="PLAN", help="Show a plan by id or file.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def command(
    group: str | None,
    point: str | None,
    since: str | None,
    until: str | None,
    bad_version: str | None,
    poisoned: tuple[str, ...],
    enrichment: str | None,
    restored: bool,
    restored_to: str | None,
    from_start: bool,
    topics: tuple[str, ...],
    sinks: tuple[str, ...],
    rate: str | None,
    reason: str,
    out: Path | None,
    runbook: Path | None,
    listing: bool,
    show: str | None,
    data: Location,
    output: str,
) -> None:
    """Plan the recovery of GROUP.

    Answers how far back the log reaches, the exact restart offsets and why, and who would see
    duplicates. Exit status 1 if records that are needed are gone.
    """

    async def main() -> bool:
        from anabranch.errors import UserFault
        from anabranch.recovery.capture import points
        from anabranch.recovery.history.deletions import who_deleted
        from anabranch.recovery.plans import planning
        from anabranch.recovery.sinks import registry
        from anabranch.recovery.times import parse_bytes, parse_time

        now_ms = _options.now_ms()
        async with _options.opened(data) as log:
            if listing:
                plans = await planning.stored(log.metastore)
                emit(output, lambda: plans, lambda: _list_parts(plans))
                return True
            if show is not None:
                plan = await planning.find(log.metastore, show)
            else:
                if group is None:
                    raise UserFault("name the GROUP to recover (or --list, --show PLAN)")
                given = {
                    "--point": point,
                    "--since": since,
                    "--bad-version": bad_version,
                    "--poisoned": poisoned or None,
                    "--enrichment": enrichment,
                    "--restored": restored or None,
                    "--restored-to": restored_to,
                    "--from-start": from_start or None,
                }
                said = [name for name, one in given.items() if one is not None]
                if len(said) > 1:
                    raise UserFault(f"{' and '.join(said)} contradict each other: say one of them")
                if not said:
                    raise UserFault("say what happened with one of " + ", ".join(given))
                now_sinks = await registry.states(log.metastore, sinks, group)
                plan = await planning.plan_recovery(
                    log.metastore,
                    group=group,
                    now_ms=now_ms,
                    creator=points.whoami(),
                    description=reason,
                    since_ms=parse_time(since, now_ms) if since is not None else None,
                    until_ms=parse_time(until, now_ms) if until is not None else None,
                    damage=_damage(
                        bad_version, poisoned, enrichment, restored, restored_to, now_sinks, now_ms
                    ),
                    point=await points.find(log.metastore, point) if point is not None else None,
                    from_start=from_start,
                    topics=topics or None,
                    rate=parse_bytes(rate) if rate is not None else None,
                    sinks=now_sinks,
                    extents=log.extents,
                    who_deleted=who_deleted(log, data),
                )
        if out is not None:
            _write(plan, out)
        if runbook is not None:
            from anabranch.recovery.plans.runbook import runbook as page

            runbook.parent.mkdir(parents=True, exist_ok=True)
            runbook.write_text(page(plan), encoding="utf-8")
        emit(output, lambda: plan, lambda: _parts(plan))
        return plan.feasible

    if not _options.run(main()):
        raise SystemExit(1)


def _damage(
    bad_version: str | None,
    poisoned: tuple[str, ...],
    enrichment: str | None,
    restored: bool,
    restored_to: str | None,
    sinks: list[SinkState],
    now_ms: int,
) -> Damage | None:
    """What happened, of the options that say so. Raises UserFault."""
    from anabranch.errors import UserFault
    from anabranch.recovery.plans.incidents import BadVersion, Enrichment, Poisoned, Restored
    from anabranch.recovery.times import parse_time

    if bad_version is not None:
        return BadVersion(bad_version)
    if poisoned:
        return Poisoned(tuple(_record(text) for text in poisoned))
    if enrichment is not None:
        topic, at, time = enrichment.partition("@")
        if not (topic and at and time):
            raise UserFault(f"“{enrichment}” is not TOPIC@TIME, as in airports@2h ago")
        return Enrichment(topic, parse_time(time, now_ms))
    if restored:
        return Restored(sink=next((one for one in sinks if one.positions), None))
    if restored_to is not None:
        return Restored(at_ms=parse_time(restored_to, now_ms))
    return None


def _record(text: str) -> PoisonedRecord:
    """``flights:3@1200``. Raises UserFault."""
    from anabranch.errors import UserFault
    from anabranch.recovery.plans.plan import PoisonedRecord

    where, _, offset = text.rpartition("@")
    topic, _, partition = where.rpartition(":")
    if not (topic and partition.isdecimal() and offset.isdecimal()):
        raise UserFault(f"“{text}” is not TOPIC:PARTITION@OFFSET, as in flights:3@1200")
    return PoisonedRecord(topic, int(partition), int(offset))


def _write(plan: Plan, out: Path) -> None:
    import msgspec

    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n")


def _list_parts(plans: list[Plan]) -> Iterator[Part]:
    from anabranch.recovery.times import bytes_text, time_text

    if not plans:
        yield "No plans yet."
        return
    yield Table(
        ("plan", "group", "made", "from", ">records", ">size", "feasible"),
        [
            (
                plan.id,
                plan.incident.group,
                time_text(plan.created_ms),
                plan.incident.point or plan.incident.basis.value,
                plan.volume.records,
                bytes_text(plan.volume.bytes),
                plan.feasible,
            )
            for plan in plans
        ],
    )


def _parts(plan: Plan) -> Iterator[Part]:
    from anabranch.recovery.model import at_most
    from anabranch.recovery.times import bytes_text, duration_text, time_text

    incident = plan.incident
    yield f"Plan {plan.id} for group {incident.group}  (sha256 {plan.hash[:16]}…)"
    if incident.description:
        yield f"Incident: {incident.description}"
    yield f"What happened: {incident.kind.value}; restart from: {incident.point or incident.basis.value}"
    yield Table(
        ("topic", ">p", ">log start", "oldest record", ">restart", ">log end", ">gone", "expires"),
        [
            (
                p.topic,
                p.partition,
                p.log_start,
                time_text(p.oldest_ms),
                p.restart,
                p.log_end,
                p.lost,
                "never" if p.runway_ms is None else f"in {duration_text(p.runway_ms / 1000)}",
            )
            for p in plan.partitions
        ],
        "1. How far back: records that are needed are GONE"
        if any(p.lost for p in plan.partitions)
        else "1. How far back: the log still holds what is needed",
    )
    yield Table(
        ("topic", ">p", ">read from", ">up to", ">records", ">size", "why there"),
        [
            (
                p.topic,
                p.partition,
                p.restart,
                p.end,
                at_most(p.volume.records, p.at_most),
                bytes_text(p.volume.bytes),
                p.why,
            )
            for p in plan.partitions
        ],
        "2. Exact offsets",
    )
    yield (
        f"{at_most(plan.volume.records, plan.at_most)} records, {bytes_text(plan.volume.bytes)}: about "
        f"{duration_text(plan.seconds)} at {bytes_text(plan.rate)}/s ({plan.rate_source})"
    )
    yield Table(
        (
            "who", "class", ">again on branch", ">duplicates", ">suppressed",
            ">in place: again", ">duplicates", ">suppressed",
        ),
        [
            (
                f"{f.who} {f.name}",
                f.sink_class.value if f.sink_class else "",
                at_most(f.on_branch.again, f.at_most),
                at_most(f.on_branch.duplicates, f.at_most),
                at_most(f.on_branch.suppressed, f.at_most),
                at_most(f.in_place.again, f.at_most),
                at_most(f.in_place.duplicates, f.at_most),
                at_most(f.in_place.suppressed, f.at_most),
            )
            for f in plan.forecasts
        ],
        "3. Who sees duplicates: by `anabranch replay` on a branch, or by rewinding in place",
    )  # fmt: skip
    for forecast in plan.forecasts:
        yield f"  {forecast.who} {forecast.name}: {forecast.note}"
    missing = [(part, gap) for part in plan.partitions for gap in part.missing]
    if missing:
        yield Table(
            ("topic", ">p", ">from", ">to", "cause", "since", "detail"),
            [
                (
                    part.topic,
                    part.partition,
                    gap.first,
                    gap.last,
                    gap.cause,
                    time_text(gap.at_ms),
                    gap.detail,
                )
                for part, gap in missing[:GAPS_SHOWN]
            ],
            "Ranges that are not there, or do not count",
        )
        if len(missing) > GAPS_SHOWN:
            yield f"… and {len(missing) - GAPS_SHOWN:,} more in --output json"
    for problem in plan.problems:
        yield f"PROBLEM: {problem}"
    for note in plan.notes:
        yield f"NOTE: {note}"
    for one in plan.bystanders:
        yield f"NOT MOVED: {one} without a group"
    if plan.alternatives:
        yield Table(
            ("point", "name", "state of", ">records gone since"),
            [(one.point, one.name, time_text(one.at_ms), one.lost) for one in plan.alternatives],
            "Other recovery points",
        )
    yield _next(plan)


def _next(plan: Plan) -> str:
    """What to type now."""
    import shlex

    from anabranch.recovery.plans.runbook import sink_text

    if not plan.feasible:
        if plan.alternatives:
            return f"Next: not this plan; perhaps anabranch plan {plan.incident.group} --point {plan.alternatives[0].point}"
        return "Next: not this plan; it cannot be carried out while there are problems"
    places = [text for sink in plan.sinks if (text := sink_text(sink))]
    sink = f" --sink {shlex.quote(places[0])}" if places else ""
    return f"Next: anabranch replay {plan.id}{sink} -- COMMAND …"
