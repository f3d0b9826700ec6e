"""``anabranch status``: whether every declared stream could be recovered now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit
from anabranch.cli.drill import file_option

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.drills.readiness import Readiness

NOT_READY, TROUBLE = 1, 2


@click.command(name="status", epilog="Example: anabranch status --file recovery.toml")
@file_option
@_options.data_option
@_options.output_option
@_options.faults_as(TROUBLE)
def command(file: Path, data: Location, output: str) -> None:
    """Show each declared stream's readiness: horizon margin, newest point, runway, holds, last drill.

    Exit status 0: every stream is ready; 1: one is not; 2: there is no answer.
    """
    from anabranch.recovery.drills import readiness
    from anabranch.recovery.drills.declared import load

    declared = load(file)

    async def main() -> list[Readiness]:
        async with _options.opened(data) as log:
            now_ms = _options.now_ms()
            return [
                await readiness.look(log.metastore, declared, name, now_ms)
                for name in declared.streams
            ]

    found = _options.run(main())
    emit(output, lambda: found, lambda: parts(found))
    if any(each.troubles for each in found):
        raise SystemExit(NOT_READY)


def _result(one: Readiness) -> str | None:
    """A drill of a few scenarios passes sooner than one of all."""
    if one.last_drill_passed is None:
        return None
    verdict = "PASS" if one.last_drill_passed else "FAIL"
    return f"{verdict}, {one.last_drill_rehearsed} of {one.scenarios}"


def parts(found: list[Readiness]) -> Iterator[Part]:
    """What a person sees."""
    from anabranch.recovery.times import duration_text, time_text

    def length(ms: int | None, nothing: str) -> str:
        return nothing if ms is None else duration_text(ms / 1000)

    yield Table(
        (
            "stream",
            "ready",
            ">margin",
            ">point age",
            ">runway",
            ">holds",
            "last drill",
            "result, scenarios",
        ),
        [
            (
                each.stream,
                not each.troubles,
                length(each.margin_ms, "unbounded"),
                length(each.point_age_ms, "-"),
                length(each.runway_ms, "no end"),
                each.holds,
                time_text(each.last_drill_ms) if each.last_drill_ms else "never",
                _result(each),
            )
            for each in found
        ],
    )
    for each in found:
        for sentence in each.troubles:
            yield f"  {each.stream}: {sentence}"
