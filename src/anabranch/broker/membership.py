"""Who lives: every broker beats in the metastore and watches the others' beats.

Judged is whether a broker's row still changes. Beats are stamped with the metastore's time, and a row seen
for the first time is as old as that says; from then on the watcher counts its own monotonic time, so that
clocks of brokers never meet. What the watcher did not see does not count either: a watcher that was
paused, or a metastore that was away, makes nobody dead.

Most deaths need no judgement. Each broker keeps a connection to each other one, on which nothing is said:
when it ends, or when a beat is missing, it knocks there, and where the machine answers that nobody listens
any more, that broker's time is over at once.

A broker that is declared dead by mistake may go on serving, because the metastore judges every commit;
it is only slower. When it notices that it was out of sight it registers anew and forgets the groups
that it held, for others may have taken them over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from anabranch.broker.routing import Routes
from anabranch.errors import AnabranchError, ClientFault, ErrorCode, StoreFault
from anabranch.log import leaving
from anabranch.metastore.api import BrokerRow, Metastore
from anabranch.metastore.changes import Changed

logger = logging.getLogger(__name__)

BEAT_MS = 400  # one row per broker and beat: four brokers cost ten small commits a second
SILENT_MS_MAX = 2000  # five missed beats; noticed within 3 s even where a beat comes late
DOUBT_MS = 500  # a beat is missing: time to knock
KNOCK_S_MAX = 0.5  # a refusal comes within a round trip, or not at all
PEERS_MAX = 128  # connections kept to others; further ones are missed by their beats alone
SETTLE_S = (
    0.005  # a client hears of a death when we do, and asks at once: the news may be on its way
)
FAREWELL_MS = (
    5_000  # so long clients are still told the address of a broker that leads nothing any more
)
AGAIN_S = 1.0  # until a connection that ended, and not by a death, is made anew
UNSEEN_MS_MAX = 2 * BEAT_MS  # of one look: more than that nobody watched
NOTICE_MS_MIN = 20  # between two looks that foreign commits cause


@dataclass(slots=True)
class _Seen:
    epoch: int
    heartbeat_ms: int
    silent_ms: int


class Load(NamedTuple):
    """How a broker does, as it says with its beats; or several of them (:func:`load_of`)."""

    late_percent: int = 0
    cold_bytes_per_second: int = 0


def load_of(rows: Sequence[BrokerRow]) -> Load:
    """How late the latest of these brokers is that reads no old data itself (whoever does answers for
    that), and what all of them read."""
    late = [row.late_percent for row in rows if not row.cold_bytes_per_second]
    return Load(max(late, default=0), sum(row.cold_bytes_per_second for row in rows))


Knock = Callable[[str, int], Awaitable[bool]]
"""Whether the machine at (host, port) answers that nobody listens there."""

Company = Callable[[str, int], Awaitable[None]]
"""Returns when a connection to (host, port) has ended, or cannot be made."""


async def nobody_listens(host: str, port: int) -> bool:
    """Knock at a broker's address. No answer at all, or one of another kind, proves nothing."""
    try:
        async with asyncio.timeout(KNOCK_S_MAX):
            _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return True
    except OSError:  # TimeoutError is one
        return False
    writer.close()
    return False


async def keep_company(host: str, port: int) -> None:
    """Connect to a broker and stay until the connection ends; the kernel ends those of a process that
    dies, however it dies."""
    try:
        async with asyncio.timeout(KNOCK_S_MAX):
            reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return
    try:
        while await reader.read(1024):
            pass
    except OSError:
        pass
    finally:
        writer.close()


