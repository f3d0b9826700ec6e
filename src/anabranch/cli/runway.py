"""``anabranch runway``: when retention passes a group's position."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import AT_MOST, Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.promises.runway import PartitionRunway

NO_ANSWER = 2


@click.command(name="runway", epilog="Example: anabranch runway --below 1d || page the owner")
@click.argument("groups", nargs=-1)
@click.option(
    "--below", default="1d", show_default=True, metavar="TIME", help="Less than this is too little."
)
@_options.exact_option
@_options.data_option
@_options.output_option
@_options.faults_as(NO_ANSWER)
def command(groups: tuple[str, ...], below: str, exact: bool, data: Location, output: str) -> None:
    """Show for GROUPS (default: all) how long until the log start passes their positions, at the rates of the last hour.

    Exit status 1 if a runway is shorter than --below; 2 if there is no answer.
    """

    async def main() -> bool:
        from anabranch.recovery.promises import runway
        from anabranch.recovery.times import parse_duration

        least_ms = parse_duration(below, "--below")
        async with _options.opened(data) as log:
            found = await runway.runways(
                log.metastore,
                now_ms=_options.now_ms(),
                groups=groups,
                extents=log.extents,
                exact=exact,
            )
        emit(output, lambda: found, lambda: _parts(found, least_ms))
        return not any(one.runway_ms is not None and one.runway_ms < least_ms for one in found)

    if not _options.run(main()):
        raise SystemExit(1)


def _parts(found: list[PartitionRunway], least_ms: int) -> Iterator[Part]:
    from anabranch.recovery.model import at_most
    from anabranch.recovery.times import duration_text

    if not found:
        yield "No group has committed anything."
        return
    yield Table(
        ("group", "topic", ">part", ">position", ">lag", ">old", ">reads/s", ">appends/s", ">runway", ""),
        [
            (
                one.group,
                one.topic,
                one.partition,
                one.position,
                at_most(one.lag.records, one.lag_at_most),
                duration_text(one.lag_ms / 1000),
                f"{one.reads_per_s:.1f}",
                f"{one.appends_per_s:.1f}",
                "no end" if one.runway_ms is None else duration_text(one.runway_ms / 1000),
                _verdict(one, least_ms),
            )
            for one in found
        ],
    )  # fmt: skip
    if any(one.lag_at_most and one.lag.records for one in found):
        yield AT_MOST


def _verdict(one: PartitionRunway, least_ms: int) -> str:
    if one.runway_ms is None or one.runway_ms >= least_ms:
        return ""
    if one.position < one.log_start:
        return f"LOST AT MOST {one.log_start - one.position:,}"  # only their offsets are known
    return "TOO SHORT"
