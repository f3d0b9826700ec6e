"""The database's own clock, where brokers on several machines must compare times."""

from __future__ import annotations

from anabranch.metastore.tx import Tx, is_sqlite

# SQLite runs on the machine whose clock this is.
_SQLITE = """
SELECT CAST(strftime('%s', 'now') AS INTEGER) * 1000 + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER)
"""
_POSTGRES = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"


def now_ms(tx: Tx) -> int:
    """Milliseconds since the epoch."""
    row = tx.execute(_SQLITE if is_sqlite(tx) else _POSTGRES).fetchone()
    return int(row[0])
