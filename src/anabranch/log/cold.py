"""Reading below the tail: recent data from the WAL, old data from segments, each with threads, cache and
place of its own.

Which of the two a read is goes by the age of the data, not by who asks: an extent that still lies in the
WAL is recent. Recent data is read an extent at a time and placed (numbered); old data in blocks through a
cache, as views of them, so that nothing is copied on its way to the socket. All bookkeeping happens on the
event loop; threads read, check every CRC-32C and cut, almost all of it without the interpreter lock. So
neither a slow store nor a thousand lagging consumers stand in the way of appends and of the tail.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import NamedTuple, TypeVar

from anabranch.log.extents import SKIP_SLACK_BYTES, Damaged, ExtentReader, PlacedExtent
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Extent, ObjectKind
from anabranch.records.header import BATCH_OVERHEAD
from anabranch.records.runs import cut, views
from anabranch.storage.blockcache import BLOCK_BYTES, BlockCache, Blocks, Range, reader_of
from anabranch.storage.sharedreads import SharedReads
from anabranch.storage.store import Store

PLACES_MAX = 8192  # where readers left off, remembered: about as many as there are readers
AHEAD_ANSWERS = 4  # at most so many times what was asked for is read ahead

T = TypeVar("T")


class Found(NamedTuple):
    """Whole batches, in buffers that need not begin or end with one."""

    buffers: list[memoryview]
    bytes: int
    next_offset: int  # behind the last batch


NOTHING = Found([], 0, -1)


class Lane:
    """Threads for one kind of read; waiting jobs are served in their order."""

    def __init__(self, executor: Executor, width: int) -> None:
        self._executor = executor
        self._width = width
        self.jobs = 0  # running or waiting

    @property
    def idle(self) -> bool:
        """Whether a thread has nothing to do."""
        return self.jobs < self._width

    def run(self, job: Callable[[], T], /) -> asyncio.Future[T]:
        future = asyncio.get_running_loop().run_in_executor(self._executor, job)
        self.jobs += 1
        future.add_done_callback(self._done)
        return future

    def _done(self, _: asyncio.Future[T]) -> None:
        self.jobs -= 1


class _Part(NamedTuple):
    """What is to be read of one extent: ``length`` bytes of its object from ``position`` on."""

    extent: Extent
    position: int
    length: int
    first: int  # the lowest offset that the batch there may have; -1: not known

    @property
    def end(self) -> int:
        return self.extent.position + self.extent.length


class _Outcome(NamedTuple):
    """Of a job over parts: what it found, and what to do where it found nothing."""

    found: Found
    extent: Extent
    position: int  # in the object of ``extent``: behind what was found, or of the batch that was not whole
    needed: int  # bytes of that batch, 0 if not even its size is known
    first: int  # as of a part that begins at ``position``


class ColdReads:
    """Reads extents for one process's fetches; on one event loop."""

    def __init__(
        self,
        extents: ExtentReader,
        store: Store,
        cold_threads: Executor,
        recent_threads: Executor,
        settings: LogSettings,
    ) -> None:
        self._extents = extents
        self._settings = settings
        self.old = Lane(cold_threads, settings.cold_threads)
        self.recent = Lane(recent_threads, settings.recent_threads)
        self.blocks = BlockCache(
            reader_of(store), capacity_bytes=max(BLOCK_BYTES, settings.cold_cache_bytes)
        )
        self.placed: SharedReads[tuple[int, int, int], PlacedExtent] = SharedReads(
            capacity_bytes=settings.recent_cache_bytes, size_of=lambda extent: extent.bytes
        )
        # (object, where its extent begins, offset) where a read ended -> byte position: the next one of
        # that reader goes on there. Offsets alone would not do: partitions share a pack.
        self._places: OrderedDict[tuple[int, int, int], int] = OrderedDict()
        self._indexing: dict[str, asyncio.Future[object]] = {}
        self._warming: set[asyncio.Task[None]] = set()

    def lane(self, extent: Extent) -> Lane:
        """The threads for data of its age."""
        return self.old if extent.kind.final else self.recent

    async def read(
        self, extents: Sequence[Extent], offset: int, *, bytes_max: int, first_max: int
    ) -> Found:
        """Whole batches from the one that holds ``offset`` (or the next above it) on.

        The first may have ``first_max`` bytes, all together ``bytes_max`` unless the first has more.
        Extents are those that follow each other from ``offset`` on.

        Raises:
            NotFound: an object is gone; its extent is stale or lost.
            Damaged: the first batch cannot be read. What lies before damage is returned first.
            Corrupt, StoreFault: the bytes cannot be had.
        """
        if not extents:
            return NOTHING
        if extents[0].kind is ObjectKind.QUARANTINE:
            what = "it read back wrong when it was to be merged"
            raise Damaged(extents[0], max(offset, extents[0].base_offset), what)
        if extents[0].kind is ObjectKind.WAL:
            return await self._read_recent(extents, offset, bytes_max, first_max)
        return await self._read_old(extents, offset, bytes_max, first_max)

    async def close(self) -> None:
        """Wait for what is being read ahead."""
        if self._warming:
            await asyncio.wait(self._warming)

    # -- recent ------------------------------------------------------------------------------------
    async def _read_recent(
        self, extents: Sequence[Extent], offset: int, bytes_max: int, first_max: int
    ) -> Found:
        wanted: dict[tuple[int, int, int], Extent] = {}
        room = max(bytes_max, 1)
        for extent in extents:
            if extent.kind is not ObjectKind.WAL or room <= 0:
                break
            wanted[extent.object_no, extent.position, extent.length] = extent
            room -= extent.length

        def load(missing: list[tuple[int, int, int]]) -> list[PlacedExtent]:
            return [self._extents.placed(wanted[key]) for key in missing]

        def take(found: dict[tuple[int, int, int], PlacedExtent]) -> Found:
            placed = [found[key] for key in wanted]
            return _take_placed(placed, offset, bytes_max, first_max)

        try:
            return await self.placed.read(list(wanted), load, take, self.recent.run)
        except Damaged:
            self.placed.forget(lambda key: key in wanted)
            raise

    # -- old ---------------------------------------------------------------------------------------
    async def _read_old(
        self, extents: Sequence[Extent], offset: int, bytes_max: int, first_max: int
    ) -> Found:
        left = list(extents)
        while left and left[0].kind.final:
            parts, sequential = await self._plan(left, offset, bytes_max)
            while True:
                outcome = await self._read_parts(parts, offset, bytes_max, first_max)
                if outcome.found.buffers:
                    self._remember(outcome)
                    if sequential:
                        self._read_ahead(outcome, bytes_max)
                    return outcome.found
                whole = _end(outcome.extent) - outcome.position
                if not whole:
                    break  # compaction left nothing at or above the offset in it: the next one
                if outcome.needed > first_max:
                    return NOTHING
                # The first batch is not whole in what was read, or the index has wide steps.
                needed = outcome.needed or bytes_max + SKIP_SLACK_BYTES
                length = min(needed, whole)
                parts = [_Part(outcome.extent, outcome.position, length, outcome.first)]
            left = left[left.index(outcome.extent) + 1 :]
            offset = outcome.extent.last_offset + 1
        return NOTHING._replace(next_offset=offset)

    async def _plan(
        self, extents: Sequence[Extent], offset: int, bytes_max: int
    ) -> tuple[list[_Part], bool]:
        """What to read for an answer, and whether it goes on where a reader left off."""
        parts: list[_Part] = []
        room = max(bytes_max, BATCH_OVERHEAD)
        sequential = False
        for extent in extents:
            if not extent.kind.final or room <= 0:
                break
            slack = 0
            if offset <= extent.base_offset:
                position, first = extent.position, extent.base_offset
                sequential = sequential or not parts
            elif (place := self._places.get(_place(extent, offset))) is not None:
                position, first = place, offset
                sequential = True
            else:
                position, first = await self._start_for(extent, offset)
                slack = (
                    SKIP_SLACK_BYTES  # an index entry lies at most about this far before its batch
                )
            length = min(_end(extent) - position, room + slack)
            parts.append(_Part(extent, position, length, first))
            room -= length
        return parts, sequential

    async def _start_for(self, extent: Extent, offset: int) -> tuple[int, int]:
        """Where to begin, and which offset the batch there has; -1: not known."""
        if not self._extents.knows_index(extent):
            loading = self._indexing.get(extent.object_key)
            if loading is None:
                loading = self.old.run(lambda: self._extents.start_for(extent, offset))
                self._indexing[extent.object_key] = loading
                loading.add_done_callback(lambda _: self._indexing.pop(extent.object_key, None))
            await asyncio.shield(loading)
        start, first = self._extents.start_for(extent, offset)
        return extent.position + start, first

    async def _read_parts(
        self, parts: Sequence[_Part], offset: int, bytes_max: int, first_max: int
    ) -> _Outcome:
        ranges = [Range(part.extent.object_key, part.position, part.length) for part in parts]
        try:
            return await self.blocks.read(
                ranges,
                lambda blocks: _take_parts(parts, blocks, offset, bytes_max, first_max),
                self.old.run,
            )
        except Damaged as damage:
            self.blocks.forget(damage.extent.object_key)  # it may be good again, one day
            raise

    def _remember(self, outcome: _Outcome) -> None:
        key = _place(outcome.extent, outcome.found.next_offset)
        self._places[key] = outcome.position
        self._places.move_to_end(key)
        if len(self._places) > PLACES_MAX:
            self._places.popitem(last=False)

    def _read_ahead(self, outcome: _Outcome, answer_bytes: int) -> None:
        """Have the next blocks of a sequential reader loaded while it is busy with these, if a thread has
        nothing better to do. Who is given little at a time needs little ahead, and a flush of the log
        does not meet a long read."""
        ahead_bytes = min(self._settings.cold_read_ahead_bytes, AHEAD_ANSWERS * answer_bytes)
        extent = outcome.extent
        if not ahead_bytes or not self.old.idle or outcome.position >= _end(extent):
            return
        blocks = self.blocks.ahead(extent.object_key, outcome.position, _end(extent), ahead_bytes)
        if blocks:
            task = asyncio.get_running_loop().create_task(self.blocks.warm(blocks, self.old.run))
            self._warming.add(task)
            task.add_done_callback(self._warming.discard)


