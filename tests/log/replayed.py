"""What a bucket's journal says, by the rules of docs/formats-journal.md and nothing else."""

from __future__ import annotations

from typing import Any

from anabranch.metastore.journal_notes import Noted
from anabranch.metastore.restore import Restoration, told
from anabranch.storage import journal_format as fmt
from anabranch.storage.journal_format import Entry, Snapshot, SnapshotPart
from anabranch.storage.store import Store


def replayed(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    names = [(fmt.parse_key(info.key), info.key) for info in store.list("journal/")]
    base, key = max((n, key) for n, key in names if n is not None and n.kind == "snapshot")
    manifest = fmt.decode_as(Snapshot, store.get(key))
    restored = Restoration(
        ":memory:",
        cluster_id=bytes.fromhex(manifest.identity.cluster_id),
        created_ms=1,
        schema_number=manifest.schema,
    )
    for part in range(manifest.parts):
        data = store.get(fmt.part_key(base.epoch, base.number, part))
        assert fmt.crc32c(data) == manifest.checksums[part]
        for rows in fmt.decode_as(SnapshotPart, data).tables:
            restored.put(rows.table, rows.columns, rows.binary, rows.rows)
    there = {(base.epoch, base.number)}
    for name, key in sorted(names, key=lambda one: one[0][:2]):
        if name.kind != "entry" or (name.epoch, name.number) <= (base.epoch, base.number):
            continue
        entry = fmt.decode_as(Entry, store.get(key))
        previous = (entry.previous.epoch, entry.previous.number)
        assert previous in there or previous < (base.epoch, base.number)
        there.add((name.epoch, name.number))
        restored.grow(entry.schema)
        restored.apply(
            [
                Noted(s.table, tuple(s.key), s.low and tuple(s.low), s.high and tuple(s.high))
                for s in entry.gone
            ],
            [(r.table, r.columns, r.binary, r.rows) for r in entry.tables],
        )
    try:
        return told(restored.tx)
    finally:
        restored.close()
