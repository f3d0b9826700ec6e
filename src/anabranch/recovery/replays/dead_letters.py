"""Where records go that a replay leaves out or mends: a file of JSON lines, or a topic.

Letters are collected as the session's branches are filtered, and given away once, in one step: a topic gets all of them in
one transaction, a file in one go. A runner that is killed and resumed filters nothing. So that no letter names a session that
nobody knows, the session is saved before, as one that is being prepared, with the place behind which its letters will lie:

    filter branches │ save "preparing" │ give letters away │ save "prepared"
                    a                  b                   c

Killed at *a*, there are neither letters nor session. Killed at *b* or *c* (or in the middle of it), the session is there and
says so; who resumes it looks whether the letters are there (:meth:`DeadLetters.settle`). If they are, it goes on; if not,
nothing of it was ever read, and it is cancelled and cleared away. Of a session that replays, each letter is there exactly once.

A letter in a topic is the record as it was, key, value and headers, with the headers named below behind its own. Its
timestamp is that of its append: an old one would have retention remove it at once.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from anabranch.errors import StoreFault, UserFault
from anabranch.records.record import Record

if TYPE_CHECKING:
    from anabranch.recovery.sinks.kafka_positions import Place

# Text in UTF-8. They say where a record comes from, as Kafka Connect's `__connect.errors.*` do for its dead letters.
SESSION_HEADER: Final = "anabranch.dead-letter.session"
TOPIC_HEADER: Final = "anabranch.dead-letter.topic"
PARTITION_HEADER: Final = "anabranch.dead-letter.partition"
OFFSET_HEADER: Final = "anabranch.dead-letter.offset"
TIMESTAMP_HEADER: Final = "anabranch.dead-letter.timestamp"  # milliseconds since the epoch
ACTION_HEADER: Final = "anabranch.dead-letter.action"  # skipped, fixed
REASON_HEADER: Final = "anabranch.dead-letter.reason"

TIMEOUT_MS: Final = (
    300_000  # a million letters take some 30 s; those of who was killed hold readers up for so long
)
SPOOL_BYTES: Final = 8 * 1024 * 1024  # held in memory; beyond, in a temporary file


class Letter(NamedTuple):
    """A record that was left out or mended, as it was."""

    session: str
    topic: str
    partition: int
    action: str
    reason: str
    record: Record

    def to_json(self) -> str:
        """One line, bytes in Base64."""
        record = self.record
        return json.dumps(
            {
                "session": self.session,
                "topic": self.topic,
                "partition": self.partition,
                "offset": record.offset,
                "timestamp": record.timestamp,
                "action": self.action,
                "reason": self.reason,
                "key": _base64(record.key),
                "value": _base64(record.value),
                "headers": [[key, _base64(value)] for key, value in record.headers],
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, line: str | bytes) -> Letter:
        """Inverse of :meth:`to_json`."""
        told = json.loads(line)
        record = Record(
            told["offset"],
            told["timestamp"],
            _bytes(told["key"]),
            _bytes(told["value"]),
            tuple((key, _bytes(value)) for key, value in told["headers"]),
        )
        where = told["session"], told["topic"], told["partition"]
        return cls(*where, told["action"], told["reason"], record)

    @property
    def headers(self) -> list[tuple[str, bytes | None]]:
        """The record's own, then what a letter in a topic says of itself."""
        record = self.record
        own = {
            SESSION_HEADER: self.session,
            TOPIC_HEADER: self.topic,
            PARTITION_HEADER: str(self.partition),
            OFFSET_HEADER: str(record.offset),
            TIMESTAMP_HEADER: str(record.timestamp),
            ACTION_HEADER: self.action,
            REASON_HEADER: self.reason,
        }
        return [*record.headers, *((name, text.encode()) for name, text in own.items())]


