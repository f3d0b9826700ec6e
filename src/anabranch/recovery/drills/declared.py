"""``recovery.toml``: each stream from its source events to its recovered output, and what its recovery must achieve.

[stream.flights]
inputs = ["flights"]
group = "flights-view"
command = ["python", "view.py"]
sink = "sqlite:view.db"

[stream.flights.verify]
tables = { daily = "carrier,day" }

[stream.flights.objectives]
detect = "1h"
replay = "30m"

[evidence]
folder = "drills"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from anabranch.errors import UserFault
from anabranch.recovery.times import parse_duration

T = TypeVar("T")

STREAMS_MAX = 200  # in one file
TEMPLATE = __doc__


class Verify(Struct, frozen=True, forbid_unknown_fields=True):
    """``tables``: of the sink, with the columns of their keys; of a Kafka sink its outputs; of HTTP effects none. ``expected``: differences from the truth that are none
    (``keys where …``)."""

    tables: Mapping[str, str] = {}
    tolerance: float = 0.0
    expected: tuple[str, ...] = ()


class Objectives(Struct, frozen=True, forbid_unknown_fields=True):
    """How long each step may take, as ``6h``. ``rpo``: how much may be lost, in records' time; 0s: nothing.
    ``live_p99``: what live appends may take beside a replay, as ``0.05s``; empty: it is measured, and not judged."""

    detect: str = "1h"
    diagnose: str = "1h"
    fix: str = "4h"
    replay: str = "2h"
    rpo: str = "0s"
    live_p99: str = ""

    @property
    def rto_ms(self) -> int:
        """All steps together."""
        return sum(
            parse_duration(each) for each in (self.detect, self.diagnose, self.fix, self.replay)
        )

    @property
    def replay_ms(self) -> int:
        return parse_duration(self.replay)


class Rehearsal(Struct, frozen=True, forbid_unknown_fields=True):
    """How a stream is drilled: the newest ``records`` of each input, in at most ``timeout`` a scenario, ``every`` so
    often. ``scenarios``: names; none: all. ``sink``: a PostgreSQL database for the copy of a sink that is in one."""

    records: int = 10_000
    timeout: str = "5m"
    every: str = "7d"
    scenarios: tuple[str, ...] = ()
    sink: str = ""


class Stream(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A stream, from its inputs to its output. ``enrichment``: topics that the processor looks things up in."""

    inputs: tuple[str, ...]
    group: str
    command: tuple[str, ...]
    sink: str
    verify: Verify = Verify()
    enrichment: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    processor: str = ""
    version: str = ""
    owner: str = ""
    objectives: Objectives = Objectives()
    drill: Rehearsal = Rehearsal()


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    """Where reports go, and the key that signs them (``anabranch drill keys``); empty: they are not signed."""

    folder: str = "drills"
    key: str = ""
    keep: str = "400d"


class Declared(Struct, frozen=True):
    """A whole file; ``path`` is where it was read."""

    path: str
    streams: Mapping[str, Stream]
    evidence: Evidence


def load(path: Path) -> Declared:
    """Raises UserFault that names what is wrong and where."""
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserFault(f"there is no {path}; `anabranch drill template` prints one") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserFault(f"{path}: {error}") from None
    unknown = raw.keys() - {"stream", "evidence"}
    if unknown:
        raise UserFault(f"{path}: unknown key “{min(unknown)}”; there are stream.NAME and evidence")
    tables = raw.get("stream", {})
    if not isinstance(tables, dict) or not tables or len(tables) > STREAMS_MAX:
        raise UserFault(f"{path}: it declares no [stream.NAME] (or more than {STREAMS_MAX})")
    streams = {
        name: _converted(table, Stream, f"{path}: stream.{name}") for name, table in tables.items()
    }
    for name, stream in streams.items():
        _check(stream, f"{path}: stream.{name}")
        streams[name] = replace(stream, sink=_beside(path, stream.sink))
    evidence = _converted(raw.get("evidence", {}), Evidence, f"{path}: evidence")
    parse_duration(evidence.keep, "evidence.keep")
    return Declared(str(path), streams, evidence)


def _beside(path: Path, sink: str) -> str:
    """A sink in a file or directory lies where the file says, wherever one stands."""
    scheme, _, place = sink.partition(":")
    if scheme not in ("sqlite", "parquet", "delta", "http") or "://" in sink:
        return sink
    return f"{scheme}:{path.resolve().parent / place}"


def _converted(value: Any, kind: type[T], where: str) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        sentence, _, at = str(error).partition(" - at `$")
        inner = at.rstrip("`").lstrip(".")
        raise UserFault(f"{where}{'.' + inner if inner else ''}: {sentence}") from None


def _check(stream: Stream, where: str) -> None:
    from anabranch.recovery.drills.names import SCENARIOS

    for what, given in (
        ("inputs", stream.inputs),
        ("command", stream.command),
        ("verify.tables", stream.verify.tables or stream.sink.startswith("http:")),
    ):
        if not given:
            raise UserFault(f"{where}.{what}: at least one is needed")
    for field in ("detect", "diagnose", "fix", "replay", "rpo", "live_p99"):
        if field == "live_p99" and not stream.objectives.live_p99:
            continue
        try:
            parse_duration(getattr(stream.objectives, field))
        except UserFault as error:
            raise UserFault(f"{where}.objectives.{field}: {error}") from None
    for field in ("timeout", "every"):
        try:
            parse_duration(getattr(stream.drill, field))
        except UserFault as error:
            raise UserFault(f"{where}.drill.{field}: {error}") from None
    unknown = set(stream.drill.scenarios) - set(SCENARIOS)
    if unknown:
        raise UserFault(
            f"{where}.drill.scenarios: there is no “{min(unknown)}”; there are {', '.join(SCENARIOS)}"
        )
    if not 10 <= stream.drill.records <= 10_000_000:
        raise UserFault(
            f"{where}.drill.records: between 10 and 10,000,000, not {stream.drill.records}"
        )
