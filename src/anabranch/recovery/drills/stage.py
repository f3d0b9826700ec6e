"""A scratch cluster with the newest records of a stream: a drill breaks and repairs it, and nothing else.

What makes it safe: the scratch directory is new, and refused inside of what is drilled; the processor is told of the
scratch cluster and its sink by its environment alone, without what may name the production's; the production's
metastore is looked at before and after, and a drill that changed it has failed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from anabranch.errors import StoreFault, UserFault
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.log.reader import plan_splits, read_splits
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Metastore, Topic
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.capture import points
from anabranch.recovery.checks.verify import Verification
from anabranch.recovery.drills.copies.common import Judged
from anabranch.recovery.drills.copies.kinds import copy_of
from anabranch.recovery.drills.declared import Stream
from anabranch.recovery.model import Checkpoint, RecoveryPoint, topic_id_text
from anabranch.recovery.plans import planning
from anabranch.recovery.plans.plan import Plan
from anabranch.recovery.promotion import promote
from anabranch.recovery.replays import processes, replay
from anabranch.recovery.replays.broker_process import BrokerProcess
from anabranch.recovery.replays.leash import Leash
from anabranch.recovery.replays.runner import OnProgress
from anabranch.recovery.replays.session import Session, Status
from anabranch.recovery.sinks.locations import opened_lines, read_sink
from anabranch.recovery.sinks.source import SOURCES_VARIABLE, Source, sources_to_environment

HOST: Final = "127.0.0.1"
LOOK_S: Final = 0.1
BATCH: Final = 500  # records of a batch in the scratch cluster
_REFUSED: Final = re.compile(r"(\d+) of (\d+) requests were answered 503")
RATE: Final = 1 << 30  # bytes per second: a drill measures what the processor can
# Variables that could lead a processor to production; all of ours are set anew.
_TOLD: Final = ("ANABRANCH_", "KAFKA_", "BOOTSTRAP_", "PG")


class Figures(NamedTuple):
    """What a recovery came to."""

    session: Session
    plan: Plan
    verifications: tuple[Verification, ...]
    judged: Judged
    seconds: float
    facts: tuple[tuple[str, str], ...]


def scratch_broker(data: Path, log: Path, leash: Leash, config: str = "") -> BrokerProcess:
    """The scratch cluster's, which scenarios may kill; ``config``: its settings, as TOML."""
    words = ["--data", str(data)]
    if config:
        path = data.with_name("broker.toml")
        path.write_text(config)
        words += ["--config", str(path)]
    return BrokerProcess(words, log, "the drill's broker", leash=leash)