class DeadLetters(Protocol):
    """What takes the letters of one session. ``shown`` says to people where they are."""

    @property
    def shown(self) -> str: ...

    @property
    def letters(self) -> int:
        """How many were put."""
        ...

    def put(self, letters: Sequence[Letter]) -> None:
        """Take them, in the order of their offsets. Raises OSError."""
        ...

    async def begin(self) -> tuple[int, ...]:
        """Where the place ends now: what is published lies behind it. Raises OSError, StoreFault."""
        ...

    async def publish(self) -> None:
        """All are put; give them away. Raises UnknownOutcome if they may be there or not; OSError, StoreFault,
        UserFault if they are not."""
        ...

    async def settle(self, behind: Sequence[int], letters: int) -> bool:
        """Whether all of them are there, which somebody published ``behind`` what :meth:`begin` had answered, and was
        killed; if it is not so, it never will be. Raises OSError, StoreFault: it cannot be told now."""
        ...

    def close(self) -> None: ...


class _Spooled:
    """Letters wait in a file without a name."""

    def __init__(self) -> None:
        self._spool: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115  # closed with this
        self.letters = 0

    def put(self, letters: Sequence[Letter]) -> None:
        for letter in letters:
            self._spool.write(letter.to_json().encode() + b"\n")
        self.letters += len(letters)

    def close(self) -> None:
        self._spool.close()


class LetterFile(_Spooled):
    """A file of JSON lines, which several sessions may share."""

    def __init__(self, path: Path, session: str) -> None:
        super().__init__()
        self._path = path
        self._session = session

    @property
    def shown(self) -> str:
        return str(self._path.absolute())

    async def begin(self) -> tuple[int, ...]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            return (file.tell(),)

    async def publish(self) -> None:
        """Behind what is there; what does not come to its end is taken back."""
        await asyncio.to_thread(self._append)

    async def settle(self, behind: Sequence[int], letters: int) -> bool:
        return await asyncio.to_thread(self._settle, behind[0], letters)

    def _append(self) -> None:
        with self._locked() as file:
            end = file.seek(0, os.SEEK_END)
            try:
                if end and not self._ends_a_line(file, end):
                    file.write(b"\n")  # somebody else was killed in the middle of a line
                self._spool.seek(0)
                shutil.copyfileobj(self._spool, file)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise

    def _settle(self, behind: int, letters: int) -> bool:
        if not self._path.exists():
            return False
        with self._locked() as file:
            file.seek(behind)
            found, alone = 0, True
            for line in _lines(file):
                is_own = line.endswith(b"\n") and self._is_own(line)
                found += is_own
                alone = alone and (is_own or not line.endswith(b"\n") or not line.strip())
            if found < letters and alone:
                file.truncate(behind)
            return found == letters

    def _is_own(self, line: bytes) -> bool:
        try:
            return Letter.from_json(line).session == self._session
        except (ValueError, KeyError, TypeError):
            return False

    @staticmethod
    def _ends_a_line(file: IO[bytes], end: int) -> bool:
        file.seek(end - 1)
        return file.read(1) == b"\n"

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        """Sessions that share the file take turns."""
        with self._path.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.ENOTSUP):
                    raise  # where files cannot be locked, they are not shared either
            yield file