class Watch:
    """The judgement by itself: rows and times in, living brokers out."""

    def __init__(self, silent_ms_max: int = SILENT_MS_MAX) -> None:
        self._silent_ms_max = silent_ms_max
        self._seen: dict[int, _Seen] = {}
        self._looked_ms: int | None = None

    def look(
        self, rows: Sequence[BrokerRow], store_now_ms: int, monotonic_ms: int
    ) -> list[BrokerRow]:
        """Those of ``rows`` that live; the order is kept."""
        elapsed_ms = 0
        if self._looked_ms is not None:
            elapsed_ms = min(max(monotonic_ms - self._looked_ms, 0), UNSEEN_MS_MAX)
        self._looked_ms = monotonic_ms
        seen = {}
        living = []
        for row in rows:
            if not row.heartbeat_ms:
                continue  # still starting: nobody may be sent there
            known = self._seen.get(row.broker_id)
            if known is None:
                age_ms = min(max(store_now_ms - row.heartbeat_ms, 0), self._silent_ms_max)
                known = _Seen(row.epoch, row.heartbeat_ms, age_ms)
            elif (known.epoch, known.heartbeat_ms) != (row.epoch, row.heartbeat_ms):
                known = _Seen(row.epoch, row.heartbeat_ms, 0)
            else:
                known.silent_ms += elapsed_ms
            seen[row.broker_id] = known
            if known.silent_ms < self._silent_ms_max:
                living.append(row)
        self._seen = seen
        return living

    def doubtful(self, rows: Sequence[BrokerRow]) -> list[BrokerRow]:
        """Those of the living ``rows`` whose beat is missing."""
        return [row for row in rows if self._seen[row.broker_id].silent_ms >= DOUBT_MS]

    def newest(self, row: BrokerRow) -> BrokerRow:
        """``row`` with the last beat that was seen of it."""
        seen = self._seen.get(row.broker_id)
        if seen is None or seen.epoch != row.epoch:
            return row
        return replace(row, heartbeat_ms=seen.heartbeat_ms)

    def bury(self, row: BrokerRow) -> None:
        """It is known to be dead, unless its row has changed since."""
        seen = self._seen.get(row.broker_id)
        if seen is not None and (seen.epoch, seen.heartbeat_ms) == (row.epoch, row.heartbeat_ms):
            seen.silent_ms = self._silent_ms_max


