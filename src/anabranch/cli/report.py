"""``anabranch report``: the evidence of a replay, chained to the report before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.checks.verify import Verification
    from anabranch.recovery.evidence.report import Report


@click.command(
    name="report",
    epilog="Example: anabranch report r-20260301-140500-9f2c --verification verified.json",
)
@click.argument("session", required=False)
@click.option(
    "--verification",
    "verifications",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What `anabranch verify --out FILE` wrote. Repeatable.",
)
@click.option("--scenario", default="", help="What was recovered from; the report's title.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write the HTML and JSON. [default: DATA/reports]",
)
@click.option("--list", "listing", is_flag=True, help="List reports and check their chain.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def command(
    session: str | None,
    verifications: tuple[Path, ...],
    scenario: str,
    out: Path | None,
    listing: bool,
    data: Location,
    output: str,
) -> None:
    """Report on replay SESSION: the four questions, answered with measured figures.

    Exit status 1 if an answer fails, no verification passed, or the chain of reports is broken.
    """

    async def main() -> bool:
        from anabranch.errors import UserFault
        from anabranch.recovery.capture.points import whoami
        from anabranch.recovery.evidence import report, reporting
        from anabranch.recovery.replays import replay

        async with _options.opened(data) as log:
            if listing:
                reports = await report.stored(log.metastore)
                broken = report.broken_links(reports)
                emit(
                    output,
                    lambda: {"reports": reports, "broken": broken},
                    lambda: _list_parts(reports, broken),
                )
                return not broken
            if session is None:
                raise UserFault("name the replay to report on (or --list)")
            found = await replay.find(log.metastore, session)
            made = await reporting.report_on(
                log.metastore,
                found,
                [_verification(path) for path in verifications],
                scenario=scenario,
                creator=whoami(),
                now_ms=_options.now_ms(),
            )
            html, plain = await report.save(log.metastore, made, out or data.files / "reports")
        emit(output, lambda: made, lambda: _parts(made, html, plain))
        return made.passed

    if not _options.run(main()):
        raise SystemExit(1)


def _verification(path: Path) -> Verification:
    """Raises UserFault."""
    import msgspec

    from anabranch.errors import UserFault
    from anabranch.recovery.checks.verify import Verification

    try:
        return msgspec.json.decode(path.read_bytes(), type=Verification)
    except msgspec.DecodeError as error:
        raise UserFault(f"{path} is not what `verify --out` writes: {error}") from None


def _list_parts(reports: list[Report], broken: list[str]) -> Iterator[Part]:
    from anabranch.recovery.times import time_text

    if not reports:
        yield "No reports yet."
        return
    yield Table(
        ("report", "made", "verdict", "scenario", "follows"),
        [
            (
                report.id,
                time_text(report.created_ms),
                "PASS" if report.passed else "FAIL",
                report.scenario,
                report.previous_id,
            )
            for report in reports
        ],
    )
    for sentence in broken:
        yield f"BROKEN CHAIN: {sentence}"


def _parts(report: Report, html: Path, plain: Path) -> Iterator[Part]:
    yield f"{report.id}: {'PASS' if report.passed else 'FAIL'}"
    for number, answer in enumerate(report.answers, 1):
        yield f"  Q{number} {'PASS' if answer.passed else 'FAIL'}  {answer.sentence}"
    if not report.comparisons:
        yield "  Nothing was verified: add --verification FILE (from `anabranch verify … --out FILE`)"
    yield f"  {html}"
    yield f"  {plain}"
