"""Poisoned records: left out of a replay, mended, and put aside with the reason. The source is never touched (I7).

A session's branches share their objects with the live topics. Those that hold a record that is left out or
mended are written anew for the branch alone, record for record, and put in place there by compare-and-set; all
others stay shared. A record that is left out leaves a hole, as compaction does; one that is mended keeps its offset and
timestamp. So commands in any language, consumers and functions see the same.
"""

from __future__ import annotations

import asyncio
import builtins
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from anabranch.errors import ClientFault, ErrorCode, UserFault
from anabranch.log.log import Log
from anabranch.log.objects import AppendedBatches
from anabranch.log.rewriting import Rewrite, checked_batches
from anabranch.metastore.api import Extent, Topic
from anabranch.records.batch import BatchHeader, scan
from anabranch.records.builder import build_batch
from anabranch.records.compression import Codec
from anabranch.records.record import Record, iter_records
from anabranch.recovery.replays.dead_letters import DeadLetters, Letter

EXTENTS_PER_READ: Final = 1000
DECISIONS_MAX: Final = 1_000_000  # records left out or mended by one session: about 100 bytes each
LISTED_MAX: Final = 1000  # of them named in the session's document; the dead letters have all
ATTEMPTS_MAX: Final = 5  # the branch's extents may be merged while they are filtered
NAMES: Final = (
    "abs", "all", "any", "bool", "bytes", "dict", "float", "int", "len", "list", "max", "min",
    "round", "set", "sorted", "str", "sum", "tuple",
)  # fmt: skip  # of Python's own functions that expressions may call

Key = tuple[str, int, int]
"""Topic, partition, offset."""


class Event(Struct, frozen=True):
    """A record as a transform sees it. ``replace`` it, return it, or return None to leave it out."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    def json(self) -> Any:
        """The value as JSON. Raises ValueError."""
        return None if self.value is None else json.loads(self.value)

    def replace(self, **changes: Any) -> Event:
        """With another key, value or headers; ``value`` may be what JSON can hold."""
        from msgspec.structs import replace

        value = changes.get("value", self.value)
        if value is not None and not isinstance(value, bytes):
            changes["value"] = (
                value.encode() if isinstance(value, str) else json.dumps(value).encode()
            )
        if "headers" in changes:
            changes["headers"] = tuple(map(tuple, changes["headers"]))
        return replace(self, **changes)


class Decision(Struct, frozen=True):
    """What becomes of a record: ``record`` in its place, or (None) nothing."""

    reason: str
    record: Record | None


class Filters(Struct, frozen=True, kw_only=True):
    """What a session leaves out or mends.

    ``skip``: records by (topic, partition, offset). ``skip_if``: Python expressions over key, value, headers, topic,
    partition, offset, timestamp, text (of the value) and json (of the value); a record for which one is true is left
    out. ``transform``: a Python file that defines ``transform(event)``. Both are the operator's own code and run
    with the operator's rights.
    """

    skip: tuple[Key, ...] = ()
    skip_if: tuple[str, ...] = ()
    transform: str | None = None

    @property
    def any(self) -> bool:
        return bool(self.skip or self.skip_if or self.transform)


class Filtered(Struct, frozen=True, kw_only=True):
    """What filters came to, kept with the session. ``listed`` are the first of the records concerned."""

    filters: Filters
    transform_sha256: str
    skipped: int
    fixed: int
    rewritten_bytes: int
    dead_letters: str
    listed: tuple[Key, ...]
    behind: tuple[int, ...] = ()  # where the place of the dead letters ended before they came


def parse_key(text: str) -> Key:
    """``flights:3@1200``. Raises UserFault."""
    where, _, offset = text.rpartition("@")
    topic, _, partition = where.rpartition(":")
    if not (topic and partition.isdigit() and offset.isdigit()):
        raise UserFault(f"“{text}” is not TOPIC:PARTITION@OFFSET, as in flights:3@1200")
    return topic, int(partition), int(offset)


class Judge:
    """Decides about one record after the other."""

    def __init__(self, filters: Filters) -> None:
        """Raises UserFault for an expression or a file that is no Python, or defines no ``transform``."""
        self.filters = filters
        self.sha256 = ""
        self._skip = set(filters.skip)
        self._conditions = [(text, _compiled(text)) for text in filters.skip_if]
        self._transform: Callable[[Event], Any] | None = None
        if filters.transform is not None:
            self._transform, self.sha256 = _loaded(Path(filters.transform))

    @property
    def looks_at_all(self) -> bool:
        """Whether every record must be read, or only those that are named."""
        return bool(self._conditions) or self._transform is not None

    def named(self, topic: str, partition: int, first: int, last: int) -> bool:
        """Whether any of these offsets is left out by name."""
        return any(t == topic and p == partition and first <= o <= last for t, p, o in self._skip)

    def decide(self, topic: str, partition: int, record: Record) -> Decision | None:
        """None: it stays as it is. What the operator's code raises about it puts it aside."""
        if (topic, partition, record.offset) in self._skip:
            return Decision("left out by name", None)
        if not self.looks_at_all:
            return None
        event = Event(
            topic,
            partition,
            record.offset,
            record.timestamp,
            record.key,
            record.value,
            record.headers,
        )
        for text, condition in self._conditions:
            try:
                found = condition(event)
            except Exception as error:
                return Decision(f"{text}: {type(error).__name__}: {error}", None)
            if found:
                return Decision(text, None)
        if self._transform is None:
            return None
        try:
            made = self._transform(event)
        except Exception as error:
            return Decision(f"transform: {type(error).__name__}: {error}", None)
        if made is None:
            return Decision("transform returned None", None)
        if not isinstance(made, Event):
            raise UserFault(
                f"transform returned {type(made).__name__} for {topic}:{partition}@{record.offset}: "
                "return the event, event.replace(…), or None"
            )
        if made == event:
            return None
        return Decision(
            "mended by transform",
            Record(record.offset, record.timestamp, made.key, made.value, made.headers),
        )