class Stage:
    """One scratch cluster; ``reset`` brings it back to how it was when the live processor had read everything."""

    def __init__(
        self, root: Path, stream: Stream, base: Path, timeout_s: float, leash: Leash
    ) -> None:
        """``base``: what the command's relative paths are relative to. ``leash``: of everything that is started."""
        self.root = root
        self._leash = leash
        self.stream = stream
        self.work = root / "work"
        self.data = self.work / "data"
        self.checkpoint_path = self.work / "checkpoint"
        self.work.mkdir(parents=True)
        self.copy = copy_of(stream, self.work)
        self.output = root / "processor.log"
        self._base = base
        self._timeout_s = timeout_s
        self.broker = scratch_broker(self.data, root / "broker.log", leash)
        self.log: Log
        self.point: RecoveryPoint
        self.records = 0
        self._number = 0
        self._partitions: dict[str, int] = {}
        self._strained: Path | None = None
        self._first_ms = self._last_ms = 0

    @property
    def span_ms(self) -> int:
        """From the first to the last timestamp of the inputs' records."""
        return self._last_ms - self._first_ms

    @property
    def sink(self) -> str:
        """The copy of the sink, as ``--sink`` takes it."""
        return self.copy.location(self.broker.address)

    def partitions_of(self, topic: str) -> int:
        """As many as the production's topic of this name has; of one that is elsewhere, as the first input has."""
        return self._partitions.get(topic) or self._partitions[self.stream.inputs[0]]

    @property
    def metastore(self) -> Metastore:
        return self.log.metastore

    # -- filling it ------------------------------------------------------------------------------------
    async def fill(self, production: Log) -> None:
        """Copy the newest records of every input, run the live processor over the first half, take a point, run it
        over the rest, and keep what it made of it as the truth. Raises UserFault."""
        self._partitions = {t.name: t.partitions for t in production.catalogue.topics()}
        log = await open_log(
            Location(data=self.data),
            broker_id=1,
            host=HOST,
            port=1,
            create=True,
            settings=LogSettings(background=False, wal_file_bytes=8 << 20),
        )
        middles: dict[str, dict[int, int]] = {}
        try:
            for name in (*self.stream.inputs, *self.stream.enrichment):
                copied = await self._copy(production, log, name)
                if name in self.stream.inputs:
                    self.records += sum(copied.values())
                    middles[name] = {p: count // 2 for p, count in copied.items()}
        finally:
            await log.close()
        if not self.records:
            raise UserFault(
                "the stream's inputs hold no records: there is nothing to rehearse with"
            )
        async with self.running():
            await self.copy.prepare(self)
            await self.live(middles)
            self.point = await self.take_point("before")
            await self.copy.keep_older(self)
            await self.live(await self.ends())
            await self.copy.keep_truth(self)
        shutil.copytree(self.work, self.root / "base")
        self.copy.save()

    async def _copy(self, production: Log, log: Log, name: str) -> dict[int, int]:
        topic = production.catalogue.topic(name)
        if topic is None:
            raise UserFault(f"there is no topic “{name}”, which the stream reads")
        rows = {row.partition: row for row in await production.metastore.partitions(topic.no)}
        share = max(1, self.stream.drill.records // topic.partitions)
        starts = {p: max(row.log_start, row.next_offset - share) for p, row in rows.items()}
        scratch = await log.create_topic(
            name, topic.partitions, {"retention.ms": "-1", "retention.bytes": "-1"}
        )
        counts = dict.fromkeys(rows, 0)
        for batch in read_splits(await plan_splits(production, topic, start=starts)):
            found = batch.to_pylist()
            await append_rows(log, scratch, found)
            if found:
                if name in self.stream.inputs:
                    times = [round(row["timestamp"].timestamp() * 1000) for row in found]
                    self._first_ms = min(self._first_ms or times[0], *times)
                    self._last_ms = max(self._last_ms, *times)
                counts[found[0]["partition"]] += len(found)
        return counts

    # -- its life --------------------------------------------------------------------------------------
    def reset(self) -> None:
        """As it was when it was filled. Nothing runs on it. The place is the same, since a cluster knows it."""
        shutil.rmtree(self.work)
        shutil.copytree(self.root / "base", self.work)
        self.copy.reset()
        self.configure("")
        self._strained = None

    def configure(self, settings: str, log: Path | None = None) -> None:
        """The broker, from its next start on, with ``[log]`` settings (TOML)."""
        config = f"[log]\n{settings}" if settings else ""
        self.broker = scratch_broker(
            self.data, log or self.root / "broker.log", self._leash, config
        )

    def strain(self, settings: str) -> None:
        """From its next start on, the broker has a store under load (``[log]`` settings, as TOML)."""
        self._strained = self.root / "strained.log"
        self.configure(settings, self._strained)

    def refused(self) -> str:
        """How many requests the strained store refused, in the words of its broker, which has ended; "" if none."""
        if self._strained is None or not self._strained.exists():
            return ""
        found = _REFUSED.findall(self._strained.read_text(errors="replace"))
        return next((f"{n} of {of}" for n, of in reversed(found) if n != "0"), "")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """With a broker, and opened beside it."""
        await self.broker.start()
        try:
            async with self.opened():
                yield
        finally:
            await self.broker.stop()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        self.log = await open_log(Location(data=self.data), broker_id=None)
        try:
            yield
        finally:
            await self.log.close()

    # -- the live side ---------------------------------------------------------------------------------
    async def ends(self) -> dict[str, dict[int, int]]:
        """Where every input ends, by topic and partition."""
        found = {}
        for name in self.stream.inputs:
            topic = self.log.catalogue.topic(name)
            assert topic is not None
            rows = await self.metastore.partitions(topic.no)
            found[name] = {row.partition: row.next_offset for row in rows}
        return found

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def _environment(self) -> dict[str, str]:
        told = {k: v for k, v in os.environ.items() if not k.startswith(_TOLD)}
        return {**told, **self.stream.environment, **self.copy.environment}

    async def live(self, until: Mapping[str, Mapping[int, int]]) -> None:
        """Run the processor as the live one until its group has committed ``until``. Raises UserFault."""
        topics = {t.name: t for t in self.log.catalogue.topics() if t.name in self.stream.inputs}
        cluster = topic_id_text(self.metastore.cluster_id)
        starts = {name: dict.fromkeys(range(topic.partitions), 0) for name, topic in topics.items()}
        for one in await self.metastore.committed(self.stream.group):
            for topic in topics.values():
                if topic.no == one.topic_no:
                    starts[topic.name][one.partition] = one.offset
        every = (*self.stream.inputs, *self.stream.enrichment)
        sources = {
            topic.name: Source(cluster, topic_id_text(topic.id), topic.name)
            for topic in self.log.catalogue.topics()
            if topic.name in every
        }
        environment = {
            **self._environment(),
            "ANABRANCH_BOOTSTRAP": self.broker.address,
            "ANABRANCH_SECURITY_PROTOCOL": "PLAINTEXT",
            "ANABRANCH_GROUP": self.stream.group,
            "ANABRANCH_SESSION": "drill",
            "ANABRANCH_TOPICS": json.dumps({name: name for name in every}),
            "ANABRANCH_START_OFFSETS": json.dumps(starts),
            "ANABRANCH_END_OFFSETS": json.dumps(until),
            "ANABRANCH_SINK": self.copy.told(self.broker.address),
            "ANABRANCH_STAGING": "live",
            SOURCES_VARIABLE: sources_to_environment(sources),
        }
        if self.copy.is_effects:
            del environment["ANABRANCH_SESSION"]  # with it nothing would be performed
        with self.output.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *self._leash.words(self.stream.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._base,
                env=environment,
                start_new_session=True,
                pass_fds=self._leash.descriptors,
            )
        waiting = asyncio.ensure_future(process.wait())
        try:
            async with asyncio.timeout(self._timeout_s):
                while not await self._has_reached(until):
                    if waiting.done():
                        if await self._has_reached(until):
                            break
                        raise UserFault(
                            f"the processor ended by itself (exit status {waiting.result()}): {self.last_words()}"
                        )
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise UserFault(
                f"the processor had not read everything after {self._timeout_s:.0f} s: {self.last_words()}"
            ) from None
        finally:
            if not waiting.done():
                await processes.stop(process, waiting)
        await self.left()

    async def left(self) -> None:
        """The group's coordinator has heard that its member went, so that nobody waits for it later; of one that died
        without a word it knows when the member's session is over."""
        async with asyncio.timeout(self._timeout_s):
            while True:
                row = await self.metastore.group(self.stream.group)
                if row is None or row.state in promote.QUIET_STATES:
                    return
                await asyncio.sleep(LOOK_S)

    async def _has_reached(self, until: Mapping[str, Mapping[int, int]]) -> bool:
        topics = {topic.no: topic.name for topic in self.log.catalogue.topics()}
        found: dict[tuple[str, int], int] = {
            (topics.get(c.topic_no, ""), c.partition): c.offset
            for c in await self.metastore.committed(self.stream.group)
        }
        return all(
            found.get((name, p), 0) >= end
            for name, ends in until.items()
            for p, end in ends.items()
        )

    def last_words(self) -> str:
        lines = self.output.read_bytes()[-4096:].decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    # -- recovery --------------------------------------------------------------------------------------
    async def take_point(
        self, name: str, *, in_flight: bool = False, shift: int = 0, checkpoint: bool = True
    ) -> RecoveryPoint:
        """Of the group where it stands, with a copy of the sink. ``shift``: what a wrong convention adds."""
        taken: Checkpoint | None = None
        if checkpoint and self.copy.takes_checkpoints:
            with opened_lines(self.sink) as sink:
                taken = sink.take_checkpoint(self.checkpoint_path)
        explicit = []
        if shift:
            by_no = {topic.no: topic.name for topic in self.log.catalogue.topics()}
            explicit = [
                (by_no[c.topic_no], c.partition, max(0, c.offset + shift))
                for c in await self.metastore.committed(self.stream.group)
            ]
        self._number += 1
        return await points.capture(
            self.metastore,
            token=f"{self._number:04x}",
            name=name,
            now_ms=self.now_ms(),
            group=self.stream.group,
            explicit=explicit,
            sinks=[read_sink(self.sink)],
            topics=self.stream.inputs,
            checkpoint=taken,
            processor=self.stream.processor,
            version=self.stream.version,
            in_flight=in_flight,
            creator="drill",
        )

    async def plan(self, point: RecoveryPoint | None = None, *, with_sink: bool = True) -> Plan:
        """From a point, or from the start."""
        return await planning.plan_recovery(
            self.metastore,
            group=self.stream.group,
            now_ms=self.now_ms(),
            creator="drill",
            description="drill",
            point=point,
            from_start=point is None,
            topics=self.stream.inputs,
            rate=RATE,
            sinks=[read_sink(self.sink)] if with_sink else [],
            extents=self.log.extents,
        )

    async def recover(
        self,
        plan: Plan,
        *,
        also: Sequence[str] = (),
        on_progress: OnProgress = lambda _: None,
        on_done: Callable[[], None] = lambda: None,
        finish: bool = True,
    ) -> Figures:
        """Replay into a staging line, compare it with the truth, promote it. ``on_done``: once the replay has ended, before
        its output is looked at. ``finish``: with what a person does before
        that, as release staged effects. Raises UserFault."""
        began = time.monotonic()
        self._number += 1
        session = await replay.prepare(
            self.log,
            plan,
            token=f"{self._number:04x}",
            now_ms=self.now_ms(),
            command=self.stream.command,
            bootstrap=self.broker.address,
            creator="drill",
            sink=self.sink,
            also=also,
            restarts=3,
        )
        runner = replay.Runner(
            self.metastore,
            session,
            output=self.output,
            environ=self._environment(),
            on_progress=on_progress,
            leash=self._leash,
            directory=self._base,
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                session = await runner.run()
        except TimeoutError:
            raise UserFault(
                f"the replay was not done after {self._timeout_s:.0f} s: {self.last_words()}"
            ) from None
        if session.status is not Status.COMPLETED:
            raise UserFault(f"the replay {session.status}: {session.error}")
        assert session.sink is not None
        on_done()
        if finish:
            await self.copy.finish(self, session)
        verified = await self.copy.verify(self, session.sink.line, plan)
        judged = self.copy.judge(self, session, plan)
        if self.copy.promotes and all(each.passed for each in verified):
            await promote.promote(
                self.metastore, session, creator="drill", now_ms=self.now_ms(), log=self.log
            )
        seconds = time.monotonic() - began
        return Figures(session, plan, verified, judged, seconds, self.copy.facts())


async def append_rows(log: Log, topic: Topic, rows: Sequence[Mapping[str, Any]]) -> None:
    """Records of one partition, as the bucket reader gives them, in batches."""
    for at in range(0, len(rows), BATCH):
        part = rows[at : at + BATCH]
        records = [
            Record(
                n,
                round(row["timestamp"].timestamp() * 1000),
                row["key"],
                row["value"],
                tuple((header["key"], header["value"]) for header in row["headers"]),
            )
            for n, row in enumerate(part)
        ]
        data = memoryview(bytearray(build_batch(records)))
        await log.append(topic, part[0]["partition"], data)


# -- the guard -------------------------------------------------------------------------------------------
def require_apart(root: Path, where: Location, stream: Stream) -> None:
    """Raises UserFault if the scratch place is, holds or lies in what is drilled."""
    root = root.resolve()
    kept = [where.data] if where.data is not None else []
    scheme, _, place = stream.sink.partition(":")
    if scheme in ("sqlite", "parquet", "delta", "http") and "://" not in stream.sink:
        kept.append(Path(place))
    for each in kept:
        path = each.resolve()
        if root == path or root in path.parents or path in root.parents:
            raise UserFault(f"a drill's scratch place {root} must lie apart from {path}")


async def fingerprint(metastore: Metastore, stream: Stream) -> str:
    """What a drill must not change of the production: its topics, its inputs' pasts, the sink's staging lines.

    Live traffic goes on meanwhile, so ends of logs and committed offsets are left out.
    """
    topics = sorted((t.name, topic_id_text(t.id), t.partitions) for t in await metastore.topics())
    groups = sorted(
        row.group_id
        for row in await metastore.groups()
        if row.group_id == stream.group or row.group_id.startswith(("replay.", "shadow."))
    )
    sessions = sorted(d.id for d in await metastore.documents("replay"))
    lines: list[str] = []
    try:
        with opened_lines(stream.sink) as sink:
            lines = sorted(line.name for line in sink.lines())
    except (UserFault, StoreFault):
        pass  # it is not there: the report says so elsewhere
    text = json.dumps([topics, groups, sessions, lines])
    return hashlib.sha256(text.encode()).hexdigest()


Progress = Callable[[str], None]
