"""Entries of Flink's operator state, and what Flink's Kafka connectors keep in them.

An entry is a byte array with its length, which holds a version, a length and the thing itself
(``SimpleVersionedSerialization``); only the consumer before ``KafkaSource`` writes Kryo's form.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from anabranch.errors import Corrupt
from anabranch.recovery.checkpoints.binary import Reader
from anabranch.recovery.checkpoints.flink_metadata import Handle, OperatorStates

READER_STATE: Final = "SourceReaderState"
LEGACY_STATE: Final = "topic-partition-offset-states"
COMMITTER_STATE: Final = "streaming_committer_raw_states"
WRITER_STATE: Final = "writer_raw_states"
# Records that an asynchronous function had been given and not answered: they wait in the operator's state.
ASYNC_STATE: Final = "_async_wait_operator_state_"

ENTRY_BYTES_MAX: Final = (
    1 << 20
)  # a split is under 300 bytes, a list of transactions a few thousand
BACKEND_VERSIONS: Final = range(1, 7)  # OperatorBackendSerializationProxy
_COLLECTOR_MAGIC: Final = 0xB91F252C
_SNAPPY_BEGIN: Final = b"\xff\x06\x00\x00sNaPpY"

Fetch = Callable[[Handle, int, int], bytes]
"""(handle, start, length): bytes of a handle, wherever they lie. Raises Corrupt, UserFault, StoreFault."""


class Split(NamedTuple):
    """A partition as a source keeps it; ``stop`` None where it has no end."""

    topic: str
    partition: int
    start: int
    stop: int | None


class Discovered(NamedTuple):
    """A partition as an enumerator keeps it; ``start`` None where it did not keep that."""

    topic: str
    partition: int
    assigned: bool
    start: int | None


class Transaction(NamedTuple):
    """A transaction of KafkaSink. ``state``: Flink's CommitRequestState, or None where it has none."""

    transactional_id: str
    producer_id: int
    producer_epoch: int


def entries(states: OperatorStates, name: str, fetch: Fetch, where: str) -> Iterator[Reader]:
    """Each entry of the operator state ``name``, to be read to its end. Raises Corrupt."""
    handle = states.handle
    wanted = [state for state in states.states if state.name == name and state.offsets]
    if handle is None or not wanted:
        return
    # Version of the backend's header; from 6 on it says whether the states behind it are compressed.
    head = Reader(fetch(handle, 0, min(5, handle.size)), where)
    version = head.i32()
    if version not in BACKEND_VERSIONS:
        raise head.corrupt(f"operator state of version {version}", 0)
    compressed = version >= 6 and head.boolean()
    bounds = sorted({offset for state in states.states for offset in state.offsets} | {handle.size})
    ends = dict(itertools.pairwise(bounds))
    if bounds[0] < 0 or bounds[-1] != handle.size:
        raise Corrupt(
            f"{where}: entries at {bounds[0]:,} to {bounds[-1]:,} of {handle.size:,} bytes"
        )
    for state in wanted:
        for offset in state.offsets:
            length = ends.get(offset, offset) - offset
            if not 0 < length <= ENTRY_BYTES_MAX:
                raise Corrupt(f"{where}: byte {offset:,}: an entry of {length:,} bytes")
            data = fetch(handle, offset, length)
            yield Reader(_inflated(data, where, offset) if compressed else data, where, offset)


def _inflated(data: bytes, where: str, offset: int) -> bytes:
    """Snappy's framing format; each entry begins a chunk."""
    import cramjam

    framed = data if data.startswith(_SNAPPY_BEGIN) else _SNAPPY_BEGIN + data
    try:
        return bytes(cramjam.snappy.decompress(framed))
    except Exception as error:  # cramjam raises its own, which is no public name
        raise Corrupt(f"{where}: byte {offset:,}: not snappy: {error}") from error


def versioned(entry: Reader) -> tuple[int, Reader]:
    """A byte array that holds version, length and thing: the version, and the thing to be read."""
    inner = entry.sized()
    entry.end()
    version = inner.i32()
    thing = inner.sized()
    inner.end()
    return version, thing


