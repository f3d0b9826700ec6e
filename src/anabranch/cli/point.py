"""``anabranch point``: recovery points."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit
from anabranch.cli._point_running import allowed, hook, watch

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.capture.points import Finding
    from anabranch.recovery.model import EngineState, Position, RecoveryPoint, SinkState


@click.group(name="point", epilog="Example: anabranch point create before-deploy --group billing")
def command() -> None:
    """Create, list and show recovery points: known good states with their exact offsets."""


command.add_command(watch)
command.add_command(hook)


@command.command(
    epilog="Example: anabranch point create good --group flights-view --sink sqlite:view.db "
    "--checkpoint-dir checkpoints --version v1"
)
@click.argument("name")
@click.option("--group", help="Take the positions that this group has committed.")
@click.option("--at", metavar="TIME", help="… that it had committed at TIME (offset history).")
@click.option("--offset", "offsets", multiple=True, metavar="TOPIC:PARTITION=N", help="Repeatable.")
@click.option("--topic", "topics", multiple=True, help="Only these topics. Repeatable.")
@click.option(
    "--from",
    "origin",
    metavar="ENGINE:PLACE",
    help="Take the positions of another engine's checkpoint: flink:, spark:, streams:, quix:, bytewax: "
    "or connect:, as `anabranch checkpoint show` reads it. --group then resolves its markers, --offset "
    "what it does not tell.",
)
@click.option(
    "--uid", "uids", multiple=True, help="… of this source (uid, name or id). Repeatable."
)
@click.option(
    "--source", "sources", type=int, multiple=True, help="… of source number N. Repeatable."
)
@_options.sink_option
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file that holds the processor's state; its digest is kept.",
)
@click.option(
    "--checkpoint-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Copy the first SQLite or PostgreSQL sink, or with --from bytewax:… its store, here as the "
    "checkpoint.",
)
@click.option("--processor", default="", help="What processes; default: the group.")
@click.option("--version", default="", help="Its code and config version.")
@click.option(
    "--in-flight",
    is_flag=True,
    help="Records beyond the positions were in work. With --from: take the point although records in "
    "flight lie outside of the offsets, and say so in it.",
)
@click.option("--note", default="", help="For whoever needs the point.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def create(
    name: str,
    group: str | None,
    at: str | None,
    offsets: tuple[str, ...],
    topics: tuple[str, ...],
    origin: str | None,
    uids: tuple[str, ...],
    sources: tuple[int, ...],
    sinks: tuple[str, ...],
    checkpoint: Path | None,
    checkpoint_dir: Path | None,
    processor: str,
    version: str,
    in_flight: bool,
    note: str,
    data: Location,
    output: str,
) -> None:
    """Take a recovery point called NAME."""

    async def main() -> None:
        import secrets

        from anabranch.errors import UserFault
        from anabranch.recovery.capture import points
        from anabranch.recovery.capture.capturing import Wish, take
        from anabranch.recovery.model import Checkpoint
        from anabranch.recovery.sinks import lines, locations, registry
        from anabranch.recovery.times import parse_time

        if checkpoint is not None and checkpoint_dir is not None:
            raise UserFault("give --checkpoint (a file that exists) or --checkpoint-dir, not both")
        if at is not None and group is None:
            raise UserFault("--at asks a group's history: name it with --group")
        if origin is None and (uids or sources):
            raise UserFault("--uid and --source choose within a checkpoint: name it with --from")
        if origin is not None and (at is not None or checkpoint is not None):
            raise UserFault(
                "--from brings its own time and checkpoint: leave out --at and --checkpoint"
            )
        now_ms = _options.now_ms()
        token = secrets.token_hex(2)
        explicit = [_options.parse_offset(offset) for offset in offsets]
        if origin is not None:
            wish = Wish(
                name=name,
                group=group,
                origin=origin,
                uids=uids,
                sources=sources,
                given={(topic, partition): offset for topic, partition, offset in explicit},
                sinks=sinks,
                topics=topics,
                processor=processor,
                version=version,
                in_flight=in_flight,
                note=note,
                copy_to=checkpoint_dir,
            )
            async with _options.opened(data) as log:
                point = await take(
                    log, wish, now_ms=now_ms, token=token, allow=allowed(log, "point create")
                )
                await _options.audited(
                    log, "point create", f"POINT:{point.id}", name=name, origin=origin
                )
                findings = points.examine(point, await points.views_of(log.metastore, point))
            emit(output, lambda: point, lambda: _parts(point, findings))
            return
        async with _options.opened(data) as log:
            taken = None
            states = await registry.states(log.metastore, sinks, group)
            if checkpoint is not None:
                digest = lines.file_sha256(checkpoint)
                taken = Checkpoint(str(checkpoint.absolute()), digest, checkpoint.stat().st_size)
            elif checkpoint_dir is not None:
                text = next((sink for sink in sinks if locations.keeps_lines(sink)), None)
                if text is None:
                    raise UserFault(
                        "--checkpoint-dir copies a sink: add --sink sqlite:PATH or postgresql://…"
                    )
                sink = locations.open_lines(text)
                target = checkpoint_dir / f"{points.point_id(now_ms, token)}.db"
                taken = sink.take_checkpoint(target)
                # The sink's positions in the point are those of the copy, not of a moment before.
                copied = locations.positions_of(sink.checkpoint_offsets(target))
                sink.close()
                states = [
                    _with_positions(state, copied) if state.location == sink.location else state
                    for state in states
                ]
            named = list(topics) + [topic for topic, _, _ in explicit]
            await _options.require_replay(log, "point create", topics=named, group=group)
            point = await points.capture(
                log.metastore,
                token=token,
                name=name,
                now_ms=now_ms,
                group=group,
                at_ms=None if at is None else parse_time(at, now_ms),
                explicit=explicit,
                sinks=states,
                topics=topics or None,
                checkpoint=taken,
                processor=processor,
                version=version,
                in_flight=in_flight,
                note=note,
            )
            await _options.audited(log, "point create", f"POINT:{point.id}", name=name, group=group)
        emit(output, lambda: point, lambda: _parts(point, []))

    _options.run(main())


def _with_positions(state: SinkState, positions: tuple[Position, ...]) -> SinkState:
    from msgspec import structs

    return structs.replace(state, positions=positions)


@command.command("list", epilog="Example: anabranch point list")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(data: Location, output: str) -> None:
    """List recovery points, oldest first."""

    async def main() -> None:
        from anabranch.recovery.capture import points
        from anabranch.recovery.times import time_text

        async with _options.opened(data) as log:
            found = await points.stored(log.metastore)

        def parts() -> Iterator[Part]:
            if not found:
                yield "No recovery points yet: `anabranch point create NAME --group GROUP`."
                return
            yield Table(
                (
                    "point",
                    "name",
                    "processor",
                    "version",
                    "positions of",
                    "checkpoint",
                    ">partitions",
                ),
                [
                    (
                        point.id,
                        point.name,
                        point.processor,
                        point.version,
                        time_text(point.at_ms),
                        "yes"
                        if point.checkpoint or (point.engine and point.engine.checkpoint)
                        else "no",
                        len(point.positions),
                    )
                    for point in found
                ],
            )

        emit(output, lambda: found, parts)

    _options.run(main())


@command.command(epilog="Example: anabranch point show good")
@click.argument("point")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def show(point: str, data: Location, output: str) -> None:
    """Show POINT (id or name) and hold it against the log as it stands.

    Exit status 1 if the log can no longer be restarted from it.
    """

    async def main() -> bool:
        import msgspec

        from anabranch.recovery.capture import points

        async with _options.opened(data) as log:
            found = await points.find(log.metastore, point)
            findings = points.examine(found, await points.views_of(log.metastore, found))
        findings += points.examine_checkpoints(found)
        emit(
            output,
            lambda: {
                **msgspec.to_builtins(found),
                "findings": [finding._asdict() for finding in findings],
            },
            lambda: _parts(found, findings),
        )
        return any(finding.fatal for finding in findings)

    if _options.run(main()):
        raise SystemExit(1)


def _parts(point: RecoveryPoint, findings: list[Finding]) -> Iterator[Part]:
    from anabranch.recovery.times import bytes_text, time_text

    yield f"{point.id}  “{point.name}”  by {point.creator}, {time_text(point.created_ms)}"
    version = f" {point.version}" if point.version else ""
    origin = {
        "group": f"what group {point.group} had committed",
        "group-at": f"what group {point.group} had committed at {time_text(point.at_ms)}",
        "explicit": "given offsets",
        "sink": "the sink's own offsets",
        "checkpoint": f"{point.engine.engine}'s checkpoint" if point.engine else "",
    }[point.source]
    yield f"processor {point.processor or '-'}{version}; positions: {origin}"
    if point.checkpoint:
        size = bytes_text(point.checkpoint.bytes)
        yield f"checkpoint {point.checkpoint.location} ({size}, sha256 {point.checkpoint.sha256[:16]}…)"
    if point.engine:
        yield from _engine_parts(point.engine)
    if point.note:
        yield point.note
    sinks = [{position.key: position.offset for position in s.positions} for s in point.sinks]
    yield Table(
        ("topic", ">partition", ">next offset", ">epoch", *(f">{s.name}" for s in point.sinks)),
        [
            (
                position.topic,
                position.partition,
                position.offset,
                position.leader_epoch if position.leader_epoch >= 0 else None,
                *(sink.get(position.key) for sink in sinks),
            )
            for position in point.positions
        ],
    )
    for finding in findings:
        where = f"{finding.topic}:{finding.partition}: " if finding.topic else ""
        yield f"{'PROBLEM' if finding.fatal else 'note'}: {where}{finding.text}"


def _engine_parts(engine: EngineState) -> Iterator[Part]:
    yield f"{engine.engine} {engine.id}: {engine.form}; sources {', '.join(engine.sources)}"
    if engine.checkpoint:
        yield f"checkpoint {engine.checkpoint.location} (sha256 {engine.checkpoint.sha256[:16]}…)"
    for one in engine.markers:
        yield f"{one.topic}:{one.partition} stood at “{one.marker}”, which was {one.offset:,}"
    committed = [one.transactional_id for one in engine.transactions if one.commits]
    if committed:
        yield f"a restore of the checkpoint commits the transactions {', '.join(committed)}"
    for flight in engine.in_flight:
        if not flight.beyond:
            yield f"in flight: {flight.where}: {flight.what}"
    for sentence in engine.notes:
        yield f"note: {sentence}"