class Membership:
    """This broker's place among the others. ``routes`` is always there, and replaced as a whole.

    Callbacks run on the loop: ``on_routes`` after another picture came into force, ``on_fenced`` when
    this broker was out of sight for so long that others may have acted for it, ``on_expelled`` with a
    sentence when another broker has taken its number, or the cluster has moved to another WAL, ``on_load`` with every look, with what the others say
    of themselves.
    """

    def __init__(
        self,
        metastore: Metastore,
        me: BrokerRow,
        *,
        automatic: bool,
        store_now_ms: Callable[[], Awaitable[int]],
        monotonic_ms: Callable[[], int],
        beat_ms: int = BEAT_MS,
        silent_ms_max: int = SILENT_MS_MAX,
        knock: Knock = nobody_listens,
        load: Callable[[], Load] = lambda: Load(),
        company: Company = keep_company,
    ) -> None:
        self.me = me
        self.routes = Routes(me, ())
        self.on_routes: list[Callable[[], None]] = []
        self.on_fenced: list[Callable[[], None]] = []
        self.on_expelled: list[Callable[[str], None]] = []
        self.on_load: list[Callable[[Load], None]] = []
        self._metastore = metastore
        self._automatic = automatic  # whether the number may be another after a registration
        self._store_now_ms = store_now_ms
        self._store_ahead_ms: int | None = None  # of the monotonic clock
        self._monotonic_ms = monotonic_ms
        self._beat_ms = beat_ms
        self._silent_ms_max = silent_ms_max
        self._watch = Watch(silent_ms_max)
        self._knock = knock
        self._load = load
        self._company = company
        self._knocking: dict[int, asyncio.Task[None]] = {}
        self._kept: dict[tuple[int, int], asyncio.Task[None]] = {}  # by (number, epoch)
        self._companions: set[asyncio.Task[None]] = set()  # of ``_kept``, and those that are ending
        self._doubts = 0  # connections that ended and whose brokers are being knocked at
        self._decided = asyncio.Event()
        self._departed: dict[int, tuple[BrokerRow, int]] = {}  # with when, by the monotonic clock
        self._beaten_ms = monotonic_ms()
        self._leaving = False
        self._stopped = False
        self._task: asyncio.Task[None] | None = None
        self._noticing: asyncio.Task[None] | None = None
        self._noticed = False

    async def look(self) -> None:
        """Take in who lives now. Raises StoreFault."""
        if self._store_ahead_ms is None:
            await self._ask_the_time()
        rows = await self._metastore.brokers()
        monotonic_ms = self._monotonic_ms()
        assert self._store_ahead_ms is not None
        living = self._watch.look(rows, monotonic_ms + self._store_ahead_ms, monotonic_ms)
        for row in self._watch.doubtful(living):
            if row.broker_id != self.me.broker_id and row.broker_id not in self._knocking:
                task = asyncio.get_running_loop().create_task(self._knock_at(row))
                self._knocking[row.broker_id] = task
        others = load_of([row for row in living if row.broker_id != self.me.broker_id])
        for tell in self.on_load:
            tell(others)
        self._keep_company(living)
        routes = Routes(self.me, living, leaving=self._leaving)
        if _picture(routes) == _picture(self.routes):
            return
        before = {row.broker_id for row in self.routes.everyone}
        after = {row.broker_id for row in routes.everyone}
        for row in self.routes.lane:
            self._departed[row.broker_id] = row, monotonic_ms
        self._departed = {n: one for n, one in self._departed.items() if n not in routes.by_id}
        self.routes = routes
        if before != after:
            logger.info("brokers: %s joined, %s left", _ids(after - before), _ids(before - after))
        for callback in self.on_routes:
            callback()

    async def settle(self) -> None:
        """Before a client is told who leads what: wait for what a death that just happened would change."""
        if self.routes.alone:
            return
        await asyncio.sleep(SETTLE_S)
        if self._doubts:
            self._decided.clear()
            try:
                await asyncio.wait_for(self._decided.wait(), KNOCK_S_MAX)
            except TimeoutError:
                pass

    @property
    def departed(self) -> list[BrokerRow]:
        """Brokers of this lane that died or left a moment ago. librdkafka gives up a broker that it is not
        told of any more together with its partitions, and finds these again a second later; one that
        is still there and leads nothing is left without a pause."""
        since_ms = self._monotonic_ms() - FAREWELL_MS
        return [row for row, at_ms in self._departed.values() if at_ms > since_ms]

    async def _ask_the_time(self) -> int:
        """The metastore's time; looks go by it until the next question."""
        now_ms = await self._store_now_ms()
        self._store_ahead_ms = now_ms - self._monotonic_ms()
        return now_ms

    async def _knock_at(self, row: BrokerRow) -> None:
        try:
            gone = await self._knock(row.host, row.port)
        finally:
            del self._knocking[row.broker_id]
        await self._answered(row, gone)

    async def _answered(self, row: BrokerRow, gone: bool) -> None:
        if gone and not self._stopped:
            self._watch.bury(row)
            await self._look_guarded()

    def _keep_company(self, living: Sequence[BrokerRow]) -> None:
        """A connection to each of the living, and to nobody else."""
        if self._stopped:
            return
        wanted = {
            (row.broker_id, row.epoch): row
            for row in living[:PEERS_MAX]
            if row.broker_id != self.me.broker_id
        }
        for key in [key for key in self._kept if key not in wanted]:
            task = self._kept.pop(key)
            if task is not asyncio.current_task():  # it ends by itself
                task.cancel()
        for key, row in wanted.items():
            if key not in self._kept:
                task = asyncio.get_running_loop().create_task(
                    self._stay_with(row), name=f"company of broker {row.broker_id}"
                )
                self._kept[key] = task
                self._companions.add(task)
                task.add_done_callback(self._companions.discard)

    async def _stay_with(self, row: BrokerRow) -> None:
        """Until it is gone, or nobody wants it any more."""
        while (row.broker_id, row.epoch) in self._kept and not self._stopped:
            await self._company(row.host, row.port)
            self._doubts += 1
            last = self._watch.newest(row)
            try:
                await self._answered(last, await self._knock(row.host, row.port))
            finally:
                self._doubts -= 1
                if not self._doubts:
                    self._decided.set()
            await asyncio.sleep(AGAIN_S)

    async def start(self) -> None:
        """Become visible, and stay so until :meth:`leave`. Raises StoreFault."""
        self._beaten_ms = self._monotonic_ms()
        await self._beat()
        await leaving.tidy(self._metastore, await self._ask_the_time())
        self._metastore.on_change(self._notice)
        self._task = asyncio.get_running_loop().create_task(self._beat_for_ever(), name="heartbeat")

    async def leave(self) -> None:
        """Disappear at once: others are told, and ours no longer point here."""
        self._leaving = True
        await self._stop()
        try:
            await leaving.begin(self._metastore, self.me.writes_under, await self._ask_the_time())
            await self._metastore.remove_broker(self.me.broker_id, self.me.epoch)
            await self.look()
        except StoreFault as fault:
            logger.warning("leaving without a word, the others will miss us: %s", fault)

    async def left(self) -> None:
        """Nothing is appended any more."""
        if self._leaving:
            try:
                await leaving.end(self._metastore, self.me.writes_under)
            except StoreFault as fault:
                logger.warning("the last flush could not be reported: %s", fault)

    async def _stop(self) -> None:
        self._stopped = True
        tasks = [task for task in (self._task, self._noticing) if task is not None]
        tasks += [*self._knocking.values(), *self._companions]
        self._kept.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _notice(self, changed: Changed) -> None:
        """Another process changed something: perhaps a broker left."""
        if not (changed.brokers or changed.everything):
            return
        self._noticed = True
        if not self._stopped and (self._noticing is None or self._noticing.done()):
            self._noticing = asyncio.get_running_loop().create_task(self._look_while_noticed())

    async def _look_while_noticed(self) -> None:
        while self._noticed:
            self._noticed = False
            await self._look_guarded()
            await asyncio.sleep(NOTICE_MS_MIN / 1000)

    async def _look_guarded(self) -> None:
        try:
            await self.look()
        except AnabranchError as fault:
            logger.warning("the other brokers could not be looked at: %s", fault)
        except Exception:
            logger.exception("looking at the other brokers broke")

    async def _beat_for_ever(self) -> None:
        while not self._stopped:
            await asyncio.sleep(self._beat_ms / 1000)
            try:
                await self._beat()
            except AnabranchError as fault:
                logger.warning("no heartbeat: %s", fault)
            except Exception:
                logger.exception("the heartbeat broke; it goes on")

    async def _beat(self) -> None:
        unseen_ms = self._monotonic_ms() - self._beaten_ms
        load, now_ms = self._load(), await self._ask_the_time()
        beaten = await self._metastore.beat_broker(
            self.me.broker_id,
            self.me.epoch,
            now_ms,
            late_percent=load.late_percent,
            cold_bytes_per_second=load.cold_bytes_per_second,
        )
        if not beaten or unseen_ms >= self._silent_ms_max:
            logger.warning(
                "broker %d was out of sight for %d ms: registering anew",
                self.me.broker_id,
                unseen_ms,
            )
            if not await self._register():
                return
            for callback in self.on_fenced:
                callback()
        self._beaten_ms = self._monotonic_ms()
        await self.look()

    async def _register(self) -> bool:
        """A new epoch, under the old number if nobody else has it."""
        me = self.me
        now_ms = await self._ask_the_time()
        for number in (me.broker_id, None):
            try:
                row = await self._metastore.register_broker(
                    number,
                    me.host,
                    me.port,
                    now_ms,
                    lane=me.lane,
                    rack=me.rack,
                    silent_ms=self._silent_ms_max,
                    wal_epoch=me.writes_under,
                    endpoints=me.endpoints,
                )
            except ClientFault as fault:
                moved = fault.code is ErrorCode.STALE_BROKER_EPOCH  # the cluster's WAL is another
                if not moved and fault.code is not ErrorCode.DUPLICATE_BROKER_REGISTRATION:
                    raise
                if self._automatic and not moved:
                    continue
                self._expel(fault.message)
                return False
            self.me = row
            await self._metastore.beat_broker(row.broker_id, row.epoch, now_ms)
            return True
        raise AssertionError("a number is always free")

    def _expel(self, reason: str) -> None:
        self._stopped = True
        for callback in self.on_expelled:
            callback(reason)


def _picture(routes: Routes) -> list[tuple[object, ...]]:
    return [
        (row.broker_id, row.epoch, row.host, row.port, row.lane, row.rack, row.endpoints)
        for row in (*routes.everyone, routes.me)
    ]


def _ids(numbers: set[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "nobody"
