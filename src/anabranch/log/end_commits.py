"""Flushes of markers on their way through the commit stage: transactions end, all of a flush at once (I6).

As with appends, a flush that nobody is before is planned before its write, and its SQL transaction runs
while the markers are being synced; only its ``COMMIT`` waits for them (I1). What such a plan could not
know of, another broker's append or an end that came before, loses it and is looked at again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from anabranch.log.ending import Ending, Placed, PlannedEnds, logs_of, plan_endings
from anabranch.log.flush import Flush, conclude_share
from anabranch.log.partition import LOOK_AGAIN, PartitionLog
from anabranch.log.planning import moved
from anabranch.log.tail import Run, TailBudget
from anabranch.metastore.api import EndOutcome, Handover, Metastore
from anabranch.records.batch import place

ATTEMPTS_MAX = 8  # each means that another broker's append or end went through


class EndsAhead(NamedTuple):
    """What was planned of a flush before its write, and what becomes of it."""

    plan: PlannedEnds
    handover: Handover
    outcome: asyncio.Future[EndOutcome]

    def hand_over(self, flush: Flush) -> None:
        """The flush has its place; on the WAL's thread."""
        positions = {
            (share.log.topic.no, share.log.partition): share.position for share in flush.shares
        }
        commits = [moved(one, positions[one.topic_no, one.partition]) for one in self.plan.commits]
        self.handover.place(flush.object_key, commits, self.plan.ends)


class EndCommits:
    """Commits flushes of markers, one after the other, and tells who waits."""

    def __init__(
        self,
        metastore: Metastore,
        budget: TailBudget,
        now_ms: Callable[[], int],
        shared_now_ms: Callable[[], int],
        reload: Callable[[PartitionLog], Awaitable[None]],
        published: Callable[[int, int], None],
    ) -> None:
        """``reload`` reads again what a partition is judged by; ``published`` is told of the records and
        bytes of markers that readers see now."""
        self._metastore = metastore
        self._budget = budget
        self._now_ms = now_ms
        self._shared_now_ms = shared_now_ms
        self._reload = reload
        self._published = published

    def begin_ahead(self, flush: Flush) -> EndsAhead | None:
        """Plan a flush that nobody is before, as if its parts lay at byte 0; None if that takes a look at
        the metastore."""
        if any(
            log.stale or log.broken or log.producers is None for log in logs_of(flush.endings)
        ) or any(ending.future.done() for ending in flush.endings):
            return None
        plan = plan_endings(_placed(flush), flush.endings, self._now_ms())
        handover = Handover()
        outcome = asyncio.ensure_future(
            self._metastore.commit_ends(handover, self._shared_now_ms())
        )
        return EndsAhead(plan, handover, outcome)

    async def commit(self, flush: Flush, ahead: EndsAhead | None) -> None:
        """All of them at once. Those that are no longer as they were seen are told so, and the others tried
        again without them. Raises StoreFault, also what the flush's write failed with."""
        left = flush.endings
        if ahead is not None:
            outcome = await ahead.outcome
            await flush.written
            left = self._conclude(flush, left, ahead.plan, outcome)
        else:
            await flush.written
        shares = _placed(flush)
        for _ in range(ATTEMPTS_MAX):
            for log in logs_of(left):
                if log.stale or log.producers is None:
                    await self._reload(log)
            for ending in left:
                if any(log.broken for log in ending.logs):
                    ending.answer(None)  # a topic was deleted: there it needs no marker
            left = _unanswered(left)
            if not left:
                return
            if any(log.stale or log.producers is None for log in logs_of(left)):
                continue  # one changed while another was read
            plan = plan_endings(shares, left, self._now_ms())
            outcome = await self._metastore.end_transactions(
                flush.object_key, plan.commits, plan.ends, self._shared_now_ms()
            )
            left = self._conclude(flush, left, plan, outcome)
        for ending in left:
            ending.answer(None)

    def _conclude(
        self, flush: Flush, left: Sequence[Ending], plan: PlannedEnds, outcome: EndOutcome
    ) -> list[Ending]:
        """Answer those of ``left`` whose fate is known; returns the others. Nothing happened to any, or all
        of them ended."""
        if outcome.ids:
            self._publish(plan, outcome)
            commits = {(one.topic_no, one.partition): one for one in plan.commits}
            for share in flush.shares:
                if commit := commits.get((share.log.topic.no, share.log.partition)):
                    conclude_share(flush, share, commit)
            for ending, after in zip(left, outcome.ids, strict=True):
                ending.answer(after)
            return []
        for index in outcome.stale:
            left[index].answer(None)
        by_key = {(log.topic.no, log.partition): log for log in plan.placed}
        for key, row in outcome.lost:
            if row is None:
                by_key[key].gone()
            else:
                by_key[key].apply(row)
                by_key[key].producers = None
        return _unanswered(left)

    def _publish(self, plan: PlannedEnds, outcome: EndOutcome) -> None:
        """The commit is durable: show it to readers."""
        rows = {(row.topic_no, row.partition): row for row in outcome.partitions}
        commits = {(one.topic_no, one.partition): one for one in plan.commits}
        for log, placed in plan.placed.items():
            key = (log.topic.no, log.partition)
            commit, row = commits[key], rows[key]
            self._published(len(placed), sum(extent.length for extent in commit.extents))
            if log.next_offset != commit.expected_next or row.next_offset != commit.next_offset:
                log.stale = True  # a reload saw it before us, and perhaps others behind it
            else:
                for ending, offset in placed:
                    data = memoryview(bytearray(ending.marker))
                    place(data, 0, offset, log.leader_epoch)
                    self._budget.admit(log.tail, Run(offset, offset, data))
                log.next_offset = commit.next_offset
                log.unstable, log.aborted_end = row.unstable, row.aborted_end
                log.remember(commit.producers)
                log.check()
            log.wake(LOOK_AGAIN)  # what it had written may be read from now on


def _placed(flush: Flush) -> dict[PartitionLog, list[Placed]]:
    return {
        share.log: [
            Placed(ending, share.position + place * len(ending.marker))
            for place, ending in enumerate(share.endings)
        ]
        for share in flush.shares
    }


def _unanswered(endings: Sequence[Ending]) -> list[Ending]:
    return [ending for ending in endings if not ending.future.done()]
