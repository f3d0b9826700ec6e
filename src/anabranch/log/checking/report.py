"""What a check found."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Trouble(StrEnum):
    """What is wrong."""

    MISSING = "missing"  # the metastore names it, and it is not there
    SHORT = "too short"  # it ends before what the metastore names
    UNREFERENCED = "unreferenced"  # it is there, and nothing names it
    CORRUPT = "corrupt"  # its bytes are not those that were written
    INDEX = "index"  # its index is missing, corrupt, or says something else
    METASTORE = "metastore"  # the tables contradict themselves
    JOURNAL = "journal"  # a rebuild would miss something


class CheckFinding(Struct, frozen=True):
    """One thing that is wrong; ``repaired`` says what was done about it."""

    trouble: Trouble
    subject: str
    detail: str
    repaired: str = ""


class CheckReport(Struct, kw_only=True):
    """The outcome of a check. Sizes in bytes."""

    listed: int = 0  # objects in the bucket
    objects: int = 0  # of the metastore
    objects_read: int = 0
    bytes_read: int = 0
    awaiting_collection: int = 0  # known, named by nothing, in their grace
    journal_notes: int = 0  # changes that are not in the journal yet
    journal_partitions: int = 0  # partitions whose last appends are not
    seconds: float = 0.0
    findings: list[CheckFinding] = []

    @property
    def clean(self) -> bool:
        return not self.findings

    def add(self, trouble: Trouble, subject: str, detail: str, repaired: str = "") -> None:
        self.findings.append(CheckFinding(trouble, subject, detail, repaired))
