"""``anabranch rebuild``: a lost metastore made anew from the bucket and the write-ahead log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit
from anabranch.cli._progress import ProgressLine

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.rebuild.report import Report


@click.command(
    name="rebuild",
    epilog="Example: anabranch rebuild --store s3://bucket/log --wal s3://bucket/log "
    "--metastore postgresql://anabranch@db/new",
)
@click.option(
    "--verify",
    is_flag=True,
    help="Read all retained data as well and list what is damaged; otherwise indexes are trusted.",
)
@_options.data_option
@_options.output_option
@_options.faults_as(2)
def command(verify: bool, data: Location, output: str) -> int:
    """Make the metastore anew from store and WAL, and list what is not exactly known.

    Stop the brokers of the old metastore first. --metastore names the new one, which must not exist yet (or
    be an empty database); by default it is the one of the data directory. A rebuild that breaks off can be
    begun again. Exit status 0: rebuilt exactly as it was; 1: rebuilt, but for what is listed; 2: not rebuilt.
    """
    import asyncio

    from anabranch.log.rebuild.opening import rebuild_cluster

    line = ProgressLine()
    try:
        report = asyncio.run(rebuild_cluster(data, line, verify=verify))
    finally:
        line.end()
    emit(output, lambda: _value(report), lambda: _parts(report))
    return 0 if report.exact else 1


def _value(report: Report) -> dict[str, Any]:
    import msgspec

    value = msgspec.to_builtins(report)
    assert isinstance(value, dict)
    read = report.figures.bytes_read
    return value | {
        "exact": report.exact,
        "bytes_read": read,
        "mb_per_second": round(read / 1e6 / max(report.seconds, 0.001), 1),
    }


def _parts(report: Report) -> Iterable[Part]:
    figures = report.figures
    yield Table(
        ["what", ">how much"],
        [
            ("topics", figures.topics),
            ("partitions", figures.partitions),
            ("groups", figures.groups),
            ("journal objects read", figures.journal_objects),
            ("WAL objects read", figures.wal_objects),
            ("objects listed", figures.listed_objects),
            ("indexes read", figures.index_objects),
            ("records recovered from the WAL", figures.records_recovered),
            ("megabytes retained", round(figures.retained_bytes / 1e6, 1)),
            ("of them read and verified", round(figures.verified_bytes / 1e6, 1)),
            ("megabytes read", round(figures.bytes_read / 1e6, 1)),
            ("megabytes a second", round(figures.bytes_read / 1e6 / max(report.seconds, 0.001), 1)),
            ("seconds", round(report.seconds, 2)),
        ],
        title=f"cluster {report.cluster_id} rebuilt into {report.metastore}",
    )
    if report.findings:
        yield Table(
            ["kind", "subject", "detail"],
            [(each.kind.value, each.subject, each.detail) for each in report.findings],
            title="what is worth knowing",
        )
    if report.exact:
        yield "Everything is as it was; only append times of what came from the WAL are estimates."
    elif report.exact_until_ms:
        yield (
            f"What was committed until {_time(report.exact_until_ms)} is as it was but for what is listed; "
            "read the list before clients come back."
        )
    else:
        yield "Without a journal, everything is as the data says; read the list before clients come back."


def _time(at_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
