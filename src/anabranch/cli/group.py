"""``anabranch group``: who consumes, and how far they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._group_changes import readers, undo
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.metastore.api import GroupRow, Metastore


@click.group(name="group", epilog="Example: anabranch group describe flights-view")
def command() -> None:
    """List, describe and configure consumer groups; undo a change of their offsets."""


command.add_command(undo)
command.add_command(readers)


@command.command("list", epilog="Example: anabranch group list --output json")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(data: Location, output: str) -> None:
    """List consumer groups with their state and lag."""

    async def main() -> None:
        async with _options.opened(data) as log:
            rows = await log.metastore.groups()
            values = [await _group_value(log.metastore, row) for row in rows]
        emit(output, lambda: values, lambda: _list_parts(values))

    _options.run(main())


def _list_parts(values: list[dict[str, Any]]) -> Iterator[Part]:
    if not values:
        yield "No consumer groups yet."
        return
    yield Table(
        ("group", "type", "state", ">members", ">partitions", ">lag"),
        [
            (v["group"], v["type"], v["state"], len(v["members"]), len(v["offsets"]), v["lag"])
            for v in values
        ],
    )


@command.command(epilog="Example: anabranch group describe flights-view --history 20")
@click.argument("group")
@click.option("--history", type=int, default=0, metavar="N", help="Also the newest N changes.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def describe(group: str, history: int, data: Location, output: str) -> None:
    """Show GROUP's members, offsets and lag; `anabranch explain` tells how they came to be."""

    async def main() -> None:
        import msgspec

        from anabranch.errors import UserFault
        from anabranch.groups import configs

        async with _options.opened(data) as log:
            row = await log.metastore.group(group)
            if row is None:
                raise UserFault(
                    f"there is no group “{group}”; `anabranch group list` shows what there is"
                )
            value = await _group_value(log.metastore, row)
            await _ages(log, value["offsets"])
            value["configs"] = await configs.load(log.metastore, group)
            if history > 0:
                changes = await log.metastore.offset_history(group, limit=history)
                value["history"] = [msgspec.to_builtins(change) for change in changes]
        emit(output, lambda: value, lambda: _describe_parts(value))

    _options.run(main())


def _describe_parts(value: dict[str, Any]) -> Iterator[Part]:
    from anabranch.recovery.times import duration_text, time_text

    epoch = "epoch" if value["type"] == "consumer" else "generation"
    yield f"{value['group']}  {value['type']}  {value['state']}  {epoch} {value['generation']}"
    for name, text in value["configs"].items():
        yield f"{name} = {text}"
    if value["members"]:
        yield Table(
            ("member", "client", "host", "static id"),
            [
                (m["member_id"], m["client_id"], m["host"], m["instance_id"])
                for m in value["members"]
            ],
        )
    yield Table(
        ("topic", ">partition", ">committed", ">log end", ">lag", ">waits for", "when"),
        [
            (
                o["topic"],
                o["partition"],
                o["offset"],
                o["log_end"],
                o["lag"],
                duration_text(o["lag_ms"] / 1000) if o["lag"] else None,
                time_text(o["committed_ms"]),
            )
            for o in value["offsets"]
        ],
    )
    if "history" in value:
        yield Table(
            ("when", "action", "topic", ">partition", ">old", ">new", "client", "member"),
            [
                (
                    time_text(c["at_ms"]),
                    c["action"],
                    c["topic"],
                    c["partition"],
                    c["old"],
                    c["new"],
                    c["actor"]["client_id"],
                    c["actor"]["member_id"],
                )
                for c in value["history"]
            ],
            "Newest changes first",
        )