class _Names(dict[str, Any]):
    """What an expression may say of an event; text and json are made when they are asked for."""

    def __init__(self, event: Event) -> None:
        super().__init__({name: getattr(builtins, name) for name in NAMES})
        self["__builtins__"] = {}
        self._event = event
        for name in ("topic", "partition", "offset", "timestamp", "key", "value"):
            self[name] = getattr(event, name)
        self["headers"] = dict(event.headers)

    def __missing__(self, name: str) -> Any:
        if name == "text":
            return (self._event.value or b"").decode()
        if name == "json":
            return self._event.json()
        raise NameError(f"name {name!r} is not defined")


def _compiled(text: str) -> Callable[[Event], Any]:
    try:
        code = compile(text, "--skip-if", "eval")
    except (SyntaxError, ValueError) as error:
        raise UserFault(f"--skip-if “{text}” is no Python expression: {error}") from None

    def condition(event: Event) -> Any:
        names = _Names(event)
        return eval(code, names, names)  # as globals too: what is nested sees nothing else

    return condition


def _loaded(path: Path) -> tuple[Callable[[Event], Any], str]:
    body = path.read_bytes()
    names: dict[str, Any] = {"__name__": "transform", "__file__": str(path)}
    try:
        exec(compile(body, str(path), "exec"), names)
    except Exception as error:
        raise UserFault(f"{path}: {type(error).__name__}: {error}") from None
    function = names.get("transform")
    if not callable(function):
        raise UserFault(f"{path} defines no transform(event)")
    return function, hashlib.sha256(body).hexdigest()


