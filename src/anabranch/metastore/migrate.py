"""Bring a database file to this code's schema: numbered files, forward only, under the write lock."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from anabranch.errors import UserFault
from anabranch.metastore.connections import SqliteTx
from anabranch.metastore.tx import Tx

APPLICATION_ID = 0x416E6162  # "Anab": says in the file's header whose database this is

LEDGER = """
CREATE TABLE IF NOT EXISTS migration (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_ms INTEGER NOT NULL
) STRICT
"""


class Migration(NamedTuple):
    """One numbered file of ``migrations/``."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


TWIN = ".postgres.sql"  # NNNN_name.postgres.sql stands for NNNN_name.sql where translation is not enough


def shipped(*, postgres: bool = False) -> list[Migration]:
    """The migrations of this code, in order; numbered 1, 2, 3, … without holes."""
    texts = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in (resources.files(__package__) / "migrations").iterdir()
        if entry.name.endswith(".sql")
    }
    found = []
    for name in sorted(texts):
        if name.endswith(TWIN):
            assert name.replace(TWIN, ".sql") in texts, f"{name} is the twin of nothing"
            continue
        twin = name.removesuffix(".sql") + TWIN
        chosen = twin if postgres and twin in texts else name
        found.append(Migration(int(name.partition("_")[0]), chosen, texts[chosen]))
    assert [m.number for m in found] == list(range(1, len(found) + 1)), "a migration is missing"
    return found


def _statements(sql: str) -> Iterator[str]:
    """Cut a script at its semicolons (``executescript`` would commit our transaction)."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip(), "a migration ends in the middle of a statement"


def migrate(
    tx: SqliteTx,
    path: Path,
    *,
    now_ms: int,
    new_cluster_id: Callable[[], bytes],
    migrations: list[Migration] | None = None,
) -> bytes:
    """Apply what is missing and return the cluster id (16 bytes, made at creation).

    Raises UserFault for another program's database, a schema newer than this code, or a migration
    whose text is not the one that was applied.
    """
    migrations = shipped() if migrations is None else migrations
    if (done := _finished(tx, migrations)) is not None:
        return done
    tx.execute("BEGIN IMMEDIATE")  # the lock: of two processes the second finds all done
    try:
        application_id = tx.execute("PRAGMA application_id").fetchone()[0]
        if application_id == 0 and not tx.execute("SELECT 1 FROM sqlite_schema").fetchone():
            tx.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        elif application_id != APPLICATION_ID:
            raise UserFault(f"{path} is the database of another program; choose another file")
        tx.execute(LEDGER)
        apply(tx, str(path), migrations, now_ms, partial(_run, tx))
        cluster_id = cluster_id_made(tx, new_cluster_id, now_ms)
        tx.execute("COMMIT")
    except BaseException:
        if tx.in_transaction:
            tx.execute("ROLLBACK")
        raise
    return cluster_id


def _finished(tx: SqliteTx, migrations: list[Migration]) -> bytes | None:
    """The cluster id if exactly ``migrations`` are applied: opening such a file writes nothing."""
    if tx.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        return None
    return cluster_id_if_current(tx, migrations)


def _run(tx: SqliteTx, migration: Migration) -> None:
    for statement in _statements(migration.sql):
        tx.execute(statement)


# -- the same on every engine --------------------------------------------------------------------
def cluster_id_made(tx: Tx, new_cluster_id: Callable[[], bytes], now_ms: int) -> bytes:
    """The cluster id; on the first call the one that ``new_cluster_id`` makes."""
    tx.execute(
        "INSERT INTO cluster (one, cluster_id, created_ms) "
        "SELECT 1, ?, ? WHERE NOT EXISTS (SELECT 1 FROM cluster)",
        (new_cluster_id(), now_ms),
    )
    cluster_id: bytes = tx.execute("SELECT cluster_id FROM cluster").fetchone()[0]
    return cluster_id


def cluster_id_if_current(tx: Tx, migrations: list[Migration]) -> bytes | None:
    """The cluster id if exactly ``migrations`` are applied."""
    applied = tx.execute("SELECT number, sha256 FROM migration ORDER BY number").fetchall()
    if [tuple(row) for row in applied] != [(m.number, m.sha256) for m in migrations]:
        return None
    cluster_id: bytes = tx.execute("SELECT cluster_id FROM cluster").fetchone()[0]
    return cluster_id


def apply(
    tx: Tx,
    place: str,
    migrations: list[Migration],
    now_ms: int,
    run: Callable[[Migration], None],
) -> None:
    """Let ``run`` do what is missing. Raises UserFault as :func:`migrate` does."""
    applied = dict(tx.execute("SELECT number, sha256 FROM migration").fetchall())
    newest = max(applied, default=0)
    if newest > len(migrations):
        raise UserFault(
            f"{place} has schema {newest}, this version of anabranch knows {len(migrations)}; "
            "use the newer version that wrote it"
        )
    for migration in migrations:
        if migration.number not in applied:
            run(migration)
            tx.execute(
                "INSERT INTO migration (number, name, sha256, applied_ms) VALUES (?, ?, ?, ?)",
                (migration.number, migration.name, migration.sha256, now_ms),
            )
        elif applied[migration.number] != migration.sha256:
            raise UserFault(
                f"{place} was made with another text of migration {migration.name}; "
                "use the version of anabranch that wrote it"
            )
