"""The audit log as it is read: its lines, the files that hold them, and the topic that may hold a copy.

Brokers write it (:mod:`anabranch.broker.audit`), and verify it; who only looks for something in it needs no broker.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from anabranch.errors import Corrupt, StoreFault
from anabranch.log.fetched import FetchWant
from anabranch.metastore.api import Metastore, Topic
from anabranch.records.batch import scan
from anabranch.records.record import iter_records

if TYPE_CHECKING:
    from anabranch.log.log import Log

HEAD_KIND: Final = "audit-head"  # of documents
HEADS_PAGE: Final = 500
FETCH_BYTES: Final = 1 << 20
FETCH_WAIT_MS: Final = 10_000  # for what lies in the store
_HASH: Final = b',"hash":"'
_HASH_END: Final = b'"}'
_HASH_CHARS: Final = 64
_NAME: Final = re.compile(r"audit-([0-9]+-[0-9]+)-([0-9]{6})\.jsonl")


class Line(NamedTuple):
    """A line as it was read."""

    chain: str
    seq: int
    prev: str
    hash: str
    fields: dict[str, Any]


def sealed(body: bytes) -> tuple[bytes, str]:
    """A line of ``body``, which ends before the object does, and its hash."""
    digest = hashlib.sha256(body).hexdigest()
    return body + _HASH + digest.encode() + _HASH_END + b"\n", digest


def parse(data: bytes) -> Line | str:
    """A line without its end, if it is one and its own hash is right; else what is wrong with it."""
    at = len(data) - len(_HASH_END) - _HASH_CHARS - len(_HASH)
    if at < 0 or data[at : at + len(_HASH)] != _HASH or not data.endswith(_HASH_END):
        return "it is no line of an audit log, or cut short"
    digest = data[at + len(_HASH) : -len(_HASH_END)].decode("ascii", "replace")
    if hashlib.sha256(data[:at]).hexdigest() != digest:
        return "it was altered"
    try:
        fields = msgspec.json.decode(data, type=dict[str, Any])
        line = Line(fields["chain"], fields["seq"], fields["prev"], digest, fields)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
        return "it is no line of an audit log"
    if not isinstance(line.chain, str) or not isinstance(line.seq, int):
        return "it is no line of an audit log"
    return line


class AuditFile(NamedTuple):
    """One of them."""

    chain: str
    number: int
    path: Path

    @property
    def broker_id(self) -> int:
        return int(self.chain.split("-")[0])

    @property
    def epoch(self) -> int:
        return int(self.chain.split("-")[1])


def list_files(directory: Path) -> list[AuditFile]:
    """By broker, start and number. Raises StoreFault."""
    found = []
    try:
        for path in directory.iterdir():
            match = _NAME.fullmatch(path.name)
            if match is not None:
                found.append(AuditFile(match[1], int(match[2]), path))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreFault(f"cannot read {directory}: {error.strerror}") from error
    return sorted(found, key=lambda one: (one.broker_id, one.epoch, one.number))


class BadLine(NamedTuple):
    """A line that is none. ``last``: nothing follows it in its file."""

    place: str
    what: str
    last: bool


def read_lines(path: Path) -> Iterator[Line | BadLine]:
    """The lines of a file. Raises StoreFault."""
    try:
        with path.open("rb") as file:
            number = 0
            data = file.readline()
            while data:
                number += 1
                following = file.readline()
                line = (
                    parse(data.removesuffix(b"\n")) if data.endswith(b"\n") else "it is cut short"
                )
                if isinstance(line, Line):
                    yield line
                else:
                    yield BadLine(f"{path.name}:{number}", line, not following)
                data = following
    except OSError as error:
        raise StoreFault(f"cannot read {path}: {error.strerror}") from error


async def read_topic(
    log: Log, topic: Topic, *, since_ms: int | None = None, lines_max: int | None = None
) -> AsyncIterator[Line | str]:
    """The lines of a topic that holds a copy, partition after partition; a string: what is wrong with a record. ``since_ms``: those
    written then or later, ``lines_max``: at most so many of each partition, the newest unless ``since_ms`` is given.
    Raises StoreFault where one cannot be read."""
    for partition in range(topic.partitions):
        handle = log.partition(topic, partition)
        await log.refresh(topic, [partition])
        offset, end = handle.log_start, handle.last_stable_offset
        if since_ms is not None:
            found = (await log.list_offset(topic, partition, since_ms)).offset
            offset = end if found < 0 else max(offset, found)
            end = end if lines_max is None else min(end, offset + lines_max)
        elif lines_max is not None:
            offset = max(offset, end - lines_max)
        while offset < end:
            want = FetchWant(topic, partition, offset, FETCH_BYTES)
            (part,) = await log.fetch(
                [want], max_wait_ms=FETCH_WAIT_MS, min_bytes=1, max_bytes=FETCH_BYTES
            )
            data = b"".join(part.buffers)
            if part.error or not data:
                why = (
                    part.error.name
                    if part.error
                    else f"nothing came within {FETCH_WAIT_MS // 1000} s"
                )
                raise StoreFault(
                    f"{topic.name}:{partition} cannot be read at offset {offset:,}: {why}"
                )
            for header in scan(data):
                for record in iter_records(data, header):
                    if offset <= record.offset < end:
                        yield parse(record.value or b"")
                offset = max(offset, header.last_offset + 1)


class Places(NamedTuple):
    """Where a cluster's audit logs are, as their heads in the metastore say: topics, and directories of a machine."""

    topics: tuple[str, ...]
    directories: tuple[Path, ...]


class _Head(Struct, frozen=True):
    """What of a head matters here (``broker.audit.anchors.Head``)."""

    where: str = ""
    topic: str = ""


async def places(metastore: Metastore, host: str) -> Places:
    """``host``: of which machine. Raises Corrupt, StoreFault."""
    topics: set[str] = set()
    directories: set[Path] = set()
    here, after = f"{host}:", ""
    while page := await metastore.documents_after(HEAD_KIND, after, HEADS_PAGE):
        for document in page:
            try:
                head = msgspec.json.decode(document.body, type=_Head)
            except msgspec.MsgspecError as error:
                raise Corrupt(f"the head of audit chain {document.id}: {error}") from None
            if head.topic:
                topics.add(head.topic)
            if head.where.startswith(here):
                directories.add(Path(head.where.removeprefix(here)))
        after = page[-1].id
    return Places(tuple(sorted(topics)), tuple(sorted(directories)))