def _end(extent: Extent) -> int:
    return extent.position + extent.length


def _place(extent: Extent, offset: int) -> tuple[int, int, int]:
    return extent.object_no, extent.position, offset


def _take_placed(
    placed: Sequence[PlacedExtent], offset: int, bytes_max: int, first_max: int
) -> Found:
    """Cut an answer out of placed extents; raises Damaged if it would begin with damage."""
    buffers: list[memoryview] = []
    size, next_offset = 0, offset
    for extent in placed:
        first = max(0, bisect_right(extent.bases, offset) - 1)
        for run in extent.runs[first:]:
            found = cut(
                [run],
                0,
                len(run),
                offset,
                bytes_max=bytes_max - size,
                first_max=first_max if not buffers else bytes_max - size,
                verify=False,
            )
            if found.start >= 0:
                buffers.append(memoryview(run)[found.start : found.end])
                size += found.bytes
                next_offset = found.next_offset
            if found.position < len(run):
                return _compact(Found(buffers, size, next_offset))
        if extent.damage is not None:
            if buffers:
                break
            raise extent.damage
    return _compact(Found(buffers, size, next_offset))


def _take_parts(
    parts: Sequence[_Part],
    ranges: Sequence[Blocks],
    offset: int,
    bytes_max: int,
    first_max: int,
) -> _Outcome:
    """Cut an answer out of blocks; raises Damaged if it would begin with damage."""
    buffers: list[memoryview] = []
    size, next_offset = 0, offset
    ended, position, needed, first = parts[0].extent, parts[0].position, 0, parts[0].first
    for part, blocks in zip(parts, ranges, strict=True):
        extent = part.extent
        start = part.position - blocks.position
        there = sum(map(len, blocks.data))
        end = min(start + part.length, there)
        found = cut(
            blocks.data,
            start,
            end,
            offset,
            bytes_max=bytes_max - size,
            first_max=first_max if not buffers else bytes_max - size,
            low=part.first,
            dense=extent.is_dense,
        )
        damage = found.damage
        if found.next_offset > extent.last_offset + 1:
            damage = damage or f"it holds offset {found.next_offset - 1}, which is another extent's"
            found = found._replace(start=-1, next_offset=-1)
        if found.start >= 0:
            found_views = views(blocks.data, found.start, found.end)
            buffers += found_views
            size += found.bytes
            next_offset = found.next_offset
            ended, position = extent, blocks.position + found.end
        walked = blocks.position + found.position
        to_its_end = part.position + part.length == part.end or there < start + part.length
        incomplete = not found.needed or found.position + found.needed > end
        if not damage and to_its_end and walked < part.end and incomplete:
            damage = f"a batch is cut short by the end at byte {blocks.position + end}"
        if not buffers:
            if damage:
                at = max(offset, found.next_offset, extent.base_offset)
                raise Damaged(extent, at, damage)
            ended, position, needed = extent, walked, found.needed
            first = part.first if walked == part.position else found.next_offset
        # Further only if this extent is used up: offsets must not be skipped.
        if damage or walked < part.end:
            break
    return _Outcome(_compact(Found(buffers, size, next_offset)), ended, position, needed, first)


def _compact(found: Found) -> Found:
    """A copy where the blocks that an answer keeps alive are much more than the answer."""
    held = sum(len(each.obj) for each in found.buffers)  # type: ignore[arg-type,misc]
    if not found.buffers or held <= 2 * found.bytes + BLOCK_BYTES // 8:
        return found
    return found._replace(buffers=[memoryview(b"".join(found.buffers))])
