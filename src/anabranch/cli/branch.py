"""``anabranch branch``: a topic's past under a name of its own, without copying it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.branch import BranchPoint
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.metastore.api import Topic


@click.group(name="branch", epilog="Example: anabranch branch create flights flights.trial")
def command() -> None:
    """Create, list and delete branches."""


@command.command(
    epilog="Example: anabranch branch create flights flights.before --at 'append-time:15m ago'"
)
@click.argument("source")
@click.argument("name")
@click.option(
    "--at",
    default="end",
    show_default=True,
    metavar="WHERE",
    help="end, offsets:0=120,1=90, append-time:TIME, event-time:TIME, or point:ID.",
)
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def create(source: str, name: str, at: str, data: Location, output: str) -> None:
    """Create NAME as a branch of SOURCE that ends at WHERE."""

    async def main() -> None:
        async with _options.opened(data) as log:
            topic = _options.require_topic(log, source)
            await _options.require_replay(log, "branch create", topics=[source])
            point = await _branch_point(log, topic, at)
            branch = await log.branch(topic, name, point)
            await _options.audited(log, "branch create", f"TOPIC:{name}", source=source, at=at)
            value = _value(branch)
        emit(
            output,
            lambda: value,
            lambda: [
                f"Created {name}: {sum(value['ends']):,} offsets of {source}, no bytes copied."
            ],
        )

    _options.run(main())


@command.command("list", epilog="Example: anabranch branch list")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(data: Location, output: str) -> None:
    """List branches, where they come from and where they left."""

    async def main() -> None:
        async with _options.opened(data) as log:
            values = [_value(topic) for topic in log.catalogue.topics() if topic.origin]
        emit(output, lambda: values, lambda: _list_parts(values))

    _options.run(main())


def _list_parts(values: list[dict[str, Any]]) -> Iterator[Part]:
    from anabranch.recovery.times import time_text

    if not values:
        yield "No branches."
        return
    yield Table(
        ("branch", "of", "at", ">partitions", ">offsets", "created"),
        [
            (
                value["name"],
                value["source"],
                value["at"],
                len(value["ends"]),
                sum(value["ends"]),
                time_text(value["created_ms"]),
            )
            for value in values
        ],
    )


@command.command(epilog="Example: anabranch branch delete flights.before --yes")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options.data_option
@_options.faults_to_sentences
def delete(name: str, yes: bool, data: Location) -> None:
    """Delete branch NAME; its source is not touched."""

    async def main() -> None:
        from anabranch.errors import UserFault

        async with _options.opened(data) as log:
            topic = _options.require_topic(log, name)
            if topic.origin is None:
                raise UserFault(
                    f"{name} is a topic, not a branch; `anabranch topic delete` deletes topics"
                )
            if not yes:
                click.confirm(f"Delete branch {name}?", abort=True)
            await log.delete_topic(topic)
            await _options.audited(log, "branch delete", f"TOPIC:{name}")
            click.echo(f"Deleted branch {name}.")

    _options.run(main())


async def _branch_point(log: Log, topic: Topic, at: str) -> BranchPoint:
    from anabranch.errors import UserFault
    from anabranch.log.branch import BranchPoint
    from anabranch.recovery.capture import points
    from anabranch.recovery.model import topic_id_text
    from anabranch.recovery.times import parse_time

    kind, _, rest = at.partition(":")
    if at == "end":
        return BranchPoint()
    if kind == "append-time" and rest:
        return BranchPoint(append_time_ms=parse_time(rest, _options.now_ms()), label=at)
    if kind == "event-time" and rest:
        return BranchPoint(event_time_ms=parse_time(rest, _options.now_ms()), label=at)
    if kind == "offsets" and rest:
        ends = {}
        for pair in rest.split(","):
            _, partition, offset = _options.parse_offset(f"{topic.name}:{pair.strip()}")
            ends[partition] = offset
        return BranchPoint(offsets=ends, label=at)
    if kind == "point" and rest:
        point = await points.find(log.metastore, rest)
        topic_id = topic_id_text(topic.id)
        ends = {p.partition: p.offset for p in point.positions if p.topic_id == topic_id}
        if not ends:
            raise UserFault(f"recovery point {point.id} holds no offsets of {topic.name}")
        return BranchPoint(offsets=ends, label=f"point {point.id}")
    raise UserFault(
        f"“{at}” does not say where to branch: end, offsets:0=120,1=90, append-time:TIME, "
        "event-time:TIME or point:ID"
    )


def _value(topic: Topic) -> dict[str, Any]:
    from anabranch.recovery.model import topic_id_text

    assert topic.origin is not None
    return {
        "name": topic.name,
        "id": topic_id_text(topic.id),
        "source": topic.origin.topic,
        "source_id": topic_id_text(topic.origin.topic_id),
        "ends": list(topic.origin.ends),
        "at": topic.origin.at,
        "created_ms": topic.created_ms,
    }
