"""The checkpoint directory of a Spark Structured Streaming query.

``offsets/N`` is written before micro-batch N runs and says where it ends; ``commits/N`` after it. So a
query starts after the last committed batch, with the very range of a batch that was begun and not
committed. Formats: Spark's ``OffsetSeqLog``, versions 1 and 2 (SPARK-54423), ``CommitLog``.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

from anabranch.errors import Corrupt, UserFault
from anabranch.recovery.checkpoints.conventions import Marker, next_offset
from anabranch.recovery.checkpoints.model import EngineCheckpoint, InFlight, Kept, Source
from anabranch.recovery.checkpoints.places import Place, place

BATCH_BYTES_MAX: Final = 64 << 20  # one file; Kafka sources of 100,000 partitions stay below 10 MiB
_NUMBER = re.compile(r"\d{1,18}")


def read(location: str) -> EngineCheckpoint:
    """The checkpoint directory at ``location``. Raises UserFault, Corrupt, StoreFault."""
    where = place(location)
    offsets, commits = _batches(where, "offsets"), _batches(where, "commits")
    if not offsets and not commits:
        raise UserFault(
            f"{where.location} is not the checkpoint directory of a Spark query: "
            "it has no batches in offsets/"
        )
    notes = []
    begun = [number for number in offsets if not commits or number > commits[-1]]
    if commits:
        last = commits[-1]
        if last not in offsets:
            raise Corrupt(
                f"{where.location}: batch {last} is committed, and its offsets/{last} is gone"
            )
        path, name = where.inside("offsets"), str(last)
        data = _file(path, name)
        described, form = _parse(data, path.path_of(name))
        file, identity = path.path_of(name), f"batch {last}"
    else:
        described, data, file = _initial(where)
        form, identity = 1, "before batch 0"
        notes.append("no batch was committed yet: it starts where the sources were first found")
    sources = tuple(
        _source(number, key, value, file) for number, (key, value) in enumerate(described)
    )
    in_flight = []
    for number in begun:
        inside = where.inside("offsets")
        planned, _ = _parse(_file(inside, str(number)), inside.path_of(str(number)))
        counted = _between(sources, planned)
        more = f", {counted:,} records" if counted is not None else ""
        in_flight.append(
            InFlight(
                f"batch {number}",
                f"begun and not committed{more}: a restart runs it again, with the same range",
                0,
                beyond=False,
            )
        )
    return EngineCheckpoint(
        engine="spark",
        location=file,
        id=identity,
        form=f"{_query(where)}offset log version {form}",
        sources=sources,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        taken_ms=where.inside("commits").modified_ms(str(commits[-1])) if commits else None,
        in_flight=tuple(in_flight),
        notes=tuple(notes),
    )


def _batches(where: Place, name: str) -> list[int]:
    """The numbers of the batches in a log, ascending."""
    return sorted(int(each) for each in where.inside(name).names() if _NUMBER.fullmatch(each))


def _file(where: Place, name: str) -> bytes:
    size = where.size(name)
    if size is not None and size > BATCH_BYTES_MAX:
        raise UserFault(f"{where.path_of(name)}: {size:,} bytes are more than offsets can be")
    return where.read(name)


def _query(where: Place) -> str:
    """The query's id, which stays the same over its restarts."""
    if where.size("metadata") is None:
        return ""
    found = _json(_file(where, "metadata"), where.path_of("metadata"))
    identity = found.get("id") if isinstance(found, dict) else None
    return f"query {identity}, " if isinstance(identity, str) else ""


def _text(data: bytes, file: str) -> list[str]:
    try:
        return data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise Corrupt(f"{file}: byte {error.start:,}: not UTF-8") from None


def _json(data: bytes | str, file: str, line: int = 1) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{file}: line {line}: not JSON: {error}") from None


