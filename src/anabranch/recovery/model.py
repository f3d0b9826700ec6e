"""The values that recovery reasons about. Every one of them is JSON when it rests.

Offsets are always *next* offsets: the first record that has not been dealt with. Topic ids travel
as Kafka prints them (URL-safe base64, 22 characters), so that a document can be held against the
output of any Kafka tool.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from anabranch.log.counts import Count
from anabranch.recovery.checkpoints.model import (
    Changelog,
    InFlight,
    PendingTransaction,
    ResolvedMarker,
)

SCHEMA_VERSION = 1


class SinkClass(StrEnum):
    """What a sink does with a record that it has seen before."""

    TRANSACTIONAL = (
        "transactional-with-offsets"  # offsets rest with effects: repeats are suppressed
    )
    UPSERT = "idempotent-upsert"  # a repeat overwrites with the same value
    LEDGER = "effects-ledger"  # effects elsewhere, each in a ledger: repeats are suppressed
    DETERMINISTIC = "deterministic-name"  # an object of the same name and content replaces itself
    WINDOW = "dedupe-window"  # the receiver knows a repeat for so long, then no more
    APPEND = "append-only"  # a repeat is a second row
    EXTERNAL = "external"  # a repeat leaves the house: a mail, a payment

    @property
    def absorbs(self) -> bool:
        """True if a repeated record has no further effect."""
        return self in (
            SinkClass.TRANSACTIONAL,
            SinkClass.UPSERT,
            SinkClass.LEDGER,
            SinkClass.DETERMINISTIC,
        )

    @property
    def suppresses(self) -> bool:
        """True if a repeated record is recognised and turned away, not written once more."""
        return self in (SinkClass.TRANSACTIONAL, SinkClass.LEDGER)

    @property
    def keeps_offsets(self) -> bool:
        """True if the sink itself says how far its effects reach."""
        return self in (SinkClass.TRANSACTIONAL, SinkClass.LEDGER)


class Position(Struct, frozen=True):
    """The next offset of one partition. ``leader_epoch`` is -1 where nobody knew it."""

    topic: str
    topic_id: str
    partition: int
    offset: int
    leader_epoch: int = -1

    @property
    def key(self) -> tuple[str, int]:
        """What identifies the partition across documents: topic id, not name."""
        return (self.topic_id, self.partition)


class SinkCounts(Struct, frozen=True):
    """What a sink has counted: records with an effect, records turned away, effects had once more."""

    applied: int
    suppressed: int
    repeated: int = 0


class SinkState(Struct, frozen=True):
    """A sink and how far its effects reach. ``clusters`` are those that its offsets belong to.

    Without ``positions`` (a sink that keeps no offsets) what its group has committed tells how far they
    reach. ``ttl_ms``: its receiver recognises a repeat for so long. ``counts`` are of this instant, to be
    held against what is counted later.
    """

    name: str
    sink_class: SinkClass
    location: str = ""
    positions: tuple[Position, ...] = ()
    clusters: tuple[str, ...] = ()
    ttl_ms: int | None = None
    counts: SinkCounts | None = None


class Checkpoint(Struct, frozen=True):
    """A copy of the processor's state that belongs to a point; ``sha256`` proves it unchanged."""

    location: str
    sha256: str
    bytes: int


class EngineState(Struct, frozen=True, kw_only=True):
    """The checkpoint of another engine that a point was taken from (docs/checkpoints.md).

    ``checkpoint`` is the file that held the positions; None where they are what a group committed.
    ``moves``: the engine goes on writing there. ``sources`` are the readers that were taken,
    ``markers`` what was no number in it and became one when the point was taken.
    """

    engine: str
    id: str
    form: str
    location: str
    sources: tuple[str, ...]
    markers: tuple[ResolvedMarker, ...] = ()
    checkpoint: Checkpoint | None = None
    moves: bool = False
    partition_times: dict[str, int] = {}
    in_flight: tuple[InFlight, ...] = ()
    transactions: tuple[PendingTransaction, ...] = ()
    changelogs: tuple[Changelog, ...] = ()
    notes: tuple[str, ...] = ()


class RecoveryPoint(Struct, frozen=True, kw_only=True):
    """A state to which a processor can be brought back, with everything that takes.

    ``source`` says where the positions came from: ``group`` (committed when taken), ``group-at``
    (from the offset history), ``explicit``, ``sink``, or ``checkpoint`` (another engine's, ``engine``).
    ``in_flight`` is true if records beyond the positions had been read but not finished, so that the
    checkpoint may hold part of them. ``schedule`` names the schedule that took it, "" if a person did.
    """

    id: str
    name: str
    processor: str
    version: str
    group: str | None
    positions: tuple[Position, ...]
    source: str
    at_ms: int
    checkpoint: Checkpoint | None
    in_flight: bool
    sinks: tuple[SinkState, ...]
    creator: str
    created_ms: int
    note: str = ""
    engine: EngineState | None = None
    schedule: str = ""
    schema_version: int = SCHEMA_VERSION


class MissingRange(Struct, frozen=True):
    """Offsets ``first..last`` that a reader will not see, and why."""

    first: int
    last: int
    cause: str
    detail: str
    at_ms: int

    @property
    def records(self) -> int:
        """An upper bound: compaction leaves some of them."""
        return self.last - self.first + 1


