"""What a broker keeps in memory of one partition: a cache of the metastore's row, never the truth (I4)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from anabranch.log.awaited import Awaited
from anabranch.log.tail import Tail
from anabranch.log.waiting import Waiter
from anabranch.metastore.api import LeaderEpoch, Partition, ProducerState, Topic
from anabranch.records.header import BatchHeader
from anabranch.storage.wal_format import Seen

LOOK_AGAIN = 1 << 62  # bytes: whoever waits looks for itself, however much it waits for


class PartitionLog:
    """Invariants: ``0 <= log_start <= next_offset``; the tail, if any, ends at ``next_offset``;
    ``log_start <= last_stable_offset <= next_offset``.

    ``producers`` is None until loaded. It is exactly as new as ``next_offset``: every append changes
    both in one transaction, so a commit that wins the compare-and-set of ``next_offset`` was also
    judged against current producer states (I5). In the order of their last appends, so that those
    that expire are in front.
    """

    __slots__ = (
        "aborted_end",
        "awaited",
        "broken",
        "doubtful",
        "epochs",
        "last_commit",
        "leader_epoch",
        "log_start",
        "next_offset",
        "partition",
        "producers",
        "skips",
        "stale",
        "tail",
        "topic",
        "unstable",
        "waiters",
    )

    def __init__(self, topic: Topic, row: Partition) -> None:
        self.topic = topic
        self.partition = row.partition
        self.next_offset = row.next_offset
        self.log_start = row.log_start
        self.leader_epoch = row.leader_epoch
        self.epochs: Sequence[LeaderEpoch] | None = (
            None  # of this leader epoch, once they were asked for
        )
        self.skips = row.skips
        # Both are exactly as new as next_offset, too: a transaction begins and ends with an append.
        self.unstable = row.unstable  # where the first open transaction begins; -1 without one
        self.aborted_end = row.aborted_end  # behind the last aborted one
        self.producers: OrderedDict[int, ProducerState] | None = None
        self.awaited = Awaited()
        self.tail = Tail()
        self.waiters: dict[Waiter, None] = {}  # a set would wake them in another order every time
        self.stale = False  # the outcome of a commit is unknown: ask before the next commit or read
        self.broken = False  # the topic is gone
        self.doubtful = False  # something changed somewhere, and nobody looked whether here
        # Of this start's last commit here: its flush, and the offsets that it got.
        self.last_commit: tuple[int, int, int] | None = None

    @property
    def seen(self) -> Seen:
        """What a flush that begins now tells of the partition."""
        return Seen(self.leader_epoch, self.next_offset, *(self.last_commit or ()))

    @property
    def high_watermark(self) -> int:
        """Every committed offset is below it and readable: there are no replicas to wait for."""
        return self.next_offset

    @property
    def last_stable_offset(self) -> int:
        """What read_committed readers see ends here: where the first open transaction begins, or at the
        high watermark."""
        if self.unstable < 0:
            return self.next_offset
        return max(self.unstable, self.log_start)

    def apply(self, row: Partition) -> None:
        """Take over what the metastore says; forget what was derived from an older state."""
        self.doubtful = False
        self._notice_skips(row)
        if row.leader_epoch != self.leader_epoch:
            self._go_over(row)
        if row.next_offset != self.next_offset:
            self.tail.clear()
            self.producers = None
            moved = row.next_offset - self.next_offset
            self.next_offset = row.next_offset
            self.unstable, self.aborted_end = row.unstable, row.aborted_end
            if moved > 0:
                self.wake(LOOK_AGAIN)
        self.log_start = row.log_start
        self.stale = False
        self.check()

    def _go_over(self, row: Partition) -> None:
        """Another line stands here now: nothing that is known of the one before is true of it, and who waits
        is to hear of it."""
        self.tail.clear()
        self.producers = None
        self.last_commit = None
        self.epochs = None
        self.leader_epoch = row.leader_epoch
        self.next_offset, self.skips = row.next_offset, row.skips
        self.unstable, self.aborted_end = row.unstable, row.aborted_end
        self.log_start = row.log_start
        self.wake(LOOK_AGAIN)

    def apply_if_newer(self, row: Partition) -> None:
        """As :meth:`apply`, for a row that may have been read before our own latest commit."""
        if row.leader_epoch < self.leader_epoch:
            return  # read before a promotion that is known here: of the line that is gone
        self.doubtful = False
        if row.next_offset >= self.next_offset or row.leader_epoch > self.leader_epoch:
            self.apply(row)
        else:
            self._notice_skips(row)
            self.log_start = max(self.log_start, row.log_start)

    def _notice_skips(self, row: Partition) -> None:
        """What an operator skipped may still be in memory, as it was."""
        if row.skips > self.skips:
            self.tail.clear()
            self.skips = row.skips

    def gone(self) -> None:
        """The topic was deleted: whoever waits here learns it now."""
        self.broken = True
        self.wake(LOOK_AGAIN)

    # -- producers -------------------------------------------------------------------------------
    def set_producers(self, states: Iterable[ProducerState]) -> None:
        ordered = sorted(states, key=lambda state: state.updated_ms)
        self.producers = OrderedDict((state.producer_id, state) for state in ordered)

    def remember(self, states: Iterable[ProducerState]) -> None:
        """Take over what our own commit made of these producers."""
        if self.producers is not None:
            for state in states:
                self.producers[state.producer_id] = state
                self.awaited.came(state.producer_id)
                self.producers.move_to_end(state.producer_id)

    def await_again(self, failed: BatchHeader) -> None:
        """A batch that failed is to come before any that its producer sent behind it."""
        if self.producers is None or failed.producer_id not in self.producers:
            self.awaited.add(failed.producer_id, failed.producer_epoch, failed.base_sequence)

    def forget_producers(self, before_ms: int) -> None:
        """Drop producers idle since ``before_ms``, as the metastore does: memory is bounded alike."""
        while self.producers:
            oldest = next(iter(self.producers.values()))
            if oldest.updated_ms >= before_ms:
                break
            del self.producers[oldest.producer_id]

    # -- waiters ---------------------------------------------------------------------------------

    def wake(self, appended_bytes: int) -> None:
        """Tell the fetches that wait here how much more there is to read."""
        for waiter in tuple(self.waiters):
            waiter.notify(appended_bytes)

    def check(self) -> None:
        assert 0 <= self.log_start <= self.next_offset, (self.log_start, self.next_offset)
        assert self.unstable < self.next_offset and self.aborted_end <= self.next_offset
