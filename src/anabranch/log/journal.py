"""Shipping the journal: the metastore's changes go to the bucket about every second (I9).

One process of the cluster ships, under a lease, in an epoch of its own:

    read what changed  →  create journal/<epoch>/<number>  →  account for it in the metastore

A crash between any two steps only makes the next entry tell the same again: entries tell states. A process
that lost the lease without noticing is harmless: its entries carry a lower epoch, which a rebuild leaves
aside as soon as a higher one follows the same predecessor, and the metastore refuses to account for them.

A snapshot is taken now and then while entries go on; what it stands on and the entries beside it make it
exact. Objects before the newest snapshot but one are deleted when their grace is over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Executor
from typing import Any, NamedTuple, TypeVar

from crc32c import crc32c
from msgspec import Struct

from anabranch.errors import AnabranchError, Corrupt, StoreFault
from anabranch.log import places
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Metastore
from anabranch.metastore.journal import Changes, JournalState, TableRows
from anabranch.storage import journal_format
from anabranch.storage.identity import STORE_IDENTITY_KEY, read_identity
from anabranch.storage.journal_format import (
    Entry,
    Identity,
    JournalName,
    Position,
    Rows,
    Snapshot,
    SnapshotPart,
    Span,
)
from anabranch.storage.store import AlreadyExists, NotFound, Store

logger = logging.getLogger(__name__)

LEASE = "journal"
CLOSING_TRIES = 3  # to ship what is left: one that was cancelled may be in the way once
PART_ROWS_MIN = 20_000  # of a snapshot's part: a few hundred kilobytes
T = TypeVar("T")


class Superseded(StoreFault):
    """Another metastore was rebuilt from this bucket: this one's changes are not recorded any more."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class JournalStatus(Struct, frozen=True):
    """How the journal is doing, as this process sees it."""

    shipping: bool  # whether this process is the one that ships
    epoch: int
    number: int  # of the last entry
    lag_ms: int  # age of the oldest change that may not be in the bucket
    entries: int  # shipped by this process
    entry_bytes: int
    snapshots: int
    snapshot_bytes: int
    superseded: bool


class _Object(NamedTuple):
    key: str
    name: JournalName


