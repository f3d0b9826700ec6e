"""Counts what a sink of one's own does again: rows appended twice, rows overwritten, calls made twice.

A meter suppresses nothing. It remembers, per partition, how far a run has come, and counts the records
that come again, so that a forecast of duplicates can be held against what happened.

    meter = Meter.open("effects.db", "invoices", SinkClass.APPEND, sources)
    with meter.batch() as batch:
        for message in messages:
            batch.offer(message.topic(), message.partition(), message.offset())
            file.write(…)

It rests in an effects ledger (a path or ``postgresql://…``) and is named ``meter:LEDGER#NAME``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from anabranch.errors import UserFault
from anabranch.recovery.model import Checkpoint, SinkClass
from anabranch.recovery.sinks.common import LIVE, Line, Promotion, SinkOffset, Tally
from anabranch.recovery.sinks.http import SESSION_VARIABLE
from anabranch.recovery.sinks.ledger import Count, Counter, Ledger
from anabranch.recovery.sinks.source import Source

PREFIX = "meter:"


class Batch:
    """The records of one batch; counted when its block ends well."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.tally = Tally(meter.sources, self._load)
        self._counts: dict[tuple[str, str, int, Counter], int] = {}

    def offer(self, topic: str, partition: int, offset: int) -> bool:
        """Count a record that is about to have its effect; True if it is the first time."""
        first = self.tally.fresh(topic, partition, offset)
        source = self.tally.source(topic)
        for counter in (Counter.PERFORMED, *(() if first else (Counter.REPEATED,))):
            where = (source.cluster_id, source.topic_id, partition, counter)
            self._counts[where] = self._counts.get(where, 0) + 1
        return first

    def counts(self) -> list[Count]:
        """What is to be added."""
        run, name = self._meter.run, self._meter.name
        return [Count(run, name, *where, records) for where, records in self._counts.items()]

    def _load(self, source: Source, partition: int) -> int | None:
        meter = self._meter
        known = [
            meter.ledger.next_offset(run, source, partition)[0] for run in {meter.run, meter.base}
        ]
        return max((each for each in known if each is not None), default=None)


class Meter:
    """Counts for one sink, in the live run or in a replay session."""

    def __init__(
        self,
        ledger: Ledger,
        name: str,
        sink_class: SinkClass,
        sources: Mapping[str, Source],
        session: str,
        own_output: bool,
        clock_ms: Callable[[], int],
    ) -> None:
        self.ledger = ledger
        self.name = name
        self.sources = dict(sources)
        self.run = _run(sink_class, name, session)
        self.base = self.run if own_output else _run(sink_class, name, LIVE)
        self._clock_ms = clock_ms

    @classmethod
    def open(
        cls,
        ledger: str,
        name: str,
        sink_class: SinkClass,
        sources: Mapping[str, Source],
        *,
        own_output: bool = False,
        environ: Mapping[str, str] = os.environ,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> Meter:
        """Open the ledger, creating it. ``own_output``: a replay writes into a place of its own, where
        nothing of the live run lies. Raises UserFault, StoreFault."""
        if "/" in name or "#" in name or not name:
            raise UserFault(f"“{name}” cannot be the name of a meter: leave / and # out")
        if sink_class.suppresses:
            raise UserFault(f"a sink of class {sink_class} counts by itself")
        session = environ.get(SESSION_VARIABLE) or LIVE
        return cls(Ledger.open(ledger), name, sink_class, sources, session, own_output, clock_ms)

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """A batch of records; what is counted becomes durable when it ends well."""
        batch = Batch(self)
        yield batch
        self.ledger.advance(self.run, batch.tally.counted(), batch.counts(), self._clock_ms())

    def close(self) -> None:
        self.ledger.close()


class MeterLines:
    """A metered sink at rest: how far it has come, by run. ``meter:LEDGER#NAME``."""

    promotes = False
    stages = False

    def __init__(self, location: str) -> None:
        place, _, self._name = location.removeprefix(PREFIX).partition("#")
        if not self._name:
            raise UserFault(f"“{location}” does not name a meter: write meter:LEDGER#NAME")
        self._ledger = Ledger.open(place, create=False)
        self.location = f"{PREFIX}{self._ledger.location}#{self._name}"
        self.name = self._name
        classes = {run.split("/")[0] for run in self._runs()}
        if not classes:
            self._ledger.close()
            raise UserFault(f"{place} holds no meter “{self._name}”")
        self.sink_class = SinkClass(min(classes))

    def offsets(self, line: str = LIVE) -> list[SinkOffset]:
        return self._ledger.offsets(_run(self.sink_class, self._name, line))

    def repeated(self, line: str = LIVE) -> int:
        """How many records came again in this run, and had their effect once more."""
        run = _run(self.sink_class, self._name, line)
        return sum(c.records for c in self._ledger.counts(run) if c.outcome is Counter.REPEATED)

    def lines(self) -> list[Line]:
        runs = [run.split("/")[2] for run in self._runs()]
        return [Line(line, -1, self.offsets(line)) for line in sorted(runs)]

    def take_checkpoint(self, target: Path) -> Checkpoint:
        raise UserFault(f"{self.name} is only counted here: copy it yourself")

    def checkpoint_offsets(self, checkpoint: Path) -> list[SinkOffset]:
        raise UserFault(f"{self.name} takes no checkpoints")

    def stage(self, line: str, checkpoint: Path | None, now_ms: int) -> list[SinkOffset]:
        """A session's counts begin by themselves."""
        return self.offsets(line)

    def promote(self, line: str, now_ms: int) -> Promotion:
        raise UserFault(f"{self.name} is only counted here: promote it yourself")

    def undo(self, line: str, now_ms: int) -> Promotion:
        raise UserFault(f"{self.name} is only counted here: undo it yourself")

    def drop(self, line: str) -> bool:
        return False

    def close(self) -> None:
        self._ledger.close()

    def _runs(self) -> list[str]:
        return [run for run in self._ledger.runs() if run.split("/")[1:2] == [self._name]]


def _run(sink_class: SinkClass, name: str, line: str) -> str:
    return f"{sink_class}/{name}/{line}"
