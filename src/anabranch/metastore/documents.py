"""JSON documents: the recovery plane's, configs, ACLs and quotas, heads of audit chains."""

from __future__ import annotations

from anabranch.errors import ClientFault, ErrorCode, Outdated
from anabranch.metastore import wal_floor
from anabranch.metastore.counters import bump
from anabranch.metastore.journal_notes import note
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import Document, Guard, guard_of
from anabranch.metastore.wal_floor import Alone


def check_guard(tx: Tx, guard: Guard | None) -> None:
    """Raises Outdated. The verbs that write documents are transactions one after the other with those that look
    here, on either engine, so what is found stands until the commit."""
    if guard is not None and guard_of(guard.kind, documents(tx, guard.kind)) != guard:
        raise Outdated(f"what {guard.kind}s there are has changed meanwhile: try again")


def put_document(
    tx: Tx, kind: str, document_id: str, body: bytes, now_ms: int, *, create: bool = False
) -> None:
    if create and document(tx, kind, document_id) is not None:
        raise ClientFault(ErrorCode.DUPLICATE_RESOURCE, f"{kind} {document_id} exists already")
    tx.execute(
        "INSERT INTO document (kind, id, created_ms, updated_ms, body) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (kind, id) DO UPDATE SET updated_ms = excluded.updated_ms, body = excluded.body",
        (kind, document_id, now_ms, now_ms, body),
    )
    note(tx, ("document", (kind, document_id)))


def replace_document(
    tx: Tx,
    kind: str,
    document_id: str,
    body: bytes,
    now_ms: int,
    expected: bytes | None,
    alone: Alone | None,
) -> bool:
    bump(tx, "broker_epoch", 0)  # nobody registers meanwhile, and nobody replaces
    found = document(tx, kind, document_id)
    if (None if found is None else found.body) != expected:
        return False
    if alone is not None and not wal_floor.move(tx, alone, now_ms):
        return False
    put_document(tx, kind, document_id, body, now_ms)
    return True


def document(tx: Tx, kind: str, document_id: str) -> Document | None:
    row = tx.execute(
        "SELECT kind, id, created_ms, updated_ms, body FROM document WHERE kind = ? AND id = ?",
        (kind, document_id),
    ).fetchone()
    return Document(*row) if row else None


def documents(tx: Tx, kind: str) -> list[Document]:
    rows = tx.execute(
        "SELECT kind, id, created_ms, updated_ms, body FROM document "
        "WHERE kind = ? ORDER BY created_ms, id",
        (kind,),
    )
    return [Document(*row) for row in rows]


def documents_after(tx: Tx, kind: str, after: str, limit: int) -> list[Document]:
    rows = tx.execute(
        "SELECT kind, id, created_ms, updated_ms, body FROM document "
        "WHERE kind = ? AND id > ? ORDER BY id LIMIT ?",
        (kind, after, limit),
    )
    return [Document(*row) for row in rows]


def delete_document(tx: Tx, kind: str, document_id: str) -> bool:
    gone = tx.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, document_id))
    note(tx, ("document", (kind, document_id)))
    return gone.rowcount == 1
