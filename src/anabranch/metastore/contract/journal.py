"""What leaves the metastore for the bucket, and comes back from it: journal, rebuild, audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from anabranch.metastore.audit import KnownObject, Naming
    from anabranch.metastore.journal import Changes, JournalState, Mark, TableRows


class JournalVerbs(Protocol):
    """Verbs about the catalogue as a whole."""

    # -- journal (see metastore/journal.py) ------------------------------------------------------
    async def journal_state(self) -> JournalState: ...

    async def journal_pending(self) -> tuple[int, int]:
        """How many notes and how many partitions wait to be shipped."""

    async def journal_take_over(self, incarnation: bytes) -> JournalState:
        """Begin to ship in a new, higher epoch; ``incarnation`` names a metastore that has no name."""

    async def journal_changes(
        self, rows_max: int, now_ms: int, wal_known: Mapping[int, int]
    ) -> Changes | None:
        """The present state of all that changed since the last entry; None if nothing did."""

    async def journal_shipped(
        self,
        epoch: int,
        before: int,
        number: int,
        marks: Sequence[Mark],
        notes: Sequence[int],
        now_ms: int,
    ) -> bool:
        """Account for entry ``number``; False if another process ships by now."""

    async def journal_reset(self, epoch: int, number: int) -> bool:
        """Forget what is to be shipped, because a snapshot that begins now tells all of it."""

    async def journal_trim(self) -> int:
        """Where nothing ships: drop the notes, and with them what was shipped is no longer sound."""

    async def journal_tables(self) -> tuple[int, list[str]]:
        """How many migrations the metastore has, and the tables of a snapshot."""

    async def journal_chunk(
        self, table: str, after: Sequence[int | str] | None, limit: int
    ) -> TableRows:
        """A snapshot's next rows of a table, those behind the key ``after``."""

    async def refuse_unless_empty(self) -> None:
        """Raises UserFault if there is anything that a rebuild would overwrite."""

    async def fill_from(self, source: Path) -> None:
        """Take over everything from the SQLite metastore in ``source``, wholly or not at all.

        Raises UserFault unless this one is empty."""

    async def journal_snapshot_done(self, epoch: int, number: int, now_ms: int) -> bool:
        """A whole snapshot that stands on entry ``number`` is durable; False if fenced."""

    # -- audit (see metastore/audit.py) -----------------------------------------------------------
    async def known_keys(self, keys: Sequence[str]) -> dict[str, int]:
        """Which of ``keys`` are objects of the metastore, with their numbers."""

    async def collected_keys(self, keys: Sequence[str]) -> dict[str, bool]:
        """Which of ``keys`` the deletion log has; True: their bytes are still to be deleted."""

    async def objects_after(self, no: int, limit: int) -> list[KnownObject]:
        """Objects with a number above ``no``, in order, with how far extents name them."""

    async def extents_in(self, object_no: int, limit: int) -> list[Naming]:
        """Extents that lie in an object, by where they lie."""
