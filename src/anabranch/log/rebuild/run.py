"""A rebuild from beginning to end, as far as the whole metastore that it makes in a file of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from anabranch.errors import UserFault
from anabranch.log.extents import ExtentReader
from anabranch.log.rebuild import finish
from anabranch.log.rebuild.adopt import Adoption
from anabranch.log.rebuild.adopted_producers import recover_producers
from anabranch.log.rebuild.bucket import kind_of_key, list_data, read_shares
from anabranch.log.rebuild.journal_read import JournalEnd, read_journal
from anabranch.log.rebuild.recover import Recovery
from anabranch.log.rebuild.report import TRUNCATED, Kind, Progress, Report, ShowProgress
from anabranch.log.rebuild.tables import Tables
from anabranch.log.rebuild.transactions import recover_transactions
from anabranch.log.rebuild.verify import verify as verify_all
from anabranch.log.rebuild.wal_read import broker_start, new_parts
from anabranch.metastore import wal_floor
from anabranch.metastore.migrate import shipped
from anabranch.metastore.restore import Restoration
from anabranch.storage.segment import SegmentIndex, index_key
from anabranch.storage.store import Store
from anabranch.storage.wal import WalReader


def restore_metastore(
    store: Store,
    wal: WalReader,
    staging: Path,
    *,
    pool: Executor,
    cluster_id: bytes | None,
    incarnation: bytes,
    now_ms: Callable[[], int],
    report: Report,
    show: ShowProgress,
    verify: bool = False,
) -> bytes:
    """Make a whole metastore in the file ``staging`` (which is made anew) and return the cluster's id.

    ``cluster_id`` (16 bytes) is what store and WAL say of themselves, for a bucket without a journal;
    ``incarnation`` (16 bytes) tells the new metastore from the one that it replaces. ``verify``: read all
    data that is named, instead of trusting listings and indexes.

    Raises UserFault if there is nothing to rebuild from, StoreFault if store or WAL do not answer, Corrupt.
    """
    if staging.exists():
        staging.unlink()

    def new_restoration(of_cluster: bytes, schema_number: int) -> Restoration:
        if staging.exists():
            staging.unlink()
        return Restoration(
            staging, cluster_id=of_cluster, created_ms=now_ms(), schema_number=schema_number
        )

    journal = read_journal(store, pool, new_restoration, report, show)
    lost = journal is None
    if journal is None:
        found = cluster_id or _cluster_of_segments(store)
        if found is None:
            raise UserFault(
                f"{store.url} holds neither a journal nor segments, and the WAL {wal.url} does not say "
                "whose it is: there is nothing to rebuild from"
            )
        journal = JournalEnd(new_restoration(found, len(shipped())), found, 0, 0)
    if cluster_id is not None and cluster_id != journal.cluster_id:
        journal.restoration.close()
        raise UserFault(
            f"the journal in {store.url} is of cluster {journal.cluster_id.hex()}, store or WAL belong to "
            f"{cluster_id.hex()}: these do not belong together"
        )
    restoration = journal.restoration
    try:
        restoration.grow(len(shipped()))
        report.exact_until_ms = journal.last_ms
        _complete(
            store,
            wal,
            pool,
            restoration,
            journal,
            lost,
            incarnation,
            now_ms(),
            verify,
            report,
            show,
        )
        restoration.finish()
    finally:
        restoration.close()
    report.cluster_id = journal.cluster_id.hex()
    return journal.cluster_id


def _complete(
    store: Store,
    wal: WalReader,
    pool: Executor,
    restoration: Restoration,
    journal: JournalEnd,
    lost: bool,
    incarnation: bytes,
    now_ms: int,
    verify: bool,
    report: Report,
    show: ShowProgress,
) -> None:
    tables = Tables(restoration, now_ms)
    tx = restoration.tx
    listed = list_data(store, report, show)
    wal_objects = wal.objects()
    wal_there = frozenset(info.key for info in wal_objects)
    with tx:
        tx.execute("BEGIN")
        if any(finding.kind is Kind.JOURNAL_HOLE for finding in report.findings):
            tables.drop_unknown()
        wal_floor.forget(tx)
        # What the WAL may add is decided by what the journal says, so before anything is changed.
        parts = new_parts(wal, pool, tables.known_of_wal(), report, show)
        known = tables.committed_keys()
        unknown = sorted(key for key in listed if key not in known)
        extents = ExtentReader(store, wal)
        before = {(row.topic_no, row.partition): row.next_offset for row in tables.all_partitions()}
        adoption = Adoption(tables, extents, report, lost=lost)
        adoption.adopt(read_shares(store, pool, unknown, listed, report, show), wal_there, show)
        if not lost:
            recover_producers(tables, extents, pool, adoption.placed, report, show)
        at_ms = journal.last_ms or now_ms
        recovery = Recovery(tables, wal, extents, pool, at_ms, report)
        recovery.recover(parts, adoption.placed, show)
        recover_transactions(tables, extents, before, adoption.placed, report, lost=lost)
        if any(finding.kind in TRUNCATED for finding in report.findings):
            finish.cut_epochs(tables)
        show(Progress("completion", 0, 0, report.figures.bytes_read))
        finish.adopt_unnamed(tables, unknown, listed)
        finish.sum_up(tables)
        if not lost:
            finish.report_untold(tables, journal.last_ms, report)
        finish.number_anew(
            tables,
            epoch_max=journal.epoch_max,
            wal_epoch_max=max((broker_start(info.key).epoch for info in wal_objects), default=0),
            producer_id_max=recovery.producer_id_max,
            incarnation=incarnation,
            lost=lost,
        )
    if verify:
        verify_all(tables, store, extents, pool, report, show)
    finish.report_missing(tables, listed, wal_there, report)
    finish.report_positions(tables, report)
    finish.report_tables(tables, report)
    figures = report.figures
    figures.topics, figures.partitions, figures.groups, figures.retained_bytes = (
        tx.execute(query).fetchone()[0]
        for query in (
            "SELECT count(*) FROM topic WHERE state = 0",
            "SELECT count(*) FROM partition",
            "SELECT count(*) FROM consumer_group WHERE live = 1",
            "SELECT coalesce(sum(bytes), 0) FROM partition",
        )
    )


def _cluster_of_segments(store: Store) -> bytes | None:
    """Whose segments these are; None if there is none."""
    for info in store.list("topics/"):
        if kind_of_key(info.key) is not None:
            return SegmentIndex.decode(store.get(index_key(info.key))).cluster_id
    return None