class Journal:
    """One process's part in the journal: ships if it holds the lease, otherwise waits for it."""

    def __init__(
        self,
        metastore: Metastore,
        store: Store,
        threads: Executor,
        settings: LogSettings,
        now_ms: Callable[[], int],
        holder: str,
        new_incarnation: Callable[[], bytes],
        on_superseded: Callable[[Superseded], None] | None = None,
        *,
        store_now_ms: Callable[[], Awaitable[int]],
    ) -> None:
        """``on_superseded`` is told once that this metastore is no longer the cluster's.
        ``store_now_ms`` is the time by which leases end for everybody."""
        self._metastore = metastore
        self._store = store
        self._threads = threads
        self._settings = settings
        self._now_ms = now_ms
        self._store_now_ms = store_now_ms
        self._holder = holder
        self._new_incarnation = new_incarnation
        self._on_superseded = on_superseded
        self._tasks: list[asyncio.Task[None]] = []
        self._snapshot_wanted = asyncio.Event()
        self._taking_snapshot = False
        self._state: JournalState | None = None  # None: this process does not ship
        self._lease_ms = 0  # when the lease was renewed last
        self._fence_ms = 0  # when the store's identity was looked at last
        self._shipping = asyncio.Lock()  # one entry at a time
        self._resets = 0  # how often entries could not tell everything
        self._tried = 0  # the highest number that an object may have
        self._wal_known: dict[int, int] = {}
        self._complete_ms = 0  # everything committed before is in the bucket
        self._since_snapshot = 0  # bytes of entries
        self._superseded: Superseded | None = None
        self.entries = self.entry_bytes = 0
        self.snapshots = self.snapshot_bytes = 0

    # -- life ------------------------------------------------------------------------------------
    def start(self) -> None:
        self._complete_ms = self._now_ms()
        self._tasks = [
            asyncio.create_task(self._ship(), name="journal"),
            asyncio.create_task(self._snapshots(), name="journal snapshots"),
        ]

    async def close(self) -> None:
        """Ship what is left, then let another process take over."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        try:
            if self._superseded is None:
                await self._ship_the_rest()
            await self._metastore.release_lease(LEASE, self._holder)
        except AnabranchError as fault:
            logger.warning("the last journal entry was not shipped: %s", fault)

    async def _ship_the_rest(self) -> None:
        """Whoever leaves in order leaves a journal that a rebuild can stand on, however short its life."""
        for _ in range(CLOSING_TRIES):
            while await self.ship_once():
                pass
            # None: another process ships; or what was cancelled was accounted for meanwhile, and this not.
            if self._state is not None:
                break
        if self._state is not None and not self._state.sound:
            await self.snapshot()

    async def _ship(self) -> None:
        more = True  # a cluster's first snapshot is not to wait
        while self._superseded is None:
            if not more:
                await asyncio.sleep(self._settings.journal_interval_ms / 1000)
            await self._guard("looking whose the store is", self.check_fence())
            if self._superseded is None:
                more = await self._guard("shipping the journal", self.ship_once()) is True

    async def _snapshots(self) -> None:
        while self._superseded is None:
            await self._snapshot_wanted.wait()
            self._snapshot_wanted.clear()
            self._taking_snapshot = True
            await self._guard("a snapshot of the journal", self.snapshot())
            self._taking_snapshot = False
            await self._guard("pruning the journal", self.prune())
            await asyncio.sleep(self._settings.journal_interval_ms / 1000)

    async def _guard(self, name: str, job: Coroutine[Any, Any, T]) -> T | None:
        try:
            return await job
        except Superseded as fault:
            self._superseded = fault
            logger.error("%s", fault)
            if self._on_superseded is not None:
                self._on_superseded(fault)
        except AnabranchError as fault:
            logger.warning("%s: %s; it will be tried again", name, fault)
        except Exception:
            logger.exception("%s broke; it will be tried again", name)
        return None

    def status(self) -> JournalStatus:
        state = self._state
        return JournalStatus(
            shipping=state is not None,
            epoch=0 if state is None else state.epoch,
            number=0 if state is None else state.number,
            lag_ms=max(0, self._now_ms() - self._complete_ms) if state is not None else 0,
            entries=self.entries,
            entry_bytes=self.entry_bytes,
            snapshots=self.snapshots,
            snapshot_bytes=self.snapshot_bytes,
            superseded=self._superseded is not None,
        )

    async def check_fence(self) -> None:
        """Now and then: whether the store still is this metastore's. Raises Superseded if it is not.

        Every process looks, whether it ships or not: a rebuild gives the store another identity.
        """
        now_ms = self._now_ms()
        if now_ms - self._fence_ms < self._settings.journal_fence_ms:
            return
        place = await places.known(self._metastore, "store")
        if place is not None:
            present = await self.run(read_identity, self._store, STORE_IDENTITY_KEY)
            if present is not None and present.id != place.id:
                raise Superseded(
                    f"the store {self._store.url} belongs to another metastore of the cluster by now: it "
                    "was rebuilt, and nothing that this one does would be kept; stop its brokers"
                )
        self._fence_ms = now_ms

    # -- shipping --------------------------------------------------------------------------------
    async def ship_once(self) -> bool:
        """One entry, if anything changed and this process holds the lease; True if more is waiting.

        Raises StoreFault; Superseded if the bucket belongs to another metastore by now.
        """
        async with self._shipping:
            return await self._ship_once()

    async def _ship_once(self) -> bool:
        state = await self._lead()
        if state is None:
            return False
        now_ms = self._now_ms()
        changes = await self._metastore.journal_changes(
            self._settings.journal_rows_max, now_ms, self._wal_known
        )
        if changes is None:
            self._complete_ms = now_ms
            self._want_snapshot(state, now_ms)
            return False
        if changes.state.epoch != state.epoch:
            self._state = None  # another process took over
            return False
        if changes.overflow:
            # Too much to tell in one piece: a snapshot tells it, in bounded memory.
            await self._begin_anew(state)
            return False
        self._state = state = changes.state
        await self._put_entry(state, changes, now_ms)
        self._want_snapshot(state, now_ms)
        return changes.more

    async def _lead(self) -> JournalState | None:
        """The journal's state if this process is the one that ships."""
        now_ms = self._now_ms()
        if (
            self._state is not None
            and now_ms - self._lease_ms < self._settings.journal_lease_ms / 3
        ):
            return self._state
        if not await self._metastore.acquire_lease(
            LEASE, self._holder, self._settings.journal_lease_ms, await self._store_now_ms()
        ):
            self._state = None
            return None
        self._lease_ms = now_ms
        if self._state is None:
            self._wal_known = {}
            state = await self._metastore.journal_take_over(self._new_incarnation())
            self._tried = state.number
            self._complete_ms = max(state.shipped_ms, 0) or now_ms
            self._state = state
            if not state.sound:
                await self._begin_anew(state)
        return self._state

    async def _begin_anew(self, state: JournalState) -> None:
        """Nothing to stand on: from here on entries tell changes, a snapshot all the rest."""
        self._tried = max(state.number, self._tried) + 1
        self._resets += 1
        if await self._metastore.journal_reset(state.epoch, self._tried):
            self._state = await self._metastore.journal_state()
            self._snapshot_wanted.set()
        else:
            self._state = None

    async def _put_entry(self, state: JournalState, changes: Changes, now_ms: int) -> None:
        number = max(state.number, self._tried) + 1
        entry = Entry(
            identity=self.identity(state),
            epoch=state.epoch,
            number=number,
            previous=Position(state.number_epoch, state.number),
            at_ms=now_ms,
            schema=changes.schema,
            gone=[
                Span(span.table, list(span.key), _listed(span.low), _listed(span.high))
                for span in changes.gone
            ],
            tables=[_rows(each) for each in changes.tables],
        )
        self._tried = number  # whatever becomes of it: the number is not used again
        key = journal_format.entry_key(state.epoch, number)
        data = await self.run(journal_format.encode, entry)
        await self._create(key, data)
        if not await self._metastore.journal_shipped(
            state.epoch, state.number, number, changes.marks, changes.notes, now_ms
        ):
            self._state = None  # fenced: the entry stays behind, and a rebuild leaves it aside
            return
        self._state = await self._metastore.journal_state()
        self._remember_wal(changes)
        self._complete_ms = now_ms
        self._since_snapshot += len(data)
        self.entries += 1
        self.entry_bytes += len(data)

    def _remember_wal(self, changes: Changes) -> None:
        for each in changes.tables:
            if each.table.name == "object":
                no, length, kind = (each.table.columns.index(c) for c in ("no", "bytes", "kind"))
                for row in each.rows:
                    if row[kind] == 1:
                        self._wal_known[row[no]] = row[length]  # type: ignore[index,assignment]
        for span in changes.gone:
            if span.table == "object" and isinstance(span.key[0], int):
                self._wal_known.pop(span.key[0], None)

    async def _create(self, key: str, data: bytes) -> None:
        try:
            await self.run(self._store.put, key, data)
        except AlreadyExists:
            # Our own of a lost answer, or of another metastore with the same numbers.
            present = await self.run(self._read, key)
            ours = journal_format.decode(data).identity
            if present is not None and present.identity != ours:
                raise Superseded(
                    f"{key} was written by another metastore: the cluster was rebuilt from this "
                    "bucket, and what this one does is recorded nowhere; stop its brokers"
                ) from None
            raise StoreFault(f"{key} exists already") from None

    def _read(self, key: str) -> journal_format.Document | None:
        try:
            return journal_format.decode(self._store.get(key))
        except (Corrupt, NotFound):
            return None

    def identity(self, state: JournalState) -> Identity:
        assert state.incarnation is not None, "take_over gave it a name"
        return Identity(self._metastore.cluster_id.hex(), state.incarnation.hex())

    async def run(self, job: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, job, *args)

    # -- snapshots -------------------------------------------------------------------------------
    def _want_snapshot(self, state: JournalState, now_ms: int) -> None:
        due = self._since_snapshot > 0 and (
            now_ms - state.snapshot_ms >= self._settings.journal_snapshot_ms
            or self._since_snapshot >= self._settings.journal_snapshot_bytes
        )
        if (due or not state.sound) and not self._taking_snapshot:
            self._snapshot_wanted.set()

    async def snapshot(self) -> bool:
        """Write a whole snapshot, in bounded memory; False if this process does not ship.

        Its rows are of different instants. Only what changed meanwhile makes them one picture, so it
        counts once entries tell all of that.
        """
        state = self._state
        if state is None:
            return False
        since, resets = self._since_snapshot, self._resets
        key = journal_format.snapshot_key(state.epoch, state.number)
        standing = await self.run(self._read, key)
        if isinstance(standing, Snapshot) and standing.identity == self.identity(state):
            # Whole, and the metastore did not hear of it: writing over it may break off half-way.
            return await self._snapshot_done(state, standing.at_ms, since)
        schema, tables = await self._metastore.journal_tables()
        parts = _Parts(self, state)
        for name in tables:
            after = None
            while True:
                chunk = await self._metastore.journal_chunk(
                    name, after, self._settings.journal_chunk_rows
                )
                await parts.add(chunk)
                if len(chunk.rows) < self._settings.journal_chunk_rows:
                    break
                after = chunk.table.key_of(chunk.rows[-1])
        await parts.flush()
        while await self.ship_once():
            pass
        present = self._state
        if present is None or present.epoch != state.epoch or self._resets != resets:
            return False
        now_ms = self._now_ms()
        manifest = Snapshot(
            identity=self.identity(state),
            epoch=state.epoch,
            number=state.number,
            through=Position(present.number_epoch, present.number),
            at_ms=now_ms,
            schema=schema,
            parts=len(parts.checksums),
            rows=parts.rows,
            checksums=parts.checksums,
        )
        await self.replace(key, journal_format.encode(manifest))
        self.snapshots += 1
        self.snapshot_bytes = parts.size
        return await self._snapshot_done(state, now_ms, since)

    async def _snapshot_done(self, state: JournalState, now_ms: int, since: int) -> bool:
        if not await self._metastore.journal_snapshot_done(state.epoch, state.number, now_ms):
            return False
        if self._state is not None and self._state.epoch == state.epoch:
            self._state = await self._metastore.journal_state()
        self._since_snapshot -= since
        return True

    async def replace(self, key: str, data: bytes) -> None:
        """A snapshot that broke off may have left parts under the same names: the epoch is ours."""
        await self.run(lambda: self._store.put(key, data, create=False))

    # -- pruning ---------------------------------------------------------------------------------
    async def prune(self) -> int:
        """Delete what lies before the newest snapshot but one whose grace is over; how many objects."""
        if self._state is None:
            return 0
        return await self.run(self._prune)

    def _prune(self) -> int:
        objects = list(_objects(self._store))
        whole = [each for each in objects if each.name.kind == "snapshot"]
        deadline = self._now_ms() - self._settings.journal_grace_ms
        kept: JournalName | None = None
        for each in whole[:-1]:
            manifest = self._read(each.key)
            if isinstance(manifest, Snapshot) and manifest.at_ms <= deadline:
                kept = each.name
        if kept is None:
            return 0
        doomed = [o.key for o in objects if o.name[:2] < kept[:2]]
        for key in doomed:
            self._store.delete(key)
        return len(doomed)