@command.command(
    epilog="Example: anabranch group config backfill --set catchup.bytes.per.second=20000000"
)
@click.argument("group", required=False)
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option("--delete", "removals", multiple=True, metavar="NAME", help="Back to the default.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def config(
    group: str | None,
    changes: tuple[str, ...],
    removals: tuple[str, ...],
    data: Location,
    output: str,
) -> None:
    """Show GROUP's configs, or change them; without GROUP, what all groups set.

    catchup.bytes.per.second limits what each broker serves the group of data that is no longer in memory.
    A change is in force on all brokers within about a second. A group that does not exist yet can have one.
    """

    async def main() -> None:
        from anabranch.errors import UserFault
        from anabranch.groups import configs

        if group is None and (changes or removals):
            raise UserFault("say which group: anabranch group config GROUP --set NAME=VALUE")
        async with _options.opened(data) as log:
            if group is None:
                found = await configs.load_all(log.metastore)
            else:
                mine = await configs.load(log.metastore, group)
                if changes or removals:
                    mine |= _options.parse_configs(changes)
                    for removal in removals:
                        if removal not in configs.GROUP_CONFIGS:
                            raise UserFault(f"there is no group config “{removal}”")
                        mine.pop(removal, None)
                    await configs.save(log.metastore, group, mine, _options.now_ms())
                    await _options.audited(log, "group config", f"GROUP:{group}", configs=mine)
                found = {group: mine}
        values = [
            {"group": name, "name": key, "value": text}
            for name, one in sorted(found.items())
            for key, text in sorted(one.items())
        ]
        emit(output, lambda: values, lambda: _config_parts(group, values))

    _options.run(main())


def _config_parts(group: str | None, values: list[dict[str, Any]]) -> Iterator[Part]:
    if not values:
        yield f"{group or 'Every group'} has every config at its default."
        return
    yield Table(("group", "config", "value"), [(v["group"], v["name"], v["value"]) for v in values])


async def _ages(log: Log, offsets: list[dict[str, Any]]) -> None:
    """How long ago the record at each position was appended; 0 where all is read."""
    from anabranch.recovery.observe import moment_at

    now_ms = _options.now_ms()
    for one in offsets:
        topic = log.catalogue.topic(one["topic"])
        one["lag_ms"] = 0
        if topic is None or not one["lag"]:
            continue
        moment = await moment_at(
            log.metastore, topic.no, one["partition"], one["offset"], log.extents.append_times
        )
        if moment is not None:
            one["lag_ms"] = max(0, now_ms - moment.appended_ms)


async def _group_value(metastore: Metastore, row: GroupRow) -> dict[str, Any]:
    from anabranch.groups.stored import stored_members

    stored = await metastore.stored_group(row.group_id)
    members = stored_members(stored) if stored is not None else []
    names = {topic.no: topic.name for topic in await metastore.topics()}
    offsets = await _share_offsets(metastore, row, names) if row.kind == "share" else []
    for committed in await metastore.committed(row.group_id):
        state = await metastore.partition(committed.topic_no, committed.partition)
        if state is None:
            continue
        offsets.append(
            {
                "topic": names.get(committed.topic_no, ""),
                "partition": committed.partition,
                "offset": committed.offset,
                "log_end": state.next_offset,
                "lag": max(0, state.next_offset - max(committed.offset, state.log_start)),
                "committed_ms": committed.committed_ms,
                "metadata": committed.metadata,
            }
        )
    offsets.sort(key=lambda offset: (offset["topic"], offset["partition"]))
    return {
        "group": row.group_id,
        "state": row.state or "Empty",
        "type": row.kind,
        "protocol_type": row.protocol_type,
        "generation": row.generation,
        "members": [
            {
                "member_id": member.member_id,
                "client_id": member.client_id,
                "host": member.client_host,
                "instance_id": member.group_instance_id,
            }
            for member in members
        ],
        "offsets": offsets,
        "lag": sum(offset["lag"] for offset in offsets),
    }


async def _share_offsets(
    metastore: Metastore, row: GroupRow, names: dict[int, str]
) -> list[dict[str, Any]]:
    """Where a share group stands: the first record that is not done, and how many are not."""
    from anabranch.groups.share.partition import SharePartition

    found = []
    for share in await metastore.shares(row.group_id):
        state = await metastore.partition(share.key.topic_no, share.key.partition)
        if state is None:
            continue
        partition = SharePartition.decode(share.state)
        partition.truncate(state.log_start)
        found.append(
            {
                "topic": names.get(share.key.topic_no, ""),
                "partition": share.key.partition,
                "offset": partition.start,
                "log_end": state.next_offset,
                "lag": max(0, state.next_offset - partition.end) + partition.in_flight,
                "committed_ms": None,
                "metadata": "",
            }
        )
    return found
