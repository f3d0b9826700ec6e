"""One Anabranch broker, run as a user runs it: ``anabranch up``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.peers.cache import PeerUnavailable
from tests.support.peers.node import Node


def anabranch_command() -> list[str]:
    """The installed console script beside this interpreter."""
    script = Path(sys.executable).parent / "anabranch"
    if not script.exists():
        raise PeerUnavailable(f"{script} is missing: install the checkout (pip install -e .)")
    return [str(script)]


class AnabranchNode(Node):
    """Embedded defaults: SQLite and a directory, everything durable before it is acknowledged."""

    name = "anabranch"

    @property
    def store_data(self) -> Path:
        return self.data / "data"

    def command(self) -> list[str]:
        return [
            *anabranch_command(),
            "up",
            *("--data", str(self.store_data)),
            *("--listen", self.bootstrap),
        ]

    def segments(self, topic: str, partition: int = 0) -> list[Path]:
        # topics/<name>-<topic id>/<partition>/<base offset>-<unique>.log; a topic name may itself
        # contain "-", so the id is cut from the right.
        found: list[Path] = []
        for directory in (self.store_data / "store" / "topics").glob(f"{topic}-*"):
            if (
                directory.name[: len(topic)] == topic
                and "-" not in directory.name[len(topic) + 1 :]
            ):
                found += (directory / str(partition)).glob("*.log")
        return sorted(found, key=lambda path: path.name)
