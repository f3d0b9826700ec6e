"""From the journal to tables: the newest snapshot that is whole, and every entry behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import NamedTuple

from crc32c import crc32c

from anabranch.errors import Corrupt
from anabranch.log.rebuild.fetching import in_order
from anabranch.log.rebuild.report import Kind, Progress, Report, ShowProgress
from anabranch.metastore.journal_notes import Noted
from anabranch.metastore.restore import Restoration
from anabranch.storage import journal_format
from anabranch.storage.journal_format import Entry, JournalName, Snapshot, SnapshotPart, Span
from anabranch.storage.store import Store

NewRestoration = Callable[[bytes, int], Restoration]  # (cluster id, schema number)


class JournalEnd(NamedTuple):
    """What the journal gave."""

    restoration: Restoration
    cluster_id: bytes
    last_ms: int  # everything committed before is in the tables, unless a finding says otherwise
    epoch_max: int  # the highest that any object carries


def read_journal(
    store: Store,
    pool: Executor,
    new_restoration: NewRestoration,
    report: Report,
    show: ShowProgress,
) -> JournalEnd | None:
    """The tables as the journal tells them; None if there is no snapshot that can be read.

    Raises StoreFault if the store does not answer, or for a journal of a newer release.
    """
    names = []
    for info in store.list(journal_format.PREFIX):
        name = journal_format.parse_key(info.key)
        if name is not None:
            names.append(name)
    epoch_max = max((name.epoch for name in names), default=0)
    there = set(names)
    for name in sorted((n for n in names if n.kind == "snapshot"), reverse=True):
        manifest = _manifest(store, name, there, report)
        if manifest is None:
            continue
        restoration = new_restoration(bytes.fromhex(manifest.identity.cluster_id), manifest.schema)
        try:
            if not _load_snapshot(store, pool, manifest, restoration, report, show):
                restoration.close()
                continue
            entries = sorted(
                n for n in names if n.kind == "entry" and n[:2] > (name.epoch, name.number)
            )
            last_ms = _apply_entries(store, pool, manifest, entries, restoration, report, show)
        except BaseException:
            restoration.close()
            raise
        return JournalEnd(
            restoration, bytes.fromhex(manifest.identity.cluster_id), last_ms, epoch_max
        )
    report.add(
        Kind.JOURNAL_LOST,
        store.url,
        "no whole snapshot of the journal is there: groups, committed offsets, their history, documents, "
        "branches, deleted topics, log starts and producers' states are lost; topics come from what their data "
        "says, and a retry of a batch that lies in a segment is not recognised",
    )
    return None


def _manifest(
    store: Store, name: JournalName, there: set[JournalName], report: Report
) -> Snapshot | None:
    key = journal_format.snapshot_key(name.epoch, name.number)
    try:
        manifest = journal_format.decode_as(Snapshot, store.get(key))
    except Corrupt as error:
        report.add(Kind.JOURNAL_DAMAGED, key, f"{error}; an older snapshot is used")
        return None
    missing = [
        part
        for part in range(manifest.parts)
        if JournalName(name.epoch, name.number, "part", part) not in there
    ]
    if missing:
        report.add(
            Kind.JOURNAL_DAMAGED,
            key,
            f"{len(missing)} of its {manifest.parts} parts are missing; an older snapshot is used",
        )
        return None
    return manifest


def _load_snapshot(
    store: Store,
    pool: Executor,
    manifest: Snapshot,
    restoration: Restoration,
    report: Report,
    show: ShowProgress,
) -> bool:
    def fetch(part: int) -> tuple[SnapshotPart, int]:
        data = store.get(journal_format.part_key(manifest.epoch, manifest.number, part))
        if crc32c(data) != manifest.checksums[part]:
            raise Corrupt("it is not the object that the manifest names")
        return journal_format.decode_as(SnapshotPart, data), len(data)

    for part, found in in_order(pool, fetch, range(manifest.parts), window=4):
        if isinstance(found, Corrupt):
            key = journal_format.part_key(manifest.epoch, manifest.number, part)
            report.add(Kind.JOURNAL_DAMAGED, key, f"{found}; an older snapshot is used")
            return False
        if isinstance(found, Exception):
            raise found
        document, size = found
        for rows in document.tables:
            restoration.put(rows.table, rows.columns, rows.binary, rows.rows)
            report.figures.snapshot_rows += len(rows.rows)
        report.figures.journal_objects += 1
        report.figures.journal_bytes += size
        show(Progress("snapshot", part + 1, manifest.parts, report.figures.bytes_read))
    return True


def _apply_entries(
    store: Store,
    pool: Executor,
    manifest: Snapshot,
    entries: Sequence[JournalName],
    restoration: Restoration,
    report: Report,
    show: ShowProgress,
) -> int:
    """Apply what follows the snapshot; returns up to when the tables are told."""

    def fetch(name: JournalName) -> tuple[Entry, int]:
        data = store.get(journal_format.entry_key(name.epoch, name.number))
        return journal_format.decode_as(Entry, data), len(data)

    base = (manifest.epoch, manifest.number)
    last, last_ms = base, manifest.at_ms
    known = {base}
    for done, (name, found) in enumerate(in_order(pool, fetch, entries), 1):
        key = journal_format.entry_key(name.epoch, name.number)
        if isinstance(found, Corrupt):
            report.add(Kind.JOURNAL_DAMAGED, key, str(found))
            continue
        if isinstance(found, Exception):
            raise found
        entry, size = found
        if entry.identity != manifest.identity:
            report.add(
                Kind.LEFT_ASIDE, key, "it was written by another metastore, which this one replaced"
            )
            continue
        previous = (entry.previous.epoch, entry.previous.number)
        if previous > base and previous not in known:
            report.add(
                Kind.JOURNAL_HOLE,
                journal_format.entry_key(*previous),
                f"it is missing before {key}: what was changed before {entry.at_ms} ms and not again "
                "afterwards may be as it was earlier",
            )
        restoration.grow(entry.schema)
        restoration.apply(
            [_noted(span) for span in entry.gone],
            [(rows.table, rows.columns, rows.binary, rows.rows) for rows in entry.tables],
        )
        known.add((name.epoch, name.number))
        last, last_ms = max(last, (name.epoch, name.number)), max(last_ms, entry.at_ms)
        report.figures.entries += 1
        report.figures.journal_objects += 1
        report.figures.journal_bytes += size
        show(Progress("journal", done, len(entries), report.figures.bytes_read))
    if last < (manifest.through.epoch, manifest.through.number):
        report.add(
            Kind.JOURNAL_HOLE,
            journal_format.entry_key(manifest.through.epoch, manifest.through.number),
            "the entries that were written while the snapshot was taken are missing: its rows are of "
            "different instants",
        )
    return last_ms


def _noted(span: Span) -> Noted:
    return Noted(
        span.table,
        tuple(span.key),
        None if span.low is None else tuple(span.low),
        None if span.high is None else tuple(span.high),
    )


__all__ = ["JournalEnd", "read_journal"]