# -- on a branch -------------------------------------------------------------------------------------
class BranchFilter:
    """Applies a judge to the branches of one session, before anything reads them."""

    def __init__(self, log: Log, judge: Judge, session: str, dead_letters: DeadLetters) -> None:
        self._log = log
        self._judge = judge
        self._session = session
        self._aside = dead_letters
        self._listed: list[Key] = []
        self._skipped = self._fixed = self._rewritten = 0

    async def apply(
        self, branch: Topic, source: str, ranges: Mapping[int, tuple[int, int]]
    ) -> dict[int, int]:
        """Filter the partitions' offsets ``[start, end)``; ``source`` is the topic that the branch stands for.

        Returns the offset behind the last record that stays of partitions whose last records were left out: a
        consumer never hears of what would be behind it. Raises ClientFault if the branch's extents
        change all the time, Corrupt, StoreFault, UserFault.
        """
        reach: dict[int, int] = {}
        for partition, (start, end) in sorted(ranges.items()):
            decisions = await self._partition(branch, source, partition, start, end)
            for topic, number, offset in self._judge.filters.skip:
                named = (topic, number) == (source, partition) and start <= offset < end
                if named and offset not in decisions:
                    raise UserFault(
                        f"{source}:{partition}@{offset} cannot be skipped: no record is left there (compaction), "
                        "or none ever was (a transaction's marker)"
                    )
            last = end
            while last > start and (found := decisions.get(last - 1)) and found.record is None:
                last -= 1
            if last < end:
                reach[partition] = last
        return reach

    def outcome(self) -> Filtered:
        """What it came to."""
        return Filtered(
            filters=self._judge.filters,
            transform_sha256=self._judge.sha256,
            skipped=self._skipped,
            fixed=self._fixed,
            rewritten_bytes=self._rewritten,
            dead_letters=self._aside.shown,
            listed=tuple(self._listed),
        )

    async def _partition(
        self, branch: Topic, source: str, partition: int, start: int, end: int
    ) -> dict[int, Decision]:
        metastore = self._log.metastore
        all_of_them: dict[int, Decision] = {}
        cursor, attempts = start, 0
        while cursor < end:
            page = await metastore.extents_from(branch.no, partition, cursor, EXTENTS_PER_READ)
            for extent in page:
                if extent.base_offset >= end:
                    return all_of_them
                last = min(end - 1, extent.last_offset)
                if self._judge.looks_at_all or self._judge.named(source, partition, cursor, last):
                    decisions = await asyncio.to_thread(
                        self._read, extent, source, partition, start, end
                    )
                    if decisions and not await self._rewrite(branch, partition, extent, decisions):
                        attempts += 1
                        if attempts == ATTEMPTS_MAX:
                            raise ClientFault(
                                ErrorCode.REQUEST_TIMED_OUT,
                                f"{branch.name}/{partition} changes while it is filtered; try again",
                            )
                        break  # merged meanwhile: look again from here
                    all_of_them |= {offset: each for offset, (each, _) in decisions.items()}
                    self._put_aside(source, partition, decisions)
                cursor = extent.last_offset + 1
            else:
                if len(page) < EXTENTS_PER_READ:
                    break
        return all_of_them

    def _read(
        self, extent: Extent, source: str, partition: int, start: int, end: int
    ) -> dict[int, tuple[Decision, Record]]:
        """Decide about the records of an extent; with each, what it was."""
        decisions: dict[int, tuple[Decision, Record]] = {}
        for run, _ in checked_batches(self._log.extents, extent):
            for header in scan(run):
                if header.is_control or header.last_offset < start or header.base_offset >= end:
                    continue
                for record in iter_records(run, header):
                    if start <= record.offset < end:
                        found = self._judge.decide(source, partition, record)
                        if found is not None:
                            decisions[record.offset] = found, record
            if self._skipped + self._fixed + len(decisions) > DECISIONS_MAX:
                raise UserFault(
                    f"the filters concern more than {DECISIONS_MAX:,} records: that is no poison, but "
                    "another input; write it with a processor of its own"
                )
        return decisions

    async def _rewrite(
        self,
        branch: Topic,
        partition: int,
        extent: Extent,
        decisions: Mapping[int, tuple[Decision, Record]],
    ) -> bool:
        """Write the extent anew for the branch; whether it is in place."""

        def source(run: Sequence[Extent]) -> AppendedBatches:
            for one in run:
                for batches, appended_ms in checked_batches(self._log.extents, one):
                    for header in scan(batches):
                        covered = range(header.base_offset, header.last_offset + 1)
                        if _concerned(covered, decisions):
                            yield memoryview(_rebuilt(batches, header, decisions)), appended_ms
                        else:
                            yield batches[header.position : header.end], appended_ms

        (written,) = await self._log.rewriter.write_object(
            [Rewrite(branch, partition, [extent], source)]
        )
        if written.replaced:
            self._rewritten += written.content.byte_length
        return written.replaced

    def _put_aside(
        self, topic: str, partition: int, decisions: Mapping[int, tuple[Decision, Record]]
    ) -> None:
        """Dead letters: every record that was left out or mended, as it was, with the reason."""
        self._aside.put(
            [
                Letter(
                    self._session,
                    topic,
                    partition,
                    "skipped" if decision.record is None else "fixed",
                    decision.reason.encode(errors="backslashreplace").decode(),
                    record,
                )
                for _, (decision, record) in sorted(decisions.items())
            ]
        )
        skipped = sum(each.record is None for each, _ in decisions.values())
        self._skipped += skipped
        self._fixed += len(decisions) - skipped
        room = LISTED_MAX - len(self._listed)
        self._listed += [(topic, partition, offset) for offset in sorted(decisions)[:room]]


def _concerned(offsets: range, decisions: Collection[int]) -> bool:
    if len(decisions) < len(offsets):
        return any(offset in offsets for offset in decisions)
    return any(offset in decisions for offset in offsets)


def _rebuilt(
    batches: memoryview, header: BatchHeader, decisions: Mapping[int, tuple[Decision, Record]]
) -> bytes:
    """The batch with some records left out or replaced, otherwise as it was: it covers the same offsets."""
    kept = []
    for record in iter_records(batches, header):
        found = decisions.get(record.offset)
        if found is None:
            kept.append(record)
        elif found[0].record is not None:
            kept.append(found[0].record)
    return build_batch(
        kept,
        base_offset=header.base_offset,
        codec=header.codec if kept else Codec.NONE,
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        base_sequence=header.base_sequence,
        leader_epoch=header.partition_leader_epoch,
        append_time_ms=header.max_timestamp if header.log_append_time else None,
        transactional=header.is_transactional,
        offset_deltas=[record.offset - header.base_offset for record in kept],
        last_offset_delta=header.last_offset - header.base_offset,
    )
