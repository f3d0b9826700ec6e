"""How the audit log is configured."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

MIB: Final = 1024 * 1024


class AuditSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where lines go, and what happens where they cannot."""

    log: bool = False
    directory: Path | None = None  # of this broker's files; None: "audit" in the data directory
    topic: str | None = None  # lines also go there, by chain; created with one partition if missing
    file_bytes: int = 64 * MIB  # then the next file begins
    files_max: int = 100  # of this broker; the oldest goes, and a line says so
    queue_max: int = 10_000  # events that wait for the disk: some 10 MB
    on_full: Literal["drop", "refuse"] = "drop"  # drop and say how many, or refuse what is audited
    offsets: Literal["all", "back", "none"] = "all"  # which commits: those that go back, say

    def wrong(self, *, has_data: bool) -> str | None:
        """A sentence if the settings make no sense."""
        if self.log and self.directory is None and not has_data:
            return "audit.directory has to be set where there is no data directory"
        for name in ("file_bytes", "files_max", "queue_max"):
            if getattr(self, name) < 1:
                return f"audit.{name} must be at least 1"
        return None
