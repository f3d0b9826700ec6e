"""What a rebuild found and could not find."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """What a finding is about. All but ``RECOVERED`` and ``LEFT_ASIDE`` make a rebuild inexact."""

    RECOVERED = (
        "recovered from the WAL"  # newer than the journal; offsets as given, if no commit failed
    )
    LEFT_ASIDE = "left aside"  # never acknowledged, or superseded
    JOURNAL_LOST = "journal lost"
    JOURNAL_HOLE = "journal hole"
    JOURNAL_DAMAGED = "journal damaged"
    ORDER = "order not known"
    DOUBT = "commit not known"
    WAL_DAMAGED = "WAL damaged"
    WAL_MISSING = "WAL missing"
    OBJECT_MISSING = "object missing"
    DAMAGED = "object damaged"
    OFFSETS_MISSING = "offsets missing"
    NAME = "name not known"
    GUESSED = "taken from segments"
    POSITION = "committed position"
    PRODUCER = "producer"
    UNTOLD = "newer than the journal"
    TABLES = "tables"


# Acknowledged records may be missing at the end of any partition.
TRUNCATED = frozenset(
    (Kind.JOURNAL_LOST, Kind.JOURNAL_HOLE, Kind.JOURNAL_DAMAGED, Kind.WAL_DAMAGED, Kind.WAL_MISSING)
)
_EXACT = frozenset((Kind.RECOVERED, Kind.LEFT_ASIDE))


class Finding(Struct, frozen=True):
    """One thing worth knowing; ``subject`` is a topic/partition, a broker start, a key, a group."""

    kind: Kind
    subject: str
    detail: str


class Figures(Struct):
    """How much was read. Sizes in bytes."""

    journal_objects: int = 0
    journal_bytes: int = 0
    entries: int = 0
    snapshot_rows: int = 0
    listed_objects: int = 0
    wal_objects: int = 0
    wal_bytes: int = 0
    wal_frames_new: int = 0
    index_objects: int = 0
    index_bytes: int = 0
    segment_bytes: int = 0
    verified_objects: int = 0
    verified_bytes: int = 0
    retained_bytes: int = 0  # that the new metastore names, read or not
    topics: int = 0
    partitions: int = 0
    groups: int = 0
    records_recovered: int = 0

    @property
    def bytes_read(self) -> int:
        return (
            self.journal_bytes
            + self.wal_bytes
            + self.index_bytes
            + self.segment_bytes
            + self.verified_bytes
        )


class Report(Struct, kw_only=True):
    """The outcome of a rebuild. ``exact_until_ms``: up to here everything is as it was (0: nothing is)."""

    cluster_id: str = ""
    store: str = ""
    wal: str = ""
    metastore: str = ""
    exact_until_ms: int = 0
    seconds: float = 0.0
    findings: list[Finding] = []
    figures: Figures

    @property
    def exact(self) -> bool:
        """Whether nothing is in doubt."""
        return all(finding.kind in _EXACT for finding in self.findings)

    def add(self, kind: Kind, subject: str, detail: str) -> None:
        self.findings.append(Finding(kind, subject, detail))


class Progress(Struct, frozen=True):
    """Where a rebuild or a check is; ``total`` is 0 where nobody knows it."""

    phase: str
    done: int
    total: int
    bytes_read: int


ShowProgress = Callable[[Progress], None]


def quiet(_: Progress) -> None:
    """Shows nothing."""
