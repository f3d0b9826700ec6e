"""Which flushes of the WAL are newer than the journal, and in which order they were committed.

A broker start commits its flushes in the order of their sequence, and the journal's row of a WAL object says
up to which byte that object was committed when the entry was read. So of each start:

    objects before the last one that the journal knows      judged: committed, or refused
    that object, frames that begin before its byte count    judged, but perhaps not for all partitions: one
                                                            that lost its compare-and-set commits later
    frames and objects after it                             new

What a start left behind that had ended before the last entry was never acknowledged: it stays aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from typing import NamedTuple

from anabranch.errors import Corrupt
from anabranch.log.rebuild.fetching import in_order
from anabranch.log.rebuild.report import Finding, Kind, Progress, Report, ShowProgress
from anabranch.records.batch import BatchHeader
from anabranch.storage.store import ObjectInfo
from anabranch.storage.wal import WalReader
from anabranch.storage.wal_format import Frame
from anabranch.storage.wal_scan import Ending

SCANS_AHEAD = 8  # WAL objects read at a time: hides the latency of a bucket


class Start(NamedTuple):
    """One start of a broker: whose WAL objects these are."""

    broker_id: int
    epoch: int

    def __str__(self) -> str:
        return f"broker {self.broker_id} epoch {self.epoch}"


class Known(NamedTuple):
    """What the journal knows of the WAL."""

    committed: Mapping[str, int]  # bytes of each WAL object that commits have named
    collected: frozenset[str]  # keys in the deletion log
    epochs: frozenset[int]  # under which the brokers that were announced write
    epoch_max: int  # no higher epoch had been given
    extents: Mapping[str, frozenset[int]]  # where extents begin in each object


class Part(NamedTuple):
    """One partition's share of a flush that may have to be recovered."""

    start: Start
    sequence: int
    object_key: str
    topic_id: bytes
    partition: int
    position: int
    length: int
    doubtful: bool  # of a flush that was judged in part: perhaps the journal knows it already


class Read(NamedTuple):
    """A part with its batches. ``position`` of a header is within the part."""

    part: Part
    headers: list[BatchHeader]


def new_parts(
    wal: WalReader, pool: Executor, known: Known, report: Report, show: ShowProgress
) -> dict[tuple[bytes, int], list[Part]]:
    """Parts by (topic id, partition), those of one start in the order of its flushes."""
    by_start: dict[Start, list[ObjectInfo]] = {}
    for info in wal.objects():
        by_start.setdefault(broker_start(info.key), []).append(info)
    found: dict[tuple[bytes, int], list[Part]] = {}
    wanted = []  # (start, object, bytes of it that are judged), in the order of the flushes
    for start in sorted(by_start, key=lambda one: (one.epoch, one.broker_id)):
        infos = [info for info in by_start[start] if info.key not in known.collected]
        last = max((n for n, info in enumerate(infos) if info.key in known.committed), default=0)
        wanted += [(start, info.key, known.committed.get(info.key, 0)) for info in infos[last:]]
    frames_of = in_order(pool, lambda one: _read_frames(wal, one[1]), wanted, window=SCANS_AHEAD)
    left: dict[Start, int] = {}
    sequence: int | None = None  # of the flush before
    before: Start | None = None
    for done, ((start, key, committed), result) in enumerate(frames_of, 1):
        if isinstance(result, Exception):
            raise result
        if start != before:
            sequence, before = None, start
        frames, findings = result
        report.findings += findings
        report.figures.wal_objects += 1
        report.figures.wal_bytes += sum(frame.length for frame in frames)
        show(Progress("WAL", done, len(wanted), report.figures.bytes_read))
        judged = [frame for frame in frames if frame.position < committed]
        fresh = frames[len(judged) :]
        if _had_ended(start, known):
            left[start] = left.get(start, 0) + len(fresh)
            continue
        sequence = _report_missing(start, frames, sequence, report)
        report.figures.wal_frames_new += len(fresh)
        for frame in judged[-1:] + fresh:
            doubtful = frame.position < committed
            for part in frame.parts:
                if doubtful and _named(part.position, part.length, key, known):
                    continue
                found.setdefault((part.topic_id, part.partition), []).append(
                    Part(
                        start,
                        frame.sequence,
                        key,
                        part.topic_id,
                        part.partition,
                        part.position,
                        part.length,
                        doubtful,
                    )
                )
    for start, flushes in left.items():
        if flushes:
            report.add(
                Kind.LEFT_ASIDE,
                str(start),
                f"{flushes} flushes of a start that had ended before the journal's last entry: durable, "
                "but never committed, so nobody was told that they are there",
            )
    return found


def _report_missing(
    start: Start, frames: Iterable[Frame], before: int | None, report: Report
) -> int | None:
    """A number that is not there: a flush whose write failed, or one that was lost."""
    for frame in frames:
        if before is not None and frame.sequence != before + 1:
            report.add(
                Kind.WAL_MISSING,
                str(start),
                f"flushes {before + 1} to {frame.sequence - 1} are not there: their write failed, or "
                "they were acknowledged and are lost",
            )
        before = frame.sequence
    return before


def _had_ended(start: Start, known: Known) -> bool:
    return start.epoch <= known.epoch_max and start.epoch not in known.epochs


def _named(position: int, length: int, object_key: str, known: Known) -> bool:
    """Whether an extent begins within these bytes."""
    return any(position <= at < position + length for at in known.extents.get(object_key, ()))


def broker_start(object_key: str) -> Start:
    """Whose object it is: broker id and epoch come first in the key of either kind of WAL."""
    digits = object_key.removeprefix("wal/").replace("/", "-").split("-")
    return Start(int(digits[0]), int(digits[1]))


def _read_frames(wal: WalReader, object_key: str) -> tuple[list[Frame], list[Finding]]:
    """All frames of an object that are whole, and what is wrong with the rest."""
    frames: list[Frame] = []
    findings: list[Finding] = []
    start: int | None = None
    while True:
        scan = wal.scan(object_key, start)
        try:
            frames.extend(scan)
        except Corrupt as error:
            what = f"nothing of it can be read: {error}"
            return frames, [*findings, Finding(Kind.WAL_DAMAGED, object_key, what)]
        assert scan.end is not None
        if scan.end.ending is not Ending.DAMAGED:
            return frames, findings
        what = (
            f"bytes {scan.end.position} to {scan.end.resume_at} were damaged after they were written: "
            "acknowledged flushes in between are lost unless the journal or a segment has them"
        )
        findings.append(Finding(Kind.WAL_DAMAGED, object_key, what))
        start = scan.end.resume_at
