"""``anabranch hold``: pin what a recovery point or a group needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.promises.holds import HoldStatus

NO_ANSWER = 2


@click.group(
    name="hold",
    epilog="Example: anabranch hold create before-v42 --point before-v42 --for 14d --budget 50GiB",
)
def command() -> None:
    """Holds on retention, compaction and deletion, with an owner, an end and a budget."""


@command.command(epilog="Example: anabranch hold create invoices --group invoices --for 7d")
@click.argument("name")
@click.option("--point", metavar="ID", help="Hold what a restart from this recovery point needs.")
@click.option("--group", metavar="GROUP", help="Hold from where this group stands, as it moves.")
@click.option(
    "--for", "lasts", default="7d", show_default=True, metavar="TIME", help="Then it ends."
)
@click.option("--budget", metavar="SIZE", help="It ends before it keeps more than this, as 50GiB.")
@click.option("--owner", help="Who answers for it; default: you.")
@click.option("--reason", default="", help="Why; shown to whoever it is in the way of.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def create(
    name: str,
    point: str | None,
    group: str | None,
    lasts: str,
    budget: str | None,
    owner: str | None,
    reason: str,
    data: Location,
    output: str,
) -> None:
    """Create hold NAME: nothing that it pins is removed, and shortening retention under it is refused."""

    async def main() -> None:
        from anabranch.recovery.capture import points
        from anabranch.recovery.promises import holds
        from anabranch.recovery.times import parse_bytes, parse_duration

        async with _options.opened(data) as log:
            status = await holds.create(
                log.metastore,
                name,
                owner=owner or points.whoami(),
                reason=reason,
                now_ms=_options.now_ms(),
                lasts_ms=parse_duration(lasts, "--for"),
                budget_bytes=None if budget is None else parse_bytes(budget),
                point=None if point is None else await points.find(log.metastore, point),
                group=group,
            )
            await _options.audited(log, "hold create", f"HOLD:{name}", point=point, group=group)
        emit(output, lambda: status, lambda: _show_parts(status))

    _options.run(main())


@command.command("list", epilog="Example: anabranch hold list || echo a hold is broken")
@_options.data_option
@_options.output_option
@_options.faults_as(NO_ANSWER)
def list_(data: Location, output: str) -> None:
    """List holds. Exit status 1 if one does not keep what it promised; 2 if there is no answer."""

    async def main() -> bool:
        from anabranch.recovery.promises import holds

        async with _options.opened(data) as log:
            found = await holds.statuses(log.metastore, _options.now_ms())
        emit(output, lambda: found, lambda: _list_parts(found))
        return all(one.keeps_its_promise for one in found)

    if not _options.run(main()):
        raise SystemExit(1)


@command.command(epilog="Example: anabranch hold show before-v42")
@click.argument("name")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def show(name: str, data: Location, output: str) -> None:
    """Show what hold NAME pins, and what that keeps."""

    async def main() -> None:
        from anabranch.recovery.promises import holds

        async with _options.opened(data) as log:
            hold = await holds.find(log.metastore, name)
            status = await holds.describe(log.metastore, hold, _options.now_ms())
        emit(output, lambda: status, lambda: _show_parts(status))

    _options.run(main())


@command.command(epilog="Example: anabranch hold extend before-v42 --for 14d")
@click.argument("name")
@click.option("--for", "lasts", required=True, metavar="TIME", help="From now.")
@_options.data_option
@_options.faults_to_sentences
def extend(name: str, lasts: str, data: Location) -> None:
    """Let hold NAME end later, or sooner."""

    async def main() -> None:
        from anabranch.recovery.promises import holds
        from anabranch.recovery.times import parse_duration, time_text

        async with _options.opened(data) as log:
            lasts_ms = parse_duration(lasts, "--for")
            hold = await holds.extend(log.metastore, name, _options.now_ms(), lasts_ms)
            await _options.audited(log, "hold extend", f"HOLD:{name}", until=hold.expires_ms)
        click.echo(f"Hold {name} lasts until {time_text(hold.expires_ms)}.")

    _options.run(main())


@command.command(epilog="Example: anabranch hold release before-v42")
@click.argument("name")
@click.option("--forget", is_flag=True, help="Also take it off the list.")
@_options.data_option
@_options.faults_to_sentences
def release(name: str, forget: bool, data: Location) -> None:
    """End hold NAME; what it kept goes with the next pass of retention."""

    async def main() -> None:
        from anabranch.recovery.promises import holds

        async with _options.opened(data) as log:
            now_ms = _options.now_ms()
            await holds.release(log.metastore, name, now_ms)
            if forget:
                await holds.delete(log.metastore, name, now_ms)
            await _options.audited(log, "hold release", f"HOLD:{name}")
        click.echo(f"Hold {name} is released{' and forgotten' if forget else ''}.")

    _options.run(main())


def _list_parts(found: list[HoldStatus]) -> Iterator[Part]:
    from anabranch.recovery.times import bytes_text, time_text

    if not found:
        yield "No holds."
        return
    yield Table(
        ("hold", "state", "owner", "of", "until", ">keeps", ">budget", "reason"),
        [
            (
                one.hold.name,
                one.state.value if one.keeps_its_promise else f"{one.state.value}, BROKEN",
                one.hold.owner,
                f"group {one.hold.group}" if one.hold.group else f"point {one.hold.point}",
                time_text(one.hold.expires_ms),
                bytes_text(one.kept_bytes),
                bytes_text(one.hold.budget_bytes),
                one.hold.reason,
            )
            for one in found
        ],
    )


def _show_parts(status: HoldStatus) -> Iterator[Part]:
    from anabranch.recovery.times import bytes_text, time_text

    hold = status.hold
    of = f"group {hold.group}" if hold.group else f"point {hold.point}"
    yield f"Hold {hold.name} of {of}: {status.state.value}, {hold.owner}'s, until {time_text(hold.expires_ms)}"
    if hold.reason:
        yield hold.reason
    yield f"It keeps {bytes_text(status.kept_bytes)} that retention would have dropped" + (
        "." if hold.budget_bytes is None else f", of {bytes_text(hold.budget_bytes)} that it may."
    )
    yield Table(
        ("topic", ">partition", ">from offset", ">log start", ""),
        [
            (
                one.topic,
                one.partition,
                one.offset,
                "-" if one.log_start is None else one.log_start,
                "GONE" if one.broken else "",
            )
            for one in status.partitions
        ],
    )