def _parse(data: bytes, file: str) -> tuple[list[tuple[str, str]], int]:
    """A file of ``offsets/``: what it has for each source, by the source's number or id."""
    lines = _text(data, file)
    match = re.fullmatch(r"v(\d{1,9})", lines[0]) if lines else None
    if match is None:
        raise Corrupt(f"{file}: line 1: no version of an offset log")
    version = int(match[1])
    if version not in (1, 2):
        raise UserFault(f"{file} is an offset log of version {version}; versions 1 and 2 are read")
    if len(lines) < 3:
        raise Corrupt(f"{file}: it ends after line {len(lines)}, before the sources")
    if not isinstance(_json(lines[1] or "{}", file, 2), dict):
        raise Corrupt(f"{file}: line 2: the batch's metadata are not an object")
    found = []
    for number, line in enumerate(lines[2:]):
        if version == 1:
            found.append((str(number), line))
            continue
        key, colon, value = line.partition(":")
        if not colon or not key or key in dict(found):
            raise Corrupt(f"{file}: line {number + 3}: not a source's id with its offsets")
        found.append((key, value))
    return found, version


def _initial(where: Place) -> tuple[list[tuple[str, str]], bytes, str]:
    """What ``sources/ID/0`` keep: where each source was first found."""
    inside = where.inside("sources")
    found, data, file = [], b"", inside.location
    for name in sorted(inside.names(), key=lambda each: (len(each), each)):
        if name.startswith("."):
            continue
        one = inside.inside(name)
        if one.size("0") is None:
            continue
        data, file = _file(one, "0"), one.path_of("0")
        # A zero byte first, for versions before 2.1 to stumble over (SPARK-19517).
        lines = _text(data.removeprefix(b"\0"), file)
        if len(lines) != 2 or lines[0] != "v1":
            raise Corrupt(f"{file}: not the initial offsets of a Kafka source")
        found.append((name, lines[1]))
    if not found:
        raise UserFault(
            f"{where.location}: no batch is committed and no source has its first offsets in sources/: "
            "nothing tells where the query stands"
        )
    return found, data, file


def _source(number: int, key: str, text: str, file: str) -> Source:
    positions: list[Kept] = []
    problem = ""
    parsed = None if text == "-" else _json(text, file, number + 3)
    if parsed is None:
        problem = "it has no offsets yet"
    elif not _is_kafka(parsed):
        problem = f"not offsets of Kafka: {text[:60]}"
    else:
        for topic, partitions in parsed.items():
            for partition, stored in partitions.items():
                try:
                    position = next_offset("spark-offsets", stored)
                except ValueError as error:
                    raise Corrupt(f"{file}: {topic}:{partition}: {error}") from None
                marker = position if isinstance(position, Marker) else None
                positions.append(
                    Kept(
                        topic,
                        int(partition),
                        stored,
                        "spark-offsets",
                        None if isinstance(position, Marker) else position,
                        marker,
                        f"source {key}",
                    )
                )
        if not positions:
            problem = "it holds no offset of any partition"
    return Source(
        number=number,
        kind="Kafka source",
        name="" if key.isdigit() else key,
        id=key,
        positions=tuple(sorted(positions, key=lambda one: (one.topic, one.partition))),
        problem=problem,
    )


def _is_kafka(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(partitions, dict)
        and all(
            re.fullmatch(r"\d{1,9}", partition) and type(offset) is int
            for partition, offset in partitions.items()
        )
        for partitions in value.values()
    )


def _between(sources: tuple[Source, ...], planned: list[tuple[str, str]]) -> int | None:
    """Records of a batch that was begun: from the positions to where it ends; None if not countable."""
    total = 0
    by_id = {source.id: source for source in sources}
    for key, text in planned:
        source = by_id.get(key)
        try:
            ends = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if source is None or not _is_kafka(ends):
            return None
        starts = {(one.topic, one.partition): one.next for one in source.positions}
        for topic, partitions in ends.items():
            for partition, end in partitions.items():
                start = starts.get((topic, int(partition)))
                if start is None:
                    return None
                total += max(0, end - start)
    return total
