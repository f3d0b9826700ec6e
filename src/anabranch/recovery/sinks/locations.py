"""Sinks named on a command line: ``sqlite:view.db``, ``postgresql://…``, …, or ``CLASS:NAME``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from anabranch.errors import UserFault
from anabranch.recovery.model import Position, SinkClass, SinkCounts, SinkState
from anabranch.recovery.sinks.common import LIVE, SinkLines, SinkOffset


class _Kind(NamedTuple):
    """What opens locations of one form: a class of a room beside this one, which may need an extra."""

    form: str
    module: str
    name: str
    extra: str = ""


_KINDS = {
    "sqlite": _Kind("sqlite:PATH", "lines", "SqliteLines"),
    "postgresql": _Kind("postgresql://…", "postgres_lines", "PostgresLines", "postgres"),
    "parquet": _Kind("parquet:PATH", "objects_lines", "ParquetLines"),
    "delta": _Kind("delta:PATH", "delta_lines", "DeltaLines", "delta"),
    "kafka": _Kind("kafka:HOST:PORT/POSITIONS", "kafka_lines", "KafkaLines", "kafka"),
    "http": _Kind("http:LEDGER", "ledger", "LedgerLines"),
    "meter": _Kind("meter:LEDGER#NAME", "meter", "MeterLines"),
}
_ALIASES = {"postgres": "postgresql"}

FORMS = tuple(kind.form for kind in _KINDS.values())


def open_lines(location: str) -> SinkLines:
    """The sink at ``location``, as a person writes it or as a document keeps it. Raises UserFault."""
    kind = _kind(location)
    if kind is None:
        # Documents keep the plain path of a SQLite sink.
        if not (Path(location).is_absolute() or Path(location).is_file()):
            raise unknown(location)
        kind = _KINDS["sqlite"]
    try:
        opener = getattr(import_module(f"anabranch.recovery.sinks.{kind.module}"), kind.name)
    except ImportError as error:
        raise UserFault(
            f"a sink written {kind.form} needs {error.name}: pip install 'anabranch[{kind.extra}]'"
        ) from None
    sink: SinkLines = opener(location)
    return sink


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
    return _kind(text) is not None


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
        counts=counts_of(sink, line),
    )


def counts_of(sink: SinkLines, line: str = LIVE) -> SinkCounts:
    """What a line has counted, over all its partitions."""
    rows = sink.offsets(line)
    repeated = getattr(sink, "repeated", None)  # a meter's
    return SinkCounts(
        sum(row.applied for row in rows),
        sum(row.suppressed for row in rows),
        repeated(line) if repeated is not None else 0,
    )


def positions_of(rows: list[SinkOffset]) -> tuple[Position, ...]:
    """The next offsets among a line's rows."""
    return tuple(Position(row.topic, row.topic_id, row.partition, row.next_offset) for row in rows)


def unknown(text: str) -> UserFault:
    """The sentence for a text that names no sink."""
    choices = ", ".join([*FORMS, *(f"{choice}:NAME" for choice in _without_offsets())])
    return UserFault(f"“{text}” does not name a sink: write one of {choices}")


def _kind(text: str) -> _Kind | None:
    scheme, _, rest = text.partition(":")
    if not rest or (scheme == "http" and rest.startswith("//")):
        return None
    return _KINDS.get(_ALIASES.get(scheme, scheme))


def _without_offsets() -> list[str]:
    return [each.value for each in SinkClass if not each.keeps_offsets]