class _Parts:
    """Gathers the rows of a snapshot into parts of a bounded size and writes them."""

    def __init__(self, journal: Journal, state: JournalState) -> None:
        self._journal = journal
        self._state = state
        self._gathered: list[Rows] = []
        self._rows = 0
        self.checksums: list[int] = []
        self.rows = 0
        self.size = 0

    async def add(self, chunk: TableRows) -> None:
        if chunk.rows:
            self._gathered.append(_rows(chunk))
            self._rows += len(chunk.rows)
        if self._rows >= PART_ROWS_MIN:
            await self.flush()

    async def flush(self) -> None:
        if not self._gathered:
            return
        at, number = self._state, len(self.checksums)
        part = SnapshotPart(
            identity=self._journal.identity(at),
            epoch=at.epoch,
            number=at.number,
            part=number,
            tables=self._gathered,
        )
        data = await self._journal.run(journal_format.encode, part)
        await self._journal.replace(journal_format.part_key(at.epoch, at.number, number), data)
        self.checksums.append(crc32c(data))
        self.rows += self._rows
        self.size += len(data)
        self._gathered, self._rows = [], 0


def _objects(store: Store) -> Iterator[_Object]:
    for info in store.list(journal_format.PREFIX):
        name = journal_format.parse_key(info.key)
        if name is not None:
            yield _Object(info.key, name)


def _rows(each: TableRows) -> Rows:
    table = each.table
    return Rows(table.name, list(table.columns), each.rows, sorted(table.binary))


def _listed(bound: tuple[int | str, ...] | None) -> list[int | str] | None:
    return None if bound is None else list(bound)
