"""``anabranch checkpoint``: what other engines' checkpoints say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.checkpoints.model import EngineCheckpoint, Kept


@click.group(name="checkpoint", epilog="Example: anabranch checkpoint show flink:/ckpt/job/chk-42")
def command() -> None:
    """Read checkpoints of Flink, Spark and other engines, without these engines."""


@command.command(epilog="Example: anabranch checkpoint show spark:s3://jobs/orders --output json")
@click.argument("location", metavar="ENGINE:PLACE")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def show(location: str, data: Location, output: str) -> None:
    """Show the checkpoint at ENGINE:PLACE: positions as they are kept, and the next offsets they mean.

    flink:PATH (a checkpoint, savepoint or job's directory, s3://…, http://HOST:8081/jobs/JOB), spark:PATH,
    bytewax:DIRECTORY, connect:URL (or a file of its answer) are read where they lie; streams:GROUP,
    quix:GROUP and connect:NAME are what a group has committed here.
    """
    from anabranch.recovery.checkpoints.locations import group_of, parse_origin, read

    origin = parse_origin(location)

    async def committed() -> EngineCheckpoint:
        from anabranch.recovery.checkpoints.locations import read_group

        async with _options.opened(data) as log:
            return await read_group(log, origin)

    found = read(origin) if group_of(origin) is None else _options.run(committed())
    emit(output, lambda: found, lambda: parts(found))


def parts(found: EngineCheckpoint) -> Iterator[Part]:
    """A checkpoint for people."""
    from anabranch.recovery.times import bytes_text, time_text

    yield f"{found.engine} {found.id}: {found.form}"
    taken = f", {time_text(found.taken_ms)}" if found.taken_ms is not None else ""
    digest = f", {bytes_text(found.bytes)}, sha256 {found.sha256[:16]}…" if found.sha256 else ""
    yield f"{found.location}{digest}{taken}"
    for source in found.sources:
        named = " ".join(
            filter(None, (source.uid or source.id, f"“{source.name}”" * bool(source.name)))
        )
        title = f"source {source.number}: {source.kind} {named}"
        if source.problem:
            yield f"{title}: {source.problem}"
            continue
        timed = any(one.partition_time_ms is not None for one in source.positions)
        yield Table(
            (
                "topic",
                ">partition",
                ">kept",
                "as",
                ">next offset",
                "stream time" if timed else "where",
            ),
            [
                (
                    *(one.topic, one.partition, str(one.stored), _meaning(one), one.next),
                    _time(one) if timed else one.place,
                )
                for one in source.positions
            ],
            title,
        )
    if not found.sources:
        yield "No source of Kafka is in it."
    if found.transactions:
        yield Table(
            ("transaction", "sink", ">producer", ">epoch", "on restore"),
            [
                (
                    one.transactional_id,
                    one.sink,
                    one.producer_id if one.producer_id >= 0 else None,
                    one.producer_epoch if one.producer_epoch >= 0 else None,
                    "committed" if one.commits else "left alone",
                )
                for one in found.transactions
            ],
            "transactions of Kafka sinks",
        )
    if found.changelogs:
        yield Table(
            ("changelog", ">partition", ">log end", "holds changes up to"),
            [
                (
                    *(one.topic, one.partition, one.end),
                    ", ".join(f"{topic} {offset:,}" for topic, offset in one.processed.items()),
                )
                for one in found.changelogs
            ],
            "state is rebuilt from",
        )
    for flight in found.in_flight:
        size = f" ({bytes_text(flight.bytes)})" if flight.bytes else ""
        lost = ", OUTSIDE the offsets" if flight.beyond else ""
        yield f"in flight{lost}: {flight.where}: {flight.what}{size}"
    for sentence in found.damage:
        yield f"PROBLEM: {sentence}"
    for sentence in found.notes:
        yield f"note: {sentence}"


def _meaning(one: Kept) -> str:
    from anabranch.recovery.checkpoints.conventions import KEEPERS

    return str(one.marker or KEEPERS[one.keeper].convention)


def _time(one: Kept) -> str | None:
    from anabranch.recovery.times import time_text

    return None if one.partition_time_ms is None else time_text(one.partition_time_ms)
