"""SQLite's errors, translated into errors with an owner and a sentence for a person."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from anabranch.errors import AnabranchError, Corrupt, StoreFault

_PRIMARY = 0xFF  # an extended result code carries its primary code in the low byte


def code_of(error: sqlite3.Error) -> int:
    """The primary result code, or 0 where Python raised the error by itself."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & _PRIMARY


def translate(error: sqlite3.Error, path: Path) -> AnabranchError | None:
    """The fault that ``error`` stands for; None if it is our own bug (bad SQL, broken constraint)."""
    match code_of(error):
        case sqlite3.SQLITE_FULL:
            return StoreFault(
                f"the disk that holds the metastore {path} is full; "
                "nothing acknowledged is lost, free some space to go on"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return StoreFault(f"another process keeps the metastore {path} locked")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreFault(f"the metastore {path} cannot be written", retryable=False)
        case sqlite3.SQLITE_CANTOPEN:
            return StoreFault(f"the metastore {path} cannot be opened: {error}", retryable=False)
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_NOMEM | sqlite3.SQLITE_INTERRUPT:
            return StoreFault(f"the metastore {path} failed: {error}")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Corrupt(f"the metastore {path} is damaged: {error}")
    return None
