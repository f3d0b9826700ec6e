"""How every command prints: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import click

AT_MOST = (
    "“At most”: a transaction is open, records are gone and only their offsets known, or counting what is no record would mean "
    "to read more of the log (--exact)."
)


class Table(NamedTuple):
    """Columns named with a leading ``>`` are right-aligned (numbers)."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str = ""


Part = Table | str


def emit(output: str, value: Callable[[], Any], parts: Callable[[], Iterable[Part]]) -> None:
    """Print ``value`` as JSON, or ``parts`` (tables and sentences) for people."""
    if output == "json":
        import msgspec

        builtins = msgspec.to_builtins(value())
        click.echo(json.dumps(builtins, indent=2, ensure_ascii=False))
        return
    for number, part in enumerate(parts()):
        if number and isinstance(part, Table):
            click.echo()
        if isinstance(part, Table):
            print_table(part)
        else:
            click.echo(part)


def print_table(table: Table) -> None:
    """Boxed and coloured on a terminal, plain aligned text anywhere else."""
    if sys.stdout.isatty():
        _print_rich(table)
    else:
        click.echo(plain(table))


def plain(table: Table) -> str:
    """Aligned text without a trailing newline."""
    right = [column.startswith(">") for column in table.columns]
    cells = [[column.lstrip(">").upper() for column in table.columns]]
    cells += [[cell_text(cell) for cell in row] for row in table.rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(right))]
    lines = [table.title] if table.title else []
    for row in cells:
        padded = [
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def cell_text(value: Any) -> str:
    """``-`` for nothing, thousands separated in integers."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return str(value)


def _print_rich(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
        title=table.title or None, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold"
    )
    for column in table.columns:
        shown.add_column(column.lstrip(">"), justify="right" if column[0] == ">" else "left")
    for row in table.rows:
        shown.add_row(*(Text(cell_text(cell)) for cell in row))
    Console().print(shown)
