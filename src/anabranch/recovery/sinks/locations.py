"""Sinks named on a command line: ``sqlite:view.db``, ``postgresql://…``, or ``CLASS:NAME``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anabranch.errors import UserFault
from anabranch.recovery.model import Position, SinkClass, SinkState
from anabranch.recovery.sinks.common import LIVE, SinkLines, SinkOffset
from anabranch.recovery.sinks.lines import SqliteLines

FORMS = (
    "sqlite:PATH",
    "postgresql://…",
    "parquet:PATH",
    "http:LEDGER",
)  # in the order in which they are told
_POSTGRES = ("postgresql", "postgres")


def open_lines(location: str) -> SinkLines:
    """The sink at ``location``, as a person writes it or as a document keeps it. Raises UserFault."""
    kind, _, rest = location.partition(":")
    if kind == "sqlite" and rest:
        return SqliteLines(rest)
    if kind in _POSTGRES:
        try:
            from anabranch.recovery.sinks.postgres_lines import PostgresLines
        except ImportError:
            raise UserFault(
                "a sink on PostgreSQL needs psycopg: pip install 'anabranch[postgres]'"
            ) from None
        return PostgresLines(location)
    if kind == "parquet" and rest:
        from anabranch.recovery.sinks.objects_lines import ParquetLines

        return ParquetLines(rest)
    if kind == "http" and rest and not rest.startswith("//"):
        from anabranch.recovery.sinks.ledger import LedgerLines

        return LedgerLines(rest)
    if Path(location).is_file():
        return SqliteLines(location)
    raise unknown(location)


@contextmanager
def opened_lines(location: str) -> Iterator[SinkLines]:
    """:func:`open_lines` for a while."""
    sink = open_lines(location)
    try:
        yield sink
    finally:
        sink.close()


def present(location: str) -> bool:
    """Whether the sink of a document can still be there: a file does not go unnoticed."""
    return keeps_lines(location) or Path(location).exists()


def keeps_lines(text: str) -> bool:
    """Whether ``text`` has the form of a sink that :func:`open_lines` opens."""
    kind, _, rest = text.partition(":")
    return bool(rest) and kind in ("sqlite", "parquet", "http", *_POSTGRES)


def read_sink(text: str) -> SinkState:
    """A sink as it stands, with how far its effects reach. Raises UserFault, StoreFault."""
    if not keeps_lines(text):
        kind, _, rest = text.partition(":")
        if kind in _without_offsets() and rest:
            return SinkState(rest, SinkClass(kind))
        raise unknown(text)
    with opened_lines(text) as sink:
        return state_of(sink)


def state_of(sink: SinkLines, line: str = LIVE) -> SinkState:
    """The state of a line as documents keep it."""
    rows = sink.offsets(line)
    return SinkState(
        sink.name,
        sink.sink_class,
        sink.location,
        positions_of(rows),
        tuple(sorted({row.cluster_id for row in rows})),
    )


def positions_of(rows: list[SinkOffset]) -> tuple[Position, ...]:
    """The next offsets among a line's rows."""
    return tuple(Position(row.topic, row.topic_id, row.partition, row.next_offset) for row in rows)


def checkpoint_positions(sink: SinkLines, checkpoint: Path) -> tuple[Position, ...]:
    """What a checkpoint that ``sink`` took holds."""
    if isinstance(sink, SqliteLines):
        return positions_of(SqliteLines(checkpoint).offsets())
    if sink.name.startswith("parquet:"):
        from anabranch.recovery.sinks.objects_lines import read_checkpoint

        return positions_of(list(read_checkpoint(checkpoint).offsets))
    from anabranch.recovery.sinks.postgres_lines import checkpoint_offsets

    return positions_of(checkpoint_offsets(checkpoint))


def unknown(text: str) -> UserFault:
    """The sentence for a text that names no sink."""
    choices = ", ".join([*FORMS, *(f"{choice}:NAME" for choice in _without_offsets())])
    return UserFault(f"“{text}” does not name a sink: write one of {choices}")


def _without_offsets() -> list[str]:
    return [each.value for each in SinkClass if not each.keeps_offsets]
