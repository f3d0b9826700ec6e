"""``anabranch sql``: a query over topics, straight from the bucket, its offsets on record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.recovery.replays.sql import Result

ROWS_MAX = 1000  # printed for people; --out and --output json have all


@click.command(
    name="sql",
    epilog="Example: anabranch sql \"SELECT decode(key), count(*) FROM flights GROUP BY 1\" --from '1h ago'",
)
@click.argument("query")
@click.option("--from", "start", metavar="BOUND", help="A TIME (of events), point:NAME, or start.")
@click.option("--to", "end", metavar="BOUND", help="Likewise; default: the end as it is now.")
@click.option("--point", metavar="NAME", help="Since this recovery point: --from point:NAME.")
@click.option("--plan", metavar="PLAN", help="The offsets of a plan, from its restart to its end.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help=".parquet, .arrow or .csv."
)
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def command(
    query: str,
    start: str | None,
    end: str | None,
    point: str | None,
    plan: str | None,
    out: Path | None,
    data: Location,
    output: str,
) -> None:
    """Run a QUERY in DuckDB's SQL over topics, which are tables of their names.

    Columns: topic, partition, offset, timestamp, key, value, headers. Key and value are bytes: decode(value) is
    their text, decode(value)->>'$.name' a field of JSON. It reads the bucket and loads no broker; which offsets it
    read is kept as a session (`anabranch replay --show`).
    """
    from anabranch.errors import UserFault
    from anabranch.recovery.replays.sql import sql

    if point is not None and start is not None:
        raise UserFault("--point is a --from: give one of them")
    if out is not None and out.suffix not in (".parquet", ".arrow", ".csv"):
        raise UserFault(f"{out}: write to a .parquet, .arrow or .csv file")

    async def allowed(log: Log, names: Sequence[str]) -> None:
        await _options.require_replay(log, "sql", topics=names)
        await _options.audited(log, "sql", f"TOPIC:{','.join(names)}", query=query)

    if point is not None:
        start = f"point:{point}"
    result = sql(data, query, start=start, end=end, plan=plan, allowed=allowed)
    if out is not None:
        _write(result, out)
    emit(output, lambda: _json(result, out), lambda: _parts(result, out))


def _write(result: Result, out: Path) -> None:
    if out.suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(result.table, out)
    elif out.suffix == ".csv":
        from pyarrow import csv

        csv.write_csv(result.table, out)
    else:
        import pyarrow as pa

        with pa.OSFile(str(out), "wb") as sink, pa.ipc.new_file(sink, result.table.schema) as file:
            file.write_table(result.table)


def _json(result: Result, out: Path | None) -> dict[str, Any]:
    rows = result.table.num_rows if out is not None else [*map(_plain, result.table.to_pylist())]
    return {"session": result.session.id, "out": None if out is None else str(out), "rows": rows}


def _plain(value: Any) -> Any:
    """As JSON has it: bytes as text (or their hexadecimal digits), times in ISO format."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _parts(result: Result, out: Path | None) -> Iterator[Part]:
    import pyarrow as pa

    table = result.table
    if out is None:
        columns = [
            f">{field.name}" if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
            else field.name
            for field in table.schema
        ]  # fmt: skip
        rows = table.slice(0, ROWS_MAX).to_pylist() if len(set(columns)) == len(columns) else None
        if rows is None:
            rows = [
                dict(enumerate(row))
                for row in zip(
                    *(c.to_pylist() for c in table.slice(0, ROWS_MAX).columns), strict=True
                )
            ]
        yield Table(columns, [[_plain(value) for value in row.values()] for row in rows])
        if table.num_rows > ROWS_MAX:
            yield f"… and {table.num_rows - ROWS_MAX:,} rows more; --out FILE.parquet has all."
    else:
        yield f"{table.num_rows:,} rows written to {out}."
    total = result.session.total
    yield f"Read {total.records:,} offsets of {len(result.session.spans)} partitions; session {result.session.id}."
