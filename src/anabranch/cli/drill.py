"""``anabranch drill``: recovery rehearsed on a scratch cluster, with evidence."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.drills.declared import Declared
    from anabranch.recovery.drills.evidence import DrillReport

FAILED, TROUBLE = 1, 2
T = TypeVar("T")
file_option = click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("recovery.toml"),
    show_default=True,
    help="Where the streams are declared.",
)


@click.group(
    name="drill",
    invoke_without_command=True,
    epilog="Example: anabranch drill run flights --scenario bad-deploy",
)
@click.pass_context
def command(context: click.Context) -> None:
    """Rehearse recovery on a scratch cluster made from the data; keep signed, chained evidence.

    Without a sub-command: `drill run`, all streams and all scenarios.
    """
    if context.invoked_subcommand is None:
        context.invoke(run)


@command.command(epilog="Example: anabranch drill run flights --file recovery.toml --every 7d")
@click.argument("streams", nargs=-1)
@click.option("--scenario", "scenarios", multiple=True, help="Only this one. Repeatable.")
@click.option("--every", metavar="TIME", help="Again and again, this long after each began.")
@click.option("--trigger", default="manual", show_default=True, help="Why: ci, incident, change …")
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Where the scratch cluster goes. [default: the system's temporary directory]",
)
@click.option("--keep-scratch", is_flag=True, help="Leave it there, to be looked at.")
@file_option
@_options.data_option
@_options.output_option
@_options.faults_as(TROUBLE)
def run(
    streams: tuple[str, ...],
    scenarios: tuple[str, ...],
    every: str | None,
    trigger: str,
    scratch: Path | None,
    keep_scratch: bool,
    file: Path,
    data: Location,
    output: str,
) -> None:
    """Drill STREAMS (all that are declared) and write a report of each.

    The production is only read. Exit status 0: all passed; 1: one failed; 2: one could not be run.
    """
    import time

    from anabranch.errors import UserFault
    from anabranch.recovery.drills.declared import load
    from anabranch.recovery.drills.drill import chosen
    from anabranch.recovery.times import parse_duration

    pause_s = None if every is None else parse_duration(every, "--every") / 1000
    while True:
        began = time.monotonic()
        declared = load(file)
        names = streams or tuple(declared.streams)
        for name in names:  # all of them, before the first one takes its minutes
            chosen(declared, name, scenarios)
        reports, troubles = [], []
        for name in names:
            try:
                reports.append(
                    _run(
                        _one(
                            declared,
                            name,
                            data,
                            scenarios=scenarios,
                            trigger="schedule" if every else trigger,
                            scratch=scratch,
                            keep_scratch=keep_scratch,
                            quiet=output == "json",
                        )
                    )
                )
            except UserFault as fault:
                if len(names) == 1:
                    raise
                troubles.append(f"{name}: {fault}")  # the other streams are none the worse for it
        found = [report for report, _ in reports]
        emit(
            output,
            lambda found=found: found,  # type: ignore[misc]
            lambda reports=reports: [p for r, where in reports for p in parts(r, where)],  # type: ignore[misc]
        )
        if troubles:
            raise UserFault("; ".join(troubles))
        if pause_s is None:
            break
        time.sleep(max(0.0, began + pause_s - time.monotonic()))
    if not all(report.passed for report in found):
        raise SystemExit(FAILED)


def _run(main: Coroutine[Any, Any, T]) -> T:
    """To its end; or until Ctrl-C or SIGTERM, when it takes down what it started and removes its copies."""
    import asyncio
    import signal

    told: list[int] = []

    async def stoppable() -> T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def stop() -> None:
            told.append(signal.SIGTERM)
            task.cancel()

        loop.add_signal_handler(signal.SIGTERM, stop)
        try:
            return await main
        finally:
            loop.remove_signal_handler(signal.SIGTERM)

    try:
        return _options.run(stoppable())
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("Stopped: of this drill nothing is kept.", err=True)
        raise SystemExit(128 + (told or [signal.SIGINT])[0]) from None


async def _one(
    declared: Declared,
    name: str,
    data: Location,
    *,
    scenarios: tuple[str, ...],
    trigger: str,
    scratch: Path | None,
    keep_scratch: bool,
    quiet: bool,
) -> tuple[DrillReport, tuple[Path, ...]]:
    from importlib.metadata import version

    from anabranch.recovery.capture.points import whoami
    from anabranch.recovery.drills import drill, evidence

    def tell(sentence: str) -> None:
        if not quiet:
            click.echo(f"  {name}: {sentence}", err=True)

    async with _options.opened(data) as log:
        report = await drill.run(
            log,
            data,
            declared,
            name,
            creator=whoami(),
            tool_version=version("anabranch"),
            trigger=trigger,
            only=scenarios,
            scratch=scratch,
            keep_scratch=keep_scratch,
            tell=tell,
        )
        folder, key = evidence.folder_of(declared), evidence.key_of(declared)
        report, *paths = await evidence.save(log.metastore, report, folder, key)
        await _options.audited(log, "drill", f"STREAM:{name}", id=report.id, passed=report.passed)
    return report, tuple(paths)


def _in_time(report: DrillReport) -> str:
    from msgspec import UNSET

    from anabranch.recovery.times import duration_text

    return "" if report.loss is UNSET else f" ({duration_text(report.loss.ms / 1000)})"


def parts(report: DrillReport, paths: tuple[Path, ...]) -> Iterator[Part]:
    """What a person sees of a drill."""
    from anabranch.recovery.times import duration_text

    yield f"{report.id}: {report.stream}: {'PASS' if report.passed else 'FAIL'}"
    for number, answer in enumerate(report.answers, 1):
        yield f"  Q{number} {'PASS' if answer.passed else 'FAIL'}  {answer.sentence}"
    yield (
        f"  RTO {duration_text(report.rto_ms / 1000)} of {duration_text(report.rto_objective_ms / 1000)}; "
        f"RPO {report.rpo_records:,} records{_in_time(report)} of {report.rpo_objective}; production {'untouched' if report.untouched else 'CHANGED'}"
    )
    yield Table(
        ("scenario", "verdict", ">s", "what came of it"),
        [(each.name, each.verdict, each.seconds, each.sentence) for each in report.scenarios],
    )
    for path in paths:
        yield f"  {path}"


@command.command("list", epilog="Example: anabranch drill list")
@_options.data_option
@_options.output_option
@_options.faults_as(TROUBLE)
def list_(data: Location, output: str) -> None:
    """List drills and check their chain and signatures. Exit status 1 if something of it is broken."""
    from anabranch.recovery.drills import evidence

    async def main() -> list[DrillReport]:
        async with _options.opened(data) as log:
            return await evidence.stored(log.metastore)

    found = _options.run(main())
    broken = evidence.problems(found)
    emit(output, lambda: {"drills": found, "problems": broken}, lambda: _list_parts(found, broken))
    if broken:
        raise SystemExit(FAILED)


def _list_parts(found: list[DrillReport], broken: list[str]) -> Iterator[Part]:
    from anabranch.recovery.times import duration_text, time_text

    if not found:
        yield "Nothing was drilled yet."
        return
    yield Table(
        ("drill", "stream", "when", "verdict", ">RTO", "signed"),
        [
            (
                each.id,
                each.stream,
                time_text(each.created_ms),
                "PASS" if each.passed else "FAIL",
                duration_text(each.rto_ms / 1000),
                bool(each.signature),
            )
            for each in found
        ],
    )
    for sentence in broken:
        yield f"BROKEN: {sentence}"


@command.command(epilog="Example: anabranch drill keys drill.key")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@_options.faults_as(TROUBLE)
def keys(path: Path) -> None:
    """Make a private key at PATH that signs reports, and print the public one."""
    from anabranch.recovery.drills import evidence

    click.echo(evidence.make_key(path))


@command.command(
    "verify-report",
    epilog="Example: anabranch drill verify-report drills/*.json --key 9c0f…",
)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False, exists=True)
)
@click.option("--key", "public", metavar="HEX", help="The public key that must have signed them.")
@_options.faults_as(TROUBLE)
def verify_report(files: tuple[Path, ...], public: str | None) -> None:
    """Check reports' JSON FILES: content, signature, and that each follows the one before it in time.

    Without --key, a signature is checked by the key that the report itself names. Exit status 1 if one is no good.
    """
    from anabranch.recovery.drills import evidence

    # Files are called by their hashes, so drills/*.json is in no order that means anything.
    found = sorted((evidence.read(path) for path in files), key=lambda one: one.created_ms)
    broken = evidence.problems(found, public)
    for sentence in broken:
        click.echo(f"BROKEN: {sentence}")
    if broken:
        raise SystemExit(FAILED)
    click.echo(f"{len(found)} reports are what was made, each behind the one before.")


@command.command(epilog="Example: anabranch drill template > recovery.toml")
def template() -> None:
    """Print a recovery.toml to begin with."""
    import textwrap

    from anabranch.recovery.drills.declared import TEMPLATE

    click.echo(textwrap.dedent((TEMPLATE or "").partition("\n\n")[2]).strip())


@command.command(epilog="Example: anabranch drill schema > drill-report.json")
def schema() -> None:
    """Print the JSON schema of a report."""
    import json

    from anabranch.recovery.drills import evidence

    click.echo(json.dumps(evidence.schema(), indent=2, sort_keys=True))
