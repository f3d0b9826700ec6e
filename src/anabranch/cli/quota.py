"""``anabranch quota``: how much who may use of each broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.broker.quotas.rules import Entity
    from anabranch.log.location import Location
    from anabranch.metastore.api import Metastore

_GROUP_KEYS: Final = {
    "consumer_byte_rate": "consumer.bytes.per.second",
    "catchup_byte_rate": "catchup.bytes.per.second",
}
_REPLAY_KEY: Final = "read_byte_rate"


@click.group(
    name="quota", epilog="Example: anabranch quota set --user alice producer_byte_rate=1000000"
)
def command() -> None:
    """Quotas, kept by making clients wait; docs/operations.md#quotas says how they are counted."""


@command.command(
    "set",
    epilog="Example: anabranch quota set --client-id-default consumer_byte_rate=20000000 "
    "request_percentage=none",
)
@click.argument("values", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option("--user", help="Of a user, as alice.")
@click.option("--user-default", is_flag=True, help="Of each user without one of their own.")
@click.option("--client-id", help="Of a client id.")
@click.option("--client-id-default", is_flag=True, help="Of each client id without one.")
@click.option("--ip", help="Of an address.")
@click.option("--ip-default", is_flag=True, help="Of each address without one.")
@click.option("--group", help="Of a consumer group: consumer_byte_rate, catchup_byte_rate.")
@click.option("--replays", is_flag=True, help="Of each new replay session: read_byte_rate.")
@_options.data_option
@_options.faults_to_sentences
def set_(
    values: tuple[str, ...],
    user: str | None,
    user_default: bool,
    client_id: str | None,
    client_id_default: bool,
    ip: str | None,
    ip_default: bool,
    group: str | None,
    replays: bool,
    data: Location,
) -> None:
    """Set quotas; “none” removes one. User and client id together make a quota of both."""

    async def main() -> None:
        from anabranch.broker.audit import inbox
        from anabranch.broker.quotas import rules, store
        from anabranch.errors import ClientFault, UserFault

        parts: list[tuple[str, str | None]] = []
        for kind, name, default in (
            (rules.USER, user, user_default),
            (rules.CLIENT, client_id, client_id_default),
            (rules.IP, ip, ip_default),
        ):
            if name is not None and default:
                raise UserFault(f"--{kind} and --{kind}-default are two different quotas")
            if name is not None or default:
                parts.append((kind, name))
        if (bool(parts), group is not None, replays).count(True) != 1:
            raise UserFault("say whose: --user and --client-id, or --ip, or --group, or --replays")
        changes = _changes(values)
        now_ms = _options.now_ms()
        async with _options.opened(data) as log:
            log.metastore.expect_others(True)
            if group is not None:
                await _set_group(log.metastore, group, changes, now_ms)
                whose = f"group={group}"
            elif replays:
                await _set_replays(log.metastore, changes, now_ms)
                whose = "replays"
            else:
                try:
                    entity: Entity = rules.entity_of(parts)
                    known = await store.load(log.metastore)
                    await store.alter(log.metastore, known, entity, changes, now_ms)
                except ClientFault as fault:
                    raise UserFault(fault.message) from None
                whose = rules.text(entity)
            await inbox.tell(
                log.metastore,
                "anabranch quota set",
                f"QUOTA:{whose}",
                now_ms,
                details=dict(changes),
            )
        for key, value in changes.items():
            click.echo(f"{whose}: {key} = {'none' if value is None else f'{value:g}'}")

    _options.run(main())


def _changes(values: tuple[str, ...]) -> dict[str, float | None]:
    from anabranch.errors import UserFault

    changes: dict[str, float | None] = {}
    for key, text in _options.parse_configs(values).items():
        try:
            changes[key] = None if text == "none" else float(text)
        except ValueError:
            raise UserFault(f"“{text}” is no number; “none” removes a quota") from None
    return changes


def _whole(key: str, value: float) -> int:
    from anabranch.errors import UserFault

    if not (value == int(value) and 0 < value < 2**63):
        raise UserFault(f"{key} is a whole number of bytes per second, at least 1")
    return int(value)


async def _set_group(
    metastore: Metastore, group: str, changes: dict[str, float | None], now_ms: int
) -> None:
    from anabranch.errors import UserFault
    from anabranch.groups import configs

    mine = await configs.load(metastore, group)
    for key, value in changes.items():
        if key not in _GROUP_KEYS:
            raise UserFault(f"a group has {' and '.join(_GROUP_KEYS)}, not {key}")
        if value is None:
            mine.pop(_GROUP_KEYS[key], None)
        else:
            mine[_GROUP_KEYS[key]] = str(_whole(key, value))
    await configs.save(metastore, group, mine, now_ms)


async def _set_replays(metastore: Metastore, changes: dict[str, float | None], now_ms: int) -> None:
    from anabranch.errors import UserFault
    from anabranch.recovery.replays import quota

    if set(changes) != {_REPLAY_KEY}:
        raise UserFault(f"replay sessions have {_REPLAY_KEY}")
    rate = changes[_REPLAY_KEY]
    await quota.save(metastore, None if rate is None else _whole(_REPLAY_KEY, rate), now_ms)


@command.command("list", epilog="Example: anabranch quota list --output json")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(data: Location, output: str) -> None:
    """List every quota: of clients, addresses, groups and replay sessions."""

    async def main() -> None:
        from anabranch.broker.quotas import rules, store
        from anabranch.groups import configs
        from anabranch.recovery.replays import quota

        async with _options.opened(data) as log:
            known = await store.load(log.metastore)
            groups = await configs.load_all(log.metastore)
            replays = await quota.load(log.metastore)
        values = [
            {"of": rules.text(entity), "key": key, "value": value}
            for entity, keys in sorted(known.values.items(), key=str)
            for key, value in sorted(keys.items())
        ]
        values += [
            {"of": f"group={name}", "key": key, "value": float(mine[config])}
            for name, mine in sorted(groups.items())
            for key, config in _GROUP_KEYS.items()
            if config in mine
        ]
        if replays is not None:
            values.append({"of": "each replay session", "key": _REPLAY_KEY, "value": replays})
        emit(output, lambda: values, lambda: _list_parts(values))

    _options.run(main())


def _list_parts(values: list[dict[str, Any]]) -> Iterator[Part]:
    if not values:
        yield "No quotas."
        return
    yield Table(("of", "quota", ">value"), [(v["of"], v["key"], f"{v['value']:g}") for v in values])
