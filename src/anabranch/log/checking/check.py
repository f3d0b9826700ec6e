"""The passes of a check, each in bounded memory however much is retained."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Executor
from itertools import islice
from typing import TypeVar

from msgspec import Struct

from anabranch.errors import Corrupt
from anabranch.log.checking.contents import check_contents, describe
from anabranch.log.checking.report import CheckReport, Trouble
from anabranch.log.damage import PIECES_MAX, damage_of
from anabranch.log.extents import ExtentReader
from anabranch.log.rebuild.bucket import DATA_PREFIXES, kind_of_key
from anabranch.log.rebuild.report import Progress, ShowProgress
from anabranch.log.survey import Piece, survey
from anabranch.metastore.api import Damage, Extent, Metastore
from anabranch.metastore.audit import KnownObject, Naming
from anabranch.storage import journal_format
from anabranch.storage.journal_format import Entry, Snapshot
from anabranch.storage.segment import index_key
from anabranch.storage.store import NotFound, ObjectInfo, Store
from anabranch.storage.wal import WalReader

KEYS_AT_ONCE = 1_000  # looked up in the metastore at a time: a page of a listing
OBJECTS_AT_ONCE = 500  # rows read from the metastore at a time
EXTENTS_MAX = 100_000  # of one object: a WAL file of tiny flushes has some ten thousand
READS_AT_ONCE = 4  # objects read in parallel; a check must not be felt
NOTED_AT_ONCE = 256  # extents surveyed for one note of damage
UNREADABLE = (Trouble.MISSING, Trouble.SHORT, Trouble.CORRUPT)
UNNAMED_MAX = 1_000_000  # keys kept for the second look

T = TypeVar("T")


class CheckOptions(Struct, frozen=True):
    """``quick``: read no bytes of data. ``recheck_ms``: pause before what is unreferenced is looked at again."""

    quick: bool = False
    repair_orphans: bool = False
    recheck_ms: int = 2_000
    journal_lag_ms_max: int = 60_000  # older changes that are not in the journal are reported


class Check:
    """One run over store, WAL and metastore."""

    def __init__(
        self,
        metastore: Metastore,
        store: Store,
        wal: WalReader,
        pool: Executor,
        options: CheckOptions,
        now_ms: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
        charge: Callable[[int], None],
        show: ShowProgress,
    ) -> None:
        """``charge`` is called with the bytes of every read, in the reader's thread: it keeps the rate."""
        self._metastore = metastore
        self._store = store
        self._wal = wal
        self._pool = pool
        self._options = options
        self._now_ms = now_ms
        self._sleep = sleep
        self._charge_rate = charge
        self._show = show
        self._extents = ExtentReader(store, wal)
        self._seen = bytearray()  # a bit for each object number that was listed
        self._unnamed: list[ObjectInfo] = []
        self._wal_there: frozenset[str] = frozenset()
        self.report = CheckReport()

    async def run(self) -> CheckReport:
        await self._list()
        self._wal_there = frozenset(info.key for info in await self._run(self._wal.objects))
        await self._objects()
        await self._journal()
        for sentence in await self._metastore.check():
            self.report.add(Trouble.METASTORE, "tables", sentence)
        await self._orphans()
        self.report.findings.sort(key=lambda finding: (finding.trouble, finding.subject))
        return self.report

    async def _run(self, job: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, job, *args)

    # -- what is there ---------------------------------------------------------------------------
    async def _list(self) -> None:
        for prefix in DATA_PREFIXES:
            pages = _pages(self._store, prefix)
            while page := await self._run(next, pages, None):
                await self._look_up(page)
                self.report.listed += len(page)
                self._show(Progress("listing", self.report.listed, 0, self.report.bytes_read))

    async def _look_up(self, page: Sequence[ObjectInfo]) -> None:
        known = await self._metastore.known_keys(
            sorted({owner for info in page for owner in _owners(info.key)})
        )
        for info in page:
            numbers = [known[owner] for owner in _owners(info.key) if owner in known]
            if not numbers:
                if len(self._unnamed) < UNNAMED_MAX:
                    self._unnamed.append(info)
            elif kind_of_key(info.key) is not None:
                self._mark(numbers[0])

    def _mark(self, no: int) -> None:
        if no >> 3 >= len(self._seen):
            self._seen.extend(bytes((no >> 3) + 1 - len(self._seen) + 4096))
        self._seen[no >> 3] |= 1 << (no & 7)

    def _is_seen(self, one: KnownObject) -> bool:
        if not one.kind.final and one.key in self._wal_there:
            return True
        return one.no >> 3 < len(self._seen) and bool(self._seen[one.no >> 3] & 1 << (one.no & 7))

    # -- what should be there --------------------------------------------------------------------
    async def _objects(self) -> None:
        after, reading = 0, set[asyncio.Task[None]]()
        try:
            while page := await self._metastore.objects_after(after, OBJECTS_AT_ONCE):
                after = page[-1].no
                for one in page:
                    self.report.objects += 1
                    if not one.named:
                        self.report.awaiting_collection += 1
                        continue
                    if len(reading) >= READS_AT_ONCE:
                        done, reading = await asyncio.wait(
                            reading, return_when=asyncio.FIRST_COMPLETED
                        )
                        for task in done:
                            task.result()
                    reading.add(asyncio.create_task(self._object(one)))
            if reading:
                for task in (await asyncio.wait(reading))[0]:
                    task.result()
        finally:
            for task in reading:
                task.cancel()

    async def _object(self, one: KnownObject) -> None:
        report = self.report
        if not self._is_seen(one):
            await self._missing(one)
            return
        if self._options.quick:
            return
        naming = await self._metastore.extents_in(one.no, EXTENTS_MAX)
        try:
            found = await self._run(
                check_contents, self._store, self._extents, one, naming, self._charge
            )
        except NotFound:
            await self._missing(one)
            return
        report.objects_read += 1
        self._show(Progress("objects", report.objects_read, 0, report.bytes_read))
        if found:
            # Rewritten meanwhile, perhaps: what nothing names any more is nobody's trouble.
            still = await self._metastore.extents_in(one.no, 1)
            report.findings += found if still else []
            if still and any(each.trouble in UNREADABLE for each in found):
                await self._note_damage(naming)

    def _charge(self, count: int) -> None:
        self.report.bytes_read += count
        self._charge_rate(count)

    async def _missing(self, one: KnownObject) -> None:
        """It was not listed: created since, collected since, or missing."""
        there = await self._run(self._length, one)
        naming = await self._metastore.extents_in(one.no, EXTENTS_MAX)
        if not naming or (there is not None and there >= one.named_bytes):
            return
        if there is None:
            self.report.add(Trouble.MISSING, one.key, describe(naming))
        else:
            detail = f"it has {there} bytes of {one.named_bytes}; {describe(naming)}"
            self.report.add(Trouble.SHORT, one.key, detail)
        await self._note_damage(naming)

    async def _note_damage(self, naming: Sequence[Naming]) -> None:
        """Tell the metastore which ranges cannot be read, for ``anabranch log damage``."""
        for start in range(0, len(naming), NOTED_AT_ONCE):
            found: list[Damage] = []
            for each in naming[start : start + NOTED_AT_ONCE]:
                pieces = await self._run(self._damaged, each.extent)
                found += [
                    damage_of(each.topic_no, each.partition, each.extent, piece, self._now_ms())
                    for piece in pieces
                ]
            if found:
                await self._metastore.note_damage(found)

    def _damaged(self, extent: Extent) -> list[Piece]:
        bad = (piece for piece in survey(self._extents, extent) if not piece.good)
        return list(islice(bad, PIECES_MAX))

    def _length(self, one: KnownObject) -> int | None:
        if one.kind.final or kind_of_key(one.key) is not None:
            try:
                return self._store.head(one.key).size
            except NotFound:
                return None
        try:
            self._wal.read(one.key, max(0, one.named_bytes - 1), 1)
            return one.named_bytes
        except (NotFound, Corrupt):
            return None

    # -- the journal -----------------------------------------------------------------------------
    async def _journal(self) -> None:
        report = self.report
        notes, partitions = await self._metastore.journal_pending()
        report.journal_notes, report.journal_partitions = notes, partitions
        state = await self._metastore.journal_state()
        if not state.shipped_ms and not await self._may_have_shipped():
            return  # a metastore that was just made, or rebuilt
        late_ms = self._now_ms() - state.shipped_ms
        if (notes or partitions) and state.epoch and late_ms > self._options.journal_lag_ms_max:
            report.add(
                Trouble.JOURNAL,
                "journal",
                f"nothing was shipped {f'for {late_ms // 1000} s' if state.shipped_ms else 'ever'}, while "
                f"{notes} changes and the appends of {partitions} partitions wait",
            )
        if not state.epoch:
            return  # no broker ever shipped: a new cluster, or the journal is off
        if not state.sound:
            report.add(Trouble.JOURNAL, "journal", "no whole snapshot stands under its entries yet")
            return
        await self._run(self._read_journal, state.snapshot_epoch, state.snapshot_number)

    async def _may_have_shipped(self) -> bool:
        """Whether some broker has been there for as long as shipping may take."""
        latest_ms = self._now_ms() - self._options.journal_lag_ms_max
        return any(broker.started_ms <= latest_ms for broker in await self._metastore.brokers())

    def _read_journal(self, epoch: int, number: int) -> None:
        key = journal_format.snapshot_key(epoch, number)
        try:
            manifest = journal_format.decode_as(Snapshot, self._store.get(key))
        except (Corrupt, NotFound) as error:
            self.report.add(Trouble.JOURNAL, key, f"the newest snapshot cannot be used: {error}")
            return
        for part in range(manifest.parts):
            self._read_journal_object(journal_format.part_key(epoch, number, part))
        known = {(epoch, number)}
        for info in self._store.list(journal_format.PREFIX, key):
            name = journal_format.parse_key(info.key)
            if name is None or name.kind != "entry":
                continue
            entry = self._read_journal_object(info.key)
            if not isinstance(entry, Entry) or entry.identity != manifest.identity:
                continue
            previous = (entry.previous.epoch, entry.previous.number)
            if previous > (epoch, number) and previous not in known:
                missing = journal_format.entry_key(*previous)
                self.report.add(Trouble.JOURNAL, missing, f"it is missing before {info.key}")
            known.add((entry.epoch, entry.number))

    def _read_journal_object(self, key: str) -> journal_format.Document | None:
        try:
            data = self._store.get(key)
            self._charge(len(data))
            return journal_format.decode(data)
        except (Corrupt, NotFound) as error:
            self.report.add(Trouble.JOURNAL, key, str(error))
            return None

    # -- what nobody knows -----------------------------------------------------------------------
    async def _orphans(self) -> None:
        """Bytes without a row come after no row: what had none at the first look and has none now is
        nobody's, unless its deletion is under way."""
        if not self._unnamed:
            return
        await self._sleep(self._options.recheck_ms / 1000)
        for start in range(0, len(self._unnamed), KEYS_AT_ONCE):
            page = self._unnamed[start : start + KEYS_AT_ONCE]
            owners = sorted({owner for info in page for owner in _owners(info.key)})
            known = await self._metastore.known_keys(owners)
            going = await self._metastore.collected_keys(owners)
            for info in page:
                mine = _owners(info.key)
                if any(owner in known or going.get(owner) for owner in mine):
                    continue
                if await self._run(self._there, info.key):
                    await self._orphan(info, collected=any(owner in going for owner in mine))

    def _there(self, key: str) -> bool:
        try:
            self._store.head(key)
        except NotFound:
            return False
        return True

    async def _orphan(self, info: ObjectInfo, *, collected: bool) -> None:
        why = "it was collected, and its bytes are still there" if collected else "nothing names it"
        repaired = ""
        if self._options.repair_orphans:
            repaired = await self._repair(info.key, collected=collected)
        self.report.add(
            Trouble.UNREFERENCED, info.key, f"{info.size:,} bytes: {why}", repaired=repaired
        )

    async def _repair(self, key: str, *, collected: bool) -> str:
        """What was collected has had its grace; anything else gets one, as an object of the metastore."""
        if collected:
            await self._run(self._store.delete, key)
            return "deleted: its grace was over when it was collected"
        for owner in _owners(key):
            kind = kind_of_key(owner)
            if kind is not None and (kind_of_key(key) is not None or await self._alone(key, owner)):
                await self._metastore.create_object(owner, kind, self._now_ms())
                return "made known to the metastore, which collects it when its grace is over"
        return ""

    async def _alone(self, key: str, owner: str) -> bool:
        """Whether an index has no object beside it that would be made known anyway."""
        return index_key(owner) == key and not await self._run(self._there, owner)


def _owners(key: str) -> list[str]:
    """The objects that a key can belong to: itself, or those whose index it is."""
    if not key.endswith(".index"):
        return [key]
    stem = key.removesuffix(".index")
    return [stem + suffix for suffix in (".log", ".pack", ".raw") if kind_of_key(stem + suffix)]


def _pages(store: Store, prefix: str) -> Iterator[list[ObjectInfo]]:
    page: list[ObjectInfo] = []
    for info in store.list(prefix):
        page.append(info)
        if len(page) == KEYS_AT_ONCE:
            yield page
            page = []
    if page:
        yield page