def split(version: int, thing: Reader) -> Split:
    """A ``KafkaPartitionSplit``. Raises Corrupt for anything else."""
    if version != 0:
        raise thing.corrupt(f"a split of version {version}: not one of KafkaSource")
    topic, partition, start, stop = thing.utf(), thing.i32(), thing.i64(), thing.i64()
    thing.end()
    if partition < 0 or not topic:
        raise thing.corrupt(f"partition {partition} of topic “{topic[:40]}”")
    # The marker Long.MIN_VALUE says that there is no end; -1 and -3 are ends decided at the start.
    return Split(topic, partition, start, None if stop == -(1 << 63) else stop)


def discovered(data: bytes, where: str) -> list[Discovered]:
    """The state of a ``KafkaSourceEnumerator`` within that of its coordinator. Raises Corrupt."""
    read = Reader(data, where)
    serde = read.i32()
    if serde not in (0, 1):
        raise read.corrupt(f"a coordinator's state of version {serde}", 0)
    version = read.i32()
    state = read.sized()
    if serde == 1:
        read.end()  # version 0 goes on with what was assigned since, which the readers hold by now
    found = []
    if version == 3:
        number, split_version = state.count(8), state.i32()
        for _ in range(number):
            one = split(split_version, state.sized())
            assigned = _status(state)
            found.append(Discovered(one.topic, one.partition, assigned, one.start))
        state.boolean()
    elif version in (1, 2):
        for _ in range(state.count(6)):
            topic, partition = state.utf(), state.i32()
            found.append(Discovered(topic, partition, version == 1 or _status(state), None))
        if version == 2:
            state.boolean()
    else:
        raise state.corrupt(f"an enumerator's state of version {version}: not one of KafkaSource")
    state.end()
    return found


def _status(read: Reader) -> bool:
    """Whether a partition had been assigned to a reader."""
    status = read.i32()
    if status not in (0, 1):
        raise read.corrupt(f"assignment status {status}", read.position - 4)
    return status == 0


def committables(version: int, thing: Reader) -> list[Transaction]:
    """The transactions that a committer holds: a restore commits them. Raises Corrupt."""
    if version != 2 or thing.i32() & 0xFFFFFFFF != _COLLECTOR_MAGIC:
        raise thing.corrupt(f"not committables of version 2 but {version}")
    found = []
    for checkpoint_version, checkpoint in _list(thing):
        checkpoint.i64()
        if checkpoint_version >= 1:
            checkpoint.i32()
        for subtask_version, subtask in _list(checkpoint):
            if subtask_version >= 1:
                subtask.i32()
            for _, request in _list(subtask):
                kind, committable = request.i32(), request.sized()
                if kind != 1:
                    raise committable.corrupt(f"a committable of version {kind}")
                epoch, producer, name = committable.i16(), committable.i64(), committable.utf()
                committable.end()
                request.take(8)  # retries, state
                request.end()
                found.append(Transaction(name, producer, epoch))
            subtask.take(8 if subtask_version >= 2 else 12)
            subtask.end()
        checkpoint.end()
    thing.end()
    return found


def _list(read: Reader) -> Iterator[tuple[int, Reader]]:
    """``writeVersionAndSerializeList``: one version, then each thing with its length."""
    version = read.i32()
    for _ in range(read.count(4)):
        yield version, read.sized()


def writer_transactions(version: int, thing: Reader) -> tuple[str, list[str]]:
    """The prefix of a KafkaSink writer's transactional ids, and those in use. Raises Corrupt."""
    prefix = thing.utf()
    names = []
    if version == 2:
        thing.take(12)  # subtask, subtasks, who owns the names
        for _ in range(thing.count(10)):
            names.append(thing.utf())
            thing.i64()
    elif version != 1:
        raise thing.corrupt(f"a writer's state of version {version}: not one of KafkaSink")
    thing.end()
    return prefix, names
