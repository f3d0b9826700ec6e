"""What every verb but the appends does for the journal: it notes which rows it may have changed.

A note names spans of rows by table and key, never what became of them: whoever ships the journal reads
their present state. So a note may name too much, and nothing goes wrong if a verb notes twice; only
what is not noted would be missing from the bucket until the next snapshot. The contract suite compares
a replay of the journal with the tables after every test.

Appends note nothing: they would pay for it on every flush. They are found by comparing each partition's
``next_offset`` with what was shipped of it (:mod:`anabranch.metastore.journal`).
"""

from __future__ import annotations

import msgspec

from anabranch.metastore.tx import Tx

Key = tuple[int | str, ...]


class Noted(msgspec.Struct, frozen=True, array_like=True):
    """Rows of ``table`` whose key starts with ``key`` and goes on within ``low … high`` (inclusive).

    ``kept``: rows of the span may have come or changed, but none has gone.
    """

    table: str
    key: Key
    low: Key | None = None
    high: Key | None = None
    kept: bool = False


def note(tx: Tx, *spans: Noted | tuple[str, Key]) -> None:
    """Remember that rows of these spans changed in this transaction."""
    noted = [Noted(*span) if isinstance(span, tuple) else span for span in spans]
    for span in noted:
        tx.changed.noted(span.table, span.key)
    body = msgspec.json.encode(noted)
    tx.execute("INSERT INTO journal_note (spans) VALUES (?)", (body.decode(),))


def note_topic(tx: Tx, topic_no: int, *tables: str) -> None:
    """The topic's own row, and all of its rows in ``tables``."""
    note(tx, ("topic", (topic_no,)), *[(table, (topic_no,)) for table in tables])
