"""What one checkpoint says, whichever engine wrote it."""

from __future__ import annotations

from msgspec import Struct

from anabranch.recovery.checkpoints.conventions import Marker


class Kept(Struct, frozen=True):
    """The position of one partition as it is kept, and the next offset that it means.

    Exactly one of ``next`` and ``marker`` is set. ``keeper`` names the line of the convention table,
    ``place`` where in the checkpoint it was found, ``stop`` the offset at which a bounded source ends.
    ``partition_time_ms`` is the stream time that Kafka Streams commits along.
    """

    topic: str
    partition: int
    stored: int
    keeper: str
    next: int | None
    marker: Marker | None = None
    place: str = ""
    stop: int | None = None
    partition_time_ms: int | None = None
    leader_epoch: int = -1


class Source(Struct, frozen=True, kw_only=True):
    """One reader of Kafka in the job. ``problem``: why its positions cannot be told; then it has none."""

    number: int
    kind: str
    name: str = ""
    uid: str = ""
    id: str = ""
    positions: tuple[Kept, ...] = ()
    problem: str = ""

    @property
    def label(self) -> str:
        """What a person would call it."""
        return self.uid or self.name or self.id


class InFlight(Struct, frozen=True):
    """Records that had been read and not finished.

    ``beyond``: reading from the positions does not bring them back; only the engine's own restore does.
    """

    where: str
    what: str
    bytes: int
    beyond: bool


class PendingTransaction(Struct, frozen=True):
    """A transaction of a sink that is part of the checkpoint. ``commits``: a restore commits it."""

    sink: str
    transactional_id: str
    producer_id: int
    producer_epoch: int
    commits: bool


class Changelog(Struct, frozen=True):
    """A partition of a changelog topic that state is rebuilt from.

    ``end``: its log end when looked at. ``processed``: input topic to next offset, as the newest change
    says (Quix Streams); empty where no change says so.
    """

    topic: str
    partition: int
    end: int
    processed: dict[str, int] = {}


class ResolvedMarker(Struct, frozen=True):
    """A marker and the offset that it meant when a point was taken."""

    topic: str
    partition: int
    marker: str
    offset: int


class EngineCheckpoint(Struct, frozen=True, kw_only=True):
    """A checkpoint as far as its positions go.

    ``location`` is what was read, with ``sha256`` and ``bytes`` of the file that holds the positions
    ("" where there is no file: group commits). ``id`` is the engine's own name for it, ``form`` what
    it is and in which version. ``moves``: the engine goes on writing at this location.
    """

    engine: str
    location: str
    id: str
    form: str
    sources: tuple[Source, ...]
    sha256: str = ""
    bytes: int = 0
    taken_ms: int | None = None
    group: str | None = None
    moves: bool = False
    in_flight: tuple[InFlight, ...] = ()
    transactions: tuple[PendingTransaction, ...] = ()
    changelogs: tuple[Changelog, ...] = ()
    notes: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()

    @property
    def beyond(self) -> list[InFlight]:
        """What the positions alone would lose."""
        return [one for one in self.in_flight if one.beyond]
