"""``anabranch shadow``: a corrected processor beside the live one, until it takes over."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.promotion.shadow import Shadow


@click.group(
    name="shadow", epilog="Example: anabranch shadow start fixed --group view -- ./view.py"
)
def command() -> None:
    """Run a corrected processor on live topics into a staging line; then verify and promote it."""


@command.command(
    epilog="Example: anabranch shadow start fixed --group view --point before-deploy "
    "--sink sqlite:view.db -- ./view.py --fixed"
)
@click.argument("name")
@click.argument("run", nargs=-1, required=True, metavar="-- COMMAND…")
@click.option("--group", required=True, help="The live group that it would take over from.")
@click.option("--point", help="Start from this recovery point, with its checkpoint.")
@click.option("--since", metavar="TIME", help="Start where the group stood then.")
@click.option("--sink", metavar="SINK", help="Fill a staging line of this sink.")
@click.option("--bootstrap", metavar="HOST:PORT", help="Default: the recovery lane's, else live.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def start(
    name: str,
    run: tuple[str, ...],
    group: str,
    point: str | None,
    since: str | None,
    sink: str | None,
    bootstrap: str | None,
    data: Location,
    output: str,
) -> None:
    """Start shadow NAME with COMMAND, or go on with one whose command failed; until stop or Ctrl-C.

    The command reads the live topics with a group of its own, and finds the same variables as in a replay; its topics
    are the live ones, and they have no end offsets.
    """
    from anabranch.recovery.capture.points import whoami
    from anabranch.recovery.promotion import shadow as shadows
    from anabranch.recovery.times import parse_time

    async def main() -> Shadow:
        async with _options.opened(data) as log:
            await _options.require_replay(log, "shadow", group=group)
            now_ms = _options.now_ms()
            found, made = await shadows.begin(
                log,
                name,
                group=group,
                command=run,
                creator=whoami(),
                now_ms=now_ms,
                point=point,
                at_ms=None if since is None else parse_time(since, now_ms),
                sink=sink,
                bootstrap=None if bootstrap is None else (bootstrap, "PLAINTEXT"),
            )
            if made:
                await _options.audited(log, "shadow", f"GROUP:{group}", name=name)
            folder = (data.data or Path()) / "replays"
            runner = shadows.Runner(
                log.metastore,
                found,
                output=folder / f"shadow-{name}.log",
                environ=os.environ,
                on_look=_show if output == "table" and sys.stderr.isatty() else lambda _: None,
            )
            return await runner.run()

    ended = _options.run(main())
    emit(output, lambda: ended, lambda: parts(ended))
    if ended.state is shadows.State.FAILED:
        raise SystemExit(1)


def _show(shadow: Shadow) -> None:
    to_read = sum(max(0, each.end - each.shadow) for each in shadow.lags)
    click.echo(
        f"\r{shadow.name}: {to_read:,} records to read, {shadow.behind:,} behind {shadow.live_group}   ",
        nl=False,
        err=True,
    )


@command.command("list", epilog="Example: anabranch shadow list")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(data: Location, output: str) -> None:
    """List shadows, and how far behind the live group each is."""
    from anabranch.recovery.promotion import shadow as shadows

    async def main() -> list[Shadow]:
        async with _options.opened(data) as log:
            return await shadows.stored(log.metastore)

    known = _options.run(main())
    emit(output, lambda: known, lambda: _list_parts(known))


def _list_parts(known: list[Shadow]) -> Iterator[Part]:
    if not known:
        yield "No shadows."
        return
    yield Table(
        ("shadow", "of", "state", ">behind", "session", "error"),
        [(s.name, s.live_group, s.state, s.behind, s.session, s.error) for s in known],
    )


@command.command(epilog="Example: anabranch shadow stop fixed")
@click.argument("name")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def stop(name: str, data: Location, output: str) -> None:
    """Stop shadow NAME: it becomes a completed replay, to be verified and promoted."""
    from anabranch.recovery.promotion import shadow as shadows

    async def main() -> Shadow:
        async with _options.opened(data) as log:
            return await shadows.stop(log.metastore, name, _options.now_ms())

    stopped = _options.run(main())
    emit(output, lambda: stopped, lambda: parts(stopped))


def parts(shadow: Shadow) -> Iterator[Part]:
    """What a person sees of one."""
    yield f"Shadow {shadow.name} of {shadow.live_group}: {shadow.state}"
    if shadow.error:
        yield f"  {shadow.error}"
    yield Table(
        ("topic", ">p", ">shadow", ">live", ">end"),
        [(each.topic, each.partition, each.shadow, each.live, each.end) for each in shadow.lags],
    )
    if shadow.session is not None and shadow.sink is not None:
        yield f"Compare its tables (TABLE@{shadow.sink.line}) with `anabranch verify`, then:"
    if shadow.session is not None:
        yield f"  anabranch promote {shadow.session}"
