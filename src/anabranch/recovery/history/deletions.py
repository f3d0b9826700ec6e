"""Who deleted a topic, by the audit logs of a cluster: files on this machine, and topics that hold a copy."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from anabranch.errors import StoreFault
from anabranch.log.audit_trail import Line, list_files, places, read_lines, read_topic
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.recovery.plans.missing import WhoDeleted

APIS: Final = ("DeleteTopics", "anabranch topic delete")
APART_MS_MAX: Final = 60_000  # a line's time from the deletion's: clocks of two machines
LINES_MAX: Final = 100_000  # read of one partition of a topic; where no time is known, the newest

Found = tuple[int, str]


def who_deleted(log: Log, where: Location) -> WhoDeleted:
    """Asks the audit logs when it is asked: hardly any plan meets a topic that was recreated.

    They are in ``audit`` of the data directory, and where brokers said that theirs are: directories of this machine, topics. What
    cannot be read is said instead of a name, and is no reason to have no plan.
    """

    async def asked(topic: str, at_ms: int | None) -> str:
        try:
            known = await places(log.metastore, socket.gethostname())
            directories = {*known.directories, *([where.data / "audit"] if where.data else [])}
            found = await asyncio.to_thread(_in_files, directories, topic)
            if not _who(found, at_ms):
                for name in known.topics:
                    found += await _in_topic(log, name, topic, at_ms)
        except StoreFault as fault:
            return f"somebody (the audit log cannot be read: {fault})"
        return _who(found, at_ms)

    return asked


def _who(found: Iterable[Found], at_ms: int | None) -> str:
    """Who did it at about that time; the last one, if none is known."""
    if at_ms is None:
        return max(found, default=(0, ""))[1]
    near = [one for one in found if abs(one[0] - at_ms) <= APART_MS_MAX]
    return min(near, key=lambda one: abs(one[0] - at_ms), default=(0, ""))[1]


def _in_files(directories: Iterable[Path], topic: str) -> list[Found]:
    lines = (
        line
        for directory in sorted(directories)
        for file in list_files(directory)
        for line in read_lines(file.path)
        if isinstance(line, Line)
    )
    return [_found(line.fields) for line in lines if _deletes(line.fields, topic)]


async def _in_topic(log: Log, name: str, topic: str, at_ms: int | None) -> list[Found]:
    await log.catalogue.reload()
    copy = log.catalogue.topic(name)
    if copy is None:
        return []
    since_ms = None if at_ms is None else at_ms - APART_MS_MAX
    return [
        _found(line.fields)
        async for line in read_topic(log, copy, since_ms=since_ms, lines_max=LINES_MAX)
        if isinstance(line, Line) and _deletes(line.fields, topic)
    ]


def _deletes(fields: dict[str, Any], topic: str) -> bool:
    return (
        fields.get("api") in APIS
        and fields.get("resource") == f"TOPIC:{topic}"
        and fields.get("outcome", "ok") == "ok"
    )


def _found(fields: dict[str, Any]) -> Found:
    then = datetime.fromisoformat(str(fields["at"])).timestamp() * 1000
    where = ", ".join(str(fields[name]) for name in ("client_id", "host") if fields.get(name))
    return round(then), str(fields.get("principal", "")) + (f" ({where})" if where else "")
