"""``anabranch sink``: declared sinks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.sinks.registry import DeclaredSink


@click.group(
    name="sink",
    epilog="Example: anabranch sink declare mails --class dedupe-window --ttl 24h --group billing",
)
def command() -> None:
    """Declare sinks, so that plans know what a repeat does to them. docs/sinks.md."""


@command.command(
    epilog="Example: anabranch sink declare view --at postgresql://db/shop --group billing"
)
@click.argument("name")
@click.option(
    "--class",
    "sink_class",
    metavar="CLASS",
    help="What it does with a record that it has seen; needless where --at tells.",
)
@click.option("--key", default="", help="What a repeat is recognised by, for people.")
@click.option("--ttl", metavar="TIME", help="For how long the receiver recognises a repeat.")
@click.option("--group", help="The consumer group that fills it: its plans include the sink.")
@click.option("--at", "location", default="", metavar="SINK", help="Where its positions are read.")
@click.option("--note", default="", help="For whoever reads the list.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def declare(
    name: str,
    sink_class: str | None,
    key: str,
    ttl: str | None,
    group: str | None,
    location: str,
    note: str,
    data: Location,
    output: str,
) -> None:
    """Declare sink NAME, or declare it anew."""

    async def main() -> None:
        from anabranch.recovery.capture.points import whoami
        from anabranch.recovery.sinks import registry
        from anabranch.recovery.times import parse_duration

        sink = registry.describe(
            name,
            sink_class,
            location=location,
            key=key,
            ttl_ms=parse_duration(ttl, "--ttl") if ttl is not None else None,
            group=group,
            note=note,
            creator=whoami(),
            now_ms=_options.now_ms(),
        )
        async with _options.opened(data) as log:
            await registry.declare(log.metastore, sink)
            await _options.audited(
                log, "sink declare", f"SINK:{name}", sink_class=sink.sink_class.value, group=group
            )
        emit(output, lambda: sink, lambda: _parts([sink]))

    _options.run(main())


@command.command("list", epilog="Example: anabranch sink list --group billing")
@click.option("--group", help="Only those of this group.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(group: str | None, data: Location, output: str) -> None:
    """List the declared sinks."""

    async def main() -> None:
        from anabranch.recovery.sinks import registry

        async with _options.opened(data) as log:
            found = await registry.stored(log.metastore, group)
        emit(output, lambda: found, lambda: _parts(found))

    _options.run(main())


@command.command(epilog="Example: anabranch sink forget mails")
@click.argument("name")
@_options.data_option
@_options.faults_to_sentences
def forget(name: str, data: Location) -> None:
    """Take sink NAME off the list; what it holds is not touched."""

    async def main() -> None:
        from anabranch.recovery.sinks import registry

        async with _options.opened(data) as log:
            await registry.forget(log.metastore, name)
            await _options.audited(log, "sink forget", f"SINK:{name}")
        click.echo(f"Sink {name} is forgotten.")

    _options.run(main())


def _parts(sinks: list[DeclaredSink]) -> Iterator[Part]:
    from anabranch.recovery.times import duration_text

    if not sinks:
        yield "No sinks are declared."
        return
    yield Table(
        ("sink", "class", "recognised by", "for", "group", "location", "note"),
        [
            (
                sink.name,
                sink.sink_class.value,
                sink.key,
                duration_text(sink.ttl_ms / 1000) if sink.ttl_ms is not None else None,
                sink.group,
                sink.location,
                sink.note,
            )
            for sink in sinks
        ],
    )
