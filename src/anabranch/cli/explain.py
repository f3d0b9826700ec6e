"""``anabranch explain``: where a group stood, how it got there, and what a restart there does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import AT_MOST, Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.history.difference import Difference
    from anabranch.recovery.history.explain import Change, Explanation


@click.command(
    name="explain",
    epilog="Example: anabranch explain flights-view --at '15m ago' --sink sqlite:view.db",
)
@click.argument("group")
@click.option("--at", default="now", show_default=True, metavar="TIME", help="Which instant.")
@click.option(
    "--between",
    nargs=2,
    metavar="TIME TIME",
    help="Instead: what changed between two instants, with every rewind and jump.",
)
@click.option("--topic", "topics", multiple=True, help="Only these topics. Repeatable.")
@click.option(
    "--point",
    "points",
    multiple=True,
    metavar="ID",
    help="Also hold this recovery point against group, sinks and log. Repeatable.",
)
@_options.exact_option
@_options.sink_option
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def command(
    group: str,
    at: str,
    between: tuple[str, str] | None,
    topics: tuple[str, ...],
    points: tuple[str, ...],
    exact: bool,
    sinks: tuple[str, ...],
    data: Location,
    output: str,
) -> None:
    """Explain GROUP's committed offsets at an instant, or between two.

    Per partition: what was committed, when, by whom, and what it replaced; what a restart there
    reads; and a verdict that holds it against the log's start and end, the sinks and recovery points.
    """

    async def main() -> None:
        from anabranch.errors import UserFault
        from anabranch.log.offsets import record_time
        from anabranch.recovery.capture import points as recovery_points
        from anabranch.recovery.history.difference import difference
        from anabranch.recovery.history.explain import explain
        from anabranch.recovery.sinks import registry
        from anabranch.recovery.times import parse_time

        now_ms = _options.now_ms()
        if between is not None and (at != "now" or sinks or points):
            raise UserFault(
                "--between tells what changed; --at, --sink and --point belong to one instant"
            )
        async with _options.opened(data) as log:
            if between is not None:
                first, second = (parse_time(one, now_ms) for one in between)
                changed = await difference(
                    log.metastore,
                    group,
                    from_ms=first,
                    to_ms=second,
                    topics=topics or None,
                    extents=log.extents,
                    exact=exact,
                )
                emit(output, lambda: changed, lambda: _changed(changed))
                return
            explanation = await explain(
                log.metastore,
                group,
                at_ms=parse_time(at, now_ms),
                now_ms=now_ms,
                sinks=await registry.states(log.metastore, sinks, group),
                points=[await recovery_points.find(log.metastore, point) for point in points],
                topics=topics or None,
                append_times=log.extents.append_times,
                record_time=lambda extent, offset: record_time(log.extents, extent, offset),
                extents=log.extents,
                exact=exact,
            )
        emit(output, lambda: explanation, lambda: _parts(explanation))

    _options.run(main())


def _changed(changed: Difference) -> Iterator[Part]:
    from anabranch.recovery.times import time_text

    yield (
        f"Group {changed.group} from {time_text(changed.from_ms)} to {time_text(changed.to_ms)}"
        + ("" if changed.partitions else ": nothing changed")
    )
    if changed.partitions:
        yield Table(
            (
                "topic", ">p", ">old", ">new", ">moved", ">records", "last by", "action", "when", "detail",
            ),
            [
                (
                    p.topic or "(deleted)",
                    p.partition,
                    p.old,
                    p.new,
                    "-" if p.moved is None else f"{p.moved:+,}",
                    _records(p.records, p.at_most),
                    p.by.who if p.by else "",
                    p.by.action if p.by else "",
                    time_text(p.by.at_ms) if p.by else "",
                    _detail(p.by),
                )
                for p in changed.partitions
            ],
        )  # fmt: skip
    if changed.turns:
        yield Table(
            (
                "change", "when", "", "topic", ">p", ">from", ">to", ">records", "action", "by", "detail",
            ),
            [
                (
                    turn.change.id,
                    time_text(turn.change.at_ms),
                    turn.kind.value.upper(),
                    turn.topic or "(deleted)",
                    turn.partition,
                    turn.change.old,
                    turn.change.new,
                    _records(turn.records, turn.at_most),
                    turn.change.action,
                    turn.change.who,
                    _detail(turn.change),
                )
                for turn in changed.turns
            ],
            "Turns in between, newest first: what was not a consumer going forward",
        )  # fmt: skip
    else:
        yield "No rewind, jump, reset, deletion or expiry in between: consumers went forward."
    bounds = [p.at_most and p.records for p in changed.partitions]
    if any([*bounds, *(turn.at_most and turn.records for turn in changed.turns)]):
        yield AT_MOST
    if changed.begins_ms > changed.from_ms:
        yield f"The history that is kept begins at {time_text(changed.begins_ms)}."
    if not changed.turns_complete:
        yield "There were more turns; these are the newest. Ask for a shorter time to see the others."
    if not changed.commits_complete:
        yield (
            f"Seeks forward by consumers themselves were looked for among the newest "
            f"{changed.commits_looked_at:,} commits only."
        )


def _parts(explanation: Explanation) -> Iterator[Part]:
    from anabranch.recovery.model import VerdictKind, at_most
    from anabranch.recovery.times import bytes_text, time_text

    at = time_text(explanation.at_ms)
    yield f"Group {explanation.group} at {at}: restart there → {explanation.verdict}"
    yield f"({explanation.verdict.reason})"
    partitions = explanation.partitions
    yield Table(
        ("topic", ">p", ">position", "action", "committed", "by", ">replaced", "detail"),
        [
            (
                p.topic,
                p.partition,
                p.position,
                p.change.action if p.change else "never committed",
                time_text(p.change.at_ms) if p.change else "",
                p.change.who if p.change else "",
                p.change.old if p.change else None,
                _detail(p.change),
            )
            for p in partitions
        ],
        "How it got there",
    )
    yield Table(
        (
            "topic", ">p", ">log start", ">position", ">committed now", ">log end",
            ">to read", ">size", ">appended", ">behind end", "its own time", "verdict",
        ),
        [
            (
                p.topic,
                p.partition,
                p.log_start,
                p.position,
                p.committed_now,
                p.log_end,
                at_most(p.lag.records, p.lag_at_most),
                bytes_text(p.lag.bytes),
                _ago(p.lag_ms),
                _span(p.behind_ms),
                time_text(p.event_ms),
                str(p.verdict),
            )
            for p in partitions
        ],
        "What a restart there does",
    )  # fmt: skip
    checks = [(p, check) for p in partitions for check in p.checks if check.by != "group"]
    if checks:
        yield Table(
            ("topic", ">p", "what", "held against", ">which says", "verdict", "why"),
            [
                (p.topic, p.partition, c.of, c.by, c.offset, str(c.verdict), c.verdict.reason)
                for p, c in checks
            ],
            "Held against each other",
        )
    for name, verdict in explanation.points.items():
        yield f"Recovery point {name}: restart there → {verdict} ({verdict.reason})"
    lag = sum(p.lag.records for p in partitions)
    size = bytes_text(sum(p.lag.bytes for p in partitions))
    again = sum(p.again for p in partitions)
    offsets = sum(p.lag_offsets for p in partitions)
    bound = any(p.lag_at_most for p in partitions)
    second = at_most(again, any(p.again_at_most for p in partitions))
    kept = "" if offsets == lag else f", {offsets:,} offsets"
    yield (
        f"A restart there reads {at_most(lag, bound)} records ({size}{kept}); {second} of them for the second time."
    )
    if bound:
        yield AT_MOST
    if explanation.verdict.kind is VerdictKind.SAFE:
        yield (
            "This judges positions, not results: what was computed wrongly stays wrong. To repair it, "
            f"anabranch plan {explanation.group}"
        )


def _records(records: int | None, bound: bool) -> str | None:
    from anabranch.recovery.model import at_most

    return None if records is None else at_most(records, bound)


def _ago(ms: int | None) -> str:
    from anabranch.recovery.times import duration_text

    return "-" if ms is None else "all read" if ms == 0 else f"{duration_text(ms / 1000)} ago"


def _span(ms: int | None) -> str:
    from anabranch.recovery.times import duration_text

    return "-" if ms is None else duration_text(ms / 1000)


def _detail(change: Change | None) -> str:
    if change is None:
        return ""
    actor = change.actor
    parts = [
        f"generation {actor.generation}" if actor.generation >= 0 else "",
        f"member {actor.member_id[:24]}" if actor.member_id else "",
        actor.reason,
        f"metadata “{change.metadata}”" if change.metadata else "",
    ]
    return ", ".join(part for part in parts if part)
