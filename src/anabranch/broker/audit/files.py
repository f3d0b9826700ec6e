"""Writes the audit log's files: ``audit-CHAIN-NUMBER.jsonl``, one JSON object a line, synced after each batch."""

from __future__ import annotations

import os
from pathlib import Path

from anabranch.errors import StoreFault


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
