"""Recovery points on a schedule: taken while nothing fails, bounded in number, whatever single captures do.

One task per schedule. A capture that fails is said and tried again at the next turn; turns that were
missed are not made up for. A point that would say the same as the one before is not taken again, so
that those kept reach back as far as they can.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from anabranch.errors import AnabranchError, UserFault
from anabranch.log import holds
from anabranch.log.log import Log
from anabranch.metastore.api import Metastore
from anabranch.recovery.capture import points
from anabranch.recovery.capture.capturing import Allow, Wish, remove_copy, take
from anabranch.recovery.model import RecoveryPoint
from anabranch.recovery.times import parse_duration

EVERY_MS_MIN: Final = 1_000  # a point is a document and a look at the checkpoint
KEEP_MAX: Final = 10_000  # scheduled points of one schedule
SCHEDULES_MAX: Final = 100
CAPTURE_SECONDS_MAX: Final = 300.0  # one capture; storage that hangs must not end the schedule
FILE_BYTES_MAX: Final = 1 << 20


class Schedule(Struct, frozen=True, kw_only=True):
    """A wish that is granted again every ``every_ms``; the newest ``keep`` of its points stay."""

    wish: Wish
    every_ms: int
    keep: int


class _Table(Struct, frozen=True, forbid_unknown_fields=True, rename={"origin": "from"}):
    """One table ``[points.NAME]`` of a file."""

    every: str
    keep: int
    group: str | None = None
    origin: str | None = None
    uids: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    sinks: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    offsets: dict[str, int] = {}
    processor: str = ""
    version: str = ""
    note: str = ""
    in_flight: bool = False
    copy_to: str | None = None


def schedule(wish: Wish, every: str, keep: int) -> Schedule:
    """A schedule of points that are called as the wish is. Raises UserFault."""
    every_ms = parse_duration(every, "every")
    if every_ms < EVERY_MS_MIN:
        raise UserFault(f"{wish.name}: every {every}: once a second is the most")
    if not 0 < keep <= KEEP_MAX:
        raise UserFault(f"{wish.name}: keep between 1 and {KEEP_MAX:,} points, not {keep}")
    if wish.group is None and wish.origin is None and not wish.sinks:
        raise UserFault(f"{wish.name}: a point needs a group, a checkpoint (from) or a sink")
    named = structs.replace(wish, schedule=wish.name)
    return Schedule(wish=named, every_ms=every_ms, keep=keep)


def load(file: Path) -> list[Schedule]:
    """The tables ``[points.NAME]`` of a TOML file, which may be a broker's. Raises UserFault."""
    if not file.is_file():
        raise UserFault(f"there is no file {file}")
    if file.stat().st_size > FILE_BYTES_MAX:
        raise UserFault(f"{file} is longer than {FILE_BYTES_MAX:,} bytes")
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserFault(f"{file}: {error}") from None
    tables: Any = document.get("points", {})
    if not isinstance(tables, dict) or not tables:
        raise UserFault(f"{file} has no table [points.NAME]")
    if len(tables) > SCHEDULES_MAX:
        raise UserFault(f"{file}: {len(tables)} schedules; {SCHEDULES_MAX} are kept")
    found = []
    for name, table in tables.items():
        try:
            told = msgspec.convert(table, type=_Table)
        except msgspec.ValidationError as error:
            raise UserFault(f"{file}: [points.{name}]: {error}") from None
        wish = Wish(
            name=name,
            group=told.group,
            origin=told.origin,
            uids=told.uids,
            sources=told.sources,
            sinks=told.sinks,
            topics=told.topics,
            given=dict(_place(place, offset) for place, offset in told.offsets.items()),
            processor=told.processor,
            version=told.version,
            note=told.note,
            in_flight=told.in_flight,
            copy_to=None if told.copy_to is None else Path(told.copy_to),
        )
        try:
            found.append(schedule(wish, told.every, told.keep))
        except UserFault as error:
            raise UserFault(f"{file}: {error}") from None
    return found


