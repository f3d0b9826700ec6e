"""``anabranch offsets``: change a group's offsets by a plan that is previewed, approved, applied and undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.metastore.api import Topic
    from anabranch.recovery.history.offset_plan import OffsetPlan, Record, Span
    from anabranch.recovery.history.offset_planning import Want


@click.group(name="offsets", epilog="Example: anabranch offsets plan view --to-datetime '2h ago'")
def command() -> None:
    """Plan a change of a group's offsets; approve, apply and undo it."""


@command.command(
    epilog="Example: anabranch offsets plan view --to-datetime '2h ago' --reason 'bad join' --ticket OPS-7"
)
@click.argument("group")
@click.option("--to-datetime", metavar="TIME", help="The first record of that time or later.")
@click.option("--to-offset", type=click.IntRange(min=0), metavar="N", help="This offset.")
@click.option("--shift-by", type=int, metavar="N", help="So many further on, or back if negative.")
@click.option("--by-duration", metavar="TIME", help="The first record younger than TIME, as 6h.")
@click.option("--to-earliest", is_flag=True, help="The log's start.")
@click.option("--to-latest", is_flag=True, help="The log's end.")
@click.option(
    "--from-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV as kafka-consumer-groups.sh --export writes it.",
)
@click.option("--to-point", metavar="ID", help="A recovery point's offsets.")
@click.option(
    "--topic",
    "topics",
    multiple=True,
    metavar="TOPIC[:P,P]",
    help="All or some partitions of a topic. Repeatable. [default: what the group has committed]",
)
@click.option("--clamp", is_flag=True, help="Take the nearest offset where the wanted one is gone.")
@click.option("--allow-end", is_flag=True, help="Skip to the end where no record is so new.")
@click.option("--reason", default="", help="Kept in the plan, the history and the audit log.")
@click.option("--ticket", default="", help="Likewise.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the plan as a file."
)
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def plan(
    group: str,
    to_datetime: str | None,
    to_offset: int | None,
    shift_by: int | None,
    by_duration: str | None,
    to_earliest: bool,
    to_latest: bool,
    from_file: Path | None,
    to_point: str | None,
    topics: tuple[str, ...],
    clamp: bool,
    allow_end: bool,
    reason: str,
    ticket: str,
    out: Path | None,
    data: Location,
    output: str,
) -> None:
    """Plan where GROUP, whose consumers are stopped, shall go on; nothing is changed yet.

    Shows per partition what would be skipped and what would be read again. An offset that is not in the log, or a time
    that no record reaches, is refused unless --clamp or --allow-end says what to do.
    """

    async def main() -> None:
        from anabranch.errors import UserFault
        from anabranch.recovery.capture import points
        from anabranch.recovery.history.offset_plan import Aim, parse_csv
        from anabranch.recovery.history.offset_planning import Want
        from anabranch.recovery.model import canonical_json
        from anabranch.recovery.times import parse_duration, parse_time

        now_ms = _options.now_ms()
        asked = {
            Aim.DATETIME: to_datetime,
            Aim.OFFSET: to_offset,
            Aim.SHIFT: shift_by,
            Aim.DURATION: by_duration,
            Aim.EARLIEST: to_earliest or None,
            Aim.LATEST: to_latest or None,
            Aim.FILE: from_file,
            Aim.POINT: to_point,
        }
        aims = [aim for aim, given in asked.items() if given is not None]
        if len(aims) != 1:
            raise UserFault(
                "say where to with one of " + ", ".join(f"--{aim.value}" for aim in asked)
            )
        (aim,) = aims
        at_ms = None
        if to_datetime is not None:
            at_ms = parse_time(to_datetime, now_ms)
        elif by_duration is not None:
            at_ms = now_ms - parse_duration(by_duration, "--by-duration")
        text = from_file.read_text(encoding="utf-8") if from_file is not None else None
        async with _options.opened(data) as log:
            point = await points.find(log.metastore, to_point) if to_point is not None else None
            want = Want(
                aim=aim,
                argument=str(asked[aim]) if aim not in (Aim.EARLIEST, Aim.LATEST) else "",
                at_ms=at_ms,
                number=to_offset if to_offset is not None else shift_by,
                given=tuple(parse_csv(text, group)) if text is not None else (),
                point=point,
                topics=_chosen(topics),
                clamp=clamp,
                allow_end=allow_end,
            )
            made = await _plan(log, group, want, now_ms, reason, ticket)
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_bytes(canonical_json(made) + b"\n")
        emit(output, lambda: made, lambda: (*_plan_parts(made), _next(made, made.approvals)))

    _options.run(main())


