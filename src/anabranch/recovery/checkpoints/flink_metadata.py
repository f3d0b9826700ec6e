"""Flink's ``_metadata``, versions 3 to 6: the operators of a checkpoint and where their state lies.

Written by ``MetadataV3Serializer`` to ``MetadataV6Serializer`` (Flink 1.11 to 2.3), which is no public
format; the self-check is that reading ends exactly at the serialized ``CheckpointProperties``, or in
version 3 at the end of the file. State itself is not read here, only where it lies.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.recovery.checkpoints.binary import Reader
from anabranch.recovery.checkpoints.flink_properties import Properties, read_properties

MAGIC: Final = 0x4960672D
MASTER_MAGIC: Final = 0xC96B1696
VERSIONS: Final = (3, 4, 5, 6)
NESTING_MAX: Final = 8  # handles within handles; Flink makes three: changelog, its base, a stream

_NULL, _BYTES, _FILE, _KEY_GROUPS, _RELATIVE, _SEGMENT, _EMPTY = 0, 1, 2, 3, 6, 15, 16
_OPERATOR, _SEGMENT_OPERATOR = 4, 17
_KEYED_GROUPS, _KEYED_SAVEPOINT, _KEYED_GROUPS_V2 = 3, 7, 12
_INCREMENTAL, _INCREMENTAL_V2 = 5, 11
_CHANGELOG, _CHANGELOG_V2 = 8, 14
_CHANGES, _CHANGE_FILES, _CHANGE_FILES_V2 = 9, 10, 13
_CHANNEL, _CHANNEL_MERGED = (1, 2), (3, 4)


class Handle(Struct, frozen=True):
    """Where a stretch of bytes lies: in ``data`` (inlined), or ``size`` bytes from ``start`` of ``path``.

    ``relative``: the path is one beside ``_metadata``. ``whole``: it is all of its file.
    """

    size: int
    data: bytes | None = None
    path: str = ""
    start: int = 0
    relative: bool = False
    whole: bool = True


class ListState(Struct, frozen=True):
    """An operator state by name: where each of its entries begins in the handle. ``mode`` is Flink's
    redistribution: 0 split, 1 union, 2 broadcast."""

    name: str
    mode: int
    offsets: tuple[int, ...]


class OperatorStates(Struct, frozen=True):
    """The operator states of a subtask, which share one stretch of bytes. ``empty``: it holds none."""

    states: tuple[ListState, ...]
    handle: Handle | None
    empty: bool = False


class Subtask(Struct, frozen=True):
    """One subtask's share. ``input_bytes`` and ``output_bytes`` are channel state: records in flight."""

    index: int
    finished: bool = False
    managed: OperatorStates | None = None
    input_bytes: int = 0
    output_bytes: int = 0


class Operator(Struct, frozen=True):
    """One operator. ``name`` and ``uid`` are "" before version 5, or where the job gave none."""

    name: str
    uid: str
    id: str
    parallelism: int
    max_parallelism: int
    coordinator: bytes | None
    finished: bool
    subtasks: tuple[Subtask, ...]


class Metadata(Struct, frozen=True):
    """A whole ``_metadata`` file. ``files`` are the stretches of other files that it needs."""

    version: int
    checkpoint: int
    operators: tuple[Operator, ...]
    files: tuple[Handle, ...]
    properties: Properties | None


def parse(data: bytes, name: str) -> Metadata:
    """The metadata in ``data``, which is all of the file ``name``. Raises Corrupt, UserFault."""
    return _Parser(Reader(data, name), name).metadata()


