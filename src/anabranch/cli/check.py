"""``anabranch check``: is everything there that the metastore names, and is it what was written?"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit
from anabranch.cli._progress import ProgressLine

if TYPE_CHECKING:
    from anabranch.log.checking.report import CheckReport
    from anabranch.log.location import Location

READERS = 6  # threads: four that read objects, and who lists and asks
MB = 1_000_000


@click.command(name="check", epilog="Example: anabranch check --rate 50")
@click.option(
    "--quick", is_flag=True, help="Compare what is there with what should be; read no data."
)
@click.option(
    "--repair-orphans",
    is_flag=True,
    help="Hand objects that nothing names to collection, with its grace; delete what has had it.",
)
@click.option(
    "--rate", type=click.FloatRange(min=0.1), metavar="MB/S", help="Read no faster than this."
)
@_options.data_option
@_options.output_option
@_options.faults_as(2)
def command(
    quick: bool, repair_orphans: bool, rate: float | None, data: Location, output: str
) -> int:
    """Verify bucket and WAL against the metastore, beside running brokers.

    Missing: named by the metastore and not there. Unreferenced: there, and named by nothing. Corrupt: not the
    bytes that were written. Index, metastore, journal: they contradict what they describe. What is merely
    under way is not reported. Exit status 0: clean; 1: something was found; 2: it could not be checked.
    """
    report = _options.run(_check(quick, repair_orphans, rate, data))
    emit(output, lambda: _value(report), lambda: _parts(report, quick))
    return 0 if report.clean else 1


async def _check(
    quick: bool, repair_orphans: bool, rate: float | None, data: Location
) -> CheckReport:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from anabranch.log.checking.check import Check, CheckOptions
    from anabranch.log.opening import real_waits
    from anabranch.storage.retrying import PATIENT, Retrying
    from anabranch.storage.wal import open_wal_reader

    line = ProgressLine()
    begun = time.monotonic()
    waits = real_waits()
    async with _options.opened(data) as log:
        # A check of hours is not to end because the bucket had a bad minute.
        store = Retrying(log.store, **waits._asdict(), backoff=PATIENT)
        wal = open_wal_reader(
            log.wal_reader.url, waits=waits, cluster_id=log.metastore.cluster_id, backoff=PATIENT
        )
        with closing(wal), ThreadPoolExecutor(READERS, "check") as pool:
            check = Check(
                log.metastore,
                store,
                wal,
                pool,
                CheckOptions(quick=quick, repair_orphans=repair_orphans),
                _options.now_ms,
                asyncio.sleep,
                Rate(rate * MB).charge if rate else lambda _: None,
                line,
            )
            try:
                report = await check.run()
            finally:
                line.end()
    report.seconds = time.monotonic() - begun
    return report


class Rate:
    """Lets ``charge`` return no sooner than the bytes so far allow. From any thread."""

    def __init__(self, bytes_per_second: float) -> None:
        self._per_second = bytes_per_second
        self._lock = threading.Lock()
        self._free_at = time.monotonic()

    def charge(self, count: int) -> None:
        """Wait until ``count`` bytes more fit the rate."""
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + count / self._per_second
            wait = self._free_at - now
        time.sleep(wait)


def _value(report: CheckReport) -> dict[str, Any]:
    import msgspec

    value = msgspec.to_builtins(report)
    assert isinstance(value, dict)
    speed = round(report.bytes_read / MB / max(report.seconds, 0.001), 1)
    return value | {"clean": report.clean, "mb_per_second": speed}


def _parts(report: CheckReport, quick: bool) -> Iterable[Part]:
    if report.findings:
        yield Table(
            ["trouble", "subject", "detail", "repaired"],
            [
                (each.trouble.value, each.subject, each.detail, each.repaired)
                for each in report.findings
            ],
        )
    seen = f"{report.objects:,} objects of the metastore, {report.listed:,} in the bucket"
    read = (
        "no data read"
        if quick
        else f"{report.objects_read:,} read: {report.bytes_read / MB:,.1f} MB, "
        f"{report.bytes_read / MB / max(report.seconds, 0.001):,.0f} MB/s"
    )
    yield f"{seen}, {report.awaiting_collection:,} await collection; {read}; {report.seconds:.1f} s"
    yield "clean" if report.clean else f"{len(report.findings):,} findings"
