"""``anabranch log``: the formats made visible."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli.log_damage import damage

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.metastore.api import Topic

EXTENTS_PER_READ = 256


@click.group(name="log", epilog="Example: anabranch log dump flights --batches")
def command() -> None:
    """Look at the log's bytes: extents, batches, segments, WAL frames; skip what is damaged."""


command.add_command(damage)


@command.command(epilog="Example: anabranch log dump anabranch-data/wal --batches")
@click.argument("what")
@click.option("-p", "--partition", type=int, help="Of a topic: only this partition.")
@click.option("--offset", type=int, default=0, help="Of a topic: from the extent that holds it.")
@click.option("--limit", type=int, help="Of a topic: at most this many extents per partition.")
@click.option("--batches", is_flag=True, help="Also every batch, with the verdict on its checksum.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def dump(
    what: str,
    partition: int | None,
    offset: int,
    limit: int | None,
    batches: bool,
    data: Location,
    output: str,
) -> None:
    """Dump WHAT: a topic's extents as the metastore names them, or a WAL, segment or index file.

    A path (or a directory of files) is dumped as it lies on disk, without a metastore;
    s3://bucket/prefix as the write-ahead log that lies there. With --output json, one JSON object
    per line.
    """
    from anabranch.storage.dump import dump_path, render

    def show(item: Any) -> None:
        if output == "json":
            click.echo(json.dumps(item, default=_plain))
        else:
            click.echo(render(item))

    if what.startswith("s3://"):
        from anabranch.log.opening import real_waits
        from anabranch.storage.dump import dump_object_wal
        from anabranch.storage.wal import open_wal_reader

        reader = open_wal_reader(what, waits=real_waits())
        try:
            for item in dump_object_wal(reader, batches=batches):
                show(item)
        finally:
            reader.close()
        return
    if Path(what).exists() or "/" in what:
        for item in dump_path(Path(what), batches=batches):
            show(item)
        return

    async def main() -> None:
        async with _options.opened(data) as log:
            topic = _options.require_topic(log, what)
            if partition is not None:
                log.partition(topic, partition)  # says so if there is none
            wanted = range(topic.partitions) if partition is None else [partition]
            for each in wanted:
                await _dump_partition(log, topic, each, offset, limit, batches, show)

    _options.run(main())


async def _dump_partition(
    log: Log,
    topic: Topic,
    partition: int,
    offset: int,
    limit: int | None,
    batches: bool,
    show: Any,
) -> None:
    state = await log.metastore.partition(topic.no, partition)
    assert state is not None, "a topic has all its partitions"
    show(
        {
            "type": "partition",
            "topic": topic.name,
            "partition": partition,
            "log_start": state.log_start,
            "next_offset": state.next_offset,
            "leader_epoch": state.leader_epoch,
        }
    )
    shown = 0
    while limit is None or shown < limit:
        extents = await log.metastore.extents_from(topic.no, partition, offset, EXTENTS_PER_READ)
        for extent in extents:
            if limit is not None and shown >= limit:
                return
            show(
                {
                    "type": "extent",
                    "base_offset": extent.base_offset,
                    "last_offset": extent.last_offset,
                    "records": extent.records,
                    "kind": extent.kind.value,
                    "object": extent.object_key,
                    "position": extent.position,
                    "bytes": extent.length,
                    "max_timestamp": extent.max_timestamp,
                    "appended_ms": extent.appended_ms,
                    "leader_epoch": extent.leader_epoch,
                }
            )
            shown += 1
            if batches:
                for item in _batches(log, extent):
                    show(item)
        if len(extents) < EXTENTS_PER_READ:
            return
        offset = extents[-1].last_offset + 1


def _batches(log: Log, extent: Any) -> Iterator[Any]:
    from anabranch.errors import Corrupt
    from anabranch.storage.dump import dump_segment

    try:
        data = b"".join(bytes(chunk) for chunk in log.extents.chunks(extent))
    except Corrupt as error:
        yield {"type": "damage", "object": extent.object_key, "error": str(error)}
        return
    for item in dump_segment(lambda position, length: data[position : position + length]):
        if item["type"] != "end":
            yield item


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)
