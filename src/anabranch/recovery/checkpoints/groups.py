"""Engines whose checkpoint is what their group has committed: Kafka Streams, Quix Streams, Connect's sinks."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from anabranch.errors import Corrupt, UserFault
from anabranch.recovery.checkpoints.binary import Reader
from anabranch.recovery.checkpoints.conventions import Marker, next_offset
from anabranch.recovery.checkpoints.model import Changelog, EngineCheckpoint, Kept, Source

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from anabranch.log.log import Log
    from anabranch.log.reader import Split
    from anabranch.metastore.api import Committed, Topic

# How far behind its end a changelog is searched for a change: transaction markers are no changes.
CHANGELOG_WINDOWS: Final = (100, 10_000)
PROCESSED_HEADER: Final = "__processed_tp_offsets__"


async def read(log: Log, engine: str, group: str) -> EngineCheckpoint:
    """What ``group`` has committed, as ``engine`` means it. Raises UserFault if it is nothing."""
    topics = {topic.no: topic for topic in await log.metastore.topics()}
    rows = [row for row in await log.metastore.committed(group) if row.topic_no in topics]
    if not rows:
        raise UserFault(
            f"group “{group}” has committed nothing; `anabranch group list` shows who has"
        )
    keeper = {"streams": "streams-group", "quix": "quix-group", "connect": "connect-sink"}[engine]
    notes: list[str] = []
    positions = [_kept(row, topics[row.topic_no], keeper, engine, notes) for row in rows]
    changelogs: tuple[Changelog, ...] = ()
    form = "offsets that its group has committed"
    if engine == "streams":
        changelogs = await _changelogs(log, topics, group, f"{group}-", "-changelog", quix=False)
        form = await _streams_form(log, group, notes)
    elif engine == "quix":
        changelogs = await _changelogs(log, topics, group, f"changelog__{group}--", "", quix=True)
        notes += _ahead(positions, changelogs)
    return EngineCheckpoint(
        engine=engine,
        location=f"group {group}",
        id=group,
        form=form,
        sources=(
            Source(
                number=0,
                kind="consumer group",
                name=group,
                id=group,
                positions=tuple(sorted(positions, key=lambda one: (one.topic, one.partition))),
            ),
        ),
        group=group,
        moves=True,
        changelogs=changelogs,
        notes=tuple(notes),
    )


def _kept(row: Committed, topic: Topic, keeper: str, engine: str, notes: list[str]) -> Kept:
    position = next_offset(keeper, row.offset)
    assert not isinstance(position, Marker)
    time_ms = None
    if engine == "streams":
        where = f"{topic.name}:{row.partition}"
        try:
            time_ms, _ = streams_metadata(row.metadata, where)
        except Corrupt as error:
            notes.append(str(error))
        if not row.metadata:
            notes.append(
                f"{where}: committed without Kafka Streams' metadata, as a reset does: "
                "stream time starts anew there"
            )
    return Kept(
        topic.name,
        row.partition,
        row.offset,
        keeper,
        position,
        partition_time_ms=time_ms,
        leader_epoch=row.leader_epoch,
    )


def streams_metadata(text: str, where: str) -> tuple[int | None, dict[str, int]]:
    """What Kafka Streams commits along: partition time (ms; None if unknown), and processors' own numbers.

    Base64 of a version (1 or 2), the time, and from version 2 on a map (``TopicPartitionMetadata``).
    Raises Corrupt.
    """
    if not text:
        return None, {}
    try:
        read = Reader(base64.b64decode(text, validate=True), f"{where}, commit metadata")
    except (binascii.Error, ValueError):
        raise Corrupt(f"{where}: the commit's metadata are not Kafka Streams'") from None
    version, time_ms = read.u8(), read.i64()
    if version not in (1, 2):
        raise read.corrupt(f"version {version}; versions 1 and 2 are read", 0)
    numbers = {}
    if version == 2 and read.remaining:
        for _ in range(read.count(12)):
            key = bytes(read.take(read.i32()))
            numbers[key.decode("utf-8", "replace")] = read.i64()
    read.end()
    return (time_ms if time_ms >= 0 else None), numbers


async def _streams_form(log: Log, group: str, notes: list[str]) -> str:
    """Whether offsets were committed in transactions, by the last of them in the history."""
    history = await log.metastore.offset_history(group, limit=1)
    if history and history[0].actor.api == "TxnOffsetCommit":
        return "offsets that its group has committed, exactly once: in its producers' transactions"
    notes.append("offsets were not committed in transactions: records since may be processed again")
    return "offsets that its group has committed, at least once"


async def _changelogs(
    log: Log, topics: Mapping[int, Topic], group: str, prefix: str, suffix: str, *, quix: bool
) -> tuple[Changelog, ...]:
    found = []
    for topic in sorted(topics.values(), key=lambda one: one.name):
        if not (topic.name.startswith(prefix) and topic.name.endswith(suffix)):
            continue
        for state in await log.metastore.partitions(topic.no):
            processed = {}
            if quix and state.next_offset > state.log_start:
                processed = await _processed(log, topic, state.partition, state.next_offset)
            found.append(Changelog(topic.name, state.partition, state.next_offset, processed))
    return tuple(found)


async def _processed(log: Log, topic: Topic, partition: int, end: int) -> dict[str, int]:
    """Next offsets by input topic, as the newest change of a changelog says; empty if none does."""
    from anabranch.log.reader import plan_splits

    handle = log.partition(topic, partition)
    for window in CHANGELOG_WINDOWS:
        start = max(handle.log_start, end - window)
        splits = await plan_splits(
            log, topic, start={partition: start}, end={partition: end}, partitions=[partition]
        )
        batches = await asyncio.to_thread(_decoded, splits)
        for batch in reversed(batches):
            for headers in reversed(batch.column("headers").to_pylist()):
                stored = [one["value"] for one in headers if one["key"] == PROCESSED_HEADER]
                processed = processed_offsets(stored[-1] if stored else None)
                if processed:
                    return processed
        if start == handle.log_start:
            break
    return {}


def _decoded(splits: Sequence[Split]) -> list[RecordBatch]:
    from anabranch.log.reader import read_splits

    return list(read_splits(splits, threads=1))


def processed_offsets(header: bytes | None) -> dict[str, int]:
    """The header of a change in a Quix changelog, as next offsets by input topic; empty if it has none."""
    if header is None:
        return {}
    try:
        said: Any = json.loads(header)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    found = {}
    for topic, last in said.items():
        if type(last) is not int:
            return {}
        try:
            position = next_offset("quix-changelog", last)
        except ValueError:
            return {}
        assert not isinstance(position, Marker)
        found[topic] = position
    return found


def _ahead(positions: list[Kept], changelogs: tuple[Changelog, ...]) -> list[str]:
    """Sentences about state that holds more, or less, than the commits say was processed."""
    committed = {(one.topic, one.partition): one.next for one in positions}
    notes = []
    for changelog in changelogs:
        for topic, after in sorted(changelog.processed.items()):
            stands = committed.get((topic, changelog.partition))
            if stands is None:
                notes.append(
                    f"{changelog.topic}:{changelog.partition} holds changes up to {topic}:"
                    f"{changelog.partition} {after:,}, for which the group has committed nothing"
                )
            elif after > stands:
                notes.append(
                    f"{changelog.topic}:{changelog.partition} holds changes up to {after:,} of {topic}:"
                    f"{changelog.partition}, {after - stands:,} past the commit: Quix Streams leaves them "
                    "out when it recovers, and a value that they replaced may be compacted away"
                )
    return notes
