"""``anabranch verify``: compare two tables or topics by key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit
from anabranch.errors import AnabranchError

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.checks.verify import Verification

DIFFERENT, TROUBLE = 1, 2  # as diff(1)


class Trouble(click.ClickException):
    """The two could not be compared at all."""

    exit_code = TROUBLE


@click.command(
    name="verify",
    epilog="Example: anabranch verify 'sqlite:view.db#daily@r-20260301-140500-9f2c' truth.arrow "
    "--key carrier,day --tolerance 1e-9 --expect \"keys where carrier = 'AA'\"",
)
@click.argument("left")
@click.argument("right")
@click.option("--key", required=True, metavar="A,B", help="The columns that name a row.")
@click.option("--columns", metavar="C,D", help="Compare only these; default: all that both have.")
@click.option(
    "--window",
    metavar="COLUMN=TIME",
    help="Compare what a key has in each span of this length together, as at=1h.",
)
@click.option(
    "--closed", is_flag=True, help="Leave out windows that one of the two may still be filling."
)
@click.option(
    "--tolerance", type=float, default=0.0, show_default=True, help="For numbers, relative."
)
@click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="WHAT",
    help="Keys that may differ: “keys where CONDITION”, a file of keys, plan:ID (what its poisoned records "
    "touch), or records:TOPIC:PARTITION=OFFSET[-LAST].",
)
@click.option("--limit", type=int, default=20, show_default=True, help="Differences to list.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the result as JSON."
)
@_options.data_option
@_options.output_option
def command(
    left: str,
    right: str,
    key: str,
    columns: str | None,
    window: str | None,
    closed: bool,
    tolerance: float,
    expected: tuple[str, ...],
    limit: int,
    out: Path | None,
    data: Location,
    output: str,
) -> None:
    """Compare LEFT with RIGHT row by row and list the differences by key, those that nobody expected first.

    Each is sqlite:PATH#TABLE, sqlite:PATH#SELECT…, postgresql://…#TABLE or #SELECT…, parquet:PLACE#TABLE (a Parquet
    sink), topic:NAME?key=json&value=json&take=last|all, kafka:HOST:PORT/TOPIC?… (of another cluster, likewise), or a
    .parquet, .arrow, .feather or .csv file; a staging line's table is TABLE@SESSION. Exit status 0: equal, or different only where it was expected; 1: otherwise; 2: could not
    be compared.
    """
    from anabranch.recovery.checks.comparing import compare_named

    try:
        verification = _options.run(
            compare_named(
                left,
                right,
                key=key,
                columns=columns,
                window=window,
                closed=closed,
                tolerance=tolerance,
                expected=expected,
                opened=lambda: _options.opened(data),
            )
        )
    except (AnabranchError, OSError) as error:
        raise Trouble(str(error)) from error
    if out is not None:
        import msgspec

        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(msgspec.json.format(msgspec.json.encode(verification)) + b"\n")
    emit(output, lambda: verification, lambda: parts(verification, limit))
    if not verification.passed:
        raise SystemExit(DIFFERENT)


def parts(verification: Verification, limit: int) -> Iterator[Part]:
    """What a person sees of a comparison."""
    v = verification
    verdict = "EQUAL" if not v.differing else "AS EXPECTED" if v.passed else "DIFFERENT"
    yield f"{verdict}: {v.left} ({v.rows_left:,} rows) against {v.right} ({v.rows_right:,} rows)"
    yield (
        f"  {v.equal:,} equal, {v.changed:,} changed, {v.only_left:,} only left, "
        f"{v.only_right:,} only right"
    )
    if v.explained:
        yield f"  {v.unexplained:,} unexplained, {v.expected:,} expected:"
        for each in v.explained:
            unmet = f", {each.unmet:,} do not after all" if each.unmet else ""
            yield f"    {each.reason}: {each.differ:,} of {each.keys:,} keys differ{unmet}"
    alike = "the same" if v.checksum_left == v.checksum_right else "not the same"
    if alike != "the same" and not v.differing:
        alike += ": equal as compared (within the tolerance, or 1 and 1.0), not byte for byte"
    yield f"  checksums {v.checksum_left[:16]} and {v.checksum_right[:16]}: {alike}"
    if v.differences and limit > 0:
        yield Table(
            (*v.key, "column", ">left", ">right", "expected"),
            [
                (*(str(part) for part in d.key), d.column or "(row)", d.left, d.right, d.expected)
                for d in v.differences[:limit]
            ],
        )
        if len(v.differences) > limit or v.differing > len(v.differences):
            yield f"  … {v.differing:,} keys differ in all; --limit shows more"
