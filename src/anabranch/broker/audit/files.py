"""The audit log's files: ``audit-CHAIN-NUMBER.jsonl``, one JSON object a line, synced after each batch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from anabranch.broker.audit.chain import Line, parse
from anabranch.errors import StoreFault

_NAME: Final = re.compile(r"audit-([0-9]+-[0-9]+)-([0-9]{6})\.jsonl")
READ_BYTES: Final = 1 << 20


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


class Writer:
    """Appends to the files of one chain. In one thread."""

    def __init__(self, directory: Path, chain: str, file_bytes: int) -> None:
        self._directory = directory
        self._chain = chain
        self._file_bytes = file_bytes
        self._number = 0
        self._file: int | None = None
        self._size = 0

    def write(self, lines: bytes) -> bool:
        """Append whole lines, durable on return; whether a new file was begun for it. Raises StoreFault,
        and then nothing of ``lines`` is there."""
        try:
            begun = self._file is None or self._size >= self._file_bytes
            if begun:
                self._open()
            assert self._file is not None
            try:
                done = 0
                while done < len(lines):
                    done += os.write(self._file, lines[done:])
                os.fdatasync(self._file)
            except OSError:
                os.ftruncate(self._file, self._size)  # whoever reads sees whole lines only
                raise
            self._size += len(lines)
        except OSError as error:
            raise StoreFault(f"cannot write to {self._directory}: {error.strerror}") from error
        return begun

    def _open(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        path = self._directory / f"audit-{self._chain}-{self._number + 1:06d}.jsonl"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        self.close()
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        self._file, self._size = file, 0
        self._number += 1

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
