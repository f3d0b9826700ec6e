"""What one seed chooses: settings of the cluster, how often what goes wrong, and every delay."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from random import Random

from msgspec import Struct

from anabranch.broker.config import Limits
from anabranch.errors import StoreFault
from anabranch.groups.settings import GroupSettings
from anabranch.log.settings import LogSettings
from sim.loop import Killed, Process, SimLoop
from sim.store import Trouble

KIB = 1024
HOUR_MS = 3_600_000


class WeatherSettings(Struct, frozen=True):
    """Probabilities are per call; times in virtual seconds."""

    brokers: int
    machines: int  # with a WAL of files each; one that has none, all can reach
    length_s: float
    latency_s: float  # mean of one hop
    remote_metastore: bool
    retrying_store: bool
    object_wal: bool
    give_way: float  # that a disk call lets others go first
    disk_error: float
    store_trouble: float
    metastore_trouble: float
    notice_lost: float
    message_lost: float
    crash_point: float  # that a process is killed at one of its disk, store or metastore calls
    transactions: bool  # whether there are transactional producers
    copies: bool  # whether, beside those, there are applications that consume and produce in one
    consumer_protocol: bool  # whether there are groups of KIP-848
    holds: bool  # whether somebody holds what retention would take
    damage: bool  # whether objects of the bucket are damaged, and skipped by an operator
    power_loss: float  # that such a kill takes the whole machine down
    chaos_s: float  # mean time between kills, pauses and clock jumps
    log: LogSettings
    groups: GroupSettings
    limits: Limits


def choose(rng: Random, more: Random, *, short: bool) -> WeatherSettings:
    """Random settings: small bounds, so that every one of them is met. ``more`` chooses what there was not
    from the beginning: lives without it are what they were."""
    calm = rng.random() < 0.15  # a seed without faults tells a checker's mistake from the log's
    rare = 0.0 if calm else rng.choice((0.0, 0.002, 0.01, 0.04))
    wal_blocks = rng.choice((3, 5, 16))
    return WeatherSettings(
        brokers=rng.choice((1, 2, 2, 3)),
        machines=rng.choice((1, 1, 1, 2)),
        length_s=4.0 if short else rng.choice((10.0, 20.0, 40.0)),
        latency_s=rng.choice((0.0005, 0.002, 0.01)),
        remote_metastore=rng.random() < 0.5,
        retrying_store=rng.random() < 0.5,
        object_wal=rng.random() < 0.4,
        give_way=rng.choice((0.2, 0.6, 1.0)),
        disk_error=rare * rng.choice((0.0, 1.0)),
        store_trouble=rare * rng.choice((0.0, 1.0, 4.0)),
        metastore_trouble=rare * rng.choice((0.0, 1.0)),
        notice_lost=rng.choice((0.0, 0.3)),
        message_lost=rare * rng.choice((0.0, 1.0, 2.0)),
        crash_point=0.0 if calm else rng.choice((0.0, 0.0005, 0.002)),
        transactions=rng.random() < 0.3,
        consumer_protocol=more.random() < 0.3,
        holds=more.random() < 0.3,
        copies=more.random() < 0.6,
        damage=rng.random() < 0.2,
        power_loss=rng.choice((0.0, 0.3, 1.0)),
        chaos_s=1e9 if calm else rng.choice((1.0, 3.0, 8.0)),
        log=LogSettings(
            flush_bytes_max=rng.choice((600, 4 * KIB, 1 << 20)),
            flush_partitions_max=rng.choice((1, 3, 4096)),
            queued_bytes_max=rng.choice((2 * KIB, 64 * KIB)),
            tail_bytes_max=rng.choice((1, 4 * KIB, 1 << 20)),
            wal_file_bytes=wal_blocks * 4 * KIB,
            wal_bytes_max=rng.choice((4 * KIB, 1 << 20)),
            merge_age_ms=rng.choice((200, 1000, 4000)),
            segment_bytes=rng.choice((1500, 6000, 1 << 20)),
            consolidate_fan_in=rng.choice((2, 3, 8)),
            pack_share_bytes_max=rng.choice((500, 1 << 20)),
            pack_bytes_max=rng.choice((2000, 1 << 20)),
            compaction_interval_ms=rng.choice((150, 600, 2000)),
            compaction_map_bytes=rng.choice((1, 1 << 20)),
            cold_threads=rng.choice((1, 3)),
            cold_cache_bytes=rng.choice((0, 8 * KIB)),
            cold_read_bytes=rng.choice((300, 5000)),
            extents_per_read=rng.choice((1, 3, 64)),
            object_grace_ms=rng.choice((500, 60_000) if short else (500, 3000, 60_000)),
            topic_grace_ms=rng.choice((0, 2000)),
            wal_grace_ms=rng.choice((0, 300, 3000)),
            wal_orphan_grace_ms=rng.choice((500, 5000)),
            wal_search_interval_ms=rng.choice((300, 2000)),
            wal_cache_bytes=rng.choice((0, 8 * KIB)),
            wal_linger_ms=rng.choice((1, 20, 200)),
            wal_flush_bytes=rng.choice((500, 8 * KIB)),
            wal_flushes_in_flight_max=rng.choice((1, 3, 8)),
            wal_write_ms_max=rng.choice((500, 3000)),
            journal_interval_ms=rng.choice((200, 1000)),
            journal_rows_max=rng.choice((20, 50_000)),
            journal_chunk_rows=rng.choice((10, 5000)),
            journal_snapshot_ms=rng.choice((1000, 10_000)),
            journal_grace_ms=rng.choice((500, 5000)),
            journal_lease_ms=rng.choice((500, 5000)),
            background_interval_ms=rng.choice((100, 400, 1500)),
            retention_interval_ms=rng.choice((500, 3000)),
            collect_batch=rng.choice((2, 256)),
            lease_ms=rng.choice((300, 2000)),
            producer_expiration_ms=24 * HOUR_MS,
        ),
        groups=GroupSettings(
            session_timeout_ms_min=500,
            initial_rebalance_delay_ms=rng.choice((0, 300)),
            offsets_retention_check_interval_ms=5000,
            consumer_session_timeout_ms=1500,
            consumer_session_timeout_ms_min=500,
            consumer_heartbeat_interval_ms=300,
            consumer_heartbeat_interval_ms_min=100,
        ),
        limits=Limits(
            produces_in_flight_max=rng.choice((1, 3, 256)),
            unsent_bytes_max=rng.choice((1, 500, 1 << 20)),
            unsent_total_bytes_max=rng.choice((600, 1 << 20)),
        ),
    )


def is_quiet(settings: WeatherSettings) -> bool:
    """Whether every flush that becomes durable is committed, but for those that a kill came between."""
    return not (settings.disk_error or settings.store_trouble or settings.metastore_trouble)


class Weather:
    """Draws from one seeded source, and counts what it did."""

    def __init__(self, rng: Random, loop: SimLoop, settings: WeatherSettings) -> None:
        self.rng = rng
        self.loop = loop
        self.settings = settings
        self.calm = False  # at the end of a run: nothing goes wrong any more
        self.injected: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.note: Callable[[str], None] = lambda line: None
        self.crash: Callable[[Process, bool], None] = lambda process, power_loss: None

    def chance(self, probability: float) -> bool:
        return not self.calm and self.rng.random() < probability

    def between(self, low: float, high: float) -> float:
        return self.rng.uniform(low, high)

    def latency(self) -> float:
        """Seconds of one hop: mostly short, with a tail."""
        mean = self.settings.latency_s
        return self.rng.expovariate(1 / mean) if self.rng.random() < 0.95 else 10 * mean

    def saw(self, what: str) -> None:
        """Something that a run should meet now and then; counted, not told."""
        self.met[what] += 1

    def count(self, what: str, where: str = "") -> None:
        self.injected[what] += 1
        self.note(f"{what} {where}")

    def crash_point(self, process: Process, where: str) -> None:
        if self.chance(self.settings.crash_point):
            power_loss = self.rng.random() < self.settings.power_loss
            self.count("power loss" if power_loss else "kill", f"of {process.name}: {where}")
            self.crash(process, power_loss)

    # -- disk ----------------------------------------------------------------------------------------
    def disk_step(self, process: Process, call: str) -> int | None:
        if self.chance(self.settings.give_way) or self.calm:
            self.loop.give_way(self.latency() / 4)
        self.crash_point(process, call)
        if not process.alive:
            raise Killed
        if call in ("write", "sync", "allocate", "open", "read", "rename") and self.chance(
            self.settings.disk_error
        ):
            code = errno.ENOSPC if call in ("write", "allocate") else errno.EIO
            self.count("disk error", f"{errno.errorcode[code]} at {call} of {process.name}")
            return code
        return None

    # -- store -------------------------------------------------------------------------------------
    def store_step(self, process: Process, request: str, key: str) -> Trouble | None:
        self.loop.give_way(self.latency())
        if not process.alive:
            raise Killed
        self.crash_point(process, f"{request} {key}")
        if not process.alive:
            raise Killed
        if not self.chance(self.settings.store_trouble):
            return None
        if request in ("put", "delete"):
            trouble = self.rng.choice((Trouble.ERROR, Trouble.LOST, Trouble.LATER, Trouble.TWICE))
        elif request == "get":
            trouble = self.rng.choice((Trouble.ERROR, Trouble.SHORT))
        else:
            trouble = Trouble.ERROR
        self.count(f"store: {trouble.name.lower()}", f"{request} {key} of {process.name}")
        return trouble

    def later(self, effect: Callable[[], object]) -> None:
        """A request that lands late, or never."""
        if self.rng.random() < 0.7:
            self.loop.world.call_later(self.rng.choice((0.1, 1.0, 5.0)), effect)

    # -- metastore -----------------------------------------------------------------------------------
    def metastore_read(self) -> None:
        if self.chance(self.settings.metastore_trouble):
            self.count("metastore read failed")
            raise StoreFault("simulated: the metastore did not answer")

    def metastore_write(self) -> str | None:
        if self.chance(self.settings.metastore_trouble):
            trouble = self.rng.choice(("before", "after"))
            self.count(f"metastore: fault {trouble} the commit")
            return trouble
        return None