class LetterTopic(_Spooled):
    """A topic, by a transaction of Kafka's protocol."""

    def __init__(self, place: Place, shown: str, session: str) -> None:
        super().__init__()
        self._place = place
        self._session = session
        self.shown = shown

    async def begin(self) -> tuple[int, ...]:
        """Creates the topic if there is none."""
        return await asyncio.to_thread(self._begin)

    async def publish(self) -> None:
        await asyncio.to_thread(self._publish)

    async def settle(self, behind: Sequence[int], letters: int) -> bool:
        return await asyncio.to_thread(self._settle, behind)

    def _begin(self) -> tuple[int, ...]:
        from anabranch.recovery.sinks import kafka_positions

        conf, topic = self._place.conf, self._place.topic
        return kafka_positions.ends(conf, topic, _ready(conf, topic))

    def _settle(self, behind: Sequence[int]) -> bool:
        """A transaction is there wholly or not at all. Whoever was at it is fenced, and what it left open is aborted:
        after that nothing of it can come any more."""
        from anabranch.recovery.sinks import kafka, kafka_positions

        conf, topic = self._place.conf, self._place.topic
        producer = self._producer()
        kafka.call(self._session, lambda: producer.init_transactions(kafka.INIT_S_MAX))
        own = self._session.encode()
        ends = kafka_positions.ends(conf, topic, _ready(conf, topic))
        return any(
            (SESSION_HEADER, own) in (message.headers() or ())
            for message in kafka_positions.committed_between(conf, topic, behind, ends)
        )

    def _producer(self) -> Any:
        from confluent_kafka import Producer

        return Producer(
            {
                **self._place.conf,
                "transactional.id": f"anabranch-dead-letters.{self._session}",
                "transaction.timeout.ms": TIMEOUT_MS,
                "enable.idempotence": True,
                "compression.type": "lz4",
            }
        )

    def _publish(self) -> None:
        from anabranch.recovery.sinks import kafka

        topic = self._place.topic
        partitions = _ready(self._place.conf, topic)
        producer = self._producer()
        refused: list[str] = []

        def told(error: Any, message: Any) -> None:
            if error is not None:
                refused.append(error.str())

        def all_of_them() -> None:
            self._spool.seek(0)
            for letter in map(Letter.from_json, _lines(self._spool)):
                if refused:
                    break
                sink.produce(
                    topic,
                    letter.record.key,
                    letter.record.value,
                    letter.headers,
                    partition=letter.partition % partitions,
                    on_delivery=told,
                )
            producer.flush()
            if refused:
                raise StoreFault(f"{self.shown}: {refused[0]}", retryable=False)

        sink = kafka.KafkaSink(producer, self._place, self._session, {}, {}, {})
        kafka.call(self._session, lambda: producer.init_transactions(kafka.INIT_S_MAX))
        sink.within(all_of_them)


def _ready(conf: dict[str, Any], topic: str) -> int:
    """How many partitions the topic has; created with one if there is none. Raises StoreFault."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    from anabranch.recovery.sinks import kafka_positions

    admin = AdminClient(dict(conf))
    try:
        there = admin.list_topics(timeout=kafka_positions.ADMIN_S_MAX).topics.get(topic)
        if there is not None and there.partitions:
            return len(there.partitions)
    except KafkaException as error:
        raise StoreFault(f"dead letters: {error.args[0].str()}") from error
    kafka_positions.create(admin, NewTopic(topic, 1, -1))
    return 1


async def opened(
    wanted: Path | str,
    session: str,
    *,
    inputs: Collection[str],
    brokers: Callable[[], Any],
) -> DeadLetters:
    """What takes the letters of ``session``: ``topic:NAME`` of this cluster, ``kafka:HOST:PORT/TOPIC`` (both with
    ``?config=FILE`` of a client's settings), else a file, or the directory of a file named after the session.

    ``brokers`` answers the addresses of this cluster's and their protocol, if they are wanted. Raises UserFault: no such
    place, or one of the replay's ``inputs``.
    """
    text = str(wanted)
    scheme, _, rest = text.partition(":")
    if scheme not in ("topic", "kafka") or not rest:
        path = Path(wanted)
        if path.is_dir() or not path.suffix:
            path = path / f"{session}.dead.jsonl"
        return LetterFile(path, session)
    try:
        from anabranch.recovery.sinks import kafka_positions
    except ModuleNotFoundError:
        raise UserFault(
            "dead letters into a topic need a Kafka client: pip install 'anabranch[kafka]'"
        ) from None
    if scheme == "kafka":
        return LetterTopic(kafka_positions.place(text), text, session)
    name = rest.partition("?")[0]
    if name in inputs:
        raise UserFault(
            f"“{name}” is what the replay reads: dead letters there would come again; name another topic"
        )
    servers, protocol = await brokers()
    place = kafka_positions.place(f"kafka:{servers}/{rest}")
    conf = {"security.protocol": protocol, **place.conf}
    return LetterTopic(place._replace(conf=conf), text, session)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline():
        yield line


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
