"""``ENGINE:PLACE``: one way of naming a checkpoint, for the command line, the hook and the schedule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from anabranch.errors import UserFault
from anabranch.recovery.checkpoints.model import EngineCheckpoint

if TYPE_CHECKING:
    from anabranch.log.log import Log


class Origin(NamedTuple):
    """Engine, and where its checkpoint lies: a path or URL, or a group's or connector's name."""

    engine: str
    where: str

    def __str__(self) -> str:
        return f"{self.engine}:{self.where}"


ENGINES: Final = {
    "flink": "PATH, s3://… or http://HOST:8081/jobs/JOB",
    "spark": "PATH or s3://…",
    "bytewax": "DIRECTORY",
    "connect": "URL of a connector, FILE or NAME",
    "streams": "GROUP",
    "quix": "GROUP",
}


def parse_origin(text: str) -> Origin:
    """``flink:/checkpoints/…`` as an Origin. Raises UserFault that says what there is."""
    engine, colon, where = text.partition(":")
    if not colon or engine not in ENGINES or not where:
        known = "; ".join(f"{name}:{what}" for name, what in ENGINES.items())
        raise UserFault(f"“{text}” does not name a checkpoint: write {known}")
    return Origin(engine, where)


def group_of(origin: Origin) -> str | None:
    """The group whose commits are the checkpoint; None for engines that keep it themselves."""
    if origin.engine in ("streams", "quix"):
        return origin.where
    if origin.engine == "connect" and _is_connector_name(origin.where):
        return f"connect-{origin.where}"
    return None


def _is_connector_name(where: str) -> bool:
    return "/" not in where and not Path(where).exists()


def read(origin: Origin) -> EngineCheckpoint:
    """The checkpoint, of an engine that keeps it itself. Blocks. Raises UserFault, Corrupt, StoreFault."""
    readers: dict[str, Callable[[str], EngineCheckpoint]] = {
        "flink": _flink,
        "spark": _spark,
        "bytewax": _bytewax,
        "connect": _connect,
    }
    return readers[origin.engine](origin.where)


async def read_group(log: Log, origin: Origin) -> EngineCheckpoint:
    """The checkpoint, of an engine whose group's commits it is. Raises UserFault, Corrupt, StoreFault."""
    from anabranch.recovery.checkpoints import groups

    group = group_of(origin)
    assert group is not None
    return await groups.read(log, origin.engine, group)


def _flink(where: str) -> EngineCheckpoint:
    from anabranch.recovery.checkpoints import flink, flink_rest

    if where.startswith(("http://", "https://")):
        path, taken_ms = flink_rest.locate(where)
        return flink.read(path, taken_ms=taken_ms)
    return flink.read(where)


def _spark(where: str) -> EngineCheckpoint:
    from anabranch.recovery.checkpoints import spark

    return spark.read(where)


def _bytewax(where: str) -> EngineCheckpoint:
    from anabranch.recovery.checkpoints import bytewax

    return bytewax.read(where)


def _connect(where: str) -> EngineCheckpoint:
    from anabranch.recovery.checkpoints import connect

    return connect.read(where)