class PartitionView(Struct, frozen=True, kw_only=True):
    """One partition of the log as it stands. Invariant: ``0 <= log_start <= log_end``.

    ``oldest_ms`` is when the oldest retained record was appended.
    """

    topic: str
    topic_id: str
    topic_no: int
    partition: int
    log_start: int
    log_end: int
    leader_epoch: int
    bytes: int
    oldest_ms: int | None
    gaps: tuple[MissingRange, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        return (self.topic_id, self.partition)


class Volume(Struct, frozen=True):
    """Records and bytes of a range. Bytes are exact for whole extents, prorated at the edges."""

    records: int
    bytes: int

    def __add__(self, other: Volume) -> Volume:
        return Volume(self.records + other.records, self.bytes + other.bytes)


NOTHING = Volume(0, 0)


_NONE = Count(0)  # and known to be none


class VerdictKind(StrEnum):
    """What a restart at a position does to the effects.

    SAFE says that none is lost and none made twice, no more: effects that were wrong stay wrong. That
    is why people are shown other words than programs, whose "safe" stays what it was.
    """

    SAFE = "safe"
    DUPLICATES = "will duplicate"
    LOSES = "will lose"
    UNKNOWN = "unknown"


class Verdict(Struct, frozen=True):
    """``records`` are duplicated, lost, or (when safe) repeated and suppressed; ``at_most``: or fewer, because only
    their offsets are known."""

    kind: VerdictKind
    records: int
    reason: str
    at_most: bool = False

    def __str__(self) -> str:
        count = at_most(self.records, self.at_most)
        if self.kind in (VerdictKind.DUPLICATES, VerdictKind.LOSES):
            return f"{self.kind} {count}"
        if self.kind is VerdictKind.SAFE:
            kept = f", {count} suppressed" if self.records else ""
            return f"no loss, no duplicates{kept}"
        return str(self.kind)


def at_most(records: int, bound: bool) -> str:
    """A number of records in words; ``bound``: there may be fewer."""
    return f"at most {records:,}" if bound and records else f"{records:,}"


Between = Callable[[int, int], Count]
"""How many records lie in ``[first, end)`` of a partition (``log.counting.Tally.between``)."""


def offsets_between(first: int, end: int) -> Count:
    """Every offset taken for a record: where a log has no transactions, no holes and was not compacted."""
    return Count(max(0, end - first))


def judge(
    position: int | None,
    log_start: int,
    log_end: int,
    effects: int | None,
    sink_class: SinkClass | None,
    between: Between = offsets_between,
) -> Verdict:
    """What happens to effects that reach up to ``effects`` when reading restarts at ``position``.

    Four positions are held against each other::

        log_start ........ effects ........ log_end
                     ^ position              reading starts at max(position, log_start) = r
        r < effects   records [r, effects) come again: suppressed or duplicated by class
        r = effects   exactly once
        r > effects   records [effects, r) are never dealt with

    ``effects`` None means that nothing tells how far they reach; ``sink_class`` None is judged as
    the worst of them. Offsets are no records: where ``between`` knows that only markers of transactions, aborted and
    compacted records lie between the two, nothing is lost and nothing comes again.
    """
    if position is None:
        return Verdict(
            VerdictKind.UNKNOWN, 0, "no committed offset: auto.offset.reset would decide"
        )
    if position > log_end:
        return Verdict(
            VerdictKind.UNKNOWN,
            position - log_end,
            "the position lies past the log end: the topic was recreated or truncated",
        )
    start = max(position, log_start)
    if effects is None:
        effects = position
    if start > effects:
        if log_start > effects:
            reason = f"the log now starts at {log_start:,}"
        else:
            reason = f"effects reach only to {effects:,}"
        lost = between(effects, start)
        if lost == _NONE:
            return Verdict(
                VerdictKind.SAFE, 0, "no record lies between the effects and the position"
            )
        return Verdict(VerdictKind.LOSES, lost.records, reason, not lost.exact)
    if start == effects:
        return Verdict(VerdictKind.SAFE, 0, "reading goes on exactly where the effects end")
    again = between(start, effects)
    if again == _NONE:
        return Verdict(VerdictKind.SAFE, 0, "no record lies between the position and the effects")
    if sink_class is not None and sink_class.absorbs:
        word = "suppresses" if sink_class.suppresses else "overwrites with equals"
        return Verdict(
            VerdictKind.SAFE, again.records, f"the sink {word} what it has seen", not again.exact
        )
    return Verdict(
        VerdictKind.DUPLICATES,
        again.records,
        f"effects already reach to {effects:,}",
        not again.exact,
    )


def topic_id_text(topic_id: bytes) -> str:
    """A topic id or cluster id as Kafka prints it."""
    return base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode("ascii")


def topic_id_bytes(text: str) -> bytes:
    """Inverse of :func:`topic_id_text`."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def positions_by_key(positions: Iterable[Position]) -> dict[tuple[str, int], Position]:
    """Positions addressed by (topic id, partition)."""
    return {position.key: position for position in positions}


def canonical_json(value: Any) -> bytes:
    """One byte string per value: sorted keys, no spaces. What documents are hashed over."""
    return json.dumps(
        msgspec.to_builtins(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def digest(value: Any, *, without: Iterable[str] = ()) -> str:
    """SHA-256 (hex) over the canonical JSON of ``value``, leaving out the named top-level fields."""
    builtins = msgspec.to_builtins(value)
    if isinstance(builtins, Mapping):
        skipped = set(without)
        builtins = {key: item for key, item in builtins.items() if key not in skipped}
    return hashlib.sha256(canonical_json(builtins)).hexdigest()
