"""Numbers that only grow."""

from __future__ import annotations

from anabranch.metastore.tx import Tx


def bump(tx: Tx, name: str, by: int = 1) -> int:
    """Add ``by`` and return the new value."""
    row = tx.execute(
        "UPDATE counter SET value = value + ? WHERE name = ? RETURNING value", (by, name)
    ).fetchone()
    value: int = row[0]
    return value


def read(tx: Tx, name: str) -> int:
    value: int = tx.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()[0]
    return value


def catalogue_changed(tx: Tx) -> None:
    """To be called by every verb that changes a topic, a config, a log start or a leader epoch."""
    bump(tx, "catalogue_version")
