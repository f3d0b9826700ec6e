"""``ENGINE:PLACE``: one way of naming a checkpoint, for the command line, the hook and the schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from anabranch.errors import UserFault
from anabranch.recovery.checkpoints.model import EngineCheckpoint


class Origin(NamedTuple):
    """Engine, and where its checkpoint lies: a path or URL, or a group's or connector's name."""

    engine: str
    where: str

    def __str__(self) -> str:
        return f"{self.engine}:{self.where}"


ENGINES: Final = {
    "flink": "PATH|s3://…|http://HOST:8081/jobs/ID",
    "spark": "PATH|s3://…",
    "bytewax": "DIRECTORY",
}


def parse_origin(text: str) -> Origin:
    """``flink:/checkpoints/…`` as an Origin. Raises UserFault that says what there is."""
    engine, colon, where = text.partition(":")
    if not colon or engine not in ENGINES or not where:
        known = ", ".join(f"{name}:{what}" for name, what in ENGINES.items())
        raise UserFault(f"“{text}” does not name a checkpoint: write one of {known}")
    return Origin(engine, where)


def read(origin: Origin) -> EngineCheckpoint:
    """The checkpoint, for engines that keep it themselves. Raises UserFault, Corrupt, StoreFault."""
    readers: dict[str, Callable[[str], EngineCheckpoint]] = {
        "flink": _flink,
        "spark": _spark,
        "bytewax": _bytewax,
    }
    return readers[origin.engine](origin.where)


def _flink(where: str) -> EngineCheckpoint:
    from anabranch.recovery.checkpoints import flink

    return flink.read(where)


def _spark(where: str) -> EngineCheckpoint:
    from anabranch.recovery.checkpoints import spark

    return spark.read(where)


def _bytewax(where: str) -> EngineCheckpoint:
    from anabranch.recovery.checkpoints import bytewax

    return bytewax.read(where)
