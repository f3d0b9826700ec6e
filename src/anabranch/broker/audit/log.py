"""The audit log of one broker: events in memory, lines on disk, heads in the metastore, a copy in a topic.

What produces an event never waits. Events queue up to a bound; a task takes them in batches, a thread writes
the lines and syncs them. Where the queue is full events are dropped, and the next line says how many and of
what kind; or, by configuration, requests that would be audited are refused until there is room. Either is
for a disk that does not keep up or is full: produce and fetch of topics that are not audited go on.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from anabranch.broker.audit import anchors, files
from anabranch.broker.audit.anchors import Head
from anabranch.broker.audit.chain import Chain
from anabranch.broker.audit.events import AuditEvent, Kind
from anabranch.broker.audit.settings import AuditSettings
from anabranch.errors import AnabranchError, StoreFault, UserFault
from anabranch.log.audit_trail import AuditFile, Line, list_files, read_lines
from anabranch.metastore.api import Metastore

logger = logging.getLogger(__name__)

GATHER_S: Final = 0.05  # lines written and synced together
BATCH_MAX: Final = 500  # events
ANCHOR_S: Final = 1.0  # how often a head is written while there is something new
RETRY_S: Final = 1.0  # after a disk said no

ToTopic = Callable[[str, list[bytes], int], Awaitable[None]]
"""Appends a chain's lines to the audit topic: chain, lines, time."""


