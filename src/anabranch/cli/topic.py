"""``anabranch topic``: create, list, describe, delete topics and read or change their configs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.metastore.api import DeletedTopic, Topic


@click.group(name="topic", epilog="Example: anabranch topic create flights --partitions 8")
def command() -> None:
    """Create, list, describe, delete and configure topics."""


@command.command(epilog="Example: anabranch topic create flights -p 8 --config retention.ms=-1")
@click.argument("name")
@click.option("-p", "--partitions", type=int, default=1, show_default=True, help="How many.")
@click.option("--config", "configs", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def create(
    name: str, partitions: int, configs: tuple[str, ...], data: Location, output: str
) -> None:
    """Create topic NAME."""

    async def main() -> None:
        async with _options.opened(data) as log:
            parsed = _options.parse_configs(configs)
            topic = await log.create_topic(name, partitions, parsed)
            await _options.audited(
                log, "topic create", f"TOPIC:{name}", partitions=partitions, configs=parsed
            )
            emit(
                output,
                lambda: _topic_value(topic),
                lambda: [f"Created topic {topic.name} with {topic.partitions} partitions."],
            )

    _options.run(main())


@command.command("list", epilog="Example: anabranch topic list --output json")
@click.option("--deleted", is_flag=True, help="Instead, those that `undelete` can bring back.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(deleted: bool, data: Location, output: str) -> None:
    """List topics with what they retain."""

    async def main() -> None:
        async with _options.opened(data) as log:
            if deleted:
                gone = [_deleted_value(one) for one in await log.metastore.deleted_topics()]
                emit(output, lambda: gone, lambda: _deleted_parts(gone))
                return
            values = [await _sized(log, topic) for topic in log.catalogue.topics()]
        emit(output, lambda: values, lambda: _list_parts(values))

    _options.run(main())


def _list_parts(values: list[dict[str, Any]]) -> Iterator[Part]:
    from anabranch.recovery.times import bytes_text, time_text

    if not values:
        yield "No topics yet: `anabranch topic create NAME`, or let a producer create one."
        return
    yield Table(
        ("topic", ">partitions", ">records", ">size", "oldest", "branch of"),
        [
            (
                value["name"],
                value["partitions"],
                value["records"],
                bytes_text(value["bytes"]),
                time_text(value["oldest_appended_ms"]),
                value["branch_of"],
            )
            for value in values
        ],
    )


@command.command(epilog="Example: anabranch topic describe flights")
@click.argument("name")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def describe(name: str, data: Location, output: str) -> None:
    """Show NAME's partitions, what they retain, what they lost and why."""

    async def main() -> None:
        from anabranch.recovery import observe

        async with _options.opened(data) as log:
            topic = _options.require_topic(log, name)
            value = await _sized(log, topic)
            views = await observe.partition_views(log.metastore, [topic])
            import msgspec

            value["layout"] = [msgspec.to_builtins(view) for view in views]
        emit(output, lambda: value, lambda: _describe_parts(value))

    _options.run(main())


def _describe_parts(value: dict[str, Any]) -> Iterator[Part]:
    from anabranch.recovery.times import bytes_text, time_text

    yield (
        f"{value['name']}  id {value['id']}  created {time_text(value['created_ms'])}"
        f"  {value['records']:,} records in {bytes_text(value['bytes'])}"
    )
    if value["branch_of"]:
        yield f"branch of {value['branch_of']} at {value['branch_at']}"
    for config, setting in sorted(value["configs"].items()):
        yield f"  {config} = {setting}"
    layout = value["layout"]
    yield Table(
        (">partition", ">log start", ">log end", ">epoch", ">size", "oldest"),
        [
            (
                view["partition"],
                view["log_start"],
                view["log_end"],
                view["leader_epoch"],
                bytes_text(view["bytes"]),
                time_text(view["oldest_ms"]),
            )
            for view in layout
        ],
    )
    gaps = [(view["partition"], gap) for view in layout for gap in view["gaps"]]
    if gaps:
        yield Table(
            (">partition", ">first", ">last", "cause", "when", "detail"),
            [
                (p, g["first"], g["last"], g["cause"], time_text(g["at_ms"]), g["detail"])
                for p, g in gaps
            ],
            "Offsets that readers no longer see",
        )


@command.command(epilog="Example: anabranch topic delete flights --yes")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-grace", is_flag=True, help="For good: `undelete` will not bring it back.")
@_options.data_option
@_options.faults_to_sentences
def delete(name: str, yes: bool, no_grace: bool, data: Location) -> None:
    """Delete topic NAME with its records and the offsets committed to it.

    The name is free at once. For 24 hours `anabranch topic undelete` brings all of it back.
    """

    async def main() -> None:
        from anabranch.recovery.model import topic_id_text
        from anabranch.recovery.times import time_text

        async with _options.opened(data) as log:
            topic = _options.require_topic(log, name)
            if not yes:
                click.confirm(f"Delete topic {name} with everything in it?", abort=True)
            await log.delete_topic(topic, grace_ms=0 if no_grace else None)
            await _options.audited(log, "topic delete", f"TOPIC:{name}", for_good=no_grace)
            click.echo(f"Deleted topic {name}.")
            if not no_grace:
                until = time_text(log.now_ms() + log.settings.topic_grace_ms)
                back = f"anabranch topic undelete {topic_id_text(topic.id)}"
                click.echo(f"Until {until} it can be brought back: {back}")

    _options.run(main())


