"""``anabranch group undo`` and ``group readers``: take a change of offsets back; see who reads without a group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.history.readers import TopicReader
    from anabranch.recovery.history.undo import Undo


@click.command(name="undo", epilog="Example: anabranch group undo flights-view --dry-run")
@click.argument("group")
@click.option(
    "--change",
    metavar="ID",
    help="As `anabranch explain GROUP --between …` shows it. [default: the newest that was no consumer's commit]",
)
@click.option("--topic", "topics", multiple=True, help="Only these topics. Repeatable.")
@click.option("--reason", default="", help="Kept in the group's history.")
@click.option("--dry-run", is_flag=True, help="Show what would be done.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def undo(
    group: str,
    change: str | None,
    topics: tuple[str, ...],
    reason: str,
    dry_run: bool,
    data: Location,
    output: str,
) -> None:
    """Take back a change of GROUP's committed offsets.

    Every partition that was changed together goes back to what the change replaced, in one transaction. Refused if
    anybody moved one of them since, or the group has members.
    """

    async def main() -> None:
        from anabranch.recovery.capture.points import whoami
        from anabranch.recovery.history import undo as undoing

        async with _options.opened(data) as log:
            prepared = await undoing.prepare(
                log.metastore, group, change=change, topics=topics or None
            )
            if not dry_run:
                await _options.require_replay(log, "group undo", group=group)
                await undoing.undo(
                    log.metastore,
                    prepared,
                    who=whoami(),
                    reason=reason,
                    now_ms=_options.now_ms(),
                )
                await _options.audited(
                    log, "group undo", f"GROUP:{group}", change=prepared.id, reason=reason
                )
        emit(output, lambda: prepared, lambda: _undone(prepared, dry_run))

    _options.run(main())


def _undone(prepared: Undo, dry_run: bool) -> Iterator[Part]:
    from anabranch.recovery.times import time_text

    yield (
        f"{'Would undo' if dry_run else 'Undid'} change {prepared.id} of {prepared.group}: {prepared.action} at "
        f"{time_text(prepared.at_ms)} by {prepared.by}"
        + (f" ({prepared.why})" if prepared.why else "")
    )
    yield Table(
        ("topic", ">p", ">now" if dry_run else ">was", ">back to"),
        [(one.topic, one.partition, one.now, one.back_to) for one in prepared.moves],
    )
    lost = sum(one.lost for one in prepared.moves)
    if lost:
        yield f"PROBLEM: the log start has passed these positions: {lost:,} records are gone."


@click.command(name="readers", epilog="Example: anabranch group readers flights")
@click.argument("topic", required=False)
@click.option(
    "--within", default="10m", show_default=True, metavar="TIME", help="Who fetched since."
)
@click.option("--unseen", is_flag=True, help="Only those that no group shows.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def readers(topic: str | None, within: str, unseen: bool, data: Location, output: str) -> None:
    """Show who fetches TOPIC (default: all), also consumers that use assign() and commit nothing.

    The brokers write about every five seconds who fetched what.
    """

    async def main() -> None:
        from anabranch.recovery.history import readers as reading
        from anabranch.recovery.times import parse_duration

        async with _options.opened(data) as log:
            found = await reading.readers(
                log.metastore,
                now_ms=_options.now_ms(),
                within_ms=parse_duration(within, "--within"),
                topics=None if topic is None else [topic],
            )
        shown = [one for one in found if one.is_unseen or not unseen]
        emit(output, lambda: shown, lambda: _readers(shown, _options.now_ms()))

    _options.run(main())


def _readers(found: list[TopicReader], now_ms: int) -> Iterator[Part]:
    from anabranch.recovery.times import duration_text

    if not found:
        yield "Nobody fetched within that time, as far as brokers tell."
        return
    yield Table(
        ("topic", ">p", "client", "host", "principal", ">next", ">lag", ">fetched", "commits as"),
        [
            (
                one.topic,
                one.partition,
                one.client_id,
                one.host,
                one.principal,
                one.offset,
                one.lag,
                f"{duration_text(max(0, now_ms - one.at_ms) / 1000)} ago",
                ", ".join(one.commits_as)
                or (
                    f"member of {', '.join(one.member_of)}" if one.member_of else "nobody: assign()"
                ),
            )
            for one in found
        ],
    )
