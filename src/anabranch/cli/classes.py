"""``anabranch classes``: how far back topics must be replayable, and the retention that follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.recovery.promises.classes import ClassChange, Preview, TopicClass

TEMPLATE = """\
# How long until damage is noticed, understood, repaired and replayed. The sum is how far back the topics of
# the class must reach; their retention.ms is kept equal to it.

[class.view-source]
description = "What views and services are rebuilt from"
detect = "6h"
diagnose = "12h"
fix = "1d"
replay = "12h"
topics = ["orders", "flights.*"]    # a name, or a pattern; a name beats a pattern, a longer one a shorter
price_gb_month = 0.023              # what a GB costs a month where it is kept; may be left out
approvals = 0                       # so many others must approve a change of committed offsets

[class.telemetry]
detect = "15m"
diagnose = "1h"
fix = "2h"
replay = "1h"
topics = ["metrics.*"]
"""

reason_option = click.option("--reason", default="", help="Why; kept with the change.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Only show what would change.")


@click.group(name="classes", epilog="Example: anabranch classes template > classes.toml")
def command() -> None:
    """Classes of topics, with objectives and the retention that follows from them."""


@command.command(epilog="Example: anabranch classes template > classes.toml")
def template() -> None:
    """Print a file to begin with."""
    click.echo(TEMPLATE, nl=False)


@command.command(epilog="Example: anabranch classes apply classes.toml --dry-run")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--keep-others", is_flag=True, help="Keep classes that the file does not name.")
@reason_option
@dry_run_option
@yes_option
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def apply(
    file: Path,
    keep_others: bool,
    reason: str,
    dry_run: bool,
    yes: bool,
    data: Location,
    output: str,
) -> None:
    """Make the classes those of FILE, and the retention of their topics what follows.

    What changes is shown first, with what a shorter retention removes at once.
    """

    async def main() -> None:
        from anabranch.recovery.promises import classes

        wanted = classes.read_file(file)
        await _change(data, wanted, not keep_others, reason, dry_run, yes, output)

    _options.run(main())


@command.command(
    "set",
    epilog="Example: anabranch classes set audit --detect 2d --diagnose 3d --fix 7d --replay 2d",
)
@click.argument("name")
@click.option("--detect", required=True, metavar="TIME", help="Until damage is noticed, as 6h.")
@click.option("--diagnose", required=True, metavar="TIME", help="Until it is understood.")
@click.option("--fix", required=True, metavar="TIME", help="Until the repair is deployed.")
@click.option("--replay", required=True, metavar="TIME", help="Until it has replayed.")
@click.option("--topic", "topics", multiple=True, help="Name or pattern. Repeatable.")
@click.option("--price", type=float, metavar="NUMBER", help="Per GB and month.")
@click.option("--description", default="", help="What the class is for.")
@click.option(
    "--approvals",
    type=click.IntRange(0, 5),
    metavar="N",
    help="So many others must approve changes of offsets.",
)
@reason_option
@dry_run_option
@yes_option
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def set_(
    name: str,
    detect: str,
    diagnose: str,
    fix: str,
    replay: str,
    topics: tuple[str, ...],
    price: float | None,
    description: str,
    approvals: int | None,
    reason: str,
    dry_run: bool,
    yes: bool,
    data: Location,
    output: str,
) -> None:
    """Make or replace class NAME; without --topic it keeps those that it has."""

    async def main() -> None:
        from anabranch.recovery.promises import classes

        async with _options.opened(data) as log:
            present = {one.name: one for one in await classes.load(log.metastore)}
        values: dict[str, Any] = {
            "detect": detect,
            "diagnose": diagnose,
            "fix": fix,
            "replay": replay,
            "topics": topics or (present[name].topics if name in present else ()),
            "description": description,
        }
        if price is not None:
            values["price_gb_month"] = price
        kept = present[name].approvals if name in present else 0
        values["approvals"] = kept if approvals is None else approvals
        one = classes.parse_class(name, values, f"class {name}")
        await _change(data, [one], False, reason, dry_run, yes, output)

    _options.run(main())


@command.command(epilog="Example: anabranch classes assign orders view-source")
@click.argument("topic")
@click.argument("name")
@reason_option
@dry_run_option
@yes_option
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def assign(
    topic: str, name: str, reason: str, dry_run: bool, yes: bool, data: Location, output: str
) -> None:
    """Put TOPIC (a name or a pattern) into class NAME, and out of any other that names it."""

    async def main() -> None:
        from msgspec.structs import replace

        from anabranch.errors import UserFault
        from anabranch.recovery.promises import classes

        async with _options.opened(data) as log:
            present = await classes.load(log.metastore)
        if name not in {one.name for one in present}:
            raise UserFault(
                f"there is no class “{name}”; `anabranch classes list` shows what there is"
            )
        changed = []
        for one in present:
            topics = tuple(each for each in one.topics if each != topic)
            if one.name == name:
                topics = (*topics, topic)
            changed.append(replace(one, topics=topics))
        await _change(data, changed, False, reason, dry_run, yes, output)

    _options.run(main())


@command.command(epilog="Example: anabranch classes remove telemetry")
@click.argument("name")
@reason_option
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def remove(name: str, reason: str, data: Location, output: str) -> None:
    """Forget class NAME; the retention of its topics stays as it is."""

    async def main() -> None:
        from anabranch.errors import UserFault
        from anabranch.recovery.promises import classes

        async with _options.opened(data) as log:
            present = await classes.load(log.metastore)
            rest = [one for one in present if one.name != name]
            if len(rest) == len(present):
                raise UserFault(
                    f"there is no class “{name}”; `anabranch classes list` shows what there is"
                )
        await _change(data, rest, True, reason, False, True, output)

    _options.run(main())


@command.command("list", epilog="Example: anabranch classes list --output json")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(data: Location, output: str) -> None:
    """List classes with their objectives and topics."""

    async def main() -> None:
        from anabranch.recovery.promises import classes

        async with _options.opened(data) as log:
            found = await classes.load(log.metastore)
        emit(output, lambda: found, lambda: _list_parts(found))

    _options.run(main())


@command.command(epilog="Example: anabranch classes history --output json")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def history(data: Location, output: str) -> None:
    """List every change of classes, and of the retention that followed."""

    async def main() -> None:
        from anabranch.recovery.promises import classes

        async with _options.opened(data) as log:
            found = await classes.history(log.metastore)
        emit(output, lambda: found, lambda: _history_parts(found))

    _options.run(main())


async def _change(
    data: Location,
    wanted: list[TopicClass],
    replace: bool,
    reason: str,
    dry_run: bool,
    yes: bool,
    output: str,
) -> None:
    from anabranch.recovery.capture import points
    from anabranch.recovery.promises import classes

    async with _options.opened(data) as log:
        now_ms = _options.now_ms()
        shown = await classes.preview(log.metastore, wanted, now_ms=now_ms, replace=replace)
        if dry_run or shown.is_nothing or shown.is_refused:
            emit(output, lambda: shown, lambda: _preview_parts(shown))
            if shown.is_refused:
                raise click.exceptions.Exit(1)
            return
        if not yes:
            emit("table", lambda: shown, lambda: _preview_parts(shown))
            click.confirm("Apply?", abort=True)
        await classes.apply(log.metastore, shown, now_ms=now_ms, who=points.whoami(), reason=reason)
        await _tell(log, shown, reason)
        emit(output, lambda: shown, lambda: _preview_parts(shown, done=True))


async def _tell(log: Log, shown: Preview, reason: str) -> None:
    await _options.audited(
        log,
        "classes",
        "CLUSTER",
        changed=list(shown.changed),
        removed=list(shown.removed),
        retention={one.topic: [one.old_ms, one.new_ms] for one in shown.retention},
        reason=reason,
    )


def _preview_parts(shown: Preview, done: bool = False) -> Iterator[Part]:
    from anabranch.recovery.times import bytes_text

    if shown.is_nothing:
        yield "Nothing changes."
        return
    for verb, names in (("set", shown.changed), ("removed", shown.removed)):
        if names:
            yield f"Classes {'' if done else 'to be '}{verb}: {', '.join(names)}"
    if not shown.retention:
        yield "No topic's retention changes."
        return
    yield Table(
        ("topic", "class", ">retention now", ">then", ">removed at once"),
        [
            (
                one.topic,
                one.cls,
                _span(one.old_ms),
                _span(one.new_ms),
                bytes_text(one.lost.bytes) if one.lost.records else "nothing",
            )
            for one in shown.retention
        ],
        "Retention " + ("changed" if done else "to be changed"),
    )
    refused = [one.refused for one in shown.retention if one.refused]
    yield from (f"REFUSED: {sentence}" for sentence in refused)
    if refused:
        yield "Nothing is changed."


def _list_parts(found: list[TopicClass]) -> Iterator[Part]:
    if not found:
        yield "No classes yet: `anabranch classes template > classes.toml`, then `anabranch classes apply`."
        return
    yield Table(
        ("class", ">detect", ">diagnose", ">fix", ">replay", ">horizon", ">approvals", "topics"),
        [
            (
                one.name,
                _span(one.detect_ms),
                _span(one.diagnose_ms),
                _span(one.fix_ms),
                _span(one.replay_ms),
                _span(one.horizon_ms),
                one.approvals,
                ", ".join(one.topics),
            )
            for one in found
        ],
    )


def _history_parts(found: list[ClassChange]) -> Iterator[Part]:
    from anabranch.recovery.times import time_text

    if not found:
        yield "No class was ever changed."
        return
    yield Table(
        ("when", "who", "classes", "removed", "retention", "reason"),
        [
            (
                time_text(one.at_ms),
                one.who,
                ", ".join(each.name for each in one.classes),
                ", ".join(one.removed),
                "; ".join(
                    f"{each.topic} {_span(each.old_ms)} to {_span(each.new_ms)}"
                    for each in one.retention
                ),
                one.reason,
            )
            for one in found
        ],
    )


def _span(ms: int) -> str:
    from anabranch.recovery.times import duration_text

    return "for ever" if ms < 0 else duration_text(ms / 1000)
