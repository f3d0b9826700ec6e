"""Committed offsets put elsewhere on purpose: only from exactly where they were seen, all of them or none."""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.metastore import documents, offsets
from anabranch.metastore.tx import Tx, lock_group
from anabranch.metastore.values import (
    Actor,
    Committed,
    Conflict,
    DocumentChange,
    OffsetAction,
    OffsetMove,
)


def move_offsets(
    tx: Tx,
    group_id: str,
    moves: Sequence[OffsetMove],
    action: OffsetAction,
    actor: Actor,
    now_ms: int,
    fence: int,
    document: DocumentChange | None,
) -> None:
    assert len({(move.topic_no, move.partition) for move in moves}) == len(moves), "named twice"
    group = offsets.group_made(tx, group_id, now_ms)
    lock_group(tx, group_id)  # a row to lock is there now; all else is read behind it
    offsets.require_fence(tx, group_id, fence)
    for topic_no in sorted({move.topic_no for move in moves}):
        if (
            tx.execute("SELECT 1 FROM topic WHERE no = ? AND state = 0", (topic_no,)).fetchone()
            is None
        ):
            raise Conflict(f"a topic of group {group_id} was deleted meanwhile")
    wanted = [(move.topic_no, move.partition) for move in moves]
    present = offsets.positions(tx, group_id, wanted)
    for move in moves:
        found = present.get((move.topic_no, move.partition))
        if found != move.old:
            raise Conflict(
                f"partition {move.partition} of group {group_id} is at "
                f"{'no offset' if found is None else found}, not at "
                f"{'no offset' if move.old is None else move.old}"
            )
    if document is not None:
        stored = documents.document(tx, document.kind, document.id)
        if (None if stored is None else stored.body) != document.expected:
            raise Conflict(f"{document.kind} {document.id} was changed meanwhile")
        documents.put_document(tx, document.kind, document.id, document.body, now_ms)
    tx.changed.groups.add(group_id)
    kept = [
        Committed(one.topic_no, one.partition, one.new, one.leader_epoch, one.metadata, now_ms)
        for one in moves
        if one.new is not None
    ]
    offsets.commit_offsets(tx, group_id, kept, action, actor, now_ms, None)
    gone = [(group, one.topic_no, one.partition) for one in moves if one.new is None]
    offsets.remove(tx, gone, action, actor, now_ms)