def _place(text: str, offset: int) -> tuple[tuple[str, int], int]:
    topic, _, partition = text.rpartition(":")
    if not topic or not partition.isdigit() or offset < 0:
        raise UserFault(f"“{text}” is not TOPIC:PARTITION with an offset")
    return (topic, int(partition)), offset


class Told(Struct, frozen=True):
    """What became of one turn: a point, or none because nothing had changed, or an error."""

    schedule: str
    at_ms: int
    point: RecoveryPoint | None = None
    error: str = ""
    removed: tuple[str, ...] = ()


async def run(
    log: Log,
    schedules: Sequence[Schedule],
    *,
    now_ms: Callable[[], int],
    token: Callable[[], str],
    allow: Allow,
    tell: Callable[[Told], Awaitable[None]],
    stop: asyncio.Event,
) -> None:
    """Take points until ``stop`` is set; a capture that is under way then is given up."""
    names = [one.wish.name for one in schedules]
    if len(set(names)) != len(names):
        raise UserFault("two schedules of one name: their points could not be told apart")

    async def one(item: Schedule) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await asyncio.sleep(due - loop.time())
            await tell(await turn(log, item, now_ms=now_ms, token=token, allow=allow))
            due = max(due + item.every_ms / 1000, loop.time())

    tasks = [asyncio.create_task(one(item)) for item in schedules]
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            task.result()  # they do not end: what ended one is a bug of ours
    finally:
        for task in (*tasks, stopping):
            task.cancel()
        await asyncio.gather(*tasks, stopping, return_exceptions=True)


async def turn(
    log: Log,
    item: Schedule,
    *,
    now_ms: Callable[[], int],
    token: Callable[[], str],
    allow: Allow,
) -> Told:
    """One turn of a schedule. Whatever the world does to it, it ends in an answer."""
    name, at_ms = item.wish.name, now_ms()
    try:
        async with asyncio.timeout(CAPTURE_SECONDS_MAX):
            before = await scheduled(log.metastore, name)
            point = await take(
                log, item.wish, now_ms=at_ms, token=token(), allow=allow, store=False
            )
            if before and _says_the_same(before[-1], point):
                remove_copy(point, item.wish.copy_to)
                return Told(name, at_ms)
            await points.put(log.metastore, point)
            removed = await prune(log.metastore, item, at_ms)
            return Told(name, at_ms, point, removed=tuple(removed))
    except TimeoutError:
        return Told(name, at_ms, error=f"no point within {CAPTURE_SECONDS_MAX:.0f} s")
    except (AnabranchError, OSError) as error:
        return Told(name, at_ms, error=str(error))


def _says_the_same(before: RecoveryPoint, point: RecoveryPoint) -> bool:
    """Whether a new point adds nothing: the same offsets, of the same checkpoint, and the same sinks."""
    return (
        before.positions == point.positions
        and before.version == point.version
        and before.sinks == point.sinks
        and (before.engine is None) == (point.engine is None)
        and (
            before.engine is None
            or point.engine is None
            or (before.engine.id == point.engine.id and _sha(before) == _sha(point))
        )
    )


def _sha(point: RecoveryPoint) -> str | None:
    taken = point.engine.checkpoint if point.engine else None
    return taken.sha256 if taken else None


async def scheduled(metastore: Metastore, name: str) -> list[RecoveryPoint]:
    """The points of a schedule, oldest first."""
    found = [point for point in await points.stored(metastore) if point.schedule == name]
    return sorted(found, key=lambda point: (point.created_ms, point.id))


async def prune(metastore: Metastore, item: Schedule, now_ms: int) -> list[str]:
    """Remove all but the newest points of a schedule, with the copies that were made for them; those
    that a hold pins stay beside them."""
    pinned = {hold.point for hold in await holds.load(metastore) if hold.expires_ms > now_ms}
    found = await scheduled(metastore, item.wish.name)
    free = [point for point in found if point.id not in pinned]
    removed = []
    for point in free[: max(0, len(free) - item.keep)]:
        await metastore.delete_document(points.KIND, point.id)
        remove_copy(point, item.wish.copy_to)
        removed.append(point.id)
    return removed
