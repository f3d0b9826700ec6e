"""The journal made visible: entries, snapshots and their rows as plain values (see ``dump.py``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anabranch.errors import Corrupt, StoreFault
from anabranch.storage.journal_format import Entry, Rows, Snapshot, decode

_NAME = re.compile(r"\d{20}(?:\.snapshot(?:\.\d{6})?)?")


def is_journal(path: Path) -> bool:
    """Whether a file's name is that of a journal object."""
    return _NAME.fullmatch(path.name) is not None


def dump_journal(data: bytes, path: str = "", *, rows: bool = False) -> Iterator[dict[str, Any]]:
    """One item about the object, one per span and table; ``rows`` lists every row too."""
    try:
        document = decode(data)
    except (Corrupt, StoreFault) as error:
        yield {"type": "damage", "path": path, "error": str(error)}
        return
    head = {
        "path": path,
        "bytes": len(data),
        "cluster_id": document.identity.cluster_id,
        "incarnation": document.identity.incarnation,
        "epoch": document.epoch,
        "number": document.number,
    }
    if isinstance(document, Snapshot):
        yield {
            "type": "journal-snapshot",
            **head,
            "through": f"{document.through.epoch}/{document.through.number}",
            "at_ms": document.at_ms,
            "schema": document.schema,
            "part_count": document.parts,
            "rows": document.rows,
        }
        return
    if isinstance(document, Entry):
        yield {
            "type": "journal-entry",
            **head,
            "previous": f"{document.previous.epoch}/{document.previous.number}",
            "at_ms": document.at_ms,
            "schema": document.schema,
        }
        for span in document.gone:
            yield {
                "type": "gone",
                "table": span.table,
                "key": span.key,
                "low": span.low,
                "high": span.high,
            }
    else:
        yield {"type": "journal-part", **head, "part": document.part}
    for each in document.tables:
        yield {"type": "rows", "table": each.table, "count": len(each.rows)}
        if rows:
            yield from _rows(each)


def _rows(each: Rows) -> Iterator[dict[str, Any]]:
    for row in each.rows:
        yield {"type": "row", **dict(zip(each.columns, row, strict=True))}