async def _plan(
    log: Log, group: str, want: Want, now_ms: int, reason: str, ticket: str
) -> OffsetPlan:
    from anabranch.recovery.capture import points
    from anabranch.recovery.history import offset_planning

    async def offset_at(topic: Topic, partition: int, at_ms: int) -> tuple[int, int] | None:
        await log.refresh(topic, [partition])
        answer = await log.list_offset(topic, partition, at_ms)
        return None if answer.offset < 0 else (answer.offset, answer.timestamp)

    made = await offset_planning.plan(
        log.metastore,
        group,
        want,
        creator=points.whoami(),
        now_ms=now_ms,
        reason=reason,
        ticket=ticket,
        offset_at=offset_at,
        append_times=log.extents.append_times,
        extents=log.extents,
    )
    await _options.audited(
        log,
        "offsets plan",
        f"GROUP:{group}",
        plan=made.id,
        hash=made.hash,
        reason=reason,
        ticket=ticket,
    )
    return made


def _chosen(topics: tuple[str, ...]) -> dict[str, list[int]] | None:
    """``["a", "b:0,2"]`` as {a: [], b: [0, 2]}. Raises UserFault."""
    from anabranch.errors import UserFault

    found: dict[str, list[int]] = {}
    for text in topics:
        name, colon, partitions = text.rpartition(":")
        if not colon:
            found[text] = []
            continue
        numbers = partitions.split(",")
        if not name or not all(number.strip().isdecimal() for number in numbers):
            raise UserFault(
                f"“{text}” is not TOPIC or TOPIC:PARTITION,PARTITION, as in flights:0,3"
            )
        found.setdefault(name, []).extend(int(number) for number in numbers)
    return found or None