@command.command(epilog="Example: anabranch topic undelete flights --as flights-restored")
@click.argument("topic", metavar="NAME|ID")
@click.option("--as", "name", metavar="NAME", help="Bring it back under another name.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def undelete(topic: str, name: str | None, data: Location, output: str) -> None:
    """Bring a deleted topic back as it was: id, records, offsets, configs and committed offsets.

    `anabranch topic list --deleted` shows what there is and until when. A name that was deleted several
    times means the latest; the id tells them apart.
    """

    async def main() -> None:
        async with _options.opened(data) as log:
            found = _require_deleted(await log.metastore.deleted_topics(), topic)
            taken = name or found.topic.name
            if log.catalogue.topic(taken) is not None:
                from anabranch.errors import UserFault

                raise UserFault(
                    f"there is a topic “{taken}” by now: choose another name with --as NAME, or delete "
                    "that one first"
                )
            back = await log.undelete_topic(found, name)
            await _options.audited(log, "topic undelete", f"TOPIC:{back.name}")
            value = await _sized(log, back)
            warning = _retention_warning(log, back, value["oldest_appended_ms"])
        emit(output, lambda: value, lambda: _undeleted_parts(value, warning))

    _options.run(main())


def _require_deleted(deleted: list[DeletedTopic], wanted: str) -> DeletedTopic:
    """Raises UserFault with what to do."""
    from anabranch.errors import UserFault
    from anabranch.recovery.model import topic_id_text

    for one in deleted:  # the latest deleted first
        if wanted in (one.topic.name, topic_id_text(one.topic.id)):
            return one
    raise UserFault(
        f"no deleted topic “{wanted}” can be brought back: it was not deleted, or its grace is over; "
        "`anabranch topic list --deleted` shows what there is"
    )


def _undeleted_parts(value: dict[str, Any], warning: str | None) -> Iterator[Part]:
    from anabranch.recovery.times import bytes_text

    yield (
        f"Topic {value['name']} is back: {value['records']:,} records in {bytes_text(value['bytes'])}, "
        f"id {value['id']}."
    )
    if warning:
        yield warning


def _retention_warning(log: Log, topic: Topic, oldest_ms: int | None) -> str | None:
    config = log.config(topic)
    if not config.deletes or config.retention_ms < 0 or oldest_ms is None:
        return None
    if log.now_ms() - oldest_ms < config.retention_ms:
        return None
    return (
        f"Its retention.ms of {config.retention_ms} goes on where it stopped: records that are older now "
        f"go with the next pass, unless you say `anabranch topic config {topic.name} --set "
        "retention.ms=-1` first."
    )


def _deleted_value(deleted: DeletedTopic) -> dict[str, Any]:
    return {
        **_topic_value(deleted.topic),
        "deleted_ms": deleted.deleted_ms,
        "purge_ms": deleted.purge_ms,
        "records": deleted.records,
        "bytes": deleted.bytes,
    }


def _deleted_parts(values: list[dict[str, Any]]) -> Iterator[Part]:
    from anabranch.recovery.times import bytes_text, time_text

    if not values:
        yield "No deleted topic can be brought back."
        return
    yield Table(
        ("topic", "id", ">partitions", ">records", ">size", "deleted", "kept until"),
        [
            (
                value["name"],
                value["id"],
                value["partitions"],
                value["records"],
                bytes_text(value["bytes"]),
                time_text(value["deleted_ms"]),
                time_text(value["purge_ms"]),
            )
            for value in values
        ],
    )


@command.command(epilog="Example: anabranch topic config flights --set retention.ms=-1")
@click.argument("name")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option("--delete", "removals", multiple=True, metavar="NAME", help="Back to the default.")
@click.option("--all", "everything", is_flag=True, help="Also configs that have their default.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def config(
    name: str,
    changes: tuple[str, ...],
    removals: tuple[str, ...],
    everything: bool,
    data: Location,
    output: str,
) -> None:
    """Show NAME's configs, or change them."""

    async def main() -> None:
        from anabranch.errors import UserFault
        from anabranch.log.config import TOPIC_CONFIGS

        async with _options.opened(data) as log:
            topic = _options.require_topic(log, name)
            if changes or removals:
                merged = {**topic.configs, **_options.parse_configs(changes)}
                for removal in removals:
                    if removal not in TOPIC_CONFIGS:
                        raise UserFault(f"there is no topic config “{removal}”")
                    merged.pop(removal, None)
                topic = await log.set_configs(topic, merged)
                await _options.audited(log, "topic config", f"TOPIC:{name}", configs=merged)
        values = [
            {
                "name": definition.name,
                "value": topic.configs.get(definition.name, definition.default),
                "source": "topic" if definition.name in topic.configs else "default",
                "doc": definition.doc,
            }
            for definition in TOPIC_CONFIGS.values()
            if everything or definition.name in topic.configs or output == "json"
        ]
        emit(output, lambda: values, lambda: _config_parts(name, values))

    _options.run(main())


def _config_parts(name: str, values: list[dict[str, Any]]) -> Iterator[Part]:
    if not values:
        yield f"{name} has every config at its default; --all shows them."
        return
    yield Table(
        ("config", "value", "source"),
        [(value["name"], str(value["value"]), value["source"]) for value in values],
    )


def _topic_value(topic: Topic) -> dict[str, Any]:
    from anabranch.recovery.model import topic_id_text

    return {
        "name": topic.name,
        "id": topic_id_text(topic.id),
        "partitions": topic.partitions,
        "configs": dict(topic.configs),
        "created_ms": topic.created_ms,
        "branch_of": topic.origin.topic if topic.origin else None,
        "branch_at": topic.origin.at if topic.origin else None,
    }


async def _sized(log: Log, topic: Topic) -> dict[str, Any]:
    sizes = await log.sizes(topic)
    oldest = [s.oldest_appended_ms for s in sizes if s.oldest_appended_ms is not None]
    return {
        **_topic_value(topic),
        "records": sum(size.records for size in sizes),
        "bytes": sum(size.bytes for size in sizes),
        "oldest_appended_ms": min(oldest, default=None),
    }
