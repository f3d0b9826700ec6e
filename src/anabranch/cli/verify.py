"""``anabranch verify``: compare two tables by key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit
from anabranch.errors import AnabranchError

if TYPE_CHECKING:
    from anabranch.recovery.verify import Verification

DIFFERENT, TROUBLE = 1, 2  # as diff(1)


class Trouble(click.ClickException):
    """The two could not be compared at all."""

    exit_code = TROUBLE


@click.command(
    name="verify",
    epilog="Example: anabranch verify 'sqlite:view.db#daily@r-20260301-140500-9f2c' truth.arrow "
    "--key carrier,day --tolerance 1e-9",
)
@click.argument("left")
@click.argument("right")
@click.option("--key", required=True, metavar="A,B", help="The columns that name a row.")
@click.option("--columns", metavar="C,D", help="Compare only these; default: all that both have.")
@click.option(
    "--tolerance", type=float, default=0.0, show_default=True, help="For numbers, relative."
)
@click.option("--limit", type=int, default=20, show_default=True, help="Differences to list.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the result as JSON."
)
@_options.output_option
def command(
    left: str,
    right: str,
    key: str,
    columns: str | None,
    tolerance: float,
    limit: int,
    out: Path | None,
    output: str,
) -> None:
    """Compare LEFT with RIGHT row by row and list the differences by key.

    Each is sqlite:PATH#TABLE, sqlite:PATH#SELECT…, or a .parquet, .arrow, .feather or .csv file. Exit status 0: equal;
    1: different; 2: could not be compared.
    """
    try:
        verification = _compare(left, right, key, columns, tolerance)
    except (AnabranchError, OSError) as error:
        raise Trouble(str(error)) from error
    if out is not None:
        import msgspec

        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(msgspec.json.format(msgspec.json.encode(verification)) + b"\n")
    emit(output, lambda: verification, lambda: parts(verification, limit))
    if not verification.passed:
        raise SystemExit(DIFFERENT)


def _compare(
    left: str, right: str, key: str, columns: str | None, tolerance: float
) -> Verification:
    from anabranch.recovery.relations import open_relation
    from anabranch.recovery.verify import compare

    return compare(
        open_relation(left),
        open_relation(right),
        key=[part.strip() for part in key.split(",") if part.strip()],
        columns=[part.strip() for part in columns.split(",")] if columns else None,
        tolerance=tolerance,
    )


def parts(verification: Verification, limit: int) -> Iterator[Part]:
    """What a person sees of a comparison."""
    v = verification
    verdict = "EQUAL" if v.passed else "DIFFERENT"
    yield f"{verdict}: {v.left} ({v.rows_left:,} rows) against {v.right} ({v.rows_right:,} rows)"
    yield (
        f"  {v.equal:,} equal, {v.changed:,} changed, {v.only_left:,} only left, "
        f"{v.only_right:,} only right"
    )
    if v.differences and limit > 0:
        yield Table(
            (*v.key, "column", ">left", ">right"),
            [
                (*(str(part) for part in d.key), d.column or "(row)", d.left, d.right)
                for d in v.differences[:limit]
            ],
        )
        if len(v.differences) > limit or v.differing > len(v.differences):
            yield f"  … {v.differing:,} keys differ in all; --limit shows more"
