"""What every replay-safe sink has in common: lines, offsets keyed by identity, counters, a fence.

A sink holds *lines*: the live one, and staging lines that a replay fills beside it. A line has effects
and, bound to them, the next offset of each partition that caused them. The writer that opened a line
last is the only one that may write it. A writer offers each record (``fresh``) *before* it computes an
effect; what is turned away is counted with the offsets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.sinks.source import Source

if TYPE_CHECKING:  # a processor's own environment need not have what documents are made of
    from anabranch.recovery.model import Checkpoint, SinkClass

LIVE = "live"
BEFORE = "before-"  # the former live line after the promotion of a staging line
SEPARATOR = "@"  # table of a staging line: daily@r-20260301-1405-9f2c


class Fenced(StoreFault):
    """Another writer has opened this line, or it was promoted away. Stop; do not retry."""

    def __init__(self, line: str) -> None:
        super().__init__(
            f"the sink's line “{line}” has a newer writer: this one must stop", retryable=False
        )


class SinkOffset(NamedTuple):
    """One partition of one line.

    ``applied`` are records whose effects are in the line, ``suppressed`` records that were turned away
    because their effects were there already, ``skipped`` offsets that were passed over and never came.
    """

    cluster_id: str
    topic_id: str
    partition: int
    topic: str
    next_offset: int
    applied: int
    suppressed: int
    skipped: int


class Line(NamedTuple):
    """A line at rest."""

    name: str
    epoch: int
    offsets: list[SinkOffset]


class Promotion(NamedTuple):
    """What a promotion did. ``before`` is the line that holds what was live."""

    tables: list[str]
    before: str
    offsets: list[SinkOffset]


class SinkTransaction(Protocol):
    """The effects of one batch; nothing of it is visible before its block ends well."""

    def fresh(self, topic: str, partition: int, offset: int) -> bool:
        """True if the record has had no effect yet; from now on it counts as applied."""
        ...


class Sink(Protocol):
    """One writer of one line, whatever the sink is made of."""

    def transaction(self) -> AbstractContextManager[SinkTransaction]:
        """Effects and offsets, wholly or not at all. Raises :class:`Fenced`."""
        ...

    def position(self, topic: str, partition: int) -> int | None:
        """The next offset whose effect is missing; None if the partition never had any."""
        ...

    def close(self) -> None: ...


class SinkLines(Protocol):
    """A sink at rest: what the recovery plane reads, stages, promotes and undoes.

    ``location`` opens it again (``locations.open_lines``) and holds no password; ``name`` is for people.
    ``stages``: a replay may fill a line of it beside the live one; ``promotes``: that can take the live place.
    """

    name: str
    location: str
    sink_class: SinkClass
    promotes: bool
    stages: bool

    def offsets(self, line: str = LIVE) -> list[SinkOffset]:
        """The positions and counters of ``line``, by topic and partition; empty if it has none."""
        ...

    def lines(self) -> list[Line]:
        """Every line, by name."""
        ...

    def take_checkpoint(self, target: Path) -> Checkpoint:
        """Copy the live line, consistent, to ``target``. Raises UserFault where a sink has no copies."""
        ...

    def checkpoint_offsets(self, checkpoint: Path) -> list[SinkOffset]:
        """The positions in a checkpoint that such a sink took. Raises UserFault if it is none."""
        ...

    def stage(self, line: str, checkpoint: Path | None, now_ms: int) -> list[SinkOffset]:
        """Make the staging line ``line``, empty or from a checkpoint; nothing if it exists."""
        ...

    def promote(self, line: str, now_ms: int) -> Promotion:
        """Put ``line`` into the live place, effects and offsets at once; fences its former writer."""
        ...

    def undo(self, line: str, now_ms: int) -> Promotion:
        """Bring back what was live before ``line`` was promoted."""
        ...

    def drop(self, line: str) -> bool:
        """Forget a staging or former line; False if there is none."""
        ...

    def close(self) -> None: ...


class Counted(NamedTuple):
    """What one transaction did to one partition: its next offset, and three counts to add."""

    source: Source
    partition: int
    next_offset: int
    applied: int
    suppressed: int
    skipped: int


class Tally:
    """The offsets of one transaction, as records are offered; no I/O of its own.

    ``load`` returns the line's next offset of a source's partition, None if it never had any.
    """

    def __init__(
        self, sources: Mapping[str, Source], load: Callable[[Source, int], int | None]
    ) -> None:
        self._sources = sources
        self._load = load
        self._progress: dict[tuple[str, int], list[int]] = {}  # next, applied, suppressed, skipped

    def fresh(self, topic: str, partition: int, offset: int) -> bool:
        """True if the record is new. Records of a partition must come in offset order."""
        progress = self._progress.get((topic, partition))
        if progress is None:
            known = self._load(self.source(topic), partition)
            progress = [-1 if known is None else known, 0, 0, 0]
            self._progress[topic, partition] = progress
        next_offset = progress[0]
        if offset < next_offset:
            progress[2] += 1
            return False
        if offset > next_offset and next_offset >= 0:
            progress[3] += offset - next_offset
        progress[0] = offset + 1
        progress[1] += 1
        return True

    def source(self, topic: str) -> Source:
        """The identity behind a topic's name. Raises UserFault if the sink was not told."""
        source = self._sources.get(topic)
        if source is None:
            raise UserFault(f"the sink was not told the identity of topic “{topic}”")
        return source

    def counted(self) -> Iterator[Counted]:
        """What the transaction adds. Two topics that continue one source must not share a batch."""
        for (topic, partition), (next_offset, *counts) in self._progress.items():
            if next_offset >= 0:
                source = self.source(topic)
                yield Counted(Source(*source[:2], topic), partition, next_offset, *counts)


def check_staging_name(line: str) -> None:
    """Raises UserFault for a name that no staging line may have."""
    if line == LIVE or line.startswith(BEFORE) or not line:
        raise UserFault(f"“{line}” cannot be the name of a staging line")


def table_name(name: str, line: str) -> str:
    """The plain name for the live line: that is the table other programs read."""
    return name if line == LIVE else f"{name}{SEPARATOR}{line}"


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
