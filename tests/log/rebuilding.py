"""Rebuilds of a bench's cluster, and comparison with what it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from anabranch.log.rebuild.report import Figures, Kind, Report, quiet
from anabranch.log.rebuild.run import restore_metastore
from anabranch.metastore.connections import SqliteTx
from anabranch.metastore.restore import told
from anabranch.storage.store import Store
from anabranch.storage.wal import WalReader

NEW_INCARNATION = b"n" * 16
Contents = dict[str, list[tuple[Any, ...]]]


def rebuild(
    store: Store, wal: WalReader, into: Path, now_ms: int, **options: Any
) -> tuple[Contents, Report]:
    """What a rebuild makes of a bucket and a WAL."""
    report = Report(figures=Figures())
    with ThreadPoolExecutor(4) as pool:
        restore_metastore(
            store,
            wal,
            into,
            pool=pool,
            cluster_id=options.get("cluster_id"),
            incarnation=NEW_INCARNATION,
            now_ms=lambda: now_ms,
            report=report,
            show=quiet,
            verify=options.get("verify", False),
        )
    connection = sqlite3.connect(into, factory=SqliteTx)
    try:
        return told(connection), report
    finally:
        connection.close()


# What a rebuild changes on purpose: brokers announce themselves anew, numbers go on higher.
NEW = ("broker", "counter")
# What the WAL does not say of recovered batches: when they were appended.
TIMES = {
    "partition": ("wal_since_ms", "appended_mark"),
    "extent": ("appended_ms",),
    "producer": ("updated_ms",),
}


def compared(contents: Contents, columns: Mapping[str, Sequence[str]], *, times: bool) -> Contents:
    """``contents`` without what is new; without append times unless ``times``."""
    found: Contents = {}
    for table, rows in contents.items():
        if table in NEW:
            continue
        untimed = () if times else TIMES.get(table, ())
        places = [n for n, column in enumerate(columns[table]) if column not in untimed]
        found[table] = [tuple(row[place] for place in places) for row in rows]
    return found


def told_columns(path: Path) -> dict[str, list[str]]:
    """The columns of each table in the order in which :func:`told` shows them."""
    from anabranch.metastore import schema
    from anabranch.metastore.restore import UNTOLD

    connection = sqlite3.connect(path, factory=SqliteTx)
    try:
        return {
            name: [c for c in table.columns if c not in UNTOLD.get(name, ())]
            for name, table in schema.tables(connection).items()
        }
    finally:
        connection.close()


def kinds(report: Report) -> set[Kind]:
    return {finding.kind for finding in report.findings}
