"""Where records go that a replay leaves out or mends: a file of JSON lines, or a topic.

Letters are written as the session's branches are filtered, before the session exists, and never again: a runner that is
killed and resumed filters nothing. A topic gets all letters of a session in one transaction, as the last thing
before the session is saved, so that of a session that is there who reads committed records finds each exactly once; of one
that failed on the way there, none. (Killed between the two, in those milliseconds, letters name a session that never was.)

A letter in a topic is the record as it was, key, value and headers, with the headers named below behind its own. Its
timestamp is that of its append: an old one would have retention remove it at once.
"""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
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

    def put(self, letters: Sequence[Letter]) -> None:
        """Take them, in the order of their offsets. Raises OSError."""
        ...

    async def publish(self) -> None:
        """All are put, and the session is about to be saved. Raises StoreFault, UserFault."""
        ...

    def close(self) -> None: ...


class LetterFile:
    """A file of JSON lines, which grows as records are met."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def shown(self) -> str:
        return str(self._path.absolute())

    def put(self, letters: Sequence[Letter]) -> None:
        if not letters:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(letter.to_json() + "\n" for letter in letters)

    async def publish(self) -> None:
        """They are there already."""

    def close(self) -> None:
        """Nothing stays open."""


class LetterTopic:
    """A topic, by a transaction of Kafka's protocol. Letters are spooled until they are published."""

    def __init__(self, place: Place, shown: str, session: str) -> None:
        self._place = place
        self._session = session
        self.shown = shown
        self._spool: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115  # closed with this
        self._letters = 0

    def put(self, letters: Sequence[Letter]) -> None:
        for letter in letters:
            self._spool.write(letter.to_json().encode() + b"\n")
        self._letters += len(letters)

    async def publish(self) -> None:
        """Creates the topic if there is none. Raises StoreFault, UnknownOutcome."""
        if self._letters:
            await asyncio.to_thread(self._publish)

    def close(self) -> None:
        self._spool.close()

    def _publish(self) -> None:
        from confluent_kafka import Producer

        from anabranch.recovery.sinks import kafka

        conf, topic = self._place.conf, self._place.topic
        partitions = _ready(conf, topic)
        name = f"anabranch-dead-letters.{self._session}"
        producer = Producer(
            {
                **conf,
                "transactional.id": name,
                "transaction.timeout.ms": TIMEOUT_MS,
                "enable.idempotence": True,
                "compression.type": "lz4",
            }
        )
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
        return LetterFile(path)
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
