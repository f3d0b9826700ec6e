"""One Anabranch broker, run as a user runs it: ``anabranch up``."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.peers.cache import PeerUnavailable
from tests.support.peers.node import Node

TOPIC_ID_CHARACTERS = 22  # a UUID in Kafka's base64
# Base offset, batch length (of what follows it), leader epoch to attributes, last offset delta.
BATCH_HEADER = struct.Struct(">qi11xi")


def anabranch_command() -> list[str]:
    """The installed console script beside this interpreter."""
    script = Path(sys.executable).parent / "anabranch"
    if not script.exists():
        raise PeerUnavailable(f"{script} is missing: install the checkout (pip install -e .)")
    return [str(script)]


class AnabranchNode(Node):
    """Embedded defaults: SQLite and a directory, everything durable before it is acknowledged.

    `settings` are sections of its TOML file, such as ``{"log": {"merge_age_ms": 1000}}``.
    """

    name = "anabranch"
    unusable = AssertionError  # a test must not pass over it as over a peer that is not there

    def __init__(
        self,
        data: Path | None = None,
        *,
        parent: Path | None = None,
        settings: Mapping[str, Mapping[str, int | bool | str]] | None = None,
    ) -> None:
        super().__init__(data, parent=parent)
        self._settings = settings or {}

    @property
    def config(self) -> Path:
        return self.data / "anabranch.toml"

    def prepare(self) -> None:
        lines: list[str] = []
        for section, values in self._settings.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        self.config.write_text("\n".join(lines) + "\n")

    @property
    def store_data(self) -> Path:
        return self.data / "data"

    def command(self) -> list[str]:
        return [
            *anabranch_command(),
            "up",
            *("--data", str(self.store_data)),
            *("--listen", self.bootstrap),
            *("--config", str(self.config)),
        ]

    def segments(self, topic: str, partition: int = 0) -> list[Path]:
        """The files that cover the log; those that a larger one replaced stay on disk for a while."""
        # topics/<name>-<topic id>/<partition>/<base offset>.<unique>.log
        files = [
            file
            for directory in (self.store_data / "store" / "topics").glob(f"{topic}-*")
            if len(directory.name) == len(topic) + 1 + TOPIC_ID_CHARACTERS
            for file in (directory / str(partition)).glob("*.log")
        ]
        spans = [(span(file), file) for file in files]
        cover: list[Path] = []
        covered = -1
        for (first, last), file in sorted(spans, key=lambda each: (each[0][0], -each[0][1])):
            if first > covered:
                cover.append(file)
                covered = last
        return cover


def span(segment: Path) -> tuple[int, int]:
    """First and last offset in a segment file, by walking its batch headers."""
    first, last = -1, -1
    with segment.open("rb") as file:
        while len(header := file.read(BATCH_HEADER.size)) == BATCH_HEADER.size:
            base, length, last_delta = BATCH_HEADER.unpack(header)
            first = base if first < 0 else first
            last = base + last_delta
            file.seek(12 + length - BATCH_HEADER.size, 1)
    return first, last
