"""A Flink checkpoint or savepoint: where each Kafka source stood, what was in flight, what a restore commits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from anabranch.errors import Corrupt, UserFault
from anabranch.recovery.checkpoints import flink_state as state
from anabranch.recovery.checkpoints.conventions import INT64_MIN, Marker, next_offset
from anabranch.recovery.checkpoints.flink_legacy import legacy_position
from anabranch.recovery.checkpoints.flink_metadata import Handle, Metadata, Operator, parse
from anabranch.recovery.checkpoints.model import (
    EngineCheckpoint,
    InFlight,
    Kept,
    PendingTransaction,
    Source,
)
from anabranch.recovery.checkpoints.places import Place, place, place_and_name, safe_name

METADATA: Final = "_metadata"
LOOKED_AT_MAX: Final = 10_000  # files that are looked for; in a bucket each is a request
LOOKING: Final = 16  # at a time
WHOLE_BYTES: Final = 1 << 20  # state that is read in one go, not entry by entry
NAMED_MAX: Final = 5  # missing files that are named
# Directories of a job's checkpoints: what follows them in a path stays the same wherever they are copied.
_IN_JOB = re.compile(r"/(?:shared|taskowned|chk-\d+)/")


def read(location: str, *, taken_ms: int | None = None) -> EngineCheckpoint:
    """The checkpoint at ``location``: its directory or ``_metadata``, or a job's directory, whose newest
    complete checkpoint is taken. ``taken_ms``: when it was triggered, where that is known better than
    from the file.

    Raises UserFault, Corrupt, StoreFault.
    """
    where = find(location)
    path = where.path_of(METADATA)
    data = where.read(METADATA)
    metadata = parse(data, path)
    files = _Files(where)
    sources = _sources(metadata, files, path)
    transactions, unread = _transactions(metadata, files, path)
    damage = files.missing(metadata.files)
    notes = list(unread)
    notes += [
        f"operator {one.uid or one.name or one.id} has finished: a restore does not run it again"
        for one in metadata.operators
        if one.finished
    ]
    if len(metadata.files) > LOOKED_AT_MAX:
        notes.append(
            f"of its {len(metadata.files):,} state files, {LOOKED_AT_MAX:,} were looked for"
        )
    if files.moved:
        notes.append("state was found beside the checkpoint, not where it was written")
    return EngineCheckpoint(
        engine="flink",
        location=path,
        id=str(metadata.checkpoint),
        form=_form(metadata),
        sources=sources,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        taken_ms=where.modified_ms(METADATA) if taken_ms is None else taken_ms,
        in_flight=tuple(_in_flight(metadata)),
        transactions=tuple(transactions),
        notes=tuple(notes),
        damage=tuple(damage),
    )


def find(location: str) -> Place:
    """The directory of the checkpoint that ``location`` means. Raises UserFault, StoreFault."""
    if location.partition("?")[0].endswith(f"/{METADATA}") or location == METADATA:
        return place_and_name(location)[0]
    where = place(location)
    if where.size(METADATA) is not None:
        return where
    names = where.names()
    numbered = [int(name[4:]) for name in names if re.fullmatch(r"chk-\d{1,18}", name)]
    for number in sorted(numbered, reverse=True):
        inside = where.inside(f"chk-{number}")
        if inside.size(METADATA) is not None:
            return inside
    what = "no such directory, or an empty one" if not names else f"it holds {_some(names)}"
    raise UserFault(
        f"there is no Flink checkpoint at {where.location}: {what}. Name a directory with a file "
        f"_metadata (…/chk-7, …/savepoint-1a2b3c-…), or a job's directory with chk-N in it"
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED_MAX]) + (" …" if len(names) > NAMED_MAX else "")


def _form(metadata: Metadata) -> str:
    properties = metadata.properties
    if properties is None:
        kind = "checkpoint or savepoint"
    elif properties.savepoint:
        kind = " ".join(filter(None, (properties.format.lower(), "savepoint")))
    else:
        kind = "checkpoint"
    unaligned = any(s.input_bytes or s.output_bytes for o in metadata.operators for s in o.subtasks)
    return f"{'unaligned ' if unaligned else ''}{kind}, metadata version {metadata.version}"


class _Files:
    """Bytes of handles, wherever they lie: inlined, beside ``_metadata``, by path, or moved along."""

    def __init__(self, where: Place) -> None:
        self._where = where
        self._found: dict[tuple[str, bool], tuple[Place, str] | None] = {}
        self._places: dict[str, Place] = {}
        self._last: tuple[Handle, bytes] | None = (
            None  # its entries are asked for one after the other
        )
        self.moved = False

    def fetch(self, handle: Handle, start: int, length: int) -> bytes:
        if start < 0 or length < 0 or start + length > handle.size:
            raise Corrupt(
                f"{self._where.path_of(METADATA)}: bytes {start:,} to {start + length:,} of a state of "
                f"{handle.size:,}"
            )
        if handle.data is not None:
            return handle.data[start : start + length]
        found = self._find(handle)
        if found is None:
            raise UserFault(f"the state file {handle.path} is gone: the checkpoint is not whole")
        where, name = found
        if handle.size > WHOLE_BYTES:
            return where.read(name, handle.start + start, length)
        if self._last is None or self._last[0] != handle:
            self._last = (handle, where.read(name, handle.start, handle.size))
        return self._last[1][start : start + length]

    def _find(self, handle: Handle) -> tuple[Place, str] | None:
        key = (handle.path, handle.relative)
        if key not in self._found:
            self._found[key] = self._look(handle)
        return self._found[key]

    def _look(self, handle: Handle) -> tuple[Place, str] | None:
        if handle.relative:
            name = safe_name(handle.path)
            return (self._where, name) if self._where.size(name) is not None else None
        try:
            where, name = self._place_and_name(handle.path)
            if where.size(safe_name(name)) is not None:
                return where, name
        except UserFault:
            pass  # a file system that is not read here; the file may have come along
        inside = list(_IN_JOB.finditer(handle.path))
        job = place_and_name(self._where.location)[0]
        candidates = [(job, handle.path[inside[-1].start() + 1 :])] if inside else []
        candidates.append((self._where, handle.path.rpartition("/")[2]))
        for where, name in candidates:
            if where.size(safe_name(name)) is not None:
                self.moved = True
                return where, name
        return None

    def _place_and_name(self, path: str) -> tuple[Place, str]:
        parent, _, name = path.rpartition("/")
        if parent not in self._places:
            self._places[parent] = place_and_name(path, self._where.query)[0]
        return self._places[parent], name

    def missing(self, handles: Sequence[Handle]) -> list[str]:
        """A sentence if state files are gone or too short."""
        distinct: dict[tuple[str, bool], Handle] = {}
        for one in handles:  # of the stretches of a file, the last counts
            other = distinct.setdefault((one.path, one.relative), one)
            if one.start + one.size > other.start + other.size:
                distinct[one.path, one.relative] = one

        def look(one: Handle) -> str:
            found = self._find(one)
            if found is None:
                return one.path
            size = found[0].size(found[1])
            short = size is not None and size < one.start + one.size
            return f"{one.path} (cut short)" if short else ""

        with ThreadPoolExecutor(LOOKING) as threads:
            looked = threads.map(look, list(distinct.values())[:LOOKED_AT_MAX])
            gone = [path for path in looked if path]
        if not gone:
            return []
        return [
            f"{len(gone):,} of {len(distinct):,} state files are gone: {_some(gone)}; "
            "Flink cannot restore it"
        ]


def _sources(metadata: Metadata, files: _Files, path: str) -> tuple[Source, ...]:
    found: list[Source] = []
    for operator in metadata.operators:
        names = {
            one.name for each in operator.subtasks if each.managed for one in each.managed.states
        }
        kind = ""
        positions: list[Kept] = []
        problem = ""
        try:
            if state.READER_STATE in names:
                kind = "KafkaSource"
                positions = _positions(operator, files, path)
            elif state.LEGACY_STATE in names:
                kind = "FlinkKafkaConsumer"
                positions = _legacy_positions(operator, files, path)
            elif operator.coordinator is not None:
                kind = "KafkaSource"
                state.discovered(operator.coordinator, path)  # Corrupt: somebody else's coordinator
                positions = _positions(operator, files, path)
            else:
                continue
            if not positions:
                problem = "it holds no offset of any partition"
        except (Corrupt, UserFault) as error:
            if state.READER_STATE not in names and state.LEGACY_STATE not in names:
                continue
            problem = f"its positions cannot be read: {error}"
        found.append(
            Source(
                number=len(found),
                kind=kind,
                name=operator.name,
                uid=operator.uid,
                id=operator.id,
                positions=tuple(sorted(positions, key=lambda one: (one.topic, one.partition))),
                problem=problem,
            )
        )
    return tuple(found)


def _positions(operator: Operator, files: _Files, path: str) -> list[Kept]:
    """What the readers hold, and from the enumerator what no reader holds yet."""
    held: dict[tuple[str, int], Kept] = {}
    for subtask in operator.subtasks:
        if subtask.managed is None:
            continue
        where = f"{path}, {operator.uid or operator.id} subtask {subtask.index}"
        for entry in state.entries(subtask.managed, state.READER_STATE, files.fetch, where):
            version, thing = state.versioned(entry)
            split = state.split(version, thing)
            key = (split.topic, split.partition)
            if key in held:
                raise Corrupt(f"{where}: a second position of {split.topic}:{split.partition}")
            held[key] = _kept(split, "flink-source", f"subtask {subtask.index}")
    if operator.coordinator is None:
        return list(held.values())
    for one in state.discovered(operator.coordinator, path):
        if (one.topic, one.partition) in held:
            continue
        # Assigned and held by nobody: a bounded source is done with it, or it was on its way.
        start = INT64_MIN if one.assigned or one.start is None else one.start
        what = "assigned, held by no reader" if one.assigned else "not assigned yet"
        split = state.Split(one.topic, one.partition, start, None)
        held[one.topic, one.partition] = _kept(split, "flink-source", f"enumerator: {what}")
    return list(held.values())


def _legacy_positions(operator: Operator, files: _Files, path: str) -> list[Kept]:
    found: dict[tuple[str, int], Kept] = {}
    for subtask in operator.subtasks:
        if subtask.managed is None:
            continue
        where = f"{path}, {operator.uid or operator.id} subtask {subtask.index}"
        for entry in state.entries(subtask.managed, state.LEGACY_STATE, files.fetch, where):
            split = legacy_position(entry)
            key = (split.topic, split.partition)
            if key in found:
                raise Corrupt(f"{where}: a second position of {split.topic}:{split.partition}")
            found[key] = _kept(split, "flink-legacy", f"subtask {subtask.index}")
    return list(found.values())


def _kept(split: state.Split, keeper: str, where: str) -> Kept:
    try:
        position = next_offset(keeper, split.start)
    except ValueError as error:
        raise Corrupt(f"{split.topic}:{split.partition}, {where}: {error}") from None
    marker = position if isinstance(position, Marker) else None
    return Kept(
        split.topic,
        split.partition,
        split.start,
        keeper,
        None if isinstance(position, Marker) else position,
        marker,
        where,
        split.stop,
    )


def _in_flight(metadata: Metadata) -> list[InFlight]:
    found = []
    for operator in metadata.operators:
        label = operator.uid or operator.name or operator.id
        inputs = sum(each.input_bytes for each in operator.subtasks)
        outputs = sum(each.output_bytes for each in operator.subtasks)
        if inputs:
            found.append(InFlight(label, "records in its input channels", inputs, True))
        if outputs:
            found.append(InFlight(label, "records in its output channels", outputs, True))
        waiting = sum(
            len(one.offsets)
            for each in operator.subtasks
            if each.managed
            for one in each.managed.states
            if one.name == state.ASYNC_STATE
        )
        if waiting:
            found.append(InFlight(label, f"{waiting:,} records that wait for an answer", 0, True))
    return found


def _transactions(
    metadata: Metadata, files: _Files, path: str
) -> tuple[list[PendingTransaction], list[str]]:
    """Transactions of Kafka sinks, and sentences about sinks that cannot be read."""
    found: list[PendingTransaction] = []
    notes: list[str] = []
    for operator in metadata.operators:
        label = operator.uid or operator.name or operator.id
        try:
            for subtask in operator.subtasks:
                if subtask.managed is None:
                    continue
                where = f"{path}, {label} subtask {subtask.index}"
                for entry in state.entries(
                    subtask.managed, state.COMMITTER_STATE, files.fetch, where
                ):
                    found += [
                        PendingTransaction(label, *one, commits=True)
                        for one in state.committables(*state.versioned(entry))
                    ]
                for entry in state.entries(subtask.managed, state.WRITER_STATE, files.fetch, where):
                    _, names = state.writer_transactions(*state.versioned(entry))
                    found += [PendingTransaction(label, name, -1, -1, False) for name in names]
        except (Corrupt, UserFault) as error:
            # State of a sink that is not Kafka's has the same names; positions do not depend on it.
            notes.append(f"the sink {label} is not one of KafkaSink, or damaged: {error}")
    # A writer names what it handed to the committer, for the next one to leave alone.
    committed = {one.transactional_id for one in found if one.commits}
    return [o for o in found if o.commits or o.transactional_id not in committed], notes
