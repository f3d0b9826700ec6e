"""Numbers that only grow."""

from __future__ import annotations

from sqlite3 import Connection


def bump(tx: Connection, name: str, by: int = 1) -> int:
    """Add ``by`` and return the new value."""
    row = tx.execute(
        "UPDATE counter SET value = value + ? WHERE name = ? RETURNING value", (by, name)
    ).fetchone()
    value: int = row[0]
    return value


def read(tx: Connection, name: str) -> int:
    value: int = tx.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()[0]
    return value


def catalogue_changed(tx: Connection) -> None:
    """To be called by every verb that changes a topic, a config, a log start or a leader epoch."""
    bump(tx, "catalogue_version")
