"""One Anabranch broker, run as a user runs it: ``anabranch up``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
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
    """Embedded defaults: SQLite and a directory, everything durable before it is acknowledged.

    `settings` are sections of its TOML file, such as ``{"log": {"merge_age_ms": 1000}}``.
    """

    name = "anabranch"

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