class AuditLog:
    """See the module; an :class:`anabranch.broker.audit.events.AuditSink`. On one event loop."""

    active = True

    def __init__(
        self,
        settings: AuditSettings,
        directory: Path,
        metastore: Metastore,
        broker_id: int,
        epoch: int,
        now_ms: Callable[[], int],
        to_topic: ToTopic | None = None,
    ) -> None:
        self._settings = settings
        self.directory = directory
        self._metastore = metastore
        self._broker_id = broker_id
        self._now_ms = now_ms
        self._to_topic = to_topic
        self._chain = Chain(f"{broker_id}-{epoch}")
        self._writer = files.Writer(directory, self._chain.name, settings.file_bytes)
        self._thread = ThreadPoolExecutor(1, "audit")
        self._queue: deque[tuple[int, AuditEvent]] = deque()
        self._dropped: Counter[str] = Counter()  # by kind, since the last line that said so
        self._some = asyncio.Event()
        self._written = asyncio.Event()  # everything
        self._task: asyncio.Task[None] | None = None
        self._begun_ms = 0
        self._anchored_s = 0.0
        self._anchored_seq = -1
        self._first_seq = 0  # lines of this chain before it were removed
        self._closing = False
        self.events: Counter[str] = Counter()  # by kind, for metrics
        self.dropped = 0  # likewise
        self.failures = 0  # likewise: batches that a disk or the topic refused

    # -- the sink ------------------------------------------------------------------------------
    def record(self, event: AuditEvent) -> None:
        if len(self._queue) >= self._settings.queue_max:
            self._dropped[event.kind] += 1
            self.dropped += 1
            return
        self.events[event.kind] += 1
        self._queue.append((self._now_ms(), event))
        self._some.set()
        self._written.clear()

    @property
    def refuses(self) -> bool:
        """Whether what would be audited has to be refused now."""
        return self._settings.on_full == "refuse" and len(self._queue) >= self._settings.queue_max

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def chain(self) -> str:
        return self._chain.name

    # -- life ----------------------------------------------------------------------------------
    async def start(self) -> None:
        """Begin the chain. Raises UserFault if its directory cannot be written to, StoreFault."""
        self._begun_ms = self._now_ms()
        heads = await anchors.load_all(self._metastore)
        mine = [head for head in heads.values() if head.broker_id == self._broker_id]
        last = max(mine, key=lambda head: head.begun_ms, default=None)
        before = None if last is None else {"chain": last.chain, "seq": last.seq, "hash": last.hash}
        event = AuditEvent(Kind.LOG, reason="begun", details={"before": before})
        try:
            await self._write([(self._begun_ms, event)])
        except StoreFault as fault:
            raise UserFault(f"the audit log cannot be kept: {fault}") from None
        await self._anchor()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="audit log")

    async def close(self) -> None:
        """Write what is queued, end the chain, keep its head."""
        self._closing = True
        self._some.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._drain()
            await self._write([(self._now_ms(), AuditEvent(Kind.LOG, reason="ended"))])
            await self._anchor(closed=True)
        except AnabranchError as fault:
            logger.error("the audit log ends without its last %d events: %s", self.queued, fault)
        self._thread.shutdown()
        self._writer.close()

    async def flush(self) -> None:
        """Return once what was recorded so far is on disk."""
        if self._queue:
            await self._written.wait()

    # -- writing -------------------------------------------------------------------------------
    async def _run(self) -> None:
        while not self._closing:
            await self._some.wait()
            if self._closing:
                return
            self._some.clear()
            await asyncio.sleep(GATHER_S)
            try:
                await self._drain()
                await self._keep_anchored()
            except AnabranchError as fault:
                self.failures += 1
                logger.error("audit events wait (%d): %s", self.queued, fault)
                await asyncio.sleep(RETRY_S)
                self._some.set()
            except Exception:
                self.failures += 1
                logger.exception("audit events wait (%d)", self.queued)
                await asyncio.sleep(RETRY_S)
                self._some.set()

    async def _drain(self) -> None:
        while self._queue or self._dropped:
            batch = [self._queue[n] for n in range(min(len(self._queue), BATCH_MAX))]
            dropped, self._dropped = self._dropped, Counter()
            taken = len(batch)
            if dropped:
                said = AuditEvent(Kind.LOG, reason="dropped", details=dict(dropped))
                batch.append((self._now_ms(), said))
            try:
                await self._write(batch)
            except BaseException:
                self._dropped += dropped
                raise
            for _ in range(taken):
                self._queue.popleft()
        self._written.set()

    async def _write(self, batch: list[tuple[int, AuditEvent]]) -> None:
        loop = asyncio.get_running_loop()
        lines, begun = await loop.run_in_executor(self._thread, self._write_lines, batch)
        if self._to_topic is not None:
            try:
                await self._to_topic(self._chain.name, lines, batch[-1][0])
            except AnabranchError as fault:
                # The files have it, and what the topic lacks is seen by `audit verify --topic`.
                self.failures += 1
                logger.error("the audit topic lacks %d lines: %s", len(lines), fault)
        if begun:
            await self._remove_old()

    def _write_lines(self, batch: list[tuple[int, AuditEvent]]) -> tuple[list[bytes], bool]:
        chain = self._chain
        seq, head = chain.seq, chain.head
        lines = [chain.line(event, at_ms) for at_ms, event in batch]
        try:
            return lines, self._writer.write(b"".join(lines))
        except StoreFault:
            chain.seq, chain.head = seq, head  # the same lines will be written again
            raise

    async def _remove_old(self) -> None:
        """Keep the number of this broker's files. A line says which goes before it does."""
        loop = asyncio.get_running_loop()
        listed = await loop.run_in_executor(self._thread, list_files, self.directory)
        mine = [one for one in listed if one.broker_id == self._broker_id]
        for old in mine[: max(0, len(mine) - self._settings.files_max)]:
            last = await loop.run_in_executor(self._thread, _last_line, old.path)
            details = {"file": old.path.name, "through": last}
            event = AuditEvent(Kind.LOG, reason="removed", details=details)
            await loop.run_in_executor(self._thread, self._write_lines, [(self._now_ms(), event)])
            await self._forget(old.chain, last, [one for one in mine if one.chain == old.chain])
            await loop.run_in_executor(self._thread, old.path.unlink, True)
            mine = [one for one in mine if one is not old]

    async def _forget(self, chain: str, last: int, of_chain: list[AuditFile]) -> None:
        """The head of a chain of which a file goes: where it begins now, or nothing."""
        heads = await anchors.load_all(self._metastore)
        head = heads.get(chain)
        if head is None:
            return
        if len(of_chain) == 1 and chain != self._chain.name:
            await anchors.forget(self._metastore, chain)
        else:
            shorter = msgspec.structs.replace(head, first_seq=last + 1)
            await anchors.save(self._metastore, shorter, self._now_ms())
            if chain == self._chain.name:
                self._first_seq = last + 1

    async def _keep_anchored(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._anchored_s >= ANCHOR_S:
            await self._anchor()
        elif self._anchored_seq != self._chain.seq - 1:
            loop.call_later(ANCHOR_S, self._some.set)  # nothing may come any more

    async def _anchor(self, *, closed: bool = False) -> None:
        if self._anchored_seq == self._chain.seq - 1 and not closed:
            return
        seq = self._chain.seq - 1
        head = Head(
            self._chain.name,
            self._broker_id,
            self._begun_ms,
            seq,
            self._chain.head,
            self._first_seq,
            closed,
            where(self.directory),
            self._settings.topic or "",
        )
        await anchors.save(self._metastore, head, self._now_ms())
        self._anchored_seq = seq
        self._anchored_s = asyncio.get_running_loop().time()


def where(directory: Path) -> str:
    """A directory of this machine."""
    return f"{socket.gethostname()}:{directory.absolute()}"


def _last_line(path: Path) -> int:
    """The number of a file's last line, -1 if it has none."""
    last = -1
    for line in read_lines(path):
        if isinstance(line, Line):
            last = line.seq
    return last