class _Parser:
    def __init__(self, reader: Reader, name: str) -> None:
        self._in = reader
        self._name = name
        self._files: list[Handle] = []
        self._version = 0

    def metadata(self) -> Metadata:
        read = self._in
        if read.remaining < 8 or read.i32() != MAGIC:
            raise UserFault(
                f"{self._name} is not a Flink checkpoint: it does not begin as a _metadata"
            )
        self._version = read.i32()
        if self._version not in VERSIONS:
            raise UserFault(
                f"{self._name} is a Flink checkpoint of metadata version {self._version}; "
                f"versions {VERSIONS[0]} to {VERSIONS[-1]} are read"
            )
        checkpoint = read.i64()
        if checkpoint < 0:
            raise read.corrupt(f"checkpoint id {checkpoint}", read.position - 8)
        for _ in range(read.count(8)):
            self._master_state()
        operators = tuple(self._operator() for _ in range(read.count(29)))
        properties = read_properties(read) if self._version >= 4 else None
        read.end()
        return Metadata(self._version, checkpoint, operators, tuple(self._files), properties)

    def _master_state(self) -> None:
        if self._in.i32() & 0xFFFFFFFF != MASTER_MAGIC:
            raise self._in.corrupt("no state of a master hook begins here", self._in.position - 4)
        state = self._in.sized()
        state.i32()
        state.utf()
        state.sized()
        state.end()

    def _operator(self) -> Operator:
        read = self._in
        name, uid = (read.utf(), read.utf()) if self._version >= 5 else ("", "")
        identity = bytes(read.take(16)).hex()
        parallelism, max_parallelism = read.i32(), read.i32()
        at = read.position
        handle = self._stream()
        if handle is not None and handle.data is None:
            raise read.corrupt("a coordinator's state that is not inlined", at)
        at = read.position
        number = read.i32()
        if number > read.remaining // 4:
            raise read.corrupt(f"{number:,} subtasks cannot be in {read.remaining:,} bytes", at)
        subtasks = tuple(self._subtask() for _ in range(max(0, number)))
        if len({one.index for one in subtasks}) != len(subtasks):
            raise read.corrupt("two states of one subtask", at)
        return Operator(
            name,
            uid,
            identity,
            parallelism,
            max_parallelism,
            None if handle is None else handle.data,
            number < 0,
            subtasks,
        )

    def _subtask(self) -> Subtask:
        read = self._in
        index = read.i32()
        if index < 0:  # finished: -1 is subtask 0
            return Subtask(-index - 1, finished=True)
        managed = self._operator_states() if read.i32() else None
        if read.i32():
            self._operator_states()  # raw: bytes that only the operator understands
        self._keyed(0)
        self._keyed(0)
        # A channel: five numbers at least, and the handle that its bytes lie in.
        inputs = sum(self._channel() for _ in range(read.count(21)))
        outputs = sum(self._channel() for _ in range(read.count(21)))
        return Subtask(index, False, managed, inputs, outputs)

    def _operator_states(self) -> OperatorStates | None:
        read = self._in
        kind = read.u8()
        if kind == _NULL:
            return None
        if kind not in (_OPERATOR, _SEGMENT_OPERATOR):
            raise read.corrupt(f"a handle of operator state of kind {kind}", read.position - 1)
        states = []
        for _ in range(read.count(7)):
            name, mode = read.utf(), read.u8()
            if mode > 2:
                raise read.corrupt(f"redistribution mode {mode}", read.position - 1)
            states.append(ListState(name, mode, read.i64s(read.count(8))))
        empty = False
        if kind == _SEGMENT_OPERATOR:
            read.utf()  # the directories of file merging
            read.utf()
            empty = read.boolean()
        handle = self._stream()
        return OperatorStates(tuple(states), handle, empty or handle is None)

    def _stream(self, nesting: int = 0) -> Handle | None:
        """A handle of bytes; those that lie in files are kept for a look whether they are there."""
        read = self._in
        kind = read.u8()
        if kind == _NULL:
            return None
        if kind == _BYTES:
            read.utf()
            data = bytes(read.take(read.i32()))
            return Handle(len(data), data)
        if kind == _EMPTY:
            return Handle(0, b"")
        if kind == _FILE:
            size = self._size()
            return self._file(Handle(size, path=self._path()))
        if kind == _RELATIVE:
            path = self._path()
            return self._file(Handle(self._size(), path=path, relative=True))
        if kind == _SEGMENT:
            start, size = self._size(), self._size()
            read.i32()  # shared or exclusive
            path = self._path()
            read.utf()
            return self._file(Handle(size, path=path, start=start, whole=False))
        if kind == _KEY_GROUPS and nesting < NESTING_MAX:
            self._key_groups()
            return self._stream(nesting + 1)
        raise read.corrupt(f"a handle of kind {kind}", read.position - 1)

    def _path(self) -> str:
        at = self._in.position
        path = self._in.utf()
        if not path or "\0" in path:
            raise self._in.corrupt("a file without a name", at)
        return path

    def _size(self) -> int:
        size = self._in.i64()
        if size < 0:
            raise self._in.corrupt(f"a size of {size}", self._in.position - 8)
        return size

    def _file(self, handle: Handle) -> Handle:
        self._files.append(handle)
        return handle

    def _key_groups(self) -> None:
        self._in.i32()
        self._in.take(8 * self._in.count(8))

    def _keyed(self, nesting: int) -> None:
        """State by key: walked over, for the files that it needs and to get to what follows."""
        read = self._in
        kind = read.u8()
        if kind == _NULL:
            return
        if nesting > NESTING_MAX:
            raise read.corrupt("handles of keyed state nested too deeply", read.position - 1)
        if kind in (_KEYED_GROUPS, _KEYED_SAVEPOINT, _KEYED_GROUPS_V2):
            self._key_groups()
            self._stream()
            if kind == _KEYED_GROUPS_V2:
                read.utf()
        elif kind in (_INCREMENTAL, _INCREMENTAL_V2):
            read.i64()
            read.utf()
            read.take(8)  # key groups
            if kind == _INCREMENTAL_V2:
                read.i64()
            self._stream()
            for _ in range(2):  # shared and private files
                for _ in range(read.count(3)):
                    read.utf()
                    self._stream()
            if kind == _INCREMENTAL_V2:
                read.utf()
        elif kind in (_CHANGELOG, _CHANGELOG_V2):
            read.take(16)
            for _ in range(2):  # what was materialized, and the changes since
                for _ in range(read.count(1)):
                    self._keyed(nesting + 1)
            read.i64()
            if kind == _CHANGELOG_V2:
                read.i64()
            read.utf()
        elif kind == _CHANGES:
            read.take(24)
            for _ in range(read.count(8)):
                read.i32()
                read.take(read.i32())
            read.utf()
        elif kind in (_CHANGE_FILES, _CHANGE_FILES_V2):
            read.take(8)
            for _ in range(read.count(9)):
                read.i64()
                self._stream()
            read.take(16)
            read.utf()
            if kind == _CHANGE_FILES_V2:
                read.utf()
        else:
            raise read.corrupt(f"a handle of keyed state of kind {kind}", read.position - 1)

    def _channel(self) -> int:
        """A handle of channel state: how many bytes of records in flight it holds."""
        read = self._in
        kind = read.u8() if self._version >= 6 else _CHANNEL[0]
        if kind in _CHANNEL:
            read.take(12)  # subtask, and which of its channels
            offsets = read.count(8)
            read.take(8 * offsets)
            size = self._size()
            self._stream()
            return size
        if kind in _CHANNEL_MERGED:
            read.i32()
            size = self._size()
            self._stream()
            read.take(read.i32())
            return size
        raise read.corrupt(f"a handle of channel state of kind {kind}", read.position - 1)
