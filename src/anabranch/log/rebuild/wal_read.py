"""Which flushes of the WAL are newer than the journal, and in which order they were committed.

A broker start commits its flushes in the order of their sequence, and the journal's row of a WAL object says
up to which byte that object was committed when the entry was read. So of each start:

    objects before the last one that the journal knows      judged: committed, or refused
    that object, frames that begin before its byte count    judged, but perhaps not for all partitions: one
                                                            that lost its compare-and-set commits later
    frames and objects after it                             new

What a start left behind that had ended before the last entry was never acknowledged: it stays aside, unless its
own frames tell that it went on (a broker that was taken for dead and was not). So does a
flush that became durable and whose commit failed, where a later frame says so; later frames also tell which
offsets earlier flushes got (``wal_format.Seen``, ``Past``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from enum import Enum
from typing import NamedTuple

from anabranch.errors import Corrupt
from anabranch.log.rebuild.fetching import in_order
from anabranch.log.rebuild.report import Finding, Kind, Progress, Report, ShowProgress
from anabranch.records.batch import BatchHeader
from anabranch.storage.store import ObjectInfo
from anabranch.storage.wal import WalReader
from anabranch.storage.wal_format import UNSEEN, WHOLE_FLUSH, Frame, Seen
from anabranch.storage.wal_scan import Ending

SCANS_AHEAD = 8  # WAL objects read at a time: hides the latency of a bucket
FLUSHES_BETWEEN_MAX = 1_000  # of one start between what a frame calls over and itself: in flight
NUMBERS_SHOWN_MAX = 8  # of flushes in one sentence


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


class Fate(Enum):
    """What the WAL says of a flush. One that failed for certain is not looked at any further."""

    SETTLED = "over, and not called failed: committed, but for what its broker refused"
    UNSURE = (
        "its producers were told of an error, and its broker did not know whether it took place"
    )
    OPEN = "no later frame tells"


class Told(NamedTuple):
    """The offsets that a flush got, as a later one tells."""

    base_offset: int
    end_offset: int  # exclusive


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
    fate: Fate = Fate.SETTLED
    seen: Seen = UNSEEN
    settled: int = 0  # flushes of its start that were over: what they got lies below ``seen``
    told: Told | None = None  # only with the leader epoch of ``seen``
    whole: bool = True  # nothing is missing of what its broker had not seen the end of before it
    floor: int = (
        0  # it got no lower offset: what its broker had seen, or an earlier flush of it got
    )


class Read(NamedTuple):
    """A part with its batches. ``position`` of a header is within the part."""

    part: Part
    headers: list[BatchHeader]


class _Taken(NamedTuple):
    """A frame that may have to be recovered."""

    frame: Frame
    object_key: str
    committed: int  # bytes of the object that the journal knows


class _Outcomes:
    """What the frames of one start tell of its flushes."""

    def __init__(self) -> None:
        self.settled = 0
        self.failed: dict[tuple[int, int], bool] = {}  # (sequence, part): whether that is certain
        self.present: set[int] = set()  # flushes that were read
        # Where a flush's part of a partition went: (topic id, partition, sequence, leader epoch).
        self.told: dict[tuple[bytes, int, int, int], Told] = {}

    def note(self, frame: Frame) -> None:
        self.settled = max(self.settled, frame.past.settled)
        self.present.add(frame.sequence)
        for one in frame.past.failed:
            self.failed[one.sequence, one.part] = one.certain
        for part in frame.parts:
            seen = part.seen
            if seen.sequence >= 0:
                key = part.topic_id, part.partition, seen.sequence, seen.leader_epoch
                self.told[key] = Told(seen.base_offset, seen.end_offset)

    def went_on(self, fresh: Iterable[Frame]) -> bool:
        """Whether one of these flushes, which the journal does not know, is over and did not fail."""
        return any(
            frame.sequence < self.settled
            and any(self.fate(frame.sequence, part) for part in range(len(frame.parts)))
            for frame in fresh
        )

    def fate(self, sequence: int, part: int) -> Fate | None:
        """None if it failed for certain."""
        certain = self.failed.get((sequence, part), self.failed.get((sequence, WHOLE_FLUSH)))
        if certain is not None:
            return None if certain else Fate.UNSURE
        return Fate.SETTLED if sequence < self.settled else Fate.OPEN

    def floors(self) -> Callable[[tuple[bytes, int, int], int], int]:
        """Of (topic id, partition, leader epoch) and a sequence: where the newest flush before it that is
        told of ended, whether it is there or not."""
        ends: dict[tuple[bytes, int, int], list[tuple[int, int]]] = {}
        for (topic_id, partition, sequence, epoch), at in self.told.items():
            ends.setdefault((topic_id, partition, epoch), []).append((sequence, at.end_offset))
        for each in ends.values():
            each.sort()

        def floor(where: tuple[bytes, int, int], sequence: int) -> int:
            told = ends.get(where, [])
            place = bisect_left(told, (sequence, 0))
            return told[place - 1][1] if place else 0

        return floor

    def are_there(self, first: int, end: int) -> bool:
        """Whether nothing of these flushes is missing but what failed."""
        return end - first <= FLUSHES_BETWEEN_MAX and all(
            number in self.present or self.failed.get((number, WHOLE_FLUSH))
            for number in range(first, end)
        )


def new_parts(
    wal: WalReader, pool: Executor, known: Known, report: Report, show: ShowProgress
) -> dict[tuple[bytes, int], list[Part]]:
    """Parts by (topic id, partition), those of one start in the order of its flushes."""
    by_start: dict[Start, list[ObjectInfo]] = {}
    for info in wal.objects():
        by_start.setdefault(broker_start(info.key), []).append(info)
    wanted = []  # (start, object, bytes of it that are judged), in the order of the flushes
    for start in sorted(by_start, key=lambda one: (one.epoch, one.broker_id)):
        infos = [info for info in by_start[start] if info.key not in known.collected]
        last = max((n for n, info in enumerate(infos) if info.key in known.committed), default=0)
        wanted += [(start, info.key, known.committed.get(info.key, 0)) for info in infos[last:]]
    frames_of = in_order(pool, lambda one: _read_frames(wal, one[1]), wanted, window=SCANS_AHEAD)
    outcomes: dict[Start, _Outcomes] = {}
    taken: dict[Start, list[_Taken]] = {}
    for done, ((start, key, committed), result) in enumerate(frames_of, 1):
        if isinstance(result, Exception):
            raise result
        frames, findings = result
        report.findings += findings
        report.figures.wal_objects += 1
        report.figures.wal_bytes += sum(frame.length for frame in frames)
        show(Progress("WAL", done, len(wanted), report.figures.bytes_read))
        judged = [frame for frame in frames if frame.position < committed]
        fresh = frames[len(judged) :]
        told = outcomes.setdefault(start, _Outcomes())
        for frame in frames:
            told.note(frame)
        taken.setdefault(start, []).extend(
            _Taken(frame, key, committed) for frame in judged[-1:] + fresh
        )
    for start, told in outcomes.items():
        fresh = [one.frame for one in taken[start] if one.frame.position >= one.committed]
        if not _had_ended(start, known) or told.went_on(fresh):
            report.figures.wal_frames_new += len(fresh)
            _report_missing(start, told, report)
            continue
        del taken[start]
        if fresh:
            report.add(
                Kind.LEFT_ASIDE,
                str(start),
                f"{len(fresh)} flushes of a start that had ended before the journal's last entry: durable, "
                "but never committed, so nobody was told that they are there",
            )
    return _parts(taken, outcomes, known, report)


def _parts(
    taken: Mapping[Start, Sequence[_Taken]],
    outcomes: Mapping[Start, _Outcomes],
    known: Known,
    report: Report,
) -> dict[tuple[bytes, int], list[Part]]:
    found: dict[tuple[bytes, int], list[Part]] = {}
    for start, flushes in taken.items():
        told = outcomes[start]
        failed = set()
        floors = told.floors()
        for frame, key, committed in flushes:
            doubtful = frame.position < committed
            whole = told.are_there(min(frame.past.settled, frame.sequence), frame.sequence)
            for number, part in enumerate(frame.parts):
                if doubtful and _named(part.position, part.length, key, known):
                    continue
                fate = told.fate(frame.sequence, number)
                if fate is None:
                    failed.add(frame.sequence)
                    continue
                where = part.topic_id, part.partition
                epoch = part.seen.leader_epoch
                at = told.told.get((*where, frame.sequence, epoch))
                floor = max(part.seen.next_offset, floors((*where, epoch), frame.sequence))
                found.setdefault(where, []).append(
                    Part(
                        *(start, frame.sequence, key, *where, part.position, part.length),
                        *(doubtful, fate, part.seen, frame.past.settled, at, whole, floor),
                    )
                )
        if failed:
            report.add(
                Kind.LEFT_ASIDE,
                str(start),
                f"flushes {shortened(failed)} became durable and failed, wholly or in part: their "
                "producers were told of an error",
            )
    return found


def shortened(numbers: Iterable[int]) -> str:
    """As people write them, the first few."""
    ordered = sorted(numbers)
    shown = ", ".join(map(str, ordered[:NUMBERS_SHOWN_MAX]))
    more = len(ordered) - NUMBERS_SHOWN_MAX
    return f"{shown} and {more} more" if more > 0 else shown


def _report_missing(start: Start, told: _Outcomes, report: Report) -> None:
    """Numbers that are not there: flushes that were lost, unless their write failed."""
    before: int | None = None
    for sequence in sorted(told.present):
        if before is not None:
            gone = [n for n in range(before + 1, sequence) if not told.are_there(n, n + 1)]
            if gone:
                report.add(
                    Kind.WAL_MISSING,
                    str(start),
                    f"flushes {gone[0]} to {gone[-1]} are not there: their write failed, or they were "
                    "acknowledged and are lost",
                )
        before = sequence


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
