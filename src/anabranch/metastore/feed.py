"""The change feed of the SQLite engine: a table of hints, of which only the newest are kept."""

from __future__ import annotations

import secrets

from anabranch.metastore.changes import EVERYTHING, Changed, encode, told, union
from anabranch.metastore.connections import SqliteTx

KEPT_MAX = 1_024  # lines; who is further behind reads everything afresh
READ_MAX = 1_024  # lines taken in at once
PRUNE_EVERY = 256  # lines


class Feed:
    """One process's side of it."""

    def __init__(self, tx: SqliteTx) -> None:
        self._tx = tx
        self._origin = secrets.randbits(63)
        self._seen: int = tx.execute("SELECT coalesce(max(seq), 0) FROM change").fetchone()[0]

    def tell(self, changed: Changed) -> None:
        """Within the transaction that changed it."""
        seq = self._tx.execute(
            "INSERT INTO change (origin, body) VALUES (?, ?)",
            (self._origin, encode(changed).decode()),
        ).lastrowid
        assert seq is not None
        if seq % PRUNE_EVERY == 0:
            self._tx.execute("DELETE FROM change WHERE seq <= ?", (seq - KEPT_MAX,))

    def news(self) -> Changed | None:
        """What others told since the last time; None if that is nothing."""
        lines = self._tx.execute(
            "SELECT seq, origin, body FROM change WHERE seq > ? ORDER BY seq LIMIT ?",
            (self._seen, READ_MAX),
        ).fetchall()
        if not lines:
            return None
        missed = lines[0][0] != self._seen + 1 or len(lines) == READ_MAX
        self._seen = lines[-1][0]
        if missed:
            return EVERYTHING
        return union(told(body) for _, origin, body in lines if origin != self._origin)