@command.command(epilog="Example: anabranch offsets approve offsets-3f2a9c01d4e5 --note 'checked'")
@click.argument("plan")
@click.option("--note", default="", help="Kept with the approval.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def approve(plan: str, note: str, data: Location, output: str) -> None:
    """Approve PLAN (an id or its file), which somebody else made."""

    async def main() -> None:
        from anabranch.recovery.capture import points
        from anabranch.recovery.history import offset_planning

        async with _options.opened(data) as log:
            record = await offset_planning.approve(
                log.metastore, plan, who=points.whoami(), now_ms=_options.now_ms(), note=note
            )
            await _tell(log, "offsets approve", record)
        emit(output, lambda: record, lambda: _record_parts(record))

    _options.run(main())


@command.command(epilog="Example: anabranch offsets apply offsets-3f2a9c01d4e5")
@click.argument("plan")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def apply(plan: str, data: Location, output: str) -> None:
    """Do what PLAN (an id or its file) says, all partitions in one transaction.

    Refused if group, offsets or topics are not as they were when it was planned, or approvals are missing.
    """

    async def main() -> None:
        from anabranch.recovery.capture import points
        from anabranch.recovery.history import offset_planning

        async with _options.opened(data) as log:
            found, _ = await offset_planning.find(log.metastore, plan)
            await _require(log, "offsets apply", found.plan)
            record = await offset_planning.apply(
                log.metastore, plan, who=points.whoami(), now_ms=_options.now_ms()
            )
            await _tell(log, "offsets apply", record)
        emit(output, lambda: record, lambda: _record_parts(record))

    _options.run(main())


@command.command(epilog="Example: anabranch offsets undo offsets-3f2a9c01d4e5")
@click.argument("plan")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def undo(plan: str, data: Location, output: str) -> None:
    """Bring the group back to where PLAN found it, unless it has moved since."""

    async def main() -> None:
        from anabranch.recovery.capture import points
        from anabranch.recovery.history import offset_planning

        async with _options.opened(data) as log:
            found, _ = await offset_planning.find(log.metastore, plan)
            await _require(log, "offsets undo", found.plan)
            record = await offset_planning.undo(
                log.metastore, plan, who=points.whoami(), now_ms=_options.now_ms()
            )
            await _tell(log, "offsets undo", record)
        emit(output, lambda: record, lambda: _record_parts(record))

    _options.run(main())


@command.command("list", epilog="Example: anabranch offsets list --output json")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(data: Location, output: str) -> None:
    """List plans of offsets and what became of them."""

    async def main() -> None:
        from anabranch.recovery.history import offset_planning

        async with _options.opened(data) as log:
            found = await offset_planning.stored(log.metastore)
        emit(output, lambda: found, lambda: _list_parts(found))

    _options.run(main())


@command.command(epilog="Example: anabranch offsets show offsets-3f2a9c01d4e5")
@click.argument("plan")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def show(plan: str, data: Location, output: str) -> None:
    """Show PLAN (an id or its file), its approvals and what became of it."""

    async def main() -> None:
        from anabranch.recovery.history import offset_planning

        async with _options.opened(data) as log:
            record, _ = await offset_planning.find(log.metastore, plan)
        emit(output, lambda: record, lambda: _record_parts(record))

    _options.run(main())


async def _require(log: Log, what: str, plan: OffsetPlan) -> None:
    topics = list(dict.fromkeys(step.topic for step in plan.steps))
    await _options.require_replay(log, what, topics=topics, group=plan.group)


async def _tell(log: Log, what: str, record: Record) -> None:
    plan = record.plan
    await _options.audited(
        log,
        what,
        f"GROUP:{plan.group}",
        plan=plan.id,
        hash=plan.hash,
        reason=plan.reason,
        ticket=plan.ticket,
        approvals=[one.who for one in record.approvals],
    )


def _plan_parts(plan: OffsetPlan) -> Iterator[Part]:
    from anabranch.recovery.model import at_most
    from anabranch.recovery.times import bytes_text

    yield f"Plan {plan.id} for group {plan.group}  (sha256 {plan.hash[:16]}…)"
    why = " ".join(
        part for part in (plan.reason, f"[{plan.ticket}]" if plan.ticket else "") if part
    )
    yield f"--{plan.aim.value} {plan.argument}".rstrip() + (f": {why}" if why else "")
    yield Table(
        (
            "topic",
            ">p",
            ">log start",
            ">now",
            ">then",
            ">log end",
            ">skipped",
            "of",
            ">again",
            "of",
        ),
        [
            (
                step.topic,
                step.partition,
                step.log_start,
                step.now,
                step.target,
                step.log_end,
                at_most(step.skipped.volume.records, step.skipped.at_most),
                _span(step.skipped),
                at_most(step.replayed.volume.records, step.replayed.at_most),
                _span(step.replayed),
            )
            for step in plan.steps
        ],
    )
    yield (
        f"{at_most(plan.skipped.records, plan.skipped_at_most)} records ({bytes_text(plan.skipped.bytes)}) are "
        f"skipped, {at_most(plan.replayed.records, plan.replayed_at_most)} ({bytes_text(plan.replayed.bytes)}) are read "
        "again."
    )
    if plan.skipped_at_most or plan.replayed_at_most:
        yield (
            "“At most”: a transaction is open, or counting what is no record would mean to read too much; of these only "
            "the offsets are known."
        )
    for step in plan.steps:
        if step.told:
            yield f"TOLD TO: {step.topic}:{step.partition}: {step.told}"
    for one in plan.bystanders:
        yield f"NOT MOVED: {one} without a group"
    if plan.approvals:
        number = f"{plan.approvals} approval{'s' * (plan.approvals != 1)}"
        yield f"Needs {number} of others than {plan.creator} (class {', '.join(plan.classes)})"


def _next(plan: OffsetPlan, missing: int) -> str:
    """What to type now, while so many approvals are missing."""
    if missing > 0:
        return f"Next: anabranch offsets approve {plan.id}   (not {plan.creator})"
    return f"Next: anabranch offsets apply {plan.id}"


def _span(span: Span) -> str:
    from anabranch.recovery.times import bytes_text, duration_text, time_text

    if span.length_ms is None:
        return "-"
    return (
        f"{bytes_text(span.volume.bytes)}, {duration_text(span.length_ms / 1000)} from "
        f"{time_text(span.first_ms)}"
    )


def _record_parts(record: Record) -> Iterator[Part]:
    from anabranch.recovery.times import time_text

    yield from _plan_parts(record.plan)
    for one in record.approvals:
        yield f"approved by {one.who} at {time_text(one.at_ms)}" + (
            f": {one.note}" if one.note else ""
        )
    yield f"Status: {record.status}"
    if record.undone_ms is not None:
        yield f"undone by {record.undone_by} at {time_text(record.undone_ms)}"
    elif record.applied_ms is not None:
        yield (
            f"applied by {record.applied_by} at {time_text(record.applied_ms)}; "
            f"anabranch offsets undo {record.plan.id} takes it back"
        )
    else:
        yield _next(record.plan, record.plan.approvals - len(record.approvals))


def _list_parts(found: list[Record]) -> Iterator[Part]:
    from anabranch.recovery.times import time_text

    if not found:
        yield "No plans of offsets yet."
        return
    yield Table(
        ("plan", "group", "made", "by", "what", ">skipped", ">again", "status"),
        [
            (
                one.plan.id,
                one.plan.group,
                time_text(one.plan.created_ms),
                one.plan.creator,
                f"{one.plan.aim.value} {one.plan.argument}".rstrip(),
                one.plan.skipped.records,
                one.plan.replayed.records,
                one.status,
            )
            for one in found
        ],
    )
