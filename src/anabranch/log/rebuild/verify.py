"""Reading everything that the new metastore names: what a rebuild does only when it is asked to.

Without it a rebuild trusts listings for sizes and indexes for what lies where: each index is checked against
its own checksum, each new flush of the WAL against the frame's, and no byte of a segment is read. Damage
in one is then met by whoever reads it (CRC-32C per batch), or by ``anabranch check``.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor

from anabranch.errors import Corrupt
from anabranch.log.checking.contents import check_contents
from anabranch.log.checking.report import CheckFinding
from anabranch.log.extents import ExtentReader
from anabranch.log.rebuild.fetching import in_order
from anabranch.log.rebuild.report import Kind, Progress, Report, ShowProgress
from anabranch.log.rebuild.tables import Tables
from anabranch.metastore import audit
from anabranch.metastore.audit import KnownObject, Naming
from anabranch.storage.store import NotFound, Store

READS_AT_ONCE = (
    8  # objects, each in pieces of 8 MiB: 64 MiB in memory, and a bucket's latency hidden
)
OBJECTS_AT_ONCE = 500  # rows read at a time
EXTENTS_MAX = 100_000  # of one object: a WAL file of tiny flushes has some ten thousand


def verify(
    tables: Tables,
    store: Store,
    extents: ExtentReader,
    pool: Executor,
    report: Report,
    show: ShowProgress,
) -> None:
    """Compare the bytes of every object with its index, and those with the extents that name them.

    Damage is reported; its extents stay, so that all the rest of the object can be read. Raises StoreFault.
    """
    total = tables.tx.execute("SELECT count(DISTINCT object_no) FROM extent").fetchone()[0]

    def job(one: tuple[KnownObject, list[Naming]]) -> tuple[list[CheckFinding], int]:
        sizes: list[int] = []
        return check_contents(store, extents, *one, sizes.append), sum(sizes)

    read = in_order(pool, job, _objects(tables), window=READS_AT_ONCE)
    for done, ((one, _), result) in enumerate(read, 1):
        if isinstance(result, NotFound):
            continue  # listed as missing with its offsets, by whoever compares tables and listing
        if isinstance(result, Corrupt):
            report.add(Kind.DAMAGED, one.key, str(result))
            continue
        if isinstance(result, Exception):
            raise result
        found, size = result
        for finding in found:
            report.add(Kind.DAMAGED, finding.subject, finding.detail)
        report.figures.verified_objects += 1
        report.figures.verified_bytes += size
        show(Progress("verifying", done, total, report.figures.bytes_read))


def _objects(tables: Tables) -> Iterator[tuple[KnownObject, list[Naming]]]:
    after = 0
    while page := audit.objects_after(tables.tx, after, OBJECTS_AT_ONCE):
        after = page[-1].no
        for one in page:
            if one.named:
                yield one, audit.extents_in(tables.tx, one.no, EXTENTS_MAX)
