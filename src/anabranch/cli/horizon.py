"""``anabranch horizon``: how far back topics reach, against what their classes need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.promises.horizon import Horizons, PartitionHorizon

NO_ANSWER = 2


@click.command(name="horizon", epilog="Example: anabranch horizon --within 30d || page the owner")
@click.argument("topics", nargs=-1)
@click.option("--within", metavar="TIME", help="Also count margins that end within TIME as short.")
@click.option(
    "--all", "everything", is_flag=True, help="Also topics without a class, and branches."
)
@_options.data_option
@_options.output_option
@_options.faults_as(NO_ANSWER)
def command(
    topics: tuple[str, ...], within: str | None, everything: bool, data: Location, output: str
) -> None:
    """Show how far back TOPICS (default: all that have a class) can be replayed, and what endangers it.

    Exit status 1 if a class's promise does not hold somewhere, or will end within --within; 2 if there is no
    answer.
    """

    async def main() -> bool:
        from anabranch.recovery.promises import horizon
        from anabranch.recovery.times import parse_duration

        now_ms = _options.now_ms()
        within_ms = 0 if within is None else parse_duration(within, "--within")
        async with _options.opened(data) as log:
            found = await horizon.horizons(
                log.metastore, now_ms=now_ms, topics=topics, branches=everything
            )
        shown = [
            one for one in found.partitions if topics or everything or one.needed_ms is not None
        ]
        emit(output, lambda: found, lambda: _parts(found, shown))
        return found.holds_everywhere and not any(
            one.negative_ms is not None and one.negative_ms <= now_ms + within_ms for one in shown
        )

    if not _options.run(main()):
        raise SystemExit(1)


def _parts(found: Horizons, shown: list[PartitionHorizon]) -> Iterator[Part]:
    from anabranch.recovery.times import bytes_text, time_text

    if not shown:
        yield "No topic has a class: `anabranch classes template > classes.toml`, or see --all."
        return
    yield Table(
        (
            "topic", ">part", "class", ">needed", ">configured", ">kept", ">margin", ">size", ">a day",
            "short from",
        ),
        [
            (
                one.topic,
                one.partition,
                one.cls or "-",
                _span(one.needed_ms, "-"),
                _span(one.configured_ms, "for ever"),
                "all" if one.complete else _span(one.kept_ms, "-"),
                _margin(one),
                bytes_text(one.bytes),
                bytes_text(one.bytes_per_day),
                _when(one, found.now_ms),
            )
            for one in shown
        ],
    )  # fmt: skip
    hazards = [(one, hazard) for one in shown for hazard in one.hazards]
    if hazards:
        yield Table(
            ("topic", ">part", "hazard", "what"),
            [(one.topic, one.partition, hazard.kind.value, hazard.text) for one, hazard in hazards],
            "Hazards",
        )
    if found.classes:
        yield Table(
            ("class", ">topics", ">retained", ">a day", ">a month costs"),
            [
                (
                    one.cls,
                    one.topics,
                    bytes_text(one.bytes),
                    bytes_text(one.bytes_per_day),
                    "-" if one.per_month is None else f"{one.per_month:,.2f}",
                )
                for one in found.classes
            ],
        )
    short = [one for one in shown if one.is_short]
    if short:
        worst = short[0]
        yield (
            f"SHORT: {worst.topic}/{worst.partition} reaches back to "
            f"{time_text(found.now_ms - worst.kept_ms)}; class {worst.cls} needs "
            f"{time_text(found.now_ms - (worst.needed_ms or 0))}."
        )


def _span(ms: int | None, otherwise: str) -> str:
    from anabranch.recovery.times import duration_text

    return otherwise if ms is None else duration_text(ms / 1000)


def _margin(one: PartitionHorizon) -> str:
    if one.margin_ms is None:
        return "-"
    sign = "-" if one.margin_ms < 0 else ""
    return sign + _span(abs(one.margin_ms), "-")


def _when(one: PartitionHorizon, now_ms: int) -> str:
    from anabranch.recovery.times import time_text

    if one.negative_ms is None:
        return ""
    return "now" if one.negative_ms <= now_ms else time_text(one.negative_ms)
